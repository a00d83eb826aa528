/*
 * What other feeds moved between sites: numbered, for whoever shows it.
 */
#include "store/transfer_rows.h"

#define VARINT_SIZE 10

static struct key change_key(uint64_t number)
{
	struct key key = {.size = 0};

	key_add_u8(&key, ORIGIN_BOTH);
	key_add_u8(&key, TRANSFER_ROW_CHANGE);
	key_add_u32(&key, (uint32_t)(number % TRANSFER_CHANGES_MAX));
	return key;
}

static struct key last_key(void)
{
	struct key key = {.size = 0};

	key_add_u8(&key, ORIGIN_BOTH);
	key_add_u8(&key, TRANSFER_ROW_LAST);
	return key;
}

enum err_code transfer_change_last(const struct view *view,
				   uint64_t *ret_number, struct err *err)
{
	struct key key = last_key();
	struct reader reader;
	uint64_t number = 0;
	enum err_code code =
		row_get(view, TABLE_TRANSFER, key_span(&key), &reader, err);

	if (code == ERR_OK) {
		number = read_varint(&reader);
		if (!reader_done(&reader))
			return row_garbled(TABLE_TRANSFER, err);
	} else if (code != ERR_NOT_FOUND) {
		return code;
	}
	*ret_number = number;
	return ERR_OK;
}

enum err_code transfer_change_item(const struct view *view, uint64_t number,
				   struct sku *ret_item, struct err *err)
{
	struct key key = change_key(number);
	struct reader reader;
	struct span item;
	uint64_t found;
	enum err_code code =
		row_get(view, TABLE_TRANSFER, key_span(&key), &reader, err);

	if (code != ERR_OK)
		return code;
	found = read_varint(&reader);
	item = read_raw(&reader, reader_left(&reader));
	if (!reader_done(&reader) || !sku_set(ret_item, item))
		return row_garbled(TABLE_TRANSFER, err);
	return found == number ? ERR_OK : ERR_NOT_FOUND;
}

enum err_code transfer_change_note(struct txn *txn, struct span item,
				   struct err *err)
{
	uint8_t buffer[VARINT_SIZE + SKU_SIZE_MAX + ROW_CHECKSUM_SIZE];
	struct writer writer;
	uint64_t last;
	struct key key;
	enum err_code code = transfer_change_last(txn_view(txn), &last, err);

	if (code != ERR_OK)
		return code;
	last++;
	key = change_key(last);
	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, last);
	write_raw(&writer, item.data, item.size);
	code = row_put(txn, TABLE_TRANSFER, key_span(&key), &writer, err);
	if (code != ERR_OK)
		return code;
	key = last_key();
	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, last);
	return row_put(txn, TABLE_TRANSFER, key_span(&key), &writer, err);
}
