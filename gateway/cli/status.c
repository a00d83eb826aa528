#include "gateway/cli/status.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/cli/peers.h"
#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"
#include "gateway/core/view.h"
#include "gateway/edge/control_request.h"

#define TEXT_SIZE (2 * REPLY_SIZE_MAX)

/* The answers that a status is made of, in one document. */
struct whole {
	struct cli *cli;
	struct json_out out;
	char text[TEXT_SIZE];
	bool is_running;
	size_t bad; /* what somebody should look at */
};

/* ---- gathering ---- */

/* True if an alert of that code is in the list: its line says more. */
static bool has_alert(const struct json_value *alerts, struct span code)
{
	struct span text;
	struct fault fault;

	for (const struct json_value *row = list_first(alerts); row != NULL;
	     row = json_next(row))
		if (json_text(row, "code", &text, &fault) == ERR_OK &&
		    span_equal(text, code))
			return true;
	return false;
}

/* A word of the daemon's health, in the form and words of an alert. */
static void health_out(struct whole *whole, struct span code)
{
	struct entry entry;
	struct pos none = {0};

	entry_init(&entry, ENTRY_ALERT);
	entry.body.alert.severity = SEVERITY_WARNING;
	if (!reason_set(&entry.body.alert.code, code) ||
	    !ref_set(&entry.body.alert.id, code))
		return;
	view_alert_print(&entry, none, &whole->out);
	whole->bad++;
}

static void problems_out(struct whole *whole, const struct json_value *daemon,
			 const struct reply *alerts)
{
	const struct json_value *list = reply_list(alerts->root);
	const struct json_value *health =
		daemon == NULL ? NULL : json_member(daemon, "health");
	struct span code;
	struct fault fault;

	out_array_at(&whole->out, "problems");
	for (const struct json_value *row = list_first(list); row != NULL;
	     row = json_next(row)) {
		out_raw(&whole->out, control_value_raw(row, alerts->text));
		whole->bad++;
	}
	for (const struct json_value *row = health == NULL ? NULL
							   : list_first(health);
	     row != NULL; row = json_next(row))
		if (json_to_text(row, &code, &fault) == ERR_OK &&
		    !has_alert(list, code))
			health_out(whole, code);
	out_array_end(&whole->out);
}

/* The members of status.show, as they came. */
static void members_out(struct whole *whole, const struct reply *status)
{
	for (const struct json_value *row = list_first(status->root);
	     row != NULL; row = json_next(row)) {
		char key[32];
		struct json_range any = {INT64_MIN, INT64_MAX};
		struct span text;
		struct fault fault;
		int64_t number;

		text_print(json_key(row), key, sizeof(key));
		out_key(&whole->out, key);
		if (json_kind(row) == JSON_OBJECT)
			out_raw(&whole->out,
				control_value_raw(row, status->text));
		else if (json_to_text(row, &text, &fault) == ERR_OK)
			out_text(&whole->out, text);
		else if (json_to_int(row, any, &number, &fault) == ERR_OK)
			out_int(&whole->out, number);
		else
			out_null(&whole->out);
	}
	if (!whole->is_running)
		out_null_at(&whole->out, "daemon");
}

/* At HQ: the epochs that boxes began, and for which people have to speak. */
static enum exit_code successors_out(struct whole *whole,
				     const struct json_value *daemon)
{
	struct request request = {.name = "hq.successors"};
	const struct json_value *network =
		daemon == NULL ? NULL : json_member(daemon, "network");
	struct reply reply;
	enum exit_code exit;
	int64_t waiting = 0;

	if (network == NULL || !member_true(network, "hq"))
		return EXIT_DONE;
	exit = ask(whole->cli, &request, &reply);
	if (exit != EXIT_DONE)
		return exit;
	for (const struct json_value *row = list_first(reply_list(reply.root));
	     row != NULL; row = json_next(row)) {
		struct span text;
		struct fault fault;

		waiting +=
			json_text(row, "standing", &text, &fault) == ERR_OK &&
			span_is(text, "provisional");
	}
	reply_release(&reply);
	if (waiting > 0) {
		out_int_at(&whole->out, "to_certify", waiting);
		whole->bad++;
	}
	return EXIT_DONE;
}

static enum exit_code gather(struct whole *whole)
{
	struct request ask_status = {.name = "status.show"};
	struct request ask_alerts = {.name = "alert.list"};
	struct cli *cli = whole->cli;
	const struct json_value *daemon;
	struct reply status;
	struct reply alerts;
	enum exit_code exit = ask(cli, &ask_status, &status);

	if (exit != EXIT_DONE)
		return exit;
	daemon = json_member(status.root, "daemon");
	whole->is_running = daemon != NULL;
	out_init(&whole->out, whole->text, sizeof(whole->text));
	out_object(&whole->out);
	members_out(whole, &status);
	exit = ask(cli, &ask_alerts, &alerts);
	if (exit == EXIT_DONE) {
		problems_out(whole, daemon, &alerts);
		reply_release(&alerts);
	}
	if (exit == EXIT_DONE)
		exit = successors_out(whole, daemon);
	reply_release(&status);
	out_string_at(&whole->out, "verdict",
		      !whole->is_running ? "stopped"
		      : whole->bad > 0   ? "look"
					 : "ok");
	out_object_end(&whole->out);
	return exit;
}

/* ---- showing ---- */

static const struct column facts[] = {
	{"head", "journal at", "日志位置", false},
	{"changed_at", "last entry", "最后记录", false},
	{"items", "items", "商品", false},
	{"bins", "bins", "库位", false},
	{"devices", "devices", "设备", false},
	{"sessions", "scanning", "正在扫描", false},
	{"tasks", "open tasks", "未完成任务", false},
	{"to_certify", "new epochs to certify (depot hq successors)",
	 "待认证的新纪元（depot hq successors）", false},
	{"parked", "parked", "待处理", false},
	{"daemon.broker", "broker", "消息代理", false},
	{"daemon.keeper.state", "ledger", "账本", false},
	{"daemon.keeper.readings", "readings since start", "启动以来读数",
	 false},
	{"daemon.ring.fill", "readings waiting", "等待中的读数", false},
	{"daemon.uptime_s", "seconds up", "运行秒数", false},
	{"daemon.version", "version", "版本", false},
};

static void verdict_print(const struct whole *whole,
			  const struct json_value *root)
{
	const struct cli *cli = whole->cli;
	char site[VALUE_TEXT_SIZE];

	(void)member_text(cli, root, "site", site);
	if (!whole->is_running)
		(void)printf(
			"%s: %s\n", site,
			cli_say(cli,
				"depotd is not running; the ledger is here "
				"and can be read\n  next: systemctl start "
				"depotd",
				"depotd 未运行；账本可读\n  处理：systemctl "
				"start depotd"));
	else if (json_member(root, "closed_at") != NULL)
		(void)printf("%s: %s\n", site,
			     cli_say(cli,
				     "closed, nothing is booked here any more "
				     "(depot close tells what is left to do)",
				     "仓库已关闭，不再记账（depot close "
				     "显示后续步骤）"));
	else if (whole->bad > 0)
		(void)printf("%s: %s\n", site,
			     cli_say(cli, "works, but look",
				     "运行中，但需查看"));
	else
		(void)printf("%s: %s\n", site, cli_say(cli, "well", "正常"));
}

static void problem_print(const struct cli *cli, const struct json_value *row)
{
	char texts[3][VALUE_TEXT_SIZE];
	const char *since =
		member_text(cli, row, "@since|clock_time", texts[0]);

	(void)printf("- %s%s%s%s\n  %s %s\n",
		     since[0] == '\0' ? "" : cli_say(cli, "since ", "自 "),
		     since, since[0] == '\0' ? "" : ": ",
		     member_text(cli, row, "text_$", texts[1]),
		     cli_say(cli, "next:", "处理："),
		     member_text(cli, row, "next_$", texts[2]));
}

static enum exit_code whole_show(const struct whole *whole)
{
	struct cli *cli = whole->cli;
	const struct json_value *daemon;
	struct reply reply;
	enum exit_code exit;

	if (!out_ok(&whole->out))
		return cli_failed(cli, ERR_OVERFLOW, NULL);
	if (cli->is_json) {
		cli_document(out_span(&whole->out));
	} else {
		exit = reply_take(cli, out_span(&whole->out), &reply);
		if (exit != EXIT_DONE)
			return exit;
		verdict_print(whole, reply.root);
		daemon = json_member(reply.root, "daemon");
		if (whole->is_running)
			peers_line(cli, daemon);
		for (const struct json_value *row =
			     list_first(json_member(reply.root, "problems"));
		     row != NULL; row = json_next(row))
			problem_print(cli, row);
		record_show(cli, reply.root, facts, ARRAY_LEN(facts));
		reply_release(&reply);
	}
	return whole->is_running && whole->bad == 0 ? EXIT_DONE : EXIT_LOOK;
}

static enum exit_code status_run(struct cli *cli)
{
	struct whole *whole = calloc(1, sizeof(*whole));
	enum exit_code exit;

	if (whole == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	whole->cli = cli;
	exit = gather(whole);
	if (exit == EXIT_DONE)
		exit = whole_show(whole);
	free(whole);
	return exit;
}

const struct verb status_verbs[] = {
	{
		.name = "status",
		.usage = "",
		.en = "how the box is, verdict first",
		.zh = "本机状态，先给结论",
		.examples = "depot status\texit status 3 if somebody should "
			    "look\t需要查看时退出码为 3\n",
		.run = status_run,
	},
	{.name = NULL},
};
