/*
 * What is told twice, and where it counts: docs/protocol/sync.md.
 *
 * Whether an entry counts is a function of the deltas that are here and of what
 * the roster counts of them, so it does not depend on what came first. What
 * depends on a feed that changed is folded again.
 */
#include <stdlib.h>
#include <string.h>

#include "store/feed_parts.h"

/* Segment states, of two megabytes each: it reads here and there in the few
 * feeds of one site, and each place of them would have a state of its own. */
#define TOLD_ROWS_MAX 4

struct told {
	struct feed_desk *desk; /* its arena has the delta read last */
	struct feed_id id;
	uint64_t seq; /* 0: none */
	uint64_t first;
};

enum err_code told_open(const uint8_t net_id[NET_ID_SIZE],
			struct told **ret_told, struct err *err)
{
	struct told *told = calloc(1, sizeof(*told));
	enum err_code code;

	if (told == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	code = feed_desk_open(net_id, &told->desk, err);
	if (code != ERR_OK) {
		free(told);
		return code;
	}
	told->desk->rows_max = TOLD_ROWS_MAX;
	*ret_told = told;
	return ERR_OK;
}

void told_close(struct told *told)
{
	if (told == NULL)
		return;
	feed_desk_close(told->desk);
	free(told);
}

void told_forget(struct told *told)
{
	told->seq = 0;
	feed_desk_abandon(told->desk);
}

/* ---- reading an entry by its number ---- */

static enum err_code entry_skip(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	(void)context;
	(void)pos;
	(void)entry;
	(void)err;
	return ERR_STOPPED; /* what is wanted is the arena */
}

static bool id_equal(struct feed_id a, struct feed_id b)
{
	return a.site == b.site && a.epoch == b.epoch && a.branch == b.branch;
}

static enum err_code delta_load(struct told *told, const struct view *view,
				struct feed_id id,
				const struct delta_header *header,
				struct err *err)
{
	struct delta_place place = {id, header->seq};
	enum err_code code;

	if (told->seq == header->seq && id_equal(told->id, id) &&
	    told->first == header->first)
		return ERR_OK;
	told->seq = 0;
	code = feed_entries(told->desk, view, &place, entry_skip, NULL, err);
	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	told->id = id;
	told->seq = header->seq;
	told->first = header->first;
	return ERR_OK;
}

/* ERR_NOT_FOUND: @feed's own deltas up to @last have no such entry. */
static enum err_code entry_load(struct told *told, const struct view *view,
				const struct feed_record *feed, uint64_t number,
				struct entry *ret_entry, struct err *err)
{
	struct delta_header header;
	enum err_code code;

	if (number == 0 || number > feed->number)
		return ERR_NOT_FOUND;
	code = feed_sealed_at(view, feed, number, &header, err);
	if (code == ERR_OK && header.seq <= feed->base)
		return ERR_NOT_FOUND;
	if (code == ERR_OK)
		code = delta_load(told, view, feed->id, &header, err);
	if (code != ERR_OK)
		return code;
	if (number - header.first >= told->desk->arena.count ||
	    entry_decode(arena_at(&told->desk->arena,
				  (uint32_t)(number - header.first)),
			 ret_entry) != ERR_OK)
		return ERR_NOT_FOUND;
	return ERR_OK;
}

/* ---- the same words ---- */

static struct span words_of(const struct entry *entry, uint8_t *bytes)
{
	struct entry copy = *entry;
	struct writer writer;

	copy.stamp = (struct stamp){0};
	copy.clock_flags &= ENTRY_EFFECTIVE_TRUSTED;
	copy.actor.boot.size = 0;
	copy.actor.seq = 0;
	copy.carried = (struct pos){0};
	copy.regained = (struct pos){0};
	writer_init(&writer, bytes, ENTRY_SIZE_MAX);
	entry_encode(&writer, &copy);
	return (struct span){(const char *)bytes, writer.size};
}

static bool words_equal(const struct entry *a, const struct entry *b)
{
	UNINITIALIZED uint8_t bytes[2][ENTRY_SIZE_MAX];

	return a->kind == b->kind &&
	       span_equal(words_of(a, bytes[0]), words_of(b, bytes[1]));
}

/* Where it may stand as well: at the place that it names, and on a branch under
 * its own number, on the branches beside. */
#define PLACES 2
struct places {
	struct pos at[PLACES]; /* 0: none */
};

static struct places places_of(const struct feed_record *feed, struct pos pos,
			       const struct entry *entry)
{
	struct places places = {{entry_named(entry)}};

	if (feed->id.branch != 0)
		places.at[1] = pos;
	return places;
}

struct looking {
	struct told *told;
	const struct view *view;
	struct feed_id id;
	struct pos place;
	const struct entry *entry;
	bool is_told;
};

static enum err_code feed_look(void *context, const struct feed_record *feed,
			       struct err *err)
{
	struct looking *looking = context;
	struct delta_header header;
	struct entry other;
	uint64_t number = pos_number(looking->place);
	enum err_code code;

	/* Of the own epoch's branches, the lower ones. */
	if (feed->id.epoch == looking->id.epoch &&
	    (feed->id.branch == 0 || feed->id.branch >= looking->id.branch))
		return ERR_OK;
	code = entry_load(looking->told, looking->view, feed, number, &other,
			  err);
	if (code == ERR_OK && words_equal(&other, looking->entry))
		code = feed_sealed_at(looking->view, feed, number, &header,
				      err);
	else if (code == ERR_OK)
		return ERR_OK;
	if (code == ERR_OK && header.seq <= feed->counted) {
		looking->is_told = true;
		return ERR_STOPPED;
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code place_look(struct looking *looking, struct pos place,
				struct err *err)
{
	enum err_code code;

	if (place.value == 0 || pos_epoch(place) > looking->id.epoch)
		return ERR_OK;
	looking->place = place;
	code = feed_walk_epoch(looking->view, looking->id.site,
			       pos_epoch(place), feed_look, looking, err);
	return code == ERR_STOPPED ? ERR_OK : code;
}

enum err_code told_elsewhere(struct told *told, const struct view *view,
			     const struct told_entry *what, bool *ret_is,
			     struct err *err)
{
	struct places places = places_of(what->feed, what->pos, what->entry);
	struct looking looking = {.told = told,
				  .view = view,
				  .id = what->feed->id,
				  .entry = what->entry};
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < PLACES && code == ERR_OK && !looking.is_told;
	     i++)
		code = place_look(&looking, places.at[i], err);
	if (code == ERR_OK)
		*ret_is = looking.is_told;
	return code;
}

/* ---- what depends on a feed ---- */

struct touching {
	struct feed_desk *desk;
	struct told *told;
	const struct view *view;
	const struct feed_record *feed; /* that changed */
	uint64_t first;                 /* numbers in it */
	uint64_t last;
	struct feed_id after; /* only feeds behind it */
	bool is_found;        /* one to fold again */
	struct feed_record found;
};

static enum err_code place_touches(struct touching *touching, struct pos place,
				   const struct entry *entry, bool *ret_is,
				   struct err *err)
{
	struct entry there;
	enum err_code code;

	if (place.value == 0 || pos_epoch(place) != touching->feed->id.epoch ||
	    pos_number(place) < touching->first ||
	    pos_number(place) > touching->last)
		return ERR_OK;
	code = entry_load(touching->told, touching->view, touching->feed,
			  pos_number(place), &there, err);
	if (code == ERR_OK)
		*ret_is = words_equal(&there, entry);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* True if @entry of @other may stand in the part that changed. */
static enum err_code entry_touches(struct touching *touching,
				   const struct feed_record *other,
				   struct pos pos, const struct entry *entry,
				   bool *ret_is, struct err *err)
{
	struct places places = places_of(other, pos, entry);
	enum err_code code = ERR_OK;

	*ret_is = false;
	for (size_t i = 0; i < PLACES && code == ERR_OK && !*ret_is; i++)
		code = place_touches(touching, places.at[i], entry, ret_is,
				     err);
	return code;
}

struct collecting {
	struct touching *touching;
	const struct feed_record *other;
	struct told *told; /* reads the other */
	bool is_touched;
};

static enum err_code delta_touches(struct collecting *collecting,
				   const struct delta_header *header,
				   struct err *err)
{
	const struct arena *arena = &collecting->told->desk->arena;
	enum err_code code =
		delta_load(collecting->told, collecting->touching->view,
			   collecting->other->id, header, err);

	for (uint32_t i = 0;
	     i < arena->count && code == ERR_OK && !collecting->is_touched;
	     i++) {
		struct pos pos = pos_make(header->epoch, header->first + i);
		struct entry entry;

		if (entry_decode(arena_at(arena, i), &entry) != ERR_OK)
			continue;
		code = entry_touches(collecting->touching, collecting->other,
				     pos, &entry, &collecting->is_touched, err);
	}
	return code;
}

/* Of a branch: what lies under the same numbers. */
static enum err_code branch_look(struct collecting *collecting, struct err *err)
{
	const struct feed_record *other = collecting->other;
	const struct touching *touching = collecting->touching;
	enum err_code code = ERR_OK;

	for (uint64_t seq = other->base + 1;
	     seq <= other->seq && code == ERR_OK && !collecting->is_touched;
	     seq++) {
		struct delta delta;
		struct delta_header header;

		code = feed_delta(touching->view, other->id, seq, &delta, err);
		if (code != ERR_OK)
			break;
		header = delta.header;
		if (header.first > touching->last)
			break;
		if (header.first + header.row_count > touching->first)
			code = delta_touches(collecting, &header, err);
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* A delta of a successor that tells again. */
static enum err_code naming_look(void *context, uint64_t seq,
				 const struct naming *naming, struct err *err)
{
	struct collecting *collecting = context;
	const struct touching *touching = collecting->touching;
	uint32_t epoch = touching->feed->id.epoch;
	struct delta delta;
	struct delta_header header;
	enum err_code code;

	if (naming->first.value > pos_make(epoch, touching->last).value ||
	    naming->last.value < pos_make(epoch, touching->first).value)
		return ERR_OK;
	code = feed_delta(touching->view, collecting->other->id, seq, &delta,
			  err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	header = delta.header;
	if (code == ERR_OK)
		code = delta_touches(collecting, &header, err);
	return code == ERR_OK && collecting->is_touched ? ERR_STOPPED : code;
}

static enum err_code other_look(struct collecting *collecting, struct err *err)
{
	const struct feed_record *other = collecting->other;
	enum err_code code;

	if (other->id.epoch == collecting->touching->feed->id.epoch)
		return branch_look(collecting, err);
	code = naming_walk(collecting->touching->view, other, naming_look,
			   collecting, err);
	return code == ERR_STOPPED ? ERR_OK : code;
}

static enum err_code
dependent_note(void *context, const struct feed_record *other, struct err *err)
{
	struct touching *touching = context;
	struct collecting collecting = {.touching = touching,
					.other = other,
					.told = touching->desk->told_other};
	const struct feed_id *id = &touching->feed->id;
	enum err_code code;

	if (other->id.site < id->site)
		return ERR_OK;
	if (other->id.site > id->site)
		return ERR_STOPPED;
	if (other->id.epoch < id->epoch || other->seq == other->base ||
	    id_equal(other->id, *id))
		return ERR_OK;
	code = other_look(&collecting, err);
	if (code != ERR_OK || !collecting.is_touched)
		return code;
	touching->found = *other;
	touching->is_found = true;
	return ERR_STOPPED;
}

static enum err_code tolds_ready(struct feed_desk *desk, struct err *err)
{
	enum err_code code = ERR_OK;

	if (desk->told == NULL)
		code = told_open(desk->net_id, &desk->told, err);
	if (code == ERR_OK && desk->told_other == NULL)
		code = told_open(desk->net_id, &desk->told_other, err);
	if (code != ERR_OK)
		return code;
	told_forget(desk->told);
	told_forget(desk->told_other);
	return ERR_OK;
}

struct later {
	struct feed_id id;
	bool is_there;
};

static enum err_code later_note(void *context, const struct feed_record *feed,
				struct err *err)
{
	struct later *later = context;

	(void)err;
	if (id_equal(feed->id, later->id))
		return ERR_OK;
	later->is_there = feed->id.site == later->id.site;
	return ERR_STOPPED;
}

enum err_code told_settle(struct feed_desk *desk, struct txn *txn,
			  const struct feed_record *feed,
			  const struct told_range *range, struct err *err)
{
	struct touching touching = {.desk = desk,
				    .view = txn_view(txn),
				    .feed = feed,
				    .first = range->first,
				    .last = range->last,
				    .after = feed->id};
	struct later later = {.id = feed->id};
	enum err_code code;

	if (range->came_from != 0 && range->came_from < feed->id.branch)
		touching.after.branch = range->came_from;
	code = feed_walk(touching.view, &touching.after, later_note, &later,
			 err);
	/* Nothing of this site comes behind it: nearly always. */
	if (code == ERR_STOPPED)
		code = ERR_OK;
	if (code != ERR_OK || !later.is_there)
		return code;
	do {
		touching.is_found = false;
		code = tolds_ready(desk, err);
		touching.told = desk->told;
		if (code == ERR_OK)
			code = feed_walk(touching.view, &touching.after,
					 dependent_note, &touching, err);
		if (code == ERR_STOPPED)
			code = ERR_OK;
		if (code == ERR_OK && touching.is_found) {
			touching.after = touching.found.id;
			code = feed_fold_again(desk, txn, &touching.found, err);
		}
	} while (code == ERR_OK && touching.is_found);
	return code;
}

enum err_code told_of_desk(struct feed_desk *desk, const struct view *view,
			   const struct told_entry *what, bool *ret_is,
			   struct err *err)
{
	enum err_code code = ERR_OK;

	*ret_is = false;
	if (what->feed->id.branch == 0 && entry_named(what->entry).value == 0)
		return ERR_OK;
	if (desk->told == NULL)
		code = told_open(desk->net_id, &desk->told, err);
	if (code == ERR_OK)
		code = told_elsewhere(desk->told, view, what, ret_is, err);
	return code;
}
