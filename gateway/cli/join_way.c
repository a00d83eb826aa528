/*
 * Where HQ's broker is, and what it wants.
 */
#include "gateway/cli/join_over_parts.h"

#include <string.h>
#include <unistd.h>

#define LINK_PROGRAM "depot-link"
#define WAIT_S 20
#define WAIT_S_MAX 86400

_Static_assert(JOIN_URI_SIZE == CONFIG_URI_SIZE, "a link's uri fits");

static const struct control_refusal bad_link = {
	"usage", "%s is neither HOST:PORT nor ssl://HOST:PORT",
	"%s 既不是“主机:端口”，也不是 ssl://主机:端口"};
static const struct control_refusal bad_wait = {
	"usage", "%s is no number of seconds from 0 to 86400",
	"%s 不是 0 到 86400 之间的秒数"};

static bool uri_take(struct over *over, const char *text)
{
	struct join_code probe = {.number = 1};

	if (strstr(text, "://") != NULL)
		return text_format(over->uri_text, sizeof(over->uri_text), "%s",
				   text);
	return strchr(text, ':') != NULL &&
	       join_host_set(&probe.host, span_of(text)) &&
	       join_uri_of(&probe, over->uri_text);
}

enum exit_code over_uri_find(struct over *over)
{
	const char *given = cli_option(over->cli, "--link");
	const struct config *config = over->commission.config;

	if (given != NULL && !uri_take(over, given))
		return cli_refuse(over->cli, EXIT_USAGE, &bad_link, given);
	if (given == NULL && over->code != NULL && over->code->host.size > 0 &&
	    !join_uri_of(over->code, over->uri_text))
		return cli_refuse(over->cli, EXIT_USAGE, &bad_link, "");
	over->is_said = over->uri_text[0] != '\0';
	if (!over->is_said && config != NULL && config->link_count > 0)
		(void)text_format(over->uri_text, sizeof(over->uri_text), "%s",
				  config->links[0].uri);
	if (over->uri_text[0] != '\0')
		over->uri = over->uri_text;
	return EXIT_DONE;
}

static const struct config_link *configured(const struct over *over)
{
	const struct config *config = over->commission.config;

	for (size_t i = 0; config != NULL && i < config->link_count; i++)
		if (strcmp(config->links[i].uri, over->finding->state.uri) == 0)
			return &config->links[i];
	return NULL;
}

static void option_add(struct over *over, const char *name, const char *value)
{
	size_t used = strlen(over->options);

	if (value != NULL && value[0] != '\0')
		(void)text_format(over->options + used,
				  sizeof(over->options) - used, "%s = %s\n",
				  name, value);
}

void over_options_find(struct over *over)
{
	const struct cli *cli = over->cli;
	const struct config_link *link = configured(over);

	over->options[0] = '\0';
	option_add(over, "user",
		   link != NULL ? link->user : cli_option(cli, "--user"));
	option_add(over, "password_file",
		   link != NULL ? link->password_file
				: cli_option(cli, "--password-file"));
	option_add(over, "ca_file",
		   link != NULL ? link->ca_file : cli_option(cli, "--ca-file"));
	if (link == NULL)
		return;
	option_add(over, "cert_file", link->cert_file);
	option_add(over, "key_file", link->key_file);
}

enum exit_code over_wait_find(struct over *over)
{
	const char *given = cli_option(over->cli, "--wait");

	over->wait_s = WAIT_S;
	if (given != NULL && !cli_number(given, 0, WAIT_S_MAX, &over->wait_s))
		return cli_refuse(over->cli, EXIT_USAGE, &bad_wait, given);
	return EXIT_DONE;
}

void over_program_find(struct over *over)
{
	char own[FILE_PATH_SIZE - sizeof("/../sbin/" LINK_PROGRAM)];
	ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
	char *slash;

	own[size > 0 ? size : 0] = '\0';
	slash = strrchr(own, '/');
	if (slash != NULL)
		*slash = '\0';
	(void)text_format(over->program, sizeof(over->program),
			  "%s/" LINK_PROGRAM, own);
	if (access(over->program, X_OK) != 0)
		(void)text_format(over->program, sizeof(over->program),
				  "%s/../sbin/" LINK_PROGRAM, own);
}

void over_link_lines(struct over *over)
{
	if (configured(over) != NULL)
		return;
	over_options_find(over);
	if (text_format(over->link, sizeof(over->link), "uri = %s\n%s",
			over->finding->state.uri, over->options))
		over->commission.link = over->link;
}
