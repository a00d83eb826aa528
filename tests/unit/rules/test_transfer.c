/*
 * Whose a transit place is, and the law of transfers, against tables written
 * from the ledger's design.
 */
#include "tests/support/check.h"

#include "rules/ledger/transfer.h"
#include "tests/support/moves.h"

static void an_id_has_one_form_only(void **state)
{
	static const struct {
		const char *text;
		bool is_id;
	} cases[] = {
		{"3-7-125", true},
		{"7-3-1", true},
		{"4294967295-4294967294-4294967295", true},
		{"", false},
		{"3-7", false},
		{"3-7-", false},
		{"3-7-125-1", false},
		{"-7-125", false},
		{"3--125", false},
		{"03-7-125", false},
		{"3-7-0125", false},
		{"3-7-0", false},
		{"3-3-125", false}, /* to itself */
		{"1-7-125", false}, /* HQ's feeds hold no goods */
		{"3-2-125", false},
		{"3-7-+1", false},
		{"3-7- 1", false},
		{"3-7-1 ", false},
		{"3-7-x", false},
		{"4294967296-7-1", false},
		{"T-1", false},
	};
	struct transfer_id id;
	char text[TRANSFER_ID_PRINT_SIZE];
	size_t ids = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool is_id = transfer_id_parse(span_of(cases[i].text), &id);

		if (is_id != cases[i].is_id)
			fail_msg("\"%s\"", cases[i].text);
		if (!is_id)
			continue;
		transfer_id_print(&id, text);
		assert_string_equal(text, cases[i].text);
		ids++;
	}
	assert_int_equal(ids, 3);
	assert_true(transfer_id_parse(SPAN_LITERAL("3-7-125"), &id));
	assert_int_equal(id.from, 3);
	assert_int_equal(id.to, 7);
	assert_int_equal(id.number, 125);
}

/* A way that touches the transit place of 3-7-1: who may post it, and what it
 * says. Columns as in struct transfer_sums. */
static const struct {
	enum movement_kind kind;
	const char *from;
	const char *to;
	uint32_t site;
	enum transfer_side side;
	int64_t sums[6];
} ways[] = {
	{MOVEMENT_TRANSFER_OUT,
	 "A-01",
	 "transit:3-7-1",
	 3,
	 TRANSFER_SENDER,
	 {5, 0, 0, 0, 0, 0}},
	{MOVEMENT_REVERSE,
	 "transit:3-7-1",
	 "A-01",
	 3,
	 TRANSFER_SENDER,
	 {-5, 0, 0, 0, 0, 0}},
	{MOVEMENT_TRANSFER_IN,
	 "transit:3-7-1",
	 "DOCK",
	 7,
	 TRANSFER_ADDRESSEE,
	 {0, 0, 5, 0, 0, 0}},
	{MOVEMENT_TRANSFER_IN,
	 "transit:3-7-1",
	 "DOCK/on_hold",
	 7,
	 TRANSFER_ADDRESSEE,
	 {0, 0, 5, 0, 0, 0}},
	{MOVEMENT_TRANSFER_IN,
	 "transit:3-7-1",
	 "DOCK/damaged",
	 7,
	 TRANSFER_ADDRESSEE,
	 {0, 0, 0, 5, 0, 0}},
	{MOVEMENT_REVERSE,
	 "DOCK",
	 "transit:3-7-1",
	 7,
	 TRANSFER_ADDRESSEE,
	 {0, 0, -5, 0, 0, 0}},
	{MOVEMENT_REVERSE,
	 "DOCK/damaged",
	 "transit:3-7-1",
	 7,
	 TRANSFER_ADDRESSEE,
	 {0, 0, 0, -5, 0, 0}},
	{MOVEMENT_TRANSFER_ADJUST,
	 "found",
	 "transit:3-7-1",
	 7,
	 TRANSFER_ADDRESSEE,
	 {0, 5, 0, 0, 0, 0}},
	{MOVEMENT_REVERSE,
	 "transit:3-7-1",
	 "found",
	 7,
	 TRANSFER_ADDRESSEE,
	 {0, -5, 0, 0, 0, 0}},
	{MOVEMENT_TRANSFER_ADJUST,
	 "transit:3-7-1",
	 "loss",
	 7,
	 TRANSFER_ADDRESSEE,
	 {0, 0, 0, 0, 5, 0}},
	{MOVEMENT_REVERSE,
	 "loss",
	 "transit:3-7-1",
	 7,
	 TRANSFER_ADDRESSEE,
	 {0, 0, 0, 0, -5, 0}},
	{MOVEMENT_TRANSFER_ADJUST,
	 "transit:3-7-1",
	 "loss",
	 1,
	 TRANSFER_HQ,
	 {0, 0, 0, 0, 0, 5}},
	{MOVEMENT_REVERSE,
	 "loss",
	 "transit:3-7-1",
	 1,
	 TRANSFER_HQ,
	 {0, 0, 0, 0, 0, -5}},
};

/* Method: each way, by each of six sites. A network of one may post all. */
static void only_who_a_way_belongs_to_may_post_it(void **state)
{
	static const uint32_t sites[] = {1, 2, 3, 4, 7, UINT32_MAX};
	size_t allowed = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways) * ARRAY_LEN(sites); i++) {
		uint32_t site = sites[i % ARRAY_LEN(sites)];
		size_t way = i / ARRAY_LEN(sites);
		struct entry entry = move_of(ways[way].kind, "TEA", 5,
					     ways[way].from, ways[way].to);
		const struct movement *movement = &entry.body.movement;
		bool may = site == ways[way].site;

		/* transit -> loss stands there twice. */
		if (movement->from.place.kind == PLACE_LOSS ||
		    movement->to.place.kind == PLACE_LOSS)
			may = site == 1 || site == 7;
		assert_int_equal(movement_check(movement), MOVEMENT_SOUND);
		assert_true(movement_has_authority(movement));
		if (transfer_has_authority(site, movement) != may)
			fail_msg("site %u, way %zu", site, way);
		assert_true(transfer_has_authority(0, movement));
		allowed += may;
	}
	assert_int_equal(allowed, ARRAY_LEN(ways) + 4);
}

static void each_way_counts_once_on_its_side(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct entry entry = move_of(ways[i].kind, "TEA", 5,
					     ways[i].from, ways[i].to);
		const int64_t *want = ways[i].sums;
		struct transfer_sums sums;
		enum transfer_side side;

		assert_true(transfer_effect(ways[i].site, &entry.body.movement,
					    &side, &sums));
		assert_int_equal(side, ways[i].side);
		assert_int_equal(sums.shipped, want[0]);
		assert_int_equal(sums.surplus, want[1]);
		assert_int_equal(sums.good, want[2]);
		assert_int_equal(sums.damaged, want[3]);
		assert_int_equal(sums.claimed, want[4]);
		assert_int_equal(sums.lost, want[5]);
	}
}

static void a_name_of_no_network_is_its_writers_own(void **state)
{
	struct entry out = move_of(MOVEMENT_TRANSFER_OUT, "TEA", 1, "A-01",
				   "transit:van 7");
	struct entry in = move_of(MOVEMENT_TRANSFER_IN, "TEA", 1,
				  "transit:van 7", "DOCK");
	struct entry pick = move_of(MOVEMENT_PICK, "TEA", 1, "A-01", "PICKED");

	(void)state;
	assert_true(transfer_has_authority(3, &out.body.movement));
	assert_true(transfer_has_authority(3, &in.body.movement));
	assert_false(transfer_has_authority(1, &out.body.movement));
	assert_true(transfer_has_authority(3, &pick.body.movement));
	assert_null(transfer_place(&pick.body.movement));
}

/* Method: each state, said by each of five sites. */
static void a_state_is_said_by_whose_it_is(void **state)
{
	static const uint32_t sites[] = {1, 2, 3, 4, 7};
	static const char *const sayers[] = {
		[TRANSFER_CREATED] = "3",   [TRANSFER_SHIPPED] = "3",
		[TRANSFER_RECEIVING] = "7", [TRANSFER_RECEIVED] = "7",
		[TRANSFER_CLOSED] = "37",   [TRANSFER_CANCELLED] = "3",
		[TRANSFER_LOST] = "1",
	};
	size_t said = 0;

	(void)state;
	for (size_t i = TRANSFER_CREATED; i <= TRANSFER_LOST; i++) {
		for (size_t j = 0; j < ARRAY_LEN(sites); j++) {
			struct entry entry;
			bool may =
				strchr(sayers[i], '0' + (int)sites[j]) != NULL;

			entry_init(&entry, ENTRY_TRANSFER);
			assert_true(place_name_set(&entry.body.transfer.id,
						   SPAN_LITERAL("3-7-1")));
			entry.body.transfer.state = (enum transfer_state)i;
			assert_int_equal(transfer_entry_has_authority(sites[j],
								      &entry),
					 may);
			said += may;
		}
	}
	assert_int_equal(said, 8);
}

/* Method: all sums from 0 to 3 in each term, 4,096 cases, open and closed. */
static void the_law_holds_of_all_small_sums(void **state)
{
	size_t verdicts[5] = {0};

	(void)state;
	for (size_t i = 0; i < 4096 * 2; i++) {
		struct transfer_sums sums = {
			(int64_t)(i / 2 % 4),   (int64_t)(i / 8 % 4),
			(int64_t)(i / 32 % 4),  (int64_t)(i / 128 % 4),
			(int64_t)(i / 512 % 4), (int64_t)(i / 2048 % 4),
		};
		bool is_closed = i % 2 == 1;
		int64_t units;
		enum transfer_verdict verdict =
			transfer_judge(&sums, is_closed, &units);
		struct movement rest;

		assert_int_equal(sums.shipped + sums.surplus,
				 sums.good + sums.damaged + sums.claimed +
					 sums.lost + units);
		assert_int_equal(verdict == TRANSFER_BALANCED, units == 0);
		assert_int_equal(verdict == TRANSFER_RESIDUE,
				 is_closed && units != 0);
		verdicts[verdict]++;
		/* What closes it leaves nothing. */
		assert_int_equal(transfer_close_lost(SPAN_LITERAL("3-7-1"),
						     &sums, &rest),
				 units != 0);
		if (units == 0)
			continue;
		{
			struct transfer_sums more;
			enum transfer_side side;

			assert_true(transfer_effect(7, &rest, &side, &more));
			assert_true(transfer_sums_add(&sums, &more));
			assert_int_equal(transfer_judge(&sums, true, &units),
					 TRANSFER_BALANCED);
		}
	}
	for (size_t i = TRANSFER_BALANCED; i <= TRANSFER_RESIDUE; i++)
		assert_true(verdicts[i] > 0);
	assert_int_equal(verdicts[TRANSFER_UNSOUND], 0);
}

static void sums_out_of_bounds_are_unsound(void **state)
{
	struct transfer_sums below = {.good = -1};
	struct transfer_sums huge = {.shipped = INT64_MAX,
				     .surplus = INT64_MAX};
	struct transfer_sums one = {.shipped = 1};
	int64_t units;

	(void)state;
	assert_int_equal(transfer_judge(&below, false, &units),
			 TRANSFER_UNSOUND);
	assert_int_equal(transfer_judge(&huge, false, &units),
			 TRANSFER_UNSOUND);
	assert_false(transfer_sums_add(&huge, &one));
	assert_int_equal(huge.shipped, INT64_MAX); /* nothing was added */
}

/* Method: every state of each side with every one of the others. */
static void a_transfer_is_closed_once_both_are_done(void **state)
{
	size_t closed = 0;

	(void)state;
	for (int sender = 0; sender <= TRANSFER_LOST; sender++) {
		for (int other = 0; other <= TRANSFER_LOST; other++) {
			struct transfer_states states = {
				.sender = (enum transfer_state)sender,
				.addressee = (enum transfer_state)other};

			closed += transfer_is_closed(&states);
			states.hq = TRANSFER_LOST;
			assert_true(transfer_is_closed(&states));
			states.is_reopened = true;
			assert_false(transfer_is_closed(&states));
		}
	}
	/* Cancelled, whatever the other says but that it receives what came;
	 * shipped or closed with received or closed. */
	assert_int_equal(closed, 7 + 4);
}

/* Method: every state of each side, answered and not, with HQ's word and
 * without. What is not closed cannot be open again. */
static void who_loads_on_after_the_end_opens_it_again(void **state)
{
	const struct pos first = pos_make(1, 4);
	const struct pos later = pos_make(1, 9);
	size_t reopened[2] = {0};

	(void)state;
	for (int i = 0; i < 2 * 8 * 8; i++) {
		struct transfer_states states = {
			.sender = (enum transfer_state)(i % 8),
			.addressee = (enum transfer_state)(i / 8 % 8),
			.hq = i < 64 ? 0 : TRANSFER_LOST};
		bool is_again = transfer_reopens(&states, later, first);

		if (states.hq == 0 && states.sender == TRANSFER_SHIPPED)
			assert_int_equal(is_again, transfer_is_closed(&states));
		if (states.sender == TRANSFER_CLOSED)
			assert_false(is_again);
		if (states.hq == 0)
			assert_false(transfer_reopens(&states, later, later));
		reopened[i / 64] += is_again;
	}
	/* Received or closed by its addressee, while the sender last said any
	 * of the other seven; after HQ's word any of the six, and what was
	 * received before it was cancelled. */
	assert_int_equal(reopened[0], 2 * 7);
	assert_int_equal(reopened[1], 8 * 6 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_has_one_form_only),
		cmocka_unit_test(only_who_a_way_belongs_to_may_post_it),
		cmocka_unit_test(each_way_counts_once_on_its_side),
		cmocka_unit_test(a_name_of_no_network_is_its_writers_own),
		cmocka_unit_test(a_state_is_said_by_whose_it_is),
		cmocka_unit_test(the_law_holds_of_all_small_sums),
		cmocka_unit_test(sums_out_of_bounds_are_unsound),
		cmocka_unit_test(a_transfer_is_closed_once_both_are_done),
		cmocka_unit_test(who_loads_on_after_the_end_opens_it_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
