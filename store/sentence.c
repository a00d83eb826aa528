#include "store/sentence.h"

#include <inttypes.h>
#include <string.h>

void sentence_print(const struct sentence *sentence, char *buffer, size_t size)
{
	char word[SENTENCE_WORD_SIZE];
	size_t used = 0;

	ASSERT(size > 0);
	for (const char *form = sentence->form; *form != '\0'; form++) {
		struct span part = {form, 1};

		if (*form == '%') {
			sentence->word(sentence->context, *++form, word);
			part = span_of(word);
		}
		if (part.size > size - 1 - used)
			break;
		memcpy(buffer + used, part.data, part.size);
		used += part.size;
	}
	/* Cut to fit: not in the middle of a character. */
	while (used > 0 && !utf8_is_valid((struct span){buffer, used}))
		used--;
	buffer[used] = '\0';
}

void sentence_pos(struct pos pos, char *word)
{
	(void)text_format(word, SENTENCE_WORD_SIZE, "%" PRIu32 ".%" PRIu64,
			  pos_epoch(pos), pos_number(pos));
}

void sentence_item(const struct sku *item, char *word)
{
	text_print(item->size > 0 ? sku_span(item) : SPAN_LITERAL("?"), word,
		   SENTENCE_WORD_SIZE);
}

void sentence_place(const struct place *place, const struct lot *lot,
		    char *word)
{
	char printed[PLACE_PRINT_SIZE] = "?";
	char brackets[LOT_SIZE_MAX + 1];

	if (place->kind != 0)
		place_print(place, printed, sizeof(printed));
	text_print(lot_span(lot), brackets, sizeof(brackets));
	if (place->kind == 0 || brackets[0] == '\0')
		(void)text_format(word, SENTENCE_WORD_SIZE, "%s", printed);
	else
		(void)text_format(word, SENTENCE_WORD_SIZE, "%s (%s)", printed,
				  brackets);
}
