#include "store/recount.h"

#include <inttypes.h>

#include "rules/base/text.h"
#include "store/master.h"

#define TASK_ID_SIZE 32 /* "t4294967295-1099511627775" */

/* Named by the entry that opens it. */
static struct entry task_of(const struct batch *batch, struct span reason)
{
	struct pos next = batch_next(batch);
	struct entry entry;
	struct task *task = &entry.body.task;
	char id[TASK_ID_SIZE];
	bool fits;

	entry_init(&entry, ENTRY_TASK);
	entry.actor.kind = ACTOR_RULE;
	task->kind = TASK_COUNT;
	task->state = TASK_OPEN;
	fits = text_format(id, sizeof(id), "t%" PRIu32 "-%" PRIu64,
			   pos_epoch(next), pos_number(next)) &&
	       name_set(&entry.actor.name, SPAN_LITERAL("succession")) &&
	       name_set(&task->id, span_of(id)) &&
	       reason_set(&task->reason, reason);
	ASSERT(fits);
	return entry;
}

enum err_code recount_post(struct batch *batch, struct err *err)
{
	struct entry entry = task_of(batch, SPAN_LITERAL(RECOUNT_REASON));

	return batch_post(batch, &entry, NULL, err);
}

enum err_code recount_post_bin(struct batch *batch, struct span bin,
			       struct span item, struct err *err)
{
	struct entry entry = task_of(batch, SPAN_LITERAL(RECOUNT_LATE_REASON));
	struct name open;
	enum err_code code =
		task_open_count(batch_view(batch), bin, item, &open, err);
	bool fits;

	if (code != ERR_NOT_FOUND)
		return code;
	fits = place_name_set(&entry.body.task.bin, bin) &&
	       sku_set(&entry.body.task.item, item);
	ASSERT(fits);
	return batch_post(batch, &entry, NULL, err);
}
