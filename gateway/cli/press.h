/*
 * press - prints labels: pictures by zint, a sheet for the printer, or ZPL for
 * a label printer.
 *
 * Layer     programs
 * Threads   one; zint runs as a program of its own
 *
 * Where it goes: --out FOLDER makes a file a label and sheet.html beside them;
 * --out FILE one file; without it the sheet goes to stdout, with its pictures
 * inside. With --json stdout is a list of what was printed.
 */
#ifndef DEPOT_GATEWAY_CLI_PRESS_H
#define DEPOT_GATEWAY_CLI_PRESS_H

#include <stdio.h>

#include "gateway/cli/cli.h"
#include "rules/base/ids.h"

enum symbol {
	SYMBOL_CODE128,
	SYMBOL_EAN,        /* digits with their check digit, 8 or 13 */
	SYMBOL_ITF14,      /* 14 digits with their check digit */
	SYMBOL_DATAMATRIX, /* GS1: "[01]...[10]..." */
	SYMBOL_QR,         /* what Code 128 cannot say */
};

#define LABEL_TEXT_SIZE (CODE_SIZE_MAX + 64)
#define LABEL_CAPTION_SIZE 256

struct label {
	enum symbol symbol;
	char text[LABEL_TEXT_SIZE];  /* what the bars say */
	char stem[LABEL_TEXT_SIZE];  /* the file's name: letters, digits, -._ */
	char en[LABEL_CAPTION_SIZE]; /* what stands below them */
	char zh[LABEL_CAPTION_SIZE];
};

struct press;

/* By the verb's options --format and --out. Anything but EXIT_DONE was told. */
MUST_CHECK enum exit_code press_open(struct cli *cli, struct press **ret_press);
/* Onto a page of HTML that the caller has begun and will end: what is printed
 * are figures in it, their pictures inside. For a sheet of labels they stand in
 * an element of class "labels", in a page with press_style. */
MUST_CHECK enum exit_code press_onto(struct cli *cli, FILE *page,
				     struct press **ret_press);
extern const char press_style[];
MUST_CHECK enum exit_code press_print(struct press *press,
				      const struct label *label);
/* Ends the sheet. @exit is how it went so far, and is returned, unless the end
 * goes wrong. Takes NULL. */
enum exit_code press_close(struct press *press, enum exit_code exit);

/* Code 128, or a QR code for what is not ASCII. */
enum symbol symbol_for(const char *text);

#endif
