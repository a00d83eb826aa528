/*
 * depot decode: what a scanned text means, without any store.
 */
#include "gateway/cli/decode.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/cli/sheet.h"
#include "gateway/ingest/gs1_link.h"
#include "gateway/ingest/scan_text.h"

#define LINE_SIZE                                                  \
	8192 /* twice what depot reads: longer is told as too long \
	      */
#define REPLY_SIZE 65536

struct decoding {
	struct cli *cli;
	struct scan_options options;
	struct scan_text *scan;
	char *reply; /* of REPLY_SIZE */
	unsigned char *memory;
	size_t bad;
};

/* ---- what it means, as JSON ---- */

static void problem_out(struct json_out *out,
			const struct scan_problem *problem)
{
	char text[SCAN_TEXT_SIZE];

	out_string_at(out, "code", scan_fault_name(problem->fault));
	if (problem->ai[0] != '\0')
		out_string_at(out, "ai", problem->ai);
	scan_problem_text_en(problem, text, sizeof(text));
	out_string_at(out, "text_en", text);
	scan_problem_text_zh(problem, text, sizeof(text));
	out_string_at(out, "text_zh", text);
}

static void elements_out(struct json_out *out,
			 const struct gs1_message *message)
{
	out_array_at(out, "elements");
	for (size_t i = 0; i < message->element_count; i++) {
		const struct gs1_element *element = &message->elements[i];

		out_object(out);
		out_text_at(out, "ai", gs1_ai_of(message, element));
		out_string_at(out, "title", element->ai->title);
		out_text_at(out, "value", gs1_value_of(message, element));
		out_object_end(out);
	}
	out_array_end(out);
}

/* The same message in its other forms. */
static void forms_out(struct json_out *out, const struct gs1_message *message)
{
	static char buffer[2 * GS1_TEXT_SIZE_MAX];
	struct gs1_options options = {.year = 0};
	size_t size;

	if (message->element_count == 0)
		return;
	out_text_at(out, "element_string", gs1_text_of(message));
	if (gs1_write_brackets(message, buffer, sizeof(buffer), &size))
		out_text_at(out, "brackets", (struct span){buffer, size});
	if (gs1_link_write(message, &options, buffer, sizeof(buffer), &size))
		out_text_at(out, "digital_link", (struct span){buffer, size});
}

static void text_out(struct json_out *out, const char *key, struct span text)
{
	if (text.size > 0)
		out_text_at(out, key, text);
}

static void facts_out(struct json_out *out, const struct scan_text *scan)
{
	char expiry[DATE_TEXT_SIZE];

	text_out(out, "gtin", span_of(scan->gtin));
	text_out(out, "sscc", span_of(scan->sscc));
	text_out(out, "lot", lot_span(&scan->lot));
	text_out(out, "serial", serial_span(&scan->serial));
	if (date_is_valid(scan->expiry)) {
		date_print(scan->expiry, expiry);
		out_string_at(out, "expiry", expiry);
		out_string_at(out, "expiry_ai", scan->expiry_ai);
	}
	if (scan->has_quantity)
		out_int_at(out, "quantity", scan->quantity);
	if (scan->measure.ai[0] != '\0') {
		out_object_at(out, "measure");
		out_string_at(out, "ai", scan->measure.ai);
		out_int_at(out, "mantissa", scan->measure.mantissa);
		out_int_at(out, "decimals", scan->measure.decimals);
		out_object_end(out);
	}
	text_out(out, "op", span_of(scan->op == NULL ? "" : scan->op));
	text_out(out, "label", scan_text_label(scan));
	text_out(out, "looked_up_as", scan_text_code(scan));
}

static void warnings_out(struct json_out *out,
			 const struct gs1_message *message)
{
	out_array_at(out, "warnings");
	for (size_t i = 0; i < message->warning_count; i++) {
		out_object(out);
		problem_out(out, &message->warnings[i]);
		out_object_end(out);
	}
	out_array_end(out);
}

static bool meaning_out(struct json_out *out, struct decoding *decoding,
			struct span text)
{
	struct scan_text *scan = decoding->scan;
	bool is_valid = scan_text_read(text, &decoding->options, scan);

	out_object(out);
	/* A longer one is refused, and only its begin is said again. */
	if (text.size > GS1_TEXT_SIZE_MAX)
		text.size = GS1_TEXT_SIZE_MAX;
	out_text_at(out, "text", text);
	out_bool_at(out, "valid", is_valid);
	out_string_at(out, "kind", scan_kind_name(scan->kind));
	if (is_valid) {
		out_string_at(out, "carrier", gs1_carrier_name(scan->carrier));
		facts_out(out, scan);
		elements_out(out, &scan->message);
		forms_out(out, &scan->message);
		warnings_out(out, &scan->message);
	} else {
		out_object_at(out, "error");
		problem_out(out, &scan->message.problem);
		out_object_end(out);
	}
	out_object_end(out);
	return is_valid;
}

/* ---- the same as text ---- */

static const struct column facts[] = {
	{"kind", "kind", "类型", false},
	{"carrier", "carrier", "载体", false},
	{"gtin", "GTIN", "GTIN", false},
	{"sscc", "SSCC", "SSCC", false},
	{"lot", "lot", "批号", false},
	{"serial", "serial", "序列号", false},
	{"expiry", "expiry", "有效期", false},
	{"quantity", "quantity", "数量", false},
	{"op", "operation", "操作", false},
	{"label", "label", "标签", false},
	{"element_string", "element string", "元素串", false},
	{"brackets", "brackets", "括号形式", false},
	{"digital_link", "Digital Link", "Digital Link", false},
};

static const struct column elements[] = {
	{"ai", "AI", "AI", true},
	{"title", "TITLE", "名称", false},
	{"value", "VALUE", "值", false},
};

static void meaning_show(const struct cli *cli, const struct json_value *root)
{
	const struct json_value *list = json_member(root, "elements");
	char buffer[VALUE_TEXT_SIZE];
	struct sheet *sheet;

	if (!member_true(root, "valid")) {
		(void)printf("%s: %s\n", cli_say(cli, "invalid", "无效"),
			     member_text(cli, root, "error.text_$", buffer));
		return;
	}
	record_show(cli, root, facts, ARRAY_LEN(facts));
	sheet = sheet_open(cli, elements, ARRAY_LEN(elements));
	for (const struct json_value *row = list_first(list); row != NULL;
	     row = json_next(row))
		sheet_add(sheet, row);
	sheet_show(sheet, NULL);
	list = json_member(root, "warnings");
	for (const struct json_value *row = list_first(list); row != NULL;
	     row = json_next(row))
		(void)printf("%s: %s\n", cli_say(cli, "warning", "警告"),
			     member_text(cli, row, "text_$", buffer));
}

/* ---- the verb ---- */

static void text_decode(struct decoding *decoding, struct span text)
{
	struct json_out out;
	struct json json;
	struct fault fault;

	out_init(&out, decoding->reply, REPLY_SIZE);
	if (!meaning_out(&out, decoding, text))
		decoding->bad++;
	ASSERT(out_ok(&out));
	if (decoding->cli->is_json) {
		cli_document(out_span(&out));
		return;
	}
	json_init(&json, decoding->memory, JSON_MEMORY_SIZE(REPLY_SIZE));
	if (json_parse(&json, out_span(&out), &fault) == ERR_OK)
		meaning_show(decoding->cli, json_root(&json));
}

static void lines_decode(struct decoding *decoding)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	while ((size = getline(&line, &room, stdin)) > 0) {
		if (line[size - 1] == '\n')
			size--;
		text_decode(decoding, (struct span){line, (size_t)size});
		/* Each answer when its line has come: there may be a person,
		 * or a scanner, at the other end. */
		(void)fflush(stdout);
	}
	free(line);
}

static bool decoding_begin(struct decoding *decoding, struct cli *cli)
{
	const char *separator = cli_option(cli, "--gs");
	const char *carrier = cli_option(cli, "--carrier");
	bool is_trusted;

	*decoding = (struct decoding){.cli = cli};
	decoding->options.year = moment_date(cli_now(&is_trusted)).year;
	if (separator != NULL)
		decoding->options.separator = span_of(separator);
	if (carrier != NULL)
		decoding->options.carrier = gs1_carrier_named(
			span_of(carrier), &decoding->options.has_fnc1);
	decoding->scan = malloc(sizeof(*decoding->scan));
	decoding->reply = malloc(REPLY_SIZE);
	decoding->memory = malloc(JSON_MEMORY_SIZE(REPLY_SIZE));
	return decoding->scan != NULL && decoding->reply != NULL &&
	       decoding->memory != NULL;
}

static enum exit_code decode_run(struct cli *cli)
{
	struct decoding decoding;
	enum exit_code exit = EXIT_DONE;

	if (!decoding_begin(&decoding, cli))
		exit = cli_failed(cli, ERR_FULL, NULL);
	else if (cli->word_count == 1 && strcmp(cli->words[0], "-") == 0)
		lines_decode(&decoding);
	else
		for (size_t i = 0; i < cli->word_count; i++)
			text_decode(&decoding, span_of(cli->words[i]));
	free(decoding.scan);
	free(decoding.reply);
	free(decoding.memory);
	return decoding.bad > 0 ? EXIT_FAILED : exit;
}

static const struct option_spec decode_options[] = {
	{"--gs", "TEXT", "what the scanner sends in place of GS",
	 "扫描枪用来代替 GS 的文本"},
	{"--carrier", "NAME",
	 "the symbology that the scanner tells, as it names "
	 "it",
	 "扫描枪报告的码制名称"},
};

const struct verb decode_verbs[] = {
	{
		.name = "decode",
		.usage = "TEXT... | -",
		.en = "what a scanned text means",
		.zh = "解释扫描文本的含义",
		.examples = "depot decode '(01)09521234567899(10)LOT42'\t"
			    "a GS1 barcode as printed below the bars\t"
			    "按条码下方的括号形式输入\n"
			    "depot decode $']C10109521234567899\\x1d10LOT42'\t"
			    "as a scanner sends it\t按扫描枪发送的形式输入\n"
			    "depot decode - --json < scans.txt\t"
			    "one text a line, one document a line\t"
			    "每行一个文本，每行输出一个文档\n",
		CLI_OPTIONS(decode_options),
		.words_min = 1,
		.words_max = CLI_ANY,
		.run = decode_run,
	},
	{.name = NULL},
};
