#include "store/audit_network.h"

#include <inttypes.h>
#include <stdlib.h>

#include "store/audit_network_work.h"
#include "store/past.h"
#include "store/sentence.h"

/* ---- what was found ---- */

void network_report(struct network_audit *audit,
		    const struct network_finding *finding)
{
	struct network_result *result = &audit->result;

	if (result->findings < NETWORK_FINDINGS_MAX)
		result->list[result->findings] = *finding;
	result->findings++;
}

void network_unexplained(struct network_audit *audit, int64_t stored,
			 int64_t computed)
{
	uint64_t more = (uint64_t)stored - (uint64_t)computed;
	uint64_t units = stored > computed ? more : -more;

	if (__builtin_add_overflow(audit->result.unexplained, units,
				   &audit->result.unexplained))
		audit->result.unexplained = UINT64_MAX;
}

enum err_code no_memory(struct err *err)
{
	return err_set(err, ERR_FULL, "out of memory");
}

/* ---- sums ---- */

enum err_code sums_at(struct sums *sums, struct span key, struct sum **ret_sum)
{
	void *array = sums->at;
	uint32_t number;
	enum err_code code = intern_add(&sums->keys, key, &number);

	if (code == ERR_OK)
		code = array_reserve(&array, &sums->capacity, sums->keys.count,
				     sizeof(*sums->at));
	sums->at = array;
	if (code == ERR_OK)
		*ret_sum = &sums->at[number];
	return code;
}

void sums_release(struct sums *sums)
{
	intern_release(&sums->keys);
	free(sums->at);
	*sums = (struct sums){.capacity = 0};
}

/* ---- items ---- */

static void items_end(struct network_audit *audit)
{
	for (uint32_t i = 0; i < audit->items.keys.count; i++) {
		struct network_finding finding = {
			.kind = NETWORK_SUM,
			.stored = audit->items.at[i].units};

		if (finding.stored == 0)
			continue;
		if (!sku_set(&finding.item, intern_key(&audit->items.keys, i)))
			finding.item.size = 0;
		network_report(audit, &finding);
	}
}

/* ---- all of it ---- */

static enum err_code feed_visit(void *context, const struct feed_record *feed,
				struct err *err)
{
	struct network_audit *audit = context;
	enum err_code code;

	if (feed->id.site != audit->site) {
		network_site_end(audit);
		network_site_begin(audit, feed->id.site);
	}
	audit->feed = feed;
	audit->result.feeds++;
	audit->is_compared = false;
	code = past_is_ours(audit->view, feed->id, feed->is_own,
			    &audit->is_ours, err);
	if (code == ERR_OK)
		code = network_feed_read(audit, err);
	if (code == ERR_OK && !audit->is_compared)
		code = network_feed_compare(audit, err);
	sums_release(&audit->cells);
	return code;
}

static enum err_code run(struct network_audit *audit, struct err *err)
{
	enum err_code code =
		view_count(audit->view, TABLE_DELTA, &audit->deltas_total, err);

	if (code == ERR_OK)
		code = rows_open(&audit->rows, err);
	if (code == ERR_OK)
		code = feed_walk(audit->view, NULL, feed_visit, audit, err);
	network_site_end(audit);
	items_end(audit);
	if (code == ERR_OK)
		code = network_witnesses(audit, err);
	if (code == ERR_OK)
		code = network_transfers(audit, err);
	return code;
}

static void audit_free(struct network_audit *audit)
{
	rows_close(audit->rows);
	sums_release(&audit->cells);
	sums_release(&audit->site_cells);
	sums_release(&audit->items);
	intern_release(&audit->said.keys);
	free(audit->said.at);
	free(audit->said.is_seen);
	told_close(audit->told);
	free(audit);
}

enum err_code audit_network_run(const struct view *view,
				const struct network_plan *plan,
				struct network_result *ret_result,
				struct err *err)
{
	struct network_audit *audit = calloc(1, sizeof(*audit));
	enum err_code code;

	if (audit == NULL)
		return no_memory(err);
	audit->view = view;
	audit->plan = plan;
	code = told_open(plan->net_id, &audit->told, err);
	if (code == ERR_OK)
		code = run(audit, err);
	if (code == ERR_OK)
		*ret_result = audit->result;
	audit_free(audit);
	if (code != ERR_OK)
		return err_wrap(err, code, "audit of the network");
	return ERR_OK;
}

bool network_is_clean(const struct network_result *result)
{
	return result->findings == 0 && result->unexplained == 0;
}

/* ---- words ---- */

/* %f feed, %s seq, %w peer, %p entry, %i item, %l place and lot, %a stored, %b
 * computed
 */
static const struct {
	const char *name;
	const char *en;
	const char *zh;
} words[] = {
	[NETWORK_MISSING] = {"missing", "feed %f: delta %s is missing",
			     "日志流 %f：缺少增量 %s"},
	[NETWORK_CHAIN] = {"chain",
			   "feed %f: delta %s does not follow the one before",
			   "日志流 %f：增量 %s 与前一增量不衔接"},
	[NETWORK_ROWS] = {"rows",
			  "feed %f: the rows of delta %s are not those that "
			  "were signed",
			  "日志流 %f：增量 %s 的内容与签名不符"},
	[NETWORK_SIGNATURE] = {"signature",
			       "feed %f: delta %s is not signed by its site",
			       "日志流 %f：增量 %s 的签名不是该站点的"},
	[NETWORK_STRANGER] = {"stranger", "feed %f has no certificate",
			      "日志流 %f 没有证书"},
	[NETWORK_HEAD] = {"head", "feed %f: its record is not its end, %s",
			  "日志流 %f：记录与其末尾 %s 不符"},
	[NETWORK_BALANCE] =
		{"balance",
		 "feed %f, %i in %l: the table says %a, the entries "
		 "say %b; last touched by %p",
		 "日志流 %f，%i 在 %l：表中为 %a，按记录应为 "
		 "%b；最后变动 %p"},
	[NETWORK_SUM] = {"sum", "%i does not sum to 0 over all places: %a",
			 "%i 各处合计不为 0：%a"},
	[NETWORK_NEGATIVE] = {"negative",
			      "feed %f, %i in %l is below zero: %a; last "
			      "touched by %p",
			      "日志流 %f，%i 在 %l 为负数：%a；最后变动 %p"},
	[NETWORK_TRANSFER] = {"transfer",
			      "%l, %i: the table says %a, the feeds say %b",
			      "%l，%i：表中为 %a，按日志流应为 %b"},
	[NETWORK_RESIDUE] = {"residue",
			     "%l is closed, and %a of %i are still in transit",
			     "%l 已关闭，仍有 %a 个 %i 在途"},
	[NETWORK_UNSOUND] = {"unsound", "%l, %i: what was said cannot be",
			     "%l，%i：所述数量不可能成立"},
	[NETWORK_DAMAGED] = {"damaged",
			     "feed %f: a row is damaged at %s: run depot "
			     "verify",
			     "日志流 %f：%s 处的数据行已损坏：请运行 depot "
			     "verify"},
	[NETWORK_WITNESS] =
		{"witness",
		 "feed %f: site %w has signed to hold another delta %s than is "
		 "here: one of the two stores was changed",
		 "日志流 %f：站点 %w 签名确认持有的增量 %s 与本机不同："
		 "两者之一被改动过"},
	[NETWORK_SEAL] = {"seal",
			  "feed %f: its site closed it with other balances "
			  "than its entries come to here",
			  "日志流 %f：站点关闭时签名的余额与本机按其记录算出的"
			  "不同"},
};

const char *network_finding_name(enum network_finding_kind kind)
{
	ASSERT(kind >= NETWORK_MISSING && kind <= NETWORK_FINDING_MAX);
	return words[kind].name;
}

static void word_of(const void *context, char letter, char *word)
{
	const struct network_finding *finding = context;
	int64_t number = letter == 'a' ? finding->stored : finding->computed;

	if (letter == 'f')
		(void)text_format(word, SENTENCE_WORD_SIZE,
				  "%" PRIu32 ".%" PRIu32, finding->feed.site,
				  finding->feed.epoch);
	else if (letter == 's')
		(void)text_format(word, SENTENCE_WORD_SIZE, "%" PRIu64,
				  finding->seq);
	else if (letter == 'w')
		(void)text_format(word, SENTENCE_WORD_SIZE, "%" PRIu32,
				  finding->peer);
	else if (letter == 'p')
		sentence_pos(finding->pos, word);
	else if (letter == 'i')
		sentence_item(&finding->item, word);
	else if (letter == 'l')
		sentence_place(&finding->place, &finding->lot, word);
	else
		(void)text_format(word, SENTENCE_WORD_SIZE, "%" PRId64, number);
}

void network_finding_print(const struct network_finding *finding,
			   bool is_chinese, char *buffer, size_t size)
{
	struct sentence sentence = {.word = word_of, .context = finding};

	ASSERT(finding->kind >= NETWORK_MISSING &&
	       finding->kind <= NETWORK_FINDING_MAX);
	sentence.form =
		is_chinese ? words[finding->kind].zh : words[finding->kind].en;
	sentence_print(&sentence, buffer, size);
}
