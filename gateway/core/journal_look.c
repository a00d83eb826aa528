#include "gateway/core/journal_look.h"

#include "store/journal.h"
#include "store/ledger.h"

/* ---- what an entry is about ---- */

static struct span item_of(const struct entry *entry)
{
	switch (entry->kind) {
	case ENTRY_MOVEMENT:
		return sku_span(&entry->body.movement.item);
	case ENTRY_ITEM:
		return sku_span(&entry->body.item.sku);
	case ENTRY_CODE:
		return sku_span(&entry->body.code.item);
	case ENTRY_COUNT:
		return sku_span(&entry->body.count.item);
	case ENTRY_TASK:
		return sku_span(&entry->body.task.item);
	case ENTRY_CLAIM:
		return sku_span(&entry->body.claim.item);
	case ENTRY_FOUNDING:
	case ENTRY_BIN:
	case ENTRY_DEVICE:
	case ENTRY_ACCOUNT:
	case ENTRY_ALERT:
	case ENTRY_ORDER:
	case ENTRY_STATUS:
	case ENTRY_LOSS:
	case ENTRY_TRANSFER:
	case ENTRY_CHECK:
	case ENTRY_CHECK_RESULT:
	case ENTRY_CERTIFICATE:
	case ENTRY_FENCE:
	case ENTRY_INTENT:
	case ENTRY_INTENT_RESULT:
	case ENTRY_INVITATION:
	case ENTRY_SUCCESSION:
	case ENTRY_CLOSING:
	case ENTRY_ROOT:
		break;
	}
	return (struct span){"", 0};
}

static bool place_is(const struct place *place, struct span bin)
{
	return place->kind == PLACE_BIN &&
	       span_equal(place_name_span(&place->name), bin);
}

static bool is_about_bin(const struct entry *entry, struct span bin)
{
	switch (entry->kind) {
	case ENTRY_MOVEMENT:
		return place_is(&entry->body.movement.from.place, bin) ||
		       place_is(&entry->body.movement.to.place, bin);
	case ENTRY_BIN:
		return span_equal(place_name_span(&entry->body.bin.name), bin);
	case ENTRY_COUNT:
		return span_equal(place_name_span(&entry->body.count.bin), bin);
	case ENTRY_TASK:
		return span_equal(place_name_span(&entry->body.task.bin), bin);
	case ENTRY_DEVICE:
		return span_equal(place_name_span(&entry->body.device.place),
				  bin);
	case ENTRY_CHECK:
		return span_equal(place_name_span(&entry->body.check.place),
				  bin);
	case ENTRY_FOUNDING:
	case ENTRY_ITEM:
	case ENTRY_CODE:
	case ENTRY_ACCOUNT:
	case ENTRY_ALERT:
	case ENTRY_ORDER:
	case ENTRY_STATUS:
	case ENTRY_LOSS:
	case ENTRY_TRANSFER:
	case ENTRY_CLAIM:
	case ENTRY_CHECK_RESULT:
	case ENTRY_CERTIFICATE:
	case ENTRY_FENCE:
	case ENTRY_INTENT:
	case ENTRY_INTENT_RESULT:
	case ENTRY_INVITATION:
	case ENTRY_SUCCESSION:
	case ENTRY_CLOSING:
	case ENTRY_ROOT:
		break;
	}
	return false;
}

static bool is_by(const struct entry *entry, enum actor_kind kind,
		  struct span name)
{
	return entry->actor.kind == kind &&
	       span_equal(name_span(&entry->actor.name), name);
}

bool look_fits(const struct look_filter *filter, const struct entry *entry)
{
	if (filter->kind != 0 && entry->kind != filter->kind)
		return false;
	if (filter->item.size > 0 && !span_equal(item_of(entry), filter->item))
		return false;
	if (filter->bin.size > 0 && !is_about_bin(entry, filter->bin))
		return false;
	if (filter->device.size > 0 &&
	    !is_by(entry, ACTOR_DEVICE, filter->device) &&
	    (entry->kind != ENTRY_DEVICE ||
	     !span_equal(name_span(&entry->body.device.name), filter->device)))
		return false;
	return filter->account.size == 0 ||
	       is_by(entry, ACTOR_ACCOUNT, filter->account);
}

static bool is_filtered(const struct look_filter *filter)
{
	return filter->kind != 0 || filter->item.size > 0 ||
	       filter->bin.size > 0 || filter->device.size > 0 ||
	       filter->account.size > 0;
}

/* ---- walking ---- */

struct looking {
	struct look *look;
	look_visit_fn *visit;
	void *context;
	uint32_t count;
};

/* One entry, decoded with @decoded's result. */
static enum err_code look_at(struct looking *looking, struct pos pos,
			     const struct entry *entry, enum err_code decoded,
			     struct err *err)
{
	struct look *look = looking->look;
	enum err_code code = ERR_OK;

	if (looking->count++ == look->count_max) {
		look->is_cut = true;
		return ERR_STOPPED;
	}
	if (decoded == ERR_VERSION && !is_filtered(&look->filter))
		code = looking->visit(looking->context, pos, NULL, err);
	else if (decoded == ERR_OK && look_fits(&look->filter, entry))
		code = looking->visit(looking->context, pos, entry, err);
	if (code == ERR_OK)
		look->at = pos;
	return code;
}

static enum err_code forward_row(void *context, const struct journal_row *row,
				 struct err *err)
{
	struct looking *looking = context;
	UNINITIALIZED struct entry entry;
	enum err_code decoded;

	decoded = entry_decode(row->bytes, &entry);
	if (decoded == ERR_CORRUPT)
		return err_set(err, ERR_CORRUPT, "an entry is damaged");
	return look_at(looking, row->pos, &entry, decoded, err);
}

/* The entry before @pos, over the border of an epoch too: its founding names
 * the end of the one before. False at the first of all. */
static enum err_code step_back(const struct view *view, struct pos *pos,
			       bool *ret_is_there, struct err *err)
{
	struct entry founding;
	enum err_code code;

	*ret_is_there = true;
	if (pos_number(*pos) > 1) {
		pos->value--;
		return ERR_OK;
	}
	*ret_is_there = false;
	if (pos_number(*pos) == 0)
		return ERR_OK;
	code = journal_read(view, *pos, &founding, err);
	if (code == ERR_OK && founding.kind == ENTRY_FOUNDING &&
	    founding.body.founding.previous.value != 0) {
		*pos = founding.body.founding.previous;
		*ret_is_there = true;
	}
	return code == ERR_NOT_FOUND || code == ERR_VERSION ? ERR_OK : code;
}

static enum err_code look_back(struct looking *looking, struct err *err)
{
	struct look *look = looking->look;
	struct pos pos = look->from;
	struct journal_head head;
	bool is_there;
	enum err_code code = ledger_head(look->view, &head, err);

	if (code != ERR_OK)
		return code;
	if (pos.value == 0 || pos.value > head.pos.value)
		pos.value = head.pos.value + 1;
	code = step_back(look->view, &pos, &is_there, err);
	while (code == ERR_OK && is_there) {
		UNINITIALIZED struct entry entry;
		enum err_code decoded =
			journal_read(look->view, pos, &entry, err);

		if (decoded == ERR_NOT_FOUND)
			return ERR_OK; /* before what is kept here */
		if (decoded != ERR_OK && decoded != ERR_VERSION)
			return decoded;
		code = look_at(looking, pos, &entry, decoded, err);
		if (code == ERR_OK)
			code = step_back(look->view, &pos, &is_there, err);
	}
	return code;
}

static enum err_code look_forth(struct looking *looking, struct err *err)
{
	struct pos first = {looking->look->from.value + 1};

	if (pos_number(first) == 0) /* no entry has that number */
		first.value++;
	return journal_walk(looking->look->view, first, forward_row, looking,
			    err);
}

enum err_code look_run(struct look *look, look_visit_fn *visit, void *context,
		       struct err *err)
{
	struct looking looking = {look, visit, context, 0};
	enum err_code code;

	look->at = look->from;
	look->is_cut = false;
	code = look->is_backwards ? look_back(&looking, err)
				  : look_forth(&looking, err);
	return code == ERR_STOPPED && look->is_cut ? ERR_OK : code;
}
