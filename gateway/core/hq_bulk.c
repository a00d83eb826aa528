#include "gateway/core/hq_bulk.h"

#include <string.h>

void hq_bulk_init(struct hq_bulk *bulk, const struct hq *hq,
		  struct batch *batch, bool is_master)
{
	bulk->hq = hq;
	bulk->batch = batch;
	bulk->is_master = is_master;
	bulk->last = (struct stamp){0};
	bulk->seq = 0;
	bulk->count = 0;
	bulk->size = 0;
}

static enum err_code delta_say(struct hq_bulk *bulk, struct err *err)
{
	struct feed_write written = {
		.id = hq_feed(bulk->hq, bulk->is_master),
		.plan = hq_plan(bulk->hq, bulk->batch, bulk->is_master),
		.entries = bulk->spans,
		.count = bulk->count,
	};
	enum err_code code = feed_write(bulk->hq->desk, batch_txn(bulk->batch),
					&written, &bulk->seq, err);

	bulk->count = 0;
	bulk->size = 0;
	return code;
}

/* After what the feed had before. */
static enum err_code last_find(struct hq_bulk *bulk, struct err *err)
{
	struct feed_record feed = {.seq = 0};
	enum err_code code =
		feed_get(batch_view(bulk->batch),
			 hq_feed(bulk->hq, bulk->is_master), &feed, err);

	if (code == ERR_OK)
		bulk->last = feed.stamp;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code hq_bulk_add(struct hq_bulk *bulk, struct entry *entry,
			  struct err *err)
{
	UNINITIALIZED uint8_t buffer[ENTRY_SIZE_MAX];
	struct writer writer;
	bool is_behind = false;
	enum err_code code = ERR_OK;

	if (bulk->last.value == 0)
		code = hq_is_behind(bulk->hq, batch_view(bulk->batch),
				    &is_behind, err);
	if (code == ERR_OK && is_behind)
		code = err_set(err, ERR_AGAIN,
			       "HQ may have been set back: it says nothing");
	if (code == ERR_OK && bulk->last.value == 0)
		code = last_find(bulk, err);
	if (code != ERR_OK)
		return code;
	hq_stamp(bulk->batch, &bulk->last, entry);
	if (!entry_is_sound(entry))
		return err_set(err, ERR_DENIED,
			       "an entry of kind %s is not sound",
			       entry_kind_name(entry->kind));
	writer_init(&writer, buffer, sizeof(buffer));
	entry_encode(&writer, entry);
	ASSERT(writer_ok(&writer));
	if (bulk->count == HQ_BULK_ROWS ||
	    bulk->size + writer.size > sizeof(bulk->bytes))
		code = delta_say(bulk, err);
	if (code != ERR_OK)
		return code;
	memcpy(bulk->bytes + bulk->size, buffer, writer.size);
	bulk->spans[bulk->count++] = (struct span){
		(const char *)bulk->bytes + bulk->size, writer.size};
	bulk->size += writer.size;
	return ERR_OK;
}

enum err_code hq_bulk_end(struct hq_bulk *bulk, struct err *err)
{
	return bulk->count == 0 ? ERR_OK : delta_say(bulk, err);
}
