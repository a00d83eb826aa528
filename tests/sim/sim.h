/*
 * sim - a network of warehouses in one process: real engine, real store, real
 * feeds and peer protocol; virtual clocks and wires; one thread, one seed.
 *
 * A schedule is a list of actions, each at its time, drawn from the seed before
 * anything runs. The wires draw from a stream of their own. So a schedule that
 * fails can be cut action by action (shrink.h), and the same seed and actions
 * give the same event log, byte for byte.
 *
 * After each step the checkers of check.h look at the box that moved; at the
 * end everything heals, and they look at all of them.
 */
#ifndef DEPOT_TESTS_SIM_SIM_H
#define DEPOT_TESTS_SIM_SIM_H

#include "gateway/core/engine.h"
#include "gateway/core/exchange.h"
#include "gateway/core/hq.h"
#include "gateway/core/incarnation.h"
#include "gateway/core/voice.h"
#include "gateway/core/regaining.h"
#include "gateway/sync/sync.h"
#include "store/feed.h"
#include "store/ledger.h"
#include "store/roster.h"
#include "tests/sim/liar.h"
#include "tests/sim/net.h"
#include "tests/sim/random.h"
#include "tests/sim/truth.h"

#define SIM_PATH_SIZE 160
#define SIM_NODES_MIN 4
#define SIM_NODES_MAX 12 /* and a clone */
#define SIM_ACTIONS_MAX 512
#define SIM_FEEDS_MAX 64
#define SIM_KEYS_MAX 32 /* of one box's lives */

/* 2026-11-22T10:00:00Z */
#define SIM_START_MS INT64_C(1795341600000)

/* HQ's reason where it ends what a site said: some of that may be lost. */
#define SIM_ENDED "ended"

#define SIM_SITE_HQ SITE_FIRST
#define SIM_SITE_LIAR (SITE_FIRST + SIM_NODES_MAX + 1)

struct sim;

/* Where the power goes. */
enum crash_point {
	CRASH_NONE = 0,
	CRASH_BEFORE_COMMIT,
	CRASH_IN_COMMIT,    /* between two writes of the disk */
	CRASH_AFTER_COMMIT, /* before anything is said of it */
};

struct sim_clock {
	int64_t offset_ms; /* to the world's */
	bool is_stuck;
	int64_t stuck_ms;
	bool is_trusted;
};

struct seen_head {
	struct feed_id id;
	uint64_t seq;
	uint8_t hash[HASH_SIZE];
	uint64_t folded; /* into the balances that were summed up */
	enum feed_state state;
	bool is_own;
	bool is_closed; /* its owner's word was found in it */
	/* Of another box's feed that could come: up to there it is to come,
	 * since then, so many ticks; 0: it can not. check_others.c */
	uint64_t goal;
	int64_t goal_ms;
	uint32_t goal_ticks;
	uint32_t goal_loss; /* of the wires */
};

struct node {
	struct sim *sim;
	uint32_t index;
	uint32_t site;
	struct name name;
	bool is_hq;
	bool is_up;
	bool is_clone; /* of another one: same site, same key */
	char folder[SIM_PATH_SIZE];
	char store[SIM_PATH_SIZE];

	struct ledger *ledger;
	struct engine *engine;
	struct answers *answers;
	struct feed_desk *desk;
	struct exchange *exchange;
	struct sync *sync;
	struct incarnation incarnation;
	struct regaining regaining;
	struct sync_self self; /* as the peer engine was told */
	struct {
		uint32_t epoch;
		struct signer *signer;
	} keys[SIM_KEYS_MAX];
	size_t key_count;
	char guard[SIM_PATH_SIZE]; /* on another medium */
	struct signer *control;    /* HQ's */
	struct signer *master;
	struct hq hq;
	struct guard_memory memory; /* as the start judged it */
	struct voice voice;         /* whether HQ may speak */
	atomic_int hq_voice;

	uint64_t boot;
	int64_t started_ms;
	struct sim_clock clock;
	enum crash_point crash;

	bool has_grown; /* HQ said something */
	bool has_come;  /* to HQ: more of somebody's feed */
	bool has_news;  /* HQ may have asked for something */
	/* A commit since the checkers, or the keeper, looked. */
	bool is_unchecked;
	bool is_uncounted;
	bool is_undigested;
	uint64_t unsealed; /* as counted */
	uint64_t counted;  /* check_counted */
	bool is_over;      /* its feed has ended */
	bool was_ended;    /* HQ's people ended the site */
	struct {
		uint32_t epoch;
		uint64_t counted;
	} control_seen; /* by the checkers */

	/* What the checkers saw of each feed. */
	struct seen_head seen[SIM_FEEDS_MAX];
	size_t seen_count;
	struct pos summed; /* the journal's end, when its sums were checked */

	/* The people there and their scanner, which outlive the box. */
	uint64_t reading;
	uint64_t asked;
	uint32_t loading[2]; /* number of the transfer to either neighbour */
	struct pos told;     /* the journal's end that truth knows */
};

enum action_kind {
	ACTION_WORK = 1, /* people at @node do @amount things */
	ACTION_CUT,      /* @node's link @broker: @amount 1 out, 2 in, 3 both */
	ACTION_HEAL,     /* and whole again */
	ACTION_NOTICE,   /* the box notices how its link is */
	ACTION_PARTITION, /* half of the boxes lose their links */
	ACTION_BROKER_RESTART,
	ACTION_CRASH,      /* the power goes, @amount: enum crash_point */
	ACTION_START,      /* and comes back */
	ACTION_CLOCK_JUMP, /* by @amount ms */
	ACTION_CLOCK_STUCK,
	ACTION_CLOCK_SET,
	ACTION_AGAIN,   /* old frames come once more */
	ACTION_GARBAGE, /* a frame with flipped bits comes */
	ACTION_LIE,     /* the liar tells @amount: enum lie */
	ACTION_IMAGE,   /* somebody copies the disk */
	ACTION_RESTORE, /* and puts it back, @amount: enum restore */
	ACTION_CLONE,   /* or starts it in a second box */
	/* What follows counts when it was done, not when it was tried. */
	ACTION_SUCCEED, /* HQ certifies an epoch that waits for it */
	ACTION_CHOOSE,  /* a branch stays; @amount 1: it goes */
	ACTION_REVOKE,  /* the key of @node; @amount 1: of the liar */
	ACTION_FENCE,   /* its last epoch ends where HQ has it */
	ACTION_CLOSE,   /* HQ closes a site that can't do it itself */
	ACTION_LEAVE,   /* a site closes itself */
	ACTION_RENEW,   /* the root speaks again; @amount 1: on a whim */
	ACTION_MASTER,  /* HQ says something of an item or a code */
	ACTION_PROPOSE, /* a site does */
	ACTION_ADOPT,   /* HQ takes its word; @amount 1: wants it back */
	ACTION_ASK,     /* HQ asks a site for something */
	ACTION_REPLACE, /* @node burns, and another box takes its place */
	ACTION_STICK,   /* somebody carries to @node what box @amount has */
};
#define ACTION_KIND_MAX ACTION_STICK

struct action {
	int64_t at_ms; /* after the start */
	enum action_kind kind;
	uint32_t node;
	uint32_t broker;
	int64_t amount;
};

struct schedule {
	uint64_t seed;
	uint32_t node_count; /* sites and HQ */
	uint32_t loss;       /* permille */
	uint32_t doubling;
	uint32_t late;
	bool has_second_broker;
	bool has_liar;
	bool is_tidied; /* HQ's people act once more when all is whole */
	size_t action_count;
	struct action actions[SIM_ACTIONS_MAX];
};

/* What goes back in time, and what does not. */
enum restore {
	RESTORE_BACKUP = 0,    /* the store; keys and guard stay */
	RESTORE_DISK = 1,      /* store, keys and guard */
	RESTORE_UNGUARDED = 2, /* store and keys; the guard is gone */
};
#define RESTORE_MAX RESTORE_UNGUARDED

/* Somebody's copy of a disk. */
struct image {
	bool is_there;
	uint32_t node;
	struct pos told;
	uint64_t deltas; /* that it has of its own site */
	char store[SIM_PATH_SIZE];
	char guard[SIM_PATH_SIZE];
};

/* How often what happened. */
struct sim_totals {
	uint64_t actions[ACTION_KIND_MAX + 1];
	uint64_t events;
	uint64_t readings;
	uint64_t entries;
	uint64_t sealed;
	uint64_t admitted;
	uint64_t crashes_in_commit;
	uint64_t successions;
	uint64_t lost;  /* entries, each covered by a task to count */
	uint64_t ended; /* entries, behind where HQ ended their feed */
	uint64_t regained;
	uint64_t retaken; /* by a box in another one's place, or late */
	uint64_t carried;
	uint64_t restores;
	uint64_t clones;
	uint64_t writes_lost; /* unsynced ones, in power cuts */
	uint64_t transfers;   /* items of them, on one box, at the end */
	uint64_t in_transit;  /* of those */
	uint64_t words;       /* of HQ's catalogue, on one box, at the end */
	uint64_t answered;    /* intents that HQ still knows of */
	uint64_t carried_out;
	uint64_t claims;
	uint64_t books;        /* of replaced boxes, held against feeds */
	uint64_t control_ends; /* looked at */
	uint64_t reached;      /* heads that another box could reach, and did */
	uint64_t reached_beside; /* of them, by boxes that held a bad feed */
	uint64_t reach_peak;     /* percent of the time that one may take */
	uint64_t memory_peak;    /* bytes, of all boxes, shared out */
	uint64_t disk_peak;      /* of one */
	uint64_t checks;
	uint64_t sums;   /* items of a feed that a commit changed */
	uint64_t audits; /* of boxes' own journals */
};

struct sim {
	struct schedule schedule;
	struct random random;
	int64_t now_ms; /* of the world, since 1970 */
	char folder[SIM_PATH_SIZE];
	uint8_t net_id[NET_ID_SIZE];
	struct net net;
	struct node nodes[SIM_NODES_MAX + 1];
	size_t node_count;
	struct liar liar;
	struct image image;
	bool has_clone;
	uint32_t restored_site; /* 0: none */
	bool is_hq_unguarded;   /* HQ was set back, and its guard with it */
	uint32_t replaced_site; /* another box took its place; 0: none */
	bool has_evidence;      /* somebody can know that a disk went back */
	uint32_t suspect_site;  /* whose box may have signed twice; 0: none */
	struct truth truth;
	struct sim_totals totals;
	uint64_t log; /* hash of all that happened, in order */
	bool is_loud;
	/* The first thing that is not as it must be; empty: nothing. */
	char failure[512];
};

/* Runs @schedule to its end. Returns false if something is not as it must be;
 * ->failure says what. sim_close releases. */
bool sim_run(struct sim *sim, const struct schedule *schedule, bool is_loud);
void sim_close(struct sim *sim);

/* Permille of schedules in which there is one. */
struct odds {
	uint32_t restores;
	uint32_t clones;
	uint32_t liars;
	uint32_t endings;  /* of each of four kinds */
	uint32_t renewals; /* HQ itself is set back */
	uint32_t replacements;
};

/* Draws the schedule of @seed: at least 200 events, 3 sites and HQ. */
void schedule_draw(struct schedule *schedule, uint64_t seed,
		   const struct odds *odds);

/* The first failure is kept. */
PRINTF_LIKE(2, 3) void sim_fail(struct sim *sim, const char *format, ...);
bool sim_is_sound(const struct sim *sim);
/* One line of the event log: into its hash, and printed if it is loud. */
PRINTF_LIKE(3, 4)
void sim_log(struct sim *sim, const struct node *node, const char *format, ...);

/* ---- nodes: node.c ---- */

void node_found(struct node *node);
void node_start(struct node *node);
/* Drops all that is in memory, as a power cut does. */
void node_crash(struct node *node);
void node_stop(struct node *node);

/* HQ's control feed begins: the root, and a certificate for each site. */
void node_commission(struct node *hq);
/* HQ's people act, or those who close a site. True: it was done; hq.c. */
MUST_CHECK bool hq_act(struct sim *sim, const struct action *action);
/* People do @count things. */
void node_work(struct node *node, uint64_t count);
void node_frame(struct node *node, const struct net_message *message);
void node_link(struct node *node, uint32_t broker, bool is_up);
void node_tick(struct node *node);
struct moment node_clock(const struct node *node);

/* ---- copies of a disk: image.c ---- */

/* The first one stays. */
void image_take(struct sim *sim, struct node *node);
/* Nothing happens if there is none. */
void image_restore(struct sim *sim, enum restore how);
void image_clone(struct sim *sim);

/* ---- checkers: check.c ---- */

/* What can be looked at after each step of @node. */
void check_step(struct node *node);
/* After each tick of all boxes: what could come came; check_others.c. */
void check_reach(struct sim *sim);
/* The law of transfers, on each box; check_transfers.c. */
void check_transfers(struct sim *sim);
/* After everything has healed. */
void check_end(struct sim *sim);
/* True when no box has anything to fetch from another. */
bool check_is_settled(struct sim *sim);
/* Prints what the peer engine of @node says of feeds and refusals. */
void check_explain(const struct node *node);

#endif
