#include "gateway/edge/notify.h"

#include <systemd/sd-daemon.h>

/* Whether systemd listens is nothing that the daemon could act on, so the
 * results below are ignored. */

void notify_ready(void)
{
	(void)sd_notify(0, "READY=1");
}

void notify_status(const char *line)
{
	(void)sd_notifyf(0, "STATUS=%s", line);
}

void notify_stopping(void)
{
	(void)sd_notify(0, "STOPPING=1");
}

void notify_alive(void)
{
	(void)sd_notify(0, "WATCHDOG=1");
}

uint64_t notify_watchdog_ms(void)
{
	uint64_t us = 0;

	/* Twice as often as asked, so that one late beat is no death. */
	return sd_watchdog_enabled(0, &us) > 0 ? us / 2000 : 0;
}
