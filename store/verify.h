/*
 * verify - judges a store that may be damaged, without risk to anybody.
 *
 * Layer     store
 * Threads   any one. The process may have the store open: the child has
 *           handles and locks of its own
 *
 * LMDB trusts its pages: a damaged one can crash the reader, lead it in
 * circles, or lie. So the store is opened and audited in a child process,
 * which may crash, and which is ended when its time is up. The store is never
 * written to, nor its folder (shadow.h).
 */
#ifndef DEPOT_STORE_VERIFY_H
#define DEPOT_STORE_VERIFY_H

#include "store/audit.h"

enum verdict {
	VERDICT_CLEAN = 1,
	VERDICT_FINDINGS, /* it reads, and the audit found something */
	VERDICT_DAMAGED,  /* it does not read */
	VERDICT_CRASHED,  /* it crashed the reader */
	VERDICT_ENDLESS,  /* the reader was not done in time */
};

struct verify_plan {
	const char *scratch;         /* folder for temporary files */
	uint64_t time_limit_ms;      /* 0: an hour */
	audit_progress_fn *progress; /* of the audit; may be NULL; ten times a
				      * second; other than ERR_OK ends it */
	void *context;
};

struct verify_report {
	enum verdict verdict;
	enum table table;          /* crashed, endless: what was being read */
	char text[ERR_TEXT_SIZE];  /* damaged and below: the sentence */
	struct audit_result audit; /* clean, findings */
};

/*
 * Verifies the store in @folder. ERR_OK, whatever the verdict is, when there
 * is one; *@ret_report, 30 KiB, is set then.
 *
 * ERR_NOT_COMMISSIONED  there is no store
 * ERR_VERSION           it was made by a newer depot
 * ERR_AGAIN             a rebuild of it was cut short
 * ERR_FULL, ERR_IO      the system refused
 * any code of @plan's progress
 */
MUST_CHECK enum err_code verify_run(const char *folder,
				    const struct verify_plan *plan,
				    struct verify_report *ret_report,
				    struct err *err);

/* "clean", "findings" ... Never NULL. */
const char *verdict_name(enum verdict verdict);

#endif
