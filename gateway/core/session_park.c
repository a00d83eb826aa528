/*
 * A scan of a session that cannot be booked yet.
 */
#include "gateway/core/state.h"

#include "gateway/core/operate.h"
#include "gateway/ingest/json_out.h"

enum err_code session_park(struct intake *intake,
			   const struct operation *operation,
			   struct verdict *verdict, struct err *err)
{
	char buffer[PAYLOAD_IN_SIZE_MAX];
	struct json_out out;

	out_init(&out, buffer, sizeof(buffer));
	out_object(&out);
	out_int_at(&out, "v", 1);
	out_string_at(&out, "op", reading_op_name(operation->op));
	out_text_at(&out, "code",
		    reading_code(&intake->engine->reading.body.scan, 0));
	if (operation->bin.size > 0)
		out_text_at(&out, "bin", place_name_span(&operation->bin));
	if (operation->to.size > 0)
		out_text_at(&out, "to", place_name_span(&operation->to));
	if (operation->ref.size > 0)
		out_text_at(&out, "ref", ref_span(&operation->ref));
	if (operation->has_qty)
		out_int_at(&out, "qty", operation->qty);
	out_text_at(&out, "reason", reason_span(&operation->reason));
	out_object_end(&out);
	ASSERT(out_ok(&out));
	return intake_park(intake, verdict, out_span(&out), err);
}
