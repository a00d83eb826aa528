/*
 * result - a document that a verb writes itself, where no daemon does.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_RESULT_H
#define DEPOT_GATEWAY_CLI_RESULT_H

#include "gateway/cli/ask.h"

struct result {
	char text[REPLY_SIZE_MAX];
	struct json_out out;
};

/* An object has begun in ->out. NULL: no memory, and the user was told. Owned
 * until result_end, or free. */
struct result *result_begin(struct cli *cli);

/* Ends the object, prints it or has @show print it, and releases @result. */
enum exit_code result_end(struct cli *cli, struct result *result,
			  show_fn *show);

#endif
