/*
 * The desk: segment states of the feeds that were used last.
 */
#include <stdlib.h>
#include <string.h>

#include "store/feed_parts.h"

/* ---- the arena ---- */

void arena_reset(struct arena *arena)
{
	arena->count = 0;
	arena->size = 0;
}

bool arena_add(struct arena *arena, struct span bytes)
{
	if (arena->count == DELTA_ROWS_MAX ||
	    bytes.size > sizeof(arena->bytes) - arena->size)
		return false;
	memcpy(arena->bytes + arena->size, bytes.data, bytes.size);
	arena->entries[arena->count].at = (uint32_t)arena->size;
	arena->entries[arena->count].size = (uint32_t)bytes.size;
	arena->count++;
	arena->size += bytes.size;
	return true;
}

struct span arena_at(const struct arena *arena, uint32_t index)
{
	ASSERT(index < arena->count);
	return (struct span){arena->bytes + arena->entries[index].at,
			     arena->entries[index].size};
}

/* ---- opening ---- */

enum err_code feed_desk_open(const uint8_t net_id[NET_ID_SIZE],
			     struct feed_desk **ret_desk, struct err *err)
{
	struct feed_desk *desk = calloc(1, sizeof(*desk));
	enum err_code code;

	if (desk == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	memcpy(desk->net_id, net_id, NET_ID_SIZE);
	desk->rows_max = FEED_DESK_ROWS_MAX;
	code = accounts_open(&desk->accounts, err);
	if (code != ERR_OK) {
		feed_desk_close(desk);
		return code;
	}
	*ret_desk = desk;
	return ERR_OK;
}

void feed_desk_close(struct feed_desk *desk)
{
	if (desk == NULL)
		return;
	for (size_t i = 0; i < FEED_DESK_ROWS_MAX; i++)
		rows_close(desk->rows[i].rows);
	accounts_close(desk->accounts);
	told_close(desk->told);
	told_close(desk->told_other);
	free(desk);
}

/*
 * A state is used only if it is that of the head in the store, hash and all.
 * So one that ran ahead in a transaction that was abandoned is read again by
 * itself.
 */
const uint8_t *feed_desk_net(const struct feed_desk *desk)
{
	return desk->net_id;
}

void feed_desk_committed(struct feed_desk *desk)
{
	(void)desk;
}

void feed_desk_abandon(struct feed_desk *desk)
{
	if (desk->told != NULL)
		told_forget(desk->told);
	for (size_t i = 0; i < FEED_DESK_ROWS_MAX; i++)
		desk->rows[i].id.site = SITE_NONE;
}

/* ---- segment states ---- */

enum err_code desk_rows_read(struct feed_desk *desk, struct rows *rows,
			     const struct delta *delta, bool *ret_is_sound,
			     struct err *err)
{
	const struct delta_header *header = &delta->header;
	struct reader reader;
	enum err_code code = ERR_OK;

	arena_reset(&desk->arena);
	rows_mark(rows);
	reader_init(&reader, delta->rows.data, delta->rows.size);
	for (uint32_t i = 0; i < header->row_count && code == ERR_OK; i++) {
		struct pos pos = pos_make(header->epoch, header->first + i);

		code = rows_read(rows, pos, &reader, &desk->entry);
		if (code == ERR_OK)
			feed_rules_apply(header, pos_number(pos), &desk->entry);
		if (code == ERR_OK &&
		    !arena_add(&desk->arena,
			       (struct span){(char *)desk->entry.data,
					     desk->entry.size}))
			code = ERR_CORRUPT;
	}
	if (code == ERR_OK && !reader_done(&reader))
		code = ERR_CORRUPT;
	*ret_is_sound = code == ERR_OK;
	if (code != ERR_OK)
		rows_rewind(rows);
	if (code != ERR_OK && code != ERR_CORRUPT)
		return err_set(err, code, "rows of a delta");
	return ERR_OK;
}

/* Reads the open segment's deltas up to the head again. */
static enum err_code segment_read(struct feed_desk *desk,
				  const struct view *view,
				  const struct feed_record *feed,
				  struct rows *rows, struct err *err)
{
	rows_reset(rows);
	if (feed->segment == 0)
		return ERR_OK;
	for (uint64_t seq = feed->segment; seq <= feed->seq; seq++) {
		struct delta delta;
		bool is_sound;
		enum err_code code =
			feed_delta(view, feed->id, seq, &delta, err);

		if (code == ERR_NOT_FOUND)
			code = err_set(
				err, ERR_CORRUPT,
				"a delta of a segment is missing: " ENV_ADVICE);
		if (code == ERR_OK)
			code = desk_rows_read(desk, rows, &delta, &is_sound,
					      err);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

static bool slot_fits(const struct desk_rows *slot,
		      const struct feed_record *feed)
{
	return slot->id.site == feed->id.site &&
	       slot->id.epoch == feed->id.epoch &&
	       slot->id.branch == feed->id.branch && slot->seq == feed->seq &&
	       memcmp(slot->hash, feed->hash, HASH_SIZE) == 0;
}

/* The feed's own slot, or a free one, or that which was used first of all. */
static struct desk_rows *slot_find(struct feed_desk *desk,
				   const struct feed_record *feed)
{
	struct desk_rows *oldest = &desk->rows[0];

	for (size_t i = 0; i < desk->rows_max; i++) {
		struct desk_rows *slot = &desk->rows[i];

		if (slot_fits(slot, feed))
			return slot;
		if (slot->id.site == SITE_NONE)
			slot->used = 0;
		if (slot->used < oldest->used)
			oldest = slot;
	}
	return oldest;
}

enum err_code desk_rows_get(struct feed_desk *desk, const struct view *view,
			    const struct feed_record *feed, bool is_start,
			    struct desk_rows **ret_slot, struct err *err)
{
	struct desk_rows *slot = slot_find(desk, feed);
	enum err_code code = ERR_OK;

	if (slot->rows == NULL)
		code = rows_open(&slot->rows, err);
	if (code != ERR_OK)
		return code;
	if (is_start)
		rows_reset(slot->rows);
	else if (!slot_fits(slot, feed))
		code = segment_read(desk, view, feed, slot->rows, err);
	/* Until desk_rows_done it is nobody's. */
	slot->id.site = SITE_NONE;
	slot->used = ++desk->uses;
	if (code == ERR_OK)
		*ret_slot = slot;
	return code;
}

void desk_rows_done(struct desk_rows *slot, const struct feed_record *feed)
{
	slot->id = feed->id;
	slot->seq = feed->seq;
	memcpy(slot->hash, feed->hash, HASH_SIZE);
}
