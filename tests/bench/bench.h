/*
 * bench - what the bench programs share: a clock, arguments, a way to end.
 *
 * Each prints one JSON object on its standard output; tests/bench/run makes
 * the table of them. They assert nothing about time.
 */
#ifndef DEPOT_TESTS_BENCH_BENCH_H
#define DEPOT_TESTS_BENCH_BENCH_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rules/base/err.h"
#include "rules/base/text.h"

static inline uint64_t bench_now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline double bench_seconds(uint64_t from_ns)
{
	return (double)(bench_now_ns() - from_ns) / 1e9;
}

PRINTF_LIKE(1, 2)
_Noreturn static inline void bench_die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vfprintf(stderr, format, arguments);
	va_end(arguments);
	(void)fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

/* Ends the program with @err's sentence unless @code is ERR_OK. */
static inline void bench_do(enum err_code code, const struct err *err)
{
	if (code != ERR_OK)
		bench_die("%s: %s", err_code_name(code), err->text);
}

/* The number in an argument, 1 to @max. */
static inline uint32_t bench_number(const char *text, uint32_t max)
{
	uint64_t number;

	if (!span_to_u64(span_of(text), max, &number) || number == 0)
		bench_die("not a number from 1 to %u: %s", max, text);
	return (uint32_t)number;
}

#endif
