#include "tests/bench/traffic.h"

#include <fcntl.h>
#include <poll.h>

#include "tests/bench/bench.h"
#include "tests/bench/load.h"
#include "tests/support/mqtt_raw.h"

/* Scanners are machines of their own, so the guns should cost this one as
 * little as can be: they wake for some 50 PUBACKs, or after 2 ms. */
#define WAKE_SIZE 256
#define WAKE_MS 2
#define PACKET_SIZE_MAX (LOAD_PAYLOAD_SIZE + 128)
#define PATIENCE_NS UINT64_C(10000000000)

struct gun {
	struct raw_stream *stream; /* only its socket, after the start */
	char topic[96];
	uint8_t *bytes;   /* all packets, one after the other */
	uint32_t *starts; /* of each, and the end of the last */
	size_t sent_size;
	uint32_t sent; /* whole packets */
	uint32_t pubacked;
	uint32_t acked; /* by the box, or by whoever takes them */
	size_t in_size;
	uint8_t in[1 << 16];
};

struct traffic {
	const struct traffic_plan *plan;
	struct gun guns[TRAFFIC_GUNS_MAX];
};

/* ---- making packets ---- */

static void packet_write(struct writer *writer, const struct gun *gun,
			 uint32_t index, struct span payload)
{
	size_t topic_size = strlen(gun->topic);

	write_u8(writer, RAW_PUBLISH << 4 | 1 << 1); /* QoS 1 */
	write_varint(writer, 2 + topic_size + 2 + 1 + payload.size);
	raw_text(writer, span_of(gun->topic));
	write_u16(writer, (uint16_t)(index % UINT16_MAX + 1));
	write_u8(writer, 0); /* no properties */
	write_raw(writer, payload.data, payload.size);
}

static void packets_make(const struct traffic_plan *plan, uint32_t number,
			 struct gun *gun)
{
	struct load load = {.seed = number * UINT64_C(1000000007),
			    .items = plan->items,
			    .bins = plan->bins,
			    .stream = number};
	size_t capacity = (size_t)plan->readings * PACKET_SIZE_MAX;
	struct writer writer;
	char payload[LOAD_PAYLOAD_SIZE];

	gun->bytes = malloc(capacity);
	gun->starts = calloc(plan->readings + 1u, sizeof(*gun->starts));
	if (gun->bytes == NULL || gun->starts == NULL)
		bench_die("out of memory");
	writer_init(&writer, gun->bytes, capacity);
	for (uint32_t i = 0; i < plan->readings; i++) {
		size_t size = load_payload(&load, plan->boot, i, payload);

		packet_write(&writer, gun, i, (struct span){payload, size});
		gun->starts[i + 1] = (uint32_t)writer.size;
	}
	if (!writer_ok(&writer))
		bench_die("a packet is longer than %d", PACKET_SIZE_MAX);
}

static void gun_open(const struct traffic_plan *plan, uint32_t number,
		     struct gun *gun)
{
	char name[64];
	char ack[96];

	(void)text_format(name, sizeof(name), "gun-%u", number + 1);
	(void)text_format(gun->topic, sizeof(gun->topic), "%s/scan/%s",
			  plan->prefix, name);
	(void)text_format(ack, sizeof(ack), "%s/ack/%s", plan->prefix, name);
	gun->stream = calloc(1, sizeof(*gun->stream));
	if (gun->stream == NULL)
		bench_die("out of memory");
	raw_client(gun->stream, plan->port, name);
	if (plan->taken == NULL)
		raw_client_subscribe(gun->stream, ack);
	packets_make(plan, number, gun);
	if (fcntl(gun->stream->fd, F_SETFL, O_NONBLOCK) < 0)
		bench_die("cannot set a socket's flags");
}

/* The socket counts as readable only when it has so much (socket(7)). */
static void gun_doze(const struct gun *gun)
{
	int size = WAKE_SIZE;

	if (setsockopt(gun->stream->fd, SOL_SOCKET, SO_RCVLOWAT, &size,
		       sizeof(size)) < 0)
		bench_die("cannot set a socket's low mark");
}

static void gun_close(struct gun *gun)
{
	raw_close(gun->stream);
	free(gun->stream);
	free(gun->bytes);
	free(gun->starts);
}

/* ---- hearing ---- */

static struct span after(struct span text, const char *mark)
{
	const char *at = memmem(text.data, text.size, mark, strlen(mark));

	if (at == NULL)
		bench_die("no %s in %.*s", mark, (int)text.size, text.data);
	at += strlen(mark);
	return (struct span){at, text.size - (size_t)(at - text.data)};
}

/* Depot's acknowledgement: {..."upto":"17"..."except":[]...}. */
static void ack_take(const struct traffic_plan *plan, struct gun *gun,
		     struct span payload)
{
	struct span boot = after(payload, "\"boot\":\"");
	struct span upto = after(payload, "\"upto\":\"");
	uint64_t number;

	if (!span_starts(boot, plan->boot))
		return; /* of an earlier run */
	if (!span_starts(after(payload, "\"except\":["), "]"))
		bench_die("not booked: %.*s", (int)payload.size, payload.data);
	upto.size = (size_t)(after(upto, "\"").data - upto.data) - 1;
	if (!span_to_u64(upto, plan->readings, &number))
		bench_die("no number: %.*s", (int)payload.size, payload.data);
	gun->acked = (uint32_t)number;
}

static void publish_take(const struct traffic_plan *plan, struct gun *gun,
			 const uint8_t *body, size_t size)
{
	struct reader reader;
	uint16_t packet_id;

	reader_init(&reader, body, size);
	(void)read_raw(&reader, read_u16(&reader)); /* topic */
	packet_id = read_u16(&reader);
	(void)read_raw(&reader, (size_t)read_varint(&reader));
	ack_take(plan, gun, read_raw(&reader, reader_left(&reader)));
	raw_ack_send(gun->stream->fd, RAW_PUBACK, packet_id);
}

/* Takes the packets that have come, and leaves what is cut at the start. */
static void packets_take(const struct traffic_plan *plan, struct gun *gun)
{
	size_t at = 0;

	for (;;) {
		struct reader reader;
		uint8_t type;
		uint64_t size;

		reader_init(&reader, gun->in + at, gun->in_size - at);
		type = read_u8(&reader) >> 4;
		size = read_varint(&reader);
		if (!reader_ok(&reader) || reader_left(&reader) < size)
			break;
		if (type == RAW_PUBACK)
			gun->pubacked++;
		else if (type == RAW_PUBLISH)
			publish_take(plan, gun, gun->in + at + reader.at,
				     (size_t)size);
		else
			bench_die("the broker sent a packet of type %u", type);
		at += reader.at + (size_t)size;
	}
	gun->in_size -= at;
	memmove(gun->in, gun->in + at, gun->in_size);
}

static bool gun_hear(const struct traffic_plan *plan, struct gun *gun)
{
	ssize_t got = recv(gun->stream->fd, gun->in + gun->in_size,
			   sizeof(gun->in) - gun->in_size, 0);

	if (got == 0 || (got < 0 && errno != EAGAIN))
		bench_die("the broker closed a connection");
	if (got < 0)
		return false;
	gun->in_size += (size_t)got;
	packets_take(plan, gun);
	return true;
}

/* ---- sending ---- */

/* The number of packets that may be out by now. */
static uint32_t gun_limit(const struct traffic_plan *plan,
			  const struct gun *gun)
{
	uint32_t limit = gun->acked + plan->window;

	if (limit > gun->pubacked + plan->in_flight)
		limit = gun->pubacked + plan->in_flight;
	return limit < plan->readings ? limit : plan->readings;
}

/* Returns false when the socket is full. */
static bool gun_send(const struct traffic_plan *plan, struct gun *gun)
{
	size_t end = gun->starts[gun_limit(plan, gun)];
	ssize_t put;

	if (end <= gun->sent_size)
		return true;
	put = send(gun->stream->fd, gun->bytes + gun->sent_size,
		   end - gun->sent_size, MSG_NOSIGNAL);
	if (put < 0 && errno != EAGAIN)
		bench_die("the broker closed a connection");
	if (put > 0)
		gun->sent_size += (size_t)put;
	return gun->sent_size == end;
}

/* Whoever takes the readings takes those of all guns alike. */
static void taken_share(struct traffic *traffic)
{
	const struct traffic_plan *plan = traffic->plan;
	uint64_t taken = 0;

	if (plan->taken == NULL)
		return;
	taken = atomic_load(plan->taken);
	for (uint32_t i = 0; i < plan->guns; i++)
		traffic->guns[i].acked = (uint32_t)(taken / plan->guns);
}

static bool is_over(const struct traffic *traffic)
{
	const struct traffic_plan *plan = traffic->plan;

	for (uint32_t i = 0; i < plan->guns; i++) {
		const struct gun *gun = &traffic->guns[i];

		if (gun->acked < plan->readings ||
		    gun->pubacked < plan->readings)
			return false;
	}
	return true;
}

static bool guns_step(struct traffic *traffic)
{
	const struct traffic_plan *plan = traffic->plan;
	struct pollfd polls[TRAFFIC_GUNS_MAX];
	bool is_heard = false;

	taken_share(traffic);
	for (uint32_t i = 0; i < plan->guns; i++) {
		struct gun *gun = &traffic->guns[i];

		polls[i].fd = gun->stream->fd;
		polls[i].events = POLLIN;
		if (!gun_send(plan, gun))
			polls[i].events |= POLLOUT;
	}
	(void)poll(polls, plan->guns, WAKE_MS);
	for (uint32_t i = 0; i < plan->guns; i++)
		is_heard |= gun_hear(plan, &traffic->guns[i]);
	return is_heard;
}

double traffic_run(const struct traffic_plan *plan)
{
	struct traffic *traffic = calloc(1, sizeof(*traffic));
	uint64_t began;
	uint64_t heard;
	double seconds;

	if (traffic == NULL || plan->guns > TRAFFIC_GUNS_MAX)
		bench_die("out of memory, or too many guns");
	traffic->plan = plan;
	for (uint32_t i = 0; i < plan->guns; i++) {
		gun_open(plan, i, &traffic->guns[i]);
		gun_doze(&traffic->guns[i]);
	}
	began = bench_now_ns();
	heard = began;
	while (!is_over(traffic)) {
		if (guns_step(traffic))
			heard = bench_now_ns();
		else if (bench_now_ns() - heard > PATIENCE_NS)
			bench_die("nothing came for ten seconds; the first gun "
				  "has %u of %u",
				  traffic->guns[0].acked, plan->readings);
	}
	seconds = bench_seconds(began);
	for (uint32_t i = 0; i < plan->guns; i++)
		gun_close(&traffic->guns[i]);
	free(traffic);
	return seconds;
}

/* ---- one at a time ---- */

static void one_ask(const struct traffic_plan *plan, struct gun *gun,
		    uint32_t index)
{
	struct pollfd item = {.fd = gun->stream->fd, .events = POLLIN};
	ssize_t size = (ssize_t)(gun->starts[index + 1] - gun->starts[index]);

	if (send(item.fd, gun->bytes + gun->starts[index], (size_t)size,
		 MSG_NOSIGNAL) != size)
		bench_die("a reading did not fit the socket");
	while (gun->acked <= index) {
		if (poll(&item, 1, 10000) <= 0)
			bench_die("no answer in ten seconds");
		(void)gun_hear(plan, gun);
	}
}

void traffic_idle(const struct traffic_plan *plan, int pause_ms,
		  uint64_t *ret_ns)
{
	struct gun *gun = calloc(1, sizeof(*gun));

	if (gun == NULL)
		bench_die("out of memory");
	gun_open(plan, 0, gun);
	for (uint32_t i = 0; i < plan->readings; i++) {
		uint64_t began;

		(void)poll(NULL, 0, pause_ms); /* a person at work */
		began = bench_now_ns();
		one_ask(plan, gun, i);
		ret_ns[i] = bench_now_ns() - began;
	}
	gun_close(gun);
	free(gun);
}
