/*
 * Small boxes that have met: what tests of hostile peers begin with.
 */
#ifndef DEPOT_TESTS_SUPPORT_SMALL_PEERS_H
#define DEPOT_TESTS_SUPPORT_SMALL_PEERS_H

#include "tests/support/peers.h"

#define MINUTE_MS 60000

static const struct sync_config small = {
	.feeds_max = 16, .peers_max = 8, .waiting_max = 32};

/* All links are up, and all has come where it can. */
static inline void settle(struct bed *bed)
{
	bed_links(bed, true);
	(void)bed_settle(bed, 2 * MINUTE_MS);
	bed_run(bed, MINUTE_MS);
}

#endif
