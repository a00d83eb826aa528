/*
 * config - what an operator may choose: depot.conf and its drop-ins.
 *
 * Layer     programs; includes rules/base only, so that every program, the
 *           generator of the documents and the fuzzer can link it
 * Threads   loading: one at a time in a process. All else: any
 *
 * One table (config_table.c) defines each directive: section, name, type,
 * default, range, help in two languages, and its field below. Reading,
 * checking, --print-config, the example file and the man page all come from
 * it.
 *
 * The file is INI: [section], name = value, comments after # or ; at the
 * start of a line, or after " ;" behind a value. [link NAME] may stand several
 * times, once a name; all other sections once. Drop-ins are the files
 * PATH.d/NAME.conf in byte order; each may set a directive once, and the last
 * file that sets it wins.
 *
 * Every mistake is reported, with file and line, not just the first. A
 * directive whose value is wrong keeps its default, so that the rest can be
 * checked, and nothing may be started.
 */
#ifndef DEPOT_GATEWAY_CONFIG_H
#define DEPOT_GATEWAY_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rules/base/err.h"
#include "rules/base/limits.h"
#include "rules/base/text.h"

/* Where the daemon and the CLI look when they are not told. */
#define CONFIG_PATH_DEFAULT "/etc/depot/depot.conf"

/* What a program exits with after a mistake: EX_CONFIG of sysexits.h. */
#define CONFIG_EXIT 78

/* Bounds, all with the terminating NUL where there is one. */
#define CONFIG_PATH_SIZE 160
#define CONFIG_URI_SIZE 160
#define CONFIG_ZONE_SIZE 48
#define CONFIG_ADDRESS_SIZE 46
#define CONFIG_FILE_SIZE_MAX 65536
#define CONFIG_LINE_SIZE_MAX 196
#define CONFIG_DROP_INS_MAX 32
#define CONFIG_DROP_IN_NAME_SIZE 64
#define CONFIG_DIRECTIVES_MAX 96
#define CONFIG_LINKS_MAX 4
#define CONFIG_LINK_DIRECTIVES_MAX 16
#define CONFIG_MISTAKES_MAX 64

enum config_lang {
	CONFIG_LANG_EN,
	CONFIG_LANG_ZH,
};

enum config_broker_mode {
	CONFIG_BROKER_MANAGED,
	CONFIG_BROKER_EXTERNAL,
};

enum config_broker_start {
	CONFIG_START_UNIT,
	CONFIG_START_CHILD,
};

enum config_sites_shown {
	CONFIG_SITES_NONE,
	CONFIG_SITES_STATUS,
	CONFIG_SITES_STOCK,
};

enum config_log_level {
	CONFIG_LOG_ERROR,
	CONFIG_LOG_WARNING,
	CONFIG_LOG_NOTICE,
	CONFIG_LOG_INFO,
	CONFIG_LOG_DEBUG,
};

/* Where a value was set: file 0 is nowhere (the default, or what follows from
 * others), 1 the main file, 2 and up the drop-ins in their order. Lines count
 * from 1. */
struct config_origin {
	uint16_t file;
	uint16_t line;
};

/* One section [link NAME]: a far broker, carried by a depot-link of its own. */
struct config_link {
	char name[NAME_SIZE_MAX + 1];
	char uri[CONFIG_URI_SIZE];
	char ca_file[CONFIG_PATH_SIZE];
	char cert_file[CONFIG_PATH_SIZE];
	char key_file[CONFIG_PATH_SIZE];
	char user[65];
	char password_file[CONFIG_PATH_SIZE];
	bool is_metered;
	uint64_t budget; /* bytes a day; 0: no bound */
	uint16_t keepalive_s;
	bool hears_joining; /* bare boxes ask there whether they may join */
	bool is_enabled;
	struct config_origin origin[CONFIG_LINK_DIRECTIVES_MAX];
};

/*
 * All values, checked. Texts are terminated. What a field means, its unit,
 * range and default: config_table.c, or `depotd --print-config`.
 */
struct config {
	struct {
		char org[NAME_SIZE_MAX + 1];
		char site[NAME_SIZE_MAX + 1];
		char name[129];
		char timezone[CONFIG_ZONE_SIZE];
		enum config_lang lang;
	} site;
	struct {
		char path[CONFIG_PATH_SIZE];
		uint64_t map_size;
		uint32_t batch_max;
		uint32_t batch_ms;
		uint32_t audit_hours;
		uint32_t parked_max_count;
		uint64_t parked_max_bytes;
		uint32_t observation_hours;
	} store;
	struct {
		char dir[CONFIG_PATH_SIZE];
	} runtime;
	struct {
		uint32_t ring_slots;
		uint32_t receive_maximum;
		uint64_t session_expiry_ms;
	} intake;
	struct {
		enum config_broker_mode mode;
		/* Never empty after loading: made from address and port if
		 * it was not set. */
		char uri[CONFIG_URI_SIZE];
		char address[CONFIG_ADDRESS_SIZE];
		uint16_t port;
		uint16_t websocket_port; /* 0: none */
		uint16_t tls_port;       /* likewise */
		char tls_cert_file[CONFIG_PATH_SIZE];
		char tls_key_file[CONFIG_PATH_SIZE];
		char user[65];
		char password_file[CONFIG_PATH_SIZE];
		char ca_file[CONFIG_PATH_SIZE];
		char cert_file[CONFIG_PATH_SIZE];
		char key_file[CONFIG_PATH_SIZE];
		enum config_broker_start start;
		char mosquitto[CONFIG_PATH_SIZE];
		bool is_anonymous;
		uint64_t memory_limit;
	} broker;
	struct {
		uint32_t rate_per_item_per_s;
		uint32_t fresh_for_s;
		uint32_t chunk_rows;
		uint64_t chunk_interval_ms;
		uint64_t status_interval_ms;
		enum config_sites_shown sites;
	} publish;
	struct {
		uint64_t session_timeout_ms;
		uint64_t blind_recount_threshold;
		uint32_t blind_recount_percent;
	} scanner;
	struct {
		uint64_t hold_ms;
	} rfid;
	struct {
		char address[CONFIG_ADDRESS_SIZE];
		uint16_t port; /* 0: none */
	} http;
	struct {
		bool is_on;
		char address[CONFIG_ADDRESS_SIZE];
		uint16_t port;
	} page;
	struct {
		/* Never empty after loading: control.sock in the runtime
		 * folder if it was not set. */
		char socket[CONFIG_PATH_SIZE];
	} control;
	struct {
		enum config_log_level level;
	} log;
	struct {
		uint32_t items_max;
	} limits;
	struct config_link links[CONFIG_LINKS_MAX]; /* in their order */
	size_t link_count;

	/* Where it came from; that of a link's directives is with the link. */
	char path[CONFIG_PATH_SIZE];
	char drop_ins[CONFIG_DROP_INS_MAX][CONFIG_DROP_IN_NAME_SIZE];
	size_t drop_in_count;
	struct config_origin origin[CONFIG_DIRECTIVES_MAX];
};

struct directive; /* config_table.h */

enum config_mistake_kind {
	MISTAKE_FILE,          /* cannot be read: @number is errno */
	MISTAKE_FOLDER,        /* of the drop-ins: likewise */
	MISTAKE_FILE_SIZE,     /* longer than CONFIG_FILE_SIZE_MAX */
	MISTAKE_FILE_COUNT,    /* more than CONFIG_DROP_INS_MAX drop-ins */
	MISTAKE_FILE_NAME,     /* a drop-in's name is too long */
	MISTAKE_LINE_SIZE,     /* longer than CONFIG_LINE_SIZE_MAX */
	MISTAKE_LINE_TEXT,     /* not UTF-8, or control characters */
	MISTAKE_LINE_FORM,     /* neither section, directive nor comment */
	MISTAKE_NO_SECTION,    /* a directive before the first section */
	MISTAKE_SECTION,       /* unknown section */
	MISTAKE_SECTION_AGAIN, /* twice in one file */
	MISTAKE_SECTION_NAME,  /* [link NAME] without a proper name */
	MISTAKE_SECTION_COUNT, /* more than CONFIG_LINKS_MAX links */
	MISTAKE_NAME,          /* unknown directive */
	MISTAKE_AGAIN,         /* directive twice in one file */
	MISTAKE_VALUE,         /* not what the directive takes */
	MISTAKE_MISSING,       /* has no default and was not set */
	MISTAKE_RULE,          /* does not go together: @number is the rule */
};

struct config_mistake {
	enum config_mistake_kind kind;
	struct config_origin origin;       /* line 0: the file as a whole */
	const struct directive *directive; /* static, or NULL */
	size_t link;                       /* of a directive of [link NAME] */
	int number;
	char subject[64]; /* what was written: name, section or value */
};

/* 8 KiB: keep it out of the stack. */
struct config_report {
	size_t count;
	size_t dropped; /* mistakes beyond CONFIG_MISTAKES_MAX */
	struct config_mistake mistakes[CONFIG_MISTAKES_MAX];
	struct config_mistake last_dropped;
};

/*
 * Reads @path and its drop-ins into @ret_config, which is set in every case
 * (to what could be understood), and fills @ret_report.
 *
 * ERR_INVALID  there are mistakes: print them, exit with CONFIG_EXIT
 */
MUST_CHECK enum err_code config_load(const char *path,
				     struct config *ret_config,
				     struct config_report *ret_report);

/*
 * The same for one file's @text, named @path in reports, without drop-ins.
 */
MUST_CHECK enum err_code config_parse(const char *path, struct span text,
				      struct config *ret_config,
				      struct config_report *ret_report);

/* One printed mistake, terminated. */
struct config_sentence {
	char text[512];
};

/*
 * The sentence of mistake @index: "FILE:LINE: [store] batch_ms = 500: must be
 * 0 to 100 ms".
 */
void config_mistake_text(const struct config *config,
			 const struct config_report *report, size_t index,
			 enum config_lang lang,
			 struct config_sentence *ret_sentence);

/* The link of that name; NULL if there is none. */
const struct config_link *config_link_find(const struct config *config,
					   const char *name);

/*
 * What a running daemon does with a configuration that was read again: takes
 * over the directives that can change while it runs, and names those that
 * differ and need a restart by calling @visit (may be NULL).
 */
typedef void config_restart_fn(void *context, const char *section,
			       const char *name);
void config_reload(struct config *running, const struct config *fresh,
		   config_restart_fn *visit, void *context);

/* Every mistake, a line each; the number of them at the end. */
void config_report_print(const struct config *config,
			 const struct config_report *report,
			 enum config_lang lang, FILE *out);

/* Every directive with its value in force and, behind " ;", where it was set;
 * one that follows from others as a comment. What is printed reads back to
 * the same values. */
void config_print(const struct config *config, FILE *out);

/* The commented example file: every directive at its default. */
void config_example(FILE *out);

/* The part DIRECTIVES of depot.conf(5), in man's macros. */
void config_man(FILE *out);

#endif
