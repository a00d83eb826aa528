#include "store/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/fold.h"
#include "store/founding_mark.h"
#include "store/keys.h"
#include "store/rebuild.h"
#include "store/row.h"

/* Checked against the head at every open; the whole chain is the audit's. */
#define TAIL_CHECKED 1000

struct batch {
	struct txn *txn;
	enum err_code failure; /* of a post; the batch can't be committed */
	struct journal_head head;
	struct moment now;
	bool clock_trusted;
	bool is_ring_moved;
	uint64_t ring;
};

/* A ledger has one batch, used again and again: nothing is allocated after
 * the store is open. */
struct ledger {
	struct env *env;
	struct founding identity;
	struct batch batch; /* under way when its txn is set */
};

static const struct span ring_key = {"ring", 4};

#define META_ROW_SIZE_MAX 64

enum err_code ledger_head(const struct view *view,
			  struct journal_head *ret_head, struct err *err)
{
	bool is_pending;
	enum err_code code = rebuild_pending(view, &is_pending, err);

	if (code != ERR_OK)
		return code;
	if (is_pending)
		return err_set(err, ERR_AGAIN,
			       "the tables are being rebuilt from the journal: "
			       "wait for it, or run depot rebuild to go on "
			       "with it");
	return journal_head_get(view, ret_head, err);
}

enum err_code ledger_ring(const struct view *view, uint64_t *ret_number,
			  struct err *err)
{
	struct reader reader;
	enum err_code code = row_get(view, TABLE_META, ring_key, &reader, err);
	uint64_t number = 0;

	if (code == ERR_OK) {
		number = read_u64(&reader);
		if (!reader_done(&reader))
			return row_garbled(TABLE_META, err);
	} else if (code != ERR_NOT_FOUND) {
		return code;
	}
	*ret_number = number;
	return ERR_OK;
}

/* ---- creating ---- */

static enum err_code entry_post(struct txn *txn, struct journal_head *head,
				struct entry *entry, struct err *err)
{
	UNINITIALIZED struct entry_bytes bytes;
	enum err_code code;

	code = journal_append(txn, head, entry, &bytes, err);
	if (code != ERR_OK)
		return code;
	return fold_entry(txn, head->pos, entry,
			  (struct span){(char *)bytes.data, bytes.size}, err);
}

static enum err_code create_fill(void *context, struct txn *txn,
				 struct err *err)
{
	struct entry *entry = context;
	struct journal_head head = {.pos = pos_make(1, 0)};
	enum err_code code = entry_post(txn, &head, entry, err);

	if (code == ERR_OK)
		code = journal_head_put(txn, &head, err);
	return code;
}

enum err_code ledger_keys_folder(const char *path, char *folder,
				 struct err *err)
{
	return file_beside(path, "-keys", folder, err);
}

/* A store may be lost and come back from a backup; a root key may not. Those of
 * a founding that was cut short have no store that could. */
static enum err_code keys_absent(const char *folder, struct err *err)
{
	uint32_t epoch = 0;
	enum err_code code = keys_epoch_last(folder, &epoch, err);

	if (code == ERR_OK &&
	    epoch > (founding_mark_is_there(folder) ? 1u : 0u))
		code = err_set(err, ERR_CONFLICT,
			       "the keys of an earlier store are in %.200s: "
			       "depot restore goes on with them; to begin anew "
			       "all the same, move that folder away",
			       folder);
	return code;
}

static bool net_is_given(const struct founding *founding)
{
	static const uint8_t none[NET_ID_SIZE];

	return memcmp(founding->net_id, none, sizeof(none)) != 0;
}

static enum err_code keys_create(const char *folder, struct founding *founding,
				 struct err *err)
{
	bool has_net = net_is_given(founding);
	uint8_t root[KEY_PUBLIC_SIZE];
	char name[KEY_NAME_SIZE];
	enum err_code code = ERR_OK;

	keys_epoch_name(1, name);
	if (!has_net)
		code = keys_make(folder, "root.key", root, err);
	if (code == ERR_OK)
		code = keys_make(folder, name, founding->public_key, err);
	if (code == ERR_OK && !has_net)
		keys_net_id(root, founding->net_id);
	return code;
}

/* What never came to be a store's, now or before a crash. */
static enum err_code keys_discard(const char *folder, struct err *err)
{
	static const char *const names[] = {"root.key", "epoch-1.key"};
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(names) && code == ERR_OK; i++) {
		code = keys_destroy(folder, names[i], err);
		if (code == ERR_NOT_FOUND)
			code = ERR_OK;
	}
	return code;
}

/* The mark goes last: without it keys are a store's. */
static void founding_undo(const char *folder)
{
	if (keys_discard(folder, NULL) == ERR_OK &&
	    founding_mark_clear(folder, NULL) == ERR_OK)
		(void)rmdir(folder); /* it may hold others */
}

static enum err_code keys_then_env_create(const char *path, const char *folder,
					  const struct ledger_plan *plan,
					  struct entry *entry, struct err *err)
{
	enum err_code code = keys_discard(folder, err);

	if (code == ERR_OK)
		code = keys_create(folder, &entry->body.founding, err);
	if (code == ERR_OK)
		code = env_create(path, plan->map_size, create_fill, entry,
				  err);
	if (code == ERR_OK)
		return founding_mark_clear(folder, err);
	/* Else somebody else is making it. */
	if (code != ERR_AGAIN && code != ERR_CONFLICT)
		founding_undo(folder);
	return code;
}

/* Whatever is cut short in here, the next try begins again: the mark tells that
 * the keys are nobody's. */
static enum err_code create_marked(const char *path,
				   const struct ledger_plan *plan,
				   struct entry *entry, struct err *err)
{
	struct founding_mark mark = FOUNDING_MARK_NONE;
	char folder[FILE_PATH_SIZE];
	enum err_code code = ledger_keys_folder(path, folder, err);

	if (code == ERR_OK)
		code = keys_absent(folder, err);
	if (code == ERR_OK)
		code = founding_mark_lay(folder, &mark, err);
	/* Another one may have been at it until now: its mark may be gone. */
	if (code == ERR_OK)
		code = env_absent(path, err);
	if (code == ERR_OK)
		code = keys_then_env_create(path, folder, plan, entry, err);
	founding_mark_close(&mark);
	return code;
}

enum err_code ledger_create(const char *path, const struct ledger_plan *plan,
			    struct err *err)
{
	struct entry entry;
	enum err_code code;

	entry_init(&entry, ENTRY_FOUNDING);
	entry.body.founding = plan->founding;
	entry.stamp = stamp_next((struct stamp){0}, plan->now);
	entry.effective = plan->now;
	entry.clock_flags =
		plan->clock_trusted
			? ENTRY_CLOCK_TRUSTED | ENTRY_EFFECTIVE_TRUSTED
			: 0;
	/* Before anything is made; env_create checks again when it takes the
	 * name. */
	code = env_absent(path, err);
	if (code == ERR_OK)
		code = create_marked(path, plan, &entry, err);
	if (code != ERR_OK)
		return err_wrap(err, code, "create store %s", path);
	return ERR_OK;
}

/* ---- opening ---- */

static enum err_code tail_check(const struct view *view,
				const struct journal_head *head,
				struct err *err)
{
	uint64_t number = pos_number(head->pos);
	struct pos from =
		pos_make(pos_epoch(head->pos),
			 number > TAIL_CHECKED ? number - TAIL_CHECKED : 1);

	return journal_verify(view, from, head, err);
}

static enum err_code identity_load(struct ledger *ledger, struct err *err)
{
	struct journal_head head;
	struct entry entry;
	struct view *view;
	enum err_code code = view_begin(ledger->env, &view, err);

	if (code != ERR_OK)
		return code;
	code = ledger_head(view, &head, err);
	if (code == ERR_OK)
		code = tail_check(view, &head, err);
	if (code == ERR_OK)
		code = journal_read(view, pos_make(pos_epoch(head.pos), 1),
				    &entry, err);
	if (code == ERR_NOT_FOUND ||
	    (code == ERR_OK && entry.kind != ENTRY_FOUNDING))
		code = err_set(err, ERR_CORRUPT,
			       "the epoch does not begin with its founding");
	if (code == ERR_OK)
		ledger->identity = entry.body.founding;
	view_end(view);
	return code;
}

/* What is written from now on makes these keys a store's for good. */
static enum err_code founding_finish(const char *path, struct err *err)
{
	char folder[FILE_PATH_SIZE];
	enum err_code code = ledger_keys_folder(path, folder, err);

	return code == ERR_OK ? founding_mark_clear(folder, err) : code;
}

enum err_code ledger_open(const char *path, enum env_mode mode,
			  struct ledger **ret_ledger, struct err *err)
{
	struct ledger *ledger = calloc(1, sizeof(*ledger));
	enum err_code code;

	if (ledger == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	code = env_open(path, mode, &ledger->env, err);
	if (code != ERR_OK) {
		free(ledger);
		return code; /* it names the store itself */
	}
	if (mode == ENV_WRITE)
		code = env_upgrade(ledger->env, rebuild_upgrade, NULL, err);
	if (code == ERR_OK && mode == ENV_WRITE)
		code = rebuild_resume(ledger->env, err);
	if (code == ERR_OK)
		code = identity_load(ledger, err);
	if (code == ERR_OK && mode == ENV_WRITE)
		code = founding_finish(path, err);
	if (code != ERR_OK) {
		ledger_close(ledger);
		return err_wrap(err, code, "open store %s", path);
	}
	*ret_ledger = ledger;
	return ERR_OK;
}

void ledger_close(struct ledger *ledger)
{
	if (ledger == NULL)
		return;
	env_close(ledger->env);
	free(ledger);
}

struct env *ledger_env(struct ledger *ledger)
{
	return ledger->env;
}

const struct founding *ledger_identity(const struct ledger *ledger)
{
	return &ledger->identity;
}

/* ---- batches ---- */

enum err_code batch_begin(struct ledger *ledger, struct batch **ret_batch,
			  struct err *err)
{
	struct batch *batch = &ledger->batch;
	enum err_code code;

	ASSERT(batch->txn == NULL);
	code = txn_begin(ledger->env, &batch->txn, err);
	if (code != ERR_OK)
		return code;
	code = ledger_head(txn_view(batch->txn), &batch->head, err);
	if (code != ERR_OK) {
		batch_abandon(batch);
		return code;
	}
	batch->failure = ERR_OK;
	batch->now = stamp_moment(batch->head.stamp);
	batch->clock_trusted = false;
	batch->is_ring_moved = false;
	*ret_batch = batch;
	return ERR_OK;
}

void batch_time(struct batch *batch, struct moment now, bool is_trusted)
{
	batch->now = now;
	batch->clock_trusted = is_trusted;
}

struct moment batch_now(const struct batch *batch)
{
	return batch->now;
}

bool batch_clock_trusted(const struct batch *batch)
{
	return batch->clock_trusted;
}

const struct view *batch_view(struct batch *batch)
{
	return txn_view(batch->txn);
}

struct txn *batch_txn(struct batch *batch)
{
	return batch->txn;
}

struct pos batch_next(const struct batch *batch)
{
	return (struct pos){batch->head.pos.value + 1};
}

enum err_code batch_post(struct batch *batch, struct entry *entry,
			 struct pos *ret_pos, struct err *err)
{
	enum err_code code;

	entry->stamp = stamp_next(batch->head.stamp, batch->now);
	if (batch->clock_trusted && stamp_is_near(entry->stamp, batch->now))
		entry->clock_flags |= ENTRY_CLOCK_TRUSTED;
	/* What is told again happened when it did, and be that in 1970. */
	if (entry->effective.ms == 0 && entry_named(entry).value == 0) {
		entry->effective = batch->now;
		if (batch->clock_trusted)
			entry->clock_flags |= ENTRY_EFFECTIVE_TRUSTED;
	}
	code = entry_post(batch->txn, &batch->head, entry, err);
	if (code != ERR_OK)
		batch->failure = code;
	else if (ret_pos != NULL)
		*ret_pos = batch->head.pos;
	return code;
}

enum err_code batch_restore(struct batch *batch, const struct entry *entry,
			    struct err *err)
{
	struct entry copy = *entry;
	enum err_code code = entry_post(batch->txn, &batch->head, &copy, err);

	if (code != ERR_OK)
		batch->failure = code;
	return code;
}

void batch_ring(struct batch *batch, uint64_t number)
{
	batch->ring = number;
	batch->is_ring_moved = true;
}

static enum err_code ring_put(struct batch *batch, struct err *err)
{
	uint8_t buffer[META_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_u64(&writer, batch->ring);
	return row_put(batch->txn, TABLE_META, ring_key, &writer, err);
}

enum err_code batch_commit(struct batch *batch, struct err *err)
{
	struct txn *txn;
	enum err_code code = batch->failure;

	if (code != ERR_OK)
		(void)err_set(err, code, "commit: an entry had failed");
	else
		code = journal_head_put(batch->txn, &batch->head, err);
	if (code == ERR_OK && batch->is_ring_moved)
		code = ring_put(batch, err);
	if (code != ERR_OK) {
		batch_abandon(batch);
		return code;
	}
	txn = batch->txn;
	batch->txn = NULL;
	return txn_commit(txn, err);
}

void batch_abandon(struct batch *batch)
{
	if (batch == NULL)
		return;
	txn_abandon(batch->txn);
	batch->txn = NULL;
}

/* ---- epochs ---- */

static bool is_named_as(const struct founding *a, const struct founding *b)
{
	return span_equal(name_span(&a->org), name_span(&b->org)) &&
	       span_equal(name_span(&a->site), name_span(&b->site));
}

/* Each epoch begins with a founding, which names the end of the one before. */
enum err_code ledger_former(const struct view *view,
			    const struct founding *identity,
			    struct founding *ret_founding, struct err *err)
{
	struct pos previous = identity->previous;

	while (previous.value != 0) {
		struct pos first = pos_make(pos_epoch(previous), 1);
		struct entry entry;
		enum err_code code = journal_read(view, first, &entry, err);

		if (code != ERR_OK)
			return code;
		if (entry.kind != ENTRY_FOUNDING ||
		    entry.body.founding.previous.value >= first.value)
			return err_set(err, ERR_CORRUPT,
				       "an epoch does not begin as one");
		if (!is_named_as(&entry.body.founding, identity)) {
			*ret_founding = entry.body.founding;
			return ERR_OK;
		}
		previous = entry.body.founding.previous;
	}
	return ERR_NOT_FOUND;
}

static void founding_next(const struct ledger *ledger,
			  const struct epoch_plan *plan, struct entry *entry)
{
	const struct journal_head *head = &ledger->batch.head;
	struct founding *founding = &entry->body.founding;

	entry_init(entry, ENTRY_FOUNDING);
	*founding = plan->joins != NULL ? *plan->joins : ledger->identity;
	memcpy(founding->public_key, plan->public_key,
	       sizeof(founding->public_key));
	founding->previous = head->pos;
	founding->previous_chain = head->chain;
}

/* Others read what stays the same, at any time. */
static void identity_renew(struct founding *identity,
			   const struct epoch_plan *plan,
			   const struct founding *founding)
{
	if (plan->joins != NULL)
		*identity = *founding;
	memcpy(identity->public_key, founding->public_key,
	       sizeof(identity->public_key));
	identity->previous = founding->previous;
	identity->previous_chain = founding->previous_chain;
}

enum err_code ledger_epoch_open(struct ledger *ledger,
				const struct epoch_plan *plan, struct err *err)
{
	struct batch *batch;
	struct entry entry;
	enum err_code code = batch_begin(ledger, &batch, err);

	if (code != ERR_OK)
		return code;
	ASSERT(plan->epoch > pos_epoch(batch->head.pos));
	batch_time(batch, plan->now, plan->clock_trusted);
	founding_next(ledger, plan, &entry);
	batch->head.pos = pos_make(plan->epoch, 0);
	batch->head.chain = 0;
	code = batch_post(batch, &entry, NULL, err);
	if (code == ERR_OK && plan->also != NULL)
		code = plan->also(plan->context, batch, err);
	if (code != ERR_OK) {
		batch_abandon(batch);
		return code;
	}
	code = batch_commit(batch, err);
	if (code == ERR_OK)
		identity_renew(&ledger->identity, plan, &entry.body.founding);
	return code;
}
