/*
 * An entry has one form: what decodes encodes to the very same bytes, and
 * what has another form is refused.
 */
#include "tests/support/check.h"

#include "rules/ledger/entry.h"
#include "tests/support/entries.h"

/* ---- round trip ---- */

static uint64_t random_number(const struct field *field, uint64_t *seed)
{
	uint64_t number = test_random(seed) >> test_random(seed) % 64;

	switch (field->type) {
	case FIELD_ENUM:
		return number % (field->max + 1u);
	case FIELD_BOOL:
		return number % 2;
	case FIELD_U8:
		return number % 256;
	case FIELD_U32:
		return number % (UINT64_C(1) << 32);
	case FIELD_CLOCK:
		return number % ((uint64_t)MOMENT_MS_MAX + 1);
	case FIELD_NUMBER:
	case FIELD_SIGNED:
	case FIELD_POS:
	case FIELD_TEXT:
	case FIELD_RAW:
		break;
	}
	return number;
}

/* Any bytes at all: what a text may contain is not the encoding's business. */
static void random_bytes(char *at, size_t size, uint64_t *seed)
{
	for (size_t i = 0; i < size; i++)
		at[i] = (char)test_random(seed);
}

static void random_field(struct entry *entry, const struct field *field,
			 uint64_t *seed)
{
	char *at = (char *)entry + field->offset;
	uint64_t number = random_number(field, seed);
	uint32_t number_32 = (uint32_t)number;

	if (test_random(seed) % 4 == 0)
		return; /* stays absent */
	switch (field->type) {
	case FIELD_TEXT:
		*at = (char)(test_random(seed) % (field->max + 1u));
		random_bytes(at + 1, *(uint8_t *)at, seed);
		break;
	case FIELD_RAW:
		random_bytes(at, field->max, seed);
		break;
	case FIELD_U8:
	case FIELD_BOOL:
		*at = (char)number;
		break;
	case FIELD_U32:
	case FIELD_ENUM:
		memcpy(at, &number_32, sizeof(number_32));
		break;
	case FIELD_NUMBER:
	case FIELD_SIGNED:
	case FIELD_CLOCK:
	case FIELD_POS:
		memcpy(at, &number, sizeof(number));
		break;
	}
}

static struct entry random_entry(enum entry_kind kind, uint64_t *seed)
{
	struct field_table tables[] = {entry_head_fields(),
				       entry_body_fields(kind)};
	struct entry entry;

	entry_init(&entry, kind);
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (size_t j = 0; j < tables[i].count; j++)
			random_field(&entry, &tables[i].fields[j], seed);
	return entry;
}

/* Method: 2,000 random entries of each kind, compared as memory. */
static void an_entry_of_any_kind_reads_back_whole(void **state)
{
	uint64_t seed = test_seed(1);
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < 2000 * ENTRY_KIND_COUNT; i++) {
		struct entry entry =
			random_entry(kind_at(i % ENTRY_KIND_COUNT), &seed);
		struct bytes bytes = encode(&entry);
		struct entry again;

		assert_code(decode(&bytes, &again), ERR_OK);
		assert_memory_equal(&again, &entry, sizeof(entry));
		count++;
	}
	assert_int_equal(count, 2000 * ENTRY_KIND_COUNT);
}

/* Method: every text at its longest, every number at its largest. */
static void the_largest_entry_fits_its_bound(void **state)
{
	size_t largest = 0;

	(void)state;
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		struct field_table tables[] = {entry_head_fields(),
					       entry_body_fields(kind_at(i))};
		size_t size = 2;

		for (size_t j = 0; j < ARRAY_LEN(tables); j++)
			for (size_t k = 0; k < tables[j].count; k++)
				size += 2 + 10 + tables[j].fields[k].max;
		if (size > largest)
			largest = size;
	}
	assert_in_range(largest, 300, ENTRY_SIZE_MAX - 8);
}

/* ---- one form ---- */

static bool tag_is_known(enum entry_kind kind, uint64_t tag)
{
	struct field_table table =
		tag < 16 ? entry_head_fields() : entry_body_fields(kind);

	for (size_t i = 0; i < table.count; i++)
		if (table.fields[i].tag == tag)
			return true;
	return false;
}

/* True if well-formed @bytes have a field that no table knows. */
static bool has_unknown_tag(const struct bytes *bytes)
{
	struct reader reader;
	enum entry_kind kind;

	reader_init(&reader, bytes->data, bytes->size);
	(void)read_varint(&reader);
	kind = (enum entry_kind)read_varint(&reader);
	while (reader_left(&reader) > 0) {
		uint64_t key = read_varint(&reader);

		if (!tag_is_known(kind, key >> 1))
			return true;
		if ((key & 1) != 0)
			(void)read_span(&reader, ENTRY_SIZE_MAX);
		else
			(void)read_varint(&reader);
	}
	return false;
}

struct verdicts {
	size_t same;
	size_t refused;
	size_t newer;   /* ERR_VERSION */
	size_t skipped; /* fields of a newer depot */
};

static void judge(const struct bytes *bytes, struct verdicts *verdicts)
{
	struct entry entry;
	struct bytes again;
	enum err_code code = decode(bytes, &entry);

	if (code == ERR_CORRUPT) {
		verdicts->refused++;
	} else if (code == ERR_VERSION) {
		verdicts->newer++;
	} else if (has_unknown_tag(bytes)) {
		verdicts->skipped++;
	} else {
		assert_code(code, ERR_OK);
		again = encode(&entry);
		assert_int_equal(again.size, bytes->size);
		assert_memory_equal(again.data, bytes->data, bytes->size);
		verdicts->same++;
	}
}

/* Method: in one entry of each kind, every byte set to each of the 255 other
 * values, and every truncation. */
static void damage_is_refused_or_is_the_one_form_of_something_else(void **state)
{
	struct verdicts verdicts = {0};
	size_t bytes_tried = 0;

	(void)state;
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		struct entry entry = sample_entry(kind_at(i));
		struct bytes whole = encode(&entry);
		struct bytes damaged = whole;

		for (size_t at = 0; at < whole.size; at++) {
			for (unsigned flip = 1; flip < 256; flip++) {
				damaged.data[at] =
					(uint8_t)(whole.data[at] ^ flip);
				judge(&damaged, &verdicts);
			}
			damaged.data[at] = whole.data[at];
		}
		for (damaged.size = 0; damaged.size < whole.size;
		     damaged.size++)
			judge(&damaged, &verdicts);
		bytes_tried += whole.size;
	}
	printf("%zu bytes: %zu same, %zu refused, %zu newer, %zu skipped\n",
	       bytes_tried, verdicts.same, verdicts.refused, verdicts.newer,
	       verdicts.skipped);
	assert_int_equal(verdicts.same + verdicts.refused + verdicts.newer +
				 verdicts.skipped,
			 bytes_tried * 256);
	assert_true(verdicts.same > 0 && verdicts.refused > 0 &&
		    verdicts.newer > 0 && verdicts.skipped > 0);
}

/* A bin entry in hand-made bytes: format, kind, stamp, name. */
#define BIN_START 1, ENTRY_BIN, 1 << 1, 5

static void each_other_form_of_an_entry_is_refused(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[16];
		size_t size;
	} forms[] = {
		{"tags that fall", {1, ENTRY_BIN, 33, 1, 'A', 2, 5}, 7},
		{"a tag twice", {BIN_START, 33, 1, 'A', 33, 1, 'B'}, 10},
		{"tag 0", {1, ENTRY_BIN, 0, 5}, 4},
		{"a number 0", {1, ENTRY_BIN, 2, 0}, 4},
		{"an empty text", {BIN_START, 33, 0}, 6},
		{"a longer varint", {1, ENTRY_BIN, 2, 0x85, 0}, 5},
		{"a longer tag", {1, ENTRY_BIN, 0x82, 0, 5}, 5},
		{"the wrong wire", {BIN_START, 32, 1}, 6},
		{"a text cut short", {BIN_START, 33, 2, 'A'}, 7},
		{"a bool of 2", {BIN_START, 36, 2}, 6},
		{"a key without value", {BIN_START, 36}, 5},
		{"format 0", {0, ENTRY_BIN}, 2},
		{"kind 0", {1, 0}, 2},
		{"no kind", {1}, 1},
		{"nothing", {0}, 0},
		{"zeros for a key",
		 {1, ENTRY_FOUNDING, 18 << 1 | 1, 8, 0, 0, 0, 0, 0, 0, 0, 0},
		 12},
	};
	static const uint8_t sound[] = {BIN_START, 33, 1, 'A', 36, 1};
	struct entry entry;

	(void)state;
	assert_code(
		entry_decode((struct span){(const char *)sound, sizeof(sound)},
			     &entry),
		ERR_OK);
	assert_span(place_name_span(&entry.body.bin.name), "A");
	assert_true(entry.body.bin.is_inactive);
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct span bytes = {(const char *)forms[i].bytes,
				     forms[i].size};

		if (entry_decode(bytes, &entry) != ERR_CORRUPT)
			fail_msg("%s is taken", forms[i].what);
	}
}

static void a_text_longer_than_its_field_is_refused(void **state)
{
	uint8_t data[16 + PLACE_NAME_SIZE_MAX] = {BIN_START, 33};
	struct entry entry;

	(void)state;
	for (size_t size = 1; size <= PLACE_NAME_SIZE_MAX + 1; size++) {
		struct span bytes = {(const char *)data, 6 + size};

		data[5] = (uint8_t)size;
		data[5 + size] = 'x';
		assert_code(entry_decode(bytes, &entry),
			    size <= PLACE_NAME_SIZE_MAX ? ERR_OK : ERR_CORRUPT);
	}
}

/* ---- what a newer depot writes ---- */

static void a_newer_format_kind_or_value_is_told_apart_from_damage(void **state)
{
	static const uint8_t newer[][8] = {
		{2, ENTRY_BIN},                         /* format */
		{1, ENTRY_KIND_MAX + 1},                /* kind */
		{1, 0x80 | 100, 1},                     /* kind */
		{1, ENTRY_BIN, 4 << 1, ACTOR_RULE + 1}, /* actor */
		{1, ENTRY_BIN, 8 << 1, REF_TASK + 1},   /* ref */
		{1, ENTRY_MOVEMENT, 16 << 1, MOVEMENT_KIND_MAX + 1},
	};
	static const size_t sizes[] = {2, 2, 3, 4, 4, 4};
	struct entry entry;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(newer); i++)
		assert_code(entry_decode((struct span){(const char *)newer[i],
						       sizes[i]},
					 &entry),
			    ERR_VERSION);
	/* The numbers that are kept free between those that are given, too. */
	for (uint8_t kind = 1; kind < 100; kind++) {
		uint8_t bare[] = {1, kind};
		struct span bytes = {(const char *)bare, sizeof(bare)};

		assert_code(entry_decode(bytes, &entry),
			    entry_kind_is_known(kind) ? ERR_OK : ERR_VERSION);
	}
}

/* Method: tag 200, as number (key 400) and as bytes (401), behind an entry of
 * each kind. */
static void fields_of_a_newer_depot_are_skipped_by_their_wire_type(void **state)
{
	static const uint8_t number[] = {0x90, 0x03, 9};
	static const uint8_t text[] = {0x91, 0x03, 2, 'h', 'i'};
	size_t tried = 0;

	(void)state;
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		struct entry entry = sample_entry(kind_at(i));
		struct bytes plain = encode(&entry);
		struct bytes more = plain;
		struct entry again;

		memcpy(more.data + more.size, number, sizeof(number));
		more.size += sizeof(number);
		assert_code(decode(&more, &again), ERR_OK);
		assert_memory_equal(&again, &entry, sizeof(entry));
		memcpy(more.data + plain.size, text, sizeof(text));
		more.size = plain.size + sizeof(text);
		assert_code(decode(&more, &again), ERR_OK);
		assert_memory_equal(&again, &entry, sizeof(entry));
		tried += 2;
	}
	assert_int_equal(tried, 2 * ENTRY_KIND_COUNT);
}

/* ---- sense ---- */

/* Method: the sample of each kind, then the same with its name taken away. */
static void an_entry_without_its_name_is_not_sound(void **state)
{
	size_t named = 0;

	(void)state;
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		struct entry entry = sample_entry(kind_at(i));
		struct field_table table = entry_body_fields(entry.kind);
		const struct field *name = &table.fields[0];

		if (entry.kind == ENTRY_MOVEMENT) {
			entry.body.movement.kind = MOVEMENT_REVERSE;
			entry.body.movement.quantity.units = 1;
			name = &table.fields[1];
		}
		assert_true(entry_is_sound(&entry));
		if (entry.kind == ENTRY_STATUS || entry.kind == ENTRY_LOSS)
			continue;
		*((char *)&entry + name->offset) = 0;
		assert_false(entry_is_sound(&entry));
		named++;
	}
	assert_int_equal(named, ENTRY_KIND_COUNT - 2);
}

/* Method: a NUL and a broken character in every text of every kind, a value
 * too high in every enum. */
static void texts_and_enums_out_of_bounds_are_not_sound(void **state)
{
	size_t tried = 0;

	(void)state;
	for (size_t i = 0; i < ENTRY_KIND_COUNT; i++) {
		struct field_table table = entry_body_fields(kind_at(i));

		for (size_t j = 0; j < table.count; j++) {
			const struct field *field = &table.fields[j];
			struct entry entry = sample_entry(kind_at(i));
			char *at = (char *)&entry + field->offset;
			uint32_t high = field->max + 1u;

			if (field->type == FIELD_ENUM) {
				memcpy(at, &high, sizeof(high));
				assert_false(entry_is_sound(&entry));
				tried++;
			} else if (field->type == FIELD_TEXT) {
				at[1] = '\0';
				assert_false(entry_is_sound(&entry));
				at[1] = '\xff';
				assert_false(entry_is_sound(&entry));
				tried++;
			}
		}
	}
	assert_in_range(tried, 60, 120);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_entry_of_any_kind_reads_back_whole),
		cmocka_unit_test(the_largest_entry_fits_its_bound),
		cmocka_unit_test(
			damage_is_refused_or_is_the_one_form_of_something_else),
		cmocka_unit_test(each_other_form_of_an_entry_is_refused),
		cmocka_unit_test(a_text_longer_than_its_field_is_refused),
		cmocka_unit_test(
			a_newer_format_kind_or_value_is_told_apart_from_damage),
		cmocka_unit_test(
			fields_of_a_newer_depot_are_skipped_by_their_wire_type),
		cmocka_unit_test(an_entry_without_its_name_is_not_sound),
		cmocka_unit_test(texts_and_enums_out_of_bounds_are_not_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
