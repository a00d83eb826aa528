#include "store/rows_homes.h"

#include <string.h>

void row_homes_reset(struct row_homes *homes)
{
	memset(homes, 0, sizeof(*homes));
}

void row_homes_mark(struct row_homes *homes)
{
	for (uint32_t i = 0; i < homes->changed_count; i++)
		homes->is_changed[homes->changed[i]] = false;
	homes->changed_count = 0;
}

void row_homes_rewind(struct row_homes *homes)
{
	for (uint32_t i = 0; i < homes->changed_count; i++) {
		uint16_t item = homes->changed[i];

		homes->places[item] = homes->before[item];
	}
	row_homes_mark(homes);
}

void row_homes_set(struct row_homes *homes, uint32_t item, uint32_t place)
{
	uint16_t value = place == ROW_HOME_NONE ? 0 : (uint16_t)(place + 1);

	if (homes->places[item] == value)
		return;
	if (!homes->is_changed[item]) {
		homes->is_changed[item] = true;
		homes->before[item] = homes->places[item];
		homes->changed[homes->changed_count++] = (uint16_t)item;
	}
	homes->places[item] = value;
}
