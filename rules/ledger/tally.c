#include "rules/ledger/tally.h"

/* Where a cell's units stand in the tally. */
static struct qty *tally_slot(struct tally *tally, bool is_outbound,
			      enum condition condition)
{
	switch (condition) {
	case CONDITION_GOOD:
		return is_outbound ? &tally->allocated : &tally->available;
	case CONDITION_ON_HOLD:
		return &tally->on_hold;
	case CONDITION_QUARANTINE:
		return &tally->quarantine;
	case CONDITION_DAMAGED:
		return &tally->damaged;
	case CONDITION_NONE:
		break;
	}
	ASSERT(condition != CONDITION_NONE);
	return &tally->damaged;
}

bool tally_add(struct tally *tally, bool is_outbound, enum condition condition,
	       struct qty quantity)
{
	struct qty *slot = tally_slot(tally, is_outbound, condition);

	return qty_add(*slot, quantity, slot) &&
	       qty_add(tally->on_hand, quantity, &tally->on_hand);
}

struct qty tally_reserve(struct tally *tally, struct qty reserved)
{
	struct qty covered = reserved.units <= tally->available.units
				     ? reserved
				     : tally->available;

	ASSERT(reserved.units >= 0);
	tally->available.units -= covered.units;
	tally->reserved.units += covered.units;
	return covered;
}

bool tally_is_sound(const struct tally *tally)
{
	const struct qty *const parts[] = {&tally->available,  &tally->reserved,
					   &tally->allocated,  &tally->on_hold,
					   &tally->quarantine, &tally->damaged};
	struct qty sum = {0};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i]->units < 0 || !qty_add(sum, *parts[i], &sum))
			return false;
	return sum.units == tally->on_hand.units;
}
