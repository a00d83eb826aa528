/*
 * control_broker - commands about the managed broker's accounts.
 *
 * Layer     gateway/edge
 * Threads   the loop; or a program's one thread, where no daemon runs
 *
 *   broker.give {"name", "role", "again"?} -> {"name", "role", "password"}
 *       password is null if the name has one and `again` is not true
 *   broker.take {"name"} -> {"name", "removed"}
 *   broker.list -> {"accounts": [{"name", "role", "supplier"?}]}
 *
 * A password is told once, here; what is kept is its hash.
 */
#ifndef DEPOT_GATEWAY_EDGE_CONTROL_BROKER_H
#define DEPOT_GATEWAY_EDGE_CONTROL_BROKER_H

#include "gateway/edge/control.h"

struct control_broker {
	const char *keys; /* the folder of broker_account.h */
	/* The accounts have changed; may be NULL. */
	void (*changed)(void *context);
	void *context;
};

#define CONTROL_BROKER_EXTRAS 3

/* The commands, for struct control_ports; they borrow @broker. */
void control_broker_extras(
	struct control_broker *broker,
	struct control_extra ret_extras[CONTROL_BROKER_EXTRAS]);

#endif
