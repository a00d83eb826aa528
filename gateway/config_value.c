/* The values of directives: from text into their field, and back. */
#include "gateway/config_table.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define ZONE_FOLDER "/usr/share/zoneinfo"

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first: the first one that divides a value is how it is printed. */
static const struct unit duration_units[] = {
	{"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0}};
static const struct unit size_units[] = {{"TiB", UINT64_C(1) << 40},
					 {"GiB", UINT64_C(1) << 30},
					 {"MiB", UINT64_C(1) << 20},
					 {"KiB", UINT64_C(1) << 10},
					 {NULL, 0}};

static bool bool_read(const char *value, uint64_t *ret_number)
{
	bool is_yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;

	if (!is_yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0)
		return false;
	*ret_number = is_yes;
	return true;
}

static bool word_read(const char *const *words, const char *value,
		      uint64_t *ret_number)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], value) == 0) {
			*ret_number = i;
			return true;
		}
	}
	return false;
}

/* "5 min" or "5min". A bare number says nothing about its unit, and is
 * refused, but for 0, which is the same in all of them. */
static bool measure_read(const struct unit *units, const char *value,
			 uint64_t *ret_number)
{
	size_t digits = strspn(value, "0123456789");
	const char *name = value + digits + strspn(value + digits, " ");
	uint64_t count;

	if (!span_to_u64((struct span){value, digits}, UINT64_MAX, &count))
		return false;
	if (count == 0 && *name == '\0') {
		*ret_number = 0;
		return true;
	}
	for (; units->name != NULL; units++) {
		if (strcmp(units->name, name) == 0)
			return !__builtin_mul_overflow(count, units->factor,
						       ret_number);
	}
	return false;
}

static bool number_read(const struct directive *directive, const char *value,
			uint64_t *ret_number)
{
	switch (directive->type) {
	case DIRECTIVE_INTEGER:
		return span_to_u64(span_of(value), UINT64_MAX, ret_number);
	case DIRECTIVE_DURATION:
		return measure_read(duration_units, value, ret_number);
	case DIRECTIVE_SIZE:
		return measure_read(size_units, value, ret_number);
	case DIRECTIVE_BOOL:
		return bool_read(value, ret_number);
	case DIRECTIVE_WORD:
		return word_read(directive->words, value, ret_number);
	case DIRECTIVE_TEXT:
	case DIRECTIVE_NAME:
	case DIRECTIVE_PATH:
	case DIRECTIVE_URI:
	case DIRECTIVE_ZONE:
	case DIRECTIVE_ADDRESS:
		break;
	}
	return false;
}

/* tcp://HOST:PORT or ssl://HOST:PORT; a host with colons in brackets. */
static bool uri_is_valid(const char *value)
{
	struct span text = span_of(value);
	const char *host = value + 6;
	const char *colon = strrchr(value, ':');
	uint64_t port;

	if (!span_starts(text, "tcp://") && !span_starts(text, "ssl://"))
		return false;
	if (colon <= host || !span_to_u64(span_of(colon + 1), 65535, &port) ||
	    port == 0)
		return false;
	if (*host == '[')
		return colon[-1] == ']' && colon - host > 2;
	return strcspn(host, "/ []:") == (size_t)(colon - host);
}

/* Every file of the database starts with "TZif" (RFC 8536). */
static bool zone_exists(const char *value)
{
	char path[sizeof(ZONE_FOLDER) + CONFIG_ZONE_SIZE];
	char magic[4];
	ssize_t size;
	int fd;

	if (value[0] == '/' || strstr(value, "..") != NULL)
		return false;
	if (!text_format(path, sizeof(path), "%s/%s", ZONE_FOLDER, value))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	size = read(fd, magic, sizeof(magic));
	(void)close(fd); /* only read from */
	return size == sizeof(magic) && memcmp(magic, "TZif", 4) == 0;
}

static bool address_is_valid(const char *value)
{
	struct in6_addr address;

	return inet_pton(AF_INET, value, &address) == 1 ||
	       inet_pton(AF_INET6, value, &address) == 1;
}

/* An empty text is a value only where it is the default: "none". */
static bool text_is_taken(const struct directive *directive, const char *value)
{
	if (value[0] == '\0')
		return directive->initial != NULL &&
		       directive->initial[0] == '\0';
	switch (directive->type) {
	case DIRECTIVE_TEXT:
		/* A leading ; would read back as a comment. */
		return value[0] != ';' && text_is_clean(span_of(value));
	case DIRECTIVE_NAME:
		return text_is_name(span_of(value));
	case DIRECTIVE_PATH:
		return value[0] == '/' && text_is_clean(span_of(value));
	case DIRECTIVE_URI:
		return uri_is_valid(value);
	case DIRECTIVE_ZONE:
		return zone_exists(value);
	case DIRECTIVE_ADDRESS:
		return address_is_valid(value);
	case DIRECTIVE_INTEGER:
	case DIRECTIVE_DURATION:
	case DIRECTIVE_SIZE:
	case DIRECTIVE_BOOL:
	case DIRECTIVE_WORD:
		break;
	}
	return false;
}

static bool type_is_number(enum directive_type type)
{
	switch (type) {
	case DIRECTIVE_INTEGER:
	case DIRECTIVE_DURATION:
	case DIRECTIVE_SIZE:
	case DIRECTIVE_BOOL:
	case DIRECTIVE_WORD:
		return true;
	case DIRECTIVE_TEXT:
	case DIRECTIVE_NAME:
	case DIRECTIVE_PATH:
	case DIRECTIVE_URI:
	case DIRECTIVE_ZONE:
	case DIRECTIVE_ADDRESS:
		break;
	}
	return false;
}

static bool type_has_range(enum directive_type type)
{
	return type == DIRECTIVE_INTEGER || type == DIRECTIVE_DURATION ||
	       type == DIRECTIVE_SIZE;
}

/* Fields have the width that suits their users; the table's ranges fit. */
static void number_store(void *field, size_t size, uint64_t number)
{
	uint8_t narrow = (uint8_t)number;
	uint16_t half = (uint16_t)number;
	uint32_t single = (uint32_t)number;

	switch (size) {
	case sizeof(narrow):
		ASSERT(narrow == number);
		memcpy(field, &narrow, sizeof(narrow));
		break;
	case sizeof(half):
		ASSERT(half == number);
		memcpy(field, &half, sizeof(half));
		break;
	case sizeof(single):
		ASSERT(single == number);
		memcpy(field, &single, sizeof(single));
		break;
	default:
		ASSERT(size == sizeof(number));
		memcpy(field, &number, sizeof(number));
		break;
	}
}

static uint64_t number_load(const void *field, size_t size)
{
	uint8_t narrow;
	uint16_t half;
	uint32_t single;
	uint64_t number;

	switch (size) {
	case sizeof(narrow):
		memcpy(&narrow, field, sizeof(narrow));
		return narrow;
	case sizeof(half):
		memcpy(&half, field, sizeof(half));
		return half;
	case sizeof(single):
		memcpy(&single, field, sizeof(single));
		return single;
	default:
		ASSERT(size == sizeof(number));
		memcpy(&number, field, sizeof(number));
		return number;
	}
}

/* Of the field in struct config. */
static size_t field_offset(const struct directive *directive, size_t link)
{
	ASSERT(link < (directive->is_of_link ? CONFIG_LINKS_MAX : 1));
	return directive->offset + link * sizeof(struct config_link);
}

const char *directive_field(const struct directive *directive, size_t link,
			    const struct config *config)
{
	return (const char *)config + field_offset(directive, link);
}

size_t directive_fields(const struct directive *directive,
			const struct config *config)
{
	return directive->is_of_link ? config->link_count : 1;
}

/* Which of a link's directives it is. */
static size_t link_index(const struct directive *directive)
{
	size_t index =
		directive_index(directive) -
		directive_index(directive_find_first(directive->section));

	ASSERT(index < CONFIG_LINK_DIRECTIVES_MAX);
	return index;
}

struct config_origin directive_origin(const struct directive *directive,
				      size_t link, const struct config *config)
{
	if (directive->is_of_link)
		return config->links[link].origin[link_index(directive)];
	return config->origin[directive_index(directive)];
}

void directive_origin_set(const struct directive *directive, size_t link,
			  struct config_origin origin, struct config *config)
{
	if (directive->is_of_link)
		config->links[link].origin[link_index(directive)] = origin;
	else
		config->origin[directive_index(directive)] = origin;
}

bool directive_set(const struct directive *directive, size_t link,
		   const char *value, struct config *config)
{
	char *field = (char *)config + field_offset(directive, link);
	size_t size = strlen(value);
	uint64_t number;

	if (!type_is_number(directive->type)) {
		if (size >= directive->size || !text_is_taken(directive, value))
			return false;
		/* Zeros behind it: equal texts are equal bytes. */
		memset(field, 0, directive->size);
		memcpy(field, value, size);
		return true;
	}
	if (!number_read(directive, value, &number))
		return false;
	if (type_has_range(directive->type) &&
	    (number < directive->min || number > directive->max))
		return false;
	number_store(field, directive->size, number);
	return true;
}

static void measure_format(const struct unit *units, uint64_t value,
			   char *buffer)
{
	if (value == 0) {
		(void)text_format(buffer, CONFIG_VALUE_SIZE, "0");
		return;
	}
	/* The last unit divides all: sizes are read in KiB at the least. */
	while (value % units->factor != 0 && units[1].name != NULL)
		units++;
	(void)text_format(buffer, CONFIG_VALUE_SIZE, "%llu %s",
			  (unsigned long long)(value / units->factor),
			  units->name);
}

void directive_format_number(const struct directive *directive, uint64_t value,
			     char *buffer)
{
	if (directive->type == DIRECTIVE_DURATION)
		measure_format(duration_units, value, buffer);
	else if (directive->type == DIRECTIVE_SIZE)
		measure_format(size_units, value, buffer);
	else
		(void)text_format(buffer, CONFIG_VALUE_SIZE, "%llu",
				  (unsigned long long)value);
}

void directive_format(const struct directive *directive, size_t link,
		      const struct config *config, char *buffer)
{
	const char *field = directive_field(directive, link, config);
	uint64_t number;

	if (!type_is_number(directive->type)) {
		(void)text_format(buffer, CONFIG_VALUE_SIZE, "%s", field);
		return;
	}
	number = number_load(field, directive->size);
	if (directive->type == DIRECTIVE_BOOL)
		(void)text_format(buffer, CONFIG_VALUE_SIZE, "%s",
				  number != 0 ? "yes" : "no");
	else if (directive->type == DIRECTIVE_WORD)
		(void)text_format(buffer, CONFIG_VALUE_SIZE, "%s",
				  directive->words[number]);
	else
		directive_format_number(directive, number, buffer);
}
