/*
 * entry - one line of a site's journal, and its bytes.
 *
 * Layer     rules/ledger
 * Threads   any
 * On disk   docs/format/journal.md, version ENTRY_FORMAT
 *
 * The journal is a journal of entries; a movement of stock is one kind. All
 * derived tables of the store are folds over entries, so everything that ever
 * changes one is here.
 *
 * Bytes of an entry: format, kind, then fields in rising order of their tags,
 * each at most once, absent when zero or empty. So one entry has one form
 * only. A field table per kind (entry_fields) drives encoding, decoding, the
 * JSON of the CLI, and the format document. A field or kind of a newer depot
 * is skipped by its wire type, never guessed.
 */
#ifndef DEPOT_RULES_LEDGER_ENTRY_H
#define DEPOT_RULES_LEDGER_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/base/bytes.h"
#include "rules/base/err.h"
#include "rules/base/ids.h"
#include "rules/base/stamp.h"
#include "rules/ledger/movement.h"
#include "rules/ledger/network.h"

#define ENTRY_FORMAT 1

/* On disk and in deltas: the numbers never change. Between them some are kept
 * free for what later parts add (promises, quota, purchase orders ...): a kind
 * without a field table is one of a newer depot. */
enum entry_kind {
	ENTRY_FOUNDING = 1, /* the first of an epoch */
	ENTRY_MOVEMENT = 2,
	ENTRY_ITEM = 3, /* item master, whole */
	ENTRY_CODE = 4, /* a barcode and what it stands for */
	ENTRY_BIN = 5,
	ENTRY_DEVICE = 6,
	ENTRY_ACCOUNT = 7,
	ENTRY_COUNT = 8, /* a count statement */
	ENTRY_TASK = 9,
	ENTRY_ALERT = 10,
	ENTRY_ORDER = 11,       /* document transition of a customer order */
	ENTRY_STATUS = 12,      /* state of the site, as others may see it */
	ENTRY_LOSS = 13,        /* input that could not be kept */
	ENTRY_CERTIFICATE = 14, /* 14 to 20 and 25: rules/ledger/network.h */
	ENTRY_FENCE = 15,
	ENTRY_INTENT = 16,
	ENTRY_INTENT_RESULT = 17,
	ENTRY_INVITATION = 18,
	ENTRY_SUCCESSION = 19,
	ENTRY_CLOSING = 20,  /* the last of a feed: its SEAL */
	ENTRY_TRANSFER = 21, /* document transition of a transfer */
	ENTRY_CLAIM = 22,    /* of a claim about one */
	ENTRY_CHECK = 23, /* a recurring check: its schedule, or a question */
	ENTRY_CHECK_RESULT = 24, /* what was answered */
	ENTRY_ROOT = 25,         /* the first of a control feed */
};
#define ENTRY_KIND_MAX ENTRY_ROOT
#define ENTRY_KIND_COUNT 25 /* of those above */

enum actor_kind {
	ACTOR_NONE = 0,
	ACTOR_DEVICE = 1,
	ACTOR_ACCOUNT = 2,
	ACTOR_RULE = 3,
};

/* Who caused the entry. */
struct actor {
	enum actor_kind kind;
	struct name name;
	struct boot boot; /* device: its boot id, or empty */
	uint64_t seq;     /* device: its own sequence number, or 0 */
};

enum ref_kind {
	REF_NONE = 0,
	REF_ORDER = 1,
	REF_PURCHASE_ORDER = 2,
	REF_TRANSFER = 3,
	REF_COUNT = 4, /* text: the count statement's pos, "epoch.number" */
	REF_CLAIM = 5,
	REF_ENTRY = 6, /* text: an entry's pos, "epoch.number" */
	REF_TASK = 7,
};

struct entry_ref {
	enum ref_kind kind;
	struct ref text;
};

TEXT_DECLARE(item_name, ITEM_NAME_SIZE_MAX)

struct founding {
	struct name org;
	struct name site;
	uint8_t net_id[16];
	uint8_t public_key[32]; /* Ed25519, of this epoch */
	struct ref timezone;    /* IANA */
	/* The end of the epoch before, which no chain reaches; 0: none. */
	struct pos previous;
	uint64_t previous_chain; /* checksum of its last entry */
};

enum base_unit {
	UNIT_EACH = 1,
	UNIT_GRAM = 2,
	UNIT_MILLILITRE = 3,
	UNIT_MILLIMETRE = 4,
};

enum tracking {
	TRACK_NONE = 0,
	TRACK_LOT = 1,
	TRACK_SERIAL = 2,
};

struct item {
	struct sku sku;
	struct item_name name_en;
	struct item_name name_zh;
	enum base_unit unit; /* immutable once stock has moved */
	enum tracking tracking;
	uint32_t shelf_life_days; /* 0: not said */
	uint64_t weight_mg;       /* of one base unit; 0: not said */
	char abc_class;           /* 'A', 'B', 'C' or 0 */
	bool is_inactive;
};

struct code {
	struct code_text code; /* canonical: GTIN as 14 digits, else as it is */
	struct sku item;       /* empty: the code no longer stands for any */
	int64_t pack;          /* base units in one of it, from 1 */
};

struct bin {
	struct place_name name;
	struct ref zone;
	bool is_inactive;
};

enum device_kind {
	DEVICE_SCANNER = 1, /* sends JSON readings or bare codes */
	DEVICE_SHELF = 2,
	DEVICE_RFID = 3,
};

struct device {
	struct name name;
	enum device_kind kind;
	struct place_name place;     /* its bin, where an op needs one */
	struct reason gs_substitute; /* text it sends instead of GS */
	struct name profile;
	uint8_t key[32];     /* Ed25519, or zeros: none */
	uint32_t interval_s; /* silence beyond it is an alert; 0: none */
	uint8_t is_chinese;  /* texts of its session in zh first */
	bool is_revoked;
};

enum role {
	ROLE_OPERATOR = 1 << 0,
	ROLE_MANAGER = 1 << 1,
	ROLE_PURCHASING = 1 << 2,
	ROLE_SALES = 1 << 3,
	ROLE_LOGISTICS = 1 << 4,
	ROLE_FINANCE = 1 << 5,
	ROLE_HQ = 1 << 6,
};

struct account {
	struct name name;
	uint32_t roles; /* bits of enum role */
	uint64_t uid;   /* the system user behind it, plus 1; 0: none */
	bool is_revoked;
};

enum count_verdict {
	COUNT_ACCEPTED = 1, /* the adjustment, if any, follows and names this */
	COUNT_RECOUNT_MOVED = 2, /* the bin moved meanwhile: count again */
	COUNT_RECOUNT_BLIND = 3, /* too far from the book: count again, blind */
};

struct count {
	struct place_name bin;
	struct sku item;
	struct lot lot;
	int64_t counted;
	int64_t book;  /* at @at */
	struct pos at; /* the journal's end when the bin was looked at */
	enum count_verdict verdict;
	enum condition condition; /* of the units counted; good unless said */
};

enum task_kind {
	TASK_COUNT = 1,
	TASK_PUTAWAY = 2,
	TASK_PICK = 3,
	TASK_INSPECT = 4,
	TASK_CHECK = 5,
};

enum task_state {
	TASK_OPEN = 1,
	TASK_CLAIMED = 2,
	TASK_DONE = 3,
	TASK_CANCELLED = 4,
};

/* A task is named by the pos of its first entry: "t" epoch "-" pos. */
struct task {
	struct name id;
	enum task_kind kind;
	enum task_state state;
	struct place_name bin;
	struct sku item; /* empty: the whole bin */
	struct reason reason;
	struct name account; /* who claimed or did it */
	struct name check;   /* TASK_CHECK: whose questions it asks */
	uint64_t due_ms;     /* since 1970; 0: not said */
	uint32_t missed;     /* due times before it that nobody was asked at */
	bool is_by_uptime;   /* opened while the clock was not trusted */
};

enum severity {
	SEVERITY_INFO = 1,
	SEVERITY_WARNING = 2,
	SEVERITY_CRITICAL = 3,
};

struct alert {
	struct ref id;      /* stable: code and subject */
	struct reason code; /* what docs and texts go by */
	enum severity severity;
	struct code_text subject; /* the thing: a device, a bin, an item */
	int64_t value;            /* the number in the sentence, if any */
	bool is_closed;
};

struct order {
	struct ref id;
	uint32_t state; /* RULES 5; given meaning when orders come */
};

struct site_status {
	struct reason state;
	uint64_t backlog;
	struct reason version;
};

struct loss {
	struct reason what; /* "parked" ... */
	uint64_t first;     /* numbers of what is gone */
	uint64_t last;
	uint64_t bytes;
};

enum transfer_state {
	TRANSFER_CREATED = 1,   /* by its sender: to be sent, nothing out yet */
	TRANSFER_SHIPPED = 2,   /* by its sender: the packing list is whole */
	TRANSFER_RECEIVING = 3, /* by its addressee: some of it is here */
	TRANSFER_RECEIVED =
		4,           /* by its addressee: what is missing is claimed */
	TRANSFER_CLOSED = 5, /* by either: nothing more is expected of it */
	TRANSFER_CANCELLED = 6, /* by its sender: nothing of it is under way */
	TRANSFER_LOST = 7,      /* by HQ: the rest of it was written off */
};

/*
 * What one of a transfer's two sites (or HQ) says of it; whole each time. The
 * packing list is not in it: that is the sender's movements into the transfer's
 * transit place.
 */
struct transfer {
	struct place_name id; /* rules/ledger/transfer.h */
	enum transfer_state state;
	uint32_t from_site; /* numbers in the network; 0: no network */
	uint32_t to_site;
	uint32_t lines;   /* item and lot, in what its writer booked */
	uint32_t pallets; /* SSCCs among them */
	uint64_t units;
	uint32_t expected;  /* day of arrival, yyyymmdd; 0: not said */
	struct ref carrier; /* who carries it, and under which number */
	struct reason reason;
	struct pos answers; /* received: the sender's word, in its feed, that
			     * this one answers; 0: none */
};

enum claim_kind {
	CLAIM_MISSING = 1, /* sent, and did not come */
	CLAIM_DAMAGED = 2, /* came, and is damaged */
	CLAIM_SURPLUS = 3, /* came, and was not sent */
};

enum claim_party {
	CLAIM_SENDER = 1,
	CLAIM_CARRIER = 2,
};

enum claim_state {
	CLAIM_OPEN = 1,
	CLAIM_ACCEPTED = 2,
	CLAIM_REJECTED = 3,
	CLAIM_SETTLED = 4,
	CLAIM_WITHDRAWN = 5, /* by who made it: it came after all */
};

/* The addressee opens it; each side's last word about it is its own entry. */
struct transfer_claim {
	struct ref id;              /* the transfer's, "-c", number */
	struct place_name transfer; /* id */
	struct sku item;
	struct lot lot;
	int64_t quantity;
	enum claim_kind kind;
	enum claim_party party; /* against whom */
	enum claim_state state;
	struct reason reason;
};

#define CHECK_QUESTIONS_MAX 8
/* Numbers that are answered, and their limits, are in thousandths. */
#define CHECK_VALUE_SCALE 1000

TEXT_DECLARE(unit_text, CHECK_UNIT_SIZE_MAX)

enum check_kind {
	CHECK_FIRE = 1,
	CHECK_SAFETY = 2,
	CHECK_DOORS = 3,
	CHECK_COLD_CHAIN = 4,
	CHECK_CLEANING = 5,
	CHECK_OTHER = 6,
};

enum answer_kind {
	ANSWER_YES = 1,    /* yes is as it should be */
	ANSWER_NO = 2,     /* no is */
	ANSWER_NUMBER = 3, /* a number within the limits is */
};

/*
 * A recurring check is 1 + n entries: number 0 says what it is and when it is
 * due, number 1 to CHECK_QUESTIONS_MAX is a question each. Each is replaced
 * whole by a later one with the same id and number.
 */
struct check {
	struct name id;
	uint32_t number;
	struct item_name name_en; /* of the check, or the question */
	struct item_name name_zh;
	/* Number 0. */
	enum check_kind kind;
	struct ref times;        /* "08:00 20:00", site time; rules/check */
	uint8_t weekdays;        /* bit 0 Monday; 0: every day */
	uint8_t every_h;         /* instead of times: every so many hours */
	uint32_t grace_min;      /* from due to overdue */
	struct place_name place; /* a bin or a zone, or empty */
	uint32_t roles;          /* bits of enum role; 0: any account */
	/* A question. */
	enum answer_kind answer;
	bool has_low;
	bool has_high;
	int64_t low; /* in thousandths, as the answers */
	int64_t high;
	struct unit_text measure; /* of the number: "C", "ppm" */
	/* Both. */
	bool is_retired; /* no longer asked */
};

/* Who answered is the entry's actor. */
struct check_result {
	struct name check;
	struct name task; /* empty: nobody had asked */
	uint64_t due_ms;  /* the task's */
	uint32_t missed;  /* due times that passed since the task was due */
	/* By number of question, bit 0 is question 1. */
	uint32_t answered;
	uint32_t out_of_limits;
	int64_t values[CHECK_QUESTIONS_MAX]; /* 1000 is yes, 0 is no */
	struct reason note;
};

#define ENTRY_CLOCK_TRUSTED 1u     /* the stamp's clock was trusted */
#define ENTRY_EFFECTIVE_TRUSTED 2u /* and that of the effective time */

struct entry {
	enum entry_kind kind;
	struct stamp stamp;      /* when it was recorded */
	struct moment effective; /* when it physically happened */
	uint32_t clock_flags;
	struct actor actor;
	struct entry_ref ref;
	/* Told again after a succession; 0: it is told for the first time.
	 * Each names a place in the epoch before, and whoever's copy of that
	 * epoch has the same words there does not fold it here (docs/protocol/
	 * sync.md, "What is told twice").
	 * carried: it lies there in the journal, and was never sealed as far as
	 * its writer knew. regained: it lies there in the feed, and the journal
	 * had lost it. */
	struct pos carried;
	struct pos regained;
	union {
		struct founding founding;
		struct movement movement;
		struct item item;
		struct code code;
		struct bin bin;
		struct device device;
		struct account account;
		struct count count;
		struct task task;
		struct alert alert;
		struct order order;
		struct site_status status;
		struct loss loss;
		struct transfer transfer;
		struct transfer_claim claim;
		struct check check;
		struct check_result check_result;
		struct certificate certificate;
		struct fence fence;
		struct intent intent;
		struct intent_result intent_result;
		struct invitation invitation;
		struct succession succession;
		struct site_closing closing;
		struct root root;
	} body;
};

/* Zeroes @entry and sets its kind. */
void entry_init(struct entry *entry, enum entry_kind kind);

/*
 * Writes @entry's bytes. The writer fails only if it has no room; an entry
 * never needs more than ENTRY_SIZE_MAX.
 */
void entry_encode(struct writer *writer, const struct entry *entry);

/*
 * Reads what entry_encode wrote.
 *
 * ERR_VERSION  a kind, format or enum value of a newer depot: keep the bytes,
 *              pass them on, skip the meaning
 * ERR_CORRUPT  not an entry in its one form
 */
MUST_CHECK enum err_code entry_decode(struct span bytes,
				      struct entry *ret_entry);

/*
 * True if @entry says something: its texts are UTF-8 without NUL, its enums
 * within their bounds, the name that it goes by is a name, and a movement is
 * sound. What the store folds is sound; what decodes need not be.
 */
bool entry_is_sound(const struct entry *entry);

/* Where what @entry tells again stands, in the epoch before: its carried or its
 * regained; 0: it is told for the first time. */
struct pos entry_named(const struct entry *entry);

/* ---- the field tables ---- */

enum field_type {
	FIELD_NUMBER, /* uint64_t */
	FIELD_SIGNED, /* int64_t, zigzag */
	FIELD_U32,
	FIELD_U8, /* uint8_t or char */
	FIELD_BOOL,
	FIELD_ENUM,  /* an enum, at most @max */
	FIELD_TEXT,  /* a text.h struct of @max bytes */
	FIELD_RAW,   /* @max bytes, all zero when absent */
	FIELD_CLOCK, /* a struct moment as distance in ms from the stamp */
	FIELD_POS,   /* a struct pos */
};

struct field {
	uint8_t tag; /* rising within a table; never given twice */
	enum field_type type;
	uint16_t offset; /* in struct entry */
	uint16_t max;
	const char *name; /* snake_case, for JSON and the format document */
};

struct field_table {
	const struct field *fields;
	size_t count;
};

/* The fields every entry begins with, tags 1 to 15. */
struct field_table entry_head_fields(void);
/* The fields of @kind's body, tags from 16. */
struct field_table entry_body_fields(enum entry_kind kind);

/* False for a number that has no meaning here. */
bool entry_kind_is_known(uint64_t kind);

/* "movement", "item" ... Never NULL; @kind must be known, as for its fields. */
const char *entry_kind_name(enum entry_kind kind);

#endif
