#include "gateway/core/hq.h"

#include <string.h>

/* Of the entries of one word, encoded. */
#define WORD_SIZE_MAX 8192

/* The founding's own three entries. */
#define FOUNDING_COUNT 3

struct certificate hq_certificate(const struct batch *batch, uint32_t site,
				  enum site_role role)
{
	return (struct certificate){
		.site = site,
		.epoch = 1,
		.role = role,
		.rights = role == SITE_ROLE_SITE ? RIGHT_PROMISE : RIGHTS_ALL,
		.valid_from_ms = (uint64_t)batch_now(batch).ms,
	};
}

/* ---- writing ---- */

struct encoded {
	struct span spans[HQ_SAID_MAX];
	uint8_t bytes[WORD_SIZE_MAX];
};

void hq_stamp(const struct batch *batch, struct stamp *last,
	      struct entry *entry)
{
	*last = stamp_next(*last, batch_now(batch));
	entry->stamp = *last;
	entry->effective = batch_now(batch);
	entry->clock_flags =
		batch_clock_trusted(batch)
			? ENTRY_CLOCK_TRUSTED | ENTRY_EFFECTIVE_TRUSTED
			: 0;
}

static enum err_code encode(const struct batch *batch, struct stamp last,
			    const struct hq_word *word, struct encoded *encoded,
			    struct err *err)
{
	struct writer writer;

	writer_init(&writer, encoded->bytes, sizeof(encoded->bytes));
	for (size_t i = 0; i < word->count; i++) {
		size_t start = writer.size;

		hq_stamp(batch, &last, &word->entries[i]);
		if (!entry_is_sound(&word->entries[i]))
			return err_set(err, ERR_DENIED,
				       "an entry of kind %s is not sound",
				       entry_kind_name(word->entries[i].kind));
		entry_encode(&writer, &word->entries[i]);
		encoded->spans[i] =
			(struct span){(const char *)encoded->bytes + start,
				      writer.size - start};
	}
	if (!writer_ok(&writer))
		return err_set(err, ERR_FULL,
			       "HQ says more at once than a delta holds");
	return ERR_OK;
}

struct feed_id hq_feed(const struct hq *hq, bool is_master)
{
	return (struct feed_id){
		.site = is_master ? SITE_MASTER : SITE_CONTROL,
		.epoch = is_master ? hq->master_epoch : hq->control_epoch,
	};
}

struct seal_plan hq_plan(const struct hq *hq, const struct batch *batch,
			 bool is_master)
{
	return (struct seal_plan){
		.signer = is_master ? hq->master : hq->control,
		.now = batch_now(batch),
		.clock_trusted = batch_clock_trusted(batch),
		.boot = hq->boot,
		.rows_max = DELTA_ROWS_LIVE_MAX,
	};
}

static enum err_code delta_say(const struct hq *hq, struct batch *batch,
			       const struct hq_word *word, uint64_t *ret_seq,
			       struct err *err)
{
	UNINITIALIZED struct encoded encoded;
	struct feed_write written = {
		.id = hq_feed(hq, word->is_master),
		.plan = hq_plan(hq, batch, word->is_master),
		.entries = encoded.spans,
		.count = word->count,
	};
	struct feed_record feed = {.seq = 0};
	uint64_t seq;
	enum err_code code;

	ASSERT(word->count >= 1 && word->count <= HQ_SAID_MAX);
	code = feed_get(batch_view(batch), written.id, &feed, err);
	if (code == ERR_NOT_FOUND)
		code = ERR_OK;
	if (code == ERR_OK)
		code = encode(batch, feed.stamp, word, &encoded, err);
	if (code == ERR_OK)
		code = feed_write(hq->desk, batch_txn(batch), &written, &seq,
				  err);
	if (code == ERR_OK && ret_seq != NULL)
		*ret_seq = seq;
	return code;
}

enum err_code hq_say(const struct hq *hq, struct batch *batch,
		     const struct hq_word *word, uint64_t *ret_seq,
		     struct err *err)
{
	struct root root;
	enum err_code code = roster_root(batch_view(batch), &root, err);

	if (code == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND,
			       "there is no network yet: depot hq init");
	if (code != ERR_OK)
		return code;
	return delta_say(hq, batch, word, ret_seq, err);
}

/* ---- founding ---- */

static void root_entry(const struct hq *hq, const struct signer *key,
		       struct entry *entry)
{
	entry_init(entry, ENTRY_ROOT);
	entry->body.root.epoch = hq->control_epoch;
	memcpy(entry->body.root.public_key, signer_public(hq->control),
	       sizeof(entry->body.root.public_key));
	root_sign(key, &entry->body.root);
}

static void certificate_entry(const struct certificate *certificate,
			      const uint8_t *public_key, struct entry *entry)
{
	entry_init(entry, ENTRY_CERTIFICATE);
	entry->body.certificate = *certificate;
	memcpy(entry->body.certificate.public_key, public_key,
	       sizeof(entry->body.certificate.public_key));
}

enum err_code hq_found(const struct hq *hq, struct batch *batch,
		       const struct signer *root, struct err *err)
{
	const struct founding *identity = hq->identity;
	struct certificate master =
		hq_certificate(batch, SITE_MASTER, SITE_ROLE_MASTER);
	struct certificate own =
		hq_certificate(batch, SITE_FIRST, SITE_ROLE_HQ);
	struct entry entries[FOUNDING_COUNT];
	struct hq_word word = {entries, FOUNDING_COUNT, false};
	struct root there;
	bool fits;
	enum err_code code = roster_root(batch_view(batch), &there, err);

	if (code == ERR_OK)
		return err_set(err, ERR_CONFLICT,
			       "this box is HQ of a network already");
	if (code != ERR_NOT_FOUND)
		return code;
	master.epoch = hq->master_epoch;
	own.epoch = pos_epoch(batch_next(batch));
	own.name = identity->site;
	fits = name_set(&master.name, SPAN_LITERAL("master"));
	ASSERT(fits);
	root_entry(hq, root, &entries[0]);
	certificate_entry(&master, signer_public(hq->master), &entries[1]);
	certificate_entry(&own, identity->public_key, &entries[2]);
	if (!root_verify(identity->net_id, &entries[0].body.root))
		return err_set(err, ERR_INVALID,
			       "that is not the root key of this network");
	return delta_say(hq, batch, &word, NULL, err);
}
