/*
 * rows_shape - what the rows of one kind have in common, and an entry in parts.
 *
 * Layer     store; part of rows; pure
 * Threads   any
 * On disk   docs/format/delta.md, "Shapes": the numbers never change
 */
#ifndef DEPOT_STORE_ROWS_SHAPE_H
#define DEPOT_STORE_ROWS_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/bytes.h"
#include "rules/ledger/entry.h"

/* How a field's value stands in a row. */
enum row_class {
	ROW_CONST_NUMBER = 1, /* in the shape, nothing in the row */
	ROW_CONST_BYTES = 2,
	ROW_NUMBER = 3, /* as it is */
	ROW_BYTES = 4,
	ROW_ITEM = 5, /* through a window of texts */
	ROW_PLACE = 6,
	ROW_HOME = 7, /* a place too: as a rule the item's last one */
	ROW_REF = 8,
	ROW_NAME = 9,
	ROW_STAMP = 10, /* milliseconds since the stamp before */
	/* An effective time: milliseconds before the stamp, or, where they are
	 * many, since the effective time before; and the same in seconds, where
	 * it is at a whole one. */
	ROW_LATE = 11,
	ROW_LATE_S = 12,
	ROW_EFFECTIVE = 13,
	ROW_EFFECTIVE_S = 14,
	ROW_POS = 15, /* how far before the row's own pos */
};
#define ROW_CLASS_MAX ROW_POS
#define ROW_CLASS_UNKNOWN 0 /* no field of ours */

/* Wire types of an entry's fields (docs/format/journal.md). */
#define ROW_WIRE_NUMBER 0u
#define ROW_WIRE_BYTES 1u

#define ROW_TAG_STAMP 1u
#define ROW_TAG_EFFECTIVE 2u
#define ROW_TAG_BOOT 6u
#define ROW_TAG_SEQ 7u

/* An entry with more fields, or a longer shape, goes as it is. */
#define ROW_FIELDS_MAX 48
#define ROW_SHAPE_SIZE_MAX 320

/* The longest text of each window. */
#define ROW_CONST_SIZE_MAX NAME_SIZE_MAX
#define ROW_ITEM_SIZE_MAX SKU_SIZE_MAX
#define ROW_PLACE_SIZE_MAX PLACE_NAME_SIZE_MAX
#define ROW_REF_SIZE_MAX REF_SIZE_MAX
#define ROW_NAME_SIZE_MAX 96

/* The class of a field that this depot knows, ROW_EFFECTIVE for all four of an
 * effective time; ROW_CLASS_UNKNOWN for all others. It may never change
 * (ROWS_VERSION).
 */
unsigned row_class_known(uint64_t kind, uint64_t tag);

/* The same from a table, for rows that come by the million. */
#define ROW_CLASSES_KINDS 64
#define ROW_CLASSES_TAGS 64
struct row_classes {
	uint8_t known[ROW_CLASSES_KINDS][ROW_CLASSES_TAGS];
};
void row_classes_init(struct row_classes *classes);
static inline unsigned row_classes_get(const struct row_classes *classes,
				       uint64_t kind, uint64_t tag)
{
	if (kind < ROW_CLASSES_KINDS && tag < ROW_CLASSES_TAGS)
		return classes->known[kind][tag];
	return row_class_known(kind, tag);
}

/* What a field of the known class @known with @bytes is written as: a text that
 * is too long for its window goes as it is, and the name of a place that every
 * site has is constant. */
enum row_class row_class_of_bytes(unsigned known, struct span bytes);

struct row_field {
	uint64_t tag;
	uint64_t number;   /* wire type number */
	struct span bytes; /* wire type bytes: not empty; else empty */
	enum row_class class;
};

/* An entry in parts, without a device's boot id and sequence. */
struct row_parts {
	uint64_t kind;
	size_t count; /* at most ROW_FIELDS_MAX are in @fields */
	struct row_field fields[ROW_FIELDS_MAX];
	/* The entry's bytes before and behind what is left out. */
	struct span head;
	struct span tail;
};

/*
 * Takes an entry apart; classes are not set. Everything is borrowed.
 * ERR_CORRUPT  not an entry in its one form, or longer than ENTRY_SIZE_MAX
 */
MUST_CHECK enum err_code row_split(struct span entry,
				   struct row_parts *ret_parts);

static inline const struct row_field *row_find(const struct row_parts *parts,
					       uint64_t tag)
{
	for (size_t i = 0; i < parts->count && i < ROW_FIELDS_MAX; i++)
		if (parts->fields[i].tag == tag)
			return &parts->fields[i];
	return NULL;
}

/* The shape's bytes of @parts, whose classes are set. */
void row_shape_write(struct writer *writer, const struct row_parts *parts);

/* One after the other the fields of a shape. */
struct row_shape {
	struct reader reader;
	uint64_t kind;
	size_t left;
};

/* False if there is no shape there. */
MUST_CHECK bool row_shape_begin(struct row_shape *shape, struct span bytes);
/* The next field: tag, class and what is constant. @shape->left says whether
 * there is one; the reader fails if it is none. */
void row_shape_next(struct row_shape *shape, struct row_field *ret_field);

/*
 * Reads a shape that is new from a row, in its one form.
 * ERR_CORRUPT  it is not what row_shape_write would have written
 */
MUST_CHECK enum err_code row_shape_read(struct reader *reader,
					const struct row_classes *classes,
					struct span *ret_shape);

#endif
