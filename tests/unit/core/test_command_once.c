/*
 * Who may ask for what, and that a command with an id acts once.
 */
#include "tests/unit/core/bench_warehouse.h"

#include "store/asked.h"

#define GOOD CONDITION_GOOD

#define BOOK(id)                                           \
	"{\"id\":\"" id "\",\"op\":\"receive\",\"qty\":5," \
	"\"code\":\"MUG\"}"

/* ---- ids ---- */

static void the_same_id_acts_once_and_gets_the_same_reply(void **state)
{
	struct warehouse *w = *state;
	char first[4096];

	ask_ok(w, "book", BOOK("17"));
	assert_true(strlen(w->reply) < sizeof(first));
	memcpy(first, w->reply, strlen(w->reply) + 1);
	for (int i = 0; i < 3; i++) {
		ask_ok(w, "book", BOOK("17"));
		assert_string_equal(w->reply, first);
		assert_false(w->was_committed);
	}
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 5);
	/* After a restart too. */
	warehouse_close(w);
	warehouse_open(w);
	ask_ok(w, "book", BOOK("17"));
	assert_string_equal(w->reply, first);
	ask_ok(w, "book", BOOK("18"));
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 10);
	/* Without an id, twice is twice. */
	ask_ok(w, "book", "{\"op\":\"receive\",\"qty\":5,\"code\":\"MUG\"}");
	ask_ok(w, "book", "{\"op\":\"receive\",\"qty\":5,\"code\":\"MUG\"}");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 20);
	assert_clean(w);
}

static void an_id_of_another_command_is_refused(void **state)
{
	struct warehouse *w = *state;

	ask_ok(w, "book", BOOK("17"));
	ask_refused(w, "book",
		    "{\"id\":\"17\",\"op\":\"receive\",\"qty\":6,"
		    "\"code\":\"MUG\"}",
		    "id_reused");
	ask_refused(w, "item.set", "{\"id\":\"17\",\"item\":\"X\"}",
		    "id_reused");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 5);
}

static void an_id_belongs_to_its_account(void **state)
{
	struct warehouse *w = *state;
	struct asked asked = {"ann", "book", BOOK("17"), {"", 0}};

	ask_ok(w, "account.set",
	       "{\"account\":\"ann\",\"roles\":[\"operator\"]}");
	ask_ok(w, "book", BOOK("17"));
	ask_of(w, &asked);
	assert_reply(w, "\"entries\":1");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 10);
}

/* Method: the code is named between two askings with one id: who was told no
 * meets no late yes. */
static void a_refusal_is_remembered_as_well(void **state)
{
	struct warehouse *w = *state;
	static const char command[] = "{\"id\":\"17\",\"op\":\"receive\","
				      "\"code\":\"NEW-7\"}";

	ask(w, "book", command);
	assert_reply(w, "\"unknown_item\"");
	assert_true(w->was_committed);
	ask_ok(w, "code.set", "{\"code\":\"NEW-7\",\"item\":\"MUG\"}");
	ask(w, "book", command);
	assert_reply(w, "\"unknown_item\"");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 0);
	/* Without an id a refusal leaves no trace. */
	ask(w, "book", "{\"op\":\"receive\",\"code\":\"NEW-8\"}");
	assert_false(w->was_committed);
}

/* Method: 1,100 commands; the first ids are forgotten, and act again. */
static void the_last_1024_ids_are_remembered(void **state)
{
	struct warehouse *w = *state;
	char arguments[120];

	for (unsigned i = 0; i < 1100; i++) {
		snprintf(arguments, sizeof(arguments),
			 "{\"id\":\"n-%u\",\"op\":\"receive\","
			 "\"code\":\"MUG\"}",
			 i);
		ask_ok(w, "book", arguments);
	}
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1100);
	ask_ok(w, "book",
	       "{\"id\":\"n-1099\",\"op\":\"receive\",\"code\":\"MUG\"}");
	ask_ok(w, "book",
	       "{\"id\":\"n-76\",\"op\":\"receive\",\"code\":\"MUG\"}");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1100);
	ask_ok(w, "book",
	       "{\"id\":\"n-75\",\"op\":\"receive\",\"code\":\"MUG\"}");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 1101);
	assert_clean(w);
}

/* Method: a task's id and a command's own, apart and together. */
static void an_id_may_name_the_thing_or_the_command(void **state)
{
	struct warehouse *w = *state;
	char task[40];
	char arguments[120];

	ask_ok(w, "task.add", "{\"id\":\"c-1\",\"bin\":\"A-01\"}");
	text_print(member_text(reply_root(w), "task"), task, sizeof(task));
	snprintf(arguments, sizeof(arguments),
		 "{\"id\":\"c-2\",\"task\":\"%s\"}", task);
	ask_ok(w, "task.claim", arguments);
	assert_true(w->was_committed);
	ask_ok(w, "task.claim", arguments);
	assert_false(w->was_committed);
	snprintf(arguments, sizeof(arguments), "{\"id\":\"%s\"}", task);
	ask_ok(w, "task.done", arguments);
	assert_reply(w, "\"state\":\"done\"");
	ask_refused(w, "task.add", "{\"id\":\"c-2\",\"bin\":\"A-01\"}",
		    "id_reused");
}

static void what_cannot_stand_in_a_topic_is_no_id(void **state)
{
	static const char *const ids[] = {"a/b", "a+b", "#", "a b",
					  "\xe4\xb8\xad"};
	struct warehouse *w = *state;
	char arguments[120];
	size_t refused = 0;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		snprintf(arguments, sizeof(arguments),
			 "{\"id\":\"%s\",\"bin\":\"X-1\"}", ids[i]);
		ask_refused(w, "bin.set", arguments, "bad_id");
		refused++;
	}
	assert_int_equal(refused, ARRAY_LEN(ids));
	ask_refused(w, "bin.set", "{\"id\":7,\"bin\":\"X-1\"}", "wrong_type");
	ask_refused(w, "bin.set",
		    "{\"id\":\"0123456789012345678901234567890123456789"
		    "0123456789012345678901234\",\"bin\":\"X-1\"}",
		    "too_long");
}

/* ---- rights ---- */

static const char *const role_names[] = {"operator", "manager",   "purchasing",
					 "sales",    "logistics", "finance",
					 "hq"};

static bool is_denied(struct warehouse *w)
{
	return strstr(w->reply, "{\"error\":{\"code\":\"denied\"") == w->reply;
}

/* Method: an account of each role asks for each command without arguments;
 * it is denied exactly where the command's spec does not name its role. */
static void each_role_may_what_the_spec_says(void **state)
{
	struct warehouse *w = *state;
	struct pos before;
	size_t count;
	size_t asked_for = 0;

	for (size_t role = 0; role < ARRAY_LEN(role_names); role++) {
		char arguments[120];

		snprintf(arguments, sizeof(arguments),
			 "{\"account\":\"a-%s\",\"roles\":[\"%s\"]}",
			 role_names[role], role_names[role]);
		ask_ok(w, "account.set", arguments);
	}
	before = head_pos(w);
	(void)command_at(0, &count);
	for (size_t i = 0; i < count; i++) {
		const struct command_spec *spec = command_at(i, &count);

		for (size_t role = 0; role < ARRAY_LEN(role_names); role++) {
			bool may = spec->roles == 0 ||
				   (spec->roles & 1u << role) != 0;
			char account[40];
			struct asked asked = {
				account, spec->name, "{}", {"", 0}};

			snprintf(account, sizeof(account), "a-%s",
				 role_names[role]);
			if (spec->effect == COMMAND_WRITE)
				ask_of(w, &asked);
			else
				look_of(w, &asked);
			if (is_denied(w) == may)
				fail_msg("%s asked for %s: %s", account,
					 spec->name, w->reply);
			asked_for++;
		}
	}
	assert_int_equal(asked_for, count * ARRAY_LEN(role_names));
	assert_true(head_pos(w).value == before.value);
	printf("%zu commands, %zu roles\n", count, ARRAY_LEN(role_names));
}

static void who_is_revoked_or_unknown_may_nothing(void **state)
{
	struct warehouse *w = *state;
	struct asked queries[] = {{"ann", "item.list", "", {"", 0}},
				  {"nobody", "item.list", "", {"", 0}}};
	struct asked writes[] = {{"ann", "book", BOOK("17"), {"", 0}},
				 {"nobody", "book", BOOK("17"), {"", 0}}};

	ask_ok(w, "account.set",
	       "{\"account\":\"ann\",\"roles\":[\"manager\"]}");
	look_of(w, &queries[0]);
	assert_false(is_denied(w));
	ask_ok(w, "account.revoke", "{\"account\":\"ann\"}");
	for (size_t i = 0; i < 2; i++) {
		look_of(w, &queries[i]);
		assert_true(is_denied(w));
		ask_of(w, &writes[i]);
		assert_true(is_denied(w));
		assert_false(w->was_committed);
	}
	ask_refused(w, "account.revoke", "{\"account\":\"boss\"}",
		    "last_manager");
}

/* ---- commands that are none ---- */

static void what_is_no_command_is_told(void **state)
{
	struct warehouse *w = *state;

	ask_refused(w, "item.paint", "{}", "unknown_command");
	ask_refused(w, "item.list", "{}", "unknown_command"); /* a query */
	look_refused(w, "item.set", "{}", "unknown_command"); /* writes */
	ask_refused(w, "bin.set", "{", "bad_json");
	ask_refused(w, "bin.set", "[]", "wrong_type");
	ask_refused(w, "bin.set", "{\"bin\":\"A\",\"bin\":\"B\"}",
		    "duplicate_key");
	ask_refused(w, "bin.set", "{\"bin\":\"\"}", "missing_field");
	ask_refused(w, "bin.set", "{\"bin\":null}", "wrong_type");
	ask_refused(w, "bin.set", "{\"bin\":\"a\\u0007\"}", "bad_text");
}

static void arguments_that_are_too_long_are_refused(void **state)
{
	static char arguments[ARGUMENTS_SIZE_MAX + 40];
	struct warehouse *w = *state;

	memset(arguments, ' ', sizeof(arguments) - 1);
	arguments[0] = '{';
	arguments[sizeof(arguments) - 2] = '}';
	ask_refused(w, "bin.set", arguments, "too_long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(the_same_id_acts_once_and_gets_the_same_reply),
		STORY(an_id_of_another_command_is_refused),
		STORY(an_id_belongs_to_its_account),
		STORY(a_refusal_is_remembered_as_well),
		STORY(the_last_1024_ids_are_remembered),
		STORY(an_id_may_name_the_thing_or_the_command),
		STORY(what_cannot_stand_in_a_topic_is_no_id),
		STORY(each_role_may_what_the_spec_says),
		STORY(who_is_revoked_or_unknown_may_nothing),
		STORY(what_is_no_command_is_told),
		STORY(arguments_that_are_too_long_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
