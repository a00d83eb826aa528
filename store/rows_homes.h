/*
 * rows_homes - where each item of a segment was last: an item is as a rule
 * picked from where it was put.
 *
 * Layer     store; part of rows; pure
 * Threads   as rows
 */
#ifndef DEPOT_STORE_ROWS_HOMES_H
#define DEPOT_STORE_ROWS_HOMES_H

#include <stdbool.h>
#include <stdint.h>

#include "store/rows.h"

/* Slots of items to slots of places. */
struct row_homes {
	uint16_t places[ROWS_ITEMS]; /* slot + 1; 0: none */
	/* What was changed since the mark, and what it was. */
	uint16_t changed[ROWS_ITEMS];
	uint16_t before[ROWS_ITEMS];
	bool is_changed[ROWS_ITEMS];
	uint32_t changed_count;
};

#define ROW_HOME_NONE UINT32_MAX

void row_homes_reset(struct row_homes *homes);
void row_homes_mark(struct row_homes *homes);
void row_homes_rewind(struct row_homes *homes);

/* @place may be ROW_HOME_NONE. */
void row_homes_set(struct row_homes *homes, uint32_t item, uint32_t place);
static inline uint32_t row_homes_get(const struct row_homes *homes,
				     uint32_t item)
{
	uint16_t place = homes->places[item];

	return place == 0 ? ROW_HOME_NONE : place - 1u;
}

#endif
