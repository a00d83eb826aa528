/*
 * view_site - another site's own topics, as HQ publishes them from its feed.
 *
 * Layer     gateway/core
 * Threads   any: pure, on a struct view and buffers that belong to the caller
 *
 * The payloads are those of view.h, with "via":"feed", so that a dashboard
 * works the same at either end. What a feed does not tell is null: promises
 * stay in the site. Tasks are those of recurring checks; others are nobody
 * else's.
 */
#ifndef DEPOT_GATEWAY_CORE_VIEW_SITE_H
#define DEPOT_GATEWAY_CORE_VIEW_SITE_H

#include "gateway/core/view_network.h"
#include "store/check.h"

/* ---- notes ---- */

/* True for an entry of the latest (store/feed.h) that has a topic. */
MUST_CHECK bool site_note_is_open(const struct entry *entry);
/* alert/{id} or task/{id}: @entry is one of the two, at @pos, and open. Reads
 * the questions of a task's check from the site's feed. */
MUST_CHECK enum err_code view_site_note_print(const struct view *view,
					      uint32_t site, struct pos pos,
					      const struct entry *entry,
					      struct json_out *out,
					      struct err *err);

/* What a site's feed says of its check @id, whole. ERR_NOT_FOUND */
MUST_CHECK enum err_code site_check_sheet(const struct view *view,
					  uint32_t site, struct span id,
					  struct check_sheet *ret_sheet,
					  struct err *err);

/* ---- status ---- */

struct site_summary {
	struct site_status status; /* as it last said; an empty state: never */
	struct moment since;       /* of that */
	bool has_since;
	uint64_t head;                       /* the last entry that is here */
	const char *health[VIEW_HEALTH_MAX]; /* codes of open alerts of the box;
					      * static */
	size_t health_count;
};
/* Reads the latest of @site's feeds. */
MUST_CHECK enum err_code site_summary_read(const struct view *view,
					   const struct network_sites *sites,
					   const struct network_site *site,
					   struct site_summary *ret_summary,
					   struct err *err);
/* @as_of is up to when all of its topics are out; 0: not said. */
void view_site_status_print(const struct network_site *site,
			    const struct site_summary *summary,
			    const struct view_age *age, struct json_out *out);

/* ---- stock ---- */

/* stock/{item}: the row of @item that is @site's. */
void view_site_stock_print(const struct network_item *item,
			   const struct network_row *row,
			   const struct view_age *age, struct json_out *out);

#endif
