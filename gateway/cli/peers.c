/*
 * depot peers
 */
#include "gateway/cli/peers.h"

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

static const struct control_refusal no_daemon = {
	"not_running", "depotd is not running: start it first",
	"depotd 未运行：请先启动"};

static long long count_of(const struct json_value *network, const char *name)
{
	return (long long)member_number(network, name, 0);
}

static void links_line(const struct cli *cli, const struct json_value *network)
{
	long long links = count_of(network, "links");
	long long up = count_of(network, "links_up");
	char since[VALUE_TEXT_SIZE];

	if (links == 0)
		(void)puts(cli_say(cli, "network: no link is configured",
				   "网络：未配置链路"));
	else if (up > 0)
		(void)printf(
			"%s %lld/%lld; %s %lld\n",
			cli_say(cli, "network: links up", "网络：连通的链路"),
			up, links, cli_say(cli, "sites heard:", "听到的站点："),
			count_of(network, "peers"));
	else if (*member_text(cli, network, "@down_since", since) != '\0')
		(void)printf("%s %s\n",
			     cli_say(cli, "network: no link is up since",
				     "网络：全部链路断开，自"),
			     since);
	else
		(void)printf("%s %lld s\n",
			     cli_say(cli, "network: no link has been up for",
				     "网络：全部链路已断开"),
			     count_of(network, "down_s"));
}

static void backlog_line(const struct cli *cli,
			 const struct json_value *network)
{
	char oldest[VALUE_TEXT_SIZE];

	if (count_of(network, "backlog_entries") == 0)
		return;
	(void)printf("%s %lld",
		     cli_say(cli, "HQ has not yet: entries", "总部尚缺：记录"),
		     count_of(network, "backlog_entries"));
	if (count_of(network, "backlog_deltas") > 0)
		(void)printf(", %s %lld, %s %lld",
			     cli_say(cli, "in deltas", "其中增量"),
			     count_of(network, "backlog_deltas"),
			     cli_say(cli, "of bytes", "字节"),
			     count_of(network, "backlog_bytes"));
	if (*member_text(cli, network, "@oldest_unsent", oldest) != '\0')
		(void)printf(", %s %s", cli_say(cli, "the oldest of", "最早"),
			     oldest);
	(void)putchar('\n');
}

static void hq_line(const struct cli *cli, const struct json_value *network)
{
	char as_of[VALUE_TEXT_SIZE];

	if (json_member(network, "hq_seq") == NULL)
		(void)puts(cli_say(cli,
				   "HQ has not said yet that it holds anything "
				   "of this site",
				   "总部尚未确认持有本站的任何数据"));
	else
		(void)printf("%s %lld%s%s\n",
			     cli_say(cli, "HQ holds for good: up to delta",
				     "总部已持久保存至增量"),
			     count_of(network, "hq_seq"),
			     *member_text(cli, network, "@hq_as_of", as_of) !=
					     '\0'
				     ? ", "
				     : "",
			     as_of);
	backlog_line(cli, network);
}

static void provisional_line(const struct cli *cli,
			     const struct json_value *network)
{
	if (member_true(network, "provisional"))
		(void)puts(cli_say(
			cli,
			"provisional: HQ has to certify what this box began "
			"(depot hq successors)",
			"暂定：总部须认证本机开启的新纪元（depot hq "
			"successors）"));
}

static void spent_line(const struct cli *cli, const struct json_value *network)
{
	if (count_of(network, "links_spent") > 0)
		(void)printf("%s %lld (depot peers)\n",
			     cli_say(cli,
				     "links that have used up their bytes of "
				     "today:",
				     "今日流量已用完的链路："),
			     count_of(network, "links_spent"));
}

void peers_line(const struct cli *cli, const struct json_value *daemon)
{
	const struct json_value *network = json_member(daemon, "network");

	if (network != NULL) { /* else a network of one */
		links_line(cli, network);
		spent_line(cli, network);
		provisional_line(cli, network);
		if (!member_true(network, "hq"))
			hq_line(cli, network);
		if (count_of(network, "stuck") > 0)
			(void)printf("%s %lld (depot peers)\n",
				     cli_say(cli, "feeds that do not come in:",
					     "无法接收的日志流："),
				     count_of(network, "stuck"));
		if (count_of(network, "left_out") > 0)
			(void)printf("%s %lld\n",
				     cli_say(cli,
					     "feeds that are neither told nor "
					     "fetched, there are too many:",
					     "因数量过多而未收发的日志流："),
				     count_of(network, "left_out"));
	}
	if (json_member(daemon, "autonomy_hours") != NULL)
		(void)printf("%s %lld h\n",
			     cli_say(cli,
				     "room, at the rate of the last day, for",
				     "按最近一天的速度，账本还可用"),
			     count_of(daemon, "autonomy_hours"));
}

static bool list_show(const struct cli *cli, const struct json_value *list,
		      const struct column *columns, size_t count,
		      const char *nothing)
{
	struct sheet *sheet = sheet_open(cli, columns, count);
	bool is_well = true;

	for (const struct json_value *row = list_first(list); row != NULL;
	     row = json_next(row)) {
		sheet_add(sheet, row);
		is_well = is_well && !member_true(row, "stale") &&
			  (json_member(row, "up") == NULL ||
			   member_true(row, "up"));
	}
	sheet_show(sheet, nothing);
	return is_well;
}

/* At HQ: who asked to join, when anybody did. */
static void joining_show(const struct cli *cli, const struct json_value *asks)
{
	static const struct column columns[] = {
		{"invitation", "INVITATION", "邀请", true},
		{"tries", "TRIES", "尝试", true},
		{"denied", "WRONG SECRET", "密钥有误", true},
	};

	if (asks == NULL || member_number(asks, "asked", 0) == 0)
		return;
	(void)printf("\n%s %lld, %s %lld, %s %lld, %s %lld\n",
		     cli_say(cli, "asks to join:", "加入申请："),
		     (long long)member_number(asks, "asked", 0),
		     cli_say(cli, "welcomed", "已接纳"),
		     (long long)member_number(asks, "welcomed", 0),
		     cli_say(cli, "refused", "已拒绝"),
		     (long long)member_number(asks, "refused", 0),
		     cli_say(cli, "of strangers", "来路不明"),
		     (long long)member_number(asks, "strangers", 0));
	(void)list_show(cli, json_member(asks, "invitations"), columns,
			ARRAY_LEN(columns), "");
}

/* "forged 3, garbled 1"; nothing where all are 0. @harmless is what honest
 * peers cause, too. */
static void counts_show(const char *what, const struct json_value *counts,
			const char *harmless)
{
	bool has_any = false;

	for (const struct json_value *row = list_first(counts); row != NULL;
	     row = json_next(row)) {
		struct span reason = json_key(row);
		char text[VALUE_TEXT_SIZE];

		text_print(reason, text, sizeof(text));
		if (member_number(counts, text, 0) == 0 ||
		    span_is(reason, harmless))
			continue;
		if (!has_any)
			(void)printf("\n%s", what);
		(void)printf("%s%s %lld", has_any ? ", " : "", text,
			     (long long)member_number(counts, text, 0));
		has_any = true;
	}
	if (has_any)
		(void)putchar('\n');
}

/* What was is over; what goes on is stuck, and a matter of its own. */
static void refused_show(const struct cli *cli,
			 const struct json_value *refused)
{
	static const struct column columns[] = {
		{"name|site", "SITE", "站点", false},
		{"epoch", "EPOCH", "纪元", true},
		{"seq", "DELTA", "增量", true},
		{"why", "WHY", "原因", false},
		{"why_$", "THAT IS", "说明", false},
		{"from", "FROM", "来源", false},
		{"ago_s", "AGO (S)", "多久前（秒）", true},
	};
	const struct json_value *last = json_member(refused, "last");

	counts_show(cli_say(cli, "packs of deltas refused since the start: ",
			    "启动以来拒绝的增量包："),
		    json_member(refused, "packs"), "gap");
	counts_show(cli_say(cli, "frames refused since the start: ",
			    "启动以来拒绝的帧："),
		    json_member(refused, "frames"), "unasked");
	if (list_first(last) != NULL)
		(void)list_show(cli, last, columns, ARRAY_LEN(columns), "");
}

static bool has_budget(const struct json_value *links)
{
	for (const struct json_value *row = list_first(links); row != NULL;
	     row = json_next(row))
		if (json_member(row, "budget") != NULL)
			return true;
	return false;
}

/* A link that is down, or a peer that has not been heard, is worth a look. */
static enum exit_code peers_show(const struct cli *cli,
				 const struct json_value *root)
{
	static const struct column links[] = {
		{"link", "LINK", "链路", false},
		{"running", "RUNNING", "进程", false},
		{"up", "UP", "连通", false},
		{"for_s", "FOR (S)", "持续（秒）", true},
		{"metered", "METERED", "计费", false},
		{"sent", "SENT", "发送字节", true},
		{"received", "RECEIVED", "接收字节", true},
		{"used_today", "USED TODAY", "今日字节", true},
		{"budget", "OF", "上限", true},
		{"spent", "SPENT", "已用完", false},
	};
	const size_t budget_columns = 3; /* where a link has one */
	static const struct column peers[] = {
		{"site", "SITE", "站点", true},
		{"peer", "NAME", "名称", false},
		{"links", "LINKS", "链路", true},
		{"heard_s", "HEARD (S AGO)", "上次听到（秒前）", true},
		{"seq", "HEAD", "最新增量", true},
		{"as_of", "AS OF", "截至", false},
		{"stale", "STALE", "过时", false},
		{"acked", "HAS OF OURS", "已收到本站", true},
		{"backlog_deltas", "LACKS", "尚缺", true},
	};
	static const struct column stuck[] = {
		{"name|site", "SITE", "站点", false},
		{"epoch", "EPOCH", "纪元", true},
		{"first", "FIRST", "起", true},
		{"last", "LAST", "止", true},
		{"why", "WHY", "原因", false},
		{"why_$", "THAT IS", "说明", false},
		{"from", "FROM", "来源", false},
		{"for_s", "FOR (S)", "持续（秒）", true},
	};
	const struct json_value *ranges = json_member(root, "stuck");
	bool is_well;

	if (cli->is_json)
		return EXIT_DONE;
	provisional_line(cli, root);
	is_well = list_show(cli, json_member(root, "links"), links,
			    has_budget(json_member(root, "links"))
				    ? ARRAY_LEN(links)
				    : ARRAY_LEN(links) - budget_columns,
			    cli_say(cli, "no link is configured or was heard",
				    "未配置链路，或尚未连通"));
	(void)putchar('\n');
	is_well &= list_show(cli, json_member(root, "peers"), peers,
			     ARRAY_LEN(peers),
			     cli_say(cli, "no other site was heard yet",
				     "尚未听到其他站点"));
	joining_show(cli, json_member(root, "joining"));
	refused_show(cli, json_member(root, "refused"));
	if (list_first(ranges) == NULL)
		return is_well ? EXIT_DONE : EXIT_LOOK;
	(void)printf("\n%s\n", cli_say(cli, "these deltas do not come in:",
				       "以下增量无法接收："));
	(void)list_show(cli, ranges, stuck, ARRAY_LEN(stuck), "");
	return EXIT_LOOK;
}

static enum exit_code peers_run(struct cli *cli)
{
	struct request request = {.name = "network.peers"};
	bool is_there = false;
	enum exit_code exit = ask_daemon(cli, &is_there);

	if (exit == EXIT_DONE && !is_there)
		exit = cli_refuse(cli, EXIT_AGAIN, &no_daemon, "");
	return exit == EXIT_DONE ? ask_show(cli, &request, peers_show) : exit;
}

const struct verb peers_verbs[] = {
	{
		.name = "peers",
		.usage = "",
		.en = "links and other sites: who has what of ours",
		.zh = "查看链路和其他站点的同步情况",
		.examples = "depot peers\tup or down, and for how long\t"
			    "是否连通及持续时间\n",
		.run = peers_run,
	},
	{.name = NULL},
};
