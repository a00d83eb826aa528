/*
 * web - a small HTTP or HTTPS server with a thread of its own.
 *
 * Layer     gateway/edge; web.c is the only file that includes microhttpd.h
 * Threads   the handler: the server's own, one call at a time; the functions
 *           here: the loop, unless said otherwise
 *
 * Under /metrics (http.h) and the operator page (panel.h). A thread of its own,
 * so that no client can hold up the loop. It is bounded: so many connections
 * (others wait in the backlog), so much of a request's head and body, and so
 * many seconds from a connection's start, or the end of its last request, to
 * the end of the next, however slowly it goes on. All memory of ours is taken
 * by web_open.
 *
 * A path is compared as it came: escapes are not resolved, and what follows a
 * question mark is left out. No HTTP is answered with 400, a head that is too
 * long with 414 or 431, a body that is too long with 413, before the handler.
 */
#ifndef DEPOT_GATEWAY_EDGE_WEB_H
#define DEPOT_GATEWAY_EDGE_WEB_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/edge/clock.h"
#include "rules/base/err.h"
#include "rules/base/text.h"

#define WEB_CONNECTIONS_MAX 64

struct web;
struct web_visit; /* a request under way */

/* A request. All borrowed until the handler returns; what was not said is an
 * empty span, or NULL. */
struct web_ask {
	const char *method;
	const char *path;
	const char *host;
	const char *origin;
	const char *cookie;
	const char *type; /* Content-Type */
	const char *tag;  /* If-None-Match */
	struct span body;
	struct web_visit *visit;
	void *job; /* as given to web_wait; NULL: the first call */
};

struct web_answer {
	unsigned status;
	const char *type;
	struct span body;   /* copied, unless */
	bool is_lasting;    /* it outlives the server */
	const char *tag;    /* ETag, copied as the next; NULL: none */
	const char *cookie; /* Set-Cookie; NULL: none */
	const char *allow;  /* Allow; NULL: none */
};

/* Fills in *@ret_answer, which says 500 before; or calls web_wait and returns
 * false. */
typedef bool web_fn(void *context, const struct web_ask *ask,
		    struct web_answer *ret_answer);

/* A header of every answer. */
struct web_header {
	const char *name;
	const char *value;
};

struct web_config {
	const char *address; /* used by web_open only, as the next three */
	uint16_t port;       /* 0: any free one */
	const char *cert;    /* PEM; NULL: plain HTTP */
	const char *key;
	unsigned connections; /* at most WEB_CONNECTIONS_MAX */
	size_t head_size;     /* bytes of a request's head, about */
	size_t body_size_max; /* 0: no bodies are taken */
	uint32_t seconds_max;
	unsigned per_address; /* most connections of one address, which has no
			       * more than half as many as are left to others
			       * either; more are hung up on; 0: as many as
			       * there are */
	const struct web_header *headers; /* borrowed until web_close */
	size_t header_count;
	const struct clock *clock; /* likewise */
	web_fn *handle;
	void *context;
};

/*
 * Listens.
 *
 * ERR_AGAIN    another program has the port; the sentence names it
 * ERR_INVALID  no address
 * ERR_FULL     no memory
 * ERR_IO       the system refused, or certificate and key do not fit
 */
MUST_CHECK enum err_code web_open(const struct web_config *config,
				  struct web **ret_web, struct err *err);
/* Ends connections and thread. Every visit that waits must have been resumed.
 * Takes NULL. */
void web_close(struct web *web);

/* Once a second: ends connections that have lasted too long. */
void web_beat(struct web *web, int64_t now_ms);

/* The port that it listens on. */
uint16_t web_port(const struct web *web);

/* The handler only: the answer comes later. The request waits, its body stays,
 * until web_resume; then the handler is called again with @job. */
void web_wait(struct web_visit *visit, void *job);
/* Once for each web_wait. Any thread. */
void web_resume(struct web_visit *visit);

#endif
