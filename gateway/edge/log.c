#include "gateway/edge/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "gateway/edge/queue.h"

/* What one event said lately. The counters are only ever approximate when
 * two threads say it at the same moment: a line more or less. */
struct rate {
	_Atomic(const char *) event;
	_Atomic int64_t window_start_ms;
	_Atomic uint32_t said;
	_Atomic uint32_t suppressed;
};

struct log {
	const char *identifier;
	_Atomic int level_max;
	const struct clock *clock;
	int fd;
	bool is_journal;
	struct queue *queue; /* NULL: write at once */
	struct wake wake;
	struct loop_source *source;
	_Atomic uint64_t dropped;
	uint64_t dropped_told; /* the loop's alone */
	struct rate rates[LOG_EVENTS_MAX];
};

/* ---- making a line ---- */

/* Ends the text that begins at @start, and takes out what could pass for
 * another line or another field. */
static void text_end(struct log_line *line, size_t start)
{
	size_t end = start + strlen(line->text + start);

	for (size_t i = start; i < end; i++) {
		unsigned char c = (unsigned char)line->text[i];

		if (c < 0x20 || c == 0x7f)
			line->text[i] = '?';
	}
	line->size = (uint16_t)(end + 1);
	line->count++;
}

static bool text_has_room(const struct log_line *line)
{
	return line->count < 1 + LOG_FIELDS_MAX &&
	       line->size + 2u < sizeof(line->text);
}

PRINTF_LIKE(4, 0)
static void line_begin(struct log_line *line, enum log_level level,
		       const char *event, const char *format, va_list arguments)
{
	line->level = level;
	line->event = event;
	line->suppressed = 0;
	line->size = 0;
	line->count = 0;
	(void)vsnprintf(line->text, sizeof(line->text), format, arguments);
	text_end(line, 0);
}

void log_begin(struct log_line *line, enum log_level level, const char *event,
	       const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line_begin(line, level, event, format, arguments);
	va_end(arguments);
}

void log_add_text(struct log_line *line, const char *name, struct span value)
{
	size_t start = line->size;

	if (!text_has_room(line))
		return;
	/* A NUL inside ends the value: %.*s stops there. */
	(void)text_format(line->text + start, sizeof(line->text) - start,
			  "%s=%.*s", name, (int)value.size,
			  value.data != NULL ? value.data : "");
	text_end(line, start);
}

void log_add_number(struct log_line *line, const char *name, int64_t value)
{
	size_t start = line->size;

	if (!text_has_room(line))
		return;
	(void)text_format(line->text + start, sizeof(line->text) - start,
			  "%s=%lld", name, (long long)value);
	text_end(line, start);
}

/* ---- how often ---- */

/* FNV-1a, 32 bits, over the name: spreads events over the table. */
static uint32_t event_hash(const char *event)
{
	uint32_t hash = 0x811c9dc5u;

	for (; *event != '\0'; event++)
		hash = (hash ^ (unsigned char)*event) * 0x01000193u;
	return hash;
}

/* The event's counters; NULL when there are too many events to count. */
static struct rate *rate_find(struct log *log, const char *event)
{
	uint32_t hash = event_hash(event);

	for (uint32_t i = 0; i < LOG_EVENTS_MAX; i++) {
		struct rate *rate = &log->rates[(hash + i) % LOG_EVENTS_MAX];
		const char *held = atomic_load(&rate->event);

		if (held == NULL &&
		    atomic_compare_exchange_strong(&rate->event, &held, event))
			return rate;
		if (strcmp(held, event) == 0)
			return rate;
	}
	return NULL;
}

/* Whether the event may speak; if so, how often it was silenced before. */
static bool rate_allows(struct log *log, const char *event,
			uint32_t *ret_suppressed)
{
	struct rate *rate = rate_find(log, event);
	int64_t now = clock_monotonic_ms(log->clock);

	*ret_suppressed = 0;
	if (rate == NULL)
		return true;
	if (now - atomic_load(&rate->window_start_ms) >= LOG_WINDOW_MS) {
		atomic_store(&rate->window_start_ms, now);
		atomic_store(&rate->said, 0);
	}
	if (atomic_fetch_add(&rate->said, 1) >= LOG_BURST) {
		atomic_fetch_add(&rate->suppressed, 1);
		return false;
	}
	*ret_suppressed = atomic_exchange(&rate->suppressed, 0);
	return true;
}

/* ---- writing ---- */

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LEVEL_ALERT:
		return "alert";
	case LEVEL_ERROR:
		return "error";
	case LEVEL_WARNING:
		return "warning";
	case LEVEL_NOTICE:
		return "notice";
	case LEVEL_INFO:
		return "info";
	case LEVEL_DEBUG:
		return "debug";
	}
	return "?";
}

static void write_stderr(const struct log *log, const struct log_line *line)
{
	/* "name=value" of an event name and a number fit the rest. */
	char out[LOG_LINE_SIZE + 128];
	struct span left = {line->text, line->size};
	size_t used = 0;
	ssize_t ignored;

	(void)text_format(out, sizeof(out), "%s %s:", level_name(line->level),
			  line->event);
	for (unsigned i = 0; i < line->count; i++) {
		size_t size = strlen(left.data);

		used = strlen(out);
		(void)text_format(out + used, sizeof(out) - used, " %s",
				  left.data);
		left.data += size + 1;
	}
	used = strlen(out);
	if (line->suppressed > 0)
		(void)text_format(out + used, sizeof(out) - used,
				  " suppressed=%u", line->suppressed);
	used = strlen(out);
	if (used > sizeof(out) - 2)
		used = sizeof(out) - 2;
	out[used++] = '\n';
	/* Nowhere to complain when the log itself cannot be written. */
	ignored = write(log->fd, out, used);
	(void)ignored;
}

/* The fields of one line as journald wants them, "NAME=value". */
struct journal {
	struct iovec fields[LOG_FIELDS_MAX + 8];
	int count;
	size_t used;
	char text[LOG_LINE_SIZE + 512];
};

PRINTF_LIKE(2, 3)
static void journal_add(struct journal *journal, const char *format, ...)
{
	char *start = journal->text + journal->used;
	size_t room = sizeof(journal->text) - journal->used;
	va_list arguments;
	int size;

	va_start(arguments, format);
	size = vsnprintf(start, room, format, arguments);
	va_end(arguments);
	if (size < 0 || (size_t)size >= room)
		return; /* never: the sizes above are chosen so */
	journal->fields[journal->count++] = (struct iovec){start, (size_t)size};
	journal->used += (size_t)size + 1;
}

/* Our fields are named DEPOT_<NAME>: journald wants capitals. */
static void journal_add_field(struct journal *journal, const char *text)
{
	char *start = journal->text + journal->used;

	journal_add(journal, "DEPOT_%s", text);
	for (; *start != '\0' && *start != '='; start++) {
		if (*start >= 'a' && *start <= 'z')
			*start = (char)(*start - 'a' + 'A');
	}
}

static bool write_journal(const struct log *log, const struct log_line *line)
{
	struct journal journal = {.count = 0};
	const char *text = line->text;

	journal_add(&journal, "MESSAGE=%s", text);
	journal_add(&journal, "PRIORITY=%d", (int)line->level);
	journal_add(&journal, "SYSLOG_IDENTIFIER=%s", log->identifier);
	journal_add(&journal, "DEPOT_EVENT=%s", line->event);
	for (unsigned i = 1; i < line->count; i++) {
		text += strlen(text) + 1;
		journal_add_field(&journal, text);
	}
	if (line->suppressed > 0)
		journal_add(&journal, "DEPOT_SUPPRESSED=%u", line->suppressed);
	return sd_journal_sendv(journal.fields, journal.count) >= 0;
}

static void line_write(const struct log *log, const struct log_line *line)
{
	if (!log->is_journal || !write_journal(log, line))
		write_stderr(log, line);
}

void log_submit(struct log *log, struct log_line *line)
{
	if (log == NULL || (int)line->level > atomic_load(&log->level_max) ||
	    !rate_allows(log, line->event, &line->suppressed))
		return;
	if (log->queue == NULL)
		line_write(log, line);
	else if (queue_push(log->queue, line) != ERR_OK)
		atomic_fetch_add(&log->dropped, 1);
}

void log_event(struct log *log, enum log_level level, const char *event,
	       const char *format, ...)
{
	struct log_line line;
	va_list arguments;

	va_start(arguments, format);
	line_begin(&line, level, event, format, arguments);
	va_end(arguments);
	log_submit(log, &line);
}

/* ---- the loop's side ---- */

static void drops_tell(struct log *log)
{
	uint64_t dropped = atomic_load(&log->dropped);
	struct log_line line;

	if (dropped == log->dropped_told)
		return;
	log_begin(&line, LEVEL_WARNING, "log_dropped",
		  "more was to be said than could be written");
	log_add_number(&line, "lines", (int64_t)(dropped - log->dropped_told));
	log->dropped_told = dropped;
	line_write(log, &line);
}

static void on_lines(void *context, uint32_t what)
{
	struct log *log = context;
	struct log_line line;

	(void)what;
	while (queue_pop(log->queue, &line))
		line_write(log, &line);
	drops_tell(log);
}

bool log_is_journal_stream(const char *value, int fd)
{
	char expected[64];
	struct stat info;

	if (value == NULL || fstat(fd, &info) < 0)
		return false;
	(void)text_format(expected, sizeof(expected), "%llu:%llu",
			  (unsigned long long)info.st_dev,
			  (unsigned long long)info.st_ino);
	return strcmp(value, expected) == 0;
}

static enum err_code
queue_begin(struct log *log, const struct log_config *config, struct err *err)
{
	struct loop_call call = {on_lines, log};
	enum err_code code;

	if (config->loop == NULL)
		return ERR_OK;
	code = wake_init(&log->wake, err);
	if (code == ERR_OK)
		code = queue_open(sizeof(struct log_line), config->queue_lines,
				  &log->wake, &log->queue, err);
	if (code == ERR_OK)
		code = loop_add_wake(config->loop, &log->wake, call,
				     &log->source, err);
	return code;
}

enum err_code log_open(const struct log_config *config, struct log **ret_log,
		       struct err *err)
{
	struct log *log = calloc(1, sizeof(*log));
	enum err_code code;

	if (log == NULL)
		return err_set(err, ERR_FULL, "no memory for the log");
	log->identifier = config->identifier;
	log->clock = config->clock;
	log->fd = config->fd;
	log->is_journal =
		log_is_journal_stream(getenv("JOURNAL_STREAM"), config->fd);
	atomic_init(&log->level_max, (int)config->level_max);
	code = queue_begin(log, config, err);
	if (code != ERR_OK) {
		log_close(log);
		return err_wrap(err, code, "log");
	}
	*ret_log = log;
	return ERR_OK;
}

void log_close(struct log *log)
{
	if (log == NULL)
		return;
	if (log->queue != NULL)
		on_lines(log, 0);
	loop_remove(log->source);
	queue_close(log->queue);
	wake_release(&log->wake);
	free(log);
}

void log_level_set(struct log *log, enum log_level level_max)
{
	atomic_store(&log->level_max, (int)level_max);
}

uint64_t log_dropped(const struct log *log)
{
	return atomic_load(&log->dropped);
}

void log_last_words(const char *sentence)
{
	/* Nowhere to complain when the log itself cannot be written. */
	(void)dprintf(STDERR_FILENO, "alert last_words: %s\n", sentence);
}
