/*
 * A scanner's session: what was said so far is there after a restart, and a
 * device's words and counts are its own.
 */
#include "tests/support/check.h"

#include "store/session.h"
#include "tests/support/tables.h"

#define MAP_SIZE (UINT64_C(16) << 20)

static struct tables tables;

static int setup(void **state)
{
	(void)state;
	tables_open(&tables, MAP_SIZE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tables_close(&tables);
	return 0;
}

static const struct device_no dock = {1};
static const struct device_no shop = {2};

static struct session session_sample(void)
{
	struct session session = {.op = 4,
				  .quantity = 12,
				  .started = {1000},
				  .last = {2000},
				  .bin_pos = pos_make(1, 300),
				  .undo_first = pos_make(1, 301),
				  .undo_last = pos_make(1, 302),
				  .lines = 7,
				  .undo_tally = {.item = {515}, .units = 12}};

	assert_true(lot_set(&session.undo_tally.lot, SPAN_LITERAL("L1")));
	assert_true(place_name_set(&session.bin, SPAN_LITERAL("A-01")));
	assert_true(place_name_set(&session.to, SPAN_LITERAL("B-02")));
	assert_true(ref_set(&session.order, SPAN_LITERAL("pick-1")));
	return session;
}

static void put(struct device_no device, const struct session *session)
{
	assert_done(session_put(tables.txn, device, session, &tables.err),
		    &tables.err);
}

static struct session get(struct device_no device)
{
	struct session session;

	assert_done(session_get(txn_view(tables.txn), device, &session,
				&tables.err),
		    &tables.err);
	return session;
}

static void assert_session(const struct session *a, const struct session *b)
{
	assert_int_equal(a->op, b->op);
	assert_true(
		span_equal(place_name_span(&a->bin), place_name_span(&b->bin)));
	assert_true(
		span_equal(place_name_span(&a->to), place_name_span(&b->to)));
	assert_true(span_equal(ref_span(&a->order), ref_span(&b->order)));
	assert_true(a->quantity == b->quantity);
	assert_true(a->started.ms == b->started.ms);
	assert_true(a->last.ms == b->last.ms);
	assert_true(a->bin_pos.value == b->bin_pos.value);
	assert_true(a->undo_first.value == b->undo_first.value);
	assert_true(a->undo_last.value == b->undo_last.value);
	assert_true(a->lines == b->lines);
	assert_int_equal(a->undo_tally.item.value, b->undo_tally.item.value);
	assert_true(span_equal(lot_span(&a->undo_tally.lot),
			       lot_span(&b->undo_tally.lot)));
	assert_true(a->undo_tally.units == b->undo_tally.units);
}

/* ---- sessions ---- */

/* Method: a session with every field, an empty one, and one with each field
 * at its largest, put, changed, and read after a restart. */
static void a_session_is_as_it_was_after_a_restart(void **state)
{
	struct session sample = session_sample();
	struct session empty = {.op = 0};
	struct session large = {
		.op = UINT8_MAX,
		.quantity = UINT64_MAX,
		.started = {MOMENT_MS_MAX},
		.last = {MOMENT_MS_MAX},
		.bin_pos = pos_make(EPOCH_MAX, POS_NUMBER_MAX),
		.undo_first = pos_make(EPOCH_MAX, POS_NUMBER_MAX),
		.undo_last = pos_make(EPOCH_MAX, POS_NUMBER_MAX),
		.lines = UINT32_MAX,
		.undo_tally = {.item = {UINT32_MAX}, .units = INT64_MAX},
	};
	struct session got;

	(void)state;
	large.bin.size = PLACE_NAME_SIZE_MAX;
	large.to.size = PLACE_NAME_SIZE_MAX;
	large.order.size = REF_SIZE_MAX;
	large.undo_tally.lot.size = LOT_SIZE_MAX;
	assert_code(session_get(txn_view(tables.txn), dock, &got, NULL),
		    ERR_NOT_FOUND);
	put(dock, &empty);
	put(shop, &large);
	tables_reopen(&tables);
	got = get(dock);
	assert_session(&got, &empty);
	got = get(shop);
	assert_session(&got, &large);
	put(dock, &sample);
	tables_reopen(&tables);
	got = get(dock);
	assert_session(&got, &sample);
}

struct seen_devices {
	uint32_t count;
	uint32_t sum;
};

static enum err_code each(void *context, struct device_no device,
			  const struct session *session, struct err *err)
{
	struct seen_devices *seen = context;

	(void)err;
	assert_int_equal(session->lines, device.value * 10);
	assert_true(device.value > seen->sum / 8);
	seen->count++;
	seen->sum += device.value;
	return device.value == 6 ? ERR_STOPPED : ERR_OK;
}

/* Method: five devices with sessions, one with tallies beside it, one ended;
 * then one that the visitor stops at. */
static void a_walk_visits_the_sessions_that_are_open(void **state)
{
	struct session_tally tally = {.item = {1}, .units = 1};
	struct seen_devices seen = {0, 0};

	(void)state;
	for (uint32_t i = 1; i <= 5; i++) {
		struct session session = session_sample();

		session.lines = i * 10;
		put((struct device_no){i}, &session);
		assert_done(session_count(tables.txn, (struct device_no){i},
					  &tally, &tables.err),
			    &tables.err);
	}
	assert_done(session_end(tables.txn, shop, &tables.err), &tables.err);
	assert_done(session_end(tables.txn, shop, &tables.err), &tables.err);
	assert_done(session_walk(txn_view(tables.txn), each, &seen,
				 &tables.err),
		    &tables.err);
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.sum, 1 + 3 + 4 + 5);
	for (uint32_t i = 6; i <= 7; i++) {
		struct session session = session_sample();

		session.lines = i * 10;
		put((struct device_no){i}, &session);
	}
	seen = (struct seen_devices){0, 0};
	assert_code(session_walk(txn_view(tables.txn), each, &seen, NULL),
		    ERR_STOPPED);
	assert_int_equal(seen.count, 5);
}

/* ---- tallies ---- */

static struct session_tally tally_of(uint32_t item, const char *lot,
				     int64_t units)
{
	struct session_tally tally = {.item = {item}, .units = units};

	assert_true(lot_set(&tally.lot, span_of(lot)));
	return tally;
}

static enum err_code count(struct device_no device, uint32_t item,
			   const char *lot, int64_t units)
{
	struct session_tally tally = tally_of(item, lot, units);

	return session_count(tables.txn, device, &tally, &tables.err);
}

#define LIST_MAX 8

struct list {
	size_t count;
	struct session_tally at[LIST_MAX];
};

static enum err_code
list_visit(void *context, const struct session_tally *tally, struct err *err)
{
	struct list *list = context;

	(void)err;
	if (list->count == LIST_MAX)
		return ERR_STOPPED;
	list->at[list->count++] = *tally;
	return ERR_OK;
}

static struct list list_of(struct device_no device)
{
	struct list list = {.count = 0};

	assert_done(session_tallies(txn_view(tables.txn), device, list_visit,
				    &list, &tables.err),
		    &tables.err);
	return list;
}

static void assert_tally(const struct session_tally *tally, uint32_t item,
			 const char *lot, int64_t units)
{
	assert_int_equal(tally->item.value, item);
	assert_span(lot_span(&tally->lot), lot);
	assert_true(tally->units == units);
}

/* Method: two devices count the same items and lots, one takes back. */
static void counts_add_up_per_device_item_and_lot(void **state)
{
	struct list list;

	(void)state;
	assert_code(count(dock, 2, "L1", 3), ERR_OK);
	assert_code(count(dock, 2, "", 4), ERR_OK);
	assert_code(count(dock, 1, "", 1), ERR_OK);
	assert_code(count(dock, 2, "L1", 2), ERR_OK);
	assert_code(count(shop, 2, "L1", 100), ERR_OK);
	assert_code(count(dock, 2, "", -1), ERR_OK);
	assert_code(count(dock, 9, "", 0), ERR_OK);
	tables_reopen(&tables);
	list = list_of(dock);
	assert_int_equal(list.count, 3);
	assert_tally(&list.at[0], 1, "", 1);
	assert_tally(&list.at[1], 2, "", 3);
	assert_tally(&list.at[2], 2, "L1", 5);
	/* All of one taken back: it was not counted. */
	assert_code(count(dock, 2, "", -3), ERR_OK);
	assert_int_equal(list_of(dock).count, 2);
	list = list_of(shop);
	assert_int_equal(list.count, 1);
	assert_tally(&list.at[0], 2, "L1", 100);
}

/* Method: more is taken back than was counted; more is added than 64 bits
 * hold. Both leave the tally as it was. */
static void a_tally_stays_within_its_numbers(void **state)
{
	struct list list;

	(void)state;
	assert_code(count(dock, 1, "", -1), ERR_OVERFLOW);
	assert_int_equal(list_of(dock).count, 0);
	assert_code(count(dock, 1, "", INT64_MAX), ERR_OK);
	assert_code(count(dock, 1, "", 1), ERR_OVERFLOW);
	assert_code(count(dock, 1, "", INT64_MIN), ERR_OVERFLOW);
	list = list_of(dock);
	assert_int_equal(list.count, 1);
	assert_tally(&list.at[0], 1, "", INT64_MAX);
	assert_int_equal(tables_rows(&tables, TABLE_SESSION), 2);
}

/* Method: the bound, one more, one taken away and given again; then the end
 * of the session, after which no row is left. */
static void a_count_has_a_bounded_number_of_lines(void **state)
{
	struct session session = session_sample();

	(void)state;
	put(dock, &session);
	assert_code(count(shop, 1, "", 1), ERR_OK);
	for (uint32_t i = 1; i <= SESSION_TALLIES_MAX; i++)
		assert_code(count(dock, i, i % 2 == 0 ? "L" : "", 5), ERR_OK);
	assert_code(count(dock, SESSION_TALLIES_MAX + 1, "", 1), ERR_INVALID);
	assert_code(count(dock, 7, "", 1), ERR_OK);
	assert_code(count(dock, 7, "", -6), ERR_OK);
	assert_code(count(dock, SESSION_TALLIES_MAX + 1, "", 1), ERR_OK);
	assert_code(count(dock, 7, "", 1), ERR_INVALID);
	assert_int_equal(tables_rows(&tables, TABLE_SESSION),
			 1 + 1 + SESSION_TALLIES_MAX + 2);

	assert_done(session_tallies_clear(tables.txn, dock, &tables.err),
		    &tables.err);
	assert_int_equal(list_of(dock).count, 0);
	session = get(dock);
	assert_int_equal(session.lines, 7);
	assert_code(count(dock, 7, "", 1), ERR_OK);
	assert_done(session_end(tables.txn, dock, &tables.err), &tables.err);
	assert_code(session_get(txn_view(tables.txn), dock, &session, NULL),
		    ERR_NOT_FOUND);
	assert_int_equal(list_of(dock).count, 0);
	assert_int_equal(list_of(shop).count, 1);
	assert_int_equal(tables_rows(&tables, TABLE_SESSION), 2);
}

/* ---- the model ---- */

#define MODEL_ITEMS 6
#define MODEL_LOTS 3
#define MODEL_STEPS 20000

static const char *const lots[MODEL_LOTS] = {"", "L", "LOT-OF-TWENTY-BYTES-"};

struct model {
	int64_t units[MODEL_ITEMS][MODEL_LOTS];
	size_t visited;
	size_t last;
};

static enum err_code
model_visit(void *context, const struct session_tally *tally, struct err *err)
{
	struct model *model = context;
	size_t item = tally->item.value - 1;
	size_t lot = 0;

	(void)err;
	while (lot < MODEL_LOTS && !span_is(lot_span(&tally->lot), lots[lot]))
		lot++;
	assert_true(item < MODEL_ITEMS && lot < MODEL_LOTS);
	assert_true(tally->units == model->units[item][lot]);
	assert_true(item * MODEL_LOTS + lot >= model->last); /* in order */
	model->last = item * MODEL_LOTS + lot + 1;
	model->visited++;
	return ERR_OK;
}

static void model_check(struct model *model, struct device_no device)
{
	size_t counted = 0;

	for (size_t i = 0; i < MODEL_ITEMS; i++)
		for (size_t j = 0; j < MODEL_LOTS; j++)
			counted += model->units[i][j] != 0;
	model->visited = 0;
	model->last = 0;
	assert_done(session_tallies(txn_view(tables.txn), device, model_visit,
				    model, &tables.err),
		    &tables.err);
	assert_int_equal(model->visited, counted);
}

/*
 * Method: 20,000 counts and take-backs of three devices from a printed seed,
 * compared with a plain array; tallies are cleared and the store restarted on
 * the way.
 */
static void it_counts_as_a_plain_array_would(void **state)
{
	static struct model models[3];
	uint64_t random = test_seed(99);
	uint64_t refused = 0;

	(void)state;
	memset(models, 0, sizeof(models));
	for (unsigned step = 1; step <= MODEL_STEPS; step++) {
		size_t at = test_random(&random) % 3;
		struct device_no device = {(uint32_t)at + 1};
		size_t item = test_random(&random) % MODEL_ITEMS;
		size_t lot = test_random(&random) % MODEL_LOTS;
		int64_t units = (int64_t)(test_random(&random) % 7) - 3;
		int64_t *expected = &models[at].units[item][lot];
		enum err_code code =
			count(device, (uint32_t)item + 1, lots[lot], units);

		if (*expected + units < 0) {
			assert_code(code, ERR_OVERFLOW);
			refused++;
		} else {
			assert_code(code, ERR_OK);
			*expected += units;
		}
		if (step % 50 == 0)
			model_check(&models[at], device);
		if (step % 1000 == 0) {
			assert_done(session_tallies_clear(tables.txn, device,
							  &tables.err),
				    &tables.err);
			memset(&models[at], 0, sizeof(models[at]));
		}
		if (step % 4000 == 0)
			tables_reopen(&tables);
	}
	printf("refused %llu of %d\n", (unsigned long long)refused,
	       MODEL_STEPS);
	assert_true(refused > 500 && refused < MODEL_STEPS / 2);
}

/* ---- disk ---- */

/* Method: each kind of row, compared with its bytes as of format 1. */
static void the_rows_on_disk_are_those_of_the_format(void **state)
{
	struct session session = session_sample();

	(void)state;
	put((struct device_no){258}, &session);
	assert_code(count((struct device_no){258}, 515, "L1", 300), ERR_OK);
	assert_row(&tables, TABLE_SESSION, "0100000102",
		   "0404412d303104422d3032067069636b2d310cd00fa01f01ac0201ad020"
		   "1ae02078304024c3118");
	assert_row(&tables, TABLE_SESSION, "0200000102", "02");
	assert_row(&tables, TABLE_SESSION, "0200000102000002034c31", "d804");
}

/* Method: a bit is flipped in each kind of row. */
static void a_damaged_row_is_told_and_not_believed(void **state)
{
	struct session session = session_sample();
	struct seen_devices seen;
	struct list list = {.count = 0};

	(void)state;
	put(dock, &session);
	assert_code(count(dock, 1, "", 1), ERR_OK);
	tables_flip(&tables, TABLE_SESSION, 2);
	assert_code(count(dock, 1, "", 1), ERR_CORRUPT);
	assert_code(session_tallies(txn_view(tables.txn), dock, list_visit,
				    &list, NULL),
		    ERR_CORRUPT);
	tables_flip(&tables, TABLE_SESSION, 1);
	assert_code(count(dock, 2, "", 1), ERR_CORRUPT);
	tables_flip(&tables, TABLE_SESSION, 0);
	assert_code(session_get(txn_view(tables.txn), dock, &session,
				&tables.err),
		    ERR_CORRUPT);
	assert_code(session_walk(txn_view(tables.txn), each, &seen, NULL),
		    ERR_CORRUPT);
	/* It can still be ended, and begun anew. */
	assert_done(session_end(tables.txn, dock, &tables.err), &tables.err);
	assert_int_equal(tables_rows(&tables, TABLE_SESSION), 0);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_is_as_it_was_after_a_restart),
		TEST(a_walk_visits_the_sessions_that_are_open),
		TEST(counts_add_up_per_device_item_and_lot),
		TEST(a_tally_stays_within_its_numbers),
		TEST(a_count_has_a_bounded_number_of_lines),
		TEST(it_counts_as_a_plain_array_would),
		TEST(the_rows_on_disk_are_those_of_the_format),
		TEST(a_damaged_row_is_told_and_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
