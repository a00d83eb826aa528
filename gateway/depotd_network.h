/*
 * network - the daemon as a site among others: its key, its feeds, and the
 * envoy that speaks with them.
 *
 * Layer     programs
 * Threads   the loop
 *
 * A network of one (no site number yet) has none of it, and nothing here costs
 * it anything.
 */
#ifndef DEPOT_GATEWAY_DEPOTD_NETWORK_H
#define DEPOT_GATEWAY_DEPOTD_NETWORK_H

#include "gateway/depotd_box.h"

/* The site's number, key and feeds, and HQ's keys, before the engine. Errors as
 * signer_find, feed_desk_open and hq_keys_open: a site that cannot sign does
 * not start. */
MUST_CHECK enum err_code start_network(struct box *box, struct err *err);
/* The envoy, behind the keeper. Errors as envoy_start. */
MUST_CHECK enum err_code start_envoy(struct box *box, struct err *err);

/* What the keeper is to know of feeds; NULL in a network of one. */
struct feed_desk *network_desk(const struct box *box);
/* What commands of HQ's need; NULL: this box is not HQ. */
const struct hq *network_hq(const struct box *box);
/* What commands need to take what people carry; NULL in a network of one. */
const struct carry *network_carry(const struct box *box);
/* For the control socket, when the envoy has started: what network.peers and
 * the status tell of. The envoy must outlive what it answers. */
struct envoy_control;
void network_control(const struct box *box, struct envoy_control *ret_control);
/* This box's number; 0: a network of one. */
uint32_t network_site(const struct box *box);
/* This box's number where it is HQ's own site, else 0. */
uint32_t network_hq_site(const struct box *box);
/* Heads of other sites, as network_heads_fn; @context is the box. */
size_t network_heads(void *context,
		     struct network_head heads[NETWORK_HEADS_MAX]);
/* The keeper has committed something. */
void network_notice(struct box *box);

/* Before the keeper stops, and behind it. Take a box that did not get here. */
void stop_envoy(struct box *box);
void stop_network(struct box *box);

#endif
