#include "gateway/edge/control_peer.h"

#include <inttypes.h>

#include "store/master.h"

static bool is_bound(const struct account *account, const struct peer *peer)
{
	return !account->is_revoked && peer->uid != PEER_UNKNOWN &&
	       account->uid == peer->uid + 1;
}

struct search {
	const struct peer *peer;
	struct name bound;   /* the first that belongs to the peer's user */
	struct name manager; /* the first manager */
};

static enum err_code account_look(void *context, struct span key,
				  struct pos pos, const struct entry *entry,
				  struct err *err)
{
	struct search *search = context;
	const struct account *account = &entry->body.account;

	(void)key;
	(void)pos;
	(void)err;
	if (account->is_revoked)
		return ERR_OK;
	if (search->bound.size == 0 && is_bound(account, search->peer))
		search->bound = account->name;
	if (search->manager.size == 0 &&
	    (account->roles & (uint32_t)ROLE_MANAGER) != 0)
		search->manager = account->name;
	return ERR_OK;
}

static enum err_code named(const struct view *view, const struct peer *peer,
			   struct span asked, struct name *ret_account,
			   struct err *err)
{
	struct account account;
	enum err_code code = ERR_OK;

	if (!peer->is_trusted) {
		code = account_get(view, asked, &account, err);
		if (code == ERR_NOT_FOUND ||
		    (code == ERR_OK && !is_bound(&account, peer)))
			return err_set(err, ERR_DENIED,
				       "user %" PRIu64 " may not speak for it",
				       peer->uid);
	}
	if (code == ERR_OK && !name_set(ret_account, asked))
		return err_set(err, ERR_DENIED, "no name of an account");
	return code;
}

enum err_code peer_account(const struct view *view, const struct peer *peer,
			   struct span asked, bool is_look,
			   struct name *ret_account, struct err *err)
{
	struct search search = {.peer = peer};
	struct span all = {"", 0};
	enum err_code code;

	if (asked.size > 0)
		return named(view, peer, asked, ret_account, err);
	code = record_walk(view, TABLE_ACCOUNT, all, account_look, &search,
			   err);
	if (code != ERR_OK)
		return code;
	if (search.bound.size > 0)
		*ret_account = search.bound;
	else if (peer->is_trusted && is_look && search.manager.size > 0)
		*ret_account = search.manager;
	else
		return err_set(err, ERR_NOT_FOUND,
			       "no account is bound to user %" PRIu64,
			       peer->uid);
	return ERR_OK;
}
