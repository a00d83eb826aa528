#include "gateway/core/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void verdict_init(struct verdict *verdict)
{
	*verdict = (struct verdict){.result = RESULT_BOOKED};
}

bool verdict_is_open(const struct verdict *verdict)
{
	return verdict->result == RESULT_BOOKED;
}

static void verdict_set(struct verdict *verdict, enum result result,
			enum word word, struct span detail)
{
	verdict->result = result;
	verdict->word = word;
	text_print(detail, verdict->detail, sizeof(verdict->detail));
}

void verdict_refuse(struct verdict *verdict, enum word word, struct span detail)
{
	verdict_set(verdict, RESULT_REFUSED, word, detail);
}

void verdict_park(struct verdict *verdict, enum word word, struct span detail)
{
	verdict_set(verdict, RESULT_PARKED, word, detail);
}

void verdict_fault(struct verdict *verdict, const struct fault *fault)
{
	struct span none = {"", 0};

	if (fault->kind < FAULT_IS_NULL)
		verdict_park(verdict, WORD_MALFORMED, none);
	else
		verdict_refuse(verdict, WORD_INVALID, none);
	verdict->fault = *fault;
}

void verdict_reused(struct verdict *verdict, enum seen_state state,
		    uint64_t seq)
{
	char number[24];

	(void)text_format(number, sizeof(number), "%" PRIu64, seq);
	verdict_park(verdict,
		     state == SEEN_REUSED ? WORD_SEQ_REUSED : WORD_SEQ_TOO_OLD,
		     span_of(number));
}

void verdict_warn(struct verdict *verdict, const struct scan_problem *problem)
{
	if (problem->fault == SCAN_OK)
		return;
	verdict->problem = *problem;
	if (verdict->word == WORD_NONE)
		verdict->word = WORD_BOOKED_BUT;
}

void verdict_besides(struct verdict *verdict, enum word word, struct span about)
{
	if (!ref_set(&verdict->besides_of, about))
		return;
	verdict->besides = word;
	if (verdict->word == WORD_NONE)
		verdict->word = WORD_BOOKED_BUT;
}

void verdict_say(struct verdict *verdict, enum word word, const char *format,
		 ...)
{
	va_list arguments;

	verdict->word = word;
	va_start(arguments, format);
	(void)vsnprintf(verdict->detail, sizeof(verdict->detail), format,
			arguments);
	va_end(arguments);
	/* The cut may have split a character. */
	text_print(span_of(verdict->detail), verdict->detail,
		   sizeof(verdict->detail));
}

void verdict_next(struct verdict *verdict, const char *next)
{
	char detail[sizeof(verdict->detail)];

	verdict->next = next;
	if (!word_says_next(verdict->word))
		return;
	/* Without room for it the sentence ends before it. */
	if (text_format(detail, sizeof(detail), "%s" WORD_FIELD_END "%s",
			verdict->detail, next))
		memcpy(verdict->detail, detail, sizeof(detail));
}

struct answer verdict_answer(const struct verdict *verdict, struct pos head)
{
	struct answer answer = {.result = verdict->result,
				.code = (uint16_t)verdict->word,
				.pos = verdict->pos.value != 0 ? verdict->pos
							       : head};

	if (verdict->result != RESULT_BOOKED) {
		answer.detail_size = (uint8_t)span_of(verdict->detail).size;
		for (size_t i = 0; i < answer.detail_size; i++)
			answer.detail[i] = verdict->detail[i];
	}
	return answer;
}

static bool is_fault(const struct verdict *verdict)
{
	return (verdict->word == WORD_MALFORMED ||
		verdict->word == WORD_INVALID) &&
	       verdict->fault.kind != FAULT_NONE;
}

static bool is_problem(const struct verdict *verdict)
{
	return verdict->word == WORD_BAD_CODE &&
	       verdict->problem.fault != SCAN_OK;
}

const char *verdict_code(const struct verdict *verdict)
{
	if (is_fault(verdict))
		return fault_code(verdict->fault.kind);
	if (is_problem(verdict))
		return scan_fault_name(verdict->problem.fault);
	return word_code(verdict->word);
}

/* The front's own sentence, or the detail: what goes into the word's hole. */
static void hole_fill(const struct verdict *verdict, bool is_chinese,
		      char *buffer, size_t size)
{
	if (is_fault(verdict) && is_chinese)
		fault_text_zh(&verdict->fault, buffer, size);
	else if (is_fault(verdict))
		fault_text_en(&verdict->fault, buffer, size);
	else if (is_problem(verdict) && is_chinese)
		scan_problem_text_zh(&verdict->problem, buffer, size);
	else if (is_problem(verdict))
		scan_problem_text_en(&verdict->problem, buffer, size);
	else
		text_print(span_of(verdict->detail), buffer, size);
}

static size_t clause_end(bool is_chinese, char *buffer, size_t size)
{
	size_t used = span_of(buffer).size;

	(void)text_format(buffer + used, size - used, "%s",
			  is_chinese ? "；" : "; ");
	return span_of(buffer).size;
}

/* Warnings stand first: a small display cuts the end off. */
static size_t problem_print(const struct verdict *verdict, bool is_chinese,
			    char *buffer, size_t size)
{
	if (verdict->result != RESULT_BOOKED ||
	    verdict->problem.fault == SCAN_OK)
		return 0;
	if (is_chinese)
		scan_problem_text_zh(&verdict->problem, buffer, size);
	else
		scan_problem_text_en(&verdict->problem, buffer, size);
	return clause_end(is_chinese, buffer, size);
}

static size_t besides_print(const struct verdict *verdict, bool is_chinese,
			    char *buffer, size_t size)
{
	if (verdict->result != RESULT_BOOKED || verdict->besides == WORD_NONE)
		return 0;
	word_text(verdict->besides, ref_span(&verdict->besides_of), is_chinese,
		  buffer, size);
	return clause_end(is_chinese, buffer, size);
}

void verdict_text(const struct verdict *verdict, bool is_chinese, char *buffer,
		  size_t size)
{
	char hole[SCAN_TEXT_SIZE];
	size_t used = problem_print(verdict, is_chinese, buffer, size);

	used += besides_print(verdict, is_chinese, buffer + used, size - used);
	hole_fill(verdict, is_chinese, hole, sizeof(hole));
	word_text(verdict->word, span_of(hole), is_chinese, buffer + used,
		  size - used);
}
