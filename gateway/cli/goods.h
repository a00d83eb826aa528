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

/* Hands the verb's file to the import @name, "bin.import", and tells what came
 * of it. */
MUST_CHECK enum exit_code goods_import(struct cli *cli, const char *name);

#endif
