/*
 * broker_access - names and passwords of the managed broker, through the
 * daemon, which tells its broker, or where none runs in their file.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_BROKER_ACCESS_H
#define DEPOT_GATEWAY_CLI_BROKER_ACCESS_H

#include "gateway/cli/cli.h"
#include "gateway/edge/broker_account.h"

/*
 * Gives @name a password, in @role. *@ret_is_new is false, and no password
 * drawn, if it has one and @again is false. Anything but EXIT_DONE was told.
 */
MUST_CHECK enum exit_code
broker_access_give(struct cli *cli, const char *name, const char *role,
		   bool again, char ret_password[BROKER_PASSWORD_SIZE]);

/* Takes it away. EXIT_DONE also where it had none. */
MUST_CHECK enum exit_code broker_access_take(struct cli *cli, const char *name);

extern const struct verb broker_access_verbs[];

#endif
