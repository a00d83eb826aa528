/*
 * rights - who may do what: the one place where commands and roles meet.
 *
 * Layer     gateway/core
 * Threads   constants
 *
 * A command needs one of its roles; docs/commands.md lists them, and a test
 * holds the two together. HQ may do what a site's manager may.
 */
#ifndef DEPOT_GATEWAY_CORE_RIGHTS_H
#define DEPOT_GATEWAY_CORE_RIGHTS_H

#include "rules/ledger/entry.h"

/* Reads: any account that is not revoked. */
#define RIGHTS_READ UINT32_C(0)

/* The site: bins, devices, accounts, reversals, what is thrown away. */
#define RIGHTS_SITE ((uint32_t)ROLE_MANAGER | (uint32_t)ROLE_HQ)

/* What the site trades in: items and codes. */
#define RIGHTS_GOODS (RIGHTS_SITE | (uint32_t)ROLE_PURCHASING)

/* The floor: goods are moved, counted, and tasks done. */
#define RIGHTS_FLOOR \
	(RIGHTS_SITE | (uint32_t)ROLE_OPERATOR | (uint32_t)ROLE_LOGISTICS)

#endif
