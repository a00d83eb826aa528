/*
 * What a delta that is here says, for whoever asks what changed.
 */
#include "store/feed_parts.h"

static enum err_code arena_tell(struct feed_desk *desk,
				const struct delta_header *header,
				feed_entry_visit_fn *visit, void *context,
				struct err *err)
{
	for (uint32_t i = 0; i < desk->arena.count; i++) {
		struct pos pos = pos_make(header->epoch, header->first + i);
		struct entry entry;
		enum err_code code;

		if (entry_decode(arena_at(&desk->arena, i), &entry) != ERR_OK)
			continue; /* void, or of a newer depot */
		code = visit(context, pos, &entry, err);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

enum err_code feed_entries(struct feed_desk *desk, const struct view *view,
			   const struct delta_place *place,
			   feed_entry_visit_fn *visit, void *context,
			   struct err *err)
{
	struct feed_record at;
	struct desk_rows *slot;
	struct delta delta;
	uint8_t hash[HASH_SIZE];
	bool is_start;
	bool is_sound;
	enum err_code code;

	ASSERT(place->seq > 0);
	code = feed_record_at(view, place->feed, place->seq - 1, &at, err);
	if (code == ERR_OK)
		code = feed_delta(view, place->feed, place->seq, &delta, err);
	if (code != ERR_OK)
		return code;
	is_start = (delta.header.flags & DELTA_SEGMENT_START) != 0 ||
		   at.segment == 0;
	is_sound = is_start || place->seq - at.segment < ROWS_SEGMENT_DELTAS;
	code = desk_rows_get(desk, view, &at, is_start, &slot, err);
	if (code == ERR_OK && is_sound)
		code = desk_rows_read(desk, slot->rows, &delta, &is_sound, err);
	if (code != ERR_OK)
		return code;
	delta_hash(desk->net_id, &delta.header, hash);
	feed_advance(&at, &delta.header, hash);
	desk_rows_done(slot, &at);
	return is_sound ? arena_tell(desk, &delta.header, visit, context, err)
			: ERR_OK;
}

enum err_code feed_sealed_at(const struct view *view,
			     const struct feed_record *feed, uint64_t number,
			     struct delta_header *ret_header, struct err *err)
{
	uint64_t low = 1;
	uint64_t high = feed->seq;

	while (low <= high) {
		uint64_t seq = low + (high - low) / 2;
		struct delta delta;
		enum err_code code =
			feed_delta(view, feed->id, seq, &delta, err);

		if (code != ERR_OK)
			return code;
		if (number < delta.header.first) {
			high = seq - 1;
		} else if (number >=
			   delta.header.first + delta.header.row_count) {
			low = seq + 1;
		} else {
			*ret_header = delta.header;
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}
