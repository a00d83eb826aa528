/*
 * I14: memory and disk are bounded for any input.
 *
 * A box's disk holds its journal, the deltas that it took, and what follows
 * from them: what was refused leaves counters, the last few refusals and
 * proofs. The boxes' memory, all of it, is twice what SYNC.md gives each at a
 * million movements (the simulator's own truth and liar are in it; 63 MiB a box
 * were the most seen, half of them the writer's segment states, of 2.5 MB each:
 * store/feed.h), and does not grow with what is heard.
 */
#include <inttypes.h>
#include <malloc.h>

#include "store/journal.h"
#include "tests/sim/check_parts.h"

#define KIB UINT64_C(1024)
#define MEMORY_BOX_MAX (128 * KIB * KIB)
/* Some hundred schedules needed 340 KB at most. */
#define DISK_BASE (512 * KIB)
#define DISK_ROW 512
#define DISK_DELTA (2 * KIB)

struct taken {
	uint64_t rows;
	uint64_t deltas;
};

static enum err_code feed_add(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct taken *taken = context;

	(void)err;
	taken->rows += feed->rows;
	taken->deltas += feed->seq - feed->base;
	return ERR_OK;
}

/* The wires' frames are no box's. */
static void memory_check(struct sim *sim)
{
	struct mallinfo2 heap = mallinfo2();
	uint64_t bytes = heap.uordblks + heap.hblkhd;
	uint64_t wires = net_under_way(&sim->net) * SYNC_FRAME_SIZE_MAX;

	bytes -= bytes < wires ? bytes : wires;
	if (bytes / sim->node_count > sim->totals.memory_peak)
		sim->totals.memory_peak = bytes / sim->node_count;
	if (bytes > sim->node_count * MEMORY_BOX_MAX)
		sim_fail(sim, "I14: %zu boxes take %" PRIu64 " bytes of memory",
			 sim->node_count, bytes);
}

enum err_code check_bounds(struct looking *look, struct err *err)
{
	struct sim *sim = look->sim;
	struct taken taken = {.rows = 0};
	struct env_usage usage;
	struct journal_head head;
	uint64_t disk;
	enum err_code code = feed_walk(look->view, NULL, feed_add, &taken, err);

	if (code == ERR_OK)
		code = journal_head_get(look->view, &head, err);
	if (code == ERR_OK)
		code = env_usage(ledger_env(look->node->ledger), &usage, err);
	if (code != ERR_OK)
		return code;
	memory_check(sim);
	taken.rows += pos_number(head.pos);
	disk = usage.used - usage.free_size;
	if (disk > sim->totals.disk_peak)
		sim->totals.disk_peak = disk;
	if (disk >
	    DISK_BASE + taken.rows * DISK_ROW + taken.deltas * DISK_DELTA)
		sim_fail(sim,
			 "I14: site %u has %" PRIu64 " bytes on disk for "
			 "%" PRIu64 " rows and %" PRIu64 " deltas",
			 look->node->site, disk, taken.rows, taken.deltas);
	return ERR_OK;
}
