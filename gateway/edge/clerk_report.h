/*
 * clerk_report - what an audit, a backup, a verification came to, as JSON.
 *
 * Layer     gateway/edge
 * Threads   any; plain functions
 *
 * Each writes the members of an object that the caller has begun.
 */
#ifndef DEPOT_GATEWAY_EDGE_CLERK_REPORT_H
#define DEPOT_GATEWAY_EDGE_CLERK_REPORT_H

#include "gateway/ingest/json_out.h"
#include "store/audit.h"
#include "store/backup.h"
#include "store/verify.h"

/* "verdict": "clean" or "findings", the counts, and "list": each finding as
 * kind, sentence (en, zh) and what it names. */
void clerk_audit_report(const struct audit_result *result,
			struct json_out *out);

void clerk_backup_report(const struct backup_info *info, struct json_out *out);

/* "verdict": also "damaged", "crashed", "endless", with "text" and "table". */
void clerk_verify_report(const struct verify_report *report,
			 struct json_out *out);

#endif
