#include "gateway/edge/vitals.h"

#include <string.h>

#define SECOND 1000u
#define MINUTE (60 * SECOND)
#define DAY (24 * 60 * MINUTE)

/* A code here that has an alert is in view_alert.c's table too. */
static const struct vital_kind kinds[VITALS] = {
	/* Over when an audit has proved it (vitals_proved), or, where none is
	 * made, when a whole scrub has found nothing: by then at the latest. */
	[VITAL_AUDIT_FAILED] = {"audit_failed", SEVERITY_CRITICAL, false, true,
				0, 0, 40 * DAY},
	[VITAL_BROKER_DOWN] = {"broker_down", SEVERITY_CRITICAL, true, true, 0,
			       MINUTE, MINUTE},
	/* Held by vitals_dropped, since it has no end of its own. */
	[VITAL_BROKER_DROPPED] = {"broker_dropped", SEVERITY_WARNING, false,
				  true, 0, 0, 0},
	/* A box that starts waits for its time service. */
	[VITAL_CLOCK_UNTRUSTED] = {"clock_untrusted", SEVERITY_WARNING, false,
				   true, 10 * MINUTE, 10 * MINUTE, 0},
	[VITAL_RING_FULL] = {"ring_full", SEVERITY_WARNING, true, true, 0,
			     10 * SECOND, MINUTE},
	/* A store that fails takes no entry. */
	[VITAL_STORE_FAILED] = {"store_failed", SEVERITY_CRITICAL, true, false,
				0, 0, 0},
	/* A rate wavers: it is gone when it stays gone. */
	[VITAL_STORE_FILLING] = {"store_filling", SEVERITY_WARNING, false, true,
				 10 * MINUTE, 10 * MINUTE, 60 * MINUTE},
	[VITAL_STORE_FULL] = {"store_full", SEVERITY_CRITICAL, true, true, 0, 0,
			      MINUTE},
};

const struct vital_kind *vital_kind(enum vital vital)
{
	ASSERT(vital < VITALS);
	return &kinds[vital];
}

void vitals_init(struct vitals *vitals, int64_t now_ms)
{
	memset(vitals, 0, sizeof(*vitals));
	for (size_t i = 0; i < VITALS; i++) {
		vitals->of[i].since_ms = now_ms;
		vitals->of[i].retry_ms = now_ms;
	}
}

void vitals_alert_is(struct vitals *vitals, enum vital vital, bool is_open)
{
	vitals->of[vital].is_open = is_open;
}

void vitals_note(struct vitals *vitals, enum vital vital, bool is_bad,
		 int64_t value, int64_t now_ms)
{
	if (vitals->of[vital].is_bad != is_bad)
		vitals->of[vital].since_ms = now_ms;
	vitals->of[vital].is_bad = is_bad;
	vitals->of[vital].value = value;
}

void vitals_proved(struct vitals *vitals, enum vital vital, int64_t now_ms)
{
	if (!vitals->of[vital].is_bad)
		vitals->of[vital].since_ms =
			now_ms - kinds[vital].clear_after_ms;
}

void vitals_dropped(struct vitals *vitals, uint64_t count, uint64_t before,
		    int64_t now_ms)
{
	uint64_t seen = vitals->has_dropped ? vitals->dropped : before;

	vitals->has_dropped = true;
	vitals->dropped = count;
	if (count < seen)
		seen = 0;
	if (count == seen)
		return;
	vitals->dropped_more += count - seen;
	vitals->dropped_until_ms = now_ms + DROPPED_HOLD_MS;
}

/* Its end is a matter of time. */
static bool is_bad_now(const struct vitals *vitals, enum vital vital,
		       int64_t now_ms)
{
	if (vital == VITAL_BROKER_DROPPED)
		return vitals->dropped_more > 0 &&
		       now_ms < vitals->dropped_until_ms;
	return vitals->of[vital].is_bad;
}

static int64_t lasts_ms(const struct vitals *vitals, enum vital vital,
			int64_t now_ms)
{
	return now_ms - vitals->of[vital].since_ms;
}

size_t vitals_health(const struct vitals *vitals, int64_t now_ms,
		     const char *ret_codes[VITALS])
{
	size_t count = 0;

	for (enum vital i = 0; i < VITALS; i++)
		if (is_bad_now(vitals, i, now_ms) &&
		    lasts_ms(vitals, i, now_ms) >= kinds[i].health_after_ms)
			ret_codes[count++] = kinds[i].code;
	return count;
}

static bool is_due(const struct vitals *vitals, enum vital vital,
		   int64_t now_ms)
{
	const struct vital_kind *kind = &kinds[vital];
	bool is_bad = is_bad_now(vitals, vital, now_ms);

	return kind->has_alert && vitals->of[vital].is_open != is_bad &&
	       now_ms >= vitals->of[vital].retry_ms &&
	       lasts_ms(vitals, vital, now_ms) >=
		       (is_bad ? kind->raise_after_ms : kind->clear_after_ms);
}

bool vitals_due(const struct vitals *vitals, int64_t now_ms,
		struct vital_alert *ret_alert)
{
	for (enum vital i = 0; i < VITALS; i++) {
		if (!is_due(vitals, i, now_ms))
			continue;
		*ret_alert = (struct vital_alert){
			.vital = i,
			.is_open = !vitals->of[i].is_open,
			.value = i == VITAL_BROKER_DROPPED
					 ? (int64_t)vitals->dropped_more
					 : vitals->of[i].value,
		};
		return true;
	}
	return false;
}

void vitals_told(struct vitals *vitals, const struct vital_alert *alert,
		 bool is_done, int64_t now_ms)
{
	if (!is_done) {
		vitals->of[alert->vital].retry_ms = now_ms + MINUTE;
		return;
	}
	vitals->of[alert->vital].is_open = alert->is_open;
	/* What came while the journal was told counts for the next one. */
	if (alert->vital == VITAL_BROKER_DROPPED && !alert->is_open)
		vitals->dropped_more -= (uint64_t)alert->value;
}
