/* The ends of what HQ said in control and in master. */
#include "store/guard.h"

#include <string.h>

#include "store/feed.h"

static const uint32_t feed_sites[GUARD_FEEDS] = {
	[GUARD_CONTROL] = SITE_CONTROL,
	[GUARD_MASTER] = SITE_MASTER,
};

struct ends {
	struct feed_record last[GUARD_FEEDS];
};

/* Past a fork it is this box's branch, or the longest. */
static bool is_later(const struct feed_record *feed,
		     const struct feed_record *than)
{
	if (feed->id.epoch != than->id.epoch)
		return feed->id.epoch > than->id.epoch;
	if (feed->is_own != than->is_own)
		return feed->is_own;
	return feed->seq > than->seq;
}

static enum err_code end_note(void *context, const struct feed_record *feed,
			      struct err *err)
{
	struct ends *ends = context;

	(void)err;
	if (feed->id.site >= SITE_FIRST) /* feeds come in order of sites */
		return ERR_STOPPED;
	for (size_t i = 0; i < GUARD_FEEDS; i++) {
		if (feed->id.site == feed_sites[i] && feed->seq > 0 &&
		    (ends->last[i].seq == 0 || is_later(feed, &ends->last[i])))
			ends->last[i] = *feed;
	}
	return ERR_OK;
}

enum err_code guard_words_of(const struct view *view,
			     struct guard_words *ret_words, struct err *err)
{
	struct ends ends = {.last = {{.seq = 0}}};
	enum err_code code = feed_walk(view, NULL, end_note, &ends, err);

	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	memset(ret_words, 0, sizeof(*ret_words));
	for (size_t i = 0; i < GUARD_FEEDS; i++) {
		if (ends.last[i].seq == 0)
			continue;
		ret_words->ends[i].epoch = ends.last[i].id.epoch;
		ret_words->ends[i].seq = ends.last[i].seq;
		memcpy(ret_words->ends[i].hash, ends.last[i].hash, HASH_SIZE);
	}
	return ERR_OK;
}

/* ---- whether they are here ---- */

struct word_search {
	const struct view *view;
	const struct guard_word *word;
	uint32_t site;
	bool is_held;
};

static enum err_code word_look(void *context, const struct feed_record *feed,
			       struct err *err)
{
	struct word_search *search = context;
	const struct guard_word *word = search->word;
	uint8_t hash[HASH_SIZE];
	enum err_code code;

	if (feed->id.site >= SITE_FIRST || search->is_held)
		return ERR_STOPPED;
	if (feed->id.site != search->site || feed->id.epoch < word->epoch)
		return ERR_OK;
	/* The root has spoken since. */
	search->is_held = feed->id.epoch > word->epoch && feed->seq > 0;
	if (search->is_held || feed->id.epoch != word->epoch ||
	    feed->seq < word->seq)
		return ERR_OK;
	code = feed_hash_at(search->view, feed->id, word->seq, hash, err);
	search->is_held =
		code == ERR_OK && memcmp(hash, word->hash, HASH_SIZE) == 0;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code word_is_held(const struct view *view, size_t which,
				  const struct guard_word *word, bool *ret_is,
				  struct err *err)
{
	struct word_search search = {.view = view,
				     .word = word,
				     .site = feed_sites[which],
				     .is_held = word->seq == 0};
	enum err_code code = feed_walk(view, NULL, word_look, &search, err);

	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	*ret_is = search.is_held;
	return ERR_OK;
}

enum err_code guard_words_held(const struct view *view,
			       const struct guard_words *words, bool *ret_are,
			       struct err *err)
{
	bool are = true;
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < GUARD_FEEDS && code == ERR_OK && are; i++)
		code = word_is_held(view, i, &words->ends[i], &are, err);
	if (code == ERR_OK)
		*ret_are = are;
	return code;
}

bool guard_words_equal(const struct guard_words *a, const struct guard_words *b)
{
	for (size_t i = 0; i < GUARD_FEEDS; i++) {
		const struct guard_word *one = &a->ends[i];
		const struct guard_word *other = &b->ends[i];

		if (one->epoch != other->epoch || one->seq != other->seq ||
		    memcmp(one->hash, other->hash, HASH_SIZE) != 0)
			return false;
	}
	return true;
}

enum err_code guard_words_raise(const struct view *view,
				struct guard_words *words, struct err *err)
{
	struct guard_words now;
	enum err_code code = guard_words_of(view, &now, err);

	for (size_t i = 0; i < GUARD_FEEDS && code == ERR_OK; i++) {
		bool is_held = false;

		code = word_is_held(view, i, &words->ends[i], &is_held, err);
		if (is_held)
			words->ends[i] = now.ends[i];
	}
	return code;
}
