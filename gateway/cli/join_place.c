#include "gateway/cli/join_place.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/cli/cli.h"
#include "store/joining.h"
#include "store/keys.h"
#include "store/site.h"

#define ROOT_KEY "root.key"

/* The key of the epoch, which may have been made before a crash. */
static enum err_code key_find(const char *folder, uint32_t epoch,
			      uint8_t ret_public[KEY_PUBLIC_SIZE],
			      struct err *err)
{
	char name[KEY_NAME_SIZE];
	struct signer *signer = NULL;
	enum err_code code;

	keys_epoch_name(epoch, name);
	code = signer_open(folder, name, &signer, err);
	if (code == ERR_NOT_FOUND)
		return keys_make(folder, name, ret_public, err);
	if (code == ERR_OK)
		memcpy(ret_public, signer_public(signer), KEY_PUBLIC_SIZE);
	signer_close(signer);
	return code;
}

static enum err_code epoch_open(struct ledger *ledger, const char *folder,
				const struct join_answer *answer,
				struct err *err)
{
	struct founding founding = {.org = answer->org,
				    .site = answer->name,
				    .timezone = answer->timezone};
	struct joining_plan plan = {
		.epoch = {.epoch = answer->epoch, .joins = &founding},
		.site = answer->site,
		.succession = {.parent_epoch = answer->parent_epoch,
			       .reason = SUCCESSION_REPLACED}};
	uint64_t carried;
	enum err_code code =
		key_find(folder, answer->epoch, plan.epoch.public_key, err);

	plan.epoch.now = cli_now(&plan.epoch.clock_trusted);
	memcpy(founding.net_id, answer->net_id, NET_ID_SIZE);
	return code == ERR_OK ? joining_open(ledger, &plan, &carried, err)
			      : code;
}

/* *@ret_is_there: the place was taken before. */
static enum err_code place_look(struct ledger *ledger,
				const struct join_answer *answer,
				bool *ret_is_there, struct err *err)
{
	bool is_net = memcmp(ledger_identity(ledger)->net_id, answer->net_id,
			     NET_ID_SIZE) == 0;
	struct journal_head head;
	uint32_t site = 0;
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = site_number_get(view, &site, err);
	if (code == ERR_OK)
		code = ledger_head(view, &head, err);
	view_end(view);
	if (code != ERR_OK)
		return code;
	*ret_is_there = site != 0;
	if (site != 0 ? !is_net || site != answer->site
		      : pos_epoch(head.pos) >= answer->epoch)
		return err_set(err, ERR_CONFLICT,
			       "this box can't be epoch %" PRIu32
			       " of that site",
			       answer->epoch);
	return ERR_OK;
}

enum err_code join_place_take(const char *path,
			      const struct join_answer *answer, struct err *err)
{
	char folder[FILE_PATH_SIZE];
	struct ledger *ledger;
	bool is_there = false;
	enum err_code code = ledger_open(path, ENV_WRITE, &ledger, err);

	if (code != ERR_OK)
		return code;
	code = place_look(ledger, answer, &is_there, err);
	if (code == ERR_OK)
		code = ledger_keys_folder(path, folder, err);
	if (code == ERR_OK && !is_there)
		code = epoch_open(ledger, folder, answer, err);
	/* That of the network which it was alone. */
	if (code == ERR_OK)
		code = keys_destroy(folder, ROOT_KEY, err);
	if (code == ERR_NOT_FOUND)
		code = ERR_OK; /* it went before a crash */
	ledger_close(ledger);
	return code;
}
