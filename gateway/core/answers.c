#include "gateway/core/answers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/ingest/json_out.h"
#include "rules/base/limits.h"

/* Sentences of one batch. Beyond it an answer is left out, and with it the
 * numbers above: the device asks again. */
#define WORDS_SIZE (256 * 1024)

/* Replies of one batch, with their topics; what is left out is asked again. */
#define REPLIES_SIZE (128 * 1024)

/* A sentence of the acknowledgement's own. */
#define TEXT_SIZE 256

/* A run of bytes in words, or in replies. */
struct slice {
	uint32_t at;
	uint32_t size;
};

struct line {
	uint32_t talk; /* which acknowledgement it belongs to */
	uint64_t seq;
	enum result result;
	bool is_session;
	struct slice code;
	struct slice text_en;
	struct slice text_zh;
	struct slice next;
	struct slice what;
};

/* One acknowledgement: a device and boot. */
struct talk {
	struct name device;
	struct boot boot;
	uint64_t from;
	uint64_t upto;
	uint64_t high;
	uint64_t missing_first;
	uint64_t missing_last;
	uint64_t missing_count;
	bool has_names;
	bool is_cut; /* an exception was left out: upto stays below it */
};

/* A command's reply: its parts, one behind the other. */
struct reply {
	struct slice suffix;
	struct slice payload;
	struct slice correlation;
};

struct answers {
	size_t readings_max;
	size_t talk_count;
	size_t line_count;
	size_t words_size;
	size_t reply_count;
	size_t replies_size;
	struct talk *talks;
	struct line *lines;
	char *words;
	struct reply *replies;
	char *reply_bytes;
};

enum err_code answers_open(size_t readings, struct answers **ret_answers,
			   struct err *err)
{
	struct answers *answers = calloc(1, sizeof(*answers));

	if (answers == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	answers->readings_max = readings;
	answers->talks = calloc(readings, sizeof(*answers->talks));
	answers->lines = calloc(readings, sizeof(*answers->lines));
	answers->words = malloc(WORDS_SIZE);
	answers->replies = calloc(readings, sizeof(*answers->replies));
	answers->reply_bytes = malloc(REPLIES_SIZE);
	if (answers->talks == NULL || answers->lines == NULL ||
	    answers->words == NULL || answers->replies == NULL ||
	    answers->reply_bytes == NULL) {
		answers_close(answers);
		return err_set(err, ERR_FULL, "out of memory");
	}
	*ret_answers = answers;
	return ERR_OK;
}

void answers_close(struct answers *answers)
{
	if (answers == NULL)
		return;
	free(answers->talks);
	free(answers->lines);
	free(answers->words);
	free(answers->replies);
	free(answers->reply_bytes);
	free(answers);
}

void answers_reset(struct answers *answers)
{
	answers->talk_count = 0;
	answers->line_count = 0;
	answers->words_size = 0;
	answers->reply_count = 0;
	answers->replies_size = 0;
}

/* From the end: readings of one device mostly come one after the other. */
static struct talk *talk_find(struct answers *answers, const struct said *said)
{
	struct talk *talk;

	for (size_t i = answers->talk_count; i > 0; i--) {
		talk = &answers->talks[i - 1];
		if (span_equal(name_span(&talk->device), said->device) &&
		    span_equal(boot_span(&talk->boot), said->boot))
			return talk;
	}
	if (answers->talk_count == answers->readings_max)
		return NULL;
	talk = &answers->talks[answers->talk_count];
	*talk = (struct talk){.upto = 0};
	if (!name_set(&talk->device, said->device) ||
	    !boot_set(&talk->boot, said->boot))
		return NULL;
	answers->talk_count++;
	return talk;
}

static bool words_keep(struct answers *answers, struct span text,
		       struct slice *ret_slice)
{
	if (text.size > WORDS_SIZE - answers->words_size)
		return false;
	ret_slice->at = (uint32_t)answers->words_size;
	ret_slice->size = (uint32_t)text.size;
	if (text.size > 0)
		memcpy(answers->words + answers->words_size, text.data,
		       text.size);
	answers->words_size += text.size;
	return true;
}

static bool line_keep(struct answers *answers, const struct said *said,
		      const struct talk *talk)
{
	struct line *line;

	if (answers->line_count == answers->readings_max)
		return false;
	line = &answers->lines[answers->line_count];
	line->talk = (uint32_t)(talk - answers->talks);
	line->seq = said->seq;
	line->result = said->result;
	line->is_session = said->is_session;
	if (!words_keep(answers, said->code, &line->code) ||
	    !words_keep(answers, said->text_en, &line->text_en) ||
	    !words_keep(answers, said->text_zh, &line->text_zh) ||
	    !words_keep(answers, said->next, &line->next) ||
	    !words_keep(answers, said->what, &line->what))
		return false;
	answers->line_count++;
	return true;
}

/* Holes of one batch are told as one range with their number. */
static void missing_note(struct talk *talk,
			 const struct seen_progress *progress)
{
	if (progress->missing_first == 0)
		return;
	if (talk->missing_first == 0 ||
	    progress->missing_first < talk->missing_first)
		talk->missing_first = progress->missing_first;
	if (progress->missing_last > talk->missing_last)
		talk->missing_last = progress->missing_last;
	talk->missing_count += progress->missing_count;
}

void answers_add(struct answers *answers, const struct said *said)
{
	struct talk *talk = talk_find(answers, said);

	if (talk == NULL)
		return;
	/* A hole is told once, ever: it is noted whatever else is left out. */
	missing_note(talk, &said->progress);
	if ((said->result != RESULT_BOOKED || said->is_session) &&
	    !line_keep(answers, said, talk))
		talk->is_cut = true;
	if (said->seq == 0 || talk->is_cut)
		return;
	if (said->progress.upto == 0)
		return; /* a full store: nothing was looked up */
	if (!talk->has_names || said->progress.from < talk->from)
		talk->from = said->progress.from;
	if (said->progress.upto > talk->upto)
		talk->upto = said->progress.upto;
	if (said->progress.high > talk->high)
		talk->high = said->progress.high;
	talk->has_names = true;
}

static struct slice reply_keep(struct answers *answers, struct span text)
{
	struct slice slice = {(uint32_t)answers->replies_size,
			      (uint32_t)text.size};

	if (text.size > 0)
		memcpy(answers->reply_bytes + answers->replies_size, text.data,
		       text.size);
	answers->replies_size += text.size;
	return slice;
}

void answers_reply(struct answers *answers, const struct answers_message *reply)
{
	size_t size = reply->suffix.size + reply->payload.size +
		      reply->correlation.size;
	struct reply *kept;

	ASSERT(reply->suffix.size <= ANSWERS_SUFFIX_SIZE_MAX &&
	       reply->payload.size <= PAYLOAD_OUT_SIZE_MAX &&
	       reply->correlation.size <= CORRELATION_SIZE_MAX);
	if (answers->reply_count == answers->readings_max ||
	    size > REPLIES_SIZE - answers->replies_size)
		return;
	kept = &answers->replies[answers->reply_count++];
	kept->suffix = reply_keep(answers, reply->suffix);
	kept->payload = reply_keep(answers, reply->payload);
	kept->correlation = reply_keep(answers, reply->correlation);
}

/* ---- rendering ---- */

static const char *result_name(enum result result)
{
	switch (result) {
	case RESULT_BOOKED:
		return "booked";
	case RESULT_DUPLICATE:
		return "duplicate";
	case RESULT_SEQ_REUSED:
		return "seq_reused";
	case RESULT_REFUSED:
		return "refused";
	case RESULT_PARKED:
		return "parked";
	case RESULT_MISSING:
		return "missing";
	}
	ASSERT(result == RESULT_BOOKED);
	return "";
}

static struct span slice_span(const struct answers *answers, struct slice slice)
{
	return (struct span){answers->words + slice.at, slice.size};
}

static void texts_out(struct json_out *out, const struct answers *answers,
		      const struct line *line)
{
	out_text_at(out, "text_en", slice_span(answers, line->text_en));
	out_text_at(out, "text_zh", slice_span(answers, line->text_zh));
}

static void line_out(struct json_out *out, const struct answers *answers,
		     const struct line *line)
{
	out_object(out);
	if (line->seq != 0)
		out_id_at(out, "seq", line->seq);
	out_string_at(out, "result", result_name(line->result));
	out_text_at(out, "code", slice_span(answers, line->code));
	texts_out(out, answers, line);
	out_object_end(out);
}

/* "3", and "17-20" or "17". */
static void missing_texts_out(struct json_out *out, const struct talk *talk)
{
	char detail[3 * 20 + 3];
	char text[TEXT_SIZE];

	if (talk->missing_first == talk->missing_last)
		(void)text_format(detail, sizeof(detail),
				  "%" PRIu64 WORD_FIELD_END "%" PRIu64,
				  talk->missing_count, talk->missing_first);
	else
		(void)text_format(detail, sizeof(detail),
				  "%" PRIu64 WORD_FIELD_END "%" PRIu64
				  "-%" PRIu64,
				  talk->missing_count, talk->missing_first,
				  talk->missing_last);
	word_text(WORD_MISSING, span_of(detail), false, text, sizeof(text));
	out_string_at(out, "text_en", text);
	word_text(WORD_MISSING, span_of(detail), true, text, sizeof(text));
	out_string_at(out, "text_zh", text);
}

static void missing_out(struct json_out *out, const struct talk *talk)
{
	if (talk->missing_first == 0)
		return;
	out_object(out);
	out_id_at(out, "seq", talk->missing_first);
	out_id_at(out, "seq_last", talk->missing_last);
	out_id_at(out, "count", talk->missing_count);
	out_string_at(out, "result", "missing");
	out_string_at(out, "code", word_code(WORD_MISSING));
	missing_texts_out(out, talk);
	out_object_end(out);
}

static void session_out(struct json_out *out, const struct answers *answers,
			const struct line *line)
{
	out_object_at(out, "session");
	texts_out(out, answers, line);
	out_text_at(out, "next", slice_span(answers, line->next));
	if (line->what.size > 0)
		out_text_at(out, "what", slice_span(answers, line->what));
	out_object_end(out);
}

/* What stands in every acknowledgement of @talk, up to the exceptions. */
static void head_out(struct json_out *out, const struct talk *talk,
		     struct pos pos)
{
	out_object(out);
	out_int_at(out, "v", 1);
	if (talk->boot.size > 0)
		out_text_at(out, "boot", boot_span(&talk->boot));
	else
		out_null_at(out, "boot");
	if (talk->has_names)
		out_id_at(out, "from", talk->from);
	if (talk->has_names)
		out_id_at(out, "upto", talk->upto);
	else
		out_null_at(out, "upto");
	if (talk->high > talk->upto)
		out_id_at(out, "high", talk->high);
	out_int_at(out, "epoch", pos_epoch(pos));
	out_int_at(out, "pos", (int64_t)pos_number(pos));
	out_array_at(out, "except");
}

struct sending {
	const struct answers *answers;
	const struct talk *talk;
	struct pos pos;
	answers_send_fn *send;
	void *context;
};

static void message_end(struct json_out *out, const struct sending *sending,
			const struct line *session)
{
	char suffix[sizeof("ack/") + NAME_SIZE_MAX];
	struct answers_message message;

	out_reserve(out, 0);
	out_array_end(out);
	if (session != NULL)
		session_out(out, sending->answers, session);
	out_object_end(out);
	ASSERT(out_ok(out));
	(void)text_format(suffix, sizeof(suffix), "ack/%.*s",
			  (int)sending->talk->device.size,
			  sending->talk->device.data);
	message = (struct answers_message){.suffix = span_of(suffix),
					   .payload = out_span(out)};
	sending->send(sending->context, &message);
}

/* Room for the brackets and the session's two sentences behind the list. */
#define TAIL_SIZE 1400

static void talk_render(const struct sending *sending, uint32_t number)
{
	const struct answers *answers = sending->answers;
	const struct line *session = NULL;
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct json_out out;

	out_init(&out, buffer, sizeof(buffer));
	out_reserve(&out, TAIL_SIZE);
	head_out(&out, sending->talk, sending->pos);
	missing_out(&out, sending->talk);
	for (size_t i = 0; i < answers->line_count; i++) {
		const struct line *line = &answers->lines[i];
		struct json_mark mark;

		if (line->talk != number)
			continue;
		if (line->is_session)
			session = line;
		if (line->result == RESULT_BOOKED)
			continue;
		mark = out_mark(&out);
		line_out(&out, answers, line);
		if (out_ok(&out))
			continue;
		/* Full: this one goes out, the line begins the next. */
		out_rollback(&out, mark);
		message_end(&out, sending, NULL);
		out_init(&out, buffer, sizeof(buffer));
		out_reserve(&out, TAIL_SIZE);
		head_out(&out, sending->talk, sending->pos);
		line_out(&out, answers, line);
		ASSERT(out_ok(&out));
	}
	message_end(&out, sending, session);
}

static struct span reply_span(const struct answers *answers, struct slice slice)
{
	return (struct span){answers->reply_bytes + slice.at, slice.size};
}

void answers_render(const struct answers *answers, struct pos pos,
		    answers_send_fn *send, void *context)
{
	for (size_t i = 0; i < answers->talk_count; i++) {
		struct sending sending = {answers, &answers->talks[i], pos,
					  send, context};

		talk_render(&sending, (uint32_t)i);
	}
	for (size_t i = 0; i < answers->reply_count; i++) {
		const struct reply *reply = &answers->replies[i];
		struct answers_message message = {
			.suffix = reply_span(answers, reply->suffix),
			.payload = reply_span(answers, reply->payload),
			.correlation = reply_span(answers, reply->correlation),
		};

		send(context, &message);
	}
}
