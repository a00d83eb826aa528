/*
 * json_out - bounded writing of JSON.
 *
 * Layer     gateway/ingest
 * Threads   any; a struct json_out belongs to one thread
 *
 * Writes one document into the caller's buffer; nothing is allocated. It is
 * sticky, as bytes.h is: what does not fit fails, every further call does
 * nothing, and out_ok() tells once at the end.
 *
 * Room for the closing brackets of everything open is always kept, so an end
 * never fails, and a list can be cut where the buffer ends:
 *
 *     out_array(&out);
 *     while (has_more) {
 *             struct json_mark mark = out_mark(&out);
 *
 *             write_row(&out, row);
 *             if (!out_ok(&out)) {
 *                     out_rollback(&out, mark);
 *                     break;                  (the next message goes on here)
 *             }
 *     }
 *     out_array_end(&out);
 *
 * What must follow such a list is given its room first: out_reserve().
 *
 * What is written is valid JSON in valid UTF-8, whatever the texts hold. Keys
 * and nesting are our own: a value without its key, or an end that does not
 * match, is a failed ASSERT. A key given twice is not noticed.
 */
#ifndef DEPOT_GATEWAY_INGEST_JSON_OUT_H
#define DEPOT_GATEWAY_INGEST_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/datetime.h"
#include "rules/base/text.h"

#define JSON_OUT_DEPTH_MAX 16

struct json_out {
	char *data;
	size_t size; /* written so far */
	size_t capacity;
	size_t reserve;   /* bytes at the end that are kept free */
	uint32_t objects; /* bit n: the bracket n deep is an object's */
	uint8_t depth;
	bool has_value; /* something stands before, in this bracket */
	bool has_key;   /* a key waits for its value */
	bool has_failed;
};

/* A moment of a json_out, to go back to. */
struct json_mark {
	struct json_out out;
};

/* Writes into @buffer of @capacity bytes, which stays the caller's. */
void out_init(struct json_out *out, char *buffer, size_t capacity);

/* False once something did not fit. */
bool out_ok(const struct json_out *out);

/* The document so far, in the caller's buffer; not terminated. Meaningful
 * when all is closed and out_ok(). */
struct span out_span(const struct json_out *out);

/* Keeps @size bytes free for what will follow; replaces what was reserved
 * before. 0, before that is written. */
void out_reserve(struct json_out *out, size_t size);

struct json_mark out_mark(const struct json_out *out);

/* Forgets what was written since @mark, and a failure since then. */
void out_rollback(struct json_out *out, struct json_mark mark);

/* ---- values: in a list, or behind a key ---- */

void out_object(struct json_out *out);
void out_object_end(struct json_out *out);
void out_array(struct json_out *out);
void out_array_end(struct json_out *out);
/* The key of the next value; escaped as texts are. */
void out_key(struct json_out *out, const char *key);

void out_int(struct json_out *out, int64_t number);
/* As a string of digits: others round numbers above 2^53. */
void out_id(struct json_out *out, uint64_t id);
void out_bool(struct json_out *out, bool is_true);
void out_null(struct json_out *out);
/* Escapes quotes, backslashes and control characters; each byte that is not
 * part of valid UTF-8 becomes U+FFFD. */
void out_text(struct json_out *out, struct span text);
void out_string(struct json_out *out, const char *terminated);
/* RFC 3339 with Z; null for a moment that has no such text (datetime.h). */
void out_moment(struct json_out *out, struct moment moment);
/* "2026-11-22"; null if @date is not valid. */
void out_date(struct json_out *out, struct date date);
/* @json is a whole value, already JSON; trusted, copied as it is. */
void out_raw(struct json_out *out, struct span json);

/* ---- members: key and value at once ---- */

void out_int_at(struct json_out *out, const char *key, int64_t number);
void out_id_at(struct json_out *out, const char *key, uint64_t id);
void out_bool_at(struct json_out *out, const char *key, bool is_true);
void out_null_at(struct json_out *out, const char *key);
void out_text_at(struct json_out *out, const char *key, struct span text);
void out_string_at(struct json_out *out, const char *key,
		   const char *terminated);
void out_moment_at(struct json_out *out, const char *key, struct moment moment);
void out_object_at(struct json_out *out, const char *key);
void out_array_at(struct json_out *out, const char *key);

#endif
