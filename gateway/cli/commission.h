/*
 * commission - a store where there was none, and the configuration that says
 * so: what depot init and depot join have in common.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_COMMISSION_H
#define DEPOT_GATEWAY_CLI_COMMISSION_H

#include "gateway/cli/cli.h"
#include "gateway/sync/join.h"

#define COMMISSION_ANSWER_SIZE 196

/* What a commission has to know. */
enum asked {
	ASKED_ORG,
	ASKED_SITE,
	ASKED_ZONE,
	ASKED_PATH,
	ASKED_MAP,
	ASKED_COUNT
};

struct commission {
	struct cli *cli;
	/* HQ's answer: who this box is, in whose network; NULL: it founds one
	 * of its own. Borrowed. */
	const struct join_answer *join;
	/* The store is, or is founded as, a network of one all the same: it
	 * joins by what is beside it (edge/join_state.h). */
	bool is_alone;
	/* And it takes another box's place right after that. */
	bool takes_place;
	/* Lines of [link hq] that the configuration is to have; NULL: none. */
	const char *link;
	struct config *config; /* as it is, if it can be read */
	struct config *wanted; /* as it is to be */
	char answers[ASKED_COUNT][COMMISSION_ANSWER_SIZE];
	char text[2048]; /* of the configuration that says so */
	char config_path[CONFIG_PATH_SIZE + 32]; /* written; empty: not */
	struct name account;
};

/*
 * From options, HQ's answer, the configuration and the person: writes the
 * configuration, if that is asked for or this box joins and has none; makes the
 * store, with its first account, and its number where it joins. A founding that
 * was cut short is finished.
 *
 * Anything but EXIT_DONE was told. Where it joins, a store that is that site
 * already is EXIT_DONE. End with commission_release either way.
 */
MUST_CHECK enum exit_code commission_run(struct commission *commission);

/* The first step of commission_run, for who needs to know before: reads the
 * present configuration. */
MUST_CHECK enum exit_code commission_begin(struct commission *commission);
/* Where the store is or will be: the option, else the configuration, else the
 * default; without asking. */
const char *commission_path(const struct commission *commission);
/*
 * Where there is a configuration that does not say what HQ says: writes a
 * drop-in behind all others, which does. Where there is none: as commission_run
 * would. ->config_path tells. Idempotent.
 */
MUST_CHECK enum exit_code commission_configure(struct commission *commission);
/* Makes the store, as commission_run does at its end; the names are those of
 * commission_configure. */
MUST_CHECK enum exit_code commission_found(struct commission *commission);
void commission_release(struct commission *commission);

#endif
