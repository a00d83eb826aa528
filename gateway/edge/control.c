#include "gateway/edge/control_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/edge/local.h"

#define BEAT_MS 1000
#define PROGRESS_QUEUE 64

static const struct control_refusal too_many = {
	"again", "too many clients: try again", "连接过多，请稍后再试"};

static int64_t now_ms(const struct control *control)
{
	return clock_monotonic_ms(control->config.clock);
}

/* ---- the listener ---- */

static bool peer_read(int fd, struct peer *ret_peer)
{
	if (!local_peer(fd, &ret_peer->uid))
		return false;
	ret_peer->is_trusted = local_is_trusted(ret_peer->uid);
	return true;
}

static struct client *client_unused(struct control *control)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i].state == CLIENT_FREE)
			return &control->clients[i];
	return NULL;
}

static void turn_away(int fd)
{
	char reply[512];
	struct json_out out;

	out_init(&out, reply, sizeof(reply) - 1);
	control_refuse(&out, &too_many, (struct span){"", 0});
	reply[out.size] = '\n';
	/* It hears, or finds the end: it tries again in both cases. */
	(void)send(fd, reply, out.size + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)close(fd);
}

static void listener_watch(struct control *control, uint32_t events)
{
	struct epoll_event event = {.events = events};
	int result = epoll_ctl(control->poll, EPOLL_CTL_MOD, control->listener,
			       &event);

	ASSERT(result == 0); /* it is in the set */
}

static void client_accept(struct control *control)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct client *client;
	struct peer peer;
	int fd = accept4(control->listener, NULL, NULL,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		/* Without descriptors it would be called again at once. */
		if (errno != EAGAIN && errno != ECONNABORTED)
			listener_watch(control, 0);
		return;
	}
	client = client_unused(control);
	if (client == NULL) {
		turn_away(fd);
		return;
	}
	event.data.ptr = client;
	if (!peer_read(fd, &peer) ||
	    epoll_ctl(control->poll, EPOLL_CTL_ADD, fd, &event) < 0) {
		(void)close(fd);
		return;
	}
	control_client_begin(client, fd, &peer);
}

/* Who leaves makes room for who comes: the listener is the last. */
static void on_poll(void *context, uint32_t what)
{
	struct control *control = context;
	struct epoll_event events[CONTROL_CLIENTS_MAX + 1];
	int count =
		epoll_wait(control->poll, events, CONTROL_CLIENTS_MAX + 1, 0);
	bool is_called = false;

	(void)what;
	for (int i = 0; i < count; i++) {
		struct client *client = events[i].data.ptr;

		if (client == NULL)
			is_called = true;
		else if (client->fd >= 0)
			control_client_event(client, events[i].events);
	}
	if (is_called)
		client_accept(control);
}

/* ---- what others bring ---- */

static void on_wake(void *context, uint32_t what)
{
	struct control *control = context;
	struct control_notice notice;

	(void)what;
	while (queue_pop(control->progress, &notice))
		control_client_progress(notice.client, notice.done,
					notice.total);
	while (queue_pop(control->finished, &notice)) {
		struct client *client = notice.client;

		/* The keeper has no sentence of its own. */
		if (client->result != ERR_OK)
			control_failed(&client->out, client->result, NULL);
		control_client_done(client);
	}
}

void control_acknowledged(struct control *control, struct span device,
			  struct span payload)
{
	for (size_t i = 0; control != NULL && i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->awaited.size == 0 ||
		    !span_equal(name_span(&client->awaited), device))
			continue;
		out_object(&client->out);
		out_text_at(&client->out, "device", device);
		out_key(&client->out, "ack");
		out_raw(&client->out, payload);
		out_object_end(&client->out);
		control_client_done(client);
	}
}

/* An acknowledgement that does not come is an answer, too. */
static void scan_give_up(struct client *client)
{
	out_object(&client->out);
	out_text_at(&client->out, "device", name_span(&client->awaited));
	out_null_at(&client->out, "ack");
	out_object_end(&client->out);
	control_client_done(client);
}

static void on_beat(void *context, uint32_t what)
{
	struct control *control = context;
	int64_t now = now_ms(control);

	(void)what;
	listener_watch(control, EPOLLIN);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		if (client->state == CLIENT_FREE || client->fd < 0 ||
		    now < client->deadline_ms)
			continue;
		if (client->awaited.size > 0)
			scan_give_up(client);
		else
			control_client_close(client);
	}
}

/* ---- opening and closing ---- */

/* The folder and the group decide who may come; who he is decides what he may
 * do. */
static enum err_code socket_listen(struct control *control, struct err *err)
{
	struct local_config local = {.path = control->config.path,
				     .type = SOCK_STREAM,
				     .mode = 0660,
				     .backlog = CONTROL_CLIENTS_MAX};
	enum err_code code = local_listen(&local, &control->listener, err);

	control->is_bound = code == ERR_OK;
	return code;
}

static enum err_code memory_take(struct control *control, struct err *err)
{
	enum err_code code;

	control->json_memory = malloc(CONTROL_JSON_SIZE);
	if (control->json_memory == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	json_init(&control->json, control->json_memory, CONTROL_JSON_SIZE);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		struct client *client = &control->clients[i];

		client->control = control;
		client->fd = -1;
		client->line = malloc(CONTROL_LINE_SIZE_MAX);
		client->reply = malloc(CONTROL_REPLY_SIZE + 1);
		if (client->line == NULL || client->reply == NULL)
			return err_set(err, ERR_FULL, "out of memory");
	}
	code = desk_open(&control->desk, err);
	if (code != ERR_OK)
		return code;
	desk_zone(control->desk, control->config.zone);
	desk_ages(control->desk, control->config.ports.age,
		  control->config.ports.context);
	return ERR_OK;
}

static enum err_code sources_add(struct control *control, struct err *err)
{
	struct loop *loop = control->config.loop;
	struct loop_call poll = {on_poll, control};
	struct loop_call beat = {on_beat, control};
	struct loop_call wake = {on_wake, control};
	struct epoll_event event = {.events = EPOLLIN};
	enum err_code code;

	control->poll = epoll_create1(EPOLL_CLOEXEC);
	if (control->poll < 0 || epoll_ctl(control->poll, EPOLL_CTL_ADD,
					   control->listener, &event) < 0)
		return err_sys(err, errno, "watch the socket");
	code = loop_add_fd(loop, control->poll, EPOLLIN, poll, &control->source,
			   err);
	if (code == ERR_OK)
		code = loop_add_timer(loop, beat, &control->beat, err);
	if (code == ERR_OK)
		code = loop_add_wake(loop, &control->wake, wake,
				     &control->wake_source, err);
	if (code == ERR_OK)
		loop_timer_every(control->beat, BEAT_MS);
	return code;
}

enum err_code control_open(const struct control_config *config,
			   struct control **ret_control, struct err *err)
{
	struct control *control = calloc(1, sizeof(*control));
	const size_t size = sizeof(struct control_notice);
	enum err_code code;

	if (control == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	control->config = *config;
	control->listener = -1;
	control->poll = -1;
	code = wake_init(&control->wake, err);
	if (code == ERR_OK)
		code = queue_open(size, CONTROL_CLIENTS_MAX, &control->wake,
				  &control->finished, err);
	if (code == ERR_OK)
		code = queue_open(size, PROGRESS_QUEUE, &control->wake,
				  &control->progress, err);
	if (code == ERR_OK)
		code = memory_take(control, err);
	if (code == ERR_OK)
		code = socket_listen(control, err);
	if (code == ERR_OK)
		code = sources_add(control, err);
	if (code != ERR_OK) {
		control_stop(control);
		control_close(control);
		return err_wrap(err, code, "control socket");
	}
	*ret_control = control;
	return ERR_OK;
}

void control_stop(struct control *control)
{
	if (control == NULL)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0)
			control_client_close(&control->clients[i]);
	loop_remove(control->source);
	loop_remove(control->beat);
	loop_remove(control->wake_source);
	control->source = NULL;
	control->beat = NULL;
	control->wake_source = NULL;
	if (control->is_bound)
		(void)unlink(control->config.path);
	control->is_bound = false;
	if (control->listener >= 0)
		(void)close(control->listener);
	control->listener = -1;
}

void control_close(struct control *control)
{
	if (control == NULL)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		control_client_free(&control->clients[i]);
		free(control->clients[i].line);
		free(control->clients[i].reply);
	}
	if (control->poll >= 0)
		(void)close(control->poll);
	queue_close(control->finished);
	queue_close(control->progress);
	desk_close(control->desk);
	free(control->json_memory);
	wake_release(&control->wake);
	free(control);
}

size_t control_clients(const struct control *control)
{
	size_t count = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		count += control->clients[i].fd >= 0;
	return count;
}
