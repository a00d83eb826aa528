#include "gateway/core/view_network.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/core/view_parts.h"
#include "store/closing.h"
#include "store/intern.h"
#include "store/roster.h"
#include "store/transfer.h"

/* ---- who there is ---- */

static enum err_code site_add(void *context, struct pos pos,
			      const struct entry *entry, struct err *err)
{
	const struct certificate *certificate = &entry->body.certificate;
	struct network_sites *sites = context;
	struct network_site *site;
	void *array = sites->at;
	enum err_code code;

	(void)pos;
	if (certificate->role != SITE_ROLE_SITE &&
	    certificate->role != SITE_ROLE_HQ)
		return ERR_OK;
	/* They come by site and epoch: the last one's name counts. */
	site = sites->count > 0 ? &sites->at[sites->count - 1] : NULL;
	if (site == NULL || site->number != certificate->site) {
		code = array_reserve(&array, &sites->capacity,
				     sites->count + 1u, sizeof(*sites->at));
		sites->at = array;
		if (code != ERR_OK)
			return err_set(err, code, "out of memory");
		site = &sites->at[sites->count++];
		*site = (struct network_site){.number = certificate->site,
					      .state = FEED_UNKNOWN};
	}
	site->name = certificate->name;
	return ERR_OK;
}

static bool state_is_stale(enum feed_state state)
{
	switch (state) {
	case FEED_CONTIGUOUS:
	case FEED_SEALED:
		return false;
	case FEED_WAITING_GAP:
	case FEED_DESYNCHRONIZED:
	case FEED_FORKED:
	case FEED_FENCED:
	case FEED_ADMITTED:
	case FEED_UNKNOWN:
		break;
	}
	return true;
}

/* Of the branches of one epoch the one that reaches furthest tells. */
static void site_take(struct network_site *site, const struct feed_record *feed)
{
	bool is_newer = feed->id.epoch > site->epoch;
	bool was_forked = !is_newer && site->state == FEED_FORKED;

	if (is_newer || feed->seq >= site->seq) {
		site->epoch = feed->id.epoch;
		site->state = feed->state;
		site->seq = feed->seq;
		site->as_of = stamp_moment(feed->stamp);
		site->has_as_of =
			(feed->clock_flags & DELTA_CLOCK_TRUSTED) != 0;
	}
	if (was_forked || feed->state == FEED_FORKED)
		site->state = FEED_FORKED;
	site->is_stale = state_is_stale(site->state);
	site->is_covered = true;
}

static enum err_code feed_add(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct network_sites *sites = context;
	void *array = sites->feeds;
	enum err_code code;
	uint32_t i = 0;

	while (i < sites->count && sites->at[i].number != feed->id.site)
		i++;
	if (i == sites->count || feed->seq == 0)
		return ERR_OK;
	code = array_reserve(&array, &sites->feeds_capacity,
			     sites->feed_count + 1u, sizeof(*sites->feeds));
	sites->feeds = array;
	if (code != ERR_OK)
		return err_set(err, code, "out of memory");
	sites->feeds[sites->feed_count++] =
		(struct network_feed){*feed, i, false};
	site_take(&sites->at[i], feed);
	return ERR_OK;
}

enum err_code network_sites_read(const struct view *view,
				 struct network_sites *sites, struct err *err)
{
	enum err_code code;

	sites->count = 0;
	sites->feed_count = 0;
	code = roster_walk(view, ENTRY_CERTIFICATE, site_add, sites, err);
	if (code != ERR_OK)
		return code;
	for (uint32_t i = 0; i < sites->count; i++)
		sites->at[i].is_stale = true; /* nothing of it is here */
	code = feed_walk(view, NULL, feed_add, sites, err);
	for (uint32_t i = 0; i < sites->count && code == ERR_OK; i++)
		code = closing_by_hq(view, sites->at[i].number,
				     &sites->at[i].closed_epoch, err);
	for (uint32_t i = 0; i < sites->feed_count && code == ERR_OK; i++) {
		struct network_feed *feed = &sites->feeds[i];

		feed->is_written_off = feed->record.id.epoch <=
				       sites->at[feed->site].closed_epoch;
	}
	return code;
}

void network_sites_release(struct network_sites *sites)
{
	free(sites->at);
	free(sites->feeds);
	*sites = (struct network_sites){.at = NULL};
}

/* ---- one item ---- */

struct reading {
	struct network_figures *row;
	struct network_figures *total;
	uint64_t number; /* of the last entry that moved it in this feed */
	bool is_here;
	bool is_written_off;
};

static void figures_add(struct network_figures *figures, bool is_outbound,
			const struct cell *cell)
{
	if (!tally_add(&figures->tally, is_outbound, cell->condition,
		       cell->quantity))
		figures->has_overflown = true;
}

static enum err_code balance_add_up(void *context,
				    const struct site_balance_key *key,
				    const struct balance *balance,
				    struct err *err)
{
	struct reading *reading = context;
	bool is_outbound = place_is_bin(&key->place, BIN_PICKED) ||
			   place_is_bin(&key->place, BIN_PACKED);

	(void)err;
	reading->is_here = true;
	if (pos_number(balance->pos) > reading->number)
		reading->number = pos_number(balance->pos);
	if (key->place.kind != PLACE_BIN || reading->is_written_off)
		return ERR_OK;
	for (size_t i = 0; i < balance->count; i++) {
		/* No bin holds units of no condition; a row that says so is
		 * none of ours to judge, and none to stop at. */
		if (balance->cells[i].condition == CONDITION_NONE)
			continue;
		figures_add(reading->row, is_outbound, &balance->cells[i]);
		figures_add(reading->total, is_outbound, &balance->cells[i]);
	}
	return ERR_OK;
}

static enum err_code changed_take(const struct view *view,
				  const struct network_feed *feed,
				  uint64_t number, struct network_item *item,
				  struct network_row *row, struct err *err)
{
	struct delta_header header;
	struct moment sealed;
	enum err_code code =
		feed_sealed_at(view, &feed->record, number, &header, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK; /* pruned */
	if (code != ERR_OK)
		return code;
	sealed = stamp_moment(header.stamp);
	row->changed_at = sealed;
	row->has_changed_at = (header.flags & DELTA_CLOCK_TRUSTED) != 0;
	if ((header.flags & DELTA_CLOCK_TRUSTED) != 0 &&
	    (!item->has_changed_at || sealed.ms > item->changed_at.ms)) {
		item->changed_at = sealed;
		item->has_changed_at = true;
	}
	return ERR_OK;
}

/* The row of the feed's site, which is the last one or none yet. */
static enum err_code row_at(struct network_item *item, uint32_t site,
			    struct network_row **ret_row, struct err *err)
{
	void *array = item->rows;
	enum err_code code;

	if (item->count > 0 && item->rows[item->count - 1].site == site) {
		*ret_row = &item->rows[item->count - 1];
		return ERR_OK;
	}
	code = array_reserve(&array, &item->capacity, item->count + 1u,
			     sizeof(*item->rows));
	item->rows = array;
	if (code != ERR_OK)
		return err_set(err, code, "out of memory");
	*ret_row = &item->rows[item->count++];
	**ret_row = (struct network_row){.site = site};
	return ERR_OK;
}

static enum err_code feed_read(const struct view *view,
			       const struct network_feed *feed,
			       struct network_item *item, struct err *err)
{
	struct reading reading = {.total = &item->total,
				  .is_written_off = feed->is_written_off};
	uint32_t had = item->count;
	struct network_row *row = NULL;
	enum err_code code = row_at(item, feed->site, &row, err);

	if (code != ERR_OK)
		return code;
	reading.row = &row->figures;
	code = site_balance_item(view, feed->record.id, sku_span(&item->sku),
				 balance_add_up, &reading, err);
	if (code == ERR_OK && !reading.is_here)
		item->count = had;
	else if (code == ERR_OK) {
		/* Feeds come by epoch: the last life's movement counts. */
		row->pos = pos_make(feed->record.id.epoch, reading.number);
		code = changed_take(view, feed, reading.number, item, row, err);
	}
	return code;
}

/* What came before its sender's word does not make up for what is still to
 * come of another transfer. */
struct transits {
	const struct network_sites *sites;
	struct network_item *item;
};

static void units_add(int64_t units, int64_t *sum)
{
	if (__builtin_add_overflow(*sum, units, sum))
		*sum = INT64_MAX;
}

static enum err_code transit_add(void *context, struct span id, int64_t units,
				 struct err *err)
{
	const struct transits *transits = context;
	struct network_item *item = transits->item;
	struct transfer_id parts;

	(void)err;
	if (units <= 0)
		return ERR_OK;
	units_add(units, &item->in_transit);
	if (!transfer_id_parse(id, &parts))
		return ERR_OK;
	for (uint32_t i = 0; i < item->count; i++)
		if (transits->sites->at[item->rows[i].site].number == parts.to)
			units_add(units, &item->rows[i].in_transit_in);
	return ERR_OK;
}

enum err_code network_item_read(const struct view *view,
				const struct network_sites *sites,
				const struct sku *sku,
				struct network_item *item, struct err *err)
{
	struct transits transits = {sites, item};
	enum err_code code = ERR_OK;

	*item = (struct network_item){
		.sku = *sku, .rows = item->rows, .capacity = item->capacity};
	for (uint32_t i = 0; i < sites->feed_count && code == ERR_OK; i++)
		code = feed_read(view, &sites->feeds[i], item, err);
	if (code == ERR_OK)
		code = transfer_ways(view, sku_span(sku), transit_add,
				     &transits, err);
	return code;
}

void network_item_release(struct network_item *item)
{
	free(item->rows);
	*item = (struct network_item){.rows = NULL};
}

/* ---- the payloads ---- */

uint32_t network_pages(const struct network_item *item)
{
	return (item->count + NETWORK_PAGE_ROWS - 1) / NETWORK_PAGE_ROWS;
}

static void figures_out(const struct network_figures *figures,
			struct json_out *out)
{
	static const char *const names[] = {"on_hand",    "good",
					    "allocated",  "on_hold",
					    "quarantine", "damaged"};
	const struct tally *tally = &figures->tally;
	int64_t units[] = {tally->on_hand.units,    tally->available.units,
			   tally->allocated.units,  tally->on_hold.units,
			   tally->quarantine.units, tally->damaged.units};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (figures->has_overflown)
			out_null_at(out, names[i]);
		else
			out_int_at(out, names[i], units[i]);
	}
}

/* What a subscriber has to know of the sites that have the item. */
static struct network_status status_of_rows(const struct network_sites *sites,
					    const struct network_item *item)
{
	struct network_status status = {.has_oldest = true};

	for (uint32_t i = 0; i < item->count; i++) {
		const struct network_site *site =
			&sites->at[item->rows[i].site];

		if (site->state == FEED_SEALED)
			continue;
		status.stale += site->is_stale ? 1 : 0;
		status.has_oldest = status.has_oldest && site->has_as_of;
		if (status.oldest.ms == 0 || site->as_of.ms < status.oldest.ms)
			status.oldest = site->as_of;
	}
	if (status.oldest.ms == 0)
		status.has_oldest = false;
	return status;
}

void view_network_stock_print(const struct network_sites *sites,
			      const struct network_item *item,
			      struct json_out *out)
{
	struct network_status status = status_of_rows(sites, item);

	out_object(out);
	out_int_at(out, "v", VIEW_VERSION);
	out_text_at(out, "item", sku_span(&item->sku));
	figures_out(&item->total, out);
	out_int_at(out, "in_transit", item->in_transit);
	out_int_at(out, "sites", item->count);
	out_int_at(out, "stale", status.stale);
	out_int_at(out, "pages", network_pages(item));
	view_moment_out("oldest_as_of", status.oldest, status.has_oldest, out);
	view_moment_out("changed_at", item->changed_at, item->has_changed_at,
			out);
	out_object_end(out);
}

static void row_out(const struct network_sites *sites,
		    const struct network_row *row, struct json_out *out)
{
	const struct network_site *site = &sites->at[row->site];

	out_object(out);
	out_int_at(out, "site", site->number);
	out_text_at(out, "name", name_span(&site->name));
	figures_out(&row->figures, out);
	view_moment_out("as_of", site->as_of, site->has_as_of, out);
	out_bool_at(out, "stale", site->is_stale);
	out_string_at(out, "feed", feed_state_name(site->state));
	out_object_end(out);
}

void view_network_page_print(const struct network_sites *sites,
			     const struct network_item *item, uint32_t page,
			     struct json_out *out)
{
	uint32_t first = page * NETWORK_PAGE_ROWS;

	ASSERT(page < network_pages(item));
	out_object(out);
	out_int_at(out, "v", VIEW_VERSION);
	out_text_at(out, "item", sku_span(&item->sku));
	out_int_at(out, "page", page);
	out_int_at(out, "pages", network_pages(item));
	out_array_at(out, "rows");
	for (uint32_t i = first;
	     i < item->count && i < first + NETWORK_PAGE_ROWS; i++)
		row_out(sites, &item->rows[i], out);
	out_array_end(out);
	out_object_end(out);
}

struct network_status network_status_of(const struct network_sites *sites)
{
	struct network_status status = {.sites = sites->count,
					.has_oldest = true};

	for (uint32_t i = 0; i < sites->count; i++) {
		const struct network_site *site = &sites->at[i];

		status.covered += site->is_covered ? 1 : 0;
		if (site->state == FEED_SEALED) {
			status.closed++;
			continue;
		}
		status.stale += site->is_stale ? 1 : 0;
		status.forked += site->state == FEED_FORKED ? 1 : 0;
		status.has_oldest = status.has_oldest && site->has_as_of;
		if (status.oldest.ms == 0 || site->as_of.ms < status.oldest.ms)
			status.oldest = site->as_of;
	}
	if (status.oldest.ms == 0)
		status.has_oldest = false;
	return status;
}

void view_network_status_print(const struct network_status *status,
			       uint32_t fresh_for_s, struct json_out *out)
{
	out_object(out);
	out_int_at(out, "v", VIEW_VERSION);
	out_int_at(out, "sites", status->sites);
	out_int_at(out, "covered", status->covered);
	out_int_at(out, "closed", status->closed);
	out_int_at(out, "stale", status->stale);
	out_int_at(out, "forked", status->forked);
	view_moment_out("oldest_as_of", status->oldest, status->has_oldest,
			out);
	out_int_at(out, "fresh_for_s", fresh_for_s);
	out_object_end(out);
}
