/*
 * The frames that peers exchange: their bytes, and that nothing else reads.
 */
#include "tests/support/frames.h"

#define BYTES_MAX 1024
#define FORMAT_DOCUMENT DEPOT_GOLDEN "/../../docs/protocol/sync.md"

struct bytes {
	size_t size;
	uint8_t data[BYTES_MAX];
};

static const uint8_t net_id[NET_ID_SIZE] = {1, 2, 3, 4};

static struct bytes encode(const struct frame *frame)
{
	struct bytes bytes;
	struct writer writer;

	writer_init(&writer, bytes.data, sizeof(bytes.data));
	frame_write(&writer, frame);
	assert_true(writer_ok(&writer));
	bytes.size = writer.size;
	return bytes;
}

static enum err_code decode(const struct bytes *bytes, struct frame *ret_frame)
{
	return frame_read((struct span){(const char *)bytes->data, bytes->size},
			  ret_frame);
}

static struct bytes hex_read(const char *path)
{
	struct bytes bytes = {.size = 0};
	FILE *file = fopen(path, "r");
	unsigned value;

	if (file == NULL)
		return bytes;
	while (bytes.size < sizeof(bytes.data) &&
	       fscanf(file, "%2x", &value) == 1)
		bytes.data[bytes.size++] = (uint8_t)value;
	(void)fclose(file);
	return bytes;
}

static void hex_print(const char *path, const struct bytes *bytes)
{
	printf("%s:\n", path);
	for (size_t i = 0; i < bytes->size; i++)
		printf("%02x%s", bytes->data[i], i % 32 == 31 ? "\n" : "");
	printf("\n");
}

/*
 * What peers of any age say to each other. If this fails, either the change
 * was a mistake, or FRAME_VERSION has to go up with it.
 */
static void each_frame_has_the_bytes_of_its_golden_file(void **state)
{
	size_t compared = 0;
	size_t wrong = 0;

	(void)state;
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct sample sample;
		struct bytes now;
		struct bytes golden;
		char path[256];

		sample_make(&sample, i);
		now = encode(&sample.frame);
		assert_true(text_format(path, sizeof(path),
					DEPOT_GOLDEN "/sync/%s.hex",
					sample.name));
		golden = hex_read(path);
		if (golden.size != now.size ||
		    memcmp(golden.data, now.data, now.size) != 0) {
			hex_print(path, &now);
			wrong++;
		}
		compared++;
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(compared, SAMPLE_COUNT);
}

static void what_is_written_reads_as_what_it_was(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct sample sample;
		struct bytes first;
		struct bytes second;
		struct frame frame;

		sample_make(&sample, i);
		first = encode(&sample.frame);
		assert_code(decode(&first, &frame), ERR_OK);
		assert_int_equal(frame.type, sample.frame.type);
		assert_int_equal(frame.session, sample.frame.session);
		second = encode(&frame);
		assert_int_equal(second.size, first.size);
		assert_memory_equal(second.data, first.data, first.size);
	}
}

/*
 * Method: every single changed byte of every sample, all 255 other values. It
 * is refused, or it is the one form of another frame: written again it gives
 * the same bytes.
 */
static void
a_changed_byte_is_refused_or_is_another_frame_in_its_one_form(void **state)
{
	size_t refused = 0;
	size_t read = 0;

	(void)state;
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct sample sample;
		struct bytes bytes;

		sample_make(&sample, i);
		bytes = encode(&sample.frame);
		for (size_t at = 0; at < bytes.size; at++) {
			for (unsigned add = 1; add < 256; add++) {
				struct bytes other = bytes;
				struct bytes again;
				struct frame frame;

				other.data[at] =
					(uint8_t)(other.data[at] + add);
				if (decode(&other, &frame) != ERR_OK) {
					refused++;
					continue;
				}
				read++;
				again = encode(&frame);
				assert_int_equal(again.size, other.size);
				assert_memory_equal(again.data, other.data,
						    other.size);
			}
		}
	}
	printf("%zu refused, %zu read\n", refused, read);
	assert_true(refused > 10000 && read > 10000);
}

static bool is_open_ended(const struct frame *frame)
{
	return frame->type == FRAME_BATCHES || frame->type == FRAME_LIVE ||
	       frame->type == FRAME_PROOF;
}

static void a_frame_cut_short_or_with_a_byte_behind_is_refused(void **state)
{
	size_t cuts = 0;

	(void)state;
	for (size_t i = 0; i < SAMPLE_COUNT; i++) {
		struct sample sample;
		struct bytes bytes;
		struct frame frame;

		sample_make(&sample, i);
		if (is_open_ended(&sample.frame))
			continue; /* store/pack.h and feed.h read these */
		bytes = encode(&sample.frame);
		bytes.data[bytes.size++] = 0;
		assert_code(decode(&bytes, &frame), ERR_CORRUPT);
		bytes.size--;
		while (bytes.size-- > 0) {
			assert_code(decode(&bytes, &frame), ERR_CORRUPT);
			cuts++;
		}
	}
	assert_true(cuts > 500);
}

static void a_frame_of_a_newer_depot_is_told_from_garbage(void **state)
{
	struct bytes bytes = {.size = 1};
	struct frame frame;

	(void)state;
	bytes.data[0] = 2 << 6 | FRAME_HELLO; /* version 2 */
	assert_code(decode(&bytes, &frame), ERR_VERSION);
	bytes.data[0] = 1 << 6 | 50; /* a type that we do not know */
	assert_code(decode(&bytes, &frame), ERR_VERSION);
	bytes.data[0] = 1 << 6 | FRAME_TRIM; /* kept for later */
	assert_code(decode(&bytes, &frame), ERR_VERSION);
	bytes.data[0] = FRAME_HELLO; /* no version at all */
	assert_code(decode(&bytes, &frame), ERR_CORRUPT);
	bytes.size = 0;
	assert_code(decode(&bytes, &frame), ERR_CORRUPT);
}

static void a_list_out_of_order_is_refused(void **state)
{
	static const struct frame_entry entry = {{5, 1, 0}, 9, 1, 1};
	struct frame_list list = {.has_lowest = true};
	struct frame frame = {.type = FRAME_HAVE};
	struct bytes bytes;
	uint8_t twice[64];
	struct writer writer;

	(void)state;
	writer_init(&writer, twice, sizeof(twice));
	frame_entry_write(&writer, &list, &entry);
	/* The same feed again: its site is 0 more than the one before. */
	memcpy(twice + writer.size, twice, writer.size);
	twice[writer.size] = 0;
	frame.body.have.count = 2;
	frame.body.have.entries =
		(struct span){(const char *)twice, 2 * writer.size};
	bytes = encode(&frame);
	assert_code(decode(&bytes, &frame), ERR_CORRUPT);
	/* With another epoch it is in order. */
	twice[writer.size + 1] = 2;
	bytes = encode(
		&(struct frame){.type = FRAME_HAVE,
				.body.have = {.count = 2,
					      .entries = {(const char *)twice,
							  2 * writer.size}}});
	assert_code(decode(&bytes, &frame), ERR_OK);
}

static struct signer *signer_make(uint8_t first)
{
	uint8_t seed[32];
	struct signer *signer;
	struct err err;

	sample_fill(seed, sizeof(seed), first);
	assert_done(signer_of_seed(seed, &signer, &err), &err);
	return signer;
}

/* Method: sign, then change each byte before the signature, the net, the key.
 */
static void a_head_is_good_only_as_its_site_signed_it(void **state)
{
	static const uint8_t other_net[NET_ID_SIZE] = {9};
	struct signer *signer = signer_make(1);
	struct signer *other = signer_make(2);
	struct sample sample;
	struct bytes bytes;
	struct frame frame;
	size_t read = 0;

	(void)state;
	sample_make(&sample, 8);
	frame_head_sign(&sample.frame, signer, net_id);
	assert_true(frame_head_verify(&sample.frame, signer_public(signer),
				      net_id));
	assert_false(
		frame_head_verify(&sample.frame, signer_public(other), net_id));
	assert_false(frame_head_verify(&sample.frame, signer_public(signer),
				       other_net));
	bytes = encode(&sample.frame);
	assert_true(bytes.size <= 256);
	for (size_t at = 1; at < bytes.size; at++) {
		bytes.data[at] ^= 1;
		if (decode(&bytes, &frame) == ERR_OK) {
			read++;
			assert_false(frame_head_verify(
				&frame, signer_public(signer), net_id));
		}
		bytes.data[at] ^= 1;
	}
	assert_true(read > 100);
	signer_close(signer);
	signer_close(other);
}

static void an_ack_is_good_only_as_signed_and_named_by_all_it_says(void **state)
{
	struct signer *signer = signer_make(1);
	struct sample sample;
	struct bytes bytes;
	struct frame frame;
	uint64_t label;
	size_t read = 0;

	(void)state;
	sample_make(&sample, 7);
	frame_ack_sign(&sample.frame, signer, net_id);
	assert_true(
		frame_ack_verify(&sample.frame, signer_public(signer), net_id));
	label = frame_ack_label(&sample.frame, net_id);
	bytes = encode(&sample.frame);
	for (size_t at = 1; at < bytes.size - SIGNATURE_SIZE; at++) {
		bytes.data[at] ^= 1;
		if (decode(&bytes, &frame) == ERR_OK) {
			read++;
			assert_false(frame_ack_verify(
				&frame, signer_public(signer), net_id));
			assert_true(frame_ack_label(&frame, net_id) != label);
		}
		bytes.data[at] ^= 1;
	}
	assert_true(read > 30);
	signer_close(signer);
}

/* Method: a full vector of 50 feeds as they are after a season: the epochs
 * differ, thousands of deltas, bodies from the beginning. */
static void a_full_vector_of_50_feeds_takes_800_bytes(void **state)
{
	struct frame_list list = {.has_lowest = true};
	struct frame frame = {.type = FRAME_HAVE};
	uint8_t buffer[2048];
	struct writer writer;

	(void)state;
	writer_init(&writer, buffer, sizeof(buffer));
	for (uint32_t i = 0; i < 50; i++) {
		struct frame_entry entry = {
			{i + 1, 1 + i % 3, 0}, 16000 + i, i * 7919, 1};

		frame_entry_write(&writer, &list, &entry);
	}
	frame.body.have.count = list.count;
	frame.body.have.entries =
		(struct span){(const char *)buffer, writer.size};
	printf("50 feeds: %zu bytes\n", encode(&frame).size);
	assert_true(encode(&frame).size <= 800);
}

/* ---- the document ---- */

static bool document_says(const char *row)
{
	FILE *file = fopen(FORMAT_DOCUMENT, "r");
	char line[1024];
	bool is_found = false;

	assert_non_null(file);
	while (!is_found && fgets(line, sizeof(line), file) != NULL)
		is_found = strncmp(line, row, strlen(row)) == 0;
	(void)fclose(file);
	return is_found;
}

static void
the_document_names_each_frame_and_refusal_with_its_number(void **state)
{
	char row[64];

	(void)state;
	for (uint32_t i = FRAME_HELLO; i <= FRAME_TYPE_MAX; i++) {
		assert_true(text_format(row, sizeof(row), "| %u | `%s` |", i,
					frame_type_name((enum frame_type)i)));
		if (!document_says(row))
			fail_msg("no row '%s'", row);
	}
	for (uint32_t i = REFUSE_BUSY; i <= REFUSE_CODE_MAX; i++) {
		assert_true(text_format(row, sizeof(row), "| %u | `%s` |", i,
					refuse_code_name((enum refuse_code)i)));
		if (!document_says(row))
			fail_msg("no row '%s'", row);
	}
	assert_string_equal(frame_type_name((enum frame_type)0), "?");
	assert_string_equal(refuse_code_name((enum refuse_code)99), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_frame_has_the_bytes_of_its_golden_file),
		cmocka_unit_test(what_is_written_reads_as_what_it_was),
		cmocka_unit_test(
			a_changed_byte_is_refused_or_is_another_frame_in_its_one_form),
		cmocka_unit_test(
			a_frame_cut_short_or_with_a_byte_behind_is_refused),
		cmocka_unit_test(a_frame_of_a_newer_depot_is_told_from_garbage),
		cmocka_unit_test(a_list_out_of_order_is_refused),
		cmocka_unit_test(a_head_is_good_only_as_its_site_signed_it),
		cmocka_unit_test(
			an_ack_is_good_only_as_signed_and_named_by_all_it_says),
		cmocka_unit_test(a_full_vector_of_50_feeds_takes_800_bytes),
		cmocka_unit_test(
			the_document_names_each_frame_and_refusal_with_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
