/*
 * panel_parts - what the files of panel share.
 *
 * Layer     gateway/edge; internal to panel
 * Threads   as noted. A job is the server's while it is free or done, the
 *           loop's or the keeper's in between; its state changes under the
 *           lock
 */
#ifndef DEPOT_GATEWAY_EDGE_PANEL_PARTS_H
#define DEPOT_GATEWAY_EDGE_PANEL_PARTS_H

#include <pthread.h>

#include "gateway/edge/panel.h"
#include "gateway/edge/panel_cert.h"
#include "gateway/edge/panel_files.h"
#include "gateway/edge/queue.h"
#include "gateway/edge/web.h"
#include "store/file.h"
#include "store/seal.h"

#define PANEL_REPLY_SIZE 16384 /* of a command that writes */
#define PANEL_STATE_SIZE (192 * 1024)
#define PANEL_LIST_SIZE (56 * 1024) /* of one list in it */
#define PANEL_FACTS_SIZE 512
#define PANEL_JSON_SIZE JSON_MEMORY_SIZE(PAYLOAD_IN_SIZE_MAX)
#define PANEL_FILES_MAX 16
#define PANEL_TAG_SIZE 24
#define PANEL_COOKIE_SIZE 160
#define PANEL_COOKIE_NAME_SIZE 24

enum panel_work {
	PANEL_PAIR,
	PANEL_LEAVE,
	PANEL_SCAN,
	PANEL_COMMAND,
	PANEL_JOIN,
};

enum panel_job_state {
	PANEL_JOB_FREE,
	PANEL_JOB_WORKING,
	PANEL_JOB_DONE,
};

struct panel_job {
	struct panel *page;
	enum panel_job_state state; /* under the lock */
	struct web_visit *visit;
	enum panel_work work;
	struct name account;
	struct name device;
	char text[PAYLOAD_IN_SIZE_MAX]; /* a reading, arguments, a code */
	size_t text_size;
	const char *name; /* of the command; static */

	/* PANEL_SCAN, under way. */
	struct boot boot;
	uint64_t seq;
	int64_t deadline_ms; /* 0: no acknowledgement is waited for */

	unsigned status;
	char cookie[PANEL_COOKIE_SIZE]; /* to be set; "" for none */
	char reply[PANEL_REPLY_SIZE];
	struct json_out out;
	struct keeper_request request;
};

/* The last that was said to a device. */
struct panel_said {
	uint64_t number; /* of all acknowledgements; 0: none yet */
	size_t size;
	char payload[PAYLOAD_OUT_SIZE_MAX];
};

struct panel_bucket {
	int64_t filled_ms;
	int64_t drops; /* thousandths of a request */
};

struct panel {
	struct panel_config config;
	struct panel_cert cert;
	struct web *web;
	struct loop_source *wake_source;
	struct loop_source *beat;
	struct wake wake;
	struct queue *asked;    /* jobs, for the loop */
	struct queue *finished; /* jobs, from the keeper */
	bool is_stopped;        /* the loop's */
	struct offers offers;   /* likewise */
	uint64_t said_number;   /* likewise */
	struct json loop_json;
	void *loop_memory;

	/* The serving thread's. */
	struct desk *desk;
	struct json json;
	void *memory;
	char *state_text; /* of PANEL_STATE_SIZE */
	char *list_text;  /* of PANEL_LIST_SIZE */
	char tag[PANEL_TAG_SIZE];
	char cookie[PANEL_COOKIE_SIZE]; /* of the answer under way */
	struct panel_job draft;         /* what is read of a request */
	char file_tags[PANEL_FILES_MAX][PANEL_TAG_SIZE];

	pthread_mutex_t mutex; /* over what follows */
	/* "__Host-depot-8443=": cookies know no ports, and two boxes may share
	 * a host. */
	char cookie_name[PANEL_COOKIE_NAME_SIZE];
	bool is_stopping;
	struct panel_job jobs[PANEL_JOBS_MAX];
	struct badges badges; /* written by the loop alone */
	struct panel_said said[BADGES_MAX];
	struct panel_bucket buckets[BADGES_MAX];
	bool is_connected;
	bool can_join;
	char joining_en[PANEL_SENTENCE_SIZE];
	char joining_zh[PANEL_SENTENCE_SIZE];
	size_t health_size;
	char health[PANEL_FACTS_SIZE]; /* a JSON list */
};

void panel_lock(struct panel *page);
void panel_unlock(struct panel *page);

/* ---- panel_serve.c: the serving thread ---- */

/* A web_fn; the context is the page. */
bool panel_handle(void *context, const struct web_ask *ask,
		  struct web_answer *ret_answer);

/* Who asks. */
struct panel_guest {
	size_t index; /* of the badge */
	struct name device;
	struct name account;
};

/* ---- panel_state.c: the serving thread ---- */

/*
 * Writes the state as @guest may see it into page->state_text, and its tag
 * into page->tag. *@ret_state is empty if @tag names it already.
 * Errors as view_begin; ERR_DENIED: the account was revoked.
 */
MUST_CHECK enum err_code panel_state(struct panel *page,
				     const struct panel_guest *guest,
				     const char *tag, struct span *ret_state,
				     struct err *err);

/* True if the acknowledgement @payload speaks of the reading @boot, @seq:
 * booked, the highest taken, or named among the exceptions. */
bool panel_ack_covers(struct json *json, struct span payload, struct span boot,
		      uint64_t seq);

/* ---- page.c ---- */

/* The job's answer is in it: the loop lets the server send it. */
void panel_job_done(struct panel_job *job, unsigned status);

#endif
