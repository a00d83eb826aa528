/*
 * The valve does to a connection what Paho's reader can see: nothing to read,
 * nothing to write, or the end; and only to connections to that port.
 */
#include "tests/support/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "gateway/edge/valve.h"

#define PATIENCE_MS 60000

/* Both ends of a connection over loopback; `ours` is to @port. */
struct pair {
	int ours;
	int theirs;
	uint16_t port;
};

static void pair_open(struct pair *pair)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	assert_true(listener >= 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(
		getsockname(listener, (struct sockaddr *)&address, &size), 0);
	pair->port = ntohs(address.sin_port);
	pair->ours = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(pair->ours, (struct sockaddr *)&address, size),
			 0);
	pair->theirs = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair->theirs >= 0);
	assert_int_equal(setsockopt(pair->theirs, IPPROTO_TCP, TCP_NODELAY,
				    &one, sizeof(one)),
			 0);
	(void)close(listener);
}

static void pair_close(struct pair *pair)
{
	(void)close(pair->ours);
	(void)close(pair->theirs);
}

static bool is_ready(int fd, short events, int timeout_ms)
{
	struct pollfd item = {.fd = fd, .events = events};

	return poll(&item, 1, timeout_ms) == 1 && (item.revents & events) != 0;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void a_closed_valve_hides_what_arrived_until_it_opens(void **state)
{
	struct pair pair;
	struct pair other;
	char text[5000] = "";

	(void)state;
	pair_open(&pair);
	pair_open(&other);
	assert_int_equal(send(pair.theirs, text, 100, 0), 100);
	assert_true(is_ready(pair.ours, POLLIN, PATIENCE_MS));
	assert_int_equal(valve_close(pair.port), 1);
	assert_false(is_ready(pair.ours, POLLIN, 0));
	assert_int_equal(send(pair.theirs, text, sizeof(text), 0),
			 sizeof(text));
	assert_false(is_ready(pair.ours, POLLIN, 0));
	assert_true(is_ready(pair.ours, POLLOUT, 0)); /* sending goes on */

	/* Another connection, and the other end of this one, do not notice. */
	assert_int_equal(send(other.theirs, text, 1, 0), 1);
	assert_true(is_ready(other.ours, POLLIN, PATIENCE_MS));
	assert_int_equal(send(pair.ours, text, 1, 0), 1);
	assert_true(is_ready(pair.theirs, POLLIN, PATIENCE_MS));

	assert_int_equal(valve_open(pair.port), 1);
	assert_true(is_ready(pair.ours, POLLIN, 0));
	assert_int_equal(recv(pair.ours, text, sizeof(text), MSG_WAITALL),
			 sizeof(text));
	pair_close(&pair);
	pair_close(&other);
}

static void
a_locked_valve_keeps_back_what_is_written_and_is_not_writable(void **state)
{
	struct pair pair;
	char text[8];
	bool is_writable;
	bool has_left;

	(void)state;
	for (;;) {
		int64_t began;

		pair_open(&pair);
		assert_int_equal(valve_lock(pair.port), 1);
		assert_true(is_ready(pair.ours, POLLOUT, 0));
		began = now_ms();
		assert_int_equal(send(pair.ours, "ack", 3, MSG_DONTWAIT), 3);
		is_writable = is_ready(pair.ours, POLLOUT, 0);
		has_left = is_ready(pair.theirs, POLLIN, 0);
		/* After 200 ms it leaves all the same: not by our doing. */
		if (now_ms() - began < 150)
			break;
		pair_close(&pair);
	}
	assert_false(is_writable);
	assert_false(has_left);

	assert_int_equal(valve_unlock(pair.port), 1);
	assert_true(is_ready(pair.theirs, POLLIN, PATIENCE_MS));
	assert_int_equal(recv(pair.theirs, text, sizeof(text), 0), 3);
	assert_true(is_ready(pair.ours, POLLOUT, PATIENCE_MS));
	pair_close(&pair);
}

static void a_connection_is_prompt_or_gathers_as_it_is_told(void **state)
{
	struct pair pair;
	int value = 0;
	socklen_t size = sizeof(value);

	(void)state;
	pair_open(&pair);
	for (int round = 0; round < 4; round++) {
		bool is_prompt = round % 2 == 0;

		assert_int_equal(valve_prompt(pair.port, is_prompt), 1);
		assert_int_equal(getsockopt(pair.ours, IPPROTO_TCP, TCP_NODELAY,
					    &value, &size),
				 0);
		assert_int_equal(value != 0, is_prompt);
	}
	pair_close(&pair);
}

static void a_cut_ends_both_directions_at_once(void **state)
{
	struct pair pair;
	char text[8];

	(void)state;
	pair_open(&pair);
	assert_int_equal(valve_cut(pair.port), 1);
	assert_int_equal(send(pair.ours, "ack", 3, MSG_NOSIGNAL), -1);
	assert_true(is_ready(pair.theirs, POLLIN, PATIENCE_MS));
	assert_int_equal(recv(pair.theirs, text, sizeof(text), 0), 0);
	assert_int_equal(valve_cut(1), 0);
	pair_close(&pair);
}

/* Method: a connection whose descriptor lies behind 200 others, some of which
 * are closed again: more than the gap that ends the search is not between. */
static void a_connection_among_many_descriptors_is_found(void **state)
{
	struct pair pair;
	int others[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		others[i] = dup(STDIN_FILENO);
		assert_true(others[i] >= 0);
	}
	pair_open(&pair);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		(void)close(others[i]);
	assert_int_equal(valve_close(pair.port), 1);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_closed_valve_hides_what_arrived_until_it_opens),
		cmocka_unit_test(
			a_locked_valve_keeps_back_what_is_written_and_is_not_writable),
		cmocka_unit_test(
			a_connection_is_prompt_or_gathers_as_it_is_told),
		cmocka_unit_test(a_cut_ends_both_directions_at_once),
		cmocka_unit_test(a_connection_among_many_descriptors_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
