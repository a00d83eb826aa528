#include "store/rows_state.h"

#include <stdlib.h>

#include "store/seal.h"

static const struct {
	uint32_t capacity;
	uint32_t size_max;
} window_sizes[WINDOW_COUNT] = {
	[WINDOW_SHAPE] = {ROWS_SHAPES, ROW_SHAPE_SIZE_MAX},
	[WINDOW_ITEM] = {ROWS_ITEMS, ROW_ITEM_SIZE_MAX},
	[WINDOW_PLACE] = {ROWS_PLACES, ROW_PLACE_SIZE_MAX},
	[WINDOW_REF] = {ROWS_REFS, ROW_REF_SIZE_MAX},
	[WINDOW_NAME] = {ROWS_NAMES, ROW_NAME_SIZE_MAX},
};

enum err_code rows_open(struct rows **ret_rows, struct err *err)
{
	struct rows *rows = calloc(1, sizeof(*rows));
	uint64_t key;
	bool is_whole = rows != NULL;

	seal_random(&key, sizeof(key));
	for (size_t i = 0; i < WINDOW_COUNT && is_whole; i++)
		is_whole =
			window_open(&rows->windows[i], window_sizes[i].capacity,
				    window_sizes[i].size_max, key);
	if (!is_whole) {
		rows_close(rows);
		return err_set(err, ERR_FULL, "no memory for a segment");
	}
	row_classes_init(&rows->classes);
	*ret_rows = rows;
	return ERR_OK;
}

void rows_close(struct rows *rows)
{
	if (rows == NULL)
		return;
	for (size_t i = 0; i < WINDOW_COUNT; i++)
		window_close(&rows->windows[i]);
	free(rows);
}

void rows_reset(struct rows *rows)
{
	for (size_t i = 0; i < WINDOW_COUNT; i++)
		window_reset(&rows->windows[i]);
	row_homes_reset(&rows->homes);
	rows->times = rows->times_mark = (struct row_times){{0}, 0};
}

void rows_mark(struct rows *rows)
{
	for (size_t i = 0; i < WINDOW_COUNT; i++)
		window_mark(&rows->windows[i]);
	row_homes_mark(&rows->homes);
	rows->times_mark = rows->times;
}

void rows_rewind(struct rows *rows)
{
	for (size_t i = 0; i < WINDOW_COUNT; i++)
		window_rewind(&rows->windows[i]);
	row_homes_rewind(&rows->homes);
	rows->times = rows->times_mark;
}

struct window *rows_window(struct rows *rows, enum row_class class)
{
	switch (class) {
	case ROW_ITEM:
		return &rows->windows[WINDOW_ITEM];
	case ROW_PLACE:
	case ROW_HOME:
		return &rows->windows[WINDOW_PLACE];
	case ROW_REF:
		return &rows->windows[WINDOW_REF];
	case ROW_NAME:
		return &rows->windows[WINDOW_NAME];
	case ROW_CONST_NUMBER:
	case ROW_CONST_BYTES:
	case ROW_NUMBER:
	case ROW_BYTES:
	case ROW_STAMP:
	case ROW_LATE:
	case ROW_LATE_S:
	case ROW_EFFECTIVE:
	case ROW_EFFECTIVE_S:
	case ROW_POS:
		break;
	}
	return NULL;
}

/* ---- shapes ---- */

/* The entry's stamp; 0 if it has none. */
static uint64_t stamp_ms_of(const struct row_parts *parts)
{
	const struct row_field *field = row_find(parts, ROW_TAG_STAMP);

	return field == NULL ? 0 : field->number >> STAMP_COUNTER_BITS;
}

static enum row_class class_of_number(const struct rows *rows,
				      const struct row_parts *parts,
				      const struct row_field *field,
				      unsigned known)
{
	uint64_t stamp_ms;

	switch (known) {
	case ROW_CONST_NUMBER:
	case ROW_POS:
		return (enum row_class)known;
	case ROW_STAMP:
		return row_stamp_follows(rows->times.stamp,
					 (struct stamp){field->number})
			       ? ROW_STAMP
			       : ROW_NUMBER;
	case ROW_EFFECTIVE:
		stamp_ms = stamp_ms_of(parts);
		return row_effective_class(
			stamp_ms, stamp_ms + row_unzigzag(field->number));
	default:
		return ROW_NUMBER;
	}
}

static void classes_set(const struct rows *rows, struct row_parts *parts)
{
	for (size_t i = 0; i < parts->count; i++) {
		struct row_field *field = &parts->fields[i];
		unsigned known = row_classes_get(&rows->classes, parts->kind,
						 field->tag);

		if (field->bytes.size > 0)
			field->class = row_class_of_bytes(known, field->bytes);
		else
			field->class =
				class_of_number(rows, parts, field, known);
	}
}

bool rows_shape_make(const struct rows *rows, struct row_parts *parts,
		     uint8_t buffer[ROW_SHAPE_SIZE_MAX], struct span *ret_shape)
{
	struct writer writer;

	if (parts->count > ROW_FIELDS_MAX)
		return false;
	classes_set(rows, parts);
	writer_init(&writer, buffer, ROW_SHAPE_SIZE_MAX);
	row_shape_write(&writer, parts);
	*ret_shape = (struct span){(const char *)buffer, writer.size};
	return writer_ok(&writer);
}

/* ---- texts ---- */

uint32_t rows_slot_expected(const struct rows *rows, enum row_class class,
			    const struct window *window, uint32_t item)
{
	uint32_t slot = window->last;

	if (class == ROW_HOME)
		slot = item == NO_SLOT ? NO_SLOT
				       : row_homes_get(&rows->homes, item);
	return slot < window_held(window) ? slot : NO_SLOT;
}

/* Whatever text a field has: it is the one to be expected next. */
void rows_slot_used(struct rows *rows, enum row_class class, uint32_t slot,
		    uint32_t *item)
{
	if (class == ROW_HOME) {
		if (*item != NO_SLOT)
			row_homes_set(&rows->homes, *item, slot);
		return;
	}
	rows_window(rows, class)->last = slot;
	if (class == ROW_ITEM)
		*item = slot;
}

/* What lay in the slot had a place of its own. */
uint32_t rows_text_add(struct rows *rows, enum row_class class,
		       struct span text)
{
	uint32_t slot = window_add(rows_window(rows, class), text);

	if (class == ROW_ITEM)
		row_homes_set(&rows->homes, slot, ROW_HOME_NONE);
	return slot;
}

size_t row_shared_size(struct span a, struct span b)
{
	size_t size = 0;

	while (size < a.size && size < b.size && a.data[size] == b.data[size])
		size++;
	return size;
}
