/*
 * The tables that are imported: their columns, under the names that people
 * give them, and what a row says.
 */
#include "gateway/core/command_import.h"

#include "gateway/core/goods.h"
#include "store/catalogue.h"

#define ALIASES(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool required(struct import_row *row, size_t column, struct span text)
{
	struct fault fault;

	if (text.size > 0)
		return true;
	(void)fault_of(&fault, FAULT_EMPTY, row->columns[column].name, text);
	return row_fault(row, column, &fault);
}

/* ---- items ---- */

enum item_column {
	ITEM_SKU,
	ITEM_NAME_EN,
	ITEM_NAME_ZH,
	ITEM_UNIT,
	ITEM_TRACKING,
	ITEM_SHELF_LIFE,
	ITEM_WEIGHT_MG,
	ITEM_WEIGHT_G,
	ITEM_CLASS,
	ITEM_INACTIVE,
};

static const struct csv_column item_columns[] = {
	[ITEM_SKU] = {"item",
		      ALIASES("sku", "item_no", "item_id", "article", "货号",
			      "商品编码", "商品编号", "编码", "物料编码",
			      "物料号", "SKU编码"),
		      true},
	[ITEM_NAME_EN] = {"name_en",
			  ALIASES("name", "description", "english_name",
				  "英文名称", "英文名", "英文品名"),
			  false},
	[ITEM_NAME_ZH] = {"name_zh",
			  ALIASES("chinese_name", "名称", "商品名称", "品名",
				  "中文名称", "中文名", "物料名称"),
			  false},
	[ITEM_UNIT] = {"unit",
		       ALIASES("base_unit", "uom", "单位", "基本单位",
			       "计量单位"),
		       false},
	[ITEM_TRACKING] = {"tracking",
			   ALIASES("tracked_by", "追踪方式", "跟踪方式",
				   "管理方式"),
			   false},
	[ITEM_SHELF_LIFE] = {"shelf_life_days",
			     ALIASES("shelf_life", "保质期", "保质期天数",
				     "保质期（天）", "保质期(天)"),
			     false},
	[ITEM_WEIGHT_MG] = {"weight_mg",
			    ALIASES("重量（毫克）", "重量(毫克)", "单重毫克"),
			    false},
	[ITEM_WEIGHT_G] = {"weight_g",
			   ALIASES("重量（克）", "重量(克)", "重量克", "克重",
				   "单重"),
			   false},
	[ITEM_CLASS] = {"class",
			ALIASES("abc", "abc_class", "ABC分类", "ABC类"), false},
	[ITEM_INACTIVE] = {"inactive", ALIASES("停用", "是否停用"), false},
};

static bool item_names(struct import_row *row, struct item *item)
{
	struct span text;

	if (!row_text(row, ITEM_NAME_EN, ITEM_NAME_SIZE_MAX, &text) ||
	    (text.size > 0 && !item_name_set(&item->name_en, text)) ||
	    !row_text(row, ITEM_NAME_ZH, ITEM_NAME_SIZE_MAX, &text))
		return false;
	return text.size == 0 || item_name_set(&item->name_zh, text);
}

static bool item_figures(struct import_row *row, struct item *item)
{
	struct row_range days = {0, 0, 36500};
	struct row_range milligrams = {0, 0, INT64_C(1000000000000)};
	struct row_range grams = {3, 0, 1000000000};
	int64_t life = item->shelf_life_days;
	int64_t weight = (int64_t)item->weight_mg;

	if (!row_number(row, ITEM_SHELF_LIFE, days, &life) ||
	    !row_number(row, ITEM_WEIGHT_G, grams, &weight) ||
	    !row_number(row, ITEM_WEIGHT_MG, milligrams, &weight))
		return false;
	item->shelf_life_days = (uint32_t)life;
	item->weight_mg = (uint64_t)weight;
	return true;
}

static bool item_words(struct import_row *row, struct item *item)
{
	struct span class = row_field(row, ITEM_CLASS);
	uint32_t unit = item->unit;
	uint32_t tracking = item->tracking;

	if (!row_term(row, ITEM_UNIT, TERM_UNIT, &unit) ||
	    !row_term(row, ITEM_TRACKING, TERM_TRACKING, &tracking) ||
	    !row_bool(row, ITEM_INACTIVE, &item->is_inactive))
		return false;
	item->unit = (enum base_unit)unit;
	item->tracking = (enum tracking)tracking;
	if (class.size == 0 || goods_class(class, &item->abc_class))
		return true;
	return row_unknown(row, ITEM_CLASS, "A, B, C", "A、B、C");
}

static enum err_code item_read(struct import_row *row, struct err *err)
{
	struct item *item = &row->entry.body.item;
	struct goods_before before;
	struct span sku;
	enum err_code code;

	if (!row_text(row, ITEM_SKU, SKU_SIZE_MAX, &sku) ||
	    !required(row, ITEM_SKU, sku))
		return ERR_OK;
	code = goods_item(row->view, sku, item, &before, err);
	if (code != ERR_OK)
		return code;
	row->is_known = row->is_hq ? before.is_master : before.is_known;
	row->before.body.item = *item;
	if (before.is_master && !row->is_hq) {
		code = item_get_own(row->view, sku, &row->own.body.item, err);
		row->has_own = code == ERR_OK;
	}
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (!item_names(row, item) || !item_figures(row, item) ||
	    !item_words(row, item))
		return ERR_OK;
	code = ERR_OK;
	if (item->unit != before.unit && before.is_known && row->is_hq &&
	    !before.has_moved)
		code = goods_moved_anywhere(row->view, sku, &before.has_moved,
					    err);
	if (code != ERR_OK)
		return code;
	if (before.has_moved && item->unit != before.unit)
		(void)row_refuse(row, ITEM_UNIT, &refusal_unit_fixed, sku);
	return ERR_OK;
}

static struct span item_key(const struct import_row *row)
{
	return sku_span(&row->entry.body.item.sku);
}

const struct import import_items = {
	ENTRY_ITEM, item_columns, ARRAY_LEN(item_columns), item_read, item_key,
	NULL,       NULL};

/* ---- codes ---- */

enum code_column {
	CODE_TEXT,
	CODE_ITEM,
	CODE_PACK,
	CODE_PLAIN,
};

static const struct csv_column code_columns[] = {
	[CODE_TEXT] = {"code",
		       ALIASES("barcode", "ean", "gtin", "upc", "条码",
			       "商品条码", "条形码", "国际条码"),
		       true},
	[CODE_ITEM] = {"item",
		       ALIASES("sku", "item_no", "item_id", "article", "货号",
			       "商品编码", "商品编号", "编码", "物料编码",
			       "物料号", "SKU编码"),
		       true},
	[CODE_PACK] = {"pack",
		       ALIASES("pack_qty", "units", "qty", "装箱数", "包装数",
			       "包装数量", "箱规", "数量"),
		       false},
	[CODE_PLAIN] = {"plain",
			ALIASES("own_code", "自编码", "内部码", "非GTIN"),
			false},
};

static const struct refusal rounded = {
	"rounded_number",
	"%s is a number that a spreadsheet has rounded: format the column as "
	"text and enter it again",
	"%s 是被表格软件舍入的数字：请将该列设为文本后重新输入"};

/* "4.00638E+12": the last digits are gone. */
static bool is_rounded(struct span text)
{
	bool has_point = false;
	bool has_power = false;

	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (c == '.' && !has_point && !has_power)
			has_point = true;
		else if ((c == 'E' || c == 'e') && !has_power && i > 0)
			has_power = true;
		else if (c == '+' && has_power)
			continue;
		else if (c < '0' || c > '9')
			return false;
	}
	return has_point && has_power;
}

static const struct refusal bad_check_digit = {
	"bad_check_digit",
	"the check digit of %s is wrong: correct it, or say yes in a column "
	"plain if it is no GTIN but a code of your own",
	"%s 的校验位错误：请更正；若不是 GTIN 而是自编码，请在“自编码”（plain）"
	"列填“是”"};

/* As many digits as a GTIN has, but the last one does not fit: mostly mistyped,
 * and then no scan would ever find it. False if the row is bad. */
static bool code_fits(struct import_row *row, struct span text)
{
	char gtin[GS1_GTIN_SIZE];
	bool is_plain = false;

	if (is_rounded(text))
		return row_refuse(row, CODE_TEXT, &rounded, text);
	if (!row_bool(row, CODE_PLAIN, &is_plain))
		return false;
	if (is_plain || gs1_gtin_read(text, gtin) != SCAN_BAD_CHECK_DIGIT ||
	    gs1_upce_expand(text, gtin) == SCAN_OK)
		return true;
	return row_refuse(row, CODE_TEXT, &bad_check_digit, text);
}

static enum err_code code_before(struct import_row *row, struct span text,
				 struct err *err)
{
	struct code master;
	struct pos pos;
	enum err_code code =
		code_get(row->view, text, &row->before.body.code, err);

	row->is_known = code == ERR_OK;
	if (code == ERR_OK)
		code = catalogue_code(row->view, text, &master, err);
	if (row->is_hq && code == ERR_NOT_FOUND)
		row->is_known = false; /* what a site says HQ has not said */
	if (!row->is_hq && code == ERR_OK) {
		code = record_find(row->view, TABLE_CODE, text, &pos, &row->own,
				   err);
		row->has_own = code == ERR_OK;
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code code_read(struct import_row *row, struct err *err)
{
	struct row_range packs = {0, 1, QTY_MOVE_MAX};
	struct code *body = &row->entry.body.code;
	char gtin[GS1_GTIN_SIZE];
	struct item_no number;
	struct span text;
	struct span sku;
	enum err_code code;

	if (!row_text(row, CODE_TEXT, CODE_SIZE_MAX, &text) ||
	    !required(row, CODE_TEXT, text) ||
	    !row_text(row, CODE_ITEM, SKU_SIZE_MAX, &sku) ||
	    !required(row, CODE_ITEM, sku) || !code_fits(row, text))
		return ERR_OK;
	text = code_canonical(text, gtin);
	if (!code_text_set(&body->code, text) || !sku_set(&body->item, sku))
		return ERR_INVALID; /* both were measured above */
	code = goods_named(row->view, row->is_hq, sku, &number, err);
	if (code == ERR_NOT_FOUND) {
		(void)row_refuse(row, CODE_ITEM, &refusal_unknown_item, sku);
		return ERR_OK;
	}
	if (code == ERR_OK)
		code = code_before(row, text, err);
	if (code != ERR_OK)
		return code;
	/* A pack that is not said stays, as long as the item does. */
	body->pack = 1;
	if (row->is_known &&
	    span_equal(sku_span(&row->before.body.code.item), sku))
		body->pack = row->before.body.code.pack;
	row_number(row, CODE_PACK, packs, &body->pack);
	return ERR_OK;
}

static struct span code_key(const struct import_row *row)
{
	return code_text_span(&row->entry.body.code.code);
}

const struct import import_codes = {
	ENTRY_CODE, code_columns, ARRAY_LEN(code_columns), code_read, code_key,
	NULL,       NULL};

/* ---- bins ---- */

enum bin_column {
	BIN_NAME,
	BIN_ZONE,
	BIN_INACTIVE,
};

static const struct csv_column bin_columns[] = {
	[BIN_NAME] = {"bin",
		      ALIASES("location", "name", "库位", "货位", "库位号",
			      "货位号", "仓位", "库位编码"),
		      true},
	[BIN_ZONE] = {"zone", ALIASES("area", "区域", "库区", "分区"), false},
	[BIN_INACTIVE] = {"inactive", ALIASES("停用", "是否停用"), false},
};

static enum err_code bin_read(struct import_row *row, struct err *err)
{
	struct bin *bin = &row->entry.body.bin;
	struct span name;
	struct span zone;
	enum err_code code;

	if (!row_text(row, BIN_NAME, CSV_FIELD_SIZE_MAX, &name) ||
	    !required(row, BIN_NAME, name))
		return ERR_OK;
	if (!place_name_is_valid(name)) {
		(void)row_refuse(row, BIN_NAME, &refusal_bad_bin, name);
		return ERR_OK;
	}
	code = bin_get(row->view, name, bin, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	row->is_known = code == ERR_OK;
	row->before.body.bin = *bin;
	if (!place_name_set(&bin->name, name))
		return ERR_INVALID; /* it was measured above */
	if (!row_text(row, BIN_ZONE, REF_SIZE_MAX, &zone) ||
	    (zone.size > 0 && !ref_set(&bin->zone, zone)))
		return ERR_OK;
	row_bool(row, BIN_INACTIVE, &bin->is_inactive);
	return ERR_OK;
}

static struct span bin_key(const struct import_row *row)
{
	return place_name_span(&row->entry.body.bin.name);
}

const struct import import_bins = {
	ENTRY_BIN, bin_columns, ARRAY_LEN(bin_columns), bin_read, bin_key,
	NULL,      NULL};
