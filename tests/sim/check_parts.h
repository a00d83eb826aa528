/*
 * check_parts - what the checkers share. Nobody else includes it.
 */
#ifndef DEPOT_TESTS_SIM_CHECK_PARTS_H
#define DEPOT_TESTS_SIM_CHECK_PARTS_H

#include "tests/sim/sim.h"

struct looking {
	struct sim *sim;
	struct node *node;
	const struct view *view;
};

/* The store could not be read, or a list here is too short: that fails. */
void check_read(const struct looking *look, enum err_code code,
		const struct err *err);

/* ---- check_hq.c ---- */

/* After a step: control is where it was, or further, and ends what it ends. */
MUST_CHECK enum err_code check_control(struct looking *look, struct err *err);

/* One number for what counts of all feeds: what has to be the same everywhere.
 * *@ret_is_over: the box's own feed has ended, and it seals nothing more. */
MUST_CHECK enum err_code check_counted(const struct looking *look,
				       uint64_t *ret_sum, bool *ret_is_over,
				       struct err *err);

/* At the end: the same words of HQ on all boxes. */
void check_roster(struct sim *sim);

/* At the end: the same items and codes on all boxes; each intent done once, and
 * answered; check_words.c. */
void check_words(struct sim *sim);

/* Where HQ's people ended what a site said: what it says behind that is lost,
 * as they wanted it. */
#define CHECK_ENDINGS_MAX 128
struct check_ending {
	uint32_t site;
	uint32_t epoch;
	uint64_t number; /* the last entry that counts for sure */
	bool is_revoked;
};
struct check_endings {
	size_t count;
	struct check_ending list[CHECK_ENDINGS_MAX];
	/* Lives that others take. */
	size_t heard_count;
	struct {
		uint32_t site;
		uint32_t epoch;
	} heard[CHECK_ENDINGS_MAX];
};
MUST_CHECK enum err_code check_endings_find(const struct looking *look,
					    struct check_endings *ret_endings,
					    struct err *err);
bool check_is_ended(const struct check_endings *endings,
		    const struct fact *fact);
/* It was told in a life that waits for HQ's certificate, and nobody vouches
 * for. */
bool check_is_unheard(const struct check_endings *endings,
		      const struct fact *fact);

/* I9, after a commit: @feed ends, or parts, for a reason of its own, if it
 * does. After any step: nothing waits that could go in; check_others.c. */
MUST_CHECK enum err_code check_standing(const struct looking *look,
					const struct feed_record *feed,
					struct seen_head *seen,
					struct err *err);
void check_waiting(struct node *node);

/* I2, of @feed, whose balances a commit changed; check_sums.c. */
MUST_CHECK enum err_code check_sums(const struct looking *look,
				    const struct feed_record *feed,
				    struct err *err);
/* And of the box's own journal, if it grew. */
MUST_CHECK enum err_code check_own_sums(const struct looking *look,
					struct err *err);

/* I14, once in a while; check_bounds.c. */
MUST_CHECK enum err_code check_bounds(struct looking *look, struct err *err);

/* At the end: the audit of every box's own journal, and of what @drawn holds of
 * the network; check_audits.c. */
void check_audits(struct sim *sim, const struct node *drawn);

/* At the end: a box in another one's place has that one's book; check_book.c.
 */
void check_book(struct sim *sim);

/* Its disk went back in time, was started twice, or burnt, or HQ ended it. */
bool check_is_doubtful(const struct sim *sim, uint32_t site);

#endif
