/*
 * record - one line of a recorded day: {"at", "topic", "payload"}, or what
 * mosquitto_sub writes with its formats j and J: {"tst", "topic", ...,
 * "payload"}.
 *
 * Layer     gateway/cli
 * Threads   the one of its struct json
 */
#ifndef DEPOT_GATEWAY_CLI_RECORD_H
#define DEPOT_GATEWAY_CLI_RECORD_H

#include "gateway/ingest/json.h"

struct record {
	struct moment at;
	struct span topic;   /* in the struct json, until its next parse */
	struct span payload; /* likewise, or in the line */
};

/*
 * Reads @line. A payload that is no string is taken as it stands there.
 *
 * ERR_INVALID  it is no record; *@fault says why
 */
MUST_CHECK enum err_code record_read(struct json *json, struct span line,
				     struct record *ret_record,
				     struct fault *fault);

#endif
