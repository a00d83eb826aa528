/*
 * panel - the operator page: a phone's browser as a scanner with a big voice.
 *
 * Layer     gateway/edge
 * Threads   the server's own (web.h) answers; the functions here: the loop
 *
 * Served over HTTPS with the box's own certificate (panel_cert.h) to browsers
 * that were paired once (panel_offer.h, panel_badge.h). A paired browser is a
 * device and an account: what it scans is a reading of that device, what it
 * asks for is a command of that account, under its rights.
 *
 *	GET  /, /NAME     the page's own files (panel_files.h); no badge needed
 *	POST /api/pair    {"code"} -> {"device", "account"} and the badge's
 *	                  cookie; 403 bad_code, code_used, code_expired, 429
 *	GET  /api/state   what the page shows; 304 if If-None-Match still holds
 *	POST /api/scan    a reading as docs/devices.md has it, with `boot` and
 *	                  `seq` -> {"device", "ack"}; ack is null if none came
 *	                  in PANEL_SCAN_MS: send it again
 *	POST /api/command {"name", "args"?} -> the command's reply; only those
 *	                  of panel_serve.c's list
 *	POST /api/join    {"code"} -> the reply of panel_ports.join
 *	POST /api/leave   ends this browser's own badge
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
 * All is bounded: PANEL_CONNECTIONS_MAX connections, PANEL_PER_ADDRESS_MAX of
 * one address and less where few are left (web.h), PANEL_SECONDS_MAX a request,
 *bodies of PAYLOAD_IN_SIZE_MAX, PANEL_JOBS_MAX requests that wait for the loop
 *or the keeper, PANEL_RATE requests a second and badge. What is wrong is told
 *as everywhere: {"error":
 * {"code", "text_en", "text_zh"}}.
 */
#ifndef DEPOT_GATEWAY_EDGE_PANEL_H
#define DEPOT_GATEWAY_EDGE_PANEL_H

#include "gateway/edge/clock.h"
#include "gateway/edge/control.h"
#include "gateway/edge/keeper.h"
#include "gateway/edge/log.h"
#include "gateway/edge/loop.h"
#include "gateway/edge/panel_badge.h"
#include "gateway/edge/panel_offer.h"

#define PANEL_CONNECTIONS_MAX 48
#define PANEL_PER_ADDRESS_MAX 12 /* a browser takes six */
#define PANEL_HEAD_SIZE 8192
#define PANEL_SECONDS_MAX 15
#define PANEL_JOBS_MAX 16
#define PANEL_SCAN_MS 5000
#define PANEL_RATE 10  /* requests a second and badge, in the long run */
#define PANEL_BURST 60 /* and at once */
#define PANEL_BADGE_SECONDS (180 * 86400)

struct panel;

struct panel_ports {
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

struct panel_config {
	const char *address; /* used by panel_open only, as the next */
	uint16_t port;       /* 0: any free one */
	const char *keys;    /* the store's folder of keys; borrowed until
			      * panel_close, as all below */
	const char *title;   /* what people call this warehouse; may be "" */
	const char *lang;    /* "en", "zh": where a browser says nothing */
	struct ledger *ledger;
	struct keeper *keeper;
	struct loop *loop;
	const struct clock *clock;
	struct log *log;
	struct panel_ports ports;
};

/*
 * Makes the certificate where there is none, and listens.
 * Errors as web_open, panel_cert_take, badges_load.
 */
MUST_CHECK enum err_code panel_open(const struct panel_config *config,
				    struct panel **ret_page, struct err *err);
/* Answers what waits with "again", hangs up on everybody and stops listening.
 * Before the keeper stops. Takes NULL. */
void panel_stop(struct panel *page);
/* The keeper has been stopped, and so has this. Takes NULL. */
void panel_close(struct panel *page);

uint16_t panel_port(const struct panel *page);
/* Of the certificate: SHA-256, "AB:CD:..."; valid until panel_close. */
const char *panel_fingerprint(const struct panel *page);

#define PANEL_SENTENCE_SIZE 320

/* What the page says of the box beside the ledger. Copied; once a second: it
 * also ends connections that have lasted too long. */
struct panel_facts {
	const char *const *health; /* stable codes of what is wrong */
	size_t health_count;
	bool is_connected; /* to the broker: readings can be taken */
	bool can_join;     /* the box has no network yet: show the form */
	/* How far joining is, a sentence each; empty: nothing is begun. */
	char joining_en[PANEL_SENTENCE_SIZE];
	char joining_zh[PANEL_SENTENCE_SIZE];
};
void panel_update(struct panel *page, const struct panel_facts *facts);

/* An acknowledgement to @device was published. Takes NULL for @page. */
void panel_acknowledged(struct panel *page, struct span device,
			struct span payload);

/* ---- pairing ---- */

/* A one-time code for a browser that is to be @device for @account. */
void panel_offer(struct panel *page, struct name account, struct name device,
		 char ret_code[OFFER_CODE_SIZE]);

/* The badge at @index (from 0); false if that place is free. */
MUST_CHECK bool panel_badge(const struct panel *page, size_t index,
			    struct badge *ret_badge);

/* ERR_NOT_FOUND  @device has none; else as badges_save, and then it is ended
 *                all the same until the next start */
MUST_CHECK enum err_code panel_revoke(struct panel *page, struct span device,
				      struct err *err);

#endif
