#include "gateway/edge/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Connections that may wait to be accepted. */
#define BACKLOG 128

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} address;
	socklen_t size;
};

static enum err_code endpoint_read(const char *text, uint16_t port,
				   struct endpoint *endpoint, struct err *err)
{
	memset(endpoint, 0, sizeof(*endpoint));
	if (inet_pton(AF_INET, text, &endpoint->address.four.sin_addr) == 1) {
		endpoint->address.four.sin_family = AF_INET;
		endpoint->address.four.sin_port = htons(port);
		endpoint->size = sizeof(endpoint->address.four);
		return ERR_OK;
	}
	if (inet_pton(AF_INET6, text, &endpoint->address.six.sin6_addr) == 1) {
		endpoint->address.six.sin6_family = AF_INET6;
		endpoint->address.six.sin6_port = htons(port);
		endpoint->size = sizeof(endpoint->address.six);
		return ERR_OK;
	}
	return err_set(err, ERR_INVALID, "%s is no address", text);
}

static int endpoint_socket(const struct endpoint *endpoint)
{
	return socket(endpoint->address.any.sa_family,
		      SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Connections of an earlier run that are still closing do not keep us out, and
 * the address may come later than we do. */
static bool socket_listen(int fd, const struct endpoint *endpoint)
{
	static const int on = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	       setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on)) == 0 &&
	       bind(fd, &endpoint->address.any, endpoint->size) == 0 &&
	       listen(fd, BACKLOG) == 0;
}

enum err_code port_listen(const char *address, uint16_t port, int *ret_fd,
			  struct err *err)
{
	struct endpoint endpoint;
	enum err_code code = endpoint_read(address, port, &endpoint, err);
	int fd;

	if (code != ERR_OK)
		return code;
	fd = endpoint_socket(&endpoint);
	if (fd < 0)
		return err_sys(err, errno, "open a socket for port %u of %s",
			       port, address);
	if (socket_listen(fd, &endpoint)) {
		*ret_fd = fd;
		return ERR_OK;
	}
	if (errno == EADDRINUSE)
		code = err_set(err, ERR_AGAIN,
			       "port %u of %s is taken by another program: "
			       "stop that one, or choose another port",
			       port, address);
	else
		code = err_sys(err, errno, "listen on port %u of %s", port,
			       address);
	(void)close(fd);
	return code;
}

uint16_t port_of(int fd)
{
	struct endpoint endpoint = {.size = sizeof(endpoint.address)};
	bool is_bound =
		getsockname(fd, &endpoint.address.any, &endpoint.size) == 0;

	ASSERT(is_bound);
	return ntohs(endpoint.address.any.sa_family == AF_INET
			     ? endpoint.address.four.sin_port
			     : endpoint.address.six.sin6_port);
}

enum err_code port_check(const char *address, uint16_t port, struct err *err)
{
	int fd;
	enum err_code code = port_listen(address, port, &fd, err);

	if (code == ERR_OK)
		(void)close(fd); /* nobody has connected */
	return code;
}

/* An address that stands for all is none to connect to. */
static const char *reachable(const char *address)
{
	if (strcmp(address, "0.0.0.0") == 0)
		return "127.0.0.1";
	return strcmp(address, "::") == 0 ? "::1" : address;
}

static bool connect_wait(int fd, int timeout_ms)
{
	struct pollfd waited = {.fd = fd, .events = POLLOUT};
	int number = 0;
	socklen_t size = sizeof(number);

	if (poll(&waited, 1, timeout_ms) != 1)
		return false;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) == 0 &&
	       number == 0;
}

bool port_answers(const char *address, uint16_t port, int timeout_ms)
{
	struct endpoint endpoint;
	bool answers;
	int fd;

	if (endpoint_read(reachable(address), port, &endpoint, NULL) != ERR_OK)
		return false;
	fd = endpoint_socket(&endpoint);
	if (fd < 0)
		return false;
	answers = connect(fd, &endpoint.address.any, endpoint.size) == 0 ||
		  (errno == EINPROGRESS && connect_wait(fd, timeout_ms));
	(void)close(fd);
	return answers;
}
