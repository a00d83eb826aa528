/*
 * What whoever typed depot join is told.
 */
#include "gateway/cli/join_over_parts.h"

#include "gateway/cli/port_taken.h"
#include "gateway/cli/sheet.h"

static void fact(const struct cli *cli, const char *en, const char *zh,
		 const char *value)
{
	(void)printf("%s: %s\n", cli_say(cli, en, zh), value);
}

static void document_make(const struct over *over, const char *stage,
			  struct json_out *out)
{
	const struct join_state *state = &over->finding->state;
	const struct commission *commission = &over->commission;

	out_object(out);
	out_string_at(out, "stage", stage);
	out_int_at(out, "invitation", state->code.number);
	out_int_at(out, "tries", state->tries);
	out_string_at(out, "link", state->uri);
	out_string_at(out, "path", over->path);
	if (state->frame_size > 0) {
		out_text_at(out, "org", name_span(&state->answer.org));
		out_text_at(out, "name", name_span(&state->answer.name));
		out_int_at(out, "site", state->answer.site);
		out_int_at(out, "epoch", state->answer.epoch);
	}
	if (commission->account.size > 0)
		out_text_at(out, "account", name_span(&commission->account));
	if (commission->config_path[0] != '\0')
		out_string_at(out, "config", commission->config_path);
	if (over->why.text[0] != '\0')
		out_string_at(out, "waiting", over->why.text);
	out_object_end(out);
}

/* What to type next; the daemon that runs takes it over by itself. */
static void next_tell(const struct over *over, bool is_running)
{
	const struct cli *cli = over->cli;

	if (is_running && over->finding->state.frame_size == 0)
		return; /* it works, and asks */
	if (is_running) {
		(void)puts(cli_say(cli,
				   "depotd takes it over by itself, within "
				   "seconds",
				   "depotd 会在数秒内自动接管"));
		return;
	}
	if (cli_option(cli, "--start") != NULL)
		return; /* that comes by itself */
	(void)puts(cli_say(cli, "\nnext", "\n下一步"));
	/* The broker of a box that has worked before may be its own. */
	if (!over->finding->has_store)
		port_taken_tell(cli, over->commission.config);
	(void)puts(cli_say(
		cli,
		"  sudo systemctl enable --now depotd depot-link@hq   "
		"the box works\n"
		"  sudo depot label op --out labels       sheets to "
		"scan\n"
		"  sudo depot label bin --out bins        sheets of "
		"bins",
		"  sudo systemctl enable --now depotd depot-link@hq   "
		"启动，即可作业\n"
		"  sudo depot label op --out labels       打印操作标签\n"
		"  sudo depot label bin --out bins        "
		"打印库位标签"));
}

void over_show(const struct over *over, const char *stage, bool is_running)
{
	const struct join_state *state = &over->finding->state;
	const struct cli *cli = over->cli;
	char text[2048];
	char name[2 * NAME_SIZE_MAX + 8];
	struct json_out out;

	if (cli->is_json) {
		out_init(&out, text, sizeof(text));
		document_make(over, stage, &out);
		cli_document(out_span(&out));
		return;
	}
	if (state->frame_size > 0) {
		(void)text_format(name, sizeof(name), "%.*s/%.*s",
				  (int)state->answer.org.size,
				  state->answer.org.data,
				  (int)state->answer.name.size,
				  state->answer.name.data);
		fact(cli, "welcome to the network; this box is",
		     "欢迎加入网络，本机为", name);
	} else {
		if (cli->is_chinese)
			join_silence_zh(over->finding->silence, state->uri,
					text, sizeof(text));
		else
			(void)text_format(text, sizeof(text), "%s",
					  over->why.text);
		fact(cli, "HQ has not answered yet", "总部尚未答复", text);
		(void)puts(cli_say(
			cli,
			"the box books already; depot join asks again, and so "
			"does the box by itself",
			"本机已可入账；可运行 depot join "
			"再次申请，本机也会自动重试"));
	}
	fact(cli, "ledger", "账本", over->path);
	if (over->commission.config_path[0] != '\0')
		fact(cli, "configuration written", "已写入配置",
		     over->commission.config_path);
	next_tell(over, is_running);
}
