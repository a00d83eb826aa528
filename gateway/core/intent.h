/*
 * intent - what HQ asks of this site is carried out here, by its owner.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * An intent names a command of this box (core/command.h) and its arguments. The
 * site runs it once: what it writes and the answer are one transaction, so a
 * crash in between leaves neither. The answer is an entry of the site's own
 * journal, and by it every life of the site knows that it was done.
 *
 * One that has run out is answered so and not carried out. It has run out when
 * a clock that can be trusted says so, or when HQ has signed something that is
 * later than its end. A box whose clock cannot be trusted cannot tell the rest
 * apart: it answers `received` and waits; an intent without an end is carried
 * out all the same.
 */
#ifndef DEPOT_GATEWAY_CORE_INTENT_H
#define DEPOT_GATEWAY_CORE_INTENT_H

#include "gateway/core/state.h"

/*
 * Carries out the next one that waits, if any; engine_wrote says whether
 * anything is to be committed. One on which the store did not fail and the
 * command did is refused the next time.
 */
MUST_CHECK enum err_code intent_step(struct engine *engine, struct batch *batch,
				     struct err *err);

#endif
