/*
 * event - what the engine is given, one at a time.
 *
 * Layer     gateway/core
 * Threads   plain data
 *
 * Everything that may change the ledger comes in as an event, with the time
 * as part of it: the engine has no clock. The same events give the same rows.
 */
#ifndef DEPOT_GATEWAY_CORE_EVENT_H
#define DEPOT_GATEWAY_CORE_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/base/ids.h"
#include "rules/base/stamp.h"

enum event_kind {
	EVENT_MESSAGE, /* a publish from the broker */
	EVENT_COMMAND, /* the CLI, a page, or an integrator asks for something
			*/
	EVENT_TICK,    /* time has passed: time-outs, silence, trimming */
	EVENT_INTENT,  /* what HQ asks may be carried out, if there is any */
};

/* A publish as it came. The spans are borrowed for the step. */
struct message {
	struct span topic; /* whole: "depot/v1/org/site/scan/dock-1" */
	struct span payload;
	struct span response;    /* MQTT 5's Response Topic; empty: none */
	struct span correlation; /* and Correlation Data, any bytes */
	uint16_t packet_id;
	bool is_again;   /* MQTT's dup flag */
	bool is_cut;     /* the payload was longer than what is here */
	uint32_t deaths; /* times that the daemon died on it */
};

struct json_out;

/* Somebody asks for something: core/command.h. */
struct command {
	struct name account;    /* who; the caller has checked that they may
				 * speak for it */
	struct span name;       /* "item.import" */
	struct span arguments;  /* a JSON object, or empty; borrowed */
	struct span file;       /* the content that goes with it; borrowed */
	struct json_out *reply; /* the result is written here */
	bool is_rule;           /* @account is a rule of the house: there is no
				 * reply, and the commands are those of
				 * core/command_alert.c alone */
};

struct event {
	enum event_kind kind;
	struct moment at;
	bool clock_trusted;
	int64_t uptime_ms; /* of a tick: since the box started */
	union {
		struct message message;
		struct command command;
	} body;
};

#endif
