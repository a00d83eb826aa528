/*
 * carry_along - what HQ says to all sites, as a bundle behind an invitation.
 *
 * Layer     programs
 * Threads   one
 * On disk   docs/format/armour.md, "An invitation with a bundle"
 *
 * The bundle is that of depot export --feeds control,master: a box that joins
 * by the file knows its network and HQ's goods at once.
 */
#ifndef DEPOT_GATEWAY_CLI_CARRY_ALONG_H
#define DEPOT_GATEWAY_CLI_CARRY_ALONG_H

#include <stdio.h>

#include "gateway/cli/ask.h"

/* Whether the store can be read by this process, also where a daemon runs:
 * asked before what cannot be asked twice. Anything but EXIT_DONE was told. */
MUST_CHECK enum exit_code carry_along_check(struct cli *cli);

/* Writes the bundle, with the note before it, behind what @out holds. Anything
 * but EXIT_DONE was told. */
MUST_CHECK enum exit_code carry_along_write(struct cli *cli, FILE *out);

#endif
