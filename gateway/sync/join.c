#include "gateway/sync/join.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/sync/frame.h"
#include "store/roster.h"

#define KEY_TAG "depot join key v1"
#define HASH_TAG "depot join secret v1"
#define MAC_TAG "depot join frame v1"
#define SECRET_SIZE_MAX 32

/* As frame.c: the version above, the type below. */
#define VERSION_SHIFT 6
#define TYPE_MASK 63u

/* ---- topics ---- */

#define TOPIC_BEGIN "join/"
#define NUMBER_DIGITS_MAX 10

void join_topic_write(const struct join_topic *topic,
		      char ret_topic[JOIN_TOPIC_SIZE])
{
	bool fits = text_format(ret_topic, JOIN_TOPIC_SIZE,
				TOPIC_BEGIN "%" PRIu32 "/%s", topic->number,
				topic->is_answer ? "answer" : "ask");

	ASSERT(fits);
}

bool join_topic_read(struct span topic, struct join_topic *ret_topic)
{
	const size_t begin = sizeof(TOPIC_BEGIN) - 1;
	struct span digits = {topic.data + begin, 0};
	struct span end;
	uint64_t number;

	if (!span_starts(topic, TOPIC_BEGIN))
		return false;
	while (begin + digits.size < topic.size &&
	       digits.data[digits.size] != '/')
		digits.size++;
	end = (struct span){digits.data + digits.size,
			    topic.size - begin - digits.size};
	if (digits.size == 0 || digits.size > NUMBER_DIGITS_MAX ||
	    digits.data[0] == '0' ||
	    !span_to_u64(digits, UINT32_MAX, &number) ||
	    (!span_is(end, "/ask") && !span_is(end, "/answer")))
		return false;
	*ret_topic =
		(struct join_topic){(uint32_t)number, span_is(end, "/answer")};
	return true;
}

/* ---- keys ---- */

static struct span numbered(uint32_t number, struct span secret,
			    uint8_t buffer[SECRET_SIZE_MAX + 4])
{
	struct writer writer;

	ASSERT(secret.size <= SECRET_SIZE_MAX);
	writer_init(&writer, buffer, SECRET_SIZE_MAX + 4);
	write_u32(&writer, number);
	write_raw(&writer, secret.data, secret.size);
	return (struct span){(const char *)buffer, writer.size};
}

void join_key(uint32_t number, struct span secret,
	      uint8_t ret_key[JOIN_KEY_SIZE])
{
	uint8_t buffer[SECRET_SIZE_MAX + 4];
	struct span bytes = numbered(number, secret, buffer);

	seal_mac(bytes, KEY_TAG, bytes, ret_key);
	seal_wipe(buffer, sizeof(buffer));
}

void join_secret_hash(const uint8_t net_id[NET_ID_SIZE], uint32_t number,
		      struct span secret, uint8_t ret_hash[HASH_SIZE])
{
	uint8_t buffer[SECRET_SIZE_MAX + 4];

	seal_hash(HASH_TAG, net_id, numbered(number, secret, buffer), ret_hash);
	seal_wipe(buffer, sizeof(buffer));
}

/* ---- writing ---- */

static void write_name(struct writer *writer, const struct name *name)
{
	write_span(writer, name_span(name));
}

static void ask_write(struct writer *writer, const struct join_ask *ask)
{
	write_raw(writer, ask->nonce, sizeof(ask->nonce));
	write_varint(writer, ask->epoch);
	write_u8(writer, ask->has_begun);
	write_raw(writer, ask->public_key, sizeof(ask->public_key));
	write_u64(writer, ask->boot);
	write_name(writer, &ask->site);
	write_u64(writer, ask->stamp.value);
}

static void answer_write(struct writer *writer,
			 const struct join_answer *answer)
{
	const struct root *root = &answer->root;

	write_raw(writer, answer->nonce, sizeof(answer->nonce));
	write_raw(writer, answer->net_id, sizeof(answer->net_id));
	write_varint(writer, answer->site);
	write_varint(writer, answer->epoch);
	write_varint(writer, answer->parent_epoch);
	write_name(writer, &answer->name);
	write_name(writer, &answer->org);
	write_span(writer, ref_span(&answer->timezone));
	write_u8(writer, (uint8_t)answer->role);
	write_varint(writer, answer->until_ms);
	write_u64(writer, answer->stamp.value);
	write_varint(writer, root->epoch);
	write_raw(writer, root->root_public, sizeof(root->root_public));
	write_raw(writer, root->public_key, sizeof(root->public_key));
	write_varint(writer, root->after_seq);
	write_raw(writer, root->after_hash, sizeof(root->after_hash));
	write_raw(writer, root->signature, sizeof(root->signature));
}

static void mac_of(const uint8_t key[JOIN_KEY_SIZE], struct span bytes,
		   uint8_t ret_mac[HASH_SIZE])
{
	struct span span = {(const char *)key, JOIN_KEY_SIZE};

	seal_mac(span, MAC_TAG, bytes, ret_mac);
}

void join_write(struct writer *writer, const struct join_frame *frame,
		const uint8_t key[JOIN_KEY_SIZE])
{
	size_t start = writer->size;
	uint8_t mac[HASH_SIZE];

	write_u8(writer, (uint8_t)(FRAME_VERSION << VERSION_SHIFT |
				   (unsigned)frame->type));
	write_varint(writer, frame->number);
	switch (frame->type) {
	case JOIN_ASK:
		ask_write(writer, &frame->body.ask);
		break;
	case JOIN_ANSWER:
		answer_write(writer, &frame->body.answer);
		break;
	case JOIN_REFUSE:
		write_raw(writer, frame->body.refuse.nonce, JOIN_NONCE_SIZE);
		write_u8(writer, (uint8_t)frame->body.refuse.reason);
		break;
	}
	if (!writer_ok(writer))
		return;
	mac_of(key,
	       (struct span){(const char *)writer->data + start,
			     writer->size - start},
	       mac);
	write_raw(writer, mac, sizeof(mac));
}

/* ---- reading ---- */

static void raw_take(struct reader *reader, uint8_t *bytes, size_t size)
{
	struct span raw = read_raw(reader, size);

	if (raw.size == size)
		memcpy(bytes, raw.data, size);
}

static void name_take(struct reader *reader, struct name *name)
{
	struct span text = read_span(reader, NAME_SIZE_MAX);

	if ((text.size > 0 && !text_is_name(text)) || !name_set(name, text))
		reader->has_failed = true;
}

static uint32_t number_take(struct reader *reader)
{
	uint64_t number = read_varint(reader);

	if (number > UINT32_MAX)
		reader->has_failed = true;
	return (uint32_t)number;
}

static void ask_take(struct reader *reader, struct join_ask *ask)
{
	uint8_t has_begun;

	raw_take(reader, ask->nonce, sizeof(ask->nonce));
	ask->epoch = number_take(reader);
	has_begun = read_u8(reader);
	ask->has_begun = has_begun == 1;
	raw_take(reader, ask->public_key, sizeof(ask->public_key));
	ask->boot = read_u64(reader);
	name_take(reader, &ask->site);
	ask->stamp.value = read_u64(reader);
	if (ask->epoch == 0 || ask->epoch > EPOCH_MAX || has_begun > 1)
		reader->has_failed = true;
}

static void root_take(struct reader *reader, struct root *root)
{
	root->epoch = number_take(reader);
	raw_take(reader, root->root_public, sizeof(root->root_public));
	raw_take(reader, root->public_key, sizeof(root->public_key));
	root->after_seq = read_varint(reader);
	raw_take(reader, root->after_hash, sizeof(root->after_hash));
	raw_take(reader, root->signature, sizeof(root->signature));
}

static void answer_take(struct reader *reader, struct join_answer *answer)
{
	struct span zone;
	uint8_t role;

	raw_take(reader, answer->nonce, sizeof(answer->nonce));
	raw_take(reader, answer->net_id, sizeof(answer->net_id));
	answer->site = number_take(reader);
	answer->epoch = number_take(reader);
	answer->parent_epoch = number_take(reader);
	name_take(reader, &answer->name);
	name_take(reader, &answer->org);
	zone = read_span(reader, REF_SIZE_MAX);
	role = read_u8(reader);
	answer->role = (enum site_role)role;
	answer->until_ms = read_varint(reader);
	answer->stamp.value = read_u64(reader);
	root_take(reader, &answer->root);
	if (!text_is_clean(zone) || !ref_set(&answer->timezone, zone) ||
	    role == 0 || role > SITE_ROLE_MAX || answer->site < SITE_FIRST ||
	    answer->epoch == 0 || answer->epoch > EPOCH_MAX ||
	    answer->parent_epoch >= answer->epoch || answer->name.size == 0 ||
	    answer->org.size == 0)
		reader->has_failed = true;
}

static void refuse_take(struct reader *reader, struct join_frame *frame)
{
	uint8_t reason;

	raw_take(reader, frame->body.refuse.nonce, JOIN_NONCE_SIZE);
	reason = read_u8(reader);
	frame->body.refuse.reason = (enum join_refusal)reason;
	if (reason == 0 || reason > JOIN_REFUSAL_MAX)
		reader->has_failed = true;
}

static enum err_code head_take(struct reader *reader, enum join_type *ret_type,
			       uint32_t *ret_number)
{
	uint8_t first = read_u8(reader);
	uint32_t number = number_take(reader);

	if (!reader_ok(reader) || number == 0)
		return ERR_CORRUPT;
	if (first >> VERSION_SHIFT != FRAME_VERSION)
		return ERR_VERSION;
	switch (first & TYPE_MASK) {
	case JOIN_ASK:
		*ret_type = JOIN_ASK;
		break;
	case JOIN_ANSWER:
		*ret_type = JOIN_ANSWER;
		break;
	case JOIN_REFUSE:
		*ret_type = JOIN_REFUSE;
		break;
	default:
		return (first & TYPE_MASK) >= FRAME_JOIN_FIRST &&
				       (first & TYPE_MASK) <= FRAME_JOIN_LAST
			       ? ERR_VERSION
			       : ERR_CORRUPT;
	}
	*ret_number = number;
	return ERR_OK;
}

enum err_code join_peek(struct span bytes, enum join_type *ret_type,
			uint32_t *ret_number)
{
	struct reader reader;

	reader_init(&reader, bytes.data, bytes.size);
	return head_take(&reader, ret_type, ret_number);
}

/* The MAC before anything else is looked at. */
static enum err_code mac_check(struct span *bytes,
			       const uint8_t key[JOIN_KEY_SIZE])
{
	uint8_t mac[HASH_SIZE];
	uint8_t given[HASH_SIZE];

	if (bytes->size <= sizeof(mac) || bytes->size > JOIN_FRAME_SIZE_MAX)
		return ERR_CORRUPT;
	bytes->size -= sizeof(mac);
	memcpy(given, bytes->data + bytes->size, sizeof(given));
	mac_of(key, *bytes, mac);
	return seal_equal(mac, given) ? ERR_OK : ERR_DENIED;
}

enum err_code join_read(struct span bytes, const uint8_t key[JOIN_KEY_SIZE],
			struct join_frame *ret_frame)
{
	struct join_frame frame;
	struct reader reader;
	enum err_code code;

	memset(&frame, 0, sizeof(frame));
	code = join_peek(bytes, &frame.type, &frame.number);
	if (code == ERR_OK)
		code = mac_check(&bytes, key);
	if (code != ERR_OK)
		return code;
	reader_init(&reader, bytes.data, bytes.size);
	code = head_take(&reader, &frame.type, &frame.number);
	if (code != ERR_OK)
		return code;
	switch (frame.type) {
	case JOIN_ASK:
		ask_take(&reader, &frame.body.ask);
		break;
	case JOIN_ANSWER:
		answer_take(&reader, &frame.body.answer);
		break;
	case JOIN_REFUSE:
		refuse_take(&reader, &frame);
		break;
	}
	if (!reader_done(&reader))
		return ERR_CORRUPT;
	*ret_frame = frame;
	return ERR_OK;
}

bool join_is_answer(const struct join_ask *ask,
		    const struct join_answer *answer)
{
	return memcmp(ask->nonce, answer->nonce, sizeof(ask->nonce)) == 0 &&
	       root_verify(answer->net_id, &answer->root);
}

/* ---- sentences ---- */

static const struct {
	const char *en;
	const char *zh;
} sentences[] = {
	[JOIN_WELCOME] = {"welcome", "欢迎"},
	[JOIN_USED] =
		{"this invitation was used by another box: ask HQ for a new "
		 "one (depot hq invite)",
		 "此邀请已被另一台盒子使用：请向总部索取新的邀请（depot hq "
		 "invite）"},
	[JOIN_EXPIRED] =
		{"this invitation has expired: ask HQ for a new one (depot hq "
		 "invite)",
		 "此邀请已过期：请向总部索取新的邀请（depot hq invite）"},
	[JOIN_WITHDRAWN] = {"HQ has withdrawn this invitation: ask there why",
			    "总部已撤回此邀请：请向总部询问原因"},
	[JOIN_BUSY] = {"HQ was asked too often: wait a minute, then try again",
		       "向总部请求过于频繁：请等一分钟后再试"},
};

const char *join_refusal_text(enum join_refusal refusal, bool is_chinese)
{
	ASSERT((size_t)refusal < ARRAY_LEN(sentences));
	return is_chinese ? sentences[refusal].zh : sentences[refusal].en;
}
