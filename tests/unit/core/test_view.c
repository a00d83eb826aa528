/*
 * What is published of stock: the ledger's figures and no others, in every
 * payload, with their age, and never longer than a payload may be.
 */
#include "tests/support/warehouse.h"

#include "gateway/core/view.h"
#include "store/journal.h"
#include "tests/support/payload.h"

struct fixture {
	struct warehouse w;
	struct view *view;
	struct payload payload;
};

static const struct view_age trusted_age = {
	.as_of = {WAREHOUSE_START_MS + 60000},
	.clock_trusted = true,
	.fresh_for_s = 180,
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	warehouse_open(&f->w);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	view_end(f->view);
	warehouse_close(&f->w);
	free(f);
	return 0;
}

/* The present state; what was read before is gone. */
static const struct view *look(struct fixture *f)
{
	view_end(f->view);
	f->view = NULL;
	assert_done(view_begin(ledger_env(f->w.ledger), &f->view, &f->w.err),
		    &f->w.err);
	return f->view;
}

static struct stock stock_of(struct fixture *f, const char *sku)
{
	struct item_no item = warehouse_item(&f->w, sku);
	struct stock stock;

	assert_done(view_stock_read(look(f), item, &stock, &f->w.err),
		    &f->w.err);
	return stock;
}

static void publish(struct fixture *f, const char *sku,
		    const struct view_age *age)
{
	struct stock stock = stock_of(f, sku);

	view_stock_print(&stock, age, payload_begin(&f->payload));
	payload_end(&f->payload);
}

static struct pos receive_on(struct fixture *f, const char *sku, int64_t units,
			     enum condition condition)
{
	struct entry entry = warehouse_receipt(sku, units, condition);

	return warehouse_enter(&f->w, &entry);
}

/* One movement into each state, each with a quantity of its own. */
static void stock_shows_each_unit_in_its_state(void **state)
{
	struct fixture *f = *state;
	struct pos last;

	(void)warehouse_describe(&f->w, "TEA", "Green tea", false);
	(void)warehouse_receive(&f->w, "TEA", 100);
	(void)receive_on(f, "TEA", 7, CONDITION_ON_HOLD);
	(void)receive_on(f, "TEA", 5, CONDITION_QUARANTINE);
	(void)receive_on(f, "TEA", 3, CONDITION_DAMAGED);
	last = warehouse_pick(&f->w, "TEA", 20);
	publish(f, "TEA", &trusted_age);

	assert_int_equal(payload_int(&f->payload, "v"), 1);
	assert_span(payload_text(&f->payload, "item"), "TEA");
	assert_span(payload_text(&f->payload, "name_en"), "Green tea");
	assert_false(payload_has(&f->payload, "name_zh"));
	assert_span(payload_text(&f->payload, "unit"), "each");
	assert_int_equal(payload_int(&f->payload, "on_hand"), 115);
	assert_int_equal(payload_int(&f->payload, "available"), 80);
	assert_int_equal(payload_int(&f->payload, "reserved"), 0);
	assert_int_equal(payload_int(&f->payload, "allocated"), 20);
	assert_int_equal(payload_int(&f->payload, "on_hold"), 7);
	assert_int_equal(payload_int(&f->payload, "quarantine"), 5);
	assert_int_equal(payload_int(&f->payload, "damaged"), 3);
	assert_int_equal(payload_int(&f->payload, "in_transit_in"), 0);
	assert_int_equal(payload_int(&f->payload, "on_order"), 0);
	assert_int_equal(payload_int(&f->payload, "atp"), 80);
	assert_int_equal(payload_int(&f->payload, "epoch"), 1);
	assert_int_equal(payload_int(&f->payload, "pos"), pos_number(last));
	assert_int_equal(payload_int(&f->payload, "fresh_for_s"), 180);
	assert_span(payload_text(&f->payload, "clock"), "trusted");
	assert_span(payload_text(&f->payload, "as_of"), "2026-11-22T10:01:00Z");
	assert_span(payload_text(&f->payload, "changed_at"),
		    "2026-11-22T10:00:00.006Z");
}

/* An item that was moved before anybody described it is shown by its SKU; one
 * that was described and never moved is shown with nothing. */
static void what_is_not_known_is_absent_and_nothing_is_zero(void **state)
{
	struct fixture *f = *state;

	(void)warehouse_receive(&f->w, "nameless", 4);
	(void)warehouse_describe(&f->w, "unmoved", "Never came", false);
	publish(f, "nameless", &trusted_age);
	assert_int_equal(payload_int(&f->payload, "on_hand"), 4);
	assert_false(payload_has(&f->payload, "name_en"));
	assert_false(payload_has(&f->payload, "unit"));

	publish(f, "unmoved", &trusted_age);
	assert_int_equal(payload_int(&f->payload, "on_hand"), 0);
	assert_int_equal(payload_int(&f->payload, "pos"), 0);
	assert_int_equal(payload_int(&f->payload, "epoch"), 0);
	assert_true(payload_is_null(&f->payload, "changed_at"));
}

static void an_untrusted_clock_gives_no_time_and_says_so(void **state)
{
	struct fixture *f = *state;
	struct view_age age = trusted_age;

	(void)warehouse_receive(&f->w, "TEA", 1);
	age.clock_trusted = false;
	publish(f, "TEA", &age);
	assert_true(payload_is_null(&f->payload, "as_of"));
	assert_span(payload_text(&f->payload, "clock"), "untrusted");
	/* The movement itself was stamped by a clock that was trusted. */
	assert_false(payload_is_null(&f->payload, "changed_at"));

	f->w.clock_trusted = false;
	(void)warehouse_receive(&f->w, "TEA", 1);
	publish(f, "TEA", &trusted_age);
	assert_false(payload_is_null(&f->payload, "as_of"));
	assert_true(payload_is_null(&f->payload, "changed_at"));
}

static void
an_item_has_left_when_it_is_inactive_and_nothing_is_here(void **state)
{
	struct fixture *f = *state;

	(void)warehouse_describe(&f->w, "TEA", "Green tea", false);
	assert_false(stock_of(f, "TEA").has_left);
	(void)warehouse_receive(&f->w, "TEA", 2);
	(void)warehouse_describe(&f->w, "TEA", "Green tea", true);
	assert_false(stock_of(f, "TEA").has_left);
	(void)warehouse_scrap(&f->w, "TEA", 2);
	assert_true(stock_of(f, "TEA").has_left);
	(void)warehouse_receive(&f->w, "TEA", 1);
	assert_false(stock_of(f, "TEA").has_left);
}

/* ---- the identity, under random movements ---- */

#define MODEL_STEPS 400

/* What the test itself thinks is where. */
struct model {
	int64_t good;
	int64_t picked;
	int64_t on_hold;
	int64_t quarantine;
	int64_t damaged;
};

static void model_step(struct fixture *f, struct model *model, uint64_t *seed)
{
	int64_t units = (int64_t)(test_random(seed) % 20 + 1);

	switch (test_random(seed) % 6) {
	case 0:
		(void)receive_on(f, "TEA", units, CONDITION_ON_HOLD);
		model->on_hold += units;
		break;
	case 1:
		(void)receive_on(f, "TEA", units, CONDITION_QUARANTINE);
		model->quarantine += units;
		break;
	case 2:
		(void)receive_on(f, "TEA", units, CONDITION_DAMAGED);
		model->damaged += units;
		break;
	case 3:
		if (units > model->good)
			break;
		(void)warehouse_pick(&f->w, "TEA", units);
		model->good -= units;
		model->picked += units;
		break;
	case 4:
		if (units > model->good)
			break;
		(void)warehouse_scrap(&f->w, "TEA", units);
		model->good -= units;
		break;
	default:
		(void)warehouse_receive(&f->w, "TEA", units);
		model->good += units;
		break;
	}
}

/* Method: random movements into and between all states, against a model of
 * five integers; after each, the payload's own sum is taken too. */
static void on_hand_is_the_sum_of_its_states_after_every_movement(void **state)
{
	struct fixture *f = *state;
	uint64_t seed = test_seed(1);
	struct model m = {0};
	size_t compared = 0;

	(void)warehouse_receive(&f->w, "TEA", 1);
	m.good = 1;
	for (size_t i = 0; i < MODEL_STEPS; i++) {
		const struct payload *p = &f->payload;

		model_step(f, &m, &seed);
		publish(f, "TEA", &trusted_age);
		assert_int_equal(payload_int(p, "available"), m.good);
		assert_int_equal(payload_int(p, "allocated"), m.picked);
		assert_int_equal(payload_int(p, "on_hold"), m.on_hold);
		assert_int_equal(payload_int(p, "quarantine"), m.quarantine);
		assert_int_equal(payload_int(p, "damaged"), m.damaged);
		assert_int_equal(payload_int(p, "on_hand"),
				 payload_int(p, "available") +
					 payload_int(p, "reserved") +
					 payload_int(p, "allocated") +
					 payload_int(p, "on_hold") +
					 payload_int(p, "quarantine") +
					 payload_int(p, "damaged"));
		compared++;
	}
	assert_int_equal(compared, MODEL_STEPS);
	assert_true(m.picked > 0 && m.on_hold > 0 && m.damaged > 0);
}

/* ---- bounds ---- */

/* Every byte of every text doubles in JSON, every number has all its digits. */
static struct stock worst_stock(void)
{
	struct tally tally = {{INT64_MAX}, {INT64_MAX}, {INT64_MAX},
			      {INT64_MAX}, {INT64_MAX}, {INT64_MAX},
			      {INT64_MAX}};
	struct stock stock = {.unit = UNIT_MILLILITRE,
			      .tally = tally,
			      .pos = pos_make(EPOCH_MAX, POS_NUMBER_MAX),
			      .changed_at = {MOMENT_TEXT_MS_MAX},
			      .has_changed_at = true};
	char texts[ITEM_NAME_SIZE_MAX];

	memset(texts, '"', sizeof(texts));
	assert_true(sku_set(&stock.sku, (struct span){texts, SKU_SIZE_MAX}));
	memset(texts, '\\', sizeof(texts));
	assert_true(item_name_set(&stock.name_en,
				  (struct span){texts, sizeof(texts)}));
	stock.name_zh = stock.name_en;
	return stock;
}

static void the_longest_stock_payload_fits(void **state)
{
	struct fixture *f = *state;
	struct stock stock = worst_stock();
	struct view_age age = {{MOMENT_TEXT_MS_MAX}, true, UINT32_MAX};

	view_stock_print(&stock, &age, payload_begin(&f->payload));
	payload_end(&f->payload);
	print_message("longest stock payload: %zu bytes\n",
		      f->payload.out.size);
	assert_int_equal(payload_int(&f->payload, "on_hand"), INT64_MAX);
}

static void ten_of_the_longest_rows_fit_into_changes(void **state)
{
	struct fixture *f = *state;
	struct stock stock = worst_stock();
	struct view_age age = {{MOMENT_TEXT_MS_MAX}, true, UINT32_MAX};
	struct view_link link = {pos_make(EPOCH_MAX, POS_NUMBER_MAX),
				 UINT32_MAX};
	struct json_out *out = payload_begin(&f->payload);
	size_t rows = 0;

	view_changes_begin(out);
	while (view_changes_has_room(out)) {
		size_t before = out->size;

		view_changes_add(out, &stock);
		assert_in_range(out->size - before, 1, VIEW_ROW_SIZE_MAX);
		rows++;
	}
	view_changes_end(out, &link, &link, &age);
	payload_end(&f->payload);
	assert_true(rows >= 10);
	assert_int_equal(payload_count(payload_at(&f->payload, "rows")), rows);
}

/* ---- chunks ---- */

static struct view_chunk chunk_from(struct fixture *f, uint32_t first,
				    uint32_t end)
{
	struct view_chunk chunk = {
		.count = 3, .first = first, .end = end, .rows_max = 1000};
	struct journal_head head;

	assert_done(ledger_head(look(f), &head, &f->w.err), &f->w.err);
	chunk.head = head.pos;
	return chunk;
}

static uint32_t chunk_publish(struct fixture *f, const struct view_chunk *chunk)
{
	uint32_t next = 0;

	assert_done(view_chunk_print(f->view, chunk, &trusted_age,
				     payload_begin(&f->payload), &next,
				     &f->w.err),
		    &f->w.err);
	payload_end(&f->payload);
	return next;
}

static void a_row_of_a_chunk_is_the_stock_payload_in_short(void **state)
{
	static const char *const columns[] = {
		"on_hand",    "available", "reserved", "allocated", "on_hold",
		"quarantine", "damaged",   "pos",      "epoch"};
	struct fixture *f = *state;
	int64_t figures[ARRAY_LEN(columns)];
	const struct json_value *row;
	struct view_chunk chunk;

	(void)warehouse_receive(&f->w, "TEA", 100);
	(void)receive_on(f, "TEA", 5, CONDITION_DAMAGED);
	(void)warehouse_pick(&f->w, "TEA", 20);
	publish(f, "TEA", &trusted_age);
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		figures[i] = payload_int(&f->payload, columns[i]);

	chunk = chunk_from(f, 1, 2);
	assert_int_equal(chunk_publish(f, &chunk), 2);
	assert_int_equal(payload_int(&f->payload, "chunk"), 0);
	assert_int_equal(payload_int(&f->payload, "chunks"), 3);
	assert_int_equal(payload_int(&f->payload, "pos"),
			 pos_number(chunk.head));
	row = payload_entry(payload_at(&f->payload, "rows"), 0);
	assert_int_equal(payload_count(row), 1 + ARRAY_LEN(columns));
	assert_span(payload_value_text(payload_entry(row, 0)), "TEA");
	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		assert_int_equal(payload_value_int(payload_entry(row, i + 1)),
				 figures[i]);
}

#define CHUNK_ITEMS 250

/* Method: 250 items with the longest SKUs there are, chunk after chunk, each
 * beginning where the one before ended; each item must come exactly once. */
static void chunks_end_at_their_bound_and_lose_no_item(void **state)
{
	struct fixture *f = *state;
	uint32_t next = 1;
	size_t rows = 0;
	size_t chunks = 0;
	char sku[SKU_SIZE_MAX + 1];

	warehouse_begin(&f->w);
	for (unsigned i = 1; i <= CHUNK_ITEMS; i++) {
		struct entry entry;

		memset(sku, '"', SKU_SIZE_MAX);
		sku[SKU_SIZE_MAX] = '\0';
		(void)text_format(sku, 5, "%04u", i);
		sku[4] = '"';
		entry = warehouse_receipt(sku, QTY_MOVE_MAX, CONDITION_GOOD);
		(void)warehouse_post(&f->w, &entry);
	}
	warehouse_commit(&f->w);
	while (next <= CHUNK_ITEMS) {
		struct view_chunk chunk = chunk_from(f, next, CHUNK_ITEMS + 1);
		const struct json_value *row;
		uint32_t end = chunk_publish(f, &chunk);

		assert_true(end >= next + 10 || end == CHUNK_ITEMS + 1);
		row = json_first(payload_at(&f->payload, "rows"));
		for (uint32_t item = next; item < end; item++) {
			(void)text_format(sku, 5, "%04u", (unsigned)item);
			assert_memory_equal(
				payload_value_text(payload_entry(row, 0)).data,
				sku, 4);
			row = json_next(row);
			rows++;
		}
		assert_null(row);
		next = end;
		chunks++;
	}
	assert_int_equal(rows, CHUNK_ITEMS);
	assert_true(chunks > 5);
}

static void a_chunk_stops_at_its_rows_and_leaves_out_what_has_left(void **state)
{
	struct fixture *f = *state;
	struct view_chunk chunk;

	(void)warehouse_receive(&f->w, "A", 1);
	(void)warehouse_describe(&f->w, "B", "gone", true);
	(void)warehouse_receive(&f->w, "C", 1);
	(void)warehouse_receive(&f->w, "D", 1);
	chunk = chunk_from(f, 1, 5);
	chunk.rows_max = 2;
	assert_int_equal(chunk_publish(f, &chunk), 4);
	assert_int_equal(payload_count(payload_at(&f->payload, "rows")), 2);
	chunk.rows_max = 3;
	assert_int_equal(chunk_publish(f, &chunk), 5);
	assert_int_equal(payload_count(payload_at(&f->payload, "rows")), 3);
}

/* ---- changes ---- */

static void changes_name_the_message_before_and_say_what_has_left(void **state)
{
	struct fixture *f = *state;
	struct view_link first = {pos_make(1, 7), 0};
	struct view_link second = {pos_make(1, 7), 1};
	struct json_out *out = payload_begin(&f->payload);
	const struct json_value *rows;
	struct stock stock;

	(void)warehouse_receive(&f->w, "A", 3);
	(void)warehouse_describe(&f->w, "B", "gone", true);
	view_changes_begin(out);
	stock = stock_of(f, "A");
	view_changes_add(out, &stock);
	stock = stock_of(f, "B");
	view_changes_add(out, &stock);
	view_changes_end(out, &first, NULL, &trusted_age);
	payload_end(&f->payload);
	assert_span(payload_text(&f->payload, "id"), "1.7.0");
	assert_true(payload_is_null(&f->payload, "prev"));
	rows = payload_at(&f->payload, "rows");
	assert_int_equal(payload_count(payload_entry(rows, 0)), 10);
	assert_int_equal(payload_count(payload_entry(rows, 1)), 1);

	view_changes_begin(payload_begin(&f->payload));
	view_changes_end(&f->payload.out, &second, &first, &trusted_age);
	payload_end(&f->payload);
	assert_span(payload_text(&f->payload, "id"), "1.7.1");
	assert_span(payload_text(&f->payload, "prev"), "1.7.0");
	assert_int_equal(payload_int(&f->payload, "pos"), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stock_shows_each_unit_in_its_state),
		TEST(what_is_not_known_is_absent_and_nothing_is_zero),
		TEST(an_untrusted_clock_gives_no_time_and_says_so),
		TEST(an_item_has_left_when_it_is_inactive_and_nothing_is_here),
		TEST(on_hand_is_the_sum_of_its_states_after_every_movement),
		TEST(the_longest_stock_payload_fits),
		TEST(ten_of_the_longest_rows_fit_into_changes),
		TEST(a_row_of_a_chunk_is_the_stock_payload_in_short),
		TEST(chunks_end_at_their_bound_and_lose_no_item),
		TEST(a_chunk_stops_at_its_rows_and_leaves_out_what_has_left),
		TEST(changes_name_the_message_before_and_say_what_has_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
