/*
 * The wall clock is set back while Paho waits by it: the client gives up a
 * broker that does not answer all the same.
 *
 * Method: clock_gettime of this program lies to one of Paho's threads, which
 * waits until a moment of the wall clock (Thread_wait_cond): by an hour, as if
 * the clock had been set back by an hour since. That Paho does ask is counted.
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "tests/support/broker.h"
#include "tests/unit/edge/mqtt_bed.h"

#define HOUR_S 3600
#define SOON_MS 90000 /* beyond what we wait for, on a busy machine */

static atomic_uint lies;

static bool is_senders(void)
{
	char name[16] = "";

	return pthread_getname_np(pthread_self(), name, sizeof(name)) == 0 &&
	       strcmp(name, "MQTTAsync_send") == 0;
}

int clock_gettime(clockid_t id, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, id, now);

	if (result == 0 && id == CLOCK_REALTIME && is_senders()) {
		now->tv_sec += HOUR_S;
		atomic_fetch_add(&lies, 1);
	}
	return result;
}

static struct mqtt_bed bed;
static int listener = -1;

/* The kernel takes connections, and nobody answers. */
static uint16_t mute_listen(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener >= 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(
		getsockname(listener, (struct sockaddr *)&address, &size), 0);
	return ntohs(address.sin_port);
}

static int teardown(void **state)
{
	(void)state;
	bed_end(&bed);
	(void)close(listener);
	return 0;
}

static void a_mute_broker_is_given_up_though_the_clock_is_set_back(void **state)
{
	int64_t began;

	(void)state;
	bed_make(&bed, mute_listen(), 16);
	began = clock_monotonic_ms(&bed.clock);
	bed_client(&bed);
	BED_UNTIL(&bed, bed.states[MQTT_DOWN] == 1);
	assert_true(clock_monotonic_ms(&bed.clock) - began < SOON_MS);
	assert_true(atomic_load(&lies) > 0);
	/* And it goes on trying. */
	BED_UNTIL(&bed, bed.states[MQTT_CONNECTING] == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			a_mute_broker_is_given_up_though_the_clock_is_set_back,
			teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
