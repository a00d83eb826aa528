/*
 * What is new in the feeds, and how old it is: items are marked, sites become
 * stale and fresh.
 */
#include "gateway/edge/publisher_network_parts.h"
#include "store/transfer.h"

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
	network_site_touch(look->network, look->site, entry);
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
	network_site_touch(network, cursor->id.site, NULL);
}

/* Marks what the next deltas of the feed touched. */
static enum err_code feed_read(struct look *look,
			       const struct feed_record *feed,
			       struct feed_cursor *cursor, struct err *err)
{
	uint64_t last = feed->seq - feed->late;

	look->site = feed->id.site;
	for (uint32_t i = 0; i < NETWORK_DELTAS_MAX; i++) {
		struct delta_place place = {feed->id, cursor->seq + 1};
		enum err_code code;

		if (cursor->seq >= last)
			return ERR_OK;
		code = feed_entries(look->network->desk, look->view, &place,
				    entry_mark, look, err);
		if (code != ERR_OK)
			return code;
		cursor->seq++;
	}
	look->network->is_behind |= cursor->seq < last;
	return ERR_OK;
}

static enum err_code feed_look(struct look *look,
			       const struct feed_record *feed, struct err *err)
{
	struct publisher_network *network = look->network;
	struct feed_cursor *cursor = NULL;
	uint64_t shown = feed->seq - feed->late; /* by the balances */
	enum err_code code = cursor_find(network, feed->id, &cursor, err);
	bool is_anew;

	if (code != ERR_OK)
		return code;
	/* New to us, folded again because it ends earlier, or far ahead. */
	is_anew = cursor->seq == 0 || shown < cursor->seq ||
		  feed->counted < cursor->counted ||
		  shown - cursor->seq > NETWORK_BEHIND_MAX;
	if (!is_anew)
		code = feed_read(look, feed, cursor, err);
	if (is_anew || code == ERR_NOT_FOUND) { /* or its rows are pruned */
		feed_begin_anew(network, cursor);
		cursor->seq = shown;
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

enum err_code network_scan(struct look *look, struct err *err)
{
	struct publisher_network *network = look->network;
	uint32_t left = NETWORK_SCAN_MAX;
	enum err_code code = ERR_OK;

	for (uint32_t i = 0; i < network->cursor_count && code == ERR_OK; i++)
		code = cursor_scan(look, &network->cursors[i], &left, err);
	return code;
}

bool network_is_pending(const struct publisher_network *network)
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
	if (look->now->clock_trusted && site->has_as_of)
		news->news_ms -= age_ms > 0 ? age_ms : 0;
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
	if (news->number != site->number) {
		site_news_release(news);
		*news = (struct site_news){.number = site->number,
					   .is_notes_due = true,
					   .is_status_due = true};
	}
	if (site->number == look->network->site)
		code = own_as_of(look, site, err);
	if (code != ERR_OK)
		return code;
	news_take(look, site, news);
	site->is_stale = site->is_stale || is_silent(look, site, news);
	if (news->is_known &&
	    (news->was_stale != site->is_stale || news->state != site->state))
		site_mark(look->network, site->number);
	news->is_status_due |=
		news->was_stale != site->is_stale || news->state != site->state;
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
	if (network->news_count < network->sites.count)
		network->news_count = network->sites.count;
	heads_take(network);
	for (uint32_t i = 0; i < network->sites.count && code == ERR_OK; i++)
		code = site_look(look, &network->sites.at[i], &network->news[i],
				 err);
	network->seen = network_status_of(&network->sites);
	return code;
}

enum err_code network_look(struct look *look, struct err *err)
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
