/*
 * Which deltas tell again what another epoch said. When a delta of that epoch
 * comes later, only these have to be looked at, and not a whole feed.
 */
#include "store/feed_parts.h"

#define NAMING_ROW_SIZE_MAX 24

void naming_add(struct naming *naming, const struct entry *entry)
{
	struct pos named = entry_named(entry);

	if (named.value == 0)
		return;
	if (naming->first.value == 0 || named.value < naming->first.value)
		naming->first = named;
	if (named.value > naming->last.value)
		naming->last = named;
}

enum err_code naming_put(struct txn *txn, struct feed_id feed, uint64_t seq,
			 const struct naming *naming, struct err *err)
{
	struct key key = {.size = 0};
	uint8_t buffer[NAMING_ROW_SIZE_MAX];
	struct writer writer;

	if (naming->first.value == 0)
		return ERR_OK;
	key_add_u8(&key, FEED_NAMING);
	key_add_feed(&key, feed);
	key_add_u64(&key, seq);
	writer_init(&writer, buffer, sizeof(buffer));
	write_pos(&writer, naming->first);
	write_pos(&writer, naming->last);
	return row_put(txn, TABLE_FEED, key_span(&key), &writer, err);
}

struct naming_walk {
	const struct feed_record *feed;
	naming_visit_fn *visit;
	void *context;
};

static enum err_code row_visit(void *context, struct span key,
			       struct span value, struct err *err)
{
	const struct naming_walk *walk = context;
	struct naming naming;
	struct reader reader;
	struct reader name;
	uint64_t seq;
	enum err_code code = row_open(TABLE_FEED, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	naming.first = read_pos(&reader);
	naming.last = read_pos(&reader);
	reader_init(&name, key.data, key.size);
	(void)read_u8(&name); /* the kind */
	(void)read_feed(&name);
	seq = read_u64(&name);
	if (!reader_done(&reader) || !reader_done(&name))
		return row_garbled(TABLE_FEED, err);
	/* What went to a branch when the feed forked stands under its name. */
	if (seq <= walk->feed->base || seq > walk->feed->seq)
		return ERR_OK;
	return walk->visit(walk->context, seq, &naming, err);
}

enum err_code naming_walk(const struct view *view,
			  const struct feed_record *feed,
			  naming_visit_fn *visit, void *context,
			  struct err *err)
{
	struct naming_walk walk = {feed, visit, context};
	struct key prefix = {.size = 0};

	key_add_u8(&prefix, FEED_NAMING);
	key_add_feed(&prefix, feed->id);
	return view_walk(view, TABLE_FEED, key_span(&prefix), key_span(&prefix),
			 row_visit, &walk, err);
}
