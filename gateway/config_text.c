/* What is told of the configuration: mistakes, values, example, man page. */
#include "gateway/config.h"

#include <string.h>

#include "gateway/config_table.h"

#define HALF_SIZE 224 /* of half a sentence */
#define TITLE_SIZE 64
#define PLACE_SIZE (CONFIG_PATH_SIZE + CONFIG_DROP_IN_NAME_SIZE + 16)

/* One sentence, at CONFIG_LANG_EN and CONFIG_LANG_ZH. A $ stands for the
 * next text: format strings that vary would leave the compiler's sight. */
typedef const char *const phrase[2];

/* Writes @form with each $ replaced by the next of @texts. */
static void fill(char *buffer, size_t size, const char *form,
		 const char *const *texts)
{
	size_t used = 0;

	buffer[0] = '\0';
	while (*form != '\0' && used < size) {
		size_t plain = strcspn(form, "$");
		const char *text = "";

		if (form[plain] == '$')
			text = *texts++;
		(void)text_format(buffer + used, size - used, "%.*s%s",
				  (int)plain, form, text);
		used += strlen(buffer + used);
		form += plain + (form[plain] == '$');
		if (used + 1 >= size)
			break;
	}
}

static void words_list(const char *const *words, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; words[i] != NULL; i++) {
		(void)text_format(buffer + used, size - used, "%s%s",
				  i > 0 ? ", " : "", words[i]);
		used += strlen(buffer + used);
	}
}

static void range_expects(const struct directive *directive,
			  enum config_lang lang, char *buffer, size_t size)
{
	static phrase plain = {"must be $ to $$$", "必须在 $ 到 $$$ 之间"};
	static phrase measure = {"must be $ to $, with its unit",
				 "必须在 $ 到 $ 之间，并写明单位"};
	const char *unit = directive->unit;
	char least[CONFIG_VALUE_SIZE];
	char most[CONFIG_VALUE_SIZE];
	const char *const texts[] = {
		least, most, unit != NULL && unit[0] != '\0' ? " " : "", unit};

	directive_format_number(directive, directive->min, least);
	directive_format_number(directive, directive->max, most);
	fill(buffer, size, unit != NULL ? plain[lang] : measure[lang], texts);
}

void directive_expects(const struct directive *directive, enum config_lang lang,
		       char *buffer, size_t size)
{
	static phrase forms[] = {
		[DIRECTIVE_BOOL] = {"must be yes or no", "必须是 yes 或 no"},
		[DIRECTIVE_TEXT] = {"must be UTF-8 of at most $ bytes",
				    "必须是不超过 $ 字节的 UTF-8 文本"},
		[DIRECTIVE_NAME] = {"must be 1 to 32 of a-z, 0-9 and -",
				    "必须是 1 到 32 个 a-z、0-9 或 -"},
		[DIRECTIVE_PATH] = {"must be an absolute path of at most $ "
				    "bytes",
				    "必须是不超过 $ 字节的绝对路径"},
		[DIRECTIVE_WORD] = {"must be one of: $", "必须是其中之一：$"},
		[DIRECTIVE_URI] = {"must be tcp://HOST:PORT or "
				   "ssl://HOST:PORT",
				   "必须是 tcp://主机:端口 或 "
				   "ssl://主机:端口"},
		[DIRECTIVE_ZONE] = {"must be a zone in /usr/share/zoneinfo, "
				    "like Asia/Shanghai",
				    "必须是 /usr/share/zoneinfo 中的时区，"
				    "如 Asia/Shanghai"},
		[DIRECTIVE_ADDRESS] = {"must be an IPv4 or IPv6 address",
				       "必须是 IPv4 或 IPv6 地址"},
	};
	char detail[HALF_SIZE];
	const char *const texts[] = {detail};

	if (directive->type == DIRECTIVE_INTEGER ||
	    directive->type == DIRECTIVE_DURATION ||
	    directive->type == DIRECTIVE_SIZE) {
		range_expects(directive, lang, buffer, size);
		return;
	}
	if (directive->type == DIRECTIVE_WORD)
		words_list(directive->words, detail, sizeof(detail));
	else
		(void)text_format(detail, sizeof(detail), "%u",
				  directive->size - 1u);
	fill(buffer, size, forms[directive->type][lang], texts);
}

/* What stands between the brackets: "store", "link hq". */
static void title_print(const struct directive *directive, size_t link,
			const struct config *config, char title[TITLE_SIZE])
{
	bool has_name = directive->is_of_link;

	(void)text_format(title, TITLE_SIZE, "%s%s%s", directive->section,
			  has_name ? " " : "",
			  has_name ? config->links[link].name : "");
}

/* "/etc/depot/depot.conf:12", or without a line. */
static void place_print(const struct config *config,
			struct config_origin origin, char *buffer, size_t size)
{
	char line[8] = "";
	bool is_drop_in = origin.file > 1;

	if (origin.line > 0)
		(void)text_format(line, sizeof(line), ":%u",
				  (unsigned)origin.line);
	(void)text_format(buffer, size, "%s%s%s%s", config->path,
			  is_drop_in ? ".d/" : "",
			  is_drop_in ? config->drop_ins[origin.file - 2] : "",
			  line);
}

/* The name that @wrong most likely was meant to be: one that starts with its
 * first three letters or ends with its last three. NULL if there is none. */
static const char *name_like(const char *wrong)
{
	size_t size = strlen(wrong);

	for (size_t i = 0; size >= 3 && i < config_table_count; i++) {
		const char *name = config_table[i].name;
		size_t length = strlen(name);

		if (strncmp(name, wrong, 3) == 0 ||
		    (length >= 3 &&
		     strcmp(name + length - 3, wrong + size - 3) == 0))
			return name;
	}
	return NULL;
}

/* Sentences by kind: $ is the subject, then a detail. Those that stand behind
 * "[section] name = value: " have neither. */
static phrase mistake_forms[] = {
	[MISTAKE_FILE] = {"cannot be read: $", "无法读取：$"},
	[MISTAKE_FOLDER] = {"the folder of drop-ins (.d) cannot be read: $",
			    "附加配置文件夹（.d）无法读取：$"},
	[MISTAKE_FILE_SIZE] = {"is longer than 64 KiB", "超过 64 KiB"},
	[MISTAKE_FILE_COUNT] = {"has more than 32 drop-ins",
				"附加配置超过 32 个"},
	[MISTAKE_FILE_NAME] = {"drop-in $: the name is longer than 63 bytes",
			       "附加配置 $：文件名超过 63 字节"},
	[MISTAKE_LINE_SIZE] = {"the line is longer than 196 bytes",
			       "该行超过 196 字节"},
	[MISTAKE_LINE_TEXT] = {"the line is not clean UTF-8",
			       "该行不是合法的 UTF-8 文本"},
	[MISTAKE_LINE_FORM] = {"\"$\" is neither [section] nor name = value",
			       "“$”既不是 [段] 也不是 名称 = 值"},
	[MISTAKE_NO_SECTION] = {"\"$\" stands before the first [section]",
				"“$”出现在第一个 [段] 之前"},
	[MISTAKE_SECTION] = {"there is no section [$]", "没有 [$] 段"},
	[MISTAKE_SECTION_AGAIN] = {"section [$] stands twice in this file",
				   "[$] 段在本文件中出现两次"},
	[MISTAKE_SECTION_NAME] = {"[link $] needs a name of 1 to 32 of a-z, "
				  "0-9 and -",
				  "[link $] 的名字必须是 1 到 32 个 a-z、0-9 "
				  "或 -"},
	[MISTAKE_SECTION_COUNT] = {"[link $] is one too many: there may be 4",
				   "[link $] 超出上限：最多 4 个"},
	[MISTAKE_NAME] = {"there is no directive $ in this section",
			  "本段没有 $ 这一项"},
	[MISTAKE_AGAIN] = {"is set twice in this file", "在本文件中设置了两次"},
	[MISTAKE_VALUE] = {"", ""},
	[MISTAKE_MISSING] = {"is not set, and has no default: it $",
			     "没有设置，也没有默认值：$"},
	[MISTAKE_RULE] = {"", ""},
};

/* What is wrong, without the place and the directive. */
static void mistake_say(const struct config_mistake *mistake,
			enum config_lang lang, char *buffer, size_t size)
{
	static phrase guess = {"; did you mean $?", "；是否应为 $？"};
	const char *subject = mistake->subject;
	const char *like;
	char detail[HALF_SIZE];
	const char *texts[] = {subject};

	if (mistake->kind == MISTAKE_VALUE) {
		directive_expects(mistake->directive, lang, buffer, size);
		return;
	}
	if (mistake->kind == MISTAKE_RULE) {
		const struct config_rule *rule = &config_rules[mistake->number];

		(void)text_format(buffer, size, "%s",
				  lang == CONFIG_LANG_ZH ? rule->text_zh
							 : rule->text_en);
		return;
	}
	if (mistake->kind == MISTAKE_MISSING) {
		directive_expects(mistake->directive, lang, detail,
				  sizeof(detail));
		texts[0] = detail;
	}
	if (mistake->number != 0)
		texts[0] = strerror(mistake->number);
	fill(buffer, size, mistake_forms[mistake->kind][lang], texts);
	like = mistake->kind == MISTAKE_NAME ? name_like(subject) : NULL;
	if (like != NULL) {
		size_t used = strlen(buffer);

		fill(buffer + used, size - used, guess[lang], &like);
	}
}

void config_mistake_text(const struct config *config,
			 const struct config_report *report, size_t index,
			 enum config_lang lang,
			 struct config_sentence *ret_sentence)
{
	const size_t size = sizeof(ret_sentence->text);
	char *buffer = ret_sentence->text;
	const struct config_mistake *mistake;
	const struct directive *directive;
	char place[PLACE_SIZE];
	char title[TITLE_SIZE] = "";
	char said[HALF_SIZE];

	ASSERT(index < report->count);
	mistake = &report->mistakes[index];
	directive = mistake->directive;
	place_print(config, mistake->origin, place, sizeof(place));
	mistake_say(mistake, lang, said, sizeof(said));
	if (directive != NULL)
		title_print(directive, mistake->link, config, title);
	if (directive == NULL)
		(void)text_format(buffer, size, "%s: %s", place, said);
	else if (mistake->kind == MISTAKE_MISSING)
		(void)text_format(buffer, size, "%s: [%s] %s %s", place, title,
				  directive->name, said);
	else
		(void)text_format(buffer, size, "%s: [%s] %s = %s: %s", place,
				  title, directive->name, mistake->subject,
				  said);
}

void config_report_print(const struct config *config,
			 const struct config_report *report,
			 enum config_lang lang, FILE *out)
{
	struct config_sentence sentence;

	for (size_t i = 0; i < report->count; i++) {
		config_mistake_text(config, report, i, lang, &sentence);
		(void)fprintf(out, "%s\n", sentence.text);
	}
	if (report->count == 0)
		return;
	(void)fprintf(out,
		      lang == CONFIG_LANG_ZH ? "配置有 %zu 处错误。\n"
					     : "%zu mistakes in the "
					       "configuration.\n",
		      report->count + report->dropped);
}

/* Calls for a new section when @directive begins one. */
static bool begins_section(const struct directive *directive)
{
	return directive_find_first(directive->section) == directive;
}

static void field_print(const struct directive *directive, size_t link,
			const struct config *config, FILE *out)
{
	struct config_origin origin = directive_origin(directive, link, config);
	char value[CONFIG_VALUE_SIZE];
	char place[PLACE_SIZE] = "default";
	bool is_derived;

	directive_format(directive, link, config, value);
	if (origin.file > 0)
		place_print(config, origin, place, sizeof(place));
	/* What follows from others would be a mistake if it were read back as
	 * set. */
	is_derived = origin.file == 0 && directive->initial != NULL &&
		     directive->initial[0] == '\0' && value[0] != '\0';
	(void)fprintf(out, "%s%s = %s ; %s\n", is_derived ? "# " : "",
		      directive->name, value,
		      is_derived ? "follows from others" : place);
}

/* The section that begins at @first. */
static void section_print(const struct directive *first, size_t link,
			  const struct config *config, FILE *out)
{
	const struct directive *end = config_table + config_table_count;
	char title[TITLE_SIZE];

	title_print(first, link, config, title);
	(void)fprintf(out, "%s[%s]\n", first > config_table ? "\n" : "", title);
	for (const struct directive *at = first;
	     at < end && strcmp(at->section, first->section) == 0; at++)
		field_print(at, link, config, out);
}

void config_print(const struct config *config, FILE *out)
{
	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *directive = &config_table[i];
		size_t count = directive_fields(directive, config);

		if (!begins_section(directive))
			continue;
		for (size_t link = 0; link < count; link++)
			section_print(directive, link, config, out);
	}
}

static void comment_print(FILE *out, const char *text)
{
	size_t column = 0;

	/* Breaks at blanks, before column 77. */
	while (*text != '\0') {
		size_t word = strcspn(text, " ");

		if (column == 0 || column + 1 + word > 76) {
			(void)fprintf(out, "%s#", column > 0 ? "\n" : "");
			column = 1;
		}
		(void)fprintf(out, " %.*s", (int)word, text);
		column += 1 + word;
		text += word + strspn(text + word, " ");
	}
	(void)fputc('\n', out);
}

void config_example(FILE *out)
{
	(void)fputs("# depot.conf - the configuration of depotd. See "
		    "depot.conf(5).\n"
		    "# Each directive stands here at its default. "
		    "`depotd --check` checks it.\n"
		    "# depotd 的配置；每项均为默认值。用 depotd --check 检查。"
		    "\n",
		    out);
	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *directive = &config_table[i];
		char expects[HALF_SIZE];

		if (begins_section(directive) && directive->is_of_link)
			(void)fputs(
				"\n# One such section for each far "
				"broker, at most 4, each with a name.\n"
				"# 每个远端代理一段，最多 4 段，各有名字。\n"
				"#[link hq]\n",
				out);
		else if (begins_section(directive))
			(void)fprintf(out, "\n[%s]\n", directive->section);
		directive_expects(directive, CONFIG_LANG_EN, expects,
				  sizeof(expects));
		(void)fputc('\n', out);
		comment_print(out, directive->help_en);
		/* Chinese breaks anywhere, so the editor may. */
		(void)fprintf(out, "# %s\n", directive->help_zh);
		(void)fprintf(out, "# It %s%s.\n#%s =%s%s\n", expects,
			      directive->initial == NULL ? "; required" : "",
			      directive->name,
			      directive->initial == NULL ||
					      directive->initial[0] == '\0'
				      ? ""
				      : " ",
			      directive->initial == NULL ? ""
							 : directive->initial);
	}
}

/* A minus sign that is typed as one, and no line that starts as a request. */
static void man_print(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '-')
			(void)fputs("\\-", out);
		else if (*text == '\\')
			(void)fputs("\\e", out);
		else
			(void)fputc(*text, out);
	}
}

void config_man(FILE *out)
{
	(void)fputs(".SH DIRECTIVES\n", out);
	for (size_t i = 0; i < config_table_count; i++) {
		const struct directive *directive = &config_table[i];
		char expects[HALF_SIZE];

		if (begins_section(directive))
			(void)fprintf(out, ".SS [%s%s]\n", directive->section,
				      directive->is_of_link ? " NAME" : "");
		(void)fprintf(out, ".TP\n.B %s\n", directive->name);
		man_print(out, directive->help_en);
		directive_expects(directive, CONFIG_LANG_EN, expects,
				  sizeof(expects));
		(void)fputs("\nIt ", out);
		man_print(out, expects);
		if (directive->initial == NULL) {
			(void)fputs(".\nRequired.\n", out);
		} else {
			(void)fputs(".\nDefault: ", out);
			man_print(out, directive->initial[0] != '\0'
					       ? directive->initial
					       : "empty");
			(void)fputs(".\n", out);
		}
		if (directive->is_live)
			(void)fputs("Taken over by a reload.\n", out);
	}
}
