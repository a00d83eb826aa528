/*
 * page - one page of a list in a reply.
 *
 * Layer     gateway/core, inside the queries only
 * Threads   the query's
 *
 * Rows are written until the limit is reached or the reply is full; "next" is
 * then what to give as "after". The end of a list has no "next". Other members
 * of the reply are written before the list.
 *
 *     if (!page_begin(&page, asking, "items"))
 *             return ERR_OK;
 *     code = walk(... page.after ..., visit);      visit: page_row, the row,
 *     return page_end(&page, code);                page_row_end
 */
#ifndef DEPOT_GATEWAY_CORE_PAGE_H
#define DEPOT_GATEWAY_CORE_PAGE_H

#include "gateway/core/asking.h"

#define PAGE_LIMIT 200
#define PAGE_LIMIT_MAX 1000
#define PAGE_TOKEN_SIZE_MAX 128

struct page {
	struct asking *asking;
	struct span after; /* the last row of the page before; empty: none */
	int64_t limit;
	int64_t count;
	bool has_more;
	struct json_mark mark;
	uint8_t last_size; /* the last row written, or looked at */
	char last[PAGE_TOKEN_SIZE_MAX];
};

/* Reads "after" and "limit" and opens the list @name. False: refused. */
MUST_CHECK bool page_begin(struct page *page, struct asking *asking,
			   const char *name);

/* Opens a list with a limit of the caller's, after "after" was read otherwise.
 * @page is all zero, or has ended another list, whose end is then where a page
 * ends that has no room for a row of this one. */
void page_open(struct page *page, struct asking *asking, const char *name,
	       int64_t limit);

/* Before each row. ERR_STOPPED: the page is full, and there is more. */
MUST_CHECK enum err_code page_row(struct page *page);

/* After each row, which @token names. ERR_STOPPED: it did not fit, and was
 * taken back. */
MUST_CHECK enum err_code page_row_end(struct page *page, struct span token);

/* Ends the page early at @token: there may be more. */
void page_cut(struct page *page, struct span token);

/* Closes the list. @code is the walk's: ERR_STOPPED becomes ERR_OK. */
MUST_CHECK enum err_code page_end(struct page *page, enum err_code code);

#endif
