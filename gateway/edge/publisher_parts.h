/*
 * publisher_parts - what the parts of the publisher share.
 *
 * Layer     gateway/edge, inside publisher only
 * Threads   the loop
 */
#ifndef DEPOT_GATEWAY_EDGE_PUBLISHER_PARTS_H
#define DEPOT_GATEWAY_EDGE_PUBLISHER_PARTS_H

#include "gateway/edge/publisher.h"
#include "gateway/edge/publisher_chunks.h"
#include "gateway/edge/publisher_marks.h"

/* Work of one publisher_run: the loop has other things to do. */
#define RUN_ENTRIES_MAX 1000
#define RUN_PUBLICATIONS_MAX 64
/* A chunk reads up to a hundred items, an item one. */
#define RUN_CHUNK_COST 16
/* What the sink refused is offered again after this. */
#define RUN_AGAIN_MS 10
#define MASTER_AGAIN_MS 30000

/* Retained topics that are to be cleared; more wait for the next read. */
#define STALE_MAX 64

/* Above it a chunk's number was none of ours. */
#define CHUNK_NUMBER_MAX 9999999

/* Which records are still to be published after a connect. */
enum notes_scan {
	SCAN_TASKS,
	SCAN_ALERTS,
	SCAN_DONE,
};

/* The message of changes under construction. */
struct changes {
	char buffer[PAYLOAD_OUT_SIZE_MAX];
	struct json_out out;
	uint32_t rows;
	bool is_closed; /* whole, but the sink did not take it */
	bool has_previous;
	struct view_link link;
	struct view_link previous;
};

/*
 * A sweep proves that the topics are complete: everything that was marked when
 * it began has been published when it ends. Then a status may say so.
 */
struct sweep {
	bool is_running;
	struct moment as_of; /* of its beginning; 0: nobody can tell */
	struct pos pos;
	struct marks pending; /* items */
};

struct status {
	bool is_due;      /* something changed that can't wait */
	bool is_complete; /* a sweep has ended on this connection */
	struct moment since;
	struct moment as_of; /* of the last sweep */
	struct pos head;
	int64_t beat_ms; /* when the next is due */
	uint64_t autonomy_hours;
	bool has_autonomy;
	struct view_reach reach;
	size_t health_count;
	char health[VIEW_HEALTH_MAX][VIEW_HEALTH_SIZE_MAX + 1];
	char session[65];
	char version[49];
};

/*
 * How much comes in. Under load intake goes first: it needs the processor that
 * publishing each value would take (measured: with 2,000 items at 10 messages
 * a second each, more than intake itself), so the stock topics take turns.
 */
struct load {
	int64_t since_ms;
	uint32_t movements; /* looked at since then */
	bool is_high;
	int64_t turn_ms; /* the turn under way began */
	uint32_t sent;   /* stock messages in it */
};

struct publisher {
	struct ledger *ledger;
	struct publisher_sink sink;
	struct publisher_rates rates;
	uint32_t chunk_rows;
	char prefix[96]; /* "depot/v1/acme/hz-01/" */
	size_t prefix_size;
	char former[96]; /* likewise, before it joined; empty: never another */

	bool is_connected;
	bool is_fresh;          /* connected, and no run since */
	bool is_retimed;        /* another fresh_for_s, and no run since */
	struct pos cursor;      /* the last entry that was looked at */
	uint64_t inbound_seen;  /* the last change by another feed, likewise */
	struct pos master_seen; /* the end of HQ's master data */
	int64_t master_ms;      /* before then it is not looked at again */

	/* Items by number. */
	uint32_t item_count;
	struct marks due;     /* to be published */
	struct marks changed; /* since the connect: also rows of changes */
	struct recent recent; /* published too recently for another */
	struct load load;
	uint32_t item_turn;

	struct chunks chunks;
	bool is_packed; /* all items have found their chunk */
	struct changes changes;
	struct sweep sweep;
	struct status status;

	enum notes_scan scan;
	char scan_after[REF_SIZE_MAX];
	size_t scan_after_size;

	char stale[STALE_MAX][PUBLISHER_TOPIC_SIZE];
	size_t stale_count;
	bool has_missed_stale;
	uint32_t snapshot_seen; /* chunks that the broker kept: 0 to below */

	struct publisher_counters counters;
};

/* One call of publisher_run. */
struct run {
	struct publisher *publisher;
	const struct publisher_now *now;
	struct view *view;
	struct pos head;
	struct view_age age;
	int left; /* publications that this call may still do */
	int64_t due_ms;
};

/* The next call is due at @ms at the latest. */
void run_due(struct run *run, int64_t ms);
/* True if this call has done enough; the next is due at once. */
bool run_is_over(struct run *run);

/* Publishes @payload on PREFIX@kind/@level (@level NULL: PREFIX@kind).
 * ERR_AGAIN: the sink is full; the run ends. */
struct letter {
	const char *kind;
	const char *level;
	struct span payload;
	int qos;
	bool is_retained;
};
MUST_CHECK enum err_code run_publish(struct run *run,
				     const struct letter *letter);

/* Clears @topic, which is whole. ERR_AGAIN: as run_publish. */
MUST_CHECK enum err_code run_clear(struct run *run, const char *topic);

/* ---- publisher_notes.c ---- */

/* Publishes the present state of the task or alert that @entry, at @pos, said
 * something about, unless a later entry did too. */
MUST_CHECK enum err_code note_changed(struct run *run, struct pos pos,
				      const struct entry *entry,
				      struct err *err);
/* After a connect: all that are open. */
MUST_CHECK enum err_code notes_publish(struct run *run, struct err *err);

/* ---- publisher_stock.c ---- */

/* Takes memory for items up to @count. */
MUST_CHECK enum err_code stock_grow(struct publisher *publisher, uint32_t count,
				    struct err *err);
void stock_release(struct publisher *publisher);
void stock_mark(struct publisher *publisher, struct item_no item);
MUST_CHECK enum err_code stock_publish(struct run *run, struct err *err);
MUST_CHECK enum err_code changes_publish(struct run *run, struct err *err);
void changes_reset(struct publisher *publisher);
MUST_CHECK enum err_code chunks_publish(struct run *run, struct err *err);

/* ---- publisher_status.c ---- */

/* When @pos, which the view has, was complete: now, if it is the head and
 * nothing waits to be booked. *@ret_as_of is 0 if nobody can tell. */
MUST_CHECK enum err_code status_as_of(const struct run *run, struct pos pos,
				      struct moment *ret_as_of,
				      struct err *err);
/* The heartbeat, and what can't wait. */
MUST_CHECK enum err_code status_publish(struct run *run, struct err *err);
/* Ends the sweep if it is done, and begins one when a heartbeat is due. */
MUST_CHECK enum err_code sweep_advance(struct run *run, struct err *err);

/* ---- publisher_stale.c ---- */

/* Clears what the broker kept and the ledger does not hold. */
MUST_CHECK enum err_code stale_publish(struct run *run, struct err *err);

#endif
