#include "gateway/core/operate.h"

#include <string.h>

#include "gateway/ingest/gs1_key.h"

#define LABEL_BIN "DEPOT.BIN."

/* Bins that are filled by pick and pack only. */
static bool is_outbound_name(struct span name)
{
	return span_is(name, BIN_PICKED) || span_is(name, BIN_PACKED);
}

static bool is_system_name(struct span name)
{
	return span_is(name, BIN_DOCK) || is_outbound_name(name);
}

/* What the text is if it is no bin: an item there is a mistake to mend at
 * once, anything else may be a bin that is named later. */
static enum err_code bin_unknown(struct act *act, struct span name,
				 struct verdict *verdict, struct err *err)
{
	char gtin[GS1_GTIN_SIZE];
	struct span text = name;
	struct item_no item;
	int64_t pack;
	enum err_code code;

	if (gs1_gtin_read(name, gtin) == SCAN_OK)
		text = (struct span){gtin, GS1_GTIN_SIZE};
	code = code_find(batch_view(act->batch), text, &item, &pack, err);
	if (code == ERR_NOT_FOUND && name.size <= SKU_SIZE_MAX)
		code = item_find(batch_view(act->batch), name, &item, err);
	if (code == ERR_OK) {
		verdict_refuse(verdict, WORD_ITEM_WHERE_BIN, name);
		return ERR_OK;
	}
	if (code != ERR_NOT_FOUND)
		return code;
	verdict_park(verdict, WORD_UNKNOWN_BIN, name);
	if (!code_text_set(&verdict->wants, name))
		return ERR_INVALID;
	return ERR_OK;
}

/* A bin's label may come in a bin's field: the name is what counts. */
static enum err_code bin_check(struct act *act, struct place_name *name,
			       struct verdict *verdict, struct err *err)
{
	struct span text = place_name_span(name);
	struct bin bin;
	enum err_code code;

	if (span_starts(text, LABEL_BIN)) {
		struct place_name bare;

		text.data += sizeof(LABEL_BIN) - 1;
		text.size -= sizeof(LABEL_BIN) - 1;
		if (text.size == 0) {
			verdict_refuse(verdict, WORD_NO_BIN,
				       place_name_span(name));
			return ERR_OK;
		}
		if (!place_name_set(&bare, text))
			return ERR_INVALID;
		*name = bare;
		text = place_name_span(name);
	}
	if (text.size == 0 || is_system_name(text))
		return ERR_OK;
	code = bin_get(batch_view(act->batch), text, &bin, err);
	if (code == ERR_NOT_FOUND)
		return bin_unknown(act, text, verdict, err);
	if (code == ERR_OK && bin.is_inactive)
		verdict_refuse(verdict, WORD_INACTIVE_BIN, text);
	return code;
}

static void bin_default(struct operation *operation, struct place_name *bin,
			const char *otherwise)
{
	bool fits;

	if (bin->size > 0)
		return;
	operation->is_bin_implied = true;
	if (operation->place.size > 0) {
		*bin = operation->place;
	} else if (otherwise != NULL) {
		fits = place_name_set(bin, span_of(otherwise));
		ASSERT(fits);
	}
}

/* Fills in what the operation implies; false if something is still missing. */
static bool bins_imply(struct operation *operation, struct verdict *verdict)
{
	struct span op = span_of(reading_op_name(operation->op));

	switch (operation->op) {
	case OP_RECEIVE:
	case OP_RETURN:
	case OP_TRANSFER_IN:
		if (operation->bin.size == 0)
			operation->bin = operation->to;
		bin_default(operation, &operation->bin, BIN_DOCK);
		return true;
	case OP_PUTAWAY:
		/* One bin is where it goes: it comes from the dock. */
		if (operation->to.size == 0) {
			operation->to = operation->bin;
			operation->bin.size = 0;
		}
		if (operation->to.size == 0) {
			verdict_refuse(verdict, WORD_NO_BIN, op);
			return false;
		}
		bin_default(operation, &operation->bin, BIN_DOCK);
		return true;
	case OP_MOVE:
		if (operation->to.size == 0) {
			verdict_refuse(verdict, WORD_NO_TARGET, op);
			return false;
		}
		break;
	case OP_PICK:
	case OP_COUNT:
	case OP_SCRAP:
	case OP_HOLD:
	case OP_RELEASE:
	case OP_TRANSFER_OUT:
		break;
	case OP_PACK:
	case OP_SHIP:
	case OP_NONE:
	case OP_UNDO:
	case OP_DONE:
		return true;
	}
	bin_default(operation, &operation->bin, NULL);
	if (operation->bin.size == 0) {
		verdict_refuse(verdict, WORD_NO_BIN, op);
		return false;
	}
	return true;
}

/* Where goods may be put by hand. */
static bool is_target_allowed(const struct operation *operation)
{
	switch (operation->op) {
	case OP_RECEIVE:
	case OP_RETURN:
	case OP_TRANSFER_IN:
		return !is_outbound_name(place_name_span(&operation->bin));
	case OP_PUTAWAY:
	case OP_MOVE:
		return !is_outbound_name(place_name_span(&operation->to));
	case OP_NONE:
	case OP_PICK:
	case OP_PACK:
	case OP_SHIP:
	case OP_COUNT:
	case OP_SCRAP:
	case OP_HOLD:
	case OP_RELEASE:
	case OP_TRANSFER_OUT:
	case OP_UNDO:
	case OP_DONE:
		break;
	}
	return true;
}

enum err_code operate_bins(struct act *act, struct operation *operation,
			   struct verdict *verdict, struct err *err)
{
	struct span bin;
	enum err_code code;

	if (operation->op == OP_NONE) {
		verdict_refuse(verdict, WORD_NO_OPERATION,
			       (struct span){"", 0});
		return ERR_OK;
	}
	if (!bins_imply(operation, verdict))
		return ERR_OK;
	code = bin_check(act, &operation->bin, verdict, err);
	if (code == ERR_OK && verdict_is_open(verdict))
		code = bin_check(act, &operation->to, verdict, err);
	if (code != ERR_OK || !verdict_is_open(verdict))
		return code;
	bin = place_name_span(&operation->bin);
	if ((operation->op == OP_MOVE || operation->op == OP_PUTAWAY) &&
	    span_equal(bin, place_name_span(&operation->to)))
		verdict_refuse(verdict, WORD_SAME_BIN, bin);
	else if (!is_target_allowed(operation))
		verdict_refuse(verdict, WORD_NOT_ALLOWED_IN_BIN,
			       operation->to.size > 0
				       ? place_name_span(&operation->to)
				       : bin);
	return ERR_OK;
}
