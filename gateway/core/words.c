#include "gateway/core/words.h"

#include <string.h>

#include "gateway/core/terms.h"
#include "rules/base/bytes.h"

struct sentence {
	const char *code;
	/* Places are filled by the detail's fields in their order, the last one
	 * with all that is left: %s as it is, %o an operation and %n what comes
	 * next, if anything, as the language calls them, %O an operation whose
	 * name in messages matters too. */
	const char *en;
	const char *zh;
};

static const struct sentence sentences[] = {
	[WORD_NONE] = {"", "", ""},

	[WORD_MALFORMED] = {"malformed", "the message cannot be read: %s",
			    "消息无法读取：%s"},
	[WORD_UNKNOWN_DEVICE] = {"unknown_device",
				 "device %s is not registered; its reading is "
				 "kept until it is (depot device add)",
				 "设备 %s 未登记；读数已保留，登记后可补记"
				 "（depot device add）"},
	[WORD_REVOKED_DEVICE] = {"revoked_device",
				 "device %s was revoked; its reading is kept "
				 "and not booked",
				 "设备 %s 已停用；读数已保留，未记账"},
	[WORD_UNKNOWN_ITEM] = {"unknown_item",
			       "no item has the code %s; the reading is kept "
			       "and is booked once the code is named",
			       "没有商品使用条码 %s；读数已保留，命名后自动"
			       "记账"},
	[WORD_UNKNOWN_BIN] = {"unknown_bin",
			      "there is no bin %s; the reading is kept and is "
			      "booked once the bin exists",
			      "没有库位 %s；读数已保留，建立库位后自动记账"},
	[WORD_TOO_LONG] = {"too_long",
			   "the message is longer than depot takes; its "
			   "beginning is kept",
			   "消息超过允许的长度；已保留开头部分"},
	[WORD_DIED_TWICE] = {"died_twice",
			     "depot stopped twice while reading this message; "
			     "it is kept unread",
			     "读取此消息时程序两次中断；消息已原样保留"},
	[WORD_ENGINE_FAILED] = {"not_bookable",
				"the reading could not be booked (%s); it is "
				"kept",
				"读数无法记账（%s）；已保留"},
	[WORD_UNKNOWN_TOPIC] = {"unknown_topic",
				"nothing is taken on topic %s; the message is "
				"kept",
				"主题 %s 不接收消息；消息已保留"},
	[WORD_NO_SUCH_BIN] = {"unknown_bin",
			      "there is no bin %s; scan another label, or have "
			      "the bin added",
			      "没有库位 %s；请扫描其他标签，或先建立该库位"},
	[WORD_UNKNOWN_PALLET] = {"unknown_pallet",
				 "nothing is known of what is on pallet %s; "
				 "scan its item label too",
				 "不知道托盘 %s 上的内容；请同时扫描商品标签"},

	[WORD_NO_PACKING_LIST] = {"no_packing_list",
				  "no packing list here has pallet %s yet; it "
				  "is booked when the sender's list comes, or "
				  "scan its item labels",
				  "尚未收到含托盘 %s 的装箱单；收到发货方清单后"
				  "自动记账，或逐件扫描商品标签"},

	[WORD_INVALID] = {"invalid", "%s", "%s"},
	[WORD_NO_OPERATION] = {"no_operation",
			       "the reading says no operation (op)",
			       "读数没有说明操作（op）"},
	[WORD_NO_BIN] = {"no_bin", "operation %O needs a bin",
			 "操作 %O需要库位"},
	[WORD_NO_TARGET] = {"no_target", "operation %O needs a target bin (to)",
			    "操作 %O需要目标库位（to）"},
	[WORD_ITEM_WHERE_BIN] = {"item_where_bin",
				 "%s is an item, but a bin belongs here",
				 "%s 是商品，这里应为库位"},
	[WORD_BIN_WHERE_ITEM] = {"bin_where_item",
				 "%s is a bin, but an item belongs here",
				 "%s 是库位，这里应为商品"},
	[WORD_ALREADY_HERE] = {"already_here",
			       "%s is in stock already and was not booked "
			       "again",
			       "%s 已在库，未重复记账"},
	[WORD_NO_REF] = {"no_ref", "operation %O needs the transfer's id (ref)",
			 "操作 %O需要调拨单号（ref）"},
	[WORD_NOTHING_TO_UNDO] = {"nothing_to_undo", "there is nothing to undo",
				  "没有可撤销的操作"},
	[WORD_NO_REASON] = {"no_reason", "operation %O needs a reason",
			    "操作 %O需要原因"},
	[WORD_SAME_BIN] = {"same_bin", "both bins are %s", "两个库位都是 %s"},
	[WORD_INACTIVE_ITEM] = {"inactive_item", "item %s is inactive",
				"商品 %s 已停用"},
	[WORD_INACTIVE_BIN] = {"inactive_bin", "bin %s is inactive",
			       "库位 %s 已停用"},
	[WORD_QUANTITY_RANGE] = {"quantity_out_of_range",
				 "a quantity of %s base units is out of range",
				 "数量 %s（基本单位）超出范围"},
	[WORD_SERIAL_QUANTITY] = {"serial_quantity",
				  "serial %s is one unit, not more",
				  "序列号 %s 只能是一件"},
	[WORD_STORE_FULL] = {"store_full",
			     "the store is full; nothing is taken until there "
			     "is room, send it again later",
			     "存储已满；腾出空间前不接收，请稍后重发"},
	[WORD_SITE_CLOSED] = {"site_closed",
			      "this warehouse is closed; nothing is booked "
			      "here any more, take it to another box",
			      "本仓库已关闭，不再记账，请使用其他盒子"},
	[WORD_NOT_IN_SESSION] = {"no_session",
				 "scan an operation label first (got %s)",
				 "请先扫描操作标签（收到 %s）"},
	[WORD_BAD_CODE] = {"bad_code", "%s", "%s"},
	[WORD_TOO_MANY_LINES] = {"too_many_lines",
				 "more different items than one count takes: "
				 "scan DONE and begin again (%s)",
				 "一次盘点的品项过多：请扫描 DONE 后重新开始"
				 "（%s）"},
	[WORD_BAD_CONDITION] = {"bad_condition",
				"operation %O cannot end in that condition",
				"操作 %O不能得到该状态"},
	[WORD_NOT_ALLOWED_IN_BIN] = {"bin_not_allowed",
				     "bin %s is filled by pick and pack only",
				     "库位 %s 只能由拣货和打包使用"},
	[WORD_EMPTY_BIN] = {"empty_bin", "there is nothing in %s", "%s 是空的"},
	[WORD_UNKNOWN_TASK] = {"unknown_task", "there is no task %s",
			       "没有任务 %s"},
	[WORD_BAD_ANSWERS] = {"bad_answers",
			      "the answers to a check cannot be taken (%s); "
			      "the message is kept, the check waits",
			      "检查的回答无法接受（%s）；消息已保留，检查仍待"
			      "完成"},

	[WORD_LABEL_IN_READING] = {"label_in_reading",
				   "an operation label does not belong into a "
				   "reading that says its operation",
				   "已说明操作的读数中不应再扫操作标签"},
	[WORD_NO_ITEM] = {"no_item", "the reading names no item",
			  "读数中没有商品"},
	[WORD_DETAILS_ALONE] = {"details_alone",
				"this code says a lot, serial or date, but no "
				"item: scan the item's code",
				"该条码只有批号、序列号或日期，没有商品：请扫"
				"描商品条码"},

	[WORD_UNKNOWN_ACCOUNT] = {"unknown_account", "there is no account %s",
				  "没有账户 %s"},
	[WORD_UNKNOWN_IN_COUNT] = {"unknown_item",
				   "no item has the code %s: name it, then "
				   "count this bin again",
				   "没有商品使用条码 %s：请先命名，然后重新盘点"
				   "此库位"},

	[WORD_COMMAND_TOO_LONG] = {"too_long",
				   "the command is longer than depot takes; "
				   "nothing was done",
				   "命令超过允许的长度；未执行"},
	[WORD_REPLY_TOO_LONG] =
		{"too_long",
		 "the reply is longer than a message may be: "
		 "ask for less, or with depot on the box",
		 "答复超过消息允许的长度：请缩小范围，或在本机用 "
		 "depot 查询"},

	[WORD_DUPLICATE] = {"duplicate", "booked before", "此前已记账"},
	[WORD_SEQ_REUSED] = {"seq_reused",
			     "number %s was used before with other content; "
			     "this reading is kept and not booked",
			     "编号 %s 曾用于其他内容；本读数已保留，未记账"},
	[WORD_SEQ_TOO_OLD] = {"seq_too_old",
			      "number %s is too far back to tell whether it "
			      "was booked; this reading is kept and not booked",
			      "编号 %s 太早，无法判断是否已记账；本读数已保"
			      "留，未记账"},
	[WORD_MISSING] = {"missing",
			  "readings that never arrived: %s (numbers %s); they "
			  "are no longer waited for, send them under new "
			  "numbers",
			  "未到达的读数：%s 条（编号 %s）；不再等待，请用新编"
			  "号重发"},

	[WORD_SESSION_OP] = {"", "%o: scan a bin, then items",
			     "%o：请扫描库位，然后扫描商品"},
	[WORD_SESSION_BIN] = {"", "bin %s: scan items", "库位 %s：请扫描商品"},
	[WORD_SESSION_TO] = {"", "to bin %s: scan items",
			     "移至库位 %s：请扫描商品"},
	[WORD_SESSION_BOOKED] = {"",
				 "%o %s; scan the next item or bin, or DONE",
				 "%o %s；请继续扫描商品或库位，或扫描“完成”"},
	[WORD_SESSION_QTY] = {"", "the next item counts %s: scan it",
			      "下一件商品数量 %s：请扫描商品"},
	[WORD_SESSION_UNDONE] = {"", "undone: %s%n", "已撤销：%s%n"},
	[WORD_SESSION_TAKEN_BACK] = {"", "undone: %o %s%n", "已撤销：%o %s%n"},
	[WORD_SESSION_DONE] = {"", "done (%o): scan an operation",
			       "完成（%o）：请扫描操作标签"},
	[WORD_SESSION_IDLE] = {"", "nothing is under way: scan an operation",
			       "没有进行中的操作：请扫描操作标签"},
	[WORD_SESSION_COUNTED] = {"",
				  "counted: %s; scan the next item, or DONE",
				  "已盘：%s；请继续扫描商品，或扫描“完成”"},
	[WORD_SESSION_COUNT_CLOSED] =
		{"",
		 "count of bin %s is closed: items %s, of them corrected %s%n",
		 "库位 %s 盘点结束：共 %s 项，更正 %s 项%n"},
	[WORD_SESSION_NOT_COUNTED] =
		{"",
		 "nothing was scanned in bin %s, so it was not counted (if it "
		 "is empty, scan DONE there)%n",
		 "库位 %s 未扫描任何商品，不作盘点（若为空库位，请在该处扫描“完"
		 "成”）%n"},
	[WORD_SESSION_RECOUNT] =
		{"",
		 "bin %s: please count again, to be sure of %s of %s items%n",
		 "库位 %s：其中 %s 项（共 %s 项）需要再盘一次确认%n"},
	[WORD_SESSION_TIMED_OUT] =
		{"",
		 "nothing was scanned for long, and the session was closed; "
		 "a count that was under way is void: scan an operation",
		 "长时间未扫描，操作已超时关闭，未结束的盘点无效：请扫描操作标"
		 "签"},
	[WORD_SESSION_OP_ITEM] = {"", "%o: scan items, or a bin first",
				  "%o：请扫描商品，或先扫描库位"},
	[WORD_SESSION_OP_REF] = {"", "%o: scan the transfer's number",
				 "%o：请扫描调拨单号"},
	[WORD_SESSION_OP_TRANSFER] =
		{"",
		 "%o, transfer %s (another number, if it is not that one)%n",
		 "%o，调拨单 %s（若不是，请扫描单号）%n"},
	[WORD_SESSION_REF] = {"", "transfer %s%n", "调拨单 %s%n"},
	[WORD_SESSION_REF_CLOSED] =
		{"",
		 "transfer %s is closed: what is scanned now opens it again%n",
		 "调拨单 %s 已结束：继续扫描将重新打开%n"},
	[WORD_TRANSFER_REOPENED] = {"",
				    "transfer %s was closed, and is open again",
				    "调拨单 %s 原已结束，现重新打开"},
	[WORD_TRANSFER_CANCELLED] =
		{"",
		 "transfer %s was cancelled by its sender: what came is booked "
		 "all the same%n",
		 "调拨单 %s 已被发货方取消：实到货物照常记账%n"},
	[WORD_TRANSFER_OPENED] = {"", "transfer %s begins", "调拨单 %s 开始"},
	[WORD_TRANSFER_CLOSED] = {"", "transfer %s is closed",
				  "调拨单 %s 已结束"},
	[WORD_NO_TRANSFER] = {"no_transfer",
			      "%s is no transfer of this network; its number "
			      "is FROM-TO-N, as 3-7-125",
			      "%s 不是本网络的调拨单；编号形如 3-7-125"},
	[WORD_NOT_OUR_TRANSFER] =
		{"not_our_transfer",
		 "transfer %s is not for this site to send or receive: "
		 "look at the paper again",
		 "调拨单 %s 的发货方或收货方不是本站：请核对单据"},
	[WORD_SESSION_SHIPPED] = {"",
				  "transfer %s is on its way: lines %s, units "
				  "%s",
				  "调拨单 %s 已发出：共 %s 行，%s 件"},
	[WORD_SESSION_REST] =
		{"",
		 "missing %s, too much %s (as %s): scan DONE again to claim "
		 "that, or go on%n",
		 "短少 %s，多货 %s（如 %s）：再次扫描“完成”即提出索赔，或继续"
		 "收货%n"},
	[WORD_SESSION_RECEIVED] = {"", "transfer %s is received: claims %s",
				   "调拨单 %s 收货完成：索赔 %s 项"},
	[WORD_SESSION_TRANSFER_OPEN] =
		{"",
		 "what came of transfer %s is booked; it stays open, for its "
		 "packing list is not here yet",
		 "调拨单 %s 的到货已记账；装箱单尚未收到，单据保持打开"},
	[WORD_SESSION_FROM] = {"", "from bin %s: scan the target bin",
			       "从库位 %s：请扫描目标库位"},
	[WORD_JOIN_TAKEN] =
		{"join_taken",
		 "the join sheet is taken: the box asks HQ by itself; its "
		 "page, or depot join, shows how far it is",
		 "已收下加入单：盒子会自动向总部申请，可在其页面或用 depot "
		 "join "
		 "查看进度"},
	[WORD_BOOKED_BUT] = {"", "booked as it is", "已按原样记账"},
	[WORD_RECOUNT_MOVED] = {"recount_moved",
				"stock moved while %s was counted; count again",
				"盘点 %s 期间库存有变动；请重新盘点"},
	[WORD_RECOUNT_BLIND] = {"recount",
				"the count of %s is far from expected; count "
				"again to confirm",
				"%s 的盘点数与预期相差较大；请再盘一次确认"},
};

const char *word_what(enum word word)
{
	static const struct {
		enum word word;
		const char *what;
	} all[] = {
		{WORD_SESSION_OP, "operation"},
		{WORD_SESSION_OP_ITEM, "operation"},
		{WORD_SESSION_OP_REF, "operation"},
		{WORD_SESSION_OP_TRANSFER, "operation"},
		{WORD_SESSION_BIN, "bin"},
		{WORD_SESSION_TO, "bin"},
		{WORD_SESSION_FROM, "bin"},
		{WORD_SESSION_QTY, "quantity"},
		{WORD_SESSION_REF, "ref"},
		{WORD_SESSION_REF_CLOSED, "ref"},
		{WORD_TRANSFER_CANCELLED, "ref"},
		{WORD_SESSION_COUNTED, "counted"},
		{WORD_SESSION_DONE, "done"},
		{WORD_SESSION_IDLE, "done"},
		{WORD_SESSION_UNDONE, "undone"},
		{WORD_SESSION_TAKEN_BACK, "undone"},
		{WORD_JOIN_TAKEN, "join"},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i].word == word)
			return all[i].what;
	return "";
}

bool word_is_known(unsigned number)
{
	return number < ARRAY_LEN(sentences) && sentences[number].code != NULL;
}

static const struct sentence *sentence_of(enum word word)
{
	ASSERT(word_is_known((unsigned)word));
	return &sentences[word];
}

const char *word_code(enum word word)
{
	return sentence_of(word)->code;
}

bool word_says_next(enum word word)
{
	return strstr(sentence_of(word)->en, "%n") != NULL;
}

/* ---- filling in ---- */

/* Movements and operations have the same names. */
static const char *operation_zh(struct span name)
{
	uint32_t value;

	if (term_parse(TERM_MOVEMENT, name, &value))
		return term_name_zh(TERM_MOVEMENT, value);
	if (term_parse(TERM_TASK, name, &value))
		return term_name_zh(TERM_TASK, value);
	return NULL;
}

/* As in a sentence: transfer out. */
static void operation_write(struct writer *writer, struct span name,
			    bool is_chinese)
{
	const char *zh = is_chinese ? operation_zh(name) : NULL;

	if (zh != NULL) {
		write_raw(writer, zh, strlen(zh));
		return;
	}
	for (size_t i = 0; i < name.size; i++)
		write_u8(writer,
			 name.data[i] == '_' ? ' ' : (uint8_t)name.data[i]);
}

/* As a device's maker reads it: transfer_out, and 调出（transfer_out）. */
static void value_write(struct writer *writer, struct span name,
			bool is_chinese)
{
	if (is_chinese) {
		operation_write(writer, name, true);
		write_raw(writer, "（", strlen("（"));
	}
	if (name.size > 0)
		write_raw(writer, name.data, name.size);
	if (is_chinese)
		write_raw(writer, "）", strlen("）"));
}

static void next_write(struct writer *writer, struct span next, bool is_chinese)
{
	static const struct {
		const char *next;
		const char *en;
		const char *zh;
	} phrases[] = {
		{"operation", "; scan an operation", "；请扫描操作标签"},
		{"bin", "; scan a bin", "；请扫描库位"},
		{"ref", "; scan the transfer's number", "；请扫描调拨单号"},
		{"item", "; scan the next item", "；请继续扫描商品"},
	};

	for (size_t i = 0; i < ARRAY_LEN(phrases); i++) {
		const char *phrase = is_chinese ? phrases[i].zh : phrases[i].en;

		if (span_equal(next, span_of(phrases[i].next)))
			write_raw(writer, phrase, strlen(phrase));
	}
}

/* Takes the first field off @detail; all of it if @is_last. */
static struct span field_take(struct span *detail, bool is_last)
{
	const char *end =
		detail->size == 0 || is_last
			? NULL
			: memchr(detail->data, WORD_FIELD_END[0], detail->size);
	struct span field = *detail;

	if (end == NULL) {
		detail->size = 0;
		return field;
	}
	field.size = (size_t)(end - detail->data);
	detail->data += field.size + 1;
	detail->size -= field.size + 1;
	return field;
}

static void sentence_write(struct writer *writer, const char *text,
			   struct span detail, bool is_chinese)
{
	const char *hole;

	/* The detail is outside data: it is placed, never a format. */
	while ((hole = strchr(text, '%')) != NULL) {
		struct span field;

		write_raw(writer, text, (size_t)(hole - text));
		text = hole + 2;
		field = field_take(&detail, strchr(text, '%') == NULL);
		if (hole[1] == 'o')
			operation_write(writer, field, is_chinese);
		else if (hole[1] == 'O')
			value_write(writer, field, is_chinese);
		else if (hole[1] == 'n')
			next_write(writer, field, is_chinese);
		else if (field.size > 0)
			write_raw(writer, field.data, field.size);
	}
	write_raw(writer, text, strlen(text));
}

void word_text(enum word word, struct span detail, bool is_chinese,
	       char *buffer, size_t size)
{
	const struct sentence *sentence = sentence_of(word);
	char whole[512];
	struct writer writer;

	writer_init(&writer, whole, sizeof(whole));
	sentence_write(&writer, is_chinese ? sentence->zh : sentence->en,
		       detail, is_chinese);
	text_print((struct span){whole, writer.size}, buffer, size);
}
