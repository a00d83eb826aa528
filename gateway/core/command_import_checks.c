/*
 * The table of recurring checks: a row for each check, and one for each of its
 * questions, which has a number. A row says its thing whole.
 */
#include "gateway/core/command_import.h"

#include <string.h>

#include "gateway/core/check.h"
#include "rules/check/answer.h"
#include "rules/check/schedule.h"

#define ALIASES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define GRACE_MIN_MAX (7 * 24 * 60)
#define GRACE_MIN_USUAL 30

enum check_column {
	CHECK_ID,
	CHECK_NUMBER,
	CHECK_NAME_EN,
	CHECK_NAME_ZH,
	CHECK_WHAT,
	CHECK_TIMES,
	CHECK_WEEKDAYS,
	CHECK_EVERY_H,
	CHECK_GRACE,
	CHECK_PLACE,
	CHECK_ROLES,
	CHECK_ANSWER,
	CHECK_LOW,
	CHECK_HIGH,
	CHECK_MEASURE,
};

static const struct csv_column columns[] = {
	[CHECK_ID] = {"check", ALIASES("id", "check_id", "检查项", "编号"),
		      true},
	[CHECK_NUMBER] = {"question", ALIASES("number", "问题", "问题编号"),
			  false},
	[CHECK_NAME_EN] = {"name_en", ALIASES("name", "text_en", "英文名称"),
			   false},
	[CHECK_NAME_ZH] = {"name_zh", ALIASES("text_zh", "名称", "中文名称"),
			   false},
	[CHECK_WHAT] = {"kind", ALIASES("类别", "种类"), false},
	[CHECK_TIMES] = {"times", ALIASES("时间", "时刻"), false},
	[CHECK_WEEKDAYS] = {"weekdays", ALIASES("days", "星期"), false},
	[CHECK_EVERY_H] = {"every_h", ALIASES("every_hours", "每隔小时"),
			   false},
	[CHECK_GRACE] = {"grace_min", ALIASES("grace", "宽限分钟"), false},
	[CHECK_PLACE] = {"place", ALIASES("bin", "zone", "地点", "库位"),
			 false},
	[CHECK_ROLES] = {"roles", ALIASES("role", "角色"), false},
	[CHECK_ANSWER] = {"answer", ALIASES("回答", "应为"), false},
	[CHECK_LOW] = {"low", ALIASES("min", "下限"), false},
	[CHECK_HIGH] = {"high", ALIASES("max", "上限"), false},
	[CHECK_MEASURE] = {"measure", ALIASES("unit", "单位"), false},
};

static const struct refusal bad_id = {
	"bad_check_id", "%s is no id: 1 to 32 of a-z, 0-9 and '-'",
	"%s 不是有效编号：1 至 32 个 a-z、0-9 或“-”"};
static const struct refusal bad_number = {
	"bad_question", "question %s: they have the numbers 1 to 8",
	"问题 %s：编号应为 1 至 8"};
static const struct refusal no_check = {
	"no_check", "check %s is not described above its questions",
	"检查项 %s 未在其问题之前说明"};
static const struct refusal no_name = {"missing_field", "check %s has no name",
				       "检查项 %s 没有名称"};
static const struct refusal no_kind = {"missing_field", "check %s has no kind",
				       "检查项 %s 没有类别"};
static const struct refusal no_answer = {
	"missing_field", "question %s has no answer: yes, no or number",
	"问题 %s 没有说明应有的回答：是、否或数值"};
static const struct refusal bad_times = {
	"bad_times",
	"%s are no times of the day: 1 to 10, each as 08:00, none twice",
	"%s 不是有效时刻：1 至 10 个，形如 08:00，不得重复"};
static const struct refusal bad_hours = {
	"bad_every_h", "every %s hours: 1, 2, 3, 4, 6, 8 or 12",
	"每隔 %s 小时：应为 1、2、3、4、6、8 或 12"};
static const struct refusal no_schedule = {
	"no_schedule", "check %s needs either times or every_h",
	"检查项 %s 需要时刻或间隔小时，二者取一"};
static const struct refusal bad_limit = {
	"bad_limit", "%s is no number with at most 3 decimals",
	"%s 不是最多三位小数的数值"};
static const struct refusal limits_crossed = {
	"limits_crossed", "the low limit is above the high one (%s)",
	"下限高于上限（%s）"};
static const struct refusal no_limits = {
	"no_limits", "only a number has limits and a measure (%s)",
	"只有数值才有上下限和单位（%s）"};

/* ---- lists in a field ---- */

/* The next word of a list; false at its end. */
static bool list_take(struct span *list, struct span *ret_word)
{
	static const char separators[] = " ,;\t|";
	size_t size = 0;

	while (list->size > 0 && strchr(separators, list->data[0]) != NULL)
		*list = (struct span){list->data + 1, list->size - 1};
	while (size < list->size &&
	       strchr(separators, list->data[size]) == NULL)
		size++;
	*ret_word = (struct span){list->data, size};
	*list = (struct span){list->data + size, list->size - size};
	return size > 0;
}

/* "mon", or "mon-fri", over Sunday too. */
static bool days_parse(struct span word, uint32_t *days)
{
	const char *dash = memchr(word.data, '-', word.size);
	size_t size = dash == NULL ? word.size : (size_t)(dash - word.data);
	struct span first = {word.data, size};
	struct span last = first;
	uint32_t day;
	uint32_t end;

	if (dash != NULL)
		last = (struct span){dash + 1, word.size - size - 1};
	if (!term_parse(TERM_WEEKDAY, first, &day) ||
	    !term_parse(TERM_WEEKDAY, last, &end))
		return false;
	for (; day != end; day = day == 1u << 6 ? 1 : day << 1)
		*days |= day;
	*days |= end;
	return true;
}

static bool weekdays_read(struct import_row *row, struct check *check)
{
	struct span list = row_field(row, CHECK_WEEKDAYS);
	struct span word;
	uint32_t days = 0;

	while (list_take(&list, &word))
		if (!days_parse(word, &days))
			return row_unknown(row, CHECK_WEEKDAYS,
					   "mon-fri, sat, sun",
					   "周一-周五、周六、周日");
	check->weekdays = (uint8_t)(days == SCHEDULE_EVERY_DAY ? 0 : days);
	return true;
}

static bool roles_read(struct import_row *row, struct check *check)
{
	struct span list = row_field(row, CHECK_ROLES);
	struct span word;
	uint32_t role;

	while (list_take(&list, &word)) {
		if (!term_parse(TERM_ROLE, word, &role))
			return row_unknown(row, CHECK_ROLES,
					   "operator, manager, logistics ...",
					   "操作员、经理、物流等");
		check->roles |= role;
	}
	return true;
}

/* "8:00" as well; in rising order, each once. */
static bool time_add(struct span word, struct schedule *schedule)
{
	char text[8];
	struct schedule one;
	size_t at;

	if (!text_format(text, sizeof(text), "%s%.*s",
			 word.size == 4 ? "0" : "", (int)word.size,
			 word.data) ||
	    !schedule_times(span_of(text), &one) || one.count != 1 ||
	    schedule->count == SCHEDULE_TIMES_MAX)
		return false;
	for (at = schedule->count;
	     at > 0 && schedule->minutes[at - 1] >= one.minutes[0]; at--) {
		if (schedule->minutes[at - 1] == one.minutes[0])
			return false;
		schedule->minutes[at] = schedule->minutes[at - 1];
	}
	schedule->minutes[at] = one.minutes[0];
	schedule->count++;
	return true;
}

static bool times_read(struct import_row *row, struct check *check)
{
	struct span field = row_field(row, CHECK_TIMES);
	struct schedule schedule = {.count = 0};
	char text[SCHEDULE_TIMES_MAX * 6 + 1];
	struct span list = field;
	struct span word;
	size_t size = 0;

	while (list_take(&list, &word))
		if (!time_add(word, &schedule))
			return row_refuse(row, CHECK_TIMES, &bad_times, field);
	for (size_t i = 0; i < schedule.count; i++) {
		(void)text_format(text + size, sizeof(text) - size,
				  "%s%02u:%02u", i == 0 ? "" : " ",
				  schedule.minutes[i] / 60u,
				  schedule.minutes[i] % 60u);
		size += i == 0 ? 5 : 6;
	}
	return ref_set(&check->times, (struct span){text, size});
}

/* ---- a check ---- */

static bool schedule_read(struct import_row *row, struct check *check)
{
	struct row_range hours = {0, 0, 24};
	struct row_range minutes = {0, 0, GRACE_MIN_MAX};
	int64_t every = 0;
	int64_t grace = GRACE_MIN_USUAL;

	if (!times_read(row, check) || !weekdays_read(row, check) ||
	    !row_number(row, CHECK_EVERY_H, hours, &every) ||
	    !row_number(row, CHECK_GRACE, minutes, &grace))
		return false;
	if (every != 0 && !schedule_hours_are_valid((uint32_t)every))
		return row_refuse(row, CHECK_EVERY_H, &bad_hours,
				  row_field(row, CHECK_EVERY_H));
	if ((every == 0) == (check->times.size == 0))
		return row_refuse(row, CHECK_TIMES, &no_schedule,
				  name_span(&check->id));
	check->every_h = (uint8_t)every;
	check->grace_min = (uint32_t)grace;
	return true;
}

static bool check_row(struct import_row *row, struct check *check)
{
	uint32_t kind = 0;
	struct span place;

	if (!row_term(row, CHECK_WHAT, TERM_CHECK, &kind) ||
	    !row_text(row, CHECK_PLACE, PLACE_NAME_SIZE_MAX, &place) ||
	    !roles_read(row, check) || !schedule_read(row, check))
		return false;
	if (kind == 0)
		return row_refuse(row, CHECK_WHAT, &no_kind,
				  name_span(&check->id));
	check->kind = (enum check_kind)kind;
	return place_name_set(&check->place, place);
}

/* ---- a question ---- */

static bool limit_read(struct import_row *row, size_t column, bool *has,
		       int64_t *limit)
{
	struct span text = row_field(row, column);

	*has = text.size > 0;
	return text.size == 0 || answer_parse(text, limit) ||
	       row_refuse(row, column, &bad_limit, text);
}

static bool question_row(struct import_row *row, struct check *check)
{
	struct span number = row_field(row, CHECK_NUMBER);
	uint32_t answer = 0;
	struct span measure;

	if (!row_term(row, CHECK_ANSWER, TERM_ANSWER, &answer) ||
	    !limit_read(row, CHECK_LOW, &check->has_low, &check->low) ||
	    !limit_read(row, CHECK_HIGH, &check->has_high, &check->high) ||
	    !row_text(row, CHECK_MEASURE, CHECK_UNIT_SIZE_MAX, &measure))
		return false;
	if (answer == 0)
		return row_refuse(row, CHECK_ANSWER, &no_answer, number);
	if (answer != ANSWER_NUMBER &&
	    (check->has_low || check->has_high || measure.size > 0))
		return row_refuse(row, CHECK_ANSWER, &no_limits, number);
	if (check->has_low && check->has_high && check->low > check->high)
		return row_refuse(row, CHECK_LOW, &limits_crossed,
				  row_field(row, CHECK_LOW));
	check->answer = (enum answer_kind)answer;
	return unit_text_set(&check->measure, measure);
}

/* ---- any row ---- */

static bool names_read(struct import_row *row, struct check *check)
{
	struct span en;
	struct span zh;

	if (!row_text(row, CHECK_NAME_EN, ITEM_NAME_SIZE_MAX, &en) ||
	    !row_text(row, CHECK_NAME_ZH, ITEM_NAME_SIZE_MAX, &zh))
		return false;
	if (en.size + zh.size == 0)
		return row_refuse(row, CHECK_NAME_EN, &no_name,
				  name_span(&check->id));
	return item_name_set(&check->name_en, en) &&
	       item_name_set(&check->name_zh, zh);
}

static bool number_read(struct import_row *row, struct check *check)
{
	struct span text = row_field(row, CHECK_NUMBER);
	uint64_t number = 0;

	if (text.size > 0 &&
	    (!span_to_u64(text, CHECK_QUESTIONS_MAX, &number) || number == 0))
		return row_refuse(row, CHECK_NUMBER, &bad_number, text);
	check->number = (uint32_t)number;
	return true;
}

/* "cold-1", "cold-1/2". */
static struct span key_print(const struct check *check,
			     char text[IMPORT_KEY_SIZE])
{
	(void)text_format(text, IMPORT_KEY_SIZE,
			  check->number == 0 ? "%.*s" : "%.*s/%u",
			  (int)check->id.size, check->id.data, check->number);
	return span_of(text);
}

/* A question belongs to a check that the file has further up, or the ledger. */
static enum err_code owner_look(struct import_row *row,
				const struct check *check, struct err *err)
{
	struct check owner;
	struct pos said;
	uint32_t line;
	enum err_code code;

	if (check->number == 0 ||
	    intern_find(row->names, name_span(&check->id), &line))
		return ERR_OK;
	code = check_part(row->view, name_span(&check->id), 0, &said, &owner,
			  err);
	if (code == ERR_NOT_FOUND || (code == ERR_OK && owner.is_retired)) {
		(void)row_refuse(row, CHECK_ID, &no_check,
				 name_span(&check->id));
		return ERR_OK;
	}
	return code;
}

static enum err_code check_read(struct import_row *row, struct err *err)
{
	struct check *check = &row->entry.body.check;
	struct span id = row_field(row, CHECK_ID);
	struct pos said;
	enum err_code code;

	if (!text_is_name(id) || !name_set(&check->id, id)) {
		(void)row_refuse(row, CHECK_ID, &bad_id, id);
		return ERR_OK;
	}
	if (!number_read(row, check) || !names_read(row, check) ||
	    !(check->number == 0 ? check_row(row, check)
				 : question_row(row, check)))
		return ERR_OK;
	(void)key_print(check, row->key_text);
	code = owner_look(row, check, err);
	if (code != ERR_OK)
		return code;
	code = check_part(row->view, id, check->number, &said,
			  &row->before.body.check, err);
	row->is_known = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static struct span check_key(const struct import_row *row)
{
	return span_of(row->key_text);
}

/* ---- what the file does not have ---- */

struct vanished {
	const struct intern *names;
	uint64_t count;
	struct check first;
};

static enum err_code vanished_look(void *context, struct pos pos,
				   const struct check *check, struct err *err)
{
	struct vanished *vanished = context;
	char text[IMPORT_KEY_SIZE];
	uint32_t line;

	(void)pos;
	(void)err;
	if (check->is_retired ||
	    intern_find(vanished->names, key_print(check, text), &line))
		return ERR_OK;
	if (vanished->count++ == 0)
		vanished->first = *check;
	return ERR_OK;
}

static enum err_code part_retire(struct act *act, const struct check *check,
				 struct err *err)
{
	struct entry entry;

	if (check->number == 0)
		return check_retire(act, name_span(&check->id), err);
	act_entry(act, &entry, ENTRY_CHECK);
	entry.body.check = *check;
	entry.body.check.is_retired = true;
	return act_post(act, &entry, NULL, err);
}

/* One after the other: the table is walked, and must not change under that. */
static enum err_code checks_vanished(struct asking *asking,
				     const struct intern *names, bool retires,
				     uint64_t *ret_count, struct err *err)
{
	struct span all = {"", 0};
	uint64_t count = 0;

	for (;;) {
		struct vanished vanished = {.names = names};
		enum err_code code = check_walk(asking->view, all, true,
						vanished_look, &vanished, err);

		if (count < vanished.count)
			count = vanished.count;
		if (code == ERR_OK && (!retires || vanished.count == 0)) {
			*ret_count = count;
			return ERR_OK;
		}
		if (code == ERR_OK)
			code = part_retire(asking->act, &vanished.first, err);
		if (code != ERR_OK)
			return code;
	}
}

const struct import import_checks = {ENTRY_CHECK,        columns,
				     ARRAY_LEN(columns), check_read,
				     check_key,          "questions",
				     checks_vanished};
