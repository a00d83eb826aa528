/*
 * control_reply - replies that say what went wrong before a command ran.
 *
 * Layer     gateway/edge
 * Threads   any; plain functions on the caller's struct json_out
 *
 * Of the same form as those of core/command.h:
 *   {"error": {"code": "again", "text_en": "...", "text_zh": "..."}}
 */
#ifndef DEPOT_GATEWAY_EDGE_CONTROL_REPLY_H
#define DEPOT_GATEWAY_EDGE_CONTROL_REPLY_H

#include "gateway/ingest/fault.h"
#include "gateway/ingest/json_out.h"
#include "rules/base/err.h"

struct control_refusal {
	const char *code; /* stable */
	const char *en;   /* with at most one %s */
	const char *zh;
};

/* Begins @out anew with a reply that says @why, with @detail for %s. */
void control_refuse(struct json_out *out, const struct control_refusal *why,
		    struct span detail);

/* The same for a fault of the request. */
void control_fault(struct json_out *out, const struct fault *fault);

/*
 * The same for what the store or the system said. The code is @code's name.
 * @err's sentence, English, is put behind one in both languages; NULL: none.
 */
void control_failed(struct json_out *out, enum err_code code,
		    const struct err *err);

#endif
