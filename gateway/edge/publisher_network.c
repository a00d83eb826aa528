#include "gateway/edge/publisher_network_parts.h"

#include <stdlib.h>

/* ---- opening ---- */

enum err_code publisher_network_open(const struct publisher_network_plan *plan,
				     struct env *env,
				     const struct publisher_sink *sink,
				     struct publisher_network **ret_network,
				     struct err *err)
{
	struct publisher_network *network = calloc(1, sizeof(*network));
	char org[NAME_SIZE_MAX + 1];
	enum err_code code;
	bool fits;

	if (network == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	network->site = plan->site;
	network->rates = plan->rates;
	network->env = env;
	network->sink = *sink;
	text_print(plan->org, org, sizeof(org));
	network->shown = plan->shown;
	fits = text_format(network->org, sizeof(network->org), "depot/v1/%s/",
			   org);
	ASSERT(fits);
	code = feed_desk_open(plan->net_id, &network->desk, err);
	if (code != ERR_OK) {
		publisher_network_close(network);
		return code;
	}
	*ret_network = network;
	return ERR_OK;
}

void publisher_network_close(struct publisher_network *network)
{
	if (network == NULL)
		return;
	feed_desk_close(network->desk);
	network_sites_release(&network->sites);
	network_item_release(&network->item);
	intern_release(&network->names);
	marks_release(&network->due);
	marks_release(&network->none);
	free(network->cursors);
	for (uint32_t i = 0; i < network->news_count; i++)
		site_news_release(&network->news[i]);
	free(network->news);
	free(network->pages);
	free(network);
}

void publisher_network_rates(struct publisher_network *network,
			     const struct network_rates *rates)
{
	if (network == NULL)
		return;
	network->rates = *rates;
	network->has_told = false;
}

void publisher_network_heads(struct publisher_network *network,
			     network_heads_fn *heads, void *context)
{
	network->heads = heads;
	network->heads_context = context;
}

void publisher_network_connected(struct publisher_network *network)
{
	if (network == NULL)
		return;
	network->is_connected = true;
	network->is_fresh = true;
	network->is_complete = false;
	network->has_told = false;
	network->look_ms = 0;
	network->round_ms = 0;
	network->stale_count = 0;
	network->has_missed_stale = false;
	network_sites_anew(network);
}

void publisher_network_disconnected(struct publisher_network *network)
{
	if (network != NULL)
		network->is_connected = false;
}

/* ---- publishing ---- */

enum err_code network_publish(struct publisher_network *network,
			      bool is_network, const char *level,
			      const struct json_out *out)
{
	char topic[PUBLISHER_TOPIC_SIZE];
	struct publication publication = {
		.topic = topic, .qos = 1, .is_retained = true};
	bool fits = text_format(topic, sizeof(topic), "%s%s%s", network->org,
				is_network ? "network/" : "", level);

	ASSERT(fits);
	if (out != NULL) {
		ASSERT(out_ok(out));
		publication.payload = out_span(out);
	} else {
		publication.payload = SPAN_LITERAL("");
	}
	network->left--;
	return network->sink.publish(network->sink.context, &publication);
}

static enum err_code network_send(struct publisher_network *network,
				  const char *level, const struct json_out *out)
{
	return network_publish(network, true, level, out);
}

/* "stock/{item}/{n}" */
#define STOCK_LEVEL_SIZE (sizeof("stock/") + VIEW_LEVEL_SIZE + 12)

static enum err_code page_send(struct publisher_network *network,
			       const char *level, uint32_t page)
{
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	char topic[STOCK_LEVEL_SIZE];
	struct json_out out;
	bool fits = text_format(topic, sizeof(topic), "stock/%s/%u", level,
				(unsigned)page);

	ASSERT(fits);
	if (page >= network_pages(&network->item))
		return network_send(network, topic, NULL);
	out_init(&out, buffer, sizeof(buffer));
	view_network_page_print(&network->sites, &network->item, page, &out);
	return network_send(network, topic, &out);
}

static enum err_code total_send(struct publisher_network *network,
				const char *level)
{
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	char topic[STOCK_LEVEL_SIZE];
	struct json_out out;
	bool fits = text_format(topic, sizeof(topic), "stock/%s", level);

	ASSERT(fits);
	if (network->item.count == 0 && network->item.in_transit == 0)
		return network_send(network, topic, NULL);
	out_init(&out, buffer, sizeof(buffer));
	view_network_stock_print(&network->sites, &network->item, &out);
	return network_send(network, topic, &out);
}

/* Pages first: who reads a total finds its pages. */
static enum err_code item_publish(struct look *look, uint32_t number,
				  struct err *err)
{
	struct publisher_network *network = look->network;
	char level[VIEW_LEVEL_SIZE];
	struct sku sku = {.size = 0};
	bool fits = sku_set(&sku, intern_key(&network->names, number));
	uint32_t last;
	enum err_code code;

	ASSERT(fits);
	code = network_item_read(look->view, &network->sites, &sku,
				 &network->item, err);
	view_level_print(sku_span(&sku), level);
	last = network_pages(&network->item);
	if (last < network->pages[number])
		last = network->pages[number];
	for (uint32_t i = 0; i < last && code == ERR_OK; i++)
		code = page_send(network, level, i);
	if (code == ERR_OK)
		code = total_send(network, level);
	if (code == ERR_OK)
		code = network_rows_publish(network, number, level, err);
	if (code != ERR_OK)
		return code;
	network->pages[number] = network_pages(&network->item);
	marks_remove(&network->due, number);
	network->turn = number + 1;
	return ERR_OK;
}

static enum err_code items_publish(struct look *look, struct err *err)
{
	struct publisher_network *network = look->network;
	uint32_t number;

	for (uint32_t i = 0;
	     i < NETWORK_ITEMS_MAX && network->left > 0 &&
	     marks_next(&network->due, &network->none, network->turn, &number);
	     i++) {
		enum err_code code = item_publish(look, number, err);

		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

static bool status_is_same(const struct network_status *a,
			   const struct network_status *b)
{
	return a->sites == b->sites && a->covered == b->covered &&
	       a->closed == b->closed && a->stale == b->stale &&
	       a->forked == b->forked;
}

static enum err_code status_publish(struct look *look)
{
	struct publisher_network *network = look->network;
	struct network_status status = network->seen;
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct json_out out;
	bool was_complete = network->told.has_oldest;

	status.oldest = network->complete;
	status.has_oldest = network->is_complete;
	if (network->has_told && status_is_same(&status, &network->told) &&
	    was_complete == status.has_oldest &&
	    look->now->monotonic_ms < network->beat_ms)
		return ERR_OK;
	out_init(&out, buffer, sizeof(buffer));
	view_network_status_print(&status, network->rates.fresh_for_s, &out);
	if (network_send(network, "status", &out) != ERR_OK)
		return ERR_AGAIN;
	network->told = status;
	network->has_told = true;
	network->beat_ms =
		look->now->monotonic_ms + network->rates.status_interval_ms;
	return ERR_OK;
}

/* All is out as the last look saw it: then so is its age. */
static void complete_note(struct publisher_network *network)
{
	if (network->due.count > 0 || network_is_pending(network) ||
	    network_notes_are_due(network))
		return;
	network_sites_complete(network);
	network->complete = network->seen.oldest;
	network->is_complete = network->seen.has_oldest;
}

/* ---- one run ---- */

static enum err_code round_do(struct look *look, struct err *err)
{
	struct publisher_network *network = look->network;
	int64_t now_ms = look->now->monotonic_ms;
	enum err_code code = ERR_OK;

	network->left = NETWORK_SENDS_MAX;
	if (network->is_fresh || network->is_behind ||
	    now_ms >= network->look_ms) {
		network->look_ms = now_ms + NETWORK_LOOK_MS;
		code = network_look(look, err);
	}
	if (code == ERR_OK)
		code = network_scan(look, err);
	if (code == ERR_OK)
		code = network_notes_publish(look, err);
	if (code == ERR_OK)
		code = items_publish(look, err);
	if (code == ERR_OK)
		code = network_stale_clear(look, err);
	if (code != ERR_OK)
		return code;
	complete_note(network);
	code = network_statuses_publish(look, err);
	return code == ERR_OK ? status_publish(look) : code;
}

bool publisher_network_age(const struct publisher_network *network,
			   uint32_t site, struct site_age *ret_age)
{
	if (network == NULL)
		return false;
	for (uint32_t i = 0; i < network->sites.count; i++) {
		const struct network_site *at = &network->sites.at[i];

		if (at->number != site || !at->is_covered)
			continue;
		*ret_age = (struct site_age){at->as_of, at->has_as_of,
					     at->is_stale};
		return true;
	}
	return false;
}

enum err_code publisher_network_run(struct publisher_network *network,
				    const struct publisher_now *now,
				    int64_t *ret_due_ms, struct err *err)
{
	struct look look = {network, now, NULL, 0};
	enum err_code code;

	*ret_due_ms = INT64_MAX;
	if (network == NULL || !network->is_connected)
		return ERR_OK;
	if (now->monotonic_ms < network->round_ms) {
		*ret_due_ms = network->round_ms;
		return ERR_OK;
	}
	code = view_begin(network->env, &look.view, err);
	if (code == ERR_OK)
		code = round_do(&look, err);
	view_end(look.view);
	network->round_ms = code == ERR_AGAIN || network->due.count > 0 ||
					    network_is_pending(network)
				    ? now->monotonic_ms + NETWORK_ROUND_MS
				    : network->look_ms;
	*ret_due_ms = network->round_ms;
	return code == ERR_AGAIN ? ERR_OK : code;
}
