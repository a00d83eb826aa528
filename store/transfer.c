#include "store/transfer.h"

#include <string.h>

#include "store/last_word.h"
#include "store/row.h"
#include "store/seal.h"
#include "store/transfer_rows.h"

#define NUMBER_SIZE_MAX 10 /* a varint */

/* Clean text has no NUL, so NULs stand between the parts of keys. */

struct key transfer_key(enum transfer_origin origin, char kind, struct span id)
{
	struct key key = {.size = 0};

	key_add_u8(&key, (uint8_t)origin);
	key_add_u8(&key, (uint8_t)kind);
	key_add_text(&key, id);
	key_add_u8(&key, 0);
	return key;
}

static struct key word_key(enum transfer_origin origin, struct span id,
			   enum transfer_side side)
{
	struct key key = transfer_key(origin, TRANSFER_ROW_WORD, id);

	key_add_u8(&key, (uint8_t)side);
	return key;
}

static struct key way_key(struct span item, struct span id)
{
	struct key key = transfer_key(ORIGIN_BOTH, TRANSFER_ROW_WAY, item);

	key_add_text(&key, id);
	return key;
}

struct key transfer_count_key(uint32_t from)
{
	struct key key = {.size = 0};

	key_add_u8(&key, ORIGIN_OWN);
	key_add_u8(&key, TRANSFER_ROW_COUNT);
	key_add_u32(&key, from);
	return key;
}

/* ---- rows ---- */

static void sums_write(struct writer *writer, const struct transfer_sums *sums)
{
	write_signed(writer, sums->shipped);
	write_signed(writer, sums->surplus);
	write_signed(writer, sums->good);
	write_signed(writer, sums->damaged);
	write_signed(writer, sums->claimed);
	write_signed(writer, sums->lost);
}

/* ---- what both origins together make of them ---- */

static enum err_code unsettled_get(const struct view *view, struct span id,
				   uint64_t *ret_count, struct err *err)
{
	struct key key = transfer_key(ORIGIN_BOTH, TRANSFER_ROW_HEAD, id);
	struct reader reader;
	uint64_t count;
	enum err_code code =
		row_get(view, TABLE_TRANSFER, key_span(&key), &reader, err);

	if (code != ERR_OK)
		return code;
	count = read_varint(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_TRANSFER, err);
	*ret_count = count;
	return ERR_OK;
}

enum err_code transfer_head_touch(struct txn *txn, struct span id, int change,
				  struct err *err)
{
	struct key key = transfer_key(ORIGIN_BOTH, TRANSFER_ROW_HEAD, id);
	uint8_t buffer[NUMBER_SIZE_MAX + ROW_CHECKSUM_SIZE];
	struct writer writer;
	uint64_t count = 0;
	enum err_code code = unsettled_get(txn_view(txn), id, &count, err);

	if (code == ERR_OK && change == 0)
		return ERR_OK;
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer,
		     change < 0 ? count - 1 : count + (uint64_t)change);
	return row_put(txn, TABLE_TRANSFER, key_span(&key), &writer, err);
}

/* True in *@ret_is_there, and what the row said. */
static enum err_code way_get(const struct view *view, const struct key *key,
			     bool *ret_is_there, struct err *err)
{
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_TRANSFER, key_span(key), &reader, err);

	*ret_is_there = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* What is in transit; no 64 bits may hold what liars say together. */
struct way {
	bool is_sound;
	int64_t units;
};

static enum err_code way_put(struct txn *txn, const struct key *key,
			     const struct way *way, struct err *err)
{
	uint8_t buffer[NUMBER_SIZE_MAX + ROW_CHECKSUM_SIZE];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	if (way->is_sound)
		write_signed(&writer, way->units);
	return row_put(txn, TABLE_TRANSFER, key_span(key), &writer, err);
}

static enum err_code way_work_out(const struct view *view, struct span id,
				  struct span item, struct way *ret_way,
				  struct err *err)
{
	struct way way = {.is_sound = false};
	struct transfer_sums sums;
	enum err_code code = transfer_sums(view, id, item, &sums, err);

	if (code == ERR_OK)
		way.is_sound = transfer_in_transit(&sums, &way.units);
	else if (code != ERR_OVERFLOW)
		return code;
	*ret_way = way;
	return ERR_OK;
}

enum err_code transfer_way_refresh(struct txn *txn, struct span id,
				   struct span item, struct err *err)
{
	struct key key = way_key(item, id);
	bool was_there;
	bool is_there;
	struct way way;
	enum err_code code = way_work_out(txn_view(txn), id, item, &way, err);

	if (code == ERR_OK)
		code = way_get(txn_view(txn), &key, &was_there, err);
	if (code != ERR_OK)
		return code;
	is_there = !way.is_sound || way.units != 0;
	code = transfer_head_touch(txn, id, is_there - was_there, err);
	if (code != ERR_OK)
		return code;
	if (is_there)
		return way_put(txn, &key, &way, err);
	return was_there ? txn_delete(txn, TABLE_TRANSFER, key_span(&key), err)
			 : ERR_OK;
}

/* ---- folding a movement ---- */

#define SUMS_SIZE_MAX (6 * NUMBER_SIZE_MAX)
#define LINE_SIZE_MAX \
	(SUMS_SIZE_MAX + LOT_SIZE_MAX + SSCC_SIZE + SERIAL_SIZE_MAX + 64)

static enum err_code item_fold(struct txn *txn, const struct key *key,
			       const struct transfer_sums *change,
			       struct err *err)
{
	uint8_t buffer[SUMS_SIZE_MAX + ROW_CHECKSUM_SIZE];
	struct transfer_sums sums = *change;
	struct writer writer;
	enum err_code code = transfer_item_add(txn_view(txn), key, &sums, err);

	if (code != ERR_OK)
		return code;
	writer_init(&writer, buffer, sizeof(buffer));
	sums_write(&writer, &sums);
	return row_put(txn, TABLE_TRANSFER, key_span(key), &writer, err);
}

/* A line's key has a hash of lot, pallet and serial: together they are too long
 * for a key. Another line that has it already makes this one take the next. */
uint64_t transfer_line_hash(const struct transfer_line *line)
{
	uint8_t buffer[LOT_SIZE_MAX + SSCC_SIZE + SERIAL_SIZE_MAX + 2];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_span(&writer, lot_span(&line->lot));
	write_span(&writer, serial_span(&line->serial));
	write_raw(&writer, line->sscc, SSCC_SIZE);
	return seal_checksum(0, (struct span){(char *)buffer, writer.size});
}

struct key transfer_line_key(enum transfer_origin origin, struct span id,
			     const struct transfer_line *line, uint64_t hash)
{
	struct key key = transfer_key(origin, TRANSFER_ROW_LINE, id);

	key_add_u8(&key, (uint8_t)line->side);
	key_add_text(&key, sku_span(&line->item));
	key_add_u8(&key, 0);
	key_add_u64(&key, hash);
	return key;
}

bool transfer_line_read(struct reader *reader, struct transfer_line *ret_line)
{
	struct transfer_line line = *ret_line;
	struct span lot = read_span(reader, LOT_SIZE_MAX);
	struct span serial = read_span(reader, SERIAL_SIZE_MAX);
	struct span sscc = read_raw(reader, SSCC_SIZE);

	line.expiry = (uint32_t)read_varint(reader);
	line.sums = transfer_sums_read(reader);
	if (!reader_done(reader) || !lot_set(&line.lot, lot) ||
	    !serial_set(&line.serial, serial))
		return false;
	memcpy(line.sscc, sscc.data, SSCC_SIZE);
	*ret_line = line;
	return true;
}

bool transfer_line_is(const struct transfer_line *a,
		      const struct transfer_line *b)
{
	return span_equal(lot_span(&a->lot), lot_span(&b->lot)) &&
	       span_equal(serial_span(&a->serial), serial_span(&b->serial)) &&
	       memcmp(a->sscc, b->sscc, SSCC_SIZE) == 0;
}

static enum err_code line_put(struct txn *txn, const struct key *key,
			      const struct transfer_line *line, struct err *err)
{
	uint8_t buffer[LINE_SIZE_MAX + ROW_CHECKSUM_SIZE];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_span(&writer, lot_span(&line->lot));
	write_span(&writer, serial_span(&line->serial));
	write_raw(&writer, line->sscc, SSCC_SIZE);
	write_varint(&writer, line->expiry);
	sums_write(&writer, &line->sums);
	return row_put(txn, TABLE_TRANSFER, key_span(key), &writer, err);
}

static enum err_code line_fold(struct txn *txn, enum transfer_origin origin,
			       struct span id, struct transfer_line line,
			       struct err *err)
{
	uint64_t hash = transfer_line_hash(&line);

	for (;;) {
		struct key key = transfer_line_key(origin, id, &line, hash++);
		struct transfer_line before = line;
		struct reader reader;
		enum err_code code = row_get(txn_view(txn), TABLE_TRANSFER,
					     key_span(&key), &reader, err);

		if (code == ERR_NOT_FOUND)
			return line_put(txn, &key, &line, err);
		if (code != ERR_OK)
			return code;
		if (!transfer_line_read(&reader, &before))
			return row_garbled(TABLE_TRANSFER, err);
		if (!transfer_line_is(&before, &line))
			continue;
		if (!transfer_sums_add(&line.sums, &before.sums))
			return err_set(err, ERR_OVERFLOW,
				       "more than 2^63 units");
		if (line.expiry < before.expiry)
			line.expiry = before.expiry; /* in any order */
		return line_put(txn, &key, &line, err);
	}
}

/* Where a pallet is, for whoever scans its label only. */
static enum err_code pallet_fold(struct txn *txn, enum transfer_origin origin,
				 struct span id,
				 const struct transfer_line *line,
				 struct err *err)
{
	uint8_t buffer[ROW_CHECKSUM_SIZE];
	struct span sscc = {line->sscc, SSCC_SIZE};
	struct key key = transfer_key(origin, TRANSFER_ROW_SSCC, sscc);
	struct writer writer;

	if (line->sscc[0] == '\0' || line->side != TRANSFER_SENDER)
		return ERR_OK;
	key_add_text(&key, id);
	key_add_u8(&key, 0);
	key_add_u8(&key, TRANSFER_SENDER);
	writer_init(&writer, buffer, sizeof(buffer));
	return row_put(txn, TABLE_TRANSFER, key_span(&key), &writer, err);
}

/* The next transfer gets a number that none had, so the highest is kept. One
 * far beyond it was typed, and is no count: it would use up all that are left.
 */
static enum err_code number_fold(struct txn *txn, struct pos pos,
				 struct span text, struct err *err)
{
	uint64_t life = pos_epoch(pos) * TRANSFER_LIFE_NUMBERS;
	uint8_t buffer[NUMBER_SIZE_MAX + ROW_CHECKSUM_SIZE];
	struct transfer_id id;
	struct writer writer;
	struct key key;
	uint64_t last;
	enum err_code code;

	if (!transfer_id_parse(text, &id))
		return ERR_OK;
	code = transfer_last_number(txn_view(txn), id.from, &last, err);
	if (code != ERR_OK || last >= id.number ||
	    (id.number > last + TRANSFER_NUMBERS_TYPED &&
	     (id.number < life || id.number > life + TRANSFER_NUMBERS_TYPED)))
		return code;
	key = transfer_count_key(id.from);
	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, id.number);
	return row_put(txn, TABLE_TRANSFER, key_span(&key), &writer, err);
}

/* Before anything is folded: none of the sums, each of which is one side's own,
 * may leave int64. What they come to together depends on who was heard first,
 * so it judges nobody (transfer_way_refresh). */
static enum err_code room_check(const struct view *view, struct span id,
				struct span item,
				const struct transfer_sums *change,
				struct err *err)
{
	struct transfer_sums sums;
	enum err_code code = transfer_sums(view, id, item, &sums, err);

	if (code == ERR_OK && !transfer_sums_add(&sums, change))
		return err_set(err, ERR_OVERFLOW, "more than 2^63 units");
	return code;
}

static enum err_code movement_fold(struct txn *txn, enum transfer_origin origin,
				   uint32_t site,
				   const struct movement *movement,
				   struct err *err)
{
	const struct place *place = transfer_place(movement);
	struct transfer_line line = {.item = movement->item,
				     .lot = movement->lot,
				     .serial = movement->serial,
				     .expiry = movement->expiry};
	struct span item = sku_span(&movement->item);
	struct key key;
	struct span id;
	enum err_code code;

	if (place == NULL ||
	    !transfer_effect(site, movement, &line.side, &line.sums))
		return ERR_OK;
	id = place_name_span(&place->name);
	memcpy(line.sscc, movement->sscc, SSCC_SIZE);
	key = transfer_item_key(origin, id, item, line.side);
	code = room_check(txn_view(txn), id, item, &line.sums, err);
	if (code == ERR_OK)
		code = item_fold(txn, &key, &line.sums, err);
	if (code == ERR_OK)
		code = line_fold(txn, origin, id, line, err);
	if (code == ERR_OK)
		code = pallet_fold(txn, origin, id, &line, err);
	if (code == ERR_OK)
		code = transfer_way_refresh(txn, id, item, err);
	if (code == ERR_OK && origin == ORIGIN_FEEDS)
		code = transfer_change_note(txn, item, err);
	return code;
}

/* ---- folding what is said of a transfer or a claim as a whole ---- */

static enum err_code word_put(struct txn *txn, const struct key *key,
			      struct pos pos, const struct entry *entry,
			      struct err *err)
{
	UNINITIALIZED uint8_t encoded[ENTRY_SIZE_MAX];
	struct last_word word = {
		.table = TABLE_TRANSFER, .key = key, .pos = pos};
	struct entry bare;

	entry_init(&bare, entry->kind);
	bare.stamp = entry->stamp;
	bare.effective = entry->effective;
	bare.body = entry->body;
	word.bytes = last_word_bytes(&bare, encoded);
	return last_word_put(txn, &word, err);
}

static struct key claim_key(enum transfer_origin origin,
			    const struct transfer_claim *claim,
			    enum transfer_side side)
{
	struct key key = transfer_key(origin, TRANSFER_ROW_CLAIM,
				      place_name_span(&claim->transfer));

	key_add_text(&key, ref_span(&claim->id));
	key_add_u8(&key, 0);
	key_add_u8(&key, (uint8_t)side);
	return key;
}

/* Who of its two sides this site is, for it does not know its own number here:
 * the journal tells by what it said before. */
static enum err_code own_side(const struct view *view,
			      const struct entry *entry,
			      enum transfer_side *ret_side, struct err *err)
{
	const struct transfer *transfer = &entry->body.transfer;
	const struct transfer_claim *claim = &entry->body.claim;
	bool is_claim = entry->kind == ENTRY_CLAIM;
	bool may_answer = is_claim ? claim->state != CLAIM_OPEN
				   : transfer->state == TRANSFER_CLOSED;
	struct key key =
		is_claim ? claim_key(ORIGIN_OWN, claim, TRANSFER_ADDRESSEE)
			 : word_key(ORIGIN_OWN, place_name_span(&transfer->id),
				    TRANSFER_ADDRESSEE);
	bool has_spoken;
	enum err_code code = way_get(view, &key, &has_spoken, err);

	if (code != ERR_OK)
		return code;
	if (may_answer)
		*ret_side = has_spoken ? TRANSFER_ADDRESSEE : TRANSFER_SENDER;
	else if (is_claim || transfer->state == TRANSFER_RECEIVING ||
		 transfer->state == TRANSFER_RECEIVED)
		*ret_side = TRANSFER_ADDRESSEE;
	else
		*ret_side = TRANSFER_SENDER;
	return ERR_OK;
}

static enum err_code document_fold(struct txn *txn, enum transfer_origin origin,
				   enum transfer_side side, struct pos pos,
				   const struct entry *entry, struct err *err)
{
	const struct transfer_claim *claim = &entry->body.claim;
	bool is_claim = entry->kind == ENTRY_CLAIM;
	struct span id = place_name_span(is_claim ? &claim->transfer
						  : &entry->body.transfer.id);
	struct key key = is_claim ? claim_key(origin, claim, side)
				  : word_key(origin, id, side);
	enum err_code code = word_put(txn, &key, pos, entry, err);

	return code == ERR_OK ? transfer_head_touch(txn, id, 0, err) : code;
}

static bool is_document(const struct entry *entry)
{
	return entry->kind == ENTRY_TRANSFER || entry->kind == ENTRY_CLAIM;
}

/* Goods may leave under a number that was only written on their papers. */
static enum err_code sent_fold(struct txn *txn, struct pos pos,
			       const struct movement *movement, struct err *err)
{
	const struct place *place = transfer_place(movement);
	struct transfer_sums sums;
	enum transfer_side side;

	if (place == NULL || !transfer_effect(0, movement, &side, &sums) ||
	    side != TRANSFER_SENDER)
		return ERR_OK;
	return number_fold(txn, pos, place_name_span(&place->name), err);
}

enum err_code transfer_fold_own(struct txn *txn, struct pos pos,
				const struct entry *entry, struct err *err)
{
	enum transfer_side side = TRANSFER_SENDER;
	enum err_code code;

	if (entry->kind == ENTRY_MOVEMENT) {
		code = movement_fold(txn, ORIGIN_OWN, 0, &entry->body.movement,
				     err);
		return code == ERR_OK
			       ? sent_fold(txn, pos, &entry->body.movement, err)
			       : code;
	}
	if (!is_document(entry))
		return ERR_OK;
	code = own_side(txn_view(txn), entry, &side, err);
	if (code == ERR_OK && side == TRANSFER_SENDER &&
	    entry->kind == ENTRY_TRANSFER)
		code = number_fold(txn, pos,
				   place_name_span(&entry->body.transfer.id),
				   err);
	if (code != ERR_OK)
		return code;
	return document_fold(txn, ORIGIN_OWN, side, pos, entry, err);
}

/* The transfer that @entry is about; false if that is none of the network. */
static bool is_about_transfer(const struct entry *entry, struct span *ret_id)
{
	const struct place *place = NULL;
	struct transfer_id id;

	if (entry->kind == ENTRY_MOVEMENT)
		place = transfer_place(&entry->body.movement);
	if (place != NULL)
		*ret_id = place_name_span(&place->name);
	else if (entry->kind == ENTRY_TRANSFER)
		*ret_id = place_name_span(&entry->body.transfer.id);
	else if (entry->kind == ENTRY_CLAIM)
		*ret_id = place_name_span(&entry->body.claim.transfer);
	else
		return false;
	return transfer_id_parse(*ret_id, &id);
}

enum err_code transfer_fold(struct txn *txn, uint32_t site, struct pos pos,
			    const struct entry *entry, struct err *err)
{
	struct span id;

	if (!is_about_transfer(entry, &id) || !entry_is_sound(entry))
		return ERR_OK;
	if (is_document(entry)) {
		if (!transfer_entry_has_authority(site, entry))
			return ERR_OK;
		return document_fold(txn, ORIGIN_FEEDS,
				     transfer_side_of(site, id), pos, entry,
				     err);
	}
	if (!transfer_has_authority(site, &entry->body.movement))
		return ERR_OK;
	return movement_fold(txn, ORIGIN_FEEDS, site, &entry->body.movement,
			     err);
}
