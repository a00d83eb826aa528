/*
 * json_scan - decides whether a text is JSON as depot wants it.
 *
 * Layer     gateway/ingest; for json.c, everyone else uses json.h
 * Threads   any
 *
 * What it takes is said in json.h. It builds nothing: it notes where each
 * value begins, in the order of the text, which is also the order of a walk
 * over any tree that is made of it. Its memory is the stack, and its depth is
 * at most JSON_DEPTH_MAX.
 */
#ifndef DEPOT_GATEWAY_INGEST_JSON_SCAN_H
#define DEPOT_GATEWAY_INGEST_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/ingest/fault.h"
#include "rules/base/err.h"
#include "rules/base/text.h"

/*
 * Scans @text, of at most UINT32_MAX - 1 bytes. On success the place (byte,
 * from 1) of each of its *@ret_count values is in @places; on failure @places
 * holds rubbish.
 *
 * ERR_INVALID  *@fault tells; more than @places_max values are too_long
 */
MUST_CHECK enum err_code json_scan(struct span text, uint32_t *places,
				   size_t places_max, size_t *ret_count,
				   struct fault *fault);

/* The characters at the front of @text that a number can be made of. Where
 * json_scan found a number, exactly that number. */
struct span json_number_run(struct span text);

static inline bool json_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

#endif
