/* Readings: what waits in the ring becomes batches. */
#include "gateway/edge/keeper_parts.h"

#include "gateway/edge/keeper_event.h"

/* A batch of so many was under load: the next one may gather. */
#define LOAD_MIN 8

static enum err_code slot_step(struct keeper *keeper, struct batch *batch,
			       const struct ring_slot *slot, struct err *err)
{
	struct engine *engine = keeper->config.engine;
	struct event event = event_of(slot);

	if (slot->deaths >= RING_DEATHS_MAX)
		return engine_park_raw(engine, batch, &event, WORD_DIED_TWICE,
				       keeper->answers, err);
	ring_mark_working(keeper->config.ring, slot);
	return engine_step(engine, batch, &event, keeper->answers, err);
}

/* Runs @count slots from @first as one batch. */
static enum err_code slots_run(struct keeper *keeper, uint32_t first,
			       uint32_t count, struct err *err)
{
	struct ring *ring = keeper->config.ring;
	uint64_t last = keeper->slots[first + count - 1].number;
	struct batch *batch;
	enum err_code code;

	answers_reset(keeper->answers);
	code = batch_begin(keeper->config.ledger, &batch, err);
	if (code != ERR_OK)
		return code;
	for (uint32_t i = first; i < first + count && code == ERR_OK; i++)
		code = slot_step(keeper, batch, &keeper->slots[i], err);
	ring_mark_idle(ring);
	if (code != ERR_OK) {
		keeper_drop(keeper, batch);
		return code;
	}
	batch_ring(batch, last);
	code = keeper_finish(keeper, batch, err);
	if (code == ERR_OK)
		ring_release_upto(ring, last);
	return code;
}

/* The engine cannot take this one: it is kept unread. */
static enum err_code slot_park(struct keeper *keeper,
			       const struct ring_slot *slot, struct err *err)
{
	struct event event = event_of(slot);
	struct batch *batch;
	enum err_code code;

	log_event(keeper->config.log, LEVEL_ERROR, "reading_failed",
		  "a reading could not be booked and is parked: %s", err->text);
	answers_reset(keeper->answers);
	code = batch_begin(keeper->config.ledger, &batch, err);
	if (code != ERR_OK)
		return code;
	code = engine_park_raw(keeper->config.engine, batch, &event,
			       WORD_ENGINE_FAILED, keeper->answers, err);
	if (code != ERR_OK) {
		keeper_drop(keeper, batch);
		return code;
	}
	batch_ring(batch, slot->number);
	code = keeper_finish(keeper, batch, err);
	if (code == ERR_OK)
		ring_release_upto(keeper->config.ring, slot->number);
	return code;
}

/* Nothing can be written: the senders are told, and the slots are void. */
static void slots_refuse(struct keeper *keeper, uint32_t first)
{
	struct pos none = {0};
	struct keeper_state state;

	answers_reset(keeper->answers);
	for (uint32_t i = first; i < keeper->slot_count; i++) {
		struct event event = event_of(&keeper->slots[i]);

		engine_refuse_full(keeper->config.engine, &event,
				   keeper->answers);
	}
	keeper_state(keeper, &state);
	if (state.head.value != 0)
		none = state.head;
	keeper_answers_say(keeper, none);
	ring_void_upto(keeper->config.ring,
		       keeper->slots[keeper->slot_count - 1].number);
	wake_signal(keeper->config.loop_wake);
}

/* What the store says decides: full stops intake, damage stops the daemon. */
static void store_failed(struct keeper *keeper, enum err_code code,
			 uint32_t first, const struct err *err)
{
	if (code != ERR_FULL) {
		keeper_fail(keeper, err);
		return;
	}
	keeper_full(keeper, true);
	slots_refuse(keeper, first);
}

static void slots_singly(struct keeper *keeper)
{
	for (uint32_t i = 0; i < keeper->slot_count; i++) {
		struct err err;
		enum err_code code = slots_run(keeper, i, 1, &err);

		if (code != ERR_OK && !keeper_is_of_store(code))
			code = slot_park(keeper, &keeper->slots[i], &err);
		if (code != ERR_OK) {
			store_failed(keeper, code, i, &err);
			return;
		}
	}
}

/*
 * Under load a batch waits a little for more: a commit costs the same for one
 * reading as for a hundred, and the processor's time is what intake lacks. An
 * idle keeper never waits: the first reading after a pause is a batch.
 */
static void slots_gather(struct keeper *keeper)
{
	const struct keeper_config *config = &keeper->config;
	int64_t until = keeper->taken_at + config->batch_ms;
	uint32_t waiting = ring_waiting(config->ring);
	uint32_t before = 0;

	/* The wake is not armed, so this sleeps a millisecond at a time. */
	while (keeper->slot_count >= LOAD_MIN && waiting > before &&
	       waiting < config->batch_max &&
	       clock_monotonic_ms(config->clock) < until &&
	       !atomic_load(&keeper->is_stopping)) {
		wake_wait(config->ring_wake, 1);
		before = waiting;
		waiting = ring_waiting(config->ring);
	}
	keeper->taken_at = clock_monotonic_ms(config->clock);
}

void keeper_slots_take(struct keeper *keeper)
{
	struct err err;
	enum err_code code;

	slots_gather(keeper);
	keeper->slot_count = 0;
	while (keeper->slot_count < keeper->config.batch_max &&
	       ring_peek(keeper->config.ring, keeper->slot_count,
			 &keeper->slots[keeper->slot_count]))
		keeper->slot_count++;
	if (keeper->slot_count == 0)
		return;
	if (keeper->state.is_full) {
		slots_refuse(keeper, 0);
		return;
	}
	code = slots_run(keeper, 0, keeper->slot_count, &err);
	if (code == ERR_OK)
		return;
	if (keeper_is_of_store(code) && code != ERR_FULL)
		store_failed(keeper, code, 0, &err);
	else
		slots_singly(keeper); /* a full map may hold a smaller batch */
}
