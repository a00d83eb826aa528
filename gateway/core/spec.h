/*
 * spec - what is known of a command beside what it does.
 *
 * Layer     gateway/core
 * Threads   constant data
 */
#ifndef DEPOT_GATEWAY_CORE_SPEC_H
#define DEPOT_GATEWAY_CORE_SPEC_H

#include <stdint.h>

enum command_effect {
	COMMAND_QUERY, /* reads a view */
	COMMAND_WRITE, /* changes the ledger */
};

struct command_spec {
	const char *name; /* "item.import" */
	enum command_effect effect;
	uint32_t roles; /* bits of enum role, one of which is needed; 0: any
			 * account that is not revoked */
};

#endif
