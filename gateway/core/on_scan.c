/*
 * A complete reading: operation, codes, and whatever else it says.
 *
 * All of it is booked or nothing: every code is resolved and judged before
 * the first is booked.
 */
#include "gateway/core/state.h"

#include <string.h>

#include "gateway/ingest/join_code.h"
#include "store/seal.h"

#define SYMBOLOGY_SIZE 3 /* "]Q1" */

/* A device may tell the symbology beside the text: as an identifier, which
 * goes in front of it, or by name. */
static struct span code_text(struct intake *intake, size_t index,
			     struct resolving *resolving, char *buffer)
{
	const struct scan_reading *scan = &intake->engine->reading.body.scan;
	struct span text = reading_code(scan, index);
	struct span told = symbology_span(&scan->symbology);

	if (told.size == 0 || (text.size > 0 && text.data[0] == ']'))
		return text;
	if (told.data[0] != ']') {
		resolving->carrier =
			gs1_carrier_named(told, &resolving->has_fnc1);
		return text;
	}
	memcpy(buffer, told.data, told.size);
	memcpy(buffer + told.size, text.data, text.size);
	return (struct span){buffer, told.size + text.size};
}

/* The sheet is a secret: it is neither looked up nor parked, on any box. */
static bool is_join_code(struct intake *intake, struct span text,
			 struct found *found)
{
	const struct engine_plan *plan = &intake->engine->plan;
	struct join_code code;
	bool is_code;

	if (text.size > SYMBOLOGY_SIZE && text.data[0] == ']') {
		text.data += SYMBOLOGY_SIZE;
		text.size -= SYMBOLOGY_SIZE;
	}
	is_code = span_starts(text, JOIN_CODE_PREFIX) &&
		  join_code_parse(text, &code) == JOIN_CODE_SOUND;
	if (!is_code)
		return false;
	seal_wipe(&code, sizeof(code));
	*found = (struct found){.kind = FOUND_FAULT,
				.problem = {.fault = SCAN_JOIN_CODE}};
	if (plan->join != NULL)
		plan->join(plan->join_context, text);
	return true;
}

enum err_code scan_resolve(struct intake *intake, size_t index, struct err *err)
{
	struct engine *engine = intake->engine;
	char buffer[sizeof(((struct symbology *)0)->data) +
		    READING_CODE_SIZE_MAX];
	struct resolving resolving = {
		.view = batch_view(intake->act.batch),
		.gs = reason_span(&intake->device.gs_substitute),
		.year = moment_date(intake->now).year,
		.scan = &engine->scan,
	};
	struct span text = code_text(intake, index, &resolving, buffer);

	if (is_join_code(intake, text, &engine->found[index]))
		return ERR_OK;
	return resolve(&resolving, text, &engine->found[index], err);
}

enum err_code scan_problem_find(struct intake *intake, struct verdict *verdict,
				struct err *err)
{
	struct engine *engine = intake->engine;
	size_t count = engine->reading.kind == READING_SCAN
			       ? engine->reading.body.scan.code_count
			       : 0;

	for (size_t i = 0; i < count; i++) {
		enum err_code code = scan_resolve(intake, i, err);

		if (code != ERR_OK)
			return code;
		if (engine->found[i].kind == FOUND_FAULT) {
			verdict->problem = engine->found[i].problem;
			return ERR_OK;
		}
	}
	return ERR_OK;
}

/* Details that stand in a code of their own belong to the reading's items. */
static void details_merge(struct operation *operation,
			  const struct found *found)
{
	if (operation->lot.size == 0)
		operation->lot = found->lot;
	if (operation->serial.size == 0)
		operation->serial = found->serial;
	if (operation->expiry == 0)
		operation->expiry = found->expiry;
	if (!operation->has_qty && found->count > 0) {
		operation->has_qty = true;
		operation->qty = found->count;
	}
}

static bool bin_merge(struct operation *operation, const struct found *found,
		      struct verdict *verdict)
{
	bool has_target =
		operation->op == OP_MOVE || operation->op == OP_PUTAWAY;

	if (operation->bin.size == 0) {
		operation->bin = found->bin;
	} else if (has_target && operation->to.size == 0) {
		operation->to = found->bin;
	} else {
		verdict_refuse(verdict, WORD_BIN_WHERE_ITEM,
			       place_name_span(&found->bin));
		return false;
	}
	return true;
}

/* What one code adds to the operation; false if the verdict says why not. */
static bool code_take(struct operation *operation, const struct found *found,
		      struct verdict *verdict)
{
	switch (found->kind) {
	case FOUND_ITEM:
	case FOUND_PALLET:
		return true;
	case FOUND_DETAILS:
		details_merge(operation, found);
		return true;
	case FOUND_BIN:
		return bin_merge(operation, found, verdict);
	case FOUND_QTY:
		operation->has_qty = true;
		operation->qty = found->quantity;
		return true;
	case FOUND_FAULT:
		verdict_refuse(verdict, WORD_BAD_CODE, (struct span){"", 0});
		verdict->problem = found->problem;
		return false;
	case FOUND_NOTHING:
		verdict_park(verdict, WORD_UNKNOWN_ITEM,
			     code_text_span(&found->wants));
		verdict->wants = found->wants;
		return false;
	case FOUND_OP:
	case FOUND_UNDO:
	case FOUND_DONE:
		break;
	}
	verdict_refuse(verdict, WORD_LABEL_IN_READING, (struct span){"", 0});
	return false;
}

static struct operation operation_of(const struct intake *intake)
{
	const struct scan_reading *scan = &intake->engine->reading.body.scan;
	struct operation operation = {.op = scan->op,
				      .bin = scan->bin,
				      .to = scan->to,
				      .place = intake->device.place,
				      .ref = scan->ref,
				      .lot = scan->lot,
				      .serial = scan->serial,
				      .reason = scan->reason,
				      .condition = scan->condition,
				      .has_qty = scan->has_qty,
				      .qty = scan->qty,
				      .begun = batch_next(intake->act.batch)};

	if (scan->expiry.year != 0)
		operation.expiry = date_to_number(scan->expiry);
	/* Acknowledgements name a position by its number in this epoch. */
	if (scan->has_position && scan->position.value <= POS_NUMBER_MAX)
		operation.position =
			pos_make(pos_epoch(batch_next(intake->act.batch)),
				 scan->position.value);
	return operation;
}

/* Resolves every code. A pallet beside one item is what the item lies on. */
static enum err_code codes_take(struct intake *intake,
				struct operation *operation,
				struct verdict *verdict, struct err *err)
{
	struct engine *engine = intake->engine;
	size_t count = engine->reading.body.scan.code_count;
	struct found *item = NULL;
	struct found *pallet = NULL;
	size_t items = 0;

	for (size_t i = 0; i < count; i++) {
		struct found *found = &engine->found[i];
		enum err_code code = scan_resolve(intake, i, err);

		if (code != ERR_OK)
			return code;
		if (!code_take(operation, found, verdict))
			return ERR_OK;
		if (found->kind == FOUND_ITEM) {
			item = found;
			items++;
		} else if (found->kind == FOUND_PALLET) {
			pallet = found;
		}
	}
	if (pallet != NULL && items == 1) {
		memcpy(item->sscc, pallet->sscc, sizeof(item->sscc));
		pallet->kind = FOUND_DETAILS;
	}
	if (item == NULL && pallet == NULL)
		verdict_refuse(verdict, WORD_NO_ITEM, (struct span){"", 0});
	return ERR_OK;
}

static bool is_thing(const struct found *found)
{
	return found->kind == FOUND_ITEM || found->kind == FOUND_PALLET;
}

static enum err_code codes_judge(struct intake *intake,
				 const struct operation *operation,
				 struct verdict *verdict, struct err *err)
{
	struct engine *engine = intake->engine;
	size_t count = engine->reading.body.scan.code_count;
	enum err_code code = ERR_OK;
	struct fact fact;

	for (size_t i = 0; i < count; i++) {
		if (!is_thing(&engine->found[i]))
			continue;
		code = operate_judge(&intake->act, operation, &engine->found[i],
				     &fact, verdict, err);
		if (code != ERR_OK || !verdict_is_open(verdict))
			break;
	}
	return code;
}

/* True if an earlier code is of the same serial: one unit, scanned twice. */
static bool is_again(const struct engine *engine, size_t index)
{
	const struct found *found = &engine->found[index];

	for (size_t i = 0; i < index && found->serial.size > 0; i++) {
		const struct found *other = &engine->found[i];

		if (is_thing(other) &&
		    other->item_no.value == found->item_no.value &&
		    span_equal(serial_span(&other->serial),
			       serial_span(&found->serial)))
			return true;
	}
	return false;
}

/* What the codes of a reading say together of the thing of one of them. */
struct gathered {
	struct qty all;     /* of its item */
	struct qty of_lot;  /* of its lot */
	bool is_lot_unsaid; /* by one of them */
	bool is_item_said;  /* by an earlier one */
	bool is_lot_said;
};

/* Adds code @index, of which @fact speaks; false on overflow. */
static bool gather(struct gathered *gathered, const struct fact *of,
		   const struct fact *fact, bool is_earlier)
{
	bool is_same_lot = span_equal(lot_span(&of->lot), lot_span(&fact->lot));

	gathered->is_lot_unsaid |= fact->lot.size == 0;
	gathered->is_item_said |= is_earlier;
	gathered->is_lot_said |= is_earlier && is_same_lot;
	return qty_add(gathered->all, fact->quantity, &gathered->all) &&
	       (!is_same_lot ||
		qty_add(gathered->of_lot, fact->quantity, &gathered->of_lot));
}

/*
 * A count says of a thing how many there are: codes of one item and lot are
 * one statement, and so are all of an item if one of them leaves the lot open,
 * for that one could be of any. Adds to @fact, of code @index, what the others
 * say of the same; *@ret_is_said if an earlier code has said it.
 */
static enum err_code count_gather(struct intake *intake,
				  const struct operation *operation,
				  size_t index, struct fact *fact,
				  bool *ret_is_said, struct err *err)
{
	struct engine *engine = intake->engine;
	size_t count = engine->reading.body.scan.code_count;
	struct gathered gathered = {.is_lot_said = false};

	for (size_t i = 0; i < count; i++) {
		struct verdict other;
		struct fact more;
		enum err_code code;

		if (!is_thing(&engine->found[i]) || is_again(engine, i))
			continue;
		verdict_init(&other);
		code = operate_judge(&intake->act, operation, &engine->found[i],
				     &more, &other, err);
		if (code != ERR_OK)
			return code;
		if (verdict_is_open(&other) &&
		    more.item_no.value == fact->item_no.value &&
		    !gather(&gathered, fact, &more, i < index))
			return ERR_OVERFLOW;
	}
	if (gathered.is_lot_unsaid)
		fact->lot.size = 0;
	fact->quantity =
		gathered.is_lot_unsaid ? gathered.all : gathered.of_lot;
	*ret_is_said = gathered.is_lot_unsaid ? gathered.is_item_said
					      : gathered.is_lot_said;
	return ERR_OK;
}

/* Judged again one by one: the same serial twice in one reading is one unit. */
static enum err_code codes_book(struct intake *intake,
				const struct operation *operation,
				struct verdict *verdict, struct err *err)
{
	struct engine *engine = intake->engine;
	size_t count = engine->reading.body.scan.code_count;

	for (size_t i = 0; i < count; i++) {
		struct posted posted;
		struct verdict twice;
		struct fact fact;
		bool is_said = false;
		enum err_code code;

		if (!is_thing(&engine->found[i]))
			continue;
		verdict_init(&twice);
		code = operate_judge(&intake->act, operation, &engine->found[i],
				     &fact, &twice, err);
		if (code == ERR_OK && operation->op == OP_COUNT)
			code = count_gather(intake, operation, i, &fact,
					    &is_said, err);
		if (code == ERR_OK && verdict_is_open(&twice) && !is_said)
			code = operate_book(&intake->act, operation, &fact,
					    &posted, verdict, err);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

/* Of several odd codes the last is told. */
static void codes_warn(const struct intake *intake, struct verdict *verdict)
{
	const struct engine *engine = intake->engine;

	for (size_t i = 0; i < engine->reading.body.scan.code_count; i++)
		verdict_warn(verdict, &engine->found[i].problem);
}

enum err_code on_scan(struct intake *intake, struct verdict *verdict,
		      struct err *err)
{
	struct operation operation = operation_of(intake);
	enum err_code code;

	if (operation.op == OP_UNDO)
		return undo_last(intake, verdict, err);
	code = codes_take(intake, &operation, verdict, err);
	if (code == ERR_OK && verdict_is_open(verdict))
		code = operate_bins(&intake->act, &operation, verdict, err);
	if (code == ERR_OK && verdict_is_open(verdict))
		code = codes_judge(intake, &operation, verdict, err);
	if (code == ERR_OK && verdict_is_open(verdict))
		code = codes_book(intake, &operation, verdict, err);
	if (code == ERR_OK && verdict_is_open(verdict))
		codes_warn(intake, verdict);
	return code;
}
