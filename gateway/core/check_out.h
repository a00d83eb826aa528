/*
 * check_out - recurring checks in JSON: topics and replies say them alike.
 *
 * Layer     gateway/core
 * Threads   any; pure
 *
 * Numbers that are answered, and their limits, are texts ("-18.5"): other
 * languages read a number as a float.
 */
#ifndef DEPOT_GATEWAY_CORE_CHECK_OUT_H
#define DEPOT_GATEWAY_CORE_CHECK_OUT_H

#include "gateway/ingest/json_out.h"
#include "store/check.h"

/* What and when: members of an object that is open. */
void check_out(const struct check *check, struct json_out *out);

/* The member "questions": those that are asked. */
void check_questions_out(const struct check_sheet *sheet, struct json_out *out);

/* The member "answers" of a result at @pos, with the questions' texts where
 * they are those that were asked then. */
void check_answers_out(const struct check_result *result, struct pos pos,
		       const struct check_sheet *sheet, struct json_out *out);

#endif
