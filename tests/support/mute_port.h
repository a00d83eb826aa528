/*
 * A port for a peer engine that is deaf and dumb: what it says goes nowhere,
 * and it takes nothing.
 */
#ifndef DEPOT_TESTS_SUPPORT_MUTE_PORT_H
#define DEPOT_TESTS_SUPPORT_MUTE_PORT_H

#include "gateway/sync/sync.h"

static inline bool never_send(void *context, const struct sync_out *out)
{
	(void)context;
	(void)out;
	return true;
}

static inline bool never_admit(void *context, const struct sync_admit *admit)
{
	(void)context;
	(void)admit;
	return false;
}

static inline bool never_keep(void *context, const struct peer_row *row)
{
	(void)context;
	(void)row;
	return true;
}

static inline void never_found(void *context,
			       const struct sync_finding *finding)
{
	(void)context;
	(void)finding;
}

#endif
