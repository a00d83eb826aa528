#include "tests/sim/sim.h"

#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/seal.h"
#include "tests/sim/disk.h"
#include "tests/sim/entropy.h"
#include "tests/sim/signature.h"

#define TICK_MS 1000
#define REAL_SIGNATURES_EVERY 200
/* Between two actions the boxes tick at most this often: a day without any
 * news has no need of 86,400. */
#define TICKS_MAX 8
/* After everything is whole: virtual time in which all must agree. */
#define HEAL_MS_MAX (INT64_C(30) * 60 * 1000)

void sim_fail(struct sim *sim, const char *format, ...)
{
	va_list arguments;

	if (sim->failure[0] != '\0')
		return;
	va_start(arguments, format);
	(void)vsnprintf(sim->failure, sizeof(sim->failure), format, arguments);
	va_end(arguments);
}

bool sim_is_sound(const struct sim *sim)
{
	return sim->failure[0] == '\0';
}

void sim_log(struct sim *sim, const struct node *node, const char *format, ...)
{
	char line[256];
	va_list arguments;
	int size = snprintf(line, sizeof(line), "%12" PRId64 " %2u ",
			    sim->now_ms - SIM_START_MS,
			    node == NULL ? 0 : node->site);

	va_start(arguments, format);
	(void)vsnprintf(line + size, sizeof(line) - (size_t)size, format,
			arguments);
	va_end(arguments);
	sim->log = seal_checksum(sim->log, span_of(line));
	sim->totals.events++;
	if (sim->is_loud)
		printf("%s\n", line);
}

/* ---- setting up ---- */

static void node_init(struct sim *sim, uint32_t index)
{
	struct node *node = &sim->nodes[index];
	char name[NAME_SIZE_MAX + 1];
	bool fits;

	*node = (struct node){.sim = sim,
			      .index = index,
			      .site = SIM_SITE_HQ + index,
			      .is_hq = index == 0,
			      .clock = {.is_trusted = true}};
	fits = text_format(name, sizeof(name), index == 0 ? "hq" : "s%u",
			   node->site) &&
	       name_set(&node->name, span_of(name)) &&
	       text_format(node->folder, sizeof(node->folder), "%s/%s",
			   sim->folder, name) &&
	       text_format(node->store, sizeof(node->store), "%s/%s/store",
			   sim->folder, name) &&
	       text_format(node->guard, sizeof(node->guard), "%s/%s/guard",
			   sim->folder, name);
	ASSERT(fits && mkdir(node->folder, 0700) == 0);
	sim->net.names[index] = node->name;
}

static void links_init(struct sim *sim)
{
	const struct schedule *schedule = &sim->schedule;

	for (size_t node = 0; node < sim->node_count; node++) {
		for (size_t broker = 0; broker < NET_BROKERS_MAX; broker++) {
			struct net_link *link = &sim->net.links[node][broker];

			/* The second broker is a neighbours' one: not HQ's. */
			link->is_there =
				broker == 0 ||
				(schedule->has_second_broker && node > 0);
			link->loss = schedule->loss;
			link->doubling = schedule->doubling;
			link->late = schedule->late;
			link->delay_ms = 200;
		}
	}
}

/* On memory: no disk takes part. */
static bool folder_make(struct sim *sim)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	return text_format(sim->folder, sizeof(sim->folder),
			   "%s/depot-sim-XXXXXX", base) &&
	       mkdtemp(sim->folder) != NULL;
}

static bool sim_open(struct sim *sim, const struct schedule *schedule,
		     bool is_loud)
{
	memset(sim, 0, sizeof(*sim));
	sim->schedule = *schedule;
	signature_real_set(schedule->seed % REAL_SIGNATURES_EVERY == 0);
	sim->is_loud = is_loud;
	sim->random = random_stream(schedule->seed, 3);
	sim->now_ms = SIM_START_MS;
	entropy_seed(schedule->seed);
	disk_reset();
	net_open(&sim->net, schedule->seed);
	sim->net.now_ms = sim->now_ms;
	sim->node_count = schedule->node_count;
	sim->net.node_count = sim->node_count;
	if (!folder_make(sim)) {
		sim_fail(sim, "no folder");
		return false;
	}
	links_init(sim);
	for (uint32_t i = 0; i < sim->node_count; i++) {
		node_init(sim, i);
		node_found(&sim->nodes[i]);
	}
	if (schedule->has_liar &&
	    !liar_open(&sim->liar, SIM_SITE_LIAR, schedule->seed, sim->net_id))
		sim_fail(sim, "no memory for the liar");
	for (uint32_t i = 0; i < sim->node_count && sim_is_sound(sim); i++)
		node_start(&sim->nodes[i]);
	if (sim_is_sound(sim))
		node_commission(&sim->nodes[0]);
	return sim_is_sound(sim);
}

static int remove_one(const char *path, const struct stat *info, int kind,
		      struct FTW *walk)
{
	(void)info;
	(void)kind;
	(void)walk;
	return remove(path);
}

void sim_close(struct sim *sim)
{
	for (size_t i = 0; i < sim->node_count; i++)
		node_stop(&sim->nodes[i]);
	liar_close(&sim->liar);
	net_close(&sim->net);
	truth_release(&sim->truth);
	if (sim->folder[0] != '\0')
		(void)nftw(sim->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- time ---- */

static void deliver_upto(struct sim *sim, int64_t at_ms)
{
	struct net_message *message;

	while (sim_is_sound(sim) &&
	       (message = net_next(&sim->net, at_ms)) != NULL) {
		sim->now_ms = sim->net.now_ms;
		node_frame(&sim->nodes[message->to], message);
		check_step(&sim->nodes[message->to]);
		net_give_back(&sim->net, message);
	}
}

static void tick_all(struct sim *sim)
{
	for (size_t i = 0; i < sim->node_count && sim_is_sound(sim); i++) {
		node_tick(&sim->nodes[i]);
		check_step(&sim->nodes[i]);
	}
	check_reach(sim);
}

static void pass_until(struct sim *sim, int64_t at_ms)
{
	int64_t step = (at_ms - sim->now_ms) / TICKS_MAX;

	if (step < TICK_MS)
		step = TICK_MS;
	while (sim_is_sound(sim) && sim->now_ms < at_ms) {
		int64_t next = sim->now_ms + step;

		if (next > at_ms)
			next = at_ms;
		deliver_upto(sim, next);
		sim->now_ms = next;
		sim->net.now_ms = next;
		tick_all(sim);
	}
}

/* ---- actions ---- */

static void cut(struct sim *sim, const struct action *action)
{
	struct net_link *link = &sim->net.links[action->node][action->broker];

	link->is_cut_out = (action->amount & 1) != 0;
	link->is_cut_in = (action->amount & 2) != 0;
}

static void heal(struct sim *sim, uint32_t node, uint32_t broker)
{
	struct net_link *link = &sim->net.links[node][broker];

	link->is_cut_out = false;
	link->is_cut_in = false;
	node_link(&sim->nodes[node], broker, true);
}

/* A broker that hears nothing of a box hangs up, and the box notices. */
static void notice(struct sim *sim, uint32_t node, uint32_t broker)
{
	const struct net_link *link = &sim->net.links[node][broker];

	node_link(&sim->nodes[node], broker,
		  !link->is_cut_out && !link->is_cut_in);
}

static void partition(struct sim *sim, const struct action *action)
{
	for (uint32_t node = 0; node < sim->node_count; node++) {
		struct net_link *link = &sim->net.links[node][0];

		if ((node + action->node) % 2 == 0)
			continue;
		link->is_cut_out = true;
		link->is_cut_in = true;
	}
}

static void broker_restart(struct sim *sim, uint32_t broker)
{
	net_broker_lost(&sim->net, broker);
	for (uint32_t node = 0; node < sim->node_count; node++)
		node_link(&sim->nodes[node], broker, false);
	for (uint32_t node = 0; node < sim->node_count; node++)
		notice(sim, node, broker);
}

static void crash(struct node *node, enum crash_point point)
{
	if (!node->is_up)
		return;
	node->crash = point;
	if (point != CRASH_NONE)
		node_work(node, 1);
	if (node->is_up)
		node_crash(node);
}

static void again(struct sim *sim, const struct action *action, bool is_garbled)
{
	for (int64_t i = 0; i < action->amount && sim_is_sound(sim); i++) {
		struct net_message *message =
			net_again(&sim->net, action->node);

		if (message == NULL)
			return;
		for (int64_t flip = 0;
		     is_garbled && message->size > 0 && flip <= i; flip++)
			message->payload[random_below(&sim->net.random,
						      message->size)] ^=
				(uint8_t)(1 +
					  random_below(&sim->net.random, 255));
		node_frame(&sim->nodes[action->node], message);
		check_step(&sim->nodes[action->node]);
		free(message);
	}
}

static void act(struct sim *sim, const struct action *action)
{
	struct node *node = &sim->nodes[action->node];

	if (action->kind >= ACTION_SUCCEED) {
		sim->totals.actions[action->kind] += hq_act(sim, action);
		check_step(&sim->nodes[0]);
		check_step(node);
		return;
	}
	sim->totals.actions[action->kind]++;
	switch (action->kind) {
	case ACTION_WORK:
		node_work(node, (uint64_t)action->amount);
		break;
	case ACTION_CUT:
		cut(sim, action);
		break;
	case ACTION_HEAL:
		heal(sim, action->node, action->broker);
		break;
	case ACTION_NOTICE:
		notice(sim, action->node, action->broker);
		break;
	case ACTION_PARTITION:
		partition(sim, action);
		break;
	case ACTION_BROKER_RESTART:
		broker_restart(sim, action->broker);
		break;
	case ACTION_CRASH:
		crash(node, (enum crash_point)action->amount);
		break;
	case ACTION_START:
		if (!node->is_up)
			node_start(node);
		break;
	case ACTION_CLOCK_JUMP:
		node->clock.offset_ms += action->amount;
		node->clock.is_trusted = false;
		break;
	case ACTION_CLOCK_STUCK:
		node->clock.stuck_ms = node_clock(node).ms;
		node->clock.is_stuck = true;
		node->clock.is_trusted = false;
		break;
	case ACTION_CLOCK_SET:
		node->clock = (struct sim_clock){.is_trusted = true};
		break;
	case ACTION_AGAIN:
		again(sim, action, false);
		break;
	case ACTION_GARBAGE:
		again(sim, action, true);
		break;
	case ACTION_LIE:
		if (sim->liar.site != SITE_NONE)
			liar_lie(&sim->liar, &sim->net,
				 (enum lie)action->amount);
		break;
	case ACTION_IMAGE:
		if (action->amount == 1)
			image_take(sim, &sim->nodes[0]);
		else if (!node->is_hq)
			image_take(sim, node);
		break;
	case ACTION_RESTORE:
		image_restore(sim, (enum restore)action->amount);
		break;
	case ACTION_CLONE:
		image_clone(sim);
		break;
	case ACTION_SUCCEED:
	case ACTION_CHOOSE:
	case ACTION_REVOKE:
	case ACTION_FENCE:
	case ACTION_CLOSE:
	case ACTION_LEAVE:
	case ACTION_RENEW:
	case ACTION_MASTER:
	case ACTION_PROPOSE:
	case ACTION_ADOPT:
	case ACTION_ASK:
	case ACTION_REPLACE:
	case ACTION_STICK:
		break;
	}
	check_step(node);
}

/* ---- the end ---- */

/* Everything is whole again, and nothing goes wrong any more. */
static void heal_all(struct sim *sim)
{
	int64_t end;

	for (uint32_t i = 0; i < sim->node_count && sim_is_sound(sim); i++) {
		for (uint32_t b = 0; b < NET_BROKERS_MAX; b++) {
			struct net_link *link = &sim->net.links[i][b];

			link->loss = 0;
			link->doubling = 0;
			link->late = 0;
			link->is_cut_in = false;
			link->is_cut_out = false;
		}
		sim->nodes[i].clock = (struct sim_clock){.is_trusted = true};
		if (!sim->nodes[i].is_up)
			node_start(&sim->nodes[i]);
		for (uint32_t b = 0; b < NET_BROKERS_MAX; b++)
			heal(sim, i, b);
	}
	end = sim->now_ms + HEAL_MS_MAX;
	while (sim_is_sound(sim) && sim->now_ms < end && !check_is_settled(sim))
		pass_until(sim, sim->now_ms + TICK_MS);
	sim_log(sim, NULL, "healed after %" PRId64 " ms",
		sim->now_ms - (end - HEAL_MS_MAX));
	if (sim_is_sound(sim) && !check_is_settled(sim))
		sim_fail(sim, "the boxes do not agree after %d minutes",
			 (int)(HEAL_MS_MAX / 60000));
}

/* What waits for HQ's people is there now, for sure. */
static void tidy(struct sim *sim)
{
	static const enum action_kind kinds[] = {ACTION_SUCCEED, ACTION_CHOOSE,
						 ACTION_RENEW, ACTION_SUCCEED};
	uint64_t done = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds) && sim_is_sound(sim); i++) {
		struct action action = {.kind = kinds[i]};

		done += sim->totals.actions[action.kind];
		act(sim, &action);
		done -= sim->totals.actions[action.kind];
	}
	if (done != 0 && sim_is_sound(sim))
		heal_all(sim);
}

bool sim_run(struct sim *sim, const struct schedule *schedule, bool is_loud)
{
	if (!sim_open(sim, schedule, is_loud))
		return false;
	for (size_t i = 0; i < schedule->action_count && sim_is_sound(sim);
	     i++) {
		pass_until(sim, SIM_START_MS + schedule->actions[i].at_ms);
		if (sim_is_sound(sim))
			act(sim, &schedule->actions[i]);
	}
	if (sim_is_sound(sim))
		heal_all(sim);
	if (sim_is_sound(sim) && schedule->is_tidied)
		tidy(sim);
	if (sim_is_sound(sim))
		check_end(sim);
	for (size_t i = 0; i < sim->node_count && is_loud; i++)
		check_explain(&sim->nodes[i]);
	return sim_is_sound(sim);
}
