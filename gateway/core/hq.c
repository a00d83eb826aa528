#include "gateway/core/hq.h"

#include <string.h>

#include "store/site.h"

/* Of the entries of one word, encoded. */
#define WORD_SIZE_MAX 8192

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
	entry->clock_flags = 0;
	if (!batch_clock_trusted(batch))
		return;
	entry->clock_flags = ENTRY_EFFECTIVE_TRUSTED;
	if (stamp_is_near(*last, batch_now(batch)))
		entry->clock_flags |= ENTRY_CLOCK_TRUSTED;
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

enum err_code hq_write(const struct hq *hq, struct batch *batch,
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
	return hq_write(hq, batch, word, ret_seq, err);
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
