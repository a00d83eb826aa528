#include "gateway/cli/press.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/ingest/json_out.h"
#include "store/file.h"

#define PICTURE_SIZE 262144
#define ZINT_MISSING 127

static const struct control_refusal no_zint = {
	"not_found",
	"zint prints the bars and is not installed: apt install "
	"zint",
	"缺少条码程序 zint：请运行 apt install zint"};
static const struct control_refusal zint_failed = {
	"failed", "zint cannot print %s", "zint 无法打印 %s"};
static const struct control_refusal bad_format = {
	"usage", "--format is svg, png or zpl, not %s",
	"--format 只能是 svg、png 或 zpl，不是 %s"};
static const struct control_refusal needs_out = {
	"usage", "pictures in png need a folder: --out FOLDER",
	"png 图片需要文件夹：--out 文件夹"};
static const struct control_refusal cannot_write = {
	"io", "%s cannot be written", "无法写入 %s"};

enum format {
	FORMAT_SVG,
	FORMAT_PNG,
	FORMAT_ZPL,
};

struct press {
	struct cli *cli;
	enum format format;
	const char *folder; /* NULL: no files of their own */
	FILE *sheet;        /* NULL: with --json and nowhere to go */
	FILE *list;         /* --json: what was printed */
	/* What goes to stdout, once nothing can go wrong any more: the sheet,
	 * or the list. */
	char *said;
	size_t said_size;
	bool is_stdout;
	bool is_part; /* of somebody else's page, who closes and tells */
	size_t count;
	size_t picture_size;
	char picture[PICTURE_SIZE];
};

static const struct {
	const char *zint; /* its name of the type */
	const char *name;
} symbols[] = {
	[SYMBOL_CODE128] = {"CODE128", "code_128"},
	[SYMBOL_EAN] = {"EANX_CHK", "ean"},
	[SYMBOL_ITF14] = {"ITF14", "itf_14"},
	[SYMBOL_DATAMATRIX] = {"DATAMATRIX", "gs1_data_matrix"},
	[SYMBOL_QR] = {"QRCODE", "qr"},
};

enum symbol symbol_for(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return SYMBOL_QR;
	return SYMBOL_CODE128;
}

/* ---- zint ---- */

/* In the child: becomes zint, with its output at @out. */
static _Noreturn void zint_become(const struct label *label, const char *file,
				  int out)
{
	char type[32];
	char data[LABEL_TEXT_SIZE + 16];
	char target[FILE_PATH_SIZE + 16];
	char program[] = "zint";
	char border[] = "--quietzones";
	char scale[] = "--scale=2";
	char gs1[] = "--gs1";
	char svg[] = "--filetype=SVG";
	/* Bytes as they are: scanners that know no ECI pass them on so. */
	char binary[] = "--binary";
	char *arguments[] = {program, type,  data, target,
			     border,  scale, NULL, NULL};
	size_t size = strlen(label->text);

	(void)text_format(type, sizeof(type), "--barcode=%s",
			  symbols[label->symbol].zint);
	/* It works out the last digit of an ITF-14 by itself. */
	if (label->symbol == SYMBOL_ITF14)
		size--;
	(void)text_format(data, sizeof(data), "--data=%.*s", (int)size,
			  label->text);
	(void)text_format(target, sizeof(target), "%s%s",
			  file == NULL ? "--direct" : "--output=",
			  file == NULL ? "" : file);
	if (file == NULL)
		arguments[5] = svg;
	if (label->symbol == SYMBOL_DATAMATRIX)
		arguments[6] = gs1;
	if (label->symbol == SYMBOL_QR)
		arguments[6] = binary;
	(void)dup2(out, STDOUT_FILENO);
	(void)execvp(program, arguments);
	_exit(ZINT_MISSING);
}

/* All that comes out of @fd, up to the room there is. */
static void picture_read(struct press *press, int fd)
{
	press->picture_size = 0;
	while (press->picture_size < PICTURE_SIZE) {
		ssize_t got = read(fd, press->picture + press->picture_size,
				   PICTURE_SIZE - press->picture_size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		press->picture_size += (size_t)got;
	}
}

/* @file: NULL for a picture in memory. */
static enum exit_code zint_run(struct press *press, const struct label *label,
			       const char *file)
{
	int ends[2];
	int status = -1;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return cli_failed(press->cli, ERR_IO, NULL);
	(void)fflush(NULL); /* nothing twice */
	child = fork();
	if (child == 0)
		zint_become(label, file, ends[1]);
	(void)close(ends[1]);
	if (child > 0) {
		picture_read(press, ends[0]);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	(void)close(ends[0]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == ZINT_MISSING)
		return cli_refuse(press->cli, EXIT_FAILED, &no_zint, "");
	if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return cli_refuse(press->cli, EXIT_FAILED, &zint_failed,
				  label->text);
	return EXIT_DONE;
}

/* ---- the sheet ---- */

const char press_style[] =
	".labels{display:grid;grid-template-columns:repeat(3,1fr);gap:6mm}\n"
	"figure{margin:0;padding:3mm;text-align:center;"
	"border:1px dashed #999;break-inside:avoid}\n"
	"figure svg,figure img{max-width:100%;height:20mm}\n"
	"figcaption{font-size:11pt}\nsmall{color:#555}\n";

static void head_write(FILE *out)
{
	(void)fprintf(out,
		      "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">"
		      "<title>depot labels</title>\n<style>\n"
		      "@page{size:A4;margin:10mm}\n"
		      "body{margin:0;font-family:sans-serif}\n%s"
		      "</style></head>\n<body class=\"labels\">\n",
		      press_style);
}

static void html_text(const char *text, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '<')
			(void)fputs("&lt;", out);
		else if (*text == '&')
			(void)fputs("&amp;", out);
		else if (*text == '"')
			(void)fputs("&quot;", out);
		else
			(void)fputc(*text, out);
	}
}

/* The picture itself, from its <svg> on; its size is the sheet's business. */
static void svg_embed(const struct press *press)
{
	const char *start =
		memmem(press->picture, press->picture_size, "<svg ", 5);
	const char *end = press->picture + press->picture_size;
	unsigned width = 0;
	unsigned height = 0;

	if (start == NULL)
		return;
	/* Without a view box it could not be scaled. */
	if (sscanf(start, "<svg width=\"%u\" height=\"%u\"", &width, &height) ==
	    2) {
		(void)fprintf(press->sheet, "<svg viewBox=\"0 0 %u %u\" ",
			      width, height);
		start += 5;
	}
	(void)fwrite(start, 1, (size_t)(end - start), press->sheet);
}

static void figure_print(const struct press *press, const struct label *label,
			 const char *file)
{
	FILE *out = press->sheet;

	(void)fputs("<figure>", out);
	if (file != NULL) {
		(void)fputs("<img src=\"", out);
		html_text(file, out);
		(void)fputs("\" alt=\"", out);
		html_text(label->text, out);
		(void)fputs("\">", out);
	} else {
		svg_embed(press);
	}
	(void)fputs("<figcaption>", out);
	html_text(label->en, out);
	if (label->zh[0] != '\0' && strcmp(label->en, label->zh) != 0) {
		(void)fputs("<br>", out);
		html_text(label->zh, out);
	}
	(void)fputs("<br><small>", out);
	html_text(label->text, out);
	(void)fputs("</small></figcaption></figure>\n", out);
}

/* ---- ZPL ---- */

/* Field data in hexadecimal escapes where a printer would see a command. */
static void zpl_text(const char *text, bool is_bars, FILE *out)
{
	for (; *text != '\0'; text++) {
		if (*text == '^' || *text == '~' || *text == '_')
			(void)fprintf(out, "_%02X", (unsigned char)*text);
		else if (is_bars && *text == '>')
			(void)fputs(">0", out);
		else
			(void)fputc(*text, out);
	}
}

/* "[01]...[10]..." as FNC1, which is written _1, and the elements behind it.
 * The one of no fixed size is the last. */
static void zpl_elements(const char *text, FILE *out)
{
	(void)fputs("^FD_1", out);
	for (; *text != '\0'; text++)
		if (*text != '[' && *text != ']')
			(void)fputc(*text, out);
}

static void zpl_print(const struct press *press, const struct label *label)
{
	static const char *const bars[] = {
		[SYMBOL_CODE128] = "^BY2^BCN,120,N,N,N,A",
		[SYMBOL_EAN] = "^BY3^BEN,120,N,N",
		[SYMBOL_ITF14] = "^BY3^B2N,120,N,N,N",
		[SYMBOL_DATAMATRIX] = "^BXN,6,200,,,,_",
		[SYMBOL_QR] = "^BQN,2,5",
	};
	bool is_ean8 = label->symbol == SYMBOL_EAN && strlen(label->text) == 8;
	FILE *out = press->sheet;

	(void)fprintf(out, "^XA^CI28^FO40,30%s",
		      is_ean8 ? "^BY3^B8N,120,N,N" : bars[label->symbol]);
	if (label->symbol == SYMBOL_DATAMATRIX) {
		zpl_elements(label->text, out);
	} else {
		(void)fputs(label->symbol == SYMBOL_QR ? "^FH^FDQA," : "^FH^FD",
			    out);
		zpl_text(label->text, label->symbol == SYMBOL_CODE128, out);
	}
	(void)fputs("^FS^FO40,170^A0N,32^FH^FD", out);
	zpl_text(label->en, false, out);
	(void)fputs("^FS^FO40,210^A0N,24^FH^FD", out);
	zpl_text(label->text, false, out);
	(void)fputs("^FS^XZ\n", out);
}

/* ---- files ---- */

static enum exit_code picture_write(const struct press *press, const char *path)
{
	FILE *file = fopen(path, "we");
	bool is_written;

	if (file == NULL)
		return cli_refuse(press->cli, EXIT_FAILED, &cannot_write, path);
	is_written = fwrite(press->picture, 1, press->picture_size, file) ==
		     press->picture_size;
	is_written = fclose(file) == 0 && is_written;
	return is_written ? EXIT_DONE
			  : cli_refuse(press->cli, EXIT_FAILED, &cannot_write,
				       path);
}

static enum exit_code folder_print(struct press *press,
				   const struct label *label, char *name)
{
	bool is_png = press->format == FORMAT_PNG;
	char path[FILE_PATH_SIZE];
	enum exit_code exit;

	(void)text_format(name, LABEL_TEXT_SIZE + 8, "%s.%s", label->stem,
			  is_png ? "png" : "svg");
	if (file_path(press->folder, name, path, NULL) != ERR_OK)
		return cli_refuse(press->cli, EXIT_FAILED, &cannot_write, name);
	exit = zint_run(press, label, is_png ? path : NULL);
	if (exit == EXIT_DONE && !is_png)
		exit = picture_write(press, path);
	return exit;
}

static void listed(struct press *press, const struct label *label,
		   const char *file)
{
	char text[4096];
	struct json_out out;

	out_init(&out, text, sizeof(text));
	out_object(&out);
	out_string_at(&out, "text", label->text);
	out_string_at(&out, "symbology", symbols[label->symbol].name);
	out_string_at(&out, "text_en", label->en);
	out_string_at(&out, "text_zh", label->zh);
	if (file != NULL)
		out_string_at(&out, "file", file);
	out_object_end(&out);
	if (press->count > 0)
		(void)fputc(',', press->list);
	(void)fwrite(text, 1, out.size, press->list);
}

enum exit_code press_print(struct press *press, const struct label *label)
{
	char name[LABEL_TEXT_SIZE + 8];
	const char *file = NULL;
	enum exit_code exit = EXIT_DONE;

	if (press->folder != NULL) {
		exit = folder_print(press, label, name);
		file = name;
	} else if (press->format == FORMAT_SVG && press->sheet != NULL) {
		exit = zint_run(press, label, NULL);
	}
	if (exit != EXIT_DONE)
		return exit;
	if (press->sheet != NULL && press->format == FORMAT_ZPL)
		zpl_print(press, label);
	else if (press->sheet != NULL)
		figure_print(press, label, file);
	if (press->list != NULL)
		listed(press, label, file);
	press->count++;
	return EXIT_DONE;
}

/* ---- opening and closing ---- */

static bool format_read(struct press *press, const char *text)
{
	press->format = FORMAT_SVG;
	if (text == NULL || strcmp(text, "svg") == 0)
		return true;
	press->format = strcmp(text, "png") == 0 ? FORMAT_PNG : FORMAT_ZPL;
	return press->format == FORMAT_PNG || strcmp(text, "zpl") == 0;
}

static bool ends_in(const char *text, const char *end)
{
	size_t size = strlen(text);

	return size >= strlen(end) &&
	       strcmp(text + size - strlen(end), end) == 0;
}

static enum exit_code said_open(struct press *press, FILE **ret_file)
{
	*ret_file = open_memstream(&press->said, &press->said_size);
	return *ret_file != NULL ? EXIT_DONE
				 : cli_failed(press->cli, ERR_FULL, NULL);
}

static enum exit_code out_open(struct press *press, const char *out)
{
	bool is_file = out != NULL &&
		       (press->format == FORMAT_ZPL || ends_in(out, ".html"));
	char path[FILE_PATH_SIZE];

	if (press->format == FORMAT_PNG && (out == NULL || is_file))
		return cli_refuse(press->cli, EXIT_USAGE, &needs_out, "");
	if (out == NULL) {
		press->is_stdout = true;
		return press->cli->is_json ? EXIT_DONE
					   : said_open(press, &press->sheet);
	}
	(void)text_format(path, sizeof(path), "%s", out);
	if (!is_file) {
		if (mkdir(out, 0777) < 0 && errno != EEXIST)
			return cli_refuse(press->cli, EXIT_FAILED,
					  &cannot_write, out);
		press->folder = out;
		if (file_path(out, "sheet.html", path, NULL) != ERR_OK)
			return cli_refuse(press->cli, EXIT_FAILED,
					  &cannot_write, out);
	}
	press->sheet = fopen(path, "we");
	return press->sheet != NULL ? EXIT_DONE
				    : cli_refuse(press->cli, EXIT_FAILED,
						 &cannot_write, path);
}

enum exit_code press_open(struct cli *cli, struct press **ret_press)
{
	const char *format = cli_option(cli, "--format");
	struct press *press = calloc(1, sizeof(*press));
	enum exit_code exit;

	if (press == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	press->cli = cli;
	if (format_read(press, format))
		exit = out_open(press, cli_option(cli, "--out"));
	else
		exit = cli_refuse(cli, EXIT_USAGE, &bad_format, format);
	if (exit == EXIT_DONE && cli->is_json)
		exit = said_open(press, &press->list);
	if (exit != EXIT_DONE) {
		free(press);
		return exit;
	}
	if (press->sheet != NULL && press->format != FORMAT_ZPL)
		head_write(press->sheet);
	*ret_press = press;
	return EXIT_DONE;
}

enum exit_code press_onto(struct cli *cli, FILE *page, struct press **ret_press)
{
	struct press *press = calloc(1, sizeof(*press));

	if (press == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	press->cli = cli;
	press->format = FORMAT_SVG;
	press->sheet = page;
	press->is_part = true;
	*ret_press = press;
	return EXIT_DONE;
}

static void end_tell(const struct press *press)
{
	if (press->cli->is_json)
		(void)printf("{\"labels\":[%s],\"count\":%zu}\n", press->said,
			     press->count);
	else if (press->is_stdout)
		(void)fwrite(press->said, 1, press->said_size, stdout);
	else
		(void)printf("%zu %s %s\n", press->count,
			     cli_say(press->cli, "labels in", "张标签："),
			     cli_option(press->cli, "--out"));
}

enum exit_code press_close(struct press *press, enum exit_code exit)
{
	if (press == NULL)
		return exit;
	if (press->is_part) {
		free(press);
		return exit;
	}
	if (press->sheet != NULL && press->format != FORMAT_ZPL)
		(void)fputs("</body></html>\n", press->sheet);
	if (press->sheet != NULL && fclose(press->sheet) != 0 &&
	    exit == EXIT_DONE)
		exit = cli_refuse(press->cli, EXIT_FAILED, &cannot_write,
				  cli_option(press->cli, "--out"));
	if (press->list != NULL)
		(void)fclose(press->list); /* to memory */
	if (exit == EXIT_DONE)
		end_tell(press);
	free(press->said);
	free(press);
	return exit;
}
