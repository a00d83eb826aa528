/*
 * last_word - of several entries about one thing the last one counts, on every
 * node alike, whatever order they came in.
 *
 * Layer     store
 * Threads   the writer
 * On disk   a row of a place in a journal and an entry's bytes behind it
 *
 * The greater place wins. Two of one place are on two branches of a fork, or
 * one of them is told again: then the greater bytes do.
 */
#ifndef DEPOT_STORE_LAST_WORD_H
#define DEPOT_STORE_LAST_WORD_H

#include "rules/ledger/entry.h"
#include "store/row.h"

/* The entry as its feed has it, in @buffer of ENTRY_SIZE_MAX bytes: a device's
 * own numbers stay in its box. */
struct span last_word_bytes(const struct entry *entry, uint8_t *buffer);

/*
 * Puts @pos and @bytes into the row of @key, unless what is there comes after,
 * or is the same. ERR_CORRUPT  what is there is garbled; else as row_get and
 * row_put
 */
struct last_word {
	enum table table;
	const struct key *key;
	struct pos pos;
	struct span bytes; /* an entry's */
};
MUST_CHECK enum err_code
last_word_put(struct txn *txn, const struct last_word *word, struct err *err);

#endif
