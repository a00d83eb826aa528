/*
 * arguments - the command line, read.
 *
 * Layer     programs
 * Threads   one
 *
 * What every verb takes may stand anywhere; a verb's own options stand behind
 * it. "--name value" and "--name=value" are the same; "--" ends the options.
 * A lone "-", and what begins with "-" and a digit, is a word.
 */
#ifndef DEPOT_GATEWAY_CLI_ARGUMENTS_H
#define DEPOT_GATEWAY_CLI_ARGUMENTS_H

#include "gateway/cli/cli.h"

/*
 * Reads @argv, whose words are sorted in place, into @cli. EXIT_USAGE: what is
 * wrong was told. Without a verb cli->verb is NULL, and cli->words are what
 * was said instead.
 */
MUST_CHECK enum exit_code arguments_read(struct cli *cli, int argc,
					 char **argv);

#endif
