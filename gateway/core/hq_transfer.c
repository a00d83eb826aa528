#include "gateway/core/hq_transfer.h"

#include "gateway/core/transfer.h"

/* Entries of one delta of control. */
#define PART_ENTRIES 16

struct part {
	struct entry entries[PART_ENTRIES];
	size_t count;
	int64_t units;
};

static enum err_code entry_take(void *context, const struct entry *entry,
				struct err *err)
{
	struct part *part = context;

	(void)err;
	if (part->count == PART_ENTRIES)
		return ERR_STOPPED;
	if (entry->kind == ENTRY_MOVEMENT &&
	    __builtin_add_overflow(part->units,
				   entry->body.movement.quantity.units,
				   &part->units))
		part->units = INT64_MAX;
	part->entries[part->count++] = *entry;
	return ERR_OK;
}

/* Part by part: what was said is no longer in transit when the next is read. */
enum err_code hq_write_off(const struct hq *hq, struct batch *batch,
			   const struct hq_write_off *off, int64_t *ret_units,
			   struct err *err)
{
	UNINITIALIZED struct part part;
	struct hq_word word = {.entries = part.entries};
	bool is_whole = false;
	enum err_code code = ERR_OK;

	part.units = 0;
	while (!is_whole) {
		part.count = 0;
		code = transfer_write_off(batch_view(batch), off->transfer,
					  off->reason, entry_take, &part, err);
		is_whole = code == ERR_OK;
		if (code != ERR_OK && code != ERR_STOPPED)
			return code;
		word.count = part.count;
		code = hq_say(hq, batch, &word, NULL, err);
		if (code != ERR_OK)
			return code;
	}
	*ret_units = part.units;
	return ERR_OK;
}
