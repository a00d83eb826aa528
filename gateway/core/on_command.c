#include "gateway/core/on_command.h"

#include <string.h>

#include "gateway/core/command.h"
#include "gateway/core/inlet.h"

/* What stands around a result: {"v":1,"id":"...","result":} */
#define ENVELOPE_SIZE 128
#define RESULT_SIZE_MAX (PAYLOAD_OUT_SIZE_MAX - ENVELOPE_SIZE)

/* How an error's object begins, and what is inside it. */
#define ERROR_FRONT "{\"error\":"

struct replying {
	const struct message *message;
	struct name account;
	struct span name; /* of the command; borrowed */
	struct ref id;
	struct answers *answers;
};

static bool topic_split(struct span rest, struct span *ret_account,
			struct span *ret_name)
{
	const char *slash =
		rest.size == 0 ? NULL : memchr(rest.data, '/', rest.size);
	size_t size;

	if (slash == NULL)
		return false;
	size = (size_t)(slash - rest.data);
	*ret_account = (struct span){rest.data, size};
	*ret_name = (struct span){slash + 1, rest.size - size - 1};
	return true;
}

bool command_topic_is_valid(struct span rest)
{
	struct span account;
	struct span name;

	/* A command's name is made of what an id is made of. */
	return topic_split(rest, &account, &name) && text_is_name(account) &&
	       command_id_is_valid(name) && name.size <= NAME_SIZE_MAX;
}

static void replying_begin(struct replying *replying,
			   const struct message *message, struct span rest,
			   struct answers *answers)
{
	struct span account;
	bool is_valid;

	*replying = (struct replying){.message = message, .answers = answers};
	is_valid = topic_split(rest, &account, &replying->name) &&
		   name_set(&replying->account, account);
	ASSERT(is_valid);
}

/* What @text has behind @start; empty if it starts otherwise. */
static struct span behind(struct span text, struct span start)
{
	if (text.size < start.size || start.size == 0 ||
	    memcmp(text.data, start.data, start.size) != 0)
		return (struct span){"", 0};
	return (struct span){text.data + start.size, text.size - start.size};
}

/*
 * The part below the site of the topic that the sender asked to be answered
 * on. Empty if it may not be that: depot writes where its senders may not, so
 * only what lies under the account's own res/ is taken.
 */
static struct span response_suffix(const struct replying *replying)
{
	const struct message *message = replying->message;
	struct span below = inlet_below(message->topic);
	struct span site = {message->topic.data,
			    message->topic.size - below.size};
	struct span suffix = behind(message->response, site);
	char own[sizeof("res//") + NAME_SIZE_MAX];
	struct span rest;

	(void)text_format(own, sizeof(own), "res/%.*s/",
			  (int)replying->account.size, replying->account.data);
	rest = behind(suffix, span_of(own));
	if (rest.size == 0 || suffix.size > ANSWERS_SUFFIX_SIZE_MAX ||
	    !text_is_clean(rest) || memchr(rest.data, '+', rest.size) != NULL ||
	    memchr(rest.data, '#', rest.size) != NULL)
		return (struct span){"", 0};
	return suffix;
}

/* @reply is the whole object that the command wrote. */
static void reply_send(const struct replying *replying, struct span reply)
{
	struct span id = replying->id.size > 0 ? ref_span(&replying->id)
					       : SPAN_LITERAL("none");
	bool is_error = span_starts(reply, ERROR_FRONT);
	size_t front = sizeof(ERROR_FRONT) - 1;
	struct answers_message message = {
		.suffix = response_suffix(replying),
		.correlation = replying->message->correlation,
	};
	char suffix[ANSWERS_SUFFIX_SIZE_MAX + 1];
	UNINITIALIZED char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct json_out out;

	if (is_error)
		reply = (struct span){reply.data + front,
				      reply.size - front - 1};
	out_init(&out, buffer, sizeof(buffer));
	out_object(&out);
	out_int_at(&out, "v", 1);
	out_text_at(&out, "id", id);
	out_key(&out, is_error ? "error" : "result");
	out_raw(&out, reply);
	out_object_end(&out);
	ASSERT(out_ok(&out));
	(void)text_format(suffix, sizeof(suffix), "res/%.*s/%.*s/%.*s",
			  (int)replying->account.size, replying->account.data,
			  (int)replying->name.size, replying->name.data,
			  (int)id.size, id.data);
	if (message.suffix.size == 0)
		message.suffix = span_of(suffix);
	message.payload = out_span(&out);
	answers_reply(replying->answers, &message);
}

/* A reply of the engine's own words. */
static void word_send(const struct replying *replying, enum word word)
{
	struct span none = {"", 0};
	char buffer[1024];
	char text[512];
	struct json_out out;

	out_init(&out, buffer, sizeof(buffer));
	out_object(&out);
	out_object_at(&out, "error");
	out_string_at(&out, "code", word_code(word));
	word_text(word, none, false, text, sizeof(text));
	out_string_at(&out, "text_en", text);
	word_text(word, none, true, text, sizeof(text));
	out_string_at(&out, "text_zh", text);
	out_object_end(&out);
	out_object_end(&out);
	ASSERT(out_ok(&out));
	reply_send(replying, out_span(&out));
}

enum err_code on_command(struct intake *intake, struct span rest,
			 struct answers *answers, struct err *err)
{
	struct engine *engine = intake->engine;
	UNINITIALIZED char buffer[RESULT_SIZE_MAX];
	struct replying replying;
	struct json_out out;
	struct command command = {.arguments = intake->message.payload,
				  .file = {"", 0},
				  .reply = &out};
	enum err_code code;

	engine->counters.commands++;
	replying_begin(&replying, &intake->message, rest, answers);
	if (intake->message.is_cut) {
		word_send(&replying, WORD_COMMAND_TOO_LONG);
		return ERR_OK;
	}
	command.account = replying.account;
	command.name = replying.name;
	out_init(&out, buffer, sizeof(buffer));
	code = command_take(engine, intake->act.batch, &command, &replying.id,
			    err);
	if (code != ERR_OK)
		return code;
	if (out_ok(&out))
		reply_send(&replying, out_span(&out));
	else
		word_send(&replying, WORD_REPLY_TOO_LONG);
	return ERR_OK;
}

void on_command_full(struct engine *engine, const struct message *message,
		     struct span rest, struct answers *answers)
{
	struct replying replying;
	struct span id = {"", 0};
	struct fault fault;

	replying_begin(&replying, message, rest, answers);
	if (json_parse(&engine->json, message->payload, &fault) == ERR_OK &&
	    json_text(json_root(&engine->json), "id", &id, &fault) == ERR_OK &&
	    command_id_is_valid(id) && !ref_set(&replying.id, id))
		replying.id.size = 0;
	word_send(&replying, WORD_STORE_FULL);
}
