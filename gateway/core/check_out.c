#include "gateway/core/check_out.h"

#include "gateway/core/terms.h"
#include "rules/check/answer.h"

static void text_or(const char *key, struct span text, struct json_out *out)
{
	if (text.size > 0)
		out_text_at(out, key, text);
}

static void bits_out(const char *key, enum term_set set, uint32_t bits,
		     struct json_out *out)
{
	if (bits == 0)
		return;
	out_array_at(out, key);
	for (uint32_t bit = 1; bit != 0 && bit <= bits; bit <<= 1)
		if ((bits & bit) != 0)
			out_string(out, term_name(set, bit));
	out_array_end(out);
}

void check_out(const struct check *check, struct json_out *out)
{
	out_text_at(out, "check", name_span(&check->id));
	text_or("name_en", item_name_span(&check->name_en), out);
	text_or("name_zh", item_name_span(&check->name_zh), out);
	out_string_at(out, "kind", term_name(TERM_CHECK, check->kind));
	text_or("times", ref_span(&check->times), out);
	if (check->every_h != 0)
		out_int_at(out, "every_h", check->every_h);
	bits_out("weekdays", TERM_WEEKDAY, check->weekdays, out);
	out_int_at(out, "grace_min", check->grace_min);
	text_or("place", place_name_span(&check->place), out);
	bits_out("roles", TERM_ROLE, check->roles, out);
	if (check->is_retired)
		out_bool_at(out, "retired", true);
}

static void value_out(const char *key, int64_t value, struct json_out *out)
{
	char text[ANSWER_TEXT_SIZE];

	answer_print(value, text);
	out_string_at(out, key, text);
}

static void texts_out(const struct check *question, struct json_out *out)
{
	text_or("text_en", item_name_span(&question->name_en), out);
	text_or("text_zh", item_name_span(&question->name_zh), out);
}

static void question_out(const struct check *question, struct json_out *out)
{
	out_object(out);
	out_int_at(out, "question", question->number);
	texts_out(question, out);
	out_string_at(out, "answer", term_name(TERM_ANSWER, question->answer));
	if (question->has_low)
		value_out("low", question->low, out);
	if (question->has_high)
		value_out("high", question->high, out);
	text_or("measure", unit_text_span(&question->measure), out);
	out_object_end(out);
}

void check_questions_out(const struct check_sheet *sheet, struct json_out *out)
{
	out_array_at(out, "questions");
	for (uint32_t n = 1; n <= CHECK_QUESTIONS_MAX; n++)
		if ((sheet->asked >> (n - 1) & 1) != 0)
			question_out(&sheet->parts[n], out);
	out_array_end(out);
}

/* A question that was said anew since is another one. */
static void answer_out(const struct check_result *result, uint32_t n,
		       const struct check *question, struct json_out *out)
{
	int64_t value = result->values[n - 1];

	out_object(out);
	out_int_at(out, "question", n);
	if (question != NULL)
		texts_out(question, out);
	if (question == NULL || question->answer == ANSWER_NUMBER)
		value_out("value", value, out);
	else
		out_string_at(out, "value", value != 0 ? "yes" : "no");
	if (question != NULL)
		text_or("measure", unit_text_span(&question->measure), out);
	out_bool_at(out, "in_order",
		    (result->out_of_limits >> (n - 1) & 1) == 0);
	out_object_end(out);
}

void check_answers_out(const struct check_result *result, struct pos pos,
		       const struct check_sheet *sheet, struct json_out *out)
{
	out_array_at(out, "answers");
	for (uint32_t n = 1; n <= CHECK_QUESTIONS_MAX; n++) {
		bool is_same = sheet->parts[n].id.size > 0 &&
			       sheet->said[n].value < pos.value;

		if ((result->answered >> (n - 1) & 1) != 0)
			answer_out(result, n, is_same ? &sheet->parts[n] : NULL,
				   out);
	}
	out_array_end(out);
}
