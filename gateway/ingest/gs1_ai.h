/*
 * gs1_ai - the GS1 Application Identifiers: what each one's value must be.
 *
 * Layer     gateway/ingest
 * Threads   any; constant data
 *
 * Source    GS1 Syntax Dictionary, release 2026-01-27 (GS1 AISBL, BWIPP and
 *           Zint projects; Apache-2.0), which restates the GS1 General
 *           Specifications, section 3. A unit test compares every AI with the
 *           shared table gs1-ai.tsv.
 *
 * A row stands for a run of AIs that differ in their last digit only, as in
 * the dictionary: 3100-3105 is one row.
 */
#ifndef DEPOT_GATEWAY_INGEST_GS1_AI_H
#define DEPOT_GATEWAY_INGEST_GS1_AI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/ingest/gs1_lint.h"
#include "gateway/ingest/scan_problem.h"
#include "rules/base/text.h"

#define GS1_AI_SIZE_MIN 2
#define GS1_AI_SIZE_MAX 4
#define GS1_COMPONENTS_MAX 5
#define GS1_LINTS_MAX 3
#define GS1_VALUE_SIZE_MAX 90

/* Which characters a component may have. */
enum gs1_set {
	GS1_DIGITS,
	GS1_CSET82, /* General Specifications, figure 7.11-1 */
	GS1_CSET39, /* figure 7.11-2 */
	GS1_CSET64, /* figure 7.11-3: base 64, file-safe and URI-safe */
};

/* One part of a value. Only a last part varies in size; parts that may be
 * missing follow all others. */
struct gs1_component {
	uint8_t set; /* enum gs1_set */
	uint8_t size_min;
	uint8_t size_max; /* 0: there is no such component */
	bool is_optional;
	uint8_t lints[GS1_LINTS_MAX]; /* enum gs1_lint, in this order */
};

#define GS1_AI_NEEDS_FNC1 1u   /* a separator follows, unless it is the last */
#define GS1_AI_IN_LINK 2u      /* may be an attribute of a Digital Link */
#define GS1_AI_HAS_DECIMALS 4u /* the last digit is a number of decimals */
#define GS1_AI_UNKNOWN 8u      /* stands for AIs that the table lacks */

struct gs1_ai {
	uint8_t digits; /* 2 to 4 */
	uint8_t flags;
	uint16_t first;
	uint16_t last;
	struct gs1_component components[GS1_COMPONENTS_MAX];
	const char *title;
	/* NULL: no Digital Link key. Else its qualifiers in order, with '|'
	 * between alternatives; empty: it has none. */
	const char *qualifiers;
	/* AIs needed on the same item: "01+21,03+21": ',' is or, '+' is and,
	 * a blank separates lists that must all hold, n is any digit. Or NULL.
	 */
	const char *needs;
	const char *excludes; /* AIs it may not be paired with, "310n,37"; or
			       * NULL */
};

extern const struct gs1_ai gs1_ai_table[];
extern const size_t gs1_ai_table_count;

/*
 * The row of the AI that @text starts with, or NULL. @text may go on after
 * the AI: which AI it is never depends on more than its first four bytes.
 */
const struct gs1_ai *gs1_ai_find(struct span text);

/* The row of the AI that is exactly @ai, or NULL. */
const struct gs1_ai *gs1_ai_exact(struct span ai);

/*
 * A stand-in row for the AI @ai, which the table lacks, or NULL if there
 * cannot be an AI of that name: all digits, two to four, as many as other AIs
 * with the same first two digits have. Its value is any CSET 82 text, of a
 * fixed size where the first two digits predefine one.
 *
 * With is_prefix, @ai is text that goes on after the AI; then an AI whose
 * first two digits do not tell its size is NULL.
 */
const struct gs1_ai *gs1_ai_unknown(struct span ai, bool is_prefix);

/* Sizes of a whole value, in bytes. */
size_t gs1_ai_size_min(const struct gs1_ai *ai);
size_t gs1_ai_size_max(const struct gs1_ai *ai);

/*
 * Checks the whole @value against the row: size, characters, lints. @year is
 * the one of the century rule (gs1_lint.h). SCAN_OK or what is wrong.
 */
MUST_CHECK enum scan_fault gs1_ai_check(const struct gs1_ai *ai,
					struct span value, uint16_t year);

#endif
