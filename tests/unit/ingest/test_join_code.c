/*
 * The code on an invitation's sheet: what is written reads back, and what is
 * mistyped is told from what is right.
 */
#include "gateway/ingest/join_code.h"

#include "tests/support/check.h"

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct join_code random_code(uint64_t *state)
{
	struct join_code code = {
		.number = 1 + (uint32_t)(next_random(state) % JOIN_NUMBER_MAX)};

	for (size_t i = 0; i < JOIN_SECRET_SIZE; i++)
		code.secret[i] = (uint8_t)next_random(state);
	return code;
}

static void assert_same(const struct join_code *a, const struct join_code *b)
{
	assert_int_equal(a->number, b->number);
	assert_memory_equal(a->secret, b->secret, JOIN_SECRET_SIZE);
	assert_true(
		span_equal(join_host_span(&a->host), join_host_span(&b->host)));
}

/* By hand: number 1, secret 0, so the sum is 2^80 mod 37; 2^36 = 1, so that is
 * 2^8 = 256 = 34: the symbol $. */
static void the_known_code_is_written_as_by_hand(void **state)
{
	struct join_code code = {.number = 1};
	char text[JOIN_CODE_SIZE_MAX + 1];

	(void)state;
	join_code_write(&code, text);
	assert_string_equal(text, "DEPOT:0001-0000-0000-0000-0000-$");
	assert_true(join_host_set(&code.host, span_of("HQ.EXAMPLE.COM:8883")));
	join_code_write(&code, text);
	assert_string_equal(
		text, "DEPOT:0001-0000-0000-0000-0000-$/HQ.EXAMPLE.COM:8883");
}

/* Method: 10,000 random codes, half of them with a host of full length. */
static void what_is_written_reads_back(void **state)
{
	uint64_t random = test_seed(20261122);
	unsigned checked = 0;

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		struct join_code code = random_code(&random);
		struct join_code again = {0};
		char text[JOIN_CODE_SIZE_MAX + 1];

		if (i % 2 == 0)
			assert_true(join_host_set(
				&code.host,
				span_of("WAREHOUSES.EXAMPLE.COM:8883")));
		join_code_write(&code, text);
		assert_true(strlen(text) <= JOIN_CODE_SIZE_MAX);
		assert_int_equal(strspn(text, "0123456789ABCDEFGHIJKLMNOPQRST"
					      "UVWXYZ $%*+-./:"),
				 strlen(text));
		assert_int_equal(join_code_parse(span_of(text), &again),
				 JOIN_CODE_SOUND);
		assert_same(&code, &again);
		checked++;
	}
	assert_int_equal(checked, 10000);
}

static void people_may_type_it_as_they_like(void **state)
{
	static const char *const typed[] = {
		"DEPOT:0001-0000-0000-0000-0000-$",
		"depot:ooo1-oooo-oooo-oooo-oooo-$",
		"  OOOI 0000 0000 0000 0000 $\r\n",
		"000l00000000000000000000-",
		"00010000000000000000$",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(typed); i++) {
		struct join_code code = {0};
		enum join_code_fault fault =
			join_code_parse(span_of(typed[i]), &code);

		if (i == 3) { /* 24 symbols */
			assert_int_equal(fault, JOIN_CODE_LONG);
			continue;
		}
		assert_int_equal(fault, JOIN_CODE_SOUND);
		assert_int_equal(code.number, 1);
	}
}

static const char *mistyped(char *text, size_t at, char c)
{
	text[at] = c;
	return text;
}

/*
 * Every single wrong symbol and every swap of two neighbours is noticed.
 * Method: all of them, in 100 random codes (37 is prime and above 31, so the
 * check symbol must see each).
 */
static void a_slip_of_the_finger_is_noticed(void **state)
{
	static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t random = test_seed(20261123);
	unsigned slips = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		struct join_code code = random_code(&random);
		struct join_code unread;
		char text[JOIN_CODE_SIZE_MAX + 1];
		char other[JOIN_CODE_SIZE_MAX + 1];

		join_code_write(&code, text);
		for (size_t at = 6; at < strlen(text) - 2; at++) {
			if (text[at] == '-')
				continue;
			for (const char *c = symbols; *c != '\0'; c++) {
				memcpy(other, text, sizeof(other));
				if (*c == text[at])
					continue;
				assert_int_equal(
					join_code_parse(span_of(mistyped(
								other, at, *c)),
							&unread),
					JOIN_CODE_CHECK);
				slips++;
			}
			if (text[at + 1] == '-' || text[at + 1] == text[at])
				continue;
			memcpy(other, text, sizeof(other));
			other[at] = text[at + 1];
			assert_int_equal(
				join_code_parse(span_of(mistyped(other, at + 1,
								 text[at])),
						&unread),
				JOIN_CODE_CHECK);
			slips++;
		}
	}
	assert_true(slips > 100 * 20 * 31);
}

static void each_fault_has_its_name_and_sentences(void **state)
{
	static const struct {
		const char *text;
		enum join_code_fault fault;
	} cases[] = {
		{"", JOIN_CODE_EMPTY},
		{"DEPOT:", JOIN_CODE_EMPTY},
		{" - ", JOIN_CODE_EMPTY},
		{"0001-0000", JOIN_CODE_SHORT},
		{"0001-0000-0000-0000-0000", JOIN_CODE_SHORT},
		{"0001-0000-0000-0000-0000-$$", JOIN_CODE_LONG},
		{"0001-0000-00?0-0000-0000-$", JOIN_CODE_SYMBOL},
		{"U001-0000-0000-0000-0000-$", JOIN_CODE_SYMBOL},
		{"0001-0000-0000-0000-0001-G", JOIN_CODE_CHECK},
		{"0000-0000-0000-0000-0000-0", JOIN_CODE_CHECK},
		{"0001-0000-0000-0000-0000-$/", JOIN_CODE_HOST},
		{"0001-0000-0000-0000-0000-$/HQ", JOIN_CODE_HOST},
		{"0001-0000-0000-0000-0000-$/:1", JOIN_CODE_HOST},
		{"0001-0000-0000-0000-0000-$/HQ:0", JOIN_CODE_HOST},
		{"0001-0000-0000-0000-0000-$/HQ:65536", JOIN_CODE_HOST},
		{"0001-0000-0000-0000-0000-$/H_Q:8883", JOIN_CODE_HOST},
		{"0001-0000-0000-0000-0000-$/"
		 "A-VERY-LONG-NAME.EXAMPLE.COM:8883",
		 JOIN_CODE_HOST},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct join_code code = {.number = 77};

		assert_int_equal(join_code_parse(span_of(cases[i].text), &code),
				 cases[i].fault);
		assert_int_equal(code.number, 77);
		assert_true(strlen(join_code_fault_text(cases[i].fault,
							false)) > 10);
		assert_true(utf8_is_valid(
			span_of(join_code_fault_text(cases[i].fault, true))));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_known_code_is_written_as_by_hand),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(people_may_type_it_as_they_like),
		cmocka_unit_test(a_slip_of_the_finger_is_noticed),
		cmocka_unit_test(each_fault_has_its_name_and_sentences),
	};

	return cmocka_run_group_tests_name("join_code", tests, NULL, NULL);
}
