/*
 * What the broker kept of what HQ published once, and no feed tells any more:
 * it is cleared.
 */
#include "gateway/edge/publisher_network_parts.h"

#include "gateway/core/view_site.h"

static bool span_skip(struct span *text, const char *start)
{
	size_t size = span_of(start).size;

	if (!span_starts(*text, start))
		return false;
	text->data += size;
	text->size -= size;
	return true;
}

/* The part of @text before the first slash, which is taken away with it. */
static struct span level_take(struct span *text)
{
	struct span level = {text->data, 0};

	while (level.size < text->size && level.data[level.size] != '/')
		level.size++;
	text->data += level.size;
	text->size -= level.size;
	(void)span_skip(text, "/");
	return level;
}

/* ---- network/stock ---- */

static enum err_code total_is_held(struct publisher_network *network,
				   const struct view *view, struct span rest,
				   bool *ret_is_held, struct err *err)
{
	char name[VIEW_LEVEL_NAME_SIZE_MAX];
	struct span text = {name, 0};
	struct span level = level_take(&rest);
	struct sku sku;
	uint64_t page;
	enum err_code code;

	*ret_is_held = false;
	if (!view_level_parse(level, name, &text.size) || !sku_set(&sku, text))
		return ERR_OK; /* not as we write it */
	code = network_item_read(view, &network->sites, &sku, &network->item,
				 err);
	if (code != ERR_OK)
		return code;
	if (rest.size == 0)
		*ret_is_held = network->item.count > 0 ||
			       network->item.in_transit != 0;
	else
		*ret_is_held = span_to_u64(rest, UINT32_MAX, &page) &&
			       page < network_pages(&network->item);
	return ERR_OK;
}

/* ---- a site's own ---- */

static enum err_code balance_seen(void *context,
				  const struct site_balance_key *key,
				  const struct balance *balance,
				  struct err *err)
{
	bool *is_held = context;

	(void)key;
	(void)balance;
	(void)err;
	*is_held = true;
	return ERR_STOPPED;
}

static enum err_code stock_is_held(struct publisher_network *network,
				   const struct view *view, uint32_t index,
				   struct span sku, bool *ret_is_held,
				   struct err *err)
{
	enum err_code code = ERR_OK;

	if (network->shown != NETWORK_SITES_STOCK)
		return ERR_OK;
	for (uint32_t i = 0; i < network->sites.feed_count && code == ERR_OK;
	     i++)
		if (network->sites.feeds[i].site == index)
			code = site_balance_item(
				view, network->sites.feeds[i].record.id, sku,
				balance_seen, ret_is_held, err);
	return code == ERR_STOPPED ? ERR_OK : code;
}

struct note_wanted {
	struct span id;
	bool is_held;
};

static enum err_code note_seen(void *context, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct note_wanted *wanted = context;
	struct span id = entry->kind == ENTRY_ALERT
				 ? ref_span(&entry->body.alert.id)
				 : name_span(&entry->body.task.id);

	(void)pos;
	(void)err;
	wanted->is_held |=
		span_equal(id, wanted->id) && site_note_is_open(entry);
	return ERR_OK;
}

static enum err_code site_topic_is_held(struct publisher_network *network,
					const struct view *view, uint32_t index,
					struct span rest, bool *ret_is_held,
					struct err *err)
{
	struct span kind = level_take(&rest);
	uint32_t number = network->sites.at[index].number;
	char name[VIEW_LEVEL_NAME_SIZE_MAX];
	struct note_wanted wanted = {{name, 0}, false};
	enum err_code code = ERR_OK;

	if (!span_is(kind, "stock") && !span_is(kind, "alert") &&
	    !span_is(kind, "task"))
		return ERR_OK; /* none of what is cleared */
	*ret_is_held = false;
	if (!view_level_parse(rest, name, &wanted.id.size))
		return ERR_OK;
	if (span_is(kind, "stock"))
		return stock_is_held(network, view, index, wanted.id,
				     ret_is_held, err);
	code = feed_latest_walk(
		view, number, span_is(kind, "alert") ? ENTRY_ALERT : ENTRY_TASK,
		note_seen, &wanted, err);
	*ret_is_held = wanted.is_held;
	return code;
}

/* @rest is a topic behind depot/v1/{org}/. True, too, for what is not ours to
 * clear: of a site that the roster does not know, and HQ's own. */
static enum err_code topic_is_held(struct publisher_network *network,
				   const struct view *view, struct span rest,
				   bool *ret_is_held, struct err *err)
{
	struct span name;

	*ret_is_held = true;
	if (span_skip(&rest, "network/"))
		return span_skip(&rest, "stock/")
			       ? total_is_held(network, view, rest, ret_is_held,
					       err)
			       : ERR_OK;
	name = level_take(&rest);
	for (uint32_t i = 0; i < network->sites.count; i++) {
		const struct network_site *site = &network->sites.at[i];

		if (site->number != network->site &&
		    span_equal(name_span(&site->name), name))
			return site_topic_is_held(network, view, i, rest,
						  ret_is_held, err);
	}
	return ERR_OK;
}

/* ---- what the broker kept ---- */

static enum err_code topic_look(struct publisher_network *network,
				struct span rest, bool *ret_is_held,
				struct err *err)
{
	struct view *view;
	enum err_code code = view_begin(network->env, &view, err);

	if (code != ERR_OK)
		return code;
	/* Before the first look nobody knows who there is. */
	if (network->sites.count == 0)
		code = network_sites_read(view, &network->sites, err);
	if (code == ERR_OK)
		code = topic_is_held(network, view, rest, ret_is_held, err);
	view_end(view);
	return code;
}

enum err_code publisher_network_retained(struct publisher_network *network,
					 struct span topic, struct err *err)
{
	struct span rest = topic;
	bool is_held = true;
	enum err_code code;

	if (network == NULL || topic.size >= PUBLISHER_TOPIC_SIZE ||
	    !span_skip(&rest, network->org))
		return ERR_OK;
	code = topic_look(network, rest, &is_held, err);
	if (code != ERR_OK || is_held)
		return code;
	if (network->stale_count == NETWORK_STALE_MAX) {
		network->has_missed_stale = true;
		return ERR_OK;
	}
	text_print(rest, network->stale[network->stale_count++],
		   PUBLISHER_TOPIC_SIZE);
	return ERR_OK;
}

bool publisher_network_wants_retained(struct publisher_network *network)
{
	bool wants = network != NULL && network->has_missed_stale &&
		     network->stale_count == 0;

	if (wants)
		network->has_missed_stale = false;
	return wants;
}

/* Looks again: what was noted may have come back meanwhile. */
enum err_code network_stale_clear(struct look *look, struct err *err)
{
	struct publisher_network *network = look->network;

	while (network->stale_count > 0) {
		const char *rest = network->stale[network->stale_count - 1];
		bool is_held;
		enum err_code code = topic_is_held(
			network, look->view, span_of(rest), &is_held, err);

		if (code == ERR_OK && !is_held)
			code = network_publish(network, false, rest, NULL);
		if (code != ERR_OK)
			return code;
		network->stale_count--;
	}
	return ERR_OK;
}
