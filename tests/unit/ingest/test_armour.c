/*
 * A few bytes as a text file: what is written reads back, and what is mistyped
 * is told by its line.
 */
#include "gateway/ingest/armour.h"

#include "tests/support/check.h"

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

struct text {
	char text[ARMOUR_TEXT_SIZE_MAX + 1];
	size_t size;
};

static void armour(struct text *text, const char *note, struct span bytes)
{
	struct writer writer;

	writer_init(&writer, text->text, ARMOUR_TEXT_SIZE_MAX);
	armour_write(&writer, "ask", note, bytes);
	assert_true(writer_ok(&writer));
	text->size = writer.size;
	text->text[writer.size] = '\0';
}

static struct span whole(const struct text *text)
{
	return (struct span){text->text, text->size};
}

/* Method: each size from 0 to the longest, with random bytes and the longest
 * note, so that it is also shown to fit. */
static void what_is_written_reads_back_at_every_size(void **state)
{
	uint64_t random = test_seed(20261123);
	char note[ARMOUR_NOTE_SIZE_MAX + 1];
	uint8_t bytes[ARMOUR_SIZE_MAX];
	uint8_t again[ARMOUR_SIZE_MAX];
	unsigned checked = 0;

	(void)state;
	memset(note, 'n', sizeof(note));
	note[500] = '\n';
	note[ARMOUR_NOTE_SIZE_MAX] = '\0';
	for (size_t size = 0; size <= ARMOUR_SIZE_MAX; size++) {
		struct span given = {(const char *)bytes, size};
		struct text text;
		size_t read = SIZE_MAX;
		unsigned line;

		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)next_random(&random);
		armour(&text, note, given);
		assert_int_equal(armour_read(whole(&text), "ask", again, &read,
					     &line),
				 ARMOUR_SOUND);
		assert_int_equal(read, size);
		assert_memory_equal(again, bytes, size);
		checked++;
	}
	assert_int_equal(checked, ARMOUR_SIZE_MAX + 1);
}

/* Method: every symbol of 32 bytes' five lines becomes every other one. */
static void a_mistyped_symbol_is_told_by_its_line(void **state)
{
	static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	static const char key[] = "a key of thirty-two bytes, so so";
	struct span bytes = {key, 32};
	uint8_t again[ARMOUR_SIZE_MAX];
	struct text text;
	unsigned line = 2;
	unsigned checked = 0;

	(void)state;
	armour(&text, "two\nlines", bytes);
	for (size_t i = strlen("depot ask 1\n"); i < text.size; i++) {
		char was = text.text[i];
		bool is_note = line <= 3;
		unsigned told = 0;
		size_t size;

		line += was == '\n';
		if (is_note || was == '\n' || was == '-')
			continue;
		for (size_t j = 0; symbols[j] != '\0'; j++) {
			if (symbols[j] == was)
				continue;
			text.text[i] = symbols[j];
			assert_int_equal(armour_read(whole(&text), "ask", again,
						     &size, &told),
					 ARMOUR_LINE);
			assert_int_equal(told, line);
			checked++;
		}
		text.text[i] = was;
	}
	/* 40 bytes: four lines of 16 symbols and a check symbol, which may be
	 * none of the 32. */
	assert_true(checked >= 4 * 17 * 31);
}

static void lines_that_are_missing_or_mixed_up_are_told(void **state)
{
	static const char key[] = "a key of thirty-two bytes, so so";
	struct span bytes = {key, 32};
	uint8_t again[ARMOUR_SIZE_MAX];
	struct text text;
	struct text mixed;
	const size_t head = strlen("depot ask 1\n# note\n");
	const size_t line = strlen("0123-4567-89AB-CDEF-*\n");
	size_t size;
	unsigned told;

	(void)state;
	armour(&text, "note", bytes);
	assert_int_equal(text.size, head + 4 * line);
	mixed = text;
	memcpy(mixed.text + head, text.text + head + line, line);
	memcpy(mixed.text + head + line, text.text + head, line);
	assert_int_equal(armour_read(whole(&mixed), "ask", again, &size, &told),
			 ARMOUR_WHOLE);
	for (size_t lines = 0; lines < 4; lines++) {
		struct span cut = {text.text, head + lines * line};

		assert_int_equal(armour_read(cut, "ask", again, &size, &told),
				 ARMOUR_WHOLE);
	}
	assert_int_equal(armour_read(whole(&text), "root-key", again, &size,
				     &told),
			 ARMOUR_KIND);
	text.text[strlen("depot ask ")] = '2';
	assert_int_equal(armour_read(whole(&text), "ask", again, &size, &told),
			 ARMOUR_VERSION_NEW);
}

/* As it comes back from a phone or another system's editor. */
static void what_editors_do_to_it_does_no_harm(void **state)
{
	struct span bytes = {"12345", 5};
	uint8_t again[ARMOUR_SIZE_MAX];
	struct text text;
	struct text lower;
	size_t size = 0;
	unsigned line = 0;

	(void)state;
	armour(&text, "", bytes);
	lower.size = 0;
	for (size_t i = 0; i < text.size; i++) {
		bool is_head = i < strlen("depot ask 1");
		char c = text.text[i];

		if (c == '\n')
			lower.text[lower.size++] = '\r';
		if (!is_head && c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!is_head && c == '1')
			c = 'l';
		if (!is_head && c == '0')
			c = 'o';
		lower.text[lower.size++] = c;
	}
	assert_int_equal(armour_read(whole(&lower), "ask", again, &size, &line),
			 ARMOUR_SOUND);
	assert_int_equal(size, 5);
	assert_memory_equal(again, "12345", 5);
}

static void every_fault_has_its_sentence_in_both_languages(void **state)
{
	(void)state;
	for (int i = 0; i <= ARMOUR_WHOLE; i++) {
		const char *en = armour_fault_text((enum armour_fault)i, false);
		const char *zh = armour_fault_text((enum armour_fault)i, true);

		assert_true(strlen(en) > 0);
		assert_string_not_equal(en, zh);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_back_at_every_size),
		cmocka_unit_test(a_mistyped_symbol_is_told_by_its_line),
		cmocka_unit_test(lines_that_are_missing_or_mixed_up_are_told),
		cmocka_unit_test(what_editors_do_to_it_does_no_harm),
		cmocka_unit_test(
			every_fault_has_its_sentence_in_both_languages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
