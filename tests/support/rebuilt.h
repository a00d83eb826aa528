/*
 * rebuilt - a book against the fold of its journal.
 */
#ifndef DEPOT_TESTS_SUPPORT_REBUILT_H
#define DEPOT_TESTS_SUPPORT_REBUILT_H

#include "store/rebuild.h"
#include "tests/support/warehouse.h"

/* Folding all anew comes to the same, row by row. */
static inline void assert_rebuilt(struct warehouse *w, const struct view *view)
{
	struct rebuild_difference difference;
	char scratch[160];

	assert_true(
		text_format(scratch, sizeof(scratch), "%s/scratch", w->folder));
	assert_done(rebuild_compare(view, scratch, WAREHOUSE_MAP_SIZE,
				    &difference, &w->err),
		    &w->err);
	assert_int_equal(difference.rows, 0);
}

#endif
