#include "gateway/edge/link_server_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/edge/local.h"

#define BEAT_MS 1000

int64_t link_server_now(const struct link_server *server)
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

void link_lost(struct link *link, struct span reason)
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

void link_end(struct link *link, const char *why)
{
	fd_close(link);
	if (link->hello.name.size > 0)
		link_lost(link, span_of(why));
}

void link_refuse(struct link *link, const char *why)
{
	struct name name = link->hello.name;

	log_event(link->server->config.log, LEVEL_ERROR, "link_refused",
		  "hung up on link %.*s: %s", (int)name.size, name.data, why);
	link_end(link, why);
}

/* ---- reading ---- */

/* False: nothing is there now, or the link is gone. */
static bool packet_receive(struct link *link)
{
	struct link_server *server = link->server;
	struct link_packet packet;
	ssize_t got;

	/* One that went without reading all is told of once, before what it
	 * said last. */
	do {
		got = recv(link->fd, server->packet, sizeof(server->packet),
			   MSG_DONTWAIT);
	} while (got < 0 && (errno == EINTR || errno == ECONNRESET));
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got <= 0) {
		link_end(link, "the link's process ended");
		return false;
	}
	link->heard_ms = link_server_now(server);
	if (!link_decode(server->packet, (size_t)got, &packet))
		link_refuse(link, "it sent what is no message");
	else if (link->hello.name.size > 0)
		link_packet_take(link, &packet);
	else if (packet.kind == LINK_HELLO)
		link_guest_greet(link, &packet.hello);
	else
		link_refuse(link, "it did not say who it is");
	return link->fd >= 0;
}

static void link_event(struct link *link, uint32_t what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};

	if ((what & EPOLLOUT) != 0 &&
	    epoll_ctl(link->server->poll, EPOLL_CTL_MOD, link->fd, &event) == 0)
		link_room_tell(link);
	for (int i = 0; i < LINK_TURN && link->fd >= 0; i++) {
		if (!packet_receive(link))
			break;
	}
}

/* ---- coming ---- */

static struct link *guest_unused(struct link_server *server)
{
	for (size_t i = 0; i < LINK_GUESTS_MAX; i++)
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
	guest->heard_ms = link_server_now(server);
}

/* An event of a connection that ended in this round finds another one, or
 * none: reading tells which, and nothing else is believed. */
static void on_poll(void *context, uint32_t what)
{
	struct link_server *server = context;
	struct epoll_event events[LINK_SERVER_LINKS_MAX + LINK_GUESTS_MAX + 1];
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
	int64_t now = link_server_now(server);

	(void)what;
	listener_watch(server, EPOLLIN);
	if (now >= server->days_ms)
		link_server_days_write(server);
	for (size_t i = 0; i < LINK_GUESTS_MAX; i++) {
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
	for (size_t i = 0; i < LINK_GUESTS_MAX; i++) {
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
				     .backlog = LINK_GUESTS_MAX};
	enum err_code code;

	if (server == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	server->config = *config;
	if (config->days != NULL)
		link_days_read(config->days, server->days);
	server->days_ms = link_server_now(server) + LINK_DAYS_WRITE_MS;
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
	link_server_days_write(server);
	loop_remove(server->source);
	loop_remove(server->beat);
	for (size_t i = 0; i < LINK_SERVER_LINKS_MAX; i++)
		fd_close(&server->links[i]);
	for (size_t i = 0; i < LINK_GUESTS_MAX; i++)
		fd_close(&server->guests[i]);
	if (server->listener >= 0) {
		(void)unlink(server->config.path);
		(void)close(server->listener);
	}
	if (server->poll >= 0)
		(void)close(server->poll);
	free(server);
}
