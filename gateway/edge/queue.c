#include "gateway/edge/queue.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Cell i starts with sequence i. A producer may fill it when sequence equals
 * its ticket, and leaves ticket + 1; the consumer may empty it then, and
 * leaves ticket + capacity, which is the next round's ticket.
 */
struct cell {
	_Atomic uint64_t sequence;
	unsigned char message[];
};

struct queue {
	size_t message_size;
	size_t stride; /* bytes from cell to cell */
	uint64_t mask; /* capacity - 1 */
	struct wake *wake;
	unsigned char *cells;
	_Atomic uint64_t tail; /* next ticket */
	uint64_t head;         /* the consumer's alone */
};

static struct cell *cell_at(const struct queue *queue, uint64_t ticket)
{
	size_t index = (size_t)(ticket & queue->mask);
	void *cell = queue->cells + index * queue->stride;

	return cell;
}

/* At least two: in a ring of one cell "filled" and "free for the next round"
 * are the same sequence. */
static size_t power_of_two(size_t least)
{
	size_t power = 2;

	while (power < least)
		power *= 2;
	return power;
}

enum err_code queue_open(size_t message_size, size_t capacity,
			 struct wake *wake, struct queue **ret_queue,
			 struct err *err)
{
	struct queue *queue = calloc(1, sizeof(*queue));
	size_t count = power_of_two(capacity);
	size_t unit = _Alignof(max_align_t);

	ASSERT(message_size > 0 && capacity > 0 && capacity <= SIZE_MAX / 4);
	if (queue == NULL)
		return err_set(err, ERR_FULL, "no memory for a queue");
	queue->message_size = message_size;
	queue->stride =
		(sizeof(struct cell) + message_size + unit - 1) / unit * unit;
	queue->mask = count - 1;
	queue->wake = wake;
	queue->cells = calloc(count, queue->stride);
	if (queue->cells == NULL) {
		free(queue);
		return err_set(err, ERR_FULL,
			       "no memory for a queue of %zu messages", count);
	}
	for (uint64_t i = 0; i < count; i++)
		atomic_init(&cell_at(queue, i)->sequence, i);
	*ret_queue = queue;
	return ERR_OK;
}

void queue_close(struct queue *queue)
{
	if (queue == NULL)
		return;
	free(queue->cells);
	free(queue);
}

/* Takes the next ticket whose cell is free. NULL: full. */
static struct cell *cell_take(struct queue *queue, uint64_t *ret_ticket)
{
	uint64_t ticket =
		atomic_load_explicit(&queue->tail, memory_order_relaxed);

	for (;;) {
		struct cell *cell = cell_at(queue, ticket);
		uint64_t sequence = atomic_load_explicit(&cell->sequence,
							 memory_order_acquire);

		if (sequence == ticket) {
			if (atomic_compare_exchange_weak_explicit(
				    &queue->tail, &ticket, ticket + 1,
				    memory_order_relaxed,
				    memory_order_relaxed)) {
				*ret_ticket = ticket;
				return cell;
			}
		} else if ((int64_t)(sequence - ticket) < 0) {
			return NULL; /* last round's message is still there */
		} else {
			ticket = atomic_load_explicit(&queue->tail,
						      memory_order_relaxed);
		}
	}
}

enum err_code queue_push(struct queue *queue, const void *message)
{
	uint64_t ticket;
	struct cell *cell = cell_take(queue, &ticket);

	if (cell == NULL)
		return ERR_FULL;
	memcpy(cell->message, message, queue->message_size);
	atomic_store_explicit(&cell->sequence, ticket + 1,
			      memory_order_release);
	if (queue->wake != NULL)
		wake_signal(queue->wake);
	return ERR_OK;
}

bool queue_is_empty(const struct queue *queue)
{
	const struct cell *cell = cell_at(queue, queue->head);

	return atomic_load_explicit(&cell->sequence, memory_order_acquire) !=
	       queue->head + 1;
}

bool queue_pop(struct queue *queue, void *ret_message)
{
	struct cell *cell = cell_at(queue, queue->head);

	if (queue_is_empty(queue))
		return false;
	memcpy(ret_message, cell->message, queue->message_size);
	atomic_store_explicit(&cell->sequence, queue->head + queue->mask + 1,
			      memory_order_release);
	queue->head++;
	return true;
}

size_t queue_capacity(const struct queue *queue)
{
	return (size_t)queue->mask + 1;
}
