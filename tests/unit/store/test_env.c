/*
 * The rows of a store: what a transaction wrote is there after its commit,
 * whole, for everybody, and before it for nobody.
 */
#include "tests/support/store.h"

#include <pthread.h>
#include <signal.h>

#include "rules/base/bytes.h"
#include "store/env.h"

/* Room for all commits of any test here, even if a reader that waits for the
 * processor keeps every old page from being used again. */
#define MAP_SIZE (UINT64_C(16) << 20)

struct fixture {
	struct scratch scratch;
	char store[SCRATCH_PATH_SIZE];
	struct env *env;
	struct err err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	scratch_make(&f->scratch);
	scratch_path(&f->scratch, "store", f->store);
	assert_done(env_create(f->store, MAP_SIZE, NULL, NULL, &f->err),
		    &f->err);
	assert_done(env_open(f->store, ENV_WRITE, &f->env, &f->err), &f->err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	env_close(f->env);
	store_remove(f->store);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

static void put(struct fixture *f, const char *key, const char *value)
{
	struct txn *txn;

	assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
	assert_done(txn_put(txn, TABLE_ITEM, span_of(key), span_of(value),
			    &f->err),
		    &f->err);
	assert_done(txn_commit(txn, &f->err), &f->err);
}

static void what_is_written_is_seen_at_its_commit_and_not_before(void **state)
{
	struct fixture *f = *state;
	struct view *before;
	struct view *after;
	struct txn *txn;
	struct span value;

	put(f, "a", "old");
	assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
	assert_done(txn_put(txn, TABLE_ITEM, span_of("a"), span_of("new"),
			    &f->err),
		    &f->err);
	assert_done(view_begin(f->env, &before, &f->err), &f->err);
	assert_done(view_get(txn_view(txn), TABLE_ITEM, span_of("a"), &value,
			     &f->err),
		    &f->err);
	assert_span(value, "new");
	assert_done(txn_commit(txn, &f->err), &f->err);
	assert_done(view_begin(f->env, &after, &f->err), &f->err);
	assert_done(view_get(before, TABLE_ITEM, span_of("a"), &value, &f->err),
		    &f->err);
	assert_span(value, "old");
	assert_done(view_get(after, TABLE_ITEM, span_of("a"), &value, &f->err),
		    &f->err);
	assert_span(value, "new");
	view_end(before);
	view_end(after);
}

static void what_is_abandoned_was_never_there(void **state)
{
	struct fixture *f = *state;
	struct view *view;
	struct txn *txn;
	struct span value;
	uint64_t rows;

	put(f, "a", "1");
	assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
	assert_done(txn_put(txn, TABLE_ITEM, span_of("b"), span_of("2"),
			    &f->err),
		    &f->err);
	assert_done(txn_delete(txn, TABLE_ITEM, span_of("a"), &f->err),
		    &f->err);
	assert_code(txn_delete(txn, TABLE_ITEM, span_of("c"), &f->err),
		    ERR_NOT_FOUND);
	txn_abandon(txn);
	assert_done(view_begin(f->env, &view, &f->err), &f->err);
	assert_done(view_get(view, TABLE_ITEM, span_of("a"), &value, &f->err),
		    &f->err);
	assert_code(view_get(view, TABLE_ITEM, span_of("b"), &value, NULL),
		    ERR_NOT_FOUND);
	assert_done(view_count(view, TABLE_ITEM, &rows, &f->err), &f->err);
	assert_int_equal(rows, 1);
	view_end(view);
}

static void an_append_that_is_not_after_all_others_is_refused(void **state)
{
	static const char *const late[] = {"j3", "j2", "a"};
	struct fixture *f = *state;
	struct txn *txn;
	uint64_t rows;

	assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
	assert_done(txn_append(txn, TABLE_JOURNAL, span_of("j1"), span_of("1"),
			       &f->err),
		    &f->err);
	assert_done(txn_append(txn, TABLE_JOURNAL, span_of("j3"), span_of("3"),
			       &f->err),
		    &f->err);
	for (size_t i = 0; i < ARRAY_LEN(late); i++)
		assert_code(txn_append(txn, TABLE_JOURNAL, span_of(late[i]),
				       span_of("x"), &f->err),
			    ERR_CONFLICT);
	/* The refusal spoils nothing. */
	assert_done(txn_append(txn, TABLE_JOURNAL, span_of("j4"), span_of("4"),
			       &f->err),
		    &f->err);
	assert_done(view_count(txn_view(txn), TABLE_JOURNAL, &rows, &f->err),
		    &f->err);
	assert_int_equal(rows, 3);
	assert_done(txn_clear(txn, TABLE_JOURNAL, &f->err), &f->err);
	assert_done(view_count(txn_view(txn), TABLE_JOURNAL, &rows, &f->err),
		    &f->err);
	assert_int_equal(rows, 0);
	assert_done(txn_commit(txn, &f->err), &f->err);
}

static void the_longest_key_the_empty_and_the_big_value_come_back(void **state)
{
	static char big[20000];
	struct fixture *f = *state;
	char key[ENV_KEY_SIZE_MAX + 1];
	struct span longest = {key, ENV_KEY_SIZE_MAX};
	struct span value;
	struct txn *txn;

	memset(key, 'k', sizeof(key));
	memset(big, 'b', sizeof(big));
	assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
	assert_done(txn_put(txn, TABLE_ITEM, longest, (struct span){0},
			    &f->err),
		    &f->err);
	assert_done(txn_put(txn, TABLE_ITEM, span_of("b"),
			    (struct span){big, sizeof(big)}, &f->err),
		    &f->err);
	assert_done(view_get(txn_view(txn), TABLE_ITEM, longest, &value,
			     &f->err),
		    &f->err);
	assert_int_equal(value.size, 0);
	assert_done(view_get(txn_view(txn), TABLE_ITEM, span_of("b"), &value,
			     &f->err),
		    &f->err);
	assert_int_equal(value.size, sizeof(big));
	assert_memory_equal(value.data, big, sizeof(big));
	/* A key that no row can have is just not there. */
	assert_code(view_get(txn_view(txn), TABLE_ITEM,
			     (struct span){key, sizeof(key)}, &value, NULL),
		    ERR_NOT_FOUND);
	assert_code(view_get(txn_view(txn), TABLE_ITEM, (struct span){0},
			     &value, NULL),
		    ERR_NOT_FOUND);
	txn_abandon(txn);
}

/* ---- walks ---- */

#define KEYS 200
struct walked {
	struct span keys[KEYS];
	size_t count;
	size_t stop_after;
};

static enum err_code note(void *context, struct span key, struct span value,
			  struct err *err)
{
	struct walked *walked = context;

	(void)err;
	if (!span_equal(key, value))
		return ERR_CORRUPT;
	walked->keys[walked->count++] = key;
	return walked->count == walked->stop_after ? ERR_STOPPED : ERR_OK;
}

struct sorted {
	char bytes[KEYS][4];
	struct span keys[KEYS];
	size_t count;
};

static int by_key(const void *a, const void *b)
{
	const struct span *left = a;
	const struct span *right = b;

	return span_compare(*left, *right);
}

/* Distinct keys of 1 to 4 bytes out of 0x00, 0x01, 0xfe and 0xff. */
static void keys_draw(struct sorted *sorted, uint64_t *seed)
{
	static const char letters[] = {'\x00', '\x01', '\xfe', '\xff'};
	size_t count = 0;

	for (size_t i = 0; i < KEYS; i++) {
		uint64_t random = test_random(seed);
		struct span key = {sorted->bytes[count], 1 + random % 4};
		size_t at = 0;

		for (size_t j = 0; j < key.size; j++)
			sorted->bytes[count][j] =
				letters[random >> (8 + 2 * j) & 3];
		while (at < count && !span_equal(sorted->keys[at], key))
			at++;
		if (at == count)
			sorted->keys[count++] = key;
	}
	qsort(sorted->keys, count, sizeof(sorted->keys[0]), by_key);
	sorted->count = count;
}

static bool begins(struct span key, struct span prefix)
{
	return key.size >= prefix.size &&
	       memcmp(key.data, prefix.data, prefix.size) == 0;
}

static void walk_compare(struct fixture *f, const struct view *view,
			 const struct sorted *sorted, struct span from,
			 struct span prefix)
{
	struct walked walked = {.count = 0};
	struct span key;
	struct span value;
	size_t expected = 0;
	const struct span *last = NULL;
	enum err_code code;

	assert_done(view_walk(view, TABLE_CODE, from, prefix, note, &walked,
			      &f->err),
		    &f->err);
	for (size_t i = 0; i < sorted->count; i++) {
		if (!begins(sorted->keys[i], prefix))
			continue;
		last = &sorted->keys[i];
		if (span_compare(sorted->keys[i], from) < 0)
			continue;
		assert_true(expected < walked.count);
		assert_true(span_equal(walked.keys[expected], sorted->keys[i]));
		expected++;
	}
	assert_int_equal(walked.count, expected);
	code = view_last(view, TABLE_CODE, prefix, &key, &value, &f->err);
	if (last == NULL) {
		assert_code(code, ERR_NOT_FOUND);
	} else {
		assert_code(code, ERR_OK);
		assert_true(span_equal(key, *last));
		assert_true(span_equal(value, *last));
	}
}

/*
 * Method: 30 tables of up to 200 random keys that share many prefixes and are
 * full of 0x00 and 0xff, each walked from 100 random starts with random
 * prefixes, against a sorted array.
 */
static void a_walk_meets_the_rows_that_a_sorted_array_has(void **state)
{
	static struct sorted sorted;
	static struct sorted asked;
	struct fixture *f = *state;
	uint64_t seed = test_seed(3);
	size_t walks = 0;

	for (size_t round = 0; round < 30; round++) {
		struct txn *txn;

		keys_draw(&sorted, &seed);
		keys_draw(&asked, &seed);
		assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
		for (size_t i = 0; i < sorted.count; i++)
			assert_done(txn_put(txn, TABLE_CODE, sorted.keys[i],
					    sorted.keys[i], &f->err),
				    &f->err);
		for (size_t i = 0; i < 100; i++, walks++) {
			struct span from =
				asked.keys[test_random(&seed) % asked.count];
			struct span prefix =
				asked.keys[test_random(&seed) % asked.count];

			prefix.size = test_random(&seed) % (prefix.size + 1);
			from.size = test_random(&seed) % (from.size + 1);
			walk_compare(f, txn_view(txn), &sorted, from, prefix);
		}
		txn_abandon(txn);
	}
	assert_int_equal(walks, 3000);
}

static void a_walk_ends_when_its_visitor_has_enough(void **state)
{
	struct fixture *f = *state;
	struct walked walked = {.stop_after = 2};
	struct view *view;

	put(f, "a", "a");
	put(f, "b", "b");
	put(f, "c", "c");
	assert_done(view_begin(f->env, &view, &f->err), &f->err);
	assert_code(view_walk(view, TABLE_ITEM, (struct span){0},
			      (struct span){0}, note, &walked, &f->err),
		    ERR_STOPPED);
	assert_int_equal(walked.count, 2);
	view_end(view);
}

/* ---- a full map ---- */

/* Puts rows of 1 KiB until it does not work. */
static enum err_code fill_up(struct fixture *f, struct txn *txn)
{
	static const char row[1024];
	enum err_code code = ERR_OK;

	for (uint32_t i = 0; code == ERR_OK; i++) {
		char key[16];

		assert_true(i < MAP_SIZE / sizeof(row));
		(void)text_format(key, sizeof(key), "%08u", i);
		code = txn_put(txn, TABLE_PARKED, span_of(key),
			       (struct span){row, sizeof(row)}, &f->err);
	}
	return code;
}

static void a_full_map_refuses_the_write_and_keeps_all_it_had(void **state)
{
	struct fixture *f = *state;
	struct view *view;
	struct span value;
	struct txn *txn;
	uint64_t rows;

	put(f, "a", "kept");
	assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
	assert_code(fill_up(f, txn), ERR_FULL);
	assert_non_null(strstr(f->err.text, "depot resize"));
	txn_abandon(txn);
	assert_done(view_begin(f->env, &view, &f->err), &f->err);
	assert_done(view_get(view, TABLE_ITEM, span_of("a"), &value, &f->err),
		    &f->err);
	assert_span(value, "kept");
	assert_done(view_count(view, TABLE_PARKED, &rows, &f->err), &f->err);
	assert_int_equal(rows, 0);
	view_end(view);
	put(f, "b", "and there is room again");
}

static void a_transaction_that_failed_commits_nothing(void **state)
{
	struct fixture *f = *state;
	struct view *view;
	struct txn *txn;
	uint64_t rows;

	assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
	assert_code(fill_up(f, txn), ERR_FULL);
	assert_code(txn_put(txn, TABLE_ITEM, span_of("a"), span_of("1"),
			    &f->err),
		    ERR_FULL);
	assert_code(txn_commit(txn, &f->err), ERR_FULL);
	assert_done(view_begin(f->env, &view, &f->err), &f->err);
	assert_done(view_count(view, TABLE_PARKED, &rows, &f->err), &f->err);
	assert_int_equal(rows, 0);
	view_end(view);
}

/* ---- several at once ---- */

static void no_more_than_the_stated_number_of_views_are_open(void **state)
{
	struct fixture *f = *state;
	struct view *views[ENV_VIEWS_MAX];
	struct view *one_more;

	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < ENV_VIEWS_MAX; i++)
			assert_done(view_begin(f->env, &views[i], &f->err),
				    &f->err);
		assert_code(view_begin(f->env, &one_more, &f->err), ERR_AGAIN);
		for (size_t i = 0; i < ENV_VIEWS_MAX; i++)
			view_end(views[i]);
	}
}

#define READERS 4
#define COMMITS 300

struct reading {
	struct env *env;
	uint64_t seen; /* commits */
	uint64_t views;
	bool has_failed;
};

/* Both rows are always of one commit, and never of an older one than before. */
static void *pair_read(void *argument)
{
	struct reading *reading = argument;

	while (reading->seen < COMMITS && !reading->has_failed) {
		struct view *view;
		struct span one;
		struct span two;
		uint64_t number = 0;

		if (view_begin(reading->env, &view, NULL) != ERR_OK)
			break;
		if (view_get(view, TABLE_ITEM, span_of("1"), &one, NULL) !=
			    ERR_OK ||
		    view_get(view, TABLE_TASK, span_of("2"), &two, NULL) !=
			    ERR_OK ||
		    !span_equal(one, two) ||
		    !span_to_u64(one, COMMITS, &number) ||
		    number < reading->seen)
			reading->has_failed = true;
		reading->seen = number;
		reading->views++;
		view_end(view);
	}
	return NULL;
}

static void pair_put(struct fixture *f, unsigned number)
{
	struct txn *txn;
	char text[16];

	(void)text_format(text, sizeof(text), "%u", number);
	assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
	assert_done(txn_put(txn, TABLE_ITEM, span_of("1"), span_of(text),
			    &f->err),
		    &f->err);
	assert_done(txn_put(txn, TABLE_TASK, span_of("2"), span_of(text),
			    &f->err),
		    &f->err);
	assert_done(txn_commit(txn, &f->err), &f->err);
}

/* Method: four threads read two rows over and over during 300 commits. */
static void readers_see_whole_commits_while_the_writer_goes_on(void **state)
{
	struct fixture *f = *state;
	struct reading readings[READERS] = {0};
	pthread_t threads[READERS];

	pair_put(f, 0);
	for (size_t i = 0; i < READERS; i++) {
		readings[i].env = f->env;
		assert_int_equal(pthread_create(&threads[i], NULL, pair_read,
						&readings[i]),
				 0);
	}
	for (unsigned i = 1; i <= COMMITS; i++)
		pair_put(f, i);
	for (size_t i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_false(readings[i].has_failed);
		assert_int_equal(readings[i].seen, COMMITS);
		assert_true(readings[i].views > 0);
	}
}

/* A child that opens the store for reading, begins a view, tells so through
 * @ready and then dies without ending it. */
static pid_t reader_child(const struct fixture *f, int ready)
{
	pid_t child = fork();
	struct env *env;
	struct view *view;

	if (child != 0)
		return child;
	/* The parent's env is not ours: it is left alone. */
	if (env_open(f->store, ENV_READ, &env, NULL) == ERR_OK &&
	    view_begin(env, &view, NULL) == ERR_OK)
		(void)!write(ready, "r", 1);
	(void)pause();
	_exit(1);
}

static void a_dead_readers_slot_is_seen_and_cleared(void **state)
{
	struct fixture *f = *state;
	struct env_usage usage;
	uint32_t cleared = 0;
	int pipe_fds[2];
	char byte;
	pid_t child;

	put(f, "a", "1");
	/* A process must not inherit and then open again what it has open. */
	env_close(f->env);
	f->env = NULL;
	assert_int_equal(pipe(pipe_fds), 0);
	child = reader_child(f, pipe_fds[1]);
	assert_true(child > 0);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	assert_done(env_open(f->store, ENV_WRITE, &f->env, &f->err), &f->err);
	put(f, "a", "2");
	put(f, "a", "3");
	assert_done(env_usage(f->env, &usage, &f->err), &f->err);
	assert_int_equal(usage.readers, 1);
	assert_int_equal(usage.oldest_lag, 2);
	assert_done(env_reader_check(f->env, &cleared, &f->err), &f->err);
	assert_int_equal(cleared, 0); /* it lives */
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_done(env_reader_check(f->env, &cleared, &f->err), &f->err);
	assert_int_equal(cleared, 1);
	assert_done(env_usage(f->env, &usage, &f->err), &f->err);
	assert_int_equal(usage.readers, 0);
	assert_int_equal(usage.oldest_lag, 0);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
}

static void usage_tells_pages_in_use_and_pages_to_use_again(void **state)
{
	struct fixture *f = *state;
	static const char row[3000];
	struct env_usage before;
	struct env_usage after;
	struct txn *txn;

	for (char key[] = "a"; key[0] <= 'z'; key[0]++) {
		assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
		assert_done(txn_put(txn, TABLE_ITEM, span_of(key),
				    (struct span){row, sizeof(row)}, &f->err),
			    &f->err);
		assert_done(txn_commit(txn, &f->err), &f->err);
	}
	assert_done(env_usage(f->env, &before, &f->err), &f->err);
	assert_int_equal(before.map_size, MAP_SIZE);
	assert_true(before.is_allocated);
	assert_true(before.used > 26 * sizeof(row) && before.used < MAP_SIZE);
	assert_done(txn_begin(f->env, &txn, &f->err), &f->err);
	assert_done(txn_clear(txn, TABLE_ITEM, &f->err), &f->err);
	assert_done(txn_commit(txn, &f->err), &f->err);
	assert_done(env_usage(f->env, &after, &f->err), &f->err);
	assert_true(after.free_size >= before.free_size + 26 * sizeof(row));
	assert_true(after.free_size < after.used);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_is_written_is_seen_at_its_commit_and_not_before),
		TEST(what_is_abandoned_was_never_there),
		TEST(an_append_that_is_not_after_all_others_is_refused),
		TEST(the_longest_key_the_empty_and_the_big_value_come_back),
		TEST(a_walk_meets_the_rows_that_a_sorted_array_has),
		TEST(a_walk_ends_when_its_visitor_has_enough),
		TEST(a_full_map_refuses_the_write_and_keeps_all_it_had),
		TEST(a_transaction_that_failed_commits_nothing),
		TEST(no_more_than_the_stated_number_of_views_are_open),
		TEST(readers_see_whole_commits_while_the_writer_goes_on),
		TEST(a_dead_readers_slot_is_seen_and_cleared),
		TEST(usage_tells_pages_in_use_and_pages_to_use_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
