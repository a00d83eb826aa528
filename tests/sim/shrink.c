#include "tests/sim/shrink.h"

#include <string.h>

#define RUNS_MAX 2000

/* @schedule without @count actions from @at. */
static void without(const struct schedule *schedule, size_t at, size_t count,
		    struct schedule *ret_cut)
{
	size_t rest = schedule->action_count - at - count;

	*ret_cut = *schedule;
	memmove(ret_cut->actions + at, schedule->actions + at + count,
		rest * sizeof(schedule->actions[0]));
	ret_cut->action_count -= count;
}

size_t shrink(struct schedule *schedule, shrink_fails_fn *fails, void *context)
{
	static struct schedule cut;
	size_t chunk = schedule->action_count / 2;
	size_t runs = 0;

	while (chunk > 0 && runs < RUNS_MAX) {
		bool is_shorter = false;

		for (size_t at = 0;
		     at < schedule->action_count && runs < RUNS_MAX;) {
			size_t count = schedule->action_count - at < chunk
					       ? schedule->action_count - at
					       : chunk;

			without(schedule, at, count, &cut);
			runs++;
			if (fails(context, &cut)) {
				*schedule = cut;
				is_shorter = true;
			} else {
				at += count;
			}
		}
		if (!is_shorter || chunk > schedule->action_count)
			chunk /= 2;
	}
	return runs;
}
