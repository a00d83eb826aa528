/*
 * broker_passwd - broker.passwd, as far as a running mosquitto can bear it.
 *
 * Layer     gateway/edge, for broker.c
 * Threads   the loop's
 *
 * mosquitto 2.0.11 damages its memory when it is told (SIGHUP) that an account
 * is gone or has another password while an MQTT 5 session of that account, with
 * an end, is away: see broker_own.h. Rights it takes anew without harm. So
 * while it runs, the line of an account that is gone stays: who logs in with it
 * has no right left in broker.acl. And a name that has another password now is
 * told to the caller, who has to end the broker first.
 *
 * What always holds: the file has each line that the running broker has read.
 */
#ifndef DEPOT_GATEWAY_EDGE_BROKER_PASSWD_H
#define DEPOT_GATEWAY_EDGE_BROKER_PASSWD_H

#include <stdbool.h>

#include "rules/base/err.h"

/*
 * Whether an account of @keys (see broker_account.h) has another password than
 * the file in @folder (a descriptor) says. A file that is not there, or holds
 * something else, counts as another.
 * ERR_IO, ERR_FULL  the system refused
 * else as broker_account_walk
 */
MUST_CHECK enum err_code broker_passwd_is_changed(int folder, const char *keys,
						  bool *ret_is_changed,
						  struct err *err);

/*
 * Writes the file: depotd's line with @hash, and one for each account.
 * @is_kept: a broker has read the old one; lines of accounts that are gone
 * stay. Errors as above.
 */
MUST_CHECK enum err_code broker_passwd_write(int folder, const char *keys,
					     const char *hash, bool is_kept,
					     struct err *err);

#endif
