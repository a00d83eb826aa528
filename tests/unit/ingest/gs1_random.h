/*
 * gs1_random - random values that are right for their AI, for property tests.
 */
#ifndef DEPOT_TESTS_UNIT_INGEST_GS1_RANDOM_H
#define DEPOT_TESTS_UNIT_INGEST_GS1_RANDOM_H

#include "tests/support/check.h"

#include "gateway/ingest/gs1_ai.h"

#define RANDOM_YEAR 2026

/* A value where chance would hardly find one. */
static inline const char *random_sample(uint64_t *seed, enum gs1_lint lint)
{
	static const struct {
		uint8_t lint;
		const char *values[2];
	} samples[] = {
		{LINT_COUPONCODE,
		 {"0123456123456111101231011012310123456",
		  "106141416543213500110000310123196000"}},
		{LINT_COUPONPOSOFFER,
		 {"001234566543210123456", "161234567890126543210123456"}},
		{LINT_CSUMALPHA,
		 {"1987654Ad4X4bL5ttr2310c2K", "12345_ABCDEFGHIJKLMCP"}},
		{LINT_HYPHEN, {"-", "-"}},
		{LINT_IBAN,
		 {"FR7630006000011234567890189", "GB82WEST12345698765432"}},
		{LINT_ISO3166ALPHA2, {"DE", "CN"}},
		{LINT_PACKAGETYPE, {"PX", "200"}},
		{LINT_PCENC, {"Main%20St", "%E4%B8%AD"}},
		{LINT_PIECEOFTOTAL, {"0102", "1212"}},
		{LINT_POSINSEQSLASH, {"1/2", "3/3"}},
	};

	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		if (samples[i].lint == lint)
			return samples[i].values[test_random(seed) % 2];
	return NULL;
}

static inline char random_char(uint64_t *seed, enum gs1_set set)
{
	static const char *const sets[] = {
		[GS1_DIGITS] = "0123456789",
		[GS1_CSET82] = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOP"
			       "QRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz",
		[GS1_CSET39] = "#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
		[GS1_CSET64] = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefgh"
			       "ijklmnopqrstuvwxyz",
	};

	return sets[set][test_random(seed) % strlen(sets[set])];
}

static inline size_t random_component(uint64_t *seed,
				      const struct gs1_component *component,
				      char *buffer)
{
	const char *sample = random_sample(seed, component->lints[0]);
	size_t range = (size_t)component->size_max - component->size_min + 1;
	size_t size = component->size_min + test_random(seed) % range;

	if (sample != NULL) {
		memcpy(buffer, sample, strlen(sample));
		return strlen(sample);
	}
	for (size_t i = 0; i < size; i++)
		buffer[i] = random_char(seed, component->set);
	return size;
}

/*
 * Writes a random value for @row into @buffer and returns its size: random
 * characters, again and again, until the row's own checks take them.
 */
static inline size_t random_value(uint64_t *seed, const struct gs1_ai *row,
				  char buffer[GS1_VALUE_SIZE_MAX])
{
	for (size_t tries = 0; tries < 200000; tries++) {
		size_t size = 0;

		for (size_t i = 0; i < GS1_COMPONENTS_MAX; i++) {
			const struct gs1_component *part = &row->components[i];

			if (part->size_max == 0 ||
			    (part->is_optional && test_random(seed) % 2))
				break;
			size += random_component(seed, part, buffer + size);
		}
		if (gs1_ai_check(row, (struct span){buffer, size},
				 RANDOM_YEAR) == SCAN_OK)
			return size;
	}
	fail_msg("no value found for AI %u", row->first);
	return 0;
}

#endif
