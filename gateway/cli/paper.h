/*
 * paper - a file that people carry: made at once, or not at all.
 *
 * Layer     programs
 * Threads   one
 *
 * It is opened before anything is done, since what it is to hold cannot be said
 * twice: a code, a key. A file that is there is never replaced.
 */
#ifndef DEPOT_GATEWAY_CLI_PAPER_H
#define DEPOT_GATEWAY_CLI_PAPER_H

#include "gateway/cli/cli.h"

struct paper {
	FILE *out;        /* NULL: none is wanted */
	const char *path; /* borrowed */
};

/* NULL for @path: no file. Mode 0600. Anything but EXIT_DONE was told. */
MUST_CHECK enum exit_code paper_open(struct cli *cli, const char *path,
				     struct paper *ret_paper);
/* It is on the disk, or that was told. */
MUST_CHECK enum exit_code paper_close(struct cli *cli, struct paper *paper);
/* As if it had never been. Takes one that was closed. */
void paper_drop(struct paper *paper);

#endif
