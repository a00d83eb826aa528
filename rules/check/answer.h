/*
 * answer - what is answered to a check's question, and whether it is in order.
 *
 * Layer     rules/check
 * Threads   any
 *
 * Pure. Numbers are counted in thousandths, never floats: -18.5 is -18500.
 */
#ifndef DEPOT_RULES_CHECK_ANSWER_H
#define DEPOT_RULES_CHECK_ANSWER_H

#include "rules/ledger/entry.h"

#define ANSWER_TEXT_SIZE 24

/* What a yes is; a no is 0. */
#define ANSWER_IS_YES ((int64_t)CHECK_VALUE_SCALE)

/* Reads a decimal number with at most 3 digits behind the point, of less than
 * a thousand million: "-18.5", "4", "+0.125". False for anything else. */
MUST_CHECK bool answer_parse(struct span text, int64_t *ret_value);

/* Writes it in its shortest form, terminated: "-18.5". */
void answer_print(int64_t value, char text[ANSWER_TEXT_SIZE]);

/* True if @value is what the answer to @question, one of a check's numbers from
 * 1, should be. */
bool answer_is_in_order(const struct check *question, int64_t value);

#endif
