/*
 * Commands and queries for what HQ asks of sites: hq.ask, hq.intents.
 */
#include "gateway/core/hq_ask.h"
#include "gateway/core/hq_verb.h"
#include "gateway/core/page.h"
#include "gateway/core/rights.h"
#include "store/feed.h"
#include "store/fold.h"
#include "store/site.h"

#define HOURS_MAX 8760

static const struct refusal unknown_verb = {
	"unknown_verb",
	"a site cannot be asked for %s: depot help hq ask names what it can",
	"不能请求站点执行 %s：可用 depot help hq ask 查看"};
static const struct refusal bad_arguments = {
	"bad_arguments",
	"%s: arguments are texts, whole numbers, true or false, and no "
	"longer than 240 bytes together",
	"%s：参数只能是文本、整数、true 或 false，总长不超过 240 字节"};

/* ---- asking ---- */

/* False: it is no plain value. */
static bool member_copy(struct json_out *out, const char *name,
			const struct json_value *value)
{
	struct json_range all = {INT64_MIN, INT64_MAX};
	struct fault fault;
	struct span text;
	int64_t number;
	bool is_set;

	if (json_kind(value) == JSON_STRING &&
	    json_to_text(value, &text, &fault) == ERR_OK)
		out_text_at(out, name, text);
	else if (json_kind(value) == JSON_NUMBER &&
		 json_to_int(value, all, &number, &fault) == ERR_OK)
		out_int_at(out, name, number);
	else if (json_kind(value) == JSON_BOOL &&
		 json_to_bool(value, &is_set, &fault) == ERR_OK)
		out_bool_at(out, name, is_set);
	else
		return false;
	return true;
}

/* The argument "args" in one form, into @out. False: refused. */
static bool arguments_copy(struct asking *asking, struct json_out *out)
{
	const struct json_value *args = json_member(asking->arguments, "args");
	struct span wrong = {"", 0};
	struct fault fault;

	if (args != NULL && json_to_object(args, &fault) != ERR_OK) {
		(void)asking_fault(asking, &fault); /* always ERR_OK */
		return false;
	}
	out_object(out);
	for (args = args == NULL ? NULL : json_first(args);
	     args != NULL && wrong.size == 0; args = json_next(args)) {
		char name[NAME_SIZE_MAX + 1];

		if (json_key(args).size > NAME_SIZE_MAX) {
			wrong = json_key(args);
			break;
		}
		text_print(json_key(args), name, sizeof(name));
		if (!member_copy(out, name, args))
			wrong = json_key(args);
	}
	out_object_end(out);
	if (wrong.size == 0 && !out_ok(out))
		wrong = SPAN_LITERAL("args");
	if (wrong.size > 0)
		(void)asking_refuse(asking, &bad_arguments, wrong);
	return wrong.size == 0;
}

static enum err_code ask(struct asking *asking, struct err *err)
{
	const struct hq *hq = asking_hq(asking);
	struct json_range hours = {0, HOURS_MAX};
	char arguments[INTENT_ARGUMENTS_SIZE_MAX];
	struct intent_plan plan = {.hours = 0};
	struct json_out out;
	struct ref id;
	enum err_code code = ERR_OK;

	if (hq == NULL || !asking_site(asking, "site", &plan.site, &code, err))
		return code;
	if (!asking_text(asking, "verb", REASON_SIZE_MAX, &plan.verb) ||
	    !asking_int_or(asking, "hours", hours, intent_hours(asking),
			   &plan.hours))
		return ERR_OK;
	if (intent_verb_find(plan.verb) == NULL)
		return asking_refuse(asking, &unknown_verb, plan.verb);
	out_init(&out, arguments, sizeof(arguments));
	if (!arguments_copy(asking, &out))
		return ERR_OK;
	plan.arguments = out_span(&out);
	code = hq_ask(asking, hq, &plan, &id, err);
	if (code == ERR_OK)
		hq_asked_out(asking, &plan, &id);
	return code;
}

/* ---- looking ---- */

struct intents {
	struct page page;
	uint32_t own;
	uint32_t site; /* 0: of all */
	bool is_open;  /* those without a last answer alone */
};

/* True if the site's last delta knew of the intent that lies at @pos. */
static enum err_code is_received(const struct view *view, uint32_t site,
				 struct pos pos, bool *ret_is, struct err *err)
{
	struct feed_id control = {SITE_CONTROL, pos_epoch(pos), 0};
	struct certificate certificate;
	struct delta_header header;
	struct feed_record feed;
	struct feed_id id;
	enum err_code code;

	*ret_is = false;
	code = roster_site(view, site, &certificate, err);
	if (code == ERR_OK) {
		id = (struct feed_id){site, certificate.epoch, 0};
		code = feed_get(view, control, &feed, err);
	}
	if (code == ERR_OK)
		code = feed_sealed_at(view, &feed, pos_number(pos), &header,
				      err);
	if (code == ERR_OK)
		code = feed_get(view, id, &feed, err);
	if (code == ERR_OK)
		*ret_is = feed.control.value >=
			  pos_make(header.epoch, header.seq).value;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* The last answer; kind 0: none. Of this site, also one that is not sealed. */
static enum err_code answer_find(const struct intents *intents,
				 const struct intent *intent,
				 struct entry *answer, struct err *err)
{
	const struct view *view = intents->page.asking->view;
	enum err_code code = roster_answer(view, intent->target,
					   ref_span(&intent->id), answer, err);

	if (code != ERR_NOT_FOUND)
		return code;
	entry_init(answer, ENTRY_INTENT_RESULT);
	if (intent->target != intents->own)
		return ERR_OK;
	code = intent_answer(view, ref_span(&intent->id),
			     &answer->body.intent_result, err);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code state_out(const struct intents *intents, struct pos pos,
			       const struct intent *intent,
			       const struct entry *answer, struct err *err)
{
	const struct intent_result *result = &answer->body.intent_result;
	const struct asking *asking = intents->page.asking;
	int64_t expires = (int64_t)intent->expires_ms;
	bool received = false;
	enum err_code code = ERR_OK;

	if (result->state == 0)
		code = is_received(asking->view, intent->target, pos, &received,
				   err);
	if (code != ERR_OK)
		return code;
	if (result->state != 0)
		out_string_at(asking->out, "state",
			      term_name(TERM_INTENT_STATE, result->state));
	else
		out_string_at(asking->out, "state",
			      received ? "received" : "asked");
	if (result->state != 0 && answer->stamp.value != 0)
		out_moment_at(asking->out, "answered",
			      stamp_moment(answer->stamp));
	if (result->text.size > 0)
		out_text_at(asking->out, "text",
			    intent_text_span(&result->text));
	if (result->state <= INTENT_RECEIVED && expires != 0 &&
	    asking->now.ms > expires)
		out_bool_at(asking->out, "overdue", true);
	return ERR_OK;
}

static enum err_code name_out(const struct intents *intents, uint32_t site,
			      struct err *err)
{
	struct certificate certificate;
	enum err_code code = roster_site(intents->page.asking->view, site,
					 &certificate, err);

	if (code == ERR_OK)
		out_text_at(intents->page.asking->out, "name",
			    name_span(&certificate.name));
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code intent_out(struct intents *intents, struct pos pos,
				const struct entry *entry,
				const struct entry *answer, struct err *err)
{
	const struct intent *intent = &entry->body.intent;
	struct json_out *out = intents->page.asking->out;
	enum err_code code = page_row(&intents->page);

	if (code != ERR_OK)
		return code;
	out_object(out);
	out_text_at(out, "intent", ref_span(&intent->id));
	out_int_at(out, "site", intent->target);
	code = name_out(intents, intent->target, err);
	if (code != ERR_OK)
		return code;
	out_text_at(out, "verb", reason_span(&intent->verb));
	out_text_at(out, "arguments",
		    intent_arguments_span(&intent->arguments));
	out_text_at(out, "by", name_span(&entry->actor.name));
	out_moment_at(out, "asked", stamp_moment(entry->stamp));
	if (intent->expires_ms != 0)
		out_moment_at(out, "expires",
			      (struct moment){(int64_t)intent->expires_ms});
	code = state_out(intents, pos, intent, answer, err);
	if (code != ERR_OK)
		return code;
	out_object_end(out);
	return page_row_end(&intents->page, ref_span(&intent->id));
}

static enum err_code intent_visit(void *context, struct pos pos,
				  const struct entry *entry, struct err *err)
{
	const struct intent *intent = &entry->body.intent;
	struct intents *intents = context;
	UNINITIALIZED struct entry answer;
	enum err_code code;

	if ((intents->site != 0 && intent->target != intents->site) ||
	    (intents->page.after.size > 0 &&
	     span_compare(ref_span(&intent->id), intents->page.after) <= 0))
		return ERR_OK;
	code = answer_find(intents, intent, &answer, err);
	if (code != ERR_OK ||
	    (intents->is_open &&
	     answer.body.intent_result.state > INTENT_RECEIVED))
		return code;
	return intent_out(intents, pos, entry, &answer, err);
}

static enum err_code list(struct asking *asking, struct err *err)
{
	struct intents intents = {.site = 0};
	enum err_code code = site_number_get(asking->view, &intents.own, err);

	if (code != ERR_OK)
		return code;
	if (json_member(asking->arguments, "site") != NULL &&
	    !asking_site(asking, "site", &intents.site, &code, err))
		return code;
	if (!asking_bool_or(asking, "open", false, &intents.is_open) ||
	    !page_begin(&intents.page, asking, "intents"))
		return ERR_OK;
	return page_end(&intents.page,
			roster_walk(asking->view, ENTRY_INTENT, intent_visit,
				    &intents, err));
}

static const struct command_row rows[] = {
	{{"hq.ask", COMMAND_WRITE, RIGHTS_SITE}, ask, NULL},
	{{"hq.intents", COMMAND_QUERY, RIGHTS_READ}, list, NULL},
};
const struct command_table ask_commands = {rows, ARRAY_LEN(rows)};
