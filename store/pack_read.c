#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "store/pack_header.h"

struct unpacker {
	ZSTD_DCtx *zstd;
	struct pack pack;
	struct pack_start start;
	struct span packed; /* the rows, as they came */
	struct delta deltas[PACK_DELTAS_MAX];
	uint8_t rows[PACK_ROWS_SIZE_MAX];
};

enum err_code unpacker_open(struct unpacker **ret_unpacker, struct err *err)
{
	struct unpacker *unpacker = calloc(1, sizeof(*unpacker));

	if (unpacker != NULL)
		unpacker->zstd = ZSTD_createDCtx();
	if (unpacker == NULL || unpacker->zstd == NULL) {
		unpacker_close(unpacker);
		return err_set(err, ERR_FULL, "no memory for unpacking");
	}
	*ret_unpacker = unpacker;
	return ERR_OK;
}

void unpacker_close(struct unpacker *unpacker)
{
	if (unpacker == NULL)
		return;
	(void)ZSTD_freeDCtx(unpacker->zstd); /* takes NULL; always 0 */
	free(unpacker);
}

/* Sets what a header has from the delta before. */
static void header_chain(struct unpacker *unpacker, uint32_t index)
{
	const struct pack *pack = &unpacker->pack;
	const struct pack_start *start = &unpacker->start;
	struct delta_header *header = &unpacker->deltas[index].header;
	const struct delta_header *before;

	header->site = pack->feed.site;
	header->epoch = pack->feed.epoch;
	header->seq = pack->first_seq + index;
	if (index == 0) {
		header->first = start->first;
		memcpy(header->previous, start->previous, HASH_SIZE);
	} else {
		before = &unpacker->deltas[index - 1].header;
		header->first = before->first + before->row_count;
		delta_hash(start->net_id, before, header->previous);
	}
}

/* Where the rows lie in the pack itself, their hash is what they have. */
static void rows_take(struct unpacker *unpacker, struct delta *delta,
		      struct reader *rows)
{
	delta->rows = read_raw(rows, delta->header.rows_size);
	delta_rows_hash(unpacker->start.net_id, delta->rows,
			delta->header.rows_hash);
}

static enum err_code headers_read(struct unpacker *unpacker,
				  struct reader *reader)
{
	const struct delta_header *before = NULL;
	bool has_hash = unpacker->pack.codec != PACK_PLAIN;
	uint64_t rows_size = 0;

	for (uint32_t i = 0; i < unpacker->pack.count; i++) {
		struct delta *delta = &unpacker->deltas[i];
		struct span signature;

		pack_header_read(reader, before, &delta->header, has_hash);
		signature = read_raw(reader, SIGNATURE_SIZE);
		if (!reader_ok(reader))
			return ERR_CORRUPT;
		memcpy(delta->signature, signature.data, SIGNATURE_SIZE);
		delta->rows = (struct span){"", 0};
		rows_size += delta->header.rows_size;
		before = &delta->header;
	}
	return rows_size == unpacker->pack.rows_size ? ERR_OK : ERR_CORRUPT;
}

/* In the order in which they follow each other, each with what it needs of the
 * one before. */
static enum err_code headers_finish(struct unpacker *unpacker)
{
	struct reader rows;

	reader_init(&rows, unpacker->packed.data, unpacker->packed.size);
	for (uint32_t i = 0; i < unpacker->pack.count; i++) {
		struct delta *delta = &unpacker->deltas[i];

		header_chain(unpacker, i);
		if (unpacker->pack.codec == PACK_PLAIN)
			rows_take(unpacker, delta, &rows);
		if ((delta->header.flags & ~DELTA_FLAGS_KNOWN) != 0)
			return ERR_VERSION;
		if (!reader_ok(&rows) || !delta_header_is_sound(&delta->header))
			return ERR_CORRUPT;
	}
	if (unpacker->pack.codec == PACK_PLAIN && !reader_done(&rows))
		return ERR_CORRUPT;
	return ERR_OK;
}

enum err_code unpacker_read(struct unpacker *unpacker, struct span bytes,
			    const struct pack_start *start,
			    struct pack *ret_pack)
{
	struct reader reader;
	struct span follows;
	enum err_code code;

	unpacker->pack.count = 0;
	reader_init(&reader, bytes.data, bytes.size);
	code = pack_start_read(&reader, &unpacker->pack, &follows);
	if (code != ERR_OK)
		goto out;
	code = ERR_CONFLICT;
	if (memcmp(follows.data, start->previous, PACK_FOLLOWS_SIZE) != 0)
		goto out;
	unpacker->start = *start;
	code = headers_read(unpacker, &reader);
	if (code != ERR_OK)
		goto out;
	unpacker->packed = read_raw(&reader, reader_left(&reader));
	code = headers_finish(unpacker);
out:
	if (code == ERR_OK)
		*ret_pack = unpacker->pack;
	else
		unpacker->pack.count = 0;
	return code;
}

const struct delta *unpacker_delta(const struct unpacker *unpacker,
				   uint32_t index)
{
	ASSERT(index < unpacker->pack.count);
	return &unpacker->deltas[index];
}

/* One frame, nothing behind it, and exactly as much in it as was declared: into
 * a buffer of that size zstd needs no window of its own. */
static bool rows_decompress(struct unpacker *unpacker)
{
	struct span packed = unpacker->packed;
	size_t size = unpacker->pack.rows_size;

	return ZSTD_findFrameCompressedSize(packed.data, packed.size) ==
		       packed.size &&
	       ZSTD_decompressDCtx(unpacker->zstd, unpacker->rows, size,
				   packed.data, packed.size) == size;
}

enum err_code unpacker_expand(struct unpacker *unpacker, uint32_t *ret_bad)
{
	uint8_t hash[HASH_SIZE];
	struct reader rows;

	if (unpacker->pack.codec == PACK_PLAIN)
		return ERR_OK; /* they are there */
	*ret_bad = 0;
	if (!rows_decompress(unpacker))
		return ERR_CORRUPT;
	reader_init(&rows, unpacker->rows, unpacker->pack.rows_size);
	for (uint32_t i = 0; i < unpacker->pack.count; i++) {
		struct delta *delta = &unpacker->deltas[i];
		struct span raw = read_raw(&rows, delta->header.rows_size);

		delta_rows_hash(unpacker->start.net_id, raw, hash);
		if (memcmp(hash, delta->header.rows_hash, HASH_SIZE) != 0) {
			*ret_bad = i;
			return ERR_CORRUPT;
		}
		delta->rows = raw;
	}
	return ERR_OK;
}
