/*
 * ask - a request and its answer, from the daemon or, where none runs, from
 * the store itself.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_ASK_H
#define DEPOT_GATEWAY_CLI_ASK_H

#include "gateway/cli/cli.h"
#include "gateway/cli/direct.h"

struct session;

struct request {
	const char *name;      /* "stock.list" */
	struct span arguments; /* a JSON object; empty: none */
	int fd;                /* a sealed memfd; 0: none */
};

/* A reply that is no error. */
struct reply {
	struct span text; /* valid until the next request */
	const struct json_value *root;
	void *memory; /* of the tree */
};

/*
 * Asks. Anything but EXIT_DONE has been told to the user. On EXIT_DONE give
 * *@ret_reply to reply_release.
 */
MUST_CHECK enum exit_code ask(struct cli *cli, const struct request *request,
			      struct reply *ret_reply);
void reply_release(struct reply *reply);
/*
 * The same, but a refusal by name is the caller's to tell: *@ret_is_refused,
 * and the reply has a member "error". It is released likewise.
 */
MUST_CHECK enum exit_code ask_anyway(struct cli *cli,
				     const struct request *request,
				     struct reply *ret_reply,
				     bool *ret_is_refused);

/* The same for a reply that was made here. */
MUST_CHECK enum exit_code reply_take(struct cli *cli, struct span text,
				     struct reply *ret_reply);

/* Asks, and prints the answer's document if --json; else hands it to @show,
 * which may be NULL. */
typedef enum exit_code show_fn(const struct cli *cli,
			       const struct json_value *root);
MUST_CHECK enum exit_code
ask_show(struct cli *cli, const struct request *request, show_fn *show);

/*
 * Asks for all pages of a list. With --json they are printed as one document;
 * else @visit is called for each row, with the whole reply that it is of; and
 * before the first with NULL for the row, for what stands beside the list.
 */
typedef void row_fn(void *context, const struct json_value *root,
		    const struct json_value *row);
MUST_CHECK enum exit_code ask_pages(struct cli *cli,
				    const struct request *request,
				    row_fn *visit, void *context);

/* The list in a reply: its first member that is one. NULL: none. */
const struct json_value *reply_list(const struct json_value *root);

/* Whether a daemon runs. Anything but EXIT_DONE was told. */
MUST_CHECK enum exit_code ask_daemon(struct cli *cli, bool *ret_is_there);

/*
 * Whether no daemon runs; then *@ret_direct is the store, open in @mode at
 * least (closed by the program's end). Anything but EXIT_DONE was told.
 */
MUST_CHECK enum exit_code ask_direct(struct cli *cli, enum env_mode mode,
				     struct direct **ret_direct);

/*
 * @path's content ("-": of stdin) as a sealed memfd, for a request; at most
 * 256 MiB. To be closed by the caller.
 */
MUST_CHECK enum exit_code ask_file(const struct cli *cli, const char *path,
				   int *ret_fd);

/* Ends what was opened. Takes a cli that asked nothing. */
void ask_end(struct cli *cli);

#endif
