/*
 * hq - depot hq: the network, and who belongs to it.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_HQ_H
#define DEPOT_GATEWAY_CLI_HQ_H

#include "gateway/cli/cli.h"

extern const struct verb hq_verbs[];

enum exit_code hq_init_run(struct cli *cli);   /* hq_init.c */
enum exit_code hq_renew_run(struct cli *cli);  /* hq_renew.c */
enum exit_code hq_invite_run(struct cli *cli); /* hq_invite.c */

#endif
