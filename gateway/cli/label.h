/*
 * label - sheets of barcodes: operations, bins, items.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_LABEL_H
#define DEPOT_GATEWAY_CLI_LABEL_H

#include <stdio.h>

#include "gateway/cli/cli.h"

extern const struct verb label_verbs[];

/*
 * What a box without goods or bins of its own needs to scan with: every
 * operation, the usual quantities, DOCK. Figures onto a page as press_onto has
 * it. Anything but EXIT_DONE was told; zint may be missing.
 */
MUST_CHECK enum exit_code label_page_write(struct cli *cli, FILE *page);

#endif
