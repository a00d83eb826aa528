/*
 * What a link used of its day's budget, as depotd counts it: over restarts, and
 * by clocks that are wrong.
 */
#include "tests/unit/edge/link_hand.h"

static void a_spent_budget_leaves_heads_and_alarms_until_midnight(void **state)
{
	struct link_packet up = {.kind = LINK_UP};
	struct link_packet used = {.kind = LINK_USED, .used = {600, 399}};
	int fd = peer_open();

	(void)state;
	peer_hello(fd, "hq", 1000);
	peer_room(fd, UINT64_MAX);
	assert_true(peer_say(fd, &up));
	assert_true(peer_say(fd, &used));
	LINK_UNTIL(link_bed_step(&bed),
		   bed.ups == 1 && link_used_today(bed.link).in == 600);
	assert_int_equal(link_budget(bed.link), 1000);
	assert_code(link_bed_publish(bed.link, REP, span_of("x"), false),
		    ERR_OK);
	used.used.out++;
	assert_true(peer_say(fd, &used));
	LINK_UNTIL(link_bed_step(&bed), link_used_today(bed.link).out == 400);
	assert_code(link_bed_publish(bed.link, REP, span_of("x"), false),
		    ERR_FULL);
	assert_code(link_bed_publish(bed.link, HEAD, span_of("x"), true),
		    ERR_OK);
	assert_code(link_bed_publish(bed.link, "alarm/hq", span_of("x"), true),
		    ERR_OK);
	/* The same figures, told by a new process, count once more. */
	bed.later_ms += 86400000;
	assert_code(link_bed_publish(bed.link, REP, span_of("x"), false),
		    ERR_OK);
	assert_int_equal(link_used_today(bed.link).in, 0);
	(void)close(fd);
}

/* Method: the server is closed and opened again, with its file and with one
 * that somebody scribbled in. */
static void a_days_budget_outlives_a_restart_of_depotd(void **state)
{
	static const char scribble[] = "hq 1 2\nhq x 1 1\n\xff 1 1 1\n";
	struct link_packet up = {.kind = LINK_UP};
	struct link_packet used = {.kind = LINK_USED, .used = {600, 400}};
	int fd = peer_open();
	FILE *file;

	(void)state;
	peer_hello(fd, "hq", 1000);
	assert_true(peer_say(fd, &up));
	assert_true(peer_say(fd, &used));
	LINK_UNTIL(link_bed_step(&bed),
		   bed.ups == 1 && link_used_today(bed.link).in == 600);
	link_server_close(bed.server);
	(void)close(fd);
	link_bed_open(&bed);
	fd = peer_open();
	peer_hello(fd, "hq", 1000);
	peer_room(fd, UINT64_MAX);
	assert_true(peer_say(fd, &up));
	LINK_UNTIL(link_bed_step(&bed), bed.ups == 2);
	assert_int_equal(link_used_today(bed.link).in, 600);
	assert_int_equal(link_used_today(bed.link).out, 400);
	assert_code(link_bed_publish(bed.link, REP, span_of("x"), false),
		    ERR_FULL);
	used.used =
		(struct link_used){1, 1}; /* of a process that is new, too */
	assert_true(peer_say(fd, &used));
	LINK_UNTIL(link_bed_step(&bed), link_used_today(bed.link).in == 601);

	link_server_close(bed.server);
	(void)close(fd);
	file = fopen(bed.days, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(scribble, 1, sizeof(scribble), file),
			 sizeof(scribble));
	assert_int_equal(fclose(file), 0);
	link_bed_open(&bed);
	fd = peer_open();
	peer_hello(fd, "hq", 1000);
	assert_true(peer_say(fd, &up));
	LINK_UNTIL(link_bed_step(&bed), bed.ups == 3);
	assert_int_equal(link_used_today(bed.link).in, 0);
	(void)close(fd);
}

/* A link of a process that is new says that it used so much. */
static int used_say(uint64_t in)
{
	struct link_packet up = {.kind = LINK_UP};
	struct link_packet used = {.kind = LINK_USED, .used = {in, 0}};
	uint64_t before = bed.link != NULL ? link_used_today(bed.link).in : 0;
	unsigned ups = bed.ups;
	int fd = peer_open();

	peer_hello(fd, "hq", 1000);
	peer_room(fd, UINT64_MAX);
	assert_true(peer_say(fd, &up));
	LINK_UNTIL(link_bed_step(&bed), bed.ups > ups);
	assert_true(peer_say(fd, &used));
	if (in > 0)
		LINK_UNTIL(link_bed_step(&bed),
			   link_used_today(bed.link).in >= before + in);
	return fd;
}

/* Method: depotd starts again in 1970, with and without its file; the clock is
 * set, or a day goes by. */
static void a_clock_that_is_not_set_begins_no_day(void **state)
{
	int fd = used_say(600);

	(void)state;
	for (int i = 0; i < 2; i++) {
		link_server_close(bed.server);
		(void)close(fd);
		bed.link = NULL;
		if (i == 1)
			assert_int_equal(remove(bed.days), 0);
		bed.wrong_ms = -bed_wall(&bed);
		link_bed_open(&bed);
		fd = used_say(i == 0 ? 0 : 600);
		assert_int_equal(link_used_today(bed.link).in, 600);
		bed.wrong_ms = 0;
		assert_int_equal(link_used_today(bed.link).in, 600);
	}
	bed.wrong_ms = -bed_wall(&bed);
	assert_int_equal(link_used_today(bed.link).in, 600);
	bed.later_ms += 86400000;
	assert_int_equal(link_used_today(bed.link).in, 0);
	(void)close(fd);
}

/* Method: the clock runs a week ahead, is put right, and goes on from there. */
static void a_clock_that_was_wrong_once_begins_its_day_once(void **state)
{
	int fd;

	(void)state;
	bed.wrong_ms = INT64_C(604800000);
	(void)close(used_say(600));
	bed.wrong_ms = 0;
	fd = used_say(100); /* the count is kept on the day that it is */
	assert_int_equal(link_used_today(bed.link).in, 700);
	bed.later_ms += 86400000;
	assert_int_equal(link_used_today(bed.link).in, 0);
	(void)close(fd);
}

/* Method: the link's process ends while something lies unread for it. */
static void what_a_link_said_last_counts_whatever_it_left_unread(void **state)
{
	struct link_packet used = {.kind = LINK_USED, .used = {600, 0}};
	int fd = used_say(0);

	(void)state;
	LINK_UNTIL(link_bed_step(&bed), link_room(bed.link) > 0);
	assert_code(link_bed_publish(bed.link, HEAD, span_of("x"), true),
		    ERR_OK);
	assert_true(peer_say(fd, &used));
	(void)close(fd);
	LINK_UNTIL(link_bed_step(&bed), bed.downs == 1);
	assert_int_equal(link_used_today(bed.link).in, 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_spent_budget_leaves_heads_and_alarms_until_midnight),
		TEST(a_days_budget_outlives_a_restart_of_depotd),
		TEST(a_clock_that_is_not_set_begins_no_day),
		TEST(a_clock_that_was_wrong_once_begins_its_day_once),
		TEST(what_a_link_said_last_counts_whatever_it_left_unread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
