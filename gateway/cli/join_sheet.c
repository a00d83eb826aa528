#include "gateway/cli/join_sheet.h"

#include <string.h>

#include "gateway/cli/press.h"
#include "gateway/cli/qr.h"
#include "gateway/cli/sheet.h"
#include "store/seal.h"

static const char page_head[] =
	"<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">"
	"<title>depot join</title>\n<style>\n"
	"@page{size:A4;margin:15mm}\n"
	"body{font-family:sans-serif;font-size:10.5pt;max-width:180mm;"
	"margin:0}\n"
	"h1{font-size:20pt;margin:0}\n"
	"p{margin:2mm 0}\n"
	".qr{width:58mm;height:58mm;display:block;margin:3mm auto}\n"
	/* What is typed never breaks: at a dash of its own nobody could say
	 * whether it is one. 60 characters fit. */
	".code{font-family:monospace;font-size:12pt;text-align:center;"
	"letter-spacing:1px;white-space:nowrap}\n"
	"code{white-space:nowrap;font-size:8pt}\n"
	"table{width:100%;table-layout:fixed;border-collapse:collapse}\n"
	"td{width:50%;vertical-align:top;padding:1mm 2mm}\n"
	".behind{break-before:page}\n";

/* Beside each other: a line of both columns. Whoever reads them has seen
 * neither the box nor its guide. */
static const struct {
	const char *en;
	const char *zh;
} steps[] = {
	{"<b>1.</b> Plug the box in: power, network, a screen and a keyboard. "
	 "Log in, and type <code>sudo depot join CODE --start --device "
	 "dock-1</code>; CODE is the whole line above, in capital or small "
	 "letters. A mistyped group is told at once; the address behind the / "
	 "is not checked, so look twice. If it asks whether to stop mosquitto, "
	 "answer y. The box works from now on, also before HQ has answered, "
	 "and says how its scanner gets in.",
	 "<b>1.</b> 接通盒子的电源和网络，接上屏幕和键盘。登录后输入："
	 "<code>sudo depot join 加入码 --start --device dock-1</code>；加入码为"
	 "上方整行，大小写均可。字符组输错会立即提示；“/”之后的地址无法校验，"
	 "请仔细核对。若询问是否停用 mosquitto，请回答 y。此后即可作业，无需等"
	 "待总部答复；屏幕会显示扫描枪的连接方法。"},
	{"<b>Or</b>, instead of 1, on a box that works already: scan the code "
	 "above with its scanner, or type it into the form on its page, under "
	 "Box. It joins by itself, within a minute; then the page shows the "
	 "new name.",
	 "<b>或者</b>，盒子已在使用，则不必做 1：用其扫描枪扫上方的二维码，或在"
	 "其页面的“盒子”栏中输入加入码。一分钟内自动加入，页面随即显示新名称"
	 "。"},
	{"<b>No network?</b> Then a file comes with this sheet on a stick: "
	 "<code>sudo depot join FILE --start --device dock-1</code>, and at "
	 "HQ, with the file that it writes, <code>depot hq admit FILE</code>.",
	 "<b>没有网络？</b>请用随附U盘中的文件：<code>sudo depot join 文件 "
	 "--start --device dock-1</code>；再将其写出的文件带回总部，执行"
	 "<code>depot hq admit 文件</code>。"},
	{"<b>2.</b> A phone can scan, too: <code>sudo depot page on</code> "
	 "says "
	 "how it gets in; another scanner: <code>sudo depot device add "
	 "dock-2</code>.",
	 "<b>2.</b> 手机也可扫描：执行 <code>sudo depot page on</code> 并按提示"
	 "连接；其他扫描枪：<code>sudo depot device add dock-2</code>。"},
	{"<b>3.</b> The labels are on the pages behind this one. Scan "
	 "<b>Receive</b>, <b>DOCK</b> (the bin that every box has), an item: "
	 "the first booking is done. More, once there are bins and goods: "
	 "<code>sudo depot label bin --out bins</code>, <code>sudo depot label "
	 "item --out items</code>; print <code>sheet.html</code> of each "
	 "folder.",
	 "<b>3.</b> "
	 "标签在后面几页。依次扫描<b>收货</b>、<b>DOCK</b>（每台盒子都"
	 "有的库位）、商品，即完成首次入账。有了库位和商品后可再打印："
	 "<code>sudo depot label bin --out bins</code>、<code>sudo depot label "
	 "item --out items</code>，打印各文件夹中的 <code>sheet.html</code>。"},
};

/* 2026-11-30T01:48:04.569Z, as people write it: 2026-11-30 01:48 UTC. */
static const char *time_plain(char text[VALUE_TEXT_SIZE])
{
	static const char form[] = "2026-11-30T01:48";

	if (strlen(text) >= sizeof(form) && text[10] == 'T') {
		text[10] = ' ';
		(void)text_format(text + sizeof(form) - 1,
				  VALUE_TEXT_SIZE - sizeof(form) + 1, " UTC");
	}
	return text;
}

static void facts_write(const struct cli *cli, const struct json_value *invited,
			FILE *out)
{
	char text[VALUE_TEXT_SIZE];

	/* Names and times have no characters that HTML would take. */
	(void)fprintf(out, "<h1>%s</h1>\n",
		      member_text(cli, invited, "name", text));
	(void)fprintf(out,
		      "<p>depot: join sheet, invitation %lld / "
		      "加入单，邀请编号 %lld</p>\n",
		      (long long)member_number(invited, "number", 0),
		      (long long)member_number(invited, "number", 0));
	(void)member_text(cli, invited, "expires", text);
	(void)fprintf(out,
		      "<p>Good for one box, until <b>%s</b>. / "
		      "仅供一台盒子使用，有效期至 <b>%s</b>。</p>\n",
		      time_plain(text), text);
	if (member_text(cli, invited, "until", text)[0] != '\0')
		(void)fprintf(out,
			      "<p>The warehouse closes: %s / 仓库关闭时间：%s"
			      "</p>\n",
			      time_plain(text), text);
}

static void labels_write(struct span labels, FILE *out)
{
	(void)fputs(
		"<div class=\"behind\"><h1>Labels / 标签</h1>\n<p>They open "
		"nothing: cut them out and keep them where people scan. / "
		"标签不含任何密码，剪下后放在作业处即可。</p>\n"
		"<div class=\"labels\">\n",
		out);
	(void)fwrite(labels.data, 1, labels.size, out);
	(void)fputs("</div></div>\n", out);
}

enum exit_code join_sheet_write(struct cli *cli,
				const struct json_value *invited,
				struct span labels, FILE *out)
{
	char text[VALUE_TEXT_SIZE];
	struct qr qr;
	struct err err;
	enum err_code code = qr_make(
		span_of(member_text(cli, invited, "code", text)), &qr, &err);

	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	(void)fprintf(out, "%s%s</style></head>\n<body>\n", page_head,
		      press_style);
	facts_write(cli, invited, out);
	qr_svg(&qr, out);
	(void)fprintf(out, "<p class=\"code\">%s</p>\n<table>\n", text);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		(void)fprintf(out, "<tr><td>%s</td><td>%s</td></tr>\n",
			      steps[i].en, steps[i].zh);
	(void)fputs(
		"</table>\n<p><small>Whoever has this page can become "
		"this site: keep it like a key, and tear it up "
		"afterwards. / 持有本页即可成为该站点：请像钥匙一样保管，用后"
		"销毁。</small></p>\n",
		out);
	labels_write(labels, out);
	(void)fputs("</body></html>\n", out);
	seal_wipe(text, sizeof(text));
	return EXIT_DONE;
}
