/*
 * docs/commands.md says of each command what the code does: that there is one,
 * whether it writes, and who may ask.
 */
#include "tests/unit/core/bench_warehouse.h"

#include "gateway/core/terms.h"

#define COMMANDS_MAX 128

struct documented {
	char name[48];
	char who[120];
	enum command_effect effect;
};

struct document {
	struct documented rows[COMMANDS_MAX];
	size_t count;
};

/* "| `name` | who | ..." under one of the two headings. */
static void line_take(struct document *document, const char *line,
		      enum command_effect effect)
{
	struct documented *row = &document->rows[document->count];

	if (sscanf(line, "| `%47[^`]` | %119[^|]|", row->name, row->who) != 2)
		return;
	for (size_t size = strlen(row->who);
	     size > 0 && row->who[size - 1] == ' '; size--)
		row->who[size - 1] = '\0';
	row->effect = effect;
	document->count++;
	assert_true(document->count < COMMANDS_MAX);
}

static void document_read(struct document *document)
{
	static char line[8192];
	FILE *file = fopen(DEPOT_GOLDEN "/../../docs/commands.md", "r");
	bool is_table = false;
	enum command_effect effect = COMMAND_WRITE;

	assert_non_null(file);
	document->count = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "## ", 3) == 0) {
			is_table = strcmp(line, "## Commands\n") == 0 ||
				   strcmp(line, "## Queries\n") == 0;
			effect = strcmp(line, "## Queries\n") == 0
					 ? COMMAND_QUERY
					 : COMMAND_WRITE;
		}
		if (is_table)
			line_take(document, line, effect);
	}
	assert_int_equal(fclose(file), 0);
}

static void who_print(uint32_t roles, char *text, size_t size)
{
	size_t used = 0;

	if (roles == 0)
		used = (size_t)snprintf(text, size, "anyone");
	for (uint32_t role = 1; role <= ROLE_HQ; role <<= 1)
		if ((roles & role) != 0)
			used += (size_t)snprintf(text + used, size - used,
						 "%s%s", used > 0 ? ", " : "",
						 term_name(TERM_ROLE, role));
	assert_true(used < size);
}

static void the_document_names_each_command_once(void **state)
{
	static struct document document;
	size_t count;
	size_t matched = 0;

	(void)state;
	document_read(&document);
	(void)command_at(0, &count);
	for (size_t i = 0; i < count; i++) {
		const struct command_spec *spec = command_at(i, &count);
		size_t found = 0;
		char who[160];

		who_print(spec->roles, who, sizeof(who));
		for (size_t j = 0; j < document.count; j++) {
			const struct documented *row = &document.rows[j];

			if (strcmp(row->name, spec->name) != 0)
				continue;
			assert_string_equal(row->who, who);
			assert_int_equal(row->effect, spec->effect);
			found++;
		}
		if (found != 1)
			fail_msg("%s stands in the document %zu times",
				 spec->name, found);
		matched++;
	}
	assert_int_equal(matched, document.count);
	printf("%zu commands documented\n", matched);
}

static void each_command_is_found_by_its_name_alone(void **state)
{
	size_t count;
	size_t found = 0;

	(void)state;
	assert_null(command_at(SIZE_MAX, &count));
	for (size_t i = 0; i < count; i++) {
		const struct command_spec *spec = command_at(i, &count);

		assert_ptr_equal(command_find(span_of(spec->name)), spec);
		assert_true(command_id_is_valid(span_of(spec->name)));
		assert_true(strlen(spec->name) <= NAME_SIZE_MAX);
		found++;
	}
	assert_true(found > 30);
	assert_null(command_find(SPAN_LITERAL("item")));
	assert_null(command_find(SPAN_LITERAL("item.sets")));
	assert_null(command_find((struct span){"", 0}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_names_each_command_once),
		cmocka_unit_test(each_command_is_found_by_its_name_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
