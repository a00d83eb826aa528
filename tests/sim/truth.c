#include "tests/sim/truth.h"

#include <stdlib.h>
#include <string.h>

#include "rules/ledger/entry.h"
#include "store/seal.h"

void truth_release(struct truth *truth)
{
	free(truth->facts);
	free(truth->ways);
	*truth = (struct truth){0};
}

void truth_add(struct truth *truth, const struct fact *fact)
{
	if (truth->count == truth->room) {
		truth->room = truth->room == 0 ? 1024 : 2 * truth->room;
		truth->facts =
			realloc(truth->facts, truth->room * sizeof(*fact));
		ASSERT(truth->facts != NULL);
	}
	truth->facts[truth->count++] = *fact;
	truth->is_sorted = false;
}

/* ---- between sites ---- */

static struct way *way_find(const struct truth *truth, struct span transfer,
			    struct span item)
{
	for (size_t i = 0; i < truth->way_count; i++) {
		struct way *way = &truth->ways[i];

		if (span_equal(place_name_span(&way->transfer), transfer) &&
		    span_equal(sku_span(&way->item), item))
			return way;
	}
	return NULL;
}

int64_t truth_way(const struct truth *truth, struct span transfer,
		  struct span item)
{
	const struct way *way = way_find(truth, transfer, item);

	return way == NULL ? 0 : way->units;
}

static void way_add(struct truth *truth, const struct place *place,
		    const struct movement *movement, int64_t units)
{
	struct way *way;

	if (place->kind != PLACE_TRANSIT)
		return;
	way = way_find(truth, place_name_span(&place->name),
		       sku_span(&movement->item));
	if (way == NULL) {
		if (truth->way_count == truth->way_room) {
			truth->way_room = 2 * truth->way_room + 64;
			truth->ways = realloc(truth->ways,
					      truth->way_room * sizeof(*way));
			ASSERT(truth->ways != NULL);
		}
		way = &truth->ways[truth->way_count++];
		*way = (struct way){place->name, movement->item, 0};
	}
	way->units += units;
}

void truth_move(struct truth *truth, const struct movement *movement)
{
	way_add(truth, &movement->from.place, movement,
		-movement->quantity.units);
	way_add(truth, &movement->to.place, movement, movement->quantity.units);
}

/* ---- what HQ asked for ---- */

void truth_item(struct truth *truth, uint32_t site, const struct item *item)
{
	struct span name = sku_span(&item->sku);
	const size_t skip = sizeof(TRUTH_ASKED) - 1;
	uint64_t number;

	if (name.size <= skip || memcmp(name.data, TRUTH_ASKED, skip) != 0 ||
	    !span_to_u64((struct span){name.data + skip, name.size - skip},
			 TRUTH_ASKED_MAX, &number))
		return;
	ASSERT(number < truth->asked && truth->intents[number].site == site);
	truth->intents[number].done++;
}

/* ---- facts ---- */

static int fact_compare(const void *left, const void *right)
{
	const struct fact *a = left;
	const struct fact *b = right;

	if (a->site != b->site)
		return a->site < b->site ? -1 : 1;
	if (a->pos.value != b->pos.value)
		return a->pos.value < b->pos.value ? -1 : 1;
	return (a->hash > b->hash) - (a->hash < b->hash);
}

/* A box may begin one epoch after the other, and tell again in each what it
 * told again in the last. */
struct fact *truth_find(struct truth *truth, uint32_t site, struct pos pos,
			uint64_t hash)
{
	struct fact wanted = {.site = site, .pos = pos, .hash = hash};
	struct fact *found;

	if (!truth->is_sorted)
		qsort(truth->facts, truth->count, sizeof(wanted), fact_compare);
	truth->is_sorted = true;
	do {
		found = bsearch(&wanted, truth->facts, truth->count,
				sizeof(wanted), fact_compare);
		if (found != NULL)
			wanted.pos = found->again;
	} while (found != NULL && found->again.value != 0);
	return found;
}

void truth_set_back(struct truth *truth, uint32_t box, struct pos told)
{
	for (size_t i = 0; i < truth->count; i++)
		if (truth->facts[i].box == box &&
		    truth->facts[i].pos.value > told.value)
			truth->facts[i].may_be_lost = true;
}

/* Two boxes of one image may write the same words in the same place: that is
 * told as one. */
void truth_seek(struct truth *truth)
{
	size_t kept = 0;

	qsort(truth->facts, truth->count, sizeof(truth->facts[0]),
	      fact_compare);
	truth->is_sorted = true;
	for (size_t i = 0; i < truth->count; i++) {
		struct fact *last = &truth->facts[kept == 0 ? 0 : kept - 1];

		truth->facts[i].is_found = false;
		truth->facts[i].is_waiting = false;
		if (kept > 0 && fact_compare(last, &truth->facts[i]) == 0)
			last->may_be_lost &= truth->facts[i].may_be_lost;
		else
			truth->facts[kept++] = truth->facts[i];
	}
	truth->count = kept;
}

bool truth_read(struct span bytes, struct pos pos, struct fact *ret_fact,
		struct entry *ret_entry)
{
	UNINITIALIZED uint8_t buffer[ENTRY_SIZE_MAX];
	struct writer writer;
	struct entry *entry = ret_entry;

	if (entry_decode(bytes, entry) != ERR_OK)
		return false;
	ret_fact->pos = pos;
	if (entry->carried.value != 0)
		ret_fact->pos = entry->carried;
	if (entry->regained.value != 0)
		ret_fact->pos = entry->regained;
	entry->actor.boot.size = 0;
	entry->actor.seq = 0;
	entry->stamp.value = 0;
	entry->clock_flags &= ~ENTRY_CLOCK_TRUSTED;
	entry->carried.value = 0;
	entry->regained.value = 0;
	writer_init(&writer, buffer, sizeof(buffer));
	entry_encode(&writer, entry);
	ret_fact->hash =
		seal_checksum(1, (struct span){(char *)buffer, writer.size});
	return true;
}
