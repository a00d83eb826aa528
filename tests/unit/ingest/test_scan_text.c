/*
 * What one scanned text says: how it is told what it is, and what it names.
 */
#include "tests/support/check.h"

#include "gateway/ingest/scan_text.h"

static const struct scan_options bare = {.year = 2026};

static struct scan_text scan;

static void assert_fault(const char *text, const struct scan_options *options,
			 enum scan_fault fault)
{
	if (scan_text_read(span_of(text), options, &scan))
		fail_msg("'%s' was taken as %s", text,
			 scan_kind_name(scan.kind));
	if (scan.message.problem.fault != fault)
		fail_msg("'%s' is %s, not %s", text,
			 scan_fault_name(scan.message.problem.fault),
			 scan_fault_name(fault));
}

static void take(const char *text, const struct scan_options *options)
{
	char sentence[SCAN_TEXT_SIZE];

	if (scan_text_read(span_of(text), options, &scan))
		return;
	scan_problem_text_en(&scan.message.problem, sentence, sizeof(sentence));
	fail_msg("'%s': %s", text, sentence);
}

/* ---- what it is ---- */

static const struct {
	const char *text;
	enum scan_kind kind;
	const char *code;       /* what is looked up */
	enum scan_fault warned; /* the first warning */
} kinds[] = {
	/* numbers */
	{"5901234123457", SCAN_KIND_GTIN, "05901234123457", SCAN_OK},
	{"95212340", SCAN_KIND_GTIN, "00000095212340", SCAN_OK},
	{"614141000418", SCAN_KIND_GTIN, "00614141000418", SCAN_OK},
	{"10614141000415", SCAN_KIND_GTIN, "10614141000415", SCAN_OK},
	{"106141412345678908", SCAN_KIND_SSCC, "", SCAN_OK},
	/* nearly numbers */
	{"5901234123458", SCAN_KIND_PLAIN, "5901234123458",
	 SCAN_ODD_CHECK_DIGIT},
	{"106141412345678909", SCAN_KIND_PLAIN, "106141412345678909",
	 SCAN_ODD_CHECK_DIGIT},
	{"12345678901", SCAN_KIND_PLAIN, "12345678901", SCAN_OK},
	/* elements */
	{"\x1d"
	 "0109521234567899",
	 SCAN_KIND_ELEMENTS, "09521234567899", SCAN_OK},
	{"^0109521234567899", SCAN_KIND_ELEMENTS, "09521234567899", SCAN_OK},
	{"(01)09521234567899(10)L1", SCAN_KIND_ELEMENTS, "09521234567899",
	 SCAN_OK},
	{"010952123456789910L1\x1d"
	 "21S1",
	 SCAN_KIND_ELEMENTS, "09521234567899", SCAN_OK},
	{"]C10109521234567899", SCAN_KIND_ELEMENTS, "09521234567899", SCAN_OK},
	{"]C1\x1d"
	 "0109521234567899",
	 SCAN_KIND_ELEMENTS, "09521234567899", SCAN_OK},
	{"]Q30109521234567899", SCAN_KIND_ELEMENTS, "09521234567899", SCAN_OK},
	{"]d1(01)09521234567899", SCAN_KIND_ELEMENTS, "09521234567899",
	 SCAN_OK},
	{"]C100395212340000000014", SCAN_KIND_ELEMENTS, "", SCAN_OK},
	/* links */
	{"https://id.gs1.org/01/09521234567899", SCAN_KIND_LINK,
	 "09521234567899", SCAN_OK},
	{"]Q1https://example.com/a/01/09521234567899/10/L1?17=271231",
	 SCAN_KIND_LINK, "09521234567899", SCAN_OK},
	{"https://id.gs1.org/ARFRJydaKA", SCAN_KIND_LINK, "09520123456788",
	 SCAN_OK},
	{"https://example.com/ARFRJydaKA", SCAN_KIND_PLAIN,
	 "https://example.com/ARFRJydaKA", SCAN_OK},
	{"]Q1https://example.com/shop", SCAN_KIND_PLAIN,
	 "https://example.com/shop", SCAN_OK},
	{"http://", SCAN_KIND_PLAIN, "http://", SCAN_OK},
	/* bars that tell */
	{"]E05901234123457", SCAN_KIND_GTIN, "05901234123457", SCAN_OK},
	{"]E495212340", SCAN_KIND_GTIN, "00000095212340", SCAN_OK},
	{"]I110614141000415", SCAN_KIND_GTIN, "10614141000415", SCAN_OK},
	{"]I1123456", SCAN_KIND_PLAIN, "123456", SCAN_OK},
	{"]C0A-01-2", SCAN_KIND_PLAIN, "A-01-2", SCAN_OK},
	{"]A0A-01-2", SCAN_KIND_PLAIN, "A-01-2", SCAN_OK},
	{"]C05901234123457", SCAN_KIND_GTIN, "05901234123457", SCAN_OK},
	/* plain */
	{"A-01-2", SCAN_KIND_PLAIN, "A-01-2", SCAN_OK},
	{"A-01-2\r\n", SCAN_KIND_PLAIN, "A-01-2", SCAN_OK},
	{"(B) 12", SCAN_KIND_PLAIN, "(B) 12", SCAN_OK},
	{"^A", SCAN_KIND_PLAIN, "^A", SCAN_OK},
	{"]", SCAN_KIND_PLAIN, "]", SCAN_OK},
	{"\xe8\xb4\xa7\xe6\x9e\xb6 3", SCAN_KIND_PLAIN,
	 "\xe8\xb4\xa7\xe6\x9e\xb6 3", SCAN_OK},
	{"depot.op.pick", SCAN_KIND_PLAIN, "depot.op.pick", SCAN_OK},
	{"00395212340000000014", SCAN_KIND_PLAIN, "00395212340000000014",
	 SCAN_LOOKS_LIKE_GS1},
	{"0109521234567899", SCAN_KIND_PLAIN, "0109521234567899",
	 SCAN_LOOKS_LIKE_GS1},
	{"0109521234567890", SCAN_KIND_PLAIN, "0109521234567890", SCAN_OK},
	/* labels */
	{"DEPOT.OP.PICK", SCAN_KIND_OP, "", SCAN_OK},
	{"DEPOT.BIN.A-01-2", SCAN_KIND_BIN, "", SCAN_OK},
	{"DEPOT.ITEM.85123A", SCAN_KIND_ITEM, "", SCAN_OK},
	{"DEPOT.QTY.12", SCAN_KIND_QTY, "", SCAN_OK},
	{"]C0DEPOT.UNDO", SCAN_KIND_UNDO, "", SCAN_OK},
	{"DEPOT.DONE\t", SCAN_KIND_DONE, "", SCAN_OK},
};

/* Method: the table above; the first warning is compared too. */
static void a_text_is_told_by_what_it_looks_like(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		take(kinds[i].text, &bare);
		if (scan.kind != kinds[i].kind)
			fail_msg("'%s' is %s, not %s", kinds[i].text,
				 scan_kind_name(scan.kind),
				 scan_kind_name(kinds[i].kind));
		assert_span(scan_text_code(&scan), kinds[i].code);
		assert_int_equal(scan.message.warning_count,
				 kinds[i].warned != SCAN_OK);
		if (kinds[i].warned != SCAN_OK)
			assert_int_equal(scan.message.warnings[0].fault,
					 kinds[i].warned);
	}
}

static void what_is_wrong_is_refused_by_its_name(void **state)
{
	char long_text[CODE_SIZE_MAX + 2];

	(void)state;
	assert_fault("", &bare, SCAN_EMPTY);
	assert_fault("\r\n", &bare, SCAN_EMPTY);
	assert_fault("]C1", &bare, SCAN_EMPTY);
	assert_fault("]E05901234123458", &bare, SCAN_BAD_CHECK_DIGIT);
	assert_fault("]E4952123", &bare, SCAN_BAD_LENGTH);
	assert_fault("]I110614141000416", &bare, SCAN_BAD_CHECK_DIGIT);
	assert_fault("]E3952123456789905", &bare, SCAN_UNSUPPORTED_SYMBOLOGY);
	assert_fault("]C2ABC", &bare, SCAN_UNSUPPORTED_SYMBOLOGY);
	assert_fault("]C10109521234567890", &bare, SCAN_BAD_CHECK_DIGIT);
	assert_fault("]C117271301", &bare, SCAN_BAD_DATE);
	assert_fault("]C18812", &bare, SCAN_UNKNOWN_AI);
	assert_fault("(01)09521234567890", &bare, SCAN_BAD_CHECK_DIGIT);
	assert_fault("(01)09521234567899(37)5", &bare, SCAN_EXCLUSIVE_PAIR);
	assert_fault("https://a/01/09521234567890", &bare,
		     SCAN_BAD_CHECK_DIGIT);
	assert_fault("https://a/01/09521234567899/99/A", &bare,
		     SCAN_BAD_LINK_PATH);
	assert_fault("https://a/01/09521234567899?10=A", &bare,
		     SCAN_BAD_LINK_ATTRIBUTE);
	assert_fault("A\x01"
		     "B",
		     &bare, SCAN_BAD_CHARACTER);
	assert_fault("A\xff"
		     "B",
		     &bare, SCAN_BAD_CHARACTER);
	assert_fault("]C13000000000", &bare, SCAN_BAD_QUANTITY);
	memset(long_text, 'A', sizeof(long_text));
	long_text[CODE_SIZE_MAX + 1] = '\0';
	assert_fault(long_text, &bare, SCAN_TOO_LONG);
	long_text[CODE_SIZE_MAX] = '\0';
	take(long_text, &bare);
}

static void a_refusal_says_the_title_of_the_ai(void **state)
{
	char sentence[SCAN_TEXT_SIZE];

	(void)state;
	assert_fault("(17)271301", &bare, SCAN_BAD_DATE);
	scan_problem_text_en(&scan.message.problem, sentence, sizeof(sentence));
	assert_string_equal(
		sentence,
		"(17) USE BY or EXPIRY: 271301 is no date that exists");
}

/* ---- what it names ---- */

static void a_full_label_names_item_lot_serial_and_date(void **state)
{
	(void)state;
	take("]C1010952123456789917271200"
	     "10LOT42\x1d"
	     "21S-1",
	     &bare);
	assert_string_equal(scan.gtin, "09521234567899");
	assert_false(scan.is_content);
	assert_span(lot_span(&scan.lot), "LOT42");
	assert_span(serial_span(&scan.serial), "S-1");
	assert_string_equal(scan.expiry_ai, "17");
	assert_int_equal(date_to_number(scan.expiry), 20271231);
	assert_false(scan.has_quantity);
	assert_int_equal(scan.carrier, GS1_CARRIER_GS1_128);
}

static void the_date_that_binds_most_is_the_expiry(void **state)
{
	static const struct {
		const char *text;
		const char *ai;
		uint32_t date;
	} texts[] = {
		{"(15)270101(17)280202", "17", 20280202},
		{"(15)270101(7003)2803031200", "7003", 20280303},
		{"(15)270101(11)260101", "15", 20270101},
		{"(15)760630", "15", 20760630},
		{"(15)770630", "15", 19770630},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		take(texts[i].text, &bare);
		assert_string_equal(scan.expiry_ai, texts[i].ai);
		assert_int_equal(date_to_number(scan.expiry), texts[i].date);
	}
	take("(11)260101", &bare);
	assert_string_equal(scan.expiry_ai, "");
}

static void a_pallet_label_names_unit_content_and_count(void **state)
{
	(void)state;
	take("]C102195212345678963724\x1d"
	     "00395212340000000014",
	     &bare);
	assert_string_equal(scan.gtin, "19521234567896");
	assert_true(scan.is_content);
	assert_string_equal(scan.sscc, "395212340000000014");
	assert_true(scan.has_quantity);
	assert_int_equal(scan.quantity, 24);
	assert_string_equal(scan.quantity_ai, "37");
	take("]C101095212345678993012", &bare);
	assert_int_equal(scan.quantity, 12);
	assert_string_equal(scan.quantity_ai, "30");
}

static void a_weight_is_a_whole_number_and_its_decimals(void **state)
{
	(void)state;
	take("(01)99521234567892(3103)001250", &bare);
	assert_string_equal(scan.measure.ai, "3103");
	assert_int_equal(scan.measure.mantissa, 1250);
	assert_int_equal(scan.measure.decimals, 3);
	/* The net weight counts, not the pallet's gross weight. */
	take("(01)99521234567892(3301)000999(3102)000777", &bare);
	assert_string_equal(scan.measure.ai, "3102");
	assert_int_equal(scan.measure.mantissa, 777);
	assert_int_equal(scan.measure.decimals, 2);
}

static void a_composite_component_says_more_about_the_ean(void **state)
{
	(void)state;
	take("]E05901234123457|]e017271231"
	     "10L1",
	     &bare);
	assert_int_equal(scan.kind, SCAN_KIND_ELEMENTS);
	assert_string_equal(scan.gtin, "05901234123457");
	assert_span(lot_span(&scan.lot), "L1");
	assert_int_equal(date_to_number(scan.expiry), 20271231);
	assert_int_equal(scan.message.warning_count, 0);
	assert_fault("]E05901234123457|]e017271301", &bare, SCAN_BAD_DATE);
}

static void a_swallowed_date_is_a_warning_and_the_lot_stays_whole(void **state)
{
	(void)state;
	take("]C1010952123456789910LOT4217271231", &bare);
	assert_span(lot_span(&scan.lot), "LOT4217271231");
	assert_int_equal(scan.message.warning_count, 1);
	assert_int_equal(scan.message.warnings[0].fault, SCAN_LOST_SEPARATOR);
	assert_string_equal(scan.message.warnings[0].ai, "10");
	assert_string_equal(scan.message.warnings[0].other_ai, "17");
}

/* ---- what the device tells ---- */

static void a_device_without_gs_is_understood(void **state)
{
	struct scan_options options = bare;

	(void)state;
	options.separator = span_of("{GS}");
	take("{GS}010952123456789910L1{GS}21S1", &options);
	assert_span(serial_span(&scan.serial), "S1");
	take("]C1010952123456789910L1{GS}21S1", &options);
	assert_span(serial_span(&scan.serial), "S1");
	/* Without anything in front, the key and its check digit tell. */
	take("010952123456789910L1{GS}21S1", &options);
	assert_span(serial_span(&scan.serial), "S1");
	take("A{GS}B", &options);
	assert_int_equal(scan.kind, SCAN_KIND_PLAIN);
}

static void the_carrier_told_beside_the_text_counts(void **state)
{
	struct scan_options options = bare;

	(void)state;
	options.carrier = gs1_carrier_named(span_of("LABEL-TYPE-EAN128"),
					    &options.has_fnc1);
	take("0109521234567899"
	     "10LOT42",
	     &options);
	assert_int_equal(scan.kind, SCAN_KIND_ELEMENTS);
	assert_int_equal(scan.carrier, GS1_CARRIER_GS1_128);
	assert_span(lot_span(&scan.lot), "LOT42");

	options.carrier =
		gs1_carrier_named(span_of("EAN-13"), &options.has_fnc1);
	take("5901234123457", &options);
	assert_int_equal(scan.carrier, GS1_CARRIER_EAN13);
	assert_fault("5901234123458", &options, SCAN_BAD_CHECK_DIGIT);

	options.carrier =
		gs1_carrier_named(span_of("UPC-E"), &options.has_fnc1);
	take("01234505", &options);
	assert_string_equal(scan.gtin, "00012000003455");

	/* What stands in the text is nearer to the bars. */
	take("]C0A-1", &options);
	assert_int_equal(scan.carrier, GS1_CARRIER_CODE128);
}

static void devices_names_for_carriers_are_known(void **state)
{
	static const struct {
		const char *name;
		enum gs1_carrier carrier;
		bool has_fnc1;
	} names[] = {
		{"GS1-128", GS1_CARRIER_GS1_128, true},
		{"gs1 DataMatrix", GS1_CARRIER_DATA_MATRIX, true},
		{"DATA_MATRIX", GS1_CARRIER_DATA_MATRIX, false},
		{"QR Code", GS1_CARRIER_QR, false},
		{"UPC-A", GS1_CARRIER_EAN13, false},
		{"ean8", GS1_CARRIER_EAN8, false},
		{"ITF-14", GS1_CARRIER_ITF, false},
		{"Code 128", GS1_CARRIER_CODE128, false},
		{"DataBarExpanded", GS1_CARRIER_DATABAR, true},
		{"Code 39", GS1_CARRIER_UNKNOWN, false},
		{"", GS1_CARRIER_UNKNOWN, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool has_fnc1;

		assert_string_equal(gs1_carrier_name(gs1_carrier_named(
					    span_of(names[i].name), &has_fnc1)),
				    gs1_carrier_name(names[i].carrier));
		assert_int_equal(has_fnc1, names[i].has_fnc1);
	}
}

/* ---- labels ---- */

/* Method: all operations of the topics' contract, as labels write them. */
static void every_operation_has_a_label(void **state)
{
	static const char *const ops[][2] = {
		{"RECEIVE", "receive"},
		{"PUTAWAY", "putaway"},
		{"MOVE", "move"},
		{"PICK", "pick"},
		{"PACK", "pack"},
		{"SHIP", "ship"},
		{"RETURN", "return"},
		{"COUNT", "count"},
		{"SCRAP", "scrap"},
		{"HOLD", "hold"},
		{"RELEASE", "release"},
		{"TRANSFER-OUT", "transfer_out"},
		{"TRANSFER_OUT", "transfer_out"},
		{"TRANSFER-IN", "transfer_in"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		char text[64];

		assert_true(text_format(text, sizeof(text), "DEPOT.OP.%s",
					ops[i][0]));
		take(text, &bare);
		assert_string_equal(scan.op, ops[i][1]);
	}
	assert_fault("DEPOT.OP.STEAL", &bare, SCAN_UNKNOWN_LABEL);
	assert_fault("DEPOT.OP.PIC", &bare, SCAN_UNKNOWN_LABEL);
	assert_fault("DEPOT.OP.PICKS", &bare, SCAN_UNKNOWN_LABEL);
	assert_fault("DEPOT.OP.pick", &bare, SCAN_UNKNOWN_LABEL);
	assert_fault("DEPOT.OP.", &bare, SCAN_UNKNOWN_LABEL);
}

static void a_label_names_its_bin_item_or_quantity(void **state)
{
	(void)state;
	take("DEPOT.BIN.A.01 2", &bare);
	assert_span(scan_text_label(&scan), "A.01 2");
	take("DEPOT.ITEM.\xe8\x8c\xb6-1", &bare);
	assert_span(scan_text_label(&scan), "\xe8\x8c\xb6-1");
	take("DEPOT.QTY.1000000000000000", &bare);
	assert_true(scan.has_quantity);
	assert_true(scan.quantity == INT64_C(1000000000000000));
	assert_fault("DEPOT.QTY.1000000000000001", &bare, SCAN_BAD_QUANTITY);
	assert_fault("DEPOT.QTY.0", &bare, SCAN_BAD_QUANTITY);
	assert_fault("DEPOT.QTY.-1", &bare, SCAN_BAD_QUANTITY);
	assert_fault("DEPOT.QTY.", &bare, SCAN_BAD_QUANTITY);
	assert_fault("DEPOT.BIN.", &bare, SCAN_UNKNOWN_LABEL);
	assert_fault("DEPOT.BIN.0123456789012345678901234567890123456789X",
		     &bare, SCAN_TOO_LONG);
	assert_fault("DEPOT.UNDONE", &bare, SCAN_UNKNOWN_LABEL);
	assert_fault("DEPOT.", &bare, SCAN_UNKNOWN_LABEL);
	assert_span(scan_text_label(&scan), "");
}

/* ---- properties ---- */

static void a_scan_may_be_copied(void **state)
{
	static struct scan_text copy;

	(void)state;
	take("DEPOT.BIN.A-01", &bare);
	copy = scan;
	take("(01)09521234567899(10)LOT42", &bare);
	assert_span(scan_text_label(&copy), "A-01");
	copy = scan;
	memset(&scan, 0xff, sizeof(scan));
	assert_span(scan_text_code(&copy), "09521234567899");
	assert_span(lot_span(&copy.lot), "LOT42");
}

/*
 * Method: 200,000 texts made of random pieces of real ones, in memory of
 * exactly their size. What was read has a code or a label or elements; what
 * was refused has a fault with a sentence.
 */
static void any_text_gets_an_answer(void **state)
{
	static const char *const pieces[] = {
		"]C1",
		"]E0",
		"]Q1",
		"]I1",
		"]",
		"01",
		"09521234567899",
		"10",
		"LOT",
		"17",
		"271231",
		"\x1d",
		"^",
		"(",
		")",
		"|",
		"DEPOT.",
		"OP.",
		"QTY.",
		"BIN.",
		"PICK",
		"https://",
		"id.gs1.org",
		"/",
		"?",
		"=",
		"&",
		"%20",
		"5901234123457",
		"21",
		"S1",
		"\xff",
		"00",
		"395212340000000014",
		"3103",
		"001250",
		"{GS}",
		" ",
	};
	struct scan_options options = bare;
	uint64_t seed = test_seed(3);
	size_t read = 0;
	size_t refused = 0;

	(void)state;
	options.separator = span_of("{GS}");
	for (size_t i = 0; i < 200000; i++) {
		char joined[512];
		size_t count = 1 + test_random(&seed) % 12;
		char sentence[SCAN_TEXT_SIZE];
		struct span text = {NULL, 0};
		char *exact;

		for (size_t k = 0; k < count; k++) {
			const char *piece =
				pieces[test_random(&seed) % ARRAY_LEN(pieces)];

			memcpy(joined + text.size, piece, strlen(piece));
			text.size += strlen(piece);
		}
		exact = malloc(text.size);
		assert_non_null(exact);
		memcpy(exact, joined, text.size);
		text.data = exact;
		if (scan_text_read(text, &options, &scan)) {
			assert_true(scan_text_code(&scan).size > 0 ||
				    scan.kind != SCAN_KIND_PLAIN);
			read++;
		} else {
			assert_int_not_equal(scan.message.problem.fault,
					     SCAN_OK);
			scan_problem_text_zh(&scan.message.problem, sentence,
					     sizeof(sentence));
			assert_true(strlen(sentence) > 0);
			refused++;
		}
		free(exact);
	}
	print_message("%zu read, %zu refused\n", read, refused);
	assert_true(read > 10000 && refused > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_told_by_what_it_looks_like),
		cmocka_unit_test(what_is_wrong_is_refused_by_its_name),
		cmocka_unit_test(a_refusal_says_the_title_of_the_ai),
		cmocka_unit_test(a_full_label_names_item_lot_serial_and_date),
		cmocka_unit_test(the_date_that_binds_most_is_the_expiry),
		cmocka_unit_test(a_pallet_label_names_unit_content_and_count),
		cmocka_unit_test(a_weight_is_a_whole_number_and_its_decimals),
		cmocka_unit_test(a_composite_component_says_more_about_the_ean),
		cmocka_unit_test(
			a_swallowed_date_is_a_warning_and_the_lot_stays_whole),
		cmocka_unit_test(a_device_without_gs_is_understood),
		cmocka_unit_test(the_carrier_told_beside_the_text_counts),
		cmocka_unit_test(devices_names_for_carriers_are_known),
		cmocka_unit_test(every_operation_has_a_label),
		cmocka_unit_test(a_label_names_its_bin_item_or_quantity),
		cmocka_unit_test(a_scan_may_be_copied),
		cmocka_unit_test(any_text_gets_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
