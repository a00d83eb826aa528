/*
 * goods - items, codes and bins.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_GOODS_H
#define DEPOT_GATEWAY_CLI_GOODS_H

#include "gateway/cli/cli.h"

extern const struct verb goods_verbs[];

#endif
