/*
 * What peers sent that was refused is named, and the log says it once an hour
 * for each site and reason.
 *
 * Method: real engines and stores, a broker that the test plays, and a log that
 * writes into a pipe.
 */
#include "tests/support/peers.h"

#include <fcntl.h>
#include <unistd.h>

#include "gateway/edge/envoy_refused.h"

#define MINUTE_MS 60000
#define STRANGER (SITE_FIRST + 7)

static const struct sync_config small = {
	.feeds_max = 64, .peers_max = 16, .waiting_max = 64};

struct diary {
	struct clock clock;
	struct log *log;
	int ends[2];
	char text[8192]; /* all that was said */
	size_t size;
	struct envoy_said said;
};

static int64_t still(void *context)
{
	(void)context;
	return 1000;
}

static bool is_synchronised(void *context)
{
	(void)context;
	return true;
}

static const struct clock_port port = {.wall_ms = still,
				       .monotonic_ns = still,
				       .boot_ns = still,
				       .is_synchronised = is_synchronised};

static void diary_open(struct diary *diary)
{
	struct log_config config = {.identifier = "test",
				    .level_max = LEVEL_INFO,
				    .clock = &diary->clock};
	struct err err;

	memset(diary, 0, sizeof(*diary));
	assert_int_equal(pipe2(diary->ends, O_CLOEXEC | O_NONBLOCK), 0);
	clock_init(&diary->clock, &port, NULL);
	config.fd = diary->ends[1];
	assert_done(log_open(&config, &diary->log, &err), &err);
}

static void diary_close(struct diary *diary)
{
	log_close(diary->log);
	(void)close(diary->ends[0]);
	(void)close(diary->ends[1]);
}

/* Has it said of @box; the lines with @event up to now. */
static unsigned said(struct diary *diary, const struct box *box,
		     const char *event)
{
	const struct bed *bed = box->bed;
	const char *at = diary->text;
	unsigned count = 0;
	ssize_t size;

	envoy_say_refused(&diary->said, box->sync, bed->ms, diary->log);
	size = read(diary->ends[0], diary->text + diary->size,
		    sizeof(diary->text) - 1 - diary->size);
	if (size > 0)
		diary->size += (size_t)size;
	for (; (at = strstr(at, event)) != NULL; at++)
		count++;
	return count;
}

/* Method: a feed that nobody certified is offered once a minute for two
 * hours. */
static void what_was_refused_is_named_and_said_once_an_hour(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(41), &small);
	struct envoy_refusal refused[ENVOY_REFUSALS_MAX];
	struct box *hq = &bed->boxes[0];
	static struct diary diary;
	unsigned lines = 0;

	(void)state;
	diary_open(&diary);
	bed->sites[STRANGER - SITE_FIRST] = feeds_signer(77);
	bed_found(bed, &bed->boxes[1].node, STRANGER);
	assert_int_equal(
		envoy_look_refused(hq->sync, node_view(&hq->node), refused), 0);
	assert_int_equal(said(&diary, hq, "delta_refused"), 0);
	bed_links(bed, true);
	for (int i = 0; i < 119; i++) {
		bed_run(bed, MINUTE_MS);
		lines = said(&diary, hq, "delta_refused");
	}
	assert_true(envoy_look_refused(hq->sync, node_view(&hq->node),
				       refused) > 2);
	assert_int_equal(refused[0].what.feed.site, STRANGER);
	assert_int_equal(refused[0].what.feed.epoch, 1);
	assert_int_equal(refused[0].what.seq, 1);
	assert_int_equal(refused[0].what.reason, ADMISSION_STRANGER);
	assert_span(name_span(&refused[0].what.peer), bed->boxes[1].name);
	assert_int_equal(refused[0].site.size, 0); /* nobody knows its name */
	assert_true(box_counts(hq).refused[ADMISSION_STRANGER] > 20);
	assert_int_equal(lines, 2);
	assert_non_null(strstr(diary.text, "info delta_refused: a delta from "
					   "hz-04 was refused (stranger)"));
	assert_non_null(strstr(diary.text, " site=10 feed_epoch=1 seq=1\n"));
	diary_close(&diary);
	bed_close(bed);
}

/* Method: heads that are longer than any. */
static void bad_frames_are_counted_by_reason_and_said_once_an_hour(void **state)
{
	struct bed *bed = bed_open(2, 2, test_seed(42), &small);
	struct letter like = {.from = 1, .to = 0, .plane = SYNC_PLANE_HEAD};
	static const char bytes[SYNC_HEAD_SIZE_MAX + 1];
	const struct span long_head = {bytes, sizeof(bytes)};
	struct envoy_frames frames[ENVOY_FRAMES];
	struct box *hq = &bed->boxes[0];
	struct sync_counts counts;
	static struct diary diary;

	(void)state;
	diary_open(&diary);
	bed_links(bed, true);
	(void)bed_settle(bed, MINUTE_MS);
	assert_int_equal(said(&diary, hq, "frame_refused"), 0);
	for (int i = 0; i < 5; i++) {
		bed_post(bed, &like, long_head);
		bed_run(bed, 1000);
		assert_int_equal(said(&diary, hq, "frame_refused"), 1);
	}
	counts = box_counts(hq);
	envoy_frames_refused(&counts, frames);
	assert_string_equal(frames[0].reason, "garbled");
	assert_int_equal(frames[0].count, 5);
	assert_non_null(strstr(diary.text, "warning frame_refused: "));
	bed_run(bed, ENVOY_SAID_MS);
	assert_int_equal(said(&diary, hq, "frame_refused"), 1);
	bed_post(bed, &like, long_head);
	bed_run(bed, 1000);
	assert_int_equal(said(&diary, hq, "frame_refused"), 2);
	diary_close(&diary);
	bed_close(bed);
}

/* Method: a thousand sites in each of three hours, and one of them over and
 * over. */
static void sites_that_are_made_up_are_no_flood_of_lines(void **state)
{
	static struct envoy_said memory;
	uint64_t ms = 5;

	(void)state;
	for (unsigned hour = 0; hour < 3; hour++, ms += ENVOY_SAID_MS) {
		unsigned lines = 0;

		for (uint32_t site = 0; site < 1000; site++) {
			lines += envoy_said_take(&memory, site,
						 ADMISSION_STRANGER, ms + site);
			lines += envoy_said_take(&memory, 3, ADMISSION_FORGED,
						 ms + site);
		}
		assert_in_range(lines, 1, ENVOY_SAID_MAX);
		ms += 1000;
	}
	assert_false(envoy_said_take(&memory, 3, ADMISSION_FORGED,
				     ms - ENVOY_SAID_MS));
	assert_true(envoy_said_take(&memory, 3, ADMISSION_FORGED, ms));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_was_refused_is_named_and_said_once_an_hour),
		cmocka_unit_test(
			bad_frames_are_counted_by_reason_and_said_once_an_hour),
		cmocka_unit_test(sites_that_are_made_up_are_no_flood_of_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
