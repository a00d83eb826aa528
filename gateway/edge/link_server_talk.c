/* What a link says, what is said to it, and what is known of it. */
#include "gateway/edge/link_server_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* ---- what a link says ---- */

/* The place of the link called @name: its own, one that none has had, or that
 * of one that is gone. NULL: all are taken. */
static struct link *link_named(struct link_server *server,
			       const struct name *name)
{
	struct link *unused = NULL;
	struct link *gone = NULL;

	for (size_t i = 0; i < LINK_SERVER_LINKS_MAX; i++) {
		struct link *link = &server->links[i];

		if (span_equal(name_span(&link->hello.name), name_span(name)))
			return link;
		if (link->hello.name.size == 0 && unused == NULL)
			unused = link;
		else if (link->fd < 0 && gone == NULL)
			gone = link;
	}
	if (unused == NULL && gone != NULL)
		gone->today = (struct link_used){0, 0};
	return unused != NULL ? unused : gone;
}

void link_guest_greet(struct link *guest, const struct link_hello *hello)
{
	struct link_server *server = guest->server;
	struct link *link = link_named(server, &hello->name);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};
	int result;

	if (hello->version != LINK_VERSION) {
		link_refuse(guest, "it speaks another version");
		return;
	}
	if (link == NULL) {
		link_refuse(guest, "there are too many links");
		return;
	}
	if (link->fd >= 0)
		link_end(link, "the link came anew");
	link_day_recall(link, &hello->name);
	link->fd = guest->fd;
	link->hello = *hello;
	link->heard_ms = guest->heard_ms;
	link->sent = 0;
	link->allowed = 0;
	link->told = (struct link_used){0, 0};
	guest->fd = -1;
	result = epoll_ctl(server->poll, EPOLL_CTL_MOD, link->fd, &event);
	ASSERT(result == 0); /* it is in the set */
	log_event(server->config.log, LEVEL_INFO, "link_here",
		  "link %.*s is running", (int)hello->name.size,
		  hello->name.data);
}

static void on_up(struct link *link)
{
	const struct link_handlers *handlers = &link->server->config.handlers;
	struct name name = link->hello.name;

	if (link->is_up)
		return;
	link->is_up = true;
	log_event(link->server->config.log, LEVEL_NOTICE, "link_up",
		  "link %.*s reaches its broker", (int)name.size, name.data);
	handlers->up(handlers->context, link);
}

static void on_message(struct link *link, const struct link_message *message)
{
	const struct link_handlers *handlers = &link->server->config.handlers;
	enum sync_plane plane;

	if (!link->is_up)
		return;
	/* What is retained elsewhere would come again at each connect. */
	if (message->is_retained &&
	    (!link_topic_read(message->topic, &plane) ||
	     (plane != SYNC_PLANE_HEAD && plane != SYNC_PLANE_ALARM)))
		return;
	handlers->message(handlers->context, link, message);
}

void link_room_tell(struct link *link)
{
	const struct link_handlers *handlers = &link->server->config.handlers;

	if (!link->is_up || !link->is_room_wanted)
		return;
	link->is_room_wanted = false;
	handlers->room(handlers->context, link);
}

static void on_room(struct link *link, uint64_t allowed)
{
	if (allowed < link->allowed) {
		link_refuse(link, "it took back room that it had given");
		return;
	}
	link->allowed = allowed;
	link_room_tell(link);
}

static void on_used(struct link *link, const struct link_used *used)
{
	struct link_used *today = link_today(link);

	if (used->in < link->told.in || used->out < link->told.out) {
		link_refuse(link, "it took back bytes that it had counted");
		return;
	}
	today->in += used->in - link->told.in;
	today->out += used->out - link->told.out;
	link->told = *used;
}

void link_packet_take(struct link *link, const struct link_packet *packet)
{
	switch (packet->kind) {
	case LINK_UP:
		on_up(link);
		break;
	case LINK_DOWN:
		text_print(packet->reason, link->reason, sizeof(link->reason));
		link_lost(link, packet->reason);
		break;
	case LINK_MESSAGE:
		on_message(link, &packet->message);
		break;
	case LINK_ROOM:
		on_room(link, packet->room);
		break;
	case LINK_USED:
		on_used(link, &packet->used);
		break;
	case LINK_HELLO:
	case LINK_PUBLISH:
		link_refuse(link, "it said what a link does not say");
		break;
	}
}

/* ---- publishing ---- */

static enum err_code room_want(struct link *link, bool is_socket_full)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT,
				    .data.ptr = link};

	link->is_room_wanted = true;
	/* If it cannot be watched, ROOM comes, or the link's end. */
	if (is_socket_full)
		(void)epoll_ctl(link->server->poll, EPOLL_CTL_MOD, link->fd,
				&event);
	return ERR_AGAIN;
}

/* What passes when the day's budget is spent. */
static bool is_free(struct span topic)
{
	enum sync_plane plane;

	return link_topic_read(topic, &plane) &&
	       (plane == SYNC_PLANE_HEAD || plane == SYNC_PLANE_ALARM);
}

/* Once a day: whoever waits for what this link should bring finds out why. */
static void spent_tell(struct link *link)
{
	struct name name = link->hello.name;

	if (link->is_spent_told)
		return;
	link->is_spent_told = true;
	log_event(link->server->config.log, LEVEL_WARNING, "link_spent",
		  "link %.*s has used its %" PRIu64 " bytes of today: until "
		  "midnight (UTC) only heads and alarms leave",
		  (int)name.size, name.data, link->hello.budget);
}

enum err_code link_server_publish(struct link *link,
				  const struct link_message *message)
{
	struct link_packet packet = {.kind = LINK_PUBLISH, .message = *message};
	uint8_t *buffer = link->server->out;
	size_t size;

	if (!link_topic_takes(message->topic, message->payload.size) ||
	    message->qos > 1)
		return ERR_INVALID;
	if (!link->is_up)
		return ERR_AGAIN;
	if (!is_free(message->topic) && link_is_spent(link)) {
		spent_tell(link);
		return ERR_FULL;
	}
	if (link_cost(message) > link->allowed - link->sent)
		return room_want(link, false);
	size = link_encode(&packet, buffer);
	/* Any fault is told by reading, where nobody stands above us. */
	if (send(link->fd, buffer, size, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return room_want(link, errno == EAGAIN);
	link->sent += link_cost(message);
	return ERR_OK;
}

/* ---- what is known ---- */

struct link *link_server_link(struct link_server *server, size_t index)
{
	if (index >= LINK_SERVER_LINKS_MAX ||
	    server->links[index].hello.name.size == 0)
		return NULL;
	return &server->links[index];
}

struct name link_name(const struct link *link)
{
	return link->hello.name;
}

bool link_is_here(const struct link *link)
{
	return link->fd >= 0;
}

bool link_is_reached(const struct link *link)
{
	return link->is_up;
}

const char *link_reason(const struct link *link)
{
	return link->reason;
}

bool link_is_metered(const struct link *link)
{
	return link->hello.is_metered;
}

uint64_t link_room(const struct link *link)
{
	return link->is_up ? link->allowed - link->sent : 0;
}
