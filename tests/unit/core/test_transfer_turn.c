/*
 * What a command is told of the transfer that it opened or ended.
 */
#include "tests/unit/core/bench_pair.h"

/* Runs @name, and its reply says that 3-7-1 turned, and how. */
static void assert_turned(struct warehouse *w, const char *name,
			  const char *arguments, const char *to,
			  const char *sentence)
{
	char part[256];

	ask_ok(w, name, arguments);
	snprintf(part, sizeof(part),
		 "\"turned\":{\"transfer\":\"3-7-1\",\"to\":\"%s\","
		 "\"text_en\":\"%s\",\"text_zh\":\"",
		 to, sentence);
	assert_reply(w, part);
}

static void assert_no_turn(struct warehouse *w, const char *name,
			   const char *arguments)
{
	ask_ok(w, name, arguments);
	assert_no_reply(w, "turned");
}

#define BOOK(op, qty)                                                    \
	"{\"op\":\"" op "\",\"ref\":\"3-7-1\",\"bin\":\"A-02\",\"qty\":" \
	"" #qty ",\"code\":\"MUG\"}"
#define REOPENED "transfer 3-7-1 was closed, and is open again"
#define CLOSED "transfer 3-7-1 is closed"

/* Method: one transfer from its first word to its end by commands alone; each
 * reply names what turned, and only that. */
static void a_command_is_told_what_it_opened_and_what_it_ended(void **state)
{
	struct pair *pair = *state;
	struct warehouse *from = pair->from;
	struct warehouse *to = pair->to;

	stock_up(from);
	assert_turned(from, "transfer.create", "{\"to\":7}", "opened",
		      "transfer 3-7-1 begins");
	assert_no_turn(from, "book", BOOK("transfer_out", 12));
	assert_no_turn(from, "transfer.ship", ID);
	to_hears(pair);
	assert_no_turn(to, "book", BOOK("transfer_in", 12));
	assert_turned(to, "transfer.close", ID, "closed", CLOSED);
	/* Its answer is kept: sent again, it tells the same. */
	assert_turned(to, "book",
		      "{\"op\":\"transfer_in\",\"ref\":\"3-7-1\",\"qty\":1,"
		      "\"bin\":\"A-02\",\"code\":\"MUG\",\"id\":\"late\"}",
		      "reopened", REOPENED);
	assert_turned(to, "book",
		      "{\"op\":\"transfer_in\",\"ref\":\"3-7-1\",\"qty\":1,"
		      "\"bin\":\"A-02\",\"code\":\"MUG\",\"id\":\"late\"}",
		      "reopened", REOPENED);
	assert_int_equal(units(to, "MUG", "A-02", GOOD), 13);
	assert_no_turn(to, "book", BOOK("transfer_in", 1));
	assert_turned(to, "transfer.close", ID, "closed", CLOSED);
	assert_no_turn(to, "move",
		       "{\"item\":\"MUG\",\"qty\":1,\"from\":\"A-02\","
		       "\"to\":\"A-01\"}");
	from_hears(pair);
	assert_no_turn(from, "transfer.close", ID);
	assert_turned(from, "book", BOOK("transfer_out", 1), "reopened",
		      REOPENED);
	assert_clean(from);
	assert_clean(to);
}

/* Method: the addressee's receipt is taken back after the end, by its entry's
 * name and as its own last one. */
static void what_is_taken_back_is_told_to_open_it_again(void **state)
{
	struct pair *pair = *state;
	struct warehouse *to = pair->to;
	char reverse[64];

	load(pair);
	to_hears(pair);
	ask_ok(to, "transfer.receive", ID);
	ask_ok(to, "book", BOOK("transfer_in", 1));
	(void)snprintf(reverse, sizeof(reverse), "{\"entry\":\"1.%llu\"}",
		       (unsigned long long)pos_number(head_pos(to)));
	ask_ok(to, "transfer.close", ID);
	assert_turned(to, "reverse", reverse, "reopened", REOPENED);
	assert_no_turn(to, "book", BOOK("transfer_in", 1));
	assert_turned(to, "transfer.close", ID, "closed", CLOSED);
	assert_turned(to, "book", "{\"op\":\"undo\"}", "reopened", REOPENED);
	assert_clean(to);
}

/* Method: its sender takes all back and cancels; a mug comes all the same. */
static void what_comes_of_a_cancelled_transfer_is_told_so(void **state)
{
	struct pair *pair = *state;
	struct warehouse *from = pair->from;

	stock_up(from);
	ask_ok(from, "transfer.create", "{\"to\":7}");
	assert_turned(from, "transfer.cancel", ID, "closed", CLOSED);
	to_hears(pair);
	assert_turned(pair->to, "book", BOOK("transfer_in", 1), "reopened",
		      "transfer 3-7-1 was cancelled by its sender: what came "
		      "is booked all the same");
	assert_clean(from);
	assert_clean(pair->to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PAIR(a_command_is_told_what_it_opened_and_what_it_ended),
		PAIR(what_is_taken_back_is_told_to_open_it_again),
		PAIR(what_comes_of_a_cancelled_transfer_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
