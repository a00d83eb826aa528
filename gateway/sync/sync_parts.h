/*
 * sync_parts - the engine's state, and what its files need of each other.
 *
 * Layer     sync; included by sync*.c only
 * Threads   as sync.h says
 *
 * Tables of fixed size, taken at sync_open. Feeds, peers, pulls and serves are
 * called by their index, which stays; NONE is none.
 */
#ifndef DEPOT_SYNC_SYNC_PARTS_H
#define DEPOT_SYNC_SYNC_PARTS_H

#include "gateway/sync/frame.h"
#include "gateway/sync/sync.h"

#define NONE UINT32_MAX

/* A pack counts for at least this much credit: so many bytes of credit are so
 * many packs that wait, however small they are. */
#define COST_MIN 4096
#define PAST_MAX 512
#define PACK_ROOM (SYNC_FRAME_SIZE_MAX - FRAME_PACK_BEFORE)
#define WINDOW_MIN (SYNC_FRAME_SIZE_MAX + COST_MIN)
#define WAITING_MIN 16
#define SERVE_CREDIT_MAX (1u << 20)
#define SERVE_IDLE_MS 60000
#define SERVE_FRAMES_STEP 16
#define SERVE_LITTLE 8     /* deltas: what shares a frame with others */
#define NEWS_MAX 8         /* deltas of news at once; more is backlog */
#define NEWS_PENDING_MAX 4 /* packs of news of one feed beyond a gap */
#define NEWS_SENDERS 4     /* one's news beyond gaps: so much of the reserve */
#define GRACE_MS 2000      /* a head runs ahead of its news */
#define PENDING_MS 60000   /* a pack beyond a gap waits so long */
#define BLOCKED_MS 60000
#define HELLO_TRIES_MAX 3
#define HELLO_SPACING_MS 1000
/* All that we have is said again so often at most, whoever asks in whose name:
 * it is 4 KiB for a few bytes, and a link may be metered. */
#define BASE_SPACING_MS 10000
#define QUIET_MS_MIN 30000
#define QUIET_MS_MAX 480000
#define KEEP_ROWS_TICK 64
#define PROOFS_SAID_MAX 8

/* ---- feeds ---- */

struct feed_row {
	bool is_used;
	bool is_here; /* the store knows it */
	struct feed_record record;
	uint64_t changed; /* the number of the vector that came of it */
	uint32_t source;  /* the pull that fetches it */
	uint64_t offered;
	uint64_t told; /* own: up to there it was news */
	/* Not asked for until then, or until the roster grew. */
	uint64_t blocked_until_ms;
	uint64_t stuck_seq;
	enum admission stuck;
	uint64_t stuck_since_ms;
	uint64_t proved_ms; /* when a fork of it was shown, last */
	/* Could not be read, and since when that is known; 0: none. */
	uint64_t damaged_seq;
	uint64_t damaged_ms;
	bool is_mark; /* for one walk */
};

/* ---- peers ---- */

/* What a peer has of a feed, and what we last told it that we have. */
struct acked {
	uint64_t seq;
	uint64_t hash_start;
	uint64_t kept; /* as in TABLE_PEER */
	/* As in the ACK that ack_label names. That may be less: two boxes of
	 * one name, or one that was set back. */
	uint64_t base;
	uint64_t base_hash;
	uint64_t ours;  /* told by our ACKs */
	uint64_t offer; /* in the pull under way */
	/* In the same: what the server is to send next; 0: it was not asked. */
	uint64_t awaited;
};

/* Who asks us in a peer's name on one link: whoever has that name elsewhere is
 * another box for all that we know, and costs this one nothing. */
struct asker {
	uint64_t hello_ms;
	uint32_t hello_session;
	uint64_t refuse_ms;
	uint64_t rate_ms;
	uint64_t rate_left; /* bytes it may be served now */
	uint32_t serve;     /* NONE: no session */
};

struct peer {
	bool is_used;
	struct name name;
	uint32_t site;
	uint32_t links;     /* heard on */
	uint32_t link_last; /* of the last session */
	uint64_t heard_ms;
	/* Where it is: on that link it is told things. NONE: not heard yet. */
	uint32_t link_heard;
	uint64_t link_heard_ms;

	bool was_asked; /* self.ask */
	bool has_head;  /* signed, and good */
	bool has_hint;  /* somebody said so: not verified */
	struct frame_head head;
	uint64_t head_ms;
	/* A digest of its vector all of which is here: vectors only grow. */
	uint8_t covered[VECTOR_DIGEST_SIZE];

	/* What it has. */
	uint32_t ack_epoch;
	uint64_t ack_label;
	struct stamp ack_stamp;
	struct acked *feeds;
	bool is_dirty; /* TABLE_PEER is behind */

	/* What we told it, or it had as we did. */
	uint64_t our_label; /* of an ACK; the beginning of a vector's digest */
	bool is_level_due;  /* that we had it as it did */
	uint64_t base_ms;   /* when it last asked for all of it; 0: never */
	uint64_t our_stamp;
	uint64_t our_ack_ms;
	bool is_ack_due;
	bool has_news;          /* of it was committed, and is not ACKed */
	struct stamp all_stamp; /* its signed head had our very digest then */

	/* When to fetch from it. 0: no reason to. */
	uint64_t pull_ms;
	bool has_more; /* its news said so */
	uint64_t pull_end_ms;
	uint64_t refused_until_ms;
	uint64_t quiet_ms; /* how long to wait if there was nothing new */
	uint32_t pull;

	struct asker askers[SYNC_LINKS_MAX];
};

/* ---- sessions ---- */

enum pull_state {
	PULL_FREE,
	PULL_HELLO,    /* said HELLO */
	PULL_FETCHING, /* heard HAVE */
};

/* The search for the position at which a feed parted: our hash at @same is
 * the peer's too, at @differs it is not. */
struct search {
	uint32_t feed; /* NONE: no search */
	uint64_t same;
	uint64_t differs;
	uint64_t asked; /* the answer is to come; 0: none is */
	uint32_t tries; /* of asking for it */
	bool has_begun;
};

struct pull {
	enum pull_state state;
	uint32_t peer;
	uint32_t link;
	uint32_t session;
	uint32_t tries;
	uint64_t said_ms;   /* HELLO, last */
	uint64_t useful_ms; /* something useful came, or was granted */
	uint64_t window;
	uint64_t granted;  /* told to the server */
	uint64_t received; /* cost of what came */
	uint64_t freed;    /* cost of what is dealt with */
	uint64_t wants;    /* said */
	bool has_news;     /* something was fetched */
	bool is_short;     /* something that the server has cannot be had */
	uint8_t digest[VECTOR_DIGEST_SIZE]; /* of the server's vector */
	struct search search;
};

struct serve {
	bool is_used;
	uint32_t peer;
	uint32_t link;
	uint32_t session;
	uint64_t heard_ms;
	uint64_t granted;
	uint64_t sent;
	uint64_t wants; /* the number of the last */
	uint32_t count;
	uint32_t turn;
	struct frame_range ranges[WANT_RANGES_MAX];
};

/* ---- packs that wait ---- */

enum slot_state {
	SLOT_FREE,
	SLOT_WAITING,
	SLOT_OUT, /* with the caller */
};

struct slot {
	enum slot_state state;
	uint32_t generation;
	uint32_t feed;
	uint32_t peer;
	uint32_t session; /* of the pull that it belongs to; 0: news */
	struct pack pack;
	size_t size;
	uint64_t order;
	uint64_t since_ms;
	uint8_t *bytes;
};

struct link {
	struct sync_link_status status;
	bool is_head_due; /* something of ours changed since */
	bool is_changed;  /* something did */
	uint64_t head_ms;
	bool has_head;                           /* said since it came up */
	uint8_t head_digest[VECTOR_DIGEST_SIZE]; /* of our vector, as it said */
	/* Since the last tick it took no head, or nothing else: what costs a
	 * signature or a compression is not made in vain with each event. */
	bool is_head_full;
	bool is_full;
};

struct sync {
	struct sync_config config;
	struct sync_port port;
	struct sync_self self;
	struct sync_counts counts;
	uint64_t random;
	uint64_t order; /* of packs that came */

	uint8_t *block; /* all that follows lies in it */
	struct link links[SYNC_LINKS_MAX];
	struct feed_row *feeds;
	uint32_t *feed_order; /* by id */
	uint32_t feed_count;
	struct peer *peers;
	uint32_t *peer_order; /* by name */
	uint32_t peer_count;
	struct acked *acked; /* peers x feeds */
	struct pull *pulls;
	struct serve *serves;
	uint32_t serve_turn;
	struct slot *slots;
	uint8_t *slot_bytes;
	uint32_t *free_slots; /* a stack: memory that was touched comes first */
	uint32_t free_count;
	uint32_t reserve;   /* of them for news */
	uint32_t news_held; /* of them with news: at most so many */

	struct packer *packer;
	struct unpacker *unpacker;
	uint8_t *frame_bytes; /* of SYNC_FRAME_SIZE_MAX: what is sent */
	uint8_t *list_bytes;  /* of SYNC_FRAME_SIZE_MAX: lists in it */

	bool is_grown; /* the feeds have to be read again */
	uint8_t digest[VECTOR_DIGEST_SIZE];
	/* Those of our vector before, by its number: a ring. Who has one of
	 * them has nothing that we have not, and lacks what changed since. */
	uint8_t past[PAST_MAX][VECTOR_DIGEST_SIZE];
	uint64_t past_count; /* the number of the present one */
	struct pos control;
	uint64_t control_ms;    /* when it grew last, plus 1; 0: not yet */
	struct frame_head said; /* our last head, of whatever link */
	bool is_alarm_due;
	uint64_t first_ms; /* of the first step */
	uint64_t last_ms;

	struct sync_refusal refusals[SYNC_REFUSALS_MAX];
	uint64_t refusal_count;

	/* Of the event under way. */
	struct sync_now now;
	const struct view *view;
};

/* ---- sync.c ---- */

/* Writes @frame and sends it. */
bool sync_say(struct sync *sync, struct sync_out *out,
	      const struct frame *frame);
/* The same for bytes that are there. */
bool sync_send(struct sync *sync, struct sync_out *out, struct span payload);
uint32_t sync_random(struct sync *sync); /* never 0 */
bool link_is_up(const struct sync *sync, uint32_t link);
/* It is, and there may be room for what is no head. */
bool link_takes(const struct sync *sync, uint32_t link);

/* ---- sync_feed.c ---- */

uint32_t feed_find(const struct sync *sync, struct feed_id id);
/* Finds or makes a row for a feed that somebody speaks of; NONE: no room. */
uint32_t feed_row_of(struct sync *sync, struct feed_id id);
/* Reads all feeds' heads again. */
enum err_code feeds_read(struct sync *sync, struct err *err);
/* It is ours, and nobody's business but ours. */
bool feed_is_own(const struct sync *sync, const struct feed_row *row);
/* The feed of our own journal; NONE: none yet. */
uint32_t feed_own(const struct sync *sync);
/* It ends where its branches begin. */
bool feed_is_split(const struct sync *sync, const struct feed_row *row);
/* What seq the packs that wait here would bring it to, without a gap. */
uint64_t feed_reach(const struct sync *sync, uint32_t feed);
/* The same by what sessions fetched alone: anybody may make up news, and what
 * is fetched must not depend on it before it is judged. */
uint64_t feed_fetched(const struct sync *sync, uint32_t feed);
/* Our hash at @seq, first bytes; ERR_NOT_FOUND: we have no such delta. */
enum err_code feed_hash_start(struct sync *sync, uint32_t feed, uint64_t seq,
			      uint64_t *ret_start, struct err *err);
bool feed_is_blocked(const struct sync *sync, const struct feed_row *row);
/* True if @code says that its delta @seq could not be read, which is counted
 * and kept for who asks. It is no reason to leave the other feeds alone. */
bool feed_is_damaged(struct sync *sync, uint32_t feed, uint64_t seq,
		     enum err_code code);
/* It is not fetched for a while. */
void feed_pause(struct sync *sync, uint32_t feed);

/* ---- sync_peer.c, sync_ack.c ---- */

uint32_t peer_find(const struct sync *sync, struct span name);
/* Finds or makes one; NONE: no room. */
uint32_t peer_of(struct sync *sync, struct span name);
/* It was heard on @in's link. */
void peer_heard(struct sync *sync, struct peer *peer, const struct sync_in *in);
enum err_code peers_load(struct sync *sync, struct err *err);
/* The key by which (site, epoch) signs, if its name is @name.
 * ERR_NOT_FOUND: the roster does not say; ERR_DENIED: another's name. */
enum err_code peer_key(struct sync *sync, uint32_t site, uint32_t epoch,
		       struct span name, uint8_t ret_key[KEY_PUBLIC_SIZE],
		       struct err *err);
/* All that @peer has, or had when its vector had @digest, is here. */
void peer_covers(struct sync *sync, uint32_t peer,
		 const uint8_t digest[VECTOR_DIGEST_SIZE]);
bool peer_is_covered(const struct sync *sync, uint32_t peer,
		     const uint8_t digest[VECTOR_DIGEST_SIZE]);
/* The number of our last vector whose digest begins with @start: the present
 * one, or one before. False: it is not known (any more). */
MUST_CHECK bool vector_find(const struct sync *sync, uint64_t start,
			    uint64_t *ret_number);
enum err_code peer_on_ack(struct sync *sync, uint32_t peer, uint32_t link,
			  const struct frame *frame, struct err *err);
/* Its head, which is good, has the digest of our vector of that @number. */
MUST_CHECK enum err_code peer_has(struct sync *sync, uint32_t peer,
				  uint64_t number, struct err *err);
/* Control has moved: of whom HQ has ended nothing is known any more. */
MUST_CHECK enum err_code peers_judge(struct sync *sync, struct err *err);
void peers_ack(struct sync *sync);
void peers_keep(struct sync *sync);

/* ---- sync_slot.c ---- */

/* Takes a copy of @bytes. NONE: no room; the oldest news beyond a gap makes way
 * for news. @like: its feed, peer, session, pack.
 */
uint32_t slot_take(struct sync *sync, const struct slot *like,
		   struct span bytes);
/* Frees the packs of @feed that wait and came in @session (0: news), or all. */
void slots_drop(struct sync *sync, uint32_t feed, uint32_t session);
bool slots_hold(const struct sync *sync, uint32_t session);
enum err_code slots_pump(struct sync *sync, struct err *err);
/* Nobody can say what became of it: it is offered again, and what went in is a
 * duplicate then. */
void slot_again(struct sync *sync, uint32_t ticket);
enum err_code slot_on_result(struct sync *sync,
			     const struct sync_result *result, struct err *err);
uint64_t slot_cost(size_t size);
void refusal_note(struct sync *sync, enum admission reason, struct feed_id feed,
		  uint64_t seq, uint32_t peer);

/* ---- sync_pull.c ---- */

/* There is a reason to fetch from @peer, from @at_ms on. */
void pull_want(struct sync *sync, uint32_t peer, uint64_t at_ms);
/* The same for all who may have something. */
void pull_want_all(struct sync *sync, uint64_t at_ms);
uint32_t pull_of_session(const struct sync *sync, uint32_t session);
void pull_on_refuse(struct sync *sync, uint32_t pull,
		    const struct frame_refuse *refuse);
/* A pack of @session was dealt with: what it cost may be granted again. */
void pull_freed(struct sync *sync, uint32_t session, uint64_t cost);
/* What @peer gave of @feed is no good: others may be asked. */
void pull_spoiled(struct sync *sync, uint32_t session, uint32_t feed);
void pull_end(struct sync *sync, uint32_t pull);
bool pull_say(struct sync *sync, const struct pull *pull,
	      const struct frame *frame);
enum err_code pulls_pump(struct sync *sync, struct err *err);

/* ---- sync_fetch.c ---- */

enum err_code pull_on_have(struct sync *sync, uint32_t pull,
			   const struct frame *frame, struct err *err);
enum err_code pull_on_batches(struct sync *sync, uint32_t pull,
			      const struct frame *frame, struct err *err);
/* Something that was asked for has yet to come. */
bool fetch_is_open(struct sync *sync, uint32_t pull);
/* Asks for what comes next. False: there is nothing. */
bool fetch_ask(struct sync *sync, uint32_t pull);
/* Grants what was freed, when it is worth a frame. */
void fetch_credit(struct sync *sync, struct pull *pull);

/* ---- sync_serve.c ---- */

enum err_code serve_on_hello(struct sync *sync, uint32_t peer, uint32_t link,
			     const struct frame *frame, struct err *err);
void serve_on_want(struct sync *sync, uint32_t peer, uint32_t link,
		   const struct frame *frame);
void serve_on_credit(struct sync *sync, uint32_t peer, uint32_t link,
		     const struct frame *frame);
void serve_refuse(struct sync *sync, uint32_t peer, uint32_t link,
		  uint32_t session, struct frame_refuse refuse);
void serve_end(struct sync *sync, uint32_t serve);
enum err_code serves_pump(struct sync *sync, struct err *err);

/* ---- sync_live.c ---- */

enum err_code live_on_frame(struct sync *sync, uint32_t peer,
			    const struct frame *frame, struct err *err);
enum err_code live_pump(struct sync *sync, struct err *err);

/* ---- sync_head.c ---- */

enum err_code head_on_frame(struct sync *sync, uint32_t peer,
			    const struct sync_in *in, const struct frame *frame,
			    struct err *err);
enum err_code head_on_own(struct sync *sync, const struct sync_in *in,
			  const struct frame *frame, struct err *err);
enum err_code heads_pump(struct sync *sync, struct err *err);
uint64_t head_interval_ms(const struct sync *sync);

/* ---- sync_fork.c ---- */

/* @peer says that it has @feed at @seq with another hash than ours. */
void fork_suspect(struct sync *sync, uint32_t pull, uint32_t feed,
		  uint64_t seq);
/* The seq to ask for next in the search of @pull; 0: no search. */
uint64_t fork_ask(struct pull *pull);
/* The answer: a pack with the delta that was asked for. */
enum err_code fork_on_pack(struct sync *sync, uint32_t pull, struct span bytes,
			   const struct pack *pack, struct err *err);
/* A delta that is not ours at a position that we have. */
enum err_code fork_found(struct sync *sync, uint32_t feed, uint32_t peer,
			 const struct delta *theirs, struct err *err);
enum err_code fork_on_proof(struct sync *sync, uint32_t peer,
			    const struct frame *frame, struct err *err);
enum err_code alarm_pump(struct sync *sync, struct err *err);
/* Shows @out's addressee the forks that are known here. */
enum err_code proofs_say(struct sync *sync, struct sync_out *out,
			 struct err *err);

#endif
