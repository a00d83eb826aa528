/*
 * depot move, count, book, transform, reverse: what a scanner does, typed.
 */
#include "gateway/cli/work.h"

#include <string.h>

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

static const struct control_refusal bad_part = {"usage", "%s is not ITEM=UNITS",
						"%s 不是“商品=数量”的形式"};

/* ---- what was booked ---- */

static enum exit_code booked_show(const struct cli *cli,
				  const struct json_value *root)
{
	enum exit_code exit = EXIT_DONE;

	for (const struct json_value *row = list_first(reply_list(root));
	     row != NULL; row = json_next(row)) {
		char entry[VALUE_TEXT_SIZE];
		char text[VALUE_TEXT_SIZE];
		char verdict[VALUE_TEXT_SIZE];

		/* A count that has to be done again worked, but look. */
		(void)member_text(cli, row, "verdict", verdict);
		if (verdict[0] != '\0' && strcmp(verdict, "accepted") != 0)
			exit = EXIT_LOOK;
		if (!cli->is_json)
			(void)printf("%s  %s\n",
				     member_text(cli, row, "entry", entry),
				     member_text(cli, row, "text_$", text));
	}
	turned_show(cli, root);
	return exit;
}

static const struct member_map details[] = {
	{"--from", "from", MEMBER_TEXT},
	{"--to", "to", MEMBER_TEXT},
	{"--bin", "bin", MEMBER_TEXT},
	{"--lot", "lot", MEMBER_TEXT},
	{"--serial", "serial", MEMBER_TEXT},
	{"--reason", "reason", MEMBER_TEXT},
	{"--condition", "condition", MEMBER_TEXT},
	{"--position", "position", MEMBER_TEXT},
	{"--ref", "ref", MEMBER_TEXT},
	{"--expiry", "expiry", MEMBER_TEXT},
	{"--at", "at", MEMBER_TEXT},
	{"--qty", "qty", MEMBER_NUMBER},
	{"--id", "id", MEMBER_TEXT},
};

/* The verb's own among the details. */
static void details_add(struct request_draft *draft)
{
	request_options(draft, details, ARRAY_LEN(details));
}

#define OPTION_LOT                                  \
	{                                           \
		"--lot", "LOT", "the lot", "批号" \
	}
#define OPTION_SERIAL                                                  \
	{                                                              \
		"--serial", "SERIAL", "the serial number", "序列号" \
	}
#define OPTION_REASON                               \
	{                                           \
		"--reason", "TEXT", "why", "原因" \
	}
#define OPTION_CONDITION                                                     \
	{                                                                    \
		"--condition", "WORD", "good, on_hold, quarantine, damaged", \
			"状态：good、on_hold、quarantine、damaged"     \
	}
#define OPTION_ID                                                      \
	{                                                              \
		"--id", "ID",                                          \
			"a name for this command: sent again it acts " \
			"once",                                        \
			"命令编号：重复发送只执行一次"   \
	}

/* ---- move, count ---- */

static enum exit_code move_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "item", cli->words[0]);
	request_number(&draft, "qty", cli->words[1]);
	details_add(&draft);
	return request_show(&draft, "move", booked_show);
}

static const struct option_spec move_options[] = {
	{"--from", "BIN", "where it lies", "原库位"},
	{"--to", "BIN", "where it goes", "目标库位"},
	OPTION_LOT,
	OPTION_SERIAL,
	OPTION_CONDITION,
	OPTION_REASON,
	OPTION_ID,
};

static enum exit_code count_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "item", cli->words[0]);
	request_number(&draft, "qty", cli->words[1]);
	details_add(&draft);
	return request_show(&draft, "count", booked_show);
}

static const struct option_spec count_options[] = {
	{"--bin", "BIN", "where it was counted", "盘点的库位"},
	OPTION_LOT,
	OPTION_SERIAL,
	OPTION_CONDITION,
	{"--position", "POS", "the journal's end when the bin was looked at",
	 "查看库位时的日志位置"},
	OPTION_REASON,
	OPTION_ID,
};

/* ---- book ---- */

static enum exit_code book_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	out_int_at(&draft.out, "v", 1);
	request_text(&draft, "op", cli->words[0]);
	out_array_at(&draft.out, "codes");
	for (size_t i = 1; i < cli->word_count; i++)
		out_string(&draft.out, cli->words[i]);
	out_array_end(&draft.out);
	details_add(&draft);
	return request_show(&draft, "book", booked_show);
}

static const struct option_spec book_options[] = {
	{"--qty", "UNITS", "of it; 1 if not given", "数量，默认 1"},
	{"--bin", "BIN", "where", "库位"},
	{"--to", "BIN", "where it goes", "目标库位"},
	{"--ref", "REF", "the order, purchase order or transfer",
	 "订单、采购单或调拨单号"},
	OPTION_LOT,
	OPTION_CONDITION,
	OPTION_REASON,
	{"--at", "TIME", "when it happened, if not now", "实际发生时间"},
	OPTION_ID,
};

/* ---- transform, reverse ---- */

/* "CUP=1,SAUCER=1" */
static void parts_add(struct request_draft *draft, const char *text)
{
	out_array_at(&draft->out, "components");
	while (text != NULL && *text != '\0' && draft->exit == EXIT_DONE) {
		size_t size = strcspn(text, ",");
		char part[SKU_SIZE_MAX + 32];
		char *equals;

		text_print((struct span){text, size}, part, sizeof(part));
		equals = strrchr(part, '=');
		if (equals == NULL) {
			draft->exit = cli_refuse(draft->cli, EXIT_USAGE,
						 &bad_part, part);
			break;
		}
		*equals = '\0';
		out_object(&draft->out);
		request_text(draft, "item", part);
		request_number(draft, "qty", equals + 1);
		out_object_end(&draft->out);
		text += size + (text[size] == ',');
	}
	out_array_end(&draft->out);
}

static enum exit_code transform_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "bundle", cli->words[0]);
	request_number(&draft, "qty", cli->words[1]);
	parts_add(&draft, cli_option(cli, "--of"));
	details_add(&draft);
	return request_show(&draft, "transform", booked_show);
}

static const struct option_spec transform_options[] = {
	{"--of", "PARTS", "ITEM=UNITS in one bundle, with commas between",
	 "一个组合所含的“商品=数量”，用逗号分隔"},
	{"--bin", "BIN", "where they lie, and the bundle then", "库位"},
	OPTION_LOT,
	{"--expiry", "DATE", "of the bundle, as 2027-12-31", "组合的有效期"},
	OPTION_ID,
};

static enum exit_code reverse_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "entry", cli->words[0]);
	details_add(&draft);
	return request_show(&draft, "reverse", booked_show);
}

static const struct option_spec reverse_options[] = {OPTION_ID};

/* ---- the verbs ---- */

const struct verb work_verbs[] = {
	{
		.name = "move",
		.usage = "ITEM UNITS --from BIN --to BIN [OPTION...]",
		.en = "from one bin to another",
		.zh = "移库",
		.examples = "depot move MUG 12 --from A-01 --to B-01\t"
			    "twelve mugs\t十二个杯子\n"
			    "depot move TEA 5 --from A-01 --to A-02 --lot "
			    "LOT42\tof one lot\t指定批号\n",
		CLI_OPTIONS(move_options),
		.words_min = 2,
		.words_max = 2,
		.run = move_run,
	},
	{
		.name = "count",
		.usage = "ITEM UNITS --bin BIN [OPTION...]",
		.en = "says how many there are",
		.zh = "盘点",
		.examples = "depot count MUG 11 --bin A-01\t"
			    "the book is adjusted, or a recount asked for\t"
			    "调整账面，或要求复盘\n",
		CLI_OPTIONS(count_options),
		.words_min = 2,
		.words_max = 2,
		.run = count_run,
	},
	{
		.name = "book",
		.usage = "OPERATION CODE... [OPTION...]",
		.en = "any operation of a scanner",
		.zh = "登记扫描枪的任意操作",
		.examples =
			"depot book receive 4006381333931 --qty 24 --bin A-01\t"
			"receive, putaway, pick, pack, ship, return ...\t"
			"receive、putaway、pick、pack、ship、return 等\n"
			"depot book scrap MUG --qty 1 --bin A-01 --reason "
			"broken\tit is broken\t已损坏\n",
		CLI_OPTIONS(book_options),
		.words_min = 2,
		.words_max = CLI_ANY,
		.run = book_run,
	},
	{
		.name = "transform",
		.usage = "BUNDLE UNITS --of PARTS --bin BIN [OPTION...]",
		.en = "makes bundles of their parts",
		.zh = "将组件加工成组合",
		.examples = "depot transform SET 10 --of CUP=2,SAUCER=2 --bin "
			    "A-01\tten sets of four pieces\t"
			    "十套，每套四件\n",
		CLI_OPTIONS(transform_options),
		.words_min = 2,
		.words_max = 2,
		.run = transform_run,
	},
	{
		.name = "reverse",
		.usage = "ENTRY",
		.en = "takes a movement back, by one that names it",
		.zh = "冲销一笔移动",
		.examples = "depot reverse 1.4711\tit was a mistake\t"
			    "该笔有误\n",
		CLI_OPTIONS(reverse_options),
		.words_min = 1,
		.words_max = 1,
		.run = reverse_run,
	},
	{.name = NULL},
};
