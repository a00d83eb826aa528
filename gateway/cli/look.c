/*
 * depot stock, journal, trace.
 */
#include "gateway/cli/look.h"

#include <string.h>

#include "gateway/cli/follow.h"
#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

/* ---- stock ---- */

static const struct column stock_columns[] = {
	{"item", "ITEM", "商品", false},
	{"name_$|name_%", "NAME", "名称", false},
	{"on_hand", "ON HAND", "现货", true},
	{"available", "AVAILABLE", "可售", true},
	{"allocated", "ALLOCATED", "已分配", true},
	{"on_hold", "ON HOLD", "冻结", true},
	{"quarantine", "QUARANTINE", "待检", true},
	{"damaged", "DAMAGED", "残次", true},
	{"changed_at", "CHANGED", "最后变动", false},
};

static enum exit_code stock_all(struct cli *cli)
{
	static const struct member_map maps[] = {
		{"--all", "all", MEMBER_FLAG},
	};
	static const struct listing listing = {stock_columns,
					       ARRAY_LEN(stock_columns),
					       "nothing in stock", "没有库存",
					       true};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_list(&draft, "stock.list", &listing);
}

/* Places and cells as rows of one table: the place stands in its first. */
static const struct column cell_columns[] = {
	{"", "WHERE", "位置", false}, {"", "CONDITION", "状态", false},
	{"", "LOT", "批号", false},   {"", "EXPIRY", "有效期", false},
	{"", "UNITS", "数量", true},  {"", "ENTRY", "最后记录", false},
};

static const struct column held_columns[] = {
	{"", "ITEM", "商品", false}, {"", "CONDITION", "状态", false},
	{"", "LOT", "批号", false},  {"", "EXPIRY", "有效期", false},
	{"", "UNITS", "数量", true}, {"", "ENTRY", "最后记录", false},
};

static void cells_add(struct sheet *sheet, const struct cli *cli,
		      const struct json_value *row, const char *name)
{
	const struct json_value *cells = json_member(row, "cells");
	char texts[5][VALUE_TEXT_SIZE];

	for (const struct json_value *cell = list_first(cells); cell != NULL;
	     cell = json_next(cell)) {
		const char *const columns[] = {
			name,
			member_text(cli, cell, "condition", texts[0]),
			member_text(cli, cell, "lot", texts[1]),
			member_text(cli, cell, "expiry", texts[2]),
			member_text(cli, cell, "units", texts[3]),
			member_text(cli, row, "entry", texts[4])};

		sheet_add_texts(sheet, columns);
	}
}

struct cells {
	const struct cli *cli;
	struct sheet *sheet;
	char as_of[VALUE_TEXT_SIZE];
	char head[VALUE_TEXT_SIZE];
};

static void age_keep(struct cells *cells, const struct json_value *root)
{
	(void)member_text(cells->cli, root, "as_of", cells->as_of);
	(void)member_text(cells->cli, root, "head", cells->head);
}

static const struct column item_facts[] = {
	{"item", "item", "商品", false},
	{"name_$|name_%", "name", "名称", false},
	{"unit", "unit", "单位", false},
	{"on_hand", "on hand", "现货", false},
	{"available", "available", "可售", false},
	{"reserved", "reserved", "预占", false},
	{"allocated", "allocated", "已分配", false},
	{"on_hold", "on hold", "冻结", false},
	{"quarantine", "quarantine", "待检", false},
	{"damaged", "damaged", "残次", false},
	{"serials", "serials", "序列号", false},
	{"changed_at", "changed", "最后变动", false},
};

static void place_add(void *context, const struct json_value *root,
		      const struct json_value *row)
{
	struct cells *cells = context;
	char kind[VALUE_TEXT_SIZE];
	char place[VALUE_TEXT_SIZE];
	char name[2 * VALUE_TEXT_SIZE];

	if (row == NULL) {
		record_show(cells->cli, root, item_facts,
			    ARRAY_LEN(item_facts));
		age_keep(cells, root);
		return;
	}
	(void)member_text(cells->cli, row, "kind", kind);
	(void)member_text(cells->cli, row, "place", place);
	if (strcmp(kind, "bin") == 0)
		(void)text_format(name, sizeof(name), "%s", place);
	else
		(void)text_format(name, sizeof(name), "%s%s%s", kind,
				  place[0] == '\0' ? "" : ":", place);
	cells_add(cells->sheet, cells->cli, row, name);
}

static void held_add(void *context, const struct json_value *root,
		     const struct json_value *row)
{
	struct cells *cells = context;
	char name[VALUE_TEXT_SIZE];

	if (row == NULL) {
		age_keep(cells, root);
		return;
	}
	(void)member_text(cells->cli, row, "item", name);
	cells_add(cells->sheet, cells->cli, row, name);
}

static enum exit_code cells_show(struct cli *cli, const char *member,
				 const char *name, row_fn *visit)
{
	struct cells cells = {.cli = cli};
	struct request_draft draft;
	struct request request;
	enum exit_code exit;

	request_begin(&draft, cli);
	request_text(&draft, member, name);
	exit = request_end(&draft, "stock.list", &request);
	if (exit != EXIT_DONE)
		return exit;
	cells.sheet =
		sheet_open(cli, visit == held_add ? held_columns : cell_columns,
			   ARRAY_LEN(cell_columns));
	exit = ask_pages(cli, &request, visit, &cells);
	if (exit != EXIT_DONE || cli->is_json) {
		sheet_drop(cells.sheet);
		return exit;
	}
	sheet_show(cells.sheet, cli_say(cli, "nothing there", "没有库存"));
	show_age(cli, cells.as_of, cells.head);
	return EXIT_DONE;
}

static enum exit_code stock_run(struct cli *cli)
{
	const char *bin = cli_option(cli, "--bin");

	if (cli->word_count > 0)
		return cells_show(cli, "item", cli->words[0], place_add);
	if (bin != NULL)
		return cells_show(cli, "bin", bin, held_add);
	return stock_all(cli);
}

static const struct option_spec stock_options[] = {
	{"--bin", "BIN", "what lies in a bin", "查看某库位的库存"},
	{"--all", NULL, "items that have left, too", "包括已清空的商品"},
};

/* ---- journal ---- */

static const struct member_map journal_maps[] = {
	{"--item", "item", MEMBER_TEXT},
	{"--bin", "bin", MEMBER_TEXT},
	{"--device", "device", MEMBER_TEXT},
	{"--account", "account", MEMBER_TEXT},
	{"--kind", "kind", MEMBER_TEXT},
};

static const struct column entry_columns[] = {
	{"entry", "ENTRY", "记录", false},
	{"@stamp", "RECORDED", "记录时间", false},
	{"actor", "BY", "操作者", false},
	{"text_$", "WHAT", "内容", false},
};

static enum exit_code journal_all(struct cli *cli)
{
	static const struct listing listing = {entry_columns,
					       ARRAY_LEN(entry_columns),
					       "no entries", "没有记录", false};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_options(&draft, journal_maps, ARRAY_LEN(journal_maps));
	return request_list(&draft, "journal.list", &listing);
}

/* The last ones come newest first, and are shown oldest first. */
static void reversed_add(struct sheet *sheet, const struct json_value *list)
{
	const struct json_value *rows[JOURNAL_LAST_MAX];
	size_t count = 0;

	for (const struct json_value *row = list_first(list);
	     row != NULL && count < JOURNAL_LAST_MAX; row = json_next(row))
		rows[count++] = row;
	while (count > 0)
		sheet_add(sheet, rows[--count]);
}

static enum exit_code last_show(const struct cli *cli,
				const struct json_value *root)
{
	struct sheet *sheet;

	if (cli->is_json)
		return EXIT_DONE;
	sheet = sheet_open(cli, entry_columns, ARRAY_LEN(entry_columns));
	reversed_add(sheet, reply_list(root));
	sheet_show(sheet, cli_say(cli, "no entries", "没有记录"));
	return EXIT_DONE;
}

static enum exit_code journal_last(struct cli *cli, const char *count)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_options(&draft, journal_maps, ARRAY_LEN(journal_maps));
	out_bool_at(&draft.out, "backwards", true);
	request_number(&draft, "limit", count);
	return request_show(&draft, "journal.list", last_show);
}

static enum exit_code journal_run(struct cli *cli)
{
	const char *count = cli_option(cli, "--last");

	if (cli_option(cli, "--all") != NULL)
		return journal_all(cli);
	if (cli_option(cli, "--follow") != NULL)
		return follow_journal(cli, journal_maps,
				      ARRAY_LEN(journal_maps));
	return journal_last(cli, count != NULL ? count : "20");
}

static const struct option_spec journal_options[] = {
	{"--item", "ITEM", "about an item", "某商品"},
	{"--bin", "BIN", "about a bin", "某库位"},
	{"--device", "DEVICE", "by a device", "某设备"},
	{"--account", "ACCOUNT", "by an account", "某账户"},
	{"--kind", "KIND", "movement, item, count, task ...",
	 "类型：movement、item、count、task 等"},
	{"--last", "N", "the last N; 20 if not given", "最后 N 条，默认 20"},
	{"--all", NULL, "from the first entry on", "从第一条开始"},
	{"--follow", NULL, "as they come, until Ctrl-C",
	 "持续显示新记录，Ctrl-C 结束"},
};

/* ---- trace ---- */

/* "1.4711" names an entry; no item is called so unless --item says it. */
static bool is_entry(const char *text)
{
	size_t epoch = strspn(text, "0123456789");
	size_t pos =
		text[epoch] == '.' ? strspn(text + epoch + 1, "0123456789") : 0;

	return epoch > 0 && pos > 0 && text[epoch + 1 + pos] == '\0';
}

static void brief_print(const struct cli *cli, const struct json_value *root,
			const char *member, const char *title)
{
	const struct json_value *brief = json_member(root, member);
	char entry[VALUE_TEXT_SIZE];
	char text[VALUE_TEXT_SIZE];

	if (brief != NULL)
		(void)printf("%s %s: %s\n", title,
			     member_text(cli, brief, "entry", entry),
			     member_text(cli, brief, "text_$", text));
}

/* When and by whom is said above them: it is one reading. */
static const struct column brief_columns[] = {
	{"entry", "ENTRY", "记录", false},
	{"text_$", "WHAT", "内容", false},
};

static enum exit_code entry_show(const struct cli *cli,
				 const struct json_value *root)
{
	static const struct column facts[] = {
		{"of.entry", "entry", "记录", false},
		{"of.text_$", "what", "内容", false},
		{"@of.stamp", "recorded", "记录时间", false},
		{"of.effective", "happened", "发生时间", false},
		{"by.device", "device", "设备", false},
		{"by.boot", "boot", "启动编号", false},
		{"by.seq", "reading", "读数序号", false},
		{"by.account", "account", "账户", false},
		{"by.rule", "rule", "规则", false},
		{"order.order", "order", "订单", false},
	};
	const struct json_value *same = json_member(root, "same_reading");
	struct sheet *sheet;

	if (cli->is_json)
		return EXIT_DONE;
	record_show(cli, root, facts, ARRAY_LEN(facts));
	brief_print(cli, root, "reverses", cli_say(cli, "reverses", "冲销"));
	brief_print(cli, root, "reversed_by",
		    cli_say(cli, "reversed by", "被冲销于"));
	sheet = sheet_open(cli, brief_columns, ARRAY_LEN(brief_columns));
	for (const struct json_value *row = same == NULL ? NULL
							 : list_first(same);
	     row != NULL; row = json_next(row))
		sheet_add(sheet, row);
	if (sheet_rows(sheet) > 0)
		(void)puts(cli_say(cli, "\nof the same reading",
				   "\n同一读数的其他记录"));
	sheet_show(sheet, NULL);
	return EXIT_DONE;
}

static const struct column movement_columns[] = {
	{"entry", "ENTRY", "记录", false},
	{"@stamp", "RECORDED", "记录时间", false},
	{"actor", "BY", "操作者", false},
	{"seq", "READING", "读数", true},
	{"text_$", "WHAT", "内容", false},
};

static enum exit_code item_trace_show(const struct cli *cli,
				      const struct json_value *root)
{
	struct sheet *sheet;

	if (cli->is_json)
		return EXIT_DONE;
	record_show(cli, root, item_facts, ARRAY_LEN(item_facts));
	sheet = sheet_open(cli, movement_columns, ARRAY_LEN(movement_columns));
	reversed_add(sheet, reply_list(root));
	sheet_show(sheet, cli_say(cli, "it never moved", "没有任何移动"));
	return EXIT_DONE;
}

static enum exit_code trace_run(struct cli *cli)
{
	const char *item = cli_option(cli, "--item");
	const char *count = cli_option(cli, "--last");
	struct request_draft draft;

	request_begin(&draft, cli);
	if (item == NULL && cli->word_count > 0 && is_entry(cli->words[0])) {
		request_text(&draft, "entry", cli->words[0]);
		return request_show(&draft, "trace.show", entry_show);
	}
	if (item == NULL && cli->word_count > 0)
		item = cli->words[0];
	request_text(&draft, "item", item);
	request_number(&draft, "limit", count != NULL ? count : "20");
	return request_show(&draft, "trace.show", item_trace_show);
}

static const struct option_spec trace_options[] = {
	{"--item", "ITEM", "an item whose name looks like an entry's",
	 "名称形似记录号的商品"},
	{"--last", "N", "an item's last N movements; 20 if not given",
	 "商品最后 N 次移动，默认 20"},
};

/* ---- the verbs ---- */

const struct verb look_verbs[] = {
	{
		.name = "stock",
		.usage = "[ITEM | --bin BIN] [--all]",
		.en = "what there is",
		.zh = "查看库存",
		.examples = "depot stock\teach item\t每个商品\n"
			    "depot stock MUG\twhere one lies\t某商品在哪里\n"
			    "depot stock --bin A-01\twhat lies in a bin\t"
			    "某库位有什么\n",
		CLI_OPTIONS(stock_options),
		.words_max = 1,
		.run = stock_run,
	},
	{
		.name = "journal",
		.usage = "[OPTION...]",
		.en = "what happened, entry by entry",
		.zh = "查看日志记录",
		.examples = "depot journal --last 50\tthe last entries\t"
			    "最近的记录\n"
			    "depot journal --item MUG --all\t"
			    "an item's whole life\t某商品的全部记录\n"
			    "depot journal --follow\tas it happens\t"
			    "实时显示\n",
		CLI_OPTIONS(journal_options),
		.run = journal_run,
	},
	{
		.name = "trace",
		.usage = "ITEM | ENTRY",
		.en = "which reading of which device made it",
		.zh = "追溯由哪台设备的哪次读数产生",
		.examples = "depot trace MUG\tan item's movements\t"
			    "某商品的移动\n"
			    "depot trace 1.4711\tone entry\t某条记录\n",
		CLI_OPTIONS(trace_options),
		.words_max = 1,
		.run = trace_run,
	},
	{.name = NULL},
};
