/*
 * audit_evidence - what the store keeps of what did not count: rows that are
 * void, and deltas that were refused. No findings: it is as it should be that
 * they do not count, and somebody ought to know.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_AUDIT_EVIDENCE_H
#define DEPOT_GATEWAY_CLI_AUDIT_EVIDENCE_H

#include "gateway/cli/cli.h"
#include "gateway/ingest/json_out.h"
#include "store/env.h"
#include "store/keys.h"

/* Of all feeds; "voids_more" counts the rest. */
#define AUDIT_VOIDS_MAX 100

/*
 * The members "voids", "voids_more" and "refused" of the document.
 * ERR_FULL: no memory; ERR_CORRUPT: the rows that say so are damaged.
 */
MUST_CHECK enum err_code audit_evidence_out(const struct view *view,
					    const uint8_t net_id[NET_ID_SIZE],
					    struct json_out *out,
					    struct err *err);

/* Prints them; nothing where there are none. */
void audit_evidence_show(const struct cli *cli, const struct json_value *root);

#endif
