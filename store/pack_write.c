#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "store/pack_header.h"

/* What zstd takes at its worst, above what it gets. */
#define FRAME_SIZE_MAX (PACK_ROWS_SIZE_MAX + PACK_ROWS_SIZE_MAX / 128 + 512)

/* A pack's rows against their raw size, in 1/1024; what the last one came to
 * is what the next one is expected to. */
#define RATIO_ONE 1024u
#define RATIO_FIRST 768u

struct packer {
	ZSTD_CCtx *zstd;
	struct pack pack;
	size_t size_max;
	uint32_t ratio;
	size_t headers_size;                  /* of those added, at most */
	struct delta deltas[PACK_DELTAS_MAX]; /* their rows lie in @rows */
	uint8_t rows[PACK_ROWS_SIZE_MAX];
	uint8_t frame[FRAME_SIZE_MAX];
};

/* Searched as level 9 does, in tables for what a pack can hold: beyond that a
 * retail year becomes 3 % smaller at a fifth of the speed. The frame says
 * nothing that the pack says already. */
static const struct {
	ZSTD_cParameter parameter;
	int value;
} parameters[] = {
	{ZSTD_c_strategy, ZSTD_lazy2}, {ZSTD_c_windowLog, 18},
	{ZSTD_c_hashLog, 16},          {ZSTD_c_chainLog, 16},
	{ZSTD_c_searchLog, 5},         {ZSTD_c_minMatch, 4},
	{ZSTD_c_contentSizeFlag, 0},   {ZSTD_c_checksumFlag, 0},
	{ZSTD_c_dictIDFlag, 0},
};

static bool zstd_open(struct packer *packer)
{
	packer->zstd = ZSTD_createCCtx();
	if (packer->zstd == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
		if (ZSTD_isError(ZSTD_CCtx_setParameter(packer->zstd,
							parameters[i].parameter,
							parameters[i].value)))
			return false;
	/* Once at its largest: it takes its memory now, and no more later. */
	return !ZSTD_isError(ZSTD_compress2(packer->zstd, packer->frame,
					    sizeof(packer->frame), packer->rows,
					    sizeof(packer->rows)));
}

enum err_code packer_open(struct packer **ret_packer, struct err *err)
{
	struct packer *packer = calloc(1, sizeof(*packer));

	if (packer == NULL || !zstd_open(packer)) {
		packer_close(packer);
		return err_set(err, ERR_FULL, "no memory for packing");
	}
	packer->ratio = RATIO_FIRST;
	*ret_packer = packer;
	return ERR_OK;
}

void packer_close(struct packer *packer)
{
	if (packer == NULL)
		return;
	(void)ZSTD_freeCCtx(packer->zstd); /* takes NULL; always 0 */
	free(packer);
}

void packer_begin(struct packer *packer, struct feed_id feed,
		  enum pack_codec codec, size_t size_max)
{
	ASSERT(size_max >= PACK_SIZE_MIN && size_max <= PACK_SIZE_MAX);
	packer->pack = (struct pack){.feed = feed, .codec = codec};
	packer->size_max = size_max;
	packer->headers_size = PACK_START_SIZE_MAX;
}

static const struct delta_header *header_before(const struct packer *packer,
						uint32_t index)
{
	return index == 0 ? NULL : &packer->deltas[index - 1].header;
}

static size_t header_size(const struct packer *packer,
			  const struct delta_header *header)
{
	uint8_t buffer[PACK_HEADER_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	pack_header_write(&writer, header_before(packer, packer->pack.count),
			  header, packer->pack.codec != PACK_PLAIN);
	ASSERT(writer_ok(&writer));
	return writer.size + SIGNATURE_SIZE;
}

static size_t rows_expected(const struct packer *packer, size_t rows_size)
{
	if (packer->pack.codec == PACK_PLAIN)
		return rows_size;
	return rows_size * packer->ratio / RATIO_ONE;
}

enum err_code packer_add(struct packer *packer, const struct delta *delta)
{
	struct pack *pack = &packer->pack;
	size_t headers =
		packer->headers_size + header_size(packer, &delta->header);
	size_t rows = pack->rows_size + delta->rows.size;

	ASSERT(delta->rows.size == delta->header.rows_size &&
	       delta->rows.size <= DELTA_ROWS_SIZE_MAX);
	ASSERT(pack->count == 0 ||
	       delta->header.seq == pack->first_seq + pack->count);
	if (pack->count > 0 &&
	    (pack->count == PACK_DELTAS_MAX || rows > PACK_ROWS_SIZE_MAX ||
	     headers + rows_expected(packer, rows) > packer->size_max))
		return ERR_FULL;
	if (pack->count == 0)
		pack->first_seq = delta->header.seq;
	memcpy(packer->rows + pack->rows_size, delta->rows.data,
	       delta->rows.size);
	packer->deltas[pack->count] = *delta;
	packer->deltas[pack->count].rows = (struct span){"", 0};
	packer->headers_size = headers;
	pack->rows_size = (uint32_t)rows;
	pack->count++;
	return ERR_OK;
}

static void headers_write(const struct packer *packer, const struct pack *pack,
			  struct writer *writer)
{
	pack_start_write(writer, pack, packer->deltas[0].header.previous);
	for (uint32_t i = 0; i < pack->count; i++) {
		const struct delta *delta = &packer->deltas[i];

		pack_header_write(writer, header_before(packer, i),
				  &delta->header, pack->codec != PACK_PLAIN);
		write_raw(writer, delta->signature, SIGNATURE_SIZE);
	}
}

/* The rows as they will stand in the pack, which is then of that codec. */
static struct span rows_pack(struct packer *packer, struct pack *pack)
{
	struct span rows = {(const char *)packer->rows, pack->rows_size};
	size_t frame;

	if (pack->codec == PACK_PLAIN)
		return rows;
	frame = ZSTD_compress2(packer->zstd, packer->frame,
			       sizeof(packer->frame), packer->rows,
			       pack->rows_size);
	ASSERT(!ZSTD_isError(frame)); /* it has the memory and the room */
	packer->ratio = (uint32_t)(frame * RATIO_ONE / pack->rows_size) + 1;
	if (frame + pack->count * HASH_SIZE < pack->rows_size)
		return (struct span){(const char *)packer->frame, frame};
	pack->codec = PACK_PLAIN;
	return rows;
}

/* True if the pack of the first @pack->count deltas is in @writer; else
 * *@ret_size is about how long it came out. */
static bool pack_write(struct packer *packer, struct pack *pack,
		       struct writer *writer, size_t *ret_size)
{
	struct span rows;

	pack->rows_size = 0;
	for (uint32_t i = 0; i < pack->count; i++)
		pack->rows_size += packer->deltas[i].header.rows_size;
	rows = rows_pack(packer, pack);
	headers_write(packer, pack, writer);
	write_raw(writer, rows.data, rows.size);
	*ret_size = packer->headers_size + rows.size;
	return writer_ok(writer) &&
	       pack->rows_size <=
		       PACK_RATIO_MAX * writer->size + PACK_RATIO_FREE;
}

/* How many deltas to try after @count came to @size bytes. */
static uint32_t count_next(const struct packer *packer, uint32_t count,
			   size_t size)
{
	uint32_t next = (uint32_t)(count * packer->size_max / size);

	/* Too long as it seems, or blown up too far: some go in any case. */
	next = next < count ? next : count - count / 4 - 1;
	return next > 0 ? next : 1;
}

enum err_code packer_end(struct packer *packer, struct writer *writer,
			 uint32_t *ret_count)
{
	uint32_t count = packer->pack.count;
	struct writer out;
	struct pack pack;
	size_t size;

	ASSERT(count > 0);
	if (!writer_ok(writer) ||
	    writer->capacity - writer->size < packer->size_max)
		return ERR_FULL;
	for (;;) {
		pack = packer->pack;
		pack.count = count;
		writer_init(&out, writer->data + writer->size,
			    packer->size_max);
		if (pack_write(packer, &pack, &out, &size))
			break;
		ASSERT(count > 1); /* one fits: PACK_SIZE_MIN */
		count = count_next(packer, count, size);
	}
	writer->size += out.size;
	*ret_count = count;
	return ERR_OK;
}
