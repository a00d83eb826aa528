/*
 * parked - input that cannot be booked yet, kept raw with the reason.
 *
 * Layer     store
 * Threads   writing: the writer; reading: any, through a view
 * On disk   docs/format/tables.md; not derived: survives a rebuild
 *
 * Bounded by count and bytes: what falls out at the old end is reported to
 * the caller, who leaves a loss record in the journal in the same transaction.
 * The newest input is kept whatever the bounds: it is the one that somebody is
 * about to look for, and one row is bounded by itself.
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
	uint64_t count; /* 0: nothing, and the others are 0 too */
	uint64_t first; /* numbers, inclusive; some between may have been */
	uint64_t last;  /* removed before: those are no loss */
	uint64_t bytes;
};

/* One call lets at most so many leave. When the bounds have been lowered, the
 * surplus goes with the calls that follow. */
#define PARKED_LEAVE_MAX 256

/*
 * Adds @parked and sets its number. The spans are copied: topic at most
 * TOPIC_IN_SIZE_MAX, payload at most PAYLOAD_IN_SIZE_MAX, detail at most
 * SEEN_DETAIL_SIZE_MAX bytes; the caller has cut them. *@ret_loss is set also
 * when nothing had to leave.
 *
 * ERR_FULL     no room in the map
 * ERR_CORRUPT  a row is damaged
 */
MUST_CHECK enum err_code parked_add(struct txn *txn,
				    const struct parked_bounds *bounds,
				    struct parked *parked,
				    struct parked_loss *ret_loss,
				    struct err *err);

/* ERR_NOT_FOUND: no such number (@err untouched). The spans are borrowed as
 * view_get says. */
MUST_CHECK enum err_code parked_get(const struct view *view, uint64_t number,
				    struct parked *ret_parked, struct err *err);
/* Why it is parked now, and under which name it was answered. @detail as
 * parked_add.
 * ERR_NOT_FOUND: no such number (@err untouched). */
struct parked_reason {
	uint16_t code;
	struct code_text wants;
	struct reading_name name;
	struct span detail;
};
MUST_CHECK enum err_code parked_amend(struct txn *txn, uint64_t number,
				      const struct parked_reason *reason,
				      struct err *err);
/* ERR_NOT_FOUND: no such number (@err untouched). */
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
 * @visit returns, which must not add or remove. What @visit returns, if not
 * ERR_OK, ends the walk and is the result. */
typedef enum err_code
parked_visit_fn(void *context, const struct parked *parked, struct err *err);
MUST_CHECK enum err_code parked_walk(const struct view *view, uint64_t from,
				     parked_visit_fn *visit, void *context,
				     struct err *err);

#endif
