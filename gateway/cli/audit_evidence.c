#include "gateway/cli/audit_evidence.h"

#include "gateway/cli/sheet.h"
#include "gateway/core/why.h"
#include "store/feed.h"
#include "store/roster.h"

struct evidence {
	const struct view *view;
	struct feed_desk *desk; /* for reading rows */
	struct json_out *out;
	uint64_t listed;
	uint64_t more;

	/* Of the feed under way. */
	const struct feed_record *feed;
	uint64_t voids;
};

/* ---- void rows ---- */

/* One row, as far as it can be read. */
struct row {
	struct pos pos;
	bool is_found;
	const char *kind;
	struct sku item;
};

static struct sku item_of(const struct entry *entry)
{
	if (entry->kind == ENTRY_MOVEMENT)
		return entry->body.movement.item;
	if (entry->kind == ENTRY_ITEM)
		return entry->body.item.sku;
	if (entry->kind == ENTRY_CODE)
		return entry->body.code.item;
	if (entry->kind == ENTRY_COUNT)
		return entry->body.count.item;
	if (entry->kind == ENTRY_TASK)
		return entry->body.task.item;
	if (entry->kind == ENTRY_CLAIM)
		return entry->body.claim.item;
	return (struct sku){.size = 0};
}

static enum err_code row_take(void *context, struct pos pos,
			      const struct entry *entry, struct err *err)
{
	struct row *row = context;

	(void)err;
	if (pos.value != row->pos.value)
		return ERR_OK;
	row->is_found = true;
	row->kind = entry_kind_name(entry->kind);
	row->item = item_of(entry);
	return ERR_STOPPED;
}

/* A row that nobody can read is named by its place alone. */
static enum err_code row_read(const struct evidence *evidence, struct row *row,
			      struct err *err)
{
	struct delta_header header;
	struct delta_place place = {.feed = evidence->feed->id};
	enum err_code code = feed_sealed_at(evidence->view, evidence->feed,
					    pos_number(row->pos), &header, err);

	if (code == ERR_OK) {
		place.seq = header.seq;
		code = feed_entries(evidence->desk, evidence->view, &place,
				    row_take, row, err);
	}
	if (code == ERR_CORRUPT)
		feed_desk_abandon(evidence->desk); /* the audit's finding */
	return code == ERR_NOT_FOUND || code == ERR_STOPPED ||
			       code == ERR_CORRUPT
		       ? ERR_OK
		       : code;
}

/* "site" and, where the roster knows it, "name". */
static void site_out(const struct view *view, uint32_t number,
		     struct json_out *out)
{
	struct certificate site;

	out_int_at(out, "site", number);
	if (roster_site(view, number, &site, NULL) == ERR_OK)
		out_text_at(out, "name", name_span(&site.name));
}

static enum err_code void_take(void *context, struct pos pos,
			       enum void_reason reason, struct err *err)
{
	struct evidence *evidence = context;
	struct json_out *out = evidence->out;
	struct row row = {.pos = pos};
	enum err_code code;

	if (evidence->listed == AUDIT_VOIDS_MAX)
		return ERR_OK;
	code = row_read(evidence, &row, err);
	if (code != ERR_OK)
		return code;
	evidence->listed++;
	evidence->voids++;
	out_object(out);
	site_out(evidence->view, evidence->feed->id.site, out);
	out_int_at(out, "epoch", evidence->feed->id.epoch);
	if (evidence->feed->id.branch != 0)
		out_id_at(out, "branch", evidence->feed->id.branch);
	out_int_at(out, "pos", (int64_t)pos_number(pos));
	why_out(why_void_find(span_of(void_reason_name(reason))), out);
	if (row.is_found)
		out_string_at(out, "kind", row.kind);
	if (row.item.size > 0)
		out_text_at(out, "item", sku_span(&row.item));
	out_object_end(out);
	return ERR_OK;
}

static enum err_code feed_take(void *context, const struct feed_record *feed,
			       struct err *err)
{
	struct evidence *evidence = context;
	enum err_code code;

	evidence->feed = feed;
	evidence->voids = 0;
	code = feed_void_walk(evidence->view, feed->id, void_take, evidence,
			      err);
	if (feed->void_rows > evidence->voids)
		evidence->more += feed->void_rows - evidence->voids;
	return code;
}

static enum err_code voids_out(struct evidence *evidence, struct err *err)
{
	enum err_code code;

	out_array_at(evidence->out, "voids");
	code = feed_walk(evidence->view, NULL, feed_take, evidence, err);
	out_array_end(evidence->out);
	out_int_at(evidence->out, "voids_more", (int64_t)evidence->more);
	return code;
}

/* ---- refusals ---- */

static enum err_code
refusal_take(void *context, const struct feed_refusal *refusal, struct err *err)
{
	struct evidence *evidence = context;
	struct json_out *out = evidence->out;

	(void)err;
	out_object(out);
	/* SITE_NONE: of others than are counted apart. */
	site_out(evidence->view, refusal->site, out);
	out_int_at(out, "epoch", refusal->epoch);
	why_out(why_delta_find(span_of(admission_name(refusal->admission))),
		out);
	out_int_at(out, "count", (int64_t)refusal->count);
	out_int_at(out, "seq", (int64_t)refusal->last_seq);
	out_moment_at(out, "last", refusal->last);
	out_object_end(out);
	return ERR_OK;
}

enum err_code audit_evidence_out(const struct view *view,
				 const uint8_t net_id[NET_ID_SIZE],
				 struct json_out *out, struct err *err)
{
	struct evidence evidence = {.view = view, .out = out};
	enum err_code code = feed_desk_open(net_id, &evidence.desk, err);

	if (code != ERR_OK)
		return code;
	code = voids_out(&evidence, err);
	feed_desk_close(evidence.desk);
	if (code != ERR_OK)
		return code;
	out_array_at(out, "refused");
	code = feed_refusal_walk(view, refusal_take, &evidence, err);
	out_array_end(out);
	return code;
}

/* ---- for people ---- */

static void list_show(const struct cli *cli, const struct json_value *list,
		      const struct column *columns, size_t count)
{
	struct sheet *sheet = sheet_open(cli, columns, count);

	sheet_add_list(sheet, list);
	sheet_show(sheet, "");
}

void audit_evidence_show(const struct cli *cli, const struct json_value *root)
{
	static const struct column voids[] = {
		{"name|site", "SITE", "站点", false},
		{"epoch", "EPOCH", "纪元", true},
		{"pos", "POSITION", "位置", true},
		{"kind", "KIND", "类别", false},
		{"item", "ITEM", "商品", false},
		{"why", "WHY", "原因", false},
		{"why_$", "THAT IS", "说明", false},
	};
	static const struct column refused[] = {
		{"name|site", "SITE", "站点", false},
		{"epoch", "EPOCH", "纪元", true},
		{"why", "WHY", "原因", false},
		{"why_$", "THAT IS", "说明", false},
		{"count", "TIMES", "次数", true},
		{"seq", "LAST DELTA", "最后增量", true},
		{"last", "AT", "时间", false},
	};
	const struct json_value *list = json_member(root, "voids");
	int64_t more = member_number(root, "voids_more", 0);

	if (list_first(list) != NULL || more > 0) {
		(void)printf("\n%s\n", cli_say(cli, "rows that count nowhere:",
					       "在各处均不计入的行："));
		list_show(cli, list, voids, ARRAY_LEN(voids));
	}
	if (more > 0)
		(void)printf("%s %lld\n", cli_say(cli, "and more:", "其余："),
			     (long long)more);
	list = json_member(root, "refused");
	if (list_first(list) == NULL)
		return;
	(void)printf("\n%s\n",
		     cli_say(cli, "deltas that were refused (site 0: others):",
			     "被拒绝的增量（站点 0：其他）："));
	list_show(cli, list, refused, ARRAY_LEN(refused));
}
