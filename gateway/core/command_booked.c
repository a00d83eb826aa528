#include "gateway/core/command_booked.h"

#include "gateway/core/entry_out.h"
#include "gateway/core/transfer_turn.h"
#include "store/journal.h"

#define LISTED_MAX 8

/* A blind recount is asked of somebody who must not know the book. */
static void verdict_out(struct json_out *out, const struct count *count)
{
	out_string_at(out, "verdict", term_name(TERM_VERDICT, count->verdict));
	out_int_at(out, "counted", count->counted);
	if (count->verdict == COUNT_RECOUNT_BLIND)
		return;
	out_int_at(out, "book", count->book);
	if (count->verdict == COUNT_ACCEPTED)
		out_int_at(out, "change", count->counted - count->book);
}

static void line_out(struct json_out *out, struct pos pos,
		     const struct entry *entry)
{
	char text[ENTRY_TEXT_SIZE];

	out_object(out);
	pos_out(out, "entry", pos);
	out_string_at(out, "kind", entry_kind_name(entry->kind));
	if (entry->kind == ENTRY_COUNT)
		verdict_out(out, &entry->body.count);
	entry_text(entry, false, text, sizeof(text));
	out_string_at(out, "text_en", text);
	entry_text(entry, true, text, sizeof(text));
	out_string_at(out, "text_zh", text);
	out_object_end(out);
}

/* Room for the bracket's end. */
#define TAIL_SIZE 16

enum err_code booked_out(struct asking *asking, struct pos first,
			 struct err *err)
{
	struct json_out *out = asking->out;
	struct pos last = {batch_next(asking->act->batch).value - 1};
	uint64_t listed = first.value;
	enum err_code code = ERR_OK;

	asking_posted(asking, last);
	out_int_at(out, "entries", (int64_t)(last.value + 1 - first.value));
	if (asking->act->turn != NULL)
		code = transfer_turn_out(asking->act->turn, asking->view, out,
					 err);
	if (code != ERR_OK)
		return code;
	out_array_at(out, "booked");
	out_reserve(out, TAIL_SIZE);
	for (; listed <= last.value && listed < first.value + LISTED_MAX;
	     listed++) {
		struct json_mark mark = out_mark(out);
		struct pos pos = {listed};
		struct entry entry;

		code = journal_read(asking->view, pos, &entry, err);
		if (code != ERR_OK)
			return code;
		line_out(out, pos, &entry);
		if (!out_ok(out)) {
			out_rollback(out, mark);
			break;
		}
	}
	out_reserve(out, 0);
	out_array_end(out);
	return ERR_OK;
}
