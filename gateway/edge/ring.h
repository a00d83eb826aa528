/*
 * ring - the intake ring: a memory-mapped file between Paho and the keeper.
 *
 * Layer     gateway/edge
 * Threads   one producer (Paho's receive thread) pushes; one consumer (the
 *           keeper) peeks, marks and releases; ring_fill and ring_is_high: any
 * On disk   <runtime dir>/intake.ring; see "The file" in ring.c
 *
 * Why a file: a PUBACK promises that a message survives kill -9, and the pages
 * of a shared mapping outlive the process. It is kept over a restart of the
 * daemon and is empty after a reboot; nothing here syncs it.
 *
 * What always holds:
 *   - slots are numbered upwards for ever: on from the highest number that the
 *     ring or the store's meta knows. The consumer stores the number of the
 *     last slot that it took in the same transaction as its effects;
 *   - a slot whose push returned ERR_OK is found by the next ring_open, unless
 *     its number is at or below that stored number. A slot whose push did not
 *     return is found whole or not at all;
 *   - a slot is not written again before it was released;
 *   - all memory and all disk blocks are taken by ring_open: a push allocates
 *     nothing, waits for nothing, and makes no system call except one write to
 *     an eventfd when the consumer sleeps.
 *
 * Order of memory. Between threads: `pushed` is written with release after the
 * slot and read with acquire before it; `released` the same way back. Across a
 * kill: the commit word is cleared before the first byte of a slot and written
 * with release after the last. A killed thread stops between two instructions;
 * all stores before that point reach the page and none after it, so there the
 * order of the instructions is all that counts.
 */
#ifndef DEPOT_GATEWAY_EDGE_RING_H
#define DEPOT_GATEWAY_EDGE_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/edge/clock.h"
#include "gateway/edge/wake.h"
#include "rules/base/err.h"
#include "rules/base/limits.h"
#include "rules/base/text.h"

#define RING_VERSION 1
#define RING_SLOT_SIZE 4096
#define RING_PATH_SIZE 256

/* A slot at which the daemon died this often is parked unread. */
#define RING_DEATHS_MAX 2

struct ring;

struct ring_config {
	const char *path;    /* used by ring_open only */
	uint32_t slot_count; /* from 4; 1,024 is 4 MiB */
	uint64_t last_taken; /* from the store's meta; 0: none yet */
	struct wake *wake;   /* the consumer's; borrowed until ring_close */
};

/* What ring_open found, for the log and for alerts. */
struct ring_report {
	uint32_t waiting;   /* slots to take, from before; includes carried */
	uint32_t damaged;   /* committed, but the checksum is wrong: skipped */
	uint32_t carried;   /* slots copied over from a file set aside */
	uint32_t left;      /* slots that wait in the file set aside: no room */
	bool is_created;    /* there was no file that could be used */
	bool is_unreadable; /* the file set aside isn't of this version */
	char aside[RING_PATH_SIZE]; /* where it was renamed to; "" if nowhere */
};

/* One message, as it arrived. */
struct ring_message {
	struct span topic;   /* cut at TOPIC_IN_SIZE_MAX by ring_push */
	struct span payload; /* cut at PAYLOAD_IN_SIZE_MAX by ring_push */
	/* MQTT 5's Response Topic and Correlation Data, at most
	 * RESPONSE_SIZE_MAX and CORRELATION_SIZE_MAX; empty: none. ring_push
	 * leaves both out where they do not fit beside the payload. */
	struct span response;
	struct span correlation;
	struct clock_reading arrived;
	uint16_t packet_id; /* MQTT's; 0 with QoS 0 */
	uint8_t qos;
	bool is_dup;
	bool is_retained;
};

/* One slot. The spans in it are borrowed until it is released. */
struct ring_slot {
	uint64_t number;
	uint32_t payload_size; /* as it was sent, before a cut */
	uint32_t deaths;       /* how often the daemon died working on it */
	bool is_cut;           /* topic or payload did not fit: park it */
	struct ring_message message;
};

/*
 * Opens the ring file, or makes it. A file of another size or version, or a
 * cut one, is never used and never destroyed: it is renamed to "<path>.old"
 * (or .old.1 ... .old.9), a new one is made, and the slots in it that were not
 * taken yet are copied over as far as they can be read and fit.
 *
 * ERR_AGAIN     another process has it open
 * ERR_FULL      the disk has no room
 * ERR_CONFLICT  ten old files lie there already: somebody must look at them
 * ERR_INVALID   the path is too long
 * ERR_IO        the system refused
 */
MUST_CHECK enum err_code ring_open(const struct ring_config *config,
				   struct ring **ret_ring,
				   struct ring_report *ret_report,
				   struct err *err);
/* Takes NULL. The file stays, with all that was not taken. */
void ring_close(struct ring *ring);

/* ---- producer ---- */

/*
 * Copies @message into the next slot and wakes the consumer. When this has
 * returned ERR_OK the message survives kill -9.
 *
 * ERR_FULL  every slot waits; nothing was done. The caller must see to it that
 *           the sender hears nothing that sounds like success.
 */
MUST_CHECK enum err_code ring_push(struct ring *ring,
				   const struct ring_message *message);

/* ---- consumer ---- */

/* Slots that wait to be taken. */
uint32_t ring_waiting(const struct ring *ring);

/*
 * The slot at @index (0 is the oldest) of those that wait; false if there are
 * not so many. Numbers rise with the index, with gaps only where a damaged
 * slot was skipped.
 */
MUST_CHECK bool ring_peek(const struct ring *ring, uint32_t index,
			  struct ring_slot *ret_slot);

/* Frees all waiting slots up to @number: after the commit that holds their
 * effects and their number, not before. */
void ring_release_upto(struct ring *ring, uint64_t number);

/* The same for slots whose senders were told that they were refused: they are
 * void, and the next ring_open will not find them. */
void ring_void_upto(struct ring *ring, uint64_t number);

/*
 * Notes in the file that @slot is about to be worked on: if the process dies
 * now, the next ring_open raises that slot's deaths by one. Call
 * ring_mark_idle when the work on it is over and before the commit begins:
 * what dies in a commit did not die of the slot.
 */
void ring_mark_working(struct ring *ring, const struct ring_slot *slot);
void ring_mark_idle(struct ring *ring);

/* ---- any thread ---- */

/* Slots that cannot be pushed to now. A moment's truth. */
uint32_t ring_fill(const struct ring *ring);
uint32_t ring_size(const struct ring *ring); /* all slots */

/* At least three quarters full: time to disconnect the intake client. */
bool ring_is_high(const struct ring *ring);
/* Less than half full: time to connect it again. */
bool ring_is_low(const struct ring *ring);

#endif
