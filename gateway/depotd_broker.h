/*
 * broker - the daemon's side of the managed broker: its settings, its account,
 * and whose accounts have to go.
 *
 * Layer     programs
 * Threads   the loop
 */
#ifndef DEPOT_GATEWAY_DEPOTD_BROKER_H
#define DEPOT_GATEWAY_DEPOTD_BROKER_H

#include "gateway/depotd_box.h"

/* Writes the broker's files and, as a child, starts it; with an external
 * broker, ends a managed one that was configured before. Before start_mqtt. */
MUST_CHECK enum err_code start_broker(struct box *box, struct err *err);

/* After the farewell. A broker is ended with a daemon that ends in order; one
 * whose daemon fails goes on and keeps what comes for the next. */
void stop_broker(struct box *box);

/* The account to connect with: the managed broker's, or the configured one;
 * empty if none is. Both are terminated. Errors as password_read. */
#define LOGIN_USER_SIZE 65
#define LOGIN_PASSWORD_SIZE 256
MUST_CHECK enum err_code broker_login(struct box *box,
				      char user[LOGIN_USER_SIZE],
				      char password[LOGIN_PASSWORD_SIZE],
				      struct err *err);

/* The accounts have changed. Says in the log if the broker was not told. */
void broker_accounts_changed(struct box *box);

/* Every now and then: a device or account that the ledger has revoked loses
 * its account at the broker, whoever revoked it and by whatever way. */
void broker_look(struct box *box, struct pos head);

#endif
