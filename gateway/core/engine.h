/*
 * engine - decides what an event means and writes it into the batch.
 *
 * Layer     gateway/core; no I/O, no clock, no threads
 * Threads   the keeper (or a CLI command under the store's lock)
 *
 * engine_step() is all there is: event in, entries and rows out, answers
 * noted. Whatever it says is said only after the caller's commit. What the
 * outside has to be told about stock, tasks and alerts is not said here at
 * all: the journal's new entries are the list of what changed.
 */
#ifndef DEPOT_GATEWAY_CORE_ENGINE_H
#define DEPOT_GATEWAY_CORE_ENGINE_H

#include "gateway/core/answers.h"
#include "gateway/core/event.h"
#include "store/ledger.h"
#include "store/parked.h"

struct engine;

/* From the configuration; all durations in milliseconds. */
struct engine_plan {
	struct parked_bounds parked;
	int64_t session_timeout_ms;
	int64_t observation_keep_ms;
	int64_t rfid_hold_ms;
	int64_t recount_units; /* a count further from the book than this ... */
	uint32_t recount_percent; /* ... and this share asks for a blind recount
				   */
};

/* Storage is taken once, here. ERR_FULL: out of memory. */
MUST_CHECK enum err_code engine_open(const struct engine_plan *plan,
				     const struct founding *identity,
				     struct engine **ret_engine,
				     struct err *err);
/* Takes NULL. */
void engine_close(struct engine *engine);

/*
 * One event. ERR_OK also when the input was refused or parked: that is in
 * @answers (or in the command's reply).
 *
 * ERR_FULL     no room in the map: abandon the batch, stop intake
 * ERR_CORRUPT  the store is damaged: stop the daemon, verify
 * any other    this event can't be taken as it is: abandon the batch, run its
 *              events singly, and park the one that fails again
 *              (engine_park_raw)
 */
MUST_CHECK enum err_code engine_step(struct engine *engine, struct batch *batch,
				     const struct event *event,
				     struct answers *answers, struct err *err);

/* False if the last step, a tick or a command, left nothing to commit: the
 * batch is then abandoned, so that an idle box does not write to its disk every
 * second and a refused command leaves no trace. True after a message. */
bool engine_wrote(const struct engine *engine);

/* Parks a message unread: the engine failed on it, or the daemon died. */
MUST_CHECK enum err_code engine_park_raw(struct engine *engine,
					 struct batch *batch,
					 const struct event *event,
					 enum word why, struct answers *answers,
					 struct err *err);

/* Answers "refused: the store is full" without writing anything. */
void engine_refuse_full(struct engine *engine, const struct event *event,
			struct answers *answers);

/* Counts since engine_open, for metrics. */
struct engine_counters {
	uint64_t readings;
	uint64_t booked;
	uint64_t duplicates;
	uint64_t seq_reused;
	uint64_t refused;
	uint64_t parked;
	uint64_t movements;
	uint64_t observations;
	uint64_t commands;
};
const struct engine_counters *engine_counters(const struct engine *engine);

#endif
