#include "gateway/edge/envoy_control.h"

#include "gateway/core/why.h"

static const struct control_refusal no_network = {
	"no_network",
	"this box belongs to no network: depot hq init makes one, depot join "
	"joins one",
	"本机不属于任何网络：depot hq init 创建网络，depot join 加入网络"};

#define MANAGERS ((uint32_t)ROLE_MANAGER | (uint32_t)ROLE_HQ)

/* Of two moments of the envoy's clock, which may have been read a little
 * apart. */
static int64_t seconds(uint64_t now_ms, uint64_t then_ms)
{
	return then_ms < now_ms ? (int64_t)((now_ms - then_ms) / 1000) : 0;
}

static size_t peers_listed(const struct envoy_state *state)
{
	return state->peer_count < ENVOY_PEERS_MAX ? state->peer_count
						   : ENVOY_PEERS_MAX;
}

static void link_out(const struct envoy_state *state,
		     const struct envoy_link *link, struct json_out *out)
{
	const struct sync_link_status *status = &link->status;

	out_object(out);
	out_text_at(out, "link", name_span(&link->name));
	out_bool_at(out, "running", link->is_here);
	out_bool_at(out, "up", status->is_up);
	out_bool_at(out, "metered", status->is_metered);
	out_int_at(out, "for_s", seconds(state->ms, status->since_ms));
	out_int_at(out, "sent", (int64_t)status->sent);
	out_int_at(out, "received", (int64_t)status->received);
	out_int_at(out, "used_today", (int64_t)link->used);
	if (link->budget > 0) {
		out_int_at(out, "budget", (int64_t)link->budget);
		out_bool_at(out, "spent", link->is_spent);
	}
	out_object_end(out);
}

static void peer_out(const struct envoy_state *state,
		     const struct sync_peer_status *peer, struct json_out *out)
{
	int64_t links = 0;

	for (uint32_t bits = peer->links; bits != 0; bits &= bits - 1)
		links++;
	out_object(out);
	out_text_at(out, "peer", name_span(&peer->name));
	if (peer->site != 0)
		out_int_at(out, "site", peer->site);
	out_int_at(out, "links", links);
	out_int_at(out, "heard_s", seconds(state->ms, peer->heard_ms));
	if (peer->has_head) {
		out_int_at(out, "epoch", peer->epoch);
		out_int_at(out, "seq", (int64_t)peer->seq);
		if (peer->seq > 0) /* it has said something */
			out_moment_at(out, "as_of", stamp_moment(peer->stamp));
	}
	out_bool_at(out, "stale", peer->is_stale);
	if (peer->has_ack)
		out_int_at(out, "acked", (int64_t)peer->acked_seq);
	out_int_at(out, "backlog_deltas", (int64_t)peer->backlog_deltas);
	out_int_at(out, "backlog_entries", (int64_t)peer->backlog_entries);
	out_object_end(out);
}

static void stuck_out(const struct envoy_state *state,
		      const struct envoy_stuck *stuck, struct json_out *out)
{
	out_object(out);
	out_int_at(out, "site", stuck->feed.site);
	if (stuck->site.size > 0)
		out_text_at(out, "name", name_span(&stuck->site));
	out_int_at(out, "epoch", stuck->feed.epoch);
	out_int_at(out, "first", (int64_t)stuck->first);
	out_int_at(out, "last", (int64_t)stuck->last);
	why_out(why_delta_find(span_of(stuck->why)), out);
	if (stuck->from.size > 0)
		out_text_at(out, "from", name_span(&stuck->from));
	if (stuck->since_ms != 0)
		out_int_at(out, "for_s", seconds(state->ms, stuck->since_ms));
	out_object_end(out);
}

/* What was refused since the start: how much of what, and the last of it. */
static void refused_counts_out(const struct sync_counts *counts,
			       struct json_out *out)
{
	struct envoy_frames frames[ENVOY_FRAMES];

	out_object_at(out, "packs");
	for (enum admission i = ADMISSION_GAP; i <= ADMISSION_GARBLED; i++)
		out_int_at(out, admission_name(i), (int64_t)counts->refused[i]);
	out_object_end(out);
	envoy_frames_refused(counts, frames);
	out_object_at(out, "frames");
	for (size_t i = 0; i < ENVOY_FRAMES; i++)
		out_int_at(out, frames[i].reason, (int64_t)frames[i].count);
	out_object_end(out);
}

static void refusal_out(const struct envoy_state *state,
			const struct envoy_refusal *refusal,
			struct json_out *out)
{
	const struct sync_refusal *what = &refusal->what;

	out_object(out);
	out_int_at(out, "site", what->feed.site);
	if (refusal->site.size > 0)
		out_text_at(out, "name", name_span(&refusal->site));
	out_int_at(out, "epoch", what->feed.epoch);
	if (what->feed.branch != 0)
		out_id_at(out, "branch", what->feed.branch);
	out_int_at(out, "seq", (int64_t)what->seq);
	why_out(why_delta_find(span_of(admission_name(what->reason))), out);
	out_text_at(out, "from", name_span(&what->peer));
	out_int_at(out, "ago_s", seconds(state->ms, what->ms));
	out_object_end(out);
}

static void refused_out(const struct envoy_state *state, struct json_out *out)
{
	out_object_at(out, "refused");
	refused_counts_out(&state->counts, out);
	out_array_at(out, "last");
	for (size_t i = 0; i < state->refused_count; i++)
		refusal_out(state, &state->refused[i], out);
	out_array_end(out);
	out_object_end(out);
}

static void joining_out(const struct envoy_join_counts *counts,
			struct json_out *out)
{
	out_object_at(out, "joining");
	out_int_at(out, "asked", (int64_t)counts->asked);
	out_int_at(out, "welcomed", (int64_t)counts->welcomed);
	out_int_at(out, "refused", (int64_t)counts->refused);
	out_int_at(out, "denied", (int64_t)counts->denied);
	out_int_at(out, "strangers", (int64_t)counts->strangers);
	out_int_at(out, "busy", (int64_t)counts->busy);
	out_int_at(out, "dropped", (int64_t)counts->dropped);
	out_array_at(out, "invitations");
	for (size_t i = 0; i < counts->tried_count; i++) {
		out_object(out);
		out_int_at(out, "invitation", counts->tried[i].number);
		out_int_at(out, "tries", (int64_t)counts->tried[i].tries);
		out_int_at(out, "denied", (int64_t)counts->tried[i].denied);
		out_object_end(out);
	}
	out_array_end(out);
	out_object_end(out);
}

static bool peers(void *context, const struct json_value *arguments,
		  struct json_out *out)
{
	struct envoy_control *control = context;
	const struct envoy_state *state = &control->state;

	(void)arguments;
	if (control->envoy == NULL) {
		control_refuse(out, &no_network, (struct span){"", 0});
		return false;
	}
	envoy_state(control->envoy, &control->state);
	out_int_at(out, "site", control->site);
	out_int_at(out, "unsealed", (int64_t)state->unsealed);
	out_bool_at(out, "provisional", state->is_provisional);
	out_array_at(out, "links");
	for (size_t i = 0; i < state->link_count; i++)
		link_out(state, &state->links[i], out);
	out_array_end(out);
	out_array_at(out, "peers");
	for (size_t i = 0; i < peers_listed(state); i++)
		peer_out(state, &state->peers[i], out);
	out_array_end(out);
	out_array_at(out, "stuck");
	for (size_t i = 0; i < state->stuck_count && i < ENVOY_STUCK_MAX; i++)
		stuck_out(state, &state->stuck[i], out);
	out_array_end(out);
	refused_out(state, out);
	if (state->is_hq)
		joining_out(&state->joining, out);
	return true;
}

static bool flush(void *context, const struct json_value *arguments,
		  struct json_out *out)
{
	struct envoy_control *control = context;
	struct json_range any = {1, INT64_MAX};
	struct fault fault;
	int64_t ticket = 0;
	bool is_done;

	if (control->envoy == NULL) {
		control_refuse(out, &no_network, (struct span){"", 0});
		return false;
	}
	if (json_member(arguments, "ticket") == NULL) {
		ticket = (int64_t)envoy_flush(control->envoy);
	} else if (json_int(arguments, "ticket", any, &ticket, &fault) !=
		   ERR_OK) {
		control_fault(out, &fault);
		return false;
	}
	/* In this order: the state is as of then, or later. */
	is_done = envoy_flushed(control->envoy) >= (uint64_t)ticket;
	envoy_state(control->envoy, &control->state);
	out_int_at(out, "ticket", ticket);
	out_bool_at(out, "done", is_done);
	out_int_at(out, "unsealed", (int64_t)control->state.unsealed);
	out_bool_at(out, "may_seal", control->state.may_seal);
	out_bool_at(out, "set_back", control->state.was_set_back);
	return true;
}

static bool carried(void *context, const struct json_value *arguments,
		    struct json_out *out)
{
	struct envoy_control *control = context;
	bool is_ahead = false;
	struct fault fault;

	if (control->envoy == NULL) {
		control_refuse(out, &no_network, (struct span){"", 0});
		return false;
	}
	if (json_member(arguments, "set_back") != NULL &&
	    json_bool(arguments, "set_back", &is_ahead, &fault) != ERR_OK) {
		control_fault(out, &fault);
		return false;
	}
	envoy_carried(control->envoy, is_ahead);
	return true;
}

void envoy_control_extras(struct envoy_control *control,
			  struct control_extra ret_extras[ENVOY_CONTROL_EXTRAS])
{
	ret_extras[0] =
		(struct control_extra){"network.peers", 0, peers, control};
	ret_extras[1] = (struct control_extra){"network.flush", MANAGERS, flush,
					       control};
	ret_extras[2] = (struct control_extra){"network.carried", MANAGERS,
					       carried, control};
}
