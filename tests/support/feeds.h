/*
 * feeds - a network of authors and of nodes that hear them.
 *
 * All feeds are written in one store, the authors': HQ's control feed first,
 * with the root's statement and a certificate for each site. A node is another
 * store that takes the deltas one by one, through the checks that a peer's get.
 */
#ifndef DEPOT_TESTS_SUPPORT_FEEDS_H
#define DEPOT_TESTS_SUPPORT_FEEDS_H

#include "store/feed.h"
#include "store/roster.h"
#include "tests/support/entries.h"
#include "tests/support/moves.h"
#include "tests/support/tables.h"

#define FEEDS_MAP_SIZE (UINT64_C(64) << 20)
#define FEEDS_SITES 4 /* SITE_FIRST and the next */
#define FEEDS_START_MS INT64_C(1795341600000)

struct node {
	struct tables t;
	struct feed_desk *desk;
};

struct feeds {
	struct node author;
	uint8_t net_id[NET_ID_SIZE];
	struct signer *root;
	struct signer *control;
	struct signer *master;
	struct signer *sites[FEEDS_SITES];
	int64_t now_ms;
	uint64_t stamp;
	struct err err;
};

static inline void node_open(struct node *node, const struct feeds *feeds)
{
	tables_open(&node->t, FEEDS_MAP_SIZE);
	assert_done(feed_desk_open(feeds->net_id, &node->desk, &node->t.err),
		    &node->t.err);
}

static inline void node_close(struct node *node)
{
	feed_desk_close(node->desk);
	tables_close(&node->t);
}

static inline const struct view *node_view(const struct node *node)
{
	return txn_view(node->t.txn);
}

static inline struct signer *feeds_signer(uint8_t number)
{
	uint8_t seed[32];
	struct signer *signer;

	memset(seed, number, sizeof(seed));
	assert_code(signer_of_seed(seed, &signer, NULL), ERR_OK);
	return signer;
}

/* Stamps and encodes entries for one delta. */
struct writing {
	size_t count;
	struct span spans[DELTA_ROWS_MAX];
	struct bytes bytes[16];
};

/* One at a time. */
static inline struct writing *writing_new(size_t count)
{
	static struct writing writing;

	writing.count = count;
	return &writing;
}

static inline void writing_add(struct feeds *feeds, struct writing *writing,
			       const struct entry *entry)
{
	struct entry stamped = *entry;
	struct bytes *bytes = &writing->bytes[writing->count];

	assert_true(writing->count < ARRAY_LEN(writing->bytes));
	stamped.stamp.value = ++feeds->stamp;
	stamped.effective = stamp_moment(stamped.stamp);
	*bytes = encode(&stamped);
	writing->spans[writing->count++] =
		(struct span){(const char *)bytes->data, bytes->size};
}

static inline const struct signer *feeds_signer_of(const struct feeds *feeds,
						   uint32_t site)
{
	if (site == SITE_MASTER)
		return feeds->master;
	return site == SITE_CONTROL ? feeds->control
				    : feeds->sites[site - SITE_FIRST];
}

/* Writes a delta in @node's store, as the owner of @id. */
static inline uint64_t node_write(struct feeds *feeds, struct node *node,
				  struct feed_id id,
				  const struct writing *writing)
{
	struct feed_write write = {
		.id = id,
		.plan = {.signer = feeds_signer_of(feeds, id.site),
			 .now = {feeds->now_ms++},
			 .clock_trusted = true,
			 .boot = 7,
			 .rows_max = DELTA_ROWS_MAX},
		.entries = writing->spans,
		.count = writing->count};
	uint64_t seq = 0;

	assert_done(feed_write(node->desk, node->t.txn, &write, &seq,
			       &feeds->err),
		    &feeds->err);
	return seq;
}

/* One entry, in a delta of its own, by its author. */
static inline uint64_t feeds_say(struct feeds *feeds, uint32_t site,
				 const struct entry *entry)
{
	struct writing *writing = writing_new(0);

	writing_add(feeds, writing, entry);
	return node_write(feeds, &feeds->author, (struct feed_id){site, 1, 0},
			  writing);
}

/* ---- what networks begin with ---- */

static inline struct entry founding_by(const uint8_t net_id[NET_ID_SIZE],
				       const struct signer *site)
{
	struct entry entry;

	entry_init(&entry, ENTRY_FOUNDING);
	TEXT_SET(entry.body.founding.org, "acme");
	TEXT_SET(entry.body.founding.site, "hz");
	memcpy(entry.body.founding.net_id, net_id, NET_ID_SIZE);
	memcpy(entry.body.founding.public_key, signer_public(site),
	       KEY_PUBLIC_SIZE);
	return entry;
}

static inline struct entry root_by(const struct signer *root,
				   const struct signer *control)
{
	struct entry entry;

	entry_init(&entry, ENTRY_ROOT);
	entry.body.root.epoch = 1;
	memcpy(entry.body.root.public_key, signer_public(control),
	       KEY_PUBLIC_SIZE);
	root_sign(root, &entry.body.root);
	return entry;
}

static inline struct entry certificate_for(uint32_t site,
					   const struct signer *signer)
{
	struct entry entry;
	struct certificate *certificate = &entry.body.certificate;
	char name[16];

	entry_init(&entry, ENTRY_CERTIFICATE);
	certificate->site = site;
	certificate->epoch = 1;
	certificate->role = SITE_ROLE_SITE;
	certificate->rights = RIGHTS_ALL;
	assert_true(text_format(name, sizeof(name), "hz-%02u", site));
	assert_true(name_set(&certificate->name, span_of(name)));
	memcpy(certificate->public_key, signer_public(signer), KEY_PUBLIC_SIZE);
	return entry;
}

static inline struct entry feeds_founding(const struct feeds *feeds,
					  uint32_t site)
{
	return founding_by(feeds->net_id, feeds_signer_of(feeds, site));
}

static inline struct entry feeds_root(const struct feeds *feeds)
{
	return root_by(feeds->root, feeds->control);
}

static inline struct entry feeds_certificate(const struct feeds *feeds,
					     uint32_t site)
{
	return certificate_for(site, feeds_signer_of(feeds, site));
}

/* Control's first delta: root, certificates. Then each site's founding. */
static inline void feeds_open(struct feeds *feeds)
{
	struct writing *writing = writing_new(0);
	struct entry entry;

	*feeds = (struct feeds){.now_ms = FEEDS_START_MS,
				.stamp = (uint64_t)FEEDS_START_MS
					 << STAMP_COUNTER_BITS};
	feeds->root = feeds_signer(1);
	feeds->control = feeds_signer(2);
	feeds->master = feeds_signer(3);
	for (uint8_t i = 0; i < FEEDS_SITES; i++)
		feeds->sites[i] = feeds_signer((uint8_t)(10 + i));
	keys_net_id(signer_public(feeds->root), feeds->net_id);
	node_open(&feeds->author, feeds);
	entry = feeds_root(feeds);
	writing_add(feeds, writing, &entry);
	for (uint32_t i = 0; i < FEEDS_SITES; i++) {
		entry = feeds_certificate(feeds, SITE_FIRST + i);
		writing_add(feeds, writing, &entry);
	}
	(void)node_write(feeds, &feeds->author,
			 (struct feed_id){SITE_CONTROL, 1, 0}, writing);
	for (uint32_t i = 0; i < FEEDS_SITES; i++) {
		entry = feeds_founding(feeds, SITE_FIRST + i);
		(void)feeds_say(feeds, SITE_FIRST + i, &entry);
	}
}

/* HQ's master feed is certified, by one more delta of control. */
static inline void feeds_master_open(struct feeds *feeds)
{
	struct entry entry = feeds_certificate(feeds, SITE_MASTER);

	entry.body.certificate.role = SITE_ROLE_MASTER;
	(void)feeds_say(feeds, SITE_CONTROL, &entry);
}

static inline void feeds_close(struct feeds *feeds)
{
	node_close(&feeds->author);
	signer_close(feeds->root);
	signer_close(feeds->control);
	signer_close(feeds->master);
	for (size_t i = 0; i < FEEDS_SITES; i++)
		signer_close(feeds->sites[i]);
}

/* A movement of @site, in a delta of its own. */
static inline uint64_t feeds_move(struct feeds *feeds, uint32_t site,
				  enum movement_kind kind, const char *sku,
				  int64_t units, const char *from,
				  const char *to)
{
	struct entry entry = move_of(kind, sku, units, from, to);

	return feeds_say(feeds, site, &entry);
}

/* HQ certifies another life of @site, which says its founding, and that @units
 * came in. */
static inline void feeds_live_again(struct feeds *feeds, uint32_t site,
				    uint32_t epoch, const char *sku,
				    int64_t units)
{
	struct entry entry = feeds_certificate(feeds, site);
	struct writing *writing;

	entry.body.certificate.epoch = epoch;
	entry.body.certificate.parent_epoch = epoch - 1;
	(void)feeds_say(feeds, SITE_CONTROL, &entry);
	writing = writing_new(0);
	entry = feeds_founding(feeds, site);
	writing_add(feeds, writing, &entry);
	entry = move_of(MOVEMENT_RECEIVE, sku, units, "supplier:acme", "DOCK");
	writing_add(feeds, writing, &entry);
	(void)node_write(feeds, &feeds->author,
			 (struct feed_id){site, epoch, 0}, writing);
}

/* HQ ends a life of @site where its author is. */
static inline void feeds_end(struct feeds *feeds, struct feed_id id,
			     enum fence_verdict verdict)
{
	struct feed_record feed;
	struct entry entry;

	assert_code(feed_get(node_view(&feeds->author), id, &feed, NULL),
		    ERR_OK);
	entry_init(&entry, ENTRY_FENCE);
	entry.body.fence = (struct fence){.site = id.site,
					  .epoch = id.epoch,
					  .seq = feed.seq,
					  .verdict = verdict};
	memcpy(entry.body.fence.hash, feed.hash, HASH_SIZE);
	(void)feeds_say(feeds, SITE_CONTROL, &entry);
}

/* A delta as a peer sends it: a copy, which the caller may spoil. */
struct sent {
	struct delta delta;
	uint8_t rows[DELTA_ROWS_SIZE_MAX];
};

static inline void node_send(const struct node *from, struct feed_id id,
			     uint64_t seq, struct sent *sent)
{
	assert_code(feed_delta(node_view(from), id, seq, &sent->delta, NULL),
		    ERR_OK);
	memcpy(sent->rows, sent->delta.rows.data, sent->delta.rows.size);
	sent->delta.rows.data = (const char *)sent->rows;
}

/* Judges and, if nothing speaks against it, admits. */
static inline enum admission node_take(struct node *node,
				       const struct feeds *feeds,
				       const struct sent *sent, uint64_t branch)
{
	struct feed_id id = {sent->delta.header.site, sent->delta.header.epoch,
			     branch};
	enum admission admission;

	assert_done(feed_judge(node_view(node), feeds->net_id, &sent->delta,
			       branch, &admission, &node->t.err),
		    &node->t.err);
	if (admission == ADMISSION_APPLIED)
		assert_done(feed_admit(node->desk, node->t.txn, id,
				       &sent->delta, &admission, &node->t.err),
			    &node->t.err);
	return admission;
}

static inline enum admission node_hear(struct node *node,
				       const struct feeds *feeds, uint32_t site,
				       uint64_t seq)
{
	static struct sent sent;

	node_send(&feeds->author, (struct feed_id){site, 1, 0}, seq, &sent);
	return node_take(node, feeds, &sent, 0);
}

static inline struct feed_record node_feed(const struct node *node,
					   struct feed_id id)
{
	struct feed_record feed;

	assert_code(feed_get(node_view(node), id, &feed, NULL), ERR_OK);
	return feed;
}

/* Takes all that the authors have of a feed, from the node's head on. */
static inline void node_hear_feed(struct node *node, const struct feeds *feeds,
				  struct feed_id id)
{
	static struct sent sent;
	uint64_t last = node_feed(&feeds->author, id).seq;
	struct feed_record feed = {.seq = 0};

	if (feed_get(node_view(node), id, &feed, NULL) != ERR_OK)
		feed.seq = 0;
	for (uint64_t seq = feed.seq + 1; seq <= last; seq++) {
		node_send(&feeds->author, id, seq, &sent);
		assert_string_equal(
			admission_name(node_take(node, feeds, &sent, 0)),
			"applied");
	}
}

static inline void node_hear_all(struct node *node, const struct feeds *feeds,
				 uint32_t site)
{
	node_hear_feed(node, feeds, (struct feed_id){site, 1, 0});
}

static inline void assert_admission(enum admission admission,
				    const char *expected)
{
	assert_string_equal(admission_name(admission), expected);
}

/* ---- balances ---- */

struct units {
	const char *sku;
	const char *place; /* as place_print has it */
	int64_t units;
};

static inline enum err_code units_add(void *context,
				      const struct site_balance_key *key,
				      const struct balance *balance,
				      struct err *err)
{
	struct units *units = context;
	char place[PLACE_PRINT_SIZE];

	(void)err;
	place_print(&key->place, place, sizeof(place));
	if (span_is(sku_span(&key->item), units->sku) &&
	    strcmp(place, units->place) == 0)
		for (size_t i = 0; i < balance->count; i++)
			units->units += balance->cells[i].quantity.units;
	return ERR_OK;
}

/* Units of an item in a place by a feed; by all feeds when @id is NULL. */
static inline int64_t node_units(const struct node *node,
				 const struct feed_id *id, const char *sku,
				 const char *place)
{
	struct units units = {sku, place, 0};

	assert_code(site_balance_walk(node_view(node), id, units_add, &units,
				      NULL),
		    ERR_OK);
	return units.units;
}

static inline void assert_same_feed(const struct feeds *feeds,
				    const struct node *a, const struct node *b,
				    struct feed_id id)
{
	uint8_t first[HASH_SIZE];
	uint8_t second[HASH_SIZE];

	assert_code(feed_digest(node_view(a), feeds->net_id, id, first, NULL),
		    ERR_OK);
	assert_code(feed_digest(node_view(b), feeds->net_id, id, second, NULL),
		    ERR_OK);
	assert_memory_equal(first, second, HASH_SIZE);
	assert_memory_equal(node_feed(a, id).hash, node_feed(b, id).hash,
			    HASH_SIZE);
}

#endif
