/*
 * What mosquitto is given to read, byte for byte; and the file of accounts,
 * which no two writers and no crash can spoil.
 */
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "gateway/edge/broker_account.h"
#include "gateway/edge/broker_files.h"
#include "gateway/edge/replace.h"

#define ACCOUNTS(scratch, path) \
	scratch_path((scratch), BROKER_ACCOUNTS_NAME, (path))

/* ---- golden files ---- */

static const struct broker_config plain = {
	.dir = "/run/depot",
	.org = "acme",
	.site = "hz-01",
	.address = "0.0.0.0",
	.port = 1883,
	.memory_limit = UINT64_C(256) << 20,
};

/* What @out holds, against tests/golden/broker/@name. */
static void assert_golden(FILE *out, const char *name)
{
	static char expected[32768];
	static char actual[32768];
	char path[512];
	size_t expected_size;
	size_t actual_size;
	FILE *file;

	assert_true(text_format(path, sizeof(path), DEPOT_GOLDEN "/broker/%s",
				name));
	file = fopen(path, "re");
	if (file == NULL)
		fail_msg("no %s", path);
	expected_size = fread(expected, 1, sizeof(expected) - 1, file);
	(void)fclose(file);
	rewind(out);
	actual_size = fread(actual, 1, sizeof(actual) - 1, out);
	(void)fclose(out);
	expected[expected_size] = '\0';
	actual[actual_size] = '\0';
	assert_true(expected_size > 100);
	assert_string_equal(actual, expected);
}

static void the_configuration_is_as_agreed(void **state)
{
	struct broker_config open = plain;
	struct broker_config with_tls = plain;
	FILE *out = tmpfile();

	(void)state;
	assert_non_null(out);
	broker_conf_write(out, &plain, NULL);
	assert_golden(out, "plain.conf");
	open.is_anonymous = true;
	open.address = "::1";
	open.websocket_port = 9001;
	out = tmpfile();
	assert_non_null(out);
	broker_conf_write(out, &open, "root");
	assert_golden(out, "anonymous.conf");
	with_tls.tls_port = 8883;
	out = tmpfile();
	assert_non_null(out);
	broker_conf_write(out, &with_tls, NULL);
	assert_golden(out, "tls.conf");
}

static struct broker_account account_of(const char *name, enum broker_role role)
{
	struct broker_account account = {.role = role};

	assert_true(name_set(&account.name, span_of(name)));
	if (role == BROKER_SUPPLIER)
		assert_true(name_set(&account.supplier, SPAN_LITERAL("s-100")));
	assert_true(text_format(account.hash, sizeof(account.hash),
				"$7$101$c2FsdA==$aGFzaA=="));
	return account;
}

static void rights_and_passwords_are_as_agreed(void **state)
{
	static const char *const names[BROKER_ROLES] = {
		"dock-1", "screen-1", "mia", "erp-1", "shop-1", "acme-mugs"};
	struct broker_config open = plain;
	FILE *acl = tmpfile();
	FILE *passwd = tmpfile();

	(void)state;
	assert_non_null(acl);
	assert_non_null(passwd);
	broker_acl_begin(acl, &plain);
	broker_passwd_begin(passwd, "$7$101$c2FsdA==$b3du");
	for (int i = 0; i < BROKER_ROLES; i++) {
		struct broker_account account =
			account_of(names[i], (enum broker_role)i);

		broker_acl_add(acl, &plain, &account);
		broker_passwd_add(passwd, &account);
	}
	assert_golden(acl, "plain.acl");
	assert_golden(passwd, "plain.passwd");
	open.is_anonymous = true;
	acl = tmpfile();
	assert_non_null(acl);
	broker_acl_begin(acl, &open);
	assert_golden(acl, "anonymous.acl");
}

/* ---- passwords ---- */

/* The published vectors of PBKDF2-HMAC-SHA512 (RFC 8018's function; values as
 * several libraries test them), cut to mosquitto's 64 bytes. */
static void a_password_is_stretched_as_others_do(void **state)
{
	static const struct {
		uint32_t rounds;
		const char *hash;
	} cases[] = {
		{1, "867f70cf1ade02cff3752599a3a53dc4"
		    "af34c7a669815ae5d513554e1c8cf252"
		    "c02d470a285a0501bad999bfe943c08f"
		    "050235d7d68b1da55e63f73b60a57fce"},
		{2, "e1d9c16aa681708a45f5c7c4e215ceb6"
		    "6e011a2e9f0040713f18aefdb866d53c"
		    "f76cab2868a39b9f7840edce4fef5a82"
		    "be67335c77a6068e04112754f27ccf4e"},
		{4096, "d197b1b33db0143e018b12f3d1d1479e"
		       "6cdebdcc97c5c0f87f6902e072f457b5"
		       "143f30602641b3d55cd335988cb36b84"
		       "376060ecd532e039b742a239434af2d5"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t hash[SEAL_STRETCH_SIZE];
		char hex[2 * SEAL_STRETCH_SIZE + 1];

		seal_stretch(SPAN_LITERAL("password"), SPAN_LITERAL("salt"),
			     cases[i].rounds, hash);
		for (size_t j = 0; j < sizeof(hash); j++)
			assert_true(
				text_format(hex + 2 * j, 3, "%02x", hash[j]));
		assert_string_equal(hex, cases[i].hash);
	}
}

/* Each draw is another one, of the letters that are told apart. */
static void a_password_is_drawn(void **state)
{
	char before[BROKER_PASSWORD_SIZE] = "";
	unsigned letters[128] = {0};
	unsigned seen = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		char password[BROKER_PASSWORD_SIZE];

		broker_password_draw(password);
		assert_int_equal(strlen(password), BROKER_PASSWORD_SIZE - 1);
		assert_string_not_equal(password, before);
		memcpy(before, password, sizeof(before));
		for (const char *at = password; *at != '\0'; at++)
			letters[(unsigned char)*at]++;
	}
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		seen += letters[i] > 0;
	assert_int_equal(seen, 32);
	assert_int_equal(
		letters['i'] + letters['l'] + letters['o'] + letters['u'], 0);
}

/* ---- accounts ---- */

static int setup(void **state)
{
	struct scratch *scratch = malloc(sizeof(*scratch));

	assert_non_null(scratch);
	scratch_make(scratch);
	*state = scratch;
	return 0;
}

static int teardown(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

static void add(const struct scratch *scratch, const char *name,
		const char *role)
{
	char password[BROKER_PASSWORD_SIZE];
	struct err err;

	assert_done(broker_account_add(scratch->folder, span_of(name),
				       span_of(role), password, &err),
		    &err);
}

struct listing {
	char text[1024]; /* "name role[:id]\n" a line */
	unsigned count;
};

static enum err_code account_list(void *context,
				  const struct broker_account *account,
				  struct err *err)
{
	struct listing *listing = context;
	size_t used = strlen(listing->text);

	(void)err;
	listing->count++;
	(void)text_format(listing->text + used, sizeof(listing->text) - used,
			  "%.*s %s:%.*s\n", (int)account->name.size,
			  account->name.data, broker_role_name(account->role),
			  (int)account->supplier.size, account->supplier.data);
	return ERR_OK;
}

static void accounts_come_and_go(void **state)
{
	struct scratch *scratch = *state;
	struct listing listing = {.count = 0};
	char path[SCRATCH_PATH_SIZE];
	struct stat info;
	struct err err;

	assert_done(broker_account_walk(scratch->folder, account_list, &listing,
					&err),
		    &err);
	assert_int_equal(listing.count, 0);
	add(scratch, "dock-1", "device");
	add(scratch, "screen-1", "dashboard");
	add(scratch, "acme-mugs", "supplier:s-100");
	assert_int_equal(stat(ACCOUNTS(scratch, path), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0600);
	assert_done(broker_account_remove(scratch->folder,
					  SPAN_LITERAL("screen-1"), &err),
		    &err);
	assert_code(broker_account_remove(scratch->folder,
					  SPAN_LITERAL("screen-1"), &err),
		    ERR_NOT_FOUND);
	assert_string_equal(err.text, "there is no broker account screen-1");
	assert_done(broker_account_walk(scratch->folder, account_list, &listing,
					&err),
		    &err);
	assert_string_equal(listing.text, "dock-1 device:\n"
					  "acme-mugs supplier:s-100\n");
}

/* The password is told once and kept nowhere; the hash is another each time. */
static void a_password_is_not_in_the_file(void **state)
{
	struct scratch *scratch = *state;
	char password[BROKER_PASSWORD_SIZE];
	char path[SCRATCH_PATH_SIZE];
	char text[2048];
	struct err err;
	FILE *file;
	size_t size;

	assert_done(broker_account_add(scratch->folder, SPAN_LITERAL("dock-1"),
				       SPAN_LITERAL("device"), password, &err),
		    &err);
	file = fopen(ACCOUNTS(scratch, path), "re");
	assert_non_null(file);
	size = fread(text, 1, sizeof(text) - 1, file);
	(void)fclose(file);
	text[size] = '\0';
	assert_non_null(strstr(text, "dock-1 device $7$101$"));
	assert_null(strstr(text, password));
}

static void what_is_no_account_is_refused_by_name(void **state)
{
	static const struct {
		const char *name;
		const char *role;
		const char *words;
	} cases[] = {
		{"", "device", " is no name"},
		{"Dock", "device", "Dock is no name"},
		{"_depotd", "device", "_depotd is no name"},
		{"a:b", "device", "a:b is no name"},
		{"a\nb", "device", "is no name"},
		{"dock-1", "device", "account dock-1 already"},
		{"dock-2", "", " is no role"},
		{"dock-2", "devices", "devices is no role"},
		{"dock-2", "supplier", "supplier is no role"},
		{"dock-2", "supplier:", "supplier: is no role"},
		{"dock-2", "supplier:a/+", "supplier:a/+ is no role"},
	};
	struct scratch *scratch = *state;
	size_t refused = 0;

	add(scratch, "dock-1", "device");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char password[BROKER_PASSWORD_SIZE] = "untouched";
		struct err err;

		refused += broker_account_add(scratch->folder,
					      span_of(cases[i].name),
					      span_of(cases[i].role), password,
					      &err) != ERR_OK;
		if (strstr(err.text, cases[i].words) == NULL)
			fail_msg("%s", err.text);
		assert_string_equal(password, "untouched");
	}
	assert_int_equal(refused, ARRAY_LEN(cases));
}

/* A file that somebody edited badly is named with its line, and changed by
 * nobody. */
static void a_damaged_file_is_named_and_left_alone(void **state)
{
#define HEAD "depot-broker-accounts 1\n"
	static const char *const cases[][2] = {
		{"", ":1:"},
		{"dock-1 device $7$x\n", ":1:"},
		{"depot-broker-accounts 2\n", ":1:"},
		{HEAD "dock-1 device $7$x", ":2:"},
		{HEAD "dock-1 device $7$x y\n", ":2:"},
		{HEAD "dock-1 device $6$x\n", ":2:"},
		{HEAD "dock-1 device $7$x:y\n", ":2:"},
		{HEAD "dock-1 robot $7$x\n", ":2:"},
		{HEAD "a device $7$x\n\n", ":3:"},
		{HEAD "a device $7$x\nDOCK device $7$x\n", ":3:"},
	};
	struct scratch *scratch = *state;
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char path[SCRATCH_PATH_SIZE];
		char password[BROKER_PASSWORD_SIZE];
		struct stat before;
		struct stat after;
		struct err err;
		FILE *file = fopen(ACCOUNTS(scratch, path), "we");

		assert_non_null(file);
		assert_true(fputs(cases[i][0], file) >= 0);
		assert_int_equal(fchmod(fileno(file), 0600), 0);
		assert_int_equal(fclose(file), 0);
		assert_int_equal(stat(path, &before), 0);
		found += broker_account_add(scratch->folder,
					    SPAN_LITERAL("dock-9"),
					    SPAN_LITERAL("device"), password,
					    &err) == ERR_CORRUPT;
		if (strstr(err.text, cases[i][1]) == NULL)
			fail_msg("%zu: %s", i, err.text);
		assert_int_equal(stat(path, &after), 0);
		assert_true(before.st_ino == after.st_ino &&
			    before.st_size == after.st_size);
	}
	assert_int_equal(found, ARRAY_LEN(cases));
}

static void a_file_that_others_can_read_is_refused(void **state)
{
	struct scratch *scratch = *state;
	struct listing listing = {.count = 0};
	char path[SCRATCH_PATH_SIZE];
	struct err err;

	add(scratch, "dock-1", "device");
	assert_int_equal(chmod(ACCOUNTS(scratch, path), 0644), 0);
	assert_code(broker_account_walk(scratch->folder, account_list, &listing,
					&err),
		    ERR_UNSAFE);
	assert_non_null(strstr(err.text, "mode 0644, must be 0600"));
}

static int add_many(const struct scratch *scratch, int writer)
{
	for (int i = 0; i < 25; i++) {
		char password[BROKER_PASSWORD_SIZE];
		char name[32];

		(void)text_format(name, sizeof(name), "w%d-%d", writer, i);
		if (broker_account_add(scratch->folder, span_of(name),
				       SPAN_LITERAL("device"), password,
				       NULL) != ERR_OK)
			return 1;
	}
	return 0;
}

/* Two programs that add at once lose nothing of each other's. Method: four
 * processes, 25 accounts each, one file. */
static void writers_do_not_undo_each_other(void **state)
{
	static struct listing listing;
	struct scratch *scratch = *state;
	pid_t children[4];
	struct err err;

	for (int i = 0; i < 4; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			_exit(add_many(scratch, i));
	}
	for (int i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_done(broker_account_walk(scratch->folder, account_list, &listing,
					&err),
		    &err);
	assert_int_equal(listing.count, 100);
}

/* A reader sees the old file or the new one, whenever the writer is killed.
 * Method: a child adds and removes without end, and is killed 50 times. */
static void a_killed_writer_leaves_a_whole_file(void **state)
{
	struct scratch *scratch = *state;
	uint64_t seed = test_seed(1);
	unsigned more = 0;

	add(scratch, "dock-1", "device");
	for (int i = 0; i < 50; i++) {
		struct listing listing = {.count = 0};
		struct timespec moment = {
			.tv_nsec = (long)(test_random(&seed) % 3000000)};
		struct err err;
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;) {
				char drawn[BROKER_PASSWORD_SIZE];

				(void)!broker_account_add(
					scratch->folder, SPAN_LITERAL("d-2"),
					SPAN_LITERAL("device"), drawn, NULL);
				(void)!broker_account_remove(
					scratch->folder, SPAN_LITERAL("d-2"),
					NULL);
			}
		}
		/* A moment drawn by chance: nothing is expected by then. */
		(void)sigtimedwait(&(sigset_t){0}, NULL, &moment);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_done(broker_account_walk(scratch->folder, account_list,
						&listing, &err),
			    &err);
		assert_true(listing.count == 1 || listing.count == 2);
		more += listing.count == 2;
	}
	printf("%u of 50 with the second account\n", more);
}

/* ---- replacing ---- */

static void the_same_content_is_known(void **state)
{
	struct scratch *scratch = *state;
	int folder = open(scratch->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[SCRATCH_PATH_SIZE];
	struct replace replace;
	struct stat info;
	struct err err;
	unsigned same = 0;

	assert_true(folder >= 0);
	for (int i = 0; i < 6; i++) {
		assert_done(replace_begin(&replace, folder, "x", 0640, &err),
			    &err);
		/* 0 0 1 1 2 2, each longer than a buffer */
		for (int j = 0; j < 1000 + i / 2; j++)
			assert_true(fputs("same\n", replace.out) >= 0);
		same += replace_is_same(&replace);
		if (i % 2 == 0)
			assert_done(replace_commit(&replace, true, &err), &err);
		else
			replace_abandon(&replace);
	}
	assert_int_equal(same, 3);
	assert_int_equal(stat(scratch_path(scratch, "x", path), &info), 0);
	assert_int_equal(info.st_mode & 07777, 0640);
	assert_int_equal(info.st_size, 5 * 1002);
	assert_int_not_equal(access(scratch_path(scratch, "x.new", path), F_OK),
			     0);
	(void)close(folder);
}

#define SCRATCH_TEST(test) \
	cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_configuration_is_as_agreed),
		cmocka_unit_test(rights_and_passwords_are_as_agreed),
		cmocka_unit_test(a_password_is_stretched_as_others_do),
		cmocka_unit_test(a_password_is_drawn),
		SCRATCH_TEST(accounts_come_and_go),
		SCRATCH_TEST(a_password_is_not_in_the_file),
		SCRATCH_TEST(what_is_no_account_is_refused_by_name),
		SCRATCH_TEST(a_damaged_file_is_named_and_left_alone),
		SCRATCH_TEST(a_file_that_others_can_read_is_refused),
		SCRATCH_TEST(writers_do_not_undo_each_other),
		SCRATCH_TEST(a_killed_writer_leaves_a_whole_file),
		SCRATCH_TEST(the_same_content_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
