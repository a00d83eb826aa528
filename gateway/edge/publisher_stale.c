#include "gateway/edge/publisher_parts.h"

#include <string.h>

#include "store/master.h"

/* ---- does the ledger hold it? ---- */

static enum err_code item_is_held(const struct view *view, struct span sku,
				  bool *ret_is_held, struct err *err)
{
	struct item_no item;
	struct stock stock;
	enum err_code code = item_find(view, sku, &item, err);

	if (code == ERR_OK)
		code = view_stock_read(view, item, &stock, err);
	if (code == ERR_OK)
		*ret_is_held = !stock.has_left;
	return code;
}

static enum err_code task_is_held(const struct view *view, struct span id,
				  bool *ret_is_held, struct err *err)
{
	struct task task;
	enum err_code code = task_get(view, id, &task, err);

	if (code == ERR_OK)
		*ret_is_held = view_task_is_open(&task);
	return code;
}

static enum err_code alert_is_held(const struct view *view, struct span id,
				   bool *ret_is_held, struct err *err)
{
	struct alert alert;
	enum err_code code = alert_get(view, id, &alert, err);

	if (code == ERR_OK)
		*ret_is_held = true;
	return code;
}

typedef enum err_code held_fn(const struct view *view, struct span name,
			      bool *ret_is_held, struct err *err);

/* The topics that are ours to clear. */
static const struct stale_kind {
	const char *start;
	held_fn *is_held;
} stale_kinds[] = {
	{"stock/", item_is_held},
	{"task/", task_is_held},
	{"alert/", alert_is_held},
};

static bool span_skip(struct span *text, const char *start)
{
	size_t size = span_of(start).size;

	if (!span_starts(*text, start))
		return false;
	text->data += size;
	text->size -= size;
	return true;
}

/*
 * @rest is a topic without its prefix. True, too, for what is not ours to
 * clear.
 */
static enum err_code topic_is_held(const struct view *view, struct span rest,
				   bool *ret_is_held, struct err *err)
{
	char name[VIEW_LEVEL_NAME_SIZE_MAX];
	struct span text = {name, 0};

	*ret_is_held = true;
	for (size_t i = 0; i < ARRAY_LEN(stale_kinds); i++) {
		enum err_code code;

		if (!span_skip(&rest, stale_kinds[i].start))
			continue;
		*ret_is_held = false;
		if (!view_level_parse(rest, name, &text.size))
			return ERR_OK; /* not as we write it */
		code = stale_kinds[i].is_held(view, text, ret_is_held, err);
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	}
	return ERR_OK;
}

/* ---- what the broker kept ---- */

static void stale_add(struct publisher *publisher, struct span topic)
{
	if (publisher->stale_count == STALE_MAX) {
		publisher->has_missed_stale = true;
		return;
	}
	text_print(topic, publisher->stale[publisher->stale_count],
		   PUBLISHER_TOPIC_SIZE);
	publisher->stale_count++;
}

/* Of the name that the box had: nothing of that is held. */
static bool is_former(const struct publisher *publisher, struct span topic)
{
	return publisher->former[0] != '\0' &&
	       span_starts(topic, publisher->former);
}

/* How many chunks there are is known when all items have found theirs. */
static void chunk_seen(struct publisher *publisher, struct span topic,
		       struct span level)
{
	uint64_t number;

	if (!span_to_u64(level, CHUNK_NUMBER_MAX, &number))
		stale_add(publisher, topic);
	else if (number >= publisher->snapshot_seen)
		publisher->snapshot_seen = (uint32_t)number + 1;
}

static enum err_code topic_look(struct publisher *publisher, struct span rest,
				bool *ret_is_held, struct err *err)
{
	struct view *view;
	enum err_code code =
		view_begin(ledger_env(publisher->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = topic_is_held(view, rest, ret_is_held, err);
	view_end(view);
	return code;
}

enum err_code publisher_retained(struct publisher *publisher, struct span topic,
				 struct err *err)
{
	struct span rest = topic;
	bool is_held;
	enum err_code code;

	if (is_former(publisher, topic) && topic.size < PUBLISHER_TOPIC_SIZE) {
		stale_add(publisher, topic);
		return ERR_OK;
	}
	if (topic.size >= PUBLISHER_TOPIC_SIZE ||
	    !span_skip(&rest, publisher->prefix))
		return ERR_OK;
	if (span_skip(&rest, "snapshot/")) {
		chunk_seen(publisher, topic, rest);
		return ERR_OK;
	}
	code = topic_look(publisher, rest, &is_held, err);
	if (code == ERR_OK && !is_held)
		stale_add(publisher, topic);
	return code;
}

bool publisher_wants_retained(struct publisher *publisher)
{
	bool wants = publisher->has_missed_stale && publisher->stale_count == 0;

	if (wants)
		publisher->has_missed_stale = false;
	return wants;
}

/* ---- clearing ---- */

static enum err_code topic_clear(struct run *run, const char *kind,
				 const char *level)
{
	struct letter letter = {.kind = kind,
				.level = level,
				.payload = {"", 0},
				.qos = 1,
				.is_retained = true};

	if (run_publish(run, &letter) != ERR_OK)
		return ERR_AGAIN;
	run->publisher->counters.cleared++;
	return ERR_OK;
}

static enum err_code chunks_clear(struct run *run)
{
	struct publisher *publisher = run->publisher;

	while (publisher->snapshot_seen > publisher->chunks.count) {
		char level[12];
		enum err_code code;

		if (run_is_over(run))
			return ERR_OK;
		(void)text_format(level, sizeof(level), "%u",
				  (unsigned)publisher->snapshot_seen - 1);
		code = topic_clear(run, "snapshot", level);
		if (code != ERR_OK)
			return code;
		publisher->snapshot_seen--;
	}
	return ERR_OK;
}

/* Looks again: what was noted may have come back meanwhile. */
static enum err_code stale_clear(struct run *run, const char *topic,
				 struct err *err)
{
	const char *rest = topic + run->publisher->prefix_size;
	bool is_held = false;
	enum err_code code = ERR_OK;

	if (is_former(run->publisher, span_of(topic))) {
		code = run_clear(run, topic);
		run->publisher->counters.cleared += code == ERR_OK;
		return code;
	}
	if (!span_starts(span_of(rest), "snapshot/"))
		code = topic_is_held(run->view, span_of(rest), &is_held, err);
	if (code != ERR_OK || is_held)
		return code;
	return topic_clear(run, rest, NULL);
}

enum err_code stale_publish(struct run *run, struct err *err)
{
	struct publisher *publisher = run->publisher;

	while (publisher->stale_count > 0) {
		const char *topic =
			publisher->stale[publisher->stale_count - 1];
		enum err_code code;

		if (run_is_over(run))
			return ERR_OK;
		code = stale_clear(run, topic, err);
		if (code != ERR_OK)
			return code;
		publisher->stale_count--;
	}
	return publisher->is_packed ? chunks_clear(run) : ERR_OK;
}
