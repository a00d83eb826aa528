#include "store/heir.h"

#include <string.h>

#include "rules/base/bytes.h"
#include "store/roster.h"
#include "store/row.h"
#include "store/rows.h"

/* Its rows in TABLE_FEED, beside feed_parts.h's: the first byte of the key. */
#define FEED_HEIR 'h'
#define FEED_CLOSED 'e' /* site, epoch: its owner closed it */

#define HEIR_TAG "depot heir v1"
#define CHECK_TAG "depot heir check v1"
#define HEIR_SIZE_MAX 160
#define HEIR_VERSION 1
#define HEIR_ROW_SIZE_MAX 256

_Static_assert(HEIR_GENERATIONS_MAX *HEIR_STEP_MAX <= EPOCH_MAX / 15,
	       "whoever has a key leaves the site other lives");

/* ---- the statement ---- */

static struct span statement(const struct heir *heir, uint8_t *buffer)
{
	const struct succession *succession = &heir->succession;
	struct writer writer;

	writer_init(&writer, buffer, HEIR_SIZE_MAX);
	write_varint(&writer, heir->site);
	write_varint(&writer, heir->epoch);
	write_raw(&writer, heir->public_key, sizeof(heir->public_key));
	write_varint(&writer, succession->parent_epoch);
	write_varint(&writer, succession->parent_seq);
	write_raw(&writer, succession->parent_hash,
		  sizeof(succession->parent_hash));
	ASSERT(writer_ok(&writer));
	return (struct span){(const char *)buffer, writer.size};
}

void heir_sign(const struct signer *parent_key,
	       const uint8_t net_id[NET_ID_SIZE], struct heir *heir)
{
	uint8_t buffer[HEIR_SIZE_MAX];

	signer_sign(parent_key, HEIR_TAG, net_id, statement(heir, buffer),
		    heir->succession.signature);
}

bool heir_verify(const uint8_t parent_public[KEY_PUBLIC_SIZE],
		 const uint8_t net_id[NET_ID_SIZE], const struct heir *heir)
{
	uint32_t parent = heir->succession.parent_epoch;
	uint8_t buffer[HEIR_SIZE_MAX];

	return parent < heir->epoch && heir->epoch - parent <= HEIR_STEP_MAX &&
	       signature_is_good(parent_public, HEIR_TAG, net_id,
				 statement(heir, buffer),
				 heir->succession.signature);
}

void heir_key_check(const uint8_t net_id[NET_ID_SIZE], const struct heir *heir,
		    uint8_t ret_check[HEIR_CHECK_SIZE])
{
	uint8_t buffer[HEIR_SIZE_MAX];
	uint8_t hash[HASH_SIZE];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_varint(&writer, heir->site);
	write_varint(&writer, heir->epoch);
	write_raw(&writer, heir->public_key, sizeof(heir->public_key));
	ASSERT(writer_ok(&writer));
	seal_hash(CHECK_TAG, net_id,
		  (struct span){(const char *)buffer, writer.size}, hash);
	memcpy(ret_check, hash, HEIR_CHECK_SIZE);
}

/* ---- a first delta ---- */

static bool row_read(struct rows *rows, struct reader *reader, struct pos pos,
		     struct entry *ret_entry)
{
	UNINITIALIZED struct entry_bytes bytes;

	return rows_read(rows, pos, reader, &bytes) == ERR_OK &&
	       entry_decode((struct span){(char *)bytes.data, bytes.size},
			    ret_entry) == ERR_OK;
}

/* False: it begins otherwise. */
static bool first_rows_read(const struct delta *delta, struct heir *heir)
{
	uint32_t epoch = delta->header.epoch;
	struct rows *rows = NULL;
	struct reader reader;
	struct entry entry;
	bool is_read = false;

	if (delta->header.row_count < 2 || delta->rows.size == 0 ||
	    rows_open(&rows, NULL) != ERR_OK)
		return false;
	reader_init(&reader, delta->rows.data, delta->rows.size);
	rows_mark(rows);
	if (row_read(rows, &reader, pos_make(epoch, 1), &entry) &&
	    entry.kind == ENTRY_FOUNDING) {
		memcpy(heir->public_key, entry.body.founding.public_key,
		       sizeof(heir->public_key));
		if (row_read(rows, &reader, pos_make(epoch, 2), &entry) &&
		    entry.kind == ENTRY_SUCCESSION && entry_is_sound(&entry)) {
			heir->succession = entry.body.succession;
			is_read = true;
		}
	}
	rows_close(rows);
	return is_read;
}

/* What it says, if it is the first of a site that succeeds itself. */
static bool heir_of_delta(const struct delta *delta, struct heir *ret_heir)
{
	*ret_heir = (struct heir){.site = delta->header.site,
				  .epoch = delta->header.epoch};
	return delta->header.seq == 1 && ret_heir->site >= SITE_FIRST &&
	       first_rows_read(delta, ret_heir);
}

/* ---- its row ---- */

static struct key epoch_key(char kind, uint32_t site, uint32_t epoch)
{
	struct key key = {.size = 0};

	key_add_u8(&key, (uint8_t)kind);
	key_add_u32(&key, site);
	key_add_u32(&key, epoch);
	return key;
}

static void read_copy(struct reader *reader, uint8_t *bytes, size_t size)
{
	struct span raw = read_raw(reader, size);

	if (raw.size == size)
		memcpy(bytes, raw.data, size);
}

static enum err_code row_decode(struct reader *reader, struct heir *ret_heir,
				struct err *err)
{
	struct heir heir = *ret_heir;
	struct succession *succession = &heir.succession;
	uint8_t version = read_u8(reader);
	uint8_t reason;

	read_copy(reader, heir.public_key, sizeof(heir.public_key));
	heir.is_vouched = read_u8(reader) == 1;
	succession->parent_epoch = read_u32(reader);
	succession->parent_seq = read_u64(reader);
	read_copy(reader, succession->parent_hash,
		  sizeof(succession->parent_hash));
	reason = read_u8(reader);
	succession->lost_first = read_u64(reader);
	succession->lost_last = read_u64(reader);
	read_copy(reader, succession->signature, sizeof(succession->signature));
	if (!reader_done(reader) || version != HEIR_VERSION || reason == 0 ||
	    reason > SUCCESSION_REASON_MAX)
		return row_garbled(TABLE_FEED, err);
	succession->reason = (enum succession_reason)reason;
	*ret_heir = heir;
	return ERR_OK;
}

/* As it was noted. ERR_NOT_FOUND  no first delta of it came */
static enum err_code heir_load(const struct view *view, uint32_t site,
			       uint32_t epoch, struct heir *ret_heir,
			       struct err *err)
{
	struct key key = epoch_key(FEED_HEIR, site, epoch);
	struct heir heir = {.site = site, .epoch = epoch};
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_FEED, key_span(&key), &reader, err);

	if (code == ERR_OK)
		code = row_decode(&reader, &heir, err);
	if (code == ERR_OK)
		*ret_heir = heir;
	return code;
}

enum err_code site_key_known(const struct view *view, uint32_t site,
			     uint32_t epoch, uint8_t ret_key[KEY_PUBLIC_SIZE],
			     struct err *err)
{
	struct certificate certificate;
	struct heir heir;
	enum err_code code =
		roster_certificate(view, site, epoch, &certificate, err);

	if (code == ERR_OK)
		memcpy(ret_key, certificate.public_key, KEY_PUBLIC_SIZE);
	if (code != ERR_NOT_FOUND)
		return code;
	code = heir_load(view, site, epoch, &heir, err);
	if (code == ERR_OK && !heir.is_vouched)
		return ERR_NOT_FOUND;
	if (code == ERR_OK)
		memcpy(ret_key, heir.public_key, KEY_PUBLIC_SIZE);
	return code;
}

/* is_vouched: by the signature alone. */
static enum err_code signature_judge(const struct view *view,
				     const uint8_t net_id[NET_ID_SIZE],
				     struct heir *heir, struct err *err)
{
	uint8_t key[KEY_PUBLIC_SIZE];
	enum err_code code = site_key_known(
		view, heir->site, heir->succession.parent_epoch, key, err);

	heir->is_vouched = code == ERR_OK && heir_verify(key, net_id, heir);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

/* ---- whose word counts ---- */

/* HQ has ended the epoch, or its owner has. */
static enum err_code is_ended(const struct view *view, struct feed_id id,
			      bool is_certified, bool *ret_is, struct err *err)
{
	struct key key = epoch_key(FEED_CLOSED, id.site, id.epoch);
	struct reader reader;
	struct fence fence;
	enum err_code code = roster_fence(view, id, &fence, err);

	if (code == ERR_OK)
		*ret_is = fence.verdict == FENCE_REVOKED ||
			  fence.verdict == FENCE_CLOSED ||
			  fence.verdict == FENCE_DROPPED ||
			  (fence.verdict == FENCE_ENDED && !is_certified);
	if (*ret_is || (code != ERR_OK && code != ERR_NOT_FOUND))
		return code;
	code = row_get(view, TABLE_FEED, key_span(&key), &reader, err);
	*ret_is = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code heir_close(struct txn *txn, uint32_t site, uint32_t epoch,
			 struct err *err)
{
	struct key key = epoch_key(FEED_CLOSED, site, epoch);
	uint8_t buffer[ROW_CHECKSUM_SIZE];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	return row_put(txn, TABLE_FEED, key_span(&key), &writer, err);
}

enum err_code heir_close_clear(struct txn *txn, uint32_t site, struct err *err)
{
	struct key prefix = {.size = 0};

	key_add_u8(&prefix, FEED_CLOSED);
	key_add_u32(&prefix, site);
	return rows_clear(txn, TABLE_FEED, key_span(&prefix), err);
}

/* HQ has certified a later epoch than @epoch, or has ended it. */
static enum err_code is_superseded(const struct view *view, uint32_t site,
				   uint32_t epoch, bool *ret_is,
				   bool *ret_is_certified, struct err *err)
{
	struct feed_id id = {site, epoch, 0};
	struct certificate last;
	enum err_code code = roster_site(view, site, &last, err);

	*ret_is = code == ERR_OK && last.epoch > epoch;
	*ret_is_certified = false;
	if (*ret_is || (code != ERR_OK && code != ERR_NOT_FOUND))
		return code;
	code = roster_certificate(view, site, epoch, &last, err);
	*ret_is_certified = code == ERR_OK;
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	return is_ended(view, id, *ret_is_certified, ret_is, err);
}

/* HQ has spoken of @heir's epoch itself. */
static enum err_code is_chosen(const struct view *view, const struct heir *heir,
			       bool *ret_is, struct err *err)
{
	struct feed_id id = {heir->site, heir->epoch, 0};
	struct certificate certificate;
	struct fence fence;
	enum err_code code = roster_certificate(view, heir->site, heir->epoch,
						&certificate, err);

	if (code == ERR_NOT_FOUND)
		code = roster_fence(view, id, &fence, err);
	*ret_is = code == ERR_OK;
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

struct line {
	uint32_t generations; /* before it that HQ has not certified */
	bool stands;
};

/*
 * Up the line of those who vouch for each other, to one that HQ has certified.
 * One that nobody here knows is left to the signature: it has none that counts.
 */
static enum err_code line_judge(const struct view *view,
				const struct heir *heir, struct line *line,
				struct err *err)
{
	struct heir at = *heir;
	enum err_code code = is_chosen(view, &at, &line->stands, err);

	line->generations = 0;
	for (; code == ERR_OK && !line->stands; line->generations++) {
		uint32_t parent = at.succession.parent_epoch;
		bool is_over = parent >= at.epoch;
		bool is_certified = false;

		if (!is_over)
			code = is_superseded(view, at.site, parent, &is_over,
					     &is_certified, err);
		line->stands = !is_over && is_certified;
		if (code != ERR_OK || is_over || is_certified)
			return code;
		code = heir_load(view, at.site, parent, &at, err);
		line->stands = code == ERR_NOT_FOUND;
	}
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

enum err_code heir_stands(const struct view *view, const struct heir *heir,
			  bool *ret_stands, struct err *err)
{
	struct line line;
	enum err_code code = line_judge(view, heir, &line, err);

	if (code == ERR_OK)
		*ret_stands = line.stands;
	return code;
}

static enum err_code standing_judge(const struct view *view, struct heir *heir,
				    struct err *err)
{
	struct line line;
	enum err_code code = line_judge(view, heir, &line, err);

	if (code == ERR_OK)
		heir->is_vouched = heir->is_vouched && line.stands &&
				   line.generations < HEIR_GENERATIONS_MAX;
	return code;
}

enum err_code heir_read(const struct view *view,
			const uint8_t net_id[NET_ID_SIZE],
			const struct delta *delta, struct heir *ret_heir,
			struct err *err)
{
	struct heir heir;
	enum err_code code;

	if (!heir_of_delta(delta, &heir))
		return ERR_NOT_FOUND;
	code = signature_judge(view, net_id, &heir, err);
	if (code == ERR_OK)
		code = standing_judge(view, &heir, err);
	if (code == ERR_OK)
		*ret_heir = heir;
	return code;
}
/* ---- keeping it ---- */

static enum err_code heir_put(struct txn *txn, const struct heir *heir,
			      struct err *err)
{
	const struct succession *succession = &heir->succession;
	struct key key = epoch_key(FEED_HEIR, heir->site, heir->epoch);
	uint8_t buffer[HEIR_ROW_SIZE_MAX];
	struct writer writer;

	writer_init(&writer, buffer, sizeof(buffer));
	write_u8(&writer, HEIR_VERSION);
	write_raw(&writer, heir->public_key, sizeof(heir->public_key));
	write_u8(&writer, heir->is_vouched);
	write_u32(&writer, succession->parent_epoch);
	write_u64(&writer, succession->parent_seq);
	write_raw(&writer, succession->parent_hash,
		  sizeof(succession->parent_hash));
	write_u8(&writer, (uint8_t)succession->reason);
	write_u64(&writer, succession->lost_first);
	write_u64(&writer, succession->lost_last);
	write_raw(&writer, succession->signature,
		  sizeof(succession->signature));
	return row_put(txn, TABLE_FEED, key_span(&key), &writer, err);
}

enum err_code heir_note(struct txn *txn, const uint8_t net_id[NET_ID_SIZE],
			const struct delta *delta, struct err *err)
{
	struct heir heir;
	enum err_code code;

	if (!heir_of_delta(delta, &heir))
		return ERR_OK;
	code = signature_judge(txn_view(txn), net_id, &heir, err);
	return code == ERR_OK ? heir_put(txn, &heir, err) : code;
}

enum err_code heir_again(struct txn *txn, const uint8_t net_id[NET_ID_SIZE],
			 uint32_t site, uint32_t epoch, struct err *err)
{
	struct heir heir;
	enum err_code code = heir_load(txn_view(txn), site, epoch, &heir, err);

	if (code == ERR_NOT_FOUND)
		return ERR_OK;
	if (code != ERR_OK || heir.is_vouched)
		return code;
	code = signature_judge(txn_view(txn), net_id, &heir, err);
	if (code == ERR_OK && heir.is_vouched)
		return heir_put(txn, &heir, err);
	return code;
}

enum err_code heir_get(const struct view *view, uint32_t site, uint32_t epoch,
		       struct heir *ret_heir, struct err *err)
{
	struct heir heir;
	enum err_code code = heir_load(view, site, epoch, &heir, err);

	if (code == ERR_OK)
		code = standing_judge(view, &heir, err);
	if (code == ERR_OK)
		*ret_heir = heir;
	return code;
}

struct heir_walk {
	const struct view *view;
	heir_visit_fn *visit;
	void *context;
};

static enum err_code row_visit(void *context, struct span key,
			       struct span value, struct err *err)
{
	const struct heir_walk *walk = context;
	struct heir heir = {.site = 0};
	struct reader reader;
	struct reader name;
	enum err_code code = row_open(TABLE_FEED, key, value, &reader, err);

	if (code != ERR_OK)
		return code;
	reader_init(&name, key.data, key.size);
	(void)read_u8(&name); /* the kind */
	heir.site = read_u32(&name);
	heir.epoch = read_u32(&name);
	code = row_decode(&reader, &heir, err);
	if (code == ERR_OK)
		code = standing_judge(walk->view, &heir, err);
	return code == ERR_OK ? walk->visit(walk->context, &heir, err) : code;
}

enum err_code heir_walk(const struct view *view, heir_visit_fn *visit,
			void *context, struct err *err)
{
	struct heir_walk walk = {view, visit, context};
	struct key prefix = {.size = 0};

	key_add_u8(&prefix, FEED_HEIR);
	return view_walk(view, TABLE_FEED, key_span(&prefix), key_span(&prefix),
			 row_visit, &walk, err);
}

/* ---- whose key ---- */

enum err_code site_key(const struct view *view, uint32_t site, uint32_t epoch,
		       uint8_t ret_key[KEY_PUBLIC_SIZE],
		       bool *ret_is_provisional, struct err *err)
{
	struct certificate certificate;
	struct heir heir;
	enum err_code code =
		roster_certificate(view, site, epoch, &certificate, err);

	if (code == ERR_OK) {
		memcpy(ret_key, certificate.public_key, KEY_PUBLIC_SIZE);
		if (ret_is_provisional != NULL)
			*ret_is_provisional = certificate.is_provisional;
		return ERR_OK;
	}
	if (code != ERR_NOT_FOUND)
		return code;
	code = heir_get(view, site, epoch, &heir, err);
	if (code != ERR_OK)
		return code;
	if (!heir.is_vouched)
		return ERR_NOT_FOUND;
	memcpy(ret_key, heir.public_key, KEY_PUBLIC_SIZE);
	if (ret_is_provisional != NULL)
		*ret_is_provisional = true;
	return ERR_OK;
}
