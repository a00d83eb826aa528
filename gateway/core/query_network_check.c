/*
 * The recurring checks of all sites, as their feeds tell: what is due, overdue
 * or was not as it should be.
 */
#include "gateway/core/page.h"

#include <inttypes.h>

#include "gateway/core/check_out.h"
#include "gateway/core/rights.h"
#include "gateway/core/view.h"
#include "store/feed.h"
#include "store/roster.h"

struct listing {
	struct page page;
	bool is_due; /* those alone that somebody should look at */
	uint64_t number;
	uint64_t after; /* the last row of the page before */
	uint32_t site;
	struct name name;
};

/* What a site's feeds last said about one check. */
struct known {
	struct span id;
	struct task task; /* that is open; no id: none */
	bool is_overdue;
	bool is_failed;
	struct moment overdue_since;
	bool has_since;
	struct entry last; /* result; another kind: none */
};

/* ---- one check ---- */

static enum err_code task_take(void *context, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	const struct task *task = &entry->body.task;
	struct known *known = context;

	(void)pos;
	(void)err;
	if (span_equal(name_span(&task->check), known->id) &&
	    view_task_is_open(task))
		known->task = *task;
	return ERR_OK;
}

static enum err_code alert_take(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	const struct alert *alert = &entry->body.alert;
	struct span code = reason_span(&alert->code);
	struct known *known = context;

	(void)pos;
	(void)err;
	if (alert->is_closed ||
	    !span_equal(code_text_span(&alert->subject), known->id))
		return ERR_OK;
	if (span_is(code, "check_failed"))
		known->is_failed = true;
	if (!span_is(code, "check_overdue"))
		return ERR_OK;
	known->is_overdue = true;
	known->overdue_since = entry->effective;
	known->has_since = (entry->clock_flags & ENTRY_EFFECTIVE_TRUSTED) != 0;
	return ERR_OK;
}

static enum err_code result_take(void *context, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	struct known *known = context;

	(void)pos;
	(void)err;
	if (span_equal(name_span(&entry->body.check_result.check), known->id))
		known->last = *entry;
	return ERR_OK;
}

static enum err_code known_read(const struct view *view, uint32_t site,
				struct span id, struct known *known,
				struct err *err)
{
	enum err_code code;

	*known = (struct known){.id = id};
	code = feed_latest_walk(view, site, ENTRY_TASK, task_take, known, err);
	if (code == ERR_OK)
		code = feed_latest_walk(view, site, ENTRY_ALERT, alert_take,
					known, err);
	if (code == ERR_OK)
		code = feed_latest_walk(view, site, ENTRY_CHECK_RESULT,
					result_take, known, err);
	return code;
}

static void state_out(const struct known *known, struct json_out *out)
{
	if (known->task.id.size > 0) {
		out_text_at(out, "task", name_span(&known->task.id));
		if (known->task.due_ms != 0)
			out_moment_at(
				out, "due",
				(struct moment){(int64_t)known->task.due_ms});
	}
	out_bool_at(out, "overdue", known->is_overdue);
	if (known->is_overdue && known->has_since)
		out_moment_at(out, "overdue_since", known->overdue_since);
	out_bool_at(out, "failed", known->is_failed);
	if (known->last.kind != ENTRY_CHECK_RESULT)
		return;
	out_object_at(out, "last");
	view_when_out("at", known->last.effective,
		      (known->last.clock_flags & ENTRY_EFFECTIVE_TRUSTED) != 0,
		      out);
	out_text_at(out, "by", name_span(&known->last.actor.name));
	out_bool_at(out, "in_order",
		    known->last.body.check_result.out_of_limits == 0);
	out_object_end(out);
}

/* ---- all of them ---- */

static enum err_code check_row(struct listing *listing,
			       const struct check *check,
			       const struct known *known)
{
	struct json_out *out = listing->page.asking->out;
	char token[24];
	enum err_code code = page_row(&listing->page);

	if (code != ERR_OK)
		return code;
	out_object(out);
	out_int_at(out, "site", listing->site);
	out_text_at(out, "name", name_span(&listing->name));
	check_out(check, out);
	state_out(known, out);
	out_object_end(out);
	(void)text_format(token, sizeof(token), "%" PRIu64, listing->number);
	return page_row_end(&listing->page, span_of(token));
}

static enum err_code check_visit(void *context, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	const struct check *check = &entry->body.check;
	struct listing *listing = context;
	struct known known;
	enum err_code code;

	(void)pos;
	if (check->number != 0 || check->is_retired ||
	    ++listing->number <= listing->after)
		return ERR_OK;
	code = known_read(listing->page.asking->view, listing->site,
			  name_span(&check->id), &known, err);
	if (code != ERR_OK || (listing->is_due && known.task.id.size == 0 &&
			       !known.is_overdue && !known.is_failed))
		return code;
	return check_row(listing, check, &known);
}

static enum err_code site_visit(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	const struct certificate *certificate = &entry->body.certificate;
	struct listing *listing = context;

	(void)pos;
	/* They come by site and epoch. */
	if (certificate->site < SITE_FIRST ||
	    certificate->site == listing->site)
		return ERR_OK;
	listing->site = certificate->site;
	listing->name = certificate->name;
	return feed_latest_walk(listing->page.asking->view, certificate->site,
				ENTRY_CHECK, check_visit, listing, err);
}

static enum err_code list(struct asking *asking, struct err *err)
{
	struct listing listing = {.number = 0};
	struct page *page = &listing.page;

	if (!asking_bool_or(asking, "due", false, &listing.is_due) ||
	    !page_begin(page, asking, "checks"))
		return ERR_OK;
	if (page->after.size > 0 &&
	    !span_to_u64(page->after, UINT64_MAX, &listing.after))
		listing.after = UINT64_MAX; /* nothing comes after that */
	return page_end(page, roster_walk(asking->view, ENTRY_CERTIFICATE,
					  site_visit, &listing, err));
}

static const struct command_row rows[] = {
	{{"check.network", COMMAND_QUERY, RIGHTS_READ}, list, NULL},
};
const struct command_table network_check_queries = {rows, ARRAY_LEN(rows)};
