/*
 * command_import - tables of items, codes, bins and checks, as people export
 * them.
 *
 * Layer     gateway/core, inside the commands only
 * Threads   the keeper
 *
 * The file is read twice: first every row is checked, and if one is bad, all
 * bad ones are reported by line and nothing is posted; then what is new or
 * changed is posted, in one transaction. What a row does not say (no such
 * column, or nothing in it) stays as it was, so the same file twice posts
 * nothing. A row of a check says it whole instead. Memory: the file's text
 * once, and about 50 bytes a row.
 */
#ifndef DEPOT_GATEWAY_CORE_COMMAND_IMPORT_H
#define DEPOT_GATEWAY_CORE_COMMAND_IMPORT_H

#include "gateway/core/asking.h"
#include "gateway/ingest/csv.h"
#include "store/intern.h"

#define IMPORT_FILE_SIZE_MAX (64u << 20)
#define IMPORT_BAD_MAX 200
#define IMPORT_KEY_SIZE (NAME_SIZE_MAX + 8)

/* One row in work. */
struct import_row {
	const struct view *view;
	const struct csv *csv;
	const struct csv_column *columns;
	struct entry entry;  /* what the row says */
	struct entry before; /* what the ledger has; at HQ of an item or code
			      * what HQ has said, if it is known */
	struct entry own;    /* what the site has said, where HQ says other */
	bool is_known;       /* before holds */
	bool has_own;        /* own holds */
	bool is_hq;          /* goods_is_hq */
	/* The keys of the rows above it; and, once every row has been checked,
	 * of all. */
	const struct intern *names;
	char key_text[IMPORT_KEY_SIZE]; /* room for a key that is made */
	/* What is wrong with it, if anything: the first that was found. */
	bool is_bad;
	size_t column; /* of the known ones */
	const char *code;
	char text_en[FAULT_TEXT_SIZE];
	char text_zh[FAULT_TEXT_SIZE];
};

/* A kind of table. */
struct import {
	enum entry_kind kind;
	const struct csv_column *columns; /* the first is what names a row */
	size_t count;
	/* Reads the fields into row->entry, whose head is set. Errors only of
	 * the store: what is wrong is in the row. */
	enum err_code (*read)(struct import_row *row, struct err *err);
	/* What names it, canonical; two rows may not have the same. */
	struct span (*key)(const struct import_row *row);
	/* In JSON, the member with an object's parts (import_json.h). */
	const char *parts;
	/* Counts what the ledger has and @names does not; if @retires, it is
	 * retired. NULL: what a file does not say stays. */
	enum err_code (*vanished)(struct asking *asking,
				  const struct intern *names, bool retires,
				  uint64_t *ret_count, struct err *err);
};

extern const struct import import_items;
extern const struct import import_codes;
extern const struct import import_bins;
extern const struct import import_checks;

/* ---- fields ---- */

/* Marks the row as bad in @column, with its value. Returns false, for
 * `return`. */
bool row_fault(struct import_row *row, size_t column,
	       const struct fault *fault);
bool row_refuse(struct import_row *row, size_t column,
		const struct refusal *why, struct span detail);

/* The same of a word that is none of those allowed, which are named. */
bool row_unknown(struct import_row *row, size_t column, const char *words_en,
		 const char *words_zh);

/* The field without blanks at its ends; empty: not said. */
struct span row_field(const struct import_row *row, size_t column);

/* These read a field if it is said, and are false if it is wrong: then the row
 * is bad, so that the last in a chain need not be looked at. */
bool row_text(struct import_row *row, size_t column, size_t max,
	      struct span *ret_text);
/* Digits behind the point beyond @decimals must be 0; the number is scaled by
 * 10 to the power of @decimals. The bounds are in the file's unit. */
struct row_range {
	unsigned decimals;
	int64_t low;
	int64_t high;
};
bool row_number(struct import_row *row, size_t column, struct row_range range,
		int64_t *number);
bool row_term(struct import_row *row, size_t column, enum term_set set,
	      uint32_t *value);
bool row_bool(struct import_row *row, size_t column, bool *is_set);

#endif
