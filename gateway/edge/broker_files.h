/*
 * broker_files - mosquitto's configuration, passwords and rights, as text.
 *
 * Layer     gateway/edge, for broker.c and its tests
 * Threads   any
 *
 * Who may do what is one table here, by role; docs/broker.md shows it. Each
 * account gets lines of its own and not a pattern with %u, because a pattern
 * speaks for every account: dashboards could scan.
 */
#ifndef DEPOT_GATEWAY_EDGE_BROKER_FILES_H
#define DEPOT_GATEWAY_EDGE_BROKER_FILES_H

#include <stdio.h>

#include "gateway/edge/broker.h"
#include "gateway/edge/broker_account.h"

#define BROKER_CONF_NAME "broker.conf"
#define BROKER_PASSWD_NAME "broker.passwd"
#define BROKER_ACL_NAME "broker.acl"
#define BROKER_PID_NAME "broker.pid"
#define BROKER_CERT_NAME "broker.crt"
#define BROKER_KEY_NAME "broker.key"

/* Each writes to @out, whose errors are the caller's to look at. */

/* @user: whom mosquitto shall run as; NULL: whoever starts it. */
void broker_conf_write(FILE *out, const struct broker_config *config,
		       const char *user);

/* The lines before all accounts: who has none, and depotd. @hash is that of
 * depotd's password. */
void broker_acl_begin(FILE *out, const struct broker_config *config);
void broker_passwd_begin(FILE *out, const char *hash);

/* The lines of one account. */
void broker_acl_add(FILE *out, const struct broker_config *config,
		    const struct broker_account *account);
void broker_passwd_add(FILE *out, const struct broker_account *account);

#endif
