/*
 * What people do at a box: they scan, and say what becomes of transfers.
 */
#include <inttypes.h>
#include <string.h>

#include "rules/ledger/transfer.h"
#include "tests/sim/node_parts.h"

struct doing {
	char topic[128];
	char payload[256];
};

static void topic_print(const struct node *node, const char *what,
			struct doing *doing)
{
	FITS(text_format(doing->topic, sizeof(doing->topic),
			 "depot/v1/" SIM_ORG "/%.*s/%s", (int)node->name.size,
			 node->name.data, what));
}

/*
 * A transfer between this site and one of its neighbours, either way. What
 * is said to be out mostly gets nothing more, and the next goods go on the next
 * transfer; but at times one of the last two is loaded again, whatever its
 * addressee has made of it meanwhile (*@ret_next is NULL then). The addressee's
 * people read the number off the pallets.
 */
static struct transfer_id transfer_draw(struct node *node, bool is_sender,
					uint32_t **ret_next)
{
	struct random *random = &node->sim->random;
	uint32_t sites = node->sim->schedule.node_count;
	bool is_right = random_hits(random, 500);
	uint32_t other =
		(node->site - SIM_SITE_HQ + (is_right ? 1 : sites - 1)) % sites;
	uint32_t *next = is_sender
				 ? &node->loading[is_right]
				 : &node->sim->nodes[other].loading[!is_right];
	uint32_t back = 0;

	if (!is_sender || random_hits(random, 200))
		back = (uint32_t)random_below(random, 3);
	*ret_next = back == 0 ? next : NULL;
	return (struct transfer_id){
		.from = is_sender ? node->site : other + SIM_SITE_HQ,
		.to = is_sender ? other + SIM_SITE_HQ : node->site,
		.number = 2 * (*next > back ? *next - back : 0) +
			  (is_sender == is_right) + 1};
}

/* ---- scans ---- */

static void scan_print(struct node *node, const char *op, const char *bin,
		       const char *more, struct doing *doing)
{
	struct random *random = &node->sim->random;
	const char *some = sim_bins[random_below(random, SIM_BINS)];

	topic_print(node, "scan/" SIM_DEVICE, doing);
	FITS(text_format(
		doing->payload, sizeof(doing->payload),
		"{\"v\":1,\"seq\":%" PRIu64
		",\"boot\":\"b\",\"op\":\"%s\",\"bin\":\"%s\",\"code\":\"%s\","
		"\"qty\":%u%s}",
		++node->reading, op, bin != NULL ? bin : some,
		sim_skus[random_below(random, SIM_SKUS)],
		(unsigned)random_below(random, 20) + 1, more));
}

static void stock_scan(struct node *node, struct doing *doing)
{
	static const struct {
		const char *op;
		const char *bin; /* NULL: any */
		const char *more;
	} ops[] = {
		{"receive", NULL, ""},
		{"receive", NULL, ""},
		{"pick", NULL, ",\"ref\":\"O-1\""},
		{"move", NULL, ",\"to\":\"A-01\""},
		{"scrap", NULL, ",\"reason\":\"broken\""},
		{"ship", "PICKED", ",\"ref\":\"O-1\""},
	};
	size_t at = random_below(&node->sim->random, ARRAY_LEN(ops));

	scan_print(node, ops[at].op, ops[at].bin, ops[at].more, doing);
}

static void transfer_scan(struct node *node, bool is_sender,
			  struct doing *doing)
{
	uint32_t *next;
	struct transfer_id id = transfer_draw(node, is_sender, &next);
	char text[TRANSFER_ID_PRINT_SIZE];
	char more[TRANSFER_ID_PRINT_SIZE + 64];
	bool is_damaged = !is_sender && random_hits(&node->sim->random, 200);

	transfer_id_print(&id, text);
	FITS(text_format(more, sizeof(more), ",\"ref\":\"%s\"%s", text,
			 is_damaged ? ",\"condition\":\"damaged\"" : ""));
	scan_print(node, is_sender ? "transfer_out" : "transfer_in",
		   is_sender ? NULL : "DOCK", more, doing);
}

/* ---- words ---- */

/* All is out; or all is in, and what is missing is claimed. */
static void transfer_word(struct node *node, struct doing *doing)
{
	bool is_sender = random_hits(&node->sim->random, 350);
	uint32_t *next;
	struct transfer_id id = transfer_draw(node, is_sender, &next);
	char text[TRANSFER_ID_PRINT_SIZE];

	if (is_sender && next != NULL)
		++*next;
	transfer_id_print(&id, text);
	topic_print(node,
		    is_sender ? "cmd/" SIM_ACCOUNT "/transfer.ship"
			      : "cmd/" SIM_ACCOUNT "/transfer.close",
		    doing);
	FITS(text_format(doing->payload, sizeof(doing->payload),
			 "{\"v\":1,\"id\":\"c%" PRIu64
			 "\",\"args\":{\"transfer\":\"%s\"}}",
			 ++node->asked, text));
}

static void doing_draw(struct node *node, struct doing *doing)
{
	uint64_t dice = random_below(&node->sim->random, 100);

	if (dice < 75)
		stock_scan(node, doing);
	else if (dice < 86)
		transfer_scan(node, dice < 80, doing);
	else
		transfer_word(node, doing);
}

/* Each in a commit of its own. */
static void do_one(struct node *node)
{
	struct doing doing;
	struct event event = {.kind = EVENT_MESSAGE,
			      .at = node_clock(node),
			      .clock_trusted = node->clock.is_trusted};
	struct batch *batch;
	struct err err;

	doing_draw(node, &doing);
	event.body.message.topic = span_of(doing.topic);
	event.body.message.payload = span_of(doing.payload);
	batch = node_begin(node);
	if (batch == NULL)
		return;
	answers_reset(node->answers);
	if (!went(node,
		  engine_step(node->engine, batch, &event, node->answers, &err),
		  &err, "reading")) {
		batch_abandon(batch);
		return;
	}
	node->sim->totals.readings++;
	(void)node_commit(node, batch);
}

void node_work(struct node *node, uint64_t count)
{
	for (uint64_t i = 0; i < count && node->is_up; i++)
		do_one(node);
	sim_log(node->sim, node, "works %" PRIu64, count);
	node_turn(node);
}
