/*
 * join_file - joining without a link: an invitation and an ask on a stick.
 *
 * Layer     gateway/core; pure
 * Threads   any
 * On disk   docs/format/armour.md
 */
#ifndef DEPOT_GATEWAY_CORE_JOIN_FILE_H
#define DEPOT_GATEWAY_CORE_JOIN_FILE_H

#include "gateway/ingest/armour.h"
#include "gateway/ingest/join_code.h"
#include "gateway/sync/join.h"

/* What a box needs to become a site: the code, and HQ's answer in advance. */
struct invitation_file {
	struct join_code code;
	struct join_answer answer;
};

/* Writes @code and @frame, the ANSWER of hq_answer_ahead, as a file. */
void invitation_file_write(struct writer *writer, const struct join_code *code,
			   struct span frame);
/* Reads it. Of another's making, or not of its own code's secret, it is
 * ARMOUR_WHOLE. */
enum armour_fault invitation_file_read(struct span text,
				       struct invitation_file *ret_file,
				       unsigned *ret_line);
/* True if @text begins as such a file does. */
bool invitation_file_is(struct span text);

/* Comment lines between an invitation and the bundle that comes with it, if one
 * does (sync/bundle.h); the first tells that one was to come. */
#define INVITATION_BUNDLE_NOTE                                               \
	"# bundle\n"                                                         \
	"# What HQ says of sites and goods stands behind this line, and is " \
	"no text.\n"                                                         \
	"# 此行之后为总部的站点和商品数据，不是文本。\n"
/* A file's first bytes of which invitation_file_size needs no more. */
#define INVITATION_FILE_SIZE_MAX (2 * ARMOUR_TEXT_SIZE_MAX)
/*
 * How much of @text, which begins as an invitation, is one: the rest is the
 * bundle's. *@ret_has_bundle: one comes with it, or was to come and was cut
 * off.
 */
size_t invitation_file_size(struct span text, bool *ret_has_bundle);

/* Writes what the box says to HQ, under the code's secret. */
void ask_file_write(struct writer *writer, const struct join_code *code,
		    const struct join_ask *ask);
/* Reads it: an ASK frame, *@ret_size bytes of @frame (ARMOUR_SIZE_MAX), for
 * hq_admit to judge. */
enum armour_fault ask_file_read(struct span text, uint8_t *frame,
				size_t *ret_size, unsigned *ret_line);

#endif
