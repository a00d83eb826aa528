#include "gateway/cli/commission.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/cli/ask.h"
#include "gateway/edge/replace.h"
#include "store/master.h"
#include "store/site.h"

#define DROP_IN_NAME "10-init.conf"
/* Behind all that people write, so that it is what counts. */
#define JOIN_DROP_IN "95-join.conf"

static const struct control_refusal missing = {
	"usage", "%s has to be given: there is nobody to ask",
	"必须给出 %s：无法交互询问"};
static const struct control_refusal differs = {
	"conflict",
	"the configuration says otherwise than %s: change one of them",
	"配置与 %s 不一致：请修改其中之一"};
static const struct control_refusal cannot_write = {
	"io", "the configuration cannot be written: %s", "无法写入配置：%s"};
static const struct control_refusal there_already = {
	"conflict",
	"there is a store at %s already; depot status shows it. It is never "
	"replaced",
	"%s 处已有账本，可用 depot status 查看；不会被替换"};

/* One thing that a commission has to know. */
struct item_asked {
	const char *option;
	const char *directive; /* "site.org" as the configuration has it */
	const char *en;
	const char *zh;
	const char *initial; /* NULL: it has to be said */
};

static const struct item_asked asked[ASKED_COUNT] = {
	{"--org", "org", "organisation (a-z, 0-9, -)", "组织名（a-z、0-9、-）",
	 NULL},
	{"--site", "site", "this warehouse (a-z, 0-9, -)",
	 "本仓库名（a-z、0-9、-）", NULL},
	{"--timezone", "timezone", "time zone", "时区", "UTC"},
	{"--path", "path", "folder of the ledger", "账本文件夹",
	 "/var/lib/depot/store"},
	{"--map-size", "map_size", "room for the ledger", "账本空间", "1 GiB"},
};

/* ---- what is wanted ---- */

/* The machine's zone, from where its clock has it. */
static void zone_guess(char zone[COMMISSION_ANSWER_SIZE])
{
	char link[PATH_MAX];
	ssize_t size = readlink("/etc/localtime", link, sizeof(link) - 1);
	const char *found;

	text_print(span_of("UTC"), zone, COMMISSION_ANSWER_SIZE);
	if (size <= 0)
		return;
	link[size] = '\0';
	found = strstr(link, "zoneinfo/");
	if (found != NULL)
		text_print(span_of(found + strlen("zoneinfo/")), zone,
			   COMMISSION_ANSWER_SIZE);
}

static void configured_get(const struct commission *commission,
			   enum asked which,
			   char answer[COMMISSION_ANSWER_SIZE])
{
	const struct config *config = commission->config;

	if (config == NULL)
		return;
	switch (which) {
	case ASKED_ORG:
		text_print(span_of(config->site.org), answer,
			   COMMISSION_ANSWER_SIZE);
		break;
	case ASKED_SITE:
		text_print(span_of(config->site.site), answer,
			   COMMISSION_ANSWER_SIZE);
		break;
	case ASKED_ZONE:
		text_print(span_of(config->site.timezone), answer,
			   COMMISSION_ANSWER_SIZE);
		break;
	case ASKED_PATH:
		text_print(span_of(config->store.path), answer,
			   COMMISSION_ANSWER_SIZE);
		break;
	case ASKED_MAP:
		(void)text_format(answer, COMMISSION_ANSWER_SIZE, "%llu MiB",
				  (unsigned long long)config->store.map_size >>
					  20);
		break;
	case ASKED_COUNT:
		break;
	}
}

static bool prompt(const struct cli *cli, const struct item_asked *what,
		   char answer[COMMISSION_ANSWER_SIZE])
{
	char line[COMMISSION_ANSWER_SIZE];

	do {
		(void)fprintf(stderr,
			      "%s%s%s%s: ", cli_say(cli, what->en, what->zh),
			      answer[0] == '\0' ? "" : " [", answer,
			      answer[0] == '\0' ? "" : "]");
		if (fgets(line, sizeof(line), stdin) == NULL)
			return false;
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] != '\0')
			text_print(span_of(line), answer,
				   COMMISSION_ANSWER_SIZE);
	} while (answer[0] == '\0');
	return true;
}

/* What HQ has said of it. */
static bool joined_get(const struct join_answer *join, enum asked which,
		       char answer[COMMISSION_ANSWER_SIZE])
{
	struct span said = {"", 0};

	if (which == ASKED_ORG)
		said = name_span(&join->org);
	else if (which == ASKED_SITE)
		said = name_span(&join->name);
	else if (which == ASKED_ZONE)
		said = ref_span(&join->timezone);
	text_print(said, answer, COMMISSION_ANSWER_SIZE);
	return said.size > 0;
}

/* From the option, else HQ's answer, else the configuration, else the person,
 * else a default. */
static enum exit_code answer_get(struct commission *commission,
				 enum asked which)
{
	const struct item_asked *what = &asked[which];
	struct cli *cli = commission->cli;
	const char *given = cli_option(cli, what->option);
	char *answer = commission->answers[which];
	bool is_asking = !cli->is_yes && isatty(STDIN_FILENO);

	answer[0] = '\0';
	if (commission->join != NULL &&
	    joined_get(commission->join, which, answer) && given == NULL)
		return EXIT_DONE;
	if (given != NULL) {
		text_print(span_of(given), answer, COMMISSION_ANSWER_SIZE);
		return EXIT_DONE;
	}
	if (commission->config != NULL) {
		configured_get(commission, which, answer);
		return EXIT_DONE;
	}
	if (which == ASKED_ZONE)
		zone_guess(answer);
	else if (what->initial != NULL)
		text_print(span_of(what->initial), answer,
			   COMMISSION_ANSWER_SIZE);
	if (is_asking ? !prompt(cli, what, answer) : answer[0] == '\0')
		return cli_refuse(cli, EXIT_USAGE, &missing, what->option);
	return EXIT_DONE;
}

static enum exit_code mistakes_tell(const struct cli *cli,
				    const struct config *config,
				    const struct config_report *report)
{
	static const struct control_refusal bad = {"usage", "%s", "%s"};
	struct config_sentence sentence;

	config_mistake_text(config, report, 0,
			    cli->is_chinese ? CONFIG_LANG_ZH : CONFIG_LANG_EN,
			    &sentence);
	return cli_refuse(cli, EXIT_USAGE, &bad, sentence.text);
}

/* What was answered, checked as a configuration would be. */
static enum exit_code wanted_make(struct commission *commission)
{
	struct config_report *report = calloc(1, sizeof(*report));
	struct cli *cli = commission->cli;
	enum exit_code exit = EXIT_DONE;

	if (report == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	(void)text_format(commission->text, sizeof(commission->text),
			  "[site]\norg = %s\nsite = %s\ntimezone = %s\n\n"
			  "[store]\npath = %s\nmap_size = %s\n%s%s",
			  commission->answers[ASKED_ORG],
			  commission->answers[ASKED_SITE],
			  commission->answers[ASKED_ZONE],
			  commission->answers[ASKED_PATH],
			  commission->answers[ASKED_MAP],
			  commission->link != NULL ? "\n[link hq]\n" : "",
			  commission->link != NULL ? commission->link : "");
	if (config_parse("depot init", span_of(commission->text),
			 commission->wanted, report) != ERR_OK)
		exit = mistakes_tell(cli, commission->wanted, report);
	free(report);
	return exit;
}

/* A daemon that finds another site in its store would not start. */
static enum exit_code agreement_check(const struct commission *commission)
{
	const struct config *is = commission->config;
	const struct config *wanted = commission->wanted;
	const char *wrong = NULL;

	if (is == NULL)
		return EXIT_DONE;
	if (strcmp(is->site.org, wanted->site.org) != 0)
		wrong = "--org";
	else if (strcmp(is->site.site, wanted->site.site) != 0)
		wrong = "--site";
	else if (strcmp(is->store.path, wanted->store.path) != 0)
		wrong = "--path";
	return wrong == NULL ? EXIT_DONE
			     : cli_refuse(commission->cli, EXIT_CONFLICT,
					  &differs, wrong);
}

/* ---- the configuration ---- */

/* A new file; a crash leaves all of it or nothing. */
static enum err_code file_write(const char *path, const char *text,
				struct err *err)
{
	const char *slash = strrchr(path, '/');
	char folder[CONFIG_PATH_SIZE + 4];
	struct replace replace;
	enum err_code code;
	int fd;

	(void)text_format(folder, sizeof(folder), "%.*s",
			  slash == NULL ? 1 : (int)(slash - path) + 1,
			  slash == NULL ? "." : path);
	if (access(path, F_OK) == 0)
		return err_sys(err, EEXIST, "create %s", path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "create %s", path);
	code = replace_begin(&replace, fd, slash == NULL ? path : slash + 1,
			     0644, err);
	if (code == ERR_OK) {
		(void)fputs(text, replace.out);
		code = replace_commit(&replace, true, err);
	}
	(void)close(fd); /* opened for reading */
	return code;
}

/* Beside a file that is there, as a drop-in: nobody's words are touched. */
static enum exit_code config_write(struct commission *commission)
{
	struct cli *cli = commission->cli;
	char *path = commission->config_path;
	struct err err = {.text = ""};
	char folder[CONFIG_PATH_SIZE + 4];

	if (commission->config != NULL ||
	    (cli_option(cli, "--write-config") == NULL &&
	     commission->join == NULL && commission->link == NULL))
		return EXIT_DONE;
	if (access(cli->config_path, F_OK) != 0) {
		(void)text_format(path, sizeof(commission->config_path), "%s",
				  cli->config_path);
	} else {
		(void)text_format(folder, sizeof(folder), "%s.d",
				  cli->config_path);
		(void)text_format(path, sizeof(commission->config_path),
				  "%s/" DROP_IN_NAME, folder);
		if (mkdir(folder, 0755) < 0 && errno != EEXIST)
			(void)err_sys(&err, errno, "create %s", folder);
	}
	if (err.text[0] != '\0' ||
	    file_write(path, commission->text, &err) != ERR_OK)
		return cli_refuse(cli, EXIT_FAILED, &cannot_write, err.text);
	return EXIT_DONE;
}

/* ---- the store ---- */

/* The user's name as far as it is one here. */
static void account_name(const struct cli *cli, struct name *account)
{
	const char *given = cli_option(cli, "--account");
	const struct passwd *user = getpwuid((uid_t)direct_uid());

	if (given == NULL && user != NULL)
		given = user->pw_name;
	if (given == NULL || !text_is_name(span_of(given)) ||
	    !name_set(account, span_of(given)))
		*account = (struct name){.size = 5, .data = "owner"};
}

static enum err_code account_post(struct commission *commission,
				  struct ledger *ledger, struct err *err)
{
	struct entry entry;
	struct account *account = &entry.body.account;
	struct batch *batch;
	struct moment now;
	struct pos pos;
	bool is_trusted;
	enum err_code code;

	account_name(commission->cli, &commission->account);
	now = cli_now(&is_trusted);
	entry_init(&entry, ENTRY_ACCOUNT);
	entry.actor.kind = ACTOR_ACCOUNT;
	entry.actor.name = commission->account;
	account->name = commission->account;
	account->roles = (uint32_t)ROLE_MANAGER;
	account->uid = direct_uid() + 1;
	code = batch_begin(ledger, &batch, err);
	if (code != ERR_OK)
		return code;
	batch_time(batch, now, is_trusted);
	code = batch_post(batch, &entry, &pos, err);
	if (code == ERR_OK && commission->join != NULL && !commission->is_alone)
		code = site_number_put(batch_txn(batch), commission->join->site,
				       err);
	if (code == ERR_OK)
		return batch_commit(batch, err);
	batch_abandon(batch);
	return code;
}

static enum err_code found(const struct commission *commission, struct err *err)
{
	const struct config *wanted = commission->wanted;
	struct ledger_plan plan = {.map_size = wanted->store.map_size};
	bool fits;

	plan.now = cli_now(&plan.clock_trusted);
	fits = name_set(&plan.founding.org, span_of(wanted->site.org)) &&
	       name_set(&plan.founding.site, span_of(wanted->site.site)) &&
	       ref_set(&plan.founding.timezone, span_of(wanted->site.timezone));
	if (commission->join != NULL && !commission->is_alone)
		memcpy(plan.founding.net_id, commission->join->net_id,
		       sizeof(plan.founding.net_id));
	if (!fits)
		return err_set(err, ERR_INVALID, "a name is too long");
	return ledger_create(wanted->store.path, &plan, err);
}

static enum err_code is_unowned(struct ledger *ledger, bool *ret_is,
				struct err *err)
{
	uint64_t accounts;
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = view_count(view, TABLE_ACCOUNT, &accounts, err);
	view_end(view);
	if (code == ERR_OK)
		*ret_is = accounts == 0;
	return code;
}

/* A store that is there may be the one that joins: one that was founded in that
 * network, and has that number or none yet; or, where it takes another box's
 * place, alone under that name. */
static enum err_code is_ours(const struct commission *commission,
			     struct ledger *ledger, bool *ret_is_ours,
			     struct err *err)
{
	const struct join_answer *join = commission->join;
	uint32_t site = 0;
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = site_number_get(view, &site, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	if (commission->takes_place && site == 0)
		*ret_is_ours =
			span_equal(name_span(&ledger_identity(ledger)->site),
				   name_span(&join->name)) &&
			span_equal(name_span(&ledger_identity(ledger)->org),
				   name_span(&join->org));
	else
		*ret_is_ours = memcmp(ledger_identity(ledger)->net_id,
				      join->net_id, NET_ID_SIZE) == 0 &&
			       (site == 0 || site == join->site);
	return ERR_OK;
}

/* The first account, unless there is one: a founding that was cut short before
 * it is finished so. */
static enum err_code owner_add(struct commission *commission, const char *path,
			       bool *ret_is_added, struct err *err)
{
	bool is_unfinished = false;
	struct ledger *ledger;
	enum err_code code = ledger_open(path, ENV_WRITE, &ledger, err);

	if (code != ERR_OK)
		return code;
	code = is_unowned(ledger, &is_unfinished, err);
	*ret_is_added = is_unfinished;
	if (code == ERR_OK && commission->join != NULL &&
	    (!commission->is_alone || commission->takes_place))
		code = is_ours(commission, ledger, ret_is_added, err);
	if (code == ERR_OK && *ret_is_added && is_unfinished)
		code = account_post(commission, ledger, err);
	ledger_close(ledger);
	return code;
}

static enum exit_code store_make(struct commission *commission)
{
	const char *path = commission->wanted->store.path;
	struct cli *cli = commission->cli;
	bool is_added = false;
	struct err err;
	enum err_code code = direct_become_owner(path, &err);

	if (code == ERR_OK)
		code = found(commission, &err);
	if (code == ERR_OK ||
	    (code == ERR_CONFLICT && env_absent(path, NULL) != ERR_OK))
		code = owner_add(commission, path, &is_added, &err);
	if (code == ERR_AGAIN || (code == ERR_OK && !is_added))
		return cli_refuse(cli, EXIT_CONFLICT, &there_already, path);
	return code == ERR_OK ? EXIT_DONE : cli_failed(cli, code, &err);
}

/* The present one, if it is whole; what is wrong with it is not asked here. */
enum exit_code commission_begin(struct commission *commission)
{
	struct config_report *report;
	struct config *config;

	if (commission->wanted != NULL)
		return EXIT_DONE;
	report = calloc(1, sizeof(*report));
	config = calloc(1, sizeof(*config));
	commission->wanted = calloc(1, sizeof(*commission->wanted));
	if (report != NULL && config != NULL &&
	    config_load(commission->cli->config_path, config, report) == ERR_OK)
		commission->config = config;
	else
		free(config);
	free(report);
	return commission->wanted != NULL
		       ? EXIT_DONE
		       : cli_failed(commission->cli, ERR_FULL, NULL);
}

const char *commission_path(const struct commission *commission)
{
	const char *given = cli_option(commission->cli, "--path");

	if (given != NULL)
		return given;
	return commission->config != NULL ? commission->config->store.path
					  : asked[ASKED_PATH].initial;
}

static enum exit_code drop_in_write(struct commission *commission)
{
	char *path = commission->config_path;
	struct replace replace;
	struct err err;
	char folder[CONFIG_PATH_SIZE + 4];
	enum err_code code = ERR_OK;
	int fd;

	(void)text_format(folder, sizeof(folder), "%s.d",
			  commission->cli->config_path);
	(void)text_format(path, sizeof(commission->config_path),
			  "%s/" JOIN_DROP_IN, folder);
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return cli_refuse(commission->cli, EXIT_FAILED, &cannot_write,
				  folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return cli_refuse(commission->cli, EXIT_FAILED, &cannot_write,
				  folder);
	code = replace_begin(&replace, fd, JOIN_DROP_IN, 0644, &err);
	if (code == ERR_OK) {
		(void)fprintf(replace.out,
			      "[site]\norg = %s\nsite = %s\ntimezone = %s\n"
			      "%s%s",
			      commission->answers[ASKED_ORG],
			      commission->answers[ASKED_SITE],
			      commission->answers[ASKED_ZONE],
			      commission->link != NULL ? "\n[link hq]\n" : "",
			      commission->link != NULL ? commission->link : "");
		code = replace_commit(&replace, true, &err);
	}
	(void)close(fd);
	return code == ERR_OK ? EXIT_DONE
			      : cli_refuse(commission->cli, EXIT_FAILED,
					   &cannot_write, err.text);
}

/* Asks nobody: HQ's answer says who this box is. */
static enum exit_code answers_make(struct commission *commission)
{
	enum exit_code exit = commission_begin(commission);

	for (int i = 0; i < ASKED_COUNT && exit == EXIT_DONE; i++)
		exit = answer_get(commission, (enum asked)i);
	return exit == EXIT_DONE ? wanted_make(commission) : exit;
}

enum exit_code commission_configure(struct commission *commission)
{
	const struct config *is;
	enum exit_code exit = answers_make(commission);

	if (exit != EXIT_DONE)
		return exit;
	is = commission->config;
	if (is == NULL)
		return config_write(commission);
	if (commission->link == NULL &&
	    strcmp(is->site.org, commission->answers[ASKED_ORG]) == 0 &&
	    strcmp(is->site.site, commission->answers[ASKED_SITE]) == 0)
		return EXIT_DONE;
	return drop_in_write(commission);
}

enum exit_code commission_found(struct commission *commission)
{
	return store_make(commission);
}

enum exit_code commission_run(struct commission *commission)
{
	enum exit_code exit = commission_begin(commission);

	for (int i = 0; i < ASKED_COUNT && exit == EXIT_DONE; i++)
		exit = answer_get(commission, (enum asked)i);
	if (exit == EXIT_DONE)
		exit = wanted_make(commission);
	if (exit == EXIT_DONE)
		exit = agreement_check(commission);
	if (exit == EXIT_DONE)
		exit = config_write(commission);
	if (exit == EXIT_DONE)
		exit = store_make(commission);
	return exit;
}

void commission_release(struct commission *commission)
{
	free(commission->config);
	free(commission->wanted);
	commission->config = NULL;
	commission->wanted = NULL;
}
