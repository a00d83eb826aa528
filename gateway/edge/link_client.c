#include "gateway/edge/link_client.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/edge/local.h"
#include "gateway/edge/mqtt.h"
#include "gateway/sync/join.h"

#define FLIGHTS_MAX 256
#define READS_MAX 64 /* in one turn */
#define BEAT_MS 1000
#define USED_MS 10000
#define STEADY_MS 10000
#define FILTERS 6
#define JOIN_PREFIX "depot/v1/" JOIN_ORG "/sync/"
/* depot/v1/{org}/sync/ */
#define PREFIX_SIZE (9 + NAME_SIZE_MAX + 6)
#define FILTER_SIZE (PREFIX_SIZE + SYNC_TOPIC_SIZE)
#define ID_SIZE (16 + 3 * (NAME_SIZE_MAX + 1))

/* What depotd is still to be told, in this order. */
enum news {
	NEWS_DOWN = 1 << 0,
	NEWS_ROOM = 1 << 1,
	NEWS_UP = 1 << 2,
	NEWS_USED = 1 << 3,
};

struct link_client {
	struct link_client_config config; /* its strings are gone */
	char prefix[PREFIX_SIZE + 1];
	size_t prefix_size;
	struct mqtt *mqtt;
	struct loop_source *source;
	struct loop_source *beat;
	int fd;
	enum err_code result;

	/* To depotd. */
	unsigned news;   /* bits of enum news */
	size_t out_size; /* of a message in `out` that waits; 0: none */
	char reason[LINK_REASON_SIZE_MAX + 1];
	int64_t used_ms; /* when USED was told last */
	_Atomic uint64_t bytes_in;
	uint64_t bytes_out;

	/* To the broker. */
	size_t in_size; /* of a packet in `in` that waits; 0: none */
	uint64_t done;  /* sum of link_cost that is over with */
	uint32_t costs[FLIGHTS_MAX]; /* of what flies, a ring */
	uint32_t flying_first;
	uint32_t flying_count;

	bool is_up; /* what is retained comes before that is known: it waits */
	unsigned failures; /* in a row */
	int64_t up_ms;

	uint8_t in[LINK_PACKET_SIZE_MAX + 1];
	uint8_t out[LINK_PACKET_SIZE_MAX];
};

static int64_t now_ms(const struct link_client *client)
{
	return clock_monotonic_ms(client->config.clock);
}

static void client_end(struct link_client *client, enum err_code why)
{
	client->result = why;
	loop_stop(client->config.loop);
}

/* ---- to depotd ---- */

/* False: it has to wait. A broken socket is told by reading. */
static bool packet_send(struct link_client *client, const uint8_t *data,
			size_t size)
{
	ssize_t put;

	do {
		put = send(client->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (put < 0 && errno == EINTR);
	return put >= 0 || errno != EAGAIN;
}

static void news_fill(struct link_client *client, enum news what,
		      struct link_packet *packet)
{
	switch (what) {
	case NEWS_DOWN:
		packet->kind = LINK_DOWN;
		packet->reason = span_of(client->reason);
		break;
	case NEWS_UP:
		packet->kind = LINK_UP;
		break;
	case NEWS_ROOM:
		packet->kind = LINK_ROOM;
		packet->room = client->done + (client->config.is_metered
						       ? LINK_WINDOW_METERED
						       : LINK_WINDOW);
		break;
	case NEWS_USED:
		packet->kind = LINK_USED;
		packet->used.in = atomic_load(&client->bytes_in);
		packet->used.out = client->bytes_out;
		break;
	}
}

static void socket_watch(struct link_client *client)
{
	bool is_blocked = client->news != 0 || client->out_size > 0;
	uint32_t events = client->in_size == 0 ? EPOLLIN : 0;

	loop_fd_events(client->source,
		       events | EPOLLRDHUP | (is_blocked ? EPOLLOUT : 0));
}

/* Tells what is new, then the message that waits; then more are heard. */
static void depotd_tell(struct link_client *client)
{
	static const enum news order[] = {NEWS_DOWN, NEWS_ROOM, NEWS_UP,
					  NEWS_USED};
	uint8_t buffer[256];
	bool is_blocked = false;

	for (size_t i = 0; i < ARRAY_LEN(order) && !is_blocked; i++) {
		struct link_packet packet = {.kind = LINK_UP};

		if ((client->news & order[i]) == 0)
			continue;
		news_fill(client, order[i], &packet);
		if (packet_send(client, buffer, link_encode(&packet, buffer)))
			client->news &= ~(unsigned)order[i];
		else
			is_blocked = true;
	}
	if (!is_blocked && client->out_size > 0 &&
	    packet_send(client, client->out, client->out_size)) {
		client->out_size = 0;
		mqtt_hear(client->mqtt, client->is_up);
	}
	socket_watch(client);
}

static void news_add(struct link_client *client, enum news what)
{
	client->news |= (unsigned)what;
	depotd_tell(client);
}

/* ---- from the broker ---- */

static bool is_of_joining(struct span topic_end)
{
	struct join_topic join;

	return join_topic_read(topic_end, &join);
}

/* The end of @topic behind its prefix; empty if it has another one. What is
 * said of joining has a prefix of its own, and nothing else has that one. */
static struct span topic_end(const struct link_client *client,
			     struct span topic)
{
	const struct span none = {"", 0};
	bool is_join = span_starts(topic, JOIN_PREFIX);
	size_t size = is_join ? sizeof(JOIN_PREFIX) - 1 : client->prefix_size;
	struct span end;

	if (!is_join && !span_starts(topic, client->prefix))
		return none;
	end = (struct span){topic.data + size, topic.size - size};
	return is_of_joining(end) == is_join ? end : none;
}

/* In Paho's thread. */
static bool on_accepts(void *context, struct span topic, size_t payload_size)
{
	struct link_client *client = context;

	atomic_fetch_add(&client->bytes_in,
			 LINK_PACKET_OVERHEAD + topic.size + payload_size);
	return link_topic_takes(topic_end(client, topic), payload_size);
}

static void on_heard(void *context, const struct mqtt_heard *heard)
{
	struct link_client *client = context;
	struct link_packet packet = {
		.kind = LINK_MESSAGE,
		.message = {.topic = topic_end(client, heard->topic),
			    .payload = heard->payload,
			    .is_retained = heard->is_retained},
	};

	size_t size = link_encode(&packet, client->out);

	ASSERT(client->out_size == 0);
	if (client->news == 0 && packet_send(client, client->out, size))
		return;
	client->out_size = size;
	mqtt_hear(client->mqtt, false);
	depotd_tell(client);
}

/* ---- what flies ---- */

/* Brokers answer in order (MQTT 5, 4.6), so the oldest are over with. */
static void flights_look(struct link_client *client)
{
	uint32_t left = mqtt_in_flight(client->mqtt);
	uint64_t before = client->done;

	while (client->flying_count > left) {
		client->done += client->costs[client->flying_first];
		client->flying_first = (client->flying_first + 1) % FLIGHTS_MAX;
		client->flying_count--;
	}
	if (client->done != before)
		news_add(client, NEWS_ROOM);
}

static void flight_add(struct link_client *client, uint32_t cost)
{
	uint32_t at = client->flying_first + client->flying_count;

	ASSERT(client->flying_count < FLIGHTS_MAX);
	client->costs[at % FLIGHTS_MAX] = cost;
	client->flying_count++;
}

/* ---- from depotd ---- */

/* False: it has to wait for room. What cannot be sent at all is dropped. */
static bool message_publish(struct link_client *client,
			    const struct link_message *message)
{
	char topic[PREFIX_SIZE + LINK_TOPIC_SIZE_MAX + 1];
	struct mqtt_publication what = {
		.topic = topic,
		.payload = message->payload,
		.qos = message->qos,
		.is_retained = message->is_retained,
	};
	uint32_t cost = (uint32_t)link_cost(message);
	enum err_code code = ERR_IO;

	(void)text_format(topic, sizeof(topic), "%s%.*s",
			  is_of_joining(message->topic) ? JOIN_PREFIX
							: client->prefix,
			  (int)message->topic.size, message->topic.data);
	flights_look(client); /* so that one more has a place */
	if (mqtt_state(client->mqtt) == MQTT_UP)
		code = mqtt_publish(client->mqtt, &what);
	if (code == ERR_AGAIN)
		return false;
	if (code == ERR_OK)
		client->bytes_out += LINK_PACKET_OVERHEAD +
				     span_of(topic).size +
				     message->payload.size;
	if (code == ERR_OK && message->qos > 0) {
		flight_add(client, cost);
		mqtt_push(client->mqtt);
	} else {
		client->done += cost;
		client->news |= NEWS_ROOM;
	}
	return true;
}

/* False: it has to wait. */
static bool packet_take(struct link_client *client)
{
	struct link_packet packet;

	if (!link_decode(client->in, client->in_size, &packet) ||
	    packet.kind != LINK_PUBLISH) {
		client_end(client, ERR_STOPPED);
		return false;
	}
	if (!message_publish(client, &packet.message))
		return false;
	client->in_size = 0;
	return true;
}

/* False: there is none, or depotd is gone. */
static bool packet_receive(struct link_client *client)
{
	ssize_t got;

	do {
		got = recv(client->fd, client->in, sizeof(client->in),
			   MSG_DONTWAIT);
	} while (got < 0 && errno == EINTR);
	if (got == 0 || (got < 0 && errno != EAGAIN))
		client_end(client, ERR_STOPPED);
	if (got <= 0)
		return false;
	client->in_size = (size_t)got;
	return true;
}

/* As much as the client has room for. */
static void depotd_read(struct link_client *client)
{
	for (int i = 0; i < READS_MAX; i++) {
		if (client->in_size == 0 && !packet_receive(client))
			break;
		if (!packet_take(client))
			break;
	}
	depotd_tell(client);
}

/* A hang-up is looked for, too, while what was read has to wait. */
static void on_socket(void *context, uint32_t what)
{
	struct link_client *client = context;

	if ((what & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0) {
		client_end(client, ERR_STOPPED);
		return;
	}
	if ((what & EPOLLIN) != 0)
		depotd_read(client);
	else
		depotd_tell(client);
}

static void on_room(void *context)
{
	struct link_client *client = context;

	flights_look(client);
	if (client->in_size > 0)
		depotd_read(client);
}

/* ---- the broker's coming and going ---- */

static void failure_count(struct link_client *client)
{
	bool was_up = client->up_ms != 0;
	bool was_steady = was_up && now_ms(client) - client->up_ms >= STEADY_MS;

	client->up_ms = 0;
	client->failures = was_steady ? 1 : client->failures + 1;
	if (client->failures >= LINK_FAILURES_MAX || (was_up && !was_steady))
		client_end(client, ERR_AGAIN);
}

static void on_changed(void *context, const struct mqtt_change *change)
{
	struct link_client *client = context;

	if (change->state == MQTT_UP) {
		client->is_up = true;
		client->up_ms = now_ms(client);
		news_add(client, NEWS_UP);
		mqtt_hear(client->mqtt, client->out_size == 0);
	} else if (change->state == MQTT_DOWN) {
		client->is_up = false;
		mqtt_hear(client->mqtt, false);
		text_print(span_of(change->reason), client->reason,
			   sizeof(client->reason));
		log_event(client->config.log, LEVEL_INFO, "link_unreached",
			  "the far broker is not reached: %s", client->reason);
		client->news &= ~(unsigned)NEWS_UP;
		/* A broker that drops us again and again costs bytes, too. */
		client->news |= NEWS_USED;
		news_add(client, NEWS_DOWN);
		failure_count(client);
		if (client->in_size > 0)
			depotd_read(client);
	}
}

/* USED is the sign of life, too. */
static void on_beat(void *context, uint32_t what)
{
	struct link_client *client = context;
	int64_t now = now_ms(client);

	(void)what;
	flights_look(client);
	if (now - client->used_ms < USED_MS)
		return;
	client->used_ms = now;
	news_add(client, NEWS_USED);
}

/* ---- opening and closing ---- */

static enum err_code hello_send(struct link_client *client,
				const struct link_client_config *config,
				struct err *err)
{
	struct link_packet packet = {
		.kind = LINK_HELLO,
		.hello = {.version = LINK_VERSION,
			  .is_metered = config->is_metered,
			  .budget = config->budget},
	};
	uint8_t buffer[128];
	size_t size;

	if (!text_is_name(span_of(config->name)) ||
	    !name_set(&packet.hello.name, span_of(config->name)))
		return err_set(err, ERR_INVALID, "%s is no name of a link",
			       config->name);
	size = link_encode(&packet, buffer);
	if (send(client->fd, buffer, size, MSG_NOSIGNAL) < 0)
		return err_sys(err, errno, "say hello to depotd");
	return ERR_OK;
}

/* What is wanted of other sites, with our prefix. The last one is what we say
 * ourselves, too, and do not want to hear. */
static size_t filters_make(const struct link_client *client, const char *site,
			   char filters[FILTERS][FILTER_SIZE],
			   const char *watched[FILTERS])
{
	const char *live = NULL;
	char end[SYNC_TOPIC_SIZE];
	size_t count = 0;

	if (client->config.hears_joining) {
		(void)text_format(filters[FILTERS - 1], FILTER_SIZE,
				  JOIN_PREFIX "join/+/ask");
		watched[count++] = filters[FILTERS - 1];
	}
	for (size_t i = 0; sync_topic_wanted(span_of(site), i, end); i++) {
		ASSERT(i < FILTERS - 1);
		(void)text_format(filters[i], FILTER_SIZE, "%s%s",
				  client->prefix, end);
		if (span_starts(span_of(end), "live/"))
			live = filters[i];
		else
			watched[count++] = filters[i];
	}
	ASSERT(live != NULL && count < FILTERS);
	watched[count++] = live;
	return count;
}

/* All that a box wants that has not joined yet. */
static size_t filter_join(uint32_t number, char filters[FILTERS][FILTER_SIZE],
			  const char *watched[FILTERS])
{
	const struct join_topic answer = {number, true};
	char end[JOIN_TOPIC_SIZE];

	join_topic_write(&answer, end);
	(void)text_format(filters[0], FILTER_SIZE, JOIN_PREFIX "%s", end);
	watched[0] = filters[0];
	return 1;
}

static enum err_code broker_open(struct link_client *client,
				 const struct link_client_config *config,
				 struct err *err)
{
	char filters[FILTERS][FILTER_SIZE];
	const char *watched[FILTERS];
	char id[ID_SIZE];
	struct mqtt_config mqtt = {
		.uri = config->uri,
		.client_id = id,
		.user = config->user,
		.password = config->password,
		.ca_file = config->ca_file,
		.cert_file = config->cert_file,
		.key_file = config->key_file,
		.watched = watched,
		/* live, which is the last */
		.others_count = config->join_number == 0,
		.is_session_new = true,
		.session_s = 0,
		.packet_size_max = LINK_PAYLOAD_SIZE_MAX + 512,
		.in_flight_max = FLIGHTS_MAX,
		.answers_max = FLIGHTS_MAX,
		.is_room_told = true,
		.heard_max = LINK_HEARD_MAX,
		.heard_size_max = LINK_PAYLOAD_SIZE_MAX,
		.receive_max = 16,
		.keepalive_s = config->keepalive_s,
		.seed = config->seed,
		.loop = config->loop,
		.clock = config->clock,
		.handlers = {.changed = on_changed,
			     .room = on_room,
			     .heard = on_heard,
			     .accepts = on_accepts,
			     .context = client},
	};

	(void)text_format(id, sizeof(id), "depot-link-%s-%s-%s", config->org,
			  config->site, config->name);
	mqtt.watched_count =
		config->join_number != 0
			? filter_join(config->join_number, filters, watched)
			: filters_make(client, config->site, filters, watched);
	return mqtt_open(&mqtt, &client->mqtt, err);
}

static enum err_code sources_add(struct link_client *client, struct err *err)
{
	struct loop *loop = client->config.loop;
	enum err_code code = loop_add_fd(loop, client->fd, EPOLLIN | EPOLLRDHUP,
					 (struct loop_call){on_socket, client},
					 &client->source, err);

	if (code == ERR_OK)
		code = loop_add_timer(loop, (struct loop_call){on_beat, client},
				      &client->beat, err);
	if (code == ERR_OK)
		loop_timer_every(client->beat, BEAT_MS);
	return code;
}

static enum err_code parts_open(struct link_client *client,
				const struct link_client_config *config,
				struct err *err)
{
	enum err_code code;

	if (!text_is_name(span_of(config->org)) ||
	    !text_is_name(span_of(config->site)))
		return err_set(err, ERR_INVALID, "%s/%s is no name of a site",
			       config->org, config->site);
	(void)text_format(client->prefix, sizeof(client->prefix),
			  "depot/v1/%s/sync/", config->org);
	client->prefix_size = span_of(client->prefix).size;
	code = local_connect(config->socket, SOCK_SEQPACKET, &client->fd, err);
	if (code == ERR_OK)
		code = hello_send(client, config, err);
	if (code == ERR_OK)
		code = broker_open(client, config, err);
	if (code == ERR_OK)
		code = sources_add(client, err);
	return code;
}

enum err_code link_client_open(const struct link_client_config *config,
			       struct link_client **ret_client, struct err *err)
{
	struct link_client *client = calloc(1, sizeof(*client));
	enum err_code code;

	if (client == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	client->fd = -1;
	client->config = (struct link_client_config){
		.is_metered = config->is_metered,
		.hears_joining = config->hears_joining,
		.loop = config->loop,
		.clock = config->clock,
		.log = config->log,
	};
	code = parts_open(client, config, err);
	if (code != ERR_OK) {
		link_client_close(client);
		return code;
	}
	*ret_client = client;
	return ERR_OK;
}

void link_client_start(struct link_client *client)
{
	mqtt_hear(client->mqtt, false);
	mqtt_start(client->mqtt);
	news_add(client, NEWS_ROOM);
}

enum err_code link_client_result(const struct link_client *client)
{
	return client->result;
}

bool link_client_is_connecting(const struct link_client *client)
{
	return mqtt_state(client->mqtt) == MQTT_CONNECTING;
}

/* What was used since the last beat; who hung up does not hear it. */
static void used_tell(struct link_client *client)
{
	struct link_packet packet = {.kind = LINK_USED};
	uint8_t buffer[64];

	news_fill(client, NEWS_USED, &packet);
	if (packet.used.in + packet.used.out > 0)
		(void)packet_send(client, buffer, link_encode(&packet, buffer));
}

void link_client_close(struct link_client *client)
{
	if (client == NULL)
		return;
	mqtt_close(client->mqtt);
	used_tell(client); /* nothing more comes */
	loop_remove(client->source);
	loop_remove(client->beat);
	if (client->fd >= 0)
		(void)close(client->fd);
	free(client);
}
