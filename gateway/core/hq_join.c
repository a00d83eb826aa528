#include "gateway/core/hq_join.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/hq_ends.h"
#include "gateway/core/hq_succeed.h"
#include "store/row.h"

/* Lives of a log that a box may have behind it: some thousands a restore. One
 * that asks for the last there is would take the place for good. */
#define EPOCHS_AHEAD_MAX (EPOCH_MAX >> 4)

/* Kind of TABLE_PRIVATE's rows. */
#define PRIVATE_INVITATION 'j' /* number u32: the secret */

static struct key secret_key(uint32_t number)
{
	struct key key = {.size = 0};

	key_add_u8(&key, PRIVATE_INVITATION);
	key_add_u32(&key, number);
	return key;
}

static enum err_code secret_put(struct txn *txn, const struct join_code *code,
				struct err *err)
{
	struct key key = secret_key(code->number);
	uint8_t buffer[JOIN_SECRET_SIZE + ROW_CHECKSUM_SIZE];
	struct writer writer;
	enum err_code result;

	writer_init(&writer, buffer, sizeof(buffer));
	write_raw(&writer, code->secret, sizeof(code->secret));
	result = row_put(txn, TABLE_PRIVATE, key_span(&key), &writer, err);
	seal_wipe(buffer, sizeof(buffer));
	return result;
}

/* ERR_NOT_FOUND: this HQ never had it (a backup of before, say). */
static enum err_code secret_get(const struct view *view, uint32_t number,
				struct span *ret_secret, struct err *err)
{
	struct key key = secret_key(number);
	struct reader reader;
	enum err_code code =
		row_get(view, TABLE_PRIVATE, key_span(&key), &reader, err);

	if (code != ERR_OK)
		return code;
	*ret_secret = read_raw(&reader, JOIN_SECRET_SIZE);
	return reader_done(&reader) ? ERR_OK : row_garbled(TABLE_PRIVATE, err);
}

/* ---- inviting ---- */

/* What the roster holds of a name, and which numbers are given. */
struct register_walk {
	struct span name;
	uint32_t site_max;
	uint32_t number_max;
	uint32_t site; /* that has the name; 0: none */
	bool is_open;  /* an invitation for it is out */
	uint64_t now_ms;
};

static enum err_code certificate_look(void *context, struct pos pos,
				      const struct entry *entry,
				      struct err *err)
{
	const struct certificate *certificate = &entry->body.certificate;
	struct register_walk *walk = context;

	(void)pos;
	(void)err;
	if (certificate->site > walk->site_max)
		walk->site_max = certificate->site;
	if (span_equal(name_span(&certificate->name), walk->name))
		walk->site = certificate->site;
	return ERR_OK;
}

static enum err_code invitation_look(void *context, struct pos pos,
				     const struct entry *entry, struct err *err)
{
	const struct invitation *invitation = &entry->body.invitation;
	struct register_walk *walk = context;

	(void)pos;
	(void)err;
	if (invitation->site > walk->site_max)
		walk->site_max = invitation->site;
	if (invitation->number > walk->number_max)
		walk->number_max = invitation->number;
	if (!span_equal(name_span(&invitation->name), walk->name))
		return ERR_OK;
	walk->site = invitation->site;
	walk->is_open |= invitation->state == INVITATION_OPEN &&
			 invitation->expires_ms > walk->now_ms;
	return ERR_OK;
}

static enum err_code register_read(const struct view *view,
				   struct register_walk *walk, struct err *err)
{
	enum err_code code = roster_walk(view, ENTRY_CERTIFICATE,
					 certificate_look, walk, err);

	if (code == ERR_OK)
		code = roster_walk(view, ENTRY_INVITATION, invitation_look,
				   walk, err);
	return code;
}

static enum err_code invite_check(const struct view *view,
				  const struct invite *invite,
				  const struct register_walk *walk,
				  struct err *err)
{
	struct certificate like;
	enum err_code code = ERR_OK;

	if (!text_is_name(walk->name))
		return err_set(err, ERR_INVALID,
			       "a site's name has small letters, digits and "
			       "dashes");
	if (invite->expires_ms <= walk->now_ms)
		return err_set(err, ERR_INVALID,
			       "the invitation would have expired already");
	if (walk->is_open)
		return err_set(err, ERR_CONFLICT,
			       "an invitation for %.*s is out: withdraw it "
			       "first",
			       (int)walk->name.size, walk->name.data);
	if (walk->site != 0 && walk->site <= SITE_FIRST)
		return err_set(err, ERR_CONFLICT, "that is HQ's own name");
	if (walk->number_max >= JOIN_NUMBER_MAX)
		return err_set(err, ERR_FULL, "all invitations are given");
	if (invite->like.size > 0)
		code = roster_site_named(view, name_span(&invite->like), &like,
					 err);
	if (code == ERR_NOT_FOUND)
		return err_set(err, ERR_NOT_FOUND, "there is no site %.*s",
			       (int)invite->like.size, invite->like.data);
	return code;
}

static void invitation_entry(const struct hq *hq, const struct invite *invite,
			     const struct join_code *code, struct entry *entry)
{
	struct invitation *invitation = &entry->body.invitation;
	struct span secret = {(const char *)code->secret, sizeof(code->secret)};

	entry_init(entry, ENTRY_INVITATION);
	invitation->number = code->number;
	invitation->name = invite->site;
	invitation->role = SITE_ROLE_SITE;
	invitation->until_ms = invite->until_ms;
	invitation->expires_ms = invite->expires_ms;
	invitation->like = invite->like;
	invitation->share_permille = invite->share_permille;
	invitation->state = INVITATION_OPEN;
	join_secret_hash(hq->identity->net_id, code->number, secret,
			 invitation->secret_hash);
}

enum err_code hq_invite(const struct hq *hq, struct batch *batch,
			const struct invite *invite, struct join_code *ret_code,
			struct err *err)
{
	struct register_walk walk = {
		.name = name_span(&invite->site),
		.site_max = SITE_FIRST,
		.now_ms = (uint64_t)batch_now(batch).ms,
	};
	struct join_code drawn = {.number = 0};
	struct entry entry;
	struct hq_word word = {&entry, 1, false};
	enum err_code code = register_read(batch_view(batch), &walk, err);

	if (code == ERR_OK)
		code = invite_check(batch_view(batch), invite, &walk, err);
	if (code != ERR_OK)
		return code;
	drawn.number = walk.number_max + 1;
	seal_random(drawn.secret, sizeof(drawn.secret));
	invitation_entry(hq, invite, &drawn, &entry);
	entry.body.invitation.site =
		walk.site != 0 ? walk.site : walk.site_max + 1;
	code = secret_put(batch_txn(batch), &drawn, err);
	if (code == ERR_OK)
		code = hq_say(hq, batch, &word, NULL, err);
	if (code == ERR_OK)
		*ret_code = drawn;
	seal_wipe(&drawn, sizeof(drawn));
	return code;
}

/* ---- what becomes of one ---- */

static enum err_code invitation_say(const struct hq *hq, struct batch *batch,
				    const struct invitation *invitation,
				    struct err *err)
{
	struct entry entry;
	struct hq_word word = {&entry, 1, false};

	entry_init(&entry, ENTRY_INVITATION);
	entry.body.invitation = *invitation;
	return hq_say(hq, batch, &word, NULL, err);
}

enum err_code hq_withdraw(const struct hq *hq, struct batch *batch,
			  uint32_t number, struct err *err)
{
	struct invitation invitation;
	enum err_code code =
		roster_invitation(batch_view(batch), number, &invitation, err);

	if (code == ERR_NOT_FOUND)
		return err_set(err, code, "there is no invitation %" PRIu32,
			       number);
	if (code != ERR_OK)
		return code;
	if (invitation.state == INVITATION_USED)
		return err_set(err, ERR_CONFLICT,
			       "invitation %" PRIu32 " was used: depot hq "
			       "revoke takes the site's key back",
			       number);
	invitation.state = INVITATION_WITHDRAWN;
	return invitation_say(hq, batch, &invitation, err);
}

/* ---- a box comes with it ---- */

struct arrival {
	struct invitation invitation;
	struct join_ask ask;
	uint32_t epoch; /* that it is given */
	uint32_t parent_epoch;
	uint8_t key[JOIN_KEY_SIZE];
};

/* ERR_NOT_FOUND, ERR_DENIED: somebody who has no business here. */
static enum err_code arrival_read(const struct view *view, struct span bytes,
				  struct arrival *arrival, struct err *err)
{
	struct join_frame frame;
	enum join_type type;
	struct span secret;
	uint32_t number;
	enum err_code code = join_peek(bytes, &type, &number);

	if (code != ERR_OK || type != JOIN_ASK)
		return ERR_DENIED;
	code = roster_invitation(view, number, &arrival->invitation, err);
	if (code == ERR_OK)
		code = secret_get(view, number, &secret, err);
	if (code != ERR_OK)
		return code;
	arrival->epoch = 0;
	arrival->parent_epoch = 0;
	join_key(number, secret, arrival->key);
	if (join_read(bytes, arrival->key, &frame) != ERR_OK)
		return ERR_DENIED;
	arrival->ask = frame.body.ask;
	return ERR_OK;
}

enum err_code hq_join_check(const struct view *view, struct span frame,
			    uint32_t *ret_number, struct err *err)
{
	struct arrival arrival = {.invitation = {.number = 0}};
	enum err_code code = arrival_read(view, frame, &arrival, err);

	if (code == ERR_DENIED && arrival.invitation.number == 0)
		code = ERR_NOT_FOUND; /* it is no ask */
	if (code == ERR_OK || code == ERR_DENIED)
		*ret_number = arrival.invitation.number;
	seal_wipe(&arrival, sizeof(arrival));
	return code;
}

/* An untrusted clock does not let a code expire. */
static enum join_refusal refusal_of(const struct batch *batch,
				    const struct arrival *arrival)
{
	const struct invitation *invitation = &arrival->invitation;
	bool is_late = batch_clock_trusted(batch) &&
		       (uint64_t)batch_now(batch).ms > invitation->expires_ms;

	switch (invitation->state) {
	case INVITATION_USED:
		return memcmp(invitation->public_key, arrival->ask.public_key,
			      KEY_PUBLIC_SIZE) == 0
			       ? JOIN_WELCOME
			       : JOIN_USED;
	case INVITATION_WITHDRAWN:
		return JOIN_WITHDRAWN;
	case INVITATION_OPEN:
		break;
	}
	return is_late ? JOIN_EXPIRED : JOIN_WELCOME;
}

/* The last life of a site's log that HQ knows of; 0: none. One that a box began
 * by itself may not be certified yet. */
static enum err_code epoch_last(const struct view *view, uint32_t site,
				uint32_t *ret_epoch, struct err *err)
{
	struct certificate last = {.epoch = 0};
	struct pos newest = {0};
	enum err_code code = roster_site(view, site, &last, err);

	if (code == ERR_OK || code == ERR_NOT_FOUND)
		code = feed_newest(view, site, &newest, err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	*ret_epoch =
		last.epoch > pos_epoch(newest) ? last.epoch : pos_epoch(newest);
	return ERR_OK;
}

/*
 * The life of the site's log that this box opens, beyond all that HQ knows of
 * it: another box in its place begins the next one. What a box has begun cannot
 * be numbered otherwise any more.
 */
static enum err_code epoch_give(const struct view *view,
				struct arrival *arrival, struct err *err)
{
	uint32_t wanted = arrival->ask.epoch;
	uint32_t last = 0;
	enum err_code code =
		epoch_last(view, arrival->invitation.site, &last, err);

	if (code != ERR_OK)
		return code;
	if (last >= wanted && arrival->ask.has_begun)
		return err_set(err, ERR_CONFLICT,
			       "epoch %" PRIu32 " of that site is taken",
			       wanted);
	if (wanted > last && wanted - last > EPOCHS_AHEAD_MAX)
		return err_set(err, ERR_CONFLICT,
			       "epoch %" PRIu32 " would leave the site none",
			       wanted);
	if (last >= EPOCH_MAX)
		return err_set(err, ERR_CONFLICT,
			       "that site has no epochs left");
	arrival->epoch = last >= wanted ? last + 1 : wanted;
	arrival->parent_epoch = last;
	return ERR_OK;
}

/*
 * The box whose place this one takes is not ended yet: what others have of its
 * book is to come to the new one first (hq_parents_end). A life that nobody
 * vouched for counts only as far as HQ says, so it is ended with the others.
 */
static enum err_code spoken_find(const struct hq *hq, struct batch *batch,
				 const struct arrival *arrival,
				 uint32_t *ret_spoken, struct err *err)
{
	const struct hq_succeeding place = {.site = arrival->invitation.site,
					    .epoch = arrival->parent_epoch};
	bool is_certified = false;
	enum err_code code =
		hq_succeed_place(hq, batch, &place, &is_certified, err);

	if (code == ERR_OK && is_certified)
		*ret_spoken = place.epoch;
	return code;
}

static enum err_code site_certify(const struct hq *hq, struct batch *batch,
				  struct arrival *arrival, struct err *err)
{
	UNINITIALIZED struct entry entries[HQ_LIFE_ENTRIES_MAX];
	struct hq_word word = {entries, 2, false};
	struct certificate *certificate = &entries[0].body.certificate;
	struct hq_life life = {.site = arrival->invitation.site};
	enum err_code code = epoch_give(batch_view(batch), arrival, err);

	if (code == ERR_OK)
		code = spoken_find(hq, batch, arrival, &life.spoken, err);
	if (code != ERR_OK)
		return code;
	entry_init(&entries[0], ENTRY_CERTIFICATE);
	*certificate = hq_certificate(batch, arrival->invitation.site,
				      arrival->invitation.role);
	certificate->epoch = arrival->epoch;
	certificate->parent_epoch = arrival->parent_epoch;
	certificate->name = arrival->invitation.name;
	certificate->valid_until_ms = arrival->invitation.until_ms;
	memcpy(certificate->public_key, arrival->ask.public_key,
	       KEY_PUBLIC_SIZE);
	entry_init(&entries[1], ENTRY_INVITATION);
	entries[1].body.invitation = arrival->invitation;
	entries[1].body.invitation.state = INVITATION_USED;
	memcpy(entries[1].body.invitation.public_key, arrival->ask.public_key,
	       KEY_PUBLIC_SIZE);
	life.epoch = arrival->epoch;
	return hq_say_life(hq, batch, &word, &life, err);
}

/* It was certified before, and asks again. ERR_CONFLICT: another box has taken
 * its place since; ERR_DENIED: HQ has revoked or ended it. */
static enum err_code epoch_given(const struct view *view,
				 struct arrival *arrival, struct err *err)
{
	struct certificate last;
	struct fence fence;
	enum err_code code =
		roster_site(view, arrival->invitation.site, &last, err);

	if (code == ERR_OK && memcmp(last.public_key, arrival->ask.public_key,
				     KEY_PUBLIC_SIZE) != 0)
		code = ERR_CONFLICT;
	if (code != ERR_OK)
		return code;
	code = roster_fence(view, (struct feed_id){last.site, last.epoch, 0},
			    &fence, err);
	if (code != ERR_NOT_FOUND)
		return code == ERR_OK ? ERR_DENIED : code;
	arrival->epoch = last.epoch;
	arrival->parent_epoch = last.parent_epoch;
	return ERR_OK;
}

/* JOIN_WELCOME: the code is no refusal. */
static enum join_refusal refusal_for(enum err_code code)
{
	if (code == ERR_CONFLICT)
		return JOIN_USED;
	if (code == ERR_DENIED)
		return JOIN_WITHDRAWN;
	/* HQ that was set back may speak again later. */
	return code == ERR_AGAIN ? JOIN_BUSY : JOIN_WELCOME;
}

static enum err_code answer_of(const struct hq *hq, struct batch *batch,
			       const struct arrival *arrival,
			       struct join_frame *ret_frame, struct err *err)
{
	struct join_answer *answer = &ret_frame->body.answer;

	memset(ret_frame, 0, sizeof(*ret_frame));
	ret_frame->type = JOIN_ANSWER;
	ret_frame->number = arrival->invitation.number;
	memcpy(answer->nonce, arrival->ask.nonce, JOIN_NONCE_SIZE);
	memcpy(answer->net_id, hq->identity->net_id, NET_ID_SIZE);
	answer->site = arrival->invitation.site;
	answer->epoch = arrival->epoch;
	answer->parent_epoch = arrival->parent_epoch;
	answer->name = arrival->invitation.name;
	answer->org = hq->identity->org;
	answer->timezone = hq->identity->timezone;
	answer->role = arrival->invitation.role;
	answer->until_ms = arrival->invitation.until_ms;
	answer->stamp = stamp_next((struct stamp){0}, batch_now(batch));
	return roster_root(batch_view(batch), &answer->root, err);
}

enum err_code hq_answer_ahead(const struct hq *hq, struct batch *batch,
			      const struct join_code *code, uint8_t *answer,
			      size_t *ret_size, struct err *err)
{
	struct span secret = {(const char *)code->secret, sizeof(code->secret)};
	struct arrival arrival = {.epoch = 1};
	struct join_frame frame;
	struct writer writer;
	enum err_code result = roster_invitation(
		batch_view(batch), code->number, &arrival.invitation, err);

	if (result == ERR_OK)
		result = epoch_last(batch_view(batch), arrival.invitation.site,
				    &arrival.parent_epoch, err);
	if (result == ERR_OK) {
		arrival.epoch = arrival.parent_epoch + 1;
		result = answer_of(hq, batch, &arrival, &frame, err);
	}
	if (result != ERR_OK)
		return result;
	join_key(code->number, secret, arrival.key);
	writer_init(&writer, answer, JOIN_FRAME_SIZE_MAX);
	join_write(&writer, &frame, arrival.key);
	ASSERT(writer_ok(&writer));
	*ret_size = writer.size;
	seal_wipe(&arrival, sizeof(arrival));
	return ERR_OK;
}

static void refuse_of(const struct arrival *arrival, enum join_refusal reason,
		      struct join_frame *ret_frame)
{
	memset(ret_frame, 0, sizeof(*ret_frame));
	ret_frame->type = JOIN_REFUSE;
	ret_frame->number = arrival->invitation.number;
	memcpy(ret_frame->body.refuse.nonce, arrival->ask.nonce,
	       JOIN_NONCE_SIZE);
	ret_frame->body.refuse.reason = reason;
}

static void reply_write(const struct join_frame *reply,
			const struct arrival *arrival, uint8_t *answer,
			size_t *ret_size)
{
	struct writer writer;

	writer_init(&writer, answer, JOIN_FRAME_SIZE_MAX);
	join_write(&writer, reply, arrival->key);
	ASSERT(writer_ok(&writer));
	*ret_size = writer.size;
}

enum err_code hq_join_busy(const struct view *view, struct span frame,
			   uint8_t *answer, size_t *ret_size, struct err *err)
{
	struct arrival arrival;
	struct join_frame reply;
	enum err_code code = arrival_read(view, frame, &arrival, err);

	if (code == ERR_OK) {
		refuse_of(&arrival, JOIN_BUSY, &reply);
		reply_write(&reply, &arrival, answer, ret_size);
	}
	seal_wipe(&arrival, sizeof(arrival));
	return code;
}

static enum err_code reply_of(const struct hq *hq, struct batch *batch,
			      struct arrival *arrival,
			      struct join_frame *ret_frame, struct err *err)
{
	enum join_refusal refusal = refusal_of(batch, arrival);
	enum err_code code = ERR_OK;

	if (refusal == JOIN_WELCOME &&
	    arrival->invitation.state == INVITATION_OPEN)
		code = site_certify(hq, batch, arrival, err);
	else if (refusal == JOIN_WELCOME)
		code = epoch_given(batch_view(batch), arrival, err);
	if (refusal == JOIN_WELCOME) {
		refusal = refusal_for(code);
		code = refusal == JOIN_WELCOME ? code : ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	if (refusal == JOIN_WELCOME)
		return answer_of(hq, batch, arrival, ret_frame, err);
	refuse_of(arrival, refusal, ret_frame);
	return ERR_OK;
}

enum err_code hq_join(const struct hq *hq, struct batch *batch,
		      struct span frame, uint8_t *answer, size_t *ret_size,
		      struct err *err)
{
	struct arrival arrival;
	struct join_frame reply;
	enum err_code code =
		arrival_read(batch_view(batch), frame, &arrival, err);
	bool is_stranger = code == ERR_DENIED || code == ERR_NOT_FOUND;

	*ret_size = 0;
	if (code == ERR_OK)
		code = reply_of(hq, batch, &arrival, &reply, err);
	if (code == ERR_OK)
		reply_write(&reply, &arrival, answer, ret_size);
	/* On every path: a stranger's frame was tried with the key, too. */
	seal_wipe(&arrival, sizeof(arrival));
	return is_stranger ? ERR_OK : code;
}

enum err_code hq_admit(const struct hq *hq, struct batch *batch,
		       struct span frame, struct hq_admission *ret_admission,
		       struct err *err)
{
	struct arrival arrival;
	struct join_frame reply;
	enum err_code code =
		arrival_read(batch_view(batch), frame, &arrival, err);

	if (code == ERR_NOT_FOUND)
		code = ERR_DENIED;
	if (code == ERR_OK)
		code = reply_of(hq, batch, &arrival, &reply, err);
	if (code == ERR_OK)
		*ret_admission = (struct hq_admission){
			.refusal = reply.type == JOIN_REFUSE
					   ? reply.body.refuse.reason
					   : JOIN_WELCOME,
			.number = arrival.invitation.number,
			.site = arrival.invitation.site,
			.epoch = arrival.epoch,
			.name = arrival.invitation.name,
		};
	seal_wipe(&arrival, sizeof(arrival));
	return code;
}
