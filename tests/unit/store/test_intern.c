/*
 * Each key has one number, and each number one key.
 */
#include "tests/support/check.h"

#include "store/intern.h"

/* Method: 200,000 keys of 0 to 40 random bytes, kept beside in order. */
static void numbers_count_up_and_lead_back_to_their_keys(void **state)
{
	uint64_t seed = test_seed(3);
	struct intern intern = {.count = 0};
	uint64_t start = seed;
	uint32_t known = 0;

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		uint32_t next = 0;

		seed = start;
		for (size_t i = 0; i < 200000; i++) {
			char key[40];
			struct span span = {key, test_random(&seed) % 41};
			uint32_t number = UINT32_MAX;
			bool is_known;

			for (size_t j = 0; j < span.size; j++)
				key[j] = (char)(test_random(&seed) % 3);
			is_known = intern_find(&intern, span, &number);
			assert_code(intern_add(&intern, span, &number), ERR_OK);
			assert_true(number <= next || turn == 1);
			if (!is_known)
				assert_int_equal(number, next++);
			assert_true(
				span_equal(intern_key(&intern, number), span));
		}
		if (turn == 0)
			known = next;
	}
	assert_int_equal(intern.count, known); /* nothing new came twice */
	assert_true(known > 100000);
	intern_release(&intern);
	intern_release(&intern);
}

/* Method: 300,000 keys out of 200,000, near each other and far apart. */
static void numbers_of_64_bits_lead_there_and_back(void **state)
{
	struct dense dense = {.count = 0};
	uint64_t seed = test_seed(5);
	size_t again = 0;

	(void)state;
	for (uint64_t i = 0; i < 300000; i++) {
		uint64_t key = test_random(&seed) % 200000;
		uint32_t before = UINT32_MAX;
		uint32_t number = UINT32_MAX;
		bool is_known;

		if (key % 2 == 0)
			key <<= 40;
		is_known = dense_find(&dense, key, &before);
		assert_code(dense_add(&dense, key, &number), ERR_OK);
		assert_int_equal(number, is_known ? before : dense.count - 1);
		assert_int_equal(dense.keys[number], key);
		again += is_known;
	}
	assert_int_equal(dense.count + again, 300000);
	assert_true(again > 50000);
	dense_release(&dense);
	dense_release(&dense);
}

static void an_empty_one_finds_nothing(void **state)
{
	struct intern intern = {.count = 0};
	struct dense dense = {.count = 0};
	uint32_t number = 9;

	(void)state;
	assert_false(intern_find(&intern, SPAN_LITERAL("x"), &number));
	assert_false(dense_find(&dense, 0, &number));
	assert_int_equal(number, 9);
	intern_release(&intern);
}

static void an_array_grows_with_zeros_and_keeps_what_it_has(void **state)
{
	void *array = NULL;
	size_t capacity = 0;
	uint32_t *numbers;

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		assert_code(array_reserve(&array, &capacity, i + 1,
					  sizeof(*numbers)),
			    ERR_OK);
		numbers = array;
		assert_int_equal(numbers[i], 0);
		numbers[i] = i + 1;
		assert_int_equal(numbers[i / 2], i / 2 + 1);
	}
	assert_in_range(capacity, 5000, 10000);
	assert_code(array_reserve(&array, &capacity, SIZE_MAX / 2, 8),
		    ERR_FULL);
	free(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_count_up_and_lead_back_to_their_keys),
		cmocka_unit_test(numbers_of_64_bits_lead_there_and_back),
		cmocka_unit_test(an_empty_one_finds_nothing),
		cmocka_unit_test(
			an_array_grows_with_zeros_and_keeps_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
