/*
 * hq_verb - what HQ may ask a site for.
 *
 * Layer     gateway/core
 * Threads   constants
 *
 * Each is a command of the site's box, and a sentence for what came of it. A
 * verb that a later depot brings is a row here; a site that does not know it
 * says so.
 */
#ifndef DEPOT_GATEWAY_CORE_HQ_VERB_H
#define DEPOT_GATEWAY_CORE_HQ_VERB_H

#include "rules/base/text.h"

/* What HQ may ask for. */
struct intent_verb {
	const char *name;   /* of a command that writes */
	const char *member; /* of its reply, for %s */
	const char *done_en;
	const char *done_zh;
};
/* NULL: HQ cannot ask for it. */
const struct intent_verb *intent_verb_find(struct span name);
const struct intent_verb *intent_verb_at(size_t index); /* NULL: no more */

#endif
