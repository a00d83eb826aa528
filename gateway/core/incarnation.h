/*
 * incarnation - a box that was set back goes on as its site's next epoch.
 *
 * Layer     gateway/core; no I/O, no clock, no threads: what it needs of the
 *           world comes in through struct incarnation_port
 * Threads   incarnation_run: the writer's, with no transaction open. All else:
 *           the peer engine's (depotd's envoy; the simulator's one thread). The
 *           two take turns: from INCARNATION_DUE until incarnation_finish the
 *           struct is the writer's
 *
 * How a caller drives it, beside the exchange (core/exchange.h):
 *
 *   start      incarnation_begin with what guard_recall says; its verdict goes
 *              to exchange_open
 *   a turn     incarnation_look, before exchange_prepare. While it is DUE the
 *              caller prepares no exchange, and has the writer run
 *              incarnation_run instead
 *   after it   incarnation_finish, then saves the guard (guard_save) before the
 *              next turn
 *
 * What happens: the guard, or a peer, shows that this store is behind itself
 * (exchange_was_set_back). From then on nothing is sealed in its epoch, what
 * people do is booked all the same, and peers are asked for the own feed, for
 * they are its backup. When none of them shows more, the writer takes back into
 * the journal what it lost, and opens an epoch with a fresh key, which begins
 * with a succession (store/succession.h) and a task to count the whole site
 * again. Sealing goes on there at once. The epoch is provisional until HQ
 * certifies it: facts count, rights are 0.
 *
 * A crash at any point: begin again. Before the new epoch is committed nothing
 * has happened but that a key was made for nothing; after it the guard is
 * behind, and incarnation_begin sees that the rollback was answered.
 *
 * A twin: our name goes on elsewhere in an epoch that came after ours, while
 * our guard says that this is the disk that it knows. Then there are two boxes.
 * This one goes on in its epoch, provisional, and HQ's people choose; if both
 * began epochs because the other one had, they would never end.
 */
#ifndef DEPOT_GATEWAY_CORE_INCARNATION_H
#define DEPOT_GATEWAY_CORE_INCARNATION_H

#include "gateway/core/exchange.h"
#include "gateway/sync/sync.h"
#include "store/guard.h"
#include "store/keys.h"
#include "store/ledger.h"
#include "store/site.h"
#include "store/succession.h"

/* Peers that are asked are believed to have said all when nothing of ours came
 * for so long, and somebody has answered. */
#define INCARNATION_QUIET_MS 20000
/* With a link up for so long it goes on, whoever promised more or was silent.
 */
#define INCARNATION_FETCH_MS_MAX 600000
/* Without any of its links, or with one that comes and goes and brings nobody's
 * answer: its people have to get on. (Where none is configured it waits as long
 * as with one for a stick.) Once a stick has brought what the journal lacks it
 * goes on when no other came for the quiet time. What comes later still is
 * taken back then: core/regaining.h. */
#define INCARNATION_ALONE_MS 86400000
/* The writer could not: again after so long. */
#define INCARNATION_RETRY_MS 10000

enum incarnation_phase {
	INCARNATION_WATCHING = 1, /* nothing speaks against this store */
	INCARNATION_FETCHING,     /* set back; its feed comes from peers */
	INCARNATION_DUE,          /* incarnation_run, in the writer */
};

/* What the world does for it, in the writer's thread. */
struct incarnation_port {
	void *context;
	/*
	 * Makes the key of a new epoch beyond @after, and keeps it before it
	 * returns. The epoch is drawn: two boxes of one image that ask at one
	 * time have to get different ones (incarnation_epoch).
	 */
	enum err_code (*key_make)(void *context, uint32_t after,
				  uint32_t *ret_epoch,
				  uint8_t ret_public[KEY_PUBLIC_SIZE],
				  struct err *err);
	/* The key of an epoch of this site, open until the port is gone.
	 * ERR_NOT_FOUND  it is not at hand (a backup has no keys)
	 * ERR_CORRUPT    it is damaged: as good as none */
	enum err_code (*key_of)(void *context, uint32_t epoch,
				const struct signer **ret_signer,
				struct err *err);
};

/* The epoch after @after that goes with @drawn, any random number: one of the
 * next INCARNATION_EPOCHS; EPOCH_MAX at most. */
#define INCARNATION_EPOCHS 4096
uint32_t incarnation_epoch(uint32_t after, uint64_t drawn);

struct incarnation_config {
	uint32_t site;
	struct guard_memory memory; /* as guard_recall says */
	bool has_no_links;          /* none is configured */
};

/* What was done, for the log and for people. */
struct incarnation_result {
	uint32_t epoch;
	const struct signer *signer; /* of that epoch; the port's */
	struct succession succession;
	uint64_t regained; /* entries that came back from peers */
	uint64_t carried;  /* told again, for nobody had heard of them */
};

/* The next epoch's; 0: none was made yet. */
struct incarnation_key {
	uint32_t epoch;
	uint8_t public_key[KEY_PUBLIC_SIZE];
};

/* The caller's storage; all of it is this module's. */
struct incarnation {
	struct incarnation_config config;
	enum incarnation_phase phase;
	bool has_twin;
	enum site_mark mark; /* of the store as it was opened */
	uint64_t begun_ms;   /* of fetching with a link up, plus 1 */
	uint64_t quiet_ms;   /* nothing came since, plus 1 */
	uint64_t since_ms;   /* of fetching, plus 1, whatever links did */
	uint64_t retry_ms;   /* not before */
	uint64_t kept;       /* the journal's last number at the start */
	uint64_t haves;      /* sync_counts when fetching began */
	uint64_t held;       /* deltas of the own site */
	enum err_code code;
	struct incarnation_key made;
	struct incarnation_result result;
};

/*
 * @view is of the store as it was opened. A rollback that was answered by a
 * succession is none any more: incarnation_verdict is what counts.
 * ERR_CORRUPT, ERR_IO  the store's
 */
MUST_CHECK enum err_code
incarnation_begin(struct incarnation *incarnation,
		  const struct incarnation_config *config,
		  const struct view *view, struct err *err);
enum guard_verdict incarnation_verdict(const struct incarnation *incarnation);

/*
 * To be called where exchange_found is, first: true if @finding is for
 * exchange_found; false if it tells of a twin, which ends nothing here.
 */
MUST_CHECK bool incarnation_found(struct incarnation *incarnation,
				  uint32_t epoch,
				  const struct sync_finding *finding);
/* There are two of us. */
bool incarnation_has_twin(const struct incarnation *incarnation);

/*
 * What is to be done now. @self is how the peer engine was told who we are
 * (sync_self_set); it is told again here when own deltas are to be fetched.
 */
struct incarnation_now {
	uint64_t ms;
	enum exchange_links links;
	struct sync_self self;
};
enum incarnation_phase incarnation_look(struct incarnation *incarnation,
					const struct exchange *exchange,
					struct sync *sync,
					const struct incarnation_now *now);

/*
 * Takes back what peers had and opens the next epoch, in commits of its own.
 * What it comes to is kept for incarnation_finish.
 * Errors as journal_recover and succession_open, and the port's: nothing is
 * lost, and it is due again after INCARNATION_RETRY_MS.
 */
struct incarnation_run {
	struct ledger *ledger;
	const struct incarnation_port *port;
	struct moment now;
	bool clock_trusted;
};
MUST_CHECK enum err_code incarnation_run(struct incarnation *incarnation,
					 const struct incarnation_run *run,
					 struct err *err);

/*
 * After it, in the peer engine's thread. True if there is a new epoch: the
 * exchange seals in it and the peer engine speaks for it from now on, and the
 * guard is to be saved. *@ret_result is what was done.
 */
bool incarnation_finish(struct incarnation *incarnation,
			struct exchange *exchange, struct sync *sync,
			uint64_t ms, struct incarnation_result *ret_result);

/*
 * True as long as nothing may be promised: it is not sure yet that this store
 * is the one that goes on, there is a twin, or HQ has not certified the
 * journal's epoch. Facts are recorded all the same.
 */
MUST_CHECK enum err_code incarnation_is_provisional(
	const struct incarnation *incarnation, const struct exchange *exchange,
	const struct view *view, bool *ret_is_provisional, struct err *err);

#endif
