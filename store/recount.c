#include "store/recount.h"

#include <inttypes.h>

#include "rules/base/text.h"

#define TASK_ID_SIZE 32 /* "t4294967295-1099511627775" */

enum err_code recount_post(struct batch *batch, struct err *err)
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
	       reason_set(&task->reason, SPAN_LITERAL(RECOUNT_REASON));
	ASSERT(fits);
	return batch_post(batch, &entry, NULL, err);
}
