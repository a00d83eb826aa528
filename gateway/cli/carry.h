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

/* Says what a report (carry_take_out) says; with --json only whether all is
 * well: EXIT_LOOK if something is missing, refused or damaged. */
enum exit_code import_show(const struct cli *cli,
			   const struct json_value *root);

#endif
