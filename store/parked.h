/*
 * parked - input that cannot be booked yet, kept raw with the reason.
 *
 * Layer     store
 * Threads   writing: the writer; reading: any, through a view
 * On disk   docs/format/tables.md; not derived: survives a rebuild
 *
 * Bounded by count and bytes: what falls out at the old end is reported to
 * the caller, who leaves a loss record in the journal in the same transaction.
 */
#ifndef DEPOT_STORE_PARKED_H
#define DEPOT_STORE_PARKED_H

#include "rules/base/ids.h"
#include "rules/base/stamp.h"
#include "store/env.h"
#include "store/seen.h"

#define PARKED_RAW_SIZE_MAX (PAYLOAD_IN_SIZE_MAX + TOPIC_IN_SIZE_MAX)

struct parked {
	uint64_t number; /* from 1, never reused; set by parked_add */
	struct moment arrival;
	bool clock_trusted;
	bool is_cut;            /* the payload was longer than what is kept */
	uint16_t code;          /* core/words.h's number of the reason */
	struct code_text wants; /* the code that has to be named; empty: none */
	struct reading_name name; /* device 0: unknown; seq 0: unnamed */
	struct span detail;       /* what the sentence names */
	struct span topic;
	struct span payload;
};

struct parked_bounds {
	uint64_t count_max;
	uint64_t bytes_max; /* of topics and payloads */
};

/* What had to leave to make room. */
struct parked_loss {
	uint64_t count;
	uint64_t first; /* numbers, inclusive */
	uint64_t last;
	uint64_t bytes;
};

/* Adds @parked (spans are copied; detail at most SEEN_DETAIL_SIZE_MAX).
 * ERR_FULL: no room in the map. */
MUST_CHECK enum err_code parked_add(struct txn *txn,
				    const struct parked_bounds *bounds,
				    struct parked *parked,
				    struct parked_loss *ret_loss,
				    struct err *err);

/* ERR_NOT_FOUND: no such number (@err untouched). The spans are borrowed as
 * view_get says. */
MUST_CHECK enum err_code parked_get(const struct view *view, uint64_t number,
				    struct parked *ret_parked, struct err *err);
MUST_CHECK enum err_code parked_remove(struct txn *txn, uint64_t number,
				       struct err *err);

struct parked_totals {
	uint64_t count;
	uint64_t bytes;
	uint64_t ever; /* the last number given */
};
MUST_CHECK enum err_code parked_totals(const struct view *view,
				       struct parked_totals *ret_totals,
				       struct err *err);

/* Visits from number @from on, in order of arrival; spans borrowed until
 * @visit returns. */
typedef enum err_code
parked_visit_fn(void *context, const struct parked *parked, struct err *err);
MUST_CHECK enum err_code parked_walk(const struct view *view, uint64_t from,
				     parked_visit_fn *visit, void *context,
				     struct err *err);

#endif
