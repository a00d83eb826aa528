/*
 * What is published beside stock: tasks, alerts, status; and how names become
 * levels of topics.
 */
#include "tests/support/warehouse.h"

#include "gateway/core/view.h"
#include "gateway/core/why.h"
#include "store/check.h"
#include "tests/support/payload.h"

/* ---- levels ---- */

static void plain_names_stay_and_all_else_is_escaped(void **state)
{
	static const struct {
		const char *name;
		const char *level;
	} pairs[] = {
		{"85123A", "85123A"},          {"a.b_c-D9", "a.b_c-D9"},
		{"a/b+c#d", "a%2Fb%2Bc%23d"},  {"100% tea", "100%25%20tea"},
		{"\xe7\xbb\xbf", "%E7%BB%BF"}, {"$SYS", "%24SYS"},
	};
	char level[VIEW_LEVEL_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		view_level_print(span_of(pairs[i].name), level);
		assert_string_equal(level, pairs[i].level);
	}
}

/* Method: names of all lengths of random bytes, all 256 of them; what comes
 * back must be what went in, and two names never share a level. */
static void a_level_reads_back_to_its_name(void **state)
{
	uint64_t seed = test_seed(1);
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		char name[VIEW_LEVEL_NAME_SIZE_MAX];
		char back[VIEW_LEVEL_NAME_SIZE_MAX];
		char level[VIEW_LEVEL_SIZE];
		size_t size = i % VIEW_LEVEL_NAME_SIZE_MAX + 1;
		size_t back_size = 0;

		for (size_t at = 0; at < size; at++)
			name[at] = (char)(i < 256 ? i : test_random(&seed));
		view_level_print((struct span){name, size}, level);
		assert_true(view_level_parse(span_of(level), back, &back_size));
		assert_int_equal(back_size, size);
		assert_memory_equal(back, name, size);
		count++;
	}
	assert_int_equal(count, 20000);
}

static void what_was_never_written_as_a_level_is_refused(void **state)
{
	static const char *const refused[] = {
		"",    "a b",   "a/b", "%",      "%4",   "%2",
		"%2f", "%zz",   "%41", "a%2",    "%%",   "\xe7\xbb\xbf",
		"+",   "a%2Gb", "#",   "%2F%2f", "a%2E",
	};
	char name[VIEW_LEVEL_NAME_SIZE_MAX];
	char longest[VIEW_LEVEL_NAME_SIZE_MAX + 2];
	size_t size = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		assert_false(
			view_level_parse(span_of(refused[i]), name, &size));
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_false(view_level_parse(span_of(longest), name, &size));
	assert_int_equal(size, 0);
	assert_true(view_level_parse(
		(struct span){longest, VIEW_LEVEL_NAME_SIZE_MAX}, name, &size));
	assert_int_equal(size, VIEW_LEVEL_NAME_SIZE_MAX);
}

/* ---- tasks ---- */

/* An entry as the journal would have it. */
static struct entry stamped(struct entry entry)
{
	entry.stamp = stamp_next((struct stamp){0},
				 (struct moment){WAREHOUSE_START_MS});
	entry.effective.ms = WAREHOUSE_START_MS - 5000;
	entry.clock_flags = ENTRY_CLOCK_TRUSTED | ENTRY_EFFECTIVE_TRUSTED;
	return entry;
}

static void a_task_says_what_to_do_and_why_in_two_languages(void **state)
{
	struct payload *p = *state;
	struct entry entry = stamped(warehouse_task("t1-9", TASK_OPEN));

	assert_true(sku_set(&entry.body.task.item, SPAN_LITERAL("TEA")));
	view_task_print(&entry, pos_make(1, 9), NULL, payload_begin(p));
	payload_end(p);
	assert_span(payload_text(p, "id"), "t1-9");
	assert_span(payload_text(p, "kind"), "count");
	assert_span(payload_text(p, "state"), "open");
	assert_span(payload_text(p, "bin"), "A-01");
	assert_span(payload_text(p, "item"), "TEA");
	assert_span(payload_text(p, "reason"), "found");
	assert_false(payload_has(p, "account"));
	assert_span(payload_text(p, "changed_at"), "2026-11-22T10:00:00Z");
	assert_span(payload_text(p, "text_en"),
		    "Count TEA in bin A-01. More was taken from it than the "
		    "book held.");
	assert_span(payload_text(p, "text_zh"),
		    "请盘点商品 TEA，库位 A-01。从中取走的多于账面。");
	assert_int_equal(payload_int(p, "pos"), 9);
}

static void assert_asks(struct payload *p, const struct entry *entry,
			const char *en, const char *zh)
{
	view_task_print(entry, pos_make(1, 9), NULL, payload_begin(p));
	payload_end(p);
	assert_span(payload_text(p, "text_en"), en);
	assert_span(payload_text(p, "text_zh"), zh);
}

/* Method: the two tasks that name no bin; without a reason, and with the one
 * that a box which was set back gives. */
static void a_task_without_a_bin_is_of_all_of_them(void **state)
{
	struct payload *p = *state;
	struct entry entry = stamped(warehouse_task("t1-9", TASK_OPEN));
	struct task *task = &entry.body.task;

	task->bin.size = 0;
	task->reason.size = 0;
	assert_asks(p, &entry, "Count the whole site.", "请盘点全站。");
	assert_true(sku_set(&task->item, SPAN_LITERAL("TEA")));
	assert_asks(p, &entry, "Count TEA in all bins.",
		    "请盘点商品 TEA（全部库位）。");
	task->item.size = 0;
	assert_true(reason_set(&task->reason, SPAN_LITERAL("medium_lost")));
	assert_asks(
		p, &entry,
		"Count the whole site. The box was set back or replaced: "
		"what was booked last before that may be lost.",
		"请盘点全站。盒子曾被恢复或更换：此前最后的入账可能已丢失。");
}

static void an_untrusted_clocks_time_is_shown_and_marked(void **state)
{
	struct payload *p = *state;
	struct entry task = stamped(warehouse_task("t1-9", TASK_OPEN));
	struct entry alert = stamped(warehouse_task("t1-9", TASK_OPEN));
	struct entry *const both[] = {&task, &alert};

	alert.kind = ENTRY_ALERT;
	memset(&alert.body, 0, sizeof(alert.body));
	alert.body.alert.severity = SEVERITY_WARNING;
	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		const char *key = i == 0 ? "changed_at" : "since";

		for (int trusted = 0; trusted <= 1; trusted++) {
			both[i]->clock_flags =
				trusted ? ENTRY_CLOCK_TRUSTED |
						  ENTRY_EFFECTIVE_TRUSTED
					: 0;
			if (i == 0)
				view_task_print(both[i], pos_make(1, 9), NULL,
						payload_begin(p));
			else
				view_alert_print(both[i], pos_make(1, 9),
						 payload_begin(p));
			payload_end(p);
			assert_int_equal(payload_is_null(p, key), !trusted);
			assert_int_equal(payload_has(p, "clock_time"),
					 !trusted);
			if (!trusted)
				assert_span(payload_text(p, "clock"),
					    "untrusted");
		}
	}
}

static void a_task_is_open_until_it_is_done_or_cancelled(void **state)
{
	static const struct {
		enum task_state state;
		bool is_open;
	} states[] = {
		{TASK_OPEN, true},
		{TASK_CLAIMED, true},
		{TASK_DONE, false},
		{TASK_CANCELLED, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		struct task task = {.state = states[i].state};

		assert_int_equal(view_task_is_open(&task), states[i].is_open);
	}
}

static void the_longest_task_fits(void **state)
{
	static const enum task_kind kinds[] = {
		TASK_COUNT, TASK_PUTAWAY, TASK_PICK, TASK_INSPECT, TASK_CHECK};
	struct payload *p = *state;
	struct entry entry = stamped(warehouse_task("t1-9", TASK_CLAIMED));
	struct task *task = &entry.body.task;

	memset(task->bin.data, '"', task->bin.size = PLACE_NAME_SIZE_MAX);
	memset(task->item.data, '\\', task->item.size = SKU_SIZE_MAX);
	memset(task->id.data, '-', task->id.size = NAME_SIZE_MAX);
	memset(task->account.data, '-', task->account.size = NAME_SIZE_MAX);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		task->kind = kinds[i];
		assert_true(reason_set(&task->reason,
				       SPAN_LITERAL("blind_recount")));
		view_task_print(&entry, pos_make(EPOCH_MAX, POS_NUMBER_MAX),
				NULL, payload_begin(p));
		payload_end(p);
		memset(task->reason.data, '"',
		       task->reason.size = REASON_SIZE_MAX);
		view_task_print(&entry, pos_make(EPOCH_MAX, POS_NUMBER_MAX),
				NULL, payload_begin(p));
		payload_end(p);
	}
}

static struct check_sheet sheet_make(size_t text_size, char c)
{
	struct check_sheet sheet = {.asked = 0xff};

	for (uint32_t n = 0; n <= CHECK_QUESTIONS_MAX; n++) {
		struct check *part = &sheet.parts[n];

		part->number = n;
		part->kind = CHECK_COLD_CHAIN;
		part->answer = ANSWER_NUMBER;
		part->has_high = true;
		part->high = -18500;
		assert_true(name_set(&part->id, SPAN_LITERAL("cold-1")));
		assert_true(
			item_name_set(&part->name_en, SPAN_LITERAL("Freezer")));
		memset(part->name_zh.data, c,
		       part->name_zh.size = (uint8_t)text_size);
	}
	return sheet;
}

static void a_checks_task_says_what_it_asks(void **state)
{
	struct payload *p = *state;
	struct check_sheet sheet = sheet_make(3, 'z');
	struct entry entry = stamped(warehouse_task("t1-9", TASK_OPEN));
	struct task *task = &entry.body.task;

	task->kind = TASK_CHECK;
	task->due_ms = UINT64_C(1795341600000);
	task->missed = 2;
	assert_true(name_set(&task->check, SPAN_LITERAL("cold-1")));
	assert_true(reason_set(&task->reason, SPAN_LITERAL("check_failed")));
	view_task_print(&entry, pos_make(1, 9), &sheet, payload_begin(p));
	payload_end(p);
	assert_span(payload_text(p, "check"), "cold-1");
	assert_span(payload_text(p, "due"), "2026-11-22T10:00:00Z");
	assert_span(payload_text(p, "check_kind"), "cold_chain");
	assert_int_equal(payload_int(p, "missed"), 2);
	assert_true(payload_has(p, "questions"));
	assert_span(payload_text(p, "text_en"),
		    "Check Freezer (cold-1). The last answers were not as they "
		    "should be: put it right, and check again.");
	assert_span(payload_text(p, "text_zh"),
		    "请检查zzz (cold-1)。上次结果异常：请处理后重新检查。");
	view_task_print(&entry, pos_make(1, 9), NULL, payload_begin(p));
	payload_end(p);
	assert_false(payload_has(p, "questions"));
	assert_true(span_starts(payload_text(p, "text_en"), "Check cold-1."));
}

/* Method: eight questions whose texts double when they are escaped. */
static void questions_without_room_are_left_out_whole(void **state)
{
	struct payload *p = *state;
	struct check_sheet sheet = sheet_make(ITEM_NAME_SIZE_MAX, '"');
	struct entry entry = stamped(warehouse_task("t1-9", TASK_OPEN));

	entry.body.task.kind = TASK_CHECK;
	assert_true(name_set(&entry.body.task.check, SPAN_LITERAL("cold-1")));
	for (size_t n = 0; n <= CHECK_QUESTIONS_MAX; n++)
		memset(sheet.parts[n].name_en.data, '\\',
		       sheet.parts[n].name_en.size = ITEM_NAME_SIZE_MAX);
	view_task_print(&entry, pos_make(EPOCH_MAX, POS_NUMBER_MAX), &sheet,
			payload_begin(p));
	payload_end(p);
	assert_false(payload_has(p, "questions"));
	assert_true(payload_has(p, "questions_cut"));
	assert_int_equal(payload_int(p, "pos"), POS_NUMBER_MAX);
}

/* ---- alerts ---- */

static void alert_print(struct payload *p, const struct entry *entry)
{
	view_alert_print(entry, pos_make(1, 12), payload_begin(p));
	payload_end(p);
}

static void an_alert_says_what_is_wrong_since_when_and_what_to_do(void **state)
{
	struct payload *p = *state;
	struct entry entry =
		stamped(warehouse_alert("silent_device", "dock-1", false));

	entry.body.alert.value = 300;
	alert_print(p, &entry);
	assert_span(payload_text(p, "id"), "silent_device-dock-1");
	assert_span(payload_text(p, "code"), "silent_device");
	assert_span(payload_text(p, "severity"), "warning");
	assert_span(payload_text(p, "since"), "2026-11-22T09:59:55Z");
	assert_span(payload_text(p, "subject"), "dock-1");
	assert_int_equal(payload_int(p, "value"), 300);
	assert_span(payload_text(p, "text_en"),
		    "Device dock-1 has not been heard of for 300 s.");
	assert_span(payload_text(p, "next_en"),
		    "Check its power, its battery and the network; if it is no "
		    "longer in use, `depot device revoke dock-1`.");

	entry.body.alert.value = 0;
	alert_print(p, &entry);
	assert_span(payload_text(p, "text_en"),
		    "Device dock-1 has not been heard of.");
	assert_span(payload_text(p, "text_zh"), "设备 dock-1 没有消息。");
}

/* Method: every word that why.h has; and what is no such word stays. */
static void what_is_stuck_says_why_in_both_languages(void **state)
{
	struct payload *p = *state;
	struct entry entry = stamped(warehouse_alert("feed_stuck", "x", false));
	struct alert *alert = &entry.body.alert;
	char subject[CODE_SIZE_MAX + 1];
	char expected[160];
	size_t count;
	const struct why *table = why_delta_table(&count);

	for (size_t i = 0; i < count; i++) {
		assert_true(text_format(subject, sizeof(subject),
					"sh-02.1: 57-63 (%s), hz-01",
					table[i].code));
		assert_true(code_text_set(&alert->subject, span_of(subject)));
		alert_print(p, &entry);
		assert_span(payload_text(p, "subject"), subject);
		assert_true(text_format(
			expected, sizeof(expected),
			"有站点的增量无法接收：sh-02.1: 57-63 (%s，%s), hz-01"
			"（站点.纪元: 起-止，原因，来源）。",
			table[i].code, table[i].zh));
		assert_span(payload_text(p, "text_zh"), expected);
	}
	assert_true(count > 10);
	assert_true(
		code_text_set(&alert->subject, SPAN_LITERAL("a: 1-2 (so), b")));
	alert_print(p, &entry);
	assert_span(payload_text(p, "text_zh"),
		    "有站点的增量无法接收：a: 1-2 (so), b"
		    "（站点.纪元: 起-止，原因，来源）。");
}

static void an_unknown_alert_is_still_a_sentence(void **state)
{
	struct payload *p = *state;
	struct entry entry = stamped(warehouse_alert("frost", "cold", false));

	entry.clock_flags = 0;
	alert_print(p, &entry);
	assert_span(payload_text(p, "code"), "frost");
	assert_span(payload_text(p, "text_en"),
		    "Something needs a look: cold (3).");
	assert_true(payload_is_null(p, "since"));
}

/* Every text of the table, with and without a value, with the longest
 * subject: it fits, and no pattern is left in it. */
static void every_alert_has_its_four_texts_and_fits(void **state)
{
	static const char *const keys[] = {"text_en", "text_zh", "next_en",
					   "next_zh"};
	struct payload *p = *state;
	size_t count;
	const struct alert_text *table = alert_text_table(&count);
	size_t texts = 0;

	for (size_t i = 0; i < count * 2; i++) {
		struct entry entry =
			stamped(warehouse_alert(table[i / 2].code, "", false));
		struct alert *alert = &entry.body.alert;

		assert_ptr_equal(alert_text_find(span_of(table[i / 2].code)),
				 &table[i / 2]);
		alert->value = i % 2 == 0 ? 0 : INT64_MIN;
		memset(alert->subject.data, '"',
		       alert->subject.size = CODE_SIZE_MAX);
		memset(alert->id.data, '"', alert->id.size = REF_SIZE_MAX);
		alert_print(p, &entry);
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			struct span text = payload_text(p, keys[k]);

			assert_true(text.size > 10);
			assert_null(memchr(text.data, '{', text.size));
			assert_null(memchr(text.data, '[', text.size));
			texts++;
		}
	}
	assert_true(count >= 10);
	assert_int_equal(texts, count * 2 * ARRAY_LEN(keys));
	for (size_t i = 1; i < count; i++)
		assert_true(strcmp(table[i - 1].code, table[i].code) < 0);
}

/* ---- status ---- */

static const struct view_status ready = {
	.state = SITE_READY,
	.session = {"s1", 2},
	.since = {WAREHOUSE_START_MS},
	.age = {.as_of = {WAREHOUSE_START_MS + 1000},
		.clock_trusted = true,
		.fresh_for_s = 180},
	.head = {(UINT64_C(1) << POS_NUMBER_BITS) + 120},
	.backlog = 3,
	.chunks = 7,
	.version = {"0.1.0", 5},
};

static void status_says_how_far_the_topics_are_complete(void **state)
{
	struct payload *p = *state;

	view_status_print(&ready, payload_begin(p));
	payload_end(p);
	assert_span(payload_text(p, "state"), "ready");
	assert_span(payload_text(p, "session"), "s1");
	assert_span(payload_text(p, "since"), "2026-11-22T10:00:00Z");
	assert_span(payload_text(p, "as_of"), "2026-11-22T10:00:01Z");
	assert_int_equal(payload_int(p, "fresh_for_s"), 180);
	assert_int_equal(payload_int(p, "epoch"), 1);
	assert_int_equal(payload_int(p, "head"), 120);
	assert_int_equal(payload_int(p, "backlog"), 3);
	assert_int_equal(payload_int(p, "chunks"), 7);
	assert_span(payload_text(p, "version"), "0.1.0");
	assert_span(payload_text(p, "clock"), "trusted");
	assert_int_equal(payload_count(payload_at(p, "health")), 0);
	assert_false(payload_has(p, "autonomy_hours"));
}

static void what_nobody_can_tell_is_null_in_status(void **state)
{
	struct payload *p = *state;
	struct view_status status = ready;

	status.age.as_of.ms = 0;
	status.since.ms = 0;
	view_status_print(&status, payload_begin(p));
	payload_end(p);
	assert_true(payload_is_null(p, "as_of"));
	assert_true(payload_is_null(p, "since"));

	status = ready;
	status.age.clock_trusted = false;
	view_status_print(&status, payload_begin(p));
	payload_end(p);
	assert_true(payload_is_null(p, "as_of"));
	assert_true(payload_is_null(p, "since"));
	assert_span(payload_text(p, "clock"), "untrusted");
}

static void the_longest_status_fits(void **state)
{
	const char *health[VIEW_HEALTH_MAX + 4];
	struct payload *p = *state;
	struct view_status status = ready;
	char longest[200];

	memset(longest, '"', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(health); i++)
		health[i] = longest;
	status.session = span_of(longest);
	status.version = span_of(longest);
	status.health = health;
	status.health_count = ARRAY_LEN(health);
	status.backlog = INT64_MAX;
	status.autonomy_hours = INT64_MAX;
	status.has_autonomy = true;
	view_status_print(&status, payload_begin(p));
	payload_end(p);
	assert_int_equal(payload_count(payload_at(p, "health")),
			 VIEW_HEALTH_MAX);
	assert_true(payload_has(p, "autonomy_hours"));
}

static int setup(void **state)
{
	*state = calloc(1, sizeof(struct payload));
	return *state == NULL;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_names_stay_and_all_else_is_escaped),
		cmocka_unit_test(a_level_reads_back_to_its_name),
		cmocka_unit_test(what_was_never_written_as_a_level_is_refused),
		TEST(a_task_says_what_to_do_and_why_in_two_languages),
		TEST(a_task_without_a_bin_is_of_all_of_them),
		TEST(an_untrusted_clocks_time_is_shown_and_marked),
		TEST(a_task_is_open_until_it_is_done_or_cancelled),
		TEST(the_longest_task_fits),
		TEST(a_checks_task_says_what_it_asks),
		TEST(questions_without_room_are_left_out_whole),
		TEST(an_alert_says_what_is_wrong_since_when_and_what_to_do),
		TEST(what_is_stuck_says_why_in_both_languages),
		TEST(an_unknown_alert_is_still_a_sentence),
		TEST(every_alert_has_its_four_texts_and_fits),
		TEST(status_says_how_far_the_topics_are_complete),
		TEST(what_nobody_can_tell_is_null_in_status),
		TEST(the_longest_status_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
