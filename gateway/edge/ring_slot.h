/*
 * ring_slot - the bytes of the intake ring: its head, one slot, a scan of all.
 *
 * Layer     gateway/edge; internal to ring.c and ring_file.c
 * Threads   as the ring's
 *
 * The file is one page of head, then slots of RING_SLOT_SIZE bytes. Numbers in
 * `encoded` and `body` are written by bytes.h. The words outside them are in
 * the machine's own order, as they are atomics; the file never leaves it.
 *
 *	head  encoded: magic, u32 version, u32 slot size, u32 slot count,
 *	               u64 checksum of these
 *	      working: number << 8 | deaths if it dies now; 0: idle
 *	slot  commit:  the number, written last; 0: nothing here
 *	      deaths
 *	      body:    u64 checksum of the rest, u64 number, u64 arrival ms,
 *	               u8 flags, u8 qos, u16 packet id, u16 topic size,
 *	               u16 payload size, u32 payload size as sent,
 *	               topic, payload; with FLAG_RESPONSE u16 response size,
 *	               u16 correlation size, response, correlation
 *
 * The checksum is against accidents only: whoever can write the file is us.
 */
#ifndef DEPOT_GATEWAY_EDGE_RING_SLOT_H
#define DEPOT_GATEWAY_EDGE_RING_SLOT_H

#include <stdatomic.h>
#include <stddef.h>

#include "gateway/edge/ring.h"

#define RING_HEAD_ENCODED_SIZE 28
#define RING_DEATHS_BITS 8
#define RING_DEATHS_MASK UINT64_C(0xff)

struct slot {
	_Atomic uint64_t commit;
	_Atomic uint64_t deaths;
	uint8_t body[RING_SLOT_SIZE - 16];
};

struct head {
	uint8_t encoded[64];
	_Atomic uint64_t working;
	uint8_t unused[RING_SLOT_SIZE - 72];
};

_Static_assert(sizeof(struct slot) == RING_SLOT_SIZE, "a slot is a page");
_Static_assert(sizeof(struct head) == RING_SLOT_SIZE, "so is the head");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics work across processes");

/* Writes RING_HEAD_ENCODED_SIZE bytes. */
void head_write(uint8_t *encoded, uint32_t slot_count);
/* The slot count of a head that is ours, or 0. */
uint32_t head_read(const uint8_t *encoded);

/* Writes a whole slot, its commit word last. */
void slot_write(struct slot *slot, uint64_t number,
		const struct ring_message *message);

/*
 * Decodes @slot, whatever its bytes are; the checksum is not looked at. The
 * spans point into it. Returns the size of what was read after the checksum,
 * 0 if it is no slot.
 */
size_t slot_read(const struct slot *slot, struct ring_slot *ret_slot);

enum slot_state { SLOT_EMPTY, SLOT_DAMAGED, SLOT_WHOLE };

/* For slots that another life wrote: believes nothing. *@ret_number is set for
 * SLOT_WHOLE. */
enum slot_state slot_check(const struct slot *slot, uint64_t *ret_number);

struct scan {
	uint32_t *found; /* indexes of waiting slots, oldest first; owned */
	uint32_t count;
	uint32_t damaged;
	uint64_t last_number; /* highest of all whole slots, taken or not */
	uint32_t next_index;  /* the slot after that one */
};

/* Finds the slots with numbers above @last_taken. ERR_FULL: no memory. */
MUST_CHECK enum err_code scan_slots(const struct slot *slots, uint32_t count,
				    uint64_t last_taken, struct scan *ret_scan,
				    struct err *err);

#endif
