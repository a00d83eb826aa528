/*
 * inlet - what a topic below the site's prefix is for.
 *
 * Layer     gateway/core
 * Threads   any; pure
 */
#ifndef DEPOT_GATEWAY_CORE_INLET_H
#define DEPOT_GATEWAY_CORE_INLET_H

#include "gateway/ingest/reading.h"

enum inlet {
	INLET_SCAN,
	INLET_SHELF,
	INLET_RFID,
	INLET_TASK,
	INLET_COMMAND,
	INLET_NONE,
};

/* The inlet of @below ("scan/dock-1", what follows "depot/v1/org/site/"), and
 * in *@ret_rest what stands behind it ("dock-1"). */
enum inlet inlet_find(struct span below, struct span *ret_rest);

/* True for the inlets of devices, which take readings of *@ret_kind. */
MUST_CHECK bool inlet_kind(enum inlet inlet, enum reading_kind *ret_kind);

/* What follows the first four levels of @topic, whatever they are; empty if
 * it has no more. */
struct span inlet_below(struct span topic);

#endif
