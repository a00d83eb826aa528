#include "store/joining.h"

#include "store/recount.h"
#include "store/site.h"

struct telling {
	const struct joining_plan *plan;
	struct pos end; /* of what is told again */
	uint64_t carried;
};

static enum err_code entry_carry(struct telling *telling, struct batch *batch,
				 struct pos pos, struct err *err)
{
	struct entry entry;
	enum err_code code = journal_read(batch_view(batch), pos, &entry, err);

	if (code == ERR_VERSION)
		return ERR_OK; /* nobody here can tell what it says */
	if (code != ERR_OK)
		return code;
	/* What was told again before, after a backup came back, is there once
	 * where it was told first. */
	if (entry.kind == ENTRY_FOUNDING || entry.kind == ENTRY_SUCCESSION ||
	    entry_named(&entry).value != 0)
		return ERR_OK;
	entry.clock_flags &= ENTRY_EFFECTIVE_TRUSTED;
	entry.actor.boot.size = 0;
	entry.actor.seq = 0;
	entry.carried = pos;
	telling->carried++;
	return batch_post(batch, &entry, NULL, err);
}

/* Epoch by epoch: where one is over, the next begins. */
static enum err_code all_carry(struct telling *telling, struct batch *batch,
			       struct err *err)
{
	struct pos pos = pos_make(1, 1);
	enum err_code code = ERR_OK;

	while (code == ERR_OK && pos.value <= telling->end.value) {
		code = entry_carry(telling, batch, pos, err);
		pos.value++;
		if (code != ERR_NOT_FOUND ||
		    pos_epoch(pos) == pos_epoch(telling->end))
			continue;
		pos = pos_make(pos_epoch(pos) + 1, 1);
		code = ERR_OK;
	}
	return code;
}

/* What the box before had not told anybody is lost with it. */
static enum err_code replaced_note(struct batch *batch, struct err *err)
{
	enum err_code code = site_regaining_put(batch_txn(batch), true, err);

	return code == ERR_OK ? recount_post(batch, err) : code;
}

static enum err_code joining_tell(void *context, struct batch *batch,
				  struct err *err)
{
	struct telling *telling = context;
	struct entry entry;
	enum err_code code;

	entry_init(&entry, ENTRY_SUCCESSION);
	entry.body.succession = telling->plan->succession;
	code = site_number_put(batch_txn(batch), telling->plan->site, err);
	if (code == ERR_OK)
		code = batch_post(batch, &entry, NULL, err);
	if (code == ERR_OK)
		code = all_carry(telling, batch, err);
	if (code == ERR_OK &&
	    telling->plan->succession.reason == SUCCESSION_REPLACED)
		code = replaced_note(batch, err);
	return code;
}

enum err_code joining_open(struct ledger *ledger,
			   const struct joining_plan *plan,
			   uint64_t *ret_carried, struct err *err)
{
	struct telling telling = {.plan = plan};
	struct epoch_plan epoch = plan->epoch;
	struct journal_head head;
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = ledger_head(view, &head, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	telling.end = head.pos;
	epoch.also = joining_tell;
	epoch.context = &telling;
	code = ledger_epoch_open(ledger, &epoch, err);
	if (code == ERR_OK)
		*ret_carried = telling.carried;
	return code;
}
