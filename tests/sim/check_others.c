/*
 * I9: a feed that is forked, fenced or closed blocks nobody else.
 *
 * After each commit, of each feed (check_standing): what the store says against
 * it stands on evidence about that very feed. It is forked, or has branches,
 * only if a proof of its own epoch is here; it ends only by a fence of its own
 * epoch, by the root's next word if it is HQ's control, by its owner's closing
 * in its own last delta, or since HQ or its owner had ended the life that it
 * says it goes on from. Without such a thing all of it counts. So what happens
 * to one feed does not spread to another, of the same site or of any.
 *
 * After each step (check_waiting): no pack waits that follows on what is here,
 * whatever is said of the other feeds. So nothing that could go in stands
 * behind something that can not.
 *
 * After each tick (check_reach): where two boxes stay in reach of each other,
 * through a broker whose links are whole, and the one's site is not in doubt,
 * what that one had sealed comes to the other within ticks_max ticks, whatever
 * forks, lies and ends beside it. This is of feeds of which the other has
 * something already, and nothing bad: whose first delta is late may wait for
 * HQ's word. A link that is cut, or a box that starts, begins the count anew.
 */
#include <inttypes.h>
#include <string.h>

#include "gateway/sync/frame.h"
#include "store/heir.h"
#include "tests/sim/check_parts.h"

#define TICK_MS 1000 /* shorter ones do not count */
#define TICKS_MAX 200
#define TICKS_PER_LOSS 5 /* permille */

/* ---- a reason of its own ---- */

struct proofs {
	const struct looking *look;
	const struct feed_record *feed;
	unsigned count;
	bool names; /* one of them the branch */
};

static enum err_code proof_look(void *context, const struct fork_proof *proof,
				struct err *err)
{
	struct proofs *proofs = context;
	const struct feed_record *feed = proofs->feed;
	uint8_t first[HASH_SIZE];
	uint8_t second[HASH_SIZE];

	(void)err;
	if (proof->first.site != feed->id.site ||
	    proof->first.epoch != feed->id.epoch)
		return ERR_OK;
	delta_hash(proofs->look->sim->net_id, &proof->first, first);
	delta_hash(proofs->look->sim->net_id, &proof->second, second);
	if (proof->second.site != feed->id.site ||
	    proof->second.epoch != feed->id.epoch ||
	    proof->second.seq != proof->first.seq ||
	    memcmp(first, second, HASH_SIZE) == 0)
		return ERR_OK;
	proofs->count++;
	proofs->names |= feed_branch_of(first) == feed->id.branch ||
			 feed_branch_of(second) == feed->id.branch;
	return ERR_OK;
}

static enum err_code fork_check(const struct looking *look,
				const struct feed_record *feed, struct err *err)
{
	struct proofs proofs = {.look = look, .feed = feed};
	enum err_code code = fork_walk(look->view, proof_look, &proofs, err);

	/* Where there are as many as are kept, one that names it was let go. */
	if (code == ERR_OK &&
	    (proofs.count == 0 || (feed->id.branch != 0 && !proofs.names &&
				   proofs.count < FORK_PROOFS_MAX)))
		sim_fail(look->sim,
			 "I9: site %u: feed %u.%u.%016" PRIx64
			 " is %s, and no proof says so of it",
			 look->node->site, feed->id.site, feed->id.epoch,
			 feed->id.branch, feed_state_name(feed->state));
	return code;
}

static enum err_code closing_note(void *context, struct pos pos,
				  const struct entry *entry, struct err *err)
{
	bool *is_closing = context;

	(void)pos;
	(void)err;
	*is_closing |= entry->kind == ENTRY_CLOSING;
	return ERR_OK;
}

static enum err_code seal_check(const struct looking *look,
				const struct feed_record *feed,
				struct seen_head *seen, struct err *err)
{
	struct delta_place place = {feed->id, feed->seq};
	struct feed_desk *desk;
	bool is_closing = false;
	enum err_code code;

	if (seen->is_closed)
		return ERR_OK;
	code = feed_desk_open(look->sim->net_id, &desk, err);
	if (code != ERR_OK)
		return code;
	code = feed_entries(desk, look->view, &place, closing_note, &is_closing,
			    err);
	feed_desk_close(desk);
	seen->is_closed = is_closing;
	if (code == ERR_OK && !is_closing)
		sim_fail(look->sim,
			 "I9: site %u: feed %u.%u is sealed, and its last "
			 "delta does not say so",
			 look->node->site, feed->id.site, feed->id.epoch);
	return code;
}

/* ---- what ends a life that goes on from another one ---- */

struct sealed {
	struct feed_id id;
	bool is_found;
};

static enum err_code sealed_look(void *context, const struct feed_record *feed,
				 struct err *err)
{
	struct sealed *sealed = context;

	(void)err;
	sealed->is_found |= feed->id.site == sealed->id.site &&
			    feed->id.epoch == sealed->id.epoch &&
			    feed->state == FEED_SEALED;
	return ERR_OK;
}

static enum err_code is_certified(const struct looking *look, struct feed_id id,
				  bool *ret_is, struct err *err)
{
	struct certificate certificate;
	enum err_code code = roster_certificate(look->view, id.site, id.epoch,
						&certificate, err);

	*ret_is = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* HQ has certified a later one than @epoch, or has ended it, or its owner. */
static enum err_code had_no_say(const struct looking *look, uint32_t site,
				uint32_t epoch, bool *ret_had_none,
				struct err *err)
{
	struct sealed sealed = {.id = {site, epoch, 0}};
	struct certificate last;
	struct fence fence;
	bool is_heard = false;
	enum err_code code = roster_site(look->view, site, &last, err);

	*ret_had_none = code == ERR_OK && last.epoch > epoch;
	if (code == ERR_OK || code == ERR_NOT_FOUND)
		code = roster_fence(look->view, sealed.id, &fence, err);
	/* One that was certified ends where its heir goes on. */
	if (code == ERR_OK && fence.verdict == FENCE_ENDED)
		code = is_certified(look, sealed.id, &is_heard, err);
	*ret_had_none |= code == ERR_OK && !is_heard;
	if (code == ERR_OK || code == ERR_NOT_FOUND)
		code = feed_walk(look->view, NULL, sealed_look, &sealed, err);
	*ret_had_none |= sealed.is_found;
	return code;
}

static enum err_code line_look(const struct looking *look, struct feed_id id,
			       bool *is_ended, struct err *err)
{
	struct heir heir;
	bool is_heard;
	enum err_code code = is_certified(look, id, &is_heard, err);

	while (code == ERR_OK && !is_heard && !*is_ended) {
		code = heir_get(look->view, id.site, id.epoch, &heir, err);
		if (code != ERR_OK)
			break;
		*is_ended = heir.succession.parent_epoch >= id.epoch;
		id.epoch = heir.succession.parent_epoch;
		if (!*is_ended)
			code = had_no_say(look, id.site, id.epoch, is_ended,
					  err);
		if (code == ERR_OK)
			code = is_certified(look, id, &is_heard, err);
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* A fence takes no more than it says. */
static void fence_check(const struct looking *look,
			const struct feed_record *feed,
			const struct fence *fence)
{
	uint64_t left = fence->seq < feed->seq ? fence->seq : feed->seq;

	if (feed->id.branch == 0 && feed->counted < left)
		sim_fail(look->sim,
			 "I9: site %u: feed %u.%u counts up to %" PRIu64
			 ", and HQ ended it at %" PRIu64,
			 look->node->site, feed->id.site, feed->id.epoch,
			 feed->counted, fence->seq);
}

static enum err_code end_check(const struct looking *look,
			       const struct feed_record *feed, struct err *err)
{
	struct feed_id whole = {feed->id.site, feed->id.epoch, 0};
	struct fence fence;
	struct root root;
	bool is_ended = false;
	enum err_code code;

	if (feed->id.site == SITE_CONTROL) {
		/* Of branches none counts until the root speaks. */
		code = roster_root_after(look->view, feed->id.epoch, &root,
					 err);
		is_ended = code == ERR_OK || feed->id.branch != 0;
	} else {
		code = roster_fence(look->view, whole, &fence, err);
		if (code == ERR_OK)
			fence_check(look, feed, &fence);
		else if (code == ERR_NOT_FOUND)
			code = roster_fence(look->view, feed->id, &fence, err);
		is_ended = code == ERR_OK;
		if (code == ERR_NOT_FOUND)
			code = line_look(look, feed->id, &is_ended, err);
	}
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (!is_ended)
		sim_fail(look->sim,
			 "I9: site %u: feed %u.%u.%016" PRIx64
			 " is %s and counts %" PRIu64 " of %" PRIu64
			 ", and nobody has ended it",
			 look->node->site, feed->id.site, feed->id.epoch,
			 feed->id.branch, feed_state_name(feed->state),
			 feed->counted, feed->seq);
	return ERR_OK;
}

enum err_code check_standing(const struct looking *look,
			     const struct feed_record *feed,
			     struct seen_head *seen, struct err *err)
{
	enum err_code code = ERR_OK;

	seen->state = feed->state;
	seen->is_own = feed->is_own;
	if (feed->state == FEED_FORKED || feed->id.branch != 0)
		code = fork_check(look, feed, err);
	if (code == ERR_OK && feed->state == FEED_SEALED)
		code = seal_check(look, feed, seen, err);
	if (code == ERR_OK &&
	    (feed->state == FEED_FENCED || feed->counted < feed->seq))
		code = end_check(look, feed, err);
	return code;
}

/* ---- nothing waits that could go in ---- */

void check_waiting(struct node *node)
{
	struct sync_counts counts;
	struct sync_feed_status feed;

	sync_counts(node->sync, &counts);
	if (counts.waiting == 0)
		return;
	for (size_t i = 0; sync_feed_at(node->sync, i, &feed); i++)
		if (feed.pending_first != 0 &&
		    feed.pending_first <= feed.record.seq + 1)
			sim_fail(node->sim,
				 "I9: site %u: delta %" PRIu64
				 " of feed %u.%u waits, which is at %" PRIu64,
				 node->site, feed.pending_first,
				 feed.record.id.site, feed.record.id.epoch,
				 feed.record.seq);
}

/* ---- what could come comes ---- */

static bool is_good(const struct seen_head *seen)
{
	return seen->state == FEED_CONTIGUOUS && seen->seq > 0;
}

static const struct node *owner_of(const struct sim *sim, uint32_t site)
{
	uint32_t index = site < SIM_SITE_HQ ? 0 : site - SIM_SITE_HQ;

	return index < sim->schedule.node_count ? &sim->nodes[index] : NULL;
}

static bool is_whole(const struct net_link *link)
{
	return link->is_there && link->is_up && !link->is_cut_in &&
	       !link->is_cut_out;
}

static bool are_in_reach(const struct sim *sim, const struct node *a,
			 const struct node *b)
{
	for (size_t i = 0; i < NET_BROKERS_MAX; i++)
		if (is_whole(&sim->net.links[a->index][i]) &&
		    is_whole(&sim->net.links[b->index][i]))
			return true;
	return false;
}

/* The feed as its owner has it; NULL: there is no telling when it comes. */
static const struct seen_head *said_by_owner(const struct node *node,
					     const struct seen_head *seen)
{
	const struct sim *sim = node->sim;
	const struct node *owner = owner_of(sim, seen->id.site);

	if (!is_good(seen) || seen->is_own || owner == NULL || owner == node ||
	    !owner->is_up || check_is_doubtful(sim, owner->site) ||
	    !are_in_reach(sim, node, owner))
		return NULL;
	for (size_t i = 0; i < owner->seen_count; i++) {
		const struct seen_head *said = &owner->seen[i];

		if (feed_id_compare(said->id, seen->id) == 0)
			return said->is_own && is_good(said) ? said : NULL;
	}
	return NULL;
}

/* Whatever a session says has to come through two wires, and so has the answer:
 * where they lose 30 %, one exchange of four does. Of 15,000 heads the slowest
 * took 58 ticks without loss, 102 below 10 %, 334 below 25 %, 474 above. */
static uint32_t ticks_max(const struct node *node)
{
	return TICKS_MAX +
	       TICKS_PER_LOSS * node->sim->net.links[node->index][0].loss;
}

static void goal_missed(struct node *node, const struct seen_head *seen)
{
	struct sync_counts counts;

	sync_counts(node->sync, &counts);
	if (counts.feeds_left_out > 0)
		return;
	sim_fail(node->sim,
		 "I9: site %u: feed %u.%u is at %" PRIu64
		 ", and its site could bring it to %" PRIu64 " for %" PRIu32
		 " ticks",
		 node->site, seen->id.site, seen->id.epoch, seen->seq,
		 seen->goal, seen->goal_ticks);
}

static void goal_follow(struct node *node, struct seen_head *seen,
			bool is_beside)
{
	struct sim *sim = node->sim;
	const struct seen_head *said = said_by_owner(node, seen);
	uint32_t loss = sim->net.links[node->index][0].loss;
	uint64_t percent;

	if (said == NULL || seen->goal_loss != loss) {
		seen->goal_loss = loss;
		seen->goal = 0;
		seen->goal_ticks = 0;
		return;
	}
	if (seen->goal != 0 && seen->seq < seen->goal) {
		if (sim->now_ms - seen->goal_ms < TICK_MS)
			return;
		seen->goal_ms = sim->now_ms;
		seen->goal_ticks++;
		if (seen->goal_ticks > ticks_max(node))
			goal_missed(node, seen);
		return;
	}
	percent = 100 * (uint64_t)seen->goal_ticks / ticks_max(node);
	if (percent > sim->totals.reach_peak)
		sim->totals.reach_peak = percent;
	sim->totals.reached += seen->goal_ticks > 0;
	sim->totals.reached_beside += seen->goal_ticks > 0 && is_beside;
	seen->goal = said->seq;
	seen->goal_ms = sim->now_ms;
	seen->goal_ticks = 0;
}

void check_reach(struct sim *sim)
{
	for (size_t i = 0; i < sim->node_count && sim_is_sound(sim); i++) {
		struct node *node = &sim->nodes[i];
		bool is_beside = false;

		for (size_t n = 0; n < node->seen_count; n++)
			is_beside |= node->seen[n].state == FEED_FORKED ||
				     node->seen[n].state == FEED_FENCED;
		for (size_t n = 0; node->is_up && n < node->seen_count; n++)
			goal_follow(node, &node->seen[n], is_beside);
	}
}
