#include "gateway/depotd_join.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/broker_process.h"
#include "gateway/edge/join_state.h"
#include "store/file.h"
#include "store/master.h"
#include "store/site.h"

#define ANYBODY 0u
#define MANAGERS ((uint32_t)ROLE_MANAGER | (uint32_t)ROLE_HQ)
#define PROGRAM "depot"
#define AGAIN_MS 15000
#define END_MS 3000
#define STAGE_TEXT_SIZE 320

static const struct control_refusal is_member = {
	"conflict", "this box belongs to a network already",
	"本机已属于某个网络"};
static const struct control_refusal is_ready = {
	"conflict",
	"HQ has welcomed this box already: it is starting as a site",
	"总部已接纳本机：正在以站点身份启动"};
static const struct control_refusal no_way = {
	"no_link",
	"the code does not say where HQ's broker is: use depot join CODE "
	"--link HOST:PORT on the box",
	"加入码未包含总部代理的地址：请在盒子上运行 depot join 加入码 --link "
	"主机:端口"};

/* The box's part; a network of one has one, whether it joins or not. */
struct joining {
	struct broker_process process; /* depot join --follow */
	int64_t again_ms;
};

/* 0 in a network of one; *@ret_epoch is the journal's. What cannot be read
 * joins nothing now. */
static uint32_t site_look(const struct box *box, uint32_t *ret_epoch)
{
	struct journal_head head;
	uint32_t site = 0;
	struct view *view;
	struct err err;

	if (view_begin(ledger_env(box->ledger), &view, &err) != ERR_OK)
		return SITE_FIRST;
	if (site_number_get(view, &site, &err) != ERR_OK ||
	    ledger_head(view, &head, &err) != ERR_OK)
		site = SITE_FIRST;
	else
		*ret_epoch = pos_epoch(head.pos);
	view_end(view);
	return site;
}

static uint32_t site_of(const struct box *box)
{
	uint32_t epoch;

	return site_look(box, &epoch);
}

/* ---- becoming a site ---- */

static bool config_agrees(const struct config *config,
			  const struct join_answer *answer)
{
	return span_is(name_span(&answer->org), config->site.org) &&
	       span_is(name_span(&answer->name), config->site.site);
}

enum err_code start_joined(struct box *box, struct err *err)
{
	const char *path = box->config->store.path;
	struct clock_reading now = clock_now(&box->clock);
	struct join_moment at = {now.moment, now.is_trusted};
	struct join_state state;
	enum err_code code = join_state_read(path, &state, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK) {
		/* It can be made anew; scans cannot. */
		log_event(box->log, LEVEL_ERROR, "join_failed", "%s",
			  err->text);
		return ERR_OK;
	}
	if (state.stage == JOIN_STAGE_READY &&
	    config_agrees(box->config, &state.answer)) {
		code = join_apply(box->ledger, path, &state, &at, err);
		if (code == ERR_OK)
			log_event(box->log, LEVEL_NOTICE, "joined",
				  "this box is site %" PRIu32
				  " of its network, epoch %" PRIu32,
				  state.answer.site, state.answer.epoch);
	}
	join_state_wipe(&state);
	return code;
}

/* ---- asking, by another process ---- */

/* It stands beside depotd, or where the package has it. */
static void program_find(char program[FILE_PATH_SIZE])
{
	char own[FILE_PATH_SIZE - sizeof("/../bin/" PROGRAM)];
	ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	own[size > 0 ? size : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash != NULL)
		*slash = '\0';
	(void)text_format(program, FILE_PATH_SIZE, "%s/" PROGRAM, own);
	if (access(program, X_OK) != 0)
		(void)text_format(program, FILE_PATH_SIZE, "%s/../bin/" PROGRAM,
				  own);
}

static void follow_begin(struct box *box)
{
	char program[FILE_PATH_SIZE];
	char config[CONFIG_PATH_SIZE];
	char option[] = "--config";
	char yes[] = "--yes";
	char join[] = "join";
	char follow[] = "--follow";
	char *arguments[] = {program, option, config, yes, join, follow, NULL};
	struct err err;

	program_find(program);
	(void)text_format(config, sizeof(config), "%s", box->config->path);
	if (process_run(arguments, &box->joining->process, &err) != ERR_OK)
		log_event(box->log, LEVEL_ERROR, "join_failed", "%s", err.text);
}

/* Where systemd runs things, it runs depot-join.service. */
static void follow_look(struct box *box, const struct join_state *state)
{
	struct joining *joining = box->joining;
	int64_t now = clock_monotonic_ms(&box->clock);
	char words[PROCESS_WORDS_SIZE];

	if (box->config->broker.start != CONFIG_START_CHILD)
		return;
	if (joining->process.pid != 0) {
		if (process_wait(&joining->process, 0))
			process_reap(&joining->process, words);
		return;
	}
	if (state->stage == JOIN_STAGE_REFUSED || now < joining->again_ms)
		return;
	joining->again_ms = now + AGAIN_MS;
	follow_begin(box);
}

/* The broker: as the code says, else the one that is configured. */
static bool uri_find(const struct box *box, const struct join_code *code,
		     char uri[JOIN_URI_SIZE])
{
	if (code->host.size > 0)
		return join_uri_of(code, uri);
	return box->config->link_count > 0 &&
	       text_format(uri, JOIN_URI_SIZE, "%s", box->config->links[0].uri);
}

/* The same code goes on, at the broker that it names now: the address has no
 * check symbol, and whoever mistyped it comes again with the sheet. */
static enum err_code go_on(const struct box *box, const struct join_code *code,
			   struct join_state *state, struct err *err)
{
	char uri[JOIN_URI_SIZE];

	if (code->host.size == 0 || !join_uri_of(code, uri) ||
	    strcmp(uri, state->uri) == 0)
		return ERR_OK;
	return join_state_move(box->config->store.path, code, uri, state, err);
}

/* What was begun with the same code goes on. False: refused. */
static bool begin(const struct box *box, const struct join_code *code,
		  struct join_state *state, struct json_out *out)
{
	const char *path = box->config->store.path;
	uint32_t epoch = 1;
	char uri[JOIN_URI_SIZE];
	struct err err;
	enum err_code found = join_state_read(path, state, &err);

	if (found == ERR_OK && (state->stage == JOIN_STAGE_ANSWERED ||
				state->stage == JOIN_STAGE_READY)) {
		control_refuse(out, &is_ready, (struct span){"", 0});
		return false;
	}
	if (found == ERR_OK && state->stage == JOIN_STAGE_ASKING &&
	    join_code_is_same(&state->code, code)) {
		found = go_on(box, code, state, &err);
		if (found != ERR_OK)
			control_failed(out, found, &err);
		return found == ERR_OK;
	}
	if (!uri_find(box, code, uri)) {
		control_refuse(out, &no_way, (struct span){"", 0});
		return false;
	}
	(void)site_look(box, &epoch);
	found = join_state_begin(path, code, uri, epoch + 1, state, &err);
	if (found != ERR_OK)
		control_failed(out, found, &err);
	return found == ERR_OK;
}

void box_join_scanned(void *context, struct span code)
{
	struct box *box = context;

	(void)pthread_mutex_lock(&box->scanned_mutex); /* cannot fail: ours */
	text_print(code, box->scanned, sizeof(box->scanned));
	(void)pthread_mutex_unlock(&box->scanned_mutex);
}

/* What was scanned begins as what is typed into the page does; nobody waits
 * for what is said to it. */
static void scanned_take(struct box *box)
{
	char text[JOIN_CODE_SIZE_MAX + 1];
	char reply[1024];
	struct join_state state;
	struct join_code code;
	struct json_out out;

	(void)pthread_mutex_lock(&box->scanned_mutex); /* cannot fail: ours */
	memcpy(text, box->scanned, sizeof(text));
	seal_wipe(box->scanned, sizeof(box->scanned));
	(void)pthread_mutex_unlock(&box->scanned_mutex);
	if (join_code_parse(span_of(text), &code) != JOIN_CODE_SOUND)
		return;
	out_init(&out, reply, sizeof(reply));
	out_object(&out);
	if (!begin(box, &code, &state, &out))
		log_event(box->log, LEVEL_ERROR, "join_failed",
			  "the join sheet that was scanned: %.*s",
			  (int)out.size, reply);
	join_state_wipe(&state);
	seal_wipe(text, sizeof(text));
	seal_wipe(&code, sizeof(code));
}

void box_join_beat(struct box *box)
{
	struct join_state state;
	char file[FILE_PATH_SIZE];

	scanned_take(box);
	/* A look at a name, a second; there hardly ever is one. */
	if (box->is_again ||
	    file_beside(box->config->store.path, "-join", file, NULL) !=
		    ERR_OK ||
	    access(file, F_OK) != 0)
		return;
	if (join_state_read(box->config->store.path, &state, NULL) != ERR_OK)
		return;
	if (box->joining == NULL)
		box->joining = calloc(1, sizeof(*box->joining));
	if (state.stage == JOIN_STAGE_READY && site_of(box) == 0) {
		log_event(box->log, LEVEL_NOTICE, "joining",
			  "HQ has answered: starting as a site");
		box->is_again = true;
		loop_stop(box->loop);
	} else if (box->joining != NULL) {
		follow_look(box, &state);
	}
	join_state_wipe(&state);
}

void stop_join(struct box *box)
{
	if (box->joining == NULL)
		return;
	process_end(&box->joining->process, END_MS);
	free(box->joining);
	box->joining = NULL;
}

/* ---- commands ---- */

/* Who asked at least once has reached the broker. */
static void asking_text(const struct join_state *state, bool is_chinese,
			char *text, size_t size)
{
	if (state->tries == 0 && is_chinese)
		(void)text_format(
			text, size,
			"尚未连上总部的代理 %s；会继续尝试，期间可照常"
			"作业",
			state->uri);
	else if (state->tries == 0)
		(void)text_format(
			text, size,
			"HQ's broker %s has not been reached yet; the "
			"box goes on trying, and works meanwhile",
			state->uri);
	else if (is_chinese)
		(void)text_format(
			text, size,
			"已在 %s 向总部申请 %u 次，尚无答复；期间可照常"
			"作业",
			state->uri, (unsigned)state->tries);
	else
		(void)text_format(text, size,
				  "HQ was asked %u times at %s and has not "
				  "answered yet; the box works meanwhile",
				  (unsigned)state->tries, state->uri);
}

static void stage_text(const struct join_state *state, bool is_chinese,
		       char *text, size_t size)
{
	static const struct {
		const char *en;
		const char *zh;
	} words[] = {
		[JOIN_STAGE_ANSWERED] = {"HQ has answered", "总部已答复"},
		[JOIN_STAGE_READY] = {"welcome: the box is starting as a site",
				      "已接纳：正在以站点身份启动"},
	};

	if (state->stage == JOIN_STAGE_ASKING)
		asking_text(state, is_chinese, text, size);
	else if (state->stage == JOIN_STAGE_REFUSED)
		(void)text_format(text, size, "%s",
				  join_refusal_text(state->refusal,
						    is_chinese));
	else
		(void)text_format(text, size, "%s",
				  is_chinese ? words[state->stage].zh
					     : words[state->stage].en);
}

void box_join_sentence(const struct box *box, char *en, char *zh, size_t size)
{
	struct join_state state;

	en[0] = '\0';
	zh[0] = '\0';
	if (join_state_read(box->config->store.path, &state, NULL) != ERR_OK)
		return;
	stage_text(&state, false, en, size);
	stage_text(&state, true, zh, size);
	join_state_wipe(&state);
}

static void stage_out(const struct join_state *state, struct json_out *out)
{
	char text[STAGE_TEXT_SIZE];

	out_string_at(out, "stage", join_stage_name(state->stage));
	out_int_at(out, "invitation", state->code.number);
	out_int_at(out, "tries", state->tries);
	stage_text(state, false, text, sizeof(text));
	out_string_at(out, "text_en", text);
	stage_text(state, true, text, sizeof(text));
	out_string_at(out, "text_zh", text);
}

static bool show(void *context, const struct json_value *arguments,
		 struct json_out *out)
{
	const struct box *box = context;
	struct join_state state;
	struct err err;
	enum err_code code;

	(void)arguments;
	code = join_state_read(box->config->store.path, &state, &err);
	if (code == ERR_NOT_FOUND) {
		bool is_site = site_of(box) != 0;

		out_string_at(out, "stage", is_site ? "joined" : "none");
		out_string_at(out, "text_en",
			      is_site ? "the box is a site of its network"
				      : "the box has not joined a network");
		out_string_at(out, "text_zh",
			      is_site ? "本机是网络中的站点"
				      : "本机尚未加入网络");
		return true;
	}
	if (code != ERR_OK) {
		control_failed(out, code, &err);
		return false;
	}
	stage_out(&state, out);
	join_state_wipe(&state);
	return true;
}

static bool join(void *context, const struct json_value *arguments,
		 struct json_out *out)
{
	const struct box *box = context;
	struct control_refusal why = {.code = "bad_code"};
	enum join_code_fault mistake;
	struct join_state state;
	struct join_code code;
	struct fault fault;
	struct span text;
	bool is_begun;

	if (json_text(arguments, "code", &text, &fault) != ERR_OK) {
		control_fault(out, &fault);
		return false;
	}
	mistake = join_code_parse(text, &code);
	why.en = join_code_fault_text(mistake, false);
	why.zh = join_code_fault_text(mistake, true);
	if (mistake != JOIN_CODE_SOUND || site_of(box) != 0) {
		control_refuse(out,
			       mistake != JOIN_CODE_SOUND ? &why : &is_member,
			       (struct span){"", 0});
		return false;
	}
	is_begun = begin(box, &code, &state, out);
	if (is_begun)
		stage_out(&state, out);
	join_state_wipe(&state);
	seal_wipe(&code, sizeof(code));
	return is_begun;
}

void join_extras(struct box *box, struct control_extra ret_extras[JOIN_EXTRAS])
{
	ret_extras[0] = (struct control_extra){"join", MANAGERS, join, box};
	ret_extras[1] = (struct control_extra){"join.show", ANYBODY, show, box};
}
