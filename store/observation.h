/*
 * observation - what shelf sensors and RFID readers saw; moves nothing.
 *
 * Layer     store
 * Threads   writing: the writer; reading: any, through a view
 * On disk   docs/format/tables.md; not derived; kept for a bounded time and
 *           number
 */
#ifndef DEPOT_STORE_OBSERVATION_H
#define DEPOT_STORE_OBSERVATION_H

#include "rules/base/ids.h"
#include "rules/base/stamp.h"
#include "rules/ledger/place.h"
#include "store/env.h"

enum observed {
	OBSERVED_WEIGHT_G = 1,
	OBSERVED_DISTANCE_MM = 2,
	OBSERVED_QUANTITY = 3,
	OBSERVED_EPC = 4,
};

struct observation {
	struct moment at;    /* first seen */
	struct moment until; /* last seen: an EPC that stays is one row */
	struct device_no device;
	enum observed what;
	struct place_name bin; /* or the portal's place */
	int64_t value;         /* or the strongest signal, dBm */
	uint32_t count;        /* reads that were debounced into it */
	uint8_t antenna;
	bool is_stable;
	struct ref epc; /* hex; empty unless OBSERVED_EPC */
};

/* Adds one; an EPC seen again by the same reader and antenna within @hold_ms
 * widens its row instead. ERR_FULL: no room in the map. */
MUST_CHECK enum err_code observation_add(struct txn *txn,
					 const struct observation *observation,
					 int64_t hold_ms, struct err *err);

/* The latest of a bin and kind. ERR_NOT_FOUND (@err untouched). */
MUST_CHECK enum err_code observation_latest(const struct view *view,
					    struct span bin, enum observed what,
					    struct observation *ret_observation,
					    struct err *err);

/* Removes at most @most rows that are older than @before. */
MUST_CHECK enum err_code observation_trim(struct txn *txn, struct moment before,
					  uint32_t most, uint32_t *ret_removed,
					  struct err *err);

typedef enum err_code observation_visit_fn(void *context,
					   const struct observation *seen,
					   struct err *err);
/* Visits all from @from on, in order of time. */
MUST_CHECK enum err_code observation_walk(const struct view *view,
					  struct moment from,
					  observation_visit_fn *visit,
					  void *context, struct err *err);

#endif
