/*
 * asking - one command or query in work.
 *
 * Layer     gateway/core, inside the commands only
 * Threads   the command's or query's
 *
 * A handler reads its arguments, looks, acts, and writes the members of the
 * reply's object. If something is wrong with the request it says so with
 * asking_refuse and returns ERR_OK: a handler fails only when the store does.
 */
#ifndef DEPOT_GATEWAY_CORE_ASKING_H
#define DEPOT_GATEWAY_CORE_ASKING_H

#include "gateway/core/act.h"
#include "gateway/core/command.h"
#include "gateway/ingest/json.h"
#include "gateway/ingest/json_out.h"

struct asking {
	const struct view *view;
	struct moment now;
	const struct json_value *arguments;
	struct span file;
	struct json_out *out;
	bool is_refused;
	struct json_mark start; /* of the reply, to go back to */
	/* Commands only: */
	struct engine *engine;
	struct act *act;
};

typedef enum err_code command_fn(struct asking *asking, struct err *err);

/* One row of a module's table. */
struct command_row {
	struct command_spec spec;
	command_fn *run;
};

/* The tables of the modules. */
extern const struct command_row master_commands[];
extern const size_t master_command_count;

/*
 * Makes the reply an error: a stable @code, and the sentence in both languages
 * with @detail in the place of %s. Returns ERR_OK, for `return`. The first
 * refusal stays.
 */
struct refusal {
	const char *code;
	const char *en; /* with at most one %s */
	const char *zh;
};
enum err_code asking_refuse(struct asking *asking, const struct refusal *why,
			    struct span detail);

/* The same for a fault of the arguments. */
enum err_code asking_fault(struct asking *asking, const struct fault *fault);

/*
 * Members of the arguments, checked; on failure the reply is the refusal and
 * the result is false, so that handlers read on in a chain.
 */
/* Required, at least one byte and at most @max, clean text. */
MUST_CHECK bool asking_text(struct asking *asking, const char *name, size_t max,
			    struct span *ret_text);
/* Optional: an empty span if absent. */
MUST_CHECK bool asking_text_or(struct asking *asking, const char *name,
			       size_t max, struct span *ret_text);
/* Optional: @otherwise if absent. */
MUST_CHECK bool asking_int_or(struct asking *asking, const char *name,
			      struct json_range range, int64_t otherwise,
			      int64_t *ret_int);
MUST_CHECK bool asking_bool_or(struct asking *asking, const char *name,
			       bool otherwise, bool *ret_bool);

/* Posts @entry and writes its name, "epoch" and "pos", into the reply. */
MUST_CHECK enum err_code asking_post(struct asking *asking, struct entry *entry,
				     struct err *err);

#endif
