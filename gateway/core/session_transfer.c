/*
 * The end of a session that loaded or unloaded a transfer.
 */
#include "gateway/core/state.h"

#include <inttypes.h>

#include "gateway/core/transfer.h"
#include "store/session.h"

struct ending {
	struct intake *intake;
	struct session *session;
	struct verdict *verdict;
	struct span id;
};

static enum err_code shipped_say(struct ending *ending, struct err *err)
{
	const struct transfer_saying saying = {.state = TRANSFER_SHIPPED};
	struct act *act = &ending->intake->act;
	struct transfer_record record;
	enum err_code code = transfer_say(act, ending->id, &saying, err);

	if (code == ERR_OK)
		code = transfer_get(batch_view(act->batch), ending->id, &record,
				    err);
	if (code != ERR_OK)
		return code;
	verdict_say(ending->verdict, WORD_SESSION_SHIPPED,
		    "%.*s" WORD_FIELD_END "%" PRIu32 WORD_FIELD_END "%" PRIu64,
		    (int)ending->id.size, ending->id.data,
		    record.sender.transfer.lines, record.sender.transfer.units);
	return ERR_OK;
}

/* What is missing or too much is told before anybody claims it. */
static enum err_code rest_say(struct ending *ending,
			      const struct transfer_rest *rest)
{
	bool fits = place_name_set(&ending->session->to, SPAN_LITERAL("DONE"));

	ASSERT(fits);
	verdict_say(ending->verdict, WORD_SESSION_REST,
		    "%" PRId64 WORD_FIELD_END "%" PRId64 WORD_FIELD_END
		    "%s%" PRId64 " x %.*s",
		    rest->missing, rest->surplus, rest->units < 0 ? "+" : "",
		    rest->units < 0 ? -rest->units : rest->units,
		    (int)rest->first.size, rest->first.data);
	return ERR_OK;
}

static enum err_code settle_say(struct ending *ending, struct err *err)
{
	struct act *act = &ending->intake->act;
	struct pos first = batch_next(act->batch);
	uint64_t claims = 0;
	enum err_code code =
		transfer_settle(act, ending->id, CLAIM_SENDER, err);

	for (struct pos pos = first;
	     code == ERR_OK && pos.value < batch_next(act->batch).value;
	     pos.value++) {
		struct entry entry;

		code = journal_read(batch_view(act->batch), pos, &entry, err);
		claims += code == ERR_OK && entry.kind == ENTRY_CLAIM;
	}
	if (code != ERR_OK)
		return code;
	ending->session->to.size = 0;
	verdict_say(ending->verdict, WORD_SESSION_RECEIVED,
		    "%.*s" WORD_FIELD_END "%" PRIu64, (int)ending->id.size,
		    ending->id.data, claims);
	return ERR_OK;
}

static enum err_code received_say(struct ending *ending,
				  const struct transfer_record *record,
				  struct err *err)
{
	const struct view *view = batch_view(ending->intake->act.batch);
	struct transfer_rest rest;
	enum err_code code;

	if (!transfer_list_is_whole(&record->states)) {
		verdict_say(ending->verdict, WORD_SESSION_TRANSFER_OPEN, "%.*s",
			    (int)ending->id.size, ending->id.data);
		return ERR_OK;
	}
	code = transfer_rest_of(view, ending->id, &rest, err);
	if (code != ERR_OK)
		return code;
	if (rest.items > 0 && ending->session->to.size == 0)
		return rest_say(ending, &rest);
	return settle_say(ending, err);
}

enum err_code session_transfer_done(struct intake *intake,
				    struct session *session,
				    struct verdict *verdict, struct err *err)
{
	struct ending ending = {intake, session, verdict,
				ref_span(&session->order)};
	struct transfer_record record;
	struct transfer_id parts;
	enum err_code code;

	if ((session->op != OP_TRANSFER_OUT && session->op != OP_TRANSFER_IN) ||
	    !transfer_id_parse(ending.id, &parts))
		return ERR_OK;
	code = transfer_get(batch_view(intake->act.batch), ending.id, &record,
			    err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK; /* nothing was booked */
	if (code != ERR_OK)
		return code;
	return session->op == OP_TRANSFER_OUT
		       ? shipped_say(&ending, err)
		       : received_say(&ending, &record, err);
}

/* ---- the one that is being loaded ---- */

struct loading {
	const struct view *view;
	struct ref id;
	size_t count;
};

static enum err_code loading_look(void *context,
				  const struct transfer_record *record,
				  struct err *err)
{
	struct loading *loading = context;
	struct span id = place_name_span(&record->id);
	struct transfer_id parts;
	enum transfer_side side;
	enum err_code code;

	if (record->states.sender != TRANSFER_CREATED ||
	    record->states.hq != 0 || !transfer_id_parse(id, &parts))
		return ERR_OK;
	code = transfer_side_here(loading->view, id, &side, err);
	if (code != ERR_OK || side != TRANSFER_SENDER)
		return code;
	if (!ref_set(&loading->id, id))
		return err_set(err, ERR_CORRUPT, "a transfer's id is too long");
	return ++loading->count > 1 ? ERR_STOPPED : ERR_OK;
}

enum err_code session_transfer_find(struct intake *intake, struct ref *ret_id,
				    struct err *err)
{
	struct loading loading = {.view = batch_view(intake->act.batch)};
	const struct span all = {"", 0};
	enum err_code code =
		transfer_walk(loading.view, all, loading_look, &loading, err);

	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	if (loading.count != 1)
		loading.id.size = 0;
	*ret_id = loading.id;
	return ERR_OK;
}

/* ---- its number ---- */

/* What is over is told before anybody loads or unloads it: it may be the wrong
 * paper. */
static enum err_code number_say(struct intake *intake, struct span id,
				bool is_out, struct verdict *verdict,
				struct err *err)
{
	struct transfer_record record;
	enum err_code code =
		transfer_get(batch_view(intake->act.batch), id, &record, err);
	enum word word = WORD_SESSION_REF;

	if (code == ERR_OK && transfer_is_closed(&record.states))
		word = !is_out && record.states.sender == TRANSFER_CANCELLED
			       ? WORD_TRANSFER_CANCELLED
			       : WORD_SESSION_REF_CLOSED;
	verdict_say(verdict, word, "%.*s", (int)id.size, id.data);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code session_transfer_take(struct intake *intake, enum reading_op op,
				    struct ref *ret_id, struct verdict *verdict,
				    struct err *err)
{
	struct span text = reading_code(&intake->engine->reading.body.scan, 0);
	struct side transit = {{.kind = PLACE_TRANSIT}, CONDITION_NONE};
	struct side dock = {place_bin(SPAN_LITERAL(BIN_DOCK)), CONDITION_GOOD};
	bool is_out = op == OP_TRANSFER_OUT;
	struct movement movement = {.quantity = {1}};
	struct ref id;
	enum err_code code;

	if (!place_name_is_valid(text) || !ref_set(&id, text) ||
	    !place_name_set(&transit.place.name, text)) {
		verdict_refuse(verdict, WORD_NO_REF,
			       span_of(reading_op_name(op)));
		return ERR_OK;
	}
	movement.kind = is_out ? MOVEMENT_TRANSFER_OUT : MOVEMENT_TRANSFER_IN;
	movement.from = is_out ? dock : transit;
	movement.to = is_out ? transit : dock;
	code = transfer_judge_way(&intake->act, &movement, verdict, err);
	if (code != ERR_OK || !verdict_is_open(verdict))
		return code;
	code = number_say(intake, text, is_out, verdict, err);
	if (code == ERR_OK)
		*ret_id = id;
	return code;
}
