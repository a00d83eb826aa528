/*
 * I2: what leaves one place comes to another. After each commit, of each feed
 * whose balances it changed, and of the box's own journal if it grew: per item
 * they sum to 0 over all places.
 */
#include <inttypes.h>

#include "store/balance.h"
#include "tests/sim/check_parts.h"

#define ITEMS_MAX 16

struct sums {
	size_t count;
	struct sku items[ITEMS_MAX];
	int64_t units[ITEMS_MAX];
};

static enum err_code sum_add(void *context, const struct site_balance_key *key,
			     const struct balance *balance, struct err *err)
{
	struct sums *sums = context;
	size_t at = 0;

	while (at < sums->count &&
	       !span_equal(sku_span(&sums->items[at]), sku_span(&key->item)))
		at++;
	if (at == ITEMS_MAX)
		return err_set(err, ERR_FULL, "more than %d items", ITEMS_MAX);
	if (at == sums->count) {
		sums->items[sums->count++] = key->item;
		sums->units[at] = 0;
	}
	for (size_t i = 0; i < balance->count; i++)
		sums->units[at] += balance->cells[i].quantity.units;
	return ERR_OK;
}

enum err_code check_sums(const struct looking *look,
			 const struct feed_record *feed, struct err *err)
{
	struct sums sums = {.count = 0};
	enum err_code code =
		site_balance_walk(look->view, &feed->id, sum_add, &sums, err);

	for (size_t i = 0; i < sums.count && code == ERR_OK; i++)
		if (sums.units[i] != 0)
			sim_fail(look->sim,
				 "I2: site %u: feed %u.%u: %.*s sums to "
				 "%" PRId64,
				 look->node->site, feed->id.site,
				 feed->id.epoch, (int)sums.items[i].size,
				 sums.items[i].data, sums.units[i]);
	look->sim->totals.sums += sums.count;
	return code;
}

/* ---- the box's own balances ---- */

struct own_sums {
	const struct looking *look;
	struct item_no item;
	int64_t units; /* of it, so far */
};

/* All places of one item have been walked through. */
static void own_sum_end(const struct own_sums *sums)
{
	struct sim *sim = sums->look->sim;

	sim->totals.sums += sums->item.value != 0;
	if (sums->units != 0)
		sim_fail(sim, "I2: site %u: item %" PRIu32 " sums to %" PRId64,
			 sums->look->node->site, sums->item.value, sums->units);
}

static enum err_code own_sum_add(void *context, struct item_no item,
				 struct place_no place,
				 const struct balance *balance, struct err *err)
{
	struct own_sums *sums = context;

	(void)place;
	(void)err;
	if (item.value != sums->item.value) {
		own_sum_end(sums);
		sums->item = item;
		sums->units = 0;
	}
	for (size_t i = 0; i < balance->count; i++)
		sums->units += balance->cells[i].quantity.units;
	return ERR_OK;
}

enum err_code check_own_sums(const struct looking *look, struct err *err)
{
	struct node *node = look->node;
	struct own_sums sums = {.look = look};
	enum err_code code;

	if (node->summed.value == node->told.value)
		return ERR_OK;
	node->summed = node->told;
	code = balance_walk_all(look->view, own_sum_add, &sums, err);
	own_sum_end(&sums);
	return code;
}
