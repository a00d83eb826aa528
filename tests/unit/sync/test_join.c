/*
 * How a bare box becomes a site: what both sides say reads back, nobody without
 * the secret can say it, and an old answer is no answer.
 */
#include "gateway/sync/join.h"

#include "store/roster.h"
#include "tests/support/check.h"

static const struct span secret = {"0123456789", 10};

static void fill(uint8_t *bytes, size_t size, uint8_t from)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(from + i);
}

static struct join_frame ask_of(uint32_t number)
{
	struct join_frame frame;

	memset(&frame, 0, sizeof(frame));
	frame.type = JOIN_ASK;
	frame.number = number;
	fill(frame.body.ask.nonce, JOIN_NONCE_SIZE, 7);
	fill(frame.body.ask.public_key, KEY_PUBLIC_SIZE, 50);
	frame.body.ask.epoch = 1;
	frame.body.ask.boot = 99;
	frame.body.ask.stamp.value = UINT64_C(1) << 60;
	assert_true(name_set(&frame.body.ask.site, SPAN_LITERAL("box-17")));
	return frame;
}

static struct join_frame answer_of(const struct join_frame *ask)
{
	static const uint8_t seed[32] = {1};
	static const uint8_t other_seed[32] = {2};
	struct join_frame frame;
	struct join_answer *answer = &frame.body.answer;
	struct signer *root;
	struct signer *control;
	struct err err;

	memset(&frame, 0, sizeof(frame));
	frame.type = JOIN_ANSWER;
	frame.number = ask->number;
	memcpy(answer->nonce, ask->body.ask.nonce, JOIN_NONCE_SIZE);
	answer->site = 9;
	answer->epoch = 3;
	answer->parent_epoch = 2;
	answer->role = SITE_ROLE_SITE;
	answer->until_ms = 1796000000000;
	answer->stamp.value = UINT64_C(3) << 58;
	assert_true(name_set(&answer->name, SPAN_LITERAL("hz-07")));
	assert_true(name_set(&answer->org, SPAN_LITERAL("acme")));
	assert_true(ref_set(&answer->timezone, SPAN_LITERAL("Asia/Shanghai")));
	assert_done(signer_of_seed(seed, &root, &err), &err);
	assert_done(signer_of_seed(other_seed, &control, &err), &err);
	answer->root.epoch = 1;
	memcpy(answer->root.public_key, signer_public(control),
	       KEY_PUBLIC_SIZE);
	root_sign(root, &answer->root);
	keys_net_id(signer_public(root), answer->net_id);
	signer_close(root);
	signer_close(control);
	return frame;
}

static struct span written(const struct join_frame *frame, struct span code,
			   uint8_t *buffer)
{
	uint8_t key[JOIN_KEY_SIZE];
	struct writer writer;

	join_key(frame->number, code, key);
	writer_init(&writer, buffer, JOIN_FRAME_SIZE_MAX);
	join_write(&writer, frame, key);
	assert_true(writer_ok(&writer));
	return (struct span){(const char *)buffer, writer.size};
}

static void what_both_sides_say_reads_back(void **state)
{
	struct join_frame frames[3] = {ask_of(17)};
	uint8_t buffer[JOIN_FRAME_SIZE_MAX];
	uint8_t key[JOIN_KEY_SIZE];

	(void)state;
	frames[1] = answer_of(&frames[0]);
	memset(&frames[2], 0, sizeof(frames[2]));
	frames[2].type = JOIN_REFUSE;
	frames[2].number = 17;
	frames[2].body.refuse.reason = JOIN_USED;
	join_key(17, secret, key);
	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		struct span bytes = written(&frames[i], secret, buffer);
		struct join_frame again;
		enum join_type type;
		uint32_t number;

		assert_code(join_peek(bytes, &type, &number), ERR_OK);
		assert_int_equal(type, frames[i].type);
		assert_int_equal(number, 17);
		assert_code(join_read(bytes, key, &again), ERR_OK);
		assert_memory_equal(&again, &frames[i], sizeof(again));
	}
	assert_true(
		join_is_answer(&frames[0].body.ask, &frames[1].body.answer));
}

/* Another secret, another number, any bit, any cut. */
static void nobody_without_the_secret_can_say_it(void **state)
{
	static const struct span other = {"0123456780", 10};
	struct join_frame ask = ask_of(17);
	struct join_frame answer = answer_of(&ask);
	uint8_t buffer[JOIN_FRAME_SIZE_MAX];
	uint8_t key[JOIN_KEY_SIZE];
	struct join_frame again = ask;
	struct span bytes = written(&answer, secret, buffer);
	unsigned refused = 0;

	(void)state;
	join_key(17, other, key);
	assert_code(join_read(bytes, key, &again), ERR_DENIED);
	join_key(18, secret, key);
	assert_code(join_read(bytes, key, &again), ERR_DENIED);
	join_key(17, secret, key);
	for (size_t bit = 0; bit < bytes.size * 8; bit++) {
		buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(join_read(bytes, key, &again), ERR_OK);
		buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
		refused++;
	}
	for (size_t size = 0; size < bytes.size; size++) {
		struct span cut = {bytes.data, size};

		assert_int_not_equal(join_read(cut, key, &again), ERR_OK);
		refused++;
	}
	assert_int_equal(refused, bytes.size * 9);
	assert_memory_equal(&again, &ask, sizeof(again));
	assert_code(join_read(bytes, key, &again), ERR_OK);
}

static void an_old_answer_or_another_root_is_no_answer(void **state)
{
	struct join_frame ask = ask_of(17);
	struct join_frame answer = answer_of(&ask);

	(void)state;
	assert_true(join_is_answer(&ask.body.ask, &answer.body.answer));
	ask.body.ask.nonce[3] ^= 1;
	assert_false(join_is_answer(&ask.body.ask, &answer.body.answer));
	ask.body.ask.nonce[3] ^= 1;
	answer.body.answer.net_id[0] ^= 1;
	assert_false(join_is_answer(&ask.body.ask, &answer.body.answer));
	answer.body.answer.net_id[0] ^= 1;
	answer.body.answer.root.public_key[0] ^= 1;
	assert_false(join_is_answer(&ask.body.ask, &answer.body.answer));
}

static void a_newer_depot_s_frame_is_told_from_garbage(void **state)
{
	static const uint8_t newer_version[] = {0x80 | 32, 17};
	static const uint8_t newer_type[] = {0x40 | 40, 17};
	static const uint8_t other_plane[] = {0x40 | 1, 17};
	static const uint8_t no_number[] = {0x40 | 32, 0};
	const struct {
		struct span bytes;
		enum err_code code;
	} cases[] = {
		{{(const char *)newer_version, 2}, ERR_VERSION},
		{{(const char *)newer_type, 2}, ERR_VERSION},
		{{(const char *)other_plane, 2}, ERR_CORRUPT},
		{{(const char *)no_number, 2}, ERR_CORRUPT},
		{{"", 0}, ERR_CORRUPT},
	};
	enum join_type type;
	uint32_t number;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_code(join_peek(cases[i].bytes, &type, &number),
			    cases[i].code);
}

/* The number and the secret both count, and what HQ tells everybody of a
 * secret is neither the secret nor the key. */
static void keys_follow_from_the_sheet(void **state)
{
	static const uint8_t net[NET_ID_SIZE] = {5};
	static const uint8_t other_net[NET_ID_SIZE] = {6};
	uint8_t key[JOIN_KEY_SIZE];
	uint8_t again[JOIN_KEY_SIZE];
	uint8_t hash[HASH_SIZE];
	uint8_t other[HASH_SIZE];

	(void)state;
	join_key(17, secret, key);
	join_key(17, secret, again);
	assert_memory_equal(key, again, sizeof(key));
	join_key(18, secret, again);
	assert_memory_not_equal(key, again, sizeof(key));
	join_secret_hash(net, 17, secret, hash);
	join_secret_hash(other_net, 17, secret, other);
	assert_memory_not_equal(hash, other, sizeof(hash));
	assert_memory_not_equal(hash, key, sizeof(hash));
}

/* What is written reads back; what is nearly that does not. */
static void a_topic_has_one_form(void **state)
{
	static const char *const none[] = {
		"",
		"join/",
		"join/17",
		"join//ask",
		"join/0/ask",
		"join/017/ask",
		"join/17/asks",
		"join/17/",
		"join/x/ask",
		"join/17/answer/",
		"join/4294967296/ask",
		"join/-1/ask",
		"head/17/ask",
		"join/ 17/ask",
	};
	char text[JOIN_TOPIC_SIZE];
	unsigned read = 0;

	(void)state;
	for (uint32_t number = 1; number != 0; number = number << 1 | 3) {
		for (int i = 0; i < 2; i++) {
			struct join_topic topic = {number, i == 1};
			struct join_topic again;

			join_topic_write(&topic, text);
			assert_true(join_topic_read(span_of(text), &again));
			assert_int_equal(again.number, number);
			assert_int_equal(again.is_answer, i == 1);
			read++;
		}
		if (number == UINT32_MAX)
			break;
	}
	assert_int_equal(read, 64);
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		struct join_topic topic;

		assert_false(join_topic_read(span_of(none[i]), &topic));
	}
}

static void each_refusal_says_what_to_do(void **state)
{
	(void)state;
	for (int i = 1; i <= JOIN_REFUSAL_MAX; i++) {
		enum join_refusal refusal = (enum join_refusal)i;

		assert_non_null(strchr(join_refusal_text(refusal, false), ':'));
		assert_true(utf8_is_valid(
			span_of(join_refusal_text(refusal, true))));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_both_sides_say_reads_back),
		cmocka_unit_test(nobody_without_the_secret_can_say_it),
		cmocka_unit_test(an_old_answer_or_another_root_is_no_answer),
		cmocka_unit_test(a_newer_depot_s_frame_is_told_from_garbage),
		cmocka_unit_test(keys_follow_from_the_sheet),
		cmocka_unit_test(a_topic_has_one_form),
		cmocka_unit_test(each_refusal_says_what_to_do),
	};

	return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
