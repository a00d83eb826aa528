/*
 * auditor - the box audits itself: the whole ledger, every so many hours.
 *
 * Layer     gateway/edge
 * Threads   the loop; auditor_take: any; the work is the clerk's
 *
 * The scrub (keeper_scrub.h) finds rows that are not what was written; only an
 * audit finds that the rows together say something else than the journal. It
 * takes some seconds of a processor, and about 120 bytes for each item and
 * place: so it runs in a child process, whose memory goes with it, and whom a
 * damaged page may crash (store/verify.h); it begins when no reading waits, and
 * the first time some while after the start.
 *
 * What the last one said counts, whoever asked for it: a person who has mended
 * the store need not wait for the next.
 */
#ifndef DEPOT_GATEWAY_EDGE_AUDITOR_H
#define DEPOT_GATEWAY_EDGE_AUDITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/edge/clerk.h"
#include "gateway/edge/log.h"
#include "store/verify.h"

/* Between the start and the first audit. */
#define AUDITOR_FIRST_MS 60000

struct auditor;

struct auditor_config {
	struct clerk *clerk; /* borrowed, as the next; outlives this until
			      * clerk_stop, which comes before auditor_close */
	struct log *log;
	const char *store; /* its folder; borrowed likewise */
	uint32_t hours;    /* between two audits; 0: none by itself */
};

/* What the last audit said. */
struct auditor_word {
	bool is_known; /* there was one since the start */
	bool is_clean;
	uint64_t findings;
};

/* ERR_FULL: no memory. */
MUST_CHECK enum err_code auditor_open(const struct auditor_config *config,
				      struct auditor **ret_auditor,
				      struct err *err);
/* The clerk has stopped. Takes NULL. */
void auditor_close(struct auditor *auditor);

/* Once a second: begins an audit that is due, if the box @is_idle and the
 * clerk too; else the next call does. @now_ms is monotonic. */
void auditor_beat(struct auditor *auditor, int64_t now_ms, bool is_idle);

/* Notes and logs what an audit of this ledger came to. */
void auditor_take(struct auditor *auditor, const struct audit_result *result);

/*
 * An audit in a child process, for a job of the clerk's, in its thread; notes
 * and logs what it came to. @progress as in store/verify.h.
 * Errors as verify_run.
 */
MUST_CHECK enum err_code auditor_run(struct auditor *auditor,
				     audit_progress_fn *progress, void *context,
				     struct verify_report *ret_report,
				     struct err *err);

struct auditor_word auditor_word(struct auditor *auditor);

#endif
