#include "gateway/core/view_parts.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/check_out.h"
#include "gateway/core/terms.h"
#include "gateway/core/why.h"

/* A sentence with a subject of CODE_SIZE_MAX bytes in it. */
#define SENTENCE_SIZE 512

/* What stands behind a task's questions in its payload. */
#define QUESTIONS_TAIL_SIZE 64

/* ---- sentences ---- */

/* A terminated text under construction; what does not fit is left out. */
struct sentence {
	char text[SENTENCE_SIZE];
	size_t size;
};

static void sentence_add(struct sentence *sentence, struct span text)
{
	size_t room = sizeof(sentence->text) - sentence->size;

	text_print(text, sentence->text + sentence->size, room);
	sentence->size += strlen(sentence->text + sentence->size);
}

/*
 * Writes @pattern with {} replaced by @subject and {n} by @value, and without
 * its [parts] when @value is 0. Patterns are our own.
 */
static void sentence_fill(struct sentence *sentence, const char *pattern,
			  struct span subject, int64_t value)
{
	char number[24];
	bool is_left_out = false;

	(void)text_format(number, sizeof(number), "%" PRId64, value);
	sentence->size = 0;
	sentence->text[0] = '\0';
	while (*pattern != '\0') {
		size_t plain = strcspn(pattern, "{[]");

		if (!is_left_out)
			sentence_add(sentence, (struct span){pattern, plain});
		pattern += plain;
		if (*pattern == '{') {
			bool is_value = pattern[1] == 'n';

			if (!is_left_out)
				sentence_add(sentence, is_value
							       ? span_of(number)
							       : subject);
			pattern += is_value ? 3 : 2;
		} else if (*pattern != '\0') {
			is_left_out = *pattern == '[' && value == 0;
			pattern++;
		}
	}
}

static void sentence_out(const char *key, const char *pattern,
			 struct span subject, int64_t value,
			 struct json_out *out)
{
	struct sentence sentence;

	sentence_fill(&sentence, pattern, subject, value);
	out_string_at(out, key, sentence.text);
}

/* ---- tasks ---- */

/* What is asked for; {} is the thing and where it is. */
static const char *const asked_en[] = {
	[TASK_COUNT] = "Count {}.", [TASK_PUTAWAY] = "Put away {}.",
	[TASK_PICK] = "Pick {}.",   [TASK_INSPECT] = "Inspect {}.",
	[TASK_CHECK] = "Check {}.",
};
static const char *const asked_zh[] = {
	[TASK_COUNT] = "请盘点{}。", [TASK_PUTAWAY] = "请上架{}。",
	[TASK_PICK] = "请拣选{}。",  [TASK_INSPECT] = "请检验{}。",
	[TASK_CHECK] = "请检查{}。",
};

/* Why. A reason that is not here is shown by its code alone. */
static const struct task_reason {
	const char *code;
	const char *en;
	const char *zh;
} task_reasons[] = {
	{"found", " More was taken from it than the book held.",
	 "从中取走的多于账面。"},
	{"late_movement",
	 " A movement from before its last count came in late.",
	 "有一笔早于上次盘点的移动迟到了。"},
	{"moved", " It moved while it was being counted.", "盘点期间有移动。"},
	{"blind_recount",
	 " The last count was far from the book: count again without looking "
	 "at it.",
	 "上次盘点与账面相差较大：请不看账面再盘一次。"},
	{"shelf", " The shelf sensor and the book part.",
	 "货架传感器与账面不符。"},
	{"asked", " Somebody asked for it.", "有人要求盘点。"},
	{"medium_lost",
	 " The box was set back or replaced: what was booked last before that "
	 "may be lost.",
	 "盒子曾被恢复或更换：此前最后的入账可能已丢失。"},
	{"check_by_uptime",
	 " The clock is not set, so nobody knows when it is due: do it now.",
	 "时钟尚未校准，无法得知应检时间：请立即检查。"},
	{"check_failed",
	 " The last answers were not as they should be: put it right, and "
	 "check again.",
	 "上次结果异常：请处理后重新检查。"},
};

static const struct task_reason *task_reason_find(struct span code)
{
	for (size_t i = 0; i < ARRAY_LEN(task_reasons); i++)
		if (span_is(code, task_reasons[i].code))
			return &task_reasons[i];
	return NULL;
}

/* "SKU in bin A-01", "SKU in all bins", "bin A-01", "the whole site". */
static void task_thing(const struct task *task, bool is_chinese,
		       struct sentence *ret_thing)
{
	static const char *const patterns[2][2][2] = {
		{{"the whole site", "全站"}, {"bin ", "库位 "}},
		{{"{} in all bins", "商品 {}（全部库位）"},
		 {"{} in bin ", "商品 {}，库位 "}},
	};
	bool has_item = task->item.size > 0;
	bool has_bin = task->bin.size > 0;

	sentence_fill(ret_thing, patterns[has_item][has_bin][is_chinese],
		      sku_span(&task->item), 0);
	sentence_add(ret_thing, place_name_span(&task->bin));
}

/* "Freezer (cold-1)"; by its id alone where no more is known. */
static void check_thing(const struct task *task,
			const struct check_sheet *sheet, bool is_chinese,
			struct sentence *ret_thing)
{
	struct span id = name_span(&task->check);
	struct span name = id;

	if (sheet != NULL) {
		const struct check *check = &sheet->parts[0];
		struct span en = item_name_span(&check->name_en);
		struct span zh = item_name_span(&check->name_zh);

		name = (is_chinese && zh.size > 0) || en.size == 0 ? zh : en;
	}
	sentence_fill(ret_thing, name.data == id.data ? "{}" : "{} (", name, 0);
	if (name.data != id.data) {
		sentence_add(ret_thing, id);
		sentence_add(ret_thing, SPAN_LITERAL(")"));
	}
}

static void task_text_out(const char *key, const struct task *task,
			  const struct check_sheet *sheet, bool is_chinese,
			  struct json_out *out)
{
	const struct task_reason *reason =
		task_reason_find(reason_span(&task->reason));
	const char *asked =
		is_chinese ? asked_zh[task->kind] : asked_en[task->kind];
	struct sentence thing;
	struct sentence sentence;

	if (task->check.size > 0)
		check_thing(task, sheet, is_chinese, &thing);
	else
		task_thing(task, is_chinese, &thing);
	sentence_fill(&sentence, asked, span_of(thing.text), 0);
	if (reason != NULL)
		sentence_add(&sentence,
			     span_of(is_chinese ? reason->zh : reason->en));
	out_string_at(out, key, sentence.text);
}

bool view_task_is_open(const struct task *task)
{
	return task->state == TASK_OPEN || task->state == TASK_CLAIMED;
}

static void optional_out(const char *key, struct span text,
			 struct json_out *out)
{
	if (text.size > 0)
		out_text_at(out, key, text);
}

/* What a client needs to ask for the answers. A payload without room for the
 * questions says so; check.show has them. */
static void check_part_out(const struct task *task,
			   const struct check_sheet *sheet,
			   struct json_out *out)
{
	struct json_mark mark;

	optional_out("check", name_span(&task->check), out);
	if (task->due_ms != 0)
		out_moment_at(out, "due",
			      (struct moment){(int64_t)task->due_ms});
	if (task->missed != 0)
		out_int_at(out, "missed", task->missed);
	if (task->is_by_uptime)
		out_bool_at(out, "by_uptime", true);
	if (sheet == NULL)
		return;
	out_string_at(out, "check_kind",
		      term_name(TERM_CHECK, sheet->parts[0].kind));
	out_reserve(out, QUESTIONS_TAIL_SIZE);
	mark = out_mark(out);
	check_questions_out(sheet, out);
	if (!out_ok(out)) {
		out_rollback(out, mark);
		out_bool_at(out, "questions_cut", true);
	}
	out_reserve(out, 0);
}

/* Begins the payload. */
static void note_begin(bool is_via, struct json_out *out)
{
	out_object(out);
	out_int_at(out, "v", VIEW_VERSION);
	if (is_via)
		out_string_at(out, "via", "feed");
}

static void task_out(const struct entry *entry, struct pos pos,
		     const struct check_sheet *sheet, struct json_out *out)
{
	const struct task *task = &entry->body.task;

	out_text_at(out, "id", name_span(&task->id));
	out_string_at(out, "kind", term_name(TERM_TASK, task->kind));
	out_string_at(out, "state", term_name(TERM_TASK_STATE, task->state));
	optional_out("bin", place_name_span(&task->bin), out);
	optional_out("item", sku_span(&task->item), out);
	optional_out("reason", reason_span(&task->reason), out);
	optional_out("account", name_span(&task->account), out);
	view_when_out("changed_at", stamp_moment(entry->stamp),
		      (entry->clock_flags & ENTRY_CLOCK_TRUSTED) != 0, out);
	task_text_out("text_en", task, sheet, false, out);
	task_text_out("text_zh", task, sheet, true, out);
	check_part_out(task, sheet, out);
	view_pos_out(pos, out);
	out_object_end(out);
}

void view_task_print(const struct entry *entry, struct pos pos,
		     const struct check_sheet *sheet, struct json_out *out)
{
	note_begin(false, out);
	task_out(entry, pos, sheet, out);
}

void view_task_via_print(const struct entry *entry, struct pos pos,
			 const struct check_sheet *sheet, struct json_out *out)
{
	note_begin(true, out);
	task_out(entry, pos, sheet, out);
}

/* ---- alerts ---- */

const char *severity_name(enum severity severity)
{
	return term_name(TERM_SEVERITY, severity);
}

/* For a code of a newer or later part: still a sentence, never silence. */
static const struct alert_text alert_general = {
	"",
	"Something needs a look: {}[ ({n})].",
	"有情况需要查看：{}[（{n}）]。",
	"See the operating guide under this alert's code.",
	"请在操作手册中按此告警代码查找。",
};

/* "sh-02.1: 57-63 (missing), hz-01", the reason in both languages: its code is
 * what the guide has. */
static struct span subject_zh(const struct alert *alert, struct span subject,
			      struct sentence *sentence)
{
	const char *open = memchr(subject.data, '(', subject.size);
	const char *end = subject.data + subject.size;
	const char *close;
	const struct why *why;

	if (open == NULL || !span_is(reason_span(&alert->code), "feed_stuck"))
		return subject;
	close = memchr(open, ')', (size_t)(end - open));
	if (close == NULL)
		return subject;
	why = why_delta_find(
		(struct span){open + 1, (size_t)(close - open) - 1});
	if (why == NULL)
		return subject;
	sentence->size = 0;
	sentence_add(sentence, (struct span){subject.data,
					     (size_t)(close - subject.data)});
	sentence_add(sentence, SPAN_LITERAL("，"));
	sentence_add(sentence, span_of(why->zh));
	sentence_add(sentence, (struct span){close, (size_t)(end - close)});
	return (struct span){sentence->text, sentence->size};
}

static void alert_out(const struct entry *entry, struct pos pos,
		      struct json_out *out)
{
	const struct alert *alert = &entry->body.alert;
	struct span code = reason_span(&alert->code);
	struct span subject = code_text_span(&alert->subject);
	const struct alert_text *text = alert_text_find(code);
	struct sentence sentence;

	if (text == NULL) {
		text = &alert_general;
		if (subject.size == 0)
			subject = code;
	}
	out_text_at(out, "id", ref_span(&alert->id));
	out_text_at(out, "code", code);
	out_string_at(out, "severity", severity_name(alert->severity));
	view_when_out("since", entry->effective,
		      (entry->clock_flags & ENTRY_EFFECTIVE_TRUSTED) != 0, out);
	optional_out("subject", code_text_span(&alert->subject), out);
	out_int_at(out, "value", alert->value);
	sentence_out("text_en", text->en, subject, alert->value, out);
	sentence_out("text_zh", text->zh, subject_zh(alert, subject, &sentence),
		     alert->value, out);
	sentence_out("next_en", text->next_en, subject, alert->value, out);
	sentence_out("next_zh", text->next_zh, subject, alert->value, out);
	view_pos_out(pos, out);
	out_object_end(out);
}

void view_alert_print(const struct entry *entry, struct pos pos,
		      struct json_out *out)
{
	note_begin(false, out);
	alert_out(entry, pos, out);
}

void view_alert_via_print(const struct entry *entry, struct pos pos,
			  struct json_out *out)
{
	note_begin(true, out);
	alert_out(entry, pos, out);
}
