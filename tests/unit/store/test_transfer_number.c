/*
 * A transfer's number was never given before, by whatever life of the site.
 *
 * Method: a box that took another one's place (tests/support/replaced.h), or
 * that joined first; transfers as the engine says them.
 */
#include "rules/ledger/transfer.h"
#include "store/transfer.h"
#include "tests/support/replaced.h"

static uint64_t next(struct bed *bed)
{
	struct view *view = bed_look(bed);
	uint64_t number = 0;

	assert_done(transfer_next_number(view, BEFORE, &number, &bed->w.err),
		    &bed->w.err);
	view_end(view);
	return number;
}

static struct entry created(uint64_t number)
{
	struct transfer_id id = {BEFORE, BEFORE + 1, number};
	char text[TRANSFER_ID_PRINT_SIZE];
	struct entry entry;

	transfer_id_print(&id, text);
	entry_init(&entry, ENTRY_TRANSFER);
	entry.body.transfer.from_site = id.from;
	entry.body.transfer.to_site = id.to;
	entry.body.transfer.state = TRANSFER_CREATED;
	assert_true(place_name_set(&entry.body.transfer.id, span_of(text)));
	return entry;
}

static void create(struct bed *bed, uint64_t number)
{
	struct entry entry = created(number);

	(void)warehouse_enter(&bed->w, &entry);
}

static int joined_setup(void **state)
{
	return bed_setup_as(state, SUCCESSION_JOINED, 1);
}

static void a_sites_first_life_counts_from_one(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(next(bed), 1);
	create(bed, 1);
	assert_int_equal(next(bed), 2);
	create(bed, 7);
	assert_int_equal(next(bed), 8);
}

/* The box before has given 1 and 2, and nobody has told this one yet. */
static void a_box_in_anothers_place_gives_no_number_of_that_one(void **state)
{
	struct bed *bed = *state;
	uint64_t life = NEW_EPOCH * TRANSFER_LIFE_NUMBERS;
	struct entry entry;

	assert_int_equal(next(bed), life + 1);
	create(bed, life + 1);
	assert_int_equal(next(bed), life + 2);
	for (uint64_t number = 1; number <= 2; number++) {
		entry = created(number);
		before_says(bed, &entry);
	}
	assert_int_equal(regain_all(bed), 2);
	assert_int_equal(next(bed), life + 2);
	bed_restart(bed);
	assert_int_equal(next(bed), life + 2);
}

/* People can type any number that a name may have: it is not the count's. */
static void a_number_that_somebody_typed_uses_up_none(void **state)
{
	struct bed *bed = *state;
	uint64_t life = NEW_EPOCH * TRANSFER_LIFE_NUMBERS;

	create(bed, TRANSFER_NUMBER_MAX);
	create(bed, 900 * TRANSFER_LIFE_NUMBERS);
	create(bed, life + TRANSFER_LIFE_NUMBERS - 1);
	assert_int_equal(next(bed), life + 1);
	create(bed, life + TRANSFER_NUMBERS_TYPED);
	assert_int_equal(next(bed), life + TRANSFER_NUMBERS_TYPED + 1);
	bed_restart(bed);
	assert_int_equal(next(bed), life + TRANSFER_NUMBERS_TYPED + 1);
	assert_sound(bed);
}

static void the_last_life_there_can_be_has_numbers(void **state)
{
	uint64_t last =
		EPOCH_MAX * TRANSFER_LIFE_NUMBERS + TRANSFER_LIFE_NUMBERS;
	struct transfer_id id = {UINT32_MAX, UINT32_MAX - 1, last};
	struct transfer_id read;
	char text[TRANSFER_ID_PRINT_SIZE];

	(void)state;
	assert_true(last <= TRANSFER_NUMBER_MAX);
	transfer_id_print(&id, text);
	assert_true(strlen(text) <= PLACE_NAME_SIZE_MAX);
	assert_true(transfer_id_parse(span_of(text), &read));
	assert_int_equal(read.number, last);
	assert_int_equal(read.from, UINT32_MAX);
	assert_false(transfer_id_parse(span_of("3-5-100000000000000"), &read));
	assert_false(transfer_id_parse(span_of("4294967299-5-1"), &read));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_sites_first_life_counts_from_one, joined_setup,
			bed_teardown),
		TEST(a_box_in_anothers_place_gives_no_number_of_that_one),
		TEST(a_number_that_somebody_typed_uses_up_none),
		cmocka_unit_test(the_last_life_there_can_be_has_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
