/*
 * liar - a member of the network that lies, with a key that HQ certified.
 *
 * It has no box and no ledger: it says what suits it, on its own topics and in
 * the names of others. What it may do to honest boxes: make them keep its feed,
 * or two branches of that, and evidence. What it may not: hold up anybody
 * else's feed, have anybody else accused, move anybody else's stock, or grow
 * what anybody holds beyond bounds.
 */
#ifndef DEPOT_TESTS_SIM_LIAR_H
#define DEPOT_TESTS_SIM_LIAR_H

#include "store/pack.h"
#include "store/rows.h"
#include "tests/sim/net.h"

enum lie {
	LIE_NEWS = 1, /* the truth, for once: its feed goes on */
	LIE_VOID,     /* rows that are not its to say */
	LIE_ROWS,     /* rows that are none, well signed */
	LIE_GAP,      /* a delta that nobody ever gets, and those behind it */
	LIE_FORK,     /* two deltas of one seq, to one box each */
	LIE_FORGED,   /* a delta of somebody else's feed */
	LIE_STRANGER, /* signed with a key that nobody certified */
	LIE_NET,      /* of another network */
	LIE_BOMB,     /* a pack that says it is larger, or is garbled */
	LIE_HEAD,     /* a feed without an end, by its head */
	LIE_FLOOD,    /* frames of every kind and none, in forty names */
};
#define LIE_MAX LIE_FLOOD

struct liar {
	uint32_t site; /* 0: this network has none */
	struct name name;
	uint8_t net_id[NET_ID_SIZE];
	struct random random;
	struct signer *signer;
	struct signer *stranger;
	struct rows *rows;
	struct packer *packer;
	/* Its feed, as it tells it. */
	uint64_t seq;
	uint64_t number;
	uint8_t hash[HASH_SIZE];
	struct stamp stamp;
	struct moment now;
	bool has_forked;
	uint64_t told[LIE_MAX + 1];
};

/* False: no memory. liar_close releases. */
MUST_CHECK bool liar_open(struct liar *liar, uint32_t site, uint64_t seed,
			  const uint8_t net_id[NET_ID_SIZE]);
void liar_close(struct liar *liar);
void liar_lie(struct liar *liar, struct net *net, enum lie lie);

#endif
