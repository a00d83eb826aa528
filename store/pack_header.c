#include "store/pack_header.h"

#include <string.h>

/* What is as in the header before; above them the header's flags. */
#define SAME_BOOT 1u
#define SAME_CONTROL 2u
#define SAME_RULES 4u
#define HAS_NEEDS 8u
#define MARKS_BITS 4

/* ---- the pack ---- */

void pack_start_write(struct writer *writer, const struct pack *pack,
		      const uint8_t previous[HASH_SIZE])
{
	write_varint(writer, PACK_VERSION);
	write_varint(writer, pack->codec);
	write_varint(writer, pack->feed.site);
	write_varint(writer, pack->feed.epoch);
	write_varint(writer, pack->feed.branch);
	write_varint(writer, pack->first_seq);
	write_varint(writer, pack->count);
	write_varint(writer, pack->rows_size);
	write_raw(writer, previous, PACK_FOLLOWS_SIZE);
}

/* A varint from @min to @max; any other is a failed read. */
static uint64_t read_between(struct reader *reader, uint64_t min, uint64_t max)
{
	uint64_t value = read_varint(reader);

	if (value >= min && value <= max)
		return value;
	reader->has_failed = true;
	return 0;
}

enum err_code pack_start_read(struct reader *reader, struct pack *ret_pack,
			      struct span *ret_follows)
{
	struct pack pack;
	size_t size = reader_left(reader);
	uint64_t version = read_varint(reader);
	uint64_t codec = read_varint(reader);

	if (reader_ok(reader) &&
	    (version > PACK_VERSION || codec > PACK_CODEC_MAX))
		return ERR_VERSION;
	pack.feed.site = (uint32_t)read_between(reader, 1, UINT32_MAX);
	pack.feed.epoch = (uint32_t)read_between(reader, 1, EPOCH_MAX);
	pack.feed.branch = read_varint(reader);
	pack.first_seq = read_between(reader, 1, POS_NUMBER_MAX);
	pack.count = (uint32_t)read_between(reader, 1, PACK_DELTAS_MAX);
	pack.rows_size = (uint32_t)read_between(reader, 1, PACK_ROWS_SIZE_MAX);
	*ret_follows = read_raw(reader, PACK_FOLLOWS_SIZE);
	if (!reader_ok(reader) || version == 0 || codec == 0 ||
	    size > PACK_SIZE_MAX ||
	    pack.rows_size > PACK_RATIO_MAX * size + PACK_RATIO_FREE)
		return ERR_CORRUPT;
	pack.codec = (enum pack_codec)codec;
	*ret_pack = pack;
	return ERR_OK;
}

enum err_code pack_peek(struct span bytes, struct pack *ret_pack)
{
	struct reader reader;
	struct span follows;

	reader_init(&reader, bytes.data, bytes.size);
	return pack_start_read(&reader, ret_pack, &follows);
}

/* ---- its deltas ---- */

/* Stamps by their milliseconds and counters, which are both small so. */
static void stamp_write(struct writer *writer, struct stamp before,
			struct stamp stamp)
{
	write_signed(writer, stamp_moment(stamp).ms - stamp_moment(before).ms);
	write_varint(writer, stamp.value & ((1u << STAMP_COUNTER_BITS) - 1));
}

static struct stamp stamp_read(struct reader *reader, struct stamp before)
{
	int64_t ms = read_signed(reader);
	uint64_t counter = read_between(reader, 0, UINT16_MAX);

	if (__builtin_add_overflow(ms, stamp_moment(before).ms, &ms) ||
	    ms < 0 || ms > MOMENT_MS_MAX) {
		reader->has_failed = true;
		return before;
	}
	return (struct stamp){(uint64_t)ms << STAMP_COUNTER_BITS | counter};
}

static void needs_write(struct writer *writer,
			const struct delta_header *header)
{
	write_varint(writer, header->need_count);
	for (size_t i = 0; i < header->need_count; i++) {
		write_varint(writer, header->needs[i].site);
		write_varint(writer, header->needs[i].epoch);
		write_varint(writer, header->needs[i].seq);
	}
}

static void needs_read(struct reader *reader, struct delta_header *header)
{
	header->need_count = (uint8_t)read_between(reader, 1, DELTA_NEEDS_MAX);
	for (size_t i = 0; i < header->need_count; i++) {
		header->needs[i].site =
			(uint32_t)read_between(reader, 1, UINT32_MAX);
		header->needs[i].epoch =
			(uint32_t)read_between(reader, 1, EPOCH_MAX);
		header->needs[i].seq = read_varint(reader);
	}
}

static const struct delta_header nothing;

static unsigned marks_of(const struct delta_header *before,
			 const struct delta_header *header)
{
	unsigned marks = 0;

	if (header->boot == before->boot)
		marks |= SAME_BOOT;
	if (header->control.value == before->control.value)
		marks |= SAME_CONTROL;
	if (header->rules == before->rules)
		marks |= SAME_RULES;
	if (header->need_count > 0)
		marks |= HAS_NEEDS;
	return marks;
}

void pack_header_write(struct writer *writer, const struct delta_header *before,
		       const struct delta_header *header, bool has_hash)
{
	unsigned marks;

	before = before == NULL ? &nothing : before;
	marks = marks_of(before, header);
	write_varint(writer, (uint64_t)header->flags << MARKS_BITS | marks);
	stamp_write(writer, before->stamp, header->stamp);
	if ((marks & SAME_BOOT) == 0)
		write_u64(writer, header->boot);
	if ((marks & SAME_CONTROL) == 0) {
		write_varint(writer, pos_epoch(header->control));
		write_varint(writer, pos_number(header->control));
	}
	if ((marks & SAME_RULES) == 0)
		write_varint(writer, header->rules);
	if ((marks & HAS_NEEDS) != 0)
		needs_write(writer, header);
	write_varint(writer, header->row_count);
	write_varint(writer, header->rows_size);
	if (has_hash)
		write_raw(writer, header->rows_hash, HASH_SIZE);
}

static struct pos control_read(struct reader *reader)
{
	uint32_t epoch = (uint32_t)read_between(reader, 0, EPOCH_MAX);

	return pos_make(epoch, read_between(reader, 0, POS_NUMBER_MAX));
}

void pack_header_read(struct reader *reader, const struct delta_header *before,
		      struct delta_header *ret_header, bool has_hash)
{
	struct delta_header *header = ret_header;
	struct span hash;
	uint64_t marks;

	before = before == NULL ? &nothing : before;
	*header = nothing;
	marks = read_between(reader, 0,
			     (uint64_t)UINT32_MAX << MARKS_BITS |
				     ((1u << MARKS_BITS) - 1));
	header->flags = (uint32_t)(marks >> MARKS_BITS);
	header->stamp = stamp_read(reader, before->stamp);
	header->boot =
		(marks & SAME_BOOT) != 0 ? before->boot : read_u64(reader);
	header->control = (marks & SAME_CONTROL) != 0 ? before->control
						      : control_read(reader);
	header->rules = (marks & SAME_RULES) != 0
				? before->rules
				: (uint32_t)read_between(reader, 0, UINT32_MAX);
	if ((marks & HAS_NEEDS) != 0)
		needs_read(reader, header);
	header->row_count = (uint32_t)read_between(reader, 1, DELTA_ROWS_MAX);
	header->rows_size =
		(uint32_t)read_between(reader, 1, DELTA_ROWS_SIZE_MAX);
	if (has_hash) {
		hash = read_raw(reader, HASH_SIZE);
		if (hash.size == HASH_SIZE)
			memcpy(header->rows_hash, hash.data, HASH_SIZE);
	}
	/* One form only: what could have been left out is not told. */
	if ((marks & ((1u << MARKS_BITS) - 1)) != marks_of(before, header))
		reader->has_failed = true;
}
