/*
 * Master data is the same wherever the same deltas are; what HQ asks for is
 * done once, and answered.
 */
#include <inttypes.h>
#include <string.h>

#include "store/catalogue.h"
#include "store/seal.h"
#include "tests/sim/check_parts.h"

/* ---- the catalogue ---- */

static void entry_sum(uint64_t *sum, const struct entry *entry)
{
	UNINITIALIZED uint8_t bytes[ENTRY_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	entry_encode(&writer, entry);
	*sum = seal_checksum(*sum,
			     (struct span){(const char *)bytes, writer.size});
}

static enum err_code kind_sum(const struct view *view, enum entry_kind kind,
			      uint64_t *sum, uint64_t *count, struct err *err)
{
	UNINITIALIZED struct entry entry;
	char after[SKU_SIZE_MAX + CODE_SIZE_MAX];
	struct span name = {"", 0};
	enum err_code code;

	for (;;) {
		code = catalogue_next(view, kind, name, &entry, err);
		if (code != ERR_OK)
			return code == ERR_NOT_FOUND ? ERR_OK : code;
		entry_sum(sum, &entry);
		++*count;
		name = kind == ENTRY_ITEM
			       ? sku_span(&entry.body.item.sku)
			       : (struct span){entry.body.code.code.data,
					       entry.body.code.code.size};
		memcpy(after, name.data, name.size);
		name.data = after;
	}
}

static enum err_code latest_sum(void *context, struct pos pos,
				const struct entry *entry, struct err *err)
{
	(void)pos;
	(void)err;
	entry_sum(context, entry);
	return ERR_OK;
}

/* What HQ says, and what the sites propose. */
static uint64_t words_sum(struct sim *sim, struct node *node)
{
	uint64_t sum = 1;
	uint64_t count = 0;
	struct view *view;
	struct err err;
	enum err_code code = view_begin(ledger_env(node->ledger), &view, &err);

	if (code == ERR_OK) {
		code = kind_sum(view, ENTRY_ITEM, &sum, &count, &err);
		if (code == ERR_OK)
			code = kind_sum(view, ENTRY_CODE, &sum, &count, &err);
		for (uint32_t i = 0;
		     i < sim->schedule.node_count && code == ERR_OK; i++) {
			code = feed_latest_walk(view, SIM_SITE_HQ + i,
						ENTRY_ITEM, latest_sum, &sum,
						&err);
			if (code == ERR_OK)
				code = feed_latest_walk(view, SIM_SITE_HQ + i,
							ENTRY_CODE, latest_sum,
							&sum, &err);
		}
		view_end(view);
	}
	if (code != ERR_OK)
		sim_fail(sim, "site %u: its catalogue: %s", node->site,
			 err.text);
	if (node->index == 0)
		sim->totals.words += count;
	return sum;
}

static void catalogue_check(struct sim *sim)
{
	uint64_t first = words_sum(sim, &sim->nodes[0]);

	for (size_t i = 1; i < sim->node_count && sim_is_sound(sim); i++)
		/* One that was revoked has words that nobody takes. */
		if (!sim->nodes[i].was_ended &&
		    words_sum(sim, &sim->nodes[i]) != first)
			sim_fail(sim,
				 "sites %u and %u hold the same deltas, and "
				 "other items or codes",
				 sim->nodes[0].site, sim->nodes[i].site);
}

/* ---- intents ---- */

static enum err_code answer_look(void *context, struct pos pos,
				 const struct entry *entry, struct err *err)
{
	struct looking *look = context;
	struct sim *sim = look->sim;
	const struct intent *asked = &entry->body.intent;
	struct intent_result result;
	struct intent intent;
	enum err_code code = roster_intent(look->view, ref_span(&asked->id),
					   &intent, &result, err);

	(void)pos;
	if (code != ERR_OK)
		return code;
	sim->totals.answered += result.state > INTENT_RECEIVED;
	if (result.state <= INTENT_RECEIVED &&
	    !check_is_doubtful(sim, asked->target) &&
	    !sim->nodes[asked->target - SIM_SITE_HQ].is_over)
		sim_fail(sim, "intent %.*s: site %u never answered",
			 (int)asked->id.size, asked->id.data, asked->target);
	return ERR_OK;
}

static void intents_check(struct sim *sim)
{
	struct looking look = {sim, &sim->nodes[0], NULL};
	struct view *view;
	struct err err;
	enum err_code code =
		view_begin(ledger_env(sim->nodes[0].ledger), &view, &err);

	if (code == ERR_OK) {
		look.view = view;
		code = roster_walk(view, ENTRY_INTENT, answer_look, &look,
				   &err);
		view_end(view);
	}
	if (code != ERR_OK)
		sim_fail(sim, "intents: %s", err.text);
	for (uint32_t i = 0; i < sim->truth.asked; i++) {
		uint32_t site = sim->truth.intents[i].site;

		if (sim->truth.intents[i].done > 1 &&
		    !check_is_doubtful(sim, site))
			sim_fail(sim,
				 "what HQ asked of site %u was done %u times",
				 site, sim->truth.intents[i].done);
		sim->totals.carried_out += sim->truth.intents[i].done;
	}
}

void check_words(struct sim *sim)
{
	catalogue_check(sim);
	if (sim_is_sound(sim))
		intents_check(sim);
}
