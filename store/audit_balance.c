/*
 * The balances' side of the audit: each row against the book, then what the
 * book has and no row had.
 */
#include "store/audit_work.h"
#include "store/master.h"
#include "store/row.h"

static struct finding finding_of(const struct audit *audit,
				 enum finding_kind kind)
{
	return (struct finding){
		.kind = kind, .table = TABLE_BALANCE, .item = audit->sku};
}

static void pair_report(struct audit *audit, enum finding_kind kind,
			const struct place *place)
{
	struct finding finding = finding_of(audit, kind);

	finding.place = *place;
	audit_report(audit, &finding);
}

/* ---- an item, when its last row has passed ---- */

static void promise_compare(struct audit *audit, const char *bin,
			    struct qty promised, struct qty units)
{
	struct finding finding = finding_of(audit, FINDING_PROMISE);

	if (promised.units == units.units)
		return;
	finding.place = place_bin(span_of(bin));
	finding.stored = promised.units;
	finding.computed = units.units;
	audit_report(audit, &finding);
}

static void item_end(struct audit *audit)
{
	uint32_t number = audit->item.value;
	struct audit_item *item = NULL;
	struct finding finding = finding_of(audit, FINDING_SUM);

	if (number > 0 && number <= audit->items_count)
		item = &audit->items[number - 1];
	if (item == NULL)
		return;
	if (audit->sum != 0) {
		finding.stored = (int64_t)audit->sum;
		audit_report(audit, &finding);
	}
	if (audit->is_overflown || !tally_is_sound(&audit->tally)) {
		finding = finding_of(audit, FINDING_TALLY);
		finding.stored = audit->tally.on_hand.units;
		audit_report(audit, &finding);
	}
	promise_compare(audit, BIN_PICKED, item->picked, audit->picked);
	promise_compare(audit, BIN_PACKED, item->packed, audit->packed);
	item->picked.units = 0;
	item->packed.units = 0;
}

static void item_begin(struct audit *audit, struct item_no item)
{
	struct err ignored;

	item_end(audit);
	audit->item = item;
	audit->sum = 0;
	audit->picked.units = 0;
	audit->packed.units = 0;
	audit->is_overflown = false;
	audit->tally = (struct tally){.on_hand = {0}};
	if (item_name_of(audit->view, item, &audit->sku, &ignored) != ERR_OK)
		audit->sku.size = 0;
}

/* ---- a row ---- */

/* What the row says, whatever the book says. */
static void cell_sum(struct audit *audit, const struct place *place,
		     const struct cell *cell)
{
	bool is_picked = place_is_bin(place, BIN_PICKED);
	bool is_packed = place_is_bin(place, BIN_PACKED);

	audit->sum += (uint64_t)cell->quantity.units;
	if (place->kind != PLACE_BIN || cell->condition == CONDITION_NONE)
		return;
	if (cell->quantity.units < 0) {
		struct finding finding = finding_of(audit, FINDING_NEGATIVE);

		finding.place = *place;
		finding.lot = cell->lot;
		finding.condition = cell->condition;
		finding.stored = cell->quantity.units;
		audit_report(audit, &finding);
	}
	if (!tally_add(&audit->tally, is_picked || is_packed, cell->condition,
		       cell->quantity))
		audit->is_overflown = true;
	if (cell->condition != CONDITION_GOOD)
		return;
	if (is_picked &&
	    !qty_add(audit->picked, cell->quantity, &audit->picked))
		audit->is_overflown = true;
	if (is_packed &&
	    !qty_add(audit->packed, cell->quantity, &audit->packed))
		audit->is_overflown = true;
}

static void cell_compare(struct audit *audit, uint32_t pair,
			 const struct place *place, const struct cell *cell)
{
	struct book_account *account = book_account(
		&audit->book, pair, lot_span(&cell->lot), cell->condition);
	int64_t computed = account == NULL ? 0 : account->units;
	struct finding finding = finding_of(audit, FINDING_BALANCE);

	if (account != NULL)
		account->is_seen = true;
	if (computed == cell->quantity.units)
		return;
	finding.place = *place;
	finding.lot = cell->lot;
	finding.condition = cell->condition;
	finding.stored = cell->quantity.units;
	finding.computed = computed;
	audit_report(audit, &finding);
	audit_unexplained(audit, finding.stored, finding.computed);
}

static void extra_report(struct audit *audit, const struct place *place,
			 const struct balance *balance)
{
	pair_report(audit, FINDING_EXTRA, place);
	for (size_t i = 0; i < balance->count; i++)
		audit_unexplained(audit, balance->cells[i].quantity.units, 0);
}

static void row_compare(struct audit *audit, const struct audit_place *place,
			const struct balance *balance)
{
	const struct audit_item *item = &audit->items[audit->item.value - 1];
	uint32_t pair;

	for (size_t i = 0; i < balance->count; i++)
		cell_sum(audit, &place->place, &balance->cells[i]);
	if (item->book == 0 || place->book == 0 ||
	    !book_pair(&audit->book, item->book - 1, place->book - 1, &pair)) {
		extra_report(audit, &place->place, balance);
		return;
	}
	audit->book.pairs_at[pair].is_seen = true;
	if (audit->book.pairs_at[pair].pos.value != balance->pos.value)
		pair_report(audit, FINDING_TOUCHED, &place->place);
	for (size_t i = 0; i < balance->count; i++)
		cell_compare(audit, pair, &place->place, &balance->cells[i]);
}

/* The names of a row, for the sentence, where they can be found. */
static const struct audit_place *row_place(struct audit *audit,
					   struct balance_key key)
{
	uint32_t at;

	if (key.item.value != audit->item.value)
		item_begin(audit, key.item);
	if (key.item.value == 0 || key.item.value > audit->items_count ||
	    !dense_find(&audit->place_numbers, key.place.value, &at))
		return NULL;
	return &audit->places[at];
}

static enum err_code balance_row(void *context, struct span key,
				 struct span value, struct err *err)
{
	static const struct place nowhere;
	struct audit *audit = context;
	const struct audit_place *place;
	struct balance_key names;
	/* Not initialised: only the cells counted are read. */
	struct balance balance;
	struct err ignored;

	if (balance_open(key, value, &names, &balance, &ignored) != ERR_OK) {
		pair_report(audit, FINDING_ROW, &nowhere);
		return audit_row_done(audit, err);
	}
	audit->result.rows++;
	place = row_place(audit, names);
	if (place == NULL)
		extra_report(audit, &nowhere, &balance);
	else
		row_compare(audit, place, &balance);
	return audit_row_done(audit, err);
}

/* ---- what no row had ---- */

static void pairs_missing(struct audit *audit)
{
	struct book *book = &audit->book;

	for (uint32_t i = 0; i < book->pairs.count; i++) {
		struct finding finding = {.kind = FINDING_MISSING,
					  .table = TABLE_BALANCE};

		if (book->pairs_at[i].is_seen)
			continue;
		book_pair_name(book, i, &finding.item, &finding.place);
		audit_report(audit, &finding);
	}
}

static void accounts_missing(struct audit *audit)
{
	struct book *book = &audit->book;

	for (uint32_t i = 0; i < book->accounts.count; i++) {
		const struct book_account *account = &book->accounts_at[i];
		struct finding finding = {.kind = FINDING_BALANCE,
					  .table = TABLE_BALANCE,
					  .computed = account->units};
		uint32_t pair;

		if (account->is_seen || account->units == 0)
			continue;
		audit_unexplained(audit, 0, account->units);
		book_account_name(book, i, &pair, &finding.lot,
				  &finding.condition);
		if (!book->pairs_at[pair].is_seen)
			continue; /* told as a missing row */
		book_pair_name(book, pair, &finding.item, &finding.place);
		audit_report(audit, &finding);
	}
}

/* Promises of items that have no balance at all. */
static void promises_left(struct audit *audit)
{
	for (uint32_t i = 0; i < audit->items_count; i++)
		if (audit->items[i].picked.units != 0 ||
		    audit->items[i].packed.units != 0)
			item_begin(audit, (struct item_no){i + 1});
	item_end(audit);
}

enum err_code audit_balances(struct audit *audit, struct err *err)
{
	enum err_code code =
		audit_table_walk(audit, TABLE_BALANCE, balance_row, err);

	if (code != ERR_OK)
		return code;
	item_begin(audit, (struct item_no){0});
	promises_left(audit);
	pairs_missing(audit);
	accounts_missing(audit);
	return ERR_OK;
}
