/*
 * label - sheets of barcodes: operations, bins, items.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_LABEL_H
#define DEPOT_GATEWAY_CLI_LABEL_H

#include "gateway/cli/cli.h"

extern const struct verb label_verbs[];

#endif
