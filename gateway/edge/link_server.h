/*
 * link_server - depotd's side of the links to far brokers.
 *
 * Layer     gateway/edge
 * Threads   one, that of the loop it is given: the sync thread's own
 *
 * Listens on a SEQPACKET Unix socket for depot-link processes, each of which
 * carries one far broker (link_wire.h). What a link does costs depotd nothing
 * but that link: one that dies, says nothing for LINK_SILENCE_MS or says what
 * it may not is hung up on; one that does not read gets no more; of one that
 * babbles LINK_TURN packets are read before others have their turn.
 *
 * All memory is taken at the start, and no call waits. Who may connect is the
 * user of depotd and root (SO_PEERCRED), through a socket of mode 0600.
 *
 * What a link tells of is news and no promise: what was published may be lost
 * with the connection, and what arrives is checked by whoever takes it. Of the
 * topic only that it is one, that its payload is not longer than its plane
 * allows, and that nothing but heads and alarms is retained has been checked.
 */
#ifndef DEPOT_GATEWAY_EDGE_LINK_SERVER_H
#define DEPOT_GATEWAY_EDGE_LINK_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/edge/clock.h"
#include "gateway/edge/link_wire.h"
#include "gateway/edge/log.h"
#include "gateway/edge/loop.h"
#include "rules/base/err.h"

#define LINK_SERVER_LINKS_MAX 4
#define LINK_HELLO_MS 5000    /* until HELLO has come */
#define LINK_SILENCE_MS 45000 /* a link speaks every 10 s */
#define LINK_TURN 16
#define LINK_SOCKET_NAME "link.sock" /* in the runtime folder */

struct link_server;
struct link; /* one by name; the memory lives as long as the server */

/*
 * Called in the server's thread; all must be given. A handler may publish on
 * any link, and may not close the server.
 */
struct link_handlers {
	/* The far broker was reached: nothing that was published before is to
	 * be counted on. */
	void (*up)(void *context, struct link *link);
	/* It, or the link's process, is gone. @reason is clean text. */
	void (*down)(void *context, struct link *link, struct span reason);
	/* It sent this; borrowed until return. */
	void (*message)(void *context, struct link *link,
			const struct link_message *message);
	/* After an ERR_AGAIN while it was up: there is room again. */
	void (*room)(void *context, struct link *link);
	void *context;
};

struct link_server_config {
	const char *path;  /* used by link_server_open and _close */
	const char *days;  /* path of the file that remembers what was used
			    * today (link_days.h); NULL: none. Borrowed */
	struct loop *loop; /* borrowed until link_server_close, as the next */
	const struct clock *clock;
	struct log *log;
	struct link_handlers handlers;
};

/* ERR_FULL: no memory. All others as local_listen (local.h). */
MUST_CHECK enum err_code
link_server_open(const struct link_server_config *config,
		 struct link_server **ret_server, struct err *err);
/* Hangs up on all, without a word to the handlers. Takes NULL. */
void link_server_close(struct link_server *server);

/*
 * Hands @message to the link, which publishes it at the far broker. ERR_OK
 * promises nothing but that it was handed over.
 *
 * ERR_AGAIN    the link is not up, or there is no room: `up` or `room` comes
 *              when it is worth another try
 * ERR_FULL     the day's budget is spent: until midnight (UTC) only heads and
 *              alarms pass
 * ERR_INVALID  no topic, or a payload longer than its plane allows
 */
MUST_CHECK enum err_code
link_server_publish(struct link *link, const struct link_message *message);

/* The links that have been there, by @index from 0; NULL beyond them. */
struct link *link_server_link(struct link_server *server, size_t index);

/* What is known of a link. */
struct name link_name(const struct link *link);
bool link_is_here(const struct link *link); /* its process is connected */
bool link_is_reached(const struct link *link);
/* Why it was not, in its own words, the last time; empty: it never said so,
 * nor did one before it. Valid until the next packet. */
const char *link_reason(const struct link *link);
bool link_is_metered(const struct link *link);
uint64_t link_budget(const struct link *link); /* bytes a day; 0: no bound */
/* Bytes over the wire today (UTC), as the link counts them: with what TLS and
 * TCP add. Without a file that remembers, since the server was opened. */
struct link_used link_used_today(const struct link *link);
/* What may be published now, as a sum of link_cost(). 0 if it is not up. */
uint64_t link_room(const struct link *link);

#endif
