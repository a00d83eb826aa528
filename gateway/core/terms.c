#include "gateway/core/terms.h"

#include <string.h>

/* The first line of a value in a set is what replies call it; those after it
 * are taken too. */
struct term {
	uint32_t value;
	const char *word;
	const char *zh;
};

static const struct term actors[] = {
	{ACTOR_DEVICE, "device", "设备"},
	{ACTOR_ACCOUNT, "account", "账户"},
	{ACTOR_RULE, "rule", "规则"},
};

static const struct term refs[] = {
	{REF_ORDER, "order", "订单"},
	{REF_PURCHASE_ORDER, "purchase_order", "采购单"},
	{REF_TRANSFER, "transfer", "调拨单"},
	{REF_COUNT, "count", "盘点"},
	{REF_CLAIM, "claim", "索赔"},
	{REF_ENTRY, "entry", "记录"},
	{REF_TASK, "task", "任务"},
};

static const struct term movements[] = {
	{MOVEMENT_RECEIVE, "receive", "收货"},
	{MOVEMENT_PUTAWAY, "putaway", "上架"},
	{MOVEMENT_MOVE, "move", "移库"},
	{MOVEMENT_PICK, "pick", "拣货"},
	{MOVEMENT_PACK, "pack", "打包"},
	{MOVEMENT_SHIP, "ship", "发货"},
	{MOVEMENT_RETURN, "return", "退货"},
	{MOVEMENT_TRANSFER_OUT, "transfer_out", "调出"},
	{MOVEMENT_TRANSFER_IN, "transfer_in", "调入"},
	{MOVEMENT_COUNT_ADJUST, "count_adjust", "盘点调整"},
	{MOVEMENT_FOUND, "found", "账外发现"},
	{MOVEMENT_SCRAP, "scrap", "报废"},
	{MOVEMENT_HOLD, "hold", "冻结"},
	{MOVEMENT_RELEASE, "release", "解冻"},
	{MOVEMENT_TRANSFORM, "transform", "加工"},
	{MOVEMENT_REVERSE, "reverse", "冲销"},
	{MOVEMENT_TRANSFER_ADJUST, "transfer_adjust", "调拨调整"},
};

static const struct term places[] = {
	{PLACE_BIN, "bin", "库位"},
	{PLACE_TRANSIT, "transit", "在途"},
	{PLACE_SUPPLIER, "supplier", "供应商"},
	{PLACE_CUSTOMER, "customer", "客户"},
	{PLACE_LOSS, "loss", "盘亏"},
	{PLACE_FOUND, "found", "盘盈"},
	{PLACE_SCRAP, "scrap", "报废"},
	{PLACE_MADE, "made", "加工"},
};

static const struct term conditions[] = {
	{CONDITION_GOOD, "good", "良品"},
	{CONDITION_ON_HOLD, "on_hold", "冻结"},
	{CONDITION_QUARANTINE, "quarantine", "待检"},
	{CONDITION_DAMAGED, "damaged", "残次品"},
};

static const struct term units[] = {
	{UNIT_EACH, "each", "个"},
	{UNIT_GRAM, "gram", "克"},
	{UNIT_MILLILITRE, "millilitre", "毫升"},
	{UNIT_MILLIMETRE, "millimetre", "毫米"},
	{UNIT_EACH, "ea", "件"},
	{UNIT_EACH, "pcs", "只"},
	{UNIT_EACH, "pc", "台"},
	{UNIT_EACH, "piece", "支"},
	{UNIT_EACH, "unit", "瓶"},
	{UNIT_EACH, "set", "套"},
	{UNIT_EACH, "bag", "袋"},
	{UNIT_EACH, "pack", "包"},
	{UNIT_EACH, "box", "盒"},
	{UNIT_GRAM, "g", "公克"},
	{UNIT_MILLILITRE, "ml", "milliliter"},
	{UNIT_MILLIMETRE, "mm", "millimeter"},
};

static const struct term trackings[] = {
	{TRACK_NONE, "none", "无"},         {TRACK_LOT, "lot", "批号"},
	{TRACK_SERIAL, "serial", "序列号"}, {TRACK_NONE, "no", "不追踪"},
	{TRACK_LOT, "batch", "批次"},       {TRACK_SERIAL, "sn", "序号"},
};

static const struct term devices[] = {
	{DEVICE_SCANNER, "scanner", "扫描枪"},
	{DEVICE_SHELF, "shelf", "货架传感器"},
	{DEVICE_RFID, "rfid", "RFID 读写器"},
};

static const struct term roles[] = {
	{ROLE_OPERATOR, "operator", "操作员"},
	{ROLE_MANAGER, "manager", "经理"},
	{ROLE_PURCHASING, "purchasing", "采购"},
	{ROLE_SALES, "sales", "销售"},
	{ROLE_LOGISTICS, "logistics", "物流"},
	{ROLE_FINANCE, "finance", "财务"},
	{ROLE_HQ, "hq", "总部"},
};

static const struct term verdicts[] = {
	{COUNT_ACCEPTED, "accepted", "已接受"},
	{COUNT_RECOUNT_MOVED, "recount_moved", "盘点期间有变动，需重盘"},
	{COUNT_RECOUNT_BLIND, "recount_blind", "差异较大，需盲盘复核"},
};

static const struct term tasks[] = {
	{TASK_COUNT, "count", "盘点"}, {TASK_PUTAWAY, "putaway", "上架"},
	{TASK_PICK, "pick", "拣货"},   {TASK_INSPECT, "inspect", "检验"},
	{TASK_CHECK, "check", "巡检"},
};

static const struct term task_states[] = {
	{TASK_OPEN, "open", "待办"},
	{TASK_CLAIMED, "claimed", "已领取"},
	{TASK_DONE, "done", "已完成"},
	{TASK_CANCELLED, "cancelled", "已取消"},
};

static const struct term severities[] = {
	{SEVERITY_INFO, "info", "提示"},
	{SEVERITY_WARNING, "warning", "警告"},
	{SEVERITY_CRITICAL, "critical", "严重"},
};

static const struct term checks[] = {
	{CHECK_FIRE, "fire", "消防"},
	{CHECK_SAFETY, "safety", "安全"},
	{CHECK_DOORS, "doors", "门禁"},
	{CHECK_COLD_CHAIN, "cold_chain", "冷链"},
	{CHECK_CLEANING, "cleaning", "清洁"},
	{CHECK_OTHER, "other", "其他"},
};

static const struct term weekdays[] = {
	{1 << 0, "mon", "周一"},        {1 << 1, "tue", "周二"},
	{1 << 2, "wed", "周三"},        {1 << 3, "thu", "周四"},
	{1 << 4, "fri", "周五"},        {1 << 5, "sat", "周六"},
	{1 << 6, "sun", "周日"},        {1 << 0, "monday", "星期一"},
	{1 << 1, "tuesday", "星期二"},  {1 << 2, "wednesday", "星期三"},
	{1 << 3, "thursday", "星期四"}, {1 << 4, "friday", "星期五"},
	{1 << 5, "saturday", "星期六"}, {1 << 6, "sunday", "星期日"},
};

/* What the answer should be. */
static const struct term expected[] = {
	{ANSWER_YES, "yes", "是"},
	{ANSWER_NO, "no", "否"},
	{ANSWER_NUMBER, "number", "数值"},
};

static const struct term site_roles[] = {
	{SITE_ROLE_SITE, "site", "站点"},
	{SITE_ROLE_HQ, "hq", "总部"},
	{SITE_ROLE_CONTROL, "control", "总部控制"},
	{SITE_ROLE_MASTER, "master", "总部主数据"},
};

static const struct term fences[] = {
	{FENCE_ENDED, "ended", "已结束"},
	{FENCE_REVOKED, "revoked", "已吊销"},
	{FENCE_STAYS, "stays", "保留"},
	{FENCE_DROPPED, "dropped", "不计入"},
	{FENCE_CLOSED, "closed", "已关闭"},
};

static const struct term intents[] = {
	{INTENT_RECEIVED, "received", "已收到"},
	{INTENT_DONE, "done", "已执行"},
	{INTENT_REFUSED, "refused", "已拒绝"},
	{INTENT_EXPIRED, "expired", "已过期"},
};

static const struct term invitations[] = {
	{INVITATION_OPEN, "open", "有效"},
	{INVITATION_USED, "used", "已使用"},
	{INVITATION_WITHDRAWN, "withdrawn", "已撤回"},
};

static const struct term successions[] = {
	{SUCCESSION_ROLLBACK, "rollback", "介质回退"},
	{SUCCESSION_RESTORED, "restored", "从备份恢复"},
	{SUCCESSION_REPLACED, "replaced", "更换盒子"},
	{SUCCESSION_CLONE, "clone", "克隆"},
	{SUCCESSION_JOINED, "joined", "加入网络"},
};

static const struct term transfer_states[] = {
	{TRANSFER_CREATED, "created", "已创建"},
	{TRANSFER_SHIPPED, "shipped", "已发出"},
	{TRANSFER_RECEIVING, "receiving", "收货中"},
	{TRANSFER_RECEIVED, "received", "已收货"},
	{TRANSFER_CLOSED, "closed", "已关闭"},
	{TRANSFER_CANCELLED, "cancelled", "已取消"},
	{TRANSFER_LOST, "lost", "已核销"},
};

static const struct term claims[] = {
	{CLAIM_MISSING, "missing", "短少"},
	{CLAIM_DAMAGED, "damaged", "残损"},
	{CLAIM_SURPLUS, "surplus", "多货"},
};

static const struct term claim_parties[] = {
	{CLAIM_SENDER, "sender", "发货方"},
	{CLAIM_CARRIER, "carrier", "承运方"},
};

static const struct term claim_states[] = {
	{CLAIM_OPEN, "open", "待处理"},
	{CLAIM_ACCEPTED, "accepted", "已接受"},
	{CLAIM_REJECTED, "rejected", "已拒绝"},
	{CLAIM_SETTLED, "settled", "已结清"},
	{CLAIM_WITHDRAWN, "withdrawn", "已撤回"},
};

#define SET(terms)                        \
	{                                 \
		(terms), ARRAY_LEN(terms) \
	}

static const struct {
	const struct term *terms;
	size_t count;
} sets[] = {
	[TERM_ACTOR] = SET(actors),
	[TERM_REF] = SET(refs),
	[TERM_MOVEMENT] = SET(movements),
	[TERM_PLACE] = SET(places),
	[TERM_CONDITION] = SET(conditions),
	[TERM_UNIT] = SET(units),
	[TERM_TRACKING] = SET(trackings),
	[TERM_DEVICE] = SET(devices),
	[TERM_ROLE] = SET(roles),
	[TERM_VERDICT] = SET(verdicts),
	[TERM_TASK] = SET(tasks),
	[TERM_TASK_STATE] = SET(task_states),
	[TERM_SEVERITY] = SET(severities),
	[TERM_CHECK] = SET(checks),
	[TERM_ANSWER] = SET(expected),
	[TERM_WEEKDAY] = SET(weekdays),
	[TERM_TRANSFER_STATE] = SET(transfer_states),
	[TERM_CLAIM] = SET(claims),
	[TERM_CLAIM_PARTY] = SET(claim_parties),
	[TERM_CLAIM_STATE] = SET(claim_states),
	[TERM_SITE_ROLE] = SET(site_roles),
	[TERM_FENCE] = SET(fences),
	[TERM_INTENT_STATE] = SET(intents),
	[TERM_INVITATION] = SET(invitations),
	[TERM_SUCCESSION] = SET(successions),
};

static const struct term *term_find(enum term_set set, uint32_t value)
{
	ASSERT((size_t)set < ARRAY_LEN(sets));
	for (size_t i = 0; i < sets[set].count; i++)
		if (sets[set].terms[i].value == value)
			return &sets[set].terms[i];
	return NULL;
}

const char *term_name(enum term_set set, uint32_t value)
{
	const struct term *term = term_find(set, value);

	return term == NULL ? "" : term->word;
}

const char *term_name_zh(enum term_set set, uint32_t value)
{
	const struct term *term = term_find(set, value);

	return term == NULL ? "" : term->zh;
}

void term_list(enum term_set set, bool is_chinese, char *buffer, size_t size)
{
	size_t used = 0;

	ASSERT((size_t)set < ARRAY_LEN(sets) && size > 0);
	buffer[0] = '\0';
	for (size_t i = 0; i < sets[set].count; i++) {
		const struct term *term = &sets[set].terms[i];

		if (term_find(set, term->value) != term)
			continue; /* another spelling */
		(void)text_format(buffer + used, size - used, "%s%s",
				  used == 0    ? ""
				  : is_chinese ? "、"
					       : ", ",
				  is_chinese ? term->zh : term->word);
		used += strlen(buffer + used);
	}
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool word_is(struct span text, const char *word)
{
	for (size_t i = 0; i < text.size; i++)
		if (word[i] == '\0' || lower(text.data[i]) != lower(word[i]))
			return false;
	return word[text.size] == '\0';
}

bool term_parse(enum term_set set, struct span text, uint32_t *ret_value)
{
	ASSERT((size_t)set < ARRAY_LEN(sets));
	for (size_t i = 0; i < sets[set].count; i++) {
		const struct term *term = &sets[set].terms[i];

		if (word_is(text, term->word) || word_is(text, term->zh)) {
			*ret_value = term->value;
			return true;
		}
	}
	return false;
}

bool term_parse_bool(struct span text, bool *ret_bool)
{
	static const struct {
		const char *word;
		bool is_true;
	} words[] = {
		{"true", true}, {"1", true},      {"yes", true}, {"y", true},
		{"是", true},   {"false", false}, {"0", false},  {"no", false},
		{"n", false},   {"否", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (word_is(text, words[i].word)) {
			*ret_bool = words[i].is_true;
			return true;
		}
	}
	return false;
}
