#include "store/scrub.h"

#include <inttypes.h>

#include "store/seal.h"

#define SCRUB_ROW_SIZE_MAX 256

static const struct span scrub_key = {"scrub", 5};

enum err_code scrub_load(const struct view *view, struct scrub *ret_scrub,
			 struct err *err)
{
	struct scrub scrub = {.chain = 0};
	struct reader reader;
	struct span after;
	enum err_code code = row_get(view, TABLE_META, scrub_key, &reader, err);

	if (code == ERR_OK) {
		scrub.verified.pos = read_pos(&reader);
		scrub.verified.chain = read_u64(&reader);
		scrub.pos = read_pos(&reader);
		scrub.chain = read_u64(&reader);
		scrub.table = read_u32(&reader);
		scrub.rounds = read_varint(&reader);
		after = read_raw(&reader, reader_left(&reader));
		if (!reader_done(&reader) || after.size > KEY_SIZE_MAX ||
		    scrub.table >= TABLE_COUNT)
			return row_garbled(TABLE_META, err);
		scrub.after = key_of_text(after);
	} else if (code != ERR_NOT_FOUND) {
		return code;
	}
	*ret_scrub = scrub;
	return ERR_OK;
}

enum err_code scrub_save(struct txn *txn, const struct scrub *scrub,
			 struct err *err)
{
	uint8_t buffer[SCRUB_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_pos(&writer, scrub->verified.pos);
	write_u64(&writer, scrub->verified.chain);
	write_pos(&writer, scrub->pos);
	write_u64(&writer, scrub->chain);
	write_u32(&writer, scrub->table);
	write_varint(&writer, scrub->rounds);
	write_raw(&writer, scrub->after.bytes, scrub->after.size);
	return row_put(txn, TABLE_META, scrub_key, &writer, err);
}

/* ---- a step ---- */

struct step {
	struct scrub *scrub;
	uint64_t left; /* rows that may still be read */
};

static enum err_code entry_scrub(void *context, const struct journal_row *row,
				 struct err *err)
{
	struct step *step = context;
	struct scrub *scrub = step->scrub;
	uint64_t before = pos_number(row->pos) == 1 ? 0 : scrub->chain;

	if (step->left == 0)
		return ERR_STOPPED;
	if (seal_checksum(before, row->bytes) != row->chain)
		return err_set(err, ERR_CORRUPT,
			       "the chain breaks at entry %" PRIu32 ".%" PRIu64
			       ": " ENV_ADVICE,
			       pos_epoch(row->pos), pos_number(row->pos));
	scrub->pos = row->pos;
	scrub->chain = row->chain;
	step->left--;
	return ERR_OK;
}

/* Goes on to the tables when the journal's end is reached. */
static enum err_code journal_scrub(const struct view *view, struct step *step,
				   struct err *err)
{
	struct scrub *scrub = step->scrub;
	struct pos next = {scrub->pos.value + 1};
	enum err_code code = journal_walk(view, next, entry_scrub, step, err);

	if (code != ERR_OK)
		return code;
	scrub->verified.pos = scrub->pos;
	scrub->verified.chain = scrub->chain;
	scrub->table = TABLE_JOURNAL + 1;
	scrub->after.size = 0;
	return ERR_OK;
}

static enum err_code row_scrub(void *context, struct span key,
			       struct span value, struct err *err)
{
	struct step *step = context;
	struct scrub *scrub = step->scrub;
	struct reader row;
	enum err_code code;

	if (span_equal(key, key_span(&scrub->after)))
		return ERR_OK;
	if (step->left == 0)
		return ERR_STOPPED;
	if (key.size > KEY_SIZE_MAX)
		return row_garbled((enum table)scrub->table, err);
	code = row_open((enum table)scrub->table, key, value, &row, err);
	if (code != ERR_OK)
		return code;
	scrub->after = key_of_text(key);
	step->left--;
	return ERR_OK;
}

static enum err_code table_scrub(const struct view *view, struct step *step,
				 struct err *err)
{
	const struct span all = {"", 0};
	struct scrub *scrub = step->scrub;
	struct key from = scrub->after;
	enum err_code code =
		view_walk(view, (enum table)scrub->table, key_span(&from), all,
			  row_scrub, step, err);

	if (code != ERR_OK)
		return code;
	scrub->after.size = 0;
	scrub->table++;
	if (scrub->table < TABLE_COUNT)
		return ERR_OK;
	/* META comes first by its number, is read with every batch, and has
	 * the one row without a checksum: the round ends without it. */
	scrub->table = 0;
	scrub->pos.value = 0;
	scrub->chain = 0;
	scrub->rounds++;
	return ERR_OK;
}

enum err_code scrub_step(const struct view *view, struct scrub *scrub,
			 uint64_t rows, struct err *err)
{
	struct step step = {scrub, rows};
	uint64_t round = scrub->rounds;
	enum err_code code = ERR_OK;

	while (code == ERR_OK && step.left > 0 && scrub->rounds == round)
		code = scrub->table == 0 ? journal_scrub(view, &step, err)
					 : table_scrub(view, &step, err);
	return code == ERR_STOPPED ? ERR_OK : code;
}
