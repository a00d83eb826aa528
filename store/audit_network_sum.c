/*
 * The tables' side of the network audit: each row against the fold, then what
 * only sums over feeds can show.
 */
#include <string.h>

#include "store/audit_network_work.h"
#include "store/closing.h"
#include "store/transfer.h"

/* ---- a feed's cells ---- */

bool cell_key_read(struct span key, struct network_finding *finding)
{
	const char *nul = memchr(key.data, '\0', key.size);
	size_t size = nul == NULL ? 0 : (size_t)(nul - key.data);
	struct span rest = {key.data + size + 1, key.size - size - 1};
	struct reader reader;
	uint8_t kind;
	uint8_t condition;

	if (nul == NULL || rest.size < 2 ||
	    !sku_set(&finding->item, (struct span){key.data, size}))
		return false;
	kind = (uint8_t)rest.data[0];
	nul = memchr(rest.data + 1, '\0', rest.size - 1);
	size = nul == NULL ? 0 : (size_t)(nul - rest.data - 1);
	if (nul == NULL || kind < PLACE_BIN || kind > PLACE_KIND_MAX ||
	    !place_name_set(&finding->place.name,
			    (struct span){rest.data + 1, size}))
		return false;
	reader_init(&reader, nul + 1,
		    rest.size - (size_t)(nul + 1 - rest.data));
	condition = read_u8(&reader);
	finding->place.kind = (enum place_kind)kind;
	finding->condition = (enum condition)condition;
	return lot_set(&finding->lot,
		       read_raw(&reader, reader_left(&reader))) &&
	       reader_done(&reader) && condition <= CONDITION_MAX;
}

static void cell_report(struct network_audit *audit, struct span key,
			struct network_finding *finding)
{
	(void)cell_key_read(key, finding); /* as far as it can be read */
	network_report(audit, finding);
}

static void balance_report(struct network_audit *audit, struct span key,
			   int64_t stored, const struct sum *sum)
{
	struct network_finding finding = {.kind = NETWORK_BALANCE,
					  .feed = audit->feed->id,
					  .stored = stored,
					  .computed = sum->units,
					  .pos = sum->pos};

	cell_report(audit, key, &finding);
	network_unexplained(audit, stored, sum->units);
}

/* Over all feeds of the site, and over all places of the item. */
enum err_code network_cell_add(struct network_audit *audit, struct span key,
			       int64_t units, struct pos pos)
{
	struct network_finding cell = {.kind = NETWORK_DAMAGED};
	struct sum *sum;
	enum err_code code;

	if (!cell_key_read(key, &cell)) {
		cell.feed = audit->feed->id;
		network_report(audit, &cell);
		return ERR_OK;
	}
	code = sums_at(&audit->items, sku_span(&cell.item), &sum);
	if (code != ERR_OK)
		return code;
	/* It must end at 0, so it may wrap on the way. */
	sum->units = (int64_t)((uint64_t)sum->units + (uint64_t)units);
	if (cell.place.kind != PLACE_BIN)
		return ERR_OK;
	code = sums_at(&audit->site_cells, key, &sum);
	if (code != ERR_OK)
		return code;
	sum->units = (int64_t)((uint64_t)sum->units + (uint64_t)units);
	if (audit->feed->id.epoch <= audit->closed_epoch)
		sum->closed =
			(int64_t)((uint64_t)sum->closed + (uint64_t)units);
	if (pos.value > sum->pos.value)
		sum->pos = pos;
	return ERR_OK;
}

static enum err_code cell_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	static const struct sum none = {.units = 0};
	struct network_audit *audit = context;
	struct network_finding damaged = {.kind = NETWORK_DAMAGED,
					  .feed = audit->feed->id};
	struct span cell = {key.data + 16, key.size - 16};
	struct reader reader;
	struct err ignored;
	uint32_t number;
	int64_t units;
	struct pos pos;

	if (row_open(TABLE_SITE_BALANCE, key, value, &reader, &ignored) !=
	    ERR_OK) {
		network_report(audit, &damaged);
		return ERR_OK;
	}
	units = read_signed(&reader);
	pos = read_pos(&reader);
	if (!intern_find(&audit->cells.keys, cell, &number)) {
		balance_report(audit, cell, units, &none);
	} else {
		struct sum *sum = &audit->cells.at[number];

		sum->is_seen = true;
		if (sum->units != units || sum->pos.value != pos.value)
			balance_report(audit, cell, units, sum);
	}
	if (network_cell_add(audit, cell, units, pos) != ERR_OK)
		return no_memory(err);
	return ERR_OK;
}

enum err_code network_feed_compare(struct network_audit *audit, struct err *err)
{
	struct key prefix = {.size = 0};
	enum err_code code;

	audit->is_compared = true;
	key_add_feed(&prefix, audit->feed->id);
	code = view_walk(audit->view, TABLE_SITE_BALANCE, key_span(&prefix),
			 key_span(&prefix), cell_row, audit, err);
	for (uint32_t i = 0; i < audit->cells.keys.count; i++)
		if (!audit->cells.at[i].is_seen &&
		    audit->cells.at[i].units != 0)
			balance_report(audit, intern_key(&audit->cells.keys, i),
				       0, &audit->cells.at[i]);
	return code;
}

void network_site_begin(struct network_audit *audit, uint32_t site)
{
	audit->site = site;
	audit->result.sites++;
	/* A roster that cannot be read is a finding of its own feed. */
	if (closing_by_hq(audit->view, site, &audit->closed_epoch, NULL) !=
	    ERR_OK)
		audit->closed_epoch = 0;
}

void network_site_end(struct network_audit *audit)
{
	for (uint32_t i = 0; i < audit->site_cells.keys.count; i++) {
		const struct sum *sum = &audit->site_cells.at[i];
		struct network_finding finding = {
			.kind = NETWORK_NEGATIVE,
			.feed = {audit->site, pos_epoch(sum->pos), 0},
			.pos = sum->pos,
			.stored = sum->units};

		if (sum->closed > 0)
			audit->result.written_off += (uint64_t)sum->closed;
		if (sum->units < 0)
			cell_report(audit,
				    intern_key(&audit->site_cells.keys, i),
				    &finding);
	}
	sums_release(&audit->site_cells);
}

/* ---- transfers ---- */

struct transfer_look {
	struct network_audit *audit;
	const struct transfer_record *record;
	struct err *err;
};

static struct network_finding transfer_finding(enum network_finding_kind kind,
					       struct span id,
					       const struct sku *item)
{
	struct network_finding finding = {.kind = kind, .item = *item};

	finding.place.kind = PLACE_TRANSIT;
	if (!place_name_set(&finding.place.name, id))
		finding.place.name.size = 0;
	return finding;
}

/* What others said, of the table: all, less the journal's own part. */
static enum err_code others_sums(const struct view *view, struct span id,
				 struct span item,
				 const struct transfer_sums *all,
				 struct transfer_sums *ret_others,
				 struct err *err)
{
	struct transfer_sums own;
	enum err_code code = transfer_sums_own(view, id, item, &own, err);

	if (code != ERR_OK)
		return code;
	*ret_others = *all;
	own = (struct transfer_sums){-own.shipped, -own.surplus, -own.good,
				     -own.damaged, -own.claimed, -own.lost};
	return transfer_sums_add(ret_others, &own) ? ERR_OK : ERR_OVERFLOW;
}

static const struct transfer_sums *said_find(struct said *said, struct span id,
					     struct span item)
{
	static const struct transfer_sums nothing = {.shipped = 0};
	uint8_t buffer[PLACE_NAME_SIZE_MAX + SKU_SIZE_MAX + 1];
	struct writer writer;
	uint32_t number;

	writer_init(&writer, buffer, sizeof(buffer));
	write_raw(&writer, id.data, id.size);
	write_u8(&writer, 0);
	write_raw(&writer, item.data, item.size);
	if (!writer_ok(&writer) ||
	    !intern_find(&said->keys,
			 (struct span){(const char *)buffer, writer.size},
			 &number))
		return &nothing;
	if (said->is_seen != NULL)
		said->is_seen[number] = true;
	return &said->at[number];
}

static bool sums_equal(const struct transfer_sums *a,
		       const struct transfer_sums *b)
{
	return a->shipped == b->shipped && a->surplus == b->surplus &&
	       a->good == b->good && a->damaged == b->damaged &&
	       a->claimed == b->claimed && a->lost == b->lost;
}

static int64_t way_of(const struct transfer_sums *sums)
{
	int64_t units;

	return transfer_in_transit(sums, &units) ? units : 0;
}

static void law_audit(struct transfer_look *look, const struct sku *item,
		      const struct transfer_sums *sums)
{
	struct network_result *result = &look->audit->result;
	struct span id = place_name_span(&look->record->id);
	struct network_finding finding =
		transfer_finding(NETWORK_UNSOUND, id, item);
	int64_t units;

	switch (transfer_judge(sums, transfer_is_closed(&look->record->states),
			       &units)) {
	case TRANSFER_BALANCED:
		break;
	case TRANSFER_UNDER_WAY:
		result->under_way++;
		break;
	case TRANSFER_RECEIVED_BEFORE_SHIPPED:
		result->ahead++;
		break;
	case TRANSFER_RESIDUE:
		finding.kind = NETWORK_RESIDUE;
		finding.stored = units;
		network_unexplained(look->audit, units, 0);
		network_report(look->audit, &finding);
		break;
	case TRANSFER_UNSOUND:
		network_report(look->audit, &finding);
		break;
	}
}

static enum err_code item_visit(void *context, const struct sku *item,
				const struct transfer_sums *sums,
				struct err *err)
{
	struct transfer_look *look = context;
	struct network_audit *audit = look->audit;
	struct span id = place_name_span(&look->record->id);
	const struct transfer_sums *said =
		said_find(&audit->said, id, sku_span(item));
	struct network_finding finding =
		transfer_finding(NETWORK_TRANSFER, id, item);
	struct transfer_sums others;
	enum err_code code = others_sums(audit->view, id, sku_span(item), sums,
					 &others, err);

	if (code != ERR_OK && code != ERR_OVERFLOW)
		return code;
	if (code == ERR_OVERFLOW || !sums_equal(&others, said)) {
		finding.stored = way_of(&others);
		finding.computed = way_of(said);
		network_report(audit, &finding);
	}
	law_audit(look, item, sums);
	return ERR_OK;
}

static enum err_code transfer_visit(void *context,
				    const struct transfer_record *record,
				    struct err *err)
{
	struct transfer_look look = {context, record, err};

	look.audit->result.transfers++;
	return transfer_items(look.audit->view, place_name_span(&record->id),
			      item_visit, &look, err);
}

/* What was said, and no row tells. */
static void unseen_report(struct network_audit *audit)
{
	const struct said *said = &audit->said;

	for (uint32_t i = 0; i < said->keys.count; i++) {
		struct span key = intern_key(&said->keys, i);
		const char *nul = memchr(key.data, '\0', key.size);
		size_t size = (size_t)(nul - key.data);
		struct network_finding finding;
		struct sku item;

		if (said->is_seen[i] || transfer_sums_are_zero(&said->at[i]) ||
		    !sku_set(&item,
			     (struct span){nul + 1, key.size - size - 1}))
			continue;
		finding = transfer_finding(
			NETWORK_TRANSFER, (struct span){key.data, size}, &item);
		finding.computed = way_of(&said->at[i]);
		network_report(audit, &finding);
	}
}

enum err_code network_transfers(struct network_audit *audit, struct err *err)
{
	void *array = NULL;
	enum err_code code = array_reserve(&array, &audit->said.seen_capacity,
					   audit->said.keys.count + 1,
					   sizeof(*audit->said.is_seen));

	if (code != ERR_OK)
		return no_memory(err);
	audit->said.is_seen = array;
	code = transfer_walk(audit->view, (struct span){"", 0}, transfer_visit,
			     audit, err);
	if (code == ERR_OK)
		unseen_report(audit);
	return code;
}
