/*
 * A device's payload becomes a plain struct that says what it said, or a
 * refusal that names the field and the value. With "bench" as argument: times
 * reading_parse instead.
 */
#include "tests/support/check.h"

#include <stdalign.h>
#include <time.h>

#include "gateway/ingest/reading.h"
#include "tests/unit/ingest/reading_refusals.h"

static alignas(16) unsigned char memory[READING_JSON_SIZE];
static struct reading reading; /* 5 KB: not for the stack */

/* Parses a copy of @payload that ends where its allocation ends, and is gone
 * when the reading is looked at. */
static enum err_code parse(enum reading_kind kind, struct span payload,
			   struct fault *fault)
{
	char *copy = malloc(payload.size == 0 ? 1 : payload.size);
	struct json json;
	enum err_code code;

	assert_non_null(copy);
	if (payload.size > 0)
		memcpy(copy, payload.data, payload.size);
	json_init(&json, memory, sizeof(memory));
	memset(&reading, 0xa5, sizeof(reading));
	memset(fault, 0, sizeof(*fault));
	code = reading_parse(kind, (struct span){copy, payload.size}, &json,
			     &reading, fault);
	memset(memory, 0x5a, sizeof(memory));
	free(copy);
	return code;
}

static void taken(enum reading_kind kind, const char *payload)
{
	struct fault fault;
	char text[FAULT_TEXT_SIZE];

	if (parse(kind, span_of(payload), &fault) == ERR_OK)
		return;
	fault_text_en(&fault, text, sizeof(text));
	fail_msg("%s: %s", text, payload);
}

static const char whole_scan[] =
	"{\"v\":1,\"seq\":18446744073709551615,\"boot\":\"a1b2\","
	"\"at\":\"2026-11-22T18:00:00.123+08:00\",\"op\":\"receive\","
	"\"codes\":[\"]C10109521234567899\\u001d10LOT42\",\"4006381333931\"],"
	"\"symbology\":\"]C1\",\"qty\":12,\"bin\":\"A-03-07\",\"to\":\"B-01\","
	"\"ref\":\"PO-17\",\"lot\":\"L\xe6\x89\xb9\",\"condition\":"
	"\"quarantine\",\"position\":\"9007199254740993\","
	"\"expiry\":\"2028-02-29\",\"serial\":\"S1\",\"reason\":\"broken\","
	"\"unknown\":{\"more\":[null]}}";

static void a_whole_scan_is_taken_field_by_field(void **state)
{
	const struct scan_reading *scan = &reading.body.scan;

	(void)state;
	taken(READING_SCAN, whole_scan);
	assert_int_equal(reading.kind, READING_SCAN);
	assert_true(reading.has_seq);
	assert_true(reading.seq == UINT64_MAX);
	assert_span(boot_span(&reading.boot), "a1b2");
	assert_true(reading.has_at);
	assert_int_equal(reading.at.ms, 1795341600123);
	assert_false(scan->is_bare);
	assert_int_equal(scan->op, OP_RECEIVE);
	assert_int_equal(scan->code_count, 2);
	assert_span(reading_code(scan, 0), "]C10109521234567899\x1d"
					   "10LOT42");
	assert_span(reading_code(scan, 1), "4006381333931");
	assert_span(symbology_span(&scan->symbology), "]C1");
	assert_true(scan->has_qty);
	assert_int_equal(scan->qty, 12);
	assert_span(place_name_span(&scan->bin), "A-03-07");
	assert_span(place_name_span(&scan->to), "B-01");
	assert_span(ref_span(&scan->ref), "PO-17");
	assert_span(lot_span(&scan->lot), "L\xe6\x89\xb9");
	assert_int_equal(scan->condition, CONDITION_QUARANTINE);
	assert_true(scan->has_position);
	assert_true(scan->position.value == UINT64_C(9007199254740993));
	assert_int_equal(date_to_number(scan->expiry), 20280229);
	assert_span(serial_span(&scan->serial), "S1");
	assert_span(reason_span(&scan->reason), "broken");
}

static void what_a_scan_leaves_out_is_not_there(void **state)
{
	const struct scan_reading *scan = &reading.body.scan;

	(void)state;
	taken(READING_SCAN, " {\"code\":\"x\",\"v\":1.0} ");
	assert_false(reading.has_seq);
	assert_int_equal(reading.boot.size, 0);
	assert_false(reading.has_at);
	assert_false(scan->is_bare);
	assert_int_equal(scan->op, OP_NONE);
	assert_int_equal(scan->code_count, 1);
	assert_span(reading_code(scan, 0), "x");
	assert_false(scan->has_qty);
	assert_false(scan->has_position);
	assert_int_equal(scan->symbology.size + scan->bin.size + scan->to.size +
				 scan->ref.size + scan->lot.size +
				 scan->serial.size + scan->reason.size,
			 0);
	assert_int_equal(scan->condition, CONDITION_NONE);
	assert_false(date_is_valid(scan->expiry));
}

static void every_operation_has_its_word(void **state)
{
	static const char *const words[] = {
		"receive", "putaway", "move",         "pick",        "pack",
		"ship",    "return",  "count",        "scrap",       "hold",
		"release", "undo",    "transfer_out", "transfer_in", "done"};
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char payload[64];

		(void)text_format(payload, sizeof(payload),
				  "{\"v\":1,\"op\":\"%s\",\"code\":\"x\"}",
				  words[i]);
		taken(READING_SCAN, payload);
		assert_string_equal(reading_op_name(reading.body.scan.op),
				    words[i]);
		count++;
	}
	assert_int_equal(count, OP_MAX);
	assert_string_equal(reading_op_name(OP_NONE), "none");
	taken(READING_SCAN, "{\"v\":1,\"op\":\"undo\"}");
	assert_int_equal(reading.body.scan.code_count, 0);
	taken(READING_SCAN, "{\"v\":1,\"op\":\"done\"}");
}

static void only_a_count_may_say_zero(void **state)
{
	(void)state;
	/* Also when the quantity comes first. */
	taken(READING_SCAN,
	      "{\"v\":1,\"qty\":0,\"op\":\"count\",\"code\":\"x\"}");
	assert_true(reading.body.scan.has_qty);
	assert_int_equal(reading.body.scan.qty, 0);
	taken(READING_SCAN,
	      "{\"v\":1,\"qty\":1000000000000000,\"code\":\"x\"}");
	assert_true(reading.body.scan.qty == INT64_C(1000000000000000));
}

static void a_boot_id_may_be_a_number(void **state)
{
	(void)state;
	taken(READING_SCAN,
	      "{\"v\":1,\"seq\":\"7\",\"boot\":1795341600,\"code\":\"x\"}");
	assert_span(boot_span(&reading.boot), "1795341600");
	assert_true(reading.has_seq);
	assert_true(reading.seq == 7);
}

/* ---- bare codes ---- */

static void a_bare_code_is_kept_as_it_was_scanned(void **state)
{
	static const struct {
		const char *payload;
		const char *code;
	} rows[] = {
		{"4006381333931\r\n", "4006381333931"},
		{"]C100395212340000000014", "]C100395212340000000014"},
		{"]d20109521234567899\x1d"
		 "10A\x1d"
		 "21B\n",
		 "]d20109521234567899\x1d"
		 "10A\x1d"
		 "21B"},
		{"  x y \n\r\n", "  x y "},
		{"[)>\x1e"
		 "06\x1d"
		 "1P\x04",
		 "[)>\x1e"
		 "06\x1d"
		 "1P\x04"},
		{"\"quoted\"", "\"quoted\""},
		{"[1]", "[1]"},
		{"\xe5\xba\x93\xe4\xbd\x8d", "\xe5\xba\x93\xe4\xbd\x8d"},
		{"\xef\xbb\xbf"
		 "4006381333931",
		 "4006381333931"},
		{"A\nB", "A\nB"},
		{"-}", "-}"},
	};
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct scan_reading *scan = &reading.body.scan;

		taken(READING_SCAN, rows[i].payload);
		assert_true(scan->is_bare);
		assert_int_equal(scan->op, OP_NONE);
		assert_int_equal(scan->code_count, 1);
		assert_span(reading_code(scan, 0), rows[i].code);
		assert_false(reading.has_seq);
		assert_false(scan->has_qty);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(rows));
	/* A byte order mark in front of JSON is no bare code either. */
	taken(READING_SCAN, "\xef\xbb\xbf\r\n{\"v\":1,\"code\":\"x\\r\\n\"}");
	assert_false(reading.body.scan.is_bare);
	assert_span(reading_code(&reading.body.scan, 0), "x");
}

static void a_code_may_be_400_bytes_and_no_more(void **state)
{
	char payload[READING_CODE_SIZE_MAX + 3];
	struct fault fault;

	(void)state;
	memset(payload, 'x', sizeof(payload));
	payload[READING_CODE_SIZE_MAX] = '\r';
	payload[READING_CODE_SIZE_MAX + 1] = '\n';
	assert_code(parse(READING_SCAN,
			  (struct span){payload, READING_CODE_SIZE_MAX + 2},
			  &fault),
		    ERR_OK);
	assert_int_equal(reading.body.scan.codes[0].size,
			 READING_CODE_SIZE_MAX);
	payload[READING_CODE_SIZE_MAX] = 'x';
	assert_code(parse(READING_SCAN,
			  (struct span){payload, READING_CODE_SIZE_MAX + 2},
			  &fault),
		    ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_TEXT_TOO_LONG);
	assert_string_equal(fault.value, "401");
	assert_int_equal(fault.high, 400);
}

/* ---- shelf and rfid ---- */

static void a_shelf_reading_has_one_measure(void **state)
{
	const struct shelf_reading *shelf = &reading.body.shelf;

	(void)state;
	taken(READING_SHELF, "{\"v\":1,\"seq\":3,\"bin\":\"A-1\","
			     "\"weight_g\":-12,\"stable\":true}");
	assert_int_equal(reading.kind, READING_SHELF);
	assert_true(reading.has_seq);
	assert_span(place_name_span(&shelf->bin), "A-1");
	assert_int_equal(shelf->measure, SHELF_WEIGHT_G);
	assert_int_equal(shelf->value, -12);
	assert_true(shelf->is_stable);
	taken(READING_SHELF, "{\"v\":1,\"at\":\"2026-11-22T10:00:00Z\","
			     "\"bin\":\"A-1\",\"distance_mm\":812.0,"
			     "\"stable\":false}");
	assert_true(reading.has_at);
	assert_int_equal(shelf->measure, SHELF_DISTANCE_MM);
	assert_int_equal(shelf->value, 812);
	assert_false(shelf->is_stable);
	taken(READING_SHELF, "{\"stable\":true,\"quantity\":0,\"bin\":\"A\","
			     "\"v\":1}");
	assert_int_equal(shelf->measure, SHELF_QUANTITY);
	assert_int_equal(shelf->value, 0);
}

static void an_rfid_reading_has_its_tags(void **state)
{
	const struct rfid_reading *rfid = &reading.body.rfid;

	(void)state;
	taken(READING_RFID,
	      "{\"v\":1,\"reads\":[{\"epc\":\"3074257bf7194e4000001A85\","
	      "\"antenna\":2,\"rssi\":-54.5,\"count\":14},{\"epc\":\"00\"}]}");
	assert_int_equal(rfid->tag_count, 2);
	assert_int_equal(rfid->tags[0].epc_size, 12);
	assert_memory_equal(rfid->tags[0].epc,
			    "\x30\x74\x25\x7b\xf7\x19\x4e\x40\x00\x00\x1a\x85",
			    12);
	assert_true(rfid->tags[0].has_antenna);
	assert_int_equal(rfid->tags[0].antenna, 2);
	assert_true(rfid->tags[0].has_rssi);
	assert_int_equal(rfid->tags[0].rssi_cdbm, -5450);
	assert_int_equal(rfid->tags[0].count, 14);
	assert_int_equal(rfid->tags[1].epc_size, 1);
	assert_false(rfid->tags[1].has_antenna);
	assert_false(rfid->tags[1].has_rssi);
	assert_int_equal(rfid->tags[1].count, 1);
}

/* ---- refusals ---- */

static void a_wrong_payload_is_refused_with_code_and_sentence(void **state)
{
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		const struct refusal *row = &refusals[i];
		struct fault fault;
		char text[FAULT_TEXT_SIZE];

		if (parse(row->kind, span_of(row->payload), &fault) !=
		    ERR_INVALID)
			fail_msg("taken: %s", row->payload);
		fault_text_en(&fault, text, sizeof(text));
		assert_string_equal(text, row->sentence);
		assert_string_equal(fault_code(fault.kind), row->code);
		fault_text_zh(&fault, text, sizeof(text));
		assert_true(fault.field[0] == '\0' ||
			    strstr(text, fault.field) != NULL);
		count++;
	}
	assert_int_equal(count, ARRAY_LEN(refusals));
	assert_true(count > 70);
}

static void a_nul_in_a_bare_code_is_refused(void **state)
{
	struct fault fault;

	(void)state;
	assert_code(parse(READING_SCAN, SPAN_LITERAL("400\0"), &fault),
		    ERR_INVALID);
	assert_string_equal(fault_code(fault.kind), "bad_text");
	assert_string_equal(fault.value, "400?");
}

/* The answer to a refusal has to name the reading. */
static void a_refused_reading_keeps_its_name(void **state)
{
	struct fault fault;

	(void)state;
	assert_code(parse(READING_SCAN,
			  span_of("{\"op\":\"steal\",\"qty\":-1,\"v\":9,"
				  "\"seq\":41,\"boot\":\"b\"}"),
			  &fault),
		    ERR_INVALID);
	assert_true(reading.has_seq);
	assert_true(reading.seq == 41);
	assert_span(boot_span(&reading.boot), "b");
	/* but not half of it */
	assert_code(parse(READING_SCAN,
			  span_of("{\"v\":1,\"seq\":41,\"boot\":null,"
				  "\"code\":\"x\"}"),
			  &fault),
		    ERR_INVALID);
	assert_false(reading.has_seq);
	assert_int_equal(reading.seq, 0);
	assert_code(parse(READING_SCAN, span_of("{\"seq\":41"), &fault),
		    ERR_INVALID);
	assert_false(reading.has_seq);
}

/* ---- bounds ---- */

/* "{"v":1,"NAME":[UNIT,UNIT...]}" with @count units. */
static struct span repeated(char *text, size_t size, const char *name,
			    const char *unit, size_t count)
{
	size_t at;

	(void)text_format(text, size, "{\"v\":1,\"%s\":[", name);
	at = strlen(text);
	for (size_t i = 0; i < count; i++) {
		(void)text_format(text + at, size - at, "%s%s",
				  i > 0 ? "," : "", unit);
		at += strlen(text + at);
	}
	(void)text_format(text + at, size - at, "]}");
	return span_of(text);
}

static void lists_are_bounded(void **state)
{
	static char text[2 * PAYLOAD_IN_SIZE_MAX];
	struct fault fault;

	(void)state;
	assert_code(parse(READING_SCAN,
			  repeated(text, sizeof(text), "codes", "\"abc\"",
				   READING_CODES_MAX),
			  &fault),
		    ERR_OK);
	assert_int_equal(reading.body.scan.code_count, READING_CODES_MAX);
	assert_span(reading_code(&reading.body.scan, READING_CODES_MAX - 1),
		    "abc");
	assert_code(parse(READING_SCAN,
			  repeated(text, sizeof(text), "codes", "\"abc\"",
				   READING_CODES_MAX + 1),
			  &fault),
		    ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_TOO_MANY);
	assert_string_equal(fault.field, "codes");
	assert_code(parse(READING_RFID,
			  repeated(text, sizeof(text), "reads",
				   "{\"epc\":\"00\"}", READING_TAGS_MAX),
			  &fault),
		    ERR_OK);
	assert_int_equal(reading.body.rfid.tag_count, READING_TAGS_MAX);
	assert_code(parse(READING_RFID,
			  repeated(text, sizeof(text), "reads",
				   "{\"epc\":\"00\"}", READING_TAGS_MAX + 1),
			  &fault),
		    ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_TOO_MANY);
	assert_string_equal(fault.field, "reads");
	assert_int_equal(fault.high, READING_TAGS_MAX);
}

/* Method: codes that fill the longest payload that is taken, and one byte
 * more. */
static void a_payload_has_a_longest_size(void **state)
{
	static char text[PAYLOAD_IN_SIZE_MAX + 8];
	struct fault fault;
	struct span payload;
	char unit[400];

	(void)state;
	memset(unit, 'x', sizeof(unit));
	unit[0] = '"';
	unit[sizeof(unit) - 2] = '"';
	unit[sizeof(unit) - 1] = '\0';
	payload = repeated(text, sizeof(text), "codes", unit, 9);
	assert_true(payload.size < PAYLOAD_IN_SIZE_MAX);
	memset(text + payload.size, ' ', sizeof(text) - payload.size);
	payload.size = PAYLOAD_IN_SIZE_MAX;
	assert_code(parse(READING_SCAN, payload, &fault), ERR_OK);
	assert_int_equal(reading.body.scan.code_count, 9);
	payload.size++;
	assert_code(parse(READING_SCAN, payload, &fault), ERR_INVALID);
	assert_int_equal(fault.kind, FAULT_MESSAGE_TOO_LONG);
	assert_string_equal(fault.value, "3841");
}

/* ---- properties ---- */

/* What must hold of every reading that is taken. */
static void assert_sound(void)
{
	const struct scan_reading *scan = &reading.body.scan;

	assert_true(!reading.has_seq || reading.seq >= 1);
	if (reading.kind != READING_SCAN)
		return;
	assert_true(scan->code_count <= READING_CODES_MAX);
	for (size_t i = 0; i < scan->code_count; i++) {
		struct span code = reading_code(scan, i);

		assert_in_range(code.size, 1, READING_CODE_SIZE_MAX);
		assert_true(utf8_is_valid(code));
		assert_null(memchr(code.data, '\0', code.size));
	}
	assert_true(!scan->has_qty ||
		    (scan->qty >= 0 && scan->qty <= INT64_C(1000000000000000)));
	assert_true(scan->bin.size == 0 ||
		    place_name_is_valid(place_name_span(&scan->bin)));
	assert_true(text_is_clean(lot_span(&scan->lot)));
}

/*
 * Method: 300,000 mutations (bytes changed, cut off, runs copied) of payloads
 * of all three kinds, read as all three kinds.
 */
static void no_mutation_is_taken_for_what_it_is_not(void **state)
{
	static const char *const from[] = {
		whole_scan, SHELF(",\"weight_g\":-12,\"seq\":1,\"boot\":7"),
		RFID("{\"epc\":\"3074257bf7194e4000001a85\",\"rssi\":-1.5}"),
		"]C10109521234567899\x1d"
		"10LOT\r\n"};
	uint64_t seed = test_seed(2026);
	size_t taken_count = 0;
	size_t refused = 0;

	(void)state;
	for (size_t i = 0; i < 300000; i++) {
		struct span whole = span_of(from[i % ARRAY_LEN(from)]);
		char payload[1024];
		struct fault fault;
		size_t size = whole.size;

		memcpy(payload, whole.data, size);
		for (uint64_t n = test_random(&seed) % 4; n > 0; n--) {
			size_t at = test_random(&seed) % size;
			size_t to = test_random(&seed) % size;
			uint64_t way = test_random(&seed) % 8;

			if (way < 6)
				payload[at] = "{}[]\",:\\019.-+e \x1d\x80\xff"
					      "abnu"[test_random(&seed) % 23];
			else if (way == 6)
				memmove(payload + at, payload + to,
					size - (at > to ? at : to));
			else
				size = at + 1;
		}
		if (parse((enum reading_kind)(test_random(&seed) % 3),
			  (struct span){payload, size}, &fault) == ERR_OK) {
			assert_sound();
			taken_count++;
		} else {
			assert_true(fault.kind > FAULT_NONE &&
				    fault.kind < FAULT_FILE_EMPTY);
			assert_true(fault.kind != FAULT_TOO_MUCH);
			refused++;
		}
	}
	printf("taken %zu, refused %zu\n", taken_count, refused);
	assert_true(taken_count > 10000);
	assert_true(refused > 10000);
}

/* ---- bench ---- */

static int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int bench(void)
{
	static const char payload[] =
		"{\"v\":1,\"seq\":184467,\"boot\":\"a1b2c3d4\","
		"\"at\":\"2026-11-22T10:00:00Z\",\"op\":\"receive\","
		"\"codes\":[\"]C1010952123456789910LOT42\"],\"qty\":12,"
		"\"bin\":\"A-03-07\"}";
	const int64_t rounds = 1000000;
	struct json json;
	struct fault fault;
	int64_t start;
	int64_t json_ns;
	int64_t reading_ns;

	json_init(&json, memory, sizeof(memory));
	start = now_ns();
	for (int64_t i = 0; i < rounds; i++)
		if (json_parse(&json, span_of(payload), &fault) != ERR_OK)
			return 1;
	json_ns = now_ns() - start;
	start = now_ns();
	for (int64_t i = 0; i < rounds; i++)
		if (reading_parse(READING_SCAN, span_of(payload), &json,
				  &reading, &fault) != ERR_OK)
			return 1;
	reading_ns = now_ns() - start;
	printf("payload %zu bytes: json_parse %lld ns, reading_parse %lld ns\n",
	       sizeof(payload) - 1, (long long)(json_ns / rounds),
	       (long long)(reading_ns / rounds));
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_scan_is_taken_field_by_field),
		cmocka_unit_test(what_a_scan_leaves_out_is_not_there),
		cmocka_unit_test(every_operation_has_its_word),
		cmocka_unit_test(only_a_count_may_say_zero),
		cmocka_unit_test(a_boot_id_may_be_a_number),
		cmocka_unit_test(a_bare_code_is_kept_as_it_was_scanned),
		cmocka_unit_test(a_code_may_be_400_bytes_and_no_more),
		cmocka_unit_test(a_shelf_reading_has_one_measure),
		cmocka_unit_test(an_rfid_reading_has_its_tags),
		cmocka_unit_test(
			a_wrong_payload_is_refused_with_code_and_sentence),
		cmocka_unit_test(a_nul_in_a_bare_code_is_refused),
		cmocka_unit_test(a_refused_reading_keeps_its_name),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(a_payload_has_a_longest_size),
		cmocka_unit_test(no_mutation_is_taken_for_what_it_is_not),
	};

	if (argc > 1 && strcmp(argv[1], "bench") == 0)
		return bench();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
