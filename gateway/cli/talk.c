#include "gateway/cli/talk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/core/command.h"
#include "gateway/edge/control.h"

/* The longest line: a reply with the daemon's part, or progress. */
#define BUFFER_SIZE (REPLY_SIZE_MAX + CONTROL_STATUS_SIZE + 4096)

struct talk {
	int fd;
	size_t size; /* bytes in buffer */
	size_t used; /* of them, the line that was handed out */
	char buffer[BUFFER_SIZE];
};

enum err_code talk_open(const char *path, struct talk **ret_talk,
			struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct sockaddr *any = (const struct sockaddr *)&address;
	struct talk *talk;
	int fd;

	if (!text_format(address.sun_path, sizeof(address.sun_path), "%s",
			 path))
		return err_set(err, ERR_IO, "the path %s is too long", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_sys(err, errno, "make a socket");
	if (connect(fd, any, sizeof(address)) < 0) {
		int number = errno;

		(void)close(fd);
		if (number == ENOENT || number == ECONNREFUSED)
			return ERR_NOT_FOUND;
		if (number == EACCES)
			return err_set(err, ERR_DENIED,
				       "you may not talk to the daemon at %s: "
				       "use sudo",
				       path);
		return err_sys(err, number, "connect to %s", path);
	}
	talk = calloc(1, sizeof(*talk));
	if (talk == NULL) {
		(void)close(fd);
		return err_set(err, ERR_FULL, "out of memory");
	}
	talk->fd = fd;
	*ret_talk = talk;
	return ERR_OK;
}

void talk_close(struct talk *talk)
{
	if (talk == NULL)
		return;
	(void)close(talk->fd);
	free(talk);
}

/* The file goes with the first bytes. */
static ssize_t first_send(const struct talk *talk, struct span line, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = {0}};
	union {
		const char *read;
		void *any;
	} bytes = {.read = line.data};
	struct iovec data = {bytes.any, line.size};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	struct cmsghdr *part;

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		part = CMSG_FIRSTHDR(&message);
		part->cmsg_level = SOL_SOCKET;
		part->cmsg_type = SCM_RIGHTS;
		part->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(part), &fd, sizeof(fd));
	}
	return sendmsg(talk->fd, &message, MSG_NOSIGNAL);
}

static enum err_code line_send(const struct talk *talk, struct span line,
			       int fd, struct err *err)
{
	ssize_t put = first_send(talk, line, fd);

	while (put >= 0 && (size_t)put < line.size) {
		line.data += put;
		line.size -= (size_t)put;
		put = send(talk->fd, line.data, line.size, MSG_NOSIGNAL);
	}
	if (put < 0 && (errno == EPIPE || errno == ECONNRESET))
		return err_set(err, ERR_AGAIN, "the daemon hung up");
	if (put < 0)
		return err_sys(err, errno, "talk to the daemon");
	return ERR_OK;
}

/* The next line, without its line feed. */
static enum err_code line_receive(struct talk *talk, struct span *ret_line,
				  struct err *err)
{
	talk->size -= talk->used;
	memmove(talk->buffer, talk->buffer + talk->used, talk->size);
	talk->used = 0;
	for (;;) {
		const char *end = memchr(talk->buffer, '\n', talk->size);
		ssize_t got;

		if (end != NULL) {
			talk->used = (size_t)(end - talk->buffer) + 1;
			*ret_line = (struct span){talk->buffer, talk->used - 1};
			return ERR_OK;
		}
		if (talk->size == BUFFER_SIZE)
			return err_set(err, ERR_IO, "the answer has no end");
		got = recv(talk->fd, talk->buffer + talk->size,
			   BUFFER_SIZE - talk->size, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno != ECONNRESET)
			return err_sys(err, errno, "listen to the daemon");
		if (got <= 0)
			return err_set(err, ERR_AGAIN,
				       "the daemon ended before it answered: "
				       "look whether it was done");
		talk->size += (size_t)got;
	}
}

/* Shows the line if it is progress; false if it is the answer. */
static bool progress_take(struct cli *cli, struct span line)
{
	static _Alignas(
		max_align_t) unsigned char memory[JSON_MEMORY_SIZE(256)];
	struct json_range any = {0, INT64_MAX};
	const struct json_value *progress;
	struct json json;
	struct fault fault;
	int64_t done = 0;
	int64_t total = 0;

	if (line.size > 256 || !span_starts(line, "{\"progress\""))
		return false;
	json_init(&json, memory, sizeof(memory));
	if (json_parse(&json, line, &fault) != ERR_OK)
		return false;
	progress = json_member(json_root(&json), "progress");
	if (json_int(progress, "done", any, &done, &fault) != ERR_OK ||
	    json_int(progress, "total", any, &total, &fault) != ERR_OK)
		return false;
	cli_progress(cli, (uint64_t)done, (uint64_t)total);
	return true;
}

enum err_code talk_ask(struct talk *talk, struct cli *cli, struct span line,
		       int fd, struct span *ret_reply, struct err *err)
{
	enum err_code code = line_send(talk, line, fd, err);
	struct span reply = {"", 0};

	while (code == ERR_OK) {
		code = line_receive(talk, &reply, err);
		if (code == ERR_OK && !progress_take(cli, reply))
			break;
	}
	cli_progress_end(cli);
	if (code == ERR_OK)
		*ret_reply = reply;
	return code;
}
