/*
 * config_table - the table of directives, for config's own files.
 *
 * Layer     programs; not for use outside config*.c and their tests
 * Threads   any: the table is constant
 */
#ifndef DEPOT_GATEWAY_CONFIG_TABLE_H
#define DEPOT_GATEWAY_CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/config.h"

enum directive_type {
	DIRECTIVE_INTEGER,  /* plain decimal; the unit is in the name or help */
	DIRECTIVE_DURATION, /* 5 min; kept in milliseconds */
	DIRECTIVE_SIZE,     /* 64 MiB; kept in bytes */
	DIRECTIVE_BOOL,     /* yes or no */
	DIRECTIVE_TEXT,     /* any clean UTF-8 that fits the field */
	DIRECTIVE_NAME,     /* [a-z0-9-]{1,32} */
	DIRECTIVE_PATH,     /* absolute; empty if the default is empty */
	DIRECTIVE_WORD,     /* one of a list; kept as its index */
	DIRECTIVE_URI,      /* tcp://, ssl:// HOST:PORT; may be empty */
	DIRECTIVE_ZONE,     /* a zone of the system's time zone database */
	DIRECTIVE_ADDRESS,  /* IPv4 or IPv6, no names */
};

/*
 * A directive of a section that has a name, [link NAME], has a field in each
 * element of config.links: `offset` is that in the first one. Functions that
 * take @link want the element's index, and 0 for every other directive.
 */
struct directive {
	const char *section;
	const char *name;
	enum directive_type type;
	bool is_live;        /* config_reload takes it over */
	bool is_of_link;     /* its section is [link NAME] */
	uint16_t offset;     /* of the field in struct config */
	uint16_t size;       /* of the field */
	const char *initial; /* as a file would say it; NULL: must be set */
	uint64_t min;        /* of numbers, durations (ms), sizes (bytes) */
	uint64_t max;
	const char *unit;         /* of integers, "" for plain counts */
	const char *const *words; /* of words, ends with NULL */
	const char *help_en;
	const char *help_zh;
};

extern const struct directive config_table[];
extern const size_t config_table_count;

/* The first directive of @section; NULL if there is no such section. */
const struct directive *directive_find_first(const char *section);

/* NULL if there is none. */
const struct directive *directive_find(const char *section, const char *name);

/* Its index in the table, which is its index in config.origin too. */
size_t directive_index(const struct directive *directive);

/* Its field. */
const char *directive_field(const struct directive *directive, size_t link,
			    const struct config *config);

/*
 * Reads @value as @directive wants it into its field of @config.
 * False if it is not such a value; the field is then as it was.
 */
MUST_CHECK bool directive_set(const struct directive *directive, size_t link,
			      const char *value, struct config *config);

/* The field's value as a file would say it. @buffer of CONFIG_VALUE_SIZE. */
#define CONFIG_VALUE_SIZE 192
void directive_format(const struct directive *directive, size_t link,
		      const struct config *config, char *buffer);

/* Where the field was set. */
struct config_origin directive_origin(const struct directive *directive,
				      size_t link, const struct config *config);
void directive_origin_set(const struct directive *directive, size_t link,
			  struct config_origin origin, struct config *config);
/* How many fields it has in @config: one, or one a link. */
size_t directive_fields(const struct directive *directive,
			const struct config *config);

/* A number of @directive's type as a file would say it: 65536 as 64 KiB. */
void directive_format_number(const struct directive *directive, uint64_t value,
			     char *buffer);

/* What it takes, as a half sentence: "must be 0 to 100 ms". */
void directive_expects(const struct directive *directive, enum config_lang lang,
		       char *buffer, size_t size);

/* Rules between directives: what does not go together. */
struct config_rule {
	const char *section; /* the directive that the mistake is shown at */
	const char *name;
	/* One of the two; the second is asked for each link. */
	bool (*is_broken)(const struct config *config);
	bool (*is_link_broken)(const struct config_link *link);
	const char *text_en;
	const char *text_zh;
};

extern const struct config_rule config_rules[];
extern const size_t config_rule_count;

#endif
