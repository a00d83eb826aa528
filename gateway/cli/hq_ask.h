/*
 * hq_ask - depot hq ask, intents, proposals, adopt, decline: what HQ wants of
 * sites, and what they propose to it.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_HQ_ASK_H
#define DEPOT_GATEWAY_CLI_HQ_ASK_H

#include "gateway/cli/cli.h"

extern const struct verb hq_ask_verbs[];

#endif
