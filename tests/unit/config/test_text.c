/*
 * What is printed of the configuration - values, example, man page - comes
 * from the same table that is read, and reads back to the same.
 */
#include "tests/support/check.h"

#include "gateway/config.h"
#include "gateway/config_table.h"

#define REQUIRED "[site]\norg = acme\nsite = hz-01\n"
#define LINKS                                                      \
	"[link hq]\nuri = ssl://hq.example:8883\nbudget = 1 MiB\n" \
	"[link hz-02]\nuri = tcp://10.0.0.2:1883\nenabled = no\n"

static struct config config;
static struct config_report report;

static enum err_code parse(const char *text)
{
	return config_parse("t.conf", span_of(text), &config, &report);
}

/* What @print writes; the caller frees it. */
static char *printed(void (*print)(FILE *))
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	print(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void print_config(FILE *out)
{
	config_print(&config, out);
}

static void assert_fields_equal(const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *directive = &config_table[i];

		assert_int_equal(directive_fields(directive, a),
				 directive_fields(directive, b));
		for (size_t link = directive_fields(directive, a); link-- > 0;)
			if (memcmp(directive_field(directive, link, a),
				   directive_field(directive, link, b),
				   directive->size) != 0)
				fail_msg("[%s] %s differs", directive->section,
					 directive->name);
	}
}

/* Writes a value that @directive takes and that is not its default. */
static void other_value(const struct directive *directive, char *buffer)
{
	static const char *const texts[] = {
		[DIRECTIVE_BOOL] = "yes",
		[DIRECTIVE_TEXT] = "Größe = \"1\" [x]",
		[DIRECTIVE_NAME] = "other",
		[DIRECTIVE_PATH] = "/other/place",
		[DIRECTIVE_URI] = "ssl://other:8883",
		[DIRECTIVE_ZONE] = "Asia/Shanghai",
		[DIRECTIVE_ADDRESS] = "127.0.0.2",
	};

	if (directive->type == DIRECTIVE_WORD)
		(void)text_format(buffer, CONFIG_VALUE_SIZE, "%s",
				  directive->words[1]);
	else if (directive->max > 0)
		directive_format_number(directive, directive->max, buffer);
	else
		(void)text_format(buffer, CONFIG_VALUE_SIZE, "%s",
				  texts[directive->type]);
}

static void every_directive_is_set_to_another_value(void)
{
	char value[CONFIG_VALUE_SIZE];

	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *directive = &config_table[i];
		struct config_origin origin = {.file = 1};

		other_value(directive, value);
		for (size_t link = directive_fields(directive, &config);
		     link-- > 0;) {
			assert_true(
				directive_set(directive, link, value, &config));
			directive_origin_set(directive, link, origin, &config);
		}
	}
	/* Maxima that do not go together. */
	config.broker.websocket_port = 1;
	config.broker.tls_port = 2;
}

/*
 * Method: every directive at its default, with two links, then every one at
 * another value (numbers at their maximum); printed, read again, compared field
 * by field.
 */
static void what_print_config_says_reads_back_to_the_same(void **state)
{
	static struct config before;

	(void)state;
	for (int round = 0; round < 2; round++) {
		char *text;

		assert_code(parse(REQUIRED LINKS), ERR_OK);
		if (round == 1)
			every_directive_is_set_to_another_value();
		before = config;
		text = printed(print_config);
		assert_code(parse(text), ERR_OK);
		free(text);
		assert_fields_equal(&before, &config);
	}
}

static void print_config_says_where_each_value_came_from(void **state)
{
	char *text;

	(void)state;
	assert_code(parse(REQUIRED), ERR_OK);
	text = printed(print_config);
	assert_non_null(strstr(text, "\norg = acme ; t.conf:2\n"));
	assert_non_null(strstr(text, "\nbatch_max = 256 ; default\n"));
	assert_non_null(strstr(text, "\n# uri = tcp://127.0.0.1:1883 ; "
				     "follows from others\n"));
	free(text);
}

/*
 * Set empty is not set: no file is named for a value that it does not hold,
 * and what is printed reads back, which a uri for a managed broker would not.
 */
static void what_is_set_empty_is_printed_as_following_from_others(void **state)
{
	static const char *const expected[] = {
		"\n# uri = tcp://127.0.0.1:1883 ; follows from others\n",
		"\n# socket = /run/depot/control.sock ; follows from others\n",
	};
	static struct config before;
	char *text;

	(void)state;
	assert_code(parse(REQUIRED "[broker]\nuri =\n[control]\nsocket =\n"),
		    ERR_OK);
	before = config;
	text = printed(print_config);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_non_null(strstr(text, expected[i]));
	assert_code(parse(text), ERR_OK);
	free(text);
	assert_fields_equal(&before, &config);
}

/* Takes the # from each directive of the example. */
static size_t example_uncomment(char *text)
{
	size_t count = 0;

	for (char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (line[0] == '#' && line[1] != ' ') {
			line[0] = ' ';
			count++;
		}
	}
	return count;
}

static void the_example_is_the_default_and_all_of_its_lines_work(void **state)
{
	static struct config defaults;
	char *text = printed(config_example);

	(void)state;
	assert_code(parse(text), ERR_INVALID);
	assert_int_equal(report.count, 2); /* org and site are required */
	assert_int_equal(report.mistakes[0].kind, MISTAKE_MISSING);
	defaults = config;
	/* The one line more is that of the link, whose uri is required, too. */
	assert_int_equal(example_uncomment(text), config_table_count + 1);
	assert_code(parse(text), ERR_INVALID);
	assert_int_equal(report.count, 3);
	assert_int_equal(report.mistakes[0].kind, MISTAKE_VALUE);
	assert_int_equal(config.link_count, 1);
	assert_string_equal(config.links[0].name, "hq");
	assert_int_equal(config.links[0].keepalive_s, 60);
	assert_true(config.links[0].is_enabled);
	config.link_count = 0;
	assert_fields_equal(&defaults, &config);
	free(text);
}

static bool fields_overlap(const struct directive *a, const struct directive *b)
{
	return a->offset < b->offset + b->size &&
	       b->offset < a->offset + a->size;
}

/* Two directives on one field, or a section in two places, would do silent
 * harm. Method: every pair. */
static void the_table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *a = &config_table[i];

		assert_true(a->size > 0);
		assert_non_null(a->help_en);
		assert_non_null(a->help_zh);
		assert_ptr_equal(directive_find(a->section, a->name), a);
		assert_true(i == 0 || strcmp(a->section, a[-1].section) == 0 ||
			    directive_find_first(a->section) == a);
		for (size_t j = 0; j < i; j++)
			assert_false(fields_overlap(a, &config_table[j]));
	}
}

static void the_man_page_has_every_directive(void **state)
{
	char *text = printed(config_man);
	char line[64];

	(void)state;
	for (size_t i = 0; i < config_table_count; i++) {
		assert_true(text_format(line, sizeof(line), "\n.B %s\n",
					config_table[i].name));
		assert_non_null(strstr(text, line));
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_print_config_says_reads_back_to_the_same),
		cmocka_unit_test(print_config_says_where_each_value_came_from),
		cmocka_unit_test(
			what_is_set_empty_is_printed_as_following_from_others),
		cmocka_unit_test(
			the_example_is_the_default_and_all_of_its_lines_work),
		cmocka_unit_test(the_table_is_sound),
		cmocka_unit_test(the_man_page_has_every_directive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
