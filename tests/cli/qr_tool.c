/*
 * Draws a QR code as the programs do: qr_tool plain|colour|picture|svg TEXT
 */
#include <string.h>

#include "gateway/cli/qr.h"

int main(int argc, char **argv)
{
	struct qr qr;
	struct err err;

	if (argc != 3)
		return 2;
	if (qr_make(span_of(argv[2]), &qr, &err) != ERR_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (strcmp(argv[1], "plain") == 0)
		qr_draw(&qr, QR_PLAIN, stdout);
	else if (strcmp(argv[1], "colour") == 0)
		qr_draw(&qr, QR_COLOUR, stdout);
	else if (strcmp(argv[1], "picture") == 0)
		qr_picture(&qr, 4, stdout);
	else if (strcmp(argv[1], "svg") == 0)
		qr_svg(&qr, stdout);
	else
		return 2;
	return ferror(stdout) != 0;
}
