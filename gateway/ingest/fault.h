/*
 * fault - what is wrong with a message or a file from outside.
 *
 * Layer     gateway/ingest
 * Threads   any; a struct fault belongs to one thread
 *
 * A fault is told to whoever sent the input: as a stable code, which programs
 * may branch on and which therefore never changes its meaning, and as one
 * sentence in English or Chinese, made on demand, that names the place, the
 * field, the value and the bound. It is plain data of fixed size: it points
 * nowhere and outlives the input.
 *
 * struct err is for the operator of this box; struct fault is for the sender.
 */
#ifndef DEPOT_GATEWAY_INGEST_FAULT_H
#define DEPOT_GATEWAY_INGEST_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include "rules/base/err.h"
#include "rules/base/text.h"

/* Each kind has its own sentence; several may share a code, which stands
 * beside them. Not on disk and not published: only the codes are. */
enum fault_kind {
	FAULT_NONE,

	/* bad_json */
	FAULT_JSON_EMPTY,
	FAULT_JSON_CUT, /* the text ends before the document does */
	FAULT_JSON_VALUE,
	FAULT_JSON_KEY,
	FAULT_JSON_COLON,
	FAULT_JSON_COMMA,
	FAULT_JSON_CONTROL,
	FAULT_JSON_ESCAPE,
	FAULT_JSON_NUL,
	FAULT_JSON_TRAILING,

	FAULT_UTF8,      /* bad_utf8 */
	FAULT_SURROGATE, /* bad_utf8 */

	FAULT_DUPLICATE_KEY, /* duplicate_key */
	FAULT_TOO_DEEP,      /* too_deep */

	/* too_long */
	FAULT_MESSAGE_TOO_LONG,
	FAULT_TEXT_TOO_LONG,
	FAULT_TOO_MANY,
	FAULT_TOO_MANY_KEYS,
	FAULT_TOO_MUCH, /* more values than the memory set aside holds */

	FAULT_BAD_NUMBER, /* bad_number: not in JSON's form */

	/* wrong_type */
	FAULT_IS_NULL,
	FAULT_NOT_WHOLE, /* a number with a fraction is one of these too */
	FAULT_NOT_NUMBER,
	FAULT_NOT_ID,
	FAULT_NOT_TEXT,
	FAULT_NOT_BOOL,
	FAULT_NOT_LIST,
	FAULT_NOT_OBJECT,
	FAULT_NO_OBJECT, /* the message itself */

	FAULT_MISSING, /* missing_field */
	FAULT_EMPTY,   /* missing_field: it is there, with nothing in it */

	FAULT_OUT_OF_RANGE, /* out_of_range */

	FAULT_TWO_GIVEN,         /* conflicting_fields */
	FAULT_UNKNOWN_VERSION,   /* unknown_version */
	FAULT_UNKNOWN_OP,        /* unknown_op */
	FAULT_UNKNOWN_CONDITION, /* unknown_condition */
	FAULT_BAD_TIME,          /* bad_time */
	FAULT_BAD_DATE,          /* bad_date */
	FAULT_BAD_TEXT,          /* bad_text */
	FAULT_BAD_EPC,           /* bad_epc */

	FAULT_FILE_EMPTY,       /* empty_file */
	FAULT_FILE_TOO_LONG,    /* too_long */
	FAULT_ENCODING,         /* bad_encoding */
	FAULT_ENCODING_NUL,     /* bad_encoding */
	FAULT_SPREADSHEET,      /* bad_encoding */
	FAULT_OPEN_QUOTE,       /* bad_quote */
	FAULT_STRAY_QUOTE,      /* bad_quote */
	FAULT_FIELD_TOO_LONG,   /* too_long */
	FAULT_TOO_MANY_COLUMNS, /* too_many_columns */
	FAULT_COLUMN_COUNT,     /* wrong_column_count */
	FAULT_NO_COLUMN,        /* missing_column */
	FAULT_COLUMN_TWICE,     /* duplicate_column */

	FAULT_KIND_COUNT
};

#define FAULT_FIELD_SIZE 48
#define FAULT_VALUE_SIZE 64
/* Room for every sentence. */
#define FAULT_TEXT_SIZE 320

struct fault {
	enum fault_kind kind;
	uint32_t at;     /* byte of the message, from 1; 0: not known */
	uint32_t line;   /* of a file, from 1; 0: not a file */
	uint32_t column; /* of a file, from 1; 0: the whole line */
	int64_t low;     /* what would have been right, where the kind */
	uint64_t high;   /* has a bound */
	char field[FAULT_FIELD_SIZE]; /* "qty", "reads[3].epc"; "": none */
	char value[FAULT_VALUE_SIZE]; /* as it was written; "": none */
};

/* Makes @fault one of @kind and nothing else. Returns ERR_INVALID, for
 * `return`. */
enum err_code fault_set(struct fault *fault, enum fault_kind kind);

/* The same, naming @field of which @value is wrong; both are copied, cut to
 * fit, with what is not clean text replaced. */
enum err_code fault_of(struct fault *fault, enum fault_kind kind,
		       const char *field, struct span value);

/* Sets the value alone: copied as by fault_of. */
void fault_value(struct fault *fault, struct span value);

/* Puts "outer[index]." in front of the field. */
void fault_within(struct fault *fault, const char *outer, size_t index);

/* The stable code, "out_of_range"; "none" for FAULT_NONE. Never NULL. */
const char *fault_code(enum fault_kind kind);

/* The sentence in English or Chinese, without a full stop, terminated, cut at
 * a character to @size bytes; the place in a file stands before it, unless
 * the line is 0. Empty for FAULT_NONE. */
void fault_text_en(const struct fault *fault, char *buffer, size_t size);
void fault_text_zh(const struct fault *fault, char *buffer, size_t size);

#endif
