#include "store/rows.h"

#include <stdlib.h>
#include <string.h>

#include "store/rows_homes.h"
#include "store/rows_shape.h"
#include "store/rows_window.h"
#include "store/seal.h"

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

enum {
	WINDOW_SHAPE,
	WINDOW_ITEM,
	WINDOW_PLACE,
	WINDOW_REF,
	WINDOW_NAME,
	WINDOW_COUNT,
};

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

/* The times that the next row's count from. */
struct row_times {
	struct stamp stamp;
	uint64_t effective_ms; /* modulo 2^64 */
};

/* An effective time that is nearer to its stamp counts from there. */
#define LATE_MS_MAX 60000

struct rows {
	struct window windows[WINDOW_COUNT];
	struct row_homes homes;
	struct row_times times;
	struct row_times times_mark;
	struct row_classes classes;
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

static struct window *window_of(struct rows *rows, enum row_class class)
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

/* ---- times ---- */

/* The stamp that follows @before and is @ms later: as stamp_next. */
static struct stamp stamp_after(struct stamp before, uint64_t ms)
{
	uint64_t physical = (before.value >> STAMP_COUNTER_BITS) + ms;

	if (ms == 0)
		return (struct stamp){before.value + 1};
	return (struct stamp){physical << STAMP_COUNTER_BITS};
}

/* Milliseconds from @before to @stamp. */
static uint64_t stamp_distance(struct stamp before, struct stamp stamp)
{
	return (stamp.value >> STAMP_COUNTER_BITS) -
	       (before.value >> STAMP_COUNTER_BITS);
}

/* Whether the distance says all. */
static bool stamp_follows(struct stamp before, struct stamp stamp)
{
	uint64_t ms = stamp_distance(before, stamp);

	return stamp.value > before.value &&
	       stamp_after(before, ms).value == stamp.value;
}

static uint64_t zigzag(uint64_t value)
{
	return value << 1 ^ (value >> 63 != 0 ? UINT64_MAX : 0);
}

static uint64_t unzigzag(uint64_t bits)
{
	return bits >> 1 ^ ((bits & 1) != 0 ? UINT64_MAX : 0);
}

/* The entry's stamp; 0 if it has none. */
static uint64_t stamp_ms_of(const struct row_parts *parts)
{
	const struct row_field *field = row_find(parts, ROW_TAG_STAMP);

	return field == NULL ? 0 : field->number >> STAMP_COUNTER_BITS;
}

/* Times are modulo 2^64; that they are numbers of our time nobody promised. */
static enum row_class effective_class(uint64_t stamp_ms, uint64_t effective_ms)
{
	int64_t late = (int64_t)(stamp_ms - effective_ms);
	bool is_near = late < LATE_MS_MAX && late > -LATE_MS_MAX;

	if ((int64_t)effective_ms % 1000 == 0)
		return is_near ? ROW_LATE_S : ROW_EFFECTIVE_S;
	return is_near ? ROW_LATE : ROW_EFFECTIVE;
}

static uint64_t seconds(uint64_t ms)
{
	return (uint64_t)((int64_t)ms / 1000);
}

/* What stands in the row for the effective time. */
static uint64_t effective_code(const struct rows *rows, enum row_class class,
			       uint64_t stamp_ms, uint64_t effective_ms)
{
	uint64_t before_ms = rows->times.effective_ms;

	if (class == ROW_LATE)
		return zigzag(stamp_ms - effective_ms);
	if (class == ROW_LATE_S)
		return zigzag(seconds(stamp_ms) - seconds(effective_ms));
	if (class == ROW_EFFECTIVE)
		return zigzag(effective_ms - before_ms);
	return zigzag(seconds(effective_ms) - seconds(before_ms));
}

/* And back; of what nobody wrote, some time with another code. */
static uint64_t effective_of(const struct rows *rows, enum row_class class,
			     uint64_t stamp_ms, uint64_t code)
{
	uint64_t before_ms = rows->times.effective_ms;
	uint64_t number = unzigzag(code);

	if (class == ROW_LATE)
		return stamp_ms - number;
	if (class == ROW_LATE_S)
		return (seconds(stamp_ms) - number) * 1000;
	if (class == ROW_EFFECTIVE)
		return before_ms + number;
	return (seconds(before_ms) + number) * 1000;
}

/* What the next row counts from, after a row with these fields (NULL: it has
 * none). */
static void times_move(struct row_times *times, const struct row_field *stamp,
		       const struct row_field *effective)
{
	uint64_t stamp_ms = 0;

	if (stamp != NULL && stamp->number != 0) {
		times->stamp.value = stamp->number;
		stamp_ms = stamp->number >> STAMP_COUNTER_BITS;
		times->effective_ms = stamp_ms;
	}
	if (effective != NULL && effective->number != 0)
		times->effective_ms = stamp_ms + unzigzag(effective->number);
}

/* ---- classes ---- */

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
		return stamp_follows(rows->times.stamp,
				     (struct stamp){field->number})
			       ? ROW_STAMP
			       : ROW_NUMBER;
	case ROW_EFFECTIVE:
		stamp_ms = stamp_ms_of(parts);
		return effective_class(stamp_ms,
				       stamp_ms + unzigzag(field->number));
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

/* ---- texts ---- */

/* The row's own item, by which a place is expected. */
#define NO_SLOT UINT32_MAX

/* The text that a row of this class and item is expected to have. */
static uint32_t slot_expected(const struct rows *rows, enum row_class class,
			      const struct window *window, uint32_t item)
{
	uint32_t slot = window->last;

	if (class == ROW_HOME)
		slot = item == NO_SLOT ? NO_SLOT
				       : row_homes_get(&rows->homes, item);
	return slot < window_held(window) ? slot : NO_SLOT;
}

/* Whatever text a field has: it is the one to be expected next. */
static void slot_used(struct rows *rows, enum row_class class, uint32_t slot,
		      uint32_t *item)
{
	if (class == ROW_HOME) {
		if (*item != NO_SLOT)
			row_homes_set(&rows->homes, *item, slot);
		return;
	}
	window_of(rows, class)->last = slot;
	if (class == ROW_ITEM)
		*item = slot;
}

/* What lay in the slot had a place of its own. */
static uint32_t text_add(struct rows *rows, enum row_class class,
			 struct span text)
{
	uint32_t slot = window_add(window_of(rows, class), text);

	if (class == ROW_ITEM)
		row_homes_set(&rows->homes, slot, ROW_HOME_NONE);
	return slot;
}

/* How many bytes two texts begin with in common: what is new is often what was
 * new before, counted on. */
static size_t shared_size(struct span a, struct span b)
{
	size_t size = 0;

	while (size < a.size && size < b.size && a.data[size] == b.data[size])
		size++;
	return size;
}

static void text_write(struct rows *rows, struct writer *writer,
		       const struct row_field *field, uint32_t *item)
{
	struct window *window = window_of(rows, field->class);
	struct span text = field->bytes;
	uint32_t slot;
	size_t shared;

	if (!window_find(window, text, &slot)) {
		shared = shared_size(window_newest(window), text);
		write_varint(writer, CODE_NEW);
		write_varint(writer, shared);
		write_span(writer, (struct span){text.data + shared,
						 text.size - shared});
		slot = text_add(rows, field->class, text);
	} else if (field->class == ROW_REF) {
		write_varint(writer,
			     (window->count - 1 - slot) % window->capacity +
				     REF_CODES);
	} else if (slot == slot_expected(rows, field->class, window, *item)) {
		write_varint(writer, CODE_EXPECTED);
	} else {
		write_varint(writer, slot + TEXT_CODES);
	}
	slot_used(rows, field->class, slot, item);
}

/* ---- writing ---- */

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
		number = stamp_distance(rows->times.stamp,
					(struct stamp){number});
		break;
	case ROW_LATE:
	case ROW_LATE_S:
	case ROW_EFFECTIVE:
	case ROW_EFFECTIVE_S:
		number = effective_code(rows, field->class, out->stamp_ms,
					out->stamp_ms + unzigzag(number));
		break;
	case ROW_POS:
		number = zigzag(out->pos.value - number);
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

/* The shape of @parts in @buffer. False: it has none, and goes whole. */
static bool shape_make(const struct rows *rows, struct row_parts *parts,
		       uint8_t buffer[ROW_SHAPE_SIZE_MAX],
		       struct span *ret_shape)
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

enum err_code rows_write(struct rows *rows, struct pos pos, struct span entry,
			 struct writer *writer)
{
	struct row_out out = {rows, writer, pos, 0, NO_SLOT};
	struct row_parts parts UNINITIALIZED;
	uint8_t buffer[ROW_SHAPE_SIZE_MAX];
	struct span shape;
	enum err_code code = row_split(entry, &parts);

	if (code != ERR_OK)
		return code;
	if (!shape_make(rows, &parts, buffer, &shape)) {
		whole_write(writer, &parts);
		return writer_ok(writer) ? ERR_OK : ERR_FULL;
	}
	shape_write(rows, writer, shape);
	out.stamp_ms = stamp_ms_of(&parts);
	for (size_t i = 0; i < parts.count; i++)
		value_write(&out, &parts.fields[i]);
	times_move(&rows->times, row_find(&parts, ROW_TAG_STAMP),
		   row_find(&parts, ROW_TAG_EFFECTIVE));
	return writer_ok(writer) ? ERR_OK : ERR_FULL;
}

/* ---- reading ---- */

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
	struct window *window = window_of(in->rows, field->class);
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
	    shared_size(newest, field->bytes) != shared ||
	    window_find(window, field->bytes, ret_slot))
		return false;
	*ret_slot = text_add(in->rows, field->class, field->bytes);
	return true;
}

/* The slot that @code, which is not CODE_NEW, names. */
static bool code_to_slot(const struct row_in *in, enum row_class class,
			 uint64_t code, uint32_t *ret_slot)
{
	const struct window *window = window_of(in->rows, class);
	uint32_t expected = slot_expected(in->rows, class, window, in->item);
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
	field->bytes = window_text(window_of(in->rows, field->class), slot);
	slot_used(in->rows, field->class, slot, &in->item);
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
	       !stamp_follows(in->rows->times.stamp,
			      (struct stamp){field->number});
}

static bool stamp_read(struct row_in *in, struct row_field *field)
{
	struct stamp before = in->rows->times.stamp;
	uint64_t ms = read_varint(in->reader);

	if (ms > MOMENT_MS_MAX)
		return false;
	field->number = stamp_after(before, ms).value;
	return stamp_follows(before, (struct stamp){field->number}) &&
	       stamp_distance(before, (struct stamp){field->number}) == ms;
}

static bool effective_read(struct row_in *in, struct row_field *field)
{
	uint64_t stamp_ms = in->stamp.number >> STAMP_COUNTER_BITS;
	uint64_t code = read_varint(in->reader);
	uint64_t ms = effective_of(in->rows, field->class, stamp_ms, code);

	field->number = zigzag(ms - stamp_ms);
	return effective_class(stamp_ms, ms) == field->class &&
	       effective_code(in->rows, field->class, stamp_ms, ms) == code;
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
			in->pos.value - unzigzag(read_varint(in->reader));
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
	times_move(&in->rows->times, &in->stamp, &in->effective);
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
	    shape_make(in->rows, &parts, buffer, &shape))
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
