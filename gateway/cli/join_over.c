#include "gateway/cli/join_over_parts.h"

#include <string.h>

#include "gateway/cli/ask.h"
#include "gateway/cli/direct.h"
#include "store/child.h"

static const struct control_refusal no_way = {
	"no_link",
	"the code is sound, and does not say where HQ's broker is: give it as "
	"--link HOST:PORT, or take the invitation's file",
	"加入码有效，但未包含总部代理的地址：请用 --link 主机:端口 "
	"给出，或使用邀请文件"};
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

/* ---- HQ has answered ---- */

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

enum exit_code over_ready_make(struct over *over)
{
	struct join_state *state = &over->finding->state;
	struct err err;
	enum exit_code exit;

	over->commission.join = &state->answer;
	over_link_lines(over);
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
	enum exit_code exit = over_ready_make(over);

	if (exit == EXIT_DONE)
		exit = store_ensure(over);
	if (exit == EXIT_DONE)
		exit = apply(over, &is_running);
	if (exit == EXIT_DONE)
		over_show(over, is_running ? "ready" : "joined", is_running);
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
		over_link_lines(over);
		exit = commission_configure(&over->commission);
		if (exit == EXIT_DONE)
			exit = store_ensure(over);
	}
	over->commission.join = NULL;
	if (exit == EXIT_DONE)
		over_show(over, "asking",
			  over->commission.config != NULL && is_running(over));
	return exit == EXIT_DONE ? EXIT_LOOK : exit;
}

/* ---- the verb ---- */

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

enum exit_code over_begin(struct over *over, struct cli *cli,
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
		exit = over_wait_find(over);
	if (exit == EXIT_DONE)
		exit = over_uri_find(over);
	if (exit != EXIT_DONE)
		return exit;
	over->path = commission_path(&over->commission);
	over_program_find(over);
	/* Before anything is asked of a folder that may not be there. */
	if (code != NULL && over->uri == NULL &&
	    join_state_read(over->path, &over->finding->state, NULL) != ERR_OK)
		return cli_refuse(cli, EXIT_USAGE, &no_way, "");
	return EXIT_DONE;
}

void over_end(struct over *over)
{
	commission_release(&over->commission);
	if (over->finding != NULL)
		join_state_wipe(&over->finding->state);
	child_unshare(over->finding, sizeof(*over->finding));
}

enum exit_code join_over(struct cli *cli, const struct join_code *code)
{
	struct over over;
	enum exit_code exit = over_begin(&over, cli, code);

	if (exit == EXIT_DONE)
		exit = over_ask(&over);
	if (exit == EXIT_DONE)
		exit = finding_take(&over);
	over_end(&over);
	return exit;
}
