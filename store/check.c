#include "store/check.h"

#include <string.h>

#include "store/journal.h"
#include "store/row.h"

/* Kinds of TABLE_DOCUMENT's keys; the others are in master.c and fold.c. */
#define DOCUMENT_CHECK 'k'        /* id, number: the entry */
#define DOCUMENT_CHECK_STATE 'o'  /* id: what is open, and since when not */
#define DOCUMENT_CHECK_RESULT 'r' /* id, pos from the newest: nothing */

#define CHECK_ROW_SIZE_MAX (ENTRY_SIZE_MAX + 32)
#define STATE_ROW_SIZE_MAX (NAME_SIZE_MAX + 16 + ROW_CHECKSUM_SIZE)

/* A name has no NUL, so one ends it. */
static struct key check_key(char kind, struct span id)
{
	struct key key = {.size = 0};

	key_add_u8(&key, (uint8_t)kind);
	key_add_text(&key, id);
	key_add_u8(&key, 0);
	return key;
}

static struct key part_key(struct span id, uint32_t number)
{
	struct key key = check_key(DOCUMENT_CHECK, id);

	key_add_u8(&key, (uint8_t)number);
	return key;
}

/* Newer ones have lower keys. */
static struct key result_key(struct span id, struct pos pos)
{
	struct key key = check_key(DOCUMENT_CHECK_RESULT, id);

	key_add_u64(&key, ~pos.value);
	return key;
}

static bool is_id(struct span id)
{
	return id.size > 0 && id.size <= NAME_SIZE_MAX;
}

/* ---- reading ---- */

static enum err_code part_read(struct reader *reader, struct pos *ret_pos,
			       struct check *ret_check, struct err *err)
{
	struct entry entry;
	struct pos pos = read_pos(reader);

	if (!reader_ok(reader) ||
	    entry_decode(read_raw(reader, reader_left(reader)), &entry) !=
		    ERR_OK ||
	    entry.kind != ENTRY_CHECK)
		return row_garbled(TABLE_DOCUMENT, err);
	*ret_pos = pos;
	*ret_check = entry.body.check;
	return ERR_OK;
}

enum err_code check_part(const struct view *view, struct span id,
			 uint32_t number, struct pos *ret_pos,
			 struct check *ret_check, struct err *err)
{
	struct reader reader;
	struct key key;
	enum err_code code;

	if (!is_id(id))
		return ERR_NOT_FOUND;
	ASSERT(number <= CHECK_QUESTIONS_MAX);
	key = part_key(id, number);
	code = row_get(view, TABLE_DOCUMENT, key_span(&key), &reader, err);
	return code == ERR_OK ? part_read(&reader, ret_pos, ret_check, err)
			      : code;
}

enum err_code check_sheet(const struct view *view, struct span id,
			  struct check_sheet *ret_sheet, struct err *err)
{
	struct check_sheet *sheet = ret_sheet;
	enum err_code code;

	memset(sheet, 0, sizeof(*sheet));
	code = check_part(view, id, 0, &sheet->said[0], &sheet->parts[0], err);
	for (uint32_t n = 1; n <= CHECK_QUESTIONS_MAX && code == ERR_OK; n++) {
		struct check *part = &sheet->parts[n];

		code = check_part(view, id, n, &sheet->said[n], part, err);
		if (code == ERR_OK && !part->is_retired)
			sheet->asked |= 1u << (n - 1);
		else if (code == ERR_OK)
			memset(part, 0, sizeof(*part));
		else if (code == ERR_NOT_FOUND)
			code = ERR_OK;
	}
	return code;
}

enum err_code check_state(const struct view *view, struct span id,
			  struct check_state *ret_state, struct err *err)
{
	struct check_state state = {.settled = {0}};
	struct reader reader;
	struct key key;
	enum err_code code;

	*ret_state = state;
	if (!is_id(id))
		return ERR_OK;
	key = check_key(DOCUMENT_CHECK_STATE, id);
	code = row_get(view, TABLE_DOCUMENT, key_span(&key), &reader, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	state.settled.ms = read_signed(&reader);
	if (!reader_ok(&reader) ||
	    !name_set(&state.task, read_raw(&reader, reader_left(&reader))))
		return row_garbled(TABLE_DOCUMENT, err);
	*ret_state = state;
	return ERR_OK;
}

struct walk {
	const struct view *view;
	struct span after;
	bool is_whole;
	check_visit_fn *visit;
	void *context;
};

static enum err_code walk_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	const struct walk *walk = context;
	struct reader reader;
	struct check check;
	struct pos pos;
	enum err_code code;

	if (key.size < 3)
		return row_garbled(TABLE_DOCUMENT, err);
	if (!walk->is_whole && key.data[key.size - 1] != 0)
		return ERR_OK;
	code = row_open(TABLE_DOCUMENT, key, value, &reader, err);
	if (code == ERR_OK)
		code = part_read(&reader, &pos, &check, err);
	if (code != ERR_OK)
		return code;
	if (walk->after.size > 0 &&
	    span_equal(name_span(&check.id), walk->after))
		return ERR_OK;
	return walk->visit(walk->context, pos, &check, err);
}

enum err_code check_walk(const struct view *view, struct span after,
			 bool is_whole, check_visit_fn *visit, void *context,
			 struct err *err)
{
	struct walk walk = {view, after, is_whole, visit, context};
	struct key prefix = {.size = 0};
	struct key from;

	if (after.size > NAME_SIZE_MAX)
		after.size = NAME_SIZE_MAX;
	key_add_u8(&prefix, DOCUMENT_CHECK);
	from = prefix;
	key_add_text(&from, after);
	return view_walk(view, TABLE_DOCUMENT, key_span(&from),
			 key_span(&prefix), walk_row, &walk, err);
}

struct results {
	const struct view *view;
	check_result_fn *visit;
	void *context;
};

static enum err_code result_row(void *context, struct span key,
				struct span value, struct err *err)
{
	const struct results *results = context;
	struct entry entry;
	struct reader reader;
	struct pos pos;
	enum err_code code;

	(void)value;
	reader_init(&reader, key.data, key.size);
	(void)read_raw(&reader, key.size - sizeof(uint64_t));
	pos.value = ~read_u64(&reader);
	if (!reader_done(&reader))
		return row_garbled(TABLE_DOCUMENT, err);
	code = journal_read(results->view, pos, &entry, err);
	if (code != ERR_OK || entry.kind != ENTRY_CHECK_RESULT)
		return code == ERR_OK || code == ERR_NOT_FOUND
			       ? row_garbled(TABLE_DOCUMENT, err)
			       : code;
	return results->visit(results->context, pos, &entry, err);
}

enum err_code check_results(const struct view *view, struct span id,
			    struct pos before, check_result_fn *visit,
			    void *context, struct err *err)
{
	struct results results = {view, visit, context};
	struct pos newest = {before.value == 0 ? UINT64_MAX : before.value - 1};
	struct key prefix;
	struct key from;

	if (!is_id(id))
		return ERR_OK;
	prefix = check_key(DOCUMENT_CHECK_RESULT, id);
	from = result_key(id, newest);
	return view_walk(view, TABLE_DOCUMENT, key_span(&from),
			 key_span(&prefix), result_row, &results, err);
}

struct last {
	struct pos *pos;
	struct entry *entry;
};

static enum err_code last_visit(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	struct last *last = context;

	(void)err;
	*last->pos = pos;
	*last->entry = *entry;
	return ERR_STOPPED;
}

enum err_code check_last(const struct view *view, struct span id,
			 struct pos *ret_pos, struct entry *ret_entry,
			 struct err *err)
{
	struct last last = {ret_pos, ret_entry};
	struct pos none = {0};
	enum err_code code =
		check_results(view, id, none, last_visit, &last, err);

	if (code == ERR_OK)
		return ERR_NOT_FOUND;
	return code == ERR_STOPPED ? ERR_OK : code;
}

/* ---- folding ---- */

static enum err_code state_put(struct txn *txn, struct span id,
			       const struct check_state *state, struct err *err)
{
	struct key key = check_key(DOCUMENT_CHECK_STATE, id);
	uint8_t buffer[STATE_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_signed(&writer, state->settled.ms);
	write_raw(&writer, state->task.data, state->task.size);
	return row_put(txn, TABLE_DOCUMENT, key_span(&key), &writer, err);
}

/* By the physical time: a stamp may be ahead of it for as long as a clock once
 * was. */
static void settle(struct check_state *state, const struct entry *entry,
		   int64_t ms)
{
	int64_t present = entry->effective.ms;

	if ((entry->clock_flags & ENTRY_EFFECTIVE_TRUSTED) != 0 &&
	    (ms > state->settled.ms ||
	     state->settled.ms - present > CHECK_AHEAD_MS))
		state->settled.ms = ms;
}

static bool is_same_schedule(const struct check *a, const struct check *b)
{
	return a->every_h == b->every_h && a->weekdays == b->weekdays &&
	       span_equal(ref_span(&a->times), ref_span(&b->times)) &&
	       a->is_retired == b->is_retired;
}

/* A new schedule counts from when it was said: nobody missed it before. */
static enum err_code schedule_fold(struct txn *txn, const struct entry *entry,
				   struct err *err)
{
	const struct check *check = &entry->body.check;
	struct span id = name_span(&check->id);
	struct check_state state;
	struct check before;
	struct pos said;
	enum err_code code =
		check_part(txn_view(txn), id, 0, &said, &before, err);

	if (code == ERR_OK && is_same_schedule(check, &before))
		return ERR_OK;
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	code = check_state(txn_view(txn), id, &state, err);
	if (code != ERR_OK)
		return code;
	settle(&state, entry, entry->effective.ms);
	return state_put(txn, id, &state, err);
}

static enum err_code definition_fold(struct txn *txn, struct pos pos,
				     const struct entry *entry,
				     struct span bytes, struct err *err)
{
	const struct check *check = &entry->body.check;
	struct key key = part_key(name_span(&check->id), check->number);
	UNINITIALIZED uint8_t buffer[CHECK_ROW_SIZE_MAX];
	struct writer writer;
	enum err_code code = ERR_OK;

	if (check->number == 0)
		code = schedule_fold(txn, entry, err);
	if (code != ERR_OK)
		return code;
	writer_init(&writer, buffer, sizeof(buffer));
	write_pos(&writer, pos);
	write_raw(&writer, bytes.data, bytes.size);
	return row_put(txn, TABLE_DOCUMENT, key_span(&key), &writer, err);
}

static enum err_code task_fold(struct txn *txn, const struct entry *entry,
			       struct err *err)
{
	const struct task *task = &entry->body.task;
	struct span id = name_span(&task->check);
	bool is_open = task->state == TASK_OPEN || task->state == TASK_CLAIMED;
	struct check_state state;
	enum err_code code;

	if (task->kind != TASK_CHECK || id.size == 0)
		return ERR_OK;
	code = check_state(txn_view(txn), id, &state, err);
	if (code != ERR_OK)
		return code;
	if (is_open) {
		state.task = task->id;
		if (!task->is_by_uptime && task->due_ms <= MOMENT_MS_MAX)
			settle(&state, entry, (int64_t)task->due_ms);
	} else if (span_equal(name_span(&state.task), name_span(&task->id))) {
		state.task.size = 0;
		memset(state.task.data, 0, sizeof(state.task.data));
		settle(&state, entry, entry->effective.ms);
	}
	return state_put(txn, id, &state, err);
}

static enum err_code result_fold(struct txn *txn, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	struct key key =
		result_key(name_span(&entry->body.check_result.check), pos);
	uint8_t buffer[ROW_CHECKSUM_SIZE];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	return row_put(txn, TABLE_DOCUMENT, key_span(&key), &writer, err);
}

enum err_code check_fold(struct txn *txn, struct pos pos,
			 const struct entry *entry, struct span bytes,
			 struct err *err)
{
	if (entry->kind == ENTRY_CHECK)
		return definition_fold(txn, pos, entry, bytes, err);
	if (entry->kind == ENTRY_CHECK_RESULT)
		return result_fold(txn, pos, entry, err);
	ASSERT(entry->kind == ENTRY_TASK);
	return task_fold(txn, entry, err);
}
