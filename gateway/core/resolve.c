#include "gateway/core/resolve.h"

#include <string.h>

/* A SKU or bin may be typed as its own code. */
static enum err_code name_resolve(const struct view *view, struct span text,
				  struct found *found, struct err *err)
{
	struct bin bin;
	enum err_code code = ERR_NOT_FOUND;

	if (text.size > 0 && text.size <= SKU_SIZE_MAX)
		code = item_find(view, text, &found->item_no, err);
	if (code == ERR_OK)
		code = item_get(view, found->item_no, &found->item, err);
	if (code == ERR_OK) {
		found->kind = FOUND_ITEM;
		found->pack = 1;
		return ERR_OK;
	}
	if (code != ERR_NOT_FOUND)
		return code;
	code = bin_get(view, text, &bin, err);
	if (code == ERR_OK) {
		found->kind = FOUND_BIN;
		found->bin = bin.name;
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code code_resolve(const struct view *view, struct span text,
				  struct found *found, struct err *err)
{
	enum err_code code;

	if (!code_text_set(&found->wants, text))
		return ERR_OK; /* longer than any code: nothing knows it */
	code = code_find(view, text, &found->item_no, &found->pack, err);
	if (code == ERR_OK)
		code = item_get(view, found->item_no, &found->item, err);
	if (code == ERR_OK)
		found->kind = FOUND_ITEM;
	if (code != ERR_NOT_FOUND)
		return code;
	return name_resolve(view, text, found, err);
}

/* Powers of ten from the AI's unit (kg, m, l) to the base unit (g, mm, ml). */
#define BASE_DECIMALS 3

static enum base_unit measure_unit(const struct scan_measure *measure)
{
	if (strncmp(measure->ai, "310", 3) == 0)
		return UNIT_GRAM;
	if (strncmp(measure->ai, "311", 3) == 0)
		return UNIT_MILLIMETRE;
	if (strncmp(measure->ai, "315", 3) == 0)
		return UNIT_MILLILITRE;
	return 0;
}

/* Base units of a variable measure; 0 where the item is not counted in that
 * unit, or the measure is finer than its base unit. */
static int64_t measure_units(const struct scan_measure *measure,
			     const struct item *item)
{
	int64_t units = measure->mantissa;

	if (measure->ai[0] == '\0' || measure_unit(measure) != item->unit)
		return 0;
	for (unsigned i = measure->decimals; i < BASE_DECIMALS; i++)
		if (__builtin_mul_overflow(units, INT64_C(10), &units))
			return 0;
	for (unsigned i = BASE_DECIMALS; i < measure->decimals; i++) {
		if (units % 10 != 0)
			return 0;
		units /= 10;
	}
	return units;
}

static void warning_take(struct found *found, const struct scan_text *scan)
{
	for (size_t i = 0; i < scan->message.warning_count; i++)
		if (scan->message.warnings[i].fault == SCAN_LOST_SEPARATOR)
			found->problem = scan->message.warnings[i];
}

static void details_take(struct found *found, const struct scan_text *scan)
{
	warning_take(found, scan);
	found->lot = scan->lot;
	found->serial = scan->serial;
	if (scan->expiry.year != 0)
		found->expiry = date_to_number(scan->expiry);
	if (scan->has_quantity)
		found->count = scan->quantity;
	if (scan->sscc[0] != '\0')
		memcpy(found->sscc, scan->sscc, SSCC_SIZE);
}

static enum err_code elements_resolve(const struct resolving *resolving,
				      struct found *found, struct err *err)
{
	const struct scan_text *scan = resolving->scan;
	enum err_code code = ERR_OK;

	details_take(found, scan);
	if (scan->gtin[0] != '\0') {
		code = code_resolve(resolving->view, span_of(scan->gtin), found,
				    err);
		if (found->kind == FOUND_ITEM)
			found->measure =
				measure_units(&scan->measure, &found->item);
	} else if (scan->sscc[0] != '\0') {
		found->kind = FOUND_PALLET;
	} else {
		found->kind = FOUND_DETAILS;
	}
	return code;
}

static enum err_code label_resolve(const struct resolving *resolving,
				   struct found *found, struct err *err)
{
	const struct scan_text *scan = resolving->scan;
	struct span name = scan_text_label(scan);

	switch (scan->kind) {
	case SCAN_KIND_OP:
		found->kind = FOUND_OP;
		return reading_op_parse(span_of(scan->op), &found->op)
			       ? ERR_OK
			       : ERR_INVALID;
	case SCAN_KIND_BIN:
		if (place_name_set(&found->bin, name))
			found->kind = FOUND_BIN;
		return ERR_OK;
	case SCAN_KIND_QTY:
		found->kind = FOUND_QTY;
		found->quantity = scan->quantity;
		return ERR_OK;
	case SCAN_KIND_UNDO:
		found->kind = FOUND_UNDO;
		return ERR_OK;
	case SCAN_KIND_DONE:
		found->kind = FOUND_DONE;
		return ERR_OK;
	case SCAN_KIND_ITEM:
	case SCAN_KIND_PLAIN:
	case SCAN_KIND_ELEMENTS:
	case SCAN_KIND_LINK:
	case SCAN_KIND_GTIN:
	case SCAN_KIND_SSCC:
		break;
	}
	return code_resolve(resolving->view, name, found, err);
}

enum err_code resolve(const struct resolving *resolving, struct span text,
		      struct found *ret_found, struct err *err)
{
	struct scan_options options = {.year = resolving->year,
				       .separator = resolving->gs,
				       .carrier = resolving->carrier,
				       .has_fnc1 = resolving->has_fnc1};
	struct scan_text *scan = resolving->scan;

	*ret_found = (struct found){.kind = FOUND_NOTHING, .pack = 1};
	if (!scan_text_read(text, &options, scan)) {
		ret_found->kind = FOUND_FAULT;
		ret_found->problem = scan->message.problem;
		return ERR_OK;
	}
	switch (scan->kind) {
	case SCAN_KIND_OP:
	case SCAN_KIND_BIN:
	case SCAN_KIND_ITEM:
	case SCAN_KIND_QTY:
	case SCAN_KIND_UNDO:
	case SCAN_KIND_DONE:
		return label_resolve(resolving, ret_found, err);
	case SCAN_KIND_ELEMENTS:
	case SCAN_KIND_LINK:
	case SCAN_KIND_SSCC:
		return elements_resolve(resolving, ret_found, err);
	case SCAN_KIND_PLAIN:
	case SCAN_KIND_GTIN:
		break;
	}
	return code_resolve(resolving->view, scan_text_code(scan), ret_found,
			    err);
}
