/*
 * check - recurring checks: what they ask, which task is open, what came of
 * them.
 *
 * Layer     store
 * Threads   reading: any, through a view; folding: the writer
 * On disk   docs/format/tables.md: rows of `document`
 *
 * All of it is derived from the entries check, check_result and task. What
 * always holds:
 *   - at most one task of a check is open;
 *   - due times up to `settled` have been asked at or are counted as missed
 *     in an entry. It moves only with entries whose clock was trusted.
 */
#ifndef DEPOT_STORE_CHECK_H
#define DEPOT_STORE_CHECK_H

#include "rules/ledger/entry.h"
#include "store/env.h"

/* Due times that are settled as far ahead of the present were settled by a
 * clock that was wrong: that is forgotten. */
#define CHECK_AHEAD_MS (INT64_C(24) * 3600 * 1000)

struct check_state {
	struct name task;      /* that is open; empty: none */
	struct moment settled; /* 0: not known */
};

/* A check whole: parts[0] is what and when, parts[n] question n. One that was
 * never said, or is retired, has no id. */
struct check_sheet {
	struct check parts[CHECK_QUESTIONS_MAX + 1];
	struct pos said[CHECK_QUESTIONS_MAX + 1]; /* where */
	uint32_t asked; /* bits by question, bit 0 is question 1 */
};

/* The entry that last said @number of the check @id.
 * ERR_NOT_FOUND  none did (@err untouched) */
MUST_CHECK enum err_code check_part(const struct view *view, struct span id,
				    uint32_t number, struct pos *ret_pos,
				    struct check *ret_check, struct err *err);

/* ERR_NOT_FOUND  there is no such check. A retired one is found, and parts[0]
 * says so. */
MUST_CHECK enum err_code check_sheet(const struct view *view, struct span id,
				     struct check_sheet *ret_sheet,
				     struct err *err);

/* All zero if nothing is known of it. */
MUST_CHECK enum err_code check_state(const struct view *view, struct span id,
				     struct check_state *ret_state,
				     struct err *err);

/* The last result. ERR_NOT_FOUND  there is none (@err untouched) */
MUST_CHECK enum err_code check_last(const struct view *view, struct span id,
				    struct pos *ret_pos,
				    struct entry *ret_entry, struct err *err);

/*
 * Visits the entries of number 0, or of all numbers, by id after @after
 * (empty: all), retired ones too. What @visit returns, if not ERR_OK, ends the
 * walk and is the result.
 */
typedef enum err_code check_visit_fn(void *context, struct pos pos,
				     const struct check *check,
				     struct err *err);
MUST_CHECK enum err_code check_walk(const struct view *view, struct span after,
				    bool is_whole, check_visit_fn *visit,
				    void *context, struct err *err);

/* Visits the results of @id, the newest first, those before @before alone if
 * it is not 0. */
typedef enum err_code check_result_fn(void *context, struct pos pos,
				      const struct entry *entry,
				      struct err *err);
MUST_CHECK enum err_code check_results(const struct view *view, struct span id,
				       struct pos before,
				       check_result_fn *visit, void *context,
				       struct err *err);

/* Folds an entry of kind check, check_result or task, which lies at @pos.
 * ERR_FULL: no room in the map. */
MUST_CHECK enum err_code check_fold(struct txn *txn, struct pos pos,
				    const struct entry *entry,
				    struct span bytes, struct err *err);

#endif
