#include "gateway/cli/join_sheet.h"

#include <string.h>

#include "gateway/cli/qr.h"
#include "gateway/cli/sheet.h"
#include "store/seal.h"

static const char page_head[] =
	"<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\">"
	"<title>depot join</title>\n<style>\n"
	"@page{size:A4;margin:15mm}\n"
	"body{font-family:sans-serif;font-size:12pt;max-width:180mm}\n"
	"h1{font-size:20pt;margin:0}\n"
	".qr{width:70mm;height:70mm;display:block;margin:6mm auto}\n"
	".code{font-family:monospace;font-size:17pt;text-align:center;"
	"letter-spacing:1px}\n"
	"table{width:100%;border-collapse:collapse}\n"
	"td{width:50%;vertical-align:top;padding:2mm 4mm}\n"
	"small{color:#555}\n"
	"</style></head>\n<body>\n";

/* Beside each other: a line of both columns. */
static const struct {
	const char *en;
	const char *zh;
} steps[] = {
	{"<b>1.</b> Plug the box in: power, network, scanner. Type: <code>sudo "
	 "depot join CODE</code>, with the code above. It is told at once when "
	 "it was mistyped.",
	 "<b>1.</b> "
	 "接通盒子的电源和网络，连接扫描枪。输入：<code>sudo depot join "
	 "加入码</code>（见上方）。输入有误会立即提示。"},
	{"<b>2.</b> Start it: <code>sudo systemctl enable --now depotd "
	 "depot-link@hq</code>. The box works from now on, also before HQ has "
	 "answered.",
	 "<b>2.</b> 启动：<code>sudo systemctl enable --now depotd "
	 "depot-link@hq</code>。此后即可作业，无需等待总部答复。"},
	{"<b>Or</b>, on a box that runs already: scan the code above with its "
	 "scanner, or type it into the form on its page. It joins by itself.",
	 "<b>或者</b>，盒子已在运行：用其扫描枪扫上方的二维码，或在其页面的表"
	 "单中输入加入码，即自动加入。"},
	{"<b>No network?</b> Then a file comes with this sheet on a stick: "
	 "<code>sudo depot join FILE</code>, and at HQ, with the file that it "
	 "writes, <code>depot hq admit FILE</code>.",
	 "<b>没有网络？</b>请用随附U盘中的文件：<code>sudo depot join "
	 "文件</code>；再将其写出的文件带回总部，执行<code>depot hq admit "
	 "文件</code>。"},
	{"<b>3.</b> Print the labels that scanners need: <code>depot label op "
	 "--out labels</code> and <code>depot label bin --out bins</code>. "
	 "Scan <b>Receive</b>, an item, a bin: the first booking is done.",
	 "<b>3.</b> 打印扫描所需标签：<code>depot label op --out "
	 "labels</code> 和 <code>depot label bin --out "
	 "bins</code>。依次扫描<b>收货</b>、商品、库位，即完成首次入账。"},
};

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
	(void)fprintf(out,
		      "<p>Good for one box, until <b>%s</b>. / "
		      "仅供一台盒子使用，有效期至 <b>%s</b>。</p>\n",
		      member_text(cli, invited, "expires", text), text);
	if (member_text(cli, invited, "until", text)[0] != '\0')
		(void)fprintf(out,
			      "<p>The warehouse closes: %s / 仓库关闭时间：%s"
			      "</p>\n",
			      text, text);
}

enum exit_code join_sheet_write(struct cli *cli,
				const struct json_value *invited, FILE *out)
{
	char text[VALUE_TEXT_SIZE];
	struct qr qr;
	struct err err;
	enum err_code code = qr_make(
		span_of(member_text(cli, invited, "code", text)), &qr, &err);

	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	(void)fputs(page_head, out);
	facts_write(cli, invited, out);
	qr_svg(&qr, out);
	(void)fprintf(out, "<p class=\"code\">%s</p>\n<table>\n", text);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		(void)fprintf(out, "<tr><td>%s</td><td>%s</td></tr>\n",
			      steps[i].en, steps[i].zh);
	(void)fputs(
		"</table>\n<p><small>Whoever has this sheet can become "
		"this site: keep it like a key, and tear it up "
		"afterwards. / 持有本单即可成为该站点：请像钥匙一样保管，用后"
		"销毁。</small></p>\n</body></html>\n",
		out);
	seal_wipe(text, sizeof(text));
	return EXIT_DONE;
}
