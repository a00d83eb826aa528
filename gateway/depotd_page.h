/*
 * depotd_page - the operator page, as the configuration asks for it.
 *
 * Layer     programs
 * Threads   the loop
 *
 * A page that cannot be served stops nothing: the port is tried again every
 * minute, and the log says why.
 */
#ifndef DEPOT_GATEWAY_DEPOTD_PAGE_H
#define DEPOT_GATEWAY_DEPOTD_PAGE_H

#include "gateway/depotd_box.h"

/* Serves it, if it is configured and can be; also the retry. Once a second:
 * tells it how the box is. */
void box_page_beat(struct box *box);
/* Before the keeper stops, and after it has. Both take a box without. */
void stop_page(struct box *box);
void end_page(struct box *box);

#endif
