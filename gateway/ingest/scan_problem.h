/*
 * scan_problem - what is wrong, or odd, with a scanned text.
 *
 * Layer     gateway/ingest
 * Threads   any
 *
 * What struct fault is for messages and files, this is for what stands in
 * barcodes. It serves errors and warnings: which of the two it is depends on
 * where it stands. It owns a copy of what it speaks of, so that it outlives
 * the text it was found in, and it is small enough to be passed about.
 *
 * The names (scan_fault_name) are part of the contract with devices: they are
 * never renamed.
 */
#ifndef DEPOT_GATEWAY_INGEST_SCAN_PROBLEM_H
#define DEPOT_GATEWAY_INGEST_SCAN_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/text.h"

enum scan_fault {
	SCAN_OK,

	/* of the text as a whole */
	SCAN_EMPTY,                 /* no data, or none after the identifier */
	SCAN_TOO_LONG,              /* longer than depot reads */
	SCAN_BAD_SYNTAX,            /* brackets or FNC1 where none can be */
	SCAN_NO_SYMBOLOGY,          /* a symbology identifier is missing */
	SCAN_UNSUPPORTED_SYMBOLOGY, /* one that depot does not read */

	/* of one element */
	SCAN_UNKNOWN_AI,
	SCAN_TOO_MANY_AIS,
	SCAN_BAD_LENGTH,
	SCAN_BAD_CHARACTER,
	SCAN_BAD_CHECK_DIGIT,
	SCAN_BAD_CHECK_PAIR,
	SCAN_BAD_COMPANY_PREFIX,
	SCAN_BAD_DATE,
	SCAN_BAD_TIME,
	SCAN_BAD_COUNTRY,
	SCAN_BAD_CURRENCY,
	SCAN_BAD_IBAN,
	SCAN_BAD_COORDINATE,
	SCAN_BAD_PERCENT_ENCODING,
	SCAN_BAD_SEQUENCE, /* piece 3 of 2, child 0 of 1 */
	SCAN_BAD_COUPON,
	SCAN_BAD_VALUE, /* not one of the values that the AI allows */

	/* of elements together */
	SCAN_EXCLUSIVE_PAIR,
	SCAN_REPEATED_AI,
	SCAN_MISSING_SERIAL, /* a signed key without its serial part */
	SCAN_MISSING_ASSOCIATION,

	/* of links */
	SCAN_BAD_LINK,           /* no domain, or characters no link has */
	SCAN_LINK_WITHOUT_KEY,   /* a link, but not a GS1 Digital Link */
	SCAN_BAD_LINK_PATH,      /* qualifiers that do not belong to the key */
	SCAN_BAD_LINK_ATTRIBUTE, /* an AI that may not be a link attribute */

	/* of depot's own labels */
	SCAN_UNKNOWN_LABEL,
	SCAN_BAD_QUANTITY,
	SCAN_JOIN_CODE, /* the code of a join sheet: nothing to book */

	/* only ever warnings */
	SCAN_LOST_SEPARATOR,  /* a value that looks like two elements */
	SCAN_ODD_CHECK_DIGIT, /* a plain number that is nearly a GTIN */
	SCAN_LOOKS_LIKE_GS1,  /* plain, but reads as GS1 without FNC1 */
};
#define SCAN_FAULT_COUNT (SCAN_LOOKS_LIKE_GS1 + 1)

#define SCAN_VALUE_SHOWN 48

struct scan_problem {
	enum scan_fault fault;
	/* Byte offset of the value that is meant in the element string, behind
	 * its leading FNC1; 0 in texts that are none. */
	uint16_t at;
	char ai[5];        /* the AI's digits, terminated; empty: none */
	char other_ai[5];  /* the second AI of a pair, likewise */
	const char *title; /* the AI's, "BATCH/LOT"; or NULL. Static */
	const char *needs; /* what an association lacks, "01+21,00"; or NULL.
			    * Static */
	uint8_t size;      /* of value */
	char value[SCAN_VALUE_SHOWN]; /* the value, cut if longer */
};

/* Sets @problem to @fault of the element (@ai)@value, which are copied (and
 * cut); either may be empty. */
void scan_problem_set(struct scan_problem *problem, enum scan_fault fault,
		      struct span ai, struct span value);

/* "bad_check_digit"; "ok" for SCAN_OK. Never NULL. */
const char *scan_fault_name(enum scan_fault fault);

/* Room for every sentence. */
#define SCAN_TEXT_SIZE 512

/* The sentence in English or Chinese, without a full stop, terminated, cut at
 * a character to @size bytes. It names the AI with its title, and the value,
 * whose unprintable bytes appear as \x1d. */
void scan_problem_text_en(const struct scan_problem *problem, char *buffer,
			  size_t size);
void scan_problem_text_zh(const struct scan_problem *problem, char *buffer,
			  size_t size);

#endif
