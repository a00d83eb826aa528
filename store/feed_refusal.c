/*
 * What was refused, counted: who, why, how often, and which was the last.
 */
#include "store/feed_parts.h"
#include "store/feed_refusal.h"

#define REFUSAL_ROW_SIZE_MAX 48

static struct key refusal_key(const struct feed_refusal *refusal)
{
	struct key key = {.size = 0};

	key_add_u8(&key, FEED_REFUSAL);
	key_add_u32(&key, refusal->site);
	key_add_u32(&key, refusal->epoch);
	key_add_u8(&key, (uint8_t)refusal->admission);
	return key;
}

static enum err_code refusal_read(struct reader *reader,
				  struct feed_refusal *refusal, struct err *err)
{
	refusal->count = read_varint(reader);
	refusal->last_seq = read_varint(reader);
	refusal->last.ms = read_signed(reader);
	return reader_done(reader) ? ERR_OK : row_garbled(TABLE_FEED, err);
}

struct refusal_walk {
	feed_refusal_visit_fn *visit;
	void *context;
};

static enum err_code refusal_visit(void *context, struct span key,
				   struct span value, struct err *err)
{
	const struct refusal_walk *walk = context;
	struct feed_refusal refusal;
	struct reader reader;
	uint8_t admission;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	(void)read_u8(&reader);
	refusal.site = read_u32(&reader);
	refusal.epoch = read_u32(&reader);
	admission = read_u8(&reader);
	if (!reader_done(&reader) || admission < ADMISSION_APPLIED ||
	    admission > ADMISSION_GARBLED)
		return row_garbled(TABLE_FEED, err);
	refusal.admission = (enum admission)admission;
	code = row_open(TABLE_FEED, key, value, &reader, err);
	if (code == ERR_OK)
		code = refusal_read(&reader, &refusal, err);
	if (code != ERR_OK)
		return code;
	return walk->visit(walk->context, &refusal, err);
}

enum err_code feed_refusal_walk(const struct view *view,
				feed_refusal_visit_fn *visit, void *context,
				struct err *err)
{
	struct refusal_walk walk = {visit, context};
	struct key prefix = {.size = 0};

	key_add_u8(&prefix, FEED_REFUSAL);
	return view_walk(view, TABLE_FEED, key_span(&prefix), key_span(&prefix),
			 refusal_visit, &walk, err);
}

static enum err_code refusal_count(void *context,
				   const struct feed_refusal *refusal,
				   struct err *err)
{
	size_t *count = context;

	(void)refusal;
	(void)err;
	(*count)++;
	return ERR_OK;
}

/* Anybody can make up sites: beyond the bound all new ones are one. */
static enum err_code refusal_bound(const struct view *view,
				   struct feed_refusal *refusal,
				   struct err *err)
{
	size_t count = 0;
	enum err_code code =
		feed_refusal_walk(view, refusal_count, &count, err);

	if (code == ERR_OK && count >= FEED_REFUSALS_MAX) {
		refusal->site = SITE_NONE;
		refusal->epoch = 0;
	}
	return code;
}

static enum err_code refusal_get(const struct view *view,
				 struct feed_refusal *refusal, struct err *err)
{
	struct key key = refusal_key(refusal);
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_FEED, key_span(&key), &reader, err);

	return code == ERR_OK ? refusal_read(&reader, refusal, err) : code;
}

enum err_code feed_refusal_add(struct txn *txn,
			       const struct feed_refusal *refusal,
			       struct err *err)
{
	const struct view *view = txn_view(txn);
	struct feed_refusal row = {.site = refusal->site,
				   .epoch = refusal->epoch,
				   .admission = refusal->admission};
	uint8_t buffer[REFUSAL_ROW_SIZE_MAX];
	struct writer writer;
	struct key key;
	enum err_code code = refusal_get(view, &row, err);

	if (code == ERR_NOT_FOUND) {
		code = refusal_bound(view, &row, err);
		if (code == ERR_OK)
			code = refusal_get(view, &row, err);
	}
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	key = refusal_key(&row);
	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, row.count + refusal->count);
	write_varint(&writer, refusal->last_seq);
	write_signed(&writer, refusal->last.ms);
	return row_put(txn, TABLE_FEED, key_span(&key), &writer, err);
}

enum err_code feed_refused(struct txn *txn, const struct delta_header *header,
			   enum admission admission, struct moment now,
			   struct err *err)
{
	struct feed_refusal refusal = {.site = header->site,
				       .epoch = header->epoch,
				       .admission = admission,
				       .count = 1,
				       .last_seq = header->seq,
				       .last = now};

	return feed_refusal_add(txn, &refusal, err);
}
