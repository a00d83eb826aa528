/*
 * What a child finds out as the store's owner: how far the joining is, and what
 * HQ says if it is asked.
 */
#include "gateway/cli/join_over_parts.h"

#include <string.h>

#include "gateway/cli/direct.h"
#include "gateway/cli/join_ask.h"
#include "store/child.h"
#include "store/journal.h"
#include "store/roster.h"
#include "store/site.h"

#define CHILD_SPARE_MS 30000
#define EPOCH_AFTER_ALONE 2

/* What a member is, in its network. */
static enum err_code member_find(const struct view *view,
				 struct finding *finding, struct pos head,
				 struct err *err)
{
	struct certificate certificate;
	enum err_code code;

	finding->is_member = true;
	finding->epoch = pos_epoch(head);
	code = roster_certificate(view, finding->site, finding->epoch,
				  &certificate, err);
	finding->is_certified = code == ERR_OK && !certificate.is_provisional;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code store_look(struct over *over, uint32_t *ret_epoch,
				struct err *err)
{
	struct journal_head head;
	struct ledger *ledger;
	struct view *view;
	uint64_t accounts = 0;
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
		code = site_number_get(view, &over->finding->site, err);
		if (code == ERR_OK)
			code = ledger_head(view, &head, err);
		if (code == ERR_OK)
			code = view_count(view, TABLE_ACCOUNT, &accounts, err);
		if (code == ERR_OK && over->finding->site != 0)
			code = member_find(view, over->finding, head.pos, err);
		view_end(view);
	}
	ledger_close(ledger);
	if (code != ERR_OK)
		return code;
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
	over_options_find(over);
	asked = join_ask_run(&asking, state, err);
	code = join_state_keep(over->path, state, NULL);
	return asked != ERR_OK ? asked : code;
}

enum exit_code over_ask(struct over *over)
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
