#include "gateway/cli/join_over.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/ask.h"
#include "gateway/cli/commission.h"
#include "gateway/cli/join_ask.h"
#include "gateway/cli/port_taken.h"
#include "gateway/cli/sheet.h"
#include "gateway/edge/loop.h"
#include "store/child.h"
#include "store/journal.h"
#include "store/site.h"

#define LINK_PROGRAM "depot-link"
#define LINK_LINES_SIZE 1024
#define WAIT_S 20
#define WAIT_S_MAX 86400
#define CHILD_SPARE_MS 30000
#define EPOCH_AFTER_ALONE 2
#define FOLLOW_MS 2000

_Static_assert(JOIN_URI_SIZE == CONFIG_URI_SIZE, "a link's uri fits");

static const struct control_refusal no_way = {
	"no_link",
	"the code is sound, and does not say where HQ's broker is: give it as "
	"--link HOST:PORT, or take the invitation's file",
	"加入码有效，但未包含总部代理的地址：请用 --link 主机:端口 "
	"给出，或使用邀请文件"};
static const struct control_refusal bad_link = {
	"usage", "%s is neither HOST:PORT nor ssl://HOST:PORT",
	"%s 既不是“主机:端口”，也不是 ssl://主机:端口"};
static const struct control_refusal nothing_begun = {
	"not_found",
	"this box is not joining anything: depot join CODE begins it%s",
	"本机没有正在进行的加入：请使用 depot join 加入码%s"};
static const struct control_refusal is_member = {
	"conflict",
	"this box belongs to a network already: depot hq sites shows it%s",
	"本机已属于某个网络：可用 depot hq sites 查看%s"};
static const struct control_refusal is_joining = {
	"conflict",
	"HQ has answered another code already: depot join goes on with it%s",
	"总部已答复另一个加入码：请直接运行 depot join 继续%s"};
static const struct control_refusal bad_wait = {
	"usage", "%s is no number of seconds from 0 to 86400",
	"%s 不是 0 到 86400 之间的秒数"};

/* What the child finds out; it is another process's memory, too. */
struct finding {
	struct join_state state;
	bool has_state;
	bool is_member;
	bool is_other; /* another code is answered already */
	bool has_store;
	enum join_silence silence;
	bool is_unowned; /* a founding was cut short before its account */
};

struct over {
	struct cli *cli;
	const struct join_code *code; /* NULL: go on */
	struct commission commission;
	const char *path;
	const char *uri; /* NULL: neither said nor configured */
	bool is_said;    /* by an option, or in the code */
	char uri_text[JOIN_URI_SIZE];
	char link[LINK_LINES_SIZE]; /* lines of [link hq] */
	char options[LINK_LINES_SIZE];
	char program[FILE_PATH_SIZE];
	int64_t wait_s;
	struct finding *finding; /* shared with the child */
	struct err why;          /* HQ has not answered */
};

/* ---- where HQ is ---- */

static bool uri_take(struct over *over, const char *text)
{
	struct join_code probe = {.number = 1};

	if (strstr(text, "://") != NULL)
		return text_format(over->uri_text, sizeof(over->uri_text), "%s",
				   text);
	return strchr(text, ':') != NULL &&
	       join_host_set(&probe.host, span_of(text)) &&
	       join_uri_of(&probe, over->uri_text);
}

/* From the option, the code, or the first link that is configured. */
static enum exit_code uri_find(struct over *over)
{
	const char *given = cli_option(over->cli, "--link");
	const struct config *config = over->commission.config;

	if (given != NULL && !uri_take(over, given))
		return cli_refuse(over->cli, EXIT_USAGE, &bad_link, given);
	if (given == NULL && over->code != NULL && over->code->host.size > 0 &&
	    !join_uri_of(over->code, over->uri_text))
		return cli_refuse(over->cli, EXIT_USAGE, &bad_link, "");
	over->is_said = over->uri_text[0] != '\0';
	if (!over->is_said && config != NULL && config->link_count > 0)
		(void)text_format(over->uri_text, sizeof(over->uri_text), "%s",
				  config->links[0].uri);
	if (over->uri_text[0] != '\0')
		over->uri = over->uri_text;
	return EXIT_DONE;
}

static const struct config_link *configured(const struct over *over)
{
	const struct config *config = over->commission.config;

	for (size_t i = 0; config != NULL && i < config->link_count; i++)
		if (strcmp(config->links[i].uri, over->finding->state.uri) == 0)
			return &config->links[i];
	return NULL;
}

static void option_add(struct over *over, const char *name, const char *value)
{
	size_t used = strlen(over->options);

	if (value != NULL && value[0] != '\0')
		(void)text_format(over->options + used,
				  sizeof(over->options) - used, "%s = %s\n",
				  name, value);
}

/* What the broker wants besides: from the options, else as it is configured. */
static void options_find(struct over *over)
{
	const struct cli *cli = over->cli;
	const struct config_link *link = configured(over);

	over->options[0] = '\0';
	option_add(over, "user",
		   link != NULL ? link->user : cli_option(cli, "--user"));
	option_add(over, "password_file",
		   link != NULL ? link->password_file
				: cli_option(cli, "--password-file"));
	option_add(over, "ca_file",
		   link != NULL ? link->ca_file : cli_option(cli, "--ca-file"));
	if (link == NULL)
		return;
	option_add(over, "cert_file", link->cert_file);
	option_add(over, "key_file", link->key_file);
}

static enum exit_code wait_find(struct over *over)
{
	const char *given = cli_option(over->cli, "--wait");

	over->wait_s = WAIT_S;
	if (given != NULL && !cli_number(given, 0, WAIT_S_MAX, &over->wait_s))
		return cli_refuse(over->cli, EXIT_USAGE, &bad_wait, given);
	return EXIT_DONE;
}

/* Beside this program, else where the package has it. */
static void program_find(struct over *over)
{
	char own[FILE_PATH_SIZE - sizeof("/../sbin/" LINK_PROGRAM)];
	ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	own[size > 0 ? size : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash != NULL)
		*slash = '\0';
	(void)text_format(over->program, sizeof(over->program),
			  "%s/" LINK_PROGRAM, own);
	if (access(over->program, X_OK) != 0)
		(void)text_format(over->program, sizeof(over->program),
				  "%s/../sbin/" LINK_PROGRAM, own);
}

/* ---- in a child, as the store's owner ---- */

static enum err_code store_look(struct over *over, uint32_t *ret_epoch,
				struct err *err)
{
	struct journal_head head;
	struct ledger *ledger;
	struct view *view;
	uint64_t accounts = 0;
	uint32_t site = 0;
	enum err_code code;

	*ret_epoch = EPOCH_AFTER_ALONE;
	if (env_absent(over->path, NULL) == ERR_OK)
		return ERR_OK;
	code = ledger_open(over->path, ENV_READ, &ledger, err);
	if (code != ERR_OK)
		return code;
	over->finding->has_store = true;
	code = view_begin(ledger_env(ledger), &view, err);
	if (code == ERR_OK) {
		code = site_number_get(view, &site, err);
		if (code == ERR_OK)
			code = ledger_head(view, &head, err);
		if (code == ERR_OK)
			code = view_count(view, TABLE_ACCOUNT, &accounts, err);
		view_end(view);
	}
	ledger_close(ledger);
	if (code != ERR_OK)
		return code;
	over->finding->is_member = site != 0;
	over->finding->is_unowned = accounts == 0;
	*ret_epoch = pos_epoch(head.pos) + 1;
	return ERR_OK;
}

/* A site whose joining was cut short after its epoch had begun. */
static enum err_code member_look(struct over *over, struct err *err)
{
	struct finding *finding = over->finding;
	enum err_code code = join_state_read(over->path, &finding->state, err);

	if (code == ERR_OK && finding->state.stage == JOIN_STAGE_READY) {
		finding->has_state = true;
		finding->is_member = false;
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Goes on with what was begun, unless it was refused or is another code's. */
static enum err_code state_find(struct over *over, uint32_t epoch,
				struct err *err)
{
	struct finding *finding = over->finding;
	struct join_state *state = &finding->state;
	enum err_code code = join_state_read(over->path, state, err);
	bool is_new;

	if (code != ERR_OK && code != ERR_NOT_FOUND && code != ERR_CORRUPT)
		return code;
	finding->has_state = code == ERR_OK;
	if (over->code == NULL)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	is_new = !finding->has_state || state->stage == JOIN_STAGE_REFUSED ||
		 !join_code_is_same(&state->code, over->code);
	if (is_new && finding->has_state &&
	    (state->stage == JOIN_STAGE_ANSWERED ||
	     state->stage == JOIN_STAGE_READY)) {
		finding->is_other = true;
		return ERR_OK;
	}
	if (!is_new || over->uri == NULL)
		return ERR_OK;
	code = join_state_begin(over->path, over->code, over->uri, epoch, state,
				err);
	finding->has_state = code == ERR_OK;
	return code;
}

/* What a person says goes before what the code says that was begun with; a
 * link that is configured does not. */
static bool is_elsewhere(const struct over *over,
			 const struct join_state *state)
{
	return over->uri != NULL &&
	       (over->is_said || state->code.host.size == 0) &&
	       strcmp(over->uri, state->uri) != 0;
}

static enum err_code child_work(void *context, struct err *err)
{
	struct over *over = context;
	struct join_state *state = &over->finding->state;
	struct join_asking asking = {
		.program = over->program,
		.link_options = over->options,
		.wait_ms = (uint64_t)over->wait_s * 1000,
		.ret_silence = &over->finding->silence,
	};
	uint32_t epoch;
	enum err_code asked = ERR_OK;
	enum err_code code = direct_become_owner(over->path, err);

	if (code == ERR_OK)
		code = store_look(over, &epoch, err);
	if (code == ERR_OK && over->finding->is_member)
		return member_look(over, err);
	if (code != ERR_OK)
		return code;
	code = state_find(over, epoch, err);
	if (code != ERR_OK || !over->finding->has_state ||
	    over->finding->is_other || state->stage != JOIN_STAGE_ASKING)
		return code;
	if (is_elsewhere(over, state))
		code = join_state_move(over->path,
				       over->code != NULL ? over->code
							  : &state->code,
				       over->uri, state, err);
	if (code != ERR_OK)
		return code;
	options_find(over);
	asked = join_ask_run(&asking, state, err);
	code = join_state_keep(over->path, state, NULL);
	return asked != ERR_OK ? asked : code;
}

/* ---- ends ---- */

static void fact(const struct cli *cli, const char *en, const char *zh,
		 const char *value)
{
	(void)printf("%s: %s\n", cli_say(cli, en, zh), value);
}

static void document_make(const struct over *over, const char *stage,
			  struct json_out *out)
{
	const struct join_state *state = &over->finding->state;
	const struct commission *commission = &over->commission;

	out_object(out);
	out_string_at(out, "stage", stage);
	out_int_at(out, "invitation", state->code.number);
	out_int_at(out, "tries", state->tries);
	out_string_at(out, "link", state->uri);
	out_string_at(out, "path", over->path);
	if (state->frame_size > 0) {
		out_text_at(out, "org", name_span(&state->answer.org));
		out_text_at(out, "name", name_span(&state->answer.name));
		out_int_at(out, "site", state->answer.site);
		out_int_at(out, "epoch", state->answer.epoch);
	}
	if (commission->account.size > 0)
		out_text_at(out, "account", name_span(&commission->account));
	if (commission->config_path[0] != '\0')
		out_string_at(out, "config", commission->config_path);
	if (over->why.text[0] != '\0')
		out_string_at(out, "waiting", over->why.text);
	out_object_end(out);
}

/* What to type next; the daemon that runs takes it over by itself. */
static void next_tell(const struct over *over, bool is_running)
{
	const struct cli *cli = over->cli;

	if (is_running && over->finding->state.frame_size == 0)
		return; /* it works, and asks */
	if (is_running) {
		(void)puts(cli_say(cli,
				   "depotd takes it over by itself, within "
				   "seconds",
				   "depotd 会在数秒内自动接管"));
		return;
	}
	(void)puts(cli_say(cli, "\nnext", "\n下一步"));
	/* The broker of a box that has worked before may be its own. */
	if (!over->finding->has_store)
		port_taken_tell(cli, over->commission.config);
	(void)puts(cli_say(
		cli,
		"  sudo systemctl enable --now depotd depot-link@hq   "
		"the box works\n"
		"  sudo depot label op --out labels       sheets to "
		"scan\n"
		"  sudo depot label bin --out bins        sheets of "
		"bins",
		"  sudo systemctl enable --now depotd depot-link@hq   "
		"启动，即可作业\n"
		"  sudo depot label op --out labels       打印操作标签\n"
		"  sudo depot label bin --out bins        "
		"打印库位标签"));
}

static void show(const struct over *over, const char *stage, bool is_running)
{
	const struct join_state *state = &over->finding->state;
	const struct cli *cli = over->cli;
	char text[2048];
	char name[2 * NAME_SIZE_MAX + 8];
	struct json_out out;

	if (cli->is_json) {
		out_init(&out, text, sizeof(text));
		document_make(over, stage, &out);
		cli_document(out_span(&out));
		return;
	}
	if (state->frame_size > 0) {
		(void)text_format(name, sizeof(name), "%.*s/%.*s",
				  (int)state->answer.org.size,
				  state->answer.org.data,
				  (int)state->answer.name.size,
				  state->answer.name.data);
		fact(cli, "welcome to the network; this box is",
		     "欢迎加入网络，本机为", name);
	} else {
		if (cli->is_chinese)
			join_silence_zh(over->finding->silence, state->uri,
					text, sizeof(text));
		else
			(void)text_format(text, sizeof(text), "%s",
					  over->why.text);
		fact(cli, "HQ has not answered yet", "总部尚未答复", text);
		(void)puts(cli_say(
			cli,
			"the box books already; depot join asks again, and so "
			"does the box by itself",
			"本机已可入账；可运行 depot join "
			"再次申请，本机也会自动重试"));
	}
	fact(cli, "ledger", "账本", over->path);
	if (over->commission.config_path[0] != '\0')
		fact(cli, "configuration written", "已写入配置",
		     over->commission.config_path);
	next_tell(over, is_running);
}

/* ---- HQ has answered ---- */

static void link_lines(struct over *over)
{
	if (configured(over) != NULL)
		return;
	options_find(over);
	if (text_format(over->link, sizeof(over->link), "uri = %s\n%s",
			over->finding->state.uri, over->options))
		over->commission.link = over->link;
}

static enum exit_code store_ensure(struct over *over)
{
	return over->finding->has_store && !over->finding->is_unowned
		       ? EXIT_DONE
		       : commission_found(&over->commission);
}

/* *@ret_is_running: a daemon has the store, and does it. */
static enum exit_code apply(struct over *over, bool *ret_is_running)
{
	struct join_moment at;
	struct ledger *ledger;
	struct err err;
	enum err_code code = direct_become_owner(over->path, &err);

	if (code == ERR_OK)
		code = ledger_open(over->path, ENV_WRITE, &ledger, &err);
	*ret_is_running = code == ERR_AGAIN;
	if (code == ERR_AGAIN)
		return EXIT_DONE;
	if (code == ERR_OK) {
		at.now = cli_now(&at.clock_trusted);
		code = join_apply(ledger, over->path, &over->finding->state,
				  &at, &err);
		ledger_close(ledger);
	}
	return code == ERR_OK ? EXIT_DONE : cli_failed(over->cli, code, &err);
}

/* HQ has answered: the configuration says so, and then the state. */
static enum exit_code ready_make(struct over *over)
{
	struct join_state *state = &over->finding->state;
	struct err err;
	enum exit_code exit;

	over->commission.join = &state->answer;
	link_lines(over);
	exit = commission_configure(&over->commission);
	if (exit != EXIT_DONE)
		return exit;
	if (state->stage == JOIN_STAGE_READY)
		return EXIT_DONE;
	state->stage = JOIN_STAGE_READY;
	return join_state_write(over->path, state, &err) == ERR_OK
		       ? EXIT_DONE
		       : cli_failed(over->cli, ERR_IO, &err);
}

/* Answer, configuration, READY, store: whatever is cut short is gone on with
 * from there. */
static enum exit_code welcome(struct over *over)
{
	bool is_running = false;
	enum exit_code exit = ready_make(over);

	if (exit == EXIT_DONE)
		exit = store_ensure(over);
	if (exit == EXIT_DONE)
		exit = apply(over, &is_running);
	if (exit == EXIT_DONE)
		show(over, is_running ? "ready" : "joined", is_running);
	return exit;
}

static enum exit_code turn_away(struct over *over)
{
	enum join_refusal reason = over->finding->state.refusal;
	const struct control_refusal why = {"join_refused",
					    join_refusal_text(reason, false),
					    join_refusal_text(reason, true)};
	struct err err;

	if (join_state_remove(over->path, &err) != ERR_OK)
		return cli_failed(over->cli, ERR_IO, &err);
	return cli_refuse(over->cli, EXIT_CONFLICT, &why, "");
}

/* ---- it has not ---- */

/* The names on the sheet, if somebody types them; they change when HQ says
 * otherwise. */
static void names_make(const struct over *over, struct join_answer *answer)
{
	const char *org = cli_option(over->cli, "--org");
	const char *site = cli_option(over->cli, "--site");
	char name[NAME_SIZE_MAX + 1];

	memset(answer, 0, sizeof(*answer));
	(void)text_format(name, sizeof(name), "new-%u",
			  (unsigned)over->finding->state.code.number);
	if (org == NULL || !text_is_name(span_of(org)) ||
	    !name_set(&answer->org, span_of(org)))
		answer->org = (struct name){.size = 7, .data = "joining"};
	if (site == NULL || !text_is_name(span_of(site)) ||
	    !name_set(&answer->name, span_of(site))) {
		bool fits = name_set(&answer->name, span_of(name));

		ASSERT(fits);
	}
}

/* Not asked of a box that this call has founded. */
static bool is_running(const struct over *over)
{
	bool is_there = false;

	return over->finding->has_store &&
	       ask_daemon(over->cli, &is_there) == EXIT_DONE && is_there;
}

static enum exit_code go_on_alone(struct over *over)
{
	struct join_answer answer;
	enum exit_code exit = EXIT_DONE;

	names_make(over, &answer);
	over->commission.join = &answer;
	if (!over->finding->has_store || over->finding->is_unowned) {
		link_lines(over);
		exit = commission_configure(&over->commission);
		if (exit == EXIT_DONE)
			exit = store_ensure(over);
	}
	over->commission.join = NULL;
	if (exit == EXIT_DONE)
		show(over, "asking",
		     over->commission.config != NULL && is_running(over));
	return exit == EXIT_DONE ? EXIT_LOOK : exit;
}

/* ---- the verb ---- */

static enum exit_code child_take(struct over *over)
{
	struct child_watch watch = {.time_limit_ms =
					    (uint64_t)over->wait_s * 1000 +
					    CHILD_SPARE_MS};
	struct child_end end;
	struct err err;
	enum err_code code = child_run(child_work, over, &watch, &end, &err);

	if (code == ERR_OK && end.how != CHILD_RETURNED)
		code = err_set(&err, ERR_IO, "asking HQ ended by itself");
	if (code != ERR_OK)
		return cli_failed(over->cli, code, &err);
	if (end.code == ERR_AGAIN && over->finding->has_state) {
		over->why = end.err;
		return EXIT_DONE;
	}
	return end.code == ERR_OK ? EXIT_DONE
				  : cli_failed(over->cli, end.code, &end.err);
}

static enum exit_code finding_take(struct over *over)
{
	const struct finding *finding = over->finding;

	if (finding->is_member)
		return cli_refuse(over->cli, EXIT_CONFLICT, &is_member, "");
	if (finding->is_other)
		return cli_refuse(over->cli, EXIT_CONFLICT, &is_joining, "");
	if (!finding->has_state)
		return over->code == NULL
			       ? cli_refuse(over->cli, EXIT_NOT_FOUND,
					    &nothing_begun, "")
			       : cli_refuse(over->cli, EXIT_USAGE, &no_way, "");
	switch (finding->state.stage) {
	case JOIN_STAGE_ASKING:
		return go_on_alone(over);
	case JOIN_STAGE_ANSWERED:
	case JOIN_STAGE_READY:
		return welcome(over);
	case JOIN_STAGE_REFUSED:
		break;
	}
	return turn_away(over);
}

/* Begins, and asks HQ if that is due. */
static enum exit_code over_begin(struct over *over, struct cli *cli,
				 const struct join_code *code)
{
	enum exit_code exit;

	*over = (struct over){
		.cli = cli,
		.code = code,
		.commission = {.cli = cli, .is_alone = true},
		.finding = child_share(sizeof(*over->finding)),
		.why = {.text = ""},
	};
	if (over->finding == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	(void)direct_uid(); /* it remembers who came */
	exit = commission_begin(&over->commission);
	if (exit == EXIT_DONE)
		exit = wait_find(over);
	if (exit == EXIT_DONE)
		exit = uri_find(over);
	if (exit != EXIT_DONE)
		return exit;
	over->path = commission_path(&over->commission);
	program_find(over);
	/* Before anything is asked of a folder that may not be there. */
	if (code != NULL && over->uri == NULL &&
	    join_state_read(over->path, &over->finding->state, NULL) != ERR_OK)
		return cli_refuse(cli, EXIT_USAGE, &no_way, "");
	return child_take(over);
}

static void over_end(struct over *over)
{
	commission_release(&over->commission);
	if (over->finding != NULL)
		join_state_wipe(&over->finding->state);
	child_unshare(over->finding, sizeof(*over->finding));
}

static enum exit_code follow_once(struct cli *cli, bool *ret_is_over)
{
	struct over over;
	enum exit_code exit = over_begin(&over, cli, NULL);

	*ret_is_over = exit != EXIT_DONE || over.finding->is_member;
	if (exit == EXIT_DONE && over.finding->has_state &&
	    over.finding->state.stage == JOIN_STAGE_ANSWERED)
		exit = ready_make(&over);
	over_end(&over);
	return exit;
}

enum exit_code join_follow(struct cli *cli)
{
	bool is_over = false;
	enum exit_code exit = EXIT_DONE;
	struct loop *loop = NULL;
	struct err err;
	enum err_code code = loop_open(&loop, &err);

	while (code == ERR_OK && exit == EXIT_DONE && !is_over) {
		exit = follow_once(cli, &is_over);
		if (!is_over && exit == EXIT_DONE)
			code = loop_step(loop, FOLLOW_MS, &err);
	}
	loop_close(loop);
	return code == ERR_OK ? exit : cli_failed(cli, code, &err);
}

enum exit_code join_over(struct cli *cli, const struct join_code *code)
{
	struct over over;
	enum exit_code exit = over_begin(&over, cli, code);

	if (exit == EXIT_DONE)
		exit = finding_take(&over);
	over_end(&over);
	return exit;
}
