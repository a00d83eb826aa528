/*
 * verbs - the table of everything `depot` can do.
 *
 * Layer     programs
 * Threads   any: constants
 *
 * Each module has the rows of its own verbs; here they stand in the order in
 * which help shows them. Help, the man page and the shell's completion come
 * from these rows.
 */
#ifndef DEPOT_GATEWAY_CLI_VERBS_H
#define DEPOT_GATEWAY_CLI_VERBS_H

#include "gateway/cli/cli.h"

struct verb_group {
	const char *en; /* "Setting up" */
	const char *zh;
	const struct verb *modules[8]; /* up to the first NULL */
};

/* contents.c: all of them. */
extern const struct verb_group verb_groups[];
extern const size_t verb_group_count;

/* Verb @index of all, in order, and the group that it stands in. NULL beyond
 * the last. */
const struct verb *verb_at(size_t index, const struct verb_group **ret_group);

/* What may stand in front of and behind every verb. */
extern const struct option_spec global_options[];
extern const size_t global_option_count;

/* NULL if there is none of that whole name. */
const struct verb *verb_find(struct span name);
/* Whether some verb's name has more than one word, of which @word is the
 * first: "item". */
bool verb_is_group(struct span word);

#endif
