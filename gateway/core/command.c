#include "gateway/core/command.h"

#include <stdlib.h>

#include "gateway/core/asking.h"
#include "gateway/core/command_hq_run.h"
#include "gateway/core/state.h"
#include "gateway/core/transfer_turn.h"
#include "store/asked.h"
#include "store/roster.h"
#include "store/closing.h"
#include "store/seal.h"

/* Entries of the journal that one query may look at: a tenth of a second on a
 * thread of its own; in the keeper, where intake waits meanwhile, less. */
#define LOOK_MAX 50000
#define LOOK_MAX_KEEPER 5000

struct desk {
	struct json json;
	const struct zone *zone;
	site_age_fn *age; /* NULL: nobody tells */
	void *age_context;
	unsigned char memory[]; /* of READING_JSON_SIZE */
};

/* ---- the table of tables ---- */

static const struct command_table *const tables[] = {
	&master_commands,  &import_commands,       &stock_commands,
	&work_commands,    &parked_commands,       &stock_queries,
	&master_queries,   &work_queries,          &journal_queries,
	&trace_queries,    &check_commands,        &transfer_commands,
	&transfer_queries, &hq_commands,           &hq_queries,
	&carry_commands,   &network_check_queries, &succession_commands,
	&ask_commands,     &adopt_commands,        &close_commands,
};

static const struct command_row *row_find(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		for (size_t j = 0; j < tables[i]->count; j++)
			if (span_is(name, tables[i]->rows[j].spec.name))
				return &tables[i]->rows[j];
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
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
		if (index >= count && index < count + tables[i]->count)
			found = &tables[i]->rows[index - count].spec;
		count += tables[i]->count;
	}
	*ret_count = count;
	return found;
}

enum err_code desk_open(struct desk **ret_desk, struct err *err)
{
	struct desk *desk = malloc(sizeof(*desk) + READING_JSON_SIZE);

	if (desk == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	*desk = (struct desk){.zone = NULL};
	json_init(&desk->json, desk->memory, READING_JSON_SIZE);
	*ret_desk = desk;
	return ERR_OK;
}

void desk_zone(struct desk *desk, const struct zone *zone)
{
	desk->zone = zone;
}

void desk_close(struct desk *desk)
{
	free(desk);
}

/* ---- before it runs ---- */

static const struct refusal unknown_command = {
	"unknown_command", "there is no command %s", "没有命令 %s"};
static const struct refusal denied = {"denied", "account %s may not do this",
				      "账户 %s 无权执行此操作"};
static const struct refusal site_closed = {
	"site_closed",
	"this warehouse was closed by %s: nothing is booked here any more",
	"本仓库已由 %s 关闭，不再记账"};
static const struct refusal bad_id = {
	"bad_id", "%s is no id: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'",
	"%s 不是有效的 id：1 至 64 个 A-Z、a-z、0-9、“.”、“_”或“-”"};
static const struct refusal id_reused = {
	"id_reused", "id %s was used before for another command",
	"id %s 曾用于另一条命令"};

/* One command on its way through here. */
struct running {
	struct asking *asking;
	const struct command_row *row; /* NULL: there is none */
	struct json_mark whole;        /* before the reply's object */
	bool takes[2];                 /* by enum command_effect */
	bool is_hq;      /* HQ asks: its control feed is its right */
	bool is_message; /* the arguments stand in {"v", "id", "args"} */
	bool was_run;
	bool is_replay; /* the reply is the one it got before */
	bool is_marked;
	uint64_t content;
};

/* The account's right to this command. A store without accounts has only its
 * owner, whom the caller has let in by the system's own rights. */
static enum err_code right_check(const struct running *running, struct err *err)
{
	struct asking *asking = running->asking;
	struct span name = name_span(&asking->command->account);
	uint32_t roles = running->row->spec.roles;
	struct account account;
	enum err_code code = account_get(asking->view, name, &account, err);

	if (code == ERR_NOT_FOUND ||
	    (code == ERR_OK && (account.is_revoked ||
				(roles != 0 && (account.roles & roles) == 0))))
		return asking_refuse(asking, &denied, name);
	return code;
}

/* What is said on behalf of the network goes on: it is not in the journal. */
static bool writes_journal(const struct command_row *row)
{
	struct span name = span_of(row->spec.name);

	return row->spec.effect == COMMAND_WRITE &&
	       !span_is(name, "site.close") && !span_starts(name, "network.") &&
	       !span_starts(name, "hq.");
}

static enum err_code closed_check(const struct running *running,
				  struct err *err)
{
	struct closing closing;
	enum err_code code;

	if (!writes_journal(running->row))
		return ERR_OK;
	code = closing_get(running->asking->view, &closing, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	return code == ERR_OK ? asking_refuse(running->asking, &site_closed,
					      name_span(&closing.account))
			      : code;
}

bool command_id_is_valid(struct span id)
{
	for (size_t i = 0; i < id.size; i++) {
		char c = id.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
			return false;
	}
	return id.size > 0 && id.size <= REF_SIZE_MAX;
}

/* False where "id" among the arguments names the thing that the command is
 * about. A message has its id beside the arguments. */
static bool has_own_id(const struct running *running)
{
	const struct command_row *row = running->row;

	if (running->is_hq)
		return false; /* the intent's own id is enough */
	return running->is_message || row == NULL || row->thing == NULL ||
	       json_member(running->asking->arguments, row->thing) != NULL;
}

static void id_read(struct running *running)
{
	struct asking *asking = running->asking;
	struct span text;
	bool is_read;

	if (!has_own_id(running))
		return;
	is_read = running->is_message
			  ? asking_text(asking, "id", REF_SIZE_MAX, &text)
			  : asking_text_or(asking, "id", REF_SIZE_MAX, &text);
	if (!is_read || text.size == 0)
		return;
	if (!command_id_is_valid(text) || !ref_set(&asking->id, text))
		(void)asking_refuse(asking, &bad_id, text);
}

/* Of a message, the version, the id, and the arguments inside. */
static void envelope_read(struct running *running)
{
	struct asking *asking = running->asking;
	const struct json_value *args = json_member(asking->arguments, "args");
	struct json_range versions = {1, 1};
	struct fault fault;
	int64_t version;

	id_read(running);
	if (!asking_int_or(asking, "v", versions, 1, &version))
		return;
	/* The rest of the envelope is read: an empty object may take its
	 * place. */
	if (args == NULL &&
	    json_parse(asking->json, SPAN_LITERAL("{}"), &fault) == ERR_OK)
		args = json_root(asking->json);
	if (json_to_object(args, &fault) != ERR_OK)
		(void)asking_fault(asking, &fault); /* always ERR_OK */
	asking->arguments = args;
}

static void arguments_read(struct running *running)
{
	struct asking *asking = running->asking;
	struct span text = asking->command->arguments;
	struct fault fault = {.kind = FAULT_NONE};

	if (text.size == 0)
		text = SPAN_LITERAL("{}");
	if (text.size > ARGUMENTS_SIZE_MAX) {
		char size[24];

		(void)text_format(size, sizeof(size), "%zu", text.size);
		(void)fault_of(&fault, FAULT_MESSAGE_TOO_LONG, "",
			       span_of(size));
		fault.high = ARGUMENTS_SIZE_MAX;
		(void)asking_fault(asking, &fault); /* always ERR_OK */
		return;
	}
	if (json_parse(asking->json, text, &fault) != ERR_OK ||
	    json_to_object(json_root(asking->json), &fault) != ERR_OK) {
		(void)asking_fault(asking, &fault); /* always ERR_OK */
		return;
	}
	asking->arguments = json_root(asking->json);
	if (running->is_message)
		envelope_read(running);
	else
		id_read(running);
}

/* ---- running ---- */

/* What a figure is worth: the journal's end, and the time of the question. */
static enum err_code head_out(struct asking *asking, struct err *err)
{
	struct journal_head head;
	enum err_code code = ledger_head(asking->view, &head, err);

	if (code != ERR_OK)
		return code;
	if (asking->now.ms != 0)
		out_moment_at(asking->out, "as_of", asking->now);
	else
		out_null_at(asking->out, "as_of");
	pos_out(asking->out, "head", head.pos);
	return ERR_OK;
}

/* True if this box belongs to a network. */
static enum err_code network_look(struct asking *asking, struct err *err)
{
	struct root root;
	enum err_code code = roster_root(asking->view, &root, err);

	asking->is_networked = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code row_run(struct running *running, struct err *err)
{
	struct asking *asking = running->asking;
	enum err_code code = network_look(asking, err);

	running->was_run = true;
	if (code == ERR_OK && running->row->spec.effect == COMMAND_QUERY)
		code = head_out(asking, err);
	if (code == ERR_OK)
		code = running->row->run(asking, err);
	return code;
}

static uint64_t content_of(const struct command *command)
{
	uint64_t content = seal_checksum(0, command->name);

	content = seal_checksum(content, command->arguments);
	return seal_checksum(content, command->file);
}

static struct asked_name asked_name_of(const struct asking *asking)
{
	return (struct asked_name){name_span(&asking->command->account),
				   ref_span(&asking->id)};
}

/* A command with an id is run once: after that it has its reply. */
static enum err_code run_once(struct running *running, struct err *err)
{
	struct asking *asking = running->asking;
	struct asked_name name = asked_name_of(asking);
	enum asked_state state;
	struct span reply;
	enum err_code code;

	running->content = content_of(asking->command);
	code = asked_find(asking->view, &name, running->content, &state, &reply,
			  err);
	if (code != ERR_OK)
		return code;
	switch (state) {
	case ASKED_NEW:
		return row_run(running, err);
	case ASKED_REUSED:
		return asking_refuse(asking, &id_reused, name.id);
	case ASKED_BEFORE:
		break;
	}
	out_rollback(asking->out, running->whole);
	out_raw(asking->out, reply);
	running->is_replay = true;
	return ERR_OK;
}

/* Beside what the command did, in the same transaction. A refusal is
 * remembered too: whoever was told no is not surprised by a late yes. */
static enum err_code remember(struct running *running, struct err *err)
{
	struct asking *asking = running->asking;
	const struct json_out *out = asking->out;
	struct asked_name name = asked_name_of(asking);
	size_t at = running->whole.out.size;
	struct span reply = {out->data + at, out->size - at};
	bool is_whole = out_ok(out) && reply.size <= ASKED_REPLY_SIZE_MAX;

	if (asking->id.size == 0 || !running->was_run || asking->is_idle ||
	    running->row->spec.effect == COMMAND_QUERY)
		return ERR_OK;
	if (!is_whole && asking->is_refused)
		return ERR_OK; /* nothing was done: it is judged again */
	if (!is_whole)
		reply = SPAN_LITERAL("{\"is_done\":true}");
	running->is_marked = true;
	return asked_mark(batch_txn(asking->act->batch), &name,
			  running->content, reply, err);
}

static enum err_code judge(struct running *running, struct err *err)
{
	struct asking *asking = running->asking;
	const struct command_row *row = running->row;

	enum err_code code;

	if (row == NULL || !running->takes[row->spec.effect])
		return asking_refuse(asking, &unknown_command,
				     asking->command->name);
	code = running->is_hq ? ERR_OK : right_check(running, err);
	return code == ERR_OK && !asking->is_refused
		       ? closed_check(running, err)
		       : code;
}

static enum err_code run(struct running *running, struct err *err)
{
	struct asking *asking = running->asking;
	struct json_out *out = asking->out;
	enum err_code code = ERR_OK;

	running->row = row_find(asking->command->name);
	running->whole = out_mark(out);
	out_object(out);
	asking->start = out_mark(out);
	arguments_read(running);
	if (!asking->is_refused)
		code = judge(running, err);
	if (code == ERR_OK && !asking->is_refused)
		code = asking->id.size > 0 && running->row->spec.effect ==
						      COMMAND_WRITE
			       ? run_once(running, err)
			       : row_run(running, err);
	if (code != ERR_OK)
		return code;
	if (!running->is_replay)
		out_object_end(out);
	return remember(running, err);
}

static struct act act_of(struct engine *engine, struct batch *batch,
			 const struct command *command,
			 struct transfer_turn *turn)
{
	return (struct act){.plan = &engine->plan,
			    .counters = &engine->counters,
			    .batch = batch,
			    .actor = {.kind = ACTOR_ACCOUNT,
				      .name = command->account},
			    .turn = turn};
}

static struct asking asking_of(struct engine *engine, struct act *act,
			       const struct command *command)
{
	bool is_trusted = batch_clock_trusted(act->batch);
	struct moment unknown = {0};

	return (struct asking){.view = batch_view(act->batch),
			       .now = is_trusted ? batch_now(act->batch)
						 : unknown,
			       .zone = engine->plan.zone,
			       .command = command,
			       .json = &engine->json,
			       .out = command->reply,
			       .look_max = LOOK_MAX_KEEPER,
			       .engine = engine,
			       .act = act};
}

enum err_code command_run(struct engine *engine, struct batch *batch,
			  const struct command *command, struct err *err)
{
	struct transfer_turn turn = {.was_there = false};
	struct act act = act_of(engine, batch, command, &turn);
	struct asking asking = asking_of(engine, &act, command);
	struct running running = {.asking = &asking,
				  .takes = {[COMMAND_WRITE] = true}};
	enum err_code code = run(&running, err);

	engine->step_wrote =
		running.is_marked ||
		(running.was_run && !asking.is_refused && !asking.is_idle);
	return code;
}

enum err_code command_run_for_hq(struct engine *engine, struct act *act,
				 const struct command *command, struct err *err)
{
	struct asking asking = asking_of(engine, act, command);
	struct running running = {.asking = &asking,
				  .takes = {[COMMAND_WRITE] = true},
				  .is_hq = true};

	return run(&running, err);
}

enum err_code command_take(struct engine *engine, struct batch *batch,
			   const struct command *command, struct ref *ret_id,
			   struct err *err)
{
	struct transfer_turn turn = {.was_there = false};
	struct act act = act_of(engine, batch, command, &turn);
	struct asking asking = asking_of(engine, &act, command);
	struct running running = {
		.asking = &asking, .takes = {true, true}, .is_message = true};
	enum err_code code = run(&running, err);

	*ret_id = asking.id;
	return code;
}

void desk_ages(struct desk *desk, site_age_fn *age, void *context)
{
	desk->age = age;
	desk->age_context = context;
}

enum err_code query_run(struct desk *desk, const struct view *view,
			struct moment now, const struct command *command,
			struct err *err)
{
	struct asking asking = {.view = view,
				.now = now,
				.zone = desk->zone,
				.age = desk->age,
				.age_context = desk->age_context,
				.command = command,
				.json = &desk->json,
				.out = command->reply,
				.look_max = LOOK_MAX};
	struct running running = {.asking = &asking,
				  .takes = {[COMMAND_QUERY] = true}};

	return run(&running, err);
}
