/*
 * Who watches the box gets true figures in a form that his tools take, and
 * nobody who asks badly, slowly or often does it harm.
 */
#include "tests/support/check.h"

#include <errno.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/edge/http.h"
#include "gateway/edge/port.h"

#define PROMTOOL "/usr/bin/promtool"
#define PATIENCE_S 180 /* a bound on a hang, nothing else */

struct bed {
	struct clock clock;
	struct http *http;
	struct metrics metrics;
	char answer[32768]; /* of the last request, terminated */
	struct err err;
};

/* Figures that can be told apart, and none of which is 0. */
static void metrics_fill(struct metrics *metrics)
{
	uint64_t *counts[] = {
		&metrics->counters.booked,    &metrics->counters.duplicates,
		&metrics->counters.refused,   &metrics->counters.parked,
		&metrics->counters.movements, &metrics->commits,
		&metrics->resident,           &metrics->broker_dropped,
		&metrics->parked.count,       &metrics->published.stock,
	};

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		*counts[i] = 1001 + i;
	for (int i = 0; i < MQTT_COUNTS; i++)
		metrics->mqtt[i] = (uint64_t)(2001 + i);
	metrics->version = "0.1.0";
	metrics->started_ms = 1795341600042;
	metrics->progress_age_ms = 7;
	metrics->head = pos_make(3, 4711);
	metrics->ring_size = 1024;
	metrics->ring_fill = 5;
	metrics->is_connected = true;
	metrics->clock_trusted = true;
	metrics->autonomy_hours = 2160;
	metrics->has_autonomy = true;
	metrics->reach = (struct view_reach){
		.site = 4,
		.links = 2,
		.links_up = 1,
		.stuck = 2,
		.left_out = 3,
		.no_room = 7,
		.backlog_entries = 240,
		.backlog_bytes = 2310,
		.hq_seq = 118,
		.hq_as_of = {INT64_C(1795341600017)},
		.has_hq_as_of = true,
	};
	metrics->network = (struct metrics_network){
		.counts = {.refused = {[ADMISSION_FORGED] = 7},
			   .heads_forged = 3},
		.link_count = 1,
		.links = {{.used = 5000, .budget = 4096}},
	};
	assert_true(
		name_set(&metrics->network.links[0].name, SPAN_LITERAL("far")));
	metrics->usage = (struct env_usage){
		.map_size = 1000, .used = 600, .free_size = 100};
	metrics->is_managed = true;
	metrics->broker.is_running = true;
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct http_config config = {.address = "127.0.0.1"};

	assert_non_null(bed);
	clock_init(&bed->clock, NULL, NULL);
	config.clock = &bed->clock;
	assert_done(http_open(&config, &bed->http, &bed->err), &bed->err);
	metrics_fill(&bed->metrics);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	http_close(bed->http);
	free(bed);
	return 0;
}

static void update(struct bed *bed)
{
	bed->metrics.at_ms = clock_monotonic_ms(&bed->clock);
	http_update(bed->http, &bed->metrics);
}

/* ---- a client by hand ---- */

static int client(const struct bed *bed)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(http_port(bed->http))};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				    sizeof(patience)),
			 0);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void client_send(int fd, const char *text)
{
	ssize_t size = (ssize_t)strlen(text);

	assert_int_equal(send(fd, text, (size_t)size, MSG_NOSIGNAL), size);
}

/* Everything until the server hangs up, into bed->answer. A reset, too, is an
 * end: the server need not read a body that it does not want. */
static void client_read(struct bed *bed, int fd)
{
	size_t used = 0;
	ssize_t got;

	do {
		got = recv(fd, bed->answer + used,
			   sizeof(bed->answer) - 1 - used, 0);
		if (got > 0)
			used += (size_t)got;
	} while (got > 0);
	if (got < 0)
		assert_int_equal(errno, ECONNRESET);
	bed->answer[used] = '\0';
	(void)close(fd);
}

/* Returns the status; the whole answer is in bed->answer. */
static int ask(struct bed *bed, const char *request)
{
	int fd = client(bed);
	uint64_t status = 0;

	client_send(fd, request);
	client_read(bed, fd);
	if (strncmp(bed->answer, "HTTP/1.", 7) != 0 ||
	    !span_to_u64((struct span){bed->answer + 9, 3}, 999, &status))
		fail_msg("no HTTP: %.60s", bed->answer);
	return (int)status;
}

static int get(struct bed *bed, const char *path)
{
	char request[256];

	assert_true(text_format(request, sizeof(request),
				"GET %s HTTP/1.1\r\nHost: box\r\n"
				"Connection: close\r\n\r\n",
				path));
	return ask(bed, request);
}

static void assert_answer_has(const struct bed *bed, const char *text)
{
	if (strstr(bed->answer, text) == NULL)
		fail_msg("no \"%s\" in:\n%s", text, bed->answer);
}

/* ---- what it says ---- */

static void the_figures_are_those_of_the_loop(void **state)
{
	static const char *const expected[] = {
		"Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
		"\n# TYPE depot_readings_total counter\n",
		"\ndepot_readings_total{result=\"booked\"} 1001\n",
		"\ndepot_readings_total{result=\"duplicate\"} 1002\n",
		"\ndepot_movements_total 1005\n",
		"\nprocess_start_time_seconds 1795341600.042\n",
		"\ndepot_build_info{version=\"0.1.0\"} 1\n",
		"\ndepot_mqtt_events_total{event=\"pushed\"} 2001\n",
		"\ndepot_keeper_progress_age_seconds 0.007\n",
		"\ndepot_store_used_bytes 500\n",
		"\ndepot_store_free_bytes 500\n",
		"\ndepot_journal_epoch 3\n",
		"\ndepot_journal_entries 4711\n",
		"\ndepot_health{code=\"store_full\"} 0\n",
		"\ndepot_autonomy_seconds 7776000\n",
		"\ndepot_links_up 1\n",
		"\ndepot_feeds_stuck 2\n",
		"\ndepot_link_used_bytes{link=\"far\"} 5000\n",
		"\ndepot_link_budget_bytes{link=\"far\"} 4096\n",
		"\ndepot_packs_refused_total{reason=\"forged\"} 7\n",
		"\ndepot_packs_refused_total{reason=\"garbled\"} 0\n",
		"\ndepot_frames_refused_total{reason=\"head_forged\"} 3\n",
		"\ndepot_feeds_left_out 3\n",
		"\ndepot_feeds_no_room_total 7\n",
		"\ndepot_hq_backlog_entries 240\n",
		"\ndepot_hq_backlog_bytes 2310\n",
		"\ndepot_hq_acknowledged_delta 118\n",
		"\ndepot_hq_as_of_seconds 1795341600.017\n",
	};
	struct bed *bed = *state;

	update(bed);
	assert_int_equal(get(bed, "/metrics"), 200);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_answer_has(bed, expected[i]);
	bed->metrics.counters.booked = 9;
	update(bed);
	assert_int_equal(get(bed, "/metrics?x=1"), 200);
	assert_answer_has(bed, "{result=\"booked\"} 9\n");
}

/* A number can be as long as it likes. */
static void the_longest_figures_fit(void **state)
{
	struct metrics *metrics = malloc(sizeof(*metrics));
	char *text = malloc(METRICS_TEXT_SIZE);
	size_t size;

	(void)state;
	assert_non_null(metrics);
	assert_non_null(text);
	memset(metrics, 0xff, sizeof(*metrics));
	metrics->version = "99.99.99-with-a-long-name";
	metrics->started_ms = INT64_MAX;
	metrics->progress_age_ms = INT64_MAX;
	metrics->usage = (struct env_usage){.map_size = UINT64_MAX,
					    .is_allocated = true};
	metrics->clock_trusted = true;
	metrics->is_connected = true;
	metrics->is_managed = true;
	metrics->broker = (struct broker_state){.ends = UINT64_MAX};
	metrics->has_autonomy = true;
	metrics->autonomy_hours = 87600;
	metrics->reach.is_hq = false;
	metrics->reach.has_hq_as_of = true;
	metrics->network.link_count = ENVOY_LINKS_MAX;
	for (size_t i = 0; i < ENVOY_LINKS_MAX; i++) {
		struct name *name = &metrics->network.links[i].name;

		memset(name->data, 'x', name->size = NAME_SIZE_MAX);
	}
	for (size_t i = 0; i < VITALS; i++)
		metrics->is_bad[i] = true;
	size = metrics_print(metrics, text);
	printf("%zu bytes of %d\n", size, METRICS_TEXT_SIZE);
	assert_true(size < METRICS_TEXT_SIZE && size > 4000);
	free(text);
	free(metrics);
}

/* Hands @text to `promtool check metrics`, which knows the format and the
 * habits of names better than any test of ours. Returns its exit code. */
static int promtool(const char *text, size_t size)
{
	int ends[2];
	int status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)dup2(ends[0], STDIN_FILENO);
		(void)close(ends[1]);
		(void)execl(PROMTOOL, "promtool", "check", "metrics",
			    (char *)NULL);
		_exit(127);
	}
	(void)close(ends[0]);
	/* A pipe holds 64 KiB: it need not be read meanwhile. */
	assert_int_equal(write(ends[1], text, size), (ssize_t)size);
	(void)close(ends[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void promtool_finds_nothing_to_say(void **state)
{
	static const char bad[] = "# TYPE depot_x counter\ndepot_x 1\n";
	struct bed *bed = *state;
	const char *body;

	if (access(PROMTOOL, X_OK) != 0)
		skip_because("no promtool");
	update(bed);
	assert_int_equal(get(bed, "/metrics"), 200);
	body = strstr(bed->answer, "\r\n\r\n");
	assert_non_null(body);
	assert_int_equal(promtool(body + 4, strlen(body + 4)), 0);
	/* And it would have found something. */
	assert_int_not_equal(promtool(bad, sizeof(bad) - 1), 0);
}

static void health_says_whether_the_box_does_its_work(void **state)
{
	struct bed *bed = *state;

	/* Before the first figures there is nothing to vouch for. */
	assert_int_equal(get(bed, "/healthz"), 503);
	update(bed);
	assert_int_equal(get(bed, "/healthz"), 200);
	assert_answer_has(bed, "Content-Type: application/json\r\n");
	assert_answer_has(bed, "\r\n\r\n{\"status\":\"ok\",\"reasons\":[]}");
	bed->metrics.is_bad[VITAL_CLOCK_UNTRUSTED] = true;
	update(bed);
	assert_int_equal(get(bed, "/healthz"), 200);
	assert_answer_has(bed, "{\"status\":\"degraded\","
			       "\"reasons\":[\"clock_untrusted\"]}");
	bed->metrics.is_bad[VITAL_STORE_FULL] = true;
	update(bed);
	assert_int_equal(get(bed, "/healthz"), 503);
	assert_answer_has(bed, "{\"status\":\"failing\",\"reasons\":["
			       "\"clock_untrusted\",\"store_full\"]}");
}

/* A loop that stands still cannot say so: its figures grow old. */
static void what_stands_still_is_not_healthy(void **state)
{
	struct bed *bed = *state;

	bed->metrics.progress_age_ms = 60000;
	update(bed);
	assert_int_equal(get(bed, "/healthz"), 503);
	assert_answer_has(bed, "[\"keeper_stuck\"]");
	bed->metrics.progress_age_ms = 0;
	bed->metrics.at_ms = clock_monotonic_ms(&bed->clock) - 60000;
	http_update(bed->http, &bed->metrics);
	assert_int_equal(get(bed, "/healthz"), 503);
	assert_answer_has(bed, "[\"loop_stuck\"]");
}

/* ---- who asks badly ---- */

/* Every bad request gets the answer that HTTP has for it, and the next good
 * one is served. */
static void bad_requests_get_their_4xx(void **state)
{
	static char long_path[12000] = "GET /";
	static char long_head[12000] = "GET /metrics HTTP/1.1\r\nHost: ";
	static const struct {
		const char *request;
		int status;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n", 404},
		{"GET /metrics/ HTTP/1.0\r\n\r\n", 404},
		{"GET /../etc/passwd HTTP/1.0\r\n\r\n", 404},
		{"GET /metrics%00 HTTP/1.0\r\n\r\n", 404},
		{"PUT /metrics HTTP/1.0\r\nContent-Length: 0\r\n\r\n", 405},
		{"DELETE /healthz HTTP/1.0\r\n\r\n", 405},
		{"POST /metrics HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n"
		 "Connection: close\r\n\r\nhello",
		 405},
		{"OPTIONS * HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n",
		 404},
		{"GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n", 400},
		{"GET /metrics HTTP/1.1\r\nHost: b\r\n"
		 "Content-Length: -1\r\n\r\n",
		 400},
		{long_path, 414},
		{long_head, 431},
	};
	struct bed *bed = *state;
	size_t served = 0;

	memset(long_path + 5, 'a', sizeof(long_path) - 6);
	memset(long_head + 29, 'a', sizeof(long_head) - 30);
	update(bed);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int status = ask(bed, cases[i].request);

		if (status != cases[i].status)
			fail_msg("%.40s: %d", cases[i].request, status);
		served += get(bed, "/healthz") == 200;
	}
	assert_int_equal(served, ARRAY_LEN(cases));
}

static void noise_is_hung_up_on(void **state)
{
	struct bed *bed = *state;
	uint64_t seed = test_seed(1);

	update(bed);
	for (int i = 0; i < 200; i++) {
		char noise[256];
		int fd = client(bed);

		for (size_t j = 0; j < sizeof(noise); j++)
			noise[j] = (char)test_random(&seed);
		noise[sizeof(noise) - 2] = '\r';
		noise[sizeof(noise) - 1] = '\n';
		assert_int_equal(send(fd, noise, sizeof(noise), MSG_NOSIGNAL),
				 sizeof(noise));
		/* The server may have hung up already. */
		if (shutdown(fd, SHUT_WR) != 0)
			assert_int_equal(errno, ENOTCONN);
		client_read(bed, fd);
		assert_null(strstr(bed->answer, "200 OK"));
	}
	assert_int_equal(get(bed, "/metrics"), 200);
}

static void head_has_no_body(void **state)
{
	struct bed *bed = *state;

	update(bed);
	assert_int_equal(ask(bed, "HEAD /metrics HTTP/1.0\r\n\r\n"), 200);
	assert_answer_has(bed, "Content-Length: ");
	assert_null(strstr(bed->answer, "depot_"));
}

/* ---- who asks slowly ---- */

/*
 * 100 clients that dribble a byte now and then hold 16 connections, nobody
 * longer than HTTP_SECONDS_MAX, and the loop not at all. Method: they send on
 * as long as they are let; the time by which they are shown out is the test's,
 * which goes on by http_update; libmicrohttpd's own time-outs need silence,
 * which they do not keep.
 */
struct slow_clock {
	struct clock clock;
	_Atomic int64_t now_ms;
};

static int64_t slow_ns(void *context)
{
	return atomic_load(&((struct slow_clock *)context)->now_ms) * 1000000;
}

static int64_t slow_wall(void *context)
{
	return atomic_load(&((struct slow_clock *)context)->now_ms);
}

static bool slow_synchronised(void *context)
{
	(void)context;
	return true;
}

static const struct clock_port slow_port = {
	.wall_ms = slow_wall,
	.monotonic_ns = slow_ns,
	.boot_ns = slow_ns,
	.is_synchronised = slow_synchronised,
};

#define SLOW_CLIENTS 100

/* Sends one byte more on each; returns how many still stand. */
static unsigned dribble(int fds[SLOW_CLIENTS])
{
	unsigned standing = 0;

	for (size_t i = 0; i < SLOW_CLIENTS; i++) {
		char byte;

		if (fds[i] < 0)
			continue;
		if (send(fds[i], "x", 1, MSG_NOSIGNAL) == 1 &&
		    recv(fds[i], &byte, 1, MSG_DONTWAIT) < 0 &&
		    errno == EAGAIN) {
			standing++;
			continue;
		}
		(void)close(fds[i]);
		fds[i] = -1;
	}
	return standing;
}

/* Until one of them is shown out, or a moment: perhaps none was let in yet. */
static void farewell_wait(const int fds[SLOW_CLIENTS])
{
	struct pollfd items[SLOW_CLIENTS];

	for (size_t i = 0; i < SLOW_CLIENTS; i++)
		items[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	assert_true(poll(items, SLOW_CLIENTS, 20) >= 0);
}

static void a_hundred_slow_clients_are_shown_out(void **state)
{
	static struct slow_clock slow;
	static struct bed other;
	struct http_config config = {.address = "127.0.0.1",
				     .clock = &slow.clock};
	struct bed *bed = &other;
	int fds[SLOW_CLIENTS];
	unsigned rounds = 0;

	(void)state;
	atomic_store(&slow.now_ms, 1000000);
	clock_init(&slow.clock, &slow_port, &slow);
	assert_done(http_open(&config, &bed->http, &bed->err), &bed->err);
	metrics_fill(&bed->metrics);
	for (size_t i = 0; i < SLOW_CLIENTS; i++) {
		fds[i] = client(bed);
		client_send(fds[i], "GET /metrics HTTP/1.1\r\nX: ");
	}
	/* Ten seconds a round, until all have been shown out. */
	while (dribble(fds) > 0) {
		assert_true(++rounds < PATIENCE_S * 1000 / 20);
		atomic_fetch_add(&slow.now_ms, HTTP_SECONDS_MAX * 1000 + 1);
		bed->metrics.at_ms = clock_monotonic_ms(&slow.clock);
		http_update(bed->http, &bed->metrics);
		farewell_wait(fds);
	}
	assert_int_equal(get(bed, "/healthz"), 200);
	/* Sixteen at a time at most. */
	printf("%u rounds\n", rounds);
	assert_true(rounds >= SLOW_CLIENTS / HTTP_CONNECTIONS_MAX);
	http_close(bed->http);
}

/* ---- where it listens ---- */

static void a_port_that_is_taken_is_named(void **state)
{
	struct bed *bed = *state;
	struct http *second;
	struct http_config config = {.address = "127.0.0.1",
				     .port = http_port(bed->http),
				     .clock = &bed->clock};
	char words[96];

	(void)text_format(words, sizeof(words),
			  "HTTP: port %u of 127.0.0.1 is taken", config.port);
	assert_code(http_open(&config, &second, &bed->err), ERR_AGAIN);
	assert_non_null(strstr(bed->err.text, words));
	config.address = "box.example";
	assert_code(http_open(&config, &second, &bed->err), ERR_INVALID);
}

/* The network may come later than the box: an address that is not there yet
 * is no reason to fail, in either family. */
static void an_address_may_come_later(void **state)
{
	static const char *const addresses[] = {"192.0.2.7", "2001:db8::7"};
	struct bed *bed = *state;

	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct http_config config = {.address = addresses[i],
					     .clock = &bed->clock};
		struct http *other = NULL;
		enum err_code code = http_open(&config, &other, &bed->err);

		if (code == ERR_IO && strchr(addresses[i], ':') != NULL)
			skip_because("no IPv6 here");
		assert_done(code, &bed->err);
		http_close(other);
	}
}

#define BED_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(the_figures_are_those_of_the_loop),
		cmocka_unit_test(the_longest_figures_fit),
		BED_TEST(promtool_finds_nothing_to_say),
		BED_TEST(health_says_whether_the_box_does_its_work),
		BED_TEST(what_stands_still_is_not_healthy),
		BED_TEST(bad_requests_get_their_4xx),
		BED_TEST(noise_is_hung_up_on),
		BED_TEST(head_has_no_body),
		cmocka_unit_test(a_hundred_slow_clients_are_shown_out),
		BED_TEST(a_port_that_is_taken_is_named),
		BED_TEST(an_address_may_come_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
