/*
 * json - strict reading of JSON: the only way that JSON comes into depot.
 *
 * Layer     gateway/ingest; json.c is the only file that includes cJSON.h
 * Threads   any, each with a struct json of its own
 *
 * cJSON builds the tree. A strict scan goes in front of it, because cJSON
 * takes duplicate keys, invalid UTF-8, 0123, control characters and trailing
 * text, cuts strings at \u0000, and rounds numbers above 2^53. What the scan
 * passes is JSON (RFC 8259) in valid UTF-8, at most JSON_DEPTH_MAX deep,
 * without a lone surrogate or \u0000, followed by nothing but blanks; no
 * object has the same key twice, escapes resolved.
 *
 * Numbers are taken from the text, digit by digit, never from a double.
 *
 * Memory: json_parse allocates nothing. The tree lives in memory which the
 * caller gives once and which is used again by each parse; a document that
 * does not fit is refused. JSON_MEMORY_SIZE tells what always fits.
 */
#ifndef DEPOT_GATEWAY_INGEST_JSON_H
#define DEPOT_GATEWAY_INGEST_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/ingest/fault.h"
#include "rules/base/datetime.h"
#include "rules/base/err.h"
#include "rules/base/limits.h"
#include "rules/base/text.h"

/* Keys in one object, and characters in one number (the longest double that
 * others print has 24; cJSON takes 63). */
#define JSON_MEMBERS_MAX 128
#define JSON_NUMBER_SIZE_MAX 40

/* Bytes in one document: places in it are kept as int. */
#define JSON_TEXT_SIZE_MAX INT32_MAX

/* Bytes of memory that any document of @text_size bytes fits into. The worst
 * is a list of one-digit numbers: a node of cJSON (64 bytes), a place (4) and
 * two copies of the number (8 each, one of them cJSON's) for each two bytes. */
#define JSON_MEMORY_SIZE(text_size) ((size_t)(text_size)*42 + 512)

struct json_value; /* a node of the tree; valid until the next json_parse */

enum json_kind {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

/* The caller's storage; what is in it is json.c's business. */
struct json {
	unsigned char *memory;
	size_t memory_size;
	size_t memory_used;
	const struct json_value *root;
};

/*
 * Prepares @json to use @memory, which must be aligned as malloc's is and
 * outlive it. Nothing needs to be released. The first call of all sets
 * cJSON's hooks, for the whole process.
 */
void json_init(struct json *json, void *memory, size_t memory_size);

/*
 * Parses @text, which may go afterwards. On success json_root() is the
 * document. Values and spans of an earlier parse are gone.
 *
 * ERR_INVALID  *@fault tells: bad_json, bad_utf8, duplicate_key, too_deep,
 *              too_long (memory, or JSON_MEMBERS_MAX), bad_number
 */
MUST_CHECK enum err_code json_parse(struct json *json, struct span text,
				    struct fault *fault);

/* The whole document. NULL if the last parse failed. */
const struct json_value *json_root(const struct json *json);

/* ---- the tree ---- */

enum json_kind json_kind(const struct json_value *value);

/* The member @name of @object; NULL if absent, or if it is no object. */
const struct json_value *json_member(const struct json_value *object,
				     const char *name);

/* The first member or entry, and the one after @value; NULL at the end. */
const struct json_value *json_first(const struct json_value *value);
const struct json_value *json_next(const struct json_value *value);

/* The key of a member; empty for a list's entry and for the root. */
struct span json_key(const struct json_value *value);

/* ---- values ---- */

/*
 * These read one value, which must not be NULL, and set *@ret_... only on
 * success. *@fault means something on failure only: it has the value, its
 * place, and its key as the field.
 *
 * ERR_INVALID  wrong_type (null too, which says so) or out_of_range
 */
struct json_range {
	int64_t low;
	int64_t high; /* not negative */
};

/* A whole number, exactly: 12, -3, also 12.0 (which JSON Schema calls an
 * integer and which many languages print); not 1e3, not 1.5. */
MUST_CHECK enum err_code json_to_int(const struct json_value *value,
				     struct json_range range, int64_t *ret_int,
				     struct fault *fault);

/* The value times 10 to the power of @decimals (at most 9), as a whole number;
 * digits after those are dropped: -54.126 with 2 decimals is -5412. @range is
 * in the sender's unit (-200 to 100), and its product must fit 64 bits. */
MUST_CHECK enum err_code json_to_scaled(const struct json_value *value,
					unsigned decimals,
					struct json_range range,
					int64_t *ret_scaled,
					struct fault *fault);

/* An id of 64 bits, at least @low: a number, or (since other languages round
 * above 2^53) a string of its decimal digits. */
MUST_CHECK enum err_code json_to_id(const struct json_value *value,
				    uint64_t low, uint64_t *ret_id,
				    struct fault *fault);

MUST_CHECK enum err_code json_to_bool(const struct json_value *value,
				      bool *ret_bool, struct fault *fault);

/* The text of a string, escapes resolved; may be empty. Borrowed until the
 * next parse. */
MUST_CHECK enum err_code json_to_text(const struct json_value *value,
				      struct span *ret_text,
				      struct fault *fault);

/* bad_time, bad_date: a string that is none. */
MUST_CHECK enum err_code json_to_moment(const struct json_value *value,
					struct moment *ret_moment,
					struct fault *fault);
MUST_CHECK enum err_code json_to_date(const struct json_value *value,
				      struct date *ret_date,
				      struct fault *fault);

/* Whether @value is a list, or an object. */
MUST_CHECK enum err_code json_to_array(const struct json_value *value,
				       struct fault *fault);
MUST_CHECK enum err_code json_to_object(const struct json_value *value,
					struct fault *fault);

/*
 * Sets @fault to one of @kind about @value: key, place, and the value as it
 * was written. For what only the caller can judge. Returns ERR_INVALID.
 */
enum err_code json_fault(const struct json_value *value, enum fault_kind kind,
			 struct fault *fault);

/* ---- members ---- */

/*
 * The same for the member @name of @object, which tells absent apart:
 *
 * ERR_NOT_FOUND  there is no such member; @fault is FAULT_MISSING with its
 *                name, ready to be told if the member is required
 * ERR_INVALID    it is null, of the wrong type, or out of range
 *
 * A caller to whom null means something asks json_member and json_kind.
 */
MUST_CHECK enum err_code json_int(const struct json_value *object,
				  const char *name, struct json_range range,
				  int64_t *ret_int, struct fault *fault);
MUST_CHECK enum err_code json_id(const struct json_value *object,
				 const char *name, uint64_t low,
				 uint64_t *ret_id, struct fault *fault);
MUST_CHECK enum err_code json_bool(const struct json_value *object,
				   const char *name, bool *ret_bool,
				   struct fault *fault);
MUST_CHECK enum err_code json_text(const struct json_value *object,
				   const char *name, struct span *ret_text,
				   struct fault *fault);
MUST_CHECK enum err_code json_moment(const struct json_value *object,
				     const char *name,
				     struct moment *ret_moment,
				     struct fault *fault);
MUST_CHECK enum err_code json_array(const struct json_value *object,
				    const char *name,
				    const struct json_value **ret_array,
				    struct fault *fault);
MUST_CHECK enum err_code json_object(const struct json_value *object,
				     const char *name,
				     const struct json_value **ret_object,
				     struct fault *fault);

/* What a message asks for when a member may be left out: turns ERR_NOT_FOUND
 * into ERR_OK. Use: code = json_optional(json_int(...)); */
MUST_CHECK static inline enum err_code json_optional(enum err_code code)
{
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

#endif
