/*
 * Commands and queries as messages: cmd/{account}/{name} in,
 * res/{account}/{name}/{id} out.
 */
#include "tests/unit/core/bench_warehouse.h"

#define GOOD CONDITION_GOOD

static void assert_suffix(struct warehouse *w, const char *suffix)
{
	assert_string_equal(w->suffix, suffix);
}

static void a_command_is_answered_under_its_id(void **state)
{
	struct warehouse *w = *state;

	send(w, "cmd/boss/book",
	     "{\"v\":1,\"id\":\"17\",\"args\":{\"op\":\"receive\","
	     "\"code\":\"MUG\",\"qty\":3}}");
	assert_suffix(w, "res/boss/book/17");
	assert_ack(w, "{\"v\":1,\"id\":\"17\",\"result\":{\"entry\":\"1.");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 3);
	look_ok(w, "journal.list", "{\"backwards\":true,\"limit\":1}");
	assert_reply(w, "\"actor_kind\":\"account\",\"actor\":\"boss\"");
	/* The broker sends it again: the same answer, once booked. */
	send(w, "cmd/boss/book",
	     "{\"v\":1,\"id\":\"17\",\"args\":{\"op\":\"receive\","
	     "\"code\":\"MUG\",\"qty\":3}}");
	assert_ack(w, "{\"v\":1,\"id\":\"17\",\"result\":{\"entry\":\"1.");
	assert_int_equal(units(w, "MUG", "DOCK", GOOD), 3);
	assert_clean(w);
}

static void a_refusal_is_an_error_of_the_answer(void **state)
{
	struct warehouse *w = *state;

	send(w, "cmd/boss/move",
	     "{\"v\":1,\"id\":\"18\",\"args\":{\"item\":\"NONE\",\"qty\":1,"
	     "\"from\":\"A-01\",\"to\":\"A-02\"}}");
	assert_suffix(w, "res/boss/move/18");
	assert_ack(w, "{\"v\":1,\"id\":\"18\",\"error\":{\"code\":"
		      "\"unknown_item\",\"text_en\":");
	send(w, "cmd/boss/move",
	     "{\"v\":1,\"id\":\"18\",\"args\":{\"item\":\"NONE\",\"qty\":1,"
	     "\"from\":\"A-01\",\"to\":\"A-02\"}}");
	assert_ack(w, "\"error\":{\"code\":\"unknown_item\"");
}

static void a_query_is_answered_too(void **state)
{
	struct warehouse *w = *state;

	send(w, "cmd/boss/stock.list",
	     "{\"v\":1,\"id\":\"q-1\",\"args\":{\"item\":\"MUG\"}}");
	assert_suffix(w, "res/boss/stock.list/q-1");
	assert_ack(w, "\"result\":{\"as_of\":");
	assert_ack(w, "\"item\":\"MUG\"");
	send(w, "cmd/boss/status.show", "{\"v\":1,\"id\":\"q-2\"}");
	assert_ack(w, "\"site\":\"hz-01\"");
}

/* Method: 400 items, asked for in pages as long as a message may be. */
static void a_list_comes_in_pages_that_fit_a_message(void **state)
{
	struct warehouse *w = *state;
	char payload[200];
	char after[80] = "";
	unsigned rows = 0;
	unsigned pages = 0;

	for (unsigned i = 0; i < 400; i++) {
		snprintf(payload, sizeof(payload), "{\"item\":\"ITEM-%u\"}", i);
		ask_ok(w, "item.set", payload);
	}
	do {
		const char *next;

		snprintf(payload, sizeof(payload),
			 "{\"v\":1,\"id\":\"p-%u\",\"args\":{\"limit\":1000"
			 "%s%s%s}}",
			 pages, after[0] == '\0' ? "" : ",\"after\":\"", after,
			 after[0] == '\0' ? "" : "\"");
		send(w, "cmd/boss/item.list", payload);
		assert_true(strlen(w->ack) <= PAYLOAD_OUT_SIZE_MAX);
		for (const char *at = w->ack; at != NULL; rows += at != NULL)
			at = strstr(at + 1, "{\"item\":\"");
		next = strstr(w->ack, "\"next\":\"");
		after[0] = '\0';
		if (next != NULL)
			(void)sscanf(next, "\"next\":\"%79[^\"]", after);
		pages++;
		assert_true(pages < 100);
	} while (after[0] != '\0');
	assert_int_equal(rows, 402);
	assert_true(pages > 5);
	printf("%u rows in %u messages\n", rows, pages);
}

static void codes_post(struct warehouse *w, unsigned count)
{
	struct batch *batch;
	struct entry entry;
	struct err err;
	char text[40];

	assert_done(batch_begin(w->ledger, &batch, &err), &err);
	batch_time(batch, (struct moment){w->now_ms}, true);
	for (unsigned i = 0; i < count; i++) {
		entry_init(&entry, ENTRY_CODE);
		snprintf(text, sizeof(text), "CODE-%05u", i);
		assert_true(
			code_text_set(&entry.body.code.code, span_of(text)));
		assert_true(
			sku_set(&entry.body.code.item, SPAN_LITERAL("MUG")));
		entry.body.code.pack = 1;
		assert_done(batch_post(batch, &entry, NULL, &err), &err);
	}
	assert_done(batch_commit(batch, &err), &err);
}

/* Method: 12,000 codes of one item before the one that is asked for; intake
 * waits for no more than 5,000 of them at a time. */
static void a_long_search_goes_on_from_page_to_page(void **state)
{
	struct warehouse *w = *state;

	codes_post(w, 12000);
	ask_ok(w, "code.set", "{\"code\":\"Z-LAST\",\"item\":\"MILK\"}");
	send(w, "cmd/boss/code.list",
	     "{\"v\":1,\"id\":\"1\",\"args\":{\"item\":\"MILK\"}}");
	assert_ack(w, "\"code\":\"09521234567899\"");
	assert_ack(w, "\"next\":\"CODE-04996\"");
	send(w, "cmd/boss/code.list",
	     "{\"v\":1,\"id\":\"2\",\"args\":{\"item\":\"MILK\","
	     "\"after\":\"CODE-04996\"}}");
	assert_ack(w, "\"codes\":[],\"next\":\"CODE-09996\"");
	send(w, "cmd/boss/code.list",
	     "{\"v\":1,\"id\":\"3\",\"args\":{\"item\":\"MILK\","
	     "\"after\":\"CODE-09996\"}}");
	assert_ack(w, "\"code\":\"Z-LAST\"");
	assert_null(strstr(w->ack, "\"next\""));
}

static void a_reply_that_does_not_fit_says_so(void **state)
{
	static char payload[PAYLOAD_IN_SIZE_MAX + 1];
	struct warehouse *w = *state;

	memset(payload, 'x', PAYLOAD_IN_SIZE_MAX);
	send(w, "scan/gun-9", payload);
	send(w, "cmd/boss/parked.show",
	     "{\"v\":1,\"id\":\"19\",\"args\":{\"number\":1}}");
	assert_suffix(w, "res/boss/parked.show/19");
	assert_ack(w, "\"error\":{\"code\":\"too_long\"");
}

struct nameless {
	const char *payload;
	const char *code;
};

/* What has no id that could be read is answered under "none". */
static void a_command_without_an_id_is_not_run(void **state)
{
	static const struct nameless commands[] = {
		{"", "missing_field"},
		{"{", "bad_json"},
		{"[]", "wrong_type"},
		{"{\"v\":1,\"args\":{\"bin\":\"X-1\"}}", "missing_field"},
		{"{\"v\":1,\"id\":\"a/b\",\"args\":{\"bin\":\"X-1\"}}",
		 "bad_id"},
	};
	struct warehouse *w = *state;
	struct pos before = head_pos(w);
	size_t answered = 0;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		char part[64];

		send(w, "cmd/boss/bin.set", commands[i].payload);
		assert_suffix(w, "res/boss/bin.set/none");
		snprintf(part, sizeof(part),
			 "\"id\":\"none\",\"error\":{"
			 "\"code\":\"%s\"",
			 commands[i].code);
		assert_ack(w, part);
		answered++;
	}
	assert_int_equal(answered, ARRAY_LEN(commands));
	send(w, "cmd/boss/bin.set",
	     "{\"v\":2,\"id\":\"1\",\"args\":{\"bin\":\"X-1\"}}");
	assert_suffix(w, "res/boss/bin.set/1");
	assert_ack(w, "\"out_of_range\"");
	send(w, "cmd/boss/bin.set", "{\"v\":1,\"id\":\"2\",\"args\":7}");
	assert_ack(w, "\"wrong_type\"");
	assert_true(head_pos(w).value == before.value);
}

static void the_account_of_the_topic_is_who_asks(void **state)
{
	struct warehouse *w = *state;

	ask_ok(w, "account.set",
	       "{\"account\":\"ann\",\"roles\":[\"operator\"]}");
	send(w, "cmd/ann/bin.set",
	     "{\"v\":1,\"id\":\"1\",\"args\":{\"bin\":\"X-1\"}}");
	assert_suffix(w, "res/ann/bin.set/1");
	assert_ack(w, "\"denied\"");
	send(w, "cmd/nobody/item.list", "{\"v\":1,\"id\":\"1\"}");
	assert_ack(w, "\"denied\"");
	send(w, "cmd/boss/item.paint", "{\"v\":1,\"id\":\"1\"}");
	assert_suffix(w, "res/boss/item.paint/1");
	assert_ack(w, "\"unknown_command\"");
	send(w, "cmd/boss/item.import", "{\"v\":1,\"id\":\"2\"}");
	assert_ack(w, "\"no_file\"");
}

/* Method: topics that are no command's; each is parked like any other. */
static void a_topic_that_is_no_commands_is_parked(void **state)
{
	static const char *const topics[] = {
		"cmd/boss",        "cmd/",      "cmd/Boss/move",
		"cmd/boss/move/x", "cmd//move", "cmd/boss/",
	};
	struct warehouse *w = *state;
	struct parked_totals totals;
	struct view *view;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		send(w, topics[i], "{\"v\":1,\"id\":\"1\"}");
		assert_string_equal(w->ack, "");
	}
	assert_done(view_begin(ledger_env(w->ledger), &view, &err), &err);
	assert_done(parked_totals(view, &totals, &err), &err);
	view_end(view);
	assert_int_equal(totals.count, ARRAY_LEN(topics));
}

static void a_full_store_says_so_to_who_asks(void **state)
{
	struct warehouse *w = *state;
	struct event event = {.kind = EVENT_MESSAGE};

	event.body.message.topic =
		SPAN_LITERAL("depot/v1/acme/hz-01/cmd/boss/move");
	event.body.message.payload = SPAN_LITERAL("{\"v\":1,\"id\":\"20\"}");
	answers_reset(w->answers);
	engine_refuse_full(w->engine, &event, w->answers);
	answers_render(w->answers, (struct pos){0}, ack_keep, w);
	assert_suffix(w, "res/boss/move/20");
	assert_ack(w, "\"error\":{\"code\":\"store_full\"");
	event.body.message.payload = SPAN_LITERAL("?");
	answers_reset(w->answers);
	engine_refuse_full(w->engine, &event, w->answers);
	answers_render(w->answers, (struct pos){0}, ack_keep, w);
	assert_suffix(w, "res/boss/move/none");
}

/* Method: every command of the table, without "args", which may be left out. */
static void every_command_without_arguments_is_answered(void **state)
{
	struct warehouse *w = *state;
	size_t count = 1;

	for (size_t i = 0; i < count; i++) {
		char topic[80];
		char payload[40];

		snprintf(topic, sizeof(topic), "cmd/boss/%s",
			 command_at(i, &count)->name);
		snprintf(payload, sizeof(payload), "{\"v\":1,\"id\":\"n-%zu\"}",
			 i);
		send(w, topic, payload);
		assert_true(strstr(w->ack, ",\"result\":{") != NULL ||
			    strstr(w->ack, ",\"error\":{") != NULL);
	}
	assert_true(count > 30);
	printf("%zu commands\n", count);
}

/* Asks boss's bin.list as an MQTT 5 client that wants the answer on
 * @response. */
static void ask_for(struct warehouse *w, const char *response)
{
	struct event event = {.kind = EVENT_MESSAGE};

	event.body.message.topic =
		SPAN_LITERAL("depot/v1/acme/hz-01/cmd/boss/bin.list");
	event.body.message.payload = SPAN_LITERAL("{\"v\":1,\"id\":\"30\"}");
	event.body.message.response = span_of(response);
	event.body.message.correlation = SPAN_LITERAL("call-30");
	warehouse_step(w, &event);
	assert_ack(w, "{\"v\":1,\"id\":\"30\",\"result\":");
	assert_string_equal(w->correlation, "call-30");
}

static void an_answer_goes_where_its_sender_wants_it(void **state)
{
	struct warehouse *w = *state;

	ask_for(w, "depot/v1/acme/hz-01/res/boss/screen-4");
	assert_suffix(w, "res/boss/screen-4");
	ask_for(w, "depot/v1/acme/hz-01/res/boss/a/b/c");
	assert_suffix(w, "res/boss/a/b/c");
	/* What comes next and asks for nothing has nothing of it. */
	send(w, "cmd/boss/bin.list", "{\"v\":1,\"id\":\"31\"}");
	assert_suffix(w, "res/boss/bin.list/31");
	assert_string_equal(w->correlation, "");
}

/*
 * depot may publish anywhere in the tree, its senders may not: a response
 * topic that they could not read by their own right is not used. Method: what
 * somebody would try, one by one; the answer comes all the same, where it
 * always comes.
 */
static void an_answer_never_goes_where_its_sender_has_no_right(void **state)
{
	static const char *const topics[] = {
		"",
		"else/where",
		"depot/v1/acme/hz-01/status",
		"depot/v1/acme/hz-01/stock/MUG",
		"depot/v1/acme/hz-01/ack/dock-1",
		"depot/v1/acme/hz-01/res/boss",
		"depot/v1/acme/hz-01/res/boss/",
		"depot/v1/acme/hz-01/res/bos/x",
		"depot/v1/acme/hz-01/res/boss2/x",
		"depot/v1/acme/hz-01/res/ann/x",
		"depot/v1/acme/hz-02/res/boss/x",
		"depot/v1/other/hz-01/res/boss/x",
		"depot/v1/acme/hz-01/res/boss/#",
		"depot/v1/acme/hz-01/res/boss/a+b",
		"depot/v1/acme/hz-01/res/boss/a\nb",
		"depot/v1/acme/hz-01/res/boss/\xff",
		"res/boss/x",
		"/res/boss/x",
		"depot/v1/acme/hz-01/cmd/boss/bin.list",
		"depot/v1/acme/hz-01/res/boss/"
		"123456789-123456789-123456789-123456789-123456789-"
		"123456789-123456789-123456789-123456789-123456789-"
		"123456789-123456789-123456789-",
	};
	struct warehouse *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		ask_for(w, topics[i]);
		assert_suffix(w, "res/boss/bin.list/30");
	}
}

static void a_message_that_was_cut_is_not_run(void **state)
{
	struct warehouse *w = *state;
	struct event event = {.kind = EVENT_MESSAGE};

	event.body.message.topic =
		SPAN_LITERAL("depot/v1/acme/hz-01/cmd/boss/bin.set");
	event.body.message.payload =
		SPAN_LITERAL("{\"v\":1,\"id\":\"1\",\"args\":{\"bin\":\"X\"}}");
	event.body.message.is_cut = true;
	warehouse_step(w, &event);
	assert_suffix(w, "res/boss/bin.set/none");
	assert_ack(w, "\"too_long\"");
	look_ok(w, "bin.list", "");
	assert_no_reply(w, "\"bin\":\"X\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_command_is_answered_under_its_id),
		STORY(a_refusal_is_an_error_of_the_answer),
		STORY(a_query_is_answered_too),
		STORY(a_list_comes_in_pages_that_fit_a_message),
		STORY(a_long_search_goes_on_from_page_to_page),
		STORY(a_reply_that_does_not_fit_says_so),
		STORY(a_command_without_an_id_is_not_run),
		STORY(the_account_of_the_topic_is_who_asks),
		STORY(a_topic_that_is_no_commands_is_parked),
		STORY(a_full_store_says_so_to_who_asks),
		STORY(every_command_without_arguments_is_answered),
		STORY(an_answer_goes_where_its_sender_wants_it),
		STORY(an_answer_never_goes_where_its_sender_has_no_right),
		STORY(a_message_that_was_cut_is_not_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
