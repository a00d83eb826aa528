/*
 * The control socket as its clients see it: on a real store, with the real
 * keeper and clerk in their threads; doubles stand only for the broker and the
 * daemon's own commands.
 */
#include "tests/unit/edge/control_bed.h"

#include <sys/resource.h>

#include "gateway/edge/control_peer.h"

/* ---- what a request becomes ---- */

/* Method: status.show, whose answer is the ledger's and the daemon's. */
static void a_query_is_answered_at_once_with_what_the_daemon_adds(void **state)
{
	struct bed *bed = *state;
	int fd = client_open(bed);
	const char *reply = client_ask(bed, fd, "{\"cmd\":\"status.show\"}\n");

	assert_has(reply, "\"site\":\"hz-01\"");
	assert_has(reply, ",\"daemon\":{\"broker\":\"up\"}}");
	(void)close(fd);
}

/* Method: the same connection writes and then looks; what it sees can only
 * come from a commit. */
static void a_command_is_answered_when_it_is_in_the_journal(void **state)
{
	struct bed *bed = *state;
	int fd = client_open(bed);
	const char *reply = client_ask(
		bed, fd, "{\"cmd\":\"bin.set\",\"args\":{\"bin\":\"A-01\"}}\n");

	assert_has(reply, "\"entry\":\"1.5\"");
	reply = client_ask(bed, fd,
			   "{\"cmd\":\"journal.list\",\"args\":{\"bin\":"
			   "\"A-01\"}}\n");
	assert_has(reply, "\"entry\":\"1.5\"");
	assert_has(reply, "\"actor\":\"boss\"");
	(void)close(fd);
}

/* Method: each mistake by itself, then a right request: the connection bears
 * them all. */
static void what_is_wrong_with_a_request_is_its_answer(void **state)
{
	static const struct {
		const char *line;
		const char *code;
	} cases[] = {
		{"{\"cmd\":\"no.such\"}\n", "\"code\":\"unknown_command\""},
		{"{\"args\":{}}\n", "\"code\":\"missing_field\""},
		{"{\"cmd\":7}\n", "\"code\":\"wrong_type\""},
		{"[]\n", "\"code\":\"wrong_type\""},
		{"\n", "\"code\":\"bad_json\""},
		{"{\"cmd\":\"bin.set\",\"cmd\":\"bin.set\"}\n",
		 "\"code\":\"duplicate_key\""},
		{"{\"cmd\":\"bin.set\",\"args\":[]}\n",
		 "\"code\":\"wrong_type\""},
		{"{\"cmd\":\"bin.set\",\"account\":\"nobody\",\"args\":{"
		 "\"bin\":\"A\"}}\n",
		 "\"code\":\"denied\""},
		{"{\"cmd\":\"bin.set\",\"account\":\"li\",\"args\":{"
		 "\"bin\":\"A\"}}\n",
		 "\"code\":\"denied\""},
		{"{\"cmd\":\"bin.set\",\"uid\":99,\"args\":{\"bin\":\"A\"}}\n",
		 "\"code\":\"no_account\""},
		{"{\"cmd\":\"scan\",\"args\":{\"device\":\"A/B\",\"payload\":"
		 "\"\"}}\n",
		 "\"code\":\"bad_name\""},
		{"{\"cmd\":\"scan\",\"args\":{\"payload\":\"\"}}\n",
		 "\"code\":\"missing_field\""},
		{"{\"cmd\":\"backup\",\"args\":{\"path\":\"here\"}}\n",
		 "\"code\":\"bad_path\""},
		{"{\"cmd\":\"backup\",\"account\":\"li\",\"args\":{\"path\":"
		 "\"/x\"}}\n",
		 "\"code\":\"denied\""},
	};
	struct bed *bed = *state;
	int fd = client_open(bed);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *reply = client_ask(bed, fd, cases[i].line);

		assert_has(reply, "{\"error\":{");
		assert_has(reply, cases[i].code);
		assert_has(reply, "\"text_zh\":");
	}
	assert_has(client_ask(bed, fd, "{\"cmd\":\"bin.list\"}\n"), "\"bins\"");
	(void)close(fd);
}

static void a_request_that_is_too_long_is_told_so_and_hung_up_on(void **state)
{
	struct bed *bed = *state;
	int fd = client_open(bed);
	char line[CONTROL_LINE_SIZE_MAX + 1];

	memset(line, ' ', sizeof(line));
	client_send(fd, (struct span){line, sizeof(line)}, -1);
	assert_true(client_line(bed, fd));
	assert_has(bed->reply, "\"code\":\"too_long\"");
	assert_false(client_line(bed, fd));
	assert_int_equal(control_clients(bed->control), 0);
	(void)close(fd);
}

/* Method: two whole requests in one piece, and one byte by byte. */
static void requests_may_come_in_any_pieces(void **state)
{
	static const char both[] =
		"{\"cmd\":\"bin.list\"}\n{\"cmd\":\"item.list\"}\n";
	struct bed *bed = *state;
	int fd = client_open(bed);
	struct err err;

	client_send(fd, span_of(both), -1);
	assert_true(client_line(bed, fd));
	assert_has(bed->reply, "\"bins\":[");
	assert_true(client_line(bed, fd));
	assert_has(bed->reply, "\"items\":[");
	for (const char *at = both; at < strchr(both, '\n'); at++) {
		client_send(fd, (struct span){at, 1}, -1);
		assert_done(loop_step(bed->loop, 0, &err), &err);
	}
	assert_has(client_ask(bed, fd, "\n"), "\"bins\":[");
	(void)close(fd);
}

/* ---- files ---- */

static const char import_line[] = "{\"cmd\":\"item.import\"}\n";

static void a_sealed_file_goes_along_with_a_request(void **state)
{
	struct bed *bed = *state;
	int fd = client_open(bed);
	int file = memfd_of("item,name_en\nMUG,White mug\n", true);

	client_send(fd, span_of(import_line), file);
	assert_true(client_line(bed, fd));
	assert_has(bed->reply, "\"added\":1");
	assert_has(client_ask(bed, fd, "{\"cmd\":\"item.list\"}\n"),
		   "\"item\":\"MUG\"");
	(void)close(file);
	(void)close(fd);
}

/* Method: files that could change, or end, under their reader: one that is
 * not sealed, and a pipe. */
static void a_file_that_could_change_is_refused(void **state)
{
	struct bed *bed = *state;
	int ends[2];
	int files[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	files[0] = memfd_of("item\nMUG\n", false);
	files[1] = ends[0];
	for (size_t i = 0; i < 2; i++) {
		int fd = client_open(bed);

		client_send(fd, span_of(import_line), files[i]);
		assert_true(client_line(bed, fd));
		assert_has(bed->reply, "\"code\":\"bad_file\"");
		/* It belonged to that request alone. */
		assert_has(client_ask(bed, fd, "{\"cmd\":\"item.list\"}\n"),
			   "\"items\":[]");
		(void)close(fd);
		(void)close(files[i]);
	}
	(void)close(ends[1]);
}

/* ---- long jobs ---- */

/* Method: the pages that ended children have touched. */
static void an_audit_is_the_clerks(void **state)
{
	struct bed *bed = *state;
	int fd = client_open(bed);
	struct rusage before;
	struct rusage after;
	const char *reply;

	assert_int_equal(getrusage(RUSAGE_CHILDREN, &before), 0);
	reply = client_ask(bed, fd, "{\"cmd\":\"audit\"}\n");
	assert_int_equal(getrusage(RUSAGE_CHILDREN, &after), 0);
	/* A child's, so that what it needs is not depotd's. */
	assert_true(after.ru_minflt > before.ru_minflt);
	assert_has(reply, "\"verdict\":\"clean\"");
	assert_has(reply, "\"unexplained\":0");
	(void)close(fd);
}

/* A job that holds the clerk until it is let go. */
struct held {
	struct clerk_job job;
	int go[2];
	int begun[2];
};

static void held_run(struct clerk_job *job, struct clerk *clerk)
{
	struct held *held = job->context;
	char byte = 1;

	(void)clerk;
	assert_int_equal(write(held->begun[1], &byte, 1), 1);
	assert_int_equal(read(held->go[0], &byte, 1), 1);
}

static void held_done(struct clerk_job *job)
{
	(void)job;
}

/* Method: the clerk is held by a job of the test's. */
static void a_second_long_job_is_told_to_try_again(void **state)
{
	struct bed *bed = *state;
	struct held held = {.job = {held_run, held_done, &held}};
	char byte;
	int fd = client_open(bed);

	assert_int_equal(pipe2(held.go, O_CLOEXEC), 0);
	assert_int_equal(pipe2(held.begun, O_CLOEXEC), 0);
	assert_done(clerk_ask(bed->clerk, &held.job), &(struct err){0});
	assert_int_equal(read(held.begun[0], &byte, 1), 1);
	assert_has(client_ask(bed, fd, "{\"cmd\":\"audit\"}\n"),
		   "\"code\":\"again\"");
	/* Queries go on meanwhile. */
	assert_has(client_ask(bed, fd, "{\"cmd\":\"bin.list\"}\n"), "\"bins\"");
	assert_int_equal(write(held.go[1], &byte, 1), 1);
	do {
		(void)client_ask(bed, fd, "{\"cmd\":\"audit\"}\n");
	} while (strstr(bed->reply, "\"again\"") != NULL);
	assert_has(bed->reply, "\"verdict\":\"clean\"");
	(void)close(fd);
	for (size_t i = 0; i < 2; i++) {
		(void)close(held.go[i]);
		(void)close(held.begun[i]);
	}
}

static void a_backup_lies_where_it_was_asked_for(void **state)
{
	struct bed *bed = *state;
	char line[256];
	char path[160];
	int fd = client_open(bed);

	assert_true(text_format(path, sizeof(path), "%s/copy", bed->w.folder));
	assert_true(text_format(line, sizeof(line),
				"{\"cmd\":\"backup\",\"args\":{\"path\":"
				"\"%s\"}}\n",
				path));
	assert_has(client_ask(bed, fd, line), "\"entries\":4");
	assert_int_equal(access(path, F_OK), 0);
	/* A backup is never written over. */
	assert_has(client_ask(bed, fd, line), "\"code\":\"conflict\"");
	(void)close(fd);
}

/* ---- scans ---- */

static const char scan_line[] = "{\"cmd\":\"scan\",\"args\":{\"device\":"
				"\"dock-1\",\"payload\":\"4006381333931\"}}\n";

/* Method: an acknowledgement to another device comes first, and is not taken
 * for the answer. */
static void a_scan_is_answered_by_its_devices_acknowledgement(void **state)
{
	struct bed *bed = *state;
	int fd = client_open(bed);
	struct err err;

	client_send(fd, span_of(scan_line), -1);
	while (bed->scanned.size == 0)
		assert_done(loop_step(bed->loop, 10, &err), &err);
	assert_span(name_span(&bed->scanned), "dock-1");
	assert_string_equal(bed->payload, "4006381333931");
	control_acknowledged(bed->control, SPAN_LITERAL("dock-2"),
			     SPAN_LITERAL("{\"v\":2}"));
	control_acknowledged(bed->control, SPAN_LITERAL("dock-1"),
			     SPAN_LITERAL("{\"v\":1}"));
	assert_true(client_line(bed, fd));
	assert_string_equal(bed->reply,
			    "{\"device\":\"dock-1\",\"ack\":{\"v\":1}}");
	(void)close(fd);
}

static void a_scan_without_a_broker_is_told_to_try_again(void **state)
{
	struct bed *bed = *state;
	int fd = client_open(bed);

	bed->has_broker = false;
	assert_has(client_ask(bed, fd, scan_line), "\"code\":\"again\"");
	(void)close(fd);
}

/* ---- the daemon's own ---- */

static void the_callers_commands_keep_their_roles(void **state)
{
	struct bed *bed = *state;
	int fd = client_open(bed);

	assert_string_equal(client_ask(bed, fd,
				       "{\"cmd\":\"echo\",\"args\":{\"word\":"
				       "\"hi\"}}\n"),
			    "{\"echo\":\"hi\"}");
	assert_has(client_ask(bed, fd, "{\"cmd\":\"echo\"}\n"),
		   "\"code\":\"missing_field\"");
	assert_has(client_ask(bed, fd,
			      "{\"cmd\":\"echo\",\"account\":\"li\",\"args\":{"
			      "\"word\":\"hi\"}}\n"),
		   "\"code\":\"denied\"");
	(void)close(fd);
}

/* ---- bounds ---- */

/* Method: one more than there is room for; then one leaves. */
static void one_client_too_many_is_turned_away(void **state)
{
	struct bed *bed = *state;
	int fds[CONTROL_CLIENTS_MAX];
	int late;

	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = client_open(bed);
		assert_has(client_ask(bed, fds[i], "{\"cmd\":\"bin.list\"}\n"),
			   "\"bins\"");
	}
	late = client_open(bed);
	assert_true(client_line(bed, late));
	assert_has(bed->reply, "\"code\":\"again\"");
	assert_false(client_line(bed, late));
	(void)close(late);
	(void)close(fds[3]);
	late = client_open(bed);
	assert_has(client_ask(bed, late, "{\"cmd\":\"bin.list\"}\n"),
		   "\"bins\"");
	(void)close(late);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (i != 3)
			(void)close(fds[i]);
}

/* Method: as many clients as the keeper takes commands send one and hang up at
 * once, several times over. What they asked for happens, and every place is
 * free again. */
static void who_hangs_up_leaves_no_trace_but_what_was_asked(void **state)
{
	struct bed *bed = *state;
	char line[96];
	struct err err;
	int rounds = 0;

	for (int round = 0; round < 6; round++) {
		int fd;

		for (int i = 0; i < KEEPER_COMMANDS_MAX; i++) {
			fd = client_open(bed);
			assert_true(text_format(line, sizeof(line),
						"{\"cmd\":\"bin.set\","
						"\"args\":{\"bin\":"
						"\"B-%d-%d\"}}\n",
						round, i));
			client_send(fd, span_of(line), -1);
			(void)close(fd);
		}
		while (control_clients(bed->control) == 0)
			assert_done(loop_step(bed->loop, 10, &err), &err);
		while (control_clients(bed->control) > 0)
			assert_done(loop_step(bed->loop, 10, &err), &err);
		fd = client_open(bed);
		for (int i = 0; i < KEEPER_COMMANDS_MAX; i++) {
			assert_true(text_format(line, sizeof(line),
						"\"B-%d-%d\"", round, i));
			/* The keeper works in its own time. */
			do {
				(void)client_ask(bed, fd,
						 "{\"cmd\":\"bin.list\"}\n");
			} while (strstr(bed->reply, line) == NULL);
		}
		(void)close(fd);
		rounds++;
	}
	assert_int_equal(rounds, 6);
}

/* Method: the clock is moved on; the loop's own beat finds out. */
static void who_asks_nothing_is_hung_up_on(void **state)
{
	struct bed *bed = *state;
	int fd = client_open(bed);

	assert_has(client_ask(bed, fd, "{\"cmd\":\"bin.list\"}\n"), "\"bins\"");
	bed->ahead_ms = CONTROL_IDLE_MS - 1000;
	assert_has(client_ask(bed, fd, "{\"cmd\":\"bin.list\"}\n"), "\"bins\"");
	bed->ahead_ms = 2 * (CONTROL_IDLE_MS + 1000);
	assert_false(client_line(bed, fd));
	(void)close(fd);
}

/* Method: the same; the device is silent. */
static void a_scan_that_nobody_acknowledges_is_answered_so(void **state)
{
	struct bed *bed = *state;
	int fd = client_open(bed);
	struct err err;

	client_send(fd, span_of(scan_line), -1);
	while (bed->scanned.size == 0)
		assert_done(loop_step(bed->loop, 10, &err), &err);
	bed->ahead_ms = CONTROL_SCAN_MS;
	assert_true(client_line(bed, fd));
	assert_string_equal(bed->reply, "{\"device\":\"dock-1\",\"ack\":null}");
	/* One that comes late is nobody's. */
	control_acknowledged(bed->control, SPAN_LITERAL("dock-1"),
			     SPAN_LITERAL("{\"v\":1}"));
	assert_has(client_ask(bed, fd, "{\"cmd\":\"bin.list\"}\n"), "\"bins\"");
	(void)close(fd);
}

/* Method: a client asks again and again without reading, until the daemon can
 * write no more; others are served meanwhile. It is hung up on in the end. */
static void who_does_not_listen_holds_nobody_up(void **state)
{
	static const char line[] = "{\"cmd\":\"status.show\"}\n";
	struct bed *bed = *state;
	int deaf = client_open(bed);
	int other = client_open(bed);
	size_t asked = 0;
	int turns = 0;
	struct err err;

	/* It is full when nothing more is taken from it, either, for a while.
	 */
	while (turns < 50) {
		if (send(deaf, line, sizeof(line) - 1, MSG_NOSIGNAL) > 0) {
			asked++;
			turns = 0;
		} else {
			turns++;
		}
		assert_done(loop_step(bed->loop, turns > 0 ? 10 : 0, &err),
			    &err);
	}
	assert_true(asked > 100);
	assert_has(client_ask(bed, other, "{\"cmd\":\"bin.list\"}\n"),
		   "\"bins\"");
	assert_int_equal(control_clients(bed->control), 2);
	bed->ahead_ms = CONTROL_WRITE_MS + 1000;
	for (time_t end = bed_end();
	     control_clients(bed->control) > 1 && !bed_is_over(end);)
		assert_done(loop_step(bed->loop, 10, &err), &err);
	assert_int_equal(control_clients(bed->control), 1);
	assert_has(client_ask(bed, other, "{\"cmd\":\"bin.list\"}\n"),
		   "\"bins\"");
	(void)close(deaf);
	(void)close(other);
}

/* Method: control_stop while commands are with the keeper, which goes on. The
 * teardown then ends all in the daemon's order; sanitizers watch. */
static void stopping_waits_for_nobody(void **state)
{
	struct bed *bed = *state;
	int fds[4];
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = client_open(bed);
		client_send(fds[i],
			    span_of("{\"cmd\":\"bin.set\",\"args\":{\"bin\":"
				    "\"A\"}}\n"),
			    -1);
		assert_done(loop_step(bed->loop, 0, &err), &err);
	}
	control_stop(bed->control);
	assert_int_not_equal(access(bed->socket, F_OK), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		(void)close(fds[i]);
}

/* Method: random bytes with line feeds among them, over many connections; the
 * seed is printed. The socket goes on, and nothing was written. */
static void nonsense_is_borne(void **state)
{
	struct bed *bed = *state;
	uint64_t seed = test_seed(20261122);
	size_t sent = 0;
	struct err err;
	int fd;

	for (int round = 0; round < 60; round++) {
		char bytes[200];

		fd = client_open(bed);
		for (size_t i = 0; i < sizeof(bytes); i++) {
			static const char likely[] = "{}[]\":,\n\\ cmdargs019";
			uint64_t draw = test_random(&seed);

			bytes[i] = (draw & 1) != 0
					   ? (char)(draw >> 8)
					   : likely[(draw >> 8) %
						    (sizeof(likely) - 1)];
		}
		client_send(fd, (struct span){bytes, sizeof(bytes)}, -1);
		sent += sizeof(bytes);
		for (int i = 0; i < 4; i++)
			assert_done(loop_step(bed->loop, 0, &err), &err);
		(void)close(fd);
	}
	assert_int_equal(sent, 12000);
	fd = client_open(bed);
	assert_has(client_ask(bed, fd, "{\"cmd\":\"status.show\"}\n"),
		   "\"head\":\"1.4\"");
	(void)close(fd);
}

/* ---- the socket's name ---- */

static void
a_dead_daemons_socket_is_replaced_and_a_live_ones_is_not(void **state)
{
	struct bed *bed = *state;
	struct control_config config = bed_config(bed);
	struct control *other;
	char path[96];
	struct err err;
	int fd;

	assert_code(control_open(&config, &other, &err), ERR_AGAIN);
	assert_int_equal(access(bed->socket, F_OK), 0);
	/* A socket that nobody listens on. */
	assert_true(text_format(path, sizeof(path), "%s/other.sock",
				bed->w.folder));
	config.path = path;
	assert_done(control_open(&config, &other, &err), &err);
	control_stop(other);
	control_close(other);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	{
		struct sockaddr_un address = {.sun_family = AF_UNIX};

		assert_true(text_format(address.sun_path,
					sizeof(address.sun_path), "%s", path));
		assert_int_equal(bind(fd, (struct sockaddr *)&address,
				      sizeof(address)),
				 0);
	}
	(void)close(fd);
	assert_done(control_open(&config, &other, &err), &err);
	control_stop(other);
	control_close(other);
	/* What is no socket is nobody's to remove. */
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_code(control_open(&config, &other, &err), ERR_CONFLICT);
	assert_int_equal(access(path, F_OK), 0);
}

/* ---- who speaks for whom ---- */

/* Method: every kind of peer against every kind of wish, on a store where li
 * is bound to user 4711 and boss to root. */
static void an_account_is_spoken_for_by_its_user_and_by_root_alone(void **state)
{
	static const struct {
		uint64_t uid;
		bool is_trusted;
		const char *asked;
		bool is_look;
		enum err_code code;
		const char *account;
	} cases[] = {
		{0, true, "", false, ERR_OK, "boss"},
		{0, true, "li", false, ERR_OK, "li"},
		{4711, false, "", false, ERR_OK, "li"},
		{4711, false, "li", false, ERR_OK, "li"},
		{4711, false, "boss", false, ERR_DENIED, ""},
		{4711, false, "boss", true, ERR_DENIED, ""},
		{4711, false, "nobody", false, ERR_DENIED, ""},
		{99, false, "", false, ERR_NOT_FOUND, ""},
		{99, false, "", true, ERR_NOT_FOUND, ""},
		{99, false, "li", false, ERR_DENIED, ""},
		/* The daemon's own user, without an account: it may look. */
		{99, true, "", true, ERR_OK, "boss"},
		{99, true, "", false, ERR_NOT_FOUND, ""},
		/* Whom the kernel does not know is nobody's user. */
		{65534, false, "", true, ERR_NOT_FOUND, ""},
		{65534, false, "any", false, ERR_DENIED, ""},
	};
	struct bed *bed = *state;
	struct view *view;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct peer peer = {cases[i].uid, cases[i].is_trusted};
		struct name account = {.size = 0};
		enum err_code code;

		assert_done(view_begin(ledger_env(bed->w.ledger), &view, &err),
			    &err);
		code = peer_account(view, &peer, span_of(cases[i].asked),
				    cases[i].is_look, &account, &err);
		view_end(view);
		if (code != cases[i].code)
			printf("case %zu\n", i);
		assert_code(code, cases[i].code);
		assert_span(name_span(&account), cases[i].account);
	}
}

int main(void)
{
#define CASE(name) \
	cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_query_is_answered_at_once_with_what_the_daemon_adds),
		CASE(a_command_is_answered_when_it_is_in_the_journal),
		CASE(what_is_wrong_with_a_request_is_its_answer),
		CASE(a_request_that_is_too_long_is_told_so_and_hung_up_on),
		CASE(requests_may_come_in_any_pieces),
		CASE(a_sealed_file_goes_along_with_a_request),
		CASE(a_file_that_could_change_is_refused),
		CASE(an_audit_is_the_clerks),
		CASE(a_second_long_job_is_told_to_try_again),
		CASE(a_backup_lies_where_it_was_asked_for),
		CASE(a_scan_is_answered_by_its_devices_acknowledgement),
		CASE(a_scan_without_a_broker_is_told_to_try_again),
		CASE(the_callers_commands_keep_their_roles),
		CASE(one_client_too_many_is_turned_away),
		CASE(who_hangs_up_leaves_no_trace_but_what_was_asked),
		CASE(who_asks_nothing_is_hung_up_on),
		CASE(a_scan_that_nobody_acknowledges_is_answered_so),
		CASE(who_does_not_listen_holds_nobody_up),
		CASE(stopping_waits_for_nobody),
		CASE(nonsense_is_borne),
		CASE(a_dead_daemons_socket_is_replaced_and_a_live_ones_is_not),
		CASE(an_account_is_spoken_for_by_its_user_and_by_root_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
