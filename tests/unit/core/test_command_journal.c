/*
 * The journal in JSON and in sentences, and what an entry or an item's stock
 * comes from.
 */
#include "tests/unit/core/bench_warehouse.h"

#include "gateway/core/entry_out.h"
#include "gateway/core/journal_look.h"
#include "store/journal.h"
#include "tests/support/entries.h"

static void last_entry(struct warehouse *w, char *name, size_t size)
{
	struct pos head = head_pos(w);

	snprintf(name, size, "%u.%llu", pos_epoch(head),
		 (unsigned long long)pos_number(head));
}

static void an_entry_is_shown_by_its_field_tables(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":7,\"boot\":\"b1\",\"op\":\"receive\","
	     "\"bin\":\"A-01\",\"at\":\"2026-11-01T10:00:00Z\",\"qty\":5,"
	     "\"ref\":\"PO-9\","
	     "\"code\":\"(01)09521234567899(17)280101(10)L1\"}");
	look_ok(w, "journal.list", "{\"backwards\":true,\"limit\":1}");
	assert_reply(w, "\"kind\":\"movement\"");
	assert_reply(w, "\"stamp\":\"2026-11-");
	assert_reply(w, "\"effective\":\"2026-11-01T10:00:00Z\"");
	assert_reply(w, "\"actor_kind\":\"device\",\"actor\":\"dock-1\","
			"\"boot\":\"b1\",\"seq\":\"7\","
			"\"ref_kind\":\"purchase_order\",\"ref\":\"PO-9\"");
	assert_reply(w, "\"movement\":\"receive\",\"item\":\"MILK\","
			"\"lot\":\"L1\",\"quantity\":5,"
			"\"from_kind\":\"supplier\",\"from\":\"unknown\","
			"\"to_kind\":\"bin\",\"to\":\"A-01\","
			"\"to_condition\":\"good\",\"expiry\":\"2028-01-01\"");
	assert_reply(w, "\"text_en\":\"receive 5 x MILK, lot L1: "
			"supplier:unknown -> A-01, purchase_order PO-9 "
			"(device dock-1)\"");
	assert_reply(w, "\"text_zh\":\"收货 5 x MILK，批号 L1：");
	look_ok(w, "journal.list", "{\"limit\":1}");
	assert_reply(w, "\"kind\":\"founding\",");
	assert_reply(w, "\"public_key\":\"");
	look_ok(w, "journal.list", "{\"kind\":\"account\"}");
	assert_reply(w, "\"roles\":[\"manager\"]");
	assert_reply(w, "account boss: manager");
}

struct filtered {
	const char *arguments;
	const char *has;
	const char *has_not;
};

/* Method: each filter alone and two together; what fits is there, what does
 * not is not. */
static void the_journal_is_filtered(void **state)
{
	static const struct filtered filters[] = {
		{"{\"item\":\"MUG\"}", "White mug", "\"MILK\""},
		{"{\"bin\":\"A-01\"}", "\"to\":\"A-01\"", "White mug"},
		{"{\"device\":\"dock-1\"}", "\"actor\":\"dock-1\"", "gun-2"},
		{"{\"account\":\"boss\"}", "White mug", "\"movement\""},
		{"{\"kind\":\"count\"}", "\"verdict\":\"accepted\"",
		 "\"movement\""},
		{"{\"item\":\"MUG\",\"device\":\"gun-2\"}",
		 "\"movement\":\"count_adjust\"", "dock-1"},
		{"{\"kind\":\"task\"}", "\"entries\":[]", "MUG"},
		{"{\"item\":\"NONE\"}", "\"entries\":[]", "MUG"},
	};
	struct warehouse *w = *state;
	size_t looked = 0;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"code\":\"MUG\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-02\",\"code\":\"MILK\"}");
	send(w, "scan/gun-2",
	     "{\"v\":1,\"op\":\"count\",\"bin\":\"A-01\",\"code\":\"MUG\","
	     "\"qty\":2}");
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		look_ok(w, "journal.list", filters[i].arguments);
		assert_reply(w, filters[i].has);
		assert_no_reply(w, filters[i].has_not);
		looked++;
	}
	assert_int_equal(looked, ARRAY_LEN(filters));
	look_refused(w, "journal.list", "{\"kind\":\"dream\"}", "unknown_word");
	look_refused(w, "journal.list", "{\"after\":\"x\"}", "bad_entry");
	look_refused(w, "journal.list", "{\"after\":\"1.x\"}", "bad_entry");
	/* Names that no entry has are places between entries all the same. */
	look_ok(w, "journal.list", "{\"after\":\"0.0\",\"limit\":1}");
	assert_reply(w, "\"entry\":\"1.1\"");
	look_ok(w, "journal.list", "{\"after\":\"9.1099511627775\"}");
	assert_reply(w, "\"entries\":[]");
	look_ok(w, "journal.list", "{\"after\":\"1.1\",\"backwards\":true}");
	assert_reply(w, "\"entries\":[]");
}

static void a_blind_recount_is_not_told_the_book(void **state)
{
	struct warehouse *w = *state;

	ask_ok(w, "count", "{\"item\":\"MUG\",\"bin\":\"A-01\",\"qty\":50}");
	assert_reply(w, "\"verdict\":\"recount_blind\"");
	assert_no_reply(w, "\"book\":");
	assert_no_reply(w, "the book");
}

/* Method: a look that finds nothing, cut after 1 to 7 entries: as many calls
 * as it takes to see each entry once, both ways. */
static void a_look_that_is_cut_goes_on_where_it_was(void **state)
{
	struct warehouse *w = *state;
	uint64_t head = pos_number(head_pos(w));

	for (unsigned way = 0; way < 2; way++) {
		for (uint32_t most = 1; most < 8; most++) {
			struct look look = {.is_backwards = way == 1,
					    .count_max = most,
					    .filter = {.kind = ENTRY_LOSS}};
			uint64_t calls = 0;
			struct view *view;
			struct err err;

			assert_done(view_begin(ledger_env(w->ledger), &view,
					       &err),
				    &err);
			look.view = view;
			do {
				look.from = look.at;
				assert_done(look_run(&look, NULL, NULL, &err),
					    &err);
				calls++;
			} while (look.is_cut);
			view_end(view);
			assert_int_equal(calls, (head + most - 1) / most);
		}
	}
}

static void a_trace_of_an_item_names_the_readings_behind_it(void **state)
{
	struct warehouse *w = *state;
	const struct json_value *row;
	size_t count;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"code\":\"MUG\","
	     "\"qty\":4,\"bin\":\"A-01\"}");
	send(w, "scan/gun-2",
	     "{\"v\":1,\"seq\":9,\"op\":\"move\",\"code\":\"MUG\","
	     "\"bin\":\"A-01\",\"to\":\"A-02\"}");
	look_ok(w, "trace.show", "{\"item\":\"MUG\"}");
	assert_reply(w, "\"on_hand\":4");
	row = reply_list(w, "movements", &count);
	assert_int_equal(count, 2);
	assert_span(member_text(row, "actor"), "gun-2"); /* newest first */
	assert_span(member_text(row, "seq"), "9");
	row = json_next(row);
	assert_span(member_text(row, "actor"), "dock-1");
	look_ok(w, "trace.show", "{\"item\":\"MUG\",\"limit\":1}");
	assert_reply(w, "\"next\":\"1.");
	look_refused(w, "trace.show", "{\"item\":\"NONE\"}", "unknown_item");
	look_refused(w, "trace.show", "{}", "missing_field");
	look_refused(w, "trace.show", "{\"item\":\"MUG\",\"entry\":\"1.1\"}",
		     "conflicting_fields");
}

/* Method: one reading that is booked as a found and two lots' picks; then an
 * undo. */
static void a_trace_of_an_entry_leads_both_ways(void **state)
{
	struct warehouse *w = *state;
	char entry[40];
	char arguments[80];
	size_t count;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":2,"
	     "\"code\":\"(01)09521234567899(17)270101(10)L1\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":2,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":2,"
	     "\"code\":\"(01)09521234567899(17)280101(10)L2\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":3,\"op\":\"pick\",\"bin\":\"A-01\",\"qty\":3,"
	     "\"code\":\"MILK\",\"ref\":\"O-1\"}");
	last_entry(w, entry, sizeof(entry));
	snprintf(arguments, sizeof(arguments), "{\"entry\":\"%s\"}", entry);
	look_ok(w, "trace.show", arguments);
	assert_reply(w, "\"lot\":\"L2\",\"quantity\":1");
	assert_reply(w, "\"by\":{\"device\":\"dock-1\",\"seq\":\"3\"}");
	assert_reply(w, "\"order\":{\"order\":\"O-1\",\"picked\":3,"
			"\"packed\":0}");
	(void)reply_list(w, "same_reading", &count);
	assert_int_equal(count, 1); /* the other lot's pick */
	assert_no_reply(w, "reversed_by");
	send(w, "scan/dock-1", "{\"v\":1,\"seq\":4,\"op\":\"undo\"}");
	look_ok(w, "trace.show", arguments);
	assert_reply(w, "\"reversed_by\":{\"entry\":\"1.");
	last_entry(w, entry, sizeof(entry));
	snprintf(arguments, sizeof(arguments), "{\"entry\":\"%s\"}", entry);
	look_ok(w, "trace.show", arguments);
	assert_reply(w, "\"reverses\":{\"entry\":\"1.");
	look_ok(w, "trace.show", "{\"entry\":\"1.1\"}");
	assert_reply(w, "\"kind\":\"founding\"");
	look_refused(w, "trace.show", "{\"entry\":\"1.99999\"}",
		     "unknown_entry");
	look_refused(w, "trace.show", "{\"entry\":\"17\"}", "bad_entry");
	assert_clean(w);
}

/* The members of @entry's JSON, which has every field of its tables. */
static size_t fields_check(const struct entry *entry, const char *json)
{
	const struct field_table tables[] = {entry_head_fields(),
					     entry_body_fields(entry->kind)};
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		for (size_t j = 0; j < tables[i].count; j++) {
			char key[80];

			snprintf(key, sizeof(key),
				 "\"%s\":", tables[i].fields[j].name);
			if (strstr(json, key) == NULL)
				fail_msg("no %s in %s", key, json);
			found++;
		}
	}
	return found;
}

static void text_check(const struct entry *entry)
{
	char en[ENTRY_TEXT_SIZE];
	char zh[ENTRY_TEXT_SIZE];

	for (size_t size = 1; size <= sizeof(en); size++) {
		entry_text(entry, false, en, size);
		entry_text(entry, true, zh, size);
		assert_true(strlen(en) < size && strlen(zh) < size);
		assert_true(utf8_is_valid(span_of(en)));
		assert_true(utf8_is_valid(span_of(zh)));
	}
	assert_true(en[0] != '\0' && zh[0] != '\0');
	assert_string_not_equal(en, zh);
}

/* Method: an entry of each kind with every field of its tables set, and one
 * with none; all fields are in the JSON, which is sound, and both sentences
 * are there, cut to every size. */
static void every_field_of_every_kind_is_shown(void **state)
{
	struct warehouse *w = *state;
	size_t fields = 0;

	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		enum entry_kind kind = kind_at(i);

		for (int is_empty = 0; is_empty < 2; is_empty++) {
			struct entry entry = sample_entry(kind);
			struct json_out out;

			if (kind == ENTRY_MOVEMENT)
				entry.body.movement.from.condition =
					CONDITION_DAMAGED;
			if (kind == ENTRY_SUCCESSION)
				entry.body.succession.signature[0] = 1;
			if (kind == ENTRY_TRANSFER)
				entry.body.transfer.answers = pos_make(1, 9);
			entry.carried = pos_make(1, 5);
			entry.regained = pos_make(1, 6);
			if (is_empty)
				entry_init(&entry, kind);
			out_init(&out, w->reply, REPLY_SIZE_MAX);
			out_object(&out);
			entry_out(&entry, pos_make(1, 1), &out);
			out_object_end(&out);
			assert_true(out_ok(&out));
			w->reply[out_span(&out).size] = '\0';
			(void)reply_root(w);
			if (!is_empty)
				fields += fields_check(&entry, w->reply);
			text_check(&entry);
		}
	}
	printf("%zu fields shown\n", fields);
	assert_true(fields > 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(an_entry_is_shown_by_its_field_tables),
		STORY(the_journal_is_filtered),
		STORY(a_blind_recount_is_not_told_the_book),
		STORY(a_look_that_is_cut_goes_on_where_it_was),
		STORY(a_trace_of_an_item_names_the_readings_behind_it),
		STORY(a_trace_of_an_entry_leads_both_ways),
		STORY(every_field_of_every_kind_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
