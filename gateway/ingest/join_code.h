/*
 * join_code - the code on an invitation's sheet, as people type it and
 * scanners read it.
 *
 * Layer     gateway/ingest; pure
 * Threads   any
 *
 *   DEPOT:NNNN-SSSS-SSSS-SSSS-SSSS-C/HOST:PORT
 *
 * NNNN is the invitation's number (20 bits), S its secret (80 bits), C a check
 * symbol over both, all in Crockford's base 32 (https://www.crockford.com/
 * base32.html: no I, L, O, U; the check symbol is the 100 bits
 * as a number, modulo 37; of its five extra symbols ~ and = are written + and
 * %, which QR's alphanumeric mode has). HOST:PORT, where HQ's broker is, may be
 * left out.
 *
 * At most JOIN_CODE_SIZE_MAX characters, all of QR's alphanumeric mode, so that
 * the QR code stays small. What people type is taken as they type it: lower
 * case, I and L for 1, O for 0, dashes and blanks anywhere or nowhere, with or
 * without "DEPOT:".
 */
#ifndef DEPOT_GATEWAY_INGEST_JOIN_CODE_H
#define DEPOT_GATEWAY_INGEST_JOIN_CODE_H

#include <stdint.h>

#include "rules/base/check.h"
#include "rules/base/text.h"

#define JOIN_CODE_PREFIX "DEPOT:"
#define JOIN_SECRET_SIZE 10
#define JOIN_NUMBER_MAX ((UINT32_C(1) << 20) - 1)
#define JOIN_CODE_SIZE_MAX 60
#define JOIN_HOST_SIZE_MAX 27 /* with port */

TEXT_DECLARE(join_host, JOIN_HOST_SIZE_MAX)

struct join_code {
	uint32_t number; /* 1 to JOIN_NUMBER_MAX */
	uint8_t secret[JOIN_SECRET_SIZE];
	struct join_host host; /* "HQ.EXAMPLE:8883"; empty: not said */
};

enum join_code_fault {
	JOIN_CODE_SOUND = 0,
	JOIN_CODE_EMPTY,
	JOIN_CODE_SHORT,  /* symbols are missing */
	JOIN_CODE_LONG,   /* there are too many */
	JOIN_CODE_SYMBOL, /* a character that is in no code */
	JOIN_CODE_CHECK,  /* mistyped: the check symbol does not fit */
	JOIN_CODE_HOST,   /* what is behind the "/" is no host and port */
};

/* Reads @text as typed or scanned. On a fault *@ret_code is untouched. */
enum join_code_fault join_code_parse(struct span text,
				     struct join_code *ret_code);

/* Writes it in the form above, terminated, into @text of
 * JOIN_CODE_SIZE_MAX + 1 bytes. */
void join_code_write(const struct join_code *code, char *text);

/* The same invitation with the same secret, wherever HQ is. */
MUST_CHECK bool join_code_is_same(const struct join_code *a,
				  const struct join_code *b);

/* The sentence and what to do, in two languages. Never NULL. */
const char *join_code_fault_text(enum join_code_fault fault, bool is_chinese);

#endif
