#include "store/past.h"

#include <string.h>

#include "store/heir.h"
#include "store/journal.h"
#include "store/roster.h"
#include "store/site.h"

/* What the journal says of how @epoch began. ERR_NOT_FOUND: it has none. */
static enum err_code founding_of(const struct view *view, uint32_t epoch,
				 struct founding *ret_founding, struct err *err)
{
	struct entry entry;
	enum err_code code =
		journal_read(view, pos_make(epoch, 1), &entry, err);

	if (code == ERR_VERSION ||
	    (code == ERR_OK && entry.kind != ENTRY_FOUNDING))
		return ERR_NOT_FOUND;
	if (code == ERR_OK)
		*ret_founding = entry.body.founding;
	return code;
}

enum err_code past_is_lived(const struct view *view, uint32_t epoch,
			    bool *ret_is, struct err *err)
{
	struct founding there;
	struct founding here = {.timezone = {.size = 0}};
	struct journal_head head;
	enum err_code code = journal_head_get(view, &head, err);

	if (code == ERR_OK)
		code = founding_of(view, pos_epoch(head.pos), &here, err);
	if (code == ERR_OK)
		code = founding_of(view, epoch, &there, err);
	*ret_is = code == ERR_OK &&
		  memcmp(there.net_id, here.net_id, NET_ID_SIZE) == 0;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* ---- who went before whom ---- */

/* Of a network of one that joined, nothing is known to others. */
static uint32_t parent_in(const struct succession *succession)
{
	return succession->reason == SUCCESSION_JOINED
		       ? 0
		       : succession->parent_epoch;
}

static enum err_code lived_parent(const struct view *view, uint32_t epoch,
				  uint32_t *ret_parent, struct err *err)
{
	struct founding founding;
	struct entry entry;
	enum err_code code =
		journal_read(view, pos_make(epoch, 2), &entry, err);

	if (code == ERR_OK && entry.kind == ENTRY_SUCCESSION) {
		*ret_parent = parent_in(&entry.body.succession);
		return ERR_OK;
	}
	if (code != ERR_OK && code != ERR_NOT_FOUND && code != ERR_VERSION)
		return code;
	code = founding_of(view, epoch, &founding, err);
	if (code == ERR_OK)
		*ret_parent = pos_epoch(founding.previous);
	return code;
}

/* Of an epoch that another box lived: its own first words, or HQ's. */
static enum err_code told_parent(const struct view *view, uint32_t site,
				 uint32_t epoch, uint32_t *ret_parent,
				 struct err *err)
{
	struct certificate certificate;
	struct heir heir;
	enum err_code code = heir_get(view, site, epoch, &heir, err);

	if (code == ERR_OK) {
		*ret_parent = parent_in(&heir.succession);
		return ERR_OK;
	}
	if (code != ERR_NOT_FOUND)
		return code;
	code = roster_certificate(view, site, epoch, &certificate, err);
	if (code == ERR_OK)
		*ret_parent = certificate.parent_epoch;
	return code;
}

/* 0: it goes on from nothing. */
static enum err_code parent_of(const struct view *view, uint32_t site,
			       uint32_t epoch, uint32_t *ret_parent,
			       struct err *err)
{
	bool is_lived;
	enum err_code code = past_is_lived(view, epoch, &is_lived, err);

	*ret_parent = 0;
	if (code == ERR_OK && is_lived)
		code = lived_parent(view, epoch, ret_parent, err);
	else if (code == ERR_OK)
		code = told_parent(view, site, epoch, ret_parent, err);
	if (*ret_parent >= epoch)
		*ret_parent = 0; /* whoever says so made it up */
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code past_read(const struct view *view, uint32_t site,
			struct past *ret_past, struct err *err)
{
	struct past past = {.count = 0};
	struct journal_head head;
	uint32_t epoch = 0;
	enum err_code code = journal_head_get(view, &head, err);

	if (code == ERR_OK)
		code = parent_of(view, site, pos_epoch(head.pos), &epoch, err);
	while (code == ERR_OK && epoch != 0 && past.count < PAST_EPOCHS_MAX) {
		past.epochs[past.count++] = epoch;
		code = parent_of(view, site, epoch, &epoch, err);
	}
	if (code == ERR_OK)
		*ret_past = past;
	return code;
}

/* ---- whose words ---- */

static enum err_code epoch_is_ours(const struct view *view, struct feed_id id,
				   bool *ret_is, struct err *err)
{
	bool is_whole = id.branch == 0;
	struct journal_head head;
	struct past past;
	bool is_lived;
	enum err_code code = journal_head_get(view, &head, err);

	if (code == ERR_OK && id.epoch == pos_epoch(head.pos)) {
		*ret_is = is_whole;
		return ERR_OK;
	}
	if (code == ERR_OK)
		code = past_is_lived(view, id.epoch, &is_lived, err);
	if (code == ERR_OK)
		code = past_read(view, id.site, &past, err);
	if (code != ERR_OK)
		return code;
	for (size_t i = 0; i < past.count; i++)
		if (past.epochs[i] == id.epoch)
			*ret_is = is_whole || !is_lived;
	return ERR_OK;
}

enum err_code past_is_ours(const struct view *view, struct feed_id id,
			   bool is_own, bool *ret_is, struct err *err)
{
	uint32_t site = 0;
	enum err_code code;

	*ret_is = is_own && id.site >= SITE_FIRST;
	if (*ret_is || id.site < SITE_FIRST)
		return ERR_OK;
	code = site_number_get(view, &site, err);
	if (code == ERR_OK && id.site == site)
		code = epoch_is_ours(view, id, ret_is, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}
