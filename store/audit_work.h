/*
 * audit_work - what the parts of the audit share. Nobody else includes it.
 *
 * Layer     store
 * Threads   the audit's
 */
#ifndef DEPOT_STORE_AUDIT_WORK_H
#define DEPOT_STORE_AUDIT_WORK_H

#include "store/audit.h"
#include "store/audit_book.h"
#include "store/balance.h"

/* What the journal and the tables say of one of the store's item numbers. */
struct audit_item {
	uint32_t book;     /* number in the book, plus 1; 0: never moved */
	struct qty picked; /* sums of its promises */
	struct qty packed;
};

/* The same of a place number. */
struct audit_place {
	struct place place;
	uint32_t book; /* number in the book, plus 1; 0: nothing moved there */
};

struct audit {
	const struct view *view;
	const struct audit_plan *plan;
	struct audit_result result;
	struct book book;

	/* the journal's walk */
	struct journal_head last;
	bool is_stamp_known; /* of the last entry */

	/* the tables' walks */
	enum table table;
	struct audit_item *items; /* by the store's number, less 1 */
	uint64_t items_count;
	struct dense place_numbers; /* the store's number of each */
	struct audit_place *places;
	size_t places_capacity;
	uint64_t held; /* rows of TABLE_HELD */

	/* the item under way in TABLE_BALANCE */
	struct item_no item;
	struct sku sku;
	uint64_t sum; /* of all its cells; wraps as it must end at 0 */
	struct tally tally;
	struct qty picked; /* good units there */
	struct qty packed;
	bool is_overflown;

	uint64_t rows_done;
	uint64_t rows_total;
};

/* Adds a finding to the result. */
void audit_report(struct audit *audit, const struct finding *finding);
/* Adds units that nothing explains. */
void audit_unexplained(struct audit *audit, int64_t stored, int64_t computed);
/* Walks a table, after telling the plan of it. */
MUST_CHECK enum err_code audit_table_walk(struct audit *audit, enum table table,
					  view_visit_fn *visit,
					  struct err *err);
/* Counts a row, and tells the plan of it now and then. */
MUST_CHECK enum err_code audit_row_done(struct audit *audit, struct err *err);

/* The journal's walk: fills the book. */
MUST_CHECK enum err_code audit_journal(struct audit *audit, struct err *err);
/* The walk of every table but the journal; the book is whole. */
MUST_CHECK enum err_code audit_tables(struct audit *audit, struct err *err);
/* What TABLE_TRANSFER says, and the law of transfers; the book is whole. */
MUST_CHECK enum err_code audit_transfers(struct audit *audit, struct err *err);
/* The walk of the balances, last of all. */
MUST_CHECK enum err_code audit_balances(struct audit *audit, struct err *err);

#endif
