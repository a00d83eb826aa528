/*
 * Forks: proofs, and branches.
 *
 * On every node branch 0 ends where the branches part, and each branch goes by
 * its own first hash: so the feeds of two nodes that hold the same deltas are
 * the same ones, whichever branch came first to each.
 */
#include <string.h>

#include "store/feed_parts.h"

#define PROOF_ROW_SIZE_MAX (FORK_PROOF_SIZE_MAX + 16)

uint64_t feed_branch_of(const uint8_t hash[HASH_SIZE])
{
	struct reader reader;

	reader_init(&reader, hash, HASH_SIZE);
	return read_u64(&reader);
}

/* ---- proofs that are kept ---- */

static struct key proofs_key(uint32_t site, uint32_t epoch)
{
	struct key key = {.size = 0};

	key_add_u8(&key, FEED_PROOF);
	key_add_u32(&key, site);
	key_add_u32(&key, epoch);
	return key;
}

struct proof_walk {
	fork_visit_fn *visit;
	void *context;
};

static enum err_code proof_visit(void *context, struct span key,
				 struct span value, struct err *err)
{
	const struct proof_walk *walk = context;
	struct fork_proof proof;
	struct reader reader;
	enum err_code code = row_open(TABLE_FEED, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	if (fork_proof_read(&reader, &proof) != ERR_OK || !reader_done(&reader))
		return row_garbled(TABLE_FEED, err);
	return walk->visit(walk->context, &proof, err);
}

enum err_code fork_walk(const struct view *view, fork_visit_fn *visit,
			void *context, struct err *err)
{
	struct proof_walk walk = {visit, context};
	struct key prefix = {.size = 0};

	key_add_u8(&prefix, FEED_PROOF);
	return view_walk(view, TABLE_FEED, key_span(&prefix), key_span(&prefix),
			 proof_visit, &walk, err);
}

static enum err_code epoch_proofs_walk(const struct view *view, uint32_t site,
				       uint32_t epoch, fork_visit_fn *visit,
				       void *context, struct err *err)
{
	struct proof_walk walk = {visit, context};
	struct key prefix = proofs_key(site, epoch);

	return view_walk(view, TABLE_FEED, key_span(&prefix), key_span(&prefix),
			 proof_visit, &walk, err);
}

struct proof_list {
	size_t count;
	struct fork_proof at[FORK_PROOFS_MAX];
};

static enum err_code list_add(void *context, const struct fork_proof *proof,
			      struct err *err)
{
	struct proof_list *list = context;

	(void)err;
	if (list->count == FORK_PROOFS_MAX)
		return ERR_STOPPED;
	list->at[list->count++] = *proof;
	return ERR_OK;
}

static enum err_code proofs_of(const struct view *view, struct feed_id id,
			       struct proof_list *ret_list, struct err *err)
{
	enum err_code code;

	ret_list->count = 0;
	code = epoch_proofs_walk(view, id.site, id.epoch, list_add, ret_list,
				 err);
	return code == ERR_STOPPED ? ERR_OK : code;
}

enum err_code fork_first(const struct view *view, struct feed_id id,
			 uint64_t *ret_seq, struct err *err)
{
	UNINITIALIZED struct proof_list list;
	enum err_code code = proofs_of(view, id, &list, err);

	if (code == ERR_OK) /* they are in order */
		*ret_seq = list.count == 0 ? UINT64_MAX : list.at[0].first.seq;
	return code;
}

static enum err_code proof_put(struct txn *txn, const struct fork_proof *proof,
			       const uint8_t second[HASH_SIZE], struct err *err)
{
	struct key key = proofs_key(proof->first.site, proof->first.epoch);
	uint8_t buffer[PROOF_ROW_SIZE_MAX];
	struct writer writer;

	key_add_u64(&key, proof->first.seq);
	key_add_u64(&key, feed_branch_of(second));
	writer_init(&writer, buffer, sizeof(buffer));
	fork_proof_write(&writer, proof);
	if (!writer_ok(&writer) || writer.size > FORK_PROOF_SIZE_MAX)
		return err_set(err, ERR_FULL, "a fork's proof is too long");
	return row_put(txn, TABLE_FEED, key_span(&key), &writer, err);
}

/* ---- branches ---- */

/* The branch that begins with the delta of @hash, behind @feed's head; nothing
 * of it is here yet. */
static enum err_code branch_begin(struct txn *txn,
				  const struct feed_record *feed,
				  const uint8_t hash[HASH_SIZE],
				  struct err *err)
{
	struct feed_record branch = *feed;
	struct feed_record there;
	enum err_code code;

	branch.id.branch = feed_branch_of(hash);
	branch.state = FEED_ADMITTED;
	branch.parent = feed->id.branch;
	branch.base = feed->seq;
	branch.counted = feed->seq;
	branch.late = 0;
	branch.lowest = feed->seq + 1;
	branch.rows = 0;
	branch.void_rows = 0;
	branch.is_own = false;
	code = feed_get(txn_view(txn), branch.id, &there, err);
	return code == ERR_NOT_FOUND ? feed_put(txn, &branch, err) : code;
}

enum err_code fork_reached(struct feed_desk *desk, struct txn *txn,
			   struct feed_record *feed, struct err *err)
{
	UNINITIALIZED struct proof_list list;
	enum err_code code = proofs_of(txn_view(txn), feed->id, &list, err);

	/* What is signed behind a closing is nobody's. */
	if (feed->state == FEED_SEALED)
		return code;
	for (size_t i = 0; i < list.count && code == ERR_OK; i++) {
		const struct fork_proof *proof = &list.at[i];
		uint8_t first[HASH_SIZE];
		uint8_t second[HASH_SIZE];

		if (proof->first.seq != feed->seq + 1 ||
		    memcmp(proof->first.previous, feed->hash, HASH_SIZE) != 0 ||
		    memcmp(proof->second.previous, feed->hash, HASH_SIZE) != 0)
			continue;
		delta_hash(desk->net_id, &proof->first, first);
		delta_hash(desk->net_id, &proof->second, second);
		feed->state = FEED_FORKED;
		code = branch_begin(txn, feed, first, err);
		if (code == ERR_OK)
			code = branch_begin(txn, feed, second, err);
		if (code == ERR_OK)
			code = feed_put(txn, feed, err);
	}
	return code;
}

static enum err_code deltas_move(struct feed_desk *desk, struct txn *txn,
				 struct feed_id from,
				 const struct feed_record *to, struct err *err)
{
	for (uint64_t seq = to->base + 1; seq <= to->seq; seq++) {
		struct delta delta;
		enum err_code code =
			feed_delta(txn_view(txn), from, seq, &delta, err);

		if (code == ERR_OK)
			code = feed_delta_put(desk, txn, to->id, &delta, err);
		if (code == ERR_OK)
			code = feed_delta_delete(txn, from, seq, err);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

/* A branch of @feed that leaves it behind @base. */
struct child {
	const struct feed_record *feed;
	uint64_t base;
	bool is_found;
	struct feed_record child;
};

static enum err_code child_note(void *context, const struct feed_record *feed,
				struct err *err)
{
	struct child *child = context;

	(void)err;
	if (feed->id.branch == 0 || feed->parent != child->feed->id.branch ||
	    feed->base <= child->base)
		return ERR_OK;
	child->child = *feed;
	child->is_found = true;
	return ERR_STOPPED;
}

/* Branches of what moved from @feed to @branch go with it. */
static enum err_code children_move(struct txn *txn,
				   const struct feed_record *feed,
				   const struct feed_record *branch,
				   struct err *err)
{
	for (;;) {
		struct child child = {.feed = feed, .base = branch->base};
		enum err_code code =
			feed_walk_epoch(txn_view(txn), feed->id.site,
					feed->id.epoch, child_note, &child,
					err);

		if (code == ERR_STOPPED)
			code = ERR_OK;
		if (code != ERR_OK || !child.is_found)
			return code;
		child.child.parent = branch->id.branch;
		code = feed_put(txn, &child.child, err);
		if (code != ERR_OK)
			return code;
	}
}

/* What of @feed is behind @base becomes a branch. */
static enum err_code feed_split(struct feed_desk *desk, struct txn *txn,
				struct feed_record *feed, uint64_t base,
				const uint8_t hash[HASH_SIZE], struct err *err)
{
	struct feed_record branch = *feed;
	struct feed_record rest;
	enum err_code code =
		feed_record_at(txn_view(txn), feed->id, base, &rest, err);

	if (code != ERR_OK)
		return code;
	branch.id.branch = feed_branch_of(hash);
	branch.parent = feed->id.branch;
	branch.base = base;
	branch.lowest = base + 1;
	if (branch.counted < base)
		branch.counted = base;
	rest.parent = feed->parent;
	rest.base = feed->base;
	rest.counted = feed->counted < base ? feed->counted : base;
	rest.lowest = feed->lowest;
	rest.is_own = feed->is_own;
	rest.state = FEED_FORKED;
	code = children_move(txn, feed, &branch, err);
	if (code == ERR_OK)
		code = deltas_move(desk, txn, feed->id, &branch, err);
	if (code == ERR_OK)
		code = feed_put(txn, &branch, err);
	if (code == ERR_OK)
		code = feed_refold(desk, txn, &rest, err);
	if (code == ERR_OK)
		code = feed_refold(desk, txn, &branch, err);
	/* Its balances begin at 0 now: other rows are void for want of room,
	 * and what they say of transfers with them. */
	if (code == ERR_OK && feed->void_rows + branch.void_rows > 0)
		code = feed_fold_again(desk, txn, &branch, err);
	if (code == ERR_OK)
		code = told_settle(
			desk, txn, &branch,
			&(struct told_range){.first = 1,
					     .last = branch.number,
					     .came_from = feed->id.branch},
			err);
	if (code == ERR_OK)
		*feed = rest;
	return code;
}

/* ---- noting ---- */

struct search {
	const struct view *view;
	const struct fork_proof *proof;
	const uint8_t *previous;
	uint64_t seq;
	bool is_held; /* @feed has one of the two, or a third beside them */
	bool is_next; /* @feed's head is the delta before them */
	struct feed_record feed;
	struct delta held; /* ->is_held: @feed's at ->seq; its rows are gone */
};

static enum err_code holder_note(void *context, const struct feed_record *feed,
				 struct err *err)
{
	struct search *search = context;
	struct delta delta;
	enum err_code code;

	/* A branch of which nothing is here yet is not what others leave. */
	if (feed->seq + 1 == search->seq &&
	    (feed->id.branch == 0 || feed->seq > feed->base) &&
	    memcmp(feed->hash, search->previous, HASH_SIZE) == 0) {
		search->is_next = true;
		search->feed = *feed;
	}
	if (search->seq <= feed->base || search->seq > feed->seq)
		return ERR_OK;
	/* One that begins there is a branch already. */
	if (search->seq == feed->base + 1 && feed->id.branch != 0)
		return ERR_OK;
	code = feed_delta(search->view, feed->id, search->seq, &delta, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	if (memcmp(delta.header.previous, search->previous, HASH_SIZE) != 0)
		return ERR_OK;
	search->is_held = true;
	search->feed = *feed;
	search->held = delta;
	return ERR_STOPPED;
}

static void proof_make(const uint8_t net_id[NET_ID_SIZE],
		       const struct delta *held, const struct fork_proof *other,
		       struct fork_proof *ret_proof)
{
	uint8_t first[HASH_SIZE];
	uint8_t hash[HASH_SIZE];

	delta_hash(net_id, &other->first, first);
	delta_hash(net_id, &held->header, hash);
	*ret_proof = *other;
	ret_proof->second = held->header;
	memcpy(ret_proof->second_signature, held->signature, SIGNATURE_SIZE);
	if (memcmp(first, hash, HASH_SIZE) < 0)
		return;
	ret_proof->first = held->header;
	memcpy(ret_proof->first_signature, held->signature, SIGNATURE_SIZE);
	ret_proof->second = other->first;
	memcpy(ret_proof->second_signature, other->first_signature,
	       SIGNATURE_SIZE);
}

/* A feed that goes three ways at one position: nobody else may know of the one
 * that is here, and a proof is how they come to ask for it. */
static enum err_code third_note(struct feed_desk *desk, struct txn *txn,
				const struct search *search,
				const uint8_t hash[HASH_SIZE], struct err *err)
{
	const struct fork_proof *proof = search->proof;
	UNINITIALIZED struct proof_list list;
	struct fork_proof third;
	uint8_t second[HASH_SIZE];
	enum err_code code =
		proofs_of(txn_view(txn), search->feed.id, &list, err);

	if (code != ERR_OK || list.count == FORK_PROOFS_MAX)
		return code;
	delta_hash(desk->net_id, &proof->first, second);
	if (memcmp(second, hash, HASH_SIZE) == 0)
		return ERR_OK;
	delta_hash(desk->net_id, &proof->second, second);
	if (memcmp(second, hash, HASH_SIZE) == 0)
		return ERR_OK;
	proof_make(desk->net_id, &search->held, proof, &third);
	delta_hash(desk->net_id, &third.second, second);
	return proof_put(txn, &third, second, err);
}

static enum err_code held_split(struct feed_desk *desk, struct txn *txn,
				struct search *search, struct err *err)
{
	struct feed_record *feed = &search->feed;
	uint8_t hash[HASH_SIZE];
	enum err_code code;

	delta_hash(desk->net_id, &search->held.header, hash);
	code = feed_split(desk, txn, feed, search->seq - 1, hash, err);
	if (code == ERR_OK)
		code = third_note(desk, txn, search, hash, err);
	if (code == ERR_OK)
		code = fork_reached(desk, txn, feed, err);
	/* What of control no longer counts leaves the roster. */
	return code == ERR_OK ? feed_fences_apply(desk, txn, err) : code;
}

static enum err_code branches_make(struct feed_desk *desk, struct txn *txn,
				   struct search *search, struct feed_id whole,
				   struct err *err)
{
	struct feed_record *feed = &search->feed;
	enum err_code code =
		feed_walk_epoch(search->view, whole.site, whole.epoch,
				holder_note, search, err);

	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	if (search->is_held)
		return held_split(desk, txn, search, err);
	if (search->is_next)
		return fork_reached(desk, txn, feed, err);
	code = feed_get_or_fresh(search->view, whole, feed, err);
	if (code != ERR_OK)
		return code;
	/* Of a feed that is not here at all it may be the first delta. */
	if (search->seq == feed->seq + 1 &&
	    memcmp(feed->hash, search->previous, HASH_SIZE) == 0)
		return fork_reached(desk, txn, feed, err);
	/* Not there yet: the proof waits for the feed to come to it. */
	if (feed->state == FEED_SEALED)
		return ERR_OK;
	feed->state = FEED_FORKED;
	return feed_put(txn, feed, err);
}

enum err_code fork_note(struct feed_desk *desk, struct txn *txn,
			const struct fork_proof *proof, struct err *err)
{
	struct feed_id whole = {proof->first.site, proof->first.epoch, 0};
	UNINITIALIZED struct proof_list list;
	uint8_t second[HASH_SIZE];
	struct search search = {.view = txn_view(txn),
				.proof = proof,
				.previous = proof->first.previous,
				.seq = proof->first.seq};
	enum err_code code = proofs_of(txn_view(txn), whole, &list, err);

	if (code != ERR_OK || list.count == FORK_PROOFS_MAX)
		return code;
	delta_hash(desk->net_id, &proof->second, second);
	code = proof_put(txn, proof, second, err);
	/* Two that follow on different deltas parted before: that proof is
	 * somewhere else. */
	if (code != ERR_OK || memcmp(proof->first.previous,
				     proof->second.previous, HASH_SIZE) != 0)
		return code;
	return branches_make(desk, txn, &search, whole, err);
}
