/*
 * answers - what a batch has to tell devices and askers, once it is committed.
 *
 * Layer     gateway/core
 * Threads   the keeper fills; after the commit it renders and hands on
 *
 * One acknowledgement a device and batch (one a reading costs more than half
 * of the rate): upto, and the exceptions; a full sentence for a device in a
 * session. And one reply a command that came as a message. Everything is
 * bounded: storage is taken once, at answers_open.
 */
#ifndef DEPOT_GATEWAY_CORE_ANSWERS_H
#define DEPOT_GATEWAY_CORE_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/core/words.h"
#include "rules/base/err.h"
#include "rules/base/ids.h"
#include "store/seen.h"

struct answers;

/* One reading's outcome. All spans are copied. */
struct said {
	struct span device; /* as in the topic */
	struct span boot;   /* empty: none */
	uint64_t seq;       /* 0: an unnamed reading */
	enum result result;
	struct span code;    /* stable code; empty when booked */
	struct span text_en; /* the sentence; empty when booked */
	struct span text_zh;
	struct seen_progress progress; /* of a named reading; else zeros */
	bool is_session;  /* the texts are for the person who scanned, also
			   * when it was booked */
	struct span next; /* what a session waits for: "bin", "item" ... */
	struct span what; /* word_what; empty: nothing but booked */
};

/* Storage for a batch of at most @readings. ERR_FULL: out of memory. */
MUST_CHECK enum err_code
answers_open(size_t readings, struct answers **ret_answers, struct err *err);
void answers_close(struct answers *answers);

/* Forgets everything: before a batch, and when one is abandoned. */
void answers_reset(struct answers *answers);

/* Adds one outcome. Never fails: beyond the bound the exceptions of the
 * readings that came last are left out, and upto stays below them, so that
 * the device asks again. */
void answers_add(struct answers *answers, const struct said *said);

/* The longest suffix: "res/", an account, a command, an id. */
#define ANSWERS_SUFFIX_SIZE_MAX (4 + NAME_SIZE_MAX + 1 + NAME_SIZE_MAX + 1 + 64)

/* One message to publish. */
struct answers_message {
	struct span suffix;      /* what follows the site's part of the topic:
				  * "ack/dock-1", "res/boss/move/17" */
	struct span payload;     /* at most PAYLOAD_OUT_SIZE_MAX */
	struct span correlation; /* at most CORRELATION_SIZE_MAX: the asker's
				  * own bytes, to go with it; empty: none */
};

/*
 * Adds a command's reply, which is copied. Never fails: one that has no room
 * is left out, and its sender asks again under the same id.
 */
void answers_reply(struct answers *answers,
		   const struct answers_message *reply);

/*
 * Calls @send for each message, which is borrowed until it returns. @pos is
 * the journal's end after the commit. An acknowledgement is as in TOPICS:
 * {v, boot, upto, pos, except, session?}, with `high` (the highest number
 * taken) where there is a hole below it. It speaks of what is new with this
 * commit, from `from` on (seen.h): one that was lost is missed.
 */
typedef void answers_send_fn(void *context,
			     const struct answers_message *message);
void answers_render(const struct answers *answers, struct pos pos,
		    answers_send_fn *send, void *context);

#endif
