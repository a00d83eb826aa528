/*
 * Items, codes, bins, devices and accounts by single commands: what stays,
 * what is refused, what waits for them.
 */
#include "tests/unit/core/bench_warehouse.h"

#define GOOD CONDITION_GOOD

static void what_is_not_said_stays(void **state)
{
	struct warehouse *w = *state;

	ask_ok(w, "item.set",
	       "{\"item\":\"RICE\",\"name_en\":\"Rice\",\"unit\":\"g\","
	       "\"class\":\"a\",\"shelf_life_days\":365}");
	assert_reply(w, "\"entry\":\"1.");
	ask_ok(w, "item.set", "{\"item\":\"RICE\",\"name_zh\":\"大米\"}");
	look_ok(w, "item.list", "");
	assert_reply(w, "{\"item\":\"RICE\",\"name_en\":\"Rice\","
			"\"name_zh\":\"大米\",\"unit\":\"gram\","
			"\"tracking\":\"none\",\"shelf_life_days\":365,"
			"\"class\":\"A\"}");
	ask_ok(w, "device.set",
	       "{\"device\":\"gun-7\",\"kind\":\"rfid\",\"place\":\"A-01\"}");
	ask_ok(w, "device.set", "{\"device\":\"gun-7\",\"interval_s\":60}");
	look_ok(w, "device.list", "");
	assert_reply(w, "{\"device\":\"gun-7\",\"kind\":\"rfid\","
			"\"place\":\"A-01\",\"interval_s\":60}");
	ask_ok(w, "account.set",
	       "{\"account\":\"ann\",\"roles\":[\"sales\"],\"uid\":0}");
	ask_ok(w, "account.set",
	       "{\"account\":\"ann\",\"roles\":[\"operator\"]}");
	look_ok(w, "account.list", "");
	assert_reply(w, "{\"account\":\"ann\",\"roles\":[\"operator\"],"
			"\"uid\":0}");
	ask_ok(w, "account.set", "{\"account\":\"ann\",\"uid\":-1}");
	look_ok(w, "account.list", "");
	assert_no_reply(w, "\"uid\"");
}

static void a_base_unit_is_fixed_once_the_item_has_moved(void **state)
{
	struct warehouse *w = *state;

	ask_ok(w, "item.set", "{\"item\":\"MUG\",\"unit\":\"g\"}");
	ask_ok(w, "item.set", "{\"item\":\"MUG\",\"unit\":\"each\"}");
	ask_ok(w, "book", "{\"op\":\"receive\",\"code\":\"MUG\"}");
	ask_refused(w, "item.set", "{\"item\":\"MUG\",\"unit\":\"g\"}",
		    "unit_fixed");
	ask_ok(w, "item.set", "{\"item\":\"MUG\",\"unit\":\"each\"}");
	/* Also when all of it is gone again. */
	ask_ok(w, "book", "{\"op\":\"undo\"}");
	ask_refused(w, "item.set", "{\"item\":\"MUG\",\"unit\":\"g\"}",
		    "unit_fixed");
}

static void what_waits_for_a_name_is_booked(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"NEW-1\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"receive\",\"code\":\"MUG\","
	     "\"bin\":\"B-1\"}");
	ask_ok(w, "item.set", "{\"item\":\"NEW-1\"}");
	assert_int_equal(units(w, "NEW-1", "DOCK", GOOD), 1);
	ask_ok(w, "bin.set", "{\"bin\":\"B-1\"}");
	assert_int_equal(units(w, "MUG", "B-1", GOOD), 1);
	look_ok(w, "parked.list", "");
	assert_reply(w, "\"parked\":[]");
	assert_clean(w);
}

struct wrong {
	const char *name;
	const char *arguments;
	const char *code;
};

static const struct wrong wrongs[] = {
	{"item.set", "{}", "missing_field"},
	{"item.set", "{\"item\":7}", "wrong_type"},
	{"item.set", "{\"item\":\"X\",\"unit\":\"stone\"}", "unknown_word"},
	{"item.set", "{\"item\":\"X\",\"tracking\":\"eyes\"}", "unknown_word"},
	{"item.set", "{\"item\":\"X\",\"class\":\"D\"}", "unknown_word"},
	{"item.set", "{\"item\":\"X\",\"shelf_life_days\":36501}",
	 "out_of_range"},
	{"item.set", "{\"item\":\"X\",\"weight_mg\":-1}", "out_of_range"},
	{"item.set", "{\"item\":\"X\",\"inactive\":1}", "wrong_type"},
	{"item.set", "{\"item\":\"a\\tb\"}", "bad_text"},
	{"code.set", "{}", "missing_field"},
	{"code.set", "{\"code\":\"C\",\"item\":\"NONE\"}", "unknown_item"},
	{"code.set", "{\"code\":\"C\",\"item\":\"MUG\",\"pack\":0}",
	 "out_of_range"},
	{"bin.set", "{}", "missing_field"},
	{"bin.set", "{\"bin\":\"a:b\"}", "bad_bin"},
	{"bin.set", "{\"bin\":\" a\"}", "bad_bin"},
	{"bin.set", "{\"bin\":\"0123456789012345678901234567890123456789x\"}",
	 "too_long"},
	{"device.set", "{}", "missing_field"},
	{"device.set", "{\"device\":\"Gun 1\"}", "bad_name"},
	{"device.set", "{\"device\":\"g\",\"kind\":\"lamp\"}", "unknown_word"},
	{"device.set", "{\"device\":\"g\",\"interval_s\":-1}", "out_of_range"},
	{"device.revoke", "{}", "missing_field"},
	{"device.revoke", "{\"device\":\"none\"}", "unknown_device"},
	{"account.set", "{}", "missing_field"},
	{"account.set", "{\"account\":\"A B\"}", "bad_name"},
	{"account.set", "{\"account\":\"a\",\"roles\":\"manager\"}",
	 "wrong_type"},
	{"account.set", "{\"account\":\"a\",\"roles\":[7]}", "wrong_type"},
	{"account.set", "{\"account\":\"a\",\"roles\":[\"king\"]}",
	 "unknown_word"},
	{"account.set", "{\"account\":\"a\",\"uid\":-2}", "out_of_range"},
	{"account.revoke", "{}", "missing_field"},
	{"account.revoke", "{\"account\":\"none\"}", "unknown_account"},
	{"account.revoke", "{\"account\":\"boss\"}", "last_manager"},
};

/* Method: each wrong command once; refused with its code, the journal has not
 * grown. */
static void what_is_wrong_is_refused_and_changes_nothing(void **state)
{
	struct warehouse *w = *state;
	struct pos before = head_pos(w);
	size_t refused = 0;

	for (size_t i = 0; i < ARRAY_LEN(wrongs); i++) {
		ask_refused(w, wrongs[i].name, wrongs[i].arguments,
			    wrongs[i].code);
		refused++;
	}
	assert_int_equal(refused, ARRAY_LEN(wrongs));
	assert_true(head_pos(w).value == before.value);
}

static void a_sentence_says_what_is_wrong_in_both_languages(void **state)
{
	struct warehouse *w = *state;

	ask(w, "item.set", "{\"item\":\"X\",\"unit\":\"stone\"}");
	assert_reply(w, "\"text_en\":\"stone is not one of the words "
			"allowed\"");
	assert_reply(w, "\"text_zh\":\"stone 不是允许的取值\"");
	ask(w, "bin.set",
	    "{\"bin\":\"0123456789012345678901234567890123456789x\"}");
	assert_reply(w, "bin is 41 bytes long; at most 40 are taken");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(what_is_not_said_stays),
		STORY(a_base_unit_is_fixed_once_the_item_has_moved),
		STORY(what_waits_for_a_name_is_booked),
		STORY(what_is_wrong_is_refused_and_changes_nothing),
		STORY(a_sentence_says_what_is_wrong_in_both_languages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
