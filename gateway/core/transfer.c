#include "gateway/core/transfer.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/transfer_turn.h"
#include "store/journal.h"
#include "store/site.h"

#define LINES_AT_ONCE 32

/* ---- what a site may do ---- */

enum err_code transfer_side_here(const struct view *view, struct span id,
				 enum transfer_side *ret_side, struct err *err)
{
	uint32_t site;
	enum err_code code = site_number_get(view, &site, err);

	if (code == ERR_OK)
		*ret_side = transfer_side_of(site, id);
	return code;
}

/* In a network a name that tells no sites is no transfer, unless it was under
 * way before the site joined. */
static enum err_code is_strange(const struct view *view, struct span id,
				bool *ret_is, struct err *err)
{
	struct transfer_record record;
	struct transfer_id parts;
	enum err_code code;

	*ret_is = false;
	if (transfer_id_parse(id, &parts))
		return ERR_OK;
	code = transfer_get(view, id, &record, err);
	*ret_is = code == ERR_NOT_FOUND;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code transfer_judge_way(struct act *act,
				 const struct movement *movement,
				 struct verdict *verdict, struct err *err)
{
	const struct view *view = batch_view(act->batch);
	const struct place *place = transfer_place(movement);
	bool strange = false;
	struct transfer_id parts;
	struct span id;
	uint32_t site;
	enum err_code code;

	if (place == NULL)
		return ERR_OK;
	id = place_name_span(&place->name);
	code = site_number_get(view, &site, err);
	if (code != ERR_OK)
		return code;
	if (site == 0) {
		/* Once it has joined, that would be a transfer of others. */
		if (transfer_id_parse(id, &parts))
			verdict_refuse(verdict, WORD_NOT_OUR_TRANSFER, id);
		return ERR_OK;
	}
	code = is_strange(view, id, &strange, err);
	if (code != ERR_OK)
		return code;
	if (strange)
		verdict_refuse(verdict, WORD_NO_TRANSFER, id);
	else if (!transfer_has_authority(site, movement))
		verdict_refuse(verdict, WORD_NOT_OUR_TRANSFER, id);
	return ERR_OK;
}

/* ---- words ---- */

/* What two sites say of one line may leave 64 bits together (that transfer is
 * unsound); a sum that will not be used then may wrap. */
static int64_t wrap_add(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* What was shipped, less what was booked. */
static int64_t still_open(const struct transfer_sums *shipped,
			  const struct transfer_sums *booked)
{
	return (int64_t)((uint64_t)shipped->shipped - (uint64_t)booked->good -
			 (uint64_t)booked->damaged);
}

struct totals {
	struct transfer *transfer;
	struct sku item; /* of the line before */
	struct lot lot;
	char sscc[SSCC_SIZE];
};

/* Lines come by item; one of the same lot on another pallet is the same line of
 * the paper. */
static enum err_code total_add(void *context, const struct transfer_line *line,
			       struct err *err)
{
	struct totals *totals = context;
	const struct transfer_sums *sums = &line->sums;
	bool is_sender = line->side == TRANSFER_SENDER;
	int64_t units =
		is_sender ? sums->shipped : wrap_add(sums->good, sums->damaged);

	(void)err;
	if (units <= 0)
		return ERR_OK;
	if (!span_equal(sku_span(&totals->item), sku_span(&line->item)) ||
	    !span_equal(lot_span(&totals->lot), lot_span(&line->lot)))
		totals->transfer->lines++;
	if (line->sscc[0] != '\0' &&
	    memcmp(totals->sscc, line->sscc, SSCC_SIZE) != 0)
		totals->transfer->pallets++;
	totals->transfer->units += (uint64_t)units;
	totals->item = line->item;
	totals->lot = line->lot;
	memcpy(totals->sscc, line->sscc, SSCC_SIZE);
	return ERR_OK;
}

static enum err_code totals_fill(const struct view *view,
				 enum transfer_side side,
				 struct transfer *transfer, struct err *err)
{
	struct totals totals = {.transfer = transfer};
	const struct span all = {"", 0};

	transfer->lines = 0;
	transfer->pallets = 0;
	transfer->units = 0;
	return transfer_lines(view, place_name_span(&transfer->id), side, all,
			      total_add, &totals, err);
}

/* What this site last said, or the beginning of something new. */
static enum err_code word_begin(const struct view *view, struct span id,
				enum transfer_side side,
				struct transfer *ret_transfer, struct err *err)
{
	struct transfer transfer = {.from_site = 0};
	const struct transfer_word *word = NULL;
	struct transfer_record record;
	struct transfer_id parts;
	enum err_code code = transfer_get(view, id, &record, err);
	bool fits = place_name_set(&transfer.id, id);

	ASSERT(fits);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (code == ERR_OK)
		word = side == TRANSFER_ADDRESSEE ? &record.addressee
						  : &record.sender;
	if (word != NULL && word->is_said)
		transfer = word->transfer;
	else if (transfer_id_parse(id, &parts)) {
		transfer.from_site = parts.from;
		transfer.to_site = parts.to;
	}
	transfer.answers.value = 0;
	if (code == ERR_OK && side == TRANSFER_ADDRESSEE)
		transfer.answers = record.sender.pos;
	*ret_transfer = transfer;
	return ERR_OK;
}

enum err_code transfer_say(struct act *act, struct span id,
			   const struct transfer_saying *saying,
			   struct err *err)
{
	const struct view *view = batch_view(act->batch);
	struct entry entry;
	struct transfer *transfer = &entry.body.transfer;
	enum transfer_side side;
	enum err_code code = transfer_turn_begin(act, id, err);
	bool fits = true;

	act_entry(act, &entry, ENTRY_TRANSFER);
	if (code == ERR_OK)
		code = transfer_side_here(view, id, &side, err);
	if (code == ERR_OK)
		code = word_begin(view, id, side, transfer, err);
	if (code == ERR_OK)
		code = totals_fill(view, side, transfer, err);
	if (code != ERR_OK)
		return code;
	transfer->state = saying->state;
	if (saying->state != TRANSFER_RECEIVED)
		transfer->answers.value = 0;
	if (saying->expected != 0)
		transfer->expected = saying->expected;
	if (saying->carrier.size > 0)
		fits = ref_set(&transfer->carrier, saying->carrier);
	ASSERT(fits);
	if (saying->reason.size > 0)
		fits = reason_set(&transfer->reason, saying->reason);
	ASSERT(fits);
	return act_post(act, &entry, NULL, err);
}

/* What the side has to say if the list or the receipt is under way (again). */
static enum transfer_state state_anew(const struct transfer_record *record,
				      enum transfer_side side)
{
	if (side == TRANSFER_SENDER &&
	    record->states.sender != TRANSFER_CREATED)
		return TRANSFER_CREATED;
	if (side == TRANSFER_ADDRESSEE &&
	    record->states.addressee != TRANSFER_RECEIVING)
		return TRANSFER_RECEIVING;
	return (enum transfer_state)0;
}

/* What has not begun is not opened. */
static bool is_begun(const struct transfer_record *record,
		     enum transfer_side side)
{
	return side == TRANSFER_SENDER ? record->sender.is_said
				       : record->addressee.is_said;
}

/* Where @id is a transfer that somebody has spoken of: what was said, and which
 * side this site is. Where it is none, *@ret_side is left. */
static enum err_code states_find(const struct view *view, struct span id,
				 struct transfer_record *ret_record,
				 enum transfer_side *ret_side, struct err *err)
{
	struct transfer_id parts;
	enum err_code code;

	if (!transfer_id_parse(id, &parts))
		return ERR_OK;
	code = transfer_get(view, id, ret_record, err);
	if (code == ERR_OK)
		code = transfer_side_here(view, id, ret_side, err);
	return code;
}

enum err_code transfer_opening(struct act *act, struct span id,
			       struct transfer_states *ret_before,
			       struct err *err)
{
	struct transfer_saying saying = {.state = (enum transfer_state)0};
	struct transfer_record record = {.unsettled = 0};
	enum transfer_side side = (enum transfer_side)0;
	enum err_code code = transfer_turn_begin(act, id, err);

	if (code == ERR_OK)
		code = states_find(batch_view(act->batch), id, &record, &side,
				   err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_before = record.states;
	if (code == ERR_OK && is_begun(&record, side))
		saying.state = state_anew(&record, side);
	return saying.state != 0 ? transfer_say(act, id, &saying, err) : ERR_OK;
}

enum err_code transfer_booked(struct act *act, struct span id, struct err *err)
{
	struct transfer_saying saying = {.state = (enum transfer_state)0};
	struct transfer_record record = {.unsettled = 0};
	enum transfer_side side = (enum transfer_side)0;
	enum err_code code =
		states_find(batch_view(act->batch), id, &record, &side, err);

	if (code != ERR_OK)
		return code;
	saying.state = state_anew(&record, side);
	return saying.state != 0 ? transfer_say(act, id, &saying, err) : ERR_OK;
}

/* Calls @visit with each transfer that the entries @first to @last touch. */
typedef enum err_code touched_fn(struct act *act, struct span id,
				 struct err *err);
static enum err_code touched_walk(struct act *act, struct pos first,
				  struct pos last, touched_fn *visit,
				  struct err *err)
{
	enum err_code code = ERR_OK;

	for (struct pos pos = first; pos.value <= last.value && code == ERR_OK;
	     pos.value++) {
		const struct place *place = NULL;
		struct entry entry;

		code = journal_read(batch_view(act->batch), pos, &entry, err);
		if (code == ERR_OK && entry.kind == ENTRY_MOVEMENT)
			place = transfer_place(&entry.body.movement);
		if (place != NULL)
			code = visit(act, place_name_span(&place->name), err);
	}
	return code;
}

enum err_code transfer_take_back(struct act *act, struct pos first,
				 struct pos last, struct posted *ret_posted,
				 struct err *err)
{
	enum err_code code =
		touched_walk(act, first, last, transfer_turn_begin, err);

	if (code == ERR_OK)
		code = post_reversal(act, first, last, ret_posted, err);
	if (code != ERR_OK)
		return code;
	return touched_walk(act, ret_posted->first, ret_posted->last,
			    transfer_booked, err);
}

/* ---- the packing list ---- */

/* What of a sender's line has not been booked by the addressee. */
static enum err_code line_open(const struct view *view, struct span id,
			       const struct transfer_line *line,
			       int64_t *ret_units, struct err *err)
{
	struct transfer_line here = *line;
	enum err_code code;

	here.side = TRANSFER_ADDRESSEE;
	code = transfer_line_find(view, id, &here, err);
	if (code == ERR_OK)
		*ret_units = still_open(&line->sums, &here.sums);
	return code;
}

struct lots {
	const struct view *view;
	struct span id;
	const struct fact *fact;
	struct {
		struct lot lot;
		uint32_t expiry;
		int64_t units; /* still to come */
	} rows[LINES_AT_ONCE];
	size_t count;
	bool has_serial;
	struct transfer_line serial;
};

static enum err_code lot_add(void *context, const struct transfer_line *line,
			     struct err *err)
{
	struct lots *lots = context;
	const struct transfer_sums *sums = &line->sums;
	int64_t units = still_open(sums, sums);
	size_t i = 0;

	(void)err;
	if (line->side == TRANSFER_SENDER && lots->fact->serial.size > 0 &&
	    span_equal(serial_span(&line->serial),
		       serial_span(&lots->fact->serial))) {
		lots->serial = *line;
		lots->has_serial = true;
	}
	while (i < lots->count &&
	       !span_equal(lot_span(&lots->rows[i].lot), lot_span(&line->lot)))
		i++;
	if (i == LINES_AT_ONCE)
		return ERR_OK;
	if (i == lots->count) {
		lots->rows[i].lot = line->lot;
		lots->rows[i].expiry = 0;
		lots->rows[i].units = 0;
		lots->count++;
	}
	if (line->expiry != 0)
		lots->rows[i].expiry = line->expiry;
	lots->rows[i].units = wrap_add(lots->rows[i].units, units);
	return ERR_OK;
}

/* Nearest expiry first; a lot without one comes last. */
static bool is_nearer(uint32_t expiry, uint32_t than)
{
	return expiry != 0 && (than == 0 || expiry < than);
}

static void lot_choose(const struct lots *lots, struct fact *fact)
{
	size_t best = lots->count;

	for (size_t i = 0; i < lots->count; i++)
		if (lots->rows[i].units > 0 &&
		    (best == lots->count ||
		     is_nearer(lots->rows[i].expiry, lots->rows[best].expiry)))
			best = i;
	if (best == lots->count)
		return;
	fact->lot = lots->rows[best].lot;
	if (fact->expiry == 0)
		fact->expiry = lots->rows[best].expiry;
}

enum err_code transfer_guess_lot(const struct view *view, struct fact *fact,
				 struct err *err)
{
	struct lots lots = {.view = view, .fact = fact};
	struct span id = ref_span(&fact->ref.text);
	enum err_code code;

	if (fact->lot.size > 0)
		return ERR_OK;
	code = transfer_lines(view, id, TRANSFER_SENDER, sku_span(&fact->item),
			      lot_add, &lots, err);
	if (code == ERR_OK)
		code = transfer_lines(view, id, TRANSFER_ADDRESSEE,
				      sku_span(&fact->item), lot_add, &lots,
				      err);
	if (code != ERR_OK)
		return code;
	if (lots.has_serial) {
		fact->lot = lots.serial.lot;
		if (fact->expiry == 0)
			fact->expiry = lots.serial.expiry;
		return ERR_OK;
	}
	lot_choose(&lots, fact);
	return ERR_OK;
}

/* Lines of which something is still to come: the first few. */
struct open_lines {
	const struct view *view;
	struct span id;
	struct span sscc; /* empty: of any, or none */
	struct transfer_line lines[LINES_AT_ONCE];
	size_t count;
	size_t max;
};

static enum err_code open_look(void *context, const struct transfer_line *line,
			       struct err *err)
{
	struct open_lines *open = context;
	int64_t units;
	enum err_code code;

	if (open->sscc.size > 0 &&
	    memcmp(line->sscc, open->sscc.data, SSCC_SIZE) != 0)
		return ERR_OK;
	code = line_open(open->view, open->id, line, &units, err);
	if (code != ERR_OK || units <= 0)
		return code;
	open->lines[open->count] = *line;
	open->lines[open->count].sums.shipped = units;
	open->count++;
	return open->count == open->max ? ERR_STOPPED : ERR_OK;
}

static enum err_code open_find(struct open_lines *open, struct err *err)
{
	const struct span all = {"", 0};
	enum err_code code;

	open->count = 0;
	code = transfer_lines(open->view, open->id, TRANSFER_SENDER, all,
			      open_look, open, err);
	return code == ERR_STOPPED ? ERR_OK : code;
}

enum err_code transfer_pallet_line(const struct view *view, struct span id,
				   struct span sscc,
				   struct transfer_line *ret_line,
				   struct err *err)
{
	struct open_lines open = {
		.view = view, .id = id, .sscc = sscc, .max = 1};
	enum err_code code = open_find(&open, err);

	if (code == ERR_OK && open.count == 0)
		return ERR_NOT_FOUND;
	if (code == ERR_OK)
		*ret_line = open.lines[0];
	return code;
}

struct whose {
	const struct view *view;
	struct span sscc;
	uint32_t site;
	struct place_name id;
};

static enum err_code whose_look(void *context, struct span id, struct err *err)
{
	struct whose *whose = context;
	struct transfer_line line;
	enum err_code code;

	if (whose->site != 0 &&
	    transfer_side_of(whose->site, id) != TRANSFER_ADDRESSEE)
		return ERR_OK;
	code = transfer_pallet_line(whose->view, id, whose->sscc, &line, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code == ERR_OK && !place_name_set(&whose->id, id))
		return err_set(err, ERR_CORRUPT, "a transfer's id is too long");
	return code == ERR_OK ? ERR_STOPPED : code;
}

enum err_code transfer_of_pallet(const struct view *view, struct span sscc,
				 struct place_name *ret_id, struct err *err)
{
	struct whose whose = {.view = view, .sscc = sscc};
	enum err_code code = site_number_get(view, &whose.site, err);

	if (code == ERR_OK)
		code = transfer_pallets(view, sscc, whose_look, &whose, err);
	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	if (whose.id.size == 0)
		return ERR_NOT_FOUND;
	*ret_id = whose.id;
	return ERR_OK;
}

/* What the list says of a line, as a fact where @as says where to; no more of
 * it than a movement carries. */
static enum err_code line_book(struct act *act, const struct fact *as,
			       const struct transfer_line *line,
			       struct posted *posted, struct err *err)
{
	struct fact fact = *as;
	struct posted more;
	enum err_code code =
		item_find(batch_view(act->batch), sku_span(&line->item),
			  &fact.item_no, err);

	/* An item that HQ has not told us of yet: it gets its number as it is
	 * booked. */
	if (code == ERR_NOT_FOUND)
		code = item_intern(batch_txn(act->batch), sku_span(&line->item),
				   &fact.item_no, err);
	if (code != ERR_OK)
		return code;
	fact.item = line->item;
	fact.lot = line->lot;
	fact.serial = line->serial;
	fact.expiry = line->expiry;
	fact.quantity.units = line->sums.shipped < QTY_MOVE_MAX
				      ? line->sums.shipped
				      : QTY_MOVE_MAX;
	fact.is_pallet = false;
	memcpy(fact.sscc, line->sscc, SSCC_SIZE);
	code = post_fact(act, &fact, &more, err);
	if (code != ERR_OK)
		return code;
	if (posted->first.value == 0)
		posted->first = more.first;
	posted->last = more.last;
	return ERR_OK;
}

/* A few lines at a time: the table that they are read from grows with each. */
static enum err_code rest_book(struct act *act, const struct fact *as,
			       struct span sscc, struct posted *ret_posted,
			       struct err *err)
{
	struct open_lines open = {.view = batch_view(act->batch),
				  .id = ref_span(&as->ref.text),
				  .sscc = sscc,
				  .max = LINES_AT_ONCE};
	struct posted posted = {.first = {0}};
	bool is_more;
	enum err_code code;

	do {
		code = open_find(&open, err);
		is_more = open.count == open.max;
		for (size_t i = 0; i < open.count && code == ERR_OK; i++) {
			is_more |= open.lines[i].sums.shipped > QTY_MOVE_MAX;
			code = line_book(act, as, &open.lines[i], &posted, err);
		}
	} while (code == ERR_OK && is_more);
	*ret_posted = posted;
	return code;
}

enum err_code transfer_pallet_book(struct act *act, const struct fact *fact,
				   struct posted *ret_posted, struct err *err)
{
	return rest_book(act, fact, (struct span){fact->sscc, SSCC_SIZE},
			 ret_posted, err);
}

enum err_code transfer_receive_rest(struct act *act, struct span id,
				    const struct side *to, struct err *err)
{
	struct fact fact = {.kind = MOVEMENT_TRANSFER_IN, .to = *to};
	struct transfer_states before;
	struct posted posted;
	const struct span any = {"", 0};
	enum err_code code;
	bool fits = ref_set(&fact.ref.text, id) &&
		    place_name_set(&fact.from.place.name, id);

	ASSERT(fits);
	fact.ref.kind = REF_TRANSFER;
	fact.from.place.kind = PLACE_TRANSIT;
	code = transfer_opening(act, id, &before, err);
	if (code == ERR_OK)
		code = rest_book(act, &fact, any, &posted, err);
	if (code == ERR_OK && posted.last.value != 0)
		code = transfer_booked(act, id, err);
	return code;
}
