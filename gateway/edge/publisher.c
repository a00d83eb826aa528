#include "gateway/edge/publisher_parts.h"

#include <stdlib.h>

#include "store/catalogue.h"
#include "store/feed.h"
#include "store/master.h"
#include "store/transfer.h"

/* ---- opening ---- */

static void prefix_print(const struct founding *identity, char *prefix,
			 size_t size)
{
	bool fits = text_format(prefix, size, "depot/v1/%.*s/%.*s/",
				(int)identity->org.size, identity->org.data,
				(int)identity->site.size, identity->site.data);

	ASSERT(fits); /* two names */
}

static enum err_code prefixes_make(struct publisher *publisher, struct err *err)
{
	const struct founding *identity = ledger_identity(publisher->ledger);
	struct founding former;
	struct view *view;
	enum err_code code =
		view_begin(ledger_env(publisher->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	prefix_print(identity, publisher->prefix, sizeof(publisher->prefix));
	publisher->prefix_size = span_of(publisher->prefix).size;
	code = ledger_former(view, identity, &former, err);
	view_end(view);
	if (code == ERR_OK)
		prefix_print(&former, publisher->former,
			     sizeof(publisher->former));
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

const char *publisher_former(const struct publisher *publisher)
{
	return publisher->former[0] == '\0' ? NULL : publisher->former;
}

enum err_code publisher_open(const struct publisher_plan *plan,
			     struct ledger *ledger,
			     const struct publisher_sink *sink,
			     struct publisher **ret_publisher, struct err *err)
{
	struct publisher *publisher = calloc(1, sizeof(*publisher));
	enum err_code code;

	if (publisher == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	publisher->ledger = ledger;
	publisher->sink = *sink;
	publisher->chunk_rows = plan->chunk_rows < 10 ? 10 : plan->chunk_rows;
	publisher_rates(publisher, &plan->rates);
	text_print(plan->session, publisher->status.session,
		   sizeof(publisher->status.session));
	text_print(plan->version, publisher->status.version,
		   sizeof(publisher->status.version));
	code = prefixes_make(publisher, err);
	if (code == ERR_OK)
		code = stock_grow(publisher, plan->items_max, err);
	if (code != ERR_OK) {
		publisher_close(publisher);
		return code;
	}
	*ret_publisher = publisher;
	return ERR_OK;
}

void publisher_close(struct publisher *publisher)
{
	if (publisher == NULL)
		return;
	stock_release(publisher);
	free(publisher);
}

void publisher_rates(struct publisher *publisher,
		     const struct publisher_rates *rates)
{
	ASSERT(rates->rate_per_item_per_s >= 1 &&
	       rates->rate_per_item_per_s <= 1000);
	if (rates->fresh_for_s != publisher->rates.fresh_for_s)
		publisher->is_retimed = true;
	publisher->rates = *rates;
}

/* ---- connection ---- */

void publisher_connected(struct publisher *publisher)
{
	publisher->is_connected = true;
	publisher->is_fresh = true;
	publisher->scan = SCAN_TASKS;
	publisher->scan_after_size = 0;
	publisher->stale_count = 0;
	publisher->has_missed_stale = false;
	publisher->snapshot_seen = 0;
	publisher->sweep.is_running = false;
	publisher->status.is_complete = false;
	publisher->status.is_due = true;
	publisher->status.since = (struct moment){0};
	changes_reset(publisher);
}

void publisher_disconnected(struct publisher *publisher)
{
	publisher->is_connected = false;
}

/* ---- one run ---- */

void run_due(struct run *run, int64_t ms)
{
	if (ms < run->due_ms)
		run->due_ms = ms;
}

bool run_is_over(struct run *run)
{
	if (run->left > 0)
		return false;
	run_due(run, run->now->monotonic_ms);
	return true;
}

static enum err_code publication_send(struct run *run,
				      const struct publication *publication)
{
	struct publisher *publisher = run->publisher;

	run->left--;
	if (publisher->sink.publish(publisher->sink.context, publication) !=
	    ERR_OK) {
		publisher->counters.refused++;
		return ERR_AGAIN;
	}
	return ERR_OK;
}

enum err_code run_publish(struct run *run, const struct letter *letter)
{
	struct publisher *publisher = run->publisher;
	char topic[PUBLISHER_TOPIC_SIZE];
	struct publication publication = {.topic = topic,
					  .payload = letter->payload,
					  .qos = letter->qos,
					  .is_retained = letter->is_retained};
	bool fits =
		text_format(topic, sizeof(topic), "%s%s%s%s", publisher->prefix,
			    letter->kind, letter->level == NULL ? "" : "/",
			    letter->level == NULL ? "" : letter->level);

	ASSERT(fits);
	return publication_send(run, &publication);
}

enum err_code run_clear(struct run *run, const char *topic)
{
	struct publication publication = {.topic = topic,
					  .payload = {"", 0},
					  .qos = 1,
					  .is_retained = true};

	return publication_send(run, &publication);
}

/* The numbers that the ledger gave since the last run. */
static enum err_code items_learn(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	uint64_t count;
	enum err_code code = view_count(run->view, TABLE_SKU, &count, err);

	if (code != ERR_OK || count == publisher->item_count)
		return code;
	ASSERT(count > publisher->item_count && count < UINT32_MAX);
	code = stock_grow(publisher, (uint32_t)count, err);
	if (code != ERR_OK)
		return code;
	for (uint32_t i = publisher->item_count + 1; i <= count; i++)
		stock_mark(publisher, (struct item_no){i});
	publisher->item_count = (uint32_t)count;
	return ERR_OK;
}

/* After a connect everything is due. The journal is looked at from where it was
 * left, for what was closed meanwhile; at the first connect of all from its
 * end, for what is open is published anyway. */
static void everything_mark(struct run *run)
{
	struct publisher *publisher = run->publisher;

	if (publisher->cursor.value == 0)
		publisher->cursor = run->head;
	marks_add_range(&publisher->due, 1, publisher->item_count);
	marks_clear(&publisher->changed);
	chunks_mark_all(&publisher->chunks);
	publisher->status.beat_ms = run->now->monotonic_ms;
	publisher->is_fresh = false;
	publisher->is_retimed = false;
}

/* All that says for how long it is fresh says so again, and a status after it.
 * A sweep under way does not wait for all that, so it begins anew. */
static void retimed_mark(struct run *run)
{
	struct publisher *publisher = run->publisher;

	marks_add_range(&publisher->due, 1, publisher->item_count);
	chunks_mark_all(&publisher->chunks);
	publisher->sweep.is_running = false;
	publisher->status.is_due = true;
	publisher->status.beat_ms = run->now->monotonic_ms;
	publisher->is_retimed = false;
}

static enum err_code run_begin(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	struct journal_head head;
	enum err_code code;

	code = view_begin(ledger_env(publisher->ledger), &run->view, err);
	if (code == ERR_OK)
		code = ledger_head(run->view, &head, err);
	if (code == ERR_OK)
		code = items_learn(run, err);
	if (code != ERR_OK)
		return code;
	run->head = head.pos;
	if (publisher->is_fresh)
		everything_mark(run);
	else if (publisher->is_retimed)
		retimed_mark(run);
	run->age.clock_trusted = run->now->clock_trusted;
	run->age.fresh_for_s = publisher->rates.fresh_for_s;
	return status_as_of(run, run->head, &run->age.as_of, err);
}

/* ---- the journal's new entries ---- */

struct walk {
	struct run *run;
	uint32_t left;
};

static enum err_code item_changed(struct run *run, const struct sku *sku,
				  struct err *err)
{
	struct item_no item;
	enum err_code code = item_find(run->view, sku_span(sku), &item, err);

	if (code == ERR_NOT_FOUND)
		return err_set(err, ERR_CORRUPT,
			       "an item of the journal has no number");
	if (code == ERR_OK)
		stock_mark(run->publisher, item);
	return code;
}

/* Marks what @entry touched. */
static enum err_code entry_look(struct run *run, struct pos pos,
				const struct entry *entry, struct err *err)
{
	switch (entry->kind) {
	case ENTRY_MOVEMENT:
		run->publisher->load.movements++;
		return item_changed(run, &entry->body.movement.item, err);
	case ENTRY_ITEM:
		return item_changed(run, &entry->body.item.sku, err);
	case ENTRY_TASK:
	case ENTRY_ALERT:
		return note_changed(run, pos, entry, err);
	case ENTRY_FOUNDING:
	case ENTRY_CODE:
	case ENTRY_BIN:
	case ENTRY_DEVICE:
	case ENTRY_ACCOUNT:
	case ENTRY_COUNT:
	case ENTRY_ORDER:
	case ENTRY_STATUS:
	case ENTRY_LOSS:
	case ENTRY_TRANSFER:
	case ENTRY_CLAIM:
	case ENTRY_CHECK:
	case ENTRY_CHECK_RESULT:
	case ENTRY_CERTIFICATE:
	case ENTRY_FENCE:
	case ENTRY_INTENT:
	case ENTRY_INTENT_RESULT:
	case ENTRY_INVITATION:
	case ENTRY_SUCCESSION:
	case ENTRY_CLOSING:
	case ENTRY_ROOT:
		break; /* nothing that is published shows them */
	}
	return ERR_OK;
}

static enum err_code row_look(void *context, const struct journal_row *row,
			      struct err *err)
{
	struct walk *walk = context;
	struct entry entry;
	enum err_code code;

	if (walk->left == 0 || run_is_over(walk->run)) {
		run_due(walk->run, walk->run->now->monotonic_ms);
		return ERR_STOPPED;
	}
	walk->left--;
	code = entry_decode(row->bytes, &entry);
	if (code == ERR_OK)
		code = entry_look(walk->run, row->pos, &entry, err);
	else if (code == ERR_VERSION)
		code = ERR_OK; /* of a newer depot: nothing we could show */
	else
		code = err_set(err, code, "the journal has a garbled entry");
	/* The cursor moves only past what has been dealt with. */
	if (code == ERR_OK)
		walk->run->publisher->cursor = row->pos;
	return code;
}

static enum err_code journal_look(struct run *run, struct err *err)
{
	struct walk walk = {run, RUN_ENTRIES_MAX};
	struct pos next = {run->publisher->cursor.value + 1};
	enum err_code code;

	if (run->publisher->cursor.value >= run->head.value)
		return ERR_OK;
	code = journal_walk(run->view, next, row_look, &walk, err);
	return code == ERR_STOPPED ? ERR_OK : code;
}

/* ---- what other sites sent here, or took back ---- */

static enum err_code inbound_changed(struct run *run, uint64_t number,
				     struct err *err)
{
	struct item_no item;
	struct sku sku;
	enum err_code code = transfer_change_item(run->view, number, &sku, err);

	if (code == ERR_OK)
		code = item_find(run->view, sku_span(&sku), &item, err);
	/* What only HQ's catalogue knows has never been here, as little as
	 * what is not found. */
	if (code == ERR_OK && !catalogue_has_given(item))
		stock_mark(run->publisher, item);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* It is in no journal of ours, so it is counted apart. */
static enum err_code inbound_look(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	uint64_t seen = publisher->inbound_seen;
	uint64_t last;
	enum err_code code = transfer_change_last(run->view, &last, err);

	if (code != ERR_OK || last == seen)
		return code;
	if (last < seen || last - seen > TRANSFER_CHANGES_MAX) {
		for (uint32_t i = 1; i <= publisher->item_count; i++)
			stock_mark(publisher, (struct item_no){i});
		seen = last;
	}
	while (code == ERR_OK && seen < last)
		code = inbound_changed(run, ++seen, err);
	if (code == ERR_OK)
		publisher->inbound_seen = last;
	return code;
}

/* ---- what HQ said of items ---- */

/* Neither is that in the journal. A catalogue comes in many deltas, and which
 * items they speak of is not noted: all say again what they are called, once
 * for many. */
static enum err_code master_look(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;
	struct pos master;
	enum err_code code = feed_newest(run->view, SITE_MASTER, &master, err);

	if (code != ERR_OK || master.value == publisher->master_seen.value)
		return code;
	if (run->now->monotonic_ms < publisher->master_ms) {
		run_due(run, publisher->master_ms);
		return ERR_OK;
	}
	marks_add_range(&publisher->due, 1, publisher->item_count);
	chunks_mark_all(&publisher->chunks);
	publisher->master_seen = master;
	publisher->master_ms = run->now->monotonic_ms + MASTER_AGAIN_MS;
	return ERR_OK;
}

/* ---- the order of things ---- */

/* What says that something is wrong comes first, what only repeats comes
 * last. Each step ends with the run's budget and goes on in the next. */
typedef enum err_code run_step_fn(struct run *run, struct err *err);
static run_step_fn *const run_steps[] = {
	status_publish, journal_look,  inbound_look,    master_look,
	notes_publish,  stock_publish, changes_publish, chunks_publish,
	stale_publish,  sweep_advance,
};

static enum err_code run_steps_do(struct run *run, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(run_steps); i++) {
		enum err_code code = run_steps[i](run, err);

		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

enum err_code publisher_run(struct publisher *publisher,
			    const struct publisher_now *now,
			    int64_t *ret_due_ms, struct err *err)
{
	struct run run = {.publisher = publisher,
			  .now = now,
			  .left = RUN_PUBLICATIONS_MAX,
			  .due_ms = INT64_MAX};
	enum err_code code = ERR_OK;

	if (publisher->is_connected) {
		code = run_begin(&run, err);
		if (code == ERR_OK)
			code = run_steps_do(&run, err);
		view_end(run.view);
	}
	if (code != ERR_OK) {
		run.due_ms = now->monotonic_ms + RUN_AGAIN_MS;
		code = code == ERR_AGAIN ? ERR_OK : code;
	}
	*ret_due_ms = run.due_ms;
	return code;
}

void publisher_counters(const struct publisher *publisher,
			struct publisher_counters *ret_counters)
{
	*ret_counters = publisher->counters;
	ret_counters->items = publisher->item_count;
	ret_counters->items_due = publisher->due.count;
}
