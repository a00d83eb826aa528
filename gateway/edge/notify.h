/*
 * notify - what systemd is told: ready, state, alive, stopping.
 *
 * Layer     gateway/edge; notify.c is the only file that includes sd-daemon.h
 * Threads   the loop
 *
 * Without systemd (no NOTIFY_SOCKET) all of it does nothing.
 */
#ifndef DEPOT_GATEWAY_EDGE_NOTIFY_H
#define DEPOT_GATEWAY_EDGE_NOTIFY_H

#include <stdint.h>

/* The ledger is open and intake listens. Once. */
void notify_ready(void);
/* One line for `systemctl status`; terminated. */
void notify_status(const char *line);
void notify_stopping(void);
/* The watchdog is fed: only after the keeper has made progress. */
void notify_alive(void);
/* How often systemd wants to hear notify_alive, in ms; 0: not at all. */
uint64_t notify_watchdog_ms(void);

#endif
