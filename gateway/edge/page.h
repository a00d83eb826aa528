/*
 * page - the operator page: a phone's browser as a scanner with a big voice.
 *
 * Layer     gateway/edge
 * Threads   the server's own (web.h) answers; the functions here: the loop
 *
 * Served over HTTPS with the box's own certificate (page_cert.h) to browsers
 * that were paired once (page_offer.h, page_badge.h). A paired browser is a
 * device and an account: what it scans is a reading of that device, what it
 * asks for is a command of that account, under its rights.
 *
 *	GET  /, /NAME     the page's own files (page_files.h); no badge needed
 *	POST /api/pair    {"code"} -> {"device", "account"} and the badge's
 *	                  cookie; 403 bad_code, code_used, code_expired, 429
 *	GET  /api/state   what the page shows; 304 if If-None-Match still holds
 *	POST /api/scan    a reading as docs/devices.md has it, with `boot` and
 *	                  `seq` -> {"device", "ack"}; ack is null if none came
 *in PAGE_SCAN_MS: send it again POST /api/command {"name", "args"?} -> the
 *command's reply; only those of page_serve.c's list POST /api/join    {"code"}
 *-> the reply of page_ports.join POST /api/leave   ends this browser's own
 *badge
 *
 * A reading takes the way of every reading: it is published to the broker,
 * comes back into the intake ring, is booked by the keeper, and answered by
 * the device's acknowledgement. It is named by (device, boot, seq), so the
 * browser keeps it and sends it again until its acknowledgement has come, and
 * it counts once.
 *
 * What a stranger's page could make a browser do is refused: the cookie is
 * HttpOnly, Secure and SameSite=Strict, a POST needs an Origin that is this
 * host, and JSON as its type; nothing is loaded from elsewhere (CSP).
 *
 * All is bounded: PAGE_CONNECTIONS_MAX connections of PAGE_SECONDS_MAX a
 * request, bodies of PAYLOAD_IN_SIZE_MAX, PAGE_JOBS_MAX requests that wait for
 * the loop or the keeper, PAGE_RATE requests a second and badge. What is wrong
 * is told as everywhere: {"error": {"code", "text_en", "text_zh"}}.
 */
#ifndef DEPOT_GATEWAY_EDGE_PAGE_H
#define DEPOT_GATEWAY_EDGE_PAGE_H

#include "gateway/edge/clock.h"
#include "gateway/edge/control.h"
#include "gateway/edge/keeper.h"
#include "gateway/edge/log.h"
#include "gateway/edge/loop.h"
#include "gateway/edge/page_badge.h"
#include "gateway/edge/page_offer.h"

#define PAGE_CONNECTIONS_MAX 48
#define PAGE_HEAD_SIZE 8192
#define PAGE_SECONDS_MAX 15
#define PAGE_JOBS_MAX 16
#define PAGE_SCAN_MS 5000
#define PAGE_RATE 10  /* requests a second and badge, in the long run */
#define PAGE_BURST 60 /* and at once */
#define PAGE_BADGE_SECONDS (180 * 86400)

struct page;

struct page_ports {
	/* Publishes @payload as a reading of @device. ERR_AGAIN: there is no
	 * connection, or no room. */
	enum err_code (*scan)(void *context, struct span device,
			      struct span payload);
	/* Begins to join a network by the code in @arguments; writes the
	 * members of the reply as a control_extra does. NULL: it cannot. */
	bool (*join)(void *context, const struct json_value *arguments,
		     struct json_out *out);
	void *context;
};

struct page_config {
	const char *address; /* used by page_open only, as the next */
	uint16_t port;       /* 0: any free one */
	const char *keys;    /* the store's folder of keys; borrowed until
			      * page_close, as all below */
	const char *title;   /* what people call this warehouse; may be "" */
	const char *lang;    /* "en", "zh": where a browser says nothing */
	struct ledger *ledger;
	struct keeper *keeper;
	struct loop *loop;
	const struct clock *clock;
	struct log *log;
	struct page_ports ports;
};

/*
 * Makes the certificate where there is none, and listens.
 * Errors as web_open, page_cert_take, badges_load.
 */
MUST_CHECK enum err_code page_open(const struct page_config *config,
				   struct page **ret_page, struct err *err);
/* Answers what waits with "again", hangs up on everybody and stops listening.
 * Before the keeper stops. Takes NULL. */
void page_stop(struct page *page);
/* The keeper has been stopped, and so has this. Takes NULL. */
void page_close(struct page *page);

uint16_t page_port(const struct page *page);
/* Of the certificate: SHA-256, "AB:CD:..."; valid until page_close. */
const char *page_fingerprint(const struct page *page);

/* What the page says of the box beside the ledger. Copied; once a second: it
 * also ends connections that have lasted too long. */
struct page_facts {
	const char *const *health; /* stable codes of what is wrong */
	size_t health_count;
	bool is_connected; /* to the broker: readings can be taken */
	bool can_join;     /* the box has no network yet: show the form */
};
void page_update(struct page *page, const struct page_facts *facts);

/* An acknowledgement to @device was published. Takes NULL for @page. */
void page_acknowledged(struct page *page, struct span device,
		       struct span payload);

/* ---- pairing ---- */

/* A one-time code for a browser that is to be @device for @account. */
void page_offer(struct page *page, struct name account, struct name device,
		char ret_code[OFFER_CODE_SIZE]);

/* The badge at @index (from 0); false if that place is free. */
MUST_CHECK bool page_badge(const struct page *page, size_t index,
			   struct badge *ret_badge);

/* ERR_NOT_FOUND  @device has none; else as badges_save, and then it is ended
 *                all the same until the next start */
MUST_CHECK enum err_code page_revoke(struct page *page, struct span device,
				     struct err *err);

#endif
