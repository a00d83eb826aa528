/*
 * valve - slows down or cuts this process's connections to a broker.
 *
 * Layer     gateway/edge
 * Threads   any; also a Paho callback
 *
 * Why (measured, Paho 1.3.12 and mosquitto 2.0.11): Paho reads as fast as the
 * broker sends and acknowledges when the callback returns, whatever it
 * returns; with a queue, mosquitto answers every PUBACK with a whole Receive
 * Maximum of messages; and after a disconnect Paho needs more than a second to
 * connect again (its receive thread polls for reading only while the connect
 * is under way). A disconnect for each moment in which the ring is high would
 * cost more than the moment. So:
 *
 *   - valve_close lets the kernel hold back what arrives: the socket counts as
 *     readable only with VALVE_BYTES waiting (SO_RCVLOWAT, socket(7)). Paho
 *     sees nothing and acknowledges nothing; sending goes on, and valve_open
 *     wakes the reader at once. It does not hold when more arrives than the
 *     receive window takes, for then the socket is readable again;
 *   - valve_lock does hold: Paho reads from a socket only while it can write
 *     to it, and with TCP_CORK and a TCP_NOTSENT_LOWAT of one byte (tcp(7))
 *     it is not writable from the next PUBACK on. The price: nothing that is
 *     written leaves, and Paho looks again after up to 100 ms. (After 200 ms
 *     the kernel sends what is corked all the same, and one message more comes
 *     through; so does each push of mqtt_pace.h, one a commit, and a commit
 *     empties more of the ring than that fills.);
 *   - valve_cut is for a message that has arrived and cannot be kept: with the
 *     connection shut down, its PUBACK has nowhere to go, and the broker sends
 *     the message again. Also for a connection that answers nothing.
 *
 * All act on every TCP connection of this process to @port of any host,
 * and return how many there were. They never block and allocate nothing. Paho
 * does not tell its descriptors, so all of the process are looked at (some ten
 * microseconds).
 */
#ifndef DEPOT_GATEWAY_EDGE_VALVE_H
#define DEPOT_GATEWAY_EDGE_VALVE_H

#include <stdbool.h>
#include <stdint.h>

/* As much as the kernel will have: it lowers this to half of tcp_rmem. */
#define VALVE_BYTES (64 << 20)

unsigned valve_close(uint16_t port);
unsigned valve_lock(uint16_t port);
/* Undoes valve_lock: what was to be sent leaves. */
unsigned valve_unlock(uint16_t port);
/* Undoes both. */
unsigned valve_open(uint16_t port);
/* Whether small packets leave at once, what waits among them (TCP_NODELAY), or
 * gather; see mqtt_pace.h. */
unsigned valve_prompt(uint16_t port, bool is_prompt);
/* Shuts down both directions; the descriptors stay open and stay Paho's. */
unsigned valve_cut(uint16_t port);

#endif
