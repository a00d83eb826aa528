/*
 * link_client - the inside of a depot-link: between depotd and a far broker.
 *
 * Layer     gateway/edge
 * Threads   the loop's; Paho's only look at topics and count
 *
 *	depotd <- link.sock -> link_client <- mqtt.h -> far broker
 *
 * It knows no keys and no ledger, and keeps nothing. What the broker sends is
 * passed on if its topic is one that we asked for, exactly, and its length is
 * one that SYNC allows; all else is dropped uncopied. What depotd sends is
 * published. Both ways are bounded:
 *   - to the broker, by the room that depotd is given: LINK_WINDOW less what
 *     has no PUBACK yet, so that on a slow link news do not wait behind a
 *     backlog that has left depotd already;
 *   - to depotd, by LINK_HEARD_MAX messages that wait while its socket is
 *     full; what comes then is dropped, and asked for again by the protocol.
 *
 * When a connection breaks, what was under way is forgotten: SYNC asks again.
 */
#ifndef DEPOT_GATEWAY_EDGE_LINK_CLIENT_H
#define DEPOT_GATEWAY_EDGE_LINK_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/edge/clock.h"
#include "gateway/edge/loop.h"
#include "gateway/edge/link_wire.h"
#include "gateway/edge/log.h"
#include "rules/base/err.h"

/* 33 KiB each, taken at the start: twice as many as the protocol lets others
 * send before depotd has taken the first. */
#define LINK_HEARD_MAX 256
#define LINK_WINDOW (256 * 1024)
#define LINK_WINDOW_METERED (96 * 1024)
/* What TLS, TCP and their acknowledgements add to a packet, about. */
#define LINK_PACKET_OVERHEAD 100
/* After so many failures to connect in a row, or a connection that broke within
 * ten seconds, a process has had its time: a refused allocation leaves Paho
 * without a buffer for good (1.3.12, SocketBuffer_getQueuedData), and a new
 * process is the cure for that and for all else. */
#define LINK_FAILURES_MAX 5

struct link_client;

/* All strings are copied or used by link_client_open only. */
struct link_client_config {
	const char *socket; /* depotd's link.sock */
	const char *org;
	const char *site;
	const char *name;
	bool is_metered;
	uint64_t budget;
	bool hears_joining;   /* HQ's: boxes ask there whether they may join */
	uint32_t join_number; /* not 0: it is a bare box's, and hears only the
			       * answer to this invitation */

	const char *uri; /* the rest as in mqtt.h */
	const char *user;
	const char *password;
	const char *ca_file;
	const char *cert_file;
	const char *key_file;
	uint16_t keepalive_s;
	uint64_t seed;

	struct loop *loop; /* borrowed until link_client_close; stopped when
			    * the client ends */
	const struct clock *clock;
	struct log *log; /* NULL: none */
};

/*
 * Connects to depotd and says HELLO.
 *
 * ERR_NOT_FOUND  depotd does not listen
 * ERR_INVALID    the configuration: the sentence names what
 * ERR_FULL       no memory
 * ERR_IO         the system refused
 */
MUST_CHECK enum err_code
link_client_open(const struct link_client_config *config,
		 struct link_client **ret_client, struct err *err);

/* Begins to connect to the broker. Once. */
void link_client_start(struct link_client *client);

/*
 * Why it stopped the loop.
 *
 * ERR_STOPPED  depotd hung up
 * ERR_AGAIN    the broker cannot be reached, or broke at once: try as another
 *              process
 */
enum err_code link_client_result(const struct link_client *client);

/* Whether the broker's name is being looked up or its answer waited for: then
 * link_client_close may take as long as that does. */
bool link_client_is_connecting(const struct link_client *client);

/* Takes NULL. */
void link_client_close(struct link_client *client);

#endif
