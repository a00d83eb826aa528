/*
 * gs1_build - how the readers of element strings and links make a message.
 *
 * Layer     gateway/ingest; for gs1*.c only
 * Threads   any; pure
 *
 * gs1_build_begin, elements in order, gs1_build_end. A call that returns false
 * has set the message's problem.
 */
#ifndef DEPOT_GATEWAY_INGEST_GS1_BUILD_H
#define DEPOT_GATEWAY_INGEST_GS1_BUILD_H

#include "gateway/ingest/gs1.h"

void gs1_build_begin(struct gs1_message *message);

/* Sets the problem and returns false, for `return`. Where @value is in the
 * message's text, or else its end, is where the problem is. */
bool gs1_build_fail(struct gs1_message *message, enum scan_fault fault,
		    struct span ai, struct span value);

/* Appends bytes to the text. */
MUST_CHECK bool gs1_build_text(struct gs1_message *message, struct span text);

/* Appends an element: FNC1 where one is due, @ai, @value, after all checks of
 * the value. */
MUST_CHECK bool gs1_build_element(struct gs1_message *message,
				  const struct gs1_ai *row, struct span ai,
				  struct span value,
				  const struct gs1_options *options);

/*
 * Appends FNC1 and @text, in which each @fnc1 and each of the options'
 * separators becomes FNC1, and reads the elements in it.
 */
MUST_CHECK bool gs1_build_elements(struct gs1_message *message,
				   struct span text, char fnc1,
				   const struct gs1_options *options);

/* Appends '|': what follows is the second component. */
MUST_CHECK bool gs1_build_composite(struct gs1_message *message);

/* Checks the elements against each other; adds warnings. */
MUST_CHECK bool gs1_build_end(struct gs1_message *message,
			      const struct gs1_options *options);

#endif
