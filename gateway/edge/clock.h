/*
 * clock - the only place that reads clocks.
 *
 * Layer     gateway/edge
 * Threads   clock_refresh: the loop; everything else: any
 *
 * Wall time comes with a verdict: a clock is trusted when it was synchronised
 * since boot (LEDGER.md, "Trusted clock"). Whoever needs a span of time uses
 * the monotonic clock, which no setting of the wall clock can move.
 *
 * A test gives its own struct clock_port; nothing here reads the environment.
 */
#ifndef DEPOT_GATEWAY_EDGE_CLOCK_H
#define DEPOT_GATEWAY_EDGE_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "rules/base/stamp.h"

/* 2024-01-01T00:00:00Z. A clock before it was never set: no trust, whatever
 * the time service says. */
#define CLOCK_TRUSTED_FROM_MS INT64_C(1704067200000)

/* What the clock said, and whether it may be believed. */
struct clock_reading {
	struct moment moment; /* 0 to MOMENT_MS_MAX, whatever the clock says */
	bool is_trusted;
};

/* Where the time comes from. Each function may be called by any thread. */
struct clock_port {
	int64_t (*wall_ms)(void *context); /* since 1970; may be negative */
	int64_t (*monotonic_ns)(void *context);
	int64_t (*boot_ns)(void *context); /* also counts suspended time */
	/* Synchronised now, or at any time since boot. */
	bool (*is_synchronised)(void *context);
};

struct clock {
	const struct clock_port *port;
	void *context;
	atomic_bool was_synchronised;
};

/*
 * Uses @port with @context, both borrowed as long as the clock is; NULL is
 * this machine: clock_gettime, and for synchronisation the kernel (adjtimex
 * without STA_UNSYNC) or systemd-timesyncd's mark
 * (/run/systemd/timesync/synchronized). Asks for trust once.
 */
void clock_init(struct clock *clock, const struct clock_port *port,
		void *context);

/*
 * Asks whether the clock has been synchronised meanwhile; the loop does so
 * every few seconds. Trust once gained holds until the process ends: a time
 * service that lost its server does not undo the setting of the clock.
 * Returns true if this call gained it.
 */
bool clock_refresh(struct clock *clock);

/* Blocks and allocates nothing (no system call on this machine's port). */
struct clock_reading clock_now(const struct clock *clock);
int64_t clock_monotonic_ns(const struct clock *clock);
int64_t clock_monotonic_ms(const struct clock *clock);
int64_t clock_boot_ms(const struct clock *clock);

#endif
