#include "gateway/edge/broker_files.h"

#include <inttypes.h>

/* ---- broker.conf ---- */

static void listener_write(FILE *out, const struct broker_config *config,
			   uint16_t port)
{
	(void)fprintf(out,
		      "listener %u %s\n"
		      "max_connections 2000\n",
		      port, config->address);
	/* With it a client that has no account cannot connect at all. */
	if (!config->is_anonymous)
		(void)fputs("use_username_as_clientid true\n", out);
}

void broker_conf_write(FILE *out, const struct broker_config *config,
		       const char *user)
{
	(void)fprintf(out,
		      "# Written by depotd. Changes here are lost; see "
		      "depot.conf(5).\n"
		      "per_listener_settings false\n"
		      "allow_anonymous %s\n"
		      "password_file %s/" BROKER_PASSWD_NAME "\n"
		      "acl_file %s/" BROKER_ACL_NAME "\n"
		      "pid_file %s/" BROKER_PID_NAME "\n",
		      config->is_anonymous ? "true" : "false", config->dir,
		      config->dir, config->dir);
	if (user != NULL)
		(void)fprintf(out, "user %s\n", user);
	/* No persistent_client_expiration: with it every session that is away
	 * is on the list of broker_own.h, also those that need not be. */
	(void)fprintf(out,
		      "persistence false\n"
		      "max_inflight_messages 1000\n"
		      "max_queued_messages 100000\n"
		      "max_packet_size 65536\n"
		      "memory_limit %" PRIu64 "\n"
		      "set_tcp_nodelay true\n"
		      "log_dest stderr\n"
		      "log_type error\n"
		      "log_type warning\n"
		      "log_type notice\n"
		      "log_timestamp_format %%Y-%%m-%%dT%%H:%%M:%%S\n",
		      config->memory_limit);
	/* The plain one first: with a WebSocket listener alone mosquitto
	 * does not start. */
	listener_write(out, config, config->port);
	if (config->websocket_port != 0) {
		listener_write(out, config, config->websocket_port);
		(void)fputs("protocol websockets\n", out);
	}
	if (config->tls_port != 0) {
		listener_write(out, config, config->tls_port);
		(void)fprintf(out,
			      "certfile %s/" BROKER_CERT_NAME "\n"
			      "keyfile %s/" BROKER_KEY_NAME "\n",
			      config->dir, config->dir);
	}
}

/* ---- broker.acl ---- */

struct right {
	const char *access; /* "read" or "write" */
	/* %S: depot/v1/ORG/SITE; %A: any site of the organisation, so that a
	 * dashboard is the same at a site and at HQ; %O: depot/v1/ORG; %u: the
	 * account; %i: the supplier. */
	const char *topic;
};

#define RIGHTS_MAX 16
#define LOOK                                                       \
	{"read", "%A/status"}, {"read", "%A/stock/+"},             \
		{"read", "%A/snapshot/+"}, {"read", "%A/changes"}, \
		{"read", "%A/plan/#"}, {"read", "%A/task/+"},      \
		{"read", "%A/alert/+"},                            \
	{                                                          \
		"read", "%O/network/#"                             \
	}
#define COMMAND                       \
	{"write", "%S/cmd/%u/#"},     \
	{                             \
		"read", "%S/res/%u/#" \
	}

static const struct right rights[BROKER_ROLES][RIGHTS_MAX] = {
	[BROKER_DEVICE] = {{"write", "%S/scan/%u"},
			   {"write", "%S/shelf/%u"},
			   {"write", "%S/rfid/%u"},
			   {"write", "%S/task/+/claim/%u"},
			   {"write", "%S/task/+/done/%u"},
			   {"read", "%S/ack/%u"},
			   {"read", "%S/task/+"}},
	[BROKER_DASHBOARD] = {LOOK},
	[BROKER_PERSON] = {LOOK,
			   {"read", "%A/po/+"},
			   {"read", "%A/notice/+"},
			   {"write", "%S/task/+/claim/%u"},
			   {"write", "%S/task/+/done/%u"},
			   COMMAND},
	[BROKER_ERP] = {LOOK,
			{"read", "%A/po/+"},
			{"read", "%A/notice/+"},
			{"write", "%S/order/%u"},
			COMMAND},
	[BROKER_SHOP] = {{"read", "%A/status"},
			 {"read", "%A/stock/+"},
			 {"read", "%A/snapshot/+"},
			 {"read", "%A/changes"},
			 {"read", "%A/notice/+"},
			 {"write", "%S/order/%u"},
			 COMMAND},
	[BROKER_SUPPLIER] = {{"write", "%S/supplier/%i/confirm"},
			     {"write", "%S/supplier/%i/asn"},
			     {"write", "%S/supplier/%i/invoice"},
			     {"write", "%S/supplier/%i/quote"},
			     {"read", "%S/res/%u/#"}},
};

/* Those who have no account, at a demonstration: all that devices do, for any
 * device, and to look at everything. */
static const struct right open_rights[] = {
	{"write", "%S/scan/+"},        {"write", "%S/shelf/+"},
	{"write", "%S/rfid/+"},        {"write", "%S/task/+/claim/+"},
	{"write", "%S/task/+/done/+"}, {"read", "%S/#"},
	{"read", "%O/network/#"},
};

static void part_write(FILE *out, const struct broker_config *config,
		       const struct broker_account *account, char part)
{
	if (part == 'O')
		(void)fprintf(out, "depot/v1/%s", config->org);
	else if (part == 'A')
		(void)fprintf(out, "depot/v1/%s/+", config->org);
	else if (part == 'S')
		(void)fprintf(out, "depot/v1/%s/%s", config->org, config->site);
	else if (part == 'u')
		(void)fprintf(out, "%.*s", (int)account->name.size,
			      account->name.data);
	else if (part == 'i')
		(void)fprintf(out, "%.*s", (int)account->supplier.size,
			      account->supplier.data);
	else
		ASSERT(part == 'O');
}

static void right_write(FILE *out, const struct broker_config *config,
			const struct broker_account *account,
			const struct right *right)
{
	(void)fprintf(out, "topic %s ", right->access);
	for (const char *at = right->topic; *at != '\0'; at++) {
		if (*at == '%')
			part_write(out, config, account, *++at);
		else
			(void)fputc(*at, out);
	}
	(void)fputc('\n', out);
}

void broker_acl_begin(FILE *out, const struct broker_config *config)
{
	(void)fputs("# Written by depotd. Changes here are lost.\n", out);
	/* What stands before the first user is for those without account. */
	for (size_t i = 0; config->is_anonymous && i < ARRAY_LEN(open_rights);
	     i++)
		right_write(out, config, NULL, &open_rights[i]);
	/* HQ's daemon speaks for other sites too, from their feeds. */
	(void)fprintf(out,
		      "\nuser " BROKER_USER "\n"
		      "topic readwrite depot/v1/%s/#\n"
		      "topic read $SYS/broker/#\n",
		      config->org);
	if (config->former != NULL && config->former[0] != '\0')
		(void)fprintf(out, "topic readwrite %s#\n", config->former);
}

void broker_acl_add(FILE *out, const struct broker_config *config,
		    const struct broker_account *account)
{
	const struct right *right = rights[account->role];

	(void)fprintf(out, "\nuser %.*s\n", (int)account->name.size,
		      account->name.data);
	for (size_t i = 0; i < RIGHTS_MAX && right[i].access != NULL; i++)
		right_write(out, config, account, &right[i]);
}

/* ---- broker.passwd ---- */

void broker_passwd_begin(FILE *out, const char *hash)
{
	(void)fprintf(out, BROKER_USER ":%s\n", hash);
}

void broker_passwd_add(FILE *out, const struct broker_account *account)
{
	(void)fprintf(out, "%.*s:%s\n", (int)account->name.size,
		      account->name.data, account->hash);
}
