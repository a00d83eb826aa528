/*
 * e2e_link_double SOCKET
 *
 * depotd's side of the links and nothing else of depotd: what depot-link is
 * tested against. It takes commands from standard input, a line each, and tells
 * on standard error what it hears:
 *
 * - ping: "pong"
 * - publish LINK TOPIC SIZE COUNT RETAIN (1 or 0): "published COUNT", when all
 *   are handed over
 * - count N: "counts", and "counted N MILLISECONDS" when N more messages have
 *   come; until then it tells of none
 * - used LINK: "used IN OUT"
 *
 *	up LINK / down LINK: REASON / message LINK TOPIC SIZE RETAINED
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gateway/edge/link_server.h"

struct double_side {
	struct loop *loop;
	struct clock clock;
	struct link_server *server;
	struct loop_source *input;
	char line[256];
	size_t line_size;

	/* The publication under way. */
	struct link *to;
	char topic[LINK_TOPIC_SIZE_MAX + 1];
	size_t size;
	uint64_t count;
	uint64_t left;
	bool is_retained;

	uint64_t awaited; /* messages of `count` that are to come */
	uint64_t counted;
	int64_t counted_from_ms;
};

static char frame[LINK_PAYLOAD_SIZE_MAX];

static const char *name_of(const struct link *link)
{
	static char text[NAME_SIZE_MAX + 1];
	struct name name = link_name(link);

	text_print(name_span(&name), text, sizeof(text));
	return text;
}

static void publish_on(struct double_side *side)
{
	struct link_message message = {
		.topic = span_of(side->topic),
		.payload = {frame, side->size},
		.qos = 1,
		.is_retained = side->is_retained,
	};

	while (side->left > 0) {
		enum err_code code = link_server_publish(side->to, &message);

		if (code == ERR_AGAIN)
			return;
		if (code != ERR_OK)
			fprintf(stderr, "refused %s\n", err_code_name(code));
		if (--side->left == 0)
			fprintf(stderr, "published %" PRIu64 "\n", side->count);
	}
}

static void on_up(void *context, struct link *link)
{
	fprintf(stderr, "up %s\n", name_of(link));
	publish_on(context);
}

static void on_down(void *context, struct link *link, struct span reason)
{
	(void)context;
	fprintf(stderr, "down %s: %.*s\n", name_of(link), (int)reason.size,
		reason.data);
}

static void on_message(void *context, struct link *link,
		       const struct link_message *message)
{
	struct double_side *side = context;
	int64_t now = clock_monotonic_ms(&side->clock);

	if (side->awaited == 0) {
		fprintf(stderr, "message %s %.*s %zu %d\n", name_of(link),
			(int)message->topic.size, message->topic.data,
			message->payload.size, message->is_retained);
		return;
	}
	if (side->counted == 0)
		side->counted_from_ms = now;
	side->counted++;
	if (--side->awaited == 0)
		fprintf(stderr, "counted %" PRIu64 " %" PRId64 "\n",
			side->counted, now - side->counted_from_ms);
}

static void on_room(void *context, struct link *link)
{
	(void)link;
	publish_on(context);
}

static struct link *link_called(struct double_side *side, struct span name)
{
	struct link *link;

	for (size_t i = 0; (link = link_server_link(side->server, i)) != NULL;
	     i++)
		if (span_is(name, name_of(link)))
			return link;
	return NULL;
}

/* Cuts the next word off *@rest. */
static struct span word_take(struct span *rest)
{
	const char *end = memchr(rest->data, ' ', rest->size);
	size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
	struct span word = {rest->data, size};

	rest->data += size + (end != NULL);
	rest->size -= size + (end != NULL);
	return word;
}

static uint64_t number_take(struct span *rest)
{
	uint64_t number = 0;
	bool is_one = span_to_u64(word_take(rest), UINT32_MAX, &number);

	ASSERT(is_one);
	return number;
}

static void publish(struct double_side *side, struct span rest)
{
	side->to = link_called(side, word_take(&rest));
	text_print(word_take(&rest), side->topic, sizeof(side->topic));
	side->size = (size_t)number_take(&rest);
	side->count = number_take(&rest);
	side->left = side->count;
	side->is_retained = number_take(&rest) == 1;
	ASSERT(side->to != NULL && side->size <= sizeof(frame));
	publish_on(side);
}

static void used_tell(struct double_side *side, struct span rest)
{
	const struct link *link = link_called(side, word_take(&rest));
	struct link_used used;

	ASSERT(link != NULL);
	used = link_used_today(link);
	fprintf(stderr, "used %" PRIu64 " %" PRIu64 "\n", used.in, used.out);
}

static void command_run(struct double_side *side, struct span line)
{
	struct span word = word_take(&line);

	if (span_is(word, "ping")) {
		fprintf(stderr, "pong\n");
	} else if (span_is(word, "publish")) {
		publish(side, line);
	} else if (span_is(word, "used")) {
		used_tell(side, line);
	} else if (span_is(word, "count")) {
		side->awaited = number_take(&line);
		side->counted = 0;
		fprintf(stderr, "counts\n");
	}
}

static void on_input(void *context, uint32_t what)
{
	struct double_side *side = context;
	ssize_t got = read(STDIN_FILENO, side->line + side->line_size,
			   sizeof(side->line) - side->line_size);
	const char *end;

	(void)what;
	if (got <= 0) {
		loop_stop(side->loop);
		return;
	}
	side->line_size += (size_t)got;
	while ((end = memchr(side->line, '\n', side->line_size)) != NULL) {
		size_t size = (size_t)(end - side->line);

		command_run(side, (struct span){side->line, size});
		side->line_size -= size + 1;
		memmove(side->line, end + 1, side->line_size);
	}
}

static enum err_code run(struct double_side *side, const char *path,
			 struct err *err)
{
	struct link_server_config config = {
		.path = path,
		.clock = &side->clock,
		.handlers = {.up = on_up,
			     .down = on_down,
			     .message = on_message,
			     .room = on_room,
			     .context = side},
	};
	enum err_code code = loop_open(&side->loop, err);

	config.loop = side->loop;
	clock_init(&side->clock, NULL, NULL);
	if (code == ERR_OK)
		code = link_server_open(&config, &side->server, err);
	if (code == ERR_OK)
		code = loop_add_fd(side->loop, STDIN_FILENO, 1,
				   (struct loop_call){on_input, side},
				   &side->input, err);
	if (code == ERR_OK) {
		fprintf(stderr, "listening\n");
		code = loop_run(side->loop, err);
	}
	loop_remove(side->input);
	link_server_close(side->server);
	loop_close(side->loop);
	return code;
}

int main(int argc, char **argv)
{
	static struct double_side side;
	struct err err;

	if (argc != 2)
		return 2;
	if (run(&side, argv[1], &err) == ERR_OK)
		return 0;
	fprintf(stderr, "%s\n", err.text);
	return 1;
}
