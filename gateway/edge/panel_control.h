/*
 * panel_control - commands about the phones of the operator page.
 *
 * Layer     gateway/edge
 * Threads   the loop
 *
 *   page.pair {"account", "device"} -> {"account", "device", "code", "port",
 *             "fingerprint", "seconds"}: a one-time code, told here alone
 *   page.list -> {"phones": [{"device", "account", "since"}]}
 *   page.revoke {"device"} -> {"device", "removed"}
 *   page.show -> {"address", "port", "fingerprint", "phones": how many}
 *
 * Where the page is not served all of them say page_off.
 */
#ifndef DEPOT_GATEWAY_EDGE_PANEL_CONTROL_H
#define DEPOT_GATEWAY_EDGE_PANEL_CONTROL_H

#include "gateway/edge/panel.h"

struct panel_control {
	struct panel *const *page; /* *@page is NULL while there is none */
	const char *address;
	struct ledger *ledger;
};

#define PANEL_CONTROL_EXTRAS 4

/* The commands, for struct control_ports; they borrow @panel_control. */
void panel_control_extras(
	struct panel_control *panel_control,
	struct control_extra ret_extras[PANEL_CONTROL_EXTRAS]);

#endif
