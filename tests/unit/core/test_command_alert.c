/*
 * What the house says of itself comes into the journal as an alert's entries:
 * one when it opens, one when it closes, and none that an account asked for.
 */
#include "tests/unit/core/bench_warehouse.h"

static struct journal_head head_of(struct warehouse *warehouse)
{
	struct journal_head head;
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(warehouse->ledger), &view, &err),
		    &err);
	assert_done(ledger_head(view, &head, &err), &err);
	view_end(view);
	return head;
}

static void rule_say(struct warehouse *warehouse, const char *name,
		     const char *arguments)
{
	struct event event = {.kind = EVENT_COMMAND,
			      .body.command = {.name = span_of(name),
					       .arguments = span_of(arguments),
					       .is_rule = true}};

	assert_true(
		name_set(&event.body.command.account, SPAN_LITERAL("vitals")));
	warehouse_step(warehouse, &event);
}

#define DROPPED                                                  \
	"{\"code\":\"broker_dropped\",\"severity\":\"warning\"," \
	"\"value\":12}"

static void an_alert_opens_once_and_closes_once(void **state)
{
	struct warehouse *warehouse = *state;
	uint64_t before = head_of(warehouse).pos.value;
	struct alert alert;
	struct entry entry;
	struct pos pos;
	struct view *view;
	struct err err;

	for (int i = 0; i < 3; i++)
		rule_say(warehouse, "alert.raise", DROPPED);
	assert_true(head_of(warehouse).pos.value == before + 1);
	assert_done(view_begin(ledger_env(warehouse->ledger), &view, &err),
		    &err);
	assert_done(alert_get(view, SPAN_LITERAL("broker_dropped"), &alert,
			      &err),
		    &err);
	assert_done(record_find(view, TABLE_ALERT,
				SPAN_LITERAL("broker_dropped"), &pos, &entry,
				&err),
		    &err);
	view_end(view);
	assert_int_equal(alert.value, 12);
	assert_int_equal(alert.severity, SEVERITY_WARNING);
	assert_int_equal(entry.actor.kind, ACTOR_RULE);
	assert_span(name_span(&entry.actor.name), "vitals");
	for (int i = 0; i < 3; i++)
		rule_say(warehouse, "alert.clear", DROPPED);
	assert_true(head_of(warehouse).pos.value == before + 2);
}

/* Whatever its roles: the boss is a manager. */
static void no_account_raises_an_alert(void **state)
{
	struct warehouse *warehouse = *state;
	uint64_t before = head_of(warehouse).pos.value;

	ask(warehouse, "alert.raise", DROPPED);
	assert_non_null(strstr(warehouse->reply, "\"unknown_command\""));
	assert_null(command_find(SPAN_LITERAL("alert.raise")));
	assert_true(head_of(warehouse).pos.value == before);
}

/* A rule has these two commands, and its alerts are those of the table. */
static void what_is_no_alert_is_an_error(void **state)
{
	static const char *const bad[][2] = {
		{"item.set", "{\"item\":\"X\"}"},
		{"alert.raise", "{\"code\":\"none\",\"severity\":\"info\"}"},
		{"alert.raise",
		 "{\"code\":\"ring_full\",\"severity\":\"loud\"}"},
		{"alert.raise", "{\"severity\":\"info\"}"},
		{"alert.raise", "{\"code\":\"ring_full\"}"},
		{"alert.clear", "{"},
	};
	struct warehouse *warehouse = *state;
	size_t refused = 0;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct event event = {
			.kind = EVENT_COMMAND,
			.body.command = {.name = span_of(bad[i][0]),
					 .arguments = span_of(bad[i][1]),
					 .is_rule = true}};
		struct batch *batch;
		struct err err;

		assert_done(batch_begin(warehouse->ledger, &batch, &err), &err);
		refused += engine_step(warehouse->engine, batch, &event,
				       warehouse->answers, &err) == ERR_INVALID;
		batch_abandon(batch);
	}
	assert_int_equal(refused, ARRAY_LEN(bad));
}

/* Method: the same topic twice: one alert, and both messages are kept. */
static void a_message_that_depot_died_on_opens_an_alert(void **state)
{
	struct warehouse *warehouse = *state;

	for (int i = 0; i < 2; i++) {
		struct event event = {.kind = EVENT_MESSAGE,
				      .at.ms = warehouse->now_ms,
				      .clock_trusted = true};
		struct batch *batch;
		struct err err;

		event.body.message.topic =
			SPAN_LITERAL("depot/v1/acme/hz-01/scan/dock-1");
		event.body.message.payload = SPAN_LITERAL("{}");
		answers_reset(warehouse->answers);
		assert_done(batch_begin(warehouse->ledger, &batch, &err), &err);
		assert_done(engine_park_raw(warehouse->engine, batch, &event,
					    WORD_DIED_TWICE, warehouse->answers,
					    &err),
			    &err);
		assert_done(batch_commit(batch, &err), &err);
	}
	look_ok(warehouse, "alert.list", "");
	assert_reply(warehouse, "\"id\":\"died_twice-dock-1\"");
	assert_reply(warehouse, "while reading one message of dock-1");
	look_ok(warehouse, "parked.list", "");
	assert_reply(warehouse, "\"number\":\"2\"");
	assert_clean(warehouse);
}

#define WAREHOUSE_TEST(test)                                   \
	cmocka_unit_test_setup_teardown(test, warehouse_setup, \
					warehouse_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WAREHOUSE_TEST(an_alert_opens_once_and_closes_once),
		WAREHOUSE_TEST(no_account_raises_an_alert),
		WAREHOUSE_TEST(what_is_no_alert_is_an_error),
		WAREHOUSE_TEST(a_message_that_depot_died_on_opens_an_alert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
