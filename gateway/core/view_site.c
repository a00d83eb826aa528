#include "gateway/core/view_site.h"

#include <string.h>

#include "gateway/core/terms.h"
#include "gateway/core/view_parts.h"

static void via_out(struct json_out *out)
{
	out_string_at(out, "via", "feed");
}

/* ---- notes ---- */

bool site_note_is_open(const struct entry *entry)
{
	if (entry->kind == ENTRY_ALERT)
		return !entry->body.alert.is_closed;
	return entry->kind == ENTRY_TASK &&
	       view_task_is_open(&entry->body.task);
}

struct sheet_walk {
	struct span id;
	struct check_sheet *sheet;
	bool is_found;
};

static enum err_code part_take(void *context, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	const struct check *check = &entry->body.check;
	struct sheet_walk *walk = context;

	(void)err;
	if (!span_equal(name_span(&check->id), walk->id) ||
	    check->number > CHECK_QUESTIONS_MAX)
		return ERR_OK;
	walk->sheet->parts[check->number] = *check;
	walk->sheet->said[check->number] = pos;
	if (check->number == 0)
		walk->is_found = true;
	else if (!check->is_retired)
		walk->sheet->asked |= 1u << (check->number - 1);
	return ERR_OK;
}

enum err_code site_check_sheet(const struct view *view, uint32_t site,
			       struct span id, struct check_sheet *ret_sheet,
			       struct err *err)
{
	struct sheet_walk walk = {id, ret_sheet, false};
	enum err_code code;

	memset(ret_sheet, 0, sizeof(*ret_sheet));
	code = feed_latest_walk(view, site, ENTRY_CHECK, part_take, &walk, err);
	return code == ERR_OK && !walk.is_found ? ERR_NOT_FOUND : code;
}

enum err_code view_site_note_print(const struct view *view, uint32_t site,
				   struct pos pos, const struct entry *entry,
				   struct json_out *out, struct err *err)
{
	UNINITIALIZED struct check_sheet sheet;
	enum err_code code;

	if (entry->kind == ENTRY_ALERT) {
		view_alert_via_print(entry, pos, out);
		return ERR_OK;
	}
	code = site_check_sheet(view, site, name_span(&entry->body.task.check),
				&sheet, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	view_task_via_print(entry, pos, code == ERR_OK ? &sheet : NULL, out);
	return ERR_OK;
}

/* ---- status ---- */

static enum err_code status_take(void *context, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	struct site_summary *summary = context;

	(void)pos;
	(void)err;
	summary->status = entry->body.status;
	summary->since = stamp_moment(entry->stamp);
	summary->has_since = (entry->clock_flags & ENTRY_CLOCK_TRUSTED) != 0;
	return ERR_OK;
}

/* What is wrong with a box has no subject: the code says it all. */
static enum err_code health_take(void *context, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	const struct alert *alert = &entry->body.alert;
	struct site_summary *summary = context;
	const struct alert_text *known;

	(void)pos;
	(void)err;
	known = alert_text_find(reason_span(&alert->code));
	if (alert->is_closed || alert->subject.size > 0 || known == NULL ||
	    summary->health_count == VIEW_HEALTH_MAX)
		return ERR_OK;
	summary->health[summary->health_count++] = known->code;
	return ERR_OK;
}

enum err_code site_summary_read(const struct view *view,
				const struct network_sites *sites,
				const struct network_site *site,
				struct site_summary *ret_summary,
				struct err *err)
{
	struct site_summary summary = {.head = 0};
	enum err_code code;

	for (uint32_t i = 0; i < sites->feed_count; i++) {
		const struct feed_record *feed = &sites->feeds[i].record;

		if (feed->id.site == site->number &&
		    feed->id.epoch == site->epoch && feed->seq == site->seq)
			summary.head = feed->number;
	}
	code = feed_latest_walk(view, site->number, ENTRY_STATUS, status_take,
				&summary, err);
	if (code == ERR_OK)
		code = feed_latest_walk(view, site->number, ENTRY_ALERT,
					health_take, &summary, err);
	if (code == ERR_OK)
		*ret_summary = summary;
	return code;
}

/* Words of the site's own making are held to those of the contract. */
static const char *state_word(const struct network_site *site,
			      const struct site_summary *summary)
{
	struct span said = reason_span(&summary->status.state);

	if (site->state == FEED_SEALED)
		return site_state_name(SITE_DISCONNECTED);
	if (site->is_stale)
		return site_state_name(SITE_LOST);
	for (int i = SITE_INIT; i <= SITE_LOST; i++)
		if (span_is(said, site_state_name((enum site_state)i)))
			return site_state_name((enum site_state)i);
	return site_state_name(SITE_INIT);
}

void view_site_status_print(const struct network_site *site,
			    const struct site_summary *summary,
			    const struct view_age *age, struct json_out *out)
{
	out_object(out);
	out_int_at(out, "v", VIEW_VERSION);
	via_out(out);
	out_string_at(out, "state", state_word(site, summary));
	out_string_at(out, "session", "feed");
	view_moment_out("since", summary->since, summary->has_since, out);
	view_age_out(age, out);
	out_int_at(out, "epoch", site->epoch);
	out_int_at(out, "head", (int64_t)summary->head);
	out_int_at(out, "backlog",
		   summary->status.backlog > INT64_MAX
			   ? INT64_MAX
			   : (int64_t)summary->status.backlog);
	out_int_at(out, "chunks", 0);
	out_text_at(out, "version", reason_span(&summary->status.version));
	out_array_at(out, "health");
	for (size_t i = 0; i < summary->health_count; i++)
		out_string(out, summary->health[i]);
	out_array_end(out);
	out_bool_at(out, "stale", site->is_stale);
	out_string_at(out, "feed", feed_state_name(site->state));
	out_object_end(out);
}

/* ---- stock ---- */

static void units_out(const char *key, const struct network_figures *figures,
		      int64_t units, struct json_out *out)
{
	/* Only a site that lies can bring either about. */
	if (figures->has_overflown || units < 0)
		out_null_at(out, key);
	else
		out_int_at(out, key, units);
}

void view_site_stock_print(const struct network_item *item,
			   const struct network_row *row,
			   const struct view_age *age, struct json_out *out)
{
	const struct network_figures *figures = &row->figures;
	const struct tally *tally = &figures->tally;

	out_object(out);
	out_int_at(out, "v", VIEW_VERSION);
	via_out(out);
	out_text_at(out, "item", sku_span(&item->sku));
	units_out("on_hand", figures, tally->on_hand.units, out);
	units_out("good", figures, tally->available.units, out);
	out_null_at(out, "available");
	out_null_at(out, "reserved");
	units_out("allocated", figures, tally->allocated.units, out);
	units_out("on_hold", figures, tally->on_hold.units, out);
	units_out("quarantine", figures, tally->quarantine.units, out);
	units_out("damaged", figures, tally->damaged.units, out);
	out_int_at(out, "in_transit_in", row->in_transit_in);
	out_int_at(out, "on_order", 0);
	out_null_at(out, "atp");
	view_age_out(age, out);
	view_moment_out("changed_at", row->changed_at, row->has_changed_at,
			out);
	view_pos_out(row->pos, out);
	out_object_end(out);
}
