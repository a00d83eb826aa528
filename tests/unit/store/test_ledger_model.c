/*
 * The ledger against a model of plain arrays: 20,000 random movements, legal
 * and illegal ones as they come.
 */
#include "tests/support/check.h"

#include "store/audit.h"
#include "store/balance.h"
#include "store/promise.h"
#include "store/rebuild.h"
#include "store/trace.h"
#include "tests/support/dump.h"
#include "tests/support/moves.h"
#include "tests/support/warehouse.h"

#define MOVEMENTS 20000
#define AUDIT_EVERY 500
#define REOPEN_EVERY 4000

#define ITEMS 6
#define BINS 6
#define LOTS 3
#define CONDITIONS 4
#define OUTSIDE 8
#define ORDERS 4 /* the first of them has no name */
#define SERIALS 5

static const char *const bins[BINS] = {"DOCK", "PICKED", "PACKED",
				       "A-01", "A-02",   "B-07"};
enum { DOCK, PICKED, PACKED };
static const char *const outside[OUTSIDE] = {
	"supplier:acme", "supplier:zeta", "customer",    "loss",
	"found",         "scrap",         "transit:T-1", "made",
};
static const char *const lots[LOTS] = {"", "L1", "L2"};
static const char *const orders[ORDERS] = {"", "SO-1", "SO-2", "SO-3"};

struct pledge {
	int64_t units[2]; /* picked, packed */
	uint64_t since;
};

struct model {
	int64_t in[ITEMS][BINS][CONDITIONS][LOTS];
	int64_t out[ITEMS][OUTSIDE];
	struct pledge pledges[ITEMS][ORDERS];
	struct {
		int bin; /* -1: outside; -2: never seen */
		int condition;
	} serials[ITEMS][SERIALS];
};

/* One movement as the model sees it. A side is a bin, or BINS and up: one of
 * the places outside. */
struct step {
	enum movement_kind kind;
	size_t item;
	size_t side[2];
	size_t condition[2];
	size_t lot;
	size_t order;
	int serial; /* -1: none */
	int64_t units;
};

/* ---- the model's law ---- */

/* Where an outbound cell stands: 0 picked, 1 packed, -1 nowhere of these. */
static int stand_of(const struct step *step, size_t end)
{
	if (step->condition[end] != 0)
		return -1;
	return step->side[end] == PICKED   ? 0
	       : step->side[end] == PACKED ? 1
					   : -1;
}

/* The order that lost units come from: none, or else the one promised last. */
static struct pledge *latest(struct model *model, size_t item, int stand)
{
	struct pledge *found = NULL;

	for (size_t i = 0; i < ORDERS; i++) {
		struct pledge *pledge = &model->pledges[item][i];

		if (pledge->units[stand] > 0 && i == 0)
			return pledge; /* nobody's */
		if (pledge->units[stand] > 0 &&
		    (found == NULL || pledge->since > found->since))
			found = pledge;
	}
	return found;
}

static void pledge_move(struct pledge *pledge, int from, int to, int64_t units,
			uint64_t pos)
{
	if (pledge->units[0] == 0 && pledge->units[1] == 0)
		pledge->since = pos;
	if (from >= 0)
		pledge->units[from] -= units;
	if (to >= 0)
		pledge->units[to] += units;
}

static bool pledges_allow(const struct model *model, const struct step *step)
{
	int from = stand_of(step, 0);

	/* Without an order any will do, and the bin has as many. */
	return from < 0 || step->order == 0 ||
	       model->pledges[step->item][step->order].units[from] >=
		       step->units;
}

static void pledges_apply(struct model *model, const struct step *step,
			  uint64_t pos)
{
	int from = stand_of(step, 0);
	int to = stand_of(step, 1);
	int64_t left = step->units;

	if (from < 0 && to < 0)
		return;
	if (from < 0 || step->order != 0) {
		pledge_move(&model->pledges[step->item][step->order], from, to,
			    left, pos);
		return;
	}
	while (left > 0) {
		struct pledge *pledge = latest(model, step->item, from);
		int64_t part;

		assert_non_null(pledge);
		part = pledge->units[from] < left ? pledge->units[from] : left;
		pledge_move(pledge, from, to, part, pos);
		left -= part;
	}
}

static int64_t *cell_of(struct model *model, const struct step *step,
			size_t end)
{
	if (step->side[end] >= BINS)
		return &model->out[step->item][step->side[end] - BINS];
	return &model->in[step->item][step->side[end]][step->condition[end]]
			 [step->lot];
}

static bool model_allows(struct model *model, const struct step *step)
{
	return (step->side[0] >= BINS ||
		*cell_of(model, step, 0) >= step->units) &&
	       pledges_allow(model, step);
}

static void model_apply(struct model *model, const struct step *step,
			uint64_t pos)
{
	*cell_of(model, step, 0) -= step->units;
	*cell_of(model, step, 1) += step->units;
	pledges_apply(model, step, pos);
	if (step->serial >= 0) {
		model->serials[step->item][step->serial].bin =
			step->side[1] < BINS ? (int)step->side[1] : -1;
		model->serials[step->item][step->serial].condition =
			(int)step->condition[1];
	}
}

/* ---- chance ---- */

static size_t pick(uint64_t *seed, size_t count)
{
	return test_random(seed) % count;
}

/* A way of the law, its sides still to be chosen: 'b' a bin, 's' the same bin,
 * 'P' PICKED, 'K' PACKED, 'o' anywhere outside, a digit: that place outside. */
static const struct {
	enum movement_kind kind;
	char from;
	char to;
} ways[] = {
	{MOVEMENT_RECEIVE, '0', 'b'},
	{MOVEMENT_RECEIVE, '1', 'b'},
	{MOVEMENT_PUTAWAY, 'b', 'b'},
	{MOVEMENT_MOVE, 'b', 'b'},
	{MOVEMENT_PICK, 'b', 'P'},
	{MOVEMENT_PICK, 'b', 'P'},
	{MOVEMENT_PACK, 'P', 'K'},
	{MOVEMENT_PACK, 'P', 'K'},
	{MOVEMENT_SHIP, 'K', '2'},
	{MOVEMENT_SHIP, 'b', '2'},
	{MOVEMENT_RETURN, '2', 'b'},
	{MOVEMENT_TRANSFER_OUT, 'b', '6'},
	{MOVEMENT_TRANSFER_IN, '6', 'b'},
	{MOVEMENT_COUNT_ADJUST, 'b', '3'},
	{MOVEMENT_COUNT_ADJUST, '4', 'b'},
	{MOVEMENT_FOUND, '4', 'b'},
	{MOVEMENT_SCRAP, 'b', '5'},
	{MOVEMENT_HOLD, 'b', 's'},
	{MOVEMENT_RELEASE, 'b', 's'},
	{MOVEMENT_TRANSFORM, 'b', '7'},
	{MOVEMENT_TRANSFORM, '7', 'b'},
	{MOVEMENT_REVERSE, 'b', 'o'},
	{MOVEMENT_REVERSE, 'o', 'b'},
	{MOVEMENT_RECEIVE, '0', 'b'},
	{MOVEMENT_TRANSFER_ADJUST, '4', '6'},
	{MOVEMENT_TRANSFER_ADJUST, '6', '3'},
};

static size_t side_choose(char what, size_t other, uint64_t *seed)
{
	switch (what) {
	case 'b':
		return pick(seed, BINS);
	case 's':
		return other;
	case 'P':
		return PICKED;
	case 'K':
		return PACKED;
	case 'o':
		return BINS + pick(seed, OUTSIDE);
	default:
		return BINS + (size_t)(what - '0');
	}
}

static struct step step_choose(uint64_t *seed)
{
	size_t way = pick(seed, ARRAY_LEN(ways));
	struct step step = {
		.kind = ways[way].kind,
		.item = pick(seed, ITEMS),
		.lot = pick(seed, LOTS),
		.order = pick(seed, ORDERS),
		.serial = -1,
		.units = 1 + (int64_t)pick(seed, 12),
	};

	step.side[0] = side_choose(ways[way].from, 0, seed);
	step.side[1] = side_choose(ways[way].to, step.side[0], seed);
	/* Mostly good, so that there is something to pick. */
	step.condition[0] = pick(seed, 4) == 0 ? pick(seed, CONDITIONS) : 0;
	step.condition[1] = step.condition[0];
	if (step.kind == MOVEMENT_HOLD)
		step.condition[1] = 1 + (step.condition[0] + pick(seed, 2)) % 3;
	if (step.kind == MOVEMENT_RELEASE) {
		step.condition[0] = 1 + pick(seed, 3);
		step.condition[1] = 0;
	}
	if (step.kind == MOVEMENT_RETURN)
		step.condition[1] = 2;
	if (pick(seed, 10) == 0) {
		step.serial = (int)pick(seed, SERIALS);
		step.units = 1;
	}
	return step;
}

/* Chance may choose what is no movement at all. */
static bool is_movement(const struct step *step)
{
	bool is_same = step->side[0] == step->side[1];

	if (is_same && step->condition[0] == step->condition[1])
		return false;
	if (step->kind == MOVEMENT_HOLD)
		return step->condition[1] != step->condition[0];
	return !is_same || step->kind == MOVEMENT_RELEASE;
}

static const char *side_name(const struct step *step, size_t end, char *text,
			     size_t size)
{
	if (step->side[end] >= BINS)
		return outside[step->side[end] - BINS];
	assert_true(text_format(
		text, size, "%s/%s", bins[step->side[end]],
		condition_name((enum condition)(step->condition[end] + 1))));
	return text;
}

static struct entry step_entry(const struct step *step)
{
	char from[64];
	char to[64];
	char text[16];
	struct entry entry;

	assert_true(text_format(text, sizeof(text), "ITEM-%zu", step->item));
	entry = move_of(step->kind, text, step->units,
			side_name(step, 0, from, sizeof(from)),
			side_name(step, 1, to, sizeof(to)));
	move_lot(&entry, lots[step->lot]);
	if (step->order != 0)
		move_ref(&entry, REF_ORDER, orders[step->order]);
	if (step->serial >= 0) {
		assert_true(
			text_format(text, sizeof(text), "S%d", step->serial));
		assert_true(
			serial_set(&entry.body.movement.serial, span_of(text)));
	}
	return entry;
}

/* ---- what the store says ---- */

static int64_t units_of(const struct view *view, struct item_no item,
			const char *where, const char *lot)
{
	struct side side = side_of(where);
	struct place_no place;
	/* Not initialised: only the cells counted are read. */
	struct balance balance;
	enum err_code code = place_find(view, &side.place, &place, NULL);

	if (code == ERR_NOT_FOUND)
		return 0;
	assert_code(code, ERR_OK);
	code = balance_get(view, item, place, &balance, NULL);
	if (code == ERR_NOT_FOUND)
		return 0;
	assert_code(code, ERR_OK);
	return balance_cell(&balance, side.condition, span_of(lot)).units;
}

static void cells_compare(const struct view *view, const struct model *model,
			  size_t item, struct item_no number)
{
	int64_t sum = 0;

	for (size_t i = 0; i < BINS * CONDITIONS * LOTS; i++) {
		struct step step = {.item = item,
				    .side = {i % BINS},
				    .condition = {i / BINS % CONDITIONS},
				    .lot = i / BINS / CONDITIONS};
		char text[64];
		int64_t expected = model->in[item][step.side[0]]
					    [step.condition[0]][step.lot];

		assert_int_equal(
			units_of(view, number,
				 side_name(&step, 0, text, sizeof(text)),
				 lots[step.lot]),
			expected);
		assert_true(expected >= 0);
		sum += expected;
	}
	for (size_t i = 0; i < OUTSIDE; i++) {
		assert_int_equal(units_of(view, number, outside[i], ""),
				 model->out[item][i]);
		sum += model->out[item][i];
	}
	assert_int_equal(sum, 0); /* invariant 1 */
}

static void tally_compare(const struct view *view, const struct model *model,
			  size_t item, struct item_no number)
{
	struct tally tally;
	struct pos pos;
	int64_t on_hand = 0;
	int64_t allocated = 0;

	assert_code(balance_tally(view, number, &tally, &pos, NULL), ERR_OK);
	for (size_t i = 0; i < BINS * CONDITIONS * LOTS; i++) {
		size_t bin = i % BINS;
		int64_t units = model->in[item][bin][i / BINS % CONDITIONS]
					 [i / BINS / CONDITIONS];

		on_hand += units;
		if ((bin == PICKED || bin == PACKED) &&
		    i / BINS % CONDITIONS == 0)
			allocated += units;
	}
	assert_true(tally_is_sound(&tally)); /* invariant 4 */
	assert_int_equal(tally.on_hand.units, on_hand);
	assert_int_equal(tally.allocated.units, allocated);
}

static void pledges_compare(const struct view *view, const struct model *model,
			    size_t item, struct item_no number)
{
	int64_t sums[2] = {0, 0};
	int64_t bins_sum[2] = {0, 0};

	for (size_t i = 0; i < ORDERS; i++) {
		const struct pledge *pledge = &model->pledges[item][i];
		struct promise promise = {.picked = {0}};
		enum err_code code = promise_get(
			view, number, span_of(orders[i]), &promise, NULL);

		assert_true(code == ERR_OK || code == ERR_NOT_FOUND);
		assert_int_equal(promise.picked.units, pledge->units[0]);
		assert_int_equal(promise.packed.units, pledge->units[1]);
		if (code == ERR_OK)
			assert_int_equal(promise.since.value, pledge->since);
		sums[0] += pledge->units[0];
		sums[1] += pledge->units[1];
	}
	for (size_t lot = 0; lot < LOTS; lot++) {
		bins_sum[0] += model->in[item][PICKED][0][lot];
		bins_sum[1] += model->in[item][PACKED][0][lot];
	}
	assert_memory_equal(sums, bins_sum, sizeof(sums)); /* invariant 6 */
}

static void serials_compare(const struct view *view, const struct model *model,
			    size_t item, struct item_no number)
{
	for (int i = 0; i < SERIALS; i++) {
		int bin = model->serials[item][i].bin;
		struct whereabouts where;
		struct place place;
		char text[16];
		enum err_code code;

		assert_true(text_format(text, sizeof(text), "S%d", i));
		code = serial_get(view, number, span_of(text), &where, NULL);
		if (bin == -2) {
			assert_code(code, ERR_NOT_FOUND);
			continue;
		}
		assert_code(code, ERR_OK);
		assert_code(place_get(view, where.place, &place, NULL), ERR_OK);
		assert_int_equal(place.kind == PLACE_BIN, bin >= 0);
		if (bin >= 0) {
			assert_true(place_is_bin(&place, bins[bin]));
			assert_int_equal(where.condition,
					 model->serials[item][i].condition + 1);
		}
	}
}

static void store_compare(struct warehouse *w, const struct model *model)
{
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	for (size_t item = 0; item < ITEMS; item++) {
		struct item_no number;
		char sku[16];

		assert_true(text_format(sku, sizeof(sku), "ITEM-%zu", item));
		if (item_find(view, span_of(sku), &number, NULL) != ERR_OK)
			continue; /* it never moved */
		cells_compare(view, model, item, number);
		tally_compare(view, model, item, number);
		pledges_compare(view, model, item, number);
		serials_compare(view, model, item, number);
	}
	view_end(view);
}

static void store_audit(struct warehouse *w, size_t movements)
{
	static struct audit_result result;
	const struct audit_plan plan = {.progress = NULL};
	struct view *view;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(audit_run(view, &plan, &result, &w->err), &w->err);
	view_end(view);
	if (!audit_is_clean(&result)) {
		char text[FINDING_PRINT_SIZE];

		finding_print(&result.list[0], false, text, sizeof(text));
		fail_msg("%s", text);
	}
	assert_int_equal(result.movements, movements);
}

/* ---- the run ---- */

struct run {
	struct warehouse w;
	struct model model;
	uint64_t seed;
	size_t booked;
	size_t refused;
	size_t kinds[MOVEMENT_KIND_MAX + 1];
};

/* Refused, and everything as before: head, rows, next pos. */
static void refused_leaves_no_trace(struct run *run, struct entry *entry)
{
	struct warehouse *w = &run->w;
	struct dump before = {.bytes = NULL};
	bool is_compared = run->refused % 50 == 0;
	struct pos next;

	if (is_compared)
		before = dump_env(ledger_env(w->ledger));
	warehouse_begin(w);
	next = batch_next(w->batch);
	assert_code(batch_post(w->batch, entry, NULL, &w->err), ERR_CONFLICT);
	assert_code(batch_commit(w->batch, &w->err), ERR_CONFLICT);
	warehouse_begin(w);
	assert_int_equal(batch_next(w->batch).value, next.value);
	batch_abandon(w->batch);
	if (is_compared)
		assert_dump(&before, dump_env(ledger_env(w->ledger)));
	free(before.bytes);
	run->refused++;
}

/* Books up to @count legal movements in one batch, and the first illegal one
 * that chance brings in a batch of its own. */
static void batch_run(struct run *run, size_t count)
{
	struct warehouse *w = &run->w;
	struct step illegal = {.units = 0};

	warehouse_begin(w);
	for (size_t i = 0; i < count; i++) {
		struct step step = step_choose(&run->seed);
		struct entry entry;
		struct pos pos;

		if (!is_movement(&step))
			continue;
		if (!model_allows(&run->model, &step)) {
			illegal = step;
			break;
		}
		entry = step_entry(&step);
		pos = warehouse_post(w, &entry);
		model_apply(&run->model, &step, pos.value);
		run->kinds[step.kind]++;
		run->booked++;
	}
	warehouse_commit(w);
	if (illegal.units > 0) {
		struct entry entry = step_entry(&illegal);

		refused_leaves_no_trace(run, &entry);
	}
}

static void reopen(struct run *run)
{
	struct warehouse *w = &run->w;
	struct dump before = dump_env(ledger_env(w->ledger));
	const struct rebuild_plan plan = {.progress = NULL};

	ledger_close(w->ledger);
	assert_done(ledger_open(w->store, ENV_WRITE, &w->ledger, &w->err),
		    &w->err);
	assert_dump(&before, dump_env(ledger_env(w->ledger)));
	assert_done(rebuild_run(ledger_env(w->ledger), &plan, &w->err),
		    &w->err);
	assert_dump(&before, dump_env(ledger_env(w->ledger)));
	free(before.bytes);
}

static struct run *run_open(uint64_t seed)
{
	struct run *run = calloc(1, sizeof(*run));

	assert_non_null(run);
	run->seed = seed;
	for (size_t i = 0; i < ITEMS * SERIALS; i++)
		run->model.serials[i / SERIALS][i % SERIALS].bin = -2;
	warehouse_open(&run->w);
	return run;
}

/*
 * Method: random ways of every kind between 6 bins in 4 conditions and 8
 * places outside, 3 lots, 4 orders. The model says which are legal. After each
 * 100 movements every cell, tally, promise and serial is compared, after each
 * 500 the store is audited, after each 4,000 it is closed, opened and rebuilt.
 */
static void random_movements_leave_what_the_model_says(void **state)
{
	struct run *run = run_open(test_seed(2026));
	size_t compares = 0;
	size_t audits = 0;
	size_t reopens = 0;

	(void)state;
	while (run->booked < MOVEMENTS) {
		batch_run(run, 1 + pick(&run->seed, 20));
		if (run->booked / 100 > compares) {
			store_compare(&run->w, &run->model);
			compares = run->booked / 100;
		}
		if (run->booked / AUDIT_EVERY > audits) {
			store_audit(&run->w, run->booked);
			audits = run->booked / AUDIT_EVERY;
		}
		if (run->booked / REOPEN_EVERY > reopens) {
			reopen(run);
			reopens = run->booked / REOPEN_EVERY;
		}
	}
	store_compare(&run->w, &run->model);
	printf("%zu booked, %zu refused, %zu audits\n", run->booked,
	       run->refused, audits);
	assert_in_range(audits, MOVEMENTS / AUDIT_EVERY,
			MOVEMENTS / AUDIT_EVERY + 1);
	assert_true(run->refused > 1000);
	for (int kind = 1; kind <= MOVEMENT_KIND_MAX; kind++)
		assert_true(run->kinds[kind] > 100);
	warehouse_close(&run->w);
	free(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_movements_leave_what_the_model_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
