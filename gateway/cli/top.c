#include "gateway/cli/top.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "gateway/cli/follow.h"
#include "gateway/cli/sheet.h"

#define FRAME_MS 1000
#define ITEMS_MAX 12
#define DEVICES_MAX 8
#define FRAME_SIZE 32768

/* Something that was in the journal lately: an item, or a device. */
struct mover {
	char name[SKU_SIZE_MAX + 1];
	char what[VALUE_TEXT_SIZE]; /* the last entry's sentence */
	char when[32];
	int64_t count; /* since this began */
	int64_t on_hand;
};

struct top {
	struct cli *cli;
	struct follow follow;
	struct mover items[ITEMS_MAX]; /* the latest first */
	size_t item_count;
	struct mover devices[DEVICES_MAX];
	size_t device_count;
	int64_t entries; /* in this frame */
	int64_t readings;
	int64_t readings_before; /* -1: not known */
	char head[64];
	char as_of[40];
	char broker[24];
	char site[64];
	int64_t waiting;
	int64_t health;
};

static volatile sig_atomic_t is_over;

static void on_signal(int number)
{
	(void)number;
	is_over = 1;
}

/* ---- gathering ---- */

/* Puts @name in front of the list; the last falls out of a full one. */
static struct mover *mover_touch(struct mover *movers, size_t *count,
				 size_t max, const char *name)
{
	struct mover mover = {.on_hand = -1};
	size_t at = 0;

	while (at < *count && strcmp(movers[at].name, name) != 0)
		at++;
	if (at < *count)
		mover = movers[at];
	else if (*count < max)
		(*count)++;
	else
		at = max - 1;
	memmove(movers + 1, movers, at * sizeof(*movers));
	text_print(span_of(name), mover.name, sizeof(mover.name));
	mover.count++;
	movers[0] = mover;
	return movers;
}

static void mover_note(struct top *top, struct mover *mover,
		       const struct json_value *row)
{
	char when[VALUE_TEXT_SIZE];

	(void)member_text(top->cli, row, "text_$", mover->what);
	(void)member_text(top->cli, row, "stamp", when);
	text_print(span_of(when), mover->when, sizeof(mover->when));
}

static void entry_take(void *context, const struct json_value *row,
		       struct span text)
{
	struct top *top = context;
	char kind[VALUE_TEXT_SIZE];
	char name[VALUE_TEXT_SIZE];

	(void)text;
	top->entries++;
	(void)member_text(top->cli, row, "kind", kind);
	(void)member_text(top->cli, row, "item", name);
	if (strcmp(kind, "movement") == 0 && name[0] != '\0')
		mover_note(top,
			   mover_touch(top->items, &top->item_count, ITEMS_MAX,
				       name),
			   row);
	(void)member_text(top->cli, row, "actor_kind", kind);
	(void)member_text(top->cli, row, "actor", name);
	if (strcmp(kind, "device") == 0)
		mover_note(top,
			   mover_touch(top->devices, &top->device_count,
				       DEVICES_MAX, name),
			   row);
}

static enum exit_code on_hand_ask(struct top *top, struct mover *mover)
{
	struct request_draft draft;
	struct request request;
	struct reply reply;
	enum exit_code exit;

	request_begin(&draft, top->cli);
	request_text(&draft, "item", mover->name);
	out_int_at(&draft.out, "limit", 1);
	exit = request_end(&draft, "stock.list", &request);
	if (exit == EXIT_DONE)
		exit = ask(top->cli, &request, &reply);
	if (exit != EXIT_DONE)
		return exit;
	mover->on_hand = member_number(reply.root, "on_hand", -1);
	reply_release(&reply);
	return EXIT_DONE;
}

static void status_take(struct top *top, const struct json_value *root)
{
	const struct json_value *daemon = json_member(root, "daemon");
	const struct json_value *keeper =
		daemon == NULL ? NULL : json_member(daemon, "keeper");
	char text[VALUE_TEXT_SIZE];
	int64_t readings =
		keeper == NULL ? 0 : member_number(keeper, "readings", 0);

	top->readings =
		top->readings_before < 0 ? 0 : readings - top->readings_before;
	top->readings_before = readings;
	(void)member_text(top->cli, root, "site", text);
	text_print(span_of(text), top->site, sizeof(top->site));
	(void)member_text(top->cli, root, "head", text);
	text_print(span_of(text), top->head, sizeof(top->head));
	(void)member_text(top->cli, root, "as_of", text);
	text_print(span_of(text), top->as_of, sizeof(top->as_of));
	(void)member_text(top->cli, root, "daemon.broker", text);
	text_print(span_of(daemon == NULL ? "-" : text), top->broker,
		   sizeof(top->broker));
	top->waiting = 0;
	top->health = 0;
	if (daemon == NULL)
		return;
	if (json_member(daemon, "ring") != NULL)
		top->waiting =
			member_number(json_member(daemon, "ring"), "fill", 0);
	for (const struct json_value *row =
		     list_first(json_member(daemon, "health"));
	     row != NULL; row = json_next(row))
		top->health++;
}

static enum exit_code frame_gather(struct top *top)
{
	struct request status = {.name = "status.show"};
	struct reply reply;
	enum exit_code exit;

	top->entries = 0;
	exit = follow_next(&top->follow, entry_take, top);
	if (exit == EXIT_DONE)
		exit = ask(top->cli, &status, &reply);
	if (exit != EXIT_DONE)
		return exit;
	status_take(top, reply.root);
	reply_release(&reply);
	for (size_t i = 0; i < top->item_count && exit == EXIT_DONE; i++)
		exit = on_hand_ask(top, &top->items[i]);
	return exit;
}

/* ---- a frame ---- */

static void movers_out(struct json_out *out, const char *key,
		       const struct mover *movers, size_t count)
{
	out_array_at(out, key);
	for (size_t i = 0; i < count; i++) {
		out_object(out);
		out_string_at(out, "name", movers[i].name);
		out_int_at(out, "entries", movers[i].count);
		if (movers[i].on_hand >= 0)
			out_int_at(out, "on_hand", movers[i].on_hand);
		out_string_at(out, "last", movers[i].when);
		out_string_at(out, "what", movers[i].what);
		out_object_end(out);
	}
	out_array_end(out);
}

static void frame_document(const struct top *top, struct json_out *out)
{
	out_object(out);
	out_string_at(out, "site", top->site);
	out_string_at(out, "head", top->head);
	if (top->as_of[0] == '\0')
		out_null_at(out, "as_of");
	else
		out_string_at(out, "as_of", top->as_of);
	out_string_at(out, "broker", top->broker);
	out_int_at(out, "entries_per_s", top->entries);
	out_int_at(out, "readings_per_s", top->readings);
	out_int_at(out, "waiting", top->waiting);
	out_int_at(out, "health", top->health);
	movers_out(out, "items", top->items, top->item_count);
	movers_out(out, "devices", top->devices, top->device_count);
	out_object_end(out);
}

static size_t terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

static void movers_draw(const struct cli *cli, const struct json_value *list,
			const struct column *columns, size_t count)
{
	struct sheet *sheet = sheet_open(cli, columns, count);
	char *text;

	for (const struct json_value *row = list_first(list); row != NULL;
	     row = json_next(row))
		sheet_add(sheet, row);
	text = sheet_text(sheet, terminal_width());
	/* What a line of the frame before had more is wiped. */
	for (char *line = text; line != NULL && *line != '\0';) {
		size_t size = strcspn(line, "\n");

		(void)printf("%.*s\x1b[K\n", (int)size, line);
		line += size + (line[size] == '\n');
	}
	free(text);
	sheet_drop(sheet);
}

static void frame_draw(const struct top *top, const struct json_value *root)
{
	static const struct column items[] = {
		{"name", "ITEM", "商品", false},
		{"on_hand", "ON HAND", "现货", true},
		{"entries", "MOVES", "移动", true},
		{"what", "LAST", "最近", false},
	};
	static const struct column devices[] = {
		{"name", "DEVICE", "设备", false},
		{"entries", "ENTRIES", "记录", true},
		{"last", "LAST", "最近", false},
	};
	const struct cli *cli = top->cli;

	(void)printf("\x1b[H%s  %s %s\x1b[K\n", top->site,
		     cli_say(cli, "as of", "截至"),
		     top->as_of[0] != '\0' ? top->as_of
					   : cli_say(cli, "an untrusted clock",
						     "（时钟不可信）"));
	(void)printf(cli->is_chinese
			     ? "读数/秒 %" PRId64 "  记录/秒 %" PRId64
			       "  等待 %" PRId64 "  代理 %s  问题 %" PRId64
			       "\x1b[K\n\x1b[K\n"
			     : "readings/s %" PRId64 "  entries/s %" PRId64
			       "  waiting %" PRId64 "  broker %s  problems "
			       "%" PRId64 "\x1b[K\n\x1b[K\n",
		     top->readings, top->entries, top->waiting, top->broker,
		     top->health);
	movers_draw(cli, json_member(root, "items"), items, ARRAY_LEN(items));
	(void)puts("\x1b[K");
	movers_draw(cli, json_member(root, "devices"), devices,
		    ARRAY_LEN(devices));
	(void)printf("%s\x1b[K\x1b[J", cli_say(cli, "q ends", "按 q 结束"));
}

static enum exit_code frame_show(const struct top *top)
{
	static char text[FRAME_SIZE];
	struct json_out out;
	struct reply reply;
	enum exit_code exit;

	out_init(&out, text, sizeof(text));
	frame_document(top, &out);
	ASSERT(out_ok(&out));
	if (top->cli->is_json) {
		cli_document(out_span(&out));
		return EXIT_DONE;
	}
	exit = reply_take(top->cli, out_span(&out), &reply);
	if (exit == EXIT_DONE) {
		frame_draw(top, reply.root);
		reply_release(&reply);
	}
	return exit;
}

/* ---- the terminal ---- */

/* Keys at once, and unseen; false if this is no terminal. */
static bool keys_begin(struct termios *ret_before)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, ret_before) < 0)
		return false;
	raw = *ret_before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

/* Waits for the next frame; false if somebody wants no more. */
static bool frame_wait(bool has_keys)
{
	struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
	char key;

	if (poll(&keys, has_keys ? 1 : 0, FRAME_MS) > 0 &&
	    read(STDIN_FILENO, &key, 1) == 1 && (key == 'q' || key == 'Q'))
		is_over = 1;
	return is_over == 0;
}

static enum exit_code frames_show(struct top *top, int64_t count)
{
	struct termios before;
	bool is_drawn = !top->cli->is_json;
	bool has_keys = is_drawn && keys_begin(&before);
	enum exit_code exit = EXIT_DONE;

	if (is_drawn)
		(void)fputs("\x1b[2J", stdout);
	do {
		exit = frame_gather(top);
		if (exit == EXIT_DONE)
			exit = frame_show(top);
		if (fflush(stdout) != 0)
			break; /* nobody looks any more */
	} while (exit == EXIT_DONE && --count != 0 && frame_wait(has_keys));
	if (has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	if (is_drawn)
		(void)fputs("\n", stdout);
	return exit;
}

static enum exit_code top_run(struct cli *cli)
{
	static const struct control_refusal bad_count = {
		"usage", "%s is no number of frames", "%s 不是有效的帧数"};
	const char *frames = cli_option(cli, "--frames");
	struct sigaction action = {.sa_handler = on_signal};
	struct top *top;
	int64_t count = 0;
	enum exit_code exit;

	if (frames != NULL && !cli_number(frames, 1, INT32_MAX, &count))
		return cli_refuse(cli, EXIT_USAGE, &bad_count, frames);
	top = calloc(1, sizeof(*top));
	if (top == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	(void)sigaction(SIGINT, &action, NULL); /* cannot fail */
	(void)sigaction(SIGTERM, &action, NULL);
	top->cli = cli;
	top->follow.cli = cli;
	top->readings_before = -1;
	exit = follow_begin(&top->follow);
	if (exit == EXIT_DONE)
		exit = frames_show(top, count);
	free(top);
	return exit;
}

static const struct option_spec top_options[] = {
	{"--frames", "N", "ends after N", "显示 N 帧后结束"},
};

const struct verb top_verbs[] = {
	{
		.name = "top",
		.usage = "[--frames N]",
		.en = "what moves right now, each second anew",
		.zh = "实时显示变动，每秒刷新",
		.examples = "depot top\tq or Ctrl-C ends\t按 q 或 Ctrl-C 结束\n"
			    "depot top --json\ta document each second\t"
			    "每秒输出一个文档\n",
		CLI_OPTIONS(top_options),
		.run = top_run,
	},
	{.name = NULL},
};
