/*
 * reading - what a device sent: payload bytes to a checked, plain struct.
 *
 * Layer     gateway/ingest
 * Threads   any, each with a struct json and a struct reading of its own
 *
 * The contract with devices is docs/topics.md: the payloads of scan/{device},
 * shelf/{device} and rfid/{device}. What is checked here is form: types,
 * bounds, words, times, and which fields go together. What a code means, and
 * whether item, bin or order exist, is for those who come after.
 *
 * A field is left out, or it has a value: null and "" are refused, so that a
 * device that failed to fill a field never books what was not meant. Fields
 * that depot does not know are ignored.
 *
 * A scan payload that does not begin with '{' (blanks apart) is a bare code:
 * the text as the scanner sent it, symbology identifier and GS bytes kept. CR
 * and LF at the end of a code are dropped, bare or not: they are a scanner's
 * suffix. A byte order mark in front is dropped, and not counted in places.
 */
#ifndef DEPOT_GATEWAY_INGEST_READING_H
#define DEPOT_GATEWAY_INGEST_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/ingest/fault.h"
#include "gateway/ingest/json.h"
#include "rules/base/datetime.h"
#include "rules/base/err.h"
#include "rules/base/ids.h"
#include "rules/base/limits.h"
#include "rules/base/stamp.h"
#include "rules/ledger/place.h"

#define READING_VERSION 1
#define READING_CODE_SIZE_MAX 400 /* a QR code with a Digital Link */
#define READING_TAGS_MAX 64
#define READING_EPC_SIZE_MAX 62 /* bytes: 496 bits, GS1 TDS */

/* A shelf's bounds: 100 t either way (a scale may be below its zero), 1 km. */
#define READING_WEIGHT_G_MAX INT64_C(100000000)
#define READING_DISTANCE_MM_MAX INT64_C(1000000)

/* Memory that json_init needs for readings. */
#define READING_JSON_SIZE JSON_MEMORY_SIZE(PAYLOAD_IN_SIZE_MAX)

enum reading_kind {
	READING_SCAN,
	READING_SHELF,
	READING_RFID,
};

/* What a person does with what they scan. */
enum reading_op {
	OP_NONE, /* not said: the device's session knows */
	OP_RECEIVE,
	OP_PUTAWAY,
	OP_MOVE,
	OP_PICK,
	OP_PACK,
	OP_SHIP,
	OP_RETURN,
	OP_COUNT,
	OP_SCRAP,
	OP_HOLD,
	OP_RELEASE,
	OP_TRANSFER_OUT,
	OP_TRANSFER_IN,
	OP_UNDO, /* the device's last reading */
	OP_DONE, /* the session ends */
};
#define OP_MAX OP_DONE

#define SYMBOLOGY_SIZE_MAX 16
TEXT_DECLARE(symbology, SYMBOLOGY_SIZE_MAX) /* as the device says: "]C1" */

struct scan_reading {
	bool is_bare; /* a bare code: codes[0] and nothing else */
	enum reading_op op;
	uint8_t code_count; /* 0 for undo and done only */
	struct {
		uint16_t at; /* in code_texts */
		uint16_t size;
	} codes[READING_CODES_MAX];
	struct symbology symbology; /* empty: not said, as all below */
	bool has_qty;
	int64_t qty; /* 1 to QTY_MOVE_MAX; 0 as well for a count */
	struct place_name bin;
	struct place_name to;
	struct ref ref;
	struct lot lot;
	struct serial serial;
	struct reason reason;
	enum condition condition; /* CONDITION_NONE: not said */
	bool has_position;
	struct pos position; /* of the journal, from the ack to a bin's label */
	struct date expiry;  /* all zero: not said */
	/* Last, so that the rest can be cleared without it. */
	char code_texts[PAYLOAD_IN_SIZE_MAX];
};

/* What a shelf sensor measures; exactly one. */
enum shelf_measure {
	SHELF_WEIGHT_G,
	SHELF_DISTANCE_MM,
	SHELF_QUANTITY, /* the item's base units */
};

struct shelf_reading {
	struct place_name bin; /* empty: not said */
	enum shelf_measure measure;
	int64_t value;
	bool is_stable; /* the sensor says that nothing moves */
};

struct tag_read {
	uint8_t epc_size; /* 1 to READING_EPC_SIZE_MAX */
	uint8_t epc[READING_EPC_SIZE_MAX];
	bool has_antenna;
	bool has_rssi;
	uint16_t antenna;
	int16_t rssi_cdbm; /* hundredths of a dBm */
	uint32_t count;    /* reads that this stands for; 1 if not said */
};

struct rfid_reading {
	uint8_t tag_count; /* 1 to READING_TAGS_MAX */
	struct tag_read tags[READING_TAGS_MAX];
};

struct reading {
	enum reading_kind kind;
	/* The reading's name, with the device of its topic. */
	bool has_seq;
	uint64_t seq;     /* from 1 */
	struct boot boot; /* empty: none */
	bool has_at;
	struct moment at; /* the device's clock */
	union {
		struct scan_reading scan;
		struct shelf_reading shelf;
		struct rfid_reading rfid;
	} body;
};

/*
 * Reads @payload, of a topic of @kind, into @reading, which then points
 * nowhere. @json is working memory: what it held is gone.
 *
 * On failure the body is rubbish, but kind, seq and boot are what could be
 * read (has_seq is false if either is wrong), so that the answer can name the
 * reading that is refused.
 *
 * ERR_INVALID  *@fault tells: a code of the strict front (json.h), or
 *              too_long, missing_field, conflicting_fields, out_of_range,
 *              unknown_version, unknown_op, unknown_condition, bad_time,
 *              bad_date, bad_text, bad_epc, bad_utf8
 */
MUST_CHECK enum err_code reading_parse(enum reading_kind kind,
				       struct span payload, struct json *json,
				       struct reading *reading,
				       struct fault *fault);

/*
 * The same for a scan whose fields stand in @root, an object that has been
 * parsed: for one that is asked for, which has neither version nor name.
 */
MUST_CHECK enum err_code reading_parse_scan(const struct json_value *root,
					    struct reading *reading,
					    struct fault *fault);

/* Code @index of a scan; borrowed from @scan. */
struct span reading_code(const struct scan_reading *scan, size_t index);

/* "receive"; "none" for OP_NONE. Never NULL. */
const char *reading_op_name(enum reading_op op);

/* False if @text is no operation; "none" is none. */
MUST_CHECK bool reading_op_parse(struct span text, enum reading_op *ret_op);

#endif
