#include "gateway/core/command.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/core/asking.h"
#include "gateway/core/state.h"

struct desk {
	struct json json;
	unsigned char memory[]; /* of READING_JSON_SIZE */
};

struct command_table {
	const struct command_row *rows;
	size_t count;
};

#define TABLES 1

static void tables(struct command_table ret_tables[TABLES])
{
	ret_tables[0] =
		(struct command_table){master_commands, master_command_count};
}

static const struct command_row *row_find(struct span name)
{
	struct command_table all[TABLES];

	tables(all);
	for (size_t i = 0; i < TABLES; i++)
		for (size_t j = 0; j < all[i].count; j++)
			if (span_is(name, all[i].rows[j].spec.name))
				return &all[i].rows[j];
	return NULL;
}

const struct command_spec *command_find(struct span name)
{
	const struct command_row *row = row_find(name);

	return row == NULL ? NULL : &row->spec;
}

const struct command_spec *command_at(size_t index, size_t *ret_count)
{
	const struct command_spec *found = NULL;
	struct command_table all[TABLES];

	tables(all);
	*ret_count = 0;
	for (size_t i = 0; i < TABLES; i++) {
		if (index >= *ret_count && index < *ret_count + all[i].count)
			found = &all[i].rows[index - *ret_count].spec;
		*ret_count += all[i].count;
	}
	return found;
}

enum err_code desk_open(struct desk **ret_desk, struct err *err)
{
	struct desk *desk = malloc(sizeof(*desk) + READING_JSON_SIZE);

	if (desk == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	json_init(&desk->json, desk->memory, READING_JSON_SIZE);
	*ret_desk = desk;
	return ERR_OK;
}

void desk_close(struct desk *desk)
{
	free(desk);
}

/* ---- refusing ---- */

static void error_out(struct asking *asking, struct span code, struct span en,
		      struct span zh)
{
	struct json_out *out = asking->out;

	if (asking->is_refused)
		return;
	asking->is_refused = true;
	out_rollback(out, asking->start);
	out_object_at(out, "error");
	out_text_at(out, "code", code);
	out_text_at(out, "text_en", en);
	out_text_at(out, "text_zh", zh);
	out_object_end(out);
}

/* The detail is outside data: it is placed, never a format. */
static struct span sentence(const char *text, struct span detail, char *buffer,
			    size_t size)
{
	const char *hole = strstr(text, "%s");
	struct writer writer;

	writer_init(&writer, buffer, size);
	if (hole == NULL) {
		write_raw(&writer, text, strlen(text));
	} else {
		write_raw(&writer, text, (size_t)(hole - text));
		write_raw(&writer, detail.data, detail.size);
		write_raw(&writer, hole + 2, strlen(hole + 2));
	}
	return (struct span){buffer, writer.size};
}

enum err_code asking_refuse(struct asking *asking, const struct refusal *why,
			    struct span detail)
{
	char en[512];
	char zh[512];

	error_out(asking, span_of(why->code),
		  sentence(why->en, detail, en, sizeof(en)),
		  sentence(why->zh, detail, zh, sizeof(zh)));
	return ERR_OK;
}

enum err_code asking_fault(struct asking *asking, const struct fault *fault)
{
	char en[FAULT_TEXT_SIZE];
	char zh[FAULT_TEXT_SIZE];

	fault_text_en(fault, en, sizeof(en));
	fault_text_zh(fault, zh, sizeof(zh));
	error_out(asking, span_of(fault_code(fault->kind)), span_of(en),
		  span_of(zh));
	return ERR_OK;
}

/* ---- arguments ---- */

bool asking_text_or(struct asking *asking, const char *name, size_t max,
		    struct span *ret_text)
{
	struct fault fault = {.kind = FAULT_NONE};
	struct span text = {"", 0};
	enum err_code code;

	if (asking->is_refused)
		return false;
	code = json_text(asking->arguments, name, &text, &fault);
	if (code == ERR_OK && text.size > max)
		code = fault_of(&fault, FAULT_TEXT_TOO_LONG, name, text);
	if (code == ERR_OK && !text_is_clean(text))
		code = fault_of(&fault, FAULT_BAD_TEXT, name, text);
	if (code == ERR_INVALID) {
		fault.high = max;
		(void)asking_fault(asking, &fault); /* always ERR_OK */
		return false;
	}
	*ret_text = text;
	return true;
}

bool asking_text(struct asking *asking, const char *name, size_t max,
		 struct span *ret_text)
{
	struct fault fault;
	struct span none = {"", 0};

	if (!asking_text_or(asking, name, max, ret_text))
		return false;
	if (ret_text->size > 0)
		return true;
	(void)fault_of(&fault, FAULT_MISSING, name, none);
	(void)asking_fault(asking, &fault); /* always ERR_OK */
	return false;
}

bool asking_int_or(struct asking *asking, const char *name,
		   struct json_range range, int64_t otherwise, int64_t *ret_int)
{
	struct fault fault;
	enum err_code code;

	if (asking->is_refused)
		return false;
	*ret_int = otherwise;
	code = json_int(asking->arguments, name, range, ret_int, &fault);
	if (code != ERR_INVALID)
		return true;
	(void)asking_fault(asking, &fault); /* always ERR_OK */
	return false;
}

bool asking_bool_or(struct asking *asking, const char *name, bool otherwise,
		    bool *ret_bool)
{
	struct fault fault;
	enum err_code code;

	if (asking->is_refused)
		return false;
	*ret_bool = otherwise;
	code = json_bool(asking->arguments, name, ret_bool, &fault);
	if (code != ERR_INVALID)
		return true;
	(void)asking_fault(asking, &fault); /* always ERR_OK */
	return false;
}

enum err_code asking_post(struct asking *asking, struct entry *entry,
			  struct err *err)
{
	struct pos pos;
	enum err_code code = act_post(asking->act, entry, &pos, err);

	if (code != ERR_OK)
		return code;
	out_int_at(asking->out, "epoch", pos_epoch(pos));
	out_id_at(asking->out, "pos", pos_number(pos));
	return ERR_OK;
}

/* ---- running ---- */

static const struct refusal unknown_command = {
	"unknown_command", "there is no command %s", "没有命令 %s"};
static const struct refusal denied = {"denied", "account %s may not do this",
				      "账户 %s 无权执行此操作"};

/* The account's right to this command. A store without accounts has only its
 * owner, whom the caller has let in by the system's own rights. */
static enum err_code right_check(struct asking *asking,
				 const struct command_spec *spec,
				 const struct command *command, struct err *err)
{
	struct account account;
	enum err_code code = account_get(
		asking->view, name_span(&command->account), &account, err);

	if (code == ERR_NOT_FOUND ||
	    (code == ERR_OK &&
	     (account.is_revoked ||
	      (spec->roles != 0 && (account.roles & spec->roles) == 0))))
		return asking_refuse(asking, &denied,
				     name_span(&command->account));
	return code;
}

static enum err_code run(struct asking *asking, struct json *json,
			 const struct command *command,
			 enum command_effect effect, struct err *err)
{
	const struct command_row *row = row_find(command->name);
	struct span arguments = command->arguments;
	struct fault fault = {.kind = FAULT_NONE};
	enum err_code code = ERR_OK;

	out_object(asking->out);
	asking->start = out_mark(asking->out);
	asking->file = command->file;
	if (arguments.size == 0)
		arguments = SPAN_LITERAL("{}");
	if (row == NULL || row->spec.effect != effect)
		code = asking_refuse(asking, &unknown_command, command->name);
	else if (arguments.size > ARGUMENTS_SIZE_MAX ||
		 json_parse(json, arguments, &fault) != ERR_OK ||
		 json_to_object(json_root(json), &fault) != ERR_OK)
		code = asking_fault(asking, &fault);
	else
		code = right_check(asking, &row->spec, command, err);
	if (code == ERR_OK && !asking->is_refused) {
		asking->arguments = json_root(json);
		code = row->run(asking, err);
	}
	out_object_end(asking->out);
	return code;
}

enum err_code command_run(struct engine *engine, struct batch *batch,
			  const struct command *command, struct err *err)
{
	struct act act = {.plan = &engine->plan,
			  .counters = &engine->counters,
			  .batch = batch,
			  .actor = {.kind = ACTOR_ACCOUNT,
				    .name = command->account}};
	struct asking asking = {.view = batch_view(batch),
				.now = batch_now(batch),
				.out = command->reply,
				.engine = engine,
				.act = &act};
	enum err_code code;

	code = run(&asking, &engine->json, command, COMMAND_WRITE, err);
	engine->step_wrote = !asking.is_refused;
	return code;
}

enum err_code query_run(struct desk *desk, const struct view *view,
			struct moment now, const struct command *command,
			struct err *err)
{
	struct asking asking = {
		.view = view, .now = now, .out = command->reply};

	return run(&asking, &desk->json, command, COMMAND_QUERY, err);
}
