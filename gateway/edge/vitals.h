/*
 * vitals - what is wrong with the box itself, since when, and who has been
 * told.
 *
 * Layer     gateway/edge
 * Threads   the loop
 *
 * A vital is noted as good or bad as often as one likes. It makes a health
 * code in the status, at once or when it has lasted; and an alert in the
 * journal when it has lasted, which is closed when it has been good for long
 * enough: a connection that comes and goes makes two entries, not thousands.
 *
 * Pure: the time is given, monotonic, in ms.
 */
#ifndef DEPOT_GATEWAY_EDGE_VITALS_H
#define DEPOT_GATEWAY_EDGE_VITALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/check.h"
#include "rules/ledger/entry.h"

/* In the order of their codes, in which status shows them. */
enum vital {
	VITAL_AUDIT_FAILED,
	VITAL_BROKER_DOWN,
	VITAL_BROKER_DROPPED,
	VITAL_CLOCK_UNTRUSTED,
	VITAL_RING_FULL,
	VITAL_STORE_FAILED,
	VITAL_STORE_FILLING,
	VITAL_STORE_FULL,
	VITALS
};

struct vital_kind {
	const char *code; /* stable */
	enum severity severity;
	bool is_fatal; /* the box does not do its work: /healthz says so */
	bool has_alert;
	uint32_t health_after_ms;
	uint32_t raise_after_ms;
	uint32_t clear_after_ms;
};
const struct vital_kind *vital_kind(enum vital vital);

struct vitals {
	struct {
		bool is_bad;
		int64_t since_ms; /* it is as it is */
		int64_t value;    /* the number in the alert's sentence */
		bool is_open; /* the alert in the journal, as far as known */
		int64_t retry_ms; /* no sooner */
	} of[VITALS];
	/* Messages that the broker dropped. */
	bool has_dropped;
	uint64_t dropped;      /* as it counts */
	uint64_t dropped_more; /* since the alert was last closed */
	int64_t dropped_until_ms;
};

/* All good, as of @now_ms. */
void vitals_init(struct vitals *vitals, int64_t now_ms);

/* Whether the journal has an open alert from before. */
void vitals_alert_is(struct vitals *vitals, enum vital vital, bool is_open);

/* How it is now. */
void vitals_note(struct vitals *vitals, enum vital vital, bool is_bad,
		 int64_t value, int64_t now_ms);

/* It is good, and is known to be: unless it was noted as bad, its alert need
 * not wait to be closed. */
void vitals_proved(struct vitals *vitals, enum vital vital, int64_t now_ms);

/*
 * The broker's own count of messages that it dropped, as of now; @before is
 * what it was when we last looked, also in an earlier run (0: never). A rise
 * is bad for DROPPED_HOLD_MS; a fall is a broker that began anew.
 */
#define DROPPED_HOLD_MS (15 * 60 * 1000)
void vitals_dropped(struct vitals *vitals, uint64_t count, uint64_t before,
		    int64_t now_ms);

/* Codes of what is wrong, for status. Returns their number. */
size_t vitals_health(const struct vitals *vitals, int64_t now_ms,
		     const char *ret_codes[VITALS]);

/*
 * The next alert that the journal should open or close; false if none. The
 * caller says with vitals_told whether it is done; one that is not is due
 * again in a minute.
 */
struct vital_alert {
	enum vital vital;
	bool is_open;
	int64_t value;
};
MUST_CHECK bool vitals_due(const struct vitals *vitals, int64_t now_ms,
			   struct vital_alert *ret_alert);
void vitals_told(struct vitals *vitals, const struct vital_alert *alert,
		 bool is_done, int64_t now_ms);

#endif
