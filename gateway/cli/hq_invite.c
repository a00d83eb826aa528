/*
 * depot hq invite: a code on the terminal, on a sheet, and in a file.
 */
#include "gateway/cli/hq.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/carry_along.h"
#include "gateway/cli/join_sheet.h"
#include "gateway/cli/label.h"
#include "gateway/cli/paper.h"
#include "gateway/cli/qr.h"
#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"
#include "store/seal.h"

static const struct control_refusal bad_share = {
	"usage", "%s is no share: a number from 0 to 1, as .15",
	"%s 不是有效的份额：应为 0 到 1 之间的数，如 .15"};

static const struct member_map maps[] = {
	{"--site", "site", MEMBER_TEXT}, {"--until", "until", MEMBER_TEXT},
	{"--like", "like", MEMBER_TEXT}, {"--hours", "hours", MEMBER_NUMBER},
	{"--host", "host", MEMBER_TEXT}, {"--replace", "replace", MEMBER_FLAG},
};

/* ".15" is what people write, "0.15" what JSON takes. */
static enum exit_code share_add(struct request_draft *draft, const char *text)
{
	char number[24];
	struct span span;
	size_t dots = 0;
	bool is_one;

	if (text == NULL)
		return EXIT_DONE;
	is_one = text_format(number, sizeof(number), "%s%s",
			     text[0] == '.' ? "0" : "", text) &&
		 strspn(number, "0123456789.") == strlen(number) &&
		 number[0] != '\0' && number[strlen(number) - 1] != '.';
	for (const char *c = number; is_one && *c != '\0'; c++)
		dots += *c == '.';
	if (!is_one || dots > 1)
		return cli_refuse(draft->cli, EXIT_USAGE, &bad_share, text);
	span = span_of(number);
	out_key(&draft->out, "share");
	out_raw(&draft->out, span);
	return EXIT_DONE;
}

struct papers {
	struct paper file;
	struct paper bundle; /* the same, with HQ's feeds behind it */
	struct paper sheet;
	char *labels; /* of the sheet */
	size_t labels_size;
};

/* Before anything is asked for: without zint there is no code out that nobody
 * has seen. */
static enum exit_code labels_print(struct cli *cli, struct papers *papers)
{
	FILE *page = open_memstream(&papers->labels, &papers->labels_size);
	enum exit_code exit;

	if (page == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	exit = label_page_write(cli, page);
	if (fclose(page) != 0 && exit == EXIT_DONE)
		exit = cli_failed(cli, ERR_FULL, NULL);
	return exit;
}

static enum exit_code papers_open(struct cli *cli, struct papers *papers)
{
	enum exit_code exit =
		paper_open(cli, cli_option(cli, "--out"), &papers->file);

	if (exit == EXIT_DONE)
		exit = paper_open(cli, cli_option(cli, "--bundle"),
				  &papers->bundle);
	if (exit == EXIT_DONE)
		exit = paper_open(cli, cli_option(cli, "--sheet"),
				  &papers->sheet);
	if (exit == EXIT_DONE && papers->bundle.out != NULL)
		exit = carry_along_check(cli);
	if (exit == EXIT_DONE && papers->sheet.out != NULL)
		exit = labels_print(cli, papers);
	return exit;
}

static void papers_drop(struct papers *papers)
{
	paper_drop(&papers->file);
	paper_drop(&papers->bundle);
	paper_drop(&papers->sheet);
	free(papers->labels);
}

static void file_put(struct span file, FILE *out)
{
	if (out != NULL)
		(void)fwrite(file.data, 1, file.size, out);
}

static enum exit_code papers_write(struct cli *cli, struct papers *papers,
				   const struct json_value *root)
{
	enum exit_code exit = EXIT_DONE;
	struct fault fault;
	struct span file;

	if (json_text(root, "file", &file, &fault) == ERR_OK) {
		file_put(file, papers->file.out);
		file_put(file, papers->bundle.out);
	}
	if (papers->bundle.out != NULL)
		exit = carry_along_write(cli, papers->bundle.out);
	if (exit == EXIT_DONE && papers->sheet.out != NULL)
		exit = join_sheet_write(cli, root,
					(struct span){papers->labels,
						      papers->labels_size},
					papers->sheet.out);
	if (exit == EXIT_DONE)
		exit = paper_close(cli, &papers->file);
	if (exit == EXIT_DONE)
		exit = paper_close(cli, &papers->bundle);
	return exit == EXIT_DONE ? paper_close(cli, &papers->sheet) : exit;
}

static enum exit_code code_draw(struct cli *cli, const char *code)
{
	struct qr qr;
	struct err err;
	enum err_code result = qr_make(span_of(code), &qr, &err);

	if (result != ERR_OK)
		return cli_failed(cli, result, &err);
	qr_draw(&qr, isatty(STDOUT_FILENO) ? QR_COLOUR : QR_PLAIN, stdout);
	return EXIT_DONE;
}

static enum exit_code invited_show(struct cli *cli, const struct papers *papers,
				   const struct json_value *root)
{
	const char *path = papers->bundle.path != NULL ? papers->bundle.path
						       : papers->file.path;
	char text[VALUE_TEXT_SIZE];
	enum exit_code exit =
		code_draw(cli, member_text(cli, root, "code", text));

	(void)printf("%s\n", text);
	seal_wipe(text, sizeof(text));
	(void)printf("%s %s\n",
		     cli_say(cli, "shown once; good for one box, until",
			     "仅显示一次，只供一台盒子使用，有效期至"),
		     member_text(cli, root, "expires", text));
	if (!member_true(root, "clock_trusted"))
		(void)puts(
			cli_say(cli,
				"the clock is not set: times are as it shows "
				"them",
				"时钟未校准：以上时间以本机显示为准"));
	if (papers->sheet.path != NULL)
		(void)printf("%s: %s\n", cli_say(cli, "to print", "待打印"),
			     papers->sheet.path);
	if (path == NULL) {
		(void)puts(cli_say(cli,
				   "for a box without a link: withdraw it, and "
				   "invite with --bundle FILE",
				   "若新盒子没有网络连接：请撤回后用 "
				   "--bundle 文件 重新邀请"));
		return exit;
	}
	(void)printf("%s\n  depot join %s\n%s\n  depot hq admit ASKFILE\n",
		     cli_say(cli,
			     "next, on the new box:", "下一步，在新盒子上："),
		     path,
		     cli_say(cli, "and then here, with the file that it wrote:",
			     "然后在本机，使用其写出的文件："));
	return exit;
}

static enum exit_code invitation_take(struct cli *cli, struct papers *papers,
				      const struct reply *reply)
{
	enum exit_code exit = papers_write(cli, papers, reply->root);

	if (cli->is_json) {
		cli_document(reply->text);
		return exit;
	}
	return exit == EXIT_DONE ? invited_show(cli, papers, reply->root)
				 : exit;
}

enum exit_code hq_invite_run(struct cli *cli)
{
	struct papers papers = {.file = {.out = NULL}};
	struct request_draft draft;
	struct request request;
	struct reply reply;
	enum exit_code exit;

	request_begin(&draft, cli);
	request_options(&draft, maps, ARRAY_LEN(maps));
	exit = share_add(&draft, cli_option(cli, "--share"));
	if (exit == EXIT_DONE)
		exit = request_end(&draft, "hq.invite", &request);
	if (exit == EXIT_DONE)
		exit = papers_open(cli, &papers);
	if (exit == EXIT_DONE) {
		exit = ask(cli, &request, &reply);
		if (exit == EXIT_DONE) {
			exit = invitation_take(cli, &papers, &reply);
			reply_release(&reply);
		}
	}
	papers_drop(&papers);
	return exit;
}
