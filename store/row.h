/*
 * row - a table's row with its own checksum.
 *
 * Layer     store
 * Threads   the transaction's or the view's
 * On disk   docs/format/tables.md
 *
 * LMDB hardly notices damage (of 4,000 flipped bits it returned 2,598 silently
 * wrong), so every row of every table ends in 32 bits over table, key and
 * value: seal_checksum(table's number, key bytes then value bytes), low half.
 * The journal's rows have 64 bits of their own chain instead.
 */
#ifndef DEPOT_STORE_ROW_H
#define DEPOT_STORE_ROW_H

#include "rules/base/bytes.h"
#include "rules/base/ids.h"
#include "store/env.h"

#define ROW_CHECKSUM_SIZE 4

/* The longest value of a row, its checksum included. Of TABLE_DELTA: its rows
 * are sealed, and cannot be cut into pieces; there the checksum is chained,
 * seal_checksum(seal_checksum(table's number, key), value). */
#define ROW_SIZE_MAX 8192
#define ROW_DELTA_SIZE_MAX (65536 + 1024)

/*
 * Seals and puts what @value holds; @value needs ROW_CHECKSUM_SIZE of room.
 * ERR_FULL  no room in the map
 */
MUST_CHECK enum err_code row_put(struct txn *txn, enum table table,
				 struct span key, struct writer *value,
				 struct err *err);

/*
 * Finds a row and sets @ret_value to read it, checksum taken off. The bytes
 * are borrowed as view_get says.
 *
 * ERR_NOT_FOUND  no such row (@err untouched)
 * ERR_CORRUPT    the checksum is wrong
 */
MUST_CHECK enum err_code row_get(const struct view *view, enum table table,
				 struct span key, struct reader *ret_value,
				 struct err *err);

/* The same for a key and value that a walk gave. */
MUST_CHECK enum err_code row_open(enum table table, struct span key,
				  struct span value, struct reader *ret_value,
				  struct err *err);

/* ERR_CORRUPT, with the table named, when a row's fields did not read. */
enum err_code row_garbled(enum table table, struct err *err);

/* Removes the rows of @table whose keys begin with @prefix. */
MUST_CHECK enum err_code rows_clear(struct txn *txn, enum table table,
				    struct span prefix, struct err *err);

/* A pos in a row: epoch and number as two varints. 1 to 10 bytes. */
void write_pos(struct writer *writer, struct pos pos);
struct pos read_pos(struct reader *reader);

/* ---- keys ---- */

#define KEY_SIZE_MAX 160

/* A key under construction. Numbers are big-endian: keys sort as numbers. */
struct key {
	uint8_t bytes[KEY_SIZE_MAX];
	size_t size;
};

void key_add_u8(struct key *key, uint8_t value);
void key_add_u32(struct key *key, uint32_t value);
void key_add_u64(struct key *key, uint64_t value);
/* Only as the last part: a text has no end mark in a key. */
void key_add_text(struct key *key, struct span text);

/* Valid as long as @key. */
struct span key_span(const struct key *key);
struct key key_of_text(struct span text);
struct key key_of_number(uint32_t number);
struct key key_of_pair(uint32_t first, uint32_t second);

#endif
