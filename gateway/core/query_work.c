/*
 * Queries for what is going on: tasks, alerts, scanner sessions, and the state
 * of the whole.
 */
#include "gateway/core/page.h"

#include "gateway/core/rights.h"
#include "gateway/core/view.h"
#include "gateway/ingest/reading.h"
#include "store/check.h"
#include "store/closing.h"
#include "store/journal.h"
#include "store/listing.h"
#include "store/parked.h"
#include "store/session.h"

/* ---- tasks ---- */

struct task_listing {
	struct page page;
	bool is_all;
	uint32_t looked;
};

static enum err_code task_row(struct page *page, struct pos pos,
			      const struct entry *entry, struct err *err)
{
	struct span check = name_span(&entry->body.task.check);
	const struct check_sheet *known = NULL;
	struct check_sheet sheet;
	enum err_code code = page_row(page);

	if (code == ERR_OK && check.size > 0) {
		code = check_sheet(page->asking->view, check, &sheet, err);
		known = code == ERR_OK ? &sheet : NULL;
		if (code == ERR_NOT_FOUND)
			code = ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	view_task_print(entry, pos, known, page->asking->out);
	return page_row_end(page, name_span(&entry->body.task.id));
}

/* Those that are done stay in the table, and are soon the most. */
static enum err_code task_visit(void *context, struct span key, struct pos pos,
				const struct entry *entry, struct err *err)
{
	struct task_listing *listing = context;
	struct page *page = &listing->page;
	enum err_code code = ERR_OK;

	if (listing->is_all || view_task_is_open(&entry->body.task))
		code = task_row(page, pos, entry, err);
	if (code != ERR_OK || ++listing->looked < page->asking->look_max)
		return code;
	page_cut(page, key);
	return ERR_STOPPED;
}

static enum err_code task_list(struct asking *asking, struct err *err)
{
	struct task_listing listing = {.looked = 0};
	struct page *page = &listing.page;

	if (!asking_bool_or(asking, "all", false, &listing.is_all) ||
	    !page_begin(page, asking, "tasks"))
		return ERR_OK;
	return page_end(page, record_walk(asking->view, TABLE_TASK, page->after,
					  task_visit, &listing, err));
}

/* ---- alerts ---- */

static enum err_code alert_visit(void *context, struct span key, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	struct page *page = context;
	enum err_code code = page_row(page);

	(void)err;
	if (code != ERR_OK)
		return code;
	view_alert_print(entry, pos, page->asking->out);
	return page_row_end(page, key);
}

static enum err_code alert_list(struct asking *asking, struct err *err)
{
	struct page page;

	if (!page_begin(&page, asking, "alerts"))
		return ERR_OK;
	return page_end(&page,
			record_walk(asking->view, TABLE_ALERT, page.after,
				    alert_visit, &page, err));
}

/* ---- sessions ---- */

static void session_out(struct json_out *out, struct span device,
			const struct session *session)
{
	enum reading_op op = (enum reading_op)session->op;

	out_object(out);
	out_text_at(out, "device", device);
	out_string_at(out, "op", op <= OP_MAX ? reading_op_name(op) : "");
	if (session->bin.size > 0)
		out_text_at(out, "bin", place_name_span(&session->bin));
	if (session->to.size > 0)
		out_text_at(out, "to", place_name_span(&session->to));
	if (session->order.size > 0)
		out_text_at(out, "order", ref_span(&session->order));
	if (session->quantity > 0)
		out_int_at(out, "qty", (int64_t)session->quantity);
	out_int_at(out, "lines", session->lines);
	out_moment_at(out, "started", session->started);
	out_moment_at(out, "last", session->last);
	out_object_end(out);
}

/* By device: a session knows its device by a number only. */
static enum err_code session_visit(void *context, struct span key,
				   struct pos pos, const struct entry *entry,
				   struct err *err)
{
	struct page *page = context;
	const struct view *view = page->asking->view;
	struct session session;
	struct device device;
	struct device_no number;
	enum err_code code = device_get(view, key, &device, &number, err);

	(void)pos;
	(void)entry;
	if (code == ERR_OK)
		code = session_get(view, number, &session, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code == ERR_OK)
		code = page_row(page);
	if (code != ERR_OK)
		return code;
	session_out(page->asking->out, key, &session);
	return page_row_end(page, key);
}

static enum err_code session_list(struct asking *asking, struct err *err)
{
	struct page page;

	if (!page_begin(&page, asking, "sessions"))
		return ERR_OK;
	return page_end(&page,
			record_walk(asking->view, TABLE_DEVICE, page.after,
				    session_visit, &page, err));
}

/* ---- status ---- */

struct counting {
	struct asking *asking;
	uint64_t tasks;
	uint64_t sessions;
	uint64_t devices;
	uint64_t accounts;
};

static enum err_code task_count(void *context, struct span key, struct pos pos,
				const struct entry *entry, struct err *err)
{
	struct counting *counting = context;

	(void)key;
	(void)pos;
	(void)err;
	counting->tasks += view_task_is_open(&entry->body.task);
	return ERR_OK;
}

static enum err_code session_count_one(void *context, struct device_no device,
				       const struct session *session,
				       struct err *err)
{
	struct counting *counting = context;

	(void)device;
	(void)session;
	(void)err;
	counting->sessions++;
	return ERR_OK;
}

static enum err_code device_count(void *context, struct span key,
				  struct pos pos, const struct entry *entry,
				  struct err *err)
{
	struct counting *counting = context;

	(void)key;
	(void)pos;
	(void)err;
	counting->devices += !entry->body.device.is_revoked;
	return ERR_OK;
}

static enum err_code account_count(void *context, struct span key,
				   struct pos pos, const struct entry *entry,
				   struct err *err)
{
	struct counting *counting = context;

	(void)key;
	(void)pos;
	(void)err;
	counting->accounts += !entry->body.account.is_revoked;
	return ERR_OK;
}

static enum err_code rows_out(struct asking *asking, const char *key,
			      enum table table, struct err *err)
{
	uint64_t rows;
	enum err_code code = view_count(asking->view, table, &rows, err);

	if (code == ERR_OK)
		out_int_at(asking->out, key, (int64_t)rows);
	return code;
}

/* What is counted by looking: those that are open, or in use. */
static enum err_code looked_out(struct asking *asking, struct err *err)
{
	struct counting counting = {.asking = asking};
	struct span all = {"", 0};
	enum err_code code;

	code = record_walk(asking->view, TABLE_DEVICE, all, device_count,
			   &counting, err);
	if (code == ERR_OK)
		code = record_walk(asking->view, TABLE_ACCOUNT, all,
				   account_count, &counting, err);
	if (code == ERR_OK)
		code = record_walk(asking->view, TABLE_TASK, all, task_count,
				   &counting, err);
	if (code == ERR_OK)
		code = session_walk(asking->view, session_count_one, &counting,
				    err);
	if (code != ERR_OK)
		return code;
	out_int_at(asking->out, "devices", (int64_t)counting.devices);
	out_int_at(asking->out, "accounts", (int64_t)counting.accounts);
	out_int_at(asking->out, "tasks", (int64_t)counting.tasks);
	out_int_at(asking->out, "sessions", (int64_t)counting.sessions);
	return ERR_OK;
}

/* What can be scanned here: HQ's and this site's own, as item.list and
 * code.list have them. One of both counts once. */
static enum err_code goods_out(struct asking *asking, struct err *err)
{
	uint64_t items;
	uint64_t codes;
	enum err_code code = listing_items_count(asking->view, &items, err);

	if (code == ERR_OK)
		code = listing_codes_count(asking->view, &codes, err);
	if (code != ERR_OK)
		return code;
	out_int_at(asking->out, "items", (int64_t)items);
	out_int_at(asking->out, "codes", (int64_t)codes);
	return ERR_OK;
}

static enum err_code counts_out(struct asking *asking, struct err *err)
{
	struct parked_totals parked;
	enum err_code code = goods_out(asking, err);

	if (code == ERR_OK)
		code = rows_out(asking, "bins", TABLE_BIN, err);
	if (code == ERR_OK)
		code = looked_out(asking, err);
	if (code == ERR_OK)
		code = rows_out(asking, "alerts", TABLE_ALERT, err);
	if (code == ERR_OK)
		code = parked_totals(asking->view, &parked, err);
	if (code != ERR_OK)
		return code;
	out_int_at(asking->out, "parked", (int64_t)parked.count);
	out_int_at(asking->out, "parked_bytes", (int64_t)parked.bytes);
	return ERR_OK;
}

/* Since when nothing is booked any more. */
static enum err_code closing_out(struct asking *asking, struct err *err)
{
	struct closing closing;
	enum err_code code = closing_get(asking->view, &closing, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code == ERR_OK)
		out_moment_at(asking->out, "closed_at", closing.asked);
	return code;
}

static enum err_code status_show(struct asking *asking, struct err *err)
{
	struct json_out *out = asking->out;
	const struct founding *founding;
	struct journal_head head;
	struct entry first;
	enum err_code code = journal_head_get(asking->view, &head, err);

	if (code == ERR_OK)
		code = journal_read(asking->view,
				    pos_make(pos_epoch(head.pos), 1), &first,
				    err);
	if (code != ERR_OK)
		return code;
	founding = &first.body.founding;
	out_text_at(out, "org", name_span(&founding->org));
	out_text_at(out, "site", name_span(&founding->site));
	if (founding->timezone.size > 0)
		out_text_at(out, "timezone", ref_span(&founding->timezone));
	out_int_at(out, "epoch", pos_epoch(head.pos));
	out_id_at(out, "pos", pos_number(head.pos));
	out_moment_at(out, "changed_at", stamp_moment(head.stamp));
	code = closing_out(asking, err);
	return code == ERR_OK ? counts_out(asking, err) : code;
}

static const struct command_row rows[] = {
	{{"task.list", COMMAND_QUERY, RIGHTS_READ}, task_list, NULL},
	{{"alert.list", COMMAND_QUERY, RIGHTS_READ}, alert_list, NULL},
	{{"session.list", COMMAND_QUERY, RIGHTS_READ}, session_list, NULL},
	{{"status.show", COMMAND_QUERY, RIGHTS_READ}, status_show, NULL},
};
const struct command_table work_queries = {rows, ARRAY_LEN(rows)};
