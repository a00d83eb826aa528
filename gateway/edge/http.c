#include "gateway/edge/http.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/edge/web.h"

struct http {
	const struct clock *clock;
	struct web *web;
	pthread_mutex_t mutex; /* over the next two */
	struct metrics metrics;
	bool has_metrics;
	/* The serving thread's alone. */
	struct metrics shown;
	char text[METRICS_TEXT_SIZE];
	char health[HEALTH_TEXT_SIZE];
};

/* ---- answers ---- */

static bool metrics_take(struct http *http)
{
	bool has_metrics;

	(void)pthread_mutex_lock(&http->mutex); /* cannot fail: ours */
	has_metrics = http->has_metrics;
	http->shown = http->metrics;
	(void)pthread_mutex_unlock(&http->mutex);
	return has_metrics;
}

static void metrics_answer(struct http *http, struct web_answer *answer)
{
	*answer = (struct web_answer){
		.status = 200,
		.type = "text/plain; version=0.0.4; charset=utf-8",
		.body = {http->text, metrics_print(&http->shown, http->text)}};
}

static void health_answer(struct http *http, struct web_answer *answer)
{
	bool is_well = metrics_health(
		&http->shown, clock_monotonic_ms(http->clock), http->health);

	*answer = (struct web_answer){.status = is_well ? 200 : 503,
				      .type = "application/json",
				      .body = span_of(http->health)};
}

static void refusal_answer(struct web_answer *answer, unsigned status,
			   const char *words)
{
	*answer = (struct web_answer){.status = status,
				      .type = "text/plain; charset=utf-8",
				      .body = span_of(words)};
}

static bool is_reading(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

static bool handle(void *context, const struct web_ask *ask,
		   struct web_answer *ret_answer)
{
	struct http *http = context;
	bool is_metrics = strcmp(ask->path, "/metrics") == 0;

	if (!is_metrics && strcmp(ask->path, "/healthz") != 0) {
		refusal_answer(ret_answer, 404,
			       "there are /metrics and /healthz\n");
	} else if (!is_reading(ask->method)) {
		refusal_answer(ret_answer, 405, "only GET and HEAD\n");
		ret_answer->allow = "GET, HEAD";
	} else if (!metrics_take(http)) {
		refusal_answer(ret_answer, 503, "starting\n");
	} else if (is_metrics) {
		metrics_answer(http, ret_answer);
	} else {
		health_answer(http, ret_answer);
	}
	return true;
}

/* ---- the whole ---- */

enum err_code http_open(const struct http_config *config,
			struct http **ret_http, struct err *err)
{
	struct http *http = calloc(1, sizeof(*http));
	struct web_config web = {.address = config->address,
				 .port = config->port,
				 .connections = HTTP_CONNECTIONS_MAX,
				 .head_size = HTTP_MEMORY_SIZE,
				 .seconds_max = HTTP_SECONDS_MAX,
				 .clock = config->clock,
				 .handle = handle,
				 .context = http};
	enum err_code code;

	if (http == NULL)
		return err_set(err, ERR_FULL, "no memory for HTTP");
	http->clock = config->clock;
	(void)pthread_mutex_init(&http->mutex, NULL); /* cannot fail */
	code = web_open(&web, &http->web, err);
	if (code != ERR_OK) {
		http_close(http);
		return err_wrap(err, code, "HTTP");
	}
	*ret_http = http;
	return ERR_OK;
}

void http_close(struct http *http)
{
	if (http == NULL)
		return;
	web_close(http->web);
	(void)pthread_mutex_destroy(&http->mutex); /* nobody holds it */
	free(http);
}

void http_update(struct http *http, const struct metrics *metrics)
{
	(void)pthread_mutex_lock(&http->mutex); /* cannot fail: ours */
	http->metrics = *metrics;
	http->has_metrics = true;
	(void)pthread_mutex_unlock(&http->mutex);
	web_beat(http->web, metrics->at_ms);
}

uint16_t http_port(const struct http *http)
{
	return web_port(http->web);
}
