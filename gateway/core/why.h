/*
 * why - in people's words: why a delta is not here or was refused, and why a
 * row says nothing.
 *
 * Layer     gateway/core
 * Threads   any: pure
 *
 * The codes are those of store/feed.h (states, enum admission, enum
 * void_reason) and of edge/envoy_look.h; they never change, and people find
 * each in the operating guide, with what to do.
 */
#ifndef DEPOT_GATEWAY_CORE_WHY_H
#define DEPOT_GATEWAY_CORE_WHY_H

#include "gateway/ingest/json_out.h"
#include "rules/base/text.h"

struct why {
	const char *code;
	const char *en;
	const char *zh;
};

/* Of deltas and of void rows. NULL: there is no such code. */
const struct why *why_delta_find(struct span code);
const struct why *why_void_find(struct span code);
const struct why *why_delta_table(size_t *ret_count);
const struct why *why_void_table(size_t *ret_count);

/* The members "why" (the code), "why_en" and "why_zh". NULL: nothing. */
void why_out(const struct why *why, struct json_out *out);

#endif
