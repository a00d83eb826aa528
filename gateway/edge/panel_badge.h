/*
 * panel_badge - the phones that are paired with the operator page.
 *
 * Layer     gateway/edge
 * Threads   the caller sees to it that one at a time
 * On disk   <store>-keys/page.badges, mode 0600: a line of version, then
 *           DEVICE ACCOUNT HASH SINCE_MS a line
 *
 * A badge lets one browser speak as one device for one account. The browser
 * holds a token of 130 bits; what is kept is its hash, beside the other keys,
 * not in the ledger (broker_account.h says why). A device has one badge:
 * pairing it again ends the one before, so that two phones never answer to
 * one name.
 */
#ifndef DEPOT_GATEWAY_EDGE_PANEL_BADGE_H
#define DEPOT_GATEWAY_EDGE_PANEL_BADGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/err.h"
#include "rules/base/ids.h"
#include "rules/base/stamp.h"

#define BADGES_MAX 64
#define BADGES_NAME "page.badges"
#define BADGE_HASH_SIZE 32
#define BADGE_TOKEN_SIZE 27 /* with its NUL: 26 characters of base 32 */

struct badge {
	struct name device; /* empty: the place is free */
	struct name account;
	uint8_t hash[BADGE_HASH_SIZE];
	struct moment since;
};

/* Places keep their index as long as a badge stands in them. */
struct badges {
	struct badge at[BADGES_MAX];
};

/* Draws @size - 1 characters of Crockford's base 32, 5 bits each; terminated.
 */
void badge_draw(char *ret_text, size_t size);

/* The hash of a token or code; it is long and random, so nothing is stretched.
 */
void badge_hash(struct span token, uint8_t ret_hash[BADGE_HASH_SIZE]);

/* The place of the badge that @token opens; false if there is none. Takes the
 * same time wherever it stands, and for every wrong token. */
MUST_CHECK bool badges_find(const struct badges *badges, struct span token,
			    size_t *ret_index);

/* The place of @device's badge; false if it has none. */
MUST_CHECK bool badges_find_device(const struct badges *badges,
				   struct span device, size_t *ret_index);

/*
 * Puts @badge in the place of its device's, or in a free one.
 * ERR_FULL  there are BADGES_MAX of other devices
 */
MUST_CHECK enum err_code
badges_put(struct badges *badges, const struct badge *badge, size_t *ret_index);

/*
 * Reads those of @folder (ledger_keys_folder). No file is no badge.
 * ERR_UNSAFE   others may read it
 * ERR_CORRUPT  it is damaged; the sentence names the line
 * ERR_IO       the system refused
 */
MUST_CHECK enum err_code
badges_load(const char *folder, struct badges *ret_badges, struct err *err);
/* Replaces the file, durably. ERR_IO, ERR_FULL: the old one stands. */
MUST_CHECK enum err_code
badges_save(const char *folder, const struct badges *badges, struct err *err);

#endif
