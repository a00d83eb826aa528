/*
 * Queries for the network: who belongs to it, as far as this box has heard.
 */
#include "gateway/core/page.h"

#include <inttypes.h>

#include "gateway/core/rights.h"
#include "store/feed.h"
#include "store/roster.h"
#include "store/site.h"

/* Of a feed that has said nothing for so long, nobody knows how its site
 * stands. */
#define STALE_MS INT64_C(3600000)

struct sites {
	struct page page;
	uint64_t number; /* of the row, from 1 */
	uint64_t after;  /* the last row of the page before */
	uint32_t own;
};

static enum err_code row_begin(struct sites *sites, bool *ret_is_due)
{
	*ret_is_due = ++sites->number > sites->after;
	return *ret_is_due ? page_row(&sites->page) : ERR_OK;
}

static enum err_code row_end(struct sites *sites)
{
	char token[24];

	out_object_end(sites->page.asking->out);
	(void)text_format(token, sizeof(token), "%" PRIu64, sites->number);
	return page_row_end(&sites->page, span_of(token));
}

/* By what the daemon hears, where one is there; else by the last delta. */
static void age_out(const struct sites *sites, const struct feed_record *feed)
{
	const struct asking *asking = sites->page.asking;
	struct site_age age = {.as_of = stamp_moment(feed->stamp),
			       .has_as_of = true};

	if (feed->seq == 0)
		return;
	age.is_stale = feed->id.site != sites->own && asking->now.ms != 0 &&
		       asking->now.ms - age.as_of.ms > STALE_MS;
	/* What it does not know it leaves as it is. */
	if (asking->age != NULL)
		(void)asking->age(asking->age_context, feed->id.site, &age);
	if (age.has_as_of)
		out_moment_at(asking->out, "as_of", age.as_of);
	else
		out_null_at(asking->out, "as_of");
	out_bool_at(asking->out, "stale", age.is_stale);
}

/* Of a site of which nothing is here, HQ's fence alone tells that it ended. */
static enum err_code state_find(const struct view *view,
				const struct feed_record *feed,
				const char **ret_state, struct err *err)
{
	struct fence fence;
	enum err_code code = roster_fence(view, feed->id, &fence, err);

	if (code == ERR_OK && fence.verdict == FENCE_CLOSED)
		*ret_state = "closed";
	else if (code == ERR_OK && feed->seq == 0)
		*ret_state = feed_state_name(FEED_FENCED);
	else
		*ret_state = feed_state_name(feed->state);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code certificate_out(struct sites *sites,
				     const struct certificate *certificate,
				     struct err *err)
{
	struct asking *asking = sites->page.asking;
	struct json_out *out = asking->out;
	struct feed_id id = {certificate->site, certificate->epoch, 0};
	struct feed_record feed = {.id = id, .state = FEED_ADMITTED};
	const char *state;
	enum err_code code = feed_get(asking->view, id, &feed, err);

	if (code == ERR_OK || code == ERR_NOT_FOUND)
		code = state_find(asking->view, &feed, &state, err);
	if (code != ERR_OK)
		return code;
	out_object(out);
	out_int_at(out, "site", certificate->site);
	out_text_at(out, "name", name_span(&certificate->name));
	out_string_at(out, "role",
		      term_name(TERM_SITE_ROLE, certificate->role));
	out_int_at(out, "epoch", certificate->epoch);
	out_string_at(out, "state", state);
	out_int_at(out, "seq", (int64_t)feed.seq);
	age_out(sites, &feed);
	if (certificate->valid_until_ms != 0)
		out_moment_at(
			out, "until",
			(struct moment){(int64_t)certificate->valid_until_ms});
	return row_end(sites);
}

/* A site is the last of its lives; the two feeds that only HQ writes are
 * none. */
static enum err_code certificate_visit(void *context, struct pos pos,
				       const struct entry *entry,
				       struct err *err)
{
	const struct certificate *certificate = &entry->body.certificate;
	struct sites *sites = context;
	struct certificate last;
	bool is_due;
	enum err_code code;

	(void)pos;
	if (certificate->site < SITE_FIRST)
		return ERR_OK;
	code = roster_site(sites->page.asking->view, certificate->site, &last,
			   err);
	if (code != ERR_OK || last.epoch != certificate->epoch)
		return code;
	code = row_begin(sites, &is_due);
	return code == ERR_OK && is_due
		       ? certificate_out(sites, certificate, err)
		       : code;
}

static enum err_code invitation_visit(void *context, struct pos pos,
				      const struct entry *entry,
				      struct err *err)
{
	const struct invitation *invitation = &entry->body.invitation;
	struct moment expires = {(int64_t)invitation->expires_ms};
	struct sites *sites = context;
	struct json_out *out = sites->page.asking->out;
	bool is_due;
	enum err_code code;

	(void)pos;
	(void)err;
	if (invitation->state != INVITATION_OPEN)
		return ERR_OK;
	code = row_begin(sites, &is_due);
	if (code != ERR_OK || !is_due)
		return code;
	out_object(out);
	out_int_at(out, "site", invitation->site);
	out_text_at(out, "name", name_span(&invitation->name));
	out_string_at(out, "role", term_name(TERM_SITE_ROLE, invitation->role));
	out_string_at(out, "state",
		      sites->page.asking->now.ms > expires.ms ? "expired"
							      : "invited");
	out_int_at(out, "invitation", invitation->number);
	out_moment_at(out, "expires", expires);
	if (invitation->until_ms != 0)
		out_moment_at(out, "until",
			      (struct moment){(int64_t)invitation->until_ms});
	return row_end(sites);
}

static enum err_code list(struct asking *asking, struct err *err)
{
	struct sites sites = {.number = 0};
	enum err_code code = site_number_get(asking->view, &sites.own, err);

	if (code != ERR_OK)
		return code;
	out_int_at(asking->out, "own", sites.own);
	if (!page_begin(&sites.page, asking, "sites"))
		return ERR_OK;
	if (sites.page.after.size > 0 &&
	    !span_to_u64(sites.page.after, UINT64_MAX, &sites.after))
		sites.after = UINT64_MAX; /* nothing comes after that */
	code = roster_walk(asking->view, ENTRY_CERTIFICATE, certificate_visit,
			   &sites, err);
	if (code == ERR_OK)
		code = roster_walk(asking->view, ENTRY_INVITATION,
				   invitation_visit, &sites, err);
	return page_end(&sites.page, code);
}

static const struct command_row rows[] = {
	{{"hq.sites", COMMAND_QUERY, RIGHTS_READ}, list, NULL},
};
const struct command_table hq_queries = {rows, ARRAY_LEN(rows)};
