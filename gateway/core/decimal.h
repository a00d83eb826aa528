/*
 * decimal - a number of JSON in thousandths, exactly or not at all.
 *
 * Layer     gateway/core
 * Threads   any; pure
 */
#ifndef DEPOT_GATEWAY_CORE_DECIMAL_H
#define DEPOT_GATEWAY_CORE_DECIMAL_H

#include "gateway/ingest/json.h"

/* -18.5 is -18500. ERR_INVALID: no number, a thousand million or more, or
 * digits beyond the third behind the point, which would be lost. */
MUST_CHECK enum err_code decimal_of_json(const struct json_value *value,
					 int64_t *ret_thousandths,
					 struct fault *fault);

#endif
