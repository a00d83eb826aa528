/*
 * join_over_parts - a joining over a link that is under way.
 *
 * Layer     programs; internal to join_over
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_JOIN_OVER_PARTS_H
#define DEPOT_GATEWAY_CLI_JOIN_OVER_PARTS_H

#include "gateway/cli/commission.h"
#include "gateway/cli/join_ask.h"
#include "gateway/cli/join_over.h"
#include "store/file.h"

#define LINK_LINES_SIZE 1024

/* What the child finds out; it is another process's memory, too. */
struct finding {
	struct join_state state;
	bool has_state;
	bool is_member;
	bool is_other; /* another code is answered already */
	bool has_store;
	uint32_t site; /* its number, once it is a member, */
	uint32_t epoch;
	bool is_certified; /* and whether HQ's word for it is here */
	enum join_silence silence;
	bool is_unowned; /* a founding was cut short before its account */
};

struct over {
	struct cli *cli;
	const struct join_code *code; /* NULL: go on */
	struct commission commission;
	const char *path;
	const char *uri; /* NULL: neither said nor configured */
	bool is_said;    /* by an option, or in the code */
	char uri_text[JOIN_URI_SIZE];
	char link[LINK_LINES_SIZE]; /* lines of [link hq] */
	char options[LINK_LINES_SIZE];
	char program[FILE_PATH_SIZE];
	int64_t wait_s;
	struct finding *finding; /* shared with the child */
	struct err why;          /* HQ has not answered */
};

/* Reads the configuration and finds HQ's broker; over_ask is next. Anything but
 * EXIT_DONE was told. End with over_end either way. */
MUST_CHECK enum exit_code over_begin(struct over *over, struct cli *cli,
				     const struct join_code *code);
void over_end(struct over *over);

/* HQ has answered: the configuration says so, and then the state. Anything but
 * EXIT_DONE was told. */
MUST_CHECK enum exit_code over_ready_make(struct over *over);

/* ---- join_way.c ---- */

/* How long to ask. EXIT_USAGE was told. */
MUST_CHECK enum exit_code over_wait_find(struct over *over);
/* From the option, the code, or the first link that is configured. EXIT_USAGE
 * was told. */
MUST_CHECK enum exit_code over_uri_find(struct over *over);
/* What the broker wants besides: from the options, else as it is configured. */
void over_options_find(struct over *over);
/* Beside this program, else where the package has it. */
void over_program_find(struct over *over);
/* The configuration is to have the link, unless it has. */
void over_link_lines(struct over *over);

/* ---- join_find.c ---- */

/* Looks how far it is, and asks HQ if that is due, in a child: ->finding. That
 * nobody answered is EXIT_DONE, and ->why says so. */
MUST_CHECK enum exit_code over_ask(struct over *over);

/* ---- join_show.c ---- */

/* Tells how far it is, and what to type next; @stage is for --json. */
void over_show(const struct over *over, const char *stage, bool is_running);

#endif
