/*
 * A queue keeps each producer's order, loses nothing that it took, refuses
 * what does not fit, and wakes a sleeper every time.
 */
#include "tests/support/check.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include "gateway/edge/queue.h"

#define PRODUCERS 3

struct message {
	uint32_t producer;
	uint64_t number;
	uint64_t check; /* of the two: a torn copy would not match */
};

struct crowd {
	struct queue *queue;
	atomic_bool is_over;
	_Atomic uint64_t pushed[PRODUCERS];
	_Atomic uint32_t next_producer;
	_Atomic uint64_t refused;
};

static uint64_t check_of(uint32_t producer, uint64_t number)
{
	uint64_t state = number * PRODUCERS + producer;

	return test_random(&state);
}

static void *produce(void *context)
{
	struct crowd *crowd = context;
	uint32_t producer = atomic_fetch_add(&crowd->next_producer, 1);
	uint64_t number = 0;

	while (!atomic_load(&crowd->is_over)) {
		struct message message = {producer, number,
					  check_of(producer, number)};

		if (queue_push(crowd->queue, &message) != ERR_OK) {
			atomic_fetch_add(&crowd->refused, 1);
			(void)sched_yield();
			continue;
		}
		number++;
	}
	atomic_store(&crowd->pushed[producer], number);
	return NULL;
}

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pop_all(struct queue *queue, uint64_t *expected)
{
	struct message message;

	while (queue_pop(queue, &message)) {
		assert_in_range(message.producer, 0, PRODUCERS - 1);
		assert_true(message.number == expected[message.producer]);
		assert_true(message.check ==
			    check_of(message.producer, message.number));
		expected[message.producer]++;
	}
}

static bool all_had_their_turn(const uint64_t expected[PRODUCERS])
{
	for (size_t i = 0; i < PRODUCERS; i++)
		if (expected[i] <= 100)
			return false;
	return true;
}

/*
 * Method: three producers push as fast as they can for one second, and until
 * each has had its turn; the
 * consumer sleeps whenever it finds nothing. Each message names its producer,
 * its number and a checksum of both.
 */
static void every_message_of_three_threads_arrives_once_in_order(void **state)
{
	struct crowd crowd = {0};
	struct wake wake = {0};
	struct err err;
	pthread_t threads[PRODUCERS];
	uint64_t expected[PRODUCERS] = {0};
	int64_t end = now_ms() + 1000;
	uint64_t sum = 0;

	(void)state;
	assert_done(wake_init(&wake, &err), &err);
	assert_done(queue_open(sizeof(struct message), 256, &wake, &crowd.queue,
			       &err),
		    &err);
	for (size_t i = 0; i < PRODUCERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, produce, &crowd), 0);
	while (now_ms() < end || !all_had_their_turn(expected)) {
		wake_arm(&wake);
		if (queue_is_empty(crowd.queue))
			wake_wait(&wake, 1000);
		wake_disarm(&wake);
		pop_all(crowd.queue, expected);
	}
	atomic_store(&crowd.is_over, true);
	for (size_t i = 0; i < PRODUCERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pop_all(crowd.queue, expected);
	for (size_t i = 0; i < PRODUCERS; i++) {
		assert_true(expected[i] == atomic_load(&crowd.pushed[i]));
		assert_true(expected[i] > 100);
		sum += expected[i];
	}
	printf("messages %llu, refused when full %llu\n",
	       (unsigned long long)sum,
	       (unsigned long long)atomic_load(&crowd.refused));
	queue_close(crowd.queue);
	wake_release(&wake);
}

/* Method: capacities 1 to 9, three rounds each, filled to the last cell. */
static void a_full_queue_refuses_and_goes_on_when_there_is_room(void **state)
{
	size_t rounds = 0;

	(void)state;
	for (size_t capacity = 1; capacity <= 9; capacity++) {
		struct queue *queue = NULL;
		struct err err;
		uint64_t in = 0;
		uint64_t out = 0;
		uint64_t value;

		assert_done(queue_open(sizeof(value), capacity, NULL, &queue,
				       &err),
			    &err);
		assert_true(queue_capacity(queue) >= capacity);
		for (int round = 0; round < 3; round++) {
			while (queue_push(queue, &in) == ERR_OK)
				in++;
			assert_true(in - out == queue_capacity(queue));
			assert_true(queue_pop(queue, &value));
			assert_true(value == out++);
			assert_code(queue_push(queue, &in), ERR_OK);
			in++;
			assert_code(queue_push(queue, &in), ERR_FULL);
			while (queue_pop(queue, &value))
				assert_true(value == out++);
			assert_true(out == in);
			assert_true(queue_is_empty(queue));
			rounds++;
		}
		queue_close(queue);
	}
	assert_int_equal(rounds, 27);
}

static bool is_readable(const struct wake *wake)
{
	struct pollfd item = {.fd = wake->fd, .events = POLLIN};

	return poll(&item, 1, 0) == 1;
}

static void only_a_sleeper_is_woken_by_the_eventfd(void **state)
{
	struct wake wake = {0};
	struct queue *queue = NULL;
	struct err err;
	int value = 7;

	(void)state;
	assert_done(wake_init(&wake, &err), &err);
	assert_done(queue_open(sizeof(value), 8, &wake, &queue, &err), &err);
	assert_code(queue_push(queue, &value), ERR_OK);
	assert_false(is_readable(&wake));

	wake_arm(&wake);
	assert_code(queue_push(queue, &value), ERR_OK);
	assert_true(is_readable(&wake));
	wake_disarm(&wake);
	assert_false(is_readable(&wake));

	assert_code(queue_push(queue, &value), ERR_OK);
	assert_false(is_readable(&wake));
	queue_close(queue);
	wake_release(&wake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_message_of_three_threads_arrives_once_in_order),
		cmocka_unit_test(
			a_full_queue_refuses_and_goes_on_when_there_is_room),
		cmocka_unit_test(only_a_sleeper_is_woken_by_the_eventfd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
