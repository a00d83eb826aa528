/*
 * Queries: what they show, and that their pages neither lose nor repeat a row,
 * whatever the limit and however short the reply may be.
 */
#include "tests/unit/core/bench_warehouse.h"

#define ROWS 2500

/* ---- pages ---- */

/* A list of ROWS rows, each named by @member, NAME-0000 to NAME-2499. */
struct listed {
	const char *query;
	const char *arguments; /* further ones, ending in a comma */
	const char *list;
	const char *member;
	const char *prefix; /* of its names */
	size_t others;      /* rows that are there too, with other names */
};

static bool row_number(struct span name, const char *prefix, unsigned *number)
{
	char text[80];

	for (unsigned i = 0; i < ROWS; i++) {
		snprintf(text, sizeof(text), "%s-%04u", prefix, i);
		if (span_is(name, text)) {
			*number = i;
			return true;
		}
	}
	return false;
}

/* The names count up in the order of the list: it is enough to know the last.
 */
struct paging {
	size_t rows;
	size_t others;
	size_t pages;
	unsigned next; /* the number that has to come */
	char after[160];
};

static void row_take(const struct listed *listed, struct paging *paging,
		     const struct json_value *row)
{
	struct span name = member_text(row, listed->member);
	char expected[80];
	unsigned number;

	snprintf(expected, sizeof(expected), "%s-%04u", listed->prefix,
		 paging->next);
	if (span_is(name, expected)) {
		paging->next++;
		paging->rows++;
		return;
	}
	if (row_number(name, listed->prefix, &number))
		fail_msg("%s: %u came where %u was due", listed->query, number,
			 paging->next);
	paging->others++;
}

/* One page. False if it was the last. */
static bool page_take(struct warehouse *w, const struct listed *listed,
		      unsigned limit, struct paging *paging)
{
	const struct json_value *row;
	const struct json_value *next;
	char arguments[320];
	struct span token;
	struct fault fault;
	size_t count;

	snprintf(arguments, sizeof(arguments), "{%s\"limit\":%u%s%s%s}",
		 listed->arguments, limit,
		 paging->pages == 0 ? "" : ",\"after\":\"", paging->after,
		 paging->pages == 0 ? "" : "\"");
	look_ok(w, listed->query, arguments);
	assert_true(strlen(w->reply) <= REPLY_SIZE_MAX);
	row = reply_list(w, listed->list, &count);
	assert_true(count <= limit);
	for (; row != NULL; row = json_next(row))
		row_take(listed, paging, row);
	paging->pages++;
	next = json_member(reply_root(w), "next");
	if (next == NULL)
		return false;
	assert_code(json_to_text(next, &token, &fault), ERR_OK);
	assert_true(token.size > 0 && token.size < sizeof(paging->after));
	memcpy(paging->after, token.data, token.size);
	paging->after[token.size] = '\0';
	return true;
}

static void pages_take(struct warehouse *w, const struct listed *listed,
		       unsigned limit)
{
	struct paging paging = {.rows = 0};

	while (page_take(w, listed, limit, &paging))
		assert_true(paging.pages < 10000);
	if (paging.rows != ROWS || paging.others != listed->others)
		fail_msg("%s by %u: %zu rows and %zu others in %zu pages",
			 listed->query, limit, paging.rows, paging.others,
			 paging.pages);
	/* A thousand rows may be more than a reply has room for. */
	if (w->reply_size_max == 0 && limit <= 200)
		assert_int_equal(paging.pages,
				 (ROWS + listed->others + limit - 1) / limit);
}

static void entry_post(struct batch *batch, struct entry *entry)
{
	struct err err;

	assert_done(batch_post(batch, entry, NULL, &err), &err);
}

static void master_post(struct batch *batch, unsigned i)
{
	struct entry entry;
	char text[40];

	entry_init(&entry, ENTRY_ITEM);
	snprintf(text, sizeof(text), "SKU-%04u", i);
	assert_true(sku_set(&entry.body.item.sku, span_of(text)));
	entry.body.item.unit = UNIT_EACH;
	entry_post(batch, &entry);
	entry_init(&entry, ENTRY_CODE);
	assert_true(sku_set(&entry.body.code.item, span_of(text)));
	snprintf(text, sizeof(text), "CODE-%04u", i);
	assert_true(code_text_set(&entry.body.code.code, span_of(text)));
	entry.body.code.pack = 1;
	entry_post(batch, &entry);
	entry_init(&entry, ENTRY_BIN);
	snprintf(text, sizeof(text), "BIN-%04u", i);
	assert_true(place_name_set(&entry.body.bin.name, span_of(text)));
	entry_post(batch, &entry);
}

static void people_post(struct batch *batch, unsigned i)
{
	struct entry entry;
	char text[40];

	entry_init(&entry, ENTRY_DEVICE);
	snprintf(text, sizeof(text), "device-%04u", i);
	assert_true(name_set(&entry.body.device.name, span_of(text)));
	entry.body.device.kind = DEVICE_SCANNER;
	entry_post(batch, &entry);
	entry_init(&entry, ENTRY_ACCOUNT);
	snprintf(text, sizeof(text), "account-%04u", i);
	assert_true(name_set(&entry.body.account.name, span_of(text)));
	entry.body.account.roles = ROLE_OPERATOR;
	entry_post(batch, &entry);
	entry_init(&entry, ENTRY_TASK);
	snprintf(text, sizeof(text), "task-%04u", i);
	assert_true(name_set(&entry.body.task.id, span_of(text)));
	entry.body.task.kind = TASK_CHECK;
	entry.body.task.state = TASK_OPEN;
	entry_post(batch, &entry);
	entry_init(&entry, ENTRY_ALERT);
	snprintf(text, sizeof(text), "alert-%04u", i);
	assert_true(ref_set(&entry.body.alert.id, span_of(text)));
	assert_true(reason_set(&entry.body.alert.code, SPAN_LITERAL("test")));
	entry.body.alert.severity = SEVERITY_INFO;
	entry_post(batch, &entry);
}

/* One unit of each item into bin A-01, and of MUG into each bin. */
static void movements_post(struct batch *batch, unsigned i)
{
	struct entry entry;
	struct movement *movement = &entry.body.movement;
	char text[40];

	entry_init(&entry, ENTRY_MOVEMENT);
	movement->kind = MOVEMENT_RECEIVE;
	snprintf(text, sizeof(text), "SKU-%04u", i);
	assert_true(sku_set(&movement->item, span_of(text)));
	movement->quantity.units = 1;
	movement->from.place.kind = PLACE_SUPPLIER;
	assert_true(
		place_name_set(&movement->from.place.name, SPAN_LITERAL("x")));
	movement->to.place = place_bin(SPAN_LITERAL("A-01"));
	movement->to.condition = CONDITION_GOOD;
	entry_post(batch, &entry);
	assert_true(sku_set(&movement->item, SPAN_LITERAL("MUG")));
	snprintf(text, sizeof(text), "BIN-%04u", i);
	movement->to.place = place_bin(span_of(text));
	entry_post(batch, &entry);
}

static void rows_post(struct warehouse *w)
{
	struct batch *batch;
	struct err err;

	assert_done(batch_begin(w->ledger, &batch, &err), &err);
	batch_time(batch, (struct moment){w->now_ms}, true);
	for (unsigned i = 0; i < ROWS; i++) {
		master_post(batch, i);
		people_post(batch, i);
		movements_post(batch, i);
	}
	assert_done(batch_commit(batch, &err), &err);
}

static const struct listed lists[] = {
	{"item.list", "", "items", "item", "SKU", 2},
	{"stock.list", "", "items", "item", "SKU", 2},
	{"stock.list", "\"bin\":\"A-01\",", "items", "item", "SKU", 0},
	{"stock.list", "\"item\":\"MUG\",", "places", "place", "BIN", 1},
	{"code.list", "", "codes", "code", "CODE", 3},
	{"bin.list", "", "bins", "bin", "BIN", 5},
	{"device.list", "", "devices", "device", "device", 3},
	{"account.list", "", "accounts", "account", "account", 1},
	{"task.list", "", "tasks", "id", "task", 0},
	{"alert.list", "", "alerts", "id", "alert", 0},
};

/*
 * Method: 2,500 rows in every list; each is read through in pages of 7, 200
 * and 1,000 rows, and in pages that a reply of 3,400 bytes cuts; the names
 * count up by one from the first page to the last.
 */
static void pages_neither_lose_nor_repeat_a_row(void **state)
{
	static const unsigned limits[] = {7, 200, 1000};
	struct warehouse *w = *state;
	size_t read = 0;

	rows_post(w);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		w->reply_size_max = 0;
		for (size_t j = 0; j < ARRAY_LEN(limits); j++) {
			pages_take(w, &lists[i], limits[j]);
			read++;
		}
		w->reply_size_max = 3400;
		pages_take(w, &lists[i], 1000);
		read++;
	}
	assert_int_equal(read, 4 * ARRAY_LEN(lists));
	printf("%zu lists of %d rows read through\n", read, ROWS);
	w->reply_size_max = 0;
	assert_clean(w);
}

/* Method: the journal of those rows, forwards and backwards, all of it and one
 * item's, in pages; positions rise or fall by one. */
static void the_journal_is_paged_both_ways(void **state)
{
	static const char *const ways[] = {"", "\"backwards\":true,"};
	struct warehouse *w = *state;
	uint64_t head;

	rows_post(w);
	head = pos_number(head_pos(w));
	for (size_t way = 0; way < ARRAY_LEN(ways); way++) {
		uint64_t expected = way == 0 ? 1 : head;
		char after[40] = "";
		uint64_t rows = 0;
		unsigned pages = 0;

		do {
			const struct json_value *row;
			char arguments[160];
			size_t count;

			snprintf(arguments, sizeof(arguments),
				 "{%s\"limit\":1000%s%s%s}", ways[way],
				 after[0] == '\0' ? "" : ",\"after\":\"", after,
				 after[0] == '\0' ? "" : "\"");
			look_ok(w, "journal.list", arguments);
			for (row = reply_list(w, "entries", &count);
			     row != NULL; row = json_next(row)) {
				char name[40];

				snprintf(name, sizeof(name), "1.%llu",
					 (unsigned long long)expected);
				assert_span(member_text(row, "entry"), name);
				expected += way == 0 ? 1 : UINT64_MAX;
				rows++;
			}
			after[0] = '\0';
			if (json_member(reply_root(w), "next") != NULL)
				text_print(member_text(reply_root(w), "next"),
					   after, sizeof(after));
			pages++;
		} while (after[0] != '\0');
		assert_int_equal(rows, head);
		assert_true(pages >= head / 1000);
	}
	look_ok(w, "journal.list", "{\"item\":\"SKU-0017\"}");
	assert_reply(w, "\"code\":\"CODE-0017\"");
	assert_no_reply(w, "SKU-0018");
}

/* ---- what they show ---- */

static void stock_is_shown_per_item_place_and_bin(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":5,"
	     "\"code\":\"(01)09521234567899(17)280101(10)L1\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":9,"
	     "\"code\":\"MUG\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"pick\",\"bin\":\"A-01\",\"qty\":2,"
	     "\"code\":\"MUG\",\"ref\":\"O-1\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-02\","
	     "\"code\":\"(01)09521234567899(21)S1\"}");
	look_ok(w, "stock.list", "");
	assert_reply(w, "\"item\":\"MUG\",\"name_en\":\"White mug\","
			"\"unit\":\"each\",\"on_hand\":9,\"available\":7,"
			"\"reserved\":0,\"allocated\":2");
	assert_reply(w, "\"as_of\":\"2026-11-");
	assert_reply(w, "\"head\":\"1.");
	/* By its barcode, too. */
	look_ok(w, "stock.list", "{\"item\":\"4006381333931\"}");
	assert_reply(w, "\"item\":\"MUG\"");
	assert_reply(w, "\"kind\":\"bin\",\"place\":\"A-01\",\"units\":7,"
			"\"cells\":[{\"condition\":\"good\",\"units\":7}]");
	assert_reply(w, "\"kind\":\"supplier\",\"place\":\"unknown\","
			"\"units\":-9");
	assert_reply(w, "\"promises\":[{\"order\":\"O-1\",\"picked\":2,"
			"\"packed\":0");
	look_ok(w, "stock.list", "{\"item\":\"MILK\"}");
	assert_reply(w, "\"lot\":\"L1\",\"expiry\":\"2028-01-01\","
			"\"units\":5");
	assert_reply(w, "\"serials\":1");
	look_ok(w, "stock.list", "{\"bin\":\"A-01\"}");
	assert_reply(w, "\"bin\":\"A-01\"");
	assert_reply(w, "\"item\":\"MUG\",\"name_en\":\"White mug\","
			"\"units\":7");
	look_ok(w, "stock.list", "{\"bin\":\"PICKED\"}");
	assert_reply(w, "\"units\":2");
	look_refused(w, "stock.list", "{\"item\":\"NONE\"}", "unknown_item");
	look_refused(w, "stock.list", "{\"bin\":\"NONE\"}", "unknown_bin");
	look_refused(w, "stock.list", "{\"bin\":\"a:b\"}", "unknown_bin");
	look_refused(w, "stock.list", "{\"bin\":\"A-01\",\"item\":\"MUG\"}",
		     "conflicting_fields");
	look_refused(w, "stock.list", "{\"item\":\"MUG\",\"after\":\"x\"}",
		     "bad_page");
	look_refused(w, "stock.list", "{\"bin\":\"A-01\",\"after\":\"x\"}",
		     "bad_page");
	look_refused(w, "stock.list", "{\"limit\":1001}", "out_of_range");
	look_refused(w, "stock.list", "{\"limit\":0}", "out_of_range");
}

/* Three serials in two bins; one bin is counted empty, then the other one
 * has one where two lay. */
static void a_serial_that_a_count_wrote_off_is_not_in_stock(void **state)
{
	static const struct {
		const char *bin;
		const char *serial;
	} lie[] = {{"A-01", "S1"}, {"A-02", "S2"}, {"A-02", "S3"}};
	struct warehouse *w = *state;
	char payload[160];

	for (size_t i = 0; i < ARRAY_LEN(lie); i++) {
		snprintf(payload, sizeof(payload),
			 "{\"v\":1,\"op\":\"receive\",\"bin\":\"%s\","
			 "\"code\":\"(01)09521234567899(21)%s\"}",
			 lie[i].bin, lie[i].serial);
		send(w, "scan/dock-1", payload);
	}
	look_ok(w, "stock.list", "{\"item\":\"MILK\"}");
	assert_reply(w, "\"serials\":3");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"count\",\"bin\":\"A-01\",\"code\":\"MILK\","
	     "\"qty\":0}");
	look_ok(w, "stock.list", "{\"item\":\"MILK\"}");
	assert_reply(w, "\"serials\":2");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"count\",\"bin\":\"A-02\",\"code\":\"MILK\","
	     "\"qty\":1}");
	look_ok(w, "stock.list", "{\"item\":\"MILK\"}");
	assert_reply(w, "\"serials\":1");
}

/* Method: an item's promises come behind its places, in pages of one. */
static void an_items_pages_go_on_from_places_to_promises(void **state)
{
	struct warehouse *w = *state;
	char after[160] = "";
	unsigned places = 0;
	unsigned promises = 0;

	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"bin\":\"A-01\",\"qty\":9,"
	     "\"code\":\"MUG\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"pick\",\"bin\":\"A-01\",\"code\":\"MUG\","
	     "\"ref\":\"O-1\"}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"pick\",\"bin\":\"A-01\",\"code\":\"MUG\","
	     "\"ref\":\"O-2\"}");
	do {
		char arguments[240];
		size_t count;

		snprintf(arguments, sizeof(arguments),
			 "{\"item\":\"MUG\",\"limit\":1%s%s%s}",
			 after[0] == '\0' ? "" : ",\"after\":\"", after,
			 after[0] == '\0' ? "" : "\"");
		look_ok(w, "stock.list", arguments);
		(void)reply_list(w, "places", &count);
		places += (unsigned)count;
		if (json_member(reply_root(w), "promises") != NULL) {
			(void)reply_list(w, "promises", &count);
			promises += (unsigned)count;
		}
		after[0] = '\0';
		if (json_member(reply_root(w), "next") != NULL)
			text_print(member_text(reply_root(w), "next"), after,
				   sizeof(after));
	} while (after[0] != '\0');
	assert_int_equal(places, 3); /* A-01, PICKED, the supplier */
	assert_int_equal(promises, 2);
}

static void what_has_left_is_shown_only_when_asked_for(void **state)
{
	struct warehouse *w = *state;

	ask_ok(w, "item.set", "{\"item\":\"MUG\",\"inactive\":true}");
	look_ok(w, "stock.list", "");
	assert_no_reply(w, "MUG");
	look_ok(w, "stock.list", "{\"all\":true}");
	assert_reply(w, "\"item\":\"MUG\"");
	look_ok(w, "item.list", "");
	assert_reply(w, "\"item\":\"MUG\"");
	assert_reply(w, "\"inactive\":true");
}

static void master_data_is_listed_in_the_words_that_commands_take(void **state)
{
	struct warehouse *w = *state;

	ask_ok(w, "item.set",
	       "{\"item\":\"RICE\",\"name_zh\":\"大米\",\"unit\":\"克\","
	       "\"tracking\":\"lot\",\"class\":\"b\","
	       "\"shelf_life_days\":365}");
	ask_ok(w, "bin.set", "{\"bin\":\"C-01\",\"zone\":\"cold\"}");
	ask_ok(w, "device.set",
	       "{\"device\":\"dock-1\",\"place\":\"A-01\",\"interval_s\":60}");
	ask_ok(w, "account.set",
	       "{\"account\":\"li-wei\",\"roles\":[\"operator\",\"sales\"],"
	       "\"uid\":1000}");
	look_ok(w, "item.list", "");
	assert_reply(w, "{\"item\":\"RICE\",\"name_zh\":\"大米\","
			"\"unit\":\"gram\",\"tracking\":\"lot\","
			"\"shelf_life_days\":365,\"class\":\"B\"}");
	look_ok(w, "code.list", "{\"item\":\"MUG\"}");
	assert_reply(w, "{\"code\":\"14006381333938\",\"item\":\"MUG\","
			"\"pack\":12}");
	assert_no_reply(w, "MILK");
	/* A code that stands for nothing any more is not shown. */
	ask_ok(w, "code.set", "{\"code\":\"14006381333938\"}");
	look_ok(w, "code.list", "{\"item\":\"MUG\"}");
	assert_no_reply(w, "14006381333938");
	look_refused(w, "code.list", "{\"item\":\"NONE\"}", "unknown_item");
	look_ok(w, "bin.list", "");
	assert_reply(w, "{\"bin\":\"C-01\",\"zone\":\"cold\"}");
	assert_reply(w, "{\"bin\":\"DOCK\",\"system\":true}");
	send(w, "scan/dock-1",
	     "{\"v\":1,\"seq\":7,\"op\":\"receive\",\"code\":\"MUG\"}");
	look_ok(w, "device.list", "");
	assert_reply(w, "{\"device\":\"dock-1\",\"kind\":\"scanner\","
			"\"place\":\"A-01\",\"interval_s\":60,"
			"\"upto\":\"7\",\"high\":\"7\"}");
	look_ok(w, "account.list", "");
	assert_reply(w, "{\"account\":\"li-wei\",\"roles\":[\"operator\","
			"\"sales\"],\"uid\":1000}");
}

static void status_counts_what_there_is(void **state)
{
	struct warehouse *w = *state;

	send(w, "scan/gun-2", "DEPOT.OP.COUNT");
	send(w, "scan/gun-2", "DEPOT.BIN.A-01");
	send(w, "scan/gun-9", "{\"v\":1}");
	ask_ok(w, "task.add", "{\"bin\":\"A-01\"}");
	look_ok(w, "status.show", "");
	assert_reply(w, "\"org\":\"acme\",\"site\":\"hz-01\"");
	assert_reply(w, "\"items\":2,\"codes\":3,\"bins\":2,\"devices\":3,"
			"\"accounts\":1,\"tasks\":1,\"sessions\":1,"
			"\"alerts\":0,\"parked\":1");
	look_ok(w, "session.list", "");
	assert_reply(w, "\"device\":\"gun-2\",\"op\":\"count\","
			"\"bin\":\"A-01\"");
}

static void an_untrusted_clock_leaves_as_of_open(void **state)
{
	struct warehouse *w = *state;

	w->now_ms = 0;
	look_ok(w, "status.show", "");
	assert_reply(w, "\"as_of\":null");
}

/* Two parked readings and their entries: one by a clock that is not trusted. */
static void the_time_of_an_untrusted_clock_is_shown_and_marked(void **state)
{
	struct warehouse *w = *state;

	w->is_clock_untrusted = true;
	send(w, "scan/dock-1",
	     "{\"v\":1,\"op\":\"receive\",\"code\":\"NEW-1\"}");
	send(w, "scan/dock-1", "{\"v\":1,\"op\":\"receive\",\"code\":\"MUG\"}");
	look_ok(w, "parked.list", "");
	assert_reply(w, "\"arrived\":null,\"clock\":\"untrusted\","
			"\"clock_time\":\"2026-");
	look_ok(w, "journal.list", "{\"backwards\":true,\"limit\":1}");
	assert_reply(w, "\"stamp\":\"2026-");
	assert_reply(w, "\"clock\":\"untrusted\"");
	w->is_clock_untrusted = false;
	send(w, "scan/dock-1", "{\"v\":1,\"op\":\"receive\",\"code\":\"MUG\"}");
	look_ok(w, "journal.list", "{\"backwards\":true,\"limit\":1}");
	assert_reply(w, "\"stamp\":\"2026-");
	assert_no_reply(w, "\"clock\":");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(pages_neither_lose_nor_repeat_a_row),
		STORY(the_journal_is_paged_both_ways),
		STORY(stock_is_shown_per_item_place_and_bin),
		STORY(a_serial_that_a_count_wrote_off_is_not_in_stock),
		STORY(an_items_pages_go_on_from_places_to_promises),
		STORY(what_has_left_is_shown_only_when_asked_for),
		STORY(master_data_is_listed_in_the_words_that_commands_take),
		STORY(status_counts_what_there_is),
		STORY(an_untrusted_clock_leaves_as_of_open),
		STORY(the_time_of_an_untrusted_clock_is_shown_and_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
