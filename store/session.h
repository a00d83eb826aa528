/*
 * session - what a bare scanner has said so far, so that its next scan means
 * something.
 *
 * Layer     store
 * Threads   writing: the writer; reading: any, through a view
 * On disk   docs/format/tables.md; not derived: survives kill -9, so that a
 *           person goes on where the box went down
 */
#ifndef DEPOT_STORE_SESSION_H
#define DEPOT_STORE_SESSION_H

#include "rules/base/ids.h"
#include "rules/base/stamp.h"
#include "rules/ledger/place.h"
#include "store/env.h"

/* Units counted so far in a count session's bin, per item and lot. */
struct session_tally {
	struct item_no item;
	struct lot lot;
	int64_t units;
};

struct session {
	uint8_t op;            /* core's number of the operation; 0: none yet */
	struct place_name bin; /* the bin scanned; empty: none */
	struct place_name to;  /* a move's second bin; empty: none */
	struct ref order;      /* implicit order of its picks; empty: none */
	uint64_t quantity;     /* of the next item; 0: one */
	struct moment started;
	struct moment last;    /* of the last scan: time-out counts from here */
	struct pos bin_pos;    /* the journal's head when the bin was scanned */
	struct pos undo_first; /* entries of the last item scan, for UNDO */
	struct pos undo_last;
	uint32_t lines; /* items scanned since the bin */
	/* What the last item scan added to a count, for UNDO; units 0: nothing
	 * that could be taken back. */
	struct session_tally undo_tally;
};

/* ERR_NOT_FOUND: the device has none (@err untouched). */
MUST_CHECK enum err_code session_get(const struct view *view,
				     struct device_no device,
				     struct session *ret_session,
				     struct err *err);
MUST_CHECK enum err_code session_put(struct txn *txn, struct device_no device,
				     const struct session *session,
				     struct err *err);
/* Ends it, its tallies too. Fine if there is none. */
MUST_CHECK enum err_code session_end(struct txn *txn, struct device_no device,
				     struct err *err);

/* Lines of one count. */
#define SESSION_TALLIES_MAX 1000

/*
 * Adds to the tally of @add's item and lot, which begins at 0. Units below 0
 * take back (an undo); a tally that comes to 0 again is no longer there.
 *
 * ERR_INVALID   it would be the SESSION_TALLIES_MAX + 1st; nothing was done
 * ERR_OVERFLOW  the tally would leave 0 to INT64_MAX; nothing was done
 * ERR_FULL      no room in the map
 */
MUST_CHECK enum err_code session_count(struct txn *txn, struct device_no device,
				       const struct session_tally *add,
				       struct err *err);
/* Visits by item, then lot. @visit must not count. What it returns, if not
 * ERR_OK, ends the walk and is the result. */
typedef enum err_code session_visit_fn(void *context,
				       const struct session_tally *tally,
				       struct err *err);
MUST_CHECK enum err_code session_tallies(const struct view *view,
					 struct device_no device,
					 session_visit_fn *visit, void *context,
					 struct err *err);
/* Forgets the tallies and keeps the session. */
MUST_CHECK enum err_code session_tallies_clear(struct txn *txn,
					       struct device_no device,
					       struct err *err);

/* Visits the sessions of all devices: for time-outs. @visit must not put or
 * end a session. */
typedef enum err_code session_each_fn(void *context, struct device_no device,
				      const struct session *session,
				      struct err *err);
MUST_CHECK enum err_code session_walk(const struct view *view,
				      session_each_fn *visit, void *context,
				      struct err *err);

#endif
