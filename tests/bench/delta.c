/*
 * bench_delta - what a journal costs on the wire, and how fast it gets there.
 *
 *	bench_delta week|STORE ROWS
 *
 * Seals all entries of a made-up week, or of a store's journal, into deltas of
 * ROWS rows, packs them for catch-up, unpacks, verifies and reads them back.
 */
#include <inttypes.h>
#include <string.h>

#include "store/ledger.h"
#include "store/pack.h"
#include "store/rows.h"
#include "tests/bench/bench.h"
#include "tests/bench/week.h"

#define WEEK_SEED 7
#define SEGMENT ROWS_SEGMENT_DELTAS
#define BOOT UINT64_C(0x6e5f0c9b3a214d87)

static const uint8_t net_id[NET_ID_SIZE] = "bench net";

struct bench {
	struct entries entries;
	uint32_t rows_max;
	struct signer *signer;
	struct rows *rows;
	struct packer *packer;
	struct unpacker *unpacker;
	/* Deltas, their rows one behind the other, and packs likewise. */
	struct delta *deltas;
	size_t delta_count;
	uint8_t *rows_bytes;
	size_t rows_size;
	uint8_t *packs;
	size_t packs_size;
	size_t *pack_ends;
	size_t pack_count;
	size_t live_size; /* of a delta with one row, plain */
};

/* ---- entries ---- */

static enum err_code journal_see(void *context, const struct journal_row *row,
				 struct err *err)
{
	struct entries *entries = context;
	struct entry entry;

	(void)err;
	entries_add(entries, row->bytes.data, row->bytes.size);
	if (entry_decode(row->bytes, &entry) == ERR_OK &&
	    entry.kind == ENTRY_MOVEMENT)
		entries->movements++;
	return ERR_OK;
}

static void journal_load(const char *path, struct entries *entries)
{
	struct ledger *ledger;
	struct view *view;
	struct err err;

	bench_do(ledger_open(path, ENV_READ, &ledger, &err), &err);
	bench_do(view_begin(ledger_env(ledger), &view, &err), &err);
	bench_do(journal_walk(view, pos_make(1, 1), journal_see, entries, &err),
		 &err);
	view_end(view);
	ledger_close(ledger);
}

static struct span entry_at(const struct entries *entries, size_t index)
{
	size_t from = index == 0 ? 0 : entries->ends[index - 1];

	return (struct span){(const char *)entries->bytes + from,
			     entries->ends[index] - from};
}

/* ---- sealing ---- */

static void header_start(struct bench *bench, struct delta_header *header,
			 size_t first)
{
	size_t seq = bench->delta_count + 1;

	*header = (struct delta_header){
		.site = SITE_FIRST,
		.epoch = 1,
		.seq = seq,
		.stamp = {(UINT64_C(1795341600000) + 60000 * seq) << 16},
		.flags = DELTA_CLOCK_TRUSTED,
		.boot = BOOT,
		.control = pos_make(1, 40),
		.first = first + 1,
		.rules = 1,
	};
	if ((seq - 1) % SEGMENT == 0)
		header->flags |= DELTA_SEGMENT_START;
}

/* The rows of the next delta, from entry @at on; returns where it ends. */
static size_t rows_seal(struct bench *bench, struct delta_header *header,
			size_t at)
{
	struct writer writer;

	writer_init(&writer, bench->rows_bytes + bench->rows_size,
		    DELTA_ROWS_SIZE_MAX);
	header_start(bench, header, at);
	if ((header->flags & DELTA_SEGMENT_START) != 0)
		rows_reset(bench->rows);
	rows_mark(bench->rows);
	while (at < bench->entries.count &&
	       header->row_count < bench->rows_max) {
		if (rows_write(bench->rows, pos_make(1, at + 1),
			       entry_at(&bench->entries, at),
			       &writer) != ERR_OK)
			bench_die("entry %zu has no row", at + 1);
		header->row_count++;
		at++;
	}
	header->rows_size = (uint32_t)writer.size;
	return at;
}

static double seal_rows(struct bench *bench)
{
	uint64_t start = bench_now_ns();

	for (size_t at = 0; at < bench->entries.count;) {
		struct delta *delta = &bench->deltas[bench->delta_count];

		at = rows_seal(bench, &delta->header, at);
		delta->rows = (struct span){(const char *)bench->rows_bytes +
						    bench->rows_size,
					    delta->header.rows_size};
		bench->rows_size += delta->rows.size;
		bench->delta_count++;
	}
	return bench_seconds(start);
}

static double sign(struct bench *bench)
{
	uint64_t start = bench_now_ns();
	const struct delta_header *before = NULL;

	for (size_t i = 0; i < bench->delta_count; i++) {
		struct delta *delta = &bench->deltas[i];

		delta_rows_hash(net_id, delta->rows, delta->header.rows_hash);
		if (before != NULL)
			delta_hash(net_id, before, delta->header.previous);
		delta_sign(bench->signer, net_id, &delta->header,
			   delta->signature);
		before = &delta->header;
	}
	return bench_seconds(start);
}

/* ---- travelling ---- */

static double pack_all(struct bench *bench)
{
	uint64_t start = bench_now_ns();
	struct feed_id feed = {SITE_FIRST, 1, 0};
	struct writer writer;
	uint32_t count;

	for (size_t at = 0; at < bench->delta_count; at += count) {
		writer_init(&writer, bench->packs + bench->packs_size,
			    PACK_SIZE_MAX);
		packer_begin(bench->packer, feed, PACK_ZSTD, PACK_SIZE_MAX);
		for (size_t i = at; i < bench->delta_count; i++)
			if (packer_add(bench->packer, &bench->deltas[i]) !=
			    ERR_OK)
				break;
		if (packer_end(bench->packer, &writer, &count) != ERR_OK)
			bench_die("no room for a pack");
		bench->packs_size += writer.size;
		bench->pack_ends[bench->pack_count++] = bench->packs_size;
	}
	return bench_seconds(start);
}

static void start_after(const struct bench *bench, size_t seq,
			struct pack_start *ret_start)
{
	const struct delta_header *before;

	*ret_start = (struct pack_start){.first = 1};
	memcpy(ret_start->net_id, net_id, sizeof(net_id));
	if (seq == 1)
		return;
	before = &bench->deltas[seq - 2].header;
	delta_hash(net_id, before, ret_start->previous);
	ret_start->first = before->first + before->row_count;
}

/* Unpacks a pack; *@seconds grows by what that took. Its deltas are those that
 * were packed, or the bench is wrong. */
static size_t unpack_one(struct bench *bench, size_t index, size_t seq,
			 double *seconds)
{
	size_t from = index == 0 ? 0 : bench->pack_ends[index - 1];
	struct span bytes = {(const char *)bench->packs + from,
			     bench->pack_ends[index] - from};
	struct pack_start start;
	struct pack pack;
	uint64_t since;
	uint32_t bad;

	start_after(bench, seq, &start);
	since = bench_now_ns();
	if (unpacker_read(bench->unpacker, bytes, &start, &pack) != ERR_OK ||
	    unpacker_expand(bench->unpacker, &bad) != ERR_OK)
		bench_die("pack %zu does not unpack", index);
	*seconds += bench_seconds(since);
	for (uint32_t i = 0; i < pack.count; i++) {
		const struct delta *delta = unpacker_delta(bench->unpacker, i);

		if (memcmp(delta->signature,
			   bench->deltas[seq - 1 + i].signature,
			   SIGNATURE_SIZE) != 0 ||
		    !span_equal(delta->rows, bench->deltas[seq - 1 + i].rows))
			bench_die("pack %zu has something else", index);
	}
	return pack.count;
}

static double unpack_all(struct bench *bench)
{
	double seconds = 0;
	size_t seq = 1;

	for (size_t i = 0; i < bench->pack_count; i++)
		seq += unpack_one(bench, i, seq, &seconds);
	if (seq != bench->delta_count + 1)
		bench_die("%zu of %zu deltas came", seq - 1,
			  bench->delta_count);
	return seconds;
}

static double verify_all(struct bench *bench)
{
	uint64_t start = bench_now_ns();

	for (size_t i = 0; i < bench->delta_count; i++)
		if (!delta_verify(signer_public(bench->signer), net_id,
				  &bench->deltas[i].header,
				  bench->deltas[i].signature))
			bench_die("a signature is wrong");
	return bench_seconds(start);
}

static double hash_all(struct bench *bench)
{
	uint64_t start = bench_now_ns();
	uint8_t hash[HASH_SIZE];

	for (size_t i = 0; i < bench->delta_count; i++)
		delta_rows_hash(net_id, bench->deltas[i].rows, hash);
	return bench_seconds(start);
}

static void rows_check(struct bench *bench, const struct delta *delta)
{
	static struct entry_bytes entry;
	struct reader reader;

	reader_init(&reader, delta->rows.data, delta->rows.size);
	for (uint32_t i = 0; i < delta->header.row_count; i++)
		if (rows_read(bench->rows, pos_make(1, delta->header.first + i),
			      &reader, &entry) != ERR_OK)
			bench_die("row %u does not read", i);
	if (!reader_done(&reader))
		bench_die("there is more than the rows");
}

static double read_all(struct bench *bench)
{
	uint64_t start = bench_now_ns();

	for (size_t i = 0; i < bench->delta_count; i++) {
		const struct delta *delta = &bench->deltas[i];

		if ((delta->header.flags & DELTA_SEGMENT_START) != 0)
			rows_reset(bench->rows);
		rows_mark(bench->rows);
		rows_check(bench, delta);
	}
	return bench_seconds(start);
}

/* One movement that cannot wait: the bytes of a plain pack of the last entry
 * alone, in the state that all before it left. */
static size_t urgent(struct bench *bench)
{
	static uint8_t bytes[PACK_SIZE_MAX];
	struct delta delta = bench->deltas[bench->delta_count - 1];
	struct feed_id feed = {SITE_FIRST, 1, 0};
	struct writer writer;
	size_t before = 0;
	uint32_t count;

	rows_rewind(bench->rows);
	writer_init(&writer, bench->rows_bytes + bench->rows_size,
		    DELTA_ROWS_SIZE_MAX);
	for (size_t at = delta.header.first - 1; at < bench->entries.count;
	     at++) {
		before = writer.size;
		if (rows_write(bench->rows, pos_make(1, at + 1),
			       entry_at(&bench->entries, at),
			       &writer) != ERR_OK)
			bench_die("no row");
	}
	delta.header.row_count = 1;
	delta.header.rows_size = (uint32_t)(writer.size - before);
	delta.rows = (struct span){(const char *)writer.data + before,
				   writer.size - before};
	packer_begin(bench->packer, feed, PACK_PLAIN, PACK_SIZE_MAX);
	writer_init(&writer, bytes, sizeof(bytes));
	if (packer_add(bench->packer, &delta) != ERR_OK ||
	    packer_end(bench->packer, &writer, &count) != ERR_OK)
		bench_die("no pack");
	return writer.size;
}

static void *memory(size_t count, size_t size)
{
	void *taken = calloc(count, size);

	if (taken == NULL)
		bench_die("out of memory");
	return taken;
}

static void bench_open(struct bench *bench)
{
	static const uint8_t seed[32] = "a key that signs nothing but it";
	size_t count = bench->entries.count;
	struct err err;

	bench_do(signer_of_seed(seed, &bench->signer, &err), &err);
	bench_do(rows_open(&bench->rows, &err), &err);
	bench_do(packer_open(&bench->packer, &err), &err);
	bench_do(unpacker_open(&bench->unpacker, &err), &err);
	bench->deltas =
		memory(count / bench->rows_max + 1, sizeof(*bench->deltas));
	bench->rows_bytes =
		memory(bench->entries.size + DELTA_ROWS_SIZE_MAX, 1);
	bench->packs = memory(bench->entries.size + 2 * PACK_SIZE_MAX, 1);
	bench->pack_ends =
		memory(count / bench->rows_max + 1, sizeof(*bench->pack_ends));
}

static void bench_close(struct bench *bench)
{
	entries_free(&bench->entries);
	signer_close(bench->signer);
	rows_close(bench->rows);
	packer_close(bench->packer);
	unpacker_close(bench->unpacker);
	free(bench->deltas);
	free(bench->rows_bytes);
	free(bench->packs);
	free(bench->pack_ends);
}

int main(int argc, char **argv)
{
	struct bench bench = {0};
	double entries;
	double movements;

	if (argc != 3)
		bench_die("usage: bench_delta week|STORE ROWS");
	bench.rows_max = bench_number(argv[2], DELTA_ROWS_MAX);
	if (strcmp(argv[1], "week") == 0)
		week_make(WEEK_SEED, &bench.entries);
	else
		journal_load(argv[1], &bench.entries);
	bench_open(&bench);
	entries = (double)bench.entries.count;
	movements = (double)bench.entries.movements;
	printf("{\"movements\":%zu,\"rows_write\":%.0f",
	       bench.entries.movements, entries / seal_rows(&bench));
	printf(",\"deltas_sign\":%.0f",
	       (double)bench.delta_count / sign(&bench));
	printf(",\"rows_pack\":%.0f", entries / pack_all(&bench));
	printf(",\"rows_unpack\":%.0f", entries / unpack_all(&bench));
	printf(",\"rows_hash\":%.0f", entries / hash_all(&bench));
	printf(",\"deltas_verify\":%.0f",
	       (double)bench.delta_count / verify_all(&bench));
	printf(",\"rows_read\":%.0f", entries / read_all(&bench));
	printf(",\"entry_bytes\":%.2f,\"row_bytes\":%.2f,\"wire_bytes\":%.2f"
	       ",\"urgent_bytes\":%zu,\"packs\":%zu,\"deltas\":%zu}\n",
	       (double)bench.entries.size / movements,
	       (double)bench.rows_size / movements,
	       (double)bench.packs_size / movements, urgent(&bench),
	       bench.pack_count, bench.delta_count);
	bench_close(&bench);
	return 0;
}
