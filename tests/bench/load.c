#include "tests/bench/load.h"

#include <inttypes.h>

#include "tests/bench/bench.h"

void load_sku(uint32_t item, char *name)
{
	(void)text_format(name, LOAD_NAME_SIZE, "SKU-%06" PRIu32, item);
}

void load_code(uint32_t item, char *name)
{
	unsigned sum = 0;

	(void)text_format(name, LOAD_NAME_SIZE, "400000%06" PRIu32 "0", item);
	for (size_t i = 0; i < 12; i++)
		sum += (unsigned)(name[i] - '0') * (i % 2 == 0 ? 1 : 3);
	name[12] = (char)('0' + (10 - sum % 10) % 10);
}

void load_bin(uint32_t bin, char *name)
{
	(void)text_format(name, LOAD_NAME_SIZE, "A-%04" PRIu32, bin);
}

/* The end of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mixed(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

struct load_reading load_reading(const struct load *load, uint64_t index)
{
	static const enum movement_kind kinds[] = {
		MOVEMENT_RECEIVE, MOVEMENT_PICK, MOVEMENT_SHIP};
	uint64_t phase = index % ARRAY_LEN(kinds);
	uint64_t group = index / ARRAY_LEN(kinds);
	struct load_reading reading = {.kind = MOVEMENT_RECEIVE};
	uint64_t drawn;

	if (group >= phase * LOAD_LAG) {
		reading.kind = kinds[phase];
		group -= phase * LOAD_LAG;
	}
	drawn = mixed(load->seed + group);
	reading.item = (uint32_t)(drawn % load->items);
	reading.bin = (uint32_t)(mixed(reading.item) % load->bins);
	reading.order = group;
	reading.units = (int64_t)(drawn >> 60) + 1;
	return reading;
}

static const char *op_of(enum movement_kind kind)
{
	return kind == MOVEMENT_RECEIVE ? "receive"
	       : kind == MOVEMENT_PICK  ? "pick"
					: "ship";
}

size_t load_payload(const struct load *load, const char *boot, uint64_t index,
		    char *payload)
{
	struct load_reading reading = load_reading(load, index);
	char code[LOAD_NAME_SIZE];
	char bin[LOAD_NAME_SIZE];
	char where[64];

	load_code(reading.item, code);
	load_bin(reading.bin, bin);
	if (reading.kind == MOVEMENT_RECEIVE)
		(void)text_format(where, sizeof(where), "\"bin\":\"%s\"", bin);
	else if (reading.kind == MOVEMENT_PICK)
		(void)text_format(where, sizeof(where),
				  "\"bin\":\"%s\",\"ref\":\"SO-%" PRIu32
				  "-%" PRIu64 "\"",
				  bin, load->stream, reading.order);
	else
		(void)text_format(where, sizeof(where),
				  "\"ref\":\"SO-%" PRIu32 "-%" PRIu64 "\"",
				  load->stream, reading.order);
	if (!text_format(payload, LOAD_PAYLOAD_SIZE,
			 "{\"v\":1,\"boot\":\"%s\",\"seq\":%" PRIu64
			 ",\"op\":\"%s\",\"code\":\"%s\",\"qty\":%" PRId64
			 ",%s}",
			 boot, index + 1, op_of(reading.kind), code,
			 reading.units, where))
		bench_die("a payload is longer than %d", LOAD_PAYLOAD_SIZE);
	return span_of(payload).size;
}

static struct side bin_side(const char *bin)
{
	return (struct side){place_bin(span_of(bin)), CONDITION_GOOD};
}

static void sides_set(const struct load_reading *reading,
		      struct movement *movement)
{
	char bin[LOAD_NAME_SIZE];

	load_bin(reading->bin, bin);
	if (reading->kind == MOVEMENT_RECEIVE) {
		movement->from.place.kind = PLACE_SUPPLIER;
		if (!place_name_set(&movement->from.place.name,
				    SPAN_LITERAL("unknown")))
			bench_die("the supplier's name does not fit");
		movement->to = bin_side(bin);
	} else if (reading->kind == MOVEMENT_PICK) {
		movement->from = bin_side(bin);
		movement->to = bin_side(BIN_PICKED);
	} else {
		movement->from = bin_side(BIN_PICKED);
		movement->to.place = place_of(PLACE_CUSTOMER);
	}
}

void load_entry(const struct load *load, uint64_t index,
		struct entry *ret_entry)
{
	struct load_reading reading = load_reading(load, index);
	struct movement *movement = &ret_entry->body.movement;
	char sku[LOAD_NAME_SIZE];
	char order[LOAD_NAME_SIZE];

	entry_init(ret_entry, ENTRY_MOVEMENT);
	load_sku(reading.item, sku);
	movement->kind = reading.kind;
	movement->quantity.units = reading.units;
	sides_set(&reading, movement);
	ret_entry->actor.kind = ACTOR_DEVICE;
	ret_entry->actor.seq = index + 1;
	if (reading.kind != MOVEMENT_RECEIVE) {
		(void)text_format(order, sizeof(order),
				  "SO-%" PRIu32 "-%" PRIu64, load->stream,
				  reading.order);
		ret_entry->ref.kind = REF_ORDER;
		if (!ref_set(&ret_entry->ref.text, span_of(order)))
			bench_die("an order's name does not fit");
	}
	if (!sku_set(&movement->item, span_of(sku)) ||
	    !name_set(&ret_entry->actor.name, SPAN_LITERAL("gun-1")) ||
	    !boot_set(&ret_entry->actor.boot, SPAN_LITERAL("b1")))
		bench_die("a name does not fit");
}
