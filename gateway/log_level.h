/*
 * log_level - the configuration's word for how much is logged, as the log
 * takes it.
 *
 * Layer     programs: the daemons
 * Threads   any; pure
 */
#ifndef DEPOT_GATEWAY_LOG_LEVEL_H
#define DEPOT_GATEWAY_LOG_LEVEL_H

#include "gateway/config.h"
#include "gateway/edge/log.h"

static inline enum log_level log_level_of(enum config_log_level level)
{
	switch (level) {
	case CONFIG_LOG_ERROR:
		return LEVEL_ERROR;
	case CONFIG_LOG_WARNING:
		return LEVEL_WARNING;
	case CONFIG_LOG_NOTICE:
		return LEVEL_NOTICE;
	case CONFIG_LOG_INFO:
		return LEVEL_INFO;
	case CONFIG_LOG_DEBUG:
		return LEVEL_DEBUG;
	}
	return LEVEL_INFO;
}

#endif
