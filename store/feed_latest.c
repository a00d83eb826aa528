/*
 * The last entry that a site's feeds hold of each thing that others are shown.
 *
 * Its place in the journal decides, not the order of arrival, and of what is
 * told again the place where it was told before: so it need not be known
 * whether that is here too. Two of one place are on two branches of a fork, or
 * one is told again: then the greater bytes win, on every node.
 */
#include <string.h>

#include "store/feed_parts.h"
#include "store/last_word.h"

/* False for a kind that nobody asks for. What the master feed says of items and
 * codes is in the catalogue. */
static bool thing_of(const struct entry *entry, struct span *ret_thing)
{
	switch (entry->kind) {
	case ENTRY_ITEM:
		*ret_thing = sku_span(&entry->body.item.sku);
		return true;
	case ENTRY_CODE:
		*ret_thing = code_text_span(&entry->body.code.code);
		return true;
	case ENTRY_STATUS:
	case ENTRY_SUCCESSION:
	case ENTRY_CLOSING:
		*ret_thing = (struct span){"", 0};
		return true;
	case ENTRY_ALERT:
		*ret_thing = ref_span(&entry->body.alert.id);
		return true;
	case ENTRY_TASK:
		*ret_thing = name_span(&entry->body.task.id);
		return entry->body.task.check.size > 0;
	case ENTRY_CHECK:
		*ret_thing = name_span(&entry->body.check.id);
		return true;
	case ENTRY_CHECK_RESULT:
		*ret_thing = name_span(&entry->body.check_result.check);
		return true;
	case ENTRY_FOUNDING:
	case ENTRY_MOVEMENT:
	case ENTRY_BIN:
	case ENTRY_DEVICE:
	case ENTRY_ACCOUNT:
	case ENTRY_COUNT:
	case ENTRY_ORDER:
	case ENTRY_LOSS:
	case ENTRY_TRANSFER:
	case ENTRY_CLAIM:
	case ENTRY_CERTIFICATE:
	case ENTRY_FENCE:
	case ENTRY_INTENT:
	case ENTRY_INTENT_RESULT:
	case ENTRY_INVITATION:
	case ENTRY_ROOT:
		break;
	}
	return false;
}

static struct key latest_prefix(uint32_t site, enum entry_kind kind)
{
	struct key key = {.size = 0};

	key_add_u8(&key, FEED_LATEST);
	key_add_u32(&key, site);
	key_add_u8(&key, (uint8_t)kind);
	return key;
}

static struct key latest_key(uint32_t site, const struct entry *entry,
			     struct span thing)
{
	struct key key = latest_prefix(site, entry->kind);

	key_add_text(&key, thing);
	/* A check is several entries. */
	if (entry->kind == ENTRY_CHECK) {
		key_add_u8(&key, 0);
		key_add_u8(&key, (uint8_t)entry->body.check.number);
	}
	return key;
}

enum err_code latest_fold(struct txn *txn, uint32_t site, struct pos pos,
			  const struct entry *entry, struct err *err)
{
	UNINITIALIZED uint8_t encoded[ENTRY_SIZE_MAX];
	struct pos named = entry_named(entry);
	struct last_word word = {.table = TABLE_FEED, .pos = pos};
	struct span thing;
	struct key key;

	if (!thing_of(entry, &thing))
		return ERR_OK;
	if (named.value != 0)
		word.pos = named;
	key = latest_key(site, entry, thing);
	word.key = &key;
	word.bytes = last_word_bytes(entry, encoded);
	return last_word_put(txn, &word, err);
}

enum err_code latest_clear(struct txn *txn, uint32_t site, struct err *err)
{
	struct key prefix = {.size = 0};

	key_add_u8(&prefix, FEED_LATEST);
	key_add_u32(&prefix, site);
	return rows_clear(txn, TABLE_FEED, key_span(&prefix), err);
}

static enum err_code latest_of(struct span value, struct span key,
			       struct pos *ret_pos, struct entry *ret_entry,
			       struct err *err)
{
	struct reader reader;
	enum err_code code = row_open(TABLE_FEED, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	*ret_pos = read_pos(&reader);
	if (!reader_ok(&reader) ||
	    entry_decode(read_raw(&reader, reader_left(&reader)), ret_entry) !=
		    ERR_OK)
		return row_garbled(TABLE_FEED, err);
	return ERR_OK;
}

struct latest_walk {
	feed_latest_visit_fn *visit;
	void *context;
};

static enum err_code latest_visit(void *context, struct span key,
				  struct span value, struct err *err)
{
	const struct latest_walk *walk = context;
	UNINITIALIZED struct entry entry;
	struct pos pos;
	enum err_code code = latest_of(value, key, &pos, &entry, err);

	if (code != ERR_OK)
		return code;
	return walk->visit(walk->context, pos, &entry, err);
}

enum err_code feed_latest_walk(const struct view *view, uint32_t site,
			       enum entry_kind kind,
			       feed_latest_visit_fn *visit, void *context,
			       struct err *err)
{
	struct latest_walk walk = {visit, context};
	struct key prefix = latest_prefix(site, kind);

	return view_walk(view, TABLE_FEED, key_span(&prefix), key_span(&prefix),
			 latest_visit, &walk, err);
}

enum err_code feed_latest_get(const struct view *view, uint32_t site,
			      struct span name, struct latest *latest,
			      struct err *err)
{
	struct key key = latest_prefix(site, latest->entry.kind);
	struct span value;
	enum err_code code;

	ASSERT(latest->entry.kind == ENTRY_ITEM ||
	       latest->entry.kind == ENTRY_CODE);
	if (name.size == 0 || name.size > CODE_SIZE_MAX)
		return ERR_NOT_FOUND;
	key_add_text(&key, name);
	code = view_get(view, TABLE_FEED, key_span(&key), &value, err);
	return code == ERR_OK ? latest_of(value, key_span(&key), &latest->pos,
					  &latest->entry, err)
			      : code;
}

struct latest_next {
	struct span after; /* the whole key */
	struct latest *latest;
};

static enum err_code latest_next_row(void *context, struct span key,
				     struct span value, struct err *err)
{
	const struct latest_next *next = context;
	enum err_code code;

	if (span_equal(key, next->after))
		return ERR_OK;
	code = latest_of(value, key, &next->latest->pos, &next->latest->entry,
			 err);
	return code == ERR_OK ? ERR_STOPPED : code;
}

enum err_code feed_latest_next(const struct view *view, uint32_t site,
			       struct span after, struct latest *latest,
			       struct err *err)
{
	struct latest_next next = {.latest = latest};
	struct key prefix = latest_prefix(site, latest->entry.kind);
	struct key from = prefix;
	enum err_code code;

	ASSERT(latest->entry.kind == ENTRY_ITEM ||
	       latest->entry.kind == ENTRY_CODE);
	if (after.size > CODE_SIZE_MAX)
		after.size = CODE_SIZE_MAX;
	key_add_text(&from, after);
	next.after = key_span(&from);
	code = view_walk(view, TABLE_FEED, next.after, key_span(&prefix),
			 latest_next_row, &next, err);
	if (code == ERR_OK)
		return ERR_NOT_FOUND;
	return code == ERR_STOPPED ? ERR_OK : code;
}
