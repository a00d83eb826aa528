/*
 * The broker's certificate and key are copied where its unit sees them, or
 * the sentence says why not.
 */
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "gateway/edge/broker_tls.h"

#define CERTIFICATE \
	"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
#define KEY "-----BEGIN PRIVATE KEY-----\nBB==\n-----END PRIVATE KEY-----\n"

struct bed {
	struct scratch scratch;
	char cert[SCRATCH_PATH_SIZE];
	char key[SCRATCH_PATH_SIZE];
	struct broker_config config;
	int folder;
	struct err err;
};

static void file_put(const char *path, const char *text, size_t size,
		     mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

static void bed_open(struct bed *bed)
{
	scratch_make(&bed->scratch);
	(void)scratch_path(&bed->scratch, "my.crt", bed->cert);
	(void)scratch_path(&bed->scratch, "my.key", bed->key);
	bed->config = (struct broker_config){
		.tls_port = 8883, .tls_cert = bed->cert, .tls_key = bed->key};
	bed->folder =
		open(bed->scratch.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(bed->folder >= 0);
	file_put(bed->cert, CERTIFICATE, sizeof(CERTIFICATE) - 1, 0644);
	file_put(bed->key, KEY, sizeof(KEY) - 1, 0640);
}

static void bed_close(struct bed *bed)
{
	(void)close(bed->folder);
	scratch_remove(&bed->scratch);
}

static void assert_copy(const struct bed *bed, const char *name,
			const char *expected)
{
	char text[256];
	struct stat info;
	int fd = openat(bed->folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t size;

	assert_true(fd >= 0);
	size = read(fd, text, sizeof(text) - 1);
	assert_true(size >= 0);
	text[size] = '\0';
	assert_string_equal(text, expected);
	assert_int_equal(fstat(fd, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	(void)close(fd);
}

static void both_are_copied_and_taken_away_again(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed);
	for (int i = 0; i < 2; i++) {
		assert_done(broker_tls_copy(&bed.config, bed.folder, &bed.err),
			    &bed.err);
		assert_copy(&bed, "broker.crt", CERTIFICATE);
		assert_copy(&bed, "broker.key", KEY);
	}
	bed.config.tls_port = 0;
	assert_done(broker_tls_copy(&bed.config, bed.folder, &bed.err),
		    &bed.err);
	assert_int_equal(faccessat(bed.folder, "broker.crt", F_OK, 0), -1);
	assert_int_equal(faccessat(bed.folder, "broker.key", F_OK, 0), -1);
	bed_close(&bed);
}

/* Method: one thing wrong at a time; the file is named, and no copy of the key
 * is made. */
static void what_is_wrong_is_said_of_the_file(void **state)
{
	static const char nul[] = KEY "\0";
	static char large[70000] = CERTIFICATE;
	static const struct {
		bool is_key;
		const char *text;
		size_t size;
		mode_t mode;
		enum err_code code;
		const char *said;
	} cases[] = {
		{true, KEY, sizeof(KEY) - 1, 0644, ERR_UNSAFE, "has mode 0644"},
		{true, KEY, sizeof(KEY) - 1, 0604, ERR_UNSAFE, "mode"},
		{true, "", 0, 0600, ERR_INVALID, "no PEM of a PRIVATE KEY"},
		{true, CERTIFICATE, sizeof(CERTIFICATE) - 1, 0600, ERR_INVALID,
		 "no PEM of a PRIVATE KEY"},
		{true, nul, sizeof(nul), 0600, ERR_INVALID, "no PEM"},
		{true,
		 "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
		 "-----END ENCRYPTED PRIVATE KEY-----\n",
		 74, 0600, ERR_INVALID, "password"},
		{false, KEY, sizeof(KEY) - 1, 0644, ERR_INVALID,
		 "no PEM of a CERTIFICATE"},
		{false, large, sizeof(large), 0644, ERR_INVALID, "65536"},
	};

	(void)state;
	memset(large + sizeof(CERTIFICATE) - 1, '\n',
	       sizeof(large) - sizeof(CERTIFICATE) + 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct bed bed;
		const char *path;

		bed_open(&bed);
		path = cases[i].is_key ? bed.key : bed.cert;
		file_put(path, cases[i].text, cases[i].size, cases[i].mode);
		assert_code(broker_tls_copy(&bed.config, bed.folder, &bed.err),
			    cases[i].code);
		if (strstr(bed.err.text, path) == NULL ||
		    strstr(bed.err.text, cases[i].said) == NULL)
			fail_msg("case %zu: %s", i, bed.err.text);
		assert_int_equal(faccessat(bed.folder, "broker.key", F_OK, 0),
				 -1);
		bed_close(&bed);
	}
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed);
	assert_int_equal(unlink(bed.cert), 0);
	assert_code(broker_tls_copy(&bed.config, bed.folder, &bed.err), ERR_IO);
	assert_non_null(strstr(bed.err.text, "my.crt"));
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_are_copied_and_taken_away_again),
		cmocka_unit_test(what_is_wrong_is_said_of_the_file),
		cmocka_unit_test(a_file_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
