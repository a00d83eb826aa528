/*
 * goods - items, codes and bins as they are, for whoever changes them.
 *
 * Layer     gateway/core, inside the commands only
 * Threads   the command's
 *
 * A single command and an import say the same of the same thing: what is not
 * said stays as it was.
 */
#ifndef DEPOT_GATEWAY_CORE_GOODS_H
#define DEPOT_GATEWAY_CORE_GOODS_H

#include "gateway/core/asking.h"

/* What the ledger knew of an item before. */
struct goods_before {
	bool is_known;  /* it has been described */
	bool is_master; /* by HQ, whose word counts */
	bool has_moved; /* its base unit is fixed */
	enum base_unit unit;
};

/* The item @sku as the ledger has it, or a new one of that name. */
MUST_CHECK enum err_code goods_item(const struct view *view, struct span sku,
				    struct item *ret_item,
				    struct goods_before *ret_before,
				    struct err *err);

/* The number of an item that a code may name: at HQ one that HQ has spoken of,
 * for all sites are to understand it. ERR_NOT_FOUND: there is none */
MUST_CHECK enum err_code goods_named(const struct view *view, bool is_hq,
				     struct span sku, struct item_no *ret_item,
				     struct err *err);

/* True for HQ's people: what is said of items and codes is said to all sites.
 */
bool goods_is_hq(const struct asking *asking);
/* False: refused, for HQ was set back (core/hq.h) and may say nothing. */
bool goods_may_say(struct asking *asking);

/*
 * Says @entry, of an item or code: at HQ in the master feed, elsewhere in the
 * site's own journal, where it works at once and is a proposal to HQ. Writes
 * into the reply what became of it.
 */
MUST_CHECK enum err_code goods_say(struct asking *asking, struct entry *entry,
				   struct err *err);

/* *@ret_has_moved: some site's feed has moved @sku; so HQ must not change the
 * unit that all count it in. */
MUST_CHECK enum err_code goods_moved_anywhere(const struct view *view,
					      struct span sku,
					      bool *ret_has_moved,
					      struct err *err);

/* "A", "b" ... False if @text is no class. */
MUST_CHECK bool goods_class(struct span text, char *ret_class);

/* True if both entries, of one kind, have the same body. */
bool goods_same(const struct entry *a, const struct entry *b);

extern const struct refusal refusal_unit_fixed;
extern const struct refusal refusal_bad_bin;

#endif
