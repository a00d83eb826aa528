#include "gateway/edge/clock.h"

#include <stddef.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "rules/base/check.h"

#define NS_PER_MS INT64_C(1000000)
#define TIMESYNCD_MARK "/run/systemd/timesync/synchronized"

static int64_t system_ns(clockid_t id)
{
	struct timespec now;
	int result = clock_gettime(id, &now);

	ASSERT(result == 0);
	return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

static int64_t system_wall_ms(void *context)
{
	(void)context;
	return system_ns(CLOCK_REALTIME) / NS_PER_MS;
}

static int64_t system_monotonic_ns(void *context)
{
	(void)context;
	return system_ns(CLOCK_MONOTONIC);
}

static int64_t system_boot_ns(void *context)
{
	(void)context;
	return system_ns(CLOCK_BOOTTIME);
}

/*
 * chrony and ntpd tell the kernel; timesyncd does too, and also leaves a mark,
 * which is all that is left where a sandbox forbids adjtimex.
 */
static bool system_is_synchronised(void *context)
{
	struct timex state = {.modes = 0};

	(void)context;
	if (adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0)
		return true;
	return access(TIMESYNCD_MARK, F_OK) == 0;
}

static const struct clock_port system_port = {
	.wall_ms = system_wall_ms,
	.monotonic_ns = system_monotonic_ns,
	.boot_ns = system_boot_ns,
	.is_synchronised = system_is_synchronised,
};

void clock_init(struct clock *clock, const struct clock_port *port,
		void *context)
{
	clock->port = port != NULL ? port : &system_port;
	clock->context = context;
	atomic_init(&clock->was_synchronised, false);
	(void)clock_refresh(clock);
}

bool clock_refresh(struct clock *clock)
{
	if (atomic_load(&clock->was_synchronised))
		return false;
	if (!clock->port->is_synchronised(clock->context))
		return false;
	atomic_store(&clock->was_synchronised, true);
	return true;
}

struct clock_reading clock_now(const struct clock *clock)
{
	int64_t ms = clock->port->wall_ms(clock->context);
	bool is_trusted = atomic_load(&clock->was_synchronised) &&
			  ms >= CLOCK_TRUSTED_FROM_MS && ms <= MOMENT_MS_MAX;

	if (ms < 0)
		ms = 0;
	if (ms > MOMENT_MS_MAX)
		ms = MOMENT_MS_MAX;
	return (struct clock_reading){{ms}, is_trusted};
}

int64_t clock_monotonic_ns(const struct clock *clock)
{
	return clock->port->monotonic_ns(clock->context);
}

int64_t clock_monotonic_ms(const struct clock *clock)
{
	return clock_monotonic_ns(clock) / NS_PER_MS;
}

int64_t clock_boot_ms(const struct clock *clock)
{
	return clock->port->boot_ns(clock->context) / NS_PER_MS;
}
