/*
 * Commands about transfers between sites and the claims that come of them.
 */
#include "gateway/core/asking.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/command_booked.h"
#include "gateway/core/operate.h"
#include "gateway/core/rights.h"
#include "gateway/core/transfer.h"
#include "store/site.h"

static const struct refusal no_network = {
	"no_network", "this site has not joined a network: there is nobody %s",
	"本站尚未加入网络，没有其他站点"};
static const struct refusal bad_site = {"bad_site",
					"%s is not the number of another site",
					"%s 不是其他站点的编号"};
static const struct refusal unknown_transfer = {
	"unknown_transfer", "there is no transfer %s", "没有调拨单 %s"};
static const struct refusal not_sender = {
	"not_sender", "transfer %s is not this site's to send",
	"调拨单 %s 的发货方不是本站"};
static const struct refusal not_addressee = {
	"not_addressee", "transfer %s is not addressed to this site",
	"调拨单 %s 的收货方不是本站"};
static const struct refusal nothing_booked = {
	"nothing_booked", "nothing has been booked out on transfer %s yet",
	"调拨单 %s 尚未出库任何货物"};
static const struct refusal not_shipped = {
	"not_shipped",
	"the packing list of transfer %s is not here, or not whole yet",
	"调拨单 %s 的装箱单尚未收到或尚不完整"};
static const struct refusal under_way = {
	"under_way",
	"something of transfer %s is still on its way: it is taken back, or "
	"received and settled, first",
	"调拨单 %s 仍有货物在途：请先冲销，或收货并结清"};
static const struct refusal nothing_to_receive = {
	"nothing_to_receive",
	"the packing list of transfer %s has nothing more to come",
	"调拨单 %s 的装箱单上已无待收货物"};
static const struct refusal unknown_claim = {
	"unknown_claim", "there is no claim %s", "没有索赔 %s"};
static const struct refusal not_received = {
	"not_received",
	"not so many units of that item were received damaged: %s",
	"该商品按残损收货的数量不足：%s"};

/* A transfer that a command is about. */
struct about {
	struct asking *asking;
	struct span id;
	struct transfer_record record;
	enum transfer_side side;
};

/* Reads "transfer", which must be known and have this site on @side (0: any).
 * False: refused, or *@ret_code tells. */
static bool about_read(struct about *about, struct asking *asking,
		       enum transfer_side side, enum err_code *ret_code,
		       struct err *err)
{
	about->asking = asking;
	*ret_code = ERR_OK;
	if (!asking_text(asking, "transfer", PLACE_NAME_SIZE_MAX, &about->id))
		return false;
	*ret_code = transfer_get(asking->view, about->id, &about->record, err);
	if (*ret_code == ERR_NOT_FOUND) {
		*ret_code = asking_refuse(asking, &unknown_transfer, about->id);
		return false;
	}
	/* The record's copy: a command's arguments end when it books. */
	about->id = place_name_span(&about->record.id);
	if (*ret_code == ERR_OK)
		*ret_code = transfer_side_here(asking->view, about->id,
					       &about->side, err);
	if (*ret_code != ERR_OK)
		return false;
	if (side == 0 || about->side == side)
		return true;
	*ret_code = asking_refuse(
		asking, side == TRANSFER_SENDER ? &not_sender : &not_addressee,
		about->id);
	return false;
}

static bool saying_read(struct asking *asking, struct transfer_saying *saying)
{
	const struct json_value *expected =
		json_member(asking->arguments, "expected");
	struct fault fault;
	struct date date;

	if (!asking_text_or(asking, "carrier", REF_SIZE_MAX,
			    &saying->carrier) ||
	    !asking_text_or(asking, "reason", REASON_SIZE_MAX, &saying->reason))
		return false;
	if (expected == NULL)
		return true;
	if (json_to_date(expected, &date, &fault) != ERR_OK) {
		(void)asking_fault(asking, &fault);
		return false;
	}
	saying->expected = date_to_number(date);
	return true;
}

static enum err_code said_out(struct asking *asking, struct span id,
			      struct pos first, struct err *err)
{
	out_text_at(asking->out, "transfer", id);
	return booked_out(asking, first, err);
}

/* ---- the sender ---- */

/* Reads "to", which must be another site than this one, *@ret_from. False:
 * refused, or *@ret_code tells. */
static bool to_read(struct asking *asking, struct transfer_id *id,
		    enum err_code *ret_code, struct err *err)
{
	char number[16];

	*ret_code = site_number_get(asking->view, &id->from, err);
	if (*ret_code != ERR_OK)
		return false;
	if (id->from == 0)
		*ret_code = asking_refuse(asking, &no_network,
					  SPAN_LITERAL("to send to"));
	else if (asking_site(asking, "to", &id->to, ret_code, err) &&
		 id->to == id->from) {
		(void)text_format(number, sizeof(number), "%" PRIu32, id->to);
		*ret_code = asking_refuse(asking, &bad_site, span_of(number));
	}
	return *ret_code == ERR_OK && !asking->is_refused;
}

/* People can write any number on a pallet: the first that nobody has used. */
static enum err_code id_free(const struct view *view, struct transfer_id *id,
			     char text[TRANSFER_ID_PRINT_SIZE], struct err *err)
{
	struct transfer_record record;
	enum err_code code;

	do {
		transfer_id_print(id, text);
		code = transfer_get(view, span_of(text), &record, err);
		id->number++;
	} while (code == ERR_OK);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code create(struct asking *asking, struct err *err)
{
	struct transfer_saying saying = {.state = TRANSFER_CREATED};
	struct pos first = batch_next(asking->act->batch);
	char text[TRANSFER_ID_PRINT_SIZE];
	struct transfer_id id;
	enum err_code code;

	if (!to_read(asking, &id, &code, err) || !saying_read(asking, &saying))
		return code;
	code = transfer_next_number(asking->view, id.from, &id.number, err);
	if (code == ERR_OK)
		code = id_free(asking->view, &id, text, err);
	if (code != ERR_OK)
		return code;
	code = transfer_say(asking->act, span_of(text), &saying, err);
	if (code != ERR_OK)
		return code;
	return said_out(asking, span_of(text), first, err);
}

static enum err_code ship(struct asking *asking, struct err *err)
{
	struct transfer_saying saying = {.state = TRANSFER_SHIPPED};
	struct pos first = batch_next(asking->act->batch);
	struct about about;
	struct transfer_rest rest;
	enum err_code code;

	if (!about_read(&about, asking, TRANSFER_SENDER, &code, err) ||
	    !saying_read(asking, &saying))
		return code;
	code = transfer_rest_of(asking->view, about.id, &rest, err);
	if (code != ERR_OK)
		return code;
	if (rest.items == 0 && about.record.states.addressee == 0)
		return asking_refuse(asking, &nothing_booked, about.id);
	code = transfer_say(asking->act, about.id, &saying, err);
	return code == ERR_OK ? said_out(asking, about.id, first, err) : code;
}

static enum err_code cancel(struct asking *asking, struct err *err)
{
	struct transfer_saying saying = {.state = TRANSFER_CANCELLED};
	struct pos first = batch_next(asking->act->batch);
	struct about about;
	enum err_code code;

	if (!about_read(&about, asking, TRANSFER_SENDER, &code, err) ||
	    !saying_read(asking, &saying))
		return code;
	if (about.record.unsettled > 0 || about.record.states.addressee != 0)
		return asking_refuse(asking, &under_way, about.id);
	code = transfer_say(asking->act, about.id, &saying, err);
	return code == ERR_OK ? said_out(asking, about.id, first, err) : code;
}

/* ---- the addressee ---- */

static bool where_read(struct asking *asking, struct operation *operation)
{
	struct span bin;
	uint32_t condition;

	if (!asking_text_or(asking, "bin", PLACE_NAME_SIZE_MAX, &bin) ||
	    !asking_term_or(asking, "condition", TERM_CONDITION, CONDITION_NONE,
			    &condition))
		return false;
	operation->condition = (enum condition)condition;
	if (bin.size == 0 ||
	    (place_name_is_valid(bin) && place_name_set(&operation->bin, bin)))
		return true;
	(void)asking_refuse(asking, &refusal_unknown_bin, bin);
	return false;
}

static enum err_code pallet_receive(struct about *about,
				    struct operation *operation,
				    struct span sscc, struct err *err)
{
	struct act *act = about->asking->act;
	struct found found = {.kind = FOUND_PALLET, .pack = 1};
	struct verdict verdict;
	struct posted posted;
	struct fact fact;
	enum err_code code;

	if (sscc.size != SSCC_SIZE)
		return asking_refuse(about->asking, &nothing_to_receive, sscc);
	memcpy(found.sscc, sscc.data, SSCC_SIZE);
	verdict_init(&verdict);
	code = operate_judge(act, operation, &found, &fact, &verdict, err);
	if (code == ERR_OK && verdict_is_open(&verdict))
		code = operate_book(act, operation, &fact, &posted, &verdict,
				    err);
	if (code == ERR_OK && !verdict_is_open(&verdict))
		return asking_verdict(about->asking, &verdict);
	return code;
}

static enum err_code rest_receive(struct about *about,
				  const struct operation *operation,
				  struct err *err)
{
	struct side to = {place_bin(place_name_span(&operation->bin)),
			  operation->condition != CONDITION_NONE
				  ? operation->condition
				  : CONDITION_GOOD};
	struct transfer_line line;
	enum err_code code =
		transfer_pallet_line(about->asking->view, about->id,
				     (struct span){"", 0}, &line, err);

	if (code == ERR_NOT_FOUND)
		return asking_refuse(about->asking, &nothing_to_receive,
				     about->id);
	if (code != ERR_OK)
		return code;
	return transfer_receive_rest(about->asking->act, about->id, &to, err);
}

static enum err_code receive(struct asking *asking, struct err *err)
{
	struct operation operation = {.op = OP_TRANSFER_IN};
	struct pos first = batch_next(asking->act->batch);
	struct verdict verdict;
	struct about about;
	struct span sscc;
	enum err_code code;

	if (!about_read(&about, asking, TRANSFER_ADDRESSEE, &code, err) ||
	    !asking_text_or(asking, "sscc", SSCC_SIZE, &sscc) ||
	    !where_read(asking, &operation) ||
	    !ref_set(&operation.ref, about.id))
		return code;
	verdict_init(&verdict);
	code = operate_bins(asking->act, &operation, &verdict, err);
	if (code != ERR_OK)
		return code;
	if (!verdict_is_open(&verdict))
		return asking_verdict(asking, &verdict);
	code = sscc.size > 0 ? pallet_receive(&about, &operation, sscc, err)
			     : rest_receive(&about, &operation, err);
	if (code != ERR_OK || asking->is_refused)
		return code;
	return said_out(asking, about.id, first, err);
}

/* ---- both ---- */

static enum err_code sender_close(struct about *about, struct err *err)
{
	struct transfer_saying saying = {.state = TRANSFER_CLOSED};

	if (!transfer_is_closed(&about->record.states) ||
	    about->record.unsettled > 0)
		return asking_refuse(about->asking, &under_way, about->id);
	return transfer_say(about->asking->act, about->id, &saying, err);
}

static enum err_code finish(struct asking *asking, struct err *err)
{
	struct pos first = batch_next(asking->act->batch);
	struct about about;
	uint32_t party;
	enum err_code code;

	if (!about_read(&about, asking, 0, &code, err) ||
	    !asking_term_or(asking, "against", TERM_CLAIM_PARTY, CLAIM_SENDER,
			    &party))
		return code;
	if (about.side == TRANSFER_SENDER)
		code = sender_close(&about, err);
	else if (about.side != TRANSFER_ADDRESSEE)
		return asking_refuse(asking, &not_addressee, about.id);
	else if (!transfer_list_is_whole(&about.record.states))
		return asking_refuse(asking, &not_shipped, about.id);
	else
		code = transfer_settle(asking->act, about.id,
				       (enum claim_party)party, err);
	if (code != ERR_OK || asking->is_refused)
		return code;
	return said_out(asking, about.id, first, err);
}

/* ---- claims ---- */

/* What is damaged is claimed by hand where it shows later than on receipt. */
static enum err_code claim(struct asking *asking, struct err *err)
{
	struct transfer_claim claim = {.kind = CLAIM_DAMAGED};
	struct pos first = batch_next(asking->act->batch);
	struct json_range range = {1, QTY_MOVE_MAX};
	struct transfer_sums sums;
	struct item_no item;
	struct about about;
	struct span lot;
	struct span reason;
	int64_t received;
	uint32_t party;
	enum err_code code;

	if (!about_read(&about, asking, TRANSFER_ADDRESSEE, &code, err) ||
	    !asking_item(asking, "item", &item, &code, err) ||
	    !asking_int(asking, "qty", range, &claim.quantity) ||
	    !asking_text_or(asking, "lot", LOT_SIZE_MAX, &lot) ||
	    !asking_text_or(asking, "reason", REASON_SIZE_MAX, &reason) ||
	    !asking_term_or(asking, "against", TERM_CLAIM_PARTY, CLAIM_SENDER,
			    &party) ||
	    !lot_set(&claim.lot, lot) || !reason_set(&claim.reason, reason))
		return code;
	claim.transfer = about.record.id;
	claim.party = (enum claim_party)party;
	code = item_name_of(asking->view, item, &claim.item, err);
	if (code == ERR_OK)
		code = transfer_sums(asking->view, about.id,
				     sku_span(&claim.item), &sums, err);
	if (code != ERR_OK)
		return code;
	/* More than there are numbers for is enough. */
	if (!__builtin_add_overflow(sums.good, sums.damaged, &received) &&
	    received < claim.quantity)
		return asking_refuse(asking, &not_received,
				     sku_span(&claim.item));
	code = transfer_claim_open(asking->act, &claim, err);
	if (code != ERR_OK)
		return code;
	out_text_at(asking->out, "claim", ref_span(&claim.id));
	return said_out(asking, about.id, first, err);
}

struct wanted {
	struct span id;
	struct transfer_claim claim;
	bool is_found;
};

/* The one that its opener has described. */
static enum err_code claim_look(void *context,
				const struct transfer_claim *claim,
				enum transfer_side side, struct err *err)
{
	struct wanted *wanted = context;

	(void)err;
	if (!span_equal(wanted->id, ref_span(&claim->id)) ||
	    (wanted->is_found && side != TRANSFER_ADDRESSEE))
		return ERR_OK;
	wanted->claim = *claim;
	wanted->is_found = true;
	return ERR_OK;
}

/* "3-7-125-c1" is of 3-7-125. */
static enum err_code claim_find(struct asking *asking, struct wanted *wanted,
				struct err *err)
{
	struct span transfer = wanted->id;
	enum err_code code = ERR_OK;

	while (transfer.size > 0 && transfer.data[transfer.size - 1] != '-')
		transfer.size--;
	if (transfer.size > 1 && transfer.size - 1 <= PLACE_NAME_SIZE_MAX) {
		transfer.size--;
		code = transfer_claims(asking->view, transfer, claim_look,
				       wanted, err);
	}
	if (code == ERR_OK && !wanted->is_found)
		return asking_refuse(asking, &unknown_claim, wanted->id);
	return code;
}

/* Each side answers for itself: the sender accepts or rejects, the addressee
 * withdraws, either may say that it is settled. */
static bool may_say(enum transfer_side side, enum claim_state state)
{
	switch (state) {
	case CLAIM_ACCEPTED:
	case CLAIM_REJECTED:
		return side == TRANSFER_SENDER;
	case CLAIM_SETTLED:
		return side != 0;
	case CLAIM_OPEN:
	case CLAIM_WITHDRAWN:
		return side == TRANSFER_ADDRESSEE;
	}
	return false;
}

static enum err_code answer_post(struct asking *asking,
				 const struct transfer_claim *claim,
				 struct err *err)
{
	struct pos first = batch_next(asking->act->batch);
	struct entry entry;
	enum err_code code;

	act_entry(asking->act, &entry, ENTRY_CLAIM);
	entry.body.claim = *claim;
	code = act_post(asking->act, &entry, NULL, err);
	if (code != ERR_OK)
		return code;
	out_text_at(asking->out, "claim", ref_span(&claim->id));
	return booked_out(asking, first, err);
}

static enum err_code answer(struct asking *asking, struct err *err)
{
	struct wanted wanted = {.is_found = false};
	enum transfer_side side = 0;
	struct span reason;
	struct span id;
	uint32_t state;
	enum err_code code;

	if (!asking_text(asking, "claim", REF_SIZE_MAX, &wanted.id) ||
	    !asking_text(asking, "state", REASON_SIZE_MAX, &id) ||
	    !asking_term_or(asking, "state", TERM_CLAIM_STATE, 0, &state) ||
	    !asking_text_or(asking, "reason", REASON_SIZE_MAX, &reason))
		return ERR_OK;
	code = claim_find(asking, &wanted, err);
	if (code != ERR_OK || asking->is_refused)
		return code;
	id = place_name_span(&wanted.claim.transfer);
	code = transfer_side_here(asking->view, id, &side, err);
	if (code != ERR_OK)
		return code;
	if (!may_say(side, (enum claim_state)state))
		return asking_refuse(asking,
				     side == TRANSFER_ADDRESSEE
					     ? &not_sender
					     : &not_addressee,
				     id);
	wanted.claim.state = (enum claim_state)state;
	if (reason.size > 0 && !reason_set(&wanted.claim.reason, reason))
		return ERR_INVALID; /* it was measured */
	return answer_post(asking, &wanted.claim, err);
}

static const struct command_row rows[] = {
	{{"transfer.create", COMMAND_WRITE, RIGHTS_FLOOR}, create, NULL},
	{{"transfer.ship", COMMAND_WRITE, RIGHTS_FLOOR}, ship, NULL},
	{{"transfer.receive", COMMAND_WRITE, RIGHTS_FLOOR}, receive, NULL},
	{{"transfer.close", COMMAND_WRITE, RIGHTS_FLOOR}, finish, NULL},
	{{"transfer.cancel", COMMAND_WRITE, RIGHTS_SITE}, cancel, NULL},
	{{"claim.open", COMMAND_WRITE, RIGHTS_FLOOR}, claim, NULL},
	{{"claim.answer", COMMAND_WRITE, RIGHTS_SITE}, answer, NULL},
};
const struct command_table transfer_commands = {rows, ARRAY_LEN(rows)};
