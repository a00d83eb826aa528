/*
 * delta_golden - the deltas of tests/golden/delta/segment.hex.
 */
#ifndef DEPOT_TESTS_SUPPORT_DELTA_GOLDEN_H
#define DEPOT_TESTS_SUPPORT_DELTA_GOLDEN_H

#include "store/pack.h"
#include "tests/support/deltas.h"

#define GOLDEN_DELTAS 4
#define GOLDEN_KINDS 25 /* there were when the file was made */
#define GOLDEN_UNKNOWN 200

struct golden {
	struct signer *signer;
	struct rows *rows;
	struct delta deltas[GOLDEN_DELTAS];
	uint8_t bytes[GOLDEN_DELTAS][DELTA_ROWS_SIZE_MAX];
	uint64_t stamp;
};

static const struct feed_id golden_feed = {SITE_FIRST + 4, 2, 0};

static inline void golden_row(struct golden *golden, struct writer *writer,
			      struct delta_header *header, struct span entry)
{
	uint64_t number = header->first + header->row_count;

	assert_code(rows_write(golden->rows, pos_make(2, number), entry,
			       writer),
		    ERR_OK);
	header->row_count++;
}

/* A sample, 1.5 s after the one before. */
static inline struct bytes golden_entry(uint64_t *stamp, enum entry_kind kind)
{
	struct entry entry = sample_entry(kind);

	*stamp += UINT64_C(1500) << STAMP_COUNTER_BITS;
	entry.stamp.value = *stamp;
	entry.effective.ms = stamp_moment(entry.stamp).ms - 123;
	return encode(&entry);
}

/* Fields of a newer depot, few, or more than a shape has. */
static inline struct bytes golden_unknown(uint64_t fields)
{
	struct bytes bytes;
	struct writer writer;

	writer_init(&writer, bytes.data, sizeof(bytes.data));
	write_varint(&writer, ENTRY_FORMAT);
	write_varint(&writer, GOLDEN_UNKNOWN);
	for (uint64_t i = 0; i < fields; i++) {
		field_number(&writer, 20 + 3 * i, 1000 * i + 1);
		field_bytes(&writer, 21 + 3 * i, SPAN_LITERAL("new"));
	}
	bytes.size = writer.size;
	return bytes;
}

static inline void golden_rows(struct golden *golden, size_t index,
			       struct writer *writer,
			       struct delta_header *header)
{
	static struct bytes bytes;

	for (int kind = 1; index % 3 == 0 && kind <= GOLDEN_KINDS; kind++) {
		bytes = golden_entry(&golden->stamp, (enum entry_kind)kind);
		golden_row(golden, writer, header, bytes_span(&bytes));
	}
	for (size_t i = 0; i < index; i++) {
		bytes = golden_entry(&golden->stamp, ENTRY_MOVEMENT);
		golden_row(golden, writer, header, bytes_span(&bytes));
	}
	for (uint64_t i = 2; index == 1 && i < 60; i += 40) {
		bytes = golden_unknown(i);
		golden_row(golden, writer, header, bytes_span(&bytes));
	}
}

static inline void golden_delta(struct golden *golden, size_t index)
{
	struct delta *delta = &golden->deltas[index];
	struct delta_header *header = &delta->header;
	struct writer writer;

	*header = sample_header();
	header->seq = index + 1;
	header->first = 1;
	header->need_count = index == 2 ? 2 : 0;
	header->row_count = 0;
	header->stamp.value += index << STAMP_COUNTER_BITS;
	memset(header->previous, 0, HASH_SIZE);
	if (index > 0) {
		header->first = golden->deltas[index - 1].header.first +
				golden->deltas[index - 1].header.row_count;
		delta_hash(sample_net, &golden->deltas[index - 1].header,
			   header->previous);
	}
	if (index == 0 || index == 3) {
		header->flags |= DELTA_SEGMENT_START;
		rows_reset(golden->rows);
	}
	writer_init(&writer, golden->bytes[index], DELTA_ROWS_SIZE_MAX);
	golden_rows(golden, index, &writer, header);
	header->rows_size = (uint32_t)writer.size;
	delta->rows = (struct span){(const char *)writer.data, writer.size};
	delta_rows_hash(sample_net, delta->rows, header->rows_hash);
	delta_sign(golden->signer, sample_net, header, delta->signature);
	assert_true(delta_header_is_sound(header));
}

static inline struct golden *golden_make(void)
{
	struct golden *golden = calloc(1, sizeof(*golden));

	assert_non_null(golden);
	golden->signer = sample_signer();
	golden->rows = rows_new();
	golden->stamp = UINT64_C(1795341600000) << STAMP_COUNTER_BITS;
	for (size_t i = 0; i < GOLDEN_DELTAS; i++)
		golden_delta(golden, i);
	return golden;
}

static inline void golden_free(struct golden *golden)
{
	signer_close(golden->signer);
	rows_close(golden->rows);
	free(golden);
}

#endif
