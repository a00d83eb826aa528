/*
 * join_sheet - an invitation as a page for the printer.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_JOIN_SHEET_H
#define DEPOT_GATEWAY_CLI_JOIN_SHEET_H

#include "gateway/cli/cli.h"

/* Writes one page of HTML, in both languages, for @invited, the reply of
 * hq.invite. Errors of @out are the caller's to look at. */
MUST_CHECK enum exit_code
join_sheet_write(struct cli *cli, const struct json_value *invited, FILE *out);

#endif
