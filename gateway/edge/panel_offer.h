/*
 * panel_offer - one-time codes with which a phone is paired.
 *
 * Layer     gateway/edge
 * Threads   the caller sees to it that one at a time
 *
 * A code is drawn for an account and a device, shown once (as a QR code), good
 * for OFFER_LIFE_MS and for one use. It has 80 bits, which nobody guesses in
 * ten minutes. Who tries is told so: OFFER_MISSES_MAX wrong codes in a minute,
 * and for the rest of it the others are told to wait. A right one opens all the
 * while, or anybody on the network could keep everybody from being paired.
 * Nothing of it is kept over a restart.
 */
#ifndef DEPOT_GATEWAY_EDGE_PANEL_OFFER_H
#define DEPOT_GATEWAY_EDGE_PANEL_OFFER_H

#include "gateway/edge/panel_badge.h"

#define OFFERS_MAX 8
#define OFFER_CODE_SIZE 17 /* with its NUL: 16 characters of base 32 */
#define OFFER_LIFE_MS 600000
#define OFFER_MISSES_MAX 10
#define OFFER_MISSES_MS 60000

struct offer {
	struct name account; /* empty: never used */
	struct name device;
	uint8_t hash[BADGE_HASH_SIZE];
	int64_t until_ms; /* monotonic */
	bool is_used;
};

struct offers {
	struct offer at[OFFERS_MAX];
	int64_t misses_from_ms;
	unsigned misses;
};

/* Draws a code, which is told here and never again. The oldest offer makes
 * way; an unused one of the same device, too. */
void offer_make(struct offers *offers, struct name account, struct name device,
		int64_t now_ms, char ret_code[OFFER_CODE_SIZE]);

enum offer_verdict {
	OFFER_GOOD,    /* *@ret_offer is whose it is; it is used now */
	OFFER_UNKNOWN, /* there is no such code */
	OFFER_EXPIRED,
	OFFER_USED,
	OFFER_SLOW, /* there is none, and too many wrong ones came before */
};

/* @code as typed: in either case, with or without hyphens and blanks, and with
 * O for 0, I or L for 1. */
enum offer_verdict offer_take(struct offers *offers, struct span code,
			      int64_t now_ms, struct offer *ret_offer);

#endif
