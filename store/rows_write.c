#include "store/rows_state.h"

static void text_write(struct rows *rows, struct writer *writer,
		       const struct row_field *field, uint32_t *item)
{
	struct window *window = rows_window(rows, field->class);
	struct span text = field->bytes;
	uint32_t slot;
	size_t shared;

	if (!window_find(window, text, &slot)) {
		shared = row_shared_size(window_newest(window), text);
		write_varint(writer, CODE_NEW);
		write_varint(writer, shared);
		write_span(writer, (struct span){text.data + shared,
						 text.size - shared});
		slot = rows_text_add(rows, field->class, text);
	} else if (field->class == ROW_REF) {
		write_varint(writer,
			     (window->count - 1 - slot) % window->capacity +
				     REF_CODES);
	} else if (slot ==
		   rows_slot_expected(rows, field->class, window, *item)) {
		write_varint(writer, CODE_EXPECTED);
	} else {
		write_varint(writer, slot + TEXT_CODES);
	}
	rows_slot_used(rows, field->class, slot, item);
}

/* A row as it is written. */
struct row_out {
	struct rows *rows;
	struct writer *writer;
	struct pos pos;
	uint64_t stamp_ms;
	uint32_t item; /* slot, or NO_SLOT */
};

static void value_write(struct row_out *out, const struct row_field *field)
{
	const struct rows *rows = out->rows;
	uint64_t number = field->number;

	switch (field->class) {
	case ROW_CONST_NUMBER:
	case ROW_CONST_BYTES:
		return;
	case ROW_BYTES:
		write_span(out->writer, field->bytes);
		return;
	case ROW_ITEM:
	case ROW_PLACE:
	case ROW_HOME:
	case ROW_REF:
	case ROW_NAME:
		text_write(out->rows, out->writer, field, &out->item);
		return;
	case ROW_NUMBER:
		break;
	case ROW_STAMP:
		number = row_stamp_distance(rows->times.stamp,
					    (struct stamp){number});
		break;
	case ROW_LATE:
	case ROW_LATE_S:
	case ROW_EFFECTIVE:
	case ROW_EFFECTIVE_S:
		number = row_effective_code(
			&rows->times, field->class, out->stamp_ms,
			out->stamp_ms + row_unzigzag(number));
		break;
	case ROW_POS:
		number = row_zigzag(out->pos.value - number);
		break;
	}
	write_varint(out->writer, number);
}

static void whole_write(struct writer *writer, const struct row_parts *parts)
{
	write_varint(writer, CODE_WHOLE);
	write_varint(writer, parts->head.size + parts->tail.size);
	write_raw(writer, parts->head.data, parts->head.size);
	write_raw(writer, parts->tail.data, parts->tail.size);
}

static void shape_write(struct rows *rows, struct writer *writer,
			struct span shape)
{
	struct window *window = &rows->windows[WINDOW_SHAPE];
	uint32_t slot;

	if (window_find(window, shape, &slot)) {
		write_varint(writer, slot + SHAPE_CODES);
		return;
	}
	write_varint(writer, CODE_NEW);
	write_raw(writer, shape.data, shape.size);
	(void)window_add(window, shape);
}

enum err_code rows_write(struct rows *rows, struct pos pos, struct span entry,
			 struct writer *writer)
{
	struct row_out out = {rows, writer, pos, 0, NO_SLOT};
	struct row_parts parts UNINITIALIZED;
	uint8_t buffer[ROW_SHAPE_SIZE_MAX];
	const struct row_field *stamp;
	struct span shape;
	enum err_code code = row_split(entry, &parts);

	if (code != ERR_OK)
		return code;
	if (!rows_shape_make(rows, &parts, buffer, &shape)) {
		whole_write(writer, &parts);
		return writer_ok(writer) ? ERR_OK : ERR_FULL;
	}
	shape_write(rows, writer, shape);
	stamp = row_find(&parts, ROW_TAG_STAMP);
	if (stamp != NULL)
		out.stamp_ms = stamp->number >> STAMP_COUNTER_BITS;
	for (size_t i = 0; i < parts.count; i++)
		value_write(&out, &parts.fields[i]);
	row_times_move(&rows->times, stamp,
		       row_find(&parts, ROW_TAG_EFFECTIVE));
	return writer_ok(writer) ? ERR_OK : ERR_FULL;
}
