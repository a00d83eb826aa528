/*
 * Rows that nobody wrote: refused, or those of another entry.
 */
#include "tests/support/check.h"

#include "store/rows_shape.h"
#include "tests/support/deltas.h"

#define ROWS 24

static uint8_t buffer[1 << 17];
static uint8_t again[1 << 17];

/* Whether a newer depot may have written this: it knows how, we do not. */
static bool is_strange(const struct entry_bytes *entry)
{
	struct row_parts parts;

	assert_code(
		row_split((struct span){(const char *)entry->data, entry->size},
			  &parts),
		ERR_OK);
	for (size_t i = 0; i < parts.count && i < ROW_FIELDS_MAX; i++)
		if (row_class_known(parts.kind, parts.fields[i].tag) ==
		    ROW_CLASS_UNKNOWN)
			return true;
	return false;
}

/* Reads the rows of @bytes; returns how many there were before one was refused
 * or nothing was left. Each is written again into @writer, from the
 * same state. */
static size_t rows_turn(struct span bytes, bool stops_at_strange,
			struct writer *writer)
{
	static struct entry_bytes entry;
	static struct rows *in;
	static struct rows *out;
	struct reader reader;
	size_t read = 0;

	in = in == NULL ? rows_new() : in;
	out = out == NULL ? rows_new() : out;
	rows_reset(in);
	rows_reset(out);
	reader_init(&reader, bytes.data, bytes.size);
	while (reader_left(&reader) > 0) {
		if (rows_read(in, pos_make(1, read + 1), &reader, &entry) !=
		    ERR_OK)
			break;
		if (stops_at_strange && is_strange(&entry))
			break;
		assert_code(rows_write(out, pos_make(1, read + 1),
				       (struct span){(char *)entry.data,
						     entry.size},
				       writer),
			    ERR_OK);
		assert_int_equal(writer->size, reader.at);
		assert_memory_equal(writer->data, bytes.data, writer->size);
		read++;
	}
	return read;
}

static size_t rows_make(uint64_t seed)
{
	struct maker maker = {.random = seed,
			      .stamp = {UINT64_C(1) << 56},
			      .texts = 6,
			      .is_plain = true};
	struct rows *rows = rows_new();
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	for (size_t i = 0; i < ROWS; i++) {
		struct bytes entry = maker_entry(&maker);

		if (entry.size > 400)
			continue;
		assert_code(rows_write(rows, pos_make(1, i + 1),
				       bytes_span(&entry), &writer),
			    ERR_OK);
	}
	rows_close(rows);
	return writer.size;
}

/* Method: every bit of the rows of random entries turned. What is still read is
 * written again and must be those bytes: no entry has two forms. But how a
 * field that only a newer depot knows is written, only that one can say. */
static void a_turned_bit_is_refused_or_another_entry(void **state)
{
	uint64_t seed = test_seed(4);
	size_t refused = 0;
	size_t others = 0;

	(void)state;
	for (uint64_t round = 0; round < 4; round++) {
		size_t size = rows_make(seed + round);

		for (size_t bit = 0; bit < 8 * size; bit++) {
			struct writer writer;

			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
			writer_init(&writer, again, sizeof(again));
			(void)rows_turn((struct span){(char *)buffer, size},
					true, &writer);
			refused += writer.size != size;
			others += writer.size == size;
			buffer[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
	printf("%zu refused, %zu others\n", refused, others);
	assert_true(refused > 1000 && others > 1000);
}

static void a_cut_row_is_refused(void **state)
{
	uint64_t seed = test_seed(5);
	size_t size = rows_make(seed);
	size_t cut_within = 0;

	(void)state;
	for (size_t cut = 0; cut < size; cut++) {
		struct writer writer;

		writer_init(&writer, again, sizeof(again));
		(void)rows_turn((struct span){(char *)buffer, cut}, false,
				&writer);
		cut_within += writer.size < cut;
	}
	assert_true(cut_within > size / 2);
}

/* ---- one rule each ---- */

/* The shape of an entry of kind 2 with fields 9, 17 and 22, and texts. */
#define SHAPE "\0\2\3\x09\x08\x11\5\x16\7"
#define KIND_ONLY "\0\x7f\0" /* an unknown kind without fields */

struct crafted {
	const char *why;
	struct span rows;
	size_t good; /* rows before the one that is refused */
};

#define ROW_OF(literal)                        \
	{                                      \
		(literal), sizeof(literal) - 1 \
	}

static const struct crafted crafted[] = {
	{"a shape that is there, told again", ROW_OF(KIND_ONLY KIND_ONLY), 1},
	{"a shape that was never told", ROW_OF("\2"), 0},
	{"a code longer than need be", ROW_OF(KIND_ONLY "\x82\0"), 1},
	{"kind 0", ROW_OF("\0\0\0"), 0},
	{"tags that fall", ROW_OF("\0\x7f\2\x11\3\x10\3\1\1"), 0},
	{"a tag twice", ROW_OF("\0\x7f\2\x11\3\x11\3\1\1"), 0},
	{"a class that is none", ROW_OF("\0\x7f\1\x11\x10\1"), 0},
	{"class 0", ROW_OF("\0\x7f\1\x11\0\1"), 0},
	{"a device's boot", ROW_OF("\0\x7f\1\6\4\1x"), 0},
	{"a device's sequence", ROW_OF("\0\x7f\1\7\3\1"), 0},
	{"a constant zero", ROW_OF("\0\x7f\1\x11\1\0"), 0},
	{"a constant empty text", ROW_OF("\0\x7f\1\x11\2\0"), 0},
	{"a zero", ROW_OF("\0\x7f\1\x11\3\0"), 0},
	{"an empty text", ROW_OF("\0\x7f\1\x11\4\0"), 0},
	{"an empty text for a window", ROW_OF("\0\x7f\1\x11\5\0\0\0"), 0},
	{"a quantity in the shape", ROW_OF("\0\2\1\x14\1\2"), 0},
	{"a movement's kind in the row", ROW_OF("\0\2\1\x10\3\4"), 0},
	{"an item among the places", ROW_OF("\0\2\1\x11\6\0\0\1x"), 0},
	{"an item as it is", ROW_OF("\0\2\1\x11\4\1x"), 0},
	{"an actor as it is", ROW_OF("\0\2\1\5\4\1x"), 0},
	{"DOCK as a place", ROW_OF("\0\2\1\x16\7\0\0\4DOCK"), 0},
	{"a bin of the site in the shape", ROW_OF("\0\2\1\x16\2\2A1"), 0},
	{"a stamp that follows, as a number", ROW_OF("\0\2\1\1\3\x80\x80\4"),
	 0},
	{"the next stamp, as a number",
	 ROW_OF("\0\2\1\1\x0a\1\2\0\2\0\0\2\1\1\3\x83\x80\4"), 3},
	{"a time of an unknown field", ROW_OF("\0\x7f\1\x20\x0a\1"), 0},
	{"a whole second in milliseconds",
	 ROW_OF("\0\2\2\1\x0a\2\x0b\x90\x4e\xd0\x0f"), 0},
	{"a near time as a far one", ROW_OF("\0\2\2\1\x0a\2\x0d\x90\x4e\3"), 0},
	{"an effective time that is the stamp's",
	 ROW_OF("\0\2\2\1\x0a\2\x0c\xe8\7\0"), 0},
	{"a new text that is there",
	 ROW_OF(SHAPE "\0\0\1r\0\0\1x\0\0\1p\2\0\1\0"), 1},
	{"less shared with the text before than could be",
	 ROW_OF(SHAPE "\0\0\1r\0\0\1x\0\0\1p\2\0\0\2rr"), 1},
	{"more shared than there is",
	 ROW_OF(SHAPE "\0\0\1r\0\0\1x\0\0\1p\2\0\2\1r"), 1},
	{"a reference older than there are",
	 ROW_OF(SHAPE "\0\0\1r\0\0\1x\0\0\1p\2\2"), 1},
	{"an item beyond the window",
	 ROW_OF(SHAPE "\0\0\1r\0\0\1x\0\0\1p\2\1\3"), 1},
	{"the expected item by its slot",
	 ROW_OF(SHAPE "\0\0\1r\0\0\1x\0\0\1p\2\1\2"), 1},
	{"the expected place by its slot",
	 ROW_OF(SHAPE "\0\0\1r\0\0\1x\0\0\1p\2\1\1\2"), 1},
	{"the place of an item that has none",
	 ROW_OF(SHAPE "\0\0\1r\0\0\1x\0\0\1p\2\1\0\0\1y\1"), 1},
	{"an entry as it is that has a shape", ROW_OF("\1\4\1\x7f\x22\1"), 0},
	{"an entry as it is that is none", ROW_OF("\1\2\1\0"), 0},
};

static void a_row_that_is_not_in_its_one_form_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(crafted); i++) {
		const struct crafted *one = &crafted[i];
		struct writer writer;
		size_t read;

		writer_init(&writer, again, sizeof(again));
		read = rows_turn(one->rows, false, &writer);
		if (read != one->good)
			fail_msg("%s: %zu rows", one->why, read);
	}
}

/* The entry as it is, of so many fields that it has no shape; with @number as
 * a device's own sequence. */
static size_t whole_make(uint64_t number)
{
	struct bytes entry;
	struct writer writer;

	writer_init(&writer, entry.data, sizeof(entry.data));
	write_varint(&writer, ENTRY_FORMAT);
	write_varint(&writer, ENTRY_KIND_MAX + 100);
	field_number(&writer, 7, number);
	for (uint64_t tag = 16; tag < 16 + ROW_FIELDS_MAX + 1; tag++)
		field_number(&writer, tag, tag);
	entry.size = writer.size;
	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, 1);
	write_span(&writer, bytes_span(&entry));
	return writer.size;
}

static void an_entry_as_it_is_has_no_sequence_of_a_device(void **state)
{
	struct writer writer;
	struct span row = {(char *)buffer, whole_make(0)};

	(void)state;
	writer_init(&writer, again, sizeof(again));
	assert_int_equal(rows_turn(row, false, &writer), 1);
	row.size = whole_make(17);
	writer_init(&writer, again, sizeof(again));
	assert_int_equal(rows_turn(row, false, &writer), 0);
}

/* The same with what is right, so that the ones above are refused for what
 * they say. */
static void the_right_forms_of_those_are_read(void **state)
{
	static const struct span right[] = {
		ROW_OF(KIND_ONLY "\2\2"),
		ROW_OF("\0\2\1\x16\2\4DOCK\2"),
		ROW_OF("\0\2\1\1\x0a\1\2\0\2\5"),
		ROW_OF("\0\2\2\1\x0a\2\x0c\x90\x4e\4"),
		ROW_OF("\0\2\2\1\x0a\2\x0b\x90\x4e\3"),
		ROW_OF(SHAPE "\0\0\1r\0\0\1x\0\0\1p\2\1\1\1"
			     "\2\0\1\1r\0\1\1y\2\2\2\2\1"),
	};
	static const size_t counts[] = {3, 2, 3, 1, 1, 4};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(right); i++) {
		struct writer writer;
		size_t read;

		writer_init(&writer, again, sizeof(again));
		read = rows_turn(right[i], false, &writer);
		if (read != counts[i] || writer.size != right[i].size)
			fail_msg("%zu: %zu rows, %zu bytes", i, read,
				 writer.size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_turned_bit_is_refused_or_another_entry),
		cmocka_unit_test(a_cut_row_is_refused),
		cmocka_unit_test(a_row_that_is_not_in_its_one_form_is_refused),
		cmocka_unit_test(an_entry_as_it_is_has_no_sequence_of_a_device),
		cmocka_unit_test(the_right_forms_of_those_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
