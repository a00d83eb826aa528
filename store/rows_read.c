#include <string.h>

#include "store/rows_state.h"

/* A row as it is read: where from, and what came of it so far. */
struct row_in {
	struct rows *rows;
	struct reader *reader;
	struct pos pos;
	uint64_t kind;
	uint32_t item;              /* slot, or NO_SLOT */
	struct row_field stamp;     /* number 0: none yet */
	struct row_field effective; /* likewise */
};

static bool text_new(struct row_in *in, struct row_field *field,
		     uint32_t *ret_slot)
{
	struct window *window = rows_window(in->rows, field->class);
	struct span newest = window_newest(window);
	char text[ROW_NAME_SIZE_MAX];
	uint64_t shared = read_varint(in->reader);
	struct span rest = read_span(in->reader, window->size_max);

	_Static_assert(ROW_NAME_SIZE_MAX >= ROW_ITEM_SIZE_MAX &&
			       ROW_NAME_SIZE_MAX >= ROW_PLACE_SIZE_MAX &&
			       ROW_NAME_SIZE_MAX >= ROW_REF_SIZE_MAX,
		       "every text fits");
	if (!reader_ok(in->reader) || shared > newest.size ||
	    shared + rest.size > window->size_max)
		return false;
	memcpy(text, newest.data, shared);
	memcpy(text + shared, rest.data, rest.size);
	field->bytes = (struct span){text, shared + rest.size};
	if (field->bytes.size == 0 ||
	    row_shared_size(newest, field->bytes) != shared ||
	    window_find(window, field->bytes, ret_slot))
		return false;
	*ret_slot = rows_text_add(in->rows, field->class, field->bytes);
	return true;
}

/* The slot that @code, which is not CODE_NEW, names. */
static bool code_to_slot(const struct row_in *in, enum row_class class,
			 uint64_t code, uint32_t *ret_slot)
{
	const struct window *window = rows_window(in->rows, class);
	uint32_t expected =
		rows_slot_expected(in->rows, class, window, in->item);
	uint32_t held = window_held(window);

	if (class == ROW_REF) {
		if (code - REF_CODES >= held)
			return false;
		*ret_slot =
			(uint32_t)((window->count - 1 - (code - REF_CODES)) %
				   window->capacity);
		return true;
	}
	if (code == CODE_EXPECTED) {
		*ret_slot = expected;
		return expected != NO_SLOT;
	}
	if (code - TEXT_CODES >= held)
		return false;
	*ret_slot = (uint32_t)(code - TEXT_CODES);
	return *ret_slot != expected;
}

/* Whether the writer would have chosen this class for these bytes. */
static bool class_is_due(const struct row_in *in, const struct row_field *field)
{
	unsigned known =
		row_classes_get(&in->rows->classes, in->kind, field->tag);

	return known == ROW_CLASS_UNKNOWN ||
	       row_class_of_bytes(known, field->bytes) == field->class;
}

static bool text_read(struct row_in *in, struct row_field *field)
{
	uint64_t code = read_varint(in->reader);
	uint32_t slot;

	if (!reader_ok(in->reader))
		return false;
	if (code == CODE_NEW ? !text_new(in, field, &slot)
			     : !code_to_slot(in, field->class, code, &slot))
		return false;
	field->bytes = window_text(rows_window(in->rows, field->class), slot);
	rows_slot_used(in->rows, field->class, slot, &in->item);
	return class_is_due(in, field);
}

static bool bytes_read(struct row_in *in, struct row_field *field)
{
	field->bytes = read_span(in->reader, ENTRY_SIZE_MAX);
	return class_is_due(in, field);
}

static bool number_read(struct row_in *in, struct row_field *field)
{
	field->number = read_varint(in->reader);
	return field->tag != ROW_TAG_STAMP ||
	       !row_stamp_follows(in->rows->times.stamp,
				  (struct stamp){field->number});
}

static bool stamp_read(struct row_in *in, struct row_field *field)
{
	struct stamp before = in->rows->times.stamp;
	uint64_t ms = read_varint(in->reader);

	if (ms > MOMENT_MS_MAX)
		return false;
	field->number = row_stamp_after(before, ms).value;
	return row_stamp_follows(before, (struct stamp){field->number}) &&
	       row_stamp_distance(before, (struct stamp){field->number}) == ms;
}

static bool effective_read(struct row_in *in, struct row_field *field)
{
	uint64_t stamp_ms = in->stamp.number >> STAMP_COUNTER_BITS;
	uint64_t code = read_varint(in->reader);
	uint64_t ms = row_effective_of(&in->rows->times, field->class, stamp_ms,
				       code);

	field->number = row_zigzag(ms - stamp_ms);
	return row_effective_class(stamp_ms, ms) == field->class &&
	       row_effective_code(&in->rows->times, field->class, stamp_ms,
				  ms) == code;
}

static bool value_read(struct row_in *in, struct row_field *field)
{
	switch (field->class) {
	case ROW_CONST_NUMBER:
	case ROW_CONST_BYTES:
		return true;
	case ROW_NUMBER:
		return number_read(in, field);
	case ROW_BYTES:
		return bytes_read(in, field);
	case ROW_ITEM:
	case ROW_PLACE:
	case ROW_HOME:
	case ROW_REF:
	case ROW_NAME:
		return text_read(in, field);
	case ROW_STAMP:
		return stamp_read(in, field);
	case ROW_LATE:
	case ROW_LATE_S:
	case ROW_EFFECTIVE:
	case ROW_EFFECTIVE_S:
		return effective_read(in, field);
	case ROW_POS:
		field->number =
			in->pos.value - row_unzigzag(read_varint(in->reader));
		return true;
	}
	return false;
}

static void field_write(struct writer *writer, const struct row_field *field)
{
	if (field->bytes.size > 0) {
		write_varint(writer, field->tag << 1 | ROW_WIRE_BYTES);
		write_span(writer, field->bytes);
	} else {
		write_varint(writer, field->tag << 1 | ROW_WIRE_NUMBER);
		write_varint(writer, field->number);
	}
}

static enum err_code fields_read(struct row_in *in, struct row_shape *shape,
				 struct writer *entry)
{
	struct row_field field;

	write_varint(entry, ENTRY_FORMAT);
	write_varint(entry, shape->kind);
	while (shape->left > 0) {
		row_shape_next(shape, &field);
		if (!value_read(in, &field) || !reader_ok(in->reader) ||
		    (field.number == 0 && field.bytes.size == 0))
			return ERR_CORRUPT;
		if (field.tag == ROW_TAG_STAMP)
			in->stamp = field;
		else if (field.tag == ROW_TAG_EFFECTIVE)
			in->effective = field;
		field_write(entry, &field);
	}
	row_times_move(&in->rows->times, &in->stamp, &in->effective);
	return writer_ok(entry) ? ERR_OK : ERR_CORRUPT;
}

/* An entry that goes as it is has no shape, and nothing to leave out. */
static enum err_code whole_read(struct row_in *in, struct writer *entry)
{
	struct row_parts parts UNINITIALIZED;
	uint8_t buffer[ROW_SHAPE_SIZE_MAX];
	struct span shape;
	struct span whole = read_span(in->reader, ENTRY_SIZE_MAX);

	if (row_split(whole, &parts) != ERR_OK ||
	    parts.head.size != whole.size ||
	    rows_shape_make(in->rows, &parts, buffer, &shape))
		return ERR_CORRUPT;
	write_raw(entry, whole.data, whole.size);
	return ERR_OK;
}

static enum err_code shape_find(struct row_in *in, uint64_t code,
				struct span *ret_shape)
{
	struct window *window = &in->rows->windows[WINDOW_SHAPE];
	enum err_code result;
	uint32_t slot;

	if (code == CODE_NEW) {
		result = row_shape_read(in->reader, &in->rows->classes,
					ret_shape);
		if (result != ERR_OK)
			return result;
		if (window_find(window, *ret_shape, &slot))
			return ERR_CORRUPT;
		slot = window_add(window, *ret_shape);
	} else {
		if (code - SHAPE_CODES >= window_held(window))
			return ERR_CORRUPT;
		slot = (uint32_t)(code - SHAPE_CODES);
	}
	*ret_shape = window_text(window, slot);
	return ERR_OK;
}

enum err_code rows_read(struct rows *rows, struct pos pos,
			struct reader *reader, struct entry_bytes *ret_entry)
{
	struct row_in in = {
		.rows = rows, .reader = reader, .pos = pos, .item = NO_SLOT};
	uint64_t shape_code = read_varint(reader);
	struct row_shape shape;
	struct writer entry;
	struct span bytes;
	enum err_code code = ERR_CORRUPT;

	if (!reader_ok(reader))
		return ERR_CORRUPT;
	writer_init(&entry, ret_entry->data, sizeof(ret_entry->data));
	if (shape_code == CODE_WHOLE) {
		code = whole_read(&in, &entry);
	} else {
		code = shape_find(&in, shape_code, &bytes);
		if (code == ERR_OK && row_shape_begin(&shape, bytes)) {
			in.kind = shape.kind;
			code = fields_read(&in, &shape, &entry);
		}
	}
	if (code == ERR_OK)
		ret_entry->size = entry.size;
	return code;
}
