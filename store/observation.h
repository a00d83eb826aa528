/*
 * observation - what shelf sensors and RFID readers saw; moves nothing.
 *
 * Layer     store
 * Threads   writing: the writer; reading: any, through a view
 * On disk   docs/format/tables.md; not derived; kept for a bounded time and
 *           number
 *
 * The order is that of the time at which an observation began (`at`), and of
 * arrival within a millisecond. The caller gives no time ahead of its own
 * clock: what a sensor says of the future would outlive all trimming.
 *
 * Bounded: the table holds at most OBSERVATION_ROWS_MAX rows, those of its two
 * indexes included (a plain observation has at most two rows, an EPC three).
 * Beyond that the oldest leave without a word: they were kept for looking
 * back, and belief has long been updated from them.
 */
#ifndef DEPOT_STORE_OBSERVATION_H
#define DEPOT_STORE_OBSERVATION_H

#include "rules/base/ids.h"
#include "rules/base/stamp.h"
#include "rules/ledger/place.h"
#include "store/env.h"

#define OBSERVATION_ROWS_MAX 250000

/* On disk: the numbers never change. */
enum observed {
	OBSERVED_WEIGHT_G = 1,
	OBSERVED_DISTANCE_MM = 2,
	OBSERVED_QUANTITY = 3,
	OBSERVED_EPC = 4,
};
#define OBSERVED_MAX OBSERVED_EPC

struct observation {
	struct moment at;    /* first seen */
	struct moment until; /* last seen: an EPC that stays is one row */
	struct device_no device;
	enum observed what;
	struct place_name bin; /* or the portal's place */
	int64_t value;         /* or the strongest signal, dBm */
	uint32_t count;        /* reads that were debounced into it; from 1 */
	uint8_t antenna;
	bool is_stable;
	struct ref epc; /* hex; empty unless OBSERVED_EPC */
};

/*
 * Adds one. An EPC that the same reader and antenna saw at the same place at
 * most @hold_ms before widens that row instead: `until` moves on, the reads
 * are added up, the strongest signal stays. One that began before its last row
 * did (it comes late) gets a row of its own.
 *
 * ERR_FULL     no room in the map
 * ERR_CORRUPT  a row is damaged
 */
MUST_CHECK enum err_code observation_add(struct txn *txn,
					 const struct observation *observation,
					 int64_t hold_ms, struct err *err);

/*
 * The one of a bin and kind that began last. It leaves with the others when it
 * is trimmed. ERR_NOT_FOUND: none is kept (@err untouched).
 */
MUST_CHECK enum err_code observation_latest(const struct view *view,
					    struct span bin, enum observed what,
					    struct observation *ret_observation,
					    struct err *err);

/* Removes the observations that began before @before, the oldest first, at
 * most @most of them. */
MUST_CHECK enum err_code observation_trim(struct txn *txn, struct moment before,
					  uint32_t most, uint32_t *ret_removed,
					  struct err *err);

/* Visits all that began at @from or later, in order of time. @visit must not
 * add or trim. What it returns, if not ERR_OK, ends the walk and is the
 * result. */
typedef enum err_code observation_visit_fn(void *context,
					   const struct observation *seen,
					   struct err *err);
MUST_CHECK enum err_code observation_walk(const struct view *view,
					  struct moment from,
					  observation_visit_fn *visit,
					  void *context, struct err *err);

#endif
