/*
 * Tasks to count again: the whole site where a medium was lost, one item in one
 * bin where nobody can know otherwise.
 *
 * Method: a real ledger; tasks are read back from the tables.
 */
#include "store/recount.h"
#include "tests/support/warehouse.h"

static struct pos post_site(struct warehouse *w)
{
	struct pos pos;

	warehouse_begin(w);
	pos = batch_next(w->batch);
	assert_done(recount_post(w->batch, &w->err), &w->err);
	warehouse_commit(w);
	return pos;
}

static void post_bin(struct warehouse *w, const char *bin, const char *item)
{
	warehouse_begin(w);
	assert_done(recount_post_bin(w->batch, span_of(bin), span_of(item),
				     &w->err),
		    &w->err);
	warehouse_commit(w);
}

static struct task read_task(struct warehouse *w, struct span id)
{
	struct view *view;
	struct task task;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(task_get(view, id, &task, &w->err), &w->err);
	view_end(view);
	return task;
}

static uint64_t tasks(struct warehouse *w)
{
	struct view *view;
	uint64_t count;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	assert_done(view_count(view, TABLE_TASK, &count, &w->err), &w->err);
	view_end(view);
	return count;
}

/* The id of the open task to count; empty: there is none. */
static struct name open_task(struct warehouse *w, const char *bin,
			     const char *item)
{
	struct name id = {.size = 0};
	struct view *view;
	enum err_code code;

	assert_done(view_begin(ledger_env(w->ledger), &view, &w->err), &w->err);
	code = task_open_count(view, span_of(bin), span_of(item), &id, &w->err);
	view_end(view);
	if (code != ERR_NOT_FOUND)
		assert_done(code, &w->err);
	return id;
}

static void the_whole_site_is_a_task_without_a_bin(void **state)
{
	struct warehouse *w = *state;
	struct pos pos = post_site(w);
	struct task task;
	char id[40];

	assert_true(text_format(id, sizeof(id), "t%u-%u",
				(unsigned)pos_epoch(pos),
				(unsigned)pos_number(pos)));
	task = read_task(w, span_of(id));
	assert_int_equal(task.kind, TASK_COUNT);
	assert_int_equal(task.state, TASK_OPEN);
	assert_int_equal(task.bin.size, 0);
	assert_int_equal(task.item.size, 0);
	assert_true(span_is(reason_span(&task.reason), RECOUNT_REASON));
}

/* Each loss asks for its own. */
static void two_losses_are_two_tasks(void **state)
{
	struct warehouse *w = *state;

	(void)post_site(w);
	(void)post_site(w);
	assert_int_equal(tasks(w), 2);
}

static void one_item_in_one_bin_is_asked_for_once(void **state)
{
	struct warehouse *w = *state;
	struct task task;
	struct name id;

	for (int i = 0; i < 3; i++)
		post_bin(w, "A-01", "TEA");
	post_bin(w, "A-01", "CUP");
	post_bin(w, "A-02", "TEA");
	assert_int_equal(tasks(w), 3);
	id = open_task(w, "A-01", "TEA");
	task = read_task(w, name_span(&id));
	assert_true(span_is(place_name_span(&task.bin), "A-01"));
	assert_true(span_is(sku_span(&task.item), "TEA"));
	assert_true(span_is(reason_span(&task.reason), RECOUNT_LATE_REASON));
}

static void a_task_that_is_open_for_another_reason_will_do(void **state)
{
	struct warehouse *w = *state;
	struct entry entry = warehouse_task("t9-9", TASK_OPEN);

	assert_true(sku_set(&entry.body.task.item, SPAN_LITERAL("TEA")));
	(void)warehouse_enter(w, &entry);
	post_bin(w, "A-01", "TEA");
	assert_int_equal(tasks(w), 1);
}

static void what_was_counted_is_asked_for_anew(void **state)
{
	struct warehouse *w = *state;
	struct entry entry;
	struct name first;
	struct name second;

	post_bin(w, "A-01", "TEA");
	first = open_task(w, "A-01", "TEA");
	entry_init(&entry, ENTRY_TASK);
	entry.body.task = read_task(w, name_span(&first));
	entry.body.task.state = TASK_DONE;
	(void)warehouse_enter(w, &entry);
	assert_int_equal(open_task(w, "A-01", "TEA").size, 0);
	post_bin(w, "A-01", "TEA");
	second = open_task(w, "A-01", "TEA");
	assert_true(second.size > 0);
	assert_false(span_equal(name_span(&first), name_span(&second)));
}

static void a_power_cut_leaves_no_half_a_task(void **state)
{
	struct warehouse *w = *state;

	warehouse_begin(w);
	assert_done(recount_post_bin(w->batch, SPAN_LITERAL("A-01"),
				     SPAN_LITERAL("TEA"), &w->err),
		    &w->err);
	batch_abandon(w->batch);
	w->batch = NULL;
	assert_int_equal(open_task(w, "A-01", "TEA").size, 0);
	post_bin(w, "A-01", "TEA");
	assert_int_equal(tasks(w), 1);
}

#define TEST(name)                                             \
	cmocka_unit_test_setup_teardown(name, warehouse_setup, \
					warehouse_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_whole_site_is_a_task_without_a_bin),
		TEST(two_losses_are_two_tasks),
		TEST(one_item_in_one_bin_is_asked_for_once),
		TEST(a_task_that_is_open_for_another_reason_will_do),
		TEST(what_was_counted_is_asked_for_anew),
		TEST(a_power_cut_leaves_no_half_a_task),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
