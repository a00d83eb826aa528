/*
 * csv_text - the bytes of a file as UTF-8.
 *
 * Layer     gateway/ingest; for csv.c only
 * Threads   any
 */
#ifndef DEPOT_GATEWAY_INGEST_CSV_TEXT_H
#define DEPOT_GATEWAY_INGEST_CSV_TEXT_H

#include "gateway/ingest/csv.h"

/* Text of our own, to be freed, of which a part is left to be read. */
struct csv_text {
	char *data;
	size_t size;
	size_t at; /* behind the byte order mark */
	enum csv_encoding encoding;
};

/*
 * Decodes @file as csv.h says. On success *@ret_text owns its data.
 *
 * ERR_INVALID  bad_encoding, with the line
 * ERR_FULL     out of memory
 */
MUST_CHECK enum err_code csv_decode(struct span file, struct csv_text *ret_text,
				    struct fault *fault);

#endif
