/*
 * Any link is refused with a fault that can be told, or read; and what was
 * read is written as a link that says the same, and that stays as it is when
 * it is read and written again.
 *
 * The first byte chooses options, the rest is the link.
 */
#include <string.h>

#include "gateway/ingest/gs1_link.h"
#include "tests/fuzz/fuzz.h"

static struct gs1_message message;
static struct gs1_message again;

static void check_problem(const struct scan_problem *problem)
{
	char text[SCAN_TEXT_SIZE];

	ASSERT(problem->fault > SCAN_OK && problem->fault < SCAN_FAULT_COUNT);
	scan_problem_text_en(problem, text, sizeof(text));
	ASSERT(text[0] != '\0' && text_is_clean(span_of(text)));
}

static void check_written(const struct gs1_options *options)
{
	static char first[4 * GS1_TEXT_SIZE_MAX];
	static char second[4 * GS1_TEXT_SIZE_MAX];
	size_t first_size;
	size_t second_size;

	if (!gs1_link_write(&message, options, first, sizeof(first),
			    &first_size))
		return;
	if (!gs1_link_read((struct span){first, first_size}, options, &again)) {
		/* What was compressed may have attributes that no link may. */
		check_problem(&again.problem);
		return;
	}
	ASSERT(again.element_count == message.element_count);
	ASSERT(gs1_link_write(&again, options, second, sizeof(second),
			      &second_size));
	ASSERT(second_size == first_size &&
	       memcmp(first, second, first_size) == 0);
}

/* An uncompressed link is sure to be written, and to be readable again. */
static void check_plain(const struct gs1_options *options)
{
	static char text[4 * GS1_TEXT_SIZE_MAX];
	size_t size;

	ASSERT(message.element_count > 0 && message.elements[0].path == 1);
	ASSERT(gs1_link_write(&message, options, text, sizeof(text), &size));
	ASSERT(gs1_link_read((struct span){text, size}, options, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gs1_options options = {.year = 2026};
	struct span link;

	if (size == 0)
		return 0;
	link = (struct span){(const char *)data + 1, size - 1};
	options.are_associations_required = data[0] & 1;
	options.are_unknown_ais_allowed = data[0] & 2;
	options.are_unknown_attributes_allowed = data[0] & 4;
	options.are_short_gtins_allowed = data[0] & 8;
	if (gs1_link_read(link, &options, &message)) {
		check_plain(&options);
		check_written(&options);
	} else {
		check_problem(&message.problem);
	}
	if (gs1_link_read_compressed(link, &options, &message))
		check_written(&options);
	else
		check_problem(&message.problem);
	return 0;
}
