/*
 * Recurring site checks, from the file that describes them to the alert that
 * ends: a real store, the engine's own events, and a clock of the test's.
 */
#include "tests/unit/core/bench_warehouse.h"

#include "gateway/core/state.h"
#include "store/check.h"
#include "store/rebuild.h"
#include "tests/support/dump.h"

#define HOUR INT64_C(3600000)
#define MINUTE INT64_C(60000)
#define HEADER                                                        \
	"check,question,name_en,name_zh,kind,times,weekdays,every_h," \
	"grace_min,place,roles,answer,low,high,measure\n"
#define COLD                                                             \
	"cold-1,,Freezer,冷库,cold_chain,08:00 20:00,,,30,A-01,,,,,\n" \
	"cold-1,1,Temperature,温度,,,,,,,,number,-22,-18,C\n"          \
	"cold-1,2,Door closed?,门已关？,,,,,,,,yes,,,\n"
#define HOURLY "doors,,Doors,门,doors,,,1,15,,,,,,\n"
#define FIRE                                                           \
	"fire,,Fire exits,消防,fire,9:00,mon-fri,,60,,manager,,,,\n" \
	"fire,1,Anything in the way?,有阻挡？,,,,,,,,no,,,\n"

/* ---- doing things ---- */

static void import(struct warehouse *w, const char *text, const char *arguments)
{
	struct asked asked = {"boss", "check.import", arguments, span_of(text)};

	ask_of(w, &asked);
}

static void import_ok(struct warehouse *w, const char *text)
{
	import(w, text, "{}");
	if (strstr(w->reply, "\"error\"") != NULL)
		fail_msg("%s", w->reply);
}

/* Ticks at @now_ms, @uptime_ms after the box started. */
static void tick_at(struct warehouse *w, int64_t now_ms, int64_t uptime_ms)
{
	struct event event = {.kind = EVENT_TICK, .uptime_ms = uptime_ms};

	w->now_ms = now_ms;
	warehouse_step(w, &event);
}

static void tick(struct warehouse *w, int64_t now_ms)
{
	tick_at(w, now_ms, 0);
}

static int64_t moment_of(const char *text)
{
	struct moment moment = {0};

	assert_true(moment_parse(span_of(text), &moment));
	return moment.ms;
}

/* The id of the open task of @check; empty: none. */
static void open_task(struct warehouse *w, const char *check, char id[40])
{
	struct check_state state;
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(check_state(view, span_of(check), &state, &err), &err);
	view_end(view);
	text_print(name_span(&state.task), id, 40);
}

static struct task task_of(struct warehouse *w, const char *id)
{
	struct task task;
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(task_get(view, span_of(id), &task, &err), &err);
	view_end(view);
	return task;
}

static void worker_add(struct warehouse *w, const char *name, const char *role)
{
	char arguments[128];

	(void)text_format(arguments, sizeof(arguments),
			  "{\"account\":\"%s\",\"roles\":[\"%s\"]}", name,
			  role);
	ask_ok(w, "account.set", arguments);
}

static size_t tasks_count(struct warehouse *w)
{
	struct view *view;
	uint64_t count;
	struct err err;

	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(view_count(view, TABLE_TASK, &count, &err), &err);
	view_end(view);
	return (size_t)count;
}

/* ---- the file ---- */

static void a_table_of_checks_is_taken_whole_and_once(void **state)
{
	struct warehouse *w = *state;

	import_ok(w, HEADER COLD HOURLY FIRE);
	assert_reply(w, "\"rows\":6,\"added\":6,\"changed\":0");
	import(w, HEADER COLD HOURLY FIRE, "{}");
	assert_reply(w, "\"unchanged\":6");
	assert_false(w->was_committed);
	look_ok(w, "check.list", "");
	assert_reply(w, "\"check\":\"cold-1\",\"name_en\":\"Freezer\"");
	assert_reply(w, "\"times\":\"08:00 20:00\",\"grace_min\":30,"
			"\"place\":\"A-01\"");
	assert_reply(w, "\"times\":\"09:00\",\"weekdays\":[\"mon\",\"tue\","
			"\"wed\",\"thu\",\"fri\"],\"grace_min\":60,"
			"\"roles\":[\"manager\"]");
	assert_reply(w, "\"every_h\":1");
	look_ok(w, "check.show", "{\"check\":\"cold-1\"}");
	assert_reply(w, "\"question\":1,\"text_en\":\"Temperature\","
			"\"text_zh\":\"温度\",\"answer\":\"number\","
			"\"low\":\"-22\",\"high\":\"-18\",\"measure\":\"C\"");
	look_refused(w, "check.show", "{\"check\":\"none\"}", "unknown_check");
}

static void only_what_differs_is_written_again(void **state)
{
	struct warehouse *w = *state;
	struct pos before;

	import_ok(w, HEADER COLD HOURLY FIRE);
	before = head_pos(w);
	import_ok(w, HEADER
		  "cold-1,,Freezer,冷库,cold_chain,08:00 20:00,,,30,A-01,,,,,\n"
		  "cold-1,1,Temperature,温度,,,,,,,,number,-22,-18.5,C\n");
	assert_reply(w, "\"changed\":1,\"unchanged\":1");
	assert_reply(w, "\"vanished\":4");
	assert_int_equal(head_pos(w).value, before.value + 1);
	look_ok(w, "check.show", "{\"check\":\"cold-1\"}");
	assert_reply(w, "\"high\":\"-18.5\"");
	assert_reply(w, "\"question\":2");
}

static void what_vanished_is_retired_only_when_asked(void **state)
{
	struct warehouse *w = *state;
	char id[40];

	import_ok(w, HEADER COLD HOURLY FIRE);
	tick(w, w->now_ms + 25 * HOUR);
	open_task(w, "doors", id);
	assert_true(id[0] != '\0');
	import(w, HEADER FIRE, "{\"retire\":true,\"dry_run\":true}");
	assert_reply(w, "\"retired\":4");
	assert_false(w->was_committed);
	import(w, HEADER FIRE, "{\"retire\":true}");
	assert_reply(w, "\"retired\":4");
	assert_int_equal(task_of(w, id).state, TASK_CANCELLED);
	look_ok(w, "check.list", "");
	assert_no_reply(w, "cold-1");
	look_ok(w, "check.list", "{\"all\":true}");
	assert_reply(w, "\"retired\":true");
	tick(w, w->now_ms + 48 * HOUR);
	open_task(w, "doors", id);
	assert_string_equal(id, "");
	/* It comes back, and nobody has missed it meanwhile. */
	import_ok(w, HEADER HOURLY);
	tick(w, w->now_ms + 30 * 1000);
	tick(w, w->now_ms + HOUR);
	open_task(w, "doors", id);
	assert_int_equal(task_of(w, id).missed, 0);
	ask_refused(w, "check.retire", "{\"check\":\"cold-1\"}",
		    "unknown_check");
	ask_ok(w, "check.retire", "{\"check\":\"doors\"}");
	assert_clean(w);
}

/* Method: a file with one mistake a line; each is told with its line and code,
 * and nothing is taken. */
static void every_mistake_is_told_with_its_line(void **state)
{
	static const struct {
		const char *row;
		const char *code;
	} rows[] = {
		{"UPPER,,a,,fire,08:00,,,,,,,,,\n", "bad_check_id"},
		{"a,9,a,,,,,,,,,yes,,,\n", "bad_question"},
		{"a,0,a,,,,,,,,,yes,,,\n", "bad_question"},
		{"a,,,,fire,08:00,,,,,,,,,\n", "missing_field"},
		{"a,,a,,,08:00,,,,,,,,,\n", "missing_field"},
		{"a,,a,,nothing,08:00,,,,,,,,,\n", "unknown_word"},
		{"a,,a,,fire,,,,,,,,,,\n", "no_schedule"},
		{"a,,a,,fire,08:00,,4,,,,,,,\n", "no_schedule"},
		{"a,,a,,fire,25:00,,,,,,,,,\n", "bad_times"},
		{"a,,a,,fire,08:00 8:00,,,,,,,,,\n", "bad_times"},
		{"a,,a,,fire,,,5,,,,,,,\n", "bad_every_h"},
		{"a,,a,,fire,08:00,mon-xyz,,,,,,,,\n", "unknown_word"},
		{"a,,a,,fire,08:00,,,,,king,,,,\n", "unknown_word"},
		{"a,,a,,fire,08:00,,,-1,,,,,,\n", "out_of_range"},
		{"b,1,a,,,,,,,,,yes,,,\n", "no_check"},
		{"cold-1,1,a,,,,,,,,,,,,\n", "missing_field"},
		{"cold-1,1,a,,,,,,,,,yes,1,,\n", "no_limits"},
		{"cold-1,1,a,,,,,,,,,number,x,,\n", "bad_limit"},
		{"cold-1,1,a,,,,,,,,,number,2,1,\n", "limits_crossed"},
		{"cold-1,,a,,fire,08:00,,,,,,,,,\n", "duplicate_row"},
	};
	struct warehouse *w = *state;
	static char file[8192];
	size_t size;

	(void)text_format(file, sizeof(file), "%s%s", HEADER, COLD);
	size = strlen(file);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)text_format(file + size, sizeof(file) - size, "%s",
				  rows[i].row);
		size += strlen(rows[i].row);
	}
	import(w, file, "{}");
	assert_false(w->was_committed);
	assert_reply(w, "\"code\":\"bad_rows\"");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char at[32];
		const char *fault;

		(void)text_format(at, sizeof(at), "{\"line\":%zu,", i + 5);
		fault = strstr(w->reply, at);
		if (fault == NULL)
			fail_msg("line %zu is not told: %s", i + 5, w->reply);
		fault = strstr(fault, "\"code\":\"");
		assert_non_null(fault);
		if (strncmp(fault + 8, rows[i].code, strlen(rows[i].code)) != 0)
			fail_msg("line %zu: not %s: %.40s", i + 5, rows[i].code,
				 fault);
	}
	assert_reply(w, "\"faults_total\":20");
}

#define JSON_CHECKS                                                             \
	"\xef\xbb\xbf{\"checks\": [\n"                                          \
	"  {\"check\": \"cold-1\", \"name_en\": \"Freezer\",\n"                 \
	"   \"name_zh\": \"冷库\", \"kind\": \"cold_chain\",\n"               \
	"   \"times\": [\"08:00\", \"20:00\"], \"place\": \"A-01\",\n"          \
	"   \"questions\": [\n"                                                 \
	"     {\"name_en\": \"Temperature\", \"name_zh\": \"温度\",\n"        \
	"      \"answer\": \"number\", \"low\": -22, \"high\": %s,\n"           \
	"      \"measure\": \"C\"},\n"                                          \
	"     {\"name_en\": \"Door closed?\", \"name_zh\": \"门已关？\",\n" \
	"      \"answer\": \"yes\"}]},\n"                                       \
	"  {\"id\": \"doors\", \"name\": \"Doors {\\\"all\\\"}\",\n"            \
	"   \"kind\": \"doors\", \"every_h\": %s, \"colour\": \"red\"}\n"       \
	"]}\n"

/* Method: the same checks as a table and as JSON: the second changes nothing;
 * and mistakes have the line of their object. */
static void json_says_what_a_table_says(void **state)
{
	struct warehouse *w = *state;
	char file[2048];

	import_ok(w, HEADER COLD);
	(void)text_format(file, sizeof(file), JSON_CHECKS, "\"-18\"", "1");
	import_ok(w, file);
	assert_reply(w, "\"rows\":4,\"added\":1,\"changed\":0,\"unchanged\":3");
	assert_reply(w, "\"ignored\":[\"colour\"]");
	look_ok(w, "check.show", "{\"check\":\"doors\"}");
	assert_reply(w, "\"name_en\":\"Doors {\\\"all\\\"}\"");
	(void)text_format(file, sizeof(file), JSON_CHECKS, "-18.5", "5");
	import(w, file, "{}");
	assert_reply(w, "\"faults\":[{\"line\":11,");
	assert_reply(w, "\"bad_every_h\"");
	assert_false(w->was_committed);
	(void)text_format(file, sizeof(file), JSON_CHECKS, "-33.5", "4");
	import(w, file, "{}");
	assert_reply(w, "\"faults\":[{\"line\":6,");
	assert_reply(w, "\"limits_crossed\"");
}

/* Method: each is refused whole, with a code, and nothing is taken. */
static void what_is_no_list_of_objects_is_refused(void **state)
{
	static const struct {
		const char *file;
		const char *code;
	} files[] = {
		{"[", "bad_json"},
		{"{}", "wrong_type"},
		{"[1]", "wrong_type"},
		{"{\"checks\": 1}", "wrong_type"},
		{"[{\"check\": {\"a\": 1}}]", "wrong_type"},
		{"[{\"check\": [[1]]}]", "wrong_type"},
		{"[{\"check\": 0.12345}]", "wrong_type"},
		{"[{\"check\": \"a\", \"questions\": 1}]", "wrong_type"},
		{"[{\"check\": \"a\", \"questions\": [2]}]", "wrong_type"},
		{"[{\"check\": \"a\", \"check\": \"a\"}]", "duplicate_key"},
		{"[{\"check\": \"a\"}]", "bad_rows"},
	};
	struct warehouse *w = *state;
	size_t refused = 0;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char code[48];

		import(w, files[i].file, "{}");
		(void)text_format(code, sizeof(code), "\"code\":\"%s\"",
				  files[i].code);
		if (strstr(w->reply, code) == NULL)
			fail_msg("%s: not %s: %s", files[i].file, files[i].code,
				 w->reply);
		assert_false(w->was_committed);
		refused++;
	}
	import_ok(w, "[]");
	assert_int_equal(refused, ARRAY_LEN(files));
}

/* ---- due ---- */

/* Berlin's rule without its history: it is all that 2027 needs. */
static struct zone berlin = {
	.rule = {.standard_s = 3600,
		 .summer_s = 7200,
		 .has_summer = true,
		 .begin = {.form = 'M', .month = 3, .week = 5, .time_s = 7200},
		 .end = {.form = 'M', .month = 10, .week = 5, .time_s = 10800}},
};

/*
 * Method: a year of ticks, each half an hour, through both changes of the
 * clocks; whoever is asked answers at once. 365 days have 730 times of the day,
 * and 6 times every four hours: the 25th hour of October is too near to the
 * next midnight.
 */
static void a_year_has_exactly_as_many_tasks_as_due_times(void **state)
{
	struct warehouse *w = *state;
	int64_t from = moment_of("2026-12-31T23:00:00Z"); /* midnight there */
	int64_t upto = moment_of("2027-12-31T23:00:00Z");
	size_t asked[2] = {0, 0};

	warehouse_close(w);
	w->zone = &berlin;
	warehouse_open(w);
	w->now_ms = from;
	import_ok(w, HEADER "cold,,Cold,,cold_chain,08:00 20:00,,,30,,,,,,\n"
			    "four,,Four,,other,,,4,30,,,,,,\n");
	for (int64_t now = from + 30 * MINUTE; now <= upto;
	     now += 30 * MINUTE) {
		static const char *const checks[] = {"cold", "four"};

		tick(w, now);
		for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
			char arguments[64];
			char id[40];

			open_task(w, checks[i], id);
			if (id[0] == '\0')
				continue;
			asked[i]++;
			assert_int_equal(task_of(w, id).due_ms, now);
			assert_int_equal(task_of(w, id).missed, 0);
			(void)text_format(arguments, sizeof(arguments),
					  "{\"check\":\"%s\"}", checks[i]);
			ask_ok(w, "check.do", arguments);
		}
	}
	/* The first midnight had passed, the last one is the next year's. */
	assert_int_equal(asked[0], 730);
	assert_int_equal(asked[1], 365 * 6);
	assert_int_equal(tasks_count(w), asked[0] + asked[1]);
	look_ok(w, "alert.list", "");
	assert_reply(w, "\"alerts\":[]");
	assert_clean(w);
}

static void after_a_long_stop_one_task_counts_what_was_missed(void **state)
{
	struct warehouse *w = *state;
	int64_t start = w->now_ms + HOUR - w->now_ms % HOUR;
	char id[40];

	w->now_ms = start;
	import_ok(w, HEADER HOURLY);
	tick(w, start + 10 * 24 * HOUR + MINUTE);
	open_task(w, "doors", id);
	assert_int_equal(task_of(w, id).missed, 239);
	assert_int_equal(task_of(w, id).due_ms, start + 10 * 24 * HOUR);
	assert_int_equal(tasks_count(w), 1);
	/* While it lies there nothing is written, and nobody is asked twice. */
	tick(w, start + 11 * 24 * HOUR + MINUTE);
	tick(w, start + 12 * 24 * HOUR + MINUTE);
	assert_false(w->was_committed);
	assert_int_equal(tasks_count(w), 1);
	ask_ok(w, "check.do", "{\"check\":\"doors\"}");
	look_ok(w, "check.history", "{\"check\":\"doors\"}");
	assert_reply(w, "\"missed\":48,\"in_order\":true");
	tick(w, start + 12 * 24 * HOUR + HOUR - 1);
	assert_int_equal(tasks_count(w), 1);
	tick(w, start + 12 * 24 * HOUR + HOUR);
	assert_int_equal(tasks_count(w), 2);
	assert_clean(w);
}

/* Method: the engine is closed and opened between any two steps: what it knows
 * of checks comes from the store. */
static void a_restart_asks_nobody_twice(void **state)
{
	struct warehouse *w = *state;
	int64_t start = w->now_ms + HOUR - w->now_ms % HOUR;

	w->now_ms = start;
	import_ok(w, HEADER HOURLY);
	for (int64_t i = 1; i <= 24; i++) {
		warehouse_close(w);
		warehouse_open(w);
		tick(w, start + i * 10 * MINUTE);
		if (i % 6 == 0)
			ask_ok(w, "check.do", "{\"check\":\"doors\"}");
	}
	assert_int_equal(tasks_count(w), 4);
}

/* ---- overdue ---- */

static void overdue_says_since_when_and_ends_when_it_is_done(void **state)
{
	struct warehouse *w = *state;
	int64_t day = moment_of("2027-03-01T00:00:00Z");

	w->now_ms = day;
	import_ok(w, HEADER COLD);
	tick(w, day + 8 * HOUR);
	tick(w, day + 8 * HOUR + 30 * MINUTE);
	look_ok(w, "alert.list", "");
	assert_reply(w, "\"alerts\":[]");
	tick(w, day + 8 * HOUR + 31 * MINUTE);
	look_ok(w, "alert.list", "");
	assert_reply(w, "\"id\":\"check_overdue-cold-1\"");
	assert_reply(w, "\"since\":\"2027-03-01T08:00:00Z\"");
	tick(w, day + 9 * HOUR);
	assert_false(w->was_committed);
	look_ok(w, "check.due", "");
	assert_reply(w, "\"overdue\":true");
	ask_ok(w, "check.do",
	       "{\"check\":\"cold-1\",\"answers\":[\"-19.5\",true]}");
	look_ok(w, "alert.list", "");
	assert_reply(w, "\"alerts\":[]");
	look_ok(w, "check.due", "");
	assert_reply(w, "\"checks\":[]");
}

static void a_task_that_is_taken_back_takes_its_alert_along(void **state)
{
	struct warehouse *w = *state;
	int64_t day = moment_of("2027-03-01T00:00:00Z");
	char arguments[64];
	char id[40];

	w->now_ms = day;
	import_ok(w, HEADER COLD);
	tick(w, day + 8 * HOUR);
	tick(w, day + 9 * HOUR);
	open_task(w, "cold-1", id);
	(void)text_format(arguments, sizeof(arguments), "{\"task\":\"%s\"}",
			  id);
	ask_refused(w, "task.done", arguments, "task_is_check");
	ask_ok(w, "task.cancel", arguments);
	tick(w, day + 10 * HOUR);
	look_ok(w, "alert.list", "");
	assert_reply(w, "\"alerts\":[]");
	assert_int_equal(tasks_count(w), 1);
	tick(w, day + 20 * HOUR);
	assert_int_equal(tasks_count(w), 2);
}

/* ---- answers ---- */

static void
a_bad_answer_opens_an_alert_and_a_task_until_a_good_one(void **state)
{
	struct warehouse *w = *state;
	int64_t day = moment_of("2027-03-01T00:00:00Z");
	char first[40];
	char second[40];

	w->now_ms = day;
	import_ok(w, HEADER COLD);
	tick(w, day + 8 * HOUR);
	open_task(w, "cold-1", first);
	ask_ok(w, "check.do",
	       "{\"check\":\"cold-1\",\"answers\":[-17.9,\"no\"],"
	       "\"note\":\"door was open\"}");
	assert_reply(w, "\"out_of_limits\":2,\"in_order\":false,"
			"\"followup\":\"t1-");
	assert_int_equal(task_of(w, first).state, TASK_DONE);
	open_task(w, "cold-1", second);
	assert_string_not_equal(first, second);
	assert_int_equal(task_of(w, second).kind, TASK_CHECK);
	look_ok(w, "alert.list", "");
	assert_reply(w, "\"id\":\"check_failed-cold-1\"");
	assert_reply(w, "\"severity\":\"critical\"");
	look_ok(w, "task.list", "");
	assert_reply(w, "\"reason\":\"check_failed\"");
	assert_reply(w, "\"questions\":[{\"question\":1,");
	ask_ok(w, "check.do", "{\"check\":\"cold-1\",\"answers\":[-18,true]}");
	assert_reply(w, "\"in_order\":true");
	assert_no_reply(w, "followup");
	look_ok(w, "alert.list", "");
	assert_reply(w, "\"alerts\":[]");
	look_ok(w, "check.history", "{\"check\":\"cold-1\"}");
	assert_reply(w, "\"by\":\"boss\"");
	assert_reply(w, "\"note\":\"door was open\"");
	assert_reply(w, "\"value\":\"-17.9\",\"measure\":\"C\","
			"\"in_order\":false");
	assert_reply(w, "\"value\":\"no\",\"in_order\":false");
	/* Newest first, a page at a time. */
	look_ok(w, "check.history", "{\"check\":\"cold-1\",\"limit\":1}");
	assert_reply(w, "\"value\":\"-18\"");
	assert_reply(w, "\"next\":\"1.");
	assert_clean(w);
}

static void answers_that_do_not_fit_are_refused(void **state)
{
	static const struct {
		const char *arguments;
		const char *code;
	} bad[] = {
		{"{\"check\":\"cold-1\"}", "answer_count"},
		{"{\"check\":\"cold-1\",\"answers\":[1]}", "answer_count"},
		{"{\"check\":\"cold-1\",\"answers\":[1,true,true]}",
		 "answer_count"},
		{"{\"check\":\"cold-1\",\"answers\":[true,true]}",
		 "answer_kind"},
		{"{\"check\":\"cold-1\",\"answers\":[-20,1]}", "answer_kind"},
		{"{\"check\":\"cold-1\",\"answers\":[\"cold\",true]}",
		 "wrong_type"},
		{"{\"check\":\"cold-1\",\"answers\":[-20.0005,true]}",
		 "wrong_type"},
		{"{\"check\":\"cold-1\",\"answers\":[1000000000,true]}",
		 "out_of_range"},
		{"{\"check\":\"cold-1\",\"answers\":true}", "wrong_type"},
		{"{\"check\":\"cold-1\",\"answers\":[1,1,1,1,1,1,1,1,1]}",
		 "too_long"},
		{"{\"check\":\"none\"}", "unknown_check"},
		{"{\"check\":\"t1-1\"}", "unknown_check"},
		{"{}", "missing_field"},
	};
	struct warehouse *w = *state;
	size_t refused = 0;

	import_ok(w, HEADER COLD FIRE);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		ask_refused(w, "check.do", bad[i].arguments, bad[i].code);
		refused++;
	}
	assert_int_equal(refused, ARRAY_LEN(bad));
}

static void a_check_may_be_for_some_roles_alone(void **state)
{
	struct warehouse *w = *state;
	struct asked asked = {"ann",
			      "check.do",
			      "{\"check\":\"fire\",\"answers\":[false]}",
			      {"", 0}};

	import_ok(w, HEADER FIRE COLD);
	worker_add(w, "ann", "operator");
	ask_of(w, &asked);
	assert_reply(w, "\"check_denied\"");
	asked.arguments = "{\"check\":\"cold-1\",\"answers\":[-20,true]}";
	ask_of(w, &asked);
	assert_reply(w, "\"in_order\":true");
	ask_ok(w, "check.do", "{\"check\":\"fire\",\"answers\":[false]}");
	/* Nobody had asked: it is on record, and what is due stays due. */
	look_ok(w, "check.history", "{\"check\":\"fire\"}");
	assert_no_reply(w, "\"task\"");
}

static void answers_come_over_mqtt_and_twice_is_once(void **state)
{
	struct warehouse *w = *state;
	int64_t day = moment_of("2027-03-01T00:00:00Z");
	char topic[80];
	char id[40];
	struct pos after;

	w->now_ms = day;
	worker_add(w, "ann", "operator");
	import_ok(w, HEADER COLD);
	tick(w, day + 8 * HOUR);
	open_task(w, "cold-1", id);
	(void)text_format(topic, sizeof(topic), "task/%s/done/ann", id);
	send(w, topic, "{\"v\":1,\"answers\":[-20]}");
	look_ok(w, "parked.list", "");
	assert_reply(w, "\"bad_answers\"");
	assert_int_equal(task_of(w, id).state, TASK_OPEN);
	send(w, topic, "not json");
	assert_int_equal(task_of(w, id).state, TASK_OPEN);
	send(w, topic, "{\"v\":1,\"answers\":[\"-20.125\",\"yes\"]}");
	assert_int_equal(task_of(w, id).state, TASK_DONE);
	after = head_pos(w);
	send(w, topic, "{\"v\":1,\"answers\":[\"-20.125\",\"yes\"]}");
	assert_int_equal(head_pos(w).value, after.value);
	look_ok(w, "check.history", "{\"check\":\"cold-1\"}");
	assert_reply(w, "\"by\":\"ann\"");
	assert_reply(w, "\"value\":\"-20.125\"");
}

/* ---- without a clock ---- */

static void without_a_trusted_clock_checks_are_asked_by_uptime(void **state)
{
	struct warehouse *w = *state;
	int64_t day = moment_of("2027-03-01T00:00:00Z");
	char id[40];

	w->now_ms = day;
	import_ok(w, HEADER HOURLY);
	warehouse_close(w);
	warehouse_open(w);
	w->is_clock_untrusted = true;
	/* The clock says 1970, and the box has just started. */
	tick_at(w, 40000, 40000);
	open_task(w, "doors", id);
	assert_true(task_of(w, id).is_by_uptime);
	assert_int_equal(task_of(w, id).due_ms, 0);
	tick_at(w, 40000 + 14 * MINUTE, 40000 + 14 * MINUTE);
	look_ok(w, "alert.list", "");
	assert_reply(w, "\"alerts\":[]");
	/* Clocks may jump: what has passed is what the box has been on. */
	tick_at(w, 5000, 40000 + 16 * MINUTE);
	look_ok(w, "alert.list", "");
	assert_reply(w, "check_overdue-doors");
	ask_ok(w, "check.do", "{\"check\":\"doors\"}");
	tick_at(w, 60000, 40000 + 59 * MINUTE);
	assert_int_equal(tasks_count(w), 1);
	tick_at(w, 60000, 40000 + 61 * MINUTE);
	assert_int_equal(tasks_count(w), 2);
	ask_ok(w, "check.do", "{\"check\":\"doors\"}");
	/* Trusted again: the due times since are counted, once. */
	w->is_clock_untrusted = false;
	tick_at(w, day + 3 * HOUR + MINUTE, 40000 + 62 * MINUTE);
	assert_int_equal(tasks_count(w), 3);
	open_task(w, "doors", id);
	assert_false(task_of(w, id).is_by_uptime);
	assert_int_equal(task_of(w, id).missed, 2);
	assert_int_equal(task_of(w, id).due_ms, day + 3 * HOUR);
	assert_clean(w);
}

static void checks_described_without_a_clock_begin_with_its_trust(void **state)
{
	struct warehouse *w = *state;
	int64_t day = moment_of("2027-03-01T00:00:00Z");

	w->is_clock_untrusted = true;
	w->now_ms = 1000;
	import_ok(w, HEADER HOURLY);
	w->is_clock_untrusted = false;
	tick(w, day + MINUTE);
	assert_int_equal(tasks_count(w), 0);
	tick(w, day + HOUR);
	assert_int_equal(tasks_count(w), 1);
}

/* Method: a clock that is trusted says 2037 for a day, then it is put right. */
static void a_clock_that_was_wrong_silences_no_check(void **state)
{
	struct warehouse *w = *state;
	int64_t day = moment_of("2027-03-01T00:00:00Z");
	int64_t wrong = moment_of("2037-03-01T00:00:00Z");

	w->now_ms = day;
	import_ok(w, HEADER HOURLY);
	tick(w, day + HOUR);
	ask_ok(w, "check.do", "{\"check\":\"doors\"}");
	tick(w, wrong);
	ask_ok(w, "check.do", "{\"check\":\"doors\"}");
	assert_int_equal(tasks_count(w), 2);
	for (int64_t i = 2; i < 6; i++) {
		tick(w, day + i * HOUR);
		assert_int_equal(tasks_count(w), 1 + i);
		ask_ok(w, "check.do", "{\"check\":\"doors\"}");
		tick(w, day + i * HOUR + 2 * MINUTE);
		assert_int_equal(tasks_count(w), 1 + i);
	}
}

/* Method: every row of the derived tables after a story with all of it, before
 * and after they are folded anew from the journal. */
static void all_that_is_known_of_checks_is_in_the_journal(void **state)
{
	struct warehouse *w = *state;
	struct env *env = ledger_env(w->ledger);
	int64_t day = moment_of("2027-03-01T00:00:00Z");
	struct rebuild_plan silent = {.progress = NULL};
	struct dump before;
	struct err err;

	w->now_ms = day;
	import_ok(w, HEADER COLD HOURLY FIRE);
	tick(w, day + 9 * HOUR);
	ask_ok(w, "check.do", "{\"check\":\"cold-1\",\"answers\":[1,false]}");
	tick(w, day + 12 * HOUR);
	ask_ok(w, "check.retire", "{\"check\":\"fire\"}");
	w->is_clock_untrusted = true;
	ask_ok(w, "check.do", "{\"check\":\"doors\"}");
	before = dump_env(env);
	assert_true(before.rows > 20);
	assert_done(rebuild_run(env, &silent, &err), &err);
	assert_dump(&before, dump_env(env));
	free(before.bytes);
}

/* Method: more checks than one tick looks at, all due at once. */
static void many_checks_at_once_are_asked_over_a_few_ticks(void **state)
{
	struct warehouse *w = *state;
	static char file[8192];
	size_t size = 0;
	size_t ticks = 0;

	(void)text_format(file, sizeof(file), "%s", HEADER);
	for (size_t i = 0; i < 50; i++) {
		size = strlen(file);
		(void)text_format(file + size, sizeof(file) - size,
				  "c-%zu,,c,,other,,,1,,,,,,,\n", i);
	}
	import_ok(w, file);
	w->now_ms += HOUR;
	while (tasks_count(w) < 50 && ticks < 20) {
		tick(w, w->now_ms + 1000);
		ticks++;
	}
	assert_int_equal(tasks_count(w), 50);
	assert_in_range(ticks, 2, 10);
	tick(w, w->now_ms + 1000);
	assert_false(w->was_committed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_table_of_checks_is_taken_whole_and_once),
		STORY(only_what_differs_is_written_again),
		STORY(what_vanished_is_retired_only_when_asked),
		STORY(every_mistake_is_told_with_its_line),
		STORY(json_says_what_a_table_says),
		STORY(what_is_no_list_of_objects_is_refused),
		STORY(a_year_has_exactly_as_many_tasks_as_due_times),
		STORY(after_a_long_stop_one_task_counts_what_was_missed),
		STORY(a_restart_asks_nobody_twice),
		STORY(overdue_says_since_when_and_ends_when_it_is_done),
		STORY(a_task_that_is_taken_back_takes_its_alert_along),
		STORY(a_bad_answer_opens_an_alert_and_a_task_until_a_good_one),
		STORY(answers_that_do_not_fit_are_refused),
		STORY(a_check_may_be_for_some_roles_alone),
		STORY(answers_come_over_mqtt_and_twice_is_once),
		STORY(without_a_trusted_clock_checks_are_asked_by_uptime),
		STORY(checks_described_without_a_clock_begin_with_its_trust),
		STORY(a_clock_that_was_wrong_silences_no_check),
		STORY(all_that_is_known_of_checks_is_in_the_journal),
		STORY(many_checks_at_once_are_asked_over_a_few_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
