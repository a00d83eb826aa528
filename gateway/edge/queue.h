/*
 * queue - a bounded queue of fixed-size messages between threads.
 *
 * Layer     gateway/edge
 * Threads   any number push; one pops
 * Source    D. Vyukov, "Bounded MPMC queue", 1024cores.net, 2010: each cell
 *           carries a sequence number that says whose turn it is. Here with
 *           one consumer, so the head needs no atomic.
 *
 * For what may be lost in a crash: commands, answers, log lines. All memory is
 * taken at the start. A push never blocks: a full queue is the producer's to
 * handle. Messages of one producer are popped in their order.
 *
 * Order of memory: a push writes the message, then its cell's sequence with
 * release; a pop reads that with acquire before the message, and hands the
 * cell back in the same way.
 */
#ifndef DEPOT_GATEWAY_EDGE_QUEUE_H
#define DEPOT_GATEWAY_EDGE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/edge/wake.h"
#include "rules/base/err.h"

struct queue;

/*
 * Makes a queue of @capacity messages (rounded up to a power of two, at least
 * 2) of @message_size bytes each. @wake, borrowed until queue_close, is
 * signalled after each push; NULL if the consumer polls.
 *
 * ERR_FULL  no memory
 */
MUST_CHECK enum err_code queue_open(size_t message_size, size_t capacity,
				    struct wake *wake, struct queue **ret_queue,
				    struct err *err);
/* Takes NULL. No thread may use it any more; what is in it is dropped. */
void queue_close(struct queue *queue);

/* Copies @message in. ERR_FULL: no room, nothing was done. Any thread. */
MUST_CHECK enum err_code queue_push(struct queue *queue, const void *message);

/* Copies the oldest message out; false if there is none. Consumer. */
MUST_CHECK bool queue_pop(struct queue *queue, void *ret_message);

/* True if queue_pop would find nothing. Consumer. */
bool queue_is_empty(const struct queue *queue);

/* Messages that it holds when full. */
size_t queue_capacity(const struct queue *queue);

#endif
