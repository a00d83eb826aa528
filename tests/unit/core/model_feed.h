/*
 * What a warehouse may send on a bad day, made up from a seed: readings of
 * every operation, legal and half legal, bare sessions, sensors, commands that
 * name what was unknown, a clock that jumps.
 */
#ifndef DEPOT_TESTS_UNIT_CORE_MODEL_FEED_H
#define DEPOT_TESTS_UNIT_CORE_MODEL_FEED_H

#include "tests/support/check.h"

#include "rules/base/limits.h"
#include "rules/base/stamp.h"

enum fed_kind {
	FED_MESSAGE,
	FED_COMMAND,
	FED_TICK,
};

/* One event, kept, so that all of them can be given again. */
struct fed {
	enum fed_kind kind;
	bool is_named; /* a reading with a number */
	int64_t at_ms;
	uint16_t packet_id;
	char topic[48]; /* "scan/dock-1", or a command's name */
	char text[448]; /* payload, or arguments */
};

#define FEED_DEVICES 6
#define FEED_NEW_CODES 24
#define FEED_NEW_BINS 6
#define FEED_SERIALS 12
#define FEED_PALLETS 6

static const char *const feed_devices[FEED_DEVICES] = {
	"dock-1", "gun-2", "fix-3", "gun-4", "late-5", "late-6"};
/* Two are never registered by the setup. */
#define FEED_KNOWN_DEVICES 4

struct feed {
	uint64_t random;
	int64_t now_ms;
	uint64_t seq[FEED_DEVICES]; /* the last one given */
	uint64_t top[FEED_DEVICES]; /* the highest one of the boot */
	unsigned boot[FEED_DEVICES];
	uint16_t packet_id;
	char last[448]; /* the last named payload, to be sent again */
	char last_topic[48];
};

static inline uint64_t feed_below(struct feed *feed, uint64_t bound)
{
	return test_random(&feed->random) % bound;
}

static inline bool feed_one_in(struct feed *feed, uint64_t bound)
{
	return feed_below(feed, bound) == 0;
}

#define FEED_PICK(feed, list) \
	((list)[feed_below(feed, sizeof(list) / sizeof((list)[0]))])

PRINTF_LIKE(3, 4)
static inline void feed_add(char *buffer, size_t size, const char *format, ...)
{
	size_t at = strlen(buffer);
	va_list arguments;
	int written;

	va_start(arguments, format);
	written = vsnprintf(buffer + at, size - at, format, arguments);
	va_end(arguments);
	assert_true(written >= 0 && (size_t)written < size - at);
}

/* The check digit of a GS1 key: weights 3 and 1 from the right. */
static inline int feed_check_digit(const char *digits)
{
	size_t size = strlen(digits);
	int sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += (digits[size - 1 - i] - '0') * (i % 2 == 0 ? 3 : 1);
	return (10 - sum % 10) % 10;
}

static inline void feed_sscc(struct feed *feed, char *text, size_t size)
{
	char digits[18];

	snprintf(digits, sizeof(digits), "39521234%09u",
		 (unsigned)feed_below(feed, FEED_PALLETS));
	snprintf(text, size, "(00)%s%d", digits, feed_check_digit(digits));
}

/* An item's code, or what stands in its place. */
static inline void feed_code(struct feed *feed, char *text, size_t size)
{
	static const char *const plain[] = {
		"4006381333931", "4006381333931",  "MUG",  "MUG", "SOAP",
		"SOAP",          "14006381333938", "MILK", "RICE"};
	unsigned lot = (unsigned)feed_below(feed, 4);

	switch (feed_below(feed, 16)) {
	case 0:
	case 1:
		snprintf(text, size, "(01)09521234567899(17)27010%u(10)L%u",
			 lot + 1, lot);
		return;
	case 2:
		snprintf(text, size, "(01)09521234567899(10)L%u", lot);
		return;
	case 3:
	case 4:
		snprintf(text, size, "(01)04006381333948(21)S%u",
			 (unsigned)feed_below(feed, FEED_SERIALS));
		return;
	case 5:
		feed_sscc(feed, text, size);
		return;
	case 6:
		feed_sscc(feed, text, size);
		feed_add(text, size, "(02)09521234567899(37)%u",
			 (unsigned)feed_below(feed, 20) + 1);
		return;
	case 7:
		snprintf(text, size, "NEW-%u",
			 (unsigned)feed_below(feed, FEED_NEW_CODES));
		return;
	default:
		snprintf(text, size, "%s", FEED_PICK(feed, plain));
	}
}

/* What somebody holds the scanner at by mistake. */
static inline void feed_odd_code(struct feed *feed, char *text, size_t size)
{
	static const char *const odd[] = {
		"DEPOT.BIN.A-01",
		"DEPOT.QTY.3",
		"DEPOT.UNDO",
		"DEPOT.OP.PICK",
		"DEPOT.BIN.",
		"4006381333932",
		"(10)L1",
		"DEPOT.NONSENSE",
		"A-02",
		"(01)04006381333948",
		"DEPOT.ITEM.MUG",
		"DEPOT.DONE",
		"]C10109521234567899",
		"DEPOT.QTY.1000000000000000",
		"http://id.gs1.org/01/09521234567899/10/L1",
		"<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"};

	snprintf(text, size, "%s", FEED_PICK(feed, odd));
}

static inline const char *feed_bin(struct feed *feed)
{
	static const char *const bins[] = {
		"A-01", "A-01", "A-01",           "A-02", "A-02", "A-03",
		"A-03", "DOCK", "DOCK",           "A-01", "A-02", "PICKED",
		"A-03", "A-02", "PACKED",         "A-01", "A-02", "A-03",
		"A-01", "A-02", "DEPOT.BIN.A-01", "Z-0",  "Z-1",  "MUG"};
	static const char *const odd[] = {"DEPOT.BIN.", "Z-2", "Z-3", "Z-4",
					  "4006381333931"};

	return feed_one_in(feed, 30) ? FEED_PICK(feed, odd)
				     : FEED_PICK(feed, bins);
}

static inline uint64_t feed_quantity(struct feed *feed)
{
	if (feed_one_in(feed, 200))
		return UINT64_C(1000000000000000);
	if (feed_one_in(feed, 100))
		return 0;
	return feed_below(feed, feed_one_in(feed, 6) ? 60 : 6) + 1;
}

static inline void feed_details(struct feed *feed, char *text, size_t size)
{
	static const char *const refs[] = {"O-1", "O-2", "O-3", "T-1", "T-2"};
	static const char *const conditions[] = {"good", "on_hold",
						 "quarantine", "damaged"};

	if (!feed_one_in(feed, 3))
		feed_add(text, size, ",\"qty\":%llu",
			 (unsigned long long)feed_quantity(feed));
	if (!feed_one_in(feed, 4))
		feed_add(text, size, ",\"bin\":\"%s\"", feed_bin(feed));
	if (!feed_one_in(feed, 3))
		feed_add(text, size, ",\"to\":\"%s\"", feed_bin(feed));
	if (!feed_one_in(feed, 3))
		feed_add(text, size, ",\"ref\":\"%s\"", FEED_PICK(feed, refs));
	if (feed_one_in(feed, 2))
		feed_add(text, size, ",\"reason\":\"r\"");
	if (feed_one_in(feed, 3))
		feed_add(text, size, ",\"condition\":\"%s\"",
			 FEED_PICK(feed, conditions));
	if (feed_one_in(feed, 12))
		feed_add(text, size, ",\"lot\":\"L%u\"",
			 (unsigned)feed_below(feed, 5));
	if (feed_one_in(feed, 20))
		feed_add(text, size, ",\"serial\":\"S%u\"",
			 (unsigned)feed_below(feed, FEED_SERIALS));
	if (feed_one_in(feed, 10))
		feed_add(text, size, ",\"position\":%llu",
			 (unsigned long long)feed_below(feed, 30000));
	if (feed_one_in(feed, 10))
		feed_add(text, size, ",\"at\":\"20%02u-0%u-01T00:00:00Z\"",
			 (unsigned)feed_below(feed, 60),
			 (unsigned)feed_below(feed, 9) + 1);
}

static inline void feed_name_add(struct feed *feed, size_t device,
				 struct fed *fed)
{
	uint64_t seq = ++feed->seq[device];

	if (seq > feed->top[device])
		feed->top[device] = seq;
	fed->is_named = true;
	feed_add(fed->text, sizeof(fed->text), ",\"seq\":%llu",
		 (unsigned long long)seq);
	if (feed->boot[device] > 0)
		feed_add(fed->text, sizeof(fed->text), ",\"boot\":\"b%u\"",
			 feed->boot[device]);
}

/* A number that was not used yet. */
static inline void feed_name_new(struct feed *feed, size_t device,
				 struct fed *fed)
{
	feed->seq[device] = feed->top[device];
	feed_name_add(feed, device, fed);
}

/* Numbers mostly follow each other; some come again with other content, some
 * jump, and a scanner that was switched off begins anew. */
static inline void feed_name(struct feed *feed, size_t device, struct fed *fed)
{
	uint64_t *seq = &feed->seq[device];

	if (feed_one_in(feed, 500) && feed->boot[device] < 6) {
		feed->boot[device]++;
		feed->top[device] = 0;
		*seq = 0;
	}
	if (feed_one_in(feed, 60) && *seq > 10)
		*seq -= feed_below(feed, 10);
	else if (feed_one_in(feed, 60))
		*seq += feed_below(feed, 10);
	feed_name_add(feed, device, fed);
}

static inline void feed_codes(struct feed *feed, struct fed *fed)
{
	size_t count = feed_one_in(feed, 5) ? feed_below(feed, 3) + 1 : 1;
	char code[128];

	feed_add(fed->text, sizeof(fed->text), ",\"codes\":[");
	for (size_t i = 0; i < count; i++) {
		if (feed_one_in(feed, 25))
			feed_odd_code(feed, code, sizeof(code));
		else
			feed_code(feed, code, sizeof(code));
		feed_add(fed->text, sizeof(fed->text), "%s\"%s\"",
			 i == 0 ? "" : ",", code);
	}
	feed_add(fed->text, sizeof(fed->text), "]");
}

static inline void feed_complete(struct feed *feed, size_t device,
				 struct fed *fed)
{
	static const char *const ops[] = {
		"receive", "receive",      "receive",     "putaway", "putaway",
		"move",    "move",         "pick",        "pick",    "pick",
		"pack",    "pack",         "ship",        "ship",    "return",
		"count",   "count",        "scrap",       "hold",    "release",
		"undo",    "transfer_out", "transfer_in", "done",    "fly"};
	const char *op = FEED_PICK(feed, ops);

	snprintf(fed->text, sizeof(fed->text), "{\"v\":1");
	if (!feed_one_in(feed, 6))
		feed_name(feed, device, fed);
	if (!feed_one_in(feed, 40))
		feed_add(fed->text, sizeof(fed->text), ",\"op\":\"%s\"", op);
	if ((strcmp(op, "undo") != 0 && strcmp(op, "done") != 0) ||
	    feed_one_in(feed, 4))
		feed_codes(feed, fed);
	feed_details(feed, fed->text, sizeof(fed->text));
	feed_add(fed->text, sizeof(fed->text), "}");
}

static inline void feed_bare(struct feed *feed, struct fed *fed)
{
	static const char *const labels[] = {
		"DEPOT.OP.RECEIVE", "DEPOT.OP.PUTAWAY",
		"DEPOT.OP.MOVE",    "DEPOT.OP.PICK",
		"DEPOT.OP.PACK",    "DEPOT.OP.SHIP",
		"DEPOT.OP.RETURN",  "DEPOT.OP.COUNT",
		"DEPOT.OP.COUNT",   "DEPOT.OP.SCRAP",
		"DEPOT.OP.HOLD",    "DEPOT.OP.RELEASE",
		"DEPOT.OP.UNDO",    "DEPOT.OP.TRANSFER_OUT",
		"DEPOT.OP.DONE",    "DEPOT.DONE",
		"DEPOT.DONE",       "DEPOT.OP.NONE"};
	static const char *const bins[] = {"A-01", "A-02",   "A-03",   "DOCK",
					   "Z-0",  "PICKED", "PACKED", "Z-5"};

	switch (feed_below(feed, 10)) {
	case 0:
		snprintf(fed->text, sizeof(fed->text), "%s",
			 FEED_PICK(feed, labels));
		return;
	case 1:
	case 2:
		snprintf(fed->text, sizeof(fed->text), "DEPOT.BIN.%s",
			 FEED_PICK(feed, bins));
		return;
	case 3:
		snprintf(fed->text, sizeof(fed->text), "DEPOT.QTY.%u",
			 (unsigned)feed_below(feed, 30));
		return;
	case 4:
		snprintf(fed->text, sizeof(fed->text), "DEPOT.UNDO");
		return;
	case 5:
		feed_odd_code(feed, fed->text, sizeof(fed->text));
		return;
	default:
		feed_code(feed, fed->text, sizeof(fed->text));
	}
}

static inline void feed_sensor(struct feed *feed, struct fed *fed)
{
	if (feed_one_in(feed, 2)) {
		snprintf(fed->topic, sizeof(fed->topic), "shelf/fix-3");
		snprintf(fed->text, sizeof(fed->text),
			 "{\"v\":1,\"bin\":\"%s\",\"quantity\":%u,"
			 "\"stable\":true}",
			 feed_bin(feed), (unsigned)feed_below(feed, 20));
		return;
	}
	snprintf(fed->topic, sizeof(fed->topic), "rfid/fix-3");
	snprintf(fed->text, sizeof(fed->text),
		 "{\"v\":1,\"reads\":[{\"epc\":\"3034257BF7194E40000000%02X\"}"
		 "]}",
		 (unsigned)feed_below(feed, 5));
}

static inline void feed_command(struct feed *feed, struct fed *fed)
{
	unsigned number = (unsigned)feed_below(feed, 100);

	fed->kind = FED_COMMAND;
	switch (feed_below(feed, 4)) {
	case 0:
	case 1:
		snprintf(fed->topic, sizeof(fed->topic), "code.set");
		snprintf(fed->text, sizeof(fed->text),
			 "{\"code\":\"NEW-%u\",\"item\":\"%s\",\"pack\":%u}",
			 number % FEED_NEW_CODES,
			 number % 3 == 0 ? "MILK" : "MUG", number % 4 + 1);
		return;
	case 2:
		snprintf(fed->topic, sizeof(fed->topic), "bin.set");
		snprintf(fed->text, sizeof(fed->text),
			 "{\"bin\":\"Z-%u\",\"inactive\":%s}",
			 number % FEED_NEW_BINS,
			 number % 5 == 0 ? "true" : "false");
		return;
	default:
		snprintf(fed->topic, sizeof(fed->topic), "device.set");
		snprintf(fed->text, sizeof(fed->text),
			 "{\"device\":\"%s\",\"kind\":\"scanner\"}",
			 feed_devices[FEED_KNOWN_DEVICES +
				      number % (FEED_DEVICES -
						FEED_KNOWN_DEVICES)]);
		return;
	}
}

/* Mostly seconds pass; seldom the clock is set, either way. */
static inline void feed_clock(struct feed *feed)
{
	feed->now_ms += (int64_t)feed_below(feed, 4000);
	if (feed_one_in(feed, 700))
		feed->now_ms += (int64_t)feed_below(feed, 40 * 86400) * 1000;
	if (feed_one_in(feed, 700))
		feed->now_ms -= (int64_t)feed_below(feed, 20 * 86400) * 1000;
}

static inline void feed_message(struct feed *feed, struct fed *fed)
{
	size_t device = feed_below(feed, FEED_DEVICES);

	if (feed_one_in(feed, 40)) {
		feed_sensor(feed, fed);
		return;
	}
	snprintf(fed->topic, sizeof(fed->topic), "scan/%s",
		 feed_devices[device]);
	if (feed_one_in(feed, 20) && feed->last[0] != '\0') {
		snprintf(fed->topic, sizeof(fed->topic), "%s",
			 feed->last_topic);
		snprintf(fed->text, sizeof(fed->text), "%s", feed->last);
		fed->is_named = true;
	} else if (device == 1 || device == 3) {
		feed_bare(feed, fed);
	} else {
		feed_complete(feed, device, fed);
	}
	if (fed->is_named) {
		memcpy(feed->last, fed->text, sizeof(feed->last));
		memcpy(feed->last_topic, fed->topic, sizeof(feed->last_topic));
	}
}

static inline struct fed feed_next(struct feed *feed)
{
	struct fed fed = {.kind = FED_MESSAGE};

	feed_clock(feed);
	fed.at_ms = feed->now_ms;
	fed.packet_id = ++feed->packet_id;
	if (feed_one_in(feed, 60))
		feed_command(feed, &fed);
	else if (feed_one_in(feed, 60))
		fed.kind = FED_TICK;
	else
		feed_message(feed, &fed);
	return fed;
}

#endif
