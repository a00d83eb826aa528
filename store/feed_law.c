/*
 * Who may say what. Nothing here looks beyond the entry, its feed's own prefix
 * and the network's id, so that every node comes to the same verdict, whatever
 * else it has heard so far.
 */
#include <string.h>

#include "rules/ledger/transfer.h"
#include "store/feed_parts.h"

static bool founding_is_own(const struct feed_law *law,
			    const struct founding *founding)
{
	return memcmp(founding->net_id, law->net_id, NET_ID_SIZE) == 0;
}

/* A site's feed begins with its founding, and only there is one; likewise a
 * control feed with the root's statement. */
static enum void_reason first_judge(const struct feed_law *law, uint64_t number,
				    const struct entry *entry)
{
	enum entry_kind kind =
		law->site == SITE_CONTROL ? ENTRY_ROOT : ENTRY_FOUNDING;

	if (law->site == SITE_MASTER)
		return entry->kind == ENTRY_FOUNDING ? VOID_FOUNDING : 0;
	if ((number == 1) != (entry->kind == kind))
		return VOID_FOUNDING;
	if (entry->kind == ENTRY_FOUNDING &&
	    !founding_is_own(law, &entry->body.founding))
		return VOID_FOUNDING;
	if (entry->kind == ENTRY_ROOT && entry->body.root.epoch != law->epoch)
		return VOID_FOUNDING;
	return 0;
}

static bool movement_is_own(const struct feed_law *law,
			    const struct movement *movement)
{
	if (!movement_has_authority(movement) ||
	    !transfer_has_authority(law->site, movement))
		return false;
	if (law->site >= SITE_FIRST)
		return true;
	/* HQ's control has no bins; what it may do is write off. */
	return law->site == SITE_CONTROL &&
	       movement->from.place.kind != PLACE_BIN &&
	       movement->to.place.kind != PLACE_BIN;
}

static bool has_authority(const struct feed_law *law, const struct entry *entry)
{
	switch (entry->kind) {
	case ENTRY_MOVEMENT:
		return movement_is_own(law, &entry->body.movement);
	case ENTRY_ROOT:
	case ENTRY_CERTIFICATE:
	case ENTRY_FENCE:
	case ENTRY_INTENT:
	case ENTRY_INVITATION:
		return law->site == SITE_CONTROL;
	case ENTRY_TRANSFER:
	case ENTRY_CLAIM:
		return law->site != SITE_MASTER &&
		       transfer_entry_has_authority(law->site, entry);
	case ENTRY_ITEM:
	case ENTRY_CODE:
	case ENTRY_CHECK:
		return law->site >= SITE_MASTER;
	case ENTRY_FOUNDING:
	case ENTRY_BIN:
	case ENTRY_DEVICE:
	case ENTRY_ACCOUNT:
	case ENTRY_COUNT:
	case ENTRY_TASK:
	case ENTRY_ALERT:
	case ENTRY_ORDER:
	case ENTRY_STATUS:
	case ENTRY_LOSS:
	case ENTRY_CHECK_RESULT:
	case ENTRY_INTENT_RESULT:
	case ENTRY_SUCCESSION:
	case ENTRY_CLOSING:
		return law->site >= SITE_FIRST;
	}
	return false;
}

enum void_reason feed_law_judge(const struct feed_law *law, uint64_t number,
				const struct entry *entry)
{
	enum void_reason reason;

	if (!entry_is_sound(entry))
		return VOID_UNSOUND;
	reason = first_judge(law, number, entry);
	if (reason != 0)
		return reason;
	if (law->is_closed || !has_authority(law, entry))
		return VOID_AUTHORITY;
	return 0;
}

void feed_rules_apply(const struct delta_header *header, uint64_t number,
		      struct entry_bytes *bytes)
{
	bool is_root = header->site == SITE_CONTROL && number == 1;

	ASSERT(bytes->size > 0);
	if (header->rules > FEED_RULES && !is_root)
		bytes->data[0] = ENTRY_FORMAT + 1;
}
