#include "gateway/cli/carry_seal.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"
#include "store/closing.h"
#include "store/guard.h"
#include "store/site.h"

static const struct control_refusal not_kept = {
	"guard_waits",
	"the start guard does not have yet what would be in the file: try "
	"again; the log says why (guard_failed)",
	"启动保护尚未记录文件中的内容：请重试；日志说明原因（guard_failed）"};

#define POLL_MS 50
#define POLLS_MAX 200 /* 10 s: a box listens for 5 before it seals */

enum err_code carry_signer(const struct cli *cli, uint32_t epoch,
			   struct signer **ret_signer, struct err *err)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char folder[FILE_PATH_SIZE];
	char name[KEY_NAME_SIZE];
	enum err_code code =
		ledger_keys_folder(cli->config->store.path, folder, err);

	*ret_signer = NULL;
	keys_epoch_name(epoch, name);
	if (code == ERR_OK)
		code = signer_find(credentials, folder, name, ret_signer, err);
	/* Only systemd may have it: then nothing is signed here. */
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* ---- where depotd runs ---- */

struct flush {
	int64_t ticket; /* 0: none yet */
	bool is_done;   /* all that depotd could do for it */
	bool may_seal;
};

static enum exit_code flush_ask(struct cli *cli, struct flush *flush,
				struct carry_sealed *sealed)
{
	struct request_draft draft;
	struct request request;
	struct reply reply;
	enum exit_code exit;

	request_begin(&draft, cli);
	if (flush->ticket != 0)
		out_int_at(&draft.out, "ticket", flush->ticket);
	exit = request_end(&draft, "network.flush", &request);
	if (exit == EXIT_DONE)
		exit = ask(cli, &request, &reply);
	if (exit != EXIT_DONE)
		return exit;
	flush->ticket = member_number(reply.root, "ticket", 0);
	flush->is_done = member_true(reply.root, "done");
	flush->may_seal = member_true(reply.root, "may_seal");
	sealed->unsealed = (uint64_t)member_number(reply.root, "unsealed", 0);
	sealed->is_set_back = member_true(reply.root, "set_back");
	reply_release(&reply);
	return EXIT_DONE;
}

static enum exit_code daemon_seal(struct cli *cli, struct carry_sealed *sealed)
{
	enum exit_code exit = EXIT_DONE;
	struct flush flush = {.ticket = 0};
	bool is_done = false;

	for (int i = 0; i < POLLS_MAX && exit == EXIT_DONE && !is_done; i++) {
		if (i > 0)
			(void)poll(NULL, 0, POLL_MS); /* cut short: earlier */
		exit = flush_ask(cli, &flush, sealed);
		/* One that listens is waited for. */
		is_done = flush.is_done &&
			  (flush.may_seal || sealed->is_set_back ||
			   sealed->unsealed == 0);
		/* What was booked since goes with the next stick. */
		if (flush.is_done && flush.may_seal)
			sealed->unsealed = 0;
		/* Asked before it might: asked again. */
		if (i % 20 == 19)
			flush.ticket = 0;
	}
	return exit;
}

enum exit_code carry_settle(struct cli *cli)
{
	enum exit_code exit = EXIT_DONE;
	struct flush flush = {.ticket = 0};
	struct carry_sealed sealed;

	for (int i = 0; i < POLLS_MAX && exit == EXIT_DONE && !flush.is_done;
	     i++) {
		if (i > 0)
			(void)poll(NULL, 0, POLL_MS); /* cut short: earlier */
		exit = flush_ask(cli, &flush, &sealed);
	}
	if (exit == EXIT_DONE && !flush.is_done)
		return cli_refuse(cli, EXIT_AGAIN, &not_kept, "");
	return exit;
}

/* ---- where none runs ---- */

struct sealing {
	struct cli *cli;
	struct direct *direct;
	struct ledger *ledger;
	uint32_t site;
	uint32_t epoch;
	bool is_closing; /* the SEAL is due */
	char guard[FILE_PATH_SIZE];
	struct carry_sealed *sealed;
};

static enum err_code identity_read(struct sealing *sealing, struct err *err)
{
	struct journal_head head;
	struct view *view;
	enum err_code code =
		view_begin(ledger_env(sealing->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = site_number_get(view, &sealing->site, err);
	if (code == ERR_OK)
		code = ledger_head(view, &head, err);
	if (code == ERR_OK)
		sealing->epoch = pos_epoch(head.pos);
	if (code == ERR_OK && sealing->site != 0)
		code = feed_unsealed(view, sealing->site,
				     &sealing->sealed->unsealed, err);
	if (code == ERR_OK && sealing->site != 0)
		code = closing_is_due(view, sealing->site, &sealing->is_closing,
				      err);
	view_end(view);
	return code;
}

static struct guard_place guard_place_of(const struct sealing *sealing)
{
	return (struct guard_place){sealing->guard,
				    ledger_identity(sealing->ledger)->net_id,
				    sealing->site};
}

/* As depotd judges at its start. */
static enum err_code guard_look(struct sealing *sealing,
				enum guard_verdict *ret_verdict,
				struct err *err)
{
	struct guard_place place = guard_place_of(sealing);
	struct guard_memory memory;
	struct view *view;
	bool is_marked = false;
	enum err_code code =
		view_begin(ledger_env(sealing->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = guard_recall(&place, view, &memory, err);
	if (code == ERR_OK)
		code = site_restored_get(view, &is_marked, err);
	view_end(view);
	if (code == ERR_OK)
		*ret_verdict = is_marked ? GUARD_ROLLBACK : memory.verdict;
	return code;
}

static enum err_code batch_seal(struct sealing *sealing, struct batch *batch,
				const struct signer *signer, struct err *err)
{
	struct feed_desk *desk = direct_feeds(sealing->direct);
	struct seal_plan plan = {.site = sealing->site,
				 .signer = signer,
				 .rows_max = DELTA_ROWS_MAX};
	uint64_t seq = 1;
	enum err_code code = ERR_OK;

	plan.now = cli_now(&plan.clock_trusted);
	seal_random(&plan.boot, sizeof(plan.boot));
	while (code == ERR_OK && seq != 0)
		code = feed_seal(desk, batch_txn(batch), &plan, &seq, err);
	/* It has ended, by a fence or its own closing: nothing is left to say.
	 */
	if (code == ERR_CONFLICT || code == ERR_DENIED)
		code = ERR_OK;
	else if (code == ERR_OK && sealing->is_closing)
		code = closing_post(batch, desk, sealing->site, err);
	if (code == ERR_OK)
		code = batch_commit(batch, err);
	else
		batch_abandon(batch);
	if (code == ERR_OK)
		feed_desk_committed(desk);
	else
		feed_desk_abandon(desk);
	return code;
}

/* Before a delta leaves, it is remembered outside of the store. */
static enum err_code guard_keep(struct sealing *sealing, struct err *err)
{
	struct guard_place place = guard_place_of(sealing);
	struct view *view;
	enum err_code code =
		view_begin(ledger_env(sealing->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = guard_save(&place, view, err);
	view_end(view);
	return code;
}

static enum err_code store_seal(struct sealing *sealing, struct err *err)
{
	struct signer *signer = NULL;
	struct batch *batch;
	enum err_code code =
		carry_signer(sealing->cli, sealing->epoch, &signer, err);

	if (code != ERR_OK || signer == NULL)
		return code;
	code = batch_begin(sealing->ledger, &batch, err);
	if (code == ERR_OK)
		code = batch_seal(sealing, batch, signer, err);
	if (code == ERR_OK)
		code = guard_keep(sealing, err);
	signer_close(signer);
	return code == ERR_OK ? identity_read(sealing, err) : code;
}

static enum err_code here_seal(struct sealing *sealing, struct err *err)
{
	enum guard_verdict verdict;
	enum err_code code = identity_read(sealing, err);

	if (code != ERR_OK || sealing->site == 0)
		return code;
	code = file_beside(sealing->cli->config->store.path, "-guard",
			   sealing->guard, err);
	if (code == ERR_OK)
		code = guard_look(sealing, &verdict, err);
	if (code != ERR_OK)
		return code;
	sealing->sealed->is_set_back = verdict == GUARD_ROLLBACK;
	/* What HQ said leaves with the stick, too. */
	if (sealing->site == SITE_FIRST && verdict == GUARD_SAME)
		code = guard_keep(sealing, err);
	if (code != ERR_OK)
		return code;
	if (verdict != GUARD_SAME ||
	    (sealing->sealed->unsealed == 0 && !sealing->is_closing) ||
	    sealing->cli->config->link_count > 0)
		return ERR_OK;
	code = store_seal(sealing, err);
	/* The SEAL was posted behind it: now that is sealed. */
	return code == ERR_OK && sealing->is_closing ? store_seal(sealing, err)
						     : code;
}

enum exit_code carry_seal(struct cli *cli, struct carry_sealed *ret_sealed)
{
	struct sealing sealing = {.cli = cli, .sealed = ret_sealed};
	enum exit_code exit;
	enum err_code code;
	struct err err;
	bool is_there;

	*ret_sealed = (struct carry_sealed){.unsealed = 0};
	exit = ask_daemon(cli, &is_there);
	if (exit == EXIT_DONE && is_there)
		return daemon_seal(cli, ret_sealed);
	if (exit == EXIT_DONE)
		exit = ask_direct(cli, ENV_WRITE, &sealing.direct);
	if (exit != EXIT_DONE)
		return exit;
	sealing.ledger = direct_ledger(sealing.direct);
	code = here_seal(&sealing, &err);
	return code == ERR_OK ? EXIT_DONE : cli_failed(cli, code, &err);
}
