#include "gateway/core/command_import.h"

#include <string.h>

/* The blank of Chinese type, which spreadsheets keep. */
#define WIDE_BLANK "\xe3\x80\x80"

bool row_fault(struct import_row *row, size_t column, const struct fault *fault)
{
	if (row->is_bad)
		return false;
	row->is_bad = true;
	row->column = column;
	row->code = fault_code(fault->kind);
	fault_text_en(fault, row->text_en, sizeof(row->text_en));
	fault_text_zh(fault, row->text_zh, sizeof(row->text_zh));
	return false;
}

bool row_refuse(struct import_row *row, size_t column,
		const struct refusal *why, struct span detail)
{
	if (row->is_bad)
		return false;
	row->is_bad = true;
	row->column = column;
	row->code = why->code;
	refusal_text(why, false, detail, row->text_en, sizeof(row->text_en));
	refusal_text(why, true, detail, row->text_zh, sizeof(row->text_zh));
	return false;
}

/* Bytes of the blank that @text begins, or (@is_end) ends with; 0: none. */
static size_t blank_size(struct span text, bool is_end)
{
	const size_t wide = sizeof(WIDE_BLANK) - 1;
	char c;

	if (text.size == 0)
		return 0;
	c = text.data[is_end ? text.size - 1 : 0];
	if (c == ' ' || c == '\t')
		return 1;
	if (text.size >= wide &&
	    memcmp(text.data + (is_end ? text.size - wide : 0), WIDE_BLANK,
		   wide) == 0)
		return wide;
	return 0;
}

struct span row_field(const struct import_row *row, size_t column)
{
	struct span text = csv_field(row->csv, column);
	size_t size;

	while ((size = blank_size(text, false)) > 0) {
		text.data += size;
		text.size -= size;
	}
	while ((size = blank_size(text, true)) > 0)
		text.size -= size;
	return text;
}

bool row_text(struct import_row *row, size_t column, size_t max,
	      struct span *ret_text)
{
	struct span text = row_field(row, column);
	struct fault fault;
	char size[24];

	if (text.size > max) {
		(void)text_format(size, sizeof(size), "%zu", text.size);
		(void)fault_of(&fault, FAULT_TEXT_TOO_LONG,
			       row->columns[column].name, span_of(size));
		fault.high = max;
		return row_fault(row, column, &fault);
	}
	if (!text_is_clean(text)) {
		(void)fault_of(&fault, FAULT_BAD_TEXT,
			       row->columns[column].name, text);
		return row_fault(row, column, &fault);
	}
	*ret_text = text;
	return true;
}

/* Reads "12", "-3", "12.50". False: no such number, or beyond 64 bits. */
static bool number_parse(struct span text, unsigned decimals, int64_t *number)
{
	bool is_negative = text.size > 0 && text.data[0] == '-';
	bool has_point = false;
	bool has_digit = false;
	unsigned behind = 0;
	int64_t value = 0;

	for (size_t i = is_negative ? 1 : 0; i < text.size; i++) {
		char c = text.data[i];

		if (c == '.' && !has_point) {
			has_point = true;
			continue;
		}
		if (c < '0' || c > '9')
			return false;
		has_digit = true;
		if (has_point && behind == decimals) {
			if (c != '0')
				return false;
			continue;
		}
		behind += has_point;
		if (__builtin_mul_overflow(value, INT64_C(10), &value) ||
		    __builtin_add_overflow(value, (int64_t)(c - '0'), &value))
			return false;
	}
	for (; behind < decimals; behind++)
		if (__builtin_mul_overflow(value, INT64_C(10), &value))
			return false;
	*number = is_negative ? -value : value;
	return has_digit;
}

bool row_number(struct import_row *row, size_t column, struct row_range range,
		int64_t *number)
{
	struct span text = row_field(row, column);
	struct fault fault;
	int64_t scale = 1;
	int64_t value;

	if (text.size == 0)
		return true;
	if (!number_parse(text, range.decimals, &value)) {
		(void)fault_of(&fault,
			       range.decimals == 0 ? FAULT_NOT_WHOLE
						   : FAULT_NOT_NUMBER,
			       row->columns[column].name, text);
		return row_fault(row, column, &fault);
	}
	for (unsigned i = 0; i < range.decimals; i++)
		scale *= 10;
	if (value < range.low * scale || value > range.high * scale) {
		(void)fault_of(&fault, FAULT_OUT_OF_RANGE,
			       row->columns[column].name, text);
		fault.low = range.low;
		fault.high = (uint64_t)range.high;
		return row_fault(row, column, &fault);
	}
	*number = value;
	return true;
}

static void text_add(char *text, const char *front, const char *more)
{
	size_t used = strlen(text);

	(void)text_format(text + used, FAULT_TEXT_SIZE - used, "%s%s", front,
			  more);
}

bool row_unknown(struct import_row *row, size_t column, const char *words_en,
		 const char *words_zh)
{
	if (row->is_bad)
		return false;
	(void)row_refuse(row, column, &refusal_unknown_word,
			 row_field(row, column));
	text_add(row->text_en, ": ", words_en);
	text_add(row->text_zh, "：", words_zh);
	return false;
}

bool row_term(struct import_row *row, size_t column, enum term_set set,
	      uint32_t *value)
{
	struct span text = row_field(row, column);
	char words_en[TERM_LIST_SIZE];
	char words_zh[TERM_LIST_SIZE];

	if (text.size == 0 || term_parse(set, text, value))
		return true;
	term_list(set, false, words_en, sizeof(words_en));
	term_list(set, true, words_zh, sizeof(words_zh));
	return row_unknown(row, column, words_en, words_zh);
}

bool row_bool(struct import_row *row, size_t column, bool *is_set)
{
	struct span text = row_field(row, column);

	if (text.size == 0 || term_parse_bool(text, is_set))
		return true;
	return row_unknown(row, column, "yes, no", "是、否");
}
