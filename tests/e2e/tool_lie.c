/*
 * A lie in the balances: one unit that no movement brought, under a good
 * checksum, as a mistake of ours would leave it. Only an audit finds it.
 */
#include "tests/e2e/tool.h"

#include "store/balance.h"
#include "store/master.h"

static enum err_code lie(struct txn *txn, struct span item, struct span bin,
			 struct err *err)
{
	struct side side = {place_bin(bin), CONDITION_GOOD};
	struct balance_change change = {.side = &side, .change = {1}};
	struct balance before;
	enum err_code code = item_find(txn_view(txn), item, &change.item, err);

	if (code == ERR_OK)
		code = place_find(txn_view(txn), &side.place, &change.place,
				  err);
	if (code == ERR_OK)
		code = balance_get(txn_view(txn), change.item, change.place,
				   &before, err);
	if (code != ERR_OK)
		return code;
	change.lot = (struct span){"", 0};
	change.pos = before.pos;
	return balance_add(txn, &change, err);
}

enum err_code tool_lie(const char *path, struct span item, struct span bin,
		       struct err *err)
{
	struct env *env;
	struct txn *txn;
	enum err_code code = env_open(path, ENV_WRITE, &env, err);

	if (code != ERR_OK)
		return code;
	code = txn_begin(env, &txn, err);
	if (code == ERR_OK) {
		code = lie(txn, item, bin, err);
		if (code == ERR_OK)
			code = txn_commit(txn, err);
		else
			txn_abandon(txn);
	}
	env_close(env);
	return code;
}
