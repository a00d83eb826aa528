/*
 * The bytes of a fork's proof: what both headers share is there once, in one
 * form; and the longest that anybody can sign is kept like any other.
 */
#include "tests/support/deltas.h"
#include "tests/support/feeds.h"

#define A (SITE_FIRST + 1)

struct made {
	struct fork_proof proof;
	struct signer *signer;
	uint8_t bytes[FORK_PROOF_SIZE_MAX];
	size_t size;
};

/* Signs both, puts them in order, and writes the proof. */
static void finish(struct made *made, const uint8_t net_id[NET_ID_SIZE])
{
	struct fork_proof *proof = &made->proof;
	uint8_t first[HASH_SIZE];
	uint8_t second[HASH_SIZE];
	struct writer writer;

	delta_hash(net_id, &proof->first, first);
	delta_hash(net_id, &proof->second, second);
	if (memcmp(first, second, HASH_SIZE) > 0) {
		struct delta_header header = proof->first;

		proof->first = proof->second;
		proof->second = header;
	}
	delta_sign(made->signer, net_id, &proof->first, proof->first_signature);
	delta_sign(made->signer, net_id, &proof->second,
		   proof->second_signature);
	writer_init(&writer, made->bytes, sizeof(made->bytes));
	fork_proof_write(&writer, proof);
	assert_true(writer_ok(&writer));
	made->size = writer.size;
}

/* Two headers that differ in their rows alone. */
static struct made made_of(void)
{
	struct made made = {.signer = sample_signer()};

	made.proof.first = sample_header();
	made.proof.second = sample_header();
	made.proof.second.rows_hash[0] ^= 1;
	return made;
}

static enum err_code read_proof(const uint8_t *bytes, size_t size,
				struct fork_proof *ret_proof)
{
	struct reader reader;

	reader_init(&reader, bytes, size);
	return fork_proof_read(&reader, ret_proof);
}

static void assert_reads_back(const struct made *made)
{
	struct fork_proof again;

	assert_code(read_proof(made->bytes, made->size, &again), ERR_OK);
	assert_true(fork_proof_verify(signer_public(made->signer), sample_net,
				      &again));
	assert_memory_equal(again.first.rows_hash, made->proof.first.rows_hash,
			    HASH_SIZE);
	assert_int_equal(again.second.need_count,
			 made->proof.second.need_count);
}

/* Method: each field that may be shared, told apart; what is not shared stands
 * twice. */
static void what_is_shared_is_told_once(void **state)
{
	size_t shared;
	size_t sizes[7];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct made made = made_of();
		struct delta_header *second = &made.proof.second;

		if (i == 1)
			second->previous[5] ^= 1;
		if (i == 2)
			second->boot++;
		if (i == 3)
			second->control = pos_make(1, 301);
		if (i == 4)
			second->needs[1].seq++;
		if (i == 5)
			second->need_count--;
		if (i == 6)
			second->first++;
		finish(&made, sample_net);
		assert_reads_back(&made);
		sizes[i] = made.size;
		signer_close(made.signer);
	}
	shared = sizes[0];
	assert_int_equal(sizes[1], shared + HASH_SIZE);
	assert_int_equal(sizes[2], shared + 8);
	assert_int_equal(sizes[3], shared + 1 + 2);
	assert_int_equal(sizes[4], shared + 1 + 2 * 3 + 1);
	assert_in_range(sizes[5], shared + 1, shared + 8);
	assert_int_equal(sizes[6], shared + 2);
}

/* Method: bytes that a writer would not write, one at a time. */
static void a_proof_has_one_form(void **state)
{
	struct made made = made_of();
	struct fork_proof again;
	uint8_t bytes[FORK_PROOF_SIZE_MAX + 16];

	(void)state;
	finish(&made, sample_net);
	memcpy(bytes, made.bytes, made.size);
	bytes[0] = 2;
	assert_code(read_proof(bytes, made.size, &again), ERR_VERSION);
	bytes[0] = 0;
	assert_code(read_proof(bytes, made.size, &again), ERR_CORRUPT);
	bytes[0] = 1;
	for (int bit = 0; bit < 8; bit++) { /* said to be shared, or not */
		bytes[1] = made.bytes[1] ^ (uint8_t)(1 << bit);
		assert_code(read_proof(bytes, made.size, &again), ERR_CORRUPT);
	}
	signer_close(made.signer);
}

/* Method: numbers that no header can have, where they stand in the proof. */
static void numbers_beyond_their_bounds_are_no_proof(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[16];
		size_t size;
	} starts[] = {
		{"a site of 33 bits",
		 {1, 31, 0x80, 0x80, 0x80, 0x80, 0x10, 1},
		 8},
		{"an epoch of 33 bits",
		 {1, 31, 3, 0x80, 0x80, 0x80, 0x80, 0x10},
		 8},
		{"a varint without end",
		 {1, 31, 3, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff},
		 15},
	};
	struct fork_proof again;
	uint8_t bytes[FORK_PROOF_SIZE_MAX] = {0};
	struct writer writer;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
		memset(bytes, 1, sizeof(bytes));
		memcpy(bytes, starts[i].bytes, starts[i].size);
		if (read_proof(bytes, sizeof(bytes), &again) != ERR_CORRUPT)
			fail_msg("%s", starts[i].what);
	}
	for (int which = 0; which < 2; which++) {
		writer_init(&writer, bytes, sizeof(bytes));
		write_raw(&writer, "\x01\x1f\x03\x01\x02", 5);
		for (int i = 0; i < HASH_SIZE + 8; i++)
			write_u8(&writer, 0);
		/* An epoch of control, then more needs than there may be. */
		write_varint(&writer, which == 0 ? EPOCH_MAX + 1u : 1);
		write_varint(&writer, 1);
		write_varint(&writer, DELTA_NEEDS_MAX + 1);
		assert_true(writer_ok(&writer));
		assert_code(read_proof(bytes, sizeof(bytes), &again),
			    ERR_CORRUPT);
	}
}

static void two_headers_of_different_places_prove_nothing(void **state)
{
	struct made made = made_of();
	struct fork_proof other;
	const uint8_t *key = signer_public(made.signer);

	(void)state;
	finish(&made, sample_net);
	assert_true(fork_proof_verify(key, sample_net, &made.proof));
	for (int which = 0; which < 5; which++) {
		struct delta_header *second;

		other = made.proof;
		second = &other.second;
		if (which == 0)
			second->site++;
		if (which == 1)
			second->epoch++;
		if (which == 2)
			second->seq++;
		if (which == 3)
			second->row_count = 0;
		delta_sign(made.signer, sample_net, second,
			   other.second_signature);
		if (which == 4) { /* in the other order */
			other.first = made.proof.second;
			other.second = made.proof.first;
			delta_sign(made.signer, sample_net, &other.first,
				   other.first_signature);
			delta_sign(made.signer, sample_net, &other.second,
				   other.second_signature);
		}
		assert_false(fork_proof_verify(key, sample_net, &other));
	}
	signer_close(made.signer);
}

/* A header with as much in it as there may be. */
static void header_fill(struct delta_header *header, uint64_t salt)
{
	memset(header->previous, (int)salt, HASH_SIZE);
	memset(header->rows_hash, (int)salt, HASH_SIZE);
	header->boot = UINT64_MAX - salt;
	header->control = pos_make(EPOCH_MAX, POS_NUMBER_MAX - salt);
	header->need_count = DELTA_NEEDS_MAX;
	for (uint32_t i = 0; i < DELTA_NEEDS_MAX; i++)
		header->needs[i] = (struct delta_need){
			UINT32_MAX - 8 + i, EPOCH_MAX, UINT64_MAX - salt};
	header->first = POS_NUMBER_MAX - DELTA_ROWS_MAX - salt;
	header->rules = UINT32_MAX;
	header->row_count = DELTA_ROWS_MAX;
	header->rows_size = DELTA_ROWS_SIZE_MAX;
}

static enum err_code proof_count(void *context, const struct fork_proof *proof,
				 struct err *err)
{
	size_t *count = context;

	(void)err;
	assert_int_equal(proof->second.need_count, DELTA_NEEDS_MAX);
	(*count)++;
	return ERR_OK;
}

/*
 * A liar signs two such: where the proof did not fit, nobody could note it, and
 * whoever had heard of it wrote nothing any more. Method: the longest headers
 * that are sound, of a feed that a node holds.
 */
static void the_longest_lie_is_noted_like_any_other(void **state)
{
	struct feeds feeds;
	struct node node;
	struct made made;
	struct delta_header *first = &made.proof.first;
	size_t kept = 0;
	struct err err;

	(void)state;
	feeds_open(&feeds);
	node_open(&node, &feeds);
	node_hear_all(&node, &feeds, SITE_CONTROL);
	node_hear_all(&node, &feeds, A);
	made = (struct made){.signer = feeds_signer(10 + A - SITE_FIRST)};
	*first = sample_header();
	first->site = A;
	first->epoch = 1;
	first->seq = 2;
	made.proof.second = *first;
	header_fill(first, 1);
	header_fill(&made.proof.second, 2);
	assert_true(delta_header_is_sound(first));
	finish(&made, feeds.net_id);
	printf("a proof of %zu bytes\n", made.size);
	assert_in_range(made.size, FORK_PROOF_SIZE + 1, FORK_PROOF_SIZE_MAX);
	assert_true(fork_proof_verify(signer_public(made.signer), feeds.net_id,
				      &made.proof));
	assert_done(fork_note(node.desk, node.t.txn, &made.proof, &err), &err);
	feed_desk_committed(node.desk);
	assert_done(fork_walk(node_view(&node), proof_count, &kept, &err),
		    &err);
	assert_int_equal(kept, 1);
	signer_close(made.signer);
	node_close(&node);
	feeds_close(&feeds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_shared_is_told_once),
		cmocka_unit_test(a_proof_has_one_form),
		cmocka_unit_test(numbers_beyond_their_bounds_are_no_proof),
		cmocka_unit_test(two_headers_of_different_places_prove_nothing),
		cmocka_unit_test(the_longest_lie_is_noted_like_any_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
