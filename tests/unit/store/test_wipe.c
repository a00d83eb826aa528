/*
 * Wiping: what was in a file is gone from it before its name is.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file.h"
#include "store/wipe.h"
#include "tests/support/check.h"
#include "tests/support/scratch.h"

#define MARK "MARK-OF-A-SECRET"

static struct scratch scratch;

static void path_in(const char *name, char path[FILE_PATH_SIZE])
{
	assert_code(file_path(scratch.folder, name, path, NULL), ERR_OK);
}

static void file_make(const char *name, size_t size)
{
	char path[FILE_PATH_SIZE];
	int fd;

	path_in(name, path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	for (size_t at = 0; at < size; at += sizeof(MARK))
		assert_int_equal(write(fd, MARK, sizeof(MARK)), sizeof(MARK));
	assert_int_equal(close(fd), 0);
}

static bool is_there(const char *name)
{
	char path[FILE_PATH_SIZE];
	struct stat info;

	path_in(name, path);
	return lstat(path, &info) == 0;
}

static int set_up(void **state)
{
	(void)state;
	scratch_make(&scratch);
	return 0;
}

static int tear_down(void **state)
{
	struct wipe wipe = {0};

	(void)state;
	assert_code(wipe_folder(&wipe, scratch.folder, false, NULL), ERR_OK);
	return 0;
}

/* Method: a second name keeps the file in sight after the first has gone: all
 * of it has other bytes. */
static void a_file_is_written_over_before_its_name_goes(void **state)
{
	struct wipe wipe = {0};
	char path[FILE_PATH_SIZE];
	char other[FILE_PATH_SIZE];
	char bytes[4096];
	size_t looked = 0;
	ssize_t got;
	int fd;

	(void)state;
	file_make("secret", 200000);
	path_in("secret", path);
	path_in("other", other);
	assert_int_equal(link(path, other), 0);
	assert_code(wipe_file(&wipe, path, NULL), ERR_OK);
	assert_false(is_there("secret"));
	assert_int_equal(wipe.files, 1);
	assert_true(wipe.bytes >= 200000);
	fd = open(other, O_RDONLY);
	assert_true(fd >= 0);
	while ((got = read(fd, bytes, sizeof(bytes))) > 0) {
		assert_null(memmem(bytes, (size_t)got, MARK, strlen(MARK)));
		looked += (size_t)got;
	}
	assert_int_equal(looked, wipe.bytes);
	assert_int_equal(close(fd), 0);
	/* What is not there is done. */
	assert_code(wipe_file(&wipe, path, NULL), ERR_OK);
	assert_int_equal(wipe.files, 1);
}

static void a_link_loses_its_name_and_what_it_leads_to_stays(void **state)
{
	struct wipe wipe = {0};
	char path[FILE_PATH_SIZE];
	char target[FILE_PATH_SIZE];
	struct stat info;

	(void)state;
	file_make("target", 1000);
	path_in("target", target);
	path_in("link", path);
	assert_int_equal(symlink(target, path), 0);
	assert_code(wipe_file(&wipe, path, NULL), ERR_OK);
	assert_false(is_there("link"));
	assert_int_equal(stat(target, &info), 0);
	assert_int_equal(wipe.bytes, 0);
}

static void a_folder_goes_with_all_that_is_in_it(void **state)
{
	struct wipe wipe = {0};
	char path[FILE_PATH_SIZE];

	(void)state;
	path_in("a", path);
	assert_int_equal(mkdir(path, 0700), 0);
	path_in("a/b", path);
	assert_int_equal(mkdir(path, 0700), 0);
	file_make("a/one", 10);
	file_make("a/b/two", 70000);
	file_make("a/b/read-only", 10);
	path_in("a/b/read-only", path);
	assert_int_equal(chmod(path, 0400), 0);
	path_in("a", path);
	assert_code(wipe_folder(&wipe, path, true, NULL), ERR_OK);
	assert_int_equal(wipe.files, 3);
	assert_true(is_there("a"));
	assert_false(is_there("a/b"));
	assert_code(wipe_folder(&wipe, path, false, NULL), ERR_OK);
	assert_false(is_there("a"));
	assert_code(wipe_folder(&wipe, path, false, NULL), ERR_OK);
}

static void folders_too_deep_are_told_and_not_forgotten(void **state)
{
	struct wipe wipe = {0};
	char path[FILE_PATH_SIZE];
	char name[64] = "d";
	int made = 0;

	(void)state;
	for (int i = 0; i <= WIPE_DEPTH_MAX + 1; i++) {
		path_in(name, path);
		assert_int_equal(mkdir(path, 0700), 0);
		memcpy(name + strlen(name), "/d", 3);
		made++;
	}
	assert_int_equal(made, WIPE_DEPTH_MAX + 2);
	path_in("d", path);
	assert_code(wipe_folder(&wipe, path, false, NULL), ERR_CONFLICT);
	path_in("d/d/d", path);
	assert_code(wipe_folder(&wipe, path, false, NULL), ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_file_is_written_over_before_its_name_goes, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_link_loses_its_name_and_what_it_leads_to_stays,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_folder_goes_with_all_that_is_in_it, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			folders_too_deep_are_told_and_not_forgotten, set_up,
			tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
