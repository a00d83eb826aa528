/*
 * words - every sentence that the engine says to a device or person.
 *
 * Layer     gateway/core
 * Threads   any; pure
 *
 * A sentence is named by a number, which is stored with a reading's name so
 * that the same reading gets the same answer; and by a stable code, which is
 * published. The texts may be bettered at any time; numbers and codes never
 * change their meaning.
 */
#ifndef DEPOT_GATEWAY_CORE_WORDS_H
#define DEPOT_GATEWAY_CORE_WORDS_H

#include "rules/base/text.h"

/* On disk: the numbers never change, and none is used twice. */
enum word {
	WORD_NONE = 0,

	/* parked */
	WORD_MALFORMED = 1, /* the front's own code and sentence go along */
	WORD_UNKNOWN_DEVICE = 2,
	WORD_REVOKED_DEVICE = 3,
	WORD_UNKNOWN_ITEM = 4, /* detail: the code scanned */
	WORD_UNKNOWN_BIN = 5,
	WORD_TOO_LONG = 6,
	WORD_DIED_TWICE = 7,
	WORD_ENGINE_FAILED = 8,
	WORD_UNKNOWN_TOPIC = 9,
	WORD_UNKNOWN_PALLET = 10,  /* an SSCC of which nothing is known */
	WORD_NO_PACKING_LIST = 11, /* one whose transfer is not known yet */

	/* refused */
	WORD_INVALID = 20, /* the front's own code and sentence go along */
	WORD_NO_OPERATION = 21,
	WORD_NO_BIN = 22,
	WORD_NO_TARGET = 23, /* a move without the second bin */
	WORD_ITEM_WHERE_BIN = 24,
	WORD_BIN_WHERE_ITEM = 25,
	WORD_ALREADY_HERE = 26, /* detail: serial or SSCC */
	WORD_NO_REF = 27,       /* a transfer without its id */
	WORD_NOTHING_TO_UNDO = 28,
	WORD_NO_REASON = 29,
	WORD_SAME_BIN = 30,
	WORD_INACTIVE_ITEM = 31,
	WORD_INACTIVE_BIN = 32,
	WORD_QUANTITY_RANGE = 33,
	WORD_SERIAL_QUANTITY = 34, /* a serial with more than one unit */
	WORD_STORE_FULL = 35,
	WORD_SITE_CLOSED = 97,    /* its warehouse is closed */
	WORD_NOT_IN_SESSION = 36, /* a bare code without an operation */
	WORD_BAD_CODE = 37, /* the scan's own code and sentence go along */
	WORD_TOO_MANY_LINES = 38,
	WORD_BAD_CONDITION = 39,
	WORD_NOT_ALLOWED_IN_BIN =
		40,          /* PICKED, PACKED as target of a putaway */
	WORD_EMPTY_BIN = 41, /* a pallet or bin move with nothing in it */
	WORD_UNKNOWN_TASK = 42,
	WORD_LABEL_IN_READING =
		43, /* an operation label in a complete reading */
	WORD_NO_ITEM = 44,
	WORD_DETAILS_ALONE = 45, /* a lot or date without its item */

	WORD_BAD_ANSWERS = 48, /* to a check; detail: the refusal's sentence */

	WORD_UNKNOWN_ACCOUNT = 46,
	WORD_UNKNOWN_IN_COUNT = 47, /* an unknown code in a session's count */

	/* commands that came as messages */
	WORD_COMMAND_TOO_LONG = 80,
	WORD_REPLY_TOO_LONG = 81,

	/* names */
	WORD_DUPLICATE = 49,
	WORD_SEQ_REUSED = 50,
	WORD_SEQ_TOO_OLD = 51,
	WORD_MISSING = 52, /* detail: how many, of which numbers */

	/* a session's talk; the detail's fields as noted */
	WORD_SESSION_OP = 60,      /* operation: scan a bin, or items */
	WORD_SESSION_BIN = 61,     /* bin */
	WORD_SESSION_TO = 62,      /* second bin of a move */
	WORD_SESSION_BOOKED = 63,  /* operation, "3 x SKU -> A-01" */
	WORD_SESSION_QTY = 64,     /* number: the next item counts that many */
	WORD_SESSION_UNDONE = 65,  /* what was taken back, next */
	WORD_SESSION_DONE = 66,    /* operation */
	WORD_SESSION_COUNTED = 67, /* so far in this bin */
	WORD_SESSION_COUNT_CLOSED = 68, /* bin, items, corrected, next */
	WORD_SESSION_RECOUNT = 69,      /* bin, to count again, items, next */
	WORD_SESSION_TIMED_OUT = 70,
	WORD_SESSION_OP_ITEM = 73, /* operation: scan items, or a bin first */
	WORD_SESSION_FROM = 74,    /* first bin of a move */
	WORD_NO_SUCH_BIN = 75,     /* to a person, who can mend it at once */
	WORD_SESSION_IDLE = 76,    /* DONE, and nothing was under way */
	WORD_SESSION_TAKEN_BACK = 77,  /* operation, what, next */
	WORD_SESSION_NOT_COUNTED = 78, /* bin, next */
	WORD_SESSION_OP_REF = 82,      /* operation: scan the number */
	WORD_SESSION_REF = 83,         /* the transfer's number, next */
	WORD_NO_TRANSFER = 90,         /* detail: what is no transfer */
	WORD_NOT_OUR_TRANSFER = 91,    /* detail: the transfer */
	WORD_SESSION_SHIPPED = 92,     /* transfer, lines, units */
	WORD_SESSION_REST = 93,        /* missing, surplus, one of them, next */
	WORD_SESSION_RECEIVED = 94,    /* transfer, claims */
	WORD_SESSION_TRANSFER_OPEN = 95, /* transfer, whose list is not whole */
	WORD_SESSION_OP_TRANSFER = 96,   /* operation, transfer, next */
	WORD_JOIN_TAKEN = 98,            /* a join sheet, by a box that may */
	WORD_SESSION_REF_CLOSED = 99,    /* a closed transfer's number, next */
	WORD_TRANSFER_REOPENED = 100,    /* transfer; stands before a booking */
	WORD_TRANSFER_CANCELLED = 101,   /* transfer, next; the same */
	WORD_TRANSFER_OPENED = 102,      /* transfer, which there was not */
	WORD_TRANSFER_CLOSED = 103,      /* transfer */
	WORD_BOOKED_BUT = 79,    /* a warning about its code stands before it */
	WORD_RECOUNT_MOVED = 71, /* a count of a bin that moved meanwhile */
	WORD_RECOUNT_BLIND = 72,
};

/* False for a number from the disk that is no word of this depot. */
bool word_is_known(unsigned number);

/* The stable code: "unknown_item". Never NULL. */
const char *word_code(enum word word);

/* What a scan was that chose and booked nothing: "operation", "bin",
 * "quantity", "ref", "counted", "done", "undone" or "join"; else "". */
const char *word_what(enum word word);

/* True if its sentence ends with what comes next. */
bool word_says_next(enum word word);

/* Between the fields of a detail, where a sentence has several places. */
#define WORD_FIELD_END "\x1f"

/*
 * The sentence with @detail in its places, terminated, cut at a character to
 * @size bytes. @is_chinese picks the language, also of an operation's name and
 * of what comes next, which the detail has as JSON does.
 */
void word_text(enum word word, struct span detail, bool is_chinese,
	       char *buffer, size_t size);

#endif
