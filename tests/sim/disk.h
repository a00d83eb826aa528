/*
 * disk - the boxes' disk, whose power can go.
 *
 * The linker puts these calls in the place of those by which the store writes
 * and syncs. What was written to a file is remembered until the file is synced;
 * a power cut keeps of it what chance keeps, write by write, as a disk with a
 * cache does. Nothing here is slow: files lie in memory, a sync is a note, and
 * an allocation is a length.
 *
 * What a rename or a new name does in a power cut is tests/powercut's.
 */
#ifndef DEPOT_TESTS_SIM_DISK_H
#define DEPOT_TESTS_SIM_DISK_H

#include <stdint.h>

#include "tests/sim/random.h"

/* Forgets everything: another schedule begins. */
void disk_reset(void);

/* After @writes more writes the disk takes none and syncs nothing, until
 * disk_power_cut. */
void disk_die_after(uint64_t writes);

/* The file at @path, which nobody has open, loses what @random says of all that
 * was not synced. Other files keep theirs. The disk works again. */
void disk_power_cut(const char *path, struct random *random);

/* Writes that power cuts took, and syncs, since disk_reset. */
uint64_t disk_writes_lost(void);
uint64_t disk_syncs(void);

#endif
