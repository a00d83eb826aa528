/*
 * port_taken - the step that comes before depotd can start: its broker's port
 * is another program's.
 *
 * Layer     programs
 * Threads   the program's one
 *
 * Debian's mosquitto package, which depot's recommends, starts a broker of its
 * own on that port, and depotd never speaks to a broker that is not its own
 * (docs/broker.md).
 */
#ifndef DEPOT_GATEWAY_CLI_PORT_TAKEN_H
#define DEPOT_GATEWAY_CLI_PORT_TAKEN_H

#include "gateway/cli/cli.h"
#include "gateway/config.h"

/* If depotd is to run a broker, and its port is taken. @config may be NULL: a
 * box without one has the defaults. */
bool port_is_taken(const struct config *config);
/*
 * Prints what to type, as a line of a list of next steps, if port_is_taken.
 */
void port_taken_tell(const struct cli *cli, const struct config *config);

#endif
