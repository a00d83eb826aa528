#include "gateway/cli/hq_ask.h"

#include <string.h>

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

/* ---- asking ---- */

static const struct control_refusal bad_argument = {
	"usage",
	"%s is no argument: NAME=TEXT, or NAME:=VALUE with a number, true or "
	"false",
	"%s 不是有效参数：应为 NAME=文本，或 NAME:=数值、true、false"};

/* "bin=A-01", "to:=4", "inactive:=true". */
static bool argument_add(struct request_draft *draft, const char *word)
{
	const char *equals = strchr(word, '=');
	char name[64];
	size_t size;
	bool is_value;
	int64_t number;

	if (equals == NULL || equals == word)
		return false;
	is_value = equals[-1] == ':';
	size = (size_t)(equals - word) - (is_value ? 1 : 0);
	if (size == 0 || size >= sizeof(name))
		return false;
	memcpy(name, word, size);
	name[size] = '\0';
	equals++;
	if (!is_value)
		out_string_at(&draft->out, name, equals);
	else if (strcmp(equals, "true") == 0 || strcmp(equals, "false") == 0)
		out_bool_at(&draft->out, name, equals[0] == 't');
	else if (cli_number(equals, -INT64_MAX, INT64_MAX, &number))
		out_int_at(&draft->out, name, number);
	else
		return false;
	return true;
}

static enum exit_code asked_show(const struct cli *cli,
				 const struct json_value *root)
{
	static const struct column facts[] = {
		{"intent", "intent", "请求", false},
		{"site", "site", "站点", false},
		{"verb", "asked for", "内容", false},
		{"expires", "until", "有效至", false},
	};

	if (!cli->is_json)
		record_show(cli, root, facts, ARRAY_LEN(facts));
	return EXIT_DONE;
}

static enum exit_code ask_run(struct cli *cli)
{
	static const struct member_map maps[] = {
		{"--hours", "hours", MEMBER_NUMBER},
	};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_text(&draft, "site", cli->words[0]);
	request_text(&draft, "verb", cli->words[1]);
	request_options(&draft, maps, ARRAY_LEN(maps));
	if (draft.exit != EXIT_DONE)
		return draft.exit;
	out_object_at(&draft.out, "args");
	for (size_t i = 2; i < cli->word_count; i++)
		if (!argument_add(&draft, cli->words[i]))
			return cli_refuse(cli, EXIT_USAGE, &bad_argument,
					  cli->words[i]);
	out_object_end(&draft.out);
	return request_show(&draft, "hq.ask", asked_show);
}

static enum exit_code intents_run(struct cli *cli)
{
	static const struct member_map maps[] = {
		{"--open", "open", MEMBER_FLAG},
		{"--site", "site", MEMBER_TEXT},
	};
	static const struct column columns[] = {
		{"intent", "INTENT", "请求", false},
		{"name|site", "SITE", "站点", false},
		{"verb", "ASKED FOR", "内容", false},
		{"arguments", "WITH", "参数", false},
		{"asked", "ASKED", "提出时间", false},
		{"state", "STATE", "状态", false},
		{"answered", "ANSWERED", "答复时间", false},
		{"text", "THE SITE SAYS", "站点答复", false},
		{"overdue", "OVERDUE", "过期未答", false},
	};
	static const struct listing listing = {columns, ARRAY_LEN(columns),
					       "HQ has asked for nothing",
					       "总部没有提出任何请求", true};
	struct request_draft draft;

	request_begin(&draft, cli);
	request_options(&draft, maps, ARRAY_LEN(maps));
	return request_list(&draft, "hq.intents", &listing);
}

/* ---- proposals ---- */

static enum exit_code proposals_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"name|site", "SITE", "站点", false},
		{"kind", "KIND", "类别", false},
		{"item", "ITEM", "商品", false},
		{"code", "CODE", "条码", false},
		{"pack", "PACK", "装箱数", true},
		{"name_$|name_%", "NAME", "名称", false},
		{"unit", "UNIT", "单位", false},
		{"standing", "STANDING", "与总部相比", false},
		{"since", "SINCE", "自", false},
	};
	static const struct listing listing = {
		columns, ARRAY_LEN(columns),
		"no site proposes anything that HQ does not say",
		"没有站点提出总部之外的商品或条码", true};
	struct request_draft draft;

	request_begin(&draft, cli);
	if (cli->word_count > 0)
		request_text(&draft, "site", cli->words[0]);
	return request_list(&draft, "hq.proposals", &listing);
}

static enum exit_code adopted_show(const struct cli *cli,
				   const struct json_value *root)
{
	static const struct column facts[] = {
		{"items", "items adopted", "已采纳商品", true},
		{"codes", "codes adopted", "已采纳条码", true},
		{"left", "left, since HQ says otherwise",
		 "未采纳（总部另有规定）", true},
	};

	if (!cli->is_json)
		record_show(cli, root, facts, ARRAY_LEN(facts));
	return EXIT_DONE;
}

static const struct member_map proposal_maps[] = {
	{"--code", "code", MEMBER_TEXT},
	{"--all", "all", MEMBER_FLAG},
};

static void proposal_words(struct request_draft *draft, struct cli *cli)
{
	request_begin(draft, cli);
	request_text(draft, "site", cli->words[0]);
	if (cli->word_count > 1)
		request_text(draft, "item", cli->words[1]);
	request_options(draft, proposal_maps, ARRAY_LEN(proposal_maps));
}

static enum exit_code adopt_run(struct cli *cli)
{
	struct request_draft draft;

	proposal_words(&draft, cli);
	return request_show(&draft, "hq.adopt", adopted_show);
}

static enum exit_code decline_run(struct cli *cli)
{
	struct request_draft draft;

	proposal_words(&draft, cli);
	return request_show(&draft, "hq.decline", asked_show);
}

/* ---- the verbs ---- */

static const struct option_spec ask_options[] = {
	{"--hours", "N",
	 "how long it may wait; 0 for ever; 168 if not given and HQ knows "
	 "the time",
	 "有效小时数；0 为不限；时钟可信时默认 168"},
};

static const struct option_spec intents_options[] = {
	{"--open", NULL, "those that wait for the site alone", "仅列未答复的"},
	{"--site", "SITE", "of one site", "仅列某站点"},
};

static const struct option_spec adopt_options[] = {
	{"--code", "CODE", "a code alone", "仅采纳一个条码"},
	{"--all", NULL, "all that HQ has not spoken of",
	 "总部尚未规定的全部商品和条码"},
};

static const struct option_spec decline_options[] = {
	{"--code", "CODE", "a code instead of an item", "条码而非商品"},
};

const struct verb hq_ask_verbs[] = {
	{
		.name = "hq ask",
		.usage = "SITE VERB [NAME=TEXT...]",
		.en = "asks a site to act, as the owner that it is",
		.zh = "请求站点以所有者身份执行操作",
		.examples = "depot hq ask hz-01 task.add bin=A-01 item=MUG\t"
			    "count the mugs in A-01\t清点 A-01 中的 MUG\n"
			    "depot hq ask hz-01 transfer.create to=sh-02 "
			    "--hours 24\twithin a day\t一天之内\n"
			    "depot hq ask hz-01 check.ask check=fridge\t"
			    "now, not when it is due\t立即检查\n"
			    "depot hq ask hz-01 task.cancel task=c1-17\t"
			    "also transfer.cancel, alert.close, check.retire, "
			    "item.set, code.set\t"
			    "另有 transfer.cancel、alert.close、check.retire、"
			    "item.set、code.set\n",
		CLI_OPTIONS(ask_options),
		.words_min = 2,
		.words_max = 10,
		.run = ask_run,
	},
	{
		.name = "hq intents",
		.usage = "[--open] [--site SITE]",
		.en = "what HQ has asked for, and what came of it",
		.zh = "查看总部的请求及结果",
		.examples = "depot hq intents --open\twhat still waits\t"
			    "尚未答复的请求\n",
		CLI_OPTIONS(intents_options),
		.run = intents_run,
	},
	{
		.name = "hq proposals",
		.usage = "[SITE]",
		.en = "items and codes of sites that HQ does not have",
		.zh = "查看站点提议的商品和条码",
		.examples = "depot hq proposals hz-01\tof one site\t"
			    "某一站点的提议\n",
		.words_max = 1,
		.run = proposals_run,
	},
	{
		.name = "hq adopt",
		.usage = "SITE ITEM|--code CODE|--all",
		.en = "makes a site's items and codes HQ's, for all sites",
		.zh = "采纳站点的商品和条码，供所有站点使用",
		.examples = "depot hq adopt hz-01 MUG\twith its codes\t"
			    "连同其条码\n"
			    "depot hq adopt hz-01 --all\twhat is new\t"
			    "全部新提议\n",
		CLI_OPTIONS(adopt_options),
		.words_min = 1,
		.words_max = 2,
		.run = adopt_run,
	},
	{
		.name = "hq decline",
		.usage = "SITE ITEM|--code CODE",
		.en = "asks a site to take its item or code back",
		.zh = "请站点撤回其商品或条码",
		.examples = "depot hq decline hz-01 MUGG\tmistyped\t"
			    "输入有误\n",
		CLI_OPTIONS(decline_options),
		.words_min = 1,
		.words_max = 2,
		.run = decline_run,
	},
	{.name = NULL},
};
