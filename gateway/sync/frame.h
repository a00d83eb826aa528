/*
 * frame - what peers say to each other, as bytes.
 *
 * Layer     sync; pure
 * Threads   any
 * On the wire  docs/protocol/sync.md, version FRAME_VERSION; golden frames in
 *              tests/golden/sync
 *
 * A frame is one byte (the version in its upper two bits, the type in the lower
 * six), then the fields of its type. There is one form of each: a frame that
 * reads well is written again with the same bytes. What is in a frame is
 * bounded by its size, and lists are read in place: nothing here takes memory.
 */
#ifndef DEPOT_SYNC_FRAME_H
#define DEPOT_SYNC_FRAME_H

#include "rules/base/bytes.h"
#include "rules/base/stamp.h"
#include "store/delta.h"
#include "store/feed.h"
#include "store/keys.h"
#include "store/seal.h"

#define FRAME_VERSION 1

/* On the wire: the numbers never change. 32 to 47 are kept for joining. */
enum frame_type {
	FRAME_HELLO = 1,      /* request: begins a session */
	FRAME_HAVE = 2,       /* reply: what the server has, or "the same" */
	FRAME_WANT = 3,       /* request: ranges */
	FRAME_BATCHES = 4,    /* reply: packs */
	FRAME_CREDIT = 5,     /* request: more may be sent */
	FRAME_ACK = 6,        /* request: what is durably here, signed */
	FRAME_HEAD = 7,       /* head: what a site has, signed */
	FRAME_PROOF = 8,      /* alarm, reply: a fork */
	FRAME_REFUSE = 9,     /* reply: not now, or not at all */
	FRAME_TRIM = 10,      /* reserved: bodies no longer held */
	FRAME_CKPT_GET = 11,  /* reserved: a checkpoint */
	FRAME_CKPT_PART = 12, /* reserved */
	FRAME_LIVE = 13,      /* live: a pack of news */
};
#define FRAME_TYPE_MAX FRAME_LIVE
#define FRAME_JOIN_FIRST 32
#define FRAME_JOIN_LAST 47
/* "hello" ... "?" for a number that is none. Never NULL. */
const char *frame_type_name(enum frame_type type);

/* The first bytes of a net id, of a hash, of a digest, big-endian. */
uint64_t frame_net(const uint8_t net_id[NET_ID_SIZE]);
uint64_t frame_hash_start(const uint8_t hash[HASH_SIZE]);
uint64_t frame_digest_start(const uint8_t digest[VECTOR_DIGEST_SIZE]);

/*
 * HELLO: "I want to fetch." @digest: of the sender's vector
 * (feed_vector_digest). @base: what the server may know that its sender has, 0:
 * nothing. Either the label of the last ACK that it sent to this peer, if the
 * server has taken exactly that one, or the beginning of the digest of a vector
 * that both had. HAVE need only list what differs from that, or from @digest if
 * the server once had that vector. @credit: bytes that may be sent to begin
 * with.
 */
struct frame_hello {
	uint8_t version_min;
	uint8_t version_max;
	uint64_t net;
	uint64_t boot;
	uint8_t digest[VECTOR_DIGEST_SIZE];
	uint64_t base;
	uint64_t credit;
};

#define HAVE_EQUAL 1u   /* the same vector: the session is over */
#define HAVE_PARTIAL 2u /* what differs from what HELLO named */
#define HAVE_MORE 4u    /* the list was too long for a frame */
#define HAVE_FLAGS_KNOWN 7u

/* HAVE: @entries, to be read with frame_entry_read;
 * none if equal. */
struct frame_have {
	uint32_t flags;
	uint8_t digest[VECTOR_DIGEST_SIZE]; /* of the server's vector */
	uint32_t count;
	struct span entries;
};

/* A feed that somebody has: up to @seq, where its hash begins with
 * @hash_start, with bodies from @lowest. In lists by site, epoch, branch,
 * rising. */
struct frame_entry {
	struct feed_id feed;
	uint64_t seq; /* at least 1 */
	uint64_t hash_start;
	uint64_t lowest; /* 1 to seq; an ACK has none */
};

/*
 * WANT: all that is wanted now in this session, in order of urgency; it takes
 * the place of what was wanted before. @number: 1, 2 ... in the session, so
 * that a WANT that comes twice or late is known. @granted: bytes in all since
 * HELLO.
 */
#define WANT_RANGES_MAX 64
struct frame_want {
	uint64_t number;
	uint64_t granted;
	uint32_t count; /* 0: the session is over */
	struct span ranges;
};
struct frame_range {
	struct feed_id feed;
	uint64_t first;
	uint64_t last;
};

/* CREDIT: bytes granted in all since HELLO, HELLO's included. */
struct frame_credit {
	uint64_t granted;
};

/*
 * ACK: what its sender durably has, as far as it differs from @base: the ACK
 * with that label, or a vector that both had, by the beginning of its digest
 * (0: all it has). Signed. Its own label is frame_ack_label.
 */
struct frame_ack {
	uint32_t site;
	uint32_t epoch;
	struct stamp stamp; /* rises from one ACK to the next */
	uint64_t base;
	uint32_t count;
	struct span entries; /* frame_entry_read */
	uint8_t signature[SIGNATURE_SIZE];
};

#define HEAD_CLOCK_TRUSTED 1u
#define HEAD_IS_HQ 2u
#define HEAD_FLAGS_KNOWN 3u

/* HEAD: where a site stands, signed. */
struct frame_head {
	uint32_t site;
	uint32_t epoch;
	uint64_t seq; /* of its own feed; 0: nothing sealed yet */
	uint8_t hash[HASH_SIZE];
	uint8_t digest[VECTOR_DIGEST_SIZE];
	struct stamp stamp; /* of its last commit: complete up to then */
	uint32_t flags;
	uint64_t boot;
	struct pos control;
	uint32_t next_s; /* the next head comes within so many seconds */
	uint8_t signature[SIGNATURE_SIZE];
};

enum refuse_code {
	REFUSE_BUSY = 1,    /* too many sessions, or too often: retry_s */
	REFUSE_VERSION = 2, /* no version in common */
	REFUSE_NET = 3,     /* another network */
	REFUSE_SESSION = 4, /* no such session (any more): say HELLO */
	REFUSE_BASE = 5,    /* an ACK on a base that is not here: say it in full
			     */
	REFUSE_PRUNED = 6,  /* not to be had here: damaged, or (later) pruned */
};
#define REFUSE_CODE_MAX REFUSE_PRUNED
const char *refuse_code_name(enum refuse_code code);

struct frame_refuse {
	enum refuse_code code;
	uint32_t retry_s;
};

/* A frame. What it borrows is valid as long as the bytes it was read from. */
struct frame {
	enum frame_type type;
	uint32_t session; /* not in ACK, HEAD, LIVE; PROOF: 0 on alarm */
	union {
		struct frame_hello hello;
		struct frame_have have;
		struct frame_want want;
		struct frame_credit credit;
		struct frame_ack ack;
		struct frame_head head;
		struct frame_refuse refuse;
		struct span packs; /* BATCHES: frame_pack_read */
		struct span pack;  /* LIVE: store/pack.h reads it */
		struct span proof; /* PROOF: fork_proof_read reads it */
	} body;
};

/* Writes @frame; whether it fitted, the writer knows. */
void frame_write(struct writer *writer, const struct frame *frame);

/*
 * Reads a frame, lists included, so that reading them cannot fail.
 * ERR_CORRUPT  it is none in its one form
 * ERR_VERSION  of a version or type that this depot does not know
 */
MUST_CHECK enum err_code frame_read(struct span bytes, struct frame *ret_frame);

/* ---- lists ---- */

/* Writes entries one by one. @entry must come after the one before; a list has
 * one @list, zeroed. @has_lowest: in HAVE, not in ACK. */
struct frame_list {
	struct feed_id last;
	uint32_t count;
	bool has_lowest;
};
void frame_entry_write(struct writer *writer, struct frame_list *list,
		       const struct frame_entry *entry);
/* Reads the next. False: there is none, or it is not in its one form (then
 * reader_ok is false). */
MUST_CHECK bool frame_entry_read(struct reader *reader, struct frame_list *list,
				 struct frame_entry *ret_entry);
#define FRAME_ENTRY_SIZE_MAX 48

void frame_range_write(struct writer *writer, const struct frame_range *range);
MUST_CHECK bool frame_range_read(struct reader *reader,
				 struct frame_range *ret_range);
#define FRAME_RANGE_SIZE_MAX 40

/* One of the packs of BATCHES; store/pack.h reads it. False: there is none, or
 * it is cut short (then reader_ok is false). */
void frame_pack_write(struct writer *writer, struct span pack);
MUST_CHECK bool frame_pack_read(struct reader *reader, struct span *ret_pack);
/* What stands before the only pack in its frame, at most. */
#define FRAME_PACK_BEFORE 8

int feed_id_compare(struct feed_id a, struct feed_id b);

/* ---- signatures ---- */

/* Sets frame->body.head.signature (or .ack's) over all before it. */
void frame_head_sign(struct frame *frame, const struct signer *signer,
		     const uint8_t net_id[NET_ID_SIZE]);
MUST_CHECK bool frame_head_verify(const struct frame *frame,
				  const uint8_t public_key[KEY_PUBLIC_SIZE],
				  const uint8_t net_id[NET_ID_SIZE]);
void frame_ack_sign(struct frame *frame, const struct signer *signer,
		    const uint8_t net_id[NET_ID_SIZE]);
MUST_CHECK bool frame_ack_verify(const struct frame *frame,
				 const uint8_t public_key[KEY_PUBLIC_SIZE],
				 const uint8_t net_id[NET_ID_SIZE]);
/* What a later ACK calls @frame by: the first 8 bytes of a hash of it. Never
 * 0. */
uint64_t frame_ack_label(const struct frame *frame,
			 const uint8_t net_id[NET_ID_SIZE]);

#endif
