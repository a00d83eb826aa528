/*
 * depot_box - the parts of depotd that a replica runs: keeper, envoy, and a
 * depot-link; and, at the writer, the broker between.
 */
#ifndef DEPOT_TESTS_BENCH_PEERS_DEPOT_BOX_H
#define DEPOT_TESTS_BENCH_PEERS_DEPOT_BOX_H

#include <sys/types.h>

#include "gateway/core/engine.h"
#include "gateway/edge/envoy.h"
#include "gateway/edge/keeper.h"
#include "tests/bench/peers/depot_store.h"

struct box {
	struct depot_store store;
	/* A folder with ca.crt, server.crt, server.key (of "localhost"),
	 * client.crt and client.key; NULL: without TLS. */
	const char *tls;
	char runtime[64];
	char ring_path[96];
	char socket_path[96];
	struct clock clock;
	struct log *log;
	struct wake ring_wake;
	struct wake loop_wake;
	struct engine *engine;
	struct ring *ring;
	struct keeper *keeper;
	struct envoy *envoy;
	pid_t broker;
	pid_t link;
};

/* Waits where there is nothing to be told by. */
void pause_ms(int ms);

/* Starts keeper and envoy on the store, which is open. @box must not move. */
void box_begin(struct box *box);
/* A mosquitto of its own; returns its port once it listens. */
uint16_t box_broker(struct box *box);
/* Connects to the broker at that port. */
void box_link(struct box *box, unsigned port);
/* Ends all of it; the store stays open. True if the box was set back. */
MUST_CHECK bool box_end(struct box *box);

#endif
