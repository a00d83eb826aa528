/*
 * What sensors and readers saw: in order of time, debounced, bounded, and the
 * latest of a bin at hand.
 */
#include "tests/support/check.h"

#include "store/observation.h"
#include "tests/support/tables.h"

#define MAP_SIZE (UINT64_C(64) << 20)
#define HOLD_MS 1000

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

static struct observation shelf(const char *bin, int64_t at, int64_t value)
{
	struct observation seen = {.at = {at},
				   .until = {at},
				   .device = {1},
				   .what = OBSERVED_WEIGHT_G,
				   .value = value,
				   .count = 1};

	assert_true(place_name_set(&seen.bin, span_of(bin)));
	return seen;
}

static struct observation tag(const char *epc, int64_t at, int64_t signal)
{
	struct observation seen = shelf("PORTAL", at, signal);

	seen.what = OBSERVED_EPC;
	seen.antenna = 1;
	assert_true(ref_set(&seen.epc, span_of(epc)));
	return seen;
}

static void add(const struct observation *seen)
{
	assert_done(observation_add(tables.txn, seen, HOLD_MS, &tables.err),
		    &tables.err);
}

static struct observation latest(const char *bin, enum observed what)
{
	struct observation seen;

	assert_done(observation_latest(txn_view(tables.txn), span_of(bin), what,
				       &seen, &tables.err),
		    &tables.err);
	return seen;
}

static enum err_code latest_code(const char *bin, enum observed what)
{
	struct observation seen;

	return observation_latest(txn_view(tables.txn), span_of(bin), what,
				  &seen, &tables.err);
}

static uint32_t trim(int64_t before, uint32_t most)
{
	uint32_t removed;

	assert_done(observation_trim(tables.txn, (struct moment){before}, most,
				     &removed, &tables.err),
		    &tables.err);
	return removed;
}

#define LIST_MAX 16

struct list {
	size_t count;
	struct observation at[LIST_MAX];
};

static enum err_code list_visit(void *context, const struct observation *seen,
				struct err *err)
{
	struct list *list = context;

	(void)err;
	if (list->count == LIST_MAX)
		return ERR_STOPPED;
	list->at[list->count++] = *seen;
	return ERR_OK;
}

/* Valid until the next call. */
static const struct list *list_from(int64_t from)
{
	static struct list list;

	list.count = 0;
	assert_done(observation_walk(txn_view(tables.txn),
				     (struct moment){from}, list_visit, &list,
				     &tables.err),
		    &tables.err);
	return &list;
}

static void assert_observation(const struct observation *a,
			       const struct observation *b)
{
	assert_true(a->at.ms == b->at.ms);
	assert_true(a->until.ms == b->until.ms);
	assert_int_equal(a->device.value, b->device.value);
	assert_int_equal(a->what, b->what);
	assert_true(
		span_equal(place_name_span(&a->bin), place_name_span(&b->bin)));
	assert_true(a->value == b->value);
	assert_true(a->count == b->count);
	assert_int_equal(a->antenna, b->antenna);
	assert_true(a->is_stable == b->is_stable);
	assert_true(span_equal(ref_span(&a->epc), ref_span(&b->epc)));
}

/* ---- rows ---- */

/* Method: an observation with each field at its largest, one with each at its
 * smallest, read after a restart. */
static void an_observation_comes_back_as_it_went_in(void **state)
{
	struct observation large = {
		.at = {MOMENT_MS_MAX},
		.until = {0},
		.device = {UINT32_MAX},
		.what = OBSERVED_EPC,
		.value = INT64_MIN,
		.count = UINT32_MAX,
		.antenna = UINT8_MAX,
		.is_stable = true,
	};
	struct observation small = shelf("A", 0, 0);
	struct list list;

	(void)state;
	large.bin.size = PLACE_NAME_SIZE_MAX;
	large.epc.size = REF_SIZE_MAX;
	add(&large);
	add(&small);
	tables_reopen(&tables);
	list = *list_from(0);
	assert_int_equal(list.count, 2);
	assert_observation(&list.at[0], &small);
	assert_observation(&list.at[1], &large);
}

/* Method: added in disorder, three of them in one millisecond. */
static void a_walk_is_in_order_of_time_then_of_arrival(void **state)
{
	static const int64_t at[] = {500, 100, 300, 300, 300, 200};
	static const int64_t expected[] = {1, 5, 2, 3, 4, 0};
	struct list list;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(at); i++) {
		struct observation seen = shelf("A", at[i], (int64_t)i);

		add(&seen);
	}
	list = *list_from(-5);
	assert_int_equal(list.count, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_true(list.at[i].value == expected[i]);
	assert_int_equal(list_from(300)->count, 4);
	assert_int_equal(list_from(301)->count, 1);
	assert_int_equal(list_from(501)->count, 0);
}

/* Method: more than the visitor takes. */
static void a_walk_ends_when_its_visitor_says_so(void **state)
{
	struct list list = {.count = 0};

	(void)state;
	for (int i = 0; i < LIST_MAX + 5; i++) {
		struct observation seen = shelf("A", i, i);

		add(&seen);
	}
	assert_code(observation_walk(txn_view(tables.txn), (struct moment){0},
				     list_visit, &list, NULL),
		    ERR_STOPPED);
	assert_int_equal(list.count, LIST_MAX);
}

/* ---- the latest of a bin ---- */

/* Method: two bins and two kinds; a late one comes after; one is a prefix of
 * the other's name. */
static void the_latest_of_a_bin_is_the_one_that_began_last(void **state)
{
	struct observation first = shelf("A-1", 100, 1);
	struct observation second = shelf("A-1", 200, 2);
	struct observation late = shelf("A-1", 150, 3);
	struct observation same = shelf("A-1", 200, 4);
	struct observation other = shelf("A-10", 300, 5);
	struct observation kind = shelf("A-1", 400, 6);
	char endless[PLACE_NAME_SIZE_MAX + 2];

	(void)state;
	assert_code(latest_code("A-1", OBSERVED_WEIGHT_G), ERR_NOT_FOUND);
	add(&first);
	add(&second);
	add(&late);
	assert_true(latest("A-1", OBSERVED_WEIGHT_G).value == 2);
	add(&same);
	add(&other);
	kind.what = OBSERVED_QUANTITY;
	add(&kind);
	tables_reopen(&tables);
	assert_true(latest("A-1", OBSERVED_WEIGHT_G).value == 4);
	assert_true(latest("A-10", OBSERVED_WEIGHT_G).value == 5);
	assert_true(latest("A-1", OBSERVED_QUANTITY).value == 6);
	assert_code(latest_code("A-1", OBSERVED_DISTANCE_MM), ERR_NOT_FOUND);
	assert_code(latest_code("A", OBSERVED_WEIGHT_G), ERR_NOT_FOUND);
	memset(endless, 'x', sizeof(endless));
	endless[sizeof(endless) - 1] = '\0';
	assert_code(latest_code(endless, OBSERVED_WEIGHT_G), ERR_NOT_FOUND);
}

/* ---- tags ---- */

/* Method: one tag read again and again, then a silence. */
static void a_tag_that_stays_is_one_row(void **state)
{
	struct list list;

	(void)state;
	for (int i = 0; i < 10; i++) {
		struct observation seen =
			tag("e1", 1000 + i * HOLD_MS, i == 4 ? -40 : -60 - i);

		seen.count = 2;
		seen.until.ms += i == 3 ? 500 : 0;
		add(&seen);
	}
	list = *list_from(0);
	assert_int_equal(list.count, 1);
	assert_true(list.at[0].at.ms == 1000);
	assert_true(list.at[0].until.ms == 1000 + 9 * HOLD_MS);
	assert_true(list.at[0].count == 20);
	assert_true(list.at[0].value == -40);

	/* One millisecond more than the hold: it came anew. */
	struct observation again = tag("e1", 1001 + 10 * HOLD_MS, -60);

	add(&again);
	assert_int_equal(list_from(0)->count, 2);
	assert_true(latest("PORTAL", OBSERVED_EPC).at.ms ==
		    1001 + 10 * HOLD_MS);
}

/* Method: the same moment, but another reader, antenna, tag or place; a read
 * that comes late; a count that would not fit; a shelf, which is never held. */
static void what_is_not_the_same_read_gets_its_own_row(void **state)
{
	struct observation seen = tag("e1", 1000, -60);
	struct observation weight = shelf("A", 1000, 5);

	(void)state;
	add(&seen);
	seen.device.value = 2;
	add(&seen);
	assert_int_equal(list_from(0)->count, 2);
	seen.antenna = 2;
	add(&seen);
	assert_int_equal(list_from(0)->count, 3);
	assert_true(ref_set(&seen.epc, SPAN_LITERAL("e2")));
	add(&seen);
	assert_int_equal(list_from(0)->count, 4);
	assert_true(place_name_set(&seen.bin, SPAN_LITERAL("GATE")));
	add(&seen);
	assert_int_equal(list_from(0)->count, 5);
	seen.at.ms = 900;
	add(&seen);
	assert_int_equal(list_from(0)->count, 6);
	seen.at.ms = 1100;
	seen.count = UINT32_MAX;
	add(&seen);
	assert_int_equal(list_from(0)->count, 7);
	assert_true(list_from(1100)->at[0].count == UINT32_MAX);
	add(&weight);
	add(&weight);
	assert_int_equal(list_from(0)->count, 9);
}

/* ---- bounds ---- */

/* Method: trimmed in parts; with the last of a bin or tag its index goes. */
static void trimming_takes_the_oldest_and_what_points_at_them(void **state)
{
	struct observation seen;

	(void)state;
	for (int i = 0; i < 10; i++) {
		seen = shelf("A", 100 + i, i);
		add(&seen);
	}
	seen = tag("e1", 105, -60);
	add(&seen);
	seen = shelf("B", 200, 1);
	add(&seen);
	assert_int_equal(trim(100, 1000), 0);
	assert_int_equal(trim(105, 3), 3);
	assert_int_equal(trim(105, 0), 0);
	assert_int_equal(trim(105, 1000), 2);
	assert_int_equal(trim(105, 1000), 0);
	assert_true(latest("A", OBSERVED_WEIGHT_G).value == 9);
	assert_int_equal(trim(200, 1000), 6);
	assert_code(latest_code("A", OBSERVED_WEIGHT_G), ERR_NOT_FOUND);
	assert_code(latest_code("PORTAL", OBSERVED_EPC), ERR_NOT_FOUND);
	assert_int_equal(tables_rows(&tables, TABLE_OBSERVATION), 2);
	/* The tag is not held by the row that is gone. */
	seen = tag("e1", 106, -60);
	add(&seen);
	assert_int_equal(trim(MOMENT_MS_MAX, 1000), 2);
	assert_int_equal(tables_rows(&tables, TABLE_OBSERVATION), 0);
	assert_int_equal(trim(MOMENT_MS_MAX, 1000), 0);
}

/* Method: the bound is filled with tags, three rows each, and passed by as
 * many again; the oldest are gone, the newest there, and the table full. */
static void the_table_stays_within_its_bound(void **state)
{
	const int64_t tags = OBSERVATION_ROWS_MAX / 2;
	struct list list;

	(void)state;
	for (int64_t i = 0; i < tags; i++) {
		struct observation seen;
		char text[16];

		(void)text_format(text, sizeof(text), "%08llx",
				  (unsigned long long)i);
		seen = tag(text, 1000 + i, -60);
		assert_true(place_name_set(&seen.bin, span_of(text)));
		add(&seen);
		assert_true(tables_rows(&tables, TABLE_OBSERVATION) <=
			    OBSERVATION_ROWS_MAX);
		if (i % 20000 == 0)
			tables_commit(&tables);
	}
	list = (struct list){.count = 0};
	assert_code(observation_walk(txn_view(tables.txn), (struct moment){0},
				     list_visit, &list, NULL),
		    ERR_STOPPED);
	assert_true(list.at[0].at.ms == 1000 + tags - OBSERVATION_ROWS_MAX / 3);
	assert_int_equal(list_from(1000 + tags - 1)->count, 1);
	assert_int_equal(tables_rows(&tables, TABLE_OBSERVATION),
			 OBSERVATION_ROWS_MAX / 3 * 3);
}

/* ---- the model ---- */

#define MODEL_MAX 4000
#define MODEL_STEPS 20000
#define MODEL_BINS 5
#define MODEL_TAGS 6

struct model {
	size_t count;
	struct observation at[MODEL_MAX];
	size_t visited;
};

static void model_remove(struct model *model, size_t index)
{
	model->count--;
	memmove(model->at + index, model->at + index + 1,
		(model->count - index) * sizeof(model->at[0]));
}

static bool model_is_same_tag(const struct observation *a,
			      const struct observation *b)
{
	return a->what == OBSERVED_EPC && b->what == OBSERVED_EPC &&
	       a->device.value == b->device.value && a->antenna == b->antenna &&
	       span_equal(ref_span(&a->epc), ref_span(&b->epc));
}

/* Kept in order of time, then of arrival. */
static bool model_add(struct model *model, const struct observation *seen)
{
	size_t at = model->count;

	for (size_t i = model->count; i > 0; i--) {
		struct observation *row = &model->at[i - 1];

		if (!model_is_same_tag(row, seen))
			continue;
		/* The last of its tag: it is widened or none is. */
		if (!span_equal(place_name_span(&row->bin),
				place_name_span(&seen->bin)) ||
		    seen->at.ms < row->at.ms ||
		    seen->at.ms > row->until.ms + HOLD_MS)
			break;
		row->count += seen->count;
		if (seen->until.ms > row->until.ms)
			row->until = seen->until;
		if (seen->value > row->value)
			row->value = seen->value;
		return true;
	}
	while (at > 0 && model->at[at - 1].at.ms > seen->at.ms)
		at--;
	memmove(model->at + at + 1, model->at + at,
		(model->count - at) * sizeof(model->at[0]));
	model->at[at] = *seen;
	model->count++;
	return false;
}

static enum err_code model_visit(void *context, const struct observation *seen,
				 struct err *err)
{
	struct model *model = context;

	(void)err;
	assert_true(model->visited < model->count);
	assert_observation(seen, &model->at[model->visited]);
	model->visited++;
	return ERR_OK;
}

static void model_check(struct model *model, int64_t from)
{
	model->visited = 0;
	while (model->visited < model->count &&
	       model->at[model->visited].at.ms < from)
		model->visited++;
	assert_done(observation_walk(txn_view(tables.txn),
				     (struct moment){from}, model_visit, model,
				     &tables.err),
		    &tables.err);
	assert_int_equal(model->visited, model->count);
}

static void model_check_latest(const struct model *model, const char *bin,
			       enum observed what)
{
	for (size_t i = model->count; i > 0; i--) {
		const struct observation *row = &model->at[i - 1];

		if (row->what == what &&
		    span_equal(place_name_span(&row->bin), span_of(bin))) {
			struct observation got = latest(bin, what);

			assert_observation(&got, row);
			return;
		}
	}
	assert_code(latest_code(bin, what), ERR_NOT_FOUND);
}

/* Anything, by a clock that mostly goes on and sometimes back. */
static struct observation model_draw(int64_t now, uint64_t *random)
{
	int64_t value = (int64_t)(test_random(random) % 100) - 50;
	char bin[8];
	char epc[8];
	struct observation seen;

	(void)text_format(bin, sizeof(bin), "bin-%u",
			  (unsigned)(test_random(random) % MODEL_BINS));
	(void)text_format(epc, sizeof(epc), "e%u",
			  (unsigned)(test_random(random) % MODEL_TAGS));
	if (test_random(random) % 10 == 0)
		now -= (int64_t)(test_random(random) % 5000);
	seen = shelf(bin, now, value);
	seen.device.value = 1 + (uint32_t)(test_random(random) % 2);
	seen.what = (enum observed)(1 + test_random(random) % OBSERVED_MAX);
	seen.is_stable = test_random(random) % 2 == 0;
	seen.count = 1 + (uint32_t)(test_random(random) % 3);
	seen.until.ms += (int64_t)(test_random(random) % 300);
	if (seen.what == OBSERVED_EPC) {
		assert_true(place_name_set(&seen.bin,
					   test_random(random) % 20 == 0
						   ? SPAN_LITERAL("bin-1")
						   : SPAN_LITERAL("bin-0")));
		assert_true(ref_set(&seen.epc, span_of(epc)));
		seen.antenna = (uint8_t)(test_random(random) % 2);
	}
	return seen;
}

/*
 * Method: 20,000 observations from a printed seed, some late, with trimming
 * and restarts between them; walks and the latest of each bin are compared
 * with a plain list.
 */
static void it_keeps_what_a_plain_list_would(void **state)
{
	static struct model model;
	uint64_t random = test_seed(31337);
	uint64_t widened = 0;
	uint64_t trimmed = 0;
	int64_t now = 100000;

	(void)state;
	memset(&model, 0, sizeof(model));
	for (unsigned step = 1; step <= MODEL_STEPS; step++) {
		struct observation seen = model_draw(now, &random);
		char bin[8];

		add(&seen);
		widened += model_add(&model, &seen);
		now += (int64_t)(test_random(&random) % 200);
		(void)text_format(bin, sizeof(bin), "bin-%u",
				  (unsigned)(step % MODEL_BINS));
		model_check_latest(&model, bin,
				   (enum observed)(1 + step % OBSERVED_MAX));
		if (step % 100 == 0)
			model_check(&model, now - 20000);
		if (step % 500 == 0) {
			uint32_t removed = trim(now - 60000, 600);

			trimmed += removed;
			while (removed-- > 0) {
				assert_true(model.at[0].at.ms < now - 60000);
				model_remove(&model, 0);
			}
		}
		if (step % 5000 == 0)
			tables_reopen(&tables);
		assert_true(model.count < MODEL_MAX);
	}
	model_check(&model, 0);
	printf("widened %llu, trimmed %llu, kept %zu\n",
	       (unsigned long long)widened, (unsigned long long)trimmed,
	       model.count);
	assert_true(widened > 200 && trimmed > 5000 && model.count > 100);
	/* No index outlives what it points at. */
	assert_int_equal(trim(MOMENT_MS_MAX, UINT32_MAX), model.count);
	assert_int_equal(tables_rows(&tables, TABLE_OBSERVATION), 0);
}

/* ---- disk ---- */

/* Method: each kind of row, compared with its bytes as of format 1. */
static void the_rows_on_disk_are_those_of_the_format(void **state)
{
	struct observation seen = tag("e280", 1000, -60);

	(void)state;
	seen.until.ms = 1300;
	seen.device.value = 258;
	seen.count = 300;
	seen.is_stable = true;
	add(&seen);
	assert_row(&tables, TABLE_OBSERVATION, "0100000000000003e800000000",
		   "d80482020406504f5254414c77ac0201010465323830173a8d80");
	assert_row(&tables, TABLE_OBSERVATION, "0204504f5254414c",
		   "00000000000003e800000000370a6808");
	assert_row(&tables, TABLE_OBSERVATION, "03000001020165323830",
		   "00000000000003e80000000072c09fca");
}

/* Method: a bit is flipped in each kind of row. */
static void a_damaged_row_is_told_and_not_believed(void **state)
{
	struct observation seen = tag("e1", 1000, -60);
	struct list list = {.count = 0};
	uint32_t removed;

	(void)state;
	add(&seen);
	tables_flip(&tables, TABLE_OBSERVATION, 2); /* the tag */
	assert_code(observation_add(tables.txn, &seen, HOLD_MS, &tables.err),
		    ERR_CORRUPT);
	tables_flip(&tables, TABLE_OBSERVATION, 2);
	tables_flip(&tables, TABLE_OBSERVATION, 1); /* the latest */
	assert_code(latest_code("PORTAL", OBSERVED_EPC), ERR_CORRUPT);
	tables_flip(&tables, TABLE_OBSERVATION, 1);
	tables_flip(&tables, TABLE_OBSERVATION, 0); /* the row */
	assert_code(latest_code("PORTAL", OBSERVED_EPC), ERR_CORRUPT);
	assert_code(observation_add(tables.txn, &seen, HOLD_MS, NULL),
		    ERR_CORRUPT);
	assert_code(observation_walk(txn_view(tables.txn), (struct moment){0},
				     list_visit, &list, NULL),
		    ERR_CORRUPT);
	assert_code(observation_trim(tables.txn, (struct moment){2000}, 1,
				     &removed, NULL),
		    ERR_CORRUPT);
}

/* Method: the smallest map is filled until there is no more room. */
static void a_full_map_is_told_and_what_was_kept_stays(void **state)
{
	struct observation seen = shelf("A", 1, 1);
	enum err_code code = ERR_OK;

	(void)state;
	tables_close(&tables);
	tables_open(&tables, ENV_MAP_SIZE_MIN);
	add(&seen);
	tables_commit(&tables);
	while (code == ERR_OK && seen.at.ms < 100000) {
		seen.at.ms++;
		code = observation_add(tables.txn, &seen, 0, &tables.err);
	}
	assert_code(code, ERR_FULL);
	assert_true(seen.at.ms > 1000);
	tables_abandon(&tables);
	assert_int_equal(list_from(0)->count, 1);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_observation_comes_back_as_it_went_in),
		TEST(a_walk_is_in_order_of_time_then_of_arrival),
		TEST(a_walk_ends_when_its_visitor_says_so),
		TEST(the_latest_of_a_bin_is_the_one_that_began_last),
		TEST(a_tag_that_stays_is_one_row),
		TEST(what_is_not_the_same_read_gets_its_own_row),
		TEST(trimming_takes_the_oldest_and_what_points_at_them),
		TEST(the_table_stays_within_its_bound),
		TEST(it_keeps_what_a_plain_list_would),
		TEST(the_rows_on_disk_are_those_of_the_format),
		TEST(a_damaged_row_is_told_and_not_believed),
		TEST(a_full_map_is_told_and_what_was_kept_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
