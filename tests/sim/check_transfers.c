/*
 * The law of transfers (rules/ledger/transfer.h), held against what people
 * really moved into and out of transit, on every box.
 */
#include <inttypes.h>

#include "rules/ledger/transfer.h"
#include "store/transfer.h"
#include "tests/sim/check_parts.h"

struct walking {
	struct looking look;
	struct span transfer;
};

/* What a lost disk took, two boxes did at once, or HQ ended, is not in the sums
 * of what people did. The rest is, whatever happens to others. */
static bool is_certain(const struct sim *sim, struct span transfer)
{
	struct transfer_id id;

	return transfer_id_parse(transfer, &id) &&
	       !check_is_doubtful(sim, id.from) &&
	       !check_is_doubtful(sim, id.to);
}

static enum err_code item_check(void *context, const struct sku *item,
				const struct transfer_sums *sums,
				struct err *err)
{
	struct walking *walking = context;
	struct looking *look = &walking->look;
	struct sim *sim = look->sim;
	struct span transfer = walking->transfer;
	int64_t truth = truth_way(&sim->truth, transfer, sku_span(item));
	int64_t left = sums->shipped + sums->surplus - sums->good -
		       sums->damaged - sums->claimed - sums->lost;

	(void)err;
	if (left != truth)
		sim_fail(sim,
			 "transfers: site %u says that %" PRId64
			 " of %.*s are in transit of %.*s, and it is %" PRId64,
			 look->node->site, left, (int)item->size, item->data,
			 (int)transfer.size, transfer.data, truth);
	if (look->node->index == 0) {
		sim->totals.transfers++;
		sim->totals.in_transit += truth != 0;
	}
	return ERR_OK;
}

static enum err_code transfer_check(void *context,
				    const struct transfer_record *record,
				    struct err *err)
{
	struct walking *walking = context;

	walking->transfer = place_name_span(&record->id);
	if (!is_certain(walking->look.sim, walking->transfer))
		return ERR_OK;
	return transfer_items(walking->look.view, walking->transfer, item_check,
			      walking, err);
}

/* Every way that truth knows is there, too. */
static void ways_check(struct looking *look, const struct way *way)
{
	struct span id = place_name_span(&way->transfer);
	struct transfer_sums sums;
	struct err err;

	if (!is_certain(look->sim, id))
		return;
	if (transfer_sums(look->view, id, sku_span(&way->item), &sums, &err) !=
		    ERR_OK ||
	    (way->units != 0 && transfer_sums_are_zero(&sums)))
		sim_fail(look->sim,
			 "transfers: site %u knows nothing of %.*s on %.*s",
			 look->node->site, (int)way->item.size, way->item.data,
			 (int)id.size, id.data);
}

static void node_check(struct sim *sim, struct node *node)
{
	struct walking walking = {.look = {.sim = sim, .node = node}};
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		walking.look.view = view;
		code = transfer_walk(view, (struct span){"", 0}, transfer_check,
				     &walking, &err);
		for (size_t i = 0; i < sim->truth.way_count; i++)
			ways_check(&walking.look, &sim->truth.ways[i]);
		view_end(view);
	}
	if (code != ERR_OK)
		sim_fail(sim, "site %u: transfers: %s", node->site, err.text);
}

void check_transfers(struct sim *sim)
{
	/* A box that went on before its peers could give it back what it had
	 * lost has a book of its own, until it is counted. */
	for (size_t i = 0; i < sim->node_count && sim_is_sound(sim); i++)
		if (sim->nodes[i].site != sim->restored_site)
			node_check(sim, &sim->nodes[i]);
}
