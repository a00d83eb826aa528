/*
 * The managed broker with a real mosquitto: who may do what, seen by a client
 * that is not ours; and its life, which is longer than depotd's.
 */
#include "tests/unit/edge/broker_bed.h"

/* The broker under test is a child unless a test says otherwise. */
static bool is_skipped(void)
{
	const char *ci = getenv("CI");

	if (access(BROKER_PROGRAM, X_OK) == 0)
		return false;
	if (ci != NULL && strcmp(ci, "true") == 0)
		fail_msg("no %s, and CI=true", BROKER_PROGRAM);
	return true;
}

#define NEEDS_BROKER()                                \
	do {                                          \
		if (is_skipped())                     \
			skip_because("no mosquitto"); \
	} while (0)

/* depotd's own password is the broker's to tell. */
static void own_account_note(struct broker_bed *bed)
{
	FILE *file = fopen(bed->credentials, "ae");

	assert_non_null(file);
	assert_true(fprintf(file, "%s %s\n", BROKER_USER,
			    broker_password(bed->broker)) > 0);
	assert_int_equal(fclose(file), 0);
}

/* The line of @name in broker.passwd. */
static bool passwd_line(const struct broker_bed *bed, const char *name,
			char ret_line[256])
{
	char path[SCRATCH_PATH_SIZE];
	FILE *file =
		fopen(scratch_path(&bed->dir, BROKER_PASSWD_NAME, path), "re");
	size_t size = strlen(name);
	bool is_there = false;

	assert_non_null(file);
	while (!is_there && fgets(ret_line, 256, file) != NULL)
		is_there = strncmp(ret_line, name, size) == 0 &&
			   ret_line[size] == ':';
	assert_int_equal(fclose(file), 0);
	return is_there;
}

/* ---- who may do what ---- */

/*
 * Every role may read and write what TOPICS gives it, and nothing else.
 * Method: each of six accounts at each of some 130 topics, both ways: a
 * publish is judged by MQTT 5's reason code, a subscription by which retained
 * messages come. The peer has a table of its own.
 */
static void an_account_may_do_exactly_what_its_role_says(void **state)
{
	struct broker_bed *bed = *state;

	NEEDS_BROKER();
	bed_account(bed, "dock-1", "device");
	bed_account(bed, "screen-1", "dashboard");
	bed_account(bed, "mia", "person");
	bed_account(bed, "erp-1", "erp");
	bed_account(bed, "shop-1", "shop");
	bed_account(bed, "acme-mugs", "supplier:s-100");
	bed_open(bed);
	own_account_note(bed);
	peer_run(bed, "matrix", bed->config.port, bed->credentials, NULL);
}

static void nobody_gets_in_without_an_account(void **state)
{
	struct broker_bed *bed = *state;

	NEEDS_BROKER();
	bed_account(bed, "dock-1", "device");
	bed_open(bed);
	peer_run(bed, "refused", bed->config.port, NULL, "5 refused");
}

/* At a demonstration anybody may scan and look, and nobody but depotd may
 * write what depotd says. */
static void anonymous_clients_scan_and_look_and_forge_nothing(void **state)
{
	struct broker_bed *bed = *state;

	NEEDS_BROKER();
	bed->config.is_anonymous = true;
	bed_open(bed);
	own_account_note(bed);
	peer_run(bed, "anonymous", bed->config.port, bed->credentials,
		 "anonymous: scan yes, stock no");
}

static void a_dashboard_gets_retained_stock_over_websocket(void **state)
{
	struct broker_bed *bed = *state;

	NEEDS_BROKER();
	bed->config.websocket_port = port_free();
	bed_account(bed, "screen-1", "dashboard");
	bed_open(bed);
	own_account_note(bed);
	peer_run(bed, "websocket", bed->config.websocket_port, bed->credentials,
		 "websockets heard 2");
}

static void an_account_that_goes_loses_its_rights_and_no_other(void **state)
{
	struct broker_bed *bed = *state;
	struct peer peer;

	NEEDS_BROKER();
	bed_account(bed, "dock-1", "device");
	bed_account(bed, "dock-2", "device");
	bed_open(bed);
	own_account_note(bed);
	peer_start(bed, &peer, "gone", bed->config.port, bed->credentials);
	peer_says(&peer, "connected");
	assert_done(broker_account_remove(bed->keys.folder,
					  SPAN_LITERAL("dock-2"), &bed->err),
		    &bed->err);
	assert_done(broker_refresh(bed->broker, &bed->err), &bed->err);
	peer_says(&peer, "one gone, one kept");
	peer_end(&peer);
	assert_int_equal(bed_state(bed).starts, 1);
}

/* The same line of broker.passwd as long as a broker runs that has read it,
 * and no longer. */
static void
the_line_of_a_gone_account_stays_for_the_running_broker(void **state)
{
	struct broker_bed *bed = *state;
	char before[256];
	char after[256];

	NEEDS_BROKER();
	bed_account(bed, "dock-1", "device");
	bed_account(bed, "dock-2", "device");
	bed_open(bed);
	assert_true(passwd_line(bed, "dock-2", before));
	assert_done(broker_account_remove(bed->keys.folder,
					  SPAN_LITERAL("dock-2"), &bed->err),
		    &bed->err);
	bed_account(bed, "dock-3", "device");
	for (int i = 0; i < 2; i++) {
		assert_done(broker_refresh(bed->broker, &bed->err), &bed->err);
		assert_true(passwd_line(bed, "dock-2", after));
		assert_string_equal(before, after);
		assert_true(passwd_line(bed, "dock-3", after));
	}
	assert_int_equal(kill((pid_t)bed_state(bed).pid, SIGKILL), 0);
	BED_UNTIL(bed, bed_state(bed).starts == 2);
	assert_false(passwd_line(bed, "dock-2", after));
	assert_true(passwd_line(bed, "dock-1", after));
}

/* A name with a new password gets it, from another broker: at once, and when
 * depotd was away meanwhile. */
static void a_new_password_starts_another_broker(void **state)
{
	struct broker_bed *bed = *state;
	char before[256];
	char after[256];

	NEEDS_BROKER();
	bed_account(bed, "dock-1", "device");
	bed_open(bed);
	for (int i = 0; i < 2; i++) {
		int64_t pid = bed_state(bed).pid;

		assert_true(passwd_line(bed, "dock-1", before));
		if (i == 1)
			bed_close(bed, false);
		assert_done(broker_account_remove(bed->keys.folder,
						  SPAN_LITERAL("dock-1"),
						  &bed->err),
			    &bed->err);
		bed_account(bed, "dock-1", "device");
		if (i == 1)
			bed_open(bed);
		else
			assert_done(broker_refresh(bed->broker, &bed->err),
				    &bed->err);
		BED_UNTIL(bed, bed_state(bed).is_running &&
				       bed_state(bed).pid != pid);
		assert_int_equal(bed_state(bed).ends, 0);
		assert_true(passwd_line(bed, "dock-1", after));
		assert_string_not_equal(before, after);
		BED_UNTIL(bed, bed_listens(bed));
	}
}

/* ---- its life ---- */

static void a_broker_that_is_killed_is_started_again(void **state)
{
	struct broker_bed *bed = *state;
	struct broker_state before;
	struct broker_state after;

	NEEDS_BROKER();
	bed_open(bed);
	before = bed_state(bed);
	assert_true(before.is_running && before.starts == 1);
	for (uint64_t i = 1; i <= 3; i++) {
		assert_int_equal(kill((pid_t)bed_state(bed).pid, SIGKILL), 0);
		BED_UNTIL(bed, bed_state(bed).starts == i + 1);
		BED_UNTIL(bed, bed_listens(bed));
	}
	after = bed_state(bed);
	assert_true(after.is_running && after.pid != before.pid);
	assert_int_equal(after.ends, 3);
}

/* One that does not listen yet would be taken for deaf by the next life. Also
 * in a child, where nothing is asserted. */
static void listening_await(struct broker_bed *bed)
{
	for (int i = 0; i < BED_PATIENCE_MS / 10 && !bed_listens(bed); i++)
		if (loop_step(bed->loop, 10, NULL) != ERR_OK)
			break;
}

/* Opens the broker in a process of its own, which is killed when the broker
 * listens. Returns the broker's pid. */
static pid_t crash_with_broker(struct broker_bed *bed)
{
	int64_t pid = 0;
	pid_t child;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		bed->config.loop = NULL;
		if (loop_open(&bed->loop, NULL) == ERR_OK)
			bed->config.loop = bed->loop;
		if (bed->config.loop != NULL &&
		    broker_open(&bed->config, &bed->broker, NULL) == ERR_OK) {
			listening_await(bed);
			pid = bed_state(bed).pid;
		}
		if (write(ends[1], &pid, sizeof(pid)) == sizeof(pid))
			(void)pause();
		_exit(1);
	}
	(void)close(ends[1]);
	assert_int_equal(read(ends[0], &pid, sizeof(pid)), sizeof(pid));
	(void)close(ends[0]);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_true(pid > 1);
	return (pid_t)pid;
}

/*
 * What the broker has queued outlives depotd. Method: depotd's part is opened
 * in a process that is killed with SIGKILL; the broker still listens, and the
 * next one adopts it, watches it as its own, and ends it in the end.
 */
static void a_broker_outlives_a_crash_and_is_adopted(void **state)
{
	struct broker_bed *bed = *state;
	struct broker_state now;
	pid_t pid;

	NEEDS_BROKER();
	pid = crash_with_broker(bed);
	assert_true(bed_listens(bed));
	assert_int_equal(crash_with_broker(bed), pid);
	bed_open(bed);
	now = bed_state(bed);
	assert_true(now.was_adopted && now.is_running);
	assert_int_equal(now.pid, pid);
	assert_int_equal(now.starts, 0);
	/* It takes the password of this start. */
	own_account_note(bed);
	bed_account(bed, "screen-1", "dashboard");
	assert_done(broker_refresh(bed->broker, &bed->err), &bed->err);
	peer_run(bed, "plain", bed->config.port, bed->credentials,
		 "tcp heard 2");
	/* And it is watched as if it were a child. */
	assert_int_equal(kill(pid, SIGKILL), 0);
	BED_UNTIL(bed, bed_state(bed).starts == 1);
	BED_UNTIL(bed, bed_listens(bed));
	bed_close(bed, true);
	assert_false(bed_listens(bed));
}

static void an_orderly_end_ends_it_and_a_fault_leaves_it(void **state)
{
	struct broker_bed *bed = *state;
	struct broker_process process;
	pid_t pid;

	NEEDS_BROKER();
	bed_open(bed);
	listening_await(bed);
	pid = (pid_t)bed_state(bed).pid;
	bed_close(bed, false);
	assert_true(bed_find(bed, &process));
	assert_int_equal(process.pid, pid);
	process_leave(&process);
	bed_open(bed);
	assert_int_equal(bed_state(bed).pid, pid);
	bed_close(bed, true);
	assert_false(bed_find(bed, &process));
	assert_false(bed_listens(bed));
}

/* What broker.conf says is what runs: other settings need another process,
 * the same ones do not. */
static void changed_settings_start_another_broker(void **state)
{
	struct broker_bed *bed = *state;
	pid_t pid;
	uint16_t port;

	NEEDS_BROKER();
	bed_open(bed);
	pid = (pid_t)bed_state(bed).pid;
	port = bed->config.port;
	bed_close(bed, false);
	bed->config.port = port_free();
	bed_open(bed);
	assert_int_not_equal(bed_state(bed).pid, pid);
	assert_false(bed_state(bed).was_adopted);
	BED_UNTIL(bed, bed_listens(bed));
	assert_false(port_answers("127.0.0.1", port, 1000));
}

/* ---- what stands in its way ---- */

static void assert_sentence_has(const struct err *err, const char *words)
{
	if (strstr(err->text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err->text, words);
}

static void a_port_that_is_taken_is_named(void **state)
{
	struct broker_bed *bed = *state;
	char words[64];
	uint16_t port;
	int fd;

	NEEDS_BROKER();
	assert_done(port_listen("127.0.0.1", 0, &fd, &bed->err), &bed->err);
	port = port_of(fd);
	(void)text_format(words, sizeof(words), "port %u of 127.0.0.1 is taken",
			  port);
	/* The plain one, and the other one, for both ways to start. */
	for (int i = 0; i < 4; i++) {
		bed->config.port = i % 2 == 0 ? port : port_free();
		bed->config.websocket_port = i % 2 == 0 ? 0 : port;
		bed->config.is_child = i < 2;
		assert_code(broker_open(&bed->config, &bed->broker, &bed->err),
			    ERR_AGAIN);
		assert_sentence_has(&bed->err, words);
	}
	(void)close(fd);
	bed_open(bed);
}

static void a_program_that_is_not_there_is_named(void **state)
{
	struct broker_bed *bed = *state;

	bed->config.program = "/nowhere/mosquitto";
	assert_code(broker_open(&bed->config, &bed->broker, &bed->err), ERR_IO);
	assert_sentence_has(&bed->err, "start /nowhere/mosquitto: No such");
}

/* A program that always ends is tried for ever, with pauses, and the loop is
 * free meanwhile. */
static void a_broker_that_cannot_run_is_tried_again(void **state)
{
	struct broker_bed *bed = *state;

	bed->config.program = "/bin/false";
	bed_open(bed);
	BED_UNTIL(bed, bed_state(bed).ends >= 2);
	assert_true(bed_state(bed).starts <= bed_state(bed).ends + 1);
	assert_false(bed_state(bed).is_running);
}

/* Another process may have got the number of a broker that is long gone. */
static void a_pid_file_of_another_process_harms_nobody(void **state)
{
	struct broker_bed *bed = *state;
	char path[SCRATCH_PATH_SIZE];
	pid_t stranger = fork();
	FILE *file;

	assert_true(stranger >= 0);
	if (stranger == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)pause();
		_exit(0);
	}
	file = fopen(scratch_path(&bed->dir, BROKER_PID_NAME, path), "we");
	assert_non_null(file);
	assert_true(fprintf(file, "%d\n", (int)stranger) > 0);
	assert_int_equal(fclose(file), 0);
	NEEDS_BROKER();
	bed_open(bed);
	assert_false(bed_state(bed).was_adopted);
	assert_int_not_equal(bed_state(bed).pid, stranger);
	assert_int_equal(waitpid(stranger, NULL, WNOHANG), 0);
	bed_close(bed, true);
	assert_int_equal(waitpid(stranger, NULL, WNOHANG), 0);
	assert_int_equal(kill(stranger, SIGKILL), 0);
	assert_int_equal(waitpid(stranger, NULL, 0), stranger);
}

/* ---- systemd's ---- */

/*
 * As a unit the broker is systemd's: depotd writes the files and tells the
 * broker that runs, and starts and ends none. Method: the test plays systemd.
 */
static void as_a_unit_it_is_only_told(void **state)
{
	struct broker_bed *bed = *state;
	struct broker_process unit;
	char conf_path[SCRATCH_PATH_SIZE];

	NEEDS_BROKER();
	bed->config.is_child = false;
	bed_account(bed, "screen-1", "dashboard");
	bed_open(bed);
	assert_false(bed_state(bed).is_running);
	(void)scratch_path(&bed->dir, BROKER_CONF_NAME, conf_path);
	assert_done(process_start(BROKER_PROGRAM, conf_path, &unit, &bed->err),
		    &bed->err);
	BED_UNTIL(bed, bed_listens(bed));
	assert_true(bed_state(bed).is_running);
	bed_close(bed, true);
	assert_true(bed_listens(bed));
	/* The next start has another password, and says so. */
	bed_open(bed);
	own_account_note(bed);
	peer_run(bed, "plain", bed->config.port, bed->credentials,
		 "tcp heard 2");
	bed_close(bed, true);
	broker_retire(bed->dir.folder, NULL);
	assert_true(process_wait(&unit, BED_PATIENCE_MS));
	process_end(&unit, 3000);
	assert_int_not_equal(access(conf_path, F_OK), 0);
}

#define BED_TEST(test) \
	cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(an_account_may_do_exactly_what_its_role_says),
		BED_TEST(nobody_gets_in_without_an_account),
		BED_TEST(anonymous_clients_scan_and_look_and_forge_nothing),
		BED_TEST(a_dashboard_gets_retained_stock_over_websocket),
		BED_TEST(an_account_that_goes_loses_its_rights_and_no_other),
		BED_TEST(
			the_line_of_a_gone_account_stays_for_the_running_broker),
		BED_TEST(a_new_password_starts_another_broker),
		BED_TEST(a_broker_that_is_killed_is_started_again),
		BED_TEST(a_broker_outlives_a_crash_and_is_adopted),
		BED_TEST(an_orderly_end_ends_it_and_a_fault_leaves_it),
		BED_TEST(changed_settings_start_another_broker),
		BED_TEST(a_port_that_is_taken_is_named),
		BED_TEST(a_program_that_is_not_there_is_named),
		BED_TEST(a_broker_that_cannot_run_is_tried_again),
		BED_TEST(a_pid_file_of_another_process_harms_nobody),
		BED_TEST(as_a_unit_it_is_only_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
