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
	struct config *config; /* as it is, if it can be read */
	struct config *wanted; /* as it is to be */
	char answers[ASKED_COUNT][COMMISSION_ANSWER_SIZE];
	char text[1024]; /* of the configuration that says so */
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
void commission_release(struct commission *commission);

#endif
