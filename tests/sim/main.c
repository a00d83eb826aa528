/*
 * Runs schedules of the simulator.
 *
 * usage: sim [--from SEED] [--schedules N]   N schedules, seeds SEED, SEED+1
 * ... sim --seed SEED [--loud]            one, with its event log
 *
 * --restores, --clones, --liars, --endings, --renewals, --replacements
 * PERMILLE: in so many schedules a disk goes back in time, a copied disk runs
 * in a second box, a member of the network lies, a site is ended (in each of
 * four ways), HQ's own disk goes back and the root key speaks again, a box
 * burns and another one takes its place.
 *
 * What fails is cut down to the actions that it needs, and printed.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/disk.h"
#include "tests/sim/entropy.h"
#include "tests/sim/shrink.h"
#include "tests/sim/sim.h"

static const char *const action_names[ACTION_KIND_MAX + 1] = {
	[ACTION_WORK] = "work",
	[ACTION_CUT] = "cut",
	[ACTION_HEAL] = "heal",
	[ACTION_NOTICE] = "notice",
	[ACTION_PARTITION] = "partition",
	[ACTION_BROKER_RESTART] = "broker restart",
	[ACTION_CRASH] = "crash",
	[ACTION_START] = "start",
	[ACTION_CLOCK_JUMP] = "clock jump",
	[ACTION_CLOCK_STUCK] = "clock stuck",
	[ACTION_CLOCK_SET] = "clock set",
	[ACTION_AGAIN] = "old frames again",
	[ACTION_GARBAGE] = "garbage",
	[ACTION_LIE] = "lie",
	[ACTION_IMAGE] = "image",
	[ACTION_RESTORE] = "restore",
	[ACTION_CLONE] = "clone",
	[ACTION_SUCCEED] = "HQ certifies",
	[ACTION_CHOOSE] = "HQ chooses",
	[ACTION_REVOKE] = "HQ revokes",
	[ACTION_FENCE] = "HQ fences",
	[ACTION_CLOSE] = "HQ closes",
	[ACTION_LEAVE] = "site closes",
	[ACTION_RENEW] = "the root renews",
	[ACTION_MASTER] = "master data",
	[ACTION_PROPOSE] = "proposal",
	[ACTION_ADOPT] = "adopted or declined",
	[ACTION_ASK] = "intent",
	[ACTION_REPLACE] = "box replaced",
	[ACTION_STICK] = "stick",
};

static struct odds odds = {.restores = 120,
			   .clones = 140,
			   .liars = 250,
			   .endings = 100,
			   .renewals = 160,
			   .replacements = 160};

struct summary {
	uint64_t schedules;
	uint64_t with[ACTION_KIND_MAX + 1]; /* schedules that have any */
	struct sim_totals totals;
	struct net_counts net;
};

static void summary_add(struct summary *summary, const struct sim *sim)
{
	const struct net_counts *net = &sim->net.counts;

	summary->schedules++;
	for (size_t i = 0; i <= ACTION_KIND_MAX; i++) {
		summary->totals.actions[i] += sim->totals.actions[i];
		summary->with[i] += sim->totals.actions[i] > 0;
	}
	summary->totals.events += sim->totals.events;
	summary->totals.readings += sim->totals.readings;
	summary->totals.entries += sim->totals.entries;
	summary->totals.sealed += sim->totals.sealed;
	summary->totals.admitted += sim->totals.admitted;
	summary->totals.crashes_in_commit += sim->totals.crashes_in_commit;
	summary->totals.checks += sim->totals.checks;
	summary->totals.transfers += sim->totals.transfers;
	summary->totals.successions += sim->totals.successions;
	summary->totals.regained += sim->totals.regained;
	summary->totals.control_ends += sim->totals.control_ends;
	summary->totals.reached += sim->totals.reached;
	summary->totals.reached_beside += sim->totals.reached_beside;
	if (sim->totals.reach_peak > summary->totals.reach_peak)
		summary->totals.reach_peak = sim->totals.reach_peak;
	if (sim->totals.memory_peak > summary->totals.memory_peak)
		summary->totals.memory_peak = sim->totals.memory_peak;
	if (sim->totals.disk_peak > summary->totals.disk_peak)
		summary->totals.disk_peak = sim->totals.disk_peak;
	summary->totals.books += sim->totals.books;
	summary->totals.retaken += sim->totals.retaken;
	summary->totals.carried += sim->totals.carried;
	summary->totals.lost += sim->totals.lost;
	summary->totals.ended += sim->totals.ended;
	summary->totals.claims += sim->totals.claims;
	summary->totals.words += sim->totals.words;
	summary->totals.answered += sim->totals.answered;
	summary->totals.carried_out += sim->totals.carried_out;
	summary->totals.in_transit += sim->totals.in_transit;
	summary->totals.writes_lost += disk_writes_lost();
	summary->net.published += net->published;
	summary->net.delivered += net->delivered;
	summary->net.lost += net->lost;
	summary->net.doubled += net->doubled;
	summary->net.reordered += net->reordered;
	summary->net.late += net->late;
}

/* Over a run each is in at least so many percent of the schedules: the faults
 * of the workload, and HQ's acts. */
#define SHARE_SCHEDULES_MIN 250

static const uint32_t percent_min[ACTION_KIND_MAX + 1] = {
	[ACTION_CRASH] = 5,
	[ACTION_PARTITION] = 5,
	[ACTION_RESTORE] = 5,
	[ACTION_CLONE] = 5,
	[ACTION_CLOCK_JUMP] = 5,
	[ACTION_AGAIN] = 5,
	[ACTION_GARBAGE] = 5,
	[ACTION_LIE] = 5,
	[ACTION_REVOKE] = 5,
	[ACTION_FENCE] = 5,
	[ACTION_CLOSE] = 5,
	[ACTION_RENEW] = 5,
	[ACTION_MASTER] = 5,
	[ACTION_PROPOSE] = 5,
	[ACTION_ADOPT] = 5,
	[ACTION_ASK] = 5,
	[ACTION_REPLACE] = 5,
	[ACTION_STICK] = 5,
	/* They need more than somebody's wish: an epoch that waits, a fork, a
	 * warehouse with nothing under way. */
	[ACTION_SUCCEED] = 3,
	[ACTION_CHOOSE] = 1,
	[ACTION_LEAVE] = 1,
};

static void summary_print(const struct summary *summary)
{
	const struct sim_totals *totals = &summary->totals;
	const struct net_counts *net = &summary->net;

	printf("schedules: %" PRIu64 "\nevents: %" PRIu64 "\nreadings: %" PRIu64
	       "\nentries: %" PRIu64 "\ndeltas sealed: %" PRIu64
	       "\ndeltas admitted: %" PRIu64 "\nchecks: %" PRIu64 "\n",
	       summary->schedules, totals->events, totals->readings,
	       totals->entries, totals->sealed, totals->admitted,
	       totals->checks);
	for (size_t i = 1; i <= ACTION_KIND_MAX; i++)
		if (totals->actions[i] > 0 || percent_min[i] > 0)
			printf("%s: %" PRIu64
			       ", in %.1f %% of schedules, at least %u\n",
			       action_names[i], totals->actions[i],
			       100.0 * (double)summary->with[i] /
				       (double)summary->schedules,
			       percent_min[i]);
	printf("transfers' items: %" PRIu64 "\nof them in transit: %" PRIu64
	       "\nclaims: %" PRIu64 "\nwords of the catalogue: %" PRIu64
	       "\nintents answered: %" PRIu64 "\nintents carried out: %" PRIu64
	       "\n",
	       totals->transfers, totals->in_transit, totals->claims,
	       totals->words, totals->answered, totals->carried_out);
	printf("successions: %" PRIu64 "\nentries regained: %" PRIu64
	       "\nentries taken back by boxes that went on: %" PRIu64
	       "\nbooks of boxes in others' places: %" PRIu64
	       "\nends of control looked at: %" PRIu64
	       "\nmost memory of the boxes of a network, each: %" PRIu64
	       " bytes\nmost disk of a box: %" PRIu64 " bytes"
	       "\nentries carried: %" PRIu64
	       "\nentries lost and to be counted: %" PRIu64
	       "\nentries behind their feed's end: %" PRIu64 "\n",
	       totals->successions, totals->regained, totals->retaken,
	       totals->books, totals->control_ends, totals->memory_peak,
	       totals->disk_peak, totals->carried, totals->lost, totals->ended);
	printf("heads reached as they could be: %" PRIu64
	       "\nof them beside a bad feed: %" PRIu64
	       "\nmost of its time that one took: %" PRIu64 " %%\n",
	       totals->reached, totals->reached_beside, totals->reach_peak);
	printf("crashes in a commit: %" PRIu64
	       "\nunsynced writes lost: %" PRIu64 "\nframes published: %" PRIu64
	       "\nframes delivered: %" PRIu64 "\nframes lost: %" PRIu64
	       "\nframes doubled: %" PRIu64 "\nframes reordered: %" PRIu64
	       "\nframes hours late: %" PRIu64 "\n",
	       totals->crashes_in_commit, totals->writes_lost, net->published,
	       net->delivered, net->lost, net->doubled, net->reordered,
	       net->late);
}

static bool faults_are_many(const struct summary *summary)
{
	bool are_many = summary->net.doubled > 0 && summary->net.reordered > 0;

	if (summary->schedules < SHARE_SCHEDULES_MIN)
		return true;
	for (size_t i = 1; i <= ACTION_KIND_MAX; i++) {
		if (100 * summary->with[i] >=
		    percent_min[i] * summary->schedules)
			continue;
		printf("%s: in fewer than %u %% of schedules\n",
		       action_names[i], percent_min[i]);
		are_many = false;
	}
	return are_many;
}

static void schedule_print(const struct schedule *schedule)
{
	printf("seed %" PRIu64 ", %u boxes, loss %u, doubling %u, late %u, "
	       "%zu actions\n",
	       schedule->seed, schedule->node_count, schedule->loss,
	       schedule->doubling, schedule->late, schedule->action_count);
	for (size_t i = 0; i < schedule->action_count; i++) {
		const struct action *action = &schedule->actions[i];

		printf("%12" PRId64 " %-16s box %u broker %u %" PRId64 "\n",
		       action->at_ms, action_names[action->kind], action->node,
		       action->broker, action->amount);
	}
}

/* Once; false if something is not as it must be. */
static bool run(const struct schedule *schedule, bool is_loud,
		uint64_t *ret_log, struct summary *summary)
{
	static struct sim sim;
	bool is_sound = sim_run(&sim, schedule, is_loud);

	if (!is_sound)
		printf("seed %" PRIu64 ": %s\n", schedule->seed, sim.failure);
	if (ret_log != NULL)
		*ret_log = sim.log;
	if (summary != NULL)
		summary_add(summary, &sim);
	sim_close(&sim);
	return is_sound;
}

static bool fails(void *context, const struct schedule *schedule)
{
	static struct sim sim;
	bool is_sound = sim_run(&sim, schedule, false);

	(void)context;
	sim_close(&sim);
	return !is_sound;
}

static int one(uint64_t seed, bool is_loud, uint64_t actions)
{
	static struct schedule schedule;
	uint64_t first;
	uint64_t second;

	schedule_draw(&schedule, seed, &odds);
	if (actions < schedule.action_count)
		schedule.action_count = actions;
	if (!run(&schedule, is_loud, &first, NULL)) {
		if (!is_loud) {
			shrink(&schedule, fails, NULL);
			schedule_print(&schedule);
			(void)run(&schedule, true, NULL, NULL);
		}
		return 1;
	}
	/* I18: the same seed, the same log. */
	if (!run(&schedule, false, &second, NULL) || first != second) {
		printf("seed %" PRIu64 ": I18: two runs differ\n", seed);
		return 1;
	}
	printf("seed %" PRIu64 ": sound, log %016" PRIx64 "\n", seed, first);
	return 0;
}

static int many(uint64_t from, uint64_t count)
{
	static struct schedule schedule;
	static struct summary summary;
	uint64_t failed = 0;

	printf("seeds %" PRIu64 " to %" PRIu64 "\n", from, from + count - 1);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t first;
		uint64_t second;

		schedule_draw(&schedule, from + i, &odds);
		if (!run(&schedule, false, &first, &summary)) {
			failed++;
			continue;
		}
		/* One in a hundred twice (I18). */
		if (i % 100 == 0 && (!run(&schedule, false, &second, NULL) ||
				     first != second)) {
			printf("seed %" PRIu64 ": I18: two runs differ\n",
			       from + i);
			failed++;
		}
	}
	summary_print(&summary);
	printf("failed: %" PRIu64 "\n", failed);
	return failed == 0 && faults_are_many(&summary) ? 0 : 1;
}

static uint64_t number_of(const char *text)
{
	uint64_t number;

	if (text == NULL || !span_to_u64(span_of(text), UINT64_MAX, &number)) {
		fprintf(stderr, "sim: a number is missing\n");
		exit(2);
	}
	return number;
}

/* Memory that one schedule gave back the next one takes: not the system. */
static void memory_keep(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 512 << 20);
}

int main(int argc, char **argv)
{
	uint64_t from = 1;
	uint64_t schedules = 1;
	uint64_t actions = UINT64_MAX;
	bool is_loud = false;
	bool is_one = false;

	entropy_take_over();
	memory_keep();
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--loud") == 0)
			is_loud = true;
		else if (strcmp(argv[i], "--clones") == 0)
			odds.clones = (uint32_t)number_of(argv[++i]);
		else if (strcmp(argv[i], "--restores") == 0)
			odds.restores = (uint32_t)number_of(argv[++i]);
		else if (strcmp(argv[i], "--endings") == 0)
			odds.endings = (uint32_t)number_of(argv[++i]);
		else if (strcmp(argv[i], "--renewals") == 0)
			odds.renewals = (uint32_t)number_of(argv[++i]);
		else if (strcmp(argv[i], "--replacements") == 0)
			odds.replacements = (uint32_t)number_of(argv[++i]);
		else if (strcmp(argv[i], "--liars") == 0)
			odds.liars = (uint32_t)number_of(argv[++i]);
		else if (strcmp(argv[i], "--actions") == 0)
			actions = number_of(argv[++i]);
		else if (strcmp(argv[i], "--from") == 0)
			from = number_of(argv[++i]);
		else if (strcmp(argv[i], "--schedules") == 0)
			schedules = number_of(argv[++i]);
		else if (strcmp(argv[i], "--seed") == 0) {
			from = number_of(argv[++i]);
			is_one = true;
		} else {
			fprintf(stderr, "sim: what is %s?\n", argv[i]);
			return 2;
		}
	}
	return is_one ? one(from, is_loud, actions) : many(from, schedules);
}
