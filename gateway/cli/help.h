/*
 * help - the table of verbs as text, man page and completion.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_HELP_H
#define DEPOT_GATEWAY_CLI_HELP_H

#include "gateway/cli/cli.h"

/* All verbs, a line each, examples first. */
void help_all(const struct cli *cli, FILE *out);
/* One verb, examples first. */
void help_verb(const struct cli *cli, const struct verb *verb, FILE *out);
/* The verbs that begin with @word: "item". */
void help_group(const struct cli *cli, struct span word, FILE *out);

extern const struct verb help_verbs[];

#endif
