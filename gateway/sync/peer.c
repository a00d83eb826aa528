#include "gateway/sync/peer.h"

#include "store/row.h"

#define PEER_VALUE_SIZE_MAX 64

static struct key key_of(const struct peer_row *row)
{
	struct key key = key_of_pair(row->peer, row->feed.site);

	key_add_u32(&key, row->feed.epoch);
	key_add_u64(&key, row->feed.branch);
	return key;
}

enum err_code peer_row_put(struct txn *txn, const struct peer_row *row,
			   struct err *err)
{
	uint8_t buffer[PEER_VALUE_SIZE_MAX];
	struct key key = key_of(row);
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, row->seq);
	write_u64(&writer, row->hash_start);
	write_u64(&writer, row->stamp.value);
	write_varint(&writer, row->epoch);
	return row_put(txn, TABLE_PEER, key_span(&key), &writer, err);
}

static enum err_code value_read(struct reader *reader, struct peer_row *row,
				struct err *err)
{
	row->seq = read_varint(reader);
	row->hash_start = read_u64(reader);
	row->stamp.value = read_u64(reader);
	row->epoch = (uint32_t)read_varint(reader);
	if (!reader_done(reader) || row->seq == 0)
		return row_garbled(TABLE_PEER, err);
	return ERR_OK;
}

enum err_code peer_row_get(const struct view *view, struct peer_row *ret_row,
			   struct err *err)
{
	struct key key = key_of(ret_row);
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_PEER, key_span(&key), &reader, err);

	return code == ERR_OK ? value_read(&reader, ret_row, err) : code;
}

struct row_walk {
	peer_row_visit_fn *visit;
	void *context;
};

static enum err_code row_visit(void *context, struct span key,
			       struct span value, struct err *err)
{
	const struct row_walk *walk = context;
	struct peer_row row;
	struct reader reader;
	struct reader name;
	enum err_code code;

	code = row_open(TABLE_PEER, key, value, &reader, err);
	if (code != ERR_OK)
		return code;
	reader_init(&name, key.data, key.size);
	row.peer = read_u32(&name);
	row.feed.site = read_u32(&name);
	row.feed.epoch = read_u32(&name);
	row.feed.branch = read_u64(&name);
	code = value_read(&reader, &row, err);
	if (code != ERR_OK || !reader_done(&name))
		return row_garbled(TABLE_PEER, err);
	return walk->visit(walk->context, &row, err);
}

enum err_code peer_row_walk(const struct view *view, peer_row_visit_fn *visit,
			    void *context, struct err *err)
{
	struct row_walk walk = {visit, context};
	struct span all = {0};

	return view_walk(view, TABLE_PEER, all, all, row_visit, &walk, err);
}
