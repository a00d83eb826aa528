/*
 * control - the socket on which the daemon takes the commands of `depot`.
 *
 * Layer     gateway/edge
 * Threads   the loop, for everything here
 *
 * A Unix stream socket. A request is one line of JSON (control_request.h), the
 * answer one line, and a client may ask again when it has it. Before the
 * answer to a long job come lines {"progress": {"done": .., "total": ..}}.
 *
 * Who asks is what the kernel says of the peer (SO_PEERCRED): control_peer.h.
 *
 * What a request becomes:
 *   - a query of core/command.h is run at once, on a fresh snapshot;
 *   - a command of core/command.h goes to the keeper, and its answer comes
 *     back from there, after the commit;
 *   - "audit", "backup" {"path"} go to the clerk;
 *   - "scan" {"device", "payload"} is published as that device would, and the
 *     acknowledgement that comes back is in the answer;
 *   - the caller's own (struct control_extra) are run at once.
 *
 * All is bounded, and all memory is taken at the start: CONTROL_CLIENTS_MAX
 * clients, one request of each at a time, a request of CONTROL_LINE_SIZE_MAX,
 * a reply of REPLY_SIZE_MAX. Who neither asks nor listens is hung up on.
 */
#ifndef DEPOT_GATEWAY_EDGE_CONTROL_H
#define DEPOT_GATEWAY_EDGE_CONTROL_H

#include "gateway/core/command.h"
#include "gateway/edge/auditor.h"
#include "gateway/edge/clerk.h"
#include "gateway/edge/clock.h"
#include "gateway/edge/control_reply.h"
#include "gateway/edge/keeper.h"
#include "gateway/edge/log.h"
#include "gateway/edge/loop.h"
#include "gateway/ingest/json.h"

#define CONTROL_CLIENTS_MAX 16
#define CONTROL_IDLE_MS 60000  /* without a request */
#define CONTROL_WRITE_MS 10000 /* without taking any of the answer */
#define CONTROL_SCAN_MS 5000   /* for an acknowledgement */

struct control;

/*
 * A command of the caller's own, for what is neither the ledger nor the
 * broker's tree. Writes the members of the reply's object; control_refuse and
 * its kin on @out begin it anew, and then the result is false.
 */
struct control_extra {
	const char *name;
	uint32_t roles; /* bits of enum role, one of which is needed */
	bool (*run)(void *context, const struct json_value *arguments,
		    struct json_out *out);
	void *context;
};

/* What the daemon does for the socket. */
struct control_ports {
	/* Writes the members of "daemon", beside what status.show says. At
	 * most CONTROL_STATUS_SIZE bytes. */
	void (*status)(void *context, struct json_out *out);
	/* Publishes @payload as a reading of @device. ERR_AGAIN: there is no
	 * connection, or no room. */
	enum err_code (*scan)(void *context, struct span device,
			      struct span payload);
	site_age_fn *age; /* for queries; NULL: nobody tells */
	const struct control_extra *extras;
	size_t extra_count;
	void *context;
};
#define CONTROL_STATUS_SIZE 4096

struct control_config {
	const char *path;      /* used by control_open and control_stop */
	struct ledger *ledger; /* borrowed until control_close, as all below */
	struct keeper *keeper;
	struct clerk *clerk;
	struct auditor *auditor; /* makes the audits; borrowed likewise */
	struct loop *loop;
	const struct clock *clock;
	const struct zone
		*zone; /* the site's, for what is due; NULL: unknown */
	struct log *log;
	struct control_ports ports;
};

/*
 * Listens. A socket that a dead daemon left is replaced: the store's lock has
 * shown that it is dead.
 *
 * ERR_CONFLICT  at @config's path lies something else
 * ERR_INVALID   the path is too long for a socket
 * ERR_FULL      no memory
 * ERR_IO        the system refused
 */
MUST_CHECK enum err_code control_open(const struct control_config *config,
				      struct control **ret_control,
				      struct err *err);

/* Hangs up on everybody and stops listening. Takes NULL. What the keeper and
 * the clerk are working on goes on, unheard. */
void control_stop(struct control *control);

/* Keeper and clerk have been stopped, and so has this. Takes NULL. */
void control_close(struct control *control);

/* An acknowledgement to @device was published: whoever scanned as that device
 * is told. @payload is JSON. */
void control_acknowledged(struct control *control, struct span device,
			  struct span payload);

/* Clients at this moment. */
size_t control_clients(const struct control *control);

#endif
