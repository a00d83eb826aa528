#include "gateway/core/asking.h"

#include <string.h>

const struct refusal refusal_unknown_item = {
	"unknown_item", "there is no item %s", "没有商品 %s"};
const struct refusal refusal_unknown_bin = {"unknown_bin", "there is no bin %s",
					    "没有库位 %s"};
const struct refusal refusal_unknown_device = {
	"unknown_device", "there is no device %s", "没有设备 %s"};
const struct refusal refusal_unknown_word = {
	"unknown_word", "%s is not one of the words allowed",
	"%s 不是允许的取值"};
const struct refusal refusal_unknown_entry = {"unknown_entry",
					      "there is no entry %s in the "
					      "journal",
					      "日记账中没有记录 %s"};
const struct refusal refusal_too_long = {
	"too_long",
	"the reply is longer than fits here: ask for less, or with depot on "
	"the box",
	"答复超出此处允许的长度：请缩小范围，或在本机用 depot 查询"};

/* Known to the engine as a word that a device hears: what it says of a parked
 * reading is not true of a command, which is not kept. */
static const struct refusal refusal_unknown_pallet = {
	"unknown_pallet", "nothing is known of what is on pallet %s",
	"不知道托盘 %s 上的内容"};

/* ---- refusing ---- */

static void error_out(struct asking *asking, struct span code, struct span en,
		      struct span zh)
{
	struct json_out *out = asking->out;

	if (asking->is_refused)
		return;
	asking->is_refused = true;
	out_rollback(out, asking->start);
	out_object_at(out, "error");
	out_text_at(out, "code", code);
	out_text_at(out, "text_en", en);
	out_text_at(out, "text_zh", zh);
	out_object_end(out);
}

/* The detail is outside data: it is placed, never a format. */
void refusal_text(const struct refusal *why, bool is_chinese,
		  struct span detail, char *buffer, size_t size)
{
	const char *text = is_chinese ? why->zh : why->en;
	const char *hole = strstr(text, "%s");
	char whole[REFUSAL_TEXT_SIZE];
	struct writer writer;

	writer_init(&writer, whole, sizeof(whole));
	if (hole == NULL) {
		write_raw(&writer, text, strlen(text));
	} else {
		write_raw(&writer, text, (size_t)(hole - text));
		write_raw(&writer, detail.data, detail.size);
		write_raw(&writer, hole + 2, strlen(hole + 2));
	}
	text_print((struct span){whole, writer.size}, buffer, size);
}

enum err_code asking_refuse(struct asking *asking, const struct refusal *why,
			    struct span detail)
{
	char en[REFUSAL_TEXT_SIZE];
	char zh[REFUSAL_TEXT_SIZE];

	refusal_text(why, false, detail, en, sizeof(en));
	refusal_text(why, true, detail, zh, sizeof(zh));
	error_out(asking, span_of(why->code), span_of(en), span_of(zh));
	return ERR_OK;
}

enum err_code asking_fault(struct asking *asking, const struct fault *fault)
{
	char en[FAULT_TEXT_SIZE];
	char zh[FAULT_TEXT_SIZE];

	fault_text_en(fault, en, sizeof(en));
	fault_text_zh(fault, zh, sizeof(zh));
	error_out(asking, span_of(fault_code(fault->kind)), span_of(en),
		  span_of(zh));
	return ERR_OK;
}

enum err_code asking_verdict(struct asking *asking,
			     const struct verdict *verdict)
{
	struct span detail = span_of(verdict->detail);
	char en[SCAN_TEXT_SIZE];
	char zh[SCAN_TEXT_SIZE];

	if (verdict->word == WORD_UNKNOWN_ITEM)
		return asking_refuse(asking, &refusal_unknown_item, detail);
	if (verdict->word == WORD_UNKNOWN_BIN)
		return asking_refuse(asking, &refusal_unknown_bin, detail);
	if (verdict->word == WORD_UNKNOWN_PALLET)
		return asking_refuse(asking, &refusal_unknown_pallet, detail);
	verdict_text(verdict, false, en, sizeof(en));
	verdict_text(verdict, true, zh, sizeof(zh));
	error_out(asking, span_of(verdict_code(verdict)), span_of(en),
		  span_of(zh));
	return ERR_OK;
}

/* ---- arguments ---- */

/* True unless the argument was wrong, which is then the reply. */
static bool is_taken(struct asking *asking, enum err_code code,
		     const struct fault *fault)
{
	if (code != ERR_INVALID)
		return true;
	(void)asking_fault(asking, fault); /* always ERR_OK */
	return false;
}

/* A required argument that is not there. */
static bool missing(struct asking *asking, const char *name)
{
	struct fault fault;
	struct span none = {"", 0};
	enum err_code code = fault_of(&fault, FAULT_MISSING, name, none);

	return is_taken(asking, code, &fault);
}

bool asking_text_or(struct asking *asking, const char *name, size_t max,
		    struct span *ret_text)
{
	struct fault fault = {.kind = FAULT_NONE};
	struct span text = {"", 0};
	enum err_code code;

	if (asking->is_refused)
		return false;
	code = json_text(asking->arguments, name, &text, &fault);
	if (code == ERR_OK && text.size > max) {
		char size[24];

		(void)text_format(size, sizeof(size), "%zu", text.size);
		code = fault_of(&fault, FAULT_TEXT_TOO_LONG, name,
				span_of(size));
		fault.high = max;
	} else if (code == ERR_OK && !text_is_clean(text)) {
		code = fault_of(&fault, FAULT_BAD_TEXT, name, text);
	}
	if (!is_taken(asking, code, &fault))
		return false;
	*ret_text = text;
	return true;
}

bool asking_text(struct asking *asking, const char *name, size_t max,
		 struct span *ret_text)
{
	if (!asking_text_or(asking, name, max, ret_text))
		return false;
	return ret_text->size > 0 || missing(asking, name);
}

bool asking_int_or(struct asking *asking, const char *name,
		   struct json_range range, int64_t otherwise, int64_t *ret_int)
{
	struct fault fault;
	enum err_code code;

	if (asking->is_refused)
		return false;
	*ret_int = otherwise;
	code = json_int(asking->arguments, name, range, ret_int, &fault);
	return is_taken(asking, code, &fault);
}

bool asking_int(struct asking *asking, const char *name,
		struct json_range range, int64_t *ret_int)
{
	if (asking->is_refused)
		return false;
	if (json_member(asking->arguments, name) == NULL)
		return missing(asking, name);
	return asking_int_or(asking, name, range, 0, ret_int);
}

bool asking_bool_or(struct asking *asking, const char *name, bool otherwise,
		    bool *ret_bool)
{
	struct fault fault;
	enum err_code code;

	if (asking->is_refused)
		return false;
	*ret_bool = otherwise;
	code = json_bool(asking->arguments, name, ret_bool, &fault);
	return is_taken(asking, code, &fault);
}

bool asking_term_or(struct asking *asking, const char *name, enum term_set set,
		    uint32_t otherwise, uint32_t *ret_value)
{
	struct span text;

	if (!asking_text_or(asking, name, REASON_SIZE_MAX, &text))
		return false;
	*ret_value = otherwise;
	if (text.size == 0 || term_parse(set, text, ret_value))
		return true;
	(void)asking_refuse(asking, &refusal_unknown_word, text);
	return false;
}

bool pos_parse(struct span text, struct pos *ret_pos)
{
	const char *dot =
		text.size == 0 ? NULL : memchr(text.data, '.', text.size);
	struct span parts[2];
	uint64_t epoch;
	uint64_t number;

	if (dot == NULL)
		return false;
	parts[0] = (struct span){text.data, (size_t)(dot - text.data)};
	parts[1] = (struct span){dot + 1, text.size - parts[0].size - 1};
	if (!span_to_u64(parts[0], EPOCH_MAX, &epoch) ||
	    !span_to_u64(parts[1], POS_NUMBER_MAX, &number))
		return false;
	*ret_pos = pos_make((uint32_t)epoch, number);
	return true;
}

bool asking_pos_or(struct asking *asking, const char *name, struct pos *ret_pos)
{
	static const struct refusal bad_entry = {
		"bad_entry",
		"%s is no entry's name; it must be epoch and number, such as "
		"1.4711",
		"%s 不是记录名；应为期号和序号，如 1.4711"};
	struct span text;

	if (!asking_text_or(asking, name, POS_PRINT_SIZE, &text))
		return false;
	ret_pos->value = 0;
	if (text.size == 0 || pos_parse(text, ret_pos))
		return true;
	(void)asking_refuse(asking, &bad_entry, text); /* always ERR_OK */
	return false;
}

struct span code_canonical(struct span text, char gtin[GS1_GTIN_SIZE])
{
	if (gs1_gtin_read(text, gtin) == SCAN_OK)
		return (struct span){gtin, GS1_GTIN_SIZE};
	return text;
}

enum err_code item_lookup(const struct view *view, struct span text,
			  struct item_no *ret_item, struct err *err)
{
	char gtin[GS1_GTIN_SIZE];
	int64_t pack;
	enum err_code code = ERR_NOT_FOUND;

	if (text.size > 0 && text.size <= SKU_SIZE_MAX)
		code = item_find(view, text, ret_item, err);
	if (code == ERR_NOT_FOUND)
		code = code_find(view, code_canonical(text, gtin), ret_item,
				 &pack, err);
	return code;
}

bool asking_item(struct asking *asking, const char *name,
		 struct item_no *ret_item, enum err_code *ret_code,
		 struct err *err)
{
	struct span text;

	*ret_code = ERR_OK;
	if (!asking_text(asking, name, CODE_SIZE_MAX, &text))
		return false;
	*ret_code = item_lookup(asking->view, text, ret_item, err);
	if (*ret_code == ERR_NOT_FOUND)
		*ret_code = asking_refuse(asking, &refusal_unknown_item, text);
	return *ret_code == ERR_OK && !asking->is_refused;
}

/* ---- entries ---- */

void pos_out(struct json_out *out, const char *key, struct pos pos)
{
	char text[POS_PRINT_SIZE];

	pos_print(pos, text, sizeof(text));
	out_string_at(out, key, text);
}

void asking_posted(struct asking *asking, struct pos pos)
{
	pos_out(asking->out, "entry", pos);
	out_int_at(asking->out, "epoch", pos_epoch(pos));
	out_id_at(asking->out, "pos", pos_number(pos));
}

enum err_code asking_post(struct asking *asking, struct entry *entry,
			  struct err *err)
{
	struct pos pos;
	enum err_code code = act_post(asking->act, entry, &pos, err);

	if (code == ERR_OK)
		asking_posted(asking, pos);
	return code;
}
