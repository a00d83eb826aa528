/*
 * Undo for a device that has no session, and for an account: its own last
 * booking.
 *
 * Nothing is stored for this: the journal says who booked what.
 */
#include "gateway/core/state.h"

#include "gateway/core/post.h"

/* How far back an undo looks. */
#define UNDO_REACH 2000
/* Reversals of the same actor that are skipped on the way. */
#define UNDO_SKIPPED_MAX 64

struct looking {
	const struct intake *intake;
	struct pos skipped[UNDO_SKIPPED_MAX]; /* reversed already */
	size_t skipped_count;
	struct pos first; /* of the group; 0: none found yet */
	struct pos last;
	uint64_t seq;
	struct stamp stamp;
};

static bool is_own(const struct looking *looking, const struct entry *entry)
{
	const struct actor *actor = &looking->intake->act.actor;

	return entry->kind == ENTRY_MOVEMENT &&
	       entry->actor.kind == actor->kind &&
	       span_equal(name_span(&entry->actor.name),
			  name_span(&actor->name));
}

static bool is_skipped(const struct looking *looking, struct pos pos)
{
	for (size_t i = 0; i < looking->skipped_count; i++)
		if (looking->skipped[i].value == pos.value)
			return true;
	return false;
}

/* Takes the entry into the group; false when the group is complete. One
 * reading's entries carry its number; unnamed ones follow at one instant. */
static bool group_take(struct looking *looking, struct pos pos,
		       const struct entry *entry)
{
	if (looking->first.value == 0) {
		looking->last = pos;
		looking->seq = entry->actor.seq;
		looking->stamp = entry->stamp;
	} else if (entry->actor.seq != looking->seq ||
		   (looking->seq == 0 &&
		    stamp_moment(entry->stamp).ms !=
			    stamp_moment(looking->stamp).ms)) {
		return false;
	}
	looking->first = pos;
	return true;
}

static enum err_code look_back(struct looking *looking, struct err *err)
{
	struct batch *batch = looking->intake->act.batch;
	struct pos pos = {batch_next(batch).value - 1};

	for (unsigned i = 0; i < UNDO_REACH && pos_number(pos) > 0; i++) {
		struct entry entry;
		enum err_code code =
			journal_read(batch_view(batch), pos, &entry, err);

		if (code != ERR_OK && code != ERR_VERSION)
			return code;
		/* Another's movement: a reading's own lie side by side. */
		if (code == ERR_OK && entry.kind == ENTRY_MOVEMENT &&
		    looking->first.value != 0 && !is_own(looking, &entry))
			return ERR_OK;
		if (code == ERR_OK && is_own(looking, &entry)) {
			struct pos reverses = entry.body.movement.reverses;

			if (reverses.value != 0) {
				if (looking->skipped_count == UNDO_SKIPPED_MAX)
					return ERR_OK;
				looking->skipped[looking->skipped_count++] =
					reverses;
			} else if (!is_skipped(looking, pos) &&
				   !group_take(looking, pos, &entry)) {
				return ERR_OK;
			}
		}
		pos.value--;
	}
	return ERR_OK;
}

enum err_code undo_last(struct intake *intake, struct verdict *verdict,
			struct err *err)
{
	struct looking looking = {.intake = intake};
	struct posted posted;
	char text[POS_PRINT_SIZE];
	enum err_code code = look_back(&looking, err);

	if (code != ERR_OK)
		return code;
	code = ERR_NOT_FOUND;
	if (looking.first.value != 0)
		code = post_reversal(&intake->act, looking.first, looking.last,
				     &posted, err);
	if (code == ERR_NOT_FOUND) {
		verdict_refuse(verdict, WORD_NOTHING_TO_UNDO,
			       (struct span){"", 0});
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	verdict->pos = posted.last;
	pos_print(looking.last, text, sizeof(text));
	verdict_say(verdict, WORD_SESSION_UNDONE, "%s", text);
	return ERR_OK;
}
