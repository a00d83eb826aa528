/*
 * net - brokers and links that lose, double, delay and reorder.
 *
 * A broker keeps the retained message of each topic and hands what is published
 * to every box whose link is up and whose subscriptions want it, the publisher
 * too. Nothing here knows what is in a frame. A link has two directions, each
 * with faults of its own; one that is cut may not have been noticed yet.
 */
#ifndef DEPOT_TESTS_SIM_NET_H
#define DEPOT_TESTS_SIM_NET_H

#include <stddef.h>
#include <stdint.h>

#include "gateway/sync/sync.h"
#include "tests/sim/random.h"

#define NET_NODES_MAX 16
#define NET_BROKERS_MAX 2
#define NET_RETAINED_MAX 128
#define NET_RECORDED_MAX 64

struct net_link {
	bool is_there;       /* this box uses this broker */
	bool is_cut_out;     /* what it publishes is lost */
	bool is_cut_in;      /* what is meant for it is lost */
	bool is_up;          /* as its box believes */
	uint32_t loss;       /* permille, each direction */
	uint32_t doubling;   /* permille */
	uint32_t late;       /* permille that takes hours or days */
	int64_t delay_ms;    /* at most, usually */
	int64_t silent_from; /* 0, or when believing and truth parted */
};

/* A message on its way to a box. Owned by the net until delivered. */
struct net_message {
	int64_t at_ms;
	uint64_t order; /* among those of one millisecond */
	uint32_t broker;
	uint32_t to; /* node */
	bool is_retained;
	char topic[SYNC_TOPIC_SIZE];
	size_t size;
	uint8_t payload[];
};

struct net_retained {
	char topic[SYNC_TOPIC_SIZE];
	size_t size;
	uint8_t payload[SYNC_PROOF_SIZE_MAX];
};

struct net_counts {
	uint64_t published;
	uint64_t bytes;
	uint64_t delivered;
	uint64_t lost;
	uint64_t doubled;
	uint64_t reordered;
	uint64_t late;
};

struct net {
	struct random random;
	int64_t now_ms;
	uint64_t order;
	size_t node_count;
	struct name names[NET_NODES_MAX]; /* of the boxes' sites */
	bool is_listening[NET_NODES_MAX]; /* the box runs */
	struct net_link links[NET_NODES_MAX][NET_BROKERS_MAX];
	struct net_retained retained[NET_BROKERS_MAX][NET_RETAINED_MAX];
	size_t retained_count[NET_BROKERS_MAX];
	struct net_message **heap;
	size_t heap_count;
	size_t heap_room;
	/* The last ones that were delivered, to come again. */
	struct net_message *recorded[NET_RECORDED_MAX];
	uint64_t recorded_count;
	struct net_counts counts;
};

void net_open(struct net *net, uint64_t seed);
void net_close(struct net *net);

/* What a box publishes: false if it believes its link down. */
bool net_publish(struct net *net, uint32_t node, uint32_t broker,
		 const char *topic, bool is_retained, struct span payload);

/* What somebody without a box says to all, or to @node only. */
void net_broadcast(struct net *net, uint32_t broker, const char *topic,
		   bool is_retained, struct span payload);
void net_slip(struct net *net, uint32_t node, uint32_t broker,
	      const char *topic, struct span payload);

/* The next message that is due at or before @upto_ms, or NULL. It is the
 * caller's, to be given back. */
struct net_message *net_next(struct net *net, int64_t upto_ms);
void net_give_back(struct net *net, struct net_message *message);
/* When the next one is due; INT64_MAX: nothing is on its way. */
int64_t net_due(const struct net *net);

/* A box (re)subscribed: the retained messages that it wants are sent. */
void net_subscribed(struct net *net, uint32_t node, uint32_t broker);
/* Everything that the broker held, and had on its way, is gone. */
void net_broker_lost(struct net *net, uint32_t broker);
/* One of the last messages, again, whoever it was for; NULL: there is none. */
struct net_message *net_again(struct net *net, uint32_t to);
/* Is anything on its way that only the wires hold? */
size_t net_under_way(const struct net *net);

#endif
