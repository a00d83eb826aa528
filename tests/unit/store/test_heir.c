/*
 * Who speaks for an epoch that HQ has not certified: what its first delta says,
 * when the parent's key vouches for it, and when it does not any more.
 *
 * Method: an author's store writes the feeds of site A as A would, or as
 * somebody would who has one of its old keys; a node takes them as a peer does.
 */
#include "store/heir.h"
#include "tests/support/feeds.h"

#define A (SITE_FIRST + 1)
#define PARENT_SEQ 1

struct bed {
	struct feeds feeds;
	struct node node;
	/* Of A's epochs but the first, by number; one 40 further has the same.
	 */
	struct signer *keys[40];
};

static const struct signer *key_of(struct bed *bed, uint32_t epoch)
{
	if (epoch == 1)
		return feeds_signer_of(&bed->feeds, A);
	epoch %= ARRAY_LEN(bed->keys);
	if (bed->keys[epoch] == NULL)
		bed->keys[epoch] = feeds_signer((uint8_t)(100 + epoch));
	return bed->keys[epoch];
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	feeds_open(&bed->feeds);
	node_open(&bed->node, &bed->feeds);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
	node_hear_all(&bed->node, &bed->feeds, A);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;

	for (size_t i = 0; i < ARRAY_LEN(bed->keys); i++)
		signer_close(bed->keys[i]);
	node_close(&bed->node);
	feeds_close(&bed->feeds);
	free(bed);
	return 0;
}

/* What epoch @epoch says of itself, vouched for by @parent's key. */
static struct heir heir_of(struct bed *bed, uint32_t epoch, uint32_t parent)
{
	struct heir heir = {.site = A,
			    .epoch = epoch,
			    .succession = {.parent_epoch = parent,
					   .parent_seq = PARENT_SEQ,
					   .reason = SUCCESSION_ROLLBACK,
					   .lost_first = 8,
					   .lost_last = 11}};
	struct feed_record feed;

	if (feed_get(node_view(&bed->feeds.author),
		     (struct feed_id){A, parent, 0}, &feed, NULL) == ERR_OK)
		memcpy(heir.succession.parent_hash, feed.hash, HASH_SIZE);
	memcpy(heir.public_key, signer_public(key_of(bed, epoch)),
	       KEY_PUBLIC_SIZE);
	heir_sign(key_of(bed, parent), bed->feeds.net_id, &heir);
	return heir;
}

/* One delta of A's epoch in @author's store, with what @writing has. */
static void epoch_write_in(struct bed *bed, struct node *author, uint32_t epoch,
			   const struct writing *writing)
{
	struct feeds *feeds = &bed->feeds;
	struct feed_write write = {.id = {A, epoch, 0},
				   .plan = {.signer = key_of(bed, epoch),
					    .now = {feeds->now_ms++},
					    .clock_trusted = true,
					    .boot = 9,
					    .rows_max = DELTA_ROWS_MAX},
				   .entries = writing->spans,
				   .count = writing->count};
	uint64_t seq;

	assert_done(feed_write(author->desk, author->t.txn, &write, &seq,
			       &feeds->err),
		    &feeds->err);
}

static void epoch_write(struct bed *bed, uint32_t epoch,
			const struct writing *writing)
{
	epoch_write_in(bed, &bed->feeds.author, epoch, writing);
}

/* The first delta, as it is due. */
static void heir_say_in(struct bed *bed, struct node *author,
			const struct heir *heir)
{
	struct writing *writing = writing_new(0);
	struct entry entry =
		founding_by(bed->feeds.net_id, key_of(bed, heir->epoch));

	writing_add(&bed->feeds, writing, &entry);
	entry_init(&entry, ENTRY_SUCCESSION);
	entry.body.succession = heir->succession;
	writing_add(&bed->feeds, writing, &entry);
	epoch_write_in(bed, author, heir->epoch, writing);
}

static void heir_say(struct bed *bed, const struct heir *heir)
{
	heir_say_in(bed, &bed->feeds.author, heir);
}

static void heir_move(struct bed *bed, uint32_t epoch, int64_t units)
{
	struct writing *writing = writing_new(0);
	struct entry entry =
		move_of(MOVEMENT_RECEIVE, "TEA", units, "supplier:x", "DOCK");

	writing_add(&bed->feeds, writing, &entry);
	epoch_write(bed, epoch, writing);
}

static enum admission hear(struct bed *bed, uint32_t epoch, uint64_t seq)
{
	static struct sent sent;

	node_send(&bed->feeds.author, (struct feed_id){A, epoch, 0}, seq,
		  &sent);
	return node_take(&bed->node, &bed->feeds, &sent, 0);
}

/* HQ's word about an epoch of A's, and the node hears of it. */
static void fence_say(struct bed *bed, uint32_t epoch,
		      enum fence_verdict verdict)
{
	struct entry entry;
	struct fence *fence = &entry.body.fence;
	struct feed_record feed =
		node_feed(&bed->feeds.author, (struct feed_id){A, epoch, 0});

	entry_init(&entry, ENTRY_FENCE);
	*fence = (struct fence){
		.site = A, .epoch = epoch, .seq = feed.seq, .verdict = verdict};
	memcpy(fence->hash, feed.hash, HASH_SIZE);
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
}

static void certificate_say(struct bed *bed, uint32_t epoch, uint32_t parent)
{
	struct entry entry = certificate_for(A, key_of(bed, epoch));

	entry.body.certificate.epoch = epoch;
	entry.body.certificate.parent_epoch = parent;
	(void)feeds_say(&bed->feeds, SITE_CONTROL, &entry);
	node_hear_all(&bed->node, &bed->feeds, SITE_CONTROL);
}

static enum err_code key_get(const struct bed *bed, uint32_t epoch,
			     uint8_t *key, bool *is_provisional)
{
	return site_key(node_view(&bed->node), A, epoch, key, is_provisional,
			NULL);
}

static uint64_t counted(const struct bed *bed, uint32_t epoch)
{
	return node_feed(&bed->node, (struct feed_id){A, epoch, 0}).counted;
}

/* ---- the statement ---- */

/* Method: each field that the statement has, changed alone. */
static void a_statement_holds_for_its_words_and_key_alone(void **state)
{
	struct bed *bed = *state;
	const uint8_t *parent = signer_public(key_of(bed, 1));
	const uint8_t *net_id = bed->feeds.net_id;
	const struct heir good = heir_of(bed, 5, 1);
	uint8_t other_net[NET_ID_SIZE];
	struct heir bad[7];

	assert_true(heir_verify(parent, net_id, &good));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = good;
	bad[0].site++;
	bad[1].epoch++;
	bad[2].public_key[31] ^= 1;
	bad[3].succession.parent_epoch++;
	bad[4].succession.parent_seq++;
	bad[5].succession.parent_hash[0] ^= 1;
	bad[6].succession.signature[0] ^= 1;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(heir_verify(parent, net_id, &bad[i]));
	memcpy(other_net, net_id, sizeof(other_net));
	other_net[15] ^= 1;
	assert_false(heir_verify(parent, other_net, &good));
	assert_false(heir_verify(signer_public(key_of(bed, 5)), net_id, &good));
}

/* Method: each digit of the key written wrong in each way, any two neighbours
 * changed over, and the key right but site, epoch or network others. */
static void what_is_mistyped_of_a_key_does_not_check(void **state)
{
	struct bed *bed = *state;
	const uint8_t *net_id = bed->feeds.net_id;
	const struct heir good = heir_of(bed, 5, 1);
	uint8_t other_net[NET_ID_SIZE];
	uint8_t right[HEIR_CHECK_SIZE];
	uint8_t check[HEIR_CHECK_SIZE];
	struct heir bad;
	size_t tried = 0;

	heir_key_check(net_id, &good, right);
	for (size_t at = 0; at < 2 * KEY_PUBLIC_SIZE; at++) {
		for (uint8_t flip = 1; flip < 16; flip++, tried++) {
			bad = good;
			bad.public_key[at / 2] ^=
				(uint8_t)(flip << (at % 2 == 0 ? 4 : 0));
			heir_key_check(net_id, &bad, check);
			assert_memory_not_equal(check, right, sizeof(check));
		}
	}
	for (size_t at = 0; at < KEY_PUBLIC_SIZE; at++) {
		uint8_t byte = good.public_key[at];

		bad = good;
		bad.public_key[at] = (uint8_t)(byte << 4 | byte >> 4);
		heir_key_check(net_id, &bad, check);
		assert_int_equal(memcmp(check, right, sizeof(check)) == 0,
				 bad.public_key[at] == byte);
	}
	assert_int_equal(tried, 64 * 15);
	bad = good;
	bad.epoch++;
	heir_key_check(net_id, &bad, check);
	assert_memory_not_equal(check, right, sizeof(check));
	bad = good;
	bad.site++;
	heir_key_check(net_id, &bad, check);
	assert_memory_not_equal(check, right, sizeof(check));
	memcpy(other_net, net_id, sizeof(other_net));
	other_net[0] ^= 1;
	heir_key_check(other_net, &good, check);
	assert_memory_not_equal(check, right, sizeof(check));
}

/* Nobody is his own father, nor his father's: or a circle would vouch for
 * itself. */
static void an_epoch_succeeds_only_an_earlier_one(void **state)
{
	struct bed *bed = *state;
	struct heir self = heir_of(bed, 5, 5);
	struct heir son = heir_of(bed, 5, 6);

	assert_false(heir_verify(signer_public(key_of(bed, 5)),
				 bed->feeds.net_id, &self));
	assert_false(heir_verify(signer_public(key_of(bed, 6)),
				 bed->feeds.net_id, &son));
}

/* ---- a first delta ---- */

static void the_first_delta_carries_its_own_credentials(void **state)
{
	struct bed *bed = *state;
	struct heir heir = heir_of(bed, 5, 1);
	uint8_t key[KEY_PUBLIC_SIZE];
	bool is_provisional = false;
	struct heir kept;

	heir_say(bed, &heir);
	heir_move(bed, 5, 7);
	assert_code(key_get(bed, 5, key, NULL), ERR_NOT_FOUND);
	assert_admission(hear(bed, 5, 1), "applied");
	assert_admission(hear(bed, 5, 2), "applied");
	assert_code(key_get(bed, 5, key, &is_provisional), ERR_OK);
	assert_true(is_provisional);
	assert_memory_equal(key, heir.public_key, KEY_PUBLIC_SIZE);
	assert_done(heir_get(node_view(&bed->node), A, 5, &kept,
			     &bed->node.t.err),
		    &bed->node.t.err);
	assert_true(kept.is_vouched);
	assert_int_equal(kept.succession.parent_epoch, 1);
	assert_int_equal(kept.succession.parent_seq, PARENT_SEQ);
	assert_int_equal(kept.succession.reason, SUCCESSION_ROLLBACK);
	assert_int_equal(kept.succession.lost_first, 8);
	assert_int_equal(kept.succession.lost_last, 11);
	assert_memory_equal(kept.succession.signature,
			    heir.succession.signature, SIGNATURE_SIZE);
	assert_int_equal(node_units(&bed->node, NULL, "TEA", "DOCK"), 7);
	/* HQ's word ends what was provisional. */
	certificate_say(bed, 5, 1);
	assert_code(key_get(bed, 5, key, &is_provisional), ERR_OK);
	assert_false(is_provisional);
}

/* Method: first deltas that are none of an heir's, one after the other; none is
 * admitted, and nothing is kept of them. */
static void what_begins_otherwise_has_no_credentials(void **state)
{
	struct bed *bed = *state;
	struct writing *writing;
	struct heir heir = heir_of(bed, 10, 1);
	struct entry founding = founding_by(bed->feeds.net_id, key_of(bed, 8));
	static struct sent sent;
	struct heir kept;
	struct err err;

	writing = writing_new(0);
	writing_add(&bed->feeds, writing, &founding); /* no succession */
	epoch_write(bed, 8, writing);
	heir = heir_of(bed, 9, 1);
	memset(heir.succession.signature, 0, SIGNATURE_SIZE);
	heir_say(bed, &heir); /* the old key was lost */
	heir = heir_of(bed, 10, 1);
	heir.succession.parent_seq++; /* said, but not what was signed */
	heir_say(bed, &heir);
	for (uint32_t epoch = 8; epoch <= 10; epoch++) {
		assert_admission(hear(bed, epoch, 1), "stranger");
		assert_code(heir_get(node_view(&bed->node), A, epoch, &kept,
				     &err),
			    ERR_NOT_FOUND);
	}
	/* Rows that begin with no founding: control's. */
	node_send(&bed->feeds.author, (struct feed_id){SITE_CONTROL, 1, 0}, 1,
		  &sent);
	sent.delta.header.site = A;
	sent.delta.header.epoch = 7;
	assert_code(heir_read(node_view(&bed->node), bed->feeds.net_id,
			      &sent.delta, &kept, &err),
		    ERR_NOT_FOUND);
	/* Only the first delta of a site's feed is looked at. */
	node_send(&bed->feeds.author, (struct feed_id){A, 9, 0}, 1, &sent);
	assert_done(heir_read(node_view(&bed->node), bed->feeds.net_id,
			      &sent.delta, &kept, &err),
		    &err);
	assert_false(kept.is_vouched);
	sent.delta.header.seq = 2;
	assert_code(heir_read(node_view(&bed->node), bed->feeds.net_id,
			      &sent.delta, &kept, &err),
		    ERR_NOT_FOUND);
	sent.delta.header.seq = 1;
	sent.delta.header.site = SITE_MASTER;
	assert_code(heir_read(node_view(&bed->node), bed->feeds.net_id,
			      &sent.delta, &kept, &err),
		    ERR_NOT_FOUND);
}

/* Method: the first delta's rows cut at each byte. */
static void rows_cut_short_are_no_credentials(void **state)
{
	struct bed *bed = *state;
	struct heir heir = heir_of(bed, 5, 1);
	static struct sent sent;
	struct heir read;
	size_t whole;

	heir_say(bed, &heir);
	node_send(&bed->feeds.author, (struct feed_id){A, 5, 0}, 1, &sent);
	whole = sent.delta.rows.size;
	assert_code(heir_read(node_view(&bed->node), bed->feeds.net_id,
			      &sent.delta, &read, NULL),
		    ERR_OK);
	assert_true(read.is_vouched);
	for (size_t size = 0; size < whole; size++) {
		sent.delta.rows.size = size;
		assert_code(heir_read(node_view(&bed->node), bed->feeds.net_id,
				      &sent.delta, &read, NULL),
			    ERR_NOT_FOUND);
	}
	assert_true(whole > 100);
}

/* Somebody took the old key, and has the new one signed by another hand. */
static void a_key_that_did_not_sign_the_delta_is_forged(void **state)
{
	struct bed *bed = *state;
	struct heir heir = heir_of(bed, 5, 1);
	static struct sent sent;

	heir_say(bed, &heir);
	node_send(&bed->feeds.author, (struct feed_id){A, 5, 0}, 1, &sent);
	delta_sign(key_of(bed, 6), bed->feeds.net_id, &sent.delta.header,
		   sent.delta.signature);
	assert_admission(node_take(&bed->node, &bed->feeds, &sent, 0),
			 "forged");
	assert_code(heir_get(node_view(&bed->node), A, 5, &heir, NULL),
		    ERR_NOT_FOUND);
}

/* ---- a parent that is not trusted any more ---- */

static void a_revoked_parent_vouches_for_nobody(void **state)
{
	struct bed *bed = *state;
	struct heir heir = heir_of(bed, 5, 1);

	heir_say(bed, &heir);
	heir_move(bed, 5, 7);
	fence_say(bed, 1, FENCE_REVOKED);
	assert_admission(hear(bed, 5, 1), "stranger");
	/* HQ's certificate needs nobody's word. */
	certificate_say(bed, 5, 1);
	assert_admission(hear(bed, 5, 1), "applied");
	assert_admission(hear(bed, 5, 2), "applied");
	assert_int_equal(counted(bed, 5), 2);
}

static void whom_it_had_vouched_for_counts_no_more(void **state)
{
	struct bed *bed = *state;
	struct heir heir = heir_of(bed, 5, 1);

	heir_say(bed, &heir);
	heir_move(bed, 5, 7);
	heir_move(bed, 5, 8);
	assert_admission(hear(bed, 5, 1), "applied");
	assert_admission(hear(bed, 5, 2), "applied");
	assert_int_equal(counted(bed, 5), 2);
	fence_say(bed, 1, FENCE_REVOKED);
	assert_int_equal(counted(bed, 5), 0);
	assert_int_equal(node_units(&bed->node, NULL, "TEA", "DOCK"), 0);
	assert_admission(hear(bed, 5, 3), "fenced");
	certificate_say(bed, 5, 1);
	assert_int_equal(counted(bed, 5), 2);
	assert_admission(hear(bed, 5, 3), "applied");
	assert_int_equal(node_units(&bed->node, NULL, "TEA", "DOCK"), 15);
}

/* Nor do that one's own heirs: else whoever has a revoked key lays a life in
 * between, and goes on. Method: grandchildren that came before the fence and
 * after it. */
static void nor_does_an_heir_of_his(void **state)
{
	struct bed *bed = *state;
	uint8_t key[KEY_PUBLIC_SIZE];
	struct heir heir = heir_of(bed, 5, 1);

	heir_say(bed, &heir);
	heir = heir_of(bed, 6, 5);
	heir_say(bed, &heir);
	heir_move(bed, 6, 7);
	heir_move(bed, 6, 8);
	heir = heir_of(bed, 7, 5);
	heir_say(bed, &heir);
	assert_admission(hear(bed, 5, 1), "applied");
	assert_admission(hear(bed, 6, 1), "applied");
	assert_admission(hear(bed, 6, 2), "applied");
	assert_int_equal(counted(bed, 6), 2);
	fence_say(bed, 1, FENCE_REVOKED);
	assert_int_equal(counted(bed, 6), 0);
	assert_int_equal(node_units(&bed->node, NULL, "TEA", "DOCK"), 0);
	assert_admission(hear(bed, 6, 3), "fenced");
	assert_admission(hear(bed, 7, 1), "stranger");
	assert_code(key_get(bed, 7, key, NULL), ERR_NOT_FOUND);
	/* One in between that HQ certified is trusted by HQ's word, and so is
	 * whom it vouches for. */
	certificate_say(bed, 5, 1);
	assert_int_equal(counted(bed, 6), 2);
	assert_admission(hear(bed, 6, 3), "applied");
	assert_admission(hear(bed, 7, 1), "applied");
}

/* Method: a line of heirs, each the son of the one before; what is beyond the
 * last generation that is trusted without HQ waits for it. */
static void a_line_of_heirs_is_bounded(void **state)
{
	struct bed *bed = *state;
	uint32_t last = 1 + HEIR_GENERATIONS_MAX;

	for (uint32_t epoch = 2; epoch <= last + 1; epoch++) {
		struct heir heir = heir_of(bed, epoch, epoch - 1);

		heir_say(bed, &heir);
		assert_admission(hear(bed, epoch, 1),
				 epoch <= last ? "applied" : "stranger");
	}
	certificate_say(bed, last, last - 1);
	assert_admission(hear(bed, last + 1, 1), "applied");
}

/* Whoever has an epoch's key names the last life that there is as its heir, and
 * the site would have none behind it. Method: steps at the bound and beyond it,
 * up to the last; HQ's certificate may name any. */
static void an_heir_is_near_its_parent(void **state)
{
	struct bed *bed = *state;
	static const uint32_t far[] = {HEIR_STEP_MAX + 2, EPOCH_MAX - 1,
				       EPOCH_MAX};
	uint8_t key[KEY_PUBLIC_SIZE];
	struct heir heir;
	struct pos newest;

	for (size_t i = 0; i < ARRAY_LEN(far); i++) {
		heir = heir_of(bed, far[i], 1);
		assert_false(heir_verify(signer_public(key_of(bed, 1)),
					 bed->feeds.net_id, &heir));
		heir_say(bed, &heir);
		assert_admission(hear(bed, far[i], 1), "stranger");
	}
	assert_done(feed_newest(node_view(&bed->node), A, &newest,
				&bed->node.t.err),
		    &bed->node.t.err);
	assert_int_equal(pos_epoch(newest), 1);
	heir = heir_of(bed, HEIR_STEP_MAX + 1, 1);
	heir_say(bed, &heir);
	assert_admission(hear(bed, HEIR_STEP_MAX + 1, 1), "applied");
	assert_code(key_get(bed, HEIR_STEP_MAX + 1, key, NULL), ERR_OK);
	assert_code(key_get(bed, EPOCH_MAX, key, NULL), ERR_NOT_FOUND);
	certificate_say(bed, EPOCH_MAX, 1);
	assert_admission(hear(bed, EPOCH_MAX, 1), "applied");
}

/* ---- what is kept ---- */

struct walk {
	size_t count;
	uint32_t epochs[8];
	size_t stop_at;
};

static enum err_code walk_note(void *context, const struct heir *heir,
			       struct err *err)
{
	struct walk *walk = context;

	(void)err;
	assert_int_equal(heir->site, A);
	assert_true(walk->count < ARRAY_LEN(walk->epochs));
	walk->epochs[walk->count++] = heir->epoch;
	return walk->count == walk->stop_at ? ERR_STOPPED : ERR_OK;
}

/* Method: A's own box begins its second life before it has heard of HQ. */
static void a_box_that_knew_no_certificate_is_vouched_for_later(void **state)
{
	struct bed *bed = *state;
	struct writing *writing = writing_new(0);
	struct heir heir = heir_of(bed, 2, 1);
	uint8_t key[KEY_PUBLIC_SIZE];
	struct entry entry;
	struct node box;

	node_open(&box, &bed->feeds);
	entry = founding_by(bed->feeds.net_id, key_of(bed, 1));
	writing_add(&bed->feeds, writing, &entry);
	epoch_write_in(bed, &box, 1, writing);
	heir_say_in(bed, &box, &heir);
	assert_code(heir_get(node_view(&box), A, 2, &heir, NULL), ERR_OK);
	assert_false(heir.is_vouched);
	assert_code(site_key(node_view(&box), A, 2, key, NULL, NULL),
		    ERR_NOT_FOUND);
	node_hear_all(&box, &bed->feeds, SITE_CONTROL);
	assert_code(heir_get(node_view(&box), A, 2, &heir, NULL), ERR_OK);
	assert_true(heir.is_vouched);
	assert_code(site_key(node_view(&box), A, 2, key, NULL, NULL), ERR_OK);
	assert_memory_equal(key, signer_public(key_of(bed, 2)), sizeof(key));
	node_close(&box);
}

static void heirs_are_walked_by_epoch_and_the_visitor_ends_it(void **state)
{
	struct bed *bed = *state;
	struct walk walk = {.stop_at = 0};

	for (uint32_t epoch = 9; epoch >= 5; epoch -= 2) {
		struct heir heir = heir_of(bed, epoch, 1);

		heir_say(bed, &heir);
		assert_admission(hear(bed, epoch, 1), "applied");
	}
	assert_code(heir_walk(node_view(&bed->node), walk_note, &walk, NULL),
		    ERR_OK);
	assert_int_equal(walk.count, 3);
	assert_int_equal(walk.epochs[0], 5);
	assert_int_equal(walk.epochs[1], 7);
	assert_int_equal(walk.epochs[2], 9);
	walk = (struct walk){.stop_at = 2};
	assert_code(heir_walk(node_view(&bed->node), walk_note, &walk, NULL),
		    ERR_STOPPED);
	assert_int_equal(walk.count, 2);
}

/* The row of an heir, with what @change makes of it and a sum that fits. */
static void row_spoil(struct bed *bed, uint32_t epoch, size_t at, uint8_t byte)
{
	struct key key = {.size = 0};
	struct txn *txn = bed->node.t.txn;
	uint8_t copy[256];
	struct reader reader;
	struct writer writer;

	key_add_u8(&key, 'h');
	key_add_u32(&key, A);
	key_add_u32(&key, epoch);
	assert_code(row_get(txn_view(txn), TABLE_FEED, key_span(&key), &reader,
			    NULL),
		    ERR_OK);
	writer_init(&writer, copy, sizeof(copy));
	write_raw(&writer, reader.data, reader.size);
	assert_true(at < writer.size);
	copy[at] = byte;
	assert_done(row_put(txn, TABLE_FEED, key_span(&key), &writer,
			    &bed->node.t.err),
		    &bed->node.t.err);
}

/* Method: bytes that no depot writes, under a sum that fits; and one that does
 * not. Nobody takes a key from such a row. */
static void a_row_of_no_known_form_gives_no_key(void **state)
{
	struct bed *bed = *state;
	const size_t reason_at = 1 + 32 + 1 + 4 + 8 + 32;
	struct heir heir = heir_of(bed, 5, 1);
	uint8_t key[KEY_PUBLIC_SIZE];
	struct walk walk = {.stop_at = 0};

	heir_say(bed, &heir);
	assert_admission(hear(bed, 5, 1), "applied");
	row_spoil(bed, 5, 0, 2); /* a version that is none */
	assert_code(key_get(bed, 5, key, NULL), ERR_CORRUPT);
	row_spoil(bed, 5, 0, 1);
	assert_code(key_get(bed, 5, key, NULL), ERR_OK);
	row_spoil(bed, 5, reason_at, 0);
	assert_code(key_get(bed, 5, key, NULL), ERR_CORRUPT);
	row_spoil(bed, 5, reason_at, SUCCESSION_REASON_MAX + 1);
	assert_code(key_get(bed, 5, key, NULL), ERR_CORRUPT);
	assert_code(heir_walk(node_view(&bed->node), walk_note, &walk, NULL),
		    ERR_CORRUPT);
	assert_int_equal(walk.count, 0);
	row_spoil(bed, 5, reason_at, SUCCESSION_ROLLBACK);
	assert_code(key_get(bed, 5, key, NULL), ERR_OK);
	row_spoil(bed, 5, 1 + 32, 0); /* nobody vouched */
	assert_code(key_get(bed, 5, key, NULL), ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_statement_holds_for_its_words_and_key_alone),
		TEST(what_is_mistyped_of_a_key_does_not_check),
		TEST(an_epoch_succeeds_only_an_earlier_one),
		TEST(the_first_delta_carries_its_own_credentials),
		TEST(what_begins_otherwise_has_no_credentials),
		TEST(rows_cut_short_are_no_credentials),
		TEST(a_key_that_did_not_sign_the_delta_is_forged),
		TEST(a_revoked_parent_vouches_for_nobody),
		TEST(whom_it_had_vouched_for_counts_no_more),
		TEST(nor_does_an_heir_of_his),
		TEST(a_line_of_heirs_is_bounded),
		TEST(an_heir_is_near_its_parent),
		TEST(a_box_that_knew_no_certificate_is_vouched_for_later),
		TEST(heirs_are_walked_by_epoch_and_the_visitor_ends_it),
		TEST(a_row_of_no_known_form_gives_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
