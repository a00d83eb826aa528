#include "gateway/core/hq.h"

#include <string.h>

#include "gateway/core/hq_ends.h"
#include "store/site.h"

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
	bool is_behind = false;
	enum err_code code = roster_root(batch_view(batch), &root, err);

	if (code == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND,
			       "there is no network yet: depot hq init");
	if (code == ERR_OK)
		code = hq_is_behind(hq, batch_view(batch), &is_behind, err);
	if (code == ERR_OK && is_behind)
		code = err_set(err, ERR_AGAIN,
			       "HQ may have been set back: it says nothing");
	if (code != ERR_OK)
		return code;
	return delta_say(hq, batch, word, ret_seq, err);
}

/* ---- a store that was set back ---- */

enum err_code hq_own_certified(const struct view *view, bool *ret_is,
			       struct err *err)
{
	struct certificate certificate;
	struct journal_head head;
	enum err_code code = journal_head_get(view, &head, err);

	if (code == ERR_OK)
		code = roster_certificate(view, SITE_FIRST, pos_epoch(head.pos),
					  &certificate, err);
	*ret_is = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* What the voice comes to, if the store has nothing against it. */
static enum hq_silence voice_silence(enum hq_voice voice, bool is_certified)
{
	switch (voice) {
	case HQ_LISTENS:
		return is_certified ? HQ_SILENCE_LISTENS : HQ_SILENCE_ROOT;
	case HQ_SPEAKS:
	case HQ_CONFIRMED:
		return HQ_SILENCE_NONE;
	case HQ_BEHIND:
		return HQ_SILENCE_BEHIND;
	case HQ_DOUBTS:
		break;
	}
	return HQ_SILENCE_ROOT;
}

/* HQ's words came back, of an epoch whose keys are not open. */
static enum err_code epoch_is_over(const struct hq *hq, const struct view *view,
				   bool *ret_is, struct err *err)
{
	struct root root;
	enum err_code code = roster_root(view, &root, err);

	*ret_is = code == ERR_OK && root.epoch > hq->control_epoch;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code hq_silence_of(const struct hq *hq, const struct view *view,
			    enum hq_silence *ret_silence, struct err *err)
{
	struct feed_record control = {.state = FEED_UNKNOWN};
	enum hq_silence silence;
	bool is_certified = false;
	bool is_restored = false;
	bool is_over = false;
	enum err_code code = site_restored_get(view, &is_restored, err);

	if (code == ERR_OK)
		code = hq_own_certified(view, &is_certified, err);
	if (code == ERR_OK)
		code = epoch_is_over(hq, view, &is_over, err);
	if (code == ERR_OK)
		code = feed_get(view, hq_feed(hq, false), &control, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (hq->voice != NULL)
		silence = voice_silence((enum hq_voice)atomic_load(hq->voice),
					is_certified);
	else
		silence = is_certified ? HQ_SILENCE_NONE : HQ_SILENCE_ROOT;
	if (silence == HQ_SILENCE_NONE && (is_restored || is_over))
		silence = HQ_SILENCE_BEHIND;
	*ret_silence = control.state == FEED_FORKED ? HQ_SILENCE_ROOT : silence;
	return ERR_OK;
}

enum err_code hq_is_behind(const struct hq *hq, const struct view *view,
			   bool *ret_is, struct err *err)
{
	enum hq_silence silence = HQ_SILENCE_NONE;
	enum err_code code = hq_silence_of(hq, view, &silence, err);

	if (code == ERR_OK)
		*ret_is = silence != HQ_SILENCE_NONE;
	return code;
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

/* ---- the root speaks again ---- */

/* One word: the statement, the master epoch's certificate, this box's own, and
 * the ends of what went before; what does not fit is said in further ones. */
#define RENEWAL_ENTRIES_MAX 11

struct renewing {
	const struct hq *hq;
	uint32_t own; /* the epoch in which this box's ledger goes on */
	size_t count;
	struct entry entries[RENEWAL_ENTRIES_MAX];
};

static struct entry *renewal_next(struct renewing *renewing,
				  enum entry_kind kind)
{
	struct entry *entry = &renewing->entries[renewing->count++];

	entry_init(entry, kind);
	return entry;
}

/* Control up to what is held here counts, and no word behind it. */
static enum err_code statement_add(struct renewing *renewing,
				   const struct view *view,
				   const struct signer *key,
				   struct hq_renewed *renewed, struct err *err)
{
	struct feed_id before = {SITE_CONTROL, renewed->before, 0};
	struct feed_record feed;
	struct entry *entry = renewal_next(renewing, ENTRY_ROOT);
	struct root *root = &entry->body.root;
	enum err_code code = feed_get(view, before, &feed, err);

	if (code != ERR_OK)
		return code;
	root->epoch = renewing->hq->control_epoch;
	memcpy(root->public_key, signer_public(renewing->hq->control),
	       sizeof(root->public_key));
	root->after_seq = feed.seq;
	memcpy(root->after_hash, feed.hash, sizeof(root->after_hash));
	root_sign(key, root);
	renewed->seq = feed.seq;
	return root_verify(renewing->hq->identity->net_id, root)
		       ? ERR_OK
		       : err_set(err, ERR_INVALID,
				 "that is not the root key of this network");
}

static enum err_code master_add(struct renewing *renewing, struct batch *batch,
				struct err *err)
{
	struct certificate master;
	enum err_code code =
		roster_site(batch_view(batch), SITE_MASTER, &master, err);

	if (code != ERR_OK)
		return code;
	master.parent_epoch = master.epoch;
	master.epoch = renewing->hq->master_epoch;
	master.valid_from_ms = (uint64_t)batch_now(batch).ms;
	certificate_entry(&master, signer_public(renewing->hq->master),
			  renewal_next(renewing, ENTRY_CERTIFICATE));
	return ERR_OK;
}

/* The key with which this box's own ledger goes on is in its journal. */
static enum err_code own_add(struct renewing *renewing, struct batch *batch,
			     struct err *err)
{
	const struct view *view = batch_view(batch);
	struct certificate own;
	struct entry founding;
	enum err_code code = roster_site(view, SITE_FIRST, &own, err);

	if (code == ERR_OK)
		code = journal_read(view, pos_make(renewing->own, 1), &founding,
				    err);
	if (code != ERR_OK)
		return code;
	ASSERT(founding.kind == ENTRY_FOUNDING);
	own.parent_epoch = own.epoch;
	own.epoch = renewing->own;
	own.is_provisional = false;
	own.valid_from_ms = (uint64_t)batch_now(batch).ms;
	certificate_entry(&own, founding.body.founding.public_key,
			  renewal_next(renewing, ENTRY_CERTIFICATE));
	return ERR_OK;
}

static enum err_code renewal_allow(const struct view *view,
				   struct root *ret_root, struct err *err)
{
	bool is_restored = false;
	enum err_code code = roster_root(view, ret_root, err);

	if (code == ERR_NOT_FOUND)
		return err_set(err, code,
			       "there is no network yet: depot hq init");
	if (code == ERR_OK)
		code = site_restored_get(view, &is_restored, err);
	if (code == ERR_OK && is_restored)
		code = err_set(err, ERR_AGAIN,
			       "peers have not been asked for what this store "
			       "lost");
	return code;
}

/* What HQ wrote itself, and goes on elsewhere, ends where it is held here. */
static enum err_code renewal_say(struct renewing *renewing, struct batch *batch,
				 struct err *err)
{
	struct hq_life lives[] = {
		{SITE_MASTER, renewing->hq->master_epoch, 0},
		{SITE_FIRST, renewing->own, 0},
	};
	struct hq_ends ends = {.lives = lives, .life_count = ARRAY_LEN(lives)};
	enum err_code code;

	do {
		struct hq_word word = {renewing->entries, 0, false};

		code = hq_ends_add(&ends, batch_view(batch), renewing->entries,
				   &renewing->count, RENEWAL_ENTRIES_MAX, err);
		word.count = renewing->count;
		renewing->count = 0;
		if (code == ERR_OK && word.count > 0)
			code = delta_say(renewing->hq, batch, &word, NULL, err);
	} while (code == ERR_OK && ends.has_more);
	return code;
}

enum err_code hq_renew(const struct hq *hq, struct batch *batch,
		       const struct signer *root,
		       struct hq_renewed *ret_renewed, struct err *err)
{
	const struct view *view = batch_view(batch);
	UNINITIALIZED struct renewing renewing;
	struct hq_renewed renewed = {.seq = 0};
	bool is_certified = false;
	struct root before;
	enum err_code code = renewal_allow(view, &before, err);

	if (code != ERR_OK)
		return code;
	ASSERT(hq->control_epoch == before.epoch + 1);
	renewing.hq = hq;
	renewing.own = pos_epoch(batch_next(batch));
	renewing.count = 0;
	renewed.before = before.epoch;
	code = statement_add(&renewing, view, root, &renewed, err);
	if (code == ERR_OK)
		code = master_add(&renewing, batch, err);
	if (code == ERR_OK)
		code = hq_own_certified(view, &is_certified, err);
	if (code == ERR_OK && !is_certified)
		code = own_add(&renewing, batch, err);
	renewed.is_certified = !is_certified;
	if (code == ERR_OK)
		code = renewal_say(&renewing, batch, err);
	if (code == ERR_OK)
		*ret_renewed = renewed;
	return code;
}
