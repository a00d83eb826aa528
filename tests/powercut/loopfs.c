/*
 * The same promises as in env_workload.c, kept on a real file system whose
 * power is really cut.
 *
 * Method: a child process works on a store on a loop disk and tells each
 * acknowledgement through a pipe. After a random number of them the disk's
 * power is cut under it. Then the disk is mounted again, and everything that
 * came through the pipe has to be there. That the cut does lose things is
 * shown by a child that acknowledges before it commits.
 *
 * Exit code 77: this machine cannot do it, and the first line says why. With
 * CI=true only the kernel's lacking it is a reason; the rest is a failure.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#include "rules/base/bytes.h"
#include "store/env.h"
#include "tests/powercut/loop_disk.h"
#include "tests/powercut/powercut.h"
#include "tests/support/store.h"

#define DISK_SIZE (UINT64_C(64) << 20)
#define MAP_SIZE (UINT64_C(8) << 20)
#define SLOTS 16
#define BATCH_MAX 8
#define ROW_SIZE_MAX 300
#define SKIPPED 77

/* ---- rows: number n, whose bytes follow from n ---- */

static struct span row_key(uint64_t number, char buffer[8])
{
	struct writer writer;

	writer_init(&writer, buffer, 8);
	write_u64(&writer, number);
	return (struct span){buffer, 8};
}

static struct span row_value(uint64_t number)
{
	static char value[ROW_SIZE_MAX];
	uint64_t state = number;
	size_t size = 8 + test_random(&state) % (ROW_SIZE_MAX - 7);

	for (size_t i = 0; i < size; i++)
		value[i] = (char)(test_random(&state) & 0xff);
	return (struct span){value, size};
}

/* The row itself, and the slot that it is the newest of. */
static enum err_code row_put(struct txn *txn, uint64_t number, struct err *err)
{
	char key[8];
	enum err_code code =
		txn_append(txn, TABLE_JOURNAL, row_key(number, key),
			   row_value(number), err);

	if (code != ERR_OK)
		return code;
	return txn_put(txn, TABLE_BALANCE, row_key(number % SLOTS, key),
		       row_value(number), err);
}

static enum err_code rows_commit(struct env *env, uint64_t first, uint64_t last,
				 struct err *err)
{
	struct txn *txn;
	enum err_code code = txn_begin(env, &txn, err);

	if (code != ERR_OK)
		return code;
	for (uint64_t i = first; i <= last && code == ERR_OK; i++)
		code = row_put(txn, i, err);
	if (code == ERR_OK)
		return txn_commit(txn, err);
	txn_abandon(txn);
	return code;
}

static bool row_is(const struct view *view, enum table table, uint64_t key,
		   uint64_t number)
{
	char buffer[8];
	struct span value;

	return view_get(view, table, row_key(key, buffer), &value, NULL) ==
		       ERR_OK &&
	       span_equal(value, row_value(number));
}

/* The number of the last row, if all up to it are there and nothing else. */
static bool rows_are_whole(struct env *env, uint64_t *ret_last)
{
	struct view *view;
	uint64_t last = 0;
	bool is_whole = view_begin(env, &view, NULL) == ERR_OK;

	if (!is_whole)
		return false;
	is_whole = view_count(view, TABLE_JOURNAL, &last, NULL) == ERR_OK;
	for (uint64_t i = 1; i <= last && is_whole; i++)
		is_whole = row_is(view, TABLE_JOURNAL, i, i);
	for (uint64_t i = 0; i < SLOTS && i < last && is_whole; i++)
		is_whole = row_is(view, TABLE_BALANCE, (last - i) % SLOTS,
				  last - i);
	view_end(view);
	*ret_last = last;
	return is_whole;
}

/* ---- children ---- */

struct child {
	pid_t pid;
	int acks; /* end of the pipe to read */
};

/* Works on @folder until it fails, which it does when the power is cut. */
typedef void work_fn(const char *folder, int acks, uint64_t seed);

static void ack(int acks, uint64_t number)
{
	if (write(acks, &number, sizeof(number)) != sizeof(number))
		_exit(1);
}

static void child_start(struct child *child, work_fn *work, const char *folder,
			uint64_t seed)
{
	int ends[2];

	ASSERT(pipe(ends) == 0);
	(void)fflush(NULL);
	child->pid = fork();
	ASSERT(child->pid >= 0);
	if (child->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close(ends[0]);
		work(folder, ends[1], seed);
		_exit(0);
	}
	(void)close(ends[1]);
	child->acks = ends[0];
}

/* False: the child has told all it ever will. */
static bool child_ack(const struct child *child, uint64_t *ret_number)
{
	return read(child->acks, ret_number, sizeof(*ret_number)) ==
	       (ssize_t)sizeof(*ret_number);
}

/*
 * Lets the child run for @acks acknowledgements, cuts the power, ends the
 * child, and mounts the disk again. Returns the last acknowledgement, which
 * may well be one of after the cut: a commit that it did not hinder.
 */
static uint64_t child_cut(const struct child *child,
			  const struct loop_disk *disk, uint64_t acks)
{
	uint64_t last = 0;
	uint64_t number;
	struct err err;

	while (acks-- > 0 && child_ack(child, &number))
		last = number;
	assert_done(disk_cut(disk, &err), &err);
	(void)kill(child->pid, SIGKILL);
	while (child_ack(child, &number))
		last = number;
	(void)close(child->acks);
	ASSERT(waitpid(child->pid, NULL, 0) == child->pid);
	assert_done(disk_remount(disk, &err), &err);
	return last;
}

/* ---- commits ---- */

static void commits_work(const char *folder, int acks, uint64_t seed,
			 bool is_early)
{
	struct env *env;
	struct err err;
	uint64_t last;

	if (env_open(folder, ENV_WRITE, &env, &err) != ERR_OK ||
	    !rows_are_whole(env, &last))
		_exit(1);
	for (;;) {
		uint64_t first = last + 1;

		last += 1 + test_random(&seed) % BATCH_MAX;
		if (is_early)
			ack(acks, last);
		if (rows_commit(env, first, last, &err) != ERR_OK)
			_exit(0);
		if (!is_early)
			ack(acks, last);
	}
}

static void honest_work(const char *folder, int acks, uint64_t seed)
{
	commits_work(folder, acks, seed, false);
}

static void early_work(const char *folder, int acks, uint64_t seed)
{
	commits_work(folder, acks, seed, true);
}

/* True if the store is whole and has all rows up to @acked. */
static bool commits_check(const char *store, uint64_t acked, uint64_t *ret_last)
{
	struct env *env;
	struct err err;
	bool is_whole;

	assert_done(env_open(store, ENV_WRITE, &env, &err), &err);
	is_whole = rows_are_whole(env, ret_last);
	env_close(env);
	if (!is_whole)
		fail_msg("rows are missing or damaged in %s", store);
	return *ret_last >= acked;
}

struct tally {
	unsigned rounds;
	unsigned lost; /* rounds that lost something acknowledged */
	uint64_t rows;
};

static struct tally commits_cut(const struct loop_disk *disk, work_fn *work,
				unsigned rounds, uint64_t seed)
{
	char store[SCRATCH_PATH_SIZE + 16];
	struct tally tally = {0};
	struct err err;

	(void)text_format(store, sizeof(store), "%s/store", disk->point);
	assert_done(env_create(store, MAP_SIZE, NULL, NULL, &err), &err);
	for (; tally.rounds < rounds; tally.rounds++) {
		struct child child;
		uint64_t acked;

		child_start(&child, work, store, test_random(&seed));
		acked = child_cut(&child, disk, 1 + test_random(&seed) % 40);
		if (!commits_check(store, acked, &tally.rows))
			tally.lost++;
	}
	store_remove(store);
	return tally;
}

static unsigned rounds_of(unsigned normal)
{
	return powercut_is_full() ? 20 * normal : normal;
}

static void nothing_acknowledged_is_lost(void **state)
{
	struct tally tally =
		commits_cut(*state, honest_work, rounds_of(12), test_seed(1));

	print_message("%u cuts, %llu rows, %u lost\n", tally.rounds,
		      (unsigned long long)tally.rows, tally.lost);
	assert_int_equal(tally.lost, 0);
	assert_true(tally.rows > tally.rounds);
}

/* Were nothing ever lost, the other tests would prove nothing. */
static void what_was_acknowledged_too_early_is_found_lost(void **state)
{
	struct tally tally = commits_cut(*state, early_work, 12, test_seed(2));

	print_message("%u cuts, %u lost\n", tally.rounds, tally.lost);
	assert_true(tally.lost > 0);
}

/* ---- folders ---- */

static enum err_code one_row(void *context, struct txn *txn, struct err *err)
{
	(void)context;
	return row_put(txn, 1, err);
}

static const char *nth_store(const char *folder, uint64_t number, char *path)
{
	(void)text_format(path, SCRATCH_PATH_SIZE + 16, "%s/s%llu", folder,
			  (unsigned long long)number);
	return path;
}

/* Creates store after store, each second one as a copy of the first. */
static void folders_work(const char *folder, int acks, uint64_t seed)
{
	char path[SCRATCH_PATH_SIZE + 16];
	struct env *env;
	struct err err;

	(void)seed;
	if (env_create(nth_store(folder, 1, path), ENV_MAP_SIZE_MIN, one_row,
		       NULL, &err) != ERR_OK ||
	    env_open(path, ENV_READ, &env, &err) != ERR_OK)
		_exit(0);
	ack(acks, 1);
	for (uint64_t i = 2; i < 40; i++) {
		enum err_code code;

		nth_store(folder, i, path);
		code = i % 2 == 0 ? env_copy(env, path, 0, &err)
				  : env_create(path, ENV_MAP_SIZE_MIN, one_row,
					       NULL, &err);
		if (code != ERR_OK)
			_exit(0);
		ack(acks, i);
	}
}

/* The store is whole; or, if nobody was told of it, may be absent. Returns
 * whether it is there. */
static bool folder_check(const char *path, bool is_acked)
{
	struct env *env;
	struct err err;
	uint64_t last = 0;
	bool is_whole;

	if (!is_acked && !path_is_there(path))
		return false;
	assert_done(env_open(path, ENV_WRITE, &env, &err), &err);
	is_whole = rows_are_whole(env, &last) && last == 1;
	env_close(env);
	if (!is_whole)
		fail_msg("%s is not whole", path);
	store_remove(path);
	return true;
}

/* What a cut left of the store that was being made is no obstacle. */
static void folder_again(const char *path)
{
	char partial[SCRATCH_PATH_SIZE + 32];
	struct err err;

	assert_done(env_create(path, ENV_MAP_SIZE_MIN, one_row, NULL, &err),
		    &err);
	(void)text_format(partial, sizeof(partial), "%s.partial", path);
	assert_false(path_is_there(partial));
	store_remove(path);
}

/* Method: cuts while stores are created and copied, one after the other. */
static void a_store_appears_whole_or_not_at_all(void **state)
{
	const struct loop_disk *disk = *state;
	unsigned rounds = rounds_of(12);
	uint64_t seed = test_seed(3);
	uint64_t made = 0;
	unsigned absent = 0;

	for (unsigned i = 0; i < rounds; i++) {
		char path[SCRATCH_PATH_SIZE + 16];
		struct child child;
		uint64_t acked;

		child_start(&child, folders_work, disk->point, 0);
		acked = child_cut(&child, disk, test_random(&seed) % 12);
		for (uint64_t j = 1; j <= acked; j++)
			(void)folder_check(nth_store(disk->point, j, path),
					   true);
		made += acked;
		nth_store(disk->point, acked + 1, path);
		if (!folder_check(path, false)) {
			absent++;
			folder_again(path);
		}
	}
	print_message("%u cuts, %llu stores made, %u cut away\n", rounds,
		      (unsigned long long)made, absent);
	assert_true(made > rounds);
	assert_true(absent > 0);
}

/* ---- a full disk ---- */

static void disk_fill(const struct loop_disk *disk, char *path)
{
	static const char block[1 << 16];
	size_t size = sizeof(block);
	int fd;

	(void)text_format(path, SCRATCH_PATH_SIZE + 16, "%s/filler",
			  disk->point);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	/* Smaller and smaller, until not a byte fits. */
	while (size > 0)
		if (write(fd, block, size) <= 0)
			size /= 2;
	assert_int_equal(fsync(fd), 0);
	(void)close(fd);
}

static void a_full_disk_does_not_stop_a_store_that_has_its_room(void **state)
{
	const struct loop_disk *disk = *state;
	char store[SCRATCH_PATH_SIZE + 16];
	char filler[SCRATCH_PATH_SIZE + 16];
	struct env_usage usage;
	struct env *env;
	struct err err;
	uint64_t last;

	(void)text_format(store, sizeof(store), "%s/store", disk->point);
	assert_done(env_create(store, MAP_SIZE, NULL, NULL, &err), &err);
	disk_fill(disk, filler);
	assert_done(env_open(store, ENV_WRITE, &env, &err), &err);
	assert_done(env_usage(env, &usage, &err), &err);
	assert_true(usage.is_allocated);
	for (uint64_t i = 0; i < 300; i++)
		assert_done(rows_commit(env, 8 * i + 1, 8 * i + 8, &err), &err);
	env_close(env);
	assert_true(commits_check(store, 2400, &last));
	assert_int_equal(unlink(filler), 0);
	store_remove(store);
}

/* As a store that other tools restored may have holes in it. */
static void holes_make(const char *store)
{
	struct env_usage usage;
	struct env *env;
	struct err err;
	int fd = store_data_open(store);

	assert_done(env_open(store, ENV_READ, &env, &err), &err);
	assert_done(env_usage(env, &usage, &err), &err);
	env_close(env);
	assert_int_equal(ftruncate(fd, (off_t)usage.used), 0);
	assert_int_equal(ftruncate(fd, MAP_SIZE), 0);
	(void)close(fd);
}

static void a_full_disk_refuses_the_commit_and_keeps_the_rows(void **state)
{
	const struct loop_disk *disk = *state;
	char store[SCRATCH_PATH_SIZE + 16];
	char filler[SCRATCH_PATH_SIZE + 16];
	enum err_code code = ERR_OK;
	struct env_usage usage;
	struct env *env;
	struct err err;
	uint64_t last = 0;
	uint64_t seen;

	(void)text_format(store, sizeof(store), "%s/store", disk->point);
	assert_done(env_create(store, MAP_SIZE, NULL, NULL, &err), &err);
	holes_make(store);
	disk_fill(disk, filler);
	assert_done(env_open(store, ENV_WRITE, &env, &err), &err);
	assert_done(env_usage(env, &usage, &err), &err);
	assert_false(usage.is_allocated);
	for (; code == ERR_OK; last++)
		code = rows_commit(env, last + 1, last + 1, &err);
	assert_code(code, ERR_FULL);
	assert_non_null(strstr(err.text, "make room"));
	assert_true(rows_are_whole(env, &seen));
	assert_int_equal(seen, last - 1);
	assert_int_equal(unlink(filler), 0);
	assert_done(rows_commit(env, last, last, &err), &err);
	env_close(env);
	assert_true(commits_check(store, last, &seen));
	store_remove(store);
}

/* ---- main ---- */

static struct scratch scratch;
static struct loop_disk disk;

static int setup_with(void **state, const char *features)
{
	struct err err;

	scratch_make(&scratch);
	assert_done(disk_make(&disk, scratch.folder, DISK_SIZE, features, &err),
		    &err);
	*state = &disk;
	return 0;
}

static int setup(void **state)
{
	return setup_with(state, "");
}

/* Block lists as of ext3, for which there is no fallocate. */
static int setup_plain(void **state)
{
	return setup_with(state, "^extents,^64bit");
}

static int teardown(void **state)
{
	disk_remove(*state);
	scratch_remove(&scratch);
	return 0;
}

/* Tells whether and why not this machine can do it. */
static int machine_try(void)
{
	const char *ci = getenv("CI");
	void *state;
	struct err err;
	enum err_code code = disk_prepare(&err);

	if (code == ERR_OK) {
		scratch_make(&scratch);
		code = disk_make(&disk, scratch.folder, DISK_SIZE, "", &err);
		if (code == ERR_OK) {
			state = &disk;
			(void)teardown(&state);
			return 0;
		}
		scratch_remove(&scratch);
	}
	if (code != ERR_NOT_FOUND && ci != NULL && strcmp(ci, "true") == 0) {
		printf("FAILED, as CI must be able to: %s\n", err.text);
		return 1;
	}
	printf("SKIP: %s\n", err.text);
	return SKIPPED;
}

int main(void)
{
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest usual[] = {
		TEST(nothing_acknowledged_is_lost, setup),
		TEST(what_was_acknowledged_too_early_is_found_lost, setup),
		TEST(a_store_appears_whole_or_not_at_all, setup),
		TEST(a_full_disk_does_not_stop_a_store_that_has_its_room,
		     setup),
		TEST(a_full_disk_refuses_the_commit_and_keeps_the_rows, setup),
	};
	const struct CMUnitTest plain[] = {
		TEST(nothing_acknowledged_is_lost, setup_plain),
		TEST(a_store_appears_whole_or_not_at_all, setup_plain),
	};
	int reason = machine_try();

	if (reason != 0)
		return reason;
	return cmocka_run_group_tests_name("ext4", usual, NULL, NULL) +
	       cmocka_run_group_tests_name("without fallocate", plain, NULL,
					   NULL);
}
