#include "gateway/sync/frame.h"

#include <string.h>

#include "store/pack.h"

#define VERSION_SHIFT 6
#define TYPE_MASK 0x3fu
#define SIGNED_SIZE_MAX 8192

static const char head_tag[] = "depot head v1";
static const char ack_tag[] = "depot ack v1";

static const char *const type_names[] = {
	[FRAME_HELLO] = "hello",       [FRAME_HAVE] = "have",
	[FRAME_WANT] = "want",         [FRAME_BATCHES] = "batches",
	[FRAME_CREDIT] = "credit",     [FRAME_ACK] = "ack",
	[FRAME_HEAD] = "head",         [FRAME_PROOF] = "proof",
	[FRAME_REFUSE] = "refuse",     [FRAME_TRIM] = "trim",
	[FRAME_CKPT_GET] = "ckpt_get", [FRAME_CKPT_PART] = "ckpt_part",
	[FRAME_LIVE] = "live",
};
_Static_assert(ARRAY_LEN(type_names) == FRAME_TYPE_MAX + 1, "each has one");

const char *frame_type_name(enum frame_type type)
{
	if (type < FRAME_HELLO || type > FRAME_TYPE_MAX)
		return "?";
	return type_names[type];
}

static const char *const refuse_names[] = {
	[REFUSE_BUSY] = "busy", [REFUSE_VERSION] = "version",
	[REFUSE_NET] = "net",   [REFUSE_SESSION] = "session",
	[REFUSE_BASE] = "base", [REFUSE_PRUNED] = "pruned",
};
_Static_assert(ARRAY_LEN(refuse_names) == REFUSE_CODE_MAX + 1, "each has one");

const char *refuse_code_name(enum refuse_code code)
{
	if (code < REFUSE_BUSY || code > REFUSE_CODE_MAX)
		return "?";
	return refuse_names[code];
}

static uint64_t first_bytes(const uint8_t *bytes)
{
	struct reader reader;

	reader_init(&reader, bytes, sizeof(uint64_t));
	return read_u64(&reader);
}

uint64_t frame_net(const uint8_t net_id[NET_ID_SIZE])
{
	return first_bytes(net_id);
}

uint64_t frame_hash_start(const uint8_t hash[HASH_SIZE])
{
	return first_bytes(hash);
}

uint64_t frame_digest_start(const uint8_t digest[VECTOR_DIGEST_SIZE])
{
	return first_bytes(digest);
}

int feed_id_compare(struct feed_id a, struct feed_id b)
{
	if (a.site != b.site)
		return a.site < b.site ? -1 : 1;
	if (a.epoch != b.epoch)
		return a.epoch < b.epoch ? -1 : 1;
	if (a.branch != b.branch)
		return a.branch < b.branch ? -1 : 1;
	return 0;
}

/* ---- fields ---- */

static void write_span_raw(struct writer *writer, struct span bytes)
{
	write_raw(writer, bytes.data, bytes.size);
}

static struct span read_rest(struct reader *reader)
{
	return read_raw(reader, reader_left(reader));
}

static void read_fixed(struct reader *reader, uint8_t *ret_bytes, size_t size)
{
	struct span bytes = read_raw(reader, size);

	if (bytes.size == size)
		memcpy(ret_bytes, bytes.data, size);
}

static bool fail(struct reader *reader)
{
	reader->has_failed = true;
	return false;
}

static uint64_t read_bounded(struct reader *reader, uint64_t min, uint64_t max)
{
	uint64_t value = read_varint(reader);

	if (value < min || value > max)
		(void)fail(reader); /* the reader remembers */
	return value;
}

/* @site: as it is, or what it is more than another's. */
static void feed_id_write(struct writer *writer, uint32_t site,
			  const struct feed_id *feed)
{
	write_varint(writer, (uint64_t)site << 1 | (feed->branch != 0));
	write_varint(writer, feed->epoch);
	if (feed->branch != 0)
		write_u64(writer, feed->branch);
}

static struct feed_id feed_id_read(struct reader *reader, uint32_t base)
{
	uint64_t mixed = read_bounded(reader, 0,
				      ((uint64_t)(UINT32_MAX - base) << 1) | 1);
	struct feed_id feed = {.site = base + (uint32_t)(mixed >> 1)};

	feed.epoch = (uint32_t)read_bounded(reader, 1, EPOCH_MAX);
	if ((mixed & 1) != 0) {
		feed.branch = read_u64(reader);
		if (feed.branch == 0)
			(void)fail(reader); /* not its one form */
	}
	if (feed.site == SITE_NONE)
		(void)fail(reader);
	return feed;
}

/* ---- lists ---- */

void frame_entry_write(struct writer *writer, struct frame_list *list,
		       const struct frame_entry *entry)
{
	ASSERT(feed_id_compare(list->last, entry->feed) < 0);
	feed_id_write(writer, entry->feed.site - list->last.site, &entry->feed);
	write_varint(writer, entry->seq);
	write_u64(writer, entry->hash_start);
	if (list->has_lowest)
		write_varint(writer, entry->lowest);
	list->last = entry->feed;
	list->count++;
}

bool frame_entry_read(struct reader *reader, struct frame_list *list,
		      struct frame_entry *ret_entry)
{
	struct frame_entry entry = {.lowest = 1};

	if (!reader_ok(reader) || reader_left(reader) == 0)
		return false;
	entry.feed = feed_id_read(reader, list->last.site);
	entry.seq = read_bounded(reader, 1, POS_NUMBER_MAX);
	entry.hash_start = read_u64(reader);
	if (list->has_lowest)
		entry.lowest = read_bounded(reader, 1, entry.seq);
	if (!reader_ok(reader))
		return false;
	if (feed_id_compare(list->last, entry.feed) >= 0)
		return fail(reader);
	list->last = entry.feed;
	list->count++;
	*ret_entry = entry;
	return true;
}

void frame_range_write(struct writer *writer, const struct frame_range *range)
{
	ASSERT(range->first >= 1 && range->first <= range->last);
	feed_id_write(writer, range->feed.site, &range->feed);
	write_varint(writer, range->first);
	write_varint(writer, range->last - range->first);
}

bool frame_range_read(struct reader *reader, struct frame_range *ret_range)
{
	struct frame_range range;

	if (!reader_ok(reader) || reader_left(reader) == 0)
		return false;
	range.feed = feed_id_read(reader, 0);
	range.first = read_bounded(reader, 1, POS_NUMBER_MAX);
	if (!reader_ok(reader))
		return false;
	range.last = range.first +
		     read_bounded(reader, 0, POS_NUMBER_MAX - range.first);
	if (!reader_ok(reader))
		return false;
	*ret_range = range;
	return true;
}

void frame_pack_write(struct writer *writer, struct span pack)
{
	ASSERT(pack.size > 0);
	write_span(writer, pack);
}

bool frame_pack_read(struct reader *reader, struct span *ret_pack)
{
	struct span pack;

	if (!reader_ok(reader) || reader_left(reader) == 0)
		return false;
	pack = read_span(reader, PACK_SIZE_MAX);
	if (!reader_ok(reader) || pack.size == 0)
		return fail(reader);
	*ret_pack = pack;
	return true;
}

/* The rest of @reader is one pack or more. */
static struct span read_packs(struct reader *reader)
{
	struct span rest = read_rest(reader);
	struct reader inner;
	struct span pack;

	reader_init(&inner, rest.data, rest.size);
	while (frame_pack_read(&inner, &pack))
		;
	if (!reader_done(&inner) || rest.size == 0)
		(void)fail(reader);
	return rest;
}

/* The rest of @reader is a sound list of @count entries. */
static struct span read_entries(struct reader *reader, uint32_t count,
				bool has_lowest)
{
	struct span rest = read_rest(reader);
	struct frame_list list = {.has_lowest = has_lowest};
	struct frame_entry entry;
	struct reader inner;

	reader_init(&inner, rest.data, rest.size);
	while (frame_entry_read(&inner, &list, &entry))
		;
	if (!reader_done(&inner) || list.count != count)
		(void)fail(reader);
	return rest;
}

static struct span read_ranges(struct reader *reader, uint32_t count)
{
	struct span rest = read_rest(reader);
	struct frame_range range;
	struct reader inner;
	uint32_t found = 0;

	reader_init(&inner, rest.data, rest.size);
	while (frame_range_read(&inner, &range))
		found++;
	if (!reader_done(&inner) || found != count || count > WANT_RANGES_MAX)
		(void)fail(reader);
	return rest;
}

/* ---- each type ---- */

static void hello_write(struct writer *writer, const struct frame_hello *hello)
{
	write_u8(writer, hello->version_min);
	write_u8(writer, hello->version_max);
	write_u64(writer, hello->net);
	write_u64(writer, hello->boot);
	write_raw(writer, hello->digest, sizeof(hello->digest));
	write_u64(writer, hello->base);
	write_varint(writer, hello->credit);
}

static void hello_read(struct reader *reader, struct frame_hello *hello)
{
	hello->version_min = read_u8(reader);
	hello->version_max = read_u8(reader);
	hello->net = read_u64(reader);
	hello->boot = read_u64(reader);
	read_fixed(reader, hello->digest, sizeof(hello->digest));
	hello->base = read_u64(reader);
	hello->credit = read_varint(reader);
	if (hello->version_min == 0 || hello->version_min > hello->version_max)
		(void)fail(reader);
}

static void have_write(struct writer *writer, const struct frame_have *have)
{
	write_varint(writer, have->flags);
	write_raw(writer, have->digest, sizeof(have->digest));
	if ((have->flags & HAVE_EQUAL) != 0)
		return;
	write_varint(writer, have->count);
	write_span_raw(writer, have->entries);
}

static void have_read(struct reader *reader, struct frame_have *have)
{
	have->flags = (uint32_t)read_bounded(reader, 0, HAVE_FLAGS_KNOWN);
	read_fixed(reader, have->digest, sizeof(have->digest));
	if ((have->flags & HAVE_EQUAL) != 0) {
		if (have->flags != HAVE_EQUAL)
			(void)fail(reader);
		return;
	}
	have->count = (uint32_t)read_bounded(reader, 0, UINT32_MAX);
	have->entries = read_entries(reader, have->count, true);
}

static void want_write(struct writer *writer, const struct frame_want *want)
{
	write_varint(writer, want->number);
	write_varint(writer, want->granted);
	write_varint(writer, want->count);
	write_span_raw(writer, want->ranges);
}

static void want_read(struct reader *reader, struct frame_want *want)
{
	want->number = read_bounded(reader, 1, UINT64_MAX);
	want->granted = read_varint(reader);
	want->count = (uint32_t)read_bounded(reader, 0, WANT_RANGES_MAX);
	want->ranges = read_ranges(reader, want->count);
}

static void ack_write(struct writer *writer, const struct frame_ack *ack)
{
	write_varint(writer, ack->site);
	write_varint(writer, ack->epoch);
	write_u64(writer, ack->stamp.value);
	write_u64(writer, ack->base);
	write_varint(writer, ack->count);
	write_span_raw(writer, ack->entries);
}

/* The signature comes last, so that lists can take the rest before it. */
static void signature_cut(struct reader *reader,
			  uint8_t ret_signature[SIGNATURE_SIZE])
{
	size_t left = reader_left(reader);

	if (!reader_ok(reader) || left < SIGNATURE_SIZE) {
		(void)fail(reader);
		return;
	}
	memcpy(ret_signature, reader->data + reader->at + left - SIGNATURE_SIZE,
	       SIGNATURE_SIZE);
	reader->size -= SIGNATURE_SIZE;
}

static void ack_read(struct reader *reader, struct frame_ack *ack)
{
	signature_cut(reader, ack->signature);
	ack->site = (uint32_t)read_bounded(reader, 1, UINT32_MAX);
	ack->epoch = (uint32_t)read_bounded(reader, 1, EPOCH_MAX);
	ack->stamp.value = read_u64(reader);
	ack->base = read_u64(reader);
	ack->count = (uint32_t)read_bounded(reader, 0, UINT32_MAX);
	ack->entries = read_entries(reader, ack->count, false);
}

static void head_write(struct writer *writer, const struct frame_head *head)
{
	write_varint(writer, head->site);
	write_varint(writer, head->epoch);
	write_varint(writer, head->seq);
	write_raw(writer, head->hash, sizeof(head->hash));
	write_raw(writer, head->digest, sizeof(head->digest));
	write_u64(writer, head->stamp.value);
	write_varint(writer, head->flags);
	write_u64(writer, head->boot);
	write_varint(writer, pos_epoch(head->control));
	write_varint(writer, pos_number(head->control));
	write_varint(writer, head->next_s);
}

static void head_read(struct reader *reader, struct frame_head *head)
{
	uint32_t epoch;
	uint64_t number;

	signature_cut(reader, head->signature);
	head->site = (uint32_t)read_bounded(reader, 1, UINT32_MAX);
	head->epoch = (uint32_t)read_bounded(reader, 1, EPOCH_MAX);
	head->seq = read_bounded(reader, 0, POS_NUMBER_MAX);
	read_fixed(reader, head->hash, sizeof(head->hash));
	read_fixed(reader, head->digest, sizeof(head->digest));
	head->stamp.value = read_u64(reader);
	head->flags = (uint32_t)read_bounded(reader, 0, HEAD_FLAGS_KNOWN);
	head->boot = read_u64(reader);
	epoch = (uint32_t)read_bounded(reader, 0, EPOCH_MAX);
	number = read_bounded(reader, 0, POS_NUMBER_MAX);
	head->next_s = (uint32_t)read_bounded(reader, 0, UINT32_MAX);
	if (reader_ok(reader))
		head->control = pos_make(epoch, number);
}

static void refuse_write(struct writer *writer,
			 const struct frame_refuse *refuse)
{
	write_u8(writer, (uint8_t)refuse->code);
	write_varint(writer, refuse->retry_s);
}

static void refuse_read(struct reader *reader, struct frame_refuse *refuse)
{
	uint8_t code = read_u8(reader);

	if (code < REFUSE_BUSY || code > REFUSE_CODE_MAX)
		(void)fail(reader);
	refuse->code = (enum refuse_code)code;
	refuse->retry_s = (uint32_t)read_bounded(reader, 0, UINT32_MAX);
}

/* ---- frames ---- */

static bool has_session(enum frame_type type)
{
	return type != FRAME_ACK && type != FRAME_HEAD && type != FRAME_LIVE;
}

static void body_write(struct writer *writer, const struct frame *frame)
{
	switch (frame->type) {
	case FRAME_HELLO:
		hello_write(writer, &frame->body.hello);
		break;
	case FRAME_HAVE:
		have_write(writer, &frame->body.have);
		break;
	case FRAME_WANT:
		want_write(writer, &frame->body.want);
		break;
	case FRAME_BATCHES:
		write_span_raw(writer, frame->body.packs);
		break;
	case FRAME_LIVE:
		write_span_raw(writer, frame->body.pack);
		break;
	case FRAME_CREDIT:
		write_varint(writer, frame->body.credit.granted);
		break;
	case FRAME_ACK:
		ack_write(writer, &frame->body.ack);
		break;
	case FRAME_HEAD:
		head_write(writer, &frame->body.head);
		break;
	case FRAME_PROOF:
		write_span_raw(writer, frame->body.proof);
		break;
	case FRAME_REFUSE:
		refuse_write(writer, &frame->body.refuse);
		break;
	case FRAME_TRIM:
	case FRAME_CKPT_GET:
	case FRAME_CKPT_PART:
		/* Reserved: nobody writes one. */
		ASSERT(frame->type == FRAME_HELLO);
	}
}

static void unsigned_write(struct writer *writer, const struct frame *frame)
{
	write_u8(writer, (uint8_t)(FRAME_VERSION << VERSION_SHIFT |
				   (uint32_t)frame->type));
	if (has_session(frame->type))
		write_u32(writer, frame->session);
	body_write(writer, frame);
}

void frame_write(struct writer *writer, const struct frame *frame)
{
	unsigned_write(writer, frame);
	if (frame->type == FRAME_ACK)
		write_raw(writer, frame->body.ack.signature, SIGNATURE_SIZE);
	if (frame->type == FRAME_HEAD)
		write_raw(writer, frame->body.head.signature, SIGNATURE_SIZE);
}

static void body_read(struct reader *reader, struct frame *frame)
{
	switch (frame->type) {
	case FRAME_HELLO:
		hello_read(reader, &frame->body.hello);
		break;
	case FRAME_HAVE:
		have_read(reader, &frame->body.have);
		break;
	case FRAME_WANT:
		want_read(reader, &frame->body.want);
		break;
	case FRAME_BATCHES:
		frame->body.packs = read_packs(reader);
		break;
	case FRAME_LIVE:
		frame->body.pack = read_rest(reader);
		break;
	case FRAME_CREDIT:
		frame->body.credit.granted = read_varint(reader);
		break;
	case FRAME_ACK:
		ack_read(reader, &frame->body.ack);
		break;
	case FRAME_HEAD:
		head_read(reader, &frame->body.head);
		break;
	case FRAME_PROOF:
		frame->body.proof = read_rest(reader);
		break;
	case FRAME_REFUSE:
		refuse_read(reader, &frame->body.refuse);
		break;
	case FRAME_TRIM:
	case FRAME_CKPT_GET:
	case FRAME_CKPT_PART:
		(void)fail(reader); /* not asked for: frame_read refused it */
	}
}

static bool type_is_known(uint32_t type)
{
	return type >= FRAME_HELLO && type <= FRAME_TYPE_MAX &&
	       type != FRAME_TRIM && type != FRAME_CKPT_GET &&
	       type != FRAME_CKPT_PART;
}

enum err_code frame_read(struct span bytes, struct frame *ret_frame)
{
	struct frame frame = {0};
	struct reader reader;
	uint8_t first;

	reader_init(&reader, bytes.data, bytes.size);
	first = read_u8(&reader);
	if (!reader_ok(&reader) || first >> VERSION_SHIFT == 0)
		return ERR_CORRUPT;
	if (first >> VERSION_SHIFT != FRAME_VERSION ||
	    !type_is_known(first & TYPE_MASK))
		return ERR_VERSION;
	frame.type = (enum frame_type)(first & TYPE_MASK);
	if (has_session(frame.type))
		frame.session = read_u32(&reader);
	body_read(&reader, &frame);
	if (!reader_done(&reader))
		return ERR_CORRUPT;
	*ret_frame = frame;
	return ERR_OK;
}

/* ---- signatures ---- */

/* What of @frame is signed, in @buffer of SIGNED_SIZE_MAX. */
static struct span signed_part(const struct frame *frame, uint8_t *buffer)
{
	struct writer writer;

	writer_init(&writer, buffer, SIGNED_SIZE_MAX);
	unsigned_write(&writer, frame);
	if (!writer_ok(&writer))
		return (struct span){0};
	return (struct span){(const char *)buffer, writer.size};
}

void frame_head_sign(struct frame *frame, const struct signer *signer,
		     const uint8_t net_id[NET_ID_SIZE])
{
	uint8_t buffer[SIGNED_SIZE_MAX] UNINITIALIZED;

	ASSERT(frame->type == FRAME_HEAD);
	signer_sign(signer, head_tag, net_id, signed_part(frame, buffer),
		    frame->body.head.signature);
}

bool frame_head_verify(const struct frame *frame,
		       const uint8_t public_key[KEY_PUBLIC_SIZE],
		       const uint8_t net_id[NET_ID_SIZE])
{
	uint8_t buffer[SIGNED_SIZE_MAX] UNINITIALIZED;
	struct span bytes = signed_part(frame, buffer);

	ASSERT(frame->type == FRAME_HEAD);
	return bytes.size > 0 &&
	       signature_is_good(public_key, head_tag, net_id, bytes,
				 frame->body.head.signature);
}

void frame_ack_sign(struct frame *frame, const struct signer *signer,
		    const uint8_t net_id[NET_ID_SIZE])
{
	uint8_t buffer[SIGNED_SIZE_MAX] UNINITIALIZED;
	struct span bytes = signed_part(frame, buffer);

	ASSERT(frame->type == FRAME_ACK && bytes.size > 0);
	signer_sign(signer, ack_tag, net_id, bytes, frame->body.ack.signature);
}

bool frame_ack_verify(const struct frame *frame,
		      const uint8_t public_key[KEY_PUBLIC_SIZE],
		      const uint8_t net_id[NET_ID_SIZE])
{
	uint8_t buffer[SIGNED_SIZE_MAX] UNINITIALIZED;
	struct span bytes = signed_part(frame, buffer);

	ASSERT(frame->type == FRAME_ACK);
	return bytes.size > 0 &&
	       signature_is_good(public_key, ack_tag, net_id, bytes,
				 frame->body.ack.signature);
}

uint64_t frame_ack_label(const struct frame *frame,
			 const uint8_t net_id[NET_ID_SIZE])
{
	uint8_t buffer[SIGNED_SIZE_MAX] UNINITIALIZED;
	uint8_t hash[HASH_SIZE];
	uint64_t label;

	ASSERT(frame->type == FRAME_ACK);
	seal_hash("depot ack label v1", net_id, signed_part(frame, buffer),
		  hash);
	label = frame_hash_start(hash);
	return label != 0 ? label : 1;
}
