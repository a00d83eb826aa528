/*
 * node_parts - what the parts of a box share: its life (node.c), its days
 * (node_day.c), its people (people.c). Nobody else includes it.
 */
#ifndef DEPOT_TESTS_SIM_NODE_PARTS_H
#define DEPOT_TESTS_SIM_NODE_PARTS_H

#include "tests/sim/sim.h"

#define SIM_ORG "acme"
#define SIM_DEVICE "gun-1"
#define SIM_ACCOUNT "boss"
#define NODE_MAP_SIZE (UINT64_C(8) << 20)
#define SIM_SKUS 4
#define SIM_BINS 3
extern const char *const sim_skus[SIM_SKUS];
extern const char *const sim_bins[SIM_BINS];

#define FITS(call)                 \
	do {                       \
		bool fits_ = call; \
                                   \
		ASSERT(fits_);     \
	} while (0)

/* The store's failure ends the schedule: none is expected. */
bool went(struct node *node, enum err_code code, const struct err *err,
	  const char *what);

/* A transaction at the box's time; NULL: the schedule has failed. */
struct batch *node_begin(struct node *node);
/* Ends it, if the power does not go just now. False if it did: the box is
 * down. */
bool node_commit(struct node *node, struct batch *batch);
/* Whatever the engine of peers left to do. */
void node_turn(struct node *node);

/* What a commit of any kind changes for whoever looks. */
void node_committed(struct node *node);
enum exchange_links node_links(const struct node *node);

/* ---- epochs.c ---- */

/* The key of the epoch that the journal is in. */
bool epochs_open(struct node *node);
void epochs_close(struct node *node);
/* What the guard says of the store, for incarnation_verdict. */
bool guard_look(struct node *node);
void guard_keep(struct node *node);

/* HQ's words, as the envoy does it; at sites nothing. At the start; what was
 * said, before it leaves; the founding and the root's word; each turn. */
void words_begin(struct node *node);
void words_keep(struct node *node);
void words_vouch(struct node *node);
void words_turn(struct node *node);
/* One turn of the incarnation: true if there is a new epoch. */
bool epochs_turn(struct node *node);

/* ---- hq.c ---- */

/* HQ's keys, of the epochs that its roster names. */
void hq_open(struct node *node);
void hq_close(struct node *node);
/* Somebody asks the box for something. True: it was done. */
bool node_ask(struct node *node, const char *command, const char *arguments);

/* ---- words.c ---- */

/* Master data and intents: ACTION_MASTER to ACTION_ASK. */
bool words_act(struct sim *sim, const struct action *action);
/* Carries out what HQ asked for, as the keeper does it with each tick. */
void words_take(struct node *node);
void hq_turn(struct node *hq);

/* What every box has before its people begin: items, bins, an account, a
 * scanner. */
void node_furnish(struct node *node, struct ledger *ledger);

/* ---- replace.c ---- */

/* Another box takes @node's place, with nothing of its own. True: it did. */
bool box_replace(struct sim *sim, struct node *node);
/* What @from has goes to @to on a stick. True: something was taken. */
bool stick_carry(struct sim *sim, struct node *from, struct node *to);
/* What others have of the box's past comes back (core/regaining.h). */
bool regain_open(struct node *node);
void regain_turn(struct node *node);

/* Tells truth what was committed since it was told. */
void truth_follow(struct node *node);

/* The box's moment, for the peer engine. */
struct sync_now sync_moment(const struct node *node);

/*
 * Calls the peer engine at the present moment with a view of what is committed:
 * @call may name `step` and `sync_err`.
 */
#define WITH_SYNC(node, call)                                                  \
	do {                                                                   \
		struct err err_;                                               \
		struct view *view_;                                            \
		enum err_code code_;                                           \
                                                                               \
		code_ = view_begin(ledger_env((node)->ledger), &view_, &err_); \
		if (code_ == ERR_OK) {                                         \
			struct sync_step step = {sync_moment(node), view_,     \
						 false};                       \
			struct err *sync_err = &err_;                          \
			code_ = call;                                          \
			view_end(view_);                                       \
		}                                                              \
		(void)went(node, code_, &err_, #call);                         \
	} while (0)

#endif
