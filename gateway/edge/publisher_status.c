#include "gateway/edge/publisher_parts.h"

#include <string.h>

enum err_code status_as_of(const struct run *run, struct pos pos,
			   struct moment *ret_as_of, struct err *err)
{
	struct entry entry;
	enum err_code code;

	if (pos.value == run->head.value && run->now->backlog == 0) {
		*ret_as_of = run->now->moment;
		return ERR_OK;
	}
	/* Something waits to be booked or looked at: complete only up to when
	 * that entry was written. */
	code = journal_read(run->view, pos, &entry, err);
	if (code != ERR_OK && code != ERR_VERSION)
		return code;
	if (code == ERR_OK && (entry.clock_flags & ENTRY_CLOCK_TRUSTED) != 0)
		*ret_as_of = stamp_moment(entry.stamp);
	else
		*ret_as_of = (struct moment){0};
	return ERR_OK;
}

/* ---- the message ---- */

static void health_fill(const struct status *status,
			const char *health[VIEW_HEALTH_MAX])
{
	for (size_t i = 0; i < status->health_count; i++)
		health[i] = status->health[i];
}

static enum err_code status_send(struct publisher *publisher,
				 enum site_state state,
				 const struct publisher_now *now)
{
	const struct status *status = &publisher->status;
	const char *health[VIEW_HEALTH_MAX];
	struct view_status view = {
		.state = state,
		.session = span_of(status->session),
		.since = status->since,
		.age = {status->as_of, now->clock_trusted,
			publisher->rates.fresh_for_s},
		.head = status->head,
		.backlog = now->backlog,
		.chunks = publisher->is_packed ? publisher->chunks.count : 0,
		.version = span_of(status->version),
		.health = health,
		.health_count = status->health_count,
		.autonomy_hours = status->autonomy_hours,
		.has_autonomy = status->has_autonomy,
		.reach = &status->reach,
	};
	struct letter letter = {
		.kind = "status", .qos = 1, .is_retained = true};
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct run run = {.publisher = publisher, .now = now};
	struct json_out out;

	health_fill(status, health);
	out_init(&out, buffer, sizeof(buffer));
	view_status_print(&view, &out);
	ASSERT(out_ok(&out));
	letter.payload = out_span(&out);
	return run_publish(&run, &letter);
}

enum err_code status_publish(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	struct status *status = &publisher->status;

	(void)err;
	if (!status->is_due)
		return ERR_OK;
	if (status->since.ms == 0)
		status->since = run->now->moment;
	if (status_send(publisher, status->is_complete ? SITE_READY : SITE_INIT,
			run->now) != ERR_OK)
		return ERR_AGAIN;
	status->is_due = false;
	run->left--;
	publisher->counters.statuses++;
	return ERR_OK;
}

enum err_code publisher_farewell(struct publisher *publisher,
				 enum site_state state,
				 const struct publisher_now *now)
{
	ASSERT(state == SITE_DISCONNECTED || state == SITE_SLEEPING);
	publisher->status.since = now->moment;
	return status_send(publisher, state, now);
}

void publisher_will(const struct publisher *publisher,
		    char topic[PUBLISHER_TOPIC_SIZE],
		    char payload[PAYLOAD_OUT_SIZE_MAX + 1])
{
	/* Written before what it tells of: nothing is known of that moment. */
	struct view_status view = {
		.state = SITE_LOST,
		.session = span_of(publisher->status.session),
		.age = {.clock_trusted = true,
			.fresh_for_s = publisher->rates.fresh_for_s},
		.version = span_of(publisher->status.version),
	};
	struct json_out out;
	bool fits = text_format(topic, PUBLISHER_TOPIC_SIZE, "%sstatus",
				publisher->prefix);

	out_init(&out, payload, PAYLOAD_OUT_SIZE_MAX);
	view_status_print(&view, &out);
	ASSERT(fits && out_ok(&out));
	payload[out.size] = '\0';
}

/* ---- facts ---- */

static bool health_is_same(const struct status *status,
			   const struct publisher_facts *facts, size_t count)
{
	if (status->health_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(status->health[i], facts->health[i]) != 0)
			return false;
	return true;
}

void publisher_facts(struct publisher *publisher,
		     const struct publisher_facts *facts)
{
	struct status *status = &publisher->status;
	size_t count = facts->health_count < VIEW_HEALTH_MAX
			       ? facts->health_count
			       : VIEW_HEALTH_MAX;

	status->autonomy_hours = facts->autonomy_hours;
	status->has_autonomy = facts->has_autonomy;
	if (status->reach.links_up != facts->reach.links_up ||
	    status->reach.links_spent != facts->reach.links_spent)
		status->is_due = true;
	status->reach = facts->reach;
	if (health_is_same(status, facts, count))
		return;
	for (size_t i = 0; i < count; i++)
		text_print(span_of(facts->health[i]), status->health[i],
			   sizeof(status->health[i]));
	status->health_count = count;
	status->is_due = true;
}

/* ---- the sweep ---- */

static enum err_code sweep_begin(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	struct sweep *sweep = &publisher->sweep;
	enum err_code code =
		status_as_of(run, publisher->cursor, &sweep->as_of, err);

	if (code != ERR_OK)
		return code;
	sweep->pos = publisher->cursor;
	marks_copy(&sweep->pending, &publisher->due);
	chunks_sweep(&publisher->chunks);
	sweep->is_running = true;
	return ERR_OK;
}

static void sweep_end(struct run *run)
{
	struct publisher *publisher = run->publisher;
	struct status *status = &publisher->status;

	publisher->sweep.is_running = false;
	status->as_of = publisher->sweep.as_of;
	status->head = publisher->sweep.pos;
	if (!status->is_complete)
		status->since = run->now->moment;
	status->is_complete = true;
	status->is_due = true;
	status->beat_ms =
		run->now->monotonic_ms + publisher->rates.status_interval_ms;
}

enum err_code sweep_advance(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	struct sweep *sweep = &publisher->sweep;
	enum err_code code;

	if (!sweep->is_running) {
		if (run->now->monotonic_ms < publisher->status.beat_ms) {
			run_due(run, publisher->status.beat_ms);
			return ERR_OK;
		}
		code = sweep_begin(run, err);
		if (code != ERR_OK)
			return code;
	}
	/* What it waits for has said itself when it is due. */
	if (sweep->pending.count > 0 || publisher->chunks.pending > 0 ||
	    publisher->scan != SCAN_DONE)
		return ERR_OK;
	sweep_end(run);
	run_due(run, publisher->status.beat_ms);
	return status_publish(run, err);
}
