/*
 * scratch - a store that exists for one replay.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_SCRATCH_H
#define DEPOT_GATEWAY_CLI_SCRATCH_H

#include "gateway/cli/cli.h"
#include "gateway/core/engine.h"
#include "store/ledger.h"

#define SCRATCH_DEVICES_MAX 1024

struct scratch {
	char folder[FILE_PATH_SIZE]; /* made here */
	char store[FILE_PATH_SIZE];
	bool is_made;
	bool is_kept; /* the user named it */
	struct ledger *ledger;
	struct engine *engine;
	struct answers *answers;
	struct name devices[SCRATCH_DEVICES_MAX]; /* that it knows */
	size_t device_count;
};

/* Makes the folder: that of --scratch, which must not be there, or a
 * temporary one. Anything but EXIT_DONE was told. */
MUST_CHECK enum exit_code scratch_begin(struct scratch *scratch,
					struct cli *cli);

/*
 * Makes the store as of @at: from the backup of --from, or for the site that
 * @topic names; and imports --items, --codes and --bins.
 * Errors as backup_restore, ledger_create, command_run; ERR_INVALID: a topic
 * of no site, a table with mistakes.
 */
MUST_CHECK enum err_code scratch_found(struct scratch *scratch, struct cli *cli,
				       struct span topic, struct moment at,
				       struct err *err);

/* Whether @topic is of a device that was not registered here yet. Then
 * register it, in a batch of its own. */
bool scratch_is_new(const struct scratch *scratch, struct span topic);
MUST_CHECK enum err_code scratch_device_add(struct scratch *scratch,
					    struct span topic, struct moment at,
					    struct err *err);

/* Ends it; removes what is not kept. Takes one that did not get far. */
void scratch_end(struct scratch *scratch);

#endif
