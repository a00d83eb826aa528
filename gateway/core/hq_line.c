#include "gateway/core/hq_line.h"

#include <string.h>

#include "store/feed.h"
#include "store/heir.h"
#include "store/roster.h"

enum err_code hq_line_descends(const struct view *view, uint32_t site,
			       uint32_t epoch, uint32_t from, bool *ret_does,
			       struct err *err)
{
	struct heir heir = {.succession = {.parent_epoch = epoch}};
	enum err_code code = ERR_OK;

	while (code == ERR_OK && heir.succession.parent_epoch > from)
		code = heir_get(view, site, heir.succession.parent_epoch, &heir,
				err);
	*ret_does = code == ERR_OK && heir.succession.parent_epoch == from;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code hq_line_parent(const struct view *view, uint32_t site,
			     uint32_t epoch, uint32_t *ret_parent,
			     struct err *err)
{
	struct certificate certificate = {.parent_epoch = 0};
	struct heir heir = {.succession = {.parent_epoch = 0}};
	enum err_code code = heir_get(view, site, epoch, &heir, err);

	if (code == ERR_NOT_FOUND || heir.succession.parent_epoch == 0)
		code = roster_certificate(view, site, epoch, &certificate, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_parent = heir.succession.parent_epoch != 0
			      ? heir.succession.parent_epoch
			      : certificate.parent_epoch;
	return ERR_OK;
}

struct word {
	struct pos at;
	struct succession said;
};

static enum err_code word_note(void *context, struct pos pos,
			       const struct entry *entry, struct err *err)
{
	struct word *word = context;

	(void)err;
	word->at = pos;
	word->said = entry->body.succession;
	return ERR_OK;
}

/* Of a box that took another one's place: behind its beginning. */
static enum err_code word_later(const struct view *view, uint32_t site,
				uint32_t child, struct succession *ret_said,
				struct err *err)
{
	struct word word = {.at = {0}};
	enum err_code code = feed_latest_walk(view, site, ENTRY_SUCCESSION,
					      word_note, &word, err);

	*ret_said = (struct succession){.parent_seq = 0};
	if (code == ERR_OK && pos_epoch(word.at) == child &&
	    word.said.parent_seq > 0)
		*ret_said = word.said;
	return code;
}

enum err_code hq_line_is_held(const struct view *view, uint32_t site,
			      uint32_t child, uint32_t parent, bool *ret_is,
			      struct err *err)
{
	struct feed_id id = {site, parent, 0};
	uint8_t hash[HASH_SIZE];
	struct heir heir;
	struct succession *said = &heir.succession;
	bool has_all = false;
	enum err_code code = heir_get(view, site, child, &heir, err);

	*ret_is = false;
	if (code == ERR_OK && said->reason == SUCCESSION_REPLACED)
		code = word_later(view, site, child, said, err);
	else if (code == ERR_OK)
		has_all = said->parent_seq == 0; /* it had sealed nothing */
	if (code == ERR_OK && said->parent_epoch == parent && !has_all)
		code = feed_hash_at(view, id, said->parent_seq, hash, err);
	if (code != ERR_OK)
		return code == ERR_NOT_FOUND ? ERR_OK : code;
	*ret_is = said->parent_epoch == parent &&
		  (has_all || memcmp(hash, said->parent_hash, HASH_SIZE) == 0);
	return ERR_OK;
}
