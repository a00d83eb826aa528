/*
 * HQ's word: it never goes back (I12), it ends what it ends, and all boxes have
 * the same of it.
 */
#include <inttypes.h>
#include <string.h>

#include "store/heir.h"
#include "store/seal.h"
#include "tests/sim/check_parts.h"

/* ---- I12 ---- */

static enum err_code control_look(const struct looking *look, struct err *err)
{
	struct node *node = look->node;
	struct feed_id id = {SITE_CONTROL, 0, 0};
	struct feed_record control;
	struct root root;
	enum err_code code = roster_root(look->view, &root, err);

	if (code == ERR_OK) {
		id.epoch = root.epoch;
		code = feed_get(look->view, id, &control, err);
	}
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	if (root.epoch < node->control_seen.epoch ||
	    (root.epoch == node->control_seen.epoch &&
	     control.state != FEED_FORKED &&
	     control.counted < node->control_seen.counted))
		sim_fail(look->sim,
			 "I12: site %u: control went back from %" PRIu32
			 ".%" PRIu64 " to %" PRIu32 ".%" PRIu64,
			 node->site, node->control_seen.epoch,
			 node->control_seen.counted, root.epoch,
			 control.counted);
	node->control_seen.epoch = root.epoch;
	node->control_seen.counted = control.counted;
	return ERR_OK;
}

/* Nothing that lies beyond a fence counts. */
static enum err_code fence_look(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	const struct looking *look = context;
	const struct fence *fence = &entry->body.fence;
	struct feed_id id = {fence->site, fence->epoch, fence->branch};
	struct feed_record feed;
	enum err_code code = feed_get(look->view, id, &feed, err);

	(void)pos;
	if (code == ERR_OK && feed.counted > fence->seq)
		sim_fail(look->sim,
			 "I12: site %u: feed %u.%u counts up to %" PRIu64
			 ", and HQ ended it at %" PRIu64,
			 look->node->site, id.site, id.epoch, feed.counted,
			 fence->seq);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* Of an epoch of control counts what the root's next statement says. */
static enum err_code end_look(void *context, const struct feed_record *feed,
			      struct err *err)
{
	const struct looking *look = context;
	struct root root;
	enum err_code code;

	if (feed->id.site != SITE_CONTROL ||
	    feed->id.epoch >= look->node->control_seen.epoch)
		return ERR_OK;
	code = roster_root_after(look->view, feed->id.epoch, &root, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	look->sim->totals.control_ends++;
	if (feed->counted > root.after_seq)
		sim_fail(look->sim,
			 "I12: site %u: control %" PRIu32
			 " counts up to %" PRIu64
			 ", and the root ended it at %" PRIu64,
			 look->node->site, feed->id.epoch, feed->counted,
			 root.after_seq);
	return ERR_OK;
}

enum err_code check_control(struct looking *look, struct err *err)
{
	enum err_code code = control_look(look, err);

	if (code == ERR_OK && look->node->control_seen.epoch > 1)
		code = feed_walk(look->view, NULL, end_look, look, err);

	if (code == ERR_OK)
		code = roster_walk(look->view, ENTRY_FENCE, fence_look, look,
				   err);
	return code;
}

/* ---- what counts ---- */

struct adding {
	const struct looking *look;
	uint64_t sum;
	bool is_over;
	uint32_t revoked[SIM_FEEDS_MAX]; /* sites */
	size_t revoked_count;
};

static enum err_code revoked_note(void *context, struct pos pos,
				  const struct entry *entry, struct err *err)
{
	struct adding *adding = context;
	const struct fence *fence = &entry->body.fence;

	(void)pos;
	(void)err;
	if (fence->verdict == FENCE_REVOKED &&
	    adding->revoked_count < SIM_FEEDS_MAX)
		adding->revoked[adding->revoked_count++] = fence->site;
	return ERR_OK;
}

/* A life without HQ's word that nobody vouches for, or that goes on from a
 * revoked one, is nobody's but its own box's: no other takes it. */
static enum err_code is_outcast(const struct adding *adding, struct feed_id id,
				bool *ret_is, struct err *err)
{
	struct certificate certificate;
	struct heir heir;
	enum err_code code;

	*ret_is = false;
	if (id.site < SIM_SITE_HQ || id.epoch == 1)
		return ERR_OK;
	code = roster_certificate(adding->look->view, id.site, id.epoch,
				  &certificate, err);
	if (code != ERR_NOT_FOUND)
		return code;
	for (size_t i = 0; i < adding->revoked_count; i++)
		*ret_is |= adding->revoked[i] == id.site;
	code = heir_get(adding->look->view, id.site, id.epoch, &heir, err);
	*ret_is |= code == ERR_OK && !heir.is_vouched;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static void sum_number(struct adding *adding, uint64_t number)
{
	adding->sum =
		seal_checksum(adding->sum, (struct span){(const char *)&number,
							 sizeof(number)});
}

/* Deltas behind a fence may be here or not. */
static enum err_code counted_add(void *context, const struct feed_record *feed,
				 struct err *err)
{
	struct adding *adding = context;
	const struct node *node = adding->look->node;
	uint8_t hash[HASH_SIZE];
	bool is_out;
	enum err_code code = is_outcast(adding, feed->id, &is_out, err);

	if (feed->is_own && feed->id.site == node->site &&
	    feed->id.epoch == node->self.epoch)
		adding->is_over = is_out || feed->state == FEED_FENCED ||
				  feed->state == FEED_SEALED;
	if (feed->counted <= feed->base || is_out || code != ERR_OK)
		return code;
	code = feed_hash_at(adding->look->view, feed->id, feed->counted, hash,
			    err);
	sum_number(adding, feed->id.site);
	sum_number(adding, feed->id.epoch);
	sum_number(adding, feed->id.branch);
	sum_number(adding, feed->counted);
	adding->sum = seal_checksum(
		adding->sum, (struct span){(const char *)hash, sizeof(hash)});
	return code;
}

/* A fence may come before the first delta of what it ends. */
static enum err_code over_look(struct adding *adding, struct err *err)
{
	const struct node *node = adding->look->node;
	struct feed_id id = {node->site, node->self.epoch, 0};
	struct fence fence;
	enum err_code code = roster_fence(adding->look->view, id, &fence, err);

	bool is_out = false;

	adding->is_over |= code == ERR_OK;
	if (code == ERR_OK || code == ERR_NOT_FOUND)
		code = is_outcast(adding, id, &is_out, err);
	adding->is_over |= is_out;
	return code;
}

enum err_code check_counted(const struct looking *look, uint64_t *ret_sum,
			    bool *ret_is_over, struct err *err)
{
	struct adding adding = {.look = look, .sum = 1};
	enum err_code code = roster_walk(look->view, ENTRY_FENCE, revoked_note,
					 &adding, err);

	if (code == ERR_OK)
		code = feed_walk(look->view, NULL, counted_add, &adding, err);
	if (code == ERR_OK)
		code = over_look(&adding, err);
	*ret_sum = adding.sum;
	*ret_is_over = adding.is_over;
	return code;
}

/* ---- agreement ---- */

static enum err_code word_add(void *context, struct pos pos,
			      const struct entry *entry, struct err *err)
{
	UNINITIALIZED uint8_t bytes[ENTRY_SIZE_MAX];
	uint64_t *sum = context;
	struct writer writer;

	(void)err;
	writer_init(&writer, bytes, sizeof(bytes));
	write_u64(&writer, pos.value);
	entry_encode(&writer, entry);
	*sum = seal_checksum(*sum,
			     (struct span){(const char *)bytes, writer.size});
	return ERR_OK;
}

static uint64_t roster_sum(struct sim *sim, struct node *node)
{
	static const enum entry_kind kinds[] = {ENTRY_CERTIFICATE, ENTRY_FENCE,
						ENTRY_INVITATION, ENTRY_INTENT};
	uint64_t sum = 1;
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		for (size_t i = 0; i < ARRAY_LEN(kinds) && code == ERR_OK; i++)
			code = roster_walk(view, kinds[i], word_add, &sum,
					   &err);
		view_end(view);
	}
	if (code != ERR_OK)
		sim_fail(sim, "site %u: its roster: %s", node->site, err.text);
	return sum;
}

void check_roster(struct sim *sim)
{
	uint64_t first = roster_sum(sim, &sim->nodes[0]);

	for (size_t i = 1; i < sim->node_count && sim_is_sound(sim); i++)
		if (roster_sum(sim, &sim->nodes[i]) != first)
			sim_fail(sim,
				 "I12: sites %u and %u hold the same deltas, "
				 "and other words of HQ",
				 sim->nodes[0].site, sim->nodes[i].site);
}

/* ---- what HQ ended, and may have been lost with it ---- */

struct ending_walk {
	const struct looking *look;
	struct check_endings *endings;
};

static enum err_code number_at(const struct view *view, struct feed_id id,
			       uint64_t seq, uint64_t *ret_number,
			       struct err *err)
{
	struct delta delta;
	enum err_code code;

	*ret_number = 0;
	if (seq == 0)
		return ERR_OK;
	code = feed_delta(view, id, seq, &delta, err);
	if (code == ERR_OK)
		*ret_number = delta.header.first + delta.header.row_count - 1;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

struct parting {
	struct feed_id id;
	uint64_t base;
};

static enum err_code base_look(void *context, const struct feed_record *feed,
			       struct err *err)
{
	struct parting *parting = context;

	(void)err;
	if (feed->id.site == parting->id.site &&
	    feed->id.epoch == parting->id.epoch && feed->id.branch != 0 &&
	    feed->base < parting->base)
		parting->base = feed->base;
	return ERR_OK;
}

static enum err_code ending_add(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	struct ending_walk *walk = context;
	const struct fence *fence = &entry->body.fence;
	struct check_ending *ending =
		&walk->endings->list[walk->endings->count];
	struct parting parting = {{fence->site, fence->epoch, 0}, fence->seq};
	enum err_code code;

	(void)pos;
	/* What a certified epoch leaves behind is no loss, but where two boxes
	 * went on. */
	if (!span_is(reason_span(&fence->reason), SIM_ENDED) &&
	    fence->site != walk->look->sim->suspect_site)
		return ERR_OK;
	ASSERT(walk->endings->count < CHECK_ENDINGS_MAX);
	code = feed_walk(walk->look->view, NULL, base_look, &parting, err);
	*ending = (struct check_ending){.site = fence->site,
					.epoch = fence->epoch,
					.is_revoked = fence->verdict ==
						      FENCE_REVOKED};
	if (code == ERR_OK)
		code = number_at(walk->look->view, parting.id, parting.base,
				 &ending->number, err);
	walk->endings->count++;
	return code;
}

static enum err_code heard_add(void *context, const struct feed_record *feed,
			       struct err *err)
{
	struct ending_walk *walk = context;
	struct check_endings *endings = walk->endings;
	struct adding adding = {.look = walk->look};
	bool is_out;
	enum err_code code = is_outcast(&adding, feed->id, &is_out, err);

	if (code != ERR_OK || is_out || feed->id.epoch == 1)
		return code;
	ASSERT(endings->heard_count < CHECK_ENDINGS_MAX);
	endings->heard[endings->heard_count].site = feed->id.site;
	endings->heard[endings->heard_count++].epoch = feed->id.epoch;
	return ERR_OK;
}

enum err_code check_endings_find(const struct looking *look,
				 struct check_endings *ret_endings,
				 struct err *err)
{
	struct ending_walk walk = {look, ret_endings};

	enum err_code code;

	ret_endings->count = 0;
	ret_endings->heard_count = 0;
	code = roster_walk(look->view, ENTRY_FENCE, ending_add, &walk, err);
	if (code == ERR_OK)
		code = feed_walk(look->view, NULL, heard_add, &walk, err);
	return code;
}

bool check_is_unheard(const struct check_endings *endings,
		      const struct fact *fact)
{
	uint32_t epoch = pos_epoch(fact->pos);

	for (size_t i = 0; i < endings->heard_count; i++)
		if (endings->heard[i].site == fact->site &&
		    endings->heard[i].epoch == epoch)
			return false;
	return epoch != 1;
}

bool check_is_ended(const struct check_endings *endings,
		    const struct fact *fact)
{
	for (size_t i = 0; i < endings->count; i++) {
		const struct check_ending *ending = &endings->list[i];
		uint32_t epoch = pos_epoch(fact->pos);

		if (fact->site != ending->site)
			continue;
		if (epoch == ending->epoch &&
		    pos_number(fact->pos) > ending->number)
			return true;
		/* Whom a revoked key vouched for. */
		if (ending->is_revoked && epoch > ending->epoch)
			return true;
	}
	return false;
}
