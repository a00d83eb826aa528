/*
 * publisher_chunks - which item lies in which chunk of the snapshot.
 *
 * Layer     gateway/edge, inside publisher only
 * Threads   the loop
 *
 * A chunk is a range of item numbers, so a changed item makes one chunk dirty.
 * Ranges never move: a chunk that no longer fits into its message is split, as
 * a leaf of a B-tree is, and its right half gets the next number. The last
 * range is open: new items, which have the highest numbers, fall into it.
 */
#ifndef DEPOT_GATEWAY_EDGE_PUBLISHER_CHUNKS_H
#define DEPOT_GATEWAY_EDGE_PUBLISHER_CHUNKS_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/err.h"

struct chunk {
	uint32_t first;   /* item; the next chunk's first is its end */
	uint32_t number;  /* in its topic */
	uint32_t last_ms; /* when it was published, if it was; wrapping */
	bool was_published;
	bool is_dirty;
	bool is_pending; /* dirty since before the sweep began */
};

struct chunks {
	struct chunk *at; /* by first */
	uint32_t capacity;
	uint32_t count;
	uint32_t dirty;
	uint32_t pending;
	uint32_t unpublished;
	uint32_t turn; /* whose turn it is to be looked at */
};

/* One open chunk, dirty. Room for @capacity. ERR_FULL: out of memory. */
MUST_CHECK enum err_code chunks_open(struct chunks *chunks, uint32_t capacity,
				     struct err *err);
void chunks_release(struct chunks *chunks);

/* The chunk in which @item lies becomes dirty. */
void chunks_mark(struct chunks *chunks, uint32_t item);
void chunks_mark_all(struct chunks *chunks);
/* What is dirty now is pending until it has been published. */
void chunks_sweep(struct chunks *chunks);

/* Items from @first on, which must lie inside chunk @index, get a chunk of
 * their own behind it. Both are dirty. ERR_FULL: out of memory. */
MUST_CHECK enum err_code chunks_split(struct chunks *chunks, uint32_t index,
				      uint32_t first, struct err *err);

/*
 * A dirty chunk that was not published within @interval_ms; false if there is
 * none, and *@ret_wait_ms is then when there will be one (UINT32_MAX: never).
 * Those never published come first: what is cut off from a chunk appears in
 * the new one before it disappears from the old.
 */
bool chunks_next(struct chunks *chunks, int64_t now_ms, uint32_t interval_ms,
		 uint32_t *ret_index, uint32_t *ret_wait_ms);
void chunks_published(struct chunks *chunks, uint32_t index, int64_t now_ms);

#endif
