#include "store/audit_book.h"

#include <stdlib.h>
#include <string.h>

/* Bits of an account's key: the pair above, then lot, then condition. */
#define LOT_BITS 29
#define CONDITION_BITS 3

/* A place's key: its kind, then its name. */
struct place_key {
	char bytes[1 + PLACE_NAME_SIZE_MAX];
};

static struct span place_key(struct place_key *key, const struct place *place)
{
	key->bytes[0] = (char)place->kind;
	memcpy(key->bytes + 1, place->name.data, place->name.size);
	return (struct span){key->bytes, 1 + (size_t)place->name.size};
}

static uint64_t pair_key(uint32_t item, uint32_t place)
{
	return (uint64_t)item << 32 | place;
}

static uint64_t account_key(uint32_t pair, uint32_t lot,
			    enum condition condition)
{
	return (uint64_t)pair << (LOT_BITS + CONDITION_BITS) |
	       (uint64_t)lot << CONDITION_BITS | condition;
}

/* Most units have no lot: 0, and no look into the table. */
static enum err_code lot_add(struct book *book, struct span lot,
			     uint32_t *ret_lot)
{
	enum err_code code;

	*ret_lot = 0;
	if (lot.size == 0)
		return ERR_OK;
	code = intern_add(&book->lots, lot, ret_lot);
	if (code == ERR_OK && ++*ret_lot >= UINT32_C(1) << LOT_BITS)
		code = ERR_FULL;
	return code;
}

static bool lot_find(const struct book *book, struct span lot,
		     uint32_t *ret_lot)
{
	*ret_lot = 0;
	if (lot.size == 0)
		return true;
	if (!intern_find(&book->lots, lot, ret_lot))
		return false;
	++*ret_lot;
	return true;
}

void book_release(struct book *book)
{
	intern_release(&book->items);
	intern_release(&book->places);
	intern_release(&book->lots);
	dense_release(&book->pairs);
	dense_release(&book->accounts);
	free(book->pairs_at);
	free(book->accounts_at);
	*book = (struct book){.found = 0};
}

static enum err_code pair_add(struct book *book, uint32_t item,
			      const struct place *place, uint32_t *ret_pair)
{
	struct place_key key;
	void *array = book->pairs_at;
	uint32_t number;
	enum err_code code;

	code = intern_add(&book->places, place_key(&key, place), &number);
	if (code == ERR_OK)
		code = dense_add(&book->pairs, pair_key(item, number),
				 ret_pair);
	if (code == ERR_OK)
		code = array_reserve(&array, &book->pairs_capacity,
				     book->pairs.count,
				     sizeof(*book->pairs_at));
	book->pairs_at = array;
	if (code == ERR_OK) {
		book->pairs_at[*ret_pair].item = item;
		book->pairs_at[*ret_pair].place = number;
	}
	return code;
}

static enum err_code account_add(struct book *book, uint32_t pair,
				 struct span lot, enum condition condition,
				 uint32_t *ret_account)
{
	void *array = book->accounts_at;
	uint32_t number;
	enum err_code code = lot_add(book, lot, &number);

	if (code == ERR_OK)
		code = dense_add(&book->accounts,
				 account_key(pair, number, condition),
				 ret_account);
	if (code == ERR_OK)
		code = array_reserve(&array, &book->accounts_capacity,
				     book->accounts.count,
				     sizeof(*book->accounts_at));
	book->accounts_at = array;
	return code;
}

/* One side of a movement. */
struct leg {
	uint32_t item;
	const struct side *side;
	struct span lot;
	struct qty change;
	struct pos pos;
};

/* A place outside is one account for all lots. */
static enum err_code leg_post(struct book *book, const struct leg *leg)
{
	bool is_bin = leg->side->place.kind == PLACE_BIN;
	struct qty units;
	uint32_t pair;
	uint32_t account;
	enum err_code code;

	code = pair_add(book, leg->item, &leg->side->place, &pair);
	if (code == ERR_OK)
		code = account_add(book, pair,
				   is_bin ? leg->lot : (struct span){"", 0},
				   leg->side->condition, &account);
	if (code != ERR_OK)
		return code;
	units.units = book->accounts_at[account].units;
	if (!qty_add(units, leg->change, &units))
		code = ERR_OVERFLOW;
	book->accounts_at[account].units = units.units;
	book->pairs_at[pair].pos = leg->pos;
	if (code == ERR_OK && is_bin && units.units < 0)
		code = ERR_CONFLICT;
	return code;
}

static bool special_post(struct book *book, const struct movement *movement)
{
	struct qty found = {book->found};
	struct qty lost = {book->lost};
	bool fits = true;

	if (movement->from.place.kind == PLACE_FOUND)
		fits = qty_add(found, movement->quantity, &found) && fits;
	if (movement->to.place.kind == PLACE_FOUND)
		fits = qty_sub(found, movement->quantity, &found) && fits;
	if (movement->to.place.kind == PLACE_LOSS)
		fits = qty_add(lost, movement->quantity, &lost) && fits;
	if (movement->from.place.kind == PLACE_LOSS)
		fits = qty_sub(lost, movement->quantity, &lost) && fits;
	book->found = found.units;
	book->lost = lost.units;
	return fits;
}

enum err_code book_post(struct book *book, struct pos pos,
			const struct movement *movement)
{
	struct leg leg = {.side = &movement->from,
			  .lot = lot_span(&movement->lot),
			  .change = {-movement->quantity.units},
			  .pos = pos};
	enum err_code code;
	enum err_code taken;

	code = intern_add(&book->items, sku_span(&movement->item), &leg.item);
	if (code != ERR_OK)
		return code;
	taken = leg_post(book, &leg);
	if (taken != ERR_OK && taken != ERR_CONFLICT)
		return taken;
	leg.side = &movement->to;
	leg.change = movement->quantity;
	code = leg_post(book, &leg);
	if (code == ERR_OK && !special_post(book, movement))
		code = ERR_OVERFLOW;
	return code == ERR_OK ? taken : code;
}

bool book_item(const struct book *book, struct span sku, uint32_t *ret_item)
{
	return intern_find(&book->items, sku, ret_item);
}

bool book_place(const struct book *book, const struct place *place,
		uint32_t *ret_place)
{
	struct place_key key;

	return intern_find(&book->places, place_key(&key, place), ret_place);
}

bool book_pair(const struct book *book, uint32_t item, uint32_t place,
	       uint32_t *ret_pair)
{
	return dense_find(&book->pairs, pair_key(item, place), ret_pair);
}

struct book_account *book_account(const struct book *book, uint32_t pair,
				  struct span lot, enum condition condition)
{
	uint32_t number;

	if (!lot_find(book, lot, &number) ||
	    !dense_find(&book->accounts, account_key(pair, number, condition),
			&number))
		return NULL;
	return &book->accounts_at[number];
}

void book_pair_name(const struct book *book, uint32_t pair,
		    struct sku *ret_item, struct place *ret_place)
{
	const struct book_pair *at = &book->pairs_at[pair];
	struct span place = intern_key(&book->places, at->place);
	struct span name = {place.data + 1, place.size - 1};
	bool fits = sku_set(ret_item, intern_key(&book->items, at->item));

	ret_place->kind = (enum place_kind)place.data[0];
	fits = place_name_set(&ret_place->name, name) && fits;
	ASSERT(fits);
}

void book_account_name(const struct book *book, uint32_t account,
		       uint32_t *ret_pair, struct lot *ret_lot,
		       enum condition *ret_condition)
{
	uint64_t key = book->accounts.keys[account];
	uint32_t lot = (uint32_t)(key >> CONDITION_BITS) &
		       ((UINT32_C(1) << LOT_BITS) - 1);
	struct span text = {"", 0};
	bool fits;

	*ret_pair = (uint32_t)(key >> (LOT_BITS + CONDITION_BITS));
	*ret_condition = (enum condition)(key & ((1u << CONDITION_BITS) - 1));
	if (lot > 0)
		text = intern_key(&book->lots, lot - 1);
	fits = lot_set(ret_lot, text);
	ASSERT(fits);
}
