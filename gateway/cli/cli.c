#include "gateway/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/config_table.h"
#include "gateway/edge/clock.h"

#define ERROR_SIZE 4096
#define PROGRESS_FIRST_MS 1000
#define PROGRESS_EVERY_MS 200

static const struct control_refusal no_config = {
	"not_commissioned",
	"there is no configuration %s: run depot join CODE, or depot init; or "
	"name one with --config",
	"没有配置文件 %s：请运行 depot join 加入码或 depot init，或用 --config "
	"指定"};
static const struct control_refusal no_site = {
	"not_commissioned",
	"this box has not been set up: run depot join CODE with the code of a "
	"join sheet, or depot init (configuration: %s)",
	"本机尚未设置：请用加入单上的代码运行 depot join 加入码，或运行 depot "
	"init（配置文件：%s）"};
static const struct control_refusal bad_config = {
	"bad_config", "the configuration has mistakes: depot config check",
	"配置有误：请运行 depot config check"};

const char *cli_say(const struct cli *cli, const char *en, const char *zh)
{
	return cli->is_chinese ? zh : en;
}

const char *cli_option(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->verb->option_count; i++)
		if (strcmp(cli->verb->options[i].name, name) == 0)
			return cli->values[i];
	return NULL;
}

/* ---- the configuration ---- */

/* Nothing is wrong but that nobody has said who this box is: as a package
 * lays it. */
static bool is_unnamed(const struct config *config,
		       const struct config_report *report)
{
	size_t missing = 0;

	for (size_t i = 0; i < report->count && i < CONFIG_MISTAKES_MAX; i++)
		missing += report->mistakes[i].kind == MISTAKE_MISSING ? 1 : 0;
	return config->site.org[0] == '\0' && config->site.site[0] == '\0' &&
	       missing > 0 && missing == report->count;
}

static enum exit_code config_refuse(const struct cli *cli,
				    const struct config_report *report)
{
	if (report->count > 0 && report->mistakes[0].kind == MISTAKE_FILE &&
	    report->mistakes[0].number == ENOENT)
		return cli_refuse(cli, EXIT_NO_STORE, &no_config,
				  cli->config_path);
	if (is_unnamed(cli->config, report))
		return cli_refuse(cli, EXIT_NO_STORE, &no_site,
				  cli->config_path);
	config_report_print(cli->config, report,
			    cli->is_chinese ? CONFIG_LANG_ZH : CONFIG_LANG_EN,
			    stderr);
	return cli_refuse(cli, EXIT_CONFIG, &bad_config, "");
}

const struct config *cli_config(struct cli *cli, enum exit_code *ret_exit)
{
	struct config_report *report;

	if (cli->config != NULL)
		return cli->config;
	cli->config = calloc(1, sizeof(*cli->config));
	report = calloc(1, sizeof(*report));
	if (cli->config == NULL || report == NULL) {
		*ret_exit = cli_failed(cli, ERR_FULL, NULL);
	} else if (config_load(cli->config_path, cli->config, report) !=
		   ERR_OK) {
		*ret_exit = config_refuse(cli, report);
		free(cli->config);
		cli->config = NULL;
	}
	free(report);
	return cli->config;
}

/* ---- ends ---- */

void cli_document(struct span document)
{
	(void)fwrite(document.data, 1, document.size, stdout);
	(void)fputc('\n', stdout); /* ferror is asked at the end */
}

static void sentence_tell(const struct cli *cli, struct span text)
{
	(void)fflush(stdout);
	(void)fprintf(stderr, "depot: %s%s%.*s\n",
		      cli->file == NULL ? "" : cli->file,
		      cli->file == NULL ? "" : ": ", (int)text.size, text.data);
}

/* What each code's sender, or reader, does next. Codes that begin alike mean
 * alike: the exceptions stand first. */
static enum exit_code exit_of_code(struct span code)
{
	static const struct {
		const char *code; /* or how it begins, with a '*' behind it */
		enum exit_code exit;
	} exits[] = {
		{"again", EXIT_AGAIN},
		{"not_commissioned", EXIT_NO_STORE},
		{"not_found", EXIT_NOT_FOUND},
		{"conflict", EXIT_CONFLICT},
		{"unit_fixed", EXIT_CONFLICT},
		{"last_manager", EXIT_CONFLICT},
		{"id_reused", EXIT_CONFLICT},
		{"task_claimed", EXIT_CONFLICT},
		{"task_over", EXIT_CONFLICT},
		{"check_retired", EXIT_CONFLICT},
		{"answer_count", EXIT_USAGE},
		{"answer_kind", EXIT_USAGE},
		{"task_is_check", EXIT_USAGE},
		{"reversed_already", EXIT_CONFLICT},
		{"already_here", EXIT_CONFLICT},
		{"under_way", EXIT_CONFLICT},
		{"already_invited", EXIT_CONFLICT},
		{"not_empty", EXIT_CONFLICT},
		{"site_closed", EXIT_CONFLICT},
		{"invitation_used", EXIT_CONFLICT},
		{"join_refused", EXIT_CONFLICT},
		{"not_shipped", EXIT_AGAIN},
		{"no_network", EXIT_FAILED},
		{"missing_field", EXIT_USAGE},
		{"wrong_type", EXIT_USAGE},
		{"out_of_range", EXIT_USAGE},
		{"unknown_word", EXIT_USAGE},
		{"unknown_op", EXIT_USAGE},
		{"unknown_command", EXIT_FAILED},
		{"unknown_*", EXIT_NOT_FOUND},
		{"no_account", EXIT_FAILED},
		{"no_successor", EXIT_NOT_FOUND},
		{"several_successors", EXIT_CONFLICT},
		{"no_*", EXIT_USAGE},
		{"bad_rows", EXIT_FAILED},
		{"bad_encoding", EXIT_FAILED},
		{"bad_quote", EXIT_FAILED},
		{"bad_file", EXIT_FAILED},
		{"bad_reply", EXIT_FAILED},
		{"bad_*", EXIT_USAGE},
	};

	for (size_t i = 0; i < ARRAY_LEN(exits); i++) {
		struct span known = span_of(exits[i].code);

		if (known.data[known.size - 1] == '*' &&
		    code.size >= known.size - 1 &&
		    memcmp(code.data, known.data, known.size - 1) == 0)
			return exits[i].exit;
		if (span_equal(code, known))
			return exits[i].exit;
	}
	return EXIT_FAILED;
}

/* "items.csv:3: column 5 (保质期): why". */
static void fault_tell(const struct cli *cli, const struct json_value *row)
{
	struct json_range numbers = {0, UINT32_MAX};
	struct span heading = {"", 0};
	struct span text = {"", 0};
	struct fault fault;
	int64_t line = 0;
	int64_t place = 0;

	if (json_int(row, "line", numbers, &line, &fault) != ERR_OK ||
	    json_text(row, cli_say(cli, "text_en", "text_zh"), &text, &fault) !=
		    ERR_OK)
		return;
	(void)fprintf(stderr, "%s:%" PRId64 ": ",
		      cli->file == NULL ? "" : cli->file, line);
	if (json_int(row, "place", numbers, &place, &fault) == ERR_OK &&
	    json_text(row, "heading", &heading, &fault) == ERR_OK)
		(void)fprintf(stderr, "%s %" PRId64 "%s%.*s%s",
			      cli_say(cli, "column", "第"), place,
			      cli_say(cli, " (", " 列（"), (int)heading.size,
			      heading.data, cli_say(cli, "): ", "）："));
	(void)fprintf(stderr, "%.*s\n", (int)text.size, text.data);
}

/* Of a table: each bad row, and how many there are. */
static void faults_tell(const struct cli *cli, const struct json_value *root)
{
	const struct json_value *faults = json_member(root, "faults");
	struct json_range numbers = {0, INT64_MAX};
	struct fault fault;
	int64_t listed = 0;
	int64_t total = 0;
	int64_t rows = 0;

	if (faults == NULL)
		return;
	for (const struct json_value *row = json_first(faults); row != NULL;
	     row = json_next(row)) {
		fault_tell(cli, row);
		listed++;
	}
	if (json_int(root, "faults_total", numbers, &total, &fault) != ERR_OK ||
	    json_int(root, "rows", numbers, &rows, &fault) != ERR_OK)
		return;
	(void)fprintf(stderr, "%s%" PRId64 "%s%" PRId64,
		      cli_say(cli, "bad rows: ", "有误的行："), total,
		      cli_say(cli, " of ", "，共 "), rows);
	if (listed < total)
		(void)fprintf(stderr, "%s%" PRId64 "%s",
			      cli_say(cli, "; the first ", "；只列出前 "),
			      listed, cli_say(cli, " are listed", " 行"));
	(void)fputc('\n', stderr);
}

enum exit_code cli_error_reply(const struct cli *cli, struct span reply,
			       const struct json_value *root)
{
	const struct json_value *error = json_member(root, "error");
	struct span code = {"", 0};
	struct span text = {"", 0};
	struct fault fault;
	bool is_told;

	is_told = json_text(error, cli_say(cli, "text_en", "text_zh"), &text,
			    &fault) == ERR_OK;
	if (cli->is_json) {
		cli_document(reply);
	} else {
		sentence_tell(cli, is_told ? text : span_of("?"));
		faults_tell(cli, root);
	}
	if (json_text(error, "code", &code, &fault) != ERR_OK)
		return EXIT_FAILED;
	return exit_of_code(code);
}

/* What control_reply made, told as any other reply. */
static void error_tell(const struct cli *cli, const struct json_out *out)
{
	static _Alignas(
		max_align_t) unsigned char memory[JSON_MEMORY_SIZE(ERROR_SIZE)];
	struct json json;
	struct fault fault;

	json_init(&json, memory, sizeof(memory));
	if (json_parse(&json, out_span(out), &fault) == ERR_OK)
		(void)cli_error_reply(cli, out_span(out), json_root(&json));
}

enum exit_code cli_refuse(const struct cli *cli, enum exit_code exit,
			  const struct control_refusal *why, const char *detail)
{
	char text[ERROR_SIZE];
	struct json_out out;

	out_init(&out, text, sizeof(text));
	control_refuse(&out, why, span_of(detail));
	error_tell(cli, &out);
	return exit;
}

static enum exit_code exit_of(enum err_code code)
{
	switch (code) {
	case ERR_OK:
		return EXIT_DONE;
	case ERR_NOT_FOUND:
		return EXIT_NOT_FOUND;
	case ERR_CONFLICT:
		return EXIT_CONFLICT;
	case ERR_AGAIN:
		return EXIT_AGAIN;
	case ERR_NOT_COMMISSIONED:
		return EXIT_NO_STORE;
	case ERR_INVALID:
	case ERR_OVERFLOW:
	case ERR_FULL:
	case ERR_IO:
	case ERR_CORRUPT:
	case ERR_VERSION:
	case ERR_UNSAFE:
	case ERR_DENIED:
	case ERR_STOPPED:
		break;
	}
	return EXIT_FAILED;
}

enum exit_code cli_failed(const struct cli *cli, enum err_code code,
			  const struct err *err)
{
	char text[ERROR_SIZE];
	struct json_out out;

	out_init(&out, text, sizeof(text));
	control_failed(&out, code, err);
	error_tell(cli, &out);
	return exit_of(code);
}

/* ---- talk ---- */

bool cli_confirm(const struct cli *cli, const char *question)
{
	char answer[16];

	if (cli->is_yes)
		return true;
	if (!isatty(STDIN_FILENO))
		return false;
	(void)fprintf(stderr, "%s [y/N] ", question);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

struct progress {
	int64_t begun_ms; /* 0: not */
	int64_t told_ms;
	bool is_shown;
};
static struct progress progress; /* one piece of work at a time */

static int64_t monotonic_ms(void)
{
	struct clock clock;

	clock_init(&clock, NULL, NULL);
	return clock_monotonic_ms(&clock);
}

void cli_progress(struct cli *cli, uint64_t done, uint64_t total)
{
	int64_t now_ms = monotonic_ms();

	if (progress.begun_ms == 0)
		progress.begun_ms = now_ms;
	if (now_ms - progress.begun_ms < PROGRESS_FIRST_MS ||
	    now_ms - progress.told_ms < PROGRESS_EVERY_MS)
		return;
	progress.told_ms = now_ms;
	if (cli->is_json) {
		(void)fprintf(stderr,
			      "{\"progress\":{\"done\":%" PRIu64
			      ",\"total\":%" PRIu64 "}}\n",
			      done, total);
	} else if (isatty(STDERR_FILENO)) {
		progress.is_shown = true;
		(void)fprintf(stderr, "\r%s: %" PRIu64 " %%\x1b[K",
			      cli->verb->name,
			      total == 0 ? 0 : done * 100 / total);
	}
}

void cli_progress_end(struct cli *cli)
{
	(void)cli;
	if (progress.is_shown)
		(void)fputs("\r\x1b[K", stderr);
	progress = (struct progress){.begun_ms = 0};
}

/* ---- small things ---- */

bool cli_number(const char *text, int64_t low, int64_t high,
		int64_t *ret_number)
{
	bool is_negative = text[0] == '-';
	uint64_t units;
	int64_t number;

	if (!span_to_u64(span_of(text + is_negative), INT64_MAX, &units))
		return false;
	number = is_negative ? -(int64_t)units : (int64_t)units;
	if (number < low || number > high)
		return false;
	*ret_number = number;
	return true;
}

bool cli_size(const char *text, uint64_t *ret_size)
{
	const struct directive *size = directive_find("store", "map_size");
	struct config *config = calloc(1, sizeof(*config));
	bool is_one = config != NULL && directive_set(size, 0, text, config);

	if (is_one)
		*ret_size = config->store.map_size;
	free(config);
	return is_one;
}

struct moment cli_now(bool *ret_is_trusted)
{
	struct clock clock;
	struct clock_reading now;

	clock_init(&clock, NULL, NULL);
	now = clock_now(&clock);
	*ret_is_trusted = now.is_trusted;
	return now.moment;
}
