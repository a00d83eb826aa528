/*
 * feed - the sealed deltas of all sites, as far as this box holds them.
 *
 * Layer     store
 * Threads   sealing and admission: the writer; reading: any, through a view
 * On disk   docs/format/tables.md: TABLE_DELTA, TABLE_FEED, TABLE_SITE_BALANCE
 *
 * What always holds, and the network audit proves:
 *   - within a feed the deltas here have seqs 1, 2, 3 ... with no gap up to its
 *     head, each names the hash of the one before, and one seq has one hash;
 *   - what is in TABLE_SITE_BALANCE of a feed is the fold of exactly those,
 * less the last ->late of a feed that is sealed here;
 *   - a delta that was refused left nothing behind but a count and, bounded,
 *     its evidence.
 *
 * A site's own feed is sealed from its journal; its rows are the journal's
 * entries. Every other feed comes in as deltas, and its entries are folded
 * here and into the tables of transfers and of the network (store/roster.h),
 * never into the site's own.
 */
#ifndef DEPOT_STORE_FEED_H
#define DEPOT_STORE_FEED_H

#include "rules/ledger/entry.h"
#include "store/balance.h"
#include "store/delta.h"
#include "store/env.h"

/* On disk: the numbers never change. */
enum feed_state {
	FEED_CONTIGUOUS = 1,     /* admitted, and whole up to its head */
	FEED_WAITING_GAP = 2,    /* deltas beyond a gap were seen */
	FEED_DESYNCHRONIZED = 3, /* what peers offer does not join our head */
	FEED_FORKED = 4,         /* two deltas with one seq: a proof is held */
	FEED_FENCED = 5,         /* the roster ends it at its head or before */
	FEED_SEALED = 6,         /* its owner closed it */
	FEED_ADMITTED = 7,       /* certified, and no delta yet */
	FEED_UNKNOWN = 8,        /* heard of, and not certified */
};
#define FEED_STATE_MAX FEED_UNKNOWN
/* "waiting_gap" ... Never NULL. */
const char *feed_state_name(enum feed_state state);

struct feed_record {
	struct feed_id id;
	enum feed_state state;
	uint64_t seq; /* of the head; 0: no delta yet */
	uint8_t hash[HASH_SIZE];
	uint64_t number;    /* of the last entry within the epoch */
	struct stamp stamp; /* of the head: complete up to then */
	uint32_t clock_flags;
	uint64_t segment; /* seq at which the open segment began; 0: none */
	uint64_t lowest;  /* seq of the first delta whose rows are here */
	uint64_t rows;    /* folded, void ones included */
	uint64_t void_rows;
	struct pos control; /* known by its writer */
	/* Of a branch: the feed of the same epoch that it left (its branch),
	 * and the last seq that both share, whose deltas are that one's. Else
	 * 0. */
	uint64_t parent;
	uint64_t base;
	/* Up to here its balances count: seq, or less where a fence excludes
	 * what was here already. */
	uint64_t counted;
	/* The last so many of those are not in its balances, rows and void_rows
	 * yet. Only of a feed that is sealed here, see struct seal_plan. */
	uint64_t late;
	bool is_own;
};

/* The seq up to which TABLE_SITE_BALANCE says what the feed's deltas do. */
uint64_t feed_folded(const struct feed_record *feed);

/* ERR_NOT_FOUND  nothing is known of it (@err untouched) */
MUST_CHECK enum err_code feed_get(const struct view *view, struct feed_id id,
				  struct feed_record *ret_feed,
				  struct err *err);
/* Visits all feeds by site, epoch, branch; after @after (NULL: all). */
typedef enum err_code
feed_visit_fn(void *context, const struct feed_record *feed, struct err *err);
MUST_CHECK enum err_code feed_walk(const struct view *view,
				   const struct feed_id *after,
				   feed_visit_fn *visit, void *context,
				   struct err *err);

/* The highest (epoch, seq) of @site's feeds here; 0: none. Of control. */
MUST_CHECK enum err_code feed_newest(const struct view *view, uint32_t site,
				     struct pos *ret_newest, struct err *err);
MUST_CHECK enum err_code feed_control(const struct view *view,
				      struct pos *ret_control, struct err *err);

/* A delta as stored; its rows are borrowed as view_get says.
 * ERR_NOT_FOUND  it is not here, or pruned */
MUST_CHECK enum err_code feed_delta(const struct view *view, struct feed_id id,
				    uint64_t seq, struct delta *ret_delta,
				    struct err *err);
struct delta_place {
	struct feed_id feed;
	uint64_t seq;
};
/* Only the hash that a feed had at @seq (0: zeros). */
MUST_CHECK enum err_code feed_hash_at(const struct view *view,
				      struct feed_id id, uint64_t seq,
				      uint8_t ret_hash[HASH_SIZE],
				      struct err *err);

/* Why a row says nothing, on every node alike. Its bytes stay in the delta. On
 * disk: the numbers never change. */
enum void_reason {
	VOID_ROWS = 1,      /* the delta's rows are not in their one form */
	VOID_GARBLED = 2,   /* the row's entry is not in its one form */
	VOID_UNSOUND = 3,   /* entry_is_sound says no */
	VOID_FOUNDING = 4,  /* not first, or of another network or key */
	VOID_AUTHORITY = 5, /* not its writer's to say */
	VOID_OVERFLOW = 6,  /* a sum would leave 64 bits */
};
#define VOID_REASON_MAX VOID_OVERFLOW
/* "authority" ... Never NULL. */
const char *void_reason_name(enum void_reason reason);

/* Visits the void rows of a feed, of which the first FEED_VOIDS_MAX are listed
 * (struct feed_record counts all of them). */
#define FEED_VOIDS_MAX 64
typedef enum err_code feed_void_visit_fn(void *context, struct pos pos,
					 enum void_reason reason,
					 struct err *err);
MUST_CHECK enum err_code feed_void_walk(const struct view *view,
					struct feed_id feed,
					feed_void_visit_fn *visit,
					void *context, struct err *err);

/*
 * Visits the last entry that site @site's feeds hold of each thing of @kind, by
 * its key: of ENTRY_STATUS one, of ENTRY_ALERT by id (closed ones too), of
 * ENTRY_TASK, ENTRY_CHECK and ENTRY_CHECK_RESULT by the check's or task's id,
 * of ENTRY_SUCCESSION and ENTRY_CLOSING one, of ENTRY_ITEM and ENTRY_CODE by
 * SKU and code: what a site says of them is its proposal. Other kinds: none are
 * kept; nor what the master feed says of items and codes (store/catalogue.h).
 */
typedef enum err_code feed_latest_visit_fn(void *context, struct pos pos,
					   const struct entry *entry,
					   struct err *err);
MUST_CHECK enum err_code feed_latest_walk(const struct view *view,
					  uint32_t site, enum entry_kind kind,
					  feed_latest_visit_fn *visit,
					  void *context, struct err *err);

/* The same one by one, of ENTRY_ITEM or ENTRY_CODE (@latest's entry says
 * which): the one called @name, or the next one behind @after (empty: the
 * first). ERR_NOT_FOUND  there is none */
struct latest {
	struct pos pos;
	struct entry entry;
};
MUST_CHECK enum err_code feed_latest_get(const struct view *view, uint32_t site,
					 struct span name,
					 struct latest *latest,
					 struct err *err);
MUST_CHECK enum err_code feed_latest_next(const struct view *view,
					  uint32_t site, struct span after,
					  struct latest *latest,
					  struct err *err);

/* ---- the desk: what sealing and admitting need in memory ---- */

/*
 * Holds the segment states (store/rows.h) of the feeds that were used last,
 * FEED_DESK_ROWS_MAX of them; one that is not there is read again from its
 * segment's deltas. One desk a store, the writer's. After a transaction that
 * did not commit, call feed_desk_abandon before the next.
 */
#define FEED_DESK_ROWS_MAX 16
struct feed_desk;
MUST_CHECK enum err_code feed_desk_open(const uint8_t net_id[NET_ID_SIZE],
					struct feed_desk **ret_desk,
					struct err *err);
void feed_desk_close(struct feed_desk *desk); /* takes NULL */
/* The network's id that it was opened with. */
const uint8_t *feed_desk_net(const struct feed_desk *desk);
void feed_desk_committed(struct feed_desk *desk);
void feed_desk_abandon(struct feed_desk *desk);

/* ---- sealing ---- */

struct seal_plan {
	uint32_t site;
	const struct signer *signer; /* of the journal's epoch */
	struct moment now;
	bool clock_trusted;
	uint64_t boot;
	uint32_t rows_max; /* 1 to DELTA_ROWS_MAX */
	/* More is coming: FEED_LATE_MAX deltas may wait for their movements to
	 * be folded into TABLE_SITE_BALANCE, all at once. Each movement has a
	 * page or two of it, a thousand have the same ones. */
	bool is_busy;
};
#define FEED_LATE_MAX 32

/* Entries of the journal that are in no delta yet. */
MUST_CHECK enum err_code feed_unsealed(const struct view *view, uint32_t site,
				       uint64_t *ret_count, struct err *err);

/*
 * Seals up to @plan->rows_max of the journal's unsealed entries into the next
 * delta of the own feed, and marks it as this box's. *@ret_seq is its seq, 0 if
 * there was nothing to seal. Call again until it is 0 to seal all.
 *
 * An epoch that ended with unsealed entries is sealed to its end first, with
 * its own key; feed_seal says ERR_DENIED and names the epoch if @signer is not
 * that epoch's. (Unless the epoch after it begins with a succession: that one's
 * parent is left as its peers have it.)
 *
 * Unless @plan is busy, what was late of @plan->site's feeds is folded, too,
 * also where nothing was to seal.
 *
 * ERR_CONFLICT  the feed has ended, by a fence or its own closing, or the store
 *               is marked as behind it (store/site.h): a new epoch has to be
 *               opened
 * ERR_FULL      no room in the map: abandon
 */
MUST_CHECK enum err_code feed_seal(struct feed_desk *desk, struct txn *txn,
				   const struct seal_plan *plan,
				   uint64_t *ret_seq, struct err *err);

/*
 * Writes entries straight into a feed that has no journal: HQ's control and
 * master feeds. @entries are encoded; one delta. They are folded as anybody
 * else's are (roster_fold).
 */
struct feed_write {
	struct feed_id id;
	struct seal_plan plan; /* site is not used */
	const struct span *entries;
	size_t count;
};
/* ERR_INVALID  more than a delta holds, or an entry that this feed may not say:
 *              abandon */
MUST_CHECK enum err_code feed_write(struct feed_desk *desk, struct txn *txn,
				    const struct feed_write *write,
				    uint64_t *ret_seq, struct err *err);

/* ---- admission ---- */

enum admission {
	ADMISSION_APPLIED = 1,
	ADMISSION_DUPLICATE, /* here already, with the same hash */
	ADMISSION_GAP,      /* beyond the next seq: keep it, ask for the rest */
	ADMISSION_STRANGER, /* the roster has no certificate for it (yet) */
	ADMISSION_FORK,     /* same seq, other hash, good signature: a proof */
	ADMISSION_FENCED,   /* beyond its fence, its seal or its certificate */
	ADMISSION_FORGED,   /* the signature is not the epoch's key's */
	ADMISSION_BROKEN,   /* it does not follow our head's hash: the feed is
			     * desynchronized until HAVE shows where */
	ADMISSION_GARBLED,  /* rows or hash are not what the header says */
};
const char *admission_name(enum admission admission);

/*
 * The first delta of a control epoch carries the root's statement, which names
 * the key that signs it, and that of an epoch which succeeds another one
 * carries its parent's (store/heir.h): those are judged with their rows there.
 *
 * Judges a delta before any transaction: its certificate and fence as @view
 * has them, and its signature. The rows need not be there.
 * *@ret_admission: APPLIED means that nothing speaks against it so far.
 */
MUST_CHECK enum err_code feed_judge(const struct view *view,
				    const uint8_t net_id[NET_ID_SIZE],
				    const struct delta *delta, uint64_t branch,
				    enum admission *ret_admission,
				    struct err *err);

/*
 * Admits a judged delta with its rows (whose hash has been checked), in one
 * transaction with its effects: stored, decoded, void rows marked, folded, the
 * head moved. Only ADMISSION_APPLIED changed anything. Looks again at what may
 * have changed since feed_judge (head, fence), not at the signature.
 *
 * A delta whose rows are not in their one form is applied too: all its rows are
 * void, and the next one goes on from the state before it. Likewise if its
 * entries take more than FEED_ENTRIES_SIZE_MAX bytes written out.
 *
 * A delta of this box's own feed that is not here is taken like any other: so
 * the own suffix comes back after a rollback (store/succession.h). Whoever goes
 * on writing that feed must not hand one in; he asks store/guard.h.
 *
 * ERR_FULL  no room in the map: abandon
 */
#define FEED_ENTRIES_SIZE_MAX 262144
MUST_CHECK enum err_code feed_admit(struct feed_desk *desk, struct txn *txn,
				    struct feed_id id,
				    const struct delta *delta,
				    enum admission *ret_admission,
				    struct err *err);

/* ---- what was refused ---- */

struct feed_refusal {
	uint32_t site; /* SITE_NONE: of more sites than are counted apart */
	uint32_t epoch;
	enum admission admission;
	uint64_t count;
	uint64_t last_seq;
	struct moment last;
};

/* Counts a delta that was not admitted. Duplicates and gaps are no refusals.
 * FEED_REFUSALS_MAX rows, whatever comes. */
#define FEED_REFUSALS_MAX 256
MUST_CHECK enum err_code feed_refused(struct txn *txn,
				      const struct delta_header *header,
				      enum admission admission,
				      struct moment now, struct err *err);
typedef enum err_code feed_refusal_visit_fn(void *context,
					    const struct feed_refusal *refusal,
					    struct err *err);
MUST_CHECK enum err_code feed_refusal_walk(const struct view *view,
					   feed_refusal_visit_fn *visit,
					   void *context, struct err *err);

/* ---- what a delta says ---- */

/*
 * Visits the entries of delta @seq of a feed, void ones too; none if its rows
 * are not in their one form, and none of a kind that this depot does not know.
 * @desk is for reading only and the caller's own, never the writer's: deltas
 * that are asked for one behind the other are read once.
 * ERR_NOT_FOUND  the delta, or one of its segment, is not here
 */
typedef enum err_code feed_entry_visit_fn(void *context, struct pos pos,
					  const struct entry *entry,
					  struct err *err);
MUST_CHECK enum err_code feed_entries(struct feed_desk *desk,
				      const struct view *view,
				      const struct delta_place *place,
				      feed_entry_visit_fn *visit, void *context,
				      struct err *err);

/* The header of the delta that has entry @number: its stamp tells when that was
 * sealed.
 * ERR_NOT_FOUND  it is not here */
MUST_CHECK enum err_code feed_sealed_at(const struct view *view,
					const struct feed_record *feed,
					uint64_t number,
					struct delta_header *ret_header,
					struct err *err);

/* ---- what is told twice ---- */

/*
 * Finds out whether an entry counts where it stands (docs/protocol/sync.md,
 * "What is told twice"): after a succession or a fork the same words may stand
 * in two feeds of a site. Memory of its own; for one thread, and one view after
 * the other (told_forget between views that are not of one transaction).
 */
struct told;
MUST_CHECK enum err_code told_open(const uint8_t net_id[NET_ID_SIZE],
				   struct told **ret_told, struct err *err);
void told_close(struct told *told); /* takes NULL */
void told_forget(struct told *told);
struct told_entry {
	const struct feed_record *feed; /* in which it stands */
	struct pos pos;
	const struct entry *entry;
};
/* *@ret_is: it counts at another place, and not here. */
MUST_CHECK enum err_code told_elsewhere(struct told *told,
					const struct view *view,
					const struct told_entry *what,
					bool *ret_is, struct err *err);

/* ---- rebuilding ---- */

/* Folds what is late of @site's feeds. Errors as feed_rebuild. */
MUST_CHECK enum err_code feed_fold_late(struct feed_desk *desk, struct txn *txn,
					uint32_t site, struct err *err);

/*
 * Folds again, from the deltas that are here, all that is derived from them:
 * balances, the roster, what others say of transfers, latest entries. Nothing
 * of it may be damaged so far that TABLE_DELTA or the records cannot be read.
 * Errors as feed_admit; ERR_CORRUPT: a delta is missing or damaged.
 */
MUST_CHECK enum err_code feed_rebuild(struct feed_desk *desk, struct txn *txn,
				      struct err *err);

/* ---- forks ---- */

/* Two signed headers with one site, epoch and seq: anybody who has the
 * certificate can check it. FORK_PROOF_SIZE bytes at most of what a depot
 * signs, and FORK_PROOF_SIZE_MAX of whatever has a good signature: needs are
 * the writer's to choose, and a liar's proof has to be kept all the same. */
#define FORK_PROOF_SIZE 400
#define FORK_PROOF_SIZE_MAX 704
struct fork_proof {
	struct delta_header first; /* the one with the smaller hash */
	uint8_t first_signature[SIGNATURE_SIZE];
	struct delta_header second;
	uint8_t second_signature[SIGNATURE_SIZE];
};
void fork_proof_write(struct writer *writer, const struct fork_proof *proof);
MUST_CHECK enum err_code fork_proof_read(struct reader *reader,
					 struct fork_proof *ret_proof);
MUST_CHECK bool fork_proof_verify(const uint8_t public_key[KEY_PUBLIC_SIZE],
				  const uint8_t net_id[NET_ID_SIZE],
				  const struct fork_proof *proof);
/*
 * Keeps a verified proof (FORK_PROOFS_MAX a feed; more are let go) and sets the
 * feed forked. From then on, on every node alike, branch 0 is what all branches
 * share and ends before the proof's seq; each side of the proof is a feed of
 * its own, named by the first 8 bytes of its hash there, with what was here of
 * it. Where what was here follows on the same delta and is neither side, it is
 * a third branch, and a proof of that is kept, too, for others to hear of it.
 * Deltas beyond the fork are judged and admitted under those names. Nothing
 * is lost, others go on. A copy of our own feed is split like any other: this
 * box's part goes on under its branch. Of HQ's control no branch counts: the
 * root key has to sign a new epoch that follows on what they share.
 */
#define FORK_PROOFS_MAX 4
MUST_CHECK enum err_code fork_note(struct feed_desk *desk, struct txn *txn,
				   const struct fork_proof *proof,
				   struct err *err);
/* The name of a branch that begins with the delta of @hash. */
uint64_t feed_branch_of(const uint8_t hash[HASH_SIZE]);
typedef enum err_code
fork_visit_fn(void *context, const struct fork_proof *proof, struct err *err);
MUST_CHECK enum err_code fork_walk(const struct view *view,
				   fork_visit_fn *visit, void *context,
				   struct err *err);

/* ---- balances of a feed ---- */

/*
 * Visits what a feed's deltas moved where, by SKU and place, as text: byte
 * order, the same on every box. Own feed: as sealed.
 */
struct site_balance_key {
	struct feed_id feed; /* a row with more than BALANCE_CELLS_MAX cells
			      * comes in parts */
	struct sku item;
	struct place place;
};
typedef enum err_code site_balance_visit_fn(void *context,
					    const struct site_balance_key *key,
					    const struct balance *balance,
					    struct err *err);
MUST_CHECK enum err_code site_balance_walk(const struct view *view,
					   const struct feed_id *feed,
					   site_balance_visit_fn *visit,
					   void *context, struct err *err);
/* The same of one item. */
MUST_CHECK enum err_code site_balance_item(const struct view *view,
					   struct feed_id feed,
					   struct span item,
					   site_balance_visit_fn *visit,
					   void *context, struct err *err);
/* The first SKU behind @after (empty: of all) that the feed has a balance of.
 * ERR_NOT_FOUND  none is left */
MUST_CHECK enum err_code
site_balance_next(const struct view *view, struct feed_id feed,
		  struct span after, struct sku *ret_item, struct err *err);
/* BLAKE2b-256 over a feed's rows of balances in that order: what two boxes
 * with the same deltas must agree on. */
MUST_CHECK enum err_code
feed_digest(const struct view *view, const uint8_t net_id[NET_ID_SIZE],
	    struct feed_id id, uint8_t ret_digest[HASH_SIZE], struct err *err);

/* The vector: BLAKE2b-128 over (site, epoch, branch, seq, hash) of all feeds
 * with a delta, in order. Equal digests: nothing to talk about. */
#define VECTOR_DIGEST_SIZE 16
MUST_CHECK enum err_code
feed_vector_digest(const struct view *view, const uint8_t net_id[NET_ID_SIZE],
		   uint8_t ret_digest[VECTOR_DIGEST_SIZE], struct err *err);

/* The same as others are told it: @as may give a feed an earlier seq, with its
 * hash, or none at all (seq = base). */
struct feed_telling {
	void (*as)(void *context, struct feed_record *feed);
	void *context;
};
MUST_CHECK enum err_code
feed_vector_digest_as(const struct view *view,
		      const uint8_t net_id[NET_ID_SIZE],
		      const struct feed_telling *telling,
		      uint8_t ret_digest[VECTOR_DIGEST_SIZE], struct err *err);

#endif
