/*
 * link_days - the bytes that each link used today, in a small file, so that a
 * day's budget outlives a restart of depotd.
 *
 * Layer     gateway/edge
 * Threads   that of the link server
 *
 * One line a link, "NAME DAY IN OUT", the day counted since 1970 (UTC), 0 if
 * no trusted clock has told it yet. A file that is damaged or gone costs
 * no more than the day's count.
 */
#ifndef DEPOT_GATEWAY_EDGE_LINK_DAYS_H
#define DEPOT_GATEWAY_EDGE_LINK_DAYS_H

#include "gateway/edge/link_wire.h"
#include "rules/base/err.h"
#include "rules/base/ids.h"

#define LINK_DAYS_MAX 4

struct link_day {
	struct name name; /* empty: none */
	int64_t day;
	struct link_used used;
};

/* Lines that are none are passed over; without the file all are empty. */
void link_days_read(const char *path, struct link_day days[LINK_DAYS_MAX]);
/* ERR_IO, ERR_FULL: the system refused; the old file is as it was. */
MUST_CHECK enum err_code
link_days_write(const char *path, const struct link_day days[LINK_DAYS_MAX],
		struct err *err);

#endif
