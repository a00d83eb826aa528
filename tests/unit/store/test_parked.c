/*
 * Parked input: kept raw and whole, bounded, and what has to leave is told.
 */
#include "tests/support/check.h"

#include "store/parked.h"
#include "tests/support/tables.h"

#define MAP_SIZE (UINT64_C(32) << 20)

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

static const struct parked_bounds wide = {1000000, UINT64_C(1) << 30};

/* An input with a payload of @size bytes @byte. */
static struct parked input_of(size_t size, char byte)
{
	static char payload[PAYLOAD_IN_SIZE_MAX];
	struct parked parked = {
		.arrival = {1000},
		.code = 4,
		.topic = SPAN_LITERAL("t"),
		.payload = {payload, size},
		.detail = {"", 0},
	};

	memset(payload, byte, sizeof(payload));
	return parked;
}

static struct parked_loss add(const struct parked_bounds *bounds,
			      struct parked *parked)
{
	struct parked_loss loss;

	assert_done(parked_add(tables.txn, bounds, parked, &loss, &tables.err),
		    &tables.err);
	return loss;
}

static struct parked_totals totals(void)
{
	struct parked_totals totals;

	assert_done(parked_totals(txn_view(tables.txn), &totals, &tables.err),
		    &tables.err);
	return totals;
}

#define assert_totals(count_, bytes_, ever_)        \
	do {                                        \
		struct parked_totals t_ = totals(); \
		assert_int_equal(t_.count, count_); \
		assert_int_equal(t_.bytes, bytes_); \
		assert_int_equal(t_.ever, ever_);   \
	} while (0)

#define assert_loss(loss, count_, first_, last_, bytes_) \
	do {                                             \
		struct parked_loss l_ = (loss);          \
		assert_int_equal(l_.count, count_);      \
		assert_int_equal(l_.first, first_);      \
		assert_int_equal(l_.last, last_);        \
		assert_int_equal(l_.bytes, bytes_);      \
	} while (0)

/* ---- one input ---- */

static void span_is_equal(struct span a, struct span b)
{
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.data, b.data, a.size);
}

/* Method: an input with every field at its longest, and one with none. */
static void an_input_comes_back_as_it_went_in(void **state)
{
	char longest[PAYLOAD_IN_SIZE_MAX];
	struct parked input = {.arrival = {MOMENT_MS_MAX},
			       .clock_trusted = true,
			       .is_cut = true,
			       .code = UINT16_MAX,
			       .detail = {longest, SEEN_DETAIL_SIZE_MAX},
			       .topic = {longest, TOPIC_IN_SIZE_MAX},
			       .payload = {longest, PAYLOAD_IN_SIZE_MAX}};
	struct parked empty = {.arrival = {0}};
	struct parked got;

	(void)state;
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = (char)(i * 7); /* any byte, NUL too */
	assert_true(code_text_set(&input.wants,
				  (struct span){longest, CODE_SIZE_MAX}));
	input.name.device.value = UINT32_MAX;
	input.name.seq = UINT64_MAX;
	assert_true(boot_set(&input.name.boot,
			     (struct span){longest, BOOT_SIZE_MAX}));
	assert_loss(add(&wide, &input), 0, 0, 0, 0);
	(void)add(&wide, &empty);
	assert_int_equal(input.number, 1);
	assert_int_equal(empty.number, 2);
	tables_reopen(&tables);

	assert_done(parked_get(txn_view(tables.txn), 1, &got, &tables.err),
		    &tables.err);
	assert_int_equal(got.number, 1);
	assert_true(got.arrival.ms == MOMENT_MS_MAX);
	assert_true(got.clock_trusted && got.is_cut);
	assert_int_equal(got.code, UINT16_MAX);
	span_is_equal(code_text_span(&got.wants), code_text_span(&input.wants));
	assert_true(got.name.device.value == UINT32_MAX);
	assert_true(got.name.seq == UINT64_MAX);
	span_is_equal(boot_span(&got.name.boot), boot_span(&input.name.boot));
	span_is_equal(got.detail, input.detail);
	span_is_equal(got.topic, input.topic);
	span_is_equal(got.payload, input.payload);

	assert_done(parked_get(txn_view(tables.txn), 2, &got, &tables.err),
		    &tables.err);
	assert_false(got.clock_trusted || got.is_cut);
	assert_int_equal(got.wants.size + got.detail.size + got.topic.size +
				 got.payload.size + got.name.boot.size,
			 0);
	assert_totals(2, PARKED_RAW_SIZE_MAX, 2);
}

/* Method: the middle of three is removed, asked for, and removed again. */
static void
a_removed_input_is_gone_and_its_number_never_given_again(void **state)
{
	struct parked input = input_of(9, 'x');

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)add(&wide, &input);
	assert_done(parked_remove(tables.txn, 3, &tables.err), &tables.err);
	assert_done(parked_remove(tables.txn, 2, &tables.err), &tables.err);
	assert_totals(1, 10, 3);
	assert_code(parked_get(txn_view(tables.txn), 2, &input, NULL),
		    ERR_NOT_FOUND);
	assert_code(parked_remove(tables.txn, 2, NULL), ERR_NOT_FOUND);
	/* The totals' own row is no input. */
	assert_code(parked_get(txn_view(tables.txn), 0, &input, NULL),
		    ERR_NOT_FOUND);
	assert_code(parked_remove(tables.txn, 0, NULL), ERR_NOT_FOUND);
	tables_reopen(&tables);
	(void)add(&wide, &input);
	assert_int_equal(input.number, 4);
	assert_totals(2, 20, 4);
	assert_done(parked_remove(tables.txn, 1, &tables.err), &tables.err);
	assert_done(parked_remove(tables.txn, 4, &tables.err), &tables.err);
	assert_totals(0, 0, 4);
}

/* ---- bounds ---- */

/* Method: a bound of three; the fourth pushes out the oldest that is left. */
static void the_oldest_leaves_when_there_are_too_many(void **state)
{
	const struct parked_bounds bounds = {3, 1000};
	struct parked input = input_of(9, 'x');

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_loss(add(&bounds, &input), 0, 0, 0, 0);
	assert_loss(add(&bounds, &input), 1, 1, 1, 10);
	assert_done(parked_remove(tables.txn, 2, &tables.err), &tables.err);
	assert_loss(add(&bounds, &input), 0, 0, 0, 0);
	assert_loss(add(&bounds, &input), 1, 3, 3, 10);
	assert_totals(3, 30, 6);
	assert_code(parked_get(txn_view(tables.txn), 3, &input, NULL),
		    ERR_NOT_FOUND);
}

/* Method: small inputs, one removed, then one that needs the room of many. */
static void as_many_leave_as_the_bytes_of_a_new_one_need(void **state)
{
	const struct parked_bounds bounds = {100, 100};
	struct parked small = input_of(9, 'x');
	struct parked large = input_of(54, 'y');

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_loss(add(&bounds, &small), 0, 0, 0, 0);
	assert_done(parked_remove(tables.txn, 3, &tables.err), &tables.err);
	/* 90 bytes are there; 45 may stay; 1, 2, 4, 5, 6 leave: 40 stay. */
	assert_loss(add(&bounds, &large), 5, 1, 6, 50);
	assert_totals(5, 95, 11);
}

/* Method: bounds that nothing fits; the newest stays, alone. */
static void the_newest_is_kept_whatever_the_bounds(void **state)
{
	const struct parked_bounds nothing = {0, 0};
	const struct parked_bounds small = {100, 50};
	struct parked input = input_of(99, 'x');

	(void)state;
	assert_loss(add(&nothing, &input), 0, 0, 0, 0);
	assert_loss(add(&nothing, &input), 1, 1, 1, 100);
	assert_loss(add(&small, &input), 1, 2, 2, 100);
	assert_totals(1, 100, 3);
}

/* Method: 1,000 inputs under wide bounds, then bounds of 10: calls until all
 * is within them. */
static void lowered_bounds_are_reached_in_bounded_steps(void **state)
{
	const struct parked_bounds low = {10, 1000000};
	struct parked input = input_of(9, 'x');
	uint64_t lost = 0;
	unsigned calls = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		(void)add(&wide, &input);
	while (totals().count > 10) {
		struct parked_loss loss = add(&low, &input);

		assert_true(loss.count <= PARKED_LEAVE_MAX);
		assert_int_equal(loss.first, lost + 1);
		lost += loss.count;
		assert_int_equal(loss.last, lost);
		calls++;
	}
	assert_int_equal(calls, 4);
	assert_totals(10, 100, 1004);
	assert_int_equal(lost, 994);
}

/* ---- the model ---- */

#define MODEL_MAX 64
#define MODEL_STEPS 20000

struct model {
	size_t count;
	uint64_t bytes;
	uint64_t ever;
	struct {
		uint64_t number;
		size_t size;
	} at[MODEL_MAX + 1];
};

static void model_leave(struct model *model, size_t index)
{
	model->bytes -= model->at[index].size;
	model->count--;
	memmove(model->at + index, model->at + index + 1,
		(model->count - index) * sizeof(model->at[0]));
}

static uint64_t model_add(struct model *model, uint64_t random)
{
	const struct parked_bounds bounds = {10 + random % (MODEL_MAX - 10),
					     4000 + random % 8000};
	size_t size = random >> 32 & 1023;
	struct parked input = input_of(size, (char)('a' + size % 26));
	uint64_t bytes = model->bytes;
	uint64_t left = 0;
	struct parked_loss loss = add(&bounds, &input);

	while (model->count > 0 &&
	       (model->count + 1 > bounds.count_max ||
		model->bytes + size + 1 > bounds.bytes_max)) {
		if (left++ == 0)
			assert_true(loss.first == model->at[0].number);
		assert_true(model->at[0].number <= loss.last);
		model_leave(model, 0);
	}
	assert_int_equal(loss.count, left);
	assert_int_equal(loss.bytes, bytes - model->bytes);
	model->at[model->count].number = ++model->ever;
	model->at[model->count].size = size + 1;
	model->bytes += size + 1;
	model->count++;
	assert_true(input.number == model->ever);
	return left;
}

struct check {
	const struct model *model;
	size_t at;
};

static enum err_code check_visit(void *context, const struct parked *parked,
				 struct err *err)
{
	struct check *check = context;
	size_t size = check->model->at[check->at].size - 1;

	(void)err;
	assert_true(parked->number == check->model->at[check->at].number);
	assert_int_equal(parked->payload.size, size);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(parked->payload.data[i], 'a' + size % 26);
	check->at++;
	return ERR_OK;
}

static void model_check(const struct model *model, uint64_t from)
{
	struct check check = {model, 0};

	while (check.at < model->count && model->at[check.at].number < from)
		check.at++;
	assert_done(parked_walk(txn_view(tables.txn), from, check_visit, &check,
				&tables.err),
		    &tables.err);
	assert_int_equal(check.at, model->count);
	assert_totals(model->count, model->bytes, model->ever);
}

/*
 * Method: 20,000 steps from a printed seed: inputs of any size under bounds
 * that change, removals, walks from anywhere, restarts; after each the totals,
 * losses and rows are compared with a plain list.
 */
static void it_keeps_what_a_plain_list_would(void **state)
{
	uint64_t random = test_seed(4711);
	static struct model model;
	uint64_t left = 0;
	uint64_t removed = 0;

	(void)state;
	memset(&model, 0, sizeof(model));
	for (unsigned step = 0; step < MODEL_STEPS; step++) {
		uint64_t draw = test_random(&random);

		if (draw % 3 == 0 && model.count > 0) {
			size_t index = (draw >> 8) % model.count;

			assert_done(parked_remove(tables.txn,
						  model.at[index].number,
						  &tables.err),
				    &tables.err);
			model_leave(&model, index);
			removed++;
		} else {
			left += model_add(&model, test_random(&random));
		}
		if (draw % 100 == 1)
			model_check(&model, (draw >> 8) % (model.ever + 2));
		if (step % 4000 == 3999)
			tables_reopen(&tables);
	}
	model_check(&model, 0);
	printf("added %llu, removed %llu, left %llu\n",
	       (unsigned long long)model.ever, (unsigned long long)removed,
	       (unsigned long long)left);
	assert_true(left > 1000 && removed > 1000);
}

static enum err_code stop_visit(void *context, const struct parked *parked,
				struct err *err)
{
	uint64_t *number = context;

	(void)err;
	*number = parked->number;
	return parked->number == 2 ? ERR_STOPPED : ERR_OK;
}

/* Method: a visitor says "enough" at the second of three. */
static void a_walk_ends_when_its_visitor_says_so(void **state)
{
	struct parked input = input_of(1, 'x');
	uint64_t number = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		(void)add(&wide, &input);
	assert_code(parked_walk(txn_view(tables.txn), 0, stop_visit, &number,
				NULL),
		    ERR_STOPPED);
	assert_int_equal(number, 2);
	assert_code(parked_walk(txn_view(tables.txn), UINT64_MAX, stop_visit,
				&number, NULL),
		    ERR_OK);
	assert_int_equal(number, 2);
}

/* ---- disk ---- */

/* Method: both kinds of row, compared with their bytes as of format 1. */
static void the_rows_on_disk_are_those_of_the_format(void **state)
{
	struct parked input = {.arrival = {1000},
			       .clock_trusted = true,
			       .code = 300,
			       .name = {.device = {258}, .seq = 70000},
			       .detail = SPAN_LITERAL("de"),
			       .topic = SPAN_LITERAL("a/b"),
			       .payload = SPAN_LITERAL("{}")};

	(void)state;
	assert_true(code_text_set(&input.wants, SPAN_LITERAL("4006381")));
	assert_true(boot_set(&input.name.boot, SPAN_LITERAL("b1")));
	(void)add(&wide, &input);
	assert_row(&tables, TABLE_PARKED, "0000000000000001",
		   "d00f01ac0207343030363338318202026231f0a20402646503612f62027"
		   "b7d");
	assert_row(&tables, TABLE_PARKED, "0000000000000000", "010501");
}

/* Method: a bit is flipped in the totals, then in an input. */
static void a_damaged_row_is_told_and_not_believed(void **state)
{
	const struct parked_bounds one = {1, 1000};
	struct parked input = input_of(40, 'x');
	struct parked_loss loss;
	struct parked_totals ignored;
	uint64_t number;

	(void)state;
	(void)add(&wide, &input);
	tables_flip(&tables, TABLE_PARKED, 0);
	assert_code(parked_totals(txn_view(tables.txn), &ignored, &tables.err),
		    ERR_CORRUPT);
	assert_code(parked_add(tables.txn, &wide, &input, &loss, NULL),
		    ERR_CORRUPT);
	assert_code(parked_remove(tables.txn, 1, NULL), ERR_CORRUPT);
	tables_flip(&tables, TABLE_PARKED, 0);
	tables_flip(&tables, TABLE_PARKED, 1);
	assert_code(parked_get(txn_view(tables.txn), 1, &input, NULL),
		    ERR_CORRUPT);
	assert_code(parked_walk(txn_view(tables.txn), 0, stop_visit, &number,
				NULL),
		    ERR_CORRUPT);
	input = input_of(40, 'x');
	assert_code(parked_add(tables.txn, &one, &input, &loss, NULL),
		    ERR_CORRUPT);
}

/* Method: the smallest map is filled until there is no more room. */
static void a_full_map_is_told_and_what_was_kept_stays(void **state)
{
	struct parked input = input_of(PAYLOAD_IN_SIZE_MAX, 'x');
	struct parked_loss loss;
	unsigned added = 0;
	enum err_code code = ERR_OK;

	(void)state;
	tables_close(&tables);
	tables_open(&tables, ENV_MAP_SIZE_MIN);
	(void)add(&wide, &input);
	tables_commit(&tables);
	while (code == ERR_OK && added < 1000) {
		code = parked_add(tables.txn, &wide, &input, &loss,
				  &tables.err);
		added += code == ERR_OK;
	}
	assert_code(code, ERR_FULL);
	assert_true(added > 50);
	tables_abandon(&tables);
	assert_totals(1, PAYLOAD_IN_SIZE_MAX + 1, 1);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_input_comes_back_as_it_went_in),
		TEST(a_removed_input_is_gone_and_its_number_never_given_again),
		TEST(the_oldest_leaves_when_there_are_too_many),
		TEST(as_many_leave_as_the_bytes_of_a_new_one_need),
		TEST(the_newest_is_kept_whatever_the_bounds),
		TEST(lowered_bounds_are_reached_in_bounded_steps),
		TEST(it_keeps_what_a_plain_list_would),
		TEST(a_walk_ends_when_its_visitor_says_so),
		TEST(the_rows_on_disk_are_those_of_the_format),
		TEST(a_damaged_row_is_told_and_not_believed),
		TEST(a_full_map_is_told_and_what_was_kept_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
