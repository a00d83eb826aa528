#include "gateway/core/retry.h"

#include <string.h>

#include "gateway/core/state.h"
#include "gateway/core/transfer.h"
#include "store/seal.h"

/* A parked row, copied: its spans do not outlive the first write. */
struct retrying {
	struct engine *engine;
	struct intake intake;
	uint64_t number;
	uint16_t code;
	struct reading_name name;
	enum reading_kind kind;
};

static struct span copied(struct engine *engine, size_t at, struct span text)
{
	memcpy(engine->retried + at, text.data, text.size);
	return (struct span){engine->retried + at, text.size};
}

static void retry_begin(struct retrying *retrying, struct batch *batch,
			const struct parked *parked)
{
	struct engine *engine = retrying->engine;
	struct event event = {
		.kind = EVENT_MESSAGE,
		.at = batch_now(batch),
		.clock_trusted = batch_clock_trusted(batch),
		.body.message = {.topic = copied(engine, 0, parked->topic),
				 .payload = copied(engine, TOPIC_IN_SIZE_MAX,
						   parked->payload)},
	};

	engine->reading.has_seq = false; /* nothing is read yet */
	retrying->number = parked->number;
	retrying->code = parked->code;
	retrying->name = parked->name;
	intake_begin(&retrying->intake, engine, batch, &event);
	/* When it physically happened, unless the device said. */
	retrying->intake.act.effective = parked->arrival;
}

/* Whether the message can be read and handled now at all. A bare code parked
 * before its device was known belongs to no session. */
static enum err_code read_again(struct retrying *retrying,
				struct verdict *verdict, struct err *err)
{
	struct intake *intake = &retrying->intake;
	const struct scan_reading *scan = &retrying->engine->reading.body.scan;
	struct span device;
	struct fault fault;
	enum err_code code;

	if (!inlet_device(retrying->engine, intake->message.topic, &device,
			  &retrying->kind)) {
		verdict_park(verdict, WORD_UNKNOWN_TOPIC,
			     intake->message.topic);
		return ERR_OK;
	}
	code = device_get(batch_view(intake->act.batch), device,
			  &intake->device, &intake->device_no, err);
	if (code == ERR_NOT_FOUND) {
		verdict_park(verdict, WORD_UNKNOWN_DEVICE, device);
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	if (intake->device.is_revoked)
		verdict_park(verdict, WORD_REVOKED_DEVICE, device);
	else if (!intake_parse(intake, retrying->kind, &fault))
		verdict_fault(verdict, &fault);
	else if (retrying->kind == READING_SCAN && scan->op == OP_NONE)
		verdict_park(verdict, WORD_NOT_IN_SESSION,
			     scan->code_count > 0 ? reading_code(scan, 0)
						  : device);
	return ERR_OK;
}

/* What was parked for its name's sake is booked without one. */
static bool is_for_its_name(const struct retrying *retrying)
{
	return retrying->code == WORD_SEQ_REUSED ||
	       retrying->code == WORD_SEQ_TOO_OLD;
}

/* True if the reading has a name that was never marked, because its device was
 * not known. */
static bool is_unmarked(const struct retrying *retrying)
{
	return retrying->name.device.value == 0 &&
	       retrying->intake.device_no.value != 0 &&
	       retrying->engine->reading.has_seq && !is_for_its_name(retrying);
}

static struct reading_name name_read(const struct retrying *retrying)
{
	const struct reading *reading = &retrying->engine->reading;

	return (struct reading_name){retrying->intake.device_no, reading->boot,
				     reading->seq};
}

/* Such a name is taken like any other, once. If the same reading came again
 * since, *@ret_was; if another one did, that is why this one stays parked. */
static enum err_code name_check(struct retrying *retrying,
				struct verdict *verdict, bool *ret_was,
				struct err *err)
{
	struct intake *intake = &retrying->intake;
	struct reading_name name = name_read(retrying);
	struct answer answer;
	enum seen_state state;
	enum err_code code;

	*ret_was = false;
	if (!is_unmarked(retrying))
		return ERR_OK;
	code = seen_find(batch_view(intake->act.batch), &name,
			 seal_checksum(0, intake->message.payload), &state,
			 &answer, err);
	if (code != ERR_OK || state == SEEN_NEW)
		return code;
	if (state == SEEN_DUPLICATE)
		*ret_was = true;
	else
		verdict_reused(verdict, state, name.seq);
	return ERR_OK;
}

/* Whoever sends it again is answered as it is now. */
static enum err_code name_settle(struct retrying *retrying,
				 const struct verdict *verdict, struct err *err)
{
	struct batch *batch = retrying->intake.act.batch;
	struct pos head = {batch_next(batch).value - 1};
	struct answer answer = verdict_answer(verdict, head);
	struct reading_name name = name_read(retrying);
	struct seen_progress progress;
	enum err_code code;

	if (is_unmarked(retrying))
		return seen_mark(
			batch_txn(batch), &name,
			seal_checksum(0, retrying->intake.message.payload),
			&answer, &progress, err);
	if (is_for_its_name(retrying) || retrying->name.device.value == 0 ||
	    retrying->name.seq == 0)
		return ERR_OK;
	code = seen_amend(batch_txn(batch), &retrying->name, &answer, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* It stays parked: for the next name that it waits for, say. */
static enum err_code stay(struct retrying *retrying,
			  const struct verdict *verdict, struct err *err)
{
	struct parked_reason reason = {.code = (uint16_t)verdict->word,
				       .wants = verdict->wants,
				       .name = retrying->name,
				       .detail = span_of(verdict->detail)};
	bool is_reused = verdict->word == WORD_SEQ_REUSED ||
			 verdict->word == WORD_SEQ_TOO_OLD;
	enum err_code code = ERR_OK;

	if (is_for_its_name(retrying) || verdict->word == WORD_REVOKED_DEVICE)
		return ERR_OK;
	if (!is_reused)
		code = name_settle(retrying, verdict, err);
	if (!is_reused && is_unmarked(retrying))
		reason.name = name_read(retrying);
	if (code == ERR_OK)
		code = parked_amend(batch_txn(retrying->intake.act.batch),
				    retrying->number, &reason, err);
	return code;
}

static enum err_code parked_try(struct retrying *retrying,
				struct verdict *verdict, struct err *err)
{
	struct intake *intake = &retrying->intake;
	struct batch *batch = intake->act.batch;
	bool was = false;
	enum err_code code = read_again(retrying, verdict, err);

	if (code == ERR_OK)
		code = name_check(retrying, verdict, &was, err);
	if (code == ERR_OK && was) {
		verdict_init(verdict);
		return parked_remove(batch_txn(batch), retrying->number, err);
	}
	if (code == ERR_OK && verdict_is_open(verdict))
		code = intake_handle(intake, verdict, err);
	if (code != ERR_OK)
		return code;
	if (!verdict_is_open(verdict))
		return stay(retrying, verdict, err);
	code = name_settle(retrying, verdict, err);
	if (code == ERR_OK)
		code = parked_remove(batch_txn(batch), retrying->number, err);
	return code;
}

enum err_code retry_one(struct engine *engine, struct batch *batch,
			uint64_t number, struct verdict *verdict,
			struct err *err)
{
	struct retrying retrying = {.engine = engine};
	struct parked parked;
	enum err_code code;

	verdict_init(verdict);
	code = parked_get(batch_view(batch), number, &parked, err);
	if (code != ERR_OK)
		return code;
	engine->retrying = number;
	retry_begin(&retrying, batch, &parked);
	code = parked_try(&retrying, verdict, err);
	if (code == ERR_OK)
		engine->retrying = 0;
	return code;
}

/* ---- what fails each time ---- */

/* It waits for nothing that somebody could name. */
enum err_code retry_set_aside(struct engine *engine, struct batch *batch,
			      uint64_t number, struct err *err)
{
	struct parked_reason reason = {.code = WORD_ENGINE_FAILED};
	struct parked parked;
	enum err_code code =
		parked_get(batch_view(batch), number, &parked, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	reason.name = parked.name;
	reason.detail =
		copied(engine, 0,
		       parked.wants.size > 0 ? code_text_span(&parked.wants)
					     : parked.detail);
	return parked_amend(batch_txn(batch), number, &reason, err);
}

/* ---- which ones ---- */

#define CHOSEN_MAX 256

struct choosing {
	const struct engine *engine;
	const struct view *view; /* what is known; or */
	struct code_text wants;  /* the code or bin named; or */
	struct name device;      /* the device registered */
	uint64_t numbers[CHOSEN_MAX];
	size_t count;
};

/* True if somebody has named what the reading waits for: a code, an item or
 * bin, or, by its packing list, a pallet. */
static enum err_code is_known(const struct view *view, struct span wants,
			      bool *ret_is, struct err *err)
{
	struct place_name transfer;
	struct item_no item;
	struct bin bin;
	int64_t pack;
	enum err_code code = ERR_NOT_FOUND;

	if (wants.size == SSCC_SIZE)
		code = transfer_of_pallet(view, wants, &transfer, err);
	if (code == ERR_NOT_FOUND && wants.size > 0)
		code = code_find(view, wants, &item, &pack, err);
	if (code == ERR_NOT_FOUND && wants.size > 0 &&
	    wants.size <= SKU_SIZE_MAX)
		code = item_find(view, wants, &item, err);
	if (code == ERR_NOT_FOUND)
		code = bin_get(view, wants, &bin, err);
	*ret_is = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code choose(void *context, const struct parked *parked,
			    struct err *err)
{
	struct choosing *choosing = context;
	struct span wants = code_text_span(&parked->wants);
	enum err_code code = ERR_OK;
	enum reading_kind kind;
	struct span device;
	bool is_it;

	if (choosing->view != NULL)
		code = is_known(choosing->view, wants, &is_it, err);
	else if (choosing->wants.size > 0)
		is_it = span_equal(wants, code_text_span(&choosing->wants));
	else
		is_it = parked->code == WORD_UNKNOWN_DEVICE &&
			inlet_device(choosing->engine, parked->topic, &device,
				     &kind) &&
			span_equal(device, name_span(&choosing->device));
	if (code != ERR_OK || !is_it)
		return code;
	if (choosing->count == CHOSEN_MAX)
		return ERR_STOPPED;
	choosing->numbers[choosing->count++] = parked->number;
	return ERR_OK;
}

/* Chosen first, tried afterwards, some at a time: a walk allows no writes. */
static enum err_code retry_chosen(struct engine *engine, struct batch *batch,
				  struct choosing *choosing,
				  uint32_t *ret_booked, struct err *err)
{
	uint64_t from = 1;

	*ret_booked = 0;
	do {
		enum err_code code;

		choosing->count = 0;
		code = parked_walk(batch_view(batch), from, choose, choosing,
				   err);
		if (code != ERR_OK && code != ERR_STOPPED)
			return code;
		for (size_t i = 0; i < choosing->count; i++) {
			struct verdict verdict;

			from = choosing->numbers[i] + 1;
			code = retry_one(engine, batch, choosing->numbers[i],
					 &verdict, err);
			if (code != ERR_OK)
				return code;
			*ret_booked += verdict_is_open(&verdict);
		}
	} while (choosing->count == CHOSEN_MAX);
	return ERR_OK;
}

enum err_code retry_named(struct engine *engine, struct batch *batch,
			  struct span name, uint32_t *ret_booked,
			  struct err *err)
{
	struct choosing choosing = {.engine = engine};

	/* Copied: the name may stand in memory that a retry uses. */
	if (!code_text_set(&choosing.wants, name))
		return ERR_INVALID; /* the caller has measured it */
	return retry_chosen(engine, batch, &choosing, ret_booked, err);
}

enum err_code retry_known(struct engine *engine, struct batch *batch,
			  uint32_t *ret_booked, struct err *err)
{
	struct choosing choosing = {.engine = engine,
				    .view = batch_view(batch)};

	return retry_chosen(engine, batch, &choosing, ret_booked, err);
}

enum err_code retry_device(struct engine *engine, struct batch *batch,
			   struct span name, uint32_t *ret_booked,
			   struct err *err)
{
	struct choosing choosing = {.engine = engine};

	if (!name_set(&choosing.device, name))
		return ERR_INVALID;
	return retry_chosen(engine, batch, &choosing, ret_booked, err);
}
