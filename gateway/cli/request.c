#include "gateway/cli/request.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/cli/sheet.h"

static const struct control_refusal bad_number = {
	"usage", "%s is no whole number", "%s 不是整数"};
static const struct control_refusal too_long = {
	"usage", "this is too long for one command", "内容过长，请分多次执行"};

void request_begin(struct request_draft *draft, struct cli *cli)
{
	draft->cli = cli;
	draft->exit = EXIT_DONE;
	out_init(&draft->out, draft->text, sizeof(draft->text));
	out_object(&draft->out);
}

void request_text(struct request_draft *draft, const char *member,
		  const char *text)
{
	if (text != NULL && draft->exit == EXIT_DONE)
		out_string_at(&draft->out, member, text);
}

void request_number(struct request_draft *draft, const char *member,
		    const char *text)
{
	int64_t number;

	if (text == NULL || draft->exit != EXIT_DONE)
		return;
	if (cli_number(text, -INT64_MAX, INT64_MAX, &number))
		out_int_at(&draft->out, member, number);
	else
		draft->exit =
			cli_refuse(draft->cli, EXIT_USAGE, &bad_number, text);
}

static void list_add(struct request_draft *draft, const char *member,
		     const char *text)
{
	out_array_at(&draft->out, member);
	while (*text != '\0') {
		size_t size = strcspn(text, ",");

		out_text(&draft->out, (struct span){text, size});
		text += size + (text[size] == ',');
	}
	out_array_end(&draft->out);
}

void request_options(struct request_draft *draft, const struct member_map *maps,
		     size_t count)
{
	for (size_t i = 0; i < count && draft->exit == EXIT_DONE; i++) {
		const char *text = cli_option(draft->cli, maps[i].option);

		if (text == NULL)
			continue;
		switch (maps[i].form) {
		case MEMBER_TEXT:
			request_text(draft, maps[i].member, text);
			break;
		case MEMBER_NUMBER:
			request_number(draft, maps[i].member, text);
			break;
		case MEMBER_FLAG:
			out_bool_at(&draft->out, maps[i].member, true);
			break;
		case MEMBER_UNFLAG:
			out_bool_at(&draft->out, maps[i].member, false);
			break;
		case MEMBER_LIST:
			list_add(draft, maps[i].member, text);
			break;
		}
	}
}

enum exit_code request_end(struct request_draft *draft, const char *name,
			   struct request *ret_request)
{
	out_object_end(&draft->out);
	if (draft->exit == EXIT_DONE && !out_ok(&draft->out))
		draft->exit = cli_refuse(draft->cli, EXIT_USAGE, &too_long, "");
	if (draft->exit == EXIT_DONE)
		*ret_request = (struct request){
			.name = name, .arguments = out_span(&draft->out)};
	return draft->exit;
}

enum exit_code request_show(struct request_draft *draft, const char *name,
			    show_fn *show)
{
	struct request request;
	enum exit_code exit = request_end(draft, name, &request);

	return exit == EXIT_DONE ? ask_show(draft->cli, &request, show) : exit;
}

/* A table on its way, and as of when it is. */
struct listed {
	struct sheet *sheet;
	char as_of[VALUE_TEXT_SIZE];
	char head[VALUE_TEXT_SIZE];
};

static void listed_add(void *context, const struct json_value *root,
		       const struct json_value *row)
{
	struct listed *listed = context;
	struct cli none = {.is_json = false};

	if (row != NULL) {
		sheet_add(listed->sheet, row);
		return;
	}
	(void)member_text(&none, root, "as_of", listed->as_of);
	(void)member_text(&none, root, "head", listed->head);
}

void show_age(const struct cli *cli, const char *as_of, const char *head)
{
	if (head[0] == '\0')
		return;
	(void)printf("%s %s%s %s\n", cli_say(cli, "as of", "截至"),
		     as_of[0] == '\0' ? cli_say(cli, "an untrusted clock",
						"（时钟不可信）")
				      : as_of,
		     cli_say(cli, ", entry", "，记录"), head);
}

enum exit_code request_list(struct request_draft *draft, const char *name,
			    const struct listing *listing)
{
	struct cli *cli = draft->cli;
	struct listed listed = {.sheet = NULL};
	struct request request;
	enum exit_code exit = request_end(draft, name, &request);

	if (exit != EXIT_DONE)
		return exit;
	listed.sheet = sheet_open(cli, listing->columns, listing->count);
	exit = ask_pages(cli, &request, listed_add, &listed);
	if (exit != EXIT_DONE || cli->is_json) {
		sheet_drop(listed.sheet);
		return exit;
	}
	sheet_show(listed.sheet,
		   cli_say(cli, listing->nothing_en, listing->nothing_zh));
	if (listing->has_age)
		show_age(cli, listed.as_of, listed.head);
	return EXIT_DONE;
}

enum exit_code show_done(const struct cli *cli, const struct json_value *root)
{
	char entry[VALUE_TEXT_SIZE];

	if (cli->is_json)
		return EXIT_DONE;
	(void)member_text(cli, root, "entry", entry);
	(void)printf("%s%s%s\n", cli_say(cli, "done", "已完成"),
		     entry[0] == '\0' ? ""
				      : cli_say(cli, ", entry ", "，记录 "),
		     entry);
	return EXIT_DONE;
}

void turned_show(const struct cli *cli, const struct json_value *root)
{
	char text[VALUE_TEXT_SIZE];

	if (!cli->is_json &&
	    member_text(cli, root, "turned.text_$", text)[0] != '\0')
		(void)puts(text);
}

enum exit_code show_removed(struct cli *cli, struct reply *reply,
			    const struct control_refusal *not_there)
{
	enum exit_code exit = EXIT_DONE;

	if (!member_true(reply->root, "removed"))
		exit = cli_refuse(cli, EXIT_NOT_FOUND, not_there,
				  cli->words[0]);
	else if (cli->is_json)
		cli_document(reply->text);
	else
		(void)puts(cli_say(cli, "done", "已完成"));
	reply_release(reply);
	return exit;
}
