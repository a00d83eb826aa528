/*
 * What an entry says, in one sentence for people: what, where, why, by whom.
 */
#include "gateway/core/entry_out.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "gateway/core/act.h"
#include "gateway/core/terms.h"

/* A sentence under construction; what does not fit is left out. */
struct telling {
	bool is_chinese;
	size_t size;
	char text[2 * ENTRY_TEXT_SIZE];
};

PRINTF_LIKE(2, 3)
static void add(struct telling *telling, const char *format, ...)
{
	size_t room = sizeof(telling->text) - telling->size;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(telling->text + telling->size, room, format,
			 arguments);
	va_end(arguments);
	if (size > 0)
		telling->size += (size_t)size < room ? (size_t)size : room - 1;
}

static void add_text(struct telling *telling, struct span text)
{
	add(telling, "%.*s", (int)text.size, text.data);
}

static void add_term(struct telling *telling, enum term_set set, uint32_t value)
{
	add(telling, "%s",
	    telling->is_chinese ? term_name_zh(set, value)
				: term_name(set, value));
}

/* One of two texts of our own, as it is. */
static void say(struct telling *telling, const char *en, const char *zh)
{
	add(telling, "%s", telling->is_chinese ? zh : en);
}

/* The same with @detail behind it. */
static void say_of(struct telling *telling, const char *en, const char *zh,
		   struct span detail)
{
	say(telling, en, zh);
	add_text(telling, detail);
}

static void add_side(struct telling *telling, const struct side *side)
{
	char place[PLACE_PRINT_SIZE] = "?"; /* a garbled entry decodes too */

	if (side->place.kind != 0)
		place_print(&side->place, place, sizeof(place));
	add(telling, "%s", place);
	if (side->condition > CONDITION_GOOD) {
		say(telling, " (", "（");
		add_term(telling, TERM_CONDITION, side->condition);
		say(telling, ")", "）");
	}
}

static void tell_movement(struct telling *telling, const struct entry *entry)
{
	const struct movement *movement = &entry->body.movement;
	char reverses[POS_PRINT_SIZE];

	add_term(telling, TERM_MOVEMENT, movement->kind);
	add(telling, " %" PRId64 " x ", movement->quantity.units);
	add_text(telling, sku_span(&movement->item));
	if (movement->lot.size > 0)
		say_of(telling, ", lot ", "，批号 ", lot_span(&movement->lot));
	if (movement->serial.size > 0)
		say_of(telling, ", serial ", "，序列号 ",
		       serial_span(&movement->serial));
	say(telling, ": ", "：");
	add_side(telling, &movement->from);
	add(telling, " -> ");
	add_side(telling, &movement->to);
	if (movement->reverses.value != 0) {
		pos_print(movement->reverses, reverses, sizeof(reverses));
		say_of(telling, ", takes back ", "，冲销 ", span_of(reverses));
	}
	if (entry->ref.kind != REF_NONE) {
		say(telling, ", ", "，");
		add_term(telling, TERM_REF, entry->ref.kind);
		add(telling, " ");
		add_text(telling, ref_span(&entry->ref.text));
	}
	if (movement->reason.size > 0)
		say_of(telling, ", because: ", "，原因：",
		       reason_span(&movement->reason));
}

static void tell_item(struct telling *telling, const struct item *item)
{
	struct span name = telling->is_chinese && item->name_zh.size > 0
				   ? item_name_span(&item->name_zh)
				   : item_name_span(&item->name_en);

	say_of(telling, "item ", "商品 ", sku_span(&item->sku));
	if (name.size > 0) {
		say_of(telling, " (", "（", name);
		say(telling, ")", "）");
	}
	if (item->is_inactive)
		say(telling, " is no longer in use", "停用");
	else
		say(telling, " is described", "登记");
}

static void tell_code(struct telling *telling, const struct code *code)
{
	say_of(telling, "code ", "条码 ", code_text_span(&code->code));
	if (code->item.size == 0) {
		say(telling, " no longer stands for an item", "不再对应商品");
		return;
	}
	say(telling, " stands for ", "对应 ");
	add(telling, "%" PRId64 " x ", code->pack);
	add_text(telling, sku_span(&code->item));
}

static void tell_bin(struct telling *telling, const struct bin *bin)
{
	say_of(telling, "bin ", "库位 ", place_name_span(&bin->name));
	if (bin->is_inactive)
		say(telling, " is closed", "关闭");
	else
		say(telling, " is open", "启用");
}

static void tell_device(struct telling *telling, const struct device *device)
{
	say_of(telling, "device ", "设备 ", name_span(&device->name));
	say(telling, " (", "（");
	add_term(telling, TERM_DEVICE, device->kind);
	say(telling, ")", "）");
	if (device->is_revoked)
		say(telling, " is revoked", "停用");
	else
		say(telling, " is registered", "登记");
}

static void tell_account(struct telling *telling, const struct account *account)
{
	bool is_first = true;

	say_of(telling, "account ", "账户 ", name_span(&account->name));
	if (account->is_revoked) {
		say(telling, " is revoked", "停用");
		return;
	}
	for (uint32_t role = 1; role <= ROLE_HQ; role <<= 1) {
		if ((account->roles & role) == 0)
			continue;
		if (is_first)
			say(telling, ": ", "：");
		else
			say(telling, ", ", "、");
		add_term(telling, TERM_ROLE, role);
		is_first = false;
	}
}

static void tell_count(struct telling *telling, const struct count *count)
{
	say_of(telling, "count of ", "盘点 ", sku_span(&count->item));
	if (count->lot.size > 0)
		say_of(telling, ", lot ", "，批号 ", lot_span(&count->lot));
	say_of(telling, " in ", "，库位 ", place_name_span(&count->bin));
	say(telling, ": ", "：");
	add(telling, "%" PRId64, count->counted);
	/* Whoever counts again, blind, may read this. */
	if (count->verdict != COUNT_RECOUNT_BLIND) {
		say(telling, ", the book says ", "，账面 ");
		add(telling, "%" PRId64, count->book);
	}
	say(telling, ": ", "：");
	add_term(telling, TERM_VERDICT, count->verdict);
}

static void tell_task(struct telling *telling, const struct task *task)
{
	say_of(telling, "task ", "任务 ", name_span(&task->id));
	say(telling, " (", "（");
	add_term(telling, TERM_TASK, task->kind);
	if (task->item.size > 0)
		say_of(telling, " ", " ", sku_span(&task->item));
	if (task->check.size > 0)
		say_of(telling, " ", " ", name_span(&task->check));
	if (task->bin.size > 0)
		say_of(telling, " in ", "，库位 ", place_name_span(&task->bin));
	say(telling, "): ", "）：");
	add_term(telling, TERM_TASK_STATE, task->state);
	if (task->account.size > 0)
		say_of(telling, ", ", "，", name_span(&task->account));
}

static void tell_alert(struct telling *telling, const struct alert *alert)
{
	say_of(telling, "alert ", "告警 ", ref_span(&alert->id));
	if (alert->is_closed)
		say(telling, " is closed", "关闭");
	else
		say(telling, " is open", "打开");
}

static void tell_loss(struct telling *telling, const struct loss *loss)
{
	say_of(telling, "input is gone: ", "输入已丢弃：",
	       reason_span(&loss->what));
	say(telling, ", numbers ", "，编号 ");
	add(telling, "%" PRIu64, loss->first);
	say(telling, " to ", " 至 ");
	add(telling, "%" PRIu64, loss->last);
}

static void tell_transfer(struct telling *telling,
			  const struct transfer *transfer)
{
	say_of(telling, "transfer ", "调拨单 ", place_name_span(&transfer->id));
	say(telling, ": ", "：");
	add_term(telling, TERM_TRANSFER_STATE, transfer->state);
	if (transfer->units > 0) {
		add(telling, ", %" PRIu64, transfer->units);
		say(telling, " units", " 件");
	}
	if (transfer->carrier.size > 0)
		say_of(telling, ", carrier ", "，承运 ",
		       ref_span(&transfer->carrier));
	if (transfer->reason.size > 0)
		say_of(telling, ", because: ", "，原因：",
		       reason_span(&transfer->reason));
}

static void tell_claim(struct telling *telling,
		       const struct transfer_claim *claim)
{
	say_of(telling, "claim ", "索赔 ", ref_span(&claim->id));
	say(telling, ": ", "：");
	add_term(telling, TERM_CLAIM, claim->kind);
	add(telling, " %" PRId64 " x ", claim->quantity);
	add_text(telling, sku_span(&claim->item));
	if (claim->lot.size > 0)
		say_of(telling, ", lot ", "，批号 ", lot_span(&claim->lot));
	say(telling, ", against the ", "，对象：");
	add_term(telling, TERM_CLAIM_PARTY, claim->party);
	say(telling, ": ", "：");
	add_term(telling, TERM_CLAIM_STATE, claim->state);
	if (claim->reason.size > 0)
		say_of(telling, ", because: ", "，原因：",
		       reason_span(&claim->reason));
}

static void tell_check(struct telling *telling, const struct check *check)
{
	struct span name = telling->is_chinese && check->name_zh.size > 0
				   ? item_name_span(&check->name_zh)
				   : item_name_span(&check->name_en);

	say_of(telling, "check ", "检查项 ", name_span(&check->id));
	if (check->number > 0) {
		say(telling, ", question ", "，问题 ");
		add(telling, "%" PRIu32, check->number);
	}
	if (name.size > 0)
		say_of(telling, ": ", "：", name);
	if (check->is_retired)
		say(telling, " is retired", "：停用");
}

static void tell_result(struct telling *telling,
			const struct check_result *result)
{
	int bad = __builtin_popcount(result->out_of_limits);

	say_of(telling, "check ", "检查项 ", name_span(&result->check));
	say(telling, " was done: ", " 已完成：");
	add(telling, "%d", __builtin_popcount(result->answered));
	say(telling, " answers", " 项回答");
	if (bad > 0) {
		say(telling, ", not as they should be: ", "，其中异常 ");
		add(telling, "%d", bad);
	}
	if (result->note.size > 0)
		say_of(telling, ", note: ", "，备注：",
		       reason_span(&result->note));
}

/* "site 7.1": as people and the CLI name a feed. */
static void add_feed(struct telling *telling, uint32_t site, uint32_t epoch)
{
	say(telling, "site ", "站点 ");
	add(telling, "%" PRIu32 ".%" PRIu32, site, epoch);
}

static void tell_certificate(struct telling *telling,
			     const struct certificate *certificate)
{
	add_feed(telling, certificate->site, certificate->epoch);
	say_of(telling, ", ", "，", name_span(&certificate->name));
	if (certificate->is_provisional)
		say(telling, ", belongs to the network for facts only",
		    "，暂时加入网络，仅限事实");
	else
		say(telling, ", belongs to the network", "，已加入网络");
}

static void tell_fence(struct telling *telling, const struct fence *fence)
{
	add_feed(telling, fence->site, fence->epoch);
	say(telling, " up to ", " 截至 ");
	add(telling, "%" PRIu64 ": ", fence->seq);
	add_term(telling, TERM_FENCE, fence->verdict);
	if (fence->reason.size > 0)
		say_of(telling, ", because: ", "，原因：",
		       reason_span(&fence->reason));
}

static void tell_intent(struct telling *telling, const struct intent *intent)
{
	say_of(telling, "HQ asks ", "总部请求 ", ref_span(&intent->id));
	say(telling, " of site ", "，站点 ");
	add(telling, "%" PRIu32, intent->target);
	say_of(telling, ": ", "：", reason_span(&intent->verb));
}

static void tell_intent_result(struct telling *telling,
			       const struct intent_result *result)
{
	say_of(telling, "what HQ asked for, ", "总部请求 ",
	       ref_span(&result->id));
	say(telling, ": ", "：");
	add_term(telling, TERM_INTENT_STATE, result->state);
	if (result->text.size > 0)
		say_of(telling, ", ", "，", intent_text_span(&result->text));
}

static void tell_invitation(struct telling *telling,
			    const struct invitation *invitation)
{
	say(telling, "invitation ", "邀请 ");
	add(telling, "%" PRIu32, invitation->number);
	say_of(telling, " of ", "，站点 ", name_span(&invitation->name));
	say(telling, ": ", "：");
	add_term(telling, TERM_INVITATION, invitation->state);
}

static void tell_succession(struct telling *telling,
			    const struct succession *succession)
{
	say(telling, "goes on from epoch ", "承接第 ");
	add(telling, "%" PRIu32, succession->parent_epoch);
	say(telling, ", number ", " 期，序号 ");
	add(telling, "%" PRIu64, succession->parent_seq);
	say(telling, ", because: ", "，原因：");
	add_term(telling, TERM_SUCCESSION, succession->reason);
}

static void tell_closing(struct telling *telling,
			 const struct site_closing *closing)
{
	say(telling, "the site closes, units left: ", "站点关闭，剩余数量 ");
	add(telling, "%" PRId64, closing->units);
	if (closing->open_transfers > 0) {
		say(telling, ", open transfers: ", "，未完成调拨 ");
		add(telling, "%" PRIu32, closing->open_transfers);
	}
}

static void tell_root(struct telling *telling, const struct root *root)
{
	say(telling, "the root key names the key of control epoch ",
	    "根密钥指定控制期密钥：第 ");
	add(telling, "%" PRIu32, root->epoch);
	say(telling, "", " 期");
}

static void tell_network(struct telling *telling, const struct entry *entry)
{
	if (entry->kind == ENTRY_CERTIFICATE)
		tell_certificate(telling, &entry->body.certificate);
	else if (entry->kind == ENTRY_FENCE)
		tell_fence(telling, &entry->body.fence);
	else if (entry->kind == ENTRY_INTENT)
		tell_intent(telling, &entry->body.intent);
	else if (entry->kind == ENTRY_INTENT_RESULT)
		tell_intent_result(telling, &entry->body.intent_result);
	else if (entry->kind == ENTRY_INVITATION)
		tell_invitation(telling, &entry->body.invitation);
	else if (entry->kind == ENTRY_SUCCESSION)
		tell_succession(telling, &entry->body.succession);
	else if (entry->kind == ENTRY_CLOSING)
		tell_closing(telling, &entry->body.closing);
	else
		tell_root(telling, &entry->body.root);
}

static void tell_body(struct telling *telling, const struct entry *entry)
{
	switch (entry->kind) {
	case ENTRY_FOUNDING:
		say_of(telling, "an epoch begins: site ", "新的一期：站点 ",
		       name_span(&entry->body.founding.site));
		break;
	case ENTRY_MOVEMENT:
		tell_movement(telling, entry);
		break;
	case ENTRY_ITEM:
		tell_item(telling, &entry->body.item);
		break;
	case ENTRY_CODE:
		tell_code(telling, &entry->body.code);
		break;
	case ENTRY_BIN:
		tell_bin(telling, &entry->body.bin);
		break;
	case ENTRY_DEVICE:
		tell_device(telling, &entry->body.device);
		break;
	case ENTRY_ACCOUNT:
		tell_account(telling, &entry->body.account);
		break;
	case ENTRY_COUNT:
		tell_count(telling, &entry->body.count);
		break;
	case ENTRY_TASK:
		tell_task(telling, &entry->body.task);
		break;
	case ENTRY_ALERT:
		tell_alert(telling, &entry->body.alert);
		break;
	case ENTRY_ORDER:
		say_of(telling, "order ", "订单 ",
		       ref_span(&entry->body.order.id));
		break;
	case ENTRY_STATUS:
		say_of(telling, "the site is ", "站点状态：",
		       reason_span(&entry->body.status.state));
		break;
	case ENTRY_LOSS:
		tell_loss(telling, &entry->body.loss);
		break;
	case ENTRY_TRANSFER:
		tell_transfer(telling, &entry->body.transfer);
		break;
	case ENTRY_CLAIM:
		tell_claim(telling, &entry->body.claim);
		break;
	case ENTRY_CHECK:
		tell_check(telling, &entry->body.check);
		break;
	case ENTRY_CHECK_RESULT:
		tell_result(telling, &entry->body.check_result);
		break;
	case ENTRY_CERTIFICATE:
	case ENTRY_FENCE:
	case ENTRY_INTENT:
	case ENTRY_INTENT_RESULT:
	case ENTRY_INVITATION:
	case ENTRY_SUCCESSION:
	case ENTRY_CLOSING:
	case ENTRY_ROOT:
		tell_network(telling, entry);
		break;
	}
}

void entry_text(const struct entry *entry, bool is_chinese, char *buffer,
		size_t size)
{
	struct telling telling = {.is_chinese = is_chinese};

	tell_body(&telling, entry);
	if (entry->actor.kind != ACTOR_NONE) {
		say(&telling, " (", "（");
		add_term(&telling, TERM_ACTOR, entry->actor.kind);
		add(&telling, " ");
		add_text(&telling, name_span(&entry->actor.name));
		say(&telling, ")", "）");
	}
	/* The cut may have split a character. */
	text_print((struct span){telling.text, telling.size}, buffer, size);
}
