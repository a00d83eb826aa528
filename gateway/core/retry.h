/*
 * retry - parked readings whose reason has gone are booked, in their order.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * A parked reading keeps its name and its time: it is booked as it would have
 * been, with its effective time, and its stored answer becomes "booked". What
 * still cannot be booked stays parked, for the reason that it has now.
 */
#ifndef DEPOT_GATEWAY_CORE_RETRY_H
#define DEPOT_GATEWAY_CORE_RETRY_H

#include "gateway/core/verdict.h"
#include "store/ledger.h"

struct engine; /* core/engine.h */

/* The code, item or bin @name is known now. *@ret_booked is how many readings
 * were booked. Errors as engine_step, here and below. */
MUST_CHECK enum err_code retry_named(struct engine *engine, struct batch *batch,
				     struct span name, uint32_t *ret_booked,
				     struct err *err);

/* Many names are known now: tries whatever waits for one that is. */
MUST_CHECK enum err_code retry_known(struct engine *engine, struct batch *batch,
				     uint32_t *ret_booked, struct err *err);

/* The device @name is registered now. */
MUST_CHECK enum err_code retry_device(struct engine *engine,
				      struct batch *batch, struct span name,
				      uint32_t *ret_booked, struct err *err);

/*
 * Tries number @number again, whatever its reason. @verdict says booked, and
 * then it is parked no longer, or why not, and then nothing was written but
 * what it is parked for now.
 * ERR_NOT_FOUND: there is no such number (@err untouched)
 */
MUST_CHECK enum err_code retry_one(struct engine *engine, struct batch *batch,
				   uint64_t number, struct verdict *verdict,
				   struct err *err);

/* As engine_set_aside (core/engine.h). */
MUST_CHECK enum err_code retry_set_aside(struct engine *engine,
					 struct batch *batch, uint64_t number,
					 struct err *err);

#endif
