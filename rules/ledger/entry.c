#include "rules/ledger/entry.h"

#include <string.h>

/* Wire types: how a reader that does not know a tag skips it. */
#define WIRE_NUMBER 0u
#define WIRE_BYTES 1u

static const uint8_t zeros[64];

void entry_init(struct entry *entry, enum entry_kind kind)
{
	memset(entry, 0, sizeof(*entry));
	entry->kind = kind;
}

static unsigned field_wire(const struct field *field)
{
	return field->type == FIELD_TEXT || field->type == FIELD_RAW
		       ? WIRE_BYTES
		       : WIRE_NUMBER;
}

/* Zigzag, as write_signed does, so that the tag loop deals in one number. */
static uint64_t zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t bits)
{
	int64_t magnitude = (int64_t)(bits >> 1);

	return (bits & 1) != 0 ? -magnitude - 1 : magnitude;
}

static uint64_t number_load(const struct entry *entry,
			    const struct field *field)
{
	const char *at = (const char *)entry + field->offset;
	uint64_t number = 0;
	int64_t number_signed;
	uint32_t number_32;

	switch (field->type) {
	case FIELD_NUMBER:
	case FIELD_POS:
		memcpy(&number, at, sizeof(number));
		return number;
	case FIELD_SIGNED:
		memcpy(&number_signed, at, sizeof(number_signed));
		return zigzag(number_signed);
	case FIELD_CLOCK:
		memcpy(&number_signed, at, sizeof(number_signed));
		return zigzag(number_signed - stamp_moment(entry->stamp).ms);
	case FIELD_U32:
	case FIELD_ENUM:
		memcpy(&number_32, at, sizeof(number_32));
		return number_32;
	case FIELD_U8:
	case FIELD_BOOL:
		return *(const uint8_t *)at;
	case FIELD_TEXT:
	case FIELD_RAW:
		break;
	}
	ASSERT(field_wire(field) == WIRE_NUMBER);
	return 0;
}

/* False if @number is no value of the field. */
static bool number_store(struct entry *entry, const struct field *field,
			 uint64_t number)
{
	char *at = (char *)entry + field->offset;
	int64_t number_signed = unzigzag(number);
	uint32_t number_32 = (uint32_t)number;

	switch (field->type) {
	case FIELD_NUMBER:
	case FIELD_POS:
		memcpy(at, &number, sizeof(number));
		return true;
	case FIELD_CLOCK:
		if (__builtin_add_overflow(number_signed,
					   stamp_moment(entry->stamp).ms,
					   &number_signed))
			return false;
		memcpy(at, &number_signed, sizeof(number_signed));
		return true;
	case FIELD_SIGNED:
		memcpy(at, &number_signed, sizeof(number_signed));
		return true;
	case FIELD_ENUM:
	case FIELD_U32:
		memcpy(at, &number_32, sizeof(number_32));
		return number <= UINT32_MAX;
	case FIELD_U8:
	case FIELD_BOOL:
		*(uint8_t *)at = (uint8_t)number;
		return number <= (field->type == FIELD_BOOL ? 1 : UINT8_MAX);
	case FIELD_TEXT:
	case FIELD_RAW:
		break;
	}
	return false;
}

static struct span bytes_load(const struct entry *entry,
			      const struct field *field)
{
	const char *at = (const char *)entry + field->offset;

	if (field->type == FIELD_TEXT)
		return (struct span){at + 1, *(const uint8_t *)at};
	ASSERT(field->max <= sizeof(zeros));
	if (memcmp(at, zeros, field->max) == 0)
		return (struct span){at, 0};
	return (struct span){at, field->max};
}

static bool bytes_store(struct entry *entry, const struct field *field,
			struct span bytes)
{
	char *at = (char *)entry + field->offset;

	if (field->type == FIELD_TEXT)
		return text_store(at + 1, field->max, (uint8_t *)at, bytes);
	if (bytes.size != field->max ||
	    memcmp(bytes.data, zeros, bytes.size) == 0)
		return false;
	memcpy(at, bytes.data, bytes.size);
	return true;
}

static void fields_encode(struct writer *writer, const struct entry *entry,
			  struct field_table table)
{
	for (size_t i = 0; i < table.count; i++) {
		const struct field *field = &table.fields[i];
		unsigned wire = field_wire(field);
		uint64_t tag = (uint64_t)field->tag << 1 | wire;

		if (wire == WIRE_BYTES) {
			struct span bytes = bytes_load(entry, field);

			if (bytes.size == 0)
				continue;
			write_varint(writer, tag);
			write_span(writer, bytes);
		} else {
			uint64_t number = number_load(entry, field);

			if (number == 0)
				continue;
			write_varint(writer, tag);
			write_varint(writer, number);
		}
	}
}

void entry_encode(struct writer *writer, const struct entry *entry)
{
	write_varint(writer, ENTRY_FORMAT);
	write_varint(writer, entry->kind);
	fields_encode(writer, entry, entry_head_fields());
	fields_encode(writer, entry, entry_body_fields(entry->kind));
}

static const struct field *field_find(struct field_table table, uint64_t tag)
{
	for (size_t i = 0; i < table.count; i++)
		if (table.fields[i].tag == tag)
			return &table.fields[i];
	return NULL;
}

/* Reads one field's value into @entry; @field is NULL for a tag of a newer
 * depot, whose value is skipped. */
static enum err_code field_decode(struct reader *reader, struct entry *entry,
				  const struct field *field, unsigned wire)
{
	struct span bytes;
	uint64_t number;

	if (field != NULL && wire != field_wire(field))
		return ERR_CORRUPT;
	if (wire == WIRE_BYTES) {
		bytes = read_span(reader, ENTRY_SIZE_MAX);
		if (!reader_ok(reader) || bytes.size == 0)
			return ERR_CORRUPT;
		if (field != NULL && !bytes_store(entry, field, bytes))
			return ERR_CORRUPT;
		return ERR_OK;
	}
	number = read_varint(reader);
	if (!reader_ok(reader) || number == 0)
		return ERR_CORRUPT;
	if (field == NULL)
		return ERR_OK;
	if (field->type == FIELD_ENUM && number > field->max)
		return ERR_VERSION;
	return number_store(entry, field, number) ? ERR_OK : ERR_CORRUPT;
}

static enum err_code fields_decode(struct reader *reader, struct entry *entry)
{
	struct field_table head = entry_head_fields();
	struct field_table body = entry_body_fields(entry->kind);
	uint64_t last = 0;

	while (reader_left(reader) > 0) {
		uint64_t key = read_varint(reader);
		uint64_t tag = key >> 1;
		enum err_code code;

		if (!reader_ok(reader) || tag <= last)
			return ERR_CORRUPT;
		code = field_decode(reader, entry,
				    field_find(tag < 16 ? head : body, tag),
				    (unsigned)(key & 1));
		if (code != ERR_OK)
			return code;
		/* No field 2 means: it happened when it was recorded. */
		if (tag == 1)
			entry->effective = stamp_moment(entry->stamp);
		last = tag;
	}
	return reader_done(reader) ? ERR_OK : ERR_CORRUPT;
}

struct pos entry_named(const struct entry *entry)
{
	return entry->carried.value != 0 ? entry->carried : entry->regained;
}

enum err_code entry_decode(struct span bytes, struct entry *ret_entry)
{
	struct reader reader;
	struct entry entry;
	enum err_code code;
	uint64_t format;
	uint64_t kind;

	reader_init(&reader, bytes.data, bytes.size);
	format = read_varint(&reader);
	kind = read_varint(&reader);
	if (!reader_ok(&reader) || format == 0 || kind == 0)
		return ERR_CORRUPT;
	if (format > ENTRY_FORMAT || !entry_kind_is_known(kind))
		return ERR_VERSION;
	entry_init(&entry, (enum entry_kind)kind);
	code = fields_decode(&reader, &entry);
	if (code == ERR_OK)
		*ret_entry = entry;
	return code;
}
