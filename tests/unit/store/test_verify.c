/*
 * A store that may be damaged is judged without risk: the judge may crash, and
 * the store stays as it is.
 */
#include "tests/support/check.h"

#include <sys/stat.h>
#include <unistd.h>

#include "store/lock.h"
#include "store/mdbfile.h"
#include "store/row.h"
#include "store/verify.h"
#include "tests/support/day.h"
#include "tests/support/store.h"

#define PAGE 4096
#define FLIPS 400

static struct verify_report report; /* too large for a stack */

/* Without the pages that commits left free: damage to those is none. */
static void compact(struct warehouse *w)
{
	struct env *env;
	char copy[128];

	assert_true(text_format(copy, sizeof(copy), "%s/copy", w->folder));
	assert_done(env_open(w->store, ENV_WRITE, &env, &w->err), &w->err);
	assert_done(env_copy(env, copy, 0, &w->err), &w->err);
	env_close(env);
	store_remove(w->store);
	assert_int_equal(rename(copy, w->store), 0);
}

static int setup(void **state)
{
	struct warehouse *w = calloc(1, sizeof(*w));

	warehouse_open(w);
	day_post(w);
	ledger_close(w->ledger);
	w->ledger = NULL;
	compact(w);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	warehouse_close(*state);
	free(*state);
	return 0;
}

static enum err_code verify(struct warehouse *w, const char *folder)
{
	const struct verify_plan plan = {.scratch = w->folder,
					 .time_limit_ms = 20000};

	return verify_run(folder, &plan, &report, &w->err);
}

/* What there is of a file, and when it was last touched. */
struct witness {
	struct stat data;
	struct stat folder;
};

static struct witness witness_of(const char *folder)
{
	struct witness witness;
	char path[256];

	assert_true(
		text_format(path, sizeof(path), "%s/%s", folder, MDBFILE_NAME));
	assert_int_equal(stat(path, &witness.data), 0);
	assert_int_equal(stat(folder, &witness.folder), 0);
	return witness;
}

static void assert_untouched(const struct witness *before, const char *folder)
{
	struct witness now = witness_of(folder);

	assert_int_equal(now.data.st_mtim.tv_sec, before->data.st_mtim.tv_sec);
	assert_int_equal(now.data.st_mtim.tv_nsec,
			 before->data.st_mtim.tv_nsec);
	assert_int_equal(now.data.st_size, before->data.st_size);
	assert_int_equal(now.folder.st_mtim.tv_nsec,
			 before->folder.st_mtim.tv_nsec);
}

static void a_sound_store_is_clean_and_stays_as_it_is(void **state)
{
	struct warehouse *w = *state;
	struct witness before = witness_of(w->store);

	assert_done(verify(w, w->store), &w->err);
	assert_int_equal(report.verdict, VERDICT_CLEAN);
	assert_string_equal(verdict_name(report.verdict), "clean");
	assert_int_equal(report.audit.entries, 1 + DAY_ENTRIES);
	assert_untouched(&before, w->store);
}

static void a_store_that_is_being_written_is_verified_too(void **state)
{
	struct warehouse *w = *state;
	struct err err = {.text = ""};
	struct lock lock;

	/* As another process would hold it: flock knows handles, not
	 * processes. */
	assert_done(lock_open(w->store, &lock, &err), &err);
	assert_done(verify(w, w->store), &w->err);
	assert_int_equal(report.verdict, VERDICT_CLEAN);
	lock_close(&lock);
}

static void no_store_and_a_newer_store_are_told_apart(void **state)
{
	struct warehouse *w = *state;
	const struct key key = key_of_text(SPAN_LITERAL(ENV_FORMAT_KEY));
	uint8_t version[4] = {0, 0, 0, ENV_FORMAT_VERSION + 1};
	struct env *env;
	struct txn *txn;

	assert_code(verify(w, w->folder), ERR_NOT_COMMISSIONED);
	assert_done(env_open(w->store, ENV_WRITE, &env, &w->err), &w->err);
	assert_done(txn_begin(env, &txn, &w->err), &w->err);
	assert_done(txn_put(txn, TABLE_META, key_span(&key),
			    (struct span){(char *)version, 4}, &w->err),
		    &w->err);
	assert_done(txn_commit(txn, &w->err), &w->err);
	env_close(env);
	assert_code(verify(w, w->store), ERR_VERSION);
}

static void a_row_that_is_wrong_is_a_finding(void **state)
{
	struct warehouse *w = *state;
	struct key key = key_of_text(SPAN_LITERAL("nobody"));
	struct env *env;
	struct txn *txn;

	assert_done(env_open(w->store, ENV_WRITE, &env, &w->err), &w->err);
	assert_done(txn_begin(env, &txn, &w->err), &w->err);
	assert_done(txn_put(txn, TABLE_ACCOUNT, key_span(&key),
			    SPAN_LITERAL("unsealed"), &w->err),
		    &w->err);
	assert_done(txn_commit(txn, &w->err), &w->err);
	env_close(env);
	assert_done(verify(w, w->store), &w->err);
	assert_int_equal(report.verdict, VERDICT_FINDINGS);
	assert_int_equal(report.audit.findings, 1);
	assert_int_equal(report.audit.list[0].table, TABLE_ACCOUNT);
}

/* It names the store, not where it was read; nor does it say to verify. */
static void assert_sentence_is_the_stores(const struct warehouse *w)
{
	assert_non_null(strstr(report.text, w->store));
	assert_null(strstr(report.text, "depot-shadow"));
	assert_null(strstr(report.text, "depot verify"));
}

static void a_file_cut_short_or_overwritten_is_damaged(void **state)
{
	struct warehouse *w = *state;
	char zeros[PAGE] = {0};
	int fd = store_data_open(w->store);

	assert_int_equal(pwrite(fd, zeros, PAGE, 0), PAGE);
	assert_int_equal(pwrite(fd, zeros, PAGE, PAGE), PAGE);
	assert_done(verify(w, w->store), &w->err);
	assert_int_equal(report.verdict, VERDICT_DAMAGED);
	assert_sentence_is_the_stores(w);
	assert_int_equal(ftruncate(fd, 3000), 0);
	assert_done(verify(w, w->store), &w->err);
	assert_int_equal(report.verdict, VERDICT_DAMAGED);
	assert_sentence_is_the_stores(w);
	(void)close(fd);
}

/* Pages up to the last one with anything in it. */
static off_t used_pages(int fd)
{
	off_t last = 0;
	char page[PAGE];
	static const char zeros[PAGE];

	for (off_t at = 0; at < 1000; at++) {
		assert_int_equal(pread(fd, page, PAGE, at * PAGE), PAGE);
		if (memcmp(page, zeros, PAGE) != 0)
			last = at + 1;
	}
	return last;
}

/* A random place in the file that holds something. */
static off_t byte_choose(int fd, off_t pages, uint64_t *seed, uint8_t *ret_byte)
{
	for (;;) {
		off_t at =
			(off_t)(test_random(seed) % (uint64_t)(pages * PAGE));

		assert_int_equal(pread(fd, ret_byte, 1, at), 1);
		if (*ret_byte != 0)
			return at;
	}
}

/*
 * Method: 400 random bytes of the file that are not zero, each in turn set to
 * another value and put back. The judge may never crash; its verdicts are
 * counted. A byte in no row (padding, a page's own counters) may change
 * unseen, so a store that is called clean has to be whole: as many rows, each
 * with its checksum, and the same end of the chain.
 */
static void whatever_byte_is_flipped_the_judge_comes_back(void **state)
{
	struct warehouse *w = *state;
	uint64_t seed = test_seed(7);
	int fd = store_data_open(w->store);
	off_t pages = used_pages(fd);
	size_t verdicts[VERDICT_ENDLESS + 1] = {0};
	struct audit_result *sound = malloc(sizeof(*sound));

	assert_non_null(sound);
	assert_done(verify(w, w->store), &w->err);
	*sound = report.audit;
	for (size_t i = 0; i < FLIPS; i++) {
		uint8_t byte;
		uint8_t other;
		off_t at = byte_choose(fd, pages, &seed, &byte);

		other = (uint8_t)(byte ^ (1 + test_random(&seed) % 255));
		assert_int_equal(pwrite(fd, &other, 1, at), 1);
		if (verify(w, w->store) == ERR_OK) {
			verdicts[report.verdict]++;
			if (report.verdict == VERDICT_CLEAN) {
				assert_int_equal(report.audit.entries,
						 sound->entries);
				assert_int_equal(report.audit.rows,
						 sound->rows);
				assert_int_equal(report.audit.head.chain,
						 sound->head.chain);
			}
		} else {
			verdicts[0]++; /* a format from the future, say */
		}
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	}
	(void)close(fd);
	free(sound);
	printf("%d flips in %lld pages: %zu clean (and whole), %zu findings, "
	       "%zu damaged, %zu crashed the reader, %zu endless, %zu "
	       "refused\n",
	       FLIPS, (long long)pages, verdicts[VERDICT_CLEAN],
	       verdicts[VERDICT_FINDINGS], verdicts[VERDICT_DAMAGED],
	       verdicts[VERDICT_CRASHED], verdicts[VERDICT_ENDLESS],
	       verdicts[0]);
	assert_true(verdicts[VERDICT_CLEAN] > 0);
	assert_true(verdicts[VERDICT_FINDINGS] > FLIPS / 2);
	assert_done(verify(w, w->store), &w->err);
	assert_int_equal(report.verdict, VERDICT_CLEAN);
}

/* Where LMDB's pages and nodes keep what is changed here (mdb.c of 0.9.24). */
#define PAGE_FLAGS_AT 10
#define PAGE_FLAG_LEAF 2
#define PAGE_FIRST_NODE_AT 16
#define NODE_FLAGS_AT 4
#define NODE_FLAG_DUPLICATES 4

static uint16_t number_at(const char *page, size_t at)
{
	uint16_t number;

	memcpy(&number, page + at, sizeof(number));
	return number;
}

/* Method: one bit of the first row of every leaf page, which says that the row
 * has a tree of its own. LMDB follows a pointer then that is not there. */
static void a_page_that_crashes_the_reader_is_a_verdict(void **state)
{
	struct warehouse *w = *state;
	int fd = store_data_open(w->store);
	off_t pages = used_pages(fd);
	size_t crashed = 0;
	size_t leaves = 0;

	for (off_t page = 2; page < pages; page++) {
		char bytes[PAGE];
		char bit;
		off_t at;

		assert_int_equal(pread(fd, bytes, PAGE, page * PAGE), PAGE);
		if (number_at(bytes, PAGE_FLAGS_AT) != PAGE_FLAG_LEAF)
			continue;
		leaves++;
		at = number_at(bytes, PAGE_FIRST_NODE_AT) + NODE_FLAGS_AT;
		assert_in_range(at, PAGE_FIRST_NODE_AT, PAGE - 1);
		bit = (char)(bytes[at] | NODE_FLAG_DUPLICATES);
		assert_int_equal(pwrite(fd, &bit, 1, page * PAGE + at), 1);
		assert_done(verify(w, w->store), &w->err);
		assert_int_not_equal(report.verdict, VERDICT_CLEAN);
		if (report.verdict == VERDICT_CRASHED) {
			assert_non_null(strstr(report.text, "crashed"));
			assert_non_null(
				strstr(report.text, table_name(report.table)));
			crashed++;
		}
		assert_int_equal(pwrite(fd, bytes, PAGE, page * PAGE), PAGE);
	}
	(void)close(fd);
	printf("%zu of %zu leaf pages crashed the reader\n", crashed, leaves);
	assert_true(crashed > leaves / 2);
}

static enum err_code stop_at_once(void *context, enum table table,
				  uint64_t done, uint64_t total)
{
	size_t *calls = context;

	(void)table;
	(void)done;
	(void)total;
	(*calls)++;
	return ERR_STOPPED;
}

/* Method: a time limit of 1 ms, which no child makes; then a watcher who ends
 * it at its first word, on a store that is long enough for one. */
static void a_verification_ends_in_time_and_when_it_is_told_to(void **state)
{
	struct warehouse *w = *state;
	struct verify_plan plan = {.scratch = w->folder, .time_limit_ms = 1};
	size_t calls = 0;

	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
	warehouse_begin(w);
	for (size_t i = 0; i < 120000; i++) {
		struct entry entry = move_of(MOVEMENT_RECEIVE, "CUP", 1,
					     "supplier:acme", "DOCK");

		(void)warehouse_post(w, &entry);
	}
	warehouse_commit(w);
	ledger_close(w->ledger);
	w->ledger = NULL;
	assert_done(verify_run(w->store, &plan, &report, &w->err), &w->err);
	assert_int_equal(report.verdict, VERDICT_ENDLESS);
	assert_non_null(strstr(report.text, "in time"));
	plan = (struct verify_plan){.scratch = w->folder,
				    .progress = stop_at_once,
				    .context = &calls};
	if (verify_run(w->store, &plan, &report, &w->err) != ERR_OK)
		assert_int_equal(calls, 1);
	else
		assert_int_equal(calls, 0); /* it was done before a word */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sound_store_is_clean_and_stays_as_it_is),
		TEST(a_store_that_is_being_written_is_verified_too),
		TEST(no_store_and_a_newer_store_are_told_apart),
		TEST(a_row_that_is_wrong_is_a_finding),
		TEST(a_file_cut_short_or_overwritten_is_damaged),
		TEST(whatever_byte_is_flipped_the_judge_comes_back),
		TEST(a_page_that_crashes_the_reader_is_a_verdict),
		TEST(a_verification_ends_in_time_and_when_it_is_told_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
