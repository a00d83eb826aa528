#include "gateway/cli/page.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/cli/qr.h"
#include "gateway/cli/request.h"
#include "gateway/cli/sheet.h"
#include "gateway/edge/replace.h"
#include "store/seal.h"

#define DROP_IN_NAME "20-page.conf"
#define UNIT_FOLDER "/etc/systemd/system/depotd.service.d"
#define UNIT_NAME "20-page.conf"
#define HOST_SIZE 128
#define URL_SIZE 224
#define NAMES_SIZE 200

/* depotd's unit reaches this machine alone; a phone is on the warehouse's own
 * network, never beyond it. As depot-broker.service has it. */
#define UNIT_TEXT                                             \
	"# Written by depot page on.\n"                       \
	"[Service]\n"                                         \
	"IPAddressAllow=link-local 10.0.0.0/8 172.16.0.0/12 " \
	"192.168.0.0/16\n"                                    \
	"IPAddressAllow=fc00::/7\n"

static const struct control_refusal no_daemon = {
	"not_running", "depotd is not running: start it first",
	"depotd 未运行：请先启动"};
static const struct control_refusal needs_account = {
	"usage", "say for whom: --account NAME, one of %s",
	"请指定账户：--account 名称，可选：%s"};
static const struct control_refusal no_account = {
	"unknown_account", "there is no such account; there are: %s",
	"没有该账户；现有账户：%s"};
static const struct control_refusal cannot_write = {
	"io", "the configuration cannot be written: %s", "无法写入配置：%s"};
static const struct control_refusal long_name = {
	"usage", "%s is no name of a device, or no host", "%s 不是有效的名称"};
static const struct control_refusal not_paired = {
	"not_found", "no phone is paired as %s", "没有以 %s 配对的手机"};

/* ---- the configuration ---- */

static enum err_code text_write(const char *folder, const char *name,
				const char *text, struct err *err)
{
	struct replace replace;
	enum err_code code;
	int fd;

	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return err_sys(err, errno, "create %s", folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open %s", folder);
	code = replace_begin(&replace, fd, name, 0644, err);
	if (code == ERR_OK) {
		(void)fputs(text, replace.out);
		code = replace_commit(&replace, true, err);
	}
	(void)close(fd); /* opened for reading */
	return code;
}

static bool has_unit(void)
{
	return geteuid() == 0 && access("/run/systemd/system", F_OK) == 0;
}

/* The unit's answer to the network goes with the page. */
static enum err_code unit_write(bool is_on, struct err *err)
{
	if (!has_unit())
		return ERR_OK;
	if (is_on)
		return text_write(UNIT_FOLDER, UNIT_NAME, UNIT_TEXT, err);
	if (unlink(UNIT_FOLDER "/" UNIT_NAME) < 0 && errno != ENOENT)
		return err_sys(err, errno, "remove the unit's drop-in");
	return ERR_OK;
}

static void settings_say(const struct cli *cli, bool is_on)
{
	const char *then = has_unit() ? "sudo systemctl daemon-reload && sudo "
					"systemctl restart depotd"
				      : "depotd";
	char text[512];
	struct json_out out;

	if (!cli->is_json) {
		(void)printf("%s\n  %s\n",
			     is_on ? cli_say(cli,
					     "the operator page is on after a "
					     "restart:",
					     "重启后操作页面即启用：")
				   : cli_say(cli,
					     "the operator page is off after a "
					     "restart:",
					     "重启后操作页面即停用："),
			     then);
		if (is_on)
			(void)printf("%s\n  sudo depot page pair --account "
				     "%s\n",
				     cli_say(cli, "then, for each phone:",
					     "之后，为每部手机执行："),
				     cli_say(cli, "NAME", "账户"));
		return;
	}
	out_init(&out, text, sizeof(text));
	out_object(&out);
	out_bool_at(&out, "enabled", is_on);
	out_bool_at(&out, "needs_restart", true);
	out_object_end(&out);
	cli_document(out_span(&out));
}

/* In a drop-in of its own: nobody's words are touched. */
static enum exit_code settings_write(struct cli *cli, bool is_on)
{
	const char *address = cli_option(cli, "--address");
	const char *port = cli_option(cli, "--port");
	char folder[CONFIG_PATH_SIZE + 4];
	char text[256];
	struct err err;
	int64_t number;
	enum err_code code;

	if (port != NULL && !cli_number(port, 1, 65535, &number))
		return cli_refuse(cli, EXIT_USAGE, &long_name, port);
	(void)text_format(folder, sizeof(folder), "%s.d", cli->config_path);
	(void)text_format(text, sizeof(text),
			  "# Written by depot page on|off.\n[page]\n"
			  "enabled = %s\n%s%s%s%s%s%s",
			  is_on ? "yes" : "no",
			  address != NULL ? "address = " : "",
			  address != NULL ? address : "",
			  address != NULL ? "\n" : "",
			  port != NULL ? "port = " : "",
			  port != NULL ? port : "", port != NULL ? "\n" : "");
	code = text_write(folder, DROP_IN_NAME, text, &err);
	if (code == ERR_OK)
		code = unit_write(is_on, &err);
	if (code != ERR_OK)
		return cli_refuse(cli, EXIT_FAILED, &cannot_write, err.text);
	settings_say(cli, is_on);
	return EXIT_DONE;
}

static enum exit_code on_run(struct cli *cli)
{
	enum exit_code exit;

	if (cli_config(cli, &exit) == NULL)
		return exit;
	return settings_write(cli, true);
}

static enum exit_code off_run(struct cli *cli)
{
	return settings_write(cli, false);
}

static const struct option_spec on_options[] = {
	{"--address", "ADDRESS",
	 "where it listens; 0.0.0.0, all of the network, if not given",
	 "监听的地址，默认 0.0.0.0"},
	{"--port", "PORT", "8443 if not given", "端口，默认 8443"},
};

/* ---- where it is ---- */

static bool is_for_phones(const struct ifaddrs *at)
{
	return at->ifa_addr != NULL && at->ifa_addr->sa_family == AF_INET &&
	       (at->ifa_flags & IFF_UP) != 0 &&
	       (at->ifa_flags & IFF_LOOPBACK) == 0;
}

/* This machine's first address that a phone could reach. */
static void own_address(char host[HOST_SIZE])
{
	struct ifaddrs *all = NULL;

	(void)text_format(host, HOST_SIZE, "127.0.0.1");
	if (getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next) {
		struct sockaddr_in address;

		if (!is_for_phones(at))
			continue;
		memcpy(&address, at->ifa_addr, sizeof(address));
		(void)inet_ntop(AF_INET, &address.sin_addr, host, HOST_SIZE);
		break;
	}
	freeifaddrs(all);
}

static void host_set(const struct cli *cli, const struct json_value *reply,
		     char host[HOST_SIZE])
{
	const char *given = cli_option(cli, "--host");
	char text[VALUE_TEXT_SIZE];
	const char *address = member_text(cli, reply, "address", text);

	if (given != NULL)
		(void)text_format(host, HOST_SIZE, "%s", given);
	else if (strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0)
		own_address(host);
	else if (strchr(address, ':') != NULL)
		(void)text_format(host, HOST_SIZE, "[%s]", address);
	else
		(void)text_format(host, HOST_SIZE, "%s", address);
}

static void url_set(const struct cli *cli, const struct json_value *reply,
		    char url[URL_SIZE])
{
	char host[HOST_SIZE];
	char code[VALUE_TEXT_SIZE];

	host_set(cli, reply, host);
	(void)member_text(cli, reply, "code", code);
	(void)text_format(url, URL_SIZE, "https://%s:%" PRId64 "/%s%s", host,
			  member_number(reply, "port", 0),
			  code[0] != '\0' ? "#pair=" : "", code);
}

/* A reply's members with the address behind them. */
static void place_document(const struct cli *cli, const struct reply *reply,
			   const char *url)
{
	char text[2048];
	struct json_out out;

	(void)cli;
	out_init(&out, text, sizeof(text));
	out_object(&out);
	out_string_at(&out, "url", url);
	out_key(&out, "page");
	out_raw(&out, reply->text);
	out_object_end(&out);
	cli_document(out_span(&out));
	seal_wipe(text, sizeof(text));
}

static enum exit_code qr_show(struct cli *cli, const char *url)
{
	struct qr qr;
	struct err err;
	enum err_code code = qr_make(span_of(url), &qr, &err);

	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	qr_draw(&qr, isatty(STDOUT_FILENO) ? QR_COLOUR : QR_PLAIN, stdout);
	return EXIT_DONE;
}

/* What a person compares with what the phone shows. */
static void fingerprint_show(const struct cli *cli,
			     const struct json_value *reply)
{
	char text[VALUE_TEXT_SIZE];

	(void)printf(
		"%s\n  %s\n",
		cli_say(cli,
			"the phone asks once whether to trust the box; "
			"its certificate (SHA-256):",
			"手机会询问一次是否信任此盒子，其证书（SHA-256）："),
		member_text(cli, reply, "fingerprint", text));
}

/* ---- pair, show ---- */

/* Pages are the daemon's alone. */
static enum exit_code daemon_check(struct cli *cli)
{
	bool is_there = false;
	enum exit_code exit = ask_daemon(cli, &is_there);

	return exit == EXIT_DONE && !is_there
		       ? cli_refuse(cli, EXIT_AGAIN, &no_daemon, "")
		       : exit;
}

static enum exit_code page_ask(struct request_draft *draft, const char *name,
			       struct reply *ret_reply)
{
	struct request request;
	enum exit_code exit = daemon_check(draft->cli);

	if (exit == EXIT_DONE)
		exit = request_end(draft, name, &request);
	return exit == EXIT_DONE ? ask(draft->cli, &request, ret_reply) : exit;
}

static enum exit_code device_name(struct cli *cli, const char *account,
				  struct name *ret_device)
{
	const char *given = cli_option(cli, "--device");
	char made[NAME_SIZE_MAX + 16];

	(void)text_format(made, sizeof(made), "phone-%s", account);
	if (given == NULL)
		given = made;
	if (!text_is_name(span_of(given)) ||
	    !name_set(ret_device, span_of(given)))
		return cli_refuse(cli, EXIT_USAGE, &long_name, given);
	return EXIT_DONE;
}

/* Behind the one before; cut where there are more than anybody reads. */
static void name_add(char names[NAMES_SIZE], const char *name)
{
	size_t used = strlen(names);

	(void)text_format(names + used, NAMES_SIZE - used, "%s%s",
			  used > 0 ? ", " : "", name);
}

struct account_choice {
	const char *given; /* NULL: none */
	char only[VALUE_TEXT_SIZE];
	char names[NAMES_SIZE];
	size_t count;
	bool is_there; /* the one that was given */
};

static enum exit_code accounts_look(struct cli *cli,
				    struct account_choice *choice)
{
	struct request_draft draft;
	struct request request;
	struct reply reply;
	enum exit_code exit;

	request_begin(&draft, cli);
	exit = request_end(&draft, "account.list", &request);
	if (exit == EXIT_DONE)
		exit = ask(cli, &request, &reply);
	if (exit != EXIT_DONE)
		return exit;
	for (const struct json_value *row = list_first(reply_list(reply.root));
	     row != NULL; row = json_next(row)) {
		if (member_true(row, "revoked"))
			continue;
		(void)member_text(cli, row, "account", choice->only);
		choice->is_there |= choice->given != NULL &&
				    strcmp(choice->only, choice->given) == 0;
		name_add(choice->names, choice->only);
		choice->count++;
	}
	reply_release(&reply);
	return EXIT_DONE;
}

/* The one that was named, else the only one. Before anything is made for it. */
static enum exit_code account_choose(struct cli *cli,
				     struct account_choice *choice)
{
	enum exit_code exit;

	choice->given = cli_option(cli, "--account");
	exit = accounts_look(cli, choice);
	if (exit != EXIT_DONE)
		return exit;
	if (choice->given != NULL && !choice->is_there)
		return cli_refuse(cli, EXIT_NOT_FOUND, &no_account,
				  choice->names);
	if (choice->given == NULL && choice->count != 1)
		return cli_refuse(cli, EXIT_USAGE, &needs_account,
				  choice->names);
	if (choice->given == NULL)
		choice->given = choice->only;
	return EXIT_DONE;
}

/* Refused, if the page is off: before anything is made for it. */
static enum exit_code page_check(struct cli *cli)
{
	struct request_draft draft;
	struct reply reply;
	enum exit_code exit;

	request_begin(&draft, cli);
	exit = page_ask(&draft, "page.show", &reply);
	if (exit == EXIT_DONE)
		reply_release(&reply);
	return exit;
}

/* A phone that nobody has registered yet. The same again posts nothing. */
static enum exit_code device_set(struct cli *cli, struct span device)
{
	struct request_draft draft;
	struct request request;
	struct reply reply;
	enum exit_code exit;

	request_begin(&draft, cli);
	out_text_at(&draft.out, "device", device);
	request_text(&draft, "kind", "scanner");
	exit = request_end(&draft, "device.set", &request);
	if (exit == EXIT_DONE)
		exit = ask(cli, &request, &reply);
	if (exit == EXIT_DONE)
		reply_release(&reply);
	return exit;
}

static enum exit_code pair_show(struct cli *cli, const struct reply *reply)
{
	char url[URL_SIZE];
	char device[VALUE_TEXT_SIZE];
	enum exit_code exit = EXIT_DONE;

	url_set(cli, reply->root, url);
	if (cli->is_json) {
		place_document(cli, reply, url);
	} else {
		exit = qr_show(cli, url);
		(void)printf(
			"%s %s\n  %s\n",
			cli_say(cli,
				"scan it with the phone within ten "
				"minutes; it will be device",
				"请在十分钟内用手机扫描；该手机将作为设备"),
			member_text(cli, reply->root, "device", device), url);
		fingerprint_show(cli, reply->root);
	}
	seal_wipe(url, sizeof(url));
	return exit;
}

static enum exit_code pair_run(struct cli *cli)
{
	struct account_choice choice = {.count = 0};
	struct request_draft draft;
	struct reply reply;
	struct name device;
	enum exit_code exit = page_check(cli);

	if (exit == EXIT_DONE)
		exit = account_choose(cli, &choice);
	if (exit == EXIT_DONE)
		exit = device_name(cli, choice.given, &device);
	if (exit == EXIT_DONE)
		exit = device_set(cli, name_span(&device));
	if (exit != EXIT_DONE)
		return exit;
	request_begin(&draft, cli);
	request_text(&draft, "account", choice.given);
	out_text_at(&draft.out, "device", name_span(&device));
	exit = page_ask(&draft, "page.pair", &reply);
	if (exit != EXIT_DONE)
		return exit;
	exit = pair_show(cli, &reply);
	reply_release(&reply);
	return exit;
}

static enum exit_code show_run(struct cli *cli)
{
	struct request_draft draft;
	struct reply reply;
	char url[URL_SIZE];
	enum exit_code exit;

	request_begin(&draft, cli);
	exit = page_ask(&draft, "page.show", &reply);
	if (exit != EXIT_DONE)
		return exit;
	url_set(cli, reply.root, url);
	if (cli->is_json) {
		place_document(cli, &reply, url);
	} else {
		exit = qr_show(cli, url);
		(void)printf("%s\n", url);
		fingerprint_show(cli, reply.root);
		(void)printf("%s %" PRId64 "\n",
			     cli_say(cli, "phones paired:", "已配对手机："),
			     member_number(reply.root, "phones", 0));
	}
	reply_release(&reply);
	return exit;
}

static const struct option_spec pair_options[] = {
	{"--account", "NAME", "for whom; not needed where there is but one",
	 "所属账户；只有一个账户时可省略"},
	{"--device", "NAME",
	 "the device that it will be; phone-ACCOUNT if not "
	 "given",
	 "作为的设备名，默认 phone-账户"},
	{"--host", "HOST", "this box as the phone finds it",
	 "手机访问本机所用的地址"},
};
static const struct option_spec show_options[] = {
	{"--host", "HOST", "this box as the phone finds it",
	 "手机访问本机所用的地址"},
};

/* ---- list, revoke ---- */

static enum exit_code list_run(struct cli *cli)
{
	static const struct column columns[] = {
		{"device", "DEVICE", "设备", false},
		{"account", "ACCOUNT", "账户", false},
		{"since", "SINCE", "配对时间", false},
	};
	static const struct listing phones = {columns, ARRAY_LEN(columns),
					      "no phones", "没有手机", false};
	struct request_draft draft;
	enum exit_code exit = daemon_check(cli);

	request_begin(&draft, cli);
	return exit == EXIT_DONE ? request_list(&draft, "page.list", &phones)
				 : exit;
}

static enum exit_code revoke_run(struct cli *cli)
{
	struct request_draft draft;
	struct reply reply;
	enum exit_code exit;

	request_begin(&draft, cli);
	request_text(&draft, "device", cli->words[0]);
	exit = page_ask(&draft, "page.revoke", &reply);
	return exit == EXIT_DONE ? show_removed(cli, &reply, &not_paired)
				 : exit;
}

/* ---- the verbs ---- */

const struct verb page_verbs[] = {
	{
		.name = "page on",
		.usage = "[--address ADDRESS] [--port PORT]",
		.en = "serves the operator page to phones",
		.zh = "为手机提供操作页面",
		.examples = "depot page on\t"
			    "to the warehouse's own network\t仓库内网可用\n"
			    "depot page on --address 127.0.0.1\t"
			    "to this machine alone\t仅限本机\n",
		CLI_OPTIONS(on_options),
		.run = on_run,
	},
	{
		.name = "page off",
		.usage = "",
		.en = "serves the operator page no longer",
		.zh = "停用操作页面",
		.examples = "depot page off\tat the next start\t"
			    "下次启动时停用\n",
		.run = off_run,
	},
	{
		.name = "page pair",
		.usage = "[--account NAME] [--device NAME] [--host HOST]",
		.en = "lets a phone scan: a code that is good once",
		.zh = "配对手机：显示一次性二维码",
		.examples = "depot page pair --account li\t"
			    "li's phone becomes device phone-li\t"
			    "li 的手机成为设备 phone-li\n"
			    "depot page pair --account li --device dock-2\t"
			    "a tablet at the dock\t月台上的平板\n",
		CLI_OPTIONS(pair_options),
		.run = pair_run,
	},
	{
		.name = "page show",
		.usage = "[--host HOST]",
		.en = "where the operator page is, and its fingerprint",
		.zh = "操作页面的地址和证书指纹",
		.examples = "depot page show\twith a code for the camera\t"
			    "附二维码\n",
		CLI_OPTIONS(show_options),
		.run = show_run,
	},
	{
		.name = "page list",
		.usage = "",
		.en = "the phones that are paired",
		.zh = "列出已配对的手机",
		.examples = "depot page list\tall of them\t全部手机\n",
		.run = list_run,
	},
	{
		.name = "page revoke",
		.usage = "DEVICE",
		.en = "ends a phone's pairing",
		.zh = "解除手机配对",
		.examples = "depot page revoke phone-li\tit was lost\t"
			    "手机丢失\n",
		.words_min = 1,
		.words_max = 1,
		.run = revoke_run,
	},
	{.name = NULL},
};
