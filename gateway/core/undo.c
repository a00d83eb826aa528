/*
 * Undo for a device that has no session, and for an account: its own last
 * booking.
 *
 * Nothing is stored for this: the journal says who booked what.
 */
#include "gateway/core/state.h"

#include "gateway/core/transfer.h"

#include "gateway/core/post.h"

/* How far back an undo looks. */
#define UNDO_REACH 2000
/* Reversals that are skipped on the way, whoever made them. */
#define UNDO_SKIPPED_MAX 256

/* What one reading's entries have in common: its number, or if it has none the
 * instant. A clock that was set back stamps many with one instant; they were
 * taken at different times all the same. */
struct origin {
	uint64_t seq;
	struct boot boot;
	struct moment stamped;
	struct moment effective;
};

struct looking {
	const struct intake *intake;
	struct pos skipped[UNDO_SKIPPED_MAX]; /* reversed already */
	size_t skipped_count;
	struct pos first; /* of the group; 0: none found yet */
	struct pos last;
	struct origin booked; /* of the group */
	struct origin undid;  /* of the last undo that was passed */
	bool has_undid;
	bool is_over; /* the group is complete, or there is none */
};

static struct origin origin_of(const struct entry *entry)
{
	return (struct origin){.seq = entry->actor.seq,
			       .boot = entry->actor.boot,
			       .stamped = stamp_moment(entry->stamp),
			       .effective = entry->effective};
}

static bool is_of(const struct origin *origin, const struct entry *entry)
{
	struct origin other = origin_of(entry);

	if (other.seq != origin->seq ||
	    !span_equal(boot_span(&other.boot), boot_span(&origin->boot)))
		return false;
	return other.seq != 0 || (other.stamped.ms == origin->stamped.ms &&
				  other.effective.ms == origin->effective.ms);
}

static bool is_own(const struct looking *looking, const struct entry *entry)
{
	const struct actor *actor = &looking->intake->act.actor;

	return entry->actor.kind == actor->kind &&
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

/* What an undo had to find first, so that it could take its units back. */
static bool is_of_undo(const struct looking *looking, const struct entry *entry)
{
	return looking->has_undid &&
	       entry->body.movement.kind == MOVEMENT_FOUND &&
	       is_of(&looking->undid, entry);
}

static void reversal_pass(struct looking *looking, const struct entry *entry)
{
	if (looking->first.value != 0 ||
	    looking->skipped_count == UNDO_SKIPPED_MAX) {
		looking->is_over = true;
		return;
	}
	looking->skipped[looking->skipped_count++] =
		entry->body.movement.reverses;
	if (is_own(looking, entry)) {
		looking->undid = origin_of(entry);
		looking->has_undid = true;
	}
}

/* A reading's movements lie side by side: anything else ends the group. */
static void movement_look(struct looking *looking, struct pos pos,
			  const struct entry *entry)
{
	if (entry->body.movement.reverses.value != 0) {
		reversal_pass(looking, entry);
		return;
	}
	if (!is_own(looking, entry) || is_of_undo(looking, entry) ||
	    is_skipped(looking, pos)) {
		looking->is_over = looking->first.value != 0;
		return;
	}
	if (looking->first.value == 0) {
		looking->last = pos;
		looking->booked = origin_of(entry);
	} else if (!is_of(&looking->booked, entry)) {
		looking->is_over = true;
		return;
	}
	looking->first = pos;
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
		if (code == ERR_OK && entry.kind == ENTRY_MOVEMENT)
			movement_look(looking, pos, &entry);
		if (looking->is_over)
			return ERR_OK;
		pos.value--;
	}
	return ERR_OK;
}

enum err_code undo_is_open(struct batch *batch, struct pos first,
			   struct pos last, bool *ret_is, struct err *err)
{
	struct pos pos = {batch_next(batch).value - 1};

	*ret_is = pos.value - last.value <= UNDO_REACH;
	for (; *ret_is && pos.value > last.value; pos.value--) {
		struct entry entry;
		enum err_code code =
			journal_read(batch_view(batch), pos, &entry, err);

		if (code != ERR_OK && code != ERR_VERSION)
			return code;
		if (code != ERR_OK || entry.kind != ENTRY_MOVEMENT)
			continue;
		if (entry.body.movement.reverses.value >= first.value &&
		    entry.body.movement.reverses.value <= last.value)
			*ret_is = false;
	}
	return ERR_OK;
}

enum err_code undo_last(struct intake *intake, struct verdict *verdict,
			struct err *err)
{
	struct looking looking = {.intake = intake};
	struct posted posted;
	enum err_code code = look_back(&looking, err);

	if (code != ERR_OK)
		return code;
	code = ERR_NOT_FOUND;
	if (looking.first.value != 0)
		code = transfer_take_back(&intake->act, looking.first,
					  looking.last, &posted, err);
	if (code == ERR_NOT_FOUND) {
		verdict_refuse(verdict, WORD_NOTHING_TO_UNDO,
			       (struct span){"", 0});
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	verdict->pos = posted.last;
	return session_say_moved(intake, verdict, WORD_SESSION_TAKEN_BACK,
				 &posted, err);
}
