/*
 * One entry of the past comes back.
 */
#include "store/regain.h"

#include "rules/base/bytes.h"
#include "store/balance.h"
#include "store/check.h"
#include "store/fold.h"
#include "store/intern.h"
#include "store/master.h"
#include "store/past.h"
#include "store/recount.h"
#include "store/row.h"

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
	} else if (entry->kind == ENTRY_TASK) {
		*ret_table = TABLE_TASK;
		name = name_span(&entry->body.task.id);
	} else if (entry->kind == ENTRY_ALERT) {
		*ret_table = TABLE_ALERT;
		name = ref_span(&entry->body.alert.id);
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

/* What HQ asked for, as core/intent.c writes it. */
static bool is_of_hq(const struct entry *entry)
{
	return entry->actor.kind == ACTOR_RULE &&
	       span_is(name_span(&entry->actor.name), REGAIN_HQ);
}

/* One of HQ's came back; or @entry ends an alert that is open here again. */
static enum err_code is_wanted(const struct view *view,
			       const struct entry *entry, bool *ret_is,
			       struct err *err)
{
	struct entry last;
	struct pos at;
	struct key key;
	enum table table;
	enum err_code code = record_key(view, entry, &table, &key, err);

	if (code == ERR_OK)
		code = record_find(view, table, key_span(&key), &at, &last,
				   err);
	*ret_is = code == ERR_OK &&
		  (entry->kind == ENTRY_ALERT ? is_of_hq(entry)
					      : last.regained.value != 0);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Another task asks for that check by now. */
static enum err_code is_asked_since(const struct view *view,
				    const struct task *task, bool *ret_is,
				    struct err *err)
{
	struct check_state state = {.task = {.size = 0}};
	enum err_code code = ERR_OK;

	if (task->kind == TASK_CHECK && task->check.size > 0)
		code = check_state(view, name_span(&task->check), &state, err);
	*ret_is = state.task.size > 0 &&
		  !span_equal(name_span(&state.task), name_span(&task->id));
	return code;
}

/*
 * Tasks and alerts are about the box as it was. But of what HQ asked for it has
 * the answer, which comes back, and takes it for done: so that does, too, and
 * what became of it.
 */
static enum err_code asked_stays(const struct view *view, struct pos pos,
				 const struct entry *entry, bool *ret_stays,
				 struct err *err)
{
	bool comes = entry->kind == ENTRY_TASK && is_of_hq(entry);
	enum err_code code = ERR_OK;

	if (!comes)
		code = is_wanted(view, entry, &comes, err);
	*ret_stays = !comes;
	if (code == ERR_OK && comes)
		code = is_said_since(view, pos, entry, ret_stays, err);
	if (code == ERR_OK && !*ret_stays && entry->kind == ENTRY_TASK)
		code = is_asked_since(view, &entry->body.task, ret_stays, err);
	return code;
}

static enum err_code stays_behind(const struct view *view, struct pos pos,
				  const struct entry *entry, bool *ret_stays,
				  struct err *err)
{
	bool is_lived = true;
	enum err_code code = ERR_OK;

	*ret_stays = true;
	if (entry->kind == ENTRY_FOUNDING || entry->kind == ENTRY_SUCCESSION ||
	    entry->kind == ENTRY_CLOSING || entry->kind == ENTRY_STATUS)
		return ERR_OK;
	if (entry->kind == ENTRY_TASK || entry->kind == ENTRY_ALERT)
		return asked_stays(view, pos, entry, ret_stays, err);
	if (entry->kind == ENTRY_COUNT)
		return is_counted_since(view, entry, ret_stays, err);
	if (entry->kind == ENTRY_ACCOUNT)
		code = past_is_lived(view, pos_epoch(pos), &is_lived, err);
	if (code == ERR_OK && is_lived)
		code = is_said_since(view, pos, entry, ret_stays, err);
	return code;
}

/* A bin holds so many lots of an item, and people may have filled it since. */
static enum err_code has_room(const struct view *view,
			      const struct movement *movement,
			      const struct side *side, bool *ret_has,
			      struct err *err)
{
	UNINITIALIZED struct balance balance;
	struct item_no item;
	struct place_no place;
	enum err_code code = ERR_NOT_FOUND;

	*ret_has = true;
	if (side->place.kind == PLACE_BIN)
		code = item_find(view, sku_span(&movement->item), &item, err);
	if (code == ERR_OK)
		code = place_find(view, &side->place, &place, err);
	if (code == ERR_OK)
		code = balance_get(view, item, place, &balance, err);
	if (code == ERR_OK)
		*ret_has = balance.count < BALANCE_CELLS_MAX ||
			   balance_cell(&balance, side->condition,
					lot_span(&movement->lot))
					   .units != 0;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Where there is no room for a movement, people count what is there. */
static enum err_code room_find(struct batch *batch,
			       const struct movement *movement, bool *ret_has,
			       struct err *err)
{
	const struct side *sides[] = {&movement->from, &movement->to};
	enum err_code code = ERR_OK;

	*ret_has = true;
	for (size_t i = 0; i < 2 && code == ERR_OK && *ret_has; i++) {
		code = has_room(batch_view(batch), movement, sides[i], ret_has,
				err);
		if (code == ERR_OK && !*ret_has)
			code = recount_post_bin(
				batch, place_name_span(&sides[i]->place.name),
				sku_span(&movement->item), err);
	}
	return code;
}

/* ---- back ---- */

enum err_code regain_entry(struct netting *netting, struct pos pos,
			   const struct entry *sealed, bool *ret_is_told,
			   struct err *err)
{
	struct batch *batch = netting_batch(netting);
	bool is_movement = sealed->kind == ENTRY_MOVEMENT;
	struct entry entry = *sealed;
	bool fits = true;
	bool stays;
	enum err_code code =
		stays_behind(batch_view(batch), pos, sealed, &stays, err);

	if (code == ERR_OK && is_movement)
		code = room_find(batch, &sealed->body.movement, &fits, err);
	if (code != ERR_OK)
		return code;
	stays |= !fits;
	*ret_is_told = !stays;
	if (stays)
		return ERR_OK;
	entry.clock_flags &= ENTRY_EFFECTIVE_TRUSTED;
	entry.actor.boot.size = 0;
	entry.actor.seq = 0;
	entry.carried = (struct pos){0};
	entry.regained = pos;
	if (is_movement)
		code = netting_before(netting, pos, &entry, err);
	if (code == ERR_OK)
		code = batch_post(batch, &entry, NULL, err);
	if (code == ERR_OK && is_movement)
		code = netting_after(netting, pos, &entry, err);
	return code;
}
