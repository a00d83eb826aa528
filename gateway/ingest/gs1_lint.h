/*
 * gs1_lint - the checks that GS1 prescribes for parts of values.
 *
 * Layer     gateway/ingest
 * Threads   any; pure
 *
 * Source    GS1 Syntax Dictionary, release 2026-01-27, which names them and
 *           says which AI needs which; GS1 General Specifications 7.9 (check
 *           digits, the check character pair); North American Coupon
 *           Application Guideline.
 *
 * Not checked is what a list that changes daily would be needed for: company
 * prefixes are only seen to be four digits at least.
 */
#ifndef DEPOT_GATEWAY_INGEST_GS1_LINT_H
#define DEPOT_GATEWAY_INGEST_GS1_LINT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/ingest/scan_problem.h"
#include "rules/base/text.h"

/* Named as in the dictionary, in lower case; gs1_lint_name() tells. */
enum gs1_lint {
	LINT_NONE,
	LINT_COUPONCODE,
	LINT_COUPONPOSOFFER,
	LINT_CSUM,
	LINT_CSUMALPHA,
	LINT_GCPPOS1, /* a company prefix at the first position */
	LINT_GCPPOS2,
	LINT_HASNONDIGIT,
	LINT_HH,
	LINT_HHMI,
	LINT_HYPHEN,
	LINT_IBAN,
	LINT_IMPORTERIDX,
	LINT_ISO3166,
	LINT_ISO3166999,
	LINT_ISO3166ALPHA2,
	LINT_ISO4217,
	LINT_ISO5218,
	LINT_LATITUDE,
	LINT_LONGITUDE,
	LINT_MEDIATYPE,
	LINT_MI,
	LINT_NONZERO,
	LINT_NOZEROPREFIX,
	LINT_PACKAGETYPE,
	LINT_PCENC,
	LINT_PIECEOFTOTAL,
	LINT_POSINSEQSLASH,
	LINT_SS,
	LINT_WINDING,
	LINT_YESNO,
	LINT_YYMMD0, /* day 00 allowed: the last of the month */
	LINT_YYMMDD,
	LINT_YYYYMMDD,
	LINT_ZERO,
};
#define GS1_LINT_COUNT (LINT_ZERO + 1)

/* "csum" for LINT_CSUM; "-" for LINT_NONE, as in the table. */
const char *gs1_lint_name(enum gs1_lint lint);

/*
 * Runs @lint on @value, which may be any bytes.
 *
 * @year is the present one, for the century of a two-digit year (gs1_key.h);
 * it decides only whether the 29th of February of year 00 exists. 0 means
 * that years 00 to 99 are 2000 to 2099.
 *
 * SCAN_OK, or what is wrong with the value.
 */
MUST_CHECK enum scan_fault gs1_lint_run(enum gs1_lint lint, struct span value,
					uint16_t year);

/* The two coupon lints, in a file of their own. All digits, please. */
MUST_CHECK enum scan_fault gs1_lint_coupon_code(struct span value,
						uint16_t year);
MUST_CHECK enum scan_fault gs1_lint_coupon_offer(struct span value);

#endif
