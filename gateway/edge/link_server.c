#include "gateway/edge/link_server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/edge/link_days.h"
#include "gateway/edge/local.h"

#define BEAT_MS 1000
#define DAYS_WRITE_MS 60000
/* Connections that have not said who they are. */
#define GUESTS_MAX 4
#define DAY_MS INT64_C(86400000)

struct link {
	struct link_server *server;
	int fd;                  /* -1: not connected */
	struct link_hello hello; /* its name is empty: none yet */
	int64_t heard_ms;        /* monotonic: its last packet */
	bool is_up;
	bool is_room_wanted;
	uint64_t sent;         /* since HELLO, as sums of link_cost */
	uint64_t allowed;      /* likewise */
	struct link_used told; /* as it said last */
	struct link_used today;
	int64_t day; /* since 1970 */
};

struct link_server {
	struct link_server_config config;
	int listener; /* -1: none */
	int poll;     /* an epoll of all: the loop has one source, and accepting
		       * allocates nothing */
	struct loop_source *source;
	struct loop_source *beat;
	struct link_day days[LINK_DAYS_MAX]; /* as in the file */
	int64_t days_ms;                     /* when that is written next */
	struct link links[LINK_SERVER_LINKS_MAX];
	struct link guests[GUESTS_MAX];
	uint8_t packet[LINK_PACKET_SIZE_MAX + 1]; /* what came last */
	uint8_t out[LINK_PACKET_SIZE_MAX]; /* a handler that reads `packet` may
					    * publish */
};

static int64_t now_ms(const struct link_server *server)
{
	return clock_monotonic_ms(server->config.clock);
}

/* ---- hanging up ---- */

static void fd_close(struct link *link)
{
	if (link->fd < 0)
		return;
	(void)epoll_ctl(link->server->poll, EPOLL_CTL_DEL, link->fd, NULL);
	(void)close(link->fd);
	link->fd = -1;
}

static void link_down(struct link *link, struct span reason)
{
	const struct link_handlers *handlers = &link->server->config.handlers;
	struct name name = link->hello.name;

	if (!link->is_up)
		return;
	link->is_up = false;
	link->is_room_wanted = false;
	log_event(link->server->config.log, LEVEL_WARNING, "link_down",
		  "link %.*s does not reach its broker: %.*s", (int)name.size,
		  name.data, (int)reason.size, reason.data);
	handlers->down(handlers->context, link, reason);
}

/* @why: of its process. A guest goes without a word but its fault. */
static void link_end(struct link *link, const char *why)
{
	fd_close(link);
	if (link->hello.name.size > 0)
		link_down(link, span_of(why));
}

/* It said what no link says, and so it is none. */
static void link_refuse(struct link *link, const char *why)
{
	struct name name = link->hello.name;

	log_event(link->server->config.log, LEVEL_ERROR, "link_refused",
		  "hung up on link %.*s: %s", (int)name.size, name.data, why);
	link_end(link, why);
}

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

/* ---- what was used today ---- */

/* One that was here before the server's start goes on with its day. */
static void day_recall(struct link *link, const struct name *name)
{
	const struct link_server *server = link->server;

	if (link->hello.name.size > 0)
		return; /* it is known since */
	for (size_t i = 0; i < LINK_DAYS_MAX; i++) {
		if (!span_equal(name_span(&server->days[i].name),
				name_span(name)))
			continue;
		link->today = server->days[i].used;
		link->day = server->days[i].day;
	}
}

/* One that has not come yet keeps its line. */
static void day_set(struct link_server *server, const struct link *link)
{
	struct link_day *line = NULL;

	for (size_t i = 0; i < LINK_DAYS_MAX; i++) {
		struct link_day *day = &server->days[i];

		if (span_equal(name_span(&day->name),
			       name_span(&link->hello.name)) ||
		    (line == NULL && day->name.size == 0))
			line = day;
	}
	/* Five names in four lines: the first makes way. */
	if (line == NULL)
		line = &server->days[0];
	*line = (struct link_day){link->hello.name, link->day, link->today};
}

static void days_write(struct link_server *server)
{
	struct err err;

	server->days_ms = now_ms(server) + DAYS_WRITE_MS;
	if (server->config.days == NULL)
		return;
	for (size_t i = 0; i < LINK_SERVER_LINKS_MAX; i++)
		if (server->links[i].hello.name.size > 0)
			day_set(server, &server->links[i]);
	if (link_days_write(server->config.days, server->days, &err) != ERR_OK)
		log_event(server->config.log, LEVEL_WARNING,
			  "link_days_unwritten", "%s", err.text);
}

/* One that comes a second time has lost its first connection, whatever that
 * looks like from here. */
static void guest_greet(struct link *guest, const struct link_hello *hello)
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
	day_recall(link, &hello->name);
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

static void room_tell(struct link *link)
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
	room_tell(link);
}

/* Begins the day anew when it is another. */
static struct link_used *link_today(struct link *link)
{
	const struct clock *clock = link->server->config.clock;
	int64_t day = clock_now(clock).moment.ms / DAY_MS;

	if (day != link->day)
		link->today = (struct link_used){0, 0};
	link->day = day;
	return &link->today;
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

static void packet_take(struct link *link, const struct link_packet *packet)
{
	switch (packet->kind) {
	case LINK_UP:
		on_up(link);
		break;
	case LINK_DOWN:
		link_down(link, packet->reason);
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

/* ---- reading ---- */

/* False: nothing is there now, or the link is gone. */
static bool packet_receive(struct link *link)
{
	struct link_server *server = link->server;
	struct link_packet packet;
	ssize_t got;

	do {
		got = recv(link->fd, server->packet, sizeof(server->packet),
			   MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got <= 0) {
		link_end(link, "the link's process ended");
		return false;
	}
	link->heard_ms = now_ms(server);
	if (!link_decode(server->packet, (size_t)got, &packet))
		link_refuse(link, "it sent what is no message");
	else if (link->hello.name.size > 0)
		packet_take(link, &packet);
	else if (packet.kind == LINK_HELLO)
		guest_greet(link, &packet.hello);
	else
		link_refuse(link, "it did not say who it is");
	return link->fd >= 0;
}

static void link_event(struct link *link, uint32_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};

	if ((what & EPOLLOUT) != 0 &&
	    epoll_ctl(link->server->poll, EPOLL_CTL_MOD, link->fd, &event) == 0)
		room_tell(link);
	for (int i = 0; i < LINK_TURN && link->fd >= 0; i++) {
		if (!packet_receive(link))
			break;
	}
}

/* ---- coming ---- */

static struct link *guest_unused(struct link_server *server)
{
	for (size_t i = 0; i < GUESTS_MAX; i++)
		if (server->guests[i].fd < 0)
			return &server->guests[i];
	return NULL;
}

static void listener_watch(struct link_server *server, uint32_t events)
{
	struct epoll_event event = {.events = events};
	int result = epoll_ctl(server->poll, EPOLL_CTL_MOD, server->listener,
			       &event);

	ASSERT(result == 0); /* it is in the set */
}

static void guest_accept(struct link_server *server)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct link *guest = guest_unused(server);
	uint64_t uid;
	int fd;

	fd = guest == NULL ? -1
			   : accept4(server->listener, NULL, NULL,
				     SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0) {
		/* Without a place it would be called again at once: the beat
		 * looks again. */
		if (guest == NULL || (errno != EAGAIN && errno != ECONNABORTED))
			listener_watch(server, 0);
		return;
	}
	event.data.ptr = guest;
	if (!local_peer(fd, &uid) || !local_is_trusted(uid) ||
	    epoll_ctl(server->poll, EPOLL_CTL_ADD, fd, &event) < 0) {
		(void)close(fd);
		return;
	}
	guest->fd = fd;
	guest->heard_ms = now_ms(server);
}

/* An event of a connection that ended in this round finds another one, or
 * none: reading tells which, and nothing else is believed. */
static void on_poll(void *context, uint32_t what)
{
	struct link_server *server = context;
	struct epoll_event events[LINK_SERVER_LINKS_MAX + GUESTS_MAX + 1];
	int count = epoll_wait(server->poll, events, ARRAY_LEN(events), 0);
	bool is_called = false;

	(void)what;
	for (int i = 0; i < count; i++) {
		struct link *link = events[i].data.ptr;

		if (link == NULL)
			is_called = true;
		else if (link->fd >= 0)
			link_event(link, events[i].events);
	}
	if (is_called)
		guest_accept(server);
}

static void on_beat(void *context, uint32_t what)
{
	struct link_server *server = context;
	int64_t now = now_ms(server);

	(void)what;
	listener_watch(server, EPOLLIN);
	if (now >= server->days_ms)
		days_write(server);
	for (size_t i = 0; i < GUESTS_MAX; i++) {
		struct link *guest = &server->guests[i];

		if (guest->fd >= 0 && now - guest->heard_ms >= LINK_HELLO_MS)
			link_refuse(guest, "it did not say who it is");
	}
	for (size_t i = 0; i < LINK_SERVER_LINKS_MAX; i++) {
		struct link *link = &server->links[i];

		if (link->fd >= 0 && now - link->heard_ms >= LINK_SILENCE_MS)
			link_refuse(link, "it says nothing any more");
	}
}

/* ---- publishing ---- */

static bool budget_is_spent(struct link *link)
{
	const struct link_used *today = link_today(link);

	return link->hello.budget > 0 &&
	       today->in + today->out >= link->hello.budget;
}

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
	if (!is_free(message->topic) && budget_is_spent(link))
		return ERR_FULL;
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

bool link_is_metered(const struct link *link)
{
	return link->hello.is_metered;
}

uint64_t link_budget(const struct link *link)
{
	return link->hello.budget;
}

struct link_used link_used_today(const struct link *link)
{
	struct link fresh = *link;

	return *link_today(&fresh);
}

uint64_t link_room(const struct link *link)
{
	return link->is_up ? link->allowed - link->sent : 0;
}

/* ---- opening and closing ---- */

static enum err_code sources_add(struct link_server *server, struct err *err)
{
	struct loop *loop = server->config.loop;
	struct loop_call poll = {on_poll, server};
	struct loop_call beat = {on_beat, server};
	struct epoll_event event = {.events = EPOLLIN};
	enum err_code code;

	server->poll = epoll_create1(EPOLL_CLOEXEC);
	if (server->poll < 0 || epoll_ctl(server->poll, EPOLL_CTL_ADD,
					  server->listener, &event) < 0)
		return err_sys(err, errno, "watch the socket");
	code = loop_add_fd(loop, server->poll, EPOLLIN, poll, &server->source,
			   err);
	if (code == ERR_OK)
		code = loop_add_timer(loop, beat, &server->beat, err);
	if (code == ERR_OK)
		loop_timer_every(server->beat, BEAT_MS);
	return code;
}

static void links_init(struct link_server *server)
{
	for (size_t i = 0; i < LINK_SERVER_LINKS_MAX; i++) {
		server->links[i].server = server;
		server->links[i].fd = -1;
	}
	for (size_t i = 0; i < GUESTS_MAX; i++) {
		server->guests[i].server = server;
		server->guests[i].fd = -1;
	}
}

enum err_code link_server_open(const struct link_server_config *config,
			       struct link_server **ret_server, struct err *err)
{
	struct link_server *server = calloc(1, sizeof(*server));
	struct local_config local = {.path = config->path,
				     .type = SOCK_SEQPACKET,
				     .mode = 0600,
				     .backlog = GUESTS_MAX};
	enum err_code code;

	if (server == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	server->config = *config;
	if (config->days != NULL)
		link_days_read(config->days, server->days);
	server->days_ms = now_ms(server) + DAYS_WRITE_MS;
	server->listener = -1;
	server->poll = -1;
	links_init(server);
	code = local_listen(&local, &server->listener, err);
	if (code == ERR_OK)
		code = sources_add(server, err);
	if (code != ERR_OK) {
		link_server_close(server);
		return err_wrap(err, code, "link socket");
	}
	*ret_server = server;
	return ERR_OK;
}

void link_server_close(struct link_server *server)
{
	if (server == NULL)
		return;
	days_write(server);
	loop_remove(server->source);
	loop_remove(server->beat);
	for (size_t i = 0; i < LINK_SERVER_LINKS_MAX; i++)
		fd_close(&server->links[i]);
	for (size_t i = 0; i < GUESTS_MAX; i++)
		fd_close(&server->guests[i]);
	if (server->listener >= 0) {
		(void)unlink(server->config.path);
		(void)close(server->listener);
	}
	if (server->poll >= 0)
		(void)close(server->poll);
	free(server);
}
