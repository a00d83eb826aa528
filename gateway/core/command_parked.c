/*
 * Input that could not be booked: what it was and why, its code named, tried
 * again, dropped.
 */
#include "gateway/core/page.h"

#include "gateway/core/goods.h"
#include "gateway/core/inlet.h"
#include "gateway/core/retry.h"
#include "gateway/core/rights.h"
#include "gateway/core/state.h"
#include "gateway/core/view.h"
#include "store/parked.h"

/* The reason goes behind "parked: " into a loss record. */
#define LOSS_FRONT "parked: "
#define DROP_REASON_SIZE_MAX (REASON_SIZE_MAX - (sizeof(LOSS_FRONT) - 1))

static const struct refusal unknown_number = {"unknown_parked",
					      "there is no parked reading %s",
					      "没有编号为 %s 的搁置读数"};
static const struct refusal nothing_to_name = {
	"nothing_to_name",
	"parked reading %s does not wait for a code to be named",
	"搁置读数 %s 并非在等待条码命名"};

/* ---- showing ---- */

/* Why it is parked, in words. What the strict front had to say is said again
 * from the same bytes; the arguments are gone after that. */
static void reason_read(struct asking *asking, const struct parked *parked,
			struct verdict *verdict)
{
	static const enum word unknown = WORD_ENGINE_FAILED;
	struct reading reading;
	struct fault fault;
	struct span device;
	enum reading_kind kind;

	verdict_init(verdict);
	verdict_park(verdict,
		     word_is_known(parked->code) ? (enum word)parked->code
						 : unknown,
		     parked->detail);
	if (verdict->word == WORD_MALFORMED &&
	    inlet_kind(inlet_find(inlet_below(parked->topic), &device),
		       &kind) &&
	    reading_parse(kind, parked->payload, asking->json, &reading,
			  &fault) != ERR_OK)
		verdict->fault = fault;
}

static void reason_out(struct asking *asking, const struct parked *parked)
{
	struct json_out *out = asking->out;
	struct verdict verdict;
	char text[SCAN_TEXT_SIZE];

	reason_read(asking, parked, &verdict);
	out_string_at(out, "code", verdict_code(&verdict));
	verdict_text(&verdict, false, text, sizeof(text));
	out_string_at(out, "text_en", text);
	verdict_text(&verdict, true, text, sizeof(text));
	out_string_at(out, "text_zh", text);
}

static void parked_out(struct asking *asking, const struct parked *parked)
{
	struct json_out *out = asking->out;
	struct span device;
	enum reading_kind kind;

	out_id_at(out, "number", parked->number);
	view_when_out("arrived", parked->arrival, parked->clock_trusted, out);
	reason_out(asking, parked);
	if (parked->wants.size > 0)
		out_text_at(out, "wants", code_text_span(&parked->wants));
	out_text_at(out, "topic", parked->topic);
	if (inlet_kind(inlet_find(inlet_below(parked->topic), &device), &kind))
		out_text_at(out, "device", device);
	if (parked->name.boot.size > 0)
		out_text_at(out, "boot", boot_span(&parked->name.boot));
	if (parked->name.seq != 0)
		out_id_at(out, "seq", parked->name.seq);
	if (parked->is_cut)
		out_bool_at(out, "cut", true);
	out_int_at(out, "size", (int64_t)parked->payload.size);
}

static enum err_code parked_visit(void *context, const struct parked *parked,
				  struct err *err)
{
	struct page *page = context;
	struct asking *asking = page->asking;
	char token[24];
	enum err_code code = page_row(page);

	(void)err;
	if (code != ERR_OK)
		return code;
	(void)text_format(token, sizeof(token), "%llu",
			  (unsigned long long)parked->number);
	out_object(asking->out);
	parked_out(asking, parked);
	out_object_end(asking->out);
	return page_row_end(page, span_of(token));
}

static enum err_code parked_list(struct asking *asking, struct err *err)
{
	struct page page;
	uint64_t after = 0;

	if (!page_begin(&page, asking, "parked"))
		return ERR_OK;
	if (page.after.size > 0 &&
	    !span_to_u64(page.after, UINT64_MAX - 1, &after))
		return asking_refuse(asking, &unknown_number, page.after);
	return page_end(&page, parked_walk(asking->view, after + 1,
					   parked_visit, &page, err));
}

/* The number that the arguments give, and what is parked under it. False:
 * refused, or the store failed (*@ret_code). */
static bool number_read(struct asking *asking, struct parked *ret_parked,
			enum err_code *ret_code, struct err *err)
{
	struct fault fault = {.kind = FAULT_NONE};
	uint64_t number = 0;
	char text[24];

	*ret_code = json_id(asking->arguments, "number", 1, &number, &fault);
	if (*ret_code != ERR_OK) {
		*ret_code = asking_fault(asking, &fault);
		return false;
	}
	*ret_code = parked_get(asking->view, number, ret_parked, err);
	if (*ret_code == ERR_NOT_FOUND) {
		(void)text_format(text, sizeof(text), "%llu",
				  (unsigned long long)number);
		*ret_code =
			asking_refuse(asking, &unknown_number, span_of(text));
		return false;
	}
	return *ret_code == ERR_OK;
}

static bool is_text(struct span bytes)
{
	for (size_t i = 0; i < bytes.size; i++)
		if (bytes.data[i] == '\0')
			return false;
	return utf8_is_valid(bytes);
}

static void payload_out(struct json_out *out, struct span payload)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * PAYLOAD_IN_SIZE_MAX];

	if (is_text(payload)) {
		out_text_at(out, "payload", payload);
		return;
	}
	ASSERT(2 * payload.size <= sizeof(hex));
	for (size_t i = 0; i < payload.size; i++) {
		hex[2 * i] = digits[(uint8_t)payload.data[i] >> 4];
		hex[2 * i + 1] = digits[(uint8_t)payload.data[i] & 0xf];
	}
	out_text_at(out, "payload_hex", (struct span){hex, 2 * payload.size});
}

static enum err_code parked_show(struct asking *asking, struct err *err)
{
	struct parked parked;
	enum err_code code;

	if (!number_read(asking, &parked, &code, err))
		return code;
	parked_out(asking, &parked);
	payload_out(asking->out, parked.payload);
	return ERR_OK;
}

/* ---- naming, trying, dropping ---- */

static enum err_code parked_name(struct asking *asking, struct err *err)
{
	struct json_range packs = {1, QTY_MOVE_MAX};
	struct entry entry;
	struct code *body = &entry.body.code;
	struct parked parked;
	struct item_no item;
	uint32_t booked;
	char text[24];
	enum err_code code;

	if (!number_read(asking, &parked, &code, err))
		return code;
	(void)text_format(text, sizeof(text), "%llu",
			  (unsigned long long)parked.number);
	if (parked.wants.size == 0 || parked.code != WORD_UNKNOWN_ITEM)
		return asking_refuse(asking, &nothing_to_name, span_of(text));
	if (!asking_item(asking, "item", &item, &code, err))
		return code;
	act_entry(asking->act, &entry, ENTRY_CODE);
	if (!asking_int_or(asking, "pack", packs, 1, &body->pack))
		return ERR_OK;
	body->code = parked.wants;
	code = item_name_of(asking->view, item, &body->item, err);
	if (code == ERR_OK)
		code = goods_say(asking, &entry, err);
	if (code == ERR_OK)
		code = retry_named(asking->engine, asking->act->batch,
				   code_text_span(&body->code), &booked, err);
	if (code != ERR_OK)
		return code;
	out_text_at(asking->out, "code", code_text_span(&body->code));
	out_text_at(asking->out, "item", sku_span(&body->item));
	out_int_at(asking->out, "booked", booked);
	return ERR_OK;
}

static enum err_code parked_retry(struct asking *asking, struct err *err)
{
	struct parked parked;
	struct verdict verdict;
	enum err_code code;

	if (!number_read(asking, &parked, &code, err))
		return code;
	code = retry_one(asking->engine, asking->act->batch, parked.number,
			 &verdict, err);
	if (code != ERR_OK)
		return code;
	if (!verdict_is_open(&verdict))
		return asking_verdict(asking, &verdict);
	out_bool_at(asking->out, "is_booked", true);
	if (verdict.pos.value != 0)
		asking_posted(asking, verdict.pos);
	return ERR_OK;
}

static enum err_code parked_drop(struct asking *asking, struct err *err)
{
	struct entry entry;
	struct loss *loss = &entry.body.loss;
	char what[REASON_SIZE_MAX + 1];
	struct parked parked;
	struct span reason;
	uint64_t number;
	bool fits;
	enum err_code code;

	if (!number_read(asking, &parked, &code, err))
		return code;
	if (!asking_text(asking, "reason", DROP_REASON_SIZE_MAX, &reason))
		return ERR_OK;
	act_entry(asking->act, &entry, ENTRY_LOSS);
	(void)text_format(what, sizeof(what), LOSS_FRONT "%.*s",
			  (int)reason.size, reason.data);
	fits = reason_set(&loss->what, span_of(what));
	ASSERT(fits);
	number = parked.number;
	loss->first = number;
	loss->last = number;
	loss->bytes = parked.topic.size + parked.payload.size;
	code = parked_remove(batch_txn(asking->act->batch), number, err);
	return code == ERR_OK ? asking_post(asking, &entry, err) : code;
}

static const struct command_row rows[] = {
	{{"parked.list", COMMAND_QUERY, RIGHTS_READ}, parked_list, NULL},
	{{"parked.show", COMMAND_QUERY, RIGHTS_READ}, parked_show, NULL},
	{{"parked.name", COMMAND_WRITE, RIGHTS_GOODS}, parked_name, NULL},
	{{"parked.retry", COMMAND_WRITE, RIGHTS_FLOOR}, parked_retry, NULL},
	{{"parked.drop", COMMAND_WRITE, RIGHTS_SITE}, parked_drop, NULL},
};
const struct command_table parked_commands = {rows, ARRAY_LEN(rows)};
