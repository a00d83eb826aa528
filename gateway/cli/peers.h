/*
 * peers - depot peers: links and other sites, as the daemon hears them.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_PEERS_H
#define DEPOT_GATEWAY_CLI_PEERS_H

#include "gateway/cli/cli.h"

extern const struct verb peers_verbs[];

/* How the site stands with others, and for how long it has room: lines about
 * @daemon, the member of status.show. */
void peers_line(const struct cli *cli, const struct json_value *daemon);

#endif
