/*
 * packets - which messages of the broker's session are in the ring already.
 *
 * Layer     gateway/edge
 * Threads   packets_open, packets_close: the loop's; the rest: the ring's
 *           producer (Paho's receive thread)
 * On disk   <runtime dir>/intake.packets, 1 MiB, memory-mapped, never synced
 *
 * Why (measured, mosquitto 2.0.11): while there is a queue it answers every
 * PUBACK with a whole Receive Maximum of messages, so that thousands are on
 * their way at once; and when the connection breaks it throws away the PUBACKs
 * that it has not read yet. After a kill -9 of depotd up to ten thousand
 * messages came again that were in the ledger: more than the window of a
 * device's numbers, and more than the unnamed readings that the ledger
 * remembers. So they are known again here, by packet id and content, before
 * they reach the ring.
 *
 * What always holds:
 *   - a message is known only if ring_push has returned ERR_OK for it within
 *     this session of the broker, since this machine started;
 *   - all memory and blocks are taken by packets_open.
 *
 * A message that is not known may have been pushed all the same, by a life
 * that died between the push and its note: PACKET_UNSURE.
 */
#ifndef DEPOT_GATEWAY_EDGE_PACKETS_H
#define DEPOT_GATEWAY_EDGE_PACKETS_H

#include <stdint.h>

#include "gateway/edge/ring.h"

/* The broker gives an id again after 65,535 others, some of which are for our
 * own retained topics: a note that is as old as this is of an earlier use. */
#define PACKETS_AGE_MAX 32768

struct packets;

/*
 * Opens the file at @path or makes it. One of another form, or from before
 * this machine's last start, is emptied.
 *
 * ERR_FULL  no memory, or the disk has no room
 * ERR_IO    the system refused
 */
MUST_CHECK enum err_code
packets_open(const char *path, struct packets **ret_packets, struct err *err);
/* Takes NULL. The file stays. */
void packets_close(struct packets *packets);

/* The broker has begun a new session: it will send nothing of the old one. */
void packets_forget(struct packets *packets);

enum packet_verdict {
	PACKET_NEW,    /* it is not in the ring, whatever its dup flag says */
	PACKET_KNOWN,  /* it is in the ring, or was: acknowledge and drop it */
	PACKET_UNSURE, /* it may be: the ledger has to find out */
};

/* For a message of QoS 1 that the broker says it sends again. */
enum packet_verdict packets_look(const struct packets *packets,
				 const struct ring_message *message);

/* Around the push of a message of QoS 1. */
void packets_begin(struct packets *packets, const struct ring_message *message);
void packets_end(struct packets *packets, const struct ring_message *message,
		 bool is_pushed);

#endif
