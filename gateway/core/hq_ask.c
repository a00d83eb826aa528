#include "gateway/core/hq_ask.h"

#include <inttypes.h>

#include "store/site.h"

#define HOUR_MS INT64_C(3600000)
#define WEEK_HOURS 168

static const struct refusal not_hq = {
	"not_hq", "this box is not HQ of a network: depot hq init makes it so",
	"本机不是网络的总部：可用 depot hq init 设为总部"};
static const struct refusal wants_root = {
	"hq_behind",
	"this HQ was set back, and sites may know words of it that it "
	"does not: once depot peers shows that its own deltas go on, "
	"stop depotd, then depot hq renew --root FILE",
	"总部的数据曾回退，各站点可能持有本机没有的总部指令：待 depot "
	"peers 显示本站记录继续后，停止 depotd，再运行 depot hq renew "
	"--root 文件"};
static const struct refusal is_behind = {
	"hq_behind",
	"this HQ was set back, and is taking back from the sites what it had "
	"said, which it knows the end of: it speaks again when it has all of "
	"it. Keep depotd and a link up, or depot import a site's stick; if no "
	"site has it: depot hq renew --root FILE",
	"总部的数据曾回退，正从各站点取回已发布的指令（已知其终点）：取回全部后"
	"即可继续发布。请保持 depotd 和链路运行，或用 depot import 导入站点的 "
	"U 盘文件；若没有站点持有：depot hq renew --root 文件"};
static const struct refusal listens = {
	"hq_listens",
	"the start guard is missing or another machine's, so nobody can tell "
	"whether this store has all that HQ said: it speaks when a site was "
	"heard for a minute; if you know that this disk was not set back: "
	"depot hq confirm",
	"启动校验缺失或来自另一台机器，无法确定本机是否持有总部发布过的全部指令"
	"："
	"听到站点一分钟后即可发布；若确知本磁盘没有回退：depot hq confirm"};

static const struct refusal *refusal_of(enum hq_silence silence)
{
	switch (silence) {
	case HQ_SILENCE_NONE:
		break;
	case HQ_SILENCE_LISTENS:
		return &listens;
	case HQ_SILENCE_BEHIND:
		return &is_behind;
	case HQ_SILENCE_ROOT:
		return &wants_root;
	}
	return NULL;
}

/* A box that is not HQ; a backup of HQ has no keys, only HQ's number. */
static const struct refusal *stranger_refusal(const struct asking *asking)
{
	uint32_t site = 0;

	return site_number_get(asking->view, &site, NULL) == ERR_OK &&
			       site == SITE_FIRST
		       ? &wants_root
		       : &not_hq;
}

const struct hq *asking_hq(struct asking *asking)
{
	const struct hq *hq = asking->act->plan->hq;
	const struct refusal *refusal = NULL;
	enum hq_silence silence;

	if (hq == NULL)
		refusal = stranger_refusal(asking);
	/* What cannot be read here fails when it is said. */
	else if (hq_silence_of(hq, asking->view, &silence, NULL) == ERR_OK)
		refusal = refusal_of(silence);
	if (refusal == NULL)
		return hq;
	(void)asking_refuse(asking, refusal, SPAN_LITERAL(""));
	return NULL;
}

enum err_code hq_confirm(struct asking *asking, struct err *err)
{
	const struct hq *hq = asking->act->plan->hq;
	enum hq_silence silence = HQ_SILENCE_NONE;
	enum err_code code = ERR_OK;

	if (hq != NULL)
		code = hq_silence_of(hq, asking->view, &silence, err);
	if (code != ERR_OK)
		return code;
	if (silence != HQ_SILENCE_LISTENS)
		hq = asking_hq(asking); /* nothing to confirm, or refused */
	if (hq == NULL)
		return ERR_OK;
	if (silence == HQ_SILENCE_LISTENS)
		atomic_store(hq->voice, HQ_CONFIRMED);
	out_bool_at(asking->out, "confirmed", silence == HQ_SILENCE_LISTENS);
	return ERR_OK;
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
