#include <string.h>

#include "rules/base/datetime.h"
#include "tests/sim/sim.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)

#define YEAR_MS (365 * DAY_MS)

#define ACTIONS_MIN 200
#define ACTIONS_MORE 80

struct drawing {
	struct schedule *schedule;
	struct random random;
	int64_t at_ms;
};

static struct action *draw_next(struct drawing *drawing, enum action_kind kind)
{
	struct schedule *schedule = drawing->schedule;
	struct action *action;

	ASSERT(schedule->action_count < SIM_ACTIONS_MAX);
	action = &schedule->actions[schedule->action_count++];
	*action = (struct action){
		.at_ms = drawing->at_ms,
		.kind = kind,
		.node = (uint32_t)random_below(&drawing->random,
					       schedule->node_count),
		.broker = schedule->has_second_broker
				  ? (uint32_t)random_below(&drawing->random,
							   NET_BROKERS_MAX)
				  : 0,
	};
	return action;
}

/* Seconds mostly, minutes often, and once in a while hours or days. */
static int64_t pause_draw(struct random *random)
{
	uint64_t dice = random_below(random, 100);

	if (dice < 60)
		return random_from(random, 10, 8 * SECOND_MS);
	if (dice < 90)
		return random_from(random, SECOND_MS, 10 * MINUTE_MS);
	if (dice < 98)
		return random_from(random, MINUTE_MS, 6 * HOUR_MS);
	return random_from(random, HOUR_MS, 3 * DAY_MS);
}

static int64_t jump_draw(struct random *random)
{
	static const int64_t jumps[] = {10 * YEAR_MS,  -10 * YEAR_MS,
					-SIM_START_MS, DAY_MS,
					-DAY_MS,       HOUR_MS,
					-5 * MINUTE_MS};

	return jumps[random_below(random, ARRAY_LEN(jumps))];
}

static void work_draw(struct drawing *drawing)
{
	struct action *action = draw_next(drawing, ACTION_WORK);

	/* Now and then a rush that fills several deltas. */
	action->amount = random_hits(&drawing->random, 10)
				 ? random_from(&drawing->random, 100, 300)
				 : random_from(&drawing->random, 1, 12);
}

static void words_draw(struct drawing *drawing)
{
	enum action_kind kind = (enum action_kind)random_from(
		&drawing->random, ACTION_MASTER, ACTION_ASK);

	draw_next(drawing, kind)->amount = random_hits(&drawing->random, 300);
}

static void trouble_draw(struct drawing *drawing)
{
	static const struct {
		enum action_kind kind;
		uint32_t weight;
	} kinds[] = {
		{ACTION_CUT, 16},           {ACTION_HEAL, 20},
		{ACTION_NOTICE, 12},        {ACTION_PARTITION, 5},
		{ACTION_BROKER_RESTART, 4}, {ACTION_CRASH, 12},
		{ACTION_START, 16},         {ACTION_CLOCK_JUMP, 4},
		{ACTION_CLOCK_STUCK, 2},    {ACTION_CLOCK_SET, 4},
		{ACTION_AGAIN, 10},         {ACTION_GARBAGE, 8},
		{ACTION_LIE, 14},
	};
	struct action *action;
	uint64_t dice;
	size_t i = 0;
	uint64_t sum = 0;

	for (size_t n = 0; n < ARRAY_LEN(kinds); n++)
		sum += kinds[n].weight;
	dice = random_below(&drawing->random, sum);
	while (dice >= kinds[i].weight)
		dice -= kinds[i++].weight;
	if (kinds[i].kind == ACTION_LIE && !drawing->schedule->has_liar)
		i = 0;
	action = draw_next(drawing, kinds[i].kind);
	if (action->kind == ACTION_CUT)
		action->amount = random_from(&drawing->random, 1, 3);
	else if (action->kind == ACTION_CRASH)
		action->amount = random_from(&drawing->random, CRASH_NONE,
					     CRASH_AFTER_COMMIT);
	else if (action->kind == ACTION_LIE)
		action->amount = random_from(&drawing->random, 1, LIE_MAX);
	else if (action->kind == ACTION_CLOCK_JUMP)
		action->amount = jump_draw(&drawing->random);
	else if (action->kind == ACTION_AGAIN || action->kind == ACTION_GARBAGE)
		action->amount = random_from(&drawing->random, 1, 8);
}

/* When a disk is copied, and what becomes of the copy. */
struct copying {
	bool is_hq;
	uint64_t taken;
	uint64_t restored[2];
	uint64_t cloned;
};

/* What HQ's people do, and when. */
#define ACTS_MAX 32
struct acting {
	size_t count;
	struct {
		uint64_t at;
		enum action_kind kind;
		int64_t amount;
	} acts[ACTS_MAX];
};

static void copying_draw(struct random *random, const struct odds *odds,
			 uint64_t count, struct copying *copying)
{
	bool is_hq = random_hits(random, odds->renewals);
	bool is_restored = is_hq || random_hits(random, odds->restores);
	bool is_cloned = !is_hq && random_hits(random, odds->clones);
	uint64_t taken = random_below(random, 2 * count / 3);

	*copying = (struct copying){
		is_hq, UINT64_MAX, {UINT64_MAX, UINT64_MAX}, UINT64_MAX};
	if (!is_restored && !is_cloned)
		return;
	copying->taken = taken;
	if (is_restored)
		copying->restored[0] =
			taken + random_below(random, count - taken);
	/* HQ's disk goes back once: the root would name one control epoch
	 * twice. */
	if (is_restored && !is_hq && random_hits(random, 250))
		copying->restored[1] =
			taken + random_below(random, count - taken);
	if (is_cloned)
		copying->cloned = taken + random_below(random, count - taken);
}

static void copying_act(struct drawing *drawing, const struct copying *copying,
			uint64_t i)
{
	if (i == copying->taken)
		draw_next(drawing, ACTION_IMAGE)->amount = copying->is_hq;
	if (i == copying->restored[0] || i == copying->restored[1])
		draw_next(drawing, ACTION_RESTORE)->amount =
			random_from(&drawing->random, 0, RESTORE_MAX);
	if (i == copying->cloned)
		(void)draw_next(drawing, ACTION_CLONE);
}

static void act_add(struct acting *acting, uint64_t at, enum action_kind kind,
		    int64_t amount)
{
	ASSERT(acting->count < ACTS_MAX);
	acting->acts[acting->count].at = at;
	acting->acts[acting->count].kind = kind;
	acting->acts[acting->count++].amount = amount;
}

/* A few times between @from and the end: what they wait for may take long. */
static void tries_add(struct acting *acting, struct random *random,
		      uint64_t from, uint64_t count, enum action_kind kind)
{
	for (unsigned i = 0; i < 4 && from < count; i++) {
		from += 1 + random_below(random, count - from);
		act_add(acting, from, kind, random_hits(random, 250));
	}
}

static void acting_draw(struct random *random, const struct odds *odds,
			const struct copying *copying, uint64_t count,
			struct acting *acting)
{
	static const enum action_kind endings[] = {ACTION_REVOKE, ACTION_FENCE,
						   ACTION_CLOSE};

	acting->count = 0;
	for (size_t i = 0; i < ARRAY_LEN(endings); i++)
		if (random_hits(random, odds->endings))
			act_add(acting, random_below(random, count), endings[i],
				random_hits(random, 400));
	if (random_hits(random, 4 * odds->endings))
		tries_add(acting, random, count / 2, count, ACTION_LEAVE);
	if (copying->taken == UINT64_MAX)
		return;
	tries_add(acting, random, copying->taken, count, ACTION_SUCCEED);
	tries_add(acting, random, copying->taken, count, ACTION_CHOOSE);
	if (copying->is_hq)
		tries_add(acting, random, copying->restored[0], count,
			  ACTION_RENEW);
}

static void acting_act(struct drawing *drawing, const struct acting *acting,
		       uint64_t i)
{
	for (size_t n = 0; n < acting->count; n++)
		if (acting->acts[n].at == i)
			draw_next(drawing, acting->acts[n].kind)->amount =
				acting->acts[n].amount;
}

/* ---- a box in another one's place ---- */

static struct action *action_insert(struct schedule *schedule, uint64_t at,
				    enum action_kind kind)
{
	struct action *action = &schedule->actions[at];

	if (schedule->action_count == SIM_ACTIONS_MAX)
		return NULL;
	memmove(action + 1, action,
		(size_t)(schedule->action_count++ - at) * sizeof(*action));
	*action = (struct action){.at_ms = action[1].at_ms, .kind = kind};
	return action;
}

/* Sticks come to it from any other box, later and later. */
static void sticks_insert(struct random *random, struct schedule *schedule,
			  uint64_t at, uint32_t node)
{
	for (unsigned i = 0; i < 4 && at < schedule->action_count; i++) {
		struct action *action;

		at += random_below(random, schedule->action_count - at);
		action = action_insert(schedule, at, ACTION_STICK);
		if (action == NULL)
			return;
		action->node = node;
		action->amount = i == 0 ? 0
					: random_from(random, 0,
						      schedule->node_count - 1);
	}
}

/* From a stream of its own: the rest of the schedule is as it would be. Half of
 * them come without a link. */
static void replacing_draw(struct schedule *schedule, const struct odds *odds)
{
	struct random random = random_stream(schedule->seed, 5);
	uint64_t at;
	uint32_t node;
	struct action *action;

	if (!random_hits(&random, odds->replacements))
		return;
	at = schedule->action_count / 4 +
	     random_below(&random, schedule->action_count / 2);
	node = (uint32_t)random_from(&random, 1, schedule->node_count - 1);
	for (uint32_t b = NET_BROKERS_MAX; random_hits(&random, 500) && b > 0;
	     b--) {
		action = action_insert(schedule, at, ACTION_CUT);
		if (action == NULL)
			return;
		action->node = node;
		action->broker = b - 1;
		action->amount = 3;
	}
	action = action_insert(schedule, at, ACTION_REPLACE);
	if (action == NULL)
		return;
	action->node = node;
	sticks_insert(&random, schedule, at + 1, node);
}

void schedule_draw(struct schedule *schedule, uint64_t seed,
		   const struct odds *odds)
{
	struct drawing drawing = {schedule, random_stream(seed, 2), 0};
	struct random *random = &drawing.random;
	uint64_t count = ACTIONS_MIN + random_below(random, ACTIONS_MORE);
	struct copying copying;
	struct acting acting;

	memset(schedule, 0, sizeof(*schedule));
	schedule->seed = seed;
	/* Mostly small networks, where faults meet. */
	schedule->node_count =
		random_hits(random, 850)
			? (uint32_t)random_from(random, SIM_NODES_MIN, 5)
			: (uint32_t)random_from(random, 6, SIM_NODES_MAX);
	schedule->loss = (uint32_t)random_below(random, 301);
	schedule->doubling = (uint32_t)random_below(random, 301);
	schedule->late = (uint32_t)random_below(random, 31);
	schedule->has_second_broker = random_hits(random, 300);
	schedule->has_liar = random_hits(random, odds->liars);
	schedule->is_tidied = random_hits(random, 600);
	copying_draw(random, odds, count, &copying);
	acting_draw(random, odds, &copying, count, &acting);
	for (uint64_t i = 0; i < count; i++) {
		drawing.at_ms += pause_draw(random);
		copying_act(&drawing, &copying, i);
		acting_act(&drawing, &acting, i);
		if (random_hits(random, 550))
			work_draw(&drawing);
		/* HQ is set back where it has said little since: one that
		 * finds its words elsewhere, again and again, begins an epoch
		 * of its own ledger each time. */
		else if (!copying.is_hq && random_hits(random, 80))
			words_draw(&drawing);
		else
			trouble_draw(&drawing);
	}
	replacing_draw(schedule, odds);
}
