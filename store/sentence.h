/*
 * sentence - what an audit found, in words: a form in a person's language with
 * letters for the parts.
 *
 * Layer     store
 * Threads   any
 */
#ifndef DEPOT_STORE_SENTENCE_H
#define DEPOT_STORE_SENTENCE_H

#include "rules/base/ids.h"
#include "rules/ledger/place.h"

#define SENTENCE_WORD_SIZE (PLACE_PRINT_SIZE + SKU_SIZE_MAX)

/* Writes the part that stands for @letter into @word of SENTENCE_WORD_SIZE
 * bytes, terminated. */
typedef void sentence_word_fn(const void *context, char letter, char *word);

/*
 * Writes @form into @buffer, terminated, with @word's parts where it has a '%'
 * and a letter; cut at a part's or a character's end if it does not fit.
 */
struct sentence {
	const char *form;
	sentence_word_fn *word;
	const void *context;
};
void sentence_print(const struct sentence *sentence, char *buffer, size_t size);

/* Parts that more than one audit has, into SENTENCE_WORD_SIZE bytes. */
void sentence_pos(struct pos pos, char *word);
void sentence_item(const struct sku *item, char *word); /* "?" if empty */
/* The lot in brackets behind the place, where there is one. */
void sentence_place(const struct place *place, const struct lot *lot,
		    char *word);

#endif
