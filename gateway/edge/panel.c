#include "gateway/edge/panel_parts.h"

#include <stdlib.h>
#include <string.h>

#define BEAT_MS 250

static const struct control_refusal bad_code = {
	"bad_code",
	"this code is not known: ask for a new one with depot page pair",
	"配对码不正确：请用 depot page pair 重新生成"};
static const struct control_refusal code_used = {
	"code_used",
	"this code was used before: ask for a new one with depot page pair",
	"配对码已用过：请用 depot page pair 重新生成"};
static const struct control_refusal code_expired = {
	"code_expired",
	"this code is older than ten minutes: ask for a new one with depot "
	"page pair",
	"配对码已超过十分钟：请用 depot page pair 重新生成"};
static const struct control_refusal slow_down = {
	"slow_down", "too many wrong codes: wait a minute",
	"错误的配对码过多，请等一分钟"};
static const struct control_refusal badges_full = {
	"full", "no more phones fit: end one with depot page revoke",
	"配对的手机已满：请先用 depot page revoke 解除一部"};
static const struct control_refusal no_broker = {
	"again", "the box cannot take readings just now: keep it, try again",
	"本机暂时无法接收读数，请保留并稍后再试"};
static const struct control_refusal queue_full = {
	"again", "too many commands are under way: try again",
	"同时进行的命令过多，请稍后再试"};
static const struct control_refusal cannot_join = {
	"not_here", "this box is in a network already", "本机已加入网络"};

void panel_lock(struct panel *page)
{
	(void)pthread_mutex_lock(&page->mutex); /* cannot fail: ours */
}

void panel_unlock(struct panel *page)
{
	(void)pthread_mutex_unlock(&page->mutex); /* likewise */
}

void panel_job_done(struct panel_job *job, unsigned status)
{
	struct panel *page = job->page;

	job->status = status;
	panel_lock(page);
	if (!page->is_stopping) {
		job->state = PANEL_JOB_DONE;
		web_resume(job->visit);
	}
	panel_unlock(page);
}

static void job_refuse(struct panel_job *job, unsigned status,
		       const struct control_refusal *why)
{
	control_refuse(&job->out, why, (struct span){"", 0});
	panel_job_done(job, status);
}

/* ---- pairing ---- */

static void badge_reply(struct panel_job *job, const struct offer *offer)
{
	out_object(&job->out);
	out_text_at(&job->out, "device", name_span(&offer->device));
	out_text_at(&job->out, "account", name_span(&offer->account));
	out_object_end(&job->out);
}

static void cookie_set(struct panel_job *job, const char *token, int seconds)
{
	(void)text_format(job->cookie, sizeof(job->cookie),
			  "%s%s; Path=/; Max-Age=%d; Secure; HttpOnly; "
			  "SameSite=Strict",
			  job->page->cookie_name, token, seconds);
}

/* The badge stands in the file before anybody holds its token. */
/* What could not be kept is not so: after the next start the file decides. */
static void badges_restore(struct panel *page, const struct badges *before)
{
	panel_lock(page);
	page->badges = *before;
	panel_unlock(page);
}

static void badge_give(struct panel_job *job, const struct offer *offer)
{
	struct panel *page = job->page;
	struct badge badge = {.device = offer->device,
			      .account = offer->account,
			      .since = clock_now(page->config.clock).moment};
	char token[BADGE_TOKEN_SIZE];
	struct err err;
	size_t index = 0;
	struct badges before;
	enum err_code code;

	badge_draw(token, sizeof(token));
	badge_hash(span_of(token), badge.hash);
	panel_lock(page);
	before = page->badges;
	code = badges_put(&page->badges, &badge, &index);
	panel_unlock(page);
	if (code != ERR_OK) {
		job_refuse(job, 409, &badges_full);
		return;
	}
	code = badges_save(page->config.keys, &page->badges, &err);
	if (code != ERR_OK) {
		seal_wipe(token, sizeof(token));
		badges_restore(page, &before);
		control_failed(&job->out, code, &err);
		panel_job_done(job, 503);
		return;
	}
	panel_lock(page);
	page->said[index].number = 0;
	panel_unlock(page);
	cookie_set(job, token, PANEL_BADGE_SECONDS);
	seal_wipe(token, sizeof(token));
	badge_reply(job, offer);
	log_event(page->config.log, LEVEL_NOTICE, "page_paired",
		  "device %.*s is a browser of account %.*s",
		  (int)offer->device.size, offer->device.data,
		  (int)offer->account.size, offer->account.data);
	panel_job_done(job, 200);
}

static void pair_take(struct panel_job *job)
{
	struct panel *page = job->page;
	struct span code = {job->text, job->text_size};
	struct offer offer;

	switch (offer_take(&page->offers, code,
			   clock_monotonic_ms(page->config.clock), &offer)) {
	case OFFER_GOOD:
		badge_give(job, &offer);
		break;
	case OFFER_UNKNOWN:
		job_refuse(job, 403, &bad_code);
		break;
	case OFFER_EXPIRED:
		job_refuse(job, 403, &code_expired);
		break;
	case OFFER_USED:
		job_refuse(job, 403, &code_used);
		break;
	case OFFER_SLOW:
		job_refuse(job, 429, &slow_down);
		break;
	}
}

static void leave_take(struct panel_job *job)
{
	struct err err;
	enum err_code code =
		panel_revoke(job->page, name_span(&job->device), &err);

	if (code != ERR_OK && code != ERR_NOT_FOUND) {
		control_failed(&job->out, code, &err);
		panel_job_done(job, 503);
		return;
	}
	cookie_set(job, "", 0);
	out_object(&job->out);
	out_object_end(&job->out);
	panel_job_done(job, 200);
}

/* ---- readings and commands ---- */

static void scan_take(struct panel_job *job)
{
	struct panel *page = job->page;
	const struct panel_ports *ports = &page->config.ports;
	struct span payload = {job->text, job->text_size};

	job->deadline_ms =
		clock_monotonic_ms(page->config.clock) + PANEL_SCAN_MS;
	if (ports->scan(ports->context, name_span(&job->device), payload) ==
	    ERR_OK)
		return;
	job->deadline_ms = 0;
	job_refuse(job, 503, &no_broker);
}

/* @ack is the acknowledgement; empty: none came. */
static void scan_end(struct panel_job *job, struct span ack)
{
	job->deadline_ms = 0;
	out_object(&job->out);
	out_text_at(&job->out, "device", name_span(&job->device));
	out_key(&job->out, "ack");
	if (ack.size > 0)
		out_raw(&job->out, ack);
	else
		out_null(&job->out);
	out_object_end(&job->out);
	panel_job_done(job, 200);
}

/* In the keeper's thread. */
static void write_done(struct keeper_request *request)
{
	struct panel_job *job = request->context;
	enum err_code code = queue_push(job->page->finished, &job);

	ASSERT(code == ERR_OK); /* it has a place for each job */
}

static void write_take(struct panel_job *job)
{
	job->request = (struct keeper_request){
		.command = {.account = job->account,
			    .name = span_of(job->name),
			    .arguments = {job->text, job->text_size},
			    .file = {"", 0},
			    .reply = &job->out},
		.done = write_done,
		.context = job,
	};
	if (keeper_ask(job->page->config.keeper, &job->request) != ERR_OK)
		job_refuse(job, 503, &queue_full);
}

static void join_take(struct panel_job *job)
{
	struct panel *page = job->page;
	const struct panel_ports *ports = &page->config.ports;
	struct span text = {job->text, job->text_size};
	struct fault fault;

	if (ports->join == NULL || !page->can_join) {
		job_refuse(job, 409, &cannot_join);
	} else if (json_parse(&page->loop_json, text, &fault) != ERR_OK) {
		control_fault(&job->out, &fault);
		panel_job_done(job, 400);
	} else {
		out_object(&job->out);
		if (ports->join(ports->context, json_root(&page->loop_json),
				&job->out))
			out_object_end(&job->out);
		panel_job_done(job, 200);
	}
}

static void job_take(struct panel_job *job)
{
	switch (job->work) {
	case PANEL_PAIR:
		pair_take(job);
		break;
	case PANEL_LEAVE:
		leave_take(job);
		break;
	case PANEL_SCAN:
		scan_take(job);
		break;
	case PANEL_COMMAND:
		write_take(job);
		break;
	case PANEL_JOIN:
		join_take(job);
		break;
	}
}

/* ---- the loop ---- */

static void on_wake(void *context, uint32_t what)
{
	struct panel *page = context;
	struct panel_job *job;

	(void)what;
	while (queue_pop(page->asked, &job))
		job_take(job);
	while (queue_pop(page->finished, &job)) {
		/* The keeper has no sentence of its own. */
		if (job->request.code != ERR_OK)
			control_failed(&job->out, job->request.code, NULL);
		panel_job_done(job, 200);
	}
}

/* An acknowledgement that does not come is an answer, too. */
static void on_beat(void *context, uint32_t what)
{
	struct panel *page = context;
	int64_t now_ms = clock_monotonic_ms(page->config.clock);

	(void)what;
	for (size_t i = 0; i < PANEL_JOBS_MAX; i++) {
		struct panel_job *job = &page->jobs[i];
		bool is_working;

		panel_lock(page);
		is_working = job->state == PANEL_JOB_WORKING;
		panel_unlock(page);
		if (is_working && job->work == PANEL_SCAN &&
		    job->deadline_ms != 0 && now_ms >= job->deadline_ms)
			scan_end(job, (struct span){"", 0});
	}
}

static void said_keep(struct panel *page, struct span device,
		      struct span payload)
{
	size_t index;

	panel_lock(page);
	if (badges_find_device(&page->badges, device, &index) &&
	    payload.size <= sizeof(page->said[index].payload)) {
		struct panel_said *said = &page->said[index];

		memcpy(said->payload, payload.data, payload.size);
		said->size = payload.size;
		said->number = ++page->said_number;
	}
	panel_unlock(page);
}

void panel_acknowledged(struct panel *page, struct span device,
			struct span payload)
{
	if (page == NULL || page->is_stopped)
		return;
	said_keep(page, device, payload);
	for (size_t i = 0; i < PANEL_JOBS_MAX; i++) {
		struct panel_job *job = &page->jobs[i];
		bool is_working;

		panel_lock(page);
		is_working = job->state == PANEL_JOB_WORKING;
		panel_unlock(page);
		if (is_working && job->work == PANEL_SCAN &&
		    job->deadline_ms != 0 &&
		    span_equal(name_span(&job->device), device) &&
		    panel_ack_covers(&page->loop_json, payload,
				     boot_span(&job->boot), job->seq))
			scan_end(job, payload);
	}
}

void panel_update(struct panel *page, const struct panel_facts *facts)
{
	char text[PANEL_FACTS_SIZE];
	struct json_out out;

	if (page == NULL || page->is_stopped)
		return;
	out_init(&out, text, sizeof(text));
	out_array(&out);
	for (size_t i = 0; i < facts->health_count; i++) {
		struct json_mark mark = out_mark(&out);

		out_string(&out, facts->health[i]);
		if (!out_ok(&out)) {
			out_rollback(&out, mark);
			break;
		}
	}
	out_array_end(&out);
	panel_lock(page);
	memcpy(page->health, out.data, out.size);
	page->health_size = out.size;
	page->is_connected = facts->is_connected;
	page->can_join = facts->can_join;
	memcpy(page->joining_en, facts->joining_en, sizeof(page->joining_en));
	memcpy(page->joining_zh, facts->joining_zh, sizeof(page->joining_zh));
	panel_unlock(page);
	web_beat(page->web, clock_monotonic_ms(page->config.clock));
}

/* ---- pairing, from the control socket ---- */

void panel_offer(struct panel *page, struct name account, struct name device,
		 char ret_code[OFFER_CODE_SIZE])
{
	offer_make(&page->offers, account, device,
		   clock_monotonic_ms(page->config.clock), ret_code);
}

bool panel_badge(const struct panel *page, size_t index,
		 struct badge *ret_badge)
{
	ASSERT(index < BADGES_MAX);
	*ret_badge = page->badges.at[index];
	return ret_badge->device.size > 0;
}

enum err_code panel_revoke(struct panel *page, struct span device,
			   struct err *err)
{
	size_t index;

	if (device.size == 0 ||
	    !badges_find_device(&page->badges, device, &index))
		return ERR_NOT_FOUND;
	panel_lock(page);
	page->badges.at[index] = (struct badge){.device = {.size = 0}};
	page->said[index].number = 0;
	panel_unlock(page);
	return badges_save(page->config.keys, &page->badges, err);
}

/* ---- opening and closing ---- */

static enum err_code memory_take(struct panel *page, struct err *err)
{
	page->memory = malloc(PANEL_JSON_SIZE);
	page->loop_memory = malloc(PANEL_JSON_SIZE);
	page->state_text = malloc(PANEL_STATE_SIZE);
	page->list_text = malloc(PANEL_LIST_SIZE);
	if (page->memory == NULL || page->loop_memory == NULL ||
	    page->state_text == NULL || page->list_text == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	json_init(&page->json, page->memory, PANEL_JSON_SIZE);
	json_init(&page->loop_json, page->loop_memory, PANEL_JSON_SIZE);
	return desk_open(&page->desk, err);
}

static enum err_code sources_add(struct panel *page, struct err *err)
{
	struct loop *loop = page->config.loop;
	struct loop_call wake = {on_wake, page};
	struct loop_call beat = {on_beat, page};
	const size_t size = sizeof(struct panel_job *);
	enum err_code code;

	code = queue_open(size, PANEL_JOBS_MAX, &page->wake, &page->asked, err);
	if (code == ERR_OK)
		code = queue_open(size, PANEL_JOBS_MAX, &page->wake,
				  &page->finished, err);
	if (code == ERR_OK)
		code = loop_add_wake(loop, &page->wake, wake,
				     &page->wake_source, err);
	if (code == ERR_OK)
		code = loop_add_timer(loop, beat, &page->beat, err);
	if (code == ERR_OK)
		loop_timer_every(page->beat, BEAT_MS);
	return code;
}

static enum err_code server_start(struct panel *page, struct err *err)
{
	static const struct web_header headers[] = {
		{"Content-Security-Policy",
		 "default-src 'none'; script-src 'self'; style-src 'self'; "
		 "img-src 'self'; connect-src 'self'; manifest-src 'self'; "
		 "form-action 'none'; frame-ancestors 'none'; "
		 "base-uri 'none'"},
		{"Permissions-Policy",
		 "camera=(self), microphone=(), geolocation=()"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
	};
	struct web_config config = {.address = page->config.address,
				    .port = page->config.port,
				    .cert = page->cert.cert,
				    .key = page->cert.key,
				    .connections = PANEL_CONNECTIONS_MAX,
				    .head_size = PANEL_HEAD_SIZE,
				    .body_size_max = PAYLOAD_IN_SIZE_MAX,
				    .seconds_max = PANEL_SECONDS_MAX,
				    .per_address = PANEL_PER_ADDRESS_MAX,
				    .headers = headers,
				    .header_count = ARRAY_LEN(headers),
				    .clock = page->config.clock,
				    .handle = panel_handle,
				    .context = page};

	enum err_code code = web_open(&config, &page->web, err);

	if (code != ERR_OK)
		return code;
	panel_lock(page); /* it serves already */
	(void)text_format(page->cookie_name, sizeof(page->cookie_name),
			  "__Host-depot-%u=", web_port(page->web));
	panel_unlock(page);
	return ERR_OK;
}

static void files_tag(struct panel *page)
{
	ASSERT(panel_file_count <= PANEL_FILES_MAX);
	for (size_t i = 0; i < panel_file_count; i++) {
		struct span data = {panel_files[i].data, panel_files[i].size};

		(void)text_format(page->file_tags[i], PANEL_TAG_SIZE,
				  "\"%016llx\"",
				  (unsigned long long)seal_checksum(0, data));
	}
}

static enum err_code parts_open(struct panel *page, struct err *err)
{
	const struct founding *identity = ledger_identity(page->config.ledger);
	enum err_code code = memory_take(page, err);

	if (code == ERR_OK)
		code = wake_init(&page->wake, err);
	if (code == ERR_OK)
		code = sources_add(page, err);
	if (code == ERR_OK)
		code = badges_load(page->config.keys, &page->badges, err);
	if (code == ERR_OK)
		code = panel_cert_take(page->config.keys,
				       name_span(&identity->site), &page->cert,
				       err);
	if (code == ERR_OK)
		code = server_start(page, err);
	panel_cert_wipe(&page->cert);
	return code;
}

enum err_code panel_open(const struct panel_config *config,
			 struct panel **ret_page, struct err *err)
{
	struct panel *page = calloc(1, sizeof(*page));
	enum err_code code;

	if (page == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	page->config = *config;
	(void)pthread_mutex_init(&page->mutex, NULL); /* cannot fail */
	for (size_t i = 0; i < PANEL_JOBS_MAX; i++)
		page->jobs[i].page = page;
	(void)text_format(page->health, sizeof(page->health), "[]");
	page->health_size = 2;
	files_tag(page);
	code = parts_open(page, err);
	if (code != ERR_OK) {
		panel_stop(page);
		panel_close(page);
		return err_wrap(err, code, "operator page");
	}
	*ret_page = page;
	return ERR_OK;
}

/* Every visit that waits is resumed here, and no other can begin to. */
void panel_stop(struct panel *page)
{
	if (page == NULL || page->is_stopped)
		return;
	page->is_stopped = true;
	panel_lock(page);
	page->is_stopping = true;
	for (size_t i = 0; i < PANEL_JOBS_MAX; i++)
		if (page->jobs[i].state == PANEL_JOB_WORKING)
			web_resume(page->jobs[i].visit);
	panel_unlock(page);
	web_close(page->web);
	page->web = NULL;
	loop_remove(page->wake_source);
	loop_remove(page->beat);
}

void panel_close(struct panel *page)
{
	if (page == NULL)
		return;
	queue_close(page->asked);
	queue_close(page->finished);
	wake_release(&page->wake);
	desk_close(page->desk);
	free(page->memory);
	free(page->loop_memory);
	free(page->state_text);
	free(page->list_text);
	(void)pthread_mutex_destroy(&page->mutex); /* nobody holds it */
	free(page);
}

uint16_t panel_port(const struct panel *page)
{
	return web_port(page->web);
}

const char *panel_fingerprint(const struct panel *page)
{
	return page->cert.fingerprint;
}
