/*
 * seen - the names of readings that were taken, and how each was answered.
 *
 * Layer     store
 * Threads   the writer (all of it reads and writes within a batch's txn)
 * On disk   docs/format/tables.md; not derived: survives a rebuild
 *
 * A reading is named by (device, boot, seq). Names are remembered in a window
 * of SEEN_WINDOW numbers per (device, boot), which ends at the highest number
 * taken: content hash, result, pos. Per device the SEEN_BOOTS_MAX boots that
 * were used last are kept; an older boot's names are forgotten whole, and one
 * of them that comes again is new.
 *
 * The first reading heard of a boot may have any number. Lower ones that come
 * after it are taken like any other as long as the window reaches them.
 *
 * What the acknowledgement may promise comes from here too: every number from
 * `from` to `upto` has been taken, or was given up, and no earlier
 * acknowledgement said so. What came before `from` is left out on purpose: an
 * acknowledgement that was lost may have named exceptions there, and one that
 * reached over them would call them booked. So a device that misses one sees
 * the gap, sends again, and is answered as before. A hole that falls below the
 * window is given up: it is reported once (missing_* of seen_mark) and upto
 * moves past it.
 *
 * A jump costs no more than a step through the window, and a forgotten boot
 * costs nothing: names are overwritten, never deleted. A device takes at most
 * SEEN_BOOTS_MAX * SEEN_WINDOW + 1 rows, whatever it sends.
 */
#ifndef DEPOT_STORE_SEEN_H
#define DEPOT_STORE_SEEN_H

#include "rules/base/ids.h"
#include "store/env.h"

/* On disk: the numbers never change. */
enum result {
	RESULT_BOOKED = 1,
	RESULT_DUPLICATE = 2,
	RESULT_SEQ_REUSED = 3,
	RESULT_REFUSED = 4,
	RESULT_PARKED = 5,
	RESULT_MISSING = 6, /* never arrived, and too old to be waited for */
};
#define RESULT_MAX RESULT_MISSING

/* Longest stored detail of an exception's sentence. */
#define SEEN_DETAIL_SIZE_MAX 120

/* How a reading was answered. Enough to answer it again, word by word. */
struct answer {
	enum result result;
	uint16_t code;  /* core/words.h's number of the sentence; 0: booked */
	struct pos pos; /* of the last entry it made, or of the head then */
	uint8_t detail_size;
	char detail[SEEN_DETAIL_SIZE_MAX]; /* what the sentence names */
};

struct reading_name {
	struct device_no device;
	struct boot boot;
	uint64_t seq; /* from 1 */
};

enum seen_state {
	SEEN_NEW,       /* take it, then seen_mark it */
	SEEN_DUPLICATE, /* same name, same content: *ret_answer as it was */
	SEEN_REUSED,    /* same name, other content */
	SEEN_TOO_OLD,   /* below the window: nobody can tell any more */
};

/*
 * Looks a reading up by its name and the hash of its content.
 * *@ret_answer is set for SEEN_DUPLICATE only.
 *
 * ERR_CORRUPT  a row is damaged, or one that must be there is not
 */
MUST_CHECK enum err_code seen_find(const struct view *view,
				   const struct reading_name *name,
				   uint64_t content, enum seen_state *ret_state,
				   struct answer *ret_answer, struct err *err);

/* What is complete of a (device, boot), and what of that is news. */
struct seen_progress {
	uint64_t from; /* the first number that this call made complete: from
			* here to upto all are taken or given up. Above upto
			* if it made none so. A number that closes up to the
			* first heard from below brings all of them again */
	uint64_t upto;
	uint64_t high; /* the highest taken; above upto with holes between */
	uint64_t missing_first; /* holes given up by this call; 0: none */
	uint64_t missing_last;
	uint64_t missing_count; /* less than last - first + 1 if some between
				 * them were taken */
};

/*
 * Marks the reading as taken with @answer, which is copied, in the same
 * transaction as its effects, and tells how far the boot is complete. Names
 * that the window leaves behind are forgotten. Only after seen_find said
 * SEEN_NEW in the same transaction.
 *
 * ERR_FULL     no room in the map
 * ERR_CORRUPT  a row is damaged
 */
MUST_CHECK enum err_code
seen_mark(struct txn *txn, const struct reading_name *name, uint64_t content,
	  const struct answer *answer, struct seen_progress *ret_progress,
	  struct err *err);

/* Changes the answer of a name that was marked (a parked reading that was
 * booked later). ERR_NOT_FOUND: it has left the window (@err untouched). */
MUST_CHECK enum err_code seen_amend(struct txn *txn,
				    const struct reading_name *name,
				    const struct answer *answer,
				    struct err *err);

/* As seen_mark's result, without marking (nothing is given up, nothing is
 * news): name->seq does not matter. ERR_NOT_FOUND: a boot never heard, or
 * forgotten (@err untouched). */
MUST_CHECK enum err_code seen_progress(const struct view *view,
				       const struct reading_name *name,
				       struct seen_progress *ret_progress,
				       struct err *err);

/* The same for the boot of @device that was used last. */
MUST_CHECK enum err_code seen_recent(const struct view *view,
				     struct device_no device,
				     struct seen_progress *ret_progress,
				     struct err *err);

/* Unnamed readings remembered, of all devices together. */
#define SEEN_PACKETS_MAX 2000

/*
 * A reading without a name: true if the broker says it sends it again
 * (MQTT's dup flag: the caller asks only then) and packet @packet_id with
 * this content was noted among the last SEEN_PACKETS_MAX unnamed ones. Of two
 * with the same packet id the later one counts: the broker gives an id again
 * only after the earlier one was received.
 */
MUST_CHECK enum err_code seen_packet_find(const struct view *view,
					  uint16_t packet_id, uint64_t content,
					  bool *ret_is_known, struct err *err);
MUST_CHECK enum err_code seen_packet_note(struct txn *txn, uint16_t packet_id,
					  uint64_t content, struct err *err);

#endif
