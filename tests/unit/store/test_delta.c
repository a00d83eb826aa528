/*
 * Deltas' headers: one form, what every one of them keeps, what its hash and
 * its signature cover.
 */
#include "tests/support/check.h"

#include "tests/support/deltas.h"

static struct err err;

struct header_bytes {
	uint8_t data[DELTA_HEADER_SIZE_MAX];
	size_t size;
};

static struct header_bytes header_encode(const struct delta_header *header)
{
	struct header_bytes bytes;
	struct writer writer;

	writer_init(&writer, bytes.data, sizeof(bytes.data));
	delta_header_write(&writer, header);
	assert_true(writer_ok(&writer));
	bytes.size = writer.size;
	return bytes;
}

static enum err_code header_decode(const struct header_bytes *bytes,
				   struct delta_header *header)
{
	struct reader reader;
	enum err_code code;

	reader_init(&reader, bytes->data, bytes->size);
	code = delta_header_read(&reader, header);
	return code == ERR_OK && !reader_done(&reader) ? ERR_CORRUPT : code;
}

static void assert_same(const struct delta_header *a,
			const struct delta_header *b)
{
	struct header_bytes x = header_encode(a);
	struct header_bytes y = header_encode(b);

	assert_int_equal(x.size, y.size);
	assert_memory_equal(x.data, y.data, x.size);
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->rows_size, b->rows_size);
	assert_memory_equal(a->rows_hash, b->rows_hash, HASH_SIZE);
}

static void a_header_comes_back_as_it_was(void **state)
{
	struct delta_header header = sample_header();
	struct header_bytes bytes = header_encode(&header);
	struct delta_header read;

	(void)state;
	assert_true(delta_header_is_sound(&header));
	assert_code(header_decode(&bytes, &read), ERR_OK);
	assert_same(&read, &header);
}

/* The longest of all: eight needs, and every number at its bound. */
static void the_longest_header_fits_its_bound(void **state)
{
	struct delta_header header = sample_header();
	struct header_bytes bytes;
	struct delta_header read;

	(void)state;
	header.site = UINT32_MAX;
	header.epoch = EPOCH_MAX;
	header.seq = POS_NUMBER_MAX - DELTA_ROWS_MAX;
	header.first = POS_NUMBER_MAX - DELTA_ROWS_MAX + 1;
	header.control = pos_make(EPOCH_MAX, POS_NUMBER_MAX);
	header.rules = UINT32_MAX;
	header.row_count = DELTA_ROWS_MAX;
	header.rows_size = DELTA_ROWS_SIZE_MAX;
	header.need_count = DELTA_NEEDS_MAX;
	for (uint32_t i = 0; i < DELTA_NEEDS_MAX; i++)
		header.needs[i] =
			(struct delta_need){UINT32_MAX - DELTA_NEEDS_MAX + i,
					    EPOCH_MAX, UINT64_MAX};
	bytes = header_encode(&header);
	assert_code(header_decode(&bytes, &read), ERR_OK);
	assert_same(&read, &header);
}

/* Method: every prefix, and every bit turned: what is read then is another
 * header, and has just those bytes. */
static void a_changed_header_is_refused_or_is_another_one(void **state)
{
	struct delta_header header = sample_header();
	struct header_bytes bytes = header_encode(&header);
	struct header_bytes again;
	struct delta_header read;
	size_t refused = 0;
	size_t others = 0;

	(void)state;
	for (size_t size = 0; size < bytes.size; size++) {
		struct header_bytes cut = bytes;

		cut.size = size;
		assert_int_not_equal(header_decode(&cut, &read), ERR_OK);
	}
	for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
		struct header_bytes turned = bytes;

		turned.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (header_decode(&turned, &read) != ERR_OK) {
			refused++;
			continue;
		}
		again = header_encode(&read);
		assert_int_equal(again.size, turned.size);
		assert_memory_equal(again.data, turned.data, again.size);
		others++;
	}
	assert_true(refused > 20 && others > 500);
	assert_int_equal(refused + others, 8 * bytes.size);
}

/* Each breaks one rule. */
static void break_rule(struct delta_header *header, size_t rule)
{
	switch (rule) {
	case 0:
		header->site = SITE_NONE;
		break;
	case 1:
		header->epoch = 0;
		break;
	case 2:
		header->seq = 0;
		break;
	case 3:
		header->epoch = EPOCH_MAX + 1;
		break;
	case 4: /* the first delta begins a segment */
		header->seq = header->first = 1;
		memset(header->previous, 0, HASH_SIZE);
		break;
	case 5: /* follows nothing */
		header->seq = header->first = 1;
		header->flags |= DELTA_SEGMENT_START;
		break;
	case 6: /* but is not the first */
		memset(header->previous, 0, HASH_SIZE);
		break;
	case 7:
		header->first = 1;
		break;
	case 8:
		header->first = 0;
		break;
	case 9: /* fewer entries than deltas */
		header->first = 2;
		break;
	case 10:
		header->first = POS_NUMBER_MAX;
		break;
	case 11:
		header->row_count = 0;
		break;
	case 12:
		header->row_count = DELTA_ROWS_MAX + 1;
		header->rows_size = DELTA_ROWS_SIZE_MAX;
		break;
	case 13: /* fewer bytes than rows */
		header->rows_size = 1;
		break;
	case 14:
		header->rows_size = DELTA_ROWS_SIZE_MAX + 1;
		break;
	case 15:
		header->needs[1] = header->needs[0];
		break;
	case 16:
		header->needs[0].epoch = 3;
		break;
	case 17: /* itself */
		header->needs[1].site = header->site;
		header->needs[1].epoch = header->epoch;
		break;
	case 18:
		header->needs[0].site = SITE_NONE;
		break;
	case 19:
		header->needs[1].seq = 0;
		break;
	case 20:
		header->needs[0].epoch = 0;
		break;
	case 21:
		header->control.value = 5;
		break;
	case 22:
		header->control = pos_make(7, 0);
		break;
	default:
		fail_msg("no such rule");
	}
}

#define RULES 23

static void a_header_that_breaks_a_rule_is_refused(void **state)
{
	struct delta_header read;

	(void)state;
	for (size_t rule = 0; rule < RULES; rule++) {
		struct delta_header header = sample_header();
		struct header_bytes bytes;

		break_rule(&header, rule);
		if (delta_header_is_sound(&header))
			fail_msg("rule %zu", rule);
		bytes = header_encode(&header);
		if (header_decode(&bytes, &read) != ERR_CORRUPT)
			fail_msg("rule %zu is read", rule);
	}
}

static void a_newer_depots_header_is_told_apart(void **state)
{
	struct delta_header header = sample_header();
	struct header_bytes bytes = header_encode(&header);
	struct delta_header read;

	(void)state;
	bytes.data[0] = DELTA_VERSION + 1;
	assert_code(header_decode(&bytes, &read), ERR_VERSION);
	header.flags |= DELTA_FLAGS_KNOWN + 1;
	bytes = header_encode(&header);
	assert_code(header_decode(&bytes, &read), ERR_VERSION);
	assert_false(delta_header_is_sound(&header));
}

/* Method: every bit of the header's bytes. */
static void hash_and_signature_cover_every_bit_of_a_header(void **state)
{
	struct delta_header header = sample_header();
	struct header_bytes bytes = header_encode(&header);
	struct signer *signer = sample_signer();
	uint8_t signature[SIGNATURE_SIZE];
	uint8_t hash[HASH_SIZE];
	uint8_t other[HASH_SIZE];
	struct delta_header read;
	size_t tried = 0;

	(void)state;
	delta_hash(sample_net, &header, hash);
	delta_sign(signer, sample_net, &header, signature);
	assert_true(delta_verify(signer_public(signer), sample_net, &header,
				 signature));
	for (size_t bit = 0; bit < 8 * bytes.size; bit++) {
		struct header_bytes turned = bytes;

		turned.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (header_decode(&turned, &read) != ERR_OK)
			continue;
		delta_hash(sample_net, &read, other);
		assert_memory_not_equal(hash, other, HASH_SIZE);
		assert_false(delta_verify(signer_public(signer), sample_net,
					  &read, signature));
		tried++;
	}
	assert_true(tried > 500);
	signer_close(signer);
}

static void another_network_or_key_signs_nothing_here(void **state)
{
	static const uint8_t other_net[NET_ID_SIZE] = "golden networl";
	static const uint8_t other_seed[32] = "another";
	struct delta_header header = sample_header();
	struct signer *signer = sample_signer();
	struct signer *other;
	uint8_t signature[SIGNATURE_SIZE];
	uint8_t a[HASH_SIZE];
	uint8_t b[HASH_SIZE];

	(void)state;
	assert_done(signer_of_seed(other_seed, &other, &err), &err);
	delta_sign(signer, sample_net, &header, signature);
	assert_false(delta_verify(signer_public(signer), other_net, &header,
				  signature));
	assert_false(delta_verify(signer_public(other), sample_net, &header,
				  signature));
	delta_hash(sample_net, &header, a);
	delta_hash(other_net, &header, b);
	assert_memory_not_equal(a, b, HASH_SIZE);
	/* The same bytes as rows are something else again. */
	delta_rows_hash(sample_net, SPAN_LITERAL("rows"), a);
	delta_rows_hash(other_net, SPAN_LITERAL("rows"), b);
	assert_memory_not_equal(a, b, HASH_SIZE);
	seal_hash("depot delta v1", sample_net, SPAN_LITERAL("rows"), b);
	assert_memory_not_equal(a, b, HASH_SIZE);
	signer_close(signer);
	signer_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_comes_back_as_it_was),
		cmocka_unit_test(the_longest_header_fits_its_bound),
		cmocka_unit_test(a_changed_header_is_refused_or_is_another_one),
		cmocka_unit_test(a_header_that_breaks_a_rule_is_refused),
		cmocka_unit_test(a_newer_depots_header_is_told_apart),
		cmocka_unit_test(
			hash_and_signature_cover_every_bit_of_a_header),
		cmocka_unit_test(another_network_or_key_signs_nothing_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
