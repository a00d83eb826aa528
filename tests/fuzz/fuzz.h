/*
 * fuzz - what a fuzz target offers: to libFuzzer, or to replay.c.
 */
#ifndef DEPOT_TESTS_FUZZ_FUZZ_H
#define DEPOT_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Feeds one input, which lies in an allocation of exactly @size bytes. A
 * defect is a failed ASSERT or a sanitizer's report. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
