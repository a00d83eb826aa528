/*
 * password - reads a password from a file that only its user may read.
 *
 * Layer     gateway/edge
 * Threads   any
 */
#ifndef DEPOT_GATEWAY_EDGE_PASSWORD_H
#define DEPOT_GATEWAY_EDGE_PASSWORD_H

#include <stddef.h>

#include "rules/base/err.h"

/*
 * The first line of the file at @path, terminated, cut at @size bytes with the
 * NUL. Of an empty @path it is empty. The caller wipes it.
 *
 * ERR_UNSAFE  it is no regular file, or others can read it
 * ERR_IO      the system refused
 */
MUST_CHECK enum err_code password_read(const char *path, char *password,
				       size_t size, struct err *err);

#endif
