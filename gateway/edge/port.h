/*
 * port - a TCP port that is ours, or the sentence why it is not.
 *
 * Layer     gateway/edge
 * Threads   any
 *
 * Addresses are IPv4 or IPv6 in figures: no name is ever looked up.
 */
#ifndef DEPOT_GATEWAY_EDGE_PORT_H
#define DEPOT_GATEWAY_EDGE_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/err.h"

/*
 * Listens on @port (0: any free one) of @address, which need not be this
 * machine's yet: a box starts before its network does. The descriptor does not
 * block and is the caller's.
 *
 * ERR_AGAIN    another program has the port
 * ERR_INVALID  no address
 * ERR_IO       the system refused otherwise
 */
MUST_CHECK enum err_code port_listen(const char *address, uint16_t port,
				     int *ret_fd, struct err *err);

/* The port that @fd listens on. */
uint16_t port_of(int fd);

/* Whether somebody else has @port. Errors as port_listen. */
MUST_CHECK enum err_code port_check(const char *address, uint16_t port,
				    struct err *err);

/* True if somebody listens on @port of @address (or of loopback, where
 * @address stands for all). Waits at most @timeout_ms. */
bool port_answers(const char *address, uint16_t port, int timeout_ms);

#endif
