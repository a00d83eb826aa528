/*
 * join - the daemon of a box that is joining a network (edge/join_state.h).
 *
 * Layer     programs
 * Threads   the loop
 *
 * The daemon never asks HQ itself: it speaks to no WAN and cannot write the
 * configuration. `depot join --follow` does, depot-join.service or, where no
 * systemd runs it, a child of depotd. The daemon books as a network of one
 * meanwhile. When HQ has answered and the configuration says so, it starts
 * anew, and its start makes the box a site.
 */
#ifndef DEPOT_GATEWAY_DEPOTD_JOIN_H
#define DEPOT_GATEWAY_DEPOTD_JOIN_H

#include "gateway/depotd_box.h"
#include "gateway/edge/control.h"

/* Behind the opening of the ledger: makes the box a site if all is ready for
 * that. Errors as join_apply. */
MUST_CHECK enum err_code start_joined(struct box *box, struct err *err);

/* For engine_plan: somebody scanned the code of a join sheet. The keeper's
 * thread; the next beat begins with it. */
void box_join_scanned(void *context, struct span code);

/* Each beat: runs `depot join --follow` where that is due, and ends the loop
 * with ->is_again when the box is to start as a site. */
void box_join_beat(struct box *box);

/* How far joining is, in a sentence of each language; both empty if nothing is
 * begun. A look at a file. */
void box_join_sentence(const struct box *box, char *en, char *zh, size_t size);

/* The child is gone. Takes a box that has none. */
void stop_join(struct box *box);

/*
 * The commands of the socket and the page; they borrow @box.
 *   join {"code", "link"?} -> {"stage", "invitation", "text_en", "text_zh"}
 *   join.show -> {"stage", "invitation"?, "tries"?, "text_en", "text_zh"}
 */
#define JOIN_EXTRAS 2
void join_extras(struct box *box, struct control_extra ret_extras[JOIN_EXTRAS]);

#endif
