/*
 * A request whose answer takes time holds nobody else up, a body has an end,
 * and one address cannot have all places.
 */
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "gateway/edge/web.h"

#define PATIENCE_S 180 /* a bound on a hang, nothing else */
#define BODY_MAX 100
#define PLACES 16
#define PER_ADDRESS 4

struct bed {
	struct clock clock;
	struct web *web;
	char answer[4096]; /* of the last request, terminated */
	/* Visits that wait, for whoever resumes them. */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct web_visit *waiting[PLACES];
	size_t waiting_count;
	char body[BODY_MAX + 1]; /* the server's own */
	struct err err;
};

static bool wait_begin(struct bed *bed, const struct web_ask *ask)
{
	(void)pthread_mutex_lock(&bed->mutex);
	assert_true(bed->waiting_count < PLACES);
	web_wait(ask->visit, bed);
	bed->waiting[bed->waiting_count++] = ask->visit;
	(void)pthread_cond_signal(&bed->changed);
	(void)pthread_mutex_unlock(&bed->mutex);
	return false;
}

/* /slow waits, what else there is comes back. */
static bool handle(void *context, const struct web_ask *ask,
		   struct web_answer *ret_answer)
{
	struct bed *bed = context;

	if (ask->job == NULL && strcmp(ask->path, "/slow") == 0)
		return wait_begin(bed, ask);
	memcpy(bed->body, ask->body.data, ask->body.size);
	*ret_answer = (struct web_answer){.status = 200,
					  .type = "text/plain",
					  .body = {bed->body, ask->body.size},
					  .tag = "\"7\"",
					  .cookie = "a=b"};
	return true;
}

static int setup(void **state)
{
	static const struct web_header headers[] = {{"X-Ours", "yes"}};
	struct bed *bed = calloc(1, sizeof(*bed));
	struct web_config config = {.address = "127.0.0.1",
				    .connections = PLACES,
				    .per_address = PER_ADDRESS,
				    .head_size = 4096,
				    .body_size_max = BODY_MAX,
				    .seconds_max = 60,
				    .headers = headers,
				    .header_count = 1,
				    .handle = handle,
				    .context = bed};

	assert_non_null(bed);
	clock_init(&bed->clock, NULL, NULL);
	config.clock = &bed->clock;
	(void)pthread_mutex_init(&bed->mutex, NULL);
	(void)pthread_cond_init(&bed->changed, NULL);
	assert_done(web_open(&config, &bed->web, &bed->err), &bed->err);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	web_close(bed->web);
	(void)pthread_cond_destroy(&bed->changed);
	(void)pthread_mutex_destroy(&bed->mutex);
	free(bed);
	return 0;
}

/* ---- a client by hand ---- */

/* From 127.0.0.@source. */
static int client(const struct bed *bed, unsigned source)
{
	struct sockaddr_in own = {.sin_family = AF_INET};
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_port = htons(web_port(bed->web))};
	struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	own.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + source);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				    sizeof(patience)),
			 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void client_send(int fd, const char *text)
{
	ssize_t size = (ssize_t)strlen(text);

	assert_int_equal(send(fd, text, (size_t)size, MSG_NOSIGNAL), size);
}

/* Until the server hangs up; a reset, too, is an end. */
static int client_read(struct bed *bed, int fd)
{
	uint64_t status = 0;
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
	if (used > 12 &&
	    !span_to_u64((struct span){bed->answer + 9, 3}, 999, &status))
		fail_msg("no HTTP: %.60s", bed->answer);
	return (int)status;
}

static int ask(struct bed *bed, unsigned source, const char *request)
{
	int fd = client(bed, source);

	client_send(fd, request);
	return client_read(bed, fd);
}

static void assert_answer_has(const struct bed *bed, const char *text)
{
	if (strstr(bed->answer, text) == NULL)
		fail_msg("no \"%s\" in:\n%s", text, bed->answer);
}

#define CLOSE "Host: b\r\nConnection: close\r\n"

/* ---- what it does ---- */

static void an_answer_has_its_headers(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(ask(bed, 1, "GET /x HTTP/1.1\r\n" CLOSE "\r\n"), 200);
	assert_answer_has(bed, "\r\nX-Ours: yes\r\n");
	assert_answer_has(bed, "\r\nETag: \"7\"\r\n");
	assert_answer_has(bed, "\r\nSet-Cookie: a=b\r\n");
	assert_answer_has(bed, "\r\nCache-Control: no-store\r\n");
}

/* Method: bodies of each length around the bound, announced and in chunks; in
 * two pieces, so that they have to be put together. */
static void a_body_has_an_end(void **state)
{
	struct bed *bed = *state;
	unsigned whole = 0;

	for (size_t size = BODY_MAX - 3; size <= BODY_MAX + 3; size++) {
		char body[BODY_MAX + 4];
		char head[256];
		int fd = client(bed, 1);
		int status;

		memset(body, 'x', size);
		body[size] = '\0';
		(void)text_format(head, sizeof(head),
				  "POST / HTTP/1.1\r\n" CLOSE
				  "Content-Length: %zu\r\n\r\nxxxxx",
				  size);
		client_send(fd, head);
		if (size <= BODY_MAX)
			client_send(fd, body + 5);
		status = client_read(bed, fd);
		assert_int_equal(status, size <= BODY_MAX ? 200 : 413);
		if (status == 200) {
			assert_answer_has(bed, body);
			whole++;
		}
		fd = client(bed, 1);
		(void)text_format(head, sizeof(head),
				  "POST / HTTP/1.1\r\n" CLOSE
				  "Transfer-Encoding: chunked\r\n\r\n"
				  "5\r\nxxxxx\r\n%zx\r\n",
				  size - 5);
		client_send(fd, head);
		client_send(fd, body + 5);
		client_send(fd, "\r\n0\r\n\r\n");
		assert_int_equal(client_read(bed, fd),
				 size <= BODY_MAX ? 200 : 413);
	}
	assert_int_equal(whole, 4);
}

static void all_resume(struct bed *bed, size_t expected)
{
	(void)pthread_mutex_lock(&bed->mutex);
	while (bed->waiting_count < expected)
		(void)pthread_cond_wait(&bed->changed, &bed->mutex);
	for (size_t i = 0; i < expected; i++)
		web_resume(bed->waiting[i]);
	bed->waiting_count = 0;
	(void)pthread_mutex_unlock(&bed->mutex);
}

/* Method: three wait, a fourth is served meanwhile, and time passes; then they
 * get their own bodies back. */
static void who_waits_holds_nobody_up(void **state)
{
	static const char *const bodies[] = {"one", "two", "six"};
	struct bed *bed = *state;
	int fds[3];

	for (unsigned i = 0; i < 3; i++) {
		char request[128];

		fds[i] = client(bed, 1);
		(void)text_format(request, sizeof(request),
				  "POST /slow HTTP/1.1\r\n" CLOSE
				  "Content-Length: 3\r\n\r\n%s",
				  bodies[i]);
		client_send(fds[i], request);
	}
	assert_int_equal(ask(bed, 1, "GET /x HTTP/1.1\r\n" CLOSE "\r\n"), 200);
	(void)pthread_mutex_lock(&bed->mutex);
	while (bed->waiting_count < 3)
		(void)pthread_cond_wait(&bed->changed, &bed->mutex);
	(void)pthread_mutex_unlock(&bed->mutex);
	/* What waits for us is not late. */
	web_beat(bed->web, clock_monotonic_ms(&bed->clock) + 3600000);
	all_resume(bed, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(client_read(bed, fds[i]), 200);
		assert_answer_has(bed, bodies[i]);
	}
}

/* A client that is gone when its answer comes is no trouble. */
static void who_hangs_up_while_waiting_is_forgotten(void **state)
{
	struct bed *bed = *state;

	for (unsigned turn = 0; turn < 20; turn++) {
		int fd = client(bed, 1);

		client_send(fd, "GET /slow HTTP/1.1\r\n" CLOSE "\r\n");
		(void)pthread_mutex_lock(&bed->mutex);
		while (bed->waiting_count < 1)
			(void)pthread_cond_wait(&bed->changed, &bed->mutex);
		(void)pthread_mutex_unlock(&bed->mutex);
		(void)close(fd);
		all_resume(bed, 1);
	}
	assert_int_equal(ask(bed, 1, "GET /x HTTP/1.1\r\n" CLOSE "\r\n"), 200);
}

/* Opens connections from @source that wait, until it is hung up on; how many
 * there are, in @fds. */
static size_t places_take(struct bed *bed, unsigned source, int fds[PLACES])
{
	size_t before = bed->waiting_count;
	size_t count = 0;

	for (;;) {
		int fd = client(bed, source);
		struct pollfd poller = {.fd = fd, .events = POLLIN};
		bool is_in = false;

		client_send(fd, "GET /slow HTTP/1.1\r\n" CLOSE "\r\n");
		while (!is_in && poll(&poller, 1, 10) == 0) {
			(void)pthread_mutex_lock(&bed->mutex);
			is_in = bed->waiting_count > before + count;
			(void)pthread_mutex_unlock(&bed->mutex);
		}
		if (!is_in) {
			assert_int_equal(client_read(bed, fd), 0);
			return count;
		}
		fds[count++] = fd;
	}
}

static void one_address_cannot_have_all_places(void **state)
{
	struct bed *bed = *state;
	int fds[PLACES];

	assert_int_equal(places_take(bed, 2, fds), PER_ADDRESS);
	assert_int_equal(ask(bed, 1, "GET /x HTTP/1.1\r\n" CLOSE "\r\n"), 200);
	all_resume(bed, PER_ADDRESS);
	for (unsigned i = 0; i < PER_ADDRESS; i++)
		assert_int_equal(client_read(bed, fds[i]), 200);
}

/* Method: one after another takes all that it gets, four times as many as there
 * are at most by the bound of one; who comes next is served. Places that are
 * given back are had again. */
static void few_addresses_cannot_have_all_places(void **state)
{
	struct bed *bed = *state;
	int fds[PLACES];
	size_t took[PLACES / PER_ADDRESS];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(took); i++) {
		took[i] = places_take(bed, 2 + (unsigned)i, fds + count);
		count += took[i];
		assert_in_range(took[i], 1, PER_ADDRESS);
	}
	assert_int_equal(took[0], PER_ADDRESS);
	assert_true(count < PLACES);
	for (unsigned source = 6; source < 8; source++)
		assert_int_equal(ask(bed, source,
				     "GET /x HTTP/1.1\r\n" CLOSE "\r\n"),
				 200);
	all_resume(bed, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(client_read(bed, fds[i]), 200);
	assert_int_equal(places_take(bed, 9, fds), PER_ADDRESS);
	all_resume(bed, PER_ADDRESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_answer_has_its_headers,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_body_has_an_end, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_waits_holds_nobody_up,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			who_hangs_up_while_waiting_is_forgotten, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			one_address_cannot_have_all_places, setup, teardown),
		cmocka_unit_test_setup_teardown(
			few_addresses_cannot_have_all_places, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
