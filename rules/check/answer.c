#include "rules/check/answer.h"

#include <inttypes.h>
#include <string.h>

#define WHOLE_DIGITS_MAX 9
#define DECIMALS_MAX 3

/* Digits at the begin of @text, added to @value. */
static size_t digits_take(struct span *text, int64_t *value)
{
	size_t count = 0;

	while (text->size > 0 && text->data[0] >= '0' && text->data[0] <= '9' &&
	       count <= WHOLE_DIGITS_MAX) {
		*value = *value * 10 + (text->data[0] - '0');
		text->data++;
		text->size--;
		count++;
	}
	return count;
}

bool answer_parse(struct span text, int64_t *ret_value)
{
	bool is_negative = text.size > 0 && text.data[0] == '-';
	int64_t value = 0;
	size_t whole;
	size_t decimals = 0;

	if (text.size > 0 && (is_negative || text.data[0] == '+'))
		text = (struct span){text.data + 1, text.size - 1};
	whole = digits_take(&text, &value);
	if (whole == 0 || whole > WHOLE_DIGITS_MAX)
		return false;
	if (text.size > 0 && text.data[0] == '.') {
		text = (struct span){text.data + 1, text.size - 1};
		decimals = digits_take(&text, &value);
		if (decimals == 0 || decimals > DECIMALS_MAX)
			return false;
	}
	if (text.size > 0)
		return false;
	for (; decimals < DECIMALS_MAX; decimals++)
		value *= 10;
	*ret_value = is_negative ? -value : value;
	return true;
}

void answer_print(int64_t value, char text[ANSWER_TEXT_SIZE])
{
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	size_t end;

	(void)text_format(text, ANSWER_TEXT_SIZE, "%s%" PRIu64 ".%03" PRIu64,
			  value < 0 ? "-" : "", size / CHECK_VALUE_SCALE,
			  size % CHECK_VALUE_SCALE);
	end = strlen(text);
	while (text[end - 1] == '0')
		end--;
	if (text[end - 1] == '.')
		end--;
	text[end] = '\0';
}

bool answer_is_in_order(const struct check *question, int64_t value)
{
	switch (question->answer) {
	case ANSWER_YES:
		return value != 0;
	case ANSWER_NO:
		return value == 0;
	case ANSWER_NUMBER:
		return (!question->has_low || value >= question->low) &&
		       (!question->has_high || value <= question->high);
	}
	return false;
}
