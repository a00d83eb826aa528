/*
 * die_at - ends depot at its nth step upon files, from outside of it.
 *
 *	LD_PRELOAD=libe2e_die_at.so DIE_AT=n
 *
 * A step is a call that makes, names, syncs or removes something (file_steps);
 * the nth is not done. A child counts on from where its parent was. Programs of
 *another name live.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/file_steps.h"

static long steps_left = -1;

/* 0: never. */
static long steps_given(void)
{
	const char *given = getenv("DIE_AT");
	long steps = 0;

	if (strcmp(program_invocation_short_name, "depot") != 0)
		return 0;
	for (; given != NULL && *given >= '0' && *given <= '9'; given++)
		steps = 10 * steps + (*given - '0');
	return steps;
}

static void file_step(void)
{
	if (steps_left < 0)
		steps_left = steps_given();
	if (steps_left > 0 && --steps_left == 0)
		(void)raise(SIGKILL);
}
