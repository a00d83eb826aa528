/*
 * configure - the configuration: checked, shown, explained.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_CONFIGURE_H
#define DEPOT_GATEWAY_CLI_CONFIGURE_H

#include "gateway/cli/cli.h"

extern const struct verb configure_verbs[];

#endif
