/*
 * The guard remembers how far HQ had spoken, and what is remembered there is
 * not forgotten before the store has it again.
 */
#include <unistd.h>

#include "rules/base/bytes.h"
#include "store/seal.h"
#include "tests/support/set_back_words.h"

static void assert_memory(struct bed *bed, const char *ledger, const char *said)
{
	struct guard_memory memory = recall(bed);

	assert_string_equal(guard_verdict_name(memory.verdict), ledger);
	assert_string_equal(guard_verdict_name(memory.words), said);
}

static void words_are_sure_once_somebody_vouches_for_them(void **state)
{
	struct bed *bed = *state;

	assert_memory(bed, "missing", "missing");
	save(bed);
	assert_memory(bed, "same", "missing");
	vouch(bed, true);
	assert_memory(bed, "same", "same");
	vouch(bed, false);
	assert_memory(bed, "same", "missing");
	vouch(bed, true);
	word_say(bed);
	/* A crash between the commit and the guard: nothing has left. */
	assert_memory(bed, "same", "same");
	save(bed);
	assert_memory(bed, "same", "same");
	assert_int_equal(recall(bed).guard.words.ends[GUARD_CONTROL].seq, 3);
	assert_int_equal(recall(bed).guard.words.ends[GUARD_MASTER].seq, 0);
}

/* Method: what the store has is one word less than the guard, also when nothing
 * of the ledger was lost; then peers give it back. */
static void a_store_that_lost_a_word_is_behind_until_it_is_back(void **state)
{
	struct bed *bed = *state;
	struct env *peers;

	(void)warehouse_receive(&bed->w, "TEA", 10);
	assert_int_not_equal(seal(bed), 0);
	assert_done(env_copy(ledger_env(bed->w.ledger), bed->image, 0,
			     &bed->w.err),
		    &bed->w.err);
	word_say(bed);
	word_say(bed);
	vouch(bed, true);
	assert_memory(bed, "same", "same");
	peers = roll_back(bed);
	assert_memory(bed, "same", "rollback");
	words_fetch(bed, peers, 3);
	assert_memory(bed, "same", "rollback");
	words_fetch(bed, peers, 4);
	assert_memory(bed, "same", "same");
	word_say(bed);
	save(bed);
	assert_memory(bed, "same", "same");
	assert_int_equal(words_count(bed), 5);
	env_close(peers);
}

static void what_is_remembered_and_not_here_is_not_forgotten(void **state)
{
	struct bed *bed = *state;
	struct guard before;
	struct guard after;
	struct env *peers;

	live(bed);
	word_say(bed);
	vouch(bed, true);
	before = recall(bed).guard;
	peers = roll_back(bed);
	for (int i = 0; i < 3; i++)
		save(bed);
	assert_memory(bed, "rollback", "rollback");
	after = recall(bed).guard;
	assert_int_equal(after.seq, before.seq);
	assert_int_equal(after.number, before.number);
	assert_memory_equal(after.hash, before.hash, HASH_SIZE);
	assert_true(guard_words_equal(&after.words, &before.words));
	assert_true(after.is_sure);
	/* A life goes on in the place of the ledger's; the words have none. */
	words_fetch(bed, peers, 3);
	(void)succeed(bed, &before);
	assert_int_not_equal(seal(bed), 0);
	save(bed);
	assert_int_equal(recall(bed).guard.epoch, 2);
	assert_memory(bed, "same", "same");
	env_close(peers);
}

static void another_word_of_the_same_number_is_a_rollback(void **state)
{
	struct bed *bed = *state;
	struct env *peers;

	assert_done(env_copy(ledger_env(bed->w.ledger), bed->image, 0,
			     &bed->w.err),
		    &bed->w.err);
	word_say(bed);
	vouch(bed, true);
	peers = roll_back(bed);
	word_say(bed);
	assert_int_equal(words_count(bed), 3);
	assert_memory(bed, "same", "rollback");
	env_close(peers);
}

/* The root has spoken since: what the epoch before had said counts no more than
 * the root says. */
static void words_of_an_epoch_before_are_not_waited_for(void **state)
{
	struct bed *bed = *state;
	struct guard_words known = {
		.ends = {{.epoch = 0, .seq = 77}, {.seq = 0}}};
	struct view *view = look(bed);
	bool are_held = false;

	assert_done(guard_words_held(view, &known, &are_held, &bed->w.err),
		    &bed->w.err);
	assert_true(are_held);
	known.ends[GUARD_CONTROL].epoch = 2;
	assert_done(guard_words_held(view, &known, &are_held, &bed->w.err),
		    &bed->w.err);
	assert_false(are_held);
	known.ends[GUARD_CONTROL].epoch = 1;
	assert_done(guard_words_held(view, &known, &are_held, &bed->w.err),
		    &bed->w.err);
	assert_false(are_held);
	known.ends[GUARD_CONTROL].seq = 0;
	known.ends[GUARD_MASTER] = (struct guard_word){.epoch = 1, .seq = 1};
	assert_done(guard_words_held(view, &known, &are_held, &bed->w.err),
		    &bed->w.err);
	assert_false(are_held);
	view_end(view);
}

static void on_another_machine_nobody_is_sure(void **state)
{
	struct bed *bed = *state;
	struct guard guard;

	vouch(bed, true);
	guard = recall(bed).guard;
	guard.machine[0] ^= 1;
	guard.machine[1] |= 1;
	assert_done(guard_write(bed->guard, &guard, &bed->w.err), &bed->w.err);
	assert_memory(bed, "moved", "moved");
	save(bed);
	assert_memory(bed, "same", "missing");
	guard.site++;
	assert_done(guard_write(bed->guard, &guard, &bed->w.err), &bed->w.err);
	assert_memory(bed, "foreign", "foreign");
}

#define SIZE_FIRST 125 /* of a file of version 1 */

/* Method: the same file as depot wrote it before, byte for byte. */
static void a_file_without_words_still_tells_of_the_ledger(void **state)
{
	struct bed *bed = *state;
	uint8_t bytes[512];
	struct writer writer;
	struct guard guard;
	struct env *peers;
	size_t size;
	FILE *file;

	live(bed);
	vouch(bed, true);
	file = fopen(bed->guard, "rb");
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	assert_int_equal(fclose(file), 0);
	assert_true(size > SIZE_FIRST);
	bytes[12] = 1;
	writer_init(&writer, bytes + SIZE_FIRST - 8, 8);
	write_u64(&writer, seal_checksum(0, (struct span){(const char *)bytes,
							  SIZE_FIRST - 8}));
	file = fopen(bed->guard, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, SIZE_FIRST, file), SIZE_FIRST);
	assert_int_equal(fclose(file), 0);
	assert_done(guard_read(bed->guard, &guard, &bed->w.err), &bed->w.err);
	assert_false(guard.has_words);
	assert_int_equal(guard.seq, 3);
	assert_memory(bed, "same", "missing");
	peers = roll_back(bed);
	assert_memory(bed, "rollback", "missing");
	env_close(peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words_are_sure_once_somebody_vouches_for_them),
		TEST(a_store_that_lost_a_word_is_behind_until_it_is_back),
		TEST(what_is_remembered_and_not_here_is_not_forgotten),
		TEST(another_word_of_the_same_number_is_a_rollback),
		TEST(words_of_an_epoch_before_are_not_waited_for),
		TEST(on_another_machine_nobody_is_sure),
		TEST(a_file_without_words_still_tells_of_the_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
