/*
 * err - what a failed function tells its caller.
 *
 * Layer     rules/base
 * Threads   any; a struct err belongs to one thread
 *
 * The code is for branching: there are few, and each is named by what some
 * caller does next. The text is for people: a sentence that grows outward,
 * "start: open store: lock: held by process 812".
 *
 * A function that can fail returns an enum err_code. Where text helps it takes
 * a struct err last, which is untouched on success and may be NULL when the
 * caller has no use for the sentence.
 */
#ifndef DEPOT_RULES_BASE_ERR_H
#define DEPOT_RULES_BASE_ERR_H

#include "rules/base/check.h"

enum err_code {
	ERR_OK = 0,
	ERR_INVALID,   /* the input is wrong: refuse it, tell its sender */
	ERR_NOT_FOUND, /* no such thing: the caller decides what that means */
	ERR_CONFLICT,  /* it exists already, with other content */
	ERR_OVERFLOW,  /* a number left its range: refuse, nothing was done */
	ERR_AGAIN,     /* busy or in use: try later */
	ERR_FULL,    /* no room (map, disk, bound): stop intake, keep reading */
	ERR_IO,      /* the system refused: the text has errno's sentence */
	ERR_CORRUPT, /* stored bytes are not what was written: stop, verify */
	ERR_VERSION, /* written by a newer depot: stop, tell what to install */
	ERR_UNSAFE,  /* modes or owners are too loose: refuse to start */
	ERR_DENIED,  /* the caller's role does not allow it */
	ERR_NOT_COMMISSIONED, /* there is no store here yet: depot init */
	ERR_STOPPED, /* a visitor or a signal ended the walk on purpose */
};

#define ERR_TEXT_SIZE 512

struct err {
	enum err_code code;
	char text[ERR_TEXT_SIZE];
};

/* A stable lower-case name, "not_found", for JSON and logs. Never NULL. */
const char *err_code_name(enum err_code code);

/* Sets @err (if any) to the sentence and returns @code, for `return`. */
PRINTF_LIKE(3, 4)
enum err_code err_set(struct err *err, enum err_code code, const char *format,
		      ...);

/* The same with @number's (errno's) sentence after ": ". Returns ERR_FULL for
 * ENOSPC and EDQUOT, ERR_IO for all others. */
PRINTF_LIKE(3, 4)
enum err_code err_sys(struct err *err, int number, const char *format, ...);

/* Puts the sentence and ": " in front of what @err says already. Returns
 * @code, which must not be ERR_OK. */
PRINTF_LIKE(3, 4)
enum err_code err_wrap(struct err *err, enum err_code code, const char *format,
		       ...);

#endif
