/*
 * The house's own audits, at the end.
 *
 * What the feeds say is held against the tables on one box, drawn at random:
 * all hold the same deltas by hash and the same balances of every feed, so one
 * stands for all. What a box's own journal says is held against its own tables
 * on every box, for no other one knows: a box that was restored, doubled,
 * replaced or closed has a story of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "rules/ledger/transfer.h"
#include "store/audit.h"
#include "store/audit_network.h"
#include "tests/sim/check_parts.h"

/* What was lost, or done twice, people have to count. */
bool check_is_doubtful(const struct sim *sim, uint32_t site)
{
	if (site == SITE_NONE)
		return false;
	return site == sim->restored_site || site == sim->suspect_site ||
	       site == sim->replaced_site ||
	       (site < SIM_SITE_LIAR &&
		sim->nodes[site - SIM_SITE_HQ].was_ended);
}

static bool is_disputed_transfer(const struct sim *sim,
				 const struct place *place)
{
	struct transfer_id id;

	return transfer_id_parse(place_name_span(&place->name), &id) &&
	       (check_is_doubtful(sim, id.from) ||
		check_is_doubtful(sim, id.to));
}

/* Two boxes of one image, or one before and after it was set back, may both
 * have taken the last ones out of a bin, or received one truck. */
static bool is_disputed(const struct sim *sim,
			const struct network_finding *finding)
{
	if (finding->kind == NETWORK_NEGATIVE)
		return check_is_doubtful(sim, finding->feed.site);
	return finding->kind == NETWORK_RESIDUE &&
	       is_disputed_transfer(sim, &finding->place);
}

static void findings_tell(const struct looking *look,
			  const struct network_result *result)
{
	char sentence[NETWORK_FINDING_PRINT_SIZE];

	for (size_t i = 0; i < result->findings && i < NETWORK_FINDINGS_MAX;
	     i++) {
		if (is_disputed(look->sim, &result->list[i]))
			continue;
		network_finding_print(&result->list[i], false, sentence,
				      sizeof(sentence));
		sim_fail(look->sim, "site %u: the network's audit: %s",
			 look->node->site, sentence);
	}
}

static enum err_code network_audit(const struct looking *look, struct err *err)
{
	struct network_plan plan = {.progress = NULL};
	struct network_result *result = calloc(1, sizeof(*result));
	enum err_code code;

	ASSERT(result != NULL);
	memcpy(plan.net_id, look->sim->net_id, NET_ID_SIZE);
	code = audit_network_run(look->view, &plan, result, err);
	if (code == ERR_OK)
		findings_tell(look, result);
	if (code == ERR_OK && result->rows == 0)
		sim_fail(look->sim, "the audit saw nothing");
	free(result);
	return code;
}

static enum err_code site_audit(const struct looking *look, struct err *err)
{
	struct audit_plan plan = {.progress = NULL};
	struct audit_result *result = calloc(1, sizeof(*result));
	char sentence[FINDING_PRINT_SIZE];
	enum err_code code;

	ASSERT(result != NULL);
	code = audit_run(look->view, &plan, result, err);
	for (size_t i = 0;
	     code == ERR_OK && i < result->findings && i < FINDINGS_MAX; i++) {
		const struct finding *finding = &result->list[i];

		if (finding->kind == FINDING_RESIDUE &&
		    is_disputed_transfer(look->sim, &finding->place))
			continue;
		finding_print(finding, false, sentence, sizeof(sentence));
		sim_fail(look->sim, "site %u: its audit: %s", look->node->site,
			 sentence);
	}
	if (code == ERR_OK && result->entries == 0)
		sim_fail(look->sim, "site %u: its audit saw nothing",
			 look->node->site);
	free(result);
	return code;
}

static enum err_code audit_both(const struct looking *look, bool is_drawn,
				struct err *err)
{
	enum err_code code = site_audit(look, err);

	if (code == ERR_OK && is_drawn)
		code = network_audit(look, err);
	return code;
}

void check_audits(struct sim *sim, const struct node *drawn)
{
	for (size_t i = 0; i < sim->node_count && sim_is_sound(sim); i++) {
		struct looking look = {sim, &sim->nodes[i], NULL};
		struct view *view;
		struct err err;
		enum err_code code;

		if (!look.node->is_up) {
			sim_fail(sim, "site %u is down at the end",
				 look.node->site);
			return;
		}
		code = view_begin(ledger_env(look.node->ledger), &view, &err);
		if (code == ERR_OK) {
			look.view = view;
			code = audit_both(&look, look.node == drawn, &err);
			view_end(view);
		}
		check_read(&look, code, &err);
		sim->totals.audits += code == ERR_OK;
	}
}
