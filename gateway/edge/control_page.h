/*
 * control_page - commands about the phones of the operator page.
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
#ifndef DEPOT_GATEWAY_EDGE_CONTROL_PAGE_H
#define DEPOT_GATEWAY_EDGE_CONTROL_PAGE_H

#include "gateway/edge/panel.h"

struct control_page {
	struct panel *const *page; /* *@page is NULL while there is none */
	const char *address;
	struct ledger *ledger;
};

#define CONTROL_PAGE_EXTRAS 4

/* The commands, for struct control_ports; they borrow @control_page. */
void control_page_extras(struct control_page *control_page,
			 struct control_extra ret_extras[CONTROL_PAGE_EXTRAS]);

#endif
