/*
 * What HQ said: in the guard before it leaves, and whether HQ may speak
 * (core/voice.h).
 */
#include <string.h>

#include "gateway/edge/envoy_guard.h"
#include "gateway/edge/envoy_parts.h"

static struct view *view_open(struct envoy *envoy)
{
	struct view *view = NULL;
	struct err err;

	if (view_begin(ledger_env(envoy->config.ledger), &view, &err) != ERR_OK)
		envoy_failed(envoy, "words", &err);
	return view;
}

void envoy_words_begin(struct envoy *envoy, const struct guard_memory *memory)
{
	const struct hq *hq = envoy->config.hq;
	struct view *view;

	voice_begin(&envoy->voice, memory, envoy->config.site == SITE_FIRST,
		    hq != NULL ? hq->voice : NULL);
	envoy->words = memory->guard.words;
	envoy_words_turn(envoy);
	view = view_open(envoy);
	if (view == NULL)
		return;
	(void)envoy_words_keep(envoy, view); /* or they are held back */
	view_end(view);
}

static enum err_code words_save(struct envoy *envoy, const struct view *view,
				const struct guard_words *words,
				struct err *err)
{
	struct guard_place place = envoy_guard_place(&envoy->config);
	enum err_code code = guard_save(&place, view, err);

	if (code == ERR_OK)
		envoy->words = *words;
	return code;
}

/* An HQ that is not sure says nothing: what it has, others have. */
bool envoy_words_keep(struct envoy *envoy, const struct view *view)
{
	struct guard_words words;
	struct err err;
	enum err_code code;
	bool had_failed = envoy->has_failed_words;

	if (!envoy->voice.is_hq || !voice_is_sure(&envoy->voice))
		return true;
	code = guard_words_of(view, &words, &err);
	if (code == ERR_OK && !guard_words_equal(&words, &envoy->words))
		code = words_save(envoy, view, &words, &err);
	envoy->has_failed_words = code != ERR_OK;
	if (envoy->sync != NULL)
		sync_words_hold(envoy->sync, envoy->has_failed_words);
	if (code != ERR_OK && !had_failed)
		log_event(envoy->config.log, LEVEL_ERROR, "guard_failed", "%s",
			  err.text);
	return code == ERR_OK;
}

bool envoy_words_are_kept(struct envoy *envoy)
{
	struct view *view;
	bool are;

	if (!envoy->voice.is_hq)
		return true;
	view = view_open(envoy);
	are = view != NULL && envoy_words_keep(envoy, view);
	if (view != NULL)
		view_end(view);
	return are;
}

/* The peer engine asks for them like for any feed, until they are here. */
static void wants_tell(struct envoy *envoy)
{
	bool wants = voice_wants_words(&envoy->voice);

	if (envoy->sync == NULL || envoy->self.is_behind == wants ||
	    exchange_was_set_back(envoy->exchange))
		return;
	envoy->self.is_behind = wants;
	sync_self_set(envoy->sync, &envoy->self);
}

static void turned(struct envoy *envoy, const struct view *view)
{
	struct guard_place place = envoy_guard_place(&envoy->config);
	bool is_sure = voice_is_sure(&envoy->voice);
	struct err err;

	log_event(envoy->config.log, is_sure ? LEVEL_NOTICE : LEVEL_ALERT,
		  "hq_words",
		  is_sure ? "HQ's own words are all here: it speaks"
			  : "sites hold words of this HQ that its guard does "
			    "not know of: it says nothing until the root key "
			    "speaks");
	if (guard_vouch(&place, view, is_sure, &err) != ERR_OK)
		log_event(envoy->config.log, LEVEL_ERROR, "guard_failed", "%s",
			  err.text);
}

void envoy_words_turn(struct envoy *envoy)
{
	struct sync_counts counts = {.haves_got = 0};
	enum hq_voice before = envoy->voice.voice;
	struct voice_now now = {.ms = envoy_moment(envoy).ms,
				.was_set_back =
					exchange_was_set_back(envoy->exchange),
				.links = EXCHANGE_ALONE};
	bool has_turned = false;
	struct view *view;
	struct err err;

	if (!envoy->voice.is_hq || (view = view_open(envoy)) == NULL)
		return;
	if (envoy->sync != NULL) {
		sync_counts(envoy->sync, &counts);
		now.links = envoy_links(envoy);
	}
	now.view = view;
	now.is_answered = counts.haves_got > 0;
	if (voice_look(&envoy->voice, &now, &has_turned, &err) != ERR_OK)
		envoy_failed(envoy, "words", &err);
	if (has_turned)
		turned(envoy, view);
	view_end(view);
	if (before == HQ_BEHIND && envoy->voice.voice == HQ_SPEAKS)
		log_event(envoy->config.log, LEVEL_NOTICE, "hq_words",
			  "HQ has its own words again: it speaks on behind "
			  "them");
	wants_tell(envoy);
}
