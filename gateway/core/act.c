#include "gateway/core/act.h"

#include <inttypes.h>

struct actor actor_rule(const char *name)
{
	struct actor actor = {.kind = ACTOR_RULE};
	bool fits = name_set(&actor.name, span_of(name));

	ASSERT(fits);
	return actor;
}

void act_entry(const struct act *act, struct entry *entry, enum entry_kind kind)
{
	entry_init(entry, kind);
	entry->actor = act->actor;
	if (act->effective.ms != 0) {
		entry->effective = act->effective;
		if (act->is_effective_trusted)
			entry->clock_flags |= ENTRY_EFFECTIVE_TRUSTED;
	}
}

enum err_code act_post(struct act *act, struct entry *entry,
		       struct pos *ret_pos, struct err *err)
{
	if (entry->kind == ENTRY_MOVEMENT)
		act->counters->movements++;
	return batch_post(act->batch, entry, ret_pos, err);
}

enum err_code act_count_task(struct act *act, struct span bin, struct span item,
			     const char *reason, struct err *err)
{
	struct entry entry;
	struct task *task = &entry.body.task;
	struct pos next = batch_next(act->batch);
	char id[POS_PRINT_SIZE];
	struct name open;
	enum err_code code;
	bool fits;

	code = task_open_count(batch_view(act->batch), bin, item, &open, err);
	if (code != ERR_NOT_FOUND)
		return code;
	act_entry(act, &entry, ENTRY_TASK);
	fits = text_format(id, sizeof(id), "t%" PRIu32 "-%" PRIu64,
			   pos_epoch(next), pos_number(next)) &&
	       name_set(&task->id, span_of(id)) &&
	       place_name_set(&task->bin, bin) && sku_set(&task->item, item) &&
	       reason_set(&task->reason, span_of(reason));
	ASSERT(fits);
	task->kind = TASK_COUNT;
	task->state = TASK_OPEN;
	return act_post(act, &entry, NULL, err);
}

/* The id that the publisher makes a topic of: code, '-', subject, cut. */
static struct ref alert_id(const struct alarm *alarm, struct span key)
{
	char text[REF_SIZE_MAX + 1];
	char subject[REF_SIZE_MAX + 1];
	struct ref id;
	bool fits;

	text_print(key.size > 0 ? key : alarm->subject, subject,
		   sizeof(subject));
	(void)text_format(text, sizeof(text), "%s%s%s", alarm->code,
			  subject[0] == '\0' ? "" : "-", subject);
	/* The cut may have split a character. */
	text_print(span_of(text), text, sizeof(text));
	fits = ref_set(&id, span_of(text));
	ASSERT(fits);
	return id;
}

enum err_code act_alert_keyed(struct act *act, const struct alarm *alarm,
			      struct span key, bool is_closed, struct err *err)
{
	struct ref id = alert_id(alarm, key);
	struct entry entry;
	struct alert *alert = &entry.body.alert;
	struct alert open;
	char subject[CODE_SIZE_MAX + 1];
	enum err_code code;
	bool fits;

	code = alert_get(batch_view(act->batch), ref_span(&id), &open, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if ((code == ERR_NOT_FOUND) == is_closed)
		return ERR_OK;
	act_entry(act, &entry, ENTRY_ALERT);
	text_print(alarm->subject, subject, sizeof(subject));
	alert->id = id;
	fits = reason_set(&alert->code, span_of(alarm->code)) &&
	       code_text_set(&alert->subject, span_of(subject));
	ASSERT(fits);
	alert->severity = alarm->severity;
	alert->value = alarm->value;
	alert->is_closed = is_closed;
	return act_post(act, &entry, NULL, err);
}

enum err_code act_alert(struct act *act, const struct alarm *alarm,
			bool is_closed, struct err *err)
{
	const struct span none = {"", 0};

	return act_alert_keyed(act, alarm, none, is_closed, err);
}

void pos_print(struct pos pos, char *buffer, size_t size)
{
	(void)text_format(buffer, size, "%" PRIu32 ".%" PRIu64, pos_epoch(pos),
			  pos_number(pos));
}
