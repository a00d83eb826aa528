#include "gateway/edge/keeper_scrub.h"

/* Some two milliseconds of reading a second. */
#define ROWS_A_STEP 1000
#define SAVE_EVERY_MS (5 * 60 * 1000)

void keeper_scrub_init(struct keeper_scrub *scrub, uint32_t hours)
{
	*scrub = (struct keeper_scrub){
		.interval_ms = (int64_t)hours * 3600 * 1000,
	};
}

/* How far it came is kept, so that a restart goes on from there. */
static enum err_code save(struct keeper_scrub *scrub, struct ledger *ledger,
			  struct err *err)
{
	struct batch *batch;
	enum err_code code = batch_begin(ledger, &batch, err);

	if (code != ERR_OK)
		return code;
	code = scrub_save(batch_txn(batch), &scrub->scrub, err);
	if (code == ERR_OK)
		return batch_commit(batch, err);
	batch_abandon(batch);
	return code;
}

static enum err_code step(struct keeper_scrub *scrub, struct ledger *ledger,
			  struct err *err)
{
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	if (!scrub->is_loaded)
		code = scrub_load(view, &scrub->scrub, err);
	scrub->is_loaded = true;
	if (code == ERR_OK)
		code = scrub_step(view, &scrub->scrub, ROWS_A_STEP, err);
	view_end(view);
	return code;
}

enum err_code keeper_scrub_step(struct keeper_scrub *scrub,
				struct ledger *ledger, int64_t now_ms,
				struct err *err)
{
	uint64_t rounds = scrub->scrub.rounds;
	bool was_loaded = scrub->is_loaded;
	enum err_code code;

	if (scrub->interval_ms == 0 || scrub->is_damaged ||
	    now_ms < scrub->round_at)
		return ERR_OK;
	code = step(scrub, ledger, err);
	if (code == ERR_CORRUPT)
		scrub->is_damaged = true;
	if (code != ERR_OK)
		return code;
	if (was_loaded && scrub->scrub.rounds != rounds) {
		scrub->round_at = now_ms + scrub->interval_ms;
		scrub->save_at = 0;
	}
	if (now_ms < scrub->save_at)
		return ERR_OK;
	scrub->save_at = now_ms + SAVE_EVERY_MS;
	return save(scrub, ledger, err);
}
