#include <string.h>

#include "gateway/sync/follow.h"
#include "gateway/sync/sync_parts.h"
#include "store/heir.h"
#include "store/roster.h"

/* ---- the search ---- */

/* The caller has been told, and notes it. */
static bool was_shown(const struct sync *sync, uint32_t feed)
{
	uint64_t proved_ms = sync->feeds[feed].proved_ms;

	return proved_ms != 0 && sync->now.ms - proved_ms < BLOCKED_MS;
}

void fork_suspect(struct sync *sync, uint32_t pull, uint32_t feed, uint64_t seq)
{
	struct search *search;

	if (pull == NONE || seq == 0 || was_shown(sync, feed))
		return;
	search = &sync->pulls[pull].search;
	if (search->feed != NONE)
		return;
	*search = (struct search){.feed = feed, .differs = seq};
}

/*
 * A pack carries only the beginning of the hash that it follows: a delta of
 * another branch verifies against ours at one position only: where the two
 * part. Halving finds it.
 */
uint64_t fork_ask(struct pull *pull)
{
	struct search *search = &pull->search;

	if (search->asked == 0) {
		search->tries = 0;
		search->asked = search->differs;
		if (search->has_begun)
			search->asked = search->same +
					(search->differs - search->same) / 2;
		search->has_begun = true;
	}
	search->tries++;
	return search->asked;
}

static enum err_code feed_key(const struct sync *sync, uint32_t site,
			      uint32_t epoch, uint8_t ret_key[KEY_PUBLIC_SIZE],
			      struct err *err)
{
	struct root root;
	enum err_code code;

	if (site == SITE_CONTROL) {
		code = roster_root_of(sync->view, epoch, &root, err);
		if (code == ERR_OK)
			memcpy(ret_key, root.public_key, KEY_PUBLIC_SIZE);
		return code;
	}
	return site_key_known(sync->view, site, epoch, ret_key, err);
}

/* The answer was not ours and did not verify, or was ours. Where nothing is
 * left to ask, nothing parted: what made us suspect it was forged. */
static void search_on(struct sync *sync, uint32_t pull, bool is_same)
{
	struct search *search = &sync->pulls[pull].search;

	if (is_same)
		search->same = search->asked;
	else
		search->differs = search->asked;
	search->asked = 0;
	if (search->differs <= search->same + 1) {
		refusal_note(sync, ADMISSION_FORGED,
			     sync->feeds[search->feed].record.id,
			     search->same + 1, sync->pulls[pull].peer);
		search->feed = NONE;
	}
}

enum err_code fork_on_pack(struct sync *sync, uint32_t pull, struct span bytes,
			   const struct pack *pack, struct err *err)
{
	struct search *search = &sync->pulls[pull].search;
	uint32_t feed = search->feed;
	uint8_t key[KEY_PUBLIC_SIZE];
	uint8_t hash[HASH_SIZE];
	const struct delta *theirs;
	struct pack_start start;
	struct pack again;
	uint64_t ours = 0;
	enum err_code code;

	code = follow_start(sync->view, sync->config.net_id, pack->feed,
			    pack->first_seq, &start, err);
	if (code == ERR_OK)
		code = feed_hash_start(sync, feed, pack->first_seq, &ours, err);
	if (code == ERR_OK)
		code = feed_key(sync, pack->feed.site, pack->feed.epoch, key,
				err);
	if (code == ERR_NOT_FOUND ||
	    feed_is_damaged(sync, feed, pack->first_seq, code)) {
		search->feed = NONE; /* pruned, or nobody we know */
		search->asked = 0;
		return ERR_OK;
	}
	if (code != ERR_OK)
		return code;
	sync->pulls[pull].useful_ms = sync->now.ms;
	if (unpacker_read(sync->unpacker, bytes, &start, &again) != ERR_OK) {
		search_on(sync, pull, false);
		return ERR_OK;
	}
	theirs = unpacker_delta(sync->unpacker, 0);
	delta_hash(sync->config.net_id, &theirs->header, hash);
	if (frame_hash_start(hash) == ours ||
	    !delta_verify(key, sync->config.net_id, &theirs->header,
			  theirs->signature)) {
		search_on(sync, pull, frame_hash_start(hash) == ours);
		return ERR_OK;
	}
	search->feed = NONE;
	search->asked = 0;
	return fork_found(sync, feed, sync->pulls[pull].peer, theirs, err);
}

/* ---- proofs ---- */

static void proof_make(const struct sync *sync, const struct delta *ours,
		       const struct delta *theirs, struct fork_proof *ret_proof)
{
	uint8_t our_hash[HASH_SIZE];
	uint8_t their_hash[HASH_SIZE];
	bool is_ours_first;

	delta_hash(sync->config.net_id, &ours->header, our_hash);
	delta_hash(sync->config.net_id, &theirs->header, their_hash);
	is_ours_first = memcmp(our_hash, their_hash, HASH_SIZE) < 0;
	ret_proof->first = is_ours_first ? ours->header : theirs->header;
	ret_proof->second = is_ours_first ? theirs->header : ours->header;
	memcpy(ret_proof->first_signature,
	       is_ours_first ? ours->signature : theirs->signature,
	       SIGNATURE_SIZE);
	memcpy(ret_proof->second_signature,
	       is_ours_first ? theirs->signature : ours->signature,
	       SIGNATURE_SIZE);
}

static void proof_show(struct sync *sync, uint32_t feed, uint32_t peer,
		       const struct fork_proof *proof)
{
	struct sync_finding finding = {
		.kind = SYNC_FOUND_FORK,
		.peer = name_span(&sync->peers[peer].name),
		.feed = sync->feeds[feed].record.id,
		.seq = proof->first.seq,
		.is_signed = true,
		.proof = proof,
	};

	sync->feeds[feed].proved_ms = sync->now.ms;
	sync->port.found(sync->port.context, &finding);
	if (finding.feed.site != sync->config.site ||
	    finding.feed.epoch != sync->self.epoch)
		return;
	/* Somebody else signs with our key, or we did before we were set back:
	 * from here on heads that are no higher than ours say nothing. */
	finding.kind = SYNC_FOUND_SELF;
	finding.proof = NULL;
	delta_hash(sync->config.net_id, &proof->second, finding.hash);
	sync->port.found(sync->port.context, &finding);
}

struct proof_search {
	const struct fork_proof *proof;
	bool is_known;
};

static enum err_code
proof_compare(void *context, const struct fork_proof *proof, struct err *err)
{
	struct proof_search *search = context;

	(void)err;
	if (proof->first.site == search->proof->first.site &&
	    proof->first.epoch == search->proof->first.epoch &&
	    proof->first.seq == search->proof->first.seq &&
	    memcmp(proof->first_signature, search->proof->first_signature,
		   SIGNATURE_SIZE) == 0 &&
	    memcmp(proof->second_signature, search->proof->second_signature,
		   SIGNATURE_SIZE) == 0)
		search->is_known = true;
	return ERR_OK;
}

/* Shows it, unless the store has it. */
static enum err_code proof_take(struct sync *sync, uint32_t feed, uint32_t peer,
				const struct fork_proof *proof, struct err *err)
{
	struct proof_search search = {.proof = proof};
	enum err_code code = fork_walk(sync->view, proof_compare, &search, err);

	if (code == ERR_OK && !search.is_known)
		proof_show(sync, feed, peer, proof);
	return code;
}

enum err_code fork_found(struct sync *sync, uint32_t feed, uint32_t peer,
			 const struct delta *theirs, struct err *err)
{
	struct fork_proof proof;
	struct delta ours;
	enum err_code code;

	if (was_shown(sync, feed))
		return ERR_OK;
	code = feed_delta(sync->view, sync->feeds[feed].record.id,
			  theirs->header.seq, &ours, err);
	if (code == ERR_NOT_FOUND ||
	    feed_is_damaged(sync, feed, theirs->header.seq, code))
		return ERR_OK; /* pruned: below what HQ has countersigned */
	if (code != ERR_OK)
		return code;
	proof_make(sync, &ours, theirs, &proof);
	return proof_take(sync, feed, peer, &proof, err);
}

enum err_code fork_on_proof(struct sync *sync, uint32_t peer,
			    const struct frame *frame, struct err *err)
{
	uint8_t key[KEY_PUBLIC_SIZE];
	struct fork_proof proof;
	struct reader reader;
	uint32_t feed;
	enum err_code code;

	reader_init(&reader, frame->body.proof.data, frame->body.proof.size);
	if (fork_proof_read(&reader, &proof) != ERR_OK ||
	    !reader_done(&reader)) {
		sync->counts.frames_garbled++;
		return ERR_OK;
	}
	code = feed_key(sync, proof.first.site, proof.first.epoch, key, err);
	if (code == ERR_NOT_FOUND)
		return ERR_OK; /* nobody we know: it will be shown again */
	if (code != ERR_OK)
		return code;
	feed = feed_row_of(sync, (struct feed_id){proof.first.site,
						  proof.first.epoch, 0});
	if (feed == NONE || was_shown(sync, feed))
		return ERR_OK;
	if (fork_proof_verify(key, sync->config.net_id, &proof))
		return proof_take(sync, feed, peer, &proof, err);
	sync->counts.proofs_forged++;
	return ERR_OK;
}

/* ---- the alarm ---- */

static enum err_code proof_visit(void *context, const struct fork_proof *proof,
				 struct err *err)
{
	struct writer *writer = context;

	(void)err;
	writer->size = 0; /* the last one stays */
	fork_proof_write(writer, proof);
	return ERR_OK;
}

enum err_code alarm_pump(struct sync *sync, struct err *err)
{
	struct frame frame = {.type = FRAME_PROOF};
	struct writer writer;
	enum err_code code;

	if (!sync->is_alarm_due)
		return ERR_OK;
	writer_init(&writer, sync->list_bytes, SYNC_PROOF_SIZE_MAX - 8);
	code = fork_walk(sync->view, proof_visit, &writer, err);
	if (code != ERR_OK)
		return code;
	sync->is_alarm_due = false;
	if (writer.size == 0 || !writer_ok(&writer))
		return ERR_OK;
	frame.body.proof =
		(struct span){(const char *)sync->list_bytes, writer.size};
	for (uint32_t i = 0; i < sync->config.links_max; i++) {
		struct sync_out out = {.link = i,
				       .plane = SYNC_PLANE_ALARM,
				       .is_retained = true};

		if (link_is_up(sync, i) && !sync_say(sync, &out, &frame))
			sync->is_alarm_due = true;
	}
	return ERR_OK;
}

struct proofs_out {
	struct sync *sync;
	struct sync_out *out;
	uint32_t left;
};

static enum err_code proof_say(void *context, const struct fork_proof *proof,
			       struct err *err)
{
	struct proofs_out *all = context;
	struct frame frame = {.type = FRAME_PROOF,
			      .session = all->out->session};
	struct writer writer;

	(void)err;
	writer_init(&writer, all->sync->list_bytes, SYNC_PROOF_SIZE_MAX);
	fork_proof_write(&writer, proof);
	frame.body.proof =
		(struct span){(const char *)all->sync->list_bytes, writer.size};
	if (writer_ok(&writer))
		(void)sync_say(all->sync, all->out, &frame);
	return --all->left > 0 ? ERR_OK : ERR_STOPPED;
}

enum err_code proofs_say(struct sync *sync, struct sync_out *out,
			 struct err *err)
{
	struct proofs_out all = {sync, out, PROOFS_SAID_MAX};
	enum err_code code = fork_walk(sync->view, proof_say, &all, err);

	return code == ERR_STOPPED ? ERR_OK : code;
}
