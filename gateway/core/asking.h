/*
 * asking - one command or query in work.
 *
 * Layer     gateway/core, inside the commands only
 * Threads   the command's or query's
 *
 * A handler reads its arguments, looks, acts, and writes the members of the
 * reply's object. If something is wrong with the request it says so with
 * asking_refuse and returns ERR_OK: a handler fails only when the store does.
 * A handler that refuses has written nothing: it looks first.
 */
#ifndef DEPOT_GATEWAY_CORE_ASKING_H
#define DEPOT_GATEWAY_CORE_ASKING_H

#include "gateway/core/act.h"
#include "gateway/core/event.h"
#include "gateway/core/site_age.h"
#include "gateway/core/spec.h"
#include "gateway/core/terms.h"
#include "gateway/core/verdict.h"
#include "gateway/ingest/gs1_key.h"
#include "gateway/ingest/json.h"
#include "gateway/ingest/json_out.h"

struct asking {
	const struct view *view;
	struct moment now;       /* 0: the clock cannot be trusted */
	const struct zone *zone; /* the site's; NULL: not known here */
	site_age_fn *age;        /* NULL: nobody tells */
	void *age_context;
	const struct command *command;
	struct json *json; /* where the arguments lie: a parse ends them */
	const struct json_value *arguments;
	struct json_out *out;
	struct json_mark start; /* of the reply, to go back to */
	struct ref id;          /* as its sender named it; empty: not */
	bool is_networked;      /* there is an HQ */
	uint32_t look_max;      /* entries of the journal that one call may look
				 * at */
	bool is_refused;
	/* Commands only: */
	struct engine *engine;
	struct act *act;
	bool is_idle; /* it has written nothing, and need not be committed */
};

typedef enum err_code command_fn(struct asking *asking, struct err *err);

/* One row of a module's table. */
struct command_row {
	struct command_spec spec;
	command_fn *run;
	/* The argument that names its thing, where "id" alone names that too:
	 * then the command has no id of its own. NULL for most. */
	const char *thing;
};

/* A module's rows. */
struct command_table {
	const struct command_row *rows;
	size_t count;
};

extern const struct command_table master_commands;
extern const struct command_table import_commands;
extern const struct command_table stock_commands;
extern const struct command_table work_commands;
extern const struct command_table parked_commands;
extern const struct command_table stock_queries;
extern const struct command_table master_queries;
extern const struct command_table work_queries;
extern const struct command_table journal_queries;
extern const struct command_table trace_queries;
extern const struct command_table check_commands;
extern const struct command_table transfer_commands;
extern const struct command_table transfer_queries;
extern const struct command_table hq_commands;
extern const struct command_table carry_commands;
extern const struct command_table close_commands;
extern const struct command_table hq_queries;
extern const struct command_table network_check_queries;
extern const struct command_table succession_commands;
extern const struct command_table ask_commands;
extern const struct command_table adopt_commands;

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

/* The same for a fault of the arguments, and for a verdict that is not open.
 */
enum err_code asking_fault(struct asking *asking, const struct fault *fault);
enum err_code asking_verdict(struct asking *asking,
			     const struct verdict *verdict);

/* Refusals that several commands have. */
extern const struct refusal refusal_unknown_item;
extern const struct refusal refusal_unknown_bin;
extern const struct refusal refusal_unknown_device;
extern const struct refusal refusal_unknown_word;
extern const struct refusal refusal_unknown_entry;
extern const struct refusal refusal_unknown_site;
extern const struct refusal refusal_too_long;

/* @why's sentence in one language, cut to fit and terminated. */
void refusal_text(const struct refusal *why, bool is_chinese,
		  struct span detail, char *buffer, size_t size);
#define REFUSAL_TEXT_SIZE 512

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
/* Required. */
MUST_CHECK bool asking_int(struct asking *asking, const char *name,
			   struct json_range range, int64_t *ret_int);
/* Optional: @otherwise if absent. */
MUST_CHECK bool asking_int_or(struct asking *asking, const char *name,
			      struct json_range range, int64_t otherwise,
			      int64_t *ret_int);
MUST_CHECK bool asking_bool_or(struct asking *asking, const char *name,
			       bool otherwise, bool *ret_bool);
/* A word of @set (terms.h); optional: @otherwise if absent. */
MUST_CHECK bool asking_term_or(struct asking *asking, const char *name,
			       enum term_set set, uint32_t otherwise,
			       uint32_t *ret_value);
/* An entry's name, "1.4711"; optional: pos 0 if absent. */
MUST_CHECK bool asking_pos_or(struct asking *asking, const char *name,
			      struct pos *ret_pos);

/* The text under which a code is kept and looked up: a GTIN of any length as
 * 14 digits (in @gtin), anything else as it is. */
struct span code_canonical(struct span text, char gtin[GS1_GTIN_SIZE]);

/* The item that @text means: its SKU, or one of its codes. ERR_NOT_FOUND. */
MUST_CHECK enum err_code item_lookup(const struct view *view, struct span text,
				     struct item_no *ret_item, struct err *err);

/* The item that the argument @name means; required. False also when the store
 * fails: *@ret_code tells (ERR_OK: refused). */
MUST_CHECK bool asking_item(struct asking *asking, const char *name,
			    struct item_no *ret_item, enum err_code *ret_code,
			    struct err *err);

/* The site that the argument @name means, by its number or its name in the
 * roster; required. A number need not be known here yet. False as of
 * asking_item. */
MUST_CHECK bool asking_site(struct asking *asking, const char *name,
			    uint32_t *ret_site, enum err_code *ret_code,
			    struct err *err);

/* Reads "epoch.number". */
MUST_CHECK bool pos_parse(struct span text, struct pos *ret_pos);
/* The entry's name as the member @key. */
void pos_out(struct json_out *out, const char *key, struct pos pos);

/* Posts @entry and writes its name into the reply: "entry" ("1.4711"), and
 * "epoch" and "pos" apart. */
MUST_CHECK enum err_code asking_post(struct asking *asking, struct entry *entry,
				     struct err *err);
void asking_posted(struct asking *asking, struct pos pos);

#endif
