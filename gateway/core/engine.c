#include "gateway/core/engine.h"

#include <stdlib.h>

#include "gateway/core/command.h"
#include "gateway/core/inlet.h"
#include "gateway/core/intent.h"
#include "gateway/core/on_command.h"
#include "gateway/core/retry.h"
#include "gateway/core/state.h"
#include "gateway/core/task.h"
#include "store/closing.h"
#include "store/seal.h"

static const struct zone utc;

enum err_code engine_open(const struct engine_plan *plan,
			  const struct founding *identity,
			  struct engine **ret_engine, struct err *err)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (engine == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	engine->plan = *plan;
	if (plan->zone == NULL)
		engine->plan.zone = &utc;
	engine->json_memory = malloc(READING_JSON_SIZE);
	if (engine->json_memory == NULL) {
		engine_close(engine);
		return err_set(err, ERR_FULL, "out of memory");
	}
	json_init(&engine->json, engine->json_memory, READING_JSON_SIZE);
	(void)text_format(engine->prefix, sizeof(engine->prefix),
			  "depot/v1/%.*s/%.*s/", (int)identity->org.size,
			  identity->org.data, (int)identity->site.size,
			  identity->site.data);
	*ret_engine = engine;
	return ERR_OK;
}

void engine_close(struct engine *engine)
{
	if (engine == NULL)
		return;
	free(engine->json_memory);
	free(engine);
}

const struct engine_counters *engine_counters(const struct engine *engine)
{
	return &engine->counters;
}

/* ---- topics ---- */

/* The inlet of @topic and what stands behind it: "scan/dock-1" -> "dock-1". */
static enum inlet inlet_of(const struct engine *engine, struct span topic,
			   struct span *ret_rest)
{
	size_t size = span_of(engine->prefix).size;

	*ret_rest = topic;
	if (!span_starts(topic, engine->prefix))
		return INLET_NONE;
	return inlet_find((struct span){topic.data + size, topic.size - size},
			  ret_rest);
}

bool inlet_device(const struct engine *engine, struct span topic,
		  struct span *ret_device, enum reading_kind *ret_kind)
{
	return inlet_kind(inlet_of(engine, topic, ret_device), ret_kind);
}

/* ---- answering ---- */

static void count_result(struct engine *engine, enum result result)
{
	engine->counters.readings++;
	switch (result) {
	case RESULT_BOOKED:
		engine->counters.booked++;
		break;
	case RESULT_DUPLICATE:
		engine->counters.duplicates++;
		break;
	case RESULT_SEQ_REUSED:
		engine->counters.seq_reused++;
		break;
	case RESULT_REFUSED:
		engine->counters.refused++;
		break;
	case RESULT_PARKED:
		engine->counters.parked++;
		break;
	case RESULT_MISSING:
		break;
	}
}

struct speaking {
	struct span device;
	const struct verdict *verdict;
	const struct seen_progress *progress; /* NULL: an unnamed reading */
};

static void speak(struct engine *engine, const struct speaking *speaking,
		  struct answers *answers)
{
	const struct verdict *verdict = speaking->verdict;
	char text_en[SCAN_TEXT_SIZE] = "";
	char text_zh[SCAN_TEXT_SIZE] = "";
	struct said said = {
		.device = speaking->device,
		.result = verdict->result,
		.is_session = verdict->next != NULL,
	};

	count_result(engine, verdict->result);
	if (verdict->word != WORD_NONE) {
		verdict_text(verdict, false, text_en, sizeof(text_en));
		verdict_text(verdict, true, text_zh, sizeof(text_zh));
		said.code = span_of(verdict_code(verdict));
		said.is_session |= verdict->result == RESULT_BOOKED;
	}
	said.text_en = span_of(text_en);
	said.text_zh = span_of(text_zh);
	if (verdict->next != NULL)
		said.next = span_of(verdict->next);
	if (verdict->result == RESULT_BOOKED && verdict->pos.value == 0)
		said.what = span_of(word_what(verdict->word));
	if (speaking->progress != NULL) {
		said.seq = engine->reading.seq;
		said.boot = boot_span(&engine->reading.boot);
		said.progress = *speaking->progress;
	}
	answers_add(answers, &said);
}

/* ---- parking ---- */

static enum err_code loss_post(struct act *act, const struct parked_loss *loss,
			       struct err *err)
{
	struct entry entry;
	struct alarm alarm = {
		"parked_lost", SEVERITY_WARNING, {"", 0}, (int64_t)loss->count};
	enum err_code code;
	bool fits;

	act_entry(act, &entry, ENTRY_LOSS);
	fits = reason_set(&entry.body.loss.what, SPAN_LITERAL("parked"));
	ASSERT(fits);
	entry.body.loss.first = loss->first;
	entry.body.loss.last = loss->last;
	entry.body.loss.bytes = loss->bytes;
	code = act_post(act, &entry, NULL, err);
	if (code == ERR_OK)
		code = act_alert(act, &alarm, false, err);
	return code;
}

static struct span cut(struct span text, size_t max)
{
	if (text.size > max)
		text.size = max;
	return text;
}

enum err_code intake_park(struct intake *intake, const struct verdict *verdict,
			  struct span payload, struct err *err)
{
	const struct message *message = &intake->message;
	const struct reading *reading = &intake->engine->reading;
	struct parked parked = {
		.arrival = intake->now,
		.clock_trusted = batch_clock_trusted(intake->act.batch),
		.is_cut = message->is_cut,
		.code = (uint16_t)verdict->word,
		.wants = verdict->wants,
		.name = {.device = intake->device_no, .boot = reading->boot},
		.detail = span_of(verdict->detail),
		.topic = cut(message->topic, TOPIC_IN_SIZE_MAX),
		.payload = cut(payload.size > 0 ? payload : message->payload,
			       PAYLOAD_IN_SIZE_MAX),
	};
	struct parked_loss loss;
	enum err_code code;

	if (reading->has_seq)
		parked.name.seq = reading->seq;
	code = parked_add(batch_txn(intake->act.batch),
			  &intake->engine->plan.parked, &parked, &loss, err);
	if (code == ERR_OK && loss.count > 0)
		code = loss_post(&intake->act, &loss, err);
	return code;
}

/* ---- one reading ---- */

enum err_code intake_handle(struct intake *intake, struct verdict *verdict,
			    struct err *err)
{
	struct reading *reading = &intake->engine->reading;

	if (reading->kind == READING_SHELF)
		return on_shelf(intake, verdict, err);
	if (reading->kind == READING_RFID)
		return on_rfid(intake, verdict, err);
	if (reading->body.scan.op == OP_NONE ||
	    reading->body.scan.op == OP_DONE)
		return on_session(intake, verdict, err);
	return on_scan(intake, verdict, err);
}

/* A join sheet by itself is no mistake where the box takes it. */
static void join_say(const struct engine *engine, struct verdict *verdict)
{
	if (engine->plan.join == NULL || verdict->word != WORD_BAD_CODE ||
	    verdict->problem.fault != SCAN_JOIN_CODE ||
	    engine->reading.body.scan.code_count != 1)
		return;
	verdict->result = RESULT_BOOKED;
	verdict->problem.fault = SCAN_OK;
	verdict_say(verdict, WORD_JOIN_TAKEN, "%s", "");
}

/* Dispatches the reading, and parks it if that is the verdict. A session has
 * parked its own, as a complete reading. */
static enum err_code take(struct intake *intake, const struct fault *fault,
			  struct verdict *verdict, struct err *err)
{
	struct span none = {"", 0};
	enum err_code code = ERR_OK;

	if (fault->kind != FAULT_NONE)
		verdict_fault(verdict, fault);
	else if (intake->device.is_revoked)
		verdict_park(verdict, WORD_REVOKED_DEVICE,
			     name_span(&intake->device.name));
	else
		code = intake_handle(intake, verdict, err);
	if (code == ERR_OK)
		join_say(intake->engine, verdict);
	if (code == ERR_OK && verdict->result == RESULT_PARKED &&
	    verdict->next == NULL)
		code = intake_park(intake, verdict, none, err);
	return code;
}

/* The same answer as before: for a front's fault it is made again from the
 * same bytes, else from what was stored. */
static void verdict_again(struct verdict *verdict, const struct answer *answer,
			  const struct fault *fault)
{
	struct span detail = {answer->detail, answer->detail_size};

	if (answer->result == RESULT_BOOKED) {
		verdict->result = RESULT_DUPLICATE;
		verdict->word = WORD_DUPLICATE;
		return;
	}
	if (fault->kind != FAULT_NONE) {
		verdict_fault(verdict, fault);
		return;
	}
	verdict_refuse(verdict, (enum word)answer->code, detail);
	verdict->result = answer->result;
}

static enum err_code reused(struct intake *intake, enum seen_state state,
			    struct verdict *verdict, struct err *err)
{
	struct alarm alarm = {"seq_reused", SEVERITY_WARNING,
			      name_span(&intake->device.name), 0};
	struct span none = {"", 0};
	enum err_code code;

	verdict_reused(verdict, state, intake->engine->reading.seq);
	verdict->result = RESULT_SEQ_REUSED;
	code = intake_park(intake, verdict, none, err);
	if (code == ERR_OK)
		code = act_alert(&intake->act, &alarm, false, err);
	return code;
}

/* A reading with a name: taken once. */
static enum err_code take_named(struct intake *intake,
				const struct fault *fault,
				struct answers *answers, struct err *err)
{
	struct engine *engine = intake->engine;
	struct batch *batch = intake->act.batch;
	struct reading_name name = {intake->device_no, engine->reading.boot,
				    engine->reading.seq};
	uint64_t content = seal_checksum(0, intake->message.payload);
	struct seen_progress progress = {.upto = 0};
	struct verdict verdict;
	struct speaking speaking = {name_span(&intake->device.name), &verdict,
				    &progress};
	struct answer answer;
	enum seen_state state;
	enum err_code code;

	verdict_init(&verdict);
	code = seen_find(batch_view(batch), &name, content, &state, &answer,
			 err);
	if (code != ERR_OK)
		return code;
	if (state == SEEN_NEW) {
		code = take(intake, fault, &verdict, err);
		if (code != ERR_OK)
			return code;
		answer = verdict_answer(
			&verdict, (struct pos){batch_next(batch).value - 1});
		code = seen_mark(batch_txn(batch), &name, content, &answer,
				 &progress, err);
	} else {
		if (state == SEEN_DUPLICATE)
			verdict_again(&verdict, &answer, fault);
		else
			code = reused(intake, state, &verdict, err);
		if (code == ERR_OK && verdict.word == WORD_BAD_CODE)
			code = scan_problem_find(intake, &verdict, err);
		if (code == ERR_OK)
			code = seen_progress(batch_view(batch), &name,
					     &progress, err);
	}
	if (code == ERR_OK)
		speak(engine, &speaking, answers);
	return code;
}

/* A reading without a name is always new, unless the broker says that it
 * sends it again and it was here. */
static enum err_code take_unnamed(struct intake *intake,
				  const struct fault *fault,
				  struct answers *answers, struct err *err)
{
	struct batch *batch = intake->act.batch;
	const struct message *message = &intake->message;
	uint64_t content = seal_checksum(0, message->payload);
	struct verdict verdict;
	struct speaking speaking = {name_span(&intake->device.name), &verdict,
				    NULL};
	bool is_known = false;
	enum err_code code = ERR_OK;

	verdict_init(&verdict);
	if (message->is_again)
		code = seen_packet_find(batch_view(batch), message->packet_id,
					content, &is_known, err);
	if (code != ERR_OK)
		return code;
	if (is_known) {
		verdict.result = RESULT_DUPLICATE;
		verdict.word = WORD_DUPLICATE;
	} else {
		code = take(intake, fault, &verdict, err);
		if (code == ERR_OK && message->packet_id != 0)
			code = seen_packet_note(batch_txn(batch),
						message->packet_id, content,
						err);
	}
	if (code == ERR_OK)
		speak(intake->engine, &speaking, answers);
	return code;
}

static void reading_clear(struct reading *reading)
{
	reading->has_seq = false;
	reading->seq = 0;
	reading->boot.size = 0;
	reading->has_at = false;
}

/* Parks the message in work unread: nothing is known of it but its bytes. */
static enum err_code park_unread(struct intake *intake, enum word word,
				 struct span detail, struct answers *answers,
				 struct err *err)
{
	struct span none = {"", 0};
	struct verdict verdict;
	struct speaking speaking = {detail, &verdict, NULL};
	enum err_code code;

	reading_clear(&intake->engine->reading);
	verdict_init(&verdict);
	verdict_park(&verdict, word, detail);
	code = intake_park(intake, &verdict, none, err);
	if (code == ERR_OK && text_is_name(detail))
		speak(intake->engine, &speaking, answers);
	else if (code == ERR_OK)
		count_result(intake->engine, verdict.result);
	return code;
}

bool intake_parse(struct intake *intake, enum reading_kind kind,
		  struct fault *fault)
{
	struct engine *engine = intake->engine;
	const struct reading *reading = &engine->reading;
	struct actor *actor = &intake->act.actor;
	bool is_sound =
		reading_parse(kind, intake->message.payload, &engine->json,
			      &engine->reading, fault) == ERR_OK;

	if (is_sound)
		fault->kind = FAULT_NONE;
	*actor = (struct actor){.kind = ACTOR_DEVICE,
				.name = intake->device.name};
	if (reading->has_seq) {
		actor->boot = reading->boot;
		actor->seq = reading->seq;
	}
	/* What a device says of the future is its clock's fault, if ours is
	 * right. */
	if (is_sound && reading->has_at &&
	    (reading->at.ms <= intake->now.ms ||
	     !batch_clock_trusted(intake->act.batch)))
		intake->act.effective = reading->at;
	return is_sound;
}

static enum err_code take_reading(struct intake *intake, enum reading_kind kind,
				  struct answers *answers, struct err *err)
{
	struct fault fault = {.kind = FAULT_NONE};

	/* A reading that is wrong is answered under its name all the same. */
	(void)intake_parse(intake, kind, &fault);
	if (intake->engine->reading.has_seq)
		return take_named(intake, &fault, answers, err);
	return take_unnamed(intake, &fault, answers, err);
}

void intake_begin(struct intake *intake, struct engine *engine,
		  struct batch *batch, const struct event *event)
{
	*intake = (struct intake){
		.engine = engine,
		.act = {.plan = &engine->plan,
			.counters = &engine->counters,
			.batch = batch,
			.actor = actor_rule("intake")},
		.now = event->at,
		.message = event->body.message,
	};
	batch_time(batch, event->at, event->clock_trusted);
}

static enum err_code on_reading(struct intake *intake, struct span device,
				enum reading_kind kind, struct answers *answers,
				struct err *err)
{
	enum err_code code;

	if (intake->message.is_cut)
		return park_unread(intake, WORD_TOO_LONG, device, answers, err);
	code = device_get(batch_view(intake->act.batch), device,
			  &intake->device, &intake->device_no, err);
	if (code == ERR_NOT_FOUND)
		return park_unread(intake, WORD_UNKNOWN_DEVICE, device, answers,
				   err);
	if (code != ERR_OK)
		return code;
	if (intake->device_no.value < ENGINE_DEVICES_MAX)
		intake->engine->heard[intake->device_no.value] = intake->now;
	return take_reading(intake, kind, answers, err);
}

static enum err_code on_message(struct engine *engine, struct batch *batch,
				const struct event *event,
				struct answers *answers, struct err *err)
{
	struct span topic = event->body.message.topic;
	struct intake intake;
	struct span rest;
	enum inlet inlet = inlet_of(engine, topic, &rest);
	enum reading_kind kind;

	intake_begin(&intake, engine, batch, event);
	if (inlet_kind(inlet, &kind))
		return on_reading(&intake, rest, kind, answers, err);
	if (inlet == INLET_TASK)
		return on_task(&intake, rest, err);
	if (inlet == INLET_COMMAND && command_topic_is_valid(rest))
		return on_command(&intake, rest, answers, err);
	return park_unread(&intake, WORD_UNKNOWN_TOPIC, topic, answers, err);
}

static void refuse(struct engine *engine, const struct event *event,
		   enum word why, struct answers *answers);

/* A reading is refused, and its sender told; a command says so itself. */
static enum err_code closed_message(struct engine *engine, struct batch *batch,
				    const struct event *event,
				    struct answers *answers, struct err *err)
{
	struct span rest;
	enum inlet inlet = inlet_of(engine, event->body.message.topic, &rest);

	batch_time(batch, event->at, event->clock_trusted);
	if (inlet == INLET_COMMAND && command_topic_is_valid(rest))
		return on_message(engine, batch, event, answers, err);
	refuse(engine, event, WORD_SITE_CLOSED, answers);
	return ERR_OK;
}

/* Whoever closed the site said that nothing follows. */
static enum err_code closed_look(struct batch *batch, bool *ret_is_closed,
				 struct err *err)
{
	struct closing closing;
	enum err_code code = closing_get(batch_view(batch), &closing, err);

	*ret_is_closed = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code engine_step(struct engine *engine, struct batch *batch,
			  const struct event *event, struct answers *answers,
			  struct err *err)
{
	bool is_closed;
	enum err_code code = closed_look(batch, &is_closed, err);

	engine->retrying = 0;
	if (code != ERR_OK)
		return code;
	switch (event->kind) {
	case EVENT_MESSAGE:
		engine->step_wrote = true;
		if (is_closed)
			return closed_message(engine, batch, event, answers,
					      err);
		return on_message(engine, batch, event, answers, err);
	case EVENT_TICK:
		engine->step_wrote = false;
		if (is_closed)
			return ERR_OK;
		batch_time(batch, event->at, event->clock_trusted);
		return on_tick(engine, batch, event, answers, err);
	case EVENT_INTENT:
		engine->step_wrote = false;
		if (is_closed)
			return ERR_OK;
		batch_time(batch, event->at, event->clock_trusted);
		return intent_step(engine, batch, err);
	case EVENT_COMMAND:
		batch_time(batch, event->at, event->clock_trusted);
		engine->step_wrote = false;
		if (event->body.command.is_rule && is_closed)
			return ERR_OK;
		if (event->body.command.is_rule)
			return rule_run(engine, batch, &event->body.command,
					err);
		engine->counters.commands++;
		return command_run(engine, batch, &event->body.command, err);
	}
	ASSERT(event->kind == EVENT_MESSAGE);
	return ERR_OK;
}

bool engine_wrote(const struct engine *engine)
{
	return engine->step_wrote;
}

uint64_t engine_failed_on(const struct engine *engine)
{
	return engine->retrying;
}

enum err_code engine_set_aside(struct engine *engine, struct batch *batch,
			       uint64_t number, struct err *err)
{
	return retry_set_aside(engine, batch, number, err);
}

enum err_code engine_park_raw(struct engine *engine, struct batch *batch,
			      const struct event *event, enum word why,
			      struct answers *answers, struct err *err)
{
	struct intake intake;
	struct span rest;
	struct alarm alarm = {"died_twice", SEVERITY_WARNING, {"", 0}, 0};
	bool is_closed;
	enum err_code code;

	ASSERT(event->kind == EVENT_MESSAGE);
	(void)inlet_of(engine, event->body.message.topic, &rest);
	intake_begin(&intake, engine, batch, event);
	code = closed_look(batch, &is_closed, err);
	if (code != ERR_OK || is_closed)
		return code;
	code = park_unread(&intake, why, rest, answers, err);
	alarm.subject = rest;
	if (code == ERR_OK && why == WORD_DIED_TWICE)
		code = act_alert(&intake.act, &alarm, false, err);
	return code;
}

static void refuse(struct engine *engine, const struct event *event,
		   enum word why, struct answers *answers)
{
	const struct message *message = &event->body.message;
	struct seen_progress none = {.upto = 0};
	struct verdict verdict;
	struct speaking speaking = {.verdict = &verdict};
	struct fault fault;
	enum reading_kind kind;
	enum inlet inlet;

	ASSERT(event->kind == EVENT_MESSAGE);
	inlet = inlet_of(engine, message->topic, &speaking.device);
	if (!inlet_kind(inlet, &kind) || !text_is_name(speaking.device))
		return;
	verdict_init(&verdict);
	verdict_refuse(&verdict, why, (struct span){"", 0});
	/* For its number: has_seq is right also when the reading is wrong. */
	if (reading_parse(kind, message->payload, &engine->json,
			  &engine->reading, &fault) == ERR_OK ||
	    engine->reading.has_seq)
		speaking.progress = engine->reading.has_seq ? &none : NULL;
	speak(engine, &speaking, answers);
}

void engine_refuse_full(struct engine *engine, const struct event *event,
			struct answers *answers)
{
	const struct message *message = &event->body.message;
	struct span rest;
	enum inlet inlet;

	ASSERT(event->kind == EVENT_MESSAGE);
	inlet = inlet_of(engine, message->topic, &rest);
	if (inlet == INLET_COMMAND && command_topic_is_valid(rest))
		on_command_full(engine, message, rest, answers);
	refuse(engine, event, WORD_STORE_FULL, answers);
}
