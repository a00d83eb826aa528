/*
 * replay - builds every image that a recorded run could have left behind.
 *
 * Layer     tests; between replay.c and campaign.c
 */
#ifndef DEPOT_TESTS_POWERCUT_REPLAY_H
#define DEPOT_TESTS_POWERCUT_REPLAY_H

#include "tests/powercut/powercut.h"

/* How the disk, or the program, is made to lie. */
enum lie {
	LIE_NONE,
	LIE_SYNC,  /* fdatasync returns before anything is on the disk */
	LIE_DSYNC, /* O_DSYNC is ignored, as by MDB_NOMETASYNC */
	LIE_ACK,   /* acknowledged before the commit instead of after it */
};

/* What an image has of the writes since the last sync. */
enum image_kind {
	IMAGE_PREFIX,  /* all or none: the run as it was up to a moment */
	IMAGE_MISSING, /* some, out of order */
	IMAGE_TORN,    /* all, a part of the last one lacking */
	IMAGE_KIND_COUNT,
};

/* Images of one replay that are told apart; a full table ends it. */
#define SEEN_MAX (UINT64_C(1) << 22)

/* Shared with the child that opens the images, so it outlives its crash. */
struct replay_report {
	uint64_t points;   /* between two events */
	uint64_t images;   /* built */
	uint64_t distinct; /* by their bytes */
	uint64_t distinct_of[IMAGE_KIND_COUNT];
	uint64_t pairs;  /* by their bytes and what was acknowledged */
	uint64_t opened; /* of those */
	uint64_t lost;
	uint64_t damaged;
	uint64_t crashed;
	bool is_done;
	char at[128];     /* the image in hand */
	struct err first; /* what was wrong with the first that was not fine,
			   * or, if any, that lost something */
	uint64_t bytes_seen[SEEN_MAX];
	uint64_t pairs_seen[SEEN_MAX];
};

struct replay_plan {
	enum lie lie;
	/* Of the images (but those of IMAGE_PREFIX, all opened) this share is
	 * opened: 0 none, UINT64_MAX all. Which ones, their bytes decide. */
	uint64_t share;
	bool is_dry; /* builds and counts, opens none */
	uint64_t seed;
	const char *folder; /* where images lie */
	const struct powercut_workload *workload;
};

/*
 * Builds and opens images until all have been, or one turned up that is not
 * fine: with a lie, one that lost something. Then sets @report->is_done.
 * Images that @report has seen before are skipped, so that a second call goes
 * on after the image in which the first one crashed.
 */
void replay(const struct replay_plan *plan, struct replay_report *report);

#endif
