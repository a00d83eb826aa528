/*
 * envoy - the thread that speaks with other sites.
 *
 * Layer     gateway/edge
 * Threads   its own, with a loop of its own; the functions here: the main
 *           loop's thread, unless said otherwise
 *
 * Owns the peer engine (gateway/sync), the exchange (core/exchange.h) and
 * depotd's end of the links (link_server.h). It reads the store through
 * snapshots; what changes the store goes to the keeper as a job, one at a time:
 * packs that were unpacked and judged here are applied there, and what the
 * journal gained is sealed there. Nothing leaves this box before the commit,
 * nor before the guard's file is on the disk.
 *
 * A box whose guard says that its disk went back in time, or of whose feed a
 * peer holds more than it does, seals nothing in that epoch any more: it
 * fetches what it lost and goes on in the next one (core/incarnation.h). One
 * that cannot tell seals nothing until it has heard its peers. What people do
 * there is booked all the same.
 *
 * Nobody waits for it. A far broker that is slow, silent or mad costs this
 * thread time and nobody else; a store that is busy makes peers wait, who keep
 * what they have.
 */
#ifndef DEPOT_GATEWAY_EDGE_ENVOY_H
#define DEPOT_GATEWAY_EDGE_ENVOY_H

#include "gateway/edge/clock.h"
#include "gateway/edge/envoy_join.h"
#include "gateway/edge/envoy_look.h"
#include "gateway/edge/envoy_refused.h"
#include "gateway/edge/keeper.h"
#include "gateway/edge/log.h"
#include "gateway/sync/sync.h"
#include "store/ledger.h"

struct envoy;

struct envoy_config {
	struct ledger *ledger; /* borrowed, as all pointers here */
	struct keeper *keeper;
	const struct clock *clock;
	struct log *log;
	struct feed_desk *desk;      /* the keeper's */
	const struct signer *signer; /* of the journal's epoch */
	const char *socket;          /* path of link.sock */
	const char *days;            /* of the links' day (link_days.h) */
	const char *guard;           /* of the guard's file (store/guard.h) */
	const char *keys;            /* the folder of the site's keys */
	const char *credentials;     /* systemd's folder, or NULL */
	uint32_t site;               /* its number, from SITE_FIRST */
	bool is_hq;
	bool has_no_links;   /* none is configured */
	const struct hq *hq; /* NULL: boxes cannot join here */
	uint64_t boot;       /* drawn when the box started */
	uint64_t seed;
};

/*
 * Starts the thread.
 * ERR_FULL  out of memory; all others as link_server_open and sync_open
 */
MUST_CHECK enum err_code envoy_start(const struct envoy_config *config,
				     struct envoy **ret_envoy, struct err *err);
/* Before the keeper stops. Takes NULL. */
void envoy_stop(struct envoy *envoy);

/* The keeper has committed something. Any thread; never blocks. */
void envoy_notice(struct envoy *envoy);

/* ---- what people carry. Any thread; never blocks ---- */

/*
 * Asks that all entries be sealed that may be: for a stick. The result is a
 * number; it was done when envoy_flushed says that or more.
 */
uint64_t envoy_flush(struct envoy *envoy);
uint64_t envoy_flushed(struct envoy *envoy);
/* A stick was taken (commands network.hear and network.take). @is_ahead: it
 * showed more of our own feed than there is here. */
void envoy_carried(struct envoy *envoy, bool is_ahead);

/* ---- how it stands, as of the last second. Any thread ---- */

#define ENVOY_PEERS_MAX 64
#define ENVOY_LINKS_MAX 4

struct envoy_link {
	struct name name;
	bool is_here; /* its process is connected */
	struct sync_link_status status;
	uint64_t used;   /* bytes over the wire today (UTC) */
	uint64_t budget; /* that it may use in a day; 0: no bound */
	bool is_spent;   /* only heads and alarms leave until midnight */
};

struct envoy_state {
	uint64_t ms;       /* the clock that the figures are on */
	uint64_t start_ms; /* on it, when the envoy started */
	uint64_t unsealed; /* entries of the journal in no delta yet */
	size_t link_count;
	struct envoy_link links[ENVOY_LINKS_MAX];
	size_t peer_count; /* of which the first ENVOY_PEERS_MAX are listed */
	struct sync_peer_status peers[ENVOY_PEERS_MAX];
	struct sync_counts counts;
	bool is_hq;
	struct envoy_join_counts joining; /* then */
	size_t stuck_count; /* of which the first ENVOY_STUCK_MAX are listed */
	struct envoy_stuck stuck[ENVOY_STUCK_MAX];
	size_t refused_count; /* newest first */
	struct envoy_refusal refused[ENVOY_REFUSALS_MAX];
	struct envoy_hq hq;   /* at a site; zeros at HQ */
	struct envoy_end end; /* at a site; zeros at HQ */
	bool was_set_back; /* a peer holds more of our own feed than we do, and
			    * it is being fetched */
	bool has_twin;     /* another box goes on under our name */
	bool is_provisional; /* nothing may be promised (core/incarnation.h) */
	bool may_seal;       /* it has listened long enough (exchange.h) */
};
void envoy_state(struct envoy *envoy, struct envoy_state *ret_state);

#endif
