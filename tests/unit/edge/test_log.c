/*
 * Lines come out whole, one to a line, bounded in length, in number and in
 * rate, and nobody who submits one ever waits.
 */
#include "tests/support/check.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/log.h"

struct bed {
	struct loop *loop;
	struct log *log;
	struct clock clock;
	int64_t now_ms; /* of the fake clock */
	int ends[2];    /* a pipe in stderr's place */
	char out[65536];
};

static int64_t fake_wall(void *context)
{
	return ((const struct bed *)context)->now_ms;
}

static int64_t fake_ns(void *context)
{
	return ((const struct bed *)context)->now_ms * 1000000;
}

static bool fake_synchronised(void *context)
{
	(void)context;
	return true;
}

static const struct clock_port fake_port = {
	.wall_ms = fake_wall,
	.monotonic_ns = fake_ns,
	.boot_ns = fake_ns,
	.is_synchronised = fake_synchronised,
};

static void bed_open(struct bed *bed, bool has_loop, uint32_t queue_lines)
{
	struct log_config config = {
		.identifier = "test",
		.level_max = LEVEL_INFO,
		.queue_lines = queue_lines,
		.loop = has_loop ? bed->loop : NULL,
		.clock = &bed->clock,
		.fd = bed->ends[1],
	};
	struct err err;

	assert_done(log_open(&config, &bed->log, &err), &err);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct err err;

	assert_non_null(bed);
	assert_int_equal(pipe2(bed->ends, O_CLOEXEC | O_NONBLOCK), 0);
	bed->now_ms = 1000000;
	clock_init(&bed->clock, &fake_port, bed);
	assert_done(loop_open(&bed->loop, &err), &err);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	log_close(bed->log);
	loop_close(bed->loop);
	(void)close(bed->ends[0]);
	(void)close(bed->ends[1]);
	free(bed);
	return 0;
}

/* What came out since the last call, terminated. */
static const char *bed_out(struct bed *bed)
{
	ssize_t size = read(bed->ends[0], bed->out, sizeof(bed->out) - 1);

	bed->out[size > 0 ? size : 0] = '\0';
	return bed->out;
}

static unsigned lines_of(const char *text)
{
	unsigned count = 0;

	for (; *text != '\0'; text++)
		count += *text == '\n';
	return count;
}

static void loop_turn(struct bed *bed)
{
	struct err err;

	assert_done(loop_step(bed->loop, 0, &err), &err);
}

static void a_line_has_level_event_sentence_and_fields(void **state)
{
	struct bed *bed = *state;
	struct log_line line;

	bed_open(bed, false, 0);
	log_begin(&line, LEVEL_WARNING, "intake_held", "the ring is %s",
		  "full");
	log_add_number(&line, "fill", -768);
	log_add_text(&line, "device", SPAN_LITERAL("scanner-1"));
	log_submit(bed->log, &line);
	assert_string_equal(bed_out(bed),
			    "warning intake_held: the ring is full fill=-768 "
			    "device=scanner-1\n");
	log_event(bed->log, LEVEL_DEBUG, "chatter", "below the level");
	assert_string_equal(bed_out(bed), "");
	log_level_set(bed->log, LEVEL_DEBUG);
	log_event(bed->log, LEVEL_DEBUG, "chatter", "now it is wanted");
	assert_string_equal(bed_out(bed), "debug chatter: now it is wanted\n");
	log_submit(NULL, &line); /* nobody listens, nobody minds */
}

/* Method: every control byte in the sentence and in a field. */
static void nothing_in_a_line_can_pass_for_another_line(void **state)
{
	struct bed *bed = *state;

	bed_open(bed, false, 0);
	for (int c = 1; c < 0x20; c++) {
		struct log_line line;
		char text[] = "a?b";

		bed->now_ms += LOG_WINDOW_MS;
		text[1] = (char)c;
		log_begin(&line, LEVEL_ERROR, "odd", "x%cy", c);
		log_add_text(&line, "value", span_of(text));
		log_submit(bed->log, &line);
		assert_string_equal(bed_out(bed), "error odd: x?y value=a?b\n");
	}
}

static void what_is_too_long_is_cut_and_ends_its_line(void **state)
{
	struct bed *bed = *state;
	struct log_line line;
	char text[3000];

	memset(text, 'x', sizeof(text));
	bed_open(bed, false, 0);
	log_begin(&line, LEVEL_ERROR, "long", "%.*s", (int)sizeof(text), text);
	log_add_number(&line, "lost", 1);
	log_submit(bed->log, &line);
	assert_int_equal(lines_of(bed_out(bed)), 1);
	assert_true(strlen(bed->out) < LOG_LINE_SIZE + 64);
	assert_true(strlen(bed->out) > LOG_LINE_SIZE - 64);

	log_begin(&line, LEVEL_ERROR, "long", "fields");
	for (int i = 0; i < 50; i++)
		log_add_text(&line, "field", (struct span){text, 90});
	log_submit(bed->log, &line);
	assert_int_equal(lines_of(bed_out(bed)), 1);
	assert_int_equal(line.count, 1 + LOG_FIELDS_MAX);
}

static void an_event_that_repeats_is_silenced_and_says_how_often(void **state)
{
	struct bed *bed = *state;

	bed_open(bed, false, 0);
	for (int i = 0; i < LOG_BURST + 25; i++)
		log_event(bed->log, LEVEL_NOTICE, "often", "again");
	assert_int_equal(lines_of(bed_out(bed)), LOG_BURST);
	log_event(bed->log, LEVEL_NOTICE, "rare", "still heard");
	assert_string_equal(bed_out(bed), "notice rare: still heard\n");

	bed->now_ms += LOG_WINDOW_MS;
	log_event(bed->log, LEVEL_NOTICE, "often", "again");
	assert_string_equal(bed_out(bed),
			    "notice often: again suppressed=25\n");
	log_event(bed->log, LEVEL_NOTICE, "often", "again");
	assert_string_equal(bed_out(bed), "notice often: again\n");
}

static void more_events_than_can_be_counted_are_still_heard(void **state)
{
	static char names[LOG_EVENTS_MAX + 20][16];
	struct bed *bed = *state;
	unsigned heard = 0;

	bed_open(bed, false, 0);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		assert_true(
			text_format(names[i], sizeof(names[i]), "event_%u", i));
		log_event(bed->log, LEVEL_NOTICE, names[i], "x");
		heard += lines_of(bed_out(bed));
	}
	assert_int_equal(heard, ARRAY_LEN(names));
}

/* Method: 20 different events into a queue of 8 while the loop stands still. */
static void a_full_queue_drops_counts_and_tells(void **state)
{
	static char names[20][16];
	struct bed *bed = *state;

	bed_open(bed, true, 8);
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		assert_true(
			text_format(names[i], sizeof(names[i]), "event_%u", i));
		log_event(bed->log, LEVEL_NOTICE, names[i], "x");
	}
	assert_string_equal(bed_out(bed), ""); /* nobody but the loop writes */
	assert_int_equal(log_dropped(bed->log), 12);
	loop_turn(bed);
	assert_int_equal(lines_of(bed_out(bed)), 9);
	assert_non_null(strstr(bed->out, "warning log_dropped: "));
	assert_non_null(strstr(bed->out, " lines=12\n"));
	log_event(bed->log, LEVEL_NOTICE, "after", "x");
	loop_turn(bed);
	assert_string_equal(bed_out(bed), "notice after: x\n");
}

static void what_waits_is_written_at_the_end(void **state)
{
	struct bed *bed = *state;

	bed_open(bed, true, 8);
	log_event(bed->log, LEVEL_NOTICE, "stopped", "bye");
	log_close(bed->log);
	bed->log = NULL;
	assert_string_equal(bed_out(bed), "notice stopped: bye\n");
}

#define LINES 2000

static void *chatter(void *context)
{
	static const char *const names[] = {"one", "two", "three"};
	struct bed *bed = context;

	for (unsigned i = 0; i < LINES; i++)
		log_event(bed->log, LEVEL_NOTICE, names[i % ARRAY_LEN(names)],
			  "said %u", i);
	return NULL;
}

/* Method: three threads say three events 2,000 times each; what is not
 * silenced comes out whole. Counts may differ by the lines of a race. */
static void threads_may_speak_at_once(void **state)
{
	struct bed *bed = *state;
	pthread_t threads[3];
	unsigned lines;

	bed_open(bed, true, 256);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, chatter, bed), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	loop_turn(bed);
	lines = lines_of(bed_out(bed));
	assert_in_range(lines, 3 * LOG_BURST, 3 * LOG_BURST * 3);
}

static void journald_is_used_only_for_the_stream_it_names(void **state)
{
	struct bed *bed = *state;
	struct stat info;
	char value[64];

	assert_int_equal(fstat(bed->ends[1], &info), 0);
	assert_true(text_format(value, sizeof(value), "%llu:%llu",
				(unsigned long long)info.st_dev,
				(unsigned long long)info.st_ino));
	assert_true(log_is_journal_stream(value, bed->ends[1]));
	assert_false(log_is_journal_stream(value, STDIN_FILENO));
	assert_false(log_is_journal_stream(NULL, bed->ends[1]));
	assert_false(log_is_journal_stream("", bed->ends[1]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_line_has_level_event_sentence_and_fields),
		TEST(nothing_in_a_line_can_pass_for_another_line),
		TEST(what_is_too_long_is_cut_and_ends_its_line),
		TEST(an_event_that_repeats_is_silenced_and_says_how_often),
		TEST(more_events_than_can_be_counted_are_still_heard),
		TEST(a_full_queue_drops_counts_and_tells),
		TEST(what_waits_is_written_at_the_end),
		TEST(threads_may_speak_at_once),
		TEST(journald_is_used_only_for_the_stream_it_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
