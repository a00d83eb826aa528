/*
 * The end of a session's count: what was scanned in the bin is stated, and
 * none for the rest of it.
 */
#include "gateway/core/state.h"

#include <inttypes.h>

#include "store/balance.h"
#include "store/session.h"

struct closing {
	struct intake *intake;
	const struct session *session;
	struct verdict *verdict;
	uint32_t lines;
	uint32_t changed;
	uint32_t recounts;
	struct pos begun; /* of its first entry */
};

static enum err_code counted_state(struct closing *closing,
				   const struct statement *statement,
				   struct err *err)
{
	struct counted counted;
	enum err_code code =
		count_state(&closing->intake->act, statement, &counted, err);

	if (code != ERR_OK)
		return code;
	closing->lines++;
	if (counted.verdict != COUNT_ACCEPTED)
		closing->recounts++;
	else if (counted.change != 0)
		closing->changed++;
	closing->verdict->pos = counted.last;
	return ERR_OK;
}

static struct statement statement_of(const struct closing *closing)
{
	const struct session *session = closing->session;

	return (struct statement){.bin = session->bin,
				  .condition = CONDITION_GOOD,
				  .at = session->bin_pos,
				  .begun = closing->begun};
}

/* The tally's item by its present number: the journal may have named it since.
 */
static enum err_code tally_item(struct intake *intake,
				const struct session_tally *tally,
				struct item_no *ret_item, struct err *err)
{
	*ret_item = tally->item;
	return item_renumber(batch_view(intake->act.batch), ret_item, err);
}

/* What was scanned of one item, in whatever lot. */
struct gathered {
	struct intake *intake;
	const struct session_tally *tally;
	struct item_no item;
	struct qty all;
	struct qty lot;     /* of the tally's own */
	bool is_lot_unsaid; /* by some scan */
	bool is_told;       /* by a tally under another number */
};

static enum err_code
tally_gather(void *context, const struct session_tally *tally, struct err *err)
{
	struct gathered *gathered = context;
	struct qty units = {tally->units};
	struct item_no item;
	bool fits;
	enum err_code code = tally_item(gathered->intake, tally, &item, err);

	if (code != ERR_OK || item.value != gathered->item.value)
		return code;
	gathered->is_lot_unsaid |= tally->lot.size == 0;
	fits = qty_add(gathered->all, units, &gathered->all);
	if (span_equal(lot_span(&tally->lot),
		       lot_span(&gathered->tally->lot))) {
		fits = fits && qty_add(gathered->lot, units, &gathered->lot);
		gathered->is_told |=
			tally->item.value < gathered->tally->item.value;
	}
	if (!fits)
		return err_set(err, ERR_OVERFLOW, "counted more than there is");
	return ERR_OK;
}

/* Units scanned without their lot could be of any: then all of the item is one
 * statement, which their tally makes. */
static enum err_code
tally_state(void *context, const struct session_tally *tally, struct err *err)
{
	struct closing *closing = context;
	struct intake *intake = closing->intake;
	struct statement statement = statement_of(closing);
	struct gathered gathered = {.intake = intake, .tally = tally};
	enum err_code code = tally_item(intake, tally, &gathered.item, err);

	if (code == ERR_OK)
		code = session_tallies(batch_view(intake->act.batch),
				       intake->device_no, tally_gather,
				       &gathered, err);
	if (code != ERR_OK || gathered.is_told ||
	    (gathered.is_lot_unsaid && tally->lot.size > 0))
		return code;
	statement.item_no = gathered.item;
	statement.lot = tally->lot;
	statement.counted = gathered.is_lot_unsaid ? gathered.all.units
						   : gathered.lot.units;
	code = item_name_of(batch_view(intake->act.batch), gathered.item,
			    &statement.item, err);
	if (code == ERR_OK)
		code = counted_state(closing, &statement, err);
	return code;
}

struct unseen {
	struct closing *closing;
	struct item_no item;
	struct span lot;
	bool is_counted; /* the item was, in some lot */
	bool is_seen;    /* the lot was, or all lots together */
};

static enum err_code tally_is(void *context, const struct session_tally *tally,
			      struct err *err)
{
	struct unseen *unseen = context;
	struct span lot = lot_span(&tally->lot);
	struct item_no item;
	enum err_code code =
		tally_item(unseen->closing->intake, tally, &item, err);

	if (code != ERR_OK || item.value != unseen->item.value)
		return code;
	unseen->is_counted = true;
	if (lot.size == 0 || span_equal(lot, unseen->lot))
		unseen->is_seen = true;
	return ERR_OK;
}

static enum err_code none_state(struct unseen *unseen, struct err *err)
{
	struct closing *closing = unseen->closing;
	struct intake *intake = closing->intake;
	struct statement statement = statement_of(closing);
	bool fits = lot_set(&statement.lot, unseen->lot);
	enum err_code code;

	ASSERT(fits);
	statement.item_no = unseen->item;
	code = item_name_of(batch_view(intake->act.batch), unseen->item,
			    &statement.item, err);
	if (code == ERR_OK)
		code = counted_state(closing, &statement, err);
	return code;
}

/* What the book has in the bin and nobody scanned was counted as none: an item
 * of which no lot was scanned, or single lots of one. */
static enum err_code unseen_state(void *context, struct item_no item,
				  struct place_no place,
				  const struct balance *balance,
				  struct err *err)
{
	struct closing *closing = context;
	struct intake *intake = closing->intake;
	enum err_code code = ERR_OK;

	(void)place;
	for (size_t i = 0; i < balance->count && code == ERR_OK; i++) {
		const struct cell *cell = &balance->cells[i];
		struct unseen unseen = {.closing = closing,
					.item = item,
					.lot = lot_span(&cell->lot)};

		if (cell->condition != CONDITION_GOOD)
			continue;
		code = session_tallies(batch_view(intake->act.batch),
				       intake->device_no, tally_is, &unseen,
				       err);
		if (code != ERR_OK || unseen.is_seen)
			continue;
		if (!unseen.is_counted) {
			unseen.lot.size = 0; /* all lots at once */
			return none_state(&unseen, err);
		}
		/* Units of no lot have no statement of their own. */
		if (unseen.lot.size > 0)
			code = none_state(&unseen, err);
	}
	return code;
}

static void closing_say(const struct closing *closing)
{
	const struct place_name *bin = &closing->session->bin;
	bool is_done = closing->recounts == 0;

	verdict_say(closing->verdict,
		    is_done ? WORD_SESSION_COUNT_CLOSED : WORD_SESSION_RECOUNT,
		    "%.*s" WORD_FIELD_END "%" PRIu32 WORD_FIELD_END "%" PRIu32,
		    (int)bin->size, bin->data,
		    is_done ? closing->lines : closing->recounts,
		    is_done ? closing->changed : closing->lines);
}

enum err_code session_count_close(struct intake *intake,
				  const struct session *session,
				  struct verdict *verdict, struct err *err)
{
	struct closing closing = {.intake = intake,
				  .session = session,
				  .verdict = verdict,
				  .begun = batch_next(intake->act.batch)};
	struct place bin;
	struct place_no place;
	enum err_code code;

	if (session->op != OP_COUNT || session->bin.size == 0)
		return ERR_OK;
	bin = place_bin(place_name_span(&session->bin));
	code = place_find(batch_view(intake->act.batch), &bin, &place, err);
	if (code == ERR_OK)
		code = balance_walk_bin(batch_view(intake->act.batch), place,
					unseen_state, &closing, err);
	if (code == ERR_OK || code == ERR_NOT_FOUND)
		code = session_tallies(batch_view(intake->act.batch),
				       intake->device_no, tally_state, &closing,
				       err);
	if (code == ERR_OK)
		code = session_tallies_clear(batch_txn(intake->act.batch),
					     intake->device_no, err);
	if (code != ERR_OK)
		return code;
	closing_say(&closing);
	return ERR_OK;
}
