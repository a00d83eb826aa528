#include "rules/ledger/place.h"

static const char *const kind_names[] = {
	[PLACE_BIN] = "bin",           [PLACE_TRANSIT] = "transit",
	[PLACE_SUPPLIER] = "supplier", [PLACE_CUSTOMER] = "customer",
	[PLACE_LOSS] = "loss",         [PLACE_FOUND] = "found",
	[PLACE_SCRAP] = "scrap",       [PLACE_MADE] = "made",
};

static const char *const condition_names[] = {
	[CONDITION_NONE] = "none",       [CONDITION_GOOD] = "good",
	[CONDITION_ON_HOLD] = "on_hold", [CONDITION_QUARANTINE] = "quarantine",
	[CONDITION_DAMAGED] = "damaged",
};

struct place place_bin(struct span name)
{
	struct place place = {.kind = PLACE_BIN};
	bool fits = place_name_set(&place.name, name);

	ASSERT(fits);
	return place;
}

struct place place_of(enum place_kind kind)
{
	ASSERT(!place_kind_is_named(kind));
	return (struct place){.kind = kind};
}

bool place_equal(const struct place *a, const struct place *b)
{
	return a->kind == b->kind &&
	       span_equal(place_name_span(&a->name), place_name_span(&b->name));
}

bool place_is_bin(const struct place *place, const char *name)
{
	return place->kind == PLACE_BIN &&
	       span_is(place_name_span(&place->name), name);
}

bool place_kind_is_named(enum place_kind kind)
{
	return kind == PLACE_BIN || kind == PLACE_TRANSIT ||
	       kind == PLACE_SUPPLIER;
}

bool place_name_is_valid(struct span name)
{
	if (name.size == 0 || name.size > PLACE_NAME_SIZE_MAX)
		return false;
	if (name.data[0] == ' ' || name.data[name.size - 1] == ' ')
		return false;
	for (size_t i = 0; i < name.size; i++)
		if (name.data[i] == ':')
			return false;
	return text_is_clean(name);
}

bool place_is_valid(const struct place *place)
{
	if (place->kind < PLACE_BIN || place->kind > PLACE_KIND_MAX)
		return false;
	if (place_kind_is_named(place->kind))
		return place_name_is_valid(place_name_span(&place->name));
	return place->name.size == 0;
}

const char *place_kind_name(enum place_kind kind)
{
	ASSERT((size_t)kind < ARRAY_LEN(kind_names) && kind >= PLACE_BIN);
	return kind_names[kind];
}

const char *condition_name(enum condition condition)
{
	ASSERT((size_t)condition < ARRAY_LEN(condition_names));
	return condition_names[condition];
}

bool condition_parse(struct span text, enum condition *ret_condition)
{
	for (size_t i = CONDITION_GOOD; i <= CONDITION_MAX; i++) {
		if (span_is(text, condition_names[i])) {
			*ret_condition = (enum condition)i;
			return true;
		}
	}
	return false;
}

void place_print(const struct place *place, char *buffer, size_t size)
{
	char name[PLACE_NAME_SIZE_MAX + 1];

	text_print(place_name_span(&place->name), name, sizeof(name));
	if (place->kind == PLACE_BIN)
		(void)text_format(buffer, size, "%s", name);
	else if (name[0] == '\0')
		(void)text_format(buffer, size, "%s",
				  place_kind_name(place->kind));
	else
		(void)text_format(buffer, size, "%s:%s",
				  place_kind_name(place->kind), name);
}
