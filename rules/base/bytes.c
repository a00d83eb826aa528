#include "rules/base/bytes.h"

#include <string.h>

void writer_init(struct writer *writer, void *buffer, size_t capacity)
{
	*writer = (struct writer){.data = buffer, .capacity = capacity};
}

bool writer_ok(const struct writer *writer)
{
	return !writer->has_failed;
}

void write_raw(struct writer *writer, const void *data, size_t size)
{
	if (writer->has_failed || size > writer->capacity - writer->size) {
		writer->has_failed = true;
		return;
	}
	if (size > 0)
		memcpy(writer->data + writer->size, data, size);
	writer->size += size;
}

/* depot runs on little-endian machines only; the build says so. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "swap is needed");

void write_u8(struct writer *writer, uint8_t value)
{
	write_raw(writer, &value, sizeof(value));
}

void write_u16(struct writer *writer, uint16_t value)
{
	value = __builtin_bswap16(value);
	write_raw(writer, &value, sizeof(value));
}

void write_u32(struct writer *writer, uint32_t value)
{
	value = __builtin_bswap32(value);
	write_raw(writer, &value, sizeof(value));
}

void write_u64(struct writer *writer, uint64_t value)
{
	value = __builtin_bswap64(value);
	write_raw(writer, &value, sizeof(value));
}

void write_varint(struct writer *writer, uint64_t value)
{
	uint8_t bytes[10];
	size_t size = 0;

	while (value >= 0x80) {
		bytes[size++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	bytes[size++] = (uint8_t)value;
	write_raw(writer, bytes, size);
}

void write_signed(struct writer *writer, int64_t value)
{
	uint64_t bits = (uint64_t)value;

	write_varint(writer, bits << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void write_span(struct writer *writer, struct span text)
{
	write_varint(writer, text.size);
	write_raw(writer, text.data, text.size);
}

void reader_init(struct reader *reader, const void *data, size_t size)
{
	*reader = (struct reader){.data = data, .size = size};
}

bool reader_ok(const struct reader *reader)
{
	return !reader->has_failed;
}

bool reader_done(const struct reader *reader)
{
	return !reader->has_failed && reader->at == reader->size;
}

size_t reader_left(const struct reader *reader)
{
	return reader->has_failed ? 0 : reader->size - reader->at;
}

struct span read_raw(struct reader *reader, size_t size)
{
	struct span taken = {"", 0};

	if (reader->has_failed || size > reader->size - reader->at) {
		reader->has_failed = true;
		return taken;
	}
	taken.data = (const char *)reader->data + reader->at;
	taken.size = size;
	reader->at += size;
	return taken;
}

/* The next @size bytes, or zeros once the reader has failed. */
static void read_bytes(struct reader *reader, void *bytes, size_t size)
{
	if (reader->has_failed || size > reader->size - reader->at) {
		reader->has_failed = true;
		memset(bytes, 0, size);
		return;
	}
	memcpy(bytes, reader->data + reader->at, size);
	reader->at += size;
}

uint8_t read_u8(struct reader *reader)
{
	uint8_t value;

	read_bytes(reader, &value, sizeof(value));
	return value;
}

uint16_t read_u16(struct reader *reader)
{
	uint16_t value;

	read_bytes(reader, &value, sizeof(value));
	return __builtin_bswap16(value);
}

uint32_t read_u32(struct reader *reader)
{
	uint32_t value;

	read_bytes(reader, &value, sizeof(value));
	return __builtin_bswap32(value);
}

uint64_t read_u64(struct reader *reader)
{
	uint64_t value;

	read_bytes(reader, &value, sizeof(value));
	return __builtin_bswap64(value);
}

uint64_t read_varint(struct reader *reader)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		uint8_t byte = read_u8(reader);
		uint64_t group = byte & 0x7fu;

		if (reader->has_failed)
			return 0;
		/* The tenth byte has room for one bit only. */
		if (shift == 63 && group > 1)
			break;
		value |= group << shift;
		if ((byte & 0x80) != 0)
			continue;
		if (byte == 0 && shift > 0)
			break; /* not the shortest form */
		return value;
	}
	reader->has_failed = true;
	return 0;
}

int64_t read_signed(struct reader *reader)
{
	uint64_t bits = read_varint(reader);
	uint64_t magnitude = bits >> 1;

	return (bits & 1) != 0 ? -(int64_t)magnitude - 1 : (int64_t)magnitude;
}

struct span read_span(struct reader *reader, size_t max)
{
	uint64_t size = read_varint(reader);

	if (size > max) {
		reader->has_failed = true;
		return (struct span){"", 0};
	}
	return read_raw(reader, (size_t)size);
}

size_t varint_size(uint64_t value)
{
	size_t size = 1;

	while (value >= 0x80) {
		value >>= 7;
		size++;
	}
	return size;
}
