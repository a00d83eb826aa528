#include "tests/bench/week.h"

#include <inttypes.h>
#include <string.h>

#include "rules/ledger/entry.h"
#include "tests/bench/bench.h"

#define ITEMS 3000
#define HOMES_MAX 3
#define AISLES 8
#define RACKS 40
#define LEVELS 4
#define SCANNERS 8
#define SCANNERS_THAT_SAY 5 /* when they scanned */
#define DAYS 7
#define ORDERS 1100   /* a day */
#define DELIVERIES 12 /* a day */
#define LINES_MAX 30  /* of an order */
#define EVENTS_MAX 200000
#define START_MS INT64_C(1795341600000)
#define MINUTE_MS 60000
#define HOUR_MS (60 * MINUTE_MS)

struct item_line {
	uint32_t item;
	int64_t quantity;
	uint32_t lot; /* 0: not tracked */
};

struct event {
	int64_t ms;
	uint32_t order; /* made first to last: ties keep their order */
	uint32_t scanner;
	enum movement_kind kind;
	struct item_line line;
	uint32_t ref;
	uint32_t bin;
};

struct week {
	uint64_t random;
	uint64_t weights[ITEMS]; /* summed */
	uint32_t homes[ITEMS][HOMES_MAX];
	uint32_t home_counts[ITEMS];
	struct event *events;
	size_t count;
	uint32_t order_last;
	uint32_t delivery_last;
};

/* ---- entries ---- */

void entries_add(struct entries *entries, const void *bytes, size_t size)
{
	if (entries->capacity - entries->size < size) {
		entries->capacity = 2 * entries->capacity + (1u << 20);
		entries->bytes = realloc(entries->bytes, entries->capacity);
	}
	if ((entries->count & (entries->count + 1)) == 0)
		entries->ends =
			realloc(entries->ends, 2 * (entries->count + 1) *
						       sizeof(*entries->ends));
	if (entries->bytes == NULL || entries->ends == NULL)
		bench_die("out of memory");
	memcpy(entries->bytes + entries->size, bytes, size);
	entries->size += size;
	entries->ends[entries->count++] = entries->size;
}

void entries_free(struct entries *entries)
{
	free(entries->bytes);
	free(entries->ends);
}

/* ---- chance ---- */

/* splitmix64, 0 to @below - 1. */
static uint32_t draw(struct week *week, uint32_t below)
{
	uint64_t z = (week->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) % below);
}

static int64_t draw_ms(struct week *week, int64_t from, int64_t to)
{
	return from + draw(week, (uint32_t)(to - from));
}

static uint32_t draw_item(struct week *week)
{
	uint64_t at = draw(week, (uint32_t)week->weights[ITEMS - 1]);
	uint32_t low = 0;
	uint32_t high = ITEMS - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (week->weights[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t draw_home(struct week *week, uint32_t item)
{
	return week->homes[item][draw(week, week->home_counts[item])];
}

/* Every fifth item has two lots. */
static uint32_t draw_lot(struct week *week, uint32_t item)
{
	return item % 5 != 0 ? 0 : 1 + 2 * item + draw(week, 2);
}

static struct item_line draw_line(struct week *week, int64_t quantity)
{
	uint32_t item = draw_item(week);

	return (struct item_line){item, quantity, draw_lot(week, item)};
}

static int64_t draw_quantity(struct week *week)
{
	static const int64_t usual[] = {1, 1, 1, 1, 2, 2, 3, 4, 6, 12};

	return usual[draw(week, ARRAY_LEN(usual))];
}

static void items_make(struct week *week)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < ITEMS; i++) {
		sum += 1000000 / (i + 10);
		week->weights[i] = sum;
		week->home_counts[i] = draw(week, 5) < 3 ? 1 : 2;
		week->home_counts[i] += draw(week, 5) == 0;
		for (uint32_t j = 0; j < HOMES_MAX; j++)
			week->homes[i][j] = draw(week, AISLES * RACKS * LEVELS);
	}
}

/* ---- what happens ---- */

static void event_add(struct week *week, struct event event)
{
	if (week->count == EVENTS_MAX)
		bench_die("the week is too full");
	event.order = (uint32_t)week->count;
	week->events[week->count++] = event;
}

/* Received line by line at the dock, and put away by somebody else. */
static void delivery_make(struct week *week, int64_t day_ms)
{
	struct event event = {.ref = ++week->delivery_last};
	int64_t ms = day_ms + draw(week, 3 * HOUR_MS);
	uint32_t lines = 10 + draw(week, 30);
	uint32_t dock = draw(week, 2);
	uint32_t truck = 2 + draw(week, 2);

	for (uint32_t i = 0; i < lines; i++) {
		ms += draw_ms(week, 4000, 20000);
		event.kind = MOVEMENT_RECEIVE;
		event.scanner = dock;
		event.ms = ms;
		event.line = draw_line(week, 12 * (1 + draw(week, 20)));
		event_add(week, event);
		event.kind = MOVEMENT_PUTAWAY;
		event.scanner = truck;
		event.ms += draw_ms(week, 10 * MINUTE_MS, HOUR_MS);
		event.bin = draw_home(week, event.line.item);
		event_add(week, event);
	}
}

/* Picked by one, shipped some time after by another. */
static void order_make(struct week *week, int64_t day_ms)
{
	struct event event = {.kind = MOVEMENT_PICK,
			      .ref = ++week->order_last,
			      .scanner = 2 + draw(week, SCANNERS - 2)};
	struct item_line lines[LINES_MAX];
	int64_t ms = day_ms + HOUR_MS + draw(week, 10 * HOUR_MS);
	uint32_t count = 1 + draw(week, 4) * draw(week, 4);

	for (uint32_t i = 0; i < count; i++) {
		ms += draw_ms(week, 6000, 40000);
		lines[i] = draw_line(week, draw_quantity(week));
		event.ms = ms;
		event.line = lines[i];
		event.bin = draw_home(week, lines[i].item);
		event_add(week, event);
	}
	ms += draw_ms(week, MINUTE_MS, 30 * MINUTE_MS);
	event.kind = MOVEMENT_SHIP;
	event.scanner = SCANNERS - 2 + draw(week, 2);
	for (uint32_t i = 0; i < count; i++) {
		ms += draw_ms(week, 1500, 5000);
		event.ms = ms;
		event.line = lines[i];
		event_add(week, event);
	}
}

static int event_compare(const void *a, const void *b)
{
	const struct event *x = a;
	const struct event *y = b;

	if (x->ms != y->ms)
		return x->ms < y->ms ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* ---- entries of it ---- */

/* Sets a text of text.h: bytes and size lie as TEXT_DECLARE has them. */
#define TEXT_FORMAT(text, ...)                                           \
	do {                                                             \
		char format_[sizeof((text).data)];                       \
		if (!text_format(format_, sizeof(format_), __VA_ARGS__)) \
			bench_die("a text is too long");                 \
		(text).size = (uint8_t)strlen(format_);                  \
		memcpy((text).data, format_, (text).size);               \
	} while (0)

static void bin_set(struct side *side, uint32_t bin)
{
	side->place.kind = PLACE_BIN;
	side->condition = CONDITION_GOOD;
	TEXT_FORMAT(side->place.name, "%c-%02u-%u", ('A' + bin % AISLES),
		    bin / AISLES % RACKS + 1, bin / AISLES / RACKS + 1);
}

static void system_set(struct side *side, const char *name)
{
	side->place.kind = PLACE_BIN;
	side->condition = CONDITION_GOOD;
	TEXT_FORMAT(side->place.name, "%s", name);
}

static void sides_set(struct movement *movement, const struct event *event)
{
	if (event->kind == MOVEMENT_RECEIVE) {
		movement->from.place.kind = PLACE_SUPPLIER;
		TEXT_FORMAT(movement->from.place.name, "sup-%u",
			    event->ref % 30);
		system_set(&movement->to, "DOCK");
	} else if (event->kind == MOVEMENT_PUTAWAY) {
		system_set(&movement->from, "DOCK");
		bin_set(&movement->to, event->bin);
	} else if (event->kind == MOVEMENT_PICK) {
		bin_set(&movement->from, event->bin);
		system_set(&movement->to, "PICKED");
	} else {
		system_set(&movement->from, "PICKED");
		movement->to.place.kind = PLACE_CUSTOMER;
	}
}

static void cause_set(struct entry *entry, const struct event *event)
{
	if (event->kind == MOVEMENT_RECEIVE) {
		entry->ref.kind = REF_PURCHASE_ORDER;
		TEXT_FORMAT(entry->ref.text, "PO-%u", 5000 + event->ref);
	} else if (event->kind != MOVEMENT_PUTAWAY) {
		entry->ref.kind = REF_ORDER;
		TEXT_FORMAT(entry->ref.text, "SO-%u", 100000 + event->ref);
	}
}

static void entry_make(struct week *week, const struct event *event,
		       struct stamp stamp, struct entry *ret_entry)
{
	struct entry *entry = ret_entry;
	struct movement *movement = &entry->body.movement;

	entry_init(entry, ENTRY_MOVEMENT);
	entry->stamp = stamp;
	entry->effective = stamp_moment(stamp);
	entry->clock_flags = ENTRY_CLOCK_TRUSTED | ENTRY_EFFECTIVE_TRUSTED;
	if (event->scanner < SCANNERS_THAT_SAY)
		entry->effective.ms =
			(event->ms - draw_ms(week, 150, 2500)) / 1000 * 1000;
	entry->actor.kind = ACTOR_DEVICE;
	TEXT_FORMAT(entry->actor.name, "scan-%u", event->scanner + 1);
	cause_set(entry, event);
	movement->kind = event->kind;
	movement->quantity.units = event->line.quantity;
	TEXT_FORMAT(movement->item, "%05u%s", 20000 + event->line.item,
		    event->line.item % 3 == 0 ? "A" : "");
	if (event->line.lot != 0) {
		TEXT_FORMAT(movement->lot, "L%05u", event->line.lot);
		movement->expiry = 20270101 + event->line.lot % 12 * 100;
	}
	sides_set(movement, event);
}

static void entries_make(struct week *week, struct entries *ret_entries)
{
	uint8_t bytes[ENTRY_SIZE_MAX];
	struct stamp stamp = {0};
	struct entry entry;
	struct writer writer;

	for (size_t i = 0; i < week->count; i++) {
		stamp = stamp_next(stamp, (struct moment){week->events[i].ms});
		entry_make(week, &week->events[i], stamp, &entry);
		writer_init(&writer, bytes, sizeof(bytes));
		entry_encode(&writer, &entry);
		entries_add(ret_entries, bytes, writer.size);
	}
	ret_entries->movements = week->count;
}

void week_make(uint64_t seed, struct entries *ret_entries)
{
	struct week *week = calloc(1, sizeof(*week));

	if (week != NULL)
		week->events = calloc(EVENTS_MAX, sizeof(*week->events));
	if (week == NULL || week->events == NULL)
		bench_die("out of memory");
	week->random = seed;
	items_make(week);
	for (int64_t day = 0; day < DAYS; day++) {
		int64_t day_ms = START_MS + day * 24 * HOUR_MS;

		for (size_t i = 0; i < DELIVERIES; i++)
			delivery_make(week, day_ms);
		for (size_t i = 0; i < ORDERS; i++)
			order_make(week, day_ms);
	}
	qsort(week->events, week->count, sizeof(*week->events), event_compare);
	*ret_entries = (struct entries){0};
	entries_make(week, ret_entries);
	free(week->events);
	free(week);
}
