/*
 * gs1_key - numbers that identify, their check digits, and two-digit years.
 *
 * Layer     gateway/ingest
 * Threads   any; pure
 *
 * Source    GS1 General Specifications: 7.9.1 check digit, 7.9.2 to 7.9.4
 *           price check digits, 5.2.2.4 UPC-E, 7.12 century of a date,
 *           2.1.12 restricted circulation numbers.
 */
#ifndef DEPOT_GATEWAY_INGEST_GS1_KEY_H
#define DEPOT_GATEWAY_INGEST_GS1_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/ingest/scan_problem.h"
#include "rules/base/datetime.h"
#include "rules/base/text.h"

#define GS1_GTIN_SIZE 14
#define GS1_UPCE_SIZE 8
#define GS1_RCN_SIZE 13

/* True for one digit or more and nothing else. */
bool gs1_is_digits(struct span text);

/* The check digit that belongs behind @digits, which must be digits. */
char gs1_check_digit(struct span digits);

/* True if @number, all digits, ends in its own check digit. */
bool gs1_check_digit_fits(struct span number);

/*
 * Reads a GTIN-8, -12, -13 or -14 and writes it with leading zeros, 14 digits
 * without a terminator.
 *
 * SCAN_BAD_LENGTH, SCAN_BAD_CHARACTER, SCAN_BAD_CHECK_DIGIT
 */
MUST_CHECK enum scan_fault gs1_gtin_read(struct span number,
					 char ret_gtin[GS1_GTIN_SIZE]);

/* The same three faults for an SSCC (18 digits) and a GLN (13). */
MUST_CHECK enum scan_fault gs1_sscc_check(struct span number);
MUST_CHECK enum scan_fault gs1_gln_check(struct span number);

/*
 * Expands a UPC-E: number system 0 or 1, six digits, check digit. The result
 * is the GTIN with 14 digits.
 *
 * SCAN_BAD_LENGTH, SCAN_BAD_CHARACTER, SCAN_BAD_CHECK_DIGIT, and
 * SCAN_BAD_VALUE for another number system
 */
MUST_CHECK enum scan_fault gs1_upce_expand(struct span upce,
					   char ret_gtin[GS1_GTIN_SIZE]);

/* The UPC-E of @gtin, 14 digits; false if it has none. */
MUST_CHECK bool gs1_upce_compress(struct span gtin,
				  char ret_upce[GS1_UPCE_SIZE]);

/* The price or weight check digit for @digits, which must be four or five
 * digits. */
char gs1_price_check_digit(struct span digits);

/* What an in-store number for variable measure carries. */
struct gs1_rcn {
	uint8_t item_size;
	char item[GS1_RCN_SIZE];
	int64_t value; /* price or weight, in the layout's own unit */
};

/*
 * Reads a 13-digit number by @layout, 13 characters: digits stand for
 * themselves, x for any digit, I item, V price check digit, P price or weight,
 * and a C at the end for the check digit: "2xIIIIVPPPPPC".
 *
 * SCAN_BAD_SYNTAX       @layout is none: no P, V without 4 or 5 P, no last C
 * SCAN_BAD_LENGTH, SCAN_BAD_CHARACTER
 * SCAN_BAD_VALUE        a digit is not the layout's: another kind of number
 * SCAN_BAD_CHECK_DIGIT  either of the two
 */
MUST_CHECK enum scan_fault gs1_rcn_read(struct span layout, struct span number,
					struct gs1_rcn *ret_rcn);

/*
 * The year that two digits @yy mean in the year @now: the one nearest to it,
 * from 49 years ago to 50 years ahead. With @now 0 it is 2000 + @yy.
 */
uint16_t gs1_year(unsigned yy, uint16_t now);

/*
 * Reads YYMMDD; day 00 is the last day of the month.
 * SCAN_BAD_LENGTH, SCAN_BAD_CHARACTER, SCAN_BAD_DATE
 */
MUST_CHECK enum scan_fault gs1_date_read(struct span yymmdd, uint16_t now,
					 struct date *ret_date);

#endif
