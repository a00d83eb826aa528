/*
 * What the audit found, in words.
 */
#include "store/audit.h"

#include <inttypes.h>

#include "store/sentence.h"

/*
 * The sentences name what they need by letters:
 *   %p entry, %t table, %i item, %l place, %s stored, %c computed
 */
static const struct {
	const char *name;
	const char *en;
	const char *zh;
} words[] = {
	[FINDING_GAP] = {"gap", "entry %p is missing from the journal",
			 "日志缺少条目 %p"},
	[FINDING_CHAIN] = {"chain",
			   "entry %p is not the one that was written: the "
			   "chain breaks there",
			   "条目 %p 与写入时不符：校验链在此断开"},
	[FINDING_GARBLED] = {"garbled", "entry %p cannot be read",
			     "条目 %p 无法读取"},
	[FINDING_UNSOUND] = {"unsound", "entry %p says what cannot be",
			     "条目 %p 的内容不成立"},
	[FINDING_STAMP] = {"stamp",
			   "entry %p is stamped no later than the one before",
			   "条目 %p 的时间戳不晚于前一条"},
	[FINDING_EPOCH] = {"epoch",
			   "at entry %p an epoch does not follow on the one "
			   "before it",
			   "在条目 %p 处，纪元未与前一纪元衔接"},
	[FINDING_HEAD] = {"head",
			  "the journal ends at entry %p, but its head row "
			  "says otherwise",
			  "日志止于条目 %p，但头记录与此不符"},
	[FINDING_ROW] = {"row", "a row of table %t is damaged",
			 "表 %t 中有一行已损坏"},
	[FINDING_NAME] = {"name",
			  "in table %t a name and its number do not lead to "
			  "each other",
			  "表 %t 中名称与编号不能互相对应"},
	[FINDING_BALANCE] = {"balance",
			     "%i in %l: the balance says %s, the journal %c",
			     "%i 在 %l：余额为 %s，日志为 %c"},
	[FINDING_TOUCHED] = {"touched",
			     "%i in %l: the balance names another last "
			     "movement than the journal",
			     "%i 在 %l：余额记录的最后移动与日志不同"},
	[FINDING_MISSING] = {"missing",
			     "table %t lacks a row that the journal made: %i "
			     "in %l",
			     "表 %t 缺少日志产生的一行：%i 在 %l"},
	[FINDING_EXTRA] = {"extra",
			   "table %t has a row that no movement made: %i in "
			   "%l",
			   "表 %t 中有一行不是任何移动产生的：%i 在 %l"},
	[FINDING_SUM] = {"sum", "%i sums to %s over all places, must be 0",
			 "%i 在所有位置的合计为 %s，应为 0"},
	[FINDING_NEGATIVE] = {"negative",
			      "a bin is below zero: %i in %l: %s (entry %p)",
			      "库位为负：%i 在 %l：%s（条目 %p）"},
	[FINDING_TALLY] = {"tally",
			   "%i: on hand %s is not the sum of its parts",
			   "%i：现货库存 %s 与各组成部分之和不符"},
	[FINDING_PROMISE] = {"promise", "%i in %l: orders hold %s, the bin %c",
			     "%i 在 %l：订单占用 %s，库位中为 %c"},
	[FINDING_REASON] = {"reason",
			    "entry %p: %c of %i found or lost without count, "
			    "claim or reason",
			    "条目 %p：%i 的 %c 个单位盘盈或盘亏，"
			    "无盘点、索赔或原因"},
	[FINDING_OVERFLOW] = {"overflow", "a sum leaves 64 bits (entry %p)",
			      "合计超出 64 位（条目 %p）"},
	[FINDING_TRANSIT] = {"transit",
			     "%i in %l: table %t says %s, the movements %c",
			     "%i 在 %l：表 %t 为 %s，移动记录为 %c"},
	[FINDING_RESIDUE] = {"residue",
			     "%l is closed, and %c of %i are still in transit",
			     "%l 已关闭，但仍有 %c 个 %i 在途"},
};

const char *finding_name(enum finding_kind kind)
{
	ASSERT(kind >= FINDING_GAP && kind <= FINDING_KIND_MAX);
	return words[kind].name;
}

static void word_of(const void *context, char letter, char *word)
{
	const struct finding *finding = context;

	switch (letter) {
	case 'p':
		sentence_pos(finding->pos, word);
		break;
	case 't':
		(void)text_format(word, SENTENCE_WORD_SIZE, "%s",
				  table_name(finding->table));
		break;
	case 'i':
		sentence_item(&finding->item, word);
		break;
	case 'l':
		sentence_place(&finding->place, &finding->lot, word);
		break;
	case 's':
		(void)text_format(word, SENTENCE_WORD_SIZE, "%" PRId64,
				  finding->stored);
		break;
	case 'c':
		(void)text_format(word, SENTENCE_WORD_SIZE, "%" PRId64,
				  finding->computed);
		break;
	default:
		ASSERT(letter == 'p');
	}
}

void finding_print(const struct finding *finding, bool is_chinese, char *buffer,
		   size_t size)
{
	struct sentence sentence = {.word = word_of, .context = finding};

	ASSERT(finding->kind >= FINDING_GAP &&
	       finding->kind <= FINDING_KIND_MAX);
	sentence.form =
		is_chinese ? words[finding->kind].zh : words[finding->kind].en;
	sentence_print(&sentence, buffer, size);
}
