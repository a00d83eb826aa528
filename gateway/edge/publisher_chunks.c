#include "gateway/edge/publisher_chunks.h"

#include <stdlib.h>
#include <string.h>

static enum err_code room_make(struct chunks *chunks, uint32_t capacity,
			       struct err *err)
{
	struct chunk *at;

	if (capacity <= chunks->capacity)
		return ERR_OK;
	at = realloc(chunks->at, capacity * sizeof(*at));
	if (at == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	chunks->at = at;
	chunks->capacity = capacity;
	return ERR_OK;
}

enum err_code chunks_open(struct chunks *chunks, uint32_t capacity,
			  struct err *err)
{
	enum err_code code;

	*chunks = (struct chunks){.at = NULL};
	code = room_make(chunks, capacity > 0 ? capacity : 1, err);
	if (code != ERR_OK)
		return code;
	chunks->at[0] = (struct chunk){.first = 1, .is_dirty = true};
	chunks->count = 1;
	chunks->dirty = 1;
	chunks->unpublished = 1;
	return ERR_OK;
}

void chunks_release(struct chunks *chunks)
{
	free(chunks->at);
	*chunks = (struct chunks){.at = NULL};
}

static void dirty_set(struct chunks *chunks, struct chunk *chunk)
{
	if (!chunk->is_dirty)
		chunks->dirty++;
	chunk->is_dirty = true;
}

static uint32_t index_of(const struct chunks *chunks, uint32_t item)
{
	uint32_t low = 0;
	uint32_t high = chunks->count;

	ASSERT(item >= 1);
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (chunks->at[middle].first <= item)
			low = middle;
		else
			high = middle;
	}
	return low;
}

void chunks_mark(struct chunks *chunks, uint32_t item)
{
	dirty_set(chunks, &chunks->at[index_of(chunks, item)]);
}

void chunks_mark_all(struct chunks *chunks)
{
	for (uint32_t i = 0; i < chunks->count; i++)
		dirty_set(chunks, &chunks->at[i]);
}

void chunks_sweep(struct chunks *chunks)
{
	for (uint32_t i = 0; i < chunks->count; i++)
		chunks->at[i].is_pending = chunks->at[i].is_dirty;
	chunks->pending = chunks->dirty;
}

enum err_code chunks_split(struct chunks *chunks, uint32_t index,
			   uint32_t first, struct err *err)
{
	struct chunk *chunk;
	enum err_code code = ERR_OK;

	if (chunks->count == chunks->capacity)
		code = room_make(chunks, chunks->capacity * 2, err);
	if (code != ERR_OK)
		return code;
	chunk = &chunks->at[index];
	ASSERT(first > chunk->first);
	ASSERT(index + 1 == chunks->count || first < chunk[1].first);
	dirty_set(chunks, chunk);
	memmove(chunk + 2, chunk + 1,
		(chunks->count - index - 1) * sizeof(*chunk));
	/* As pending as the one it was cut from: it holds items of that. */
	chunk[1] = (struct chunk){.first = first,
				  .number = chunks->count,
				  .is_dirty = true,
				  .is_pending = chunk->is_pending};
	chunks->count++;
	chunks->dirty++;
	chunks->unpublished++;
	chunks->pending += chunk->is_pending;
	return ERR_OK;
}

/* In how many ms it may be published; 0: now. */
static uint32_t wait_of(const struct chunk *chunk, int64_t now_ms,
			uint32_t interval_ms)
{
	uint32_t age = (uint32_t)now_ms - chunk->last_ms;

	if (!chunk->was_published || age >= interval_ms)
		return 0;
	return interval_ms - age;
}

bool chunks_next(struct chunks *chunks, int64_t now_ms, uint32_t interval_ms,
		 uint32_t *ret_index, uint32_t *ret_wait_ms)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t i = 0; i < chunks->count && chunks->dirty > 0; i++) {
		uint32_t index = (chunks->turn + i) % chunks->count;
		const struct chunk *chunk = &chunks->at[index];
		uint32_t wait;

		if (!chunk->is_dirty ||
		    (chunks->unpublished > 0 && chunk->was_published))
			continue;
		wait = wait_of(chunk, now_ms, interval_ms);
		if (wait == 0) {
			chunks->turn = index;
			*ret_index = index;
			return true;
		}
		if (wait < least)
			least = wait;
	}
	*ret_wait_ms = least;
	return false;
}

void chunks_published(struct chunks *chunks, uint32_t index, int64_t now_ms)
{
	struct chunk *chunk = &chunks->at[index];

	ASSERT(chunk->is_dirty);
	chunks->dirty--;
	chunks->pending -= chunk->is_pending;
	chunks->unpublished -= !chunk->was_published;
	chunk->is_dirty = false;
	chunk->is_pending = false;
	chunk->was_published = true;
	chunk->last_ms = (uint32_t)now_ms;
	chunks->turn = (index + 1) % chunks->count;
}
