/*
 * log - what happened, for people at 3 a.m. and for journald's fields.
 *
 * Layer     gateway/edge
 * Threads   log_submit and log_event: any; the rest: the loop
 *
 * A line has a level, an event name that never changes (OPERATING.md lists
 * them), a sentence and a few named fields. It goes to journald when stderr is
 * connected to it (JOURNAL_STREAM), else to stderr as one line:
 *
 *	warning intake_held: the ring is three quarters full fill=768 slots=1024
 *
 * Once per fault, at the place that decides. Never payloads, keys or personal
 * data: a field holds a name, a number or a code.
 *
 * Submitting never blocks and allocates nothing: lines wait in a bounded queue
 * that the loop empties. What finds it full is dropped and counted, and so is
 * what an event says more than LOG_BURST times in LOG_WINDOW_MS; the event's
 * next line carries suppressed=N.
 */
#ifndef DEPOT_GATEWAY_EDGE_LOG_H
#define DEPOT_GATEWAY_EDGE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/edge/clock.h"
#include "gateway/edge/loop.h"
#include "rules/base/err.h"
#include "rules/base/text.h"

#define LOG_BURST 10
#define LOG_WINDOW_MS 10000
#define LOG_FIELDS_MAX 10
#define LOG_LINE_SIZE 1000
#define LOG_EVENTS_MAX 128

/* The numbers are syslog's. */
enum log_level {
	LEVEL_ALERT = 1,   /* somebody must act now */
	LEVEL_ERROR = 3,   /* something did not work */
	LEVEL_WARNING = 4, /* it works, but look */
	LEVEL_NOTICE = 5,  /* a normal thing worth keeping */
	LEVEL_INFO = 6,
	LEVEL_DEBUG = 7,
};

struct log;

struct log_config {
	const char *identifier;    /* "depotd"; static */
	enum log_level level_max;  /* lines above it are not made */
	uint32_t queue_lines;      /* lines that may wait */
	struct loop *loop;         /* borrowed; NULL: lines are written at once
				    * by the thread that submits them */
	const struct clock *clock; /* borrowed */
	int fd;                    /* where lines go without journald: 2 */
};

/* One line in the making, on its maker's stack. */
struct log_line {
	enum log_level level;
	const char *event;
	uint32_t suppressed;
	uint16_t size;
	uint8_t count; /* texts in `text`: "message", then "name=value" ... */
	char text[LOG_LINE_SIZE]; /* each ended by NUL */
};

/* ERR_FULL: no memory. ERR_IO: the system refused. */
MUST_CHECK enum err_code log_open(const struct log_config *config,
				  struct log **ret_log, struct err *err);
/* Writes what waits, then closes. Takes NULL. No thread may submit any more. */
void log_close(struct log *log);

/*
 * Begins a line. @event is [a-z0-9_], static. The sentence and the fields are
 * cut when the line is full; control characters become '?'.
 */
PRINTF_LIKE(4, 5)
void log_begin(struct log_line *line, enum log_level level, const char *event,
	       const char *format, ...);
/* @name is [a-z0-9_], static. */
void log_add_text(struct log_line *line, const char *name, struct span value);
void log_add_number(struct log_line *line, const char *name, int64_t value);
/* Hands the line over. Any thread; @log may be NULL: the line is dropped. */
void log_submit(struct log *log, struct log_line *line);

/* A line without fields. */
PRINTF_LIKE(4, 5)
void log_event(struct log *log, enum log_level level, const char *event,
	       const char *format, ...);

/* Changes the level from now on (SIGHUP). Any thread. */
void log_level_set(struct log *log, enum log_level level_max);

/* Lines that were dropped because the queue was full. */
uint64_t log_dropped(const struct log *log);

/*
 * Writes @sentence to stderr at once, past all queues, in any state: for
 * check_hook_set, and for the last words of a program that cannot start.
 */
void log_last_words(const char *sentence);

/* Whether @value (of JOURNAL_STREAM, or NULL) names the stream @fd. */
bool log_is_journal_stream(const char *value, int fd);

#endif
