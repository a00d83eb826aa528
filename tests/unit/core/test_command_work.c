/*
 * Tasks, alerts and parked readings by command.
 */
#include "tests/unit/core/bench_warehouse.h"

#include "store/parked.h"

#define GOOD CONDITION_GOOD

/* ---- tasks ---- */

static void task_id(struct warehouse *w, char *id, size_t size)
{
	text_print(member_text(reply_root(w), "task"), id, size);
}

static void ask_task(struct warehouse *w, const char *account, const char *name,
		     const char *id)
{
	char arguments[80];
	struct asked asked = {account, name, arguments, {"", 0}};

	snprintf(arguments, sizeof(arguments), "{\"id\":\"%s\"}", id);
	ask_of(w, &asked);
}

static void worker_add(struct warehouse *w, const char *name)
{
	char arguments[80];

	snprintf(arguments, sizeof(arguments),
		 "{\"account\":\"%s\",\"roles\":[\"operator\"]}", name);
	ask_ok(w, "account.set", arguments);
}

static void a_task_is_claimed_by_one_and_done(void **state)
{
	struct warehouse *w = *state;
	char id[40];

	worker_add(w, "ann");
	worker_add(w, "bob");
	ask_ok(w, "task.add", "{\"bin\":\"A-01\",\"item\":\"MUG\"}");
	assert_reply(w, "\"state\":\"open\"");
	task_id(w, id, sizeof(id));
	/* Asked for twice, it is one task. */
	ask_ok(w, "task.add", "{\"bin\":\"A-01\",\"item\":\"4006381333931\"}");
	assert_reply(w, id);
	ask_task(w, "ann", "task.claim", id);
	assert_reply(w, "\"state\":\"claimed\",\"account\":\"ann\"");
	assert_true(w->was_committed);
	ask_task(w, "ann", "task.claim", id); /* said again, done once */
	assert_reply(w, "\"state\":\"claimed\"");
	assert_false(w->was_committed);
	ask_task(w, "bob", "task.claim", id);
	assert_reply(w, "\"task_claimed\"");
	look_ok(w, "task.list", "");
	assert_reply(w, "\"state\":\"claimed\"");
	assert_reply(w, "Count MUG in bin A-01. Somebody asked for it.");
	ask_task(w, "bob", "task.done", id);
	assert_reply(w, "\"state\":\"done\",\"account\":\"bob\"");
	ask_task(w, "bob", "task.done", id);
	assert_false(w->was_committed);
	ask_task(w, "ann", "task.claim", id);
	assert_reply(w, "\"task_over\"");
	look_ok(w, "task.list", "");
	assert_reply(w, "\"tasks\":[]");
	look_ok(w, "task.list", "{\"all\":true}");
	assert_reply(w, id);
}

static void a_task_is_cancelled_by_a_manager(void **state)
{
	struct warehouse *w = *state;
	char id[40];

	worker_add(w, "ann");
	ask_ok(w, "task.add", "{\"bin\":\"A-01\"}");
	task_id(w, id, sizeof(id));
	ask_task(w, "ann", "task.cancel", id);
	assert_reply(w, "\"denied\"");
	ask_task(w, "boss", "task.cancel", id);
	assert_reply(w, "\"state\":\"cancelled\"");
	ask_task(w, "ann", "task.done", id);
	assert_reply(w, "\"task_over\"");
	ask_refused(w, "task.claim", "{\"id\":\"t9-9\"}", "unknown_task");
	ask_refused(w, "task.claim", "{}", "missing_field");
	ask_refused(w, "task.add", "{\"bin\":\"Z-1\"}", "unknown_bin");
	ask_refused(w, "task.add", "{\"bin\":\"a:b\"}", "unknown_bin");
	ask_refused(w, "task.add", "{\"bin\":\"A-01\",\"item\":\"NONE\"}",
		    "unknown_item");
	ask_refused(w, "task.add", "{}", "missing_field");
}

/* ---- alerts ---- */

static void an_alert_is_closed_by_hand(void **state)
{
	struct warehouse *w = *state;
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MILK\"}");
	look_ok(w, "alert.list", "");
	assert_reply(w, "\"id\":\"seq_reused-dock-1\"");
	assert_reply(w, "\"severity\":\"warning\"");
	ask_ok(w, "alert.close", "{\"alert\":\"seq_reused-dock-1\"}");
	assert_reply(w, "\"entry\":\"1.");
	look_ok(w, "alert.list", "");
	assert_reply(w, "\"alerts\":[]");
	ask_refused(w, "alert.close", "{\"id\":\"seq_reused-dock-1\"}",
		    "unknown_alert");
	ask_refused(w, "alert.close", "{}", "missing_field");
}

/* ---- parked ---- */

static void a_parked_reading_is_shown_with_its_reason(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":4,\"boot\":\"b\",\"op\":\"receive\",\"qty\":5,"
	     "\"code\":\"NEW-77\"}");
	send(w, "scan/dock-1", "{\"v\":1,\"seq\":");
	send(w, "scan/gun-9", "\xff\xfe");
	send(w, "nonsense", "{}");
	look_ok(w, "parked.list", "");
	assert_reply(w, "\"number\":\"1\",\"arrived\":\"2026-11-");
	assert_reply(w, "\"code\":\"unknown_item\"");
	assert_reply(w, "\"wants\":\"NEW-77\"");
	assert_reply(w, "\"topic\":\"depot/v1/acme/hz-01/scan/dock-1\","
			"\"device\":\"dock-1\",\"boot\":\"b\",\"seq\":\"4\"");
	/* The front's own words, from the bytes that are kept. */
	assert_reply(w, "\"code\":\"bad_json\"");
	assert_reply(w, "in the middle of its JSON");
	assert_reply(w, "JSON 不完整");
	assert_reply(w, "\"code\":\"unknown_device\"");
	assert_reply(w, "\"code\":\"unknown_topic\"");
	look_ok(w, "parked.list", "{\"after\":\"2\",\"limit\":1}");
	assert_reply(w, "\"number\":\"3\"");
	assert_reply(w, "\"next\":\"3\"");
	look_ok(w, "parked.show", "{\"number\":2}");
	assert_reply(w, "\"payload\":\"{\\\"v\\\":1,\\\"seq\\\":\"");
	look_ok(w, "parked.show", "{\"number\":\"3\"}");
	assert_reply(w, "\"payload_hex\":\"fffe\"");
	look_refused(w, "parked.show", "{\"number\":9}", "unknown_parked");
	look_refused(w, "parked.show", "{}", "missing_field");
	look_refused(w, "parked.show", "{\"number\":\"x\"}", "wrong_type");
	look_refused(w, "parked.list", "{\"after\":\"x\"}", "unknown_parked");
}

/* Method: two readings wait for one code, another for a bin. */
static void naming_a_parked_code_books_all_that_wait_for_it(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"qty\":5,"
	     "\"code\":\"NEW-77\"}");
	send(w, "scan/gun-2",
	     "{\"v\":1,\"op\":\"receive\",\"qty\":2,\"code\":\"NEW-77\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"receive\",\"bin\":\"B-9\","
	     "\"code\":\"MUG\"}");
	ask_refused(w, "parked.name", "{\"number\":1}", "missing_field");
	ask_refused(w, "parked.name", "{\"number\":1,\"item\":\"NONE\"}",
		    "unknown_item");
	ask_refused(w, "parked.name", "{\"number\":3,\"item\":\"MUG\"}",
		    "nothing_to_name");
	ask_refused(w, "parked.name", "{\"number\":8,\"item\":\"MUG\"}",
		    "unknown_parked");
	ask_refused(w, "parked.name",
		    "{\"number\":1,\"item\":\"MUG\",\"pack\":0}",
		    "out_of_range");
	ask_ok(w, "parked.name", "{\"number\":1,\"item\":\"MUG\",\"pack\":10}");
	assert_reply(w, "\"code\":\"NEW-77\",\"item\":\"MUG\",\"booked\":2");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 70);
	look_ok(w, "parked.list", "");
	assert_no_reply(w, "NEW-77");
	look_ok(w, "code.list", "{\"item\":\"MUG\"}");
	assert_reply(w, "\"code\":\"NEW-77\",\"item\":\"MUG\",\"pack\":10");
	assert_clean(w);
}

static void a_parked_reading_is_tried_again_or_says_why_not(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/gun-9",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\"}");
	send(w, "scan/dock-1", "{\"v\":1,\"seq\":");
	send(w, "scan/gun-8", "MUG");
	ask_refused(w, "parked.retry", "{\"number\":1}", "unknown_device");
	ask_refused(w, "parked.retry", "{\"number\":2}", "bad_json");
	ask_refused(w, "parked.retry", "{\"number\":7}", "unknown_parked");
	ask_ok(w, "device.set", "{\"device\":\"gun-8\"}");
	ask_refused(w, "parked.retry", "{\"number\":3}", "no_session");
	/* A device that was revoked before its reading was looked at. */
	ask_ok(w, "device.set", "{\"device\":\"gun-9\"}");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1);
	ask_ok(w, "device.revoke", "{\"device\":\"gun-9\"}");
	send(w, "scan/gun-9",
	     "{\"v\":1,\"seq\":2,\"op\":\"receive\",\"code\":\"MUG\"}");
	ask_refused(w, "parked.retry", "{\"number\":4}", "revoked_device");
	ask_ok(w, "device.set", "{\"device\":\"gun-9\"}");
	ask_ok(w, "parked.retry", "{\"number\":4}");
	assert_reply(w, "\"is_booked\":true,\"entry\":\"1.");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 2);
	ask_refused(w, "parked.retry", "{\"number\":4}", "unknown_parked");
	assert_clean(w);
}

static void a_parked_reading_that_is_dropped_leaves_a_loss_record(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1", "{\"v\":1,\"seq\":");
	ask_refused(w, "parked.drop", "{\"number\":1}", "missing_field");
	ask_refused(w, "parked.drop",
		    "{\"number\":1,\"reason\":\"a reason that is longer than "
		    "the room that it has\"}",
		    "too_long");
	ask_refused(w, "parked.drop", "{\"number\":2,\"reason\":\"x\"}",
		    "unknown_parked");
	ask_ok(w, "parked.drop", "{\"number\":1,\"reason\":\"test scan\"}");
	look_ok(w, "parked.list", "");
	assert_reply(w, "\"parked\":[]");
	look_ok(w, "journal.list", "{\"kind\":\"loss\"}");
	assert_reply(w, "\"what\":\"parked: test scan\",\"first\":1,"
			"\"last\":1");
	assert_reply(w, "\"actor\":\"boss\"");
	assert_clean(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_task_is_claimed_by_one_and_done),
		STORY(a_task_is_cancelled_by_a_manager),
		STORY(an_alert_is_closed_by_hand),
		STORY(a_parked_reading_is_shown_with_its_reason),
		STORY(naming_a_parked_code_books_all_that_wait_for_it),
		STORY(a_parked_reading_is_tried_again_or_says_why_not),
		STORY(a_parked_reading_that_is_dropped_leaves_a_loss_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
