/*
 * The ring gives back each message once, whole and in order, and says when it
 * has no room. (What it keeps over a death is in test_ring_recovery.c.)
 */
#include "tests/unit/edge/ring_bed.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <time.h>

static int64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#define FLOOD_LEAST 10000

struct flood {
	struct bed *bed;
	int64_t end_ms;
	atomic_bool is_over;
	uint64_t refused;
};

static void *flood_push(void *context)
{
	struct flood *flood = context;

	while (flood->bed->pushed % 256 != 0 || now_ms() < flood->end_ms ||
	       flood->bed->pushed <= FLOOD_LEAST) {
		if (bed_push(flood->bed) == ERR_OK)
			continue;
		flood->refused++;
		(void)sched_yield();
	}
	atomic_store(&flood->is_over, true);
	wake_signal(&flood->bed->wake);
	return NULL;
}

/* Takes all that waits, and releases it in parts of up to @batch. */
static uint64_t take_all(struct bed *bed, uint64_t last, uint32_t batch)
{
	uint32_t waiting = ring_waiting(bed->ring);

	for (uint32_t i = 0; i < waiting; i++) {
		struct ring_slot slot;

		assert_true(ring_peek(bed->ring, i % batch, &slot));
		assert_true(slot.number == last + 1);
		assert_true(slot_is_made(&slot));
		last = slot.number;
		if (i % batch == batch - 1)
			ring_release_upto(bed->ring, last);
	}
	ring_release_upto(bed->ring, last);
	return last;
}

/*
 * Method: a thread pushes as fast as it can for at least two seconds into 64
 * slots,
 * another takes in batches and sleeps on the eventfd when it finds nothing.
 * The content of each slot follows from its number.
 */
static void
messages_of_another_thread_arrive_once_whole_and_in_order(void **state)
{
	struct bed *bed = *state;
	struct flood flood = {.bed = bed, .end_ms = now_ms() + 2000};
	uint64_t last = 0;
	pthread_t thread;
	bool is_over = false;
	uint64_t sleeps = 0;

	bed_open(bed, 64, 0);
	assert_int_equal(pthread_create(&thread, NULL, flood_push, &flood), 0);
	while (!is_over) {
		is_over = atomic_load(&flood.is_over);
		wake_arm(&bed->wake);
		if (!is_over && ring_waiting(bed->ring) == 0) {
			wake_wait(&bed->wake, 1000);
			sleeps++;
		}
		wake_disarm(&bed->wake);
		last = take_all(bed, last, 24);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	printf("messages %llu, refused when full %llu, sleeps %llu\n",
	       (unsigned long long)last, (unsigned long long)flood.refused,
	       (unsigned long long)sleeps);
	assert_true(last == bed->pushed);
	assert_true(last > FLOOD_LEAST);
	assert_int_equal(ring_fill(bed->ring), 0);
}

/* A plain model of the ring: which numbers wait. */
struct model {
	uint64_t first; /* the oldest that waits */
	uint64_t next;
};

static void model_agrees(const struct bed *bed, const struct model *model)
{
	uint64_t waiting = model->next - model->first;

	assert_true(ring_waiting(bed->ring) == waiting);
	assert_true(ring_fill(bed->ring) == waiting);
	if (waiting > 0) {
		assert_true(bed_number(bed, 0) == model->first);
		assert_true(bed_number(bed, (uint32_t)waiting - 1) ==
			    model->next - 1);
	}
}

static void model_step(struct bed *bed, struct model *model, uint64_t *seed,
		       uint32_t slots)
{
	uint64_t choice = test_random(seed) % 16;
	uint64_t waiting = model->next - model->first;

	if (choice < 10) {
		enum err_code expected = waiting == slots ? ERR_FULL : ERR_OK;

		assert_code(bed_push(bed), expected);
		if (expected == ERR_OK)
			model->next++;
	} else if (choice < 15) {
		model->first += test_random(seed) % (waiting + 1);
		ring_release_upto(bed->ring, model->first - 1);
	} else {
		bed_close(bed);
		bed_open(bed, slots, model->first - 1);
		assert_int_equal(bed->report.damaged, 0);
		assert_false(bed->report.is_created);
	}
}

/*
 * Method: 20,000 random steps (push, release some, close and open again) on
 * rings of 4 to 9 slots beside a model of two numbers.
 */
static void
a_small_ring_agrees_with_a_model_through_wraps_and_reopens(void **state)
{
	struct bed *bed = *state;
	uint64_t seed = test_seed(2);
	uint64_t wraps = 0;

	for (uint32_t slots = 4; slots <= 9; slots++) {
		struct model model = {1, 1};

		bed->pushed = 0;
		bed_open(bed, slots, 0);
		assert_true(bed->report.is_created);
		for (int i = 0; i < 20000 / 6; i++) {
			model_step(bed, &model, &seed, slots);
			model_agrees(bed, &model);
		}
		bed_close(bed);
		assert_int_equal(unlink(bed->path), 0);
		wraps += model.next / slots;
	}
	assert_true(wraps > 500);
}

/* Method: every fill of 16 slots, up and down again. */
static void the_marks_are_at_three_quarters_and_one_half(void **state)
{
	struct bed *bed = *state;

	bed_open(bed, 16, 0);
	assert_int_equal(ring_size(bed->ring), 16);
	for (uint32_t fill = 0; fill <= 16; fill++) {
		assert_int_equal(ring_fill(bed->ring), fill);
		assert_int_equal(ring_is_high(bed->ring), fill >= 12);
		assert_int_equal(ring_is_low(bed->ring), fill < 8);
		assert_code(bed_push(bed), fill < 16 ? ERR_OK : ERR_FULL);
	}
	for (uint32_t left = 16; left-- > 0;) {
		ring_release_upto(bed->ring, 16 - left);
		assert_int_equal(ring_fill(bed->ring), left);
		assert_int_equal(ring_is_high(bed->ring), left >= 12);
		assert_int_equal(ring_is_low(bed->ring), left < 8);
	}
}

/* Method: sizes around both bounds, and the largest that can be told. */
static void what_is_too_long_is_cut_and_says_so(void **state)
{
	static const struct {
		size_t topic;
		size_t payload;
		bool is_cut;
	} cases[] = {
		{TOPIC_IN_SIZE_MAX, PAYLOAD_IN_SIZE_MAX, false},
		{TOPIC_IN_SIZE_MAX + 1, 5, true},
		{5, PAYLOAD_IN_SIZE_MAX + 1, true},
		{1000, 100000, true},
		{1, 0, false},
		{0, 0, false},
	};
	static char bytes[100000];
	struct bed *bed = *state;

	memset(bytes, 'x', sizeof(bytes));
	bed_open(bed, 8, 0);
	for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ring_message message = {.topic = {bytes, cases[i].topic},
					       .payload = {bytes,
							   cases[i].payload}};
		struct ring_slot slot;

		assert_code(ring_push(bed->ring, &message), ERR_OK);
		assert_true(ring_peek(bed->ring, i, &slot));
		assert_int_equal(slot.is_cut, cases[i].is_cut);
		assert_int_equal(slot.payload_size, cases[i].payload);
		assert_true(slot.message.topic.size <= TOPIC_IN_SIZE_MAX);
		assert_true(slot.message.payload.size <= PAYLOAD_IN_SIZE_MAX);
		if (cases[i].is_cut)
			continue;
		assert_int_equal(slot.message.topic.size, cases[i].topic);
		assert_int_equal(slot.message.payload.size, cases[i].payload);
	}
}

/*
 * Where an answer shall go is worth less than what is asked: it is never the
 * payload that is cut for it. Method: the largest pair beside payloads that
 * leave exactly room for it, and one byte less.
 */
static void
where_to_answer_is_kept_where_it_fits_beside_the_payload(void **state)
{
	static const size_t room = RING_SLOT_SIZE - 16 - 36 - 4 -
				   RESPONSE_SIZE_MAX - CORRELATION_SIZE_MAX;
	static char bytes[PAYLOAD_IN_SIZE_MAX];
	struct bed *bed = *state;

	memset(bytes, 'x', sizeof(bytes));
	bed_open(bed, 8, 0);
	for (uint32_t i = 0; i < 2; i++) {
		struct ring_message message = {
			.topic = SPAN_LITERAL("t"),
			.payload = {bytes, room - 1 + i},
			.response = {bytes, RESPONSE_SIZE_MAX},
			.correlation = {bytes, CORRELATION_SIZE_MAX},
		};
		struct ring_slot slot;
		bool is_kept = i == 0;

		assert_code(ring_push(bed->ring, &message), ERR_OK);
		assert_true(ring_peek(bed->ring, i, &slot));
		assert_false(slot.is_cut);
		assert_int_equal(slot.message.payload.size, room - 1 + i);
		assert_int_equal(slot.message.response.size,
				 is_kept ? RESPONSE_SIZE_MAX : 0);
		assert_int_equal(slot.message.correlation.size,
				 is_kept ? CORRELATION_SIZE_MAX : 0);
	}
}

static void only_a_sleeping_consumer_is_woken(void **state)
{
	struct bed *bed = *state;
	struct pollfd item = {.events = POLLIN};

	bed_open(bed, 8, 0);
	item.fd = bed->wake.fd;
	assert_code(bed_push(bed), ERR_OK);
	assert_int_equal(poll(&item, 1, 0), 0);
	wake_arm(&bed->wake);
	assert_code(bed_push(bed), ERR_OK);
	assert_int_equal(poll(&item, 1, 0), 1);
	wake_disarm(&bed->wake);
	assert_int_equal(poll(&item, 1, 0), 0);
}

/*
 * Method: three pieces whose bytes were worked out by hand from the table in
 * ring_slot.h; the checksums by an independent FNV-1a (python3). They change
 * with RING_VERSION only.
 */
static void the_bytes_of_version_1_stay_as_they_are(void **state)
{
	static const uint8_t head[] = {'D',  'E',  'P',  'O',  'T',  'R',
				       'N',  'G',  0,    0,    0,    1,
				       0,    0,    0x10, 0,    0,    0,
				       0,    4,    0xef, 0x7f, 0x7e, 0x50,
				       0xd8, 0xb7, 0xb3, 0x81};
	static const uint8_t body[] = {0x69, 0xf7, 0x3d, 0xb5, 0x8f, 0x85, 0x10,
				       0xad, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
				       0x00, 0x01, 0x00, 0x00, 0x01, 0x23, 0x45,
				       0x67, 0x89, 0xab, 0x09, 0x01, 0x01, 0x02,
				       0x00, 0x03, 0x00, 0x07, 0x00, 0x00, 0x00,
				       0x07, 0x74, 0x2f, 0x31, 0x7b, 0x22, 0x76,
				       0x22, 0x3a, 0x31, 0x7d};
	static const uint8_t asking[] = {
		0x2e, 0x84, 0x4a, 0xc3, 0x62, 0x84, 0x77, 0x0d, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x01, 0x23,
		0x45, 0x67, 0x89, 0xab, 0x18, 0x01, 0x01, 0x02, 0x00, 0x03,
		0x00, 0x07, 0x00, 0x00, 0x00, 0x07, 0x74, 0x2f, 0x31, 0x7b,
		0x22, 0x76, 0x22, 0x3a, 0x31, 0x7d, 0x00, 0x03, 0x00, 0x02,
		0x72, 0x2f, 0x31, 0x00, 0xff};
	struct bed *bed = *state;
	struct ring_message message = {
		.topic = SPAN_LITERAL("t/1"),
		.payload = SPAN_LITERAL("{\"v\":1}"),
		.arrived = {{0x0123456789ab}, true},
		.packet_id = 0x0102,
		.qos = 1,
		.is_dup = true,
	};
	uint8_t bytes[64];
	uint64_t commit = 1;
	int fd;

	assert_int_equal(RING_VERSION, 1);
	bed_open(bed, 4, 0);
	assert_code(ring_push(bed->ring, &message), ERR_OK);
	fd = open(bed->path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, bytes, sizeof(head), 0), sizeof(head));
	assert_memory_equal(bytes, head, sizeof(head));
	assert_int_equal(pread(fd, bytes, 8, RING_SLOT_SIZE), 8);
	assert_memory_equal(bytes, &commit, 8);
	assert_int_equal(pread(fd, bytes, sizeof(body), RING_SLOT_SIZE + 16),
			 sizeof(body));
	assert_memory_equal(bytes, body, sizeof(body));
	message.is_dup = false;
	message.response = SPAN_LITERAL("r/1");
	message.correlation = SPAN_LITERAL("\0\xff");
	assert_code(ring_push(bed->ring, &message), ERR_OK);
	assert_int_equal(pread(fd, bytes, sizeof(asking),
			       2 * RING_SLOT_SIZE + 16),
			 sizeof(asking));
	assert_memory_equal(bytes, asking, sizeof(asking));
	(void)close(fd);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_of_another_thread_arrive_once_whole_and_in_order),
		TEST(a_small_ring_agrees_with_a_model_through_wraps_and_reopens),
		TEST(the_marks_are_at_three_quarters_and_one_half),
		TEST(what_is_too_long_is_cut_and_says_so),
		TEST(where_to_answer_is_kept_where_it_fits_beside_the_payload),
		TEST(only_a_sleeping_consumer_is_woken),
		TEST(the_bytes_of_version_1_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
