/*
 * state - what the engine's files share: its storage and its handlers.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 *
 * A handler takes one reading of its kind, writes what follows from it, and
 * sets the verdict. It returns an error only when the store fails or when the
 * event cannot be taken as it is (engine.h).
 */
#ifndef DEPOT_GATEWAY_CORE_STATE_H
#define DEPOT_GATEWAY_CORE_STATE_H

#include "gateway/core/act.h"
#include "gateway/core/answers.h"
#include "gateway/core/event.h"
#include "gateway/core/operate.h"
#include "gateway/core/resolve.h"
#include "gateway/core/verdict.h"
#include "gateway/ingest/reading.h"
#include "gateway/ingest/scan_text.h"
#include "store/parked.h"

#define TOPIC_PREFIX_SIZE (sizeof("depot/v1///") + 2 * NAME_SIZE_MAX)

/* Devices whose silence is watched. */
#define ENGINE_DEVICES_MAX 4096

/* Recurring checks that can be asked without a trusted clock. */
#define ENGINE_CHECKS_MAX 256

/* What this run knows of one; times are since the box started. */
struct check_watch {
	struct name check;
	struct name task; /* that was seen open */
	int64_t seen_ms;  /* when it was seen first */
	int64_t asked_ms; /* when the check was asked for last */
	bool was_asked;
};

struct engine {
	struct engine_plan plan;
	struct engine_counters counters;
	char prefix[TOPIC_PREFIX_SIZE]; /* "depot/v1/org/site/" */

	/* One reading in work. */
	struct json json;
	unsigned char *json_memory;
	struct reading reading;
	struct scan_text scan;
	struct found found[READING_CODES_MAX];
	char retried[PARKED_RAW_SIZE_MAX]; /* a parked message in work, */
	uint64_t retrying;                 /* and its number; 0: none */

	/* By device_no: when it was heard last, since this start. */
	struct moment heard[ENGINE_DEVICES_MAX];
	struct moment started;  /* of the first tick */
	struct moment trimmed;  /* when observations were trimmed last */
	uint64_t transfer_rows; /* in the table when parked pallets were tried
				 */
	struct moment parents_looked; /* of boxes that were replaced */
	struct pos master_tried; /* the master feed's end when parked codes were
				  */
	/* The transfer at which the last tick stopped looking for late ones. */
	struct place_name transfer_after;
	/* Control's end when no intent was left to be carried out; and the one
	 * that was tried last. */
	struct pos intents_seen;
	struct ref intent_tried;
	bool step_wrote;

	struct check_watch watches[ENGINE_CHECKS_MAX];
	size_t watch_count;
	struct moment trusted_since; /* the first tick with a trusted clock */
};

/* The reading in work, beside engine->reading. */
struct intake {
	struct engine *engine;
	struct act act;
	struct device device;
	struct device_no device_no;
	struct moment now;
	struct message message; /* borrowed */
};

MUST_CHECK enum err_code on_scan(struct intake *intake, struct verdict *verdict,
				 struct err *err);
MUST_CHECK enum err_code on_session(struct intake *intake,
				    struct verdict *verdict, struct err *err);
MUST_CHECK enum err_code on_shelf(struct intake *intake,
				  struct verdict *verdict, struct err *err);
MUST_CHECK enum err_code on_rfid(struct intake *intake, struct verdict *verdict,
				 struct err *err);
MUST_CHECK enum err_code on_tick(struct engine *engine, struct batch *batch,
				 const struct event *event,
				 struct answers *answers, struct err *err);

/* Opens and closes the alerts of transfers that are late; TRANSFERS_A_TICK are
 * looked at, and the next tick goes on. */
#define TRANSFERS_A_TICK 32
MUST_CHECK enum err_code on_transfers(struct engine *engine, struct act *act,
				      struct err *err);

/* Runs a rule's command. ERR_INVALID: the command is no such thing, a mistake
 * of ours; else errors as engine_step. */
MUST_CHECK enum err_code rule_run(struct engine *engine, struct batch *batch,
				  const struct command *command,
				  struct err *err);

/* Begins the work on @event, a message, and sets the batch's time. */
void intake_begin(struct intake *intake, struct engine *engine,
		  struct batch *batch, const struct event *event);

/* The device that @topic, scan/, shelf/ or rfid/, is of; false for others. */
MUST_CHECK bool inlet_device(const struct engine *engine, struct span topic,
			     struct span *ret_device,
			     enum reading_kind *ret_kind);

/* Reads the message in work, of the intake's device, into engine->reading and
 * sets the act's actor and effective time. False: *@fault tells; the reading's
 * name is there all the same if it has one. */
bool intake_parse(struct intake *intake, enum reading_kind kind,
		  struct fault *fault);

/* Hands the reading in work to its handler. */
MUST_CHECK enum err_code
intake_handle(struct intake *intake, struct verdict *verdict, struct err *err);

/* Resolves code @index of the scan in work into engine->found[@index]. */
MUST_CHECK enum err_code scan_resolve(struct intake *intake, size_t index,
				      struct err *err);

/*
 * Says as @word what the entries @posted moved, or took back: the operation,
 * and "12 x MUG [LOT42] -> A-01". Nothing is said if they moved nothing.
 */
struct posted;
MUST_CHECK enum err_code
session_say_moved(struct intake *intake, struct verdict *verdict,
		  enum word word, const struct posted *posted, struct err *err);

/* Parks the scan in work as a complete reading of @operation, since the session
 * will have moved on by the time that its code is named. */
struct operation;
MUST_CHECK enum err_code session_park(struct intake *intake,
				      const struct operation *operation,
				      struct verdict *verdict, struct err *err);

/* Ends the count of the session's bin, if it has one: states what was scanned
 * and what was not, and says so. */
struct session;
MUST_CHECK enum err_code session_count_close(struct intake *intake,
					     const struct session *session,
					     struct verdict *verdict,
					     struct err *err);

/*
 * What DONE means for the transfer of the session, if it has one: what went out
 * is the whole packing list; what came in is settled, after DONE was scanned
 * once more if anything is missing or too much. Then @session's `to`, which no
 * transfer uses, holds something until the next scan.
 */
MUST_CHECK enum err_code session_transfer_done(struct intake *intake,
					       struct session *session,
					       struct verdict *verdict,
					       struct err *err);

/* Takes the scan in work for the number of a transfer that the session loads or
 * unloads. One that is none of ours is refused before anything is booked. */
MUST_CHECK enum err_code session_transfer_take(struct intake *intake,
					       enum reading_op op,
					       struct ref *ret_id,
					       struct verdict *verdict,
					       struct err *err);

/* The one transfer that this site has created and not shipped, if there is
 * exactly one; else *@ret_id is empty. */
MUST_CHECK enum err_code session_transfer_find(struct intake *intake,
					       struct ref *ret_id,
					       struct err *err);

/* Sets the problem of the first bad code of the scan in work, if it has one:
 * it is not stored with the answer, and the same text gives the same. */
MUST_CHECK enum err_code scan_problem_find(struct intake *intake,
					   struct verdict *verdict,
					   struct err *err);

/* Takes back what the act's device or account booked last. */
MUST_CHECK enum err_code undo_last(struct intake *intake,
				   struct verdict *verdict, struct err *err);

/* True if the entries @first to @last are not too far back, and none of them
 * has been taken back since. */
MUST_CHECK enum err_code undo_is_open(struct batch *batch, struct pos first,
				      struct pos last, bool *ret_is,
				      struct err *err);

/*
 * Parks the message in work, or instead of its payload @payload (if not
 * empty), with the verdict's word, and leaves a loss record for what had to
 * make room.
 */
MUST_CHECK enum err_code intake_park(struct intake *intake,
				     const struct verdict *verdict,
				     struct span payload, struct err *err);

#endif
