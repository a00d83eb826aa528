/*
 * join_place - a bare box takes another one's place by an invitation's file,
 * without a link.
 *
 * Layer     gateway/cli
 * Threads   the program's
 *
 * The file has HQ's answer ahead: the epoch that the box is to open, behind the
 * one of the box before. So the box that was just founded alone opens it here
 * and carries its ask to HQ; what others have of the old book comes by sticks
 * (store/joining.h). After a crash the same command goes on where it was.
 */
#ifndef DEPOT_GATEWAY_CLI_JOIN_PLACE_H
#define DEPOT_GATEWAY_CLI_JOIN_PLACE_H

#include "gateway/sync/join.h"
#include "rules/base/err.h"

/* @answer names a box before. Takes its place with the store at @path, unless
 * that is done. ERR_CONFLICT: that store is another site's, or beyond that
 * epoch. Else as joining_open, keys_make */
MUST_CHECK enum err_code join_place_take(const char *path,
					 const struct join_answer *answer,
					 struct err *err);

#endif
