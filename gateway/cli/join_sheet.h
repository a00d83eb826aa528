/*
 * join_sheet - an invitation for the printer.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_JOIN_SHEET_H
#define DEPOT_GATEWAY_CLI_JOIN_SHEET_H

#include "gateway/cli/cli.h"

/* Writes HTML in both languages for @invited, the reply of hq.invite: a page
 * with the code, and behind it those of @labels, as label_page_write wrote
 * them. Errors of @out are the caller's to look at. */
MUST_CHECK enum exit_code join_sheet_write(struct cli *cli,
					   const struct json_value *invited,
					   struct span labels, FILE *out);

#endif
