/*
 * join_over - depot join CODE: a box becomes a site over a link, and works
 * before HQ has answered.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_JOIN_OVER_H
#define DEPOT_GATEWAY_CLI_JOIN_OVER_H

#include "gateway/cli/cli.h"
#include "gateway/ingest/join_code.h"

/* With @code, or, if it is NULL, with what was begun before. */
MUST_CHECK enum exit_code join_over(struct cli *cli,
				    const struct join_code *code);

/*
 * For a unit beside depotd: asks whenever there is something to ask, writes the
 * configuration when HQ has answered, and ends when depotd has made the box a
 * site. What is begun by the page or by a scan is asked for so. Each stage, and
 * what is waited for, is a line of the log, told once.
 */
MUST_CHECK enum exit_code join_follow(struct cli *cli);

#endif
