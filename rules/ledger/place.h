/*
 * place - where a unit can be, and in what condition.
 *
 * Layer     rules/ledger
 * Threads   any
 *
 * Stock only ever moves between two places. A bin is a location in this site;
 * every other kind stands for the world outside or for a reason, so that each
 * item sums to zero over all places.
 *
 * The numbers of both enums are on disk and in deltas: they never change.
 */
#ifndef DEPOT_RULES_LEDGER_PLACE_H
#define DEPOT_RULES_LEDGER_PLACE_H

#include <stdbool.h>

#include "rules/base/ids.h"

enum place_kind {
	PLACE_BIN = 1,      /* a location in the site; named */
	PLACE_TRANSIT = 2,  /* on the way between two sites; named: transfer */
	PLACE_SUPPLIER = 3, /* where receipts come from; named */
	PLACE_CUSTOMER = 4, /* where shipments go */
	PLACE_LOSS = 5,     /* what a count could not find */
	PLACE_FOUND = 6,    /* what the book did not know */
	PLACE_SCRAP = 7,    /* thrown away, with a reason */
	PLACE_MADE = 8,     /* bundles' components in, bundles out */
};
#define PLACE_KIND_MAX PLACE_MADE

enum condition {
	CONDITION_NONE = 0, /* every place but a bin */
	CONDITION_GOOD = 1,
	CONDITION_ON_HOLD = 2,
	CONDITION_QUARANTINE = 3, /* waiting for or failed inspection */
	CONDITION_DAMAGED = 4,
};
#define CONDITION_MAX CONDITION_DAMAGED

TEXT_DECLARE(place_name, PLACE_NAME_SIZE_MAX)

struct place {
	enum place_kind kind;
	struct place_name name; /* empty where the kind has none */
};

/* The bins that always exist. */
#define BIN_DOCK "DOCK"
#define BIN_PICKED "PICKED"
#define BIN_PACKED "PACKED"

/* A bin's name must be place_name_is_valid(). */
struct place place_bin(struct span name);
/* A place of a kind without names. */
struct place place_of(enum place_kind kind);

bool place_equal(const struct place *a, const struct place *b);
bool place_is_bin(const struct place *place, const char *name);

/* True for a kind whose places have names: bin, transit, supplier. */
bool place_kind_is_named(enum place_kind kind);

/* True for 1 to PLACE_NAME_SIZE_MAX bytes of clean text without blanks at
 * the ends and without ':' (which stands between kind and name in print). */
bool place_name_is_valid(struct span name);

/* True if kind, and name where due, are within bounds. */
bool place_is_valid(const struct place *place);

/* Stable lower-case words for topics and CLI: "bin", "on_hold". Never NULL. */
const char *place_kind_name(enum place_kind kind);
const char *condition_name(enum condition condition);
/* False if @text is none of the conditions of a bin. */
MUST_CHECK bool condition_parse(struct span text,
				enum condition *ret_condition);

/* "A-01" for a bin, "transit:T-17" or "customer" for others; cut to fit. */
void place_print(const struct place *place, char *buffer, size_t size);
#define PLACE_PRINT_SIZE (PLACE_NAME_SIZE_MAX + 12)

#endif
