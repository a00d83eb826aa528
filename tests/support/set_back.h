/*
 * set_back - a box whose disk goes back in time, and what its peers still have.
 *
 * One site that is its own HQ: a store, the image of it that was taken at some
 * time, and the keys. What the box had sealed stays readable as its peers'.
 */
#ifndef DEPOT_TESTS_SUPPORT_SET_BACK_H
#define DEPOT_TESTS_SUPPORT_SET_BACK_H

#include "store/audit.h"
#include "store/guard.h"
#include "store/keys.h"
#include "store/roster.h"
#include "store/succession.h"
#include "tests/support/entries.h"
#include "tests/support/warehouse.h"

#define SITE SITE_FIRST
#define MAP_SIZE WAREHOUSE_MAP_SIZE

static const struct feed_id own = {SITE, 1, 0};

/* A box, and the image of its store that was taken at some time. */
struct bed {
	struct warehouse w;
	char image[128];
	char keys[128];
	char guard[128];
	struct signer *root;
	struct signer *control;
	struct signer *signer;
	struct feed_desk *desk;
};

static inline struct signer *signer_load(struct bed *bed, const char *name)
{
	struct signer *signer;

	assert_done(signer_open(bed->keys, name, &signer, &bed->w.err),
		    &bed->w.err);
	return signer;
}

static inline void say(struct bed *bed, struct txn *txn, struct entry *entry)
{
	struct bytes bytes;
	struct span span;
	struct feed_write write = {.id = {SITE_CONTROL, 1, 0},
				   .plan = {.signer = bed->control,
					    .now = bed->w.now,
					    .rows_max = 1},
				   .entries = &span,
				   .count = 1};
	uint64_t seq;

	entry->stamp.value = (uint64_t)bed->w.now.ms << STAMP_COUNTER_BITS;
	entry->effective = bed->w.now;
	bytes = encode(entry);
	span = (struct span){(const char *)bytes.data, bytes.size};
	assert_done(feed_write(bed->desk, txn, &write, &seq, &bed->w.err),
		    &bed->w.err);
}

/* The site certifies itself, as its own HQ. */
static inline void certify(struct bed *bed)
{
	struct entry entry;
	struct txn *txn;

	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	entry_init(&entry, ENTRY_ROOT);
	entry.body.root.epoch = 1;
	memcpy(entry.body.root.public_key, signer_public(bed->control),
	       KEY_PUBLIC_SIZE);
	root_sign(bed->root, &entry.body.root);
	say(bed, txn, &entry);
	entry_init(&entry, ENTRY_CERTIFICATE);
	entry.body.certificate = (struct certificate){
		.site = SITE, .epoch = 1, .role = SITE_ROLE_SITE};
	TEXT_SET(entry.body.certificate.name, "hz-01");
	memcpy(entry.body.certificate.public_key, signer_public(bed->signer),
	       KEY_PUBLIC_SIZE);
	say(bed, txn, &entry);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
}

static inline int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct warehouse *w = &bed->w;

	warehouse_open(w);
	(void)text_format(bed->keys, sizeof(bed->keys), "%s-keys", w->store);
	(void)text_format(bed->image, sizeof(bed->image), "%s/image",
			  w->folder);
	(void)text_format(bed->guard, sizeof(bed->guard), "%s/guard",
			  w->folder);
	bed->root = signer_load(bed, "root.key");
	bed->control = signer_load(bed, "root.key");
	bed->signer = signer_load(bed, "epoch-1.key");
	assert_done(feed_desk_open(ledger_identity(w->ledger)->net_id,
				   &bed->desk, &w->err),
		    &w->err);
	certify(bed);
	*state = bed;
	return 0;
}

static inline int teardown(void **state)
{
	struct bed *bed = *state;

	feed_desk_close(bed->desk);
	signer_close(bed->root);
	signer_close(bed->control);
	signer_close(bed->signer);
	warehouse_close(&bed->w);
	free(bed);
	return 0;
}

static inline uint64_t seal(struct bed *bed)
{
	struct seal_plan plan = {.site = SITE,
				 .signer = bed->signer,
				 .now = bed->w.now,
				 .boot = 1,
				 .rows_max = DELTA_ROWS_MAX};
	struct txn *txn;
	uint64_t seq;

	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	assert_done(feed_seal(bed->desk, txn, &plan, &seq, &bed->w.err),
		    &bed->w.err);
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	return seq;
}

static inline struct view *look(struct bed *bed)
{
	struct view *view;

	assert_done(view_begin(ledger_env(bed->w.ledger), &view, &bed->w.err),
		    &bed->w.err);
	return view;
}

static inline struct guard guard_now(struct bed *bed)
{
	struct view *view = look(bed);
	struct guard guard;

	assert_done(guard_of(view, ledger_identity(bed->w.ledger)->net_id, SITE,
			     &guard, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return guard;
}

/* 3 entries sealed, 2 more, then the image; then more of both kinds. */
static inline void live(struct bed *bed)
{
	struct warehouse *w = &bed->w;

	(void)warehouse_receive(w, "TEA", 10);
	(void)warehouse_receive(w, "TEA", 20);
	assert_int_not_equal(seal(bed), 0);
	(void)warehouse_receive(w, "CUP", 1);
	(void)warehouse_receive(w, "CUP", 2);
	assert_done(env_copy(ledger_env(w->ledger), bed->image, 0, &w->err),
		    &w->err);
	(void)warehouse_receive(w, "CUP", 4);
	(void)warehouse_pick(w, "CUP", 5);
	assert_int_not_equal(seal(bed), 0);
	(void)warehouse_receive(w, "TEA", 40);
	assert_int_not_equal(seal(bed), 0);
}

/* Opens the image in the store's place. *@ret_env is what the store was, where
 * peers have the box's deltas from. */
static inline struct env *roll_back(struct bed *bed)
{
	struct warehouse *w = &bed->w;
	struct env *peers;
	char kept[160];

	ledger_close(w->ledger);
	feed_desk_abandon(bed->desk);
	(void)text_format(kept, sizeof(kept), "%s-kept", w->store);
	assert_int_equal(rename(w->store, kept), 0);
	assert_int_equal(rename(bed->image, w->store), 0);
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
	assert_done(env_open(kept, ENV_READ, &peers, &w->err), &w->err);
	return peers;
}

/* The peers' deltas, through the checks that all get. */
static inline void fetch(struct bed *bed, struct env *peers, uint64_t last)
{
	struct view *theirs;
	struct txn *txn;

	assert_done(view_begin(peers, &theirs, &bed->w.err), &bed->w.err);
	assert_done(txn_begin(ledger_env(bed->w.ledger), &txn, &bed->w.err),
		    &bed->w.err);
	for (uint64_t seq = 2; seq <= last; seq++) {
		const uint8_t *net_id = ledger_identity(bed->w.ledger)->net_id;
		enum admission admission;
		struct delta delta;

		assert_done(feed_delta(theirs, own, seq, &delta, &bed->w.err),
			    &bed->w.err);
		assert_done(feed_judge(txn_view(txn), net_id, &delta, 0,
				       &admission, &bed->w.err),
			    &bed->w.err);
		assert_string_equal(admission_name(admission), "applied");
		assert_done(feed_admit(bed->desk, txn, own, &delta, &admission,
				       &bed->w.err),
			    &bed->w.err);
		assert_string_equal(admission_name(admission), "applied");
	}
	assert_done(txn_commit(txn, &bed->w.err), &bed->w.err);
	view_end(theirs);
}

static inline struct succession succeed(struct bed *bed,
					const struct guard *guard)
{
	struct succession_plan plan = {
		.site = SITE, .epoch = {.epoch = 2, .now = bed->w.now}};
	struct succession_case what = {.reason = SUCCESSION_ROLLBACK,
				       .guard = guard};
	struct succession_told told;
	struct view *view = look(bed);

	assert_done(succession_of(view, SITE, &what, &plan.succession,
				  &bed->w.err),
		    &bed->w.err);
	view_end(view);
	assert_done(keys_make(bed->keys, "epoch-2.key", plan.epoch.public_key,
			      &bed->w.err),
		    &bed->w.err);
	assert_done(succession_open(bed->w.ledger, &plan, &told, &bed->w.err),
		    &bed->w.err);
	signer_close(bed->signer);
	bed->signer = signer_load(bed, "epoch-2.key");
	return plan.succession;
}

static inline void assert_audit(struct bed *bed)
{
	static struct audit_result result;
	const struct audit_plan whole = {.progress = NULL};
	struct view *view = look(bed);

	assert_done(audit_run(view, &whole, &result, &bed->w.err), &bed->w.err);
	view_end(view);
	assert_true(audit_is_clean(&result));
}

struct units {
	int64_t cup;
	int64_t tea;
};

static inline enum err_code units_add(void *context,
				      const struct site_balance_key *key,
				      const struct balance *balance,
				      struct err *err)
{
	struct units *units = context;

	(void)err;
	if (!place_is_bin(&key->place, "A-01"))
		return ERR_OK;
	if (span_is(sku_span(&key->item), "CUP"))
		units->cup += balance->cells[0].quantity.units;
	else
		units->tea += balance->cells[0].quantity.units;
	return ERR_OK;
}

static inline struct units units_of(struct bed *bed, const struct view *view)
{
	struct units units = {0};

	assert_done(site_balance_walk(view, NULL, units_add, &units,
				      &bed->w.err),
		    &bed->w.err);
	return units;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
