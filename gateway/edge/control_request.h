/*
 * control_request - one line of the control socket, read.
 *
 * Layer     gateway/edge
 * Threads   the loop, or a program's one thread
 *
 * {"cmd": "stock.list", "args": {...}, "account": "li", "uid": 1000}, then a
 * line feed. Only cmd is required; what else there is is passed over. With the
 * line's first byte may come one file (SCM_RIGHTS): a memfd that is sealed
 * against writing and shrinking, so that what is checked is what is read and
 * no reader dies of a file cut short under it.
 */
#ifndef DEPOT_GATEWAY_EDGE_CONTROL_REQUEST_H
#define DEPOT_GATEWAY_EDGE_CONTROL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/core/command.h"
#include "gateway/ingest/json.h"
#include "rules/base/err.h"

#define CONTROL_LINE_SIZE_MAX (ARGUMENTS_SIZE_MAX + 512)
#define CONTROL_JSON_SIZE JSON_MEMORY_SIZE(CONTROL_LINE_SIZE_MAX)

/* As much as a table that can be imported (gateway/ingest/csv.h). */
#define CONTROL_FILE_SIZE_MAX (UINT64_C(256) << 20)

/* Spans are borrowed from the line, or, name and account, from @json. */
struct control_request {
	struct span name;
	struct span arguments; /* a JSON object; empty: none */
	struct span account;   /* empty: the one of the user who asks */
	int64_t uid;           /* on whose behalf root asks; -1: not said */
};

/*
 * Reads @line, without its line feed. The arguments are checked to be JSON
 * only; the command says what it takes.
 * ERR_INVALID  *@fault tells
 */
MUST_CHECK enum err_code
control_request_read(struct json *json, struct span line,
		     struct control_request *ret_request, struct fault *fault);

/* A list or object as it was written in @text, which it was parsed from. */
struct span control_value_raw(const struct json_value *value, struct span text);

/*
 * Maps the file @fd, which stays the caller's, for reading. Give the span to
 * control_file_unmap. An empty file is an empty span.
 *
 * ERR_INVALID  it is no sealed memfd
 * ERR_FULL     it is larger than CONTROL_FILE_SIZE_MAX
 * ERR_IO       the system refused
 */
MUST_CHECK enum err_code control_file_map(int fd, struct span *ret_file,
					  struct err *err);
/* Takes an empty span. */
void control_file_unmap(struct span file);

#endif
