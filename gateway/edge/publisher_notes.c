#include "gateway/edge/publisher_parts.h"

#include <string.h>

#include "store/check.h"
#include "store/master.h"

/* Records looked at in one run: the table of tasks keeps those that are done.
 */
#define SCAN_RECORDS_MAX 500

static const char *note_kind(enum table table)
{
	return table == TABLE_TASK ? "task" : "alert";
}

static enum err_code note_send(struct run *run, enum table table,
			       struct span id, struct span payload)
{
	char level[VIEW_LEVEL_SIZE];
	struct letter letter = {.kind = note_kind(table),
				.level = level,
				.payload = payload,
				.qos = 1,
				.is_retained = true};

	view_level_print(id, level);
	if (run_publish(run, &letter) != ERR_OK)
		return ERR_AGAIN;
	run->publisher->counters.notes++;
	return ERR_OK;
}

/* True if the thing that @entry describes belongs on its topic. */
static bool note_is_open(const struct entry *entry)
{
	return entry->kind == ENTRY_TASK ? view_task_is_open(&entry->body.task)
					 : !entry->body.alert.is_closed;
}

/* What a check's task asks; NULL of another one, or if it does not read. */
static const struct check_sheet *task_sheet(const struct run *run,
					    const struct entry *entry,
					    struct check_sheet *sheet)
{
	struct err *none = NULL;
	struct span check = name_span(&entry->body.task.check);

	return check.size > 0 && check_sheet(run->view, check, sheet, none) ==
					 ERR_OK
		       ? sheet
		       : NULL;
}

static enum err_code note_publish(struct run *run, enum table table,
				  struct pos pos, const struct entry *entry)
{
	struct span id = table == TABLE_TASK ? name_span(&entry->body.task.id)
					     : ref_span(&entry->body.alert.id);
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct json_out out;
	struct check_sheet sheet;

	out_init(&out, buffer, sizeof(buffer));
	if (note_is_open(entry)) {
		if (table == TABLE_TASK)
			view_task_print(entry, pos,
					task_sheet(run, entry, &sheet), &out);
		else
			view_alert_print(entry, pos, &out);
		ASSERT(out_ok(&out));
	}
	return note_send(run, table, id, out_span(&out));
}

enum err_code note_changed(struct run *run, struct pos pos,
			   const struct entry *entry, struct err *err)
{
	bool is_task = entry->kind == ENTRY_TASK;
	enum table table = is_task ? TABLE_TASK : TABLE_ALERT;
	struct span id = is_task ? name_span(&entry->body.task.id)
				 : ref_span(&entry->body.alert.id);
	struct entry latest;
	struct pos latest_pos;
	enum err_code code =
		record_find(run->view, table, id, &latest_pos, &latest, err);

	/* A closed alert has left its table. */
	if (code == ERR_NOT_FOUND)
		return note_send(run, table, id, (struct span){"", 0});
	if (code == ERR_VERSION)
		return ERR_OK;
	if (code != ERR_OK || latest_pos.value != pos.value)
		return code;
	return note_publish(run, table, pos, entry);
}

/* ---- after a connect ---- */

struct scan {
	struct run *run;
	enum table table;
	uint32_t left;
};

static enum err_code scan_record(void *context, struct span key, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	struct scan *scan = context;
	struct publisher *publisher = scan->run->publisher;

	(void)err;
	if (scan->left == 0 || run_is_over(scan->run)) {
		run_due(scan->run, scan->run->now->monotonic_ms);
		return ERR_STOPPED;
	}
	scan->left--;
	if (note_is_open(entry)) {
		enum err_code code =
			note_publish(scan->run, scan->table, pos, entry);

		if (code != ERR_OK)
			return code;
	}
	ASSERT(key.size <= sizeof(publisher->scan_after));
	memcpy(publisher->scan_after, key.data, key.size);
	publisher->scan_after_size = key.size;
	return ERR_OK;
}

enum err_code notes_publish(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	struct scan scan = {.run = run, .left = SCAN_RECORDS_MAX};

	while (publisher->scan != SCAN_DONE) {
		struct span after = {publisher->scan_after,
				     publisher->scan_after_size};
		enum err_code code;

		scan.table = publisher->scan == SCAN_TASKS ? TABLE_TASK
							   : TABLE_ALERT;
		code = record_walk(run->view, scan.table, after, scan_record,
				   &scan, err);
		if (code != ERR_OK)
			return code == ERR_STOPPED ? ERR_OK : code;
		publisher->scan++;
		publisher->scan_after_size = 0;
	}
	return ERR_OK;
}
