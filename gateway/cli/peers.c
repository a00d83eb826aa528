/*
 * depot peers
 */
#include "gateway/cli/peers.h"

#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"

static const struct control_refusal no_daemon = {
	"not_running", "depotd is not running: start it first",
	"depotd 未运行：请先启动"};

void peers_line(const struct cli *cli, const struct json_value *network)
{
	long long links;
	long long up;
	long long backlog;

	if (network == NULL)
		return; /* a network of one */
	links = member_number(network, "links", 0);
	up = member_number(network, "links_up", 0);
	backlog = member_number(network, "backlog_deltas", 0);
	if (links == 0)
		(void)puts(cli_say(cli, "network: no link is configured",
				   "网络：未配置链路"));
	else if (up < links)
		(void)printf(
			"%s %lld/%lld, %s %lld s; %s %lld\n",
			cli_say(cli, "network: links up", "网络：连通的链路"),
			up, links, cli_say(cli, "one down for", "最长断开"),
			(long long)member_number(network, "down_s", 0),
			cli_say(cli, "deltas that wait:", "待发送增量："),
			backlog);
	else
		(void)printf("%s %lld; %s %lld\n",
			     cli_say(cli, "network: all links up; sites heard:",
				     "网络：链路全部连通；听到的站点："),
			     (long long)member_number(network, "peers", 0),
			     cli_say(cli, "deltas that wait:", "待发送增量："),
			     backlog);
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

/* A link that is down, or a peer that has not been heard, is worth a look. */
static enum exit_code peers_show(const struct cli *cli,
				 const struct json_value *root)
{
	static const struct column links[] = {
		{"link", "LINK", "链路", false},
		{"up", "UP", "连通", false},
		{"for_s", "FOR (S)", "持续（秒）", true},
		{"metered", "METERED", "计费", false},
		{"sent", "SENT", "发送字节", true},
		{"received", "RECEIVED", "接收字节", true},
	};
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
	bool is_well;

	if (cli->is_json)
		return EXIT_DONE;
	is_well = list_show(cli, json_member(root, "links"), links,
			    ARRAY_LEN(links),
			    cli_say(cli, "no link is configured or was heard",
				    "未配置链路，或尚未连通"));
	(void)putchar('\n');
	is_well &= list_show(cli, json_member(root, "peers"), peers,
			     ARRAY_LEN(peers),
			     cli_say(cli, "no other site was heard yet",
				     "尚未听到其他站点"));
	return is_well ? EXIT_DONE : EXIT_LOOK;
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
