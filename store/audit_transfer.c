/*
 * The transfers' side of the audit: what lies in TABLE_TRANSFER is what the
 * movements say, and the law of transfers holds.
 */
#include "store/audit_work.h"
#include "store/transfer.h"

struct look {
	struct audit *audit;
	const struct transfer_record *record;
	uint64_t unsettled; /* items of it of which any is in transit */
	int64_t way;        /* what the row of the item under way says */
	struct transfer_sums lines;
	bool is_overflown;
};

static void look_report(struct look *look, enum finding_kind kind,
			const struct sku *item, int64_t stored,
			int64_t computed)
{
	struct finding finding = {.kind = kind,
				  .table = TABLE_TRANSFER,
				  .place = {.kind = PLACE_TRANSIT,
					    .name = look->record->id},
				  .stored = stored,
				  .computed = computed};

	if (item != NULL)
		finding.item = *item;
	audit_report(look->audit, &finding);
	audit_unexplained(look->audit, stored, computed);
}

static enum err_code line_look(void *context, const struct transfer_line *line,
			       struct err *err)
{
	struct look *look = context;

	(void)err;
	if (!transfer_sums_add(&look->lines, &line->sums))
		look->is_overflown = true;
	return ERR_OK;
}

static enum err_code way_look(void *context, struct span id, int64_t units,
			      struct err *err)
{
	struct look *look = context;

	(void)err;
	if (span_equal(id, place_name_span(&look->record->id)))
		look->way = units;
	return ERR_OK;
}

/* What the item's lines and its row among what is on its way say. */
static enum err_code rows_look(struct look *look, const struct sku *item,
			       struct err *err)
{
	const struct view *view = look->audit->view;
	struct span id = place_name_span(&look->record->id);
	enum err_code code = ERR_OK;

	look->way = 0;
	look->lines = (struct transfer_sums){.shipped = 0};
	look->is_overflown = false;
	for (int side = TRANSFER_SENDER; side <= TRANSFER_HQ && code == ERR_OK;
	     side++)
		code = transfer_lines(view, id, (enum transfer_side)side,
				      sku_span(item), line_look, look, err);
	if (code == ERR_OK)
		code = transfer_ways(view, sku_span(item), way_look, look, err);
	return code;
}

static enum err_code item_look(void *context, const struct sku *item,
			       const struct transfer_sums *sums,
			       struct err *err)
{
	struct look *look = context;
	int64_t units = 0;
	int64_t by_lines = 0;
	enum err_code code = rows_look(look, item, err);

	if (code != ERR_OK)
		return code;
	/* What others say, and no 64 bits hold: the network's audit tells. */
	if (!transfer_in_transit(sums, &units)) {
		look->unsettled++;
		return ERR_OK;
	}
	look->unsettled += units != 0;
	if (units != 0 && transfer_is_closed(&look->record->states))
		look_report(look, FINDING_RESIDUE, item, 0, units);
	if (look->way != units)
		look_report(look, FINDING_TRANSIT, item, look->way, units);
	if (look->is_overflown ||
	    !transfer_in_transit(&look->lines, &by_lines) || by_lines != units)
		look_report(look, FINDING_TRANSIT, item, by_lines, units);
	return ERR_OK;
}

static enum err_code record_look(void *context,
				 const struct transfer_record *record,
				 struct err *err)
{
	struct audit *audit = context;
	struct look look = {.audit = audit, .record = record};
	enum err_code code =
		transfer_items(audit->view, place_name_span(&record->id),
			       item_look, &look, err);

	if (code == ERR_OK && look.unsettled != record->unsettled)
		look_report(&look, FINDING_TRANSIT, NULL,
			    (int64_t)record->unsettled,
			    (int64_t)look.unsettled);
	return code;
}

/* ---- against the journal ---- */

/* What the journal alone says is in a transit place is the book's balance. */
static enum err_code pair_look(struct audit *audit, uint32_t pair,
			       struct err *err)
{
	struct transfer_record record = {.unsettled = 0};
	struct look look = {.audit = audit, .record = &record};
	struct book_account *account;
	struct transfer_sums sums;
	struct place place;
	struct sku item;
	int64_t stored = 0;
	enum err_code code;

	book_pair_name(&audit->book, pair, &item, &place);
	if (place.kind != PLACE_TRANSIT)
		return ERR_OK;
	code = transfer_sums_own(audit->view, place_name_span(&place.name),
				 sku_span(&item), &sums, err);
	if (code != ERR_OK)
		return code;
	record.id = place.name;
	account = book_account(&audit->book, pair, (struct span){"", 0},
			       CONDITION_NONE);
	if (!transfer_in_transit(&sums, &stored) || account == NULL ||
	    stored != account->units)
		look_report(&look, FINDING_TRANSIT, &item, stored,
			    account == NULL ? 0 : account->units);
	return ERR_OK;
}

enum err_code audit_transfers(struct audit *audit, struct err *err)
{
	const struct span all = {"", 0};
	struct finding damage = {.kind = FINDING_ROW, .table = TABLE_TRANSFER};
	struct err why;
	enum err_code code = ERR_OK;

	for (uint32_t i = 0; i < audit->book.pairs.count && code == ERR_OK; i++)
		code = pair_look(audit, i, &why);
	if (code == ERR_OK)
		code = transfer_walk(audit->view, all, record_look, audit,
				     &why);
	/* A row that does not read ends the look, not the audit. */
	if (code == ERR_CORRUPT || code == ERR_OVERFLOW) {
		audit_report(audit, &damage);
		return ERR_OK;
	}
	if (code != ERR_OK)
		return err_set(err, code, "%s", why.text);
	return ERR_OK;
}
