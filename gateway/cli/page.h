/*
 * page - the operator page on a phone: on and off, pairing, who is paired.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_PAGE_H
#define DEPOT_GATEWAY_CLI_PAGE_H

#include "gateway/cli/cli.h"

extern const struct verb page_verbs[];

#endif
