/*
 * view - the present state of the ledger as the payloads of its topics.
 *
 * Layer     gateway/core
 * Threads   any: pure, on a struct view that belongs to the caller
 *
 * The contract with subscribers is docs/topics.md, and docs/api/schemas has a
 * schema for each payload. What is read from the ledger (..._read) is a plain
 * struct, so that several payloads can be made of it without reading twice.
 *
 * No payload is longer than PAYLOAD_OUT_SIZE_MAX, whatever names, quantities
 * and codes hold: a buffer of that size makes every ..._print succeed, except
 * where it says that it can run out of room.
 */
#ifndef DEPOT_GATEWAY_CORE_VIEW_H
#define DEPOT_GATEWAY_CORE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/ingest/json_out.h"
#include "rules/base/err.h"
#include "rules/base/ids.h"
#include "rules/ledger/entry.h"
#include "rules/ledger/tally.h"
#include "store/env.h"

#define VIEW_VERSION 1 /* "v" of every payload here */

/* What may be said of the age of what is shown. */
struct view_age {
	struct moment as_of;  /* complete up to then; 0: nobody can tell */
	bool clock_trusted;   /* if not, as_of is published as null */
	uint32_t fresh_for_s; /* after as_of; see docs/topics.md, "Age" */
};

/* ---- a level of a topic ---- */

/* Names that stand in topics have at most 64 bytes, each %XX at worst. */
#define VIEW_LEVEL_NAME_SIZE_MAX 64
#define VIEW_LEVEL_SIZE (3 * VIEW_LEVEL_NAME_SIZE_MAX + 1)

/* Writes @name (at most VIEW_LEVEL_NAME_SIZE_MAX bytes) as one level of a
 * topic, terminated: [A-Za-z0-9._-] as they are, any other byte as %XX. */
void view_level_print(struct span name, char level[VIEW_LEVEL_SIZE]);

/* The inverse. False for what view_level_print never writes: an empty or too
 * long name, another byte, lower-case hex, an escape that was not needed. */
MUST_CHECK bool view_level_parse(struct span level,
				 char name[VIEW_LEVEL_NAME_SIZE_MAX],
				 size_t *ret_size);

/* ---- stock ---- */

/* One item at this site. */
struct stock {
	struct item_no item;
	struct sku sku;
	struct item_name name_en; /* empty: not described */
	struct item_name name_zh;
	enum base_unit unit; /* 0: not described */
	struct tally tally;
	int64_t in_transit_in;    /* sent to this site, and not booked here */
	struct pos pos;           /* of the last movement; 0: none ever */
	struct moment changed_at; /* when that was recorded */
	bool has_changed_at;      /* false: none, or by an untrusted clock */
	bool has_left; /* inactive, and nothing on hand: it is not shown */
};

/*
 * Reads what the ledger knows of @item, a number that this store gave.
 * ERR_CORRUPT  the store is damaged; also for a number that it never gave
 */
MUST_CHECK enum err_code view_stock_read(const struct view *view,
					 struct item_no item,
					 struct stock *ret_stock,
					 struct err *err);

/* stock/{item} */
void view_stock_print(const struct stock *stock, const struct view_age *age,
		      struct json_out *out);

/* The same figures as members of an object that is open, without their age:
 * for a list that says it once. */
void view_stock_members(const struct stock *stock, struct json_out *out);

/*
 * When something happened: @key has @moment. By a clock that was not trusted
 * @key is null, and `clock` says untrusted, and `clock_time` what it showed.
 */
void view_when_out(const char *key, struct moment moment, bool is_trusted,
		   struct json_out *out);

/* ---- the whole site in chunks ---- */

/* The longest row of a chunk, with its comma: a SKU of 64 quotes, seven
 * quantities of 19 digits, pos and epoch. */
#define VIEW_ROW_SIZE_MAX 300

/* A chunk holds the items numbered from @first to before @end. */
struct view_chunk {
	uint32_t number; /* in its topic */
	uint32_t count;  /* of all chunks */
	uint32_t first;
	uint32_t end;
	size_t rows_max;
	struct pos head; /* of the journal, as the view sees it */
};

/*
 * snapshot/{n}. Writes rows until the buffer of @out or rows_max is full; at
 * least ten fit into PAYLOAD_OUT_SIZE_MAX. *@ret_next is the first item that
 * has no place in it any more: @end if all have.
 * ERR_CORRUPT  as view_stock_read
 */
MUST_CHECK enum err_code view_chunk_print(const struct view *view,
					  const struct view_chunk *chunk,
					  const struct view_age *age,
					  struct json_out *out,
					  uint32_t *ret_next, struct err *err);

/* ---- changes ---- */

/* The name of a message of changes, and of the one before it. */
struct view_link {
	struct pos pos; /* the journal's end */
	uint32_t part;  /* from 0 among messages with the same pos */
};

/* Begins a message; rows are added while it has room, then it is closed. */
void view_changes_begin(struct json_out *out);
/* True if one more row fits, whatever it holds; of an empty message at least
 * ten do. */
bool view_changes_has_room(const struct json_out *out);
void view_changes_add(struct json_out *out, const struct stock *stock);
/* @previous is NULL in the first message after a connect. */
void view_changes_end(struct json_out *out, const struct view_link *link,
		      const struct view_link *previous,
		      const struct view_age *age);

/* ---- tasks and alerts ---- */

/* True while @task belongs on its topic: open or claimed. */
bool view_task_is_open(const struct task *task);

/* task/{id}. @entry is a task's, at @pos. @sheet is what a check's task asks;
 * NULL of any other, or where it is not known. */
struct check_sheet;
void view_task_print(const struct entry *entry, struct pos pos,
		     const struct check_sheet *sheet, struct json_out *out);

/* alert/{id}. @entry is an alert's that is not closed, at @pos. A code that
 * is not in the table below gets a general sentence. */
void view_alert_print(const struct entry *entry, struct pos pos,
		      struct json_out *out);

/* What the alerts say. In the texts {} is the subject, {n} the value, and what
 * stands in [brackets] is left out when the value is 0. */
struct alert_text {
	const char *code;
	const char *en;
	const char *zh;
	const char *next_en; /* what to do */
	const char *next_zh;
};
/* NULL if there is none. */
const struct alert_text *alert_text_find(struct span code);
const struct alert_text *alert_text_table(size_t *ret_count);

/* "info", "warning", "critical". Never NULL. */
const char *severity_name(enum severity severity);

/* ---- status ---- */

/* What the words mean to subscribers: docs/topics.md. */
enum site_state {
	SITE_INIT,         /* connected; topics are being published again */
	SITE_READY,        /* topics are complete as of as_of */
	SITE_DISCONNECTED, /* stopped on purpose */
	SITE_SLEEPING,     /* stopped on purpose, for a known time */
	SITE_LOST,         /* the last will: gone without a word */
};

/* "init" ... Never NULL. */
const char *site_state_name(enum site_state state);

struct view_reach;

#define VIEW_HEALTH_MAX 16
#define VIEW_HEALTH_SIZE_MAX 32

struct view_status {
	enum site_state state;
	struct span session; /* names this run of the daemon */
	struct moment since; /* when the state was entered; 0: not known */
	struct view_age age;
	bool has_as_of;   /* false: nothing is complete yet, or not known */
	struct pos head;  /* topics show the journal up to here; 0: nothing */
	uint64_t backlog; /* readings taken and not yet booked */
	uint32_t chunks;  /* of the snapshot */
	struct span version;
	const char *const *health; /* stable codes of what is wrong */
	size_t health_count;       /* at most VIEW_HEALTH_MAX are shown, each
				    * cut to VIEW_HEALTH_SIZE_MAX bytes */
	uint64_t autonomy_hours;
	bool has_autonomy;
	const struct view_reach *reach; /* view_reach.h; NULL: not said */
};

/* status; also the last will. */
void view_status_print(const struct view_status *status, struct json_out *out);

#endif
