/*
 * Master data and intents: what HQ and the sites say of items and codes, and
 * what HQ asks of sites.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/node_parts.h"

#define WORDS_MAX 8 /* different items, and codes */
#define ARGUMENTS_ROOM 200

/* An item's or a code's turn, told by HQ or a site. */
static bool word_say(struct node *node)
{
	struct random *random = &node->sim->random;
	unsigned which = (unsigned)random_below(random, WORDS_MAX);
	char arguments[ARGUMENTS_ROOM];

	if (random_hits(random, 300)) {
		FITS(text_format(arguments, sizeof(arguments),
				 "{\"code\":\"C%u\",\"item\":\"M%u\"}", which,
				 (unsigned)random_below(random, WORDS_MAX)));
		return node_ask(node, "code.set", arguments);
	}
	FITS(text_format(
		arguments, sizeof(arguments),
		"{\"item\":\"M%u\",\"name_en\":\"n%u\",\"inactive\":%s}", which,
		(unsigned)random_below(random, 100),
		random_hits(random, 100) ? "true" : "false"));
	return node_ask(node, "item.set", arguments);
}

static bool proposal_judge(struct node *hq, const struct node *site,
			   bool is_declined)
{
	char arguments[ARGUMENTS_ROOM];
	int size = (int)site->name.size;

	if (!is_declined) {
		FITS(text_format(arguments, sizeof(arguments),
				 "{\"site\":\"%.*s\",\"all\":true}", size,
				 site->name.data));
		return node_ask(hq, "hq.adopt", arguments);
	}
	FITS(text_format(arguments, sizeof(arguments),
			 "{\"site\":\"%.*s\",\"item\":\"M%u\"}", size,
			 site->name.data,
			 (unsigned)random_below(&hq->sim->random, WORDS_MAX)));
	return node_ask(hq, "hq.decline", arguments);
}

/* An item that nobody else names: it stands for what was asked. */
static bool intent_ask(struct node *hq, const struct node *site)
{
	struct sim *sim = hq->sim;
	char arguments[ARGUMENTS_ROOM];

	if (sim->truth.asked == TRUTH_ASKED_MAX)
		return false;
	FITS(text_format(
		arguments, sizeof(arguments),
		"{\"site\":\"%.*s\",\"verb\":\"item.set\",\"hours\":%u,"
		"\"args\":{\"item\":\"" TRUTH_ASKED "%u\"}}",
		(int)site->name.size, site->name.data,
		(unsigned)random_below(&sim->random, 3), sim->truth.asked));
	if (!node_ask(hq, "hq.ask", arguments))
		return false;
	sim->truth.intents[sim->truth.asked++].site = site->site;
	return true;
}

bool words_act(struct sim *sim, const struct action *action)
{
	struct node *hq = &sim->nodes[0];
	struct node *node = &sim->nodes[action->node];

	if (action->kind == ACTION_MASTER)
		return word_say(hq);
	if (action->kind == ACTION_PROPOSE)
		return word_say(node);
	if (action->kind == ACTION_ADOPT)
		return proposal_judge(hq, node, action->amount == 1);
	return intent_ask(hq, node);
}

/* ---- carrying out ---- */

static bool intent_take(struct node *node)
{
	struct event event = {.kind = EVENT_INTENT,
			      .at = node_clock(node),
			      .clock_trusted = node->clock.is_trusted};
	struct batch *batch = node_begin(node);
	struct err err;
	enum err_code code;

	if (batch == NULL)
		return false;
	answers_reset(node->answers);
	code = engine_step(node->engine, batch, &event, node->answers, &err);
	if (code != ERR_OK || !engine_wrote(node->engine)) {
		batch_abandon(batch);
		(void)went(node, code, &err, "intent");
		return false;
	}
	sim_log(node->sim, node, "answers HQ");
	return node_commit(node, batch);
}

void words_take(struct node *node)
{
	if (!node->has_news || !exchange_may_seal(node->exchange) ||
	    !regaining_may_act(&node->regaining, sync_moment(node).ms))
		return;
	while (node->is_up && sim_is_sound(node->sim) && intent_take(node))
		;
	/* Without a trusted clock some wait for it. */
	if (node->clock.is_trusted)
		node->has_news = false;
}
