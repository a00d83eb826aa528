/*
 * carry - depot export and depot import: deltas on a USB stick.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_CARRY_H
#define DEPOT_GATEWAY_CLI_CARRY_H

#include "gateway/cli/cli.h"

extern const struct verb carry_verbs[];

/* How a bundle's file ends. */
#define CARRY_SUFFIX ".bundle"

/* The two runs, one a file. */
enum exit_code export_run(struct cli *cli);
enum exit_code import_run(struct cli *cli);

#endif
