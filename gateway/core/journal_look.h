/*
 * journal_look - entries of the journal that are about something, either way.
 *
 * Layer     gateway/core, inside the queries only
 * Threads   the query's
 *
 * There is no index by item, bin or device: the journal is walked and each
 * entry looked at, a bounded number a call.
 */
#ifndef DEPOT_GATEWAY_CORE_JOURNAL_LOOK_H
#define DEPOT_GATEWAY_CORE_JOURNAL_LOOK_H

#include "rules/ledger/entry.h"
#include "store/env.h"

/* What an entry has to be about; empty or 0: anything. All of it must fit. */
struct look_filter {
	struct span item; /* borrowed, as all here */
	struct span bin;
	struct span device;
	struct span account;
	enum entry_kind kind;
};

bool look_fits(const struct look_filter *filter, const struct entry *entry);

struct look {
	const struct view *view;
	struct look_filter filter;
	bool is_backwards;
	struct pos from;    /* this one is not looked at; 0: from the end that
			     * the direction begins at */
	uint32_t count_max; /* entries that are looked at */
	struct pos at;      /* set: the last one that was looked at */
	bool is_cut;        /* set: count_max ended it */
};

/*
 * Visits the entries that fit. One of a kind that this depot does not know is
 * visited as NULL, if nothing is filtered. What @visit returns, if not ERR_OK,
 * ends the look and is the result.
 */
typedef enum err_code look_visit_fn(void *context, struct pos pos,
				    const struct entry *entry, struct err *err);
MUST_CHECK enum err_code look_run(struct look *look, look_visit_fn *visit,
				  void *context, struct err *err);

#endif
