/*
 * plan - what the engine is told once, and what it counts.
 *
 * Layer     gateway/core
 * Threads   plain data
 */
#ifndef DEPOT_GATEWAY_CORE_PLAN_H
#define DEPOT_GATEWAY_CORE_PLAN_H

#include <stdint.h>

#include "rules/check/zone.h"
#include "rules/base/text.h"
#include "store/parked.h"

struct hq;    /* core/hq.h */
struct carry; /* core/carry.h */

/* From the configuration; all durations in milliseconds. */
struct engine_plan {
	const struct zone *zone; /* the site's, borrowed; NULL: UTC */
	const struct hq *hq;     /* borrowed; NULL: this box is not HQ */
	/* Borrowed; NULL: a network of one */
	const struct carry *carry;
	/* Somebody scanned the code of a join sheet, @code borrowed: hands it
	 * on and returns. NULL: this box joins nothing. */
	void (*join)(void *context, struct span code);
	void *join_context;
	struct parked_bounds parked;
	int64_t session_timeout_ms;
	int64_t observation_keep_ms;
	int64_t rfid_hold_ms;
	int64_t recount_units; /* a count further from the book than this ... */
	uint32_t recount_percent; /* ... and this share asks for a blind recount
				   */
};

/* Counts since engine_open, for metrics. */
struct engine_counters {
	uint64_t readings;
	uint64_t booked;
	uint64_t duplicates;
	uint64_t seq_reused;
	uint64_t refused;
	uint64_t parked;
	uint64_t movements;
	uint64_t observations;
	uint64_t commands;
};
#endif
