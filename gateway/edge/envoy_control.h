/*
 * envoy_control - commands about links and peers, from the envoy's memory.
 *
 * Layer     gateway/edge
 * Threads   the loop
 *
 *   network.peers -> {"site", "unsealed", "provisional",
 *             "links": [{"link", "running", "up", "metered",
 *             "for_s", "sent", "received", "used_today", "budget"?,
 *             "spent"?}], "peers": [{"peer", "site"?,
 *             "links", "heard_s", "epoch"?, "seq"?, "as_of"?, "stale",
 *             "acked"?, "backlog_deltas", "backlog_entries"}],
 *             "stuck": [{"site", "name"?, "epoch", "first", "last", "why",
 *             "why_en", "why_zh", "from"?, "for_s"?}],
 *             "refused": {"packs": {REASON: count ...}, "frames": {REASON:
 *             count ...}, "last": [{"site", "name"?, "epoch", "branch"?,
 *             "seq", "why", "why_en", "why_zh", "from", "ago_s"}]},
 *             "joining"?}
 *
 *   network.flush {"ticket"?} -> {"ticket", "done", "unsealed", "may_seal",
 *             "set_back"}: what may be sealed is to be sealed now; again with
 *             the ticket, whether it was
 *   network.carried {"set_back"?} -> {}: a stick was taken
 *
 * In a network of one they say no_network.
 */
#ifndef DEPOT_GATEWAY_EDGE_ENVOY_CONTROL_H
#define DEPOT_GATEWAY_EDGE_ENVOY_CONTROL_H

#include "gateway/edge/control.h"
#include "gateway/edge/envoy.h"

struct envoy_control {
	struct envoy *envoy; /* NULL: a network of one */
	uint32_t site;
	struct envoy_state state; /* working memory */
};

#define ENVOY_CONTROL_EXTRAS 3

/* The commands, for struct control_ports; they borrow @control. */
void envoy_control_extras(
	struct envoy_control *control,
	struct control_extra ret_extras[ENVOY_CONTROL_EXTRAS]);

#endif
