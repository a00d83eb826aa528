/*
 * Queries for transfers between sites: what is on its way, and what was
 * claimed.
 */
#include "gateway/core/page.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/rights.h"
#include "gateway/core/transfer.h"
#include "store/roster.h"
#include "store/site.h"

static const struct refusal unknown_transfer = {
	"unknown_transfer", "there is no transfer %s", "没有调拨单 %s"};

/* ---- one transfer ---- */

static const char *direction(uint32_t site, struct span id)
{
	struct transfer_id parts;

	if (!transfer_id_parse(id, &parts))
		return "own";
	if (site == parts.from)
		return "out";
	return site == parts.to ? "in" : "other";
}

/* The word that goes furthest. */
static enum transfer_state state_of(const struct transfer_states *states)
{
	if (states->is_reopened && states->sender != 0)
		return states->sender;
	if (states->hq != 0)
		return states->hq;
	if (states->sender == TRANSFER_CLOSED || states->addressee == 0)
		return states->sender;
	return states->addressee;
}

static void word_out(struct json_out *out, const char *key,
		     const struct transfer_word *word)
{
	const struct transfer *transfer = &word->transfer;

	if (!word->is_said)
		return;
	out_object_at(out, key);
	out_string_at(out, "state",
		      term_name(TERM_TRANSFER_STATE, transfer->state));
	out_moment_at(out, "since", word->effective);
	out_int_at(out, "lines", transfer->lines);
	out_int_at(out, "pallets", transfer->pallets);
	out_int_at(out, "units", (int64_t)transfer->units);
	if (transfer->reason.size > 0)
		out_text_at(out, "reason", reason_span(&transfer->reason));
	out_object_end(out);
}

static void expected_out(struct json_out *out, uint32_t expected)
{
	struct date date;

	if (expected == 0 || !date_from_number(expected, &date))
		return;
	out_key(out, "expected");
	out_date(out, date);
}

/* A site's name, where the roster knows it. */
static enum err_code site_out(struct asking *asking, const char *number_key,
			      const char *name_key, uint32_t site,
			      struct err *err)
{
	struct certificate certificate;
	enum err_code code = roster_site(asking->view, site, &certificate, err);

	out_int_at(asking->out, number_key, site);
	if (code == ERR_OK)
		out_text_at(asking->out, name_key,
			    name_span(&certificate.name));
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code record_out(struct asking *asking,
				const struct transfer_record *record,
				struct err *err)
{
	struct span id = place_name_span(&record->id);
	struct json_out *out = asking->out;
	struct transfer_id parts;
	uint32_t site;
	enum err_code code = site_number_get(asking->view, &site, err);

	if (code != ERR_OK)
		return code;
	out_text_at(out, "transfer", id);
	out_string_at(out, "direction", direction(site, id));
	if (transfer_id_parse(id, &parts)) {
		code = site_out(asking, "from_site", "from_name", parts.from,
				err);
		if (code == ERR_OK)
			code = site_out(asking, "to_site", "to_name", parts.to,
					err);
	}
	if (code != ERR_OK)
		return code;
	out_string_at(out, "state",
		      term_name(TERM_TRANSFER_STATE,
				state_of(&record->states)));
	out_bool_at(out, "closed", transfer_is_closed(&record->states));
	if (record->states.is_reopened)
		out_bool_at(out, "reopened", true);
	out_int_at(out, "unsettled", (int64_t)record->unsettled);
	expected_out(out, record->sender.transfer.expected);
	if (record->sender.is_said && record->sender.transfer.carrier.size > 0)
		out_text_at(out, "carrier",
			    ref_span(&record->sender.transfer.carrier));
	word_out(out, "sender", &record->sender);
	word_out(out, "addressee", &record->addressee);
	word_out(out, "hq", &record->hq);
	return ERR_OK;
}

/* ---- all of them ---- */

struct listing {
	struct page page;
	bool is_all;
	uint32_t from; /* 0: of any site */
	uint32_t to;
	uint32_t looked;
};

static bool is_asked(const struct listing *listing,
		     const struct transfer_record *record)
{
	struct transfer_id parts = {.from = 0};
	bool is_over =
		transfer_is_closed(&record->states) && record->unsettled == 0;

	if (!transfer_id_parse(place_name_span(&record->id), &parts))
		parts = (struct transfer_id){.from = 0};
	return (listing->is_all || !is_over) &&
	       (listing->from == 0 || listing->from == parts.from) &&
	       (listing->to == 0 || listing->to == parts.to);
}

/* True if the argument is absent, or names a site. */
static bool site_read(struct asking *asking, const char *name,
		      uint32_t *ret_site, enum err_code *ret_code,
		      struct err *err)
{
	*ret_site = 0;
	*ret_code = ERR_OK;
	return json_member(asking->arguments, name) == NULL ||
	       asking_site(asking, name, ret_site, ret_code, err);
}

static enum err_code record_row(struct page *page,
				const struct transfer_record *record,
				struct err *err)
{
	enum err_code code = page_row(page);

	if (code != ERR_OK)
		return code;
	out_object(page->asking->out);
	code = record_out(page->asking, record, err);
	if (code != ERR_OK)
		return code;
	out_object_end(page->asking->out);
	return page_row_end(page, place_name_span(&record->id));
}

static enum err_code record_visit(void *context,
				  const struct transfer_record *record,
				  struct err *err)
{
	struct listing *listing = context;
	struct page *page = &listing->page;
	enum err_code code = ERR_OK;

	if (is_asked(listing, record))
		code = record_row(page, record, err);
	if (code != ERR_OK || ++listing->looked < page->asking->look_max)
		return code;
	page_cut(page, place_name_span(&record->id));
	return ERR_STOPPED;
}

static enum err_code list(struct asking *asking, struct err *err)
{
	struct listing listing = {.looked = 0};
	struct page *page = &listing.page;
	enum err_code code = ERR_OK;

	if (!asking_bool_or(asking, "all", false, &listing.is_all) ||
	    !site_read(asking, "from", &listing.from, &code, err) ||
	    !site_read(asking, "to", &listing.to, &code, err) ||
	    !page_begin(page, asking, "transfers"))
		return code;
	return page_end(page, transfer_walk(asking->view, page->after,
					    record_visit, &listing, err));
}

/* ---- rows of one, by number: they come from two feeds ---- */

struct numbered {
	struct page page;
	struct transfer_record record;
	uint64_t number; /* of the row that is visited */
	uint64_t after;
};

static bool numbered_begin(struct numbered *numbered, struct asking *asking,
			   enum err_code *ret_code, struct err *err)
{
	struct span id;

	numbered->number = 0;
	numbered->after = 0;
	*ret_code = ERR_OK;
	if (!asking_text(asking, "transfer", PLACE_NAME_SIZE_MAX, &id))
		return false;
	*ret_code = transfer_get(asking->view, id, &numbered->record, err);
	if (*ret_code == ERR_NOT_FOUND)
		*ret_code = asking_refuse(asking, &unknown_transfer, id);
	return *ret_code == ERR_OK && !asking->is_refused;
}

static bool numbered_open(struct numbered *numbered, struct asking *asking,
			  const char *name)
{
	if (!page_begin(&numbered->page, asking, name))
		return false;
	if (numbered->page.after.size > 0 &&
	    !span_to_u64(numbered->page.after, UINT64_MAX, &numbered->after))
		numbered->after = UINT64_MAX; /* nothing comes after that */
	return true;
}

/* ERR_STOPPED: the page is full. *@ret_is_due: the row is one of it. */
static enum err_code numbered_row(struct numbered *numbered, bool *ret_is_due)
{
	*ret_is_due = ++numbered->number > numbered->after;
	return *ret_is_due ? page_row(&numbered->page) : ERR_OK;
}

static enum err_code numbered_row_end(struct numbered *numbered)
{
	char token[24];

	(void)text_format(token, sizeof(token), "%" PRIu64, numbered->number);
	return page_row_end(&numbered->page, span_of(token));
}

/* ---- items ---- */

static enum err_code item_visit(void *context, const struct sku *item,
				const struct transfer_sums *sums,
				struct err *err)
{
	struct numbered *numbered = context;
	struct json_out *out = numbered->page.asking->out;
	bool is_closed = transfer_is_closed(&numbered->record.states);
	enum transfer_verdict verdict;
	int64_t units;
	bool is_due;
	enum err_code code = numbered_row(numbered, &is_due);

	(void)err;
	if (code != ERR_OK || !is_due)
		return code;
	verdict = transfer_judge(sums, is_closed, &units);
	out_object(out);
	out_text_at(out, "item", sku_span(item));
	out_int_at(out, "shipped", sums->shipped);
	out_int_at(out, "surplus", sums->surplus);
	out_int_at(out, "received", sums->good);
	out_int_at(out, "damaged", sums->damaged);
	out_int_at(out, "claimed", sums->claimed);
	out_int_at(out, "lost", sums->lost);
	out_int_at(out, "in_transit", units);
	out_string_at(out, "verdict", transfer_verdict_name(verdict));
	out_object_end(out);
	return numbered_row_end(numbered);
}

static enum err_code show(struct asking *asking, struct err *err)
{
	struct numbered numbered;
	enum err_code code;

	if (!numbered_begin(&numbered, asking, &code, err))
		return code;
	code = record_out(asking, &numbered.record, err);
	if (code != ERR_OK || !numbered_open(&numbered, asking, "items"))
		return code;
	return page_end(&numbered.page,
			transfer_items(asking->view,
				       place_name_span(&numbered.record.id),
				       item_visit, &numbered, err));
}

/* ---- the packing list ---- */

static enum err_code line_visit(void *context, const struct transfer_line *line,
				struct err *err)
{
	struct numbered *numbered = context;
	struct asking *asking = numbered->page.asking;
	struct json_out *out = asking->out;
	struct transfer_line here = *line;
	struct date expiry;
	bool is_due;
	enum err_code code = numbered_row(numbered, &is_due);

	if (code != ERR_OK || !is_due)
		return code;
	here.side = TRANSFER_ADDRESSEE;
	code = transfer_line_find(asking->view,
				  place_name_span(&numbered->record.id), &here,
				  err);
	if (code != ERR_OK)
		return code;
	out_object(out);
	out_text_at(out, "item", sku_span(&line->item));
	if (line->lot.size > 0)
		out_text_at(out, "lot", lot_span(&line->lot));
	if (line->serial.size > 0)
		out_text_at(out, "serial", serial_span(&line->serial));
	if (line->sscc[0] != '\0')
		out_text_at(out, "sscc", (struct span){line->sscc, SSCC_SIZE});
	if (line->expiry != 0 && date_from_number(line->expiry, &expiry)) {
		out_key(out, "expiry");
		out_date(out, expiry);
	}
	out_int_at(out, "shipped", line->sums.shipped);
	out_int_at(out, "received", here.sums.good);
	out_int_at(out, "damaged", here.sums.damaged);
	out_object_end(out);
	return numbered_row_end(numbered);
}

static enum err_code lines(struct asking *asking, struct err *err)
{
	const struct span all = {"", 0};
	struct numbered numbered;
	enum err_code code;

	if (!numbered_begin(&numbered, asking, &code, err) ||
	    !numbered_open(&numbered, asking, "lines"))
		return code;
	return page_end(&numbered.page,
			transfer_lines(asking->view,
				       place_name_span(&numbered.record.id),
				       TRANSFER_SENDER, all, line_visit,
				       &numbered, err));
}

/* ---- claims ---- */

static enum err_code claim_visit(void *context,
				 const struct transfer_claim *claim,
				 enum transfer_side side, struct err *err)
{
	struct numbered *numbered = context;
	struct json_out *out = numbered->page.asking->out;
	bool is_due;
	enum err_code code = numbered_row(numbered, &is_due);

	(void)err;
	if (code != ERR_OK || !is_due)
		return code;
	out_object(out);
	out_text_at(out, "claim", ref_span(&claim->id));
	out_text_at(out, "transfer", place_name_span(&claim->transfer));
	out_string_at(out, "by",
		      side == TRANSFER_ADDRESSEE ? "addressee" : "sender");
	out_string_at(out, "kind", term_name(TERM_CLAIM, claim->kind));
	out_string_at(out, "state", term_name(TERM_CLAIM_STATE, claim->state));
	out_string_at(out, "against",
		      term_name(TERM_CLAIM_PARTY, claim->party));
	out_text_at(out, "item", sku_span(&claim->item));
	if (claim->lot.size > 0)
		out_text_at(out, "lot", lot_span(&claim->lot));
	out_int_at(out, "qty", claim->quantity);
	if (claim->reason.size > 0)
		out_text_at(out, "reason", reason_span(&claim->reason));
	out_object_end(out);
	return numbered_row_end(numbered);
}

static enum err_code claims(struct asking *asking, struct err *err)
{
	struct numbered numbered;
	enum err_code code;

	if (!numbered_begin(&numbered, asking, &code, err) ||
	    !numbered_open(&numbered, asking, "claims"))
		return code;
	return page_end(&numbered.page,
			transfer_claims(asking->view,
					place_name_span(&numbered.record.id),
					claim_visit, &numbered, err));
}

static const struct command_row rows[] = {
	{{"transfer.list", COMMAND_QUERY, RIGHTS_READ}, list, NULL},
	{{"transfer.show", COMMAND_QUERY, RIGHTS_READ}, show, NULL},
	{{"transfer.lines", COMMAND_QUERY, RIGHTS_READ}, lines, NULL},
	{{"claim.list", COMMAND_QUERY, RIGHTS_READ}, claims, NULL},
};
const struct command_table transfer_queries = {rows, ARRAY_LEN(rows)};
