/*
 * shrink - cuts a failing schedule to the actions that it needs.
 *
 * Zeller's ddmin (Zeller, Hildebrandt, "Simplifying and Isolating
 * Failure-Inducing Input", 2002): takes out halves, quarters ... and single
 * actions, as long as what is left still fails.
 */
#ifndef DEPOT_TESTS_SIM_SHRINK_H
#define DEPOT_TESTS_SIM_SHRINK_H

#include "tests/sim/sim.h"

/* True if @schedule still fails. */
typedef bool shrink_fails_fn(void *context, const struct schedule *schedule);

/* Cuts @schedule, which fails, in place. Returns how often it was run. */
size_t shrink(struct schedule *schedule, shrink_fails_fn *fails, void *context);

#endif
