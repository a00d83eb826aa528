#include "gateway/edge/http.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/edge/port.h"

/* Without a byte from the client. */
#define IDLE_SECONDS 5

/* One connection, as long as libmicrohttpd has it: its socket is open. */
struct guest {
	int fd; /* -1: free */
	int64_t since_ms;
};

struct http {
	const struct clock *clock;
	struct MHD_Daemon *daemon;
	uint16_t port;
	pthread_mutex_t mutex; /* over the next three */
	struct metrics metrics;
	bool has_metrics;
	struct guest guests[HTTP_CONNECTIONS_MAX];
	/* The serving thread's alone. */
	struct metrics shown;
	char text[METRICS_TEXT_SIZE];
};

/* ---- answers ---- */

static enum MHD_Result answer_send(struct MHD_Connection *connection,
				   unsigned status, struct span text,
				   const char *type)
{
	/* MUST_COPY, so the cast takes nothing from anybody. */
	struct MHD_Response *response = MHD_create_response_from_buffer(
		text.size, (void *)(uintptr_t)text.data, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO; /* no memory: the connection ends */
	/* They fail for want of memory only, and then a header is missing. */
	(void)MHD_add_response_header(response, "Content-Type", type);
	(void)MHD_add_response_header(response, "Cache-Control", "no-store");
	(void)MHD_add_response_header(response, "X-Content-Type-Options",
				      "nosniff");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		(void)MHD_add_response_header(response, "Allow", "GET, HEAD");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static bool metrics_take(struct http *http)
{
	bool has_metrics;

	(void)pthread_mutex_lock(&http->mutex); /* cannot fail: ours */
	has_metrics = http->has_metrics;
	http->shown = http->metrics;
	(void)pthread_mutex_unlock(&http->mutex);
	return has_metrics;
}

static enum MHD_Result metrics_send(struct http *http,
				    struct MHD_Connection *connection)
{
	struct span text = {http->text,
			    metrics_print(&http->shown, http->text)};

	return answer_send(connection, MHD_HTTP_OK, text,
			   "text/plain; version=0.0.4; charset=utf-8");
}

static enum MHD_Result health_send(struct http *http,
				   struct MHD_Connection *connection)
{
	char text[HEALTH_TEXT_SIZE];
	bool is_well = metrics_health(&http->shown,
				      clock_monotonic_ms(http->clock), text);

	return answer_send(connection,
			   is_well ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE,
			   span_of(text), "application/json");
}

static enum MHD_Result refusal_send(struct MHD_Connection *connection,
				    unsigned status, const char *words)
{
	return answer_send(connection, status, span_of(words),
			   "text/plain; charset=utf-8");
}

static bool is_reading(const char *method)
{
	return strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
	       strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
}

static enum MHD_Result route(struct http *http,
			     struct MHD_Connection *connection, const char *url,
			     const char *method)
{
	bool is_metrics = strcmp(url, "/metrics") == 0;

	if (!is_metrics && strcmp(url, "/healthz") != 0)
		return refusal_send(connection, MHD_HTTP_NOT_FOUND,
				    "there are /metrics and /healthz\n");
	if (!is_reading(method))
		return refusal_send(connection, MHD_HTTP_METHOD_NOT_ALLOWED,
				    "only GET and HEAD\n");
	if (!metrics_take(http))
		return refusal_send(connection, MHD_HTTP_SERVICE_UNAVAILABLE,
				    "starting\n");
	return is_metrics ? metrics_send(http, connection)
			  : health_send(http, connection);
}

/* libmicrohttpd calls it when the head is there, for each piece of a body, and
 * in the end; the answer is given at once, and a body is not read. */
static enum MHD_Result on_request(void *context,
				  struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *body,
				  size_t *body_size, void **state)
{
	(void)version;
	(void)body;
	(void)body_size;
	(void)state;
	return route(context, connection, url, method);
}

/* A path is compared as it came: %00 ends none. */
static size_t path_keep(void *context, struct MHD_Connection *connection,
			char *path)
{
	(void)context;
	(void)connection;
	return strlen(path);
}

/* ---- guests ---- */

static void guest_note(struct http *http, int from, int to)
{
	(void)pthread_mutex_lock(&http->mutex); /* cannot fail: ours */
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
		if (http->guests[i].fd != from)
			continue;
		http->guests[i] =
			(struct guest){to, clock_monotonic_ms(http->clock)};
		break;
	}
	(void)pthread_mutex_unlock(&http->mutex);
}

/* The socket is open when a connection starts, and still when it is closed:
 * what stands in the list is never another's. */
static void on_guest(void *context, struct MHD_Connection *connection,
		     void **state, enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	(void)state;
	if (info == NULL)
		return;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		guest_note(context, -1, info->connect_fd);
	else
		guest_note(context, info->connect_fd, -1);
}

/* libmicrohttpd ends who is silent; who dribbles it would serve for ever. */
static void guests_end(struct http *http, int64_t now_ms)
{
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++) {
		const struct guest *guest = &http->guests[i];

		if (guest->fd >= 0 &&
		    now_ms - guest->since_ms > HTTP_SECONDS_MAX * 1000)
			(void)shutdown(guest->fd, SHUT_RDWR);
	}
}

/* ---- the whole ---- */

static struct MHD_Daemon *daemon_start(struct http *http, int fd)
{
	return MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, http->port,
		NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_SIZE,
		MHD_OPTION_NOTIFY_CONNECTION, on_guest, http,
		MHD_OPTION_UNESCAPE_CALLBACK, path_keep, NULL,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
}

enum err_code http_open(const struct http_config *config,
			struct http **ret_http, struct err *err)
{
	struct http *http = calloc(1, sizeof(*http));
	enum err_code code;
	int fd = -1;

	if (http == NULL)
		return err_set(err, ERR_FULL, "no memory for HTTP");
	http->clock = config->clock;
	for (size_t i = 0; i < HTTP_CONNECTIONS_MAX; i++)
		http->guests[i].fd = -1;
	(void)pthread_mutex_init(&http->mutex, NULL); /* cannot fail */
	code = port_listen(config->address, config->port, &fd, err);
	if (code == ERR_OK) {
		http->port = port_of(fd);
		http->daemon = daemon_start(http, fd);
		if (http->daemon == NULL)
			code = err_set(err, ERR_IO,
				       "libmicrohttpd did not "
				       "start");
	}
	if (code != ERR_OK) {
		if (fd >= 0)
			(void)close(fd);
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
	if (http->daemon != NULL)
		MHD_stop_daemon(http->daemon);
	(void)pthread_mutex_destroy(&http->mutex); /* nobody holds it */
	free(http);
}

void http_update(struct http *http, const struct metrics *metrics)
{
	(void)pthread_mutex_lock(&http->mutex); /* cannot fail: ours */
	http->metrics = *metrics;
	http->has_metrics = true;
	guests_end(http, metrics->at_ms);
	(void)pthread_mutex_unlock(&http->mutex);
}

uint16_t http_port(const struct http *http)
{
	return http->port;
}
