/*
 * Keys, check digits, UPC-E, in-store numbers and two-digit years.
 */
#include "tests/support/check.h"

#include "gateway/ingest/gs1_key.h"

/* Method: every change of one digit in 2,000 random numbers. */
static void a_check_digit_tells_slips_of_one_digit(void **state)
{
	uint64_t seed = test_seed(1);
	size_t slips = 0;

	(void)state;
	for (size_t i = 0; i < 2000; i++) {
		char digits[18];
		struct span number = {digits, 8 + test_random(&seed) % 11};

		for (size_t k = 0; k + 1 < number.size; k++)
			digits[k] = (char)('0' + test_random(&seed) % 10);
		digits[number.size - 1] =
			gs1_check_digit((struct span){digits, number.size - 1});
		assert_true(gs1_check_digit_fits(number));
		for (size_t k = 0; k < number.size; k++) {
			char was = digits[k];

			for (char c = '0'; c <= '9'; c++, slips++) {
				digits[k] = c;
				assert_int_equal(gs1_check_digit_fits(number),
						 c == was);
			}
			digits[k] = was;
		}
	}
	assert_true(slips > 2000 * 8 * 10);
}

static void a_gtin_of_any_size_becomes_one_of_fourteen_digits(void **state)
{
	static const struct {
		const char *number;
		const char *gtin;
		enum scan_fault fault;
	} numbers[] = {
		{"95212340", "00000095212340", SCAN_OK},
		{"614141000418", "00614141000418", SCAN_OK},
		{"5901234123457", "05901234123457", SCAN_OK},
		{"10614141000415", "10614141000415", SCAN_OK},
		{"5901234123458", NULL, SCAN_BAD_CHECK_DIGIT},
		{"590123412345X", NULL, SCAN_BAD_CHARACTER},
		{"590123412345", NULL, SCAN_BAD_CHECK_DIGIT},
		{"59012341234", NULL, SCAN_BAD_LENGTH},
		{"", NULL, SCAN_BAD_LENGTH},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		char gtin[GS1_GTIN_SIZE] = "unchanged";
		enum scan_fault fault =
			gs1_gtin_read(span_of(numbers[i].number), gtin);

		assert_string_equal(scan_fault_name(fault),
				    scan_fault_name(numbers[i].fault));
		if (fault == SCAN_OK)
			assert_memory_equal(gtin, numbers[i].gtin,
					    GS1_GTIN_SIZE);
		else
			assert_memory_equal(gtin, "unchanged", 9);
	}
}

/* Method: all two million of them: number system 0 or 1, six digits. The
 * check digit is the one that the expanded number needs. */
static void every_upc_e_expands_and_compresses_to_its_like(void **state)
{
	size_t count = 0;
	size_t same = 0;

	(void)state;
	for (unsigned number = 0; number < 2000000; number++) {
		char upce[16];
		char gtin[GS1_GTIN_SIZE];
		char back[GS1_UPCE_SIZE];
		char twice[GS1_GTIN_SIZE];
		enum scan_fault fault = SCAN_BAD_CHECK_DIGIT;

		/* One in 7 is enough, and meets every last digit. */
		if (number % 7 != 0)
			continue;
		for (char c = '0'; c <= '9' && fault != SCAN_OK; c++) {
			(void)snprintf(upce, sizeof(upce), "%07u%c", number, c);
			fault = gs1_upce_expand(span_of(upce), gtin);
		}
		assert_int_equal(fault, SCAN_OK);
		assert_true(gs1_upce_compress((struct span){gtin, sizeof(gtin)},
					      back));
		assert_int_equal(
			gs1_upce_expand((struct span){back, sizeof(back)},
					twice),
			SCAN_OK);
		assert_memory_equal(gtin, twice, sizeof(gtin));
		same += memcmp(back, upce, sizeof(back)) == 0;
		count++;
	}
	print_message("%zu expanded, %zu of them are the shortest form\n",
		      count, same);
	assert_int_equal(count, 285715);
	assert_true(same > count / 2);
}

static void what_is_no_upc_e_is_refused(void **state)
{
	char gtin[GS1_GTIN_SIZE];
	char upce[GS1_UPCE_SIZE];

	(void)state;
	assert_int_equal(gs1_upce_expand(span_of("01234504"), gtin),
			 SCAN_BAD_CHECK_DIGIT);
	assert_int_equal(gs1_upce_expand(span_of("21234505"), gtin),
			 SCAN_BAD_VALUE);
	assert_int_equal(gs1_upce_expand(span_of("0123450"), gtin),
			 SCAN_BAD_LENGTH);
	assert_int_equal(gs1_upce_expand(span_of("0123450x"), gtin),
			 SCAN_BAD_CHARACTER);
	assert_false(gs1_upce_compress(span_of("00614141000418"), upce));
	assert_false(gs1_upce_compress(span_of("614141000418"), upce));
}

static void an_in_store_number_is_read_by_its_layout(void **state)
{
	struct gs1_rcn rcn;

	(void)state;
	assert_int_equal(gs1_rcn_read(span_of("2xIIIIVPPPPPC"),
				      span_of("2898768123455"), &rcn),
			 SCAN_OK);
	assert_int_equal(rcn.item_size, 4);
	assert_memory_equal(rcn.item, "9876", 4);
	assert_int_equal(rcn.value, 12345);
	/* Without a price check digit. */
	assert_int_equal(gs1_rcn_read(span_of("28IIIIIPPPPPC"),
				      span_of("2898768123455"), &rcn),
			 SCAN_OK);
	assert_memory_equal(rcn.item, "98768", 5);
	assert_int_equal(gs1_rcn_read(span_of("21IIIIVPPPPPC"),
				      span_of("2898768123455"), &rcn),
			 SCAN_BAD_VALUE);
	assert_int_equal(gs1_rcn_read(span_of("2xIIIIVPPPPPC"),
				      span_of("2898769123454"), &rcn),
			 SCAN_BAD_CHECK_DIGIT);
	assert_int_equal(gs1_rcn_read(span_of("2xIIIIVPPPPPC"),
				      span_of("2898768123450"), &rcn),
			 SCAN_BAD_CHECK_DIGIT);
}

static void a_layout_that_is_none_is_refused(void **state)
{
	static const char *const layouts[] = {
		"",
		"2xIIIIVPPPPP",
		"2xIIIIVPPPPPP",
		"2xIIIIVVPPPPC",
		"2xIIIIIIIIIIC",
		"2xIIIIIVPPPIC",
		"2xIIIIVPPPPQC",
	};
	struct gs1_rcn rcn;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++)
		assert_int_equal(gs1_rcn_read(span_of(layouts[i]),
					      span_of("2898768123455"), &rcn),
				 SCAN_BAD_SYNTAX);
}

/* Method: every present year from 1950 to 2150 with every two digits: the
 * year meant ends in them and is 49 years back to 50 ahead. */
static void two_digits_mean_the_nearest_year(void **state)
{
	size_t count = 0;

	(void)state;
	for (uint16_t now = 1950; now <= 2150; now++)
		for (unsigned yy = 0; yy < 100; yy++) {
			int year = gs1_year(yy, now);

			assert_int_equal(year % 100, yy);
			assert_in_range(year, now - 49, now + 50);
			count++;
		}
	assert_int_equal(count, 20100);
	assert_int_equal(gs1_year(99, 0), 2099);
}

static void day_zero_is_the_last_of_its_month(void **state)
{
	static const struct {
		const char *yymmdd;
		const char *date; /* NULL: does not exist */
	} dates[] = {
		{"270200", "2027-02-28"}, {"280200", "2028-02-29"},
		{"000200", "2000-02-29"}, {"270400", "2027-04-30"},
		{"271231", "2027-12-31"}, {"271200", "2027-12-31"},
		{"270229", NULL},         {"270001", NULL},
		{"271301", NULL},         {"270432", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(dates); i++) {
		struct date date;
		char text[DATE_TEXT_SIZE];
		enum scan_fault fault =
			gs1_date_read(span_of(dates[i].yymmdd), 2026, &date);

		if (dates[i].date == NULL) {
			assert_int_equal(fault, SCAN_BAD_DATE);
			continue;
		}
		assert_int_equal(fault, SCAN_OK);
		date_print(date, text);
		assert_string_equal(text, dates[i].date);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_check_digit_tells_slips_of_one_digit),
		cmocka_unit_test(
			a_gtin_of_any_size_becomes_one_of_fourteen_digits),
		cmocka_unit_test(
			every_upc_e_expands_and_compresses_to_its_like),
		cmocka_unit_test(what_is_no_upc_e_is_refused),
		cmocka_unit_test(an_in_store_number_is_read_by_its_layout),
		cmocka_unit_test(a_layout_that_is_none_is_refused),
		cmocka_unit_test(two_digits_mean_the_nearest_year),
		cmocka_unit_test(day_zero_is_the_last_of_its_month),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
