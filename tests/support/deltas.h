/*
 * deltas - entries of every kind and of none, and deltas made of them.
 */
#ifndef DEPOT_TESTS_SUPPORT_DELTAS_H
#define DEPOT_TESTS_SUPPORT_DELTAS_H

#include "rules/base/stamp.h"
#include "store/delta.h"
#include "store/rows.h"
#include "tests/support/entries.h"

/* ---- any entries ---- */

/* Makes entries one after the other, as a site might, and as no site would. */
struct maker {
	uint64_t random;
	struct stamp stamp;
	uint32_t texts; /* how many there are of each sort */
	bool is_plain;  /* only kinds and fields that there are */
};

static inline uint32_t draw(struct maker *maker, uint32_t below)
{
	return (uint32_t)(test_random(&maker->random) % below);
}

static inline void field_number(struct writer *writer, uint64_t tag,
				uint64_t number)
{
	if (number == 0)
		return;
	write_varint(writer, tag << 1);
	write_varint(writer, number);
}

static inline void field_bytes(struct writer *writer, uint64_t tag,
			       struct span bytes)
{
	if (bytes.size == 0)
		return;
	write_varint(writer, tag << 1 | 1);
	write_span(writer, bytes);
}

/* Mostly small, at times as large as they come. */
static inline uint64_t draw_number(struct maker *maker)
{
	uint64_t wide = test_random(&maker->random);

	return wide >> (draw(maker, 8) == 0 ? 0 : 40 + draw(maker, 24));
}

static inline void draw_text(struct maker *maker, struct writer *writer,
			     uint64_t tag)
{
	static const char *const system_bins[] = {"DOCK", "PICKED", "PACKED"};
	char text[300];
	size_t size;

	if (draw(maker, 6) == 0) {
		field_bytes(writer, tag, span_of(system_bins[draw(maker, 3)]));
		return;
	}
	(void)text_format(text, sizeof(text), "%c%u", 'A' + (int)draw(maker, 3),
			  draw(maker, maker->texts));
	size = strlen(text);
	if (draw(maker, 40) == 0) { /* too long for a window */
		memset(text + size, 'x', sizeof(text) - size);
		size += draw(maker, 280);
	}
	field_bytes(writer, tag, (struct span){text, size});
}

/* The clock as it goes, stands, jumps; or anything. */
static inline uint64_t draw_stamp(struct maker *maker)
{
	int64_t ms = stamp_moment(maker->stamp).ms;

	switch (draw(maker, 10)) {
	case 0:
		break;
	case 1:
		ms += (int64_t)draw(maker, 100000000);
		break;
	case 2:
		return test_random(&maker->random) >> draw(maker, 64);
	case 3:
		maker->stamp.value |= UINT16_MAX; /* the counter runs over */
		break;
	default:
		ms += (int64_t)draw(maker, 5000);
	}
	maker->stamp = stamp_next(maker->stamp, (struct moment){ms});
	return maker->stamp.value;
}

/* As FIELD_CLOCK has it: near, late, in whole seconds, or anything. */
static inline uint64_t draw_effective(struct maker *maker, uint64_t stamp)
{
	int64_t ms = (int64_t)(stamp >> STAMP_COUNTER_BITS);
	int64_t effective = ms;

	switch (draw(maker, 6)) {
	case 0:
		return 0;
	case 1:
		return test_random(&maker->random) >> draw(maker, 64);
	case 2:
		effective -= (int64_t)draw(maker, 100000000);
		break;
	default:
		effective += 200 - (int64_t)draw(maker, 3000);
	}
	if (draw(maker, 2) == 0)
		effective = effective / 1000 * 1000;
	effective -= ms;
	return (uint64_t)effective << 1 ^ (effective < 0 ? UINT64_MAX : 0);
}

static inline void draw_field(struct maker *maker, struct writer *writer,
			      uint64_t tag, bool is_text)
{
	if (!maker->is_plain && draw(maker, 50) == 0)
		is_text = !is_text; /* of no wire type that we know */
	if (is_text)
		draw_text(maker, writer, tag);
	else
		field_number(writer, tag, draw_number(maker));
}

static inline void draw_head(struct maker *maker, struct writer *writer)
{
	struct field_table head = entry_head_fields();
	uint64_t stamp = draw(maker, 30) == 0 ? 0 : draw_stamp(maker);

	field_number(writer, 1, stamp);
	field_number(writer, 2, draw_effective(maker, stamp));
	for (size_t i = 2; i < head.count; i++)
		if (draw(maker, 3) > 0)
			draw_field(maker, writer, head.fields[i].tag,
				   head.fields[i].type == FIELD_TEXT);
	if (!maker->is_plain && draw(maker, 20) == 0)
		draw_field(maker, writer, 12, draw(maker, 2) == 0);
}

static inline void draw_body(struct maker *maker, struct writer *writer,
			     uint64_t kind)
{
	struct field_table body;
	uint64_t tag = 16;

	if (entry_kind_is_known(kind)) {
		body = entry_body_fields((enum entry_kind)kind);
		for (size_t i = 0; i < body.count; i++) {
			tag = body.fields[i].tag;
			if (draw(maker, 4) > 0)
				draw_field(maker, writer, tag,
					   body.fields[i].type == FIELD_TEXT ||
						   body.fields[i].type ==
							   FIELD_RAW);
		}
	}
	if (maker->is_plain)
		return;
	while (draw(maker, 8) == 0) { /* fields of a newer depot */
		tag += 1 + draw_number(maker) / 1000;
		draw_field(maker, writer, tag, draw(maker, 2) == 0);
	}
	if (draw(maker, 100) == 0) /* more than a shape can have */
		for (size_t i = 0; i < 60; i++)
			draw_field(maker, writer, ++tag, false);
}

static inline struct bytes maker_entry(struct maker *maker)
{
	struct bytes bytes;
	struct writer writer;
	uint64_t kind;

	do {
		kind = draw(maker, 20) == 0
			       ? 1 + draw_number(maker)
			       : kind_at(draw(maker, ENTRY_KIND_COUNT));
		writer_init(&writer, bytes.data, sizeof(bytes.data));
		write_varint(&writer, ENTRY_FORMAT);
		write_varint(&writer, kind);
		draw_head(maker, &writer);
		draw_body(maker, &writer, kind);
	} while (!writer_ok(&writer));
	bytes.size = writer.size;
	return bytes;
}

static inline struct span bytes_span(const struct bytes *bytes)
{
	return (struct span){(const char *)bytes->data, bytes->size};
}

/* What comes out at the other end: all but a device's boot and sequence. */
static inline struct bytes without_device(const struct bytes *entry)
{
	struct bytes left;
	struct reader reader;
	struct writer writer;

	reader_init(&reader, entry->data, entry->size);
	writer_init(&writer, left.data, sizeof(left.data));
	write_varint(&writer, read_varint(&reader));
	write_varint(&writer, read_varint(&reader));
	while (reader_left(&reader) > 0) {
		uint64_t key = read_varint(&reader);
		struct span bytes = {"", 0};
		uint64_t number = 0;

		if ((key & 1) != 0)
			bytes = read_span(&reader, ENTRY_SIZE_MAX);
		else
			number = read_varint(&reader);
		if (key >> 1 == 6 || key >> 1 == 7)
			continue;
		field_bytes(&writer, key >> 1, bytes);
		field_number(&writer, key >> 1, number);
	}
	assert_true(reader_done(&reader) && writer_ok(&writer));
	left.size = writer.size;
	return left;
}

/* ---- segments ---- */

static inline struct rows *rows_new(void)
{
	struct rows *rows;
	struct err err;

	assert_done(rows_open(&rows, &err), &err);
	return rows;
}

/* ---- deltas ---- */

static const uint8_t sample_net[NET_ID_SIZE] = "golden network";

static inline struct signer *sample_signer(void)
{
	uint8_t seed[32];
	struct signer *signer;
	struct err err;

	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)(i + 1);
	assert_done(signer_of_seed(seed, &signer, &err), &err);
	return signer;
}

/* The third delta of a feed, with everything that a header can have. */
static inline struct delta_header sample_header(void)
{
	struct delta_header header = {
		.site = SITE_FIRST + 4,
		.epoch = 2,
		.seq = 3,
		.stamp = {UINT64_C(1795341600123) << STAMP_COUNTER_BITS | 7},
		.flags = DELTA_CLOCK_TRUSTED,
		.boot = UINT64_C(0x0123456789abcdef),
		.control = pos_make(1, 300),
		.need_count = 2,
		.needs = {{SITE_FIRST, 1, 900}, {SITE_FIRST, 2, 1}},
		.first = 200,
		.rules = 1,
		.row_count = 2,
		.rows_size = 70,
	};

	memset(header.previous, 0x11, HASH_SIZE);
	memset(header.rows_hash, 0x22, HASH_SIZE);
	return header;
}

#endif
