#include "gateway/depotd_reach.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/core/terms.h"
#include "gateway/depotd_network.h"
#include "gateway/edge/concerns.h"
#include "gateway/edge/envoy_control.h"
#include "store/master.h"

enum telling_state {
	TELLING_IDLE,
	TELLING_UNDER_WAY,
	TELLING_DONE, /* set by the keeper's thread; seen at the next beat */
};

/* One alert on its way to the journal. */
struct telling {
	struct keeper_request request;
	struct concern concern;
	bool is_open;
	bool is_status; /* it tells the site's state instead */
	char arguments[512];
	_Atomic enum telling_state state;
};

struct reach {
	struct view_reach view;
	struct concerns concerns;
	struct telling telling;
	bool has_told;              /* the journal has the state of this run */
	struct envoy_control envoy; /* whom to ask; and what it said */
};

/* ---- what is wrong ---- */

static void name_copy(struct span name, char *buffer, size_t size)
{
	text_print(name.size > 0 ? name : SPAN_LITERAL("?"), buffer, size);
}

/* "sh-02.1: 57-63 (missing), hz-01" */
static void stuck_say(struct reach *reach, const struct envoy_stuck *stuck,
		      int64_t now_ms)
{
	struct concern concern = {.kind = CONCERN_FEED_STUCK};
	char site[NAME_SIZE_MAX + 1];
	char from[NAME_SIZE_MAX + 1];
	int64_t lasts_ms = 0;

	name_copy(name_span(&stuck->site), site, sizeof(site));
	name_copy(name_span(&stuck->from), from, sizeof(from));
	(void)text_format(concern.key, sizeof(concern.key),
			  "%" PRIu32 ".%" PRIu32 ".%" PRIu64, stuck->feed.site,
			  stuck->feed.epoch, stuck->first);
	(void)text_format(concern.subject, sizeof(concern.subject),
			  "%s.%" PRIu32 ": %" PRIu64 "-%" PRIu64 " (%s), %s",
			  site, stuck->feed.epoch, stuck->first, stuck->last,
			  stuck->why, from);
	if (stuck->since_ms != 0 && reach->envoy.state.ms > stuck->since_ms)
		lasts_ms = (int64_t)(reach->envoy.state.ms - stuck->since_ms);
	/* With all links down nothing comes: that is another thing. */
	if (reach->view.links_up == 0 &&
	    !concerns_is_open(&reach->concerns, &concern))
		return;
	concerns_say(&reach->concerns, &concern, lasts_ms, now_ms);
}

static const struct envoy_link *link_find(const struct envoy_state *state,
					  const char *name)
{
	for (size_t i = 0; i < state->link_count; i++)
		if (span_is(name_span(&state->links[i].name), name))
			return &state->links[i];
	return NULL;
}

/* Since when a link has been as it is; one that was never seen, since the
 * start. */
static int64_t link_lasts_ms(const struct envoy_state *state,
			     const struct envoy_link *link)
{
	uint64_t since = state->start_ms;

	if (link != NULL && link->status.since_ms > since)
		since = link->status.since_ms;
	return state->ms > since ? (int64_t)(state->ms - since) : 0;
}

static void link_say(struct reach *reach, const char *name, int64_t now_ms)
{
	const struct envoy_state *state = &reach->envoy.state;
	const struct envoy_link *link = link_find(state, name);
	struct concern concern = {.kind = CONCERN_LINK_DOWN};

	if (link != NULL && link->status.is_up)
		return;
	if (link == NULL || !link->is_here)
		concern.kind = CONCERN_LINK_NOT_RUNNING;
	(void)text_format(concern.key, sizeof(concern.key), "%s", name);
	(void)text_format(concern.subject, sizeof(concern.subject), "%s", name);
	concerns_say(&reach->concerns, &concern,
		     concern.kind == CONCERN_LINK_DOWN
			     ? link_lasts_ms(state, link)
			     : 0,
		     now_ms);
}

static void spent_say(struct reach *reach, const struct envoy_link *link,
		      int64_t now_ms)
{
	struct concern concern = {.kind = CONCERN_LINK_SPENT};

	if (!link->is_spent)
		return;
	text_print(name_span(&link->name), concern.key, sizeof(concern.key));
	text_print(name_span(&link->name), concern.subject,
		   sizeof(concern.subject));
	concerns_say(&reach->concerns, &concern, 0, now_ms);
}

/* "2: 14 (revoked)" */
static void end_say(struct reach *reach, int64_t now_ms)
{
	const struct envoy_end *end = &reach->envoy.state.end;
	struct concern concern = {.kind = CONCERN_SITE_ENDED};

	if (!end->is_ended)
		return;
	(void)text_format(concern.key, sizeof(concern.key),
			  "%" PRIu32 ".%" PRIu64, end->epoch, end->seq);
	(void)text_format(concern.subject, sizeof(concern.subject),
			  "%" PRIu32 ": %" PRIu64 " (%s)", end->epoch, end->seq,
			  term_name(TERM_FENCE, end->verdict));
	concerns_say(&reach->concerns, &concern, 0, now_ms);
}

static void concerns_look(struct box *box, int64_t now_ms)
{
	struct reach *reach = box->reach;
	const struct envoy_state *state = &reach->envoy.state;

	concerns_begin(&reach->concerns);
	for (size_t i = 0; i < state->stuck_count && i < ENVOY_STUCK_MAX; i++)
		stuck_say(reach, &state->stuck[i], now_ms);
	for (size_t i = 0; i < box->config->link_count; i++)
		if (box->config->links[i].is_enabled)
			link_say(reach, box->config->links[i].name, now_ms);
	for (size_t i = 0; i < state->link_count; i++)
		spent_say(reach, &state->links[i], now_ms);
	end_say(reach, now_ms);
	concerns_end(&reach->concerns, now_ms);
}

/* ---- how it stands ---- */

static void links_look(const struct box *box, struct view_reach *view)
{
	const struct envoy_state *state = &box->reach->envoy.state;
	struct clock_reading now = clock_now(&box->clock);
	int64_t least_ms = INT64_MAX;

	for (size_t i = 0; i < box->config->link_count; i++) {
		const struct config_link *config = &box->config->links[i];
		const struct envoy_link *link = link_find(state, config->name);
		int64_t lasts_ms = link_lasts_ms(state, link);

		if (!config->is_enabled)
			continue;
		view->links++;
		view->links_up += link != NULL && link->status.is_up;
		view->links_spent += link != NULL && link->is_spent;
		if (lasts_ms < least_ms)
			least_ms = lasts_ms;
	}
	if (view->links == 0 || view->links_up > 0)
		return;
	view->down_s = least_ms / 1000;
	view->has_down_since = now.is_trusted;
	view->down_since.ms = now.moment.ms - least_ms;
}

static void reach_look(struct box *box)
{
	struct reach *reach = box->reach;
	const struct envoy_state *state = &reach->envoy.state;
	struct view_reach view = {
		.site = reach->envoy.site,
		.is_hq = network_hq_site(box) != 0,
		.is_provisional = state->is_provisional,
		.peers = (uint32_t)state->peer_count,
		.stuck = (uint32_t)state->stuck_count,
		.left_out = state->counts.feeds_left_out,
		.no_room = state->counts.feeds_no_room,
		.backlog_deltas = state->hq.deltas,
		.backlog_entries = state->hq.entries,
		.backlog_bytes = state->hq.bytes,
		.oldest_unsent = state->hq.oldest,
		.has_oldest_unsent = state->hq.has_oldest,
		.has_hq = state->hq.is_known,
		.hq_seq = state->hq.seq,
		.hq_as_of = state->hq.as_of,
		.has_hq_as_of = state->hq.has_as_of,
	};

	links_look(box, &view);
	reach->view = view;
}

const struct view_reach *box_reach(const struct box *box)
{
	static const struct view_reach none;

	return box->reach != NULL ? &box->reach->view : &none;
}

void box_reach_figures(const struct box *box,
		       struct metrics_network *ret_network)
{
	const struct envoy_state *state;

	*ret_network = (struct metrics_network){.link_count = 0};
	if (box->reach == NULL || box->reach->envoy.envoy == NULL)
		return;
	state = &box->reach->envoy.state;
	ret_network->counts = state->counts;
	ret_network->link_count = state->link_count;
	for (size_t i = 0; i < state->link_count; i++)
		ret_network->links[i] =
			(struct metrics_link){state->links[i].name,
					      state->links[i].used,
					      state->links[i].budget};
}

/* ---- alerts ---- */

/* In the keeper's thread. */
static void telling_done(struct keeper_request *request)
{
	struct telling *telling = request->context;

	atomic_store(&telling->state, TELLING_DONE);
}

static void telling_ask(struct telling *telling, const char *command,
			const struct json_out *out)
{
	bool fits;

	ASSERT(out_ok(out));
	telling->request = (struct keeper_request){
		.command = {.name = span_of(command),
			    .arguments = out_span(out),
			    .is_rule = true},
		.done = telling_done,
		.context = telling,
	};
	fits = name_set(&telling->request.command.account,
			SPAN_LITERAL("reach"));
	ASSERT(fits);
}

/* Once a run: what goes wrong afterwards is told by alerts, and its end by its
 * silence. */
static void status_write(struct telling *telling)
{
	struct json_out out;

	out_init(&out, telling->arguments, sizeof(telling->arguments));
	out_object(&out);
	out_string_at(&out, "state", site_state_name(SITE_READY));
	out_string_at(&out, "version", DEPOT_VERSION);
	out_object_end(&out);
	telling->is_status = true;
	telling_ask(telling, "status.note", &out);
}

static void telling_write(const struct box *box, const struct concern_row *row,
			  struct telling *telling, int64_t now_ms)
{
	const struct concern_spec *spec = concern_spec(row->concern.kind);
	struct clock_reading now = clock_now(&box->clock);
	struct json_out out;

	out_init(&out, telling->arguments, sizeof(telling->arguments));
	out_object(&out);
	out_string_at(&out, "code", spec->code);
	out_string_at(&out, "severity", severity_name(spec->severity));
	out_string_at(&out, "subject", row->concern.subject);
	out_string_at(&out, "key", row->concern.key);
	out_int_at(&out, "value", row->concern.value);
	if (row->is_bad && now.is_trusted)
		out_int_at(&out, "since",
			   now.moment.ms - (now_ms - row->since_ms));
	out_object_end(&out);
	telling->is_status = false;
	telling_ask(telling, row->is_bad ? "alert.raise" : "alert.clear", &out);
}

/* One at a time: there are few, and none is in a hurry. */
static void told_take(struct reach *reach, int64_t now_ms)
{
	struct telling *telling = &reach->telling;

	if (atomic_load(&telling->state) != TELLING_DONE)
		return;
	if (telling->is_status)
		reach->has_told = true; /* or the store is full: at the next
					 * start */
	else
		concerns_told(&reach->concerns, &telling->concern,
			      telling->is_open, telling->request.code == ERR_OK,
			      now_ms);
	atomic_store(&telling->state, TELLING_IDLE);
}

/* False: there is nothing to tell. */
static bool telling_next(struct box *box, int64_t now_ms)
{
	struct reach *reach = box->reach;
	struct telling *telling = &reach->telling;
	const struct concern_row *row = concerns_due(&reach->concerns, now_ms);

	if (!reach->has_told && reach->view.site != 0) {
		status_write(telling);
		return true;
	}
	if (row == NULL)
		return false;
	telling->concern = row->concern;
	telling->is_open = row->is_bad;
	telling_write(box, row, telling, now_ms);
	return true;
}

static void alerts_tell(struct box *box, int64_t now_ms)
{
	struct telling *telling = &box->reach->telling;

	told_take(box->reach, now_ms);
	if (atomic_load(&telling->state) != TELLING_IDLE ||
	    !telling_next(box, now_ms))
		return;
	atomic_store(&telling->state, TELLING_UNDER_WAY);
	if (keeper_ask(box->keeper, &telling->request) != ERR_OK)
		atomic_store(&telling->state, TELLING_IDLE);
}

void box_reach_beat(struct box *box, int64_t now_ms)
{
	struct reach *reach = box->reach;

	network_control(box, &reach->envoy);
	if (reach->envoy.envoy != NULL) {
		envoy_state(reach->envoy.envoy, &reach->envoy.state);
		reach_look(box);
		/* Before its first second nothing is wrong yet. */
		if (reach->envoy.state.start_ms != 0)
			concerns_look(box, now_ms);
	}
	alerts_tell(box, now_ms);
}

/* ---- start and end ---- */

/* "code-key", of an alert of ours. */
static enum err_code alert_know(void *context, struct span key, struct pos pos,
				const struct entry *entry, struct err *err)
{
	const struct alert *alert = &entry->body.alert;
	struct concerns *concerns = context;
	struct span code = reason_span(&alert->code);
	enum concern_kind kind;

	(void)pos;
	(void)err;
	if (concern_kind_find(code, &kind) && key.size > code.size + 1)
		concerns_known(concerns, kind,
			       (struct span){key.data + code.size + 1,
					     key.size - code.size - 1});
	return ERR_OK;
}

enum err_code start_reach(struct box *box, struct err *err)
{
	const struct span all = {"", 0};
	struct view *view;
	enum err_code code;

	box->reach = calloc(1, sizeof(*box->reach));
	if (box->reach == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	code = view_begin(ledger_env(box->ledger), &view, err);
	if (code != ERR_OK)
		return code;
	code = record_walk(view, TABLE_ALERT, all, alert_know,
			   &box->reach->concerns, err);
	view_end(view);
	/* Whoever asks before the first beat is told of the links. */
	network_control(box, &box->reach->envoy);
	if (box->reach->envoy.envoy != NULL)
		reach_look(box);
	return code;
}

void end_reach(struct box *box)
{
	free(box->reach);
	box->reach = NULL;
}
