/*
 * heir_golden - the deltas of tests/golden/delta/heir.hex: an epoch that
 * succeeds the one of segment.hex.
 */
#ifndef DEPOT_TESTS_SUPPORT_HEIR_GOLDEN_H
#define DEPOT_TESTS_SUPPORT_HEIR_GOLDEN_H

#include "store/heir.h"
#include "tests/support/delta_golden.h"

#define HEIR_DELTAS 2
#define HEIR_EPOCH 300

struct heir_golden {
	struct signer *parent; /* golden_feed's key */
	struct signer *signer;
	struct rows *rows;
	struct heir heir;
	uint8_t statement[256];
	size_t statement_size;
	struct delta deltas[HEIR_DELTAS];
	uint8_t bytes[HEIR_DELTAS][DELTA_ROWS_SIZE_MAX];
	uint64_t stamp;
};

/* As docs/format/delta.md has it, and not as store/heir.c does. */
static inline void heir_golden_statement(struct heir_golden *golden)
{
	const struct succession *succession = &golden->heir.succession;
	struct writer writer;

	writer_init(&writer, golden->statement, sizeof(golden->statement));
	write_varint(&writer, golden->heir.site);
	write_varint(&writer, golden->heir.epoch);
	write_raw(&writer, golden->heir.public_key, KEY_PUBLIC_SIZE);
	write_varint(&writer, succession->parent_epoch);
	write_varint(&writer, succession->parent_seq);
	write_raw(&writer, succession->parent_hash, HASH_SIZE);
	assert_true(writer_ok(&writer));
	golden->statement_size = writer.size;
}

static inline void heir_golden_vouch(struct heir_golden *golden)
{
	struct golden *before = golden_make();
	struct heir *heir = &golden->heir;

	*heir = (struct heir){.site = golden_feed.site,
			      .epoch = HEIR_EPOCH,
			      .succession = {.parent_epoch = golden_feed.epoch,
					     .parent_seq = GOLDEN_DELTAS,
					     .reason = SUCCESSION_ROLLBACK,
					     .lost_first = 57,
					     .lost_last = 61}};
	delta_hash(sample_net, &before->deltas[GOLDEN_DELTAS - 1].header,
		   heir->succession.parent_hash);
	memcpy(heir->public_key, signer_public(golden->signer),
	       KEY_PUBLIC_SIZE);
	golden_free(before);
	heir_golden_statement(golden);
	signer_sign(golden->parent, "depot heir v1", sample_net,
		    (struct span){(const char *)golden->statement,
				  golden->statement_size},
		    heir->succession.signature);
}

static inline void heir_golden_row(struct heir_golden *golden, size_t index,
				   struct writer *writer, struct entry *entry)
{
	struct delta_header *header = &golden->deltas[index].header;
	struct bytes bytes;

	golden->stamp += UINT64_C(1500) << STAMP_COUNTER_BITS;
	entry->stamp.value = golden->stamp;
	entry->effective.ms = stamp_moment(entry->stamp).ms - 123;
	bytes = encode(entry);
	assert_code(rows_write(golden->rows,
			       pos_make(HEIR_EPOCH,
					header->first + header->row_count),
			       bytes_span(&bytes), writer),
		    ERR_OK);
	header->row_count++;
}

/* A movement that stood in the epoch before under these numbers. */
static inline void heir_golden_again(struct heir_golden *golden, size_t index,
				     struct writer *writer, uint64_t carried,
				     uint64_t regained)
{
	struct entry entry = sample_entry(ENTRY_MOVEMENT);

	if (carried != 0)
		entry.carried = pos_make(golden_feed.epoch, carried);
	if (regained != 0)
		entry.regained = pos_make(golden_feed.epoch, regained);
	heir_golden_row(golden, index, writer, &entry);
}

static inline void heir_golden_rows(struct heir_golden *golden, size_t index,
				    struct writer *writer)
{
	struct entry entry;

	if (index == 0) {
		entry = sample_entry(ENTRY_FOUNDING);
		memcpy(entry.body.founding.net_id, sample_net, NET_ID_SIZE);
		memcpy(entry.body.founding.public_key, golden->heir.public_key,
		       KEY_PUBLIC_SIZE);
		heir_golden_row(golden, index, writer, &entry);
		entry = sample_entry(ENTRY_SUCCESSION);
		entry.body.succession = golden->heir.succession;
		heir_golden_row(golden, index, writer, &entry);
		/* Peers had 55 and 56; 62 and 63 nobody had heard of. */
		heir_golden_again(golden, index, writer, 0, 55);
		heir_golden_again(golden, index, writer, 0, 56);
		heir_golden_again(golden, index, writer, 62, 0);
		return;
	}
	heir_golden_again(golden, index, writer, 63, 0);
	entry = sample_entry(ENTRY_TASK);
	heir_golden_row(golden, index, writer, &entry);
}

static inline void heir_golden_delta(struct heir_golden *golden, size_t index)
{
	struct delta *delta = &golden->deltas[index];
	struct delta_header *header = &delta->header;
	struct writer writer;

	*header = sample_header();
	header->epoch = HEIR_EPOCH;
	header->seq = index + 1;
	header->first = 1;
	header->need_count = 0;
	header->row_count = 0;
	memset(header->previous, 0, HASH_SIZE);
	if (index == 0) {
		header->flags |= DELTA_SEGMENT_START;
	} else {
		const struct delta_header *before =
			&golden->deltas[index - 1].header;

		header->first = before->first + before->row_count;
		delta_hash(sample_net, before, header->previous);
	}
	writer_init(&writer, golden->bytes[index], DELTA_ROWS_SIZE_MAX);
	heir_golden_rows(golden, index, &writer);
	header->rows_size = (uint32_t)writer.size;
	delta->rows = (struct span){(const char *)writer.data, writer.size};
	delta_rows_hash(sample_net, delta->rows, header->rows_hash);
	delta_sign(golden->signer, sample_net, header, delta->signature);
	assert_true(delta_header_is_sound(header));
}

static inline struct heir_golden *heir_golden_make(void)
{
	struct heir_golden *golden = calloc(1, sizeof(*golden));
	uint8_t seed[32];

	assert_non_null(golden);
	memset(seed, 0x77, sizeof(seed));
	golden->parent = sample_signer();
	assert_code(signer_of_seed(seed, &golden->signer, NULL), ERR_OK);
	golden->rows = rows_new();
	golden->stamp = UINT64_C(1795341700000) << STAMP_COUNTER_BITS;
	heir_golden_vouch(golden);
	for (size_t i = 0; i < HEIR_DELTAS; i++)
		heir_golden_delta(golden, i);
	return golden;
}

static inline void heir_golden_free(struct heir_golden *golden)
{
	signer_close(golden->parent);
	signer_close(golden->signer);
	rows_close(golden->rows);
	free(golden);
}

#endif
