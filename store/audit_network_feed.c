/*
 * One feed's side of the network audit: a second fold of its rows, which shares
 * no code with the one that made its table but the law and the reading of rows.
 */
#include <string.h>

#include "store/audit_network_work.h"
#include "store/closing.h"
#include "store/heir.h"
#include "store/roster.h"

#define DELTAS_PER_WORD 64 /* of progress */

static struct network_finding finding_of(const struct network_audit *audit,
					 enum network_finding_kind kind)
{
	return (struct network_finding){.kind = kind, .feed = audit->feed->id};
}

static void delta_report(struct network_audit *audit,
			 enum network_finding_kind kind, uint64_t seq)
{
	struct network_finding finding = finding_of(audit, kind);

	finding.seq = seq;
	network_report(audit, &finding);
}

/* ---- a movement ---- */

static struct span cell_key(const struct movement *movement,
			    const struct side *side, uint8_t *buffer)
{
	struct writer writer;
	struct span item = sku_span(&movement->item);
	struct span place = place_name_span(&side->place.name);
	struct span lot = lot_span(&movement->lot);

	writer_init(&writer, buffer, CELL_KEY_SIZE_MAX);
	write_raw(&writer, item.data, item.size);
	write_u8(&writer, 0);
	write_u8(&writer, (uint8_t)side->place.kind);
	write_raw(&writer, place.data, place.size);
	write_u8(&writer, 0);
	write_u8(&writer, (uint8_t)side->condition);
	if (side->place.kind == PLACE_BIN)
		write_raw(&writer, lot.data, lot.size);
	ASSERT(writer_ok(&writer));
	return (struct span){(const char *)buffer, writer.size};
}

static enum err_code said_add(struct network_audit *audit,
			      const struct movement *movement)
{
	const struct place *place = transfer_place(movement);
	struct span id = place == NULL ? (struct span){"", 0}
				       : place_name_span(&place->name);
	struct span item = sku_span(&movement->item);
	struct said *said = &audit->said;
	uint8_t buffer[PLACE_NAME_SIZE_MAX + SKU_SIZE_MAX + 1];
	struct transfer_id parsed;
	enum transfer_side side;
	struct transfer_sums sums;
	struct writer writer;
	void *array = said->at;
	uint32_t number;
	enum err_code code;

	if (place == NULL || audit->is_ours ||
	    !transfer_id_parse(id, &parsed) ||
	    !transfer_effect(audit->feed->id.site, movement, &side, &sums))
		return ERR_OK;
	writer_init(&writer, buffer, sizeof(buffer));
	write_raw(&writer, id.data, id.size);
	write_u8(&writer, 0);
	write_raw(&writer, item.data, item.size);
	code = intern_add(&said->keys,
			  (struct span){(const char *)buffer, writer.size},
			  &number);
	if (code == ERR_OK)
		code = array_reserve(&array, &said->at_capacity,
				     said->keys.count, sizeof(*said->at));
	said->at = array;
	if (code == ERR_OK && !transfer_sums_add(&said->at[number], &sums))
		code = ERR_OVERFLOW;
	return code == ERR_OVERFLOW ? ERR_OK : code; /* the law's finding */
}

/* False if a sum would leave 64 bits: the row is void. */
static enum err_code movement_fold(struct network_audit *audit, struct pos pos,
				   const struct movement *movement,
				   bool *ret_fits)
{
	const struct side *sides[] = {&movement->from, &movement->to};
	int64_t changes[] = {-movement->quantity.units,
			     movement->quantity.units};
	uint8_t buffer[CELL_KEY_SIZE_MAX];
	size_t numbers[2] = {0};
	int64_t sums[2] = {0};
	struct sum *sum;
	enum err_code code = ERR_OK;

	*ret_fits = true;
	for (size_t i = 0; i < 2 && code == ERR_OK; i++) {
		code = sums_at(&audit->cells,
			       cell_key(movement, sides[i], buffer), &sum);
		if (code != ERR_OK)
			break;
		numbers[i] = (size_t)(sum - audit->cells.at);
		if (__builtin_add_overflow(sum->units, changes[i], &sums[i]))
			*ret_fits = false;
	}
	if (code != ERR_OK || !*ret_fits)
		return code;
	for (size_t i = 0; i < 2 && code == ERR_OK; i++) {
		audit->cells.at[numbers[i]].units = sums[i];
		audit->cells.at[numbers[i]].pos = pos;
		if (audit->is_compared)
			code = network_cell_add(
				audit,
				intern_key(&audit->cells.keys,
					   (uint32_t)numbers[i]),
				changes[i], pos);
	}
	audit->result.movements++;
	return code == ERR_OK ? said_add(audit, movement) : code;
}

/* ---- a delta's rows ---- */

struct reading {
	struct feed_law law;
	struct delta delta;
	bool is_folded; /* else only read, for what the rows behind it need */
	uint64_t segment;
	uint64_t voids;
	uint64_t folded_voids; /* of them, those before what is late */
};

static enum err_code entry_fold(struct network_audit *audit,
				struct reading *reading, struct pos pos,
				struct span bytes, struct err *err)
{
	struct entry entry;
	bool is_void;
	bool is_told = false;
	bool fits = true;
	enum err_code code = entry_decode(bytes, &entry);

	if (code == ERR_VERSION)
		return ERR_OK;
	is_void = code != ERR_OK ||
		  feed_law_judge(&reading->law, pos_number(pos), &entry) != 0;
	code = ERR_OK;
	if (!is_void)
		code = told_elsewhere(audit->told, audit->view,
				      &(struct told_entry){audit->feed, pos,
							   &entry},
				      &is_told, err);
	if (code != ERR_OK || is_told)
		return code;
	if (!is_void && entry.kind == ENTRY_MOVEMENT)
		code = movement_fold(audit, pos, &entry.body.movement, &fits);
	else if (!is_void && entry.kind == ENTRY_CLOSING)
		reading->law.is_closed = true;
	reading->voids += is_void || !fits;
	return code;
}

/* True if all rows are in their one form; their entries are in the arena. If
 * not, the segment's state is what it was. */
static bool rows_read_all(struct network_audit *audit,
			  const struct reading *reading)
{
	const struct delta_header *header = &reading->delta.header;
	struct entry_bytes *entry = &audit->entry;
	struct reader reader;
	bool is_sound = true;

	arena_reset(&audit->arena);
	rows_mark(audit->rows);
	reader_init(&reader, reading->delta.rows.data,
		    reading->delta.rows.size);
	for (uint32_t i = 0; i < header->row_count && is_sound; i++) {
		struct pos pos = pos_make(header->epoch, header->first + i);

		is_sound =
			rows_read(audit->rows, pos, &reader, entry) == ERR_OK;
		if (is_sound)
			feed_rules_apply(header, pos_number(pos), entry);
		is_sound = is_sound &&
			   arena_add(&audit->arena,
				     (struct span){(const char *)entry->data,
						   entry->size});
	}
	is_sound = is_sound && reader_done(&reader);
	if (!is_sound)
		rows_rewind(audit->rows);
	return is_sound;
}

static enum err_code rows_fold(struct network_audit *audit,
			       struct reading *reading, struct err *err)
{
	const struct delta_header *header = &reading->delta.header;
	enum err_code code = ERR_OK;

	for (uint32_t i = 0; i < header->row_count && code == ERR_OK; i++)
		code = entry_fold(audit, reading,
				  pos_make(header->epoch, header->first + i),
				  arena_at(&audit->arena, i), err);
	return code;
}

static enum err_code delta_fold(struct network_audit *audit,
				struct reading *reading, struct err *err)
{
	const struct delta_header *header = &reading->delta.header;
	bool is_start = (header->flags & DELTA_SEGMENT_START) != 0 ||
			reading->segment == 0;
	bool is_sound;

	if (is_start) {
		rows_reset(audit->rows);
		reading->segment = header->seq;
	}
	is_sound = header->seq - reading->segment < ROWS_SEGMENT_DELTAS &&
		   rows_read_all(audit, reading);
	if (!reading->is_folded)
		return ERR_OK;
	audit->result.rows += header->row_count;
	if (is_sound)
		return rows_fold(audit, reading, err);
	reading->voids += header->row_count;
	return ERR_OK;
}

/* ---- the chain ---- */

static enum err_code key_of(const struct network_audit *audit,
			    uint8_t key[KEY_PUBLIC_SIZE], struct err *err)
{
	struct feed_id id = audit->feed->id;
	struct root root;
	enum err_code code;

	if (id.site == SITE_CONTROL) {
		code = roster_root_of(audit->view, id.epoch, &root, err);
		if (code == ERR_OK)
			memcpy(key, root.public_key, KEY_PUBLIC_SIZE);
		return code;
	}
	return site_key_known(audit->view, id.site, id.epoch, key, err);
}

struct chain {
	uint8_t hash[HASH_SIZE]; /* of the delta before */
	uint64_t number;
	uint8_t key[KEY_PUBLIC_SIZE];
	bool has_key;
};

static void delta_audit(struct network_audit *audit, struct chain *chain,
			const struct delta *delta, uint64_t seq)
{
	const struct delta_header *header = &delta->header;
	const uint8_t *net_id = audit->plan->net_id;
	uint8_t rows[HASH_SIZE];

	if (header->seq != seq || header->site != audit->feed->id.site ||
	    header->epoch != audit->feed->id.epoch ||
	    header->first != chain->number + 1 ||
	    memcmp(header->previous, chain->hash, HASH_SIZE) != 0)
		delta_report(audit, NETWORK_CHAIN, seq);
	delta_rows_hash(net_id, delta->rows, rows);
	if (memcmp(rows, header->rows_hash, HASH_SIZE) != 0)
		delta_report(audit, NETWORK_ROWS, seq);
	if (chain->has_key &&
	    !delta_verify(chain->key, net_id, header, delta->signature))
		delta_report(audit, NETWORK_SIGNATURE, seq);
	delta_hash(net_id, header, chain->hash);
	chain->number = header->first + header->row_count - 1;
}

static enum err_code word_say(struct network_audit *audit, struct err *err)
{
	enum err_code code = ERR_OK;

	if (audit->plan->progress != NULL &&
	    audit->result.deltas % DELTAS_PER_WORD == 0)
		code = audit->plan->progress(audit->plan->context,
					     audit->result.deltas,
					     audit->deltas_total);
	if (code != ERR_OK)
		return err_set(err, code, "the audit was ended");
	return ERR_OK;
}

/* ERR_CORRUPT and ERR_NOT_FOUND were reported: the feed ends there. */
static enum err_code delta_read(struct network_audit *audit, uint64_t seq,
				struct delta *delta, struct err *err)
{
	enum err_code code =
		feed_delta(audit->view, audit->feed->id, seq, delta, err);

	if (code == ERR_NOT_FOUND)
		delta_report(audit, NETWORK_MISSING, seq);
	else if (code == ERR_CORRUPT)
		delta_report(audit, NETWORK_DAMAGED, seq);
	return code;
}

static bool is_reported(enum err_code code)
{
	return code == ERR_NOT_FOUND || code == ERR_CORRUPT;
}

/* Of a branch: the deltas of its first segment that it shares, for their
 * texts, and the chain's state there. */
static enum err_code shared_read(struct network_audit *audit,
				 struct reading *reading, struct chain *chain,
				 struct err *err)
{
	struct feed_record base;
	enum err_code code = feed_record_at(audit->view, audit->feed->id,
					    audit->feed->base, &base, err);

	if (code != ERR_OK)
		return code;
	memcpy(chain->hash, base.hash, HASH_SIZE);
	chain->number = base.number;
	reading->is_folded = false;
	for (uint64_t seq = base.segment; seq > 0 && seq <= base.seq; seq++) {
		code = delta_read(audit, seq, &reading->delta, err);
		if (code == ERR_OK)
			code = delta_fold(audit, reading, err);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

/* Up to where the table goes, it is compared; what is late counts behind it. */
static enum err_code folded_compare(struct network_audit *audit,
				    struct reading *reading, uint64_t seq,
				    struct err *err)
{
	uint64_t folded = feed_folded(audit->feed);

	if (seq <= folded)
		reading->folded_voids = reading->voids;
	return seq == folded && audit->feed->late > 0
		       ? network_feed_compare(audit, err)
		       : ERR_OK;
}

static enum err_code deltas_read(struct network_audit *audit,
				 struct reading *reading, struct chain *chain,
				 struct err *err)
{
	const struct feed_record *feed = audit->feed;
	enum err_code code = folded_compare(audit, reading, feed->base, err);

	for (uint64_t seq = feed->base + 1; seq <= feed->seq && code == ERR_OK;
	     seq++) {
		code = delta_read(audit, seq, &reading->delta, err);
		if (code != ERR_OK)
			return code;
		delta_audit(audit, chain, &reading->delta, seq);
		reading->is_folded = seq <= feed->counted;
		audit->result.excluded += !reading->is_folded;
		audit->result.deltas++;
		code = delta_fold(audit, reading, err);
		if (code != ERR_OK)
			return err_set(err, code, "out of memory");
		code = folded_compare(audit, reading, seq, err);
		if (code == ERR_OK)
			code = word_say(audit, err);
	}
	return code;
}

struct lives {
	uint32_t site;
	uint32_t count; /* epochs and branches of it */
};

static enum err_code life_count(void *context, const struct feed_record *feed,
				struct err *err)
{
	struct lives *lives = context;

	(void)err;
	lives->count += feed->id.site == lives->site;
	return ERR_OK;
}

/* A site's last word, against what its entries come to. One that had an
 * earlier life, or a fork, may differ in good faith (store/closing.h). */
static enum err_code seal_audit(struct network_audit *audit, struct err *err)
{
	const struct feed_record *feed = audit->feed;
	enum closing_verdict verdict = CLOSING_OPEN;
	struct lives lives = {.site = feed->id.site};
	enum err_code code;

	if (feed->state != FEED_SEALED)
		return ERR_OK;
	code = feed_walk(audit->view, NULL, life_count, &lives, err);
	if (code == ERR_OK && lives.count == 1)
		code = closing_compare(audit->view, audit->plan->net_id,
				       feed->id, &verdict, err);
	if (code == ERR_OK && verdict == CLOSING_DIFFERS)
		delta_report(audit, NETWORK_SEAL, feed->seq);
	return code;
}

static void head_audit(struct network_audit *audit, const struct chain *chain,
		       const struct reading *reading)
{
	const struct feed_record *feed = audit->feed;

	if (memcmp(feed->hash, chain->hash, HASH_SIZE) != 0 ||
	    feed->number != chain->number ||
	    feed->void_rows != reading->folded_voids)
		delta_report(audit, NETWORK_HEAD, feed->seq);
}

enum err_code network_feed_read(struct network_audit *audit, struct err *err)
{
	const struct feed_record *feed = audit->feed;
	struct chain chain = {.number = 0};
	struct reading reading = {.law = {.net_id = audit->plan->net_id,
					  .site = feed->id.site,
					  .epoch = feed->id.epoch}};
	enum err_code code = key_of(audit, chain.key, err);

	chain.has_key = code == ERR_OK;
	/* This box's own may not be certified yet. */
	if (code == ERR_NOT_FOUND && !feed->is_own && feed->seq > feed->base)
		delta_report(audit, NETWORK_STRANGER, 0);
	if (code != ERR_OK && !is_reported(code))
		return code;
	code = feed->base == 0 ? ERR_OK
			       : shared_read(audit, &reading, &chain, err);
	if (code == ERR_OK)
		code = deltas_read(audit, &reading, &chain, err);
	if (code == ERR_OK) {
		head_audit(audit, &chain, &reading);
		code = seal_audit(audit, err);
	}
	audit->result.void_rows += reading.voids;
	return is_reported(code) ? ERR_OK : code;
}
