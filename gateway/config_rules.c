/* What does not go together: rules between directives. */
#include "gateway/config_table.h"

#include <string.h>

static bool ring_is_small(const struct config *config)
{
	return config->intake.receive_maximum > config->intake.ring_slots / 4;
}

static bool map_is_uneven(const struct config *config)
{
	return config->store.map_size % (UINT64_C(1) << 20) != 0;
}

static bool external_has_no_uri(const struct config *config)
{
	return config->broker.mode == CONFIG_BROKER_EXTERNAL &&
	       config->broker.uri[0] == '\0';
}

static bool managed_has_uri(const struct config *config)
{
	return config->broker.mode == CONFIG_BROKER_MANAGED &&
	       config->broker.uri[0] != '\0';
}

static bool user_has_no_password(const struct config *config)
{
	return (config->broker.user[0] == '\0') !=
	       (config->broker.password_file[0] == '\0');
}

static bool certificate_is_half(const struct config *config)
{
	return (config->broker.cert_file[0] == '\0') !=
	       (config->broker.key_file[0] == '\0');
}

static bool ports_collide(const struct config *config)
{
	return config->broker.mode == CONFIG_BROKER_MANAGED &&
	       config->broker.websocket_port == config->broker.port;
}

static bool tls_port_collides(const struct config *config)
{
	uint16_t port = config->broker.tls_port;

	return config->broker.mode == CONFIG_BROKER_MANAGED && port != 0 &&
	       (port == config->broker.port ||
		port == config->broker.websocket_port);
}

static bool tls_lacks_certificate(const struct config *config)
{
	return config->broker.tls_port != 0 &&
	       config->broker.tls_cert_file[0] == '\0';
}

static bool tls_lacks_key(const struct config *config)
{
	return (config->broker.tls_cert_file[0] == '\0') !=
	       (config->broker.tls_key_file[0] == '\0');
}

static bool anonymous_is_exposed(const struct config *config)
{
	const char *address = config->broker.address;

	return config->broker.is_anonymous &&
	       strncmp(address, "127.", 4) != 0 && strcmp(address, "::1") != 0;
}

/* sun_path holds 108 bytes, and the name adds a slash and its own 9. */
static bool link_socket_is_long(const struct config *config)
{
	return config->link_count > 0 && strlen(config->runtime.dir) + 10 > 107;
}

static bool link_has_half_login(const struct config_link *link)
{
	return (link->user[0] == '\0') != (link->password_file[0] == '\0');
}

static bool link_has_half_certificate(const struct config_link *link)
{
	return (link->cert_file[0] == '\0') != (link->key_file[0] == '\0');
}

/* Who names a root believes that the far broker is checked against it. */
static bool link_checks_nobody(const struct config_link *link)
{
	return strncmp(link->uri, "tcp://", 6) == 0 &&
	       (link->ca_file[0] != '\0' || link->cert_file[0] != '\0');
}

/* sun_path holds 108 bytes; the derived name adds a slash and its own 12. */
static bool socket_is_long(const struct config *config)
{
	size_t size = strlen(config->control.socket);

	if (size == 0)
		size = strlen(config->runtime.dir) + 13;
	return size > 107;
}

const struct config_rule config_rules[] = {
	{
		"store",
		"map_size",
		.is_broken = map_is_uneven,
		.text_en = "must be a whole number of MiB",
		.text_zh = "必须是 MiB 的整数倍",
	},
	{
		"intake",
		"receive_maximum",
		.is_broken = ring_is_small,
		.text_en = "must be at most a quarter of [intake] ring_slots",
		.text_zh = "不得超过 [intake] ring_slots 的四分之一",
	},
	{
		"broker",
		"uri",
		.is_broken = external_has_no_uri,
		.text_en = "must be set for [broker] mode = external",
		.text_zh = "[broker] mode = external 时必须设置",
	},
	{
		"broker",
		"uri",
		.is_broken = managed_has_uri,
		.text_en = "is for [broker] mode = external only; a managed "
			   "broker has "
			   "address and port",
		.text_zh = "仅用于 [broker] mode = external；自管代理用 "
			   "address 和 port",
	},
	{
		"broker",
		"password_file",
		.is_broken = user_has_no_password,
		.text_en =
			"goes together with [broker] user: set both or neither",
		.text_zh = "须与 [broker] user 同时设置或同时不设",
	},
	{
		"broker",
		"key_file",
		.is_broken = certificate_is_half,
		.text_en = "goes together with [broker] cert_file: set both or "
			   "neither",
		.text_zh = "须与 [broker] cert_file 同时设置或同时不设",
	},
	{
		"broker",
		"websocket_port",
		.is_broken = ports_collide,
		.text_en = "must differ from [broker] port",
		.text_zh = "不得与 [broker] port 相同",
	},
	{
		"broker",
		"tls_port",
		.is_broken = tls_port_collides,
		.text_en = "must differ from [broker] port and websocket_port",
		.text_zh = "不得与 [broker] port 和 websocket_port 相同",
	},
	{
		"broker",
		"tls_cert_file",
		.is_broken = tls_lacks_certificate,
		.text_en = "must be set for [broker] tls_port",
		.text_zh = "使用 [broker] tls_port 时必须设置",
	},
	{
		"broker",
		"tls_key_file",
		.is_broken = tls_lacks_key,
		.text_en = "goes together with [broker] tls_cert_file: set "
			   "both or "
			   "neither",
		.text_zh = "须与 [broker] tls_cert_file 同时设置或同时不设",
	},
	{
		"broker",
		"anonymous",
		.is_broken = anonymous_is_exposed,
		.text_en = "is allowed on a loopback [broker] address only",
		.text_zh = "只允许在回环地址（[broker] address）上使用",
	},
	{
		"runtime",
		"dir",
		.is_broken = link_socket_is_long,
		.text_en = "must be at most 97 bytes where there is a [link]: "
			   "its socket stands there",
		.text_zh = "有 [link] 时不得超过 97 字节：其套接字在该文件夹中",
	},
	{
		"link",
		"password_file",
		.is_link_broken = link_has_half_login,
		.text_en = "goes together with user: set both or neither",
		.text_zh = "须与 user 同时设置或同时不设",
	},
	{
		"link",
		"key_file",
		.is_link_broken = link_has_half_certificate,
		.text_en = "goes together with cert_file: set both or neither",
		.text_zh = "须与 cert_file 同时设置或同时不设",
	},
	{
		"link",
		"uri",
		.is_link_broken = link_checks_nobody,
		.text_en = "must be ssl:// where ca_file or cert_file is set: "
			   "tcp:// checks nobody",
		.text_zh = "设了 ca_file 或 cert_file 时必须是 ssl://：tcp:// "
			   "不做任何校验",
	},
	{
		"control",
		"socket",
		.is_broken = socket_is_long,
		.text_en =
			"must be at most 107 bytes, also when it follows from "
			"[runtime] dir",
		.text_zh = "不得超过 107 字节（由 [runtime] dir 得出时也一样）",
	},
};

const size_t config_rule_count = ARRAY_LEN(config_rules);
