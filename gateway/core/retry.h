/*
 * retry - parked readings whose reason has gone are booked, in their order.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * A parked reading keeps its name and its time: it is booked as it would have
 * been, with its effective time, and its stored answer becomes "booked". What
 * still cannot be booked stays parked.
 */
#ifndef DEPOT_GATEWAY_CORE_RETRY_H
#define DEPOT_GATEWAY_CORE_RETRY_H

#include "store/ledger.h"

struct engine; /* core/engine.h */

/* The code, item or bin @name is known now. Errors as engine_step. */
MUST_CHECK enum err_code retry_named(struct engine *engine, struct batch *batch,
				     struct span name, struct err *err);

/* The device @name is registered now. */
MUST_CHECK enum err_code retry_device(struct engine *engine,
				      struct batch *batch, struct span name,
				      struct err *err);

/*
 * Tries number @number again, whatever its reason. *@ret_is_booked tells.
 * ERR_NOT_FOUND: there is no such number (@err untouched)
 */
MUST_CHECK enum err_code retry_one(struct engine *engine, struct batch *batch,
				   uint64_t number, bool *ret_is_booked,
				   struct err *err);

#endif
