#include "store/delta.h"

#include <string.h>

#define ROWS_TAG "depot rows v1"
#define DELTA_TAG "depot delta v1"
#define SIGNATURE_TAG "depot delta v1 signature"

/* The header's bytes as they are hashed and signed. */
struct header_bytes {
	uint8_t data[DELTA_HEADER_SIZE_MAX];
	struct span span;
};

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

void delta_header_write(struct writer *writer,
			const struct delta_header *header)
{
	write_varint(writer, DELTA_VERSION);
	write_varint(writer, header->site);
	write_varint(writer, header->epoch);
	write_varint(writer, header->seq);
	write_raw(writer, header->previous, HASH_SIZE);
	write_u64(writer, header->stamp.value);
	write_varint(writer, header->flags);
	write_u64(writer, header->boot);
	write_varint(writer, pos_epoch(header->control));
	write_varint(writer, pos_number(header->control));
	needs_write(writer, header);
	write_varint(writer, header->first);
	write_varint(writer, header->rules);
	write_varint(writer, header->row_count);
	write_varint(writer, header->rows_size);
	write_raw(writer, header->rows_hash, HASH_SIZE);
}

/* A varint of at most @max; more is a failed read. */
static uint64_t read_below(struct reader *reader, uint64_t max)
{
	uint64_t value = read_varint(reader);

	if (value <= max)
		return value;
	reader->has_failed = true;
	return 0;
}

static uint32_t read_word(struct reader *reader)
{
	return (uint32_t)read_below(reader, UINT32_MAX);
}

static void read_copy(struct reader *reader, uint8_t *bytes, size_t size)
{
	struct span raw = read_raw(reader, size);

	if (raw.size == size)
		memcpy(bytes, raw.data, size);
}

static void needs_read(struct reader *reader, struct delta_header *header)
{
	header->need_count = (uint8_t)read_below(reader, DELTA_NEEDS_MAX);
	for (size_t i = 0; i < header->need_count; i++) {
		header->needs[i].site = read_word(reader);
		header->needs[i].epoch = read_word(reader);
		header->needs[i].seq = read_varint(reader);
	}
}

enum err_code delta_header_read(struct reader *reader,
				struct delta_header *ret_header)
{
	struct delta_header header = {0};
	uint64_t version = read_varint(reader);
	uint32_t epoch;

	if (reader_ok(reader) && version > DELTA_VERSION)
		return ERR_VERSION;
	header.site = read_word(reader);
	header.epoch = read_word(reader);
	header.seq = read_varint(reader);
	read_copy(reader, header.previous, HASH_SIZE);
	header.stamp.value = read_u64(reader);
	header.flags = read_word(reader);
	header.boot = read_u64(reader);
	epoch = (uint32_t)read_below(reader, EPOCH_MAX);
	header.control = pos_make(epoch, read_below(reader, POS_NUMBER_MAX));
	needs_read(reader, &header);
	header.first = read_varint(reader);
	header.rules = read_word(reader);
	header.row_count = read_word(reader);
	header.rows_size = read_word(reader);
	read_copy(reader, header.rows_hash, HASH_SIZE);
	if (!reader_ok(reader) || version == 0)
		return ERR_CORRUPT;
	if ((header.flags & ~DELTA_FLAGS_KNOWN) != 0)
		return ERR_VERSION;
	if (!delta_header_is_sound(&header))
		return ERR_CORRUPT;
	*ret_header = header;
	return ERR_OK;
}

static int need_compare(const struct delta_need *a, const struct delta_need *b)
{
	if (a->site != b->site)
		return a->site < b->site ? -1 : 1;
	return a->epoch == b->epoch ? 0 : a->epoch < b->epoch ? -1 : 1;
}

static bool needs_are_sound(const struct delta_header *header)
{
	struct delta_need self = {.site = header->site, .epoch = header->epoch};

	if (header->need_count > DELTA_NEEDS_MAX)
		return false;
	for (size_t i = 0; i < header->need_count; i++) {
		const struct delta_need *need = &header->needs[i];

		if (need->site == SITE_NONE || need->epoch == 0 ||
		    need->epoch > EPOCH_MAX || need->seq == 0 ||
		    need_compare(need, &self) == 0)
			return false;
		if (i > 0 && need_compare(&header->needs[i - 1], need) >= 0)
			return false;
	}
	return true;
}

static bool rows_are_sound(const struct delta_header *header)
{
	return header->row_count >= 1 && header->row_count <= DELTA_ROWS_MAX &&
	       header->rows_size >= header->row_count &&
	       header->rows_size <= DELTA_ROWS_SIZE_MAX && header->first >= 1 &&
	       header->first <= POS_NUMBER_MAX - (header->row_count - 1);
}

/* The first delta of a feed follows nothing, and begins at its entry 1. */
static bool start_is_sound(const struct delta_header *header)
{
	static const uint8_t none[HASH_SIZE];
	bool is_first = header->seq == 1;

	return header->seq >= 1 && header->first >= header->seq &&
	       (header->first == 1) == is_first &&
	       (memcmp(header->previous, none, HASH_SIZE) == 0) == is_first &&
	       (!is_first || (header->flags & DELTA_SEGMENT_START) != 0);
}

bool delta_header_is_sound(const struct delta_header *header)
{
	return header->site != SITE_NONE && header->epoch >= 1 &&
	       header->epoch <= EPOCH_MAX &&
	       (header->flags & ~DELTA_FLAGS_KNOWN) == 0 &&
	       (pos_epoch(header->control) == 0) ==
		       (pos_number(header->control) == 0) &&
	       start_is_sound(header) && needs_are_sound(header) &&
	       rows_are_sound(header);
}

/* ---- hashes and signatures ---- */

static void header_encode(const struct delta_header *header,
			  struct header_bytes *ret_bytes)
{
	struct writer writer;

	writer_init(&writer, ret_bytes->data, sizeof(ret_bytes->data));
	delta_header_write(&writer, header);
	ASSERT(writer_ok(&writer));
	ret_bytes->span =
		(struct span){(const char *)ret_bytes->data, writer.size};
}

void delta_hash(const uint8_t net_id[NET_ID_SIZE],
		const struct delta_header *header, uint8_t ret_hash[HASH_SIZE])
{
	struct header_bytes bytes;

	header_encode(header, &bytes);
	seal_hash(DELTA_TAG, net_id, bytes.span, ret_hash);
}

void delta_rows_hash(const uint8_t net_id[NET_ID_SIZE], struct span rows,
		     uint8_t ret_hash[HASH_SIZE])
{
	seal_hash(ROWS_TAG, net_id, rows, ret_hash);
}

void delta_sign(const struct signer *signer, const uint8_t net_id[NET_ID_SIZE],
		const struct delta_header *header,
		uint8_t ret_signature[SIGNATURE_SIZE])
{
	struct header_bytes bytes;

	header_encode(header, &bytes);
	signer_sign(signer, SIGNATURE_TAG, net_id, bytes.span, ret_signature);
}

bool delta_verify(const uint8_t public_key[KEY_PUBLIC_SIZE],
		  const uint8_t net_id[NET_ID_SIZE],
		  const struct delta_header *header,
		  const uint8_t signature[SIGNATURE_SIZE])
{
	struct header_bytes bytes;

	header_encode(header, &bytes);
	return signature_is_good(public_key, SIGNATURE_TAG, net_id, bytes.span,
				 signature);
}
