/*
 * Commands that book: what a scanner's reading does, done by an account; and
 * what no scanner does: bundling, and taking back any movement.
 */
#include "gateway/core/asking.h"

#include "gateway/core/command_booked.h"
#include "gateway/core/journal_look.h"
#include "gateway/core/rights.h"
#include "gateway/core/state.h"
#include "gateway/core/transfer.h"
#include "store/journal.h"

/* How far back a movement may lie that is taken back: whether somebody did
 * before is looked up in all entries since. */
#define REVERSE_REACH 1000000

/* Entries on each side of a bundling's entry that may belong to it. */
#define BUNDLE_REACH 1000

/* ---- a reading's fields ---- */

static enum err_code book(struct asking *asking, struct err *err)
{
	struct engine *engine = asking->engine;
	struct batch *batch = asking->act->batch;
	struct intake intake = {
		.engine = engine, .act = *asking->act, .now = batch_now(batch)};
	struct pos first = batch_next(batch);
	struct span none = {"", 0};
	struct verdict verdict;
	struct fault fault;
	enum err_code code;

	if (asking->arguments == NULL) {
		(void)fault_of(&fault, FAULT_MISSING, "op", none);
		return asking_fault(asking, &fault);
	}
	if (reading_parse_scan(asking->arguments, &engine->reading, &fault) !=
	    ERR_OK)
		return asking_fault(asking, &fault);
	if (engine->reading.has_at)
		intake.act.effective = engine->reading.at;
	verdict_init(&verdict);
	code = on_scan(&intake, &verdict, err);
	if (code != ERR_OK)
		return code;
	if (!verdict_is_open(&verdict))
		return asking_verdict(asking, &verdict);
	return booked_out(asking, first, err);
}

/* ---- one item ---- */

/* The item that the argument @name means, as if its code had been scanned. */
static bool found_read(struct asking *asking, const char *name,
		       struct found *ret_found, enum err_code *ret_code,
		       struct err *err)
{
	struct found found = {.kind = FOUND_ITEM, .pack = 1};
	char gtin[GS1_GTIN_SIZE];
	struct span text;
	struct item_no by_code;

	if (!asking_item(asking, name, &found.item_no, ret_code, err) ||
	    !asking_text(asking, name, CODE_SIZE_MAX, &text))
		return false;
	*ret_code = item_get(asking->view, found.item_no, &found.item, err);
	if (*ret_code == ERR_NOT_FOUND)
		*ret_code = item_name_of(asking->view, found.item_no,
					 &found.item.sku, err);
	if (*ret_code == ERR_OK && !span_equal(text, sku_span(&found.item.sku)))
		*ret_code = code_find(asking->view, code_canonical(text, gtin),
				      &by_code, &found.pack, err);
	*ret_found = found;
	return *ret_code == ERR_OK;
}

/* Reads the arguments that operations on one item share. */
static bool operation_read(struct asking *asking, struct operation *operation)
{
	struct json_range range = {operation->op == OP_COUNT ? 0 : 1,
				   QTY_MOVE_MAX};
	struct span lot;
	struct span serial;
	struct span reason;
	uint32_t condition;

	if (!asking_int(asking, "qty", range, &operation->qty) ||
	    !asking_text_or(asking, "lot", LOT_SIZE_MAX, &lot) ||
	    !asking_text_or(asking, "serial", SERIAL_SIZE_MAX, &serial) ||
	    !asking_text_or(asking, "reason", REASON_SIZE_MAX, &reason) ||
	    !asking_term_or(asking, "condition", TERM_CONDITION, CONDITION_NONE,
			    &condition))
		return false;
	operation->has_qty = true;
	operation->condition = (enum condition)condition;
	return lot_set(&operation->lot, lot) &&
	       serial_set(&operation->serial, serial) &&
	       reason_set(&operation->reason, reason);
}

static bool bin_read(struct asking *asking, const char *name,
		     struct place_name *ret_bin)
{
	struct span text;

	if (!asking_text(asking, name, PLACE_NAME_SIZE_MAX, &text))
		return false;
	if (place_name_is_valid(text) && place_name_set(ret_bin, text))
		return true;
	(void)asking_refuse(asking, &refusal_unknown_bin, text);
	return false;
}

static enum err_code operation_run(struct asking *asking,
				   struct operation *operation,
				   const struct found *found, struct err *err)
{
	struct pos first = batch_next(asking->act->batch);
	struct verdict verdict;
	struct posted posted;
	struct fact fact;
	enum err_code code;

	verdict_init(&verdict);
	code = operate_bins(asking->act, operation, &verdict, err);
	if (code == ERR_OK && verdict_is_open(&verdict))
		code = operate_judge(asking->act, operation, found, &fact,
				     &verdict, err);
	if (code == ERR_OK && verdict_is_open(&verdict))
		code = operate_book(asking->act, operation, &fact, &posted,
				    &verdict, err);
	if (code != ERR_OK)
		return code;
	if (!verdict_is_open(&verdict))
		return asking_verdict(asking, &verdict);
	return booked_out(asking, first, err);
}

static enum err_code move(struct asking *asking, struct err *err)
{
	struct operation operation = {.op = OP_MOVE};
	struct found found;
	enum err_code code;

	if (!found_read(asking, "item", &found, &code, err))
		return code;
	if (!bin_read(asking, "from", &operation.bin) ||
	    !bin_read(asking, "to", &operation.to) ||
	    !operation_read(asking, &operation))
		return ERR_OK;
	return operation_run(asking, &operation, &found, err);
}

/* As an acknowledgement names it, by its number in this epoch, or whole. */
static bool position_read(struct asking *asking, struct pos *ret_position)
{
	struct pos head = {batch_next(asking->act->batch).value - 1};
	const struct json_value *value =
		json_member(asking->arguments, "position");
	struct fault fault;
	struct span text;
	uint64_t number;

	ret_position->value = 0;
	if (value == NULL)
		return true;
	if (json_kind(value) != JSON_STRING ||
	    json_to_text(value, &text, &fault) != ERR_OK ||
	    !pos_parse(text, ret_position)) {
		if (json_to_id(value, 1, &number, &fault) != ERR_OK) {
			(void)asking_fault(asking, &fault);
			return false;
		}
		if (number > pos_number(head))
			number = POS_NUMBER_MAX;
		*ret_position = pos_make(pos_epoch(head), number);
	}
	if (ret_position->value <= head.value)
		return true;
	(void)json_fault(value, FAULT_OUT_OF_RANGE, &fault);
	fault.low = 1;
	fault.high = pos_number(head);
	(void)asking_fault(asking, &fault); /* always ERR_OK */
	return false;
}

static enum err_code count(struct asking *asking, struct err *err)
{
	struct operation operation = {.op = OP_COUNT};
	struct found found;
	enum err_code code;

	if (!found_read(asking, "item", &found, &code, err))
		return code;
	if (!bin_read(asking, "bin", &operation.bin) ||
	    !operation_read(asking, &operation) ||
	    !position_read(asking, &operation.position))
		return ERR_OK;
	return operation_run(asking, &operation, &found, err);
}

/* ---- taking back ---- */

static const struct refusal not_reversible = {
	"not_reversible", "entry %s is no movement that can be taken back",
	"记录 %s 不是可以冲销的移动"};
static const struct refusal reversed_already = {
	"reversed_already", "entry %s has been taken back already",
	"记录 %s 已经冲销"};
static const struct refusal too_old = {
	"too_old",
	"entry %s is too far back; book a movement the other way instead",
	"记录 %s 过于久远；请改为登记反向移动"};

struct reversing {
	struct pos pos;
	struct entry entry;
	struct pos first; /* of what belongs together */
	struct pos last;
	bool is_done; /* somebody has taken it back */
};

static enum err_code reversal_visit(void *context, struct pos pos,
				    const struct entry *entry, struct err *err)
{
	struct reversing *reversing = context;

	(void)pos;
	(void)err;
	if (entry->body.movement.reverses.value == reversing->pos.value) {
		reversing->is_done = true;
		return ERR_STOPPED;
	}
	return ERR_OK;
}

/* Whether it may be taken back; refuses if not. */
static enum err_code reversible_check(struct asking *asking,
				      struct reversing *reversing,
				      struct err *err)
{
	const struct movement *movement = &reversing->entry.body.movement;
	struct look look = {.view = asking->view,
			    .filter = {.item = sku_span(&movement->item),
				       .kind = ENTRY_MOVEMENT},
			    .from = reversing->pos,
			    .count_max = REVERSE_REACH};
	char name[POS_PRINT_SIZE];
	enum err_code code;

	pos_print(reversing->pos, name, sizeof(name));
	if (reversing->entry.kind != ENTRY_MOVEMENT ||
	    movement->kind == MOVEMENT_REVERSE)
		return asking_refuse(asking, &not_reversible, span_of(name));
	code = look_run(&look, reversal_visit, reversing, err);
	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	if (reversing->is_done)
		return asking_refuse(asking, &reversed_already, span_of(name));
	if (look.is_cut)
		return asking_refuse(asking, &too_old, span_of(name));
	return ERR_OK;
}

/* True if @entry is a part of the same bundling. */
static bool is_bundled_with(const struct entry *entry,
			    const struct entry *other)
{
	return other->kind != ENTRY_MOVEMENT ||
	       (other->ref.kind == REF_ENTRY &&
		span_equal(ref_span(&other->ref.text),
			   ref_span(&entry->ref.text)));
}

static enum err_code bundle_end(struct asking *asking,
				const struct reversing *reversing, int step,
				struct pos *ret_end, struct err *err)
{
	struct pos pos = reversing->pos;
	enum err_code code = ERR_OK;

	*ret_end = pos;
	for (unsigned i = 0; i < BUNDLE_REACH && code == ERR_OK; i++) {
		struct entry entry;

		pos.value += step > 0 ? 1 : UINT64_MAX;
		code = pos_number(pos) == 0
			       ? ERR_NOT_FOUND
			       : journal_read(asking->view, pos, &entry, err);
		if (code == ERR_OK &&
		    !is_bundled_with(&reversing->entry, &entry))
			break;
		if (code == ERR_OK && entry.kind == ENTRY_MOVEMENT)
			*ret_end = pos;
	}
	return code == ERR_NOT_FOUND || code == ERR_VERSION ? ERR_OK : code;
}

/* Components and bundle go back together, or there would be a bundle made of
 * nothing. */
static enum err_code group_find(struct asking *asking,
				struct reversing *reversing, struct err *err)
{
	enum err_code code;

	reversing->first = reversing->pos;
	reversing->last = reversing->pos;
	if (reversing->entry.body.movement.kind != MOVEMENT_TRANSFORM)
		return ERR_OK;
	code = bundle_end(asking, reversing, -1, &reversing->first, err);
	if (code == ERR_OK)
		code = bundle_end(asking, reversing, 1, &reversing->last, err);
	return code;
}

static enum err_code reverse(struct asking *asking, struct err *err)
{
	struct reversing reversing = {.is_done = false};
	struct pos first = batch_next(asking->act->batch);
	struct posted posted;
	struct span name;
	enum err_code code;

	if (!asking_text(asking, "entry", POS_PRINT_SIZE, &name) ||
	    !asking_pos_or(asking, "entry", &reversing.pos))
		return ERR_OK;
	code = journal_read(asking->view, reversing.pos, &reversing.entry, err);
	if (code == ERR_NOT_FOUND || code == ERR_VERSION)
		return asking_refuse(asking, &refusal_unknown_entry, name);
	if (code == ERR_OK)
		code = reversible_check(asking, &reversing, err);
	if (code != ERR_OK || asking->is_refused)
		return code;
	code = group_find(asking, &reversing, err);
	if (code == ERR_OK)
		code = transfer_take_back(asking->act, reversing.first,
					  reversing.last, &posted, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &not_reversible, name);
	return code == ERR_OK ? booked_out(asking, first, err) : code;
}

static const struct command_row rows[] = {
	{{"book", COMMAND_WRITE, RIGHTS_FLOOR}, book, NULL},
	{{"move", COMMAND_WRITE, RIGHTS_FLOOR}, move, NULL},
	{{"count", COMMAND_WRITE, RIGHTS_FLOOR}, count, NULL},
	{{"transform", COMMAND_WRITE, RIGHTS_FLOOR}, transform_run, NULL},
	{{"reverse", COMMAND_WRITE, RIGHTS_SITE}, reverse, NULL},
};
const struct command_table stock_commands = {rows, ARRAY_LEN(rows)};
