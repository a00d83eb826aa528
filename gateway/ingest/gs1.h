/*
 * gs1 - GS1 messages: element strings read, checked, and written again.
 *
 * Layer     gateway/ingest
 * Threads   any; pure, no allocation
 *
 * Source    GS1 General Specifications, sections 3 (AIs), 4.15 (association
 *           rules), 7.8 (element strings). Where they leave room, the answers
 *           are those of the official GS1 Barcode Syntax Engine.
 *
 * What always holds for a message that was read:
 *   - each element has a known AI (or one that the options allow) and a value
 *     that passed every check of its row in gs1_ai_table;
 *   - no two elements exclude each other, and an AI that comes twice has the
 *     same value both times.
 */
#ifndef DEPOT_GATEWAY_INGEST_GS1_H
#define DEPOT_GATEWAY_INGEST_GS1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/ingest/gs1_ai.h"
#include "gateway/ingest/scan_problem.h"
#include "rules/base/text.h"

#define GS1_TEXT_SIZE_MAX 4096
#define GS1_ELEMENTS_MAX 64
#define GS1_WARNINGS_MAX 8

/* How FNC1 is written in a message's text; no value can have it. */
#define GS1_FNC1 '^'
/* How scanners send it between elements. */
#define GS1_GS '\x1d'

/* All zero is right for one barcode seen alone, from a device that sends GS. */
struct gs1_options {
	uint16_t year; /* the present one, for two-digit years; 0: 20yy */
	/* Borrowed. What a device sends in place of GS, if not GS: a character
	 * or a short string. Empty: nothing else. */
	struct span separator;
	bool are_associations_required; /* else lacking ones are warnings */
	bool are_unknown_ais_allowed;
	bool are_unknown_attributes_allowed; /* unknown AIs in links */
	bool are_short_gtins_allowed;        /* 8, 12, 13 digits in links */
};

struct gs1_element {
	const struct gs1_ai *ai;
	uint16_t at;   /* of the value in the text; the AI is in front of it */
	uint16_t size; /* of the value */
	uint8_t path;  /* place in the path of a link, from 1; 0: elsewhere */
};

/*
 * A message owns all its text: it may be copied, and outlives what it was read
 * from. It is large; keep few.
 */
struct gs1_message {
	/*
	 * The element string with ^ for FNC1 and every separator that was
	 * there: "^010952123456789910LOT42^21S1". For a composite symbol '|'
	 * precedes the second component. A linear component that is a bare
	 * number, or text that is no GS1 message at all, stands as it is.
	 */
	uint16_t size;
	char text[GS1_TEXT_SIZE_MAX];

	uint8_t element_count;
	bool is_composite;
	bool is_link;         /* read from a Digital Link */
	uint8_t composite_at; /* first element of the second component */
	struct gs1_element elements[GS1_ELEMENTS_MAX];

	uint8_t warning_count;
	struct scan_problem warnings[GS1_WARNINGS_MAX]; /* the first few */
	struct scan_problem problem; /* why it could not be read */
};

/*
 * Reads an element string that starts with @fnc1 (GS1_FNC1, GS1_GS) and has
 * @fnc1, or the options' separator, between elements. In a composite message
 * '|' and again @fnc1 precede the second component; a first component without
 * @fnc1 is taken as a bare number, unchecked.
 *
 * False: @ret_message->problem says why, the rest of it is undefined.
 */
MUST_CHECK bool gs1_read_elements(struct span text, char fnc1,
				  const struct gs1_options *options,
				  struct gs1_message *ret_message);

/*
 * Reads "(01)09521234567899(10)LOT42", with '|' before a second component. A
 * '(' within a value is written as "\(". False: as above.
 */
MUST_CHECK bool gs1_read_brackets(struct span text,
				  const struct gs1_options *options,
				  struct gs1_message *ret_message);

/* Makes the message "(@ai)@value" of a value that was checked already. */
void gs1_from_key(struct span ai, struct span value,
		  struct gs1_message *ret_message);

/* The AI's digits, "01", and the value. Valid as long as the message. */
struct span gs1_ai_of(const struct gs1_message *message,
		      const struct gs1_element *element);
struct span gs1_value_of(const struct gs1_message *message,
			 const struct gs1_element *element);

/* Decimal places that the AI implies; 0 if it has none. */
unsigned gs1_decimals_of(const struct gs1_message *message,
			 const struct gs1_element *element);

/* The first element with that AI ("01"), or NULL. */
const struct gs1_element *gs1_find(const struct gs1_message *message,
				   const char *ai);

/* The element string, "^01...", borrowed from @message. */
struct span gs1_text_of(const struct gs1_message *message);

/*
 * Writes "(01)09521234567899(10)LOT42" for people and for gs1_read_brackets,
 * not terminated, into @buffer of @size bytes. False if it does not fit.
 */
MUST_CHECK bool gs1_write_brackets(const struct gs1_message *message,
				   char *buffer, size_t size, size_t *ret_size);

/* Adds a warning to @message and returns it; NULL, and no warning, when there
 * are GS1_WARNINGS_MAX already. */
struct scan_problem *gs1_warn(struct gs1_message *message,
			      enum scan_fault fault, struct span ai,
			      struct span value);

#endif
