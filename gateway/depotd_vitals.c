#include "gateway/depotd_vitals.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/core/view.h"
#include "gateway/depotd_reach.h"
#include "gateway/edge/auditor.h"
#include "gateway/edge/autonomy.h"
#include "gateway/edge/http.h"
#include "gateway/edge/replace.h"
#include "gateway/edge/vitals.h"
#include "store/file.h"
#include "store/master.h"
#include "store/parked.h"

#define DROPPED_NAME "broker.dropped"
#define HTTP_RETRY_MS 60000
#define GROWTH_WRITE_MS 600000
/* Less than a cut-off of 48 hours and a day to mend it is told. */
#define FILLING_HOURS 72

enum post_state {
	POST_IDLE,
	POST_UNDER_WAY,
	POST_DONE, /* set by the keeper's thread; seen at the next beat */
};

/* One alert on its way to the journal. */
struct post {
	struct keeper_request request;
	struct vital_alert alert;
	char arguments[256];
	_Atomic enum post_state state;
};

_Static_assert(VITALS <= BOX_HEALTH_MAX, "box.health has room for each");

struct figures {
	struct vitals vitals;
	struct post post;
	uint64_t dropped_before; /* the broker's count, as of the last run */
	uint64_t progress; /* the keeper's, and when it was seen to move */
	int64_t progress_ms;
	struct autonomy autonomy;
	uint64_t reserve;  /* of the map */
	int64_t look_ms;   /* when it is looked at next */
	int64_t growth_ms; /* when its file is written next */
	struct metrics metrics;
	struct http *http;     /* NULL: not configured, or not to be had */
	int64_t http_retry_ms; /* no sooner */
};

/* ---- the broker's count ---- */

/* In the runtime folder, since it lives as long as the broker does. */
static uint64_t dropped_read(const char *dir)
{
	char path[CONFIG_PATH_SIZE + 32];
	char text[32] = "";
	uint64_t count = 0;
	ssize_t size;
	int fd;

	(void)text_format(path, sizeof(path), "%s/" DROPPED_NAME, dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	size = read(fd, text, sizeof(text) - 1);
	(void)close(fd); /* opened for reading: nothing to lose */
	if (size <= 1 || !span_to_u64((struct span){text, (size_t)size - 1},
				      UINT64_MAX, &count))
		return 0;
	return count;
}

static enum err_code dropped_write(const char *dir, uint64_t count,
				   struct err *err)
{
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct replace replace;
	enum err_code code;

	if (folder < 0)
		return err_set(err, ERR_IO, "open folder %s", dir);
	code = replace_begin(&replace, folder, DROPPED_NAME, 0600, err);
	if (code == ERR_OK) {
		(void)fprintf(replace.out, "%" PRIu64 "\n", count);
		code = replace_commit(&replace, false, err);
	}
	(void)close(folder); /* opened for reading */
	return code;
}

bool figures_heard(struct box *box, const struct mqtt_heard *heard)
{
	struct figures *figures = box->figures;
	const char *dir = box->config->runtime.dir;
	uint64_t count;
	struct err err;
	bool is_news;

	if (!span_is(heard->topic, BROKER_DROPPED_TOPIC))
		return false;
	if (figures == NULL || !span_to_u64(heard->payload, INT64_MAX, &count))
		return true;
	is_news = count != (figures->vitals.has_dropped
				    ? figures->vitals.dropped
				    : figures->dropped_before);
	vitals_dropped(&figures->vitals, count, figures->dropped_before,
		       clock_monotonic_ms(&box->clock));
	if (is_news && dropped_write(dir, count, &err) != ERR_OK)
		log_event(box->log, LEVEL_WARNING, "broker_count_unwritten",
			  "%s", err.text);
	return true;
}

/* ---- growth ---- */

/* Beside the store, since it says how that grows. */
static enum err_code growth_place(const struct box *box,
				  char path[FILE_PATH_SIZE], char **ret_name,
				  struct err *err)
{
	enum err_code code =
		file_beside(box->config->store.path, "-growth", path, err);
	char *slash;

	if (code != ERR_OK)
		return code;
	slash = strrchr(path, '/');
	if (slash == NULL || slash == path)
		return err_set(err, ERR_INVALID, "no folder in %s", path);
	*slash = '\0';
	*ret_name = slash + 1;
	return ERR_OK;
}

/* Without it the average begins anew. */
static void growth_read(struct box *box)
{
	char path[FILE_PATH_SIZE];
	char text[AUTONOMY_TEXT_SIZE];
	ssize_t size;
	int fd;

	if (file_beside(box->config->store.path, "-growth", path, NULL) !=
	    ERR_OK)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	size = read(fd, text, sizeof(text));
	(void)close(fd); /* opened for reading: nothing to lose */
	if (size > 0 && autonomy_parse((struct span){text, (size_t)size},
				       &box->figures->autonomy) != ERR_OK)
		log_event(box->log, LEVEL_WARNING, "growth_unread",
			  "%s is not what was written there", path);
}

static void growth_write(struct box *box)
{
	char path[FILE_PATH_SIZE];
	char text[AUTONOMY_TEXT_SIZE];
	struct replace replace;
	char *name = NULL;
	int folder = -1;
	struct err err;
	enum err_code code = growth_place(box, path, &name, &err);

	if (code == ERR_OK) {
		folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (folder < 0)
			code = err_set(&err, ERR_IO, "open folder %s", path);
	}
	if (code == ERR_OK)
		code = replace_begin(&replace, folder, name, 0600, &err);
	if (code == ERR_OK) {
		autonomy_print(&box->figures->autonomy, text);
		(void)fputs(text, replace.out);
		code = replace_commit(&replace, false, &err);
	}
	if (folder >= 0)
		(void)close(folder); /* opened for reading */
	if (code != ERR_OK)
		log_event(box->log, LEVEL_WARNING, "growth_unwritten", "%s",
			  err.text);
}

static void growth_look(struct box *box, int64_t now_ms)
{
	struct figures *figures = box->figures;
	struct env_usage usage;

	if (now_ms < figures->look_ms)
		return;
	figures->look_ms = now_ms + AUTONOMY_LOOK_S * INT64_C(1000);
	if (env_usage(ledger_env(box->ledger), &usage, NULL) != ERR_OK)
		return;
	figures->reserve = usage.map_size / KEEPER_RESERVE_SHARE;
	autonomy_look(&figures->autonomy, now_ms, usage.room);
	if (now_ms < figures->growth_ms)
		return;
	figures->growth_ms = now_ms + GROWTH_WRITE_MS;
	growth_write(box);
}

bool figures_autonomy(const struct box *box, uint64_t *ret_hours)
{
	const struct figures *figures = box->figures;

	return figures != NULL &&
	       autonomy_hours(&figures->autonomy, figures->reserve, ret_hours);
}

/* ---- alerts ---- */

/* In the keeper's thread. */
static void post_done(struct keeper_request *request)
{
	struct post *post = request->context;

	atomic_store(&post->state, POST_DONE);
}

static void post_write(struct post *post)
{
	const struct vital_kind *kind = vital_kind(post->alert.vital);
	bool fits = text_format(post->arguments, sizeof(post->arguments),
				"{\"code\":\"%s\",\"severity\":\"%s\","
				"\"value\":%" PRId64 "}",
				kind->code, severity_name(kind->severity),
				post->alert.value);

	ASSERT(fits);
	post->request = (struct keeper_request){
		.command = {.name = span_of(post->alert.is_open
						    ? "alert.raise"
						    : "alert.clear"),
			    .arguments = span_of(post->arguments),
			    .is_rule = true},
		.done = post_done,
		.context = post,
	};
	fits = name_set(&post->request.command.account, SPAN_LITERAL("vitals"));
	ASSERT(fits);
}

/* One at a time: there are few, and none is in a hurry. */
static void alerts_post(struct box *box, int64_t now_ms)
{
	struct figures *figures = box->figures;
	struct post *post = &figures->post;

	if (atomic_load(&post->state) == POST_DONE) {
		vitals_told(&figures->vitals, &post->alert,
			    post->request.code == ERR_OK, now_ms);
		atomic_store(&post->state, POST_IDLE);
	}
	if (atomic_load(&post->state) != POST_IDLE ||
	    !vitals_due(&figures->vitals, now_ms, &post->alert))
		return;
	post_write(post);
	atomic_store(&post->state, POST_UNDER_WAY);
	if (keeper_ask(box->keeper, &post->request) != ERR_OK)
		atomic_store(&post->state, POST_IDLE);
}

/* ---- how it is ---- */

static void vitals_look(struct box *box, const struct keeper_state *state,
			int64_t now_ms)
{
	enum mqtt_state mqtt = mqtt_state(box->mqtt);
	struct auditor_word word = auditor_word(box->auditor);
	uint64_t hours = 0;
	bool is_filling =
		figures_autonomy(box, &hours) && hours < FILLING_HOURS;
	const struct {
		enum vital vital;
		bool is_bad;
		uint64_t value;
	} looks[] = {
		{VITAL_AUDIT_FAILED,
		 state->is_damaged || (word.is_known && !word.is_clean),
		 word.findings},
		/* Held is away on purpose: the ring says why. */
		{VITAL_BROKER_DOWN, mqtt != MQTT_UP && mqtt != MQTT_HELD, 0},
		{VITAL_CLOCK_UNTRUSTED, !clock_now(&box->clock).is_trusted, 0},
		{VITAL_RING_FULL, ring_is_high(box->ring) || mqtt == MQTT_HELD,
		 ring_fill(box->ring)},
		{VITAL_STORE_FAILED, state->is_failed, 0},
		{VITAL_STORE_FILLING, is_filling, hours},
		{VITAL_STORE_FULL, state->is_full, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		vitals_note(&box->figures->vitals, looks[i].vital,
			    looks[i].is_bad, (int64_t)looks[i].value, now_ms);
	if (word.is_clean)
		vitals_proved(&box->figures->vitals, VITAL_AUDIT_FAILED,
			      now_ms);
	box->health_count =
		vitals_health(&box->figures->vitals, now_ms, box->health);
}

static uint64_t resident_size(void)
{
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t size;
	uint64_t pages = 0;
	const char *second;
	struct span word;

	if (fd < 0)
		return 0;
	size = read(fd, text, sizeof(text) - 1);
	(void)close(fd); /* opened for reading: nothing to lose */
	if (size <= 0)
		return 0;
	text[size] = '\0';
	second = strchr(text, ' ');
	if (second == NULL)
		return 0;
	word = (struct span){second + 1, strcspn(second + 1, " ")};
	return span_to_u64(word, UINT32_MAX, &pages)
		       ? pages * (uint64_t)sysconf(_SC_PAGESIZE)
		       : 0;
}

/* What cannot be read keeps the figure that it had. */
static void ledger_look(struct box *box, struct metrics *metrics)
{
	struct env *env = ledger_env(box->ledger);
	struct view *view;

	if (env_usage(env, &metrics->usage, NULL) != ERR_OK ||
	    view_begin(env, &view, NULL) != ERR_OK)
		return;
	if (parked_totals(view, &metrics->parked, NULL) != ERR_OK ||
	    view_count(view, TABLE_SESSION, &metrics->sessions, NULL) != ERR_OK)
		log_event(box->log, LEVEL_ERROR, "figures_unread",
			  "the counts of parked readings and sessions cannot "
			  "be read");
	view_end(view);
}

static void mqtt_look(struct box *box, struct metrics *metrics)
{
	metrics->is_connected = mqtt_state(box->mqtt) == MQTT_UP;
	metrics->in_flight = mqtt_in_flight(box->mqtt);
	for (int i = 0; i < MQTT_COUNTS; i++)
		metrics->mqtt[i] = mqtt_count(box->mqtt, (enum mqtt_count)i);
	metrics->is_managed = box->broker != NULL;
	if (box->broker != NULL)
		broker_state(box->broker, &metrics->broker);
	metrics->broker_dropped = box->figures->vitals.dropped;
}

static void metrics_look(struct box *box, const struct keeper_state *state,
			 int64_t now_ms)
{
	struct figures *figures = box->figures;
	struct metrics *metrics = &figures->metrics;

	metrics->at_ms = now_ms;
	metrics->resident = resident_size();
	metrics->counters = state->counters;
	metrics->commits = state->commits;
	metrics->answers_dropped = state->answers_dropped;
	metrics->progress_age_ms = now_ms - figures->progress_ms;
	metrics->head = state->head;
	metrics->ring_size = ring_size(box->ring);
	metrics->ring_fill = ring_fill(box->ring);
	metrics->clock_trusted = clock_now(&box->clock).is_trusted;
	metrics->log_dropped = log_dropped(box->log);
	publisher_counters(box->publisher, &metrics->published);
	metrics->reach = *box_reach(box);
	box_reach_figures(box, &metrics->network);
	metrics->has_autonomy = figures_autonomy(box, &metrics->autonomy_hours);
	mqtt_look(box, metrics);
	ledger_look(box, metrics);
	for (enum vital i = 0; i < VITALS; i++)
		metrics->is_bad[i] = false;
	for (size_t i = 0; i < box->health_count; i++)
		for (enum vital j = 0; j < VITALS; j++)
			metrics->is_bad[j] |=
				box->health[i] == vital_kind(j)->code;
}

/* A port that another program has is no reason for the box to stand still. */
static void http_try(struct box *box, int64_t now_ms)
{
	struct figures *figures = box->figures;
	struct http_config config = {.address = box->config->http.address,
				     .port = box->config->http.port,
				     .clock = &box->clock};
	struct err err;

	if (config.port == 0 || now_ms < figures->http_retry_ms)
		return;
	figures->http_retry_ms = now_ms + HTTP_RETRY_MS;
	if (http_open(&config, &figures->http, &err) != ERR_OK)
		log_event(box->log, LEVEL_ERROR, "http_not_started", "%s",
			  err.text);
}

void box_figures(struct box *box, const struct keeper_state *state)
{
	struct figures *figures = box->figures;
	int64_t now_ms = clock_monotonic_ms(&box->clock);

	if (state->progress != figures->progress)
		figures->progress_ms = now_ms;
	figures->progress = state->progress;
	growth_look(box, now_ms);
	vitals_look(box, state, now_ms);
	alerts_post(box, now_ms);
	if (figures->http == NULL)
		http_try(box, now_ms);
	if (figures->http == NULL)
		return;
	metrics_look(box, state, now_ms);
	http_update(figures->http, &figures->metrics);
}

/* ---- start and end ---- */

/* An alert that was open when the daemon ended is still open. */
static enum err_code alerts_known(struct box *box, struct err *err)
{
	struct view *view;
	enum err_code code = view_begin(ledger_env(box->ledger), &view, err);

	if (code != ERR_OK)
		return code;
	for (enum vital i = 0; i < VITALS && code == ERR_OK; i++) {
		struct alert alert;

		code = alert_get(view, span_of(vital_kind(i)->code), &alert,
				 err);
		vitals_alert_is(&box->figures->vitals, i, code == ERR_OK);
		if (code == ERR_NOT_FOUND)
			code = ERR_OK;
	}
	view_end(view);
	return code;
}

enum err_code start_figures(struct box *box, struct err *err)
{
	struct figures *figures = calloc(1, sizeof(*figures));
	int64_t now_ms = clock_monotonic_ms(&box->clock);
	enum err_code code;

	if (figures == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	box->figures = figures;
	vitals_init(&figures->vitals, now_ms);
	figures->progress_ms = now_ms;
	figures->dropped_before = dropped_read(box->config->runtime.dir);
	figures->metrics.version = DEPOT_VERSION;
	figures->metrics.started_ms = clock_now(&box->clock).moment.ms;
	figures->http_retry_ms = now_ms;
	figures->growth_ms = now_ms + GROWTH_WRITE_MS;
	growth_read(box);
	code = alerts_known(box, err);
	if (code == ERR_OK)
		http_try(box, now_ms);
	return code;
}

void end_figures(struct box *box)
{
	if (box->figures == NULL)
		return;
	growth_write(box);
	http_close(box->figures->http);
	free(box->figures);
	box->figures = NULL;
}
