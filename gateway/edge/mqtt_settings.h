/*
 * mqtt_settings - the client's configuration, checked and copied.
 *
 * Layer     gateway/edge; internal to mqtt.c
 * Threads   the loop's; not changed after settings_copy
 */
#ifndef DEPOT_GATEWAY_EDGE_MQTT_SETTINGS_H
#define DEPOT_GATEWAY_EDGE_MQTT_SETTINGS_H

#include "gateway/edge/mqtt.h"
#include "gateway/edge/mqtt_inbox.h"

/* Owned strings; NULL where the configuration has none. */
struct settings {
	char *uri;
	char *client_id;
	char *user;
	char *password;
	char *ca_file;
	char *cert_file;
	char *key_file;
	char *tree_marker;
	char *will_topic;
	char *will_payload; /* PAYLOAD_OUT_SIZE_MAX bytes */
	size_t will_size;
	bool has_tls;
	uint16_t port;
};

/*
 * Checks @config and copies its strings into @settings and its filters into
 * @inbox, both all-zero. On failure settings_release is still due.
 *
 * ERR_INVALID  the sentence names what
 * ERR_FULL     no memory
 */
MUST_CHECK enum err_code settings_copy(struct settings *settings,
				       struct inbox *inbox,
				       const struct mqtt_config *config,
				       struct err *err);
void settings_release(struct settings *settings, struct inbox *inbox);

/* As mqtt_will_set. */
MUST_CHECK enum err_code settings_will_set(struct settings *settings,
					   struct span payload);

#endif
