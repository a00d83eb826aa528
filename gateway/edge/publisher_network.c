#include "gateway/edge/publisher_network.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/edge/publisher_marks.h"
#include "store/intern.h"
#include "store/transfer.h"

/* Up to where a feed's items have been marked. */
struct feed_cursor {
	struct feed_id id;
	uint64_t seq;
	uint64_t counted;
	bool is_scanning; /* all its items are being marked */
	struct sku after; /* up to here, if so */
};

/* What was last heard of a site. */
struct site_news {
	uint32_t number;
	struct moment as_of;
	uint64_t seq;
	bool has_news;
	int64_t news_ms; /* monotonic */
	bool was_stale;
	enum feed_state state;
	bool is_known;
};

struct publisher_network {
	uint32_t site; /* HQ's */
	struct network_rates rates;
	struct env *env;
	struct publisher_sink sink;
	char prefix[80]; /* "depot/v1/acme/network/" */
	struct feed_desk *desk;
	network_heads_fn *heads;
	void *heads_context;

	bool is_connected;
	bool is_fresh;  /* connected, and no look since */
	bool is_behind; /* deltas are left that the last look did not read */
	int64_t look_ms;
	int64_t round_ms;

	struct network_sites sites;
	struct network_item item;
	struct feed_cursor *cursors;
	size_t cursors_capacity;
	uint32_t cursor_count;
	struct site_news *news; /* one each site, as in sites */
	size_t news_capacity;
	uint32_t news_count;

	struct intern names; /* of items */
	struct marks due;
	struct marks none;
	uint32_t *pages; /* that were published, by item */
	size_t pages_capacity;
	uint32_t turn;

	struct network_status told; /* as last published */
	struct network_status seen; /* as of the last look */
	struct moment complete;     /* the oldest as_of that items are out of */
	bool is_complete;
	bool has_told;
	int64_t beat_ms;
};

struct look {
	struct publisher_network *network;
	const struct publisher_now *now;
	struct view *view;
};

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
	fits = text_format(network->prefix, sizeof(network->prefix),
			   "depot/v1/%s/network/", org);
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
}

void publisher_network_disconnected(struct publisher_network *network)
{
	if (network != NULL)
		network->is_connected = false;
}

/* ---- marks ---- */

static enum err_code item_mark(struct publisher_network *network,
			       struct span name, struct err *err)
{
	void *pages = network->pages;
	uint32_t number = 0;
	uint32_t capacity;
	enum err_code code = intern_add(&network->names, name, &number);

	if (code == ERR_OK)
		code = array_reserve(&pages, &network->pages_capacity,
				     number + 1u, sizeof(*network->pages));
	network->pages = pages;
	if (code != ERR_OK)
		return err_set(err, code, "out of memory");
	if (number >= network->due.capacity) {
		capacity = 2 * number + 64;
		code = marks_grow(&network->none, capacity, err);
		if (code == ERR_OK)
			code = marks_grow(&network->due, capacity, err);
		if (code != ERR_OK)
			return code;
	}
	marks_add(&network->due, number);
	return ERR_OK;
}

static enum err_code transfer_item_mark(void *context, const struct sku *item,
					const struct transfer_sums *sums,
					struct err *err)
{
	(void)sums;
	return item_mark(context, sku_span(item), err);
}

/* What a row says moves figures of these items. */
static enum err_code entry_mark(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	struct look *look = context;

	(void)pos;
	if (entry->kind == ENTRY_MOVEMENT)
		return item_mark(look->network,
				 sku_span(&entry->body.movement.item), err);
	if (entry->kind == ENTRY_TRANSFER)
		return transfer_items(look->view,
				      place_name_span(&entry->body.transfer.id),
				      transfer_item_mark, look->network, err);
	if (entry->kind == ENTRY_CLAIM)
		return item_mark(look->network,
				 sku_span(&entry->body.claim.item), err);
	return ERR_OK;
}

static void cursor_rescan(struct feed_cursor *cursor)
{
	cursor->is_scanning = true;
	cursor->after.size = 0;
}

/* ---- feeds ---- */

static bool feed_is(struct feed_id a, struct feed_id b)
{
	return a.site == b.site && a.epoch == b.epoch && a.branch == b.branch;
}

static enum err_code cursor_find(struct publisher_network *network,
				 struct feed_id id,
				 struct feed_cursor **ret_cursor,
				 struct err *err)
{
	void *array = network->cursors;
	enum err_code code;

	for (uint32_t i = 0; i < network->cursor_count; i++) {
		if (feed_is(network->cursors[i].id, id)) {
			*ret_cursor = &network->cursors[i];
			return ERR_OK;
		}
	}
	code = array_reserve(&array, &network->cursors_capacity,
			     network->cursor_count + 1u,
			     sizeof(*network->cursors));
	network->cursors = array;
	if (code != ERR_OK)
		return err_set(err, code, "out of memory");
	*ret_cursor = &network->cursors[network->cursor_count++];
	**ret_cursor = (struct feed_cursor){.id = id, .is_scanning = true};
	return ERR_OK;
}

static void mark_known(struct publisher_network *network)
{
	if (network->names.count > 0)
		marks_add_range(&network->due, 0, network->names.count - 1);
}

/* A scan marks what the feed has; what it no longer has is known by name. */
static void feed_begin_anew(struct publisher_network *network,
			    struct feed_cursor *cursor)
{
	cursor_rescan(cursor);
	mark_known(network);
}

/* Marks what the next deltas of the feed touched. */
static enum err_code feed_read(struct look *look,
			       const struct feed_record *feed,
			       struct feed_cursor *cursor, struct err *err)
{
	for (uint32_t i = 0; i < NETWORK_DELTAS_MAX; i++) {
		struct delta_place place = {feed->id, cursor->seq + 1};
		enum err_code code;

		if (cursor->seq == feed->seq)
			return ERR_OK;
		code = feed_entries(look->network->desk, look->view, &place,
				    entry_mark, look, err);
		if (code != ERR_OK)
			return code;
		cursor->seq++;
	}
	look->network->is_behind |= cursor->seq < feed->seq;
	return ERR_OK;
}

static enum err_code feed_look(struct look *look,
			       const struct feed_record *feed, struct err *err)
{
	struct publisher_network *network = look->network;
	struct feed_cursor *cursor = NULL;
	enum err_code code = cursor_find(network, feed->id, &cursor, err);
	bool is_anew;

	if (code != ERR_OK)
		return code;
	/* New to us, folded again because it ends earlier, or far ahead. */
	is_anew = cursor->seq == 0 || feed->seq < cursor->seq ||
		  feed->counted < cursor->counted ||
		  feed->seq - cursor->seq > NETWORK_BEHIND_MAX;
	if (!is_anew)
		code = feed_read(look, feed, cursor, err);
	if (is_anew || code == ERR_NOT_FOUND) { /* or its rows are pruned */
		feed_begin_anew(network, cursor);
		cursor->seq = feed->seq;
		code = ERR_OK;
	}
	cursor->counted = feed->counted;
	return code;
}

static enum err_code cursor_scan(struct look *look, struct feed_cursor *cursor,
				 uint32_t *left, struct err *err)
{
	while (cursor->is_scanning && *left > 0) {
		struct sku item = {.size = 0};
		enum err_code code =
			site_balance_next(look->view, cursor->id,
					  sku_span(&cursor->after), &item, err);

		if (code == ERR_NOT_FOUND) {
			cursor->is_scanning = false;
			return ERR_OK;
		}
		if (code == ERR_OK)
			code = item_mark(look->network, sku_span(&item), err);
		if (code != ERR_OK)
			return code;
		cursor->after = item;
		(*left)--;
	}
	return ERR_OK;
}

static enum err_code feeds_scan(struct look *look, struct err *err)
{
	struct publisher_network *network = look->network;
	uint32_t left = NETWORK_SCAN_MAX;
	enum err_code code = ERR_OK;

	for (uint32_t i = 0; i < network->cursor_count && code == ERR_OK; i++)
		code = cursor_scan(look, &network->cursors[i], &left, err);
	return code;
}

/* Items may be changed that are not marked yet. */
static bool is_pending(const struct publisher_network *network)
{
	if (network->is_behind)
		return true;
	for (uint32_t i = 0; i < network->cursor_count; i++)
		if (network->cursors[i].is_scanning)
			return true;
	return false;
}

/* ---- the age of sites ---- */

static enum err_code own_as_of(struct look *look, struct network_site *site,
			       struct err *err)
{
	uint64_t unsealed = 0;
	enum err_code code =
		feed_unsealed(look->view, site->number, &unsealed, err);

	if (code == ERR_OK && unsealed == 0 && look->now->backlog == 0) {
		site->as_of = look->now->moment;
		site->has_as_of = look->now->clock_trusted;
	}
	return code;
}

/* A head tells that nothing came behind the last delta. */
static void heads_take(struct publisher_network *network)
{
	struct network_head heads[NETWORK_HEADS_MAX];
	size_t count = network->heads == NULL
			       ? 0
			       : network->heads(network->heads_context, heads);

	for (size_t h = 0; h < count; h++) {
		for (uint32_t i = 0; i < network->sites.count; i++) {
			struct network_site *site = &network->sites.at[i];
			struct moment as_of = stamp_moment(heads[h].stamp);

			if (site->number != heads[h].site ||
			    site->epoch != heads[h].epoch ||
			    site->seq < heads[h].seq ||
			    as_of.ms < site->as_of.ms)
				continue;
			site->as_of = as_of;
			site->has_as_of = heads[h].clock_trusted;
		}
	}
}

/*
 * When the last news was told, on our monotonic clock. Where both clocks are
 * right that is as_of itself: news that was long on its way is old news.
 */
static void news_take(const struct look *look, const struct network_site *site,
		      struct site_news *news)
{
	int64_t age_ms = look->now->moment.ms - site->as_of.ms;

	if (news->is_known && news->as_of.ms == site->as_of.ms &&
	    news->seq == site->seq)
		return;
	news->has_news = true;
	news->news_ms = look->now->monotonic_ms;
	if (look->now->clock_trusted && site->has_as_of && age_ms > 0)
		news->news_ms -= age_ms;
	else if (!news->is_known)
		news->has_news = false; /* nobody can tell how old it is */
	news->as_of = site->as_of;
	news->seq = site->seq;
}

static bool is_silent(const struct look *look, const struct network_site *site,
		      const struct site_news *news)
{
	int64_t limit_ms = (int64_t)look->network->rates.fresh_for_s * 1000;

	if (site->state == FEED_SEALED || site->number == look->network->site)
		return false;
	return !news->has_news ||
	       look->now->monotonic_ms - news->news_ms > limit_ms;
}

/* All that shows the site says so. */
static void site_mark(struct publisher_network *network, uint32_t number)
{
	for (uint32_t i = 0; i < network->cursor_count; i++)
		if (network->cursors[i].id.site == number)
			cursor_rescan(&network->cursors[i]);
}

static enum err_code site_look(struct look *look, struct network_site *site,
			       struct site_news *news, struct err *err)
{
	enum err_code code = ERR_OK;

	/* Another one came in between: what is remembered is somebody else's.
	 */
	if (news->number != site->number)
		*news = (struct site_news){.number = site->number};
	if (site->number == look->network->site)
		code = own_as_of(look, site, err);
	if (code != ERR_OK)
		return code;
	news_take(look, site, news);
	site->is_stale = site->is_stale || is_silent(look, site, news);
	if (news->is_known &&
	    (news->was_stale != site->is_stale || news->state != site->state))
		site_mark(look->network, site->number);
	news->was_stale = site->is_stale;
	news->state = site->state;
	news->is_known = true;
	return ERR_OK;
}

static enum err_code sites_look(struct look *look, struct err *err)
{
	struct publisher_network *network = look->network;
	void *array = network->news;
	enum err_code code;

	code = network_sites_read(look->view, &network->sites, err);
	if (code != ERR_OK)
		return code;
	code = array_reserve(&array, &network->news_capacity,
			     network->sites.count + 1u, sizeof(*network->news));
	network->news = array;
	if (code != ERR_OK)
		return err_set(err, code, "out of memory");
	heads_take(network);
	for (uint32_t i = 0; i < network->sites.count && code == ERR_OK; i++)
		code = site_look(look, &network->sites.at[i], &network->news[i],
				 err);
	network->seen = network_status_of(&network->sites);
	return code;
}

/* Looks at what is new. */
static enum err_code network_look(struct look *look, struct err *err)
{
	struct publisher_network *network = look->network;
	enum err_code code;

	if (network->is_fresh) {
		mark_known(network);
		for (uint32_t i = 0; i < network->cursor_count; i++)
			cursor_rescan(&network->cursors[i]);
	}
	network->is_behind = false;
	code = sites_look(look, err);
	for (uint32_t i = 0; i < network->sites.feed_count && code == ERR_OK;
	     i++)
		code = feed_look(look, &network->sites.feeds[i].record, err);
	if (code == ERR_OK)
		network->is_fresh = false;
	return code;
}

/* ---- publishing ---- */

static enum err_code network_send(struct publisher_network *network,
				  const char *level, const struct json_out *out)
{
	char topic[PUBLISHER_TOPIC_SIZE];
	struct publication publication = {
		.topic = topic, .qos = 1, .is_retained = true};
	bool fits = text_format(topic, sizeof(topic), "%s%s", network->prefix,
				level);

	ASSERT(fits);
	if (out != NULL) {
		ASSERT(out_ok(out));
		publication.payload = out_span(out);
	} else {
		publication.payload = SPAN_LITERAL("");
	}
	return network->sink.publish(network->sink.context, &publication);
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
	     i < NETWORK_ITEMS_MAX &&
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
	if (network->due.count > 0 || is_pending(network))
		return;
	network->complete = network->seen.oldest;
	network->is_complete = network->seen.has_oldest;
}

/* ---- one run ---- */

static enum err_code round_do(struct look *look, struct err *err)
{
	struct publisher_network *network = look->network;
	int64_t now_ms = look->now->monotonic_ms;
	enum err_code code = ERR_OK;

	if (network->is_fresh || network->is_behind ||
	    now_ms >= network->look_ms) {
		network->look_ms = now_ms + NETWORK_LOOK_MS;
		code = network_look(look, err);
	}
	if (code == ERR_OK)
		code = feeds_scan(look, err);
	if (code == ERR_OK)
		code = items_publish(look, err);
	if (code != ERR_OK)
		return code;
	complete_note(network);
	return status_publish(look);
}

enum err_code publisher_network_run(struct publisher_network *network,
				    const struct publisher_now *now,
				    int64_t *ret_due_ms, struct err *err)
{
	struct look look = {network, now, NULL};
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
					    is_pending(network)
				    ? now->monotonic_ms + NETWORK_ROUND_MS
				    : network->look_ms;
	*ret_due_ms = network->round_ms;
	return code == ERR_AGAIN ? ERR_OK : code;
}
