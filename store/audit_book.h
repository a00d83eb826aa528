/*
 * audit_book - what the journal says is where, worked out in memory.
 *
 * Layer     store; part of the audit
 * Threads   one at a time
 *
 * A second fold of the movements that shares no code with fold.c, no table
 * and no number with the store: items, places and lots go by their texts. So
 * a mistake there and here would have to be made twice, in two ways.
 */
#ifndef DEPOT_STORE_AUDIT_BOOK_H
#define DEPOT_STORE_AUDIT_BOOK_H

#include "rules/ledger/entry.h"
#include "store/intern.h"

/* An item in a place. */
struct book_pair {
	uint32_t item; /* numbers within the book */
	uint32_t place;
	struct pos pos; /* of the last movement that touched it */
	bool is_seen;   /* the audit met its row in the store */
};

/* Units of one lot in one condition, somewhere. */
struct book_account {
	int64_t units;
	bool is_seen; /* the audit met its cell in the store */
};

/* All zero is an empty one. */
struct book {
	struct intern items;   /* SKU */
	struct intern places;  /* kind, name */
	struct intern lots;    /* the empty one is 0 without being in it */
	struct dense pairs;    /* item, place */
	struct dense accounts; /* pair, lot, condition */
	struct book_pair *pairs_at;
	size_t pairs_capacity;
	struct book_account *accounts_at;
	size_t accounts_capacity;
	int64_t found; /* units taken out of `found` */
	int64_t lost;  /* units put into `loss` */
};

/* Takes an empty one. */
void book_release(struct book *book);

/*
 * Moves @movement, which is sound, in the book.
 *
 * ERR_CONFLICT  it took more out of a bin than there was; it is booked
 * ERR_OVERFLOW  a sum left 64 bits; it is not booked in full
 * ERR_FULL      no memory
 */
MUST_CHECK enum err_code book_post(struct book *book, struct pos pos,
				   const struct movement *movement);

/* False if no movement ever touched that item / place / item there. */
MUST_CHECK bool book_item(const struct book *book, struct span sku,
			  uint32_t *ret_item);
MUST_CHECK bool book_place(const struct book *book, const struct place *place,
			   uint32_t *ret_place);
MUST_CHECK bool book_pair(const struct book *book, uint32_t item,
			  uint32_t place, uint32_t *ret_pair);

/* A pair's account; NULL if there is none. */
struct book_account *book_account(const struct book *book, uint32_t pair,
				  struct span lot, enum condition condition);

/* The texts behind a pair. */
void book_pair_name(const struct book *book, uint32_t pair,
		    struct sku *ret_item, struct place *ret_place);
/* What the account number @account is one of. */
void book_account_name(const struct book *book, uint32_t account,
		       uint32_t *ret_pair, struct lot *ret_lot,
		       enum condition *ret_condition);

#endif
