/*
 * local - Unix sockets of this machine: listening, connecting, who is there.
 *
 * Layer     gateway/edge
 * Threads   any
 *
 * Descriptors do not block, are close-on-exec, and are the caller's.
 */
#ifndef DEPOT_GATEWAY_EDGE_LOCAL_H
#define DEPOT_GATEWAY_EDGE_LOCAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rules/base/err.h"

struct local_config {
	const char *path;
	int type;    /* SOCK_STREAM, SOCK_SEQPACKET */
	mode_t mode; /* of the socket's name */
	int backlog; /* connections that may wait to be accepted */
};

/*
 * Listens on @config's path. A socket that a dead process left is replaced.
 *
 * ERR_AGAIN     somebody listens there
 * ERR_CONFLICT  something else lies there
 * ERR_INVALID   the path is too long for a socket
 * ERR_IO        the system refused
 */
MUST_CHECK enum err_code local_listen(const struct local_config *config,
				      int *ret_fd, struct err *err);

/*
 * Connects to the socket of @type at @path.
 *
 * ERR_NOT_FOUND  nobody listens there
 * ERR_INVALID    the path is too long for a socket
 * ERR_IO         the system refused
 */
MUST_CHECK enum err_code local_connect(const char *path, int type, int *ret_fd,
				       struct err *err);

/* The user at the other end. False: the kernel does not say. */
MUST_CHECK bool local_peer(int fd, uint64_t *ret_uid);

/* Whether that user may do whatever this process may: root, and our own. */
bool local_is_trusted(uint64_t uid);

#endif
