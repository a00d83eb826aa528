/*
 * rows - the canonical rows of deltas: journal entries, written small.
 *
 * Layer     store; pure: no I/O, no clock
 * Threads   a struct rows belongs to one thread
 * On disk   docs/format/delta.md, version ROWS_VERSION; signed, and sent
 *
 * A row is one entry's bytes (docs/format/journal.md), transcoded field by
 * field. Nothing is lost but a device's boot id and sequence, which stay in the
 * box (head tags 6 and 7). What a newer depot added, kinds and fields that this
 * one does not know, goes through whole: a row says by itself how long it is.
 *
 * How it gets small: what entries have in common (kind, which fields are
 * there, enums, the actor) is a *shape*, written once and then named by number;
 * SKUs, places, references and other names are written once and then named by
 * number; times are differences. All of that is the *segment's* state, which
 * lasts at most ROWS_SEGMENT_DELTAS deltas. Each table is a window of fixed
 * size whose oldest member makes way, so a segment never runs full.
 *
 * One form only: the same entries in the same state give the same bytes, and
 * rows_read refuses any others (a text that the table already has, written
 * again; a shape likewise; a varint longer than it must be).
 */
#ifndef DEPOT_STORE_ROWS_H
#define DEPOT_STORE_ROWS_H

#include "rules/base/bytes.h"
#include "rules/base/ids.h"
#include "store/journal.h"

#define ROWS_VERSION 1

/* Deltas in a segment, at most. */
#define ROWS_SEGMENT_DELTAS 256

/* Texts and shapes in a segment's windows. */
#define ROWS_ITEMS 8191
#define ROWS_PLACES 4095
#define ROWS_REFS 1023
#define ROWS_NAMES 1023
#define ROWS_SHAPES 1023

/* The longest row: an entry, its shape and its texts all new. */
#define ROW_WIRE_SIZE_MAX (ENTRY_SIZE_MAX + 512)

struct rows;

/* An empty segment's state. Memory is taken as it fills. ERR_FULL: none. */
MUST_CHECK enum err_code rows_open(struct rows **ret_rows, struct err *err);
/* Takes NULL. */
void rows_close(struct rows *rows);
/* Back to an empty segment. */
void rows_reset(struct rows *rows);

/*
 * Where the state was, to go back to: a batch that is abandoned, or a delta
 * that is refused, must leave no trace. One mark at a time, taken at the
 * beginning of a delta; rows_rewind undoes all since.
 */
void rows_mark(struct rows *rows);
void rows_rewind(struct rows *rows);

/*
 * Writes the entry with the bytes @entry, which lies at @pos, as the next row.
 * ERR_CORRUPT  @entry is no entry in its one form (nothing was written)
 * ERR_FULL     @writer has no room: rows_rewind, and close the delta before
 */
MUST_CHECK enum err_code rows_write(struct rows *rows, struct pos pos,
				    struct span entry, struct writer *writer);

/*
 * Reads the next row, of the entry at @pos, and gives the entry's bytes back.
 * ERR_CORRUPT  it is no row in its one form: rows_rewind
 */
MUST_CHECK enum err_code rows_read(struct rows *rows, struct pos pos,
				   struct reader *reader,
				   struct entry_bytes *ret_entry);

#endif
