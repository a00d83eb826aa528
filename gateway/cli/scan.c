#include "gateway/cli/scan.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

static const struct control_refusal needs_device = {
	"usage", "say which scanner: --device NAME",
	"请指定扫描枪：--device 名称"};
static const struct control_refusal bad_device = {
	"usage", "%s is no name of a device", "%s 不是有效的设备名"};

struct typing {
	struct cli *cli;
	struct direct *direct; /* NULL: through the daemon */
	const char *device;
	enum exit_code worst;
};

/* ---- the answer ---- */

static void exceptions_print(const struct cli *cli,
			     const struct json_value *list)
{
	for (const struct json_value *row = list_first(list); row != NULL;
	     row = json_next(row)) {
		char result[VALUE_TEXT_SIZE];
		char text[VALUE_TEXT_SIZE];

		(void)printf("%s: %s\n",
			     member_text(cli, row, "result", result),
			     member_text(cli, row, "text_$|code", text));
	}
}

static enum exit_code ack_show(const struct cli *cli,
			       const struct json_value *root)
{
	const struct json_value *ack = json_member(root, "ack");
	const struct json_value *except;
	char text[VALUE_TEXT_SIZE];

	if (ack == NULL || json_kind(ack) != JSON_OBJECT) {
		if (!cli->is_json)
			(void)puts(cli_say(cli, "no acknowledgement came",
					   "未收到回执"));
		return EXIT_AGAIN;
	}
	except = json_member(ack, "except");
	if (!cli->is_json) {
		exceptions_print(cli, except);
		(void)member_text(cli, ack, "session.text_$", text);
		if (list_first(except) == NULL)
			(void)puts(text[0] != '\0'
					   ? text
					   : cli_say(cli, "booked", "已记账"));
	}
	return list_first(except) == NULL ? EXIT_DONE : EXIT_LOOK;
}

/* ---- one scan ---- */

static enum exit_code here_scan(struct typing *typing, struct span payload)
{
	char ack[PAYLOAD_OUT_SIZE_MAX];
	char text[PAYLOAD_OUT_SIZE_MAX + 128];
	struct cli *cli = typing->cli;
	size_t size = 0;
	struct json_out out;
	struct reply reply;
	struct err err;
	enum exit_code exit;
	enum err_code code =
		direct_scan(typing->direct, span_of(typing->device), payload,
			    ack, &size, &err);

	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	out_init(&out, text, sizeof(text));
	out_object(&out);
	out_string_at(&out, "device", typing->device);
	out_key(&out, "ack");
	if (size > 0)
		out_raw(&out, (struct span){ack, size});
	else
		out_null(&out);
	out_object_end(&out);
	if (cli->is_json)
		cli_document(out_span(&out));
	exit = reply_take(cli, out_span(&out), &reply);
	if (exit == EXIT_DONE) {
		exit = ack_show(cli, reply.root);
		reply_release(&reply);
	}
	return exit;
}

static enum exit_code there_scan(struct typing *typing, struct span payload)
{
	struct request_draft draft;

	request_begin(&draft, typing->cli);
	request_text(&draft, "device", typing->device);
	out_text_at(&draft.out, "payload", payload);
	return request_show(&draft, "scan", ack_show);
}

/* False: it makes no sense to go on. */
static bool text_scan(struct typing *typing, struct span payload)
{
	enum exit_code exit = typing->direct != NULL
				      ? here_scan(typing, payload)
				      : there_scan(typing, payload);

	if (exit != EXIT_DONE)
		typing->worst = exit;
	(void)fflush(stdout); /* a person reads the answer before he goes on */
	return exit == EXIT_DONE || exit == EXIT_LOOK;
}

static void lines_scan(struct typing *typing)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	bool goes_on = true;

	while (goes_on && (size = getline(&line, &room, stdin)) > 0) {
		if (line[size - 1] == '\n')
			size--;
		if (size > 0)
			goes_on = text_scan(typing,
					    (struct span){line, (size_t)size});
	}
	free(line);
}

static enum exit_code scan_run(struct cli *cli)
{
	struct typing typing = {.cli = cli,
				.device = cli_option(cli, "--device")};
	enum exit_code exit;

	if (typing.device == NULL)
		return cli_refuse(cli, EXIT_USAGE, &needs_device, "");
	if (!text_is_name(span_of(typing.device)))
		return cli_refuse(cli, EXIT_USAGE, &bad_device, typing.device);
	exit = ask_direct(cli, ENV_WRITE, &typing.direct);
	if (exit != EXIT_DONE)
		return exit;
	if (cli->word_count == 0 ||
	    (cli->word_count == 1 && strcmp(cli->words[0], "-") == 0))
		lines_scan(&typing);
	else
		for (size_t i = 0; i < cli->word_count; i++)
			if (!text_scan(&typing, span_of(cli->words[i])))
				break;
	return typing.worst;
}

static const struct option_spec scan_options[] = {
	{"--device", "NAME", "the scanner that types", "扫描枪名称"},
};

const struct verb scan_verbs[] = {
	{
		.name = "scan",
		.usage = "--device NAME [TEXT... | -]",
		.en = "types as a scanner would, and shows the answers",
		.zh = "模拟扫描枪输入并显示应答",
		.examples =
			"depot scan --device dock-1 DEPOT.OP.RECEIVE "
			"DEPOT.BIN.A-01 4006381333931\tbare codes, one scan "
			"each\t逐个扫描条码\n"
			"depot scan --device dock-1 "
			"'{\"v\":1,\"op\":\"pick\",\"code\":\"MUG\",\"bin\":"
			"\"A-01\"}'\ta complete reading\t完整的读数\n"
			"depot scan --device dock-1\tlines from a scanner that "
			"types\t由键盘式扫描枪逐行输入\n",
		CLI_OPTIONS(scan_options),
		.words_max = CLI_ANY,
		.run = scan_run,
	},
	{.name = NULL},
};
