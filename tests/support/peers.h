/*
 * peers - a few boxes with real stores and the sync engine, on one broker that
 * loses, repeats and delays as a seed says.
 *
 * One thread, and time is the test's. Each box's store lies in one transaction
 * that is never committed: what a box admitted counts as committed at once.
 * Box 0 is HQ: it writes the control feed. Box i is the site SITE_FIRST + i.
 */
#ifndef DEPOT_TESTS_SUPPORT_PEERS_H
#define DEPOT_TESTS_SUPPORT_PEERS_H

#include <inttypes.h>

#include "gateway/sync/admit.h"
#include "gateway/sync/frame.h"
#include "store/journal.h"
#include "tests/support/feeds.h"

#define BED_BOXES_MAX 4
#define BED_SITES_MAX 50
#define BED_LETTERS_MAX 4096
#define BED_ADMITS_MAX 256
#define BED_FOUND_MAX 16
#define BED_STEP_MS 100

struct letter {
	uint64_t due_ms;
	uint64_t order;
	uint32_t to;
	enum sync_plane plane;
	uint32_t from;
	uint32_t session;
	bool is_retained;
	size_t size;
	uint8_t *payload;
};

struct found {
	enum sync_finding_kind kind;
	struct feed_id feed;
	uint64_t seq;
	bool is_signed;
};

struct bed;

struct box {
	struct bed *bed;
	uint32_t index;
	uint32_t site;
	char name[16];
	bool is_up;
	uint32_t link;    /* on which it reaches the broker */
	bool is_mute;     /* what it says is lost */
	bool is_spent;    /* its link takes heads and alarms, and no more */
	bool is_stuck;    /* admits nothing */
	int64_t ahead_ms; /* of its clock */
	struct node node;
	struct sync *sync;
	struct unpacker *unpacker;
	struct sync_admit admits[BED_ADMITS_MAX];
	size_t admit_count;
	struct found found[BED_FOUND_MAX];
	size_t found_count;
	bool has_noted; /* a fork, and the engine has to be told */
	uint64_t kept;
	/* The last head and alarm, as the broker keeps them. */
	struct letter retained[SYNC_PLANE_MAX + 1];
};

struct bed {
	uint8_t net_id[NET_ID_SIZE];
	struct signer *root;
	struct signer *control;
	struct signer *sites[BED_SITES_MAX];
	struct box boxes[BED_BOXES_MAX];
	uint32_t box_count;
	struct letter letters[BED_LETTERS_MAX];
	size_t letter_count;
	uint64_t order;
	uint64_t ms;
	uint64_t stamp;
	uint64_t random;
	uint32_t loss;  /* percent */
	uint32_t twice; /* percent */
	uint32_t late_ms;
	bool notes_forks;
	/* What was said, bytes of payload. */
	uint64_t bytes[SYNC_PLANE_MAX + 1];
	uint64_t frames[SYNC_PLANE_MAX + 1];
	/* Called with each frame before it is sent (may be NULL). */
	void (*tap)(struct bed *bed, const struct sync_out *out, uint32_t from);
	void *tapped;
	struct err err;
};

/* ---- the broker ---- */

static inline void bed_post(struct bed *bed, const struct letter *like,
			    struct span payload)
{
	struct letter *letter = &bed->letters[bed->letter_count];

	assert_true(bed->letter_count < BED_LETTERS_MAX);
	*letter = *like;
	letter->due_ms = bed->ms;
	if (bed->late_ms != 0)
		letter->due_ms += test_random(&bed->random) % bed->late_ms;
	letter->order = bed->order++;
	letter->size = payload.size;
	letter->payload = malloc(payload.size == 0 ? 1 : payload.size);
	assert_non_null(letter->payload);
	memcpy(letter->payload, payload.data, payload.size);
	bed->letter_count++;
}

static inline bool bed_chance(struct bed *bed, uint32_t percent)
{
	return percent != 0 && test_random(&bed->random) % 100 < percent;
}

static inline void bed_carry(struct bed *bed, const struct letter *like,
			     struct span payload)
{
	if (!bed->boxes[like->to].is_up || bed_chance(bed, bed->loss))
		return;
	bed_post(bed, like, payload);
	if (bed_chance(bed, bed->twice))
		bed_post(bed, like, payload);
}

static inline uint32_t bed_box_named(const struct bed *bed, struct span name)
{
	for (uint32_t i = 0; i < bed->box_count; i++)
		if (span_is(name, bed->boxes[i].name))
			return i;
	return UINT32_MAX;
}

static inline void bed_retain(struct box *box, const struct letter *like,
			      struct span payload)
{
	struct letter *kept = &box->retained[like->plane];

	free(kept->payload);
	*kept = *like;
	kept->payload = malloc(payload.size);
	assert_non_null(kept->payload);
	kept->size = payload.size;
	memcpy(kept->payload, payload.data, payload.size);
}

static inline bool box_send(void *context, const struct sync_out *out)
{
	struct box *box = context;
	struct bed *bed = box->bed;
	struct letter like = {.from = box->index,
			      .plane = out->plane,
			      .session = out->session};
	char topic[SYNC_TOPIC_SIZE];
	struct sync_in in = {0};

	/* Every topic is one that a receiver reads back. */
	sync_topic_write(out, topic);
	assert_true(sync_topic_read(span_of(topic), &in));
	assert_true(in.plane == out->plane && in.session == out->session);
	assert_true(out->payload.size <= SYNC_FRAME_SIZE_MAX);
	if (bed->tap != NULL)
		bed->tap(bed, out, box->index);
	bed->bytes[out->plane] += out->payload.size;
	bed->frames[out->plane]++;
	if (box->is_spent && !out->is_retained)
		return false;
	if (box->is_mute || out->link != box->link)
		return true;
	if (out->is_retained)
		bed_retain(box, &like, out->payload);
	for (uint32_t i = 0; i < bed->box_count; i++) {
		like.to = i;
		if (in.to.size != 0 && i != bed_box_named(bed, in.to))
			continue;
		if (i != box->index || out->plane == SYNC_PLANE_HEAD)
			bed_carry(bed, &like, out->payload);
	}
	return true;
}

/* ---- a box ---- */

static inline bool box_admit(void *context, const struct sync_admit *admit)
{
	struct box *box = context;

	if (box->is_stuck || box->admit_count == BED_ADMITS_MAX)
		return false;
	box->admits[box->admit_count++] = *admit;
	return true;
}

static inline bool box_keep(void *context, const struct peer_row *row)
{
	struct box *box = context;

	assert_code(peer_row_put(box->node.t.txn, row, NULL), ERR_OK);
	box->kept++;
	return true;
}

static inline void box_found(void *context, const struct sync_finding *finding)
{
	struct box *box = context;
	struct bed *bed = box->bed;

	if (box->found_count < BED_FOUND_MAX)
		box->found[box->found_count++] =
			(struct found){finding->kind, finding->feed,
				       finding->seq, finding->is_signed};
	box->has_noted = finding->kind == SYNC_FOUND_FORK && bed->notes_forks;
	if (box->has_noted)
		assert_done(fork_note(box->node.desk, box->node.t.txn,
				      finding->proof, &bed->err),
			    &bed->err);
}

static inline struct sync_step box_step(const struct box *box)
{
	return (struct sync_step){
		.now = {.ms = box->bed->ms,
			.utc = {FEEDS_START_MS + (int64_t)box->bed->ms +
				box->ahead_ms},
			.is_trusted = true},
		.view = node_view(&box->node)};
}

/* Admits what is to be admitted, until nothing is. */
static inline void box_work(struct box *box)
{
	struct bed *bed = box->bed;

	while (box->admit_count > 0 || box->has_noted) {
		struct sync_admit admit = box->admits[0];
		struct admission_work work;
		struct sync_step step = box_step(box);

		if (box->has_noted) {
			box->has_noted = false;
			feed_desk_committed(box->node.desk);
			assert_done(sync_grew(box->sync, &step, &bed->err),
				    &bed->err);
			continue;
		}

		memmove(box->admits, box->admits + 1,
			--box->admit_count * sizeof(box->admits[0]));
		step = box_step(box);
		assert_done(admit_judge(box->unpacker, step.view, &admit, &work,
					&bed->err),
			    &bed->err);
		assert_done(admit_apply(box->node.desk, box->node.t.txn,
					box->unpacker, &work, &bed->err),
			    &bed->err);
		feed_desk_committed(box->node.desk);
		step = box_step(box);
		assert_done(sync_admitted(box->sync, &step, &work.result,
					  &bed->err),
			    &bed->err);
	}
}

static inline void box_link(struct box *box, bool is_up)
{
	struct bed *bed = box->bed;
	struct sync_step step = box_step(box);
	struct sync_link link = {.link = box->link, .is_up = is_up};

	box->is_up = is_up;
	assert_done(sync_link(box->sync, &step, &link, &bed->err), &bed->err);
	for (uint32_t i = 0; is_up && i < bed->box_count; i++) {
		for (uint32_t plane = 1; plane <= SYNC_PLANE_MAX; plane++) {
			struct letter like = bed->boxes[i].retained[plane];
			struct span payload = {(const char *)like.payload,
					       like.size};

			like.is_retained = true;
			like.to = box->index;
			if (like.payload != NULL)
				bed_post(bed, &like, payload);
		}
	}
	box_work(box);
}

static inline void box_begin(struct box *box, const struct sync_config *sizes)
{
	struct bed *bed = box->bed;
	struct sync_config config = *sizes;
	struct sync_port port = {box, box_send, box_admit, box_keep, box_found};
	struct sync_self self = {.epoch = 1,
				 .signer = bed->sites[box->site - SITE_FIRST]};

	memcpy(config.net_id, bed->net_id, NET_ID_SIZE);
	config.site = box->site;
	config.is_hq = box->index == 0;
	config.boot = 100 + box->index;
	config.seed = test_random(&bed->random);
	assert_true(name_set(&config.name, span_of(box->name)));
	assert_done(sync_open(&config, &port, node_view(&box->node), &box->sync,
			      &bed->err),
		    &bed->err);
	sync_self_set(box->sync, &self);
}

/* A crash of the engine and a start: what it knew is gone. */
static inline void box_restart(struct box *box, const struct sync_config *sizes)
{
	bool was_up = box->is_up;

	box_link(box, false);
	sync_close(box->sync);
	box->admit_count = 0;
	box_begin(box, sizes);
	if (was_up)
		box_link(box, true);
}

/* ---- what is written ---- */

static inline void bed_encode(struct bed *bed, struct writing *writing,
			      const struct entry *entry)
{
	struct entry stamped = *entry;
	struct bytes *bytes = &writing->bytes[writing->count];

	assert_true(writing->count < ARRAY_LEN(writing->bytes));
	stamped.stamp.value = ++bed->stamp;
	stamped.effective = stamp_moment(stamped.stamp);
	*bytes = encode(&stamped);
	writing->spans[writing->count++] =
		(struct span){(const char *)bytes->data, bytes->size};
}

/* One delta of @site's feed in @node's store. */
static inline void bed_write(struct bed *bed, struct node *node, uint32_t site,
			     const struct writing *writing)
{
	struct feed_write write = {
		.id = {site, 1, 0},
		.plan = {.signer = site == SITE_CONTROL
					   ? bed->control
					   : bed->sites[site - SITE_FIRST],
			 .now = {FEEDS_START_MS + (int64_t)bed->ms},
			 .clock_trusted = true,
			 .boot = 7,
			 .rows_max = DELTA_ROWS_MAX},
		.entries = writing->spans,
		.count = writing->count};
	uint64_t seq = 0;

	assert_done(feed_write(node->desk, node->t.txn, &write, &seq,
			       &bed->err),
		    &bed->err);
	feed_desk_committed(node->desk);
}

static inline void bed_found(struct bed *bed, struct node *node, uint32_t site)
{
	struct writing *writing = writing_new(0);
	struct entry entry =
		founding_by(bed->net_id, bed->sites[site - SITE_FIRST]);

	bed_encode(bed, writing, &entry);
	bed_write(bed, node, site, writing);
}

/* @count receipts by @site, in one delta. */
static inline void bed_receive(struct bed *bed, struct node *node,
			       uint32_t site, uint32_t count)
{
	struct writing *writing = writing_new(0);

	for (uint32_t i = 0; i < count; i++) {
		struct entry entry;
		char sku[16];

		assert_true(text_format(sku, sizeof(sku), "SKU-%05u", i));
		entry = move_of(MOVEMENT_RECEIVE, sku, 1 + i, "supplier:acme",
				"DOCK");
		bed_encode(bed, writing, &entry);
	}
	bed_write(bed, node, site, writing);
}

/* Of each: deltas whose rows are all but the same, and deltas of rows that have
 * nothing in common. So packs come out longer than those before them say. */
#define BED_UNEVEN_ROUNDS 8
#define BED_UNEVEN_ALIKE 40
#define BED_UNEVEN_APART 40
#define BED_UNEVEN_DELTAS \
	(BED_UNEVEN_ROUNDS * (BED_UNEVEN_ALIKE + BED_UNEVEN_APART))

static inline void bed_receive_uneven(struct bed *bed, struct node *node,
				      uint32_t site)
{
	for (uint32_t i = 0; i < BED_UNEVEN_DELTAS; i++) {
		struct writing *writing = writing_new(0);
		bool is_alike = i % (BED_UNEVEN_ALIKE + BED_UNEVEN_APART) <
				BED_UNEVEN_ALIKE;

		for (uint32_t j = 0; j < 16; j++) {
			uint64_t draw = test_random(&bed->random);
			struct entry entry;
			char sku[32];

			assert_true(text_format(sku, sizeof(sku), "%016" PRIx64,
						is_alike ? j : draw));
			entry = move_of(MOVEMENT_RECEIVE, sku, 1,
					"supplier:acme", "DOCK");
			bed_encode(bed, writing, &entry);
		}
		bed_write(bed, node, site, writing);
	}
}

/* The box's people receive goods, and the delta is sealed at once. */
static inline void box_receive(struct box *box, uint32_t count)
{
	struct bed *bed = box->bed;
	struct sync_step step;

	bed_receive(bed, &box->node, box->site, count);
	step = box_step(box);
	assert_done(sync_grew(box->sync, &step, &bed->err), &bed->err);
	box_work(box);
}

static inline void bed_certify(struct bed *bed, struct node *node,
			       uint32_t first, uint32_t last)
{
	struct writing *writing = writing_new(0);

	for (uint32_t site = first; site <= last; site++) {
		struct entry entry =
			certificate_for(site, bed->sites[site - SITE_FIRST]);

		bed_encode(bed, writing, &entry);
	}
	bed_write(bed, node, SITE_CONTROL, writing);
}

static inline void bed_found_network(struct bed *bed, struct node *hq,
				     uint32_t sites)
{
	struct writing *writing = writing_new(0);
	struct entry entry = root_by(bed->root, bed->control);

	bed_encode(bed, writing, &entry);
	bed_write(bed, hq, SITE_CONTROL, writing);
	for (uint32_t at = 0; at < sites; at += 10)
		bed_certify(bed, hq, SITE_FIRST + at,
			    SITE_FIRST + (at + 10 < sites ? at + 10 : sites) -
				    1);
}

/* A journal of nothing but its beginning: feeds are written directly. */
static inline void bed_journal(struct bed *bed, struct box *box)
{
	struct journal_head head = {.pos = pos_make(1, 0)};
	struct txn *txn = box->node.t.txn;
	static struct entry_bytes bytes;
	struct entry entry = founding_by(bed->net_id, bed->sites[box->index]);

	entry.stamp.value = ++bed->stamp;
	assert_done(journal_append(txn, &head, &entry, &bytes, &bed->err),
		    &bed->err);
	assert_done(journal_head_put(txn, &head, &bed->err), &bed->err);
}

/* ---- the whole ---- */

static inline struct bed *bed_open(uint32_t boxes, uint32_t sites,
				   uint64_t seed,
				   const struct sync_config *sizes)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	assert_true(boxes <= BED_BOXES_MAX && sites <= BED_SITES_MAX);
	bed->random = seed;
	bed->ms = 1000;
	bed->stamp = (uint64_t)FEEDS_START_MS << STAMP_COUNTER_BITS;
	bed->box_count = boxes;
	bed->notes_forks = true;
	bed->root = feeds_signer(1);
	bed->control = feeds_signer(2);
	for (uint32_t i = 0; i < sites; i++)
		bed->sites[i] = feeds_signer((uint8_t)(10 + i));
	keys_net_id(signer_public(bed->root), bed->net_id);
	for (uint32_t i = 0; i < boxes; i++) {
		struct box *box = &bed->boxes[i];

		box->bed = bed;
		box->index = i;
		box->site = SITE_FIRST + i;
		assert_true(text_format(box->name, sizeof(box->name), "hz-%02u",
					box->site));
		tables_open(&box->node.t, FEEDS_MAP_SIZE);
		assert_done(feed_desk_open(bed->net_id, &box->node.desk,
					   &bed->err),
			    &bed->err);
		assert_done(unpacker_open(&box->unpacker, &bed->err),
			    &bed->err);
		bed_journal(bed, box);
		if (i == 0)
			bed_found_network(bed, &box->node, sites);
		bed_found(bed, &box->node, box->site);
		box_begin(box, sizes);
	}
	return bed;
}

static inline void bed_close(struct bed *bed)
{
	for (uint32_t i = 0; i < bed->box_count; i++) {
		struct box *box = &bed->boxes[i];

		sync_close(box->sync);
		unpacker_close(box->unpacker);
		node_close(&box->node);
		for (uint32_t j = 0; j <= SYNC_PLANE_MAX; j++)
			free(box->retained[j].payload);
	}
	for (size_t i = 0; i < bed->letter_count; i++)
		free(bed->letters[i].payload);
	signer_close(bed->root);
	signer_close(bed->control);
	for (size_t i = 0; i < BED_SITES_MAX; i++)
		signer_close(bed->sites[i]);
	free(bed);
}

static inline void bed_deliver(struct bed *bed, struct letter letter)
{
	struct box *box = &bed->boxes[letter.to];
	struct sync_step step = box_step(box);
	struct sync_in in = {.link = box->link,
			     .plane = letter.plane,
			     .from = span_of(bed->boxes[letter.from].name),
			     .session = letter.session,
			     .is_retained = letter.is_retained,
			     .payload = {(const char *)letter.payload,
					 letter.size}};

	if (box->is_up) {
		assert_done(sync_frame(box->sync, &step, &in, &bed->err),
			    &bed->err);
		box_work(box);
	}
	free(letter.payload);
}

/* The first letter that is due; -1: none. */
static inline int bed_due(const struct bed *bed)
{
	int best = -1;

	for (size_t i = 0; i < bed->letter_count; i++) {
		const struct letter *letter = &bed->letters[i];

		if (letter->due_ms > bed->ms)
			continue;
		if (best < 0 || letter->due_ms < bed->letters[best].due_ms ||
		    (letter->due_ms == bed->letters[best].due_ms &&
		     letter->order < bed->letters[best].order))
			best = (int)i;
	}
	return best;
}

static inline void bed_run(struct bed *bed, uint64_t ms)
{
	uint64_t end = bed->ms + ms;

	while (bed->ms < end) {
		int at;

		while ((at = bed_due(bed)) >= 0) {
			struct letter letter = bed->letters[at];

			bed->letters[at] = bed->letters[--bed->letter_count];
			bed_deliver(bed, letter);
		}
		bed->ms += BED_STEP_MS;
		for (uint32_t i = 0; i < bed->box_count; i++) {
			struct box *box = &bed->boxes[i];
			struct sync_step step = box_step(box);

			if (bed->ms % 1000 != 0)
				continue;
			assert_done(sync_tick(box->sync, &step, &bed->err),
				    &bed->err);
			box_work(box);
		}
	}
}

static inline void bed_links(struct bed *bed, bool is_up)
{
	for (uint32_t i = 0; i < bed->box_count; i++)
		box_link(&bed->boxes[i], is_up);
}

static inline bool bed_is_equal(const struct bed *bed)
{
	uint8_t first[VECTOR_DIGEST_SIZE];
	uint8_t other[VECTOR_DIGEST_SIZE];

	assert_code(feed_vector_digest(node_view(&bed->boxes[0].node),
				       bed->net_id, first, NULL),
		    ERR_OK);
	for (uint32_t i = 1; i < bed->box_count; i++) {
		assert_code(feed_vector_digest(node_view(&bed->boxes[i].node),
					       bed->net_id, other, NULL),
			    ERR_OK);
		if (memcmp(first, other, sizeof(first)) != 0)
			return false;
	}
	return true;
}

/* Runs until all vectors are equal. Returns how long it took; fails after
 * @most. */
static inline uint64_t bed_settle(struct bed *bed, uint64_t most)
{
	uint64_t begin = bed->ms;

	while (!bed_is_equal(bed) && bed->ms - begin < most)
		bed_run(bed, 1000);
	assert_true(bed_is_equal(bed));
	return bed->ms - begin;
}

static inline uint64_t bed_said(const struct bed *bed)
{
	return bed->bytes[SYNC_PLANE_REQUEST] + bed->bytes[SYNC_PLANE_REPLY];
}

/* A frame of anybody comes to box @to. */
static inline void frame_give(struct bed *bed, uint32_t to, const char *from,
			      enum sync_plane plane, struct span payload)
{
	struct box *box = &bed->boxes[to];
	struct sync_step step = box_step(box);
	struct sync_in in = {.plane = plane,
			     .from = span_of(from),
			     .session = (uint32_t)test_random(&bed->random),
			     .payload = payload};

	assert_done(sync_frame(box->sync, &step, &in, &bed->err), &bed->err);
	box_work(box);
}

static inline struct sync_counts box_counts(const struct box *box)
{
	struct sync_counts counts;

	sync_counts(box->sync, &counts);
	return counts;
}

static inline uint64_t box_seq(const struct box *box, uint32_t site)
{
	struct feed_record feed;

	if (feed_get(node_view(&box->node), (struct feed_id){site, 1, 0}, &feed,
		     NULL) != ERR_OK)
		return 0;
	return feed.seq;
}

/* @box's site goes on, so many deltas. */
static inline void backlog_write(struct bed *bed, uint32_t box, uint32_t deltas)
{
	struct sync_step step;

	for (uint32_t i = 0; i < deltas; i++)
		bed_receive(bed, &bed->boxes[box].node, bed->boxes[box].site,
			    10);
	step = box_step(&bed->boxes[box]);
	assert_done(sync_grew(bed->boxes[box].sync, &step, &bed->err),
		    &bed->err);
}

#endif
