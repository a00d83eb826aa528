/*
 * The box audits itself, when it has time, and what it found is known.
 *
 * Method: a real store, a real clerk; the time is given. An audit's end is
 * waited for in its log line, which comes through a pipe.
 */
#include "tests/support/check.h"

#include <sched.h>
#include <unistd.h>

#include "gateway/edge/auditor.h"
#include "store/balance.h"
#include "tests/support/day.h"

#define HOUR_MS INT64_C(3600000)

struct bed {
	struct warehouse w;
	struct clock clock;
	struct log *log;
	int ends[2];
	struct clerk *clerk;
	struct auditor *auditor;
	struct err err;
};

static void bed_open(struct bed *bed, uint32_t hours)
{
	struct log_config log = {.identifier = "test",
				 .level_max = LEVEL_INFO,
				 .queue_lines = 16,
				 .clock = &bed->clock};
	struct auditor_config config = {.hours = hours};

	warehouse_open(&bed->w);
	day_post(&bed->w);
	clock_init(&bed->clock, NULL, NULL);
	assert_int_equal(pipe(bed->ends), 0);
	log.fd = bed->ends[1];
	assert_done(log_open(&log, &bed->log, &bed->err), &bed->err);
	assert_done(clerk_start(bed->w.ledger, &bed->clerk, &bed->err),
		    &bed->err);
	config.store = bed->w.store;
	config.clerk = bed->clerk;
	config.log = bed->log;
	assert_done(auditor_open(&config, &bed->auditor, &bed->err), &bed->err);
}

static void bed_close(struct bed *bed)
{
	clerk_stop(bed->clerk);
	auditor_close(bed->auditor);
	log_close(bed->log);
	(void)close(bed->ends[0]);
	(void)close(bed->ends[1]);
	warehouse_close(&bed->w);
}

/* Waits for the next line. */
static void assert_logged(struct bed *bed, const char *part)
{
	char line[LOG_LINE_SIZE + 64];
	size_t size = 0;

	do {
		assert_int_equal(read(bed->ends[0], line + size, 1), 1);
		size++;
	} while (line[size - 1] != '\n' && size + 1 < sizeof(line));
	line[size] = '\0';
	if (strstr(line, part) == NULL)
		fail_msg("no \"%s\" in: %s", part, line);
}

static void mark_run(struct clerk_job *job, struct clerk *clerk)
{
	(void)job;
	(void)clerk;
}

/* In the clerk's thread, where no assertion may fail. */
static void mark_done(struct clerk_job *job)
{
	const int *end = job->context;

	if (write(*end, "mark\n", 5) != 5)
		abort();
}

/* The clerk does one thing after the other: what was asked of it before the
 * mark is over, and has said what it had to say. */
static void assert_nothing_more(struct bed *bed)
{
	struct clerk_job job = {mark_run, mark_done, &bed->ends[1]};

	while (clerk_ask(bed->clerk, &job) != ERR_OK)
		(void)sched_yield();
	assert_logged(bed, "mark");
}

static void an_audit_is_made_when_it_is_due_and_nothing_waits(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed, 24);
	auditor_beat(bed.auditor, 5000, true);
	auditor_beat(bed.auditor, 5000 + AUDITOR_FIRST_MS - 1, true);
	auditor_beat(bed.auditor, 5000 + AUDITOR_FIRST_MS, false);
	assert_nothing_more(&bed);
	assert_false(auditor_word(bed.auditor).is_known);
	auditor_beat(bed.auditor, 6000 + AUDITOR_FIRST_MS, true);
	assert_logged(&bed, "notice audit_clean: the audit of ");
	assert_true(auditor_word(bed.auditor).is_clean);
	bed_close(&bed);
}

static void the_next_audit_is_so_many_hours_later(void **state)
{
	const int64_t first = AUDITOR_FIRST_MS;
	struct bed bed;

	(void)state;
	bed_open(&bed, 2);
	auditor_beat(bed.auditor, 0, true);
	auditor_beat(bed.auditor, first, true);
	assert_logged(&bed, "audit_clean");
	assert_nothing_more(&bed);
	auditor_beat(bed.auditor, first + 2 * HOUR_MS - 1, true);
	assert_nothing_more(&bed);
	auditor_beat(bed.auditor, first + 2 * HOUR_MS, true);
	assert_logged(&bed, "audit_clean");
	bed_close(&bed);
}

static void a_box_that_shall_not_audits_nothing_by_itself(void **state)
{
	struct bed bed;

	(void)state;
	bed_open(&bed, 0);
	auditor_beat(bed.auditor, 0, true);
	auditor_beat(bed.auditor, 1000 * HOUR_MS, true);
	assert_nothing_more(&bed);
	bed_close(&bed);
}

/* One unit in a bin that no movement brought. */
static void lie(struct warehouse *w)
{
	struct side side = {place_bin(SPAN_LITERAL("DOCK")), CONDITION_GOOD};
	struct balance_change change = {
		.side = &side, .lot = {"", 0}, .change = {1}};
	struct balance before;
	struct txn *txn;

	assert_done(txn_begin(ledger_env(w->ledger), &txn, &w->err), &w->err);
	assert_done(item_find(txn_view(txn), SPAN_LITERAL("CUP"), &change.item,
			      &w->err),
		    &w->err);
	assert_done(place_find(txn_view(txn), &side.place, &change.place,
			       &w->err),
		    &w->err);
	assert_done(balance_get(txn_view(txn), change.item, change.place,
				&before, &w->err),
		    &w->err);
	change.pos = before.pos;
	assert_done(balance_add(txn, &change, &w->err), &w->err);
	assert_done(txn_commit(txn, &w->err), &w->err);
}

static void what_an_audit_found_is_known_until_one_finds_nothing(void **state)
{
	static const struct audit_result clean = {.entries = 7};
	struct auditor_word word;
	struct bed bed;

	(void)state;
	bed_open(&bed, 24);
	lie(&bed.w);
	auditor_beat(bed.auditor, 0, true);
	auditor_beat(bed.auditor, AUDITOR_FIRST_MS, true);
	assert_logged(&bed, "error audit_failed: the audit has ");
	word = auditor_word(bed.auditor);
	assert_true(word.is_known && !word.is_clean);
	assert_true(word.findings >= 1);
	/* Somebody has mended it, and asked for an audit. */
	auditor_take(bed.auditor, &clean);
	assert_logged(&bed, "audit_clean: the audit of 7 entries");
	assert_true(auditor_word(bed.auditor).is_clean);
	bed_close(&bed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_audit_is_made_when_it_is_due_and_nothing_waits),
		cmocka_unit_test(the_next_audit_is_so_many_hours_later),
		cmocka_unit_test(a_box_that_shall_not_audits_nothing_by_itself),
		cmocka_unit_test(
			what_an_audit_found_is_known_until_one_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
