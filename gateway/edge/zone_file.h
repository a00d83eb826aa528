/*
 * zone_file - the machine's files of time zones.
 *
 * Layer     gateway/edge
 * Threads   any; once at start
 */
#ifndef DEPOT_GATEWAY_EDGE_ZONE_FILE_H
#define DEPOT_GATEWAY_EDGE_ZONE_FILE_H

#include "rules/base/err.h"
#include "rules/check/zone.h"

/*
 * Reads the zone @name, "Asia/Shanghai", of tzdata.
 *
 * ERR_INVALID    @name leads out of the folder of zones
 * ERR_NOT_FOUND  there is no such zone
 * ERR_CORRUPT    its file is none
 * ERR_FULL       out of memory
 * ERR_IO         the system refused
 */
MUST_CHECK enum err_code zone_load(const char *name, struct zone *ret_zone,
				   struct err *err);

#endif
