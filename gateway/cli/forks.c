/*
 * Sites that began a new epoch, and forks with their proofs.
 */
#include "gateway/cli/forks.h"

#include <errno.h>

#include "gateway/cli/request.h"
#include "gateway/cli/result.h"
#include "gateway/cli/sheet.h"
#include "gateway/core/fork_file.h"

static const struct member_map maps[] = {
	{"--reason", "reason", MEMBER_TEXT},
	{"--epoch", "epoch", MEMBER_NUMBER},
	{"--seq", "seq", MEMBER_NUMBER},
	{"--key", "key", MEMBER_TEXT},
	{"--branch", "branch", MEMBER_TEXT},
	{"--drop", "drop", MEMBER_FLAG},
};

/* ---- lists ---- */

static enum exit_code successors_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"site", "SITE", "站点", true},
		{"name", "NAME", "名称", false},
		{"epoch", "EPOCH", "纪元", true},
		{"standing", "STANDING", "状态", false},
		{"reason", "WHY", "原因", false},
		{"seq", "HELD", "已有", true},
		{"parent_epoch", "AFTER", "承接", true},
		{"parent_seq", "UP TO", "截至", true},
		{"lost_first", "LOST FROM", "丢失自", true},
		{"lost_last", "TO", "至", true},
		{"key", "KEY", "密钥", false},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "no site began a new epoch",
					       "没有站点开始新的纪元", true};
	struct request_draft draft;

	request_begin(&draft, cli);
	return request_list(&draft, "hq.successors", &listing);
}

static enum exit_code list_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"fork", "FORK", "分叉", true},
		{"site", "SITE", "站点", true},
		{"name", "NAME", "名称", false},
		{"epoch", "EPOCH", "纪元", true},
		{"at", "AT", "位置", true},
		{"first.branch", "BRANCH", "分支", false},
		{"first.seq", "HELD", "已有", true},
		{"first.counted", "COUNTS", "计入", true},
		{"second.branch", "BRANCH", "分支", false},
		{"second.seq", "HELD", "已有", true},
		{"second.counted", "COUNTS", "计入", true},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "no fork is known",
					       "没有已知的分叉", true};
	struct request_draft draft;

	request_begin(&draft, cli);
	return request_list(&draft, "fork.list", &listing);
}

/* ---- HQ's word ---- */

static enum exit_code word_show(const struct cli *cli,
				const struct json_value *root)
{
	static const struct column facts[] = {
		{"site", "site", "站点", false},
		{"name", "name", "名称", false},
		{"epoch", "epoch", "纪元", false},
		{"parent_epoch", "goes on from epoch", "承接纪元", false},
		{"branch", "branch", "分支", false},
		{"verdict", "verdict", "结论", false},
		{"seq", "up to delta", "截至增量", false},
	};

	if (!cli->is_json)
		record_show(cli, root, facts, ARRAY_LEN(facts));
	return EXIT_DONE;
}

static enum exit_code word_run(struct cli *cli, const char *command)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "site", cli->words[0]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_show(&draft, command, word_show);
}

static enum exit_code succeed_run(struct cli *cli)
{
	return word_run(cli, "hq.succeed");
}

static enum exit_code choose_run(struct cli *cli)
{
	static const struct control_refusal not_meant = {
		"usage", "nothing was chosen", "未作出选择"};

	if (!cli_confirm(cli,
			 cli_say(cli,
				 "What other branches say, or the dropped one, "
				 "will not count any more. Choose?",
				 "其他分支（或被放弃的分支）的内容将不再计入。"
				 "确定？")))
		return cli_refuse(cli, EXIT_USAGE, &not_meant, "");
	return word_run(cli, "hq.choose");
}

/* ---- proofs ---- */

static enum exit_code proof_show(const struct cli *cli,
				 const struct json_value *root)
{
	struct fault fault;
	struct span file;

	if (!cli->is_json && json_text(root, "file", &file, &fault) == ERR_OK)
		(void)fwrite(file.data, 1, file.size, stdout);
	return EXIT_DONE;
}

static enum exit_code show_run(struct cli *cli)
{
	struct request_draft draft;

	request_begin(&draft, cli);
	if (cli->word_count > 0)
		request_number(&draft, "fork", cli->words[0]);
	return request_show(&draft, "fork.show", proof_show);
}

static void hex_print(const uint8_t *bytes, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * size] = '\0';
}

static enum exit_code file_take(struct cli *cli, struct fork_file *ret_file)
{
	static const struct control_refusal no_file = {
		"unknown_file", "%s cannot be read", "无法读取 %s"};
	char text[2 * ARMOUR_TEXT_SIZE_MAX];
	char number[16];
	FILE *in = fopen(cli->words[0], "re");
	unsigned line = 0;
	enum armour_fault fault;
	struct span span = {text, 0};

	if (in == NULL)
		return cli_refuse(cli, EXIT_NOT_FOUND, &no_file, cli->words[0]);
	span.size = fread(text, 1, sizeof(text), in);
	(void)fclose(in); /* it was read */
	fault = fork_file_read(span, ret_file, &line);
	if (fault != ARMOUR_SOUND) {
		const struct control_refusal why = {
			"bad_file", armour_fault_text(fault, false),
			armour_fault_text(fault, true)};

		(void)text_format(number, sizeof(number), "%u", line);
		cli->file = cli->words[0];
		return cli_refuse(cli, EXIT_USAGE, &why, number);
	}
	return EXIT_DONE;
}

static enum exit_code verified_show(const struct cli *cli,
				    const struct json_value *root)
{
	static const struct column facts[] = {
		{"site", "site", "站点", false},
		{"epoch", "epoch", "纪元", false},
		{"at", "delta", "增量", false},
		{"net_id", "network", "网络", false},
		{"key", "signed by", "签名密钥", false},
	};

	if (cli->is_json)
		return EXIT_DONE;
	(void)puts(cli_say(
		cli,
		"proven: two different deltas with one number, both signed by "
		"this key. Compare the key with HQ's certificate of that site.",
		"已证实：两份编号相同而内容不同的增量均由此密钥签名。请将该密钥"
		"与总部为该站点颁发的证书核对。"));
	record_show(cli, root, facts, ARRAY_LEN(facts));
	return EXIT_DONE;
}

static enum exit_code verify_run(struct cli *cli)
{
	static const struct control_refusal no_proof = {
		"no_proof",
		"%s proves nothing: a signature is not the key's, or it is one "
		"delta twice",
		"%s 不构成证明：签名与密钥不符，或两份增量相同"};
	static const struct control_refusal other_key = {
		"other_key", "%s is signed by another key",
		"%s 由另一密钥签名"};
	const char *key = cli_option(cli, "--key");
	char text[2 * KEY_PUBLIC_SIZE + 1];
	struct result *result;
	struct fork_file file;
	enum exit_code exit = file_take(cli, &file);

	if (exit != EXIT_DONE)
		return exit;
	if (!fork_file_is_proof(&file))
		return cli_refuse(cli, EXIT_FAILED, &no_proof, cli->words[0]);
	hex_print(file.public_key, KEY_PUBLIC_SIZE, text);
	if (key != NULL && !span_equal(span_of(key), span_of(text)))
		return cli_refuse(cli, EXIT_CONFLICT, &other_key,
				  cli->words[0]);
	result = result_begin(cli);
	if (result == NULL)
		return EXIT_FAILED;
	out_bool_at(&result->out, "proven", true);
	out_int_at(&result->out, "site", file.proof.first.site);
	out_int_at(&result->out, "epoch", file.proof.first.epoch);
	out_int_at(&result->out, "at", (int64_t)file.proof.first.seq);
	out_string_at(&result->out, "key", text);
	hex_print(file.net_id, NET_ID_SIZE, text);
	out_string_at(&result->out, "net_id", text);
	return result_end(cli, result, verified_show);
}

/* ---- the verbs ---- */

#define OPTION_REASON                               \
	{                                           \
		"--reason", "TEXT", "why", "原因" \
	}

static const struct option_spec succeed_options[] = {
	{"--epoch", "N", "which one, where more than one waits",
	 "有多个纪元等待时指定其一"},
	{"--key", "KEY", "its key as the box shows it, where nobody vouches",
	 "无人担保时给出盒子上显示的密钥"},
	OPTION_REASON,
};

static const struct option_spec choose_options[] = {
	{"--branch", "HEX", "as depot fork list names it",
	 "depot fork list 中的分支名"},
	{"--epoch", "N", "which life of the site; the last if not given",
	 "站点的纪元，默认最近一个"},
	{"--seq", "N",
	 "the last delta of it that counts; what HQ holds if not "
	 "given",
	 "该分支最后有效的增量，默认为总部已有的"},
	{"--drop", NULL, "that branch does not count, instead",
	 "改为：该分支不计入"},
	OPTION_REASON,
};

static const struct option_spec verify_options[] = {
	{"--key", "HEX", "the key that it has to be", "必须是此密钥"},
};

const struct verb fork_verbs[] = {
	{
		.name = "hq successors",
		.usage = "",
		.en = "sites that began a new epoch, and why",
		.zh = "开始新纪元的站点及原因",
		.examples = "depot hq successors\twhat waits for HQ's word\t"
			    "等待总部认证的纪元\n",
		.run = successors_run,
	},
	{
		.name = "hq succeed",
		.usage = "SITE [--epoch N] [--key KEY]",
		.en = "certifies a site's new epoch, and ends the one before",
		.zh = "认证站点的新纪元，并结束前一纪元",
		.examples = "depot hq succeed hz-07 --reason 'disk replaced'\t"
			    "once it is clear what happened\t"
			    "弄清发生了什么之后\n",
		CLI_OPTIONS(succeed_options),
		.words_min = 1,
		.words_max = 1,
		.run = succeed_run,
	},
	{
		.name = "hq choose",
		.usage = "SITE --branch HEX [--drop]",
		.en = "says which branch of a forked feed stays",
		.zh = "决定分叉的数据流保留哪个分支",
		.examples = "depot hq choose hz-07 --branch 1f2e3d4c5b6a7988\t"
			    "the others count up to where they part\t"
			    "其他分支计至分叉处\n",
		CLI_OPTIONS(choose_options),
		.words_min = 1,
		.words_max = 1,
		.run = choose_run,
	},
	{
		.name = "fork list",
		.usage = "",
		.en = "feeds with two deltas of one number",
		.zh = "出现同号增量的数据流",
		.examples = "depot fork list\tproven cases\t已证实的分叉\n",
		.run = list_run,
	},
	{
		.name = "fork show",
		.usage = "[N]",
		.en = "prints a fork's proof, to be checked by anybody",
		.zh = "打印任何人都可验证的分叉证据",
		.examples =
			"depot fork show 1 > proof.txt\tkeep it\t保存证据\n",
		.words_max = 1,
		.run = show_run,
	},
	{
		.name = "fork verify",
		.usage = "FILE [--key HEX]",
		.en = "checks a fork's proof; needs no box and no network",
		.zh = "验证分叉证据，无需盒子与网络",
		.examples = "depot fork verify proof.txt\tanywhere\t任何地方\n",
		CLI_OPTIONS(verify_options),
		.words_min = 1,
		.words_max = 1,
		.run = verify_run,
	},
	{.name = NULL},
};
