#include "gateway/config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ini.h>

#include "gateway/config_table.h"

#define FILE_MAIN 1
#define FILE_DROP_IN 2

/* One file on its way through inih, which splits "name = value"; what it
 * would pass over in silence (a line that is cut, continued or not understood,
 * an empty section) is judged here, line by line, before it sees it. */
struct parser {
	struct config *config;
	struct config_report *report;
	struct span rest; /* what is not read yet */
	struct config_origin at;
	char section[CONFIG_LINE_SIZE_MAX + 1]; /* without its name */
	size_t link;                            /* of a section with a name */
	bool is_known;                          /* the section exists */
	bool is_in_section;
	/* In this file: sections, and directives. */
	bool begun[CONFIG_LINKS_MAX][CONFIG_DIRECTIVES_MAX];
	bool seen[CONFIG_LINKS_MAX][CONFIG_DIRECTIVES_MAX];
};

static struct config_mistake *mistake_add(struct config_report *report,
					  enum config_mistake_kind kind,
					  struct config_origin origin)
{
	struct config_mistake *mistake = &report->last_dropped;

	if (report->count < CONFIG_MISTAKES_MAX)
		mistake = &report->mistakes[report->count++];
	else
		report->dropped++;
	*mistake = (struct config_mistake){.kind = kind, .origin = origin};
	return mistake;
}

static void mistake_here(struct parser *parser, enum config_mistake_kind kind,
			 const struct directive *directive, const char *subject)
{
	struct config_mistake *mistake =
		mistake_add(parser->report, kind, parser->at);

	mistake->directive = directive;
	mistake->link = parser->link;
	text_print(span_of(subject), mistake->subject,
		   sizeof(mistake->subject));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts the next line, without its end and the blanks around it. */
static struct span line_take(struct span *rest)
{
	const char *end = memchr(rest->data, '\n', rest->size);
	size_t size = end != NULL ? (size_t)(end - rest->data) : rest->size;
	struct span line = {rest->data, size};

	rest->data += size + (end != NULL);
	rest->size -= size + (end != NULL);
	while (line.size > 0 && is_blank(line.data[line.size - 1]))
		line.size--;
	while (line.size > 0 && is_blank(line.data[0])) {
		line.data++;
		line.size--;
	}
	return line;
}

/* Takes the name out of "[name]"; a comment may follow it. */
static bool section_read(struct parser *parser, const char *line)
{
	size_t size = strcspn(line + 1, "]");
	const char *tail = line + 1 + size;

	if (*tail != ']')
		return false;
	tail += 1 + strspn(tail + 1, " ");
	if (*tail != '\0' && *tail != ';' && *tail != '#')
		return false;
	memcpy(parser->section, line + 1, size);
	parser->section[size] = '\0';
	return true;
}

/* Cuts the name off the section "link NAME"; "" if there is none. */
static char *name_cut(char *section)
{
	char *name = section + strcspn(section, " ");

	while (*name == ' ')
		*name++ = '\0';
	return name;
}

static void defaults_fill(struct config *config, bool is_of_link, size_t link)
{
	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *directive = &config_table[i];
		bool is_set = directive->is_of_link != is_of_link ||
			      directive->initial == NULL ||
			      directive_set(directive, link, directive->initial,
					    config);

		ASSERT(is_set);
	}
}

/* The link called @name, which may be a new one. False: it is a mistake. */
static bool link_choose(struct parser *parser, const char *name)
{
	struct config *config = parser->config;
	const struct config_link *found = config_link_find(config, name);

	if (!text_is_name(span_of(name))) {
		mistake_here(parser, MISTAKE_SECTION_NAME, NULL, name);
		return false;
	}
	if (found == NULL && config->link_count == CONFIG_LINKS_MAX) {
		mistake_here(parser, MISTAKE_SECTION_COUNT, NULL, name);
		return false;
	}
	if (found != NULL) {
		parser->link = (size_t)(found - config->links);
		return true;
	}
	parser->link = config->link_count++;
	text_print(span_of(name), config->links[parser->link].name,
		   sizeof(config->links[parser->link].name));
	defaults_fill(config, true, parser->link);
	return true;
}

/* Each section stands once in a file, so that what belongs together is found
 * together. It is remembered at the place of its first directive. */
static void section_begin(struct parser *parser, const char *line)
{
	const struct directive *first;
	char whole[CONFIG_LINE_SIZE_MAX + 1];
	const char *name;
	bool *begun;

	parser->is_in_section = true;
	parser->is_known = false;
	parser->link = 0;
	if (!section_read(parser, line)) {
		mistake_here(parser, MISTAKE_LINE_FORM, NULL, line);
		return;
	}
	text_print(span_of(parser->section), whole, sizeof(whole));
	name = name_cut(parser->section);
	first = directive_find_first(parser->section);
	if (first == NULL || (!first->is_of_link && *name != '\0')) {
		mistake_here(parser, MISTAKE_SECTION, NULL, whole);
		return;
	}
	parser->is_known = !first->is_of_link || link_choose(parser, name);
	if (!parser->is_known)
		return;
	begun = &parser->begun[parser->link][directive_index(first)];
	if (*begun)
		mistake_here(parser, MISTAKE_SECTION_AGAIN, NULL, whole);
	*begun = true;
}

/* True if inih finds a name and a value in the line. */
static bool has_form(const char *line)
{
	size_t at = strcspn(line, "=:");
	const char *comment = strstr(line, " ;");

	return line[at] != '\0' && at > 0 &&
	       (comment == NULL || comment > line + at);
}

/* Judges @line (terminated, without blanks around it) and returns whether
 * inih may see it. */
static bool line_judge(struct parser *parser, const char *line)
{
	if (line[0] == '\0' || line[0] == '#' || line[0] == ';')
		return false;
	if (line[0] == '[') {
		section_begin(parser, line);
		return false;
	}
	if (!has_form(line)) {
		mistake_here(parser, MISTAKE_LINE_FORM, NULL, line);
		return false;
	}
	if (!parser->is_in_section)
		mistake_here(parser, MISTAKE_NO_SECTION, NULL, line);
	/* Under a section that does not exist nothing is worth a word. */
	return parser->is_known;
}

/* inih's reader: gives it one line that it can only understand as we do. */
static char *line_read(char *buffer, int size, void *stream)
{
	struct parser *parser = stream;
	struct span line;

	ASSERT(size > CONFIG_LINE_SIZE_MAX + 1);
	buffer[0] = '\0';
	if (parser->rest.size == 0)
		return NULL;
	line = line_take(&parser->rest);
	if (parser->at.line < UINT16_MAX)
		parser->at.line++;
	if (line.size > CONFIG_LINE_SIZE_MAX) {
		mistake_here(parser, MISTAKE_LINE_SIZE, NULL, "");
		return buffer;
	}
	text_print(line, buffer, (size_t)size);
	for (char *c = buffer; *c != '\0'; c++)
		*c = *c == '\t' ? ' ' : *c;
	if (!text_is_clean((struct span){buffer, line.size})) {
		mistake_here(parser, MISTAKE_LINE_TEXT, NULL, "");
		buffer[0] = '\0';
	} else if (!line_judge(parser, buffer)) {
		buffer[0] = '\0';
	}
	return buffer;
}

/* inih's handler. The section is the one that line_judge saw last. */
static int value_take(void *user, const char *section, const char *name,
		      const char *value)
{
	struct parser *parser = user;
	const struct directive *directive =
		directive_find(parser->section, name);
	bool *seen;

	(void)section; /* inih never saw a header */
	if (directive == NULL) {
		mistake_here(parser, MISTAKE_NAME, NULL, name);
		return 1;
	}
	seen = &parser->seen[parser->link][directive_index(directive)];
	if (*seen) {
		mistake_here(parser, MISTAKE_AGAIN, directive, value);
		return 1;
	}
	*seen = true;
	if (directive_set(directive, parser->link, value, parser->config))
		directive_origin_set(directive, parser->link, parser->at,
				     parser->config);
	else
		mistake_here(parser, MISTAKE_VALUE, directive, value);
	return 1;
}

static void text_parse(struct config *config, struct config_report *report,
		       uint16_t file, struct span text)
{
	struct parser parser = {.config = config,
				.report = report,
				.rest = text,
				.at = {.file = file}};
	int bad_line;

	if (span_starts(text, "\xef\xbb\xbf")) {
		parser.rest.data += 3;
		parser.rest.size -= 3;
	}
	bad_line = ini_parse_stream(line_read, &parser, value_take, &parser);
	/* line_judge let only lines through that inih understands. */
	ASSERT(bad_line == 0);
}

static void file_fail(struct config_report *report, uint16_t file,
		      enum config_mistake_kind kind, int number)
{
	struct config_origin origin = {.file = file};

	mistake_add(report, kind, origin)->number = number;
}

/* Reads what @fd has, at most @size bytes. False with errno. */
static bool read_all(int fd, char *buffer, size_t size, size_t *ret_size)
{
	size_t used = 0;

	while (used < size) {
		ssize_t got = read(fd, buffer + used, size - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return false;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	*ret_size = used;
	return true;
}

static void file_parse(struct config *config, struct config_report *report,
		       uint16_t file, const char *path)
{
	/* Read at start and at a reload, by one thread: not worth a heap. */
	static char text[CONFIG_FILE_SIZE_MAX + 1];
	size_t size = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || !read_all(fd, text, sizeof(text), &size))
		file_fail(report, file, MISTAKE_FILE, errno);
	else if (size > CONFIG_FILE_SIZE_MAX)
		file_fail(report, file, MISTAKE_FILE_SIZE, 0);
	else
		text_parse(config, report, file, (struct span){text, size});
	if (fd >= 0)
		(void)close(fd); /* only read from */
}

static bool is_drop_in(const char *name)
{
	size_t size = strlen(name);

	return name[0] != '.' && size > 5 &&
	       strcmp(name + size - 5, ".conf") == 0;
}

static int name_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void drop_in_add(struct config *config, struct config_report *report,
			const char *name)
{
	if (strlen(name) >= CONFIG_DROP_IN_NAME_SIZE) {
		struct config_mistake *mistake =
			mistake_add(report, MISTAKE_FILE_NAME,
				    (struct config_origin){.file = FILE_MAIN});

		text_print(span_of(name), mistake->subject,
			   sizeof(mistake->subject));
		return;
	}
	if (config->drop_in_count == CONFIG_DROP_INS_MAX) {
		file_fail(report, FILE_MAIN, MISTAKE_FILE_COUNT, 0);
		return;
	}
	text_print(span_of(name), config->drop_ins[config->drop_in_count++],
		   CONFIG_DROP_IN_NAME_SIZE);
}

/* No folder is no drop-ins. A folder that cannot be read is a mistake. */
static void drop_ins_list(struct config *config, struct config_report *report,
			  const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	if (dir == NULL) {
		if (errno != ENOENT)
			file_fail(report, FILE_MAIN, MISTAKE_FOLDER, errno);
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (is_drop_in(entry->d_name))
			drop_in_add(config, report, entry->d_name);
	}
	(void)closedir(dir); /* only read from */
	qsort(config->drop_ins, config->drop_in_count,
	      sizeof(config->drop_ins[0]), name_compare);
}

static void drop_ins_parse(struct config *config, struct config_report *report)
{
	char path[CONFIG_PATH_SIZE + CONFIG_DROP_IN_NAME_SIZE + 4];

	(void)text_format(path, sizeof(path), "%s.d", config->path);
	drop_ins_list(config, report, path);
	for (size_t i = 0; i < config->drop_in_count; i++) {
		(void)text_format(path, sizeof(path), "%s.d/%s", config->path,
				  config->drop_ins[i]);
		file_parse(config, report, (uint16_t)(FILE_DROP_IN + i), path);
	}
}

static void config_begin(const char *path, struct config *config,
			 struct config_report *report)
{
	*report = (struct config_report){0};
	*config = (struct config){0};
	text_print(span_of(path), config->path, sizeof(config->path));
	defaults_fill(config, false, 0);
}

/* A required directive that has a wrong value was set: one mistake is
 * enough. */
static bool is_reported(const struct config_report *report,
			const struct directive *directive, size_t link)
{
	for (size_t i = 0; i < report->count; i++) {
		if (report->mistakes[i].directive == directive &&
		    report->mistakes[i].link == link)
			return true;
	}
	return false;
}

static void field_missing_check(const struct directive *directive, size_t link,
				const struct config *config,
				struct config_report *report)
{
	struct config_origin main_file = {.file = FILE_MAIN};
	struct config_mistake *mistake;

	if (directive->initial != NULL ||
	    directive_origin(directive, link, config).file != 0 ||
	    is_reported(report, directive, link))
		return;
	mistake = mistake_add(report, MISTAKE_MISSING, main_file);
	mistake->directive = directive;
	mistake->link = link;
}

static void missing_check(const struct config *config,
			  struct config_report *report)
{
	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *directive = &config_table[i];
		size_t count = directive_fields(directive, config);

		for (size_t link = 0; link < count; link++)
			field_missing_check(directive, link, config, report);
	}
}

static bool rule_is_broken(const struct config_rule *rule, size_t link,
			   const struct config *config)
{
	return rule->is_link_broken != NULL
		       ? rule->is_link_broken(&config->links[link])
		       : rule->is_broken(config);
}

static void rule_check(const struct config_rule *rule, size_t link,
		       const struct config *config,
		       struct config_report *report)
{
	const struct directive *directive =
		directive_find(rule->section, rule->name);
	struct config_mistake *mistake;
	struct config_origin origin;
	char value[CONFIG_VALUE_SIZE];

	if (is_reported(report, directive, link) ||
	    !rule_is_broken(rule, link, config))
		return;
	origin = directive_origin(directive, link, config);
	if (origin.file == 0)
		origin.file = FILE_MAIN;
	mistake = mistake_add(report, MISTAKE_RULE, origin);
	mistake->directive = directive;
	mistake->link = link;
	mistake->number = (int)(rule - config_rules);
	directive_format(directive, link, config, value);
	text_print(span_of(value), mistake->subject, sizeof(mistake->subject));
}

static void rules_check(const struct config *config,
			struct config_report *report)
{
	for (size_t i = 0; i < config_rule_count; i++) {
		const struct config_rule *rule = &config_rules[i];
		const struct directive *directive =
			directive_find(rule->section, rule->name);
		size_t count;

		ASSERT(directive != NULL);
		ASSERT(directive->is_of_link == (rule->is_broken == NULL));
		count = directive_fields(directive, config);
		for (size_t link = 0; link < count; link++)
			rule_check(rule, link, config, report);
	}
}

/* A listener on all addresses is reached on the loopback one. */
static void uri_derive(struct config *config)
{
	const char *address = config->broker.address;
	bool is_six = strchr(address, ':') != NULL;

	if (strcmp(address, "0.0.0.0") == 0)
		address = "127.0.0.1";
	else if (strcmp(address, "::") == 0)
		address = "::1";
	(void)text_format(config->broker.uri, sizeof(config->broker.uri),
			  is_six ? "tcp://[%s]:%u" : "tcp://%s:%u", address,
			  (unsigned)config->broker.port);
}

static void socket_derive(struct config *config)
{
	(void)text_format(config->control.socket,
			  sizeof(config->control.socket), "%s/control.sock",
			  config->runtime.dir);
}

/* What follows from others came from no file, also if one set it empty:
 * config_print() tells the two apart by their origin. */
static void derived_fill(struct config *config)
{
	static const struct {
		const char *section;
		const char *name;
		void (*derive)(struct config *config);
	} fields[] = {
		{"broker", "uri", uri_derive},
		{"control", "socket", socket_derive},
	};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct directive *directive =
			directive_find(fields[i].section, fields[i].name);

		ASSERT(directive != NULL);
		if (*directive_field(directive, 0, config) != '\0')
			continue;
		fields[i].derive(config);
		directive_origin_set(directive, 0, (struct config_origin){0},
				     config);
	}
}

static enum err_code config_end(struct config *config,
				struct config_report *report)
{
	missing_check(config, report);
	rules_check(config, report);
	if (report->count > 0)
		return ERR_INVALID;
	derived_fill(config);
	return ERR_OK;
}

enum err_code config_load(const char *path, struct config *ret_config,
			  struct config_report *ret_report)
{
	config_begin(path, ret_config, ret_report);
	if (strlen(path) >= CONFIG_PATH_SIZE) {
		file_fail(ret_report, FILE_MAIN, MISTAKE_FILE, ENAMETOOLONG);
		return ERR_INVALID;
	}
	file_parse(ret_config, ret_report, FILE_MAIN, path);
	drop_ins_parse(ret_config, ret_report);
	return config_end(ret_config, ret_report);
}

enum err_code config_parse(const char *path, struct span text,
			   struct config *ret_config,
			   struct config_report *ret_report)
{
	config_begin(path, ret_config, ret_report);
	if (text.size > CONFIG_FILE_SIZE_MAX)
		file_fail(ret_report, FILE_MAIN, MISTAKE_FILE_SIZE, 0);
	else
		text_parse(ret_config, ret_report, FILE_MAIN, text);
	return config_end(ret_config, ret_report);
}

const struct config_link *config_link_find(const struct config *config,
					   const char *name)
{
	for (size_t i = 0; i < config->link_count; i++) {
		if (strcmp(config->links[i].name, name) == 0)
			return &config->links[i];
	}
	return NULL;
}

/* Unused links are all-zero, so one that came or went differs. */
static bool links_differ(const struct directive *directive,
			 const struct config *a, const struct config *b)
{
	for (size_t i = 0; i < CONFIG_LINKS_MAX; i++) {
		if (strcmp(a->links[i].name, b->links[i].name) != 0 ||
		    memcmp(directive_field(directive, i, a),
			   directive_field(directive, i, b),
			   directive->size) != 0)
			return true;
	}
	return false;
}

static bool fields_differ(const struct directive *directive,
			  const struct config *a, const struct config *b)
{
	if (directive->is_of_link)
		return links_differ(directive, a, b);
	return memcmp(directive_field(directive, 0, a),
		      directive_field(directive, 0, b), directive->size) != 0;
}

void config_reload(struct config *running, const struct config *fresh,
		   config_restart_fn *visit, void *context)
{
	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *directive = &config_table[i];

		if (!fields_differ(directive, running, fresh))
			continue;
		/* None of a link's is: it is another process. */
		if (directive->is_live)
			memcpy((char *)running + directive->offset,
			       (const char *)fresh + directive->offset,
			       directive->size);
		else if (visit != NULL)
			visit(context, directive->section, directive->name);
	}
}
