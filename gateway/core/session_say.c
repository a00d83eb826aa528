/*
 * What a booking or an undo moved, in a person's words.
 */
#include "gateway/core/state.h"

#include <inttypes.h>

#include "gateway/core/terms.h"
#include "store/journal.h"

#define LOTS_SIZE 64
#define WHERE_SIZE (2 * PLACE_PRINT_SIZE)

/* Of the first item among the entries: one scan is of one item. */
struct moved {
	struct movement first;
	int64_t units; /* 0: nothing yet */
	size_t lots;   /* movements that name a lot */
	char text[LOTS_SIZE];
	bool has_more_lots; /* than there is room for */
};

static void lot_add(struct moved *moved, const struct movement *movement)
{
	size_t used = span_of(moved->text).size;

	if (movement->lot.size == 0)
		return;
	moved->lots++;
	if (!text_format(moved->text + used, sizeof(moved->text) - used,
			 "%s%.*s %" PRId64, used > 0 ? ", " : "",
			 (int)movement->lot.size, movement->lot.data,
			 movement->quantity.units)) {
		moved->text[used] = '\0';
		moved->has_more_lots = true;
	}
}

/* What had to be found first is no part of what the person did. */
static void movement_add(struct moved *moved, const struct movement *movement)
{
	if (movement->kind == MOVEMENT_FOUND)
		return;
	if (moved->units == 0)
		moved->first = *movement;
	else if (!span_equal(sku_span(&moved->first.item),
			     sku_span(&movement->item)))
		return;
	moved->units += movement->quantity.units;
	lot_add(moved, movement);
}

static enum err_code entry_add(struct intake *intake, struct moved *moved,
			       struct pos pos, struct err *err)
{
	const struct view *view = batch_view(intake->act.batch);
	struct entry entry;
	enum err_code code = journal_read(view, pos, &entry, err);

	if (code != ERR_OK || entry.kind != ENTRY_MOVEMENT)
		return code;
	if (entry.body.movement.reverses.value != 0)
		code = journal_read(view, entry.body.movement.reverses, &entry,
				    err);
	if (code == ERR_OK)
		movement_add(moved, &entry.body.movement);
	return code;
}

/* Only bins are on labels: " -> A-01", " A-01 -> B-01", " A-01 ->". */
static void where_print(const struct movement *movement, char *buffer,
			size_t size)
{
	struct span from = place_name_span(&movement->from.place.name);
	struct span to = place_name_span(&movement->to.place.name);

	if (movement->from.place.kind != PLACE_BIN)
		from.size = 0;
	if (movement->to.place.kind != PLACE_BIN)
		to.size = 0;
	if (place_equal(&movement->from.place, &movement->to.place))
		to.size = 0;
	(void)text_format(
		buffer, size, "%s%.*s%s%s%.*s", from.size > 0 ? " " : "",
		(int)from.size, from.data,
		place_equal(&movement->from.place, &movement->to.place) ? ""
									: " ->",
		to.size > 0 ? " " : "", (int)to.size, to.data);
}

/* " [LOT42]" if it is one lot, " [LOT42 2, LOT43 1]" if there are several;
 * " #S1" for a serial. */
static void lots_print(const struct moved *moved, char *buffer, size_t size)
{
	struct span lot = lot_span(&moved->first.lot);
	struct span serial = serial_span(&moved->first.serial);

	buffer[0] = '\0';
	if (serial.size > 0)
		(void)text_format(buffer, size, " #%.*s", (int)serial.size,
				  serial.data);
	else if (moved->lots == 1 &&
		 moved->units == moved->first.quantity.units)
		(void)text_format(buffer, size, " [%.*s]", (int)lot.size,
				  lot.data);
	else if (moved->lots > 0)
		(void)text_format(buffer, size, " [%s%s]", moved->text,
				  moved->has_more_lots ? " ..." : "");
}

enum err_code session_say_moved(struct intake *intake, struct verdict *verdict,
				enum word word, const struct posted *posted,
				struct err *err)
{
	struct moved moved = {.units = 0};
	char lots[LOTS_SIZE + 8];
	char where[WHERE_SIZE];

	for (struct pos pos = posted->first; pos.value <= posted->last.value;
	     pos.value++) {
		enum err_code code = entry_add(intake, &moved, pos, err);

		if (code != ERR_OK && code != ERR_VERSION)
			return code;
	}
	if (moved.units == 0)
		return ERR_OK;
	lots_print(&moved, lots, sizeof(lots));
	where_print(&moved.first, where, sizeof(where));
	verdict_say(verdict, word, "%s" WORD_FIELD_END "%" PRId64 " x %.*s%s%s",
		    term_name(TERM_MOVEMENT, moved.first.kind), moved.units,
		    (int)moved.first.item.size, moved.first.item.data, lots,
		    where);
	return ERR_OK;
}
