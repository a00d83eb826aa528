/*
 * Commands and queries about sites that began a new epoch, and about forks.
 */
#include "gateway/core/page.h"

#include <inttypes.h>
#include <string.h>

#include "gateway/core/fork_file.h"
#include "gateway/core/hq_ask.h"
#include "gateway/core/hq_succeed.h"
#include "gateway/core/rights.h"
#include "gateway/ingest/gs1_chars.h"
#include "store/roster.h"

static const struct refusal none_waits = {
	"no_successor", "no such epoch of %s waits to be certified",
	"%s 没有这样的纪元在等待认证"};
static const struct refusal many_wait = {
	"several_successors",
	"more than one epoch of %s waits, or that one is certified: depot hq "
	"successors shows them, --epoch N names one",
	"%s 有多个纪元在等待，或该纪元已认证：depot hq successors 可查看，用 "
	"--epoch N 指定"};
static const struct refusal not_vouched = {
	"not_vouched",
	"nobody vouches for the key of %s: give it with --key, as the box "
	"shows it",
	"没有人为 %s 的密钥担保：请用 --key 给出盒子上显示的密钥"};
static const struct refusal bad_key = {
	"bad_key",
	"%s is not the key of that site's epoch: copy it, with the eight "
	"digits "
	"behind the dash, from depot hq successors on the box",
	"%s 不是该站点该纪元的密钥：请从盒子上的 depot hq successors "
	"抄写，包括短横后的八位"};
static const struct refusal other_key = {
	"other_key",
	"the new epoch of %s has another key: depot hq successors shows it",
	"%s 的新纪元使用另一个密钥：depot hq successors 可查看"};
static const struct refusal bad_branch = {
	"unknown_branch", "%s is no branch that HQ holds, or not so long",
	"%s 不是总部持有的分支，或没有这么长"};
static const struct refusal own_epoch = {
	"own_epoch",
	"HQ's own ledger goes on in that epoch: --epoch names the one that "
	"forked",
	"总部自己的账本正在该纪元中继续：请用 --epoch 指定已分叉的纪元"};
static const struct refusal no_fork = {"unknown_fork", "there is no fork %s",
				       "没有分叉 %s"};

/* ---- hexadecimal ---- */

/* Lower-case hexadecimal of @size bytes: twice as many characters. */
static void hex_write(const uint8_t *bytes, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
}

static void hex_out(struct json_out *out, const char *key, const uint8_t *bytes,
		    size_t size)
{
	char text[2 * HASH_SIZE];

	ASSERT(size <= HASH_SIZE);
	hex_write(bytes, size, text);
	out_text_at(out, key, (struct span){text, 2 * size});
}

static bool hex_in(struct span text, uint8_t *bytes, size_t size)
{
	if (text.size != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = gs1_hex(text.data[2 * i]);
		int low = gs1_hex(text.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* ---- a key as people carry it ---- */

#define KEY_DIGITS (2 * KEY_PUBLIC_SIZE)
#define KEY_TEXT_SIZE (KEY_DIGITS + 1 + 2 * HEIR_CHECK_SIZE)

static enum err_code net_of(const struct asking *asking,
			    uint8_t net_id[NET_ID_SIZE], struct err *err)
{
	struct root root;
	enum err_code code = roster_root(asking->view, &root, err);

	if (code == ERR_OK)
		keys_net_id(root.root_public, net_id);
	return code;
}

/* "KEY-CHECK". */
static void key_out(struct json_out *out, const uint8_t net_id[NET_ID_SIZE],
		    const struct heir *heir)
{
	uint8_t check[HEIR_CHECK_SIZE];
	char text[KEY_TEXT_SIZE];

	heir_key_check(net_id, heir, check);
	hex_write(heir->public_key, KEY_PUBLIC_SIZE, text);
	text[KEY_DIGITS] = '-';
	hex_write(check, sizeof(check), text + KEY_DIGITS + 1);
	out_text_at(out, "key", (struct span){text, sizeof(text)});
}

/* False: not in that form. */
static bool key_in(struct span text, uint8_t key[KEY_PUBLIC_SIZE],
		   uint8_t check[HEIR_CHECK_SIZE])
{
	const char *at = text.data;

	return text.size == KEY_TEXT_SIZE && at[KEY_DIGITS] == '-' &&
	       hex_in((struct span){at, KEY_DIGITS}, key, KEY_PUBLIC_SIZE) &&
	       hex_in((struct span){at + KEY_DIGITS + 1, 2 * HEIR_CHECK_SIZE},
		      check, HEIR_CHECK_SIZE);
}

/*
 * What was mistyped would be certified for an epoch that nobody has heard of,
 * and no delta of it would ever be believed. Where no epoch is named the key
 * has to be the one that was heard.
 */
static enum err_code key_judge(struct asking *asking, struct span text,
			       const struct hq_succeeding *succeeding,
			       struct err *err)
{
	struct heir heir = {.site = succeeding->site,
			    .epoch = succeeding->epoch};
	uint8_t net_id[NET_ID_SIZE];
	uint8_t typed[HEIR_CHECK_SIZE];
	uint8_t check[HEIR_CHECK_SIZE];
	enum err_code code;

	if (!succeeding->has_key || succeeding->epoch == 0)
		return ERR_OK;
	if (!key_in(text, heir.public_key, typed))
		return asking_refuse(asking, &bad_key, text);
	code = net_of(asking, net_id, err);
	if (code != ERR_OK)
		return code;
	heir_key_check(net_id, &heir, check);
	if (memcmp(check, typed, sizeof(check)) != 0)
		return asking_refuse(asking, &bad_key, text);
	return ERR_OK;
}

/* ---- words of a command ---- */

/* False: refused, or *@ret_code says why. */
static bool site_find(struct asking *asking, struct certificate *site,
		      enum err_code *ret_code, struct err *err)
{
	struct span name;

	*ret_code = ERR_OK;
	if (!asking_text(asking, "site", NAME_SIZE_MAX, &name))
		return false;
	*ret_code = roster_site_named(asking->view, name, site, err);
	if (*ret_code == ERR_NOT_FOUND ||
	    (*ret_code == ERR_OK && site->site < SITE_FIRST))
		*ret_code = asking_refuse(asking, &refusal_unknown_site, name);
	return *ret_code == ERR_OK && !asking->is_refused;
}

static bool epoch_read(struct asking *asking, uint32_t *ret_epoch)
{
	int64_t epoch;

	if (!asking_int_or(asking, "epoch", (struct json_range){0, EPOCH_MAX},
			   0, &epoch))
		return false;
	*ret_epoch = (uint32_t)epoch;
	return true;
}

static bool reason_read(struct asking *asking, struct reason *ret_reason)
{
	struct span text;

	return asking_text_or(asking, "reason", REASON_SIZE_MAX, &text) &&
	       reason_set(ret_reason, text);
}

/* ---- HQ's word ---- */

static bool key_read(struct asking *asking, struct hq_succeeding *succeeding,
		     struct span *ret_text)
{
	uint8_t check[HEIR_CHECK_SIZE];

	if (!asking_text_or(asking, "key", KEY_TEXT_SIZE, ret_text))
		return false;
	succeeding->has_key = ret_text->size > 0;
	if (succeeding->has_key &&
	    !key_in(*ret_text, succeeding->public_key, check))
		(void)asking_refuse(asking, &bad_key, *ret_text);
	return !asking->is_refused;
}

static void succeeded_out(struct asking *asking,
			  const struct hq_succeeded *succeeded)
{
	const struct certificate *certificate = &succeeded->certificate;

	out_int_at(asking->out, "site", certificate->site);
	out_text_at(asking->out, "name", name_span(&certificate->name));
	out_int_at(asking->out, "epoch", certificate->epoch);
	out_int_at(asking->out, "parent_epoch", certificate->parent_epoch);
	if (succeeded->is_fenced)
		out_int_at(asking->out, "seq", (int64_t)succeeded->fence.seq);
}

static enum err_code succeed(struct asking *asking, struct err *err)
{
	struct hq_succeeding succeeding = {.epoch = 0};
	struct hq_succeeded succeeded;
	struct certificate site;
	const struct hq *hq = asking_hq(asking);
	struct span key;
	enum err_code code;

	if (hq == NULL || !reason_read(asking, &succeeding.reason) ||
	    !epoch_read(asking, &succeeding.epoch) ||
	    !key_read(asking, &succeeding, &key))
		return ERR_OK;
	if (!site_find(asking, &site, &code, err))
		return code;
	succeeding.site = site.site;
	code = key_judge(asking, key, &succeeding, err);
	if (code != ERR_OK || asking->is_refused)
		return code;
	code = hq_succeed(hq, asking->act->batch, &succeeding, &succeeded, err);
	if (code == ERR_NOT_FOUND)
		return asking_refuse(asking, &none_waits,
				     name_span(&site.name));
	if (code == ERR_CONFLICT)
		return asking_refuse(asking, &many_wait, name_span(&site.name));
	if (code == ERR_DENIED)
		return asking_refuse(asking, &not_vouched,
				     name_span(&site.name));
	if (code == ERR_INVALID)
		return asking_refuse(asking, &other_key, name_span(&site.name));
	if (code == ERR_OK)
		succeeded_out(asking, &succeeded);
	return code;
}

static bool choice_read(struct asking *asking, struct hq_choice *choice,
			struct span *ret_branch)
{
	uint8_t bytes[sizeof(uint64_t)];
	struct json_range seqs = {-1, INT64_MAX};
	struct reader reader;
	int64_t seq;

	if (!reason_read(asking, &choice->reason) ||
	    !epoch_read(asking, &choice->branch.epoch) ||
	    !asking_int_or(asking, "seq", seqs, -1, &seq) ||
	    !asking_bool_or(asking, "drop", false, &choice->is_dropped) ||
	    !asking_text(asking, "branch", 2 * sizeof(bytes), ret_branch))
		return false;
	choice->has_seq = seq >= 0;
	choice->seq = choice->has_seq ? (uint64_t)seq : 0;
	if (!hex_in(*ret_branch, bytes, sizeof(bytes))) {
		(void)asking_refuse(asking, &bad_branch, *ret_branch);
		return false;
	}
	reader_init(&reader, bytes, sizeof(bytes));
	choice->branch.branch = read_u64(&reader);
	return true;
}

static enum err_code choose(struct asking *asking, struct err *err)
{
	struct hq_choice choice = {.has_seq = false};
	const struct hq *hq = asking_hq(asking);
	struct certificate site;
	struct fence fence;
	struct span branch;
	enum err_code code;

	if (hq == NULL || !choice_read(asking, &choice, &branch))
		return ERR_OK;
	if (!site_find(asking, &site, &code, err))
		return code;
	choice.branch.site = site.site;
	if (choice.branch.epoch == 0)
		choice.branch.epoch = site.epoch;
	code = hq_choose(hq, asking->act->batch, &choice, &fence, err);
	if (code == ERR_NOT_FOUND || code == ERR_INVALID)
		return asking_refuse(asking, &bad_branch, branch);
	if (code == ERR_DENIED)
		return asking_refuse(asking, &own_epoch, SPAN_LITERAL(""));
	if (code != ERR_OK)
		return code;
	out_int_at(asking->out, "site", fence.site);
	out_text_at(asking->out, "name", name_span(&site.name));
	out_int_at(asking->out, "epoch", fence.epoch);
	out_text_at(asking->out, "branch", branch);
	out_int_at(asking->out, "seq", (int64_t)fence.seq);
	out_string_at(asking->out, "verdict",
		      term_name(TERM_FENCE, fence.verdict));
	return ERR_OK;
}

/* ---- which sites began a new epoch ---- */

struct rows {
	struct page page;
	uint64_t number; /* of the row, from 1 */
	uint64_t after;  /* the last row of the page before */
	uint64_t wanted; /* fork.show */
	struct fork_file file;
	bool is_found;
};

static bool rows_begin(struct rows *rows, struct asking *asking,
		       const char *name)
{
	if (!page_begin(&rows->page, asking, name))
		return false;
	if (rows->page.after.size > 0 &&
	    !span_to_u64(rows->page.after, UINT64_MAX, &rows->after))
		rows->after = UINT64_MAX; /* nothing comes after that */
	return true;
}

static enum err_code row_end(struct rows *rows)
{
	char token[24];

	out_object_end(rows->page.asking->out);
	(void)text_format(token, sizeof(token), "%" PRIu64, rows->number);
	return page_row_end(&rows->page, span_of(token));
}

static enum err_code name_out(struct asking *asking, uint32_t site,
			      struct err *err)
{
	struct certificate certificate;
	enum err_code code = roster_site(asking->view, site, &certificate, err);

	out_int_at(asking->out, "site", site);
	if (code == ERR_OK)
		out_text_at(asking->out, "name", name_span(&certificate.name));
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static void succession_out(struct json_out *out,
			   const uint8_t net_id[NET_ID_SIZE],
			   const struct heir *heir)
{
	const struct succession *succession = &heir->succession;

	out_string_at(out, "reason",
		      term_name(TERM_SUCCESSION, succession->reason));
	out_int_at(out, "parent_epoch", succession->parent_epoch);
	out_int_at(out, "parent_seq", (int64_t)succession->parent_seq);
	if (succession->lost_first != 0) {
		out_int_at(out, "lost_first", (int64_t)succession->lost_first);
		out_int_at(out, "lost_last", (int64_t)succession->lost_last);
	}
	key_out(out, net_id, heir);
}

static enum err_code heir_row(void *context, const struct heir *heir,
			      struct err *err)
{
	struct rows *rows = context;
	struct asking *asking = rows->page.asking;
	struct feed_id id = {heir->site, heir->epoch, 0};
	struct feed_record feed = {.seq = 0};
	struct certificate certificate;
	enum err_code seen = roster_certificate(asking->view, heir->site,
						heir->epoch, &certificate, err);
	enum err_code code = feed_get(asking->view, id, &feed, err);

	if (seen != ERR_OK && seen != ERR_NOT_FOUND)
		return seen;
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (++rows->number <= rows->after)
		return ERR_OK;
	code = page_row(&rows->page);
	if (code != ERR_OK)
		return code;
	out_object(asking->out);
	code = name_out(asking, heir->site, err);
	out_int_at(asking->out, "epoch", heir->epoch);
	out_int_at(asking->out, "seq", (int64_t)feed.seq);
	out_string_at(asking->out, "standing",
		      seen == ERR_OK ? "certified" : "provisional");
	succession_out(asking->out, rows->file.net_id, heir);
	return code == ERR_OK ? row_end(rows) : code;
}

static enum err_code successors(struct asking *asking, struct err *err)
{
	struct rows rows = {.number = 0};
	enum err_code code = net_of(asking, rows.file.net_id, err);

	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (!rows_begin(&rows, asking, "successors"))
		return ERR_OK;
	return page_end(&rows.page,
			heir_walk(asking->view, heir_row, &rows, err));
}

/* ---- forks ---- */

static enum err_code branch_out(struct asking *asking, const char *key,
				const struct delta_header *header,
				const uint8_t net_id[NET_ID_SIZE],
				struct err *err)
{
	uint8_t hash[HASH_SIZE];
	struct feed_record feed;
	enum err_code code;

	delta_hash(net_id, header, hash);
	code = feed_get(asking->view,
			(struct feed_id){header->site, header->epoch,
					 feed_branch_of(hash)},
			&feed, err);
	out_object_at(asking->out, key);
	hex_out(asking->out, "branch", hash, sizeof(uint64_t));
	if (code == ERR_OK) {
		out_int_at(asking->out, "seq", (int64_t)feed.seq);
		out_int_at(asking->out, "counted", (int64_t)feed.counted);
		out_bool_at(asking->out, "own", feed.is_own);
	}
	out_object_end(asking->out);
	return code == ERR_NOT_FOUND ? ERR_OK : code;
}

static enum err_code fork_row(void *context, const struct fork_proof *proof,
			      struct err *err)
{
	struct rows *rows = context;
	struct asking *asking = rows->page.asking;
	enum err_code code;

	if (++rows->number <= rows->after)
		return ERR_OK;
	code = page_row(&rows->page);
	if (code != ERR_OK)
		return code;
	out_object(asking->out);
	out_int_at(asking->out, "fork", (int64_t)rows->number);
	code = name_out(asking, proof->first.site, err);
	out_int_at(asking->out, "epoch", proof->first.epoch);
	out_int_at(asking->out, "at", (int64_t)proof->first.seq);
	if (code == ERR_OK)
		code = branch_out(asking, "first", &proof->first,
				  rows->file.net_id, err);
	if (code == ERR_OK)
		code = branch_out(asking, "second", &proof->second,
				  rows->file.net_id, err);
	return code == ERR_OK ? row_end(rows) : code;
}

static enum err_code forks(struct asking *asking, struct err *err)
{
	struct rows rows = {.number = 0};
	enum err_code code = net_of(asking, rows.file.net_id, err);

	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (!rows_begin(&rows, asking, "forks"))
		return ERR_OK;
	return page_end(&rows.page,
			fork_walk(asking->view, fork_row, &rows, err));
}

static enum err_code writer_key(const struct view *view,
				const struct delta_header *header,
				uint8_t ret_key[KEY_PUBLIC_SIZE],
				struct err *err)
{
	struct root root;
	enum err_code code;

	if (header->site != SITE_CONTROL)
		return site_key_known(view, header->site, header->epoch,
				      ret_key, err);
	code = roster_root_of(view, header->epoch, &root, err);
	if (code == ERR_OK)
		memcpy(ret_key, root.public_key, KEY_PUBLIC_SIZE);
	return code;
}

static enum err_code fork_pick(void *context, const struct fork_proof *proof,
			       struct err *err)
{
	struct rows *rows = context;
	const struct view *view = rows->page.asking->view;
	enum err_code code;

	if (++rows->number != rows->wanted)
		return ERR_OK;
	rows->file.proof = *proof;
	code = writer_key(view, &proof->first, rows->file.public_key, err);
	rows->is_found = code == ERR_OK;
	return code == ERR_OK || code == ERR_NOT_FOUND ? ERR_STOPPED : code;
}

static enum err_code fork_show(struct asking *asking, struct err *err)
{
	char text[ARMOUR_TEXT_SIZE_MAX];
	char number[24];
	struct json_range range = {1, INT32_MAX};
	struct rows rows = {.page = {.asking = asking}};
	struct writer writer;
	int64_t wanted;
	size_t size;
	enum err_code code = net_of(asking, rows.file.net_id, err);

	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return code;
	if (!asking_int_or(asking, "fork", range, 1, &wanted))
		return ERR_OK;
	rows.wanted = (uint64_t)wanted;
	code = fork_walk(asking->view, fork_pick, &rows, err);
	if (code != ERR_OK && code != ERR_STOPPED)
		return code;
	(void)text_format(number, sizeof(number), "%" PRId64, wanted);
	if (!rows.is_found)
		return asking_refuse(asking, &no_fork, span_of(number));
	writer_init(&writer, text, sizeof(text));
	fork_file_write(&writer, &rows.file, &size);
	ASSERT(writer_ok(&writer));
	code = name_out(asking, rows.file.proof.first.site, err);
	out_int_at(asking->out, "epoch", rows.file.proof.first.epoch);
	out_int_at(asking->out, "at", (int64_t)rows.file.proof.first.seq);
	out_int_at(asking->out, "bytes", (int64_t)size);
	hex_out(asking->out, "key", rows.file.public_key, KEY_PUBLIC_SIZE);
	hex_out(asking->out, "net_id", rows.file.net_id, NET_ID_SIZE);
	out_text_at(asking->out, "file", (struct span){text, writer.size});
	return code;
}

static const struct command_row rows[] = {
	{{"hq.succeed", COMMAND_WRITE, RIGHTS_SITE}, succeed, NULL},
	{{"hq.choose", COMMAND_WRITE, RIGHTS_SITE}, choose, NULL},
	{{"hq.successors", COMMAND_QUERY, RIGHTS_READ}, successors, NULL},
	{{"fork.list", COMMAND_QUERY, RIGHTS_READ}, forks, NULL},
	{{"fork.show", COMMAND_QUERY, RIGHTS_READ}, fork_show, NULL},
};
const struct command_table succession_commands = {rows, ARRAY_LEN(rows)};
