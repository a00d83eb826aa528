/*
 * count - a statement about a position in the ledger.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * "At position n, in this bin, I saw q." The adjustment is q minus the book at
 * n. If the item moved in that bin after n, nobody can tell whether the count
 * saw it: a recount is asked for and nothing is adjusted. A count too far from
 * the book is confirmed by a second, blind one that says the same.
 */
#ifndef DEPOT_GATEWAY_CORE_COUNT_H
#define DEPOT_GATEWAY_CORE_COUNT_H

#include "gateway/core/act.h"

struct statement {
	struct item_no item_no;
	struct sku item;
	struct place_name bin;
	struct lot lot;
	enum condition condition;
	int64_t counted; /* base units, from 0 */
	struct pos at;   /* position n; 0: none came, the book is as of now */
	/* Of the first entry that the same count made, about other lots, say:
	 * what moved from there on is its own doing. 0: no such */
	struct pos begun;
};

struct counted {
	enum count_verdict verdict;
	int64_t book;   /* units the book had */
	int64_t change; /* units adjusted; 0 unless accepted */
	struct pos first;
	struct pos last;
};

/* Books the statement, and what follows from it. Errors as batch_post. */
MUST_CHECK enum err_code count_state(struct act *act,
				     const struct statement *statement,
				     struct counted *ret_counted,
				     struct err *err);

#endif
