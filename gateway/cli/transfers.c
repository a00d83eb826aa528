/*
 * depot transfer ...
 */
#include "gateway/cli/transfers.h"

#include <string.h>

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

static const struct member_map maps[] = {
	{"--all", "all", MEMBER_FLAG},
	{"--to", "to", MEMBER_TEXT},
	{"--from", "from", MEMBER_TEXT},
	{"--expected", "expected", MEMBER_TEXT},
	{"--carrier", "carrier", MEMBER_TEXT},
	{"--reason", "reason", MEMBER_TEXT},
	{"--sscc", "sscc", MEMBER_TEXT},
	{"--bin", "bin", MEMBER_TEXT},
	{"--condition", "condition", MEMBER_TEXT},
	{"--against", "against", MEMBER_TEXT},
	{"--lot", "lot", MEMBER_TEXT},
	{"--id", "id", MEMBER_TEXT},
};

#define OPTION_REASON                               \
	{                                           \
		"--reason", "TEXT", "why", "原因" \
	}
#define OPTION_AGAINST                                                 \
	{                                                              \
		"--against", "WHO", "sender (if not said) or carrier", \
			"索赔对象：sender（默认）或 carrier" \
	}
#define OPTION_ID                                                      \
	{                                                              \
		"--id", "ID",                                          \
			"a name for this command: sent again it acts " \
			"once",                                        \
			"命令编号：重复发送只执行一次"   \
	}

/* ---- looking ---- */

static enum exit_code list_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"transfer", "TRANSFER", "调拨单", false},
		{"direction", "WAY", "方向", false},
		{"from_name|from_site", "FROM", "发货站点", false},
		{"to_name|to_site", "TO", "收货站点", false},
		{"state", "STATE", "状态", false},
		{"sender.units", "SENT", "发出", true},
		{"addressee.units", "RECEIVED", "收到", true},
		{"unsettled", "OPEN ITEMS", "未结商品", true},
		{"expected", "EXPECTED", "预计到货", false},
		{"carrier", "CARRIER", "承运", false},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "nothing is on its way",
					       "没有在途调拨", true};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_list(&draft, "transfer.list", &listing);
}

static const struct option_spec list_options[] = {
	{"--all", NULL, "those that are over, too", "包括已结束的调拨"},
	{"--from", "SITE", "those that it sends; by name or number",
	 "只看该站点发出的，名称或编号"},
	{"--to", "SITE", "those that go there", "只看发往该站点的"},
};

static const struct column facts[] = {
	{"transfer", "transfer", "调拨单", false},
	{"direction", "way", "方向", false},
	{"from_name|from_site", "from site", "发货站点", false},
	{"to_name|to_site", "to site", "收货站点", false},
	{"state", "state", "状态", false},
	{"reopened", "open again", "重新打开", false},
	{"expected", "expected", "预计到货", false},
	{"carrier", "carrier", "承运", false},
	{"sender.state", "the sender says", "发货方", false},
	{"sender.since", "since", "时间", false},
	{"sender.pallets", "pallets", "托盘", false},
	{"sender.units", "units", "件数", false},
	{"addressee.state", "the addressee says", "收货方", false},
	{"addressee.since", "since", "时间", false},
	{"addressee.units", "units", "件数", false},
	{"hq.state", "HQ says", "总部", false},
};

static const struct column item_columns[] = {
	{"item", "ITEM", "商品", false},
	{"shipped", "SHIPPED", "发出", true},
	{"surplus", "SURPLUS", "多货", true},
	{"received", "RECEIVED", "良品收货", true},
	{"damaged", "DAMAGED", "残损", true},
	{"claimed", "CLAIMED", "短少索赔", true},
	{"lost", "LOST", "核销", true},
	{"in_transit", "IN TRANSIT", "在途", true},
	{"verdict", "VERDICT", "结论", false},
};

struct showing {
	const struct cli *cli;
	struct sheet *sheet;
	bool is_odd; /* there is something to look at */
};

static void item_show(void *context, const struct json_value *root,
		      const struct json_value *row)
{
	struct showing *showing = context;
	char verdict[VALUE_TEXT_SIZE];

	if (row == NULL) {
		record_show(showing->cli, root, facts, ARRAY_LEN(facts));
		return;
	}
	(void)member_text(showing->cli, row, "verdict", verdict);
	showing->is_odd |= strcmp(verdict, "balanced") != 0 &&
			   strcmp(verdict, "under_way") != 0;
	sheet_add(showing->sheet, row);
}

/* The law's verdict is in the exit code: what is left of a closed transfer, or
 * came before it was sent, is worth a look. */
static enum exit_code items_run(struct cli *cli)
{
	struct showing showing = {.cli = cli};
	struct request_draft draft;
	struct request request;
	enum exit_code exit;

	request_begin(&draft, cli);
	request_text(&draft, "transfer", cli->words[0]);
	exit = request_end(&draft, "transfer.show", &request);
	if (exit != EXIT_DONE)
		return exit;
	showing.sheet = sheet_open(cli, item_columns, ARRAY_LEN(item_columns));
	exit = ask_pages(cli, &request, item_show, &showing);
	if (exit != EXIT_DONE || cli->is_json) {
		sheet_drop(showing.sheet);
		return exit;
	}
	sheet_show(showing.sheet,
		   cli_say(cli, "nothing has been booked on it yet",
			   "尚未登记任何货物"));
	return showing.is_odd ? EXIT_LOOK : EXIT_DONE;
}

static enum exit_code part_run(struct cli *cli, const char *name,
			       const struct listing *listing)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "transfer", cli->words[0]);
	return request_list(&draft, name, listing);
}

static enum exit_code lines_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"sscc", "PALLET", "托盘", false},
		{"item", "ITEM", "商品", false},
		{"lot", "LOT", "批号", false},
		{"serial", "SERIAL", "序列号", false},
		{"expiry", "EXPIRY", "有效期", false},
		{"shipped", "SHIPPED", "发出", true},
		{"received", "RECEIVED", "良品收货", true},
		{"damaged", "DAMAGED", "残损", true},
	};
	static const struct listing listing = {
		columns, ARRAY_LEN(columns), "the packing list is not here yet",
		"装箱单尚未收到", false};

	return part_run(cli, "transfer.lines", &listing);
}

static enum exit_code claims_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"claim", "CLAIM", "索赔", false},
		{"by", "BY", "提出方", false},
		{"kind", "KIND", "类型", false},
		{"item", "ITEM", "商品", false},
		{"lot", "LOT", "批号", false},
		{"qty", "UNITS", "数量", true},
		{"against", "AGAINST", "对象", false},
		{"state", "STATE", "状态", false},
		{"reason", "REASON", "原因", false},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "no claims", "没有索赔", false};

	return part_run(cli, "claim.list", &listing);
}

static enum exit_code show_run(struct cli *cli)
{
	if (cli_option(cli, "--lines") != NULL)
		return lines_run(cli);
	if (cli_option(cli, "--claims") != NULL)
		return claims_run(cli);
	return items_run(cli);
}

static const struct option_spec show_options[] = {
	{"--lines", NULL, "the packing list, and what came of it",
	 "装箱单及收货情况"},
	{"--claims", NULL, "the claims, and the answers", "索赔及答复"},
};

/* ---- doing ---- */

static enum exit_code done_show(const struct cli *cli,
				const struct json_value *root)
{
	char name[VALUE_TEXT_SIZE];

	if (cli->is_json)
		return EXIT_DONE;
	(void)printf("%s\n", member_text(cli, root, "claim|transfer", name));
	for (const struct json_value *row = list_first(reply_list(root));
	     row != NULL; row = json_next(row)) {
		char entry[VALUE_TEXT_SIZE];
		char text[VALUE_TEXT_SIZE];

		(void)printf("%s  %s\n", member_text(cli, row, "entry", entry),
			     member_text(cli, row, "text_$", text));
	}
	turned_show(cli, root);
	return EXIT_DONE;
}

static enum exit_code transfer_do(struct cli *cli, const char *command)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	if (cli->word_count > 0)
		request_text(&draft, "transfer", cli->words[0]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, command, done_show);
}

static enum exit_code create_run(struct cli *cli)
{
	return transfer_do(cli, "transfer.create");
}

static const struct option_spec create_options[] = {
	{"--to", "SITE", "the site that it goes to, by name or number",
	 "收货站点，名称或编号"},
	{"--expected", "DATE", "day of arrival, as 2026-11-24", "预计到货日期"},
	{"--carrier", "TEXT", "who carries it, and under which number",
	 "承运商及运单号"},
	OPTION_REASON,
	OPTION_ID,
};

static enum exit_code ship_run(struct cli *cli)
{
	return transfer_do(cli, "transfer.ship");
}

static const struct option_spec ship_options[] = {
	{"--expected", "DATE", "day of arrival, as 2026-11-24", "预计到货日期"},
	{"--carrier", "TEXT", "who carries it, and under which number",
	 "承运商及运单号"},
	OPTION_REASON,
	OPTION_ID,
};

static enum exit_code receive_run(struct cli *cli)
{
	return transfer_do(cli, "transfer.receive");
}

static const struct option_spec receive_options[] = {
	{"--sscc", "SSCC", "this pallet only; all of it if not given",
	 "仅此托盘，默认全部"},
	{"--bin", "BIN", "where to; DOCK if not given", "入库库位，默认 DOCK"},
	{"--condition", "WORD", "good, on_hold, quarantine, damaged",
	 "状态：good、on_hold、quarantine、damaged"},
	OPTION_ID,
};

static enum exit_code close_run(struct cli *cli)
{
	return transfer_do(cli, "transfer.close");
}

static const struct option_spec close_options[] = {OPTION_AGAINST, OPTION_ID};

static enum exit_code cancel_run(struct cli *cli)
{
	return transfer_do(cli, "transfer.cancel");
}

static const struct option_spec cancel_options[] = {OPTION_REASON, OPTION_ID};

static enum exit_code claim_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "transfer", cli->words[0]);
	request_text(&draft, "item", cli->words[1]);
	request_number(&draft, "qty", cli->words[2]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, "claim.open", done_show);
}

static const struct option_spec claim_options[] = {
	OPTION_AGAINST,
	{"--lot", "LOT", "the lot", "批号"},
	OPTION_REASON,
	OPTION_ID,
};

static enum exit_code answer_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "claim", cli->words[0]);
	request_text(&draft, "state", cli->words[1]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, "claim.answer", done_show);
}

static const struct option_spec answer_options[] = {OPTION_REASON, OPTION_ID};

/* ---- the verbs ---- */

const struct verb transfer_verbs[] = {
	{
		.name = "transfer list",
		.usage = "[--all] [--from SITE] [--to SITE]",
		.en = "what is on its way between sites",
		.zh = "查看站点间在途调拨",
		.examples = "depot transfer list\tin and out\t调入和调出\n",
		CLI_OPTIONS(list_options),
		.run = list_run,
	},
	{
		.name = "transfer show",
		.usage = "TRANSFER [--lines | --claims]",
		.en = "one of them, item by item",
		.zh = "查看一张调拨单",
		.examples = "depot transfer show 3-7-125\t"
			    "sent, received, claimed, in transit\t"
			    "发出、收货、索赔与在途\n"
			    "depot transfer show 3-7-125 --lines\t"
			    "its packing list\t装箱单\n",
		CLI_OPTIONS(show_options),
		.words_min = 1,
		.words_max = 1,
		.run = show_run,
	},
	{
		.name = "transfer create",
		.usage = "--to SITE [OPTION...]",
		.en = "a new one, to another site",
		.zh = "新建到其他站点的调拨",
		.examples = "depot transfer create --to hz-07 --expected "
			    "2026-11-24\tits number is told\t返回调拨单号\n",
		CLI_OPTIONS(create_options),
		.run = create_run,
	},
	{
		.name = "transfer ship",
		.usage = "TRANSFER [OPTION...]",
		.en = "all of it is loaded: the packing list is whole",
		.zh = "装车完毕，装箱单完整",
		.examples = "depot transfer ship 3-7-125 --carrier 'SF 1098'\t"
			    "as DONE does in a scanner session\t"
			    "等同于扫描“完成”\n",
		CLI_OPTIONS(ship_options),
		.words_min = 1,
		.words_max = 1,
		.run = ship_run,
	},
	{
		.name = "transfer receive",
		.usage = "TRANSFER [OPTION...]",
		.en = "books what came, by the packing list",
		.zh = "按装箱单收货",
		.examples = "depot transfer receive 3-7-125\t"
			    "all of it, as listed\t按清单全部收货\n"
			    "depot transfer receive 3-7-125 --sscc "
			    "106141412345678908\tone pallet\t一个托盘\n",
		CLI_OPTIONS(receive_options),
		.words_min = 1,
		.words_max = 1,
		.run = receive_run,
	},
	{
		.name = "transfer claim",
		.usage = "TRANSFER ITEM UNITS [OPTION...]",
		.en = "units that turned out damaged",
		.zh = "为收货后发现的残损提出索赔",
		.examples = "depot transfer claim 3-7-125 MUG 2 --reason "
			    "cracked\tfound later\t事后发现\n",
		CLI_OPTIONS(claim_options),
		.words_min = 3,
		.words_max = 3,
		.run = claim_run,
	},
	{
		.name = "transfer answer",
		.usage = "CLAIM STATE [--reason TEXT]",
		.en = "accepts, rejects, settles or withdraws a claim",
		.zh = "接受、拒绝、结清或撤回索赔",
		.examples = "depot transfer answer 3-7-125-c1 accepted\t"
			    "accepted, rejected, settled, withdrawn\t"
			    "accepted、rejected、settled、withdrawn\n",
		CLI_OPTIONS(answer_options),
		.words_min = 2,
		.words_max = 2,
		.run = answer_run,
	},
	{
		.name = "transfer close",
		.usage = "TRANSFER [--against WHO]",
		.en = "settles it: claims what is missing or too much",
		.zh = "结清：对短少或多货提出索赔",
		.examples = "depot transfer close 3-7-125\t"
			    "at either end, when its part is done\t"
			    "任一方完成后执行\n",
		CLI_OPTIONS(close_options),
		.words_min = 1,
		.words_max = 1,
		.run = close_run,
	},
	{
		.name = "transfer cancel",
		.usage = "TRANSFER [--reason TEXT]",
		.en = "calls it off, once all is taken back",
		.zh = "取消（须先冲销全部出库）",
		.examples = "depot transfer cancel 3-7-125 --reason 'no truck'"
			    "\tnothing of it is under way\t没有货物在途\n",
		CLI_OPTIONS(cancel_options),
		.words_min = 1,
		.words_max = 1,
		.run = cancel_run,
	},
	{.name = NULL},
};
