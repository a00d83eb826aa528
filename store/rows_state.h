/*
 * rows_state - what the rows of a segment refer to.
 *
 * Layer     store; part of rows; pure but for its memory
 * Threads   as rows
 */
#ifndef DEPOT_STORE_ROWS_STATE_H
#define DEPOT_STORE_ROWS_STATE_H

#include "store/rows.h"
#include "store/rows_homes.h"
#include "store/rows_shape.h"
#include "store/rows_times.h"
#include "store/rows_window.h"

/* Codes of shapes: a new one, an entry as it is, then slots. */
#define CODE_NEW 0u
#define CODE_WHOLE 1u
#define SHAPE_CODES 2u
/* Codes of texts: a new one, the one that is expected (the one used last; of
 * ROW_HOME the item's last), then slots. Of references: a new one, then how
 * many came after it. */
#define CODE_EXPECTED 1u
#define TEXT_CODES 2u
#define REF_CODES 1u

enum rows_window {
	WINDOW_SHAPE,
	WINDOW_ITEM,
	WINDOW_PLACE,
	WINDOW_REF,
	WINDOW_NAME,
	WINDOW_COUNT,
};

struct rows {
	struct window windows[WINDOW_COUNT];
	struct row_homes homes;
	struct row_times times;
	struct row_times times_mark;
	struct row_classes classes;
};

/* The window of a class of texts; NULL of any other. */
struct window *rows_window(struct rows *rows, enum row_class class);

/*
 * Sets the classes of @parts, and gives the bytes of their shape in @buffer.
 * False: it has none, and goes whole.
 */
bool rows_shape_make(const struct rows *rows, struct row_parts *parts,
		     uint8_t buffer[ROW_SHAPE_SIZE_MAX],
		     struct span *ret_shape);

/* The slot of no text; of a row that has no item. */
#define NO_SLOT UINT32_MAX

/* The text that a row of this class and item is expected to have; NO_SLOT. */
uint32_t rows_slot_expected(const struct rows *rows, enum row_class class,
			    const struct window *window, uint32_t item);
/* Notes that a field has the text in @slot; an item's sets *@item. */
void rows_slot_used(struct rows *rows, enum row_class class, uint32_t slot,
		    uint32_t *item);
/* Adds a new text; returns its slot. */
uint32_t rows_text_add(struct rows *rows, enum row_class class,
		       struct span text);

/* How many bytes two texts begin with in common: what is new is often what was
 * new before, counted on. */
size_t row_shared_size(struct span a, struct span b);

#endif
