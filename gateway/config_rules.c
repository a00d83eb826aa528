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
		map_is_uneven,
		"must be a whole number of MiB",
		"必须是 MiB 的整数倍",
	},
	{
		"intake",
		"receive_maximum",
		ring_is_small,
		"must be at most a quarter of [intake] ring_slots",
		"不得超过 [intake] ring_slots 的四分之一",
	},
	{
		"broker",
		"uri",
		external_has_no_uri,
		"must be set for [broker] mode = external",
		"[broker] mode = external 时必须设置",
	},
	{
		"broker",
		"uri",
		managed_has_uri,
		"is for [broker] mode = external only; a managed broker has "
		"address and port",
		"仅用于 [broker] mode = external；自管代理用 address 和 port",
	},
	{
		"broker",
		"password_file",
		user_has_no_password,
		"goes together with [broker] user: set both or neither",
		"须与 [broker] user 同时设置或同时不设",
	},
	{
		"broker",
		"key_file",
		certificate_is_half,
		"goes together with [broker] cert_file: set both or neither",
		"须与 [broker] cert_file 同时设置或同时不设",
	},
	{
		"broker",
		"websocket_port",
		ports_collide,
		"must differ from [broker] port",
		"不得与 [broker] port 相同",
	},
	{
		"broker",
		"tls_port",
		tls_port_collides,
		"must differ from [broker] port and websocket_port",
		"不得与 [broker] port 和 websocket_port 相同",
	},
	{
		"broker",
		"tls_cert_file",
		tls_lacks_certificate,
		"must be set for [broker] tls_port",
		"使用 [broker] tls_port 时必须设置",
	},
	{
		"broker",
		"tls_key_file",
		tls_lacks_key,
		"goes together with [broker] tls_cert_file: set both or "
		"neither",
		"须与 [broker] tls_cert_file 同时设置或同时不设",
	},
	{
		"broker",
		"anonymous",
		anonymous_is_exposed,
		"is allowed on a loopback [broker] address only",
		"只允许在回环地址（[broker] address）上使用",
	},
	{
		"control",
		"socket",
		socket_is_long,
		"must be at most 107 bytes, also when it follows from "
		"[runtime] dir",
		"不得超过 107 字节（由 [runtime] dir 得出时也一样）",
	},
};

const size_t config_rule_count = ARRAY_LEN(config_rules);
