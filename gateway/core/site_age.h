/*
 * site_age - how old what is here of a site is.
 *
 * Layer     gateway/core
 * Threads   plain data
 *
 * Told by whoever hears more than a site's feed: its heads, and the clock.
 */
#ifndef DEPOT_GATEWAY_CORE_SITE_AGE_H
#define DEPOT_GATEWAY_CORE_SITE_AGE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/stamp.h"

struct site_age {
	struct moment as_of;
	bool has_as_of; /* false: the site's clock was not trusted */
	bool is_stale;
};

/* False: nothing is known of @site, and *@ret_age is as it was. */
typedef bool site_age_fn(void *context, uint32_t site,
			 struct site_age *ret_age);

#endif
