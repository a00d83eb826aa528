/*
 * qr - a short text as a QR code: on a terminal, or as a picture for paper.
 *
 * Layer     programs; qr.c is the only file that includes qrencode.h
 * Threads   one
 *
 * For pairing a phone and for join sheets: what a person would mistype. The
 * error correction is level M (15 % of the code may be dirty), and around it
 * stands the quiet zone of four modules that ISO/IEC 18004 asks for.
 */
#ifndef DEPOT_GATEWAY_CLI_QR_H
#define DEPOT_GATEWAY_CLI_QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rules/base/err.h"
#include "rules/base/text.h"

#define QR_TEXT_SIZE_MAX 256
/* Modules of version 12, which holds that many bytes at level M. */
#define QR_WIDTH_MAX 65
#define QR_QUIET 4

struct qr {
	size_t width; /* modules of a side, without the quiet zone */
	uint8_t modules[QR_WIDTH_MAX * QR_WIDTH_MAX]; /* 1: dark; by rows */
};

/*
 * ERR_INVALID  @text is empty, or holds a NUL
 * ERR_FULL     it is longer than QR_TEXT_SIZE_MAX, or there is no memory
 */
MUST_CHECK enum err_code qr_make(struct span text, struct qr *ret_qr,
				 struct err *err);

/* True for a dark module; counted from 0 at the code's own corner. What lies
 * outside is light. */
bool qr_is_dark(const struct qr *qr, long x, long y);

/* How a terminal draws it. Two rows of modules are one line of half blocks. */
enum qr_paint {
	QR_PLAIN,  /* for a dark terminal: what is light is drawn */
	QR_COLOUR, /* sets black and white itself: for any terminal */
};
/* Draws to @out, whose errors are the caller's to look at. */
void qr_draw(const struct qr *qr, enum qr_paint paint, FILE *out);

/* A binary PGM picture, @scale pixels a module; likewise. */
void qr_picture(const struct qr *qr, unsigned scale, FILE *out);

/* An SVG element, one unit a module, for printed sheets; likewise. It has the
 * quiet zone, and no size of its own but the class "qr". */
void qr_svg(const struct qr *qr, FILE *out);

#endif
