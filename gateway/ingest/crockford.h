/*
 * crockford - Crockford's base 32, as join codes and armour have it.
 *
 * Layer     gateway/ingest; pure
 * Threads   any
 *
 * https://www.crockford.com/base32.html: five bits a symbol, no I, L, O and U,
 * and a check symbol that is a number modulo 37. Of its five extra symbols ~
 * and = are written + and %, which QR's alphanumeric mode has.
 */
#ifndef DEPOT_GATEWAY_INGEST_CROCKFORD_H
#define DEPOT_GATEWAY_INGEST_CROCKFORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CROCKFORD_BITS 5
#define CROCKFORD_PLAIN 32 /* values below are no check symbol's alone */
#define CROCKFORD_NONE 0xff

/* @value is below 37. */
char crockford_symbol(uint8_t value);
/* What people type is taken as they mean it: lower case, I and L for 1, O for
 * 0. CROCKFORD_NONE: it is no symbol. */
uint8_t crockford_value(char c);
/* Blanks, line ends and dashes, which mean nothing. */
bool crockford_is_filler(char c);
/* The check symbol's value: @values as one number, modulo 37. */
uint8_t crockford_check(const uint8_t *values, size_t count);

#endif
