/*
 * Rows: whatever an entry is, it comes out at the other end as it was, and the
 * state of a segment is the same on both sides.
 */
#include "tests/support/check.h"

#include "tests/support/deltas.h"

static struct err err;

static uint8_t buffer[1 << 21];

/* A row of @entry by @rows, behind what is in @writer. */
static void row_write(struct rows *rows, uint64_t number,
		      const struct bytes *entry, struct writer *writer)
{
	assert_code(rows_write(rows, pos_make(3, number), bytes_span(entry),
			       writer),
		    ERR_OK);
}

static void row_read(struct rows *rows, uint64_t number, struct reader *reader,
		     const struct bytes *expected)
{
	static struct entry_bytes read;

	assert_code(rows_read(rows, pos_make(3, number), reader, &read),
		    ERR_OK);
	assert_int_equal(read.size, expected->size);
	assert_memory_equal(read.data, expected->data, read.size);
}

/* Method: random entries of all kinds and of none, with fields that no depot
 * has, and clocks that do what they like; as many texts as overflow the
 * windows. Each is written, read, and what was read is written again by a
 * third party: it must have the same bytes. */
static void any_entry_comes_back_and_has_one_form(void **state)
{
	static const uint32_t texts[] = {5, 300, 20000};
	uint64_t seed = test_seed(1);
	size_t count = 0;
	size_t wholes = 0;

	(void)state;
	for (size_t round = 0; round < ARRAY_LEN(texts); round++) {
		struct maker maker = {.random = seed + round,
				      .stamp = {UINT64_C(1) << 56},
				      .texts = texts[round]};
		struct rows *out = rows_new();
		struct rows *in = rows_new();
		struct rows *again = rows_new();

		for (uint64_t number = 1; number <= 40000; number++) {
			struct bytes entry = maker_entry(&maker);
			struct bytes left = without_device(&entry);
			struct writer first;
			struct writer second;
			struct reader reader;

			writer_init(&first, buffer, ROW_WIRE_SIZE_MAX);
			writer_init(&second, buffer + ROW_WIRE_SIZE_MAX,
				    ROW_WIRE_SIZE_MAX);
			row_write(out, number, &entry, &first);
			reader_init(&reader, first.data, first.size);
			row_read(in, number, &reader, &left);
			assert_true(reader_done(&reader));
			row_write(again, number, &left, &second);
			assert_int_equal(first.size, second.size);
			assert_memory_equal(first.data, second.data,
					    first.size);
			wholes += first.data[0] == 1;
			count++;
		}
		rows_close(out);
		rows_close(in);
		rows_close(again);
	}
	assert_int_equal(count, 3 * 40000);
	assert_true(wholes > 500);
}

/* The bytes of @count rows that @maker makes, in @data; returns their size. */
static size_t batch_write(struct rows *rows, struct maker *maker, size_t count,
			  uint8_t *data)
{
	struct writer writer;

	writer_init(&writer, data, sizeof(buffer) / 2);
	for (size_t i = 0; i < count; i++) {
		struct bytes entry = maker_entry(maker);

		row_write(rows, i + 1, &entry, &writer);
	}
	return writer.size;
}

/* Method: two states write the same deltas; between them one also writes others
 * and goes back: few or thousands of rows, so that windows turn over more than
 * once. From then on the two must go on alike. */
static void going_back_leaves_no_trace(void **state)
{
	static const size_t counts[] = {1, 3, 40, 1024, 6000};
	uint64_t seed = test_seed(2);
	struct rows *plain = rows_new();
	struct rows *marked = rows_new();
	struct maker a = {.random = seed, .texts = 4000};
	struct maker b = {.random = seed, .texts = 4000};
	struct maker other = {.random = seed + 1, .texts = 3000};
	size_t rounds = 0;

	(void)state;
	for (size_t i = 0; i < 120; i++) {
		size_t count = counts[i % 4];
		size_t size = batch_write(plain, &a, count, buffer);

		rows_mark(marked);
		(void)batch_write(marked, &other, counts[i * 7 % 5],
				  buffer + sizeof(buffer) / 2);
		rows_rewind(marked);
		if (i % 3 == 0) /* the mark still stands */
			rows_rewind(marked);
		assert_int_equal(batch_write(marked, &b, count,
					     buffer + sizeof(buffer) / 2),
				 size);
		assert_memory_equal(buffer, buffer + sizeof(buffer) / 2, size);
		rounds++;
	}
	assert_int_equal(rounds, 120);
	rows_close(plain);
	rows_close(marked);
}

static void a_reset_segment_is_a_new_one(void **state)
{
	uint64_t seed = test_seed(3);
	struct rows *used = rows_new();
	struct rows *fresh = rows_new();
	struct maker maker = {.random = seed, .texts = 3000};
	struct maker a = {.random = seed + 1, .texts = 100};
	struct maker b = a;
	size_t size;

	(void)state;
	(void)batch_write(used, &maker, 5000, buffer);
	rows_mark(used);
	(void)batch_write(used, &maker, 100, buffer);
	rows_reset(used);
	rows_mark(used);
	size = batch_write(fresh, &a, 500, buffer);
	assert_int_equal(
		batch_write(used, &b, 500, buffer + sizeof(buffer) / 2), size);
	assert_memory_equal(buffer, buffer + sizeof(buffer) / 2, size);
	rows_close(used);
	rows_close(fresh);
}

/* A movement as they come by the million. */
static struct bytes pick(uint32_t item, uint32_t bin, int64_t ms)
{
	struct entry entry = sample_head(ENTRY_MOVEMENT);
	struct movement movement = {
		.kind = MOVEMENT_PICK,
		.quantity = {2},
		.from = {{.kind = PLACE_BIN}, CONDITION_GOOD},
		.to = {{.kind = PLACE_BIN}, CONDITION_GOOD}};
	char text[32];

	entry.stamp = (struct stamp){(UINT64_C(1795341600000) + (uint64_t)ms)
				     << STAMP_COUNTER_BITS};
	entry.effective = stamp_moment(entry.stamp);
	TEXT_SET(movement.to.place.name, "PICKED");
	assert_true(text_format(text, sizeof(text), "%05u", item));
	assert_true(sku_set(&movement.item, span_of(text)));
	assert_true(text_format(text, sizeof(text), "A-%02u", bin));
	assert_true(place_name_set(&movement.from.place.name, span_of(text)));
	entry.body.movement = movement;
	return encode(&entry);
}

static size_t pick_size(struct rows *rows, uint32_t item, uint32_t bin,
			int64_t ms)
{
	struct bytes entry = pick(item, bin, ms);
	uint8_t row[ROW_WIRE_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, row, sizeof(row));
	row_write(rows, 7, &entry, &writer);
	return writer.size;
}

/* Shape, stamp (two bytes for 300 ms), reference, item, quantity, place. */
static void a_usual_movement_takes_seven_bytes(void **state)
{
	struct rows *rows = rows_new();

	(void)state;
	(void)pick_size(rows, 1, 1, 0);
	(void)pick_size(rows, 2, 2, 300);
	assert_int_equal(pick_size(rows, 1, 1, 600), 7);
	assert_int_equal(pick_size(rows, 2, 2, 650), 6);
	/* Where it was last: not there any more. */
	assert_int_equal(pick_size(rows, 2, 1, 700), 6);
	rows_close(rows);
}

/* Method: one text more than the window holds. The oldest has made way, and is
 * told again; the next oldest is still there. */
static void the_oldest_text_makes_way(void **state)
{
	struct rows *rows = rows_new();
	size_t known;
	size_t told;

	(void)state;
	for (uint32_t i = 0; i <= ROWS_ITEMS; i++)
		(void)pick_size(rows, i, 1, i);
	known = pick_size(rows, 1, 1, ROWS_ITEMS + 1);
	told = pick_size(rows, 0, 1, ROWS_ITEMS + 2);
	/* A text in place of a slot; and no bin is expected of what is new. */
	assert_true(told > known + 2);
	/* That took the place of the next oldest. */
	assert_true(pick_size(rows, 1, 1, ROWS_ITEMS + 3) > known);
	assert_int_equal(pick_size(rows, 3, 1, ROWS_ITEMS + 4), known);
	rows_close(rows);
}

/* The code of the place in a row of pick(), where it is the last field. */
static uint8_t place_code(struct rows *rows, uint32_t item, uint32_t bin,
			  int64_t ms)
{
	struct bytes entry = pick(item, bin, ms);
	uint8_t row[ROW_WIRE_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, row, sizeof(row));
	row_write(rows, 7, &entry, &writer);
	return row[writer.size - 1];
}

#define EXPECTED 1
#define FIRST_SLOT 2

static void an_item_is_expected_where_it_was_last(void **state)
{
	struct rows *rows = rows_new();

	(void)state;
	(void)place_code(rows, 1, 1, 0);
	(void)place_code(rows, 2, 2, 1);
	assert_int_equal(place_code(rows, 1, 1, 2), EXPECTED);
	assert_int_equal(place_code(rows, 1, 2, 3), FIRST_SLOT + 1);
	assert_int_equal(place_code(rows, 1, 2, 4), EXPECTED);
	assert_int_equal(place_code(rows, 1, 1, 5), FIRST_SLOT);
	rows_mark(rows);
	assert_int_equal(place_code(rows, 1, 2, 6), FIRST_SLOT + 1);
	rows_rewind(rows);
	assert_int_equal(place_code(rows, 1, 1, 6), EXPECTED);
	rows_close(rows);
}

/* Method: the window of items turns over, so that the slot of one that had a
 * place goes to another. */
static void a_new_item_is_expected_nowhere(void **state)
{
	struct rows *rows = rows_new();

	(void)state;
	for (uint32_t i = 0; i < ROWS_ITEMS; i++)
		(void)place_code(rows, i, 1, i);
	assert_int_equal(place_code(rows, 0, 1, ROWS_ITEMS), EXPECTED);
	rows_mark(rows);
	assert_int_equal(place_code(rows, ROWS_ITEMS, 1, ROWS_ITEMS + 1),
			 FIRST_SLOT);
	assert_int_equal(place_code(rows, ROWS_ITEMS, 1, ROWS_ITEMS + 2),
			 EXPECTED);
	rows_rewind(rows);
	assert_int_equal(place_code(rows, 0, 1, ROWS_ITEMS + 1), EXPECTED);
	rows_close(rows);
}

static void a_device_keeps_its_boot_and_sequence(void **state)
{
	struct entry entry = sample_entry(ENTRY_MOVEMENT);
	struct rows *rows = rows_new();
	static struct bytes bytes;
	static struct bytes left;
	struct writer writer;

	(void)state;
	bytes = encode(&entry);
	writer_init(&writer, buffer, sizeof(buffer));
	row_write(rows, 1, &bytes, &writer);
	assert_null(memmem(buffer, writer.size, "b7f3", 4));
	assert_non_null(memmem(buffer, writer.size, "scan-1", 6));
	entry.actor.boot.size = 0;
	entry.actor.seq = 0;
	left = encode(&entry);
	bytes = without_device(&bytes);
	assert_int_equal(left.size, bytes.size);
	assert_memory_equal(left.data, bytes.data, left.size);
	rows_close(rows);
}

/* Method: room for every number of bytes below what a row needs. */
static void a_full_writer_is_told_and_can_be_taken_back(void **state)
{
	struct rows *rows = rows_new();
	struct rows *other = rows_new();
	struct entry entry = sample_entry(ENTRY_MOVEMENT);
	struct bytes bytes = encode(&entry);
	struct writer writer;
	size_t size;

	(void)state;
	writer_init(&writer, buffer, sizeof(buffer));
	row_write(other, 1, &bytes, &writer);
	size = writer.size;
	rows_mark(rows);
	for (size_t room = 0; room < size; room++) {
		writer_init(&writer, buffer + size, room);
		assert_code(rows_write(rows, pos_make(3, 1), bytes_span(&bytes),
				       &writer),
			    ERR_FULL);
		rows_rewind(rows);
	}
	writer_init(&writer, buffer + size, size);
	row_write(rows, 1, &bytes, &writer);
	assert_memory_equal(buffer, buffer + size, size);
	rows_close(rows);
	rows_close(other);
}

static void what_is_no_entry_has_no_row(void **state)
{
	static const struct span none[] = {
		{"", 0},
		{"\1", 1},           /* no kind */
		{"\0\2", 2},         /* no format */
		{"\2\2", 2},         /* of a newer depot */
		{"\1\0", 2},         /* kind 0 */
		{"\1\2\2", 3},       /* a key without a value */
		{"\1\2\2\0", 4},     /* zero */
		{"\1\2\3\0", 4},     /* empty */
		{"\1\2\0\1", 4},     /* tag 0 */
		{"\1\2\4\1\2\1", 6}, /* falling */
		{"\1\2\4\1\4\1", 6}, /* twice */
		{"\1\2\3\5abc", 7},  /* cut short */
		{"\1\2\4\x81\0", 5}, /* longer than need be */
		{"\x81\0\2", 3},     /* likewise */
	};
	static char long_entry[ENTRY_SIZE_MAX + 1] = "\1\2\x21\xfc\x1f";
	struct rows *rows = rows_new();
	struct writer writer;

	(void)state;
	writer_init(&writer, buffer, sizeof(buffer));
	for (size_t i = 0; i < ARRAY_LEN(none); i++)
		assert_code(rows_write(rows, pos_make(1, 1), none[i], &writer),
			    ERR_CORRUPT);
	assert_code(rows_write(rows, pos_make(1, 1),
			       (struct span){long_entry, sizeof(long_entry)},
			       &writer),
		    ERR_CORRUPT);
	assert_int_equal(writer.size, 0);
	rows_close(rows);
}

static void rows_close_takes_nothing(void **state)
{
	(void)state;
	rows_close(NULL);
	assert_int_equal(err.text[0], '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_entry_comes_back_and_has_one_form),
		cmocka_unit_test(going_back_leaves_no_trace),
		cmocka_unit_test(a_reset_segment_is_a_new_one),
		cmocka_unit_test(a_usual_movement_takes_seven_bytes),
		cmocka_unit_test(the_oldest_text_makes_way),
		cmocka_unit_test(an_item_is_expected_where_it_was_last),
		cmocka_unit_test(a_new_item_is_expected_nowhere),
		cmocka_unit_test(a_device_keeps_its_boot_and_sequence),
		cmocka_unit_test(a_full_writer_is_told_and_can_be_taken_back),
		cmocka_unit_test(what_is_no_entry_has_no_row),
		cmocka_unit_test(rows_close_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
