#include "gateway/edge/web.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/edge/port.h"

/* Without a byte from the client. */
#define IDLE_SECONDS 5

/* Of IPv4 the first four bytes, and zeros. */
struct web_address {
	unsigned char bytes[16];
};

/* One connection, as long as libmicrohttpd has it: its socket is open. */
struct web_visit {
	struct web *web;
	int fd;           /* -1: free; under the lock, as the next three */
	int64_t since_ms; /* its start, or the end of its last request */
	bool is_waiting;
	struct web_address address;
	/* The serving thread's alone. */
	struct MHD_Connection *connection;
	void *job;
	bool is_begun;
	bool is_long; /* its body has no room */
	size_t body_size;
	char *body; /* of body_size_max */
};

struct web {
	struct web_config config;
	struct MHD_Daemon *daemon;
	uint16_t port;
	pthread_mutex_t mutex;
	char *bodies;
	struct web_visit visits[WEB_CONNECTIONS_MAX];
};

/* ---- answers ---- */

static struct MHD_Response *response_make(const struct web_answer *answer)
{
	/* Nobody writes to it, so the cast takes nothing from anybody. */
	return MHD_create_response_from_buffer(
		answer->body.size, (void *)(uintptr_t)answer->body.data,
		answer->is_lasting ? MHD_RESPMEM_PERSISTENT
				   : MHD_RESPMEM_MUST_COPY);
}

/* It fails for want of memory only, and then a header is missing. */
static void header_add(struct MHD_Response *response, const char *name,
		       const char *value)
{
	if (value != NULL)
		(void)MHD_add_response_header(response, name, value);
}

static enum MHD_Result answer_send(const struct web *web,
				   struct MHD_Connection *connection,
				   const struct web_answer *answer)
{
	struct MHD_Response *response = response_make(answer);
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO; /* no memory: the connection ends */
	header_add(response, "Content-Type", answer->type);
	header_add(response, "Cache-Control",
		   answer->is_lasting ? "no-cache" : "no-store");
	header_add(response, "X-Content-Type-Options", "nosniff");
	header_add(response, "ETag", answer->tag);
	header_add(response, "Set-Cookie", answer->cookie);
	header_add(response, "Allow", answer->allow);
	for (size_t i = 0; i < web->config.header_count; i++)
		header_add(response, web->config.headers[i].name,
			   web->config.headers[i].value);
	result = MHD_queue_response(connection, answer->status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result long_send(const struct web_visit *visit)
{
	struct web_answer answer = {
		.status = MHD_HTTP_CONTENT_TOO_LARGE,
		.type = "text/plain; charset=utf-8",
		.body = SPAN_LITERAL("the body is too long\n")};

	return answer_send(visit->web, visit->connection, &answer);
}

static enum MHD_Result visit_handle(struct web_visit *visit, const char *path,
				    const char *method)
{
	struct MHD_Connection *connection = visit->connection;
	struct web *web = visit->web;
	struct web_answer answer = {.status = MHD_HTTP_INTERNAL_SERVER_ERROR,
				    .type = "text/plain; charset=utf-8",
				    .body = SPAN_LITERAL("no answer\n")};
	struct web_ask ask = {.method = method,
			      .path = path,
			      .body = {visit->body, visit->body_size},
			      .visit = visit,
			      .job = visit->job};

	ask.host = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					       "Host");
	ask.origin = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						 "Origin");
	ask.cookie = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
						 "Cookie");
	ask.type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					       "Content-Type");
	ask.tag = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					      "If-None-Match");
	if (!web->config.handle(web->config.context, &ask, &answer))
		return MHD_YES;
	return answer_send(web, connection, &answer);
}

void web_wait(struct web_visit *visit, void *job)
{
	ASSERT(job != NULL);
	visit->job = job;
	(void)pthread_mutex_lock(&visit->web->mutex); /* cannot fail: ours */
	visit->is_waiting = true;
	(void)pthread_mutex_unlock(&visit->web->mutex);
	MHD_suspend_connection(visit->connection);
}

void web_resume(struct web_visit *visit)
{
	struct web *web = visit->web;

	(void)pthread_mutex_lock(&web->mutex); /* cannot fail: ours */
	ASSERT(visit->is_waiting);
	visit->is_waiting = false;
	(void)pthread_mutex_unlock(&web->mutex);
	MHD_resume_connection(visit->connection);
}

/* ---- requests ---- */

static struct web_visit *visit_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info == NULL ? NULL : info->socket_context;
}

/* What the client says that it will send, where it says so; it may lie, and
 * then what comes is counted. */
static bool is_announced_long(const struct web_visit *visit)
{
	const char *text = MHD_lookup_connection_value(
		visit->connection, MHD_HEADER_KIND, "Content-Length");
	uint64_t size;

	return text != NULL &&
	       (!span_to_u64(span_of(text), UINT64_MAX, &size) ||
		size > visit->web->config.body_size_max);
}

static void body_take(struct web_visit *visit, const char *body, size_t size)
{
	size_t room = visit->web->config.body_size_max - visit->body_size;

	if (size > room || visit->is_long) {
		visit->is_long = true;
		return;
	}
	memcpy(visit->body + visit->body_size, body, size);
	visit->body_size += size;
}

/* The head is there. Where no bodies are taken one that comes is not read: the
 * answer goes out at once, and the connection ends behind it. */
static enum MHD_Result visit_begin(struct web_visit *visit, const char *path,
				   const char *method)
{
	visit->is_begun = true;
	visit->is_long = false;
	visit->body_size = 0;
	visit->job = NULL;
	if (visit->web->config.body_size_max == 0 ||
	    strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return visit_handle(visit, path, method);
	return is_announced_long(visit) ? long_send(visit) : MHD_YES;
}

/* libmicrohttpd calls it when the head is there, for each piece of a body, in
 * the end, and when a visit that waited is resumed. */
static enum MHD_Result on_request(void *context,
				  struct MHD_Connection *connection,
				  const char *url, const char *method,
				  const char *version, const char *body,
				  size_t *body_size, void **state)
{
	struct web_visit *visit = visit_of(connection);

	(void)context;
	(void)version;
	(void)state;
	if (visit == NULL)
		return MHD_NO;
	visit->connection = connection;
	if (!visit->is_begun)
		return visit_begin(visit, url, method);
	if (*body_size > 0) {
		body_take(visit, body, *body_size);
		*body_size = 0;
		return MHD_YES;
	}
	return visit->is_long ? long_send(visit)
			      : visit_handle(visit, url, method);
}

static void on_completed(void *context, struct MHD_Connection *connection,
			 void **state, enum MHD_RequestTerminationCode why)
{
	struct web *web = context;
	struct web_visit *visit = visit_of(connection);

	(void)state;
	(void)why;
	if (visit == NULL)
		return;
	visit->is_begun = false;
	(void)pthread_mutex_lock(&web->mutex); /* cannot fail: ours */
	visit->since_ms = clock_monotonic_ms(web->config.clock);
	(void)pthread_mutex_unlock(&web->mutex);
}

/* A path is compared as it came: %00 ends none. */
static size_t path_keep(void *context, struct MHD_Connection *connection,
			char *path)
{
	(void)context;
	(void)connection;
	return strlen(path);
}

/* ---- connections ---- */

static struct web_address address_of(const struct sockaddr *address)
{
	struct web_address own = {{0}};
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	if (address->sa_family == AF_INET) {
		memcpy(&four, address, sizeof(four));
		memcpy(own.bytes, &four.sin_addr, sizeof(four.sin_addr));
	} else if (address->sa_family == AF_INET6) {
		memcpy(&six, address, sizeof(six));
		memcpy(own.bytes, &six.sin6_addr, sizeof(six.sin6_addr));
	}
	return own;
}

/* An address has at most half as many places as are left to the others, so that
 * a few of them never have all. */
static enum MHD_Result on_caller(void *context, const struct sockaddr *caller,
				 socklen_t size)
{
	struct web *web = context;
	struct web_address address = address_of(caller);
	unsigned held = 0;
	unsigned left = 0;

	(void)size;
	(void)pthread_mutex_lock(&web->mutex); /* cannot fail: ours */
	for (size_t i = 0; i < web->config.connections; i++) {
		const struct web_visit *visit = &web->visits[i];

		left += visit->fd < 0;
		held += visit->fd >= 0 &&
			memcmp(&visit->address, &address, sizeof(address)) == 0;
	}
	(void)pthread_mutex_unlock(&web->mutex);
	return held < web->config.per_address && 2 * held < left ? MHD_YES
								 : MHD_NO;
}

static struct web_visit *visit_note(struct web *web, int fd,
				    const struct sockaddr *caller)
{
	struct web_visit *visit = NULL;

	(void)pthread_mutex_lock(&web->mutex); /* cannot fail: ours */
	for (size_t i = 0; i < web->config.connections && visit == NULL; i++)
		if (web->visits[i].fd < 0)
			visit = &web->visits[i];
	if (visit != NULL) {
		visit->fd = fd;
		visit->address = address_of(caller);
		visit->since_ms = clock_monotonic_ms(web->config.clock);
		visit->is_begun = false;
	}
	(void)pthread_mutex_unlock(&web->mutex);
	return visit;
}

/* The socket is open when a connection starts, and still when it is closed:
 * what stands in the list is never another's. */
static void on_connection(void *context, struct MHD_Connection *connection,
			  void **state,
			  enum MHD_ConnectionNotificationCode what)
{
	struct web *web = context;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const union MHD_ConnectionInfo *caller = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct web_visit *visit = *state;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*state = info == NULL || caller == NULL
				 ? NULL
				 : visit_note(web, info->connect_fd,
					      caller->client_addr);
	} else if (visit != NULL) {
		(void)pthread_mutex_lock(&web->mutex); /* cannot fail */
		visit->fd = -1;
		(void)pthread_mutex_unlock(&web->mutex);
		*state = NULL;
	}
}

/* libmicrohttpd ends who is silent; who dribbles it would serve for ever. What
 * waits for us is not late. */
void web_beat(struct web *web, int64_t now_ms)
{
	(void)pthread_mutex_lock(&web->mutex); /* cannot fail: ours */
	for (size_t i = 0; i < web->config.connections; i++) {
		const struct web_visit *visit = &web->visits[i];

		if (visit->fd >= 0 && !visit->is_waiting &&
		    now_ms - visit->since_ms >
			    (int64_t)web->config.seconds_max * 1000)
			(void)shutdown(visit->fd, SHUT_RDWR);
	}
	(void)pthread_mutex_unlock(&web->mutex);
}

/* ---- the whole ---- */

static struct MHD_Daemon *daemon_start(struct web *web, int fd)
{
	const struct web_config *config = &web->config;
	/* libmicrohttpd only reads the PEM, so the casts take nothing. */
	struct MHD_OptionItem options[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)config->cert},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)config->key},
		{MHD_OPTION_END, 0, NULL},
	};
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL |
			 MHD_ALLOW_SUSPEND_RESUME;

	if (config->cert != NULL)
		flags |= MHD_USE_TLS;
	else
		options[0].option = MHD_OPTION_END;
	return MHD_start_daemon(
		flags, web->port, config->per_address > 0 ? on_caller : NULL,
		web, on_request, web, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, config->connections,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, config->head_size,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, web,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, web,
		MHD_OPTION_UNESCAPE_CALLBACK, path_keep, NULL,
		MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY, options,
		MHD_OPTION_END);
}

static enum err_code visits_make(struct web *web, struct err *err)
{
	const struct web_config *config = &web->config;
	/* Never of size 0, which may give NULL. */
	size_t size = config->body_size_max + 1;

	web->bodies = calloc(config->connections, size);
	if (web->bodies == NULL)
		return err_set(err, ERR_FULL, "no memory");
	for (size_t i = 0; i < config->connections; i++)
		web->visits[i] = (struct web_visit){
			.web = web, .fd = -1, .body = web->bodies + i * size};
	return ERR_OK;
}

static enum err_code listen_begin(struct web *web, struct err *err)
{
	int fd = -1;
	enum err_code code =
		port_listen(web->config.address, web->config.port, &fd, err);

	if (code != ERR_OK)
		return code;
	web->port = port_of(fd);
	web->daemon = daemon_start(web, fd);
	if (web->daemon != NULL)
		return ERR_OK;
	(void)close(fd);
	return err_set(err, ERR_IO, "libmicrohttpd did not start");
}

enum err_code web_open(const struct web_config *config, struct web **ret_web,
		       struct err *err)
{
	struct web *web = calloc(1, sizeof(*web));
	enum err_code code;

	ASSERT(config->connections > 0 &&
	       config->connections <= WEB_CONNECTIONS_MAX);
	if (web == NULL)
		return err_set(err, ERR_FULL, "no memory");
	web->config = *config;
	(void)pthread_mutex_init(&web->mutex, NULL); /* cannot fail */
	code = visits_make(web, err);
	if (code == ERR_OK)
		code = listen_begin(web, err);
	if (code != ERR_OK) {
		web_close(web);
		return code;
	}
	*ret_web = web;
	return ERR_OK;
}

void web_close(struct web *web)
{
	if (web == NULL)
		return;
	if (web->daemon != NULL)
		MHD_stop_daemon(web->daemon);
	(void)pthread_mutex_destroy(&web->mutex); /* nobody holds it */
	free(web->bodies);
	free(web);
}

uint16_t web_port(const struct web *web)
{
	return web->port;
}
