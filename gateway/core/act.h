/*
 * act - one event in work: who does it, when it happened, where it is written.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_CORE_ACT_H
#define DEPOT_GATEWAY_CORE_ACT_H

#include "gateway/core/plan.h"
#include "store/ledger.h"
#include "store/master.h"

struct transfer_turn; /* gateway/core/transfer_turn.h */

struct act {
	const struct engine_plan *plan;
	struct engine_counters *counters;
	struct batch *batch;
	struct actor actor;
	struct moment effective; /* 0: now */
	bool is_effective_trusted;
	struct transfer_turn *turn; /* NULL: nobody asks */
};

/* A rule of the house as actor: "intake", "tick". @name is a short name. */
struct actor actor_rule(const char *name);

/* Begins an entry of @kind with the act's actor and effective time. */
void act_entry(const struct act *act, struct entry *entry,
	       enum entry_kind kind);

/* Posts @entry, counting movements. Errors as batch_post. */
MUST_CHECK enum err_code act_post(struct act *act, struct entry *entry,
				  struct pos *ret_pos, struct err *err);

/* Opens a count task for @item (empty: all of it) in @bin, unless one is open.
 * @reason is a short code, "found", "late_movement", "blind_recount". */
MUST_CHECK enum err_code act_count_task(struct act *act, struct span bin,
					struct span item, const char *reason,
					struct err *err);

/* Opens the alert, or closes it, unless it is so already. Its id is "code" or
 * "code-subject". */
struct alarm {
	const char *code;
	enum severity severity;
	struct span subject; /* may be empty */
	int64_t value;
};
MUST_CHECK enum err_code act_alert(struct act *act, const struct alarm *alarm,
				   bool is_closed, struct err *err);
/* The same of a thing that @key names shorter than the subject says what is
 * wrong with it: the id is "code-key". Empty: as act_alert. */
MUST_CHECK enum err_code act_alert_keyed(struct act *act,
					 const struct alarm *alarm,
					 struct span key, bool is_closed,
					 struct err *err);

/* "epoch.number", for refs and sentences; terminated. */
#define POS_PRINT_SIZE 32
void pos_print(struct pos pos, char *buffer, size_t size);

#endif
