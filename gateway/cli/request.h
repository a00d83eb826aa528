/*
 * request - the arguments of a request, from the words and options of a verb.
 *
 * Layer     programs
 * Threads   one
 *
 * Sticky, as json_out is: what is wrong is told once, at the place, and
 * request_end then gives EXIT_USAGE.
 */
#ifndef DEPOT_GATEWAY_CLI_REQUEST_H
#define DEPOT_GATEWAY_CLI_REQUEST_H

#include "gateway/cli/ask.h"

struct request_draft {
	struct cli *cli;
	enum exit_code exit;
	struct json_out out;
	char text[ARGUMENTS_SIZE_MAX];
};

/* How an option becomes a member. */
enum member_form {
	MEMBER_TEXT,
	MEMBER_NUMBER,
	MEMBER_FLAG,   /* given is true */
	MEMBER_UNFLAG, /* given is false */
	MEMBER_LIST,   /* texts between commas */
};
struct member_map {
	const char *option; /* "--zone" */
	const char *member; /* "zone" */
	enum member_form form;
};

void request_begin(struct request_draft *draft, struct cli *cli);
/* NULL adds nothing. */
void request_text(struct request_draft *draft, const char *member,
		  const char *text);
void request_number(struct request_draft *draft, const char *member,
		    const char *text);
/* The options that were given. */
void request_options(struct request_draft *draft, const struct member_map *maps,
		     size_t count);
/* @ret_request borrows from @draft. */
MUST_CHECK enum exit_code request_end(struct request_draft *draft,
				      const char *name,
				      struct request *ret_request);

/* All at once: begins was done; ends, asks, shows. */
MUST_CHECK enum exit_code request_show(struct request_draft *draft,
				       const char *name, show_fn *show);

/* The same for a list, as a table. */
struct listing {
	const struct column *columns;
	size_t count;
	const char *nothing_en; /* instead of an empty table */
	const char *nothing_zh;
	bool has_age; /* its figures change with every scan: says as of when */
};
MUST_CHECK enum exit_code request_list(struct request_draft *draft,
				       const char *name,
				       const struct listing *listing);

/* The line below figures: "as of 2026-11-22T10:00:00Z, entry 1.17". */
void show_age(const struct cli *cli, const char *as_of, const char *head);

/* A show_fn: "done, entry 1.17". */
enum exit_code show_done(const struct cli *cli, const struct json_value *root);

/* The sentence about a transfer that was opened or closed, where the answer has
 * one; nothing with --json. */
void turned_show(const struct cli *cli, const struct json_value *root);

/*
 * "done", the document with --json, or @not_there of the verb's first word
 * where the answer says that there was nothing to remove. Releases @reply.
 */
enum exit_code show_removed(struct cli *cli, struct reply *reply,
			    const struct control_refusal *not_there);

#endif
