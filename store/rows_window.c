#include "store/rows_window.h"

#include <stdlib.h>
#include <string.h>

#include "store/seal.h"

static uint32_t bucket_count(const struct window *window)
{
	uint32_t count = 16;

	while (count < window->capacity)
		count *= 2;
	return count;
}

bool window_open(struct window *window, uint32_t capacity, uint32_t size_max,
		 uint64_t key)
{
	ASSERT(capacity > 0 && capacity < UINT16_MAX && size_max <= UINT16_MAX);
	*window = (struct window){
		.capacity = capacity, .size_max = size_max, .key = key};
	window->heads = calloc(bucket_count(window), sizeof(uint16_t));
	/* Nothing of a slot is read before it is written: megabytes that need
	 * not be cleared, nor touched. */
	window->nexts = malloc(capacity * sizeof(uint16_t));
	window->sizes = malloc(capacity * sizeof(uint16_t));
	window->texts = malloc((size_t)capacity * size_max);
	window->old_sizes = malloc(capacity * sizeof(uint16_t));
	window->old_texts = malloc((size_t)capacity * size_max);
	return window->heads != NULL && window->nexts != NULL &&
	       window->sizes != NULL && window->texts != NULL &&
	       window->old_sizes != NULL && window->old_texts != NULL;
}

void window_close(struct window *window)
{
	free(window->heads);
	free(window->nexts);
	free(window->sizes);
	free(window->texts);
	free(window->old_sizes);
	free(window->old_texts);
}

void window_reset(struct window *window)
{
	memset(window->heads, 0, bucket_count(window) * sizeof(uint16_t));
	window->count = window->mark = 0;
	window->last = window->last_mark = 0;
}

/* Who sends rows may choose the texts, but does not know the key: he cannot
 * make them share a bucket. */
static uint16_t *bucket_of(const struct window *window, struct span text)
{
	uint64_t hash = seal_checksum(window->key, text);

	return &window->heads[hash & (bucket_count(window) - 1)];
}

static char *text_at(const struct window *window, uint32_t slot)
{
	return window->texts + (size_t)slot * window->size_max;
}

static void chain_add(struct window *window, uint32_t slot)
{
	uint16_t *head = bucket_of(window, window_text(window, slot));

	window->nexts[slot] = *head;
	*head = (uint16_t)(slot + 1);
}

static void chain_remove(struct window *window, uint32_t slot)
{
	uint16_t *link = bucket_of(window, window_text(window, slot));

	while (*link != slot + 1) {
		ASSERT(*link != 0);
		link = &window->nexts[*link - 1];
	}
	*link = window->nexts[slot];
}

bool window_find(const struct window *window, struct span text,
		 uint32_t *ret_slot)
{
	uint16_t at = *bucket_of(window, text);

	for (; at != 0; at = window->nexts[at - 1]) {
		if (!span_equal(window_text(window, at - 1u), text))
			continue;
		*ret_slot = at - 1u;
		return true;
	}
	return false;
}

uint32_t window_add(struct window *window, struct span text)
{
	uint32_t slot = (uint32_t)(window->count % window->capacity);
	size_t at = (size_t)slot * window->size_max;

	ASSERT(text.size <= window->size_max);
	if (window->count >= window->capacity) {
		chain_remove(window, slot);
		if (window->count - window->capacity < window->mark) {
			window->old_sizes[slot] = window->sizes[slot];
			memcpy(window->old_texts + at, text_at(window, slot),
			       window->sizes[slot]);
		}
	}
	memcpy(text_at(window, slot), text.data, text.size);
	window->sizes[slot] = (uint16_t)text.size;
	chain_add(window, slot);
	window->count++;
	return slot;
}

void window_mark(struct window *window)
{
	window->mark = window->count;
	window->last_mark = window->last;
}

/* First what was added goes, as far as it is still there; then what it took
 * the place of comes back. */
void window_rewind(struct window *window)
{
	uint64_t added = window->count - window->mark;
	uint64_t taken = added < window->capacity ? added : window->capacity;

	for (uint64_t i = 1; i <= taken; i++)
		chain_remove(window, (uint32_t)((window->count - i) %
						window->capacity));
	for (uint64_t i = 0; i < taken; i++) {
		uint32_t slot =
			(uint32_t)((window->mark + i) % window->capacity);

		if (window->mark + i < window->capacity)
			continue; /* it was free */
		window->sizes[slot] = window->old_sizes[slot];
		memcpy(text_at(window, slot),
		       window->old_texts + (size_t)slot * window->size_max,
		       window->old_sizes[slot]);
		chain_add(window, slot);
	}
	window->count = window->mark;
	window->last = window->last_mark;
}
