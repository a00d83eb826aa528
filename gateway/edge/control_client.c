/*
 * One client: its requests read, its replies written.
 */
#include "gateway/edge/control_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct control_refusal too_long = {
	"too_long", "the request is too long", "请求过长"};
static const struct control_refusal long_reply = {
	"too_long", "the answer is too long: ask for less",
	"结果过长，请缩小范围"};

static int64_t now_ms(const struct control *control)
{
	return clock_monotonic_ms(control->config.clock);
}

static void events_set(struct client *client, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = client};
	int result = epoll_ctl(client->control->poll, EPOLL_CTL_MOD, client->fd,
			       &event);

	ASSERT(result == 0); /* it is in the set */
}

static void file_drop(struct client *client)
{
	control_file_unmap(client->file);
	client->file = (struct span){"", 0};
	client->is_file_bad = false;
}

void control_client_free(struct client *client)
{
	file_drop(client);
	client->state = CLIENT_FREE;
	client->awaited.size = 0;
}

void control_client_close(struct client *client)
{
	bool is_busy =
		client->state == CLIENT_WORKING && client->awaited.size == 0;

	/* By hand, since a child between fork and exec may hold a copy. */
	(void)epoll_ctl(client->control->poll, EPOLL_CTL_DEL, client->fd, NULL);
	(void)close(client->fd);
	client->fd = -1;
	if (!is_busy)
		control_client_free(client);
}

static void client_read_next(struct client *client)
{
	file_drop(client);
	client->line_size -= client->request_size;
	memmove(client->line, client->line + client->request_size,
		client->line_size);
	client->request_size = 0;
	client->progress_size = 0;
	client->state = CLIENT_READING;
	client->deadline_ms = now_ms(client->control) + CONTROL_IDLE_MS;
}

void control_client_begin(struct client *client, int fd,
			  const struct peer *peer)
{
	client->fd = fd;
	client->peer = *peer;
	client->line_size = 0;
	client->request_size = 0;
	client_read_next(client);
}

/* ---- writing ---- */

/* False: what is left has to wait, or the client is gone. */
static bool bytes_send(struct client *client, const char *bytes, size_t size,
		       size_t *sent)
{
	while (*sent < size) {
		ssize_t put = send(client->fd, bytes + *sent, size - *sent,
				   MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno != EAGAIN) {
			control_client_close(client);
			return false;
		}
		if (put < 0)
			return false;
		*sent += (size_t)put;
		client->deadline_ms =
			now_ms(client->control) + CONTROL_WRITE_MS;
	}
	return true;
}

static void client_flush(struct client *client)
{
	if (!bytes_send(client, client->progress, client->progress_size,
			&client->progress_sent)) {
		if (client->fd >= 0)
			events_set(client, EPOLLOUT);
		return;
	}
	client->progress_size = 0;
	if (client->state != CLIENT_WRITING) {
		client->deadline_ms = INT64_MAX;
		events_set(client, 0);
		return;
	}
	if (!bytes_send(client, client->reply, client->reply_size,
			&client->sent)) {
		if (client->fd >= 0)
			events_set(client, EPOLLOUT);
		return;
	}
	client_read_next(client);
	/* What it has sent meanwhile comes next: it can be written to. */
	events_set(client,
		   client->line_size > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void control_client_done(struct client *client)
{
	client->awaited.size = 0;
	if (!out_ok(&client->out))
		control_refuse(&client->out, &long_reply, (struct span){"", 0});
	if (client->fd < 0) {
		control_client_free(client);
		return;
	}
	client->reply[client->out.size] = '\n';
	client->reply_size = client->out.size + 1;
	client->sent = 0;
	client->state = CLIENT_WRITING;
	client->deadline_ms = now_ms(client->control) + CONTROL_WRITE_MS;
	client_flush(client);
}

void control_client_progress(struct client *client, uint64_t done,
			     uint64_t total)
{
	struct json_out out;

	if (client->state != CLIENT_WORKING || client->fd < 0 ||
	    client->progress_size > 0)
		return; /* late, or the last one is still under way */
	out_init(&out, client->progress, CONTROL_PROGRESS_SIZE - 1);
	out_object(&out);
	out_object_at(&out, "progress");
	out_int_at(&out, "done", (int64_t)done);
	out_int_at(&out, "total", (int64_t)total);
	out_object_end(&out);
	out_object_end(&out);
	client->progress[out.size] = '\n';
	client->progress_size = out.size + 1;
	client->progress_sent = 0;
	client_flush(client);
}

/* ---- reading ---- */

/* The first file of a request is taken; more than one is a mistake. */
static void file_take(struct client *client, int fd)
{
	struct err err;

	if (client->file.size > 0 || client->is_file_bad ||
	    control_file_map(fd, &client->file, &err) != ERR_OK)
		client->is_file_bad = true;
	(void)close(fd);
}

static void files_take(struct client *client, struct msghdr *message)
{
	struct cmsghdr *part;

	for (part = CMSG_FIRSTHDR(message); part != NULL;
	     part = CMSG_NXTHDR(message, part)) {
		size_t size = part->cmsg_len - CMSG_LEN(0);

		if (part->cmsg_level != SOL_SOCKET ||
		    part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; at + sizeof(int) <= size;
		     at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + at, sizeof(fd));
			file_take(client, fd);
		}
	}
	if ((message->msg_flags & MSG_CTRUNC) != 0)
		client->is_file_bad = true;
}

/* Bytes taken; 0 at the end, negative if there are none now. */
static ssize_t bytes_receive(struct client *client)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control = {.bytes = {0}};
	struct iovec room = {client->line + client->line_size,
			     CONTROL_LINE_SIZE_MAX - client->line_size};
	struct msghdr message = {.msg_iov = &room,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	ssize_t got;

	do {
		got = recvmsg(client->fd, &message,
			      MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got >= 0)
		files_take(client, &message);
	if (got > 0)
		client->line_size += (size_t)got;
	return got;
}

/* Runs the request, if it is whole. False if it is not. */
static bool request_take(struct client *client)
{
	const char *end;

	if (client->line_size == 0)
		return false;
	end = memchr(client->line, '\n', client->line_size);
	if (end == NULL && client->line_size < CONTROL_LINE_SIZE_MAX)
		return false;
	if (end == NULL) {
		/* Where it ends is not known: this is the last word. */
		out_init(&client->out, client->reply, REPLY_SIZE_MAX);
		control_refuse(&client->out, &too_long, (struct span){"", 0});
		client->request_size = client->line_size;
		control_client_done(client);
		if (client->fd >= 0)
			control_client_close(client);
		return true;
	}
	client->request_size = (size_t)(end - client->line) + 1;
	control_run(client);
	return true;
}

/* False: the client is gone. */
static bool requests_receive(struct client *client)
{
	ssize_t got = bytes_receive(client);

	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		control_client_close(client);
		return false;
	}
	while (client->state == CLIENT_READING && request_take(client))
		continue;
	return client->fd >= 0;
}

static void client_read(struct client *client)
{
	/* One may be there from before. */
	if (!request_take(client) && !requests_receive(client))
		return;
	if (client->fd < 0)
		return;
	if (client->state == CLIENT_WORKING)
		events_set(client, 0); /* only its end is of interest */
	else if (client->state == CLIENT_READING && client->line_size == 0)
		events_set(client, EPOLLIN);
}

void control_client_event(struct client *client, uint32_t what)
{
	if ((what & (EPOLLHUP | EPOLLERR)) != 0 &&
	    client->state != CLIENT_READING)
		control_client_close(client);
	else if (client->state == CLIENT_READING)
		client_read(client);
	else if ((what & EPOLLOUT) != 0)
		client_flush(client);
}
