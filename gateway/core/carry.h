/*
 * carry - what commands need to take deltas that people carry.
 *
 * Layer     gateway/core
 * Threads   the keeper
 *
 * All memory that a pack needs is taken once, when this is opened.
 */
#ifndef DEPOT_GATEWAY_CORE_CARRY_H
#define DEPOT_GATEWAY_CORE_CARRY_H

#include "store/feed.h"
#include "store/pack.h"

struct carry {
	uint8_t net_id[NET_ID_SIZE];
	uint32_t site;          /* of this box; 0: it is in no network */
	struct feed_desk *desk; /* the writer's; borrowed */
	struct unpacker *unpacker;
};

/* ERR_FULL: no memory. End with carry_close either way. */
MUST_CHECK enum err_code carry_open(struct carry *carry,
				    const uint8_t net_id[NET_ID_SIZE],
				    struct feed_desk *desk, struct err *err);
void carry_close(struct carry *carry);

#endif
