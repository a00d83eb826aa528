#include "gateway/edge/valve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define FD_MAX 4096
/* Descriptors are given lowest first: after so many closed ones in a row there
 * are no more. */
#define FD_GAP 256

static bool is_stream(int fd)
{
	socklen_t size = sizeof(int);
	int type = 0;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       type == SOCK_STREAM;
}

/* IPv4's and IPv6's port lie at the same place. */
static bool peer_has_port(int fd, uint16_t port)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in peer;
	socklen_t size = sizeof(address);

	if (getpeername(fd, (struct sockaddr *)&address, &size) < 0)
		return false;
	if (address.ss_family != AF_INET && address.ss_family != AF_INET6)
		return false;
	memcpy(&peer, &address, sizeof(peer));
	return ntohs(peer.sin_port) == port && is_stream(fd);
}

typedef bool connection_fn(int fd);

static unsigned each_connection(uint16_t port, connection_fn *act)
{
	unsigned count = 0;
	unsigned gap = 0;
	int saved = errno;

	for (int fd = 3; fd < FD_MAX && gap < FD_GAP; fd++) {
		errno = 0;
		count += peer_has_port(fd, port) && act(fd);
		gap = errno == EBADF ? gap + 1 : 0;
	}
	errno = saved;
	return count;
}

static bool option_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

static bool connection_close(int fd)
{
	return option_set(fd, SOL_SOCKET, SO_RCVLOWAT, VALVE_BYTES);
}

static bool connection_lock(int fd)
{
	return option_set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 1) &&
	       option_set(fd, IPPROTO_TCP, TCP_CORK, 1);
}

static bool connection_unlock(int fd)
{
	return option_set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0) &&
	       option_set(fd, IPPROTO_TCP, TCP_CORK, 0);
}

static bool connection_open(int fd)
{
	return connection_unlock(fd) &&
	       option_set(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
}

static bool connection_hurry(int fd)
{
	return option_set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static bool connection_gather(int fd)
{
	return option_set(fd, IPPROTO_TCP, TCP_NODELAY, 0);
}

static bool connection_cut(int fd)
{
	return shutdown(fd, SHUT_RDWR) == 0;
}

unsigned valve_close(uint16_t port)
{
	return each_connection(port, connection_close);
}

unsigned valve_lock(uint16_t port)
{
	return each_connection(port, connection_lock);
}

unsigned valve_unlock(uint16_t port)
{
	return each_connection(port, connection_unlock);
}

unsigned valve_open(uint16_t port)
{
	return each_connection(port, connection_open);
}

unsigned valve_prompt(uint16_t port, bool is_prompt)
{
	return each_connection(port, is_prompt ? connection_hurry
					       : connection_gather);
}

unsigned valve_cut(uint16_t port)
{
	return each_connection(port, connection_cut);
}
