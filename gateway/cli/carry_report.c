/*
 * What is said of an import, file by file and feed by feed.
 */
#include "gateway/cli/carry_take_parts.h"

static void files_out(const struct importing *importing, struct json_out *out)
{
	out_array_at(out, "files");
	for (size_t i = 0; i < importing->file_count; i++) {
		const struct carried_file *file = &importing->files[i];

		out_object(out);
		out_string_at(out, "path", file->path);
		out_text_at(out, "from", name_span(&file->from));
		out_int_at(out, "packs", (int64_t)file->packs);
		out_bool_at(out, "acked", file->acks > 0);
		out_bool_at(out, "whole", file->is_whole);
		if (file->none != NULL)
			out_string_at(out, "refused", file->none->code);
		if (!file->is_whole) {
			out_string_at(out, "fault", file->fault);
			out_string_at(out, "fault_zh", file->fault_zh);
		}
		out_object_end(out);
	}
	out_array_end(out);
}

static void feeds_out(const struct importing *importing, struct json_out *out)
{
	out_array_at(out, "feeds");
	for (size_t i = 0; i < importing->feed_count; i++) {
		const struct carried_feed *feed = &importing->feeds[i];

		out_object(out);
		out_int_at(out, "site", feed->site);
		out_int_at(out, "epoch", feed->epoch);
		out_int_at(out, "before", feed->before);
		out_int_at(out, "seq", feed->seq);
		out_int_at(out, "taken", feed->seq - feed->before);
		out_int_at(out, "rows", feed->rows);
		out_int_at(out, "void_rows", feed->void_rows);
		out_string_at(out, "state", feed->state);
		if (feed->offered > feed->seq) {
			out_int_at(out, "missing_from", feed->seq + 1);
			out_int_at(out, "offered", feed->offered);
		}
		out_object_end(out);
	}
	out_array_end(out);
}

void carry_take_out(const struct importing *importing, struct json_out *out)
{
	size_t listed = importing->refusal_count < REFUSALS_MAX
				? importing->refusal_count
				: REFUSALS_MAX;
	int64_t taken = 0;

	for (size_t i = 0; i < importing->feed_count; i++)
		taken += importing->feeds[i].seq - importing->feeds[i].before;
	out_int_at(out, "taken", taken);
	out_bool_at(out, "set_back", importing->is_set_back);
	out_int_at(out, "refusals", (int64_t)importing->refusal_count);
	feeds_out(importing, out);
	files_out(importing, out);
	out_array_at(out, "refused");
	for (size_t i = 0; i < listed; i++) {
		const struct carried_refusal *refusal = &importing->refusals[i];

		out_object(out);
		out_string_at(out, "path", refusal->path);
		out_int_at(out, "site", refusal->site);
		out_int_at(out, "epoch", refusal->epoch);
		out_int_at(out, "seq", refusal->seq);
		out_string_at(out, "reason", refusal->reason);
		out_object_end(out);
	}
	out_array_end(out);
}
