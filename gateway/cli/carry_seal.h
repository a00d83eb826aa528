/*
 * carry_seal - all that was booked becomes deltas, before a stick leaves.
 *
 * Layer     programs
 * Threads   one
 *
 * Where depotd runs it is asked to; it does so as soon as it has heard its
 * peers (core/exchange.h). Where none runs the store is sealed here, if its
 * guard stands and no link is configured that would have to be heard first.
 */
#ifndef DEPOT_GATEWAY_CLI_CARRY_SEAL_H
#define DEPOT_GATEWAY_CLI_CARRY_SEAL_H

#include "gateway/cli/ask.h"
#include "store/keys.h"

struct carry_sealed {
	uint64_t unsealed; /* entries that are still in no delta */
	bool is_set_back;  /* the store is behind itself: it may not go on */
};
/* Anything but EXIT_DONE was told; what could not be sealed is no failure. */
MUST_CHECK enum exit_code carry_seal(struct cli *cli,
				     struct carry_sealed *ret_sealed);

/*
 * Where depotd runs: what a view showed that was opened before is in the guard
 * when this returns EXIT_DONE. depotd may have sealed after carry_seal, and it
 * keeps its guard only after the commit.
 * EXIT_AGAIN: not so; it was told.
 */
MUST_CHECK enum exit_code carry_settle(struct cli *cli);

/* The key of the journal's epoch; NULL in *@ret_signer where it is not to be
 * had. To be closed. */
MUST_CHECK enum err_code carry_signer(const struct cli *cli, uint32_t epoch,
				      struct signer **ret_signer,
				      struct err *err);

#endif
