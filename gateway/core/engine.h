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
#include "gateway/core/plan.h"
#include "store/ledger.h"

struct engine;

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

/*
 * The parked reading that the last step failed on while it tried it again, 0 if
 * on none. The event itself may be sound: the reading is set aside in a batch
 * of its own, and the event run again.
 */
uint64_t engine_failed_on(const struct engine *engine);
/* It stays parked, as one that cannot be booked, and is not tried again but by
 * its number. ERR_OK also if it is parked no longer. */
MUST_CHECK enum err_code engine_set_aside(struct engine *engine,
					  struct batch *batch, uint64_t number,
					  struct err *err);

/* Parks a message unread: the engine failed on it, or the daemon died, which
 * opens an alert too. */
MUST_CHECK enum err_code engine_park_raw(struct engine *engine,
					 struct batch *batch,
					 const struct event *event,
					 enum word why, struct answers *answers,
					 struct err *err);

/* Answers "refused: the store is full" without writing anything. */
void engine_refuse_full(struct engine *engine, const struct event *event,
			struct answers *answers);

/* Counts since engine_open, for metrics. */
const struct engine_counters *engine_counters(const struct engine *engine);

#endif
