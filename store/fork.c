/*
 * Forks: proofs, and branches.
 *
 * On every node branch 0 ends where the branches part, and each branch goes by
 * its own first hash: so the feeds of two nodes that hold the same deltas are
 * the same ones, whichever branch came first to each.
 */
#include <string.h>

#include "store/feed_parts.h"

#define PROOF_VERSION 1
#define PROOF_ROW_SIZE_MAX (FORK_PROOF_SIZE_MAX + 16)

/* Fields that both headers share are there once. */
#define SAME_PREVIOUS 1u
#define SAME_BOOT 2u
#define SAME_CONTROL 4u
#define SAME_NEEDS 8u
#define SAME_FIRST 16u
#define SAME_KNOWN 31u

uint64_t feed_branch_of(const uint8_t hash[HASH_SIZE])
{
	struct reader reader;

	reader_init(&reader, hash, HASH_SIZE);
	return read_u64(&reader);
}

/* ---- the bytes of a proof ---- */

static bool needs_equal(const struct delta_header *a,
			const struct delta_header *b)
{
	if (a->need_count != b->need_count)
		return false;
	for (size_t i = 0; i < a->need_count; i++)
		if (a->needs[i].site != b->needs[i].site ||
		    a->needs[i].epoch != b->needs[i].epoch ||
		    a->needs[i].seq != b->needs[i].seq)
			return false;
	return true;
}

static unsigned same_of(const struct delta_header *a,
			const struct delta_header *b)
{
	unsigned same = 0;

	if (memcmp(a->previous, b->previous, HASH_SIZE) == 0)
		same |= SAME_PREVIOUS;
	if (a->boot == b->boot)
		same |= SAME_BOOT;
	if (a->control.value == b->control.value)
		same |= SAME_CONTROL;
	if (needs_equal(a, b))
		same |= SAME_NEEDS;
	if (a->first == b->first)
		same |= SAME_FIRST;
	return same;
}

/* The fields of @header but those in @left_out. */
static void half_write(struct writer *writer, const struct delta_header *header,
		       unsigned left_out)
{
	if ((left_out & SAME_PREVIOUS) == 0)
		write_raw(writer, header->previous, HASH_SIZE);
	if ((left_out & SAME_BOOT) == 0)
		write_u64(writer, header->boot);
	if ((left_out & SAME_CONTROL) == 0) {
		write_varint(writer, pos_epoch(header->control));
		write_varint(writer, pos_number(header->control));
	}
	if ((left_out & SAME_NEEDS) == 0) {
		write_varint(writer, header->need_count);
		for (size_t i = 0; i < header->need_count; i++) {
			write_varint(writer, header->needs[i].site);
			write_varint(writer, header->needs[i].epoch);
			write_varint(writer, header->needs[i].seq);
		}
	}
	if ((left_out & SAME_FIRST) == 0)
		write_varint(writer, header->first);
	write_u64(writer, header->stamp.value);
	write_varint(writer, header->flags);
	write_varint(writer, header->rules);
	write_varint(writer, header->row_count);
	write_varint(writer, header->rows_size);
	write_raw(writer, header->rows_hash, HASH_SIZE);
}

void fork_proof_write(struct writer *writer, const struct fork_proof *proof)
{
	unsigned same = same_of(&proof->first, &proof->second);

	write_u8(writer, PROOF_VERSION);
	write_u8(writer, (uint8_t)same);
	write_varint(writer, proof->first.site);
	write_varint(writer, proof->first.epoch);
	write_varint(writer, proof->first.seq);
	half_write(writer, &proof->first, 0);
	half_write(writer, &proof->second, same);
	write_raw(writer, proof->first_signature, SIGNATURE_SIZE);
	write_raw(writer, proof->second_signature, SIGNATURE_SIZE);
}

static uint32_t read_word(struct reader *reader)
{
	uint64_t value = read_varint(reader);

	if (value > UINT32_MAX)
		reader->has_failed = true;
	return (uint32_t)value;
}

static void read_copy(struct reader *reader, uint8_t *bytes, size_t size)
{
	struct span raw = read_raw(reader, size);

	if (raw.size == size)
		memcpy(bytes, raw.data, size);
}

static void control_read(struct reader *reader, struct delta_header *header)
{
	uint64_t epoch = read_varint(reader);
	uint64_t number = read_varint(reader);

	if (epoch > EPOCH_MAX || number > POS_NUMBER_MAX)
		reader->has_failed = true;
	else
		header->control = pos_make((uint32_t)epoch, number);
}

static void needs_read(struct reader *reader, struct delta_header *header)
{
	uint64_t count = read_varint(reader);

	if (count > DELTA_NEEDS_MAX) {
		reader->has_failed = true;
		return;
	}
	memset(header->needs, 0, sizeof(header->needs));
	header->need_count = (uint8_t)count;
	for (size_t i = 0; i < header->need_count; i++) {
		header->needs[i].site = read_word(reader);
		header->needs[i].epoch = read_word(reader);
		header->needs[i].seq = read_varint(reader);
	}
}

static void half_read(struct reader *reader, struct delta_header *header,
		      unsigned left_out)
{
	if ((left_out & SAME_PREVIOUS) == 0)
		read_copy(reader, header->previous, HASH_SIZE);
	if ((left_out & SAME_BOOT) == 0)
		header->boot = read_u64(reader);
	if ((left_out & SAME_CONTROL) == 0)
		control_read(reader, header);
	if ((left_out & SAME_NEEDS) == 0)
		needs_read(reader, header);
	if ((left_out & SAME_FIRST) == 0)
		header->first = read_varint(reader);
	header->stamp.value = read_u64(reader);
	header->flags = read_word(reader);
	header->rules = read_word(reader);
	header->row_count = read_word(reader);
	header->rows_size = read_word(reader);
	read_copy(reader, header->rows_hash, HASH_SIZE);
}

enum err_code fork_proof_read(struct reader *reader,
			      struct fork_proof *ret_proof)
{
	struct fork_proof proof = {.first = {.site = 0}};
	uint8_t version = read_u8(reader);
	unsigned same = read_u8(reader);

	if (reader_ok(reader) && version > PROOF_VERSION)
		return ERR_VERSION;
	proof.first.site = read_word(reader);
	proof.first.epoch = read_word(reader);
	proof.first.seq = read_varint(reader);
	half_read(reader, &proof.first, 0);
	proof.second = proof.first;
	half_read(reader, &proof.second, same);
	read_copy(reader, proof.first_signature, SIGNATURE_SIZE);
	read_copy(reader, proof.second_signature, SIGNATURE_SIZE);
	if (!reader_ok(reader) || version == 0 || (same & ~SAME_KNOWN) != 0 ||
	    same != same_of(&proof.first, &proof.second) ||
	    !delta_header_is_sound(&proof.first) ||
	    !delta_header_is_sound(&proof.second))
		return ERR_CORRUPT;
	*ret_proof = proof;
	return ERR_OK;
}

bool fork_proof_verify(const uint8_t public_key[KEY_PUBLIC_SIZE],
		       const uint8_t net_id[NET_ID_SIZE],
		       const struct fork_proof *proof)
{
	uint8_t first[HASH_SIZE];
	uint8_t second[HASH_SIZE];

	if (!delta_header_is_sound(&proof->first) ||
	    !delta_header_is_sound(&proof->second) ||
	    proof->first.site != proof->second.site ||
	    proof->first.epoch != proof->second.epoch ||
	    proof->first.seq != proof->second.seq)
		return false;
	delta_hash(net_id, &proof->first, first);
	delta_hash(net_id, &proof->second, second);
	return memcmp(first, second, HASH_SIZE) < 0 &&
	       delta_verify(public_key, net_id, &proof->first,
			    proof->first_signature) &&
	       delta_verify(public_key, net_id, &proof->second,
			    proof->second_signature);
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
	if (code == ERR_OK)
		code = told_settle(desk, txn, &branch,
				   &(struct told_range){1, branch.number}, err);
	if (code == ERR_OK)
		*feed = rest;
	return code;
}

/* ---- noting ---- */

struct search {
	const struct view *view;
	uint64_t seq;
	const uint8_t *first;
	const uint8_t *second;
	const uint8_t *previous;
	bool is_held; /* @feed has one of the two */
	bool is_next; /* @feed's head is the delta before them */
	struct feed_record feed;
	uint8_t hash[HASH_SIZE];
};

static enum err_code holder_note(void *context, const struct feed_record *feed,
				 struct err *err)
{
	struct search *search = context;
	uint8_t hash[HASH_SIZE];
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
	code = feed_hash_at(search->view, feed->id, search->seq, hash, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	/* One that begins there is a branch already. */
	if (search->seq == feed->base + 1 && feed->id.branch != 0)
		return ERR_OK;
	if (memcmp(hash, search->first, HASH_SIZE) != 0 &&
	    memcmp(hash, search->second, HASH_SIZE) != 0)
		return ERR_OK;
	search->is_held = true;
	search->feed = *feed;
	memcpy(search->hash, hash, HASH_SIZE);
	return ERR_STOPPED;
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
	if (search->is_held) {
		code = feed_split(desk, txn, feed, search->seq - 1,
				  search->hash, err);
		if (code == ERR_OK)
			code = fork_reached(desk, txn, feed, err);
		/* What of control no longer counts leaves the roster. */
		return code == ERR_OK ? feed_fences_apply(desk, txn, err)
				      : code;
	}
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
	feed->state = FEED_FORKED;
	return feed_put(txn, feed, err);
}

enum err_code fork_note(struct feed_desk *desk, struct txn *txn,
			const struct fork_proof *proof, struct err *err)
{
	struct feed_id whole = {proof->first.site, proof->first.epoch, 0};
	UNINITIALIZED struct proof_list list;
	uint8_t first[HASH_SIZE];
	uint8_t second[HASH_SIZE];
	struct search search = {.view = txn_view(txn),
				.seq = proof->first.seq,
				.first = first,
				.second = second,
				.previous = proof->first.previous};
	enum err_code code = proofs_of(txn_view(txn), whole, &list, err);

	if (code != ERR_OK || list.count == FORK_PROOFS_MAX)
		return code;
	delta_hash(desk->net_id, &proof->first, first);
	delta_hash(desk->net_id, &proof->second, second);
	code = proof_put(txn, proof, second, err);
	/* Two that follow on different deltas parted before: that proof is
	 * somewhere else. */
	if (code != ERR_OK || memcmp(proof->first.previous,
				     proof->second.previous, HASH_SIZE) != 0)
		return code;
	return branches_make(desk, txn, &search, whole, err);
}
