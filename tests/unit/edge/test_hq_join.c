/*
 * Invitations at HQ: one box for each, whoever else asks; and what a stranger
 * says on the plane of joining leaves no trace.
 *
 * Method: HQ's own box on a real store; the boxes are frames.
 */
#include "gateway/core/hq_fence.h"
#include "gateway/core/hq_join.h"
#include "store/row.h"
#include "tests/support/entries.h"
#include "tests/unit/edge/bench_hq.h"

#define DAY_MS INT64_C(86400000)

/* ---- turns of the keeper ---- */

static struct batch *begin_at(struct bench *bench, bool is_trusted)
{
	struct batch *batch;
	struct err err;

	assert_done(batch_begin(bench->w->ledger, &batch, &err), &err);
	batch_time(batch, (struct moment){bench->w->now_ms}, is_trusted);
	return batch;
}

static struct batch *begin(struct bench *bench)
{
	return begin_at(bench, true);
}

static void commit(struct bench *bench, struct batch *batch)
{
	struct err err;

	assert_done(batch_commit(batch, &err), &err);
	feed_desk_committed(bench->desk);
}

static void drop(struct bench *bench, struct batch *batch)
{
	batch_abandon(batch);
	feed_desk_abandon(bench->desk);
}

static uint64_t control_seq(struct bench *bench)
{
	struct feed_record feed;
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(bench->w->ledger), &view, &err),
		    &err);
	assert_done(feed_get(view, (struct feed_id){SITE_CONTROL, 1, 0}, &feed,
			     &err),
		    &err);
	view_end(view);
	return feed.seq;
}

static struct certificate certificate_of(struct bench *bench, uint32_t site)
{
	struct certificate certificate;
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(bench->w->ledger), &view, &err),
		    &err);
	assert_done(roster_site(view, site, &certificate, &err), &err);
	view_end(view);
	return certificate;
}

/* ---- inviting ---- */

static struct invite invite_of(const struct bench *bench, const char *site)
{
	struct invite invite = {.expires_ms =
					(uint64_t)(bench->w->now_ms + DAY_MS)};

	assert_true(name_set(&invite.site, span_of(site)));
	return invite;
}

static enum err_code try_invite(struct bench *bench,
				const struct invite *invite)
{
	struct batch *batch = begin(bench);
	struct join_code code = {.number = 77};
	struct err err;
	enum err_code result =
		hq_invite(&bench->keys.hq, batch, invite, &code, &err);

	if (result != ERR_OK)
		assert_int_equal(code.number, 77);
	drop(bench, batch);
	return result;
}

static struct join_code invited(struct bench *bench, const char *site)
{
	struct invite invite = invite_of(bench, site);
	struct batch *batch = begin(bench);
	struct join_code code;
	struct err err;

	assert_done(hq_invite(&bench->keys.hq, batch, &invite, &code, &err),
		    &err);
	commit(bench, batch);
	return code;
}

/* ---- boxes ---- */

struct box {
	struct join_code code;
	struct join_frame ask;
	uint8_t bytes[JOIN_FRAME_SIZE_MAX];
	size_t size;
};

static void box_write(struct box *box)
{
	struct span secret = {(const char *)box->code.secret,
			      sizeof(box->code.secret)};
	uint8_t key[JOIN_KEY_SIZE];
	struct writer writer;

	join_key(box->code.number, secret, key);
	writer_init(&writer, box->bytes, sizeof(box->bytes));
	join_write(&writer, &box->ask, key);
	assert_true(writer_ok(&writer));
	box->size = writer.size;
}

/* A box whose key's bytes are all @number. */
static struct box box_of(const struct join_code *code, uint8_t number)
{
	struct box box = {.code = *code};

	memset(&box.ask, 0, sizeof(box.ask));
	box.ask.type = JOIN_ASK;
	box.ask.number = code->number;
	box.ask.body.ask.epoch = 1;
	box.ask.body.ask.boot = 5;
	memset(box.ask.body.ask.public_key, number, KEY_PUBLIC_SIZE);
	memset(box.ask.body.ask.nonce, number + 1, JOIN_NONCE_SIZE);
	box_write(&box);
	return box;
}

static struct span box_frame(const struct box *box)
{
	return (struct span){(const char *)box->bytes, box->size};
}

/* HQ's answer to it, as the box reads it; *@ret_frame's type is 0 where it says
 * nothing. What it wrote is committed. */
static void answer_at(struct bench *bench, const struct box *box,
		      bool is_trusted, struct join_frame *ret_frame)
{
	struct batch *batch = begin_at(bench, is_trusted);
	struct span secret = {(const char *)box->code.secret,
			      sizeof(box->code.secret)};
	uint8_t answer[JOIN_FRAME_SIZE_MAX];
	uint8_t key[JOIN_KEY_SIZE];
	size_t size = 99;
	struct err err;

	assert_done(hq_join(&bench->keys.hq, batch, box_frame(box), answer,
			    &size, &err),
		    &err);
	commit(bench, batch);
	memset(ret_frame, 0, sizeof(*ret_frame));
	if (size == 0)
		return;
	join_key(box->code.number, secret, key);
	assert_code(join_read((struct span){(const char *)answer, size}, key,
			      ret_frame),
		    ERR_OK);
}

static struct join_answer welcomed(struct bench *bench, const struct box *box)
{
	struct join_frame frame;

	answer_at(bench, box, true, &frame);
	assert_int_equal(frame.type, JOIN_ANSWER);
	assert_true(join_is_answer(&box->ask.body.ask, &frame.body.answer));
	return frame.body.answer;
}

static void assert_refused(struct bench *bench, const struct box *box,
			   enum join_refusal reason)
{
	uint64_t before = control_seq(bench);
	struct join_frame frame;

	answer_at(bench, box, true, &frame);
	assert_int_equal(frame.type, JOIN_REFUSE);
	assert_int_equal(frame.body.refuse.reason, reason);
	assert_memory_equal(frame.body.refuse.nonce, box->ask.body.ask.nonce,
			    JOIN_NONCE_SIZE);
	assert_int_equal(control_seq(bench), before);
}

/* ---- one box ---- */

static void the_first_box_gets_the_site_and_nobody_else(void **state)
{
	struct bench *bench = *state;
	struct join_code code = invited(bench, "sh-02");
	struct box first = box_of(&code, 1);
	struct box second = box_of(&code, 2);
	struct join_answer answer = welcomed(bench, &first);
	struct certificate certificate;
	uint64_t seq = control_seq(bench);

	assert_int_equal(answer.site, SITE_FIRST + 1);
	assert_int_equal(answer.epoch, 1);
	assert_int_equal(answer.parent_epoch, 0);
	assert_span(name_span(&answer.name), "sh-02");
	assert_span(name_span(&answer.org), "acme");
	certificate = certificate_of(bench, answer.site);
	assert_memory_equal(certificate.public_key,
			    first.ask.body.ask.public_key, KEY_PUBLIC_SIZE);
	assert_int_equal(certificate.rights, RIGHT_PROMISE);
	assert_refused(bench, &second, JOIN_USED);
	/* It lost the answer, and asks again with a nonce of its own. */
	memset(first.ask.body.ask.nonce, 9, JOIN_NONCE_SIZE);
	box_write(&first);
	answer = welcomed(bench, &first);
	assert_int_equal(answer.site, SITE_FIRST + 1);
	assert_int_equal(answer.epoch, 1);
	assert_int_equal(control_seq(bench), seq);
}

/* Its key was revoked; that it was welcome once is no welcome now. */
static void a_box_that_was_revoked_is_not_welcomed_again(void **state)
{
	struct bench *bench = *state;
	struct join_code code = invited(bench, "sh-02");
	struct box first = box_of(&code, 1);
	struct box second = box_of(&code, 2);
	struct join_answer answer = welcomed(bench, &first);
	struct hq_ending ending = {
		.site = answer.site, .has_seq = true, .is_revoked = true};
	struct fence fence;
	struct batch *batch = begin(bench);
	struct err err;

	assert_done(hq_end(&bench->keys.hq, batch, &ending, &fence, &err),
		    &err);
	commit(bench, batch);
	assert_refused(bench, &first, JOIN_WITHDRAWN);
	memset(first.ask.body.ask.nonce, 9, JOIN_NONCE_SIZE);
	box_write(&first);
	assert_refused(bench, &first, JOIN_WITHDRAWN);
	assert_refused(bench, &second, JOIN_USED);
}

/* ---- who has no business here ---- */

/* Method: each cut and each flipped bit of a good ask, a right ask under
 * another number, and the other side's frames. */
static void what_has_not_the_secret_leaves_no_trace(void **state)
{
	struct bench *bench = *state;
	struct join_code code = invited(bench, "sh-02");
	struct box good = box_of(&code, 1);
	uint64_t seq = control_seq(bench);
	struct join_frame frame;
	size_t tried = 0;

	for (size_t i = 0; i < good.size; i++, tried++) {
		struct box bad = good;

		bad.bytes[i] ^= (uint8_t)(1u << i % 8);
		answer_at(bench, &bad, true, &frame);
		assert_int_equal(frame.type, 0);
		bad = good;
		bad.size = i;
		answer_at(bench, &bad, true, &frame);
		assert_int_equal(frame.type, 0);
	}
	assert_true(tried > 60);
	code.number++;
	good = box_of(&code, 1); /* an invitation that is not this HQ's */
	answer_at(bench, &good, true, &frame);
	assert_int_equal(frame.type, 0);
	code.number--;
	good = box_of(&code, 1);
	good.ask.type = JOIN_REFUSE;
	box_write(&good);
	answer_at(bench, &good, true, &frame);
	assert_int_equal(frame.type, 0);
	assert_int_equal(control_seq(bench), seq);
}

static void a_look_tells_strangers_from_those_who_mistyped(void **state)
{
	struct bench *bench = *state;
	struct join_code code = invited(bench, "sh-02");
	struct box good = box_of(&code, 1);
	struct join_code other = code;
	struct box bad;
	uint8_t answer[JOIN_FRAME_SIZE_MAX];
	size_t size = 0;
	uint32_t number = 0;
	struct view *view;
	struct err err;

	assert_done(view_begin(ledger_env(bench->w->ledger), &view, &err),
		    &err);
	assert_code(hq_join_check(view, box_frame(&good), &number, &err),
		    ERR_OK);
	assert_int_equal(number, code.number);
	other.secret[0] ^= 1;
	bad = box_of(&other, 1);
	number = 0;
	assert_code(hq_join_check(view, box_frame(&bad), &number, &err),
		    ERR_DENIED);
	assert_int_equal(number, code.number);
	assert_code(hq_join_busy(view, box_frame(&bad), answer, &size, &err),
		    ERR_DENIED);
	other.number = 500;
	bad = box_of(&other, 1);
	number = 0;
	assert_code(hq_join_check(view, box_frame(&bad), &number, &err),
		    ERR_NOT_FOUND);
	assert_code(hq_join_check(view, SPAN_LITERAL("no ask at all"), &number,
				  &err),
		    ERR_NOT_FOUND);
	assert_code(hq_join_check(view, (struct span){"", 0}, &number, &err),
		    ERR_NOT_FOUND);
	assert_int_equal(number, 0);
	assert_int_equal(size, 0);
	assert_code(hq_join_busy(view, box_frame(&good), answer, &size, &err),
		    ERR_OK);
	assert_true(size > 0);
	view_end(view);
}

static void people_who_carry_an_ask_hear_whose_it_is(void **state)
{
	struct bench *bench = *state;
	struct join_code code = invited(bench, "sh-02");
	struct box first = box_of(&code, 1);
	struct box second = box_of(&code, 2);
	struct hq_admission admission = {.number = 99};
	struct batch *batch = begin(bench);
	struct err err;

	assert_code(hq_admit(&bench->keys.hq, batch, SPAN_LITERAL("nonsense"),
			     &admission, &err),
		    ERR_DENIED);
	code.number = 500;
	second = box_of(&code, 2);
	assert_code(hq_admit(&bench->keys.hq, batch, box_frame(&second),
			     &admission, &err),
		    ERR_DENIED);
	assert_int_equal(admission.number, 99);
	assert_done(hq_admit(&bench->keys.hq, batch, box_frame(&first),
			     &admission, &err),
		    &err);
	commit(bench, batch);
	assert_int_equal(admission.refusal, JOIN_WELCOME);
	assert_int_equal(admission.site, SITE_FIRST + 1);
	assert_span(name_span(&admission.name), "sh-02");
	second = box_of(&first.code, 2);
	batch = begin(bench);
	assert_done(hq_admit(&bench->keys.hq, batch, box_frame(&second),
			     &admission, &err),
		    &err);
	drop(bench, batch);
	assert_int_equal(admission.refusal, JOIN_USED);
}

/* ---- what becomes of an invitation ---- */

static enum err_code withdrawn(struct bench *bench, uint32_t number)
{
	struct batch *batch = begin(bench);
	struct err err;
	enum err_code code = hq_withdraw(&bench->keys.hq, batch, number, &err);

	if (code == ERR_OK)
		commit(bench, batch);
	else
		drop(bench, batch);
	return code;
}

static void what_was_withdrawn_or_expired_is_refused_so(void **state)
{
	struct bench *bench = *state;
	struct join_code one = invited(bench, "sh-02");
	struct join_code two = invited(bench, "sh-03");
	struct join_code three = invited(bench, "sh-04");
	struct box box = box_of(&one, 1);
	struct join_frame frame;

	assert_code(withdrawn(bench, 999), ERR_NOT_FOUND);
	assert_code(withdrawn(bench, one.number), ERR_OK);
	assert_refused(bench, &box, JOIN_WITHDRAWN);
	box = box_of(&two, 2);
	(void)welcomed(bench, &box);
	assert_code(withdrawn(bench, two.number), ERR_CONFLICT);
	bench->w->now_ms += DAY_MS + 1;
	box = box_of(&three, 3);
	assert_refused(bench, &box, JOIN_EXPIRED);
	/* Whom it was for asks again, though the time is over. */
	box = box_of(&two, 2);
	(void)welcomed(bench, &box);
	/* A clock that nobody trusts lets no code expire. */
	box = box_of(&three, 3);
	answer_at(bench, &box, false, &frame);
	assert_int_equal(frame.type, JOIN_ANSWER);
}

static void only_what_can_be_kept_is_promised(void **state)
{
	struct bench *bench = *state;
	struct invite invite = invite_of(bench, "Not A Name");
	struct entry entry;
	struct hq_word word = {&entry, 1, false};
	struct batch *batch;
	struct err err;

	assert_code(try_invite(bench, &invite), ERR_INVALID);
	invite = invite_of(bench, "hz-01");
	assert_code(try_invite(bench, &invite), ERR_CONFLICT); /* HQ's own */
	invite = invite_of(bench, "sh-02");
	invite.expires_ms = (uint64_t)bench->w->now_ms;
	assert_code(try_invite(bench, &invite), ERR_INVALID);
	invite = invite_of(bench, "sh-02");
	assert_true(name_set(&invite.like, SPAN_LITERAL("nowhere")));
	assert_code(try_invite(bench, &invite), ERR_NOT_FOUND);
	invite = invite_of(bench, "sh-02");
	(void)invited(bench, "sh-02");
	assert_code(try_invite(bench, &invite), ERR_CONFLICT); /* one is out */
	bench->w->now_ms += DAY_MS + 1;
	invite = invite_of(bench, "sh-02");
	assert_code(try_invite(bench, &invite), ERR_OK);
	/* The last number. */
	entry_init(&entry, ENTRY_INVITATION);
	entry.body.invitation = sample_invitation();
	entry.body.invitation.number = JOIN_NUMBER_MAX;
	batch = begin(bench);
	assert_done(hq_say(&bench->keys.hq, batch, &word, NULL, &err), &err);
	commit(bench, batch);
	assert_code(try_invite(bench, &invite), ERR_FULL);
}

/* A crash before the commit: the code that was drawn opens nothing. */
static void a_code_that_was_not_committed_is_nobodys(void **state)
{
	struct bench *bench = *state;
	struct invite invite = invite_of(bench, "sh-02");
	struct batch *batch = begin(bench);
	struct join_code lost;
	struct join_code kept;
	struct join_frame frame;
	struct box box;
	struct err err;

	assert_done(hq_invite(&bench->keys.hq, batch, &invite, &lost, &err),
		    &err);
	drop(bench, batch);
	box = box_of(&lost, 1);
	answer_at(bench, &box, true, &frame);
	assert_int_equal(frame.type, 0);
	kept = invited(bench, "sh-02");
	assert_int_equal(kept.number, lost.number);
	answer_at(bench, &box, true, &frame); /* with the lost secret */
	assert_int_equal(frame.type, 0);
}

static void secret_change(struct bench *bench, uint32_t number, size_t size)
{
	struct key key = {.size = 0};
	uint8_t bytes[16] = {0};
	struct batch *batch = begin(bench);
	struct writer writer;
	struct err err;

	key_add_u8(&key, 'j');
	key_add_u32(&key, number);
	writer_init(&writer, bytes, sizeof(bytes));
	write_raw(&writer, "0123456789ab", size);
	assert_done(row_put(batch_txn(batch), TABLE_PRIVATE, key_span(&key),
			    &writer, &err),
		    &err);
	commit(bench, batch);
}

/* HQ came back from a backup without the secrets, or one is damaged. */
static void a_secret_that_is_not_whole_opens_nothing(void **state)
{
	struct bench *bench = *state;
	struct join_code code = invited(bench, "sh-02");
	struct box box = box_of(&code, 1);
	uint8_t answer[JOIN_FRAME_SIZE_MAX];
	size_t size = 99;
	struct join_frame frame;
	struct batch *batch;
	struct err err;

	secret_change(bench, code.number, 9);
	batch = begin(bench);
	assert_code(hq_join(&bench->keys.hq, batch, box_frame(&box), answer,
			    &size, &err),
		    ERR_CORRUPT);
	assert_int_equal(size, 0);
	drop(bench, batch);
	secret_change(bench, code.number, 10); /* another one's */
	answer_at(bench, &box, true, &frame);
	assert_int_equal(frame.type, 0);
}

/* ---- lives ---- */

/* A delta of the site's epoch lies here: its founding, by a key of no name. */
static void life_put(struct bench *bench, uint32_t site, uint32_t epoch)
{
	struct warehouse *w = bench->w;
	uint8_t seed[32] = {3};
	struct signer *signer;
	struct entry entry;
	struct bytes bytes;
	struct span span;
	struct feed_write write = {.id = {site, epoch, 0},
				   .plan = {.now = {w->now_ms}, .rows_max = 1},
				   .entries = &span,
				   .count = 1};
	struct batch *batch = begin(bench);
	uint64_t seq;
	struct err err;

	assert_done(signer_of_seed(seed, &signer, &err), &err);
	write.plan.signer = signer;
	entry_init(&entry, ENTRY_FOUNDING);
	entry.body.founding = *ledger_identity(w->ledger);
	entry.stamp.value = (uint64_t)w->now_ms << STAMP_COUNTER_BITS;
	entry.effective.ms = w->now_ms;
	bytes = encode(&entry);
	span = (struct span){(const char *)bytes.data, bytes.size};
	assert_done(feed_write(bench->desk, batch_txn(batch), &write, &seq,
			       &err),
		    &err);
	commit(bench, batch);
	signer_close(signer);
}

static bool is_ended(struct bench *bench, uint32_t site, uint32_t epoch)
{
	struct view *view;
	struct fence fence;
	enum err_code code;
	struct err err;

	assert_done(view_begin(ledger_env(bench->w->ledger), &view, &err),
		    &err);
	code = roster_fence(view, (struct feed_id){site, epoch, 0}, &fence,
			    &err);
	view_end(view);
	return code == ERR_OK && fence.verdict == FENCE_ENDED;
}

static void another_box_takes_a_place_as_the_next_life(void **state)
{
	struct bench *bench = *state;
	struct join_code first = invited(bench, "sh-02");
	struct box old = box_of(&first, 1);
	uint32_t site = welcomed(bench, &old).site;
	struct join_code second = invited(bench, "sh-02");
	struct box begun = box_of(&second, 2);
	struct box bare = box_of(&second, 3);
	struct join_answer answer;

	life_put(bench, site, 1);
	/* One that has begun that very epoch cannot be numbered otherwise. */
	begun.ask.body.ask.has_begun = true;
	box_write(&begun);
	assert_refused(bench, &begun, JOIN_USED);
	answer = welcomed(bench, &bare);
	assert_int_equal(answer.site, site);
	assert_int_equal(answer.epoch, 2);
	assert_int_equal(answer.parent_epoch, 1);
	/* Its book is to come to the new box first (hq_parents_end). */
	assert_false(is_ended(bench, site, 1));
	/* The old box's invitation is worth nothing any more. */
	assert_refused(bench, &old, JOIN_USED);
	answer = welcomed(bench, &bare);
	assert_int_equal(answer.epoch, 2);
	assert_int_equal(answer.parent_epoch, 1);
	/* It dies before it had that one's book, and a third box comes: the
	 * first one's is still awaited. */
	life_put(bench, site, 2);
	second = invited(bench, "sh-02");
	bare = box_of(&second, 4);
	answer = welcomed(bench, &bare);
	assert_int_equal(answer.epoch, 3);
	assert_int_equal(answer.parent_epoch, 2);
	assert_false(is_ended(bench, site, 1));
	assert_false(is_ended(bench, site, 2));
}

/* Whoever has the sheet asks for the last life that the site could have: nobody
 * could ever take its place. */
static void a_box_does_not_take_all_lives_that_a_site_could_have(void **state)
{
	static const uint32_t greedy[] = {EPOCH_MAX, EPOCH_MAX - 1,
					  EPOCH_MAX / 2};
	struct bench *bench = *state;
	struct join_code code = invited(bench, "sh-02");
	struct box box = box_of(&code, 1);

	for (size_t i = 0; i < ARRAY_LEN(greedy); i++) {
		box.ask.body.ask.epoch = greedy[i];
		box.ask.body.ask.has_begun = i % 2 == 1;
		box_write(&box);
		assert_refused(bench, &box, JOIN_USED);
	}
	box.ask.body.ask.epoch = 70000; /* after many restores */
	box.ask.body.ask.has_begun = false;
	box_write(&box);
	assert_int_equal(welcomed(bench, &box).epoch, 70000);
}

/* The old box has begun a new life by itself, which waits for HQ: the new box
 * must not get that one's number. */
static void a_new_life_is_beyond_those_that_nobody_certified(void **state)
{
	struct bench *bench = *state;
	struct join_code first = invited(bench, "sh-02");
	struct box old = box_of(&first, 1);
	uint32_t site = welcomed(bench, &old).site;
	struct join_code second;
	struct box bare;
	uint8_t ahead[JOIN_FRAME_SIZE_MAX];
	uint8_t key[JOIN_KEY_SIZE];
	struct join_frame frame;
	struct batch *batch;
	size_t size;
	struct err err;

	life_put(bench, site, 1);
	life_put(bench, site, 2);
	second = invited(bench, "sh-02");
	batch = begin(bench);
	assert_done(hq_answer_ahead(&bench->keys.hq, batch, &second, ahead,
				    &size, &err),
		    &err);
	drop(bench, batch);
	join_key(second.number,
		 (struct span){(const char *)second.secret,
			       sizeof(second.secret)},
		 key);
	assert_code(join_read((struct span){(const char *)ahead, size}, key,
			      &frame),
		    ERR_OK);
	assert_int_equal(frame.body.answer.epoch, 3);
	assert_int_equal(frame.body.answer.parent_epoch, 2);
	bare = box_of(&second, 3);
	assert_int_equal(welcomed(bench, &bare).epoch, 3);
}

static void an_answer_ahead_is_for_an_invitation_that_there_is(void **state)
{
	static const uint8_t zeros[JOIN_NONCE_SIZE];
	struct bench *bench = *state;
	struct join_code code = invited(bench, "sh-02");
	struct batch *batch = begin(bench);
	struct join_code other = code;
	uint8_t ahead[JOIN_FRAME_SIZE_MAX];
	uint8_t key[JOIN_KEY_SIZE];
	struct join_frame frame;
	size_t size = 99;
	struct err err;

	other.number = 500;
	assert_code(hq_answer_ahead(&bench->keys.hq, batch, &other, ahead,
				    &size, &err),
		    ERR_NOT_FOUND);
	assert_int_equal(size, 99);
	assert_done(hq_answer_ahead(&bench->keys.hq, batch, &code, ahead, &size,
				    &err),
		    &err);
	drop(bench, batch);
	join_key(code.number,
		 (struct span){(const char *)code.secret, sizeof(code.secret)},
		 key);
	assert_code(join_read((struct span){(const char *)ahead, size}, key,
			      &frame),
		    ERR_OK);
	assert_memory_equal(frame.body.answer.nonce, zeros, JOIN_NONCE_SIZE);
	assert_int_equal(frame.body.answer.epoch, 1);
	assert_int_equal(frame.body.answer.site, SITE_FIRST + 1);
}

/* Sites may hold words that this HQ has lost: nobody is certified now. */
static void an_hq_that_was_set_back_asks_for_patience(void **state)
{
	struct bench *bench = *state;
	struct join_code code = invited(bench, "sh-02");
	struct box box = box_of(&code, 1);

	atomic_store(&bench->keys.voice, HQ_BEHIND);
	assert_refused(bench, &box, JOIN_BUSY);
	atomic_store(&bench->keys.voice, HQ_SPEAKS);
	assert_int_equal(welcomed(bench, &box).site, SITE_FIRST + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		HQ_STORY(the_first_box_gets_the_site_and_nobody_else),
		HQ_STORY(a_box_that_was_revoked_is_not_welcomed_again),
		HQ_STORY(what_has_not_the_secret_leaves_no_trace),
		HQ_STORY(a_look_tells_strangers_from_those_who_mistyped),
		HQ_STORY(people_who_carry_an_ask_hear_whose_it_is),
		HQ_STORY(what_was_withdrawn_or_expired_is_refused_so),
		HQ_STORY(only_what_can_be_kept_is_promised),
		HQ_STORY(a_code_that_was_not_committed_is_nobodys),
		HQ_STORY(a_secret_that_is_not_whole_opens_nothing),
		HQ_STORY(another_box_takes_a_place_as_the_next_life),
		HQ_STORY(a_box_does_not_take_all_lives_that_a_site_could_have),
		HQ_STORY(a_new_life_is_beyond_those_that_nobody_certified),
		HQ_STORY(an_answer_ahead_is_for_an_invitation_that_there_is),
		HQ_STORY(an_hq_that_was_set_back_asks_for_patience),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
