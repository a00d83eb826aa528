#include "gateway/cli/port_taken.h"

#include <stdio.h>

#include "gateway/edge/port.h"

#define PORT_DEFAULT 1883
#define ADDRESS_DEFAULT "0.0.0.0"

static unsigned broker_port(const struct config *config)
{
	return config == NULL ? PORT_DEFAULT : config->broker.port;
}

bool port_is_taken(const struct config *config)
{
	const char *address =
		config == NULL ? ADDRESS_DEFAULT : config->broker.address;

	if (config != NULL && config->broker.mode != CONFIG_BROKER_MANAGED)
		return false;
	return port_check(address, (uint16_t)broker_port(config), NULL) ==
	       ERR_AGAIN;
}

void port_taken_tell(const struct cli *cli, const struct config *config)
{
	if (!port_is_taken(config))
		return;
	(void)printf("  sudo systemctl disable --now mosquitto   %s %u %s\n",
		     cli_say(cli, "first: port", "请先执行：端口"),
		     broker_port(config),
		     cli_say(cli, "is taken, mostly by Debian's own broker",
			     "已被占用，多为 Debian 自带的代理"));
}
