/*
 * A backup holds what the store held at one moment, and what comes back from
 * it is a store that cannot be taken for the one it was made of.
 */
#include "tests/support/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/audit.h"
#include "store/backup.h"
#include "store/keys.h"
#include "store/row.h"
#include "tests/support/day.h"
#include "tests/support/dump.h"
#include "tests/support/store.h"

#define PATH_SIZE 160

struct site {
	struct warehouse w;
	char backup[PATH_SIZE];
	char target[PATH_SIZE];
	struct backup_info info;
	struct dump dump; /* of the derived tables at the backup */
};

static const struct moment backup_time = {WAREHOUSE_START_MS + 60000};
static const struct moment restore_time = {WAREHOUSE_START_MS + 3600000};

static void path_in(const struct site *site, const char *name, char *path)
{
	assert_true(
		text_format(path, PATH_SIZE, "%s/%s", site->w.folder, name));
}

static int setup(void **state)
{
	struct site *site = calloc(1, sizeof(*site));

	warehouse_open(&site->w);
	day_post(&site->w);
	path_in(site, "backup", site->backup);
	path_in(site, "other", site->target);
	site->dump = dump_env(ledger_env(site->w.ledger));
	assert_done(backup_make(site->w.ledger, site->backup, backup_time,
				&site->info, &site->w.err),
		    &site->w.err);
	*state = site;
	return 0;
}

static int teardown(void **state)
{
	struct site *site = *state;

	free(site->dump.bytes);
	warehouse_close(&site->w);
	free(site);
	return 0;
}

static enum err_code restore(struct site *site, const char *to, uint32_t *epoch)
{
	const struct restore_plan plan = {.from = site->backup,
					  .to = to,
					  .scratch = site->w.folder,
					  .now = restore_time,
					  .clock_trusted = true};

	return backup_restore(&plan, epoch, &site->w.err);
}

static void audit_clean(struct site *site, struct ledger *ledger)
{
	static struct audit_result result;
	const struct audit_plan plan = {.progress = NULL};
	struct view *view;

	assert_done(view_begin(ledger_env(ledger), &view, &site->w.err),
		    &site->w.err);
	assert_done(audit_run(view, &plan, &result, &site->w.err),
		    &site->w.err);
	view_end(view);
	assert_true(audit_is_clean(&result));
}

static struct journal_head head_of(struct site *site, struct ledger *ledger)
{
	struct journal_head head = {.chain = 0};
	struct view *view;

	assert_done(view_begin(ledger_env(ledger), &view, &site->w.err),
		    &site->w.err);
	assert_done(ledger_head(view, &head, &site->w.err), &site->w.err);
	view_end(view);
	return head;
}

/* ---- making one ---- */

static void a_backup_says_what_it_holds(void **state)
{
	struct site *site = *state;
	struct journal_head head = head_of(site, site->w.ledger);
	struct backup_info read = {.chain = 0};

	assert_int_equal(site->info.entries, 1 + DAY_ENTRIES);
	assert_int_equal(site->info.pos.value, head.pos.value);
	assert_int_equal(site->info.chain, head.chain);
	assert_int_equal(site->info.items, 5);
	assert_int_equal(site->info.map_size, WAREHOUSE_MAP_SIZE);
	assert_done(backup_read(site->backup, &read, &site->w.err),
		    &site->w.err);
	assert_memory_equal(&read, &site->info, sizeof(read));
	assert_span(name_span(&read.site), "hz-01");
}

static void a_backup_is_as_small_as_its_rows(void **state)
{
	struct site *site = *state;
	struct stat info;
	char path[PATH_SIZE];

	path_in(site, "backup/store/data.mdb", path);
	assert_int_equal(stat(path, &info), 0);
	assert_in_range(info.st_size, 1 << 20, 4 << 20);
}

/* Method: the names of all files in the backup, against those expected. */
static void no_key_is_in_a_backup(void **state)
{
	struct site *site = *state;
	static const char *const folders[] = {"backup", "backup/store"};
	size_t files = 0;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		const struct dirent *entry;
		char path[PATH_SIZE];
		DIR *folder;

		path_in(site, folders[i], path);
		folder = opendir(path);
		assert_non_null(folder);
		while ((entry = readdir(folder)) != NULL) {
			if (entry->d_name[0] == '.')
				continue;
			assert_true(strcmp(entry->d_name, "manifest") == 0 ||
				    strcmp(entry->d_name, "store") == 0 ||
				    strcmp(entry->d_name, "data.mdb") == 0 ||
				    strcmp(entry->d_name, "writer.lock") == 0);
			files++;
		}
		(void)closedir(folder);
	}
	assert_int_equal(files, 5); /* and a lock beside each of the two */
	path_in(site, "store-keys/root.key", site->target);
	assert_true(path_is_there(site->target));
}

static void a_name_that_is_taken_is_refused(void **state)
{
	struct site *site = *state;
	struct backup_info info;

	assert_code(backup_make(site->w.ledger, site->backup, backup_time,
				&info, &site->w.err),
		    ERR_CONFLICT);
}

/* What a crash leaves of a backup is no backup, and is no hindrance. */
static void a_backup_that_was_cut_short_can_be_made_again(void **state)
{
	struct site *site = *state;
	struct backup_info info;
	char path[PATH_SIZE];
	char file[PATH_SIZE];

	path_in(site, "second.partial", path);
	assert_int_equal(mkdir(path, 0700), 0);
	path_in(site, "second.partial/store", path);
	assert_int_equal(mkdir(path, 0700), 0);
	path_in(site, "second.partial/store/data.mdb", file);
	(void)close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	path_in(site, "second", path);
	assert_code(backup_read(path, &info, &site->w.err), ERR_NOT_FOUND);
	assert_done(backup_make(site->w.ledger, path, backup_time, &info,
				&site->w.err),
		    &site->w.err);
	assert_done(backup_read(path, &info, &site->w.err), &site->w.err);
}

/* ---- the way back ---- */

static void a_restored_store_holds_the_same_in_its_next_epoch(void **state)
{
	struct site *site = *state;
	struct warehouse *w = &site->w;
	struct ledger *ledger;
	struct founding before = *ledger_identity(w->ledger);
	const struct founding *after;
	struct journal_head head;
	uint32_t epoch = 0;

	(void)warehouse_receive(w, "LATER", 7); /* not in the backup */
	assert_done(restore(site, site->target, &epoch), &w->err);
	assert_int_equal(epoch, 2);
	assert_done(ledger_open(site->target, ENV_WRITE, &ledger, &w->err),
		    &w->err);
	assert_dump(&site->dump, dump_env(ledger_env(ledger)));
	head = head_of(site, ledger);
	assert_int_equal(head.pos.value, pos_make(2, 1).value);
	after = ledger_identity(ledger);
	assert_memory_equal(after->net_id, before.net_id,
			    sizeof(after->net_id));
	assert_true(
		span_equal(name_span(&after->site), name_span(&before.site)));
	assert_memory_not_equal(after->public_key, before.public_key,
				sizeof(after->public_key));
	assert_int_equal(after->previous.value, site->info.pos.value);
	assert_int_equal(after->previous_chain, site->info.chain);
	audit_clean(site, ledger);
	ledger_close(ledger);
}

static void a_restored_store_goes_on(void **state)
{
	struct site *site = *state;
	struct warehouse other = site->w;
	struct env_usage usage;
	uint32_t epoch = 0;
	struct pos pos;

	assert_done(restore(site, site->target, &epoch), &site->w.err);
	assert_done(ledger_open(site->target, ENV_WRITE, &other.ledger,
				&other.err),
		    &other.err);
	pos = warehouse_receive(&other, "LATER", 7);
	assert_int_equal(pos.value, pos_make(2, 2).value);
	assert_done(env_usage(ledger_env(other.ledger), &usage, &other.err),
		    &other.err);
	assert_int_equal(usage.map_size, WAREHOUSE_MAP_SIZE);
	audit_clean(site, other.ledger);
	ledger_close(other.ledger);
}

/*
 * A box that restores the same backup twice has lived epoch 2 already, and
 * may have told others about it: the key it has of it says so.
 */
static void each_restore_on_one_box_is_an_epoch_of_its_own(void **state)
{
	struct site *site = *state;
	struct ledger *ledger;
	uint32_t epoch = 0;
	char keys[FILE_PATH_SIZE];

	for (uint32_t life = 2; life < 5; life++) {
		assert_done(restore(site, site->target, &epoch), &site->w.err);
		assert_int_equal(epoch, life);
		assert_done(ledger_open(site->target, ENV_READ, &ledger,
					&site->w.err),
			    &site->w.err);
		audit_clean(site, ledger);
		ledger_close(ledger);
		store_remove(site->target);
	}
	assert_done(ledger_keys_folder(site->target, keys, &site->w.err),
		    &site->w.err);
	assert_done(keys_epoch_last(keys, &epoch, &site->w.err), &site->w.err);
	assert_int_equal(epoch, 4);
}

static void a_store_that_is_there_is_never_restored_over(void **state)
{
	struct site *site = *state;
	uint32_t epoch = 77;

	assert_code(restore(site, site->w.store, &epoch), ERR_CONFLICT);
	assert_int_equal(epoch, 77);
	assert_dump(&site->dump, dump_env(ledger_env(site->w.ledger)));
}

/* Method: every byte of the manifest changed in turn. */
static void a_manifest_with_any_byte_changed_is_refused(void **state)
{
	struct site *site = *state;
	char path[PATH_SIZE];
	char text[1024];
	ssize_t size;
	size_t tried = 0;
	int fd;

	path_in(site, "backup/manifest", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	size = read(fd, text, sizeof(text));
	assert_in_range(size, 150, 400);
	for (ssize_t at = 0; at < size; at++) {
		char other = (char)(text[at] ^ 3);
		struct backup_info info;
		enum err_code code;

		assert_int_equal(pwrite(fd, &other, 1, at), 1);
		code = backup_read(site->backup, &info, &site->w.err);
		/* The format's own digit may turn into a newer one. */
		assert_true(code == ERR_CORRUPT || code == ERR_VERSION);
		assert_int_equal(pwrite(fd, &text[at], 1, at), 1);
		tried++;
	}
	(void)close(fd);
	assert_in_range(tried, 150, 400);
}

/* A manifest that is sound, but not this backup's. */
static void a_manifest_of_another_backup_is_refused(void **state)
{
	struct site *site = *state;
	struct backup_info info;
	char other[PATH_SIZE];
	char from[PATH_SIZE];
	char to[PATH_SIZE];
	uint32_t epoch;

	(void)warehouse_receive(&site->w, "LATER", 7);
	path_in(site, "second", other);
	assert_done(backup_make(site->w.ledger, other, backup_time, &info,
				&site->w.err),
		    &site->w.err);
	path_in(site, "second/manifest", from);
	path_in(site, "backup/manifest", to);
	assert_int_equal(rename(from, to), 0);
	assert_code(restore(site, site->target, &epoch), ERR_CORRUPT);
	assert_non_null(strstr(site->w.err.text, "manifest"));
	assert_false(path_is_there(site->target));
}

/* Method: each page of the backup's file overwritten in turn; it either comes
 * back whole, as damage to the tables alone is mended, or not at all. */
static void a_damaged_backup_comes_back_whole_or_not_at_all(void **state)
{
	struct site *site = *state;
	char path[PATH_SIZE];
	size_t whole = 0;
	size_t refused = 0;
	int fd;

	path_in(site, "backup/store/data.mdb", path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	for (off_t page = 0; page < 24; page++) {
		char bytes[4096];
		char wild[4096];
		uint32_t epoch;
		enum err_code code;

		assert_int_equal(pread(fd, bytes, 4096, page * 4096), 4096);
		memcpy(wild, bytes, sizeof(wild));
		memset(wild + 3900, 0x42, 190);
		assert_int_equal(pwrite(fd, wild, 4096, page * 4096), 4096);
		code = restore(site, site->target, &epoch);
		assert_int_equal(pwrite(fd, bytes, 4096, page * 4096), 4096);
		if (code == ERR_OK) {
			struct ledger *ledger;

			assert_done(ledger_open(site->target, ENV_READ, &ledger,
						&site->w.err),
				    &site->w.err);
			assert_dump(&site->dump, dump_env(ledger_env(ledger)));
			ledger_close(ledger);
			store_remove(site->target);
			whole++;
		} else {
			char left[PATH_SIZE];

			assert_code(code, ERR_CORRUPT);
			assert_false(path_is_there(site->target));
			path_in(site, "other.restored", left);
			assert_false(path_is_there(left));
			refused++;
		}
	}
	(void)close(fd);
	printf("%zu came back whole, %zu not at all\n", whole, refused);
	assert_true(whole > 0 && refused > 0);
}

static void tables_that_were_wrong_come_back_right(void **state)
{
	struct site *site = *state;
	struct backup_info info;
	struct ledger *ledger;
	struct txn *txn;
	uint32_t epoch;

	assert_done(txn_begin(ledger_env(site->w.ledger), &txn, &site->w.err),
		    &site->w.err);
	assert_done(txn_clear(txn, TABLE_BALANCE, &site->w.err), &site->w.err);
	assert_done(txn_commit(txn, &site->w.err), &site->w.err);
	path_in(site, "second", site->backup);
	assert_done(backup_make(site->w.ledger, site->backup, backup_time,
				&info, &site->w.err),
		    &site->w.err);
	assert_done(restore(site, site->target, &epoch), &site->w.err);
	assert_done(ledger_open(site->target, ENV_READ, &ledger, &site->w.err),
		    &site->w.err);
	assert_dump(&site->dump, dump_env(ledger_env(ledger)));
	audit_clean(site, ledger);
	ledger_close(ledger);
}

static void what_a_crash_left_of_a_restore_is_no_hindrance(void **state)
{
	struct site *site = *state;
	char path[PATH_SIZE];
	uint32_t epoch = 0;

	path_in(site, "other.restored", path);
	assert_int_equal(mkdir(path, 0700), 0);
	path_in(site, "other.restored/data.mdb", path);
	(void)close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_done(restore(site, site->target, &epoch), &site->w.err);
	assert_int_equal(epoch, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_backup_says_what_it_holds),
		TEST(a_backup_is_as_small_as_its_rows),
		TEST(no_key_is_in_a_backup),
		TEST(a_name_that_is_taken_is_refused),
		TEST(a_backup_that_was_cut_short_can_be_made_again),
		TEST(a_restored_store_holds_the_same_in_its_next_epoch),
		TEST(a_restored_store_goes_on),
		TEST(each_restore_on_one_box_is_an_epoch_of_its_own),
		TEST(a_store_that_is_there_is_never_restored_over),
		TEST(a_manifest_with_any_byte_changed_is_refused),
		TEST(a_manifest_of_another_backup_is_refused),
		TEST(a_damaged_backup_comes_back_whole_or_not_at_all),
		TEST(tables_that_were_wrong_come_back_right),
		TEST(what_a_crash_left_of_a_restore_is_no_hindrance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
