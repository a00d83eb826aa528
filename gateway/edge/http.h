/*
 * http - /metrics and /healthz for those who watch the box.
 *
 * Layer     gateway/edge
 * Threads   the server's own (web.h); the functions here: the loop
 *
 * The serving thread copies the figures that the loop left last, under a lock
 * that is held for a copy. It is bounded as web.h says: HTTP_CONNECTIONS_MAX
 * connections, HTTP_MEMORY_SIZE each, HTTP_SECONDS_MAX a request.
 *
 * Answers
 *	GET, HEAD /metrics   200, Prometheus text
 *	GET, HEAD /healthz   200 while the box does its work, else 503; JSON of
 *	                     metrics_health
 *	another path         404; another method 405; no HTTP 400; too long 4xx
 */
#ifndef DEPOT_GATEWAY_EDGE_HTTP_H
#define DEPOT_GATEWAY_EDGE_HTTP_H

#include <stdint.h>

#include "gateway/edge/clock.h"
#include "gateway/edge/metrics.h"
#include "rules/base/err.h"

#define HTTP_CONNECTIONS_MAX 16
#define HTTP_MEMORY_SIZE 4096 /* of a request's head */
#define HTTP_SECONDS_MAX 10

struct http;

struct http_config {
	const char *address;       /* used by http_open only */
	uint16_t port;             /* 0: any free one */
	const struct clock *clock; /* borrowed until http_close */
};

/*
 * Listens. Until the first http_update there is nothing but 503.
 *
 * ERR_AGAIN    another program has the port; the sentence names it
 * ERR_INVALID  no address
 * ERR_FULL     no memory
 * ERR_IO       the system refused
 */
MUST_CHECK enum err_code http_open(const struct http_config *config,
				   struct http **ret_http, struct err *err);
/* Ends connections and thread. Takes NULL. */
void http_close(struct http *http);

/* What is told from now on; copied. Once a second: it also ends connections
 * that have lasted too long. */
void http_update(struct http *http, const struct metrics *metrics);

/* The port that it listens on. */
uint16_t http_port(const struct http *http);

#endif
