#include "gateway/edge/mqtt_settings.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/edge/mqtt_topic.h"

#define PORT_TCP 1883
#define PORT_TLS 8883

/* NULL stays NULL. */
static enum err_code string_copy(const char *from, char **ret_copy,
				 struct err *err)
{
	if (from == NULL)
		return ERR_OK;
	*ret_copy = strdup(from);
	return *ret_copy != NULL ? ERR_OK : err_set(err, ERR_FULL, "no memory");
}

static enum err_code strings_copy(struct settings *settings,
				  const struct mqtt_config *config,
				  struct err *err)
{
	const struct {
		const char *from;
		char **to;
	} strings[] = {
		{config->uri, &settings->uri},
		{config->client_id, &settings->client_id},
		{config->user, &settings->user},
		{config->password, &settings->password},
		{config->ca_file, &settings->ca_file},
		{config->cert_file, &settings->cert_file},
		{config->key_file, &settings->key_file},
		{config->tree_marker, &settings->tree_marker},
		{config->will.topic, &settings->will_topic},
	};
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(strings) && code == ERR_OK; i++)
		code = string_copy(strings[i].from, strings[i].to, err);
	return code;
}

static enum err_code filters_copy(struct filters *filters,
				  const char *const *from, size_t count,
				  struct err *err)
{
	enum err_code code = ERR_OK;

	if (count > MQTT_FILTERS_MAX)
		return err_set(err, ERR_INVALID, "%zu filters, at most %d",
			       count, MQTT_FILTERS_MAX);
	for (size_t i = 0; i < count && code == ERR_OK; i++) {
		if (!topic_is_filter(span_of(from[i])))
			return err_set(err, ERR_INVALID,
				       "\"%s\" is no topic filter", from[i]);
		code = string_copy(from[i], &filters->texts[i], err);
		if (code == ERR_OK)
			filters->count++;
	}
	return code;
}

/* The port of HOST, HOST:PORT, [V6] or [V6]:PORT. */
static bool port_read(struct span address, uint16_t fallback,
		      uint16_t *ret_port)
{
	const char *bracket = memrchr(address.data, ']', address.size);
	const char *colon = memrchr(address.data, ':', address.size);
	struct span text;
	uint64_t port;

	if (colon == NULL || (bracket != NULL && colon < bracket)) {
		*ret_port = fallback;
		return address.size > 0;
	}
	text.data = colon + 1;
	text.size = (size_t)(address.data + address.size - text.data);
	if (colon == address.data || !span_to_u64(text, UINT16_MAX, &port) ||
	    port == 0)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static bool uri_parse(struct span uri, bool *ret_has_tls, uint16_t *ret_port)
{
	bool has_tls = span_starts(uri, "ssl://");
	struct span address;

	if (!has_tls && !span_starts(uri, "tcp://"))
		return false;
	address = (struct span){uri.data + 6, uri.size - 6};
	*ret_has_tls = has_tls;
	return port_read(address, has_tls ? PORT_TLS : PORT_TCP, ret_port);
}

static enum err_code uri_read(struct settings *settings, struct err *err)
{
	if (uri_parse(span_of(settings->uri), &settings->has_tls,
		      &settings->port))
		return ERR_OK;
	return err_set(err, ERR_INVALID,
		       "\"%s\" is not tcp://HOST:PORT or ssl://HOST:PORT",
		       settings->uri);
}

enum err_code settings_will_set(struct settings *settings, struct span payload)
{
	if (settings->will_topic == NULL || payload.size > PAYLOAD_OUT_SIZE_MAX)
		return ERR_INVALID;
	if (payload.size > 0)
		memcpy(settings->will_payload, payload.data, payload.size);
	settings->will_size = payload.size;
	return ERR_OK;
}

static enum err_code topics_check(const struct mqtt_config *config,
				  struct err *err)
{
	const char *will = config->will.topic;
	const char *marker = config->tree_marker;

	if (will != NULL && !topic_is_name(span_of(will)))
		return err_set(err, ERR_INVALID, "will topic \"%s\"", will);
	if (marker != NULL && !topic_is_name(span_of(marker)))
		return err_set(err, ERR_INVALID, "marker topic \"%s\"", marker);
	if (config->tree_count > 0 && marker == NULL)
		return err_set(err, ERR_INVALID, "a tree needs a marker");
	return ERR_OK;
}

static enum err_code will_copy(struct settings *settings,
			       const struct mqtt_config *config,
			       struct err *err)
{
	if (config->will.topic == NULL)
		return ERR_OK;
	settings->will_payload = calloc(1, PAYLOAD_OUT_SIZE_MAX);
	if (settings->will_payload == NULL)
		return err_set(err, ERR_FULL, "no memory");
	if (settings_will_set(settings, config->will.payload) != ERR_OK)
		return err_set(err, ERR_INVALID, "the will is %zu bytes long",
			       config->will.payload.size);
	return ERR_OK;
}

enum err_code settings_copy(struct settings *settings, struct inbox *inbox,
			    const struct mqtt_config *config, struct err *err)
{
	enum err_code code = topics_check(config, err);

	if (code == ERR_OK)
		code = strings_copy(settings, config, err);
	if (code == ERR_OK)
		code = uri_read(settings, err);
	if (code == ERR_OK)
		code = will_copy(settings, config, err);
	if (code == ERR_OK)
		code = filters_copy(&inbox->inputs, config->inputs,
				    config->input_count, err);
	if (code == ERR_OK)
		code = filters_copy(&inbox->watched, config->watched,
				    config->watched_count, err);
	if (code == ERR_OK)
		code = filters_copy(&inbox->tree, config->tree,
				    config->tree_count, err);
	inbox->tree_marker = settings->tree_marker;
	return code;
}

static void filters_release(struct filters *filters)
{
	for (size_t i = 0; i < filters->count; i++)
		free(filters->texts[i]);
	filters->count = 0;
}

void settings_release(struct settings *settings, struct inbox *inbox)
{
	filters_release(&inbox->inputs);
	filters_release(&inbox->watched);
	filters_release(&inbox->tree);
	free(settings->uri);
	free(settings->client_id);
	free(settings->user);
	if (settings->password != NULL)
		explicit_bzero(settings->password, strlen(settings->password));
	free(settings->password);
	free(settings->ca_file);
	free(settings->cert_file);
	free(settings->key_file);
	free(settings->tree_marker);
	free(settings->will_topic);
	free(settings->will_payload);
}
