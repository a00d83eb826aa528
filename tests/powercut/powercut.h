/*
 * powercut - what a power cut at any moment would leave of a store, tried.
 *
 * Layer     tests
 * Threads   one: the one that writes the store
 *
 * Method. LMDB's library is linked into the test with its calls to the
 * kernel wrapped. While a workload runs, each write to data.mdb (offset and
 * bytes), each completed sync and each acknowledgement is recorded in order.
 * Afterwards the file is built as it could lie on the disk after a power cut
 * at each point between two of these events:
 *
 *   what a completed sync covers   is there;
 *   of what was written since      everything; nothing; everything but one
 *                                  write, for each of them; one alone; the
 *                                  last one torn, from its start or its end,
 *                                  at each sector of 512 bytes; and a number
 *                                  of random subsets (all, in a full run).
 *
 * A write to a handle opened with O_DSYNC, as LMDB's of its meta pages, is
 * covered from its return. Each distinct image is opened once for every count
 * of acknowledgements with which it can occur, and judged by the workload's
 * own check, in a child process: a crash is a verdict too.
 *
 * A test that cannot fail proves nothing, so the same images are then built
 * as if syncs had been lies, or acknowledgements had come early; the check has
 * to find that.
 */
#ifndef DEPOT_TESTS_POWERCUT_POWERCUT_H
#define DEPOT_TESTS_POWERCUT_POWERCUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rules/base/err.h"

enum powercut_verdict {
	POWERCUT_FINE,
	POWERCUT_LOST,    /* something acknowledged is missing or changed */
	POWERCUT_DAMAGED, /* the store does not open, or holds what nobody put
			   */
};

/*
 * A scripted workload and its judge.
 *
 * @run makes a store in @folder (which does not exist yet, in a folder that
 * does), calls powercut_begin with it when the store is open, then works; it
 * calls powercut_mark_acked after each commit and powercut_end at the end.
 *
 * @check opens the store in @folder as a restart would and judges whether it
 * holds at least what had been acknowledged when powercut_mark_acked(@acked)
 * was the last call (0: none yet), and nothing but whole commits. It may
 * write to the store; it must close it. For a verdict other than
 * POWERCUT_FINE it says in @err what it saw.
 */
struct powercut_workload {
	const char *name;
	void *context;
	void (*run)(void *context, const char *folder);
	enum powercut_verdict (*check)(void *context, const char *folder,
				       uint64_t acked, struct err *err);
};

/* Records from now on what happens to @folder/data.mdb, whose present bytes
 * count as being on the disk. */
void powercut_begin(const char *folder);
/* From this point on @n, which only grows, is acknowledged. */
void powercut_mark_acked(uint64_t n);
/*
 * The next commit is its writer's last: it is killed when the kernel has the
 * meta page and the disk has not. The workload acknowledges nothing, closes
 * the store and opens it again, as a restart does, and goes on from what it
 * finds: that commit, and an answer that says so.
 */
void powercut_kill_in_commit(void);
void powercut_end(void);

/*
 * Runs the workload, replays it honestly (each image must be fine) and with
 * each lie (each must be found), prints counts, and returns the exit code for
 * main. DEPOT_POWERCUT_FULL=1 tries all images; otherwise about 10,000 are
 * tried, the same ones each time (DEPOT_SEED draws others). Works in
 * DEPOT_POWERCUT_DIR, /dev/shm, TMPDIR or /tmp, whichever is there first, and
 * keeps the folder there if an honest image was not fine.
 */
MUST_CHECK int powercut_main(const struct powercut_workload *workload);

/* True if DEPOT_POWERCUT_FULL=1: workloads may run longer then. */
static inline bool powercut_is_full(void)
{
	const char *value = getenv("DEPOT_POWERCUT_FULL");

	return value != NULL && strcmp(value, "1") == 0;
}

#endif
