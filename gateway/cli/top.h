/*
 * top - what moves right now, each second anew.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_TOP_H
#define DEPOT_GATEWAY_CLI_TOP_H

#include "gateway/cli/cli.h"

extern const struct verb top_verbs[];

#endif
