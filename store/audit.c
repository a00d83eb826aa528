#include "store/audit.h"

#include <inttypes.h>
#include <stdlib.h>

#include "rules/base/bytes.h"
#include "store/audit_work.h"
#include "store/ledger.h"
#include "store/seal.h"

#define CHAIN_SIZE 8
#define ROWS_PER_WORD 4096 /* of progress */

/* ---- what was found ---- */

void audit_report(struct audit *audit, const struct finding *finding)
{
	struct audit_result *result = &audit->result;

	if (result->findings < FINDINGS_MAX)
		result->list[result->findings] = *finding;
	result->findings++;
}

/* One about the journal, which no rebuild mends. */
static void journal_report(struct audit *audit, enum finding_kind kind,
			   struct pos pos)
{
	struct finding finding = {
		.kind = kind, .table = TABLE_JOURNAL, .pos = pos};

	audit_report(audit, &finding);
	audit->result.journal_findings++;
}

static void unexplained_add(struct audit *audit, uint64_t units)
{
	if (__builtin_add_overflow(audit->result.unexplained, units,
				   &audit->result.unexplained))
		audit->result.unexplained = UINT64_MAX;
}

void audit_unexplained(struct audit *audit, int64_t stored, int64_t computed)
{
	uint64_t more = (uint64_t)stored - (uint64_t)computed;

	unexplained_add(audit, stored > computed ? more : -more);
}

static enum err_code word_say(struct audit *audit, struct err *err)
{
	enum err_code code = ERR_OK;

	if (audit->plan->progress != NULL)
		code = audit->plan->progress(audit->plan->context, audit->table,
					     audit->rows_done,
					     audit->rows_total);
	if (code != ERR_OK)
		return err_set(err, code, "the audit was ended");
	return ERR_OK;
}

enum err_code audit_row_done(struct audit *audit, struct err *err)
{
	audit->rows_done++;
	if (audit->rows_done % ROWS_PER_WORD != 0)
		return ERR_OK;
	return word_say(audit, err);
}

enum err_code audit_table_walk(struct audit *audit, enum table table,
			       view_visit_fn *visit, struct err *err)
{
	const struct span all = {"", 0};
	enum err_code code;

	audit->table = table;
	code = word_say(audit, err);
	if (code != ERR_OK)
		return code;
	return view_walk(audit->view, table, all, all, visit, audit, err);
}

/* ---- the journal ---- */

static bool touches(const struct movement *movement, enum place_kind kind)
{
	return movement->from.place.kind == kind ||
	       movement->to.place.kind == kind;
}

/* What came from nowhere or went nowhere owes somebody a reason. */
static void reason_audit(struct audit *audit, struct pos pos,
			 const struct entry *entry)
{
	const struct movement *movement = &entry->body.movement;
	struct finding finding = {.kind = FINDING_REASON,
				  .table = TABLE_JOURNAL,
				  .pos = pos,
				  .item = movement->item,
				  .computed = movement->quantity.units};

	if (!touches(movement, PLACE_FOUND) && !touches(movement, PLACE_LOSS))
		return;
	if (entry->ref.kind == REF_COUNT || entry->ref.kind == REF_CLAIM ||
	    movement->reason.size > 0)
		return;
	audit_report(audit, &finding);
	audit->result.journal_findings++;
	audit_unexplained(audit, movement->quantity.units, 0);
}

static enum err_code movement_audit(struct audit *audit, struct pos pos,
				    const struct movement *movement,
				    struct err *err)
{
	enum err_code code = book_post(&audit->book, pos, movement);

	audit->result.movements++;
	if (code == ERR_CONFLICT)
		journal_report(audit, FINDING_NEGATIVE, pos);
	else if (code == ERR_OVERFLOW)
		journal_report(audit, FINDING_OVERFLOW, pos);
	else if (code != ERR_OK)
		return err_set(err, code, "out of memory");
	return ERR_OK;
}

/* The founding carries the end of the epoch before, as no chain does. */
static void epoch_audit(struct audit *audit, struct pos pos,
			const struct entry *entry)
{
	const struct founding *founding = &entry->body.founding;
	bool is_first = pos_number(pos) == 1;

	if (is_first != (entry->kind == ENTRY_FOUNDING) ||
	    (is_first && (founding->previous.value != audit->last.pos.value ||
			  founding->previous_chain != audit->last.chain)))
		journal_report(audit, FINDING_EPOCH, pos);
}

static enum err_code entry_audit(struct audit *audit, struct pos pos,
				 struct span bytes, struct err *err)
{
	struct entry entry;
	enum err_code code = entry_decode(bytes, &entry);

	audit->is_stamp_known = code == ERR_OK;
	if (code == ERR_VERSION) {
		audit->result.newer++;
		return ERR_OK;
	}
	if (code != ERR_OK) {
		journal_report(audit, FINDING_GARBLED, pos);
		return ERR_OK;
	}
	if (entry.stamp.value <= audit->last.stamp.value)
		journal_report(audit, FINDING_STAMP, pos);
	audit->last.stamp = entry.stamp;
	epoch_audit(audit, pos, &entry);
	if (entry.kind == ENTRY_MOVEMENT)
		reason_audit(audit, pos, &entry);
	if (!entry_is_sound(&entry)) {
		journal_report(audit, FINDING_UNSOUND, pos);
		return ERR_OK;
	}
	if (entry.kind != ENTRY_MOVEMENT || entry.carried.value != 0)
		return ERR_OK;
	return movement_audit(audit, pos, &entry.body.movement, err);
}

/* Does the row follow on the last one: by its number, then by its chain? */
static void link_audit(struct audit *audit, struct pos pos, struct span bytes,
		       uint64_t chain)
{
	struct pos last = audit->last.pos;
	bool is_next = last.value != 0 && pos.value == last.value + 1;
	bool is_epoch =
		pos_number(pos) == 1 && pos_epoch(pos) > pos_epoch(last);
	uint64_t before = is_epoch ? 0 : audit->last.chain;

	if (!is_next && !is_epoch) {
		struct pos missing = {last.value == 0 ? pos_make(1, 1).value
						      : last.value + 1};

		journal_report(audit, FINDING_GAP, missing);
	} else if (seal_checksum(before, bytes) != chain) {
		journal_report(audit, FINDING_CHAIN, pos);
	}
}

static enum err_code journal_row(void *context, struct span key,
				 struct span value, struct err *err)
{
	struct audit *audit = context;
	struct reader reader;
	struct span bytes = value;
	struct pos pos;
	uint64_t chain;
	enum err_code code;

	reader_init(&reader, key.data, key.size);
	pos.value = read_u64(&reader);
	if (!reader_done(&reader) || value.size < CHAIN_SIZE ||
	    value.size > ENTRY_SIZE_MAX + CHAIN_SIZE) {
		journal_report(audit, FINDING_GARBLED, audit->last.pos);
		return audit_row_done(audit, err);
	}
	bytes.size -= CHAIN_SIZE;
	reader_init(&reader, value.data + bytes.size, CHAIN_SIZE);
	chain = read_u64(&reader);
	link_audit(audit, pos, bytes, chain);
	code = entry_audit(audit, pos, bytes, err);
	audit->last.pos = pos;
	audit->last.chain = chain;
	audit->result.entries++;
	if (code != ERR_OK)
		return code;
	return audit_row_done(audit, err);
}

static enum err_code head_audit(struct audit *audit, struct err *err)
{
	const struct journal_head *last = &audit->last;
	struct journal_head head;
	struct err why;
	enum err_code code = ledger_head(audit->view, &head, &why);

	if (code != ERR_OK && code != ERR_CORRUPT)
		return err_set(err, code, "%s", why.text);
	if (code == ERR_CORRUPT || head.pos.value != last->pos.value ||
	    head.chain != last->chain ||
	    (audit->is_stamp_known && head.stamp.value != last->stamp.value))
		journal_report(audit, FINDING_HEAD, last->pos);
	return ERR_OK;
}

enum err_code audit_journal(struct audit *audit, struct err *err)
{
	enum err_code code =
		audit_table_walk(audit, TABLE_JOURNAL, journal_row, err);

	if (code == ERR_OK)
		code = head_audit(audit, err);
	return code;
}

/* ---- all of it ---- */

static enum err_code rows_count(struct audit *audit, struct err *err)
{
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		uint64_t count;
		enum err_code code =
			view_count(audit->view, (enum table)i, &count, err);

		if (code != ERR_OK)
			return code;
		audit->rows_total += count;
	}
	return ERR_OK;
}

static void audit_free(struct audit *audit)
{
	book_release(&audit->book);
	dense_release(&audit->place_numbers);
	free(audit->items);
	free(audit->places);
	free(audit);
}

enum err_code audit_run(const struct view *view, const struct audit_plan *plan,
			struct audit_result *ret_result, struct err *err)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	struct audit_result *result;
	enum err_code code;

	if (audit == NULL)
		return err_set(err, ERR_FULL, "audit: out of memory");
	audit->view = view;
	audit->plan = plan;
	code = rows_count(audit, err);
	if (code == ERR_OK)
		code = audit_journal(audit, err);
	if (code == ERR_OK)
		code = audit_tables(audit, err);
	if (code == ERR_OK)
		code = audit_transfers(audit, err);
	if (code == ERR_OK)
		code = audit_balances(audit, err);
	result = &audit->result;
	result->head = audit->last;
	result->items = audit->book.items.count;
	result->places = audit->book.places.count;
	result->found = audit->book.found;
	result->lost = audit->book.lost;
	if (code == ERR_OK)
		*ret_result = *result;
	audit_free(audit);
	if (code != ERR_OK)
		return err_wrap(err, code, "audit");
	return ERR_OK;
}

bool audit_is_clean(const struct audit_result *result)
{
	return result->findings == 0 && result->unexplained == 0;
}
