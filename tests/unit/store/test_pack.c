/*
 * Packs: deltas that travel arrive as they left, or not at all.
 */
#include "tests/support/check.h"

#include <zstd.h>

#include "store/pack.h"
#include "tests/support/deltas.h"

#define DELTAS 40

static struct err err;

/* A feed of deltas, one after the other. */
struct feed {
	struct signer *signer;
	struct packer *packer;
	struct unpacker *unpacker;
	size_t count;
	struct delta deltas[DELTAS];
	uint8_t rows[DELTAS][DELTA_ROWS_SIZE_MAX];
};

static const struct feed_id feed_id = {SITE_FIRST + 4, 2, 0};

static void header_draw(struct maker *maker, struct delta_header *header)
{
	header->stamp.value += 1 + draw(maker, 100000000);
	header->flags |= draw(maker, 4) == 0 ? 0 : DELTA_CLOCK_TRUSTED;
	if (draw(maker, 5) == 0)
		header->boot = test_random(&maker->random);
	if (draw(maker, 5) == 0)
		header->control = pos_make(1, 1 + draw(maker, 1000));
	if (draw(maker, 5) == 0)
		header->rules = draw(maker, 3);
	header->need_count = draw(maker, 5) == 0 ? (uint8_t)draw(maker, 9) : 0;
	for (uint32_t i = 0; i < header->need_count; i++)
		header->needs[i] = (struct delta_need){
			100 + i, 1 + draw(maker, 3), 1 + draw(maker, 500)};
}

/* The delta @index, of @count rows of @rows. */
static void delta_make(struct feed *feed, size_t index, struct rows *rows,
		       struct maker *maker, uint32_t count)
{
	struct delta *delta = &feed->deltas[index];
	struct delta_header *header = &delta->header;
	struct writer writer;

	*header = (struct delta_header){.first = 1};
	if (index > 0) {
		*header = delta[-1].header;
		header->first += header->row_count;
		delta_hash(sample_net, &delta[-1].header, header->previous);
	}
	header->site = feed_id.site;
	header->epoch = feed_id.epoch;
	header->seq = index + 1;
	header->flags = index == 0 ? DELTA_SEGMENT_START : 0;
	header_draw(maker, header);
	writer_init(&writer, feed->rows[index], DELTA_ROWS_SIZE_MAX);
	for (uint32_t i = 0; i < count; i++) {
		struct bytes entry = maker_entry(maker);

		assert_code(rows_write(rows, pos_make(2, header->first + i),
				       bytes_span(&entry), &writer),
			    ERR_OK);
	}
	header->row_count = count;
	header->rows_size = (uint32_t)writer.size;
	delta->rows = (struct span){(char *)writer.data, writer.size};
	delta_rows_hash(sample_net, delta->rows, header->rows_hash);
	delta_sign(feed->signer, sample_net, header, delta->signature);
}

/* Deltas of random entries, of one row and of hundreds. */
static int setup(void **state)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	struct maker maker = {.random = 77, .texts = 300, .is_plain = true};
	struct rows *rows = rows_new();

	assert_non_null(feed);
	feed->signer = sample_signer();
	assert_done(packer_open(&feed->packer, &err), &err);
	assert_done(unpacker_open(&feed->unpacker, &err), &err);
	for (size_t i = 0; i < DELTAS; i++)
		delta_make(feed, i, rows, &maker,
			   i % 3 == 0 ? 1 : 1 + draw(&maker, 128));
	feed->count = DELTAS;
	rows_close(rows);
	*state = feed;
	return 0;
}

static int teardown(void **state)
{
	struct feed *feed = *state;

	signer_close(feed->signer);
	packer_close(feed->packer);
	packer_close(NULL);
	unpacker_close(feed->unpacker);
	unpacker_close(NULL);
	free(feed);
	return 0;
}

struct packed {
	uint8_t data[PACK_SIZE_MAX];
	size_t size;
	uint32_t count;
};

static struct packed packed;

/* Packs from the delta @from on as many as go, at most @max. */
static void pack_make(struct feed *feed, size_t from, size_t max,
		      enum pack_codec codec, size_t size_max)
{
	struct writer writer;

	packer_begin(feed->packer, feed_id, codec, size_max);
	for (size_t i = from; i < feed->count && i < from + max; i++)
		if (packer_add(feed->packer, &feed->deltas[i]) != ERR_OK)
			break;
	writer_init(&writer, packed.data, sizeof(packed.data));
	assert_code(packer_end(feed->packer, &writer, &packed.count), ERR_OK);
	packed.size = writer.size;
	assert_in_range(packed.size, 1, size_max);
	assert_in_range(packed.count, 1, max);
}

static struct pack_start start_before(const struct feed *feed, size_t from)
{
	struct pack_start start = {.first = 1};

	memcpy(start.net_id, sample_net, NET_ID_SIZE);
	if (from > 0) {
		const struct delta_header *before =
			&feed->deltas[from - 1].header;

		start.first = before->first + before->row_count;
		delta_hash(sample_net, before, start.previous);
	}
	return start;
}

static struct span packed_span(void)
{
	return (struct span){(const char *)packed.data, packed.size};
}

static void assert_delta(const struct delta *a, const struct delta *b)
{
	uint8_t x[HASH_SIZE];
	uint8_t y[HASH_SIZE];

	delta_hash(sample_net, &a->header, x);
	delta_hash(sample_net, &b->header, y);
	assert_memory_equal(x, y, HASH_SIZE);
	assert_memory_equal(a->signature, b->signature, SIGNATURE_SIZE);
	assert_true(span_equal(a->rows, b->rows));
}

static void pack_check(struct feed *feed, size_t from)
{
	struct pack_start start = start_before(feed, from);
	struct pack peeked;
	struct pack pack;
	uint32_t bad;

	assert_code(pack_peek(packed_span(), &peeked), ERR_OK);
	assert_code(unpacker_read(feed->unpacker, packed_span(), &start, &pack),
		    ERR_OK);
	assert_int_equal(peeked.count, pack.count);
	assert_int_equal(peeked.rows_size, pack.rows_size);
	assert_int_equal(pack.count, packed.count);
	assert_int_equal(pack.first_seq, from + 1);
	assert_int_equal(pack.feed.site, feed_id.site);
	for (uint32_t i = 0; i < pack.count; i++) {
		const struct delta *delta = unpacker_delta(feed->unpacker, i);

		/* Headers can be judged before a byte is decompressed. */
		assert_true(delta_verify(signer_public(feed->signer),
					 sample_net, &delta->header,
					 delta->signature));
	}
	assert_code(unpacker_expand(feed->unpacker, &bad), ERR_OK);
	for (uint32_t i = 0; i < pack.count; i++)
		assert_delta(unpacker_delta(feed->unpacker, i),
			     &feed->deltas[from + i]);
}

/* Method: from every delta on, in packs of every codec and of two sizes, until
 * all have arrived. */
static void deltas_arrive_as_they_left(void **state)
{
	static const size_t sizes[] = {PACK_SIZE_MIN, PACK_SIZE_MAX};
	struct feed *feed = *state;
	size_t packs = 0;

	for (int codec = PACK_PLAIN; codec <= PACK_CODEC_MAX; codec++)
		for (size_t s = 0; s < ARRAY_LEN(sizes); s++)
			for (size_t first = 0; first < feed->count; first++) {
				size_t from = first;

				while (from < feed->count) {
					pack_make(feed, from, DELTAS,
						  (enum pack_codec)codec,
						  sizes[s]);
					pack_check(feed, from);
					from += packed.count;
					packs++;
				}
			}
	assert_true(packs > 4 * DELTAS);
}

/* What one delta costs when all is as before: marks, stamp, two sizes. */
static void the_usual_header_takes_a_few_bytes(void **state)
{
	struct feed *feed = *state;
	struct delta next = feed->deltas[0];
	struct writer writer;
	size_t one;
	uint32_t count;

	pack_make(feed, 0, 1, PACK_PLAIN, PACK_SIZE_MAX);
	one = packed.size;
	next.header.seq++;
	next.header.stamp.value += UINT64_C(5000) << STAMP_COUNTER_BITS;
	packer_begin(feed->packer, feed_id, PACK_PLAIN, PACK_SIZE_MAX);
	assert_code(packer_add(feed->packer, &feed->deltas[0]), ERR_OK);
	assert_code(packer_add(feed->packer, &next), ERR_OK);
	writer_init(&writer, packed.data, sizeof(packed.data));
	assert_code(packer_end(feed->packer, &writer, &count), ERR_OK);
	assert_in_range(writer.size - one - next.rows.size - SIGNATURE_SIZE, 5,
			9);
}

/* ---- what nobody packed ---- */

/* True if a pack is read to its end; then it has the deltas that were packed,
 * for a delta's signature is over all of it. */
static bool is_taken(struct feed *feed, struct span bytes, size_t from)
{
	struct pack_start start = start_before(feed, from);
	struct pack pack;
	uint32_t bad;

	if (unpacker_read(feed->unpacker, bytes, &start, &pack) != ERR_OK)
		return false;
	for (uint32_t i = 0; i < pack.count; i++) {
		const struct delta *delta = unpacker_delta(feed->unpacker, i);

		if (!delta_verify(signer_public(feed->signer), sample_net,
				  &delta->header, delta->signature))
			return false;
	}
	if (unpacker_expand(feed->unpacker, &bad) != ERR_OK) {
		assert_in_range(bad, 0, pack.count - 1);
		return false;
	}
	for (uint32_t i = 0; i < pack.count; i++)
		assert_delta(unpacker_delta(feed->unpacker, i),
			     &feed->deltas[from + i]);
	return true;
}

/* Method: every prefix, and one byte more. */
static void a_pack_that_was_cut_is_refused(void **state)
{
	struct feed *feed = *state;
	size_t refused = 0;

	for (int codec = PACK_PLAIN; codec <= PACK_CODEC_MAX; codec++) {
		pack_make(feed, 4, 3, (enum pack_codec)codec, PACK_SIZE_MAX);
		for (size_t size = 0; size < packed.size; size++) {
			struct span cut = {(char *)packed.data, size};

			if (is_taken(feed, cut, 4))
				fail_msg("cut at %zu", size);
			refused++;
		}
		packed.data[packed.size] = 0;
		assert_false(is_taken(feed,
				      (struct span){(char *)packed.data,
						    packed.size + 1},
				      4));
	}
	assert_true(refused > 500);
}

/* Method: every bit. What is taken nevertheless has the same deltas: a branch's
 * number is not signed, and zstd has more than one way to say a thing. */
static void a_turned_bit_never_makes_another_delta(void **state)
{
	struct feed *feed = *state;
	size_t refused = 0;
	size_t taken = 0;

	for (int codec = PACK_PLAIN; codec <= PACK_CODEC_MAX; codec++) {
		pack_make(feed, 4, 3, (enum pack_codec)codec, PACK_SIZE_MAX);
		for (size_t bit = 0; bit < 8 * packed.size; bit++) {
			packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (is_taken(feed, packed_span(), 4))
				taken++;
			else
				refused++;
			packed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_true(is_taken(feed, packed_span(), 4));
	}
	printf("%zu refused, %zu with the same deltas\n", refused, taken);
	assert_true(refused > 8000);
	assert_true(taken < 64);
}

static void a_pack_of_another_place_is_told_from_a_forged_one(void **state)
{
	struct feed *feed = *state;
	struct pack_start start = start_before(feed, 5);
	struct pack pack;

	pack_make(feed, 4, 2, PACK_PLAIN, PACK_SIZE_MAX);
	assert_code(unpacker_read(feed->unpacker, packed_span(), &start, &pack),
		    ERR_CONFLICT);
	start = start_before(feed, 4);
	assert_code(unpacker_read(feed->unpacker, packed_span(), &start, &pack),
		    ERR_OK);
	packed.data[0] = PACK_VERSION + 1;
	assert_code(unpacker_read(feed->unpacker, packed_span(), &start, &pack),
		    ERR_VERSION);
	assert_code(pack_peek(packed_span(), &pack), ERR_VERSION);
	packed.data[0] = PACK_VERSION;
	packed.data[1] = PACK_CODEC_MAX + 1;
	assert_code(pack_peek(packed_span(), &pack), ERR_VERSION);
}

/* Where the small header of a pack's first delta begins. */
static size_t header_at(void)
{
	struct reader reader;

	reader_init(&reader, packed.data, packed.size);
	for (size_t i = 0; i < 8; i++)
		(void)read_varint(&reader);
	(void)read_raw(&reader, 4);
	assert_true(reader_ok(&reader));
	return reader.at;
}

/* Method: a delta of rules 0, as before the first one. That it is the same can
 * be left out, and so it must be. */
static void what_can_be_left_out_of_a_header_must_be(void **state)
{
	static const uint8_t same_rules = 4;
	struct feed *feed = *state;
	struct delta delta = feed->deltas[0];
	struct pack_start start = start_before(feed, 0);
	struct reader reader;
	struct writer writer;
	struct pack pack;
	size_t at;
	uint32_t count;

	delta.header.rules = 0;
	delta.header.boot = 7;
	delta.header.control.value = 0;
	delta.header.need_count = 0;
	packer_begin(feed->packer, feed_id, PACK_PLAIN, PACK_SIZE_MAX);
	assert_code(packer_add(feed->packer, &delta), ERR_OK);
	writer_init(&writer, packed.data, sizeof(packed.data));
	assert_code(packer_end(feed->packer, &writer, &count), ERR_OK);
	packed.size = writer.size;
	assert_code(unpacker_read(feed->unpacker, packed_span(), &start, &pack),
		    ERR_OK);
	at = header_at();
	assert_int_equal(packed.data[at] & same_rules, same_rules);
	packed.data[at] ^= same_rules;
	/* Behind marks, milliseconds, counter and boot. */
	reader_init(&reader, packed.data, packed.size);
	(void)read_raw(&reader, at);
	for (size_t i = 0; i < 3; i++)
		(void)read_varint(&reader);
	(void)read_u64(&reader);
	memmove(packed.data + reader.at + 1, packed.data + reader.at,
		packed.size - reader.at);
	packed.data[reader.at] = 0;
	packed.size++;
	assert_code(unpacker_read(feed->unpacker, packed_span(), &start, &pack),
		    ERR_CORRUPT);
}

/* ---- bombs ---- */

/* A pack that says that its rows are of @rows_size. */
static size_t bomb_make(struct feed *feed, uint64_t rows_size, uint8_t *bomb)
{
	struct writer writer;
	struct reader reader;

	pack_make(feed, 0, 3, PACK_ZSTD, PACK_SIZE_MAX);
	reader_init(&reader, packed.data, packed.size);
	writer_init(&writer, bomb, 2 * PACK_SIZE_MAX);
	for (size_t i = 0; i < 7; i++)
		write_varint(&writer, read_varint(&reader));
	(void)read_varint(&reader);
	write_varint(&writer, rows_size);
	write_raw(&writer, packed.data + reader.at, packed.size - reader.at);
	assert_true(writer_ok(&writer));
	return writer.size;
}

/* Method: declared sizes beyond what is allowed, for a pack of its size. */
static void what_declares_too_much_is_not_decompressed(void **state)
{
	static uint8_t bomb[2 * PACK_SIZE_MAX];
	struct feed *feed = *state;
	struct pack pack;
	size_t size;
	uint64_t most;

	size = bomb_make(feed, PACK_ROWS_SIZE_MAX + 1, bomb);
	assert_code(pack_peek((struct span){(char *)bomb, size}, &pack),
		    ERR_CORRUPT);
	size = bomb_make(feed, PACK_ROWS_SIZE_MAX, bomb);
	assert_true(size * PACK_RATIO_MAX + PACK_RATIO_FREE <
		    PACK_ROWS_SIZE_MAX);
	assert_code(pack_peek((struct span){(char *)bomb, size}, &pack),
		    ERR_CORRUPT);
	most = size * PACK_RATIO_MAX + PACK_RATIO_FREE;
	size = bomb_make(feed, most, bomb);
	assert_code(pack_peek((struct span){(char *)bomb, size}, &pack),
		    ERR_OK);
	assert_code(pack_peek((struct span){(char *)bomb, PACK_SIZE_MAX + 1},
			      &pack),
		    ERR_CORRUPT);
}

/* A megabyte of zeros in a few bytes where some rows are declared, a frame too
 * many, a frame that can be skipped. */
static void a_frame_with_other_than_what_was_declared_is_refused(void **state)
{
	static uint8_t zeros[1 << 20];
	static uint8_t rows[PACK_SIZE_MAX];
	struct feed *feed = *state;
	size_t at;
	size_t frame;

	pack_make(feed, 0, 3, PACK_ZSTD, PACK_SIZE_MAX);
	assert_true(is_taken(feed, packed_span(), 0));
	/* Where the frame begins: zstd's magic number. */
	for (at = 0; memcmp(packed.data + at, "\x28\xb5\x2f\xfd", 4) != 0; at++)
		assert_true(at < packed.size);
	frame = packed.size - at;
	memcpy(rows, packed.data + at, frame);
	packed.size = at + ZSTD_compress(packed.data + at, PACK_SIZE_MAX - at,
					 zeros, sizeof(zeros), 19);
	assert_false(is_taken(feed, packed_span(), 0));
	memcpy(packed.data + at, rows, frame);
	memcpy(packed.data + at + frame, "\x50\x2a\x4d\x18\0\0\0\0", 8);
	packed.size = at + frame + 8;
	assert_false(is_taken(feed, packed_span(), 0));
	packed.size = at + frame;
	assert_true(is_taken(feed, packed_span(), 0));
}

/* Rows that zstd makes much smaller than the bound on unpacking allows: the
 * packer itself keeps to it. */
static void the_packer_stays_within_the_ratio(void **state)
{
	struct feed *feed = *state;
	static struct delta deltas[20];
	static uint8_t rows[DELTA_ROWS_SIZE_MAX];
	struct writer writer;
	struct pack pack;
	size_t packed_count = 0;
	uint32_t count;

	while (packed_count < ARRAY_LEN(deltas)) {
		packer_begin(feed->packer, feed_id, PACK_ZSTD, PACK_SIZE_MAX);
		for (size_t i = packed_count; i < ARRAY_LEN(deltas); i++) {
			deltas[i] = feed->deltas[5];
			deltas[i].header.seq = i + 1;
			deltas[i].header.rows_size = sizeof(rows);
			deltas[i].rows =
				(struct span){(char *)rows, sizeof(rows)};
			if (packer_add(feed->packer, &deltas[i]) != ERR_OK)
				break;
		}
		writer_init(&writer, packed.data, sizeof(packed.data));
		assert_code(packer_end(feed->packer, &writer, &count), ERR_OK);
		assert_code(pack_peek((struct span){(char *)packed.data,
						    writer.size},
				      &pack),
			    ERR_OK);
		assert_int_equal(pack.count, count);
		packed_count += count;
	}
	assert_int_equal(packed_count, ARRAY_LEN(deltas));
}

/* The longest delta, of bytes that nothing makes smaller, fits alone. */
static void any_one_delta_fits_the_smallest_pack(void **state)
{
	struct feed *feed = *state;
	static uint8_t rows[DELTA_ROWS_SIZE_MAX];
	struct delta delta = feed->deltas[0];
	uint64_t random = test_seed(6);
	struct writer writer;
	struct pack pack;
	uint32_t count;

	for (size_t i = 0; i < sizeof(rows); i++)
		rows[i] = (uint8_t)test_random(&random);
	delta.rows = (struct span){(char *)rows, sizeof(rows)};
	delta.header.rows_size = sizeof(rows);
	delta.header.need_count = DELTA_NEEDS_MAX;
	for (uint32_t i = 0; i < DELTA_NEEDS_MAX; i++)
		delta.header.needs[i] =
			(struct delta_need){UINT32_MAX - DELTA_NEEDS_MAX + i,
					    EPOCH_MAX, UINT64_MAX};
	packer_begin(feed->packer, feed_id, PACK_ZSTD, PACK_SIZE_MIN);
	assert_code(packer_add(feed->packer, &delta), ERR_OK);
	writer_init(&writer, packed.data, PACK_SIZE_MIN - 1);
	assert_code(packer_end(feed->packer, &writer, &count), ERR_FULL);
	writer_init(&writer, packed.data, PACK_SIZE_MIN);
	assert_code(packer_end(feed->packer, &writer, &count), ERR_OK);
	assert_code(pack_peek((struct span){(char *)packed.data, writer.size},
			      &pack),
		    ERR_OK);
	assert_int_equal(pack.codec, PACK_PLAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deltas_arrive_as_they_left),
		cmocka_unit_test(the_usual_header_takes_a_few_bytes),
		cmocka_unit_test(a_pack_that_was_cut_is_refused),
		cmocka_unit_test(a_turned_bit_never_makes_another_delta),
		cmocka_unit_test(
			a_pack_of_another_place_is_told_from_a_forged_one),
		cmocka_unit_test(what_can_be_left_out_of_a_header_must_be),
		cmocka_unit_test(what_declares_too_much_is_not_decompressed),
		cmocka_unit_test(
			a_frame_with_other_than_what_was_declared_is_refused),
		cmocka_unit_test(the_packer_stays_within_the_ratio),
		cmocka_unit_test(any_one_delta_fits_the_smallest_pack),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
