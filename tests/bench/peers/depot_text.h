/*
 * depot_text - a movement as the text that all peers carry, and as an entry.
 *
 * The text is what movements.py makes: one JSON object without spaces, its
 * fields in one order, no character in it that would have to be escaped.
 */
#ifndef DEPOT_TESTS_BENCH_PEERS_DEPOT_TEXT_H
#define DEPOT_TESTS_BENCH_PEERS_DEPOT_TEXT_H

#include "rules/ledger/entry.h"

#define DEPOT_TEXT_SIZE 512

/* False: it is not such a text. Sets all but the stamp. */
MUST_CHECK bool depot_text_read(struct span text, struct entry *ret_entry);

/* False: the entry is no movement that came as a text. */
MUST_CHECK bool depot_text_write(const struct entry *entry,
				 char ret_text[DEPOT_TEXT_SIZE]);

#endif
