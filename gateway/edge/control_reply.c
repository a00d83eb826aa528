#include "gateway/edge/control_reply.h"

#include <string.h>

#include "rules/base/bytes.h"

#define SENTENCE_SIZE (ERR_TEXT_SIZE + 160)

/* Whatever was begun is forgotten: a reply is one document. */
static void error_out(struct json_out *out, const char *code, struct span en,
		      struct span zh)
{
	out_init(out, out->data, out->capacity);
	out_object(out);
	out_object_at(out, "error");
	out_string_at(out, "code", code);
	out_text_at(out, "text_en", en);
	out_text_at(out, "text_zh", zh);
	out_object_end(out);
	out_object_end(out);
}

/* The detail comes from outside: it is placed, never a format. */
static struct span sentence(const char *text, struct span detail, char *buffer)
{
	const char *hole = strstr(text, "%s");
	struct writer writer;

	writer_init(&writer, buffer, SENTENCE_SIZE);
	write_raw(&writer, text,
		  hole == NULL ? strlen(text) : (size_t)(hole - text));
	if (hole != NULL) {
		if (detail.size > ERR_TEXT_SIZE)
			detail.size = ERR_TEXT_SIZE;
		write_raw(&writer, detail.data, detail.size);
		write_raw(&writer, hole + 2, strlen(hole + 2));
	}
	return (struct span){buffer, writer.size};
}

void control_refuse(struct json_out *out, const struct control_refusal *why,
		    struct span detail)
{
	char en[SENTENCE_SIZE];
	char zh[SENTENCE_SIZE];

	error_out(out, why->code, sentence(why->en, detail, en),
		  sentence(why->zh, detail, zh));
}

void control_fault(struct json_out *out, const struct fault *fault)
{
	char en[FAULT_TEXT_SIZE];
	char zh[FAULT_TEXT_SIZE];

	fault_text_en(fault, en, sizeof(en));
	fault_text_zh(fault, zh, sizeof(zh));
	error_out(out, fault_code(fault->kind), span_of(en), span_of(zh));
}

static const struct {
	const char *en;
	const char *zh;
} failures[] = {
	[ERR_OK] = {"", ""},
	[ERR_INVALID] = {"this cannot be done", "无法执行"},
	[ERR_NOT_FOUND] = {"not found", "找不到"},
	[ERR_CONFLICT] = {"this is in conflict with what is there",
			  "与现有内容冲突"},
	[ERR_OVERFLOW] = {"a number left its range", "数值超出范围"},
	[ERR_AGAIN] = {"busy: try again", "正忙，请稍后再试"},
	[ERR_FULL] = {"there is no room", "空间不足"},
	[ERR_IO] = {"the system refused", "系统拒绝了操作"},
	[ERR_CORRUPT] = {"the store is damaged: run depot verify",
			 "账本已损坏，请运行 depot verify"},
	[ERR_VERSION] = {"this was made by a newer depot",
			 "由更新版本的 depot 创建"},
	[ERR_UNSAFE] = {"modes or owners are too loose", "权限或属主设置过松"},
	[ERR_DENIED] = {"this is not allowed", "无权执行此操作"},
	[ERR_NOT_COMMISSIONED] = {"there is no store yet: run depot init",
				  "还没有账本，请运行 depot init"},
	[ERR_STOPPED] = {"it was stopped", "操作已中止"},
};

void control_failed(struct json_out *out, enum err_code code,
		    const struct err *err)
{
	char en[SENTENCE_SIZE];
	char zh[SENTENCE_SIZE];

	if (err == NULL) {
		error_out(out, err_code_name(code), span_of(failures[code].en),
			  span_of(failures[code].zh));
		return;
	}
	(void)text_format(en, sizeof(en), "%s (%s)", failures[code].en,
			  err->text);
	(void)text_format(zh, sizeof(zh), "%s（%s）", failures[code].zh,
			  err->text);
	error_out(out, err_code_name(code), span_of(en), span_of(zh));
}
