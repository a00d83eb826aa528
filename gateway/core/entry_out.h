/*
 * entry_out - a journal entry as JSON and as a sentence.
 *
 * Layer     gateway/core
 * Threads   any; pure
 *
 * Names and order of the members are those of the entry's field tables
 * (rules/ledger/entry.h): a field added there is shown here. What is zero or
 * empty is left out, as in the entry's bytes. Enums are words (terms.h), times
 * RFC 3339, entries' names "epoch.number", bytes hex, 64-bit ids strings.
 */
#ifndef DEPOT_GATEWAY_CORE_ENTRY_OUT_H
#define DEPOT_GATEWAY_CORE_ENTRY_OUT_H

#include "gateway/ingest/json_out.h"
#include "rules/ledger/entry.h"

/* As members of an object that is open: "entry" (its name), "kind", its
 * fields, "text_en" and "text_zh". */
void entry_out(const struct entry *entry, struct pos pos, struct json_out *out);

/* What happened, in one sentence without a full stop; terminated, cut to fit.
 */
void entry_text(const struct entry *entry, bool is_chinese, char *buffer,
		size_t size);
#define ENTRY_TEXT_SIZE 512

#endif
