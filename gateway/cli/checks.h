/*
 * checks - depot check: recurring site checks.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_CHECKS_H
#define DEPOT_GATEWAY_CLI_CHECKS_H

#include "gateway/cli/cli.h"

extern const struct verb check_verbs[];

#endif
