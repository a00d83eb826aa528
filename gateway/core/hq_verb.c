#include "gateway/core/hq_verb.h"

#include "rules/base/check.h"

static const struct intent_verb verbs[] = {
	{"task.add", "task", "count task %s is open", "盘点任务 %s 已开启"},
	{"task.cancel", "task", "task %s is cancelled", "任务 %s 已取消"},
	{"transfer.create", "transfer", "transfer %s is begun",
	 "调拨 %s 已建立"},
	{"transfer.cancel", "transfer", "transfer %s is cancelled",
	 "调拨 %s 已取消"},
	{"alert.close", "entry", "the alert is closed, entry %s",
	 "警报已关闭，记录 %s"},
	{"check.ask", "task", "task %s asks for it", "任务 %s 已提出检查"},
	{"check.retire", "check", "%s is no longer asked for",
	 "不再要求检查 %s"},
	{"item.set", "entry", "set, entry %s", "已设定，记录 %s"},
	{"code.set", "entry", "set, entry %s", "已设定，记录 %s"},
};

const struct intent_verb *intent_verb_at(size_t index)
{
	return index < ARRAY_LEN(verbs) ? &verbs[index] : NULL;
}

const struct intent_verb *intent_verb_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
		if (span_is(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}
