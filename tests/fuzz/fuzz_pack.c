/*
 * Any bytes as a pack: refused, or deltas with sound headers whose rows have
 * the hash that the headers say, and which a packer takes.
 */
#include <string.h>

#include "store/pack.h"
#include "tests/fuzz/fuzz.h"

/* Varints of a pack before what it follows. */
#define START_VARINTS 8
#define FOLLOWS_SIZE 4

static struct unpacker *unpacker;
static struct packer *packer;

/* The place that the pack says it follows, as if we were there. */
static void start_of(struct span bytes, const struct pack *pack,
		     struct pack_start *ret_start)
{
	struct reader reader;
	struct span follows;

	*ret_start = (struct pack_start){.first = pack->first_seq};
	reader_init(&reader, bytes.data, bytes.size);
	for (size_t i = 0; i < START_VARINTS; i++)
		(void)read_varint(&reader);
	follows = read_raw(&reader, FOLLOWS_SIZE);
	memcpy(ret_start->previous, follows.data, follows.size);
}

static void check_delta(const struct delta *delta, const struct pack *pack,
			uint32_t index)
{
	uint8_t hash[HASH_SIZE];
	uint8_t net_id[NET_ID_SIZE] = {0};

	ASSERT(delta_header_is_sound(&delta->header));
	ASSERT(delta->header.seq == pack->first_seq + index);
	ASSERT(delta->rows.size == delta->header.rows_size);
	delta_rows_hash(net_id, delta->rows, hash);
	ASSERT(memcmp(hash, delta->header.rows_hash, HASH_SIZE) == 0);
}

static void pack_again(const struct pack *pack)
{
	static uint8_t bytes[PACK_SIZE_MAX];
	struct writer writer;
	uint32_t count;

	packer_begin(packer, pack->feed, pack->codec, PACK_SIZE_MAX);
	for (uint32_t i = 0; i < pack->count; i++)
		if (packer_add(packer, unpacker_delta(unpacker, i)) != ERR_OK)
			break;
	writer_init(&writer, bytes, sizeof(bytes));
	ASSERT(packer_end(packer, &writer, &count) == ERR_OK);
	ASSERT(count >= 1 && count <= pack->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = {(const char *)data, size};
	struct pack_start start;
	struct pack peeked;
	struct pack pack;
	uint32_t bad;

	if (unpacker == NULL)
		ASSERT(unpacker_open(&unpacker, NULL) == ERR_OK &&
		       packer_open(&packer, NULL) == ERR_OK);
	if (pack_peek(bytes, &peeked) != ERR_OK)
		return 0;
	start_of(bytes, &peeked, &start);
	if (unpacker_read(unpacker, bytes, &start, &pack) != ERR_OK)
		return 0;
	if (unpacker_expand(unpacker, &bad) != ERR_OK) {
		ASSERT(bad < pack.count);
		return 0;
	}
	for (uint32_t i = 0; i < pack.count; i++)
		check_delta(unpacker_delta(unpacker, i), &pack, i);
	pack_again(&pack);
	return 0;
}
