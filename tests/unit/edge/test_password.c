/*
 * Passwords from files: who may be able to read one, systemd's credentials
 * among them.
 */
#include "gateway/edge/password.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/scratch.h"

/* Method: every mode of the nine bits. A credential has 0400, or 0440 where the
 * group's bits are the mask of the one user who may read it. */
static void a_file_that_others_may_read_is_refused(void **state)
{
	static const char word[] = "s3cret\nnot this\n";
	struct scratch scratch;
	char path[SCRATCH_PATH_SIZE];
	char password[32];
	size_t good = 0;
	size_t refused = 0;
	int fd;

	(void)state;
	scratch_make(&scratch);
	(void)scratch_path(&scratch, "password", path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, word, sizeof(word) - 1), sizeof(word) - 1);
	for (mode_t mode = 0; mode <= 0777; mode++) {
		enum err_code code;

		if ((mode & 0400) == 0)
			continue; /* the system decides, and not for root */
		assert_int_equal(fchmod(fd, mode), 0);
		code = password_read(path, password, sizeof(password), NULL);
		if ((mode & 0037) == 0) {
			assert_code(code, ERR_OK);
			assert_string_equal(password, "s3cret");
			good++;
		} else {
			assert_code(code, ERR_UNSAFE);
			refused++;
		}
	}
	assert_int_equal(good, 8);
	assert_int_equal(refused, 248);
	(void)close(fd);
	scratch_remove(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_others_may_read_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
