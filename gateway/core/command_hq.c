/*
 * Commands of HQ: who joins the network, and who leaves it.
 */
#include "gateway/core/asking.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/hq_ask.h"
#include "gateway/core/hq_fence.h"
#include "gateway/core/hq_join.h"
#include "gateway/core/hq_succeed.h"
#include "gateway/core/hq_transfer.h"
#include "gateway/core/join_file.h"
#include "gateway/core/rights.h"
#include "store/closing.h"
#include "store/transfer.h"

#define HOUR_MS INT64_C(3600000)
/* How long a code is good, if nobody says. */
#define INVITE_HOURS 168
#define INVITE_HOURS_MAX 8760

static const struct refusal bad_site_name = {
	"bad_name", "%s is no site's name: a-z, 0-9 and dashes, up to 24",
	"%s 不是有效的站点名：a-z、0-9 和连字符，最多 24 个字符"};
static const struct refusal reserved_name = {
	"bad_name", "%s means something else in topics: another name",
	"%s 在主题中另有用途：请换一个名称"};
static const struct refusal bad_host = {
	"bad_host",
	"%s is not HOST:PORT with letters, digits, dots and dashes, or longer "
	"than 27",
	"%s 不是“主机:端口”，或超过 27 个字符"};
static const struct refusal bad_until = {"bad_date", "%s is over already",
					 "%s 已经过去"};
static const struct refusal is_there = {
	"site_exists",
	"the network has a site %s: --replace invites a box in its place",
	"网络中已有站点 %s：若要更换其盒子，请加 --replace"};
static const struct refusal is_invited = {
	"already_invited",
	"an invitation for %s is out, or the name is HQ's own: depot hq sites "
	"shows it, depot hq withdraw takes it back",
	"%s 已有未使用的邀请，或是总部自己的名称：可用 depot hq sites "
	"查看，depot hq withdraw 撤回"};
static const struct refusal no_invitation = {
	"unknown_invitation", "there is no invitation %s", "没有邀请 %s"};
static const struct refusal was_used = {
	"invitation_used",
	"invitation %s was used: depot hq revoke takes the site's key back",
	"邀请 %s 已被使用：可用 depot hq revoke 吊销该站点的密钥"};
static const struct refusal own_feed = {"bad_site", "%s is HQ itself",
					"%s 是总部自身"};
static const struct refusal unknown_transfer = {
	"unknown_transfer", "there is no transfer %s between sites",
	"站点间没有调拨单 %s"};
static const struct refusal is_over = {
	"transfer_over", "transfer %s is over, and nothing of it is in transit",
	"调拨单 %s 已结束，没有货物在途"};
static const struct refusal not_held = {
	"not_held", "HQ does not hold so much of the feed of %s",
	"总部没有 %s 的这么多数据"};
static const struct refusal is_forked = {
	"epoch_forked",
	"%s went on in two places, and nobody has said yet which one counts: "
	"depot fork list, and depot hq choose first",
	"%s 已分叉，尚未决定以哪一部分为准：请先执行 depot fork list 和 "
	"depot hq choose"};
static const struct refusal seal_differs = {
	"seal_differs",
	"the last word of %s says other balances than its entries come to "
	"here, so what would be written off is not what it left: depot audit "
	"--network and depot rebuild first, or --anyway",
	"%s 关闭时签名的余额与总部按其记录算出的不同，此时核销的数量会有误："
	"请先执行 depot audit --network 和 depot rebuild，或加 --anyway"};
static const struct refusal epoch_waits = {
	"epoch_waits",
	"%s goes on in an epoch that waits for HQ's word, and all that it said "
	"there would be lost: depot hq succeed first, or --anyway",
	"%s 已在新的纪元继续，正等待总部认证，现在关闭会丢失其中的全部记录："
	"请先执行 depot hq succeed，或加 --anyway"};
static const struct refusal a_stranger = {
	"unknown_invitation",
	"that box was not invited by this HQ, or its code was mistyped",
	"该盒子不是由本总部邀请的，或加入码输入有误"};

static bool reason_read(struct asking *asking, struct reason *ret_reason)
{
	struct span text;

	return asking_text_or(asking, "reason", REASON_SIZE_MAX, &text) &&
	       reason_set(ret_reason, text);
}

/* ---- inviting ---- */

/* The day's end at HQ. */
static bool until_read(struct asking *asking, uint64_t *ret_until_ms)
{
	const struct json_value *value =
		json_member(asking->arguments, "until");
	struct fault fault;
	struct moment end;
	struct span text;
	struct date date;

	if (value == NULL)
		return true;
	if (json_to_date(value, &date, &fault) != ERR_OK) {
		(void)asking_fault(asking, &fault);
		return false;
	}
	end = asking->zone != NULL
		      ? zone_moment(asking->zone, date_to_days(date) + 1, 0)
		      : (struct moment){moment_of_date(date).ms + DAY_MS};
	if (end.ms <= batch_now(asking->act->batch).ms &&
	    json_to_text(value, &text, &fault) == ERR_OK) {
		(void)asking_refuse(asking, &bad_until, text);
		return false;
	}
	*ret_until_ms = (uint64_t)end.ms;
	return true;
}

static bool share_read(struct asking *asking, uint32_t *ret_permille)
{
	const struct json_value *value =
		json_member(asking->arguments, "share");
	struct json_range range = {0, 1};
	struct fault fault;
	int64_t permille;

	if (value == NULL)
		return true;
	if (json_to_scaled(value, 3, range, &permille, &fault) != ERR_OK) {
		(void)asking_fault(asking, &fault);
		return false;
	}
	*ret_permille = (uint32_t)permille;
	return true;
}

/* As the code will have it: what its reader does not take is refused here. */
static bool host_read(struct asking *asking, struct join_host *ret_host)
{
	char text[JOIN_CODE_SIZE_MAX + 1];
	struct join_code probe = {.number = 1};
	struct span host;
	char upper[JOIN_HOST_SIZE_MAX];

	if (!asking_text_or(asking, "host", REF_SIZE_MAX, &host))
		return false;
	if (host.size > 0 && host.size <= sizeof(upper)) {
		for (size_t i = 0; i < host.size; i++)
			upper[i] = host.data[i] >= 'a' && host.data[i] <= 'z'
					   ? (char)(host.data[i] - 'a' + 'A')
					   : host.data[i];
		if (join_host_set(&probe.host,
				  (struct span){upper, host.size})) {
			join_code_write(&probe, text);
			if (join_code_parse(span_of(text), &probe) !=
			    JOIN_CODE_SOUND)
				probe.host.size = 0;
		}
	}
	*ret_host = probe.host;
	if (host.size > 0 && probe.host.size == 0)
		(void)asking_refuse(asking, &bad_host, host);
	return !asking->is_refused;
}

static bool name_read(struct asking *asking, const char *member, bool is_needed,
		      struct name *ret_name)
{
	struct span text;
	bool is_read =
		is_needed ? asking_text(asking, member, REF_SIZE_MAX, &text)
			  : asking_text_or(asking, member, REF_SIZE_MAX, &text);

	if (!is_read)
		return false;
	if (text.size == 0)
		return true;
	if (text_is_name(text) && name_set(ret_name, text))
		return true;
	(void)asking_refuse(asking, &bad_site_name, text);
	return false;
}

/* Names that stand in a topic where a site's would. */
static bool is_reserved(struct span name)
{
	return span_is(name, "network") || span_is(name, "sync");
}

static bool invite_read(struct asking *asking, struct invite *invite,
			struct join_host *host)
{
	struct json_range hours = {1, INVITE_HOURS_MAX};
	int64_t valid;

	if (!name_read(asking, "site", true, &invite->site) ||
	    !name_read(asking, "like", false, &invite->like) ||
	    !asking_int_or(asking, "hours", hours, INVITE_HOURS, &valid) ||
	    !until_read(asking, &invite->until_ms) ||
	    !share_read(asking, &invite->share_permille) ||
	    !host_read(asking, host))
		return false;
	if (is_reserved(name_span(&invite->site))) {
		(void)asking_refuse(asking, &reserved_name,
				    name_span(&invite->site));
		return false;
	}
	invite->expires_ms =
		(uint64_t)(batch_now(asking->act->batch).ms + valid * HOUR_MS);
	return true;
}

static enum err_code invited_out(struct asking *asking, const struct hq *hq,
				 const struct invite *invite,
				 const struct join_code *code, struct err *err)
{
	struct json_out *out = asking->out;
	struct invitation invitation;
	char file[ARMOUR_TEXT_SIZE_MAX];
	uint8_t frame[JOIN_FRAME_SIZE_MAX];
	char text[JOIN_CODE_SIZE_MAX + 1];
	struct writer writer;
	size_t size;
	enum err_code result = hq_answer_ahead(hq, asking->act->batch, code,
					       frame, &size, err);

	if (result == ERR_OK)
		result = roster_invitation(batch_view(asking->act->batch),
					   code->number, &invitation, err);
	if (result != ERR_OK)
		return result;
	join_code_write(code, text);
	writer_init(&writer, file, sizeof(file));
	invitation_file_write(&writer, code,
			      (struct span){(const char *)frame, size});
	ASSERT(writer_ok(&writer));
	out_int_at(out, "number", code->number);
	out_int_at(out, "site", invitation.site);
	out_text_at(out, "name", name_span(&invite->site));
	out_string_at(out, "code", text);
	out_moment_at(out, "expires",
		      (struct moment){(int64_t)invite->expires_ms});
	if (invite->until_ms != 0)
		out_moment_at(out, "until",
			      (struct moment){(int64_t)invite->until_ms});
	out_bool_at(out, "clock_trusted", asking->now.ms != 0);
	out_text_at(out, "file", (struct span){file, writer.size});
	seal_wipe(file, sizeof(file));
	seal_wipe(text, sizeof(text));
	return ERR_OK;
}

/* A name that is taken means a box that takes a box's place, and somebody has
 * to have meant that. */
static enum err_code replacing_check(struct asking *asking,
				     const struct invite *invite,
				     struct err *err)
{
	struct certificate site;
	bool is_replacing = false;
	enum err_code code;

	if (!asking_bool_or(asking, "replace", false, &is_replacing))
		return ERR_OK;
	code = roster_site_named(asking->view, name_span(&invite->site), &site,
				 err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (code == ERR_OK && site.site > SITE_FIRST && !is_replacing)
		return asking_refuse(asking, &is_there,
				     name_span(&invite->site));
	if (code == ERR_NOT_FOUND && is_replacing)
		return asking_refuse(asking, &refusal_unknown_site,
				     name_span(&invite->site));
	return ERR_OK;
}

static enum err_code invite_run(struct asking *asking, struct err *err)
{
	const struct hq *hq = asking_hq(asking);
	struct invite invite = {.until_ms = 0};
	struct join_host host = {.size = 0};
	struct join_code code;
	enum err_code result;

	if (hq == NULL || !invite_read(asking, &invite, &host))
		return ERR_OK;
	result = replacing_check(asking, &invite, err);
	if (result != ERR_OK || asking->is_refused)
		return result;
	result = hq_invite(hq, asking->act->batch, &invite, &code, err);
	if (result == ERR_NOT_FOUND)
		return asking_refuse(asking, &refusal_unknown_site,
				     name_span(&invite.like));
	if (result == ERR_CONFLICT)
		return asking_refuse(asking, &is_invited,
				     name_span(&invite.site));
	if (result != ERR_OK)
		return result;
	code.host = host;
	result = invited_out(asking, hq, &invite, &code, err);
	seal_wipe(&code, sizeof(code));
	return result;
}

static enum err_code withdraw(struct asking *asking, struct err *err)
{
	const struct hq *hq = asking_hq(asking);
	struct json_range range = {1, JOIN_NUMBER_MAX};
	char text[16];
	int64_t number;
	enum err_code code;

	if (hq == NULL || !asking_int(asking, "invitation", range, &number))
		return ERR_OK;
	(void)text_format(text, sizeof(text), "%" PRId64, number);
	code = hq_withdraw(hq, asking->act->batch, (uint32_t)number, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &no_invitation, span_of(text));
	if (code == ERR_CONFLICT)
		return asking_refuse(asking, &was_used, span_of(text));
	if (code == ERR_OK)
		out_int_at(asking->out, "invitation", number);
	return code;
}

/* ---- a box that was there ---- */

static enum err_code admit(struct asking *asking, struct err *err)
{
	const struct hq *hq = asking_hq(asking);
	struct hq_admission admission;
	uint8_t frame[ARMOUR_SIZE_MAX];
	enum armour_fault fault;
	struct refusal why = {.code = "bad_file"};
	char where[16];
	unsigned line = 0;
	size_t size = 0;
	enum err_code code;

	if (hq == NULL)
		return ERR_OK;
	fault = ask_file_read(asking->command->file, frame, &size, &line);
	(void)text_format(where, sizeof(where), "%u", line);
	why.en = armour_fault_text(fault, false);
	why.zh = armour_fault_text(fault, true);
	if (fault != ARMOUR_SOUND)
		return asking_refuse(asking, &why, span_of(where));
	code = hq_admit(hq, asking->act->batch,
			(struct span){(const char *)frame, size}, &admission,
			err);
	if (code == ERR_DENIED)
		return asking_refuse(asking, &a_stranger, SPAN_LITERAL(""));
	if (code != ERR_OK)
		return code;
	if (admission.refusal != JOIN_WELCOME) {
		why.code = "join_refused";
		why.en = join_refusal_text(admission.refusal, false);
		why.zh = join_refusal_text(admission.refusal, true);
		return asking_refuse(asking, &why, SPAN_LITERAL(""));
	}
	out_int_at(asking->out, "site", admission.site);
	out_text_at(asking->out, "name", name_span(&admission.name));
	out_int_at(asking->out, "epoch", admission.epoch);
	out_int_at(asking->out, "invitation", admission.number);
	return ERR_OK;
}

/* ---- ending ---- */

/* "site" by name. False: refused, or *@ret_code tells. */
static bool site_find(struct asking *asking, struct certificate *site,
		      enum err_code *ret_code, struct err *err)
{
	struct name name = {.size = 0};

	*ret_code = ERR_OK;
	if (!name_read(asking, "site", true, &name))
		return false;
	*ret_code =
		roster_site_named(asking->view, name_span(&name), site, err);
	if (*ret_code == ERR_NOT_FOUND)
		*ret_code = asking_refuse(asking, &refusal_unknown_site,
					  name_span(&name));
	else if (*ret_code == ERR_OK && site->site <= SITE_FIRST)
		*ret_code = asking_refuse(asking, &own_feed, name_span(&name));
	return *ret_code == ERR_OK && !asking->is_refused;
}

static enum err_code end_run(struct asking *asking, struct hq_ending *ending,
			     struct err *err)
{
	const struct hq *hq = asking_hq(asking);
	struct certificate site;
	struct fence fence;
	enum err_code code;

	if (hq == NULL || !reason_read(asking, &ending->reason))
		return ERR_OK;
	if (!site_find(asking, &site, &code, err))
		return code;
	ending->site = site.site;
	code = hq_end(hq, asking->act->batch, ending, &fence, err);
	if (code == ERR_NOT_FOUND || code == ERR_INVALID)
		return asking_refuse(asking, &not_held, name_span(&site.name));
	if (code == ERR_CONFLICT)
		return asking_refuse(asking, &is_forked, name_span(&site.name));
	if (code != ERR_OK)
		return code;
	ending->epoch = fence.epoch;
	out_int_at(asking->out, "site", fence.site);
	out_text_at(asking->out, "name", name_span(&site.name));
	out_int_at(asking->out, "epoch", fence.epoch);
	out_int_at(asking->out, "seq", (int64_t)fence.seq);
	out_string_at(asking->out, "verdict",
		      term_name(TERM_FENCE, fence.verdict));
	return ERR_OK;
}

static enum err_code revoke(struct asking *asking, struct err *err)
{
	struct hq_ending ending = {.is_revoked = true};

	return end_run(asking, &ending, err);
}

/* What lay in its bins, for who closes it to see: of all lives up to @epoch and
 * of all their branches, as far as they count. */
struct bins {
	const struct view *view;
	uint32_t site;
	uint32_t epoch;
	struct qty units;
	bool has_overflown;
	int64_t cells;
};

static enum err_code bins_add(void *context, const struct site_balance_key *key,
			      const struct balance *balance, struct err *err)
{
	struct bins *bins = context;

	(void)err;
	if (key->place.kind != PLACE_BIN)
		return ERR_OK;
	for (size_t i = 0; i < balance->count; i++) {
		struct qty units = balance->cells[i].quantity;

		bins->cells += units.units != 0;
		bins->has_overflown |=
			!qty_add(bins->units, units, &bins->units);
	}
	return ERR_OK;
}

static enum err_code bins_of_feed(void *context, const struct feed_record *feed,
				  struct err *err)
{
	struct bins *bins = context;

	if (feed->id.site != bins->site || feed->id.epoch > bins->epoch)
		return ERR_OK;
	return site_balance_walk(bins->view, &feed->id, bins_add, bins, err);
}

static void bins_out(struct asking *asking, const struct bins *bins)
{
	/* Others' books may say more than there are numbers for. */
	if (bins->has_overflown)
		out_null_at(asking->out, "written_off");
	else
		out_int_at(asking->out, "written_off", bins->units.units);
	out_int_at(asking->out, "cells", bins->cells);
}

struct ways {
	uint32_t site;
	struct json_out *out;
};

static enum err_code
way_out(void *context, const struct transfer_record *record, struct err *err)
{
	const struct ways *ways = context;
	struct span name = place_name_span(&record->id);
	struct transfer_id id;

	(void)err;
	if (transfer_id_parse(name, &id) &&
	    (id.from == ways->site || id.to == ways->site) &&
	    !transfer_is_closed(&record->states))
		out_text(ways->out, name);
	return ERR_OK;
}

/* What the site said last is compared before HQ goes on from there. */
static enum err_code seal_look(struct asking *asking, struct err *err)
{
	const struct hq *hq = asking_hq(asking);
	enum closing_verdict verdict = CLOSING_OPEN;
	uint32_t waiting = 0;
	struct certificate site;
	struct feed_id id;
	bool is_anyway;
	enum err_code code;

	if (hq == NULL || !asking_bool_or(asking, "anyway", false, &is_anyway))
		return ERR_OK;
	if (!site_find(asking, &site, &code, err))
		return code;
	code = hq_waits(asking->view, site.site, &waiting, err);
	if (code != ERR_OK)
		return code;
	if (waiting != 0 && !is_anyway)
		return asking_refuse(asking, &epoch_waits,
				     name_span(&site.name));
	id = (struct feed_id){site.site, site.epoch, 0};
	code = closing_compare(asking->view, hq->identity->net_id, id, &verdict,
			       err);
	if (code != ERR_OK)
		return code;
	if (verdict == CLOSING_DIFFERS && !is_anyway)
		return asking_refuse(asking, &seal_differs,
				     name_span(&site.name));
	if (verdict != CLOSING_OPEN)
		out_string_at(asking->out, "seal",
			      verdict == CLOSING_AGREES ? "agrees" : "differs");
	return ERR_OK;
}

/* HQ has the last word of a site that can say none any more. */
static enum err_code close_site(struct asking *asking, struct err *err)
{
	struct hq_ending ending = {.is_closed = true};
	struct bins bins = {.view = asking->view};
	struct ways ways = {.out = asking->out};
	enum err_code code = seal_look(asking, err);

	if (code == ERR_OK && !asking->is_refused)
		code = end_run(asking, &ending, err);
	if (code != ERR_OK || asking->is_refused)
		return code;
	ways.site = ending.site;
	bins.site = ending.site;
	bins.epoch = ending.epoch;
	code = feed_walk(asking->view, NULL, bins_of_feed, &bins, err);
	bins_out(asking, &bins);
	out_array_at(asking->out, "transfers");
	if (code == ERR_OK)
		code = transfer_walk(asking->view, SPAN_LITERAL(""), way_out,
				     &ways, err);
	out_array_end(asking->out);
	return code;
}

static enum err_code fence(struct asking *asking, struct err *err)
{
	struct json_range epochs = {0, EPOCH_MAX};
	struct json_range seqs = {-1, INT64_MAX};
	struct hq_ending ending = {.is_revoked = false};
	int64_t epoch;
	int64_t seq;

	if (!asking_int_or(asking, "epoch", epochs, 0, &epoch) ||
	    !asking_int_or(asking, "seq", seqs, -1, &seq))
		return ERR_OK;
	ending.epoch = (uint32_t)epoch;
	ending.has_seq = seq >= 0;
	ending.seq = ending.has_seq ? (uint64_t)seq : 0;
	return end_run(asking, &ending, err);
}

/* ---- what will never arrive ---- */

static enum err_code write_off(struct asking *asking, struct err *err)
{
	const struct hq *hq = asking_hq(asking);
	struct hq_write_off off;
	struct transfer_record record;
	struct reason reason;
	struct span id;
	int64_t units = 0;
	enum err_code code;

	if (hq == NULL ||
	    !asking_text(asking, "transfer", PLACE_NAME_SIZE_MAX, &id) ||
	    !reason_read(asking, &reason))
		return ERR_OK;
	code = transfer_get(asking->view, id, &record, err);
	if (code == ERR_OK && transfer_is_closed(&record.states) &&
	    record.unsettled == 0)
		return asking_refuse(asking, &is_over, id);
	off = (struct hq_write_off){place_name_span(&record.id),
				    reason.size > 0 ? reason_span(&reason)
						    : SPAN_LITERAL("lost")};
	if (code == ERR_OK)
		code = hq_write_off(hq, asking->act->batch, &off, &units, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &unknown_transfer, id);
	if (code != ERR_OK)
		return code;
	out_text_at(asking->out, "transfer", id);
	out_int_at(asking->out, "units", units);
	return ERR_OK;
}

static const struct command_row rows[] = {
	{{"hq.invite", COMMAND_WRITE, RIGHTS_SITE}, invite_run, NULL},
	{{"hq.withdraw", COMMAND_WRITE, RIGHTS_SITE}, withdraw, NULL},
	{{"hq.admit", COMMAND_WRITE, RIGHTS_SITE}, admit, NULL},
	{{"hq.revoke", COMMAND_WRITE, RIGHTS_SITE}, revoke, NULL},
	{{"hq.fence", COMMAND_WRITE, RIGHTS_SITE}, fence, NULL},
	{{"hq.confirm", COMMAND_WRITE, RIGHTS_SITE}, hq_confirm, NULL},
	{{"hq.close", COMMAND_WRITE, RIGHTS_SITE}, close_site, NULL},
	{{"hq.write_off", COMMAND_WRITE, RIGHTS_SITE}, write_off, NULL},
};
const struct command_table hq_commands = {rows, ARRAY_LEN(rows)};
