/*
 * journal - the site's entries, numbered without gaps and chained.
 *
 * Layer     store
 * Threads   journal_append: the writer; reading: any, through a view
 * On disk   docs/format/journal.md
 *
 * What always holds, and the audit proves: within an epoch entries have pos
 * 1, 2, 3 ... with no gap; each row ends in a checksum over its bytes, chained
 * to the checksum of the entry before; a committed entry never changes.
 */
#ifndef DEPOT_STORE_JOURNAL_H
#define DEPOT_STORE_JOURNAL_H

#include "rules/ledger/entry.h"
#include "store/env.h"

/* The end of the journal. pos_number 0: the epoch has no entry yet. */
struct journal_head {
	struct pos pos;
	uint64_t chain;     /* checksum of the last entry; 0 before the first */
	struct stamp stamp; /* of the last entry */
};

/* The end of the journal, as the store has it. ledger_head is for everybody
 * else: it also knows whether the tables are whole.
 * ERR_CORRUPT  there is no such row, or it is damaged */
MUST_CHECK enum err_code journal_head_get(const struct view *view,
					  struct journal_head *ret_head,
					  struct err *err);
MUST_CHECK enum err_code journal_head_put(struct txn *txn,
					  const struct journal_head *head,
					  struct err *err);

/* An entry's bytes, encoded. */
struct entry_bytes {
	size_t size;
	uint8_t data[ENTRY_SIZE_MAX];
};

/*
 * Appends @entry, whose stamp must be after @head's, and gives its bytes, as
 * they lie in the journal, to *@ret_bytes. On success *@head is the new end.
 * Nothing is durable before the commit, and the head must be stored in the
 * same transaction (ledger.h does).
 *
 * ERR_FULL      no room in the map
 * ERR_CONFLICT  there is an entry at or beyond that pos: the head is old
 */
MUST_CHECK enum err_code journal_append(struct txn *txn,
					struct journal_head *head,
					const struct entry *entry,
					struct entry_bytes *ret_bytes,
					struct err *err);

/* One entry as it lies in the journal. */
struct journal_row {
	struct pos pos;
	struct span bytes; /* of the entry; borrowed */
	uint64_t chain;
};

/*
 * ERR_NOT_FOUND  there is no such entry
 * ERR_VERSION    it is of a kind that this depot does not know
 * ERR_CORRUPT    its bytes are no entry
 */
MUST_CHECK enum err_code journal_read(const struct view *view, struct pos pos,
				      struct entry *ret_entry, struct err *err);

/*
 * Visits the rows from @from on, in order, over all epochs. The row is
 * borrowed until @visit returns; what it returns, if not ERR_OK, ends the walk.
 * A gap in the numbers of an epoch is ERR_CORRUPT.
 */
typedef enum err_code
journal_visit_fn(void *context, const struct journal_row *row, struct err *err);
MUST_CHECK enum err_code journal_walk(const struct view *view, struct pos from,
				      journal_visit_fn *visit, void *context,
				      struct err *err);

/*
 * Checks the chain from the entry after @from (pos 0: from the first) to
 * @head. Each epoch's chain begins anew.
 * ERR_CORRUPT  names the first pos at which it breaks
 */
MUST_CHECK enum err_code journal_verify(const struct view *view,
					struct pos from,
					const struct journal_head *head,
					struct err *err);

#endif
