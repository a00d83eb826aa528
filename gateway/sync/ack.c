#include "gateway/sync/ack.h"

#include <string.h>

#include "store/roster.h"

/* No longer than one that a link carries. */
#define FRAME_SIZE 4096
#define LIST_SIZE (FRAME_SIZE - 128)
#define FRAMES_MAX 16

/* ---- whose ---- */

enum err_code ack_life(const struct view *view, uint32_t site,
		       struct certificate *ret_life, struct err *err)
{
	struct feed_id id = {.site = site};
	struct certificate life;
	struct fence fence;
	enum err_code code = roster_site(view, site, &life, err);

	if (code != ERR_OK)
		return code;
	id.epoch = life.epoch;
	code = roster_fence(view, id, &fence, err);
	if (code == ERR_OK && fence.verdict != FENCE_STAYS)
		return ERR_NOT_FOUND;
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_life = life;
	return ERR_OK;
}

/* ---- writing ---- */

struct listing {
	struct writer writer;
	struct frame_list list;
	bool is_full;
	struct feed_id last; /* that is in some list */
	uint8_t bytes[LIST_SIZE];
};

static enum err_code entry_add(void *context, const struct feed_record *feed,
			       struct err *err)
{
	struct listing *listing = context;
	struct frame_entry entry = {.feed = feed->id,
				    .seq = feed->seq,
				    .hash_start = frame_hash_start(feed->hash)};

	(void)err;
	listing->is_full = sizeof(listing->bytes) - listing->writer.size <
			   FRAME_ENTRY_SIZE_MAX;
	if (listing->is_full)
		return ERR_STOPPED;
	listing->last = feed->id;
	if (feed->seq > 0)
		frame_entry_write(&listing->writer, &listing->list, &entry);
	return ERR_OK;
}

/* Signs the list, and writes the frame behind @writer's others. */
static void frame_put(const struct ack_word *word,
		      const struct listing *listing, uint64_t *base,
		      struct writer *writer)
{
	struct frame frame = {.type = FRAME_ACK};
	struct frame_ack *ack = &frame.body.ack;
	UNINITIALIZED uint8_t bytes[FRAME_SIZE];
	struct writer whole;

	ack->site = word->site;
	ack->epoch = word->epoch;
	ack->stamp = stamp_next((struct stamp){0}, word->now);
	ack->base = *base;
	ack->count = listing->list.count;
	ack->entries = (struct span){(const char *)listing->bytes,
				     listing->writer.size};
	frame_ack_sign(&frame, word->signer, word->net_id);
	writer_init(&whole, bytes, sizeof(bytes));
	frame_write(&whole, &frame);
	ASSERT(writer_ok(&whole));
	write_span(writer, (struct span){(const char *)bytes, whole.size});
	*base = frame_ack_label(&frame, word->net_id);
}

/* How many frames it takes is told first: so it is done twice. */
static enum err_code frames_put(const struct view *view,
				const struct ack_word *word,
				struct writer *writer, uint32_t *ret_count,
				struct err *err)
{
	UNINITIALIZED struct listing listing;
	enum err_code code = ERR_STOPPED;
	uint64_t base = 0;
	uint32_t count = 0;

	listing.last = (struct feed_id){0};
	while (code == ERR_STOPPED && count < FRAMES_MAX) {
		struct feed_id after = listing.last;

		listing.list = (struct frame_list){0};
		writer_init(&listing.writer, listing.bytes,
			    sizeof(listing.bytes));
		code = feed_walk(view, count == 0 ? NULL : &after, entry_add,
				 &listing, err);
		if (code != ERR_OK && code != ERR_STOPPED)
			return code;
		if (writer != NULL)
			frame_put(word, &listing, &base, writer);
		count++;
	}
	*ret_count = count;
	return ERR_OK;
}

enum err_code ack_write(const struct view *view, const struct ack_word *word,
			struct writer *writer, struct err *err)
{
	uint32_t count;
	enum err_code code = frames_put(view, word, NULL, &count, err);

	if (code != ERR_OK)
		return code;
	write_varint(writer, count);
	return frames_put(view, word, writer, &count, err);
}

/* ---- keeping ---- */

static enum err_code entry_keep(struct txn *txn, const struct frame_ack *ack,
				const struct frame_entry *entry,
				struct err *err)
{
	struct peer_row row = {.peer = ack->site,
			       .epoch = ack->epoch,
			       .feed = entry->feed,
			       .seq = entry->seq,
			       .hash_start = entry->hash_start,
			       .stamp = ack->stamp};
	struct peer_row before = row;
	enum err_code code = peer_row_get(txn_view(txn), &before, err);

	if (code == ERR_OK && before.epoch == row.epoch &&
	    before.seq >= entry->seq)
		return ERR_OK;
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	return peer_row_put(txn, &row, err);
}

static enum err_code word_check(const struct view *view,
				const uint8_t net_id[NET_ID_SIZE],
				const struct frame *frame, struct err *err)
{
	struct certificate life;
	enum err_code code = ack_life(view, frame->body.ack.site, &life, err);

	if (code == ERR_NOT_FOUND)
		return ERR_DENIED;
	if (code != ERR_OK)
		return code;
	if (life.epoch != frame->body.ack.epoch ||
	    !frame_ack_verify(frame, life.public_key, net_id))
		return ERR_DENIED;
	return ERR_OK;
}

enum err_code ack_keep(struct txn *txn, const uint8_t net_id[NET_ID_SIZE],
		       struct span bytes, uint32_t *ret_site, struct err *err)
{
	const struct frame_ack *ack;
	struct frame_list list = {0};
	struct frame_entry entry;
	struct reader reader;
	struct frame frame;
	enum err_code code;

	if (frame_read(bytes, &frame) != ERR_OK || frame.type != FRAME_ACK)
		return ERR_DENIED;
	ack = &frame.body.ack;
	code = word_check(txn_view(txn), net_id, &frame, err);
	reader_init(&reader, ack->entries.data, ack->entries.size);
	while (code == ERR_OK && frame_entry_read(&reader, &list, &entry))
		code = entry_keep(txn, ack, &entry, err);
	if (code == ERR_OK)
		*ret_site = ack->site;
	return code;
}

/* ---- what is known ---- */

enum err_code ack_known(const struct view *view, uint32_t peer,
			struct feed_id feed, uint64_t *ret_seq, struct err *err)
{
	struct peer_row row = {.peer = peer, .feed = feed};
	struct certificate life;
	uint8_t hash[HASH_SIZE];
	enum err_code code = ack_life(view, peer, &life, err);

	*ret_seq = 0;
	if (code == ERR_OK)
		code = peer_row_get(view, &row, err);
	if (code == ERR_OK && row.epoch != life.epoch)
		return ERR_OK;
	if (code == ERR_OK)
		code = feed_hash_at(view, feed, row.seq, hash, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK; /* nothing, or more than can be told here */
	if (code == ERR_OK && frame_hash_start(hash) == row.hash_start)
		*ret_seq = row.seq;
	return code;
}
