/*
 * carry_take - takes what bundles hold, pack by pack, through the daemon or
 * into the store.
 *
 * Layer     programs
 * Threads   one
 *
 * A file that begins with an invitation (core/join_file.h) is the bundle behind
 * it. One that is cut or damaged is taken up to there, and the report names it.
 */
#ifndef DEPOT_GATEWAY_CLI_CARRY_TAKE_H
#define DEPOT_GATEWAY_CLI_CARRY_TAKE_H

#include "gateway/cli/ask.h"

struct importing;

/* NULL: no memory, and the user was told. */
struct importing *carry_take_open(struct cli *cli);
/* Takes NULL. */
void carry_take_close(struct importing *importing);

/* @name in @folder, or by itself if that is "". In a folder it may be anything:
 * what is no plain file is refused by name. False: there is no such file, or
 * there are too many. */
MUST_CHECK bool carry_take_add(struct importing *importing, const char *folder,
			       const char *name);
/* Takes those that were added, in any order. One that is no bundle, or another
 * network's, is in the report and keeps none of the others out; where all are
 * so there is no report. Anything but EXIT_DONE was told. */
MUST_CHECK enum exit_code carry_take_files(struct importing *importing);
/* Takes the one that is open as @fd, for who may not open @path any more.
 * If it is no bundle, that is in the report only. The only one of its
 * @importing. */
MUST_CHECK enum exit_code carry_take_from(struct importing *importing,
					  const char *path, int fd);

/* The report, into an object that has begun: "taken", "feeds", "files",
 * "refused". */
void carry_take_out(const struct importing *importing, struct json_out *out);

#endif
