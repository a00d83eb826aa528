#include "gateway/edge/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/edge/ring_file.h"
#include "gateway/edge/ring_slot.h"

/*
 * Positions count slots written since an arbitrary start; a position's slot is
 * its remainder. They differ from numbers, which may jump at a restart.
 */
struct ring {
	int fd;
	struct head *head; /* the mapping */
	struct slot *slots;
	uint32_t slot_count;
	struct wake *wake;

	uint64_t next_number;      /* the producer's alone */
	_Atomic uint64_t pushed;   /* position of the next push */
	_Atomic uint64_t released; /* position of the oldest slot in use */

	/* The consumer's alone: what ring_open found waiting (indexes of slots,
	 * oldest first), and the first position after that. */
	uint32_t *found;
	uint32_t found_count;
	uint32_t found_at;
	uint64_t live;
};

/* ---- opening ---- */

/*
 * The death of the last life, if it died working. The word already holds the
 * count as it shall be, so that dying in here counts once all the same.
 */
static void deaths_count(struct ring *ring, const struct scan *scan)
{
	uint64_t working = atomic_load(&ring->head->working);

	for (uint32_t i = 0; working != 0 && i < scan->count; i++) {
		struct slot *slot = &ring->slots[scan->found[i]];

		if (atomic_load(&slot->commit) == working >> RING_DEATHS_BITS)
			atomic_store(&slot->deaths, working & RING_DEATHS_MASK);
	}
	atomic_store(&ring->head->working, 0);
}

/* Sets the positions so that the slots found lie between released and pushed,
 * and the next push goes to the slot after the newest. */
static void positions_set(struct ring *ring, const struct scan *scan,
			  uint64_t last_taken)
{
	uint64_t count = ring->slot_count;
	uint64_t pushed = count + scan->next_index;
	uint64_t released = pushed;

	if (scan->count > 0)
		released = pushed - 1 - (pushed - 1 - scan->found[0]) % count;
	ring->next_number = (scan->last_number > last_taken ? scan->last_number
							    : last_taken) +
			    1;
	ring->found = scan->found;
	ring->found_count = scan->count;
	ring->live = pushed;
	atomic_init(&ring->pushed, pushed);
	atomic_init(&ring->released, released);
}

static enum err_code ring_map(struct ring *ring, struct err *err)
{
	void *map = mmap(NULL, (size_t)ring_file_size(ring->slot_count),
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			 ring->fd, 0);

	if (map == MAP_FAILED)
		return err_sys(err, errno, "map");
	ring->head = map;
	ring->slots = (struct slot *)map + 1;
	return ERR_OK;
}

enum err_code ring_open(const struct ring_config *config,
			struct ring **ret_ring, struct ring_report *ret_report,
			struct err *err)
{
	struct ring_report report = {0};
	struct scan scan = {0};
	struct ring *ring = NULL;
	enum err_code code;

	ASSERT(config->slot_count >= 4 && config->slot_count <= 1u << 20);
	ASSERT(config->wake != NULL);
	ASSERT(config->last_taken < UINT64_C(1) << 55);
	ring = calloc(1, sizeof(*ring));
	if (ring == NULL)
		return err_set(err, ERR_FULL, "no memory for the ring");
	ring->fd = -1;
	ring->slot_count = config->slot_count;
	ring->wake = config->wake;

	code = ring_file_open(config, &ring->fd, &report, err);
	if (code == ERR_OK)
		code = ring_map(ring, err);
	if (code == ERR_OK)
		code = scan_slots(ring->slots, ring->slot_count,
				  config->last_taken, &scan, err);
	if (code != ERR_OK) {
		ring_close(ring);
		return err_wrap(err, code, "intake ring %s", config->path);
	}
	deaths_count(ring, &scan);
	positions_set(ring, &scan, config->last_taken);
	report.waiting = scan.count;
	report.damaged += scan.damaged;
	*ret_report = report;
	*ret_ring = ring;
	return ERR_OK;
}

void ring_close(struct ring *ring)
{
	if (ring == NULL)
		return;
	if (ring->head != NULL)
		(void)munmap(ring->head,
			     (size_t)ring_file_size(ring->slot_count));
	if (ring->fd >= 0)
		(void)close(ring->fd);
	free(ring->found);
	free(ring);
}

/* ---- producer ---- */

enum err_code ring_push(struct ring *ring, const struct ring_message *message)
{
	uint64_t pushed =
		atomic_load_explicit(&ring->pushed, memory_order_relaxed);
	uint64_t released =
		atomic_load_explicit(&ring->released, memory_order_acquire);

	ASSERT(message->qos <= 3);
	ASSERT(message->arrived.moment.ms >= 0 &&
	       message->arrived.moment.ms <= MOMENT_MS_MAX);
	if (pushed - released >= ring->slot_count)
		return ERR_FULL;
	slot_write(&ring->slots[pushed % ring->slot_count], ring->next_number,
		   message);
	ring->next_number++;
	atomic_store_explicit(&ring->pushed, pushed + 1, memory_order_release);
	wake_signal(ring->wake);
	return ERR_OK;
}

/* ---- consumer ---- */

uint32_t ring_waiting(const struct ring *ring)
{
	uint64_t pushed =
		atomic_load_explicit(&ring->pushed, memory_order_acquire);

	return ring->found_count - ring->found_at +
	       (uint32_t)(pushed - ring->live);
}

/* The slot that waits at @index, which the caller has checked. */
static struct slot *slot_waiting(const struct ring *ring, uint32_t index)
{
	uint32_t found_left = ring->found_count - ring->found_at;

	if (index < found_left)
		return &ring->slots[ring->found[ring->found_at + index]];
	return &ring->slots[(ring->live + index - found_left) %
			    ring->slot_count];
}

bool ring_peek(const struct ring *ring, uint32_t index,
	       struct ring_slot *ret_slot)
{
	size_t size;

	if (index >= ring_waiting(ring))
		return false;
	size = slot_read(slot_waiting(ring, index), ret_slot);
	ASSERT(size > 0); /* checked by ring_open, or written since */
	return true;
}

static uint64_t released_position(const struct ring *ring)
{
	uint64_t count = ring->slot_count;

	if (ring->found_at == ring->found_count)
		return ring->live;
	/* The last position before `live` at which that slot lies: only the
	 * slots of this life are after it. */
	return ring->live - 1 -
	       (ring->live - 1 - ring->found[ring->found_at]) % count;
}

static void slots_leave(struct ring *ring, uint64_t number, bool are_void)
{
	struct ring_slot slot;

	while (ring_peek(ring, 0, &slot) && slot.number <= number) {
		if (are_void)
			atomic_store_explicit(&slot_waiting(ring, 0)->commit, 0,
					      memory_order_release);
		if (ring->found_at < ring->found_count)
			ring->found_at++;
		else
			ring->live++;
	}
	atomic_store_explicit(&ring->released, released_position(ring),
			      memory_order_release);
}

void ring_release_upto(struct ring *ring, uint64_t number)
{
	slots_leave(ring, number, false);
}

void ring_void_upto(struct ring *ring, uint64_t number)
{
	slots_leave(ring, number, true);
}

void ring_mark_working(struct ring *ring, const struct ring_slot *slot)
{
	uint64_t deaths = slot->deaths;

	if (deaths < RING_DEATHS_MASK)
		deaths++;
	atomic_store_explicit(&ring->head->working,
			      slot->number << RING_DEATHS_BITS | deaths,
			      memory_order_release);
}

void ring_mark_idle(struct ring *ring)
{
	atomic_store_explicit(&ring->head->working, 0, memory_order_release);
}

/* ---- any thread ---- */

uint32_t ring_fill(const struct ring *ring)
{
	/* In this order, so that the difference is never negative. */
	uint64_t released =
		atomic_load_explicit(&ring->released, memory_order_acquire);
	uint64_t pushed =
		atomic_load_explicit(&ring->pushed, memory_order_acquire);
	uint64_t fill = pushed - released;

	return fill > ring->slot_count ? ring->slot_count : (uint32_t)fill;
}

uint32_t ring_size(const struct ring *ring)
{
	return ring->slot_count;
}

bool ring_is_high(const struct ring *ring)
{
	return ring_fill(ring) >= ring->slot_count - ring->slot_count / 4;
}

bool ring_is_low(const struct ring *ring)
{
	return ring_fill(ring) < ring->slot_count / 2;
}
