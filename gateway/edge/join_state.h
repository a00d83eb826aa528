/*
 * join_state - how far a box is with joining a network over a link.
 *
 * Layer     gateway/edge
 * Threads   one at a time: `depot join`, and depotd at its start
 * On disk   STORE-join beside the store, mode 0600, and the key join.key in the
 *           folder of keys; docs/format/store.md
 *
 * A box that is to join is, until HQ has answered, a network of one: it books,
 * and its journal has an epoch that no other will ever hear of. What is kept
 * here outlives every crash on the way:
 *
 *   ASKING    the code, where HQ's broker is, and the key made for the epoch to
 *             come: the same box asks with the same key, however often
 *   ANSWERED  HQ's answer
 *   READY     the configuration says so too: the next start of depotd, or
 *             `depot join` where none runs, opens the epoch in the network and
 *             tells there again what was booked before (join_apply)
 *   REFUSED   why; a new code begins anew
 *
 * When the box is a site, the file is gone, and with it the secret.
 */
#ifndef DEPOT_GATEWAY_EDGE_JOIN_STATE_H
#define DEPOT_GATEWAY_EDGE_JOIN_STATE_H

#include "gateway/ingest/join_code.h"
#include "gateway/sync/join.h"
#include "store/ledger.h"

/* That of a [link NAME] uri, with its NUL. */
#define JOIN_URI_SIZE 160

enum join_stage {
	JOIN_STAGE_ASKING = 1,
	JOIN_STAGE_ANSWERED = 2,
	JOIN_STAGE_READY = 3,
	JOIN_STAGE_REFUSED = 4,
};
#define JOIN_STAGE_MAX JOIN_STAGE_REFUSED
/* "asking" ... Never NULL. */
const char *join_stage_name(enum join_stage stage);

struct join_state {
	enum join_stage stage;
	struct join_code code;
	char uri[JOIN_URI_SIZE]; /* of HQ's broker */
	uint8_t nonce[JOIN_NONCE_SIZE];
	uint64_t boot;
	uint32_t epoch; /* the least that the box can open */
	uint8_t public_key[KEY_PUBLIC_SIZE];
	uint32_t tries;
	enum join_refusal refusal; /* REFUSED */
	/* From ANSWERED on: HQ's frame, and what it says. */
	uint8_t frame[JOIN_FRAME_SIZE_MAX];
	size_t frame_size;
	struct join_answer answer;
};

/* The broker of a code's HOST:PORT as a link's uri, in lower case: ssl:// with
 * port 8883, tcp:// otherwise. False: too long. */
MUST_CHECK bool join_uri_of(const struct join_code *code,
			    char uri[JOIN_URI_SIZE]);

/*
 * That of the store at @path.
 * ERR_NOT_FOUND  there is none (@err untouched)
 * ERR_CORRUPT    it is damaged; ERR_VERSION: of a newer depot
 */
MUST_CHECK enum err_code join_state_read(const char *path,
					 struct join_state *ret_state,
					 struct err *err);
/* Durable when it returns; the owner is the folder's. ERR_IO, ERR_FULL */
MUST_CHECK enum err_code join_state_write(const char *path,
					  const struct join_state *state,
					  struct err *err);
/* The file is gone, and written over first. Takes one that is not there. */
MUST_CHECK enum err_code join_state_remove(const char *path, struct err *err);
/* Wipes what is in memory. */
void join_state_wipe(struct join_state *state);

/*
 * Begins with @code and @uri: makes the key, draws the nonce, and writes it.
 * @epoch is the least that the store there can open (2 where there is none
 * yet).
 */
MUST_CHECK enum err_code join_state_begin(const char *path,
					  const struct join_code *code,
					  const char *uri, uint32_t epoch,
					  struct join_state *ret_state,
					  struct err *err);

/*
 * @state asks on as the same box, by @code, the same but for its host, at @uri:
 * in the file and, if that can be written, in @state. It is ASKING.
 * ERR_INVALID (@uri is too long), ERR_IO, ERR_FULL
 */
MUST_CHECK enum err_code
join_state_move(const char *path, const struct join_code *code, const char *uri,
		struct join_state *state, struct err *err);

/*
 * Writes what asking came to, as join_state_write; but what another process
 * wrote meanwhile goes before it: another code that was begun, and, while
 * @state is still ASKING, a broker that the box has moved to, or an answer.
 * @state is then as the file has it.
 */
MUST_CHECK enum err_code
join_state_keep(const char *path, struct join_state *state, struct err *err);

/* The ASK of @state as bytes; @now for the stamp. */
void join_state_ask(const struct join_state *state, struct moment now,
		    struct writer *writer);
/*
 * What HQ said: takes an answer or a refusal that fits the ASK, and sets the
 * stage. Nothing is written.
 * ERR_DENIED   not under the code's secret, or an answer to another
 * ERR_CORRUPT, ERR_VERSION  as join_read
 */
MUST_CHECK enum err_code join_state_hear(struct join_state *state,
					 struct span frame);

/*
 * Makes a box whose state is READY a site: the store's journal goes on in the
 * network. Takes one whose epoch is open already, after a crash. The state's
 * file and the root key of the network of one are gone then.
 * ERR_CONFLICT  the store belongs to another network already, or has another
 *               number
 */
struct join_moment {
	struct moment now;
	bool clock_trusted;
};
MUST_CHECK enum err_code join_apply(struct ledger *ledger, const char *path,
				    const struct join_state *state,
				    const struct join_moment *at,
				    struct err *err);

#endif
