/*
 * control_peer - which account a user of this machine speaks for.
 *
 * Layer     gateway/edge
 * Threads   any, with a view of its own
 *
 * An account may be bound to a system user; that user, and nobody else, speaks
 * for it without more. Root and the daemon's own user could write the store's
 * files anyway: they are trusted to say who acts.
 */
#ifndef DEPOT_GATEWAY_EDGE_CONTROL_PEER_H
#define DEPOT_GATEWAY_EDGE_CONTROL_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/ids.h"
#include "store/env.h"

/* What the kernel says of a user whom the daemon's user namespace does not
 * know (/proc/sys/kernel/overflowuid): everybody, that is nobody. */
#define PEER_UNKNOWN 65534

struct peer {
	uint64_t uid;
	bool is_trusted;
};

/*
 * The account that acts when @peer asks for @asked, which may be empty: then
 * it is that of the peer's uid. A trusted peer without one may still look
 * (@is_look), as any manager may.
 *
 * ERR_DENIED     it may not speak for that account
 * ERR_NOT_FOUND  no account is bound to that user: one has to be named
 * and what a view gives. Whether a named account exists is the command's to
 * say.
 */
MUST_CHECK enum err_code peer_account(const struct view *view,
				      const struct peer *peer,
				      struct span asked, bool is_look,
				      struct name *ret_account,
				      struct err *err);

#endif
