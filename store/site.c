#include "store/site.h"

#include "store/row.h"

static const struct span site_key = {"site", 4};
static const struct span restored_key = {"restored", 8};

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

enum err_code site_restored_get(const struct view *view, bool *ret_is,
				struct err *err)
{
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_META, restored_key, &reader, err);

	if (code == ERR_OK && (read_u8(&reader) != 1 || !reader_done(&reader)))
		return row_garbled(TABLE_META, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_is = code == ERR_OK;
	return ERR_OK;
}

enum err_code site_restored_put(struct txn *txn, bool is_restored,
				struct err *err)
{
	uint8_t buffer[1 + ROW_CHECKSUM_SIZE];
	struct writer writer;
	enum err_code code;

	writer_init(&writer, buffer, sizeof(buffer));
	write_u8(&writer, 1);
	if (is_restored)
		return row_put(txn, TABLE_META, restored_key, &writer, err);
	code = txn_delete(txn, TABLE_META, restored_key, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}
