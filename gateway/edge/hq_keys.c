#include "gateway/edge/hq_keys.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/voice.h"
#include "store/keys.h"
#include "store/seal.h"
#include "store/site.h"

#define NAME_SIZE 32

static void key_name(const char *feed, uint32_t epoch, char name[NAME_SIZE])
{
	(void)text_format(name, NAME_SIZE, "%s-%" PRIu32 ".key", feed, epoch);
}

/* The epochs that count. ERR_NOT_FOUND: this store is not HQ's. */
static enum err_code epochs_read(struct ledger *ledger, struct hq *hq,
				 struct err *err)
{
	struct certificate master;
	struct root root;
	uint32_t site = 0;
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = site_number_get(view, &site, err);
	if (code == ERR_OK && site != SITE_FIRST)
		code = ERR_NOT_FOUND;
	if (code == ERR_OK)
		code = roster_root(view, &root, err);
	if (code == ERR_OK)
		code = roster_site(view, SITE_MASTER, &master, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	hq->control_epoch = root.epoch;
	hq->master_epoch = master.epoch;
	return ERR_OK;
}

static enum err_code signers_open(struct hq_keys *keys, const char *path,
				  const char *credentials, struct err *err)
{
	char folder[FILE_PATH_SIZE];
	char name[NAME_SIZE];
	enum err_code code = ledger_keys_folder(path, folder, err);

	if (code != ERR_OK)
		return code;
	key_name("control", keys->hq.control_epoch, name);
	code = signer_find(credentials, folder, name, &keys->control, err);
	if (code != ERR_OK)
		return code;
	key_name("master", keys->hq.master_epoch, name);
	return signer_find(credentials, folder, name, &keys->master, err);
}

/* ---- the guard ---- */

static enum err_code words_vouch(struct ledger *ledger, const char *path,
				 struct err *err)
{
	char guard[FILE_PATH_SIZE];
	struct guard_place place = {guard, ledger_identity(ledger)->net_id,
				    SITE_FIRST};
	struct view *view;
	enum err_code code = file_beside(path, "-guard", guard, err);

	if (code == ERR_OK)
		code = view_begin(ledger_env(ledger), &view, err);
	if (code != ERR_OK)
		return code;
	code = guard_vouch(&place, view, true, err);
	view_end(view);
	return code;
}

/* As far as the store and the guard tell. */
static enum err_code voice_judge(struct hq_keys *keys,
				 const struct guard_place *place,
				 const struct view *view, struct err *err)
{
	struct voice_now now = {.view = view, .links = EXCHANGE_ALONE};
	struct guard_memory memory;
	struct voice voice;
	bool has_turned;
	enum err_code code = guard_recall(place, view, &memory, err);

	if (code == ERR_OK)
		code = site_restored_get(view, &now.was_set_back, err);
	if (code != ERR_OK)
		return code;
	now.was_set_back |= memory.verdict == GUARD_ROLLBACK ||
			    memory.words == GUARD_ROLLBACK;
	voice_begin(&voice, &memory, true, &keys->voice);
	return voice_look(&voice, &now, &has_turned, err);
}

static enum err_code voice_find(struct hq_keys *keys, struct ledger *ledger,
				const char *path, struct err *err)
{
	struct guard_place place = {
		keys->guard, ledger_identity(ledger)->net_id, SITE_FIRST};
	struct view *view;
	enum err_code code = file_beside(path, "-guard", keys->guard, err);

	if (code == ERR_OK)
		code = view_begin(ledger_env(ledger), &view, err);
	if (code != ERR_OK)
		return code;
	code = voice_judge(keys, &place, view, err);
	view_end(view);
	return code;
}

/* A guard that is sure, and was proven wrong. What is not sure anyway stays as
 * it is, for a file that was begun anew would tell the ledger that all is well.
 */
static enum err_code doubt_keep(const struct guard_place *place,
				const struct view *view, struct err *err)
{
	struct guard guard;

	if (guard_read(place->path, &guard, NULL) != ERR_OK || !guard.is_sure)
		return ERR_OK;
	return guard_vouch(place, view, false, err);
}

enum err_code hq_keys_remember(struct hq_keys *keys, struct ledger *ledger,
			       struct err *err)
{
	struct guard_place place = {
		keys->guard, ledger_identity(ledger)->net_id, SITE_FIRST};
	enum hq_voice voice = (enum hq_voice)atomic_load(&keys->voice);
	struct view *view;
	enum err_code code;

	if (keys->control == NULL || voice == HQ_LISTENS || voice == HQ_BEHIND)
		return ERR_OK;
	code = view_begin(ledger_env(ledger), &view, err);
	if (code != ERR_OK)
		return code;
	if (voice == HQ_CONFIRMED)
		code = guard_vouch(&place, view, true, err);
	else if (voice == HQ_DOUBTS)
		code = doubt_keep(&place, view, err);
	else
		code = guard_save(&place, view, err);
	view_end(view);
	return code;
}

enum err_code hq_keys_open(struct hq_keys *keys, struct ledger *ledger,
			   const char *path, const char *credentials,
			   struct feed_desk *desk, struct err *err)
{
	enum err_code code;

	memset(keys, 0, sizeof(*keys));
	code = epochs_read(ledger, &keys->hq, err);
	if (code == ERR_OK)
		code = signers_open(keys, path, credentials, err);
	if (code == ERR_OK)
		code = voice_find(keys, ledger, path, err);
	if (code != ERR_OK) {
		hq_keys_close(keys);
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	}
	keys->hq.identity = ledger_identity(ledger);
	keys->hq.desk = desk;
	keys->hq.control = keys->control;
	keys->hq.master = keys->master;
	keys->hq.voice = &keys->voice;
	seal_random(&keys->hq.boot, sizeof(keys->hq.boot));
	return ERR_OK;
}

void hq_keys_close(struct hq_keys *keys)
{
	signer_close(keys->control);
	signer_close(keys->master);
	memset(keys, 0, sizeof(*keys));
}

/* ---- founding ---- */

static enum err_code key_make(const char *folder, const char *feed,
			      uint32_t epoch, struct signer **ret_signer,
			      struct err *err)
{
	uint8_t public_half[KEY_PUBLIC_SIZE];
	char name[NAME_SIZE];
	enum err_code code;

	key_name(feed, epoch, name);
	code = keys_make(folder, name, public_half, err);
	return code == ERR_OK ? signer_open(folder, name, ret_signer, err)
			      : code;
}

/* Of the epochs that @keys names. */
static enum err_code keys_new(struct hq_keys *keys, const char *path,
			      struct err *err)
{
	char folder[FILE_PATH_SIZE];
	enum err_code code = ledger_keys_folder(path, folder, err);

	if (code == ERR_OK)
		code = key_make(folder, "control", keys->hq.control_epoch,
				&keys->control, err);
	if (code == ERR_OK)
		code = key_make(folder, "master", keys->hq.master_epoch,
				&keys->master, err);
	keys->hq.control = keys->control;
	keys->hq.master = keys->master;
	seal_random(&keys->hq.boot, sizeof(keys->hq.boot));
	return code;
}

/* Before any key is made: one that is in use is never replaced. */
static enum err_code is_free(struct ledger *ledger, struct err *err)
{
	struct root root;
	uint32_t site = 0;
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = site_number_get(view, &site, err);
	if (code == ERR_OK && site != 0)
		code = err_set(err, ERR_CONFLICT,
			       "this store is site %" PRIu32
			       " of a network already",
			       site);
	if (code == ERR_OK) {
		code = roster_root(view, &root, err);
		if (code == ERR_OK)
			code = err_set(err, ERR_CONFLICT,
				       "this store has a network already");
		else if (code == ERR_NOT_FOUND)
			code = ERR_OK;
	}
	view_end(view);
	return code;
}

static enum err_code network_say(const struct hq *hq, struct ledger *ledger,
				 const struct hq_founding *founding,
				 struct err *err)
{
	struct batch *batch;
	enum err_code code = batch_begin(ledger, &batch, err);

	if (code != ERR_OK)
		return code;
	batch_time(batch, founding->now, founding->clock_trusted);
	code = hq_found(hq, batch, founding->root, err);
	if (code == ERR_OK)
		code = site_number_put(batch_txn(batch), SITE_FIRST, err);
	if (code == ERR_OK)
		return batch_commit(batch, err);
	batch_abandon(batch);
	return code;
}

enum err_code hq_keys_found(struct ledger *ledger,
			    const struct hq_founding *founding, struct err *err)
{
	struct hq_keys keys = {.hq = {.control_epoch = 1, .master_epoch = 1}};
	struct feed_desk *desk = NULL;
	enum err_code code = is_free(ledger, err);

	if (code == ERR_OK)
		code = feed_desk_open(ledger_identity(ledger)->net_id, &desk,
				      err);
	if (code == ERR_OK)
		code = keys_new(&keys, founding->path, err);
	keys.hq.identity = ledger_identity(ledger);
	keys.hq.desk = desk;
	if (code == ERR_OK)
		code = network_say(&keys.hq, ledger, founding, err);
	if (code == ERR_OK)
		code = words_vouch(ledger, founding->path, err);
	hq_keys_close(&keys);
	feed_desk_close(desk);
	return code;
}

enum err_code hq_keys_found_again(struct ledger *ledger, const char *path,
				  struct err *err)
{
	struct feed_id id = {SITE_CONTROL, 1, 0};
	struct feed_record control = {.seq = 0};
	char guard_path[FILE_PATH_SIZE];
	struct guard guard;
	struct view *view;
	enum err_code code = file_beside(path, "-guard", guard_path, err);

	if (code == ERR_OK)
		code = view_begin(ledger_env(ledger), &view, err);
	if (code != ERR_OK)
		return code;
	code = feed_get(view, id, &control, err);
	view_end(view);
	if (code != ERR_OK || control.seq != 1 ||
	    guard_read(guard_path, &guard, NULL) != ERR_NOT_FOUND)
		return code;
	return words_vouch(ledger, path, err);
}

/* ---- the root speaks again ---- */

static enum err_code renewal_say(const struct hq *hq, struct ledger *ledger,
				 const struct hq_founding *renewal,
				 struct hq_renewed *ret_renewed,
				 struct err *err)
{
	struct batch *batch;
	enum err_code code = batch_begin(ledger, &batch, err);

	if (code != ERR_OK)
		return code;
	batch_time(batch, renewal->now, renewal->clock_trusted);
	code = hq_renew(hq, batch, renewal->root, ret_renewed, err);
	if (code == ERR_OK)
		return batch_commit(batch, err);
	batch_abandon(batch);
	return code;
}

enum err_code hq_keys_renew(struct ledger *ledger,
			    const struct hq_founding *renewal,
			    struct hq_renewed *ret_renewed, struct err *err)
{
	struct hq_keys keys = {.control = NULL};
	struct feed_desk *desk = NULL;
	enum err_code code = epochs_read(ledger, &keys.hq, err);

	if (code == ERR_NOT_FOUND)
		return err_set(err, ERR_DENIED, "this store is not HQ's");
	keys.hq.control_epoch++;
	keys.hq.master_epoch++;
	if (code == ERR_OK)
		code = feed_desk_open(ledger_identity(ledger)->net_id, &desk,
				      err);
	if (code == ERR_OK)
		code = keys_new(&keys, renewal->path, err);
	keys.hq.identity = ledger_identity(ledger);
	keys.hq.desk = desk;
	if (code == ERR_OK)
		code = renewal_say(&keys.hq, ledger, renewal, ret_renewed, err);
	if (code == ERR_OK)
		code = words_vouch(ledger, renewal->path, err);
	hq_keys_close(&keys);
	feed_desk_close(desk);
	return code;
}
