/*
 * What is wrong with a feed or a link is told when it lasts, once, and taken
 * back by itself when it has healed.
 */
#include "tests/support/check.h"

#include "gateway/core/view.h"
#include "gateway/edge/concerns.h"

#define MINUTE INT64_C(60000)

struct bed {
	struct concerns concerns;
	int64_t now_ms;
	unsigned opened;
	unsigned closed;
	bool is_refused; /* the journal takes nothing */
};

static struct concern stuck(uint64_t seq)
{
	struct concern concern = {.kind = CONCERN_FEED_STUCK};

	snprintf(concern.key, sizeof(concern.key), "5.1.%d", (int)seq);
	snprintf(concern.subject, sizeof(concern.subject),
		 "sh-02.1: %d-%d (waiting_gap), hz-01", (int)seq, (int)seq + 9);
	return concern;
}

/* One beat a second: says @concern (NULL: nothing is wrong), tells what is due.
 */
static void beats(struct bed *bed, const struct concern *concern, int64_t ms)
{
	for (int64_t end = bed->now_ms + ms; bed->now_ms < end;
	     bed->now_ms += 1000) {
		const struct concern_row *row;

		concerns_begin(&bed->concerns);
		if (concern != NULL)
			concerns_say(&bed->concerns, concern, 0, bed->now_ms);
		concerns_end(&bed->concerns, bed->now_ms);
		while ((row = concerns_due(&bed->concerns, bed->now_ms)) !=
		       NULL) {
			struct concern told = row->concern;
			bool is_bad = row->is_bad;

			concerns_told(&bed->concerns, &told, is_bad,
				      !bed->is_refused, bed->now_ms);
			if (!bed->is_refused)
				*(is_bad ? &bed->opened : &bed->closed) += 1;
		}
	}
}

static void what_lasts_is_told_once_and_taken_back(void **state)
{
	static struct bed bed = {.now_ms = 1000};
	struct concern concern = stuck(57);

	(void)state;
	beats(&bed, &concern, MINUTE);
	beats(&bed, NULL, MINUTE); /* it healed in time: nobody hears of it */
	assert_int_equal(bed.opened, 0);
	beats(&bed, &concern, 2 * MINUTE);
	assert_int_equal(bed.opened, 0);
	beats(&bed, &concern, 60 * MINUTE);
	assert_int_equal(bed.opened, 1);
	assert_int_equal(concerns_count(&bed.concerns, CONCERN_FEED_STUCK), 1);
	beats(&bed, NULL, 5000);
	assert_int_equal(bed.closed, 0);
	beats(&bed, &concern, 5000); /* it comes and goes */
	beats(&bed, NULL, MINUTE);
	assert_int_equal(bed.opened, 1);
	assert_int_equal(bed.closed, 1);
	assert_int_equal(concerns_count(&bed.concerns, CONCERN_FEED_STUCK), 0);
	for (size_t i = 0; i < CONCERNS_MAX; i++)
		assert_false(bed.concerns.rows[i].is_used);
}

static void another_place_is_another_alert(void **state)
{
	static struct bed bed = {.now_ms = 1000};
	struct concern first = stuck(57);
	struct concern second = stuck(60);

	(void)state;
	beats(&bed, &first, 5 * MINUTE);
	beats(&bed, &second, 5 * MINUTE);
	assert_int_equal(bed.opened, 2);
	assert_int_equal(bed.closed, 1);
}

static void
an_alert_from_before_the_restart_is_closed_if_it_has_healed(void **state)
{
	static struct bed bed = {.now_ms = 1000};
	struct concern concern = stuck(57);

	(void)state;
	concerns_known(&bed.concerns, CONCERN_FEED_STUCK,
		       SPAN_LITERAL("5.1.57"));
	beats(&bed, &concern, 10 * MINUTE);
	assert_int_equal(bed.opened, 0);
	beats(&bed, NULL, MINUTE);
	assert_int_equal(bed.opened, 0);
	assert_int_equal(bed.closed, 1);
}

static void
a_journal_that_takes_nothing_is_asked_again_in_a_minute(void **state)
{
	static struct bed bed = {.now_ms = 1000, .is_refused = true};
	struct concern concern = stuck(57);

	(void)state;
	beats(&bed, &concern, 10 * MINUTE);
	bed.is_refused = false;
	beats(&bed, &concern, MINUTE + 1000);
	assert_int_equal(bed.opened, 1);
}

/* Method: one more than there is room for. */
static void there_is_an_end_to_what_is_kept(void **state)
{
	static struct concerns concerns;

	(void)state;
	concerns_begin(&concerns);
	for (uint64_t i = 0; i <= CONCERNS_MAX; i++) {
		struct concern concern = stuck(i);

		concerns_say(&concerns, &concern, 0, 1000);
	}
	concerns_end(&concerns, 1000);
	assert_int_equal(concerns_count(&concerns, CONCERN_FEED_STUCK),
			 CONCERNS_MAX);
}

static void each_has_its_words(void **state)
{
	enum concern_kind kind;

	(void)state;
	for (enum concern_kind i = 0; i < CONCERN_KINDS; i++) {
		struct span code = span_of(concern_spec(i)->code);

		assert_non_null(alert_text_find(code));
		assert_true(concern_kind_find(code, &kind));
		assert_int_equal(kind, i);
		assert_true(code.size + CONCERN_KEY_SIZE <= REF_SIZE_MAX + 1);
	}
	assert_false(concern_kind_find(SPAN_LITERAL("store_full"), &kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lasts_is_told_once_and_taken_back),
		cmocka_unit_test(another_place_is_another_alert),
		cmocka_unit_test(
			an_alert_from_before_the_restart_is_closed_if_it_has_healed),
		cmocka_unit_test(
			a_journal_that_takes_nothing_is_asked_again_in_a_minute),
		cmocka_unit_test(there_is_an_end_to_what_is_kept),
		cmocka_unit_test(each_has_its_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
