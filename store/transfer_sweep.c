/*
 * Taking away what one site said, and working out anew what all others say.
 */
#include "store/transfer_rows.h"

/* What both origins make of a row of one of them. */
static enum err_code base_refresh(struct txn *txn, struct span key,
				  struct err *err)
{
	struct span id;
	struct span item;

	if (!transfer_key_split(key, &id, &item))
		return ERR_OK;
	if (key.data[1] == TRANSFER_ROW_ITEM)
		return transfer_way_refresh(txn, id, item, err);
	if (key.data[1] == TRANSFER_ROW_SSCC ||
	    key.data[1] == TRANSFER_ROW_COUNT)
		return ERR_OK;
	return transfer_head_touch(txn, id, 0, err);
}

/* ---- a key's parts ---- */

static struct span part_take(struct span *rest)
{
	struct span part = {rest->data, 0};

	while (part.size < rest->size && part.data[part.size] != '\0')
		part.size++;
	rest->data += part.size;
	rest->size -= part.size;
	if (rest->size > 0) { /* the NUL */
		rest->data++;
		rest->size--;
	}
	return part;
}

bool transfer_key_split(struct span key, struct span *ret_id,
			struct span *ret_next)
{
	struct span rest = {key.data + 2, key.size - 2};

	if (key.size < 4)
		return false;
	*ret_id = part_take(&rest);
	*ret_next = part_take(&rest);
	return true;
}

/* ---- taking rows away ---- */

/* Rows are not taken away from a table that is being walked: a few at a time,
 * and on from the last of them. */
#define SWEEP_KEYS 64

typedef bool sweep_fn(uint32_t site, struct span key);

struct sweep {
	struct key keys[SWEEP_KEYS];
	size_t count;
	sweep_fn *is_swept;
	uint32_t site;
};

/* True if the feed of @site wrote the row: its side of that transfer did. */
static bool is_by(uint32_t site, struct span key)
{
	enum transfer_side side;
	struct span id;
	struct span next;

	if (key.data[0] != ORIGIN_FEEDS || key.size < 5 ||
	    !transfer_key_split(key, &id, &next))
		return false;
	if (key.data[1] == TRANSFER_ROW_SSCC)
		id = next;
	/* Where the side stands depends on the kind; a line has it first. */
	if (key.data[1] == TRANSFER_ROW_LINE)
		side = (enum transfer_side)next.data[0];
	else
		side = (enum transfer_side)key.data[key.size - 1];
	return transfer_side_of(site, id) == side;
}

static bool is_not_of_feeds(uint32_t site, struct span key)
{
	(void)site;
	return key.data[0] != ORIGIN_FEEDS;
}

static bool is_of_both(uint32_t site, struct span key)
{
	(void)site;
	return key.data[0] == ORIGIN_BOTH;
}

static enum err_code sweep_row(void *context, struct span key,
			       struct span value, struct err *err)
{
	struct sweep *sweep = context;

	(void)value, (void)err;
	if (!sweep->is_swept(sweep->site, key))
		return ERR_OK;
	if (sweep->count == SWEEP_KEYS)
		return ERR_STOPPED;
	sweep->keys[sweep->count++] = key_of_text(key);
	return ERR_OK;
}

static enum err_code sweep_run(struct txn *txn, sweep_fn *is_swept,
			       uint32_t site, struct err *err)
{
	const struct span all = {"", 0};
	struct sweep sweep = {.is_swept = is_swept, .site = site};
	struct key from = {.size = 0};
	enum err_code code = ERR_STOPPED;

	while (code == ERR_STOPPED) {
		sweep.count = 0;
		code = view_walk(txn_view(txn), TABLE_TRANSFER, key_span(&from),
				 all, sweep_row, &sweep, err);
		if (code != ERR_OK && code != ERR_STOPPED)
			return code;
		for (size_t i = 0; i < sweep.count; i++) {
			enum err_code gone =
				txn_delete(txn, TABLE_TRANSFER,
					   key_span(&sweep.keys[i]), err);

			if (gone != ERR_OK)
				return gone;
			from = sweep.keys[i];
		}
	}
	return code;
}

struct rows_again {
	struct txn *txn;
	struct key next; /* the first row that is not done */
	struct key found;
	struct span value;
};

static enum err_code row_first(void *context, struct span key,
			       struct span value, struct err *err)
{
	struct rows_again *again = context;

	(void)value, (void)err;
	again->found = key_of_text(key);
	return ERR_STOPPED;
}

/* What both origins make of the rows with @prefix. The walk begins anew behind
 * each row: what it works out goes into the table that it walks. */
static enum err_code rows_refresh(struct txn *txn, const char *prefix,
				  struct err *err)
{
	struct rows_again again = {.txn = txn};
	enum err_code code = ERR_STOPPED;

	again.next = key_of_text(span_of(prefix));
	while (code == ERR_STOPPED) {
		code = view_walk(txn_view(txn), TABLE_TRANSFER,
				 key_span(&again.next), span_of(prefix),
				 row_first, &again, err);
		if (code != ERR_STOPPED)
			break;
		code = base_refresh(txn, key_span(&again.found), err);
		if (code != ERR_OK)
			return code;
		again.next = again.found;
		if (again.next.size < KEY_SIZE_MAX)
			key_add_u8(&again.next, 0);
		code = ERR_STOPPED;
	}
	return code;
}

enum err_code transfer_clear_own(struct txn *txn, struct err *err)
{
	enum err_code code = sweep_run(txn, is_not_of_feeds, 0, err);

	return code == ERR_OK ? rows_refresh(txn, "\x02", err) : code;
}

enum err_code transfer_forget(struct txn *txn, uint32_t site, struct err *err)
{
	enum err_code code = sweep_run(txn, is_of_both, 0, err);

	ASSERT(site != 0);
	if (code == ERR_OK)
		code = sweep_run(txn, is_by, site, err);
	if (code == ERR_OK)
		code = rows_refresh(txn, TRANSFER_OWN_PREFIX, err);
	if (code == ERR_OK)
		code = rows_refresh(txn, "\x02", err);
	return code;
}
