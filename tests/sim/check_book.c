/*
 * A box that took another one's place has its site's book: what its own tables
 * say stands in its bins is what all feeds of the site, its own and those of
 * the box before, add up to. It never met the old box; what came, came from the
 * others, over its links or by sticks.
 */
#include <inttypes.h>

#include "store/balance.h"
#include "store/intern.h"
#include "store/master.h"
#include "tests/sim/node_parts.h"
#include "tests/sim/check_parts.h"

struct book {
	struct looking look;
	struct span sku;
	int64_t units;
};

static enum err_code own_add(void *context, struct item_no item,
			     struct place_no place,
			     const struct balance *balance, struct err *err)
{
	struct book *book = context;

	(void)item;
	(void)err;
	for (size_t i = 0; i < balance->count; i++)
		if (place_no_kind(place) == PLACE_BIN)
			book->units += balance->cells[i].quantity.units;
	return ERR_OK;
}

static enum err_code feeds_add(void *context,
			       const struct site_balance_key *key,
			       const struct balance *balance, struct err *err)
{
	struct book *book = context;

	(void)err;
	if (key->place.kind != PLACE_BIN ||
	    !span_equal(sku_span(&key->item), book->sku))
		return ERR_OK;
	for (size_t i = 0; i < balance->count; i++)
		book->units += balance->cells[i].quantity.units;
	return ERR_OK;
}

static enum err_code feed_add(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct book *book = context;

	if (feed->id.site != book->look.node->site)
		return ERR_OK;
	return site_balance_walk(book->look.view, &feed->id, feeds_add, book,
				 err);
}

static enum err_code item_check(const struct looking *look, const char *sku,
				struct err *err)
{
	struct book own = {.look = *look, .sku = span_of(sku)};
	struct book feeds = own;
	struct item_no item;
	enum err_code code = item_find(look->view, own.sku, &item, err);

	if (code == ERR_OK)
		code = balance_walk_item(look->view, item, own_add, &own, err);
	if (code == ERR_OK)
		code = feed_walk(look->view, NULL, feed_add, &feeds, err);
	if (code == ERR_OK && own.units != feeds.units)
		sim_fail(look->sim,
			 "I8: site %u has %" PRId64
			 " of %s in its book, and its feeds say %" PRId64,
			 look->node->site, own.units, sku, feeds.units);
	return code;
}

static void node_check(struct sim *sim, struct node *node)
{
	struct looking look = {sim, node, NULL};
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		look.view = view;
		for (size_t i = 0; i < SIM_SKUS && code == ERR_OK; i++)
			code = item_check(&look, sim_skus[i], &err);
		view_end(view);
	}
	if (code != ERR_OK)
		sim_fail(sim, "site %u: its book: %s", node->site, err.text);
	sim->totals.books++;
}

void check_book(struct sim *sim)
{
	for (size_t i = 0; i < sim->node_count && sim_is_sound(sim); i++) {
		struct node *node = &sim->nodes[i];

		if (node->site == sim->replaced_site && node->is_up &&
		    !node->is_over && !node->was_ended)
			node_check(sim, node);
	}
}
