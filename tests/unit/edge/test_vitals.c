/*
 * What is wrong is said at once, entered when it lasts, and entered once.
 */
#include "tests/support/check.h"

#include "gateway/core/view.h"
#include "gateway/edge/vitals.h"

#define MINUTE INT64_C(60000)

/* The codes of what is wrong, with blanks between. */
static const char *health(const struct vitals *vitals, int64_t now_ms)
{
	static char text[256];
	const char *codes[VITALS];
	size_t count = vitals_health(vitals, now_ms, codes);
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		assert_true(text_format(text + used, sizeof(text) - used,
					"%s%s", i == 0 ? "" : " ", codes[i]));
		used = strlen(text);
	}
	return text;
}

/* Lets everything that is due happen; returns how many entries that made. */
static unsigned tell(struct vitals *vitals, int64_t now_ms)
{
	struct vital_alert alert;
	unsigned count = 0;

	while (vitals_due(vitals, now_ms, &alert)) {
		vitals_told(vitals, &alert, true, now_ms);
		count++;
	}
	return count;
}

static void each_alert_has_its_words(void **state)
{
	size_t count = 0;

	(void)state;
	for (enum vital i = 0; i < VITALS; i++) {
		const struct vital_kind *kind = vital_kind(i);

		if (i > 0)
			assert_true(strcmp(vital_kind(i - 1)->code,
					   kind->code) < 0);
		if (!kind->has_alert)
			continue;
		count++;
		if (alert_text_find(span_of(kind->code)) == NULL)
			fail_msg("view_alert.c does not know %s", kind->code);
	}
	assert_int_equal(count, VITALS - 1);
}

static void a_full_store_is_said_and_entered_at_once(void **state)
{
	struct vitals vitals;

	(void)state;
	vitals_init(&vitals, 0);
	assert_int_equal(tell(&vitals, 0), 0);
	vitals_note(&vitals, VITAL_STORE_FULL, true, 0, 1000);
	assert_string_equal(health(&vitals, 1000), "store_full");
	assert_int_equal(tell(&vitals, 1000), 1);
	assert_int_equal(tell(&vitals, 1000), 0);
	vitals_note(&vitals, VITAL_STORE_FULL, false, 0, 2000);
	assert_string_equal(health(&vitals, 2000), "");
	assert_int_equal(tell(&vitals, 2000), 0);
	assert_int_equal(tell(&vitals, 2000 + MINUTE), 1);
}

/* An audit says that the books are right again; but not while the scrub has a
 * damaged row in its hands. */
static void a_proof_closes_an_alert_at_once(void **state)
{
	struct vitals vitals;

	(void)state;
	vitals_init(&vitals, 0);
	vitals_note(&vitals, VITAL_AUDIT_FAILED, true, 3, 1000);
	assert_int_equal(tell(&vitals, 1000), 1);
	vitals_proved(&vitals, VITAL_AUDIT_FAILED, 2000);
	assert_int_equal(tell(&vitals, 2000), 0);
	vitals_note(&vitals, VITAL_AUDIT_FAILED, false, 0, 3000);
	assert_int_equal(tell(&vitals, 3000 + MINUTE), 0);
	vitals_proved(&vitals, VITAL_AUDIT_FAILED, 4000);
	assert_int_equal(tell(&vitals, 4000), 1);
}

/* A store that fails cannot take the entry. */
static void a_failed_store_is_said_and_never_entered(void **state)
{
	struct vitals vitals;

	(void)state;
	vitals_init(&vitals, 0);
	vitals_note(&vitals, VITAL_STORE_FAILED, true, 0, 0);
	assert_string_equal(health(&vitals, 0), "store_failed");
	assert_int_equal(tell(&vitals, 100 * MINUTE), 0);
}

static void an_untrusted_clock_is_said_after_ten_minutes(void **state)
{
	struct vitals vitals;

	(void)state;
	vitals_init(&vitals, 0);
	for (int64_t at = 0; at < 10 * MINUTE; at += 1000) {
		vitals_note(&vitals, VITAL_CLOCK_UNTRUSTED, true, 0, at);
		assert_string_equal(health(&vitals, at), "");
		assert_int_equal(tell(&vitals, at), 0);
	}
	/* It began with the first note. */
	assert_string_equal(health(&vitals, 10 * MINUTE), "clock_untrusted");
	assert_int_equal(tell(&vitals, 10 * MINUTE), 1);
	vitals_note(&vitals, VITAL_CLOCK_UNTRUSTED, false, 0, 10 * MINUTE + 1);
	assert_int_equal(tell(&vitals, 10 * MINUTE + 1), 1);
}

/*
 * A connection that comes and goes does not fill the journal. Method: an hour
 * of a broker that is up and down for 40 s each makes no entry; one that is
 * down for two minutes of five makes two a time.
 */
static void a_flapping_broker_makes_few_entries(void **state)
{
	struct vitals vitals;
	unsigned fast = 0;
	unsigned slow = 0;

	(void)state;
	vitals_init(&vitals, 0);
	for (int64_t at = 0; at < 60 * MINUTE; at += 1000) {
		vitals_note(&vitals, VITAL_BROKER_DOWN, at / 40000 % 2 == 0, 0,
			    at);
		fast += tell(&vitals, at);
	}
	vitals_init(&vitals, 0);
	for (int64_t at = 0; at < 60 * MINUTE; at += 1000) {
		vitals_note(&vitals, VITAL_BROKER_DOWN,
			    at % (5 * MINUTE) < 2 * MINUTE, 0, at);
		slow += tell(&vitals, at);
	}
	assert_int_equal(fast, 0);
	assert_int_equal(slow, 2 * 12);
}

/* What the journal holds from before a restart counts: it is closed, or left
 * open, but not entered a second time. */
static void an_alert_from_before_a_restart_is_known(void **state)
{
	struct vitals vitals;

	(void)state;
	vitals_init(&vitals, 0);
	vitals_alert_is(&vitals, VITAL_RING_FULL, true);
	vitals_alert_is(&vitals, VITAL_BROKER_DOWN, true);
	vitals_note(&vitals, VITAL_RING_FULL, true, 800, 0);
	assert_int_equal(tell(&vitals, 0), 0);
	assert_int_equal(tell(&vitals, MINUTE), 1); /* broker_down closes */
	assert_int_equal(tell(&vitals, 60 * MINUTE), 0);
}

static void what_could_not_be_entered_is_tried_in_a_minute(void **state)
{
	struct vitals vitals;
	struct vital_alert alert;

	(void)state;
	vitals_init(&vitals, 0);
	vitals_note(&vitals, VITAL_STORE_FULL, true, 0, 0);
	assert_true(vitals_due(&vitals, 0, &alert));
	vitals_told(&vitals, &alert, false, 0);
	assert_false(vitals_due(&vitals, MINUTE - 1, &alert));
	assert_true(vitals_due(&vitals, MINUTE, &alert));
	assert_int_equal(alert.vital, VITAL_STORE_FULL);
	assert_true(alert.is_open);
}

/* ---- the broker's own count ---- */

static void a_rise_of_dropped_messages_is_said_for_a_while(void **state)
{
	struct vitals vitals;
	struct vital_alert alert;

	(void)state;
	vitals_init(&vitals, 0);
	vitals_dropped(&vitals, 0, 0, 0);
	assert_string_equal(health(&vitals, 0), "");
	vitals_dropped(&vitals, 12, 0, 1000);
	assert_string_equal(health(&vitals, 1000), "broker_dropped");
	assert_true(vitals_due(&vitals, 1000, &alert));
	assert_int_equal(alert.value, 12);
	vitals_told(&vitals, &alert, true, 1000);
	/* The same count again is no news; a higher one prolongs it. */
	vitals_dropped(&vitals, 12, 0, 5 * MINUTE);
	vitals_dropped(&vitals, 13, 0, 10 * MINUTE);
	assert_int_equal(tell(&vitals, 20 * MINUTE), 0);
	assert_string_equal(health(&vitals, 20 * MINUTE), "broker_dropped");
	assert_string_equal(health(&vitals, 25 * MINUTE), "");
	/* One that comes while the end is entered is not forgotten. */
	assert_true(vitals_due(&vitals, 25 * MINUTE, &alert));
	assert_false(alert.is_open);
	vitals_dropped(&vitals, 20, 0, 25 * MINUTE);
	vitals_told(&vitals, &alert, true, 25 * MINUTE);
	assert_true(vitals_due(&vitals, 25 * MINUTE, &alert));
	assert_true(alert.is_open);
	assert_int_equal(alert.value, 7);
}

/* What was dropped while depotd was away counts, once; a broker that began
 * anew counts from nothing. */
static void the_count_of_an_earlier_run_is_the_measure(void **state)
{
	static const struct {
		uint64_t before;
		uint64_t now;
		uint64_t more;
	} cases[] = {{0, 0, 0},       {0, 5, 5},    {5, 5, 0},
		     {5, 2005, 2000}, {2005, 7, 7}, {7, 0, 0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct vitals vitals;
		struct vital_alert alert = {.value = 0};

		vitals_init(&vitals, 0);
		vitals_dropped(&vitals, cases[i].now, cases[i].before, 0);
		assert_true(vitals_due(&vitals, 0, &alert) ==
			    (cases[i].more > 0));
		assert_true(alert.value == (int64_t)cases[i].more);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_alert_has_its_words),
		cmocka_unit_test(a_full_store_is_said_and_entered_at_once),
		cmocka_unit_test(a_proof_closes_an_alert_at_once),
		cmocka_unit_test(a_failed_store_is_said_and_never_entered),
		cmocka_unit_test(an_untrusted_clock_is_said_after_ten_minutes),
		cmocka_unit_test(a_flapping_broker_makes_few_entries),
		cmocka_unit_test(an_alert_from_before_a_restart_is_known),
		cmocka_unit_test(
			what_could_not_be_entered_is_tried_in_a_minute),
		cmocka_unit_test(
			a_rise_of_dropped_messages_is_said_for_a_while),
		cmocka_unit_test(the_count_of_an_earlier_run_is_the_measure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
