/*
 * page_parts - what the files of page share.
 *
 * Layer     gateway/edge; internal to page
 * Threads   as noted. A job is the server's while it is free or done, the
 *           loop's or the keeper's in between; its state changes under the
 *           lock
 */
#ifndef DEPOT_GATEWAY_EDGE_PAGE_PARTS_H
#define DEPOT_GATEWAY_EDGE_PAGE_PARTS_H

#include <pthread.h>

#include "gateway/edge/page.h"
#include "gateway/edge/page_cert.h"
#include "gateway/edge/page_files.h"
#include "gateway/edge/queue.h"
#include "gateway/edge/web.h"
#include "store/file.h"
#include "store/seal.h"

#define PAGE_REPLY_SIZE 16384 /* of a command that writes */
#define PAGE_STATE_SIZE (192 * 1024)
#define PAGE_LIST_SIZE (56 * 1024) /* of one list in it */
#define PAGE_FACTS_SIZE 512
#define PAGE_JSON_SIZE JSON_MEMORY_SIZE(PAYLOAD_IN_SIZE_MAX)
#define PAGE_FILES_MAX 16
#define PAGE_TAG_SIZE 24
#define PAGE_COOKIE_SIZE 160
#define PAGE_COOKIE_NAME "__Host-depot"

enum page_work {
	PAGE_PAIR,
	PAGE_LEAVE,
	PAGE_SCAN,
	PAGE_COMMAND,
	PAGE_JOIN,
};

enum page_job_state {
	PAGE_JOB_FREE,
	PAGE_JOB_WORKING,
	PAGE_JOB_DONE,
};

struct page_job {
	struct page *page;
	enum page_job_state state; /* under the lock */
	struct web_visit *visit;
	enum page_work work;
	struct name account;
	struct name device;
	char text[PAYLOAD_IN_SIZE_MAX]; /* a reading, arguments, a code */
	size_t text_size;
	const char *name; /* of the command; static */

	/* PAGE_SCAN, under way. */
	struct boot boot;
	uint64_t seq;
	int64_t deadline_ms; /* 0: no acknowledgement is waited for */

	unsigned status;
	char cookie[PAGE_COOKIE_SIZE]; /* to be set; "" for none */
	char reply[PAGE_REPLY_SIZE];
	struct json_out out;
	struct keeper_request request;
};

/* The last that was said to a device. */
struct page_said {
	uint64_t number; /* of all acknowledgements; 0: none yet */
	size_t size;
	char payload[PAYLOAD_OUT_SIZE_MAX];
};

struct page_bucket {
	int64_t filled_ms;
	int64_t drops; /* thousandths of a request */
};

struct page {
	struct page_config config;
	struct page_cert cert;
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
	char *state_text; /* of PAGE_STATE_SIZE */
	char *list_text;  /* of PAGE_LIST_SIZE */
	char tag[PAGE_TAG_SIZE];
	char cookie[PAGE_COOKIE_SIZE]; /* of the answer under way */
	struct page_job draft;         /* what is read of a request */
	char file_tags[PAGE_FILES_MAX][PAGE_TAG_SIZE];

	pthread_mutex_t mutex; /* over what follows */
	bool is_stopping;
	struct page_job jobs[PAGE_JOBS_MAX];
	struct badges badges; /* written by the loop alone */
	struct page_said said[BADGES_MAX];
	struct page_bucket buckets[BADGES_MAX];
	bool is_connected;
	bool can_join;
	size_t health_size;
	char health[PAGE_FACTS_SIZE]; /* a JSON list */
};

void page_lock(struct page *page);
void page_unlock(struct page *page);

/* ---- page_serve.c: the serving thread ---- */

/* A web_fn; the context is the page. */
bool page_handle(void *context, const struct web_ask *ask,
		 struct web_answer *ret_answer);

/* Who asks. */
struct page_guest {
	size_t index; /* of the badge */
	struct name device;
	struct name account;
};

/* ---- page_state.c: the serving thread ---- */

/*
 * Writes the state as @guest may see it into page->state_text, and its tag
 * into page->tag. *@ret_state is empty if @tag names it already.
 * Errors as view_begin; ERR_DENIED: the account was revoked.
 */
MUST_CHECK enum err_code page_state(struct page *page,
				    const struct page_guest *guest,
				    const char *tag, struct span *ret_state,
				    struct err *err);

/* True if the acknowledgement @payload speaks of the reading @boot, @seq:
 * booked, or named among the exceptions. */
bool page_ack_covers(struct json *json, struct span payload, struct span boot,
		     uint64_t seq);

/* ---- page.c ---- */

/* The job's answer is in it: the loop lets the server send it. */
void page_job_done(struct page_job *job, unsigned status);

#endif
