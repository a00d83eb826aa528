/*
 * The law of movements, against a table of its own written from the ways that
 * the ledger's design names, not from the code.
 */
#include "tests/support/check.h"

#include "rules/ledger/movement.h"

/* What a way asks of the conditions of its two sides. */
enum law_condition {
	LAW_ANY,        /* whatever its bins have */
	LAW_KEPT,       /* the same on both sides */
	LAW_WORSE,      /* changed, and not to good */
	LAW_GOOD,       /* changed, to good */
	LAW_QUARANTINE, /* to on quarantine */
};

/*
 * A way per line. "bin" is any bin, "same" the bin it comes from, "other" any
 * but that; a word in capitals is that one bin; "any" is every place.
 */
static const struct law {
	enum movement_kind kind;
	const char *from;
	const char *to;
	enum law_condition condition;
} laws[] = {
	{MOVEMENT_RECEIVE, "supplier", "bin", LAW_ANY},
	{MOVEMENT_PUTAWAY, "bin", "other", LAW_KEPT},
	{MOVEMENT_MOVE, "bin", "other", LAW_KEPT},
	{MOVEMENT_PICK, "bin", "PICKED", LAW_KEPT},
	{MOVEMENT_PACK, "PICKED", "PACKED", LAW_KEPT},
	{MOVEMENT_SHIP, "bin", "customer", LAW_ANY},
	{MOVEMENT_RETURN, "customer", "bin", LAW_QUARANTINE},
	{MOVEMENT_TRANSFER_OUT, "bin", "transit", LAW_ANY},
	{MOVEMENT_TRANSFER_IN, "transit", "bin", LAW_ANY},
	{MOVEMENT_COUNT_ADJUST, "bin", "loss", LAW_ANY},
	{MOVEMENT_COUNT_ADJUST, "found", "bin", LAW_ANY},
	{MOVEMENT_FOUND, "found", "bin", LAW_ANY},
	{MOVEMENT_SCRAP, "bin", "scrap", LAW_ANY},
	{MOVEMENT_HOLD, "bin", "same", LAW_WORSE},
	{MOVEMENT_RELEASE, "bin", "same", LAW_GOOD},
	{MOVEMENT_TRANSFORM, "bin", "made", LAW_ANY},
	{MOVEMENT_TRANSFORM, "made", "bin", LAW_ANY},
	{MOVEMENT_REVERSE, "bin", "any", LAW_ANY},
	{MOVEMENT_REVERSE, "any", "bin", LAW_ANY},
	{MOVEMENT_REVERSE, "transit", "found", LAW_ANY},
	{MOVEMENT_REVERSE, "loss", "transit", LAW_ANY},
	{MOVEMENT_TRANSFER_ADJUST, "found", "transit", LAW_ANY},
	{MOVEMENT_TRANSFER_ADJUST, "transit", "loss", LAW_ANY},
};

static const char *const kind_words[] = {
	"bin",  "transit", "supplier", "customer",
	"loss", "found",   "scrap",    "made",
};

static const struct {
	enum place_kind kind;
	const char *name;
} spots[] = {
	{PLACE_BIN, "A-01"},      {PLACE_BIN, "A-02"},
	{PLACE_BIN, BIN_DOCK},    {PLACE_BIN, BIN_PICKED},
	{PLACE_BIN, BIN_PACKED},  {PLACE_TRANSIT, "T-1"},
	{PLACE_SUPPLIER, "acme"}, {PLACE_CUSTOMER, ""},
	{PLACE_LOSS, ""},         {PLACE_FOUND, ""},
	{PLACE_SCRAP, ""},        {PLACE_MADE, ""},
};

static struct place spot(size_t i)
{
	struct place place = {.kind = spots[i].kind};

	assert_true(place_name_set(&place.name, span_of(spots[i].name)));
	return place;
}

static bool law_place(const char *word, size_t at, size_t from)
{
	if (strcmp(word, "any") == 0)
		return true;
	if (strcmp(word, "same") == 0)
		return at == from && spots[at].kind == PLACE_BIN;
	if (strcmp(word, "other") == 0)
		return at != from && spots[at].kind == PLACE_BIN;
	return strcmp(word, spots[at].name) == 0 ||
	       strcmp(word, kind_words[spots[at].kind - 1]) == 0;
}

static bool law_conditions(enum law_condition law, size_t from, size_t to)
{
	switch (law) {
	case LAW_ANY:
		return true;
	case LAW_KEPT:
		return from == to;
	case LAW_WORSE:
		return from != to && to != CONDITION_GOOD;
	case LAW_GOOD:
		return from != to && to == CONDITION_GOOD;
	case LAW_QUARANTINE:
		return to == CONDITION_QUARANTINE;
	}
	return false;
}

static bool law_allows(enum movement_kind kind, const size_t at[2],
		       const size_t condition[2])
{
	/* A condition where there is a bin, and nowhere else; and something
	 * must change. */
	for (size_t i = 0; i < 2; i++)
		if ((spots[at[i]].kind == PLACE_BIN) !=
		    (condition[i] != CONDITION_NONE))
			return false;
	if (at[0] == at[1] && condition[0] == condition[1])
		return false;
	for (size_t i = 0; i < ARRAY_LEN(laws); i++)
		if (laws[i].kind == kind &&
		    law_place(laws[i].from, at[0], at[0]) &&
		    law_place(laws[i].to, at[1], at[0]) &&
		    law_conditions(laws[i].condition, condition[0],
				   condition[1]))
			return true;
	return false;
}

static struct movement movement_make(enum movement_kind kind,
				     const size_t at[2],
				     const size_t condition[2])
{
	struct movement movement = {
		.kind = kind,
		.quantity = {1},
		.from = {spot(at[0]), (enum condition)condition[0]},
		.to = {spot(at[1]), (enum condition)condition[1]},
	};

	assert_true(sku_set(&movement.item, SPAN_LITERAL("SKU-1")));
	assert_true(reason_set(&movement.reason, SPAN_LITERAL("why")));
	if (kind == MOVEMENT_REVERSE)
		movement.reverses = pos_make(1, 2);
	return movement;
}

/* The smallest legal movement of each kind, for what is not about ways. */
static struct movement movement_sample(enum movement_kind kind)
{
	for (size_t i = 0; i < 12 * 12 * 25; i++) {
		size_t at[2] = {i % 12, i / 12 % 12};
		size_t condition[2] = {i / 144 % 5, i / 720};

		if (law_allows(kind, at, condition))
			return movement_make(kind, at, condition);
	}
	fail_msg("no legal movement of kind %d", kind);
	return (struct movement){.kind = kind};
}

/* Method: every kind from every place to every place in every pair of
 * conditions, 61,200 movements; legal are those the table above allows. */
static void exactly_the_ways_of_the_law_are_legal(void **state)
{
	size_t legal[MOVEMENT_KIND_MAX + 1] = {0};
	size_t seen = 0;

	(void)state;
	assert_int_equal(ARRAY_LEN(spots), 12);
	for (size_t i = 0; i < MOVEMENT_KIND_MAX * 12 * 12 * 25; i++) {
		enum movement_kind kind =
			(enum movement_kind)(1 + i % MOVEMENT_KIND_MAX);
		size_t left = i / MOVEMENT_KIND_MAX;
		size_t at[2] = {left % 12, left / 12 % 12};
		size_t condition[2] = {left / 144 % 5, left / 720};
		struct movement movement = movement_make(kind, at, condition);
		bool is_legal = law_allows(kind, at, condition);
		enum movement_fault fault = movement_check(&movement);

		if ((fault == MOVEMENT_SOUND) != is_legal)
			fail_msg("%s %s(%zu) -> %s(%zu): %s",
				 movement_kind_name(kind), spots[at[0]].name,
				 condition[0], spots[at[1]].name, condition[1],
				 movement_fault_name(fault));
		if (is_legal)
			assert_true(movement_has_authority(&movement));
		legal[kind] += is_legal;
		seen++;
	}
	assert_int_equal(seen, 61200);
	/* Worked out by hand: 5 bins, 4 conditions. */
	assert_int_equal(legal[MOVEMENT_RECEIVE], 5 * 4);
	assert_int_equal(legal[MOVEMENT_PUTAWAY], 5 * 4 * 4);
	assert_int_equal(legal[MOVEMENT_PICK], 4 * 4);
	assert_int_equal(legal[MOVEMENT_PACK], 4);
	assert_int_equal(legal[MOVEMENT_RETURN], 5);
	assert_int_equal(legal[MOVEMENT_COUNT_ADJUST], 2 * 5 * 4);
	assert_int_equal(legal[MOVEMENT_HOLD], 5 * 3 * 3);
	assert_int_equal(legal[MOVEMENT_RELEASE], 5 * 3);
	assert_int_equal(legal[MOVEMENT_REVERSE],
			 20 * 20 - 20 + 2 * 20 * 7 + 2);
	assert_int_equal(legal[MOVEMENT_TRANSFER_ADJUST], 2);
}

static void a_site_has_no_authority_between_two_places_outside(void **state)
{
	size_t outside = 0;

	(void)state;
	for (size_t i = 0; i < 12 * 12; i++) {
		size_t at[2] = {i % 12, i / 12};
		size_t none[2] = {CONDITION_NONE, CONDITION_NONE};
		struct movement movement =
			movement_make(MOVEMENT_REVERSE, at, none);

		if (spots[at[0]].kind == PLACE_BIN ||
		    spots[at[1]].kind == PLACE_BIN)
			continue;
		/* But for what is too much or too little on the way between
		 * two sites. */
		if (law_allows(MOVEMENT_REVERSE, at, none))
			continue;
		assert_false(movement_has_authority(&movement));
		outside++;
	}
	assert_int_equal(outside, 7 * 7 - 2);
}

static void a_kind_that_is_none_is_refused(void **state)
{
	struct movement movement = movement_sample(MOVEMENT_MOVE);

	(void)state;
	movement.kind = (enum movement_kind)0;
	assert_int_equal(movement_check(&movement), MOVEMENT_BAD_WAY);
	movement.kind = (enum movement_kind)(MOVEMENT_KIND_MAX + 1);
	assert_int_equal(movement_check(&movement), MOVEMENT_BAD_WAY);
}

static void a_quantity_is_at_least_1_and_at_most_10_to_the_15(void **state)
{
	static const int64_t bad[] = {0, -1, INT64_MIN, QTY_MOVE_MAX + 1,
				      INT64_MAX};
	struct movement movement = movement_sample(MOVEMENT_RECEIVE);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		movement.quantity.units = bad[i];
		assert_int_equal(movement_check(&movement),
				 MOVEMENT_BAD_QUANTITY);
	}
	movement.quantity.units = QTY_MOVE_MAX;
	assert_int_equal(movement_check(&movement), MOVEMENT_SOUND);
}

static void texts_are_judged_byte_by_byte(void **state)
{
	struct movement movement = movement_sample(MOVEMENT_SCRAP);
	struct movement bad = movement;

	(void)state;
	bad.item.size = 0;
	assert_int_equal(movement_check(&bad), MOVEMENT_BAD_ITEM);
	bad = movement;
	bad.item.data[0] = '\n';
	assert_int_equal(movement_check(&bad), MOVEMENT_BAD_ITEM);
	bad = movement;
	bad.from.place.name.data[0] = ':';
	assert_int_equal(movement_check(&bad), MOVEMENT_BAD_PLACE);
	bad = movement;
	assert_true(lot_set(&bad.lot, (struct span){"L\0", 2}));
	assert_int_equal(movement_check(&bad), MOVEMENT_BAD_TEXT);
	bad = movement;
	assert_true(serial_set(&bad.serial, SPAN_LITERAL("\xff")));
	assert_int_equal(movement_check(&bad), MOVEMENT_BAD_TEXT);
	bad = movement;
	memcpy(bad.sscc, "00012345678901234", 17);
	assert_int_equal(movement_check(&bad), MOVEMENT_BAD_TEXT);
	bad.sscc[17] = '5';
	assert_int_equal(movement_check(&bad), MOVEMENT_SOUND);
}

static void a_serial_stands_for_one_unit(void **state)
{
	struct movement movement = movement_sample(MOVEMENT_RECEIVE);

	(void)state;
	assert_true(serial_set(&movement.serial, SPAN_LITERAL("S1")));
	assert_int_equal(movement_check(&movement), MOVEMENT_SOUND);
	movement.quantity.units = 2;
	assert_int_equal(movement_check(&movement), MOVEMENT_BAD_SERIAL);
}

static void an_expiry_is_a_day_that_exists(void **state)
{
	struct movement movement = movement_sample(MOVEMENT_RECEIVE);

	(void)state;
	movement.expiry = 20280229;
	assert_int_equal(movement_check(&movement), MOVEMENT_SOUND);
	movement.expiry = 20270229;
	assert_int_equal(movement_check(&movement), MOVEMENT_BAD_DATE);
}

/* Method: every kind without its reason, and with another's reversal. */
static void reasons_and_reversals_stand_where_they_are_due(void **state)
{
	size_t owing = 0;

	(void)state;
	for (int i = 1; i <= MOVEMENT_KIND_MAX; i++) {
		enum movement_kind kind = (enum movement_kind)i;
		struct movement movement = movement_sample(kind);
		bool owes = kind == MOVEMENT_COUNT_ADJUST ||
			    kind == MOVEMENT_FOUND || kind == MOVEMENT_SCRAP ||
			    kind == MOVEMENT_HOLD || kind == MOVEMENT_REVERSE ||
			    kind == MOVEMENT_TRANSFER_ADJUST;

		assert_int_equal(movement_check(&movement), MOVEMENT_SOUND);
		movement.reason.size = 0;
		assert_int_equal(movement_check(&movement),
				 owes ? MOVEMENT_NO_REASON : MOVEMENT_SOUND);
		owing += owes;
		movement = movement_sample(kind);
		movement.reverses.value = movement.reverses.value == 0 ? 7 : 0;
		assert_int_equal(movement_check(&movement),
				 MOVEMENT_BAD_REVERSE);
	}
	assert_int_equal(owing, 6);
}

static void kinds_and_faults_have_words_and_kinds_read_back(void **state)
{
	enum movement_kind kind = MOVEMENT_RECEIVE;

	(void)state;
	for (int i = 1; i <= MOVEMENT_KIND_MAX; i++) {
		const char *word = movement_kind_name((enum movement_kind)i);

		assert_true(movement_kind_parse(span_of(word), &kind));
		assert_int_equal(kind, i);
	}
	assert_string_equal(movement_kind_name(MOVEMENT_TRANSFER_OUT),
			    "transfer_out");
	assert_false(movement_kind_parse(SPAN_LITERAL("Receive"), &kind));
	for (int i = MOVEMENT_SOUND; i <= MOVEMENT_BAD_DATE; i++)
		assert_true(strlen(movement_fault_name(
				    (enum movement_fault)i)) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_ways_of_the_law_are_legal),
		cmocka_unit_test(
			a_site_has_no_authority_between_two_places_outside),
		cmocka_unit_test(a_kind_that_is_none_is_refused),
		cmocka_unit_test(
			a_quantity_is_at_least_1_and_at_most_10_to_the_15),
		cmocka_unit_test(texts_are_judged_byte_by_byte),
		cmocka_unit_test(a_serial_stands_for_one_unit),
		cmocka_unit_test(an_expiry_is_a_day_that_exists),
		cmocka_unit_test(
			reasons_and_reversals_stand_where_they_are_due),
		cmocka_unit_test(
			kinds_and_faults_have_words_and_kinds_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
