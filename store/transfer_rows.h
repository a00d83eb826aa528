/*
 * transfer_rows - the rows of TABLE_TRANSFER, between transfer.c (which folds)
 * and transfer_read.c. Nobody else includes it.
 *
 * Layer     store
 * Threads   as in transfer.h
 */
#ifndef DEPOT_STORE_TRANSFER_ROWS_H
#define DEPOT_STORE_TRANSFER_ROWS_H

#include "store/row.h"
#include "store/transfer.h"

/* A key's first byte: what a row was derived from. */
enum transfer_origin {
	ORIGIN_OWN = 1,   /* this site's journal */
	ORIGIN_FEEDS = 2, /* others' feeds */
	ORIGIN_BOTH = 3,  /* the rows of both */
};

/* The second: what is in it. Behind that and a NUL between the parts: */
#define TRANSFER_ROW_WORD 'd'  /* id, side: what that side said last */
#define TRANSFER_ROW_ITEM 'i'  /* id, item, side: sums */
#define TRANSFER_ROW_LINE 'l'  /* id, side item, hash: a line */
#define TRANSFER_ROW_CLAIM 'c' /* id, claim, side: what it said last */
#define TRANSFER_ROW_SSCC 's'  /* SSCC, id: the pallet is on it */
#define TRANSFER_ROW_COUNT 'n' /* own: sender's site: the highest number */
/* of ORIGIN_BOTH */
#define TRANSFER_ROW_HEAD 'h' /* id: there is such a transfer */
/* item, id: units in transit, not 0; nothing if 64 bits do not hold them */
#define TRANSFER_ROW_WAY 'w'
#define TRANSFER_ROW_CHANGE 'x' /* number mod CHANGES_MAX: an item */
#define TRANSFER_ROW_LAST 'y'   /* the number of the last of those */

/* Origin, kind, id (or item) and a NUL. */
struct key transfer_key(enum transfer_origin origin, char kind, struct span id);

struct key transfer_count_key(uint32_t from);

/* Notes that another feed moved @item: that is in no entry of the journal. */
MUST_CHECK enum err_code transfer_change_note(struct txn *txn, struct span item,
					      struct err *err);

/* The first part of a key and the second; false if it is too short. */
MUST_CHECK bool transfer_key_split(struct span key, struct span *ret_id,
				   struct span *ret_next);

/* Makes sure that the transfer has a head, and adds to its unsettled items. */
MUST_CHECK enum err_code transfer_head_touch(struct txn *txn, struct span id,
					     int change, struct err *err);

/* Works out anew what of an item is in transit: a row as long as any is, or as
 * what the sides say together leaves 64 bits. */
MUST_CHECK enum err_code transfer_way_refresh(struct txn *txn, struct span id,
					      struct span item,
					      struct err *err);

/* The key of a line, or of the one that has its hash. */
struct key transfer_line_key(enum transfer_origin origin, struct span id,
			     const struct transfer_line *line, uint64_t hash);
uint64_t transfer_line_hash(const struct transfer_line *line);
bool transfer_line_is(const struct transfer_line *a,
		      const struct transfer_line *b);

struct key transfer_item_key(enum transfer_origin origin, struct span id,
			     struct span item, enum transfer_side side);
struct transfer_sums transfer_sums_read(struct reader *reader);
/* Adds an item row's sums, if there is such a row, to *@sums.
 * ERR_OVERFLOW  they would leave int64 */
MUST_CHECK enum err_code transfer_item_add(const struct view *view,
					   const struct key *key,
					   struct transfer_sums *sums,
					   struct err *err);

/* Reads a line's row into *@ret_line, whose side and item are set. */
MUST_CHECK bool transfer_line_read(struct reader *reader,
				   struct transfer_line *ret_line);

#endif
