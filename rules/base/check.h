/*
 * check - the assertions that stay on in release builds.
 *
 * Layer     rules/base
 * Threads   any
 *
 * ASSERT is for our own mistakes only. What comes from outside (a scan, a
 * file, a peer, a user) is checked with ordinary code at the border and never
 * meets an ASSERT unchecked. A failed ASSERT stops the program: systemd starts
 * it again, and the store is crash-safe at every instruction.
 */
#ifndef DEPOT_RULES_BASE_CHECK_H
#define DEPOT_RULES_BASE_CHECK_H

#include <stddef.h>

#define ASSERT(condition) \
	((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* For buffers of kilobytes on a hot path, which are written before they are
 * read: release builds zero every other local variable. */
#define UNINITIALIZED __attribute__((uninitialized))

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(at, first) __attribute__((format(printf, at, first)))

/* The sentence of the last failed check, for the hook and for core dumps. */
typedef void check_hook_fn(const char *sentence);

/*
 * Sets what is called, once, before the program is aborted: programs write
 * the sentence to their log. The hook must not return to its caller's work.
 */
void check_hook_set(check_hook_fn *hook);

_Noreturn void check_failed(const char *file, int line, const char *condition);

#endif
