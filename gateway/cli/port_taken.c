#include "gateway/cli/port_taken.h"

#include <stdio.h>

#include "gateway/edge/port.h"

#define PORT_DEFAULT 1883
#define ADDRESS_DEFAULT "0.0.0.0"

void port_taken_tell(const struct cli *cli, const struct config *config)
{
	const char *address = ADDRESS_DEFAULT;
	unsigned port = PORT_DEFAULT;

	if (config != NULL) {
		if (config->broker.mode != CONFIG_BROKER_MANAGED)
			return;
		address = config->broker.address;
		port = config->broker.port;
	}
	if (port_check(address, (uint16_t)port, NULL) != ERR_AGAIN)
		return;
	(void)printf("  sudo systemctl disable --now mosquitto   %s %u %s\n",
		     cli_say(cli, "first: port", "请先执行：端口"), port,
		     cli_say(cli, "is taken, mostly by Debian's own broker",
			     "已被占用，多为 Debian 自带的代理"));
}
