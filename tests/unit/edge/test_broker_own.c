/*
 * depotd's own password at the broker lives as long as the broker may.
 */
#include "tests/support/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/broker_own.h"
#include "tests/support/scratch.h"

struct bed {
	struct scratch dir;
	int folder;
	char path[SCRATCH_PATH_SIZE];
	struct err err;
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	scratch_make(&bed->dir);
	bed->folder = open(bed->dir.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(bed->folder >= 0);
	(void)scratch_path(&bed->dir, BROKER_OWN_NAME, bed->path);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(close(bed->folder), 0);
	scratch_remove(&bed->dir);
	free(bed);
	return 0;
}

static void own(struct bed *bed, char password[BROKER_PASSWORD_SIZE])
{
	memset(password, 'x', BROKER_PASSWORD_SIZE);
	assert_done(broker_own_password(bed->folder, password, &bed->err),
		    &bed->err);
	assert_int_equal(strlen(password), BROKER_PASSWORD_SIZE - 1);
}

static void the_next_start_has_the_same_password(void **state)
{
	struct bed *bed = *state;
	char first[BROKER_PASSWORD_SIZE];
	char second[BROKER_PASSWORD_SIZE];
	struct stat info;

	own(bed, first);
	own(bed, second);
	assert_string_equal(first, second);
	assert_int_equal(stat(bed->path, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_int_equal(unlink(bed->path), 0);
	own(bed, second);
	assert_string_not_equal(first, second);
}

/* Method: a file that was cut, one that is longer, one with other characters:
 * another password is drawn, and that one stays. */
static void what_is_no_password_is_replaced(void **state)
{
	static const char *const bad[] = {
		"",
		"0123456789abcdefghj",
		"0123456789abcdefghjkm",
		"0123456789abcdefgh:k",
		"0123456789abcdefghj\n",
	};
	struct bed *bed = *state;
	size_t replaced = 0;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char first[BROKER_PASSWORD_SIZE];
		char second[BROKER_PASSWORD_SIZE];
		FILE *file = fopen(bed->path, "we");

		assert_non_null(file);
		assert_true(fputs(bad[i], file) >= 0);
		assert_int_equal(fclose(file), 0);
		own(bed, first);
		assert_string_not_equal(first, bad[i]);
		own(bed, second);
		assert_string_equal(first, second);
		replaced++;
	}
	assert_int_equal(replaced, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_next_start_has_the_same_password, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_password_is_replaced,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
