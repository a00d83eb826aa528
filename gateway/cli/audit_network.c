#include "gateway/cli/audit_network.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/cli/audit_evidence.h"
#include "gateway/cli/result.h"
#include "gateway/cli/sheet.h"
#include "gateway/sync/peer.h"
#include "store/audit_network.h"
#include "store/site.h"

static const struct control_refusal alone = {
	"not_found",
	"this box is a network of one: depot audit proves its books",
	"本机尚未加入网络：请用 depot audit 审计本站账目"};

static const struct column facts[] = {
	{"sites", "sites", "站点数", false},
	{"feeds", "feeds", "记录流", false},
	{"deltas", "sealed deltas", "已封增量", false},
	{"rows", "rows", "行数", false},
	{"movements", "movements", "移动数", false},
	{"void_rows", "void rows", "无效行", false},
	{"transfers", "transfers", "调拨单", false},
	{"under_way", "items in transit", "在途商品", false},
	{"ahead", "received before shipped", "先收后发", false},
	{"written_off", "written off by HQ", "总部核销", false},
	{"witnessed", "acknowledgements that agree", "相符的对端回执", false},
	{"beyond", "acknowledged and not here yet", "已回执但本机尚无", false},
	{"unexplained", "unexplained", "无法解释", false},
	{"findings", "findings", "问题数", false},
};

static enum exit_code show(const struct cli *cli, const struct json_value *root)
{
	char text[VALUE_TEXT_SIZE];
	bool is_clean =
		strcmp(member_text(cli, root, "verdict", text), "clean") == 0;

	if (cli->is_json)
		return is_clean ? EXIT_DONE : EXIT_LOOK;
	(void)printf("%s: unexplained=%lld\n",
		     is_clean ? cli_say(cli, "clean", "账目无误")
			      : cli_say(cli, "not clean", "账目有误"),
		     (long long)member_number(root, "unexplained", -1));
	record_show(cli, root, facts, ARRAY_LEN(facts));
	for (const struct json_value *row =
		     list_first(json_member(root, "list"));
	     row != NULL; row = json_next(row))
		(void)printf("- %s\n", member_text(cli, row, "text_$", text));
	audit_evidence_show(cli, root);
	if (!is_clean)
		(void)puts(cli_say(cli,
				   "next: what is said is signed; the site and "
				   "the entry that are named know why",
				   "下一步：记录均有签名；请到所列站点查看所列"
				   "记录"));
	return is_clean ? EXIT_DONE : EXIT_LOOK;
}

/* ---- the document ---- */

static void finding_out(const struct network_finding *finding,
			struct json_out *out)
{
	char text[NETWORK_FINDING_PRINT_SIZE];

	out_object(out);
	out_string_at(out, "kind", network_finding_name(finding->kind));
	out_int_at(out, "site", finding->feed.site);
	out_int_at(out, "epoch", finding->feed.epoch);
	if (finding->seq != 0)
		out_id_at(out, "seq", finding->seq);
	if (finding->peer != 0)
		out_int_at(out, "peer", finding->peer);
	if (finding->pos.value != 0)
		out_id_at(out, "pos", pos_number(finding->pos));
	if (finding->item.size > 0)
		out_text_at(out, "item", sku_span(&finding->item));
	if (finding->place.kind != 0) {
		char place[PLACE_PRINT_SIZE];

		place_print(&finding->place, place, sizeof(place));
		out_string_at(out, "place", place);
	}
	out_int_at(out, "stored", finding->stored);
	out_int_at(out, "computed", finding->computed);
	network_finding_print(finding, false, text, sizeof(text));
	out_string_at(out, "text_en", text);
	network_finding_print(finding, true, text, sizeof(text));
	out_string_at(out, "text_zh", text);
	out_object_end(out);
}

static void report_out(const struct network_result *found, struct json_out *out)
{
	size_t listed = found->findings < NETWORK_FINDINGS_MAX
				? (size_t)found->findings
				: NETWORK_FINDINGS_MAX;

	out_string_at(out, "verdict",
		      network_is_clean(found) ? "clean" : "findings");
	out_int_at(out, "sites", (int64_t)found->sites);
	out_int_at(out, "feeds", (int64_t)found->feeds);
	out_int_at(out, "deltas", (int64_t)found->deltas);
	out_int_at(out, "rows", (int64_t)found->rows);
	out_int_at(out, "movements", (int64_t)found->movements);
	out_int_at(out, "void_rows", (int64_t)found->void_rows);
	out_int_at(out, "excluded", (int64_t)found->excluded);
	out_int_at(out, "transfers", (int64_t)found->transfers);
	out_int_at(out, "under_way", (int64_t)found->under_way);
	out_int_at(out, "ahead", (int64_t)found->ahead);
	out_int_at(out, "witnessed", (int64_t)found->witnessed);
	out_int_at(out, "beyond", (int64_t)found->beyond);
	out_int_at(out, "written_off", (int64_t)found->written_off);
	out_int_at(out, "unexplained", (int64_t)found->unexplained);
	out_int_at(out, "findings", (int64_t)found->findings);
	out_array_at(out, "list");
	for (size_t i = 0; i < listed; i++)
		finding_out(&found->list[i], out);
	out_array_end(out);
}

/* ---- the work ---- */

static enum err_code progress(void *context, uint64_t done, uint64_t total)
{
	cli_progress(context, done, total);
	return ERR_OK;
}

/* What peers have signed, of which the store keeps a row for each feed. */
struct witnesses {
	struct network_witness *at;
	size_t count;
	size_t capacity;
};

static enum err_code witness_take(void *context, const struct peer_row *row,
				  struct err *err)
{
	struct witnesses *witnesses = context;

	(void)err;
	if (witnesses->count == witnesses->capacity)
		return ERR_STOPPED; /* all that were counted */
	witnesses->at[witnesses->count++] = (struct network_witness){
		row->peer, row->feed, row->seq, row->hash_start};
	return ERR_OK;
}

static enum err_code witnesses_read(const struct view *view,
				    struct witnesses *witnesses,
				    struct err *err)
{
	uint64_t count = 0;
	enum err_code code = view_count(view, TABLE_PEER, &count, err);

	if (code != ERR_OK || count == 0)
		return code;
	witnesses->at = calloc((size_t)count, sizeof(*witnesses->at));
	if (witnesses->at == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	witnesses->capacity = (size_t)count;
	code = peer_row_walk(view, witness_take, witnesses, err);
	return code == ERR_STOPPED ? ERR_OK : code;
}

static enum err_code run(const struct view *view, struct network_plan *plan,
			 struct network_result *found, struct err *err)
{
	struct witnesses witnesses = {.count = 0};
	enum err_code code = witnesses_read(view, &witnesses, err);

	plan->witnesses = witnesses.at;
	plan->witness_count = witnesses.count;
	if (code == ERR_OK)
		code = audit_network_run(view, plan, found, err);
	free(witnesses.at);
	return code;
}

/* *@ret_site is 0 in a network of one, and nothing was audited. */
static enum err_code audit(struct cli *cli, uint32_t *ret_site,
			   struct network_result *found, struct json_out *out,
			   struct err *err)
{
	struct network_plan plan = {.progress = progress, .context = cli};
	struct ledger *ledger;
	struct view *view = NULL;
	enum err_code code =
		ledger_open(cli->config->store.path, ENV_READ, &ledger, err);

	if (code != ERR_OK)
		return code;
	memcpy(plan.net_id, ledger_identity(ledger)->net_id,
	       sizeof(plan.net_id));
	code = view_begin(ledger_env(ledger), &view, err);
	if (code == ERR_OK)
		code = site_number_get(view, ret_site, err);
	if (code == ERR_OK && *ret_site != 0)
		code = run(view, &plan, found, err);
	if (code == ERR_OK && *ret_site != 0)
		code = audit_evidence_out(view, plan.net_id, out, err);
	cli_progress_end(cli);
	view_end(view);
	ledger_close(ledger);
	return code;
}

enum exit_code audit_network(struct cli *cli)
{
	struct network_result *found;
	struct result *result;
	enum exit_code exit;
	uint32_t site = 0;
	struct err err;
	enum err_code code;

	if (cli_config(cli, &exit) == NULL)
		return exit;
	result = result_begin(cli);
	if (result == NULL)
		return EXIT_FAILED;
	found = calloc(1, sizeof(*found));
	code = found == NULL ? err_set(&err, ERR_FULL, "out of memory")
			     : audit(cli, &site, found, &result->out, &err);
	if (code == ERR_OK && site != 0)
		report_out(found, &result->out);
	free(found);
	if (code == ERR_OK && site != 0)
		return result_end(cli, result, show);
	free(result);
	return code == ERR_OK ? cli_refuse(cli, EXIT_NOT_FOUND, &alone, "")
			      : cli_failed(cli, code, &err);
}
