/*
 * network - what is said about the network itself: who belongs to it, where a
 * feed ends, what HQ asks of a site.
 *
 * Layer     rules/ledger
 * Threads   any
 * On disk   docs/format/journal.md: each is the body of an entry's kind
 *
 * HQ's control feed carries all but the answer to an intent, a succession and
 * a closing, which are the site's own.
 */
#ifndef DEPOT_RULES_LEDGER_NETWORK_H
#define DEPOT_RULES_LEDGER_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/ids.h"

/* On disk and in deltas: no number of these enums ever changes. */

enum site_role {
	SITE_ROLE_SITE = 1,
	SITE_ROLE_HQ = 2,      /* the ledger of HQ itself */
	SITE_ROLE_CONTROL = 3, /* roster, fences, intents */
	SITE_ROLE_MASTER = 4,  /* items, codes, suppliers, policies */
};
#define SITE_ROLE_MAX SITE_ROLE_MASTER

/* What a certified epoch may do beyond recording facts. */
enum right {
	RIGHT_PROMISE = 1 << 0, /* promise stock to customers */
	RIGHT_GRANT = 1 << 1,   /* grant quota to other sites */
};
#define RIGHTS_ALL 3u

/* HQ says: this key speaks for that site's epoch. */
struct certificate {
	uint32_t site;
	uint32_t epoch;
	struct name name;
	uint8_t public_key[32]; /* Ed25519 */
	enum site_role role;
	uint32_t rights;   /* bits of enum right */
	int64_t quota_cap; /* units; 0: none */
	uint64_t valid_from_ms;
	uint64_t valid_until_ms; /* 0: no end. Rights end then, facts do not */
	uint32_t parent_epoch;   /* the life of the site before; 0: none */
	bool is_provisional;     /* facts count, rights are 0 */
};

enum fence_verdict {
	FENCE_ENDED = 1,   /* the feed ends here in good order */
	FENCE_REVOKED = 2, /* the key is not trusted beyond this */
	FENCE_STAYS = 3,   /* of a fork: this branch counts */
	FENCE_DROPPED = 4, /* of a fork: this one does not, past its head */
	/* The feed ends here, and so does its site: what the book still has in
	 * its bins, in all its lives, is written off by HQ. The cells stay as
	 * they are, so every sum still proves itself; whoever counts stock
	 * leaves them out, and the audit tells of them apart. */
	FENCE_CLOSED = 5,
};
#define FENCE_VERDICT_MAX FENCE_CLOSED

/* The last valid position of a feed. */
struct fence {
	uint32_t site;
	uint32_t epoch;
	uint64_t branch; /* 0: the epoch's as a whole */
	uint64_t seq;    /* 0: not one delta */
	uint8_t hash[32];
	enum fence_verdict verdict;
	struct reason reason;
};

TEXT_DECLARE(intent_arguments, INTENT_ARGUMENTS_SIZE_MAX)
TEXT_DECLARE(intent_text, INTENT_TEXT_SIZE_MAX)

/* HQ asks the site to act as the owner that it is. */
struct intent {
	struct ref id;
	uint32_t target; /* site */
	struct reason verb;
	struct intent_arguments arguments; /* JSON */
	uint64_t expires_ms;               /* 0: never */
};

enum intent_state {
	INTENT_RECEIVED = 1,
	INTENT_DONE = 2,
	INTENT_REFUSED = 3,
	INTENT_EXPIRED = 4,
};
#define INTENT_STATE_MAX INTENT_EXPIRED

/* The site's answer. */
struct intent_result {
	struct ref id;
	enum intent_state state;
	struct intent_text text;
};

enum invitation_state {
	INVITATION_OPEN = 1,
	INVITATION_USED = 2,
	INVITATION_WITHDRAWN = 3,
};
#define INVITATION_STATE_MAX INVITATION_WITHDRAWN

/* A one-time code is out for that site; only its hash is told. */
struct invitation {
	uint32_t number;
	uint32_t site;
	struct name name;
	uint8_t secret_hash[32];
	enum site_role role;
	uint64_t until_ms;   /* the site's end; 0: none */
	uint64_t expires_ms; /* the code's end */
	struct name like;    /* the mother site; empty: none */
	uint32_t share_permille;
	enum invitation_state state;
	uint8_t public_key[32]; /* of whoever used it */
};

enum succession_reason {
	SUCCESSION_ROLLBACK = 1, /* the medium went back in time */
	SUCCESSION_RESTORED = 2, /* a person restored a backup */
	SUCCESSION_REPLACED = 3, /* another box took the site over */
	SUCCESSION_CLONE = 4,    /* this store runs somewhere else as well */
	SUCCESSION_JOINED = 5,   /* it was a network of one, whose epochs no
				  * other has: parent_seq is 0 */
};
#define SUCCESSION_REASON_MAX SUCCESSION_JOINED

/* A new epoch names the last head that it knows of the one before. */
struct succession {
	uint32_t parent_epoch;
	uint64_t parent_seq;
	uint8_t parent_hash[32];
	enum succession_reason reason;
	/* Entries of the parent that may have existed and are gone: a recount
	 * covers them. 0: none is known to. */
	uint64_t lost_first;
	uint64_t lost_last;
	/* By the parent epoch's key, over the new epoch's: others take the new
	 * one for provisional before HQ has certified it. Zeros: that key was
	 * not at hand. store/heir.h says over what. */
	uint8_t signature[64];
};

/* The SEAL of a feed: its owner says that nothing follows. */
struct site_closing {
	uint64_t rows; /* of the feed, this one not counted */
	int64_t units; /* still in its bins; 0 in good order */
	uint32_t open_transfers;
	uint8_t digest[32]; /* feed_digest before this row */
};

/* The root key says which key is the control feed's, and from where. */
struct root {
	uint32_t epoch;
	uint8_t root_public[32];
	uint8_t public_key[32];
	/* The last position of the control epoch before that still counts. */
	uint64_t after_seq;
	uint8_t after_hash[32];
	uint8_t signature[64]; /* by the root; store/roster.h says over what */
};

#endif
