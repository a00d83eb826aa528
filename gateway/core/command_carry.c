/*
 * Commands for what people carry: a bundle's first block, and its packs. Each
 * pack is a transaction of its own, so that readings wait for one at most, and
 * a box that dies in the middle has what it took.
 */
#include "gateway/core/asking.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/carry.h"
#include "gateway/core/hq.h"
#include "gateway/core/rights.h"
#include "gateway/sync/ack.h"
#include "gateway/sync/admit.h"
#include "gateway/sync/bundle.h"
#include "gateway/sync/follow.h"
#include "store/journal.h"
#include "store/roster.h"
#include "store/site.h"

static const struct refusal no_network = {
	"no_network",
	"this box belongs to no network: depot join takes an invitation",
	"本机不属于任何网络：depot join 可使用邀请加入"};
static const struct refusal foreign_net = {
	"foreign_net", "the bundle of %s is of another network",
	"%s 的数据包属于另一个网络"};
static const struct refusal bad_pack = {
	"bad_pack", "what came is no pack of deltas: it is damaged",
	"内容不是增量包：已损坏"};

enum err_code carry_open(struct carry *carry, const uint8_t net_id[NET_ID_SIZE],
			 struct feed_desk *desk, struct err *err)
{
	*carry = (struct carry){.desk = desk};
	memcpy(carry->net_id, net_id, NET_ID_SIZE);
	return unpacker_open(&carry->unpacker, err);
}

void carry_close(struct carry *carry)
{
	unpacker_close(carry->unpacker);
	carry->unpacker = NULL;
}

/* NULL: refused. */
static const struct carry *carry_of(struct asking *asking)
{
	const struct carry *carry = asking->act->plan->carry;

	if (carry == NULL || carry->site == 0) {
		(void)asking_refuse(asking, &no_network, SPAN_LITERAL(""));
		return NULL;
	}
	return carry;
}

/* ---- who carried it, and what they have ---- */

/* The file is the bundle's first block, as it stands there. */
static enum err_code acks_keep(struct asking *asking, const struct carry *carry,
			       const struct bundle_header *header,
			       struct err *err)
{
	struct txn *txn = batch_txn(asking->act->batch);
	struct reader reader;
	uint32_t site = 0;
	uint32_t kept = 0;
	uint32_t refused = 0;
	enum err_code code = ERR_OK;

	reader_init(&reader, header->acks.data, header->acks.size);
	for (uint32_t i = 0; i < header->ack_count && code == ERR_OK; i++) {
		struct span frame = read_span(&reader, BUNDLE_BLOCK_SIZE_MAX);

		code = ack_keep(txn, carry->net_id, frame, &site, err);
		kept += code == ERR_OK;
		refused += code == ERR_DENIED;
		if (code == ERR_DENIED)
			code = ERR_OK;
	}
	out_int_at(asking->out, "acks", kept);
	out_int_at(asking->out, "acks_refused", refused);
	return code;
}

static enum err_code hear(struct asking *asking, struct err *err)
{
	const struct carry *carry = carry_of(asking);
	struct bundle_header header;

	if (carry == NULL)
		return ERR_OK;
	if (bundle_header_read(asking->command->file, &header, NULL) != ERR_OK)
		return asking_refuse(asking, &bad_pack, SPAN_LITERAL(""));
	if (memcmp(header.net_id, carry->net_id, NET_ID_SIZE) != 0)
		return asking_refuse(asking, &foreign_net,
				     name_span(&header.from));
	out_text_at(asking->out, "from", name_span(&header.from));
	return acks_keep(asking, carry, &header, err);
}

/* ---- a pack ---- */

struct taking {
	const struct carry *carry;
	struct sync_admit admit;
	struct admission_work work;
	struct feed_record before;
	struct feed_record after;
	bool is_gap;
	bool is_set_back;       /* we signed what is not here */
	enum admission refused; /* ADMISSION_APPLIED: nothing was */
	uint64_t refused_seq;
};

static enum err_code record_of(const struct asking *asking, struct feed_id id,
			       struct feed_record *ret_feed, struct err *err)
{
	enum err_code code = feed_get(asking->view, id, ret_feed, err);

	if (code != ERR_NOT_FOUND)
		return code;
	*ret_feed = (struct feed_record){.id = id, .state = FEED_UNKNOWN};
	return ERR_OK;
}

static enum err_code refused(struct taking *taking, struct asking *asking,
			     enum admission why, uint64_t seq, struct err *err)
{
	struct delta_header header = {.site = taking->admit.pack.feed.site,
				      .epoch = taking->admit.pack.feed.epoch,
				      .seq = seq};

	taking->refused = why;
	taking->refused_seq = seq;
	return feed_refused(batch_txn(asking->act->batch), &header, why,
			    batch_now(asking->act->batch), err);
}

/* Control's first delta goes in alone: its root is in its rows. */
static enum err_code pack_admit(struct taking *taking, struct asking *asking,
				struct err *err)
{
	struct admission_work *work = &taking->work;
	struct txn *txn = batch_txn(asking->act->batch);
	enum err_code code;

	do {
		code = admit_judge(taking->carry->unpacker, asking->view,
				   &taking->admit, work, err);
		if (code == ERR_OK && work->good > 0)
			code = admit_apply(taking->carry->desk, txn,
					   taking->carry->unpacker, work, err);
	} while (code == ERR_OK && work->result.refused == ADMISSION_APPLIED &&
		 work->good > 0 && work->good < taking->admit.pack.count);
	if (code == ERR_OK && work->result.refused == ADMISSION_GAP)
		taking->is_gap = true;
	else if (code == ERR_OK && work->result.refused != ADMISSION_APPLIED)
		code = refused(taking, asking, work->result.refused,
			       work->result.refused_seq, err);
	return code;
}

/* The voice of an HQ that does not know that it lacks any of its words
 * (core/voice.h); else NULL. */
static atomic_int *unaware(const struct asking *asking)
{
	const struct hq *hq = asking->act->plan->hq;
	enum hq_voice voice;

	if (hq == NULL || hq->voice == NULL)
		return NULL;
	voice = (enum hq_voice)atomic_load(hq->voice);
	return voice != HQ_BEHIND && voice != HQ_DOUBTS ? hq->voice : NULL;
}

static bool is_word(const struct asking *asking, const struct taking *taking)
{
	return taking->admit.pack.feed.site < SITE_FIRST &&
	       taking->before.is_own && taking->before.state != FEED_FENCED &&
	       unaware(asking) != NULL;
}

/* The present epoch's, which is written here. */
static enum err_code is_present(const struct asking *asking,
				const struct taking *taking, bool *ret_is,
				struct err *err)
{
	const struct feed_id *id = &taking->admit.pack.feed;
	struct journal_head head;
	enum err_code code = journal_head_get(asking->view, &head, err);

	if (code == ERR_OK && is_word(asking, taking)) {
		*ret_is = true;
		return ERR_OK;
	}

	*ret_is = code == ERR_OK && id->site == taking->carry->site &&
		  id->epoch == pos_epoch(head.pos) &&
		  (id->branch == 0 || taking->before.is_own);
	return code;
}

/*
 * What we signed and do not have proves that this box was set back. It is the
 * stick that has it now, so it is taken; the mark keeps this box from sealing
 * before it has begun its next epoch (core/incarnation.h).
 */
static enum err_code own_look(struct taking *taking, struct asking *asking,
			      struct err *err)
{
	const struct pack *pack = &taking->admit.pack;
	enum err_code code = admit_judge(taking->carry->unpacker, asking->view,
					 &taking->admit, &taking->work, err);

	if (code != ERR_OK)
		return code;
	taking->is_set_back =
		pack->first_seq + taking->work.good - 1 > taking->before.seq ||
		taking->work.result.refused == ADMISSION_FORK;
	if (!taking->is_set_back)
		return ERR_OK;
	/* Its guard does not know of it either. */
	if (unaware(asking) != NULL)
		atomic_store(unaware(asking), HQ_DOUBTS);
	return site_mark_put(batch_txn(asking->act->batch), SITE_MARK_SET_BACK,
			     err);
}

static enum err_code pack_take(struct taking *taking, struct asking *asking,
			       struct err *err)
{
	const struct pack *pack = &taking->admit.pack;
	uint64_t last = pack->first_seq + pack->count - 1;
	bool is_written_here = false;
	enum err_code code =
		record_of(asking, pack->feed, &taking->before, err);

	taking->refused = ADMISSION_APPLIED;
	if (code == ERR_OK)
		code = is_present(asking, taking, &is_written_here, err);
	if (code != ERR_OK || (is_written_here && last <= taking->before.seq))
		return code;
	code = follow_start(asking->view, taking->carry->net_id, pack->feed,
			    pack->first_seq, &taking->admit.start, err);
	if (code == ERR_NOT_FOUND) {
		taking->is_gap = true;
		return ERR_OK;
	}
	if (code == ERR_OK && is_written_here)
		code = own_look(taking, asking, err);
	return code == ERR_OK ? pack_admit(taking, asking, err) : code;
}

static void taken_out(const struct taking *taking, struct json_out *out)
{
	const struct pack *pack = &taking->admit.pack;

	out_int_at(out, "site", pack->feed.site);
	out_int_at(out, "epoch", pack->feed.epoch);
	if (pack->feed.branch != 0)
		out_id_at(out, "branch", pack->feed.branch);
	out_int_at(out, "first", (int64_t)pack->first_seq);
	out_int_at(out, "count", pack->count);
	out_int_at(out, "before", (int64_t)taking->before.seq);
	out_int_at(out, "seq", (int64_t)taking->after.seq);
	out_string_at(out, "state", feed_state_name(taking->after.state));
	out_int_at(out, "applied",
		   (int64_t)(taking->after.seq - taking->before.seq));
	out_int_at(out, "rows",
		   (int64_t)(taking->after.rows - taking->before.rows));
	out_int_at(
		out, "void_rows",
		(int64_t)(taking->after.void_rows - taking->before.void_rows));
	out_bool_at(out, "gap", taking->is_gap);
	if (taking->is_set_back)
		out_bool_at(out, "set_back", true);
	if (taking->refused == ADMISSION_APPLIED)
		return;
	out_string_at(out, "refused", admission_name(taking->refused));
	out_int_at(out, "refused_seq", (int64_t)taking->refused_seq);
}

static enum err_code take(struct asking *asking, struct err *err)
{
	UNINITIALIZED struct taking taking;
	enum err_code code;

	memset(&taking, 0, sizeof(taking));
	taking.carry = carry_of(asking);
	if (taking.carry == NULL)
		return ERR_OK;
	taking.admit.bytes = asking->command->file;
	if (asking->command->file.size > PACK_SIZE_MAX ||
	    pack_peek(asking->command->file, &taking.admit.pack) != ERR_OK)
		return asking_refuse(asking, &bad_pack, SPAN_LITERAL(""));
	code = pack_take(&taking, asking, err);
	if (code == ERR_OK)
		code = record_of(asking, taking.admit.pack.feed, &taking.after,
				 err);
	if (code != ERR_OK)
		return code;
	/* What changed nothing need not be written. */
	asking->is_idle = taking.after.seq == taking.before.seq &&
			  taking.refused == ADMISSION_APPLIED &&
			  !taking.is_set_back;
	taken_out(&taking, asking->out);
	return ERR_OK;
}

static const struct command_row rows[] = {
	{{"network.hear", COMMAND_WRITE, RIGHTS_SITE}, hear, NULL},
	{{"network.take", COMMAND_WRITE, RIGHTS_SITE}, take, NULL},
};
const struct command_table carry_commands = {rows, ARRAY_LEN(rows)};
