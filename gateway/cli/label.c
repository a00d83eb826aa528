#include "gateway/cli/label.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/cli/press.h"
#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"
#include "gateway/core/view.h"
#include "gateway/ingest/gs1_key.h"

static const struct control_refusal not_found = {"not_found", "there is no %s",
						 "没有 %s"};
static const struct control_refusal no_gtin = {
	"not_found", "%s has no GTIN: depot code set gives it one",
	"%s 没有 GTIN：请先用 depot code set 设定"};

/* Labels on their way, and what the words asked for. */
struct printing {
	struct cli *cli;
	struct press *press;
	enum exit_code exit;
	uint64_t found; /* bit n: word n names something */
};

/* ---- operations ---- */

static const struct {
	const char *name; /* behind "DEPOT." */
	const char *en;
	const char *zh;
} operations[] = {
	{"OP.RECEIVE", "Receive", "收货"},
	{"OP.PUTAWAY", "Put away", "上架"},
	{"OP.MOVE", "Move", "移库"},
	{"OP.PICK", "Pick", "拣货"},
	{"OP.PACK", "Pack", "打包"},
	{"OP.SHIP", "Ship", "发货"},
	{"OP.RETURN", "Return", "退货"},
	{"OP.COUNT", "Count", "盘点"},
	{"OP.SCRAP", "Scrap", "报废"},
	{"OP.HOLD", "Hold", "冻结"},
	{"OP.RELEASE", "Release", "解冻"},
	{"OP.TRANSFER-OUT", "Transfer out", "调出"},
	{"OP.TRANSFER-IN", "Transfer in", "调入"},
	{"UNDO", "Undo last", "撤销上一步"},
	{"DONE", "Done", "完成"},
};

static const uint64_t quantities[] = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 24};

/* "op-OP.PICK" as a file's name. */
static void stem_set(struct label *label, const char *kind, const char *name)
{
	char level[VIEW_LEVEL_SIZE];
	struct span text = span_of(name);

	if (text.size > VIEW_LEVEL_NAME_SIZE_MAX)
		text.size = VIEW_LEVEL_NAME_SIZE_MAX;
	view_level_print(text, level);
	(void)text_format(label->stem, sizeof(label->stem), "%s-%s", kind,
			  level);
}

static struct label operation_label(const char *name, const char *en,
				    const char *zh)
{
	struct label label = {.symbol = SYMBOL_CODE128};

	(void)text_format(label.text, sizeof(label.text), "DEPOT.%s", name);
	text_print(span_of(en), label.en, sizeof(label.en));
	text_print(span_of(zh), label.zh, sizeof(label.zh));
	stem_set(&label, "op", name);
	return label;
}

/* The number of the word that names it; without words all are meant: 0. "PICK"
 * is OP.PICK. Negative: it is not meant. */
static int wanted(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->word_count; i++)
		if (strcmp(cli->words[i], name) == 0 ||
		    (strncmp(name, "OP.", 3) == 0 &&
		     strcmp(cli->words[i], name + 3) == 0))
			return (int)i;
	return cli->word_count == 0 ? 0 : -1;
}

static void found_set(struct printing *printing, int word)
{
	printing->found |= UINT64_C(1) << word;
}

/* A word that names nothing is told. */
static enum exit_code found_check(const struct printing *printing)
{
	const struct cli *cli = printing->cli;

	for (size_t i = 0; i < cli->word_count; i++)
		if ((printing->found >> i & 1) == 0)
			return cli_refuse(cli, EXIT_NOT_FOUND, &not_found,
					  cli->words[i]);
	return printing->exit;
}

static void operation_print(struct printing *printing, const char *name,
			    const char *en, const char *zh)
{
	struct label label = operation_label(name, en, zh);
	int word = wanted(printing->cli, name);

	if (printing->exit != EXIT_DONE || word < 0)
		return;
	found_set(printing, word);
	printing->exit = press_print(printing->press, &label);
}

static void quantity_print(struct printing *printing, uint64_t quantity)
{
	char name[32];
	char caption[32];

	(void)text_format(name, sizeof(name), "QTY.%" PRIu64, quantity);
	(void)text_format(caption, sizeof(caption), "x %" PRIu64, quantity);
	operation_print(printing, name, caption, "");
}

/* "QTY.48": one that is not on the sheet by itself. */
static void other_quantities_print(struct printing *printing)
{
	const struct cli *cli = printing->cli;

	for (size_t i = 0; i < cli->word_count; i++) {
		struct span word = span_of(cli->words[i]);
		uint64_t quantity;

		if ((printing->found >> i & 1) != 0 ||
		    !span_starts(word, "QTY."))
			continue;
		word.data += 4;
		word.size -= 4;
		if (span_to_u64(word, QTY_MOVE_MAX, &quantity) && quantity > 0)
			quantity_print(printing, quantity);
	}
}

static void operations_print(struct printing *printing)
{
	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		operation_print(printing, operations[i].name, operations[i].en,
				operations[i].zh);
	for (size_t i = 0; i < ARRAY_LEN(quantities); i++)
		quantity_print(printing, quantities[i]);
}

static enum exit_code op_run(struct cli *cli)
{
	struct printing printing = {.cli = cli};
	enum exit_code exit = press_open(cli, &printing.press);

	if (exit != EXIT_DONE)
		return exit;
	operations_print(&printing);
	other_quantities_print(&printing);
	return press_close(printing.press, found_check(&printing));
}

/* ---- bins and items ---- */

/* Rows of @list that were named, or all; a name that is not there is told. */
typedef void print_fn(struct printing *printing, const struct json_value *row);

struct list {
	const char *command; /* "bin.list" */
	const char *member;  /* "bin" */
	print_fn *print;
};

static enum exit_code page_print(struct printing *printing,
				 const struct list *list, char *after,
				 bool *ret_has_more)
{
	struct cli *cli = printing->cli;
	struct request_draft draft;
	struct request request;
	struct reply reply;
	char text[VALUE_TEXT_SIZE];
	enum exit_code exit;

	request_begin(&draft, cli);
	if (after[0] != '\0')
		request_text(&draft, "after", after);
	exit = request_end(&draft, list->command, &request);
	if (exit == EXIT_DONE)
		exit = ask(cli, &request, &reply);
	if (exit != EXIT_DONE)
		return exit;
	for (const struct json_value *row = list_first(reply_list(reply.root));
	     row != NULL && printing->exit == EXIT_DONE; row = json_next(row)) {
		(void)member_text(cli, row, list->member, text);
		if (wanted(cli, text) < 0 || member_true(row, "inactive"))
			continue;
		found_set(printing, wanted(cli, text));
		list->print(printing, row);
	}
	(void)member_text(cli, reply.root, "next", text);
	*ret_has_more = text[0] != '\0';
	text_print(span_of(text), after, VALUE_TEXT_SIZE);
	reply_release(&reply);
	return printing->exit;
}

static enum exit_code list_print(struct cli *cli, const struct list *list)
{
	struct printing printing = {.cli = cli};
	char after[VALUE_TEXT_SIZE] = "";
	bool has_more = true;
	bool is_daemon;
	enum exit_code exit = ask_daemon(cli, &is_daemon);

	if (exit == EXIT_DONE)
		exit = press_open(cli, &printing.press);
	if (exit != EXIT_DONE)
		return exit;
	while (exit == EXIT_DONE && has_more)
		exit = page_print(&printing, list, after, &has_more);
	if (exit == EXIT_DONE)
		exit = found_check(&printing);
	return press_close(printing.press, exit);
}

static void bin_label_print(struct printing *printing, const char *name)
{
	struct label label = {.symbol = SYMBOL_CODE128};

	(void)text_format(label.text, sizeof(label.text), "DEPOT.BIN.%s", name);
	text_print(span_of(name), label.en, sizeof(label.en));
	label.symbol = symbol_for(label.text);
	stem_set(&label, "bin", name);
	printing->exit = press_print(printing->press, &label);
}

static void bin_print(struct printing *printing, const struct json_value *row)
{
	char name[VALUE_TEXT_SIZE];

	(void)member_text(printing->cli, row, "bin", name);
	bin_label_print(printing, name);
}

static enum exit_code bin_run(struct cli *cli)
{
	static const struct list bins = {"bin.list", "bin", bin_print};

	return list_print(cli, &bins);
}

enum exit_code label_page_write(struct cli *cli, FILE *page)
{
	struct printing printing = {.cli = cli};
	enum exit_code exit = press_onto(cli, page, &printing.press);

	if (exit != EXIT_DONE)
		return exit;
	operations_print(&printing);
	if (printing.exit == EXIT_DONE)
		bin_label_print(&printing, BIN_DOCK);
	return press_close(printing.press, printing.exit);
}

/* ---- an item's bars ---- */

/* The item's GTIN of one unit, 14 digits; empty if it has none. */
static enum exit_code gtin_find(struct cli *cli, const char *item,
				char gtin[GS1_GTIN_SIZE + 1])
{
	struct request_draft draft;
	struct request request;
	struct reply reply;
	char code[VALUE_TEXT_SIZE];
	enum exit_code exit;

	gtin[0] = '\0';
	request_begin(&draft, cli);
	request_text(&draft, "item", item);
	exit = request_end(&draft, "code.list", &request);
	if (exit == EXIT_DONE)
		exit = ask(cli, &request, &reply);
	if (exit != EXIT_DONE)
		return exit;
	for (const struct json_value *row = list_first(reply_list(reply.root));
	     row != NULL && gtin[0] == '\0'; row = json_next(row)) {
		(void)member_text(cli, row, "code", code);
		if (strlen(code) == GS1_GTIN_SIZE &&
		    member_number(row, "pack", 0) == 1 &&
		    gs1_gtin_read(span_of(code), gtin) == SCAN_OK)
			gtin[GS1_GTIN_SIZE] = '\0';
		else
			gtin[0] = '\0';
	}
	reply_release(&reply);
	return EXIT_DONE;
}

/* As it stands on the goods: the shortest form that has its bars. */
static void gtin_label(struct label *label, const char *gtin)
{
	if (strncmp(gtin, "000000", 6) == 0) {
		label->symbol = SYMBOL_EAN;
		gtin += 6;
	} else if (gtin[0] == '0') {
		label->symbol = SYMBOL_EAN;
		gtin += 1;
	} else {
		label->symbol = SYMBOL_ITF14;
	}
	text_print(span_of(gtin), label->text, sizeof(label->text));
}

/* "2027-12-31" as "271231". */
static void date_short(const char *date, char text[8])
{
	(void)text_format(text, 8, "%.2s%.2s%.2s", date + 2, date + 5,
			  date + 8);
}

static enum exit_code matrix_label(const struct cli *cli, struct label *label,
				   const char *gtin)
{
	const char *lot = cli_option(cli, "--lot");
	const char *expiry = cli_option(cli, "--expiry");
	char date[8] = "";
	struct date day;

	if (gtin[0] == '\0')
		return cli_refuse(cli, EXIT_NOT_FOUND, &no_gtin, label->en);
	if (expiry != NULL && date_parse(span_of(expiry), &day))
		date_short(expiry, date);
	label->symbol = SYMBOL_DATAMATRIX;
	(void)text_format(label->text, sizeof(label->text), "[01]%s%s%s%s%s",
			  gtin, date[0] != '\0' ? "[17]" : "", date,
			  lot != NULL ? "[10]" : "", lot != NULL ? lot : "");
	return EXIT_DONE;
}

static void item_print(struct printing *printing, const struct json_value *row)
{
	struct cli *cli = printing->cli;
	struct label label = {.symbol = SYMBOL_CODE128};
	char item[VALUE_TEXT_SIZE];
	char name[VALUE_TEXT_SIZE];
	char gtin[GS1_GTIN_SIZE + 1];

	(void)member_text(cli, row, "item", item);
	(void)member_text(cli, row, "name_en|name_zh|item", name);
	text_print(span_of(name), label.en, sizeof(label.en));
	(void)member_text(cli, row, "name_zh", name);
	text_print(span_of(name), label.zh, sizeof(label.zh));
	stem_set(&label, "item", item);
	printing->exit = gtin_find(cli, item, gtin);
	if (printing->exit != EXIT_DONE)
		return;
	if (cli_option(cli, "--datamatrix") != NULL) {
		printing->exit = matrix_label(cli, &label, gtin);
	} else if (gtin[0] != '\0') {
		gtin_label(&label, gtin);
	} else {
		(void)text_format(label.text, sizeof(label.text),
				  "DEPOT.ITEM.%s", item);
		label.symbol = symbol_for(label.text);
	}
	if (printing->exit == EXIT_DONE)
		printing->exit = press_print(printing->press, &label);
}

static enum exit_code item_run(struct cli *cli)
{
	static const struct list items = {"item.list", "item", item_print};

	return list_print(cli, &items);
}

/* ---- the verbs ---- */

#define OPTION_FORMAT                                                      \
	{                                                                  \
		"--format", "FORMAT", "svg, png or zpl; svg if not given", \
			"格式：svg、png 或 zpl，默认 svg"          \
	}
#define OPTION_OUT                                                            \
	{                                                                     \
		"--out", "PATH",                                              \
			"a folder for a file each and sheet.html, or a file", \
			"输出文件夹（含 sheet.html）或文件"        \
	}

static const struct option_spec sheet_options[] = {OPTION_FORMAT, OPTION_OUT};
static const struct option_spec item_options[] = {
	OPTION_FORMAT,
	OPTION_OUT,
	{"--datamatrix", NULL, "a GS1 DataMatrix", "打印 GS1 DataMatrix"},
	{"--lot", "LOT", "in the DataMatrix", "写入 DataMatrix 的批号"},
	{"--expiry", "DATE", "in the DataMatrix, as 2027-12-31",
	 "写入 DataMatrix 的有效期"},
};

const struct verb label_verbs[] = {
	{
		.name = "label op",
		.usage = "[NAME...] [OPTION...]",
		.en = "sheets of operation labels",
		.zh = "打印操作标签",
		.examples = "depot label op --out labels\tfiles and a sheet\t"
			    "输出文件和打印页\n"
			    "depot label op RECEIVE QTY.48 > sheet.html\t"
			    "two of them\t其中两个\n",
		CLI_OPTIONS(sheet_options),
		.words_max = 64,
		.run = op_run,
	},
	{
		.name = "label bin",
		.usage = "[BIN...] [OPTION...]",
		.en = "sheets of bin labels",
		.zh = "打印库位标签",
		.examples = "depot label bin --out labels\tall bins\t"
			    "全部库位\n"
			    "depot label bin A-01 --format zpl\t"
			    "for a label printer\t供标签打印机使用\n",
		CLI_OPTIONS(sheet_options),
		.words_max = 64,
		.run = bin_run,
	},
	{
		.name = "label item",
		.usage = "[ITEM...] [OPTION...]",
		.en = "sheets of item labels",
		.zh = "打印商品标签",
		.examples = "depot label item MUG --out labels\t"
			    "its GTIN, or a label of depot's own\t"
			    "其 GTIN，没有则用 depot 标签\n"
			    "depot label item TEA --datamatrix --lot LOT42 "
			    "--expiry 2027-12-31 > tea.html\twith lot and "
			    "date\t含批号和有效期\n",
		CLI_OPTIONS(item_options),
		.words_max = 64,
		.run = item_run,
	},
	{.name = NULL},
};
