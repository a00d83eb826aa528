/*
 * What a box that asks keeps: it moves to another broker as the same box, and
 * what another process wrote meanwhile is not written over.
 *
 * Method: two processes' views of one file, each read and written in turn.
 */
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/join_state.h"
#include "store/keys.h"

#define FIRST "tcp://127.0.0.1:1"
#define SECOND "tcp://127.0.0.1:2"

struct bed {
	struct scratch scratch;
	char path[SCRATCH_PATH_SIZE];
	char keys[SCRATCH_PATH_SIZE];
};

static struct join_code code_of(const char *text)
{
	struct join_code code;

	assert_int_equal(join_code_parse(span_of(text), &code),
			 JOIN_CODE_SOUND);
	return code;
}

static struct join_state begun(const struct bed *bed)
{
	struct join_code code =
		code_of("DEPOT:0001-0000-0000-0000-0000-$/127.0.0.1:1");
	struct join_state state;
	struct err err;

	assert_done(join_state_begin(bed->path, &code, FIRST, 2, &state, &err),
		    &err);
	return state;
}

static struct join_state kept(const struct bed *bed)
{
	struct join_state state;
	struct err err;

	assert_done(join_state_read(bed->path, &state, &err), &err);
	return state;
}

static void moved(const struct bed *bed)
{
	struct join_code code =
		code_of("DEPOT:0001-0000-0000-0000-0000-$/127.0.0.1:2");
	struct join_state state = kept(bed);
	struct err err;

	assert_done(join_state_move(bed->path, &code, SECOND, &state, &err),
		    &err);
	assert_string_equal(state.uri, SECOND);
}

static void another_broker_is_asked_as_the_same_box(void **state)
{
	struct bed *bed = *state;
	struct join_state first = begun(bed);
	struct join_state then;

	moved(bed);
	then = kept(bed);
	assert_string_equal(then.uri, SECOND);
	assert_true(
		span_is((struct span){then.code.host.data, then.code.host.size},
			"127.0.0.1:2"));
	assert_memory_equal(then.nonce, first.nonce, JOIN_NONCE_SIZE);
	assert_memory_equal(then.public_key, first.public_key,
			    sizeof(then.public_key));
}

static void a_broker_named_while_it_was_asking_stays(void **state)
{
	struct bed *bed = *state;
	struct join_state asking = begun(bed);
	struct err err;

	moved(bed);
	asking.tries = 7;
	assert_done(join_state_keep(bed->path, &asking, &err), &err);
	assert_string_equal(asking.uri, SECOND);
	assert_string_equal(kept(bed).uri, SECOND);
	assert_int_equal(kept(bed).tries, 7);
}

static void an_answer_to_another_process_stays(void **state)
{
	struct bed *bed = *state;
	struct join_state asking = begun(bed);
	struct join_state other = kept(bed);
	struct err err;

	other.stage = JOIN_STAGE_REFUSED;
	assert_done(join_state_keep(bed->path, &other, &err), &err);
	assert_done(join_state_keep(bed->path, &asking, &err), &err);
	assert_int_equal(asking.stage, JOIN_STAGE_REFUSED);
	assert_int_equal(kept(bed).stage, JOIN_STAGE_REFUSED);
}

static void a_code_begun_while_it_was_asking_stays(void **state)
{
	struct bed *bed = *state;
	struct join_state asking = begun(bed);
	struct join_state other = begun(bed);
	struct err err;

	assert_memory_not_equal(asking.nonce, other.nonce, JOIN_NONCE_SIZE);
	asking.stage = JOIN_STAGE_REFUSED;
	assert_done(join_state_keep(bed->path, &asking, &err), &err);
	assert_int_equal(asking.stage, JOIN_STAGE_ASKING);
	assert_int_equal(kept(bed).stage, JOIN_STAGE_ASKING);
	assert_memory_equal(kept(bed).nonce, other.nonce, JOIN_NONCE_SIZE);
}

static int setup(void **state)
{
	static struct bed bed;

	scratch_make(&bed.scratch);
	(void)scratch_path(&bed.scratch, "store", bed.path);
	(void)scratch_path(&bed.scratch, "store-keys", bed.keys);
	assert_int_equal(mkdir(bed.keys, 0700), 0);
	*state = &bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	struct err err;

	/* The keys first: their folder goes with what is in it. */
	assert_done(keys_destroy(bed->keys, "join.key", &err), &err);
	assert_int_equal(rmdir(bed->keys), 0);
	scratch_remove(&bed->scratch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			another_broker_is_asked_as_the_same_box, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_broker_named_while_it_was_asking_stays, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			an_answer_to_another_process_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_code_begun_while_it_was_asking_stays, setup,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
