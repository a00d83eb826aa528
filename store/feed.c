/*
 * Records, deltas and digests of feeds: what any reader needs.
 */
#include "store/feed.h"

#include <inttypes.h>
#include <string.h>

#include "store/feed_parts.h"
#include "store/heir.h"
#include "store/roster.h"

#define FLAG_OWN 1u

/* ---- names ---- */

const char *feed_state_name(enum feed_state state)
{
	static const char *const names[] = {
		[FEED_CONTIGUOUS] = "contiguous",
		[FEED_WAITING_GAP] = "waiting_gap",
		[FEED_DESYNCHRONIZED] = "desynchronized",
		[FEED_FORKED] = "forked",
		[FEED_FENCED] = "fenced",
		[FEED_SEALED] = "sealed",
		[FEED_ADMITTED] = "admitted",
		[FEED_UNKNOWN] = "unknown",
	};

	ASSERT(state >= FEED_CONTIGUOUS && state <= FEED_STATE_MAX);
	return names[state];
}

const char *admission_name(enum admission admission)
{
	static const char *const names[] = {
		[ADMISSION_APPLIED] = "applied",
		[ADMISSION_DUPLICATE] = "duplicate",
		[ADMISSION_GAP] = "gap",
		[ADMISSION_STRANGER] = "stranger",
		[ADMISSION_FORK] = "fork",
		[ADMISSION_FENCED] = "fenced",
		[ADMISSION_FORGED] = "forged",
		[ADMISSION_BROKEN] = "broken",
		[ADMISSION_GARBLED] = "garbled",
	};

	ASSERT(admission >= ADMISSION_APPLIED &&
	       admission <= ADMISSION_GARBLED);
	return names[admission];
}

const char *void_reason_name(enum void_reason reason)
{
	static const char *const names[] = {
		[VOID_ROWS] = "rows",           [VOID_GARBLED] = "garbled",
		[VOID_UNSOUND] = "unsound",     [VOID_FOUNDING] = "founding",
		[VOID_AUTHORITY] = "authority", [VOID_OVERFLOW] = "overflow",
	};

	ASSERT(reason >= VOID_ROWS && reason <= VOID_REASON_MAX);
	return names[reason];
}

/* ---- keys ---- */

void key_add_feed(struct key *key, struct feed_id id)
{
	key_add_u32(key, id.site);
	key_add_u32(key, id.epoch);
	key_add_u64(key, id.branch);
}

struct feed_id read_feed(struct reader *reader)
{
	struct feed_id id;

	id.site = read_u32(reader);
	id.epoch = read_u32(reader);
	id.branch = read_u64(reader);
	return id;
}

static struct key record_key(struct feed_id id)
{
	struct key key = {.size = 0};

	key_add_u8(&key, FEED_ROW);
	key_add_feed(&key, id);
	return key;
}

static struct key delta_key(struct feed_id id, uint64_t seq)
{
	struct key key = {.size = 0};

	key_add_feed(&key, id);
	key_add_u64(&key, seq);
	return key;
}

/* ---- records ---- */

struct feed_record feed_fresh(struct feed_id id)
{
	return (struct feed_record){
		.id = id, .state = FEED_ADMITTED, .lowest = 1};
}

uint64_t feed_folded(const struct feed_record *feed)
{
	return feed->counted - feed->late;
}

enum err_code feed_put(struct txn *txn, const struct feed_record *feed,
		       struct err *err)
{
	struct key key = record_key(feed->id);
	uint8_t buffer[FEED_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_u8(&writer, (uint8_t)feed->state);
	write_u8(&writer, feed->is_own ? FLAG_OWN : 0);
	write_varint(&writer, feed->seq);
	write_raw(&writer, feed->hash, HASH_SIZE);
	write_varint(&writer, feed->number);
	write_u64(&writer, feed->stamp.value);
	write_varint(&writer, feed->clock_flags);
	write_varint(&writer, feed->segment);
	write_varint(&writer, feed->lowest);
	write_varint(&writer, feed->rows);
	write_varint(&writer, feed->void_rows);
	write_pos(&writer, feed->control);
	write_u64(&writer, feed->parent);
	write_varint(&writer, feed->base);
	write_varint(&writer, feed->counted);
	write_varint(&writer, feed->late);
	return row_put(txn, TABLE_FEED, key_span(&key), &writer, err);
}

static enum err_code record_read(struct reader *reader,
				 struct feed_record *feed, struct err *err)
{
	uint8_t state = read_u8(reader);
	uint8_t flags = read_u8(reader);
	struct span hash;

	feed->is_own = (flags & FLAG_OWN) != 0;
	feed->seq = read_varint(reader);
	hash = read_raw(reader, HASH_SIZE);
	feed->number = read_varint(reader);
	feed->stamp.value = read_u64(reader);
	feed->clock_flags = (uint32_t)read_varint(reader);
	feed->segment = read_varint(reader);
	feed->lowest = read_varint(reader);
	feed->rows = read_varint(reader);
	feed->void_rows = read_varint(reader);
	feed->control = read_pos(reader);
	feed->parent = read_u64(reader);
	feed->base = read_varint(reader);
	feed->counted = read_varint(reader);
	feed->late = read_varint(reader);
	if (!reader_done(reader) || state < FEED_CONTIGUOUS ||
	    state > FEED_STATE_MAX || feed->late > feed->counted)
		return row_garbled(TABLE_FEED, err);
	feed->state = (enum feed_state)state;
	memcpy(feed->hash, hash.data, HASH_SIZE);
	return ERR_OK;
}

enum err_code feed_get(const struct view *view, struct feed_id id,
		       struct feed_record *ret_feed, struct err *err)
{
	struct key key = record_key(id);
	struct feed_record feed = {.id = id};
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_FEED, key_span(&key), &reader, err);

	if (code == ERR_OK)
		code = record_read(&reader, &feed, err);
	if (code == ERR_OK)
		*ret_feed = feed;
	return code;
}

enum err_code feed_get_or_fresh(const struct view *view, struct feed_id id,
				struct feed_record *ret_feed, struct err *err)
{
	enum err_code code = feed_get(view, id, ret_feed, err);

	if (code != ERR_NOT_FOUND)
		return code;
	*ret_feed = feed_fresh(id);
	return ERR_OK;
}

struct record_walk {
	feed_visit_fn *visit;
	void *context;
	const struct feed_id *after;
};

static bool id_equal(struct feed_id a, struct feed_id b)
{
	return a.site == b.site && a.epoch == b.epoch && a.branch == b.branch;
}

static enum err_code record_visit(void *context, struct span key,
				  struct span value, struct err *err)
{
	const struct record_walk *walk = context;
	struct feed_record feed = {.seq = 0};
	struct reader reader;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	(void)read_u8(&reader);
	feed.id = read_feed(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_FEED, err);
	if (walk->after != NULL && id_equal(feed.id, *walk->after))
		return ERR_OK;
	code = row_open(TABLE_FEED, key, value, &reader, err);
	if (code == ERR_OK)
		code = record_read(&reader, &feed, err);
	if (code != ERR_OK)
		return code;
	return walk->visit(walk->context, &feed, err);
}

static enum err_code records_walk(const struct view *view,
				  const struct record_walk *walk,
				  const struct key *prefix, struct err *err)
{
	struct record_walk copy = *walk;
	struct key from =
		walk->after == NULL ? *prefix : record_key(*walk->after);

	return view_walk(view, TABLE_FEED, key_span(&from), key_span(prefix),
			 record_visit, &copy, err);
}

enum err_code feed_walk(const struct view *view, const struct feed_id *after,
			feed_visit_fn *visit, void *context, struct err *err)
{
	const struct record_walk walk = {visit, context, after};
	struct key prefix = {.size = 0};

	key_add_u8(&prefix, FEED_ROW);
	return records_walk(view, &walk, &prefix, err);
}

enum err_code feed_walk_epoch(const struct view *view, uint32_t site,
			      uint32_t epoch, feed_visit_fn *visit,
			      void *context, struct err *err)
{
	const struct record_walk walk = {visit, context, NULL};
	struct key prefix = {.size = 0};

	key_add_u8(&prefix, FEED_ROW);
	key_add_u32(&prefix, site);
	key_add_u32(&prefix, epoch);
	return records_walk(view, &walk, &prefix, err);
}

static enum err_code newest_note(void *context, const struct feed_record *feed,
				 struct err *err)
{
	struct pos *newest = context;
	struct pos end = {0};

	(void)err;
	if (feed->seq > 0)
		end = pos_make(feed->id.epoch, feed->seq);
	if (end.value > newest->value)
		*newest = end;
	return ERR_OK;
}

enum err_code feed_newest(const struct view *view, uint32_t site,
			  struct pos *ret_newest, struct err *err)
{
	const struct record_walk walk = {newest_note, ret_newest, NULL};
	struct key prefix = {.size = 0};

	key_add_u8(&prefix, FEED_ROW);
	key_add_u32(&prefix, site);
	*ret_newest = (struct pos){0};
	return records_walk(view, &walk, &prefix, err);
}

enum err_code feed_control(const struct view *view, struct pos *ret_control,
			   struct err *err)
{
	return feed_newest(view, SITE_CONTROL, ret_control, err);
}

/* ---- deltas ---- */

enum err_code feed_delta_put(struct feed_desk *desk, struct txn *txn,
			     struct feed_id id, const struct delta *delta,
			     struct err *err)
{
	struct key key = delta_key(id, delta->header.seq);
	struct writer writer;

	writer_init(&writer, desk->buffer, sizeof(desk->buffer));
	delta_header_write(&writer, &delta->header);
	write_raw(&writer, delta->signature, SIGNATURE_SIZE);
	write_raw(&writer, delta->rows.data, delta->rows.size);
	return row_put(txn, TABLE_DELTA, key_span(&key), &writer, err);
}

enum err_code feed_delta_delete(struct txn *txn, struct feed_id id,
				uint64_t seq, struct err *err)
{
	struct key key = delta_key(id, seq);

	return txn_delete(txn, TABLE_DELTA, key_span(&key), err);
}

/* The feed that holds @id's delta @seq: a branch shares its first ones. */
static enum err_code holder_find(const struct view *view, struct feed_id *id,
				 uint64_t seq, struct err *err)
{
	while (id->branch != 0) {
		struct feed_record feed;
		enum err_code code = feed_get(view, *id, &feed, err);

		if (code != ERR_OK)
			return code;
		if (seq > feed.base)
			return ERR_OK;
		id->branch = feed.parent;
	}
	return ERR_OK;
}

enum err_code feed_delta(const struct view *view, struct feed_id id,
			 uint64_t seq, struct delta *ret_delta, struct err *err)
{
	struct delta delta;
	struct reader reader;
	struct span signature;
	struct key key;
	enum err_code code = holder_find(view, &id, seq, err);

	if (code != ERR_OK)
		return code;
	key = delta_key(id, seq);
	code = row_get(view, TABLE_DELTA, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code;
	code = delta_header_read(&reader, &delta.header);
	signature = read_raw(&reader, SIGNATURE_SIZE);
	delta.rows = read_raw(&reader, reader_left(&reader));
	if (code != ERR_OK || !reader_done(&reader) ||
	    delta.rows.size != delta.header.rows_size)
		return row_garbled(TABLE_DELTA, err);
	memcpy(delta.signature, signature.data, SIGNATURE_SIZE);
	*ret_delta = delta;
	return ERR_OK;
}

enum err_code feed_hash_at(const struct view *view, struct feed_id id,
			   uint64_t seq, uint8_t ret_hash[HASH_SIZE],
			   struct err *err)
{
	struct feed_record feed;
	struct delta next;
	enum err_code code;

	if (seq == 0) {
		memset(ret_hash, 0, HASH_SIZE);
		return ERR_OK;
	}
	code = feed_get(view, id, &feed, err);
	if (code != ERR_OK)
		return code;
	if (seq > feed.seq)
		return ERR_NOT_FOUND;
	if (seq == feed.seq) {
		memcpy(ret_hash, feed.hash, HASH_SIZE);
		return ERR_OK;
	}
	/* The one after it names it. */
	code = feed_delta(view, id, seq + 1, &next, err);
	if (code == ERR_OK)
		memcpy(ret_hash, next.header.previous, HASH_SIZE);
	return code;
}

/* ---- voids ---- */

struct void_walk {
	uint32_t epoch;
	feed_void_visit_fn *visit;
	void *context;
};

static enum err_code void_visit(void *context, struct span key,
				struct span value, struct err *err)
{
	const struct void_walk *walk = context;
	struct reader reader;
	uint64_t number;
	uint8_t reason;
	enum err_code code = row_open(TABLE_FEED, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	reason = read_u8(&reader);
	if (!reader_done(&reader) || reason < VOID_ROWS ||
	    reason > VOID_REASON_MAX)
		return row_garbled(TABLE_FEED, err);
	reader_init(&reader, key.data, key.size);
	(void)read_u8(&reader);
	(void)read_feed(&reader);
	number = read_u64(&reader);
	if (!reader_done(&reader) || number > POS_NUMBER_MAX)
		return row_garbled(TABLE_FEED, err);
	return walk->visit(walk->context, pos_make(walk->epoch, number),
			   (enum void_reason)reason, err);
}

enum err_code feed_void_walk(const struct view *view, struct feed_id feed,
			     feed_void_visit_fn *visit, void *context,
			     struct err *err)
{
	struct void_walk walk = {feed.epoch, visit, context};
	struct key prefix = {.size = 0};

	key_add_u8(&prefix, FEED_VOID);
	key_add_feed(&prefix, feed);
	return view_walk(view, TABLE_FEED, key_span(&prefix), key_span(&prefix),
			 void_visit, &walk, err);
}

/* ---- the vector ---- */

/* The feeds' heads, hashed in chunks, each chunk behind the hash so far. */
#define CHUNK_SIZE 8192
#define VECTOR_TAG "depot vector v1"
#define HEAD_SIZE (4 + 4 + 8 + 8 + HASH_SIZE)

struct vector {
	const uint8_t *net_id;
	const struct feed_telling *telling; /* NULL: as it is */
	struct writer writer;
	uint8_t chunk[CHUNK_SIZE];
};

static void vector_close_chunk(struct vector *vector)
{
	struct span chunk = {(const char *)vector->chunk, vector->writer.size};
	uint8_t hash[HASH_SIZE];

	seal_hash(VECTOR_TAG, vector->net_id, chunk, hash);
	writer_init(&vector->writer, vector->chunk, sizeof(vector->chunk));
	write_raw(&vector->writer, hash, HASH_SIZE);
}

static enum err_code head_add(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct vector *vector = context;
	struct feed_record head = *feed;

	(void)err;
	if (vector->telling != NULL)
		vector->telling->as(vector->telling->context, &head);
	if (head.seq == head.base)
		return ERR_OK; /* no delta of its own */
	if (CHUNK_SIZE - vector->writer.size < HEAD_SIZE)
		vector_close_chunk(vector);
	write_u32(&vector->writer, head.id.site);
	write_u32(&vector->writer, head.id.epoch);
	write_u64(&vector->writer, head.id.branch);
	write_u64(&vector->writer, head.seq);
	write_raw(&vector->writer, head.hash, HASH_SIZE);
	return ERR_OK;
}

enum err_code feed_vector_digest(const struct view *view,
				 const uint8_t net_id[NET_ID_SIZE],
				 uint8_t ret_digest[VECTOR_DIGEST_SIZE],
				 struct err *err)
{
	return feed_vector_digest_as(view, net_id, NULL, ret_digest, err);
}

enum err_code feed_vector_digest_as(const struct view *view,
				    const uint8_t net_id[NET_ID_SIZE],
				    const struct feed_telling *telling,
				    uint8_t ret_digest[VECTOR_DIGEST_SIZE],
				    struct err *err)
{
	static const uint8_t zeros[HASH_SIZE] = {0};
	UNINITIALIZED struct vector vector;
	enum err_code code;

	vector.net_id = net_id;
	vector.telling = telling;
	writer_init(&vector.writer, vector.chunk, sizeof(vector.chunk));
	write_raw(&vector.writer, zeros, HASH_SIZE);
	code = feed_walk(view, NULL, head_add, &vector, err);
	if (code != ERR_OK)
		return code;
	vector_close_chunk(&vector);
	memcpy(ret_digest, vector.chunk, VECTOR_DIGEST_SIZE);
	return ERR_OK;
}
