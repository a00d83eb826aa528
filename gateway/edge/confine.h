/*
 * confine - a process gives up what it does not need.
 *
 * Layer     gateway/edge
 * Threads   the main one, before any other is started
 *
 * For programs that strangers feed. What the unit of systemd takes away it
 * takes away once more, and where there is no systemd this is all there is.
 * Nothing here can be undone by the process. A sanitizer's build, which needs
 * what is taken, keeps it.
 */
#ifndef DEPOT_GATEWAY_EDGE_CONFINE_H
#define DEPOT_GATEWAY_EDGE_CONFINE_H

#include <stddef.h>

#include "rules/base/err.h"

/*
 * At most @size bytes of memory of its own (RLIMIT_DATA): what asks for more
 * is refused. Threads that are started from now on have a stack of
 * CONFINE_STACK_SIZE. No core is dumped, and no process of the same user may
 * look into this one.
 *
 * ERR_IO  the system refused
 */
#define CONFINE_STACK_SIZE (1 << 20)
MUST_CHECK enum err_code confine_memory(size_t size, struct err *err);

/*
 * No more connections to local sockets (the daemon's control socket trusts our
 * user; datagrams, as the journal's, stay), no other programs, no look into or
 * signal to other processes (seccomp(2)): such a call fails with EPERM. What is
 * open stays open; the network and files stay as they are.
 *
 * ERR_IO  the system refused
 */
MUST_CHECK enum err_code confine_calls(struct err *err);

#endif
