#include "tests/sim/net.h"

#include <stdlib.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define LATE_MS_MAX (72 * HOUR_MS)

void net_open(struct net *net, uint64_t seed)
{
	memset(net, 0, sizeof(*net));
	net->random = random_stream(seed, 1);
}

void net_close(struct net *net)
{
	for (size_t i = 0; i < net->heap_count; i++)
		free(net->heap[i]);
	free(net->heap);
	for (size_t i = 0; i < NET_RECORDED_MAX; i++)
		free(net->recorded[i]);
	memset(net, 0, sizeof(*net));
}

/* ---- the heap: by time, then by order ---- */

static bool is_before(const struct net_message *a, const struct net_message *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->order < b->order;
}

static void heap_swap(struct net *net, size_t a, size_t b)
{
	struct net_message *kept = net->heap[a];

	net->heap[a] = net->heap[b];
	net->heap[b] = kept;
}

static void heap_push(struct net *net, struct net_message *message)
{
	size_t at = net->heap_count++;

	if (net->heap_count > net->heap_room) {
		net->heap_room = net->heap_room == 0 ? 256 : 2 * net->heap_room;
		net->heap = realloc(net->heap,
				    net->heap_room * sizeof(net->heap[0]));
		ASSERT(net->heap != NULL);
	}
	net->heap[at] = message;
	while (at > 0 && is_before(net->heap[at], net->heap[(at - 1) / 2])) {
		heap_swap(net, at, (at - 1) / 2);
		at = (at - 1) / 2;
	}
}

static void heap_sink(struct net *net, size_t at)
{
	for (;;) {
		size_t least = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < net->heap_count &&
			    is_before(net->heap[child], net->heap[least]))
				least = child;
		if (least == at)
			return;
		heap_swap(net, at, least);
		at = least;
	}
}

static struct net_message *heap_pop(struct net *net)
{
	struct net_message *first = net->heap[0];

	net->heap[0] = net->heap[--net->heap_count];
	heap_sink(net, 0);
	return first;
}

/* ---- on the way ---- */

static struct net_message *message_make(struct net *net, const char *topic,
					struct span payload)
{
	struct net_message *message = malloc(sizeof(*message) + payload.size);

	ASSERT(message != NULL);
	memset(message, 0, sizeof(*message));
	message->order = net->order++;
	memcpy(message->topic, topic, strlen(topic) + 1);
	message->size = payload.size;
	if (payload.size > 0)
		memcpy(message->payload, payload.data, payload.size);
	return message;
}

static int64_t delay_draw(struct net *net, const struct net_link *link)
{
	if (random_hits(&net->random, link->late)) {
		net->counts.late++;
		return random_from(&net->random, HOUR_MS, LATE_MS_MAX);
	}
	return random_from(&net->random, 1, link->delay_ms);
}

static void deliver_once(struct net *net, uint32_t node, uint32_t broker,
			 const char *topic, struct span payload)
{
	const struct net_link *link = &net->links[node][broker];
	struct net_message *message;

	if (link->is_cut_in || random_hits(&net->random, link->loss)) {
		net->counts.lost++;
		return;
	}
	message = message_make(net, topic, payload);
	message->broker = broker;
	message->to = node;
	message->at_ms = net->now_ms + delay_draw(net, link);
	heap_push(net, message);
}

static bool wants(const struct net *net, uint32_t node, const char *topic)
{
	struct sync_in in = {0};

	if (!sync_topic_read(span_of(topic), &in))
		return false;
	return in.to.size == 0 ||
	       span_equal(in.to, name_span(&net->names[node]));
}

static void deliver(struct net *net, uint32_t node, uint32_t broker,
		    const char *topic, struct span payload)
{
	const struct net_link *link = &net->links[node][broker];

	if (!link->is_there || !link->is_up || !net->is_listening[node] ||
	    !wants(net, node, topic))
		return;
	deliver_once(net, node, broker, topic, payload);
	if (random_hits(&net->random, link->doubling)) {
		net->counts.doubled++;
		deliver_once(net, node, broker, topic, payload);
	}
}

static void retain(struct net *net, uint32_t broker, const char *topic,
		   struct span payload)
{
	struct net_retained *held = net->retained[broker];
	size_t count = net->retained_count[broker];
	size_t i = 0;

	while (i < count && strcmp(held[i].topic, topic) != 0)
		i++;
	if (i == NET_RETAINED_MAX || payload.size > sizeof(held[i].payload))
		return;
	if (i == count)
		net->retained_count[broker]++;
	memcpy(held[i].topic, topic, strlen(topic) + 1);
	held[i].size = payload.size;
	memcpy(held[i].payload, payload.data, payload.size);
}

void net_broadcast(struct net *net, uint32_t broker, const char *topic,
		   bool is_retained, struct span payload)
{
	if (is_retained)
		retain(net, broker, topic, payload);
	for (uint32_t to = 0; to < net->node_count; to++)
		deliver(net, to, broker, topic, payload);
}

void net_slip(struct net *net, uint32_t node, uint32_t broker,
	      const char *topic, struct span payload)
{
	deliver(net, node, broker, topic, payload);
}

bool net_publish(struct net *net, uint32_t node, uint32_t broker,
		 const char *topic, bool is_retained, struct span payload)
{
	const struct net_link *link = &net->links[node][broker];

	if (!link->is_there || !link->is_up)
		return false;
	net->counts.published++;
	net->counts.bytes += payload.size;
	if (link->is_cut_out || random_hits(&net->random, link->loss)) {
		net->counts.lost++;
		return true;
	}
	net_broadcast(net, broker, topic, is_retained, payload);
	return true;
}

struct net_message *net_next(struct net *net, int64_t upto_ms)
{
	struct net_message *message;

	if (net->heap_count == 0 || net->heap[0]->at_ms > upto_ms)
		return NULL;
	message = heap_pop(net);
	if (message->at_ms > net->now_ms)
		net->now_ms = message->at_ms;
	for (size_t i = 0; i < net->heap_count; i++)
		if (net->heap[i]->to == message->to &&
		    net->heap[i]->order < message->order) {
			net->counts.reordered++;
			break;
		}
	net->counts.delivered++;
	return message;
}

void net_give_back(struct net *net, struct net_message *message)
{
	size_t at = net->recorded_count++ % NET_RECORDED_MAX;

	free(net->recorded[at]);
	net->recorded[at] = message;
}

int64_t net_due(const struct net *net)
{
	return net->heap_count == 0 ? INT64_MAX : net->heap[0]->at_ms;
}

void net_subscribed(struct net *net, uint32_t node, uint32_t broker)
{
	for (size_t i = 0; i < net->retained_count[broker]; i++) {
		const struct net_retained *held = &net->retained[broker][i];
		const struct net_link *link = &net->links[node][broker];
		struct span payload = {(const char *)held->payload, held->size};
		struct net_message *message;

		if (!wants(net, node, held->topic) || link->is_cut_in)
			continue;
		message = message_make(net, held->topic, payload);
		message->broker = broker;
		message->to = node;
		message->is_retained = true;
		message->at_ms = net->now_ms +
				 random_from(&net->random, 1, link->delay_ms);
		heap_push(net, message);
	}
}

void net_broker_lost(struct net *net, uint32_t broker)
{
	size_t kept = 0;

	net->retained_count[broker] = 0;
	for (size_t i = 0; i < net->heap_count; i++) {
		if (net->heap[i]->broker == broker) {
			net->counts.lost++;
			free(net->heap[i]);
		} else {
			net->heap[kept++] = net->heap[i];
		}
	}
	net->heap_count = kept;
	for (size_t i = kept / 2; i-- > 0;)
		heap_sink(net, i);
}

struct net_message *net_again(struct net *net, uint32_t to)
{
	size_t count = net->recorded_count < NET_RECORDED_MAX
			       ? (size_t)net->recorded_count
			       : NET_RECORDED_MAX;
	const struct net_message *old;
	struct net_message *message;

	if (count == 0)
		return NULL;
	old = net->recorded[random_below(&net->random, count)];
	message = message_make(net, old->topic,
			       (struct span){(const char *)old->payload,
					     old->size});
	message->broker = old->broker;
	message->to = to;
	message->at_ms = net->now_ms;
	return message;
}

size_t net_under_way(const struct net *net)
{
	return net->heap_count;
}
