#include "gateway/core/transfer_turn.h"

#include "gateway/core/words.h"
#include "store/transfer.h"

#define SENTENCE_SIZE 256

enum err_code transfer_turn_begin(struct act *act, struct span id,
				  struct err *err)
{
	struct transfer_turn *turn = act->turn;
	struct transfer_record record;
	enum err_code code;

	if (turn == NULL || turn->id.size > 0)
		return ERR_OK;
	code = transfer_get(batch_view(act->batch), id, &record, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (!place_name_set(&turn->id, id))
		return ERR_OK; /* the caller's to refuse */
	turn->was_there = code == ERR_OK;
	turn->was_closed =
		turn->was_there && transfer_is_closed(&record.states);
	return ERR_OK;
}

static void told_out(struct json_out *out, const char *to, enum word word,
		     struct span id)
{
	char text[SENTENCE_SIZE];

	out_object_at(out, "turned");
	out_text_at(out, "transfer", id);
	out_string_at(out, "to", to);
	word_text(word, id, false, text, sizeof(text));
	out_string_at(out, "text_en", text);
	word_text(word, id, true, text, sizeof(text));
	out_string_at(out, "text_zh", text);
	out_object_end(out);
}

enum err_code transfer_turn_out(const struct transfer_turn *turn,
				const struct view *view, struct json_out *out,
				struct err *err)
{
	struct span id = place_name_span(&turn->id);
	struct transfer_record record;
	enum err_code code;
	bool is_closed;

	if (id.size == 0)
		return ERR_OK;
	code = transfer_get(view, id, &record, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK)
		return code;
	is_closed = transfer_is_closed(&record.states);
	if (!turn->was_there)
		told_out(out, "opened", WORD_TRANSFER_OPENED, id);
	else if (turn->was_closed && !is_closed)
		told_out(out, "reopened",
			 record.states.sender == TRANSFER_CANCELLED
				 ? WORD_TRANSFER_CANCELLED
				 : WORD_TRANSFER_REOPENED,
			 id);
	else if (!turn->was_closed && is_closed)
		told_out(out, "closed", WORD_TRANSFER_CLOSED, id);
	return ERR_OK;
}
