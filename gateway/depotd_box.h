/*
 * box - the running daemon: every part, in the order in which they start.
 *
 * Layer     programs
 * Threads   the main thread, which becomes the loop
 *
 * box_start is a checklist; box_stop goes through it backwards and takes a box
 * that stopped half-way. READY is said when the ledger is open and intake
 * listens; a broker or network is never waited for.
 */
#ifndef DEPOT_GATEWAY_DEPOTD_BOX_H
#define DEPOT_GATEWAY_DEPOTD_BOX_H

#include <pthread.h>

#include "gateway/config.h"
#include "gateway/edge/broker.h"
#include "gateway/edge/clerk.h"
#include "gateway/edge/clock.h"
#include "rules/check/zone.h"
#include "gateway/edge/control.h"
#include "gateway/edge/keeper.h"
#include "gateway/edge/log.h"
#include "gateway/edge/loop.h"
#include "gateway/edge/mqtt.h"
#include "gateway/edge/packets.h"
#include "gateway/edge/publisher.h"
#include "gateway/edge/publisher_network.h"
#include "gateway/edge/ring.h"
#include "gateway/ingest/join_code.h"

#define BOX_SIGNALS 3
#define BOX_HEALTH_MAX 8

struct figures; /* depotd_vitals.c */
struct joining; /* depotd_join.c */
struct links;   /* depotd_link.c */
struct network; /* depotd_network.c */
struct panel;   /* edge/panel.h */
struct reach;   /* depotd_reach.c */

struct box {
	struct config *config;
	struct clock clock;
	struct zone zone; /* the site's */
	struct loop *loop;
	struct log *log;
	struct ledger *ledger;
	struct wake ring_wake;
	struct wake loop_wake;
	struct ring *ring;
	struct packets *packets;
	struct engine *engine;
	struct keeper *keeper;
	struct publisher *publisher;
	struct publisher_network *network_topics; /* NULL: not HQ */
	struct broker *broker;                    /* NULL: external */
	struct mqtt *mqtt;
	struct clerk *clerk;
	struct auditor *auditor;
	struct control *control;
	struct panel *page; /* NULL: not configured, or not to be had */
	int64_t page_retry_ms;
	struct control_ends *control_ends;
	struct figures *figures;
	struct links *links; /* NULL: none, or they are units */
	struct network *network;
	struct reach *reach;
	struct joining *joining; /* NULL: it is not asking to join */
	pthread_mutex_t scanned_mutex;
	char scanned[JOIN_CODE_SIZE_MAX + 1]; /* by the keeper; empty: none */

	struct loop_source *keeper_source;
	struct loop_source *due_timer;
	struct loop_source *beat_timer;
	struct loop_source *signals[BOX_SIGNALS];

	/* An answer that did not fit into the flight: it goes first. */
	struct keeper_answer answer;
	bool has_answer;
	uint64_t answers_unsent;            /* while there was no connection */
	const char *health[BOX_HEALTH_MAX]; /* codes, as of the last beat */
	size_t health_count;
	char keys[FILE_PATH_SIZE]; /* the store's folder of keys */
	struct pos accounts_seen;  /* the broker's accounts fit the ledger */
	int64_t accounts_ms;       /* when they are looked at again */
	int64_t started_ms;        /* monotonic */
	bool is_tree_read;
	bool is_stopping;
	bool is_again;     /* it ended in order to start as a site */
	uint64_t progress; /* the keeper's, at the last beat */
	int64_t readers_at;
	enum err_code result; /* why the loop ended */
	struct err failure;
};

/* Starts everything. On failure what was started is in @box: call box_stop.
 * Errors as of the part that failed, named in the sentence. */
MUST_CHECK enum err_code box_start(struct box *box, struct config *config,
				   struct err *err);

/* Runs until SIGTERM, SIGINT or a fault of the store. */
MUST_CHECK enum err_code box_run(struct box *box, struct err *err);

/* Ends box_run with @code and the sentence of @err, which is copied. Of several
 * faults the last one is told. */
void box_fail(struct box *box, enum err_code code, const struct err *err);

/* Ends everything that was started; takes a half-started box. */
void box_stop(struct box *box);

#endif
