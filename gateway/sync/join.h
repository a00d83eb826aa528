/*
 * join - how a bare box becomes a site: what it and HQ say to each other.
 *
 * Layer     sync; pure
 * Threads   any
 * On the wire  docs/protocol/sync.md, "Joining"
 *
 * Both sides know the invitation's secret (80 bits, on the join sheet) and
 * nothing else of each other. Everything that is said carries a MAC under a key
 * that follows from it: so HQ's key is proven by the secret, and need not be
 * carried by the code; and a broker in between learns nothing that it could
 * use.
 *
 *   box -> HQ   ASK     "I am invitation 17; this is the key that I made"
 *   HQ  -> box  ANSWER  "you are site 9, hz-07, of this network; this is its
 *                        root's statement"
 *           or  REFUSE  "used", "expired", "withdrawn"
 *
 * The nonce of the ASK comes back, so an old answer is no answer. After it the
 * box fetches the control feed as anybody does, and finds its certificate.
 */
#ifndef DEPOT_SYNC_JOIN_H
#define DEPOT_SYNC_JOIN_H

#include "rules/base/bytes.h"
#include "rules/base/ids.h"
#include "rules/base/stamp.h"
#include "rules/ledger/network.h"
#include "store/keys.h"
#include "store/seal.h"

#define JOIN_KEY_SIZE 32
#define JOIN_NONCE_SIZE 16
#define JOIN_FRAME_SIZE_MAX 1024

/* On the wire; frame.h keeps 32 to 47 for them. */
enum join_type {
	JOIN_ASK = 32,
	JOIN_ANSWER = 33,
	JOIN_REFUSE = 34,
};

/*
 * Where they are said: "join/17/ask" and "join/17/answer", below
 * "depot/v1/_/sync/", for a bare box does not know its organisation. No
 * organisation is called "_".
 */
#define JOIN_ORG "_"
#define JOIN_TOPIC_SIZE 32
struct join_topic {
	uint32_t number;
	bool is_answer;
};
void join_topic_write(const struct join_topic *topic,
		      char ret_topic[JOIN_TOPIC_SIZE]);
/* False: it is none in its one form. */
MUST_CHECK bool join_topic_read(struct span topic,
				struct join_topic *ret_topic);

/* The key that both sides make of what stands on the sheet; to be wiped. */
void join_key(uint32_t number, struct span secret,
	      uint8_t ret_key[JOIN_KEY_SIZE]);
/* What the control feed tells of a secret (struct invitation). */
void join_secret_hash(const uint8_t net_id[NET_ID_SIZE], uint32_t number,
		      struct span secret, uint8_t ret_hash[HASH_SIZE]);

struct join_ask {
	uint8_t nonce[JOIN_NONCE_SIZE];
	/* The life of the box's log that the key signs: it has begun, or, over
	 * a link, will begin as that or as what the answer says instead. */
	uint32_t epoch;
	bool has_begun;
	uint8_t public_key[KEY_PUBLIC_SIZE];
	uint64_t boot;
	struct name site; /* as it calls itself so far; may be empty */
	struct stamp stamp;
};

struct join_answer {
	uint8_t nonce[JOIN_NONCE_SIZE];
	uint8_t net_id[NET_ID_SIZE];
	uint32_t site;
	uint32_t epoch; /* of its log, that the box is to have or to open */
	uint32_t parent_epoch; /* of the box whose place it takes; 0: none */
	struct name name;
	struct name org;
	struct ref timezone;
	enum site_role role;
	uint64_t until_ms;  /* the site's end; 0: none */
	struct stamp stamp; /* HQ's time, for a box with a broken clock */
	struct root root;
};

enum join_refusal {
	JOIN_WELCOME = 0,   /* not refused; never sent */
	JOIN_USED = 1,      /* by another box */
	JOIN_EXPIRED = 2,   /* the code's time is over */
	JOIN_WITHDRAWN = 3, /* HQ took it back */
	JOIN_BUSY = 4,      /* too often: wait a minute */
};
#define JOIN_REFUSAL_MAX JOIN_BUSY
/* The sentence and what to do, in two languages. Never NULL. */
const char *join_refusal_text(enum join_refusal refusal, bool is_chinese);

struct join_frame {
	enum join_type type;
	uint32_t number; /* the invitation's */
	union {
		struct join_ask ask;
		struct join_answer answer;
		struct {
			uint8_t nonce[JOIN_NONCE_SIZE];
			enum join_refusal reason;
		} refuse;
	} body;
};

/* Writes it, MAC included; whether it fitted, the writer knows. */
void join_write(struct writer *writer, const struct join_frame *frame,
		const uint8_t key[JOIN_KEY_SIZE]);

/* Whose invitation a frame speaks of, before its key is known.
 * ERR_CORRUPT: no frame of these; ERR_VERSION: of a newer depot */
MUST_CHECK enum err_code join_peek(struct span bytes, enum join_type *ret_type,
				   uint32_t *ret_number);

/*
 * Reads it.
 * ERR_CORRUPT  it is none in its one form
 * ERR_DENIED   the MAC is not that of @key: a mistyped code, or a forger
 * ERR_VERSION  of a newer depot
 */
MUST_CHECK enum err_code join_read(struct span bytes,
				   const uint8_t key[JOIN_KEY_SIZE],
				   struct join_frame *ret_frame);

/* True if @answer answers @ask, and its root founded its network. */
MUST_CHECK bool join_is_answer(const struct join_ask *ask,
			       const struct join_answer *answer);

#endif
