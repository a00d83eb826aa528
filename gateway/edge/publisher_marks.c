#include "gateway/edge/publisher_marks.h"

#include <stdlib.h>
#include <string.h>

#define WORD_BITS 64

static uint32_t word_count(uint32_t capacity)
{
	return (capacity + WORD_BITS - 1) / WORD_BITS;
}

enum err_code marks_grow(struct marks *marks, uint32_t capacity,
			 struct err *err)
{
	uint32_t had = word_count(marks->capacity);
	uint32_t needs = word_count(capacity);
	uint64_t *words;

	if (needs <= had)
		return ERR_OK;
	words = realloc(marks->words, needs * sizeof(*words));
	if (words == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	memset(words + had, 0, (needs - had) * sizeof(*words));
	marks->words = words;
	marks->capacity = needs * WORD_BITS;
	return ERR_OK;
}

void marks_release(struct marks *marks)
{
	free(marks->words);
	*marks = (struct marks){0};
}

bool marks_has(const struct marks *marks, uint32_t number)
{
	ASSERT(number < marks->capacity);
	return (marks->words[number / WORD_BITS] >> number % WORD_BITS & 1) !=
	       0;
}

void marks_add(struct marks *marks, uint32_t number)
{
	if (marks_has(marks, number))
		return;
	marks->words[number / WORD_BITS] |= UINT64_C(1) << number % WORD_BITS;
	marks->count++;
}

void marks_remove(struct marks *marks, uint32_t number)
{
	if (!marks_has(marks, number))
		return;
	marks->words[number / WORD_BITS] &=
		~(UINT64_C(1) << number % WORD_BITS);
	marks->count--;
}

void marks_clear(struct marks *marks)
{
	if (marks->count == 0)
		return;
	memset(marks->words, 0,
	       word_count(marks->capacity) * sizeof(*marks->words));
	marks->count = 0;
}

void marks_add_range(struct marks *marks, uint32_t first, uint32_t last)
{
	for (uint32_t number = first; number <= last; number++)
		marks_add(marks, number);
}

void marks_copy(struct marks *to, const struct marks *from)
{
	ASSERT(to->capacity == from->capacity);
	memcpy(to->words, from->words,
	       word_count(from->capacity) * sizeof(*to->words));
	to->count = from->count;
}

/* As marks_next, from the number @from on, up to before the word @end. */
static bool words_next(const struct marks *marks, const struct marks *except,
		       uint32_t from, uint32_t end, uint32_t *ret_number)
{
	uint64_t mask = UINT64_MAX << from % WORD_BITS;

	for (uint32_t i = from / WORD_BITS; i < end; i++) {
		uint64_t word = marks->words[i] & ~except->words[i] & mask;

		if (word != 0) {
			*ret_number =
				i * WORD_BITS + (uint32_t)__builtin_ctzll(word);
			return true;
		}
		mask = UINT64_MAX;
	}
	return false;
}

bool marks_next(const struct marks *marks, const struct marks *except,
		uint32_t from, uint32_t *ret_number)
{
	uint32_t words = word_count(marks->capacity);

	ASSERT(except->capacity == marks->capacity);
	if (marks->count == 0)
		return false;
	if (from >= marks->capacity)
		from = 0;
	return words_next(marks, except, from, words, ret_number) ||
	       words_next(marks, except, 0, from / WORD_BITS + 1, ret_number);
}

/* ---- what was used just now ---- */

/* The ring moves to a larger one, its oldest to the front. */
static enum err_code uses_grow(struct recent *recent, uint32_t capacity,
			       struct err *err)
{
	struct recent_use *uses = malloc(capacity * sizeof(*uses));

	if (uses == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	for (uint32_t i = 0; i < recent->count; i++)
		uses[i] = recent->uses[(recent->oldest + i) %
				       recent->marks.capacity];
	free(recent->uses);
	recent->uses = uses;
	recent->oldest = 0;
	return ERR_OK;
}

enum err_code recent_grow(struct recent *recent, uint32_t capacity,
			  struct err *err)
{
	struct marks larger = {0};
	enum err_code code;

	if (capacity <= recent->marks.capacity)
		return ERR_OK;
	/* Both or neither: the ring is as long as the set. */
	code = marks_grow(&larger, capacity, err);
	if (code != ERR_OK)
		return code;
	code = uses_grow(recent, larger.capacity, err);
	if (code != ERR_OK) {
		marks_release(&larger);
		return code;
	}
	for (uint32_t i = 0; i < recent->count; i++)
		marks_add(&larger, recent->uses[i].number);
	marks_release(&recent->marks);
	recent->marks = larger;
	return ERR_OK;
}

void recent_release(struct recent *recent)
{
	marks_release(&recent->marks);
	free(recent->uses);
	*recent = (struct recent){.uses = NULL};
}

void recent_add(struct recent *recent, uint32_t number, int64_t now_ms)
{
	uint32_t at = (recent->oldest + recent->count) % recent->marks.capacity;

	ASSERT(!marks_has(&recent->marks, number));
	marks_add(&recent->marks, number);
	recent->uses[at] = (struct recent_use){number, (uint32_t)now_ms};
	recent->count++;
}

/* Since the oldest use; the clock's low bits may have wrapped meanwhile. */
static uint32_t oldest_age_ms(const struct recent *recent, int64_t now_ms)
{
	return (uint32_t)now_ms - recent->uses[recent->oldest].ms;
}

void recent_expire(struct recent *recent, int64_t now_ms, uint32_t span_ms)
{
	while (recent->count > 0 && oldest_age_ms(recent, now_ms) >= span_ms) {
		marks_remove(&recent->marks,
			     recent->uses[recent->oldest].number);
		recent->oldest = (recent->oldest + 1) % recent->marks.capacity;
		recent->count--;
	}
}

uint32_t recent_left_ms(const struct recent *recent, int64_t now_ms,
			uint32_t span_ms)
{
	uint32_t age;

	ASSERT(recent->count > 0);
	age = oldest_age_ms(recent, now_ms);
	ASSERT(age < span_ms);
	return span_ms - age;
}
