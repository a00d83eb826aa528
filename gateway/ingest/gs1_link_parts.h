/*
 * gs1_link_parts - what readers of links share.
 *
 * Layer     gateway/ingest; for gs1_link*.c only
 * Threads   any; pure
 */
#ifndef DEPOT_GATEWAY_INGEST_GS1_LINK_PARTS_H
#define DEPOT_GATEWAY_INGEST_GS1_LINK_PARTS_H

#include "gateway/ingest/gs1.h"

/* A key and the most qualifiers that one can have. */
#define GS1_LINK_PATH_MAX 8

/*
 * Splits "https://domain/path?query#fragment": *@ret_path starts with '/',
 * *@ret_query is what stands behind '?'. False if it is no link that can be a
 * GS1 Digital Link: characters, scheme, domain, path.
 */
MUST_CHECK bool gs1_link_split(struct span link, struct span *ret_path,
			       struct span *ret_query);

/* Finds the elements that make the path of @message's link, in order; returns
 * how many, 0 if there is no key. */
size_t gs1_link_path(const struct gs1_message *message,
		     const struct gs1_element *ret_path[GS1_LINK_PATH_MAX]);

#endif
