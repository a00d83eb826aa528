#include "gateway/core/hq_ask.h"

#include <inttypes.h>

#include "store/site.h"

#define HOUR_MS INT64_C(3600000)
#define WEEK_HOURS 168

const struct hq *asking_hq(struct asking *asking)
{
	static const struct refusal not_hq = {
		"not_hq",
		"this box is not HQ of a network: depot hq init makes it so",
		"本机不是网络的总部：可用 depot hq init 设为总部"};
	static const struct refusal is_behind = {
		"hq_behind",
		"this HQ was set back, and sites may know words of it that it "
		"does not: once depot peers shows that its own deltas go on, "
		"stop depotd, then depot hq renew --root FILE",
		"总部的数据曾回退，各站点可能持有本机没有的总部指令：待 depot "
		"peers 显示本站记录继续后，停止 depotd，再运行 depot hq renew "
		"--root 文件"};
	const struct hq *hq = asking->act->plan->hq;
	uint32_t site = 0;
	bool is = false;

	/* What cannot be read here fails when it is said. */
	if (hq != NULL &&
	    (hq_is_behind(hq, asking->view, &is, NULL) != ERR_OK || !is))
		return hq;
	/* A backup has no keys: HQ's number without them. */
	if (hq == NULL && site_number_get(asking->view, &site, NULL) == ERR_OK)
		is = site == SITE_FIRST;
	(void)asking_refuse(asking, is ? &is_behind : &not_hq,
			    SPAN_LITERAL(""));
	return NULL;
}

int64_t intent_hours(const struct asking *asking)
{
	return asking->now.ms != 0 ? WEEK_HOURS : 0;
}

static int64_t expires_of(const struct asking *asking,
			  const struct intent_plan *plan)
{
	return plan->hours == 0 ? 0
				: batch_now(asking->act->batch).ms +
					  plan->hours * HOUR_MS;
}

enum err_code hq_ask(struct asking *asking, const struct hq *hq,
		     const struct intent_plan *plan, struct ref *ret_id,
		     struct err *err)
{
	struct feed_record feed = {.number = 0};
	struct entry entry;
	struct intent *intent = &entry.body.intent;
	struct hq_word word = {&entry, 1, false};
	char id[48];
	bool fits;
	enum err_code code =
		feed_get(asking->view, hq_feed(hq, false), &feed, err);

	if (code != ERR_OK)
		return code;
	(void)text_format(id, sizeof(id), "i%" PRIu32 "-%06" PRIu64,
			  hq->control_epoch, feed.number + 1);
	act_entry(asking->act, &entry, ENTRY_INTENT);
	intent->target = plan->site;
	intent->expires_ms = (uint64_t)expires_of(asking, plan);
	fits = ref_set(&intent->id, span_of(id)) &&
	       reason_set(&intent->verb, plan->verb) &&
	       intent_arguments_set(&intent->arguments, plan->arguments);
	ASSERT(fits);
	code = hq_say(hq, asking->act->batch, &word, NULL, err);
	if (code == ERR_OK)
		*ret_id = intent->id;
	return code;
}

void hq_asked_out(struct asking *asking, const struct intent_plan *plan,
		  const struct ref *id)
{
	int64_t expires = expires_of(asking, plan);

	out_text_at(asking->out, "intent", ref_span(id));
	out_int_at(asking->out, "site", plan->site);
	out_text_at(asking->out, "verb", plan->verb);
	if (expires != 0)
		out_moment_at(asking->out, "expires", (struct moment){expires});
}
