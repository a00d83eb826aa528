/*
 * terms - the words that stand for the journal's enums in JSON and files.
 *
 * Layer     gateway/core
 * Threads   any; pure
 *
 * One table for both ways: what a reply calls a thing is what a command takes
 * for it. A command and a file take more: other spellings, and Chinese ones.
 */
#ifndef DEPOT_GATEWAY_CORE_TERMS_H
#define DEPOT_GATEWAY_CORE_TERMS_H

#include <stdint.h>

#include "rules/base/text.h"
#include "rules/ledger/entry.h"

enum term_set {
	TERM_ACTOR,
	TERM_REF,
	TERM_MOVEMENT,
	TERM_PLACE,
	TERM_CONDITION,
	TERM_UNIT,
	TERM_TRACKING,
	TERM_DEVICE,
	TERM_ROLE, /* of one bit */
	TERM_VERDICT,
	TERM_TASK,
	TERM_TASK_STATE,
	TERM_SEVERITY,
	TERM_CHECK,
	TERM_ANSWER,  /* the one that is as it should be */
	TERM_WEEKDAY, /* of one bit */
	TERM_TRANSFER_STATE,
	TERM_CLAIM, /* its kind */
	TERM_CLAIM_PARTY,
	TERM_CLAIM_STATE,
	TERM_SITE_ROLE,
	TERM_FENCE, /* its verdict */
	TERM_INTENT_STATE,
	TERM_INVITATION, /* its state */
	TERM_SUCCESSION, /* its reason */
};
#define TERM_SET_MAX TERM_SUCCESSION

/* The word for @value: "lot", "count". "" if there is none, as for 0 where 0
 * says nothing. Never NULL. */
const char *term_name(enum term_set set, uint32_t value);

/* The word in Chinese, for sentences; the other one where there is none. */
const char *term_name_zh(enum term_set set, uint32_t value);

/* Every word of @set, in its first spelling: "none, lot, serial". Cut to fit;
 * TERM_LIST_SIZE is enough for units and tracking. */
#define TERM_LIST_SIZE 128
void term_list(enum term_set set, bool is_chinese, char *buffer, size_t size);

/* What @text stands for, in any of its spellings, without regard to the case
 * of ASCII letters. False if it is none of the set's words. */
MUST_CHECK bool term_parse(enum term_set set, struct span text,
			   uint32_t *ret_value);

/* Yes and no, likewise: "true", "1", "yes", "是". */
MUST_CHECK bool term_parse_bool(struct span text, bool *ret_bool);

#endif
