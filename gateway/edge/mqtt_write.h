/*
 * mqtt_write - a failed write is not told to Paho.
 *
 * Layer     gateway/edge; internal to mqtt.c
 * Threads   any
 *
 * Why (read in the source of 1.3.12, seen under AddressSanitizer; 1.3.15 has it
 * still): where a publish of QoS 1 cannot be written because the connection
 * has just broken, Paho's send thread frees the topic and the payload with the
 * command (MQTTAsync_processCommand, freeCommand), while the session's list of
 * what is unacknowledged keeps them (MQTTProtocol_startPublish). At the next
 * connect it sends the freed bytes once more, if the broker remembers the
 * session, and frees them again if not. A broker that dies or stalls, a NAT
 * that resets, our own valve_cut: each of them can do it. Nothing of Paho's
 * interface can prevent or mend it, and only a process that ends gets rid of
 * it.
 *
 * So this object defines writev and SSL_write, which Paho calls, before the C
 * library and OpenSSL do. What fails in one of Paho's threads, otherwise than
 * for want of room, shuts the connection down and counts as written. Paho's
 * receive thread finds the end of the connection at its next look, as it does
 * where the peer closed it after a write that went well, and everything goes
 * the one way that is sound: the message waits for its PUBACK and is sent again
 * in the next connection, or forgotten with the session.
 *
 * Any other thread's writes are passed on as they are.
 */
#ifndef DEPOT_GATEWAY_EDGE_MQTT_WRITE_H
#define DEPOT_GATEWAY_EDGE_MQTT_WRITE_H

#include <stdint.h>

/* Finds what is behind them; before Paho is used, as often as you like. */
void mqtt_write_begin(void);

/* How many failed writes Paho was not told of, since the process began. */
uint64_t mqtt_write_failures(void);

#endif
