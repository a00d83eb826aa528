#include "gateway/core/hq_root.h"

#include <string.h>

#include "gateway/core/hq_ends.h"
#include "store/site.h"

/* The founding's own three entries. */
#define FOUNDING_COUNT 3

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
	return hq_write(hq, batch, &word, NULL, err);
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
			code = hq_write(renewing->hq, batch, &word, NULL, err);
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
