/*
 * A file that is no sound store is refused before LMDB maps it: whatever its
 * frame says, opening it never crashes. (Damage behind the frame is the
 * business of the rows' checksums and of a child process: depot verify.)
 */
#include "tests/support/store.h"

#include <sys/mman.h>

#include "store/env.h"

#define MAP_SIZE (UINT64_C(1) << 20)
#define PAGE 4096
#define ROWS 60

/* Shared with the child that opens the damaged files. */
struct tally {
	unsigned tried;
	unsigned refused; /* as ERR_CORRUPT or ERR_VERSION, in a sentence */
	unsigned whole;   /* opened, and no row was missing */
	unsigned older;   /* opened as it was before the last commits: a root
			   * that happens to name an older list of tables; the
			   * ledger's chain and checksums are what tells then */
	unsigned other;   /* anything else, which must not be */
	size_t at;        /* byte, or size, in hand */
};

struct fixture {
	struct scratch scratch;
	char store[SCRATCH_PATH_SIZE];
	uint8_t *image; /* of the sound file */
	uint64_t used;  /* bytes of it that hold pages */
	struct tally *tally;
	int fd;
	struct err err;
};

static void rows_write(struct fixture *f, struct env *env)
{
	static char value[2500];

	memset(value, 'v', sizeof(value));
	for (unsigned i = 0; i < ROWS; i++) {
		struct txn *txn;
		char key[8];

		(void)text_format(key, sizeof(key), "%04u", i);
		assert_done(txn_begin(env, &txn, &f->err), &f->err);
		assert_done(txn_put(txn, TABLE_ITEM, span_of(key),
				    (struct span){value, sizeof(value)},
				    &f->err),
			    &f->err);
		assert_done(txn_commit(txn, &f->err), &f->err);
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct env_usage usage;
	struct env *env;

	scratch_make(&f->scratch);
	scratch_path(&f->scratch, "store", f->store);
	assert_done(env_create(f->store, MAP_SIZE, NULL, NULL, &f->err),
		    &f->err);
	assert_done(env_open(f->store, ENV_WRITE, &env, &f->err), &f->err);
	rows_write(f, env);
	assert_done(env_usage(env, &usage, &f->err), &f->err);
	env_close(env);
	f->used = usage.used;
	f->image = malloc(MAP_SIZE);
	f->fd = store_data_open(f->store);
	assert_int_equal(pread(f->fd, f->image, MAP_SIZE, 0), MAP_SIZE);
	f->tally = mmap(NULL, sizeof(*f->tally), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(f->tally != MAP_FAILED);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_remove(f->store);
	scratch_remove(&f->scratch);
	(void)munmap(f->tally, sizeof(*f->tally));
	(void)close(f->fd);
	free(f->image);
	free(f);
	return 0;
}

static enum err_code row_count(void *context, struct span key,
			       struct span value, struct err *err)
{
	unsigned *rows = context;

	(void)key;
	(void)err;
	if (value.size == 2500 && value.data[0] == 'v' &&
	    value.data[2499] == 'v')
		(*rows)++;
	return ERR_OK;
}

static unsigned rows_read(struct env *env)
{
	struct view *view;
	unsigned rows = 0;
	enum err_code code = view_begin(env, &view, NULL);

	if (code != ERR_OK)
		return 0;
	code = view_walk(view, TABLE_ITEM, (struct span){0}, (struct span){0},
			 row_count, &rows, NULL);
	view_end(view);
	return code == ERR_OK ? rows : 0;
}

/* Opens what there is, and says in the tally what came of it. */
static void try_open(struct fixture *f)
{
	struct tally *tally = f->tally;
	struct env *env;
	enum err_code code = env_open(f->store, ENV_READ, &env, &f->err);

	tally->tried++;
	if (code == ERR_OK) {
		unsigned rows = rows_read(env);

		tally->whole += rows == ROWS;
		tally->older += rows == ROWS - 1 || rows == ROWS - 2;
		tally->other += rows < ROWS - 2 || rows > ROWS;
		env_close(env);
	} else if ((code == ERR_CORRUPT || code == ERR_VERSION) &&
		   strstr(f->err.text, "depot") != NULL) {
		tally->refused++;
	} else {
		tally->other++;
	}
}

static void sound_again(struct fixture *f)
{
	ASSERT(ftruncate(f->fd, (off_t)MAP_SIZE) == 0);
	ASSERT(pwrite(f->fd, f->image, f->used, 0) == (ssize_t)f->used);
}

static void assert_no_crash(struct fixture *f, int (*work)(void *context))
{
	int result = child_run(work, f);

	if (result != 0)
		fail_msg("%d at %zu, file \"%s\"", result, f->tally->at,
			 f->err.text);
	assert_int_equal(f->tally->other, 0);
	print_message("%u files: %u refused, %u opened whole, %u as before "
		      "the last commit\n",
		      f->tally->tried, f->tally->refused, f->tally->whole,
		      f->tally->older);
}

/* ---- cut short ---- */

static int truncate_everywhere(void *context)
{
	struct fixture *f = context;

	for (size_t at = 0; at <= f->used; at++) {
		bool is_near_page = at % PAGE < 2 || at % PAGE > PAGE - 2;

		if (!is_near_page && at > 300 && at % 509 != 0)
			continue;
		f->tally->at = at;
		ASSERT(ftruncate(f->fd, (off_t)at) == 0);
		try_open(f);
		sound_again(f);
	}
	return 0;
}

/* Method: at every byte of the first 300, around each page's border, and at
 * every 509th byte between. Only the file with all used pages is one. */
static void a_file_cut_short_anywhere_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_no_crash(f, truncate_everywhere);
	assert_true(f->tally->tried > 1000);
	assert_int_equal(f->tally->whole, 1);
	assert_int_equal(f->tally->older, 0);
	assert_int_equal(f->tally->refused, f->tally->tried - 1);
}

/* ---- zeroed ---- */

static int zero_from_the_start(void *context)
{
	static const uint8_t zeros[MAP_SIZE];
	struct fixture *f = context;

	for (size_t size = 1; size <= 2 * PAGE; size += size < 200 ? 1 : 97) {
		f->tally->at = size;
		ASSERT(pwrite(f->fd, zeros, size, 0) == (ssize_t)size);
		try_open(f);
		sound_again(f);
	}
	ASSERT(pwrite(f->fd, zeros, sizeof(zeros), 0) == sizeof(zeros));
	try_open(f);
	return 0;
}

/* The first 8 bytes are the number of page 0, which is 0 anyway, and then 2
 * that mean nothing: zeroed, that much is sound. */
static void a_file_zeroed_from_its_start_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_no_crash(f, zero_from_the_start);
	assert_true(f->tally->tried > 280);
	assert_int_equal(f->tally->whole, 10);
	assert_int_equal(f->tally->refused, f->tally->tried - 10);
}

/* ---- garbled ---- */

static void garble(struct fixture *f, size_t at)
{
	const uint8_t was = f->image[at];
	const uint8_t values[] = {0x00,
				  0xff,
				  (uint8_t)(was ^ 0x01),
				  (uint8_t)(was ^ 0x80),
				  (uint8_t)(was + 1),
				  (uint8_t)(was - 1)};

	f->tally->at = at;
	for (size_t i = 0; i < sizeof(values); i++) {
		if (values[i] == was)
			continue;
		ASSERT(pwrite(f->fd, &values[i], 1, (off_t)at) == 1);
		try_open(f);
	}
	ASSERT(pwrite(f->fd, &was, 1, (off_t)at) == 1);
}

#define META_SIZE 152 /* of a meta page's bytes; the rest is not used */

static int garble_metas(void *context)
{
	struct fixture *f = context;

	for (size_t at = 0; at < META_SIZE; at++) {
		garble(f, at);
		garble(f, PAGE + at);
	}
	return 0;
}

/* Method: each byte of both meta pages takes six wrong values. */
static void a_garbled_meta_page_never_crashes(void **state)
{
	struct fixture *f = *state;

	assert_no_crash(f, garble_metas);
	assert_true(f->tally->tried > 1500);
	assert_true(f->tally->refused > f->tally->tried / 3);
	/* A meta page whose number was garbled may pass for the older one. */
	assert_true(f->tally->older < 10);
}

/* The page with the list of tables: the newer meta page names it. */
static size_t tables_page(const struct fixture *f)
{
	const size_t txn_at = 16 + 24 + 2 * 48 + 8;
	const size_t root_at = 16 + 24 + 48 + 40;
	uint64_t txns[2];
	uint64_t root;

	memcpy(&txns[0], f->image + txn_at, 8);
	memcpy(&txns[1], f->image + PAGE + txn_at, 8);
	memcpy(&root, f->image + (txns[1] > txns[0] ? PAGE : 0) + root_at, 8);
	return (size_t)root;
}

static int garble_tables(void *context)
{
	struct fixture *f = context;

	for (size_t at = 0; at < PAGE; at++)
		garble(f, tables_page(f) * PAGE + at);
	return 0;
}

/* Method: each byte of the page that lists the tables, the same way. */
static void a_garbled_list_of_tables_never_crashes(void **state)
{
	struct fixture *f = *state;

	assert_no_crash(f, garble_tables);
	assert_true(f->tally->tried > 10000);
	assert_true(f->tally->refused > 1000);
}

static int open_garbage(void *context)
{
	struct fixture *f = context;
	uint64_t seed = test_seed(11);
	uint8_t *garbage = malloc(MAP_SIZE);

	for (size_t round = 0; round < 50; round++) {
		f->tally->at = round;
		for (size_t i = 0; i < MAP_SIZE; i++)
			garbage[i] = (uint8_t)(test_random(&seed) >> 56);
		/* In half of them behind sound meta pages. */
		memcpy(garbage, f->image, round % 2 == 0 ? 0 : 2 * PAGE);
		ASSERT(pwrite(f->fd, garbage, MAP_SIZE, 0) ==
		       (ssize_t)MAP_SIZE);
		try_open(f);
	}
	free(garbage);
	return 0;
}

static void random_bytes_are_refused(void **state)
{
	struct fixture *f = *state;

	assert_no_crash(f, open_garbage);
	assert_int_equal(f->tally->tried, 50);
	assert_int_equal(f->tally->refused, 50);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_file_cut_short_anywhere_is_refused),
		TEST(a_file_zeroed_from_its_start_is_refused),
		TEST(a_garbled_meta_page_never_crashes),
		TEST(a_garbled_list_of_tables_never_crashes),
		TEST(random_bytes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
