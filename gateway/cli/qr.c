#include "gateway/cli/qr.h"

#include <errno.h>
#include <qrencode.h>
#include <string.h>

/* White on black, so that what is drawn is the light part, and back. */
#define COLOUR_ON "\033[40;97m"
#define COLOUR_OFF "\033[0m"

enum err_code qr_make(struct span text, struct qr *ret_qr, struct err *err)
{
	unsigned char bytes[QR_TEXT_SIZE_MAX];
	QRcode *code;

	if (text.size == 0 || memchr(text.data, '\0', text.size) != NULL)
		return err_set(err, ERR_INVALID, "no text for a QR code");
	if (text.size > sizeof(bytes))
		return err_set(err, ERR_FULL,
			       "%zu bytes are too long for a QR code of at "
			       "most %d",
			       text.size, QR_TEXT_SIZE_MAX);
	memcpy(bytes, text.data, text.size);
	code = QRcode_encodeData((int)text.size, bytes, 0, QR_ECLEVEL_M);
	if (code == NULL)
		return err_sys(err, errno, "draw a QR code");
	ASSERT(code->width > 0 && code->width <= QR_WIDTH_MAX);
	ret_qr->width = (size_t)code->width;
	/* Of libqrencode's bits the lowest is the colour. */
	for (size_t i = 0; i < ret_qr->width * ret_qr->width; i++)
		ret_qr->modules[i] = code->data[i] & 1;
	QRcode_free(code);
	return ERR_OK;
}

bool qr_is_dark(const struct qr *qr, long x, long y)
{
	long width = (long)qr->width;

	if (x < 0 || y < 0 || x >= width || y >= width)
		return false;
	return qr->modules[(size_t)y * qr->width + (size_t)x] != 0;
}

/* The half block whose drawn halves are the light ones. */
static const char *half_block(const struct qr *qr, long x, long y)
{
	bool is_upper_dark = qr_is_dark(qr, x, y);
	bool is_lower_dark = qr_is_dark(qr, x, y + 1);

	if (is_upper_dark)
		return is_lower_dark ? " " : "▄";
	return is_lower_dark ? "▀" : "█";
}

void qr_draw(const struct qr *qr, enum qr_paint paint, FILE *out)
{
	long end = (long)qr->width + QR_QUIET;

	for (long y = -QR_QUIET; y < end; y += 2) {
		if (paint == QR_COLOUR)
			(void)fputs(COLOUR_ON, out);
		for (long x = -QR_QUIET; x < end; x++)
			(void)fputs(half_block(qr, x, y), out);
		if (paint == QR_COLOUR)
			(void)fputs(COLOUR_OFF, out);
		(void)fputc('\n', out);
	}
}

void qr_picture(const struct qr *qr, unsigned scale, FILE *out)
{
	long end = (long)qr->width + QR_QUIET;
	size_t side = (qr->width + 2 * (size_t)QR_QUIET) * scale;

	(void)fprintf(out, "P5\n%zu %zu\n255\n", side, side);
	for (long y = -QR_QUIET; y < end; y++)
		for (unsigned row = 0; row < scale; row++)
			for (long x = -QR_QUIET; x < end; x++)
				for (unsigned i = 0; i < scale; i++)
					(void)fputc(qr_is_dark(qr, x, y) ? 0
									 : 255,
						    out);
}

/* Runs of dark modules as one path: a third of the bytes of single squares. */
static void row_svg(const struct qr *qr, long y, FILE *out)
{
	for (long x = 0; x < (long)qr->width; x++) {
		long start = x;

		while (qr_is_dark(qr, x, y))
			x++;
		if (x > start)
			(void)fprintf(out, "M%ld %ldh%ldv1h-%ldz",
				      start + QR_QUIET, y + QR_QUIET, x - start,
				      x - start);
	}
}

void qr_svg(const struct qr *qr, FILE *out)
{
	size_t side = qr->width + 2 * (size_t)QR_QUIET;

	(void)fprintf(out,
		      "<svg class=\"qr\" xmlns=\"http://www.w3.org/2000/svg\" "
		      "viewBox=\"0 0 %zu %zu\" "
		      "shape-rendering=\"crispEdges\">"
		      "<path fill=\"#fff\" d=\"M0 0h%zuv%zuH0z\"/><path d=\"",
		      side, side, side, side);
	for (long y = 0; y < (long)qr->width; y++)
		row_svg(qr, y, out);
	(void)fputs("\"/></svg>\n", out);
}
