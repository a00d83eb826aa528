/*
 * gs1_lists - the code lists that AI values are taken from.
 *
 * Layer     gateway/ingest
 * Threads   any; constant data
 *
 * Sources   ISO 3166-1 (numeric-3, alpha-2), ISO 4217 (numeric-3), GS1
 *           PackageTypeCode (UN/ECE recommendation 21), as of 2026-01.
 */
#ifndef DEPOT_GATEWAY_INGEST_GS1_LISTS_H
#define DEPOT_GATEWAY_INGEST_GS1_LISTS_H

#include <stdbool.h>

#include "rules/base/text.h"

bool gs1_is_country(struct span code);        /* "276" */
bool gs1_is_country_alpha2(struct span code); /* "DE" */
bool gs1_is_currency(struct span code);       /* "978" */
bool gs1_is_package_type(struct span code);   /* "PX", "200", "8" */

#endif
