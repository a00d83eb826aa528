#include "gateway/ingest/fault.h"

#include <inttypes.h>
#include <string.h>

/* In a sentence {at} {line} {column} {low} {high} {field} {value} stand for
 * the members of the fault. */
struct wording {
	const char *code;
	const char *en;
	const char *zh;
};

static const struct wording wordings[] = {
	[FAULT_NONE] = {"none", "", ""},

	[FAULT_JSON_EMPTY] = {"bad_json", "the message is empty", "消息为空"},
	[FAULT_JSON_CUT] = {"bad_json",
			    "the message ends at byte {at}, in the middle of "
			    "its JSON",
			    "消息在第 {at} 字节处结束，JSON 不完整"},
	[FAULT_JSON_VALUE] = {"bad_json",
			      "not JSON at byte {at}: a value should be here",
			      "第 {at} 字节不是有效的 JSON：此处应为一个值"},
	[FAULT_JSON_KEY] = {"bad_json",
			    "not JSON at byte {at}: a field name in double "
			    "quotes should be here",
			    "第 {at} 字节不是有效的 JSON："
			    "此处应为带双引号的字段名"},
	[FAULT_JSON_COLON] = {"bad_json",
			      "not JSON at byte {at}: ':' should be here",
			      "第 {at} 字节不是有效的 JSON：此处应为“:”"},
	[FAULT_JSON_COMMA] = {"bad_json",
			      "not JSON at byte {at}: ',' or the closing "
			      "bracket should be here",
			      "第 {at} 字节不是有效的 JSON："
			      "此处应为“,”或右括号"},
	[FAULT_JSON_CONTROL] = {"bad_json",
				"not JSON at byte {at}: the control character "
				"{value} in a text must be written as an "
				"escape such as \\u001d",
				"第 {at} 字节不是有效的 JSON：文本中的控制字符 "
				"{value} 须写成转义形式，如 \\u001d"},
	[FAULT_JSON_ESCAPE] = {"bad_json",
			       "not JSON at byte {at}: there is no such "
			       "escape in JSON",
			       "第 {at} 字节不是有效的 JSON：无此转义"},
	[FAULT_JSON_NUL] = {"bad_json",
			    "at byte {at}: \\u0000 is not taken in a text",
			    "第 {at} 字节：文本中不允许 \\u0000"},
	[FAULT_JSON_TRAILING] = {"bad_json",
				 "something follows the end of the JSON, at "
				 "byte {at}",
				 "JSON 结束后还有内容（第 {at} 字节）"},

	[FAULT_UTF8] = {"bad_utf8", "byte {at} ({value}) is not valid UTF-8",
			"第 {at} 字节（{value}）不是有效的 UTF-8"},
	[FAULT_SURROGATE] = {"bad_utf8",
			     "at byte {at}: half of a surrogate pair stands "
			     "alone",
			     "第 {at} 字节：代理项不成对"},

	[FAULT_DUPLICATE_KEY] = {"duplicate_key",
				 "{field} is given twice, again at byte {at}",
				 "{field} 重复出现（第 {at} 字节）"},
	[FAULT_TOO_DEEP] = {"too_deep",
			    "nested deeper than {high} levels at byte {at}",
			    "第 {at} 字节处嵌套超过 {high} 层"},

	[FAULT_MESSAGE_TOO_LONG] = {"too_long",
				    "the message is {value} bytes long; at "
				    "most {high} are taken",
				    "消息长 {value} 字节，最多 {high} 字节"},
	[FAULT_TEXT_TOO_LONG] = {"too_long",
				 "{field} is {value} bytes long; at most "
				 "{high} are taken",
				 "{field} 长 {value} 字节，最多 {high} 字节"},
	[FAULT_TOO_MANY] = {"too_long", "{field} has more than {high} entries",
			    "{field} 超过 {high} 项"},
	[FAULT_TOO_MANY_KEYS] = {"too_long",
				 "an object has more than {high} fields, at "
				 "byte {at}",
				 "对象超过 {high} 个字段（第 {at} 字节）"},
	[FAULT_TOO_MUCH] = {"too_long",
			    "the message holds more values than are taken",
			    "消息包含的值过多"},

	[FAULT_BAD_NUMBER] = {"bad_number",
			      "{value} at byte {at} is not a number in "
			      "JSON's form",
			      "第 {at} 字节处的 {value} 不是 JSON 形式的数字"},

	[FAULT_IS_NULL] = {"wrong_type",
			   "{field} is null; leave it out, or give a value",
			   "{field} 为 null；请省略该字段或给出值"},
	[FAULT_NOT_WHOLE] = {"wrong_type",
			     "{field} is {value}; it must be a whole number",
			     "{field} 为 {value}，应为整数"},
	[FAULT_NOT_NUMBER] =
		{"wrong_type",
		 "{field} is {value}; it must be a number such as -54 or -54.5",
		 "{field} 为 {value}，应为数字，如 -54 或 -54.5"},
	[FAULT_NOT_ID] = {"wrong_type",
			  "{field} is {value}; it must be a whole number or "
			  "a text of digits",
			  "{field} 为 {value}，应为整数或数字文本"},
	[FAULT_NOT_TEXT] = {"wrong_type",
			    "{field} is {value}; it must be a text",
			    "{field} 为 {value}，应为文本"},
	[FAULT_NOT_BOOL] = {"wrong_type",
			    "{field} is {value}; it must be true or false",
			    "{field} 为 {value}，应为 true 或 false"},
	[FAULT_NOT_LIST] = {"wrong_type",
			    "{field} is {value}; it must be a list",
			    "{field} 为 {value}，应为列表"},
	[FAULT_NOT_OBJECT] = {"wrong_type",
			      "{field} is {value}; it must be an object",
			      "{field} 为 {value}，应为对象"},
	[FAULT_NO_OBJECT] = {"wrong_type", "the message must be a JSON object",
			     "消息须为 JSON 对象"},

	[FAULT_MISSING] = {"missing_field", "{field} is missing",
			   "缺少 {field}"},
	[FAULT_EMPTY] = {"missing_field",
			 "{field} is empty; leave it out, or give a value",
			 "{field} 为空；请省略该字段或给出值"},

	[FAULT_OUT_OF_RANGE] = {"out_of_range",
				"{field} is {value}; it must be from {low} to "
				"{high}",
				"{field} 为 {value}，应在 {low} 至 {high} "
				"之间"},

	[FAULT_TWO_GIVEN] = {"conflicting_fields",
			     "{field} and {value} are both given; only one "
			     "may be",
			     "{field} 与 {value} 同时出现，只能有一个"},
	[FAULT_UNKNOWN_VERSION] = {"unknown_version",
				   "{field} is {value}; this depot "
				   "understands {high}",
				   "{field} 为 {value}，本机只支持 {high}"},
	[FAULT_UNKNOWN_OP] = {"unknown_op",
			      "{field} is {value}, which is no operation",
			      "{field} 为 {value}，没有这种操作"},
	[FAULT_UNKNOWN_CONDITION] = {"unknown_condition",
				     "{field} is {value}; it must be good, "
				     "on_hold, quarantine or damaged",
				     "{field} 为 {value}，应为 good、on_hold、"
				     "quarantine 或 damaged"},
	[FAULT_BAD_TIME] = {"bad_time",
			    "{field} is {value}; it must be a time such as "
			    "2026-11-22T10:00:00Z",
			    "{field} 为 {value}，应为时间，如 "
			    "2026-11-22T10:00:00Z"},
	[FAULT_BAD_DATE] = {"bad_date",
			    "{field} is {value}; it must be a day that "
			    "exists, such as 2026-11-22",
			    "{field} 为 {value}，应为存在的日期，如 "
			    "2026-11-22"},
	[FAULT_BAD_TEXT] = {"bad_text",
			    "{field} is {value}; it has a character or a "
			    "blank that cannot stand there",
			    "{field} 为 {value}，含有不允许的字符或空格"},
	[FAULT_BAD_EPC] = {"bad_epc",
			   "{field} is {value}; it must be an EPC of {low} to "
			   "{high} pairs of hexadecimal digits",
			   "{field} 为 {value}，应为 {low} 至 {high} "
			   "对十六进制数字的 EPC"},

	[FAULT_FILE_EMPTY] = {"empty_file", "the file is empty", "文件为空"},
	[FAULT_FILE_TOO_LONG] = {"too_long",
				 "the file is longer than {high} bytes",
				 "文件超过 {high} 字节"},
	[FAULT_ENCODING] = {"bad_encoding",
			    "neither UTF-8 nor GB18030; save the file as "
			    "UTF-8 (in Excel: CSV UTF-8)",
			    "既不是 UTF-8 也不是 GB18030；请将文件另存为 "
			    "UTF-8（Excel：CSV UTF-8）"},
	[FAULT_ENCODING_NUL] = {"bad_encoding",
				"a NUL byte, as in UTF-16; save the file as "
				"UTF-8 (in Excel: CSV UTF-8)",
				"有 NUL 字节（可能是 UTF-16）；请将文件另存为 "
				"UTF-8（Excel：CSV UTF-8）"},
	[FAULT_SPREADSHEET] = {"bad_encoding",
			       "this is a spreadsheet or an archive, not its "
			       "text; save it as CSV (in Excel: CSV UTF-8)",
			       "这是电子表格或压缩包，不是文本；请另存为 CSV"
			       "（Excel：CSV UTF-8）"},
	[FAULT_OPEN_QUOTE] = {"bad_quote", "the quote is never closed",
			      "引号没有结束"},
	[FAULT_STRAY_QUOTE] = {"bad_quote",
			       "a quote in the middle of a field; put the "
			       "whole field in quotes and double the quotes "
			       "in it",
			       "字段中间有引号；请给整个字段加引号，并把其中的"
			       "引号写成两个"},
	[FAULT_FIELD_TOO_LONG] = {"too_long", "longer than {high} bytes",
				  "超过 {high} 字节"},
	[FAULT_TOO_MANY_COLUMNS] = {"too_many_columns",
				    "more than {high} columns",
				    "超过 {high} 列"},
	[FAULT_COLUMN_COUNT] = {"wrong_column_count",
				"the row has {value} columns; the header has "
				"{high}",
				"该行有 {value} 列，表头有 {high} 列"},
	[FAULT_NO_COLUMN] = {"missing_column",
			     "the header has no column {field}; it has: "
			     "{value}",
			     "表头缺少 {field} 列；现有：{value}"},
	[FAULT_COLUMN_TWICE] = {"duplicate_column",
				"the header has {field} twice, here as {value}",
				"表头重复出现 {field}，此处为 {value}"},
};

enum err_code fault_set(struct fault *fault, enum fault_kind kind)
{
	*fault = (struct fault){.kind = kind};
	return ERR_INVALID;
}

/*
 * Values come from senders and end in logs and on terminals: what is no clean
 * character becomes '?'. Cut at a character.
 */
static void copy_clean(struct span text, char *buffer, size_t size)
{
	size_t used = 0;

	while (text.size > 0) {
		size_t step = utf8_first_size(text);
		bool is_clean = step > 0 &&
				text_is_clean((struct span){text.data, step});

		if (step == 0)
			step = 1;
		if (used + (is_clean ? step : 1) > size - 1)
			break;
		if (is_clean)
			memcpy(buffer + used, text.data, step);
		else
			buffer[used] = '?';
		used += is_clean ? step : 1;
		text.data += step;
		text.size -= step;
	}
	buffer[used] = '\0';
}

void fault_value(struct fault *fault, struct span value)
{
	copy_clean(value, fault->value, sizeof(fault->value));
}

enum err_code fault_of(struct fault *fault, enum fault_kind kind,
		       const char *field, struct span value)
{
	enum err_code code = fault_set(fault, kind);

	copy_clean(span_of(field), fault->field, sizeof(fault->field));
	fault_value(fault, value);
	return code;
}

void fault_within(struct fault *fault, const char *outer, size_t index)
{
	char field[FAULT_FIELD_SIZE];

	(void)text_format(field, sizeof(field), "%s[%zu]%s%s", outer, index,
			  fault->field[0] == '\0' ? "" : ".", fault->field);
	memcpy(fault->field, field, sizeof(field));
}

const char *fault_code(enum fault_kind kind)
{
	ASSERT((size_t)kind < ARRAY_LEN(wordings));
	return wordings[kind].code;
}

/* ---- sentences ---- */

struct sentence {
	char *text;
	size_t size;
	size_t used;
};

static void say(struct sentence *sentence, struct span text)
{
	size_t room = sentence->size - sentence->used;

	text_print(text, sentence->text + sentence->used, room);
	sentence->used += text.size < room ? text.size : room - 1;
}

/* What the word between braces stands for; printed into @buffer if need be. */
static const char *meaning(const struct fault *fault, struct span word,
			   char *buffer, size_t size)
{
	uint64_t number = fault->high;

	if (span_is(word, "field"))
		return fault->field;
	if (span_is(word, "value"))
		return fault->value;
	if (span_is(word, "low")) {
		(void)text_format(buffer, size, "%" PRId64, fault->low);
		return buffer;
	}
	if (span_is(word, "at"))
		number = fault->at;
	else if (span_is(word, "line"))
		number = fault->line;
	else if (span_is(word, "column"))
		number = fault->column;
	else
		ASSERT(span_is(word, "high"));
	(void)text_format(buffer, size, "%" PRIu64, number);
	return buffer;
}

static void put_sentence(const struct fault *fault, const char *wording,
			 struct sentence *sentence)
{
	char number[24];

	sentence->text[sentence->used] = '\0';
	while (*wording != '\0') {
		size_t size = strcspn(wording, "{");
		const char *end;

		say(sentence, (struct span){wording, size});
		wording += size;
		if (*wording == '\0')
			break;
		end = strchr(wording, '}');
		ASSERT(end != NULL);
		say(sentence,
		    span_of(meaning(fault,
				    (struct span){wording + 1,
						  (size_t)(end - wording) - 1},
				    number, sizeof(number))));
		wording = end + 1;
	}
}

void fault_text_en(const struct fault *fault, char *buffer, size_t size)
{
	struct sentence sentence = {buffer, size, 0};

	ASSERT((size_t)fault->kind < ARRAY_LEN(wordings) && size > 0);
	if (fault->line != 0 && fault->column != 0)
		put_sentence(fault,
			     "line {line}, column {column}: ", &sentence);
	else if (fault->line != 0)
		put_sentence(fault, "line {line}: ", &sentence);
	put_sentence(fault, wordings[fault->kind].en, &sentence);
}

void fault_text_zh(const struct fault *fault, char *buffer, size_t size)
{
	struct sentence sentence = {buffer, size, 0};

	ASSERT((size_t)fault->kind < ARRAY_LEN(wordings) && size > 0);
	if (fault->line != 0 && fault->column != 0)
		put_sentence(fault, "第 {line} 行第 {column} 列：", &sentence);
	else if (fault->line != 0)
		put_sentence(fault, "第 {line} 行：", &sentence);
	put_sentence(fault, wordings[fault->kind].zh, &sentence);
}
