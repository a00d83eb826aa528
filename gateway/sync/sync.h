/*
 * sync - the peer protocol of one box, as a state machine: events in, frames
 * and deltas to admit out.
 *
 * Layer     sync; no I/O, no clock, no threads, and no memory taken after
 *           sync_open. It reads the store through the view that comes with
 *           each event, and never writes it
 * Threads   a struct sync and all calls on it belong to one thread
 * On the wire  docs/protocol/sync.md; gateway/sync/frame.h
 *
 * How a caller drives it (depotd's envoy thread; the simulator's one thread):
 *
 *   frames, links, ticks --> sync_frame, sync_link, sync_tick
 *        port.send   <-- frames to publish, each for one link
 *        port.admit  <-- packs to admit: admit_judge (gateway/sync/admit.h),
 *                        then admit_apply in the writer's transaction
 *   after the commit --> sync_admitted, and sync_grew for what was sealed here
 *        port.keep   <-- rows for TABLE_PEER: what a peer durably has
 *        port.found  <-- forks with proof, our own feed beyond what we hold
 *
 * Nothing is acknowledged to a peer before the caller says that it is
 * committed. A crash is: drop the struct, open a new one. What it knew of
 * peers beyond TABLE_PEER it asks again; nothing depends on it.
 *
 * The same config, events and views give the same calls of the port, byte for
 * byte: there is no clock, no address and no hash in it; what is random comes
 * from config.seed.
 *
 * What always holds, whatever peers send:
 *   - memory is what sync_open took (sync_size tells how much);
 *   - a feed has one source at a time, and what a session was granted (CREDIT)
 *     bounds what its server sends and what waits here for admission;
 *   - a server answers only within what was granted, and within serve_rate;
 *     nothing that came in is ever published again;
 *   - a feed that is forked, fenced, stuck or unknown holds up no other one.
 */
#ifndef DEPOT_SYNC_SYNC_H
#define DEPOT_SYNC_SYNC_H

#include "gateway/sync/peer.h"
#include "rules/base/err.h"
#include "rules/base/ids.h"
#include "store/env.h"
#include "store/feed.h"
#include "store/keys.h"
#include "store/pack.h"

struct sync;

/* ---- limits ---- */

#define SYNC_LINKS_MAX 8
#define SYNC_PEERS_MAX 1024
#define SYNC_FEEDS_MAX 2048
#define SYNC_PULLS_MAX 16
#define SYNC_SERVES_MAX 64
/* Packs that wait for admission, 32 KiB each; taken as they fill. */
#define SYNC_WAITING_MAX 1024

/* Frames, as published: docs/protocol/sync.md, "Planes". */
#define SYNC_FRAME_SIZE_MAX 32768
#define SYNC_REQUEST_SIZE_MAX 4096
#define SYNC_HEAD_SIZE_MAX 256
#define SYNC_PROOF_SIZE_MAX 1024

/* ---- time ---- */

/*
 * The moment of an event. @ms: any clock that never goes back (milliseconds);
 * all waiting is measured by it. @utc: the wall clock, which may be wrong, and
 * whether it is trusted (LEDGER, "Trusted clock").
 */
struct sync_now {
	uint64_t ms;
	struct moment utc;
	bool is_trusted;
};

#define SYNC_STALL_MS 15000     /* a source that is silent is left */
#define SYNC_HELLO_MS 5000      /* a HELLO without answer is said again */
#define SYNC_HEAD_MS_MIN 10000  /* between two heads, at least */
#define SYNC_HEAD_MS_MAX 60000  /* and at most */
#define SYNC_METERED_MS 900000  /* the same on metered links alone */
#define SYNC_LIVE_AGE_MS 600000 /* older news is dropped */
#define SYNC_HEADS_MISSED_MAX 3 /* then a peer is stale */
#define SYNC_LOST_MS 900000     /* a peer that was silent so long is lost */

/* ---- output ---- */

enum sync_plane {
	SYNC_PLANE_HEAD = 1, /* head/{site}           QoS 1, retained */
	SYNC_PLANE_LIVE,     /* live/{site}           QoS 1 */
	SYNC_PLANE_REQUEST,  /* req/{to}/{from}       QoS 1 */
	SYNC_PLANE_REPLY,    /* rep/{to}/{from}/{session}  QoS 1 */
	SYNC_PLANE_ALARM,    /* alarm/{site}          QoS 1, retained */
};
#define SYNC_PLANE_MAX SYNC_PLANE_ALARM

/* A frame to publish on one link. Everything borrowed until send returns. */
struct sync_out {
	uint32_t link;
	enum sync_plane plane;
	struct span from; /* our own name */
	struct span to;   /* empty where the plane has no addressee */
	uint32_t session; /* of a reply */
	bool is_retained;
	bool is_bulk; /* backlog: whatever is not bulk goes ahead of it */
	struct span payload;
};

/* A pack to admit. */
struct sync_admit {
	uint32_t ticket;   /* give it back to sync_admitted */
	struct span peer;  /* the name of who sent it; until admit returns */
	struct pack pack;  /* feed, first_seq, count */
	struct span bytes; /* unchanged until sync_admitted with its ticket,
			    * also for another thread */
	struct pack_start start; /* what it follows, for unpacker_read */
	bool is_news;            /* it came on the live plane */
};

enum sync_finding_kind {
	/* Somebody holds more of our own feed than we do, or other deltas:
	 * this box was set back, or there are two of it (store/guard.h). Told
	 * again as often as it is seen. */
	SYNC_FOUND_SELF = 1,
	/* Two signed deltas of one position: @proof. For fork_note, and
	 * sync_grew after its commit. */
	SYNC_FOUND_FORK,
};
struct sync_finding {
	enum sync_finding_kind kind;
	struct span peer; /* who showed it; until found returns */
	struct feed_id feed;
	uint64_t seq;            /* SELF: of the head that was shown */
	uint8_t hash[HASH_SIZE]; /* SELF: its hash; only the first 8 bytes
				  * where it came with HAVE (rest zeros) */
	bool is_signed;          /* SELF: by our own key, so it is true */
	const struct fork_proof *proof; /* FORK; until found returns */
};

/*
 * What the world does for it. Each is called from within an event, must not
 * call back, and returns at once.
 *
 * send: false: the link has no room now (or is down). Bulk, ACKs and heads are
 * tried again with the next tick (so where there is room again, tick); other
 * frames count as lost on the way, which the protocol bears.
 * admit: false: no room; tried again with the next event. One pack a feed is
 * out at a time, in order of seq.
 * keep: a row for TABLE_PEER (peer_row_put), in any later transaction; losing
 * it costs a resend. false: no room; tried again with the next tick.
 */
struct sync_port {
	void *context;
	bool (*send)(void *context, const struct sync_out *out);
	bool (*admit)(void *context, const struct sync_admit *admit);
	bool (*keep)(void *context, const struct peer_row *row);
	void (*found)(void *context, const struct sync_finding *finding);
};

/* ---- opening ---- */

struct sync_config {
	uint8_t net_id[NET_ID_SIZE];
	uint32_t site;
	struct name name; /* of the site: it stands in topics */
	bool is_hq;
	uint64_t boot; /* drawn when the box started */
	uint64_t seed;
	bool holds_words; /* as after sync_words_hold */

	/* Sizes, each 1 (waiting: 16) to its limit above. 0: a default for a
	 * site. */
	uint32_t links_max;   /* 4 */
	uint32_t peers_max;   /* 64 */
	uint32_t feeds_max;   /* 256 */
	uint32_t pulls_max;   /* 4: sessions in which we fetch */
	uint32_t serves_max;  /* 16: sessions in which we are asked */
	uint32_t waiting_max; /* 128 */

	/* Bytes a second served to one peer on one link, at most; 128 KiB or
	 * more. 0: 4 MiB */
	uint32_t serve_rate;
};

/*
 * Takes all the memory, and reads what TABLE_PEER knows through @view.
 * @config and @port are copied.
 *
 * ERR_INVALID  @config asks for more than the limits
 * ERR_FULL     no memory
 * ERR_CORRUPT  the store's rows are damaged
 */
MUST_CHECK enum err_code sync_open(const struct sync_config *config,
				   const struct sync_port *port,
				   const struct view *view,
				   struct sync **ret_sync, struct err *err);
void sync_close(struct sync *sync); /* takes NULL */

/* Bytes that sync_open takes for @config. */
size_t sync_size(const struct sync_config *config);

/*
 * Whose word we give: the epoch and its key (borrowed until the next call, or
 * the close). NULL: heads and acknowledgements, which are signed, are not
 * sent. @recover: our own feed may be fetched from peers like any other (a box
 * that was set back, before its succession). @ask: each peer is asked once
 * what it has, whatever its head says: a box that started listens for what is
 * known of its own feed (core/exchange.h).
 * @is_behind: HQ has not all of what it said (core/voice.h): its control and
 * master feeds are fetched like any other.
 */
struct sync_self {
	uint32_t epoch;
	const struct signer *signer;
	bool recover;
	bool ask;
	bool is_behind;
};
void sync_self_set(struct sync *sync, const struct sync_self *self);

/*
 * What HQ says beyond what this engine knows of is not to leave: the guard
 * could not be written (store/guard.h). From the next event that reads the
 * store, until it is told otherwise.
 */
void sync_words_hold(struct sync *sync, bool is_held);

/* ---- events ---- */

/*
 * Each takes the moment and a view that sees everything committed so far; each
 * may call the port. An error is the store's (ERR_CORRUPT, ERR_IO): the state
 * is sound and the event can be taken as lost. A delta that cannot be read is
 * no error: its feed waits (sync_feed_status.damaged_seq), and the others go
 * on.
 */
struct sync_step {
	struct sync_now now;
	const struct view *view;
	/* What came into the store since the last event that was not early is
	 * not looked at yet: an own delta may be in it that the start guard
	 * does not remember. The next event that is not early looks. */
	bool is_early;
};

/* A link is up (subscribed, that is) or down; again: its metering changed. */
struct sync_link {
	uint32_t link; /* from 0, below links_max */
	bool is_up;
	bool is_metered;
};
MUST_CHECK enum err_code sync_link(struct sync *sync,
				   const struct sync_step *step,
				   const struct sync_link *link,
				   struct err *err);

/* A frame came in. Payloads of any content and length are welcome: what is no
 * frame is counted. */
struct sync_in {
	uint32_t link;
	enum sync_plane plane;
	struct span from;
	struct span to;   /* empty, or who is meant: us */
	uint32_t session; /* of a reply */
	bool is_retained; /* it lay on the broker */
	struct span payload;
};
MUST_CHECK enum err_code sync_frame(struct sync *sync,
				    const struct sync_step *step,
				    const struct sync_in *in, struct err *err);

/* Time passed: at least once a second while a link is up, else as you like. */
MUST_CHECK enum err_code
sync_tick(struct sync *sync, const struct sync_step *step, struct err *err);

/* A transaction that sealed deltas here, wrote control or master data, or
 * changed the roster or a feed's state (fork_note) was committed. */
MUST_CHECK enum err_code
sync_grew(struct sync *sync, const struct sync_step *step, struct err *err);

/* A stick was taken, past this engine: as sync_grew, and TABLE_PEER says more
 * of peers than it did. */
MUST_CHECK enum err_code
sync_carried(struct sync *sync, const struct sync_step *step, struct err *err);

/* What became of a pack. */
struct sync_result {
	uint32_t ticket;
	bool is_committed; /* false: the transaction was abandoned, nothing is
			    * known: it is offered again */
	/* Of the first delta that was not applied and not a duplicate;
	 * ADMISSION_APPLIED: there is none. */
	enum admission refused;
	uint64_t refused_seq;
	/* ADMISSION_FORK: that delta; until the call returns. */
	const struct delta *delta;
	/* What this box has of the feed could not be read (ERR_CORRUPT,
	 * ERR_IO), so nobody can say what the pack is worth: that feed waits a
	 * minute, and no other one does. The rest of the result says nothing.
	 */
	bool is_unreadable;
};
/* Call it for every ticket, after the commit (or the refusal); an unknown
 * ticket is ignored. */
MUST_CHECK enum err_code sync_admitted(struct sync *sync,
				       const struct sync_step *step,
				       const struct sync_result *result,
				       struct err *err);

/* ---- topics ---- */

/* "head/hz-07", "rep/hq/hz-07/1a2b3c4d": what comes after
 * "depot/v1/{org}/sync/". */
#define SYNC_TOPIC_SIZE 96
void sync_topic_write(const struct sync_out *out,
		      char ret_topic[SYNC_TOPIC_SIZE]);
/* Sets plane, from, to and session (borrowed from @topic). False: it is none
 * of ours. */
MUST_CHECK bool sync_topic_read(struct span topic, struct sync_in *ret_in);
/* The @index-th of the topics to subscribe to on a link; false: no more. */
MUST_CHECK bool sync_topic_wanted(struct span own_name, size_t index,
				  char ret_topic[SYNC_TOPIC_SIZE]);

/* ---- how it stands: for status, the CLI, metrics ---- */

struct sync_link_status {
	bool is_up;
	bool is_metered;
	uint64_t since_ms; /* up or down since, by the caller's clock */
	uint64_t sent;     /* payload bytes and frames, all time */
	uint64_t sent_frames;
	uint64_t received;
	uint64_t received_frames;
};
void sync_link_status(const struct sync *sync, uint32_t link,
		      struct sync_link_status *ret_status);

struct sync_peer_status {
	struct name name;
	uint32_t site;  /* 0: the roster does not know it */
	uint32_t links; /* bit n: heard on link n, which is up */
	uint64_t heard_ms;
	/* Its last head whose signature was good. */
	bool has_head;
	bool is_stale;
	uint32_t epoch;
	uint64_t seq;
	struct stamp stamp;
	bool clock_trusted;
	/* What it durably has, as it signed. */
	bool has_ack;
	struct stamp acked_stamp;
	uint64_t acked_seq;      /* of our own feed's present epoch */
	uint64_t backlog_deltas; /* of it that the peer has not */
	uint64_t backlog_entries;
	bool is_pulling; /* we fetch from it now */
	bool is_serving; /* it fetches from us now */
};
/* The @index-th peer, in order of their names; false: no more. */
MUST_CHECK bool sync_peer_at(const struct sync *sync, const struct view *view,
			     size_t index, struct sync_peer_status *ret_status);
/* What the site with that number durably has of @feed, as it signed; 0: we do
 * not know of anything. The only thing that pruning may use. */
uint64_t sync_acked(const struct sync *sync, uint32_t site,
		    struct feed_id feed);

struct sync_feed_status {
	struct feed_record record; /* as in the store */
	/* Highest seq that a peer said to have in a session, or that is here:
	 * nobody has signed for it, so it says what may still come, and is not
	 * to be shown as true. */
	uint64_t offered;
	struct name source;     /* who we fetch it from; empty: nobody */
	uint32_t pending;       /* packs that wait here */
	uint64_t pending_first; /* the lowest seq in them; 0: none waits */
	/* A range that does not come in: what is wrong at stuck_seq, said by
	 * the last refusal. 0: nothing is stuck. */
	uint64_t stuck_seq;
	enum admission stuck;
	uint64_t stuck_since_ms;
	/* A delta that is here and could not be read when it was needed, and
	 * since when that is known; 0: none. */
	uint64_t damaged_seq;
	uint64_t damaged_ms;
	/* Up to where somebody who is not lost has signed that it exists, by a
	 * head of its own feed or an ACK, and who; 0: nobody has. */
	uint64_t signed_seq;
	struct name signed_by;
	/* The same of who is lost; 0: it is no more than that. */
	uint64_t beyond_seq;
	struct name beyond_by;
	uint64_t beyond_ms; /* when that one was heard last, or our start */
};
/* The @index-th feed, by site, epoch and branch; false: no more. */
MUST_CHECK bool sync_feed_at(const struct sync *sync, size_t index,
			     struct sync_feed_status *ret_status);

/* What was refused: the last ones, newest first. */
#define SYNC_REFUSALS_MAX 32
struct sync_refusal {
	enum admission reason;
	struct feed_id feed;
	uint64_t seq;
	struct name peer;
	uint64_t ms;
};
MUST_CHECK bool sync_refusal_at(const struct sync *sync, size_t index,
				struct sync_refusal *ret_refusal);

struct sync_counts {
	uint64_t refused[ADMISSION_GARBLED + 1]; /* packs by enum admission */
	uint64_t frames_garbled; /* no frame, or of a size its plane forbids */
	uint64_t frames_newer;   /* of a newer depot: ignored */
	uint64_t frames_foreign; /* of another network */
	uint64_t frames_unasked; /* of no session of ours */
	uint64_t heads_forged;
	uint64_t acks_forged;
	uint64_t proofs_forged;
	uint64_t live_old;
	uint64_t waiting_full; /* packs dropped: no room to wait */
	uint64_t stalls;       /* sources left for silence */
	uint64_t refusals_got; /* REFUSE frames */
	uint64_t reads_failed; /* a delta that is here was not to be read */
	uint64_t packs_served;
	uint64_t packs_admitted;
	uint64_t sessions_begun;
	uint64_t sessions_equal; /* ended by equal digests */
	uint64_t haves_got;      /* peers that said what they have */
	uint32_t waiting;        /* packs now */
	uint32_t waiting_peak;
	uint32_t pulls; /* sessions now */
	uint32_t serves;
	/* There is no room for these in feeds_max: of what is here, which is
	 * neither told nor fetched then; and how often somebody spoke of one
	 * that is not. */
	uint32_t feeds_left_out;
	uint64_t feeds_no_room;
};
void sync_counts(const struct sync *sync, struct sync_counts *ret_counts);

#endif
