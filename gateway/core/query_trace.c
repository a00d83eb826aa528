/*
 * trace.show: which readings of which devices made an item's stock; or what an
 * entry comes from and what came of it.
 */
#include "gateway/core/page.h"

#include "gateway/core/entry_out.h"
#include "gateway/core/journal_look.h"
#include "gateway/core/rights.h"
#include "gateway/core/view.h"
#include "store/journal.h"
#include "store/promise.h"

/* How many entries beside an entry are of its reading, at most, a side. */
#define NEIGHBOURS_MAX 100

/* ---- an item ---- */

static enum err_code movement_visit(void *context, struct pos pos,
				    const struct entry *entry, struct err *err)
{
	struct page *page = context;
	struct json_out *out = page->asking->out;
	char token[POS_PRINT_SIZE];
	enum err_code code = page_row(page);

	(void)err;
	if (code != ERR_OK)
		return code;
	pos_print(pos, token, sizeof(token));
	out_object(out);
	entry_out(entry, pos, out);
	out_object_end(out);
	return page_row_end(page, span_of(token));
}

static enum err_code item_show(struct asking *asking, struct err *err)
{
	struct look look = {.view = asking->view,
			    .filter = {.kind = ENTRY_MOVEMENT},
			    .is_backwards = true,
			    .count_max = asking->look_max};
	char token[POS_PRINT_SIZE];
	struct stock stock;
	struct item_no item;
	struct page page;
	enum err_code code;

	if (!asking_item(asking, "item", &item, &code, err))
		return code;
	if (!asking_pos_or(asking, "after", &look.from))
		return ERR_OK;
	code = view_stock_read(asking->view, item, &stock, err);
	if (code != ERR_OK)
		return code;
	view_stock_members(&stock, asking->out);
	look.filter.item = sku_span(&stock.sku);
	if (!page_begin(&page, asking, "movements"))
		return ERR_OK;
	code = look_run(&look, movement_visit, &page, err);
	if (look.is_cut) {
		pos_print(look.at, token, sizeof(token));
		page_cut(&page, span_of(token));
	}
	return page_end(&page, code);
}

/* ---- an entry ---- */

struct tracing {
	struct asking *asking;
	struct pos pos;
	struct entry entry;
};

/* An entry's name and sentence. */
static void brief_out(struct json_out *out, struct pos pos,
		      const struct entry *entry)
{
	char text[ENTRY_TEXT_SIZE];

	out_object(out);
	pos_out(out, "entry", pos);
	out_string_at(out, "kind", entry_kind_name(entry->kind));
	entry_text(entry, false, text, sizeof(text));
	out_string_at(out, "text_en", text);
	entry_text(entry, true, text, sizeof(text));
	out_string_at(out, "text_zh", text);
	out_object_end(out);
}

static enum err_code brief_at(struct tracing *tracing, const char *key,
			      struct pos pos, struct err *err)
{
	struct json_out *out = tracing->asking->out;
	struct entry entry;
	enum err_code code =
		journal_read(tracing->asking->view, pos, &entry, err);

	if (code == ERR_NOT_FOUND || code == ERR_VERSION)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	out_key(out, key);
	brief_out(out, pos, &entry);
	return ERR_OK;
}

static enum err_code reversal_visit(void *context, struct pos pos,
				    const struct entry *entry, struct err *err)
{
	struct tracing *tracing = context;

	(void)err;
	if (entry->body.movement.reverses.value != tracing->pos.value)
		return ERR_OK;
	out_key(tracing->asking->out, "reversed_by");
	brief_out(tracing->asking->out, pos, entry);
	return ERR_STOPPED;
}

/* What it takes back, and what took it back: the latter comes after it, mostly
 * soon; "searched_to" says how far was looked if not to the end. */
static enum err_code reversals_out(struct tracing *tracing, struct err *err)
{
	const struct movement *movement = &tracing->entry.body.movement;
	struct look look = {.view = tracing->asking->view,
			    .filter = {.item = sku_span(&movement->item),
				       .kind = ENTRY_MOVEMENT},
			    .from = tracing->pos,
			    .count_max = tracing->asking->look_max};
	enum err_code code = ERR_OK;

	if (movement->reverses.value != 0)
		code = brief_at(tracing, "reverses", movement->reverses, err);
	if (code == ERR_OK)
		code = look_run(&look, reversal_visit, tracing, err);
	if (code == ERR_OK && look.is_cut)
		pos_out(tracing->asking->out, "searched_to", look.at);
	return code == ERR_STOPPED ? ERR_OK : code;
}

/* One reading's entries carry its number; unnamed ones follow at one instant.
 */
static bool is_same_reading(const struct entry *a, const struct entry *b)
{
	if (a->actor.kind != b->actor.kind || a->actor.seq != b->actor.seq ||
	    !span_equal(name_span(&a->actor.name), name_span(&b->actor.name)) ||
	    !span_equal(boot_span(&a->actor.boot), boot_span(&b->actor.boot)))
		return false;
	return a->actor.seq != 0 ||
	       stamp_moment(a->stamp).ms == stamp_moment(b->stamp).ms;
}

/* Lists the neighbours on one side, as far as the reading goes. */
static enum err_code side_out(struct tracing *tracing, bool is_after,
			      struct err *err)
{
	struct asking *asking = tracing->asking;
	struct pos pos = tracing->pos;

	for (unsigned i = 0; i < NEIGHBOURS_MAX; i++) {
		struct entry entry;
		struct json_mark mark;
		enum err_code code;

		if (!is_after && pos_number(pos) <= 1)
			break;
		pos.value += is_after ? 1 : UINT64_MAX;
		code = journal_read(asking->view, pos, &entry, err);
		if (code == ERR_NOT_FOUND || code == ERR_VERSION)
			break;
		if (code != ERR_OK)
			return code;
		if (!is_same_reading(&tracing->entry, &entry))
			break;
		mark = out_mark(asking->out);
		brief_out(asking->out, pos, &entry);
		if (!out_ok(asking->out)) {
			out_rollback(asking->out, mark);
			break;
		}
	}
	return ERR_OK;
}

#define TAIL_SIZE 256

static enum err_code neighbours_out(struct tracing *tracing, struct err *err)
{
	struct json_out *out = tracing->asking->out;
	enum err_code code;

	out_array_at(out, "same_reading");
	out_reserve(out, TAIL_SIZE);
	code = side_out(tracing, false, err);
	if (code == ERR_OK)
		code = side_out(tracing, true, err);
	if (code != ERR_OK)
		return code;
	out_reserve(out, 0);
	out_array_end(out);
	return ERR_OK;
}

/* The order that it belongs to, and what stands ready for that. */
static enum err_code order_out(struct tracing *tracing, struct err *err)
{
	struct json_out *out = tracing->asking->out;
	const struct entry *entry = &tracing->entry;
	struct promise promise = {.picked = {0}, .packed = {0}};
	struct item_no item;
	enum err_code code;

	if (entry->ref.kind != REF_ORDER)
		return ERR_OK;
	code = item_find(tracing->asking->view,
			 sku_span(&entry->body.movement.item), &item, err);
	if (code == ERR_OK)
		code = promise_get(tracing->asking->view, item,
				   ref_span(&entry->ref.text), &promise, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	out_object_at(out, "order");
	out_text_at(out, "order", ref_span(&entry->ref.text));
	out_int_at(out, "picked", promise.picked.units);
	out_int_at(out, "packed", promise.packed.units);
	out_object_end(out);
	return ERR_OK;
}

static void actor_out(struct tracing *tracing)
{
	struct json_out *out = tracing->asking->out;
	const struct actor *actor = &tracing->entry.actor;

	if (actor->kind == ACTOR_NONE)
		return;
	out_object_at(out, "by");
	out_text_at(out, term_name(TERM_ACTOR, actor->kind),
		    name_span(&actor->name));
	if (actor->boot.size > 0)
		out_text_at(out, "boot", boot_span(&actor->boot));
	if (actor->seq != 0)
		out_id_at(out, "seq", actor->seq);
	out_object_end(out);
}

static enum err_code entry_show(struct asking *asking, struct err *err)
{
	struct tracing tracing = {.asking = asking};
	char name[POS_PRINT_SIZE];
	enum err_code code;

	if (!asking_pos_or(asking, "entry", &tracing.pos))
		return ERR_OK;
	code = journal_read(asking->view, tracing.pos, &tracing.entry, err);
	if (code == ERR_NOT_FOUND || code == ERR_VERSION) {
		pos_print(tracing.pos, name, sizeof(name));
		return asking_refuse(asking, &refusal_unknown_entry,
				     span_of(name));
	}
	if (code != ERR_OK)
		return code;
	out_object_at(asking->out, "of");
	entry_out(&tracing.entry, tracing.pos, asking->out);
	out_object_end(asking->out);
	actor_out(&tracing);
	if (tracing.entry.kind == ENTRY_MOVEMENT) {
		code = order_out(&tracing, err);
		if (code == ERR_OK)
			code = reversals_out(&tracing, err);
	}
	if (code == ERR_OK)
		code = neighbours_out(&tracing, err);
	return code;
}

static enum err_code trace_show(struct asking *asking, struct err *err)
{
	bool has_entry = json_member(asking->arguments, "entry") != NULL;
	bool has_item = json_member(asking->arguments, "item") != NULL;
	struct fault fault;

	if (has_entry && has_item) {
		(void)fault_of(&fault, FAULT_TWO_GIVEN, "entry",
			       span_of("item"));
		return asking_fault(asking, &fault);
	}
	return has_entry ? entry_show(asking, err) : item_show(asking, err);
}

static const struct command_row rows[] = {
	{{"trace.show", COMMAND_QUERY, RIGHTS_READ}, trace_show, NULL},
};
const struct command_table trace_queries = {rows, ARRAY_LEN(rows)};
