#include "gateway/ingest/scan_problem.h"

#include <string.h>

/*
 * The sentences. {ai} becomes "(10) BATCH/LOT: " or nothing, {other} the other
 * AI, {needs} what an association lacks, {value} the value. A sentence says
 * what is wrong, and what to do where that is not plain.
 */
/* clang-format off */
static const struct {
	const char *name;
	const char *en;
	const char *zh;
} faults[SCAN_FAULT_COUNT] = {
	[SCAN_OK] = {"ok", "all is well", "正常"},
	[SCAN_EMPTY] = {"empty",
		"the scanned text is empty",
		"扫描内容为空"},
	[SCAN_TOO_LONG] = {"too_long",
		"the scanned text is too long: {value}",
		"扫描内容过长：{value}"},
	[SCAN_BAD_SYNTAX] = {"bad_syntax",
		"not a GS1 element string: {value}",
		"不是 GS1 单元数据串：{value}"},
	[SCAN_NO_SYMBOLOGY] = {"no_symbology",
		"no symbology identifier in front of {value}",
		"{value} 前缺少码制标识符"},
	[SCAN_UNSUPPORTED_SYMBOLOGY] = {"unsupported_symbology",
		"symbology {value} is not supported; switch it off in the "
		"scanner, or its add-on",
		"不支持码制 {value}，请在扫描器中关闭该码制或其附加码"},
	[SCAN_UNKNOWN_AI] = {"unknown_ai",
		"there is no GS1 application identifier at {value}",
		"{value} 处没有有效的 GS1 应用标识符"},
	[SCAN_TOO_MANY_AIS] = {"too_many_ais",
		"{ai}too many elements in one message",
		"{ai}一条信息中的单元过多"},
	[SCAN_BAD_LENGTH] = {"bad_length",
		"{ai}{value} has the wrong length; is a separator missing?",
		"{ai}{value} 长度不正确，是否缺少分隔符？"},
	[SCAN_BAD_CHARACTER] = {"bad_character",
		"{ai}{value} has a character that is not allowed there; does "
		"the scanner replace the separator?",
		"{ai}{value} 含有不允许的字符，扫描器是否替换了分隔符？"},
	[SCAN_BAD_CHECK_DIGIT] = {"bad_check_digit",
		"{ai}the check digit of {value} is wrong",
		"{ai}{value} 的校验位错误"},
	[SCAN_BAD_CHECK_PAIR] = {"bad_check_pair",
		"{ai}the check characters of {value} are wrong",
		"{ai}{value} 的校验字符错误"},
	[SCAN_BAD_COMPANY_PREFIX] = {"bad_company_prefix",
		"{ai}{value} does not begin with a company prefix",
		"{ai}{value} 不以厂商识别代码开头"},
	[SCAN_BAD_DATE] = {"bad_date",
		"{ai}{value} is no date that exists",
		"{ai}{value} 不是有效日期"},
	[SCAN_BAD_TIME] = {"bad_time",
		"{ai}{value} is no time that exists",
		"{ai}{value} 不是有效时间"},
	[SCAN_BAD_COUNTRY] = {"bad_country",
		"{ai}{value} has no valid country code",
		"{ai}{value} 中的国家代码无效"},
	[SCAN_BAD_CURRENCY] = {"bad_currency",
		"{ai}{value} has no valid currency code",
		"{ai}{value} 中的货币代码无效"},
	[SCAN_BAD_IBAN] = {"bad_iban",
		"{ai}{value} is no valid IBAN",
		"{ai}{value} 不是有效的 IBAN"},
	[SCAN_BAD_COORDINATE] = {"bad_coordinate",
		"{ai}{value} is no place on earth",
		"{ai}{value} 不是有效的地理坐标"},
	[SCAN_BAD_PERCENT_ENCODING] = {"bad_percent_encoding",
		"{ai}{value} has a % that is not followed by two "
		"hexadecimal digits",
		"{ai}{value} 中的 % 后面不是两位十六进制数字"},
	[SCAN_BAD_SEQUENCE] = {"bad_sequence",
		"{ai}{value} does not say which of how many",
		"{ai}{value} 的序号与总数不符"},
	[SCAN_BAD_COUPON] = {"bad_coupon",
		"{ai}{value} is no valid coupon code",
		"{ai}{value} 不是有效的优惠券代码"},
	[SCAN_BAD_VALUE] = {"bad_value",
		"{ai}{value} is not one of the values allowed",
		"{ai}{value} 不是允许的取值"},
	[SCAN_EXCLUSIVE_PAIR] = {"exclusive_pair",
		"{ai}{value} may not stand beside ({other})",
		"{ai}{value} 不能与 ({other}) 同时出现"},
	[SCAN_REPEATED_AI] = {"repeated_ai",
		"{ai}comes twice with different values, once {value}",
		"{ai}重复出现且取值不同，其中一个为 {value}"},
	[SCAN_MISSING_SERIAL] = {"missing_serial",
		"{ai}{value} is signed and must have a serial part",
		"{ai}{value} 带有数字签名，必须包含序列部分"},
	[SCAN_MISSING_ASSOCIATION] = {"missing_association",
		"{ai}{value} stands alone; beside it belongs {needs}",
		"{ai}{value} 单独出现，应同时带有 {needs}"},
	[SCAN_BAD_LINK] = {"bad_link",
		"not a valid link: {value}",
		"不是有效的链接：{value}"},
	[SCAN_LINK_WITHOUT_KEY] = {"link_without_key",
		"not a GS1 Digital Link: {value}",
		"不是 GS1 Digital Link：{value}"},
	[SCAN_BAD_LINK_PATH] = {"bad_link_path",
		"{ai}{value} does not belong into the path of this link",
		"{ai}{value} 不应出现在该链接的路径中"},
	[SCAN_BAD_LINK_ATTRIBUTE] = {"bad_link_attribute",
		"{ai}{value} may not be an attribute of this link",
		"{ai}{value} 不能作为该链接的属性"},
	[SCAN_JOIN_CODE] = {"join_code",
		"this is the code of a join sheet: a box without a network "
		"joins by it, by itself; its page, or depot join, shows how "
		"far it is",
		"这是加入单上的加入码：尚未入网的盒子会据此自动加入，可在其页面"
		"或用 depot join 查看进度"},
	[SCAN_UNKNOWN_LABEL] = {"unknown_label",
		"{value} looks like a label of depot, but there is no such "
		"label; print it again",
		"{value} 像是 depot 标签，但没有这种标签，请重新打印"},
	[SCAN_BAD_QUANTITY] = {"bad_quantity",
		"{ai}{value} is no quantity from 1 up",
		"{ai}{value} 不是大于等于 1 的数量"},
	[SCAN_LOST_SEPARATOR] = {"lost_separator",
		"{ai}{value} seems to contain ({other}): a separator got "
		"lost; check the label or the scanner's GS setting",
		"{ai}{value} 似乎包含 ({other})：分隔符丢失，"
		"请检查标签或扫描器的 GS 设置"},
	[SCAN_ODD_CHECK_DIGIT] = {"odd_check_digit",
		"{value} has the length of a GTIN or SSCC, but the check "
		"digit is wrong; taken as plain text",
		"{value} 长度与 GTIN 或 SSCC 相同，但校验位错误，按普通文本处理"},
	[SCAN_LOOKS_LIKE_GS1] = {"looks_like_gs1",
		"{value} reads as GS1, but FNC1 is missing; let the scanner "
		"send symbology identifiers; taken as plain text",
		"{value} 像 GS1 数据但缺少 FNC1，"
		"请让扫描器发送码制标识符；按普通文本处理"},
};
/* clang-format on */

const char *scan_fault_name(enum scan_fault fault)
{
	return faults[fault].name;
}

void scan_problem_set(struct scan_problem *problem, enum scan_fault fault,
		      struct span ai, struct span value)
{
	problem->fault = fault;
	problem->at = 0;
	problem->title = NULL;
	problem->needs = NULL;
	problem->other_ai[0] = '\0';
	text_print(ai, problem->ai, sizeof(problem->ai));
	if (value.size > SCAN_VALUE_SHOWN)
		value.size = SCAN_VALUE_SHOWN;
	if (value.size > 0)
		memcpy(problem->value, value.data, value.size);
	problem->size = (uint8_t)value.size;
}

/* What is printed into; once something did not fit, nothing more goes in. */
struct page {
	char *data;
	size_t size;
	size_t capacity; /* one is kept for the end */
	bool is_cut;
};

static void page_put(struct page *page, struct span text)
{
	if (page->is_cut)
		return;
	page->is_cut = text.size >= page->capacity - page->size;
	text_print(text, page->data + page->size, page->capacity - page->size);
	page->size += strlen(page->data + page->size);
}

/* Whole UTF-8 characters as they are, all other bytes as \xHH. */
static void page_put_value(struct page *page,
			   const struct scan_problem *problem)
{
	static const char hex[] = "0123456789abcdef";
	struct span rest = {problem->value, problem->size};

	while (rest.size > 0) {
		unsigned char c = (unsigned char)rest.data[0];
		char escaped[] = {'\\', 'x', hex[c >> 4], hex[c & 15]};
		struct span one = {rest.data, 1};

		while (one.size < rest.size && one.size < 4 &&
		       !text_is_clean(one))
			one.size++;
		if (text_is_clean(one)) {
			page_put(page, one);
		} else {
			one.size = 1;
			page_put(page, (struct span){escaped, sizeof(escaped)});
		}
		rest.data += one.size;
		rest.size -= one.size;
	}
}

static void page_put_ai(struct page *page, const struct scan_problem *problem)
{
	if (problem->ai[0] == '\0')
		return;
	page_put(page, span_of("("));
	page_put(page, span_of(problem->ai));
	page_put(page, span_of(") "));
	if (problem->title == NULL || problem->title[0] == '\0')
		return;
	page_put(page, span_of(problem->title));
	page_put(page, span_of(": "));
}

/* Prints the field that @rest starts with, "{ai}", and returns its size. */
static size_t page_put_field(struct page *page, struct span rest,
			     const struct scan_problem *problem)
{
	if (span_starts(rest, "{ai}"))
		page_put_ai(page, problem);
	else if (span_starts(rest, "{other}"))
		page_put(page, span_of(problem->other_ai));
	else if (span_starts(rest, "{needs}"))
		page_put(page,
			 span_of(problem->needs == NULL ? "?"
							: problem->needs));
	else
		page_put_value(page, problem);
	return (size_t)((const char *)memchr(rest.data, '}', rest.size) -
			rest.data) +
	       1;
}

static void print(const char *sentence, const struct scan_problem *problem,
		  char *buffer, size_t size)
{
	struct page page = {.data = buffer, .capacity = size};
	struct span rest = span_of(sentence);

	ASSERT(size > 0);
	while (rest.size > 0) {
		size_t taken = 0;

		if (rest.data[0] == '{') {
			taken = page_put_field(&page, rest, problem);
		} else {
			while (taken < rest.size && rest.data[taken] != '{')
				taken++;
			page_put(&page, (struct span){rest.data, taken});
		}
		rest.data += taken;
		rest.size -= taken;
	}
	page.data[page.size] = '\0';
}

void scan_problem_text_en(const struct scan_problem *problem, char *buffer,
			  size_t size)
{
	print(faults[problem->fault].en, problem, buffer, size);
}

void scan_problem_text_zh(const struct scan_problem *problem, char *buffer,
			  size_t size)
{
	print(faults[problem->fault].zh, problem, buffer, size);
}
