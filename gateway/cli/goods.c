/*
 * depot item, code, bin: what the warehouse trades in, and where it lies.
 */
#include "gateway/cli/goods.h"

#include <unistd.h>

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

/* ---- imports ---- */

static const struct column import_counts[] = {
	{"rows", "rows", "行数", true},
	{"added", "added", "新增", true},
	{"changed", "changed", "更改", true},
	{"unchanged", "unchanged", "未变", true},
	{"vanished", "no longer in the file (--retire)",
	 "文件中已没有（--retire）", true},
	{"retired", "retired", "停用", true},
	{"encoding", "encoding", "编码", false},
	{"sample", "which reads, for example", "读出的内容，例如", false},
	{"ignored", "columns passed over", "忽略的列", false},
	{"retried", "parked readings booked", "补记的待处理读数", true},
	{"entry", "last entry", "末条记录", false},
	{"standing", "whose word it is", "归属", false},
};

static enum exit_code import_show(const struct cli *cli,
				  const struct json_value *root)
{
	bool is_dry = false;
	struct fault fault;

	if (cli->is_json)
		return EXIT_DONE;
	if (json_bool(root, "dry_run", &is_dry, &fault) == ERR_OK && is_dry)
		(void)printf("%s\n",
			     cli_say(cli,
				     "every row can be taken; nothing was "
				     "imported (--dry-run)",
				     "每一行都可接受；未导入任何内容"
				     "（--dry-run）"));
	record_show(cli, root, import_counts, ARRAY_LEN(import_counts));
	return EXIT_DONE;
}

enum exit_code goods_import(struct cli *cli, const char *name)
{
	static const struct member_map maps[] = {
		{"--dry-run", "dry_run", MEMBER_FLAG},
		{"--retire", "retire", MEMBER_FLAG},
	};
	struct request_draft draft;
	struct request request;
	int fd = -1;
	enum exit_code exit;

	request_begin(&draft, cli);
	request_options(&draft, maps, ARRAY_LEN(maps));
	exit = request_end(&draft, name, &request);
	if (exit == EXIT_DONE)
		exit = ask_file(cli, cli->words[0], &fd);
	if (exit != EXIT_DONE)
		return exit;
	request.fd = fd;
	cli->file = cli->words[0];
	exit = ask_show(cli, &request, import_show);
	(void)close(fd); /* a memory that nobody needs any more */
	return exit;
}

static const struct option_spec import_options[] = {
	{"--dry-run", NULL, "checks every row and changes nothing",
	 "只检查每一行，不作更改"},
};

/* ---- items ---- */

static enum exit_code item_set_run(struct cli *cli)
{
	static const struct member_map maps[] = {
		{"--name-en", "name_en", MEMBER_TEXT},
		{"--name-zh", "name_zh", MEMBER_TEXT},
		{"--unit", "unit", MEMBER_TEXT},
		{"--tracking", "tracking", MEMBER_TEXT},
		{"--class", "class", MEMBER_TEXT},
		{"--shelf-life", "shelf_life_days", MEMBER_NUMBER},
		{"--weight", "weight_mg", MEMBER_NUMBER},
		{"--inactive", "inactive", MEMBER_FLAG},
		{"--active", "inactive", MEMBER_UNFLAG},
	};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "item", cli->words[0]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, "item.set", show_done);
}

static const struct option_spec item_set_options[] = {
	{"--name-en", "TEXT", "its English name", "英文名称"},
	{"--name-zh", "TEXT", "its Chinese name", "中文名称"},
	{"--unit", "UNIT",
	 "each, gram, millilitre, millimetre; fixed once it "
	 "has moved",
	 "基本单位：each、gram、millilitre、millimetre；有出入库后不可更改"},
	{"--tracking", "WORD", "none, lot, serial",
	 "追踪方式：none、lot、serial"},
	{"--class", "LETTER", "A, B, C", "ABC 分类"},
	{"--shelf-life", "DAYS", "days that it keeps", "保质天数"},
	{"--weight", "MG", "milligrams of one unit", "单位重量（毫克）"},
	{"--inactive", NULL, "it is no longer traded", "停用"},
	{"--active", NULL, "it is again", "重新启用"},
};

static enum exit_code item_import_run(struct cli *cli)
{
	return goods_import(cli, "item.import");
}

static const struct column item_columns[] = {
	{"item", "ITEM", "商品", false},
	{"name_$|name_%", "NAME", "名称", false},
	{"unit", "UNIT", "单位", false},
	{"tracking", "TRACKING", "追踪", false},
	{"class", "CLASS", "分类", false},
	{"inactive", "INACTIVE", "停用", false},
};
static enum exit_code item_list_run(struct cli *cli)
{
	static const struct listing listing = {item_columns,
					       ARRAY_LEN(item_columns),
					       "no items", "没有商品", false};
	struct request_draft draft;

	request_begin(&draft, cli);
	return request_list(&draft, "item.list", &listing);
}

static const struct column item_facts[] = {
	{"item", "item", "商品", false},
	{"name_$|name_%", "name", "名称", false},
	{"unit", "unit", "单位", false},
	{"on_hand", "on hand", "现货", false},
	{"available", "available", "可售", false},
	{"changed_at", "last moved", "最后变动", false},
};

static const struct column code_columns[] = {
	{"code", "CODE", "条码", false},
	{"item", "ITEM", "商品", false},
	{"pack", "PACK", "包装数", true},
};

static enum exit_code stock_ask(struct cli *cli, struct reply *ret_reply)
{
	struct request_draft draft;
	struct request request;
	enum exit_code exit;

	request_begin(&draft, cli);
	request_text(&draft, "item", cli->words[0]);
	exit = request_end(&draft, "stock.list", &request);
	return exit == EXIT_DONE ? ask(cli, &request, ret_reply) : exit;
}

/* Of the item that is named first, or of all. */
static enum exit_code code_list_run(struct cli *cli)
{
	static const struct listing listing = {code_columns,
					       ARRAY_LEN(code_columns),
					       "no codes", "没有条码", false};
	struct request_draft draft;

	request_begin(&draft, cli);
	if (cli->word_count > 0)
		request_text(&draft, "item", cli->words[0]);
	return request_list(&draft, "code.list", &listing);
}

/* What there is of it, and its barcodes: two documents with --json, and more if
 * a page does not hold all of them. */
static enum exit_code item_show_run(struct cli *cli)
{
	struct reply reply;
	enum exit_code exit = stock_ask(cli, &reply);

	if (exit != EXIT_DONE)
		return exit;
	if (cli->is_json)
		cli_document(reply.text);
	else
		record_show(cli, reply.root, item_facts, ARRAY_LEN(item_facts));
	reply_release(&reply);
	return code_list_run(cli);
}

/* ---- codes ---- */

static enum exit_code code_set_run(struct cli *cli)
{
	static const struct member_map maps[] = {
		{"--pack", "pack", MEMBER_NUMBER},
	};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "code", cli->words[0]);
	if (cli->word_count > 1)
		request_text(&draft, "item", cli->words[1]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, "code.set", show_done);
}

static const struct option_spec code_set_options[] = {
	{"--pack", "UNITS", "units in one of it; 1 if not given",
	 "一个条码代表的数量，默认 1"},
};

static enum exit_code code_import_run(struct cli *cli)
{
	return goods_import(cli, "code.import");
}

/* ---- bins ---- */

static enum exit_code bin_set_run(struct cli *cli)
{
	static const struct member_map maps[] = {
		{"--zone", "zone", MEMBER_TEXT},
		{"--inactive", "inactive", MEMBER_FLAG},
		{"--active", "inactive", MEMBER_UNFLAG},
	};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "bin", cli->words[0]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, "bin.set", show_done);
}

static const struct option_spec bin_set_options[] = {
	{"--zone", "TEXT", "the part of the warehouse", "库区"},
	{"--inactive", NULL, "it is closed", "停用"},
	{"--active", NULL, "it is open again", "重新启用"},
};

static enum exit_code bin_import_run(struct cli *cli)
{
	return goods_import(cli, "bin.import");
}

static const struct column bin_columns[] = {
	{"bin", "BIN", "库位", false},
	{"zone", "ZONE", "库区", false},
	{"system", "SYSTEM", "系统库位", false},
	{"inactive", "INACTIVE", "停用", false},
};

static enum exit_code bin_list_run(struct cli *cli)
{
	static const struct listing listing = {bin_columns,
					       ARRAY_LEN(bin_columns),
					       "no bins", "没有库位", false};
	struct request_draft draft;

	request_begin(&draft, cli);
	return request_list(&draft, "bin.list", &listing);
}

/* ---- the verbs ---- */

const struct verb goods_verbs[] = {
	{
		.name = "item import",
		.usage = "FILE [--dry-run]",
		.en = "items from a table (CSV)",
		.zh = "从表格（CSV）导入商品",
		.examples =
			"depot item import items.csv\t"
			"columns item, name_en, name_zh, unit, tracking ...\t"
			"列：item、name_en、name_zh、unit、tracking 等\n"
			"depot item import - --dry-run < items.csv\t"
			"only checks\t只作检查\n",
		CLI_OPTIONS(import_options),
		.words_min = 1,
		.words_max = 1,
		.run = item_import_run,
	},
	{
		.name = "item set",
		.usage = "ITEM [OPTION...]",
		.en = "adds an item, or changes one",
		.zh = "新增或更改商品",
		.examples = "depot item set MUG --name-en 'White mug' "
			    "--name-zh 白色马克杯\t"
			    "an item counted in pieces\t按件计数的商品\n"
			    "depot item set TEA --tracking lot --shelf-life "
			    "720\twith lots and dates\t按批号和效期管理\n",
		CLI_OPTIONS(item_set_options),
		.words_min = 1,
		.words_max = 1,
		.run = item_set_run,
	},
	{
		.name = "item list",
		.usage = "",
		.en = "all items",
		.zh = "列出商品",
		.examples = "depot item list\tall of them\t全部商品\n",
		.run = item_list_run,
	},
	{
		.name = "item show",
		.usage = "ITEM",
		.en = "one item and its barcodes",
		.zh = "查看商品及其条码",
		.examples = "depot item show MUG\tone of them\t某个商品\n",
		.words_min = 1,
		.words_max = 1,
		.run = item_show_run,
	},
	{
		.name = "code import",
		.usage = "FILE [--dry-run]",
		.en = "barcodes from a table (CSV)",
		.zh = "从表格（CSV）导入条码",
		.examples = "depot code import codes.csv\t"
			    "columns code, item, pack\t列：code、item、pack\n",
		CLI_OPTIONS(import_options),
		.words_min = 1,
		.words_max = 1,
		.run = code_import_run,
	},
	{
		.name = "code set",
		.usage = "CODE [ITEM] [--pack UNITS]",
		.en = "what a barcode stands for; without ITEM, for nothing",
		.zh = "设定条码代表的商品；不写商品则取消",
		.examples =
			"depot code set 4006381333931 MUG\tone mug\t一个杯子\n"
			"depot code set 14006381333938 MUG --pack 12\t"
			"a case of twelve\t一箱十二个\n"
			"depot code set 4006381333931\t"
			"nothing any more\t不再代表任何商品\n",
		CLI_OPTIONS(code_set_options),
		.words_min = 1,
		.words_max = 2,
		.run = code_set_run,
	},
	{
		.name = "code list",
		.usage = "[ITEM]",
		.en = "barcodes, of all items or of one",
		.zh = "列出全部或某商品的条码",
		.examples = "depot code list MUG\tits barcodes\t其条码\n",
		.words_max = 1,
		.run = code_list_run,
	},
	{
		.name = "bin import",
		.usage = "FILE [--dry-run]",
		.en = "bins from a table (CSV)",
		.zh = "从表格（CSV）导入库位",
		.examples = "depot bin import bins.csv\t"
			    "columns bin, zone\t列：bin、zone\n",
		CLI_OPTIONS(import_options),
		.words_min = 1,
		.words_max = 1,
		.run = bin_import_run,
	},
	{
		.name = "bin set",
		.usage = "BIN [OPTION...]",
		.en = "adds a bin, or changes one",
		.zh = "新增或更改库位",
		.examples = "depot bin set A-01 --zone cold\t"
			    "a bin in the cold store\t冷库中的库位\n",
		CLI_OPTIONS(bin_set_options),
		.words_min = 1,
		.words_max = 1,
		.run = bin_set_run,
	},
	{
		.name = "bin list",
		.usage = "",
		.en = "all bins",
		.zh = "列出库位",
		.examples = "depot bin list\tall of them\t全部库位\n",
		.run = bin_list_run,
	},
	{.name = NULL},
};
