/*
 * status - the box in one look, verdict first.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_STATUS_H
#define DEPOT_GATEWAY_CLI_STATUS_H

#include "gateway/cli/cli.h"

extern const struct verb status_verbs[];

#endif
