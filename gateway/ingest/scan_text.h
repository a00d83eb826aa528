/*
 * scan_text - what one scanned text says.
 *
 * Layer     gateway/ingest
 * Threads   any; pure, no allocation
 *
 * Bytes as a scanner sent them go in; out comes what they are (GS1 elements,
 * a number, a link, a label of depot's own, any text) and what they name: an
 * item, a lot, a serial, a date, a quantity. What that means for stock is the
 * engine's business; whether an item or bin of that name exists, too.
 *
 * How a text is told, the first that fits:
 *   - a symbology identifier "]cm" in front, or the carrier that the device
 *     told beside the text, says what follows;
 *   - "DEPOT." and a label's name: a label;
 *   - FNC1, GS or the device's separator in front: elements;
 *   - "(" AI ")": elements in brackets;
 *   - https:// or http:// with a GS1 key in its path: a Digital Link;
 *   - GS inside: elements; the device's separator inside: elements, if all of
 *     it reads so and starts with a key;
 *   - 8, 12, 13 or 14 digits with the right check digit: a GTIN;
 *   - 18 digits with the right check digit: an SSCC;
 *   - anything else of up to CODE_SIZE_MAX bytes of clean UTF-8: plain.
 * A text behind EAN or ITF bars must have the right check digit; a bare number
 * without may be a plain code that somebody registered, so it only carries a
 * warning. CR, LF and TAB that scanners add at the end are cut off.
 */
#ifndef DEPOT_GATEWAY_INGEST_SCAN_TEXT_H
#define DEPOT_GATEWAY_INGEST_SCAN_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/ingest/gs1.h"
#include "gateway/ingest/gs1_key.h"
#include "gateway/ingest/gs1_scan.h"
#include "gateway/ingest/scan_problem.h"
#include "rules/base/datetime.h"
#include "rules/base/ids.h"

enum scan_kind {
	SCAN_KIND_PLAIN,
	SCAN_KIND_ELEMENTS, /* GS1 element strings */
	SCAN_KIND_LINK,     /* a GS1 Digital Link */
	SCAN_KIND_GTIN,     /* a bare number */
	SCAN_KIND_SSCC,     /* likewise */
	SCAN_KIND_OP,       /* DEPOT.OP.PICK */
	SCAN_KIND_BIN,      /* DEPOT.BIN.A-01-2 */
	SCAN_KIND_ITEM,     /* DEPOT.ITEM.85123A */
	SCAN_KIND_QTY,      /* DEPOT.QTY.12 */
	SCAN_KIND_UNDO,     /* DEPOT.UNDO */
	SCAN_KIND_DONE,     /* DEPOT.DONE */
};
#define SCAN_KIND_COUNT (SCAN_KIND_DONE + 1)

struct scan_options {
	uint16_t year; /* the present one, for two-digit years; 0: 20yy */
	/* Borrowed. What the device sends in place of GS; empty: GS. */
	struct span separator;
	/* What the device told beside the text (gs1_carrier_named), which an
	 * identifier in the text overrules. */
	enum gs1_carrier carrier;
	bool has_fnc1; /* the carrier is a GS1 form: elements follow */
};

/* A measure of variable items: mantissa / 10^decimals in the AI's unit. */
struct scan_measure {
	char ai[5]; /* "3103": net weight in kg; empty: none */
	uint8_t decimals;
	int64_t mantissa;
};

/*
 * Plain data that owns all it says: it may be copied and outlives the text.
 * Texts are empty, and has_ flags false, where nothing was said.
 */
struct scan_text {
	enum scan_kind kind;
	enum gs1_carrier carrier;

	char gtin[GS1_GTIN_SIZE + 1]; /* 14 digits, terminated */
	bool is_content;              /* from (02): what a unit contains */
	char sscc[SSCC_SIZE + 1];     /* terminated */
	struct lot lot;               /* (10) */
	struct serial serial;         /* (21) */
	struct date expiry;           /* from ... */
	char expiry_ai[5];            /* "17", "7003", else "15"; or empty */
	bool has_quantity;
	int64_t quantity; /* (37), (30), or of a QTY label */
	char quantity_ai[5];
	struct scan_measure measure; /* the first of 31nn, 32nn, 35nn, 36nn */

	const char *op; /* of a label: "transfer_out"; else NULL */

	/*
	 * Elements, their text and all warnings. For kinds without elements
	 * the message's text is the scanned text, without identifier; for
	 * numbers it is the element string that says the same, "^01...".
	 */
	struct gs1_message message;
};

/*
 * Reads @text. False if it is refused: ret_scan->message.problem says why, and
 * ret_scan->kind what it was taken for; the rest is undefined.
 */
MUST_CHECK bool scan_text_read(struct span text,
			       const struct scan_options *options,
			       struct scan_text *ret_scan);

/*
 * What to look up as a code that stands for an item: the GTIN with 14 digits,
 * or the plain text. Empty if the scan names no item that way. Borrowed from
 * @scan.
 */
struct span scan_text_code(const struct scan_text *scan);

/* The bin or item that a label names; empty if it is no such label. Borrowed
 * from @scan. */
struct span scan_text_label(const struct scan_text *scan);

/* "gtin", "elements" ... Never NULL. */
const char *scan_kind_name(enum scan_kind kind);

/* The operation that a label's name stands for, "PICK" or "TRANSFER-OUT", as
 * topics write it ("transfer_out"); NULL if there is none. */
const char *scan_label_op(struct span name);

#endif
