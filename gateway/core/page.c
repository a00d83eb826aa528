#include "gateway/core/page.h"

#include <string.h>

/* ,"next":"..." with each byte of the token escaped. */
#define NEXT_SIZE (sizeof(",\"next\":\"\"") + 2 * PAGE_TOKEN_SIZE_MAX)

void page_open(struct page *page, struct asking *asking, const char *name,
	       int64_t limit)
{
	page->asking = asking;
	page->limit = limit;
	page->count = 0;
	page->has_more = false;
	out_array_at(asking->out, name);
	out_reserve(asking->out, NEXT_SIZE);
}

bool page_begin(struct page *page, struct asking *asking, const char *name)
{
	struct json_range limits = {1, PAGE_LIMIT_MAX};
	int64_t limit;

	if (!asking_text_or(asking, "after", PAGE_TOKEN_SIZE_MAX,
			    &page->after) ||
	    !asking_int_or(asking, "limit", limits, PAGE_LIMIT, &limit))
		return false;
	page->last_size = 0;
	page_open(page, asking, name, limit);
	return true;
}

enum err_code page_row(struct page *page)
{
	if (page->count == page->limit) {
		page->has_more = true;
		return ERR_STOPPED;
	}
	page->mark = out_mark(page->asking->out);
	return ERR_OK;
}

static void last_set(struct page *page, struct span token)
{
	ASSERT(token.size <= sizeof(page->last));
	memcpy(page->last, token.data, token.size);
	page->last_size = (uint8_t)token.size;
}

enum err_code page_row_end(struct page *page, struct span token)
{
	struct asking *asking = page->asking;

	if (!out_ok(asking->out)) {
		out_rollback(asking->out, page->mark);
		page->has_more = true;
		/* A row alone that does not fit would be asked for for ever. */
		if (page->count == 0)
			(void)asking_refuse(asking, &refusal_too_long, token);
		return ERR_STOPPED;
	}
	page->count++;
	last_set(page, token);
	return ERR_OK;
}

void page_cut(struct page *page, struct span token)
{
	page->has_more = true;
	last_set(page, token);
}

enum err_code page_end(struct page *page, enum err_code code)
{
	struct json_out *out = page->asking->out;

	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	if (page->asking->is_refused)
		return ERR_OK;
	out_reserve(out, 0);
	out_array_end(out);
	if (page->has_more)
		out_text_at(out, "next",
			    (struct span){page->last, page->last_size});
	return ERR_OK;
}
