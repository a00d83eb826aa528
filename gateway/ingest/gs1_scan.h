/*
 * gs1_scan - scanned texts that start with a symbology identifier.
 *
 * Layer     gateway/ingest
 * Threads   any; pure
 *
 * Source    ISO/IEC 15424 (identifiers: "]C1"), GS1 General Specifications
 *           figure 7.8.1-1 (which of them carry GS1 messages).
 */
#ifndef DEPOT_GATEWAY_INGEST_GS1_SCAN_H
#define DEPOT_GATEWAY_INGEST_GS1_SCAN_H

#include "gateway/ingest/gs1.h"

/* What the bars were, as far as it is known. */
enum gs1_carrier {
	GS1_CARRIER_UNKNOWN, /* the scanner does not say */
	GS1_CARRIER_EAN13,   /* or UPC: 13 digits behind an identifier */
	GS1_CARRIER_EAN8,
	GS1_CARRIER_UPCE, /* only by name: its identifier is EAN-13's */
	GS1_CARRIER_ITF,
	GS1_CARRIER_CODE128,
	GS1_CARRIER_GS1_128,
	GS1_CARRIER_DATABAR, /* and GS1-128 with a composite component */
	GS1_CARRIER_DATA_MATRIX,
	GS1_CARRIER_QR,
	GS1_CARRIER_DOTCODE,
	GS1_CARRIER_OTHER, /* another that carries plain text */
};
#define GS1_CARRIER_COUNT (GS1_CARRIER_OTHER + 1)

/* "gs1_128", "data_matrix" ... Never NULL. */
const char *gs1_carrier_name(enum gs1_carrier carrier);

/*
 * The carrier that a device's name for it means: letters and digits count,
 * their case does not. "EAN-13", "LABEL-TYPE-EAN128", "QR Code",
 * "GS1 DataMatrix". GS1_CARRIER_UNKNOWN for a name that says nothing, and
 * GS1_CARRIER_OTHER never.
 *
 * *@ret_has_fnc1 tells whether it names a GS1 form, so that element strings
 * follow even where the scanner leaves FNC1 out.
 */
enum gs1_carrier gs1_carrier_named(struct span name, bool *ret_has_fnc1);

/* What is carried behind an identifier. */
enum gs1_content {
	GS1_CONTENT_NONE,     /* an identifier that depot does not read */
	GS1_CONTENT_PLAIN,    /* any text, or a link */
	GS1_CONTENT_NUMBER,   /* digits with a check digit */
	GS1_CONTENT_ELEMENTS, /* element strings */
};

/*
 * What the identifier "]cm" at the begin of @text says; false if @text does
 * not begin with anything of that form and something behind it.
 *
 * All identifiers of ISO/IEC 15424 are known: those of symbologies that carry
 * plain text are GS1_CARRIER_OTHER with GS1_CONTENT_PLAIN. GS1_CONTENT_NONE
 * are EAN add-ons (]E1 to ]E3), FNC1 in second place (]C2) and what the
 * standard does not define.
 */
MUST_CHECK bool gs1_identifier_read(struct span text,
				    enum gs1_carrier *ret_carrier,
				    enum gs1_content *ret_content);

/*
 * Reads a scanned text by the letter: one of the ten identifiers that GS1
 * uses is required. Plain text is a message without elements whose text it
 * is; so is a number from EAN-13 and EAN-8, which may be followed by
 * "|]e0" and a composite component. A link (https://...) must be a GS1
 * Digital Link.
 *
 * False: @ret_message->problem says why.
 */
MUST_CHECK bool gs1_scan_read(struct span text,
			      const struct gs1_options *options,
			      struct gs1_message *ret_message,
			      enum gs1_carrier *ret_carrier);

#endif
