/*
 * broker - depotd's own mosquitto: its files, and its process where no systemd
 * is.
 *
 * Layer     gateway/edge
 * Threads   the loop, for everything here
 * On disk   in the runtime folder, which the broker's unit can see and the
 *           store's folders not: broker.conf, broker.passwd, broker.acl (mode
 *           0640), broker.pid, which mosquitto writes; and broker.crt and
 *           broker.key (0600), copies, since its unit sees no other place
 *
 * What always holds:
 *   - what broker.conf says is what a running broker has. To change it the
 *     file is removed, the broker ended, and the file written, in this order,
 *     so that a kill in between leaves no broker with another's settings.
 *     Accounts come and go without that: the files are written and the broker
 *     gets SIGHUP, which drops nobody; who has no account any more has no
 *     right any more. A name with a new password does need it, see
 *     broker_passwd.h;
 *   - what was written is read. SIGHUP alone does not see to that: mosquitto
 *     (2.0.11, and 2.0.20 still; src/loop.c) puts its flag down when it has
 *     read its files, and with it whatever came while it read them, and before
 *     it listens it has no handler. So it gets none before that, and it gets
 *     several: of these only what comes within the one reading that had begun
 *     before the files were written can be lost. That takes milliseconds, and
 *     the last signal comes half a minute later;
 *   - the broker's queue outlives a crash of depotd. With is_child it runs in
 *     a process group of its own; the next depotd finds it by broker.pid,
 *     makes sure by its command line that it is ours, and adopts it.
 *
 * As systemd's unit the broker is started by depot-broker.path, once
 * broker.conf is there.
 */
#ifndef DEPOT_GATEWAY_EDGE_BROKER_H
#define DEPOT_GATEWAY_EDGE_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/edge/clock.h"
#include "gateway/edge/log.h"
#include "gateway/edge/loop.h"
#include "rules/base/err.h"

/* depotd's account; no name of [a-z0-9-] can be it. */
#define BROKER_USER "_depotd"

struct broker;

struct broker_config {
	const char *dir;     /* the runtime folder, which is there */
	const char *keys;    /* the folder of broker_account.h */
	const char *org;     /* names, as in topics */
	const char *site;    /* likewise */
	const char *former;  /* topics of the name before, to be cleared:
			      * "depot/v1/org/site/"; NULL: none */
	const char *address; /* IPv4 or IPv6 */
	uint16_t port;
	uint16_t websocket_port; /* 0: none */
	uint16_t tls_port;       /* likewise */
	const char *tls_cert;    /* tls_port: PEM files, read by broker_open */
	const char *tls_key;     /* and by broker_refresh */
	uint64_t memory_limit;   /* bytes */
	bool is_anonymous;       /* lets in who has no account */
	bool is_child;           /* start and watch it; else systemd does */
	const char *program;     /* is_child: mosquitto's path */
	struct loop *loop;       /* borrowed until broker_close, as the next */
	struct log *log;
	const struct clock *clock;
};

/*
 * Writes the files; starts the broker or adopts the one that runs, or, if
 * systemd is to start it, tells the one that runs. Waits at most a second for
 * it to listen; one that ends is started again with growing pauses. All
 * texts of @config are copied.
 *
 * ERR_AGAIN   another program has one of the ports; the sentence names it
 * ERR_UNSAFE  others may read the key
 * ERR_INVALID certificate or key is no PEM
 * ERR_IO      the program cannot be started; or the system refused
 * ERR_FULL    no memory, or no room on the disk
 * else as broker_account_walk
 */
MUST_CHECK enum err_code broker_open(const struct broker_config *config,
				     struct broker **ret_broker,
				     struct err *err);
/*
 * Takes NULL. @ends: a child, adopted or not, is ended, which may take three
 * seconds; else it goes on, and the next broker_open finds it.
 */
void broker_close(struct broker *broker, bool ends);

/* The password of BROKER_USER; borrowed until broker_close. */
const char *broker_password(const struct broker *broker);

/* The accounts, or the certificate, have changed: writes their files again and
 * tells the broker, or has it start again. Waits for nothing. Errors as
 * broker_open; what could not be written stays as it was, and a certificate
 * holds up no account. */
MUST_CHECK enum err_code broker_refresh(struct broker *broker, struct err *err);

struct broker_state {
	bool is_running;
	bool was_adopted; /* it ran before this depotd did */
	int64_t pid;      /* 0: none */
	uint64_t starts;  /* by this depotd */
	uint64_t ends;    /* that nobody asked for */
};
void broker_state(struct broker *broker, struct broker_state *ret_state);

/* The broker is another's now ([broker] mode = external): ends the one that
 * ran for @dir, if any, and takes its configuration away. */
void broker_retire(const char *dir, struct log *log);

#endif
