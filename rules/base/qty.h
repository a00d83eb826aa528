/*
 * qty - a count of an item's base unit.
 *
 * Layer     rules/base
 * Threads   any
 *
 * Signed 64 bits, checked: a result that does not fit is an error, never a
 * wrapped, clamped or rounded number.
 */
#ifndef DEPOT_RULES_BASE_QTY_H
#define DEPOT_RULES_BASE_QTY_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/check.h"

/* One movement's largest quantity: 10^15, a petagram of rice. Sums of up to
 * nine thousand of the largest movements still fit 64 bits. */
#define QTY_MOVE_MAX INT64_C(1000000000000000)

struct qty {
	int64_t units;
};

/* False on overflow; *@ret_sum is then untouched. */
MUST_CHECK static inline bool qty_add(struct qty a, struct qty b,
				      struct qty *ret_sum)
{
	int64_t sum;

	if (__builtin_add_overflow(a.units, b.units, &sum))
		return false;
	ret_sum->units = sum;
	return true;
}

MUST_CHECK static inline bool qty_sub(struct qty a, struct qty b,
				      struct qty *ret_difference)
{
	int64_t difference;

	if (__builtin_sub_overflow(a.units, b.units, &difference))
		return false;
	ret_difference->units = difference;
	return true;
}

/* @packs packs of @pack units each; false on overflow. */
MUST_CHECK static inline bool qty_packs(int64_t packs, int64_t pack,
					struct qty *ret_units)
{
	int64_t units;

	if (__builtin_mul_overflow(packs, pack, &units))
		return false;
	ret_units->units = units;
	return true;
}

/* True for what one movement may carry: 1 to QTY_MOVE_MAX. */
static inline bool qty_is_movable(struct qty quantity)
{
	return quantity.units >= 1 && quantity.units <= QTY_MOVE_MAX;
}

#endif
