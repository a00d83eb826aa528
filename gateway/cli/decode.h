/*
 * decode - what a scanned text means: carrier, elements, forms, warnings.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_DECODE_H
#define DEPOT_GATEWAY_CLI_DECODE_H

#include "gateway/cli/cli.h"

extern const struct verb decode_verbs[];

#endif
