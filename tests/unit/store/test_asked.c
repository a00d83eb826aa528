/*
 * Commands by the ids that their senders gave them: remembered with their
 * replies, each account's own, and bounded.
 */
#include "tests/support/check.h"

#include "store/asked.h"
#include "tests/support/tables.h"

#define MAP_SIZE (UINT64_C(16) << 20)

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

static void mark(const char *account, const char *id, uint64_t content,
		 const char *reply)
{
	struct asked_name name = {span_of(account), span_of(id)};

	assert_done(asked_mark(tables.txn, &name, content, span_of(reply),
			       &tables.err),
		    &tables.err);
}

static enum asked_state find(const char *account, const char *id,
			     uint64_t content, struct span *ret_reply)
{
	struct asked_name name = {span_of(account), span_of(id)};
	enum asked_state state;

	assert_done(asked_find(txn_view(tables.txn), &name, content, &state,
			       ret_reply, &tables.err),
		    &tables.err);
	return state;
}

/* Method: two accounts use one id; each has its reply after a restart. */
static void a_command_is_known_by_its_account_and_id(void **state)
{
	struct span reply = {"untouched", 9};

	(void)state;
	assert_int_equal(find("boss", "17", 5, &reply), ASKED_NEW);
	assert_span(reply, "untouched");
	mark("boss", "17", 5, "{\"pos\":\"8\"}");
	mark("bos", "s17", 5, "{}"); /* the names do not run together */
	mark("eve", "17", 6, "{\"pos\":\"9\"}");
	tables_reopen(&tables);
	assert_int_equal(find("boss", "17", 5, &reply), ASKED_BEFORE);
	assert_span(reply, "{\"pos\":\"8\"}");
	assert_int_equal(find("eve", "17", 6, &reply), ASKED_BEFORE);
	assert_span(reply, "{\"pos\":\"9\"}");
	assert_int_equal(find("boss", "18", 5, &reply), ASKED_NEW);
	assert_int_equal(find("boss", "1", 5, &reply), ASKED_NEW);
}

static void an_id_of_another_command_is_told(void **state)
{
	struct span reply = {"untouched", 9};

	(void)state;
	mark("boss", "17", 5, "{}");
	assert_int_equal(find("boss", "17", 6, &reply), ASKED_REUSED);
	assert_span(reply, "untouched");
}

/* Method: 3,000 commands of one account beside one of another; after each
 * step the last 1,024 are there and the one before them is not. */
static void the_last_1024_of_an_account_are_remembered(void **state)
{
	struct span reply;
	unsigned looked = 0;

	(void)state;
	mark("eve", "only", 1, "{}");
	for (unsigned i = 1; i <= 3000; i++) {
		char id[16];

		assert_true(text_format(id, sizeof(id), "id-%u", i));
		mark("boss", id, i, id);
		if (i <= ASKED_WINDOW || i % 97 != 0)
			continue;
		assert_true(
			text_format(id, sizeof(id), "id-%u", i - ASKED_WINDOW));
		assert_int_equal(find("boss", id, i - ASKED_WINDOW, &reply),
				 ASKED_NEW);
		assert_true(text_format(id, sizeof(id), "id-%u",
					i + 1 - ASKED_WINDOW));
		assert_int_equal(find("boss", id, i + 1 - ASKED_WINDOW, &reply),
				 ASKED_BEFORE);
		assert_span(reply, id);
		looked++;
	}
	assert_true(looked > 15);
	assert_int_equal(tables_rows(&tables, TABLE_ASKED),
			 2 * ASKED_WINDOW + 2);
	assert_int_equal(find("eve", "only", 1, &reply), ASKED_BEFORE);
}

/* Method: names and a reply at their longest. */
static void the_longest_names_and_reply_fit(void **state)
{
	static char account[NAME_SIZE_MAX + 1];
	static char id[ASKED_ID_SIZE_MAX + 1];
	static char text[ASKED_REPLY_SIZE_MAX + 1];
	struct span reply;

	(void)state;
	memset(account, 'a', NAME_SIZE_MAX);
	memset(id, 'i', ASKED_ID_SIZE_MAX);
	memset(text, 'r', ASKED_REPLY_SIZE_MAX);
	mark(account, id, UINT64_MAX, text);
	tables_reopen(&tables);
	assert_int_equal(find(account, id, UINT64_MAX, &reply), ASKED_BEFORE);
	assert_span(reply, text);
}

/* Method: each kind of row, compared with its bytes as of format 1. */
static void the_rows_on_disk_are_those_of_the_format(void **state)
{
	(void)state;
	mark("boss", "17", 0x0102030405060708, "{}");
	assert_row(&tables, TABLE_ASKED, "01626f7373003137",
		   "010102030405060708027b7d");
	assert_row(&tables, TABLE_ASKED, "02626f7373000000000000000001",
		   "023137");
}

/* Method: a bit of the command's row is flipped. */
static void a_damaged_row_is_told_and_not_believed(void **state)
{
	struct asked_name name = {SPAN_LITERAL("boss"), SPAN_LITERAL("17")};
	enum asked_state found;
	struct span reply;

	(void)state;
	mark("boss", "17", 5, "{}");
	tables_flip(&tables, TABLE_ASKED, 0);
	assert_code(asked_find(txn_view(tables.txn), &name, 5, &found, &reply,
			       NULL),
		    ERR_CORRUPT);
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_command_is_known_by_its_account_and_id),
		TEST(an_id_of_another_command_is_told),
		TEST(the_last_1024_of_an_account_are_remembered),
		TEST(the_longest_names_and_reply_fit),
		TEST(the_rows_on_disk_are_those_of_the_format),
		TEST(a_damaged_row_is_told_and_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
