/*
 * audit - proves that a store says what its journal says.
 *
 * Layer     store
 * Threads   any, on a view of its own
 *
 * What is proved, of one site as of one moment:
 *   - journal: numbers without gaps, the chain, every entry sound, stamps
 *     rise, each epoch begins with a founding that names the end of the one
 *     before; the head row is its end;
 *   - balances: the fold of the journal, worked out apart (audit_book.h),
 *     equals the table both ways, cell by cell, with the last movement's pos;
 *   - per item the sum over all places is 0; no bin is below zero, nor ever
 *     was; on_hand is the sum of its parts;
 *   - per item the promises sum to the good units in PICKED and PACKED;
 *   - what is in transit between two sites is what their movements say, and
 *     nothing is once a transfer is closed (rules/ledger/transfer.h);
 *   - the names of items and places lead to their numbers and back;
 *   - every row of every table has its checksum.
 *
 * unexplained = |balance - fold| + residue of closed transfers + found and
 * loss without count, claim or reason, in units over all items.
 *
 * Memory: about 60 bytes for each item and place, and as much for each lot and
 * condition there. It allocates: for a program that comes and goes, not for
 * the keeper.
 */
#ifndef DEPOT_STORE_AUDIT_H
#define DEPOT_STORE_AUDIT_H

#include "rules/ledger/entry.h"
#include "store/env.h"
#include "store/journal.h"

enum finding_kind {
	FINDING_GAP = 1,  /* an entry is missing */
	FINDING_CHAIN,    /* an entry is not the one that was written */
	FINDING_GARBLED,  /* an entry does not decode */
	FINDING_UNSOUND,  /* an entry says what cannot be */
	FINDING_STAMP,    /* an entry is stamped before the one before it */
	FINDING_EPOCH,    /* an epoch does not follow on the one before it */
	FINDING_HEAD,     /* the head row is not the end of the journal */
	FINDING_ROW,      /* a row is damaged */
	FINDING_NAME,     /* a name and its number part */
	FINDING_BALANCE,  /* a balance is not the fold of the journal */
	FINDING_TOUCHED,  /* a balance's last movement is another one */
	FINDING_MISSING,  /* a balance row is missing */
	FINDING_EXTRA,    /* a balance row that no movement made */
	FINDING_SUM,      /* an item does not sum to 0 over all places */
	FINDING_NEGATIVE, /* a bin is, or was, below zero */
	FINDING_TALLY,    /* on_hand is not the sum of its parts */
	FINDING_PROMISE,  /* promises and PICKED or PACKED part */
	FINDING_REASON,   /* found or loss without count, claim or reason */
	FINDING_OVERFLOW, /* a sum left 64 bits */
	FINDING_TRANSIT,  /* what is between two sites is not what they say */
	FINDING_RESIDUE,  /* a closed transfer has something in transit */
};
#define FINDING_KIND_MAX FINDING_RESIDUE

/* Which of the fields say something depends on the kind; the others are
 * empty. */
struct finding {
	enum finding_kind kind;
	enum table table;
	struct pos pos;
	struct sku item;
	struct place place; /* kind 0: none */
	struct lot lot;
	enum condition condition;
	int64_t stored;   /* what the table says */
	int64_t computed; /* what the journal says */
};

#define FINDINGS_MAX 100

struct audit_result {
	struct journal_head head; /* as the journal ends */
	uint64_t entries;
	uint64_t movements;
	uint64_t newer;  /* entries of a newer depot: chained, not judged */
	uint64_t items;  /* that were ever moved */
	uint64_t places; /* likewise */
	uint64_t rows;   /* whose checksum was verified */
	int64_t found;   /* units out of `found`, less those put back */
	int64_t lost;    /* units into `loss`, less those taken back */
	uint64_t unexplained;
	uint64_t findings; /* all of them; the first FINDINGS_MAX are listed */
	uint64_t journal_findings; /* those that no rebuild can mend */
	struct finding list[FINDINGS_MAX];
};

/* Called before each table and every few thousand rows: @done of @total rows
 * are done, and @table is next. Anything but ERR_OK ends
 * the audit with that code: ERR_STOPPED, for a signal. */
typedef enum err_code audit_progress_fn(void *context, enum table table,
					uint64_t done, uint64_t total);

/* All zero is a whole audit without a word meanwhile. */
struct audit_plan {
	audit_progress_fn *progress; /* may be NULL */
	void *context;
};

/*
 * Audits what @view sees, which is kept as long as it takes: two seconds for
 * a million movements on a small machine. *@ret_result is set on success, and
 * success is also an audit with findings: audit_is_clean tells. Damage does not
 * end it.
 *
 * ERR_FULL  no memory
 * any code of @plan's progress; ERR_IO
 */
MUST_CHECK enum err_code audit_run(const struct view *view,
				   const struct audit_plan *plan,
				   struct audit_result *ret_result,
				   struct err *err);

/* True if nothing was found and nothing is unexplained. */
bool audit_is_clean(const struct audit_result *result);

/* A stable lower-case word for JSON: "balance", "gap" ... Never NULL. */
const char *finding_name(enum finding_kind kind);
/* The sentence, in one of two languages, cut to fit. */
void finding_print(const struct finding *finding, bool is_chinese, char *buffer,
		   size_t size);
#define FINDING_PRINT_SIZE 320

#endif
