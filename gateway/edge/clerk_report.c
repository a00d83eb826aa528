#include "gateway/edge/clerk_report.h"

#include "rules/ledger/place.h"

static void finding_out(const struct finding *finding, struct json_out *out)
{
	char text[FINDING_PRINT_SIZE];

	out_object(out);
	out_string_at(out, "kind", finding_name(finding->kind));
	out_string_at(out, "table", table_name(finding->table));
	if (finding->pos.value != 0) {
		out_int_at(out, "epoch", pos_epoch(finding->pos));
		out_id_at(out, "pos", pos_number(finding->pos));
	}
	if (finding->item.size > 0)
		out_text_at(out, "item", sku_span(&finding->item));
	if (finding->place.kind != 0) {
		char place[PLACE_PRINT_SIZE];

		place_print(&finding->place, place, sizeof(place));
		out_string_at(out, "place", place);
	}
	out_int_at(out, "stored", finding->stored);
	out_int_at(out, "computed", finding->computed);
	finding_print(finding, false, text, sizeof(text));
	out_string_at(out, "text_en", text);
	finding_print(finding, true, text, sizeof(text));
	out_string_at(out, "text_zh", text);
	out_object_end(out);
}

static void counts_out(const struct audit_result *result, struct json_out *out)
{
	out_int_at(out, "epoch", pos_epoch(result->head.pos));
	out_id_at(out, "pos", pos_number(result->head.pos));
	out_int_at(out, "entries", (int64_t)result->entries);
	out_int_at(out, "movements", (int64_t)result->movements);
	out_int_at(out, "newer", (int64_t)result->newer);
	out_int_at(out, "items", (int64_t)result->items);
	out_int_at(out, "places", (int64_t)result->places);
	out_int_at(out, "rows", (int64_t)result->rows);
	out_int_at(out, "found", result->found);
	out_int_at(out, "lost", result->lost);
	/* A residue beyond 63 bits has been cut to this bound before. */
	out_int_at(out, "unexplained",
		   result->unexplained > INT64_MAX
			   ? INT64_MAX
			   : (int64_t)result->unexplained);
	out_int_at(out, "findings", (int64_t)result->findings);
	out_int_at(out, "journal_findings", (int64_t)result->journal_findings);
}

static void audit_members(const struct audit_result *result,
			  struct json_out *out)
{
	counts_out(result, out);
	out_array_at(out, "list");
	for (size_t i = 0; i < result->findings && i < FINDINGS_MAX; i++)
		finding_out(&result->list[i], out);
	out_array_end(out);
}

void clerk_audit_report(const struct audit_result *result, struct json_out *out)
{
	out_string_at(out, "verdict",
		      audit_is_clean(result) ? "clean" : "findings");
	audit_members(result, out);
}

void clerk_backup_report(const struct backup_info *info, struct json_out *out)
{
	out_text_at(out, "org", name_span(&info->org));
	out_text_at(out, "site", name_span(&info->site));
	out_int_at(out, "epoch", pos_epoch(info->pos));
	out_id_at(out, "pos", pos_number(info->pos));
	out_int_at(out, "entries", (int64_t)info->entries);
	out_int_at(out, "items", (int64_t)info->items);
	out_int_at(out, "map_size", (int64_t)info->map_size);
	out_moment_at(out, "made", info->made);
}

void clerk_verify_report(const struct verify_report *report,
			 struct json_out *out)
{
	out_string_at(out, "verdict", verdict_name(report->verdict));
	switch (report->verdict) {
	case VERDICT_CLEAN:
	case VERDICT_FINDINGS:
		audit_members(&report->audit, out);
		break;
	case VERDICT_CRASHED:
	case VERDICT_ENDLESS:
		out_string_at(out, "table", table_name(report->table));
		out_string_at(out, "text", report->text);
		break;
	case VERDICT_DAMAGED:
		out_string_at(out, "text", report->text);
		break;
	}
}
