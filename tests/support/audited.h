/*
 * audited - a store after a short day, and what the audit finds in it.
 */
#ifndef DEPOT_TESTS_SUPPORT_AUDITED_H
#define DEPOT_TESTS_SUPPORT_AUDITED_H

#include "store/audit.h"
#include "tests/support/day.h"

static struct audit_result
	result; /* of the last audit; too large for a stack */

static inline int audited_setup(void **state)
{
	struct warehouse *w = calloc(1, sizeof(*w));

	warehouse_open(w);
	day_post(w);
	*state = w;
	return 0;
}

static inline int audited_teardown(void **state)
{
	warehouse_close(*state);
	free(*state);
	return 0;
}

static inline void audit(const struct view *view)
{
	const struct audit_plan silent = {.progress = NULL};
	struct err err = {.text = ""};

	assert_done(audit_run(view, &silent, &result, &err), &err);
}

static inline bool has_finding(enum finding_kind kind)
{
	for (size_t i = 0; i < result.findings && i < FINDINGS_MAX; i++)
		if (result.list[i].kind == kind)
			return true;
	return false;
}

/* A transaction to lie in; it is to be abandoned. */
static inline struct txn *lie_begin(struct warehouse *w)
{
	struct txn *txn;

	assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err), &w->err);
	return txn;
}

#endif
