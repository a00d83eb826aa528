/*
 * concerns - what is wrong with things that have names (a feed, a link), since
 * when, and who has been told.
 *
 * Layer     gateway/edge
 * Threads   the loop
 *
 * vitals (vitals.h) are a fixed few of the box itself; concerns come and go.
 * Each beat says which there are; one that lasts becomes an alert of the
 * journal, and one that is no longer said, for as long as its alert's code
 * wants, is closed. There is room for CONCERNS_MAX; more are told when others
 * have ended.
 *
 * Pure: the time is given, monotonic, in ms.
 */
#ifndef DEPOT_GATEWAY_EDGE_CONCERNS_H
#define DEPOT_GATEWAY_EDGE_CONCERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/check.h"
#include "rules/base/ids.h"
#include "rules/ledger/entry.h"

#define CONCERNS_MAX 64
#define CONCERN_KEY_SIZE 48 /* with the NUL; code, "-" and key are an id */
#define CONCERN_SUBJECT_SIZE (CODE_SIZE_MAX + 1)

/* What has an alert of its own for each thing. On what they mean:
 * docs/topics.md
 */
enum concern_kind {
	CONCERN_FEED_STUCK,
	CONCERN_LINK_DOWN,
	CONCERN_LINK_NOT_RUNNING,
	CONCERN_SITE_ENDED,
	CONCERN_LINK_SPENT,
	CONCERN_KINDS
};
struct concern_spec {
	const char *code;
	enum severity severity;
	uint32_t raise_after_ms;
	uint32_t clear_after_ms;
};
const struct concern_spec *concern_spec(enum concern_kind kind);
/* False if no kind has that code. */
MUST_CHECK bool concern_kind_find(struct span code,
				  enum concern_kind *ret_kind);

struct concern {
	enum concern_kind kind;
	char key[CONCERN_KEY_SIZE];         /* names the thing: "5.1.57" */
	char subject[CONCERN_SUBJECT_SIZE]; /* for the alert's sentence */
	int64_t value;
};

struct concern_row {
	struct concern concern;
	bool is_used;
	bool is_said; /* in this beat */
	bool is_bad;
	bool is_open;     /* the alert in the journal, as far as known */
	int64_t since_ms; /* it is as it is */
	int64_t retry_ms; /* no sooner */
};
/* All zero is one without concerns. */
struct concerns {
	struct concern_row rows[CONCERNS_MAX];
};

/* The journal has an open alert from before. */
void concerns_known(struct concerns *concerns, enum concern_kind kind,
		    struct span key);

/* A beat: all that is wrong now is said between these two. */
void concerns_begin(struct concerns *concerns);
/* @lasts_ms: as long as it is known to have lasted already. */
void concerns_say(struct concerns *concerns, const struct concern *concern,
		  int64_t lasts_ms, int64_t now_ms);
void concerns_end(struct concerns *concerns, int64_t now_ms);

/*
 * The next alert that the journal should open or close; NULL if none. Its
 * is_bad says which. The caller says with concerns_told whether it is done; one
 * that is not is due again in a minute.
 */
MUST_CHECK const struct concern_row *
concerns_due(const struct concerns *concerns, int64_t now_ms);
void concerns_told(struct concerns *concerns, const struct concern *concern,
		   bool is_open, bool is_done, int64_t now_ms);

/* Whether the journal has an open alert of it. */
MUST_CHECK bool concerns_is_open(const struct concerns *concerns,
				 const struct concern *concern);

/* How many of @kind there are now, whether told of or not. */
MUST_CHECK size_t concerns_count(const struct concerns *concerns,
				 enum concern_kind kind);

#endif
