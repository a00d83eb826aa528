/*
 * What a delta's entries do, on every node alike.
 */
#include <string.h>

#include "store/catalogue.h"
#include "store/feed_parts.h"
#include "store/heir.h"
#include "store/past.h"
#include "store/roster.h"
#include "store/site.h"
#include "store/transfer.h"

void feed_advance(struct feed_record *feed, const struct delta_header *header,
		  const uint8_t hash[HASH_SIZE])
{
	bool is_start = (header->flags & DELTA_SEGMENT_START) != 0;

	if (is_start || feed->segment == 0)
		feed->segment = header->seq;
	feed->seq = header->seq;
	memcpy(feed->hash, hash, HASH_SIZE);
	feed->number = header->first + header->row_count - 1;
	feed->stamp = header->stamp;
	feed->clock_flags = header->flags & DELTA_CLOCK_TRUSTED;
	feed->control = header->control;
}

/* ---- void rows ---- */

static enum err_code void_note(struct applying *applying, uint64_t number,
			       enum void_reason reason, struct err *err)
{
	struct feed_record *feed = applying->feed;
	struct key key = {.size = 0};
	uint8_t buffer[8];
	struct writer writer;

	if ((applying->what & APPLY_BALANCES) == 0 ||
	    ++feed->void_rows > FEED_VOIDS_MAX)
		return ERR_OK;
	key_add_u8(&key, FEED_VOID);
	key_add_feed(&key, feed->id);
	key_add_u64(&key, number);
	writer_init(&writer, buffer, sizeof(buffer));
	write_u8(&writer, (uint8_t)reason);
	return row_put(applying->txn, TABLE_FEED, key_span(&key), &writer, err);
}

static enum err_code all_void(struct applying *applying,
			      const struct delta_header *header,
			      struct err *err)
{
	enum err_code code = ERR_OK;

	if ((applying->what & APPLY_BALANCES) != 0)
		applying->feed->rows += header->row_count;
	for (uint32_t i = 0; i < header->row_count && code == ERR_OK; i++)
		code = void_note(applying, header->first + i, VOID_ROWS, err);
	return code;
}

/* ---- an entry ---- */

static enum err_code transfer_apply(struct applying *applying, struct pos pos,
				    const struct entry *entry, struct err *err)
{
	enum err_code code;

	/* Its own journal has said so already. */
	if ((applying->what & APPLY_TRANSFERS) == 0 || applying->is_ours)
		return ERR_OK;
	code = transfer_fold(applying->txn, applying->law.site, pos, entry,
			     err);
	/* The network's audit tells of a sum beyond 64 bits. */
	return code == ERR_OVERFLOW ? ERR_OK : code;
}

static enum err_code movement_apply(struct applying *applying, struct pos pos,
				    const struct entry *entry,
				    enum void_reason *reason, struct err *err)
{
	struct accounts *accounts = applying->desk->accounts;
	bool fits = true;
	enum err_code code = ERR_OK;

	if ((applying->what & APPLY_BALANCES) != 0)
		code = accounts_move(accounts, txn_view(applying->txn), pos,
				     &entry->body.movement, &fits, err);
	if (code == ERR_OK && !fits)
		*reason = VOID_OVERFLOW;
	if (code == ERR_OK && fits &&
	    transfer_place(&entry->body.movement) != NULL)
		code = transfer_apply(applying, pos, entry, err);
	return code;
}

/* What is said of where feeds end. A certificate and a closing end whom others
 * may vouch for. */
static bool ends_feeds(const struct entry *entry)
{
	return entry->kind == ENTRY_FENCE || entry->kind == ENTRY_ROOT ||
	       entry->kind == ENTRY_CERTIFICATE || entry->kind == ENTRY_CLOSING;
}

/* HQ says who went before this box on its site. */
static enum err_code parent_note(struct applying *applying,
				 const struct certificate *certificate,
				 struct err *err)
{
	uint32_t own = 0;
	enum err_code code;

	if (certificate->parent_epoch == 0)
		return ERR_OK;
	code = site_number_get(txn_view(applying->txn), &own, err);
	if (code == ERR_OK && own == certificate->site)
		applying->has_parent = true;
	return code;
}

static enum err_code rest_apply(struct applying *applying, struct pos pos,
				const struct entry *entry,
				enum void_reason *reason, struct err *err)
{
	enum err_code code;

	if (entry->kind == ENTRY_CLOSING)
		applying->law.is_closed = true;
	if (entry->kind == ENTRY_TRANSFER || entry->kind == ENTRY_CLAIM)
		return transfer_apply(applying, pos, entry, err);
	if ((applying->what & APPLY_REST) == 0)
		return ERR_OK;
	if (ends_feeds(entry))
		applying->has_fence = true;
	code = roster_fold(applying->txn, applying->law.site, pos, entry, err);
	if (code == ERR_DENIED) {
		*reason = VOID_AUTHORITY;
		return ERR_OK;
	}
	if (code == ERR_OK && entry->kind == ENTRY_CERTIFICATE)
		code = parent_note(applying, &entry->body.certificate, err);
	if (code == ERR_OK && entry->kind == ENTRY_CLOSING)
		code = heir_close(applying->txn, applying->law.site,
				  applying->law.epoch, err);
	if (code == ERR_OK && applying->law.site == SITE_MASTER)
		code = catalogue_fold(applying->txn, pos, entry, err);
	else if (code == ERR_OK)
		code = latest_fold(applying->txn, applying->law.site, pos,
				   entry, err);
	return code;
}

/* It counts where it was told before. What is shown of it is the same. */
static enum err_code told_apply(struct applying *applying, struct pos pos,
				const struct entry *entry, struct err *err)
{
	uint32_t site = applying->law.site;
	enum err_code code = ERR_OK;

	if ((applying->what & APPLY_REST) == 0 || site < SITE_FIRST)
		return ERR_OK;
	if (entry->kind == ENTRY_INTENT_RESULT)
		code = roster_fold(applying->txn, site, pos, entry, err);
	if (code != ERR_OK)
		return code;
	return latest_fold(applying->txn, site, pos, entry, err);
}

static enum err_code row_apply(struct applying *applying, uint64_t number,
			       struct span bytes, struct err *err)
{
	struct pos pos = pos_make(applying->feed->id.epoch, number);
	UNINITIALIZED struct entry entry;
	enum void_reason reason = 0;
	bool is_told = false;
	enum err_code code = entry_decode(bytes, &entry);

	if (code == ERR_VERSION)
		return ERR_OK; /* of a newer depot: kept, and skipped */
	if (code != ERR_OK)
		reason = VOID_GARBLED;
	else
		reason = feed_law_judge(&applying->law, number, &entry);
	code = ERR_OK;
	if (reason == 0)
		naming_add(&applying->naming, &entry);
	if (reason == 0)
		code = told_of_desk(applying->desk, txn_view(applying->txn),
				    &(struct told_entry){applying->feed, pos,
							 &entry},
				    &is_told, err);
	if (code != ERR_OK)
		return code;
	if (is_told)
		return told_apply(applying, pos, &entry, err);
	if (reason == 0 && entry.kind == ENTRY_MOVEMENT)
		code = movement_apply(applying, pos, &entry, &reason, err);
	else if (reason == 0)
		code = rest_apply(applying, pos, &entry, &reason, err);
	if (code == ERR_OK && reason != 0)
		code = void_note(applying, number, reason, err);
	return code;
}

enum err_code delta_apply(struct applying *applying, uint64_t first,
			  struct err *err)
{
	const struct arena *arena = &applying->desk->arena;
	struct feed_record *feed = applying->feed;
	enum err_code code =
		past_is_ours(txn_view(applying->txn), feed->id, feed->is_own,
			     &applying->is_ours, err);

	applying->naming = (struct naming){0};
	applying->law =
		(struct feed_law){.net_id = applying->desk->net_id,
				  .site = feed->id.site,
				  .epoch = feed->id.epoch,
				  .is_closed = feed->state == FEED_SEALED};
	accounts_begin(applying->desk->accounts, feed->id);
	for (uint32_t i = 0; i < arena->count && code == ERR_OK; i++)
		code = row_apply(applying, first + i, arena_at(arena, i), err);
	if (code == ERR_OK && (applying->what & APPLY_BALANCES) != 0)
		code = accounts_flush(applying->desk->accounts, applying->txn,
				      err);
	if (code == ERR_OK && (applying->what & APPLY_BALANCES) != 0)
		code = naming_put(applying->txn, feed->id, feed->seq + 1,
				  &applying->naming, err);
	if ((applying->what & APPLY_BALANCES) != 0)
		feed->rows += arena->count;
	if (applying->law.is_closed)
		feed->state = FEED_SEALED;
	return code;
}

/* ---- a delta ---- */

enum err_code delta_enter(struct applying *applying, const struct delta *delta,
			  const uint8_t hash[HASH_SIZE], struct err *err)
{
	const struct delta_header *header = &delta->header;
	struct feed_record *feed = applying->feed;
	bool is_start = (header->flags & DELTA_SEGMENT_START) != 0 ||
			feed->segment == 0;
	bool is_sound =
		is_start || header->seq - feed->segment < ROWS_SEGMENT_DELTAS;
	struct desk_rows *slot;
	enum err_code code =
		desk_rows_get(applying->desk, txn_view(applying->txn), feed,
			      is_start, &slot, err);

	if (code == ERR_OK && is_sound)
		code = desk_rows_read(applying->desk, slot->rows, delta,
				      &is_sound, err);
	if (code == ERR_OK)
		code = is_sound ? delta_apply(applying, header->first, err)
				: all_void(applying, header, err);
	if (code != ERR_OK)
		return code;
	feed_advance(feed, header, hash);
	desk_rows_done(slot, feed);
	return ERR_OK;
}
