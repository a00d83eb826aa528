/*
 * signature - the simulator's own Ed25519: a hash instead, for speed.
 *
 * Two thirds of a schedule's time went into real signatures, which have tests
 * of their own. The linker puts these in their place (--wrap); whoever flips a
 * bit or takes another key is found out all the same. One schedule in so many
 * runs with the real ones.
 */
#ifndef DEPOT_TESTS_SIM_SIGNATURE_H
#define DEPOT_TESTS_SIM_SIGNATURE_H

#include <stdbool.h>

void signature_real_set(bool is_real);

#endif
