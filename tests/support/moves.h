/*
 * moves - movements written as a person would: from "A-01" to "B-02/damaged".
 *
 * A side is a bin and, behind a slash, its condition (good unless said), or
 * "supplier:NAME", "transit:NAME", "customer", "loss", "found", "scrap",
 * "made".
 */
#ifndef DEPOT_TESTS_SUPPORT_MOVES_H
#define DEPOT_TESTS_SUPPORT_MOVES_H

#include "rules/ledger/entry.h"
#include "tests/support/check.h"

static inline struct side side_of(const char *text)
{
	static const enum place_kind outside[] = {
		PLACE_TRANSIT, PLACE_SUPPLIER, PLACE_CUSTOMER, PLACE_LOSS,
		PLACE_FOUND,   PLACE_SCRAP,    PLACE_MADE,
	};
	struct side side = {.place = {.kind = PLACE_BIN},
			    .condition = CONDITION_GOOD};
	struct span name = span_of(text);
	const char *slash = strchr(text, '/');

	for (size_t i = 0; i < ARRAY_LEN(outside); i++) {
		const char *word = place_kind_name(outside[i]);

		if (!span_starts(name, word))
			continue;
		name.data += strlen(word);
		name.size -= strlen(word);
		if (name.size > 0) { /* the colon */
			name.data++;
			name.size--;
		}
		side.place.kind = outside[i];
		side.condition = CONDITION_NONE;
		break;
	}
	if (slash != NULL) {
		name.size = (size_t)(slash - text);
		assert_true(
			condition_parse(span_of(slash + 1), &side.condition));
	}
	assert_true(place_name_set(&side.place.name, name));
	return side;
}

/* Kinds that owe a reason get one, and a reversal something to reverse. */
static inline struct entry move_of(enum movement_kind kind, const char *sku,
				   int64_t units, const char *from,
				   const char *to)
{
	struct entry entry;
	struct movement *movement = &entry.body.movement;

	entry_init(&entry, ENTRY_MOVEMENT);
	movement->kind = kind;
	movement->quantity.units = units;
	movement->from = side_of(from);
	movement->to = side_of(to);
	assert_true(sku_set(&movement->item, span_of(sku)));
	if (kind == MOVEMENT_COUNT_ADJUST || kind == MOVEMENT_FOUND ||
	    kind == MOVEMENT_SCRAP || kind == MOVEMENT_HOLD ||
	    kind == MOVEMENT_REVERSE || kind == MOVEMENT_TRANSFER_ADJUST)
		assert_true(reason_set(&movement->reason, SPAN_LITERAL("why")));
	if (kind == MOVEMENT_REVERSE)
		movement->reverses = pos_make(1, 2);
	return entry;
}

static inline void move_lot(struct entry *entry, const char *lot)
{
	assert_true(lot_set(&entry->body.movement.lot, span_of(lot)));
}

static inline void move_ref(struct entry *entry, enum ref_kind kind,
			    const char *text)
{
	entry->ref.kind = kind;
	assert_true(ref_set(&entry->ref.text, span_of(text)));
}

#endif
