/*
 * Each site's own topics at HQ: its status, alerts and checks, and where that
 * is wanted its stock.
 */
#include "gateway/edge/publisher_network_parts.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/core/view_site.h"

/* "{site}/{kind}/{level}" */
#define SITE_LEVEL_SIZE (NAME_SIZE_MAX + sizeof("/status/") + VIEW_LEVEL_SIZE)

/* ---- sending ---- */

struct site_letter {
	const struct network_site *site;
	const char *kind;
	const char *level;          /* NULL: none */
	const struct json_out *out; /* NULL: cleared */
};

static enum err_code site_send(struct publisher_network *network,
			       const struct site_letter *letter)
{
	char name[NAME_SIZE_MAX + 1];
	char topic[SITE_LEVEL_SIZE];
	bool fits;

	text_print(name_span(&letter->site->name), name, sizeof(name));
	fits = text_format(topic, sizeof(topic), "%s/%s%s%s", name,
			   letter->kind, letter->level == NULL ? "" : "/",
			   letter->level == NULL ? "" : letter->level);
	ASSERT(fits);
	return network_publish(network, false, topic, letter->out);
}

/* HQ's own says itself what it has to say. */
static bool is_shown(const struct publisher_network *network,
		     const struct network_site *site)
{
	return network->shown != NETWORK_SITES_NONE && site->is_covered &&
	       site->number != network->site;
}

/* ---- what changed ---- */

void network_site_touch(struct publisher_network *network, uint32_t number,
			const struct entry *entry)
{
	for (uint32_t i = 0; i < network->sites.count; i++) {
		if (network->sites.at[i].number != number)
			continue;
		if (entry == NULL) { /* its feed was folded anew */
			network->news[i].notes_told = 0;
			network->news[i].notes_done = 0;
		}
		if (entry == NULL || entry->kind == ENTRY_ALERT ||
		    entry->kind == ENTRY_TASK || entry->kind == ENTRY_CHECK)
			network->news[i].is_notes_due = true;
		if (entry == NULL || entry->kind == ENTRY_ALERT ||
		    entry->kind == ENTRY_STATUS)
			network->news[i].is_status_due = true;
	}
}

void network_sites_anew(struct publisher_network *network)
{
	for (uint32_t i = 0; i < network->news_count; i++) {
		struct site_news *news = &network->news[i];

		news->is_notes_due = true;
		news->is_status_due = true;
		news->is_complete = false;
		news->notes_told = 0;
		news->notes_done = 0;
		if (news->rows_told != NULL)
			memset(news->rows_told, 0,
			       news->rows_capacity * sizeof(*news->rows_told));
	}
}

void site_news_release(struct site_news *news)
{
	free(news->rows_told);
	*news = (struct site_news){.number = 0};
}

/* ---- stock ---- */

/* Another figure is another sum, and none is 0. */
static uint64_t row_mark(const struct network_row *row)
{
	uint64_t mark = row->pos.value * UINT64_C(0x9E3779B97F4A7C15) +
			(uint64_t)row->in_transit_in * 2;

	return mark | 1;
}

static struct view_age age_of(const struct publisher_network *network,
			      const struct network_site *site)
{
	return (struct view_age){
		.as_of = site->as_of,
		.clock_trusted = site->has_as_of,
		.fresh_for_s = network->rates.fresh_for_s,
	};
}

static const struct network_row *row_of(const struct network_item *item,
					uint32_t site)
{
	for (uint32_t i = 0; i < item->count; i++)
		if (item->rows[i].site == site)
			return &item->rows[i];
	return NULL;
}

static enum err_code row_publish(struct publisher_network *network,
				 uint32_t index, uint32_t number,
				 const char *level, struct err *err)
{
	const struct network_site *site = &network->sites.at[index];
	const struct network_row *row = row_of(&network->item, index);
	struct site_news *news = &network->news[index];
	struct view_age age = age_of(network, site);
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct site_letter letter = {site, "stock", level, NULL};
	void *told = news->rows_told;
	struct json_out out;
	uint64_t mark = row == NULL ? 0 : row_mark(row);
	enum err_code code =
		array_reserve(&told, &news->rows_capacity, number + 1u,
			      sizeof(*news->rows_told));

	news->rows_told = told;
	if (code != ERR_OK)
		return err_set(err, code, "out of memory");
	if (news->rows_told[number] == mark)
		return ERR_OK;
	out_init(&out, buffer, sizeof(buffer));
	if (row != NULL) {
		view_site_stock_print(&network->item, row, &age, &out);
		letter.out = &out;
	}
	code = site_send(network, &letter);
	if (code == ERR_OK)
		news->rows_told[number] = mark;
	return code;
}

enum err_code network_rows_publish(struct publisher_network *network,
				   uint32_t number, const char *level,
				   struct err *err)
{
	enum err_code code = ERR_OK;

	if (network->shown != NETWORK_SITES_STOCK)
		return ERR_OK;
	for (uint32_t i = 0; i < network->sites.count && code == ERR_OK; i++)
		if (is_shown(network, &network->sites.at[i]))
			code = row_publish(network, i, number, level, err);
	return code;
}

/* ---- alerts and checks ---- */

struct noting {
	struct look *look;
	const struct network_site *site;
	struct site_news *news;
	uint32_t row;     /* of this walk */
	uint64_t highest; /* pos that was seen */
};

static enum err_code note_send(struct noting *noting, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	bool is_alert = entry->kind == ENTRY_ALERT;
	struct span id = is_alert ? ref_span(&entry->body.alert.id)
				  : name_span(&entry->body.task.id);
	char level[VIEW_LEVEL_SIZE];
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct site_letter letter = {noting->site, is_alert ? "alert" : "task",
				     level, NULL};
	struct json_out out;
	enum err_code code;

	view_level_print(id, level);
	if (site_note_is_open(entry)) {
		out_init(&out, buffer, sizeof(buffer));
		code = view_site_note_print(noting->look->view,
					    noting->site->number, pos, entry,
					    &out, err);
		if (code != ERR_OK)
			return code;
		letter.out = &out;
	}
	return site_send(noting->look->network, &letter);
}

/* Of the latest what came since the last walk; after a connect, all that are
 * open. A walk that was cut short goes on where it was. */
static enum err_code note_look(void *context, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct noting *noting = context;
	struct site_news *news = noting->news;
	enum err_code code = ERR_OK;

	if (pos.value > noting->highest)
		noting->highest = pos.value;
	if (noting->row++ < news->notes_done)
		return ERR_OK;
	if (pos.value > news->notes_told &&
	    (news->notes_told > 0 || site_note_is_open(entry)))
		code = note_send(noting, pos, entry, err);
	if (code == ERR_OK)
		news->notes_done++;
	return code;
}

static enum err_code notes_publish(struct look *look, uint32_t index,
				   struct err *err)
{
	struct publisher_network *network = look->network;
	struct site_news *news = &network->news[index];
	const struct network_site *site = &network->sites.at[index];
	struct noting noting = {look, site, news, 0, 1};
	enum err_code code = feed_latest_walk(
		look->view, site->number, ENTRY_ALERT, note_look, &noting, err);

	if (code == ERR_OK)
		code = feed_latest_walk(look->view, site->number, ENTRY_TASK,
					note_look, &noting, err);
	if (code != ERR_OK)
		return code;
	news->notes_told = noting.highest;
	news->notes_done = 0;
	news->is_notes_due = false;
	return ERR_OK;
}

enum err_code network_notes_publish(struct look *look, struct err *err)
{
	struct publisher_network *network = look->network;

	for (uint32_t i = 0; i < network->sites.count; i++) {
		enum err_code code;

		if (!is_shown(network, &network->sites.at[i]))
			network->news[i].is_notes_due = false;
		if (!network->news[i].is_notes_due)
			continue;
		if (network->left <= 0)
			return ERR_AGAIN;
		code = notes_publish(look, i, err);
		if (code != ERR_OK)
			return code;
	}
	return ERR_OK;
}

bool network_notes_are_due(const struct publisher_network *network)
{
	for (uint32_t i = 0; i < network->sites.count; i++)
		if (network->news[i].is_notes_due)
			return true;
	return false;
}

/* ---- status ---- */

/* All is out as the last look saw it. */
void network_sites_complete(struct publisher_network *network)
{
	for (uint32_t i = 0; i < network->sites.count; i++) {
		struct site_news *news = &network->news[i];

		news->complete = network->sites.at[i].as_of;
		news->is_status_due |= !news->is_complete;
		news->is_complete = true;
	}
}

static enum err_code site_status_publish(struct look *look, uint32_t index,
					 struct err *err)
{
	struct publisher_network *network = look->network;
	const struct network_site *site = &network->sites.at[index];
	struct site_news *news = &network->news[index];
	struct view_age age = age_of(network, site);
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct site_letter letter = {site, "status", NULL, NULL};
	struct site_summary summary;
	struct json_out out;
	enum err_code code = site_summary_read(look->view, &network->sites,
					       site, &summary, err);

	if (code != ERR_OK)
		return code;
	age.as_of = news->is_complete ? news->complete : (struct moment){0};
	out_init(&out, buffer, sizeof(buffer));
	view_site_status_print(site, &summary, &age, &out);
	letter.out = &out;
	code = site_send(network, &letter);
	if (code != ERR_OK)
		return code;
	news->is_status_due = false;
	news->beat_ms =
		look->now->monotonic_ms + network->rates.status_interval_ms;
	return ERR_OK;
}

enum err_code network_statuses_publish(struct look *look, struct err *err)
{
	struct publisher_network *network = look->network;
	enum err_code code = ERR_OK;

	for (uint32_t i = 0; i < network->sites.count && code == ERR_OK; i++) {
		const struct site_news *news = &network->news[i];

		if (is_shown(network, &network->sites.at[i]) &&
		    (news->is_status_due ||
		     look->now->monotonic_ms >= news->beat_ms))
			code = site_status_publish(look, i, err);
	}
	return code;
}
