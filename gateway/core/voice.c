#include "gateway/core/voice.h"

#include <string.h>

void voice_begin(struct voice *voice, const struct guard_memory *memory,
		 bool is_hq, atomic_int *told)
{
	const struct guard *guard = &memory->guard;
	bool is_ours = memory->has_guard && memory->words != GUARD_FOREIGN;

	*voice = (struct voice){
		.is_hq = is_hq, .voice = HQ_LISTENS, .told = told};
	if (!is_ours)
		return;
	voice->own.epoch = guard->epoch;
	voice->own.seq = guard->seq;
	memcpy(voice->own.hash, guard->hash, HASH_SIZE);
	voice->known = guard->words;
	/* Of another machine it is not sure any more. */
	voice->is_sure = guard->has_words && guard->is_sure &&
			 (memory->words == GUARD_SAME ||
			  memory->words == GUARD_ROLLBACK) &&
			 memory->verdict != GUARD_MOVED;
	voice->was_sure = voice->is_sure;
}

/* What a peer shows is no more than is remembered. */
static bool is_within(const struct guard_word *known,
		      const struct sync_finding *finding)
{
	if (finding->feed.epoch != known->epoch)
		return finding->feed.epoch < known->epoch;
	if (finding->seq != known->seq)
		return finding->seq < known->seq;
	/* Only the first bytes come with HAVE. */
	return memcmp(finding->hash, known->hash, sizeof(uint64_t)) == 0;
}

void voice_found(struct voice *voice, const struct sync_finding *finding,
		 bool was_known)
{
	bool is_stick = finding->feed.epoch == 0;

	if (!voice->is_hq || (is_stick && was_known))
		return;
	/* All that is remembered is here, and this is not. */
	if (voice->voice == HQ_SPEAKS)
		voice->is_sure = false;
	if (finding->feed.site == SITE_CONTROL)
		voice->is_sure &=
			is_within(&voice->known.ends[GUARD_CONTROL], finding);
	else if (finding->feed.site == SITE_MASTER)
		voice->is_sure &=
			is_within(&voice->known.ends[GUARD_MASTER], finding);
	else
		voice->is_sure &= !is_stick && is_within(&voice->own, finding);
}

/* Peers were heard long enough, and none of them shows more. */
static bool has_heard(struct voice *voice, const struct voice_now *now)
{
	if (now->links == EXCHANGE_ALONE || !now->is_answered)
		voice->heard_ms = 0;
	else if (voice->heard_ms == 0)
		voice->heard_ms = now->ms + 1;
	return voice->heard_ms != 0 &&
	       now->ms + 1 - voice->heard_ms >= VOICE_HEAR_MS;
}

static enum hq_voice voice_of(const struct voice *voice,
			      const struct voice_now *now, bool is_certified,
			      bool are_held)
{
	if (!voice->is_sure)
		return now->was_set_back || !is_certified ? HQ_DOUBTS
							  : HQ_LISTENS;
	return now->was_set_back || !are_held ? HQ_BEHIND : HQ_SPEAKS;
}

/* Somebody else signs for this box's ledger: whoever can do that may have the
 * keys of HQ's words, too. */
static enum err_code copy_look(struct voice *voice, const struct view *view,
			       bool is_certified, struct err *err)
{
	struct feed_id id = {SITE_FIRST, voice->own.epoch, 0};
	struct feed_record feed;
	enum err_code code;

	if (!voice->is_sure || is_certified || voice->own.seq == 0)
		return ERR_OK;
	code = feed_get(view, id, &feed, err);
	if (code == ERR_OK && feed.state == FEED_FORKED)
		voice->is_sure = false;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* What others have made of it since. */
static bool is_told(const struct voice *voice, enum hq_voice what)
{
	return voice->told != NULL && voice->voice != what &&
	       atomic_load(voice->told) == (int)what;
}

enum err_code voice_look(struct voice *voice, const struct voice_now *now,
			 bool *ret_turned, struct err *err)
{
	bool is_certified = false;
	bool are_held = false;
	enum err_code code;

	*ret_turned = false;
	if (is_told(voice, HQ_DOUBTS))
		voice->is_sure = false;
	if (!voice->is_hq ||
	    (voice->is_sure && voice->voice == HQ_SPEAKS && !now->was_set_back))
		return ERR_OK;
	code = hq_own_certified(now->view, &is_certified, err);
	if (code == ERR_OK)
		code = guard_words_held(now->view, &voice->known, &are_held,
					err);
	if (code == ERR_OK)
		code = copy_look(voice, now->view, is_certified, err);
	if (code != ERR_OK)
		return code;
	if (!now->was_set_back && is_certified && are_held &&
	    (is_told(voice, HQ_CONFIRMED) || has_heard(voice, now)))
		voice->is_sure = true;
	voice->voice = voice_of(voice, now, is_certified, are_held);
	if (voice->told != NULL)
		atomic_store(voice->told, (int)voice->voice);
	*ret_turned = voice->is_sure != voice->was_sure;
	voice->was_sure = voice->is_sure;
	return ERR_OK;
}

bool voice_is_sure(const struct voice *voice)
{
	return voice->is_sure;
}

bool voice_wants_words(const struct voice *voice)
{
	return voice->voice == HQ_BEHIND || voice->voice == HQ_DOUBTS;
}
