/*
 * bytes - bounded writing and reading of stored, signed and sent bytes.
 *
 * Layer     rules/base
 * Threads   any; a writer or reader belongs to one thread
 *
 * Everything that is hashed, signed or stored goes through here, never
 * through memcpy of a struct.
 *
 * Both sides are sticky: after the first failure every further call does
 * nothing (a read gives 0), and writer_ok() or reader_ok() tells once at the
 * end. So code reads straight on, without a branch a field.
 *
 * Numbers: fixed ones are big-endian, so that keys sort as numbers. Varints
 * are LEB128, least significant group first, at most ten bytes, and only in
 * their shortest form: a longer form of the same number is a failed read.
 * Signed varints are zigzag (0, -1, 1, -2 ... -> 0, 1, 2, 3 ...).
 */
#ifndef DEPOT_RULES_BASE_BYTES_H
#define DEPOT_RULES_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/check.h"
#include "rules/base/text.h"

struct writer {
	uint8_t *data;
	size_t size; /* written so far */
	size_t capacity;
	bool has_failed;
};

struct reader {
	const uint8_t *data;
	size_t size;
	size_t at;
	bool has_failed;
};

/* Writes into @buffer of @capacity bytes, which stays the caller's. */
void writer_init(struct writer *writer, void *buffer, size_t capacity);
bool writer_ok(const struct writer *writer);

void write_u8(struct writer *writer, uint8_t value);
void write_u16(struct writer *writer, uint16_t value);
void write_u32(struct writer *writer, uint32_t value);
void write_u64(struct writer *writer, uint64_t value);
void write_varint(struct writer *writer, uint64_t value);
void write_signed(struct writer *writer, int64_t value);
void write_raw(struct writer *writer, const void *data, size_t size);
/* A varint of the size, then the bytes. */
void write_span(struct writer *writer, struct span text);

/* Reads @data of @size bytes, which must outlive the reader. */
void reader_init(struct reader *reader, const void *data, size_t size);
/* True if nothing has failed so far. */
bool reader_ok(const struct reader *reader);
/* True if nothing has failed and nothing is left. */
bool reader_done(const struct reader *reader);
size_t reader_left(const struct reader *reader);

uint8_t read_u8(struct reader *reader);
uint16_t read_u16(struct reader *reader);
uint32_t read_u32(struct reader *reader);
uint64_t read_u64(struct reader *reader);
uint64_t read_varint(struct reader *reader);
int64_t read_signed(struct reader *reader);
/* @size borrowed bytes; an empty span when that many are not left. */
struct span read_raw(struct reader *reader, size_t size);
/* What write_span wrote, at most @max bytes (more is a failed read). */
struct span read_span(struct reader *reader, size_t max);

/* Bytes that write_varint takes for @value: 1 to 10. */
size_t varint_size(uint64_t value);

#endif
