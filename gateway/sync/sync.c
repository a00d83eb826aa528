#include "gateway/sync/sync.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/sync/sync_parts.h"

/* ---- opening ---- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value != 0 ? value : fallback;
}

static struct sync_config config_filled(const struct sync_config *config)
{
	struct sync_config full = *config;

	full.links_max = or_default(full.links_max, 4);
	full.peers_max = or_default(full.peers_max, 64);
	full.feeds_max = or_default(full.feeds_max, 256);
	full.pulls_max = or_default(full.pulls_max, 4);
	full.serves_max = or_default(full.serves_max, 16);
	full.waiting_max = or_default(full.waiting_max, 128);
	full.serve_rate = or_default(full.serve_rate, 4u << 20);
	return full;
}

static enum err_code config_check(const struct sync_config *config,
				  struct err *err)
{
	const struct {
		const char *name;
		uint32_t value;
		uint32_t min;
		uint32_t max;
	} bounds[] = {
		{"links", config->links_max, 1, SYNC_LINKS_MAX},
		{"peers", config->peers_max, 1, SYNC_PEERS_MAX},
		{"feeds", config->feeds_max, 1, SYNC_FEEDS_MAX},
		{"pulls", config->pulls_max, 1, SYNC_PULLS_MAX},
		{"serves", config->serves_max, 1, SYNC_SERVES_MAX},
		{"waiting", config->waiting_max, WAITING_MIN, SYNC_WAITING_MAX},
		{"serve_rate", config->serve_rate, 4 * SYNC_FRAME_SIZE_MAX,
		 UINT32_MAX},
	};

	for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
		if (bounds[i].value < bounds[i].min ||
		    bounds[i].value > bounds[i].max)
			return err_set(err, ERR_INVALID,
				       "sync: %s is %u, must be %u to %u",
				       bounds[i].name, bounds[i].value,
				       bounds[i].min, bounds[i].max);
	}
	return ERR_OK;
}

#define PART_ALIGN 16

/* The next part of the one block that everything lies in; NULL while only its
 * size is asked. */
static void *part_cut(uint8_t *block, size_t *at, size_t count, size_t size)
{
	size_t start = *at;

	*at += (count * size + PART_ALIGN - 1) / PART_ALIGN * PART_ALIGN;
	return block != NULL ? block + start : NULL;
}

/* Lays the tables into @block. Returns how long it has to be. */
static size_t parts_lay(struct sync *sync, uint8_t *block)
{
	const struct sync_config *c = &sync->config;
	size_t at = 0;

	sync->feeds = part_cut(block, &at, c->feeds_max, sizeof(*sync->feeds));
	sync->feed_order = part_cut(block, &at, c->feeds_max + 1,
				    sizeof(*sync->feed_order));
	sync->peers = part_cut(block, &at, c->peers_max, sizeof(*sync->peers));
	sync->peer_order = part_cut(block, &at, c->peers_max + 1,
				    sizeof(*sync->peer_order));
	sync->acked = part_cut(block, &at, (size_t)c->peers_max * c->feeds_max,
			       sizeof(*sync->acked));
	sync->pulls = part_cut(block, &at, c->pulls_max, sizeof(*sync->pulls));
	sync->serves =
		part_cut(block, &at, c->serves_max, sizeof(*sync->serves));
	sync->slots =
		part_cut(block, &at, c->waiting_max, sizeof(*sync->slots));
	sync->free_slots =
		part_cut(block, &at, c->waiting_max, sizeof(*sync->free_slots));
	sync->frame_bytes = part_cut(block, &at, 1, SYNC_FRAME_SIZE_MAX);
	sync->list_bytes = part_cut(block, &at, 1, SYNC_FRAME_SIZE_MAX);
	sync->slot_bytes =
		part_cut(block, &at, c->waiting_max, SYNC_FRAME_SIZE_MAX);
	return at;
}

size_t sync_size(const struct sync_config *config)
{
	struct sync sync = {.config = config_filled(config)};

	return sizeof(sync) + parts_lay(&sync, NULL);
}

static enum err_code parts_take(struct sync *sync, struct err *err)
{
	sync->block = calloc(1, parts_lay(sync, NULL));
	if (sync->block == NULL)
		return err_set(err, ERR_FULL, "sync: no memory");
	(void)parts_lay(sync, sync->block);
	return ERR_OK;
}

static void tables_init(struct sync *sync)
{
	const struct sync_config *config = &sync->config;

	for (uint32_t i = 0; i < config->peers_max; i++)
		sync->peers[i].feeds =
			&sync->acked[(size_t)i * config->feeds_max];
	for (uint32_t i = 0; i < config->pulls_max; i++)
		sync->pulls[i].search.feed = NONE;
	for (uint32_t i = 0; i < config->waiting_max; i++) {
		sync->slots[i].bytes =
			sync->slot_bytes + (size_t)i * SYNC_FRAME_SIZE_MAX;
		sync->free_slots[i] = config->waiting_max - 1 - i;
	}
	sync->free_count = config->waiting_max;
	sync->reserve = config->waiting_max / 8;
	sync->random = config->seed;
}

/* What was sealed before is no news. */
static enum err_code store_load(struct sync *sync, const struct view *view,
				struct err *err)
{
	enum err_code code;

	sync->view = view;
	code = feeds_read(sync, err);
	if (code == ERR_OK)
		code = peers_load(sync, err);
	for (uint32_t i = 0; code == ERR_OK && i < sync->feed_count; i++) {
		struct feed_row *row = &sync->feeds[sync->feed_order[i]];

		row->told = row->record.seq;
		row->changed = 0;
	}
	sync->view = NULL;
	return code;
}

enum err_code sync_open(const struct sync_config *config,
			const struct sync_port *port, const struct view *view,
			struct sync **ret_sync, struct err *err)
{
	struct sync *sync = calloc(1, sizeof(*sync));
	enum err_code code;

	if (sync == NULL)
		return err_set(err, ERR_FULL, "sync: no memory");
	sync->config = config_filled(config);
	sync->port = *port;
	code = config_check(&sync->config, err);
	if (code == ERR_OK)
		code = parts_take(sync, err);
	if (code == ERR_OK)
		code = packer_open(&sync->packer, err);
	if (code == ERR_OK)
		code = unpacker_open(&sync->unpacker, err);
	if (code != ERR_OK)
		goto out;
	tables_init(sync);
	code = store_load(sync, view, err);
out:
	if (code != ERR_OK) {
		sync_close(sync);
		return code;
	}
	*ret_sync = sync;
	return ERR_OK;
}

void sync_close(struct sync *sync)
{
	if (sync == NULL)
		return;
	packer_close(sync->packer);
	unpacker_close(sync->unpacker);
	free(sync->block);
	free(sync);
}

void sync_self_set(struct sync *sync, const struct sync_self *self)
{
	sync->self = *self;
	sync->is_grown = true;
	/* What was ours alone may be anybody's now, and the other way round. */
	for (uint32_t i = 0; i < sync->peer_count; i++) {
		uint32_t peer = sync->peer_order[i];

		memset(sync->peers[peer].covered, 0, VECTOR_DIGEST_SIZE);
		sync->peers[peer].was_asked = false;
		pull_want(sync, peer, sync->last_ms);
	}
}

void sync_words_hold(struct sync *sync, bool is_held)
{
	sync->is_grown |= sync->config.holds_words && !is_held;
	sync->config.holds_words = is_held;
}

/* ---- sending ---- */

bool link_is_up(const struct sync *sync, uint32_t link)
{
	return link < sync->config.links_max && sync->links[link].status.is_up;
}

bool link_takes(const struct sync *sync, uint32_t link)
{
	return link_is_up(sync, link) && !sync->links[link].is_full;
}

bool sync_send(struct sync *sync, struct sync_out *out, struct span payload)
{
	struct link *link = &sync->links[out->link];

	if (!link_is_up(sync, out->link))
		return false;
	out->from = name_span(&sync->config.name);
	out->payload = payload;
	if (!sync->port.send(sync->port.context, out)) {
		link->is_head_full |= out->plane == SYNC_PLANE_HEAD;
		link->is_full |= !out->is_retained;
		return false;
	}
	link->status.sent += payload.size;
	link->status.sent_frames++;
	return true;
}

bool sync_say(struct sync *sync, struct sync_out *out,
	      const struct frame *frame)
{
	struct writer writer;

	writer_init(&writer, sync->frame_bytes, SYNC_FRAME_SIZE_MAX);
	frame_write(&writer, frame);
	ASSERT(writer_ok(&writer));
	return sync_send(sync, out,
			 (struct span){(const char *)sync->frame_bytes,
				       writer.size});
}

/* splitmix64 (Steele, Lea, Flood 2014). */
uint32_t sync_random(struct sync *sync)
{
	uint64_t z = (sync->random += UINT64_C(0x9e3779b97f4a7c15));
	uint32_t value;

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	value = (uint32_t)((z ^ z >> 31) >> 32);
	return value != 0 ? value : 1;
}

/* ---- each event ---- */

static uint64_t own_end(const struct sync *sync)
{
	uint32_t own = feed_own(sync);

	return own != NONE ? sync->feeds[own].record.seq : 0;
}

static enum err_code step_begin(struct sync *sync, const struct sync_step *step,
				struct err *err)
{
	uint8_t digest[VECTOR_DIGEST_SIZE];
	uint64_t own_seq = own_end(sync);
	enum err_code code;

	sync->now = step->now;
	sync->last_ms = step->now.ms;
	if (sync->first_ms == 0)
		sync->first_ms = step->now.ms;
	sync->view = step->view;
	if (!sync->is_grown || step->is_early)
		return ERR_OK;
	memcpy(digest, sync->digest, sizeof(digest));
	code = feeds_read(sync, err);
	if (code != ERR_OK)
		return code;
	if (memcmp(digest, sync->digest, sizeof(digest)) == 0)
		return ERR_OK;
	memcpy(sync->past[sync->past_count++ % PAST_MAX], digest,
	       sizeof(digest));
	for (uint32_t i = 0; i < sync->config.links_max; i++) {
		if (own_end(sync) != own_seq)
			sync->links[i].is_head_due = true;
		sync->links[i].is_changed = true;
	}
	return ERR_OK;
}

/* What is urgent goes first: news, heads, what we ask for, then backlog. */
static enum err_code step_end(struct sync *sync, struct err *err)
{
	enum err_code code = live_pump(sync, err);

	if (code == ERR_OK)
		code = heads_pump(sync, err);
	if (code == ERR_OK)
		code = alarm_pump(sync, err);
	if (code == ERR_OK)
		code = slots_pump(sync, err);
	if (code == ERR_OK)
		code = pulls_pump(sync, err);
	if (code == ERR_OK) {
		peers_ack(sync);
		code = serves_pump(sync, err);
	}
	sync->view = NULL;
	return code;
}

static void link_reset(struct sync *sync, uint32_t link)
{
	struct link *which = &sync->links[link];

	which->has_head = false;
	which->is_head_due = true;
	which->is_head_full = false;
	which->is_full = false;
	sync->is_alarm_due = true;
	for (uint32_t i = 0; i < sync->peer_count; i++) {
		struct peer *peer = &sync->peers[sync->peer_order[i]];

		peer->links &= ~(1u << link);
		peer->quiet_ms = QUIET_MS_MIN;
		peer->pull_end_ms = 0;
	}
}

enum err_code sync_link(struct sync *sync, const struct sync_step *step,
			const struct sync_link *link, struct err *err)
{
	struct sync_link_status *status;
	enum err_code code;

	ASSERT(link->link < sync->config.links_max);
	code = step_begin(sync, step, err);
	if (code != ERR_OK)
		return code;
	status = &sync->links[link->link].status;
	status->is_metered = link->is_metered;
	if (status->is_up != link->is_up) {
		status->is_up = link->is_up;
		status->since_ms = sync->now.ms;
		link_reset(sync, link->link);
	}
	return step_end(sync, err);
}

/* ---- frames ---- */

/* Which types a plane carries, and how long its frames may be. */
static bool plane_carries(enum sync_plane plane, const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_HELLO:
	case FRAME_WANT:
	case FRAME_CREDIT:
	case FRAME_ACK:
		return plane == SYNC_PLANE_REQUEST;
	case FRAME_HAVE:
	case FRAME_BATCHES:
	case FRAME_REFUSE:
		return plane == SYNC_PLANE_REPLY;
	case FRAME_HEAD:
		return plane == SYNC_PLANE_HEAD;
	case FRAME_LIVE:
		return plane == SYNC_PLANE_LIVE;
	case FRAME_PROOF:
		return plane == SYNC_PLANE_ALARM || plane == SYNC_PLANE_REPLY;
	case FRAME_TRIM:
	case FRAME_CKPT_GET:
	case FRAME_CKPT_PART:
		return false;
	}
	return false;
}

static size_t plane_size_max(enum sync_plane plane)
{
	switch (plane) {
	case SYNC_PLANE_HEAD:
		return SYNC_HEAD_SIZE_MAX;
	case SYNC_PLANE_REQUEST:
		return SYNC_REQUEST_SIZE_MAX;
	case SYNC_PLANE_LIVE:
	case SYNC_PLANE_REPLY:
		return SYNC_FRAME_SIZE_MAX;
	case SYNC_PLANE_ALARM:
		return SYNC_PROOF_SIZE_MAX;
	}
	return 0;
}

/* It does not know what we said before: we say it all. */
static void base_refused(struct sync *sync, struct peer *peer)
{
	sync->counts.refusals_got++;
	if (peer->base_ms != 0 &&
	    sync->now.ms - peer->base_ms < BASE_SPACING_MS)
		return;
	peer->base_ms = sync->now.ms;
	peer->our_label = 0;
	peer->is_level_due = false;
	for (uint32_t i = 0; i < sync->config.feeds_max; i++)
		peer->feeds[i].ours = 0;
	peer->is_ack_due = true;
}

/* Frames of a session that we began. */
static enum err_code reply_take(struct sync *sync, uint32_t peer,
				const struct sync_in *in,
				const struct frame *frame, struct err *err)
{
	uint32_t pull = pull_of_session(sync, frame->session);

	if (frame->type == FRAME_PROOF)
		return fork_on_proof(sync, peer, frame, err);
	if (frame->type == FRAME_REFUSE &&
	    frame->body.refuse.code == REFUSE_BASE) {
		base_refused(sync, &sync->peers[peer]);
		return ERR_OK;
	}
	if (pull == NONE || sync->pulls[pull].peer != peer ||
	    sync->pulls[pull].link != in->link ||
	    in->session != frame->session) {
		sync->counts.frames_unasked++;
		return ERR_OK;
	}
	if (frame->type == FRAME_HAVE)
		return pull_on_have(sync, pull, frame, err);
	if (frame->type == FRAME_BATCHES)
		return pull_on_batches(sync, pull, frame, err);
	sync->counts.refusals_got++;
	pull_on_refuse(sync, pull, &frame->body.refuse);
	return ERR_OK;
}

static enum err_code request_take(struct sync *sync, uint32_t peer,
				  uint32_t link, const struct frame *frame,
				  struct err *err)
{
	if (frame->type == FRAME_HELLO)
		return serve_on_hello(sync, peer, link, frame, err);
	if (frame->type == FRAME_ACK)
		return peer_on_ack(sync, peer, link, frame, err);
	if (frame->type == FRAME_WANT)
		serve_on_want(sync, peer, link, frame);
	else
		serve_on_credit(sync, peer, link, frame);
	return ERR_OK;
}

static enum err_code frame_take(struct sync *sync, const struct sync_in *in,
				const struct frame *frame, struct err *err)
{
	bool is_own = span_equal(in->from, name_span(&sync->config.name));
	uint32_t peer;

	if (is_own)
		return frame->type == FRAME_HEAD
			       ? head_on_own(sync, in, frame, err)
			       : ERR_OK;
	peer = peer_of(sync, in->from);
	if (peer == NONE)
		return ERR_OK; /* one more than there is room for */
	peer_heard(sync, &sync->peers[peer], in);
	switch (in->plane) {
	case SYNC_PLANE_HEAD:
		return head_on_frame(sync, peer, in, frame, err);
	case SYNC_PLANE_LIVE:
		return live_on_frame(sync, peer, frame, err);
	case SYNC_PLANE_REQUEST:
		return request_take(sync, peer, in->link, frame, err);
	case SYNC_PLANE_REPLY:
		return reply_take(sync, peer, in, frame, err);
	case SYNC_PLANE_ALARM:
		return fork_on_proof(sync, peer, frame, err);
	}
	return ERR_OK;
}

static bool is_for_us(const struct sync *sync, const struct sync_in *in)
{
	if (in->plane != SYNC_PLANE_REQUEST && in->plane != SYNC_PLANE_REPLY)
		return true;
	return in->to.size == 0 ||
	       span_equal(in->to, name_span(&sync->config.name));
}

/* True if @in is a frame for us; else it is counted. */
static bool frame_check(struct sync *sync, const struct sync_in *in,
			struct frame *frame)
{
	enum err_code code = ERR_CORRUPT;

	if (in->payload.size <= plane_size_max(in->plane) &&
	    text_is_name(in->from))
		code = frame_read(in->payload, frame);
	if (code == ERR_VERSION) {
		sync->counts.frames_newer++;
		return false;
	}
	if (code != ERR_OK || !plane_carries(in->plane, frame)) {
		sync->counts.frames_garbled++;
		return false;
	}
	return is_for_us(sync, in);
}

enum err_code sync_frame(struct sync *sync, const struct sync_step *step,
			 const struct sync_in *in, struct err *err)
{
	struct frame frame;
	enum err_code code;

	if (!link_is_up(sync, in->link))
		return ERR_OK;
	code = step_begin(sync, step, err);
	if (code != ERR_OK)
		return code;
	sync->links[in->link].status.received += in->payload.size;
	sync->links[in->link].status.received_frames++;
	if (frame_check(sync, in, &frame))
		code = frame_take(sync, in, &frame, err);
	if (code != ERR_OK)
		return code;
	return step_end(sync, err);
}

/* ---- the others ---- */

enum err_code sync_tick(struct sync *sync, const struct sync_step *step,
			struct err *err)
{
	enum err_code code = step_begin(sync, step, err);

	if (code != ERR_OK)
		return code;
	for (uint32_t i = 0; i < sync->config.links_max; i++) {
		sync->links[i].is_head_full = false;
		sync->links[i].is_full = false;
	}
	peers_keep(sync);
	return step_end(sync, err);
}

enum err_code sync_grew(struct sync *sync, const struct sync_step *step,
			struct err *err)
{
	enum err_code code;

	sync->is_grown = true;
	code = step_begin(sync, step, err);
	return code != ERR_OK ? code : step_end(sync, err);
}

enum err_code sync_carried(struct sync *sync, const struct sync_step *step,
			   struct err *err)
{
	enum err_code code;

	sync->is_grown = true;
	code = step_begin(sync, step, err);
	if (code == ERR_OK)
		code = peers_load(sync, err);
	return code != ERR_OK ? code : step_end(sync, err);
}

enum err_code sync_admitted(struct sync *sync, const struct sync_step *step,
			    const struct sync_result *result, struct err *err)
{
	enum err_code code;

	sync->is_grown = true;
	code = step_begin(sync, step, err);
	if (code == ERR_OK)
		code = slot_on_result(sync, result, err);
	else
		slot_again(sync, result->ticket);
	return code != ERR_OK ? code : step_end(sync, err);
}
