/*
 * A bare scanner session: operation label, bin label, items; QTY n before an
 * item; UNDO LAST; DONE. The next operation or bin closes the last one.
 *
 * Every answer says what was understood and what comes next.
 */
#include "gateway/core/state.h"

#include <inttypes.h>

#include "gateway/core/transfer.h"
#include "store/session.h"

#define NEXT_OP "operation"
#define NEXT_BIN "bin"
#define NEXT_ITEM "item"
#define NEXT_REF "ref"

struct sitting {
	struct intake *intake;
	struct session session;
	const struct found *found;
	struct verdict *verdict;
};

static enum reading_op sitting_op(const struct sitting *sitting)
{
	return (enum reading_op)sitting->session.op;
}

/* A person can mend a wrong label at once: nothing is kept, and the sentence
 * does not say so. */
static void refuse_now(struct verdict *verdict)
{
	verdict->result = RESULT_REFUSED;
	if (verdict->word == WORD_UNKNOWN_BIN)
		verdict->word = WORD_NO_SUCH_BIN;
}

/* Operations that wait for a bin before items. */
static bool needs_bin(const struct sitting *sitting)
{
	struct place_name place = sitting->intake->device.place;

	switch (sitting_op(sitting)) {
	case OP_PUTAWAY:
	case OP_MOVE:
		return true;
	case OP_PICK:
	case OP_COUNT:
	case OP_SCRAP:
	case OP_HOLD:
	case OP_RELEASE:
	case OP_TRANSFER_OUT:
		return place.size == 0;
	case OP_NONE:
	case OP_RECEIVE:
	case OP_PACK:
	case OP_SHIP:
	case OP_RETURN:
	case OP_TRANSFER_IN:
	case OP_UNDO:
	case OP_DONE:
		break;
	}
	return false;
}

static bool wants_bin(const struct sitting *sitting)
{
	const struct session *session = &sitting->session;

	return (session->bin.size == 0 && needs_bin(sitting)) ||
	       (session->op == OP_MOVE && session->to.size == 0);
}

/* Goods do not leave for another site, or come from one, without the number
 * of their transfer: it is scanned from the papers, once. */
static bool wants_ref(const struct sitting *sitting)
{
	enum reading_op op = sitting_op(sitting);

	return (op == OP_TRANSFER_OUT || op == OP_TRANSFER_IN) &&
	       sitting->session.order.size == 0;
}

static const char *next_of(const struct sitting *sitting)
{
	if (sitting->session.op == OP_NONE)
		return NEXT_OP;
	if (wants_ref(sitting))
		return NEXT_REF;
	return wants_bin(sitting) ? NEXT_BIN : NEXT_ITEM;
}

/* What was scanned, as it came. */
static struct span sitting_text(const struct sitting *sitting)
{
	return reading_code(&sitting->intake->engine->reading.body.scan, 0);
}

/* ---- the labels ---- */

static void bin_set(struct sitting *sitting, struct place_name bin)
{
	struct session *session = &sitting->session;

	session->bin = bin;
	session->to.size = 0;
	if (session->op == OP_PICK)
		session->order.size = 0;
	session->lines = 0;
	session->undo_tally.units = 0;
	session->bin_pos.value =
		batch_next(sitting->intake->act.batch).value - 1;
}

static enum err_code close_bin(struct sitting *sitting, struct err *err)
{
	return session_count_close(sitting->intake, &sitting->session,
				   sitting->verdict, err);
}

/* What closes a count only by the way says nothing of a bin in which nothing
 * was scanned: its label may have been a slip, and the bin full. */
static enum err_code leave_bin(struct sitting *sitting, struct err *err)
{
	const struct session *session = &sitting->session;

	if (session->op != OP_COUNT || session->bin.size == 0 ||
	    session->lines > 0)
		return close_bin(sitting, err);
	verdict_say(sitting->verdict, WORD_SESSION_NOT_COUNTED, "%.*s",
		    (int)session->bin.size, session->bin.data);
	return ERR_OK;
}

static enum err_code take_op(struct sitting *sitting, struct err *err)
{
	struct session *session = &sitting->session;
	enum err_code code = leave_bin(sitting, err);

	if (code != ERR_OK)
		return code;
	*session = (struct session){.op = (uint8_t)sitting->found->op,
				    .started = sitting->intake->now};
	/* A device that stands at a bin counts that one unless told. */
	if (session->op == OP_COUNT)
		bin_set(sitting, sitting->intake->device.place);
	if (session->op == OP_TRANSFER_OUT)
		code = session_transfer_find(sitting->intake, &session->order,
					     err);
	if (code != ERR_OK)
		return code;
	if (sitting->verdict->word == WORD_NONE && session->order.size > 0)
		verdict_say(sitting->verdict, WORD_SESSION_OP_TRANSFER,
			    "%s" WORD_FIELD_END "%.*s",
			    reading_op_name(sitting->found->op),
			    (int)session->order.size, session->order.data);
	if (sitting->verdict->word == WORD_NONE)
		verdict_say(sitting->verdict,
			    wants_ref(sitting)   ? WORD_SESSION_OP_REF
			    : needs_bin(sitting) ? WORD_SESSION_OP
						 : WORD_SESSION_OP_ITEM,
			    "%s", reading_op_name(sitting->found->op));
	return ERR_OK;
}

/* A bin closes what was before it; in a move the second one is the target. */
static bool is_target(const struct sitting *sitting)
{
	const struct session *session = &sitting->session;

	return session->op == OP_MOVE && session->bin.size > 0 &&
	       session->to.size == 0;
}

static void bin_enter(struct sitting *sitting)
{
	struct session *session = &sitting->session;
	bool is_second = is_target(sitting);

	if (is_second) {
		session->to = sitting->found->bin;
	} else {
		bin_set(sitting, sitting->found->bin);
	}
	if (sitting->verdict->word != WORD_NONE)
		return;
	verdict_say(sitting->verdict,
		    is_second                ? WORD_SESSION_TO
		    : session->op == OP_MOVE ? WORD_SESSION_FROM
					     : WORD_SESSION_BIN,
		    "%.*s", (int)sitting->found->bin.size,
		    sitting->found->bin.data);
}

static enum err_code take_bin(struct sitting *sitting, struct err *err)
{
	const struct session *session = &sitting->session;
	struct place_name name = sitting->found->bin;
	struct operation operation = {.op = OP_COUNT, .bin = name};
	enum err_code code;

	if (session->op == OP_NONE) {
		verdict_refuse(sitting->verdict, WORD_NOT_IN_SESSION,
			       place_name_span(&name));
		return ERR_OK;
	}
	code = operate_bins(&sitting->intake->act, &operation, sitting->verdict,
			    err);
	if (code != ERR_OK)
		return code;
	if (!verdict_is_open(sitting->verdict)) {
		refuse_now(sitting->verdict);
		return ERR_OK;
	}
	if (is_target(sitting) && span_equal(place_name_span(&session->bin),
					     place_name_span(&name))) {
		verdict_refuse(sitting->verdict, WORD_SAME_BIN,
			       place_name_span(&name));
		return ERR_OK;
	}
	code = leave_bin(sitting, err);
	if (code == ERR_OK)
		bin_enter(sitting);
	return code;
}

static enum err_code take_done(struct sitting *sitting, struct err *err)
{
	struct session *session = &sitting->session;
	enum err_code code = close_bin(sitting, err);

	if (code == ERR_OK)
		code = session_transfer_done(sitting->intake, session,
					     sitting->verdict, err);
	if (code != ERR_OK ||
	    (session->op == OP_TRANSFER_IN && session->to.size > 0))
		return code; /* it asks once more */
	if (sitting->verdict->word == WORD_NONE)
		verdict_say(sitting->verdict,
			    session->op == OP_NONE ? WORD_SESSION_IDLE
						   : WORD_SESSION_DONE,
			    "%s", reading_op_name(sitting_op(sitting)));
	*session = (struct session){.op = OP_NONE};
	return ERR_OK;
}

/* ---- items ---- */

static struct operation operation_of(const struct sitting *sitting)
{
	const struct session *session = &sitting->session;
	struct operation operation = {.op = sitting_op(sitting),
				      .bin = session->bin,
				      .to = session->to,
				      .place = sitting->intake->device.place,
				      .ref = session->order};
	bool fits;

	/* Scanning the label is the reason; whoever reads the journal finds
	 * the person's device beside it. */
	fits = reason_set(&operation.reason, SPAN_LITERAL("scanned"));
	ASSERT(fits);
	if (session->quantity > 0) {
		operation.has_qty = true;
		operation.qty = (int64_t)session->quantity;
	}
	return operation;
}

/* The first pick of a bin gives the session its implicit order. */
static enum err_code order_keep(struct sitting *sitting,
				const struct posted *posted, struct err *err)
{
	struct session *session = &sitting->session;
	struct entry entry;
	enum err_code code;

	if (session->op != OP_PICK || session->order.size > 0)
		return ERR_OK;
	code = journal_read(batch_view(sitting->intake->act.batch),
			    posted->last, &entry, err);
	if (code == ERR_OK && entry.ref.kind == REF_ORDER)
		session->order = entry.ref.text;
	return code;
}

static enum err_code count_add(struct sitting *sitting, const struct fact *fact,
			       struct err *err)
{
	struct intake *intake = sitting->intake;
	struct session_tally add = {.item = fact->item_no,
				    .lot = fact->lot,
				    .units = fact->quantity.units};
	enum err_code code = session_count(batch_txn(intake->act.batch),
					   intake->device_no, &add, err);

	if (code == ERR_INVALID || code == ERR_OVERFLOW) {
		verdict_refuse(sitting->verdict, WORD_TOO_MANY_LINES,
			       sku_span(&fact->item));
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	sitting->session.undo_tally = add;
	verdict_say(sitting->verdict, WORD_SESSION_COUNTED,
		    "%" PRId64 " x %.*s", fact->quantity.units,
		    (int)fact->item.size, fact->item.data);
	return ERR_OK;
}

static enum err_code book(struct sitting *sitting,
			  const struct operation *operation,
			  const struct fact *fact, struct err *err)
{
	struct session *session = &sitting->session;
	struct posted posted;
	enum err_code code;

	code = operate_book(&sitting->intake->act, operation, fact, &posted,
			    sitting->verdict, err);
	if (code != ERR_OK)
		return code;
	session->undo_first = posted.first;
	session->undo_last = posted.last;
	if (fact->ref.kind == REF_TRANSFER)
		session->order = fact->ref.text;
	code = session_say_moved(sitting->intake, sitting->verdict,
				 WORD_SESSION_BOOKED, &posted, err);
	if (code != ERR_OK)
		return code;
	return order_keep(sitting, &posted, err);
}

static enum err_code park_item(struct sitting *sitting,
			       const struct operation *operation,
			       struct err *err)
{
	sitting->session.quantity = 0; /* it goes along */
	return session_park(sitting->intake, operation, sitting->verdict, err);
}

/* In a count it is no fact that could wait: units that are named later would
 * be one statement a scan. */
static enum err_code take_unknown(struct sitting *sitting,
				  const struct operation *operation,
				  struct err *err)
{
	struct verdict *verdict = sitting->verdict;
	struct span wants = code_text_span(&sitting->found->wants);

	if (operation->op == OP_COUNT) {
		verdict_refuse(verdict, WORD_UNKNOWN_IN_COUNT, wants);
		return ERR_OK;
	}
	verdict_park(verdict, WORD_UNKNOWN_ITEM, wants);
	verdict->wants = sitting->found->wants;
	return park_item(sitting, operation, err);
}

/* What comes from another site on a pallet says by itself of which transfer it
 * is. */
static bool is_listed_pallet(const struct sitting *sitting)
{
	return sitting->session.op == OP_TRANSFER_IN &&
	       sitting->found->kind == FOUND_PALLET;
}

/* The number of a transfer in the middle of another one: from now on, that. */
static bool is_other_transfer(const struct sitting *sitting)
{
	enum reading_op op = sitting_op(sitting);
	struct transfer_id id;

	return (op == OP_TRANSFER_OUT || op == OP_TRANSFER_IN) &&
	       sitting->found->kind == FOUND_NOTHING &&
	       transfer_id_parse(sitting_text(sitting), &id);
}

/* An item or pallet is none: somebody went on too fast. */
static enum err_code take_ref(struct sitting *sitting, struct err *err)
{
	struct ref *ref = &sitting->session.order;

	ref->size = 0;
	if (sitting->found->kind == FOUND_NOTHING)
		return session_transfer_take(sitting->intake,
					     sitting_op(sitting), ref,
					     sitting->verdict, err);
	verdict_refuse(sitting->verdict, WORD_NO_REF,
		       span_of(reading_op_name(sitting_op(sitting))));
	return ERR_OK;
}

static enum err_code take_item(struct sitting *sitting, struct err *err)
{
	struct session *session = &sitting->session;
	struct operation operation = operation_of(sitting);
	struct act *act = &sitting->intake->act;
	struct fact fact;
	enum err_code code;

	if (session->op == OP_NONE) {
		verdict_refuse(sitting->verdict, WORD_NOT_IN_SESSION,
			       sitting_text(sitting));
		return ERR_OK;
	}
	if ((wants_ref(sitting) && !is_listed_pallet(sitting)) ||
	    is_other_transfer(sitting))
		return take_ref(sitting, err);
	if (wants_bin(sitting)) {
		verdict_refuse(sitting->verdict,
			       sitting->found->kind == FOUND_NOTHING
				       ? WORD_NO_SUCH_BIN
				       : WORD_ITEM_WHERE_BIN,
			       sitting_text(sitting));
		return ERR_OK;
	}
	code = operate_bins(act, &operation, sitting->verdict, err);
	if (code != ERR_OK)
		return code;
	if (!verdict_is_open(sitting->verdict)) {
		refuse_now(sitting->verdict);
		return ERR_OK;
	}
	if (sitting->found->kind == FOUND_NOTHING)
		return take_unknown(sitting, &operation, err);
	code = operate_judge(act, &operation, sitting->found, &fact,
			     sitting->verdict, err);
	if (code == ERR_OK && !verdict_is_open(sitting->verdict) &&
	    sitting->verdict->result == RESULT_PARKED)
		return park_item(sitting, &operation, err);
	if (code != ERR_OK || !verdict_is_open(sitting->verdict))
		return code;
	session->quantity = 0;
	session->lines++;
	code = operation.op == OP_COUNT ? count_add(sitting, &fact, err)
					: book(sitting, &operation, &fact, err);
	if (code == ERR_OK)
		verdict_warn(sitting->verdict, &sitting->found->problem);
	return code;
}

/* A count has moved nothing yet: its last scan is taken off the tally. */
static enum err_code undo_counted(struct sitting *sitting, struct err *err)
{
	struct intake *intake = sitting->intake;
	struct session *session = &sitting->session;
	struct session_tally take = session->undo_tally;
	struct sku item;
	enum err_code code;

	if (take.units == 0) {
		verdict_refuse(sitting->verdict, WORD_NOTHING_TO_UNDO,
			       (struct span){"", 0});
		return ERR_OK;
	}
	take.units = -take.units;
	code = session_count(batch_txn(intake->act.batch), intake->device_no,
			     &take, err);
	if (code == ERR_OK)
		code = item_name_of(batch_view(intake->act.batch), take.item,
				    &item, err);
	if (code != ERR_OK)
		return code;
	verdict_say(sitting->verdict, WORD_SESSION_UNDONE, "%" PRId64 " x %.*s",
		    session->undo_tally.units, (int)item.size, item.data);
	session->undo_tally.units = 0;
	session->lines--;
	return ERR_OK;
}

static enum err_code take_undo(struct sitting *sitting, struct err *err)
{
	struct session *session = &sitting->session;
	struct posted posted;
	bool is_open = false;
	enum err_code code = ERR_NOT_FOUND;

	/* The last thing said was a quantity: that is what was wrong. */
	if (session->quantity > 0) {
		verdict_say(sitting->verdict, WORD_SESSION_UNDONE,
			    "QTY %" PRIu64, session->quantity);
		session->quantity = 0;
		return ERR_OK;
	}
	if (session->op == OP_COUNT && session->bin.size > 0)
		return undo_counted(sitting, err);
	if (session->undo_first.value != 0)
		code = undo_is_open(sitting->intake->act.batch,
				    session->undo_first, session->undo_last,
				    &is_open, err);
	if (code == ERR_OK && !is_open)
		code = ERR_NOT_FOUND;
	if (code == ERR_OK)
		code = transfer_take_back(&sitting->intake->act,
					  session->undo_first,
					  session->undo_last, &posted, err);
	if (code == ERR_NOT_FOUND)
		return undo_last(sitting->intake, sitting->verdict, err);
	if (code != ERR_OK)
		return code;
	session->undo_first.value = 0;
	session->undo_last.value = 0;
	sitting->verdict->pos = posted.last;
	return session_say_moved(sitting->intake, sitting->verdict,
				 WORD_SESSION_TAKEN_BACK, &posted, err);
}

static enum err_code take(struct sitting *sitting, struct err *err)
{
	const struct found *found = sitting->found;
	struct verdict *verdict = sitting->verdict;

	/* DONE was said once, and then something else: it counts no more. */
	if (found->kind != FOUND_DONE && sitting->session.op == OP_TRANSFER_IN)
		sitting->session.to.size = 0;
	switch (found->kind) {
	case FOUND_OP:
		return take_op(sitting, err);
	case FOUND_BIN:
		return take_bin(sitting, err);
	case FOUND_DONE:
		return take_done(sitting, err);
	case FOUND_UNDO:
		return take_undo(sitting, err);
	case FOUND_QTY:
		sitting->session.quantity = (uint64_t)found->quantity;
		verdict_say(verdict, WORD_SESSION_QTY, "%" PRId64,
			    found->quantity);
		return ERR_OK;
	case FOUND_DETAILS:
		verdict_refuse(verdict, WORD_DETAILS_ALONE,
			       (struct span){"", 0});
		return ERR_OK;
	case FOUND_FAULT:
		verdict_refuse(verdict, WORD_BAD_CODE, (struct span){"", 0});
		verdict->problem = found->problem;
		return ERR_OK;
	case FOUND_ITEM:
	case FOUND_PALLET:
	case FOUND_NOTHING:
		break;
	}
	return take_item(sitting, err);
}

/* A session that was left lying is not gone on with: its count is void. */
static enum err_code sitting_begin(struct sitting *sitting, struct err *err)
{
	struct intake *intake = sitting->intake;
	int64_t timeout = intake->engine->plan.session_timeout_ms;
	enum err_code code;

	code = session_get(batch_view(intake->act.batch), intake->device_no,
			   &sitting->session, err);
	if (code == ERR_OK &&
	    intake->now.ms - sitting->session.last.ms > timeout) {
		code = session_end(batch_txn(intake->act.batch),
				   intake->device_no, err);
		sitting->session = (struct session){.op = OP_NONE};
	}
	if (code == ERR_NOT_FOUND) {
		sitting->session = (struct session){.op = OP_NONE};
		code = ERR_OK;
	}
	return code;
}

/* A session takes one code at a time and has said all else itself: what a
 * reading says beside its code would be lost. */
static bool is_for_session(const struct scan_reading *scan)
{
	return scan->op == OP_DONE ||
	       (scan->code_count == 1 && !scan->has_qty &&
		!scan->has_position && scan->bin.size == 0 &&
		scan->to.size == 0 && scan->ref.size == 0 &&
		scan->lot.size == 0 && scan->serial.size == 0 &&
		scan->expiry.year == 0 && scan->condition == CONDITION_NONE);
}

/* "done" may come as an operation, without a label to read. */
static enum err_code found_of(struct intake *intake, struct err *err)
{
	if (intake->engine->reading.body.scan.op != OP_DONE)
		return scan_resolve(intake, 0, err);
	intake->engine->found[0] = (struct found){.kind = FOUND_DONE};
	return ERR_OK;
}

enum err_code on_session(struct intake *intake, struct verdict *verdict,
			 struct err *err)
{
	struct sitting sitting = {.intake = intake,
				  .verdict = verdict,
				  .found = &intake->engine->found[0]};
	enum err_code code;

	if (!is_for_session(&intake->engine->reading.body.scan)) {
		verdict_refuse(verdict, WORD_NO_OPERATION,
			       (struct span){"", 0});
		return ERR_OK;
	}
	code = sitting_begin(&sitting, err);
	if (code == ERR_OK)
		code = found_of(intake, err);
	if (code == ERR_OK)
		code = take(&sitting, err);
	if (code != ERR_OK)
		return code;
	verdict_next(verdict, next_of(&sitting));
	if (sitting.session.op == OP_NONE)
		return session_end(batch_txn(intake->act.batch),
				   intake->device_no, err);
	sitting.session.last = intake->now;
	return session_put(batch_txn(intake->act.batch), intake->device_no,
			   &sitting.session, err);
}
