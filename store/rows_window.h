/*
 * rows_window - the texts that a segment's rows name by number.
 *
 * Layer     store; part of rows
 * Threads   as rows
 *
 * A window holds the last @capacity texts that were added. Each lies in a slot,
 * given in turn from 0; when all are taken the oldest text makes way. Memory is
 * reserved when it is opened and touched only as it fills.
 */
#ifndef DEPOT_STORE_ROWS_WINDOW_H
#define DEPOT_STORE_ROWS_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/text.h"

struct window {
	uint32_t capacity; /* below 65,536 */
	uint32_t size_max; /* of a text */
	uint64_t key;      /* of the hash, unlike any other box's */
	uint64_t count;    /* texts added */
	uint64_t mark;     /* count at the last window_mark */
	uint32_t last;     /* slot of the text that was used last */
	uint32_t last_mark;
	uint16_t *heads; /* by hash: slot + 1 of the first, 0: none */
	uint16_t *nexts; /* by slot */
	uint16_t *sizes;
	char *texts;
	/* What lay in a slot at the mark, once it is taken over. */
	uint16_t *old_sizes;
	char *old_texts;
};

/* False: no memory. Zeroed windows may be closed. */
MUST_CHECK bool window_open(struct window *window, uint32_t capacity,
			    uint32_t size_max, uint64_t key);
void window_close(struct window *window);
void window_reset(struct window *window);
void window_mark(struct window *window);
void window_rewind(struct window *window);

/* False if it does not hold @text. */
MUST_CHECK bool window_find(const struct window *window, struct span text,
			    uint32_t *ret_slot);
/* @text is at most size_max bytes, and not there yet. Returns its slot. */
uint32_t window_add(struct window *window, struct span text);

static inline uint32_t window_held(const struct window *window)
{
	return window->count < window->capacity ? (uint32_t)window->count
						: window->capacity;
}

/* Borrowed until the window changes. @slot is below window_held(). */
static inline struct span window_text(const struct window *window,
				      uint32_t slot)
{
	return (struct span){window->texts + (size_t)slot * window->size_max,
			     window->sizes[slot]};
}

/* The text that was added last; empty if there is none. */
static inline struct span window_newest(const struct window *window)
{
	if (window->count == 0)
		return (struct span){"", 0};
	return window_text(window,
			   (uint32_t)((window->count - 1) % window->capacity));
}

#endif
