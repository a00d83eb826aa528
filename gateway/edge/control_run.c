/*
 * What becomes of a request.
 */
#include "gateway/edge/control_parts.h"

#include <string.h>

#include "store/master.h"

#define ANYBODY 0u
#define MANAGERS ((uint32_t)ROLE_MANAGER | (uint32_t)ROLE_HQ)

static const struct control_refusal unknown_command = {
	"unknown_command", "there is no command %s", "没有命令 %s"};
static const struct control_refusal denied = {
	"denied", "account %s may not do this", "账户 %s 无权执行此操作"};
static const struct control_refusal not_yours = {
	"denied", "you may not speak for account %s: use sudo",
	"您无权代表账户 %s 操作，请使用 sudo"};
static const struct control_refusal no_account = {
	"no_account",
	"no account belongs to you: name one with --as, or add one with "
	"depot account add",
	"没有属于您的账户：请用 --as 指定，或用 depot account add 添加"};
static const struct control_refusal nobody = {
	"no_account", "the daemon cannot see who you are: use sudo",
	"守护进程无法识别您的身份，请使用 sudo"};
static const struct control_refusal busy = {
	"again", "another long job is under way: try again",
	"另一项耗时操作正在进行，请稍后再试"};
static const struct control_refusal queue_full = {
	"again", "too many commands are under way: try again",
	"同时进行的命令过多，请稍后再试"};
static const struct control_refusal no_broker = {
	"again", "there is no connection to the broker: try again",
	"未连接到消息代理，请稍后再试"};
static const struct control_refusal bad_device = {
	"bad_name", "%s is no name of a device", "%s 不是有效的设备名"};
static const struct control_refusal bad_file = {
	"bad_file",
	"the file that came along is no sealed memfd of up to "
	"256 MiB",
	"随附文件不是已封存的内存文件，或超过 256 MiB"};
static const struct control_refusal bad_path = {
	"bad_path", "%s is no absolute path, or too long",
	"%s 不是绝对路径，或过长"};

/* A request on its way to where it is answered. */
struct turn {
	struct client *client;
	struct control_request request;
	const struct view *view;
	struct name account;
};

static void refuse(struct turn *turn, const struct control_refusal *why,
		   struct span detail)
{
	control_refuse(&turn->client->out, why, detail);
	control_client_done(turn->client);
}

static void turn_failed(struct turn *turn, enum err_code code,
			const struct err *err)
{
	log_event(turn->client->control->config.log, LEVEL_ERROR,
		  "query_failed", "%s", err->text);
	control_failed(&turn->client->out, code, err);
	control_client_done(turn->client);
}

/* Sets the account that acts; false: the client has been told why not. */
static bool account_set(struct turn *turn, bool is_look)
{
	struct client *client = turn->client;
	struct peer peer = client->peer;
	struct err err;
	enum err_code code;

	if (peer.is_trusted && turn->request.uid >= 0)
		peer.uid = (uint64_t)turn->request.uid;
	code = peer_account(turn->view, &peer, turn->request.account, is_look,
			    &turn->account, &err);
	if (code == ERR_DENIED)
		refuse(turn, &not_yours, turn->request.account);
	else if (code == ERR_NOT_FOUND)
		refuse(turn, peer.uid == PEER_UNKNOWN ? &nobody : &no_account,
		       (struct span){"", 0});
	else if (code != ERR_OK)
		turn_failed(turn, code, &err);
	return code == ERR_OK;
}

/* For what is not core's: has the account one of @roles? */
static bool right_check(struct turn *turn, uint32_t roles)
{
	struct account account;
	struct err err;
	enum err_code code = account_get(turn->view, name_span(&turn->account),
					 &account, &err);

	if (code == ERR_OK && !account.is_revoked &&
	    (roles == ANYBODY || (account.roles & roles) != 0))
		return true;
	if (code == ERR_OK || code == ERR_NOT_FOUND)
		refuse(turn, &denied, name_span(&turn->account));
	else
		turn_failed(turn, code, &err);
	return false;
}

/* ---- queries ---- */

/* Puts "daemon": {...} into the object that was written. */
static void status_add(struct client *client)
{
	const struct control_ports *ports = &client->control->config.ports;
	char text[CONTROL_STATUS_SIZE];
	struct json_out *out = &client->out;
	struct json_out more;
	struct writer writer;

	out_init(&more, text, sizeof(text));
	out_object(&more);
	ports->status(ports->context, &more);
	out_object_end(&more);
	if (!out_ok(&more) || !out_ok(out) || out->size < 2)
		return;
	writer_init(&writer, out->data + out->size - 1,
		    CONTROL_REPLY_SIZE - out->size);
	write_raw(&writer, ",\"daemon\":", out->data[1] == '}' ? 0 : 1);
	write_raw(&writer, "\"daemon\":", 9);
	write_raw(&writer, more.data, more.size);
	write_raw(&writer, "}", 1);
	if (writer_ok(&writer))
		out->size += writer.size - 1;
}

static void query_take(struct turn *turn, const struct command_spec *spec)
{
	struct client *client = turn->client;
	struct control *control = client->control;
	struct command command = {.account = turn->account,
				  .name = span_of(spec->name),
				  .arguments = turn->request.arguments,
				  .file = client->file,
				  .reply = &client->out};
	struct clock_reading now = clock_now(control->config.clock);
	struct moment as_of = {now.is_trusted ? now.moment.ms : 0};
	struct err err;
	enum err_code code =
		query_run(control->desk, turn->view, as_of, &command, &err);

	if (code != ERR_OK) {
		turn_failed(turn, code, &err);
		return;
	}
	if (strcmp(spec->name, "status.show") == 0)
		status_add(client);
	control_client_done(client);
}

/* ---- commands ---- */

/* In the keeper's thread. */
static void write_done(struct keeper_request *request)
{
	struct client *client = request->context;
	struct control_notice notice = {.client = client};
	enum err_code code;

	client->result = request->code;
	code = queue_push(client->control->finished, &notice);
	ASSERT(code == ERR_OK); /* it has a place for each client */
}

static void write_take(struct turn *turn, const struct command_spec *spec)
{
	struct client *client = turn->client;

	client->request = (struct keeper_request){
		.command = {.account = turn->account,
			    .name = span_of(spec->name),
			    .arguments = turn->request.arguments,
			    .file = client->file,
			    .reply = &client->out},
		.done = write_done,
		.context = client,
	};
	client->state = CLIENT_WORKING;
	client->deadline_ms = INT64_MAX;
	if (keeper_ask(client->control->config.keeper, &client->request) !=
	    ERR_OK)
		refuse(turn, &queue_full, (struct span){"", 0});
}

static void core_take(struct turn *turn)
{
	const struct command_spec *spec = command_find(turn->request.name);

	if (spec == NULL)
		refuse(turn, &unknown_command, turn->request.name);
	else if (!account_set(turn, spec->effect == COMMAND_QUERY))
		return;
	else if (spec->effect == COMMAND_QUERY)
		query_take(turn, spec);
	else
		write_take(turn, spec);
}

/* ---- the socket's own ---- */

/* The request's arguments, read; an object without members if there are none.
 * False: the client has been told what is wrong. */
static bool arguments_read(struct turn *turn,
			   const struct json_value **ret_arguments)
{
	struct json *json = &turn->client->control->json;
	struct span text = turn->request.arguments;
	struct fault fault;

	if (text.size == 0)
		text = SPAN_LITERAL("{}");
	if (json_parse(json, text, &fault) == ERR_OK) {
		*ret_arguments = json_root(json);
		return true;
	}
	control_fault(&turn->client->out, &fault);
	control_client_done(turn->client);
	return false;
}

static bool text_read(struct turn *turn, const struct json_value *arguments,
		      const char *name, struct span *ret_text)
{
	struct fault fault;

	if (json_text(arguments, name, ret_text, &fault) == ERR_OK)
		return true;
	control_fault(&turn->client->out, &fault);
	control_client_done(turn->client);
	return false;
}

static void audit_take(struct turn *turn)
{
	if (!account_set(turn, true) || !right_check(turn, ANYBODY))
		return;
	if (control_work(turn->client, WORK_AUDIT) != ERR_OK)
		refuse(turn, &busy, (struct span){"", 0});
}

static void backup_take(struct turn *turn)
{
	struct client *client = turn->client;
	const struct json_value *arguments;
	struct span path;

	if (!account_set(turn, true) || !right_check(turn, MANAGERS) ||
	    !arguments_read(turn, &arguments) ||
	    !text_read(turn, arguments, "path", &path))
		return;
	if (path.size == 0 || path.data[0] != '/' ||
	    path.size >= sizeof(client->path)) {
		refuse(turn, &bad_path, path);
		return;
	}
	memcpy(client->path, path.data, path.size);
	client->path[path.size] = '\0';
	if (control_work(client, WORK_BACKUP) != ERR_OK)
		refuse(turn, &busy, (struct span){"", 0});
}

static void scan_take(struct turn *turn)
{
	struct client *client = turn->client;
	struct control *control = client->control;
	const struct control_ports *ports = &control->config.ports;
	const struct json_value *arguments;
	struct span device;
	struct span payload;

	if (!account_set(turn, true) || !right_check(turn, ANYBODY) ||
	    !arguments_read(turn, &arguments) ||
	    !text_read(turn, arguments, "device", &device) ||
	    !text_read(turn, arguments, "payload", &payload))
		return;
	if (!text_is_name(device) || !name_set(&client->awaited, device)) {
		refuse(turn, &bad_device, device);
		return;
	}
	client->state = CLIENT_WORKING;
	client->deadline_ms =
		clock_monotonic_ms(control->config.clock) + CONTROL_SCAN_MS;
	if (ports->scan(ports->context, device, payload) != ERR_OK)
		refuse(turn, &no_broker, (struct span){"", 0});
}

static void extra_take(struct turn *turn, const struct control_extra *extra)
{
	struct client *client = turn->client;
	const struct json_value *arguments;
	struct json_out *out = &client->out;

	if (!account_set(turn, false) || !right_check(turn, extra->roles) ||
	    !arguments_read(turn, &arguments))
		return;
	out_object(out);
	if (extra->run(extra->context, arguments, out))
		out_object_end(out);
	control_client_done(client);
}

static void name_take(struct turn *turn)
{
	static const struct {
		const char *name;
		void (*take)(struct turn *turn);
	} own[] = {
		{"audit", audit_take},
		{"backup", backup_take},
		{"scan", scan_take},
	};
	const struct control_ports *ports =
		&turn->client->control->config.ports;

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (span_is(turn->request.name, own[i].name)) {
			own[i].take(turn);
			return;
		}
	}
	for (size_t i = 0; i < ports->extra_count; i++) {
		if (span_is(turn->request.name, ports->extras[i].name)) {
			extra_take(turn, &ports->extras[i]);
			return;
		}
	}
	core_take(turn);
}

void control_run(struct client *client)
{
	struct control *control = client->control;
	struct span line = {client->line, client->request_size - 1};
	struct turn turn = {.client = client};
	struct view *view;
	struct fault fault;
	struct err err;
	enum err_code code;

	out_init(&client->out, client->reply, REPLY_SIZE_MAX);
	if (client->is_file_bad) {
		refuse(&turn, &bad_file, (struct span){"", 0});
		return;
	}
	if (control_request_read(&control->json, line, &turn.request, &fault) !=
	    ERR_OK) {
		control_fault(&client->out, &fault);
		control_client_done(client);
		return;
	}
	code = view_begin(ledger_env(control->config.ledger), &view, &err);
	if (code != ERR_OK) {
		turn_failed(&turn, code, &err);
		return;
	}
	turn.view = view;
	name_take(&turn);
	view_end(view);
}
