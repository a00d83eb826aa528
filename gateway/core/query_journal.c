/*
 * journal.list: the entries, forwards or backwards, about one thing or all.
 */
#include "gateway/core/page.h"

#include "gateway/core/entry_out.h"
#include "gateway/core/journal_look.h"
#include "gateway/core/rights.h"

struct listing {
	struct page page;
	struct look look;
};

static enum err_code entry_visit(void *context, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	struct listing *listing = context;
	struct page *page = &listing->page;
	struct json_out *out = page->asking->out;
	char token[POS_PRINT_SIZE];
	enum err_code code = page_row(page);

	(void)err;
	if (code != ERR_OK)
		return code;
	pos_print(pos, token, sizeof(token));
	out_object(out);
	if (entry != NULL) {
		entry_out(entry, pos, out);
	} else {
		pos_out(out, "entry", pos);
		out_string_at(out, "kind", "newer");
		out_string_at(out, "text_en", "an entry of a newer depot");
		out_string_at(out, "text_zh", "由更新版本的 depot 写入的记录");
	}
	out_object_end(out);
	return page_row_end(page, span_of(token));
}

/* What the entries have to be about. The names need not exist: then nothing is
 * about them. */
static bool filter_read(struct asking *asking, struct look *look)
{
	struct look_filter *filter = &look->filter;
	struct span kind;

	if (!asking_text_or(asking, "item", SKU_SIZE_MAX, &filter->item) ||
	    !asking_text_or(asking, "bin", PLACE_NAME_SIZE_MAX, &filter->bin) ||
	    !asking_text_or(asking, "device", NAME_SIZE_MAX, &filter->device) ||
	    !asking_text_or(asking, "account", NAME_SIZE_MAX,
			    &filter->account) ||
	    !asking_text_or(asking, "kind", REASON_SIZE_MAX, &kind) ||
	    !asking_bool_or(asking, "backwards", false, &look->is_backwards) ||
	    !asking_pos_or(asking, "after", &look->from))
		return false;
	for (int i = ENTRY_FOUNDING; i <= ENTRY_KIND_MAX; i++)
		if (entry_kind_is_known((uint64_t)i) &&
		    span_is(kind, entry_kind_name((enum entry_kind)i)))
			filter->kind = (enum entry_kind)i;
	if (kind.size == 0 || filter->kind != 0)
		return true;
	(void)asking_refuse(asking, &refusal_unknown_word, kind);
	return false;
}

static enum err_code journal_list(struct asking *asking, struct err *err)
{
	struct listing listing = {
		.look = {.view = asking->view, .count_max = asking->look_max}};
	struct page *page = &listing.page;
	char token[POS_PRINT_SIZE];
	enum err_code code;

	if (!filter_read(asking, &listing.look) ||
	    !page_begin(page, asking, "entries"))
		return ERR_OK;
	code = look_run(&listing.look, entry_visit, &listing, err);
	if (listing.look.is_cut) {
		pos_print(listing.look.at, token, sizeof(token));
		page_cut(page, span_of(token));
	}
	return page_end(page, code);
}

static const struct command_row rows[] = {
	{{"journal.list", COMMAND_QUERY, RIGHTS_READ}, journal_list, NULL},
};
const struct command_table journal_queries = {rows, ARRAY_LEN(rows)};
