#include "tests/bench/peers/depot_text.h"

#include <inttypes.h>
#include <string.h>

#define SUPPLIER "supplier:"

/* What stands between @from and @to, of which the rest begins behind @to. */
static bool field_take(struct span *rest, const char *from, const char *to,
		       struct span *ret_field)
{
	size_t at = strlen(from);
	size_t end;

	if (!span_starts(*rest, from))
		return false;
	for (end = at; end < rest->size; end++)
		if (rest->data[end] == to[0] || rest->data[end] == '\\')
			break;
	*ret_field = (struct span){rest->data + at, end - at};
	*rest = (struct span){rest->data + end, rest->size - end};
	if (!span_starts(*rest, to))
		return false;
	rest->data += strlen(to);
	rest->size -= strlen(to);
	return true;
}

static bool side_read(struct span text, struct side *ret_side)
{
	struct side side = {.place = {.kind = PLACE_BIN},
			    .condition = CONDITION_GOOD};

	if (span_is(text, "customer"))
		side = (struct side){.place = place_of(PLACE_CUSTOMER)};
	else if (span_is(text, "scrap"))
		side = (struct side){.place = place_of(PLACE_SCRAP)};
	else if (span_starts(text, SUPPLIER)) {
		side = (struct side){.place = {.kind = PLACE_SUPPLIER}};
		text.data += sizeof(SUPPLIER) - 1;
		text.size -= sizeof(SUPPLIER) - 1;
	}
	*ret_side = side;
	return !place_kind_is_named(side.place.kind) ||
	       place_name_set(&ret_side->place.name, text);
}

static bool movement_read(struct span *rest, struct movement *movement)
{
	struct span op;
	struct span item;
	struct span qty;
	struct span from;
	struct span to;
	uint64_t units;

	if (!field_take(rest, "{\"op\":\"", "\",", &op) ||
	    !field_take(rest, "\"item\":\"", "\",", &item) ||
	    !field_take(rest, "\"qty\":", ",", &qty) ||
	    !field_take(rest, "\"from\":\"", "\",", &from) ||
	    !field_take(rest, "\"to\":\"", "\",", &to) ||
	    !movement_kind_parse(op, &movement->kind) ||
	    !sku_set(&movement->item, item) ||
	    !span_to_u64(qty, QTY_MOVE_MAX, &units) ||
	    !side_read(from, &movement->from) || !side_read(to, &movement->to))
		return false;
	movement->quantity.units = (int64_t)units;
	/* What their text does not say, and depot asks for. */
	if (movement->kind == MOVEMENT_RETURN)
		movement->to.condition = CONDITION_QUARANTINE;
	return movement->kind != MOVEMENT_SCRAP ||
	       reason_set(&movement->reason, SPAN_LITERAL("scrap"));
}

bool depot_text_read(struct span text, struct entry *ret_entry)
{
	struct entry *entry = ret_entry;
	struct span ref;
	struct span at;
	struct span by;
	uint64_t ms;

	entry_init(entry, ENTRY_MOVEMENT);
	if (!movement_read(&text, &entry->body.movement) ||
	    !field_take(&text, "\"ref\":\"", "\",", &ref) ||
	    !field_take(&text, "\"at\":", ",", &at) ||
	    !field_take(&text, "\"by\":\"", "\"}", &by) || text.size != 0 ||
	    !span_to_u64(at, MOMENT_MS_MAX, &ms) ||
	    !name_set(&entry->actor.name, by) ||
	    !ref_set(&entry->ref.text, ref))
		return false;
	entry->ref.kind = ref.size > 0 ? REF_ORDER : REF_NONE;
	entry->actor.kind = ACTOR_DEVICE;
	entry->effective.ms = (int64_t)ms;
	return true;
}

static void side_write(const struct side *side, char *text, size_t size)
{
	bool fits;

	if (side->place.kind == PLACE_BIN)
		fits = text_format(text, size, "%.*s",
				   (int)side->place.name.size,
				   side->place.name.data);
	else if (side->place.kind == PLACE_SUPPLIER)
		fits = text_format(text, size, SUPPLIER "%.*s",
				   (int)side->place.name.size,
				   side->place.name.data);
	else
		fits = text_format(text, size, "%s",
				   place_kind_name(side->place.kind));
	ASSERT(fits);
}

bool depot_text_write(const struct entry *entry, char ret_text[DEPOT_TEXT_SIZE])
{
	const struct movement *movement = &entry->body.movement;
	char from[DEPOT_TEXT_SIZE];
	char to[DEPOT_TEXT_SIZE];

	if (entry->kind != ENTRY_MOVEMENT || movement->kind == MOVEMENT_FOUND)
		return false;
	side_write(&movement->from, from, sizeof(from));
	side_write(&movement->to, to, sizeof(to));
	return text_format(ret_text, DEPOT_TEXT_SIZE,
			   "{\"op\":\"%s\",\"item\":\"%.*s\",\"qty\":%" PRId64
			   ",\"from\":\"%s\",\"to\":\"%s\",\"ref\":\"%.*s\","
			   "\"at\":%" PRId64 ",\"by\":\"%.*s\"}",
			   movement_kind_name(movement->kind),
			   (int)movement->item.size, movement->item.data,
			   movement->quantity.units, from, to,
			   (int)entry->ref.text.size, entry->ref.text.data,
			   entry->effective.ms, (int)entry->actor.name.size,
			   entry->actor.name.data);
}
