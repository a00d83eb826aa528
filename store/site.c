#include "store/site.h"

#include "store/row.h"

static const struct span site_key = {"site", 4};
static const struct span restored_key = {"restored", 8};
static const struct span regaining_key = {"regaining", 9};

enum err_code site_number_get(const struct view *view, uint32_t *ret_site,
			      struct err *err)
{
	struct reader reader;
	uint32_t site = 0;
	enum err_code code = row_get(view, TABLE_META, site_key, &reader, err);

	if (code == ERR_OK) {
		site = read_u32(&reader);
		if (!reader_done(&reader))
			return row_garbled(TABLE_META, err);
	} else if (code != ERR_NOT_FOUND) {
		return code;
	}
	*ret_site = site;
	return ERR_OK;
}

enum err_code site_number_put(struct txn *txn, uint32_t site, struct err *err)
{
	uint8_t buffer[4 + ROW_CHECKSUM_SIZE];
	struct writer writer;
	uint32_t before;
	enum err_code code = site_number_get(txn_view(txn), &before, err);

	if (code != ERR_OK)
		return code;
	if (before != 0 && before != site)
		return err_set(err, ERR_CONFLICT,
			       "this site is number %u already, not %u", before,
			       site);
	writer_init(&writer, buffer, sizeof(buffer));
	write_u32(&writer, site);
	return row_put(txn, TABLE_META, site_key, &writer, err);
}

/* ---- marks ---- */

/* 0: it is not there. */
static enum err_code mark_get(const struct view *view, struct span key,
			      uint8_t *ret_mark, struct err *err)
{
	struct reader reader;
	uint8_t mark = 0;
	enum err_code code = row_get(view, TABLE_META, key, &reader, err);

	if (code == ERR_OK) {
		mark = read_u8(&reader);
		if (mark == 0 || !reader_done(&reader))
			return row_garbled(TABLE_META, err);
	} else if (code != ERR_NOT_FOUND) {
		return code;
	}
	*ret_mark = mark;
	return ERR_OK;
}

static enum err_code mark_put(struct txn *txn, struct span key, uint8_t mark,
			      struct err *err)
{
	uint8_t buffer[1 + ROW_CHECKSUM_SIZE];
	struct writer writer;
	enum err_code code;

	writer_init(&writer, buffer, sizeof(buffer));
	write_u8(&writer, mark);
	if (mark != 0)
		return row_put(txn, TABLE_META, key, &writer, err);
	code = txn_delete(txn, TABLE_META, key, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code site_mark_get(const struct view *view, enum site_mark *ret_mark,
			    struct err *err)
{
	uint8_t mark = 0;
	enum err_code code = mark_get(view, restored_key, &mark, err);

	if (code == ERR_OK && mark > SITE_MARK_SET_BACK)
		return row_garbled(TABLE_META, err);
	if (code == ERR_OK)
		*ret_mark = (enum site_mark)mark;
	return code;
}

enum err_code site_mark_put(struct txn *txn, enum site_mark mark,
			    struct err *err)
{
	enum site_mark there = SITE_MARK_NONE;
	enum err_code code = site_mark_get(txn_view(txn), &there, err);

	if (code != ERR_OK || there == mark ||
	    (mark == SITE_MARK_SET_BACK && there != SITE_MARK_NONE))
		return code;
	return mark_put(txn, restored_key, (uint8_t)mark, err);
}

enum err_code site_restored_get(const struct view *view, bool *ret_is,
				struct err *err)
{
	enum site_mark mark;
	enum err_code code = site_mark_get(view, &mark, err);

	if (code == ERR_OK)
		*ret_is = mark != SITE_MARK_NONE;
	return code;
}

enum err_code site_restored_put(struct txn *txn, bool is_restored,
				struct err *err)
{
	return site_mark_put(
		txn, is_restored ? SITE_MARK_RESTORED : SITE_MARK_NONE, err);
}

enum err_code site_regaining_get(const struct view *view, bool *ret_is,
				 struct err *err)
{
	uint8_t mark = 0;
	enum err_code code = mark_get(view, regaining_key, &mark, err);

	if (code == ERR_OK)
		*ret_is = mark != 0;
	return code;
}

enum err_code site_regaining_put(struct txn *txn, bool is_regaining,
				 struct err *err)
{
	return mark_put(txn, regaining_key, is_regaining, err);
}
