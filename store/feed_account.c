/*
 * The balances of a feed: what one delta changes is added up in memory, so that
 * each row is read and written once.
 *
 * On disk a row is a cell: units of one item, in one place, condition and lot.
 * One that comes to 0 is removed. Unlike in the site's own balances a bin may
 * be below zero: an epoch takes out what the one before it put there.
 */
#include <stdlib.h>
#include <string.h>

#include "store/feed_parts.h"

#define ACCOUNTS_MAX (2 * DELTA_ROWS_MAX)
#define SLOTS (2 * ACCOUNTS_MAX) /* a power of two */
#define ACCOUNT_ROW_SIZE_MAX 32

struct holding {
	struct key key;
	uint64_t hash;
	int64_t before;
	int64_t units;
	struct pos pos; /* of the last movement that touched it */
};

struct accounts {
	struct feed_id feed;
	uint32_t count;
	struct holding at[ACCOUNTS_MAX];
	uint16_t slots[SLOTS]; /* index plus 1 */
	const struct holding *order[ACCOUNTS_MAX];
};

enum err_code accounts_open(struct accounts **ret_accounts, struct err *err)
{
	struct accounts *accounts = calloc(1, sizeof(*accounts));

	if (accounts == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	*ret_accounts = accounts;
	return ERR_OK;
}

void accounts_close(struct accounts *accounts)
{
	free(accounts);
}

void accounts_begin(struct accounts *accounts, struct feed_id feed)
{
	accounts->feed = feed;
	accounts->count = 0;
	memset(accounts->slots, 0, sizeof(accounts->slots));
}

/* Clean text has no NUL, so NULs may stand between the parts. */
static struct key account_key(struct feed_id feed, struct span item,
			      const struct side *side, struct span lot)
{
	struct key key = {.size = 0};

	key_add_feed(&key, feed);
	key_add_text(&key, item);
	key_add_u8(&key, 0);
	key_add_u8(&key, (uint8_t)side->place.kind);
	key_add_text(&key, place_name_span(&side->place.name));
	key_add_u8(&key, 0);
	key_add_u8(&key, (uint8_t)side->condition);
	if (side->place.kind == PLACE_BIN)
		key_add_text(&key, lot);
	return key;
}

static enum err_code account_load(const struct view *view,
				  struct holding *account, struct err *err)
{
	struct reader reader;
	enum err_code code = row_get(view, TABLE_SITE_BALANCE,
				     key_span(&account->key), &reader, err);

	account->before = 0;
	account->pos.value = 0;
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	account->before = read_signed(&reader);
	account->pos = read_pos(&reader);
	if (!reader_done(&reader) || account->before == 0)
		return row_garbled(TABLE_SITE_BALANCE, err);
	return ERR_OK;
}

/* FNV-1a (Fowler, Noll, Vo), eight bytes a step: keys are short, and whoever
 * makes them meet slows only his own deltas down. */
static uint64_t key_hash(const struct key *key)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	size_t at = 16; /* behind the feed */

	for (; at + 8 <= key->size; at += 8) {
		uint64_t word;

		memcpy(&word, key->bytes + at, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x100000001b3);
		hash ^= hash >> 29;
	}
	for (; at < key->size; at++)
		hash = (hash ^ key->bytes[at]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

static enum err_code account_at(struct accounts *accounts,
				const struct view *view, const struct key *key,
				struct holding **ret_account, struct err *err)
{
	uint64_t hash = key_hash(key);
	size_t slot = hash % SLOTS;
	struct holding *account;
	enum err_code code;

	for (; accounts->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
		account = &accounts->at[accounts->slots[slot] - 1];
		if (account->hash == hash && account->key.size == key->size &&
		    memcmp(account->key.bytes, key->bytes, key->size) == 0) {
			*ret_account = account;
			return ERR_OK;
		}
	}
	ASSERT(accounts->count < ACCOUNTS_MAX);
	account = &accounts->at[accounts->count];
	account->key.size = key->size;
	memcpy(account->key.bytes, key->bytes, key->size);
	account->hash = hash;
	code = account_load(view, account, err);
	if (code != ERR_OK)
		return code;
	account->units = account->before;
	accounts->slots[slot] = (uint16_t)++accounts->count;
	*ret_account = account;
	return ERR_OK;
}

enum err_code accounts_move(struct accounts *accounts, const struct view *view,
			    struct pos pos, const struct movement *movement,
			    bool *ret_fits, struct err *err)
{
	struct span item = sku_span(&movement->item);
	struct span lot = lot_span(&movement->lot);
	struct key from =
		account_key(accounts->feed, item, &movement->from, lot);
	struct key to = account_key(accounts->feed, item, &movement->to, lot);
	struct holding *giver;
	struct holding *taker;
	int64_t less;
	int64_t more;
	enum err_code code = account_at(accounts, view, &from, &giver, err);

	if (code == ERR_OK)
		code = account_at(accounts, view, &to, &taker, err);
	if (code != ERR_OK)
		return code;
	ASSERT(giver != taker);
	*ret_fits = !__builtin_sub_overflow(giver->units,
					    movement->quantity.units, &less) &&
		    !__builtin_add_overflow(taker->units,
					    movement->quantity.units, &more);
	if (!*ret_fits)
		return ERR_OK;
	giver->units = less;
	giver->pos = pos;
	taker->units = more;
	taker->pos = pos;
	return ERR_OK;
}

static int account_compare(const void *a, const void *b)
{
	const struct holding *const *first = a;
	const struct holding *const *second = b;

	return span_compare(key_span(&(*first)->key),
			    key_span(&(*second)->key));
}

static enum err_code
account_write(struct txn *txn, const struct holding *account, struct err *err)
{
	struct span key = key_span(&account->key);
	uint8_t buffer[ACCOUNT_ROW_SIZE_MAX];
	struct writer writer;

	if (account->units == 0)
		return account->before == 0
			       ? ERR_OK
			       : txn_delete(txn, TABLE_SITE_BALANCE, key, err);
	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, account->units);
	write_pos(&writer, account->pos);
	return row_put(txn, TABLE_SITE_BALANCE, key, &writer, err);
}

enum err_code accounts_flush(struct accounts *accounts, struct txn *txn,
			     struct err *err)
{
	for (uint32_t i = 0; i < accounts->count; i++)
		accounts->order[i] = &accounts->at[i];
	/* In the tree's order: each page is looked for once. */
	qsort(accounts->order, accounts->count, sizeof(accounts->order[0]),
	      account_compare);
	for (uint32_t i = 0; i < accounts->count; i++) {
		enum err_code code =
			account_write(txn, accounts->order[i], err);

		if (code != ERR_OK)
			return code;
	}
	accounts->count = 0;
	return ERR_OK;
}

/* ---- removing ---- */

#define CLEAR_STEP 256

struct clearing {
	uint32_t count;
	struct key keys[CLEAR_STEP];
};

static enum err_code clear_note(void *context, struct span key,
				struct span value, struct err *err)
{
	struct clearing *clearing = context;
	struct key *note = &clearing->keys[clearing->count];

	(void)value;
	if (key.size > sizeof(note->bytes))
		return row_garbled(TABLE_SITE_BALANCE, err);
	*note = key_of_text(key);
	return ++clearing->count == CLEAR_STEP ? ERR_STOPPED : ERR_OK;
}

static enum err_code clear_step(struct txn *txn, const struct key *prefix,
				struct clearing *clearing, struct err *err)
{
	enum err_code code;

	clearing->count = 0;
	code = view_walk(txn_view(txn), TABLE_SITE_BALANCE, key_span(prefix),
			 key_span(prefix), clear_note, clearing, err);
	if (code == ERR_STOPPED)
		code = ERR_OK;
	for (uint32_t i = 0; i < clearing->count && code == ERR_OK; i++)
		code = txn_delete(txn, TABLE_SITE_BALANCE,
				  key_span(&clearing->keys[i]), err);
	return code;
}

enum err_code accounts_clear(struct txn *txn, struct feed_id feed,
			     struct err *err)
{
	struct clearing *clearing = malloc(sizeof(*clearing));
	struct key prefix = {.size = 0};
	enum err_code code = ERR_OK;

	if (clearing == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	key_add_feed(&prefix, feed);
	do {
		code = clear_step(txn, &prefix, clearing, err);
	} while (code == ERR_OK && clearing->count > 0);
	free(clearing);
	return code;
}

/* ---- reading ---- */

struct balance_walk {
	site_balance_visit_fn *visit;
	void *context;
	bool has_key;
	struct site_balance_key key;
	struct balance balance;
};

static struct span read_until_nul(struct reader *reader)
{
	const char *start = (const char *)reader->data + reader->at;
	size_t left = reader_left(reader);
	const char *end = left == 0 ? NULL : memchr(start, '\0', left);
	struct span text;

	if (end == NULL) {
		reader->has_failed = true;
		return (struct span){"", 0};
	}
	text = read_raw(reader, (size_t)(end - start));
	(void)read_u8(reader);
	return text;
}

static bool account_key_read(struct span bytes, struct site_balance_key *key,
			     struct cell *cell)
{
	struct reader reader;
	uint8_t kind;
	uint8_t condition;

	memset(key, 0, sizeof(*key));
	memset(cell, 0, sizeof(*cell));
	reader_init(&reader, bytes.data, bytes.size);
	key->feed = read_feed(&reader);
	if (!sku_set(&key->item, read_until_nul(&reader)))
		return false;
	kind = read_u8(&reader);
	if (!place_name_set(&key->place.name, read_until_nul(&reader)))
		return false;
	condition = read_u8(&reader);
	if (!lot_set(&cell->lot, read_raw(&reader, reader_left(&reader))) ||
	    !reader_done(&reader) || kind < PLACE_BIN ||
	    kind > PLACE_KIND_MAX || condition > CONDITION_MAX)
		return false;
	key->place.kind = (enum place_kind)kind;
	cell->condition = (enum condition)condition;
	return true;
}

static bool key_is_same(const struct site_balance_key *a,
			const struct site_balance_key *b)
{
	return a->feed.site == b->feed.site && a->feed.epoch == b->feed.epoch &&
	       a->feed.branch == b->feed.branch &&
	       span_equal(sku_span(&a->item), sku_span(&b->item)) &&
	       place_equal(&a->place, &b->place);
}

static enum err_code walk_tell(struct balance_walk *walk, struct err *err)
{
	enum err_code code = ERR_OK;

	if (walk->has_key && walk->balance.count > 0)
		code = walk->visit(walk->context, &walk->key, &walk->balance,
				   err);
	walk->balance.count = 0;
	walk->balance.pos.value = 0;
	return code;
}

static enum err_code cell_visit(void *context, struct span key_bytes,
				struct span value, struct err *err)
{
	struct balance_walk *walk = context;
	struct site_balance_key key;
	struct reader reader;
	struct cell cell;
	struct pos pos;
	enum err_code code =
		row_open(TABLE_SITE_BALANCE, key_bytes, value, &reader, err);

	if (code != ERR_OK)
		return code;
	if (!account_key_read(key_bytes, &key, &cell))
		return row_garbled(TABLE_SITE_BALANCE, err);
	cell.quantity.units = read_signed(&reader);
	pos = read_pos(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_SITE_BALANCE, err);
	if (!walk->has_key || !key_is_same(&key, &walk->key) ||
	    walk->balance.count == BALANCE_CELLS_MAX)
		code = walk_tell(walk, err);
	walk->has_key = true;
	walk->key = key;
	walk->balance.cells[walk->balance.count++] = cell;
	if (pos.value > walk->balance.pos.value)
		walk->balance.pos = pos;
	return code;
}

static enum err_code balances_visit(const struct view *view,
				    const struct key *prefix,
				    site_balance_visit_fn *visit, void *context,
				    struct err *err)
{
	UNINITIALIZED struct balance_walk walk;
	enum err_code code;

	walk.visit = visit;
	walk.context = context;
	walk.has_key = false;
	walk.balance.count = 0;
	walk.balance.pos.value = 0;
	code = view_walk(view, TABLE_SITE_BALANCE, key_span(prefix),
			 key_span(prefix), cell_visit, &walk, err);
	if (code == ERR_OK)
		code = walk_tell(&walk, err);
	return code;
}

enum err_code site_balance_walk(const struct view *view,
				const struct feed_id *feed,
				site_balance_visit_fn *visit, void *context,
				struct err *err)
{
	struct key prefix = {.size = 0};

	if (feed != NULL)
		key_add_feed(&prefix, *feed);
	return balances_visit(view, &prefix, visit, context, err);
}

enum err_code site_balance_item(const struct view *view, struct feed_id feed,
				struct span item, site_balance_visit_fn *visit,
				void *context, struct err *err)
{
	struct key prefix = {.size = 0};

	key_add_feed(&prefix, feed);
	key_add_text(&prefix, item);
	key_add_u8(&prefix, 0);
	return balances_visit(view, &prefix, visit, context, err);
}

static enum err_code item_note(void *context, struct span key_bytes,
			       struct span value, struct err *err)
{
	struct sku *item = context;
	struct site_balance_key key;
	struct cell cell;

	(void)value;
	if (!account_key_read(key_bytes, &key, &cell))
		return row_garbled(TABLE_SITE_BALANCE, err);
	*item = key.item;
	return ERR_STOPPED;
}

enum err_code site_balance_next(const struct view *view, struct feed_id feed,
				struct span after, struct sku *ret_item,
				struct err *err)
{
	struct key prefix = {.size = 0};
	struct key from;
	enum err_code code;

	key_add_feed(&prefix, feed);
	from = prefix;
	key_add_text(&from, after);
	/* Behind all rows of @after, whose name ends with a NUL there. */
	if (after.size > 0)
		key_add_u8(&from, 1);
	code = view_walk(view, TABLE_SITE_BALANCE, key_span(&from),
			 key_span(&prefix), item_note, ret_item, err);
	if (code == ERR_OK)
		return ERR_NOT_FOUND;
	return code == ERR_STOPPED ? ERR_OK : code;
}

/* ---- the digest ---- */

#define CHUNK_SIZE 8192
#define DIGEST_TAG "depot feed digest v1"

struct digest {
	const uint8_t *net_id;
	struct writer writer;
	uint8_t chunk[CHUNK_SIZE];
};

static void chunk_close(struct digest *digest)
{
	struct span chunk = {(const char *)digest->chunk, digest->writer.size};
	uint8_t hash[HASH_SIZE];

	seal_hash(DIGEST_TAG, digest->net_id, chunk, hash);
	writer_init(&digest->writer, digest->chunk, sizeof(digest->chunk));
	write_raw(&digest->writer, hash, HASH_SIZE);
}

static enum err_code row_add(void *context, struct span key, struct span value,
			     struct err *err)
{
	struct digest *digest = context;
	struct reader reader;
	enum err_code code =
		row_open(TABLE_SITE_BALANCE, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	if (CHUNK_SIZE - digest->writer.size <
	    KEY_SIZE_MAX + ACCOUNT_ROW_SIZE_MAX + 4)
		chunk_close(digest);
	write_span(&digest->writer, key);
	write_span(&digest->writer, (struct span){(const char *)reader.data,
						  reader_left(&reader)});
	return ERR_OK;
}

enum err_code feed_digest(const struct view *view,
			  const uint8_t net_id[NET_ID_SIZE], struct feed_id id,
			  uint8_t ret_digest[HASH_SIZE], struct err *err)
{
	static const uint8_t zeros[HASH_SIZE] = {0};
	UNINITIALIZED struct digest digest;
	struct key prefix = {.size = 0};
	enum err_code code;

	digest.net_id = net_id;
	writer_init(&digest.writer, digest.chunk, sizeof(digest.chunk));
	write_raw(&digest.writer, zeros, HASH_SIZE);
	key_add_feed(&prefix, id);
	code = view_walk(view, TABLE_SITE_BALANCE, key_span(&prefix),
			 key_span(&prefix), row_add, &digest, err);
	if (code != ERR_OK)
		return code;
	chunk_close(&digest);
	memcpy(ret_digest, digest.chunk, HASH_SIZE);
	return ERR_OK;
}
