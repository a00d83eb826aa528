#include "store/roster.h"

#include <string.h>

#include "store/last_word.h"
#include "store/row.h"

/* Kinds of TABLE_ROSTER's rows: the first byte of their keys. Others are in
 * catalogue.c. */
#define ROSTER_ROOT 'r'        /* epoch */
#define ROSTER_CERTIFICATE 'c' /* site, epoch */
#define ROSTER_NAME 'n'        /* name: site, epoch of the certificate */
#define ROSTER_FENCE 'f'       /* site, epoch, branch */
#define ROSTER_INVITATION 'v'  /* number */
#define ROSTER_INTENT 'i'      /* id */
#define ROSTER_ANSWER 'a'      /* site, id */

#define ROOT_TAG "depot root v1"
#define ROOT_SIZE_MAX 128

/* ---- the root's statement ---- */

static struct span root_bytes(const struct root *root, uint8_t *buffer)
{
	struct writer writer;

	writer_init(&writer, buffer, ROOT_SIZE_MAX);
	write_varint(&writer, root->epoch);
	write_raw(&writer, root->root_public, sizeof(root->root_public));
	write_raw(&writer, root->public_key, sizeof(root->public_key));
	write_varint(&writer, root->after_seq);
	write_raw(&writer, root->after_hash, sizeof(root->after_hash));
	ASSERT(writer_ok(&writer));
	return (struct span){(const char *)buffer, writer.size};
}

void root_sign(const struct signer *root_key, struct root *root)
{
	uint8_t net_id[NET_ID_SIZE];
	uint8_t buffer[ROOT_SIZE_MAX];

	memcpy(root->root_public, signer_public(root_key),
	       sizeof(root->root_public));
	keys_net_id(root->root_public, net_id);
	signer_sign(root_key, ROOT_TAG, net_id, root_bytes(root, buffer),
		    root->signature);
}

bool root_verify(const uint8_t net_id[NET_ID_SIZE], const struct root *root)
{
	uint8_t founded[NET_ID_SIZE];
	uint8_t buffer[ROOT_SIZE_MAX];

	keys_net_id(root->root_public, founded);
	return memcmp(founded, net_id, NET_ID_SIZE) == 0 &&
	       signature_is_good(root->root_public, ROOT_TAG, net_id,
				 root_bytes(root, buffer), root->signature);
}

/* ---- keys ---- */

static struct key roster_key(char kind)
{
	struct key key = {.size = 0};

	key_add_u8(&key, (uint8_t)kind);
	return key;
}

static struct key number_key(char kind, uint32_t number)
{
	struct key key = roster_key(kind);

	key_add_u32(&key, number);
	return key;
}

static struct key text_key(char kind, struct span text)
{
	struct key key = roster_key(kind);

	key_add_text(&key, text);
	return key;
}

static struct key certificate_key(uint32_t site, uint32_t epoch)
{
	struct key key = number_key(ROSTER_CERTIFICATE, site);

	key_add_u32(&key, epoch);
	return key;
}

static struct key fence_key(struct feed_id feed)
{
	struct key key = number_key(ROSTER_FENCE, feed.site);

	key_add_u32(&key, feed.epoch);
	key_add_u64(&key, feed.branch);
	return key;
}

static struct key answer_key(uint32_t site, struct span id)
{
	struct key key = number_key(ROSTER_ANSWER, site);

	key_add_text(&key, id);
	return key;
}

/* ---- reading ---- */

static enum err_code record_read(struct reader *reader, struct pos *ret_pos,
				 struct entry *ret_entry, struct err *err)
{
	*ret_pos = read_pos(reader);
	if (!reader_ok(reader) ||
	    entry_decode(read_raw(reader, reader_left(reader)), ret_entry) !=
		    ERR_OK)
		return row_garbled(TABLE_ROSTER, err);
	return ERR_OK;
}

static enum err_code record_get(const struct view *view, const struct key *key,
				struct entry *ret_entry, struct err *err)
{
	struct reader reader;
	struct pos pos;
	enum err_code code =
		row_get(view, TABLE_ROSTER, key_span(key), &reader, err);

	if (code == ERR_OK)
		code = record_read(&reader, &pos, ret_entry, err);
	return code;
}

/* The last row whose key begins with @prefix. */
static enum err_code record_last(const struct view *view,
				 const struct key *prefix,
				 struct entry *ret_entry, struct err *err)
{
	struct span key;
	struct span value;
	struct reader reader;
	struct pos pos;
	enum err_code code = view_last(view, TABLE_ROSTER, key_span(prefix),
				       &key, &value, err);

	if (code == ERR_OK)
		code = row_open(TABLE_ROSTER, key, value, &reader, err);
	if (code == ERR_OK)
		code = record_read(&reader, &pos, ret_entry, err);
	return code;
}

enum err_code roster_root(const struct view *view, struct root *ret_root,
			  struct err *err)
{
	struct key prefix = roster_key(ROSTER_ROOT);
	struct entry entry;
	enum err_code code = record_last(view, &prefix, &entry, err);

	if (code == ERR_OK)
		*ret_root = entry.body.root;
	return code;
}

enum err_code roster_root_of(const struct view *view, uint32_t epoch,
			     struct root *ret_root, struct err *err)
{
	struct key key = number_key(ROSTER_ROOT, epoch);
	struct entry entry;
	enum err_code code = record_get(view, &key, &entry, err);

	if (code == ERR_OK)
		*ret_root = entry.body.root;
	return code;
}

static enum err_code root_first(void *context, struct span key,
				struct span value, struct err *err)
{
	struct entry *entry = context;
	struct reader reader;
	struct pos pos;
	enum err_code code = row_open(TABLE_ROSTER, key, value, &reader, err);

	if (code == ERR_OK)
		code = record_read(&reader, &pos, entry, err);
	return code == ERR_OK ? ERR_STOPPED : code;
}

enum err_code roster_root_after(const struct view *view, uint32_t epoch,
				struct root *ret_root, struct err *err)
{
	struct key prefix = roster_key(ROSTER_ROOT);
	struct key from = number_key(ROSTER_ROOT, epoch + 1);
	struct entry entry;
	enum err_code code;

	ASSERT(epoch < UINT32_MAX);
	code = view_walk(view, TABLE_ROSTER, key_span(&from), key_span(&prefix),
			 root_first, &entry, err);
	if (code == ERR_OK)
		return ERR_NOT_FOUND;
	if (code != ERR_STOPPED)
		return code;
	*ret_root = entry.body.root;
	return ERR_OK;
}

enum err_code roster_certificate(const struct view *view, uint32_t site,
				 uint32_t epoch,
				 struct certificate *ret_certificate,
				 struct err *err)
{
	struct key key = certificate_key(site, epoch);
	struct entry entry;
	enum err_code code = record_get(view, &key, &entry, err);

	if (code == ERR_OK)
		*ret_certificate = entry.body.certificate;
	return code;
}

enum err_code roster_site(const struct view *view, uint32_t site,
			  struct certificate *ret_certificate, struct err *err)
{
	struct key prefix = number_key(ROSTER_CERTIFICATE, site);
	struct entry entry;
	enum err_code code = record_last(view, &prefix, &entry, err);

	if (code == ERR_OK)
		*ret_certificate = entry.body.certificate;
	return code;
}

enum err_code roster_site_named(const struct view *view, struct span name,
				struct certificate *ret_certificate,
				struct err *err)
{
	struct key key = text_key(ROSTER_NAME, name);
	struct entry entry;
	enum err_code code;

	if (name.size == 0 || name.size > NAME_SIZE_MAX)
		return ERR_NOT_FOUND;
	code = record_get(view, &key, &entry, err);
	if (code != ERR_OK)
		return code;
	return roster_site(view, entry.body.certificate.site, ret_certificate,
			   err);
}

enum err_code roster_fence(const struct view *view, struct feed_id feed,
			   struct fence *ret_fence, struct err *err)
{
	struct key key = fence_key(feed);
	struct entry entry;
	enum err_code code = record_get(view, &key, &entry, err);

	if (code == ERR_OK)
		*ret_fence = entry.body.fence;
	return code;
}

enum err_code roster_invitation(const struct view *view, uint32_t number,
				struct invitation *ret_invitation,
				struct err *err)
{
	struct key key = number_key(ROSTER_INVITATION, number);
	struct entry entry;
	enum err_code code = record_get(view, &key, &entry, err);

	if (code == ERR_OK)
		*ret_invitation = entry.body.invitation;
	return code;
}

enum err_code roster_intent(const struct view *view, struct span id,
			    struct intent *ret_intent,
			    struct intent_result *ret_result, struct err *err)
{
	struct key key = text_key(ROSTER_INTENT, id);
	struct key answer;
	struct entry entry;
	struct entry said;
	enum err_code code;

	if (id.size == 0 || id.size > REF_SIZE_MAX)
		return ERR_NOT_FOUND;
	code = record_get(view, &key, &entry, err);
	if (code != ERR_OK)
		return code;
	answer = answer_key(entry.body.intent.target, id);
	code = record_get(view, &answer, &said, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (code == ERR_NOT_FOUND)
		entry_init(&said, ENTRY_INTENT_RESULT);
	*ret_intent = entry.body.intent;
	*ret_result = said.body.intent_result;
	return ERR_OK;
}

enum err_code roster_answer(const struct view *view, uint32_t site,
			    struct span id, struct entry *ret_entry,
			    struct err *err)
{
	struct key key = answer_key(site, id);

	return record_get(view, &key, ret_entry, err);
}

struct walk {
	roster_visit_fn *visit;
	void *context;
};

static enum err_code walk_row(void *context, struct span key, struct span value,
			      struct err *err)
{
	const struct walk *walk = context;
	struct reader reader;
	struct entry entry;
	struct pos pos;
	enum err_code code = row_open(TABLE_ROSTER, key, value, &reader, err);

	if (code == ERR_OK)
		code = record_read(&reader, &pos, &entry, err);
	if (code != ERR_OK)
		return code;
	return walk->visit(walk->context, pos, &entry, err);
}

enum err_code roster_walk(const struct view *view, enum entry_kind kind,
			  roster_visit_fn *visit, void *context,
			  struct err *err)
{
	struct walk walk = {visit, context};
	struct key prefix;

	ASSERT(kind == ENTRY_CERTIFICATE || kind == ENTRY_FENCE ||
	       kind == ENTRY_INVITATION || kind == ENTRY_INTENT ||
	       kind == ENTRY_ROOT || kind == ENTRY_INTENT_RESULT);
	prefix = roster_key(kind == ENTRY_CERTIFICATE     ? ROSTER_CERTIFICATE
			    : kind == ENTRY_FENCE         ? ROSTER_FENCE
			    : kind == ENTRY_INVITATION    ? ROSTER_INVITATION
			    : kind == ENTRY_INTENT        ? ROSTER_INTENT
			    : kind == ENTRY_INTENT_RESULT ? ROSTER_ANSWER
							  : ROSTER_ROOT);
	return view_walk(view, TABLE_ROSTER, key_span(&prefix),
			 key_span(&prefix), walk_row, &walk, err);
}

enum err_code roster_walk_fences(const struct view *view, uint32_t site,
				 roster_visit_fn *visit, void *context,
				 struct err *err)
{
	struct walk walk = {visit, context};
	struct key prefix = number_key(ROSTER_FENCE, site);

	return view_walk(view, TABLE_ROSTER, key_span(&prefix),
			 key_span(&prefix), walk_row, &walk, err);
}

/* ---- folding ---- */

static enum err_code record_put(struct txn *txn, const struct key *key,
				struct pos pos, const struct entry *entry,
				struct err *err)
{
	UNINITIALIZED uint8_t encoded[ENTRY_SIZE_MAX];
	struct last_word word = {TABLE_ROSTER, key, pos,
				 last_word_bytes(entry, encoded)};

	return last_word_put(txn, &word, err);
}

static enum err_code certificate_fold(struct txn *txn, struct pos pos,
				      const struct entry *entry,
				      struct err *err)
{
	const struct certificate *certificate = &entry->body.certificate;
	struct key key = certificate_key(certificate->site, certificate->epoch);
	struct key name = text_key(ROSTER_NAME, name_span(&certificate->name));
	struct certificate before;
	enum err_code code =
		roster_certificate(txn_view(txn), certificate->site,
				   certificate->epoch, &before, err);

	/* An epoch has one key for ever. */
	if (code == ERR_OK && memcmp(before.public_key, certificate->public_key,
				     sizeof(before.public_key)) != 0)
		return ERR_DENIED;
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	code = record_put(txn, &key, pos, entry, err);
	if (code == ERR_OK)
		code = record_put(txn, &name, pos, entry, err);
	return code;
}

static enum err_code control_fold(struct txn *txn, struct pos pos,
				  const struct entry *entry, struct err *err)
{
	const struct fence *fence = &entry->body.fence;
	struct feed_id fenced = {fence->site, fence->epoch, fence->branch};
	struct key key;

	if (entry->kind == ENTRY_CERTIFICATE)
		return certificate_fold(txn, pos, entry, err);
	if (entry->kind == ENTRY_FENCE)
		key = fence_key(fenced);
	else if (entry->kind == ENTRY_INVITATION)
		key = number_key(ROSTER_INVITATION,
				 entry->body.invitation.number);
	else if (entry->kind == ENTRY_INTENT)
		key = text_key(ROSTER_INTENT, ref_span(&entry->body.intent.id));
	else
		key = number_key(ROSTER_ROOT, entry->body.root.epoch);
	return record_put(txn, &key, pos, entry, err);
}

static bool is_control(enum entry_kind kind)
{
	return kind == ENTRY_ROOT || kind == ENTRY_CERTIFICATE ||
	       kind == ENTRY_FENCE || kind == ENTRY_INVITATION ||
	       kind == ENTRY_INTENT;
}

enum err_code roster_fold(struct txn *txn, uint32_t site, struct pos pos,
			  const struct entry *entry, struct err *err)
{
	struct pos named = entry_named(entry);
	struct key key;

	if (is_control(entry->kind))
		return site == SITE_CONTROL ? control_fold(txn, pos, entry, err)
					    : ERR_DENIED;
	if (entry->kind != ENTRY_INTENT_RESULT)
		return ERR_OK;
	if (site < SITE_FIRST)
		return ERR_DENIED;
	if (named.value != 0)
		pos = named;
	key = answer_key(site, ref_span(&entry->body.intent_result.id));
	return record_put(txn, &key, pos, entry, err);
}

/* ---- emptying ---- */

enum err_code roster_clear(struct txn *txn, struct err *err)
{
	static const char kinds[] = {ROSTER_ROOT,       ROSTER_CERTIFICATE,
				     ROSTER_NAME,       ROSTER_FENCE,
				     ROSTER_INVITATION, ROSTER_INTENT};
	enum err_code code = ERR_OK;

	for (size_t i = 0; i < ARRAY_LEN(kinds) && code == ERR_OK; i++) {
		struct key prefix = roster_key(kinds[i]);

		code = rows_clear(txn, TABLE_ROSTER, key_span(&prefix), err);
	}
	return code;
}

enum err_code roster_clear_answers(struct txn *txn, uint32_t site,
				   struct err *err)
{
	struct key prefix = number_key(ROSTER_ANSWER, site);

	return rows_clear(txn, TABLE_ROSTER, key_span(&prefix), err);
}
