/*
 * Bundles: what a stick carries, and what is left of it when it is damaged.
 */
#include "gateway/sync/bundle.h"
#include "gateway/sync/follow.h"
#include "tests/support/peers.h"

#define FILE_SIZE_MAX (1 << 20)

static const struct sync_config small = {
	.feeds_max = 16, .peers_max = 8, .waiting_max = 32};

struct stick {
	size_t size;
	size_t at;
	size_t capacity; /* a full stick */
	uint8_t bytes[FILE_SIZE_MAX];
};

static struct stick stick;
static struct bundle bundle;

static enum err_code stick_write(void *context, struct span bytes,
				 struct err *err)
{
	struct stick *to = context;

	if (to->size + bytes.size > to->capacity)
		return err_set(err, ERR_FULL, "the stick is full");
	memcpy(to->bytes + to->size, bytes.data, bytes.size);
	to->size += bytes.size;
	return ERR_OK;
}

static enum err_code stick_read(void *context, void *bytes, size_t size,
				size_t *ret_size, struct err *err)
{
	struct stick *from = context;
	size_t left = from->size - from->at;

	(void)err;
	*ret_size = size < left ? size : left;
	memcpy(bytes, from->bytes + from->at, *ret_size);
	from->at += *ret_size;
	return ERR_OK;
}

static const struct bundle_io io = {&stick, stick_write, stick_read};

static uint64_t since_box(void *context, struct feed_id feed)
{
	const struct box *box = context;

	return box != NULL && feed.epoch == 1 ? box_seq(box, feed.site) : 0;
}

static enum err_code export_to(const struct box *from, struct box *since,
			       size_t capacity)
{
	struct bundle_plan plan = {.from = span_of(from->name),
				   .since = since_box,
				   .context = since};

	stick.size = 0;
	stick.capacity = capacity;
	memcpy(plan.net_id, from->bed->net_id, NET_ID_SIZE);
	return bundle_write(&bundle, &io, node_view(&from->node), &plan, NULL);
}

static enum err_code seq_add(void *context, const struct feed_record *feed,
			     struct err *err)
{
	(void)err;
	*(uint64_t *)context += feed->seq;
	return ERR_OK;
}

static uint64_t deltas_of(const struct box *box)
{
	uint64_t deltas = 0;

	assert_code(feed_walk(node_view(&box->node), NULL, seq_add, &deltas,
			      NULL),
		    ERR_OK);
	return deltas;
}

/* Takes what can be taken. *@ret_deltas: how many went in. */
static enum err_code import_into(struct box *box, uint64_t *ret_deltas)
{
	const struct view *view = node_view(&box->node);
	struct bundle_header header;
	struct sync_admit admit = {0};
	enum err_code code;
	uint64_t before = deltas_of(box);

	stick.at = 0;
	*ret_deltas = 0;
	code = bundle_open(&bundle, &io, &header, NULL);
	if (code != ERR_OK)
		return code;
	assert_memory_equal(header.net_id, box->bed->net_id, NET_ID_SIZE);
	while ((code = bundle_next(&bundle, &admit.pack, &admit.bytes, NULL)) ==
	       ERR_OK) {
		struct admission_work work;

		if (follow_start(view, box->bed->net_id, admit.pack.feed,
				 admit.pack.first_seq, &admit.start,
				 NULL) != ERR_OK)
			continue; /* beyond a gap: another time */
		do {
			assert_code(admit_judge(box->unpacker, view, &admit,
						&work, NULL),
				    ERR_OK);
			assert_code(admit_apply(box->node.desk, box->node.t.txn,
						box->unpacker, &work, NULL),
				    ERR_OK);
			feed_desk_committed(box->node.desk);
		} while (work.result.refused == ADMISSION_APPLIED &&
			 work.good < admit.pack.count);
	}
	*ret_deltas = deltas_of(box) - before;
	return code;
}

static struct bed *bed_with_backlog(void)
{
	struct bed *bed = bed_open(2, 2, test_seed(1), &small);

	for (int i = 0; i < 40; i++)
		bed_receive(bed, &bed->boxes[0].node, bed->boxes[0].site, 16);
	return bed;
}

static void a_stick_alone_makes_two_boxes_equal(void **state)
{
	struct bed *bed = bed_with_backlog();
	uint64_t deltas;

	(void)state;
	assert_code(export_to(&bed->boxes[0], NULL, FILE_SIZE_MAX), ERR_OK);
	printf("%zu bytes, %llu packs\n", stick.size,
	       (unsigned long long)bundle.frames);
	assert_code(import_into(&bed->boxes[1], &deltas), ERR_STOPPED);
	assert_int_equal(deltas, 43);
	assert_int_equal(bundle.deltas, 43);
	assert_int_equal(box_seq(&bed->boxes[1], SITE_FIRST), 41);
	/* The other way only what the first has not. */
	assert_code(export_to(&bed->boxes[1], &bed->boxes[0], FILE_SIZE_MAX),
		    ERR_OK);
	assert_code(import_into(&bed->boxes[0], &deltas), ERR_STOPPED);
	assert_int_equal(bundle.deltas, 1);
	assert_true(bed_is_equal(bed));
	/* Once more changes nothing. */
	assert_code(import_into(&bed->boxes[0], &deltas), ERR_STOPPED);
	assert_true(bed_is_equal(bed));
	bed_close(bed);
}

/* Method: rows that compress well before rows that do not: packs have to be cut
 * shorter than they were begun, and what is cut off is in the next. */
static void a_stick_leaves_no_delta_out(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(2), &small);
	uint64_t deltas;

	(void)state;
	bed_receive_uneven(bed, &bed->boxes[0].node, SITE_FIRST);
	box_restart(&bed->boxes[0], &small);
	assert_code(export_to(&bed->boxes[0], NULL, FILE_SIZE_MAX), ERR_OK);
	assert_code(import_into(&bed->boxes[1], &deltas), ERR_STOPPED);
	assert_int_equal(box_seq(&bed->boxes[1], SITE_FIRST),
			 BED_UNEVEN_DELTAS + 1);
	bed_close(bed);
}

/* Method: the stick is cut at each byte: the end is never taken for whole, and
 * what came before the cut is good. */
static void a_stick_cut_anywhere_is_good_up_to_the_cut(void **state)
{
	struct bed *bed = bed_with_backlog();
	uint64_t most = 0;
	size_t whole;

	(void)state;
	assert_code(export_to(&bed->boxes[0], NULL, FILE_SIZE_MAX), ERR_OK);
	whole = stick.size;
	for (size_t size = 0; size < whole; size++) {
		uint64_t deltas;

		stick.size = size;
		assert_code(import_into(&bed->boxes[1], &deltas), ERR_CORRUPT);
		assert_true(bundle.deltas >= most);
		most = bundle.deltas;
	}
	assert_int_equal(most, 43); /* only the end was missing */
	assert_int_equal(box_seq(&bed->boxes[1], SITE_FIRST), 41);
	bed_close(bed);
}

static void a_changed_byte_is_noticed_wherever_it_is(void **state)
{
	struct bed *bed = bed_with_backlog();

	(void)state;
	assert_code(export_to(&bed->boxes[0], NULL, FILE_SIZE_MAX), ERR_OK);
	for (size_t at = 0; at < stick.size; at++) {
		struct bundle_header header;
		struct span bytes;
		struct pack pack;
		enum err_code code;

		stick.bytes[at] ^= 0x10;
		stick.at = 0;
		code = bundle_open(&bundle, &io, &header, NULL);
		while (code == ERR_OK)
			code = bundle_next(&bundle, &pack, &bytes, NULL);
		assert_true(code == ERR_CORRUPT || code == ERR_VERSION);
		stick.bytes[at] ^= 0x10;
	}
	bed_close(bed);
}

static void sticks_in_any_order_end_in_the_same(void **state)
{
	struct bed *bed = bed_with_backlog();
	static struct stick second;
	static struct stick first;
	uint64_t deltas;

	(void)state;
	/* One up to now, a second for who has that, and no more. */
	assert_code(export_to(&bed->boxes[0], NULL, FILE_SIZE_MAX), ERR_OK);
	first = stick;
	assert_code(import_into(&bed->boxes[1], &deltas), ERR_STOPPED);
	for (int i = 0; i < 5; i++)
		bed_receive(bed, &bed->boxes[0].node, bed->boxes[0].site, 3);
	assert_code(export_to(&bed->boxes[0], &bed->boxes[1], FILE_SIZE_MAX),
		    ERR_OK);
	second = stick;
	bed_close(bed);

	bed = bed_with_backlog();
	stick = second;
	assert_code(import_into(&bed->boxes[1], &deltas), ERR_STOPPED);
	assert_int_equal(deltas, 0);
	stick = first;
	assert_code(import_into(&bed->boxes[1], &deltas), ERR_STOPPED);
	stick = second;
	assert_code(import_into(&bed->boxes[1], &deltas), ERR_STOPPED);
	assert_int_equal(deltas, 5);
	assert_int_equal(box_seq(&bed->boxes[1], SITE_FIRST), 46);
	bed_close(bed);
}

static void a_full_stick_is_told_and_holds_what_fitted(void **state)
{
	struct bed *bed = bed_with_backlog();
	uint64_t deltas;
	size_t whole;

	(void)state;
	assert_code(export_to(&bed->boxes[0], NULL, FILE_SIZE_MAX), ERR_OK);
	whole = stick.size;
	assert_code(export_to(&bed->boxes[0], NULL, whole - 1), ERR_FULL);
	assert_code(import_into(&bed->boxes[1], &deltas), ERR_CORRUPT);
	assert_int_equal(deltas, 43);
	bed_close(bed);
}

static void what_is_no_bundle_or_a_newer_one_is_told_apart(void **state)
{
	struct bundle_header header;
	struct err err;

	(void)state;
	stick = (struct stick){.size = 20};
	memcpy(stick.bytes, "not a bundle at all.", 20);
	assert_code(bundle_open(&bundle, &io, &header, &err), ERR_CORRUPT);
	assert_string_equal(err.text, "it is no bundle");
	memcpy(stick.bytes, "DEPOTBDL\x02", 9);
	stick.at = 0;
	assert_code(bundle_open(&bundle, &io, &header, &err), ERR_VERSION);
	stick = (struct stick){.size = 0};
	assert_code(bundle_open(&bundle, &io, &header, &err), ERR_CORRUPT);
}

/* A first block of @count ACK frames, of which there are none, and then of
 * @entries entries likewise. */
static struct span first_block(uint64_t count, uint64_t entries, char block[64])
{
	struct writer writer;

	writer_init(&writer, block, 64);
	for (int i = 0; i < NET_ID_SIZE; i++)
		write_u8(&writer, 7);
	write_span(&writer, SPAN_LITERAL("hz-01"));
	write_varint(&writer, count);
	if (count == 0)
		write_varint(&writer, entries);
	assert_true(writer_ok(&writer));
	return (struct span){block, writer.size};
}

/* Whoever believed such a count would be at it for hours. */
static void a_first_block_that_counts_what_is_not_there_is_refused(void **state)
{
	static const uint64_t counts[] = {1, 1u << 31, UINT32_MAX,
					  UINT64_C(1) << 32, UINT64_MAX};
	struct bundle_header header = {.count = 77};
	char block[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		assert_code(bundle_header_read(first_block(counts[i], 0, block),
					       &header, NULL),
			    ERR_CORRUPT);
		assert_code(bundle_header_read(first_block(0, counts[i], block),
					       &header, NULL),
			    ERR_CORRUPT);
	}
	assert_int_equal(header.count, 77);
	assert_code(bundle_header_read(first_block(0, 0, block), &header, NULL),
		    ERR_OK);
	assert_int_equal(header.count + header.ack_count, 0);
}

/* The second box's word of what it has, as it stands on its stick. */
static struct span word_of(const struct box *box, const struct signer *signer,
			   uint32_t epoch)
{
	static struct bundle_header header;
	struct ack_word word = {.net_id = box->bed->net_id,
				.site = box->site,
				.epoch = epoch,
				.now = {1000},
				.signer = signer};
	struct bundle_plan plan = {
		.from = span_of(box->name), .since = since_box, .word = &word};
	struct reader reader;

	stick = (struct stick){.capacity = FILE_SIZE_MAX};
	memcpy(plan.net_id, box->bed->net_id, NET_ID_SIZE);
	assert_code(bundle_write(&bundle, &io, node_view(&box->node), &plan,
				 NULL),
		    ERR_OK);
	assert_code(bundle_open(&bundle, &io, &header, NULL), ERR_OK);
	assert_int_equal(header.ack_count, 1);
	reader_init(&reader, header.acks.data, header.acks.size);
	return read_span(&reader, BUNDLE_BLOCK_SIZE_MAX);
}

static uint64_t known_of(const struct box *at, const struct box *peer)
{
	struct feed_id feed = {at->site, 1, 0};
	uint64_t seq = UINT64_MAX;

	assert_code(ack_known(node_view(&at->node), peer->site, feed, &seq,
			      NULL),
		    ERR_OK);
	return seq;
}

/* Method: the word is kept; another key's, another life's, and each changed
 * byte of it are refused; one that was said before lowers nothing. */
static void a_stick_that_comes_back_says_what_its_writer_durably_has(void **s)
{
	struct bed *bed = bed_with_backlog();
	struct box *one = &bed->boxes[0];
	struct box *two = &bed->boxes[1];
	const struct signer *key = bed->sites[two->site - SITE_FIRST];
	struct txn *txn = one->node.t.txn;
	uint8_t bytes[4096];
	struct span early;
	struct span word;
	uint32_t site = 0;
	uint64_t deltas;
	size_t refused = 0;

	(void)s;
	early = word_of(two, key, 1);
	memcpy(bytes, early.data, early.size);
	early.data = (const char *)bytes;
	assert_code(export_to(one, NULL, FILE_SIZE_MAX), ERR_OK);
	assert_code(import_into(two, &deltas), ERR_STOPPED);
	assert_int_equal(known_of(one, two), 0);

	word = word_of(two, bed->sites[one->site - SITE_FIRST], 1);
	assert_code(ack_keep(txn, bed->net_id, word, &site, NULL), ERR_DENIED);
	word = word_of(two, key, 2);
	assert_code(ack_keep(txn, bed->net_id, word, &site, NULL), ERR_DENIED);
	word = word_of(two, key, 1);
	for (size_t at = 0; at < word.size; at++) {
		char spoiled[4096];

		memcpy(spoiled, word.data, word.size);
		spoiled[at] ^= 0x04;
		refused += ack_keep(txn, bed->net_id,
				    (struct span){spoiled, word.size}, &site,
				    NULL) == ERR_DENIED;
	}
	assert_int_equal(refused, word.size);
	assert_int_equal(known_of(one, two), 0);

	assert_code(ack_keep(txn, bed->net_id, word, &site, NULL), ERR_OK);
	assert_int_equal(site, two->site);
	assert_int_equal(known_of(one, two), 41);
	assert_code(ack_keep(txn, bed->net_id, early, &site, NULL), ERR_OK);
	assert_int_equal(known_of(one, two), 41);
	bed_close(bed);
}

/* Method: HQ certifies another epoch of the site that signed. Its old word is
 * worth nothing then, neither the one that was kept nor the stick again; the
 * new key's is. */
static void a_stick_of_a_life_that_is_over_says_nothing(void **state)
{
	struct bed *bed = bed_with_backlog();
	struct box *one = &bed->boxes[0];
	struct box *two = &bed->boxes[1];
	struct txn *txn = one->node.t.txn;
	struct signer *next = feeds_signer(99);
	struct writing *writing = writing_new(0);
	struct entry entry = certificate_for(two->site, next);
	struct span word;
	uint32_t site = 0;
	uint64_t deltas;

	(void)state;
	assert_code(export_to(one, NULL, FILE_SIZE_MAX), ERR_OK);
	assert_code(import_into(two, &deltas), ERR_STOPPED);
	word = word_of(two, bed->sites[two->site - SITE_FIRST], 1);
	assert_code(ack_keep(txn, bed->net_id, word, &site, NULL), ERR_OK);
	assert_int_equal(known_of(one, two), 41);

	entry.body.certificate.epoch = 2;
	bed_encode(bed, writing, &entry);
	bed_write(bed, &one->node, SITE_CONTROL, writing);
	assert_int_equal(known_of(one, two), 0);
	assert_code(ack_keep(txn, bed->net_id, word, &site, NULL), ERR_DENIED);
	assert_int_equal(known_of(one, two), 0);

	word = word_of(two, next, 2);
	assert_code(ack_keep(txn, bed->net_id, word, &site, NULL), ERR_OK);
	assert_int_equal(known_of(one, two), 41);
	signer_close(next);
	bed_close(bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stick_alone_makes_two_boxes_equal),
		cmocka_unit_test(a_stick_leaves_no_delta_out),
		cmocka_unit_test(
			a_stick_that_comes_back_says_what_its_writer_durably_has),
		cmocka_unit_test(a_stick_of_a_life_that_is_over_says_nothing),
		cmocka_unit_test(a_stick_cut_anywhere_is_good_up_to_the_cut),
		cmocka_unit_test(a_changed_byte_is_noticed_wherever_it_is),
		cmocka_unit_test(sticks_in_any_order_end_in_the_same),
		cmocka_unit_test(a_full_stick_is_told_and_holds_what_fitted),
		cmocka_unit_test(
			a_first_block_that_counts_what_is_not_there_is_refused),
		cmocka_unit_test(
			what_is_no_bundle_or_a_newer_one_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
