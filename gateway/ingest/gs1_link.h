/*
 * gs1_link - GS1 Digital Link URIs: messages as links, and back.
 *
 * Layer     gateway/ingest
 * Threads   any; pure
 *
 * Source    GS1 Digital Link Standard: URI Syntax 1.6. Uncompressed links are
 *           read and written; compressed ones (Digital Link Standard:
 *           Compression 1.1) are read.
 *
 * A link is https://any.domain/any/stem/KEY/VALUE/QUALIFIER/VALUE?AI=VALUE.
 * Convenience names ("gtin" for 01), which the standard has withdrawn, are not
 * read.
 */
#ifndef DEPOT_GATEWAY_INGEST_GS1_LINK_H
#define DEPOT_GATEWAY_INGEST_GS1_LINK_H

#include "gateway/ingest/gs1.h"

/* True if @text starts like a link: http:// or https:// in one case. */
bool gs1_is_link(struct span text);

/*
 * Reads a link. Of its path the last key counts. Attributes that are no AIs
 * are passed over.
 *
 * False: @ret_message->problem is SCAN_BAD_LINK or SCAN_LINK_WITHOUT_KEY if it
 * is no GS1 Digital Link, else what is wrong with it as one.
 */
MUST_CHECK bool gs1_link_read(struct span link,
			      const struct gs1_options *options,
			      struct gs1_message *ret_message);

/*
 * Reads a compressed link: one whose path ends in "/" and base 64. False as
 * above, with SCAN_LINK_WITHOUT_KEY if it is none. What is compressed is GS1
 * elements only: other attributes are passed over.
 */
MUST_CHECK bool gs1_link_read_compressed(struct span link,
					 const struct gs1_options *options,
					 struct gs1_message *ret_message);

/*
 * Writes the canonical link of @message, https://id.gs1.org/..., into @buffer
 * of @size bytes, not terminated. The key is the first AI that can be one, the
 * qualifiers as many as there are, the attributes in order with those of
 * predefined size first. What was read from a link keeps its key.
 *
 * False: it does not fit, or there is no such link, for want of a key or
 * because an AI may not be an attribute.
 */
MUST_CHECK bool gs1_link_write(const struct gs1_message *message,
			       const struct gs1_options *options, char *buffer,
			       size_t size, size_t *ret_size);

#endif
