/*
 * verdict - what became of one reading.
 *
 * Layer     gateway/core, inside the engine only
 * Threads   the keeper
 */
#ifndef DEPOT_GATEWAY_CORE_VERDICT_H
#define DEPOT_GATEWAY_CORE_VERDICT_H

#include "gateway/core/words.h"
#include "gateway/ingest/fault.h"
#include "gateway/ingest/scan_problem.h"
#include "rules/base/ids.h"
#include "store/seen.h"

struct verdict {
	enum result result;
	enum word word; /* WORD_NONE when booked, unless a session talks */
	struct pos pos; /* of the last entry that it made; 0: none */
	char detail[SEEN_DETAIL_SIZE_MAX + 1];
	struct code_text wants; /* parked: the code that has to be named */
	struct fault fault;     /* WORD_MALFORMED, WORD_INVALID */
	/* WORD_BAD_CODE; booked: what should be looked at all the same */
	struct scan_problem problem;
	/* Booked: said of ->besides_of before all else; or WORD_NONE. */
	enum word besides;
	struct ref besides_of;
	const char *next; /* a session: what it waits for; or NULL */
};

/* Booked, and nothing to say. */
void verdict_init(struct verdict *verdict);

/* True as long as nothing speaks against booking. */
bool verdict_is_open(const struct verdict *verdict);

/* Refuses (or parks) with @word about @detail, which is cut to fit. */
void verdict_refuse(struct verdict *verdict, enum word word,
		    struct span detail);
void verdict_park(struct verdict *verdict, enum word word, struct span detail);

/* A message that cannot be read is parked; one that is read and wrong is
 * refused. */
void verdict_fault(struct verdict *verdict, const struct fault *fault);

/* Parks, because number @seq was used before, or is too far back. */
void verdict_reused(struct verdict *verdict, enum seen_state state,
		    uint64_t seq);

/* Takes what is odd about a code that is booked as it is; nothing if there is
 * nothing (SCAN_OK). */
void verdict_warn(struct verdict *verdict, const struct scan_problem *problem);

/* Says @word of @about before all else, of what is booked all the same. */
void verdict_besides(struct verdict *verdict, enum word word,
		     struct span about);

/* Sets what a session says. */
PRINTF_LIKE(3, 4)
void verdict_say(struct verdict *verdict, enum word word, const char *format,
		 ...);

/* A session's next step, which a sentence that ends with it says too. */
void verdict_next(struct verdict *verdict, const char *next);

/* What is stored of it, to answer again; @head: the journal's end, for a
 * reading that made no entry. */
struct answer verdict_answer(const struct verdict *verdict, struct pos head);

/* The stable code, and the sentence in one language. */
const char *verdict_code(const struct verdict *verdict);
void verdict_text(const struct verdict *verdict, bool is_chinese, char *buffer,
		  size_t size);

#endif
