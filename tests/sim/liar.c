#include "tests/sim/liar.h"

#include <string.h>

#include "gateway/sync/frame.h"
#include "rules/ledger/entry.h"

#define FLOOD_FRAMES 60
#define NAMES 40
#define ROWS_GARBAGE 200
#define ENTRIES_MAX 8

bool liar_open(struct liar *liar, uint32_t site, uint64_t seed,
	       const uint8_t net_id[NET_ID_SIZE])
{
	uint8_t secret[32] = {7};
	struct err err;

	*liar = (struct liar){.random = random_stream(seed, 5), .site = site};
	memcpy(liar->net_id, net_id, NET_ID_SIZE);
	memcpy(secret + 1, &seed, sizeof(seed));
	if (!name_set(&liar->name, SPAN_LITERAL("liar")) ||
	    signer_of_seed(secret, &liar->signer, &err) != ERR_OK)
		return false;
	secret[0] = 8;
	return signer_of_seed(secret, &liar->stranger, &err) == ERR_OK &&
	       rows_open(&liar->rows, &err) == ERR_OK &&
	       packer_open(&liar->packer, &err) == ERR_OK;
}

void liar_close(struct liar *liar)
{
	signer_close(liar->signer);
	signer_close(liar->stranger);
	rows_close(liar->rows);
	packer_close(liar->packer);
	*liar = (struct liar){0};
}

static void bytes_draw(struct liar *liar, void *bytes, size_t size)
{
	uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)random_next(&liar->random);
}

/* ---- rows ---- */

static void movement_draw(struct liar *liar, bool is_void,
			  struct movement *movement)
{
	bool fits;

	*movement = (struct movement){
		.kind = MOVEMENT_RECEIVE,
		.quantity = {random_from(&liar->random, 1, 100)},
		.from = {.place = {.kind = PLACE_SUPPLIER}},
		.to = {place_bin(SPAN_LITERAL("DOCK")), CONDITION_GOOD}};
	fits = sku_set(&movement->item, SPAN_LITERAL("MUG")) &&
	       place_name_set(&movement->from.place.name, SPAN_LITERAL("x"));
	ASSERT(fits);
	if (!is_void)
		return;
	/* What is on its way between two others. */
	movement->kind = MOVEMENT_TRANSFER_IN;
	movement->from.place.kind = PLACE_TRANSIT;
	fits = place_name_set(&movement->from.place.name,
			      SPAN_LITERAL("4-5-1"));
	ASSERT(fits);
}

/* A fence of everybody's feed is HQ's to say. */
static void entry_draw(struct liar *liar, bool is_void, struct entry *entry)
{
	bool is_fence = is_void && random_hits(&liar->random, 500);

	entry_init(entry, is_fence ? ENTRY_FENCE : ENTRY_MOVEMENT);
	entry->stamp = liar->stamp;
	entry->actor.kind = ACTOR_RULE;
	if (!name_set(&entry->actor.name, SPAN_LITERAL("liar")))
		ASSERT(false);
	if (is_fence) {
		entry->body.fence.site = SITE_FIRST + 1;
		entry->body.fence.epoch = 1;
	} else
		movement_draw(liar, is_void, &entry->body.movement);
}

static uint32_t rows_draw(struct liar *liar, enum lie lie,
			  struct writer *writer)
{
	uint32_t count = (uint32_t)random_from(&liar->random, 1, ENTRIES_MAX);

	rows_reset(liar->rows);
	for (uint32_t i = 0; i < count; i++) {
		UNINITIALIZED uint8_t bytes[ENTRY_SIZE_MAX];
		struct pos pos = pos_make(1, liar->number + 1 + i);
		struct writer entry_writer;
		struct entry entry;

		entry_draw(liar, lie == LIE_VOID, &entry);
		writer_init(&entry_writer, bytes, sizeof(bytes));
		entry_encode(&entry_writer, &entry);
		if (rows_write(liar->rows, pos,
			       (struct span){(char *)bytes, entry_writer.size},
			       writer) != ERR_OK)
			ASSERT(false);
	}
	return count;
}

/* ---- deltas ---- */

/* What it will have said before the next delta. */
static void advance(struct liar *liar, const struct delta *delta)
{
	liar->seq = delta->header.seq;
	liar->number = delta->header.first + delta->header.row_count - 1;
	delta_hash(liar->net_id, &delta->header, liar->hash);
}

/* Its next delta, in @bytes; rows that are none for LIE_ROWS. */
static void delta_make(struct liar *liar, enum lie lie, uint8_t *bytes,
		       struct delta *delta)
{
	struct delta_header *header = &delta->header;
	struct writer writer;

	*delta = (struct delta){0};
	liar->stamp = stamp_next(liar->stamp, liar->now);
	writer_init(&writer, bytes, DELTA_ROWS_SIZE_MAX);
	if (lie == LIE_ROWS) {
		bytes_draw(liar, bytes, ROWS_GARBAGE);
		writer.size = ROWS_GARBAGE;
		header->row_count = 3;
	} else {
		header->row_count = rows_draw(liar, lie, &writer);
	}
	delta->rows = (struct span){(char *)bytes, writer.size};
	header->site = liar->site;
	header->epoch = 1;
	header->seq = liar->seq + 1;
	memcpy(header->previous, liar->hash, HASH_SIZE);
	header->stamp = liar->stamp;
	header->flags = DELTA_SEGMENT_START;
	header->boot = 1;
	header->first = liar->number + 1;
	header->rules = 1;
	header->rows_size = (uint32_t)writer.size;
}

static void delta_seal(const struct liar *liar, struct delta *delta,
		       const struct signer *signer)
{
	delta_rows_hash(liar->net_id, delta->rows, delta->header.rows_hash);
	delta_sign(signer, liar->net_id, &delta->header, delta->signature);
}

/* ---- saying ---- */

#define TO_ALL UINT32_MAX

static void say(struct net *net, uint32_t to, const char *topic,
		struct span payload)
{
	if (to == TO_ALL)
		net_broadcast(net, 0, topic, false, payload);
	else
		net_slip(net, to, 0, topic, payload);
}

static void frame_say(struct net *net, uint32_t to, const char *topic,
		      const struct frame *frame)
{
	static uint8_t bytes[SYNC_FRAME_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, bytes, sizeof(bytes));
	frame_write(&writer, frame);
	ASSERT(writer_ok(&writer));
	say(net, to, topic, (struct span){(char *)bytes, writer.size});
}

/* News, as a box would say them. */
static void delta_say(struct liar *liar, struct net *net, uint32_t to,
		      const struct delta *delta)
{
	static uint8_t bytes[PACK_SIZE_MAX];
	struct feed_id id = {delta->header.site, delta->header.epoch, 0};
	struct frame frame = {.type = FRAME_LIVE};
	struct writer writer;
	uint32_t count;

	writer_init(&writer, bytes, sizeof(bytes));
	packer_begin(liar->packer, id, PACK_PLAIN, PACK_SIZE_MAX);
	if (packer_add(liar->packer, delta) != ERR_OK ||
	    packer_end(liar->packer, &writer, &count) != ERR_OK)
		ASSERT(false);
	frame.body.pack = (struct span){(char *)bytes, writer.size};
	frame_say(net, to, "live/liar", &frame);
}

/* ---- lies ---- */

static void fork_tell(struct liar *liar, struct net *net, struct delta *first)
{
	static uint8_t bytes[DELTA_ROWS_SIZE_MAX];
	struct delta second;
	uint32_t to = (uint32_t)random_below(&liar->random, net->node_count);

	delta_make(liar, LIE_NEWS, bytes, &second);
	delta_seal(liar, &second, liar->signer);
	delta_say(liar, net, to, first);
	delta_say(liar, net, (to + 1) % (uint32_t)net->node_count, &second);
	liar->has_forked = true;
	advance(liar, random_hits(&liar->random, 500) ? first : &second);
}

/* Somebody else's next delta, or control's, by our key. */
static void forged_tell(struct liar *liar, struct net *net, struct delta *delta)
{
	delta->header.site =
		random_hits(&liar->random, 300)
			? SITE_CONTROL
			: SITE_FIRST + (uint32_t)random_below(&liar->random, 4);
	delta->header.seq = (uint64_t)random_from(&liar->random, 1, 40);
	delta_seal(liar, delta, liar->signer);
	delta_say(liar, net, TO_ALL, delta);
}

static void foreign_tell(struct liar *liar, struct net *net,
			 struct delta *delta)
{
	liar->net_id[0] ^= 1;
	delta_seal(liar, delta, liar->signer);
	delta_say(liar, net, TO_ALL, delta);
	liar->net_id[0] ^= 1;
}

/* A pack with its first bytes, which say sizes and counts, drawn. */
static void bomb_tell(struct liar *liar, struct net *net)
{
	uint8_t bytes[4096] = {0};

	bytes[0] = 1 << 6 | FRAME_LIVE;
	bytes_draw(liar, bytes + 1, 40);
	if (random_hits(&liar->random, 500))
		bytes_draw(liar, bytes + 41, sizeof(bytes) - 41);
	bytes[1] = PACK_VERSION;
	say(net, TO_ALL, "live/liar",
	    (struct span){(char *)bytes, sizeof(bytes)});
}

static void head_tell(struct liar *liar, struct net *net)
{
	struct frame frame = {.type = FRAME_HEAD};
	struct frame_head *head = &frame.body.head;

	head->site = liar->site;
	head->epoch = 1;
	head->seq = liar->seq + (random_next(&liar->random) >>
				 random_from(&liar->random, 2, 60));
	bytes_draw(liar, head->hash, sizeof(head->hash));
	bytes_draw(liar, head->digest, sizeof(head->digest));
	liar->stamp = stamp_next(liar->stamp, liar->now);
	head->stamp = liar->stamp;
	head->boot = 1;
	head->next_s = 60;
	frame_head_sign(&frame, liar->signer, liar->net_id);
	frame_say(net, TO_ALL, "head/liar", &frame);
}

/* As many feeds as a frame holds, none of which there is. */
static void list_fill(struct liar *liar, bool has_lowest, struct writer *writer,
		      uint32_t *ret_count)
{
	struct frame_list list = {.has_lowest = has_lowest};

	for (uint32_t site = 1; site <= 300; site++) {
		struct frame_entry entry = {
			.feed = {site,
				 1 + (uint32_t)random_below(&liar->random, 3),
				 0},
			.seq = (random_next(&liar->random) >> 8) | 1,
			.hash_start = random_next(&liar->random),
			.lowest = has_lowest ? 1 : 0};

		frame_entry_write(writer, &list, &entry);
	}
	*ret_count = list.count;
}

static void frame_draw(struct liar *liar, enum frame_type type,
		       struct writer *list, struct frame *frame)
{
	frame->type = type;
	frame->session = (uint32_t)random_next(&liar->random);
	if (type == FRAME_HELLO) {
		frame->body.hello = (struct frame_hello){
			.version_min = 1,
			.version_max = 1,
			.net = random_hits(&liar->random, 700)
				       ? frame_net(liar->net_id)
				       : 1,
			.boot = random_next(&liar->random),
			.credit = random_next(&liar->random) >> 4};
		bytes_draw(liar, frame->body.hello.digest, VECTOR_DIGEST_SIZE);
	} else if (type == FRAME_HAVE) {
		list_fill(liar, true, list, &frame->body.have.count);
		frame->body.have.entries =
			(struct span){(char *)list->data, list->size};
		bytes_draw(liar, frame->body.have.digest, VECTOR_DIGEST_SIZE);
	} else if (type == FRAME_ACK) {
		list_fill(liar, false, list, &frame->body.ack.count);
		frame->body.ack.site = liar->site;
		frame->body.ack.epoch = 1;
		frame->body.ack.stamp = liar->stamp;
		frame->body.ack.entries =
			(struct span){(char *)list->data, list->size};
		frame_ack_sign(frame, liar->signer, liar->net_id);
	}
}

static void garbage_say(struct liar *liar, struct net *net, uint32_t to,
			const char *topic)
{
	uint8_t bytes[512];
	size_t size = 1 + random_below(&liar->random, sizeof(bytes) - 1);

	bytes_draw(liar, bytes, size);
	bytes[0] = (uint8_t)(1 << 6 | random_below(&liar->random, 16));
	say(net, to, topic, (struct span){(char *)bytes, size});
}

static void flood(struct liar *liar, struct net *net)
{
	static const enum frame_type types[] = {FRAME_HELLO, FRAME_HAVE,
						FRAME_ACK};
	static uint8_t bytes[SYNC_FRAME_SIZE_MAX];

	for (unsigned i = 0; i < FLOOD_FRAMES; i++) {
		uint32_t to =
			(uint32_t)random_below(&liar->random, net->node_count);
		enum frame_type type =
			types[random_below(&liar->random, ARRAY_LEN(types))];
		struct frame frame = {0};
		struct writer list;
		char topic[SYNC_TOPIC_SIZE];
		const struct name *victim = &net->names[to];
		bool is_reply = type == FRAME_HAVE;
		bool fits = text_format(
			topic, sizeof(topic), "%s/%.*s/evil-%u%s",
			is_reply ? "rep" : "req", (int)victim->size,
			victim->data,
			(unsigned)random_below(&liar->random, NAMES),
			is_reply ? "/00000001" : "");

		ASSERT(fits);
		if (random_hits(&liar->random, 300)) {
			garbage_say(liar, net, to, topic);
			continue;
		}
		writer_init(&list, bytes, sizeof(bytes));
		frame_draw(liar, type, &list, &frame);
		frame_say(net, to, topic, &frame);
	}
}

void liar_lie(struct liar *liar, struct net *net, enum lie lie)
{
	static uint8_t bytes[DELTA_ROWS_SIZE_MAX];
	struct delta delta;

	liar->told[lie]++;
	liar->now = (struct moment){net->now_ms};
	delta_make(liar, lie, bytes, &delta);
	delta_seal(liar, &delta, liar->signer);
	switch (lie) {
	case LIE_NEWS:
	case LIE_VOID:
	case LIE_ROWS:
		delta_say(liar, net, TO_ALL, &delta);
		advance(liar, &delta);
		break;
	case LIE_GAP:
		advance(liar, &delta);
		break;
	case LIE_FORK:
		fork_tell(liar, net, &delta);
		break;
	case LIE_FORGED:
		forged_tell(liar, net, &delta);
		break;
	case LIE_STRANGER:
		delta_seal(liar, &delta, liar->stranger);
		delta_say(liar, net, TO_ALL, &delta);
		break;
	case LIE_NET:
		foreign_tell(liar, net, &delta);
		break;
	case LIE_BOMB:
		bomb_tell(liar, net);
		break;
	case LIE_HEAD:
		head_tell(liar, net);
		break;
	case LIE_FLOOD:
		flood(liar, net);
		break;
	}
}
