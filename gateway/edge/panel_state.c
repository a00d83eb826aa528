/*
 * What the page shows. The serving thread's, but for panel_ack_covers.
 */
#include "gateway/edge/panel_parts.h"

#include <string.h>

#include "gateway/ingest/reading.h"
#include "store/journal.h"
#include "store/master.h"
#include "store/parked.h"
#include "store/session.h"

/* Rows of each list: what a person can look through on a phone. */
#define ROWS "{\"limit\":50}"

/* One state on its way. */
struct telling {
	struct panel *page;
	const struct panel_guest *guest;
	const struct view *view;
	struct json_out out;
	/* As of the lock. */
	bool is_connected;
	bool can_join;
	char joining_en[PANEL_SENTENCE_SIZE];
	char joining_zh[PANEL_SENTENCE_SIZE];
	size_t health_size;
	char health[PANEL_FACTS_SIZE];
	struct panel_said said;
};

static void facts_take(struct telling *telling)
{
	struct panel *page = telling->page;

	panel_lock(page);
	telling->is_connected = page->is_connected;
	telling->can_join = page->can_join;
	memcpy(telling->joining_en, page->joining_en,
	       sizeof(telling->joining_en));
	memcpy(telling->joining_zh, page->joining_zh,
	       sizeof(telling->joining_zh));
	telling->health_size = page->health_size;
	memcpy(telling->health, page->health, page->health_size);
	telling->said = page->said[telling->guest->index];
	panel_unlock(page);
}

/* ---- whether there is news ---- */

/* A number of all that the state is made of, without making it. */
static enum err_code tag_make(struct telling *telling, struct err *err)
{
	struct panel *page = telling->page;
	struct parked_totals parked;
	struct journal_head head;
	char text[256];
	uint64_t tag;
	enum err_code code = ledger_head(telling->view, &head, err);

	if (code == ERR_OK)
		code = parked_totals(telling->view, &parked, err);
	if (code != ERR_OK)
		return code;
	(void)text_format(text, sizeof(text), "%llu %llu %llu %llu %d %d",
			  (unsigned long long)head.pos.value,
			  (unsigned long long)parked.count,
			  (unsigned long long)parked.bytes,
			  (unsigned long long)telling->said.number,
			  telling->is_connected, telling->can_join);
	tag = seal_checksum(0, span_of(text));
	tag = seal_checksum(tag, name_span(&telling->guest->account));
	tag = seal_checksum(tag, name_span(&telling->guest->device));
	tag = seal_checksum(tag, span_of(telling->joining_en));
	tag = seal_checksum(tag, (struct span){telling->health,
					       telling->health_size});
	(void)text_format(page->tag, sizeof(page->tag), "\"%016llx\"",
			  (unsigned long long)tag);
	return ERR_OK;
}

/* ---- its parts ---- */

static void joining_out(struct telling *telling)
{
	struct json_out *out = &telling->out;

	if (telling->joining_en[0] == '\0') {
		out_null_at(out, "joining");
		return;
	}
	out_object_at(out, "joining");
	out_string_at(out, "text_en", telling->joining_en);
	out_string_at(out, "text_zh", telling->joining_zh);
	out_object_end(out);
}

static void front_out(struct telling *telling)
{
	const struct panel_config *config = &telling->page->config;
	const struct founding *identity = ledger_identity(config->ledger);
	struct clock_reading now = clock_now(config->clock);
	struct json_out *out = &telling->out;

	out_int_at(out, "v", 1);
	out_text_at(out, "org", name_span(&identity->org));
	out_text_at(out, "site", name_span(&identity->site));
	out_string_at(out, "title", config->title);
	out_string_at(out, "lang", config->lang);
	out_text_at(out, "device", name_span(&telling->guest->device));
	out_text_at(out, "account", name_span(&telling->guest->account));
	if (now.is_trusted)
		out_moment_at(out, "as_of", now.moment);
	else
		out_null_at(out, "as_of");
	out_bool_at(out, "is_connected", telling->is_connected);
	out_bool_at(out, "can_join", telling->can_join);
	joining_out(telling);
	out_key(out, "health");
	out_raw(out, (struct span){telling->health, telling->health_size});
}

static void ack_out(struct telling *telling)
{
	out_key(&telling->out, "ack");
	if (telling->said.number > 0)
		out_raw(&telling->out, (struct span){telling->said.payload,
						     telling->said.size});
	else
		out_null(&telling->out);
}

static void session_write(struct json_out *out, const struct session *session)
{
	enum reading_op op = (enum reading_op)session->op;

	out_object(out);
	out_string_at(out, "op", op <= OP_MAX ? reading_op_name(op) : "");
	if (session->bin.size > 0)
		out_text_at(out, "bin", place_name_span(&session->bin));
	if (session->to.size > 0)
		out_text_at(out, "to", place_name_span(&session->to));
	if (session->order.size > 0)
		out_text_at(out, "order", ref_span(&session->order));
	if (session->quantity > 0)
		out_int_at(out, "qty", (int64_t)session->quantity);
	out_int_at(out, "lines", session->lines);
	out_moment_at(out, "last", session->last);
	out_object_end(out);
}

/* What the device is in the middle of; null if nothing, and if the ledger
 * does not know it. */
static enum err_code session_out(struct telling *telling, struct err *err)
{
	struct span name = name_span(&telling->guest->device);
	struct session session;
	struct device device;
	struct device_no number;
	enum err_code code =
		device_get(telling->view, name, &device, &number, err);

	if (code == ERR_OK)
		code = session_get(telling->view, number, &session, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	out_key(&telling->out, "session");
	if (code == ERR_OK)
		session_write(&telling->out, &session);
	else
		out_null(&telling->out);
	return ERR_OK;
}

/* The query's whole reply, under @key. */
static enum err_code list_out(struct telling *telling, const char *key,
			      const char *name, struct err *err)
{
	struct panel *page = telling->page;
	struct clock_reading now = clock_now(page->config.clock);
	struct moment as_of = {now.is_trusted ? now.moment.ms : 0};
	struct json_out list;
	struct command command = {.account = telling->guest->account,
				  .name = span_of(name),
				  .arguments = SPAN_LITERAL(ROWS),
				  .file = {"", 0},
				  .reply = &list};
	enum err_code code;

	out_init(&list, page->list_text, PANEL_LIST_SIZE);
	code = query_run(page->desk, telling->view, as_of, &command, err);
	if (code != ERR_OK)
		return code;
	/* Core refuses a query only to whom has no right to look. */
	if (span_starts(out_span(&list), "{\"error\""))
		return ERR_DENIED;
	out_key(&telling->out, key);
	out_raw(&telling->out, out_span(&list));
	return ERR_OK;
}

static enum err_code state_write(struct telling *telling, struct err *err)
{
	static const char *const lists[][2] = {
		{"tasks", "task.list"},
		{"parked", "parked.list"},
		{"alerts", "alert.list"},
	};
	enum err_code code;

	out_init(&telling->out, telling->page->state_text, PANEL_STATE_SIZE);
	out_object(&telling->out);
	front_out(telling);
	ack_out(telling);
	code = session_out(telling, err);
	for (size_t i = 0; i < ARRAY_LEN(lists) && code == ERR_OK; i++)
		code = list_out(telling, lists[i][0], lists[i][1], err);
	out_object_end(&telling->out);
	ASSERT(out_ok(&telling->out)); /* it has room for all three */
	return code;
}

enum err_code panel_state(struct panel *page, const struct panel_guest *guest,
			  const char *tag, struct span *ret_state,
			  struct err *err)
{
	struct telling telling = {.page = page, .guest = guest};
	struct view *view;
	enum err_code code =
		view_begin(ledger_env(page->config.ledger), &view, err);

	if (code != ERR_OK)
		return code;
	telling.view = view;
	facts_take(&telling);
	code = tag_make(&telling, err);
	if (code == ERR_OK && tag != NULL && strcmp(tag, page->tag) == 0) {
		*ret_state = (struct span){"", 0};
	} else if (code == ERR_OK) {
		code = state_write(&telling, err);
		*ret_state = out_span(&telling.out);
	}
	view_end(view);
	return code;
}

/* ---- acknowledgements ---- */

/* "missing" tells of a number that has not come. */
static bool is_of(const struct json_value *exception, uint64_t seq)
{
	struct fault fault;
	struct span result;
	uint64_t number;

	return json_id(exception, "seq", 1, &number, &fault) == ERR_OK &&
	       number == seq &&
	       json_text(exception, "result", &result, &fault) == ERR_OK &&
	       !span_is(result, "missing");
}

static bool is_excepted(const struct json_value *root, uint64_t seq)
{
	const struct json_value *list = json_member(root, "except");
	const struct json_value *at = list == NULL ? NULL : json_first(list);

	for (; at != NULL; at = json_next(at))
		if (is_of(at, seq))
			return true;
	return false;
}

bool panel_ack_covers(struct json *json, struct span payload, struct span boot,
		      uint64_t seq)
{
	const struct json_value *root;
	struct fault fault;
	struct span told;
	uint64_t upto;
	uint64_t from;
	uint64_t high;

	if (json_parse(json, payload, &fault) != ERR_OK)
		return false;
	root = json_root(json);
	if (json_text(root, "boot", &told, &fault) != ERR_OK ||
	    !span_equal(told, boot))
		return false;
	if (is_excepted(root, seq))
		return true;
	/* Taken, above a hole: a browser that died between giving a number and
	 * keeping the reading never sends that one. */
	if (json_id(root, "high", 1, &high, &fault) == ERR_OK && high == seq)
		return true;
	return json_id(root, "upto", 1, &upto, &fault) == ERR_OK &&
	       json_id(root, "from", 1, &from, &fault) == ERR_OK &&
	       from <= seq && seq <= upto;
}
