/*
 * Any text is refused with a fault that can be told, or says something that
 * holds: elements that pass their checks again, and that read back as
 * themselves from brackets and from their own element string.
 *
 * The first byte chooses options, the rest is what a scanner sent.
 */
#include <string.h>

#include "gateway/ingest/scan_text.h"
#include "tests/fuzz/fuzz.h"

#define YEAR 2026

static struct gs1_message again;

static void check_problem(const struct scan_problem *problem)
{
	char text[SCAN_TEXT_SIZE];

	ASSERT(problem->fault > SCAN_OK && problem->fault < SCAN_FAULT_COUNT);
	scan_problem_text_en(problem, text, sizeof(text));
	ASSERT(text[0] != '\0' && text_is_clean(span_of(text)));
	scan_problem_text_zh(problem, text, sizeof(text));
	ASSERT(text[0] != '\0' && text_is_clean(span_of(text)));
}

static void check_same(const struct gs1_message *a, const struct gs1_message *b)
{
	ASSERT(a->element_count == b->element_count);
	for (size_t i = 0; i < a->element_count; i++) {
		ASSERT(span_equal(gs1_ai_of(a, &a->elements[i]),
				  gs1_ai_of(b, &b->elements[i])));
		ASSERT(span_equal(gs1_value_of(a, &a->elements[i]),
				  gs1_value_of(b, &b->elements[i])));
	}
}

static void check_message(const struct gs1_message *message,
			  const struct gs1_options *options)
{
	static char text[2 * GS1_TEXT_SIZE_MAX];
	size_t size;

	for (size_t i = 0; i < message->warning_count; i++)
		check_problem(&message->warnings[i]);
	for (size_t i = 0; i < message->element_count; i++) {
		const struct gs1_element *element = &message->elements[i];

		ASSERT(gs1_ai_check(element->ai, gs1_value_of(message, element),
				    options->year) == SCAN_OK);
	}
	if (message->element_count == 0 || message->is_composite)
		return;
	ASSERT(gs1_read_elements(gs1_text_of(message), GS1_FNC1, options,
				 &again));
	check_same(message, &again);
	ASSERT(gs1_write_brackets(message, text, sizeof(text), &size));
	ASSERT(gs1_read_brackets((struct span){text, size}, options, &again));
	check_same(message, &again);
}

static void check_reading(bool is_read, const struct gs1_message *message,
			  const struct gs1_options *options)
{
	if (is_read)
		check_message(message, options);
	else
		check_problem(&message->problem);
}

static void read_as_gs1(struct span text, const struct gs1_options *options)
{
	static struct gs1_message message;
	enum gs1_carrier carrier;

	check_reading(gs1_read_elements(text, GS1_FNC1, options, &message),
		      &message, options);
	check_reading(gs1_read_elements(text, GS1_GS, options, &message),
		      &message, options);
	check_reading(gs1_read_brackets(text, options, &message), &message,
		      options);
	check_reading(gs1_scan_read(text, options, &message, &carrier),
		      &message, options);
}

static void read_as_scan(struct span text, const struct scan_options *options)
{
	static struct scan_text scan;

	if (!scan_text_read(text, options, &scan)) {
		check_problem(&scan.message.problem);
		return;
	}
	ASSERT(scan.gtin[0] == '\0' || strlen(scan.gtin) == GS1_GTIN_SIZE);
	ASSERT(scan.sscc[0] == '\0' || strlen(scan.sscc) == SSCC_SIZE);
	ASSERT(scan.expiry_ai[0] == '\0' || date_is_valid(scan.expiry));
	ASSERT(!scan.has_quantity || scan.quantity > 0);
	ASSERT(scan.kind != SCAN_KIND_PLAIN || scan_text_code(&scan).size > 0);
	for (size_t i = 0; i < scan.message.warning_count; i++)
		check_problem(&scan.message.warnings[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gs1_options gs1 = {.year = YEAR};
	struct scan_options options = {.year = YEAR};
	struct span text;

	if (size == 0)
		return 0;
	text = (struct span){(const char *)data + 1, size - 1};
	gs1.are_associations_required = data[0] & 1;
	if (data[0] & 2)
		gs1.separator = span_of("{GS}");
	options.separator = gs1.separator;
	options.has_fnc1 = data[0] & 4;
	options.carrier = (data[0] >> 3) % GS1_CARRIER_COUNT;
	read_as_gs1(text, &gs1);
	read_as_scan(text, &options);
	return 0;
}
