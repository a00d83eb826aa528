/*
 * One entry of the past comes back.
 */
#include "store/regain.h"

#include "rules/base/bytes.h"
#include "store/balance.h"
#include "store/fold.h"
#include "store/intern.h"
#include "store/master.h"
#include "store/past.h"
#include "store/promise.h"
#include "store/row.h"

#define RULE_NAME "succession"

/* ---- the same entry ---- */

bool regain_is_same(const struct entry *ours, const struct entry *theirs)
{
	struct entry copies[2] = {*ours, *theirs};
	UNINITIALIZED uint8_t bytes[2][ENTRY_SIZE_MAX];
	struct span spans[2];

	for (size_t i = 0; i < 2; i++) {
		struct writer writer;

		copies[i].actor.boot.size = 0;
		copies[i].actor.seq = 0;
		writer_init(&writer, bytes[i], sizeof(bytes[i]));
		entry_encode(&writer, &copies[i]);
		spans[i] = (struct span){(const char *)bytes[i], writer.size};
	}
	return span_equal(spans[0], spans[1]);
}

/* ---- what does not come back ---- */

/* The table that has the last word on the thing, and its key there. */
static enum err_code record_key(const struct view *view,
				const struct entry *entry,
				enum table *ret_table, struct key *key,
				struct err *err)
{
	struct item_no item;
	struct span name = {"", 0};
	enum err_code code = ERR_OK;

	*key = (struct key){.size = 0};
	if (entry->kind == ENTRY_ITEM) {
		*ret_table = TABLE_ITEM;
		code = item_find(view, sku_span(&entry->body.item.sku), &item,
				 err);
		if (code == ERR_OK)
			*key = key_of_number(item.value);
		return code;
	}
	if (entry->kind == ENTRY_CODE) {
		*ret_table = TABLE_CODE;
		name = code_text_span(&entry->body.code.code);
	} else if (entry->kind == ENTRY_BIN) {
		*ret_table = TABLE_BIN;
		name = place_name_span(&entry->body.bin.name);
	} else if (entry->kind == ENTRY_DEVICE) {
		*ret_table = TABLE_DEVICE;
		name = name_span(&entry->body.device.name);
	} else if (entry->kind == ENTRY_ACCOUNT) {
		*ret_table = TABLE_ACCOUNT;
		name = name_span(&entry->body.account.name);
	} else {
		return ERR_NOT_FOUND;
	}
	key_add_text(key, name);
	return ERR_OK;
}

/* This box has said something of the thing since. Of two words that came back,
 * the one of the later place stands, in whatever order they came. */
static enum err_code is_said_since(const struct view *view, struct pos pos,
				   const struct entry *entry, bool *ret_is,
				   struct err *err)
{
	struct entry last;
	struct pos at;
	struct key key;
	enum table table;
	enum err_code code = record_key(view, entry, &table, &key, err);

	*ret_is = false;
	if (code == ERR_OK)
		code = record_find(view, table, key_span(&key), &at, &last,
				   err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	*ret_is = last.regained.value != 0
			  ? last.regained.value >= pos.value
			  : last.stamp.value >= entry->stamp.value;
	return ERR_OK;
}

/* A bin was counted since: that count is what a recount goes by. */
static enum err_code is_counted_since(const struct view *view,
				      const struct entry *entry, bool *ret_is,
				      struct err *err)
{
	const struct count *count = &entry->body.count;
	struct count_record last;
	enum err_code code = count_get(view, place_name_span(&count->bin),
				       sku_span(&count->item),
				       lot_span(&count->lot), &last, err);

	*ret_is = code == ERR_OK && last.effective.ms > entry->effective.ms;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code stays_behind(const struct view *view, struct pos pos,
				  const struct entry *entry, bool *ret_stays,
				  struct err *err)
{
	bool is_lived = true;
	enum err_code code = ERR_OK;

	*ret_stays = true;
	if (entry->kind == ENTRY_FOUNDING || entry->kind == ENTRY_SUCCESSION ||
	    entry->kind == ENTRY_CLOSING || entry->kind == ENTRY_TASK ||
	    entry->kind == ENTRY_ALERT || entry->kind == ENTRY_STATUS)
		return ERR_OK;
	if (entry->kind == ENTRY_COUNT)
		return is_counted_since(view, entry, ret_stays, err);
	if (entry->kind == ENTRY_ACCOUNT)
		code = past_is_lived(view, pos_epoch(pos), &is_lived, err);
	if (code == ERR_OK && is_lived)
		code = is_said_since(view, pos, entry, ret_stays, err);
	return code;
}

/* ---- what was taken since ---- */

/* Units of @movement's side that stand in its bin. */
static enum err_code held_of(const struct view *view,
			     const struct movement *movement,
			     struct item_no item, int64_t *ret_units,
			     struct err *err)
{
	struct place_no place;
	struct balance balance;
	enum err_code code =
		place_find(view, &movement->from.place, &place, err);

	*ret_units = 0;
	if (code == ERR_OK)
		code = balance_get(view, item, place, &balance, err);
	if (code == ERR_OK)
		*ret_units = balance_cell(&balance, movement->from.condition,
					  lot_span(&movement->lot))
				     .units;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* The units among them that @entry may take: those of its order, if it names
 * one and they stand there for one. */
static enum err_code promised_of(const struct view *view,
				 const struct entry *entry, struct item_no item,
				 int64_t *units, struct err *err)
{
	struct promise_change change = promise_change_of(&entry->body.movement);
	struct promise promise = {.picked = {0}};
	int64_t promised;
	enum err_code code;

	if (entry->ref.kind != REF_ORDER ||
	    (change.picked.units >= 0 && change.packed.units >= 0))
		return ERR_OK;
	code = promise_get(view, item, ref_span(&entry->ref.text), &promise,
			   err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	promised = change.picked.units < 0 ? promise.picked.units
					   : promise.packed.units;
	if (promised < *units)
		*units = promised;
	return ERR_OK;
}

/* Units that the book lacks where @entry's movement takes them from; 0: none.
 */
static enum err_code missing_of(const struct view *view,
				const struct entry *entry, int64_t *ret_units,
				struct err *err)
{
	const struct movement *movement = &entry->body.movement;
	int64_t units = 0;
	struct item_no item;
	enum err_code code;

	*ret_units = 0;
	if (movement->from.place.kind != PLACE_BIN)
		return ERR_OK;
	code = item_find(view, sku_span(&movement->item), &item, err);
	if (code == ERR_OK)
		code = held_of(view, movement, item, &units, err);
	if (code == ERR_OK)
		code = promised_of(view, entry, item, &units, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (units < movement->quantity.units)
		*ret_units = movement->quantity.units - units;
	return ERR_OK;
}

/*
 * People have taken since what a movement took that comes back now. It is a
 * fact all the same, no bin is below zero, and no order has less than nothing:
 * what is missing was found, for the order if it was taken for one.
 */
static enum err_code found_post(struct batch *batch, const struct entry *entry,
				struct err *err)
{
	const struct movement *movement = &entry->body.movement;
	struct movement *found;
	struct entry more;
	int64_t missing;
	bool fits;
	enum err_code code =
		missing_of(batch_view(batch), entry, &missing, err);

	if (code != ERR_OK || missing == 0)
		return code;
	entry_init(&more, ENTRY_MOVEMENT);
	found = &more.body.movement;
	*found = (struct movement){.kind = MOVEMENT_FOUND,
				   .item = movement->item,
				   .lot = movement->lot,
				   .quantity = {missing},
				   .from = {place_of(PLACE_FOUND),
					    CONDITION_NONE},
				   .to = movement->from};
	more.actor.kind = ACTOR_RULE;
	if (entry->ref.kind == REF_ORDER)
		more.ref = entry->ref;
	fits = name_set(&more.actor.name, SPAN_LITERAL(RULE_NAME)) &&
	       reason_set(&found->reason, SPAN_LITERAL(RULE_NAME));
	ASSERT(fits);
	return batch_post(batch, &more, NULL, err);
}

enum err_code regain_entry(struct batch *batch, struct pos pos,
			   const struct entry *sealed, bool *ret_is_told,
			   struct err *err)
{
	struct entry entry = *sealed;
	bool stays;
	enum err_code code =
		stays_behind(batch_view(batch), pos, sealed, &stays, err);

	if (code != ERR_OK)
		return code;
	*ret_is_told = !stays;
	if (stays)
		return ERR_OK;
	entry.clock_flags &= ENTRY_EFFECTIVE_TRUSTED;
	entry.actor.boot.size = 0;
	entry.actor.seq = 0;
	entry.carried = (struct pos){0};
	entry.regained = pos;
	if (entry.kind == ENTRY_MOVEMENT)
		code = found_post(batch, &entry, err);
	if (code != ERR_OK)
		return code;
	return batch_post(batch, &entry, NULL, err);
}
