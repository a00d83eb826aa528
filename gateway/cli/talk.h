/*
 * talk - the other end of the control socket.
 *
 * Layer     programs
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_TALK_H
#define DEPOT_GATEWAY_CLI_TALK_H

#include "gateway/cli/cli.h"

struct talk;

/*
 * Connects to the daemon that listens on @path.
 * ERR_NOT_FOUND  none does (@err untouched)
 * ERR_DENIED     this user may not come near it
 * ERR_IO, ERR_FULL
 */
MUST_CHECK enum err_code talk_open(const char *path, struct talk **ret_talk,
				   struct err *err);
/* Takes NULL. */
void talk_close(struct talk *talk);

/*
 * Sends @line, which ends in a line feed, with the file @fd (-1: none), and
 * waits for the answer: *@ret_reply, without its line feed, is borrowed until
 * the next call. Progress on the way is shown.
 *
 * ERR_AGAIN  the daemon ended before it answered
 */
MUST_CHECK enum err_code talk_ask(struct talk *talk, struct cli *cli,
				  struct span line, int fd,
				  struct span *ret_reply, struct err *err);

#endif
