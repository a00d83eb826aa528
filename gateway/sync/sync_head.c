#include <string.h>

#include "gateway/sync/sync_parts.h"

#define ASK_AGAIN_MS 20000 /* since we last asked for anything */
#define CHANGED_MS 30000   /* a head for what others wrote may wait so long */

/* ---- in ---- */

/* The seq only grows; a stamp may be of a clock that was ahead for a while, and
 * counts only where nothing was sealed since. */
static bool head_is_older(const struct frame_head *head,
			  const struct frame_head *than)
{
	if (head->epoch != than->epoch)
		return head->epoch < than->epoch;
	if (head->seq != than->seq)
		return head->seq < than->seq;
	return head->stamp.value < than->stamp.value;
}

/* *@ret_has: some branch of the feed that is here has the head's hash at its
 * seq, or had it once, for all that anybody can tell: it cannot be read. */
static enum err_code head_is_here(struct sync *sync,
				  const struct frame_head *head, bool *ret_has,
				  struct err *err)
{
	*ret_has = head->seq == 0;
	for (uint32_t i = 0; i < sync->feed_count && !*ret_has; i++) {
		const struct feed_row *row = &sync->feeds[sync->feed_order[i]];
		uint8_t hash[HASH_SIZE];
		enum err_code code;

		if (!row->is_here || row->record.id.site != head->site ||
		    row->record.id.epoch != head->epoch ||
		    row->record.seq < head->seq)
			continue;
		code = feed_hash_at(sync->view, row->record.id, head->seq, hash,
				    err);
		if (code == ERR_NOT_FOUND)
			continue;
		/* The delta behind it names its hash. */
		if (feed_is_damaged(sync, sync->feed_order[i], head->seq + 1,
				    code)) {
			*ret_has = true;
			continue;
		}
		if (code != ERR_OK)
			return code;
		*ret_has = memcmp(hash, head->hash, HASH_SIZE) == 0;
	}
	return ERR_OK;
}

static enum err_code head_schedule(struct sync *sync, uint32_t peer,
				   bool is_retained, struct err *err)
{
	struct peer *whom = &sync->peers[peer];
	uint64_t now = sync->now.ms;
	uint64_t number;
	bool is_here;
	enum err_code code;

	/* What lies on the broker may be older than what it has. */
	if (sync->self.ask && !whom->was_asked) {
		pull_want(sync, peer, now);
		return ERR_OK;
	}
	if (peer_is_covered(sync, peer, whom->head.digest)) {
		whom->pull_ms = 0;
		whom->quiet_ms = QUIET_MS_MIN;
		if (!vector_find(sync, frame_digest_start(whom->head.digest),
				 &number))
			return ERR_OK;
		if (number == sync->past_count)
			peer_covers(sync, peer, sync->digest);
		return whom->has_head ? peer_has(sync, peer, number, err)
				      : ERR_OK;
	}
	code = head_is_here(sync, &whom->head, &is_here, err);
	if (code != ERR_OK)
		return code;
	if (is_retained || whom->pull_end_ms == 0)
		pull_want(sync, peer, now);
	else if (!is_here)
		pull_want(sync, peer, now + GRACE_MS);
	else if (whom->pull_end_ms + whom->quiet_ms > now + GRACE_MS)
		pull_want(sync, peer, whom->pull_end_ms + whom->quiet_ms);
	else
		pull_want(sync, peer, now + GRACE_MS);
	return ERR_OK;
}

/* *@ret_good: its signature is good. ERR_DENIED: it is forged. ERR_NOT_FOUND:
 * nobody can tell yet. */
static enum err_code head_check(struct sync *sync, uint32_t peer,
				const struct frame *frame, struct err *err)
{
	const struct frame_head *head = &frame->body.head;
	uint8_t key[KEY_PUBLIC_SIZE];
	enum err_code code =
		peer_key(sync, head->site, head->epoch,
			 name_span(&sync->peers[peer].name), key, err);

	if (code == ERR_OK &&
	    !frame_head_verify(frame, key, sync->config.net_id))
		code = ERR_DENIED;
	return code;
}

/* A peer shows what its last good head has no word of. Not often, for anybody
 * can say such a thing; at once, for the next head may say that there is
 * nothing to ask for. */
static bool may_ask_again(const struct sync *sync, uint32_t peer)
{
	const struct peer *whom = &sync->peers[peer];

	return whom->pull_end_ms == 0 ||
	       sync->now.ms - whom->pull_end_ms >= ASK_AGAIN_MS;
}

static void ask_again(struct sync *sync, uint32_t peer)
{
	sync->peers[peer].has_more = true;
	pull_want(sync, peer, sync->now.ms);
}

/*
 * A head of an epoch that nobody has heard of, later than the one that this
 * peer is known by: only the epoch's first delta says whose key that is, and
 * the live frame with it may be lost.
 */
static void heir_look(struct sync *sync, uint32_t peer,
		      const struct frame_head *head)
{
	if (head->epoch > sync->peers[peer].head.epoch &&
	    may_ask_again(sync, peer))
		ask_again(sync, peer);
}

/*
 * A head that is older than what the peer is known by, with something that is
 * not here: two boxes go by this name, and the other one is not to be drowned
 * out. In the same epoch they are of one image, or it was set back. What it has
 * beside its head (the end of the epoch before, a branch that nobody else
 * knows) shows in its digest only; that may as well be less than ours, so it is
 * asked for more and more rarely. So it is for an epoch that nobody has heard
 * of: two boxes that began a new life drew its number, and the lower one is not
 * the earlier.
 */
static enum err_code twin_look(struct sync *sync, uint32_t peer,
			       const struct frame *frame, struct err *err)
{
	const struct frame_head *head = &frame->body.head;
	const struct peer *whom = &sync->peers[peer];
	const struct feed_id id = {head->site, head->epoch, 0};
	bool is_rarely = sync->now.ms - whom->pull_end_ms >= whom->quiet_ms;
	bool is_here = true;
	enum err_code code;

	if (!may_ask_again(sync, peer))
		return ERR_OK;
	code = head_check(sync, peer, frame, err);
	if (code == ERR_NOT_FOUND && is_rarely && feed_find(sync, id) == NONE)
		ask_again(sync, peer);
	if (code == ERR_OK)
		code = head_is_here(sync, head, &is_here, err);
	if (code == ERR_OK &&
	    (!is_here ||
	     (is_rarely && !peer_is_covered(sync, peer, head->digest))))
		ask_again(sync, peer);
	return code == ERR_DENIED || code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code head_on_frame(struct sync *sync, uint32_t peer,
			    const struct sync_in *in, const struct frame *frame,
			    struct err *err)
{
	struct peer *whom = &sync->peers[peer];
	const struct frame_head *head = &frame->body.head;
	enum err_code code;

	if (whom->has_head && head_is_older(head, &whom->head))
		return twin_look(sync, peer, frame, err);
	if (whom->has_head &&
	    memcmp(head->signature, whom->head.signature, SIGNATURE_SIZE) == 0)
		return head_schedule(sync, peer, in->is_retained, err);
	code = head_check(sync, peer, frame, err);
	if (code == ERR_DENIED) {
		sync->counts.heads_forged++;
		return ERR_OK;
	}
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (code == ERR_NOT_FOUND && whom->has_head) {
		heir_look(sync, peer, head);
		return ERR_OK;
	}
	whom->has_head = code == ERR_OK;
	whom->has_hint = code == ERR_NOT_FOUND;
	whom->head = *head;
	whom->head_ms = sync->now.ms;
	if (whom->has_head)
		whom->site = head->site;
	/* If it is never offered, that it exists is known all the same. */
	if (whom->has_head && head->seq > 0)
		(void)feed_row_of(sync,
				  (struct feed_id){head->site, head->epoch, 0});
	return head_schedule(sync, peer, in->is_retained, err);
}

/* ---- our own, as a witness ---- */

static enum err_code own_differs(struct sync *sync,
				 const struct frame_head *head,
				 bool *ret_differs, struct err *err)
{
	bool is_here;
	enum err_code code = ERR_OK;

	if (head->epoch != sync->self.epoch || head->seq == 0) {
		*ret_differs = head->epoch > sync->self.epoch;
		return ERR_OK;
	}
	code = head_is_here(sync, head, &is_here, err);
	if (code == ERR_OK)
		*ret_differs = !is_here;
	return code;
}

static bool said_is_of(const struct sync *sync, uint64_t seq)
{
	return sync->said.epoch == sync->self.epoch && sync->said.seq == seq;
}

/* What we said before this start, by a clock that may have been ahead: who has
 * heard it takes nothing earlier for our last word. */
static void said_regain(struct sync *sync, const struct frame_head *head)
{
	uint32_t own = feed_own(sync);
	uint64_t seq = own != NONE ? sync->feeds[own].record.seq : 0;

	if (head->epoch != sync->self.epoch || head->seq != seq ||
	    (said_is_of(sync, seq) &&
	     head->stamp.value <= sync->said.stamp.value))
		return;
	sync->said = *head;
	for (uint32_t i = 0; i < sync->config.links_max; i++)
		sync->links[i].is_head_due = true;
}

enum err_code head_on_own(struct sync *sync, const struct sync_in *in,
			  const struct frame *frame, struct err *err)
{
	const struct frame_head *head = &frame->body.head;
	struct sync_finding finding = {
		.kind = SYNC_FOUND_SELF,
		.peer = in->from,
		.feed = {head->site, head->epoch, 0},
		.seq = head->seq,
		.is_signed = true,
	};
	uint8_t key[KEY_PUBLIC_SIZE];
	bool differs = false;
	enum err_code code;

	if (head->site != sync->config.site)
		code = ERR_DENIED;
	else
		code = peer_key(sync, head->site, head->epoch, in->from, key,
				err);
	if (code == ERR_OK &&
	    !frame_head_verify(frame, key, sync->config.net_id))
		code = ERR_DENIED;
	if (code == ERR_DENIED)
		sync->counts.heads_forged++;
	if (code == ERR_DENIED || code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code == ERR_OK)
		said_regain(sync, head);
	if (code == ERR_OK)
		code = own_differs(sync, head, &differs, err);
	if (code == ERR_OK && differs) {
		memcpy(finding.hash, head->hash, HASH_SIZE);
		sync->port.found(sync->port.context, &finding);
	}
	return code;
}

/* ---- out ---- */

static uint64_t link_interval_ms(const struct link *link)
{
	return link->status.is_metered ? SYNC_METERED_MS : SYNC_HEAD_MS_MAX;
}

uint64_t head_interval_ms(const struct sync *sync)
{
	uint64_t least = SYNC_METERED_MS;

	for (uint32_t i = 0; i < sync->config.links_max; i++) {
		if (sync->links[i].status.is_up &&
		    link_interval_ms(&sync->links[i]) < least)
			least = link_interval_ms(&sync->links[i]);
	}
	return least;
}

static bool head_is_due(const struct sync *sync, const struct link *link)
{
	uint64_t passed = sync->now.ms - link->head_ms;

	if (!link->status.is_up || link->is_head_full)
		return false;
	if (link->head_ms != 0 && passed < SYNC_HEAD_MS_MIN)
		return false;
	if (!link->has_head || passed >= link_interval_ms(link))
		return true;
	if (link->status.is_metered)
		return false;
	return link->is_head_due || (link->is_changed && passed >= CHANGED_MS);
}

/* Entries that are in no delta, or in one that has not been told of yet
 * (sync_step.is_early). */
static enum err_code untold(const struct sync *sync, uint32_t own,
			    uint64_t *ret_count, struct err *err)
{
	struct feed_record told = {
		.id = {sync->config.site, sync->self.epoch, 0}};
	struct feed_record now;
	enum err_code code =
		feed_unsealed(sync->view, sync->config.site, ret_count, err);

	if (own != NONE)
		told = sync->feeds[own].record;
	if (code == ERR_OK)
		code = feed_get(sync->view, told.id, &now, err);
	if (code == ERR_OK && now.number > told.number)
		*ret_count += now.number - told.number;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/*
 * Complete up to now, if nothing waits to be sealed and the clock is right;
 * else up to the last delta, or up to when we last said so of the same delta.
 * Beyond that, for who heard it takes an earlier word for an old one.
 */
static enum err_code head_stamp(struct sync *sync, uint32_t own,
				struct stamp *ret_stamp, struct err *err)
{
	struct stamp stamp = {0};
	uint64_t seq = 0;
	uint64_t waiting = 0;
	enum err_code code = untold(sync, own, &waiting, err);

	if (code != ERR_OK)
		return code;
	if (own != NONE) {
		stamp = sync->feeds[own].record.stamp;
		seq = sync->feeds[own].record.seq;
	}
	if (said_is_of(sync, seq) && sync->said.stamp.value > stamp.value)
		stamp = stamp_next(sync->said.stamp, (struct moment){0});
	if (waiting == 0 && sync->now.is_trusted)
		stamp = stamp_next(stamp, sync->now.utc);
	*ret_stamp = stamp;
	return ERR_OK;
}

static enum err_code head_make(struct sync *sync, uint64_t interval_ms,
			       struct frame *ret_frame, struct err *err)
{
	struct frame_head *head = &ret_frame->body.head;
	uint32_t own = feed_own(sync);
	enum err_code code;

	*ret_frame = (struct frame){.type = FRAME_HEAD};
	head->site = sync->config.site;
	head->epoch = sync->self.epoch;
	if (own != NONE) {
		head->seq = sync->feeds[own].record.seq;
		memcpy(head->hash, sync->feeds[own].record.hash, HASH_SIZE);
	}
	memcpy(head->digest, sync->digest, sizeof(head->digest));
	head->flags = sync->config.is_hq ? HEAD_IS_HQ : 0;
	head->boot = sync->config.boot;
	head->control = sync->control;
	head->next_s = (uint32_t)(interval_ms / 1000);
	code = head_stamp(sync, own, &head->stamp, err);
	if (code != ERR_OK)
		return code;
	if (sync->now.is_trusted && stamp_is_near(head->stamp, sync->now.utc))
		head->flags |= HEAD_CLOCK_TRUSTED;
	frame_head_sign(ret_frame, sync->self.signer, sync->config.net_id);
	sync->said = *head;
	return ERR_OK;
}

enum err_code heads_pump(struct sync *sync, struct err *err)
{
	for (uint32_t i = 0; i < sync->config.links_max; i++) {
		struct link *link = &sync->links[i];
		struct sync_out out = {.link = i,
				       .plane = SYNC_PLANE_HEAD,
				       .is_retained = true};
		struct frame frame;
		enum err_code code;

		if (sync->self.signer == NULL || !head_is_due(sync, link))
			continue;
		code = head_make(sync, link_interval_ms(link), &frame, err);
		if (code != ERR_OK)
			return code;
		if (!sync_say(sync, &out, &frame))
			continue;
		link->head_ms = sync->now.ms;
		link->has_head = true;
		memcpy(link->head_digest, frame.body.head.digest,
		       VECTOR_DIGEST_SIZE);
		link->is_head_due = false;
		link->is_changed = false;
	}
	return ERR_OK;
}
