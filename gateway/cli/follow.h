/*
 * follow - the journal as it grows.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_FOLLOW_H
#define DEPOT_GATEWAY_CLI_FOLLOW_H

#include "gateway/cli/request.h"

/* Rows that the last of the journal has at most. */
#define JOURNAL_LAST_MAX 1000

/* A place in the journal, from which on new entries are taken. */
struct follow {
	struct cli *cli;
	const struct member_map *maps; /* the verb's filters */
	size_t map_count;
	char after[64]; /* the last entry that was seen */
};

/* Begins at the journal's end. */
MUST_CHECK enum exit_code follow_begin(struct follow *follow);

/* Visits the entries since then: @text is a row as it was written. */
typedef void follow_fn(void *context, const struct json_value *row,
		       struct span text);
MUST_CHECK enum exit_code follow_next(struct follow *follow, follow_fn *visit,
				      void *context);

/* Prints entries as they come, from now on, until the output or the daemon
 * ends. */
MUST_CHECK enum exit_code follow_journal(struct cli *cli,
					 const struct member_map *maps,
					 size_t map_count);

#endif
