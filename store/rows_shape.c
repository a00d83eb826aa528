#include "store/rows_shape.h"

#include <string.h>

/* ---- classes ---- */

struct text_class {
	uint8_t kind; /* 0: of the head */
	uint8_t tag;
	uint8_t class;
};

/* The texts that are named by number. All other fields have the class of their
 * type. A line may be added with its field, and never changed after that. */
static const struct text_class text_classes[] = {
	{0, 5, ROW_CONST_BYTES}, /* actor */
	{0, 9, ROW_REF},
	{ENTRY_MOVEMENT, 17, ROW_ITEM},
	{ENTRY_MOVEMENT, 18, ROW_NAME}, /* lot */
	{ENTRY_MOVEMENT, 22, ROW_HOME},
	{ENTRY_MOVEMENT, 25, ROW_HOME},
	{ENTRY_MOVEMENT, 28, ROW_NAME}, /* sscc */
	{ENTRY_MOVEMENT, 29, ROW_NAME}, /* reason */
	{ENTRY_ITEM, 16, ROW_ITEM},
	{ENTRY_CODE, 17, ROW_ITEM},
	{ENTRY_BIN, 16, ROW_PLACE},
	{ENTRY_BIN, 17, ROW_NAME}, /* zone */
	{ENTRY_DEVICE, 16, ROW_NAME},
	{ENTRY_DEVICE, 18, ROW_PLACE},
	{ENTRY_DEVICE, 19, ROW_NAME}, /* substitute */
	{ENTRY_DEVICE, 20, ROW_NAME}, /* profile */
	{ENTRY_ACCOUNT, 16, ROW_NAME},
	{ENTRY_COUNT, 16, ROW_PLACE},
	{ENTRY_COUNT, 17, ROW_ITEM},
	{ENTRY_COUNT, 18, ROW_NAME}, /* lot */
	{ENTRY_TASK, 16, ROW_REF},
	{ENTRY_TASK, 19, ROW_PLACE},
	{ENTRY_TASK, 20, ROW_ITEM},
	{ENTRY_TASK, 21, ROW_NAME}, /* reason */
	{ENTRY_TASK, 22, ROW_NAME}, /* account */
	{ENTRY_TASK, 23, ROW_NAME}, /* check */
	{ENTRY_ALERT, 16, ROW_NAME},
	{ENTRY_ALERT, 17, ROW_NAME}, /* code */
	{ENTRY_ALERT, 19, ROW_NAME}, /* subject */
	{ENTRY_ORDER, 16, ROW_REF},
	{ENTRY_STATUS, 16, ROW_NAME},
	{ENTRY_STATUS, 18, ROW_NAME}, /* version */
	{ENTRY_LOSS, 16, ROW_NAME},
	{ENTRY_CERTIFICATE, 18, ROW_NAME},
	{ENTRY_FENCE, 22, ROW_NAME}, /* reason */
	{ENTRY_INTENT, 16, ROW_REF},
	{ENTRY_INTENT, 18, ROW_NAME}, /* verb */
	{ENTRY_INTENT_RESULT, 16, ROW_REF},
	{ENTRY_INVITATION, 18, ROW_NAME},
	{ENTRY_INVITATION, 23, ROW_NAME}, /* like */
	{ENTRY_TRANSFER, 16, ROW_PLACE},  /* as its transit place is named */
	{ENTRY_TRANSFER, 24, ROW_NAME},   /* carrier */
	{ENTRY_TRANSFER, 25, ROW_NAME},   /* reason */
	{ENTRY_CLAIM, 16, ROW_REF},
	{ENTRY_CLAIM, 17, ROW_PLACE}, /* transfer */
	{ENTRY_CLAIM, 18, ROW_ITEM},
	{ENTRY_CLAIM, 19, ROW_NAME}, /* lot */
	{ENTRY_CLAIM, 24, ROW_NAME}, /* reason */
	{ENTRY_CHECK, 16, ROW_NAME},
	{ENTRY_CHECK, 21, ROW_NAME}, /* times */
	{ENTRY_CHECK, 25, ROW_PLACE},
	{ENTRY_CHECK, 32, ROW_NAME}, /* measure */
	{ENTRY_CHECK_RESULT, 16, ROW_NAME},
	{ENTRY_CHECK_RESULT, 17, ROW_REF},
};

static unsigned text_class(uint64_t kind, uint64_t tag)
{
	uint64_t table = tag < 16 ? 0 : kind;

	for (size_t i = 0; i < ARRAY_LEN(text_classes); i++)
		if (text_classes[i].kind == table && text_classes[i].tag == tag)
			return text_classes[i].class;
	return ROW_BYTES;
}

static unsigned field_class(uint64_t kind, const struct field *field)
{
	switch (field->type) {
	case FIELD_ENUM:
	case FIELD_BOOL:
		return ROW_CONST_NUMBER;
	case FIELD_NUMBER:
	case FIELD_SIGNED:
	case FIELD_U32:
	case FIELD_U8:
		return ROW_NUMBER;
	case FIELD_CLOCK:
		return ROW_EFFECTIVE;
	case FIELD_POS:
		return ROW_POS;
	case FIELD_TEXT:
	case FIELD_RAW:
		break;
	}
	return text_class(kind, field->tag);
}

unsigned row_class_known(uint64_t kind, uint64_t tag)
{
	struct field_table table = entry_head_fields();

	if (tag == ROW_TAG_STAMP)
		return ROW_STAMP;
	if (tag == 3) /* clock_flags: bits, but as good as constant */
		return ROW_CONST_NUMBER;
	if (tag >= 16) {
		if (!entry_kind_is_known(kind))
			return ROW_CLASS_UNKNOWN;
		table = entry_body_fields((enum entry_kind)kind);
	}
	for (size_t i = 0; i < table.count; i++)
		if (table.fields[i].tag == tag)
			return field_class(kind, &table.fields[i]);
	return ROW_CLASS_UNKNOWN;
}

static void classes_learn(struct row_classes *classes, unsigned kind,
			  const struct field_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		uint32_t tag = table->fields[i].tag;

		if (tag < ROW_CLASSES_TAGS)
			classes->known[kind][tag] =
				(uint8_t)row_class_known(kind, tag);
	}
}

/* Field by field of the tables: most tags of most kinds are none. */
void row_classes_init(struct row_classes *classes)
{
	struct field_table head = entry_head_fields();
	struct field_table body;

	memset(classes->known, ROW_CLASS_UNKNOWN, sizeof(classes->known));
	for (unsigned kind = 0; kind < ROW_CLASSES_KINDS; kind++) {
		classes->known[kind][ROW_TAG_STAMP] =
			(uint8_t)row_class_known(kind, ROW_TAG_STAMP);
		classes->known[kind][3] = (uint8_t)row_class_known(kind, 3);
		classes_learn(classes, kind, &head);
		if (!entry_kind_is_known(kind))
			continue;
		body = entry_body_fields((enum entry_kind)kind);
		classes_learn(classes, kind, &body);
	}
}

static size_t class_size_max(enum row_class class)
{
	switch (class) {
	case ROW_CONST_BYTES:
		return ROW_CONST_SIZE_MAX;
	case ROW_ITEM:
		return ROW_ITEM_SIZE_MAX;
	case ROW_PLACE:
	case ROW_HOME:
		return ROW_PLACE_SIZE_MAX;
	case ROW_REF:
		return ROW_REF_SIZE_MAX;
	case ROW_NAME:
		return ROW_NAME_SIZE_MAX;
	case ROW_CONST_NUMBER:
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
	return 0;
}

/* The bins that stock passes on its way: what kind of movement it is
 * says as a rule which. */
static bool is_system_bin(struct span name)
{
	return span_equal(name, SPAN_LITERAL("DOCK")) ||
	       span_equal(name, SPAN_LITERAL("PICKED")) ||
	       span_equal(name, SPAN_LITERAL("PACKED"));
}

enum row_class row_class_of_bytes(unsigned known, struct span bytes)
{
	if (known == ROW_CLASS_UNKNOWN ||
	    bytes.size > class_size_max((enum row_class)known))
		return ROW_BYTES;
	if (known == ROW_HOME && is_system_bin(bytes))
		return ROW_CONST_BYTES;
	return (enum row_class)known;
}

/* ---- entries ---- */

/* Notes where in the entry what is left out begins and ends: tags 6 and 7 are
 * neighbours, so it is one piece. */
static void field_cut(struct row_parts *parts, size_t from, size_t to)
{
	if (parts->tail.size == 0)
		parts->head.size = from;
	parts->tail.size = to; /* until the end is known */
}

static bool field_split(struct reader *reader, struct row_field *field,
			uint64_t last)
{
	uint64_t key = read_varint(reader);

	*field = (struct row_field){.tag = key >> 1, .bytes = {"", 0}};
	if ((key & 1) == ROW_WIRE_BYTES)
		field->bytes = read_span(reader, ENTRY_SIZE_MAX);
	else
		field->number = read_varint(reader);
	return reader_ok(reader) && field->tag > last &&
	       (field->number != 0 || field->bytes.size != 0);
}

static bool fields_split(struct reader *reader, struct row_parts *parts)
{
	struct row_field field = {.tag = 0};
	size_t from;

	while (reader_left(reader) > 0) {
		from = reader->at;
		if (!field_split(reader, &field, field.tag))
			return false;
		if (field.tag == ROW_TAG_BOOT || field.tag == ROW_TAG_SEQ) {
			field_cut(parts, from, reader->at);
			continue;
		}
		if (parts->count < ROW_FIELDS_MAX)
			parts->fields[parts->count] = field;
		parts->count++;
	}
	return reader_done(reader);
}

enum err_code row_split(struct span entry, struct row_parts *ret_parts)
{
	struct reader reader;
	uint64_t format;
	size_t cut;

	if (entry.size > ENTRY_SIZE_MAX)
		return ERR_CORRUPT;
	reader_init(&reader, entry.data, entry.size);
	format = read_varint(&reader);
	ret_parts->kind = read_varint(&reader);
	ret_parts->count = 0;
	ret_parts->head = entry;
	ret_parts->tail = (struct span){"", 0};
	if (!reader_ok(&reader) || format != ENTRY_FORMAT ||
	    ret_parts->kind == 0 || !fields_split(&reader, ret_parts))
		return ERR_CORRUPT;
	cut = ret_parts->tail.size;
	if (cut > 0)
		ret_parts->tail =
			(struct span){entry.data + cut, entry.size - cut};
	return ERR_OK;
}

/* ---- shapes ---- */

void row_shape_write(struct writer *writer, const struct row_parts *parts)
{
	write_varint(writer, parts->kind);
	write_varint(writer, parts->count);
	for (size_t i = 0; i < parts->count; i++) {
		const struct row_field *field = &parts->fields[i];

		write_varint(writer, field->tag);
		write_u8(writer, (uint8_t)field->class);
		if (field->class == ROW_CONST_NUMBER)
			write_varint(writer, field->number);
		else if (field->class == ROW_CONST_BYTES)
			write_span(writer, field->bytes);
	}
}

bool row_shape_begin(struct row_shape *shape, struct span bytes)
{
	uint64_t count;

	reader_init(&shape->reader, bytes.data, bytes.size);
	shape->kind = read_varint(&shape->reader);
	count = read_varint(&shape->reader);
	shape->left = count <= ROW_FIELDS_MAX ? (size_t)count : 0;
	return reader_ok(&shape->reader) && shape->kind != 0 &&
	       count <= ROW_FIELDS_MAX;
}

void row_shape_next(struct row_shape *shape, struct row_field *ret_field)
{
	struct reader *reader = &shape->reader;
	unsigned class;

	ASSERT(shape->left > 0);
	shape->left--;
	*ret_field = (struct row_field){.bytes = {"", 0}};
	ret_field->tag = read_varint(reader);
	class = read_u8(reader);
	if (class == ROW_CONST_NUMBER)
		ret_field->number = read_varint(reader);
	else if (class == ROW_CONST_BYTES)
		ret_field->bytes = read_span(reader, ROW_SHAPE_SIZE_MAX);
	if (class == ROW_CLASS_UNKNOWN || class > ROW_CLASS_MAX)
		reader->has_failed = true;
	else
		ret_field->class = (enum row_class) class;
}

/* Whether the writer may give a field that we do not know this class: which it
 * is is not ours to judge, but the times are ours. */
static bool class_is_possible(enum row_class class)
{
	return class < ROW_STAMP || class == ROW_POS;
}

static bool number_class_is_right(unsigned known, enum row_class class)
{
	switch (known) {
	case ROW_CONST_NUMBER:
	case ROW_POS:
		return class == known;
	case ROW_STAMP:
		return class == ROW_STAMP || class == ROW_NUMBER;
	case ROW_EFFECTIVE:
		return class >= ROW_LATE && class <= ROW_EFFECTIVE_S;
	default: /* NUMBER, and bytes of the wrong wire type */
		return class == ROW_NUMBER;
	}
}

/* Whether the writer would give the field this class. What depends on the
 * row's value is judged there. */
static bool class_is_right(unsigned known, const struct row_field *field)
{
	enum row_class class = field->class;

	if (field->tag == ROW_TAG_BOOT || field->tag == ROW_TAG_SEQ)
		return false;
	if (class == ROW_CONST_NUMBER && field->number == 0)
		return false;
	if (class == ROW_CONST_BYTES && field->bytes.size == 0)
		return false;
	if (known == ROW_CLASS_UNKNOWN)
		return class_is_possible(class);
	switch (class) {
	case ROW_CONST_BYTES:
		return row_class_of_bytes(known, field->bytes) == class;
	case ROW_BYTES: /* as long as that, or of the wrong wire type */
		return true;
	case ROW_ITEM:
	case ROW_PLACE:
	case ROW_HOME:
	case ROW_REF:
	case ROW_NAME:
		return class == known;
	case ROW_CONST_NUMBER:
	case ROW_NUMBER:
	case ROW_STAMP:
	case ROW_LATE:
	case ROW_LATE_S:
	case ROW_EFFECTIVE:
	case ROW_EFFECTIVE_S:
	case ROW_POS:
		break;
	}
	return number_class_is_right(known, class);
}

enum err_code row_shape_read(struct reader *reader,
			     const struct row_classes *classes,
			     struct span *ret_shape)
{
	const char *start = (const char *)reader->data + reader->at;
	struct row_shape shape;
	struct row_field field = {.tag = 0};
	uint64_t last = 0;

	if (!row_shape_begin(&shape, (struct span){start, reader_left(reader)}))
		return ERR_CORRUPT;
	while (shape.left > 0) {
		row_shape_next(&shape, &field);
		if (!reader_ok(&shape.reader) || field.tag <= last ||
		    !class_is_right(row_classes_get(classes, shape.kind,
						    field.tag),
				    &field))
			return ERR_CORRUPT;
		last = field.tag;
	}
	if (shape.reader.at > ROW_SHAPE_SIZE_MAX)
		return ERR_CORRUPT;
	*ret_shape = read_raw(reader, shape.reader.at);
	return ERR_OK;
}
