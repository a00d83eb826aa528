#include "store/last_word.h"

#include "rules/base/check.h"

#define WORD_ROW_SIZE_MAX (ENTRY_SIZE_MAX + 32)

struct span last_word_bytes(const struct entry *entry, uint8_t *buffer)
{
	struct entry copy = *entry;
	struct writer writer;

	copy.actor.boot.size = 0;
	copy.actor.seq = 0;
	writer_init(&writer, buffer, ENTRY_SIZE_MAX);
	entry_encode(&writer, &copy);
	ASSERT(writer_ok(&writer));
	return (struct span){(const char *)buffer, writer.size};
}

static enum err_code is_last(const struct view *view,
			     const struct last_word *word, bool *ret_is,
			     struct err *err)
{
	struct reader reader;
	struct pos there;
	struct span other;
	enum err_code code =
		row_get(view, word->table, key_span(word->key), &reader, err);

	*ret_is = true;
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	there = read_pos(&reader);
	other = read_raw(&reader, reader_left(&reader));
	if (!reader_ok(&reader))
		return row_garbled(word->table, err);
	*ret_is = word->pos.value > there.value ||
		  (word->pos.value == there.value &&
		   span_compare(word->bytes, other) > 0);
	return ERR_OK;
}

enum err_code last_word_put(struct txn *txn, const struct last_word *word,
			    struct err *err)
{
	UNINITIALIZED uint8_t buffer[WORD_ROW_SIZE_MAX];
	struct writer writer;
	bool is;
	enum err_code code = is_last(txn_view(txn), word, &is, err);

	if (code != ERR_OK || !is)
		return code;
	writer_init(&writer, buffer, sizeof(buffer));
	write_pos(&writer, word->pos);
	write_raw(&writer, word->bytes.data, word->bytes.size);
	return row_put(txn, word->table, key_span(word->key), &writer, err);
}
