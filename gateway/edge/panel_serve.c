/*
 * What a browser is answered. The serving thread's alone.
 */
#include "gateway/edge/panel_parts.h"

#include <string.h>

#include "gateway/edge/control_request.h"
#include "store/master.h"

#define TYPE_JSON "application/json"
#define ANYBODY 0u
#define BOOKERS                                             \
	((uint32_t)ROLE_OPERATOR | (uint32_t)ROLE_MANAGER | \
	 (uint32_t)ROLE_LOGISTICS | (uint32_t)ROLE_HQ)
#define MANAGERS ((uint32_t)ROLE_MANAGER | (uint32_t)ROLE_HQ)
#define CODE_TYPED_MAX 64

/* All that a browser may ask for; core says who may. */
static const char *const commands[] = {
	"bin.list",    "check.do",     "check.show", "item.list",  "item.set",
	"parked.name", "parked.retry", "stock.list", "task.claim", "task.done",
};

static const struct control_refusal no_badge = {
	"not_paired", "this browser is not paired with the box: scan its code",
	"此浏览器尚未与本机配对：请扫描配对码"};
static const struct control_refusal foreign = {
	"foreign_origin", "this did not come from the box's own page",
	"请求并非来自本机页面"};
static const struct control_refusal no_json_type = {
	"wrong_type", "the body must be application/json",
	"请求正文必须是 application/json"};
static const struct control_refusal no_page = {
	"not_found", "there is no such page", "没有此页面"};
static const struct control_refusal no_method = {
	"bad_method", "this is not asked for in that way", "请求方法不正确"};
static const struct control_refusal too_fast = {
	"slow_down", "too many requests: wait a moment", "请求过多，请稍候"};
static const struct control_refusal busy = {
	"again", "the box is busy: try again", "本机正忙，请稍后再试"};
static const struct control_refusal denied = {
	"denied", "account %s may not do this", "账户 %s 无权执行此操作"};
static const struct control_refusal revoked = {
	"revoked_device",
	"device %s was revoked: this browser shows and does nothing more here",
	"设备 %s 已停用：此浏览器不能再查看或操作"};
static const struct control_refusal unknown_command = {
	"unknown_command", "the page has no command %s", "页面没有命令 %s"};
static const struct control_refusal long_code = {"bad_code", "this is no code",
						 "配对码不正确"};

/* One request on its way to its answer. */
struct serving {
	struct panel *page;
	const struct web_ask *ask;
	struct web_answer *answer;
	struct panel_guest guest;
	const struct json_value *body; /* an object */
};

/* ---- answers ---- */

static void json_answer(struct serving *serving, unsigned status,
			struct span text)
{
	serving->answer->status = status;
	serving->answer->type = TYPE_JSON;
	serving->answer->body = text;
}

/* All of these answer now: true. */
static bool refuse(struct serving *serving, unsigned status,
		   const struct control_refusal *why, struct span detail)
{
	struct json_out out;

	out_init(&out, serving->page->list_text, PANEL_LIST_SIZE);
	control_refuse(&out, why, detail);
	json_answer(serving, status, out_span(&out));
	return true;
}

static bool fault_answer(struct serving *serving, const struct fault *fault)
{
	struct json_out out;

	out_init(&out, serving->page->list_text, PANEL_LIST_SIZE);
	control_fault(&out, fault);
	json_answer(serving, 400, out_span(&out));
	return true;
}

static bool failed_answer(struct serving *serving, enum err_code code,
			  const struct err *err)
{
	struct json_out out;

	log_event(serving->page->config.log, LEVEL_ERROR, "page_failed", "%s",
		  err->text);
	out_init(&out, serving->page->list_text, PANEL_LIST_SIZE);
	control_failed(&out, code, err);
	json_answer(serving, 503, out_span(&out));
	return true;
}

/* ---- files ---- */

static bool is_reading(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool file_serve(struct serving *serving, size_t index)
{
	const struct panel_file *file = &panel_files[index];
	const char *tag = serving->page->file_tags[index];
	struct web_answer *answer = serving->answer;

	if (!is_reading(serving->ask->method)) {
		answer->allow = "GET, HEAD";
		return refuse(serving, 405, &no_method, (struct span){"", 0});
	}
	*answer = (struct web_answer){.status = 200,
				      .type = file->type,
				      .body = {file->data, file->size},
				      .is_lasting = true,
				      .tag = tag};
	if (serving->ask->tag != NULL && strcmp(serving->ask->tag, tag) == 0) {
		answer->status = 304;
		answer->body.size = 0;
	}
	return true;
}

/* ---- who asks ---- */

/* The value of our cookie among those that came; empty: it is not there. */
static struct span cookie_find(const char *cookies, struct span name)
{
	const char *at = cookies == NULL ? "" : cookies;

	while (*at != '\0') {
		size_t size = strcspn(at, ";");

		if (strncmp(at, name.data, name.size) == 0)
			return (struct span){at + name.size, size - name.size};
		at += size;
		at += strspn(at, "; ");
	}
	return (struct span){"", 0};
}

static bool bucket_draw(struct panel_bucket *bucket, int64_t now_ms)
{
	const int64_t full = (int64_t)PANEL_BURST * 1000;
	int64_t drops = bucket->drops +
			(now_ms - bucket->filled_ms) * (int64_t)PANEL_RATE;

	if (bucket->filled_ms == 0 || drops > full)
		drops = full;
	bucket->filled_ms = now_ms;
	bucket->drops = drops >= 1000 ? drops - 1000 : drops;
	return drops >= 1000;
}

/* False: it was refused. */
static bool guest_know(struct serving *serving)
{
	struct panel *page = serving->page;
	struct span token;
	int64_t now_ms = clock_monotonic_ms(page->config.clock);
	bool is_known;
	bool is_slow = false;
	size_t index = 0;

	panel_lock(page);
	token = cookie_find(serving->ask->cookie, span_of(page->cookie_name));
	is_known = badges_find(&page->badges, token, &index);
	if (is_known) {
		const struct badge *badge = &page->badges.at[index];

		serving->guest = (struct panel_guest){index, badge->device,
						      badge->account};
		is_slow = !bucket_draw(&page->buckets[index], now_ms);
	}
	panel_unlock(page);
	if (!is_known)
		(void)refuse(serving, 401, &no_badge, (struct span){"", 0});
	else if (is_slow)
		(void)refuse(serving, 429, &too_fast, (struct span){"", 0});
	return is_known && !is_slow;
}

/* A page of somebody else's cannot set these. False: it was refused. */
static bool origin_check(struct serving *serving)
{
	static const struct span scheme = {"https://", 8};
	const struct web_ask *ask = serving->ask;
	bool is_own = ask->origin != NULL && ask->host != NULL &&
		      span_starts(span_of(ask->origin), scheme.data) &&
		      strcmp(ask->origin + scheme.size, ask->host) == 0;
	bool is_json = ask->type != NULL &&
		       strncmp(ask->type, TYPE_JSON, strlen(TYPE_JSON)) == 0;

	if (!is_own)
		(void)refuse(serving, 403, &foreign, (struct span){"", 0});
	else if (!is_json)
		(void)refuse(serving, 415, &no_json_type, (struct span){"", 0});
	return is_own && is_json;
}

/* Reads the body as a JSON object. False: it was refused. */
static bool body_read(struct serving *serving)
{
	struct json *json = &serving->page->json;
	struct fault fault;

	if (json_parse(json, serving->ask->body, &fault) != ERR_OK ||
	    json_to_object(json_root(json), &fault) != ERR_OK) {
		(void)fault_answer(serving, &fault);
		return false;
	}
	serving->body = json_root(json);
	return true;
}

/* Has the account one of @roles? False: it was refused. */
static bool right_check(struct serving *serving, uint32_t roles)
{
	struct span name = name_span(&serving->guest.account);
	struct account account;
	struct view *view;
	struct err err;
	enum err_code code = view_begin(
		ledger_env(serving->page->config.ledger), &view, &err);

	if (code == ERR_OK) {
		code = account_get(view, name, &account, &err);
		view_end(view);
	}
	if (code == ERR_OK && !account.is_revoked &&
	    (roles == ANYBODY || (account.roles & roles) != 0))
		return true;
	if (code == ERR_OK || code == ERR_NOT_FOUND)
		(void)refuse(serving, 403, &denied, name);
	else
		(void)failed_answer(serving, code, &err);
	return false;
}

/* A phone that was lost is revoked as a device, whatever its account may do.
 * What it scans is not refused here: it is parked, with that reason, as any
 * revoked scanner's. False: it was refused. */
static bool device_check(struct serving *serving)
{
	struct span name = name_span(&serving->guest.device);
	struct device device = {.is_revoked = false};
	struct device_no number;
	struct view *view;
	struct err err;
	enum err_code code = view_begin(
		ledger_env(serving->page->config.ledger), &view, &err);

	if (code == ERR_OK) {
		code = device_get(view, name, &device, &number, &err);
		view_end(view);
	}
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		(void)failed_answer(serving, code, &err);
	else if (device.is_revoked)
		(void)refuse(serving, 401, &revoked, name);
	return (code == ERR_OK || code == ERR_NOT_FOUND) && !device.is_revoked;
}

/* ---- jobs ---- */

static struct panel_job *job_find(struct panel *page)
{
	for (size_t i = 0; i < PANEL_JOBS_MAX && !page->is_stopping; i++)
		if (page->jobs[i].state == PANEL_JOB_FREE)
			return &page->jobs[i];
	return NULL;
}

/* From here on the job is the loop's. Under the lock, so that whoever stops
 * the page finds the visit waiting, or not begun. */
static void job_hand(struct panel_job *job, struct web_visit *visit)
{
	enum err_code code;

	job->visit = visit;
	job->state = PANEL_JOB_WORKING;
	web_wait(visit, job);
	code = queue_push(job->page->asked, &job);
	ASSERT(code == ERR_OK); /* it has a place for each job */
}

/* Fills in what @draft says and hands it on; the answer is then to come. */
static bool job_ask(struct serving *serving, enum panel_work work,
		    struct span text, const struct panel_job *draft)
{
	struct panel *page = serving->page;
	struct panel_job *job;

	ASSERT(text.size <= sizeof(job->text));
	panel_lock(page);
	job = job_find(page);
	if (job != NULL) {
		job->work = work;
		job->account = serving->guest.account;
		job->device = serving->guest.device;
		memcpy(job->text, text.data, text.size);
		job->text_size = text.size;
		job->name = draft->name;
		job->boot = draft->boot;
		job->seq = draft->seq;
		job->deadline_ms = 0;
		job->cookie[0] = '\0';
		out_init(&job->out, job->reply, sizeof(job->reply));
		job_hand(job, serving->ask->visit);
	}
	panel_unlock(page);
	return job == NULL ? refuse(serving, 503, &busy, (struct span){"", 0})
			   : false;
}

/* The loop is done with it, or the page is being stopped. */
static bool job_answer(struct serving *serving, struct panel_job *job)
{
	struct panel *page = serving->page;
	bool is_done;

	panel_lock(page);
	is_done = job->state == PANEL_JOB_DONE;
	panel_unlock(page);
	if (!is_done)
		return refuse(serving, 503, &busy, (struct span){"", 0});
	/* The answer is copied before the next request is looked at. */
	memcpy(page->list_text, job->out.data, job->out.size);
	memcpy(page->cookie, job->cookie, sizeof(page->cookie));
	json_answer(serving, job->status,
		    out_ok(&job->out)
			    ? (struct span){page->list_text, job->out.size}
			    : SPAN_LITERAL("{\"is_done\":true}"));
	if (page->cookie[0] != '\0')
		serving->answer->cookie = page->cookie;
	panel_lock(page);
	job->state = PANEL_JOB_FREE;
	panel_unlock(page);
	return true;
}

/* ---- /api ---- */

static bool state_serve(struct serving *serving)
{
	struct panel *page = serving->page;
	struct span state;
	struct err err;
	enum err_code code = panel_state(page, &serving->guest,
					 serving->ask->tag, &state, &err);

	if (code == ERR_DENIED)
		return refuse(serving, 403, &denied,
			      name_span(&serving->guest.account));
	if (code != ERR_OK)
		return failed_answer(serving, code, &err);
	json_answer(serving, state.size > 0 ? 200 : 304, state);
	serving->answer->tag = page->tag;
	return true;
}

static bool pair_serve(struct serving *serving)
{
	static const struct panel_job draft = {.name = NULL};
	struct fault fault;
	struct span code;

	if (json_text(serving->body, "code", &code, &fault) != ERR_OK)
		return fault_answer(serving, &fault);
	if (code.size > CODE_TYPED_MAX)
		return refuse(serving, 403, &long_code, (struct span){"", 0});
	return job_ask(serving, PANEL_PAIR, code, &draft);
}

static bool leave_serve(struct serving *serving)
{
	static const struct panel_job draft = {.name = NULL};

	return job_ask(serving, PANEL_LEAVE, (struct span){"", 0}, &draft);
}

/* Without a name it could not be sent again. */
static bool scan_serve(struct serving *serving)
{
	struct panel_job *draft = &serving->page->draft;
	struct fault fault;
	struct span boot;

	if (!right_check(serving, BOOKERS))
		return true;
	if (json_id(serving->body, "seq", 1, &draft->seq, &fault) != ERR_OK ||
	    json_text(serving->body, "boot", &boot, &fault) != ERR_OK)
		return fault_answer(serving, &fault);
	if (boot.size == 0 || !boot_set(&draft->boot, boot)) {
		(void)json_fault(json_member(serving->body, "boot"),
				 FAULT_BAD_TEXT, &fault);
		return fault_answer(serving, &fault);
	}
	return job_ask(serving, PANEL_SCAN, serving->ask->body, draft);
}

static bool query_serve(struct serving *serving, const char *name,
			struct span arguments)
{
	struct panel *page = serving->page;
	struct clock_reading now = clock_now(page->config.clock);
	struct moment as_of = {now.is_trusted ? now.moment.ms : 0};
	struct json_out out;
	struct command command = {.account = serving->guest.account,
				  .name = span_of(name),
				  .arguments = arguments,
				  .file = {"", 0},
				  .reply = &out};
	struct view *view;
	struct err err;
	enum err_code code =
		view_begin(ledger_env(page->config.ledger), &view, &err);

	if (code != ERR_OK)
		return failed_answer(serving, code, &err);
	out_init(&out, page->state_text, PANEL_STATE_SIZE);
	code = query_run(page->desk, view, as_of, &command, &err);
	view_end(view);
	if (code != ERR_OK)
		return failed_answer(serving, code, &err);
	json_answer(serving, 200, out_span(&out));
	return true;
}

static const char *command_named(struct span name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (span_is(name, commands[i]))
			return commands[i];
	return NULL;
}

static bool command_serve(struct serving *serving)
{
	struct panel_job *draft = &serving->page->draft;
	const struct json_value *args = json_member(serving->body, "args");
	struct span arguments = {"", 0};
	struct fault fault;
	struct span name;

	if (json_text(serving->body, "name", &name, &fault) != ERR_OK ||
	    (args != NULL && json_to_object(args, &fault) != ERR_OK))
		return fault_answer(serving, &fault);
	draft->name = command_named(name);
	if (draft->name == NULL)
		return refuse(serving, 404, &unknown_command, name);
	if (args != NULL)
		arguments = control_value_raw(args, serving->ask->body);
	if (command_find(name)->effect == COMMAND_QUERY)
		return query_serve(serving, draft->name, arguments);
	return job_ask(serving, PANEL_COMMAND, arguments, draft);
}

static bool join_serve(struct serving *serving)
{
	static const struct panel_job draft = {.name = NULL};

	return right_check(serving, MANAGERS)
		       ? job_ask(serving, PANEL_JOIN, serving->ask->body,
				 &draft)
		       : true;
}

/* ---- the table ---- */

static const struct route {
	const char *path;
	const char *method;
	bool is_open; /* to whom has no badge */
	bool is_left; /* to a device that was revoked */
	bool (*serve)(struct serving *serving);
} routes[] = {
	{"/api/state", "GET", false, false, state_serve},
	{"/api/pair", "POST", true, true, pair_serve},
	{"/api/scan", "POST", false, true, scan_serve},
	{"/api/command", "POST", false, false, command_serve},
	{"/api/join", "POST", false, false, join_serve},
	{"/api/leave", "POST", false, true, leave_serve},
};

static bool route_serve(struct serving *serving, const struct route *route)
{
	bool is_post = strcmp(route->method, "POST") == 0;

	if (strcmp(serving->ask->method, route->method) != 0) {
		serving->answer->allow = route->method;
		return refuse(serving, 405, &no_method, (struct span){"", 0});
	}
	if ((is_post && !origin_check(serving)) ||
	    (!route->is_open && !guest_know(serving)) ||
	    (!route->is_left && !device_check(serving)) ||
	    (is_post && !body_read(serving)))
		return true;
	return route->serve(serving);
}

bool panel_handle(void *context, const struct web_ask *ask,
		  struct web_answer *ret_answer)
{
	struct panel *page = context;
	struct serving serving = {
		.page = page, .ask = ask, .answer = ret_answer};

	if (ask->job != NULL)
		return job_answer(&serving, ask->job);
	for (size_t i = 0; i < ARRAY_LEN(routes); i++)
		if (strcmp(ask->path, routes[i].path) == 0)
			return route_serve(&serving, &routes[i]);
	for (size_t i = 0; i < panel_file_count; i++)
		if (strcmp(ask->path, panel_files[i].path) == 0)
			return file_serve(&serving, i);
	return refuse(&serving, 404, &no_page, (struct span){"", 0});
}
