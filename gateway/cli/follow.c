#include "gateway/cli/follow.h"

#include <poll.h>

#include "gateway/cli/sheet.h"
#include "gateway/edge/control_request.h"

#define LOOK_EVERY_MS 300

static enum exit_code entries_ask(struct follow *follow, bool is_last,
				  struct reply *ret_reply)
{
	struct request_draft draft;
	struct request request;
	enum exit_code exit;

	request_begin(&draft, follow->cli);
	request_options(&draft, follow->maps, follow->map_count);
	if (is_last) {
		out_bool_at(&draft.out, "backwards", true);
		out_int_at(&draft.out, "limit", 1);
	} else {
		request_text(&draft, "after", follow->after);
		out_int_at(&draft.out, "limit", JOURNAL_LAST_MAX);
	}
	exit = request_end(&draft, "journal.list", &request);
	return exit == EXIT_DONE ? ask(follow->cli, &request, ret_reply) : exit;
}

/* Where the next look begins: behind what was shown, or what was looked at. */
static void after_set(struct follow *follow, const struct json_value *root)
{
	char text[VALUE_TEXT_SIZE];

	(void)member_text(follow->cli, root, "next|head", text);
	if (text[0] != '\0')
		text_print(span_of(text), follow->after, sizeof(follow->after));
}

enum exit_code follow_begin(struct follow *follow)
{
	char head[VALUE_TEXT_SIZE];
	struct reply reply;
	enum exit_code exit = entries_ask(follow, true, &reply);

	if (exit != EXIT_DONE)
		return exit;
	(void)member_text(follow->cli, reply.root, "head", head);
	text_print(span_of(head), follow->after, sizeof(follow->after));
	reply_release(&reply);
	return EXIT_DONE;
}

enum exit_code follow_next(struct follow *follow, follow_fn *visit,
			   void *context)
{
	bool has_more;

	do {
		struct reply reply;
		enum exit_code exit = entries_ask(follow, false, &reply);

		if (exit != EXIT_DONE)
			return exit;
		for (const struct json_value *row =
			     list_first(reply_list(reply.root));
		     row != NULL; row = json_next(row))
			visit(context, row, control_value_raw(row, reply.text));
		has_more = json_member(reply.root, "next") != NULL;
		after_set(follow, reply.root);
		reply_release(&reply);
	} while (has_more);
	return EXIT_DONE;
}

static void entry_print(void *context, const struct json_value *row,
			struct span text)
{
	const struct cli *cli = context;
	char texts[4][VALUE_TEXT_SIZE];

	if (cli->is_json)
		cli_document(text);
	else
		(void)printf("%s  %s  %s  %s\n",
			     member_text(cli, row, "entry", texts[0]),
			     member_text(cli, row, "@stamp", texts[1]),
			     member_text(cli, row, "actor", texts[2]),
			     member_text(cli, row, "text_$", texts[3]));
}

enum exit_code follow_journal(struct cli *cli, const struct member_map *maps,
			      size_t map_count)
{
	struct follow follow = {
		.cli = cli, .maps = maps, .map_count = map_count};
	enum exit_code exit = follow_begin(&follow);

	while (exit == EXIT_DONE) {
		exit = follow_next(&follow, entry_print, cli);
		if (fflush(stdout) != 0)
			break; /* nobody reads any more */
		(void)poll(NULL, 0, LOOK_EVERY_MS);
	}
	return exit;
}
