/*
 * replaced - a box that took another one's place, and the feeds of that one as
 * peers bring them.
 *
 * The box before is only its feeds here (feeds.h, site BEFORE, epoch 1). The
 * new box is a real store: a network of one that joins as that site's epoch 2.
 */
#ifndef DEPOT_TESTS_SUPPORT_REPLACED_H
#define DEPOT_TESTS_SUPPORT_REPLACED_H

#include "store/audit.h"
#include "store/balance.h"
#include "store/heir.h"
#include "store/joining.h"
#include "store/rebuild.h"
#include "store/regain.h"
#include "store/site.h"
#include "tests/support/feeds.h"
#include "tests/support/warehouse.h"

#define BEFORE (SITE_FIRST + 1)
#define NEW_EPOCH 2

struct bed {
	struct feeds feeds;
	struct warehouse w;
	struct feed_desk *desk;
	uint64_t heard; /* deltas of the box before */
};

static inline enum err_code bed_join(struct bed *bed, uint32_t epoch,
				     enum succession_reason reason,
				     uint32_t parent)
{
	struct founding founding = {.timezone = {.size = 0}};
	struct joining_plan plan = {.epoch = {.epoch = epoch,
					      .now = bed->w.now,
					      .clock_trusted = true,
					      .joins = &founding},
				    .site = BEFORE,
				    .succession = {.parent_epoch = parent,
						   .reason = reason}};
	char folder[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];
	uint64_t carried;

	memcpy(founding.net_id, bed->feeds.net_id, NET_ID_SIZE);
	TEXT_SET(founding.org, "acme");
	TEXT_SET(founding.site, "hz-04");
	TEXT_SET(founding.timezone, "UTC");
	assert_done(ledger_keys_folder(bed->w.store, folder, &bed->w.err),
		    &bed->w.err);
	keys_epoch_name(epoch, name);
	assert_done(keys_make(folder, name, plan.epoch.public_key, &bed->w.err),
		    &bed->w.err);
	return joining_open(bed->w.ledger, &plan, &carried, &bed->w.err);
}

/* Power cut, and a start: what was not committed is gone. */
static inline void bed_restart(struct bed *bed)
{
	struct warehouse *w = &bed->w;

	if (w->batch != NULL)
		batch_abandon(w->batch);
	w->batch = NULL;
	feed_desk_abandon(bed->desk);
	ledger_close(w->ledger);
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
}

static inline struct view *bed_look(struct bed *bed)
{
	struct view *view;

	assert_done(view_begin(ledger_env(bed->w.ledger), &view, &bed->w.err),
		    &bed->w.err);
	return view;
}

/* ---- what others bring ---- */

/* The author's delta @seq of @id, in a commit of its own. */
static inline enum admission bed_hear(struct bed *bed, struct feed_id id,
				      uint64_t seq)
{
	static struct sent sent;
	struct warehouse *w = &bed->w;
	enum admission admission;

	node_send(&bed->feeds.author, id, seq, &sent);
	warehouse_begin(w);
	assert_done(feed_judge(batch_view(w->batch), bed->feeds.net_id,
			       &sent.delta, id.branch, &admission, &w->err),
		    &w->err);
	if (admission == ADMISSION_APPLIED)
		assert_done(feed_admit(bed->desk, batch_txn(w->batch), id,
				       &sent.delta, &admission, &w->err),
			    &w->err);
	warehouse_commit(w);
	feed_desk_committed(bed->desk);
	return admission;
}

static inline void bed_hear_all(struct bed *bed, uint32_t site, uint32_t epoch)
{
	struct feed_id id = {site, epoch, 0};
	uint64_t last = node_feed(&bed->feeds.author, id).seq;
	struct feed_record here = {.seq = 0};
	struct view *view = bed_look(bed);

	if (feed_get(view, id, &here, &bed->w.err) != ERR_OK)
		here.seq = 0;
	view_end(view);
	for (uint64_t seq = here.seq + 1; seq <= last; seq++)
		assert_admission(bed_hear(bed, id, seq), "applied");
}

/* The box before said it, and somebody brings it. */
static inline void before_says(struct bed *bed, const struct entry *entry)
{
	(void)feeds_say(&bed->feeds, BEFORE, entry);
	bed_hear_all(bed, BEFORE, 1);
}

static inline void before_moves(struct bed *bed, enum movement_kind kind,
				int64_t units, const char *from, const char *to)
{
	struct entry entry = move_of(kind, "TEA", units, from, to);

	before_says(bed, &entry);
}

/* The box before lived until here: what is told from now on is later. */
static inline int bed_setup_at(void **state, uint32_t epoch,
			       enum succession_reason reason, uint32_t parent)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct err *err;

	assert_non_null(bed);
	err = &bed->w.err;
	feeds_open(&bed->feeds);
	warehouse_open(&bed->w);
	bed->w.now.ms += 3600000;
	assert_done(feed_desk_open(bed->feeds.net_id, &bed->desk, err), err);
	assert_done(bed_join(bed, epoch, reason, parent), err);
	bed_restart(bed);
	bed_hear_all(bed, SITE_CONTROL, 1);
	*state = bed;
	return 0;
}

static inline int bed_setup_as(void **state, enum succession_reason reason,
			       uint32_t parent)
{
	return bed_setup_at(state, NEW_EPOCH, reason, parent);
}

static inline int bed_setup(void **state)
{
	return bed_setup_as(state, SUCCESSION_REPLACED, 1);
}

static inline int bed_teardown(void **state)
{
	struct bed *bed = *state;

	feed_desk_close(bed->desk);
	warehouse_close(&bed->w);
	feeds_close(&bed->feeds);
	free(bed);
	return 0;
}

/* ---- taking it ---- */

static inline bool is_due(struct bed *bed)
{
	struct view *view = bed_look(bed);
	bool is = false;

	assert_done(regain_is_due(view, BEFORE, &is, &bed->w.err), &bed->w.err);
	view_end(view);
	return is;
}

/* One step, committed. True: nothing is left. */
static inline bool regain_once(struct bed *bed, uint64_t *regained)
{
	struct warehouse *w = &bed->w;
	struct regain_step step = {.regained = 0};

	warehouse_begin(w);
	assert_done(regain_step(w->batch, bed->feeds.net_id, BEFORE, &step,
				&w->err),
		    &w->err);
	warehouse_commit(w);
	*regained += step.regained;
	return step.is_done;
}

/* All there is: how many entries came back. */
static inline uint64_t regain_all(struct bed *bed)
{
	uint64_t regained = 0;

	while (!regain_once(bed, &regained))
		;
	assert_false(is_due(bed));
	return regained;
}

/* ---- the book ---- */

/* Units of TEA, of all conditions and lots, in the place @name of @kind. */
static inline int64_t book_units(struct bed *bed, const char *where)
{
	struct side side = side_of(where);
	struct view *view = bed_look(bed);
	static struct balance balance;
	struct item_no item;
	struct place_no place;
	int64_t units = 0;
	enum err_code code =
		item_find(view, SPAN_LITERAL("TEA"), &item, &bed->w.err);

	balance.count = 0;
	if (code == ERR_OK)
		code = place_find(view, &side.place, &place, &bed->w.err);
	if (code == ERR_OK)
		code = balance_get(view, item, place, &balance, &bed->w.err);
	if (code != ERR_NOT_FOUND)
		assert_done(code, &bed->w.err);
	for (size_t i = 0; i < balance.count; i++)
		units += balance.cells[i].quantity.units;
	view_end(view);
	return units;
}

/* The tables are what the journal folds to, and the audit finds nothing. */
static inline void assert_sound(struct bed *bed)
{
	static struct audit_result result;
	const struct audit_plan whole = {.progress = NULL};
	struct rebuild_difference difference;
	struct view *view = bed_look(bed);
	char scratch[160];

	(void)text_format(scratch, sizeof(scratch), "%s/scratch",
			  bed->w.folder);
	assert_done(rebuild_compare(view, scratch, WAREHOUSE_MAP_SIZE,
				    &difference, &bed->w.err),
		    &bed->w.err);
	assert_int_equal(difference.rows, 0);
	assert_done(audit_run(view, &whole, &result, &bed->w.err), &bed->w.err);
	assert_true(audit_is_clean(&result));
	view_end(view);
}

static inline uint64_t journal_size(struct bed *bed)
{
	struct view *view = bed_look(bed);
	struct journal_head head;

	assert_done(journal_head_get(view, &head, &bed->w.err), &bed->w.err);
	view_end(view);
	return pos_number(head.pos);
}

/* How often the journal's present epoch has an entry that @is_wanted. */
static inline uint64_t journal_count(struct bed *bed,
				     bool (*is_wanted)(const struct entry *))
{
	uint64_t count = 0;
	uint64_t last = journal_size(bed);
	struct view *view = bed_look(bed);
	struct journal_head head;

	assert_done(journal_head_get(view, &head, &bed->w.err), &bed->w.err);
	for (uint64_t number = 1; number <= last; number++) {
		struct entry entry;

		assert_done(journal_read(view,
					 pos_make(pos_epoch(head.pos), number),
					 &entry, &bed->w.err),
			    &bed->w.err);
		count += is_wanted(&entry);
	}
	view_end(view);
	return count;
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

#endif
